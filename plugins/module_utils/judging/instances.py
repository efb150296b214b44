# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instances of a canary and of its baseline with their levels, and the test that compares them. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .comparison import boundary
from .datapoints import Series, Terms
from .levels import Levels, Spread
from .rules import DECREASE, INCREASE
from .statistics import normal_quantile, normal_tail
from .student import chi_squared_share, t_quantile, t_tail

# By how much instances of one image usually differ, in standard deviations of the noise of one value. Where few
# instances are there to tell, this counts like so many degrees of freedom.
USUAL = 0.5
PRIOR_DEGREES = 2.0
# In a fleet that is not usual, where instances differ by far more than their noise, the chance of a false alarm is at
# most so many times as great, where no more instances are there to tell than that; the more there are, the less.
UNUSUAL = 1.6
# An estimate of a variance is not believed to be smaller than once in so many cases.
INCREDIBLE = 0.02
# What is skewed is told no farther out than this.
LEAST_LEVEL = 1e-6
# The chance that a canary which is as bad as said is found.
POWER = 0.8


@dataclass(frozen=True)
class FleetTest:
    """A canary's level against its baseline's, and by what errors that is judged.

    C(shift) is canary minus baseline; C(error) is the standard error of it, by the instances that there are, and
    C(usual_error) by what is usual besides; each with its degrees of freedom. C(skew) is the shift's skewness.
    """

    shift: float
    control: float
    error: float
    degrees: float
    usual_error: float
    usual_degrees: float
    margin: float
    direction: str
    skew: float = 0.0

    @property
    def unusual(self) -> float:
        """How many times as great the chance of a false alarm may be in a fleet that is not usual."""
        return 1 + (UNUSUAL - 1) * min(1.0, PRIOR_DEGREES / self.degrees)

    def differs(self, level: float) -> int:
        """1 where the canary is higher by more than the margin and that is bad, -1 where lower, else 0.

        C(level) is the chance of a false alarm on one side.
        """
        if self.direction != DECREASE and self._beyond(self.shift - self.margin, level, self.skew):
            return 1
        if self.direction != INCREASE and self._beyond(-self.shift - self.margin, level, -self.skew):
            return -1
        return 0

    def _beyond(self, distance: float, level: float, skew: float) -> bool:
        distance /= _stretch(level, skew)
        if distance <= 1e-9 * max(abs(self.control), abs(self.shift)):
            return False
        plain = _tail(distance, self.error, self.degrees)
        if plain <= level:
            return True
        return (
            plain <= self.unusual * level and _tail(distance, self.usual_error, self.usual_degrees) <= level
        )

    def limit(self, level: float) -> float:
        """The shift that is just found, in the metric's unit, without the margin."""
        plain = self.error * t_quantile(level, self.degrees)
        usual = self.usual_error * t_quantile(level, self.usual_degrees)
        found = min(plain, max(self.error * t_quantile(self.unusual * level, self.degrees), usual))
        return found * _stretch(level, self._long_side)

    def smallest(self, level: float) -> float:
        """The shift that is found with a probability of C(POWER), by how much instances seem to differ.

        The limit is as uncertain as the estimate of that: a t of v degrees exceeds c with the chance with which a
        normal variable exceeds about c (1 - 1 / 4 v), of variance 1 + c^2 / 2 v (Abramowitz and Stegun, 26.7.10).
        """

        def by(t: float, degrees: float) -> float:
            spread = math.sqrt(1 + t * t / (2 * degrees))
            return t * (1 - 1 / (4 * degrees)) + normal_quantile(POWER) * spread

        plain = by(t_quantile(level, self.degrees), self.degrees)
        less = by(t_quantile(self.unusual * level, self.degrees), self.degrees)
        usual = by(t_quantile(level, self.usual_degrees), self.usual_degrees)
        found = min(plain, max(less, usual)) * _stretch(level, self._long_side)
        return self.margin + self.usual_error * found

    @property
    def _long_side(self) -> float:
        """The skewness toward what is bad; where both sides are, toward that on which more is excused."""
        return {INCREASE: self.skew, DECREASE: -self.skew}.get(self.direction, abs(self.skew))


