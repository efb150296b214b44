# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch as the engine sees it: data of metrics, states of alarms. The only file that talks to it.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..core.errors import AwsError
from ..judging.metrics import MOST_QUERIES, Metric, Query, rename_identifiers
from .calls import Calls

# DescribeAlarms: names, and records, in one call.
MOST_ALARMS = 100
# So many pages of names are read to find one that is near.
MOST_PAGES_OF_NAMES = 20
ALARM_TYPES = ("MetricAlarm", "CompositeAlarm")
# Metrics of several periods share a call if a window aligned for all of them is no longer than this, in seconds.
LONGEST_ALIGNMENT = 300
# What CloudWatch calls a request that it does not understand, as opposed to one that it cannot answer now.
REFUSALS = frozenset(
    {
        "InvalidParameterCombination",
        "InvalidParameterCombinationException",
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "MissingParameter",
        "MissingRequiredParameterException",
        "ParamValidationError",
        "ValidationError",
        "ValidationException",
    }
)


@dataclass(frozen=True)
class Request:
    """Data wanted of one metric without placeholders, from C(start) to before C(end) (epoch seconds).

    C(values) are what the placeholders stand for in a query to another source, which puts them in by itself.
    """

    metric: Metric
    start: float
    end: float
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TimeSeries:
    """One series that a request was answered with.

    C(points) are (start of the period in epoch seconds, value), oldest first. C(error) is what CloudWatch said
    where it could not answer in full. C(label) tells the series of a SEARCH apart.
    """

    label: str
    points: tuple[tuple[float, float], ...] = ()
    error: str = ""


@dataclass(frozen=True)
class AlarmState:
    """An alarm: its state is C(OK), C(ALARM) or C(INSUFFICIENT_DATA), since when (epoch seconds), and why."""

    name: str
    state: str
    since: float
    reason: str
    composite: bool = False


@dataclass(frozen=True)
class AlarmChange:
    """A change of an alarm's state: when (epoch seconds), and CloudWatch's summary of it."""

    at: float
    summary: str


