# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the sandbox's scaling policies scale when their alarms go off.

After "Step and simple scaling policies", "Target tracking scaling policies", "Scaling cooldowns" and "Disable a
scaling policy" in the Amazon EC2 Auto Scaling User Guide, and PutScalingPolicy in the API reference.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.autoscaling.scaling_adjustments import adjusted, step_for, tracked
from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused
from tests.unit.sandbox.policies import CPU_AT_60, SIMPLE, STEPS, alarms, fire, load, put, put_alarm


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def warm(fleet: Fleet, size: int, **options: Any) -> None:
    """Make a group whose instances are all in service and warmed up."""
    fleet.settled(size=size, **options)
    fleet.aws.advance(300)


def test_a_simple_policy_scales_once_a_cooldown(fleet: Fleet) -> None:
    """Alarms during the cooldown of a simple policy are not heeded."""
    warm(fleet, 1)
    put_alarm(fleet, put(fleet, **SIMPLE)["PolicyARN"])
    fire(fleet, 90)
    assert fleet.sizes()[2] == 3
    fleet.aws.advance(59)
    fire(fleet, 90)
    assert fleet.sizes()[2] == 3
    fleet.aws.advance(1)
    fire(fleet, 90)
    assert fleet.sizes()[2] == 5
    assert "a monitor alarm busy in state ALARM triggered policy policy" in fleet.activities()[0]["Cause"]


def test_an_alarm_whose_metric_rises_scales_by_itself(fleet: Fleet) -> None:
    warm(fleet, 1)
    put_alarm(fleet, put(fleet, **STEPS)["PolicyARN"])
    load(fleet, 10)
    assert fleet.sizes()[2] == 1
    load(fleet, 65)
    assert fleet.sizes()[2] == 4, "15 above the threshold"


@pytest.mark.parametrize(("value", "desired"), [(50, 3), (59.9, 3), (60, 5), (200, 5)])
def test_a_step_policy_goes_by_how_far_the_threshold_is_exceeded(
    fleet: Fleet, value: float, desired: int
) -> None:
    warm(fleet, 2)
    put_alarm(fleet, put(fleet, **STEPS)["PolicyARN"])
    fire(fleet, value)
    assert fleet.sizes()[2] == desired


def test_a_step_policy_counts_what_warms_up(fleet: Fleet) -> None:
    """Alarms that go on within the same step add nothing more; a higher step adds what it adds beyond that."""
    warm(fleet, 2)
    put_alarm(fleet, put(fleet, **STEPS)["PolicyARN"])
    fire(fleet, 55)
    fire(fleet, 55)
    assert fleet.sizes()[2] == 3
    fire(fleet, 70)
    assert fleet.sizes()[2] == 5, "3 more than the two that are warm, not than three"
    fleet.aws.settle()
    fleet.aws.advance(60)
    fire(fleet, 55)
    assert fleet.sizes()[2] == 6


