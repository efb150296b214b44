# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests follow the weights of the phases, never go where nobody is healthy, and the actions end as they began."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    InvalidInput,
    RolloutError,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.forwarding import WantedPlace
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Bake
from ansible_collections.progressive.aws.plugins.module_utils.deployment.give_up import GiveUp

from tests.sandbox import forwarding
from tests.unit.engine import Site

PHASES = (
    Wanted(percent=25, weight=5, name="A little"),
    Wanted(percent=50, weight=25, name="Half"),
    Wanted(percent=100, name="All"),
)
STEPS = ((25, 5), (50, 25), (100, None))


class Shifted:
    """A site behind a load balancer, of which everything that is lost is noted ten times a second."""

    def __init__(self, site: Site) -> None:
        self.site = site
        base = site.shop.group(site.shop.base_group) or {}
        self.production = base["TargetGroupARNs"][0]
        self.first = site.deploy(site.image("first"))
        self.listener = self.listeners()[0]["ListenerArn"]
        self.places = (WantedPlace(listener_arn=self.listener),)
        self.before = site.standing()
        #: The share of requests that went to a target group without a healthy target.
        self.lost: dict[str, float] = {}
        #: The ports of listeners to which no clients come.
        self.stages: set[int] = set()
        look: Callable[[], None] = site.clock.look

        def watch() -> None:
            look()
            world = site.aws.world
            self.lost.update(forwarding.lost_shares(world, world.targets.healthy(), self.stages))

        site.clock.look = watch
        site.totals.clear()

    def listeners(self) -> list[dict[str, Any]]:
        elbv2 = self.site.shop.client("elbv2")
        balancer = elbv2.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
        found: list[dict[str, Any]] = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        return found

    def weights(self) -> list[int]:
        """The weights of production and of the copy, in the order of the action."""
        groups = self.listeners()[0]["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        return [one["Weight"] for one in groups]

    def target_groups(self) -> list[str]:
        found = self.site.shop.client("elbv2").describe_target_groups()["TargetGroups"]
        return sorted(one["TargetGroupName"] for one in found)

    def set_up(self, image: str, **more: Any) -> str:
        more = {"phases": PHASES, "traffic": self.places, **more}
        return self.site.set_up(image, **more)

    def deploy(self, image: str, **more: Any) -> str:
        group = self.set_up(image, **more)
        for percent, weight in STEPS:
            self.site.upgrade(group, percent, weight=weight)
        return group


@pytest.fixture
def shifted(site: Site) -> Shifted:
    return Shifted(site)


def test_each_phase_has_its_weight_and_the_end_is_production_as_it_was(shifted: Shifted) -> None:
    site = shifted.site
    group = shifted.set_up(site.image("next"))
    assert shifted.weights() == [1, 0]
    after = []
    for percent, weight in STEPS:
        site.upgrade(group, percent, weight=weight)
        after.append((site.desired(), shifted.weights()))
    assert after == [({1: 3, 2: 1}, [19, 1]), ({1: 2, 2: 2}, [3, 1]), ({1: 0, 2: 4}, [1])]
    assert shifted.lost == {}
    assert min(site.totals) >= 4
    assert {name: one for name, one in site.standing().items() if name.startswith(("listener", "rule"))} == {
        name: one for name, one in shifted.before.items() if name.startswith(("listener", "rule"))
    }
    assert shifted.target_groups() == ["shop-web"]
    assert site.shop.group(group)["TargetGroupARNs"] == [shifted.production]  # type: ignore[index]


@pytest.mark.parametrize("bake", [None, Bake(60)])
def test_actions_are_back_only_once_the_group_is_healthy_in_production(
    shifted: Shifted, bake: Bake | None
) -> None:
    site = shifted.site
    # Those in service have long been healthy, and stay so.
    site.clock.sleep(30)
    site.aws.world.settings.registration_seconds = 5.0
    shifted.deploy(site.image("next"), **({"bake": bake} if bake else {}))
    assert shifted.weights() == [1]
    assert shifted.lost == {}


@pytest.mark.parametrize("reached", [0, 1, 2])
def test_a_rollback_puts_everything_back(shifted: Shifted, reached: int) -> None:
    site = shifted.site
    group = shifted.set_up(site.image("next"))
    for percent, weight in STEPS[:reached]:
        site.upgrade(group, percent, weight=weight)
    site.roll_back()
    assert site.standing() == shifted.before
    assert shifted.lost == {}
    assert min(site.totals) >= 4


def test_requests_go_back_before_capacity_where_enough_remains(shifted: Shifted) -> None:
    site = shifted.site
    group = shifted.set_up(site.image("next"))
    site.upgrade(group, 25, weight=5)
    mark = site.aws.mark()
    site.roll_back()
    writes = [call["operation"] for call in site.aws.writes(mark)]
    assert writes.index("ModifyListener") < writes.index("UpdateAutoScalingGroup")
    assert writes.count("ModifyListener") == 1


def test_capacity_comes_first_where_too_little_remains(shifted: Shifted) -> None:
    site = shifted.site
    phases = (Wanted(percent=75, weight=5, name="Most"), Wanted(percent=100, name="All"))
    group = shifted.set_up(site.image("next"), phases=phases)
    site.upgrade(group, 75, weight=5)
    mark = site.aws.mark()
    site.roll_back()
    writes = [call["operation"] for call in site.aws.writes(mark)]
    assert writes.index("UpdateAutoScalingGroup") < writes.index("ModifyListener")
    assert site.standing() == shifted.before


def test_a_bake_with_the_outgoing_running_is_regretted_in_one_write(shifted: Shifted) -> None:
    site = shifted.site
    group = shifted.set_up(site.image("next"), bake=Bake(3600, keeps=True))
    for percent, weight in STEPS:
        site.upgrade(group, percent, weight=weight)
    assert shifted.weights() == [0, 1]
    assert site.desired() == {1: 4, 2: 4}
    mark = site.aws.mark()
    site.roll_back()
    assert [call["operation"] for call in site.aws.writes(mark)].count("ModifyListener") == 1
    assert site.standing() == shifted.before
    assert shifted.lost == {}


def test_a_phase_of_a_weight_alone_moves_no_instance(shifted: Shifted) -> None:
    site = shifted.site
    phases = (
        Wanted(percent=50, weight=5, name="Half"),
        Wanted(weight=50, name="More"),
        Wanted(percent=100, name="All"),
    )
    group = shifted.set_up(site.image("next"), phases=phases)
    site.upgrade(group, 50, weight=5)
    site.upgrade(group, weight=50)
    assert (site.desired(), shifted.weights()) == ({1: 2, 2: 2}, [1, 1])
    site.upgrade(group, 100)
    assert shifted.weights() == [1]


def test_what_somebody_else_made_of_the_actions_stays(shifted: Shifted) -> None:
    site = shifted.site
    group = shifted.set_up(site.image("next"))
    site.upgrade(group, 25, weight=5)
    elbv2 = site.shop.client("elbv2")
    action = shifted.listeners()[0]["DefaultActions"][0]
    action["ForwardConfig"]["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": 60}
    elbv2.modify_listener(ListenerArn=shifted.listener, DefaultActions=[action])
    with pytest.raises(RolloutError, match="somebody else has changed it"):
        site.upgrade(group, 50, weight=25)
    site.roll_back()
    config = shifted.listeners()[0]["DefaultActions"][0]["ForwardConfig"]
    assert config["TargetGroupStickinessConfig"]["Enabled"] is True
    assert shifted.weights() == [20] or shifted.weights() == [1]
    assert shifted.target_groups() == ["shop-web"]


def test_a_group_deleted_by_hand_leaves_no_copy_in_the_actions(shifted: Shifted) -> None:
    site = shifted.site
    group = shifted.set_up(site.image("next"))
    site.upgrade(group, 25, weight=5)
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=group, ForceDelete=True)
    site.clock.sleep(30)
    site.forget()
    site.roll_back()
    assert shifted.target_groups() == ["shop-web"]
    assert shifted.weights() == [1]


