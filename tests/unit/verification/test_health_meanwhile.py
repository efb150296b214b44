# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""While metrics are judged, the group's health is watched: metrics that look well excuse nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput, LaunchFailed
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    Event,
    PassResult,
    Timing,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.fleet import (
    AwsSurroundings,
    Patience,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import read_settings
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import Verification

from tests.demo.shop import Sizes
from tests.recorded import COLLECTION
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import SETTINGS, START, Site

CPU = {
    "name": "cpu",
    "namespace": "CWAgent",
    "metric_name": "cpu_usage_active",
    "dimensions": {"InstanceId": "{instance_id}"},
    "maximum": 99.0,
}


@pytest.fixture(scope="module")
def world() -> InProcess:
    return InProcess(SETTINGS, START)


@dataclass
class CrashingClock:
    """The pretend AWS's time; instances of a group are found unhealthy when it is their time, in seconds from now."""

    aws: InProcess
    site: Site
    group: str
    crashes: list[float]
    happened: list[float] = field(default_factory=list)
    #: Whether load balancers find them unhealthy, and Auto Scaling does not.
    only_targets: bool = False

    def __post_init__(self) -> None:
        self.began = self.now()

    def now(self) -> float:
        return self.aws.clock.now()

    def sleep(self, seconds: float) -> None:
        self.aws.advance(seconds)
        if self.crashes and self.now() - self.began >= self.crashes[0]:
            self.crashes.pop(0)
            there = (self.site.shop.group(self.group) or {})["Instances"]
            serving = [one for one in there if one["LifecycleState"] == "InService"]
            if self.only_targets:
                self.aws.world.failing.add(serving[0]["InstanceId"])
            else:
                self.site.shop.client("autoscaling").set_instance_health(
                    InstanceId=serving[0]["InstanceId"],
                    HealthStatus="Unhealthy",
                    ShouldRespectGracePeriod=False,
                )
            self.happened.append(self.now())


@dataclass
class Verified:
    site: Site
    clock: CrashingClock
    events: list[Event]
    result: PassResult | None = None
    failure: LaunchFailed | None = None


def verify(
    world: InProcess,
    crashes: list[float],
    *,
    ours: bool = True,
    instances: int = 4,
    only_targets: bool = False,
    patience: Patience | None = None,
    without_capacity: bool = False,
    percent: int = 50,
    **behaviour: Any,
) -> Verified:
    world.reset(SETTINGS, START)
    site = Site(world)
    # With health checks of EC2's only, Auto Scaling keeps what load balancers find unhealthy.
    balanced = {"TargetGroupARNs": [site.shop.target_group()], "HealthCheckType": "EC2"}
    site.make_base(**(balanced if only_targets else {}))
    first = site.deploy(
        site.image("good", resolution=10), (100,), desired_capacity=instances, max_size=instances
    )
    new = site.image("new", resolution=10, **behaviour)
    group = site.set_up(new, desired_capacity=instances, max_size=instances)
    site.upgrade(group, percent)
    if without_capacity:
        world.fail_launches("InsufficientInstanceCapacity")
    clock = CrashingClock(world, site, group if ours else first, crashes, only_targets=only_targets)
    rollout = site.rollout()
    settings: dict[str, Any] = {"group": group, "metrics": [CPU], "delay": 0, "warmup": 0, "duration": 900}
    step = Verification(
        read_settings(settings), rollout.cloudwatch, AwsSurroundings(rollout, patience=patience), clock
    )
    found = Verified(site, clock, [])
    try:
        found.result = run_to_the_end(
            step, clock, Timing(wait_timeout=7200, poll_interval=5.0), tell=found.events.append
        )
    except LaunchFailed as failure:
        found.failure = failure
    return found


def test_a_canary_that_crashes_again_and_again_fails_within_a_minute_of_the_second_time(
    world: InProcess,
) -> None:
    found = verify(world, [120.0, 240.0, 360.0])
    assert found.failure is not None
    assert "2 instances were taken out of service one after the other" in str(found.failure)
    assert len(found.clock.happened) == 2
    assert found.clock.now() - found.clock.happened[1] <= 60


def test_a_canary_whose_instances_end_every_two_minutes_is_rolled_back_with_awss_words(
    world: InProcess,
) -> None:
    found = verify(world, [], percent=25, dies_after=120.0)
    assert found.failure is not None
    assert "in response to an EC2 health check indicating it has been terminated or stopped" in str(
        found.failure
    )
    group = f"{found.site.prefix}2"
    ended = [
        one.terminated_at
        for one in world.world.instance_records()
        if one.group_name == group and one.terminated_at
    ]
    assert len(ended) == 2
    assert found.clock.now() - ended[1] <= 60
    assert not any(event.kind == "verdict" for event in found.events)
    found.site.roll_back()
    assert found.site.shop.revisions() == {f"{found.site.prefix}1": Sizes(0, 4, 4, 4)}


def test_one_instance_that_is_replaced_is_told_and_tolerated(world: InProcess) -> None:
    found = verify(world, [120.0])
    assert found.failure is None and found.result is not None
    assert found.result.result["verdict"] == "pass"
    assert any("terminating" in event.text for event in found.events if event.kind == "activity")


@pytest.mark.parametrize("settle_time", [10.0, 100.0])
def test_a_target_that_stays_unhealthy_fails_though_its_instance_stays_in_service(
    world: InProcess, settle_time: float
) -> None:
    found = verify(world, [120.0], only_targets=True, patience=Patience(settle_time))
    assert found.failure is not None
    assert "1 of 2 targets healthy in shop-web" in str(found.failure)
    assert settle_time <= found.clock.now() - found.clock.happened[0] <= settle_time + 45
    assert any(event.text.startswith("1/2 targets healthy") for event in found.events)


@pytest.mark.parametrize("launch_patience", [60.0, 300.0])
def test_an_instance_that_cannot_be_replaced_fails_when_the_deployments_patience_is_over(
    world: InProcess, launch_patience: float
) -> None:
    patience = Patience(launch_patience=launch_patience)
    found = verify(world, [120.0], patience=patience, without_capacity=True)
    assert found.failure is not None
    assert "We currently do not have sufficient t3.micro capacity" in str(found.failure)
    assert launch_patience <= found.clock.now() - found.clock.happened[0] <= launch_patience + 45
    assert any(f"{launch_patience:g} s without a launch" in event.text for event in found.events)


def test_a_patience_that_cannot_be_is_refused(world: InProcess) -> None:
    with pytest.raises(InvalidInput, match=r"settle_time is -1.*launch_patience is -2"):
        verify(world, [], patience=Patience(-1, -2))


def test_of_many_instances_a_tenth_may_be_lost(world: InProcess) -> None:
    assert verify(world, [100.0, 200.0, 300.0, 400.0], instances=80).failure is None
    assert verify(world, [100.0, 200.0, 300.0, 400.0, 500.0], instances=80).failure is not None


def test_capacity_that_the_outgoing_groups_lose_is_told_and_fails_nothing(world: InProcess) -> None:
    found = verify(world, [120.0, 240.0], ours=False)
    assert found.failure is None
    assert any(event.kind == "capacity" and "1/2" in event.text for event in found.events)


def test_a_group_that_is_well_says_nothing_and_costs_a_call_every_fifteen_seconds(world: InProcess) -> None:
    found = verify(world, [])
    assert [event.text for event in found.events if event.kind in ("capacity", "settled", "activity")] == []
    since = found.clock.began
    calls = [one for one in world.calls() if one["access_key"] == COLLECTION and one["time"] >= since]
    asked = Counter(one["operation"] for one in calls)
    assert asked["DescribeScalingActivities"] <= 2
    # The looks at metrics, one a minute, read both groups, and the lease is looked at, too.
    assert 900 / 15 <= asked["DescribeAutoScalingGroups"] <= 2 * 900 / 15
