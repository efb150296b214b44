# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone that a load balancer does not serve takes no traffic: refused, with its name, and never taken for healthy."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import health
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput, LaunchFailed
from ansible_collections.progressive.aws.plugins.module_utils.core.model import (
    Capacity,
    Group,
    Instance,
    TargetHealth,
)

from tests.demo.shop import Sizes
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import Site

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"


def test_a_target_that_is_not_served_yet_is_waited_for_where_it_must_be_served() -> None:
    """Its zone may have been enabled a moment ago."""
    group = Group("new", Capacity(1, 1, 1), (Instance("i-1", "InService"),), target_group_arns=(ARN,))
    targets = [TargetHealth("web", "i-1", "unused", "Target.NotInUse", unserved=True)]
    assert health.missing(group, 1, targets) == ["0 of 1 targets healthy in web (Target.NotInUse)"]
    assert health.missing(group, 1, targets, served=False) == []


@pytest.fixture
def site(aws: InProcess) -> Site:
    """A shop that makes its own base group."""
    return Site(aws)


def subnets(site: Site) -> list[dict[str, Any]]:
    """Three subnets, each of another zone; those of the shop come first."""
    found = site.shop.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
    return sorted(found["Subnets"], key=lambda one: str(one["SubnetId"]))[:3]


def in_three_zones(site: Site, **options: Any) -> str:
    """Make a base group in three zones, of which a load balancer serves two; return the third."""
    *__, third = found = subnets(site)
    site.make_base(VPCZoneIdentifier=",".join(one["SubnetId"] for one in found), **options)
    return str(third["AvailabilityZone"])


def serve(site: Site, number: int) -> None:
    """Let the application load balancer serve so many of the three zones."""
    elbv2 = site.shop.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    elbv2.set_subnets(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Subnets=[one["SubnetId"] for one in subnets(site)[:number]],
    )


def network_load_balancer(site: Site) -> str:
    """A target group behind a network load balancer with one zone; return its ARN."""
    elbv2, first = site.shop.client("elbv2"), subnets(site)[0]
    balancer = elbv2.create_load_balancer(Name="net", Type="network", Subnets=[first["SubnetId"]])
    group = elbv2.create_target_group(
        Name="net", Protocol="TCP", Port=80, VpcId=first["VpcId"], TargetType="instance"
    )
    arn = str(group["TargetGroups"][0]["TargetGroupArn"])
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="TCP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )
    return arn


def refused(site: Site, *, check_mode: bool, **options: Any) -> list[str]:
    mark = site.aws.mark()
    with pytest.raises(InvalidInput) as caught:
        site.run(site.set_up_step(site.image("one"), check_mode=check_mode, **options), check_mode=check_mode)
    assert site.aws.writes(mark)[1:] == [], "but for the test's own AMI nothing is made"
    return list(caught.value.problems)


@pytest.mark.parametrize("check_mode", [True, False], ids=["plan", "run"])
@pytest.mark.parametrize("kind", ["application", "classic"])
def test_a_zone_that_a_load_balancer_of_the_base_does_not_serve_is_refused_with_its_name(
    site: Site, kind: str, check_mode: bool
) -> None:
    options: dict[str, Any] = (
        {"LoadBalancerNames": [site.shop.classic_load_balancer()]}
        if kind == "classic"
        else {"TargetGroupARNs": [site.shop.target_group()]}
    )
    zone = in_three_zones(site, **options)
    (problem,) = refused(site, check_mode=check_mode)
    assert problem.startswith(f"zone {zone} of group {site.shop.base_group} is not enabled for load balancer")
    assert problem.endswith("enable the zone for the load balancer, or take it from the base group")


def test_zones_are_those_of_the_load_balancers_that_the_new_group_is_to_have(site: Site) -> None:
    zone = in_three_zones(site, TargetGroupARNs=[site.shop.target_group()])
    serve(site, 3)
    own = network_load_balancer(site)
    problems = refused(site, check_mode=True, target_group_arns=[own])
    assert len(problems) == 2
    assert zone in " ".join(problems)
    site.deploy(site.image("two"))
    assert site.desired() == {1: 4}


def test_a_target_group_without_a_load_balancer_is_no_obstacle(site: Site) -> None:
    arn = site.shop.target_group()
    elbv2 = site.shop.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
    in_three_zones(site, TargetGroupARNs=[arn])
    site.deploy(site.image("one"))
    assert site.desired() == {1: 4}


def test_a_zone_that_is_taken_from_the_load_balancer_meanwhile_ends_the_phase_with_its_name(
    site: Site,
) -> None:
    zone = in_three_zones(site, TargetGroupARNs=[site.shop.target_group()])
    serve(site, 3)
    first = site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    serve(site, 2)
    with pytest.raises(LaunchFailed, match=f"zone {zone} of group {group} is not enabled for load balancer"):
        site.upgrade(group, 100)
    # The outgoing group has that zone as well, and gets back what it had.
    site.roll_back()
    assert site.shop.revisions() == {first: Sizes(0, 10, 4, 4)}


@pytest.mark.parametrize("kind", ["application", "classic"])
def test_an_outgoing_group_in_a_zone_that_is_not_served_goes_out_and_comes_back(
    site: Site, kind: str
) -> None:
    """It was so before the deployment, and is nothing that this deployment could mend."""
    classic = kind == "classic"
    attached: dict[str, Any] = (
        {"LoadBalancerNames": [site.shop.classic_load_balancer()]}
        if classic
        else {"TargetGroupARNs": [site.shop.target_group()]}
    )
    site.make_base(**attached, HealthCheckType="EC2")
    *__, third = found = subnets(site)
    site.make_base(
        AutoScalingGroupName="by-hand",
        LaunchTemplate={"LaunchTemplateName": site.shop.base_group, "Version": "1"},
        VPCZoneIdentifier=",".join(one["SubnetId"] for one in found),
        MaxSize=10,
        DesiredCapacity=4,
        HealthCheckType="EC2",
        **attached,
    )
    site.clock.sleep(10)
    before = site.shop.group("by-hand") or {}
    assert third["AvailabilityZone"] in {one["AvailabilityZone"] for one in before["Instances"]}
    group = site.set_up(site.image("one"), adopt_group="by-hand")
    site.upgrade(group, 50)
    site.roll_back()
    after = site.shop.group("by-hand") or {}
    assert [len(one["Instances"]) for one in (before, after)] == [4, 4]
    assert site.shop.revisions() == {}
