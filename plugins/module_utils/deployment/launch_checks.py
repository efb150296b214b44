# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether AWS is going to let a deployment happen: quotas, addresses, the AMI's owner, permissions.

What cannot be found out is said to be unchecked, and never fails anything.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ..aws.calls import TRANSIENT
from ..aws.launch_sources import TEMPLATE_EXISTS, TYPE_MISSING
from ..copying.described import (
    Described,
    Overrides,
    effective_load_balancers,
    effective_target_groups,
)
from ..copying.launch_template import launch_template_request
from ..core import health, journal
from ..core.capacity import additional
from ..core.errors import AccessDenied, AwsError, RolloutError
from ..core.model import Deployment, Group, Image
from .base import instance_types
from .drift import END_REFRESH
from .health_watch import ENABLE_ZONE
from .rollout import Rollout

OK = "ok"
WARNING = "warning"
PROBLEM = "problem"
NOT_CHECKED = "not_checked"

# "Amazon EC2 service quotas": launch templates a region. It can be raised; only Service Quotas tells to what.
USUAL_LAUNCH_TEMPLATES = 5000
# botocore's exception for parameters that it does not send.
NEVER_SENT = "ParamValidationError"
# "Amazon EC2 On-Demand instances", "On-Demand Instance quotas": A, C, D, H, I, M, R, T, Z, in vCPUs. Others (GPU, Mac,
# high memory, Spot) have quotas of their own.
STANDARD_QUOTA = "L-1216C47A"
_STANDARD = re.compile(r"([acdhimrtz]|im|is)\d")
NO_DRY_RUN = (
    "Auto Scaling and CloudWatch have no dry run; docs/iam.md has all the actions that a deployment needs, and one that"
    " is missing at the first change leaves nothing behind"
)


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing: C(result) is one of C(OK), C(WARNING), C(PROBLEM) and C(NOT_CHECKED)."""

    check: str
    result: str
    text: str


@dataclass(frozen=True)
class Wanted:
    """What is to be deployed, beside what; C(image) is None where none was found, which is told elsewhere."""

    deployment: Deployment
    described: Described
    overrides: Overrides
    image: Image | None
    outgoing: Sequence[Group]

    def additional(self, peak: int) -> int:
        """How many instances more than now C(peak) at a time are."""
        return additional(peak, [group.capacity for group in self.outgoing])


Check = Callable[[Rollout, Wanted, int], Iterator[Finding]]


def look(rollout: Rollout, wanted: Wanted, peak: int) -> list[Finding]:
    """Look at everything that might stand against a deployment of at most C(peak) instances at a time."""
    checks: list[tuple[str, Check]] = [
        ("image", _image),
        ("instances", _instances),
        ("instance type", _devices),
        ("quotas", _quotas),
        ("addresses", _addresses),
        ("zones", _zones),
        ("instance refresh", _refreshes),
        ("names", _names),
        ("launch templates", _launch_templates),
        ("permissions", _permissions),
        # Service Quotas last: where no way leads to it, all patience is spent on it.
        ("vCPU quota", _vcpus),
    ]
    findings: list[Finding] = []
    for name, check in checks:
        try:
            findings += check(rollout, wanted, peak)
        except AwsError as error:
            findings.append(Finding(name, NOT_CHECKED, f"{name} not checked: {error.answer}"))
    return findings


def _image(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    image = wanted.image
    if image is None:
        return
    whose = "public" if image.public else "which this account may launch"
    name = f" ({image.name})" if image.name else ""
    yield Finding("image", OK, f"{image.image_id}{name}, {image.architecture}, of {image.owner}, {whose}")
    if image.deprecated and image.deprecated <= _moment(rollout.aws_now()):
        yield Finding(
            "image",
            WARNING,
            f"AMI {image.image_id} is deprecated since {image.deprecated[:10]}; take a newer one",
        )


def _moment(now: float) -> str:
    return datetime.fromtimestamp(now, timezone.utc).isoformat()


def _instances(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    more = wanted.additional(peak)
    yield Finding("instances", OK, f"at most {peak} instances at a time, {more} more than now")
    if wanted.described.warm_pool:
        yield Finding(
            "warm pool", WARNING, "the base's warm pool comes with the final phase, and adds instances"
        )
    for group in wanted.outgoing:
        if group.warm_pool:
            yield Finding(
                "warm pool",
                WARNING,
                f"outgoing group {group.name} has a warm pool, which keeps instances once the group has gone to 0,"
                " until the group is deleted; a small MaxGroupPreparedCapacity, or few kept revisions, bound what that"
                " costs",
            )


def _devices(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    """Whether another instance type has volumes as NVMe devices, and the base's has not, or the other way.

    An AMI does not say whether it has the drivers, nor whether it goes by the devices' names ("Amazon EBS volumes and
    NVMe", Amazon EC2 user guide); that it, or one before it, runs on the base's type is all there is to know.
    """
    described, own = wanted.described, wanted.overrides.instance_type
    data = (described.launch_template or {}).get("LaunchTemplateData") or described.launch_configuration or {}
    before = str(data.get("InstanceType") or "")
    if not own or not before or own == before:
        return
    try:
        known = rollout.autoscaling.instance_types([before, own])
    except AwsError as error:
        if error.code not in TYPE_MISSING:
            raise
        # One that does not exist is told elsewhere.
        return
    new, old = ((known[kind].get("EbsInfo") or {}).get("NvmeSupport") == "required" for kind in (own, before))
    if new != old:
        names = {True: "NVMe devices (/dev/nvme1n1)", False: "Xen block devices (/dev/xvdb)"}
        yield Finding(
            "instance type",
            WARNING,
            f"instance type {own} has its volumes as {names[new]}, and {before} of base group {described.name} as"
            f" {names[old]}; see that the AMI has the drivers, and that it and the user data go by no device's name",
        )


def _quotas(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    limits = rollout.autoscaling.account_limits()
    kinds = {"Auto Scaling groups": "AutoScalingGroups"}
    if wanted.described.launch_configuration is not None:
        kinds["launch configurations"] = "LaunchConfigurations"
    for words, kind in kinds.items():
        most, used = int(limits[f"MaxNumberOf{kind}"]), int(limits[f"NumberOf{kind}"])
        if used < most:
            yield Finding("quotas", OK, f"{used} of {most} {words} in use")
        else:
            yield Finding(
                "quotas",
                PROBLEM,
                f"this region has {used} {words}, and its quota is {most}; delete some, or ask for more in Service"
                " Quotas",
            )


def _addresses(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    subnets = [
        one for one in (wanted.described.group.get("VPCZoneIdentifier") or "").split(",") if one.strip()
    ]
    if not subnets:
        yield Finding(
            "addresses", NOT_CHECKED, "free addresses not checked: the base names zones, not subnets"
        )
        return
    try:
        found = rollout.autoscaling.region_subnets([one.strip() for one in subnets])
    except AwsError as error:
        if not error.code.startswith("InvalidSubnetID"):
            raise
        yield Finding(
            "addresses", PROBLEM, f"a subnet of base group {wanted.described.name} is gone: {error.answer}"
        )
        return
    data = (wanted.described.launch_template or {}).get("LaunchTemplateData") or {}
    more = wanted.additional(peak) * max(1, len(data.get("NetworkInterfaces") or ()))
    free = {one["SubnetId"]: int(one["AvailableIpAddressCount"]) for one in found}
    words = ", ".join(f"{number} in {name}" for name, number in sorted(free.items()))
    if sum(free.values()) < more:
        yield Finding(
            "addresses",
            PROBLEM,
            f"the deployment needs {more} more addresses at a time, and the base's subnets have"
            f" {sum(free.values())} left ({words}); free some, add a subnet, or use resize_order old_first",
        )
    elif any(number < -(-more // len(free)) for number in free.values()):
        yield Finding(
            "addresses",
            WARNING,
            f"{more} more addresses needed; one subnet has less than its share ({words})",
        )
    else:
        yield Finding("addresses", OK, f"{more} more addresses needed, {words} free")


def _zones(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    """Whether load balancers serve the zones of the new group, whose instances take no traffic elsewhere."""
    described, overrides = wanted.described, wanted.overrides
    enabled = rollout.load_balancing.enabled_zones(
        effective_target_groups(described, overrides), effective_load_balancers(described, overrides)
    )
    zones = described.group.get("AvailabilityZones") or ()
    problems = health.unserved(described.name, zones, enabled)
    for words in problems:
        yield Finding("zones", PROBLEM, f"{words}; {ENABLE_ZONE}")
    if enabled and not problems:
        served = ", ".join(one.place for one in enabled)
        yield Finding("zones", OK, f"{', '.join(sorted(zones))} are served for {served}")


def _refreshes(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    """Whether the instances of an outgoing group are being refreshed, which fights its resize."""
    for group in wanted.outgoing:
        if words := rollout.autoscaling.refresh_under_way(group.name):
            yield Finding("instance refresh", PROBLEM, f"{words}; {END_REFRESH}")


def _names(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    """What the user names for the new revision is there."""
    api, overrides = rollout.autoscaling, wanted.overrides
    if overrides.key_name:
        try:
            api.send("ec2", "DescribeKeyPairs", {"KeyNames": [overrides.key_name]}, "read the key pair")
        except AwsError as error:
            if error.code != "InvalidKeyPair.NotFound":
                raise
            yield Finding("names", PROBLEM, f"there is no key pair {overrides.key_name} in this region")
    # One by one: asked for several, AWS names only the first that is missing.
    for group in overrides.security_group_ids or ():
        try:
            api.send("ec2", "DescribeSecurityGroups", {"GroupIds": [group]}, "read the security groups")
        except AwsError as error:
            if not error.code.startswith(("InvalidGroup", "InvalidSecurityGroup")):
                raise
            yield Finding("names", PROBLEM, f"there is no security group {group} in this region")


def _launch_templates(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    if wanted.described.launch_template is None:
        return
    used = rollout.autoscaling.number_of_launch_templates()
    more = 1 + len(wanted.described.override_launch_templates)
    result = OK if used + more <= USUAL_LAUNCH_TEMPLATES else WARNING
    text = f"{used} launch templates in use, and {more} to come; the usual quota is {USUAL_LAUNCH_TEMPLATES}"
    yield Finding("launch templates", result, text)


def _permissions(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    if wanted.described.launch_template is not None and wanted.image is not None:
        # A policy may ask for the tag of the series; the other tags say nothing before there is a deployment.
        tags = {journal.SERIES: wanted.deployment.series}
        request = launch_template_request(wanted.described, wanted.overrides, wanted.deployment.group, tags)
        yield _dry_run(rollout, request)
    yield Finding("permissions", NOT_CHECKED, f"other permissions not checked: {NO_DRY_RUN}")


def _dry_run(rollout: Rollout, request: dict[str, object]) -> Finding:
    try:
        rollout.autoscaling.may_create_launch_template(request)
    except AccessDenied as error:
        text = f"{error.action} is not allowed to the credentials in use, and a deployment needs it"
        return Finding("permissions", WARNING, text)
    except AwsError as error:
        if error.code in TRANSIENT or (error.code.endswith("Error") and error.code != NEVER_SENT):
            # AWS has not answered the question: it was busy, or could not be reached (an exception of botocore's).
            text = f"ec2:CreateLaunchTemplate not checked: {error.answer}"
            return Finding("permissions", NOT_CHECKED, text)
        if error.code not in TEMPLATE_EXISTS:
            text = f"AWS would not take the new launch template: {error.answer}"
            return Finding("permissions", PROBLEM, text)
    return Finding("permissions", OK, "ec2:CreateLaunchTemplate is allowed, by a dry run")


# ------------------------------------------------------------------------- vCPUs


def _vcpus(rollout: Rollout, wanted: Wanted, peak: int) -> Iterator[Finding]:
    """Whether the instances that come on top have room in the quota of vCPUs; a warning where they certainly have not.

    It is no refusal: what is in use changes, and a launch that AWS refuses for it is told with a remedy and taken back.
    """
    more = wanted.additional(peak)
    unchecked = f"vCPU quota not checked (it must allow {more} more instances)"
    types, why = _standard_types(wanted)
    if why:
        yield Finding("vCPU quota", NOT_CHECKED, f"{unchecked}: {why}")
        return
    api = rollout.autoscaling
    try:
        most = int(api.ec2_quota(STANDARD_QUOTA))
        running = api.running_types()
        known = api.vcpus(sorted({*types, *filter(_STANDARD.match, running)}))
    except RolloutError as error:
        yield Finding("vCPU quota", NOT_CHECKED, f"{unchecked}: {error.answer}")
        return
    used = sum(known.get(kind, 0) * number for kind, number in running.items() if _STANDARD.match(kind))
    # Of several types the smallest: what is warned of is certain.
    needed = more * min(known.get(kind, 0) for kind in types)
    text = f"{used} of {most} vCPUs of On-Demand standard instances in use, and {needed} more needed"
    if used + needed <= most:
        yield Finding("vCPU quota", OK, text)
    else:
        yield Finding(
            "vCPU quota",
            WARNING,
            f"{text}: ask for more in Service Quotas (quota {STANDARD_QUOTA}), or use resize_order old_first",
        )


def _standard_types(wanted: Wanted) -> tuple[list[str], str]:
    """The instance types that may be launched, or why what they need cannot be told."""
    described = wanted.described
    data = (described.launch_template or {}).get("LaunchTemplateData") or described.launch_configuration or {}
    policy = described.group.get("MixedInstancesPolicy") or {}
    if data.get("InstanceMarketOptions") or data.get("SpotPrice"):
        return [], "the base launches Spot Instances"
    share = (policy.get("InstancesDistribution") or {}).get("OnDemandPercentageAboveBaseCapacity", 100)
    if share != 100:
        return [], "some instances may be Spot Instances"
    overrides = (policy.get("LaunchTemplate") or {}).get("Overrides") or ()
    if any(one.get("InstanceRequirements") for one in overrides) or data.get("InstanceRequirements"):
        return [], "the base asks for requirements, not for instance types"
    if any(one.get("WeightedCapacity") for one in overrides):
        return [], "the base counts its capacity by weights"
    types = instance_types(described, wanted.overrides)
    others = [kind for kind in types if not _STANDARD.match(kind)]
    if others or not types:
        return [], f"{', '.join(others) or 'an unknown instance type'} has a quota of its own"
    return types, ""
