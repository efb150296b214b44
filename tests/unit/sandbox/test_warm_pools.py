# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pretend Auto Scaling has warm pools that hold instances."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def put(fleet: Fleet, **members: Any) -> None:
    fleet.autoscaling.put_warm_pool(AutoScalingGroupName="group", **members)
    fleet.aws.advance(20)


def pool(fleet: Fleet) -> dict[str, str]:
    """Return the states of the instances in the warm pool, by id."""
    answer = fleet.autoscaling.describe_warm_pool(AutoScalingGroupName="group")
    return {one["InstanceId"]: one["LifecycleState"] for one in answer["Instances"]}


def launched(fleet: Fleet) -> Counter[str]:
    words = (one["Description"].rpartition(":")[0] for one in fleet.activities())
    return Counter(one for one in words if one.startswith("Launching"))


@pytest.mark.parametrize(
    ("members", "size"),
    [({}, 8), ({"MaxGroupPreparedCapacity": 5}, 3), ({"MaxGroupPreparedCapacity": 1, "MinSize": 2}, 2)],
)
def test_a_pool_has_what_the_group_may_still_grow_by(
    fleet: Fleet, members: dict[str, int], size: int
) -> None:
    fleet.settled(size=2)
    put(fleet, **members)
    assert len(pool(fleet)) == fleet.group()["WarmPoolSize"] == size
    assert len(fleet.instances()) == 2


@pytest.mark.parametrize(
    ("kind", "state"), [("Stopped", "stopped"), ("Hibernated", "stopped"), ("Running", "running")]
)
def test_warm_instances_are_no_capacity(fleet: Fleet, kind: str, state: str) -> None:
    arn = fleet.target_group()
    fleet.settled(size=1, TargetGroupARNs=[arn])
    put(fleet, MinSize=2, MaxGroupPreparedCapacity=0, PoolState=kind)
    assert set(pool(fleet).values()) == {f"Warmed:{kind}"}
    assert {fleet.ec2_state(one) for one in pool(fleet)} == {state}
    assert list(fleet.health(arn)) == fleet.in_service()
    assert launched(fleet)["Launching a new EC2 instance into warm pool"] == 2


def test_a_group_that_scales_out_takes_warm_instances_first(fleet: Fleet) -> None:
    fleet.settled(size=1)
    put(fleet, MaxGroupPreparedCapacity=3)
    warm = set(pool(fleet))
    fleet.resize(4)
    fleet.aws.settle()
    assert warm < set(fleet.in_service())
    assert len(fleet.in_service()) == 4 and pool(fleet) == {}
    assert launched(fleet)["Launching a new EC2 instance from warm pool"] == 2


@pytest.mark.parametrize("reuse", [False, True])
def test_instances_return_to_the_pool_when_the_group_scales_in_if_it_says_so(
    fleet: Fleet, reuse: bool
) -> None:
    before = set(fleet.settled(size=3))
    put(fleet, MaxGroupPreparedCapacity=3, InstanceReusePolicy={"ReuseOnScaleIn": reuse})
    fleet.resize(1)
    fleet.aws.settle()
    assert len(fleet.in_service()) == 1 and len(pool(fleet)) == 2
    assert (set(pool(fleet)) < before) is reuse
    assert set(pool(fleet).values()) == {"Warmed:Stopped"}


def test_an_unhealthy_instance_does_not_return(fleet: Fleet) -> None:
    (before,) = fleet.settled(size=1)
    put(fleet, MaxGroupPreparedCapacity=2, InstanceReusePolicy={"ReuseOnScaleIn": True})
    fleet.aws.act(before, "unhealthy")
    fleet.aws.settle()
    assert before not in pool(fleet)
    assert len(fleet.in_service()) == 1 and len(pool(fleet)) == 1


def test_hooks_on_launch_come_on_the_way_in_and_on_the_way_out(fleet: Fleet) -> None:
    hook = {
        "LifecycleHookName": "warm-up",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "HeartbeatTimeout": 60,
        "DefaultResult": "ABANDON",
    }
    fleet.make(LifecycleHookSpecificationList=[hook])
    put(fleet, MaxGroupPreparedCapacity=1)
    ((waiting, state),) = pool(fleet).items()
    assert state == "Warmed:Pending:Wait"

    def complete() -> None:
        fleet.autoscaling.complete_lifecycle_action(
            AutoScalingGroupName="group",
            LifecycleHookName="warm-up",
            InstanceId=waiting,
            LifecycleActionResult="CONTINUE",
        )

    complete()
    assert pool(fleet) == {waiting: "Warmed:Stopped"}
    fleet.resize(1)
    fleet.aws.advance(10)
    assert fleet.instances() == {waiting: "Pending:Wait"}
    complete()
    fleet.aws.settle()
    assert fleet.in_service() == [waiting]


def test_a_launch_into_the_pool_that_fails_is_told_and_tried_again(fleet: Fleet) -> None:
    fleet.settled(size=1)
    fleet.aws.fail_launches("InsufficientInstanceCapacity", times=1)
    put(fleet, MaxGroupPreparedCapacity=2)
    failed = [one for one in fleet.activities() if one["StatusCode"] == "Failed"]
    assert len(failed) == 1 and len(pool(fleet)) == 1


def test_a_group_with_a_warm_pool_is_deleted_by_force_or_after_its_pool(fleet: Fleet) -> None:
    fleet.make()
    put(fleet, MinSize=1)
    with refused("ResourceInUse", "warm pool"):
        fleet.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="group")
    fleet.autoscaling.delete_warm_pool(AutoScalingGroupName="group", ForceDelete=True)
    assert fleet.group()["WarmPoolConfiguration"]["Status"] == "PendingDelete"
    fleet.aws.settle()
    assert "WarmPoolConfiguration" not in fleet.group()
    with refused("ValidationError", "No warm pool"):
        fleet.autoscaling.delete_warm_pool(AutoScalingGroupName="group")
    put(fleet, MinSize=1)
    fleet.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="group", ForceDelete=True)
    fleet.aws.settle()
    assert not fleet.exists()
    reservations = fleet.ec2.describe_instances()["Reservations"]
    assert {one["State"]["Name"] for each in reservations for one in each["Instances"]} == {"terminated"}
