# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's instances: launched, found unhealthy, replaced and terminated, each in its time.

After "Amazon EC2 Auto Scaling instance lifecycle", "Health checks for instances in an Auto Scaling group",
"Termination policies" and "Troubleshoot issues in Amazon EC2 Auto Scaling" in the user guide.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.sandbox.world import Settings
from tests.unit.sandbox.fleet import Fleet, refused

#: The settings of the pretend AWS of unit tests (tests.unit.engine.SETTINGS).
PENDING, REGISTRATION, DRAINING, TERMINATING, RETRY = 3.0, 1.0, 1.0, 1.0, 5.0


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def states(fleet: Fleet) -> list[str]:
    return sorted(fleet.instances().values())


# ----------------------------------------------------------------------------------- launches in time


def test_an_instance_is_pending_until_ec2_says_that_it_runs(fleet: Fleet) -> None:
    """An instance is Pending first, and InService when EC2 says that it runs."""
    fleet.make(size=1)
    ((instance, state),) = fleet.instances().items()
    assert (state, fleet.ec2_state(instance)) == ("Pending", "pending")
    fleet.aws.advance(PENDING - 0.1)
    assert fleet.instances() == {instance: "Pending"}
    fleet.aws.advance(0.1)
    assert fleet.instances() == {instance: "InService"}
    assert fleet.ec2_state(instance) == "running"


def test_instances_are_spread_evenly_over_the_zones(fleet: Fleet) -> None:
    """A new instance goes to the zone that has the fewest ("Instance distribution")."""
    fleet.settled(size=4)
    zones = [one["AvailabilityZone"] for one in fleet.group()["Instances"]]
    assert sorted(zones) == sorted([zone for _, zone in fleet.subnets] * 2)


def test_an_instance_says_what_it_was_launched_from_and_in_which_version(fleet: Fleet) -> None:
    (first,) = fleet.settled(size=1, LaunchTemplate={"LaunchTemplateName": "template", "Version": "$Latest"})
    newer = fleet.register_image("newer")
    fleet.ec2.create_launch_template_version(
        LaunchTemplateName="template", SourceVersion="1", LaunchTemplateData={"ImageId": newer}
    )
    fleet.resize(2)
    fleet.aws.settle()
    told = {one["InstanceId"]: one for one in fleet.group()["Instances"]}
    assert told[first]["LaunchTemplate"]["Version"] == "1"
    (second,) = set(told) - {first}
    assert told[second]["LaunchTemplate"]["Version"] == "2"
    described = fleet.ec2.describe_instances(InstanceIds=[second])["Reservations"][0]["Instances"][0]
    assert (described["ImageId"], described["InstanceType"]) == (newer, "t3.micro")


def test_a_parameter_of_systems_manager_can_stand_for_the_image(fleet: Fleet) -> None:
    """resolve:ssm:parameter is resolved "when an instance is launched"."""
    ssm = fleet.aws.client("ssm")
    ssm.put_parameter(Name="image", Value=fleet.image, Type="String")
    fleet.settled(size=1, LaunchTemplate=fleet.make_template("by-name", "resolve:ssm:image"))
    newer = fleet.register_image("newer")
    ssm.put_parameter(Name="image", Value=newer, Type="String", Overwrite=True)
    fleet.resize(2)
    fleet.aws.settle()
    images = {
        fleet.ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]["ImageId"]
        for one in fleet.in_service()
    }
    assert images == {fleet.image, newer}


def test_a_launch_configuration_launches_too(fleet: Fleet) -> None:
    fleet.autoscaling.create_launch_configuration(
        LaunchConfigurationName="old", ImageId=fleet.image, InstanceType="t3.small"
    )
    fleet.settled(size=1, LaunchTemplate=None, LaunchConfigurationName="old")
    (instance,) = fleet.group()["Instances"]
    assert (instance["LaunchConfigurationName"], instance["InstanceType"]) == ("old", "t3.small")
    assert "LaunchTemplate" not in instance


# --------------------------------------------------------------------------------------- activities


