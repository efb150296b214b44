# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which state an alarm's data put it in, when, and what it does then.

Quotations and tables: "Using Amazon CloudWatch alarms" (Amazon CloudWatch User Guide).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.errors import AwsError
from tests.unit.sandbox.metrics import Sandbox, dimensions, metric

POLICY = (
    "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:autoScalingGroupName/group:policyName/more"
)
OTHER_POLICY = POLICY.replace("more", "fewer")
OK, ALARM, UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"
KEPT = "Retain current state"


@pytest.fixture
def aws() -> Sandbox:
    """Ten minutes past noon."""
    return Sandbox(after=600)


def drawn(text: str) -> list[float | None]:
    """Return values as the guide draws them: 0 is not breaching, X is, - is missing."""
    return [{"0": 0.0, "X": 9.0, "-": None}[mark] for mark in text.split()]


# --- The guide's tables -----------------------------------------------------------------------------------

THREE_OF_THREE = [
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", UNKNOWN, KEPT, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, KEPT, ALARM, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, KEPT, ALARM, OK),
]
#: "Because the next data point may be non-breaching, the alarm does not go immediately into ALARM state".
PREMATURE = [("- - - - X", KEPT, KEPT, ALARM, OK), ("- - - X -", KEPT, KEPT, ALARM, OK)]
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
ROWS = [
    (needed, row[0], treatment, expected)
    for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE), (3, PREMATURE))
    for row in table
    for treatment, expected in zip(TREATMENTS, row[1:], strict=True)
]


@pytest.mark.parametrize("before", [OK, ALARM, UNKNOWN])
@pytest.mark.parametrize("needed, picture, treatment, expected", ROWS)
def test_missing_data_are_treated_as_the_tables_say(
    aws: Sandbox, needed: int, picture: str, treatment: str, expected: str, before: str
) -> None:
    aws.put("errors", drawn(picture), at=360)
    aws.alarm(EvaluationPeriods=3, DatapointsToAlarm=needed, TreatMissingData=treatment)
    aws.call("SetAlarmState", AlarmName="alarm", StateValue=before, StateReason="test")
    aws.pass_time(60)
    assert aws.state() == (before if expected == KEPT else expected)


def test_data_are_missing_once_they_are_no_longer_in_the_evaluation_range(aws: Sandbox) -> None:
    """The second row: "The next time this alarm is evaluated, if the data is still missing it will go to ALARM"."""
    aws.put("errors", [0.0], at=300)
    aws.alarm(EvaluationPeriods=3, TreatMissingData="breaching")
    aws.world.tick()
    assert aws.state() == OK
    aws.pass_time(60)
    assert aws.state() == ALARM


def test_without_treatment_missing_data_are_missing(aws: Sandbox) -> None:
    aws.put("errors", [9.0], at=540)
    aws.alarm()
    aws.world.tick()
    assert aws.state() == ALARM
    aws.pass_time(180)
    assert aws.state() == UNKNOWN
    assert aws.described()["StateReason"] == "Insufficient Data: 1 datapoint was unknown."


# --- When it is evaluated ---------------------------------------------------------------------------------


def test_a_new_alarm_has_insufficient_data_and_is_evaluated_then(aws: Sandbox) -> None:
    """ "the alarm state is immediately set to INSUFFICIENT_DATA. The alarm is then evaluated"; and "CloudWatch
    retrieves the most recent data points from before the alarm was created"."""
    aws.put("errors", [9.0], at=540)
    aws.alarm()
    assert (aws.state(), aws.described()["StateReason"]) == (UNKNOWN, "Unchecked: Initial alarm creation")
    aws.world.tick()
    assert aws.state() == ALARM


def test_an_alarm_is_evaluated_at_the_end_of_each_minute(aws: Sandbox) -> None:
    aws.put("errors", [0.0, 9.0, 0.0], at=540)
    aws.alarm()
    states = []
    for _ in range(12):
        aws.pass_time(15)
        states.append(aws.state())
    assert states == [OK] * 3 + [ALARM] * 4 + [OK] * 5


