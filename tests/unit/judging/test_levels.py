# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The levels of a fleet's instances: what they share, what is wild, and how much those of one image differ."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import (
    Evidence,
    Series,
    Terms,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.instances import Fleet
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import judge_metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.levels import (
    Spread,
    levels_of,
    spread_of_history,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import Metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.rules import Rule

from tests.unit.judging.sides import ERROR, Side, compare, noise, series_of

Points = list[tuple[float, float]]


def fleet(*levels: float, load: float = 30.0, missing: bool = False, seed: int = 1) -> list[Points]:
    """Instances of these levels under a load that all share, with a little noise."""
    chance = random.Random(seed)
    shared = [chance.uniform(0, load) for __ in range(15)]
    return [
        [
            (60.0 * minute, level + shared[minute] + chance.gauss(0, 0.1))
            for minute in range(15)
            if not (missing and chance.random() < 0.2)
        ]
        for level in levels
    ]


@pytest.mark.parametrize("missing", [False, True])
def test_what_all_share_makes_no_difference(missing: bool) -> None:
    found = levels_of(fleet(10.0, 11.0, 14.0, missing=missing))
    assert found.levels[1] - found.levels[0] == pytest.approx(1.0, abs=0.2)
    assert found.levels[2] - found.levels[0] == pytest.approx(4.0, abs=0.2)
    assert found.noise == pytest.approx(0.01, abs=0.005)


def test_a_single_wild_value_decides_nothing() -> None:
    several = fleet(10.0, 10.0, 10.0)
    moment, value = several[0][7]
    several[0][7] = (moment, value + 1000.0)
    found = levels_of(several).levels
    assert found[0] - found[1] == pytest.approx(0.0, abs=0.2)


def test_history_tells_how_much_instances_differ_and_counts_each_once() -> None:
    found = spread_of_history([fleet(10.0, 12.0, 14.0, seed=2), fleet(30.0, 32.0, seed=3), fleet(5.0)], 300.0)
    assert found.degrees == 3
    assert found.variance == pytest.approx((2 * 4.0 + 1 * 2.0) / 3, rel=0.1)
    assert Spread().and_also(found) == found


@pytest.mark.parametrize("minutes", [11, 14])
def test_what_is_left_over_of_history_is_no_window(minutes: int) -> None:
    """The mean of a value or four varies more than that of eleven: a fleet would seem to differ more than it does."""
    several = fleet(*[10.0] * 12, load=0.0)
    whole = spread_of_history([[points[:minutes] for points in several]], 900.0)
    assert spread_of_history([several], 60.0 * minutes).variance == pytest.approx(whole.variance)


def test_an_instance_that_was_there_for_a_minute_has_no_say_in_history() -> None:
    several = fleet(10.0, 10.0, 10.0, 10.0)
    found = spread_of_history([[*several, [(840.0, 99.0)]]], 900.0)
    assert found.variance < 0.1


def with_history(canary: Side, baseline: Side, history: Side) -> str:
    evidence = Evidence(
        Metric("cpu", rule=Rule(compare="shift")),
        tuple(series_of(canary, "new")) if len(canary) > 1 else named(canary, "new"),
        series_of(baseline, "old"),
        history=series_of(history, "earlier"),
    )
    return judge_metric(evidence, Terms(error=ERROR, looks=15)).verdict


def named(side: Side, name: str) -> tuple[Series, ...]:
    (one,) = series_of(side, name)
    return (Series(one.member, one.points, one.start, one.end, instance_id=name),)


def test_history_finds_what_few_instances_cannot_show_and_excuses_what_is_usual() -> None:
    earlier = [noise(70 + n, 10.0 + (n % 5) / 10, series=1)[0] for n in range(12)]
    usual = [noise(90 + n, 6.0 + 2 * (n % 5), series=1)[0] for n in range(12)]
    canary, baseline = noise(1, 13.0, series=1), noise(2, series=3)
    assert with_history(canary, baseline, earlier) == "fail"
    assert with_history(canary, baseline, usual) == "pass"


def test_one_against_one_cannot_tell_an_image_from_an_instance() -> None:
    evidence = Evidence(
        Metric("cpu", rule=Rule(compare="shift")),
        named(noise(1, 20.0, series=1), "new"),
        named(noise(2, series=1), "old"),
    )
    found = judge_metric(evidence, Terms(error=ERROR, looks=15))
    assert found.verdict == "inconclusive"
    assert "one against one cannot tell" in found.reason


def test_a_slow_start_is_told_apart_from_an_image_that_stays_slow() -> None:
    slow = [[20.0, 19.0, 18.0, 15.0, *one] for one in noise(3, points=11, sd=0.1)]
    steady = noise(4, sd=0.1)
    found = compare(slow, steady, direction="increase")
    assert found.verdict == "inconclusive" and "leave the start out with warmup" in found.reason
    stays = compare(noise(3, 15.0, sd=0.1), steady, direction="increase")
    assert stays.verdict == "fail"


def test_a_difference_that_goes_down_with_the_load_is_no_slow_start() -> None:
    def under_load(side: Side, share: float) -> Side:
        return [[share * (20.0 - minute) + value for minute, value in enumerate(one)] for one in side]

    steady, slower = (under_load(noise(seed, 0.0, sd=0.1), share) for seed, share in ((3, 1.0), (4, 1.3)))
    # So that nobody waits for it to go away.
    early = Terms(final=False, fraction=0.8, error=ERROR, looks=15)
    found = compare(slower, steady, early, direction="increase")
    assert found.verdict == "fail" and found.reason.startswith("higher than the baseline: ")


def test_a_pass_says_what_it_would_have_found_and_must_be_able_to_find_what_is_asked() -> None:
    found = compare(noise(1), noise(2))
    assert found.verdict == "pass" and "would have been found with a chance of 80 %" in found.reason
    asked = compare(noise(1), noise(2), detect=0.01)
    assert asked.verdict == "inconclusive" and "a pass must be able to find 0.0" in asked.reason
    assert compare(noise(1), noise(2), detect_amount=5.0).verdict == "pass"


def test_a_canary_apart_from_all_that_its_baseline_ever_did_is_no_pass() -> None:
    verdicts = {
        compare(noise(seed, 20.0, 2), noise(seed + 500, 2.0, 2), direction="increase").verdict
        for seed in range(60)
    }
    assert "pass" not in verdicts


def skewed_fleet(seed: int, number: int, way: float) -> list[Points]:
    """Instances whose values are mostly alike and now and then far off to one side, each minute for itself."""
    chance = random.Random(seed)
    return [
        [(60.0 * minute, 10.0 + way * chance.lognormvariate(0.0, 0.8)) for minute in range(15)]
        for __ in range(number)
    ]


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_one_instance_of_skewed_noise_may_be_farther_out_on_its_long_side(way: float) -> None:
    levels = levels_of(skewed_fleet(1, 10, way))
    assert levels.skew * way > 0.1
    series = tuple(Series(f"i-{n}", (), 0.0, 900.0, "g", instance_id=f"i-{n}") for n in range(10))
    one, half = (
        Fleet(series, ours, levels, Spread()).test(range(ours), range(ours, 10), 0.0, "either")
        for ours in (1, 5)
    )
    assert half.skew == 0.0
    # What is said to count is what does on the side on which more is excused.
    almost, beyond = (one.limit(0.001) * share for share in (0.98, 1.02))
    assert not replace(one, shift=way * almost).differs(0.001)
    assert replace(one, shift=way * beyond).differs(0.001)
    assert replace(one, shift=-way * almost).differs(0.001)


def test_normal_noise_is_not_skewed() -> None:
    assert levels_of(fleet(*[10.0] * 10)).skew == 0.0
