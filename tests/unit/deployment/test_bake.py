# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A revision that has everything bakes for a while before it is live, and can be taken back from it in seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    AlarmFired,
    Drifted,
    InvalidInput,
    LaunchFailed,
    RolloutError,
    TimedOut,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Bake, Deployment, Phase
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    PassResult,
    Timing,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import Upgrade
from ansible_collections.progressive.aws.plugins.module_utils.deployment.whereabouts import whereabouts

from tests.unit.deployment.test_alarms import Fires, make_alarm, set_state
from tests.unit.engine import Site

LASTS = 600
RUNNING = Bake(LASTS, keeps=True)
STOPPED = Bake(LASTS)
#: A time-out that is much shorter than the bake.
SHORT = Timing(wait_timeout=60, poll_interval=5.0)
WAYS = {"running": RUNNING, "stopped": STOPPED}


def busy(site: Site, name: str) -> str:
    """An image whose instances have as much to do as their policies want, so that nothing scales them."""
    return site.image(name, cpu={"mean": 58.0, "sd": 0.5})


def bake_step(site: Site, group: str, owner: str = "one", **options: Any) -> Upgrade:
    step = site.upgrade_step(group, 100, owner)
    return Upgrade(step._rollout, replace(step._options, end_bake=True, **options))


def bake(
    site: Site, group: str, clock: Fires | None = None, owner: str = "one", **options: Any
) -> PassResult:
    return run_to_the_end(bake_step(site, group, owner, **options), clock or site.clock, SHORT)


def begun(site: Site, way: Bake, percents: tuple[int, ...] = (25, 50, 100), **options: Any) -> str:
    """The name of a second revision whose bake has begun."""
    site.deploy(busy(site, "one"), percents=(100,))
    group = site.set_up(site.new_image or busy(site, "two"), bake=way, **options)
    for percent in percents:
        site.upgrade(group, percent)
    return group


def deployment(site: Site, group: str) -> Deployment:
    found = journal.read_deployment(site.rollout().autoscaling.group(group))  # type: ignore[arg-type]
    assert found
    return found


