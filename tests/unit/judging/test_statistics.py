# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Mann-Whitney test against R's, and against its own definition."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judging.statistics import (
    greatest_z,
    kth_difference,
    mann_whitney,
    median,
    normal_quantile,
    normal_tail,
)
from hypothesis import given
from hypothesis import strategies as st

# 24 cases computed with R 4.2.2: wilcox.test(conf.int=TRUE, exact=FALSE, correct=TRUE, conf.level=.98).
VECTORS = json.loads((Path(__file__).parents[2] / "data" / "mann_whitney_vectors.json").read_text())

SIDE = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=12)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_agrees_with_r(case: dict[str, Any]) -> None:
    found = mann_whitney(case["experiment"], case["control"], case["confidence"])
    scale = max(map(abs, case["experiment"] + case["control"]))
    assert found.u == case["u"]
    assert found.cles == pytest.approx(case["cles"], abs=1e-12)
    assert found.p_value == pytest.approx(case["p_value"], abs=1e-9)
    assert found.low == pytest.approx(case["ci_low"], abs=1e-6 * scale)
    assert found.high == pytest.approx(case["ci_high"], abs=1e-6 * scale)
    assert case["estimate_low"] - 1e-9 * scale <= found.estimate <= case["estimate_high"] + 1e-9 * scale


def test_agrees_with_kayentas_published_interval() -> None:
    found = mann_whitney([10, 20, 30, 40], [1, 2, 3, 4], 0.95)
    assert (found.low, found.high, found.estimate) == (6, 39, 22.5)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_another_unit_changes_nothing_but_the_unit(case: dict[str, Any], factor: float) -> None:
    found = mann_whitney(case["experiment"], case["control"])
    scaled = mann_whitney(
        [value * factor for value in case["experiment"]], [value * factor for value in case["control"]]
    )
    assert (scaled.u, scaled.p_value) == (found.u, found.p_value)
    for name in ("low", "high", "estimate"):
        assert getattr(scaled, name) == pytest.approx(getattr(found, name) * factor, rel=1e-9)


@given(SIDE, SIDE, st.integers(0, 10_000))
def test_the_kth_difference_is_the_kth_of_all_differences(
    experiment: list[float], control: list[float], k: int
) -> None:
    differences = sorted(x - y for x in experiment for y in control)
    k %= len(differences)
    assert kth_difference(sorted(experiment), sorted(control), k) == differences[k]


@given(SIDE, SIDE)
def test_swapping_the_sides_mirrors_everything(experiment: list[float], control: list[float]) -> None:
    forth, back = mann_whitney(experiment, control), mann_whitney(control, experiment)
    assert forth.low == -back.high and forth.high == -back.low
    assert forth.estimate == -back.estimate
    assert forth.p_value == pytest.approx(back.p_value)
    assert forth.cles == pytest.approx(1 - back.cles)


@given(SIDE, SIDE)
def test_the_interval_holds_the_estimate_and_is_never_inverted(
    experiment: list[float], control: list[float]
) -> None:
    found = mann_whitney(experiment, control)
    assert found.low <= found.estimate <= found.high
    assert 0.0 <= found.p_value <= 1.0


def test_few_values_give_the_widest_interval_there_is() -> None:
    found = mann_whitney([10, 11, 12], [1, 2, 3])
    assert (found.low, found.high) == (7, 11)
    assert found.p_value > 0.02


def test_equal_values_everywhere_are_no_difference() -> None:
    found = mann_whitney([5.0] * 4, [5.0] * 9)
    assert (found.p_value, found.low, found.high, found.estimate, found.cles) == (1.0, 0, 0, 0, 0.5)


def test_inflation_widens_the_interval_and_weakens_the_evidence() -> None:
    generator = random.Random(1)
    experiment = [generator.gauss(1, 1) for _ in range(30)]
    control = [generator.gauss(0, 1) for _ in range(30)]
    plain, inflated = mann_whitney(experiment, control), mann_whitney(experiment, control, inflation=3.0)
    assert inflated.low < plain.low and inflated.high > plain.high
    assert inflated.z == pytest.approx(plain.z / math.sqrt(3))
    assert inflated.estimate == plain.estimate


def test_thousands_of_values_take_no_time() -> None:
    generator = random.Random(2)
    experiment = [generator.gauss(0.5, 1) for _ in range(9000)]
    control = [generator.gauss(0, 1) for _ in range(9000)]
    found = mann_whitney(experiment, control)
    assert 0.45 < found.low < found.estimate < found.high < 0.55


@pytest.mark.parametrize(
    "experiment, control, confidence",
    [
        ([], [1.0], 0.98),
        ([1.0], [], 0.98),
        ([math.nan], [1.0], 0.98),
        ([1.0], [math.inf], 0.98),
        ([1.0], [2.0], 1.0),
    ],
)
def test_what_cannot_be_compared_is_refused(
    experiment: list[float], control: list[float], confidence: float
) -> None:
    with pytest.raises(ValueError):
        mann_whitney(experiment, control, confidence)


def test_the_98_percent_level_needs_five_against_five() -> None:
    critical = normal_quantile(0.99)
    assert greatest_z(4, 4) < critical < greatest_z(5, 5)


def test_full_separation_reaches_the_greatest_z() -> None:
    assert mann_whitney([4, 5, 6, 7], [1, 2, 3]).z == pytest.approx(greatest_z(4, 3))


def test_the_tail_is_accurate_where_one_minus_the_rest_would_be_zero() -> None:
    assert normal_tail(10) == pytest.approx(7.619853e-24, rel=1e-6)


def test_the_median_of_an_even_number_is_between() -> None:
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5
    with pytest.raises(ValueError):
        median([])