class CloudWatch:
    """Asks CloudWatch for data and alarms."""

    def __init__(self, calls: Calls) -> None:
        """Keep how to call AWS."""
        self._calls = calls

    def data(self, requests: Sequence[Request]) -> list[tuple[TimeSeries, ...]]:
        """Get the data of all requests, in as few calls as possible; the answers are in their order.

        A request whose expression gives several series is answered with several, and one without any data
        with none or with an empty one.

        Raises:
            AwsError: CloudWatch refused it, or could not be reached.
        """
        answers: list[dict[str, TimeSeries]] = [{} for __ in requests]
        for start, end, batch in _batches(requests):
            self._fetch(start, end, batch, requests, answers)
        return [tuple(answer.values()) for answer in answers]

    def refusal(self, requests: Sequence[Request]) -> dict[int, str]:
        """Ask CloudWatch whether it understands the requests: position -> its words for each that it refuses.

        Raises:
            AwsError: CloudWatch could not be asked.
        """
        if not requests:
            return {}
        try:
            self.data(requests)
        except AwsError as error:
            if error.code not in REFUSALS:
                raise
            if len(requests) == 1:
                return {0: error.answer or str(error)}
            # The answer names at most one of them. Halving finds every culprit in few calls.
            middle = len(requests) // 2
            later = self.refusal(requests[middle:])
            return {
                **self.refusal(requests[:middle]),
                **{middle + position: words for position, words in later.items()},
            }
        return {}

    def alarms(self, names: Sequence[str]) -> dict[str, AlarmState]:
        """The states of metric and composite alarms by name; unknown ones are left out.

        Raises:
            AwsError: CloudWatch refused it, or could not be reached.
        """
        return {name: _alarm_state(alarm) for name, alarm in self.described_alarms(names).items()}

    def described_alarms(self, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Metric and composite alarms by name, as DescribeAlarms gives them; unknown ones are left out.

        Raises:
            AwsError: CloudWatch refused it, or could not be reached.
        """
        found: dict[str, Mapping[str, Any]] = {}
        for first in range(0, len(names), MOST_ALARMS):
            found |= self._described(AlarmNames=list(names[first : first + MOST_ALARMS]))
        return found

    def alarm_names(self) -> list[str]:
        """The names of metric and composite alarms, of very many the first: what a name can be compared with.

        Raises:
            AwsError: CloudWatch refused it, or could not be reached.
        """
        names: list[str] = []
        parameters: dict[str, Any] = {"AlarmTypes": list(ALARM_TYPES), "MaxRecords": MOST_ALARMS}
        for __ in range(MOST_PAGES_OF_NAMES):
            page = self._calls("cloudwatch", "DescribeAlarms", "read the names of alarms", **parameters)
            for kind in ("MetricAlarms", "CompositeAlarms"):
                names += [alarm["AlarmName"] for alarm in page.get(kind) or ()]
            if not page.get("NextToken"):
                break
            parameters["NextToken"] = page["NextToken"]
        return names

    def alarm_history(self, name: str, most: int) -> list[AlarmChange]:
        """The newest changes of an alarm's state, C(most) at most, the newest first.

        Raises:
            AwsError: CloudWatch refused it, or could not be reached.
        """
        answer = self._calls(
            "cloudwatch",
            "DescribeAlarmHistory",
            f"read the history of alarm {name}",
            AlarmName=name,
            # As with DescribeAlarms, composite alarms are left out unless they are asked for.
            AlarmTypes=list(ALARM_TYPES),
            HistoryItemType="StateUpdate",
            ScanBy="TimestampDescending",
            MaxRecords=most,
        )
        return [
            AlarmChange(item["Timestamp"].timestamp(), str(item.get("HistorySummary") or ""))
            for item in answer.get("AlarmHistoryItems") or ()
        ]

    def alarms_beginning(self, prefix: str) -> dict[str, Mapping[str, Any]]:
        """Metric and composite alarms whose names begin with C(prefix), by name; all of the region without one.

        Raises:
            AwsError: CloudWatch refused it, or could not be reached.
        """
        return self._described(**({"AlarmNamePrefix": prefix} if prefix else {}))

    def _described(self, **which: Any) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        parameters: dict[str, Any] = {
            **which,
            # Composite alarms are left out of the answer unless they are asked for.
            "AlarmTypes": list(ALARM_TYPES),
            "MaxRecords": MOST_ALARMS,
        }
        while True:
            page = self._calls("cloudwatch", "DescribeAlarms", "read alarms", **parameters)
            for kind in ("MetricAlarms", "CompositeAlarms"):
                found.update({alarm["AlarmName"]: alarm for alarm in page.get(kind) or ()})
            if not page.get("NextToken"):
                return found
            parameters["NextToken"] = page["NextToken"]

    def alarm_tags(self, arn: str) -> dict[str, str]:
        """The tags of an alarm."""
        answer = self._calls(
            "cloudwatch", "ListTagsForResource", f"read the tags of alarm {arn}", ResourceARN=arn
        )
        return {tag["Key"]: tag["Value"] for tag in answer.get("Tags") or ()}

    def put_alarm(self, request: Mapping[str, Any]) -> None:
        """Create or update a metric alarm.

        Raises:
            AwsError: CloudWatch refused it, or could not be reached.
        """
        self._calls("cloudwatch", "PutMetricAlarm", f"create alarm {request['AlarmName']}", **request)

    def delete_alarms(self, names: Sequence[str]) -> None:
        """Delete alarms; one that is gone already is as good, and one that a composite alarm needs stays."""
        for name in names:
            try:
                self._calls("cloudwatch", "DeleteAlarms", f"delete alarm {name}", AlarmNames=[name])
            except AwsError as error:
                # "You can't delete a metric alarm that a composite alarm depends on."
                if error.code not in ("ValidationError", "ValidationException"):
                    raise

    def _fetch(
        self,
        start: float,
        end: float,
        batch: Sequence[int],
        requests: Sequence[Request],
        answers: list[dict[str, TimeSeries]],
    ) -> None:
        parameters: dict[str, Any] = {
            "MetricDataQueries": [
                query for position in batch for query in _queries(position, requests[position].metric)
            ],
            "StartTime": _datetime(start),
            "EndTime": _datetime(end),
            "ScanBy": "TimestampAscending",
        }
        while True:
            page = self._calls("cloudwatch", "GetMetricData", "read metric data", **parameters)
            for result in page.get("MetricDataResults") or ():
                position = int(result["Id"].removeprefix("m"))
                _add(answers[position], result, requests[position])
            if not page.get("NextToken"):
                break
            parameters["NextToken"] = page["NextToken"]


def _batches(requests: Sequence[Request]) -> Iterator[tuple[float, float, list[int]]]:
    """Divide requests into calls: a window that suits them all, and their positions."""
    periods = {request.metric.period for request in requests}
    shared = math.lcm(*periods) <= LONGEST_ALIGNMENT if periods else True
    alone = [
        [position for position in range(len(requests)) if requests[position].metric.period == period]
        for period in sorted(periods)
    ]
    for positions in [list(range(len(requests)))] if shared else alone:
        alignment = math.lcm(*(requests[position].metric.period for position in positions))
        batch: list[int] = []
        used = 0
        for position in positions:
            needed = number_of_queries(requests[position].metric)
            if batch and used + needed > MOST_QUERIES:
                yield _call(requests, batch, alignment)
                batch, used = [], 0
            batch.append(position)
            used += needed
        if batch:
            yield _call(requests, batch, alignment)


def _call(requests: Sequence[Request], batch: list[int], alignment: int) -> tuple[float, float, list[int]]:
    start = min(requests[position].start for position in batch)
    end = max(requests[position].end for position in batch)
    return math.floor(start / alignment) * alignment, end, batch


def number_of_queries(metric: Metric) -> int:
    """How many queries of a call the metric needs for one publisher."""
    return len(metric.queries) + 1 if metric.expression else 1


def _queries(position: int, metric: Metric) -> Iterator[dict[str, Any]]:
    """The queries of one metric, under ids that are its own within the call."""
    if not metric.expression:
        yield _statistic(f"m{position}", metric.queries[0], metric.period, returned=True)
        return
    names = {query.query_id: f"m{position}_{query.query_id}" for query in metric.queries}
    for query in metric.queries:
        yield _statistic(names[query.query_id], query, metric.period, returned=False)
    expression: dict[str, Any] = {
        "Id": f"m{position}",
        "Expression": rename_identifiers(metric.expression, names),
        "ReturnData": True,
    }
    if not metric.queries:
        # A SEARCH or a SELECT has no other place to take its period from.
        expression["Period"] = metric.period
    yield expression


def _statistic(query_id: str, query: Query, period: int, *, returned: bool) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "Metric": {
            "Namespace": query.namespace,
            "MetricName": query.metric_name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions.items()],
        },
        "Period": period,
        "Stat": query.statistic,
    }
    if query.unit:
        wanted["Unit"] = query.unit
    return {"Id": query_id, "MetricStat": wanted, "ReturnData": returned}


def _add(answer: dict[str, TimeSeries], result: Mapping[str, Any], request: Request) -> None:
    """Add one result of one page to the series that it belongs to."""
    label = str(result.get("Label") or "")
    so_far = answer.get(label, TimeSeries(label=label))
    points = [
        (moment.timestamp(), float(value))
        for moment, value in zip(result.get("Timestamps") or (), result.get("Values") or (), strict=True)
    ]
    # The call's window is aligned for all its metrics; a metric's own may be narrower.
    wanted = [
        point for point in points if request.start <= point[0] < request.end and math.isfinite(point[1])
    ]
    answer[label] = TimeSeries(
        label=label,
        points=tuple(sorted({**dict(so_far.points), **dict(wanted)}.items())),
        error=_problem(result),
    )


def _problem(result: Mapping[str, Any]) -> str:
    """What is wrong with a result. PartialData is only the page's; a later page completes it."""
    status = str(result.get("StatusCode") or "Complete")
    if status in ("Complete", "PartialData"):
        return ""
    words = "; ".join(str(message.get("Value", "")) for message in result.get("Messages") or ())
    return f"CloudWatch answered {status}" + (f": {words}" if words else "")


def _alarm_state(alarm: Mapping[str, Any]) -> AlarmState:
    since = alarm.get("StateUpdatedTimestamp")
    return AlarmState(
        name=alarm["AlarmName"],
        state=str(alarm.get("StateValue", "INSUFFICIENT_DATA")),
        since=since.timestamp() if isinstance(since, datetime) else 0.0,
        reason=str(alarm.get("StateReason") or ""),
        composite="AlarmRule" in alarm,
    )


def _datetime(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, tz=timezone.utc)
