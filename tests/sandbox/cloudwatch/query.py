# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GetMetricData and GetMetricStatistics."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.sandbox.cloudwatch import validation as check
from tests.sandbox.cloudwatch.series import Series, Window
from tests.sandbox.cloudwatch.statistics import SIMPLE
from tests.sandbox.errors import AwsError, not_modelled
from tests.sandbox.metric_math.evaluation import Evaluation, Query
from tests.sandbox.metrics.catalogue import Catalogue, check_modelled
from tests.sandbox.metrics.search import search

#: GetMetricData's reference: queries a call, data points a page.
MOST_QUERIES = 500
MOST_DATAPOINTS = 100_800
#: GetMetricStatistics's reference.
MOST_STATISTICS_DATAPOINTS = 1_440
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_REMEMBERED_TOKENS = 16


def query_of(given: Mapping[str, Any], prefix: str) -> Query:
    """Return a MetricDataQuery, checked in itself. Raises AwsError."""
    name = str(given.get("Id") or "")
    if not _ID.fullmatch(name):
        raise check.validation(
            f'The value "{name}" for parameter {prefix}.Id is invalid: letters, digits and underscores, '
            "beginning with a lowercase letter."
        )
    if given.get("AccountId") is not None:
        raise not_modelled("metrics of other accounts (AccountId)")
    stat, expression = given.get("MetricStat"), given.get("Expression")
    if stat and expression:
        raise check.validation(
            f"The parameters {prefix}.Expression and {prefix}.MetricStat are mutually exclusive and you have "
            "specified both."
        )
    label, returned = given.get("Label"), given.get("ReturnData")
    if label and "${" in label:
        raise not_modelled("dynamic labels")
    if expression:
        own = given.get("Period")
        return Query(
            name,
            period=None if own is None else check.period(own, f"{prefix}.Period"),
            expression=str(expression),
            label=label,
            returned=returned is not False,
        )
    if not stat:
        raise check.validation(
            f"The parameter {prefix}.MetricStat or {prefix}.Expression is required, and neither is there."
        )
    metric = f"{prefix}.MetricStat"
    return Query(
        name,
        key=check.metric_key(stat.get("Metric") or {}, f"{metric}.Metric."),
        period=check.period(stat.get("Period"), f"{metric}.Period"),
        statistic=check.statistic(stat.get("Stat"), f"{metric}.Stat"),
        unit=check.unit(stat.get("Unit"), f"{metric}.Unit"),
        label=label,
        returned=returned is not False,
    )


def queries_of(given: Any, name: str, most: int = MOST_QUERIES) -> list[Query]:
    """Return all queries of a request, checked. Raises AwsError (ValidationError)."""
    if not given:
        raise check.validation(f"The parameter {name} is required.")
    if len(given) > most:
        raise check.validation(f"The collection {name} must not have a size greater than {most}.")
    queries = [query_of(one, f"{name}.member.{index}") for index, one in enumerate(given, 1)]
    if len({query.id for query in queries}) < len(queries):
        raise check.validation(f"The values for parameter Id in {name} are not unique.")
    return queries


def evaluation_of(
    catalogue: Catalogue, queries: list[Query], start: float, end: float, now: float
) -> Evaluation:
    """Return what evaluates these queries over a stretch of time."""
    windows: dict[int, Window] = {}

    def window_for(period: int) -> Window:
        if period not in windows:
            windows[period] = Window.of(start, end, period, now)
        return windows[period]

    def fetch(query: Query) -> Series:
        assert query.key is not None
        assert query.period is not None
        check_modelled(query.key)
        series = catalogue.read(query.key, query.statistic, query.unit, window_for(query.period))
        if query.label is not None:
            series.label = query.label
        return series

    def find(term: str, statistic: str, period: int) -> list[Series]:
        check.statistic(statistic, "SEARCH statistic")
        check.period(period, "SEARCH period")
        return [
            catalogue.read(key, statistic, None, window_for(period))
            for key in search(term, catalogue.keys(now - 14 * 86400))
        ]

    return Evaluation(queries, fetch, find, window_for)


@dataclass
class _Result:
    """A series on its way to the client; ``sent`` of its data points have been sent."""

    id: str
    series: Series
    sent: int = 0


