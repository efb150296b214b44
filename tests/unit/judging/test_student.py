# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Student's t and what belongs to it, against published tables and closed forms."""

from __future__ import annotations

import math

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judging.statistics import normal_tail
from ansible_collections.progressive.aws.plugins.module_utils.judging.student import (
    chi_squared_share,
    incomplete_beta,
    t_quantile,
    t_tail,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "degrees, tail, t",
    [
        (1, 0.025, 12.706),
        (2, 0.005, 9.925),
        (3, 0.001, 10.215),
        (6, 0.0025, 4.317),
        (10, 0.025, 2.228),
        (30, 0.005, 2.750),
    ],
)
def test_quantiles_are_those_of_the_tables(degrees: int, tail: float, t: float) -> None:
    assert t_quantile(tail, degrees) == pytest.approx(t, abs=0.001)
    assert t_tail(t, degrees) == pytest.approx(tail, rel=1e-3)


@given(st.floats(-50, 50))
def test_with_one_degree_it_is_cauchys(t: float) -> None:
    assert t_tail(t, 1) == pytest.approx(0.5 - math.atan(t) / math.pi, abs=1e-9)


def test_with_very_many_it_is_the_normal_one() -> None:
    assert t_tail(3.0, 1e7) == pytest.approx(normal_tail(3.0), rel=1e-3)
    assert t_tail(math.inf, 3) == 0.0


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 0.99))
def test_a_binomial_tail_is_the_sum_of_its_terms(successes: int, more: int, share: float) -> None:
    trials = successes + more - 1
    terms = sum(
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(successes, trials + 1)
    )
    assert incomplete_beta(successes, more, share) == pytest.approx(terms, abs=1e-9)


def test_the_ends_and_chi_squared() -> None:
    assert (incomplete_beta(2, 3, 0.0), incomplete_beta(2, 3, 1.0)) == (0.0, 1.0)
    assert 10 * chi_squared_share(0.05, 10) == pytest.approx(3.940, abs=0.05)
    assert 10 * chi_squared_share(0.95, 10) == pytest.approx(18.307, abs=0.05)
