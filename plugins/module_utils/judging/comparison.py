# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary's values against its baseline's by Mann and Whitney's test, which may be repeated as data come. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .bounds import ignored
from .datapoints import FAIL, INCONCLUSIVE, PASS, PENDING, Evidence, Opinion, Series, Terms, values_of
from .dependence import dependence
from .metrics import number
from .rules import DECREASE, EITHER, INCREASE
from .statistics import (
    greatest_z,
    mann_whitney,
    median,
    normal_quantile,
    normal_tail,
    pairs_won,
    standardised,
)

# By how much a sum of independent steps overshoots a boundary on average, in steps.
OVERSHOOT = 0.583
# Of a metric's chance of a false alarm, what goes to single instances; the rest goes to the canary as a whole.
SHARE_OF_INSTANCES = 0.1
# No phase is that long: what would need more is said to need too much.
GREATEST_FACTOR = 1000


@dataclass(frozen=True)
class _Sides:
    """What is compared with what, by which boundary."""

    canary: list[float]
    baseline: list[float]
    margin: float
    inflation: float
    critical: float
    direction: str

    @property
    def differs(self) -> int:
        """1 where the canary is higher by more than the margin and that is bad, -1 where lower, else 0."""
        if self.direction != DECREASE and exceeds(self.canary, self.baseline, self.margin, self.inflation) > (
            self.critical
        ):
            return 1
        if self.direction != INCREASE and exceeds(self.baseline, self.canary, self.margin, self.inflation) > (
            self.critical
        ):
            return -1
        return 0


def shift_opinion(evidence: Evidence, terms: Terms) -> Opinion:
    """Compare a canary with its baseline; both have datapoints.

    Fails as soon as a shift in the bad direction is beyond what chance explains, and C(allowed_effect) tolerates.
    C(terms.error) is kept over any number of looks.
    """
    rule = evidence.metric.rule
    ours, theirs = values_of(evidence.canary), values_of(evidence.baseline)
    depends = dependence([series.values for series in (*evidence.canary, *evidence.baseline)])
    inflation = depends.inflation
    suspects = [series for series in evidence.canary if series.instance_id and series.points]
    per_instance = len(suspects) >= 2
    error = terms.error * (1 - SHARE_OF_INSTANCES) if per_instance else terms.error
    critical = boundary(error, terms.fraction, two_sided=rule.direction == EITHER, looks=terms.looks)
    control = median(theirs)
    margin = rule.allowed_effect * abs(control)
    sides = _Sides(ours, theirs, margin, inflation, critical, rule.direction)
    differs = sides.differs
    outlier = (
        bad_instance(evidence, replace(terms, error=terms.error * SHARE_OF_INSTANCES), inflation)
        if per_instance
        else None
    )
    if not (differs or outlier or terms.final):
        # Without the interval, which takes longest and nobody reads yet.
        return Opinion(PENDING, "no difference so far", "shift")
    # As wide as the boundary is far: what it excludes is what the verdict rests on.
    confidence = min(1 - 2 * normal_tail(critical), 1 - 1e-12)
    test = mann_whitney(ours, theirs, confidence, inflation=inflation)
    words = (
        f"median {number(median(ours))} against {number(control)}, a shift of {number(test.estimate)} (between"
        f" {number(test.low)} and {number(test.high)}) in {len(ours)} against {len(theirs)} datapoints"
    )

    def opinion(verdict: str, reason: str, rule_name: str = "shift") -> Opinion:
        return Opinion(verdict, reason, rule_name, test.estimate, test.low, test.high, test.cles)

    if (differs or outlier) and ignored(rule, median(outlier.values if outlier else ours), control):
        if terms.final:
            return opinion(
                PASS, f"differs from the baseline, but so little that it is ignored: {words}", "ignore"
            )
        return Opinion(PENDING, "no difference so far that is not ignored", "ignore")
    if outlier and not _others_differ(evidence, outlier, margin, inflation, critical):
        return opinion(FAIL, _outlier_words(evidence, outlier), "instance")
    if differs:
        tolerated = f"; {number(100 * rule.allowed_effect)} % are allowed" if rule.allowed_effect else ""
        return opinion(FAIL, f"{'higher' if differs > 0 else 'lower'} than the baseline: {words}{tolerated}")
    least = depends.least_inflation
    if greatest_z(len(ours), len(theirs), least) < critical:
        return opinion(INCONCLUSIVE, _advice(len(ours), len(theirs), critical, least))
    # How much values depend on each other is only estimated: a pass must hold by the lower estimate, too, where by the
    # one that is used no difference could have been shown.
    if greatest_z(len(ours), len(theirs), inflation) < critical and replace(sides, inflation=least).differs:
        return opinion(
            INCONCLUSIVE,
            "differs from the baseline, unless neighbouring values depend on each other as much as they seem to:"
            f" {words}; watch longer, with a shorter period (detailed monitoring), or with more instances",
        )
    return opinion(PASS, f"no difference that counts: {words}")


def exceeds(more: Sequence[float], less: Sequence[float], margin: float, inflation: float) -> float:
    """By how much one side exceeds the other and the margin, as a standard normal variable."""
    ordered = sorted(less)
    shifted = [value - margin for value in more] if margin else more
    return standardised(pairs_won(shifted, ordered), shifted, ordered, inflation)


