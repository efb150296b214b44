# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every member of the base's configuration, and how the new group comes by it.

Each table lists what AWS's create call takes together with what its describe calls tell. The requests are
made from these tables, C(docs/copying.md) is written from them, and a test compares them with botocore's
models, so that a member that AWS adds is never lost in silence.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class How(Enum):
    """How the new group comes by a member."""

    COPIED = "copied"
    ADAPTED = "adapted"
    SEPARATE = "in a call of its own"
    FINAL = "in the final phase"
    LEFT_OUT = "not copied"
    TOLD = "only told"
    """AWS tells it of a group that exists; nobody can ask for it."""


@dataclass(frozen=True)
class Member:
    """One member, with the reason where it is not simply copied.

    C(without) are names inside the member, at any depth, that describe calls tell and create calls refuse.
    """

    name: str
    how: How = How.COPIED
    words: str = ""
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Table:
    """The members of one create call; C(title) and C(calls) are for the documentation."""

    title: str
    calls: str
    members: tuple[Member, ...]

    def names(self, *hows: How) -> frozenset[str]:
        """The names of the members with one of the given ways; all names where none is given."""
        return frozenset(member.name for member in self.members if not hows or member.how in hows)

    def copied(self, described: Mapping[str, Any]) -> dict[str, Any]:
        """The members to copy as they are, from an item of the describe call; empty ones are left out."""
        return {
            member.name: value
            for member in self.members
            if member.how is How.COPIED
            and not _empty(value := pruned(described.get(member.name), member.without))
        }

    def unknown(self, described: Mapping[str, Any]) -> list[str]:
        """Members that AWS tells of and this table does not know: AWS is newer than the collection."""
        return sorted(
            name
            for name, value in described.items()
            if name not in self.names() and not _empty(pruned(value))
        )


# Where emptiness says something: a device that is to be left away, a tag or dimension without a value, and
# a choice between structures of which one has no members.
_MEANT_TO_BE_EMPTY = frozenset({"NoDevice", "SlidingWindow", "Value"})


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, bytes, list, tuple, Mapping)) and not value)


def pruned(value: Any, without: frozenset[str] = frozenset()) -> Any:
    """Copy a described value deeply, without empty parts and without the names given.

    Describe calls answer C("") or an empty list for what was never set, and create calls refuse both.
    """
    if isinstance(value, Mapping):
        parts = {key: pruned(part, without) for key, part in value.items() if key not in without}
        return {
            key: part
            for key, part in parts.items()
            if part is not None and (key in _MEANT_TO_BE_EMPTY or not _empty(part))
        }
    if isinstance(value, (list, tuple)):
        return [pruned(part, without) for part in value]
    return copy.deepcopy(value)


def _members(how: How, names: str, words: str = "") -> tuple[Member, ...]:
    return tuple(Member(name, how, words) for name in names.split())


_OPERATOR = (
    "a service that manages the base allows changes to no one else, so nothing could roll the copy back"
)
_IDENTITY = "identifies or dates the base"
_STATE = "the state of the base, not its configuration"