def test_nothing_is_scaled_in_while_instances_warm_up(fleet: Fleet) -> None:
    """No scale-in begins while instances of a scale-out are on their way."""
    warm(fleet, 4)
    steps = [
        {"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1},
        {"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 2},
    ]
    put_alarm(fleet, put(fleet, **{**STEPS, "StepAdjustments": steps})["PolicyARN"])
    fire(fleet, 55)
    fire(fleet, 10)
    assert fleet.sizes()[2] == 6
    fleet.aws.settle()
    fleet.aws.advance(60)
    fire(fleet, 10)
    assert fleet.sizes()[2] == 5


def test_policies_stay_within_the_bounds(fleet: Fleet) -> None:
    warm(fleet, 2, MinSize=2, MaxSize=3)
    put_alarm(fleet, put(fleet, **STEPS)["PolicyARN"])
    fire(fleet, 90)
    assert fleet.sizes()[2] == 3
    down = put(fleet, "down", **{**SIMPLE, "ScalingAdjustment": -5})["PolicyARN"]
    put_alarm(fleet, down, name="quiet")
    fire(fleet, 90, "quiet")
    assert fleet.sizes()[2] == 2


def test_target_tracking_scales_out_in_proportion_and_in_one_by_one(fleet: Fleet) -> None:
    warm(fleet, 4)
    put(fleet, **CPU_AT_60, EstimatedInstanceWarmup=30)
    names = {name.split("-")[2]: name for name in alarms(fleet)}
    fire(fleet, 90, names["AlarmHigh"])
    assert fleet.sizes()[2] == 6, "4 at 90 % are 6 at 60 %"
    fleet.aws.settle()
    fleet.aws.advance(30)
    fire(fleet, 10, names["AlarmLow"])
    assert fleet.sizes()[2] == 5


def test_cpu_of_the_images_drives_target_tracking(fleet: Fleet) -> None:
    hot = fleet.register_image("hot")
    fleet.aws.behave(hot, {"cpu": {"mean": 90.0, "sd": 1.0}, "detailed_monitoring": True})
    warm(fleet, 2, LaunchTemplate=fleet.make_template("hot", hot))
    put(fleet, **CPU_AT_60)
    for _ in range(6):
        fleet.aws.advance(60)
    assert fleet.sizes()[2] > 2


def test_a_disabled_policy_does_nothing(fleet: Fleet) -> None:
    """When disabled, "the Auto Scaling group does not scale out or scale in for the metric alarms that are breached
    while the scaling policy is disabled"."""
    warm(fleet, 1)
    put_alarm(fleet, put(fleet, **SIMPLE, Enabled=False)["PolicyARN"])
    fire(fleet, 90)
    assert fleet.sizes()[2] == 1
    put(fleet, **SIMPLE, Enabled=True)
    fire(fleet, 90)
    assert fleet.sizes()[2] == 3


def test_a_policy_can_be_executed_by_hand(fleet: Fleet) -> None:
    warm(fleet, 1)
    put(fleet, "simple", **SIMPLE)
    put(fleet, "steps", **STEPS)
    put(fleet, "tracking", **CPU_AT_60)
    arguments: dict[str, Any] = {"AutoScalingGroupName": "group"}
    fleet.autoscaling.execute_policy(**arguments, PolicyName="simple")
    assert fleet.sizes()[2] == 3
    with refused("ScalingActivityInProgress", "cooldown"):
        fleet.autoscaling.execute_policy(**arguments, PolicyName="simple", HonorCooldown=True)
    with refused("ScalingActivityInProgress", "cooldown"):
        fleet.autoscaling.set_desired_capacity(**arguments, DesiredCapacity=1, HonorCooldown=True)
    with refused("ValidationError", "MetricValue"):
        fleet.autoscaling.execute_policy(**arguments, PolicyName="steps")
    fleet.aws.advance(300)
    fleet.autoscaling.execute_policy(**arguments, PolicyName="steps", MetricValue=9.0, BreachThreshold=5.0)
    assert fleet.sizes()[2] == 4
    with refused("ValidationError", "TargetTrackingScaling"):
        fleet.autoscaling.execute_policy(**arguments, PolicyName="tracking")


@pytest.mark.parametrize(
    ("capacity", "kind", "adjustment", "least", "wanted"),
    [
        (4, "ChangeInCapacity", 3, 1, 7),
        (4, "ChangeInCapacity", -3, 1, 1),
        (4, "ExactCapacity", 9, 1, 9),
        # Beyond 1, what follows the point is cut.
        (10, "PercentChangeInCapacity", 127, 1, 22),
        # Between 0 and 1 it is 1.
        (10, "PercentChangeInCapacity", 6, 1, 11),
        # Between 0 and -1 it is -1.
        (10, "PercentChangeInCapacity", -5, 1, 9),
        # Below -1 it is cut as well.
        (100, "PercentChangeInCapacity", -7, 1, 93),
        (15, "PercentChangeInCapacity", -44, 1, 9),
        # MinAdjustmentMagnitude: 25 percent of 4 is 1, "However, because you specified ... 2, ... by 2 instances".
        (4, "PercentChangeInCapacity", 25, 2, 6),
        (4, "PercentChangeInCapacity", 0, 2, 4),
    ],
)
def test_adjustments_are_rounded_as_documented(
    capacity: int, kind: str, adjustment: int, least: int, wanted: int
) -> None:
    assert adjusted(capacity, kind, adjustment, least) == wanted


def test_bounds_of_steps_are_inclusive_towards_the_threshold() -> None:
    """Above the threshold "the lower bound is inclusive", "Otherwise, it is exclusive" (``StepAdjustment``)."""
    steps = [
        {"MetricIntervalUpperBound": -20, "ScalingAdjustment": -30},
        {"MetricIntervalLowerBound": -20, "MetricIntervalUpperBound": -10, "ScalingAdjustment": -10},
        {"MetricIntervalLowerBound": -10, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 0},
        {"MetricIntervalLowerBound": 10, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 10},
        {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 30},
    ]
    expected = {-21: -30, -20: -30, -19: -10, -10: -10, -9: 0, 0: 0, 9: 0, 10: 10, 19: 10, 20: 30}
    assert {difference: step_for(steps, difference) for difference in expected} == expected
    assert step_for(steps[:2], 5) is None


def test_tracking_asks_for_the_capacity_in_proportion() -> None:
    assert [tracked(4, value, 60.0) for value in (60.0, 61.0, 90.0, 120.0, 30.0)] == [4, 5, 6, 8, 2]
