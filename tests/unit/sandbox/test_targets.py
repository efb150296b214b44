# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's load balancers: targets become healthy in time, fail, drain and go.

After "Health checks for your target groups" and "Deregistration delay" (User Guide for Application Load
Balancers), ``TargetHealth`` (ELBv2's API reference) and ``InstanceState`` (that of classic load balancers).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused

PENDING, REGISTRATION, DRAINING = 3.0, 1.0, 1.0


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def described(fleet: Fleet, arn: str, **arguments: Any) -> dict[str, str]:
    """The one description of a target's health."""
    answer = fleet.aws.client("elbv2").describe_target_health(TargetGroupArn=arn, **arguments)
    (one,) = answer["TargetHealthDescriptions"]
    return dict(one["TargetHealth"])


def test_a_target_is_initial_and_then_healthy(fleet: Fleet) -> None:
    arn = fleet.target_group()
    fleet.make(size=1, TargetGroupARNs=[arn])
    fleet.aws.advance(PENDING - 0.1)
    assert fleet.health(arn) == {}
    fleet.aws.advance(0.1)
    assert described(fleet, arn)["State"] == "initial"
    assert described(fleet, arn)["Reason"] == "Elb.RegistrationInProgress"
    fleet.aws.advance(REGISTRATION)
    assert described(fleet, arn) == {"State": "healthy"}


def test_a_target_drains_before_its_instance_ends(fleet: Fleet) -> None:
    arn = fleet.target_group()
    (instance,) = fleet.settled(size=1, TargetGroupARNs=[arn])
    fleet.resize(0)
    assert fleet.instances() == {instance: "Terminating"}
    assert described(fleet, arn)["State"] == "draining"
    assert fleet.activities()[0]["StatusCode"] == "WaitingForELBConnectionDraining"
    assert fleet.ec2_state(instance) == "running"
    fleet.aws.advance(DRAINING)
    assert fleet.health(arn) == {}
    assert fleet.ec2_state(instance) == "shutting-down"
    assert described(fleet, arn, Targets=[{"Id": instance}])["Reason"] == "Target.NotRegistered"


def test_a_shorter_deregistration_delay_counts(fleet: Fleet) -> None:
    arn = fleet.target_group()
    (instance,) = fleet.settled(size=1, TargetGroupARNs=[arn])
    fleet.aws.client("elbv2").modify_target_group_attributes(
        TargetGroupArn=arn, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}]
    )
    fleet.resize(0)
    fleet.group()
    assert fleet.ec2_state(instance) == "shutting-down"


def test_a_target_group_that_no_listener_uses_has_unused_targets(fleet: Fleet) -> None:
    """Target.NotInUse: "The target group is not used by any load balancer"."""
    arn = fleet.target_group(listener=False)
    fleet.settled(size=1, TargetGroupARNs=[arn])
    assert described(fleet, arn)["State"] == "unused"
    assert described(fleet, arn)["Reason"] == "Target.NotInUse"
    fleet.listen("later", arn)
    assert described(fleet, arn)["State"] == "initial"
    fleet.aws.advance(REGISTRATION)
    assert described(fleet, arn)["State"] == "healthy"


def without_the_second_zone(fleet: Fleet) -> str:
    """Make a load balancer that does not serve the second of the fleet's zones; return its target group."""
    arn = fleet.target_group()
    elbv2 = fleet.aws.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    others = [one["SubnetId"] for one in fleet.ec2.describe_subnets()["Subnets"]]
    others.remove(fleet.subnets[1][0])
    elbv2.set_subnets(LoadBalancerArn=balancer["LoadBalancerArn"], Subnets=others)
    (served,) = elbv2.describe_load_balancers()["LoadBalancers"]
    assert fleet.subnets[1][1] not in {zone["ZoneName"] for zone in served["AvailabilityZones"]}
    return arn


def in_second_zone(fleet: Fleet, **options: Any) -> str:
    (instance,) = fleet.settled(size=1, VPCZoneIdentifier=fleet.subnets[1][0], **options)
    return instance


def test_a_target_in_a_zone_that_is_not_enabled_is_unused_until_it_is(fleet: Fleet) -> None:
    """ "If you register targets in an Availability Zone but do not enable the Availability Zone, these registered
    targets do not receive traffic"; the reason is the same as without any load balancer (``TargetHealth``)."""
    arn = without_the_second_zone(fleet)
    in_second_zone(fleet, TargetGroupARNs=[arn])
    assert described(fleet, arn) == {
        "State": "unused",
        "Reason": "Target.NotInUse",
        "Description": "Target is in an Availability Zone that is not enabled for the load balancer",
    }
    elbv2 = fleet.aws.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    subnets = [subnet for subnet, _ in fleet.subnets]
    elbv2.set_subnets(LoadBalancerArn=balancer["LoadBalancerArn"], Subnets=subnets)
    assert described(fleet, arn)["State"] == "initial"
    fleet.aws.advance(REGISTRATION)
    assert described(fleet, arn)["State"] == "healthy"


