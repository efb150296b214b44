# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy that would not be honest is refused, all reasons at once; what is copied and what not is told."""

from __future__ import annotations

import copy
import dataclasses
import datetime
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.copying.described import (
    Described,
    NotCopied,
    Overrides,
)
from ansible_collections.progressive.aws.plugins.module_utils.copying.inventory import (
    base_digest,
    copying_problems,
    inventory,
)

NEW = Overrides(image_id="ami-new")
JOURNAL = [f"progressive:{number}" for number in range(11)]
TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/1"


def tags(count: int) -> list[dict[str, Any]]:
    return [{"Key": f"tag-{number}", "Value": "x", "PropagateAtLaunch": True} for number in range(count)]


def base(data: dict[str, Any] | None = None, **group: Any) -> Described:
    return Described(
        {"AutoScalingGroupName": "base", **group},
        launch_template={
            "LaunchTemplateName": "base-template",
            "VersionNumber": 7,
            "LaunchTemplateData": {"ImageId": "ami-old", **(data or {})},
        },
    )


def mixed(*overrides: dict[str, Any]) -> dict[str, Any]:
    return {"LaunchTemplate": {"Overrides": list(overrides)}}


# -------------------------------------------------------------------- problems


def test_an_ordinary_base_has_no_problem() -> None:
    assert copying_problems(base(Tags=tags(39), TargetGroupARNs=[TARGET_GROUP]), NEW, JOURNAL) == []


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ({}, "has neither a launch template nor a launch configuration"),
        ({"LaunchConfigurationName": "lc"}, "launch configuration lc of base group base is not there"),
        (
            {"LaunchTemplate": {"LaunchTemplateId": "lt-1"}},
            "launch template lt-1:$Default of base group base",
        ),
        (
            {
                "MixedInstancesPolicy": {
                    "LaunchTemplate": {
                        "LaunchTemplateSpecification": {"LaunchTemplateName": "x", "Version": "3"}
                    }
                }
            },
            "launch template x:3 of base group base",
        ),
    ],
)
def test_a_base_that_launches_from_nothing_is_refused(group: dict[str, Any], words: str) -> None:
    (problem,) = copying_problems(Described({"AutoScalingGroupName": "base", **group}), NEW, JOURNAL)
    assert words in problem


def test_a_base_that_is_being_deleted_is_refused() -> None:
    assert copying_problems(base(Status="Delete in progress"), NEW, JOURNAL) == [
        "base group base is being deleted (Delete in progress)"
    ]


@pytest.mark.parametrize(
    ("own", "given_tags", "too_many"),
    [(39, {}, 0), (40, {}, 1), (38, {"a": "1", "b": "2"}, 1), (39, {"tag-0": "another"}, 0)],
)
def test_the_bases_tags_must_leave_room_for_the_journal(
    own: int, given_tags: dict[str, str], too_many: int
) -> None:
    found = copying_problems(base(Tags=tags(own)), Overrides("ami-new", tags=given_tags), JOURNAL)
    assert len(found) == (1 if too_many else 0)
    if too_many:
        assert f"AWS allows 50; remove {too_many} from the base" in found[0]


def test_tags_that_are_not_copied_need_no_room() -> None:
    others = [{"Key": f"aws:x:{n}", "Value": ""} for n in range(20)]
    others += [{"Key": f"progressive:old-{n}", "Value": ""} for n in range(20)]
    assert copying_problems(base(Tags=tags(39) + others), NEW, JOURNAL) == []


def test_the_launch_templates_tags_must_leave_room_as_well() -> None:
    described = dataclasses.replace(base(), launch_template_tags={f"tag-{n}": "x" for n in range(45)})
    (problem,) = copying_problems(described, NEW, JOURNAL)
    assert "the launch template of base has 45 tags" in problem


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("k" * 129, "v", "has 129 characters; AWS takes 1 to 128"),
        ("", "v", "has 0 characters; AWS takes 1 to 128"),
        ("k", "v" * 257, "the value of tag k has 257 characters"),
        ("aws:x", "v", "tag aws:x is reserved"),
        ("progressive:status", "v", "tag progressive:status is reserved"),
    ],
)
def test_tags_that_aws_or_the_journal_would_not_bear_are_refused(key: str, value: str, words: str) -> None:
    (problem,) = copying_problems(base(), Overrides("ami-new", tags={key: value}), JOURNAL)
    assert words in problem


