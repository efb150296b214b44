# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deployments through the engine: sizes, order, what is there at the end, and that the same again is nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    AccessDenied,
    InvalidInput,
    LaunchFailed,
    RolloutError,
    TimedOut,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Timing

from tests.demo.shop import Sizes
from tests.unit.engine import Site


def tags(site: Site, group: str) -> dict[str, str]:
    described = site.shop.group(group)
    assert described is not None
    return {tag["Key"]: tag["Value"] for tag in described["Tags"]}


def test_the_guides_example_ends_live_and_never_has_less_than_it_had(site: Site) -> None:
    first = site.deploy(site.image("one"))
    site.totals.clear()
    second = site.set_up(site.image("two"))
    sizes = []
    for percent in (25, 50, 100):
        site.upgrade(second, percent)
        sizes.append(site.desired())
    assert sizes == [{1: 3, 2: 1}, {1: 2, 2: 2}, {1: 0, 2: 4}]
    assert min(site.totals) == 4
    assert site.shop.revisions() == {first: Sizes(0, 10, 0, 0), second: Sizes(0, 10, 4, 4)}
    assert (tags(site, first)[journal.STATUS], tags(site, second)[journal.STATUS]) == ("superseded", "live")


def test_old_first_never_has_more_than_it_had(site: Site) -> None:
    site.deploy(site.image("one"))
    site.totals.clear()
    site.deploy(site.image("two"), resize_order="old_first")
    assert (min(site.totals), max(site.totals)) == (2, 4)