class Queries:
    """The two operations that read data, and the pages that clients have still to fetch."""

    def __init__(self) -> None:
        """Begin without open pages."""
        self._open: OrderedDict[str, list[_Result]] = OrderedDict()

    def get_metric_data(
        self, catalogue: Catalogue, parameters: Mapping[str, Any], now: float
    ) -> dict[str, Any]:
        """Return a page of results: newest first unless asked otherwise, EndTime exclusive."""
        queries = queries_of(parameters.get("MetricDataQueries"), "MetricDataQueries")
        start = check.epoch(parameters.get("StartTime"), "StartTime")
        end = check.epoch(parameters.get("EndTime"), "EndTime")
        if start >= end:
            raise check.validation("The parameter StartTime must be less than the parameter EndTime.")
        order = parameters.get("ScanBy") or "TimestampDescending"
        if order not in ("TimestampDescending", "TimestampAscending"):
            raise check.validation(f"The value {order} for parameter ScanBy is not supported.")
        most = parameters.get("MaxDatapoints") or MOST_DATAPOINTS
        if not 1 <= most <= MOST_DATAPOINTS:
            raise check.validation(f"The parameter MaxDatapoints must be between 1 and {MOST_DATAPOINTS}.")
        token = parameters.get("NextToken")
        if token:
            if token not in self._open:
                raise AwsError("InvalidNextToken", "The next token specified is invalid.")
            results = [_Result(one.id, one.series, one.sent) for one in self._open[token]]
        else:
            evaluation = evaluation_of(catalogue, queries, start, end, now)
            results = [
                _Result(query.id, series)
                for query in queries
                if query.returned
                for series in evaluation.result(query)
            ]
        return self._page(results, int(most), order == "TimestampDescending")

    def _page(self, results: list[_Result], most: int, descending: bool) -> dict[str, Any]:
        page = []
        left = most
        rest: list[_Result] = []
        moments: dict[int, Any] = {}
        for result in results:
            if rest or (left == 0 and result.series.values):
                rest.append(result)
                continue
            stamps, values = result.series.timestamps, result.series.values
            size = len(values)
            upto = min(size, result.sent + left)
            if descending:
                part = slice(size - upto, size - result.sent)
                stamps, values = stamps[part][::-1], values[part][::-1]
            else:
                part = slice(result.sent, upto)
                stamps, values = stamps[part], values[part]
            left -= len(values)
            for at in stamps:
                if at not in moments:
                    moments[at] = check.moment(at)
            page.append(
                {
                    "Id": result.id,
                    "Label": result.series.label,
                    "Timestamps": [moments[at] for at in stamps],
                    "Values": values,
                    "StatusCode": "Complete" if upto == size else "PartialData",
                }
            )
            if upto < size:
                rest.append(_Result(result.id, result.series, upto))
        answer: dict[str, Any] = {"MetricDataResults": page, "Messages": []}
        if rest:
            token = secrets.token_urlsafe(24)
            self._open[token] = rest
            while len(self._open) > _REMEMBERED_TOKENS:
                self._open.popitem(last=False)
            answer["NextToken"] = token
        return answer


def get_metric_statistics(catalogue: Catalogue, parameters: Mapping[str, Any], now: float) -> dict[str, Any]:
    """GetMetricStatistics: data points "are not returned in chronological order", nor are they here."""
    key = check.metric_key(parameters)
    period = check.period(parameters.get("Period"), "Period")
    unit = check.unit(parameters.get("Unit"), "Unit")
    start = check.epoch(parameters.get("StartTime"), "StartTime")
    end = check.epoch(parameters.get("EndTime"), "EndTime")
    if start >= end:
        raise check.combination("The parameter StartTime must be less than the parameter EndTime.")
    simple, extended = parameters.get("Statistics") or [], parameters.get("ExtendedStatistics") or []
    if not simple and not extended:
        raise AwsError("MissingParameter", "Must specify either Statistics or ExtendedStatistics.")
    if simple and extended:
        raise check.combination("The parameters Statistics and ExtendedStatistics are mutually exclusive.")
    for name in simple:
        if name not in SIMPLE:
            raise check.invalid(f"The value {name} for parameter Statistics is not supported.")
    for name in extended:
        if name in SIMPLE:
            raise check.invalid(f"The value {name} for parameter ExtendedStatistics is not supported.")
        check.statistic(name, "ExtendedStatistics")
    window = Window.of(start, end, period, now)
    requested = -(-(window.end - window.start) // period)
    if requested > MOST_STATISTICS_DATAPOINTS:
        raise check.combination(
            f"You have requested up to {requested:,} datapoints, which exceeds the limit of "
            f"{MOST_STATISTICS_DATAPOINTS:,}. You may reduce the datapoints requested by increasing Period, or "
            "decreasing the time range."
        )
    check_modelled(key)
    points: list[dict[str, Any]] = []
    for known in [unit] if unit else catalogue.units(key):
        found: dict[int, dict[str, Any]] = {}
        for name in [*simple, *extended]:
            series = catalogue.read(key, name, known, window)
            for at, value in zip(series.timestamps, series.values, strict=True):
                point = found.setdefault(at, {"Timestamp": check.moment(at), "Unit": known})
                if name in SIMPLE:
                    point[name] = value
                else:
                    point.setdefault("ExtendedStatistics", {})[name] = value
        points += found.values()
    return {"Label": key.name, "Datapoints": points[1::2] + points[::2]}
