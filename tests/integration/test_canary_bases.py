# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base groups of every kind that the guide knows."""

from __future__ import annotations

import pytest

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import FAULTY, Deployer, everything_about, leftovers, verified
from tests.integration.observer import Observer


def test_a_base_with_a_launch_configuration_goes_live(shop: Shop, deployer: Deployer) -> None:
    shop.make_base_group(LaunchConfigurationName=shop.launch_configuration(deployer.image("base")))
    first = deployer.go_live(deployer.image("one"))
    second = f"{shop.series}__2"
    image_id = deployer.image("two")
    untouched = everything_about(shop, shop.base_group)

    with Observer(shop) as observer:
        run = deployer.deploy(image_id)

    assert run.code == 0, run.output
    assert observer.desired(second) == [0, 1, 2, 4]
    assert observer.lowest >= 4
    assert shop.revisions() == {first: Sizes(0, 10, 0, 0), second: Sizes(0, 10, 4, 4)}
    assert everything_about(shop, shop.base_group) == untouched
    configuration = everything_about(shop, second)["configurations"][0]
    assert configuration["ImageId"] == image_id
    assert configuration["InstanceType"] == "t3.micro"
    assert configuration["UserData"] == untouched["configurations"][0]["UserData"]


def test_a_launch_configuration_goes_with_the_revision_that_is_rolled_back(
    shop: Shop, deployer: Deployer
) -> None:
    shop.make_base_group(LaunchConfigurationName=shop.launch_configuration(deployer.image("base")))
    first = deployer.go_live(deployer.image("one"))

    run = deployer.deploy(deployer.image("two", **FAULTY), canary_phases=verified("Canary 25 %"))

    assert run.code == 2
    assert shop.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(shop, f"{shop.series}__2") == []


def test_instances_become_healthy_in_a_classic_load_balancer(shop: Shop, deployer: Deployer) -> None:
    balancer = shop.classic_load_balancer()
    shop.make_base_group(
        LaunchTemplate=shop.launch_template(deployer.image("base")), LoadBalancerNames=[balancer]
    )
    deployer.go_live(deployer.image("one"))
    second = f"{shop.series}__2"

    with Observer(shop) as observer:
        run = deployer.deploy(deployer.image("two"))

    assert run.code == 0, run.output
    assert f"1/1 targets healthy in {balancer}" in run.output
    assert observer.lowest >= 4
    states = shop.client("elb").describe_instance_health(LoadBalancerName=balancer)["InstanceStates"]
    healthy = {state["InstanceId"] for state in states if state["State"] == "InService"}
    assert healthy == observer.ever_in_service(second)


def test_what_the_user_chooses_replaces_what_the_base_has(base: Shop, deployer: Deployer) -> None:
    other = base.target_group("other")
    image_id = deployer.image("one")

    run = deployer.deploy(
        image_id,
        canary_target_group_arns=[other],
        canary_user_data="#!/bin/sh\necho hello\n",
        canary_tags={"cost-centre": "42"},
        canary_phases=[{"name": "All", "percent": 100}],
    )

    assert run.code == 0, run.output
    group = base.group(f"{base.series}__1")
    assert group is not None
    assert group["TargetGroupARNs"] == [other]
    everything = everything_about(base, f"{base.series}__1")
    tags = {tag["Key"]: tag["Value"] for tag in everything["group"][0]["Tags"]}
    assert tags["cost-centre"] == "42"
    assert tags["team"] == "checkout"
    assert everything["versions"][0][0]["LaunchTemplateData"]["UserData"] == "IyEvYmluL3NoCmVjaG8gaGVsbG8K"


@pytest.mark.parametrize("version", ["$Latest", "$Default", "1"])
def test_the_bases_launch_template_keeps_its_versions(shop: Shop, deployer: Deployer, version: str) -> None:
    template = {**shop.launch_template(deployer.image("base")), "Version": version}
    shop.make_base_group(LaunchTemplate=template)

    deployer.go_live(deployer.image("one"))

    assert len(everything_about(shop, shop.base_group)["versions"][0]) == 1
