# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests are shifted by weights: in the role, as a user runs it."""

from __future__ import annotations

from typing import Any

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import ERROR_RATE, FAULTLESS, FAULTY, Deployer, leftovers

SHIFTED = [
    {"name": "A little", "percent": 25, "weight": 5, "verify": ERROR_RATE},
    {"name": "More", "weight": 25},
    {"name": "All", "percent": 100},
]


def behind_a_load_balancer(base: Shop) -> dict[str, Any]:
    """Put the base group behind a load balancer, and say which listener it is."""
    arn = base.target_group("shifted")
    base.client("autoscaling").attach_load_balancer_target_groups(
        AutoScalingGroupName=base.base_group, TargetGroupARNs=[arn]
    )
    name = f"{base.application}-shifted"
    return {"canary_traffic": [{"load_balancer": name, "port": 80}], "canary_phases": SHIFTED}


def traffic(base: Shop) -> tuple[Any, list[str]]:
    """The action of the listener, and the names of all target groups."""
    elbv2 = base.client("elbv2")
    balancers = elbv2.describe_load_balancers(Names=[f"{base.application}-shifted"])["LoadBalancers"]
    listener = elbv2.describe_listeners(LoadBalancerArn=balancers[0]["LoadBalancerArn"])["Listeners"][0]
    groups = [one["TargetGroupName"] for one in elbv2.describe_target_groups()["TargetGroups"]]
    return listener["DefaultActions"], sorted(groups)


def test_a_good_image_goes_live_and_the_listener_is_as_it_was(base: Shop, deployer: Deployer) -> None:
    shifted = behind_a_load_balancer(base)
    first = deployer.go_live(deployer.image("one", **FAULTLESS))
    before = traffic(base)
    image_id = deployer.image("two", **FAULTLESS)

    planned = deployer.deploy(image_id, "--check", **shifted)
    assert planned.code == 0, planned.output
    assert "A little: 1 new, 3 outgoing, 5 % of the requests" in " ".join(planned.output.split())
    assert traffic(base) == before

    run = deployer.deploy(image_id, **shifted)

    assert run.code == 0, run.output
    said = " ".join(run.output.split())
    assert "send 5 % of production's requests of listener" in said
    assert "send 25 % of production's requests of listener" in said
    assert base.revisions() == {first: Sizes(0, 10, 0, 0), f"{base.series}__2": Sizes(0, 10, 4, 4)}
    assert traffic(base) == before


def test_a_bad_image_behind_few_requests_is_taken_back_with_the_listener(
    base: Shop, deployer: Deployer
) -> None:
    shifted = behind_a_load_balancer(base)
    first = deployer.go_live(deployer.image("one", **FAULTLESS))
    before = traffic(base)

    run = deployer.deploy(deployer.image("two", **FAULTY), **shifted)

    assert run.code == 2
    assert "traffic back: put the actions of listener" in " ".join(run.output.split())
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__2") == []
    assert traffic(base) == before


def test_traffic_that_cannot_be_shifted_is_refused_with_all_that_is_wrong(
    base: Shop, deployer: Deployer
) -> None:
    shifted = behind_a_load_balancer(base)
    image_id = deployer.image("one")

    run = deployer.deploy(
        image_id, **{**shifted, "canary_traffic": [{"load_balancer": "nobody", "port": 80}]}
    )

    assert run.code == 2
    assert "there is no load balancer nobody in this region" in " ".join(run.output.split())
    assert base.revisions() == {}