def test_a_group_that_has_lost_its_tags_serves_until_capacity_is_back(shifted: Shifted) -> None:
    site = shifted.site
    group = shifted.set_up(site.image("next"))
    site.upgrade(group, 25, weight=5)
    tags = (site.shop.group(group) or {})["Tags"]
    site.shop.client("autoscaling").delete_tags(Tags=tags)
    site.clock.sleep(130)
    site.forget()
    site.roll_back()
    assert shifted.weights() == [1]
    assert shifted.target_groups() == ["shop-web"]
    assert shifted.lost == {}
    assert (site.shop.group(group) or {})["TargetGroupARNs"] == []


def test_giving_up_lets_both_serve_from_production(shifted: Shifted) -> None:
    site = shifted.site
    group = shifted.set_up(site.image("next"))
    site.upgrade(group, 25, weight=5)
    site.run(GiveUp(site.rollout(), group=group, series=None))
    assert shifted.weights() == [1]
    assert shifted.target_groups() == ["shop-web"]
    assert site.shop.group(group)["TargetGroupARNs"] == [shifted.production]  # type: ignore[index]


def test_what_cannot_be_shifted_is_refused_before_anything_is_touched(shifted: Shifted) -> None:
    site = shifted.site
    mark = site.aws.mark()
    wrong = (
        WantedPlace(load_balancer="nobody", port=80),
        WantedPlace(load_balancer="shop-web", port=443),
        WantedPlace(listener_arn=shifted.listener, target_group="nothing"),
    )
    with pytest.raises(InvalidInput) as caught:
        shifted.set_up(site.image("next"), traffic=wrong)
    text = "\n".join(caught.value.problems)
    assert "no load balancer nobody" in text
    assert "no listener on port 443" in text
    with pytest.raises(InvalidInput, match="weights must not fall"):
        shifted.set_up(
            site.image("other"),
            phases=(Wanted(percent=25, weight=50), Wanted(percent=50, weight=20), Wanted(percent=100)),
        )
    for whole in (Wanted(percent=100, weight=0), Wanted(count=4, weight=0)):
        with pytest.raises(InvalidInput, match="one outgoing instance would serve the rest"):
            shifted.set_up(site.image(f"whole {whole}"), phases=(whole, Wanted(weight=100)))
    with pytest.raises(InvalidInput, match="no traffic is shifted"):
        site.set_up(site.image("third"), phases=PHASES)
    assert [one["operation"] for one in site.aws.writes(mark) if one["service"] != "ec2"] == []


