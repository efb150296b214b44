# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bad instance, a bad zone or instance type, and a bad image are told apart in the reason."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import (
    Evidence,
    Finding,
    Series,
    Terms,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.instances import (
    PRIOR_DEGREES,
    FleetTest,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import judge_metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import Metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.rules import Rule
from ansible_collections.progressive.aws.plugins.module_utils.judging.student import t_tail

from tests.benchmark.judge_quality import LOG_NORMAL, Cell, evidence_of
from tests.unit.judging.sides import ERROR, series_of

ZONES = "abc"
TYPES = ("t3.small", "m5.large")


def fleet(
    name: str,
    levels: Sequence[float],
    seed: int = 1,
    *,
    zones: str = ZONES,
    types: Sequence[str] = ("t3.small",),
) -> tuple[Series, ...]:
    """Instances with these levels, in one zone after the other and of one type after the other."""
    chance = random.Random(f"{name}{seed}")
    side = [[chance.gauss(level, 1.0) for __ in range(15)] for level in levels]
    return tuple(
        replace(
            one,
            zone=f"us-east-1{zones[number % len(zones)]}",
            instance_type=types[number % len(types)],
            counts=tuple((moment, float(round(value)), 1000.0) for moment, value in one.points),
        )
        for number, one in enumerate(series_of(side, name))
    )


def judged(canary: Sequence[Series], baseline: Sequence[Series], **options: Any) -> Finding:
    options.setdefault("rule", Rule(compare="shift", direction="increase"))
    evidence = Evidence(Metric("cpu", **options), tuple(canary), tuple(baseline))
    return judge_metric(evidence, Terms(error=ERROR, looks=15))


def test_a_bad_zone_is_not_taken_for_a_bad_image() -> None:
    canary = fleet("new", [10, 30, 10, 10, 30, 10])
    found = judged(canary, fleet("old", [10] * 4, zones="ac"))
    assert (found.verdict, found.rule) == ("fail", "place")
    assert found.reason.startswith("the 2 instances in zone us-east-1b are higher than all others: 3")
    assert found.reason.endswith(
        "The baseline has none there: this looks like a bad zone, not like a bad image"
    )


def test_a_zone_in_which_only_the_canary_is_bad_is_the_image_s_doing() -> None:
    found = judged(fleet("new", [10, 30, 10, 10, 30, 10]), fleet("old", [10] * 6))
    assert found.rule == "place"
    assert "The baseline's there have 10" in found.reason or "The baseline's there have 9" in found.reason
    assert found.reason.endswith("this looks like an image that does not do well in zone us-east-1b")


def test_a_bad_instance_type_is_told_by_its_name() -> None:
    canary = fleet("new", [10, 30, 10, 30], types=TYPES, zones="a")
    found = judged(canary, fleet("old", [10] * 4))
    assert found.rule == "place"
    assert "the 2 instances in instance type m5.large are higher" in found.reason
    assert found.reason.endswith("this looks like a bad instance type, not like a bad image")


def test_a_zone_that_is_bad_for_both_is_no_failure() -> None:
    levels = [10, 30, 10, 10, 30, 10]
    found = judged(fleet("new", levels), fleet("old", levels))
    assert found.verdict != "fail" and found.rule != "place"
    assert judged(fleet("new", levels), fleet("old", levels), kind="rate").verdict == "pass"


def test_a_bad_image_is_bad_everywhere() -> None:
    found = judged(fleet("new", [30] * 6), fleet("old", [10] * 6))
    assert (found.verdict, found.rule) == ("fail", "shift")
    assert "looks like" not in found.reason
    # One zone may be the worst of it.
    worse = judged(fleet("new", [30, 60, 30, 30, 60, 30]), fleet("old", [10] * 6))
    assert (worse.verdict, worse.rule) == ("fail", "shift")


def test_one_bad_instance_is_no_bad_zone() -> None:
    found = judged(fleet("new", [10, 30, 10, 10, 10, 10]), fleet("old", [10] * 6))
    assert (found.verdict, found.rule) == ("fail", "instance")
    assert found.reason.endswith("this looks like one bad instance, not like a bad image")
    # The only one in its zone may be bad by itself.
    alone = judged(fleet("new", [10, 30, 10]), fleet("old", [10] * 3))
    assert alone.rule == "instance"


def test_what_is_not_known_of_instances_is_nothing_that_they_share() -> None:
    strip = [replace(one, zone="", instance_type="") for one in fleet("new", [10, 30, 10, 10, 30, 10])]
    assert judged(strip, fleet("old", [10] * 6)).rule != "place"


def test_bad_ones_in_different_zones_share_nothing() -> None:
    found = judged(fleet("new", [10, 30, 30, 10, 10, 10]), fleet("old", [10] * 6))
    assert found.rule != "place"


@pytest.mark.parametrize("direction", ["increase", "either"])
def test_places_cost_no_more_false_alarms_than_a_metric_may_have(direction: str) -> None:
    rule = Rule(compare="shift", direction=direction)
    rules = []
    for seed in range(300):
        chance = random.Random(seed)
        sides = [[chance.gauss(10.0, 1.0) for __ in range(6)] for __ in range(2)]
        canary = fleet("new", sides[0], seed, types=TYPES)
        terms = Terms(error=0.02, looks=1)
        evidence = Evidence(Metric("cpu", rule=rule), canary, fleet("old", sides[1], seed, types=TYPES))
        found = judge_metric(evidence, terms)
        rules += [found.rule] if found.verdict == "fail" else []
    # A tenth of 2 % of 300, and as much for single instances.
    assert rules.count("place") <= 3 and rules.count("instance") <= 3


def test_bounds_and_rates_tell_the_same() -> None:
    canary = fleet("new", [10, 30, 10, 10, 30, 10])
    bounded = judged(canary, (), maximum=20.0, rule=Rule(compare="no"))
    assert "They are those in zone us-east-1b, and the other 4 instances" not in bounded.reason
    assert bounded.reason.endswith(
        ". They are those in zone us-east-1b, and the other 4 stay within the bounds: this looks like a bad zone, not"
        " like a bad image"
    )
    rates = judged(canary, fleet("old", [10] * 6), kind="rate")
    assert (rates.verdict, rates.rule) == ("fail", "place")
    assert rates.reason.startswith("more in 2 instances than in all others: ")
    assert (
        "They are those in zone us-east-1b, and the other 4 do not differ from the baseline" in rates.reason
    )
    one = judged(fleet("new", [10, 40, 10, 10]), fleet("old", [10] * 4), kind="rate")
    assert (one.verdict, one.rule) == ("fail", "instance")
    assert one.reason.startswith("more in new-2 than in all others: ")
    assert one.reason.endswith("this looks like one bad instance, not like a bad image")
    assert "looks like" not in judged(fleet("new", [30] * 4), fleet("old", [10] * 4), kind="rate").reason


def test_parts_cost_rates_no_more_false_alarms_either() -> None:
    """Instances whose rates differ by a fifth, 200 requests a minute each, some 2 % errors."""
    rules = []
    for seed in range(200):
        chance = random.Random(seed)

        def side(name: str, chance: random.Random = chance) -> tuple[Series, ...]:
            return tuple(
                replace(
                    one,
                    counts=tuple(
                        (moment, float(sum(chance.random() < rate for __ in range(200))), 200.0)
                        for moment, __ in one.points
                    ),
                )
                for one in fleet(name, [2.0] * 4)
                for rate in [0.02 * max(0.2, chance.gauss(1.0, 0.2))]
            )

        rule = Rule(compare="shift", direction="increase")
        evidence = Evidence(Metric("errors", kind="rate", rule=rule), side("new"), side("old"))
        found = judge_metric(evidence, Terms(error=0.02, looks=1))
        rules += [found.rule] if found.verdict == "fail" else []
    assert len(rules) <= 10


# Values of which each keeps 0.9 of the one before: fifteen are no more than two or three independent ones.
SLOW = Cell(4, 4, between=0.3, dependence=0.9, history=True, noise=LOG_NORMAL)


def of_slow_values(seed: int, more: float = 0.0) -> Finding:
    """The finding on a fleet of such values with history, whose second instance is worse by so much."""
    evidence = evidence_of(random.Random(seed), SLOW, 0.0)
    worse = evidence.canary[1]
    worse = replace(worse, points=tuple((moment, value + more) for moment, value in worse.points))
    canary = (evidence.canary[0], worse, *evidence.canary[2:])
    return judge_metric(replace(evidence, canary=canary), Terms(error=ERROR, looks=15))


@pytest.mark.parametrize("seed", [181, 260, 427, 463])
def test_an_instance_that_is_far_out_by_few_independent_datapoints_is_no_bad_one(seed: int) -> None:
    assert of_slow_values(seed).verdict == "pass"


def test_one_that_is_farther_out_than_those_are_is() -> None:
    found = [of_slow_values(seed, 30.0) for seed in range(10)]
    assert {(one.verdict, one.rule) for one in found} == {("fail", "instance")}


def test_what_is_usual_excuses_less_the_more_instances_there_are_to_tell() -> None:
    few, many = (
        FleetTest(1.0, 10.0, 1.0, degrees, 0.1, degrees + PRIOR_DEGREES, 0.0, "either") for degrees in (2, 20)
    )
    # Both are sure by what is usual, so that it is only by how many instances there are that they differ.
    assert few.differs(t_tail(1.0, 2) / 1.5) and not many.differs(t_tail(1.0, 20) / 1.5)
