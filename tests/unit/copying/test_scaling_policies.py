# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scales the base scales the new group: policies, their alarms, scheduled actions."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.copying.described import Described, Overrides
from ansible_collections.progressive.aws.plugins.module_utils.copying.inventory import (
    copying_problems,
    inventory,
)
from ansible_collections.progressive.aws.plugins.module_utils.copying.scaling_policies import (
    alarm_name,
    alarm_names,
    alarm_requests,
    policy_requests,
    scheduled_action_requests,
)
from hypothesis import HealthCheck, given, settings

from tests.unit.copying import models

NEW = Overrides(image_id="ami-new")
ELB = "arn:aws:elasticloadbalancing:eu-west-1:1:"
OLD = f"{ELB}targetgroup/old/01"
FRESH = f"{ELB}targetgroup/fresh/02"
SECOND = f"{ELB}targetgroup/second/03"
FRESH_BALANCER = f"{ELB}loadbalancer/app/front/b2"
POLICY = "arn:aws:autoscaling:eu-west-1:1:scalingPolicy:{}:autoScalingGroupName/{}:policyName/{}"
OUT = POLICY.format("u1", "base", "out")
IN = POLICY.format("u2", "base", "in")
FOREIGN = POLICY.format("u3", "neighbour", "out")
NEW_ARNS = {"out": POLICY.format("n1", "shop__7", "out"), "in": POLICY.format("n2", "shop__7", "in")}
NOON = datetime.datetime(2026, 10, 7, 12, tzinfo=datetime.UTC)


def base(*policies: dict[str, Any], **rest: Any) -> Described:
    group = {"AutoScalingGroupName": "base", "TargetGroupARNs": [OLD]} | rest.pop("group", {})
    return Described(group, launch_template={"LaunchTemplateData": {}}, policies=policies, **rest)


def attached(policy: dict[str, Any], overrides: Overrides = NEW, **rest: Any) -> dict[str, Any]:
    """What is asked for one policy of the base, once botocore has nothing against it."""
    (request,) = policy_requests(base(policy, **rest), overrides, "shop__7")
    assert (request.service, request.operation) == ("autoscaling", "PutScalingPolicy")
    parameters = dict(request.parameters)
    assert models.refusal(request.service, request.operation, parameters) == ""
    assert parameters.pop("AutoScalingGroupName") == "shop__7"
    assert parameters.pop("PolicyName") == policy["PolicyName"]
    return parameters


# -------------------------------------------------------------------- policies


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    policy=models.examples(
        models.shape("autoscaling", "ScalingPolicy"),
        models.shape("autoscaling", "PutScalingPolicyType"),
    )
)
def test_any_policy_can_be_attached_to_the_new_group(policy: dict[str, Any]) -> None:
    attached(policy)


STEP = {
    "PolicyName": "out",
    "PolicyType": "StepScaling",
    "AdjustmentType": "PercentChangeInCapacity",
    "MinAdjustmentMagnitude": 2,
    "MetricAggregationType": "Average",
    "EstimatedInstanceWarmup": 90,
    "StepAdjustments": [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 20.0, "ScalingAdjustment": 10},
        {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 30},
    ],
    "Enabled": False,
}
SIMPLE = {
    "PolicyName": "out",
    "PolicyType": "SimpleScaling",
    "AdjustmentType": "ChangeInCapacity",
    "ScalingAdjustment": -1,
    "Cooldown": 0,
    "Enabled": True,
}


@pytest.mark.parametrize("policy", [STEP, SIMPLE], ids=["step", "simple"])
def test_step_and_simple_policies_are_copied_as_they_are(policy: dict[str, Any]) -> None:
    told = {**policy, "PolicyARN": OUT, "Alarms": [{"AlarmName": "high"}], "AutoScalingGroupName": "base"}
    expected = {name: value for name, value in policy.items() if name != "PolicyName"}
    assert attached(told) == expected


def test_the_old_name_of_the_least_step_is_used_only_without_the_new_one() -> None:
    assert attached({**SIMPLE, "MinAdjustmentStep": 3})["MinAdjustmentStep"] == 3
    assert "MinAdjustmentStep" not in attached({**STEP, "MinAdjustmentStep": 3})


