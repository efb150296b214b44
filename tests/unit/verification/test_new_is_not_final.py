# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch goes on completing its newest datapoints: what is a part of a value is not judged, or judged anew."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import VerdictNotPassed

from tests.sandbox.inprocess import InProcess
from tests.unit.aws.cloudwatch_fake import NOON
from tests.unit.engine import SETTINGS, START, Site
from tests.unit.verification.test_images import GOOD, Deployment, halfway
from tests.unit.verification.test_verify import told
from tests.unit.verification.world import CPU, World

AT_LEAST = {**CPU, "minimum": 5.0, "maximum": None}


def growing(seconds: float) -> World:
    """Each minute grows to its value of 10 within so many seconds after its end."""
    world = World()
    clock = world.client.clock
    world.client.source = lambda query, when: 10.0 * min(1.0, (clock.now() - when - 50) / (seconds + 10))
    return world


def test_a_part_of_a_value_is_not_judged() -> None:
    outcome = growing(85).verify(metrics=[AT_LEAST])
    assert [value for __, value in outcome.result["series"][0]["points"]] == [10.0] * 5
    assert not any("judged anew" in event.text for event in outcome.events)


@pytest.mark.parametrize("delay, longest", [(60, 31), (0, 31), (20, 31)])
def test_what_has_just_been_read_for_the_first_time_costs_half_a_period_at_most(
    delay: int, longest: float
) -> None:
    world = growing(delay)
    assert world.verify(metrics=[AT_LEAST], delay=delay).result["verdict"] == "pass"
    # Two minutes of warm-up and five of data come first.
    assert world.elapsed <= 420 + delay + longest


def test_what_does_not_change_costs_nothing() -> None:
    world = growing(0)
    assert world.verify(metrics=[AT_LEAST]).result["verdict"] == "pass"
    assert world.elapsed <= 480 + 1


def test_a_breach_that_changes_is_judged_when_its_delay_is_over_by_half_a_period() -> None:
    world = World()
    clock = world.client.clock
    world.client.source = lambda query, when: 100.0 + clock.now() - when
    with pytest.raises(VerdictNotPassed):
        world.verify()
    # The first minute is over 60 seconds after the warm-up, and complete 60 + 30 later; looks are a minute apart.
    assert 270 <= world.elapsed <= 330


def test_a_value_that_changes_after_it_was_judged_is_judged_anew_and_that_is_said() -> None:
    world = World()
    clock = world.client.clock

    def source(query: dict[str, Any], when: float) -> float:
        return 99.0 if when == NOON + 180 and clock.now() >= NOON + 400 else 10.0

    world.client.source = source
    with pytest.raises(VerdictNotPassed) as failure:
        world.verify()
    assert "cpu: i-1 had 99 at 12:03 UTC" in str(failure.value)
    assert 400 <= world.elapsed <= 461

    world = World()
    world.client.source = lambda query, when: (
        60.0 if when == NOON + 180 and world.client.clock.now() >= NOON + 400 else 10.0
    )
    lines = told(world.verify().events, "health")
    said = "cpu: i-1 had 10 at 12:03 UTC when it was judged, and CloudWatch says 60 now; judged anew"
    assert [line for line in lines if "judged anew" in line] == [said]


def test_both_sides_are_judged_over_the_same_minutes() -> None:
    world = World(instances=("i-1", "i-2"))
    clock = world.client.clock

    def source(query: dict[str, Any], when: float) -> float:
        late = "i-2" in str(query) and clock.now() < when + 60 + 75
        return (clock.now() - when) / 100 if late else 10.0

    world.client.source = source
    outcome = world.verify(metrics=[AT_LEAST])
    assert {len(one["points"]) for one in outcome.result["series"]} == {5}


# ------------------------------------------------------------------------------ on the sandbox


@pytest.fixture(scope="module")
def aws() -> InProcess:
    return InProcess(SETTINGS, START)


BALANCED = [
    {
        "name": "requests",
        "namespace": "AWS/ApplicationELB",
        "metric_name": "RequestCount",
        "statistic": "Sum",
        "dimensions": {"TargetGroup": "{target_group}", "LoadBalancer": "{load_balancer}"},
        "minimum": 2000.0,
    },
]


@pytest.mark.parametrize("completing", [60, 120])
def test_a_load_balancer_that_publishes_late_and_in_parts_is_no_failure(
    aws: InProcess, completing: int
) -> None:
    """Four instances with ten requests a second each have some 2,400 a minute, and a part of that is too few."""
    aws.reset(SETTINGS, START)
    site = Site(aws)
    arn = site.shop.target_group()
    site.make_base(TargetGroupARNs=[arn])
    group = site.deploy(site.image("good", **GOOD), (100,), desired_capacity=4)
    aws.advance(120)
    aws.world.settings.completing_seconds = completing
    result = Deployment(site, group).verify(metrics=BALANCED, delay=None).result
    assert result["verdict"] == "pass"
    assert len(result["series"][0]["points"]) == 15
    # With a delay that is far too short it is a failure.
    with pytest.raises(VerdictNotPassed, match="below the minimum of 2000"):
        Deployment(site, group).verify(metrics=BALANCED, delay=0, interval=5)


def test_an_image_like_the_one_before_passes_while_its_data_come_in_parts(aws: InProcess) -> None:
    deployment = halfway(aws)
    aws.world.settings.completing_seconds = 100
    result = deployment.verify(delay=60).result
    assert result["verdict"] == "pass"
    assert {one["n"] for one in result["metrics"]} == {60, 15}