def test_several_outgoing_groups_shrink_the_oldest_first(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    site.upgrade(second, 50)
    site.shop.client("autoscaling").create_or_update_tags(
        Tags=[
            {
                "ResourceId": second,
                "ResourceType": "auto-scaling-group",
                "Key": journal.STATUS,
                "Value": "live",
                "PropagateAtLaunch": False,
            }
        ]
    )
    assert site.desired() == {1: 2, 2: 2}
    site.totals.clear()
    third = site.set_up(site.image("three"))
    sizes = []
    for percent in (25, 50, 75, 100):
        site.upgrade(third, percent)
        sizes.append(site.desired())
    assert sizes == [{1: 1, 2: 2, 3: 1}, {1: 0, 2: 2, 3: 2}, {1: 0, 2: 1, 3: 3}, {1: 0, 2: 0, 3: 4}]
    assert min(site.totals) == 4
    assert site.shop.revisions()[first].in_service == 0


def test_what_scales_by_itself_does_so_only_when_live(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    site.upgrade(second, 50)
    suspended = {one["ProcessName"] for one in (site.shop.group(first) or {})["SuspendedProcesses"]}
    assert suspended == {"AlarmNotification", "ScheduledActions"}
    assert site.shop.policies(second) == []
    site.upgrade(second, 100)
    assert site.shop.policies(second) == ["cpu-at-60"]
    assert (site.shop.group(second) or {})["SuspendedProcesses"] == []


def test_the_same_image_again_writes_nothing(site: Site) -> None:
    image_id = site.image("one")
    site.deploy(image_id)
    before, mark = site.standing(), site.aws.mark()
    outcome = site.run(site.set_up_step(image_id))
    assert (outcome.changed, outcome.result["already_live"]) == (False, True)
    assert not site.upgrade(outcome.result["group"], 25).changed
    assert site.aws.writes(mark) == []
    assert site.standing() == before


@pytest.mark.parametrize("percents", [(25, 50, 100), (100,)])
def test_a_phase_again_writes_nothing(site: Site, percents: tuple[int, ...]) -> None:
    group = site.set_up(site.image("one"))
    for percent in percents:
        site.upgrade(group, percent)
        mark = site.aws.mark()
        assert not site.upgrade(group, percent).changed
        assert site.aws.writes(mark) == []


def test_a_run_that_was_interrupted_at_any_pass_goes_on_with_the_same_inputs(site: Site) -> None:
    site.deploy(site.image("one"))
    image_id = site.image("two")
    site.totals.clear()
    # Each pass is another run's, as if every one before had been killed: nothing but AWS is remembered.
    for run in range(200):
        owner = f"run-{run}"
        site.clock.sleep(1.0)
        outcome = site.one_pass(site.set_up_step(image_id, owner, take_over=True))
        if outcome.result.get("already_live"):
            break
        if not outcome.done:
            continue
        group = outcome.result["group"]
        phase = journal.read_phase(tags(site, group)[journal.PHASE])
        percent = 25 if phase.target < 1 else 50 if phase.target < 2 else 100
        site.one_pass(site.upgrade_step(group, percent, owner, take_over=True, settle_time=0))
    assert site.desired() == {1: 0, 2: 4}
    assert min(site.totals) >= 4


def test_a_launch_that_fails_ends_the_upgrade_at_once_with_a_remedy(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.set_up(site.image("two", launch_error="InvalidKeyPair.NotFound"))
    begun = site.clock.now()
    with pytest.raises(LaunchFailed) as failed:
        site.upgrade(second, 25)
    assert site.clock.now() - begun < 5
    assert "The key pair missing does not exist" in str(failed.value)
    assert "Create the key pair in this region" in str(failed.value)
    assert f"{second} has 0 of 1 in service" in str(failed.value)
    assert site.shop.revisions()[first] == Sizes(0, 10, 4, 4)


def test_a_group_that_does_not_settle_in_time_says_what_is_missing(site: Site) -> None:
    site.aws.world.settings.registration_seconds = 60.0
    group = site.set_up(site.image("one"))
    with pytest.raises(TimedOut, match=r"0 of 1 targets healthy in shop-web"):
        site.run(site.upgrade_step(group, 25), Timing(wait_timeout=10, poll_interval=1))


def test_a_set_up_that_fails_half_way_takes_away_what_it_made(site: Site) -> None:
    site.deploy(site.image("one"))
    image_id, before = site.image("two"), site.standing()
    for operation in ("CreateAutoScalingGroup", "SuspendProcesses", "CreateOrUpdateTags"):
        fault = site.aws.fault("deny", service="autoscaling", operation=operation)
        with fault, pytest.raises(AccessDenied) as denied:
            site.set_up(image_id)
        assert f"Allow autoscaling:{operation}" in str(denied.value)
        assert "taken away again" in str(denied.value)
        assert site.standing() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base_group": "nobody"}, "there is no base group nobody"),
        ({"image_id": "ami-0123"}, "there is no AMI ami-0123"),
        ({"min_size": 5}, "min_size 5 is above desired_capacity 4"),
        ({"min_size": None, "max_size": None, "desired_capacity": None}, "a first deployment must set"),
        ({"desired_capacity": 0, "min_size": 0}, "it must be at least 1"),
        ({"base_group": ""}, "base_group is empty"),
        (
            {"target_group_arns": ("arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1",)},
            "no target group",
        ),
        ({"load_balancer_names": ("nobody",)}, "there is no classic load balancer nobody"),
    ],
)
def test_a_set_up_that_cannot_be_is_refused_before_anything_is_touched(
    site: Site, options: dict[str, Any], words: str
) -> None:
    image_id, before = site.image("one"), site.standing()
    with pytest.raises(InvalidInput, match=words):
        site.run(site.set_up_step(options.pop("image_id", image_id), **options))
    assert site.standing() == before


def test_a_group_that_is_no_revision_is_never_touched(site: Site) -> None:
    before = site.standing()
    for step in (
        lambda: site.upgrade(site.shop.base_group, 25),
        lambda: site.roll_back(site.shop.base_group),
    ):
        with pytest.raises(InvalidInput, match="is not of any series"):
            step()
    assert site.standing() == before


def test_a_superseded_revision_does_not_grow_again(site: Site) -> None:
    first = site.deploy(site.image("one"))
    site.deploy(site.image("two"))
    with pytest.raises(RolloutError, match="is superseded, so it cannot grow"):
        site.upgrade(first, 25)


def test_a_neighbour_with_a_similar_name_is_left_alone(site: Site) -> None:
    neighbour = Site(site.aws)
    neighbour.shop.environment = "prod2"
    neighbour.prefix = f"{neighbour.shop.series}__"
    base = {"base_group": site.shop.base_group}
    theirs = neighbour.set_up(site.image("theirs"), **base)
    neighbour.upgrade(theirs, 100)
    before = site.shop.group(theirs)
    site.deploy(site.image("one"))
    site.deploy(site.image("two"))
    site.roll_back()
    assert site.shop.group(theirs) == before


def test_a_final_phase_before_its_canary_phase_is_refused(site: Site) -> None:
    phases = (Wanted(percent=25, verified=True), Wanted(percent=100))
    first = site.deploy(site.image("one"))
    second = site.set_up(site.image("two"), phases=phases)
    with pytest.raises(RolloutError, match="not this phase's turn"):
        site.upgrade(second, 100)
    site.upgrade(second, 25)
    with pytest.raises(RolloutError, match="has not passed its verification"):
        site.upgrade(second, 100)
    assert site.shop.revisions()[first].desired_capacity == 3, "as the canary phase left it"