def policies(site: Site, group: str) -> int:
    return len(
        site.shop.client("autoscaling").describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_revision_is_live_when_its_bake_is_over_and_capacity_never_falls(site: Site, way: str) -> None:
    group = begun(site, WAYS[way])
    assert deployment(site, group).status == journal.DEPLOYING
    assert deployment(site, group).phase.baking
    assert site.desired() == ({1: 4, 2: 4} if way == "running" else {1: 0, 2: 4})
    # Alone it is to follow the load; beside the outgoing ones it would see half of it.
    assert policies(site, group) == (0 if way == "running" else 1)
    began = site.clock.now()
    status = whereabouts(site.rollout().autoscaling.group(group), began)  # type: ignore[arg-type]
    assert ": 4 of 4, bake until 2026-09-21 14:2" in status[0]

    outcome = bake(site, group)

    assert LASTS - 10 <= site.clock.now() - began <= LASTS + 60
    assert deployment(site, group).status == journal.LIVE
    assert not outcome.result["baking"]
    assert site.desired() == {1: 0, 2: 4}
    assert policies(site, group) == 1
    sizes = site.shop.revisions()[group]
    assert (sizes.min_size, sizes.max_size) == (0, 10)
    assert journal.status(site.rollout().autoscaling.group(f"{site.prefix}1")) == journal.SUPERSEDED  # type: ignore[arg-type]
    assert min(site.totals[100:]) >= 4


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("moment", ["at once", "in the middle"])
def test_a_rollback_from_the_bake_is_exact_and_with_running_capacity_takes_seconds(
    site: Site, way: str, moment: str
) -> None:
    site.deploy(busy(site, "one"), percents=(100,))
    site.new_image = busy(site, "two")
    before = site.standing()
    group = site.set_up(site.new_image, bake=WAYS[way])
    for percent in (50, 100):
        site.upgrade(group, percent)
    if moment == "in the middle":
        make_alarm(site, "errors")
        clock = Fires(site, LASTS / 2, lambda: set_state(site, "errors", "ALARM"))
        with pytest.raises(AlarmFired):
            bake(site, group, clock, watched_alarms=("errors",))
        site.shop.client("cloudwatch").delete_alarms(AlarmNames=["errors"])
    began, mark = site.clock.now(), site.aws.mark()
    site.totals.clear()

    site.roll_back()

    took = site.clock.now() - began
    assert site.standing() == before
    assert min(site.totals) >= 4
    if way == "running":
        writes = [one for one in site.aws.writes(mark) if one["operation"] == "UpdateAutoScalingGroup"]
        assert {one["parameters"]["AutoScalingGroupName"] for one in writes} == {group}, (
            "nothing to give back"
        )
        assert took <= 10
        emptied = next(one["time"] for one in writes)
        assert emptied - began <= 1, "at once, since what is gone back to serves already"


def test_with_running_capacity_the_outgoing_groups_keep_their_sizes_in_every_phase_and_after_a_kill(
    site: Site,
) -> None:
    site.deploy(busy(site, "one"), percents=(100,))
    image_id = busy(site, "two")
    group = site.set_up(image_id, bake=RUNNING)
    sizes = (site.shop.revisions())[f"{site.prefix}1"]
    for percent, new in ((25, 1), (50, 2), (100, 4)):
        site.upgrade(group, percent)
        assert site.desired() == {1: 4, 2: new}
        assert site.shop.revisions()[f"{site.prefix}1"] == sizes
        # Somebody else's run goes on, and finds nothing strange.
        site.clock.sleep(300)
        assert site.run(site.set_up_step(image_id, "two", bake=RUNNING)).result["resumed"]
        site.upgrade(group, percent, "two")
        site.clock.sleep(300)
        site.run(site.set_up_step(image_id, bake=RUNNING))


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_goes_on_with_a_bake_waits_for_what_is_left_of_it(site: Site, way: str) -> None:
    site.new_image = busy(site, "two")
    group = begun(site, WAYS[way], (100,))
    began = deployment(site, group).phase.bake_since

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        bake(site, group, Fires(site, LASTS / 2, kill))
    site.clock.sleep(130)
    site.run(site.set_up_step(site.new_image, "two", bake=WAYS[way]))
    assert deployment(site, group).phase.bake_since == began
    # What was reached before it is passed over.
    site.upgrade(group, 50, "two")
    site.upgrade(group, 100, "two")
    bake(site, group, owner="two")
    assert deployment(site, group).status == journal.LIVE
    assert abs(site.clock.now() - began - LASTS) < 60


def test_a_run_that_goes_on_may_bake_for_another_time_and_not_otherwise(site: Site) -> None:
    site.new_image = busy(site, "two")
    group = begun(site, RUNNING, (100,))
    outcome = site.run(site.set_up_step(site.new_image, bake=Bake(60)))
    warnings = [one.text for one in outcome.events if one.kind == "warning"]
    assert "goes on with bake_outgoing=running, as it was begun" in warnings
    assert deployment(site, group).bake == Bake(60, keeps=True)
    bake(site, group)
    assert site.desired() == {1: 0, 2: 4}
    # Without any bake the final phase goes to its end by itself.
    site.roll_back()
    image_id = busy(site, "three")
    group = site.set_up(image_id, bake=RUNNING)
    site.upgrade(group, 50)
    site.run(site.set_up_step(image_id, bake=Bake()))
    site.upgrade(group, 100)
    assert deployment(site, group).status == journal.LIVE


def test_an_alarm_that_fires_and_instances_that_are_lost_end_the_bake(site: Site) -> None:
    group = begun(site, RUNNING, (100,))

    def lose() -> None:
        site.aws.fail_launches("InvalidAMIID.NotFound", group=group)
        site.aws.act((site.shop.group(group) or {})["Instances"][0]["InstanceId"], "unhealthy")

    with pytest.raises(LaunchFailed):
        bake(site, group, Fires(site, 200, lose))
    assert site.desired() == {1: 4, 2: 4}, "nothing that works was taken away"


def test_an_outgoing_group_that_loses_an_instance_in_the_bake_ends_nothing(site: Site) -> None:
    group = begun(site, RUNNING, (100,))

    def lose() -> None:
        outgoing = f"{site.prefix}1"
        site.aws.fail_launches("InvalidAMIID.NotFound", group=outgoing)
        site.aws.act((site.shop.group(outgoing) or {})["Instances"][0]["InstanceId"], "unhealthy")

    bake(site, group, Fires(site, 200, lose))
    assert deployment(site, group).status == journal.LIVE


def test_sizes_that_somebody_changes_in_the_bake_are_drift_unless_its_own_policies_do(site: Site) -> None:
    group = begun(site, RUNNING, (100,))
    autoscaling = site.shop.client("autoscaling")
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=f"{site.prefix}1", DesiredCapacity=2)
    site.forget()
    with pytest.raises(Drifted):
        bake(site, group)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=f"{site.prefix}1", DesiredCapacity=4)
    site.roll_back()

    group = site.set_up(busy(site, "three"), bake=STOPPED)
    site.upgrade(group, 100)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=group, DesiredCapacity=6)
    site.forget()
    bake(site, group)
    assert site.shop.revisions()[group].desired_capacity == 6