def test_a_rule_is_shifted_with_everything_else_of_it_and_of_its_target_group(site: Site) -> None:
    elbv2 = site.shop.client("elbv2")
    base = site.shop.group(site.shop.base_group) or {}
    production = base["TargetGroupARNs"][0]
    other = site.shop.target_group("other")
    for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
        if balancer["LoadBalancerName"] == "shop-other":
            elbv2.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    elbv2.modify_target_group_attributes(
        TargetGroupArn=production, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "7"}]
    )
    elbv2.add_tags(ResourceArns=[production], Tags=[{"Key": "team", "Value": "checkout"}])
    balancer = elbv2.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]
    elbv2.create_rule(
        ListenerArn=listener,
        Priority=5,
        Conditions=[{"Field": "path-pattern", "Values": ["/api/*"]}],
        Actions=[
            {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": production, "Weight": 3},
                        {"TargetGroupArn": other, "Weight": 1},
                    ]
                },
            }
        ],
    )
    site.deploy(site.image("first"), (100,))
    before = site.standing()
    places = (
        WantedPlace(load_balancer="shop-web", port=80, path="/api/*"),
        WantedPlace(load_balancer="shop-web", port=80),
    )
    group = site.set_up(site.image("next"), phases=PHASES, traffic=places)
    site.upgrade(group, 25, weight=5)
    rule = next(one for one in elbv2.describe_rules(ListenerArn=listener)["Rules"] if one["Priority"] == "5")
    weights = {
        one["TargetGroupArn"]: one["Weight"] for one in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    }
    copy = next(arn for arn in weights if arn not in (production, other))
    assert (weights[production], weights[copy], weights[other]) == (57, 3, 20)
    attributes = elbv2.describe_target_group_attributes(TargetGroupArn=copy)["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "7"} in attributes
    tags = elbv2.describe_tags(ResourceArns=[copy])["TagDescriptions"][0]["Tags"]
    assert {"Key": "team", "Value": "checkout"} in tags
    site.roll_back()
    assert site.standing() == before


def test_blue_green_is_tried_out_on_a_stage_swapped_regretted_and_swapped_back(shifted: Shifted) -> None:
    site = shifted.site
    elbv2 = site.shop.client("elbv2")
    balancer = elbv2.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    closed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=8080, DefaultActions=[closed])
    shifted.stages.add(8080)
    before = site.standing()
    phases = (Wanted(percent=100, weight=0, name="Stage"), Wanted(weight=100, name="Swap"))

    def stage() -> dict[str, Any]:
        found = next(one for one in shifted.listeners() if one["Port"] == 8080)
        return dict(found["DefaultActions"][0])

    def begun(name: str) -> str:
        places = (WantedPlace(load_balancer="shop-web", port=8080),)
        image = site.image(name)
        group = shifted.set_up(image, phases=phases, stage=places, strategy="blue_green", bake=Bake(60))
        site.upgrade(group, 100, weight=0)
        return group

    group = begun("next")
    (production,) = [one for one in shifted.listeners() if one["Port"] == 80]
    assert [one["Weight"] for one in production["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]] == [
        1,
        0,
    ]
    assert stage()["Type"] == "forward"
    assert site.desired() == {1: 4, 2: 4}
    site.upgrade(group, weight=100)
    assert site.desired() == {1: 4, 2: 4}
    mark = site.aws.mark()
    site.roll_back()
    first = next(one for one in site.aws.writes(mark) if one["service"] == "elbv2")
    assert first["operation"] == "ModifyListener"
    assert site.standing() == before
    group = begun("again")
    site.upgrade(group, weight=100)
    site.upgrade(group, weight=100, end_bake=True)
    assert site.desired() == {1: 0, 2: 4}
    assert stage()["Type"] == "fixed-response"
    assert shifted.lost == {}
    assert min(site.totals) >= 4
    assert shifted.target_groups() == ["shop-web"]


def test_a_stage_of_another_load_balancer_is_refused(shifted: Shifted) -> None:
    site = shifted.site
    site.shop.target_group("other")
    with pytest.raises(InvalidInput, match="of another load balancer"):
        shifted.set_up(site.image("next"), stage=(WantedPlace(load_balancer="shop-other", port=80),))
    with pytest.raises(InvalidInput, match="needs traffic"):
        site.set_up(site.image("other"), strategy="blue_green")
