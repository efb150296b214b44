# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches that fail for a reason of the moment are waited for, and those that would fail again end it at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import LaunchFailed, TimedOut
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Timing

from tests.demo.shop import Sizes
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import Site

LONG = Timing(wait_timeout=1200, poll_interval=5)
MOMENTARY = [
    "InsufficientInstanceCapacity",
    "InternalError",
    "Server.InternalError: on launch",
    "Throttling: Rate exceeded",
]


CAPACITY = "InsufficientInstanceCapacity"


def zones(site: Site) -> list[str]:
    group = site.shop.group(site.shop.base_group) or {}
    return sorted(group["AvailabilityZones"])


def in_three_zones(aws: InProcess, types: Sequence[str] = (), **options: Any) -> Site:
    """A shop whose base group has three zones, and the instance types where some are given."""
    site = Site(aws)
    subnets = aws.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
    three = sorted(one["SubnetId"] for one in subnets["Subnets"])[:3]
    options["VPCZoneIdentifier"] = ",".join(three)
    if types:
        specification = site.shop.launch_template(site.image("base"))
        overrides = [{"InstanceType": one} for one in types]
        template = {"LaunchTemplateSpecification": specification, "Overrides": overrides}
        options["MixedInstancesPolicy"] = {"LaunchTemplate": template}
    site.make_base(**options)
    assert len(zones(site)) == 3
    return site


def go_live(site: Site, group: str) -> list[str]:
    """Bring a group live by phases; return the lines that were told."""
    lines = []
    for percent in (25, 50, 100):
        lines += [event.text for event in site.run(site.upgrade_step(group, percent), LONG).events]
    return lines


@pytest.mark.parametrize("code", MOMENTARY)
def test_failures_of_the_moment_are_told_and_waited_for(site: Site, code: str) -> None:
    site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.aws.fail_launches(code, times=10, group=group)

    events = site.run(site.upgrade_step(group, 50), LONG).events

    assert site.desired() == {1: 2, 2: 2}
    assert min(site.totals[-100:]) >= 4
    (told,) = [event.text for event in events if "tries again by itself" in event.text]
    assert "300 s" in told


@pytest.mark.parametrize("times", [10, None], ids=["for ten launches", "for good"])
def test_one_zone_of_three_without_capacity_keeps_nothing_from_going_live(
    aws: InProcess, times: int | None
) -> None:
    site = in_three_zones(aws)
    site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.aws.fail_launches(CAPACITY, times=times, zone=zones(site)[0])
    lines = go_live(site, group)
    assert site.desired() == {1: 0, 2: 4}
    assert any(
        f"sufficient t3.micro capacity in the Availability Zone you requested ({zones(site)[0]})" in one
        for one in lines
    )
    assert any("in the other zones and instance types first" in one for one in lines)


@pytest.mark.parametrize("code", [CAPACITY, "Unsupported", "VcpuLimitExceeded"])
def test_one_instance_type_without_capacity_in_any_zone_keeps_nothing_from_going_live(
    aws: InProcess, code: str
) -> None:
    """The quota, or what a zone has not, is that of a type: the others go on."""
    site = in_three_zones(aws, ["t3.small", "t3.medium"])
    site.deploy(site.image("one"), percents=(100,))
    site.aws.fail_launches(code, instance_type="t3.small")
    group = site.set_up(site.image("two"))
    lines = go_live(site, group)
    assert site.desired() == {1: 0, 2: 4}
    assert {one["InstanceType"] for one in (site.shop.group(group) or {})["Instances"]} == {"t3.medium"}
    assert any("tries again by itself" in one for one in lines)


@pytest.mark.parametrize("code", ["Unsupported", "InsufficientFreeAddressesInSubnet"])
def test_what_one_zone_has_not_is_launched_in_another(aws: InProcess, code: str) -> None:
    site = in_three_zones(aws)
    site.deploy(site.image("one"), percents=(100,))
    site.aws.fail_launches(code, zone=zones(site)[0])
    go_live(site, site.set_up(site.image("two")))
    assert site.desired() == {1: 0, 2: 4}


