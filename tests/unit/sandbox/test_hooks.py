# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's lifecycle hooks: instances that wait, and what ends their wait.

The words quoted are those of "How lifecycle hooks work in Amazon EC2 Auto Scaling groups" in the user guide.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused

#: Of the pretend AWS of unit tests (tests.unit.engine.SETTINGS).
PENDING = 3.0


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def put_hook(fleet: Fleet, transition: str, **options: Any) -> None:
    fleet.autoscaling.put_lifecycle_hook(
        AutoScalingGroupName="group",
        LifecycleHookName="hook",
        LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
        HeartbeatTimeout=30,
        **options,
    )


def complete(fleet: Fleet, instance: str, result: str) -> None:
    fleet.autoscaling.complete_lifecycle_action(
        AutoScalingGroupName="group",
        LifecycleHookName="hook",
        InstanceId=instance,
        LifecycleActionResult=result,
    )


def test_a_hook_holds_a_launch_until_it_is_completed(fleet: Fleet) -> None:
    """The hook "puts the instance into a wait state (Pending:Wait)" until "you either complete the lifecycle action,
    or the timeout period ends"."""
    fleet.make()
    put_hook(fleet, "LAUNCHING")
    fleet.resize(1)
    fleet.aws.advance(0)
    fleet.aws.advance(PENDING)
    ((instance, state),) = fleet.instances().items()
    assert state == "Pending:Wait"
    assert fleet.activities()[0]["StatusCode"] == "MidLifecycleAction"
    complete(fleet, instance, "CONTINUE")
    assert fleet.instances() == {instance: "InService"}
    with refused("ValidationError", "No active Lifecycle Action"):
        complete(fleet, instance, "CONTINUE")


@pytest.mark.parametrize("result", ["CONTINUE", "ABANDON"])
def test_a_hook_that_times_out_has_its_default_result(fleet: Fleet, result: str) -> None:
    """When "the timeout period ends" the default result counts; ABANDON terminates an instance that launches."""
    fleet.make()
    put_hook(fleet, "LAUNCHING", DefaultResult=result)
    fleet.resize(1)
    fleet.aws.advance(0)
    fleet.aws.advance(PENDING + 29.9)
    (instance,) = fleet.instances()
    fleet.aws.advance(0.2)
    expected = "InService" if result == "CONTINUE" else "Terminating"
    assert fleet.instances()[instance] == expected


def test_a_heartbeat_prolongs_the_wait(fleet: Fleet) -> None:
    """You "can restart the timeout period by recording a heartbeat"."""
    fleet.make()
    put_hook(fleet, "LAUNCHING")
    fleet.resize(1)
    fleet.aws.advance(0)
    fleet.aws.advance(PENDING + 20)
    (instance,) = fleet.instances()
    fleet.autoscaling.record_lifecycle_action_heartbeat(
        AutoScalingGroupName="group", LifecycleHookName="hook", InstanceId=instance
    )
    fleet.aws.advance(20)
    assert fleet.instances() == {instance: "Pending:Wait"}


def test_a_hook_holds_a_termination(fleet: Fleet) -> None:
    (instance,) = fleet.settled(size=1)
    put_hook(fleet, "TERMINATING")
    fleet.resize(0)
    assert fleet.instances() == {instance: "Terminating:Wait"}
    assert fleet.ec2_state(instance) == "running"
    complete(fleet, instance, "ABANDON")
    fleet.aws.settle()
    assert fleet.ec2_state(instance) == "terminated"


def test_hooks_have_limits_and_defaults(fleet: Fleet) -> None:
    fleet.make(
        LifecycleHookSpecificationList=[
            {"LifecycleHookName": "hook", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
        ]
    )
    (hook,) = fleet.autoscaling.describe_lifecycle_hooks(AutoScalingGroupName="group")["LifecycleHooks"]
    assert (hook["HeartbeatTimeout"], hook["DefaultResult"], hook["GlobalTimeout"]) == (
        3600,
        "ABANDON",
        172800,
    )
    with refused("ValidationError", "7200"):
        put_hook_with(fleet, "other", 7201)
    for number in range(49):
        put_hook_with(fleet, f"hook-{number}", 60)
    with refused("LimitExceeded"):
        put_hook_with(fleet, "one-more", 60)


def put_hook_with(fleet: Fleet, name: str, seconds: int) -> None:
    fleet.autoscaling.put_lifecycle_hook(
        AutoScalingGroupName="group",
        LifecycleHookName=name,
        LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
        HeartbeatTimeout=seconds,
    )
