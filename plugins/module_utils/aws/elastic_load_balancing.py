# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Elastic Load Balancing, classic and v2.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import AwsError
from ..core.health import target_group_name
from ..core.model import TargetHealth
from .calls import Calls

# DescribeTargetGroups: ARNs in one call.
MOST_TARGET_GROUPS = 20

MISSING_TARGET_GROUP = frozenset({"TargetGroupNotFound", "TargetGroupNotFoundException"})
MISSING_LOAD_BALANCER = frozenset(
    {"LoadBalancerNotFound", "AccessPointNotFound", "AccessPointNotFoundException"}
)


class LoadBalancing:
    """Load balancers, as the engine needs them. Every method raises RolloutError as C(Calls) does."""

    def __init__(self, calls: Calls) -> None:
        """Use the given way of calling."""
        self._call = calls

    def health(
        self, target_group_arns: Sequence[str], load_balancer_names: Sequence[str]
    ) -> list[TargetHealth]:
        """How target groups and classic load balancers see each of their instances."""
        found = []
        for arn in target_group_arns:
            answer = self._call(
                "elbv2",
                "DescribeTargetHealth",
                f"read the health of targets in {target_group_name(arn)}",
                TargetGroupArn=arn,
            )
            for item in answer["TargetHealthDescriptions"]:
                health = item.get("TargetHealth", {})
                found.append(
                    TargetHealth(
                        place=target_group_name(arn),
                        instance_id=item["Target"]["Id"],
                        state=health.get("State", ""),
                        reason=health.get("Reason", ""),
                    )
                )
        for name in load_balancer_names:
            answer = self._call(
                "elb",
                "DescribeInstanceHealth",
                f"read the health of instances in load balancer {name}",
                LoadBalancerName=name,
            )
            found.extend(
                TargetHealth(
                    place=name,
                    instance_id=item["InstanceId"],
                    state="healthy" if item.get("State") == "InService" else "unhealthy",
                    reason=item.get("ReasonCode", "") if item.get("State") != "InService" else "",
                )
                for item in answer["InstanceStates"]
            )
        return found

    def load_balancers(self, target_group_arns: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The ARNs of the load balancers behind each target group, by the target group's ARN."""
        found: dict[str, tuple[str, ...]] = {}
        for first in range(0, len(target_group_arns), MOST_TARGET_GROUPS):
            answer = self._call(
                "elbv2",
                "DescribeTargetGroups",
                "find the load balancers of target groups",
                TargetGroupArns=list(target_group_arns[first : first + MOST_TARGET_GROUPS]),
            )
            for item in answer["TargetGroups"]:
                found[item["TargetGroupArn"]] = tuple(item.get("LoadBalancerArns") or ())
        return found

    def missing(self, target_group_arns: Sequence[str], load_balancer_names: Sequence[str]) -> list[str]:
        """Say which of the given target groups and classic load balancers do not exist."""
        problems = []
        # One by one: asked for several, AWS does not say which of them is missing.
        for arn in target_group_arns:
            try:
                self._call("elbv2", "DescribeTargetGroups", f"read target group {arn}", TargetGroupArns=[arn])
            except AwsError as error:
                if error.code not in MISSING_TARGET_GROUP | {"ValidationError"}:
                    raise
                problems.append(f"there is no target group {arn} in this region")
        for name in load_balancer_names:
            try:
                self._call(
                    "elb",
                    "DescribeLoadBalancers",
                    f"read load balancer {name}",
                    LoadBalancerNames=[name],
                )
            except AwsError as error:
                if error.code not in MISSING_LOAD_BALANCER:
                    raise
                problems.append(f"there is no classic load balancer {name} in this region")
        return problems
