# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comparison of a canary with its baseline comes to, by Mann and Whitney's test."""

from __future__ import annotations

import math
import random
from functools import partial
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judging.comparison import (
    boundary,
    dependence,
    detectable,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import (
    Evidence,
    Series,
    Terms,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import judge_metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import Metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.rules import Hint, Rule

from tests.benchmark import judge_quality
from tests.benchmark.judge_quality import Cell, noise_of, simulate
from tests.unit.aws.cloudwatch_fake import NOON
from tests.unit.judging.sides import ERROR, Side, compare, noise, series_of


def test_the_same_population_passes_and_a_shifted_one_fails_in_words() -> None:
    assert compare(noise(1), noise(2)).verdict == "pass"
    found = compare(noise(1, level=12.0), noise(2))
    assert (found.verdict, found.rule, found.n, found.n_baseline) == ("fail", "shift", 60, 60)
    assert found.reason.startswith("higher than the baseline: 12.09 against 9.602 (+26 %) in 4 against 4")
    assert "Those of one image differ by 0.2491 (2.59 %)" in found.reason
    assert found.low is not None and found.high is not None and found.shift is not None
    assert 0 < found.low < found.shift < found.high
    assert found.effect == pytest.approx(0.2, abs=0.1)
    assert found.cles is not None and found.cles > 0.85


def test_a_shift_in_the_good_direction_passes() -> None:
    assert compare(noise(1, level=12.0), noise(2), direction="decrease").verdict == "pass"
    found = compare(noise(1, level=8.0), noise(2), direction="decrease")
    assert found.verdict == "fail" and found.reason.startswith("lower than the baseline")


def test_a_shift_that_is_allowed_passes_and_one_beyond_it_says_what_was_allowed() -> None:
    assert compare(noise(1, level=12.0), noise(2), allowed_effect=0.3).verdict == "pass"
    assert compare(noise(1, level=12.0), noise(2), allowed_effect=0.05).reason.endswith("5 % are allowed")


def test_a_critical_shift_fails_the_whole_by_itself() -> None:
    found = compare(noise(1, level=12.0), noise(2), critical_effect=0.1)
    assert found.fatal and found.reason.endswith("10 % and more are critical")
    assert not compare(noise(1, level=12.0), noise(2), critical_effect=0.5).fatal


def test_a_shift_that_is_ignored_passes_and_says_so() -> None:
    for hint in (Hint(absolute=13.0), Hint(percent=40.0), Hint(deviation=3.0)):
        found = compare(noise(1, level=12.0), noise(2), ignore=(hint,))
        assert (found.verdict, found.rule) == ("pass", "ignore")
        assert "so little that it is ignored" in found.reason
    assert compare(noise(1, level=12.0), noise(2), ignore=(Hint(absolute=11.0),)).verdict == "fail"


def test_three_points_against_three_that_separate_are_inconclusive_with_advice() -> None:
    found = compare([[10.0, 11.0, 12.0]], [[1.0, 2.0, 3.0]], Terms(error=ERROR))
    assert found.verdict == "inconclusive"
    assert "3 against 3 datapoints cannot show any difference, however great" in found.reason
    assert "at least 9 against 9 are needed: watch 3 times as long" in found.reason
    assert "detailed monitoring" in found.reason and "more instances" in found.reason


def test_one_metric_alone_needs_fewer_points_than_one_of_five() -> None:
    alone, one_of_five = Terms(error=0.02), Terms(error=0.004)
    canary, baseline = [[98.0, 100.0, 97.0, 99.0, 96.0, 101.0]], [[1.0, 3.0, 2.0, 4.0, 0.0, 5.0]]
    assert compare(canary, baseline, alone).verdict == "fail"
    assert compare(canary, baseline, one_of_five).verdict == "inconclusive"


def scaled(side: Side, factor: float) -> Side:
    return [[value * factor for value in one] for one in side]


@pytest.mark.parametrize("rule", [{}, {"allowed_effect": 0.05}, {"compare": "deviation"}])
@pytest.mark.parametrize("factor", [1e-9, 1e9])
@pytest.mark.parametrize("level", [10.0, 10.6, 12.0, 16.0])
def test_the_verdict_does_not_depend_on_the_unit(level: float, factor: float, rule: dict[str, Any]) -> None:
    plain = compare(noise(5, level), noise(6), **rule)
    other = compare(scaled(noise(5, level), factor), scaled(noise(6), factor), **rule)
    assert (other.verdict, other.rule, other.cles) == (plain.verdict, plain.rule, plain.cles)
    assert other.effect == pytest.approx(plain.effect, rel=1e-6)


def test_the_same_data_have_the_same_verdict_in_whatever_order_instances_come() -> None:
    canary, baseline = noise(1, level=11.0), noise(2)
    forth, back = compare(canary, baseline), compare(canary[::-1], baseline[::-1])
    assert (forth.verdict, forth.shift, forth.low) == (back.verdict, back.shift, back.low)


def test_early_looks_need_more_than_late_ones_and_many_looks_more_than_one() -> None:
    late = boundary(0.004, 1.0, two_sided=True)
    assert boundary(0.004, 0.25, two_sided=True) == pytest.approx(2 * late)
    once, often = (boundary(0.004, 1.0, two_sided=True, looks=looks) for looks in (1, 100))
    # A single look: the ordinary quantile of the normal distribution.
    assert once == pytest.approx(2.878, abs=0.001)
    assert once < often < late


def test_before_the_end_only_a_failure_is_told() -> None:
    early = Terms(final=False, fraction=0.4, error=ERROR, looks=15)
    assert compare(noise(1), noise(2), early).verdict == "pending"
    assert compare(noise(3, level=10.3), noise(2), early).verdict == "pending"
    assert compare(noise(1, level=20.0), noise(2), early).verdict == "fail"


def test_a_creeping_canary_is_not_taken_for_dependent_values() -> None:
    creeping = [[value + 0.3 * minute for minute, value in enumerate(one)] for one in noise(3)]
    assert compare(creeping, noise(4)).verdict == "fail"


def test_values_that_depend_on_each_other_count_for_less() -> None:
    chance = random.Random(7)
    found = dependence([noise_of(chance, Cell(dependence=0.6), 4000)])
    assert found.share == pytest.approx(0.6, abs=0.05)
    assert found.least_inflation < 4.0 < found.inflation == pytest.approx(4.0, rel=0.2)
    assert dependence([noise_of(chance, Cell(dependence=0.0), 4000)]).inflation < 1.1
    assert dependence([[5.0] * 30]).inflation == 1.0
    assert dependence([[1.0, 9.0]]).inflation == 1.0


def test_values_that_depend_on_each_other_too_much_are_inconclusive() -> None:
    wave = [10 + 3 * math.sin(minute / 3) for minute in range(15)]
    found = compare([wave], [wave[::-1]])
    assert found.verdict == "inconclusive"
    assert "of which neighbours depend on each other" in found.reason


def test_sides_that_fully_separate_are_no_pass_whatever_their_noise_looks_like() -> None:
    """Fifteen values a side can look so dependent that no test of them could fail; that is no pass."""
    verdicts = {
        compare(noise(seed, 20.0, 1), noise(seed + 1000, 2.0, 1), direction="increase").verdict
        for seed in range(200)
    }
    assert verdicts == {"fail", "inconclusive"}


def test_values_without_any_difference_are_no_difference() -> None:
    assert compare([[5.0] * 15] * 4, [[5.0] * 15] * 4).verdict == "pass"


# One bad instance


def test_one_bad_instance_among_good_ones_is_told_apart_from_a_bad_image() -> None:
    canary = [*noise(1, series=3), *noise(9, level=16.0, series=1)]
    found = compare(canary, noise(2))
    assert (found.verdict, found.rule) == ("fail", "instance")
    assert found.reason.startswith("new-4 is higher than the others: 1")
    assert found.reason.endswith("this looks like one bad instance, not like a bad image")
    everywhere = compare(noise(1, level=16.0), noise(2))
    assert everywhere.rule == "shift" and "one bad instance" not in everywhere.reason


def test_a_bad_image_with_one_instance_that_is_even_worse_is_a_bad_image() -> None:
    canary = [*noise(1, level=13.0, series=3), *noise(9, level=30.0, series=1)]
    assert compare(canary, noise(2)).rule == "shift"


def test_instances_that_are_not_quite_alike_are_no_bad_ones() -> None:
    canary = [noise(n, level=10 + n / 2, series=1)[0] for n in range(4)]
    baseline = [noise(n + 50, level=10 + n / 2, series=1)[0] for n in range(4)]
    assert compare(canary, baseline).verdict == "pass"


def test_an_instance_that_is_better_than_the_others_is_no_bad_one() -> None:
    canary = [*noise(1, series=3), *noise(9, level=4.0, series=1)]
    assert compare(canary, noise(2), direction="increase").verdict == "pass"


# What there is to compare


def judged(canary: tuple[Series, ...], baseline: tuple[Series, ...], **more: str) -> tuple[str, str]:
    metric = Metric("cpu", rule=Rule(compare="shift"))
    evidence = Evidence(metric, canary, baseline, nothing_to_compare=more.pop("nothing", ""))
    found = judge_metric(evidence, Terms(error=ERROR, **more))  # type: ignore[arg-type]
    return found.verdict, found.reason


def silent(error: str = "") -> tuple[Series, ...]:
    return (Series("old-1", (), NOON, NOON + 900, error=error),)


@pytest.mark.parametrize("on_no_data", ["fail", "inconclusive"])
def test_a_side_without_data_is_not_a_pass(on_no_data: str) -> None:
    good = series_of(noise(1), "new")
    assert judged(silent(), good, on_no_data=on_no_data)[0] == on_no_data
    verdict, reason = judged(good, silent(), on_no_data=on_no_data)
    assert verdict == on_no_data and reason.startswith(
        "nothing to compare with, of the baseline there is no data"
    )
    assert judged(good, silent("CloudWatch answered InternalError"), on_no_data=on_no_data) == (
        on_no_data,
        "nothing to compare with, of the baseline there is CloudWatch answered InternalError",
    )
    assert judged(good, (), on_no_data=on_no_data)[0] == on_no_data


def test_on_a_first_deployment_a_comparison_is_not_applicable_and_a_silent_metric_still_fails() -> None:
    first = "this is a first deployment"
    verdict, reason = judged(series_of(noise(1), "new"), (), nothing=first)
    assert verdict == "not_applicable"
    assert reason.startswith("this is a first deployment, so it was not compared; between ")
    assert judged(silent(), (), nothing=first)[0] == "fail"


# How good it is; make judge-quality has the figures


CELLS = [
    Cell(1, 3, 0.5, 0.3),
    Cell(2, 2, 1.0, 0.6, load=True, missing=True),
    Cell(4, 4, 2.0, 0.0, noise="heavy-tailed"),
    Cell(1, 3, 0.3, 0.9, history=True, noise="log-normal"),
]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_false_alarms_of_whole_phases_stay_within_the_budget(cell: Cell) -> None:
    found = simulate(partial(judge_quality.good_phase, cell), 50)
    # The budget is 5 in a hundred; by chance there are six or more of fifty in one simulation of twenty-five.
    assert found.fail < 0.12
    if cell.between <= (1.0 if cell.history else 0.5):
        assert found.passed >= 0.85


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_it_finds_what_a_test_finds_that_knows_the_instances_and_looks_once(cell: Cell) -> None:
    found = simulate(partial(judge_quality.bad_phase, cell, judge_quality.telling_shift(cell, 0.9)), 100)
    assert found.plain >= 0.75
    assert found.fail >= 0.85 * found.plain


def test_an_error_rate_that_doubles_is_found() -> None:
    rates, metrics = judge_quality.FOUND[0]
    assert simulate(partial(judge_quality.rate_phase, rates, metrics), 100).fail >= 0.7


def test_kayentas_rule_fails_good_fleets() -> None:
    """Otherwise the simulated fleets would be too easy to say anything."""
    assert simulate(partial(judge_quality.good_phase, CELLS[2]), 25).kayenta > 0.5


def test_every_pair_of_settings_is_in_the_grid() -> None:
    cells = judge_quality.grid()
    assert len(cells) >= 120
    assert {(one.noise, one.missing) for one in cells} == {
        (noise, missing) for noise in ("normal", "log-normal", "heavy-tailed") for missing in (False, True)
    }


def test_what_can_be_found_of_a_group_as_a_whole() -> None:
    critical = boundary(judge_quality.ERROR / judge_quality.METRICS, 1.0, two_sided=True, looks=15)
    assert detectable(60, 60, critical) == pytest.approx(0.85, abs=0.1)
    assert detectable(3, 3, critical) is None


@pytest.mark.parametrize(("error", "fraction"), [(0.0, 1.0), (1.0, 1.0), (0.1, 0.0), (0.1, 1.1)])
def test_what_makes_no_sense_is_refused(error: float, fraction: float) -> None:
    with pytest.raises(ValueError, match=r"error|fraction"):
        boundary(error, fraction, two_sided=True)
