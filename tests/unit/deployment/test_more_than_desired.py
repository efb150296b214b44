# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group that replaces instances by launching first has more than desired for a while, and fails no phase by it.

Capacity Rebalancing and Availability Zone rebalancing do so, on whichever side of a deployment.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.demo.shop import Sizes
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import PERCENTS, Site

BOTH = pytest.mark.parametrize("revision", [1, 2], ids=["outgoing", "new"])


def weighted(site: Site) -> dict[str, Any]:
    """Every instance counts two."""
    specification = site.shop.launch_template(site.image("base"))
    overrides = [{"InstanceType": kind, "WeightedCapacity": "2"} for kind in ("t3.small", "t3.medium")]
    template = {"LaunchTemplateSpecification": specification, "Overrides": overrides}
    return {"MixedInstancesPolicy": {"LaunchTemplate": template}}


class Rebalanced:
    """A deployment in which EC2 recommends to replace an instance of one revision every half minute."""

    def __init__(self, aws: InProcess, revision: int, *, weights: bool = False) -> None:
        # So long the old instance and the new one are in service both.
        aws.world.settings.registration_seconds = 15
        self.site = Site(aws)
        self.site.make_base(
            TargetGroupARNs=[self.site.shop.target_group()],
            CapacityRebalance=True,
            **(weighted(self.site) if weights else {}),
        )
        self.site.deploy(self.site.image("one"), (100,))
        self.revision = revision
        #: The most in service of the revision above what it wanted.
        self.above = 0
        self.recommended = 0
        self.look = self.site.clock.look
        self.site.clock.look = self._look
        self.next = self.site.clock.now()

    def _look(self) -> None:
        self.look()
        world = self.site.aws.world
        group = world.autoscaling.groups.get(f"{self.site.prefix}{self.revision}")
        if group is None:
            return
        serving = [one for one in group.instances.values() if one.state == "InService"]
        self.above = max(
            self.above, len(serving) * (serving[0].weight if serving else 0) - group.desired_capacity
        )
        if self.site.clock.now() >= self.next and serving and not group.replacing:
            self.next = self.site.clock.now() + 30
            self.recommended += 1
            self.site.aws.act(serving[0].instance_id, "recommend-rebalance")


@BOTH
@pytest.mark.parametrize("weights", [False, True], ids=["alike", "weighted"])
def test_capacity_rebalancing_in_the_course_of_phases_fails_none(
    aws: InProcess, revision: int, weights: bool
) -> None:
    found = Rebalanced(aws, revision, weights=weights)
    site = found.site
    site.totals.clear()
    group = site.set_up(site.image("two"))
    for percent in PERCENTS:
        site.upgrade(group, percent, settle_time=10.0)
    assert site.shop.revisions() == {
        f"{site.prefix}1": Sizes(0, 10, 0, 0),
        group: Sizes(0, 10, 4, site.shop.revisions()[group].in_service),
    }
    assert found.recommended > 1 and found.above > 0
    assert min(site.totals) >= 4


@BOTH
def test_capacity_rebalancing_is_no_obstacle_to_a_rollback(aws: InProcess, revision: int) -> None:
    found = Rebalanced(aws, revision)
    site = found.site
    group = site.set_up(site.image("two"))
    site.upgrade(group, 50)
    site.totals.clear()
    site.roll_back()
    assert list(site.desired().items()) == [(1, 4)]
    assert min(site.totals) >= 4


def test_zones_that_are_balanced_in_the_course_of_a_deployment_fail_no_phase(aws: InProcess) -> None:
    site = Site(aws)
    site.make_base(TargetGroupARNs=[site.shop.target_group()])
    first = site.deploy(site.image("one"), (100,))
    autoscaling = site.shop.client("autoscaling")
    there = (site.shop.group(first) or {})["Instances"]
    zones = sorted({one["AvailabilityZone"] for one in there})
    # All that is left is in one zone, as after an outage of the others.
    subnets = (site.shop.group(first) or {})["VPCZoneIdentifier"]
    described = site.shop.client("ec2").describe_subnets(SubnetIds=subnets.split(","))["Subnets"]
    one_zone = next(one["SubnetId"] for one in described if one["AvailabilityZone"] == zones[0])
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=first, VPCZoneIdentifier=one_zone)
    for one in there:
        if one["AvailabilityZone"] != zones[0]:
            autoscaling.terminate_instance_in_auto_scaling_group(
                InstanceId=one["InstanceId"], ShouldDecrementDesiredCapacity=False
            )
    site.clock.sleep(60)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=first, VPCZoneIdentifier=subnets)
    aws.world.settings.rebalance_seconds = 5.0
    aws.world.settings.registration_seconds = 10.0
    site.totals.clear()
    group = site.set_up(site.image("two"))
    for percent in PERCENTS:
        site.upgrade(group, percent, settle_time=10.0)
    assert site.desired() == {1: 0, 2: 4}
    assert min(site.totals) >= 4
    causes = [
        one["Cause"]
        for one in autoscaling.describe_scaling_activities(AutoScalingGroupName=first)["Activities"]
    ]
    assert any("to aid in balancing the group's zones" in cause for cause in causes)
