# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody refreshes the instances of a group: nothing begins beside it, and in the middle it is told as drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import Drifted, InvalidInput

from tests.demo.shop import Sizes
from tests.unit.engine import Site


def refresh(site: Site, revision: int, **preferences: Any) -> None:
    site.shop.client("autoscaling").start_instance_refresh(
        AutoScalingGroupName=f"{site.prefix}{revision}", Preferences=preferences
    )


def cancel(site: Site, revision: int) -> None:
    site.shop.client("autoscaling").cancel_instance_refresh(AutoScalingGroupName=f"{site.prefix}{revision}")
    site.clock.sleep(150)


@pytest.fixture
def live(site: Site) -> Site:
    site.deploy(site.image("one"), (100,))
    return site


def test_no_deployment_begins_while_an_outgoing_group_is_refreshed(live: Site) -> None:
    refresh(live, 1, InstanceWarmup=100)
    live.clock.sleep(10)
    new, mark = live.image("two"), live.aws.mark()
    with pytest.raises(InvalidInput, match=r"instance refresh .* of group .*__1 is under way"):
        live.set_up(new)
    assert live.aws.writes(mark) == []
    cancel(live, 1)
    live.deploy(new)
    assert live.desired() == {1: 0, 2: 4}


def test_a_refresh_that_is_over_stands_against_nothing(live: Site) -> None:
    refresh(live, 1)
    live.clock.sleep(120)
    live.deploy(live.image("two"))
    assert live.desired() == {1: 0, 2: 4}


def test_a_refresh_between_two_phases_stops_the_next_before_it_changes_anything(live: Site) -> None:
    before = live.standing()
    group = live.set_up(live.image("two"))
    live.upgrade(group, 25)
    refresh(live, 1, InstanceWarmup=100)
    # It begins with a wait, in which no activity tells of it.
    mark = live.aws.mark()
    with pytest.raises(Drifted, match="cancel-instance-refresh"):
        live.upgrade(group, 50)
    assert live.aws.writes(mark) == []
    live.roll_back()
    cancel(live, 1)
    assert live.standing() == before


def in_the_middle(site: Site, group: str, start: Callable[[], None]) -> None:
    """Upgrade to 50 %, and let something happen once the phase has begun."""
    begun = site.clock.now() + 2
    look = site.clock.look
    due = [start]

    def happen() -> None:
        look()
        if due and site.clock.now() >= begun:
            due.pop()()

    site.clock.look = happen
    try:
        site.upgrade(group, 50, settle_time=60.0)
    finally:
        site.clock.look = look


@pytest.mark.parametrize("revision", [1, 2], ids=["outgoing", "new"])
def test_a_refresh_in_the_middle_of_a_phase_is_drift(live: Site, revision: int) -> None:
    group = live.set_up(live.image("two"))
    live.upgrade(group, 25)
    with pytest.raises(Drifted, match=rf"instance refresh .* of group .*__{revision} is under way"):
        in_the_middle(live, group, lambda: refresh(live, revision, InstanceWarmup=60))
    cancel(live, revision)
    live.upgrade(group, 100)
    assert live.desired() == {1: 0, 2: 4}


def test_adopted_a_refresh_in_the_middle_is_lived_with(live: Site) -> None:
    group = live.set_up(live.image("two"))
    live.upgrade(group, 25)
    refresh(live, 1)
    live.upgrade(group, 50, on_drift="adopt")
    live.upgrade(group, 100, on_drift="adopt")
    assert live.shop.revisions() == {f"{live.prefix}1": Sizes(0, 10, 0, 0), group: Sizes(0, 10, 4, 4)}
