# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How data come from CloudWatch: few calls, all pages, aligned windows, the right dimensions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.aws.cloudwatch import Request
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import AwsError
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import Metric, Query
from ansible_collections.progressive.aws.plugins.module_utils.verification.publishers import (
    Member,
    Presence,
    Subject,
    members,
    series_of,
)

from tests.unit.aws.cloudwatch_fake import NOON, FakeClient, FakeClock, alarm, cloudwatch_of, moment


def cpu(instance: str = "i-1", **more: Any) -> Metric:
    return Metric("cpu", (Query("AWS/EC2", "CPUUtilization", {"InstanceId": instance}),), **more)


def error_rate(**more: Any) -> Metric:
    return Metric(
        "rate",
        (Query("App", "errors", query_id="errors"), Query("App", "requests", query_id="all")),
        expression="100 * errors / all + SUM('errors')",
        **more,
    )


def client(**more: Any) -> FakeClient:
    return FakeClient(clock=FakeClock(NOON + 86400), **more)


def test_many_metrics_of_one_period_take_one_call() -> None:
    fake = client(source=lambda query, when: float(query["Id"].removeprefix("m")))
    requests = [Request(cpu(f"i-{number}"), NOON, NOON + 120) for number in range(400)]
    answers = cloudwatch_of(fake).data(requests)
    assert len(fake.requests) == 1
    assert answers[399][0].points == ((NOON, 399.0), (NOON + 60, 399.0))


def test_more_than_500_queries_are_divided() -> None:
    fake = client()
    answers = cloudwatch_of(fake).data([Request(cpu(f"i-{n}"), NOON, NOON + 60) for n in range(1001)])
    assert [len(request["MetricDataQueries"]) for request in fake.requests] == [500, 500, 1]
    assert all(len(answer[0].points) == 1 for answer in answers)


def test_an_expression_stays_with_its_inputs() -> None:
    fake = client()
    cloudwatch_of(fake).data([Request(error_rate(), NOON, NOON + 60)] * 334)
    for request in fake.requests:
        ids = [query["Id"] for query in request["MetricDataQueries"]]
        assert len(ids) == len(set(ids)) <= 500
        for query in request["MetricDataQueries"]:
            if "Expression" in query:
                assert {f"{query['Id']}_errors", f"{query['Id']}_all"} <= set(ids)


def test_ids_are_renamed_in_an_expression_but_not_inside_quotes() -> None:
    fake = client()
    cloudwatch_of(fake).data([Request(error_rate(), NOON, NOON + 60)])
    expressions = [query.get("Expression") for query in fake.requests[0]["MetricDataQueries"]]
    assert expressions[-1] == "100 * m0_errors / m0_all + SUM('errors')"


def test_pages_are_followed_and_joined_oldest_first() -> None:
    fake = client(source=lambda query, when: when, page_size=4)
    (answer,) = cloudwatch_of(fake).data([Request(cpu(), NOON, NOON + 900)])
    assert [when for when, _ in answer[0].points] == [NOON + 60 * n for n in range(15)]
    assert answer[0].error == ""
    assert all(request["ScanBy"] == "TimestampAscending" for request in fake.requests)


def test_metrics_of_different_periods_share_a_call_that_is_aligned_for_all() -> None:
    fake = client()
    slow = Request(cpu(period=300), NOON + 300, NOON + 900)
    fast = Request(cpu(period=60), NOON + 420, NOON + 600)
    answers = cloudwatch_of(fake).data([fast, slow])
    assert len(fake.requests) == 1
    assert fake.requests[0]["StartTime"] == moment(NOON + 300)
    assert [when - NOON for when, _ in answers[0][0].points] == [420, 480, 540]
    assert [when - NOON for when, _ in answers[1][0].points] == [300, 600]


def test_periods_that_do_not_fit_together_get_calls_of_their_own() -> None:
    fake = client()
    cloudwatch_of(fake).data(
        [Request(cpu(period=420), NOON, NOON + 840), Request(cpu(period=60), NOON, NOON + 840)]
    )
    assert len(fake.requests) == 2


def test_an_answer_with_an_error_says_so() -> None:
    fake = client(errors={"CPUUtilization": "InternalError"})
    (answer,) = cloudwatch_of(fake).data([Request(cpu(), NOON, NOON + 60)])
    assert answer[0].error == "CloudWatch answered InternalError: so it said"


def test_each_refused_expression_is_found() -> None:
    fake = client(refuse="NONSENSE(")
    bad = Metric("bad", expression="NONSENSE(m1)")
    requests = [Request(metric, NOON, NOON + 60) for metric in (cpu(), bad, cpu(), cpu(), bad)]
    assert set(cloudwatch_of(fake).refusal(requests)) == {1, 4}
    assert "NONSENSE" in cloudwatch_of(fake).refusal(requests)[1]


