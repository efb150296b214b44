# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that are sent: how they are told apart, kept, listed and refused.

Quotations are from the Amazon CloudWatch User Guide ("Amazon CloudWatch concepts") and from PutMetricData's and
ListMetrics's reference.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sandbox.metrics import DAY, Sandbox, dimensions, metric, moment, refused


@pytest.fixture
def aws() -> Sandbox:
    return Sandbox(after=600)


def listed(aws: Sandbox, **wanted: Any) -> list[tuple[str, str]]:
    metrics = aws.call("ListMetrics", **wanted)["Metrics"]
    return [(one["Namespace"], one["MetricName"]) for one in metrics]


def test_metrics_in_different_namespaces_are_isolated_from_each_other(aws: Sandbox) -> None:
    aws.put("load", [1.0], namespace="Shop/Web")
    aws.put("load", [9.0], namespace="Shop/Batch")
    aws.put("load", [5.0], namespace="Shop/Web", Dimensions=dimensions(Host="a"))
    assert aws.read(metric("load", namespace="Shop/Web")) == [(0, 1.0)]
    assert aws.read(metric("load", namespace="Shop/Batch")) == [(0, 9.0)]
    host = {"Host": "a"}
    assert aws.read(metric("load", namespace="Shop/Web", dimensions=host)) == [(0, 5.0)]
    assert aws.read(metric("load", namespace="Shop/Batch", dimensions=host)) == []


def test_only_combinations_of_dimensions_that_were_published_have_data(aws: Sandbox) -> None:
    """The example of "Dimension combinations"."""
    for number, (server, domain, value) in enumerate(
        [("Prod", "Frankfurt", 105), ("Beta", "Frankfurt", 115), ("Prod", "Rio", 95), ("Beta", "Rio", 97)]
    ):
        published = dimensions(Server=server, Domain=domain)
        aws.put("ServerStats", [value], at=60.0 * number, Dimensions=published, Unit="Count")

    def data(**wanted: str) -> list[float]:
        return [value for _, value in aws.read(metric("ServerStats", dimensions=wanted))]

    assert data(Server="Prod", Domain="Frankfurt") == [105]
    assert data(Domain="Rio", Server="Beta") == [97]
    assert data(Server="Prod") == data(Domain="Rio") == data() == []


def test_a_statistic_set_and_values_with_counts_stand_for_all_their_samples(aws: Sandbox) -> None:
    aws.put("single", [4.0, 2.0, 2.0], step=1)
    aws.put("counted", [0.0], Values=[4.0, 2.0], Counts=[1.0, 2.0], Value=None)
    summary = {"SampleCount": 3.0, "Sum": 8.0, "Minimum": 2.0, "Maximum": 4.0}
    aws.put("summary", [0.0], StatisticValues=summary, Value=None)
    for name in ("single", "counted", "summary"):
        found = [
            aws.read(metric(name, stat))[0][1]
            for stat in ("SampleCount", "Sum", "Average", "Minimum", "Maximum")
        ]
        assert found == [3, 8, pytest.approx(8 / 3), 2, 4], name


def test_samples_with_the_same_time_stamp_are_aggregated(aws: Sandbox) -> None:
    aws.put("queue", [3.0])
    aws.put("queue", [5.0])
    assert aws.read(metric("queue", "Sum")) == [(0, 8.0)]
    assert aws.read(metric("queue", "SampleCount")) == [(0, 2.0)]


def test_a_datum_without_time_stamp_is_stamped_when_it_arrives(aws: Sandbox) -> None:
    aws.call("PutMetricData", Namespace="Test", MetricData=[{"MetricName": "now", "Value": 1.0}])
    assert aws.read(metric("now"), end=700) == [(600, 1.0)]


