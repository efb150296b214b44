# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification in the background of every wait: a fail ends the step at once, and nothing waits for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Bake
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    PassResult,
    Step,
    Timing,
    run_pass,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Rollout
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import Upgrade
from ansible_collections.progressive.aws.plugins.module_utils.verification.background import (
    Watched,
    WatchFailed,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.fleet import AwsSurroundings
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import (
    Settings,
    read_settings,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import Verification

from tests.unit.engine import Site

PATIENT = Timing(wait_timeout=7200, poll_interval=5.0)
MEMORY = {
    "name": "memory",
    "namespace": "CWAgent",
    "metric_name": "mem_used_percent",
    "dimensions": {"InstanceId": "{instance_id}"},
    "maximum": 60.0,
}
#: As much to do as the policies want, so that nothing scales them.
BUSY = {"cpu": {"mean": 58.0, "sd": 0.5}}
#: 20 % at the start, so that more than 60 % is reached after eight minutes.
LEAK = {**BUSY, "memory": {"start": 20.0, "per_minute": 5.0, "sd": 0.0}}
STEADY = {**BUSY, "memory": {"start": 20.0, "per_minute": 0.0, "sd": 0.0}}


def settings(group: str, **options: Any) -> Settings:
    given = {"metrics": [MEMORY], "delay": 0, "warmup": 0, "duration": 300, "history": 0}
    return read_settings({"group": group, **given, **options})


def watched(site: Site, step: Upgrade, **options: Any) -> Watched:
    return Watched(step, step._rollout, settings(step._options.group, **options))


def with_options(step: Upgrade, **options: Any) -> Upgrade:
    return Upgrade(step._rollout, replace(step._options, **options))


def deployed(site: Site, behaviour: Mapping[str, Any], **options: Any) -> str:
    """A second revision that has reached half of its instances."""
    site.deploy(site.image("one", **STEADY), percents=(100,))
    # So that there is an earlier time to compare with.
    site.clock.sleep(900)
    group = site.set_up(site.image("two", **behaviour), **options)
    site.upgrade(group, 50)
    return group


def run(site: Site, step: Step) -> PassResult:
    return run_to_the_end(step, site.clock, PATIENT)


def looks(site: Site, mark: int) -> int:
    return sum(one["operation"] == "GetMetricData" for one in site.aws.calls(mark))


def test_what_becomes_bad_in_a_pause_ends_it_within_a_period_or_two_with_its_reason(site: Site) -> None:
    group = deployed(site, LEAK)
    began = site.clock.now()
    with pytest.raises(WatchFailed) as failure:
        run(site, watched(site, with_options(site.upgrade_step(group, 50), pause=3600.0)))
    assert site.clock.now() - began <= 11 * 60
    words = str(failure.value)
    assert "the verification in the background says: verdict fail: memory" in words
    assert "2 in service" in words
    assert failure.value.reason == "verification_failed"
    assert failure.value.result["metrics"][0]["verdict"] == "fail"


def test_what_becomes_bad_in_a_bake_is_found_and_taken_back_with_the_outgoing_group_whole(
    site: Site,
) -> None:
    group = deployed(site, LEAK, bake=Bake(3600, keeps=True))
    site.upgrade(group, 100)
    with pytest.raises(WatchFailed):
        run(site, watched(site, with_options(site.upgrade_step(group, 100), end_bake=True)))
    assert site.desired() == {1: 4, 2: 4}
    site.roll_back()
    assert site.desired() == {1: 4}


def test_what_becomes_bad_beside_another_verification_ends_that_one(site: Site) -> None:
    group = deployed(site, LEAK)
    rollout = site.rollout()
    other = settings(group, metrics=[{**MEMORY, "name": "other", "maximum": 99.0}], duration=3600)
    step = Verification(other, rollout.cloudwatch, AwsSurroundings(rollout), site.clock)
    with pytest.raises(WatchFailed, match="memory"):
        run(site, Watched(step, rollout, settings(group)))


def test_what_is_well_ends_nothing_and_nothing_waits_for_it(site: Site) -> None:
    group = deployed(site, STEADY)
    began, mark = site.clock.now(), site.aws.mark()
    outcome = run(site, watched(site, with_options(site.upgrade_step(group, 50), pause=1200.0)))
    assert outcome.done
    assert site.clock.now() - began <= 1220
    # Once a period, and once more for the refusals at the beginning.
    assert 15 <= looks(site, mark) <= 30
    told = [one.text for one in outcome.events if one.kind == "verdict"]
    assert sum("in the background: verdict pass" in one for one in told) >= 3


def test_a_step_that_does_not_wait_asks_nothing(site: Site) -> None:
    group = deployed(site, STEADY)
    mark = site.aws.mark()
    assert run(site, watched(site, site.upgrade_step(group, 50))).done
    assert looks(site, mark) == 0


@dataclass
class Handed:
    """What a run's steps hand on, as text between processes."""

    text: str = "{}"

    def into(self, rollout: Rollout) -> Rollout:
        rollout.handed_on.update(json.loads(self.text))
        return rollout

    def out_of(self, rollout: Rollout) -> None:
        self.text = json.dumps(rollout.handed_on)


def test_the_window_goes_on_from_step_to_step(site: Site) -> None:
    group = deployed(site, LEAK)
    handed, found = Handed(), 0
    for _ in range(30):
        # Each is too short for a verdict by itself that asks for five bad minutes.
        step = with_options(site.upgrade_step(group, 50), pause=100.0)
        handed.into(step._rollout)
        strict = {"metrics": [{**MEMORY, "datapoints_to_fail": 4}], "duration": 900}
        try:
            run(site, watched(site, step, **strict))
        except WatchFailed:
            found += 1
            break
        handed.out_of(step._rollout)
    assert found == 1


def test_pass_by_pass_it_is_the_same(site: Site) -> None:
    group = deployed(site, LEAK)
    progress: dict[str, Any] = {}
    handed = Handed()
    with pytest.raises(WatchFailed, match="memory"):
        for _ in range(400):
            step = with_options(site.upgrade_step(group, 50), pause=3600.0)
            handed.into(step._rollout)
            outcome = run_pass(watched(site, step), progress, site.clock, Timing(7200, 5.0, 10.0))
            handed.out_of(step._rollout)
            progress = outcome.progress


def test_another_group_or_other_options_begin_a_window_of_their_own(site: Site) -> None:
    group = deployed(site, STEADY)
    step = with_options(site.upgrade_step(group, 50), pause=100.0)
    run(site, watched(site, step))
    assert watched(site, step)._kept.window is not None
    assert watched(site, step, duration=600)._kept.window is None


def test_a_verdict_that_is_inconclusive_is_told_and_no_fail(site: Site) -> None:
    group = deployed(site, STEADY)
    nowhere = {**MEMORY, "metric_name": "nobody_publishes_it"}
    step = with_options(site.upgrade_step(group, 50), pause=1500.0)
    outcome = run(site, watched(site, step, metrics=[nowhere], on_no_data="inconclusive"))
    assert outcome.done
    assert any("in the background: verdict inconclusive" in one.text for one in outcome.events)


@pytest.mark.parametrize(("strategy", "warned"), [("auto", False), ("canary", True)])
def test_in_the_bake_it_goes_on_where_there_is_nothing_left_to_compare_with(
    site: Site, strategy: str, warned: bool
) -> None:
    group = deployed(site, STEADY, bake=Bake(1200))
    compared = {"metrics": [{**MEMORY, "compare": "shift"}], "strategy": strategy}
    handed, events = Handed(), []
    # The first window begins beside the outgoing group, and the others when that has gone.
    for step in (
        with_options(site.upgrade_step(group, 50), pause=100.0),
        site.upgrade_step(group, 100),
        with_options(site.upgrade_step(group, 100), end_bake=True),
    ):
        handed.into(step._rollout)
        outcome = run(site, watched(site, step, **compared))
        handed.out_of(step._rollout)
        events += outcome.events
    assert outcome.done
    told = [one.text for one in events if one.text.startswith("in the background: ")]
    assert warned or any("verdict pass" in one for one in told)
    refused = [one for one in told if "nothing is judged now" in one]
    assert len(refused) == (1 if warned else 0)


def test_options_that_cannot_be_are_refused_before_anything_is_asked(site: Site) -> None:
    with pytest.raises(InvalidInput, match="there is nothing to judge"):
        settings("a__b__c__1", metrics=[])