def tracking(**configuration: Any) -> dict[str, Any]:
    return {
        "PolicyName": "track",
        "PolicyType": "TargetTrackingScaling",
        "StepAdjustments": [],
        "Alarms": [{"AlarmName": "TargetTracking-base-AlarmHigh-1"}],
        "TargetTrackingConfiguration": {"TargetValue": 40.0, **configuration},
        "Enabled": True,
    }


def test_a_predefined_metric_is_copied() -> None:
    metric = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
    assert attached(tracking(PredefinedMetricSpecification=metric, DisableScaleIn=True)) == {
        "PolicyType": "TargetTrackingScaling",
        "Enabled": True,
        "TargetTrackingConfiguration": {
            "TargetValue": 40.0,
            "PredefinedMetricSpecification": metric,
            "DisableScaleIn": True,
        },
    }


def test_a_customised_metric_of_the_base_becomes_the_new_groups() -> None:
    metric = {
        "MetricName": "Busy",
        "Namespace": "Shop",
        "Statistic": "Average",
        "Dimensions": [
            {"Name": "AutoScalingGroupName", "Value": "base"},
            {"Name": "Service", "Value": "base-of-all"},
        ],
    }
    copied = attached(tracking(CustomizedMetricSpecification=metric))["TargetTrackingConfiguration"]
    assert copied["CustomizedMetricSpecification"]["Dimensions"] == [
        {"Name": "AutoScalingGroupName", "Value": "shop__7"},
        {"Name": "Service", "Value": "base-of-all"},
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("base / m2", "base / m2"),
        (
            "SEARCH('{AWS/EC2,AutoScalingGroupName} AutoScalingGroupName=\"base\"', 'Sum', 60)",
            "SEARCH('{AWS/EC2,AutoScalingGroupName} AutoScalingGroupName=\"shop__7\"', 'Sum', 60)",
        ),
        (
            "SEARCH('{AWS/EC2,AutoScalingGroupName} AutoScalingGroupName=base MetricName=base-size', 'Sum', 60)",
            "SEARCH('{AWS/EC2,AutoScalingGroupName} AutoScalingGroupName=shop__7 MetricName=base-size', 'Sum', 60)",
        ),
        (
            "SELECT AVG(CPUUtilization) FROM \"AWS/EC2\" WHERE AutoScalingGroupName = 'base'",
            "SELECT AVG(CPUUtilization) FROM \"AWS/EC2\" WHERE AutoScalingGroupName = 'shop__7'",
        ),
    ],
)
def test_metric_math_names_the_new_group_where_it_named_the_base(expression: str, expected: str) -> None:
    metrics = [
        {"Id": "e1", "Expression": expression, "Label": "of base", "ReturnData": True},
        {
            "Id": "base",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/EC2",
                    "MetricName": "CPUUtilization",
                    "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "base"}],
                },
                "Stat": "Average",
            },
            "ReturnData": False,
        },
    ]
    copied = attached(tracking(CustomizedMetricSpecification={"Metrics": metrics}))
    first, second = copied["TargetTrackingConfiguration"]["CustomizedMetricSpecification"]["Metrics"]
    assert first == {"Id": "e1", "Expression": expected, "Label": "of base", "ReturnData": True}
    assert second["Id"] == "base"
    assert second["MetricStat"]["Metric"]["Dimensions"][0]["Value"] == "shop__7"


PREDICTIVE = {
    "PolicyName": "forecast",
    "PolicyType": "PredictiveScaling",
    "PredictiveScalingConfiguration": {
        "Mode": "ForecastOnly",
        "SchedulingBufferTime": 0,
        "MetricSpecifications": [
            {
                "TargetValue": 50.0,
                "PredefinedMetricPairSpecification": {
                    "PredefinedMetricType": "ALBRequestCount",
                    "ResourceLabel": "app/old-front/a1/targetgroup/old/01",
                },
            }
        ],
    },
}


def test_a_predictive_policy_is_copied_with_the_label_of_the_new_target_group() -> None:
    overrides = Overrides("ami-new", target_group_arns=(FRESH,))
    copied = attached(PREDICTIVE, overrides, load_balancer_arns={FRESH: (FRESH_BALANCER,)})
    expected = copy.deepcopy(PREDICTIVE["PredictiveScalingConfiguration"])
    assert isinstance(expected, dict)
    pair = expected["MetricSpecifications"][0]["PredefinedMetricPairSpecification"]
    pair["ResourceLabel"] = "app/front/b2/targetgroup/fresh/02"
    assert copied["PredictiveScalingConfiguration"] == expected