def test_a_launch_is_an_activity_with_progress_and_cause(fleet: Fleet) -> None:
    fleet.make(size=1)
    (begun,) = fleet.activities()
    (instance,) = fleet.instances()
    assert begun["Description"] == f"Launching a new EC2 instance: {instance}"
    assert (begun["StatusCode"], begun["Progress"]) == ("PreInService", 30)
    assert (
        "a user request created an AutoScalingGroup changing the desired capacity from 0 to 1"
        in begun["Cause"]
    )
    assert "EndTime" not in begun
    assert set(json.loads(begun["Details"])) == {"Subnet ID", "Availability Zone"}
    fleet.aws.settle()
    (ended,) = fleet.activities()
    assert (ended["ActivityId"], ended["StatusCode"], ended["Progress"]) == (
        begun["ActivityId"],
        "Successful",
        100,
    )
    assert (ended["EndTime"] - ended["StartTime"]).total_seconds() == PENDING


def test_activities_come_newest_first_and_by_id(fleet: Fleet) -> None:
    """They "are sorted by start time. Activities still in progress are described first" (``ActivitiesType``)."""
    fleet.settled(size=1)
    fleet.resize(0)
    fleet.aws.settle()
    newest, oldest = fleet.activities()
    assert newest["Description"].startswith("Terminating EC2 instance: ")
    assert "a user request explicitly set group desired capacity" in newest["Cause"]
    answer = fleet.autoscaling.describe_scaling_activities(ActivityIds=[oldest["ActivityId"]])
    assert [one["ActivityId"] for one in answer["Activities"]] == [oldest["ActivityId"]]
    fleet.resize(1)
    begun = fleet.activities()[0]
    fleet.aws.advance(1)
    fleet.aws.fail_launches("Unsupported")
    fleet.resize(2)
    first, second = fleet.activities()[:2]
    assert (first["ActivityId"], first["StatusCode"]) == (begun["ActivityId"], "PreInService")
    assert second["StatusCode"] == "Failed"


def test_activities_outlive_their_group(fleet: Fleet) -> None:
    """IncludeDeletedGroups: "Indicates whether to include scaling activity from deleted Auto Scaling groups"."""
    fleet.settled(size=1)
    fleet.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="group", ForceDelete=True)
    fleet.aws.settle()
    with refused("ValidationError", "not found"):
        fleet.activities()
    answer = fleet.autoscaling.describe_scaling_activities(
        AutoScalingGroupName="group", IncludeDeletedGroups=True
    )
    assert {one["AutoScalingGroupState"] for one in answer["Activities"]} == {"Deleted"}


# ----------------------------------------------------------------------------------- failed launches


def failed(fleet: Fleet) -> list[str]:
    """The messages of launches that failed, newest first."""
    for activity in fleet.activities():
        if activity["StatusCode"] == "Failed":
            assert activity["Progress"] == 100
            assert activity["Description"].startswith("Launching a new EC2 instance.  Status Reason: ")
    return [one["StatusMessage"] for one in fleet.activities() if one["StatusCode"] == "Failed"]


def test_an_image_that_is_gone_fails_launches_in_awss_words(fleet: Fleet) -> None:
    fleet.make()
    fleet.ec2.deregister_image(ImageId=fleet.image)
    fleet.resize(1)
    fleet.aws.advance(0)
    assert set(failed(fleet)) == {f"The AMI ID {fleet.image} does not exist. Launching EC2 instance failed."}
    assert fleet.instances() == {}


def test_a_template_that_is_gone_fails_launches(fleet: Fleet) -> None:
    fleet.make()
    fleet.ec2.delete_launch_template(LaunchTemplateName="template")
    fleet.resize(1)
    assert "does not exist" in failed(fleet)[0]


def test_a_key_pair_that_is_not_there_fails_launches(fleet: Fleet) -> None:
    fleet.make(LaunchTemplate=fleet.make_template("keyed", fleet.image, KeyName="nobodys"))
    fleet.resize(1)
    assert failed(fleet)[0] == "The key pair nobodys does not exist. Launching EC2 instance failed."


