# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's groups: what can be created, changed, found and deleted.

The words quoted are those of the Amazon EC2 Auto Scaling API Reference, at the operation that is tested.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


# ------------------------------------------------------------------------------------------ creating


def test_a_name_is_unique_in_the_region(fleet: Fleet) -> None:
    """The name "must be unique per Region per account"."""
    fleet.make(size=1)
    with refused("AlreadyExists", "already exists"):
        fleet.make(size=5)
    assert fleet.sizes() == (0, 10, 1)


@pytest.mark.parametrize(
    "sizes",
    [
        {"MinSize": 2, "MaxSize": 4, "DesiredCapacity": 1},
        {"MinSize": 2, "MaxSize": 4, "DesiredCapacity": 5},
        {"MinSize": 4, "MaxSize": 2, "DesiredCapacity": 3},
        {"MinSize": -1, "MaxSize": 2, "DesiredCapacity": 0},
    ],
)
def test_desired_capacity_lies_within_minimum_and_maximum(fleet: Fleet, sizes: dict[str, int]) -> None:
    """It "must be greater than or equal to the minimum size of the group and less than or equal to the maximum"."""
    with refused("ValidationError"):
        fleet.make(**sizes)
    assert not fleet.exists()


def test_desired_capacity_is_the_minimum_unless_it_is_given(fleet: Fleet) -> None:
    """If you do not specify a desired capacity, "the default is the minimum size of the group"."""
    fleet.make(MinSize=3, DesiredCapacity=None)
    assert fleet.sizes() == (3, 10, 3)


def test_what_is_left_out_has_the_documented_defaults(fleet: Fleet) -> None:
    """Health check type EC2 and grace period 0, cooldown 300, new instances not protected from scale-in."""
    fleet.make()
    group = fleet.group()
    assert (group["HealthCheckType"], group["HealthCheckGracePeriod"]) == ("EC2", 0)
    assert (group["DefaultCooldown"], group["NewInstancesProtectedFromScaleIn"]) == (300, False)
    assert group["TerminationPolicies"] == ["Default"]
    assert group["AutoScalingGroupARN"].startswith(
        "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:"
    )


def test_what_is_given_is_described_as_it_came(fleet: Fleet) -> None:
    given: dict[str, Any] = {
        "MaxInstanceLifetime": 86_400,
        "DefaultInstanceWarmup": 30,
        "CapacityRebalance": True,
        "InstanceMaintenancePolicy": {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 120},
        "HealthCheckType": "ELB",
        "HealthCheckGracePeriod": 17,
        "TerminationPolicies": ["OldestInstance", "Default"],
    }
    fleet.make(**given)
    group = fleet.group()
    assert {name: group[name] for name in given} == given


@pytest.mark.parametrize("source", [{"LaunchTemplate": None}, {"LaunchConfigurationName": "another"}])
def test_a_group_launches_from_exactly_one_source(fleet: Fleet, source: dict[str, Any]) -> None:
    with refused("ValidationError", "LaunchTemplate"):
        fleet.make(**source)


def test_a_template_is_described_by_id_and_name_both(fleet: Fleet) -> None:
    fleet.make(LaunchTemplate={"LaunchTemplateName": "template", "Version": "1"})
    assert fleet.group()["LaunchTemplate"] == {
        "LaunchTemplateId": fleet.template["LaunchTemplateId"],
        "LaunchTemplateName": "template",
        "Version": "1",
    }


@pytest.mark.parametrize(
    "template",
    [
        {"LaunchTemplateName": "nowhere"},
        {"LaunchTemplateId": "lt-00000000000000000"},
        {"LaunchTemplateName": "template", "Version": "7"},
    ],
)
def test_a_template_that_is_not_there_is_refused(fleet: Fleet, template: dict[str, str]) -> None:
    with refused("ValidationError", "valid fully-formed launch template"):
        fleet.make(LaunchTemplate=template)


def test_a_template_of_an_image_that_is_not_there_is_refused(fleet: Fleet) -> None:
    template = fleet.make_template("old", "ami-00000000000000000")
    with refused("ValidationError", "ami-00000000000000000", "does not exist"):
        fleet.make(LaunchTemplate=template)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("VPCZoneIdentifier", "subnet-00000000000000000"),
        (
            "TargetGroupARNs",
            ["arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/none/0000000000000000"],
        ),
        ("LoadBalancerNames", ["none"]),
        ("TerminationPolicies", ["Nonsense"]),
        ("HealthCheckType", "NONSENSE"),
        ("MaxInstanceLifetime", 60),
    ],
)
def test_what_does_not_exist_is_refused(fleet: Fleet, option: str, value: Any) -> None:
    with refused("ValidationError"):
        fleet.make(**{option: value})
    assert not fleet.exists()


