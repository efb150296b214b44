# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listeners that forward to several target groups by weight.

After "Action types for listener rules" (User Guide for Application Load Balancers) and Elastic Load Balancing's API
reference.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox import forwarding
from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused


class Balanced:
    """Two groups of two behind one listener, each in a target group of its own; blue gets everything."""

    def __init__(self, aws: InProcess) -> None:
        self.fleet = Fleet(aws)
        self.world = aws.world
        self.elbv2 = aws.client("elbv2")
        self.blue = self.fleet.target_group("blue", listener=False)
        self.green = self.fleet.target_group("green", listener=False)
        self.balancer = self.fleet.listen("shop", self.blue)
        self.listener = self.described()["ListenerArn"]
        self.fleet.settled("blue", size=2, TargetGroupARNs=[self.blue])
        self.fleet.settled("green", size=2, TargetGroupARNs=[self.green])

    def described(self) -> dict[str, Any]:
        return dict(self.elbv2.describe_listeners(LoadBalancerArn=self.balancer)["Listeners"][0])

    def forward(self, *groups: tuple[str, int]) -> None:
        named = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in groups]
        self.write({"Type": "forward", "ForwardConfig": {"TargetGroups": named}})

    def write(self, *actions: dict[str, Any]) -> None:
        self.elbv2.modify_listener(ListenerArn=self.listener, DefaultActions=list(actions))

    def wait(self, seconds: float) -> None:
        self.fleet.aws.advance(seconds)

    def loads(self) -> dict[str, float]:
        return forwarding.loads(self.world, self.world.targets.healthy())

    def lost(self) -> dict[str, float]:
        return forwarding.lost_shares(self.world, self.world.targets.healthy())

    def requests(self, target_group: str, since: datetime) -> float:
        dimensions = {
            "LoadBalancer": self.balancer.partition(":loadbalancer/")[2],
            "TargetGroup": target_group.rpartition(":")[2],
        }
        answer = self.fleet.cloudwatch.get_metric_statistics(
            Namespace="AWS/ApplicationELB",
            MetricName="RequestCount",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=since,
            EndTime=since + timedelta(minutes=10),
            Period=600,
            Statistics=["Sum"],
        )
        return sum(float(one["Sum"]) for one in answer["Datapoints"])

    def whole_minutes(self) -> datetime:
        """Wait for the next ten minutes to begin, and return when that is."""
        self.wait(600 - self.world.now() % 600)
        return datetime.fromtimestamp(self.world.now(), UTC)


@pytest.fixture
def balanced(aws: InProcess) -> Balanced:
    return Balanced(aws)


def test_requests_follow_the_weights(balanced: Balanced) -> None:
    balanced.forward((balanced.blue, 3), (balanced.green, 1))
    balanced.wait(5)
    since = balanced.whole_minutes()
    balanced.wait(660)
    blue, green = (balanced.requests(arn, since) for arn in (balanced.blue, balanced.green))
    assert green / (blue + green) == pytest.approx(0.25, abs=0.01)


def test_a_weight_of_zero_gets_nothing_and_is_checked_for_health(balanced: Balanced) -> None:
    assert set(balanced.fleet.health(balanced.green).values()) == {"unused"}
    balanced.forward((balanced.blue, 1), (balanced.green, 0))
    balanced.wait(5)
    assert set(balanced.fleet.health(balanced.green).values()) == {"healthy"}
    since = balanced.whole_minutes()
    balanced.wait(660)
    assert balanced.requests(balanced.green, since) == 0
    assert balanced.requests(balanced.blue, since) > 0


def test_an_instance_in_two_target_groups_brings_its_requests_once(balanced: Balanced) -> None:
    balanced.forward((balanced.blue, 1), (balanced.green, 0))
    balanced.fleet.autoscaling.attach_load_balancer_target_groups(
        AutoScalingGroupName="blue", TargetGroupARNs=[balanced.green]
    )
    balanced.fleet.resize(0, "green")
    balanced.wait(10)
    assert balanced.fleet.health(balanced.green) == balanced.fleet.health(balanced.blue)
    assert balanced.loads() == {balanced.blue: 1.0, balanced.green: 0.0}


def test_a_share_without_a_healthy_target_is_lost(balanced: Balanced) -> None:
    assert balanced.lost() == {}
    balanced.forward((balanced.blue, 19), (balanced.green, 1))
    assert balanced.lost() == {balanced.green: 0.05}
    balanced.wait(5)
    assert balanced.lost() == {}
    balanced.fleet.resize(0, "blue")
    balanced.wait(5)
    assert balanced.lost() == {balanced.blue: 0.95}
    balanced.write({"Type": "forward", "TargetGroupArn": balanced.blue})
    assert balanced.lost() == {balanced.blue: 1.0}
    assert forwarding.lost_shares(balanced.world, {}, stages={80}) == {}


def test_a_single_target_group_is_told_both_ways(balanced: Balanced) -> None:
    (action,) = balanced.described()["DefaultActions"]
    assert action["TargetGroupArn"] == balanced.blue
    assert action["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": balanced.blue, "Weight": 1}]
    balanced.forward((balanced.blue, 2), (balanced.green, 5))
    (action,) = balanced.described()["DefaultActions"]
    assert "TargetGroupArn" not in action
    assert [one["Weight"] for one in action["ForwardConfig"]["TargetGroups"]] == [2, 5]
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": False}


def test_a_target_group_that_is_forwarded_to_is_not_deleted(balanced: Balanced) -> None:
    """ResourceInUse, at weight 0 as well."""
    balanced.forward((balanced.blue, 1), (balanced.green, 0))
    with refused("ResourceInUse"):
        balanced.elbv2.delete_target_group(TargetGroupArn=balanced.green)
    balanced.forward((balanced.blue, 1))
    balanced.elbv2.delete_target_group(TargetGroupArn=balanced.green)


def test_what_aws_does_not_take_is_refused_and_changes_nothing(balanced: Balanced) -> None:
    before = balanced.described()
    more = [balanced.fleet.target_group(f"more-{number}", listener=False) for number in range(4)]
    with refused("InvalidLoadBalancerAction", "5"):
        balanced.forward(*((arn, 1) for arn in (balanced.blue, balanced.green, *more)))
    with refused("InvalidLoadBalancerAction", "once"):
        balanced.forward((balanced.blue, 1), (balanced.blue, 2))
    with refused("ValidationError", "999"):
        balanced.forward((balanced.blue, 1000), (balanced.green, 1))
    elsewhere = balanced.fleet.target_group("elsewhere")
    with refused("TargetGroupAssociationLimit"):
        balanced.forward((balanced.blue, 1), (elsewhere, 1))
    both = {
        "Type": "forward",
        "TargetGroupArn": balanced.blue,
        "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": balanced.green, "Weight": 1}]},
    }
    with refused("InvalidLoadBalancerAction", "same"):
        balanced.write(both)
    assert balanced.described() == before