def test_a_security_group_that_is_not_there_fails_launches(fleet: Fleet) -> None:
    fleet.make(LaunchTemplate=fleet.make_template("guarded", fleet.image, SecurityGroupIds=["sg-00000000"]))
    fleet.resize(1)
    assert (
        failed(fleet)[0] == "The security group 'sg-00000000' does not exist. Launching EC2 instance failed."
    )


def test_a_zone_without_capacity_is_tried_and_another_one_taken(fleet: Fleet) -> None:
    """A launch that fails in one zone is tried in another one until it succeeds ("Instance distribution")."""
    (_, full), (_, other) = fleet.subnets
    fleet.aws.fail_launches("InsufficientInstanceCapacity", zone=full)
    fleet.settled(size=2)
    assert {one["AvailabilityZone"] for one in fleet.group()["Instances"]} == {other}
    assert "We currently do not have sufficient t3.micro capacity" in failed(fleet)[0]


BALANCED = {"AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-only"}}


def test_a_group_that_is_balanced_only_keeps_to_the_zone_that_fails(fleet: Fleet) -> None:
    """With balanced-only it "will continue to attempt to launch instances in the Availability Zone" ("Auto Scaling
    group Availability Zone distribution"); the other zones get no more than their share."""
    (_, full), (_, other) = fleet.subnets
    fleet.aws.fail_launches("InsufficientInstanceCapacity", zone=full)
    fleet.make(size=4, **BALANCED)
    fleet.aws.advance(10 * RETRY)
    assert [one["AvailabilityZone"] for one in fleet.group()["Instances"]] == [other] * 2
    assert all(f"({full})" in message for message in failed(fleet))
    fleet.aws.world.launch_failures.orders.clear()
    fleet.aws.settle()
    found = [one["AvailabilityZone"] for one in fleet.group()["Instances"]]
    assert (found.count(full), found.count(other)) == (2, 2)


def mixed(fleet: Fleet, *types: str, **distribution: str) -> dict[str, Any]:
    template = {"LaunchTemplateSpecification": fleet.template}
    template["Overrides"] = [{"InstanceType": one} for one in types]  # type: ignore[assignment]
    return {
        "LaunchTemplate": None,
        "MixedInstancesPolicy": {"LaunchTemplate": template, "InstancesDistribution": distribution},
    }


@pytest.mark.parametrize("code", ["InsufficientInstanceCapacity", "Unsupported", "VcpuLimitExceeded"])
def test_an_instance_type_without_capacity_leaves_its_turn_to_the_next_in_the_same_zone(
    fleet: Fleet, code: str
) -> None:
    """ "If all your On-Demand capacity cannot be fulfilled using your highest priority instance type, then Amazon EC2
    Auto Scaling launches the remaining capacity using the second priority instance type" (InstancesDistribution)."""
    fleet.aws.fail_launches(code, instance_type="t3.small")
    fleet.settled(size=2, **mixed(fleet, "t3.small", "t3.medium", "t3.large"))
    found = fleet.group()["Instances"]
    assert [one["InstanceType"] for one in found] == ["t3.medium"] * 2
    assert {one["AvailabilityZone"] for one in found} == {zone for _, zone in fleet.subnets}
    assert failed(fleet)[0].startswith(f"Could not launch On-Demand Instances. {code} - ")


def test_a_reason_that_holds_for_every_instance_type_is_not_tried_with_each(fleet: Fleet) -> None:
    fleet.aws.fail_launches("InvalidKeyPair.NotFound")
    fleet.make(size=1, **mixed(fleet, "t3.small", "t3.medium", "t3.large"))
    fleet.aws.advance(0)
    assert len(failed(fleet)) == len(fleet.subnets)


def test_a_full_subnet_fails_launches(fleet: Fleet) -> None:
    vpc = fleet.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    small = fleet.ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/28")["Subnet"]
    # Five of the 16 addresses are AWS's own ("Subnet CIDR blocks" in the Amazon VPC User Guide).
    fleet.settled(size=12, MaxSize=12, VPCZoneIdentifier=small["SubnetId"])
    assert len(fleet.in_service()) == small["AvailableIpAddressCount"] == 11
    assert f"not enough free addresses in subnet '{small['SubnetId']}'" in failed(fleet)[0]