def test_a_group_of_a_mixed_instances_policy_launches_its_template(fleet: Fleet) -> None:
    fleet.settled(
        size=1,
        LaunchTemplate=None,
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": fleet.template,
                "Overrides": [{"InstanceType": "t3.large"}, {"InstanceType": "t3.small"}],
            }
        },
    )
    (instance,) = fleet.group()["Instances"]
    assert instance["InstanceType"] == "t3.large"


def test_what_the_sandbox_does_not_model_it_refuses_without_an_invitation_to_retry(fleet: Fleet) -> None:
    with refused("SandboxNotModelled", "does not model"):
        fleet.make(TerminationPolicies=["arn:aws:lambda:us-east-1:123456789012:function:choose"])
    with refused("SandboxNotModelled", "RollbackInstanceRefresh"):
        fleet.autoscaling.rollback_instance_refresh(AutoScalingGroupName="group")


# ------------------------------------------------------------------------------------------ changing


def test_an_update_leaves_alone_what_it_does_not_name(fleet: Fleet) -> None:
    fleet.make(DefaultInstanceWarmup=30, HealthCheckGracePeriod=20)
    before = fleet.group()
    fleet.autoscaling.update_auto_scaling_group(AutoScalingGroupName="group", MaxSize=12)
    assert fleet.group() == before | {"MaxSize": 12}


@pytest.mark.parametrize(
    ("change", "sizes"),
    [
        ({"MinSize": 4}, (4, 10, 4)),
        ({"MaxSize": 1}, (0, 1, 1)),
        ({"MinSize": 1}, (1, 10, 2)),
        ({"MinSize": 3, "MaxSize": 3, "DesiredCapacity": 3}, (3, 3, 3)),
    ],
)
def test_bounds_take_the_desired_capacity_with_them(
    fleet: Fleet, change: dict[str, int], sizes: tuple[int, int, int]
) -> None:
    """If "the new MinSize is larger than the current size of the group, this sets the group's DesiredCapacity to the
    new MinSize value", and likewise with a MaxSize that is smaller (UpdateAutoScalingGroup)."""
    fleet.make(size=2)
    fleet.autoscaling.update_auto_scaling_group(AutoScalingGroupName="group", **change)
    assert fleet.sizes() == sizes


@pytest.mark.parametrize(
    "change", [{"DesiredCapacity": 11}, {"MinSize": 11}, {"MinSize": 3, "DesiredCapacity": 2}]
)
def test_an_update_out_of_bounds_changes_nothing(fleet: Fleet, change: dict[str, int]) -> None:
    fleet.make(size=2)
    with refused("ValidationError"):
        fleet.autoscaling.update_auto_scaling_group(
            AutoScalingGroupName="group", HealthCheckType="ELB", **change
        )
    assert fleet.sizes() == (0, 10, 2)
    assert fleet.group()["HealthCheckType"] == "EC2"


@pytest.mark.parametrize(("desired", "words"), [(5, "above max value 4"), (1, "below min value 2")])
def test_the_desired_capacity_can_only_be_set_within_the_bounds(
    fleet: Fleet, desired: int, words: str
) -> None:
    fleet.make(size=3, MinSize=2, MaxSize=4)
    with refused("ValidationError", words):
        fleet.resize(desired)
    assert fleet.sizes() == (2, 4, 3)


def test_a_warm_up_is_removed_with_minus_one(fleet: Fleet) -> None:
    """To "remove a value that you previously set, include the property but specify -1"."""
    fleet.make(DefaultInstanceWarmup=30)
    fleet.autoscaling.update_auto_scaling_group(AutoScalingGroupName="group", DefaultInstanceWarmup=-1)
    assert "DefaultInstanceWarmup" not in fleet.group()


def test_nothing_can_be_done_to_a_group_that_is_not_there(fleet: Fleet) -> None:
    with refused("ValidationError", "not found"):
        fleet.resize(1, "none")
    with refused("ValidationError", "not found"):
        fleet.autoscaling.update_auto_scaling_group(AutoScalingGroupName="none", MaxSize=1)
    with refused("ValidationError", "not found"):
        fleet.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="none")