def test_a_standard_resolution_metric_has_one_minute_granularity(aws: Sandbox) -> None:
    aws.put("standard", [1.0, 2.0], at=70, step=20, StorageResolution=60)
    aws.put("high", [1.0, 2.0], at=70, step=20, StorageResolution=1)
    assert aws.read(metric("standard", "Sum", period=10)) == [(60, 3.0)]
    assert aws.read(metric("high", "Sum", period=10)) == [(70, 1.0), (90, 2.0)]


def test_no_unit_conversions_are_performed(aws: Sandbox) -> None:
    aws.put("latency", [0.25], Unit="Seconds")
    assert aws.read(metric("latency", unit="Seconds")) == [(0, 0.25)]
    assert aws.read(metric("latency", unit="Milliseconds")) == []
    assert aws.read(metric("latency")) == [(0, 0.25)]


def test_without_a_unit_it_is_none(aws: Sandbox) -> None:
    aws.put("plain", [1.0])
    assert aws.read(metric("plain", unit="None")) == [(0, 1.0)]


def test_otherwise_identical_metrics_with_different_units_are_separate_streams(aws: Sandbox) -> None:
    aws.put("size", [1.0], Unit="Bytes")
    aws.put("size", [8.0], Unit="Bits")
    assert aws.read(metric("size", unit="Bits")) == [(0, 8.0)]
    answer = aws.call(
        "GetMetricStatistics",
        Namespace="Test",
        MetricName="size",
        StartTime=moment(0),
        EndTime=moment(60),
        Period=60,
        Statistics=["Sum"],
    )
    assert {(point["Unit"], point["Sum"]) for point in answer["Datapoints"]} == {
        ("Bytes", 1.0),
        ("Bits", 8.0),
    }
    with refused("SandboxNotModelled", "several units"):
        aws.read(metric("size"))


@pytest.mark.parametrize(
    "age, accepted", [(14 * DAY - 60, True), (14 * DAY + 60, False), (-7100, True), (-7300, False)]
)
def test_a_time_stamp_is_up_to_two_weeks_old_and_two_hours_ahead(
    aws: Sandbox, age: float, accepted: bool
) -> None:
    if accepted:
        aws.put("old", [1.0], at=600 - age)
        return
    with refused("InvalidParameterValue", "two weeks in the past"):
        aws.put("old", [1.0], at=600 - age)


