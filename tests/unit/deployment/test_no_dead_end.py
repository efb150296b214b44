# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From every state there is a way: after each harm by hand a good image is live after at most three commands."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Timing
from ansible_collections.progressive.aws.plugins.module_utils.deployment.give_up import GiveUp

from tests.faults.harms import HARMS, deploy, give_up, groups, way_out, what_wants_in_vain
from tests.unit.engine import Site

SHORT = Timing(wait_timeout=60, poll_interval=1)


def troubled(site: Site, moment: str) -> tuple[str, str]:
    """Revision 1 is live with its own image, and revision 2 is half of it, or being taken back; their groups."""
    first = site.deploy(site.image("one"), percents=(100,))
    second = site.set_up(site.image("two"))
    site.upgrade(second, 50)
    if moment == "in a rollback":
        # It has begun, and its job was killed at once.
        site.one_pass(site.roll_back_step())
    site.clock.sleep(300)
    return first, second


def serving(site: Site) -> int:
    return sum(
        one["LifecycleState"] == "InService" for group in groups(site).values() for one in group["Instances"]
    )


@pytest.mark.parametrize("moment", ["in a phase", "in a rollback"])
@pytest.mark.parametrize("name", HARMS)
def test_after_a_harm_a_good_image_is_live_after_three_commands_and_nothing_that_served_was_lost(
    site: Site, name: str, moment: str
) -> None:
    troubled(site, moment)
    HARMS[name](site)
    site.aws.settle()
    before = serving(site)
    site.totals.clear()

    commands, refused = way_out(site, "ops", SHORT)

    assert refused == ""
    assert len(commands) <= 3
    assert min(site.totals) >= before
    assert what_wants_in_vain(site) == []
    assert len(groups(site)[list(site.shop.revisions())[-1]]["Instances"]) == 4


def test_what_was_given_up_is_no_deployment_any_more_and_the_same_image_is_deployed_anew(site: Site) -> None:
    first, second = troubled(site, "in a phase")
    result = give_up(site, "ops", SHORT)
    assert result.result["kept"] == [second, first]
    assert serving(site) == 4
    image_id = next(iter(site.aws.world.autoscaling.groups[second].instances.values())).image_id
    assert site.set_up(image_id, owner="ops") not in (first, second)


def test_giving_up_may_be_killed_at_any_pass_and_said_again(site: Site) -> None:
    troubled(site, "in a phase")
    HARMS["the outgoing image is gone"](site)
    for _ in range(6):
        site.one_pass(GiveUp(site.rollout("ops"), series=site.shop.series, group=None))
    assert serving(site) == 4
    mark = site.aws.mark()
    assert give_up(site, "ops", SHORT).result["kept"] == []
    assert site.aws.writes(mark) == []
    deploy(site, "ops", SHORT)


def test_where_nothing_is_unfinished_giving_up_changes_nothing_and_says_what_is_live(site: Site) -> None:
    site.deploy(site.image("one"), percents=(100,))
    mark = site.aws.mark()
    told = site.run(GiveUp(site.rollout("ops"), series=site.shop.series, group=None)).events
    assert "Live is" in told[-1].text
    assert site.aws.writes(mark) == []


def test_a_number_that_a_group_of_nobody_has_is_passed_over_with_a_warning(site: Site) -> None:
    site.deploy(site.image("one"), percents=(100,))
    for number in (2, 3):
        site.make_base(
            AutoScalingGroupName=f"{site.shop.series}__{number}", LaunchTemplate=_base_template(site)
        )
    outcome = site.run(site.set_up_step(site.image("two")))
    assert outcome.result["group"] == f"{site.shop.series}__4"
    warnings = [event.text for event in outcome.events if event.kind == "warning"]
    assert all(any(f"{site.shop.series}__{number}" in words for words in warnings) for number in (2, 3))


def _base_template(site: Site) -> dict[str, Any]:
    template = (site.shop.group(site.shop.base_group) or {})["LaunchTemplate"]
    return {name: template[name] for name in ("LaunchTemplateId", "Version")}
