# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's scaling policies: what they may be, the alarms they have, and how they scale.

After "Target tracking scaling policies", "Step and simple scaling policies", "Scaling cooldowns", "Disable a
scaling policy" and "Delete a scaling policy" in the user guide, and PutScalingPolicy in the API reference.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.sandbox.scaling_adjustments import adjusted, step_for, tracked
from tests.unit.sandbox_groups import Fleet, refused

CPU_AT_60: dict[str, Any] = {
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingConfiguration": {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": 60.0,
    },
}
SIMPLE: dict[str, Any] = {"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 2, "Cooldown": 60}
STEPS: dict[str, Any] = {
    "PolicyType": "StepScaling",
    "AdjustmentType": "ChangeInCapacity",
    "EstimatedInstanceWarmup": 60,
    "StepAdjustments": [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
    ],
}


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def put(fleet: Fleet, name: str = "policy", group: str = "group", **members: Any) -> dict[str, Any]:
    answer = fleet.autoscaling.put_scaling_policy(AutoScalingGroupName=group, PolicyName=name, **members)
    return dict(answer)


def policies(fleet: Fleet, **arguments: Any) -> dict[str, dict[str, Any]]:
    answer = fleet.autoscaling.describe_policies(**arguments)
    return {policy["PolicyName"]: policy for policy in answer["ScalingPolicies"]}


def alarms(fleet: Fleet) -> dict[str, dict[str, Any]]:
    return {alarm["AlarmName"]: alarm for alarm in fleet.cloudwatch.describe_alarms()["MetricAlarms"]}


def put_alarm(fleet: Fleet, *actions: str, name: str = "busy", threshold: float = 50.0) -> None:
    fleet.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Mine",
        MetricName="Load",
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=threshold,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=list(actions),
    )


def load(fleet: Fleet, value: float) -> None:
    """Let the metric have this value in the period that is over when this returns."""
    fleet.aws.advance(10 - fleet.aws.clock.now() % 10)
    fleet.cloudwatch.put_metric_data(
        Namespace="Mine", MetricData=[{"MetricName": "Load", "Value": value, "StorageResolution": 1}]
    )
    fleet.aws.advance(10)


def fire(fleet: Fleet, value: float, name: str = "busy") -> None:
    """Let an alarm go off because of a value."""
    data = f'{{"recentDatapoints": [{value}]}}'
    for state in ("OK", "ALARM"):
        fleet.cloudwatch.set_alarm_state(
            AlarmName=name, StateValue=state, StateReason="a test", StateReasonData=data
        )


# --------------------------------------------------------------------------------- what they may be


def test_a_policy_has_an_arn_and_is_described_as_it_came(fleet: Fleet) -> None:
    fleet.make()
    arn = put(fleet, **STEPS)["PolicyARN"]
    assert arn.startswith("arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:")
    assert arn.endswith(":autoScalingGroupName/group:policyName/policy")
    policy = policies(fleet)["policy"]
    assert {name: policy[name] for name in STEPS} == STEPS
    assert (policy["Enabled"], policy["MetricAggregationType"]) == (True, "Average")


def test_a_policy_is_simple_and_enabled_unless_it_says_otherwise(fleet: Fleet) -> None:
    """PolicyType: "If the value is not specified... SimpleScaling"; Enabled: "The default is enabled"."""
    fleet.make()
    put(fleet, **SIMPLE)
    put(fleet, "off", **SIMPLE, Enabled=False)
    found = policies(fleet)
    assert (found["policy"]["PolicyType"], found["policy"]["Enabled"]) == ("SimpleScaling", True)
    assert found["off"]["Enabled"] is False


def test_policies_of_the_same_name_in_two_groups_are_two(fleet: Fleet) -> None:
    fleet.make("one")
    fleet.make("two")
    first = put(fleet, group="one", **SIMPLE)["PolicyARN"]
    second = put(fleet, group="two", **SIMPLE)["PolicyARN"]
    assert first != second
    assert len(fleet.autoscaling.describe_policies()["ScalingPolicies"]) == 2


