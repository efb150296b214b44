# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deviation in standard deviations, values that fail at once, and how findings add up to a score."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import Finding, Terms
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import Judgement, Scoring, judge
from ansible_collections.progressive.aws.plugins.module_utils.judging.rules import Hint

from tests.unit.judging.sides import Side, compare

#: Mean 10 and standard deviation 1, exactly enough.
BASELINE: Side = [[9.0, 11.0, 9.0, 11.0, 9.0, 11.0, 10.0, 8.75, 11.25, 10.0, 9.5, 10.5]]


def deviates(values: list[float], sensitivity: str = "normal", final: bool = True, **more: Any) -> Finding:
    terms = Terms(final=final, fraction=1.0 if final else 0.5, sensitivity=sensitivity)
    return compare([values], BASELINE, terms, compare="deviation", **more)


@pytest.mark.parametrize(
    "values, normal, very",
    [
        ([10.0] * 12, "pass", "pass"),
        ([10.0] * 11 + [13.5], "pass", "pass"),
        # Four standard deviations are a medium risk, five are a high one.
        ([10.0] * 11 + [14.4], "pass", "fail"),
        ([10.0] * 11 + [15.6], "fail", "fail"),
        # A quarter of the datapoints beyond three is a medium risk, half of them are a high one.
        ([10.0] * 9 + [13.3] * 3, "pass", "fail"),
        ([10.0] * 6 + [13.3] * 6, "fail", "fail"),
    ],
)
def test_deviation_is_judged_by_how_far_and_by_how_often(values: list[float], normal: str, very: str) -> None:
    assert deviates(values).verdict == normal
    assert deviates(values, "very").verdict == very


def test_a_deviation_says_how_far_when_and_how_often() -> None:
    found = deviates([10.0] * 11 + [16.0])
    assert found.rule == "deviation"
    assert found.reason.startswith("high risk: new-1 is up to 6.")
    assert "at 12:11 UTC, and 1 of 12 datapoints are more than 3 off" in found.reason


def test_only_the_bad_direction_deviates() -> None:
    assert deviates([10.0] * 6 + [1.0] * 6, direction="increase").verdict == "pass"
    assert deviates([10.0] * 6 + [1.0] * 6, direction="decrease").verdict == "fail"


def test_before_the_end_half_of_all_datapoints_to_come_have_to_deviate() -> None:
    assert deviates([13.3] * 3 + [10.0] * 3, final=False).verdict == "pending"
    assert deviates([13.3] * 6, final=False).verdict == "fail"


def test_several_datapoints_can_be_asked_for() -> None:
    assert deviates([10.0] * 11 + [20.0], datapoints_to_fail=2).verdict == "pass"
    assert deviates([10.0] * 10 + [20.0, 20.0], datapoints_to_fail=2).verdict == "fail"


def test_datapoints_that_are_ignored_do_not_deviate() -> None:
    assert deviates([10.0] * 11 + [20.0], ignore=(Hint(absolute=25.0),)).verdict == "pass"
    assert deviates([10.0] * 11 + [20.0], ignore=(Hint(percent=150.0),)).verdict == "pass"
    assert deviates([10.0] * 11 + [20.0], ignore=(Hint(deviation=11.0),)).verdict == "pass"
    assert deviates([10.0] * 11 + [20.0], ignore=(Hint(deviation=9.0),)).verdict == "fail"


def test_a_few_datapoints_of_the_baseline_do_not_tell_how_it_varies() -> None:
    found = compare([[10.0] * 12], [[1.0, 2.0, 3.0]], Terms(), compare="deviation")
    assert found.verdict == "inconclusive"
    assert (
        "3 datapoints of the baseline do not tell how much it varies; at least 10 are needed" in found.reason
    )


def test_a_baseline_that_never_varied_is_left_by_any_other_value() -> None:
    assert compare([[5.0] * 12], [[5.0] * 12], Terms(), compare="deviation").verdict == "pass"
    found = compare([[5.1] * 12], [[5.0] * 12], Terms(), compare="deviation")
    assert found.verdict == "fail" and "differs from a baseline that never varied" in found.reason


def test_one_instance_that_deviates_among_others_is_told_apart() -> None:
    canary = [[10.0] * 12, [10.0] * 12, [10.0] * 12, [20.0] * 12]
    found = compare(canary, BASELINE, Terms(), compare="deviation")
    assert "new-4" in found.reason and found.reason.endswith("not like a bad image")


# Values that fail at once


