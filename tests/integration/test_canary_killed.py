# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the playbook that are killed, as a cancelled AWX job is, and what the next run makes of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.aws.calls import Calls
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import Locked
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    SystemClock,
    Timing,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import (
    Deployer as EngineDeployer,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Rollout
from ansible_collections.progressive.aws.plugins.module_utils.deployment.set_up import SetUp, SetUpOptions

from tests.demo.shop import Shop, Sizes
from tests.faults.killing import killed_at
from tests.integration.canary import FAULTY, Deployer, leftovers, verified
from tests.integration.observer import Observer

#: Writes of the guide's example at which a job is cancelled: while it is set up, and in the second phase.
MOMENTS = (3, 10)


@pytest.mark.parametrize("write", MOMENTS)
def test_the_same_run_again_goes_on_where_a_killed_one_stopped(
    base: Shop, deployer: Deployer, write: int
) -> None:
    first = deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two")

    with Observer(base) as observer:
        killed_at(deployer, write, image_id)
        again = deployer.deploy(image_id)

    assert again.code == 0, again.output
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 0, 0), f"{base.series}__2": Sizes(0, 10, 4, 4)}


def test_a_killed_run_is_taken_back_by_the_rollback_playbook(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))

    with Observer(base) as observer:
        killed_at(deployer, MOMENTS[1], deployer.image("two"))
        run = deployer.play("rollback", canary_poll_interval=0.2, canary_settle_time=0)

    assert run.code == 0, run.output
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__2") == []


def test_of_fifty_simultaneous_starts_one_wins(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two")
    together = threading.Barrier(50)

    def start(number: int) -> str:
        clock = SystemClock()
        shop = Shop(base.endpoint, application=base.application)
        rollout = Rollout(Calls(client=shop.client, clock=clock), clock, EngineDeployer(f"deployer-{number}"))
        # Each wants something of its own, so that none can take another's deployment for its own.
        options = SetUpOptions(
            series=base.series, base_group=base.base_group, image_id=image_id, tags={"deployer": str(number)}
        )
        for service in ("autoscaling", "ec2", "elbv2", "elb", "cloudwatch"):
            shop.client(service)
        together.wait()
        try:
            return str(run_to_the_end(SetUp(rollout, options), clock, Timing()).result["group"])
        except Locked as refused:
            assert "Nothing was touched" in str(refused)
            return ""

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(start, range(50)))

    assert sorted(filter(None, results)) == [f"{base.series}__2"]
    assert base.revisions() == {first: Sizes(0, 10, 4, 4), f"{base.series}__2": Sizes(0, 10, 0, 0)}
    templates = base.client("ec2").describe_launch_templates()["LaunchTemplates"]
    names = [
        one["LaunchTemplateName"] for one in templates if one["LaunchTemplateName"].startswith(base.series)
    ]
    assert sorted(names) == [first, f"{base.series}__2"]


def test_a_rollback_that_was_killed_is_ended_by_the_same_run_again_which_is_not_green(
    base: Shop, deployer: Deployer
) -> None:
    first = deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two", **FAULTY)
    phases = verified("Canary 25 %")

    with Observer(base) as observer:
        assert killed_at(deployer, 10, image_id, canary_phases=phases)
        statuses = [
            tag["Value"] for tag in (base.group(f"{base.series}__2") or {})["Tags"] if "status" in tag["Key"]
        ]
        again = deployer.deploy(image_id, canary_phases=phases)

    assert statuses == ["rolling-back"]
    assert again.code == 2
    assert "was interrupted while it rolled back" in again.output
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__2") == []
