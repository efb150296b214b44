# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CloudWatch of a few lines, for tests that want to say exactly what it answers and see what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.aws.calls import Calls
from ansible_collections.progressive.aws.plugins.module_utils.aws.cloudwatch import CloudWatch
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Capacity, Group, Instance
from botocore.exceptions import ClientError

#: Noon of a day in 2026, in epoch seconds.
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()

Source = Callable[[dict[str, Any], float], float | None]


class FakeClock:
    """A clock that passes time by being asked to sleep."""

    def __init__(self, now: float = NOON) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


@dataclass
class FakeClient:
    """Answers GetMetricData from C(source), which says the value of a query for the period that begins then.

    A C(source) of None at a moment is a missing datapoint. C(published) cuts off what is later than a clock.
    """

    source: Source = lambda query, when: 1.0
    clock: FakeClock = field(default_factory=FakeClock)
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuse: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    page_size: int = 10_000
    requests: list[dict[str, Any]] = field(default_factory=list)

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        queries = request["MetricDataQueries"]
        if self.refuse and any(self.refuse in str(query) for query in queries):
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": f"Error in expression: {self.refuse}"}},
                "GetMetricData",
            )
        results = [self._result(query, request) for query in queries if query.get("ReturnData", True)]
        return self._page(results, int(request.get("NextToken", 0)))

    def _result(self, query: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        period = query.get("MetricStat", query).get("Period", 60)
        when, end = request["StartTime"].timestamp(), request["EndTime"].timestamp()
        times, values = [], []
        while when < min(end, self.clock.now()):
            value = self.source(query, when)
            if value is not None:
                times.append(moment(when))
                values.append(value)
            when += period
        result = {"Id": query["Id"], "Label": query["Id"], "StatusCode": "Complete"}
        for name, status in self.errors.items():
            if name in str(query):
                result |= {"StatusCode": status, "Messages": [{"Code": status, "Value": "so it said"}]}
                times, values = [], []
        return {**result, "Timestamps": times, "Values": values}

    def _page(self, results: list[dict[str, Any]], first: int) -> dict[str, Any]:
        """Cut the answer into pages by datapoints, as CloudWatch does: a series may go on in the next one."""
        last = first + self.page_size
        longest = max((len(result["Values"]) for result in results), default=0)
        page = [
            {**result, "Timestamps": result["Timestamps"][first:last], "Values": result["Values"][first:last]}
            for result in results
        ]
        more = last < longest
        if more:
            page = [{**result, "StatusCode": "PartialData"} for result in page]
        return {"MetricDataResults": page, **({"NextToken": str(last)} if more else {})}

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        assert len(request["AlarmNames"]) <= 100
        known = [self.alarms[name] for name in request["AlarmNames"] if name in self.alarms]
        types = request.get("AlarmTypes", ["MetricAlarm"])
        return {
            "MetricAlarms": [one for one in known if "AlarmRule" not in one and "MetricAlarm" in types],
            "CompositeAlarms": [one for one in known if "AlarmRule" in one and "CompositeAlarm" in types],
        }


def alarm(name: str, state: str, **more: Any) -> dict[str, dict[str, Any]]:
    described = {"AlarmName": name, "StateValue": state, "StateUpdatedTimestamp": moment(NOON - 3600), **more}
    return {name: described}


def cloudwatch_of(client: FakeClient) -> CloudWatch:
    return CloudWatch(Calls(client=lambda service: client, clock=client.clock))


def group_of(
    instances: Iterable[str] = ("i-1",), name: str = "shop__checkout__prod__7", **more: Any
) -> Group:
    members = tuple(Instance(name, "InService") for name in instances)
    return Group(name, Capacity(0, 10, len(members)), instances=members, **more)