def test_a_window_of_five_minutes_moves_on_each_minute() -> None:
    """ "at the end of minute 5 the alarm evaluates based on data from minutes 1 to 5. Then at the end of minute
    6, ... minutes 2 to 6"."""
    aws = Sandbox(after=300)
    aws.put("errors", [6.0, 0.0, 0.0, 0.0, 0.0, 0.0], at=0)
    aws.alarm(Period=300)
    aws.world.tick()
    assert aws.state() == ALARM
    aws.pass_time(60)
    assert aws.state() == OK


def test_a_high_resolution_alarm_is_evaluated_every_10_seconds() -> None:
    aws = Sandbox(after=30)
    aws.put("errors", [1.0] * 30 + [9.0] * 10 + [1.0] * 20, at=0, step=1)
    aws.alarm(Period=10, Threshold=50.0)
    states = []
    for _ in range(6):
        aws.world.tick()
        states.append(aws.state())
        aws.pass_time(5)
    assert states == [OK, OK, ALARM, ALARM, OK, OK]


def test_a_high_resolution_alarm_lapses_on_a_metric_of_standard_resolution() -> None:
    """ "the alarm might often lapse into INSUFFICIENT_DATA status" (PutMetricAlarm, Period)."""
    aws = Sandbox(after=600)
    aws.put("errors", [9.0] * 12, at=0)
    aws.alarm(Period=10)
    states = set()
    for _ in range(6):
        aws.pass_time(10)
        states.add(aws.state())
    assert states == {ALARM, UNKNOWN}


def test_an_alarm_is_evaluated_only_when_a_boundary_has_passed(
    aws: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.sandbox.cloudwatch import alarms

    looked: list[str] = []

    def counting(alarm: Any, *rest: Any) -> Any:
        looked.append(alarm.name)
        return evaluate(alarm, *rest)

    evaluate = alarms.evaluate
    aws.alarm("slow")
    aws.alarm("quick", Period=10)
    aws.world.tick()
    monkeypatch.setattr(alarms, "evaluate", counting)
    aws.pass_time(120, step=0.5)
    assert (looked.count("slow"), looked.count("quick")) == (2, 12)


def test_an_alarm_that_was_not_looked_at_for_long_is_evaluated_once(aws: Sandbox) -> None:
    aws.put("errors", [9.0], at=3600)
    aws.alarm()
    aws.pass_time(3060)
    assert aws.state() == ALARM
    assert aws.history("alarm", "StateUpdate") == ["Alarm updated from INSUFFICIENT_DATA to ALARM"]


# --- What is compared -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operator, states",
    [
        ("GreaterThanThreshold", [OK, OK, ALARM]),
        ("GreaterThanOrEqualToThreshold", [OK, ALARM, ALARM]),
        ("LessThanThreshold", [ALARM, OK, OK]),
        ("LessThanOrEqualToThreshold", [ALARM, ALARM, OK]),
    ],
)
def test_operators(aws: Sandbox, operator: str, states: list[str]) -> None:
    for number, value in enumerate((4.9, 5.0, 5.1)):
        name = f"m{number}"
        aws.put(name, [value], at=540)
        aws.alarm(name, MetricName=name, ComparisonOperator=operator)
    aws.world.tick()
    assert [aws.state(f"m{number}") for number in range(3)] == states


def test_data_points_to_alarm_need_not_be_consecutive(aws: Sandbox) -> None:
    aws.put("errors", drawn("X 0 X 0 X 0"), at=300)
    aws.alarm(EvaluationPeriods=5, DatapointsToAlarm=3)
    aws.world.tick()
    assert aws.state() == ALARM
    aws.pass_time(60)
    assert aws.state() == OK, "the first X is no longer among the five"