GROUP = Table(
    "The group",
    "`DescribeAutoScalingGroups` → `CreateAutoScalingGroup`",
    (
        *_members(
            How.COPIED,
            "AvailabilityZoneDistribution AvailabilityZoneImpairmentPolicy CapacityRebalance"
            " CapacityReservationSpecification Context DefaultCooldown DefaultInstanceWarmup DesiredCapacityType"
            " HealthCheckGracePeriod HealthCheckType InstanceLifecyclePolicy InstanceMaintenancePolicy"
            " MaxInstanceLifetime NewInstancesProtectedFromScaleIn PlacementGroup ServiceLinkedRoleARN"
            " TerminationPolicies VPCZoneIdentifier",
        ),
        Member("AutoScalingGroupName", How.ADAPTED, "the revision's own name"),
        Member(
            "AvailabilityZones", How.ADAPTED, "only where the base has no subnets, which decide the zones"
        ),
        Member("AvailabilityZoneIds", How.ADAPTED, "only where AWS does not tell the zones by name"),
        Member("DesiredCapacity", How.ADAPTED, "0 at first; the phases raise it"),
        Member("MinSize", How.ADAPTED, "0 at first; the wanted size after the final phase"),
        Member("MaxSize", How.ADAPTED, "the wanted size"),
        Member("LaunchConfigurationName", How.ADAPTED, "a launch configuration of the revision's own"),
        Member("LaunchTemplate", How.ADAPTED, "a launch template of the revision's own, by version number"),
        Member(
            "LifecycleHookSpecificationList",
            How.ADAPTED,
            "the hooks that `DescribeLifecycleHooks` tells, created together with the group",
        ),
        Member("LoadBalancerNames", How.ADAPTED, "the base's, or those given"),
        Member(
            "MixedInstancesPolicy",
            How.ADAPTED,
            "copied, with launch templates of the revision's own and the new AMI;"
            " `SpotInstancePools` only with the strategy `lowest-price`, since AWS takes it with no other",
        ),
        Member(
            "SkipZonalShiftValidation",
            How.ADAPTED,
            "set where the base has zonal shift enabled: what was accepted for the base is not asked again",
        ),
        Member("Tags", How.ADAPTED, "the base's but for AWS's own, those given, and the journal"),
        Member("TargetGroupARNs", How.ADAPTED, "the base's, or those given"),
        Member(
            "TrafficSources",
            How.ADAPTED,
            "VPC Lattice and the like; target groups and classic load balancers go by their own members",
        ),
        Member("EnabledMetrics", How.SEPARATE, "`EnableMetricsCollection`"),
        Member(
            "SuspendedProcesses",
            How.SEPARATE,
            "`SuspendProcesses`, but for ScheduledActions, which is suspended on a base only to keep its size",
        ),
        Member(
            "WarmPoolConfiguration",
            How.FINAL,
            "`PutWarmPool`: a warm pool would launch an AMI that nobody has judged yet",
        ),
        Member(
            "DeletionProtection",
            How.FINAL,
            "`UpdateAutoScalingGroup`: a rollback must be able to delete the group",
        ),
        Member("InstanceId", How.LEFT_OUT, "another way to create a group, from an instance"),
        Member("Operator", How.LEFT_OUT, _OPERATOR),
        *_members(How.TOLD, "AutoScalingGroupARN CreatedTime", _IDENTITY),
        *_members(How.TOLD, "Instances PredictedCapacity Status WarmPoolSize", _STATE),
    ),
)

LAUNCH_TEMPLATE = Table(
    "The launch template",
    "`DescribeLaunchTemplateVersions` → `CreateLaunchTemplate`",
    (
        Member("VersionDescription"),
        Member("LaunchTemplateName", How.ADAPTED, "the name of the revision's group"),
        Member("LaunchTemplateData", How.ADAPTED, "see the next table"),
        Member("TagSpecifications", How.ADAPTED, "the tags of the base's template, and the journal"),
        *_members(How.LEFT_OUT, "ClientToken DryRun", "concerns the call, not the template"),
        Member("Operator", How.LEFT_OUT, _OPERATOR),
        *_members(How.TOLD, "CreateTime CreatedBy DefaultVersion LaunchTemplateId VersionNumber", _IDENTITY),
    ),
)

LAUNCH_TEMPLATE_DATA = Table(
    "The launch template's data",
    "`LaunchTemplateData` of both calls",
    (
        *_members(
            How.COPIED,
            "CapacityReservationSpecification CpuOptions CreditSpecification DisableApiStop"
            " DisableApiTermination EbsOptimized ElasticGpuSpecifications ElasticInferenceAccelerators"
            " EnclaveOptions HibernationOptions InstanceInitiatedShutdownBehavior InstanceMarketOptions KernelId"
            " LicenseSpecifications MaintenanceOptions Monitoring NetworkPerformanceOptions Placement"
            " PrivateDnsNameOptions RamDiskId SecondaryInterfaces TagSpecifications",
        ),
        Member("ImageId", How.ADAPTED, "the new AMI, also in place of a `resolve:ssm:` parameter"),
        Member(
            "BlockDeviceMappings",
            How.COPIED,
            "those given replace the base's of the same device; a snapshot of the root device is left out where"
            " the new AMI's root device is known, since it belongs to the old AMI",
        ),
        Member("IamInstanceProfile", How.COPIED, "or the one given"),
        Member("InstanceRequirements", How.COPIED, "or the instance type given"),
        Member("InstanceType", How.COPIED, "or the one given"),
        Member("KeyName", How.COPIED, "or the one given"),
        Member(
            "MetadataOptions",
            How.COPIED,
            "those given replace single options",
            without=frozenset({"State"}),
        ),
        Member(
            "NetworkInterfaces",
            How.COPIED,
            "security groups given replace those of each interface",
            without=frozenset({"IsPrimaryIpv6"}),
        ),
        Member("SecurityGroupIds", How.COPIED, "or those given"),
        Member("SecurityGroups", How.COPIED, "unless ids are given"),
        Member("UserData", How.COPIED, "or the text given"),
        Member("Operator", How.LEFT_OUT, _OPERATOR),
    ),
)

