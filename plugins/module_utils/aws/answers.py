# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Auto Scaling and EC2 answer, as the model's data.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ..core.health import LaunchPlaces
from ..core.model import INSTANCES, Activity, Capacity, Group, Image, ImageVolume, Instance

# C(DesiredCapacityType) of CreateAutoScalingGroup, in the words of a line; those measured go by the instance type.
MEASURED = frozenset({"vcpu", "memory-mib"})
UNITS = {"units": "units", "vcpu": "vCPUs", "memory-mib": "MiB"}

# C(CapacityDistributionStrategy) of CreateAutoScalingGroup: launches that fail in a zone are tried again in it only.
BALANCED_ONLY = "balanced-only"


def read_tags(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tags as AWS lists them, as a dictionary."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def read_group(item: Mapping[str, Any]) -> Group:
    """An item of DescribeAutoScalingGroups as the model's group."""
    overrides = ((item.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}).get("Overrides") or ()
    weights = [
        int(one["WeightedCapacity"])
        for one in (*overrides, *item.get("Instances", ()))
        if one.get("WeightedCapacity")
    ]
    kind = str(item.get("DesiredCapacityType") or "units")
    return Group(
        name=item["AutoScalingGroupName"],
        capacity=Capacity(item["MinSize"], item["MaxSize"], item["DesiredCapacity"]),
        instances=tuple(
            Instance(
                instance_id=one["InstanceId"],
                lifecycle_state=one["LifecycleState"],
                health_status=one.get("HealthStatus", ""),
                availability_zone=one.get("AvailabilityZone", ""),
                instance_type=one.get("InstanceType", ""),
                launch_template_version=str((one.get("LaunchTemplate") or {}).get("Version", "")),
                weight=int(one.get("WeightedCapacity") or 1),
                protected=bool(one.get("ProtectedFromScaleIn")),
            )
            for one in item.get("Instances", ())
            if not one["LifecycleState"].startswith("Warmed")
        ),
        suspended=frozenset(one["ProcessName"] for one in item.get("SuspendedProcesses", ())),
        tags=read_tags(item.get("Tags", ())),
        target_group_arns=tuple(item.get("TargetGroupARNs", ())),
        load_balancer_names=tuple(item.get("LoadBalancerNames", ())),
        being_deleted=bool(item.get("Status")),
        described=item,
        unit=UNITS[kind] if weights or kind in MEASURED else INSTANCES,
        heaviest=max(weights, default=1),
    )


def measured(group: Group, sizes: Mapping[str, int]) -> Group:
    """A group that counts vCPUs or memory, with its instances' weights by C(sizes) of their types."""
    instances = tuple(
        dataclasses.replace(one, weight=sizes.get(one.instance_type, one.weight)) for one in group.instances
    )
    heaviest = max((one.weight for one in instances), default=1)
    return dataclasses.replace(group, instances=instances, heaviest=max(heaviest, group.heaviest))


def measured_types(group: Group) -> tuple[str, list[str]]:
    """The C(DesiredCapacityType) of a group whose instances say nothing of their weight, and their types."""
    kind = str(group.described.get("DesiredCapacityType") or "")
    unsaid = {
        str(one["InstanceType"])
        for one in group.described.get("Instances", ())
        if not one.get("WeightedCapacity") and one.get("InstanceType")
    }
    return kind, sorted(unsaid) if kind in MEASURED else []


def read_activity(item: Mapping[str, Any]) -> Activity:
    """An item of DescribeScalingActivities as the model's activity."""
    ended = item.get("EndTime")
    return Activity(
        activity_id=item["ActivityId"],
        group=item["AutoScalingGroupName"],
        description=item.get("Description", ""),
        cause=item.get("Cause", ""),
        status_code=item["StatusCode"],
        status_message=item.get("StatusMessage", ""),
        progress=int(item.get("Progress", 0)),
        details=item.get("Details", ""),
        started=_seconds(item["StartTime"]),
        ended=_seconds(ended) if ended else None,
    )


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def launch_places(group: Group) -> LaunchPlaces:
    """Where a group can launch, by its description."""
    item = group.described
    overrides = ((item.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}).get("Overrides") or ()
    distribution = item.get("AvailabilityZoneDistribution") or {}
    return LaunchPlaces(
        zones=frozenset(item.get("AvailabilityZones") or ()),
        several_types=len(overrides) > 1 or any(one.get("InstanceRequirements") for one in overrides),
        keeps_zone=distribution.get("CapacityDistributionStrategy") == BALANCED_ONLY,
    )


def launch_source(group: Group) -> tuple[str, Mapping[str, Any] | str | None]:
    """What a group launches from: its kind (C(launch_template), C(mixed), C(launch_configuration), C(none)) and it."""
    item = group.described
    if item.get("MixedInstancesPolicy"):
        return "mixed", item["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]
    if item.get("LaunchTemplate"):
        return "launch_template", item["LaunchTemplate"]
    if item.get("LaunchConfigurationName"):
        return "launch_configuration", item["LaunchConfigurationName"]
    return "none", None


def read_image(item: Mapping[str, Any]) -> Image:
    """An item of DescribeImages as the model's image."""
    return Image(
        image_id=item["ImageId"],
        name=item.get("Name", ""),
        state=item.get("State", ""),
        architecture=item.get("Architecture", ""),
        owner=item.get("OwnerId", ""),
        created=item.get("CreationDate", ""),
        deprecated=item.get("DeprecationTime", ""),
        root_device_name=item.get("RootDeviceName") or None,
        public=bool(item.get("Public")),
        boot_mode=item.get("BootMode", ""),
        ena_support=bool(item.get("EnaSupport")),
        imds_support=item.get("ImdsSupport", ""),
        volumes=tuple(
            ImageVolume(
                one["DeviceName"],
                one["Ebs"].get("SnapshotId", ""),
                int(one["Ebs"].get("VolumeSize") or 0),
                bool(one["Ebs"].get("Encrypted")),
            )
            for one in item.get("BlockDeviceMappings") or ()
            if one.get("Ebs")
        ),
    )
