# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many lines of one kind as a band: the middle, the quartiles and the extremes at each moment. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

# A hundred lines are a ball of wool; a dozen can still be told apart.
MOST_LINES = 12
# What fewer have in common is no band.
FEWEST_LINES = 4

Point = tuple[float, float]


@dataclass(frozen=True)
class Moment:
    """How values of several lie at one moment (epoch seconds)."""

    at: float
    low: float
    lower: float
    middle: float
    upper: float
    high: float


@dataclass(frozen=True)
class Spread:
    """How many lines of a kind lie over time."""

    kind: str
    lines: int
    moments: tuple[Moment, ...]

    @property
    def middle(self) -> list[Point]:
        """The medians, as a line."""
        return [(one.at, one.middle) for one in self.moments]

    def around(self, *, quartiles: bool) -> list[Point]:
        """The outline from the lower end forth to the upper end back: of the quartiles, or of the extremes."""
        below = [(one.at, one.lower if quartiles else one.low) for one in self.moments]
        above = [(one.at, one.upper if quartiles else one.high) for one in self.moments]
        return below + above[::-1]


def spread_of(kind: str, several: Sequence[Sequence[Point]]) -> Spread:
    """The spread of lines, by the values that they have at the same moments."""
    found: dict[float, list[float]] = {}
    for points in several:
        for at, value in points:
            found.setdefault(at, []).append(value)
    return Spread(kind, len(several), tuple(_moment(at, found[at]) for at in sorted(found)))


def _moment(at: float, values: Sequence[float]) -> Moment:
    lower, __, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return Moment(at, min(values), lower, median(values), upper, max(values))


def total(groups: Sequence[Sequence[Point]]) -> list[Point]:
    """The sum of lines that keep their values from one point to the next."""
    latest: dict[int, float] = {}
    found: dict[float, float] = {}
    changes = sorted((at, number, value) for number, points in enumerate(groups) for at, value in points)
    for at, number, value in changes:
        latest[number] = value
        found[at] = sum(latest.values())
    return list(found.items())
