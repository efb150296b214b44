# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups that count their capacity in weights, vCPUs or memory: deployed, and put back exactly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.engine import PERCENTS, Site

WEIGHTS = {"t3.small": 1, "t3.medium": 2, "t3.large": 4}
REQUIREMENTS = {"VCpuCount": {"Min": 2, "Max": 4}, "MemoryMiB": {"Min": 2048}}


@pytest.fixture
def site(aws: InProcess) -> Site:
    """A shop that makes its own base group."""
    return Site(aws)


def policy(site: Site, overrides: list[dict[str, Any]]) -> dict[str, Any]:
    specification = site.shop.launch_template(site.image("base"))
    return {
        "LaunchTemplate": {"LaunchTemplateSpecification": specification, "Overrides": overrides},
        # Whatever strategy takes types that nobody knows beforehand: the sandbox takes them in turn.
        "InstancesDistribution": {"OnDemandAllocationStrategy": "lowest-price"},
    }


def weighted(site: Site) -> dict[str, Any]:
    overrides = [{"InstanceType": kind, "WeightedCapacity": str(weight)} for kind, weight in WEIGHTS.items()]
    return {"MixedInstancesPolicy": policy(site, overrides)}


def by_vcpus(site: Site) -> dict[str, Any]:
    return {
        "MixedInstancesPolicy": policy(site, [{"InstanceRequirements": REQUIREMENTS}]),
        "DesiredCapacityType": "vcpu",
    }


def units(site: Site, group: str) -> int:
    return site.aws.world.autoscaling.groups[group].units()


SIZES = {"min_size": 0, "max_size": 20, "desired_capacity": 8}


@pytest.mark.parametrize("kind", [weighted, by_vcpus])
def test_a_group_with_weights_goes_live_and_never_has_less_than_it_had(site: Site, kind: Any) -> None:
    site.make_base(**kind(site))
    first = site.deploy(site.image("one"), **SIZES)
    types = {one.instance_type for one in site.aws.world.autoscaling.groups[first].instances.values()}
    assert len(types) > 1
    site.totals.clear()
    second = site.deploy(site.image("two"), **SIZES)
    assert site.desired() == {1: 0, 2: 8}
    assert min(site.totals) >= 8
    assert units(site, first) == 0
    assert 8 <= units(site, second) < 8 + 4


@pytest.mark.parametrize("kind", [weighted, by_vcpus])
@pytest.mark.parametrize("phases", [1, 2, 3])
def test_a_group_with_weights_is_put_back_exactly_from_every_phase(
    site: Site, kind: Any, phases: int
) -> None:
    site.make_base(**kind(site))
    first = site.deploy(site.image("one"), **SIZES)
    before = site.standing()
    image = site.image("two")
    second = site.set_up(image, **SIZES)
    for percent in PERCENTS[:phases]:
        site.upgrade(second, percent)
    site.totals.clear()
    site.roll_back()
    assert site.standing() == before
    assert min(site.totals) >= 8
    assert 8 <= units(site, first) < 8 + 4


def test_progress_of_a_group_with_weights_is_told_in_units_and_instances(site: Site) -> None:
    site.make_base(**weighted(site))
    group = site.set_up(site.image("one"), **SIZES)
    lines = [event.text for event in site.upgrade(group, 100).events]
    assert any(line.endswith("/8 units in service, 4 instances") for line in lines), lines