@pytest.mark.parametrize("code", ["Unsupported", "InsufficientFreeAddressesInSubnet", "VcpuLimitExceeded"])
def test_what_no_zone_has_ends_it_at_once(aws: InProcess, code: str) -> None:
    site = in_three_zones(aws)
    group = site.set_up(site.image("one"))
    site.aws.fail_launches(code)
    begun = site.clock.now()
    with pytest.raises(LaunchFailed):
        site.run(site.upgrade_step(group, 100), LONG)
    assert site.clock.now() - begun < 10


def test_every_type_without_capacity_in_every_zone_ends_it_when_patience_is_over(aws: InProcess) -> None:
    site = in_three_zones(aws, ["t3.small", "t3.medium"])
    first = site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.aws.fail_launches(CAPACITY, group=group)
    begun = site.clock.now()
    with pytest.raises(LaunchFailed, match=r"sufficient t3\.\w+ capacity"):
        site.run(site.upgrade_step(group, 50), LONG)
    assert 300 <= site.clock.now() - begun < 330
    site.roll_back()
    assert site.shop.revisions() == {first: Sizes(0, 10, 4, 4)}


BALANCED = {"AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-only"}}


def test_a_group_that_keeps_to_its_zones_waits_for_one_without_capacity(aws: InProcess) -> None:
    site = in_three_zones(aws, **BALANCED)
    site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.aws.fail_launches(CAPACITY, times=20, zone=zones(site)[0])
    lines = go_live(site, group)
    assert site.desired() == {1: 0, 2: 4}
    assert any("in the same zone, because the group is balanced-only" in one for one in lines)


def test_a_group_that_keeps_to_its_zones_fails_when_one_has_no_capacity_for_good(aws: InProcess) -> None:
    """It does not go on in another zone, so that there is nothing to wait for until the time-out."""
    site = in_three_zones(aws, **BALANCED)
    first = site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.aws.fail_launches(CAPACITY, group=group, zone=zones(site)[2])
    begun = site.clock.now()
    with pytest.raises(LaunchFailed, match=rf"you requested \({zones(site)[2]}\)"):
        go_live(site, group)
    assert 300 <= site.clock.now() - begun < 360
    site.roll_back()
    assert site.shop.revisions() == {first: Sizes(0, 10, 4, 4)}


def test_no_zone_with_capacity_ends_it_when_patience_is_over_and_the_rollback_gives_all_back(
    site: Site,
) -> None:
    first = site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.run(site.upgrade_step(group, 25), LONG)
    site.aws.fail_launches("InsufficientInstanceCapacity", group=group)
    begun = site.clock.now()

    with pytest.raises(LaunchFailed, match=r"We currently do not have sufficient t3\.micro capacity"):
        site.run(site.upgrade_step(group, 50), LONG)

    assert 300 <= site.clock.now() - begun < 330
    site.roll_back()
    assert site.shop.revisions() == {first: Sizes(0, 10, 4, 4)}


def test_a_rollback_waits_for_capacity_as_well(site: Site) -> None:
    first = site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.upgrade(group, 50)
    site.aws.fail_launches("InsufficientInstanceCapacity", times=20, group=first)
    site.run(site.roll_back_step(), LONG)
    assert site.shop.revisions() == {first: Sizes(0, 10, 4, 4)}


@pytest.mark.parametrize(
    "code", ["InvalidKeyPair.NotFound", "InvalidAMIID.NotFound", "UnauthorizedOperation"]
)
def test_a_failure_that_stays_ends_it_at_once(site: Site, code: str) -> None:
    group = site.set_up(site.image("one"))
    site.aws.fail_launches(code, group=group)
    begun = site.clock.now()
    with pytest.raises(LaunchFailed):
        site.run(site.upgrade_step(group, 100), LONG)
    assert site.clock.now() - begun < 10


def test_patience_ends_with_the_time_out_at_the_latest(site: Site) -> None:
    group = site.set_up(site.image("one"))
    site.aws.fail_launches("InsufficientInstanceCapacity", group=group)
    with pytest.raises(TimedOut):
        site.run(site.upgrade_step(group, 100), Timing(wait_timeout=60, poll_interval=5))
