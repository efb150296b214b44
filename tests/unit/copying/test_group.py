# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The new group is the base group, but for its name, its sizes, its launch source and the journal."""

from __future__ import annotations

from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.copying.described import (
    Described,
    Overrides,
    Request,
)
from ansible_collections.progressive.aws.plugins.module_utils.copying.group import (
    final_requests,
    follow_up_requests,
    group_request,
)
from hypothesis import HealthCheck, given, settings

from tests.unit.copying import models

NEW = Overrides(image_id="ami-new")
JOURNAL = {"progressive:series": "shop", "progressive:revision": "7"}
TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/1"
OTHER_TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop-new/2"
LATTICE = "arn:aws:vpc-lattice:eu-west-1:1:targetgroup/tg-1"
# What a revision has of its own, and what is not asked for in the create request.
DIFFERENT = {
    *("AutoScalingGroupName", "MinSize", "MaxSize", "DesiredCapacity", "Tags", "Operator"),
    *("LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy", "DeletionProtection"),
    *("TargetGroupARNs", "LoadBalancerNames", "TrafficSources"),
    *("AvailabilityZones", "AvailabilityZoneIds"),
}
ONLY_TOLD = {
    *("AutoScalingGroupARN", "CreatedTime", "Instances", "PredictedCapacity", "Status", "WarmPoolSize"),
    *("SuspendedProcesses", "EnabledMetrics", "WarmPoolConfiguration"),
}


def base(**members: Any) -> dict[str, Any]:
    return {"AutoScalingGroupName": "base", "VPCZoneIdentifier": "subnet-1", **members}


def on_template(group: dict[str, Any], **rest: Any) -> Described:
    return Described(group, launch_template={"LaunchTemplateData": {"ImageId": "ami-old"}}, **rest)


def created(group: dict[str, Any], overrides: Overrides = NEW, **rest: Any) -> dict[str, Any]:
    return group_request(on_template(group, **rest), overrides, "shop__7", 10, JOURNAL)


def keys_of(tags: list[dict[str, Any]]) -> list[str]:
    return [tag["Key"] for tag in tags]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    group=models.examples(
        models.shape("autoscaling", "AutoScalingGroup"),
        models.shape("autoscaling", "CreateAutoScalingGroupType"),
    )
)
def test_any_group_keeps_everything_but_the_documented_differences(group: dict[str, Any]) -> None:
    request = created(group)

    assert models.refusal("autoscaling", "CreateAutoScalingGroup", request) == ""
    for member, value in group.items():
        if member not in DIFFERENT | ONLY_TOLD and value not in ("", [], {}):
            assert member in request or _has_nothing_in_it(value), f"{member} is lost"
    for member in set(request) - DIFFERENT - {"SkipZonalShiftValidation", "LifecycleHookSpecificationList"}:
        assert request[member] == _without_emptiness(group[member])


def _without_emptiness(value: Any) -> Any:
    if isinstance(value, dict):
        parts = {name: _without_emptiness(part) for name, part in value.items()}
        return {
            name: part for name, part in parts.items() if part not in ("", [], {}) or isinstance(part, bool)
        }
    return [_without_emptiness(part) for part in value] if isinstance(value, list) else value


def _has_nothing_in_it(value: Any) -> bool:
    return isinstance(value, (dict, list)) and _without_emptiness(value) in ({}, [])


def test_the_new_group_begins_with_nothing_and_refers_to_its_own_template_by_number() -> None:
    assert created(base(MinSize=2, MaxSize=9, DesiredCapacity=4, HealthCheckType="ELB")) == {
        "AutoScalingGroupName": "shop__7",
        "MinSize": 0,
        "MaxSize": 10,
        "DesiredCapacity": 0,
        "VPCZoneIdentifier": "subnet-1",
        "HealthCheckType": "ELB",
        "LaunchTemplate": {"LaunchTemplateName": "shop__7", "Version": "1"},
        "Tags": [
            {
                "ResourceId": "shop__7",
                "ResourceType": "auto-scaling-group",
                "Key": key,
                "Value": value,
                "PropagateAtLaunch": False,
            }
            for key, value in JOURNAL.items()
        ],
    }


def test_a_launch_template_is_referred_to_by_id_where_it_is_known() -> None:
    request = group_request(on_template(base()), NEW, "shop__7", 10, {}, launch_template_id="lt-7")
    assert request["LaunchTemplate"] == {"LaunchTemplateId": "lt-7", "Version": "1"}


def test_a_base_on_a_launch_configuration_gives_a_group_on_its_own_one() -> None:
    described = Described(base(), launch_configuration={"LaunchConfigurationName": "old"})
    request = group_request(described, NEW, "shop__7", 10, {})
    assert request["LaunchConfigurationName"] == "shop__7"
    assert "LaunchTemplate" not in request