def test_collected_metrics_are_told(fleet: Fleet) -> None:
    fleet.make()
    fleet.autoscaling.enable_metrics_collection(
        AutoScalingGroupName="group", Granularity="1Minute", Metrics=["GroupInServiceInstances"]
    )
    assert fleet.group()["EnabledMetrics"] == [
        {"Metric": "GroupInServiceInstances", "Granularity": "1Minute"}
    ]
    fleet.autoscaling.disable_metrics_collection(AutoScalingGroupName="group")
    assert fleet.group()["EnabledMetrics"] == []


# ------------------------------------------------------------------------------------------ deleting


def delete(fleet: Fleet, **options: Any) -> None:
    fleet.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="group", **options)


def test_a_group_with_instances_is_only_deleted_by_force(fleet: Fleet) -> None:
    """If the group has instances, "you must specify the option to force the deletion in order for it to succeed"."""
    fleet.settled(size=2)
    with refused("ResourceInUse"):
        delete(fleet)
    delete(fleet, ForceDelete=True)
    assert fleet.group()["Status"] == "Delete in progress"
    fleet.aws.settle()
    assert not fleet.exists()


def test_a_group_in_which_something_moves_is_only_deleted_by_force(fleet: Fleet) -> None:
    """ScalingActivityInProgress: "The operation can't be performed because there are scaling activities in
    progress"."""
    fleet.settled(size=1)
    fleet.resize(0)
    fleet.group()
    with refused("ScalingActivityInProgress"):
        delete(fleet)
    fleet.aws.settle()
    delete(fleet)
    assert not fleet.exists()


def test_a_group_that_is_being_deleted_can_not_be_changed(fleet: Fleet) -> None:
    fleet.settled(size=1)
    delete(fleet, ForceDelete=True)
    with refused("ValidationError", "pending delete"):
        fleet.resize(2)
    with refused("AlreadyExists"):
        fleet.make()


def test_a_deleted_group_terminates_its_instances(fleet: Fleet) -> None:
    (instance,) = fleet.settled(size=1)
    delete(fleet, ForceDelete=True)
    fleet.aws.settle()
    assert fleet.ec2_state(instance) == "terminated"


def test_deletion_protection_is_honoured(fleet: Fleet) -> None:
    fleet.make(DeletionProtection="prevent-all-deletion")
    with refused("ValidationError", "protection"):
        delete(fleet, ForceDelete=True)
    assert fleet.exists()


# ------------------------------------------------------------------------------------------- finding


def names(answer: dict[str, Any]) -> list[str]:
    return [group["AutoScalingGroupName"] for group in answer["AutoScalingGroups"]]


def tag(key: str, value: str) -> dict[str, Any]:
    return {"Key": key, "Value": value, "PropagateAtLaunch": False}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([("tag:team", "shop")], ["one", "two"]),
        ([("tag:team", "shop"), ("tag:stage", "prod")], ["two"]),
        ([("tag-key", "stage")], ["two", "three"]),
        ([("tag-value", "prod")], ["two", "three"]),
        ([("tag:team", "nobody")], []),
    ],
)
def test_groups_are_found_by_their_tags(
    fleet: Fleet, filters: list[tuple[str, str]], found: list[str]
) -> None:
    fleet.make("one", Tags=[tag("team", "shop")])
    fleet.make("two", Tags=[tag("team", "shop"), tag("stage", "prod")])
    fleet.make("three", Tags=[tag("stage", "prod")])
    answer = fleet.autoscaling.describe_auto_scaling_groups(
        Filters=[{"Name": name, "Values": [value]} for name, value in filters]
    )
    assert names(answer) == found


def test_a_filter_that_is_none_is_refused(fleet: Fleet) -> None:
    with refused("ValidationError", "Filter type"):
        fleet.autoscaling.describe_auto_scaling_groups(Filters=[{"Name": "name", "Values": ["one"]}])