def test_putting_a_policy_again_replaces_it_under_the_same_arn(fleet: Fleet) -> None:
    fleet.make()
    first = put(fleet, **SIMPLE)["PolicyARN"]
    assert put(fleet, **STEPS)["PolicyARN"] == first
    assert policies(fleet)["policy"]["PolicyType"] == "StepScaling"
    assert "ScalingAdjustment" not in policies(fleet)["policy"]


@pytest.mark.parametrize(
    "members",
    [
        {"PolicyType": "Nonsense"},
        {"AdjustmentType": "ChangeInCapacity"},
        {"ScalingAdjustment": 1},
        {**SIMPLE, "AdjustmentType": "Nonsense"},
        {**SIMPLE, "MinAdjustmentMagnitude": 2},
        {**SIMPLE, "EstimatedInstanceWarmup": 60},
        {**STEPS, "StepAdjustments": []},
        {**STEPS, "StepAdjustments": [{"ScalingAdjustment": 1}]},
        {**STEPS, "Cooldown": 60},
        {**STEPS, "StepAdjustments": [STEPS["StepAdjustments"][1], STEPS["StepAdjustments"][1]]},
        {
            **STEPS,
            "StepAdjustments": [
                STEPS["StepAdjustments"][0],
                {"MetricIntervalLowerBound": 11, "ScalingAdjustment": 3},
            ],
        },
        {"PolicyType": "TargetTrackingScaling"},
        {"PolicyType": "TargetTrackingScaling", "TargetTrackingConfiguration": {"TargetValue": 1.0}},
        {**CPU_AT_60, "Cooldown": 60},
        {"PolicyType": "PredictiveScaling"},
    ],
)
def test_what_does_not_go_together_is_refused(fleet: Fleet, members: dict[str, Any]) -> None:
    fleet.make()
    with refused("ValidationError"):
        put(fleet, **members)
    assert (policies(fleet), alarms(fleet)) == ({}, {})


def test_a_group_has_at_most_fifty_policies_with_twenty_steps(fleet: Fleet) -> None:
    """"Scaling policies per Auto Scaling group: 50", "Step adjustments per step scaling policy: 20"."""
    fleet.make()
    steps = [
        {
            "MetricIntervalLowerBound": float(number),
            "MetricIntervalUpperBound": number + 1.0,
            "ScalingAdjustment": 1,
        }
        for number in range(21)
    ]
    with refused("ValidationError", "20"):
        put(fleet, **{**STEPS, "StepAdjustments": steps})
    for number in range(50):
        put(fleet, f"policy-{number}", **SIMPLE)
    with refused("LimitExceeded"):
        put(fleet, "one-more", **SIMPLE)
    put(fleet, "policy-7", **SIMPLE)
    answer = fleet.autoscaling.describe_policies(AutoScalingGroupName="group", MaxRecords=20)
    assert (len(answer["ScalingPolicies"]), "NextToken" in answer) == (20, True)


def test_policies_are_found_by_group_name_arn_and_type(fleet: Fleet) -> None:
    fleet.make("one")
    fleet.make("two")
    arn = put(fleet, "simple", "one", **SIMPLE)["PolicyARN"]
    put(fleet, "steps", "one", **STEPS)
    put(fleet, "simple", "two", **SIMPLE)
    assert set(policies(fleet, AutoScalingGroupName="one")) == {"simple", "steps"}
    assert set(policies(fleet, PolicyNames=["steps"])) == {"steps"}
    assert policies(fleet, PolicyNames=[arn])["simple"]["AutoScalingGroupName"] == "one"
    assert set(policies(fleet, PolicyTypes=["StepScaling"])) == {"steps"}
    with refused("ValidationError", "not found"):
        policies(fleet, AutoScalingGroupName="none")


def test_a_predictive_policy_is_kept_as_it_came(fleet: Fleet) -> None:
    fleet.make()
    configuration = {
        "MetricSpecifications": [
            {
                "TargetValue": 40.0,
                "PredefinedMetricPairSpecification": {"PredefinedMetricType": "ASGCPUUtilization"},
            }
        ],
        "Mode": "ForecastOnly",
    }
    put(fleet, PolicyType="PredictiveScaling", PredictiveScalingConfiguration=configuration)
    assert policies(fleet)["policy"]["PredictiveScalingConfiguration"] == configuration


