# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations on alarms: put, describe, delete, tag. Quotations are from their reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sandbox.metrics import NOON, Sandbox, dimensions, metric, moment, refused

POLICY = (
    "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:autoScalingGroupName/group:policyName/more"
)
TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"
KINDS = ["MetricAlarm", "CompositeAlarm"]


@pytest.fixture
def aws() -> Sandbox:
    return Sandbox(after=600)


def names(aws: Sandbox, **wanted: Any) -> list[str]:
    answer = aws.call("DescribeAlarms", **wanted)
    return [alarm["AlarmName"] for alarm in answer["MetricAlarms"] + answer["CompositeAlarms"]]


# --- Putting ----------------------------------------------------------------------------------------------


def test_an_alarm_is_described_as_it_was_put(aws: Sandbox) -> None:
    given = {
        "AlarmDescription": "Too many errors",
        "ActionsEnabled": True,
        "OKActions": [TOPIC],
        "AlarmActions": [POLICY, TOPIC],
        "InsufficientDataActions": [],
        "MetricName": "errors",
        "Namespace": "Test",
        "Statistic": "Sum",
        "Dimensions": dimensions(Host="a"),
        "Period": 60,
        "Unit": "Count",
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    aws.call("PutMetricAlarm", AlarmName="alarm", **given)
    described = aws.described()
    assert {name: described[name] for name in given} == given
    assert described["AlarmArn"] == "arn:aws:cloudwatch:us-east-1:123456789012:alarm:alarm"
    assert (
        described["StateUpdatedTimestamp"] == described["AlarmConfigurationUpdatedTimestamp"] == moment(600)
    )


def test_an_alarm_on_an_expression_is_described_as_it_was_put(aws: Sandbox) -> None:
    queries = [
        metric("errors", "Sum", id="errors") | {"ReturnData": False},
        {"Id": "twice", "Expression": "errors * 2", "Label": "Twice", "ReturnData": True},
    ]
    aws.alarm(Metrics=queries)
    described = aws.described()
    assert described["Metrics"] == queries
    assert not {"MetricName", "Namespace", "Statistic", "Period", "Dimensions"} & set(described)


def test_what_is_left_out_has_its_default(aws: Sandbox) -> None:
    aws.alarm()
    described = aws.described()
    lists = ("AlarmActions", "OKActions", "InsufficientDataActions", "Dimensions")
    assert [described[name] for name in lists] == [[], [], [], []]
    assert described["ActionsEnabled"] is True
    assert "DatapointsToAlarm" not in described


def test_an_update_overwrites_everything_but_the_state_and_the_tags(aws: Sandbox) -> None:
    """ "its state is left unchanged, but the update completely overwrites the previous configuration"."""
    aws.put("errors", [9.0], at=540)
    aws.alarm(AlarmDescription="old", DatapointsToAlarm=1, Tags=[{"Key": "team", "Value": "shop"}])
    aws.world.tick()
    aws.alarm(Threshold=6.0, Tags=[{"Key": "team", "Value": "other"}])
    described = aws.described()
    assert (described["StateValue"], described["Threshold"]) == ("ALARM", 6.0)
    assert not {"AlarmDescription", "DatapointsToAlarm"} & set(described)
    assert aws.call("ListTagsForResource", ResourceARN=described["AlarmArn"])["Tags"] == [
        {"Key": "team", "Value": "shop"}
    ]


@pytest.mark.parametrize(
    "options, code, words",
    [
        ({"Statistic": []}, "MissingParameter", "Statistic or ExtendedStatistic"),
        ({"ExtendedStatistic": "p90"}, "InvalidParameterCombination", "mutually exclusive"),
        ({"Statistic": [], "ExtendedStatistic": "Sum"}, "ValidationError", "Sum"),
        ({"Statistic": [], "ExtendedStatistic": "p900"}, "ValidationError", "p900"),
        ({"Statistic": "p90"}, "ValidationError", "enum value set"),
        ({"Period": 15}, "ValidationError", "Period"),
        ({"Period": 1}, "ValidationError", "10, 20, 30 or a multiple of 60"),
        ({"Period": 5}, "ValidationError", "10, 20, 30 or a multiple of 60"),
        ({"Period": []}, "MissingParameter", "Period"),
        ({"EvaluationPeriods": 0}, "ValidationError", "greater than or equal to 1"),
        ({"EvaluationPeriods": []}, "ValidationError", "EvaluationPeriods must be specified"),
        ({"Threshold": []}, "ValidationError", "Threshold must be specified"),
        ({"ComparisonOperator": []}, "ValidationError", "ComparisonOperator must be specified"),
        ({"ComparisonOperator": "MoreThan"}, "ValidationError", "enum value set"),
        ({"DatapointsToAlarm": 2}, "ValidationError", "at most EvaluationPeriods"),
        ({"TreatMissingData": "zero"}, "ValidationError", "TreatMissingData"),
        ({"EvaluationPeriods": 1441}, "ValidationError", "more than a day"),
        ({"EvaluationPeriods": 169, "Period": 3600}, "ValidationError", "more than 7 days"),
        ({"MetricName": []}, "ValidationError", "MetricName, Metrics"),
        ({"AlarmActions": ["page somebody"]}, "ValidationError", "Invalid arn syntax"),
        ({"AlarmActions": [TOPIC] * 6}, "ValidationError", "less than or equal to 5"),
        ({"Unit": "Furlongs"}, "ValidationError", "enum value set"),
    ],
)
def test_bad_alarms_are_refused(aws: Sandbox, options: dict[str, Any], code: str, words: str) -> None:
    with refused(code, words):
        aws.alarm(**options)
    assert names(aws) == []


@pytest.mark.parametrize(
    "extent", [(10, 8640), (20, 4320), (30, 2880), (60, 1440), (3600, 168), (604_800, 1)]
)
def test_these_alarms_are_just_not_too_long(aws: Sandbox, extent: tuple[int, int]) -> None:
    aws.alarm(Period=extent[0], EvaluationPeriods=extent[1])
    assert names(aws) == ["alarm"]


@pytest.mark.parametrize(
    "queries, words",
    [
        ([metric("a")] * 2, "not unique"),
        (
            [metric("a", id="a"), metric("b", id="b")],
            "Exactly one element of the metrics list should return data",
        ),
        ([metric("a") | {"ReturnData": False}], "Exactly one element"),
        ([metric("a") | {"ReturnData": False}, {"Id": "e", "Expression": "m1 +"}], "Error in expression 'e'"),
        ([{"Id": "e", "Expression": "SEARCH('{Test}', 'Sum', 60)", "Period": 60}], "SEARCH is not supported"),
        (
            [
                *(metric("a", id=name) | {"ReturnData": False} for name in ("a", "b")),
                {"Id": "e", "Expression": "METRICS()"},
            ],
            "must return a single time series",
        ),
        (
            [
                metric("a", id="a") | {"ReturnData": False},
                metric("b", id="b", period=300) | {"ReturnData": False},
                {"Id": "e", "Expression": "a + b"},
            ],
            "same Period",
        ),
        (
            [
                *(metric("a", id=f"m{number}") | {"ReturnData": False} for number in range(11)),
                {"Id": "e", "Expression": "SUM(METRICS())"},
            ],
            "at most 10 metrics",
        ),
    ],
)
def test_bad_expressions_are_refused(aws: Sandbox, queries: list[dict[str, Any]], words: str) -> None:
    with refused("ValidationError", words):
        aws.alarm(Metrics=queries)
    assert names(aws) == []


def test_an_expression_may_have_10_metrics(aws: Sandbox) -> None:
    metrics = [metric("a", id=f"m{number}") | {"ReturnData": False} for number in range(10)]
    aws.alarm(Metrics=[*metrics, {"Id": "e", "Expression": "SUM(METRICS())"}])
    assert names(aws) == ["alarm"]


def test_an_expression_without_metrics_has_a_period_of_its_own(aws: Sandbox) -> None:
    constant = {"Id": "e", "Expression": "TIME_SERIES(9)"}
    with refused("ValidationError", "Period"):
        aws.alarm(Metrics=[constant])
    aws.alarm(Metrics=[constant | {"Period": 60}])
    aws.world.tick()
    assert aws.state() == "ALARM"


def test_an_alarm_is_on_a_metric_or_on_an_expression(aws: Sandbox) -> None:
    with refused("InvalidParameterCombination", "Metrics and MetricName"):
        aws.alarm(Metrics=[metric("a")], MetricName="a")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"ThresholdMetricId": "band"}, "anomaly detection"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "anomaly detection"),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "few samples"),
        ({"EvaluationWindow": {"WallClockWindow": {}}}, "wall clock"),
        ({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5}}, "warm-up"),
        ({"EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}}, "PromQL"),
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:recover"]}, "ec2:recover"),
        ({"OKActions": ["arn:aws:lambda:us-east-1:123456789012:function:f"]}, "lambda"),
        ({"Namespace": "AWS/Lambda"}, "AWS/Lambda"),
        ({"Namespace": "AWS/EC2", "MetricName": "DiskReadOps"}, "DiskReadOps"),
    ],
)
def test_alarms_that_are_not_modelled_are_refused(aws: Sandbox, options: dict[str, Any], words: str) -> None:
    with refused("SandboxNotModelled", words):
        aws.alarm(**options)


