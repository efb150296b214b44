# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comparison of a canary with its baseline comes to."""

from __future__ import annotations

import random

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judge_comparison import (
    boundary,
    compare,
    variance_inflation,
)

from tests.benchmark import judge_quality


def noise(seed: int, level: float = 10.0, series: int = 4, points: int = 15) -> list[list[float]]:
    chance = random.Random(seed)
    return [[chance.gauss(level, 1.0) for __ in range(points)] for __ in range(series)]


def test_the_same_population_passes_and_a_shifted_one_fails_in_words() -> None:
    assert compare(noise(1), noise(2), error=0.004).verdict == "pass"
    found = compare(noise(1, level=12.0), noise(2), error=0.004)
    assert found.verdict == "fail"
    assert found.reason.startswith("higher than the baseline: median 12")
    assert "in 60 against 60 datapoints" in found.reason


def test_a_shift_in_the_good_direction_passes() -> None:
    assert compare(noise(1, level=12.0), noise(2), error=0.004, direction="decrease").verdict == "pass"
    assert compare(noise(1, level=8.0), noise(2), error=0.004, direction="decrease").verdict == "fail"


def test_a_shift_that_is_allowed_passes() -> None:
    assert compare(noise(1, level=12.0), noise(2), error=0.004, allowed=0.3).verdict == "pass"


def test_three_points_against_three_that_separate_are_inconclusive_with_advice() -> None:
    found = compare([[10.0, 11.0, 12.0]], [[1.0, 2.0, 3.0]], error=0.004)
    assert found.verdict == "inconclusive"
    assert "3 against 3 datapoints cannot show any difference" in found.reason
    assert "at least 9 against 9 are needed" in found.reason


def test_a_side_without_data_is_not_a_pass() -> None:
    assert compare([], noise(2), error=0.004).reason == "no datapoint of the canary"
    assert compare(noise(1), [[]], error=0.004).verdict == "inconclusive"


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("level", [10.0, 10.6, 12.0])
def test_the_verdict_does_not_depend_on_the_unit(scale: float, level: float) -> None:
    def scaled(series: list[list[float]]) -> list[list[float]]:
        return [[value * scale for value in one] for one in series]

    plain = compare(noise(5, level), noise(6), error=0.004, allowed=0.05)
    other = compare(scaled(noise(5, level)), scaled(noise(6)), error=0.004, allowed=0.05)
    assert (other.verdict, other.effect) == (plain.verdict, plain.effect)


def test_early_looks_need_more_than_late_ones() -> None:
    assert boundary(0.004, 0.25, two_sided=True) == pytest.approx(2 * boundary(0.004, 1.0, two_sided=True))


def test_a_creeping_canary_is_not_taken_for_dependent_values() -> None:
    creeping = [[value + 0.3 * minute for minute, value in enumerate(one)] for one in noise(3)]
    assert compare(creeping, noise(4), error=0.004).verdict == "fail"


def test_values_that_depend_on_each_other_count_for_less() -> None:
    chance = random.Random(7)
    assert variance_inflation([judge_quality.noise(chance, 0.6, 4000)]) == pytest.approx(4.0, rel=0.15)
    assert variance_inflation([judge_quality.noise(chance, 0.0, 4000)]) < 1.1
    assert variance_inflation([[5.0] * 30]) == 1.0


@pytest.mark.parametrize("dependence", [0.0, 0.3])
def test_false_alarms_of_whole_phases_stay_within_the_budget(dependence: float) -> None:
    share = judge_quality.false_alarms(dependence, phases=150, series=4, points=15)
    assert share <= 0.05


@pytest.mark.parametrize(
    ("error", "fraction", "direction"), [(0.0, 1.0, "either"), (0.1, 0.0, "either"), (0.1, 1.0, "up")]
)
def test_what_makes_no_sense_is_refused(error: float, fraction: float, direction: str) -> None:
    with pytest.raises(ValueError, match=r"error|fraction|direction"):
        compare([[1.0]], [[1.0]], error=error, fraction=fraction, direction=direction)
