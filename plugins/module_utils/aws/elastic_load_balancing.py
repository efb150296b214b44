# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is healthy behind load balancers, classic and v2, and what zones they serve; the rest of Elastic Load Balancing
stands in C(listeners) and C(target_groups).

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import AwsError
from ..core.health import NOT_IN_USE, target_group_name
from ..core.model import EnabledZones, TargetHealth
from .calls import Calls

# DescribeTargetGroups and DescribeLoadBalancers: ARNs in one call.
MOST_TARGET_GROUPS = 20
MOST_LOAD_BALANCERS = 20
# The state of a target that no load balancer uses. Its reason is the same for a target group without a load balancer
# and for a zone that is not served: "The target group is not used by any load balancer or the target is in an
# Availability Zone that is not enabled for its load balancer" (TargetHealth).
UNUSED = "unused"
# What a classic load balancer says of the latter: one of the descriptions of InstanceState.
NOT_CONFIGURED = "Availability Zone for which LoadBalancer is not configured"

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
            items = answer["TargetHealthDescriptions"]
            # Only what has a load balancer can have one that leaves a zone out.
            unused = any(_is_not_in_use(item) for item in items)
            behind = bool(unused and self.load_balancers([arn]).get(arn))
            for item in items:
                health = item.get("TargetHealth", {})
                found.append(
                    TargetHealth(
                        place=target_group_name(arn),
                        instance_id=item["Target"]["Id"],
                        state=health.get("State", ""),
                        reason=health.get("Reason", ""),
                        unserved=behind and _is_not_in_use(item),
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
                    unserved=NOT_CONFIGURED in item.get("Description", ""),
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

    def enabled_zones(
        self, target_group_arns: Sequence[str], load_balancer_names: Sequence[str]
    ) -> list[EnabledZones]:
        """The zones that are served for each target group and classic load balancer.

        A target group without a load balancer is left out.
        """
        behind = self.load_balancers(target_group_arns)
        arns = sorted({arn for several in behind.values() for arn in several})
        balancers: dict[str, Mapping[str, Any]] = {}
        for first in range(0, len(arns), MOST_LOAD_BALANCERS):
            answer = self._call(
                "elbv2",
                "DescribeLoadBalancers",
                "read the zones of load balancers",
                LoadBalancerArns=arns[first : first + MOST_LOAD_BALANCERS],
            )
            balancers |= {item["LoadBalancerArn"]: item for item in answer["LoadBalancers"]}
        found = [
            EnabledZones(
                target_group_name(arn),
                tuple(str(balancers[one]["LoadBalancerName"]) for one in several),
                frozenset(
                    zone["ZoneName"] for one in several for zone in balancers[one]["AvailabilityZones"]
                ),
            )
            for arn, several in behind.items()
            if several
        ]
        for name in load_balancer_names:
            answer = self._call(
                "elb",
                "DescribeLoadBalancers",
                f"read the zones of load balancer {name}",
                LoadBalancerNames=[name],
            )
            found += [
                EnabledZones(name, (name,), frozenset(item["AvailabilityZones"]))
                for item in answer["LoadBalancerDescriptions"]
            ]
        return found

    def of_application_load_balancers(self, target_group_arns: Sequence[str]) -> list[str]:
        """Those of the target groups to which an Application Load Balancer forwards, which counts their requests."""
        found: list[str] = []
        for first in range(0, len(target_group_arns), MOST_TARGET_GROUPS):
            answer = self._call(
                "elbv2",
                "DescribeTargetGroups",
                "find out what counts the requests of target groups",
                TargetGroupArns=list(target_group_arns[first : first + MOST_TARGET_GROUPS]),
            )
            found += [
                item["TargetGroupArn"]
                for item in answer["TargetGroups"]
                if item.get("Protocol") in ("HTTP", "HTTPS") and item.get("LoadBalancerArns")
            ]
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


def _is_not_in_use(item: Mapping[str, Any]) -> bool:
    health = item.get("TargetHealth", {})
    return (health.get("State"), health.get("Reason")) == (UNUSED, NOT_IN_USE)
