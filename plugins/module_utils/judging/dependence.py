# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much neighbouring values of a series depend on each other. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

# Shorter series say nothing of how one value depends on the one before.
SHORTEST_SERIES = 6
# Beyond it the estimate is no longer to be trusted, and no phase is long enough.
GREATEST_DEPENDENCE = 0.98


@dataclass(frozen=True)
class Dependence:
    """How much each value keeps of the one before (0 to 1), as estimated, and the estimate's standard error."""

    share: float = 0.0
    uncertain: float = 0.0

    @property
    def inflation(self) -> float:
        """By how much it multiplies the variance of a mean, for judging: rather too great than too small.

        Too small a share cries wolf, too great a one only takes longer. As far as there is dependence at all, the
        share gets its standard error on top.
        """
        return _inflation(self.share + min(self.uncertain, self.share / 2))

    @property
    def least_inflation(self) -> float:
        """What it multiplies the variance by at least: what keeps anything from being found has to be clear."""
        return _inflation(self.share - self.uncertain)


def _inflation(share: float) -> float:
    """(1 + r) / (1 - r) for values of which each keeps a share r of the one before.

    Bartlett, "On the theoretical specification and sampling properties of autocorrelated time-series", Journal of
    the Royal Statistical Society (Supplement) 8, 1946.
    """
    share = min(GREATEST_DEPENDENCE, max(0.0, share))
    return (1 + share) / (1 - share)


def mean_inflation(share: float, length: float) -> float:
    """By how much dependence multiplies the variance of the mean of so many values; of very many as C(_inflation).

    The sum of all correlations of n values of which each keeps a share r of the one before, r^k at a distance of k.
    """
    r, n = min(GREATEST_DEPENDENCE, max(0.0, share)), max(1.0, length)
    return float(_inflation(r) - 2 * r * (1 - r**n) / (n * (1 - r) ** 2))


def dependence(series: Sequence[Sequence[float]]) -> Dependence:
    """Estimate how much neighbouring values depend on each other, over all series together.

    Each series has its own level and slope removed: a canary that differs, or creeps, must not pass for one whose
    values depend on each other. Removing them makes the share r of n values too small by (2 + 4 r) / n (Kendall,
    "Note on bias in the estimation of autocorrelation", Biometrika 41, 1954, extended to a slope); that is put
    back. The standard error is sqrt((1 - r^2) / n) (Bartlett).
    """
    products = total = 0.0
    used = 0
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
        total += len(values)
        used += 1
    if not used:
        return Dependence()
    length = total / used
    # What is found is r - (2 + 4 r) / n; solved for r.
    undone = 1 / max(1 - 4 / length, 0.25)
    share = max(0.0, (products / total + 2 / length) * undone)
    return Dependence(share, undone * math.sqrt(max(0.0, 1 - share * share) / total))


def _without_slope(values: Sequence[float]) -> list[float]:
    """The residuals of a straight line through the values, by least squares."""
    n = len(values)
    middle, level = (n - 1) / 2, math.fsum(values) / n
    slope = sum((position - middle) * (value - level) for position, value in enumerate(values)) / (
        n * (n * n - 1) / 12
    )
    return [value - level - slope * (position - middle) for position, value in enumerate(values)]
