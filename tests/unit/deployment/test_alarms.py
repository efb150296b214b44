# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms are watched from the first change of a deployment on: one that comes into ALARM ends it at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import AlarmFired, InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Step, Timing, run_to_the_end
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import Upgrade
from ansible_collections.progressive.aws.plugins.module_utils.verification.fleet import AwsSurroundings
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import read_settings
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import Verification

from tests.recorded import COLLECTION
from tests.unit.engine import Site

PATIENT = Timing(wait_timeout=7200, poll_interval=5.0)


def make_alarm(site: Site, name: str, state: str = "OK") -> None:
    """An alarm without data, which keeps whatever state it is given."""
    site.shop.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="Test",
        MetricName="Nothing",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    set_state(site, name, state)


def set_state(site: Site, name: str, state: str) -> None:
    site.shop.client("cloudwatch").set_alarm_state(
        AlarmName=name, StateValue=state, StateReason=f"{name} was told to be {state}"
    )


@dataclass
class Fires:
    """A clock by which something happens after so many seconds."""

    site: Site
    after: float
    happens: Callable[[], None]
    happened: float | None = None

    def __post_init__(self) -> None:
        self.began = self.now()

    def now(self) -> float:
        return self.site.clock.now()

    def sleep(self, seconds: float) -> None:
        self.site.clock.sleep(seconds)
        if self.happened is None and self.now() - self.began >= self.after:
            self.happens()
            self.happened = self.now()


def upgrade(site: Site, group: str, percent: int, alarms: tuple[str, ...], **options: Any) -> Upgrade:
    step = site.upgrade_step(group, percent)
    return Upgrade(step._rollout, replace(step._options, watched_alarms=alarms, **options))


def run(step: Step, clock: Fires) -> AlarmFired:
    with pytest.raises(AlarmFired) as failure:
        run_to_the_end(step, clock, PATIENT)
    return failure.value


def verification(site: Site, group: str, alarms: tuple[str, ...]) -> Verification:
    metric = {
        "name": "cpu",
        "namespace": "CWAgent",
        "metric_name": "cpu_usage_active",
        "dimensions": {"InstanceId": "{instance_id}"},
        "maximum": 99.0,
    }
    rollout = site.rollout()
    settings = read_settings({"group": group, "metrics": [metric], "delay": 0, "warmup": 0, "duration": 900})
    return Verification(settings, rollout.cloudwatch, AwsSurroundings(rollout, alarms), site.clock)


@pytest.mark.parametrize("wait", ["settling", "pausing", "verifying"])
def test_an_alarm_that_fires_ends_every_wait_within_seconds_and_the_rollback_is_exact(
    site: Site, wait: str
) -> None:
    site.deploy(site.image("one"), percents=(100,))
    make_alarm(site, "errors")
    image_id, before = site.image("two"), site.standing()
    group = site.set_up(image_id, watched_alarms=("errors",))
    if wait == "verifying":
        site.upgrade(group, 50)
    after = {"settling": 2.0, "pausing": 100.0, "verifying": 100.0}[wait]
    clock = Fires(site, after, lambda: set_state(site, "errors", "ALARM"))
    step: Step = (
        verification(site, group, ("errors",))
        if wait == "verifying"
        else upgrade(
            site, group, 50, ("errors",), settle_time=60.0, pause=600.0 if wait == "pausing" else 0.0
        )
    )

    failure = run(step, clock)

    assert clock.happened is not None and clock.now() - clock.happened <= 20
    words = str(failure)
    assert "alarm errors is in ALARM" in words
    assert "errors was told to be ALARM" in words
    assert "Alarm updated from OK to ALARM" in words
    assert failure.result["alarms"][0]["history"][0]["summary"] == "Alarm updated from OK to ALARM"
    site.roll_back()
    assert {name: one for name, one in site.standing().items() if name != "alarm errors"} == {
        name: one for name, one in before.items() if name != "alarm errors"
    }


def test_a_composite_alarm_is_watched_like_one_of_a_metric(site: Site) -> None:
    make_alarm(site, "child")
    site.shop.client("cloudwatch").put_composite_alarm(AlarmName="unwell", AlarmRule='ALARM("child")')
    group = site.set_up(site.image("one"), watched_alarms=("unwell",))
    clock = Fires(site, 2.0, lambda: set_state(site, "child", "ALARM"))
    failure = run(upgrade(site, group, 100, ("unwell",)), clock)
    assert "composite alarm unwell is in ALARM" in str(failure)
    assert "evaluates to ALARM" in str(failure)
    assert failure.result["alarms"][0]["history"]