LAUNCH_CONFIGURATION = Table(
    "The launch configuration",
    "`DescribeLaunchConfigurations` → `CreateLaunchConfiguration`",
    (
        *_members(
            How.COPIED,
            "AssociatePublicIpAddress ClassicLinkVPCId ClassicLinkVPCSecurityGroups EbsOptimized"
            " InstanceMonitoring KernelId PlacementTenancy RamdiskId SpotPrice",
        ),
        Member("LaunchConfigurationName", How.ADAPTED, "the name of the revision's group"),
        Member("ImageId", How.ADAPTED, "the new AMI"),
        Member(
            "BlockDeviceMappings",
            How.COPIED,
            "those given replace the base's of the same device; a snapshot of the root device is left out where"
            " the new AMI's root device is known, since it belongs to the old AMI",
        ),
        Member("IamInstanceProfile", How.COPIED, "or the one given"),
        Member("InstanceType", How.COPIED, "or the one given"),
        Member("KeyName", How.COPIED, "or the one given"),
        Member("MetadataOptions", How.COPIED, "those given replace single options"),
        Member("SecurityGroups", How.COPIED, "or those given"),
        Member("UserData", How.ADAPTED, "copied as text, since botocore encodes it again, or the text given"),
        Member("InstanceId", How.LEFT_OUT, "another way to create a launch configuration, from an instance"),
        *_members(How.TOLD, "CreatedTime LaunchConfigurationARN", _IDENTITY),
    ),
)

LIFECYCLE_HOOK = Table(
    "Life-cycle hooks",
    "`DescribeLifecycleHooks` → `LifecycleHookSpecificationList` of `CreateAutoScalingGroup`",
    (
        *_members(
            How.COPIED,
            "DefaultResult HeartbeatTimeout LifecycleHookName LifecycleTransition NotificationMetadata"
            " NotificationTargetARN RoleARN",
        ),
        Member("AutoScalingGroupName", How.TOLD, "the base's name; the hooks come with the new group"),
        Member("GlobalTimeout", How.TOLD, "follows from `HeartbeatTimeout`"),
    ),
)

WARM_POOL = Table(
    "The warm pool",
    "`DescribeAutoScalingGroups` → `PutWarmPool`",
    (
        *_members(How.COPIED, "InstanceReusePolicy MaxGroupPreparedCapacity MinSize PoolState"),
        Member("AutoScalingGroupName", How.ADAPTED, "the new group's"),
        Member("Status", How.TOLD, _STATE + "; a pool that is being deleted is not copied"),
    ),
)

NOTIFICATION = Table(
    "Notifications",
    "`DescribeNotificationConfigurations` → `PutNotificationConfiguration`",
    (
        Member("TopicARN"),
        Member("AutoScalingGroupName", How.ADAPTED, "the new group's"),
        Member("NotificationType", How.ADAPTED, "all types of a topic in one call"),
        Member("NotificationTypes", How.ADAPTED, "all types of a topic in one call"),
    ),
)

