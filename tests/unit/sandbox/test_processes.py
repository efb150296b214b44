# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox honours each process that is suspended.

The words quoted are those of "Suspend and resume Amazon EC2 Auto Scaling processes" in the user guide, and of its
pages "How suspended processes affect other processes" and "Considerations for suspending processes".
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def suspended(fleet: Fleet) -> list[str]:
    return [one["ProcessName"] for one in fleet.group()["SuspendedProcesses"]]


def test_suspended_processes_are_told_with_a_reason(fleet: Fleet) -> None:
    fleet.make()
    fleet.suspend("Launch", "AlarmNotification")
    (launch, _) = fleet.group()["SuspendedProcesses"]
    assert launch["SuspensionReason"].startswith("User suspended at 2")
    assert suspended(fleet) == ["Launch", "AlarmNotification"]
    fleet.resume("Launch")
    assert suspended(fleet) == ["AlarmNotification"]


def test_all_processes_are_meant_where_none_is_named(fleet: Fleet) -> None:
    """ScalingProcesses: "If you omit this property, all processes are specified"."""
    fleet.make()
    fleet.suspend()
    assert len(suspended(fleet)) == 9
    fleet.resume()
    assert suspended(fleet) == []


def test_a_process_that_is_none_is_refused(fleet: Fleet) -> None:
    fleet.make()
    with refused("ValidationError", "Nonsense"):
        fleet.suspend("Nonsense")


def test_without_launch_no_instance_is_added(fleet: Fleet) -> None:
    """Launch: "Adds instances to the Auto Scaling group when the group scales out"."""
    fleet.make()
    fleet.suspend("Launch")
    fleet.resize(2)
    fleet.aws.settle()
    assert (fleet.instances(), fleet.activities()) == ({}, [])
    fleet.resume("Launch")
    fleet.aws.settle()
    assert len(fleet.in_service()) == 2


def test_without_launch_what_is_unhealthy_is_terminated_and_replaced_later(fleet: Fleet) -> None:
    """With Launch suspended, "ReplaceUnhealthy continues to terminate unhealthy instances, but does not launch
    replacements"; it "immediately replaces" them on resumption."""
    (instance,) = fleet.settled(size=1)
    fleet.suspend("Launch")
    fleet.aws.act(instance, "unhealthy")
    fleet.aws.settle()
    assert (fleet.instances(), fleet.ec2_state(instance)) == ({}, "terminated")
    fleet.resume("Launch")
    fleet.aws.settle()
    assert len(fleet.in_service()) == 1


def test_without_terminate_no_instance_is_removed(fleet: Fleet) -> None:
    """Terminate: "Removes instances from the Auto Scaling group when the group scales in"."""
    instances = fleet.settled(size=2)
    fleet.suspend("Terminate")
    fleet.resize(0)
    fleet.aws.settle()
    assert fleet.in_service() == instances
    fleet.resume("Terminate")
    fleet.aws.settle()
    assert fleet.in_service() == []


def test_without_add_to_load_balancer_instances_stay_unregistered_even_afterwards(fleet: Fleet) -> None:
    """AddToLoadBalancer: what was launched while it was suspended must be registered by hand."""
    arn, classic = fleet.target_group(), fleet.classic()
    fleet.make(TargetGroupARNs=[arn], LoadBalancerNames=[classic])
    fleet.suspend("AddToLoadBalancer")
    fleet.resize(1)
    fleet.aws.settle()
    fleet.resume("AddToLoadBalancer")
    (left_out,) = fleet.in_service()
    fleet.resize(2)
    fleet.aws.settle()
    (added,) = set(fleet.in_service()) - {left_out}
    assert fleet.health(arn) == {added: "healthy"}
    answer = fleet.aws.client("elb").describe_instance_health(LoadBalancerName=classic)
    assert [one["InstanceId"] for one in answer["InstanceStates"]] == [added]


def test_without_health_check_nothing_is_found_unhealthy(fleet: Fleet) -> None:
    """HealthCheck: nothing is marked unhealthy meanwhile."""
    (instance,) = fleet.settled(size=1)
    fleet.suspend("HealthCheck")
    fleet.ec2.terminate_instances(InstanceIds=[instance])
    fleet.aws.settle()
    (told,) = fleet.group()["Instances"]
    assert (told["InstanceId"], told["HealthStatus"]) == (instance, "Healthy")
    fleet.resume("HealthCheck")
    fleet.aws.settle()
    assert fleet.in_service() not in ([], [instance])


def test_without_replace_unhealthy_what_is_unhealthy_stays(fleet: Fleet) -> None:
    """ReplaceUnhealthy: what is marked unhealthy is neither terminated nor replaced meanwhile."""
    (instance,) = fleet.settled(size=1)
    fleet.suspend("ReplaceUnhealthy")
    fleet.aws.act(instance, "unhealthy")
    fleet.aws.settle()
    told = fleet.group()["Instances"][0]
    assert (told["InstanceId"], told["HealthStatus"], told["LifecycleState"]) == (
        instance,
        "Unhealthy",
        "InService",
    )
    fleet.resume("ReplaceUnhealthy")
    fleet.aws.settle()
    assert fleet.in_service() not in ([], [instance])


def test_without_alarm_notification_no_policy_scales(fleet: Fleet) -> None:
    """Suspending it "allows you to temporarily stop the group's target tracking, step, and simple scaling policies
    without deleting the scaling policies or their associated CloudWatch alarms"."""
    fleet.settled(size=1)
    policy = fleet.autoscaling.put_scaling_policy(
        AutoScalingGroupName="group",
        PolicyName="more",
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=1,
    )["PolicyARN"]
    fleet.cloudwatch.put_metric_alarm(
        AlarmName="busy",
        Namespace="Mine",
        MetricName="Load",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy],
    )
    fleet.suspend("AlarmNotification")
    fleet.cloudwatch.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="a test")
    assert fleet.sizes()[2] == 1
    fleet.resume("AlarmNotification")
    fleet.cloudwatch.set_alarm_state(AlarmName="busy", StateValue="OK", StateReason="a test")
    fleet.cloudwatch.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="a test")
    assert fleet.sizes()[2] == 2


def test_without_scheduled_actions_their_time_passes(fleet: Fleet) -> None:
    """ScheduledActions: what should have run meanwhile does not run later."""
    fleet.make()
    start = datetime.fromtimestamp(fleet.aws.clock.now() + 60, UTC)
    fleet.autoscaling.put_scheduled_update_group_action(
        AutoScalingGroupName="group", ScheduledActionName="grow", StartTime=start, DesiredCapacity=3
    )
    fleet.suspend("ScheduledActions")
    fleet.aws.advance(61)
    fleet.resume("ScheduledActions")
    fleet.aws.settle()
    assert fleet.sizes()[2] == 0
