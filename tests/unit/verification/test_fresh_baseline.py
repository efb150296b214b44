# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary is compared with its fresh baseline where one serves, and takes it away once it has passed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import PassResult, Timing
from ansible_collections.progressive.aws.plugins.module_utils.deployment.fresh_baseline import BASELINES
from ansible_collections.progressive.aws.plugins.module_utils.verification.background import Watched
from ansible_collections.progressive.aws.plugins.module_utils.verification.fleet import AwsSurroundings
from ansible_collections.progressive.aws.plugins.module_utils.verification.rehearsal import expected
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import read_settings
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import (
    VerdictNotPassed,
    Verification,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification_options import baseline_seconds

from tests.unit.engine import Site

BASELINE = "shop__checkout__prod__2__baseline"
CPU = {
    "name": "cpu",
    "namespace": "CWAgent",
    "metric_name": "cpu_usage_active",
    "dimensions": {"InstanceId": "{instance_id}"},
    "direction": "increase",
}
TIMING = Timing(wait_timeout=7200, poll_interval=5.0)


MEMORY = {**CPU, "name": "memory", "metric_name": "mem_used_percent"}
# Percent a minute.
LEAK = {"start": 40.0, "per_minute": 0.2}


def begun(site: Site, baseline: str = "fresh", **new: Any) -> str:
    """Revision 1 has served for an hour; revision 2 has half, with a fresh baseline. Returns its group."""
    site.deploy(site.image("one", resolution=10, memory=LEAK), (100,))
    site.aws.advance(3600)
    group = site.set_up(site.image("two", resolution=10, **{"memory": LEAK, **new}))
    site.upgrade(group, 50, baseline=baseline)
    return group


def verification(site: Site, group: str, owner: str = "one", **options: Any) -> Verification:
    rollout = site.rollout(owner)
    given = {"group": group, "metrics": [CPU], "warmup": 60, "duration": 600, **options}
    return Verification(read_settings(given), rollout.cloudwatch, AwsSurroundings(rollout), site.clock)


def verify(site: Site, group: str, owner: str = "one", **options: Any) -> PassResult:
    return site.run(verification(site, group, owner, **options), TIMING)


def desired(site: Site) -> int | None:
    found = site.shop.group(BASELINE)
    return found["DesiredCapacity"] if found else None


def test_it_is_compared_with_the_fresh_one_and_takes_it_away_when_it_has_passed(site: Site) -> None:
    group = begun(site)
    there = {one["InstanceId"] for one in (site.shop.group(BASELINE) or {})["Instances"]}
    mark = site.aws.mark()
    found = verify(site, group)
    assert found.result["verdict"] == "pass"
    assert found.result["baseline"]["groups"] == [BASELINE]
    compared = {one["instance_id"] for one in found.result["series"] if one["side"] == "baseline"}
    assert compared == there
    assert not desired(site)
    assert f"resize fresh baseline {BASELINE} to min 0, max 0, desired 0" in found.actions
    touched = {one["parameters"].get("AutoScalingGroupName") for one in site.aws.writes(mark)}
    assert touched <= {BASELINE, None}
    site.upgrade(group, 100)
    assert desired(site) is None


def test_both_sides_are_of_one_age(site: Site) -> None:
    """Instances of the outgoing group have served for an hour."""
    group = begun(site)
    found = verify(site, group)
    starts = {one["start"] for one in found.result["series"]}
    began = {
        record.launched_at
        for record in site.aws.world.instance_records()
        if record.instance_id in {one["instance_id"] for one in found.result["series"]}
    }
    assert len(starts) == 1
    assert max(began) - min(began) <= 1


@pytest.mark.parametrize(
    ("per_minute", "direction", "against_the_fresh", "against_the_outgoing"),
    [
        # The same leak as ever: the canary has less, since it is younger.
        (0.2, "either", "pass", "fail"),
        # Three times as much, and still less than what has leaked for an hour.
        (0.6, "increase", "fail", "pass"),
    ],
)
def test_what_grows_with_age_is_no_difference_of_the_image_and_hides_none(
    site: Site, per_minute: float, direction: str, against_the_fresh: str, against_the_outgoing: str
) -> None:
    found = {}
    for baseline in BASELINES:
        site.aws.reset(site.aws.world.settings)
        anew = Site(site.aws)
        anew.make_base(TargetGroupARNs=[anew.shop.target_group()])
        group = begun(anew, baseline, memory={**LEAK, "per_minute": per_minute})
        try:
            found[baseline] = verify(
                anew, group, metrics=[{**MEMORY, "direction": direction}], history=0
            ).result["verdict"]
        except VerdictNotPassed as failed:
            found[baseline] = failed.result["verdict"]
    assert found == {"fresh": against_the_fresh, "outgoing": against_the_outgoing}


def test_a_canary_that_fails_keeps_it_until_the_rollback(site: Site) -> None:
    group = begun(site, cpu={"mean": 80.0})
    with pytest.raises(VerdictNotPassed):
        verify(site, group)
    assert desired(site) == 2
    site.roll_back(group)
    assert desired(site) is None


@pytest.mark.parametrize(
    "options", [{"baseline_groups": ["shop__checkout__prod__1"]}, {"strategy": "previous"}]
)
def test_what_the_play_says_otherwise_holds(site: Site, options: dict[str, Any]) -> None:
    group = begun(site)
    found = verify(site, group, **options)
    assert found.result["baseline"]["groups"] == ["shop__checkout__prod__1"]
    # Nothing has been compared with it, and the next phase does away with it.
    site.upgrade(group, 100)
    assert desired(site) is None


def test_whoever_only_looks_takes_nothing_away(site: Site) -> None:
    group = begun(site)
    assert verify(site, group, owner="somebody").result["verdict"] == "pass"
    assert desired(site) == 2


def test_killed_once_it_has_passed_the_next_phase_goes_on(site: Site) -> None:
    class Killed(BaseException):
        pass

    group = begun(site)
    step = verification(site, group)
    mark = site.aws.mark()

    def kill(number: int) -> None:
        if any(one["operation"] == "UpdateAutoScalingGroup" for one in site.aws.writes(mark)):
            raise Killed

    with site.aws.before_calls(kill), pytest.raises(Killed):
        site.run(step, TIMING)
        # It makes no call after that write.
        site.shop.group(group)
    site.clock.sleep(130)
    site.upgrade(group, 100, "again", baseline="fresh")
    assert desired(site) is None
    assert site.shop.policies(group) == ["cpu-at-60"]


def test_where_it_has_lost_all_its_instances_the_outgoing_group_is_compared_with(site: Site) -> None:
    group = begun(site)
    site.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=BASELINE, MinSize=0, MaxSize=0, DesiredCapacity=0
    )
    site.clock.sleep(60)
    assert verify(site, group).result["baseline"]["groups"] == ["shop__checkout__prod__1"]


