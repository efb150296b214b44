# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback that moves traffic first: the new group gets no more requests within seconds, where enough remains."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    InvalidInput,
    LaunchFailed,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Bake
from ansible_collections.progressive.aws.plugins.module_utils.deployment.give_up import GiveUp

from tests.unit.engine import Site

WRITES = ("DetachTrafficSources", "UpdateAutoScalingGroup", "DeleteAutoScalingGroup")


def deployed(site: Site, percent: int, **options: Any) -> tuple[str, str]:
    """The group that was live with 4 instances, and a second revision that has reached a phase."""
    first = site.deploy(site.image("one"), percents=(100,))
    second = site.set_up(site.new_image or site.image("two"), **options)
    site.upgrade(second, percent)
    return first, second


def written(site: Site, mark: int) -> list[str]:
    return [one["operation"] for one in site.aws.writes(mark) if one["operation"] in WRITES]


def places(site: Site, group: str) -> list[str]:
    (found,) = site.shop.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])[
        "AutoScalingGroups"
    ]
    return [*found["TargetGroupARNs"], *found["LoadBalancerNames"]]


def told(outcome: Any) -> list[str]:
    return [one.text for one in outcome.events]


def test_traffic_moves_first_within_seconds_and_all_is_as_it_was(site: Site) -> None:
    site.deploy(site.image("one"), percents=(100,))
    image_id, before = site.image("two"), site.standing()
    second = site.set_up(image_id)
    site.upgrade(second, 50)
    mark, began = site.aws.mark(), site.clock.now()

    outcome = site.roll_back(rollback_order="traffic")

    assert written(site, mark)[0] == "DetachTrafficSources"
    detached = next(one for one in site.aws.writes(mark) if one["operation"] == "DetachTrafficSources")
    assert detached["time"] - began <= 10
    assert any("traffic first" in one and "2 of 4 remain in service" in one for one in outcome.actions)
    assert site.standing() == before
    assert site.desired() == {1: 4}


def test_where_too_little_remains_capacity_comes_first_and_traffic_as_soon_as_it_is_enough(
    site: Site,
) -> None:
    deployed(site, 75)
    mark = site.aws.mark()
    outcome = site.roll_back(rollback_order="traffic")
    assert any(
        one.startswith("capacity first: 1 of 4 remain in service") and "50 %" in one for one in told(outcome)
    )
    assert written(site, mark)[:3] == [
        "UpdateAutoScalingGroup",
        "DetachTrafficSources",
        "UpdateAutoScalingGroup",
    ]
    assert site.desired() == {1: 4}


@pytest.mark.parametrize(("rollback_floor", "first"), [(0.5, "Detach"), (0.75, "Update")])
def test_the_floor_decides(site: Site, rollback_floor: float, first: str) -> None:
    deployed(site, 50)
    mark = site.aws.mark()
    site.roll_back(rollback_order="traffic", rollback_floor=rollback_floor)
    assert written(site, mark)[0].startswith(first)


def test_what_is_in_service_and_not_healthy_in_the_target_group_does_not_count(site: Site) -> None:
    first, __ = deployed(site, 50)
    for instance in list(site.aws.world.autoscaling.groups[first].instances)[:1]:
        site.aws.world.failing.add(instance)
    mark = site.aws.mark()
    outcome = site.roll_back(rollback_order="traffic", settle_time=0.0)
    assert any("capacity first: 1 of 4 remain in service" in one for one in told(outcome))
    assert written(site, mark)[0] == "UpdateAutoScalingGroup"


def test_unless_asked_for_capacity_comes_first_and_the_new_group_serves_until_then(site: Site) -> None:
    deployed(site, 50)
    mark = site.aws.mark()
    site.roll_back()
    assert "DetachTrafficSources" not in written(site, mark)


def test_while_the_outgoing_groups_bake_beside_it_nothing_is_waited_for(site: Site) -> None:
    deployed(site, 100, bake=Bake(600, keeps=True))
    mark = site.aws.mark()
    site.roll_back(rollback_order="traffic")
    assert written(site, mark)[0] == "DetachTrafficSources"
    assert site.desired() == {1: 4}


