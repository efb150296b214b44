# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report holds is judged again by other options, without AWS, and both verdicts stand side by side."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    PassResult,
    Timing,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.reporting.details import HIDDEN
from ansible_collections.progressive.aws.plugins.module_utils.reporting.record import Run
from ansible_collections.progressive.aws.plugins.module_utils.reporting.what_if import OptionReader, WhatIf
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import OPTIONS
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import VerdictNotPassed
from ansible_collections.progressive.aws.plugins.module_utils.verification_options import (
    VERIFICATION,
    settings_of,
)

from tests.unit.aws.cloudwatch_fake import FakeClock
from tests.unit.verification.test_baseline import QUARTER, deployment, noisy
from tests.unit.verification.world import CPU

DEFAULTS = {name: spec.get("default") for name, spec in VERIFICATION.items()}


def verified(world: Any, **options: Any) -> dict[str, Any]:
    try:
        return dict(world.verify(**options).result)
    except VerdictNotPassed as failure:
        return dict(failure.result)


def report_of(result: dict[str, Any], name: str = "Canary", **options: Any) -> str:
    """A report as canary_report writes it, and as a file keeps it."""
    phase = {
        "name": name,
        "verdict": result["verdict"],
        "verification": result,
        # What a play says, which may be text.
        "verify": {**options, "duration": "900", "region": "r-1", "secret_key": "hunter2"},
    }
    return json.dumps(Run(outcome="live", phases=[phase]).record())


def again(report: str, phase: str | None = None, **options: Any) -> PassResult:
    given = {**{name: DEFAULTS.get(name) for name in OPTIONS}, "group": None, **options}
    step = WhatIf(report, "report.json", phase, given, OptionReader(settings_of, DEFAULTS))
    return run_to_the_end(step, FakeClock(), Timing(wait_timeout=10, poll_interval=1))


def failing(report: str, **options: Any) -> dict[str, Any]:
    with pytest.raises(VerdictNotPassed) as failure:
        again(report, **options)
    return dict(failure.value.result)


def lines(result: PassResult) -> list[str]:
    return [event.text for event in result.events]


def test_the_options_of_a_report_are_those_of_a_verification() -> None:
    assert set(OPTIONS) == set(VERIFICATION)


def test_by_the_same_options_it_comes_to_the_same() -> None:
    result = verified(deployment(noisy(new=30.0, old=30.0)), **QUARTER)
    found = again(report_of(result, **QUARTER))
    assert found.result["metrics"] == result["metrics"]
    assert found.result["then"]["verdict"] == found.result["verdict"] == "pass"
    assert found.result["window"]["judged_at"] == pytest.approx(result["window"]["judged_at"], abs=61)
    table = [line.split() for line in lines(found)]
    assert table[0] == ["then", "now"]
    assert table[1][-2:] == ["pass", "pass"]

    worse = verified(deployment(noisy(new=60.0, old=30.0)), **QUARTER)
    assert worse["verdict"] == "fail"
    repeated = failing(report_of(worse, **QUARTER))
    assert repeated["metrics"][0]["reason"] == worse["metrics"][0]["reason"]


def test_other_options_show_what_would_have_been() -> None:
    worse = verified(deployment(noisy(new=60.0, old=30.0)), **QUARTER)
    metric = {**QUARTER["metrics"][0], "allowed_effect": 2.0}
    report = report_of(worse, **QUARTER)
    found = failing(report, metrics=[metric])
    # It was decided before its end, so that nobody knows how it would have gone on.
    assert found["verdict"] == "inconclusive"
    assert "by these options it would not have been decided yet" in found["metrics"][0]["reason"]

    good = report_of(verified(deployment(noisy(new=30.0, old=30.0)), **QUARTER), **QUARTER)
    stricter = {**QUARTER["metrics"][0], "maximum": 20.0}
    with pytest.raises(VerdictNotPassed) as failure:
        again(good, metrics=[stricter])
    result = failure.value.result
    assert (result["then"]["verdict"], result["verdict"]) == ("pass", "fail")
    assert "above the maximum of 20" in result["metrics"][0]["reason"]


