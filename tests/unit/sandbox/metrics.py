# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretend AWS whose clock stands still, with its CloudWatch within reach, for tests of the sandbox itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox import moto_services
from tests.sandbox.clock import VirtualClock
from tests.sandbox.errors import AwsError
from tests.sandbox.world import InstanceRecord, TargetInterval, World

#: Noon of a day in 2026, in epoch seconds.
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0

#: Seconds since noon and a value, for each data point.
Points = list[tuple[float, float]]


class MetricWorld(World):
    """A world of which a test says which instances there were, and which of them served what."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock=clock)
        self.records: list[InstanceRecord] = []
        self.intervals: list[TargetInterval] = []

    def instance_records(self) -> list[InstanceRecord]:
        return self.records

    def target_intervals(self) -> list[TargetInterval]:
        return self.intervals


class Sandbox:
    """CloudWatch at noon, ``after`` seconds later. All times given and returned are seconds since noon."""

    def __init__(self, after: float = 0.0) -> None:
        moto_services.reset()
        self.clock = VirtualClock(NOON + after)
        self.world = MetricWorld(self.clock)

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.world.cloudwatch.handle(operation, parameters)

    def pass_time(self, seconds: float, step: float | None = None) -> None:
        """Let time pass, and everything happen that is due; in several steps if ``step`` is given."""
        left = seconds
        while left > 0:
            self.clock.advance(min(left, step or left))
            left -= step or left
            self.world.tick()

    # --- Sending --------------------------------------------------------------------------------------

    def put(
        self,
        name: str,
        values: Iterable[float | None],
        *,
        namespace: str = "Test",
        at: float = 0.0,
        step: float = 60.0,
        **datum: Any,
    ) -> None:
        """Send values, one for each ``step`` seconds from ``at`` on; None is a gap."""
        data = [
            {
                "MetricName": name,
                "Value": value,
                "Timestamp": moment(at + number * step),
                "StorageResolution": 60 if step >= 60 else 1,
                **datum,
            }
            for number, value in enumerate(values)
            if value is not None
        ]
        for start in range(0, len(data), 1000):
            self.call("PutMetricData", Namespace=namespace, MetricData=data[start : start + 1000])

    # --- Asking ---------------------------------------------------------------------------------------

    def data(
        self, *queries: dict[str, Any], start: float = 0.0, end: float = 600.0, **more: Any
    ) -> list[dict[str, Any]]:
        """Return all results of GetMetricData, oldest data point first."""
        more.setdefault("ScanBy", "TimestampAscending")
        answer = self.call(
            "GetMetricData",
            MetricDataQueries=list(queries),
            StartTime=moment(start),
            EndTime=moment(end),
            **more,
        )
        results: list[dict[str, Any]] = answer["MetricDataResults"]
        return results

    def read(self, query: dict[str, Any], start: float = 0.0, end: float = 600.0) -> Points:
        """Return the only series of a query."""
        (result,) = self.data(query, start=start, end=end)
        return points(result)

    def calculate(self, expression: str, *others: dict[str, Any], **more: Any) -> list[float]:
        """Return the values of an expression that gives one series, of metrics that are not returned."""
        return [value for _, value in self.calculate_points(expression, *others, **more)]

    def calculate_points(self, expression: str, *others: dict[str, Any], **more: Any) -> Points:
        hidden = [{**other, "ReturnData": False} for other in others]
        (result,) = self.data({"Id": "result", "Expression": expression}, *hidden, **more)
        return points(result)

    # --- Alarms ---------------------------------------------------------------------------------------

    def alarm(self, name: str = "alarm", **options: Any) -> None:
        """Put an alarm on the sum of Test/errors above 5, in one period of a minute."""
        metric = {"Namespace": "Test", "MetricName": "errors", "Statistic": "Sum", "Period": 60}
        usual = {"EvaluationPeriods": 1, "Threshold": 5.0, "ComparisonOperator": "GreaterThanThreshold"}
        if "Metrics" in options:
            metric = {}
        given = {**metric, **usual, **options}
        self.call(
            "PutMetricAlarm", AlarmName=name, **{key: value for key, value in given.items() if value != []}
        )

    def composite(self, name: str, rule: str, **options: Any) -> None:
        self.call("PutCompositeAlarm", AlarmName=name, AlarmRule=rule, **options)

    def described(self, name: str = "alarm") -> dict[str, Any]:
        answer = self.call("DescribeAlarms", AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        (found,) = answer["MetricAlarms"] + answer["CompositeAlarms"]
        alarm: dict[str, Any] = found
        return alarm

    def state(self, name: str = "alarm") -> str:
        return str(self.described(name)["StateValue"])

    def history(self, name: str, kind: str | None = None) -> list[str]:
        """Return the summaries of an alarm's history, oldest first."""
        given = {"HistoryItemType": kind} if kind else {}
        answer = self.call(
            "DescribeAlarmHistory",
            AlarmName=name,
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            ScanBy="TimestampAscending",
            **given,
        )
        return [item["HistorySummary"] for item in answer["AlarmHistoryItems"]]

    def scaled_by(self) -> list[tuple[str, str | None, float | None]]:
        """Return a list that fills with what alarms tell Auto Scaling: policy, alarm and value."""
        told: list[tuple[str, str | None, float | None]] = []

        def alarm_fired(
            policy_arn: str, alarm_name: str | None = None, metric_value: float | None = None
        ) -> None:
            told.append((policy_arn, alarm_name, metric_value))

        self.world.autoscaling.alarm_fired = alarm_fired  # type: ignore[method-assign]
        return told

    # --- Instances ------------------------------------------------------------------------------------

    def instance(
        self,
        instance_id: str,
        image: str = "ami-1",
        group: str | None = "group",
        launched: float = -3600.0,
        terminated: float | None = None,
        warm_up: float = 0.0,
    ) -> None:
        """Note that an instance was launched, and in service ``warm_up`` seconds later."""
        self.world.records.append(
            InstanceRecord(
                instance_id,
                image,
                "m5.large",
                group,
                NOON + launched,
                NOON + launched + warm_up,
                None if terminated is None else NOON + terminated,
            )
        )

    def serve(
        self,
        instance_id: str,
        target: str,
        balancers: Sequence[str],
        since: float,
        until: float | None = None,
    ) -> None:
        """Note that a load balancer held an instance for healthy."""
        self.world.intervals.append(
            TargetInterval(
                target, tuple(balancers), instance_id, NOON + since, None if until is None else NOON + until
            )
        )


def moment(seconds: float) -> datetime:
    """Return a time as clients give it, from seconds since noon."""
    return datetime.fromtimestamp(NOON + seconds, UTC)


def points(result: dict[str, Any]) -> Points:
    """Return the data points of one result of GetMetricData."""
    return [
        (stamp.timestamp() - NOON, value)
        for stamp, value in zip(result["Timestamps"], result["Values"], strict=True)
    ]


def metric(name: str, stat: str = "Average", **options: Any) -> dict[str, Any]:
    """Return a query of a metric of namespace Test; dimensions are given by their names and values."""
    unit = {"Unit": options["unit"]} if "unit" in options else {}
    return {
        "Id": options.get("id", "m1"),
        "MetricStat": {
            "Metric": {
                "Namespace": options.get("namespace", "Test"),
                "MetricName": name,
                "Dimensions": dimensions(**options.get("dimensions", {})),
            },
            "Period": options.get("period", 60),
            "Stat": stat,
            **unit,
        },
    }


def dimensions(**pairs: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in pairs.items()]


def refused(code: str, words: str) -> Any:
    """Expect an error of AWS with this code, and these words (a regular expression) in its message."""
    return pytest.raises(AwsError, match=f"^{code}: .*{words}")
