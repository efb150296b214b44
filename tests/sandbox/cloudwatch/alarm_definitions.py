# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of an alarm, after PutMetricAlarm's and PutCompositeAlarm's reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.sandbox.cloudwatch import validation as check
from tests.sandbox.cloudwatch.alarm_model import ACTIONS
from tests.sandbox.cloudwatch.query import queries_of
from tests.sandbox.cloudwatch.statistics import SIMPLE
from tests.sandbox.errors import not_modelled
from tests.sandbox.metric_math import language as math
from tests.sandbox.metric_math.evaluation import Query, check_expression
from tests.sandbox.metrics.catalogue import check_modelled

#: Members that only other kinds of alarms have, or that change how an alarm is evaluated.
_REFUSED = {
    "ThresholdMetricId": "alarms on anomaly detection (ThresholdMetricId)",
    "WarmUpConfiguration": "warm-up periods of alarms",
    "EvaluationCriteria": "alarms on PromQL queries",
    "EvaluationInterval": "alarms on PromQL queries (EvaluationInterval)",
    "ActionConfiguration": "ActionConfiguration of alarms",
    "ActionsSuppressor": "action suppression of composite alarms",
}
_OPERATORS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
)
_MISSING = ("missing", "notBreaching", "breaching", "ignore")
_OF_ONE_METRIC = (
    "MetricName",
    "Namespace",
    "Dimensions",
    "Period",
    "Unit",
    "Statistic",
    "ExtendedStatistic",
)
#: "A math expression used for an alarm can include as many as 10 metrics" (Alarms on math expressions).
_MOST_METRICS = 10
_DAY = 86_400
_KEPT = (
    "AlarmDescription",
    *ACTIONS.values(),
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "EvaluationWindow",
    *_OF_ONE_METRIC,
    "Metrics",
)


def metric_alarm(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Query], int]:
    """Return the members, the queries and the period (seconds) of a metric alarm. Raises AwsError."""
    _check_common(given)
    if "WallClockWindow" in (given.get("EvaluationWindow") or {}):
        raise not_modelled("wall clock windows of alarms")
    if given.get("EvaluateLowSampleCountPercentile", "evaluate") != "evaluate":
        raise not_modelled("alarms that ignore percentiles of few samples (EvaluateLowSampleCountPercentile)")
    operator = given.get("ComparisonOperator")
    if operator is not None and operator not in _OPERATORS:
        raise not_modelled(f"alarms on anomaly detection ({operator})")
    for name in ("ComparisonOperator", "Threshold", "EvaluationPeriods"):
        if given.get(name) is None:
            raise check.validation(f"The parameter {name} must be specified.")
    if given.get("TreatMissingData", "missing") not in _MISSING:
        value = given["TreatMissingData"]
        raise check.validation(
            f"TreatMissingData value {value} is not supported: it must be one of {', '.join(_MISSING)}."
        )
    queries = _expression_queries(given) if given.get("Metrics") else [_metric_query(given)]
    period = _period(queries)
    _check_extent(given, period)
    for query in queries:
        if query.key is not None:
            check_modelled(query.key)
    members = {name: given[name] for name in _KEPT if given.get(name) is not None}
    return (
        _with_defaults(members, given, ("Dimensions",) if "Metrics" not in members else ()),
        queries,
        period,
    )


def composite_alarm(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a composite alarm. Raises AwsError."""
    _check_common(given)
    for name in ACTIONS.values():
        for action in given.get(name) or ():
            if ":autoscaling:" in action:
                raise check.validation(
                    f"Auto Scaling actions are not supported for composite alarms: {action}"
                )
    kept = ("AlarmDescription", "AlarmRule", *ACTIONS.values())
    return _with_defaults({name: given[name] for name in kept if given.get(name) is not None}, given)


def _with_defaults(
    members: dict[str, Any], given: Mapping[str, Any], lists: tuple[str, ...] = ()
) -> dict[str, Any]:
    for name in (*ACTIONS.values(), *lists):
        members.setdefault(name, [])
    return members | {"ActionsEnabled": given.get("ActionsEnabled") is not False}


def _check_common(given: Mapping[str, Any]) -> None:
    check.name_without_control_characters(given.get("AlarmName"), "AlarmName")
    for name, what in _REFUSED.items():
        if given.get(name) is not None:
            raise not_modelled(what)
    for name in ACTIONS.values():
        for action in given.get(name) or ():
            _check_action(action)


def _check_action(action: str) -> None:
    parts = action.split(":")
    if len(parts) < 6 or parts[0] != "arn":
        raise check.validation(f"Invalid arn syntax: {action}")
    if parts[2] == "sns" or (parts[2] == "autoscaling" and parts[5] == "scalingPolicy"):
        return
    raise not_modelled(f"the alarm action {action}")


def _metric_query(given: Mapping[str, Any]) -> Query:
    simple, extended = given.get("Statistic"), given.get("ExtendedStatistic")
    if not given.get("MetricName"):
        raise check.validation("Exactly one of MetricName, Metrics and EvaluationCriteria must be specified.")
    if simple and extended:
        raise check.combination("The parameters Statistic and ExtendedStatistic are mutually exclusive.")
    if not simple and not extended:
        raise check.missing("Must specify either Statistic or ExtendedStatistic.")
    if extended in SIMPLE:
        raise check.validation(f"The value {extended} for parameter ExtendedStatistic is not supported.")
    return Query(
        "m",
        key=check.metric_key(given),
        period=check.period(given.get("Period"), "Period"),
        statistic=check.statistic(simple or extended, "Statistic" if simple else "ExtendedStatistic"),
        unit=check.unit(given.get("Unit"), "Unit"),
    )


def _expression_queries(given: Mapping[str, Any]) -> list[Query]:
    for name in _OF_ONE_METRIC:
        if given.get(name):
            raise check.combination(f"The parameters Metrics and {name} are mutually exclusive.")
    queries = queries_of(given["Metrics"], "Metrics")
    if sum(query.returned for query in queries) != 1:
        raise check.validation("Exactly one element of the metrics list should return data.")
    if sum(query.key is not None for query in queries) > _MOST_METRICS:
        raise check.validation(f"An alarm can use at most {_MOST_METRICS} metrics.")
    known = {query.id: query for query in queries}
    for query in queries:
        if query.expression is not None and "SEARCH" in math.calls_in(check_expression(query, known)):
            # "You can't create an alarm based on a SEARCH expression" (Use metric math).
            raise check.validation("SEARCH is not supported on Metric Alarms.")
    return queries


def _period(queries: list[Query]) -> int:
    """Return the period of an alarm: "Each metric must be using the same period"."""
    periods = {query.period for query in queries if query.key is not None and query.period}
    periods = periods or {query.period for query in queries if query.period}
    if len(periods) != 1:
        raise check.validation(
            "The metrics of an alarm must all have the same Period, and one of them a Period."
        )
    (period,) = periods
    if period in (1, 5):
        raise check.validation("Period must be 10, 20, 30 or a multiple of 60.")
    return int(period)


def _check_extent(given: Mapping[str, Any], period: int) -> None:
    count = int(given["EvaluationPeriods"])
    if not 1 <= int(given.get("DatapointsToAlarm") or count) <= count:
        raise check.validation("DatapointsToAlarm must be at least 1 and at most EvaluationPeriods.")
    longest = _DAY if period < 3600 else 7 * _DAY
    if period * count > longest:
        raise check.validation(
            "Metrics cannot be checked across more than "
            f"{'a day' if longest == _DAY else '7 days'} (EvaluationPeriods * Period must be <= {longest})."
        )