@pytest.mark.parametrize(
    ("image", "refused"),
    [("ami-other", True), ("resolve:ssm:/arm", True), ("ami-old", False), (None, False), ("ami-new", False)],
)
def test_a_launch_template_of_an_override_must_not_pin_another_ami(image: str | None, refused: bool) -> None:
    override = {
        "InstanceType": "m7g.large",
        "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-arm", "Version": "2"},
    }
    described = dataclasses.replace(
        base(MixedInstancesPolicy=mixed(override)),
        override_launch_templates={"lt-arm:2": {"LaunchTemplateData": {"ImageId": image} if image else {}}},
    )
    found = copying_problems(described, NEW, JOURNAL)
    assert len(found) == int(refused)
    if refused:
        assert (
            f"launch template lt-arm:2, which pins another AMI ({image}; the group's own is ami-old)"
            in found[0]
        )


def test_an_override_must_not_pin_another_ami_itself() -> None:
    same = {"InstanceType": "m5.large", "ImageId": "ami-old"}
    other = {"InstanceType": "m7g.large", "ImageId": "ami-arm"}
    (problem,) = copying_problems(base(MixedInstancesPolicy=mixed(same, other)), NEW, JOURNAL)
    assert "(m7g.large) pins another AMI (ami-arm" in problem


def test_a_launch_template_of_an_override_that_is_gone_is_refused() -> None:
    override = {"LaunchTemplateSpecification": {"LaunchTemplateName": "arm"}}
    (problem,) = copying_problems(base(MixedInstancesPolicy=mixed(override)), NEW, JOURNAL)
    assert "launch template arm:$Default" in problem
    assert "is not there any more" in problem


def test_user_data_beyond_16_kib_is_refused() -> None:
    assert copying_problems(base(), Overrides("ami-new", user_data="x" * 16384), JOURNAL) == []
    (problem,) = copying_problems(base(), Overrides("ami-new", user_data="\u00e9" * 8193), JOURNAL)
    assert problem == "the user data has 16386 bytes; EC2 takes 16384"


def test_an_instance_type_without_effect_is_refused() -> None:
    described = base(MixedInstancesPolicy=mixed({"InstanceType": "m5.large"}))
    (problem,) = copying_problems(described, Overrides("ami-new", instance_type="t3.micro"), JOURNAL)
    assert "would have no effect" in problem


@pytest.mark.parametrize("pinned", [{"NetworkInterfaceId": "eni-1"}, {"PrivateIpAddress": "10.0.0.9"}])
def test_a_template_that_pins_what_only_one_instance_can_have_is_refused(pinned: dict[str, str]) -> None:
    (problem,) = copying_problems(base({"NetworkInterfaces": [{"DeviceIndex": 0, **pinned}]}), NEW, JOURNAL)
    assert f"pins {next(iter(pinned.values()))}, which only one instance at a time can have" in problem


