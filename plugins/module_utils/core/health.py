# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates of health: has a group settled, and is it failing, and why?

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .model import Activity, EnabledZones, Group, TargetHealth

# A group with one of these suspended cannot be brought to a steady state.
ESSENTIAL_PROCESSES = ("Launch", "Terminate")

# Instances that a group may lose while it is watched before it counts as failing: one, which may be a broken host and
# heals by itself, and of a large group this share.
TOLERATED_REPLACEMENTS = 1
TOLERATED_SHARE = 0.1

# For how many seconds launches may fail for reasons of the moment, in every zone, until the group counts as failing.
LAUNCH_PATIENCE = 300.0

# A target group that no load balancer uses reports this reason, and never anything better
# (Elastic Load Balancing, "Health checks for your target groups", target health reason codes).
NOT_IN_USE = "Target.NotInUse"


def missing(
    group: Group,
    wanted: int,
    targets: Sequence[TargetHealth],
    *,
    registers: bool = True,
    served: bool = True,
) -> list[str]:
    """Say what keeps a group from having settled at C(wanted) units; an empty list where nothing does.

    Instances that leave, and those in standby, are no capacity and no obstacle.

    C(targets) is what the group's target groups and classic load balancers say, about any instance;
    C(registers) tells whether its instances are to be healthy there. Without C(served) those may be in zones that the
    load balancers do not serve, as they were before a deployment.
    """
    words = []
    if not has_capacity(group, wanted):
        words.append(f"{group.units_in_service} of {wanted} {group.unit} in service")
    others = Counter(one.lifecycle_state for one in group.staying if not one.in_service)
    unhealthy = others.pop("InService", 0)
    words.extend(f"{number} in state {state}" for state, number in sorted(others.items()))
    if unhealthy:
        words.append(f"{unhealthy} unhealthy")
    if registers and "AddToLoadBalancer" not in group.suspended:
        words.extend(_missing_targets(group, targets, served))
    return words


def arrived(group: Group, wanted: int) -> bool:
    """Whether a group has the capacity that is wanted, and no instance that is on its way to it."""
    return has_capacity(group, wanted) and len(group.in_service) == len(group.staying)


def has_capacity(group: Group, wanted: int) -> bool:
    """Whether a group has C(wanted) units in service: as many, or with weights less than the heaviest instance more.

    Auto Scaling launches until the desired capacity is fulfilled, even with an overage, and keeps what it cannot end
    without falling below ("Configure an Auto Scaling group to use instance weights").
    """
    if wanted == 0:
        return not group.in_service
    return wanted <= group.units_in_service < wanted + group.heaviest


def _missing_targets(group: Group, targets: Sequence[TargetHealth], served: bool) -> Iterable[str]:
    for place in places(group):
        # An instance may be a target on several ports, and is healthy where each of them is.
        seen: dict[str, list[TargetHealth]] = {one.instance_id: [] for one in group.in_service}
        for target in targets:
            if target.place == place and target.instance_id in seen:
                seen[target.instance_id].append(target)
        bad = [one for ports in seen.values() for one in ports if not _counts_as_healthy(one, served)]
        healthy = (
            len(seen) - len({one.instance_id for one in bad}) - sum(not ports for ports in seen.values())
        )
        if healthy != len(seen):
            reasons = sorted({one.reason or one.state for one in bad})
            why = f" ({', '.join(reasons)})" if reasons else ""
            yield f"{healthy} of {len(seen)} targets healthy in {place}{why}"


def _counts_as_healthy(target: TargetHealth, served: bool) -> bool:
    if target.unserved:
        return not served
    return target.state == "healthy" or (target.state == "unused" and target.reason == NOT_IN_USE)


def mends_itself(group: Group, targets: Sequence[TargetHealth]) -> bool:
    """Whether what its load balancers miss of a group with all its instances in service may come by itself.

    That is so where targets begin, and where Auto Scaling replaces what load balancers find unhealthy.
    """
    ids = {one.instance_id for one in group.in_service}
    states = {one.state for one in targets if one.instance_id in ids}
    replaces = "ELB" in str(group.described.get("HealthCheckType", "")).split(",")
    return "initial" in states or ("unhealthy" in states and replaces)


def unserved(group: str, zones: Iterable[str], enabled: Iterable[EnabledZones]) -> list[str]:
    """Say in which of a group's zones its instances take no traffic; an empty list where they do in all."""
    return [
        f"zone {zone} of group {group} is not enabled for load balancer {' and '.join(one.load_balancers)}, so that"
        f" instances there take no traffic from {one.place}"
        for one in enabled
        for zone in sorted(set(zones) - one.zones)
    ]


def places(group: Group) -> list[str]:
    """The names of a group's target groups and classic load balancers, as TargetHealth has them."""
    return [target_group_name(arn) for arn in group.target_group_arns] + list(group.load_balancer_names)


