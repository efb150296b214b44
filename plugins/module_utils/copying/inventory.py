# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a base group cannot be copied, what is copied, and whether the base is still the same.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from . import members as table
from .described import (
    FOLLOW,
    NOT_SUSPENDED,
    RESERVED_TAGS,
    Described,
    NotCopied,
    Overrides,
    copied_suspensions,
    effective_load_balancers,
    effective_target_groups,
    misplaced_root,
    override_specifications,
    overrides_of_policy,
    pins_root_snapshot,
    template_key,
)
from .scaling_policies import (
    alarm_names,
    alarms_not_copied,
    label_problems,
    over,
    scheduled_actions_not_copied,
)
from .unknown_members import lost

# Fixed quotas of Amazon EC2 Auto Scaling and EC2 ("Quotas for Auto Scaling resources and groups", "Tag
# restrictions"), and of user data, before base64 (RequestLaunchTemplateData).
MOST_TAGS = 50
LONGEST_TAG_KEY = 128
LONGEST_TAG_VALUE = 256
MOST_TARGET_GROUPS = 50
MOST_LOAD_BALANCERS = 50
LARGEST_USER_DATA = 16 * 1024
# Metadata options that a launch configuration has; a launch template has more.
LAUNCH_CONFIGURATION_METADATA = frozenset({"HttpEndpoint", "HttpPutResponseHopLimit", "HttpTokens"})


# -------------------------------------------------------------------- problems


def copying_problems(described: Described, overrides: Overrides, journal_tags: Iterable[str]) -> list[str]:
    """Say everything that stands against an honest copy, one sentence each; an empty list where nothing does.

    C(journal_tags) are the keys that the deployment will want on its group, all of them.
    """
    return [
        *_source_problems(described),
        *_override_template_problems(described, overrides),
        *_launching_problems(described, overrides),
        *_tag_problems(described, overrides, journal_tags),
        *_traffic_problems(described, overrides),
        *label_problems(described, overrides),
    ]


def _source_problems(described: Described) -> Iterable[str]:
    group, name = described.group, described.name
    if group.get("Status"):
        yield f"base group {name} is being deleted ({group['Status']})"
    if described.launch_template is not None or described.launch_configuration is not None:
        return
    specification = launch_template_specification(group)
    if specification:
        yield f"launch template {template_key(specification)} of base group {name} is not there any more"
    elif group.get("LaunchConfigurationName"):
        yield (
            f"launch configuration {group['LaunchConfigurationName']} of base group {name} is not there any more"
        )
    else:
        yield f"base group {name} has neither a launch template nor a launch configuration to copy"


