# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often AWS is asked: no more for many instances, and no more beside many groups of others."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import LaunchFailed
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    LONGEST_INTERVAL,
    TimedOut,
    Timing,
)

from tests.recorded import COLLECTION
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import Site

SIZES = {"min_size": 0, "max_size": 400, "desired_capacity": 400}


def asked(site: Site) -> list[dict[str, Any]]:
    """The engine's calls so far."""
    return [one for one in site.aws.calls() if one["access_key"] == COLLECTION]


def operations(site: Site, since: int) -> Counter[str]:
    return Counter(one["operation"] for one in asked(site)[since:])


def deployed(site: Site) -> Counter[str]:
    """The calls of the guide's example, after a first revision."""
    site.make_base(TargetGroupARNs=[site.shop.target_group()])
    site.shop.scale_with_cpu()
    site.deploy(site.image("one"), percents=(100,))
    since = len(asked(site))
    site.deploy(site.image("two"))
    return operations(site, since)


def test_groups_that_are_none_of_ours_cost_no_call(aws: InProcess) -> None:
    others, crowd = Site(aws, "others"), Site(aws, "crowd")
    alone = deployed(Site(aws, "alone"))
    template = others.shop.launch_template(others.image("others"))
    # More than any list of groups returns by one call.
    for number in range(200):
        others.make_base(AutoScalingGroupName=f"other-{number}", LaunchTemplate=template)
    assert deployed(crowd) == alone


@pytest.mark.parametrize("percent", [1, 100])
def test_a_look_at_a_group_that_waits_is_two_calls_however_many_instances_it_waits_for(
    site: Site, percent: int
) -> None:
    group = site.set_up(site.image("one"), **SIZES)
    site.aws.world.settings.pending_seconds = 3600
    since = len(asked(site))
    with pytest.raises(TimedOut):
        site.run(site.upgrade_step(group, percent), Timing(wait_timeout=100, poll_interval=5))
    looks = operations(site, since)["DescribeAutoScalingGroups"]
    # The first look begins the step, with what it reads once, and the second changes something.
    read = [one["operation"] for one in asked(site)[since:] if not one["write"]]
    waiting = read[-2 * (looks - 3) :]
    assert looks >= 15
    assert Counter(waiting) == {
        "DescribeAutoScalingGroups": looks - 3,
        "DescribeScalingActivities": looks - 3,
    }


def test_a_launch_that_failed_is_found_among_more_than_a_call_returns(site: Site) -> None:
    group = site.set_up(site.image("one"), **SIZES)
    site.aws.world.settings.pending_seconds = 3600
    step = site.upgrade_step(group, 100)
    with pytest.raises(TimedOut):
        site.run(step, Timing(wait_timeout=20, poll_interval=5))
    site.aws.fail_launches("InvalidKeyPair.NotFound")
    # Four pages of launches that are under way come before it.
    site.shop.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=(site.shop.group(group) or {})["Instances"][0]["InstanceId"],
        ShouldDecrementDesiredCapacity=False,
    )
    with pytest.raises(LaunchFailed, match="key pair"):
        site.run(step, Timing(wait_timeout=100, poll_interval=5))


@pytest.mark.parametrize("interval", [5.0, 20.0])
def test_a_look_waits_as_long_as_launches_usually_take_and_never_less_than_asked(
    site: Site, interval: float
) -> None:
    site.aws.world.settings.pending_seconds = 40
    site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    since = len(asked(site))
    site.run(site.upgrade_step(group, 50), Timing(wait_timeout=600, poll_interval=interval))
    looks = [one["time"] for one in asked(site)[since:] if one["operation"] == "DescribeAutoScalingGroups"]
    waits = [later - earlier for earlier, later in itertools.pairwise(looks)]
    # A resize may be the only thing between two looks.
    assert all(wait > interval - 0.01 for wait in waits if wait)
    assert max(waits) < max(interval, LONGEST_INTERVAL) + 0.01
    assert any(wait > interval + 0.01 for wait in waits) == (interval < LONGEST_INTERVAL)


def test_a_launch_that_fails_while_a_look_waits_is_seen_in_time(site: Site) -> None:
    site.aws.world.settings.pending_seconds = 200
    site.deploy(site.image("one"), percents=(100,))
    group = site.set_up(site.image("two"))
    site.aws.fail_launches("InvalidKeyPair.NotFound")
    began = site.clock.now()
    with pytest.raises(LaunchFailed, match="key pair"):
        site.run(site.upgrade_step(group, 50), Timing(wait_timeout=900, poll_interval=5))
    assert site.clock.now() - began <= LONGEST_INTERVAL + 10