def target_group_name(arn: str) -> str:
    """The name in a target group's ARN: C(...:targetgroup/NAME/ID)."""
    parts = arn.split("/")
    return parts[1] if len(parts) > 1 else arn


def healthy_targets(instance_ids: Iterable[str], targets: Sequence[TargetHealth], place: str) -> int:
    """How many of some instances are healthy in a place."""
    healthy = {one.instance_id for one in targets if one.place == place and one.state == "healthy"}
    return len(healthy.intersection(instance_ids))


def healthy_units(group: Group, targets: Sequence[TargetHealth], place: str) -> int:
    """How many units of a group are in service and healthy in a place, on every port that they have there."""
    seen: dict[str, set[str]] = {}
    for target in targets:
        if target.place == place:
            seen.setdefault(target.instance_id, set()).add(target.state)
    return sum(one.weight for one in group.in_service if seen.get(one.instance_id) == {"healthy"})


def is_unused(targets: Sequence[TargetHealth], place: str) -> bool:
    """Whether a place has targets, and no load balancer that uses any of them."""
    there = [one for one in targets if one.place == place]
    return bool(there) and all(
        one.state == "unused" and one.reason == NOT_IN_USE and not one.unserved for one in there
    )


@dataclass(frozen=True)
class Failure:
    """Why a group is failing, in AWS's words, and what to do about it."""

    answer: str
    remedy: str


# What AWS says of a failed launch ("Troubleshoot issues in Amazon EC2 Auto Scaling" and the error codes of the
# Amazon EC2 API reference), and what helps. The first that matches counts: things that are named in the message
# come first, since a name may hold any word, and words of refusal before the things that ARNs hold.
REMEDIES = (
    (
        r"\b(AMI|images?)( ID)?:? ['\[]*ami-|InvalidAMIID",
        "Check that the AMI exists in this region, is available, and is shared with this account.",
    ),
    (
        r"Marketplace|OptInRequired",
        "Subscribe this account to the AMI's product in AWS Marketplace.",
    ),
    (
        r"\bkey pair\b|InvalidKeyPair",
        "Create the key pair in this region, or name another in the base's template.",
    ),
    (
        r"\bsecurity group\b|InvalidGroup|InvalidSecurityGroup",
        "The security group is gone or of another VPC: correct it in the base's template.",
    ),
    (
        r"\bKMS\b|InvalidKMSKey|Client\.InternalError|Client error on launch",
        "Auto Scaling's service-linked role may lack the use of the KMS key that encrypts a volume of the AMI.",
    ),
    (
        r"\bServer\.InternalError|\bInternal error\b",
        "AWS had an error of its own: try again, and ask AWS's support if it stays.",
    ),
    (
        r"instance profile|IamInstanceProfile|iam:PassRole",
        "Check that the instance profile exists and that its role may be passed.",
    ),
    (
        r"Authentication Failure",
        "AWS does not know a new role everywhere at once: try again in a few minutes. If it stays, see that Auto"
        " Scaling's service-linked role exists.",
    ),
    (
        r"not authorized|UnauthorizedOperation|access ?denied|permission",
        "Allow Auto Scaling's service-linked role, or the caller, the action that AWS names.",
    ),
    (
        r"free addresses|InsufficientFreeAddressesInSubnet",
        "The subnet is full: free addresses in it, or give the base group further subnets.",
    ),
    (
        r"Spot (request|market|instance)? ?price|SpotMaxPriceTooLow",
        "Raise the highest Spot price in the base, or leave it out.",
    ),
    (
        r"Capacity Block|reservation|InsufficientReservedInstanceCapacity",
        "The capacity reservation that the base names is used up or not active: correct it, or launch without it.",
    ),
    (
        r"sufficient .*capacity|InsufficientInstanceCapacity|no Spot capacity|UnfulfillableCapacity",
        "AWS has no capacity of this instance type in the zone: try again later, or give the base group more"
        " zones or instance types.",
    ),
    (
        r"vCPU|limit ?exceeded|count ?exceeded|instance limit|quota|already running",
        "Ask for a higher quota in Service Quotas, or end what is not needed of what AWS names.",
    ),
    (
        r"\bboot mode\b|Elastic Network Adapter|enabled for ENA",
        "The instance type does not go with this AMI: choose another type, or an AMI with the boot mode and the network"
        " adapter of this one.",
    ),
    (
        r"block device|device name|virtualName|\bsnapshot\b|\bvolume\b",
        "Check the block devices of the base's template against the AMI.",
    ),
    (r"placement group", "Check the base's placement group."),
    (
        r"architecture|not (currently )?supported|Unsupported|instance types? .*(not exist|not eligible)",
        "The instance type does not go with this AMI, zone or account: choose another type or an AMI of its"
        " architecture.",
    ),
    (r"\bsubnet\b", "Check that the base group's subnets exist."),
    (
        r"launch template|launch configuration",
        "The launch template or configuration is gone: roll back and deploy again.",
    ),
    (
        r"load balancer|target group",
        "Check that the load balancers and target groups of the group exist, in the VPC of its subnets.",
    ),
    (
        r"Lifecycle Action",
        "A launch life cycle hook was answered with ABANDON, or not in time: look at what answers it, and at the"
        " instance's own log.",
    ),
    (
        r"became unhealthy|InstanceInitiatedShutdown",
        "The instance ended while it started: look at the system log of one launched by hand from this AMI.",
    ),
)
# Reasons that may be gone at the next launch, which Auto Scaling tries by itself, in its other zones and instance types
# first ("Troubleshoot Amazon EC2 Auto Scaling: EC2 instance launch failures", "Availability Zone distribution"):
# capacity, errors of AWS's own, throttling, and the price of Spot Instances. A reservation is none.
_OF_THE_MOMENT = re.compile(
    r"sufficient .*capacity|InsufficientInstanceCapacity|no Spot capacity|UnfulfillableCapacity"
    r"|\bServer\.InternalError|\bInternal error\b|RequestLimitExceeded|request limit exceeded|throttl"
    r"|Spot (request|market|instance)? ?price|SpotMaxPriceTooLow",
    re.IGNORECASE,
)
_OF_A_RESERVATION = re.compile(
    r"Capacity Block|reservation|InsufficientReservedInstanceCapacity", re.IGNORECASE
)
# Reasons that stay, and do not hold in another zone: an instance type that it has not, a subnet that is full.
_OF_A_ZONE = re.compile(
    r"not (currently )?supported in (your|the) requested Availability Zone"
    r"|free addresses|InsufficientFreeAddressesInSubnet",
    re.IGNORECASE,
)
# Reasons that stay, and need not hold for another instance type: the quota of a family of types.
_OF_A_TYPE = re.compile(r"vCPU (capacity|limit)|VcpuLimitExceeded", re.IGNORECASE)
OTHER_REMEDY = "See the group's activity history for the whole story."


