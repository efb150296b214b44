# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which state a metric alarm is in, after "Using Amazon CloudWatch alarms" (Amazon CloudWatch User Guide)."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.sandbox.cloudwatch.alarm_model import ALARM, INSUFFICIENT_DATA, OK, MetricAlarm
from tests.sandbox.cloudwatch.query import evaluation_of
from tests.sandbox.cloudwatch.validation import validation
from tests.sandbox.metrics.catalogue import Catalogue

#: "CloudWatch attempts to retrieve a higher number of data points than the number specified as Evaluation
#: Periods. The exact number ... depends"; the guide's examples have two more.
_FURTHER_BACK = 2

_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


@dataclass(frozen=True)
class Point:
    """A data point: the beginning of its period (epoch seconds) and its value."""

    at: int
    value: float


@dataclass(frozen=True)
class Outcome:
    """What an evaluation came to; a state of None retains the current one."""

    state: str | None
    reason: str = ""
    reason_data: str = ""


def state_of(
    breaching: Sequence[bool | None], evaluation_periods: int, datapoints_to_alarm: int, treat_missing: str
) -> str | None:
    """Return the state for the data points of the evaluation range, oldest first, or None to retain it.

    A data point is breaching, not breaching, or None: missing. ("How alarm state is evaluated when data is
    missing" and "Avoiding premature transitions to alarm state".)
    """
    real = [one for one in breaching if one is not None]
    if len(real) >= evaluation_periods:
        return ALARM if sum(real[-evaluation_periods:]) >= datapoints_to_alarm else OK
    filled = evaluation_periods - len(real) if treat_missing == "breaching" else 0
    if sum(real) + filled >= datapoints_to_alarm:
        return ALARM
    if treat_missing in ("breaching", "notBreaching") or not all(real):
        return OK
    if treat_missing == "ignore":
        return None
    if not real:
        return INSUFFICIENT_DATA
    # All that there is breaches, and is too little. The next data point may be fine, so this is no alarm
    # until the oldest is at least as old as the number of data points to alarm.
    age = len(breaching) - list(breaching).index(True)
    return ALARM if age >= datapoints_to_alarm else None


def read(alarm: MetricAlarm, catalogue: Catalogue, now: float) -> list[Point | None]:
    """Return the data points of an alarm's evaluation range, oldest first; None where there is none."""
    count = alarm.evaluation_periods + _FURTHER_BACK
    # The window of a period of several minutes moves on by a minute at each evaluation.
    grain = min(alarm.period, 60)
    end = math.floor(now / grain) * grain
    start = end - count * alarm.period
    evaluation = evaluation_of(catalogue, list(alarm.queries), start, end, now)
    (returned,) = [query for query in alarm.queries if query.returned]
    results = evaluation.result(returned)
    if len(results) != 1:
        raise validation("The expression of an alarm must return a single time series.")
    known = dict(zip(results[0].timestamps, results[0].values, strict=True))
    moments = range(start, start + count * alarm.period, alarm.period)
    return [Point(at, known[at]) if at in known else None for at in moments]


def evaluate(alarm: MetricAlarm, catalogue: Catalogue, now: float) -> Outcome:
    """Return what an alarm's data say now. Raises AwsError."""
    points = read(alarm, catalogue, now)
    threshold, operator = float(alarm.members["Threshold"]), alarm.members["ComparisonOperator"]
    breaches = _BREACHES[operator]
    treat_missing = alarm.members.get("TreatMissingData", "missing")
    state = state_of(
        [None if point is None else breaches(point.value, threshold) for point in points],
        alarm.evaluation_periods,
        alarm.datapoints_to_alarm,
        treat_missing,
    )
    real = [point for point in points if point is not None][-alarm.evaluation_periods :]
    if state is None:
        return Outcome(None)
    return Outcome(state, _reason(alarm, state, real, treat_missing), _data(alarm, real, now))


def _reason(alarm: MetricAlarm, state: str, real: Sequence[Point], treat_missing: str) -> str:
    threshold, operator = float(alarm.members["Threshold"]), alarm.members["ComparisonOperator"]
    periods = alarm.evaluation_periods
    if state == INSUFFICIENT_DATA:
        unknown = "1 datapoint was" if periods == 1 else f"{periods} datapoints were"
        return f"Insufficient Data: {unknown} unknown."
    if not real:
        treated = "Breaching" if treat_missing == "breaching" else "NonBreaching"
        word = "period" if periods == 1 else "periods"
        datapoint = "datapoint was" if periods == 1 else "datapoints were"
        return (
            f"Threshold Crossed: no datapoints were received for {periods} {word} and {periods} missing "
            f"{datapoint} treated as [{treated}]."
        )
    breaching = [point for point in real if _BREACHES[operator](point.value, threshold)]
    shown = breaching if state == ALARM and breaching else list(real)
    values = ", ".join(
        f"{point.value} ({dt.datetime.fromtimestamp(point.at, dt.UTC):%d/%m/%y %H:%M:%S})"
        for point in reversed(shown)
    )
    was = "was" if len(shown) == 1 else "were"
    no = "" if state == ALARM else "not "
    needed = alarm.datapoints_to_alarm if state == ALARM else periods - alarm.datapoints_to_alarm + 1
    transition = "OK -> ALARM" if state == ALARM else "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(shown)} out of the last {periods} datapoints [{values}] {was} {no}"
        f"{_WORDS[operator]} the threshold ({threshold}) (minimum {needed} datapoint"
        f"{'' if needed == 1 else 's'} for {transition} transition)."
    )


def _iso(at: float) -> str:
    return f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "+0000"


def _data(alarm: MetricAlarm, real: Sequence[Point], now: float) -> str:
    data = {
        "version": "1.0",
        "queryDate": _iso(now),
        **({"startDate": _iso(real[0].at)} if real else {}),
        **{
            key: alarm.members[name]
            for key, name in (("unit", "Unit"), ("statistic", "Statistic"))
            if name in alarm.members
        },
        "period": alarm.period,
        "recentDatapoints": [point.value for point in real],
        "threshold": float(alarm.members["Threshold"]),
        "evaluatedDatapoints": [
            {"timestamp": _iso(point.at), "value": point.value} for point in reversed(real)
        ],
    }
    return json.dumps(data)
