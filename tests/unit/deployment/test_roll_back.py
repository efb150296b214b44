# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollback from every state: everything is as it was, old before new, and never less capacity than that."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    AccessDenied,
    Drifted,
    InvalidInput,
    LaunchFailed,
    RolloutError,
    TimedOut,
    UnknownSeries,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Timing

from tests.demo.shop import Sizes
from tests.unit.engine import Site


@pytest.mark.parametrize("percents", [(), (25,), (25, 50), (25, 50, 100), (100,)])
@pytest.mark.parametrize("resize_order", ["new_first", "old_first"])
def test_from_any_phase_everything_is_as_it_was(
    site: Site, percents: tuple[int, ...], resize_order: str
) -> None:
    first = site.deploy(site.image("one"))
    image_id, before = site.image("two"), site.standing()
    second = site.set_up(image_id)
    for percent in percents:
        site.upgrade(second, percent, resize_order=resize_order)
    site.totals.clear()
    site.look()

    outcome = site.roll_back()

    assert outcome.result["removed"] == [second]
    assert [one["name"] for one in outcome.result["restored"]] == [first]
    assert site.standing() == before
    assert site.shop.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert min(site.totals) >= site.totals[0]


def test_with_a_launch_configuration_everything_is_as_it_was(site: Site) -> None:
    configuration = site.shop.launch_configuration(site.image("configured"))
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=site.shop.base_group)
    site.make_base(LaunchConfigurationName=configuration)
    site.deploy(site.image("one"))
    image_id, before = site.image("two"), site.standing()
    second = site.set_up(image_id)
    site.upgrade(second, 25)
    site.roll_back()
    assert site.standing() == before


def test_sizes_and_processes_that_were_unusual_come_back_exactly(site: Site) -> None:
    first = site.deploy(site.image("one"), min_size=1, max_size=7, desired_capacity=5)
    site.shop.client("autoscaling").suspend_processes(
        AutoScalingGroupName=first, ScalingProcesses=["AZRebalance", "AlarmNotification"]
    )
    image_id, before = site.image("two"), site.standing()
    second = site.set_up(image_id, desired_capacity=6)
    site.upgrade(second, 50)
    site.roll_back()
    assert site.standing() == before