# -------------------------------------------------------------- resource labels


def counting_requests() -> dict[str, Any]:
    return tracking(
        PredefinedMetricSpecification={
            "PredefinedMetricType": "ALBRequestCountPerTarget",
            "ResourceLabel": "app/old-front/a1/targetgroup/old/01",
        }
    )


def label(parameters: dict[str, Any]) -> Any:
    return parameters["TargetTrackingConfiguration"]["PredefinedMetricSpecification"]["ResourceLabel"]


@pytest.mark.parametrize(
    ("given_arns", "expected"),
    [
        (None, "app/old-front/a1/targetgroup/old/01"),
        ((OLD, SECOND), "app/old-front/a1/targetgroup/old/01"),
        ((FRESH,), "app/front/b2/targetgroup/fresh/02"),
    ],
    ids=["left alone", "still there", "replaced"],
)
def test_requests_are_counted_for_the_target_group_that_the_new_group_has(
    given_arns: tuple[str, ...] | None, expected: str
) -> None:
    balancers = {FRESH: (f"{ELB}loadbalancer/net/other/c3", FRESH_BALANCER)}
    overrides = Overrides("ami-new", target_group_arns=given_arns)
    assert label(attached(counting_requests(), overrides, load_balancer_arns=balancers)) == expected
    described = base(counting_requests(), load_balancer_arns=balancers)
    assert copying_problems(described, overrides, ()) == []


def test_the_load_balancer_that_was_in_front_is_preferred_where_there_are_several() -> None:
    balancers = {FRESH: (FRESH_BALANCER, f"{ELB}loadbalancer/app/old-front/a1")}
    copied = attached(
        counting_requests(), Overrides("ami-new", target_group_arns=(FRESH,)), load_balancer_arns=balancers
    )
    assert label(copied) == "app/old-front/a1/targetgroup/fresh/02"


def test_equally_many_target_groups_take_each_others_place_in_order() -> None:
    copied = attached(
        counting_requests(),
        Overrides("ami-new", target_group_arns=(SECOND, FRESH)),
        group={"TargetGroupARNs": [f"{ELB}targetgroup/first/00", OLD]},
        load_balancer_arns={FRESH: (FRESH_BALANCER,), SECOND: (f"{ELB}loadbalancer/app/second/d4",)},
    )
    assert label(copied) == "app/front/b2/targetgroup/fresh/02"


@pytest.mark.parametrize(
    ("given_arns", "complaint"),
    [
        ((), "which of the target groups given should take its place cannot be told"),
        ((FRESH, SECOND), "which of the target groups given should take its place cannot be told"),
        ((FRESH,), f"{FRESH} is behind none"),
    ],
    ids=["none", "too many", "without a load balancer"],
)
def test_a_policy_whose_target_group_has_no_successor_is_refused(
    given_arns: tuple[str, ...], complaint: str
) -> None:
    overrides = Overrides("ami-new", target_group_arns=given_arns)
    (problem,) = copying_problems(base(counting_requests()), overrides, ())
    assert "scaling policy track of base" in problem
    assert complaint in problem


# ---------------------------------------------------------------------- alarms

HIGH = {
    "AlarmName": "cpu high",
    "AlarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:cpu high",
    "AlarmDescription": "scale out",
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": [OUT, "arn:aws:sns:eu-west-1:1:ops", FOREIGN],
    "InsufficientDataActions": [IN],
    "StateValue": "ALARM",
    "StateUpdatedTimestamp": NOON,
    "MetricName": "CPUUtilization",
    "Namespace": "AWS/EC2",
    "Statistic": "Average",
    "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "base"}],
    "Period": 60,
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 3,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "EvaluationWindow": {"SlidingWindow": {}},
}
OUT_POLICY = {**STEP, "PolicyARN": OUT, "Alarms": [{"AlarmName": "cpu high"}]}
IN_POLICY = {**SIMPLE, "PolicyName": "in", "PolicyARN": IN, "Alarms": [{"AlarmName": "cpu high"}]}