def remedy(status_message: str) -> str:
    """What to do about a failed launch, by what AWS said of it."""
    for pattern, advice in REMEDIES:
        if re.search(pattern, status_message, re.IGNORECASE):
            return advice
    return OTHER_REMEDY


@dataclass(frozen=True)
class LaunchPlaces:
    """Where a group can launch: its zones, and whether it has several instance types.

    C(keeps_zone) says that it does not go on in another zone where launches fail in one (C(balanced-only)).
    """

    zones: frozenset[str] = frozenset()
    several_types: bool = False
    keeps_zone: bool = False


def failure(
    activities: Sequence[Activity],
    wanted: int,
    *,
    places: LaunchPlaces = LaunchPlaces(),
    patience: float = LAUNCH_PATIENCE,
) -> Failure | None:
    """Tell whether the given activities of a group, those since the step began, mean that it is failing.

    C(activities) come newest first, as AWS lists them; C(wanted) is the number of instances that the group is
    to have. A launch that failed does at once where the reason holds for the next one too, wherever that is; where it
    may be gone then, once launches have failed in every zone of C(places) for C(patience) seconds, by AWS's clock. So
    does losing instances again and again that are found unhealthy: more than one, and more than a tenth of those that
    are wanted. Those that somebody else takes, as Spot Instances are, count where there are as many as are wanted. A
    group that wants no instance cannot fail to get one.
    """
    if wanted == 0:
        return None
    failed = [one for one in activities if is_failed_launch(one)]
    lasting = [one for one in failed if not _may_go_on(one, places)]
    worst = lasting[0] if lasting else _failing_everywhere(activities, places, patience)
    if worst:
        words = worst.status_message or worst.description
        return Failure(words, remedy(words))
    lost = [one for one in activities if is_replacement(one) or _was_taken(one)]
    # An instance that is lost on its way in has two activities, its launch and its end.
    number = len({_instance_id(one) for one in lost})
    unhealthy = len({_instance_id(one) for one in lost if is_replacement(one)})
    tolerated = max(TOLERATED_REPLACEMENTS, TOLERATED_SHARE * wanted)
    if unhealthy > tolerated or (number > TOLERATED_REPLACEMENTS and number >= wanted):
        return Failure(
            f"{number} instances were taken out of service one after the other; the last:"
            f" {lost[0].status_message or lost[0].cause}",
            "The image starts but does not stay healthy: look at its health check and its own log.",
        )
    return None


def _words(activity: Activity) -> str:
    return activity.status_message or activity.description


