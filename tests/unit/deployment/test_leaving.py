# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances that leave slowly, and those in standby: no capacity, no obstacle, and put back exactly."""

from __future__ import annotations

import dataclasses

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.engine import PERCENTS, TIMING, Site

HOUR = 3600
QUARTER = 900


def hold(site: Site, group: str, seconds: int = HOUR) -> None:
    site.shop.client("autoscaling").put_lifecycle_hook(
        AutoScalingGroupName=group,
        LifecycleHookName="drain",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=seconds,
        DefaultResult="CONTINUE",
    )


def states(site: Site, group: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for instance in site.aws.world.autoscaling.groups[group].instances.values():
        found[instance.state] = found.get(instance.state, 0) + 1
    return found


def stand_by(site: Site, group: str, *, decrement: bool) -> str:
    instance_id = next(iter(site.aws.world.autoscaling.groups[group].instances))
    site.shop.client("autoscaling").enter_standby(
        AutoScalingGroupName=group, InstanceIds=[instance_id], ShouldDecrementDesiredCapacity=decrement
    )
    site.clock.sleep(30)
    return instance_id


def test_a_phase_goes_on_while_a_hook_holds_what_leaves_for_an_hour(site: Site) -> None:
    first = site.deploy(site.image("one"))
    hold(site, first)
    site.totals.clear()
    began = site.clock.now()
    second = site.deploy(site.image("two"))
    assert site.clock.now() - began < HOUR / 10
    assert states(site, first) == {"Terminating:Wait": 4}
    assert site.desired() == {1: 0, 2: 4}
    assert min(site.totals) == 4
    # What is only leaving is nothing that a next deployment takes over.
    third = site.set_up_step(site.image("three"))
    assert [one["name"] for one in site.run(third).result["previous"]] == [second]


@pytest.mark.parametrize("phases", [1, 3])
def test_a_rollback_gives_capacity_back_at_once_and_waits_with_the_deletion_alone(
    aws: InProcess, phases: int
) -> None:
    site = Site(aws)
    site.make_base(TargetGroupARNs=[site.shop.target_group()])
    first = site.deploy(site.image("one"))
    hold(site, first, QUARTER)
    image = site.image("two")
    before = site.standing()
    second = site.set_up(image)
    hold(site, second, QUARTER)
    for percent in PERCENTS[:phases]:
        site.upgrade(second, percent)
    site.totals.clear()
    result = site.run(site.roll_back_step(), dataclasses.replace(TIMING, wait_timeout=2 * QUARTER))
    assert result.result["removed"] == [second]
    assert min(site.totals) == 4
    assert sum(one["operation"] == "DeleteAutoScalingGroup" for one in aws.calls()) == 1
    site.clock.sleep(QUARTER)
    assert site.standing() == before
    assert states(site, first) == {"InService": 4}


@pytest.mark.parametrize("decrement", [True, False])
def test_an_instance_in_standby_is_no_obstacle_and_is_kept_by_a_rollback(site: Site, decrement: bool) -> None:
    first = site.deploy(site.image("one"))
    aside = stand_by(site, first, decrement=decrement)
    image = site.image("two")
    before = site.standing()
    second = site.set_up(image, desired_capacity=4)
    for percent in PERCENTS:
        site.upgrade(second, percent)
    assert states(site, first) == {"Standby": 1}
    site.roll_back()
    site.clock.sleep(10)
    assert site.standing() == before
    assert states(site, first) == {"Standby": 1, "InService": 3 if decrement else 4}
    assert site.aws.world.autoscaling.groups[first].instances[aside].state == "Standby"