def boundary(error: float, fraction: float, *, two_sided: bool, looks: int = 0) -> float:
    """The z that must be exceeded when this fraction of a phase's data is there.

    The sums behind z grow like a Brownian motion B, and z is B(t) / sqrt(t). B crosses C somewhere before t = 1
    with a probability of at most 2 (1 - Phi(C)) (the reflection principle), so that z > C / sqrt(t) spends no
    more than the error over any number of looks: the shape of O'Brien and Fleming, "A multiple testing procedure
    for clinical trials", Biometrics 35, 1979. Where it is looked at no more than C(looks) times, evenly, C may be
    0.583 / sqrt(looks) less (Siegmund, "Sequential Analysis", 1985, section 10.1), down to that of a single look.

    Raises:
        ValueError: the error is not between 0 and 1, or the fraction is not above 0 and at most 1.
    """
    if not 0.0 < error < 1.0:
        raise ValueError(f"error must be between 0 and 1, not {error}")
    if not 0.0 < fraction <= 1.0:
        raise ValueError(f"fraction must be above 0 and at most 1, not {fraction}")
    side = error / 2 if two_sided else error
    always = -normal_quantile(side / 2)
    if looks:
        always = max(-normal_quantile(side), always - OVERSHOOT / math.sqrt(looks))
    return always / math.sqrt(fraction)


# ------------------------------------------------------------------------------ one bad instance


def bad_instance(evidence: Evidence, terms: Terms, inflation: float) -> Series | None:
    """The one instance of a canary that differs from all others, its own group's and the baseline's; or None.

    It must differ from them by more than chance explains, and stand apart: farther from the nearest of them than
    they are from each other. Instances that are merely not quite alike do not.
    """
    rule = evidence.metric.rule
    suspects = [series for series in evidence.canary if series.instance_id and series.points]
    everybody = [series for series in (*suspects, *evidence.baseline) if series.points]
    if len(suspects) < 2 or len(everybody) < 3:
        return None
    critical = boundary(
        terms.error / len(suspects), terms.fraction, two_sided=rule.direction == EITHER, looks=terms.looks
    )
    margin = rule.allowed_effect * abs(median(values_of(evidence.baseline)))
    guilty = []
    for suspect in suspects:
        others = [series for series in everybody if series is not suspect]
        if not _stands_apart(suspect, others, rule.direction):
            continue
        if _Sides(suspect.values, values_of(others), margin, inflation, critical, rule.direction).differs:
            guilty.append(suspect)
    return guilty[0] if len(guilty) == 1 else None


def _stands_apart(suspect: Series, others: Sequence[Series], direction: str) -> bool:
    middle = median(suspect.values)
    middles = [median(series.values) for series in others]
    low, high = min(middles), max(middles)
    return (direction != DECREASE and middle - high > high - low) or (
        direction != INCREASE and low - middle > high - low
    )


def _others_differ(
    evidence: Evidence, outlier: Series, margin: float, inflation: float, critical: float
) -> bool:
    """Whether the canary differs from the baseline even without its outlier."""
    others = [series for series in evidence.canary if series is not outlier]
    direction = evidence.metric.rule.direction
    return bool(
        _Sides(
            values_of(others), values_of(evidence.baseline), margin, inflation, critical, direction
        ).differs
    )


def _outlier_words(evidence: Evidence, outlier: Series) -> str:
    others = [series for series in evidence.canary if series is not outlier and series.points]
    theirs, control = median(values_of(others)), median(values_of(evidence.baseline))
    way = "higher" if median(outlier.values) > theirs else "lower"
    rest = f"The other {len(others)} do" if len(others) > 1 else "The other one does"
    return (
        f"{outlier.member} is {way} than the others: median {number(median(outlier.values))} against"
        f" {number(theirs)} of the group's other instances and {number(control)} of the baseline, in"
        f" {len(outlier.points)} datapoints. {rest} not differ from the baseline: this looks like one bad instance,"
        " not like a bad image"
    )


# ------------------------------------------------------------------------------- what can be found


def _advice(n: int, n_baseline: int, critical: float, inflation: float) -> str:
    factor = times_as_long(n, n_baseline, critical, inflation)
    if factor is None:
        return (
            f"{n} against {n_baseline} datapoints cannot show any difference: neighbouring values depend on each"
            " other so much that no length of time would help. Compare something that varies faster"
        )
    dependent = "" if inflation < 1.5 else ", of which neighbours depend on each other,"
    return (
        f"{n} against {n_baseline} datapoints{dependent} cannot show any difference, however great; at least"
        f" {factor * n} against {factor * n_baseline} are needed: watch {factor} times as long, with a shorter period"
        " (detailed monitoring), or with more instances"
    )


def times_as_long(n: int, n_baseline: int, critical: float, inflation: float = 1.0) -> int | None:
    """How many times as long, at least twice, a phase must be to show any difference; None where none would do."""
    return next(
        (
            factor
            for factor in range(2, GREATEST_FACTOR + 1)
            if greatest_z(factor * n, factor * n_baseline, inflation) >= critical
        ),
        None,
    )


def detectable(n: int, n_baseline: int, critical: float, power: float = 0.9) -> float | None:
    """The shift, in standard deviations of the noise, that so many values find with this probability.

    For normal noise without dependence, by the normal approximation (Noether, "Sample size determination for
    some common nonparametric tests", Journal of the American Statistical Association 82, 1987). None where no
    shift can be found, however great.
    """
    if greatest_z(n, n_baseline) < critical:
        return None
    deviation = math.sqrt(n * n_baseline * (n + n_baseline + 1) / 12)
    share = 0.5 + (critical + normal_quantile(power)) * deviation / (n * n_baseline)
    # Nearly full separation: beyond it the approximation has nothing to say but that it is much.
    return math.sqrt(2) * normal_quantile(min(share, 0.9999))
