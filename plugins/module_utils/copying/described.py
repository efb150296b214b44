# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS tells of a base group, what the new revision has of its own, and what follows from the two.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core import naming

# Tags that AWS keeps to itself, and the journal's, which belong to one deployment.
RESERVED_TAGS = ("aws:", "progressive:")
# Suspended on a base so that nothing scales it; the copy is meant to be scaled.
NOT_SUSPENDED = frozenset({"ScheduledActions"})
# What becomes of the base's mapping of the root device, where the new AMI's has another name.
FOLLOW, KEEP = "follow", "keep"
# Reserved for root volumes ("Device names for volumes", Amazon EC2 user guide).
ROOT_DEVICES = ("/dev/xvda", "/dev/sda1")


def copied_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags to copy: without AWS's own and the journal's."""
    return {key: value for key, value in tags.items() if not key.startswith(RESERVED_TAGS)}


@dataclass(frozen=True)
class Described:
    """Everything that AWS tells of a base group, each item as boto3 gives it.

    C(launch_template) is an item of DescribeLaunchTemplateVersions, so that C($Latest) and C($Default) are
    resolved to a number; C(override_launch_templates) are such items by C(template_key) of the specification in
    the mixed instances policy, as are C(override_launch_template_tags). C(alarms) are those that policies name, by
    name. C(launch_template_tags) and C(alarm_tags) (by alarm) are None where nobody read them.
    C(load_balancer_arns) are the load balancers in front of the new group's target groups, by the target group's
    ARN; only resource labels need them.
    """

    group: Mapping[str, Any]
    launch_template: Mapping[str, Any] | None = None
    launch_configuration: Mapping[str, Any] | None = None
    override_launch_templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lifecycle_hooks: tuple[Mapping[str, Any], ...] = ()
    notifications: tuple[Mapping[str, Any], ...] = ()
    policies: tuple[Mapping[str, Any], ...] = ()
    scheduled_actions: tuple[Mapping[str, Any], ...] = ()
    alarms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warm_pool: Mapping[str, Any] | None = None
    launch_template_tags: Mapping[str, str] | None = None
    override_launch_template_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    alarm_tags: Mapping[str, Mapping[str, str]] | None = None
    load_balancer_arns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The base group's name."""
        return str(self.group["AutoScalingGroupName"])

    @property
    def tags(self) -> dict[str, str]:
        """The base's tags, without AWS's own and the journal's."""
        return copied_tags({tag["Key"]: tag.get("Value") or "" for tag in self.group.get("Tags") or ()})

    @property
    def target_group_arns(self) -> tuple[str, ...]:
        """The base's target groups, however they were attached."""
        return self._attached("TargetGroupARNs", "elbv2")

    @property
    def load_balancer_names(self) -> tuple[str, ...]:
        """The base's classic load balancers, however they were attached."""
        return self._attached("LoadBalancerNames", "elb")

    @property
    def other_traffic_sources(self) -> list[Mapping[str, Any]]:
        """Traffic sources that are neither target groups nor classic load balancers: VPC Lattice."""
        own = {*self.target_group_arns, *self.load_balancer_names}
        return [
            source for source in self.group.get("TrafficSources") or () if source.get("Identifier") not in own
        ]

    @property
    def image_id(self) -> str | None:
        """The base's AMI, or C(resolve:ssm:...), as its launch template or configuration has it."""
        if self.launch_template is not None:
            return (self.launch_template.get("LaunchTemplateData") or {}).get("ImageId")
        return (self.launch_configuration or {}).get("ImageId")

    def _attached(self, member: str, kind: str) -> tuple[str, ...]:
        sources = (
            source["Identifier"]
            for source in self.group.get("TrafficSources") or ()
            if _kind_of(source) == kind
        )
        return tuple(dict.fromkeys([*(self.group.get(member) or ()), *sources]))


def _kind_of(source: Mapping[str, Any]) -> str:
    # AWS lets the type be left out where the identifier is an ARN, which then tells it.
    if source.get("Type"):
        return str(source["Type"])
    return "elbv2" if ":elasticloadbalancing:" in source.get("Identifier", "") else ""