def test_an_extended_statistic(aws: Sandbox) -> None:
    aws.put("latency", [float(value) for value in range(1, 60)], at=540, step=1)
    aws.alarm("p50", MetricName="latency", Statistic=[], ExtendedStatistic="p50", Threshold=30.0)
    aws.alarm("p90", MetricName="latency", Statistic=[], ExtendedStatistic="p90", Threshold=30.0)
    aws.world.tick()
    assert (aws.state("p50"), aws.state("p90")) == (OK, ALARM)


def test_an_alarm_watches_exactly_its_metric(aws: Sandbox) -> None:
    aws.put("errors", [9.0], at=540, Dimensions=dimensions(Host="a"), Unit="Count")
    aws.alarm("none")
    aws.alarm("host", Dimensions=dimensions(Host="a"))
    aws.alarm("unit", Dimensions=dimensions(Host="a"), Unit="Percent")
    aws.world.tick()
    assert [aws.state(name) for name in ("none", "host", "unit")] == [UNKNOWN, ALARM, UNKNOWN]


def test_an_expression(aws: Sandbox) -> None:
    aws.put("errors", [1.0, 3.0], at=540)
    aws.put("requests", [10.0, 10.0], at=540)
    queries = [metric(name, "Sum", id=name) | {"ReturnData": False} for name in ("errors", "requests")]
    aws.alarm(Metrics=[*queries, {"Id": "rate", "Expression": "errors / requests * 100"}], Threshold=20.0)
    aws.world.tick()
    assert aws.state() == OK
    aws.pass_time(60)
    assert aws.state() == ALARM
    assert "[30.0 (04/03/26 12:10:00)]" in aws.described()["StateReason"]


def test_the_reason_names_the_data_points(aws: Sandbox) -> None:
    aws.put("errors", [7.0, 2.0, 8.0], at=420)
    aws.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    aws.world.tick()
    described = aws.described()
    assert described["StateReason"] == (
        "Threshold Crossed: 2 out of the last 3 datapoints [8.0 (04/03/26 12:09:00), 7.0 (04/03/26 12:07:00)] "
        "were greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition)."
    )
    data = json.loads(described["StateReasonData"])
    assert (data["recentDatapoints"], data["threshold"], data["period"]) == ([7.0, 2.0, 8.0], 5.0, 60)
    assert data["startDate"] == "2026-03-04T12:07:00.000+0000"


# --- Actions ----------------------------------------------------------------------------------------------


def test_a_policy_is_told_of_the_alarm_and_of_the_newest_data_point(aws: Sandbox) -> None:
    told = aws.scaled_by()
    aws.put("errors", [7.0, 8.0], at=480)
    aws.alarm(EvaluationPeriods=2, AlarmActions=[POLICY])
    aws.world.tick()
    assert told == [(POLICY, "alarm", 8.0)]
    assert aws.history("alarm", "Action") == [f"Successfully executed action {POLICY}"]


def test_each_state_has_its_actions(aws: Sandbox) -> None:
    told = aws.scaled_by()
    aws.put("errors", [9.0, 0.0], at=540)
    aws.alarm(AlarmActions=[POLICY], OKActions=[OTHER_POLICY])
    aws.world.tick()
    aws.pass_time(60)
    aws.pass_time(180)
    assert [policy for policy, _, _ in told] == [POLICY, OTHER_POLICY]
    assert aws.state() == UNKNOWN


def test_missing_data_have_their_actions_and_no_value(aws: Sandbox) -> None:
    told = aws.scaled_by()
    aws.put("errors", [0.0], at=540)
    aws.alarm(InsufficientDataActions=[POLICY])
    aws.world.tick()
    aws.pass_time(180)
    assert told == [(POLICY, "alarm", None)]


def test_auto_scaling_is_told_again_every_minute_and_nobody_else(aws: Sandbox) -> None:
    """ "For Auto Scaling actions, the alarm continues to invoke the action once per minute that the alarm remains
    in the new state"."""
    told = aws.scaled_by()
    topic = aws.world.backend("sns").create_topic("oncall")
    aws.put("errors", [7.0, 8.0, 9.0, 0.0], at=540)
    aws.alarm(AlarmActions=[POLICY, topic.arn])
    aws.pass_time(240, step=1)
    assert [value for _, _, value in told] == [7.0, 8.0, 9.0]
    assert len(topic.sent_notifications) == 1


