# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification by other sources than CloudWatch, through the same judge: caught, passed, and no data told as such."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import VerdictNotPassed

from tests.unit.aws.cloudwatch_fake import NOON, group_of
from tests.unit.sources.prometheus_server import PrometheusServer, prometheus
from tests.unit.verification.world import CPU, World


@pytest.fixture
def server() -> Iterator[PrometheusServer]:
    with prometheus() as one:
        yield one


def metric(server: PrometheusServer, **more: Any) -> dict[str, Any]:
    return {
        "name": "latency",
        "prometheus": {"address": server.url, "query": 'latency{group="{group}"}'},
        "maximum": 80.0,
        **more,
    }


def by_instance(value: Callable[[str], float]) -> Callable[[str], Any]:
    """A series for each instance whose id a query has."""
    return lambda query: [
        ({"instance_id": one}, lambda moment, one=one: value(one) + moment // 60 % 3)
        for one in query.split('"')[1].split("|")
    ]


def test_a_good_group_passes_by_prometheus_and_cloudwatch_together(server: PrometheusServer) -> None:
    outcome = World().verify(metrics=[CPU, metric(server)])
    assert outcome.result["verdict"] == "pass"
    series = {one["metric"]: one for one in outcome.result["series"]}
    # Two minutes of warm-up, and each period by its beginning.
    assert [moment - NOON for moment, __ in series["latency"]["points"]] == [120, 180, 240, 300, 360]
    assert {form["query"] for __, __, form, __ in server.asked} == {
        'latency{group="shop__checkout__prod__7"}'
    }


def test_a_bad_group_is_caught_as_soon_as_its_data_are_there(server: PrometheusServer) -> None:
    server.series = lambda query: [({}, lambda moment: 99.0 if moment > NOON + 180 else 10.0)]
    world = World()
    with pytest.raises(VerdictNotPassed, match="had 99 at 12:03 UTC, above the maximum of 80"):
        world.verify(metrics=[metric(server)])
    assert world.elapsed < 400


def test_one_question_is_for_all_instances_which_are_compared_one_by_one(server: PrometheusServer) -> None:
    world = World(instances=[f"i-{number}" for number in range(4)])
    world.fleet.groups["shop__checkout__prod__6"] = group_of(
        [f"i-{number}" for number in range(10, 14)], name="shop__checkout__prod__6"
    )
    world.fleet.out = ["shop__checkout__prod__6"]
    compared = {
        "name": "latency",
        "prometheus": {
            "address": server.url,
            "query": 'latency{instance_id=~"{instance_id}"}',
            "instance_label": "instance_id",
        },
    }
    server.series = by_instance(lambda one: 10.0 + int(one[2:]) % 10)
    assert world.verify(metrics=[compared], duration=900).result["verdict"] == "pass"
    asked = [form["query"] for __, __, form, __ in server.asked]
    assert set(asked) == {
        'latency{instance_id=~"i-0|i-1|i-2|i-3"}',
        'latency{instance_id=~"i-10|i-11|i-12|i-13"}',
    } | {'latency{instance_id=~"i-0"}'}
    server.series = by_instance(lambda one: (10.0 if int(one[2:]) > 9 else 90.0) + int(one[2:]) % 10)
    with pytest.raises(VerdictNotPassed, match="latency: higher than the baseline"):
        world.verify(metrics=[compared], duration=900)


def test_a_rate_takes_the_address_of_its_metric_for_both_of_its_parts(server: PrometheusServer) -> None:
    server.series = lambda query: [({}, lambda moment: 900.0 if "requests" in query else 90.0)]
    rate = {
        "name": "errors",
        "kind": "rate",
        "prometheus": {"address": server.url, "timeout": 5.0},
        "numerator": {"prometheus": {"query": "sum(increase(errors[{period}s]))"}},
        "denominator": {"prometheus": {"query": "sum(increase(requests[{period}s]))"}},
        "maximum": 20.0,
    }
    assert World().verify(metrics=[rate]).result["verdict"] == "pass"
    with pytest.raises(VerdictNotPassed, match="errors: "):
        World().verify(metrics=[{**rate, "maximum": 1.0}])


def test_a_numerator_that_finds_nothing_is_no_data_and_not_zero(server: PrometheusServer) -> None:
    server.series = lambda query: [({}, lambda moment: 900.0)] if "requests" in query else []
    rate = {
        "name": "errors",
        "kind": "rate",
        "prometheus": {"address": server.url},
        "numerator": {"prometheus": {"query": "sum(increase(errors_misspelt[1m]))"}},
        "denominator": {"prometheus": {"query": "sum(increase(requests[1m]))"}},
        "maximum": 20.0,
    }
    with pytest.raises(VerdictNotPassed, match=r"no datapoint at all of Prometheus .*errors_misspelt"):
        World().verify(metrics=[rate])
    with pytest.raises(InvalidInput, match="or vector"):
        World().verify(metrics=[{**rate, "fill": 0.0}])


def test_no_data_are_told_as_such_and_never_pass(server: PrometheusServer) -> None:
    server.series = lambda query: []
    with pytest.raises(VerdictNotPassed, match="latency: no datapoint at all"):
        World().verify(metrics=[metric(server)])
    server.series = lambda query: [({}, lambda moment: float("nan"))]
    with pytest.raises(VerdictNotPassed, match="verdict inconclusive: latency: no datapoint at all"):
        World().verify(metrics=[metric(server)], on_no_data="inconclusive")


def test_a_source_that_goes_away_meanwhile_is_told_in_its_words(server: PrometheusServer) -> None:
    world = World()

    def gone(query: str) -> Any:
        server.status = 503 if world.client.clock.now() > NOON + 200 else 200
        return [({}, lambda moment: 10.0)]

    server.series = gone
    with pytest.raises(VerdictNotPassed, match=r"latency: Prometheus at .* answered 503 Service Unavailable"):
        world.verify(metrics=[metric(server)])


def test_a_source_that_comes_back_before_the_end_has_lost_nothing(server: PrometheusServer) -> None:
    world = World()

    def away_for_a_while(query: str) -> Any:
        # Answered with a warning, which says that not all of the data are there.
        away = NOON + 200 < world.client.clock.now() < NOON + 400
        server.warnings = ["a store is gone"] if away else []
        return [({}, lambda moment: 10.0)]

    server.series = away_for_a_while
    assert world.verify(metrics=[metric(server)]).result["verdict"] == "pass"


def test_a_source_that_does_not_answer_is_refused_before_anything_is_waited_for() -> None:
    world = World()
    nowhere = {
        "name": "latency",
        "prometheus": {"address": "http://127.0.0.1:1", "query": "up"},
        "maximum": 1.0,
    }
    with pytest.raises(InvalidInput, match=r"metric 'latency': Prometheus at .* did not answer"):
        world.verify(metrics=[CPU, nowhere])
    assert world.elapsed == 0


def test_series_of_nobody_who_is_asked_about_are_no_data_of_the_group(server: PrometheusServer) -> None:
    server.series = lambda query: [({"instance": "10.0.0.1:9100"}, lambda moment: 10.0)]
    stranger = metric(server)
    stranger["prometheus"] = {**stranger["prometheus"], "instance_label": "instance"}
    with pytest.raises(
        VerdictNotPassed, match=r"none is said to be of an instance .*\(one is of 10.0.0.1:9100\)"
    ):
        World().verify(metrics=[stranger])


def test_two_series_where_one_is_needed_are_not_mixed_up(server: PrometheusServer) -> None:
    twice = [({"instance_id": "i-1", "zone": zone}, lambda moment: 10.0) for zone in "ab"]
    server.series = lambda query: twice
    one = metric(server)
    one["prometheus"] = {**one["prometheus"], "instance_label": "instance_id"}
    with pytest.raises(VerdictNotPassed, match="has 2 series of i-1, where one is needed: aggregate them"):
        World().verify(metrics=[one])


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"metric_name": "x"}, "give either metric_name or expression, prometheus or web or command"),
        ({"web": {"url": "http://x"}}, "give either metric_name or expression"),
        ({"namespace": "AWS/EC2"}, "are CloudWatch's"),
        (
            {"prometheus": {"address": "http://p", "query": 'up{g="{gruop}"} or up{a="b"}'}},
            "unknown placeholder {gruop}",
        ),
        ({"period": 0}, "period 0 must be from 1"),
        ({"kind": "rate"}, "a rate has a numerator"),
    ],
)
def test_what_cannot_be_is_refused_together(option: dict[str, Any], words: str) -> None:
    given = {"name": "m", "prometheus": {"address": "http://p", "query": "up"}, "maximum": 1.0, **option}
    with pytest.raises(InvalidInput) as failure:
        World().verify(metrics=[given])
    assert words in str(failure.value)


def test_a_period_that_cloudwatch_does_not_have_is_good_elsewhere(server: PrometheusServer) -> None:
    assert World().verify(metrics=[metric(server, period=15)]).result["verdict"] == "pass"


def test_hundreds_of_questions_a_look_are_refused_with_the_way_out(server: PrometheusServer) -> None:
    world = World(instances=[f"i-{number}" for number in range(101)])
    one = metric(server)
    one["prometheus"] = {**one["prometheus"], "query": 'latency{instance_id="{instance_id}"}'}
    with pytest.raises(InvalidInput, match=r"each look would ask 101 questions .* take instance_label"):
        world.verify(metrics=[one])