def test_an_alarm_that_cannot_be_evaluated_says_so(aws: Sandbox) -> None:
    """ "EVALUATION_ERROR: configuration errors in alarm setup ... Refer to the StateReason field"."""
    aws.alarm()
    for unit in ("Count", "Percent"):
        aws.put("errors", [9.0], at=540, Unit=unit)
    aws.world.tick()
    described = aws.described()
    assert described["EvaluationState"] == "EVALUATION_ERROR"
    assert "several units" in described["StateReason"]
    aws.alarm(Unit="Count")
    aws.world.tick()
    assert "EvaluationState" not in aws.described()
    assert aws.state() == "ALARM"


# --- Describing -------------------------------------------------------------------------------------------


@pytest.fixture
def several(aws: Sandbox) -> Sandbox:
    for name in ("shop-errors", "shop-latency", "web-errors"):
        aws.alarm(name, AlarmActions=[POLICY if "errors" in name else TOPIC])
    aws.composite("shop-anything", "ALARM(shop-errors) OR ALARM(shop-latency)", OKActions=[TOPIC])
    return aws


def test_composite_alarms_are_described_only_when_asked_for(several: Sandbox) -> None:
    """ "If you omit this parameter, only metric alarms are returned, even if composite alarms ... exist"."""
    assert names(several) == ["shop-errors", "shop-latency", "web-errors"]
    assert names(several, AlarmNames=["shop-anything"]) == []
    assert names(several, AlarmTypes=["CompositeAlarm"]) == ["shop-anything"]
    assert sorted(names(several, AlarmTypes=KINDS)) == [
        "shop-anything",
        "shop-errors",
        "shop-latency",
        "web-errors",
    ]


