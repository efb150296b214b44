# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The new group itself: its create request, and what that request cannot take.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core import naming
from . import members as table
from .described import (
    Described,
    Overrides,
    Request,
    copied_suspensions,
    effective_load_balancers,
    effective_target_groups,
    override_launch_template_names,
    template_key,
)

# A launch template that was just created has this one version.
FIRST_VERSION = "1"
LOWEST_PRICE = "lowest-price"


def group_request(
    described: Described,
    overrides: Overrides,
    name: str,
    max_size: int,
    tags: Mapping[str, str],
    *,
    launch_template_id: str | None = None,
    override_template_ids: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The CreateAutoScalingGroup request: everything in one call, at min 0 and desired 0.

    C(tags) are the journal's, which instances do not inherit. The launch templates are referred to by the ids
    given (C(override_template_ids) by C(template_key)), or by the names that their requests have.
    """
    group = described.group
    request = table.GROUP.copied(group)
    request |= {"AutoScalingGroupName": name, "MinSize": 0, "MaxSize": max_size, "DesiredCapacity": 0}
    request["Tags"] = _group_tags(described, overrides, name, tags)
    own_template = _template_reference(launch_template_id, naming.launch_template_name(name))
    if group.get("MixedInstancesPolicy"):
        names = override_launch_template_names(described, name)
        references = {
            key: _template_reference((override_template_ids or {}).get(key), names[key]) for key in names
        }
        request["MixedInstancesPolicy"] = _mixed_instances_policy(
            group["MixedInstancesPolicy"], overrides, own_template, references
        )
    elif described.launch_template is not None:
        request["LaunchTemplate"] = own_template
    else:
        request["LaunchConfigurationName"] = name
    request |= _places(described, overrides)
    hooks = [table.LIFECYCLE_HOOK.copied(hook) for hook in described.lifecycle_hooks]
    if hooks:
        request["LifecycleHookSpecificationList"] = hooks
    if (group.get("AvailabilityZoneImpairmentPolicy") or {}).get("ZonalShiftEnabled"):
        request["SkipZonalShiftValidation"] = True
    return request


def _template_reference(template_id: str | None, template_name: str) -> dict[str, Any]:
    by: dict[str, Any] = (
        {"LaunchTemplateId": template_id} if template_id else {"LaunchTemplateName": template_name}
    )
    return {**by, "Version": FIRST_VERSION}


def _mixed_instances_policy(
    described: Mapping[str, Any],
    overrides: Overrides,
    own_template: Mapping[str, Any],
    references: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    policy: dict[str, Any] = table.pruned(described)
    template = policy.setdefault("LaunchTemplate", {})
    template["LaunchTemplateSpecification"] = dict(own_template)
    for override in template.get("Overrides", ()):
        if "LaunchTemplateSpecification" in override:
            key = template_key(override["LaunchTemplateSpecification"])
            override["LaunchTemplateSpecification"] = dict(references[key])
        if "ImageId" in override:
            override["ImageId"] = overrides.image_id
    distribution = policy.get("InstancesDistribution", {})
    if distribution.get("SpotAllocationStrategy", LOWEST_PRICE) != LOWEST_PRICE:
        distribution.pop("SpotInstancePools", None)
    return policy


def _places(described: Described, overrides: Overrides) -> dict[str, Any]:
    """Where instances are launched and what sends them traffic."""
    group = described.group
    places: dict[str, Any] = {}
    if not group.get("VPCZoneIdentifier"):
        zones = "AvailabilityZones" if group.get("AvailabilityZones") else "AvailabilityZoneIds"
        places[zones] = list(group.get(zones) or ())
    places["TargetGroupARNs"] = list(effective_target_groups(described, overrides))
    places["LoadBalancerNames"] = list(effective_load_balancers(described, overrides))
    places["TrafficSources"] = table.pruned(described.other_traffic_sources)
    return {member: value for member, value in places.items() if value}


def _group_tags(
    described: Described, overrides: Overrides, name: str, journal: Mapping[str, str]
) -> list[dict[str, Any]]:
    inherited = {
        tag["Key"]: bool(tag.get("PropagateAtLaunch"))
        for tag in described.group.get("Tags") or ()
        if tag["Key"] in described.tags
    }
    values = {**described.tags, **overrides.tags, **journal}
    propagate = {**dict.fromkeys(overrides.tags, True), **inherited, **dict.fromkeys(journal, False)}
    return [
        {
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": key,
            "Value": value,
            "PropagateAtLaunch": propagate[key],
        }
        for key, value in values.items()
    ]


# ----------------------------------------------------- what create cannot take


def follow_up_requests(described: Described, name: str) -> tuple[Request, ...]:
    """What is set right after the group C(name) was created, in order; each request may be repeated."""
    base = described.name
    requests = []
    processes = copied_suspensions(described)
    if processes:
        requests.append(
            Request(
                "autoscaling",
                "SuspendProcesses",
                {"AutoScalingGroupName": name, "ScalingProcesses": processes},
                f"suspend {', '.join(processes)} on group {name}, as on {base}",
            )
        )
    for granularity, metrics in _gathered(
        described.group.get("EnabledMetrics") or (), "Granularity", "Metric"
    ):
        requests.append(
            Request(
                "autoscaling",
                "EnableMetricsCollection",
                {"AutoScalingGroupName": name, "Granularity": granularity, "Metrics": metrics},
                f"collect {len(metrics)} metrics of group {name}, as of {base}",
            )
        )
    for topic, types in _gathered(described.notifications, "TopicARN", "NotificationType"):
        requests.append(
            Request(
                "autoscaling",
                "PutNotificationConfiguration",
                {"AutoScalingGroupName": name, "TopicARN": topic, "NotificationTypes": types},
                f"notify {topic} of group {name}, as of {base}",
            )
        )
    return tuple(requests)


def _gathered(items: Iterable[Mapping[str, Any]], by: str, what: str) -> list[tuple[str, list[str]]]:
    gathered: dict[str, set[str]] = {}
    for item in items:
        gathered.setdefault(item[by], set()).add(item[what])
    return [(key, sorted(gathered[key])) for key in sorted(gathered)]


def final_requests(described: Described, name: str) -> tuple[Request, ...]:
    """What the group gets only in the final phase, besides policies and schedules; each may be repeated.

    A warm pool launches instances at once, of an AMI that nobody has judged before; a group protected from
    deletion could not be rolled back.
    """
    requests = []
    warm_pool = described.warm_pool or {}
    if warm_pool and not warm_pool.get("Status"):
        requests.append(
            Request(
                "autoscaling",
                "PutWarmPool",
                {"AutoScalingGroupName": name, **table.WARM_POOL.copied(warm_pool)},
                f"give group {name} a warm pool, as {described.name} has",
            )
        )
    protection = described.group.get("DeletionProtection")
    if protection and protection != "none":
        requests.append(
            Request(
                "autoscaling",
                "UpdateAutoScalingGroup",
                {"AutoScalingGroupName": name, "DeletionProtection": protection},
                f"protect group {name} from deletion ({protection}), as {described.name} is",
            )
        )
    return tuple(requests)