def _stretch(level: float, skew: float) -> float:
    """By how much farther out a skewed variable is than a normal one at this chance, if it is.

    The first term of Cornish and Fisher, "Moments and cumulants in the specification of distributions", Revue de
    l'Institut International de Statistique 5, 1938, as Johnson, "Modified t tests and confidence intervals for
    asymmetrical populations", Journal of the American Statistical Association 73, 1978, puts it into a t test.
    """
    z = max(1.0, normal_quantile(1 - max(level, LEAST_LEVEL)))
    return 1 + max(0.0, skew) * (z * z - 1) / (6 * z)


def _tail(distance: float, error: float, degrees: float) -> float:
    return t_tail(distance / error, degrees) if error > 0 else 0.0


@dataclass(frozen=True)
class Fleet:
    """All instances of both sides with their levels; those of the canary come first."""

    series: tuple[Series, ...]
    ours: int
    levels: Levels
    history: Spread

    @property
    def canary(self) -> list[int]:
        """The positions of the canary's instances."""
        return list(range(self.ours))

    @property
    def baseline(self) -> list[int]:
        """The positions of the baseline's."""
        return list(range(self.ours, len(self.series)))

    def spread(self, *sides: Sequence[int]) -> Spread:
        """How much instances differ within each side, and in history."""
        degrees = sum(len(side) - 1 for side in sides)
        squares = math.fsum(self.levels.spread(side) for side in sides)
        own = Spread(squares / degrees, degrees) if degrees else Spread()
        return own.and_also(self.history)

    def test(
        self, canary: Sequence[int], baseline: Sequence[int], rule_margin: float, direction: str
    ) -> FleetTest:
        """Compare some instances with others."""
        levels, found = self.levels, self.spread(canary, baseline)
        # Levels differ by their noise at least.
        least = levels.of_a_level * chi_squared_share(INCREDIBLE, found.degrees)
        variance = max(found.variance, least)
        usual = Spread(levels.of_a_level + USUAL**2 * levels.noise, PRIOR_DEGREES).and_also(
            replace(found, variance=variance)
        )
        sizes = 1 / len(canary) + 1 / len(baseline)
        control = levels.mean(baseline)
        # Of a difference of means, by what of the variance is noise.
        thirds = 1 / len(canary) ** 2 - 1 / len(baseline) ** 2
        share = min(1.0, levels.of_a_level / variance) if variance else 0.0
        return FleetTest(
            shift=levels.mean(canary) - control,
            control=control,
            error=math.sqrt(variance * sizes),
            degrees=found.degrees,
            usual_error=math.sqrt(usual.variance * sizes),
            usual_degrees=usual.degrees,
            margin=rule_margin * abs(control),
            direction=direction,
            skew=levels.skew * share**1.5 * thirds / sizes**1.5,
        )


def of_one_instance(test: FleetTest, levels: Levels) -> FleetTest:
    """A test of one instance that was chosen because it is far out: its tails are judged by its own datapoints.

    A level is the mean of them. The fewer independent ones there are, the farther out it may be by chance, whatever
    many other instances tell; the error has no more degrees of freedom than twice as many.
    """
    most = max(1.0, 2 * levels.noise / levels.of_a_level) if levels.of_a_level else math.inf
    return replace(test, degrees=min(most, test.degrees), usual_degrees=min(most, test.usual_degrees))


def level_of(error: float, terms: Terms, *, two_sided: bool) -> float:
    """The chance of a false alarm on one side that this look may have."""
    return normal_tail(boundary(error, terms.fraction, two_sided=two_sided, looks=terms.looks))


def percent(value: float, level: float, *, signed: bool = False) -> str:
    """An amount as a share of the level, in brackets; empty where there is no level."""
    return f" ({100 * value / abs(level):{'+' if signed else ''}.3g} %)" if level else ""