POLICY = Table(
    "Scaling policies",
    "`DescribePolicies` → `PutScalingPolicy`",
    (
        *_members(
            How.COPIED,
            "AdjustmentType Cooldown Enabled EstimatedInstanceWarmup MetricAggregationType"
            " MinAdjustmentMagnitude PolicyName PolicyType ScalingAdjustment StepAdjustments",
        ),
        Member("AutoScalingGroupName", How.ADAPTED, "the new group's"),
        Member(
            "MinAdjustmentStep", How.ADAPTED, "only without `MinAdjustmentMagnitude`, which took its place"
        ),
        *_members(
            How.ADAPTED,
            "PredictiveScalingConfiguration TargetTrackingConfiguration",
            "copied, with dimensions, expressions and resource labels that name the base's group or target"
            " groups renamed",
        ),
        Member(
            "Alarms", How.SEPARATE, "`PutMetricAlarm`, for step and simple scaling; the others make their own"
        ),
        Member("PolicyARN", How.TOLD, _IDENTITY),
    ),
)

ALARM = Table(
    "Alarms of step and simple scaling policies",
    "`DescribeAlarms` → `PutMetricAlarm`",
    (
        *_members(
            How.COPIED,
            "ActionConfiguration ActionsEnabled AlarmDescription ComparisonOperator DatapointsToAlarm"
            " EvaluateLowSampleCountPercentile EvaluationInterval EvaluationPeriods EvaluationWindow"
            " ExtendedStatistic MetricName Namespace Period Statistic Threshold ThresholdMetricId"
            " TreatMissingData Unit WarmUpConfiguration",
        ),
        Member("AlarmName", How.ADAPTED, "the new group's name in front"),
        *_members(
            How.ADAPTED,
            "AlarmActions InsufficientDataActions OKActions",
            "the base's policies become the new group's; policies of other groups are left out, all else is kept",
        ),
        *_members(
            How.ADAPTED,
            "Dimensions EvaluationCriteria Metrics",
            "copied, with the base's group and target groups renamed",
        ),
        Member("Tags", How.ADAPTED, "the alarm's tags, as `ListTagsForResource` tells them"),
        *_members(How.TOLD, "AlarmArn AlarmConfigurationUpdatedTimestamp", _IDENTITY),
        *_members(
            How.TOLD,
            "EvaluationState StateReason StateReasonData StateTransitionedTimestamp StateUpdatedTimestamp StateValue",
            "the state of the base's alarm, not its configuration",
        ),
    ),
)

SCHEDULED_ACTION = Table(
    "Scheduled actions",
    "`DescribeScheduledActions` → `BatchPutScheduledUpdateGroupAction`",
    (
        *_members(
            How.COPIED, "DesiredCapacity EndTime MaxSize MinSize Recurrence ScheduledActionName TimeZone"
        ),
        Member(
            "StartTime",
            How.ADAPTED,
            "copied unless it is past, which AWS refuses; an action that is over altogether is not copied",
        ),
        *_members(How.TOLD, "AutoScalingGroupName ScheduledActionARN", _IDENTITY),
        Member("Time", How.TOLD, "no longer used by AWS"),
    ),
)

TARGET_GROUP = Table(
    "The target group that a revision has while traffic is shifted",
    "`DescribeTargetGroups` → `CreateTargetGroup`; all that `DescribeTargetGroupAttributes` tells is set by"
    " `ModifyTargetGroupAttributes`",
    (
        *_members(
            How.COPIED,
            "HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol"
            " HealthCheckTimeoutSeconds HealthyThresholdCount IpAddressType Matcher Port Protocol ProtocolVersion"
            " TargetControlPort TargetType UnhealthyThresholdCount VpcId",
        ),
        Member("Name", How.ADAPTED, "named after the group, with a digest"),
        Member("Tags", How.ADAPTED, "production's, as `DescribeTags` tells them, and the deployment's own"),
        *_members(How.TOLD, "TargetGroupArn TargetGroupName", "identifies the production target group"),
        Member("LoadBalancerArns", How.TOLD, "follows from the listeners and rules that forward to it"),
    ),
)

TABLES = (
    GROUP,
    LAUNCH_TEMPLATE,
    LAUNCH_TEMPLATE_DATA,
    LAUNCH_CONFIGURATION,
    LIFECYCLE_HOOK,
    NOTIFICATION,
    WARM_POOL,
    POLICY,
    ALARM,
    SCHEDULED_ACTION,
    TARGET_GROUP,
)
