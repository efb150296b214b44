# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The levels of a fleet's instances, and how much those of one image differ. Pure.

Each value is taken for the level of its instance, plus what all instances share in that minute, plus noise. Instances
of one image are never quite alike, and all minutes of one instance are one piece of evidence about its image: it is
the instances that are compared, not their minutes.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .dependence import dependence, mean_inflation
from .statistics import median

# Levels and what is shared depend on each other only where data are missing; so many rounds settle that.
ROUNDS = 4
# A value that is farther from its instance's level than so many standard deviations of the noise counts as this far:
# a single wild value decides nothing.
WILD = 4.0
# A window of history is whole with such a share of the values that the fullest one has.
WHOLE = 0.8
# The median absolute deviation of normal noise, in standard deviations.
_MAD = 0.6745

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Levels:
    """The levels of instances that were measured in the same minutes, in their order, in the metric's unit.

    C(noise) is the variance of one value around its level, and C(of_a_level) that of a level for it, where neighbouring
    values depend on each other; C(values) is of how many values all of them are. C(skew) is the skewness of a level by
    the noise of its values: above 0 where values are now and then far above, and seldom far below.
    """

    levels: tuple[float, ...]
    noise: float
    of_a_level: float
    values: int
    skew: float = 0.0

    def spread(self, members: Sequence[int]) -> float:
        """The sum of the squares of some levels around their mean."""
        mean = math.fsum(self.levels[one] for one in members) / len(members)
        return math.fsum((self.levels[one] - mean) ** 2 for one in members)

    def mean(self, members: Sequence[int]) -> float:
        """The mean of some levels."""
        return math.fsum(self.levels[one] for one in members) / len(members)


def levels_of(several: Sequence[Points]) -> Levels:
    """Find the levels of instances by their points (time, value); each must have one."""
    levels, shared = _fit(several)
    rests = _rests(several, levels, shared)
    scale = median([abs(rest) for one in rests for rest in one]) / _MAD
    if scale > 0 and any(abs(rest) > WILD * scale for one in rests for rest in one):
        tamed = _tamed(several)
        levels, shared = _fit(tamed)
        rests = _rests(tamed, levels, shared)
    total, minutes = sum(map(len, several)), len(shared)
    # What was fitted has taken its share of the noise.
    degrees = total - len(several) - minutes + 1
    squares = math.fsum(rest * rest for one in rests for rest in one)
    largest = max((abs(value) for points in several for __, value in points), default=0.0)
    # What is left of constant series is rounding.
    constant = degrees <= 0 or squares <= total * (1e-12 * largest) ** 2
    noise = 0.0 if constant else squares / degrees
    share = dependence(rests) if noise else None
    length = total / len(several)
    inflation = mean_inflation(share.share, length) if share else 1.0
    independent = max(1.0, length / inflation)
    return Levels(
        tuple(levels), noise, noise * inflation / length, total, _skewness(rests) / math.sqrt(independent)
    )


def _skewness(rests: Sequence[Sequence[float]]) -> float:
    """The skewness of all of them together, as far as it is more than twice its standard error."""
    values = [rest for one in rests for rest in one]
    square = math.fsum(value * value for value in values) / len(values)
    if square <= 0:
        return 0.0
    found = math.fsum(value**3 for value in values) / len(values) / square**1.5
    return found if abs(found) > 2 * math.sqrt(6 / len(values)) else 0.0


def _tamed(several: Sequence[Points]) -> list[list[tuple[float, float]]]:
    """The points, with each single wild value as far from its instance's level as is still believed.

    What is wild is seen by medians, on which a wild value has no influence. One whose neighbour is as far out is no
    single one: an instance that is slow for a while is.
    """
    middles = [median([value for __, value in points]) for points in several]
    by_moment: dict[float, list[float]] = {}
    for points, middle in zip(several, middles, strict=True):
        for moment, value in points:
            by_moment.setdefault(moment, []).append(value - middle)
    shared = {moment: median(values) for moment, values in by_moment.items()}
    levels = [median([value - shared[moment] for moment, value in points]) for points in several]
    rests = _rests(several, levels, shared)
    bound = WILD * median([abs(rest) for one in rests for rest in one]) / _MAD
    found = []
    for points, own in zip(several, rests, strict=True):
        far = [abs(rest) > bound for rest in own]
        alone = [
            far[at] and not any(far[near] for near in (at - 1, at + 1) if 0 <= near < len(far))
            for at in range(len(far))
        ]
        found.append(
            [
                (moment, value - rest + math.copysign(bound, rest) if wild else value)
                for (moment, value), rest, wild in zip(points, own, alone, strict=True)
            ]
        )
    return found