@dataclass(frozen=True, kw_only=True)
class OwnSettings:
    """What a user may give the new revision in place of the base's; None leaves the base's alone.

    C(user_data) is plain text. C(block_device_mappings) and C(metadata_options) are as the API has them.
    C(root_device) is C(FOLLOW) or C(KEEP).
    """

    user_data: str | None = None
    target_group_arns: tuple[str, ...] | None = None
    load_balancer_names: tuple[str, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    instance_type: str | None = None
    key_name: str | None = None
    security_group_ids: tuple[str, ...] | None = None
    iam_instance_profile: str | None = None
    block_device_mappings: tuple[Mapping[str, Any], ...] | None = None
    metadata_options: Mapping[str, Any] | None = None
    root_device: str = FOLLOW


@dataclass(frozen=True)
class Overrides(OwnSettings):
    """What the new revision has of its own, with its AMI.

    C(root_device_name) is the new AMI's, as C(/dev/xvda); a snapshot that the base gives for that device belongs
    to the old AMI and is left out. C(base_root_device_name) is the one of the base's AMI, where it is known.
    """

    image_id: str
    root_device_name: str | None = None
    base_root_device_name: str | None = None


@dataclass(frozen=True)
class Request:
    """One call to AWS: C(service) as boto3 names it, C(words) in the imperative. Safe to repeat."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    words: str


@dataclass(frozen=True)
class NotCopied:
    """Something of the base that the new group does not have, and why."""

    what: str
    reason: str


def template_key(specification: Mapping[str, Any]) -> str:
    """Name a launch template specification: C(lt-0123:$Latest). Two versions of a template are two keys."""
    template = specification.get("LaunchTemplateId") or specification.get("LaunchTemplateName") or ""
    return f"{template}:{specification.get('Version') or '$Default'}"


def override_specifications(described: Described) -> dict[str, Mapping[str, Any]]:
    """The launch templates that overrides of the mixed instances policy bring along, by their key, in order."""
    return {
        template_key(override["LaunchTemplateSpecification"]): override["LaunchTemplateSpecification"]
        for override in overrides_of_policy(described.group)
        if override.get("LaunchTemplateSpecification")
    }


def overrides_of_policy(group: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The overrides of a described group's mixed instances policy."""
    template = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    overrides: Sequence[Mapping[str, Any]] = template.get("Overrides") or ()
    return overrides


def override_launch_template_names(described: Described, name: str) -> dict[str, str]:
    """The names of the copies of those launch templates, by the key of what they are copied from."""
    return {
        key: naming.launch_template_name(f"{name}-{number}")
        for number, key in enumerate(override_specifications(described), start=1)
    }


def effective_target_groups(described: Described, overrides: Overrides) -> tuple[str, ...]:
    """The ARNs of the target groups that the new group gets."""
    given = overrides.target_group_arns
    return described.target_group_arns if given is None else tuple(given)


def effective_load_balancers(described: Described, overrides: Overrides) -> tuple[str, ...]:
    """The names of the classic load balancers that the new group gets."""
    given = overrides.load_balancer_names
    return described.load_balancer_names if given is None else tuple(given)


def copied_suspensions(described: Described) -> list[str]:
    """The base's suspended processes that are suspended on the new group too."""
    suspended = {item["ProcessName"] for item in described.group.get("SuspendedProcesses") or ()}
    return sorted(suspended - NOT_SUSPENDED)


def misplaced_root(mappings: Iterable[Mapping[str, Any]], overrides: Overrides) -> str | None:
    """The device of block device mappings that is meant for the root volume, and is not the new AMI's root device.

    It is the root device of the base's AMI. Where that AMI is gone, it is a device that AWS reserves for root volumes
    (Amazon EC2 user guide, "Device names for volumes"). None where there is nothing to move.
    """
    new = overrides.root_device_name
    devices = [str(one.get("DeviceName")) for one in mappings if one.get("Ebs")]
    if new is None or new in devices:
        return None
    old = overrides.base_root_device_name
    candidates = ROOT_DEVICES if old is None else (old,)
    return next((one for one in candidates if one in devices), None)


def pins_root_snapshot(mapping: Mapping[str, Any], overrides: Overrides) -> bool:
    """Whether a block device mapping gives a snapshot for the new AMI's root device."""
    return (
        overrides.root_device_name is not None
        and mapping.get("DeviceName") == overrides.root_device_name
        and bool((mapping.get("Ebs") or {}).get("SnapshotId"))
    )