def launch_template_specification(group: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Which launch template a described group launches from, directly or by its mixed instances policy."""
    mixed = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    return group.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification") or None


def _override_template_problems(described: Described, overrides: Overrides) -> Iterable[str]:
    base_image = described.image_id
    for key in override_specifications(described):
        version = described.override_launch_templates.get(key)
        if version is None:
            yield (
                f"launch template {key}, which an override of {described.name}'s mixed instances policy names,"
                " is not there any more"
            )
            continue
        image = (version.get("LaunchTemplateData") or {}).get("ImageId")
        if image not in (None, base_image, overrides.image_id):
            yield (
                f"an override of {described.name}'s mixed instances policy brings launch template {key}, which"
                f" pins another AMI ({image}; the group's own is {base_image}), and one new AMI cannot take the"
                " place of both; let that template use the same AMI, or leave it out of the base"
            )
    for override in overrides_of_policy(described.group):
        image = override.get("ImageId")
        if image not in (None, base_image, overrides.image_id):
            yield (
                f"an override of {described.name}'s mixed instances policy"
                f" ({override.get('InstanceType', 'by requirements')}) pins another AMI ({image}; the group's own"
                f" is {base_image}), and one new AMI cannot take the place of both"
            )


def _launching_problems(described: Described, overrides: Overrides) -> Iterable[str]:
    name = described.name
    size = len((overrides.user_data or "").encode())
    if size > LARGEST_USER_DATA:
        yield f"the user data has {size} bytes; EC2 takes {LARGEST_USER_DATA}"
    if overrides.instance_type is not None and overrides_of_policy(described.group):
        yield (
            f"an instance type is given ({overrides.instance_type}), but {name}'s mixed instances policy chooses"
            " the instance types, so it would have no effect"
        )
    for version in (described.launch_template, *described.override_launch_templates.values()):
        for interface in ((version or {}).get("LaunchTemplateData") or {}).get("NetworkInterfaces") or ():
            pinned = interface.get("NetworkInterfaceId") or interface.get("PrivateIpAddress")
            if pinned:
                yield (
                    f"the launch template of {name} pins {pinned}, which only one instance at a time can have, so"
                    " that no new group can run beside an outgoing one"
                )
    if described.launch_template is None and described.launch_configuration is not None:
        yield from _launch_configuration_problems(name, overrides)


def _launch_configuration_problems(name: str, overrides: Overrides) -> Iterable[str]:
    strange = sorted(set(overrides.metadata_options or ()) - LAUNCH_CONFIGURATION_METADATA)
    if strange:
        yield (
            f"base group {name} uses a launch configuration, which has no metadata option {', '.join(strange)};"
            " a launch template has"
        )
    for mapping in overrides.block_device_mappings or ():
        beyond = sorted(
            {"KmsKeyId", "VolumeInitializationRate", "EbsCardIndex"} & set(mapping.get("Ebs") or ())
        )
        if beyond:
            yield (
                f"base group {name} uses a launch configuration, which has no {', '.join(beyond)} for block device"
                f" {mapping['DeviceName']}; a launch template has"
            )


def _tag_problems(described: Described, overrides: Overrides, journal_tags: Iterable[str]) -> Iterable[str]:
    own, journal = {*described.tags, *overrides.tags}, set(journal_tags)
    yield from _room_problems(f"base group {described.name}", own, journal)
    if described.launch_template_tags:
        template = {key for key in described.launch_template_tags if not key.startswith(RESERVED_TAGS)}
        yield from _room_problems(f"the launch template of {described.name}", template, journal)
    for key, value in overrides.tags.items():
        if not key or len(key) > LONGEST_TAG_KEY:
            yield f"tag key {key!r} has {len(key)} characters; AWS takes 1 to {LONGEST_TAG_KEY}"
        if len(value) > LONGEST_TAG_VALUE:
            yield f"the value of tag {key} has {len(value)} characters; AWS takes {LONGEST_TAG_VALUE}"
        if key.lower().startswith(RESERVED_TAGS):
            yield f"tag {key} is reserved: nobody may set tags that begin with {' or '.join(RESERVED_TAGS)}"


def _room_problems(what: str, own: set[str], journal: set[str]) -> Iterable[str]:
    if len(own | journal) > MOST_TAGS:
        yield (
            f"{what} has {len(own)} tags to copy, and the journal of a deployment needs {len(journal)} more, but"
            f" AWS allows {MOST_TAGS}; remove {len(own | journal) - MOST_TAGS} from the base"
        )


def _traffic_problems(described: Described, overrides: Overrides) -> Iterable[str]:
    target_groups = effective_target_groups(described, overrides)
    load_balancers = effective_load_balancers(described, overrides)
    if len(target_groups) > MOST_TARGET_GROUPS:
        yield f"{len(target_groups)} target groups are given; a group can have {MOST_TARGET_GROUPS}"
    if len(load_balancers) > MOST_LOAD_BALANCERS:
        yield f"{len(load_balancers)} classic load balancers are given; a group can have {MOST_LOAD_BALANCERS}"
    if (target_groups or load_balancers) and "AddToLoadBalancer" in copied_suspensions(described):
        yield (
            f"AddToLoadBalancer is suspended on base group {described.name}, so that the instances of a group"
            " like it would get no traffic and never count as healthy; resume it first"
        )


# ------------------------------------------------------------------- inventory


def inventory(
    described: Described, overrides: Overrides, now: float = 0.0
) -> tuple[list[str], list[NotCopied]]:
    """What the new group gets from the base, in words, and what it does not.

    C(now), in seconds since the epoch, tells which scheduled actions are over; without it none is.
    """
    return _copied(described, overrides, now), _not_copied(described, overrides, now)


def _copied(described: Described, overrides: Overrides, now: float) -> list[str]:
    group = described.group
    words = [_launch_words(described)]
    keys = override_specifications(described)
    if keys:
        words.append(f"launch templates of overrides: {', '.join(keys)}")
    if group.get("MixedInstancesPolicy"):
        words.append(f"mixed instances policy with {len(overrides_of_policy(group))} overrides")
    words += [f"{member}: {_short(value)}" for member, value in sorted(table.GROUP.copied(group).items())]
    listed = {
        "target groups": [arn.rpartition(":")[2] for arn in effective_target_groups(described, overrides)],
        "classic load balancers": effective_load_balancers(described, overrides),
        "other traffic sources": [source["Identifier"] for source in described.other_traffic_sources],
        "tags": sorted({**described.tags, **overrides.tags}),
        "life-cycle hooks": [hook["LifecycleHookName"] for hook in described.lifecycle_hooks],
        "suspended processes": copied_suspensions(described),
        "metrics collected": sorted(item["Metric"] for item in group.get("EnabledMetrics") or ()),
        "notifications to": sorted({item["TopicARN"] for item in described.notifications}),
        "scaling policies (final phase)": [policy["PolicyName"] for policy in described.policies],
        "alarms (final phase)": alarm_names(described, described.name),
        "scheduled actions (final phase)": [
            action["ScheduledActionName"] for action in described.scheduled_actions if not over(action, now)
        ],
    }
    # An alarm is named for the new group; here it goes by the name that the user knows.
    prefix = f"{described.name}-"
    listed["alarms (final phase)"] = [name.removeprefix(prefix) for name in listed["alarms (final phase)"]]
    words += [f"{what}: {', '.join(names)}" for what, names in listed.items() if names]
    if described.warm_pool and not described.warm_pool.get("Status"):
        words.append("warm pool (final phase)")
    if group.get("DeletionProtection") not in (None, "none"):
        words.append(f"deletion protection {group['DeletionProtection']} (final phase)")
    return words


def _launch_words(described: Described) -> str:
    if described.launch_template is not None:
        template = described.launch_template
        name = template.get("LaunchTemplateName") or template.get("LaunchTemplateId")
        return f"launch template {name}, version {template.get('VersionNumber')}"
    return f"launch configuration {(described.launch_configuration or {}).get('LaunchConfigurationName')}"


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=_plain)


def _not_copied(described: Described, overrides: Overrides, now: float) -> list[NotCopied]:
    return [
        *_left_out(table.GROUP, described.group, "the group"),
        *_launching_not_copied(described, overrides),
        *(
            NotCopied(
                f"suspension of {process}", "a base suspends it to keep its size; a live group needs it"
            )
            for process in sorted(
                NOT_SUSPENDED
                & {item["ProcessName"] for item in described.group.get("SuspendedProcesses") or ()}
            )
        ),
        *(
            [NotCopied("warm pool", "it is being deleted")]
            if (described.warm_pool or {}).get("Status")
            else []
        ),
        *alarms_not_copied(described),
        *scheduled_actions_not_copied(described, now),
    ]


def _left_out(members: table.Table, source: Mapping[str, Any], what: str) -> Iterable[NotCopied]:
    for member in members.members:
        if member.how is table.How.LEFT_OUT and table.pruned(source.get(member.name)):
            yield NotCopied(f"{member.name} of {what}", member.words)
    for name in lost(members, source):
        yield NotCopied(
            f"{name} of {what}", "this version of the collection, or of botocore, does not know it"
        )


def _launching_not_copied(described: Described, overrides: Overrides) -> Iterable[NotCopied]:
    versions = {"the launch template": described.launch_template} if described.launch_template else {}
    versions |= {f"launch template {key}": item for key, item in described.override_launch_templates.items()}
    sources: list[tuple[table.Table, Mapping[str, Any], str]] = []
    for what, version in versions.items():
        sources.append((table.LAUNCH_TEMPLATE, version, what))
        sources.append((table.LAUNCH_TEMPLATE_DATA, version.get("LaunchTemplateData") or {}, what))
    if described.launch_template is None and described.launch_configuration is not None:
        configuration = described.launch_configuration
        sources.append((table.LAUNCH_CONFIGURATION, configuration, "the launch configuration"))
    for members, source, what in sources:
        yield from _left_out(members, source, what)
        mappings = source.get("BlockDeviceMappings") or ()
        root = misplaced_root(mappings, overrides) if overrides.root_device == FOLLOW else None
        for mapping in mappings:
            if root and mapping.get("DeviceName") == root:
                yield NotCopied(
                    f"the mapping of {root} of {what} as such",
                    f"it is the root device's, which is {overrides.root_device_name} now, and is made for that",
                )
            if pins_root_snapshot(mapping, overrides):
                yield NotCopied(
                    f"snapshot {mapping['Ebs']['SnapshotId']} of {mapping['DeviceName']} of {what}",
                    "it belongs to the old AMI; the new one brings its own root device",
                )


# ---------------------------------------------------------------------- digest


def base_digest(described: Described) -> str:
    """A digest of everything that a copy depends on: equal as long as the base is the same.

    Sizes, instances, state and dates take no part, nor the order of what AWS lists in any order, nor the start of
    a recurring action, which AWS moves on each time. 64 hexadecimal digits.
    """
    group = described.group
    content = {
        "group": {
            **table.GROUP.copied(group),
            "VPCZoneIdentifier": sorted(filter(None, (group.get("VPCZoneIdentifier") or "").split(","))),
        },
        "zones": sorted(group.get("AvailabilityZones") or ()),
        "distribution": (group.get("MixedInstancesPolicy") or {}).get("InstancesDistribution"),
        "overrides": overrides_of_policy(group),
        "target groups": sorted(described.target_group_arns),
        "load balancers": sorted(described.load_balancer_names),
        "traffic": _sorted(described.other_traffic_sources),
        "tags": _sorted(
            {"Key": tag["Key"], "Value": tag.get("Value"), "PropagateAtLaunch": tag.get("PropagateAtLaunch")}
            for tag in group.get("Tags") or ()
            if tag["Key"] in described.tags
        ),
        "suspended": copied_suspensions(described),
        "metrics": _sorted(group.get("EnabledMetrics") or ()),
        "protection": group.get("DeletionProtection") or "none",
        "template": _template(described.launch_template),
        "override templates": {
            key: _template(version) for key, version in described.override_launch_templates.items()
        },
        "configuration": _kept(table.LAUNCH_CONFIGURATION, described.launch_configuration or {}),
        "hooks": _sorted(table.LIFECYCLE_HOOK.copied(hook) for hook in described.lifecycle_hooks),
        "notifications": sorted(
            [item["TopicARN"], item["NotificationType"]] for item in described.notifications
        ),
        "warm pool": table.WARM_POOL.copied(described.warm_pool or {}),
        "policies": _sorted(_kept(table.POLICY, policy) for policy in described.policies),
        "alarms": {name: _kept(table.ALARM, alarm) for name, alarm in described.alarms.items()},
        "scheduled": _sorted(
            {
                **table.SCHEDULED_ACTION.copied(action),
                "StartTime": None if action.get("Recurrence") else action.get("StartTime"),
            }
            for action in described.scheduled_actions
        ),
    }
    text = json.dumps(table.pruned(content), sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(members: table.Table, item: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of an item but its name and what AWS only tells."""
    adapted = members.names(table.How.ADAPTED) - {"LaunchConfigurationName"}
    return {**members.copied(item), **{name: value for name, value in item.items() if name in adapted}}


def _template(version: Mapping[str, Any] | None) -> Mapping[str, Any]:
    data = (version or {}).get("LaunchTemplateData") or {}
    return {
        **_kept(table.LAUNCH_TEMPLATE_DATA, data),
        "VersionDescription": (version or {}).get("VersionDescription"),
    }


def _sorted(items: Iterable[Any]) -> Sequence[Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
