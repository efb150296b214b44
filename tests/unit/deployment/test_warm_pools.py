# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group with a warm pool: what is warm is no capacity, and no obstacle to a phase, a rollback, or an end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.demo.shop import Sizes
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import PERCENTS, Site

POOLS: dict[str, dict[str, Any]] = {
    "stopped": {"PoolState": "Stopped", "MaxGroupPreparedCapacity": 6},
    "running": {"PoolState": "Running", "MinSize": 2, "MaxGroupPreparedCapacity": 4},
    "reused": {
        "PoolState": "Hibernated",
        "MaxGroupPreparedCapacity": 6,
        "InstanceReusePolicy": {"ReuseOnScaleIn": True},
    },
}


def live(aws: InProcess, **pool: Any) -> Site:
    """A shop whose base has a warm pool, with a first revision."""
    site = Site(aws)
    site.make_base(TargetGroupARNs=[site.shop.target_group()])
    site.shop.client("autoscaling").put_warm_pool(AutoScalingGroupName=site.shop.base_group, **pool)
    site.deploy(site.image("one"), (100,))
    site.clock.sleep(60)
    return site


def warm(site: Site, revision: int) -> int:
    group = site.aws.world.autoscaling.groups[f"{site.prefix}{revision}"]
    return sum(one.state.startswith("Warmed:") for one in group.warm.values())


@pytest.mark.parametrize("pool", POOLS)
def test_phases_settle_with_warm_instances_on_either_side(aws: InProcess, pool: str) -> None:
    site = live(aws, **POOLS[pool])
    assert warm(site, 1) > 0
    site.totals.clear()
    group = site.set_up(site.image("two"))
    for percent in PERCENTS:
        site.upgrade(group, percent)
    site.clock.sleep(60)
    assert site.shop.revisions() == {f"{site.prefix}1": Sizes(0, 10, 0, 0), group: Sizes(0, 10, 4, 4)}
    assert min(site.totals) >= 4
    assert warm(site, 2) > 0


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("percent", [50, 100])
def test_a_rollback_leaves_no_group_because_of_its_warm_pool(aws: InProcess, pool: str, percent: int) -> None:
    site = live(aws, **POOLS[pool])
    before = site.standing()
    group = site.set_up(site.image("two"))
    site.upgrade(group, percent)
    site.clock.sleep(30)
    site.totals.clear()
    site.roll_back()
    site.clock.sleep(60)
    assert min(site.totals) >= 4
    assert site.standing() == before


def test_a_rollback_by_late_answers_ends_as_well_and_keeps_asking_for_nothing(aws: InProcess) -> None:
    site = live(aws, **POOLS["stopped"])
    before = site.standing()
    site.upgrade(site.set_up(site.image("two")), 100)
    site.clock.sleep(30)
    mark = aws.mark()
    aws.world.settings.staleness = 5.0
    site.roll_back()
    aws.world.settings.staleness = 0.0
    site.clock.sleep(60)
    assert site.standing() == before
    assert sum(one["operation"] == "DeleteWarmPool" for one in aws.writes(mark)) <= 4


def test_a_revision_that_is_kept_for_a_look_keeps_no_warm_pool(aws: InProcess) -> None:
    site = live(aws, **POOLS["stopped"])
    group = site.set_up(site.image("two"))
    site.upgrade(group, 100)
    site.roll_back(keep_failed=True)
    site.clock.sleep(60)
    assert site.desired() == {1: 4, 2: 0}
    assert warm(site, 2) == 0 and warm(site, 1) > 0


def test_old_revisions_go_with_their_warm_pools(aws: InProcess) -> None:
    site = live(aws, **POOLS["stopped"])
    for name in ("two", "three"):
        site.deploy(site.image(name))
    site.clock.sleep(60)
    site.run(site.prune_step(keep=0))
    site.clock.sleep(60)
    assert list(site.shop.revisions()) == [f"{site.prefix}3"]
    assert site.desired() == {3: 4}