def _is_of_the_moment(activity: Activity) -> bool:
    """Whether a launch failed for a reason that may be gone at the next one."""
    words = _words(activity)
    return bool(_OF_THE_MOMENT.search(words)) and not _OF_A_RESERVATION.search(words)


def _may_go_on(activity: Activity, places: LaunchPlaces) -> bool:
    """Whether the next launch may succeed where one has failed: later, in another zone, or with another type."""
    words = _words(activity)
    elsewhere = _OF_A_ZONE.search(words) or (places.several_types and _OF_A_TYPE.search(words))
    return _is_of_the_moment(activity) or bool(elsewhere)


def _failing_everywhere(
    activities: Sequence[Activity], places: LaunchPlaces, patience: float
) -> Activity | None:
    """The newest launch that failed, where none comes through in any zone that the group can go to.

    Of instance types nothing is counted: those of a zone are all tried before the launch counts as failed there, and
    what AWS says of it may name one of them only.
    """
    launches = [one for one in activities if is_launch(one)]
    if not places.keeps_zone:
        return _failing_in(launches, places.zones, places, patience)
    # What comes through in another zone is no help to this one.
    for zone in sorted({_zone(one) for one in launches}):
        there = [one for one in launches if _zone(one) in (zone, "")]
        if failed := _failing_in(there, frozenset({zone}), places, patience):
            return failed
    return None


def _failing_in(
    launches: Sequence[Activity], zones: frozenset[str], places: LaunchPlaces, patience: float
) -> Activity | None:
    """The newest of the launches, where each has failed for so many seconds, in all of the zones."""
    since_success = list(itertools.takewhile(is_failed_launch, launches))
    tried: set[str] = set()
    for one in since_success:
        # A quota, and what names no zone, is of all of them.
        everywhere = not _zone(one) or _OF_A_TYPE.search(_words(one))
        tried |= zones if everywhere else {_zone(one)}
    if not since_success or not tried >= zones:
        return None
    lasted = since_success[0].started - since_success[-1].started
    # Another type may still have its turn; a zone that has been tried will not do better later.
    stays = not places.several_types and not any(map(_is_of_the_moment, since_success))
    return since_success[0] if stays or lasted >= patience else None


def _zone(activity: Activity) -> str:
    found = re.search(r'"Availability Zone":\s*"([^"]+)"', activity.details)
    return found[1] if found else ""


def is_launch(activity: Activity) -> bool:
    """Whether an activity is the launch of an instance."""
    return activity.description.startswith("Launching")


# What AWS says of a launch that it cancelled because the instance did not get there. A launch is also cancelled,
# without such words, where a group shrinks meanwhile.
_DID_NOT_ARRIVE = re.compile(r"became unhealthy while waiting|failed to complete .*Lifecycle Action", re.I)
# Reasons of an end that are not the image's: the group launches another, and that one may well arrive.
_TAKEN = re.compile(r"UserInitiated|Server\.Spot", re.I)


def is_termination(activity: Activity) -> bool:
    """Whether an activity takes an instance away."""
    return activity.description.startswith("Terminating")


def usual_duration(activities: Iterable[Activity], kind: Callable[[Activity], bool]) -> float | None:
    """The median of how many seconds the activities of a kind took that succeeded; None where there was none."""
    took = [
        one.ended - one.started
        for one in activities
        if one.ended is not None and kind(one) and not one.failed
    ]
    return statistics.median(took) if took else None


def is_failed_launch(activity: Activity) -> bool:
    """Whether an activity is a launch that came to nothing, and not because the group wanted it no more."""
    if not is_launch(activity):
        return False
    return activity.status_code == "Failed" or (_did_not_arrive(activity) and not _was_taken(activity))


def _did_not_arrive(activity: Activity) -> bool:
    return activity.failed and is_launch(activity) and bool(_DID_NOT_ARRIVE.search(activity.status_message))


def _was_taken(activity: Activity) -> bool:
    return _did_not_arrive(activity) and bool(_TAKEN.search(activity.status_message))


def is_replacement(activity: Activity) -> bool:
    """Whether an activity takes out an instance because it was found unhealthy, not because of a resize.

    The causes are those of "Troubleshoot unhealthy instances in Amazon EC2 Auto Scaling". A scheduled reboot
    is none: it tells of the host.
    """
    return activity.description.startswith("Terminating") and bool(
        re.search(r"taken out of service in response to [^.]*(health|status check)", activity.cause, re.I)
    )


def is_refresh(activity: Activity) -> bool:
    """Whether an activity is of an instance refresh ("Verify a scaling activity for an Auto Scaling group")."""
    return "in response to an instance refresh" in activity.cause


def _instance_id(activity: Activity) -> str:
    found = re.search(r"\bi-\w+", activity.description)
    return found[0] if found else activity.activity_id


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
