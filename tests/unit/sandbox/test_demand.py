# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load that groups share reacts to their capacity, so that their policies act by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    made = Fleet(aws)
    aws.behave(made.image, {"cpu": {"mean": 50.0}, "detailed_monitoring": True, "resolution": 10})
    return made


def mean(fleet: Fleet, metric: str, namespace: str = "AWS/EC2") -> float:
    """Return the group's last value of a metric in the last five minutes."""
    now = fleet.aws.clock.now()
    stat = {
        "Metric": {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "group"}],
        },
        "Period": 60,
        "Stat": "Average",
    }
    answer = fleet.cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": stat}], StartTime=now - 300, EndTime=now
    )
    return float(answer["MetricDataResults"][0]["Values"][0])


def minutes(fleet: Fleet, number: int) -> None:
    """Let time pass, in which alarms are evaluated each minute."""
    for __ in range(number):
        fleet.aws.advance(60)


def follow(fleet: Fleet, target: float, metric: str = "ASGAverageCPUUtilization") -> None:
    configuration: dict[str, Any] = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
        "TargetValue": target,
    }
    fleet.autoscaling.put_scaling_policy(
        AutoScalingGroupName="group",
        PolicyName="follow",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration=configuration,
    )


def test_the_more_instances_there_are_the_less_has_each_to_do(fleet: Fleet) -> None:
    fleet.settled(size=2)
    fleet.aws.demand("gro", 2)
    fleet.aws.advance(180)
    assert mean(fleet, "CPUUtilization") == pytest.approx(50, abs=5)
    before = mean(fleet, "Requests", "Shop")
    fleet.resize(4)
    fleet.aws.advance(180)
    assert mean(fleet, "CPUUtilization") == pytest.approx(25, abs=3)
    assert mean(fleet, "Requests", "Shop") == pytest.approx(before / 2, rel=0.2)


def test_without_a_demand_and_in_other_groups_each_has_its_images_load(fleet: Fleet) -> None:
    fleet.settled(size=2)
    fleet.aws.demand("other", 100)
    fleet.aws.advance(180)
    assert mean(fleet, "CPUUtilization") == pytest.approx(50, abs=5)


def test_what_was_measured_does_not_change_with_the_capacity_afterwards(fleet: Fleet) -> None:
    fleet.settled(size=2)
    fleet.aws.demand("group", 3)
    fleet.aws.advance(300)
    before = mean(fleet, "CPUUtilization")
    fleet.resize(6)
    fleet.aws.advance(20)
    assert mean(fleet, "CPUUtilization") == pytest.approx(before, rel=0.5)
    assert before == pytest.approx(75, abs=5)


def test_a_policy_follows_a_load_that_rises_and_one_that_falls(fleet: Fleet) -> None:
    fleet.settled(size=4)
    follow(fleet, 60.0)
    fleet.aws.demand("group", 4)
    minutes(fleet, 10)
    assert fleet.sizes()[2] == 4
    fleet.aws.demand("group", 8)
    minutes(fleet, 20)
    # Eight times 50 % of CPU, where each is to have 60 %.
    assert fleet.sizes()[2] == 7
    fleet.aws.demand("group", 2)
    minutes(fleet, 40)
    assert fleet.sizes()[2] == 2
