# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment in several runs: each gives its lease back, and the next goes on where it stopped, or not at all."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import Locked, RolloutError
from ansible_collections.progressive.aws.plugins.module_utils.deployment.hand_over import HandOver
from ansible_collections.progressive.aws.plugins.module_utils.deployment.set_up import SetUp, SetUpOptions

from tests.unit.engine import TIMING, Site

PHASES = (Wanted(percent=25, name="A"), Wanted(percent=50, name="B"), Wanted(percent=100, name="C"))


def set_up(site: Site, image_id: str, owner: str, begins_with: Wanted | None = None) -> str:
    options = SetUpOptions(
        series=site.shop.series,
        base_group=site.shop.base_group,
        image_id=image_id,
        min_size=0,
        max_size=10,
        desired_capacity=4,
        phases=PHASES,
    )
    step = SetUp(site.rollout(owner), options, begins_with=begins_with)
    return str(site.run(step).result["group"])


def upgrade(site: Site, group: str, percent: int, owner: str, *, hand_over: bool) -> None:
    step = site.upgrade_step(group, percent, owner)
    site.run(HandOver(step, step._rollout, group) if hand_over else step)


def test_three_runs_bring_an_image_into_production(site: Site) -> None:
    site.deploy(site.image("one"))
    site.totals.clear()
    image_id = site.image("two")
    group = set_up(site, image_id, "job 1")
    upgrade(site, group, 25, "job 1", hand_over=True)
    assert site.desired() == {1: 3, 2: 1}
    assert set_up(site, image_id, "job 2", PHASES[1]) == group
    upgrade(site, group, 50, "job 2", hand_over=True)
    assert set_up(site, image_id, "job 3", PHASES[2]) == group
    upgrade(site, group, 100, "job 3", hand_over=True)
    assert site.desired() == {1: 0, 2: 4}
    assert min(site.totals) >= 4


def test_without_handing_over_the_next_run_is_locked_out(site: Site) -> None:
    site.deploy(site.image("one"))
    image_id = site.image("two")
    group = set_up(site, image_id, "job 1")
    upgrade(site, group, 25, "job 1", hand_over=False)
    with pytest.raises(Locked):
        set_up(site, image_id, "job 2", PHASES[1])


@pytest.mark.parametrize("wait", [True, False])
def test_a_hand_over_works_pass_by_pass_and_all_at_once(site: Site, wait: bool) -> None:
    site.deploy(site.image("one"))
    image_id = site.image("two")
    group = set_up(site, image_id, "job 1")
    step = site.upgrade_step(group, 25, "job 1")
    if wait:
        site.run(HandOver(step, step._rollout, group), TIMING)
    else:
        progress, passes = {}, 0
        done = False
        while not done:
            # Each pass is a process of its own, which has nothing but the progress.
            step = site.upgrade_step(group, 25, "job 1")
            one = site.one_pass(HandOver(step, step._rollout, group), progress)
            progress, done, passes = one.progress, one.done, passes + 1
            assert passes < 50
    assert set_up(site, image_id, "job 2", PHASES[1]) == group


def test_a_part_that_has_nothing_to_go_on_with_begins_nothing(site: Site) -> None:
    site.deploy(site.image("one"))
    before = site.standing()
    with pytest.raises(RolloutError) as refused:
        set_up(site, site.image("two"), "job 2", PHASES[1])
    assert "no deployment to go on with from phase 'B'" in str(refused.value)
    assert "leave canary_from_phase unset" in str(refused.value)
    assert site.standing() == before


def test_a_part_before_its_turn_takes_nothing_back(site: Site) -> None:
    site.deploy(site.image("one"))
    image_id = site.image("two")
    group = set_up(site, image_id, "job 1")
    upgrade(site, group, 25, "job 1", hand_over=True)
    before = site.desired()
    with pytest.raises(RolloutError) as refused:
        set_up(site, image_id, "job 3", PHASES[2])
    assert "it is not the turn of phase 'C'" in str(refused.value)
    assert site.desired() == before
    # The right job goes on.
    assert set_up(site, image_id, "job 2", PHASES[1]) == group


def test_the_same_part_again_changes_nothing(site: Site) -> None:
    site.deploy(site.image("one"))
    image_id = site.image("two")
    group = set_up(site, image_id, "job 1")
    upgrade(site, group, 25, "job 1", hand_over=True)
    before = site.desired()
    assert set_up(site, image_id, "job 1 again") == group
    upgrade(site, group, 25, "job 1 again", hand_over=True)
    assert site.desired() == before
