# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics as the query engine sees them: columns of samples, periods, and the resulting series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.sandbox.cloudwatch.statistics import Samples, statistic_named

#: How long data points of a period are kept, longest period first: (period is a multiple of, seconds).
#: "Publish custom metrics" and GetMetricData's reference.
RETENTION = ((3600, 455 * 86400), (300, 63 * 86400), (60, 15 * 86400), (1, 3 * 3600))


@dataclass(frozen=True, order=True, slots=True)
class MetricKey:
    """What identifies a metric: its namespace, name and exact dimensions, in order of their names."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def dimension(self, name: str) -> str | None:
        """Return the value of a dimension, or None."""
        return next((value for key, value in self.dimensions if key == name), None)

    @property
    def dimension_names(self) -> frozenset[str]:
        """Return the names of its dimensions."""
        return frozenset(name for name, _ in self.dimensions)

    @property
    def label(self) -> str:
        """Return the default label of a result: CloudWatch shows the metric's name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Values:
    """One sample per step: ``values[i]`` was published for ``first + i * step``."""

    first: int
    step: int
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Moments:
    """Any samples at any moments (epoch seconds), which were published ``step`` seconds later."""

    at: Sequence[tuple[int, Samples]]
    step: int = 0


Column = Values | Moments


class Metric(Protocol):
    """A metric that has data."""

    @property
    def unit(self) -> str:
        """Return the unit of all its samples."""
        ...

    def columns(self, start: int, end: int, now: float) -> Iterable[Column]:
        """Return the samples with ``start <= time stamp < end`` that have been published by ``now``.

        A column may hold more at its ends.
        """
        ...


@dataclass(slots=True)
class Series:
    """A time series: ascending time stamps (epoch seconds), a value each."""

    timestamps: list[int]
    values: list[float]
    period: int
    label: str = ""
    key: MetricKey | None = None
    messages: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Window:
    """The periods of a query: they begin at ``start``, the last one begins before ``end``."""

    start: int
    end: int
    period: int
    now: float

    @classmethod
    def of(cls, start: float, end: float, period: int, now: float) -> Window:
        """Round a requested stretch of time as GetMetricData's reference says (StartTime).

        Under a minute to even divisions of the minute, else to the minute, and to 5 minutes and the
        hour when the start is more than 15 and 63 days ago.
        """
        age = now - start
        if period < 60:
            grain = period
        elif age < 15 * 86400:
            grain = 60
        else:
            grain = 300 if age < 63 * 86400 else 3600
        return cls(int(start // grain * grain), int(-(-end // 1)), period, now)

    @property
    def oldest(self) -> float:
        """Return the time before which data points of this period are no longer kept."""
        return self.now - next(kept for unit, kept in RETENTION if self.period % unit == 0)

    def grid(self) -> range:
        """Return the time stamps of all periods that have begun."""
        return range(self.start, min(self.end, int(self.now) + 1), self.period)


def aggregate(columns: Iterable[Column], window: Window, name: str) -> tuple[list[int], list[float]]:
    """Return time stamps and values of the statistic called ``name`` for each period that has samples."""
    statistic = statistic_named(name)
    assert statistic is not None, name
    parts = list(columns)
    if len(parts) == 1 and isinstance(parts[0], Values):
        quick = _one_sample_per_period(parts[0], window, name)
        if quick is not None:
            return quick
    bags = _bags(parts, window)
    oldest = window.oldest
    timestamps, values = [], []
    for index in sorted(bags):
        at = window.start + index * window.period
        if at < oldest:
            continue
        value = statistic(bags[index])
        if value is not None:
            timestamps.append(at)
            values.append(value)
    return timestamps, values


def _one_sample_per_period(column: Values, window: Window, name: str) -> tuple[list[int], list[float]] | None:
    """Return the answer without a calculation where a period holds one sample, else None."""
    if column.step != window.period or (column.first - window.start) % window.period:
        return None
    if name not in ("Average", "Sum", "Minimum", "Maximum"):
        return None
    low = max(0, -(-(max(window.start, window.oldest) - column.first) // column.step))
    high = max(0, -(-(window.end - column.first) // column.step))
    values = list(column.values[int(low) : int(high)])
    first = column.first + int(low) * column.step
    return list(range(first, first + len(values) * column.step, column.step)), values


def _bags(columns: Iterable[Column], window: Window) -> dict[int, Samples]:
    """Return the samples of each period, by the period's index."""
    bags: dict[int, Samples] = {}
    start, end, period = window.start, window.end, window.period

    def bag(index: int) -> Samples:
        found = bags.get(index)
        if found is None:
            found = bags[index] = Samples()
        return found

    for column in columns:
        if isinstance(column, Moments):
            for at, samples in column.at:
                if start <= at < end:
                    held = bag((at - start) // period)
                    held.values += samples.values
                    held.counted += samples.counted
                    held.sets += samples.sets
            continue
        values, first, step = column.values, column.first, column.step
        i = max(0, -(-(start - first) // step))
        stop = min(len(values), -(-(end - first) // step))
        while i < stop:
            index = (first + i * step - start) // period
            following = min(stop, -(-(start + (index + 1) * period - first) // step))
            bag(index).values += values[i:following]
            i = following
    return bags