def test_a_mixed_instances_policy_is_copied_onto_templates_of_the_revisions_own() -> None:
    arm = {"LaunchTemplateId": "lt-arm", "LaunchTemplateName": "arm", "Version": "$Latest"}
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-old", "Version": "$Default"},
            "Overrides": [
                {"InstanceType": "m5.large", "WeightedCapacity": "1"},
                {"InstanceType": "m7g.large", "WeightedCapacity": "2", "LaunchTemplateSpecification": arm},
                {"InstanceType": "m6i.large", "ImageId": "ami-old"},
            ],
        },
        "InstancesDistribution": {
            "OnDemandAllocationStrategy": "prioritized",
            "OnDemandBaseCapacity": 0,
            "OnDemandPercentageAboveBaseCapacity": 40,
            "SpotAllocationStrategy": "capacity-optimized",
            "SpotInstancePools": 2,
        },
    }
    request = group_request(
        on_template(base(MixedInstancesPolicy=policy)),
        NEW,
        "shop__7",
        10,
        {},
        launch_template_id="lt-7",
        override_template_ids={"lt-arm:$Latest": "lt-7-arm"},
    )
    assert "LaunchTemplate" not in request
    assert request["MixedInstancesPolicy"] == {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-7", "Version": "1"},
            "Overrides": [
                {"InstanceType": "m5.large", "WeightedCapacity": "1"},
                {
                    "InstanceType": "m7g.large",
                    "WeightedCapacity": "2",
                    "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-7-arm", "Version": "1"},
                },
                {"InstanceType": "m6i.large", "ImageId": "ami-new"},
            ],
        },
        "InstancesDistribution": {
            "OnDemandAllocationStrategy": "prioritized",
            "OnDemandBaseCapacity": 0,
            "OnDemandPercentageAboveBaseCapacity": 40,
            "SpotAllocationStrategy": "capacity-optimized",
        },
    }


def test_spot_pools_are_kept_with_the_one_strategy_that_has_them() -> None:
    policy = {"InstancesDistribution": {"SpotAllocationStrategy": "lowest-price", "SpotInstancePools": 3}}
    request = created(base(MixedInstancesPolicy=policy))
    assert request["MixedInstancesPolicy"]["InstancesDistribution"] == policy["InstancesDistribution"]


def test_tags_are_the_bases_those_given_and_the_journal() -> None:
    request = created(
        base(
            Tags=[
                {"Key": "team", "Value": "shop", "PropagateAtLaunch": True, "ResourceId": "base"},
                {"Key": "cost", "Value": "1", "PropagateAtLaunch": False, "ResourceId": "base"},
                {"Key": "aws:cloudformation:stack-name", "Value": "x", "PropagateAtLaunch": True},
                {"Key": "progressive:series", "Value": "another", "PropagateAtLaunch": True},
            ]
        ),
        Overrides("ami-new", tags={"cost": "2", "release": "2026.10"}),
    )
    assert [(tag["Key"], tag["Value"], tag["PropagateAtLaunch"]) for tag in request["Tags"]] == [
        ("team", "shop", True),
        ("cost", "2", False),
        ("release", "2026.10", True),
        ("progressive:series", "shop", False),
        ("progressive:revision", "7", False),
    ]
    assert {(tag["ResourceId"], tag["ResourceType"]) for tag in request["Tags"]} == {
        ("shop__7", "auto-scaling-group")
    }


def test_subnets_decide_the_zones_and_without_subnets_zones_are_named() -> None:
    zones = {"AvailabilityZones": ["eu-west-1a"], "AvailabilityZoneIds": ["euw1-az1"]}
    in_subnets = created(base(**zones))
    assert "AvailabilityZones" not in in_subnets
    assert "AvailabilityZoneIds" not in in_subnets

    without = created({"AutoScalingGroupName": "base", "VPCZoneIdentifier": "", **zones})
    assert without["AvailabilityZones"] == ["eu-west-1a"]
    assert "AvailabilityZoneIds" not in without

    only_ids = created(
        {"AutoScalingGroupName": "base", "AvailabilityZones": [], "AvailabilityZoneIds": ["euw1-az1"]}
    )
    assert only_ids["AvailabilityZoneIds"] == ["euw1-az1"]


def test_every_kind_of_traffic_source_is_attached_once() -> None:
    request = created(
        base(
            TargetGroupARNs=[TARGET_GROUP],
            LoadBalancerNames=["classic"],
            TrafficSources=[
                {"Identifier": TARGET_GROUP, "Type": "elbv2"},
                {"Identifier": OTHER_TARGET_GROUP},
                {"Identifier": "classic", "Type": "elb"},
                {"Identifier": LATTICE, "Type": "vpc-lattice"},
            ],
        )
    )
    assert request["TargetGroupARNs"] == [TARGET_GROUP, OTHER_TARGET_GROUP]
    assert request["LoadBalancerNames"] == ["classic"]
    assert request["TrafficSources"] == [{"Identifier": LATTICE, "Type": "vpc-lattice"}]


def test_target_groups_and_load_balancers_given_replace_the_bases() -> None:
    group = base(TargetGroupARNs=[TARGET_GROUP], LoadBalancerNames=["classic"])
    replaced = created(group, Overrides("ami-new", target_group_arns=(OTHER_TARGET_GROUP,)))
    assert replaced["TargetGroupARNs"] == [OTHER_TARGET_GROUP]
    assert replaced["LoadBalancerNames"] == ["classic"]

    detached = created(group, Overrides("ami-new", target_group_arns=(), load_balancer_names=()))
    assert "TargetGroupARNs" not in detached
    assert "LoadBalancerNames" not in detached


