# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's scaling policies: what they may be, and the alarms they have.

After "Target tracking scaling policies", "Step and simple scaling policies" and "Delete a scaling policy" in the
user guide, and PutScalingPolicy in the API reference.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused
from tests.unit.sandbox.policies import CPU_AT_60, SIMPLE, STEPS, alarms, policies, put, put_alarm

#: A step that may stand alone.
LOWEST: dict[str, Any] = {"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": 1}


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


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
    """PolicyType: "SimpleScaling (default)"; Enabled: "The default is enabled"."""
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
        {**STEPS, "StepAdjustments": [STEPS["StepAdjustments"][0]]},
        {**STEPS, "StepAdjustments": [{**LOWEST, "MetricIntervalLowerBound": -9.0}]},
        {
            **STEPS,
            "AdjustmentType": "ExactCapacity",
            "StepAdjustments": [{**LOWEST, "ScalingAdjustment": -1}],
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
    """50 and 20 ("Quotas for Auto Scaling resources and groups")."""
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
    """DeletePolicy: "Deleting either a step scaling policy or a simple scaling policy deletes the underlying alarm
    action, but does not delete the alarm, even if it no longer has an associated action"."""
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
    """DeleteAutoScalingGroup: "deleting the group deletes the policies, the underlying alarm actions, and any alarm
    that no longer has an associated action"."""
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