def alarm_parameters(described: Described, overrides: Overrides = NEW, **tags: str) -> list[dict[str, Any]]:
    requests = alarm_requests(described, overrides, "shop__7", NEW_ARNS, tags)
    for request in requests:
        assert (request.service, request.operation) == ("cloudwatch", "PutMetricAlarm")
        assert models.refusal("cloudwatch", "PutMetricAlarm", dict(request.parameters)) == ""
    return [dict(request.parameters) for request in requests]


def test_an_alarm_is_copied_once_pointed_at_the_new_policies_and_the_new_group() -> None:
    described = base(OUT_POLICY, IN_POLICY, alarms={"cpu high": HIGH})
    assert alarm_parameters(described) == [
        {
            "AlarmName": "shop__7-cpu high",
            "AlarmDescription": "scale out",
            "ActionsEnabled": True,
            "AlarmActions": [NEW_ARNS["out"], "arn:aws:sns:eu-west-1:1:ops"],
            "InsufficientDataActions": [NEW_ARNS["in"]],
            "MetricName": "CPUUtilization",
            "Namespace": "AWS/EC2",
            "Statistic": "Average",
            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "shop__7"}],
            "Period": 60,
            "EvaluationPeriods": 5,
            "DatapointsToAlarm": 3,
            "Threshold": 0.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "EvaluationWindow": {"SlidingWindow": {}},
        }
    ]
    assert alarm_names(described, "shop__7") == ["shop__7-cpu high"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    alarm=models.examples(
        models.shape("cloudwatch", "MetricAlarm"),
        models.shape("cloudwatch", "PutMetricAlarmInput"),
    )
)
def test_the_copy_of_any_alarm_is_one_that_cloudwatch_takes(alarm: dict[str, Any]) -> None:
    described = base(OUT_POLICY, alarms={"cpu high": {**alarm, "AlarmName": "cpu high"}})
    assert len(alarm_parameters(described)) == 1


def test_an_alarm_on_metric_math_is_copied_with_all_its_metrics() -> None:
    metrics = [
        {"Id": "e1", "Expression": "m1 / 2", "ReturnData": True},
        {
            "Id": "m1",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/ApplicationELB",
                    "MetricName": "RequestCountPerTarget",
                    "Dimensions": [
                        {"Name": "LoadBalancer", "Value": "app/old-front/a1"},
                        {"Name": "TargetGroup", "Value": "targetgroup/old/01"},
                    ],
                },
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": False,
        },
    ]
    alarm = {
        "AlarmName": "cpu high",
        "Metrics": metrics,
        "EvaluationPeriods": 1,
        "ThresholdMetricId": "e1",
        "ComparisonOperator": "GreaterThanUpperThreshold",
        "AlarmActions": [OUT],
        "Dimensions": [],
    }
    described = base(OUT_POLICY, alarms={"cpu high": alarm}, load_balancer_arns={FRESH: (FRESH_BALANCER,)})

    (alone,) = alarm_parameters(described)
    assert alone["Metrics"] == metrics
    assert alone["ThresholdMetricId"] == "e1"

    (moved,) = alarm_parameters(described, Overrides("ami-new", target_group_arns=(FRESH,)))
    assert moved["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"] == [
        {"Name": "LoadBalancer", "Value": "app/front/b2"},
        {"Name": "TargetGroup", "Value": "targetgroup/fresh/02"},
    ]


def test_alarms_that_target_tracking_makes_are_never_copied() -> None:
    own = "TargetTracking-base-AlarmHigh-1"
    described = base(
        tracking(), {**OUT_POLICY, "Alarms": [{"AlarmName": own}]}, alarms={own: {**HIGH, "AlarmName": own}}
    )
    assert alarm_parameters(described) == []


def test_an_alarm_keeps_its_tags_and_gets_those_given() -> None:
    described = base(
        OUT_POLICY,
        alarms={"cpu high": HIGH},
        alarm_tags={"cpu high": {"team": "shop", "aws:cloudformation:stack-id": "x"}},
    )
    (parameters,) = alarm_parameters(described, series="shop")
    assert parameters["Tags"] == [{"Key": "team", "Value": "shop"}, {"Key": "series", "Value": "shop"}]


