# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox's Auto Scaling remembers. Times are epoch seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.refreshes import Refresh

#: In the order of "Process types" in the Amazon EC2 Auto Scaling User Guide.
PROCESSES = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)

_FINAL = {"Successful", "Failed", "Cancelled"}


def timestamp(moment: float) -> datetime:
    """Return epoch seconds as botocore's output shapes want them."""
    return datetime.fromtimestamp(moment, UTC)


def iso(moment: float) -> str:
    """Return epoch seconds as AWS writes them in a cause."""
    return timestamp(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class GroupInstance:
    """An instance of a group. ``ec2`` is moto's instance."""

    instance_id: str
    ec2: Any
    image_id: str
    instance_type: str
    zone: str
    zone_id: str
    subnet_id: str
    launched_at: float
    launch_template: dict[str, str] | None
    launch_configuration: str | None
    protected: bool
    #: How many of the group's units it counts, from its launch on.
    weight: int = 1
    #: Whether its weight was given with its type, so that it is described.
    weighted: bool = False
    state: str = "Pending"
    health: str = "Healthy"
    in_service_at: float | None = None
    #: Lifecycle hooks that it waits for: name -> the token that completes it.
    waiting_for: dict[str, str] = field(default_factory=dict)
    abandoned: bool = False
    #: Whether it returns to the warm pool, since its group scales in.
    returns: bool = False
    #: Why it was found unhealthy, as AWS puts it.
    unhealthy_cause: str = ""
    #: The ARN of the policy that it was launched for, if it was one.
    scaled_by: str | None = None
    #: Those of its group that are about it.
    activities: list[Activity] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Return whether it is part of the group's capacity, or about to be."""
        return self.state == "InService" or self.state.startswith("Pending")

    @property
    def leaving(self) -> bool:
        """Return whether it is on its way out."""
        return self.state.startswith(("Terminating", "Detaching"))

    def describe(self) -> dict[str, Any]:
        """Return the shape ``Instance``."""
        described: dict[str, Any] = {
            "InstanceId": self.instance_id,
            "InstanceType": self.instance_type,
            "AvailabilityZone": self.zone,
            "AvailabilityZoneId": self.zone_id,
            "LifecycleState": self.state,
            "HealthStatus": self.health,
            "ImageId": self.image_id,
            "ProtectedFromScaleIn": self.protected,
        }
        if self.weighted:
            described["WeightedCapacity"] = str(self.weight)
        if self.launch_template:
            described["LaunchTemplate"] = dict(self.launch_template)
        if self.launch_configuration:
            described["LaunchConfigurationName"] = self.launch_configuration
        return described


@dataclass
class Activity:
    """A scaling activity."""

    activity_id: str
    group_name: str
    group_arn: str
    description: str
    cause: str
    started_at: float
    details: dict[str, Any]
    status: str = "PreInService"
    progress: int = 30
    message: str = ""
    ended_at: float | None = None
    instance_id: str | None = None
    group_deleted: bool = False

    @property
    def in_progress(self) -> bool:
        """Return whether it has not ended."""
        return self.status not in _FINAL

    def end(self, moment: float, status: str = "Successful", message: str = "") -> None:
        """Let it end. Progress is 100 then, whatever the outcome."""
        self.status, self.progress, self.message, self.ended_at = status, 100, message, moment

    def describe(self) -> dict[str, Any]:
        """Return the shape ``Activity``."""
        described: dict[str, Any] = {
            "ActivityId": self.activity_id,
            "AutoScalingGroupName": self.group_name,
            "AutoScalingGroupARN": self.group_arn,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": timestamp(self.started_at),
            "StatusCode": self.status,
            "Progress": self.progress,
            "Details": json.dumps(self.details, separators=(",", ":")),
        }
        if self.message:
            described["StatusMessage"] = self.message
        if self.ended_at is not None:
            described["EndTime"] = timestamp(self.ended_at)
        if self.group_deleted:
            described["AutoScalingGroupState"] = "Deleted"
        return described


@dataclass
class Hook:
    """A lifecycle hook; ``members`` are those of the shape ``LifecycleHook``."""

    name: str
    members: dict[str, Any]

    @property
    def transition(self) -> str:
        """Return ``autoscaling:EC2_INSTANCE_LAUNCHING`` or ``..._TERMINATING``."""
        return str(self.members["LifecycleTransition"])


@dataclass
class Policy:
    """A scaling policy; ``members`` are those of the shape ``ScalingPolicy`` but its alarms."""

    name: str
    arn: str
    members: dict[str, Any]
    #: The alarms that target tracking made for itself.
    own_alarms: list[str] = field(default_factory=list)
    last_scaled_at: float | None = None

    @property
    def kind(self) -> str:
        """Return the policy's type, such as ``StepScaling``."""
        return str(self.members["PolicyType"])


@dataclass
class ScheduledAction:
    """A scheduled action; ``members`` are those of the shape ``ScheduledUpdateGroupAction``."""

    name: str
    members: dict[str, Any]
    #: Raised at each change, so that a run that was planned before it does nothing.
    generation: int = 0


@dataclass(frozen=True)
class Replacement:
    """An instance that ends once another is in service in its place: why that is launched, and why this one ends."""

    launch_cause: str
    cause: str


@dataclass
class Group:
    """An Auto Scaling group."""

    name: str
    arn: str
    created_at: float
    min_size: int
    max_size: int
    desired_capacity: int
    #: Members of ``AutoScalingGroup`` that are described as they were given.
    attributes: dict[str, Any]
    zones: list[str]
    subnet_ids: list[str]
    instances: dict[str, GroupInstance] = field(default_factory=dict)
    #: Oldest first.
    activities: list[Activity] = field(default_factory=list)
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Identifier -> type (elbv2, elb or vpc-lattice), in the order of attachment.
    traffic_sources: dict[str, str] = field(default_factory=dict)
    #: Those of them that were attached when the group was created.
    first_traffic_sources: set[str] = field(default_factory=set)
    #: Those that it was detached from, which may still have instances of it draining.
    leaving_traffic_sources: dict[str, str] = field(default_factory=dict)
    #: Process -> the reason of its suspension.
    suspended: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    scheduled_actions: dict[str, ScheduledAction] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    notifications: list[tuple[str, str]] = field(default_factory=list)
    metrics: dict[str, str] = field(default_factory=dict)
    #: The shape ``WarmPoolConfiguration``.
    warm_pool: dict[str, Any] | None = None
    #: The instances of the warm pool, by id; they are none of the group's.
    warm: dict[str, GroupInstance] = field(default_factory=dict)
    #: No launch into the warm pool is tried before that time, because the last one failed.
    warm_retry_at: float | None = None
    deleting: bool = False
    deleted: bool = False
    #: What changed the desired capacity last, as a cause tells it.
    reason: str = ""
    #: The ARN of the policy that changed it last, if it was one.
    scaled_by: str | None = None
    #: No launch is tried before that time, because the last one failed.
    retry_at: float | None = None
    #: The desired capacity that launches have fulfilled last, and by how many units they went beyond it.
    overage: tuple[int, int] = (0, 0)
    #: How many instances it has launched so far.
    launched: int = 0
    #: Unhealthy instances whose replacements are yet to be launched.
    to_replace: int = 0
    #: Why the next launches are made, after the time, where it is neither that nor the desired capacity.
    launch_causes: list[str] = field(default_factory=list)
    #: Instances whose replacements are launched first, by id.
    replacing: dict[str, Replacement] = field(default_factory=dict)
    #: When the balance of its zones was looked at last, in epoch seconds.
    balanced_at: float = 0.0
    #: Its instance refreshes, oldest first.
    refreshes: list[Refresh] = field(default_factory=list)

    def suspends(self, process: str) -> bool:
        """Return whether ``process`` is suspended."""
        return process in self.suspended

    def attached(self, kind: str) -> list[str]:
        """Return the identifiers of the attached traffic sources of a kind."""
        return [identifier for identifier, its_kind in self.traffic_sources.items() if its_kind == kind]

    def counted(self) -> list[GroupInstance]:
        """Return the instances that make up the group's capacity."""
        return [instance for instance in self.instances.values() if instance.counts]

    def units(self) -> int:
        """Return the group's capacity in its own units: what its instances weigh."""
        return sum(instance.weight for instance in self.counted())

    def wanted_units(self) -> int:
        """Return what it launches up to: the desired capacity, and what is replaced by launching first."""
        replaced = (self.instances.get(instance_id) for instance_id in self.replacing)
        return self.desired_capacity + sum(one.weight for one in replaced if one is not None and one.counts)

    def describe_tags(self) -> list[dict[str, Any]]:
        """Return the shapes ``TagDescription``, ordered by key."""
        return [
            {"ResourceId": self.name, "ResourceType": "auto-scaling-group", **self.tags[key]}
            for key in sorted(self.tags)
        ]

    def describe(self) -> dict[str, Any]:
        """Return the shape ``AutoScalingGroup``."""
        described = {
            "AutoScalingGroupName": self.name,
            "AutoScalingGroupARN": self.arn,
            "CreatedTime": timestamp(self.created_at),
            "MinSize": self.min_size,
            "MaxSize": self.max_size,
            "DesiredCapacity": self.desired_capacity,
            "AvailabilityZones": list(self.zones),
            "LoadBalancerNames": self.attached("elb"),
            "TargetGroupARNs": self.attached("elbv2"),
            "TrafficSources": [
                {"Identifier": identifier, "Type": kind} for identifier, kind in self.traffic_sources.items()
            ],
            "Instances": [instance.describe() for instance in self.instances.values()],
            "SuspendedProcesses": [
                {"ProcessName": process, "SuspensionReason": self.suspended[process]}
                for process in PROCESSES
                if process in self.suspended
            ],
            "EnabledMetrics": [
                {"Metric": metric, "Granularity": granularity} for metric, granularity in self.metrics.items()
            ],
            "Tags": self.describe_tags(),
            **self.attributes,
        }
        if self.subnet_ids:
            described["VPCZoneIdentifier"] = ",".join(self.subnet_ids)
        if self.warm_pool is not None:
            described["WarmPoolConfiguration"] = dict(self.warm_pool)
            described["WarmPoolSize"] = len(self.warm)
        if self.deleting:
            described["Status"] = "Delete in progress"
        return described
