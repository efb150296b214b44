# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Student's t, the chi-squared distribution and the incomplete beta function: pure functions, without dependencies.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import functools
import math

from .statistics import normal_quantile

# Of the continued fraction: more precise than any verdict needs.
_PRECISION = 1e-13
_MOST_TERMS = 500
_TINY = 1e-300


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a and b above 0 and x from 0 to 1.

    By its continued fraction, evaluated by Lentz's method (Abramowitz and Stegun, "Handbook of Mathematical
    Functions", 26.5.8).
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        # There the fraction of the other side converges faster.
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1))
    found = d
    for term in range(1, _MOST_TERMS):
        even = term * (b - term) * x / ((a + 2 * term - 1) * (a + 2 * term))
        odd = -(a + term) * (a + b + term) * x / ((a + 2 * term) * (a + 2 * term + 1))
        d = 1.0 / _not_zero(1.0 + even * d)
        c = _not_zero(1.0 + even / c)
        found *= c * d
        d = 1.0 / _not_zero(1.0 + odd * d)
        c = _not_zero(1.0 + odd / c)
        change = c * d
        found *= change
        if abs(change - 1.0) < _PRECISION:
            break
    return found


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def t_tail(t: float, degrees: float) -> float:
    """The probability that Student's t with so many degrees of freedom exceeds C(t); accurate far out."""
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    half = incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2
    return half if t >= 0 else 1.0 - half


@functools.lru_cache(maxsize=1024)
def t_quantile(tail: float, degrees: float) -> float:
    """The t that is exceeded with this probability, above 0 and at most a half."""
    low, high = 0.0, 1.0
    while t_tail(high, degrees) > tail:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, degrees) > tail else (low, middle)
    return high


def chi_squared_share(probability: float, degrees: float) -> float:
    """The quantile of chi-squared by its degrees of freedom: by how much a variance may come out too small or great.

    Wilson and Hilferty, "The distribution of chi-square", Proceedings of the National Academy of Sciences 17, 1931.
    """
    ninth = 2 / (9 * degrees)
    return max(0.0, 1 - ninth + normal_quantile(probability) * math.sqrt(ninth)) ** 3
