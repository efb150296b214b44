# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches that fail for a reason of the moment are waited for, and those that would fail again end it at once."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import LaunchFailed, TimedOut
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Timing

from tests.demo.shop import Sizes
from tests.unit.engine import Site

LONG = Timing(wait_timeout=1200, poll_interval=5)
MOMENTARY = [
    "InsufficientInstanceCapacity",
    "InternalError",
    "Server.InternalError: on launch",
    "Throttling: Rate exceeded",
]


def zones(site: Site) -> list[str]:
    group = site.shop.group(site.shop.base_group) or {}
    return sorted(group["AvailabilityZones"])


@pytest.mark.parametrize("code", MOMENTARY)
def test_failures_of_the_moment_are_told_and_waited_for(site: Site, code: str) -> None:
    site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.aws.fail_launches(code, times=10, group=group)

    events = site.run(site.upgrade_step(group, 50), LONG).events

    assert site.desired() == {1: 2, 2: 2}
    assert min(site.totals[-100:]) >= 4
    (told,) = [event.text for event in events if "tries again by itself" in event.text]
    assert "300 s" in told


def test_one_zone_without_capacity_for_good_keeps_nothing_from_going_live(site: Site) -> None:
    site.deploy(site.image("one"), percents=(100,))
    site.aws.fail_launches("InsufficientInstanceCapacity", zone=zones(site)[0])
    group = site.set_up(site.image("two"))
    for percent in (25, 50, 100):
        site.run(site.upgrade_step(group, percent), LONG)
    assert site.desired() == {1: 0, 2: 4}


def test_no_zone_with_capacity_ends_it_when_patience_is_over_and_the_rollback_gives_all_back(
    site: Site,
) -> None:
    first = site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.run(site.upgrade_step(group, 25), LONG)
    site.aws.fail_launches("InsufficientInstanceCapacity", group=group)
    begun = site.clock.now()

    with pytest.raises(LaunchFailed, match=r"We currently do not have sufficient t3\.micro capacity"):
        site.run(site.upgrade_step(group, 50), LONG)

    assert 300 <= site.clock.now() - begun < 330
    site.roll_back()
    assert site.shop.revisions() == {first: Sizes(0, 10, 4, 4)}


def test_a_rollback_waits_for_capacity_as_well(site: Site) -> None:
    first = site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.upgrade(group, 50)
    site.aws.fail_launches("InsufficientInstanceCapacity", times=20, group=first)
    site.run(site.roll_back_step(), LONG)
    assert site.shop.revisions() == {first: Sizes(0, 10, 4, 4)}


@pytest.mark.parametrize(
    "code", ["InvalidKeyPair.NotFound", "InvalidAMIID.NotFound", "UnauthorizedOperation"]
)
def test_a_failure_that_stays_ends_it_at_once(site: Site, code: str) -> None:
    group = site.set_up(site.image("one"))
    site.aws.fail_launches(code, group=group)
    begun = site.clock.now()
    with pytest.raises(LaunchFailed):
        site.run(site.upgrade_step(group, 100), LONG)
    assert site.clock.now() - begun < 10


def test_patience_ends_with_the_time_out_at_the_latest(site: Site) -> None:
    group = site.set_up(site.image("one"))
    site.aws.fail_launches("InsufficientInstanceCapacity", group=group)
    with pytest.raises(TimedOut):
        site.run(site.upgrade_step(group, 100), Timing(wait_timeout=60, poll_interval=5))
