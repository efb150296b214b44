# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outgoing instances that are protected from scale-in, and less capacity wanted than is running."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput, RolloutError
from ansible_collections.progressive.aws.plugins.module_utils.deployment.give_up import GiveUp

from tests.unit.engine import PERCENTS, Site


def protect(site: Site, group: str, number: int) -> list[str]:
    ids = list(site.aws.world.autoscaling.groups[group].instances)[:number]
    site.shop.client("autoscaling").set_instance_protection(
        AutoScalingGroupName=group, InstanceIds=ids, ProtectedFromScaleIn=True
    )
    return ids


def protected(site: Site, group: str) -> list[str]:
    instances = site.aws.world.autoscaling.groups[group].instances.values()
    return [one.instance_id for one in instances if one.protected]


def test_protected_instances_that_have_to_go_do_and_the_others_stay_protected(site: Site) -> None:
    first = site.deploy(site.image("one"))
    protect(site, first, 4)
    second = site.set_up(site.image("two"))
    site.totals.clear()
    site.upgrade(second, 25)
    assert len(protected(site, first)) == 3
    for percent in (50, 100):
        site.upgrade(second, percent)
    assert site.desired() == {1: 0, 2: 4}
    assert min(site.totals) == 4


@pytest.mark.parametrize("phases", [1, 2, 3])
@pytest.mark.parametrize("number", [2, 4])
def test_a_rollback_puts_protection_back(site: Site, phases: int, number: int) -> None:
    first = site.deploy(site.image("one"))
    were = protect(site, first, number)
    image = site.image("two")
    before = site.standing()
    second = site.set_up(image)
    for percent in PERCENTS[:phases]:
        site.upgrade(second, percent)
    site.roll_back()
    assert site.standing() == before
    now = protected(site, first)
    assert len(now) == number
    assert {one for one in were if one in site.aws.world.autoscaling.groups[first].instances} <= set(now)


@pytest.mark.parametrize("gone", [True, False])
def test_protection_is_put_back_where_the_new_group_is_gone_or_the_deployment_given_up(
    site: Site, gone: bool
) -> None:
    first = site.deploy(site.image("one"))
    protect(site, first, 4)
    second = site.set_up(site.image("two"))
    site.upgrade(second, 50)
    if gone:
        site.shop.client("autoscaling").delete_auto_scaling_group(
            AutoScalingGroupName=second, ForceDelete=True
        )
        site.aws.settle()
        site.forget()
        site.roll_back()
        assert len(protected(site, first)) == 4
    else:
        site.run(GiveUp(site.rollout(), series=site.shop.series, group=None))
        assert len(protected(site, first)) == 2


def test_a_rollback_puts_protection_back_that_a_killed_run_had_lifted(site: Site) -> None:
    first = site.deploy(site.image("one"))
    were = protect(site, first, 4)
    second = site.set_up(site.image("two"))
    step = site.upgrade_step(second, 100)
    resize = step._rollout.autoscaling.resize

    def die_at_the_first_outgoing(group: str, capacity: object) -> None:
        if group == first:
            raise KeyboardInterrupt
        resize(group, capacity)  # type: ignore[arg-type]

    step._rollout.autoscaling.resize = die_at_the_first_outgoing  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        site.run(step)
    assert protected(site, first) == []
    site.roll_back()
    assert sorted(protected(site, first)) == sorted(were)


def test_new_instances_that_are_protected_by_the_base_go_with_their_group(site: Site) -> None:
    site.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=site.shop.base_group, NewInstancesProtectedFromScaleIn=True
    )
    first = site.deploy(site.image("one"))
    assert len(protected(site, first)) == 4
    image = site.image("two")
    before = site.standing()
    second = site.set_up(image)
    site.upgrade(second, 50)
    assert site.roll_back().result["removed"] == [second]
    assert site.standing() == before
    assert len(protected(site, first)) == 4


def test_protection_is_refused_in_the_plan_and_in_the_phase_where_it_is_not_to_be_lifted(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.set_up(site.image("two"), scale_in_protection="refuse")
    protect(site, first, 4)
    with pytest.raises(RolloutError, match="protected from scale-in"):
        site.upgrade(second, 25, scale_in_protection="refuse")
    assert len(protected(site, first)) == 4
    site.roll_back()
    with pytest.raises(
        InvalidInput, match=r"4 of 4 instances of outgoing group .* are protected from scale-in"
    ):
        site.set_up(site.image("three"), scale_in_protection="refuse")


def test_less_than_is_running_is_warned_of_with_both_numbers_and_refused_if_asked_to(site: Site) -> None:
    site.deploy(site.image("one"), desired_capacity=6)
    image = site.image("two")
    step = site.set_up_step(image, desired_capacity=4, check_mode=True)
    checks = site.run(step, check_mode=True).result["checks"]
    warned = [one["text"] for one in checks if one["result"] == "warning"]
    assert any("desired_capacity is 4, and 6 are running" in text for text in warned)
    with pytest.raises(InvalidInput, match="desired_capacity is 4, and 6 are running"):
        site.set_up(image, desired_capacity=4, capacity_floor="running")
