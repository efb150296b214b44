# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment, and each of its phases, begins only while nothing blocks it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    AlarmFired,
    Blocked,
    InvalidInput,
    LaunchFailed,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Step, Timing, run_to_the_end
from ansible_collections.progressive.aws.plugins.module_utils.deployment.blockers import (
    Blockers,
    read_blockers,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import Upgrade

from tests.recorded import COLLECTION
from tests.unit.deployment.test_alarms import Fires, make_alarm, set_state
from tests.unit.engine import Site
from tests.unit.sandbox.test_change_calendars import create

SHORT = Timing(wait_timeout=60, poll_interval=1.0)
#: The pretend AWS begins on a Monday at 14:13 UTC.
SHUT = {"closed_windows": [{"days": ["mon"], "to": "14:20"}]}


def block(site: Site, what: str) -> dict[str, Any]:
    """Blockers of which one says no for some five minutes, or until somebody changes it."""
    if what == "alarm":
        make_alarm(site, "incident", "ALARM")
        return {"alarms": ["incident"]}
    if what == "insufficient data":
        make_alarm(site, "incident", "INSUFFICIENT_DATA")
        return {"alarms": ["incident"]}
    if what == "calendar":
        now = site.clock.now()
        create(site.aws, "holidays", "DEFAULT_OPEN", (now, now + 300))
        return {"change_calendars": ["holidays"]}
    return SHUT


WORDS = {
    "alarm": "alarm incident is in ALARM: incident was told to be ALARM",
    "insufficient data": "alarm incident is in INSUFFICIENT_DATA",
    "calendar": "change calendar holidays is closed until 2026-09-21T14:18:20Z",
    "hours": "it is mon 14:13 in UTC, in the closed window mon from 00:00 to 14:20 UTC; it is open again on mon 14:20",
}


def written(site: Site, mark: int) -> list[str]:
    """What the collection has written since a mark, but for asking whether it might."""
    calls = [one for one in site.aws.writes(mark) if one["access_key"] == COLLECTION]
    return [one["operation"] for one in calls if not one["parameters"].get("DryRun")]


def upgrade(site: Site, group: str, percent: int, blockers: Blockers, **options: Any) -> Upgrade:
    step = site.upgrade_step(group, percent)
    return Upgrade(step._rollout, replace(step._options, blockers=blockers, **options))


@pytest.mark.parametrize("what", WORDS)
def test_a_deployment_that_is_blocked_is_refused_with_the_reason_and_touches_nothing(
    site: Site, what: str
) -> None:
    blockers, mark = read_blockers(block(site, what)), site.aws.mark()
    with pytest.raises(Blocked) as refused:
        site.set_up(site.image("one"), blockers=blockers)
    assert WORDS[what] in str(refused.value)
    assert written(site, mark) == []


@pytest.mark.parametrize("what", ["alarm", "calendar", "hours"])
def test_a_deployment_that_waits_begins_when_nothing_blocks_it_any_more(site: Site, what: str) -> None:
    blockers = read_blockers({**block(site, what), "wait": 3600})
    clock = Fires(site, 300.0, lambda: set_state(site, "incident", "OK") if what == "alarm" else None)
    step, began, mark = site.set_up_step(site.image("one"), blockers=blockers), clock.now(), site.aws.mark()

    assert _run(step, clock)["group"]

    assert 285 <= clock.now() - began <= 420, "the wait counts for no time-out, which is a minute"
    first = next(one for one in site.aws.writes(mark) if one["operation"] == "CreateAutoScalingGroup")
    assert first["time"] - began >= 285


def _run(step: Step, clock: Fires) -> dict[str, Any]:
    return dict(run_to_the_end(step, clock, SHORT).result)


def test_a_wait_has_its_limit(site: Site) -> None:
    blockers = read_blockers({**block(site, "alarm"), "wait": 120})
    began = site.clock.now()
    with pytest.raises(Blocked, match="waited for"):
        site.set_up(site.image("one"), blockers=blockers)
    assert 120 <= site.clock.now() - began <= 140


def test_the_plan_is_made_all_the_same_and_warns_of_what_would_block_it(site: Site) -> None:
    blockers = read_blockers(block(site, "alarm"))
    outcome = site.run(
        site.set_up_step(site.image("one"), blockers=blockers, check_mode=True), check_mode=True
    )
    warnings = [one.text for one in outcome.events if one.kind == "warning"]
    assert any(f"it could not begin now: {WORDS['alarm']}" in words for words in warnings)


def test_a_phase_begins_only_while_nothing_blocks_it_and_one_that_has_begun_is_finished(site: Site) -> None:
    group = site.set_up(site.image("one"))
    # It is killed when the phase has begun.
    site.one_pass(upgrade(site, group, 50, Blockers()))
    blockers = read_blockers(block(site, "alarm"))
    site.run(upgrade(site, group, 50, blockers))
    assert site.desired() == {1: 2}
    with pytest.raises(Blocked, match="alarm incident is in ALARM"):
        site.run(upgrade(site, group, 100, blockers))
    assert site.desired() == {1: 2}
    # What is reached needs no leave.
    site.run(upgrade(site, group, 50, blockers))


def test_a_phase_that_waits_keeps_its_lease_and_sees_instances_fail_and_alarms_fire(site: Site) -> None:
    make_alarm(site, "errors")
    site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"), watched_alarms=("errors",))
    site.upgrade(group, 50)
    blockers = read_blockers({**block(site, "alarm"), "wait": 3600})
    began = site.clock.now()
    clock = Fires(site, 600.0, lambda: set_state(site, "incident", "OK"))
    assert _run(upgrade(site, group, 100, blockers), clock)["final"]
    assert site.clock.now() - began > 600
    assert site.desired() == {1: 0, 2: 4}
    assert min(site.totals[100:]) >= 4

    third = site.set_up(site.image("three"), watched_alarms=("errors",))
    set_state(site, "incident", "ALARM")
    clock = Fires(site, 60.0, lambda: set_state(site, "errors", "ALARM"))
    with pytest.raises(AlarmFired):
        _run(upgrade(site, third, 100, blockers, watched_alarms=("errors",)), clock)


def test_instances_that_are_lost_while_a_phase_waits_end_it(site: Site) -> None:
    group = site.set_up(site.image("one"))
    site.upgrade(group, 50)
    blockers = read_blockers({**block(site, "alarm"), "wait": 7200})

    def lose() -> None:
        site.aws.fail_launches("InvalidAMIID.NotFound", group=group)
        instance = (site.shop.group(group) or {})["Instances"][0]["InstanceId"]
        site.aws.act(instance, "unhealthy")

    with pytest.raises(LaunchFailed):
        _run(upgrade(site, group, 100, blockers), Fires(site, 60.0, lose))


def test_what_there_is_not_is_refused_before_anything_is_touched_all_at_once(site: Site) -> None:
    mark = site.aws.mark()
    with pytest.raises(InvalidInput) as refused:
        site.set_up(
            site.image("one"), blockers=read_blockers({"alarms": ["none"], "change_calendars": ["nowhere"]})
        )
    words = str(refused.value)
    assert "there is no alarm 'none' in this region and account" in words
    assert "there is no change calendar nowhere" in words
    assert written(site, mark) == []
    with pytest.raises(InvalidInput, match="wait is -1"):
        site.set_up(site.image("two"), blockers=read_blockers({"wait": -1}))
    with pytest.raises(InvalidInput, match="time_zone"):
        site.set_up(
            site.image("three"), blockers=read_blockers({"open_windows": [{"time_zone": "Nowhere/None"}]})
        )


def test_what_is_live_already_or_goes_on_needs_no_leave(site: Site) -> None:
    image_id = site.image("one")
    group = site.set_up(image_id)
    blockers = read_blockers(block(site, "alarm"))
    assert site.run(site.set_up_step(image_id, blockers=blockers)).result["resumed"]
    site.upgrade(group, 100)
    assert site.run(site.set_up_step(image_id, blockers=blockers)).result["already_live"]