def test_a_call_that_is_denied_is_no_refusal_of_an_expression() -> None:
    class Denied(FakeClient):
        def get_metric_data(self, **request: Any) -> dict[str, Any]:
            from botocore.exceptions import ClientError

            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetMetricData")

    with pytest.raises(AwsError, match="cloudwatch:GetMetricData"):
        cloudwatch_of(Denied()).refusal([Request(cpu(), NOON, NOON + 60)])


def test_composite_alarms_are_found_too_and_unknown_ones_left_out() -> None:
    fake = client(
        alarms={**alarm("simple", "OK"), **alarm("all", "ALARM", AlarmRule="ALARM(simple)", StateReason="r")}
    )
    states = cloudwatch_of(fake).alarms(["simple", "all", "unknown"])
    assert {name: one.state for name, one in states.items()} == {"simple": "OK", "all": "ALARM"}
    assert states["all"].composite and states["all"].reason == "r"


def test_more_than_100_alarms_are_asked_in_portions() -> None:
    names = [f"alarm-{number}" for number in range(250)]
    fake = client(alarms={name: alarm(name, "OK")[name] for name in names})
    assert list(cloudwatch_of(fake).alarms(names)) == names


# Members

GROUP = Subject(
    group="shop__7",
    instances={"i-1": Presence(NOON, NOON + 900), "i-2": Presence(NOON, NOON + 900)},
    target_group_arns=(
        "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/aa",
        "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/admin/bb",
    ),
    load_balancers={
        "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/aa": (
            "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/front/cc",
        )
    },
    load_balancer_names=("classic",),
)


def of(namespace: str = "App", **dimensions: str) -> Metric:
    return Metric("m", (Query(namespace, "x", dimensions),))


def rendered(metric: Metric, *subjects: Subject) -> list[dict[str, str]]:
    return [dict(metric.rendered(one.values).queries[0].dimensions) for one in members(metric, subjects)]


def test_a_metric_per_instance_has_a_member_for_each() -> None:
    assert rendered(of(InstanceId="{instance_id}"), GROUP) == [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]


def test_a_metric_of_the_group_has_one_member() -> None:
    assert rendered(of(AutoScalingGroupName="{group}"), GROUP) == [{"AutoScalingGroupName": "shop__7"}]


def test_target_group_and_load_balancer_are_the_ends_of_their_arns_in_pairs_that_exist() -> None:
    metric = of("AWS/ApplicationELB", TargetGroup="{target_group}", LoadBalancer="{load_balancer}")
    assert rendered(metric, GROUP) == [{"TargetGroup": "targetgroup/web/aa", "LoadBalancer": "app/front/cc"}]
    assert [one["TargetGroup"] for one in rendered(of(TargetGroup="{target_group}"), GROUP)] == [
        "targetgroup/web/aa",
        "targetgroup/admin/bb",
    ]


def test_a_classic_load_balancer_goes_by_its_name() -> None:
    metric = of("AWS/ELB", LoadBalancerName="{load_balancer}")
    assert rendered(metric, GROUP) == [{"LoadBalancerName": "classic"}]


def test_a_metric_without_placeholders_has_one_member_whatever_the_groups() -> None:
    assert rendered(of(Service="checkout"), GROUP, GROUP) == [{"Service": "checkout"}]


def test_groups_that_share_a_target_group_share_its_member() -> None:
    other = Subject("shop__6", target_group_arns=GROUP.target_group_arns[:1])
    assert len(members(of(TargetGroup="{target_group}"), [GROUP, other])) == 2


# Series


def member(presence: Presence | None = None) -> Member:
    return Member("i-1", {"instance_id": "i-1"}, "shop__7", "i-1", presence)


def minutes(*numbers: int) -> list[tuple[float, float]]:
    return [(NOON + 60 * number, float(number)) for number in numbers]


def test_an_instance_is_judged_only_in_periods_that_it_served_from_beginning_to_end() -> None:
    present = Presence(NOON + 90, NOON + 290)
    series = series_of(cpu(), member(present), minutes(*range(10)), (NOON, NOON + 600))
    assert series.values == [2.0, 3.0]
    assert series.expected(60) == 2


def test_an_instance_that_joined_after_the_window_has_nothing_to_publish() -> None:
    series = series_of(cpu(), member(Presence(NOON + 900, NOON + 950)), [], (NOON, NOON + 600))
    assert series.expected(60) == 0


def test_fill_stands_for_missing_datapoints_up_to_where_data_may_be_late() -> None:
    always = [NOON + 60 * minute for minute in range(10)]
    series = series_of(
        cpu(fill=0.0),
        member(),
        minutes(1, 3),
        (NOON, NOON + 600),
        filled_until=NOON + 300,
        published=always,
    )
    assert series.values == [0.0, 1.0, 0.0, 3.0, 0.0]


def test_without_fill_missing_datapoints_stay_missing() -> None:
    assert series_of(cpu(), member(), minutes(1, 3), (NOON, NOON + 600)).values == [1.0, 3.0]
