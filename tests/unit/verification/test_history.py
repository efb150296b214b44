# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier instances tell a verification, and rates of two metrics."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import RolloutError

from tests.unit.aws.cloudwatch_fake import NOON, group_of
from tests.unit.verification.world import World

NEW, OLD, OLDER = (f"shop__checkout__prod__{number}" for number in (7, 6, 5))
CPU = {
    "name": "cpu",
    "namespace": "AWS/EC2",
    "metric_name": "CPUUtilization",
    "dimensions": {"InstanceId": "{instance_id}"},
    "direction": "increase",
}
DAY = 86400.0


def level(instance: str) -> float:
    """Instances differ by a tenth of their level; the new one is as bad as is said in its name."""
    if instance.startswith("i-bad"):
        return 16.0
    return 10.0 + sum(map(ord, instance)) % 3 / 2


def source(query: dict[str, Any], when: float) -> float:
    (instance,) = (one["Value"] for one in query["MetricStat"]["Metric"]["Dimensions"])
    minute = int(when // 60)
    return level(instance) + (minute * 7919 + sum(map(ord, instance))) % 13 / 13 + minute % 5


def world(canary: str, *, earlier: int = 0) -> World:
    found = World(source, (canary,))
    found.fleet.groups[OLD] = group_of(("i-old0", "i-old1"), OLD)
    found.fleet.out = [OLD]
    if earlier:
        found.fleet.groups[OLDER] = group_of((), OLDER)
        found.fleet.served[OLDER] = {
            f"i-earlier{number}": (NOON - 2 * DAY, NOON - DAY) for number in range(earlier)
        }
    return found


def test_history_lets_one_instance_be_judged_against_two() -> None:
    options = {"duration": 900, "metrics": [CPU]}
    with pytest.raises(RolloutError, match=r"higher than the baseline: .* and 8 instances of history"):
        world("i-bad", earlier=8).verify(**options)
    assert world("i-new", earlier=8).verify(**options).result["verdict"] == "pass"


def test_history_is_read_once_in_a_call_of_its_own_and_not_where_it_is_not_wanted() -> None:
    def spans(**options: Any) -> list[float]:
        one = world("i-new", earlier=8)
        one.verify(duration=900, metrics=[CPU], on_inconclusive="pass", **options)
        return [
            (request["EndTime"] - request["StartTime"]).total_seconds()
            for request in one.client.requests
            if "StartTime" in request and request["StartTime"].timestamp() < NOON - DAY / 2
        ]

    assert spans() == [3600.0]
    assert spans(history=0) == []
    assert spans(history=3600) == []


def test_a_rate_is_of_two_metrics() -> None:
    def counts(query: dict[str, Any], when: float) -> float | None:
        metric = query["MetricStat"]["Metric"]
        ours = metric["Dimensions"][0]["Value"] == NEW
        return 200.0 if metric["MetricName"] == "Requests" else 30.0 if ours else None

    query = {"namespace": "Shop", "dimensions": {"Group": "{group}"}, "statistic": "Sum"}
    rate = {
        "name": "errors",
        "kind": "rate",
        "direction": "increase",
        "numerator": {**query, "metric_name": "Errors"},
        "denominator": {**query, "metric_name": "Requests"},
    }
    found = World(counts)
    found.fleet.groups[OLD] = group_of(("i-old0",), OLD)
    found.fleet.out = [OLD]
    with pytest.raises(RolloutError, match=r"more than the baseline: \d+ of \d+ \(15 %\) against 0 of"):
        found.verify(duration=900, metrics=[rate])