# ------------------------------------------------------------------------------------ their alarms


def test_target_tracking_makes_two_alarms_of_its_own(fleet: Fleet) -> None:
    fleet.make()
    answer = put(fleet, **CPU_AT_60)
    made = alarms(fleet)
    assert sorted(made) == sorted(alarm["AlarmName"] for alarm in answer["Alarms"])
    low, high = sorted(made.values(), key=lambda alarm: float(alarm["Threshold"]))
    assert high["AlarmName"].startswith("TargetTracking-group-AlarmHigh-")
    assert low["AlarmName"].startswith("TargetTracking-group-AlarmLow-")
    assert (high["Threshold"], high["ComparisonOperator"]) == (60.0, "GreaterThanThreshold")
    assert (low["Threshold"], low["ComparisonOperator"]) == (54.0, "LessThanThreshold")
    for alarm in made.values():
        assert alarm["AlarmActions"] == [answer["PolicyARN"]]
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/EC2", "CPUUtilization")
        assert alarm["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": "group"}]
    assert policies(fleet)["policy"]["Alarms"] == answer["Alarms"]


def test_target_tracking_keeps_its_alarms_when_it_is_changed(fleet: Fleet) -> None:
    fleet.make()
    names = {alarm["AlarmName"] for alarm in put(fleet, **CPU_AT_60)["Alarms"]}
    configuration = CPU_AT_60["TargetTrackingConfiguration"] | {"TargetValue": 40.0}
    put(fleet, PolicyType="TargetTrackingScaling", TargetTrackingConfiguration=configuration)
    assert set(alarms(fleet)) == names
    assert {alarm["Threshold"] for alarm in alarms(fleet).values()} == {40.0, 36.0}
    put(
        fleet,
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration=configuration | {"DisableScaleIn": True},
    )
    assert [alarm["Threshold"] for alarm in alarms(fleet).values()] == [40.0]
    put(fleet, **SIMPLE)
    assert alarms(fleet) == {}


def test_target_tracking_takes_a_metric_of_ones_own_and_expressions(fleet: Fleet) -> None:
    fleet.make()
    own = {"MetricName": "Load", "Namespace": "Mine", "Statistic": "Average"}
    put(
        fleet,
        "own",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={"CustomizedMetricSpecification": own, "TargetValue": 5.0},
    )
    metric = {"Namespace": "Mine", "MetricName": "Load"}
    queries = [
        {"Id": "load", "MetricStat": {"Metric": metric, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "half", "Expression": "load / 2"},
    ]
    put(
        fleet,
        "math",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "CustomizedMetricSpecification": {"Metrics": queries},
            "TargetValue": 5.0,
        },
    )
    watched = [alarm.get("MetricName") or len(alarm["Metrics"]) for alarm in alarms(fleet).values()]
    assert sorted(map(str, watched)) == ["2", "2", "Load", "Load"]


def label(fleet: Fleet, target_group: str) -> str:
    balancers = fleet.aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    balancer = balancers[0]["LoadBalancerArn"].split(":loadbalancer/")[1]
    return f"{balancer}/{target_group.split(':')[-1]}"


def test_requests_per_target_need_the_label_of_an_attached_target_group(fleet: Fleet) -> None:
    """ResourceLabel: "You can't specify a resource label unless the target group is attached to the Auto Scaling
    group"; its form is app/<name>/<id>/targetgroup/<name>/<id>."""
    arn = fleet.target_group()
    fleet.make()

    def put_labelled(text: str) -> dict[str, Any]:
        predefined = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": text}
        configuration = {"PredefinedMetricSpecification": predefined, "TargetValue": 100.0}
        return put(fleet, PolicyType="TargetTrackingScaling", TargetTrackingConfiguration=configuration)

    with refused("ValidationError", "not attached"):
        put_labelled(label(fleet, arn))
    with refused("ValidationError", "must be of the form"):
        put_labelled(arn)
    fleet.autoscaling.attach_load_balancer_target_groups(AutoScalingGroupName="group", TargetGroupARNs=[arn])
    put_labelled(label(fleet, arn))
    dimensions = {one["Name"]: one["Value"] for one in next(iter(alarms(fleet).values()))["Dimensions"]}
    assert dimensions["TargetGroup"] == arn.split(":")[-1]


