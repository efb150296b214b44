# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts, rates and tails: what a comparison of levels cannot see."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.judging.counts import Tally, chance_of_more
from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import (
    Evidence,
    Finding,
    Series,
    Terms,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import judge_metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import (
    Metric,
    Query,
    read_metrics,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.rules import Rule
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.judge_cases import judge_case

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "judge_cases.jsonl").read_text().splitlines()
]
QUERY = {"namespace": "Shop", "metric_name": "Errors"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_given_cases_get_their_right_verdicts(case: dict[str, Any]) -> None:
    expected = case["expected"]
    right = expected if isinstance(expected, list) else [expected]
    assert judge_case(case)["verdict"] in right


def verdict(
    kind: str,
    canary: Sequence[Any],
    baseline: Sequence[Any],
    history: Sequence[Any] = (),
    looks: int = 15,
    **options: Any,
) -> dict[str, Any]:
    metric = {
        "name": "errors",
        "options": {"kind": kind, "direction": "increase", **options},
        "canary": {"": canary},
        "baseline": {"": baseline},
        "history": {"i-old": history} if history else {},
    }
    found = judge_case({"id": "", "looks": looks, "metrics": [metric]})
    return {"verdict": found["verdict"], "look": found["look"], "reason": found["metrics"][0]["reason"]}


def test_twice_the_errors_of_many_requests_fail_before_the_end_and_say_how_many() -> None:
    found = verdict("rate", [[40, 200]] * 15, [[4, 200]] * 15)
    assert found["verdict"] == "fail" and found["look"] < 15
    assert "(20 %) against" in found["reason"] and "(2 %)" in found["reason"]


def test_less_traffic_is_no_fewer_errors() -> None:
    """The canary has a tenth of the requests, and the same share of errors."""
    assert verdict("rate", [[1, 20]] * 15, [[10, 200]] * 15)["verdict"] == "pass"
    assert verdict("count", [[1, 20]] * 15, [[10, 200]] * 15)["verdict"] == "pass"
    assert verdict("count", [[10, 20]] * 15, [[10, 200]] * 15)["verdict"] == "fail"


def test_errors_that_come_together_on_both_sides_are_no_difference() -> None:
    bursts = [0, 0, 30, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0]
    others = [0, 0, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert verdict("count", bursts, others)["verdict"] != "fail"


@pytest.mark.parametrize("share, expected", [(1, "pass"), (3, "fail")])
def test_a_bound_is_exceeded_when_the_lower_limit_of_the_rate_is(share: int, expected: str) -> None:
    found = verdict("rate", [[share * 2, 100]] * 15, [[0, 100]] * 15, maximum=3, compare="no")
    assert found["verdict"] == expected


def test_a_rate_that_is_only_by_chance_beyond_its_bound_passes() -> None:
    found = verdict("rate", [[1, 25]] * 15, [[0, 1]] * 15, maximum=3, compare="no")
    assert found["verdict"] == "pass" and "15 of 375 (4 %), at most 3 allowed" in found["reason"]


def test_a_bound_from_below() -> None:
    assert verdict("rate", [[50, 100]] * 15, [[0, 1]] * 15, minimum=90, compare="no")["verdict"] == "fail"
    assert verdict("rate", [[95, 100]] * 15, [[0, 1]] * 15, minimum=90, compare="no")["verdict"] == "pass"


def test_no_data_of_a_count_is_no_pass() -> None:
    assert verdict("count", [None] * 15, [0] * 15)["verdict"] == "fail"


def test_a_count_that_stops_being_published_is_no_pass_and_one_that_fails_fails_all_the_same() -> None:
    stopped = verdict("count", [0] * 8 + [None] * 7, [0] * 15)
    assert stopped["verdict"] == "fail" and "stopped publishing" in stopped["reason"]
    no_more_requests = verdict("rate", [[0, 20]] * 8 + [[0, 0]] * 7, [[0, 200]] * 15)
    assert no_more_requests["verdict"] == "pass", "its publisher is there"
    both = verdict("count", [20] * 8 + [None] * 7, [0] * 15)
    assert both["verdict"] == "fail" and both["reason"].startswith("more than the baseline")


def test_on_a_first_deployment_there_is_nothing_to_compare_a_count_with() -> None:
    query = Query("Shop", "Errors")
    counts = tuple((60.0 * minute, 0.0, 1.0) for minute in range(15))
    points = tuple((moment, number) for moment, number, __ in counts)
    side = (Series("new", points, 0.0, 900.0, counts=counts),)

    def judged(**more: Any) -> Finding:
        metric = Metric("errors", (query,), kind="count", rule=Rule(compare="shift"), **more)
        return judge_metric(Evidence(metric, side, nothing_to_compare="this is a first deployment"), Terms())

    assert judged().verdict == "not_applicable"
    assert judged(maximum=5.0).verdict == "pass"


@pytest.mark.parametrize(
    "ignore, expected", [({"absolute": 30}, "pass"), ({"percent": 50}, "fail"), ({"deviation": 20}, "pass")]
)
def test_what_is_ignored_of_a_rate_is_in_percent(ignore: dict[str, float], expected: str) -> None:
    assert verdict("rate", [[40, 200]] * 15, [[4, 200]] * 15, ignore=ignore)["verdict"] == expected


def test_a_critical_effect_of_a_count_is_of_its_own_rate() -> None:
    metric = {"name": "errors", "canary": {"": [[40, 200]] * 15}, "baseline": {"": [[20, 200]] * 15}}
    options = {"kind": "count", "direction": "increase"}
    found = [
        judge_case(
            {
                "id": "",
                "looks": 15,
                "metrics": [{**metric, "options": {**options, "critical_effect": effect}}],
            }
        )
        for effect in (0.9, 1.1)
    ]
    assert ["are critical" in one["metrics"][0]["reason"] for one in found] == [True, False]


@pytest.mark.parametrize(("compare", "expected"), [("shift", "pass"), ("tail", "fail"), ("both", "fail")])
def test_a_few_slow_minutes_are_a_matter_of_the_tail(compare: str, expected: str) -> None:
    def side(slow: int) -> dict[str, list[float]]:
        return {
            f"i-{one}": [
                30.0 if slow and (minute + one) % 7 == 0 else 10 + minute % 3 / 10 for minute in range(15)
            ]
            for one in range(4)
        }

    metric = {"name": "p50", "options": {"direction": "increase", "compare": compare}}
    found = judge_case(
        {"id": "", "looks": 15, "metrics": [{**metric, "canary": side(1), "baseline": side(0)}]}
    )
    assert found["verdict"] == expected or (compare == "shift" and found["verdict"] != "pass")


@given(st.integers(0, 60), st.integers(0, 60), st.floats(1, 5))
def test_more_errors_are_never_more_likely_by_chance(ours: int, theirs: int, varies: float) -> None:
    chance = chance_of_more(Tally(ours, 100), Tally(theirs, 300), varies)
    assert 0 <= chance <= 1
    assert chance_of_more(Tally(ours + 1, 100), Tally(theirs, 300), varies) <= chance + 1e-12
    assert chance_of_more(Tally(ours, 100), Tally(theirs + 1, 300), varies) >= chance - 1e-12


@pytest.mark.parametrize(
    "option, words",
    [
        ({"kind": "rate"}, "a rate has a numerator"),
        ({"kind": "rate", "numerator": QUERY, "denominator": QUERY, **QUERY}, "it has no metric_name"),
        ({**QUERY, "numerator": QUERY}, "belong to kind rate"),
        ({**QUERY, "exposure": QUERY}, "belongs to kind count"),
        ({**QUERY, "kind": "often"}, "kind must be one of level, count, rate"),
        ({**QUERY, "kind": "count", "compare": "tail"}, "a count is compared by shift or not at all"),
        ({**QUERY, "detect": {"share": 0}}, "share must be more than 0"),
        ({**QUERY, "kind": "count", "datapoints_to_fail": 3}, "datapoints_to_fail belongs to kind level"),
        ({**QUERY, "kind": "count", "detect": {"share": 1}}, "detect belongs to kind level"),
        ({"kind": "rate", "numerator": QUERY, "denominator": QUERY, "fill": 0}, "fill is not needed"),
    ],
)
def test_options_that_do_not_go_together_are_refused(option: dict[str, Any], words: str) -> None:
    __, problems = read_metrics([{"name": "errors", **option}])
    assert any(words in problem for problem in problems), problems


def test_a_case_with_options_that_are_none_is_refused() -> None:
    with pytest.raises(InvalidInput):
        verdict("count", [0], [0], direction="sideways")
