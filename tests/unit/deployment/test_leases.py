# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deployment of a series at a time: who else comes is refused, and who was overtaken touches nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import Locked, Overtaken

from tests.unit.engine import Site


@pytest.fixture
def deploying(site: Site) -> Site:
    """Somebody called one is deploying image two, and has come to 25 %."""
    site.deploy(site.image("one"))
    site.upgrade(site.set_up(site.image("two")), 25)
    return site


def other(site: Site, what: str, **more: Any) -> Callable[[], Any]:
    group = f"{site.prefix}2"
    return {
        "set up": lambda: site.set_up(site.image("three"), owner="two", **more),
        "upgrade": lambda: site.upgrade(group, 50, owner="two", **more),
        "roll back": lambda: site.roll_back(owner="two", **more),
    }[what]


@pytest.mark.parametrize("what", ["set up", "upgrade", "roll back"])
def test_another_is_refused_and_told_who_is_at_it(deploying: Site, what: str) -> None:
    before = deploying.standing()
    mark = deploying.aws.mark()
    with pytest.raises(Locked) as refused:
        other(deploying, what)()
    assert "Nothing was touched" in str(refused.value)
    assert "one has been deploying" in str(refused.value)
    if what == "set up":
        # It wants another image: to roll back a deployment that is alive would be the wrong advice, before it ends.
        assert "wait for it to end and run the same again" in str(refused.value)
    else:
        assert "set take_over" in str(refused.value)
    assert [call for call in deploying.aws.writes(mark) if call["service"] == "autoscaling"] == []
    assert deploying.standing() == before


def test_other_inputs_are_refused_even_after_the_lease_ran_out(deploying: Site) -> None:
    deploying.clock.sleep(300)
    with pytest.raises(Locked, match="started with other inputs"):
        deploying.set_up(deploying.image("three"), owner="two")


@pytest.mark.parametrize("what", ["upgrade", "roll back"])
def test_a_lease_that_ran_out_holds_nobody_off(deploying: Site, what: str) -> None:
    deploying.clock.sleep(300)
    other(deploying, what)()
    assert deploying.desired() == ({1: 2, 2: 2} if what == "upgrade" else {1: 4})


def test_who_was_overtaken_stops_at_its_next_pass(deploying: Site) -> None:
    group = f"{deploying.prefix}2"
    step = deploying.upgrade_step(group, 50)
    mine = deploying.one_pass(step)
    deploying.one_pass(deploying.upgrade_step(group, 50, owner="two", take_over=True))
    mark = deploying.aws.mark()
    with pytest.raises(Overtaken) as stopped:
        deploying.one_pass(step, mine.progress)
    assert "two has taken over" in str(stopped.value)
    assert deploying.aws.writes(mark) == []


def test_a_lease_is_renewed_while_a_step_takes_long(site: Site) -> None:
    site.aws.world.settings.pending_seconds = 200.0
    group = site.set_up(site.image("one"))
    site.upgrade(group, 25)
    with pytest.raises(Locked):
        site.upgrade(group, 50, owner="two")


def test_a_short_wait_renews_nothing(site: Site) -> None:
    group = site.set_up(site.image("one"))
    mark = site.aws.mark()
    site.upgrade(group, 25)
    assert [call["operation"] for call in site.aws.writes(mark)] == [
        "CreateOrUpdateTags",
        "UpdateAutoScalingGroup",
    ]


@pytest.mark.parametrize("ahead", [300.0, -300.0])
@pytest.mark.parametrize("what", ["upgrade", "roll back"])
def test_a_lease_lasts_as_long_whatever_the_clocks_of_controllers_say(
    site: Site, what: str, ahead: float
) -> None:
    site.skews = {"one": -ahead, "two": ahead}
    site.deploy(site.image("one"))
    site.upgrade(site.set_up(site.image("two")), 25)
    with pytest.raises(Locked, match=r"for \d+ seconds"):
        other(site, what)()
    site.clock.sleep(130)
    other(site, what)()
    assert site.desired() == ({1: 2, 2: 2} if what == "upgrade" else {1: 4})