def test_life_cycle_hooks_are_created_together_with_the_group() -> None:
    hook = {
        "LifecycleHookName": "warm",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "HeartbeatTimeout": 60,
        "DefaultResult": "ABANDON",
        "NotificationMetadata": "{}",
        "NotificationTargetARN": "",
    }
    request = created(
        base(), lifecycle_hooks=({**hook, "AutoScalingGroupName": "base", "GlobalTimeout": 6000},)
    )
    hook.pop("NotificationTargetARN")
    assert request["LifecycleHookSpecificationList"] == [hook]


def test_zonal_shift_is_enabled_without_asking_again_what_was_accepted_for_the_base() -> None:
    shifted = {"ZonalShiftEnabled": True, "ImpairedZoneHealthCheckBehavior": "IgnoreUnhealthy"}
    request = created(base(AvailabilityZoneImpairmentPolicy=shifted))
    assert request["AvailabilityZoneImpairmentPolicy"] == shifted
    assert request["SkipZonalShiftValidation"] is True
    plain = created(base(AvailabilityZoneImpairmentPolicy={"ZonalShiftEnabled": False}))
    assert "SkipZonalShiftValidation" not in plain


# ----------------------------------------------------- what create cannot take


def test_a_base_without_extras_needs_no_further_call() -> None:
    described = on_template(base(SuspendedProcesses=[], EnabledMetrics=[]))
    assert follow_up_requests(described, "shop__7") == ()
    assert final_requests(described, "shop__7") == ()


def operations(requests: tuple[Request, ...]) -> list[tuple[str, dict[str, Any]]]:
    for request in requests:
        assert models.refusal(request.service, request.operation, dict(request.parameters)) == ""
    return [
        (request.operation, {k: v for k, v in request.parameters.items() if k != "AutoScalingGroupName"})
        for request in requests
    ]


def test_processes_metrics_and_notifications_follow_right_after() -> None:
    described = on_template(
        base(
            SuspendedProcesses=[
                {"ProcessName": "ReplaceUnhealthy", "SuspensionReason": "User suspended at 2026-10-01"},
                {"ProcessName": "AZRebalance"},
                {"ProcessName": "ScheduledActions"},
            ],
            EnabledMetrics=[
                {"Metric": "GroupMinSize", "Granularity": "1Minute"},
                {"Metric": "GroupDesiredCapacity", "Granularity": "1Minute"},
            ],
        ),
        notifications=(
            {"TopicARN": "arn:sns:b", "NotificationType": "autoscaling:EC2_INSTANCE_LAUNCH"},
            {"TopicARN": "arn:sns:a", "NotificationType": "autoscaling:EC2_INSTANCE_TERMINATE"},
            {"TopicARN": "arn:sns:a", "NotificationType": "autoscaling:EC2_INSTANCE_LAUNCH"},
        ),
    )
    requests = follow_up_requests(described, "shop__7")
    assert {request.parameters["AutoScalingGroupName"] for request in requests} == {"shop__7"}
    assert operations(requests) == [
        ("SuspendProcesses", {"ScalingProcesses": ["AZRebalance", "ReplaceUnhealthy"]}),
        (
            "EnableMetricsCollection",
            {"Granularity": "1Minute", "Metrics": ["GroupDesiredCapacity", "GroupMinSize"]},
        ),
        (
            "PutNotificationConfiguration",
            {
                "TopicARN": "arn:sns:a",
                "NotificationTypes": [
                    "autoscaling:EC2_INSTANCE_LAUNCH",
                    "autoscaling:EC2_INSTANCE_TERMINATE",
                ],
            },
        ),
        (
            "PutNotificationConfiguration",
            {"TopicARN": "arn:sns:b", "NotificationTypes": ["autoscaling:EC2_INSTANCE_LAUNCH"]},
        ),
    ]


def test_warm_pool_and_deletion_protection_come_only_in_the_final_phase() -> None:
    pool = {
        "MinSize": 2,
        "PoolState": "Stopped",
        "MaxGroupPreparedCapacity": 8,
        "InstanceReusePolicy": {"ReuseOnScaleIn": True},
    }
    described = on_template(
        base(DeletionProtection="prevent-all-deletion", WarmPoolConfiguration=pool), warm_pool=pool
    )
    request = group_request(described, NEW, "shop__7", 10, {})
    assert "DeletionProtection" not in request
    assert follow_up_requests(described, "shop__7") == ()
    assert operations(final_requests(described, "shop__7")) == [
        ("PutWarmPool", pool),
        ("UpdateAutoScalingGroup", {"DeletionProtection": "prevent-all-deletion"}),
    ]


def test_a_warm_pool_that_is_being_deleted_is_not_copied() -> None:
    described = on_template(
        base(DeletionProtection="none"), warm_pool={"MinSize": 0, "Status": "PendingDelete"}
    )
    assert final_requests(described, "shop__7") == ()
