# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pause after a phase, the final one too: the new group is watched by the rules of a verification."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import LaunchFailed
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import PassResult
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import (
    Upgrade,
    UpgradeOptions,
)

from tests.demo.shop import Sizes
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import Site

PAUSE = 900.0
PHASES = pytest.mark.parametrize("percent", [50, 100], ids=["between", "final"])


def made(aws: InProcess, health_check: str) -> Site:
    site = Site(aws)
    site.make_base(TargetGroupARNs=[site.shop.target_group()], HealthCheckType=health_check)
    return site


def paused(site: Site, percent: int, at: dict[float, Callable[[str], None]]) -> PassResult:
    """Deploy a second revision to a phase with a pause after it, in which things happen at seconds from its begin."""
    site.deploy(site.image("one"), (100,))
    group = site.set_up(site.image("two"))
    if percent > 50:
        site.upgrade(group, 50)
    options = UpgradeOptions(group, Wanted(percent=percent), settle_time=5.0, pause=PAUSE)
    # The phase takes some seconds, the pause begins after it.
    begun = site.clock.now() + 60
    due = sorted(at)
    look = site.clock.look

    def happen() -> None:
        look()
        while due and site.clock.now() >= begun + due[0]:
            at[due.pop(0)](group)

    site.clock.look = happen
    try:
        return site.run(Upgrade(site.rollout(), options))
    finally:
        site.clock.look = look


def serving(site: Site, group: str) -> str:
    found = (site.shop.group(group) or {})["Instances"]
    return next(str(one["InstanceId"]) for one in found if one["LifecycleState"] == "InService")


def crash(site: Site) -> Callable[[str], None]:
    return lambda group: site.shop.client("autoscaling").set_instance_health(
        InstanceId=serving(site, group), HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
    )


@PHASES
def test_a_target_that_stays_unhealthy_ends_the_pause(aws: InProcess, percent: int) -> None:
    site = made(aws, "EC2")
    fail = {100.0: lambda group: aws.world.failing.add(serving(site, group))}
    begun = site.clock.now()
    with pytest.raises(LaunchFailed, match=r"it lacks \d of \d targets healthy in shop-web"):
        paused(site, percent, fail)
    assert site.clock.now() - begun < 400
    site.roll_back()
    assert site.shop.revisions() == {f"{site.prefix}1": Sizes(0, 10, 4, 4)}


@PHASES
def test_instances_that_crash_again_and_again_end_the_pause(aws: InProcess, percent: int) -> None:
    site = made(aws, "EC2")
    with pytest.raises(LaunchFailed, match="2 instances were taken out of service one after the other"):
        paused(site, percent, {60.0: crash(site), 120.0: crash(site), 180.0: crash(site)})


@PHASES
@pytest.mark.parametrize("health_check", ["EC2", "ELB"])
def test_one_instance_that_is_replaced_is_tolerated(aws: InProcess, percent: int, health_check: str) -> None:
    site = made(aws, health_check)
    aws.world.settings.pending_seconds = 40
    aws.world.settings.registration_seconds = 20
    begun = site.clock.now()
    paused(site, percent, {200.0: crash(site)})
    assert site.clock.now() - begun >= PAUSE


def test_a_live_group_may_be_resized_while_the_deployment_pauses(aws: InProcess) -> None:
    site = made(aws, "EC2")
    aws.world.settings.pending_seconds = 60

    def resize(to: int) -> Callable[[str], None]:
        return lambda group: site.shop.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName=group, DesiredCapacity=to
        )

    paused(site, 100, {300.0: resize(7), 500.0: resize(3)})
    assert site.desired() == {1: 0, 2: 3}
