# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GetMetricData and GetMetricStatistics: periods, order, pages, limits and retention.

Quotations are from the reference of the two operations.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.cloudwatch.series import Values, Window, aggregate
from tests.unit.sandbox.metrics import DAY, NOON, Sandbox, metric, moment, points, refused


@pytest.fixture
def aws() -> Sandbox:
    """Ten minutes past noon; load has 0, 1 ... 9 for the minutes from noon on."""
    sandbox = Sandbox(after=600)
    sandbox.put("load", [float(value) for value in range(10)])
    return sandbox


def stamps(found: list[tuple[float, float]]) -> list[float]:
    return [at for at, _ in found]


# --- Periods ----------------------------------------------------------------------------------------------


def test_statistics_are_stamped_with_the_beginning_of_their_period(aws: Sandbox) -> None:
    assert aws.read(metric("load", "Sum", period=180)) == [(0, 3.0), (180, 12.0), (360, 21.0), (540, 9.0)]


def test_the_start_is_inclusive_and_the_end_exclusive(aws: Sandbox) -> None:
    assert aws.read(metric("load"), start=60, end=180) == [(60, 1.0), (120, 2.0)]


def test_the_start_is_rounded_down_to_the_minute(aws: Sandbox) -> None:
    """ "12:32:34 is rounded down to 12:32:00"."""
    assert stamps(aws.read(metric("load", period=120), start=94, end=400)) == [60, 180, 300]


def test_periods_of_several_minutes_begin_at_the_start_of_the_request(aws: Sandbox) -> None:
    assert aws.read(metric("load", "Sum", period=300), start=120, end=600) == [(120, 20.0), (420, 24.0)]


def test_under_a_minute_the_start_is_rounded_to_even_divisions_of_the_minute() -> None:
    """ "15:07:17 for the previous 5 minutes, using a period of 5 seconds: between 15:02:15 and 15:07:15"."""
    aws = Sandbox(after=437)
    aws.put("pulse", [1.0] * 437, step=1)
    found = aws.read(metric("pulse", "Sum", period=5), start=137, end=437)
    assert (found[0], found[-1]) == ((135, 5.0), (435, 2.0))
    found = aws.read(metric("pulse", "Sum", period=10), start=313, end=323)
    assert found[0] == (310, 10.0)


@pytest.mark.parametrize("days, rounded", [(1, 4260), (14.9, 4260), (16, 4200), (62, 4200), (64, 3600)])
def test_older_starts_are_rounded_further(days: float, rounded: float) -> None:
    """To the minute, to 5 minutes between 15 and 63 days ago, to the hour before that."""
    aws = Sandbox(after=5000)
    aws.put("old", [1.0], at=5000)
    aws.pass_time(days * DAY)
    assert aws.read(metric("old", period=3600), start=4294, end=7200) == [(rounded, 1.0)]


def test_the_newest_period_is_visible_and_incomplete() -> None:
    """ "data aggregated between 7:00pm and 8:00pm begins to be visible at 7:00pm, then the values ... may
    change" (Amazon CloudWatch concepts)."""
    aws = Sandbox(after=90)
    aws.put("load", [1.0] * 90, step=1)
    assert aws.read(metric("load", "Sum")) == [(0, 60.0), (60, 30.0)]
    aws.pass_time(20)
    aws.put("load", [1.0] * 20, at=90, step=1)
    assert aws.read(metric("load", "Sum")) == [(0, 60.0), (60, 50.0)]


@pytest.mark.parametrize("period", [1, 5, 10, 20, 30, 60, 120, 3600])
def test_there_are_these_periods(aws: Sandbox, period: int) -> None:
    assert aws.read(metric("load", period=period)) != []


@pytest.mark.parametrize("period", [0, 2, 15, 45, 90, -60])
def test_there_are_no_others(aws: Sandbox, period: int) -> None:
    with refused("ValidationError", "Period"):
        aws.read(metric("load", period=period))


def test_periods_without_data_have_no_data_point(aws: Sandbox) -> None:
    aws.put("sparse", [1.0, None, None, 4.0])
    assert aws.read(metric("sparse")) == [(0, 1.0), (180, 4.0)]
    assert aws.read(metric("nobody sends this")) == []


def test_samples_beyond_the_request_are_left_out() -> None:
    """A column may hold more at its ends than was asked for."""
    window = Window.of(NOON + 60, NOON + 180, 60, NOON + 600)
    samples = Values(int(NOON), 30, [float(number) for number in range(20)])
    assert aggregate([samples], window, "Sum") == ([int(NOON) + 60, int(NOON) + 120], [5.0, 9.0])


# --- Retention --------------------------------------------------------------------------------------------


def test_data_points_of_less_than_a_minute_are_available_for_three_hours() -> None:
    aws = Sandbox(after=3 * 3600 - 60)
    aws.put("pulse", [1.0] * 60, step=1)
    assert len(aws.read(metric("pulse", period=10))) == 6
    aws.pass_time(90)
    assert stamps(aws.read(metric("pulse", period=10))) == [30, 40, 50]
    assert aws.read(metric("pulse", "Sum", period=60)) == [(0, 60.0)]