def test_a_failed_launch_is_tried_again_after_a_while(fleet: Fleet) -> None:
    fleet.aws.fail_launches("InsufficientInstanceCapacity", times=2)
    fleet.make(size=1)
    fleet.aws.advance(RETRY - 0.1)
    assert (len(failed(fleet)), fleet.instances()) == (2, {}), "both zones, once"
    fleet.aws.advance(0.1 + PENDING)
    assert (len(failed(fleet)), len(fleet.in_service())) == (2, 1)


def test_launches_that_fail_let_time_go_on_even_if_they_are_tried_again_at_once(fleet: Fleet) -> None:
    fleet.aws.reset(Settings(launch_retry_seconds=0.0))
    fleet = Fleet(fleet.aws)
    fleet.aws.fail_launches("Unsupported")
    fleet.make(size=1)
    fleet.aws.advance(1.0)
    assert 2 <= len(failed(fleet)) <= 24


def test_launches_can_fail_by_group_and_by_the_image_alone(fleet: Fleet) -> None:
    bad = fleet.register_image("bad")
    fleet.aws.behave(bad, {"launch_error": "Unsupported"})
    fleet.aws.fail_launches("VcpuLimitExceeded", group="limited")
    fleet.make("limited", 1)
    fleet.make("bad", 1, LaunchTemplate=fleet.make_template("bad", bad))
    fleet.settled("good", 1)
    assert [len(fleet.in_service(name)) for name in ("limited", "bad", "good")] == [0, 0, 1]
    assert "more vCPU capacity" in fleet.activities("limited")[0]["StatusMessage"]
    assert "(t3.micro) is not supported" in fleet.activities("bad")[0]["StatusMessage"]


# --------------------------------------------------------------------------------------- terminating


def test_an_instance_that_leaves_is_terminating_until_it_is_gone(fleet: Fleet) -> None:
    (instance,) = fleet.settled(size=1)
    fleet.resize(0)
    assert fleet.instances() == {instance: "Terminating"}
    assert fleet.ec2_state(instance) == "shutting-down"
    fleet.aws.advance(TERMINATING)
    assert fleet.instances() == {}
    assert fleet.ec2_state(instance) == "terminated"


def test_scaling_in_keeps_the_zones_balanced(fleet: Fleet) -> None:
    """The default policy looks first for the zones that have the most instances ("Termination policies")."""
    fleet.settled(size=4, TerminationPolicies=["OldestInstance"])
    zones = {one["InstanceId"]: one["AvailabilityZone"] for one in fleet.group()["Instances"]}
    oldest = fleet.in_service()[0]
    companion = next(one for one in zones if one != oldest and zones[one] == zones[oldest])
    fleet.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=companion, ShouldDecrementDesiredCapacity=True
    )
    fleet.aws.settle()
    fleet.resize(2)
    fleet.aws.settle()
    assert oldest in fleet.in_service(), "the policy would have chosen it, but it is alone in its zone"
    assert len({zones[one] for one in fleet.in_service()}) == 2


@pytest.mark.parametrize(("policy", "kept"), [("OldestInstance", 1), ("NewestInstance", 0)])
def test_a_termination_policy_chooses(fleet: Fleet, policy: str, kept: int) -> None:
    launched = fleet.settled(size=1, TerminationPolicies=[policy], VPCZoneIdentifier=fleet.subnets[0][0])
    fleet.resize(2)
    fleet.aws.settle()
    launched += [one for one in fleet.in_service() if one not in launched]
    fleet.resize(1)
    fleet.aws.settle()
    assert fleet.in_service() == [launched[kept]]


