# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of two samples: pure functions of numbers, without dependencies.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()


@dataclass(frozen=True)
class MannWhitney:
    """What the Mann-Whitney test says of an experiment of m values and a control of n.

    C(u) counts the pairs in which the experiment is greater (a tie counts a half), C(cles) is its share of all
    pairs: the common-language effect size, 0.5 where neither side tends to be greater. C(p_value) is two-sided.
    C(low), C(high) and C(estimate) are of the shift, experiment minus control, in the unit of the data: the ends
    of its confidence interval and its Hodges-Lehmann estimate. C(z) is the standardised statistic.
    """

    u: float
    z: float
    p_value: float
    low: float
    high: float
    estimate: float
    cles: float


def mann_whitney(
    experiment: Sequence[float], control: Sequence[float], confidence: float = 0.98, *, inflation: float = 1.0
) -> MannWhitney:
    """Test whether an experiment's values tend to be greater or less than a control's.

    The normal approximation with corrections for ties and continuity (Mann and Whitney 1947; Lehmann,
    "Nonparametrics", 1975, sections 1.2 and 2.5). The interval inverts the test exactly: as the shift grows,
    the statistic changes only at the differences between a value of one side and a value of the other, so its
    ends are such differences and no root has to be searched for. It reaches from the smallest to the greatest
    difference where there are too few values for the confidence.

    C(inflation) multiplies the variance of the statistic, for values that are not independent.

    Raises:
        ValueError: a side is empty or has a value that is not finite, or the confidence is not between 0 and 1.
    """
    if not experiment or not control:
        raise ValueError("both sides need values")
    if not all(map(math.isfinite, (*experiment, *control))):
        raise ValueError("every value must be finite")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
    upper, lower = sorted(experiment), sorted(control)
    pairs = len(upper) * len(lower)
    u = pairs_won(upper, lower)
    # While the experiment is shifted, ties across the sides come and go; those within a side stay.
    within = _variance(upper, lower, (*Counter(upper).values(), *Counter(lower).values()))
    critical = normal_quantile(0.5 + confidence / 2) * math.sqrt(within * inflation)
    # So many of the greatest differences may be passed before the statistic leaves the critical region.
    passed = _smallest_outside(pairs / 2 - 0.5 - critical, pairs)
    z = standardised(u, upper, lower, inflation)
    return MannWhitney(
        u=u,
        z=z,
        p_value=min(1.0, 2 * normal_tail(abs(z))),
        low=kth_difference(upper, lower, passed - 1),
        high=kth_difference(upper, lower, pairs - passed),
        estimate=shift_estimate(upper, lower),
        cles=u / pairs,
    )


def _smallest_outside(most: float, pairs: int) -> int:
    """How many differences the shift must pass until U is within the critical distance of its middle.

    With k differences passed, U is C(pairs - k); its distance from the middle, less a half for continuity,
    must not exceed the critical one.
    """
    return min(pairs, max(1, math.ceil(most)))


def standardised(
    u: float, experiment: Sequence[float], control: Sequence[float], inflation: float = 1.0
) -> float:
    """U as a standard normal variable, with the corrections for ties and continuity; 0 where all values tie."""
    pairs = len(experiment) * len(control)
    variance = _variance(experiment, control, Counter((*experiment, *control)).values()) * inflation
    distance = u - pairs / 2
    if variance <= 0 or abs(distance) <= 0.5:
        return 0.0
    return (distance - math.copysign(0.5, distance)) / math.sqrt(variance)


def greatest_z(experiment: int, control: int, inflation: float = 1.0) -> float:
    """The greatest z that so many values can reach: that of sides which fully separate."""
    pairs = experiment * control
    if not pairs:
        return 0.0
    return (pairs - 1) / 2 / math.sqrt(pairs * (experiment + control + 1) / 12 * inflation)


def _variance(experiment: Sequence[float], control: Sequence[float], ties: Iterable[int]) -> float:
    """The variance of U without a difference between the sides; C(ties) are the sizes of groups of equals."""
    m, n = len(experiment), len(control)
    total = m + n
    tied = sum(size**3 - size for size in ties)
    return m * n / 12 * ((total + 1) - (tied / (total * (total - 1)) if tied else 0.0))


def pairs_won(experiment: Sequence[float], control: Sequence[float]) -> float:
    """U: in how many pairs the experiment's value is the greater; C(control) must be sorted."""
    return sum((bisect_left(control, value) + bisect_right(control, value)) / 2 for value in experiment)


def shift_estimate(experiment: Sequence[float], control: Sequence[float]) -> float:
    """The Hodges-Lehmann estimate of the shift: the median of all differences; both sides sorted."""
    pairs = len(experiment) * len(control)
    middle = kth_difference(experiment, control, pairs // 2)
    if pairs % 2:
        return middle
    return (kth_difference(experiment, control, pairs // 2 - 1) + middle) / 2


def kth_difference(experiment: Sequence[float], control: Sequence[float], k: int) -> float:
    """The k-th smallest (from 0) of all differences between a value of one side and one of the other.

    Both sides must be sorted. The differences are never listed: row by row they are sorted already, and a
    weighted median of the rows' medians rules out a quarter of them each time (Johnson and Mizoguchi,
    "Selecting the Kth element in X + Y", SIAM Journal on Computing 7, 1978).
    """
    n = len(control)
    # In the row of a value of the experiment, position p is the difference to control[n - 1 - p].
    first, last = [0] * len(experiment), [n] * len(experiment)
    while True:
        medians = sorted(
            (value - control[n - 1 - (low + high - 1) // 2], high - low)
            for value, low, high in zip(experiment, first, last, strict=True)
            if low < high
        )
        pivot = _weighted_median(medians)
        below = _rows_below(experiment, control, pivot, inclusive=False)
        through = _rows_below(experiment, control, pivot, inclusive=True)
        if k < sum(below):
            last = [min(high, limit) for high, limit in zip(last, below, strict=True)]
        elif k >= sum(through):
            first = [max(low, limit) for low, limit in zip(first, through, strict=True)]
        else:
            return pivot


def _weighted_median(weighted: Sequence[tuple[float, int]]) -> float:
    half = sum(weight for __, weight in weighted) / 2
    reached = itertools.accumulate(weight for __, weight in weighted)
    return next(value for (value, __), total in zip(weighted, reached, strict=True) if total >= half)


def _rows_below(
    experiment: Sequence[float], control: Sequence[float], limit: float, *, inclusive: bool
) -> list[int]:
    """For each value of the experiment, how many of its differences are below the limit."""
    n = len(control)
    counts, position = [], 0
    for value in experiment:
        # The greater the value, the greater the control's value has to be.
        while position < n and (
            value - control[position] > limit or (not inclusive and value - control[position] == limit)
        ):
            position += 1
        counts.append(n - position)
    return counts


def normal_tail(z: float) -> float:
    """The probability that a standard normal variable exceeds z, accurate far out in the tail."""
    return math.erfc(z / math.sqrt(2)) / 2


def normal_quantile(probability: float) -> float:
    """The value that a standard normal variable stays below with this probability, more than 0 and less than 1."""
    return _NORMAL.inv_cdf(probability)


def median(values: Sequence[float]) -> float:
    """The middle of the values, or the mean of the two middle ones.

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("there are no values")
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