def test_classic_load_balancers_and_target_groups_are_left_together(site: Site) -> None:
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=site.shop.base_group)
    site.make_base(
        LaunchConfigurationName=site.shop.launch_configuration(site.image("configured")),
        TargetGroupARNs=[site.shop.target_group("a"), site.shop.target_group("b")],
        LoadBalancerNames=[site.shop.classic_load_balancer()],
    )
    __, second = deployed(site, 50)
    step = site.roll_back_step(rollback_order="traffic", keep_failed=True)
    outcome = site.run(step)
    assert places(site, second) == []
    assert any("without instances for a look, out of its target groups" in one for one in outcome.actions)
    assert site.desired() == {1: 4, 2: 0}


def test_a_place_that_the_outgoing_groups_are_not_in_is_not_left_to_nobody(site: Site) -> None:
    arn = site.shop.target_group("other")
    deployed(site, 25, target_group_arns=(arn,))
    mark = site.aws.mark()
    outcome = site.roll_back(rollback_order="traffic")
    assert "DetachTrafficSources" not in written(site, mark)
    assert any("capacity first: 0 of 4 remain in service in shop-other" in one for one in told(outcome))


def test_a_group_that_nothing_sends_requests_to_is_said_to_be_one(site: Site) -> None:
    deployed(site, 50, target_group_arns=())
    outcome = site.roll_back(rollback_order="traffic")
    assert any("no target group or load balancer sends it requests" in one for one in told(outcome))
    assert site.desired() == {1: 4}


def test_requests_under_way_are_waited_for_before_an_instance_ends(site: Site) -> None:
    site.aws.world.settings.draining_seconds = 40.0
    __, second = deployed(site, 50, bake=Bake(600, keeps=True))
    mark = site.aws.mark()
    site.roll_back(rollback_order="traffic")
    moments = {
        one["operation"]: one["time"]
        for one in reversed(site.aws.writes(mark))
        if one["parameters"].get("AutoScalingGroupName") == second
    }
    assert moments["UpdateAutoScalingGroup"] - moments["DetachTrafficSources"] >= 40


@pytest.mark.parametrize("percent", [50, 75])
def test_it_goes_on_where_it_was_killed_at_any_pass(site: Site, percent: int) -> None:
    site.aws.world.settings.draining_seconds = 5.0
    site.deploy(site.image("one"), percents=(100,))
    image_id, before = site.image("two"), site.standing()
    site.upgrade(site.set_up(image_id), percent)
    for run in range(200):
        site.clock.sleep(1.0)
        # Each pass is another run's, as if every one before had been killed.
        if site.one_pass(
            site.roll_back_step(owner=f"run-{run}", take_over=True, rollback_order="traffic")
        ).done:
            break
    assert site.standing() == before


def test_what_cannot_come_back_leaves_the_new_group_out_and_says_so_and_giving_up_puts_it_back(
    site: Site,
) -> None:
    first, second = deployed(site, 50)
    image_id = next(iter(site.aws.world.autoscaling.groups[first].instances.values())).image_id
    site.shop.client("ec2").deregister_image(ImageId=image_id)
    before = places(site, second)
    with pytest.raises(LaunchFailed) as refused:
        site.roll_back(rollback_order="traffic")
    assert f"{second} is kept with 2 in service, and is out of traffic" in str(refused.value.state)
    assert places(site, second) == []

    result = site.run(GiveUp(site.rollout("one"), series=site.shop.series, group=None))
    assert result.result["kept"] == [second, first]
    assert places(site, second) == before
    site.clock.sleep(10)
    tags = {one["Key"]: one["Value"] for one in (site.shop.group(second) or {})["Tags"]}
    assert "withdrawn" not in tags[journal.PHASE]


def test_a_lost_answer_is_no_failure(site: Site) -> None:
    deployed(site, 50)
    with site.aws.fault("lose_answer", service="autoscaling", operation="DetachTrafficSources", times=1):
        site.roll_back(rollback_order="traffic")
    assert site.desired() == {1: 4}


@pytest.mark.parametrize("rollback_floor", [-0.5, 1.5, 50])
def test_a_floor_that_is_no_share_is_refused(site: Site, rollback_floor: float) -> None:
    with pytest.raises(InvalidInput, match="rollback_floor"):
        site.roll_back_step(rollback_floor=rollback_floor)


def test_check_mode_takes_nothing_out(site: Site) -> None:
    deployed(site, 50)
    mark = site.aws.mark()
    site.run(site.roll_back_step(rollback_order="traffic"), check_mode=True)
    assert site.aws.writes(mark) == []
