# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary's values against its baseline's: a verdict that may be asked for again and again. Pure.

No module uses it yet. What is missing first: with values of which each keeps 0.6 of the one before, phases of four
series of 15 points had false alarms in 6.7 % (tests/benchmark/judge_quality.py), more than the 5 % that are allowed.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from .judge import FAIL, INCONCLUSIVE, PASS, PENDING
from .metrics import number
from .statistics import greatest_z, mann_whitney, median, normal_quantile, normal_tail

INCREASE = "increase"
DECREASE = "decrease"
EITHER = "either"
# Shorter series say nothing of how one value depends on the one before.
SHORTEST_SERIES = 6
# Beyond it the estimate is no longer to be trusted, and no phase is long enough.
GREATEST_DEPENDENCE = 0.98


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to, and why.

    C(n) and C(n_baseline) count values; C(baseline), C(canary), C(shift), C(low) and C(high) are in the metric's
    unit; C(effect) is the share of pairs in which the canary is greater; C(inflation) is by how much the
    dependence of neighbouring values multiplies the variance. None stands for what cannot be known.
    """

    verdict: str
    reason: str
    n: int
    n_baseline: int
    baseline: float | None = None
    canary: float | None = None
    shift: float | None = None
    low: float | None = None
    high: float | None = None
    effect: float | None = None
    inflation: float = 1.0


def compare(
    canary: Sequence[Sequence[float]],
    baseline: Sequence[Sequence[float]],
    *,
    error: float,
    fraction: float = 1.0,
    final: bool = True,
    direction: str = EITHER,
    allowed: float = 0.0,
) -> Comparison:
    """Compare the series of a canary with those of its baseline, each in the order of time.

    C(error) is the chance of a false alarm that this metric may have in its whole phase, however often it is
    looked at; C(fraction) is how much of the phase's data are there. A shift in the bad C(direction) of no more
    than C(allowed) times the baseline's median is tolerated.

    Raises:
        ValueError: the error is not between 0 and 1, the fraction is not above 0 and at most 1, the direction is
            unknown, or a value is not finite.
    """
    if direction not in (INCREASE, DECREASE, EITHER):
        raise ValueError(f"unknown direction {direction!r}")
    critical = boundary(error, fraction, two_sided=direction == EITHER)
    ours = [value for series in canary for value in series]
    theirs = [value for series in baseline for value in series]
    if not ours or not theirs:
        side = "canary" if not ours else "baseline"
        return Comparison(
            INCONCLUSIVE if final else PENDING, f"no datapoint of the {side}", len(ours), len(theirs)
        )
    inflation = variance_inflation([*canary, *baseline])
    # The interval is as wide as the boundary is far: what it excludes is what the verdict rests on.
    confidence = min(1 - 2 * normal_tail(critical), 1 - 1e-12)
    test = mann_whitney(ours, theirs, confidence, inflation=inflation)
    middle, control = median(ours), median(theirs)
    margin = allowed * abs(control)
    worse = direction != DECREASE and _beyond(ours, theirs, margin, critical, inflation)
    lower = direction != INCREASE and _beyond(theirs, ours, margin, critical, inflation)
    words = _words(middle, control, test.estimate, test.low, test.high, len(ours), len(theirs))
    if worse or lower:
        tolerated = f", and {number(100 * allowed)} % is allowed" if allowed else ""
        verdict, reason = FAIL, f"{'higher' if worse else 'lower'} than the baseline: {words}{tolerated}"
    elif not final:
        verdict, reason = PENDING, f"no difference so far: {words}"
    elif greatest_z(len(ours), len(theirs), inflation) < critical:
        verdict, reason = INCONCLUSIVE, _advice(len(ours), len(theirs), critical, inflation)
    else:
        verdict, reason = PASS, f"no difference that counts: {words}"
    return Comparison(
        verdict=verdict,
        reason=reason,
        n=len(ours),
        n_baseline=len(theirs),
        baseline=control,
        canary=middle,
        shift=test.estimate,
        low=test.low,
        high=test.high,
        effect=test.cles,
        inflation=inflation,
    )


def boundary(error: float, fraction: float, *, two_sided: bool) -> float:
    """The z that must be exceeded when this fraction of a phase's data is there.

    The sums behind z grow like a Brownian motion B, and z is B(t) / sqrt(t). B crosses C somewhere before t = 1
    with a probability of at most 2 (1 - Phi(C)) (the reflection principle), so that z > C / sqrt(t) spends no
    more than the error over any number of looks: the shape of O'Brien and Fleming, "A multiple testing procedure
    for clinical trials", Biometrics 35, 1979.

    Raises:
        ValueError: the error is not between 0 and 1, or the fraction is not above 0 and at most 1.
    """
    if not 0.0 < error < 1.0:
        raise ValueError(f"error must be between 0 and 1, not {error}")
    if not 0.0 < fraction <= 1.0:
        raise ValueError(f"fraction must be above 0 and at most 1, not {fraction}")
    return -normal_quantile(error / (4 if two_sided else 2)) / math.sqrt(fraction)


def variance_inflation(series: Sequence[Sequence[float]]) -> float:
    """By how much the variance of a mean is greater than that of as many independent values; at least 1.

    (1 + r) / (1 - r) for values of which each keeps a share r of the one before (Bartlett, "On the theoretical
    specification and sampling properties of autocorrelated time-series", 1946). r is estimated over all series
    together, each with its own level and slope removed: a canary that differs, or creeps, must not pass for
    one whose values depend on each other. Removing them makes r too small by (2 + 4 r) / n (Kendall,
    "Note on bias in the estimation of autocorrelation", 1954, extended to a slope); that is put back.
    """
    products = squares = 0.0
    used = points = 0
    for values in series:
        if len(values) < SHORTEST_SERIES:
            continue
        rest = _without_slope(values)
        size = sum(value * value for value in rest)
        # A constant series has no noise to learn from; what is left of it is rounding.
        if size <= len(values) * (1e-12 * max(map(abs, values))) ** 2:
            continue
        # Each series counts by its length, not by its unit or its noise.
        products += len(values) * sum(a * b for a, b in itertools.pairwise(rest)) / size
        squares += len(values)
        points += len(values)
        used += 1
    if not used:
        return 1.0
    length = points / used
    found = products / squares
    # found = r - (2 + 4 r) / n, solved for r.
    dependence = max(0.0, (found + 2 / length) / max(1 - 4 / length, 0.25))
    dependence = min(GREATEST_DEPENDENCE, dependence)
    return (1 + dependence) / (1 - dependence)


def _without_slope(values: Sequence[float]) -> list[float]:
    """The residuals of a straight line through the values, by least squares."""
    n = len(values)
    middle, level = (n - 1) / 2, math.fsum(values) / n
    slope = sum((position - middle) * (value - level) for position, value in enumerate(values)) / (
        n * (n * n - 1) / 12
    )
    return [value - level - slope * (position - middle) for position, value in enumerate(values)]


def _beyond(
    more: Sequence[float], less: Sequence[float], margin: float, critical: float, inflation: float
) -> bool:
    """Whether one side exceeds the other by more than the margin, for certain enough."""
    return mann_whitney([value - margin for value in more], less, inflation=inflation).z > critical


def _words(
    canary: float, baseline: float, shift: float, low: float, high: float, n: int, n_baseline: int
) -> str:
    return (
        f"median {number(canary)} against {number(baseline)}, a shift of {number(shift)} (between {number(low)}"
        f" and {number(high)}) in {n} against {n_baseline} datapoints"
    )


def _advice(n: int, n_baseline: int, critical: float, inflation: float) -> str:
    factor = 2
    while greatest_z(factor * n, factor * n_baseline, inflation) < critical:
        factor += 1
    return (
        f"{n} against {n_baseline} datapoints cannot show any difference, however great; at least {factor * n} against"
        f" {factor * n_baseline} are needed: watch {factor} times as long, with a shorter period (detailed"
        " monitoring), or with more instances"
    )