def test_the_default_policy_takes_those_of_the_oldest_version_first(fleet: Fleet) -> None:
    """Within a zone the default policy takes what the oldest template or configuration launched."""
    fleet.ec2.create_launch_template_version(
        LaunchTemplateName="template", SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.small"}
    )
    fleet.ec2.modify_launch_template(LaunchTemplateName="template", DefaultVersion="2")
    (of_newer_version,) = fleet.settled(size=1, VPCZoneIdentifier=fleet.subnets[0][0])
    fleet.ec2.modify_launch_template(LaunchTemplateName="template", DefaultVersion="1")
    fleet.resize(2)
    fleet.aws.settle()
    fleet.resize(1)
    fleet.aws.settle()
    assert fleet.in_service() == [of_newer_version]


def test_protected_instances_are_not_scaled_in(fleet: Fleet) -> None:
    first, second = fleet.settled(size=2)
    fleet.autoscaling.set_instance_protection(
        AutoScalingGroupName="group", InstanceIds=[first], ProtectedFromScaleIn=True
    )
    fleet.resize(0)
    fleet.aws.settle()
    assert fleet.instances() == {first: "InService"}
    fleet.autoscaling.set_instance_protection(
        AutoScalingGroupName="group", InstanceIds=[first], ProtectedFromScaleIn=False
    )
    fleet.aws.settle()
    assert fleet.instances() == {}
    assert second not in fleet.instances()


# -------------------------------------------------------------------------------------------- health


def test_an_instance_terminated_by_hand_is_replaced(fleet: Fleet) -> None:
    first, second = fleet.settled(size=2)
    fleet.ec2.terminate_instances(InstanceIds=[first])
    fleet.aws.settle()
    assert second in fleet.in_service()
    assert first not in fleet.instances()
    assert len(fleet.in_service()) == 2
    causes = [one["Cause"] for one in fleet.activities()[:2]]
    assert any("in response to an EC2 health check" in cause for cause in causes)
    assert any("in response to an unhealthy instance needing to be replaced" in cause for cause in causes)


@pytest.mark.parametrize("action", ["spot-terminate", "stop"])
def test_an_instance_that_ec2_takes_away_is_replaced(fleet: Fleet, action: str) -> None:
    (instance,) = fleet.settled(size=1)
    fleet.aws.act(instance, action)
    fleet.aws.settle()
    assert len(fleet.in_service()) == 1
    assert fleet.in_service() != [instance]
    assert fleet.ec2_state(instance) == "terminated"


def test_an_instance_can_be_set_unhealthy(fleet: Fleet) -> None:
    (instance,) = fleet.settled(size=1)
    fleet.autoscaling.set_instance_health(InstanceId=instance, HealthStatus="Unhealthy")
    told = fleet.group()["Instances"][0]
    assert (told["HealthStatus"], told["LifecycleState"]) == ("Unhealthy", "Terminating")
    fleet.aws.settle()
    assert fleet.in_service() != [instance]


def test_the_grace_period_protects_young_instances(fleet: Fleet) -> None:
    """ShouldRespectGracePeriod: "If the Auto Scaling group ... has a HealthCheckGracePeriod specified for the
    group, by default, this call respects the grace period"."""
    fleet.make(size=1, HealthCheckGracePeriod=60)
    fleet.aws.advance(PENDING)
    (instance,) = fleet.in_service()
    fleet.autoscaling.set_instance_health(InstanceId=instance, HealthStatus="Unhealthy")
    fleet.aws.settle()
    assert fleet.in_service() == [instance]
    fleet.autoscaling.set_instance_health(
        InstanceId=instance, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
    )
    fleet.aws.settle()
    assert fleet.in_service() != [instance]


def test_load_balancers_health_counts_only_for_groups_that_ask_for_it(fleet: Fleet) -> None:
    """With the health check type ELB, what load balancers find counts as much as what EC2 does."""
    arn = fleet.target_group()
    (calm,) = fleet.settled("calm", 1, TargetGroupARNs=[arn])
    (strict,) = fleet.settled("strict", 1, TargetGroupARNs=[arn], HealthCheckType="ELB")
    for instance in (calm, strict):
        fleet.aws.act(instance, "fail-health-checks")
    fleet.aws.settle()
    assert fleet.in_service("calm") == [calm]
    assert fleet.in_service("strict") != [strict]
    assert any("ELB system health check failure" in one["Cause"] for one in fleet.activities("strict"))