def test_a_classic_load_balancer_routes_nothing_to_a_zone_that_it_has_not(fleet: Fleet) -> None:
    """One of the descriptions of ``InstanceState``."""
    elb, name = fleet.aws.client("elb"), fleet.classic()
    elb.detach_load_balancer_from_subnets(LoadBalancerName=name, Subnets=[fleet.subnets[1][0]])
    (balancer,) = elb.describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"]
    assert balancer["AvailabilityZones"] == [fleet.subnets[0][1]]
    instance = in_second_zone(fleet, LoadBalancerNames=[name])
    (state,) = elb.describe_instance_health(LoadBalancerName=name)["InstanceStates"]
    assert (state["InstanceId"], state["State"], state["ReasonCode"]) == (instance, "OutOfService", "ELB")
    assert (
        "Availability Zone for which LoadBalancer is not configured to route traffic" in state["Description"]
    )


def test_a_target_group_knows_the_load_balancers_that_forward_to_it_now(fleet: Fleet) -> None:
    elbv2, arn = fleet.aws.client("elbv2"), fleet.target_group()

    def behind() -> list[str]:
        return list(
            elbv2.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]["LoadBalancerArns"]
        )

    (balancer,) = behind()
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
    assert behind() == []


def test_a_weighted_forward_uses_its_target_groups(fleet: Fleet) -> None:
    elbv2 = fleet.aws.client("elbv2")
    blue, green = fleet.target_group("blue"), fleet.target_group("green", listener=False)
    listener = elbv2.describe_listeners(
        LoadBalancerArn=elbv2.describe_load_balancers(Names=["blue"])["LoadBalancers"][0]["LoadBalancerArn"]
    )["Listeners"][0]["ListenerArn"]
    weights = [{"TargetGroupArn": blue, "Weight": 90}, {"TargetGroupArn": green, "Weight": 10}]
    elbv2.modify_listener(
        ListenerArn=listener, DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}]
    )
    (instance,) = fleet.settled(size=1, TargetGroupARNs=[green])
    assert fleet.health(green) == {instance: "healthy"}


def test_instances_fail_health_checks_and_pass_them_again(fleet: Fleet) -> None:
    arn = fleet.target_group()
    (instance,) = fleet.settled(size=1, TargetGroupARNs=[arn])
    fleet.aws.act(instance, "fail-health-checks")
    assert described(fleet, arn)["Reason"] == "Target.FailedHealthChecks"
    fleet.aws.act(instance, "pass-health-checks")
    assert described(fleet, arn)["State"] == "healthy"


def test_targets_can_be_registered_and_deregistered_by_hand(fleet: Fleet) -> None:
    elbv2 = fleet.aws.client("elbv2")
    arn = fleet.target_group()
    (instance,) = fleet.settled(size=1)
    targets: dict[str, Any] = {"TargetGroupArn": arn, "Targets": [{"Id": instance}]}
    elbv2.register_targets(**targets)
    fleet.aws.advance(REGISTRATION)
    assert fleet.health(arn) == {instance: "healthy"}
    elbv2.deregister_targets(**targets)
    assert fleet.health(arn) == {instance: "draining"}
    with refused("InvalidTarget", "i-00000000000000000"):
        elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": "i-00000000000000000"}])


def test_a_target_whose_instance_is_gone_gets_no_traffic(fleet: Fleet) -> None:
    arn = fleet.target_group()
    (instance,) = fleet.settled(size=1, TargetGroupARNs=[arn])
    fleet.suspend("HealthCheck")
    fleet.ec2.terminate_instances(InstanceIds=[instance])
    assert described(fleet, arn)["State"] == "unused"
    assert described(fleet, arn)["Reason"] == "Target.InvalidState"


def test_attaching_registers_what_is_in_service_and_detaching_lets_it_run_on(fleet: Fleet) -> None:
    arn = fleet.target_group()
    (instance,) = fleet.settled(size=1)
    arguments: dict[str, Any] = {"AutoScalingGroupName": "group", "TargetGroupARNs": [arn]}

    def state(group: str = "group") -> str:
        answer = fleet.autoscaling.describe_load_balancer_target_groups(AutoScalingGroupName=group)
        (one,) = answer["LoadBalancerTargetGroups"]
        return str(one["State"])

    fleet.make("another", TargetGroupARNs=[arn])
    assert state("another") == "InService", "at once, if it is attached in CreateAutoScalingGroup"
    fleet.autoscaling.attach_load_balancer_target_groups(**arguments)
    assert state() == "Added"
    fleet.aws.advance(REGISTRATION)
    assert (state(), fleet.health(arn)) == ("InService", {instance: "healthy"})
    fleet.autoscaling.detach_load_balancer_target_groups(**arguments)
    assert fleet.health(arn) == {instance: "draining"}
    assert fleet.in_service() == [instance]
    with refused("ValidationError", arn):
        fleet.autoscaling.detach_load_balancer_target_groups(**arguments)


