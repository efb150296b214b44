# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are bad in different ways, deployed to half on the pretend AWS: each gets the right verdict and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    PassResult,
    Timing,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.fleet import AwsSurroundings
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import read_settings
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import (
    VerdictNotPassed,
    Verification,
)

from tests.sandbox.inprocess import InProcess
from tests.unit.engine import SETTINGS, START, Site

#: A sample every ten seconds is enough for periods of a minute.
GOOD = {"resolution": 10}


def per_instance(name: str, metric_name: str, namespace: str = "CWAgent", **more: Any) -> dict[str, Any]:
    dimensions = {"InstanceId": "{instance_id}"}
    return {
        "name": name,
        "namespace": namespace,
        "metric_name": metric_name,
        "dimensions": dimensions,
        "direction": "increase",
        **more,
    }


METRICS = [
    per_instance("cpu", "cpu_usage_active"),
    per_instance("memory", "mem_used_percent"),
    per_instance("slowest", "Latency", "Shop", statistic="p99"),
    {
        "name": "error rate",
        "expression": "100 * errors / requests",
        "direction": "increase",
        "queries": [
            {
                "id": name.lower(),
                "namespace": "Shop",
                "metric_name": name,
                "statistic": "Sum",
                "dimensions": {"AutoScalingGroupName": "{group}"},
            }
            for name in ("Errors", "Requests")
        ],
    },
    per_instance("traffic", "Requests", "Shop", statistic="Sum", direction="either"),
]


@dataclass
class QuickClock:
    """The pretend AWS's time, passed at a stroke."""

    aws: InProcess

    def now(self) -> float:
        return self.aws.clock.now()

    def sleep(self, seconds: float) -> None:
        self.aws.advance(seconds)


@dataclass
class Deployment:
    """Half of a new revision beside half of the one before."""

    site: Site
    group: str

    def verify(self, **options: Any) -> PassResult:
        rollout = self.site.rollout()
        clock = QuickClock(self.site.aws)
        options = {"group": self.group, "metrics": METRICS, "delay": 0, **options}
        step = Verification(read_settings(options), rollout.cloudwatch, AwsSurroundings(rollout), clock)
        return run_to_the_end(step, clock, Timing(wait_timeout=7200, poll_interval=5.0))

    def failure(self, **options: Any) -> VerdictNotPassed:
        with pytest.raises(VerdictNotPassed) as found:
            self.verify(**options)
        return found.value


@pytest.fixture(scope="module")
def aws() -> InProcess:
    return InProcess(SETTINGS, START)


def halfway(aws: InProcess, **behaviour: Any) -> Deployment:
    """Deploy a good image, then an image that behaves in this way up to one half of eight instances."""
    aws.reset(SETTINGS, START)
    site = Site(aws)
    site.make_base()
    site.deploy(site.image("good", **GOOD), (100,), desired_capacity=8)
    group = site.set_up(site.image("new", **{**GOOD, **behaviour}), desired_capacity=8)
    site.upgrade(group, 50)
    return Deployment(site, group)


def verdicts(result: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["verdict"] for one in result["metrics"]}


def reasons(failure: VerdictNotPassed) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in failure.result["metrics"] if one["verdict"] == "fail"}


def test_an_image_like_the_one_before_passes(aws: InProcess) -> None:
    result = halfway(aws).verify().result
    assert set(verdicts(result).values()) == {"pass"}
    assert result["score"] == 100
    assert {one["n"] for one in result["metrics"]} == {60, 15}


@pytest.mark.parametrize(
    "metric, behaviour",
    [
        ("cpu", {"cpu": {"mean": 34.0}}),
        ("error rate", {"error_rate": 0.01}),
        ("slowest", {"latency": {"slow_share": 0.03}}),
        ("memory", {"memory": {"per_minute": 0.15}}),
    ],
)
def test_a_bad_image_fails_by_the_metric_that_shows_it(
    aws: InProcess, metric: str, behaviour: dict[str, Any]
) -> None:
    failure = halfway(aws, **behaviour).failure()
    assert set(reasons(failure)) == {metric}
    assert reasons(failure)[metric].startswith("higher than the baseline: ")
    assert failure.result["verdict"] == "fail"
    took = failure.result["window"]["judged_at"] - failure.result["window"]["start"]
    # At the latest at the end of the window, once its last data have come and do not change any more.
    assert took <= 900 + 30


def test_one_bad_instance_in_four_is_reported_as_that(aws: InProcess) -> None:
    failure = halfway(aws, one_bad={"every": 4, "cpu": {"mean": 60.0}}).failure()
    assert set(reasons(failure)) == {"cpu"}
    assert "is higher than the others" in reasons(failure)["cpu"]
    assert reasons(failure)["cpu"].endswith("this looks like one bad instance, not like a bad image")


def test_metrics_that_stop_are_no_health(aws: InProcess) -> None:
    failure = halfway(aws, stop_after=400).failure()
    assert failure.result["verdict"] == "fail"
    assert all("stopped publishing: nothing after" in reason for reason in reasons(failure).values())
    assert {"cpu", "memory"} <= set(reasons(failure))


def test_the_same_is_found_afterwards_by_the_group_s_activities(aws: InProcess) -> None:
    deployment = halfway(aws, cpu={"mean": 34.0})
    began = aws.clock.now() + 60
    aws.advance(1200)
    window = {"start": str(began), "end": str(began + 900)}
    failure = deployment.failure(**window)
    assert set(reasons(failure)) == {"cpu"}
    assert failure.result["baseline"]["strategy"] == "canary"


def test_in_the_final_phase_it_is_compared_with_what_the_outgoing_group_was_before(aws: InProcess) -> None:
    aws.reset(SETTINGS, START)
    site = Site(aws)
    site.make_base()
    site.deploy(site.image("good", **GOOD), (100,), desired_capacity=4)
    aws.advance(1200)
    group = site.set_up(site.image("new", **GOOD, cpu={"mean": 36.0}), desired_capacity=4)
    site.upgrade(group, 100)
    aws.advance(5)
    failure = Deployment(site, group).failure()
    assert failure.result["baseline"]["strategy"] == "previous"
    assert reasons(failure)["cpu"].startswith("higher than the baseline")
    assert {one["n_baseline"] for one in failure.result["metrics"]} == {60, 15}