def test_alarms_are_found_by_name_prefix_state_and_action(several: Sandbox) -> None:
    assert names(several, AlarmNames=["web-errors", "unknown"]) == ["web-errors"]
    assert names(several, AlarmNamePrefix="shop-", AlarmTypes=KINDS) == [
        "shop-errors",
        "shop-latency",
        "shop-anything",
    ]
    assert names(several, ActionPrefix="arn:aws:autoscaling") == ["shop-errors", "web-errors"]
    assert names(several, ActionPrefix=TOPIC, AlarmTypes=KINDS) == ["shop-latency", "shop-anything"]
    several.call("SetAlarmState", AlarmName="web-errors", StateValue="ALARM", StateReason="test")
    assert names(several, StateValue="ALARM") == ["web-errors"]
    with refused("ValidationError", "cannot both be specified"):
        names(several, AlarmNames=["web-errors"], AlarmNamePrefix="web")


def test_relatives_of_alarms_are_found(several: Sandbox) -> None:
    answer = several.call("DescribeAlarms", ChildrenOfAlarmName="shop-anything")
    assert [set(alarm) for alarm in answer["MetricAlarms"]] == [
        {"AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp"}
    ] * 2
    answer = several.call("DescribeAlarms", ParentsOfAlarmName="shop-errors")
    assert [alarm["AlarmName"] for alarm in answer["CompositeAlarms"]] == ["shop-anything"]
    with refused("ValidationError", "cannot be combined"):
        several.call("DescribeAlarms", ParentsOfAlarmName="shop-errors", StateValue="OK")