def test_groups_come_in_pages_of_fifty_and_at_most_a_hundred(fleet: Fleet) -> None:
    """MaxRecords: "The default value is 50 and the maximum value is 100"."""
    for number in range(60):
        fleet.make(f"group-{number}")
    first = fleet.autoscaling.describe_auto_scaling_groups()
    assert len(first["AutoScalingGroups"]) == 50
    second = fleet.autoscaling.describe_auto_scaling_groups(NextToken=first["NextToken"])
    assert len(second["AutoScalingGroups"]) == 10
    assert "NextToken" not in second
    assert not set(names(first)) & set(names(second))
    assert len(names(fleet.autoscaling.describe_auto_scaling_groups(MaxRecords=100))) == 60
    with refused("ValidationError", "maxRecords"):
        fleet.autoscaling.describe_auto_scaling_groups(MaxRecords=101)
    with refused("InvalidNextToken"):
        fleet.autoscaling.describe_auto_scaling_groups(NextToken="made up")


def test_names_of_no_group_are_left_out(fleet: Fleet) -> None:
    fleet.make("one")
    answer = fleet.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["one", "none"])
    assert names(answer) == ["one"]


def test_a_region_has_groups_of_its_own(fleet: Fleet) -> None:
    fleet.make("one")
    elsewhere = fleet.aws.client("autoscaling", region="eu-west-1")
    assert names(elsewhere.describe_auto_scaling_groups()) == []


# ---------------------------------------------------------------------------------------------- tags


def put_tags(fleet: Fleet, *tags: dict[str, Any]) -> None:
    where = {"ResourceId": "group", "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True}
    fleet.autoscaling.create_or_update_tags(Tags=[where | one for one in tags])


def tags_of(fleet: Fleet) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in fleet.group()["Tags"]}


def test_a_tag_replaces_the_one_with_its_key(fleet: Fleet) -> None:
    """When you "specify a tag with a key that already exists, the operation overwrites the previous tag"."""
    fleet.make(Tags=[tag("team", "shop"), tag("stage", "prod")])
    put_tags(fleet, tag("team", "other"))
    assert tags_of(fleet) == {"team": "other", "stage": "prod"}


def test_a_tag_with_another_value_is_not_deleted(fleet: Fleet) -> None:
    fleet.make(Tags=[tag("team", "shop")])
    doomed = {"ResourceId": "group", "ResourceType": "auto-scaling-group", "Key": "team"}
    fleet.autoscaling.delete_tags(Tags=[doomed | {"Value": "other"}])
    assert tags_of(fleet) == {"team": "shop"}
    fleet.autoscaling.delete_tags(Tags=[doomed])
    assert tags_of(fleet) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        tag("k" * 129, "v"),
        tag("key", "v" * 257),
        tag("aws:mine", "v"),
        tag("ke*y", "v"),
        tag("key", "<v>"),
    ],
)
def test_tags_have_limits(fleet: Fleet, wrong: dict[str, Any]) -> None:
    """Keys of 128 and values of 256 characters; letters, digits, spaces and + - = . _ : / @; aws: is reserved."""
    fleet.make(Tags=[tag("k" * 128, "v" * 256), tag("a+b-c=d.e_f:g/h@i 1", "ä")])
    with refused("ValidationError"):
        put_tags(fleet, tag("fine", "v"), wrong)
    assert "fine" not in tags_of(fleet), "all of a request's tags, or none"


def test_a_group_has_at_most_fifty_tags(fleet: Fleet) -> None:
    fleet.make(Tags=[tag(f"key-{number}", "v") for number in range(50)])
    put_tags(fleet, tag("key-7", "other"))
    with refused("LimitExceeded"):
        put_tags(fleet, tag("one-more", "v"))


def test_tags_are_found_by_what_they_are(fleet: Fleet) -> None:
    fleet.make("one", Tags=[tag("team", "shop")])
    fleet.make("two", Tags=[tag("team", "shop"), tag("stage", "prod") | {"PropagateAtLaunch": True}])
    for name, value, count in (
        ("auto-scaling-group", "two", 2),
        ("key", "team", 2),
        ("value", "prod", 1),
        ("propagate-at-launch", "true", 1),
    ):
        answer = fleet.autoscaling.describe_tags(Filters=[{"Name": name, "Values": [value]}])
        assert len(answer["Tags"]) == count, name


def test_tags_reach_instances_only_where_they_are_to_propagate(fleet: Fleet) -> None:
    (instance,) = fleet.settled(
        size=1, Tags=[tag("team", "shop") | {"PropagateAtLaunch": True}, tag("stage", "prod")]
    )
    answer = fleet.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [instance]}])
    tags = {one["Key"]: one["Value"] for one in answer["Tags"]}
    assert tags["team"] == "shop"
    assert tags["aws:autoscaling:groupName"] == "group"
    assert "stage" not in tags