def test_what_cannot_be_copied_of_the_alarms_is_told() -> None:
    gone = {**IN_POLICY, "Alarms": [{"AlarmName": "deleted"}]}
    described = base(OUT_POLICY, gone, alarms={"cpu high": HIGH})
    _, left_out = inventory(described, NEW)
    assert {one.what: one.reason for one in left_out} == {
        f"action {FOREIGN} of alarm cpu high": (
            "it scales another group, for which the base's alarm goes on doing it"
        ),
        "alarm deleted": "a policy names it, but CloudWatch has no such alarm",
    }


def test_names_of_alarms_stay_within_255_characters_and_apart() -> None:
    long = "x" * 250
    names = {
        alarm_name("shop__7", f"{long}a"),
        alarm_name("shop__7", f"{long}b"),
        alarm_name("shop__7", long),
    }
    assert len(names) == 3
    assert all(len(name) <= 255 and name.startswith("shop__7-") for name in names)


# ----------------------------------------------------------- scheduled actions


def scheduled(*actions: dict[str, Any], now: datetime.datetime = NOON) -> list[dict[str, Any]]:
    requests = scheduled_action_requests(base(scheduled_actions=actions), "shop__7", now.timestamp())
    for request in requests:
        assert request.parameters["AutoScalingGroupName"] == "shop__7"
        assert models.refusal("autoscaling", request.operation, dict(request.parameters)) == ""
    return [dict(item) for request in requests for item in request.parameters["ScheduledUpdateGroupActions"]]


def action(**members: Any) -> dict[str, Any]:
    return {"ScheduledActionName": "morning", **members}


def later(**span: int) -> datetime.datetime:
    return NOON + datetime.timedelta(**span)


def test_a_recurring_action_keeps_its_time_zone_and_sizes() -> None:
    told = action(
        AutoScalingGroupName="base",
        ScheduledActionARN="arn:x",
        Recurrence="0 9 * * 1-5",
        TimeZone="Europe/Vienna",
        StartTime=later(hours=20),
        Time=later(hours=20),
        EndTime=later(days=90),
        MinSize=0,
        MaxSize=10,
        DesiredCapacity=4,
    )
    assert scheduled(told) == [
        {
            "ScheduledActionName": "morning",
            "Recurrence": "0 9 * * 1-5",
            "TimeZone": "Europe/Vienna",
            "StartTime": later(hours=20),
            "EndTime": later(days=90),
            "MinSize": 0,
            "MaxSize": 10,
            "DesiredCapacity": 4,
        }
    ]


@pytest.mark.parametrize("start", [later(hours=-1), later(seconds=30)], ids=["past", "about to pass"])
def test_a_recurring_action_loses_a_start_that_aws_would_refuse(start: datetime.datetime) -> None:
    assert scheduled(action(Recurrence="0 9 * * *", StartTime=start)) == [
        {"ScheduledActionName": "morning", "Recurrence": "0 9 * * *"}
    ]


@pytest.mark.parametrize(
    "told",
    [
        action(StartTime=later(seconds=-1), DesiredCapacity=4),
        action(Recurrence="0 9 * * *", EndTime=later(seconds=-1)),
    ],
    ids=["once, and that is past", "recurring until a moment that is past"],
)
def test_an_action_that_is_over_is_left_out_and_told(told: dict[str, Any]) -> None:
    assert scheduled(told) == []
    copied, left_out = inventory(base(scheduled_actions=(told,)), NEW, NOON.timestamp())
    assert [(one.what, one.reason) for one in left_out] == [("scheduled action morning", "it is over")]
    assert not any("scheduled actions" in words for words in copied)


def test_an_action_that_happens_once_keeps_its_moment() -> None:
    assert scheduled(action(StartTime=later(seconds=30), MinSize=2)) == [
        {"ScheduledActionName": "morning", "StartTime": later(seconds=30), "MinSize": 2}
    ]


def test_more_than_fifty_actions_go_in_several_calls() -> None:
    actions = tuple(
        {"ScheduledActionName": f"at-{hour}", "Recurrence": f"0 {hour % 24} * * *"} for hour in range(120)
    )
    requests = scheduled_action_requests(base(scheduled_actions=actions), "shop__7", NOON.timestamp())
    assert [len(request.parameters["ScheduledUpdateGroupActions"]) for request in requests] == [50, 50, 20]
    assert scheduled(*actions) == list(actions)