def test_what_is_in_alarm_already_is_warned_of_and_ends_nothing_also_for_a_run_that_goes_on(
    site: Site,
) -> None:
    make_alarm(site, "old", "ALARM")
    make_alarm(site, "quiet")
    names = ("old", "quiet")
    set_up = site.run(site.set_up_step(site.image("one"), watched_alarms=names))
    group = str(set_up.result["group"])
    assert any("alarm old is in ALARM already" in one.text for one in set_up.events if one.kind == "warning")
    site.run(upgrade(site, group, 50, names))
    # Somebody else's run goes on, and knows nothing but the journal.
    site.clock.sleep(300)
    other = site.upgrade_step(group, 100, "two")
    step = Upgrade(other._rollout, replace(other._options, watched_alarms=names))
    assert site.run(step).done
    assert site.desired() == {1: 4}


def test_a_run_that_goes_on_may_watch_more_whose_state_now_is_their_first(site: Site) -> None:
    make_alarm(site, "errors")
    image_id = site.image("one")
    group = site.set_up(image_id, watched_alarms=("errors",))
    site.run(upgrade(site, group, 50, ("errors",)))
    make_alarm(site, "more", "ALARM")
    set_state(site, "errors", "ALARM")
    again = site.run(site.set_up_step(image_id, watched_alarms=("errors", "more")))
    assert again.result["resumed"]
    assert any("alarm more is in ALARM already" in one.text for one in again.events if one.kind == "warning")
    clock = Fires(site, 1e9, lambda: None)
    failure = run(upgrade(site, group, 100, ("errors", "more")), clock)
    assert [one["name"] for one in failure.result["alarms"]] == ["errors"], "it was quiet when it began"


def test_alarms_that_do_not_exist_are_refused_with_near_names_before_anything_is_touched(site: Site) -> None:
    make_alarm(site, "checkout-errors")
    mark = site.aws.mark()
    with pytest.raises(InvalidInput) as refused:
        site.set_up(site.image("one"), watched_alarms=("checkout-error", "zebra"))
    assert "there is no alarm 'checkout-error' in this region and account; did you mean checkout-errors?" in (
        refused.value.problems
    )
    assert "there is no alarm 'zebra' in this region and account" in refused.value.problems
    writes = [one for one in site.aws.writes(mark) if one["access_key"] == COLLECTION]
    assert [one["operation"] for one in writes if not one["parameters"].get("DryRun")] == []


def test_more_alarms_than_a_tag_has_room_for_are_refused_and_what_fits_takes_no_tag_more(site: Site) -> None:
    names = tuple(f"alarm-{number}" for number in range(80))
    for name in names:
        make_alarm(site, name)
    with pytest.raises(InvalidInput, match="watch fewer alarms"):
        site.set_up(site.image("one"), watched_alarms=names)
    without = site.set_up(site.image("two"))
    tags = len((site.shop.group(without) or {})["Tags"])
    site.roll_back()
    group = site.set_up(site.image("three"), watched_alarms=names[:60])
    assert len((site.shop.group(group) or {})["Tags"]) == tags


def test_an_alarm_that_is_deleted_meanwhile_is_warned_of_once(site: Site) -> None:
    make_alarm(site, "errors")
    group = site.set_up(site.image("one"), watched_alarms=("errors",))
    site.shop.client("cloudwatch").delete_alarms(AlarmNames=["errors"])
    outcome = site.run(upgrade(site, group, 100, ("errors",), settle_time=60.0))
    warnings = [one.text for one in outcome.events if one.kind == "warning"]
    assert warnings == ["alarm errors does not exist any more, and nobody watches for it"]


def test_alarms_cost_a_call_every_fifteen_seconds(site: Site) -> None:
    make_alarm(site, "errors")
    group = site.set_up(site.image("one"), watched_alarms=("errors",))
    mark, began = site.aws.mark(), site.clock.now()
    run_to_the_end(upgrade(site, group, 50, ("errors",), pause=900.0), site.clock, PATIENT)
    took = site.clock.now() - began
    asked = [one for one in site.aws.calls(mark) if one["operation"] == "DescribeAlarms"]
    assert took / 15 - 1 <= len(asked) <= took / 15 + 1


def test_an_alarm_fires_for_a_pass_of_a_process_as_for_a_whole_run(site: Site) -> None:
    make_alarm(site, "errors")
    group = site.set_up(site.image("one"), watched_alarms=("errors",))
    first = site.one_pass(upgrade(site, group, 50, ("errors",), settle_time=60.0))
    set_state(site, "errors", "ALARM")
    site.clock.sleep(16)
    with pytest.raises(AlarmFired):
        site.one_pass(upgrade(site, group, 50, ("errors",), settle_time=60.0), first.progress)
