# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates of health: has a group settled, and is it failing, and why?

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .model import Activity, Group, TargetHealth

# A group with one of these suspended cannot be brought to a steady state.
ESSENTIAL_PROCESSES = ("Launch", "Terminate")

# Instances that a group loses in one step before it counts as failing: one may be a spot interruption or a broken
# host, which heals by itself.
TOLERATED_REPLACEMENTS = 1

# A target group that no listener uses reports this reason, and never anything better
# (Elastic Load Balancing, "Health checks for your target groups", target health reason codes).
NOT_IN_USE = "Target.NotInUse"


def missing(
    group: Group, wanted: int, targets: Sequence[TargetHealth], *, registers: bool = True
) -> list[str]:
    """Say what keeps a group from having settled at C(wanted) instances; an empty list where nothing does.

    C(targets) is what the group's target groups and classic load balancers say, about any instance;
    C(registers) tells whether its instances are to be healthy there.
    """
    words = []
    in_service = len(group.in_service)
    if in_service != wanted:
        words.append(f"{in_service} of {wanted} instances in service")
    others = Counter(one.lifecycle_state for one in group.instances if not one.in_service)
    unhealthy = others.pop("InService", 0)
    words.extend(f"{number} in state {state}" for state, number in sorted(others.items()))
    if unhealthy:
        words.append(f"{unhealthy} unhealthy")
    if registers and "AddToLoadBalancer" not in group.suspended:
        words.extend(_missing_targets(group, targets))
    return words


def _missing_targets(group: Group, targets: Sequence[TargetHealth]) -> Iterable[str]:
    for place in places(group):
        seen = {target.instance_id: target for target in targets if target.place == place}
        wanted = [instance.instance_id for instance in group.in_service]
        healthy = sum(1 for one in wanted if one in seen and _counts_as_healthy(seen[one]))
        if healthy != len(wanted):
            reasons = sorted(
                {seen[one].reason or seen[one].state for one in wanted if one in seen}
                - {"healthy", NOT_IN_USE}
            )
            why = f" ({', '.join(reasons)})" if reasons else ""
            yield f"{healthy} of {len(wanted)} targets healthy in {place}{why}"


def _counts_as_healthy(target: TargetHealth) -> bool:
    return target.state == "healthy" or (target.state == "unused" and target.reason == NOT_IN_USE)


def places(group: Group) -> list[str]:
    """The names of a group's target groups and classic load balancers, as TargetHealth has them."""
    return [target_group_name(arn) for arn in group.target_group_arns] + list(group.load_balancer_names)


def target_group_name(arn: str) -> str:
    """The name in a target group's ARN: C(...:targetgroup/NAME/ID)."""
    parts = arn.split("/")
    return parts[1] if len(parts) > 1 else arn


def healthy_targets(group: Group, targets: Sequence[TargetHealth], place: str) -> int:
    """How many of a group's instances are healthy in a place."""
    ids = set(group.instance_ids)
    return sum(
        1 for one in targets if one.place == place and one.instance_id in ids and one.state == "healthy"
    )


@dataclass(frozen=True)
class Failure:
    """Why a group is failing, in AWS's words, and what to do about it."""

    answer: str
    remedy: str


# What AWS says of a failed launch ("Troubleshoot issues in Amazon EC2 Auto Scaling" and the error codes of the
# Amazon EC2 API reference), and what helps. The first that matches counts.
REMEDIES = (
    (
        r"image id|InvalidAMIID|\bAMI\b.*(not exist|not found|deregistered|disabled)",
        "Check that the AMI exists in this region, is available, and is shared with this account.",
    ),
    (
        r"InsufficientInstanceCapacity|sufficient .*capacity|no Spot capacity|capacity-not-available",
        "AWS has no capacity of this instance type in the zone: try again later, or give the base group more"
        " zones or instance types.",
    ),
    (
        r"vCPU|InstanceLimitExceeded|MaxSpotInstanceCountExceeded|limit exceeded|instance limit|quota",
        "Ask for a higher quota of running instances in Service Quotas, or end instances that are not needed.",
    ),
    (
        r"free addresses|InsufficientFreeAddressesInSubnet",
        "The subnet is full: free addresses in it, or give the base group further subnets.",
    ),
    (
        r"key pair|InvalidKeyPair",
        "Create the key pair in this region, or name another in the base's template.",
    ),
    (
        r"security group|InvalidGroup|InvalidSecurityGroup",
        "The security group is gone or of another VPC: correct it in the base's template.",
    ),
    (r"subnet", "Check that the base group's subnets exist."),
    (
        r"instance profile|IamInstanceProfile|iam:PassRole|IAM role",
        "Check that the instance profile exists and that its role may be passed.",
    ),
    (
        r"KMS|key state|InternalError.*launch|Client\.InternalError",
        "Auto Scaling's service-linked role may lack the use of the KMS key that encrypts a volume of the AMI.",
    ),
    (
        r"not authorized|UnauthorizedOperation|AccessDenied|permission",
        "Allow Auto Scaling's service-linked role, or the caller, the action that AWS names.",
    ),
    (
        r"architecture|not supported|Unsupported",
        "The instance type does not go with this AMI or zone: choose another type or an AMI of its architecture.",
    ),
    (
        r"launch template|launch configuration",
        "The launch template or configuration is gone: roll back and deploy again.",
    ),
    (r"block device|snapshot|volume", "Check the block devices of the base's template against the AMI."),
    (r"placement group", "Check the base's placement group."),
)
OTHER_REMEDY = "See the group's activity history for the whole story."


def remedy(status_message: str) -> str:
    """What to do about a failed launch, by what AWS said of it."""
    for pattern, advice in REMEDIES:
        if re.search(pattern, status_message, re.IGNORECASE):
            return advice
    return OTHER_REMEDY


def failure(activities: Sequence[Activity], wanted: int) -> Failure | None:
    """Tell whether the given activities of a group, those since the step began, mean that it is failing.

    A launch that failed does at once; so does losing instances again and again: more than one, and at least
    as many as are wanted.
    """
    failed = [one for one in activities if one.status_code == "Failed" and is_launch(one)]
    if failed:
        words = failed[0].status_message or failed[0].description
        return Failure(words, remedy(words))
    replaced = [one for one in activities if is_replacement(one)]
    if len(replaced) > TOLERATED_REPLACEMENTS and len(replaced) >= wanted:
        return Failure(
            f"{len(replaced)} instances were taken out of service one after the other; the last: {replaced[0].cause}",
            "The image starts but does not stay healthy: look at its health check and its own log.",
        )
    return None


def is_launch(activity: Activity) -> bool:
    """Whether an activity is the launch of an instance."""
    return activity.description.startswith("Launching")


def is_replacement(activity: Activity) -> bool:
    """Whether an activity takes out an instance because it was found unhealthy, not because of a resize."""
    return activity.description.startswith("Terminating") and bool(
        re.search(r"taken out of service in response to .*health", activity.cause)
    )


def process_problems(name: str, suspended: Iterable[str]) -> list[str]:
    """Say what is wrong with the processes suspended on a group that is to be resized, or copied to be."""
    stopped = sorted(set(suspended) & set(ESSENTIAL_PROCESSES))
    if not stopped:
        return []
    verb = "is" if len(stopped) == 1 else "are"
    return [
        f"{' and '.join(stopped)} {verb} suspended on {name}, so that no group like it can reach a steady state;"
        f" resume {'it' if len(stopped) == 1 else 'them'} first"
    ]
