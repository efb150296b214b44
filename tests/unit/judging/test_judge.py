# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts by bounds and alarms, and the words they come with."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    PENDING,
    Evidence,
    Finding,
    Series,
    Terms,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import (
    AlarmReading,
    judge,
    judge_alarm,
    judge_metric,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import Metric, Query

from tests.unit.aws.cloudwatch_fake import NOON


def metric(**options: Any) -> Metric:
    return Metric("cpu", (Query("AWS/EC2", "CPUUtilization"),), **{"maximum": 80.0, **options})


def series(*values: float | None, name: str = "i-1", periods: int = 0, **more: Any) -> Series:
    points = tuple((NOON + 60 * n, value) for n, value in enumerate(values) if value is not None)
    end = NOON + 60 * max(periods, len(values))
    return Series(name, points, NOON, end, **{"instance_id": name, **more})


def verdict(*several: Series, final: bool = True, on_no_data: str = FAIL, **options: Any) -> Finding:
    return judge_metric(Evidence(metric(**options), several), Terms(final=final, on_no_data=on_no_data))


def test_values_within_the_bounds_pass_at_the_end() -> None:
    finding = verdict(series(10, 30, 20))
    assert (finding.verdict, finding.n, finding.canary) == (PASS, 3, 20)
    assert finding.reason == "between 10 and 30 in 3 datapoints, at most 80 allowed"


def test_before_the_end_nothing_passes() -> None:
    assert verdict(series(10, 30), final=False).verdict == PENDING


def test_a_value_outside_fails_before_the_end_and_says_which_when_and_by_how_much() -> None:
    finding = verdict(series(10, 91.23, 85), final=False)
    assert finding.verdict == FAIL
    assert finding.reason == "i-1 had 91.23 at 12:01 UTC, above the maximum of 80 (2 of 3 datapoints)"


@pytest.mark.parametrize("value, expected", [(80, PASS), (80.01, FAIL), (5, PASS), (4.99, FAIL)])
def test_bounds_are_inclusive(value: float, expected: str) -> None:
    assert verdict(series(value), minimum=5.0).verdict == expected


def test_a_value_below_the_minimum_says_so() -> None:
    assert "i-1 had 2 at 12:00 UTC, below the minimum of 5" in verdict(series(2), minimum=5.0).reason


def test_datapoints_to_fail_counts_within_one_series() -> None:
    apart = (series(90, 10, 10), series(10, 90, 10, name="i-2"))
    assert verdict(*apart, datapoints_to_fail=2).verdict == PASS
    assert verdict(series(90, 10, 90), datapoints_to_fail=2).verdict == FAIL


def test_one_bad_instance_among_good_ones_is_told_apart_from_a_bad_image() -> None:
    good = [series(10, name=f"i-{number}") for number in (2, 3, 4)]
    finding = verdict(series(99), *good)
    assert finding.verdict == FAIL
    assert "i-1 had 99" in finding.reason and "one bad instance" in finding.reason
    everywhere = verdict(*(series(99, name=f"i-{number}") for number in range(4)))
    assert "one bad instance" not in everywhere.reason


@pytest.mark.parametrize("on_no_data", [FAIL, INCONCLUSIVE])
def test_no_data_is_not_health(on_no_data: str) -> None:
    finding = verdict(series(periods=15), on_no_data=on_no_data)
    assert finding.verdict == on_no_data
    assert "no datapoint at all" in finding.reason and "fill: 0" in finding.reason
    assert verdict(on_no_data=on_no_data).verdict == on_no_data


@pytest.mark.parametrize("on_no_data", [FAIL, INCONCLUSIVE])
def test_an_error_is_not_health(on_no_data: str) -> None:
    finding = verdict(series(10, error="CloudWatch answered InternalError"), on_no_data=on_no_data)
    assert (finding.verdict, finding.reason) == (on_no_data, "CloudWatch answered InternalError")


def test_an_instance_without_data_is_named_though_others_have_theirs() -> None:
    finding = verdict(series(*[10.0] * 15), series(name="i-2", periods=15))
    assert (finding.verdict, finding.reason) == (FAIL, "i-2 published nothing")


def test_a_metric_that_stops_is_no_data_from_then_on() -> None:
    finding = verdict(series(*[10.0] * 6, periods=15))
    assert finding.verdict == FAIL
    assert finding.reason == "i-1 stopped publishing: nothing after 12:05 UTC, up to 12:15 UTC"


def test_a_datapoint_or_two_missing_at_the_end_are_no_stop() -> None:
    assert verdict(series(*[10.0] * 13, periods=15)).verdict == PASS


def test_where_datapoints_are_missing_anyway_a_few_at_the_end_are_no_stop() -> None:
    patchy = [10.0, None, 10.0, 10.0, None, None, 10.0, 10.0, 10.0, None, 10.0, 10.0]
    assert verdict(series(*patchy, periods=15)).verdict == PASS
    assert verdict(series(*patchy, periods=30)).reason.startswith("i-1 stopped publishing")


def test_one_that_never_misses_two_in_a_row_has_stopped_after_four() -> None:
    every_second = [10.0, None] * 8
    assert verdict(series(*every_second)).verdict == PASS
    found = verdict(
        *(series(*every_second, name=name, periods=16 + more) for name, more in (("a", 0), ("b", 4)))
    )
    assert found.reason.startswith("b stopped publishing")


def test_an_instance_that_has_just_joined_may_have_published_nothing() -> None:
    assert verdict(series(*[10.0] * 15), series(name="i-2", periods=2)).verdict == PASS


def test_periods_below_a_minute_are_told_to_the_second() -> None:
    finding = judge_metric(
        Evidence(metric(period=5), (Series("i-1", ((NOON + 5, 99.0),), NOON, NOON + 10),)), Terms(final=False)
    )
    assert "at 12:00:05 UTC" in finding.reason


@pytest.mark.parametrize(
    "state, final, expected",
    [
        ("ALARM", False, FAIL),
        ("ALARM", True, FAIL),
        ("OK", False, PENDING),
        ("OK", True, PASS),
        ("INSUFFICIENT_DATA", False, PENDING),
        ("INSUFFICIENT_DATA", True, FAIL),
    ],
)
def test_alarms_are_judged_by_their_state(state: str, final: bool, expected: str) -> None:
    finding = judge_alarm(AlarmReading("errors", state, NOON, "3 datapoints"), final=final)
    assert (finding.verdict, finding.kind) == (expected, "alarm")


def test_an_alarm_says_since_when_and_why() -> None:
    finding = judge_alarm(AlarmReading("errors", "ALARM", NOON, "threshold crossed"), final=False)
    assert finding.reason == "in state ALARM since 12:00 UTC: threshold crossed"


def test_an_alarm_without_data_may_be_inconclusive() -> None:
    finding = judge_alarm(AlarmReading("errors", "INSUFFICIENT_DATA"), final=True, on_no_data=INCONCLUSIVE)
    assert finding.verdict == INCONCLUSIVE


@pytest.mark.parametrize(
    "verdicts, expected, score",
    [
        ([PASS, PASS], PASS, 100),
        ([PASS, FAIL], FAIL, 50),
        ([PENDING, FAIL, PASS], FAIL, 66.67),
        ([PASS, INCONCLUSIVE], INCONCLUSIVE, 50),
        ([PASS, PENDING], PENDING, 100),
        ([], INCONCLUSIVE, 0),
    ],
)
def test_one_failure_fails_the_whole(verdicts: list[str], expected: str, score: float) -> None:
    judgement = judge([Finding(str(n), one, "why") for n, one in enumerate(verdicts)])
    assert (judgement.verdict, judgement.score) == (expected, score)