@pytest.mark.parametrize(
    "datum, code, words",
    [
        ({"Value": float("nan")}, "InvalidParameterValue", "MetricData.member.1.Value"),
        ({"Value": float("inf")}, "InvalidParameterValue", "Value"),
        ({"Value": 2.0**361}, "InvalidParameterValue", "Value"),
        ({"Value": None}, "MissingParameter", "Value"),
        ({"Values": [1.0]}, "InvalidParameterCombination", "mutually exclusive"),
        ({"Value": None, "Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValue", "same size"),
        ({"Value": None, "Values": [1.0] * 151}, "InvalidParameterValue", "1 to 150"),
        ({"Value": None, "StatisticValues": {"Sum": 1.0}}, "MissingParameter", "SampleCount"),
        ({"Unit": "Furlongs"}, "InvalidParameterValue", "Furlongs"),
        ({"StorageResolution": 30}, "InvalidParameterValue", "StorageResolution"),
        ({"Dimensions": dimensions(**{f"d{n}": "x" for n in range(31)})}, "InvalidParameterValue", "30"),
        ({"Dimensions": [{"Name": "Host", "Value": " "}]}, "InvalidParameterValue", "Name and a Value"),
    ],
)
def test_what_cannot_be_a_datum_is_refused(
    aws: Sandbox, datum: dict[str, Any], code: str, words: str
) -> None:
    with refused(code, words):
        aws.put("bad", [1.0], **datum)


def test_a_call_is_taken_whole_or_not_at_all(aws: Sandbox) -> None:
    data = [{"MetricName": "good", "Value": 1.0}, {"MetricName": "bad", "Value": float("nan")}]
    with refused("InvalidParameterValue", "member.2"):
        aws.call("PutMetricData", Namespace="Test", MetricData=data)
    assert aws.read(metric("good"), end=700) == []


def test_a_call_has_at_most_1000_metrics(aws: Sandbox) -> None:
    data = [{"MetricName": "m", "Value": 1.0}] * 1001
    with refused("InvalidParameterValue", "1000"):
        aws.call("PutMetricData", Namespace="Test", MetricData=data)


def test_namespaces_of_aws_are_its_own(aws: Sandbox) -> None:
    with refused("InvalidParameterValue", "AWS/EC2"):
        aws.put("CPUUtilization", [1.0], namespace="AWS/EC2")


def test_metrics_with_entities_are_not_modelled(aws: Sandbox) -> None:
    with refused("SandboxNotModelled", "entities"):
        aws.call("PutMetricData", Namespace="Test", EntityMetricData=[{"MetricData": []}])


def test_what_the_sandbox_has_not_is_refused_and_not_retried(aws: Sandbox) -> None:
    with refused("SandboxNotModelled", "cloudwatch:PutDashboard") as refusal:
        aws.call("PutDashboard", DashboardName="d", DashboardBody="{}")
    assert refusal.value.status == 400


# --- ListMetrics ------------------------------------------------------------------------------------------


def test_metrics_are_listed_by_namespace_name_and_dimensions(aws: Sandbox) -> None:
    aws.put("a", [1.0])
    aws.put("b", [1.0], Dimensions=dimensions(Host="x", Zone="1"))
    aws.put("b", [1.0], namespace="Other")
    assert listed(aws) == [("Other", "b"), ("Test", "a"), ("Test", "b")]
    assert listed(aws, Namespace="Test") == [("Test", "a"), ("Test", "b")]
    assert listed(aws, MetricName="b") == [("Other", "b"), ("Test", "b")]
    (found,) = aws.call("ListMetrics", Dimensions=[{"Name": "Zone"}])["Metrics"]
    assert found["Dimensions"] == dimensions(Host="x", Zone="1")
    assert listed(aws, Dimensions=[{"Name": "Host", "Value": "y"}]) == []


def test_a_metric_without_data_in_the_past_two_weeks_is_not_listed(aws: Sandbox) -> None:
    aws.put("fading", [1.0])
    aws.pass_time(13 * DAY)
    assert listed(aws) == [("Test", "fading")]
    aws.pass_time(DAY)
    assert listed(aws) == []


def test_recently_active_means_within_three_hours(aws: Sandbox) -> None:
    aws.put("quiet", [1.0], at=-4 * 3600)
    aws.put("busy", [1.0], at=-2 * 3600)
    assert listed(aws, RecentlyActive="PT3H") == [("Test", "busy")]
    with refused("ValidationError", "PT3H"):
        listed(aws, RecentlyActive="PT1H")


def test_up_to_500_metrics_are_listed_for_one_call(aws: Sandbox) -> None:
    for start in (0, 400):
        data = [{"MetricName": f"m{number:03}", "Value": 1.0} for number in range(start, start + 400)]
        aws.call("PutMetricData", Namespace="Test", MetricData=data)
    first = aws.call("ListMetrics", Namespace="Test")
    second = aws.call("ListMetrics", Namespace="Test", NextToken=first["NextToken"])
    assert (len(first["Metrics"]), len(second["Metrics"])) == (500, 300)
    assert "NextToken" not in second
    names = [one["MetricName"] for one in first["Metrics"] + second["Metrics"]]
    assert names == [f"m{number:03}" for number in range(800)]
    with refused("InvalidNextToken", "invalid"):
        aws.call("ListMetrics", NextToken="mine")


def test_metrics_of_other_accounts_are_not_modelled(aws: Sandbox) -> None:
    with refused("SandboxNotModelled", "other accounts"):
        aws.call("ListMetrics", IncludeLinkedAccounts=True)