def test_a_policy_tells_of_others_alarms_that_name_it(fleet: Fleet) -> None:
    fleet.make()
    arn = put(fleet, **SIMPLE)["PolicyARN"]
    put_alarm(fleet, arn)
    put_alarm(fleet, name="unrelated")
    assert [one["AlarmName"] for one in policies(fleet)["policy"]["Alarms"]] == ["busy"]


def test_a_deleted_policy_takes_its_own_alarms_and_its_actions(fleet: Fleet) -> None:
    """"Deleting either a step scaling policy or a simple scaling policy deletes the underlying alarm action, but
    does not delete the alarm, even if it no longer has an associated action" (DeletePolicy)."""
    fleet.make()
    put(fleet, "tracking", **CPU_AT_60)
    put_alarm(fleet, put(fleet, "simple", **SIMPLE)["PolicyARN"])
    before = alarms(fleet)["busy"]
    for name in ("tracking", "simple"):
        fleet.autoscaling.delete_policy(AutoScalingGroupName="group", PolicyName=name)
    assert policies(fleet) == {}
    assert list(alarms(fleet)) == ["busy"]
    left = alarms(fleet)["busy"]
    assert left["AlarmActions"] == []
    told = ("Threshold", "TreatMissingData", "Period", "Namespace", "Statistic", "StateValue")
    assert {name: left[name] for name in told} == {name: before[name] for name in told}
    with refused("ValidationError", "not found"):
        fleet.autoscaling.delete_policy(AutoScalingGroupName="group", PolicyName="simple")


def test_a_deleted_group_takes_its_policies_and_the_alarms_that_only_they_used(fleet: Fleet) -> None:
    """"deleting the group deletes the policies, the underlying alarm actions, and any alarm that no longer has an
    associated action" (DeleteAutoScalingGroup)."""
    fleet.make()
    arn = put(fleet, "simple", **SIMPLE)["PolicyARN"]
    put(fleet, "tracking", **CPU_AT_60)
    topic = fleet.aws.client("sns").create_topic(Name="people")["TopicArn"]
    put_alarm(fleet, arn, name="only")
    put_alarm(fleet, arn, topic, name="shared")
    put_alarm(fleet, name="idle")
    fleet.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="group")
    assert sorted(alarms(fleet)) == ["idle", "shared"]
    assert alarms(fleet)["shared"]["AlarmActions"] == [topic]
    assert policies(fleet) == {}


# ------------------------------------------------------------------------------------- how they scale


def warm(fleet: Fleet, size: int, **options: Any) -> None:
    """Make a group whose instances are all in service and warmed up."""
    fleet.settled(size=size, **options)
    fleet.aws.advance(300)


def test_a_simple_policy_scales_once_a_cooldown(fleet: Fleet) -> None:
    """Simple scaling "must wait for the ... cooldown period to end before responding to additional alarms"."""
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
    """"multiple alarm breaches in the range of the same step adjustment result in a single scaling activity"."""
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
    """"A scale-in activity can't start while a scale-out activity is in progress"."""
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
    """"the Auto Scaling group does not scale out or scale in for the metric alarms that are breached while the
    scaling policy is disabled"."""
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
        # "Values greater than 1 are rounded down. For example, 12.7 is rounded to 12."
        (10, "PercentChangeInCapacity", 127, 1, 22),
        # "Values between 0 and 1 are rounded to 1. For example, .67 is rounded to 1."
        (10, "PercentChangeInCapacity", 6, 1, 11),
        # "Values between 0 and -1 are rounded to -1. For example, -.58 is rounded to -1."
        (10, "PercentChangeInCapacity", -5, 1, 9),
        # "Values less than -1 are rounded up. For example, -6.67 is rounded to -6."
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
    """Above the threshold "the lower bound is inclusive ... Otherwise, it's exclusive" (``StepAdjustment``)."""
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