def test_a_high_resolution_alarm_tells_auto_scaling_once_a_minute_too() -> None:
    aws = Sandbox(after=60)
    told = aws.scaled_by()
    aws.put("errors", [1.0] * 300, at=0, step=1)
    aws.alarm(Period=10, AlarmActions=[POLICY])
    aws.pass_time(200, step=0.5)
    assert len(told) == 4


def test_disabled_actions_are_not_done(aws: Sandbox) -> None:
    told = aws.scaled_by()
    aws.put("errors", [9.0] * 5, at=540)
    aws.alarm(AlarmActions=[POLICY], ActionsEnabled=False)
    aws.pass_time(61, step=1)
    assert (aws.state(), told) == (ALARM, [])
    aws.call("EnableAlarmActions", AlarmNames=["alarm", "another"])
    aws.pass_time(60)
    assert len(told) == 1
    aws.call("DisableAlarmActions", AlarmNames=["alarm"])
    aws.pass_time(60)
    assert len(told) == 1
    assert aws.described()["ActionsEnabled"] is False


def test_an_action_that_fails_disturbs_nothing_else(aws: Sandbox) -> None:
    """ "CloudWatch doesn't test or validate the actions that you specify"."""

    def fail(*_: Any) -> None:
        raise AwsError("ScalingActivityInProgress", "busy")

    aws.world.autoscaling.alarm_fired = fail  # type: ignore[method-assign]
    topic = aws.world.backend("sns").create_topic("oncall")
    aws.put("errors", [9.0], at=540)
    aws.alarm(AlarmActions=[POLICY, "arn:aws:sns:us-east-1:123456789012:nobody", topic.arn])
    aws.world.tick()
    assert aws.state() == ALARM
    assert [entry.split(" action ")[0] for entry in aws.history("alarm", "Action")] == [
        "Failed to execute",
        "Failed to execute",
        "Successfully executed",
    ]


def test_a_topic_gets_the_change_of_state(aws: Sandbox) -> None:
    topic = aws.world.backend("sns").create_topic("oncall")
    aws.put("errors", [9.0], at=540)
    aws.alarm(AlarmActions=[topic.arn], AlarmDescription="Too many errors")
    aws.world.tick()
    ((_, text, subject, *_),) = topic.sent_notifications
    message = json.loads(text)
    assert (message["AlarmName"], message["OldStateValue"], message["NewStateValue"]) == (
        "alarm",
        UNKNOWN,
        ALARM,
    )
    assert (message["AlarmDescription"], subject) == ("Too many errors", 'ALARM: "alarm" in us-east-1')


# --- SetAlarmState ----------------------------------------------------------------------------------------


def test_a_state_that_was_set_does_its_actions_and_lasts_until_the_next_evaluation(aws: Sandbox) -> None:
    """ "This temporary state change lasts only until the next alarm comparison occurs"."""
    told = aws.scaled_by()
    aws.put("errors", [0.0, 0.0], at=540)
    aws.alarm(AlarmActions=[POLICY])
    aws.world.tick()
    aws.call(
        "SetAlarmState",
        AlarmName="alarm",
        StateValue=ALARM,
        StateReason="drill",
        StateReasonData='{"recentDatapoints": [12.5]}',
    )
    assert (aws.state(), aws.described()["StateReason"]) == (ALARM, "drill")
    assert told == [(POLICY, "alarm", 12.5)]
    aws.pass_time(59)
    assert aws.state() == ALARM
    aws.pass_time(1)
    assert aws.state() == OK


def test_a_state_that_is_no_other_does_no_action(aws: Sandbox) -> None:
    told = aws.scaled_by()
    aws.alarm(InsufficientDataActions=[POLICY])
    aws.call("SetAlarmState", AlarmName="alarm", StateValue=UNKNOWN, StateReason="drill")
    assert told == []