def test_requests_are_waited_for_and_not_for_ever(site: Site) -> None:
    # Each instance is sent 10 requests a second: two minutes bring some 4,800.
    group = begun(site, Bake(60, 4_800, 600), (100,))
    began = site.clock.now()
    bake(site, group)
    assert 120 <= site.clock.now() - began <= 300
    assert deployment(site, group).status == journal.LIVE

    group = site.set_up(busy(site, "three"), bake=Bake(60, 10_000_000, 600))
    site.upgrade(group, 100)
    began = site.clock.now()
    with pytest.raises(TimedOut, match="of 10000000 requests served"):
        bake(site, group)
    assert 660 <= site.clock.now() - began <= 720


def test_a_bake_ends_only_when_the_last_verification_has_passed(site: Site) -> None:
    phases = (Wanted(percent=50, name="half"), Wanted(percent=100, name="all", verified=True))
    group = begun(site, STOPPED, (50, 100), phases=phases)
    with pytest.raises(RolloutError, match="has not passed its verification"):
        bake(site, group)
    assert deployment(site, group).status == journal.DEPLOYING


def test_instances_that_are_protected_go_when_the_bake_is_over(site: Site) -> None:
    site.deploy(busy(site, "one"), percents=(100,))
    first = f"{site.prefix}1"
    ids = list(site.aws.world.autoscaling.groups[first].instances)
    site.shop.client("autoscaling").set_instance_protection(
        AutoScalingGroupName=first, InstanceIds=ids, ProtectedFromScaleIn=True
    )
    group = site.set_up(busy(site, "two"), bake=RUNNING)
    site.upgrade(group, 100)
    bake(site, group)
    assert site.desired() == {1: 0, 2: 4}


def test_the_first_deployment_bakes_too(site: Site) -> None:
    group = site.set_up(busy(site, "one"), bake=RUNNING)
    site.upgrade(group, 100)
    assert deployment(site, group).phase.baking
    bake(site, group)
    assert deployment(site, group).status == journal.LIVE


def test_the_plan_says_what_a_bake_costs_and_how_many_instances_there_are_at_a_time(site: Site) -> None:
    site.deploy(busy(site, "one"), percents=(100,))
    phases = (Wanted(percent=25, name="a quarter"), Wanted(percent=100, name="all"))
    options = {"phases": phases, "check_mode": True}
    running = site.run(
        site.set_up_step(busy(site, "two"), bake=Bake(5400, keeps=True), **options), check_mode=True
    )
    lines = [one.text for one in running.events]
    assert any("bake: 5400 s, with 4 outgoing running, which costs 6 instance-hours" in one for one in lines)
    assert "all: 4 new, 4 outgoing" in lines
    assert running.result["peak"] == 8
    assert running.result["bake"]["instance_hours"] == 6.0
    stopped = site.run(site.set_up_step(busy(site, "three"), bake=STOPPED, **options), check_mode=True)
    assert any(
        "bake: 600 s, with the outgoing groups at 0, which costs nothing more" in one.text
        for one in stopped.events
    )
    assert stopped.result["peak"] == 7
    assert site.run(site.set_up_step(busy(site, "four"), **options), check_mode=True).result["bake"] is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bake": Bake(-1)}, "bake has seconds -1"),
        ({"bake": Bake(0, 5)}, "requests and no seconds"),
        ({"bake": Bake(keeps=True)}, "needs a bake with seconds"),
        ({"bake": RUNNING, "resize_order": "old_first"}, "old_first"),
        ({"bake": RUNNING, "scaling": "scale_out"}, "take one of them"),
        ({"bake": Bake(60, 5), "target_group_arns": ()}, "none of the new group's target groups has"),
    ],
)
def test_a_bake_that_cannot_be_is_refused_before_anything_is_touched(
    site: Site, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        site.set_up(busy(site, "one"), **options)


@pytest.mark.parametrize("found", [Bake(), Bake(3600), Bake(60, 5000, 30), RUNNING, Bake(keeps=True)])
def test_a_bake_survives_the_journal(site: Site, found: Bake) -> None:
    one = replace(deployment(site, site.set_up(busy(site, "one"))), bake=found)
    assert journal.read_bake(journal.write_sizes(one)) == found


@pytest.mark.parametrize(
    "phase",
    [
        Phase(4, 4, final=True, bake_since=1_790_000_000),
        Phase(4, 4, final=True, finishing=True, bake_since=1_790_000_000),
        Phase(4, 4, final=True, baked=True),
    ],
)
def test_the_stages_of_a_bake_survive_the_journal(phase: Phase) -> None:
    assert journal.read_phase(journal.write_phase(phase)) == phase