def test_the_background_goes_on_comparing_with_the_outgoing_group(site: Site) -> None:
    group = begun(site)
    rollout = site.rollout()
    options = {"group": group, "metrics": [CPU], "warmup": 0, "duration": 300}
    step = site.upgrade_step(group, 50, baseline="fresh")
    watched = Watched(step, rollout, read_settings(options))
    assert watched._surroundings.outgoing(rollout.autoscaling.group(group), fresh=True) == [
        "shop__checkout__prod__1"
    ]


def test_the_plan_expects_as_many_to_compare_with_as_there_are_to_judge() -> None:
    sizes = {"new": 1, "outgoing": 3, "outgoing_groups": {"one": 3}}
    assert expected({**sizes, "baseline": 1}) == {"expected_instances": 1, "expected_baseline_instances": 1}
    assert expected({**sizes, "baseline": 0}) == {"expected_instances": 1, "expected_baseline_instances": 3}


def phase(pause: Any = None, **verify: Any) -> dict[str, Any]:
    return {"pause": pause, "verify": {"metrics": [CPU], "warmup": 60, "duration": 600, **verify}}


@pytest.mark.parametrize(
    ("first", "seconds"),
    [
        (phase(), 660),
        (phase(pause="40"), 700),
        (phase(strategy="canary"), 660),
        (phase(strategy="previous"), 0),
        (phase(baseline_groups=["another"]), 0),
        (phase(metrics=[{**CPU, "maximum": 90.0, "compare": "none", "direction": "either"}]), 0),
        (phase(metrics=[], alarms=["cpu"]), 0),
        (phase(duration=-1), 0),
        ({"pause": None, "verify": None}, 0),
    ],
)
def test_only_phases_that_compare_with_instances_need_one(first: dict[str, Any], seconds: float) -> None:
    outgoing, fresh = BASELINES
    assert baseline_seconds([first, phase()], fresh) == [seconds, 0]
    assert baseline_seconds([first, phase()], outgoing) == [0, 0]
    assert baseline_seconds([], fresh) == []
