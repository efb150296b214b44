# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch's statistics: what one period's samples come to.

After "CloudWatch statistics definitions" (Amazon CloudWatch User Guide).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class StatisticSet:
    """A summary published in place of the samples themselves."""

    count: float
    total: float
    minimum: float
    maximum: float

    @property
    def uniform(self) -> bool:
        """Whether all samples behind it must have been equal, so that it stands for raw data."""
        return self.minimum == self.maximum and abs(self.total - self.minimum * self.count) <= 1e-9 * abs(
            self.total
        )


@dataclass(slots=True)
class Samples:
    """The samples of one period: single values, values with a count, and summaries."""

    values: list[float] = field(default_factory=list)
    counted: list[tuple[float, float]] = field(default_factory=list)
    sets: list[StatisticSet] = field(default_factory=list)

    def weighted(self) -> list[tuple[float, float]] | None:
        """Return (value, count) of all samples in ascending order, or None if only summaries are known.

        None too when a value is negative: CloudWatch has no percentiles of such metrics.
        """
        pairs = [(value, 1.0) for value in self.values]
        pairs += self.counted
        for summary in self.sets:
            if not summary.uniform:
                return None
            pairs.append((summary.minimum, summary.count))
        pairs.sort()
        if pairs and pairs[0][0] < 0:
            return None
        return pairs


#: A statistic as a function of a period's samples. None: no data point for this period.
Statistic = Callable[[Samples], float | None]


def _count(samples: Samples) -> float:
    return (
        len(samples.values)
        + sum(count for _, count in samples.counted)
        + sum(summary.count for summary in samples.sets)
    )


def _sum(samples: Samples) -> float:
    return (
        sum(samples.values)
        + sum(value * count for value, count in samples.counted)
        + sum(summary.total for summary in samples.sets)
    )


def _average(samples: Samples) -> float | None:
    count = _count(samples)
    return _sum(samples) / count if count else None


def _extreme(which: Callable[..., float], attribute: str) -> Statistic:
    def statistic(samples: Samples) -> float | None:
        values = samples.values
        if not samples.counted and not samples.sets:
            return which(values) if values else None
        everything = [
            *values,
            *(value for value, _ in samples.counted),
            *(getattr(summary, attribute) for summary in samples.sets),
        ]
        return which(everything) if everything else None

    return statistic


SIMPLE: dict[str, Statistic] = {
    "SampleCount": _count,
    "Sum": _sum,
    "Average": _average,
    "Minimum": _extreme(min, "minimum"),
    "Maximum": _extreme(max, "maximum"),
}


def _quantile(pairs: list[tuple[float, float]], percent: float) -> float:
    """Return the largest value of the lowest ``percent`` of the samples (nearest rank)."""
    target = percent / 100 * sum(count for _, count in pairs)
    reached = itertools.accumulate(count for _, count in pairs)
    for (value, _), sofar in zip(pairs, reached, strict=True):
        if sofar >= target - 1e-9:
            return value
    return pairs[-1][0]


def _between_percentiles(
    pairs: list[tuple[float, float]], low: float, high: float
) -> list[tuple[float, float]]:
    """Return the samples between two percentiles, those on an edge with the part that is inside."""
    total = sum(count for _, count in pairs)
    first, last = low / 100 * total, high / 100 * total
    kept = []
    sofar = 0.0
    for value, count in pairs:
        inside = min(sofar + count, last) - max(sofar, first)
        if inside > 1e-12:
            kept.append((value, inside))
        sofar += count
    return kept


def _between_values(pairs: list[tuple[float, float]], low: float, high: float) -> list[tuple[float, float]]:
    """Return the samples above ``low`` and up to ``high`` (the higher boundary counts, the lower not)."""
    return [(value, count) for value, count in pairs if low < value <= high]


def _mean(pairs: list[tuple[float, float]]) -> float | None:
    count = sum(count for _, count in pairs)
    return sum(value * count for value, count in pairs) / count if count else None


_NUMBER = r"\d{1,12}(?:\.\d{1,10})?"
_SHORT = re.compile(rf"(p|tm|tc|ts|wm)({_NUMBER})")
_RANGE = re.compile(rf"(TM|TC|TS|WM|PR)\(({_NUMBER})?(%)?:({_NUMBER})?(%)?\)")


@dataclass(frozen=True)
class _Range:
    """The part of a period's samples that a trimmed statistic looks at."""

    low: float | None
    high: float | None
    percent: bool

    def inside(self, pairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
        if self.percent:
            return _between_percentiles(pairs, self.low or 0.0, 100.0 if self.high is None else self.high)
        low = float("-inf") if self.low is None else self.low
        return _between_values(pairs, low, float("inf") if self.high is None else self.high)

    def clamped(self, pairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
        if self.percent:
            low = _quantile(pairs, self.low) if self.low else float("-inf")
            high = float("inf") if self.high is None else _quantile(pairs, self.high)
        else:
            low = float("-inf") if self.low is None else self.low
            high = float("inf") if self.high is None else self.high
        return [(min(max(value, low), high), count) for value, count in pairs]


def _ranged(kind: str, extent: _Range) -> Statistic:
    def statistic(samples: Samples) -> float | None:
        pairs = samples.weighted()
        if not pairs:
            return None
        if kind == "wm":
            return _mean(extent.clamped(pairs))
        inside = extent.inside(pairs)
        if kind == "tm":
            return _mean(inside)
        if kind == "ts":
            return sum(value * count for value, count in inside)
        if kind == "tc":
            return sum(count for _, count in inside)
        return 100 * sum(count for _, count in inside) / sum(count for _, count in pairs)

    return statistic


def _percentile(percent: float) -> Statistic:
    def statistic(samples: Samples) -> float | None:
        pairs = samples.weighted()
        return _quantile(pairs, percent) if pairs else None

    return statistic


@lru_cache(maxsize=256)
def statistic_named(name: str) -> Statistic | None:
    """Return the statistic called ``name`` ("Average", "p99", "TM(10%:90%)" ...), or None if there is none."""
    if name in SIMPLE:
        return SIMPLE[name]
    if name == "IQM":
        return _ranged("tm", _Range(25.0, 75.0, True))
    if found := _SHORT.fullmatch(name):
        percent = float(found[2])
        if percent > 100:
            return None
        if found[1] == "p":
            return _percentile(percent)
        return _ranged(found[1], _Range(None, percent, True))
    if found := _RANGE.fullmatch(name):
        kind, low, low_percent, high, high_percent = found.groups()
        if low is None and high is None:
            return None
        marks = {mark for number, mark in ((low, low_percent), (high, high_percent)) if number is not None}
        if len(marks) > 1 or (low is None and low_percent) or (high is None and high_percent):
            return None
        percent_range = marks == {"%"}
        bounds = _Range(
            None if low is None else float(low), None if high is None else float(high), percent_range
        )
        if kind == "PR" and percent_range:
            return None
        if bounds.low is not None and bounds.high is not None and bounds.low >= bounds.high:
            return None
        if percent_range and max(bounds.low or 0, bounds.high or 0) > 100:
            return None
        return _ranged(kind.lower(), bounds)
    return None