def test_it_restores_the_outgoing_group_before_it_touches_the_new_one(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    site.upgrade(second, 50)
    mark = site.aws.mark()
    site.roll_back()
    resized = [
        (call["parameters"]["AutoScalingGroupName"], call["parameters"]["DesiredCapacity"])
        for call in site.aws.writes(mark)
        if call["operation"] == "UpdateAutoScalingGroup"
    ]
    assert resized == [(first, 4), (second, 0)]


def test_a_first_deployment_leaves_nothing(site: Site) -> None:
    image_id, before = site.image("one"), site.standing()
    group = site.set_up(image_id)
    site.upgrade(group, 25)
    site.roll_back()
    assert site.standing() == before


def test_the_same_again_goes_no_further_back(site: Site) -> None:
    site.deploy(site.image("one"))
    second = site.deploy(site.image("two"))
    site.deploy(site.image("three"))
    site.roll_back()
    before, mark = site.standing(), site.aws.mark()
    outcome = site.roll_back()
    assert not outcome.changed
    assert "rolled back to this already" in outcome.events[-1].text
    assert site.standing() == before
    assert site.aws.writes(mark) == []
    # By name it goes: that is no repetition.
    site.roll_back(second)
    assert site.desired() == {1: 4}


def test_a_series_that_does_not_exist_is_no_rollback_that_is_done(site: Site) -> None:
    site.deploy(site.image("one"))
    right, site.shop.service = site.shop.series, "chekcout"
    with pytest.raises(UnknownSeries, match=f"there is no series shop__chekcout__prod .* mean {right}[?]"):
        site.roll_back()
    with pytest.raises(UnknownSeries, match=f"there is no group shop__chekcout__prod__1 .* mean {right}[?]"):
        site.roll_back("shop__chekcout__prod__1")


def test_where_there_is_no_series_at_all_it_asks_for_region_and_account(site: Site) -> None:
    with pytest.raises(UnknownSeries, match="There is no series at all here"):
        site.roll_back()


def test_nothing_to_take_back_says_what_is_live_since_when(site: Site) -> None:
    image_id = site.image("one")
    first = site.deploy(image_id)
    since = journal.write_moment(site.clock.now())
    site.clock.sleep(60)
    second = site.set_up(site.image("two"))
    site.roll_back(second)
    outcome = site.roll_back(second)
    assert not outcome.changed
    assert f"there is no group {second}, so that there is nothing to take back" in outcome.events[-1].text
    assert f"Live is {first} with {image_id} since {since}, 4 of 4 in service" in outcome.events[-1].text


def test_what_a_rollback_went_back_to_is_live_since_then(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.deploy(site.image("two"))
    site.clock.sleep(60)
    begun = journal.write_moment(site.clock.now())
    site.roll_back()
    outcome = site.roll_back()
    assert outcome.result["revisions"][0]["name"] == first != second
    assert begun <= outcome.result["revisions"][0]["live_since"] <= journal.write_moment(site.clock.now())


def test_a_live_revision_without_a_predecessor_is_not_taken_back(site: Site) -> None:
    site.deploy(site.image("one"))
    with pytest.raises(InvalidInput, match="there is no earlier group to go back to"):
        site.roll_back()
    assert site.desired() == {1: 4}


def test_a_superseded_revision_is_not_taken_back(site: Site) -> None:
    first = site.deploy(site.image("one"))
    site.deploy(site.image("two"))
    with pytest.raises(InvalidInput, match="is superseded"):
        site.roll_back(first)


def test_what_works_is_kept_when_the_old_image_no_longer_launches(site: Site) -> None:
    image_id = site.image("one")
    first = site.deploy(image_id)
    second = site.set_up(site.image("two"))
    site.upgrade(second, 50)
    site.shop.client("ec2").deregister_image(ImageId=image_id)
    with pytest.raises(LaunchFailed) as failed:
        site.roll_back()
    assert f"The AMI ID {image_id} does not exist" in str(failed.value)
    assert f"{second} is kept with 2 in service" in str(failed.value)
    assert {name: sizes.in_service for name, sizes in site.shop.revisions().items()} == {first: 2, second: 2}


def test_what_works_is_kept_when_the_old_one_does_not_settle_in_time(site: Site) -> None:
    site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    site.upgrade(second, 50)
    site.aws.world.settings.registration_seconds = 100.0
    with pytest.raises(TimedOut) as failed:
        site.run(site.roll_back_step(), Timing(wait_timeout=20, poll_interval=1))
    assert f"{second} is kept with 2 in service" in str(failed.value)
    # Later the same again succeeds.
    site.clock.sleep(100.0)
    site.roll_back()
    assert site.desired() == {1: 4}


def test_a_failed_group_can_be_kept_for_a_look_and_removed_later(site: Site) -> None:
    site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    site.upgrade(second, 25)
    outcome = site.roll_back(keep_failed=True)
    assert (outcome.result["kept"], outcome.result["removed"]) == ([second], [])
    assert site.desired() == {1: 4, 2: 0}
    assert not site.roll_back(second, keep_failed=True).changed
    assert site.roll_back(second).result["removed"] == [second]
    assert site.desired() == {1: 4}


@pytest.mark.parametrize("live", [False, True])
def test_it_goes_on_where_it_was_interrupted_at_any_pass(site: Site, live: bool) -> None:
    site.deploy(site.image("one"))
    image_id, before = site.image("two"), site.standing()
    second = site.set_up(image_id)
    site.upgrade(second, 100 if live else 50)
    site.totals.clear()
    for run in range(200):
        site.clock.sleep(1.0)
        # Each pass is another run's, as if every one before had been killed.
        step = site.roll_back_step(owner=f"run-{run}", take_over=True)
        if site.one_pass(step).done:
            break
    assert site.standing() == before
    assert min(site.totals) >= 4


def test_an_upgrade_of_what_is_being_rolled_back_is_refused(site: Site) -> None:
    image_id = site.image("two")
    site.deploy(site.image("one"))
    second = site.set_up(image_id)
    site.upgrade(second, 25)
    site.one_pass(site.roll_back_step())
    with pytest.raises(RolloutError, match="is rolling-back, so it cannot grow"):
        site.upgrade(second, 50)
    with pytest.raises(RolloutError, match="is being rolled back"):
        site.set_up(image_id)


def test_an_outgoing_group_that_somebody_deleted_is_not_gone_back_to(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    site.upgrade(second, 50)
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=first, ForceDelete=True)
    site.clock.sleep(10)
    site.forget()
    with pytest.raises(Drifted, match=f"deleted outgoing group {first}") as failed:
        site.roll_back()
    assert f"{second} is kept with 2 in service" in str(failed.value)
    assert site.desired() == {2: 2}


def test_a_denied_call_leaves_what_works_and_says_which_action_is_missing(site: Site) -> None:
    site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    site.upgrade(second, 25)
    fault = site.aws.fault("deny", service="autoscaling", operation="UpdateAutoScalingGroup")
    with fault, pytest.raises(AccessDenied, match="Allow autoscaling:UpdateAutoScalingGroup"):
        site.roll_back()
    site.roll_back()
    assert site.desired() == {1: 4}


def test_check_mode_says_what_would_be_restored_and_touches_nothing(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.deploy(site.image("two"))
    before, mark = site.standing(), site.aws.mark()
    outcome = site.run(site.roll_back_step(), check_mode=True)
    assert outcome.changed
    assert outcome.result["removed"] == [second]
    assert any(f"bring {first} back to min 0, max 10, desired 4" in words for words in outcome.actions)
    assert site.standing() == before
    assert site.aws.writes(mark) == []


def test_settle_time_that_makes_no_sense_is_refused(site: Site) -> None:
    from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back import RollBack
    from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back_options import (
        RollBackOptions,
    )
    from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import (
        Upgrade,
        UpgradeOptions,
    )

    with pytest.raises(InvalidInput, match="settle_time is -1"):
        RollBack(site.rollout(), RollBackOptions(series="a__b__c", settle_time=-1))
    with pytest.raises(InvalidInput, match="settle_time is -1"):
        Upgrade(site.rollout(), UpgradeOptions("a__b__c__1", Wanted(percent=25), settle_time=-1))


@pytest.mark.parametrize(("later", "taken_back"), [(0, True), (3590, True), (3700, False)])
def test_only_what_went_live_lately_is_taken_back(site: Site, later: float, taken_back: bool) -> None:
    first = site.deploy(site.image("one"))
    second = site.deploy(site.image("two"))
    site.clock.sleep(later)
    before = site.standing()

    outcome = site.roll_back(live_within=3600)

    assert outcome.result["removed"] == ([second] if taken_back else [])
    assert (site.standing() == before) != taken_back
    assert site.shop.revisions()[first].in_service == (4 if taken_back else 0)


def test_what_happened_before_a_revision_was_live_does_not_speak_against_it(site: Site) -> None:
    site.deploy(site.image("one"))
    earlier = journal.write_moment(site.clock.now() - 60)
    second = site.deploy(site.image("two"))

    assert site.roll_back(live_within=3600, seen_at=earlier).result["removed"] == []
    assert site.roll_back(live_within=3600).result["removed"] == [second]
    # And what a rollback has led to stays.
    assert site.roll_back(live_within=3600).result["removed"] == []


def test_a_deployment_under_way_is_left_to_whoever_deploys(site: Site) -> None:
    site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    site.upgrade(second, 50)
    before = site.standing()

    outcome = site.roll_back(live_within=3600)

    assert outcome.result["removed"] == []
    assert site.standing() == before


@pytest.mark.parametrize("options", [{"live_within": -1}, {"live_within": 60, "seen_at": "noon"}])
def test_a_window_that_is_none_is_refused(site: Site, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"live_within is -1|seen_at is 'noon'"):
        site.roll_back(**options)
