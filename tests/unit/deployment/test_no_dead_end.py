# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From every state there is a way: after each harm by hand a good image is live after at most three commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import RolloutError
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import PassResult, Timing
from ansible_collections.progressive.aws.plugins.module_utils.deployment.give_up import GiveUp

from tests.unit.engine import Site

SHORT = Timing(wait_timeout=60, poll_interval=1)


class Series:
    """A series in trouble: revision 1 is live with its own image, and revision 2 is half of it, or being taken back."""

    def __init__(self, site: Site, moment: str) -> None:
        self.site, self.moment = site, moment
        self.images = [site.image("one")]
        self.first = site.deploy(self.images[0], percents=(100,))
        self.images.append(site.image("two"))
        self.second = site.set_up(self.images[1])
        site.upgrade(self.second, 50)
        if moment == "in a rollback":
            # It has begun, and its job was killed at once.
            site.one_pass(site.roll_back_step())
        site.clock.sleep(300)

    @property
    def groups(self) -> dict[str, Any]:
        found = self.site.shop.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return {
            one["AutoScalingGroupName"]: one
            for one in found
            if one["AutoScalingGroupName"].startswith(self.site.prefix)
        }

    def serving(self) -> int:
        return sum(
            one["LifecycleState"] == "InService"
            for group in self.groups.values()
            for one in group["Instances"]
        )

    # ------------------------------------------------------------------- harms

    def deregister(self, image_id: str) -> None:
        self.site.shop.client("ec2").deregister_image(ImageId=image_id)

    def lose_template(self, group: str) -> None:
        ec2 = self.site.shop.client("ec2")
        ec2.delete_launch_template(LaunchTemplateName=group)

    def delete(self, group: str) -> None:
        self.site.shop.client("autoscaling").delete_auto_scaling_group(
            AutoScalingGroupName=group, ForceDelete=True
        )
        self.site.aws.settle()

    def wipe(self, group: str) -> None:
        tags = [
            {"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": one["Key"]}
            for one in self.groups[group]["Tags"]
            if one["Key"].startswith("progressive:")
        ]
        self.site.shop.client("autoscaling").delete_tags(Tags=tags)

    def make_base_anew(self) -> None:
        shop = self.site.shop
        shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=shop.base_group)
        self.site.aws.settle()
        shop.client("ec2").delete_launch_template(LaunchTemplateName=shop.base_group)
        self.site.make_base(LaunchTemplate=shop.launch_template(self.site.image("another-base")))

    # ---------------------------------------------------------------- commands

    def roll_back(self, **deployer: Any) -> PassResult:
        return self.site.run(self.site.roll_back_step(owner="ops", **deployer), SHORT)

    def give_up(self) -> PassResult:
        return self.site.run(
            GiveUp(self.site.rollout("ops"), series=self.site.shop.series, group=None), SHORT
        )

    def deploy(self) -> None:
        group = self.site.set_up(self.site.image("good"), owner="ops")
        for percent in (50, 100):
            self.site.run(self.site.upgrade_step(group, percent, "ops"), SHORT)
        assert len(self.groups[group]["Instances"]) == 4


HARMS: dict[str, Callable[[Series], None]] = {
    "the outgoing image is gone": lambda series: series.deregister(series.images[0]),
    "the new image is gone": lambda series: series.deregister(series.images[1]),
    "the outgoing template is gone": lambda series: series.lose_template(series.first),
    "the new template is gone": lambda series: series.lose_template(series.second),
    "the outgoing group is gone": lambda series: series.delete(series.first),
    "the new group is gone": lambda series: series.delete(series.second),
    "the outgoing group has lost its tags": lambda series: series.wipe(series.first),
    "the new group has lost its tags": lambda series: series.wipe(series.second),
    "the base was made anew": lambda series: series.make_base_anew(),
}


def way_out(series: Series) -> list[str]:
    """What somebody does who follows what the refusals say; returns the commands that it took."""
    done = ["rollback.yml"]
    refused = _refusal(series.roll_back)
    if "canary_give_up" in refused:
        done.append("rollback.yml -e canary_give_up=true")
        refused = _refusal(series.give_up)
    assert refused == ""
    series.deploy()
    return [*done, "canary.yml"]


def _refusal(command: Callable[[], Any]) -> str:
    try:
        command()
    except RolloutError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("moment", ["in a phase", "in a rollback"])
@pytest.mark.parametrize("harm", HARMS)
def test_after_a_harm_a_good_image_is_live_after_three_commands_and_nothing_that_served_was_lost(
    site: Site, harm: str, moment: str
) -> None:
    series = Series(site, moment)
    HARMS[harm](series)
    before = series.serving()
    site.totals.clear()

    commands = way_out(series)

    assert len(commands) <= 3
    assert min(site.totals) >= before
    for name, group in series.groups.items():
        there = sum(one["LifecycleState"] == "InService" for one in group["Instances"])
        assert there == group["DesiredCapacity"], f"{name} wants what it cannot get"


def test_what_was_given_up_is_no_deployment_any_more_and_the_same_image_is_deployed_anew(site: Site) -> None:
    series = Series(site, "in a phase")
    result = series.give_up()
    assert result.result["kept"] == [series.second, series.first]
    assert series.serving() == 4
    again = site.set_up(series.images[1], owner="ops")
    assert again not in (series.first, series.second)


def test_giving_up_may_be_killed_at_any_pass_and_said_again(site: Site) -> None:
    series = Series(site, "in a phase")
    series.deregister(series.images[0])
    for _ in range(6):
        site.one_pass(GiveUp(site.rollout("ops"), series=site.shop.series, group=None))
    assert series.serving() == 4
    mark = site.aws.mark()
    assert series.give_up().result["kept"] == []
    assert site.aws.writes(mark) == []
    series.deploy()


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