def test_what_only_launch_templates_can_do_is_refused_on_a_launch_configuration() -> None:
    overrides = Overrides(
        "ami-new",
        metadata_options={"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
        block_device_mappings=({"DeviceName": "/dev/sdb", "Ebs": {"KmsKeyId": "k", "VolumeSize": 8}},),
    )
    configuration = Described({"AutoScalingGroupName": "base"}, launch_configuration={"ImageId": "ami-old"})
    metadata, device = copying_problems(configuration, overrides, JOURNAL)
    assert "which has no metadata option InstanceMetadataTags" in metadata
    assert "which has no KmsKeyId for block device /dev/sdb" in device
    assert copying_problems(base(), overrides, JOURNAL) == []


def test_more_target_groups_and_load_balancers_than_a_group_can_have_are_refused() -> None:
    overrides = Overrides(
        "ami-new",
        target_group_arns=tuple(f"{TARGET_GROUP}{number}" for number in range(51)),
        load_balancer_names=tuple(f"classic-{number}" for number in range(51)),
    )
    assert copying_problems(base(), overrides, JOURNAL) == [
        "51 target groups are given; a group can have 50",
        "51 classic load balancers are given; a group can have 50",
    ]


def test_a_group_that_would_get_no_traffic_is_refused() -> None:
    suspended = {"SuspendedProcesses": [{"ProcessName": "AddToLoadBalancer"}]}
    assert copying_problems(base(**suspended), NEW, JOURNAL) == []
    (problem,) = copying_problems(base(**suspended, TargetGroupARNs=[TARGET_GROUP]), NEW, JOURNAL)
    assert "AddToLoadBalancer is suspended on base group base" in problem


def test_every_problem_is_told_at_once() -> None:
    described = base(Status="Delete in progress", Tags=tags(50))
    assert len(copying_problems(described, Overrides("ami-new", user_data="x" * 20000), JOURNAL)) == 3


# ------------------------------------------------------------------- inventory


def test_what_is_copied_is_told_in_words() -> None:
    described = Described(
        {
            "AutoScalingGroupName": "base",
            "HealthCheckType": "ELB",
            "DefaultCooldown": 300,
            "TerminationPolicies": ["OldestInstance"],
            "TargetGroupARNs": [TARGET_GROUP],
            "Tags": tags(2),
            "SuspendedProcesses": [{"ProcessName": "AZRebalance"}],
            "EnabledMetrics": [{"Metric": "GroupMinSize", "Granularity": "1Minute"}],
            "DeletionProtection": "prevent-force-deletion",
        },
        launch_template=base().launch_template,
        lifecycle_hooks=({"LifecycleHookName": "warm"},),
        notifications=({"TopicARN": "arn:sns:a", "NotificationType": "x"},),
        policies=({"PolicyName": "out", "PolicyType": "StepScaling", "Alarms": [{"AlarmName": "high"}]},),
        alarms={"high": {"AlarmName": "high"}},
        scheduled_actions=({"ScheduledActionName": "morning", "Recurrence": "0 9 * * *"},),
        warm_pool={"MinSize": 1},
    )
    copied, left_out = inventory(described, NEW)
    assert left_out == []
    assert copied == [
        "launch template base-template, version 7",
        "DefaultCooldown: 300",
        "HealthCheckType: ELB",
        'TerminationPolicies: ["OldestInstance"]',
        "target groups: targetgroup/shop/1",
        "tags: tag-0, tag-1",
        "life-cycle hooks: warm",
        "suspended processes: AZRebalance",
        "metrics collected: GroupMinSize",
        "notifications to: arn:sns:a",
        "scaling policies (final phase): out",
        "alarms (final phase): high",
        "scheduled actions (final phase): morning",
        "warm pool (final phase)",
        "deletion protection prevent-force-deletion (final phase)",
    ]


def test_what_is_not_copied_is_told_with_the_reason() -> None:
    described = Described(
        {
            "AutoScalingGroupName": "base",
            "Operator": {"Principal": "eks.amazonaws.com"},
            "SuspendedProcesses": [{"ProcessName": "ScheduledActions"}],
            "QuantumEntanglement": True,
        },
        launch_template={
            "LaunchTemplateData": {
                "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-1"}}],
                "TeleportOptions": {"Enabled": True},
            }
        },
        warm_pool={"Status": "PendingDelete"},
    )
    _, left_out = inventory(described, Overrides("ami-new", root_device_name="/dev/xvda"))
    assert [one.what for one in left_out] == [
        "Operator of the group",
        "QuantumEntanglement of the group",
        "TeleportOptions of the launch template",
        "snapshot snap-1 of /dev/xvda of the launch template",
        "suspension of ScheduledActions",
        "warm pool",
    ]
    assert all(one.reason for one in left_out)


def test_user_data_is_not_told() -> None:
    described = base({"UserData": "c2VjcmV0"})
    told = inventory(described, Overrides("ami-new", user_data="secret"))
    assert "secret" not in str(told)
    assert "c2VjcmV0" not in str(told)
    assert isinstance(NotCopied("a", "b"), NotCopied)


# ---------------------------------------------------------------------- digest