def test_what_was_detached_is_being_removed_until_its_instances_have_drained(fleet: Fleet) -> None:
    arn = fleet.target_group()
    (instance,) = fleet.settled(size=1, TargetGroupARNs=[arn])

    def states() -> list[str]:
        answer = fleet.autoscaling.describe_traffic_sources(AutoScalingGroupName="group")
        return [one["State"] for one in answer["TrafficSources"]]

    assert states() == ["InService"]
    fleet.autoscaling.detach_traffic_sources(
        AutoScalingGroupName="group", TrafficSources=[{"Identifier": arn, "Type": "elbv2"}]
    )
    assert (states(), fleet.health(arn)) == (["Removing"], {instance: "draining"})
    fleet.aws.advance(DRAINING)
    assert states() == []


def test_traffic_sources_are_another_view_of_the_same(fleet: Fleet) -> None:
    arn, classic = fleet.target_group(), fleet.classic()
    fleet.make(TargetGroupARNs=[arn])
    fleet.autoscaling.attach_traffic_sources(
        AutoScalingGroupName="group", TrafficSources=[{"Identifier": classic, "Type": "elb"}]
    )
    group = fleet.group()
    assert (group["TargetGroupARNs"], group["LoadBalancerNames"]) == ([arn], [classic])
    found = fleet.autoscaling.describe_traffic_sources(AutoScalingGroupName="group")["TrafficSources"]
    assert [(one["Identifier"], one["Type"]) for one in found] == [(arn, "elbv2"), (classic, "elb")]
    with refused("SandboxNotModelled", "Lattice"):
        fleet.autoscaling.attach_traffic_sources(
            AutoScalingGroupName="group", TrafficSources=[{"Identifier": "any", "Type": "vpc-lattice"}]
        )


def test_ten_target_groups_fit_in_a_call(fleet: Fleet) -> None:
    """AttachLoadBalancerTargetGroups: "up to 10 target groups" a call."""
    fleet.make()
    arns = [fleet.target_group(f"web-{number}", listener=False) for number in range(11)]
    with refused("ValidationError", "10"):
        fleet.autoscaling.attach_load_balancer_target_groups(
            AutoScalingGroupName="group", TargetGroupARNs=arns
        )
    assert fleet.group()["TargetGroupARNs"] == []


# ---------------------------------------------------------------------- classic load balancers


def classic_states(fleet: Fleet, name: str) -> list[tuple[str, str, str]]:
    answer = fleet.aws.client("elb").describe_instance_health(LoadBalancerName=name)
    return [(one["InstanceId"], one["State"], one["ReasonCode"]) for one in answer["InstanceStates"]]


def test_an_instance_comes_into_service_of_a_classic_load_balancer(fleet: Fleet) -> None:
    """State is InService or OutOfService; ReasonCode is ELB, Instance, or N/A."""
    name = fleet.classic()
    fleet.make(size=1, LoadBalancerNames=[name])
    fleet.aws.advance(PENDING)
    (instance,) = fleet.in_service()
    assert classic_states(fleet, name) == [(instance, "OutOfService", "ELB")]
    fleet.aws.advance(REGISTRATION)
    assert classic_states(fleet, name) == [(instance, "InService", "N/A")]
    fleet.aws.act(instance, "fail-health-checks")
    assert classic_states(fleet, name) == [(instance, "OutOfService", "Instance")]
    (balancer,) = fleet.aws.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
    assert balancer["Instances"] == [{"InstanceId": instance}]


def test_classic_load_balancers_drain_only_where_they_are_told_to(fleet: Fleet) -> None:
    """ConnectionDraining: "Specifies whether connection draining is enabled for the load balancer"."""
    elb = fleet.aws.client("elb")
    at_once, patient = fleet.classic("at-once"), fleet.classic("patient")
    elb.modify_load_balancer_attributes(
        LoadBalancerName=patient,
        LoadBalancerAttributes={"ConnectionDraining": {"Enabled": True, "Timeout": 60}},
    )
    (first,) = fleet.settled("one", 1, LoadBalancerNames=[at_once])
    (second,) = fleet.settled("two", 1, LoadBalancerNames=[patient])
    fleet.resize(0, "one")
    fleet.resize(0, "two")
    fleet.group("one")
    assert fleet.ec2_state(first) == "shutting-down"
    assert fleet.ec2_state(second) == "running"
    fleet.aws.advance(DRAINING)
    assert fleet.ec2_state(second) == "shutting-down"


def test_instances_of_a_classic_load_balancer_can_be_changed_by_hand(fleet: Fleet) -> None:
    elb = fleet.aws.client("elb")
    name = fleet.classic()
    (instance,) = fleet.settled(size=1)
    arguments: dict[str, Any] = {"LoadBalancerName": name, "Instances": [{"InstanceId": instance}]}
    assert elb.register_instances_with_load_balancer(**arguments)["Instances"] == [{"InstanceId": instance}]
    fleet.aws.advance(REGISTRATION)
    assert classic_states(fleet, name) == [(instance, "InService", "N/A")]
    assert elb.deregister_instances_from_load_balancer(**arguments)["Instances"] == []
    assert classic_states(fleet, name) == []
    with refused("LoadBalancerNotFound"):
        elb.describe_instance_health(LoadBalancerName="none")
