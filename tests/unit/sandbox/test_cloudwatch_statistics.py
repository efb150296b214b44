# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Percentiles, trimmed means and the like. Quotations: "CloudWatch statistics definitions" (User Guide)."""

from __future__ import annotations

import random
import statistics

import pytest

from tests.unit.sandbox.metrics import Sandbox, metric, refused

#: 10, 20 ... 1000 in no order, so that no value is its own percentile; and some values with an outlier.
HUNDRED = [float(value) for value in random.Random(4).sample(range(10, 1001, 10), 100)]
LATENCIES = [100.0, 150.0, 200.0, 300.0, 1000.0, 2000.0, 5000.0]


@pytest.fixture
def aws() -> Sandbox:
    sandbox = Sandbox(after=600)
    sandbox.put("hundred", HUNDRED, step=0.5)
    sandbox.put("latency", LATENCIES, step=1)
    return sandbox


def value(aws: Sandbox, stat: str, name: str = "hundred") -> float:
    ((at, result),) = aws.read(metric(name, stat))
    assert at == 0
    return result


@pytest.mark.parametrize(
    "stat, expected", [("p50", 500), ("p95", 950), ("p99.9", 1000), ("p0", 10), ("p100", 1000)]
)
def test_a_percentile_is_the_maximum_of_the_lowest_samples(aws: Sandbox, stat: str, expected: float) -> None:
    """ "p99 is the maximum value of the remaining 99%"."""
    assert value(aws, stat) == expected


@pytest.mark.parametrize(
    "stat, expected",
    [
        ("tm90", statistics.fmean(range(10, 901, 10))),
        ("TM(:90%)", statistics.fmean(range(10, 901, 10))),
        ("TM(2%:98%)", statistics.fmean(range(30, 981, 10))),
        ("TM(10%:)", statistics.fmean(range(110, 1001, 10))),
        ("IQM", statistics.fmean(range(260, 751, 10))),
        ("TM(25%:75%)", statistics.fmean(range(260, 751, 10))),
        ("tc90", 90),
        ("ts90", sum(range(10, 901, 10))),
        ("TS(80%:)", sum(range(810, 1001, 10))),
        ("TC(800:950)", 15),
        ("wm98", statistics.fmean([*range(10, 981, 10), 980, 980])),
        ("WM(10%:90%)", statistics.fmean([100] * 10 + list(range(110, 901, 10)) + [900] * 10)),
        ("PR(:300)", 30),
        ("PR(200:600)", 40),
    ],
)
def test_trimmed_and_winsorized_statistics(aws: Sandbox, stat: str, expected: float) -> None:
    assert value(aws, stat) == pytest.approx(expected)


def test_fixed_boundaries_include_the_higher_and_exclude_the_lower(aws: Sandbox) -> None:
    """ "TM(150:1000) [removes] all data points that are lower than or equal to 150, or higher than 1000"."""
    assert value(aws, "TM(150:1000)", "latency") == 500
    assert value(aws, "TC(150:1000)", "latency") == 3
    assert value(aws, "TS(150:1000)", "latency") == 1500
    assert value(aws, "PR(:300)", "latency") == pytest.approx(100 * 4 / 7)
    assert value(aws, "WM(:1000)", "latency") == pytest.approx(
        statistics.fmean([100, 150, 200, 300] + [1000] * 3)
    )


def test_values_with_counts_have_percentiles_too() -> None:
    aws = Sandbox(after=600)
    aws.put("load", [0.0], Value=None, Values=[10.0, 1.0, 5.0], Counts=[1.0, 90.0, 9.0])
    assert [value(aws, stat, "load") for stat in ("p90", "p91", "p99", "p100")] == [1, 5, 5, 10]


@pytest.mark.parametrize(
    "summary, known",
    [((1, 7, 7, 7), True), ((3, 21, 7, 7), True), ((3, 20, 5, 8), False)],
    ids=["one sample", "all equal", "different samples"],
)
def test_statistic_sets_have_percentiles_only_if_they_stand_for_raw_data(
    summary: tuple[float, float, float, float], known: bool
) -> None:
    aws = Sandbox(after=600)
    names = ("SampleCount", "Sum", "Minimum", "Maximum")
    aws.put("set", [0.0], Value=None, StatisticValues=dict(zip(names, map(float, summary), strict=True)))
    assert aws.read(metric("set", "p90")) == ([(0, 7.0)] if known else [])
    assert aws.read(metric("set", "Sum")) == [(0, summary[1])]


def test_percentiles_are_not_available_when_a_value_is_negative() -> None:
    aws = Sandbox(after=600)
    aws.put("drift", [-1.0, 5.0], step=1)
    assert aws.read(metric("drift", "p50")) == []
    assert aws.read(metric("drift", "tm90")) == []
    assert aws.read(metric("drift", "Minimum")) == [(0, -1.0)]


@pytest.mark.parametrize(
    "stat",
    [
        "p101",
        "P99",
        "TM90",
        "tm(1%:2%)",
        "median",
        "PR(1%:2%)",
        "TM(10%:20)",
        "TM(:)",
        "TM(90%:10%)",
        "TM(10%:120%)",
        "average",
    ],
)
def test_there_is_no_other_statistic(aws: Sandbox, stat: str) -> None:
    with refused("ValidationError", "Stat"):
        value(aws, stat)
