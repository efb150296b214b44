# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pretend Auto Scaling replaces instances: instance refreshes, and what is launched before the old ones end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def start(fleet: Fleet, **preferences: Any) -> str:
    answer = fleet.autoscaling.start_instance_refresh(AutoScalingGroupName="group", Preferences=preferences)
    return str(answer["InstanceRefreshId"])


def status(fleet: Fleet) -> dict[str, Any]:
    answer = fleet.autoscaling.describe_instance_refreshes(AutoScalingGroupName="group")
    return dict(answer["InstanceRefreshes"][0])


def watched(fleet: Fleet, seconds: int) -> tuple[int, int]:
    """Let time pass, and return the fewest and the most instances that were in service meanwhile."""
    counts = []
    for __ in range(seconds * 2):
        fleet.aws.advance(0.5)
        counts.append(len(fleet.in_service()))
    return min(counts), max(counts)


def causes(fleet: Fleet, words: str) -> int:
    return sum(words in one["Cause"] for one in fleet.activities())


def test_a_refresh_replaces_all_instances_and_ends_one_before_it_launches_another(fleet: Fleet) -> None:
    before = fleet.settled(size=4)
    started = start(fleet)
    assert status(fleet)["InstanceRefreshId"] == started
    assert watched(fleet, 60) == (3, 4)
    assert status(fleet)["Status"] == "Successful"
    assert status(fleet)["PercentageComplete"] == 100
    assert not set(before) & set(fleet.in_service())
    assert causes(fleet, "was taken out of service in response to an instance refresh.") == 4
    assert causes(fleet, "an instance was launched in response to an instance refresh.") == 4


@pytest.mark.parametrize(
    ("percentages", "seen"), [((50, 100), (2, 4)), ((100, 150), (4, 6)), ((100, 100), (4, 5))]
)
def test_a_refresh_keeps_to_its_percentages(
    fleet: Fleet, percentages: tuple[int, int], seen: tuple[int, int]
) -> None:
    before = fleet.settled(size=4)
    start(fleet, MinHealthyPercentage=percentages[0], MaxHealthyPercentage=percentages[1])
    assert watched(fleet, 60) == seen
    assert not set(before) & set(fleet.in_service())
    assert len(fleet.in_service()) == 4


def test_there_is_one_refresh_at_a_time_and_it_can_be_cancelled(fleet: Fleet) -> None:
    before = fleet.settled(size=4)
    start(fleet)
    with refused("InstanceRefreshInProgress"):
        start(fleet)
    fleet.aws.advance(5)
    fleet.autoscaling.cancel_instance_refresh(AutoScalingGroupName="group")
    fleet.aws.advance(60)
    assert status(fleet)["Status"] == "Cancelled"
    kept = set(before) & set(fleet.in_service())
    assert 0 < len(kept) < 4 and len(fleet.in_service()) == 4
    with refused("ActiveInstanceRefreshNotFound"):
        fleet.autoscaling.cancel_instance_refresh(AutoScalingGroupName="group")


def test_a_suspended_refresh_stands_still_and_goes_on_when_it_is_resumed(fleet: Fleet) -> None:
    before = fleet.settled(size=2)
    fleet.suspend("InstanceRefresh")
    start(fleet)
    fleet.aws.advance(60)
    assert fleet.in_service() == before
    fleet.resume("InstanceRefresh")
    fleet.aws.advance(60)
    assert not set(before) & set(fleet.in_service())


@pytest.mark.parametrize(("way", "replaced"), [("Refresh", 2), ("Ignore", 1), ("Wait", 1)])
def test_protected_instances_are_replaced_left_or_waited_for(fleet: Fleet, way: str, replaced: int) -> None:
    before = fleet.settled(size=2)
    fleet.autoscaling.set_instance_protection(
        AutoScalingGroupName="group", InstanceIds=before[:1], ProtectedFromScaleIn=True
    )
    start(fleet, ScaleInProtectedInstances=way)
    fleet.aws.advance(90)
    assert len(set(before) - set(fleet.in_service())) == replaced
    assert status(fleet)["Status"] == ("InProgress" if way == "Wait" else "Successful")


def test_a_refresh_of_a_group_that_shrinks_to_nothing_comes_to_its_end(fleet: Fleet) -> None:
    fleet.settled(size=4)
    start(fleet, MinHealthyPercentage=100, MaxHealthyPercentage=150)
    fleet.aws.advance(1)
    fleet.resize(0)
    fleet.aws.advance(60)
    assert fleet.instances() == {}
    assert status(fleet)["Status"] == "Successful"


@pytest.mark.parametrize("preference", ["AutoRollback", "AlarmSpecification", "BakeTime"])
def test_what_is_not_modelled_of_a_refresh_is_refused(fleet: Fleet, preference: str) -> None:
    fleet.make()
    value: Any = {"Alarms": ["busy"]} if preference == "AlarmSpecification" else True
    with refused("SandboxNotModelled", preference):
        start(fleet, **{preference: 60 if preference == "BakeTime" else value})


def test_an_instance_that_ec2_recommends_to_replace_ends_once_another_is_in_service(fleet: Fleet) -> None:
    first, *others = fleet.settled(size=4, CapacityRebalance=True)
    fleet.aws.act(first, "recommend-rebalance")
    assert watched(fleet, 30) == (4, 5)
    assert first not in fleet.in_service() and set(others) <= set(fleet.in_service())
    assert len(fleet.in_service()) == 4
    assert causes(fleet, "in response to an EC2 instance rebalance recommendation.") == 2


def test_without_capacity_rebalance_a_recommendation_changes_nothing(fleet: Fleet) -> None:
    before = fleet.settled(size=2)
    fleet.aws.act(before[0], "recommend-rebalance")
    assert watched(fleet, 30) == (2, 2)
    assert fleet.in_service() == before


@pytest.mark.parametrize("suspended", [False, True])
def test_zones_out_of_balance_are_balanced_unless_that_is_suspended(fleet: Fleet, suspended: bool) -> None:
    fleet.aws.world.settings.rebalance_seconds = 60
    (subnet, zone), (other, __) = fleet.subnets
    fleet.settled(size=4, VPCZoneIdentifier=subnet)
    if suspended:
        fleet.suspend("AZRebalance")
    fleet.autoscaling.update_auto_scaling_group(
        AutoScalingGroupName="group", VPCZoneIdentifier=f"{subnet},{other}"
    )
    assert watched(fleet, 300) == ((4, 4) if suspended else (4, 5))
    zones = Counter(one["AvailabilityZone"] for one in fleet.group()["Instances"])
    assert zones[zone] == (4 if suspended else 2)
    assert bool(causes(fleet, "to aid in balancing the group's zones.")) is not suspended