@pytest.mark.parametrize("period, days", [(60, 15), (300, 63), (3600, 455)])
def test_longer_periods_are_available_for_longer(period: int, days: int) -> None:
    aws = Sandbox()
    aws.put("load", [1.0])
    aws.pass_time(days * DAY - 3600)
    assert aws.read(metric("load", period=period), end=3600) == [(0, 1.0)]
    aws.pass_time(3660)
    assert aws.read(metric("load", period=period), end=3600) == []


# --- GetMetricData ----------------------------------------------------------------------------------------


def test_the_newest_data_come_first_unless_asked_otherwise(aws: Sandbox) -> None:
    given: dict[str, Any] = {
        "MetricDataQueries": [metric("load")],
        "StartTime": moment(0),
        "EndTime": moment(180),
    }
    (result,) = aws.call("GetMetricData", **given)["MetricDataResults"]
    assert points(result) == [(120, 2.0), (60, 1.0), (0, 0.0)]
    (result,) = aws.call("GetMetricData", **given, ScanBy="TimestampAscending")["MetricDataResults"]
    assert points(result) == [(0, 0.0), (60, 1.0), (120, 2.0)]


def test_results_name_their_query_and_their_metric(aws: Sandbox) -> None:
    named = metric("load", id="mine") | {"Label": "My label"}
    results = aws.data(metric("load", id="m1"), named, metric("none", id="m2"), end=60)
    assert [(one["Id"], one["Label"], one["Values"], one["StatusCode"]) for one in results] == [
        ("m1", "load", [0.0], "Complete"),
        ("mine", "My label", [0.0], "Complete"),
        ("m2", "none", [], "Complete"),
    ]


def test_what_is_not_to_be_returned_is_not(aws: Sandbox) -> None:
    assert aws.data(metric("load") | {"ReturnData": False}) == []


def test_pages_hold_as_many_data_points_as_asked_for_and_leave_nothing_out(aws: Sandbox) -> None:
    queries = [metric("load", id="m1"), metric("load", "Sum", id="m2", period=120), metric("none", id="m3")]
    given: dict[str, Any] = {"MetricDataQueries": queries, "StartTime": moment(0), "EndTime": moment(600)}
    token: dict[str, str] = {}
    pages = []
    while True:
        answer = aws.call("GetMetricData", **given, MaxDatapoints=4, **token)
        pages.append(
            [(one["Id"], len(one["Values"]), one["StatusCode"]) for one in answer["MetricDataResults"]]
        )
        assert sum(count for _, count, _ in pages[-1]) <= 4
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert pages == [
        [("m1", 4, "PartialData")],
        [("m1", 4, "PartialData")],
        [("m1", 2, "Complete"), ("m2", 2, "PartialData")],
        [("m2", 3, "Complete"), ("m3", 0, "Complete")],
    ]


@pytest.mark.parametrize("order", ["TimestampAscending", "TimestampDescending"])
def test_pages_go_on_where_the_last_one_ended(aws: Sandbox, order: str) -> None:
    given: dict[str, Any] = {
        "MetricDataQueries": [metric("load")],
        "StartTime": moment(0),
        "EndTime": moment(600),
    }
    values: list[float] = []
    token: dict[str, str] = {}
    for _ in range(4):
        answer = aws.call("GetMetricData", **given, ScanBy=order, MaxDatapoints=3, **token)
        values += answer["MetricDataResults"][0]["Values"]
        token = {"NextToken": answer["NextToken"]} if "NextToken" in answer else {}
    ascending = [float(value) for value in range(10)]
    assert values == (ascending if order == "TimestampAscending" else ascending[::-1])
    assert token == {}


def test_a_page_can_be_asked_for_again(aws: Sandbox) -> None:
    """A client whose answer was lost asks with the same token."""
    given: dict[str, Any] = {
        "MetricDataQueries": [metric("load")],
        "StartTime": moment(0),
        "EndTime": moment(600),
    }
    token = aws.call("GetMetricData", **given, MaxDatapoints=8)["NextToken"]
    again = [aws.call("GetMetricData", **given, MaxDatapoints=8, NextToken=token) for _ in range(2)]
    assert again[0] == again[1]
    with refused("InvalidNextToken", "invalid"):
        aws.call("GetMetricData", **given, NextToken="mine")


def test_a_call_takes_500_queries_and_no_more(aws: Sandbox) -> None:
    queries = [metric("load", id=f"m{number}") for number in range(501)]
    assert len(aws.data(*queries[:500], end=60)) == 500
    with refused("ValidationError", "500"):
        aws.data(*queries)