FULL = Described(
    {
        "AutoScalingGroupName": "base",
        "MinSize": 1,
        "DesiredCapacity": 2,
        "MaxSize": 3,
        "Instances": [{"InstanceId": "i-1"}],
        "CreatedTime": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "VPCZoneIdentifier": "subnet-1,subnet-2",
        "AvailabilityZones": ["a", "b"],
        "HealthCheckGracePeriod": 30,
        "TargetGroupARNs": [TARGET_GROUP, f"{TARGET_GROUP}2"],
        "Tags": tags(2),
        "SuspendedProcesses": [{"ProcessName": "AZRebalance", "SuspensionReason": "at noon"}],
        "EnabledMetrics": [{"Metric": "GroupMinSize", "Granularity": "1Minute"}],
    },
    launch_template={
        "VersionNumber": 7,
        "CreateTime": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "LaunchTemplateData": {"ImageId": "ami-old", "KeyName": "k"},
    },
    lifecycle_hooks=({"LifecycleHookName": "warm", "HeartbeatTimeout": 30},),
    notifications=({"TopicARN": "a", "NotificationType": "x"}, {"TopicARN": "b", "NotificationType": "x"}),
    policies=({"PolicyName": "out", "PolicyARN": "arn:1", "PolicyType": "StepScaling", "Cooldown": 1},),
    scheduled_actions=(
        {
            "ScheduledActionName": "morning",
            "Recurrence": "0 9 * * *",
            "StartTime": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        },
        {"ScheduledActionName": "once", "StartTime": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)},
    ),
    alarms={"high": {"AlarmName": "high", "StateValue": "OK", "Threshold": 1.0}},
    warm_pool={"MinSize": 1},
)


def changed(path: str, value: Any) -> Described:
    """The full base with one value, at a dotted path of attributes, keys and indices, replaced."""
    attribute, *keys = path.split(".")
    part = copy.deepcopy(getattr(FULL, attribute))
    if not keys:
        return dataclasses.replace(FULL, **{attribute: value})
    inner = part
    for key in keys[:-1]:
        inner = inner[int(key)] if key.isdigit() else inner[key]
    inner[keys[-1]] = value
    return dataclasses.replace(FULL, **{attribute: part})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("group.MinSize", 9),
        ("group.DesiredCapacity", 9),
        ("group.MaxSize", 9),
        ("group.Instances", []),
        ("group.Status", "whatever"),
        ("group.CreatedTime", datetime.datetime(2026, 2, 2, tzinfo=datetime.UTC)),
        ("group.VPCZoneIdentifier", "subnet-2,subnet-1"),
        ("group.AvailabilityZones", ["b", "a"]),
        ("group.TargetGroupARNs", [f"{TARGET_GROUP}2", TARGET_GROUP]),
        ("group.Tags", list(reversed(tags(2)))),
        ("group.SuspendedProcesses.0.SuspensionReason", "at one"),
        ("group.PlacementGroup", ""),
        ("launch_template.CreateTime", None),
        ("launch_template.VersionNumber", 8),
        ("notifications", tuple(reversed(FULL.notifications))),
        ("policies.0.PolicyARN", "arn:2"),
        ("scheduled_actions.0.StartTime", datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)),
        ("scheduled_actions", tuple(reversed(FULL.scheduled_actions))),
        ("alarms.high.StateValue", "ALARM"),
    ],
)
def test_the_digest_stays_while_nothing_that_is_copied_changes(path: str, value: Any) -> None:
    assert base_digest(changed(path, value)) == base_digest(FULL)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("group.VPCZoneIdentifier", "subnet-1"),
        ("group.HealthCheckGracePeriod", 31),
        ("group.TargetGroupARNs", [TARGET_GROUP]),
        ("group.Tags.0.Value", "y"),
        ("group.Tags.0.PropagateAtLaunch", False),
        ("group.SuspendedProcesses", []),
        ("group.EnabledMetrics", []),
        ("group.DeletionProtection", "prevent-all-deletion"),
        ("group.MixedInstancesPolicy", mixed({"InstanceType": "m5.large"})),
        ("launch_template.LaunchTemplateData.ImageId", "ami-older"),
        ("launch_template.LaunchTemplateData.UserData", "eA=="),
        ("launch_configuration", {"KeyName": "x"}),
        ("override_launch_templates", {"lt:1": {"LaunchTemplateData": {"KeyName": "x"}}}),
        ("lifecycle_hooks.0.HeartbeatTimeout", 31),
        ("notifications.0.TopicARN", "c"),
        ("policies.0.Cooldown", 2),
        ("policies", ()),
        ("scheduled_actions.0.Recurrence", "0 8 * * *"),
        ("scheduled_actions.1.StartTime", datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)),
        ("alarms.high.Threshold", 2.0),
        ("warm_pool.MinSize", 2),
        ("warm_pool", None),
    ],
)
def test_the_digest_changes_with_anything_that_is_copied(path: str, value: Any) -> None:
    assert base_digest(changed(path, value)) != base_digest(FULL)