def test_load_balancers_health_counts_after_the_grace_period(fleet: Fleet) -> None:
    bad = fleet.register_image("bad")
    fleet.aws.behave(bad, {"unhealthy": True})
    fleet.make(
        size=1,
        LaunchTemplate=fleet.make_template("bad", bad),
        TargetGroupARNs=[fleet.target_group()],
        HealthCheckType="ELB",
        HealthCheckGracePeriod=20,
    )
    fleet.aws.advance(PENDING + 19.9)
    (instance,) = fleet.in_service()
    fleet.aws.advance(0.1)
    assert fleet.instances()[instance] == "Terminating"


def test_images_can_die_in_service_again_and_again(fleet: Fleet) -> None:
    mortal = fleet.register_image("mortal")
    fleet.aws.behave(mortal, {"dies_after": 10})
    fleet.settled(size=1, LaunchTemplate=fleet.make_template("mortal", mortal))
    fleet.aws.advance(60)
    assert sum(one["Description"].startswith("Launching") for one in fleet.activities()) > 3


# --------------------------------------------------------------------------------- single instances


def test_an_instance_can_be_terminated_with_and_without_a_replacement(fleet: Fleet) -> None:
    first, second = fleet.settled(size=2, MinSize=1)
    answer = fleet.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=first, ShouldDecrementDesiredCapacity=True
    )
    assert answer["Activity"]["StatusCode"] == "InProgress"
    fleet.aws.settle()
    assert (fleet.in_service(), fleet.sizes()) == ([second], (1, 10, 1))
    with refused("ValidationError", "min size"):
        fleet.autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=second, ShouldDecrementDesiredCapacity=True
        )
    fleet.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=second, ShouldDecrementDesiredCapacity=False
    )
    fleet.aws.settle()
    assert len(fleet.in_service()) == 1
    assert fleet.in_service() != [second]


def test_an_instance_on_standby_is_no_capacity_and_gets_no_traffic(fleet: Fleet) -> None:
    arn = fleet.target_group()
    (instance,) = fleet.settled(size=1, TargetGroupARNs=[arn])
    arguments: dict[str, Any] = {"AutoScalingGroupName": "group", "InstanceIds": [instance]}
    fleet.autoscaling.enter_standby(**arguments, ShouldDecrementDesiredCapacity=True)
    assert (fleet.instances(), fleet.sizes()[2]) == ({instance: "Standby"}, 0)
    fleet.aws.settle()
    assert fleet.health(arn) == {}
    fleet.autoscaling.exit_standby(**arguments)
    fleet.aws.settle()
    assert (fleet.instances(), fleet.sizes()[2]) == ({instance: "InService"}, 1)
    assert fleet.health(arn) == {instance: "healthy"}


def test_a_detached_instance_runs_on_and_can_be_attached(fleet: Fleet) -> None:
    (instance,) = fleet.settled(size=1)
    arguments: dict[str, Any] = {"AutoScalingGroupName": "group", "InstanceIds": [instance]}
    fleet.autoscaling.detach_instances(**arguments, ShouldDecrementDesiredCapacity=True)
    assert (fleet.instances(), fleet.ec2_state(instance)) == ({}, "running")
    fleet.autoscaling.attach_instances(**arguments)
    assert (fleet.in_service(), fleet.sizes()[2]) == ([instance], 1)


def test_instances_are_described_with_their_group(fleet: Fleet) -> None:
    (instance,) = fleet.settled(size=1)
    (told,) = fleet.autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
    assert (told["InstanceId"], told["AutoScalingGroupName"]) == (instance, "group")
    assert (told["LifecycleState"], told["HealthStatus"]) == ("InService", "HEALTHY")
    with refused("ValidationError", "50"):
        fleet.autoscaling.describe_auto_scaling_instances(InstanceIds=["i-0"] * 51)