def test_a_page_has_at_most_100800_data_points() -> None:
    aws = Sandbox(after=3600)
    aws.put("pulse", [1.0] * 3000, step=1)
    queries = [metric("pulse", id=f"m{number}", period=1) for number in range(34)]
    answer = aws.call("GetMetricData", MetricDataQueries=queries, StartTime=moment(0), EndTime=moment(3000))
    assert sum(len(one["Values"]) for one in answer["MetricDataResults"]) == 100_800
    assert answer["NextToken"]
    with refused("ValidationError", "100800"):
        aws.data(metric("pulse"), MaxDatapoints=100_801)


@pytest.mark.parametrize(
    "query, words",
    [
        (metric("load", id="M1"), "beginning with a lowercase letter"),
        (metric("load", id="m-1"), "letters, digits and underscores"),
        ({"Id": "m1"}, "required"),
        (metric("load") | {"Expression": "1"}, "mutually exclusive"),
        (metric("load", "Median"), "Stat"),
    ],
)
def test_bad_queries_are_refused(aws: Sandbox, query: dict[str, Any], words: str) -> None:
    with refused("ValidationError", words):
        aws.data(query)


def test_ids_are_unique(aws: Sandbox) -> None:
    with refused("ValidationError", "not unique"):
        aws.data(metric("load"), metric("load"))


def test_time_does_not_run_backwards(aws: Sandbox) -> None:
    with refused("ValidationError", "StartTime must be less than"):
        aws.read(metric("load"), start=60, end=60)


@pytest.mark.parametrize(
    "query, words",
    [
        (metric("load") | {"AccountId": "1"}, "other accounts"),
        (metric("load") | {"Label": "max: ${MAX}"}, "dynamic labels"),
        ({"Id": "q", "Expression": 'SELECT AVG(CPUUtilization) FROM "AWS/EC2"'}, "Metrics Insights"),
        (metric("BurstBalance", namespace="AWS/EBS"), "AWS/EBS"),
        (metric("CPUCreditBalance", namespace="AWS/EC2"), "CPUCreditBalance"),
        (metric("UnHealthyHostCount", namespace="AWS/ApplicationELB"), "UnHealthyHostCount"),
    ],
)
def test_what_is_not_modelled_does_not_look_like_no_data(
    aws: Sandbox, query: dict[str, Any], words: str
) -> None:
    with refused("SandboxNotModelled", words):
        aws.data(query)


# --- GetMetricStatistics ----------------------------------------------------------------------------------


def statistics(aws: Sandbox, start: float = 0, end: float = 600, **options: Any) -> dict[str, Any]:
    given = {"Namespace": "Test", "MetricName": "load", "Period": 60, "Statistics": ["Sum"], **options}
    given = {name: value for name, value in given.items() if value is not None}
    return aws.call("GetMetricStatistics", StartTime=moment(start), EndTime=moment(end), **given)


def test_data_points_are_not_returned_in_chronological_order(aws: Sandbox) -> None:
    answer = statistics(aws)
    found = [(point["Timestamp"].timestamp() - NOON, point["Sum"]) for point in answer["Datapoints"]]
    assert answer["Label"] == "load"
    assert found != sorted(found)
    assert sorted(found) == [(60.0 * number, float(number)) for number in range(10)]


def test_several_statistics_share_a_data_point(aws: Sandbox) -> None:
    (point,) = statistics(aws, end=300, Period=300, Statistics=["Sum", "Average", "SampleCount"])[
        "Datapoints"
    ]
    assert {name: point[name] for name in ("Sum", "Average", "SampleCount", "Unit")} == {
        "Sum": 10,
        "Average": 2,
        "SampleCount": 5,
        "Unit": "None",
    }


def test_extended_statistics_come_by_their_names(aws: Sandbox) -> None:
    wanted = {"Statistics": None, "ExtendedStatistics": ["p50", "tm50"]}
    (point,) = statistics(aws, end=300, Period=300, **wanted)["Datapoints"]
    assert point["ExtendedStatistics"] == {"p50": 2.0, "tm50": pytest.approx((0 + 1 + 2 / 2) / 2.5)}


@pytest.mark.parametrize(
    "options, code, words",
    [
        ({"Statistics": None}, "MissingParameter", "Statistics or ExtendedStatistics"),
        ({"ExtendedStatistics": ["p50"]}, "InvalidParameterCombination", "mutually exclusive"),
        ({"Statistics": ["p50"]}, "InvalidParameterValue", "p50"),
        ({"Statistics": None, "ExtendedStatistics": ["Sum"]}, "InvalidParameterValue", "Sum"),
        ({"end": 0}, "InvalidParameterCombination", "StartTime"),
        ({"Period": None}, "MissingParameter", "Period"),
    ],
)
def test_bad_requests_are_refused(aws: Sandbox, options: dict[str, Any], code: str, words: str) -> None:
    with refused(code, words):
        statistics(aws, **options)


def test_more_than_1440_data_points_are_an_error(aws: Sandbox) -> None:
    assert len(statistics(aws, start=600 - 1440 * 60)["Datapoints"]) == 10
    with refused("InvalidParameterCombination", "1,441 datapoints, which exceeds the limit of 1,440"):
        statistics(aws, start=600 - 1441 * 60)