def fails(hint: Hint, values: list[float], **more: Any) -> bool:
    found = compare([values], [[10.0] * len(values)], Terms(final=False), fail_fast=(hint,), **more)
    assert found.verdict == ("fail" if found.fatal else "pending")
    return found.fatal


@pytest.mark.parametrize(
    "hint", [Hint(absolute=15.0), Hint(percent=50.0), Hint(deviation=5.0)], ids=["absolute", "percent", "off"]
)
def test_a_value_beyond_a_limit_fails_at_once(hint: Hint) -> None:
    assert not fails(hint, [10.0, 15.0])
    assert fails(hint, [10.0, 15.1])


def test_a_value_may_have_to_come_several_times_or_in_a_row() -> None:
    apart, together = [20.0, 10.0, 20.0, 10.0], [10.0, 20.0, 20.0, 10.0]
    assert not fails(Hint(absolute=15.0, times=3), apart)
    assert fails(Hint(absolute=15.0, times=2), apart)
    assert not fails(Hint(absolute=15.0, times=2, in_a_row=True), apart)
    assert fails(Hint(absolute=15.0, times=2, in_a_row=True), together)


def test_a_value_fails_in_the_bad_direction_only() -> None:
    assert fails(Hint(absolute=5.0), [4.0], direction="decrease")
    assert not fails(Hint(absolute=5.0), [6.0], direction="decrease")
    assert not fails(Hint(percent=20.0), [4.0], direction="increase")
    assert fails(Hint(percent=20.0), [4.0], direction="either")


def test_a_value_that_fails_at_once_says_which_and_brings_the_score_to_zero() -> None:
    found = compare([[10.0, 20.0]], [[10.0, 10.0]], Terms(final=False), fail_fast=(Hint(absolute=15.0),))
    assert found.reason == "new-1 had 20 at 12:01 UTC, above 15 (1 time), which fails at once"
    assert judge([found, finding("pass"), finding("pass")], Scoring(pass_score=50)).score == 0


# Scores


def finding(verdict: str, **more: Any) -> Finding:
    return Finding("m", verdict, "why", **more)


def score(*findings: Finding, **scoring: Any) -> Judgement:
    return judge(findings, Scoring(**scoring))


def test_kayentas_published_scores() -> None:
    good, bad = finding("pass"), finding("fail")
    assert score(good).score == 100
    assert score(good, bad).score == 50
    assert score(good, bad, bad).score == 33.33
    weights = {"system": 75, "requests": 25}
    in_groups = [finding("pass", group="system")] * 2 + [finding("fail", group="requests")]
    assert score(*in_groups, group_weights=weights).score == 75
    assert score(good, finding("fail", critical=True)).score == 0


def test_groups_without_a_weight_share_the_rest() -> None:
    findings = [finding("pass", group="a"), finding("fail", group="b"), finding("pass", group="c")]
    assert score(*findings, group_weights={"a": 50}).score == 75


def test_weights_count_within_a_group() -> None:
    assert score(finding("pass", weight=3.0), finding("fail")).score == 75


@pytest.mark.parametrize(
    "passed, expected", [(8, "pass"), (7, "inconclusive"), (5, "inconclusive"), (4, "fail")]
)
def test_scores_decide(passed: int, expected: str) -> None:
    findings = [finding("pass")] * passed + [finding("fail")] * (10 - passed)
    assert score(*findings, pass_score=80, marginal_score=50).verdict == expected


def test_a_critical_failure_fails_whatever_the_score() -> None:
    findings = [finding("pass")] * 9 + [finding("fail", critical=True)]
    assert score(*findings, pass_score=50).verdict == "fail"


def test_muted_and_not_applicable_metrics_decide_nothing() -> None:
    assert score(finding("pass"), finding("fail", muted=True)).verdict == "pass"
    assert score(finding("pass"), finding("not_applicable")) == Judgement(
        "pass", 100, (finding("pass"), finding("not_applicable"))
    )
    assert score(finding("fail", muted=True)).reasons == []


def test_failure_is_certain_when_nothing_to_come_can_help() -> None:
    to_come = [finding("pending")] * 5
    assert score(*to_come, *[finding("fail")] * 5, pass_score=60).verdict == "fail"
    assert score(*to_come, *[finding("fail")] * 4, pass_score=50).verdict == "pending"


def test_an_inconclusive_metric_counts_both_ways() -> None:
    good = [finding("pass")] * 9
    assert score(*good, finding("inconclusive"), pass_score=80).verdict == "pass"
    assert score(*good, finding("inconclusive")).verdict == "inconclusive"
    assert score(*good, finding("inconclusive", critical=True), pass_score=80).verdict == "inconclusive"