def _fit(several: Sequence[Points]) -> tuple[list[float], dict[float, float]]:
    """Levels of instances, and what all share at each moment, by least squares (each in turn)."""
    levels = [math.fsum(value for __, value in points) / len(points) for points in several]
    moments = {moment for points in several for moment, __ in points}
    if len(several) == 1:
        return levels, dict.fromkeys(moments, 0.0)
    complete = all(len(points) == len(moments) for points in several)
    centre = math.fsum(levels) / len(levels)
    shared: dict[float, float] = {}
    for __ in range(1 if complete else ROUNDS):
        sums: dict[float, float] = dict.fromkeys(moments, 0.0)
        counts: dict[float, int] = dict.fromkeys(moments, 0)
        for points, level in zip(several, levels, strict=True):
            for moment, value in points:
                sums[moment] += value - level
                counts[moment] += 1
        shared = {moment: sums[moment] / counts[moment] for moment in moments}
        if complete:
            break
        levels = [
            math.fsum(value - shared[moment] for moment, value in points) / len(points) for points in several
        ]
        # What is shared has a mean of its own, which belongs to nobody: the levels keep theirs.
        drift = centre - math.fsum(levels) / len(levels)
        levels = [level + drift for level in levels]
    return levels, shared


@functools.lru_cache(maxsize=64)
def _own(several: tuple[tuple[tuple[float, float], ...], ...]) -> list[list[tuple[float, float]]]:
    """The points without what all share, timed from the first of all. History is long, and the same at each look."""
    __, shared = _fit(several)
    begin = min(points[0][0] for points in several)
    return [[(moment - begin, value - shared[moment]) for moment, value in points] for points in several]


def _rests(
    several: Sequence[Points], levels: Sequence[float], shared: Mapping[float, float]
) -> list[list[float]]:
    return [
        [value - level - shared[moment] for moment, value in points]
        for points, level in zip(several, levels, strict=True)
    ]


@dataclass(frozen=True)
class Spread:
    """How much instances of one image differ: the mean square of their levels, of so many degrees of freedom."""

    variance: float = 0.0
    degrees: float = 0.0

    def and_also(self, other: Spread) -> Spread:
        """What two sources say together."""
        degrees = self.degrees + other.degrees
        if not degrees:
            return Spread()
        return Spread((self.variance * self.degrees + other.variance * other.degrees) / degrees, degrees)


def spread_of_history(blocks: Sequence[Sequence[Points]], duration: float) -> Spread:
    """How much levels differed over earlier windows of the same length, in seconds.

    Each block are instances that served together. The windows of an instance are no independent evidence of how it
    differs from others, so that a block of k instances has k - 1 degrees of freedom, whatever its length. What is left
    over at the end is no window: the mean of a few values varies more than that of many. For the same reason an
    instance has no say in a window of which it has less than half as many values as another.
    """
    found = Spread()
    for block in blocks:
        present = tuple(tuple(points) for points in block if points)
        if len(present) < 2 or duration <= 0:
            continue
        windows: defaultdict[int, list[list[float]]] = defaultdict(list)
        for points in _own(present):
            own: defaultdict[int, list[float]] = defaultdict(list)
            for after, value in points:
                own[int(after // duration)].append(value)
            for window, values in own.items():
                windows[window].append(values)
        squares, numbers = 0.0, 0
        for several in _whole(windows):
            means = [math.fsum(values) / len(values) for values in several]
            mean = math.fsum(means) / len(means)
            squares += math.fsum((one - mean) ** 2 for one in means)
            numbers += len(means) - 1
        if numbers:
            found = found.and_also(Spread(squares / numbers, len(present) - 1.0))
    return found


def _whole(windows: Mapping[int, Sequence[Sequence[float]]]) -> list[list[Sequence[float]]]:
    """The values of the instances that were there in each window that is as full as others, where any can be compared.

    A window that is not over has fewer values than those before it, of each instance.
    """
    most = {window: max(map(len, several)) for window, several in windows.items()}
    fullest = max(most.values(), default=0)
    found = []
    for window, several in windows.items():
        if most[window] >= WHOLE * fullest:
            there = [values for values in several if len(values) >= most[window] / 2]
            if len(there) >= 2:
                found.append(there)
    return found