def test_alarms_come_in_pages(aws: Sandbox) -> None:
    for number in range(7):
        aws.alarm(f"alarm-{number}")
    found: list[str] = []
    token: dict[str, str] = {}
    sizes = []
    while True:
        answer = aws.call("DescribeAlarms", MaxRecords=3, **token)
        sizes.append(len(answer["MetricAlarms"]))
        found += [alarm["AlarmName"] for alarm in answer["MetricAlarms"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert (sizes, found) == ([3, 3, 1], [f"alarm-{number}" for number in range(7)])
    with refused("ValidationError", "less than or equal to 100"):
        aws.call("DescribeAlarms", MaxRecords=101)
    with refused("InvalidNextToken", "invalid"):
        aws.call("DescribeAlarms", NextToken="mine")


def test_alarms_are_found_by_exactly_their_metric(aws: Sandbox) -> None:
    """ "If the metric has any associated dimensions, you must specify them", and no expressions."""
    aws.alarm("plain")
    aws.alarm("host", Dimensions=dimensions(Host="a"))
    aws.alarm("p99", Statistic=[], ExtendedStatistic="p99")
    aws.alarm("math", Metrics=[metric("errors", "Sum")])

    def found(**wanted: Any) -> list[str]:
        answer = aws.call("DescribeAlarmsForMetric", Namespace="Test", MetricName="errors", **wanted)
        return [alarm["AlarmName"] for alarm in answer["MetricAlarms"]]

    assert found() == ["p99", "plain"]
    assert found(Statistic="Sum") == ["plain"]
    assert found(ExtendedStatistic="p99") == ["p99"]
    assert found(Dimensions=dimensions(Host="a")) == ["host"]
    assert found(Period=300) == []


# --- History ----------------------------------------------------------------------------------------------


def test_history_tells_newest_first_of_changes_states_and_actions(aws: Sandbox) -> None:
    aws.scaled_by()
    aws.put("errors", [9.0], at=540)
    aws.alarm(AlarmActions=[POLICY])
    aws.pass_time(1)
    aws.call("DeleteAlarms", AlarmNames=["alarm"])
    items = aws.call("DescribeAlarmHistory", AlarmName="alarm")["AlarmHistoryItems"]
    assert [(item["HistoryItemType"], item["HistorySummary"]) for item in items] == [
        ("ConfigurationUpdate", 'Alarm "alarm" deleted'),
        ("Action", f"Successfully executed action {POLICY}"),
        ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to ALARM"),
        ("ConfigurationUpdate", 'Alarm "alarm" created'),
    ]
    assert [item["Timestamp"].timestamp() - NOON for item in items] == [601, 601, 601, 600]


def test_history_is_found_by_time_and_comes_in_pages(aws: Sandbox) -> None:
    for number in range(4):
        aws.alarm(f"alarm-{number}")
        aws.pass_time(1)
    between = {"StartDate": moment(601), "EndDate": moment(602)}
    found = aws.call("DescribeAlarmHistory", **between)["AlarmHistoryItems"]
    assert [item["AlarmName"] for item in found] == ["alarm-2", "alarm-1"]
    first = aws.call("DescribeAlarmHistory", MaxRecords=3)
    rest = aws.call("DescribeAlarmHistory", MaxRecords=3, NextToken=first["NextToken"])
    assert [item["AlarmName"] for item in rest["AlarmHistoryItems"]] == ["alarm-0"]


# --- Deleting ---------------------------------------------------------------------------------------------


def test_alarms_with_correct_names_are_deleted(several: Sandbox) -> None:
    """ "If you specify any incorrect alarm names, the alarms you specify with correct names are still deleted"."""
    several.call("DeleteAlarms", AlarmNames=["nothing", "web-errors"])
    assert names(several) == ["shop-errors", "shop-latency"]


def test_an_alarm_that_a_composite_needs_is_not_deleted(several: Sandbox) -> None:
    with refused(
        "ValidationError", r"Cannot delete shop-errors as there are composite alarm\(s\) depending on it\."
    ):
        several.call("DeleteAlarms", AlarmNames=["web-errors", "shop-errors"])
    assert "web-errors" in names(several)
    several.call("DeleteAlarms", AlarmNames=["shop-errors", "shop-anything"])
    assert names(several, AlarmTypes=KINDS) == ["shop-latency", "web-errors"]


def test_at_most_one_composite_alarm_is_deleted_at_a_time(several: Sandbox) -> None:
    several.composite("other", "TRUE")
    with refused("ValidationError", "At most one composite alarm"):
        several.call("DeleteAlarms", AlarmNames=["other", "shop-anything"])


def test_a_deleted_alarm_is_evaluated_no_more(aws: Sandbox) -> None:
    told = aws.scaled_by()
    aws.put("errors", [9.0] * 3, at=540)
    aws.alarm(AlarmActions=[POLICY])
    aws.world.tick()
    aws.call("DeleteAlarms", AlarmNames=["alarm"])
    aws.pass_time(60)
    assert len(told) == 1


@pytest.mark.parametrize(
    "operation, given",
    [
        ("SetAlarmState", {"AlarmName": "nothing", "StateValue": "OK", "StateReason": "test"}),
        ("DescribeAlarms", {"ChildrenOfAlarmName": "nothing"}),
    ],
)
def test_an_alarm_that_is_not_there_is_not_found(aws: Sandbox, operation: str, given: dict[str, Any]) -> None:
    with refused("ResourceNotFound", "nothing") as refusal:
        aws.call(operation, **given)
    assert refusal.value.status == 404


def test_the_reason_of_a_state_is_json(aws: Sandbox) -> None:
    aws.alarm()
    with refused("InvalidFormat", "JSON"):
        aws.call(
            "SetAlarmState", AlarmName="alarm", StateValue="OK", StateReason="test", StateReasonData="because"
        )


# --- Tags -------------------------------------------------------------------------------------------------


def test_tags_are_added_changed_and_removed(aws: Sandbox) -> None:
    aws.alarm(Tags=[{"Key": "team", "Value": "shop"}])
    arn = aws.described()["AlarmArn"]
    aws.call(
        "TagResource", ResourceARN=arn, Tags=[{"Key": "team", "Value": "web"}, {"Key": "tier", "Value": "1"}]
    )
    assert aws.call("ListTagsForResource", ResourceARN=arn)["Tags"] == [
        {"Key": "team", "Value": "web"},
        {"Key": "tier", "Value": "1"},
    ]
    aws.call("UntagResource", ResourceARN=arn, TagKeys=["team", "nothing"])
    assert aws.call("ListTagsForResource", ResourceARN=arn)["Tags"] == [{"Key": "tier", "Value": "1"}]


def test_tags_have_limits(aws: Sandbox) -> None:
    many = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
    with refused("InvalidParameterValue", "50"):
        aws.alarm(Tags=many)
    with refused("InvalidParameterValue", "aws: is reserved"):
        aws.alarm(Tags=[{"Key": "aws:team", "Value": "shop"}])
    aws.alarm(Tags=many[:50])
    with refused("InvalidParameterValue", "50"):
        aws.call("TagResource", ResourceARN=aws.described()["AlarmArn"], Tags=many[50:])


def test_tags_of_what_is_not_there_are_not_found(aws: Sandbox) -> None:
    with refused("ResourceNotFoundException", "alarm:nothing"):
        aws.call("ListTagsForResource", ResourceARN="arn:aws:cloudwatch:us-east-1:123456789012:alarm:nothing")
    with refused("SandboxNotModelled", "no alarm"):
        aws.call("ListTagsForResource", ResourceARN="arn:aws:cloudwatch::123456789012:dashboard/d")
