# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A count without a datapoint is zero where its publisher is there, and no data where nobody is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import VerdictNotPassed

from tests.unit.aws.cloudwatch_fake import NOON, Source, group_of
from tests.unit.verification.test_verify import told
from tests.unit.verification.world import World

ERRORS = {
    "name": "5xx",
    "namespace": "AWS/ApplicationELB",
    "metric_name": "HTTPCode_Target_5XX_Count",
    "dimensions": {"TargetGroup": "{target_group}", "LoadBalancer": "{load_balancer}"},
    "statistic": "Sum",
    "maximum": 3.0,
}
REQUESTS = {"namespace": "Shop", "metric_name": "Requests", "dimensions": {"Group": "{group}"}}
OWN = {**REQUESTS, "name": "own", "metric_name": "Errors", "statistic": "Sum", "maximum": 3.0, "fill": 0.0}


def world_of(source: Source) -> World:
    world = World(source)
    arn = "arn:aws:elasticloadbalancing:r:1:targetgroup/web/aa"
    world.fleet.groups["shop__checkout__prod__7"] = group_of(target_group_arns=(arn,))
    return world


def name_of(query: dict[str, Any]) -> str:
    return str(query["MetricStat"]["Metric"]["MetricName"])


def only(*names: str) -> Source:
    """Only metrics of these names have data: two of everything."""
    return lambda query, when: 2.0 if name_of(query) in names else None


def values(result: dict[str, Any]) -> list[float]:
    return [value for __, value in result["series"][0]["points"]]


@pytest.mark.parametrize("kind", ["level", "count"])
def test_a_load_balancer_that_reports_its_targets_has_no_errors_when_it_reports_none(kind: str) -> None:
    world = world_of(only("HealthyHostCount"))
    assert values(world.verify(metrics=[{**ERRORS, "kind": kind}]).result) == [0.0] * 5
    companion = next(
        query["MetricStat"]["Metric"]
        for request in world.client.requests
        for query in request.get("MetricDataQueries", ())
        if name_of(query) == "HealthyHostCount"
    )
    assert {one["Name"]: one["Value"] for one in companion["Dimensions"]} == {
        "TargetGroup": "targetgroup/web/aa",
        "LoadBalancer": "app/front/cc",
    }


@pytest.mark.parametrize("kind", ["level", "count"])
def test_a_load_balancer_that_is_not_there_is_no_data(kind: str) -> None:
    with pytest.raises(VerdictNotPassed) as failure:
        world_of(only()).verify(metrics=[{**ERRORS, "kind": kind}])
    assert "no datapoint at all" in str(failure.value)
    assert "its publisher AWS/ApplicationELB HealthyHostCount has none either" in str(failure.value)


def test_of_a_whole_load_balancer_its_requests_show_that_it_is_there() -> None:
    whole = {**ERRORS, "dimensions": {"LoadBalancer": "{load_balancer}"}}
    assert values(world_of(only("RequestCount")).verify(metrics=[whole]).result) == [0.0] * 5
    with pytest.raises(VerdictNotPassed, match="publisher AWS/ApplicationELB RequestCount has none either"):
        world_of(only("HealthyHostCount")).verify(metrics=[whole])


def test_any_other_count_can_name_who_publishes_it() -> None:
    named = {**OWN, "publisher": REQUESTS}
    assert values(world_of(only("Requests")).verify(metrics=[named]).result) == [0.0] * 5
    with pytest.raises(VerdictNotPassed, match="its publisher Shop Requests has none either"):
        world_of(only()).verify(metrics=[named])


def test_without_one_only_what_lies_between_its_own_datapoints_is_zero() -> None:
    def source(query: dict[str, Any], when: float) -> float | None:
        return 2.0 if when - NOON in (180, 360) else None

    outcome = world_of(source).verify(metrics=[OWN])
    assert outcome.result["series"][0]["points"] == [
        [NOON + 180, 2.0],
        [NOON + 240, 0.0],
        [NOON + 300, 0.0],
        [NOON + 360, 2.0],
    ]
    warning = "own: a missing datapoint means 0 only from its first datapoint to its last"
    assert any(warning in words for words in told(outcome.events, "warning"))
    with pytest.raises(VerdictNotPassed, match="only where publisher, a metric that is always there, shows"):
        world_of(only()).verify(metrics=[OWN])


def test_a_publisher_that_stops_takes_the_zeros_with_it() -> None:
    def source(query: dict[str, Any], when: float) -> float | None:
        return 2.0 if name_of(query) == "HealthyHostCount" and when < NOON + 240 else None

    with pytest.raises(VerdictNotPassed, match="stopped publishing: nothing after 12:03 UTC"):
        world_of(source).verify(metrics=[ERRORS], duration=600)


def test_a_publisher_that_cannot_be_read_is_an_error_and_no_zero() -> None:
    world = world_of(only("HealthyHostCount"))
    world.client.errors = {"HealthyHostCount": "Forbidden"}
    with pytest.raises(VerdictNotPassed, match="CloudWatch answered Forbidden"):
        world.verify(metrics=[ERRORS])


@pytest.mark.parametrize(
    "metric, words",
    [
        ({**OWN, "fill": None, "publisher": REQUESTS}, "publisher belongs to fill, and there is none"),
        ({**OWN, "publisher": {"namespace": "Shop"}}, "publisher: metric_name is missing"),
        ({**OWN, "publisher": {"metric_name": "Requests"}}, "publisher: namespace is missing"),
        (
            {**OWN, "publisher": {**REQUESTS, "dimensions": {"Group": "{nobody}"}}},
            "unknown placeholder {nobody}",
        ),
    ],
)
def test_a_publisher_that_cannot_be_right_is_refused(metric: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        World().step(metrics=[metric])
    assert words in str(refusal.value)


SHARE = {
    "name": "share",
    "kind": "rate",
    "numerator": {**REQUESTS, "metric_name": "Errors"},
    "denominator": REQUESTS,
    "maximum": 2.0,
}


@pytest.mark.parametrize(
    "dimensions",
    [REQUESTS["dimensions"], {"Group": "{group}", "Code": "5xx"}, {}],
    ids=["the same", "a part of the requests", "more than the requests"],
)
def test_no_errors_beside_requests_are_none(dimensions: dict[str, str]) -> None:
    rate = {**SHARE, "numerator": {**REQUESTS, "metric_name": "Errors", "dimensions": dimensions}}
    assert values(world_of(only("Requests")).verify(metrics=[rate]).result) == [0.0] * 5


@pytest.mark.parametrize("dimensions", [{"Grop": "{group}"}, {"Group": "another"}], ids=["name", "value"])
def test_no_errors_of_somebody_else_are_no_data(dimensions: dict[str, str]) -> None:
    errors = {**REQUESTS, "metric_name": "Errors", "dimensions": dimensions}
    with pytest.raises(VerdictNotPassed) as failure:
        world_of(only("Requests")).verify(metrics=[{**SHARE, "numerator": errors}])
    assert "no datapoint at all" in str(failure.value)
    assert "nothing shows that there is somebody who would publish" in str(failure.value)
    # Where they are published, whatever they are of, a minute without is one without errors.
    sometimes = world_of(
        lambda query, when: 100.0 if name_of(query) == "Requests" else 1.0 if when % 300 == 0 else None
    )
    assert sorted(values(sometimes.verify(metrics=[{**SHARE, "numerator": errors}]).result)) == [0.0] * 4 + [
        1.0
    ]