def test_both_verdicts_stand_side_by_side_with_the_reasons() -> None:
    world = deployment(noisy(new=30.0, old=30.0))
    then = verified(
        world,
        **{
            **QUARTER,
            "metrics": [
                {**QUARTER["metrics"][0], "compare": "shift", "maximum": 1.0, "datapoints_to_fail": 15}
            ],
        },
    )
    report = report_of(then, **QUARTER)
    found = again(report)
    shown = lines(found)
    assert shown[1].split()[-2:] == ["fail", "pass"]
    assert any(" then: " in line and "above the maximum of 1" in line for line in shown)
    assert any(" now: " in line and "no difference that counts" in line for line in shown)


def test_a_confidence_alone_changes_only_that() -> None:
    report = report_of(verified(deployment(noisy(new=30.0, old=30.0)), **QUARTER), **QUARTER)
    wide, narrow = again(report, confidence=0.9), again(report, confidence=0.999)
    widths = [one.result["metrics"][0]["high"] - one.result["metrics"][0]["low"] for one in (wide, narrow)]
    assert widths[0] < widths[1]
    assert wide.result["metrics"][0]["name"] == QUARTER["metrics"][0]["name"]


def test_a_report_holds_no_more_than_what_was_judged() -> None:
    asked = {**QUARTER["metrics"][0], "dimensions": {"InstanceId": "{instance_id}", "X-Api-Key": "abc"}}
    options = {**QUARTER, "metrics": [asked]}
    report = report_of(verified(deployment(noisy(new=30.0, old=30.0)), **options), **options)
    assert "hunter2" not in report and "r-1" not in report
    options = json.loads(report)["phases"][0]["verification"]["options"]
    assert options["metrics"][0]["dimensions"]["X-Api-Key"] == HIDDEN
    assert options["metrics"][0]["namespace"] == asked["namespace"]


def test_the_last_verified_phase_is_judged_or_the_one_that_is_named() -> None:
    result = verified(deployment(noisy(new=30.0, old=30.0)), **QUARTER)
    one, two = (json.loads(report_of(result, name, **QUARTER)) for name in ("25 %", "50 %"))
    both = {**one, "phases": [*one["phases"], *two["phases"], {"name": "Primary", "verification": None}]}
    text = json.dumps(both)
    assert {event.subject for event in again(text).events} == {"50 %"}
    assert {event.subject for event in again(text, phase="25 %").events} == {"25 %"}
    with pytest.raises(InvalidInput, match=r"no verification of a phase Primary; it has 25 %, 50 %"):
        again(text, phase="Primary")


@pytest.mark.parametrize(
    "metric, words",
    [
        ({"name": "other", "metric_name": "Other"}, "'other': the report has no data of it; it has cpu"),
        ({"statistic": "Maximum"}, "its data then were of another queries"),
        ({"period": 300}, "its data then were of another period"),
        ({"kind": "count", "exposure": {"namespace": "A", "metric_name": "B"}}, "of another queries"),
    ],
)
def test_what_the_report_does_not_have_is_refused(metric: dict[str, Any], words: str) -> None:
    report = report_of(verified(deployment(noisy(new=30.0, old=30.0)), **QUARTER), **QUARTER)
    with pytest.raises(InvalidInput) as refusal:
        again(report, metrics=[{**QUARTER["metrics"][0], **metric}])
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "text, words",
    [
        ("<html>", "is no report as canary_report writes it"),
        ("[]", "is no report as canary_report writes it"),
        ('{"phases": []}', "has no verification of any phase"),
    ],
)
def test_what_is_no_report_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        again(text)


def test_a_report_of_an_earlier_version_says_so() -> None:
    report = json.loads(report_of(verified(deployment(noisy(new=30.0, old=30.0)), **QUARTER), **QUARTER))
    del report["phases"][0]["verification"]["options"]
    with pytest.raises(InvalidInput, match="an earlier version wrote it"):
        again(json.dumps(report))


def test_bounds_and_counts_without_a_baseline_are_judged_again_too() -> None:
    world = deployment(noisy(new=30.0, old=30.0))
    count = {**CPU, "name": "errors", "kind": "count", "statistic": "Sum", "maximum": 1000.0}
    options = {**QUARTER, "metrics": [count]}
    report = report_of(verified(world, **options), **options)
    assert again(report).result["verdict"] == "pass"
    assert failing(report, metrics=[{**count, "maximum": 5.0}])["verdict"] == "fail"
    # It was not compared then, so that there is nothing to compare it with now.
    compared = failing(report, metrics=[{**count, "maximum": 5.0, "compare": "shift"}])
    assert compared["verdict"] == "fail"
