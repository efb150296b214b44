# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metric math. Quotations and tables: "Use metric math" (Amazon CloudWatch User Guide)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from tests.unit.sandbox.metrics import Sandbox, metric, refused

GAP = None


@pytest.fixture
def aws() -> Sandbox:
    """Five minutes past noon."""
    return Sandbox(after=300)


def calculate(aws: Sandbox, expression: str, **series: Sequence[float | None]) -> list[float | None]:
    """Return an expression's values for the minutes since noon, with gaps; series are given by their ids."""
    for name, values in series.items():
        aws.put(name, values)
    found = dict(aws.calculate_points(expression, *(metric(name, id=name) for name in series), end=300))
    return [found.get(60.0 * number) for number in range(len(max(series.values(), key=len)))]


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("m1 + m2", [5, 7, 9]),
        ("m1 - m2", [-3, -3, -3]),
        ("m1 * m2", [4, 10, 18]),
        ("m2 / m1", [4, 2.5, 2]),
        ("m1 ^ 2", [1, 4, 9]),
        ("5 * m1", [5, 10, 15]),
        ("-m1", [-1, -2, -3]),
        ("-m1 ^ 2", [-1, -4, -9]),
        ("2 * (m1 + m2) / 2 - 1", [4, 6, 8]),
        ("m1 - AVG(m1)", [-1, 0, 1]),
        ("m1 / PERIOD(m1) * 60", [1, 2, 3]),
        ("1e3 * m1", [1000, 2000, 3000]),
    ],
)
def test_arithmetic(aws: Sandbox, expression: str, expected: list[float]) -> None:
    assert calculate(aws, expression, m1=[1, 2, 3], m2=[4, 5, 6]) == pytest.approx(expected)


def test_missing_values_count_as_0_in_arithmetic(aws: Sandbox) -> None:
    assert calculate(aws, "m1 + m2", m1=[1, GAP, 3], m2=[4, 5, GAP]) == [5, 5, 3]


def test_a_data_point_that_would_divide_by_zero_is_dropped(aws: Sandbox) -> None:
    assert calculate(aws, "m1 / m2", m1=[1, 2, 3], m2=[0, 1, GAP]) == [GAP, 2, GAP]


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("(metric1 < metric2)", [0, 0, 1, 0]),
        ("(metric1 >= 30)", [1, 0, 0, 0]),
        ("(metric1 > 15 AND metric2 > 15)", [1, 0, 0, 0]),
        ("metric1 > 15 && metric2 > 15", [1, 0, 0, 0]),
        ("metric1 > 25 OR metric2 > 15", [1, 0, 1, 0]),
        ("metric1 == 0 || metric1 != 0", [1, 1, 1, 1]),
    ],
)
def test_comparisons_and_logic(aws: Sandbox, expression: str, expected: list[float]) -> None:
    """The guide's table, and more of its kind."""
    assert calculate(aws, expression, metric1=[30, 20, 0, 0], metric2=[20, GAP, 20, GAP]) == expected


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("IF(metric1, metric2, metric3)", [30, 0, 20, GAP, GAP]),
        ("IF(metric1, 5, metric3)", [5, 5, 20, GAP, GAP]),
        ("IF(metric1, metric2, 5)", [30, 0, 5, 5, GAP]),
        ("IF(metric1, metric2)", [30, 0, GAP, GAP, GAP]),
        ("IF(metric1 < 1, 10, 2)", [2, 2, 10, 10, GAP]),
        ("IF(1, metric2, metric3)", [30, GAP, 0, 0, 30]),
        ("IF(0, metric2, metric3)", [0, 0, 20, GAP, 20]),
        ("IF(0, metric2)", [GAP] * 5),
    ],
)
def test_if(aws: Sandbox, expression: str, expected: list[float | None]) -> None:
    """The guide's tables."""
    series = {
        "metric1": [1, 1, 0, 0, GAP],
        "metric2": [30, GAP, 0, 0, 30],
        "metric3": [0, 0, 20, GAP, 20],
    }
    assert calculate(aws, expression, **series) == expected


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("SUM([m1, m2])", [5, 5, 3]),
        ("AVG([m1, m2])", [2.5, 2.5, 1.5]),
        ("MIN([m1, m2])", [1, 0, 0]),
        ("MAX([m1, m2])", [4, 5, 3]),
        ("STDDEV([m1, m2])", [1.5, 2.5, 1.5]),
        ("DATAPOINT_COUNT([m1, m2])", [2, 1, 1]),
        ("SUM(METRICS())", [5, 5, 3]),
        ('SUM(METRICS("2"))', [4, 5, GAP]),
        ("SUM([METRICS(“1”), METRICS(“2”)])", [5, 5, 3]),
        ("METRIC_COUNT(METRICS()) * m1", [2, GAP, 6]),
        ("SUM(100 / [m1, m2])", [125, 20, pytest.approx(100 / 3)]),
    ],
)
def test_arrays_are_combined_at_each_moment(
    aws: Sandbox, expression: str, expected: list[float | None]
) -> None:
    """TS[] to TS, where "missing values are treated as 0"."""
    assert calculate(aws, expression, m1=[1, GAP, 3], m2=[4, 5, GAP]) == expected


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("m1 - m1 + SUM(m1)", 12),
        ("m1 - m1 + AVG(m1)", 4),
        ("m1 - m1 + MIN(m1)", 2),
        ("m1 - m1 + MAX(m1)", 6),
        ("m1 - m1 + STDDEV(m1)", math.sqrt(8 / 3)),
        ("m1 - m1 + DATAPOINT_COUNT(m1)", 3),
    ],
)
def test_a_single_series_becomes_a_scalar(aws: Sandbox, expression: str, expected: float) -> None:
    assert calculate(aws, expression, m1=[2, 4, 6]) == pytest.approx([expected] * 3)


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("FILL(m1, 10)", [1, 10, 10, 4, 10]),
        ("FILL(m1, REPEAT)", [1, 1, 1, 4, 4]),
        ("FILL(m1, LINEAR)", [1, 2, 3, 4, GAP]),
        ("FILL(m1, m2)", [1, 7, GAP, 4, GAP]),
        ("FILL(m1, MIN(m1))", [1, 1, 1, 4, 1]),
        ("SUM(FILL(METRICS(), 0))", [1, 7, 0, 4, 0]),
    ],
)
def test_fill(aws: Sandbox, expression: str, expected: list[float | None]) -> None:
    filled = calculate(aws, expression, m1=[1, GAP, GAP, 4, GAP], m2=[GAP, 7, GAP, GAP, GAP])
    assert filled == expected


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("RATE(m1)", [GAP, 1, GAP, 0.5, -1]),
        ("DIFF(m1)", [GAP, 60, GAP, 60, -60]),
        ("DIFF_TIME(m1)", [GAP, 60, GAP, 120, 60]),
        ("RUNNING_SUM(m1)", [0, 60, GAP, 180, 240]),
        ("ABS(0 - m1)", [0, 60, GAP, 120, 60]),
        ("LOG10(m1 * 10 / 6)", [GAP, 2, GAP, math.log10(200), 2]),
        ("LOG(m1)", [GAP, math.log(60), GAP, math.log(120), math.log(60)]),
        ("CEIL(m1 / 50)", [0, 2, GAP, 3, 2]),
        ("FLOOR(m1 / 50)", [0, 1, GAP, 2, 1]),
    ],
)
def test_functions_of_one_series(aws: Sandbox, expression: str, expected: list[float | None]) -> None:
    """ "RATE: the difference between the latest data point value and the previous data point value, divided by
    the time difference in seconds"."""
    assert calculate(aws, expression, m1=[0, 60, GAP, 120, 60]) == pytest.approx(expected)


def test_calendar_functions_give_a_value_for_every_period(aws: Sandbox) -> None:
    """Noon of 4 March 2026, a Wednesday."""
    assert calculate(aws, "MINUTE(m1)", m1=[1, GAP, 1]) == [0, 1, 2]
    expected = {"HOUR": 12, "DAY": 3, "DATE": 4, "MONTH": 3, "YEAR": 2026}
    for function, value in expected.items():
        assert calculate(aws, f"{function}(m1)", m1=[1, GAP]) == [value, value], function
    assert calculate(aws, "EPOCH(m1) - 1772625600", m1=[1, GAP]) == [0, 60]


def test_time_series_gives_a_scalar_to_every_period(aws: Sandbox) -> None:
    assert calculate(aws, "TIME_SERIES(MAX(m1))", m1=[1, GAP, 9]) == [9, 9, 9]


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("FIRST(SORT(METRICS(), AVG, DESC))", [9, 9]),
        ("LAST(SORT([m1, m2, m3], MAX, DESC))", [1, 2]),
        ("SUM(SORT(METRICS(), SUM, ASC, 2))", [6, 7]),
        ("SUM(SLICE(SORT(METRICS(), MIN, ASC), 1))", [14, 14]),
        ("SUM(SLICE(METRICS(), 0, 2))", [10, 11]),
        ("SUM(REMOVE_EMPTY([m1, none]))", [1, 2]),
        ("METRIC_COUNT(REMOVE_EMPTY([m1, none])) * m1", [1, 2]),
    ],
)
def test_functions_of_arrays(aws: Sandbox, expression: str, expected: list[float]) -> None:
    series = {"m1": [1, 2], "m2": [9, 9], "m3": [5, 5], "none": []}
    assert calculate(aws, expression, **series) == expected


def test_expressions_may_use_others(aws: Sandbox) -> None:
    aws.put("errors", [1.0, 2.0])
    aws.put("requests", [10.0, 10.0])
    queries = (
        metric("errors", "Sum", id="errors") | {"ReturnData": False},
        metric("requests", "Sum", id="requests") | {"ReturnData": False},
        {"Id": "rate", "Expression": "errors / requests", "Label": "error rate", "ReturnData": True},
        {"Id": "percent", "Expression": "rate * 100"},
    )
    results = aws.data(*queries)
    assert [(one["Id"], one["Label"], one["Values"]) for one in results] == [
        ("rate", "error rate", [0.1, 0.2]),
        ("percent", "percent", [10.0, 20.0]),
    ]


def test_an_array_has_a_result_for_each_of_its_series(aws: Sandbox) -> None:
    aws.put("errors", [1.0])
    aws.put("requests", [10.0])
    queries = [metric(name, "Sum", id=name) | {"ReturnData": False} for name in ("errors", "requests")]
    results = aws.data({"Id": "e", "Expression": "METRICS() * 100", "Label": "Percent:"}, *queries)
    assert [(one["Id"], one["Label"], one["Values"]) for one in results] == [
        ("e", "Percent: errors", [100.0]),
        ("e", "Percent: requests", [1000.0]),
    ]


def test_no_data_is_no_value(aws: Sandbox) -> None:
    assert calculate(aws, "m1 + m2", m1=[], m2=[GAP]) == [GAP]
    assert calculate(aws, "m1 / AVG(m2)", m1=[1], m2=[]) == [GAP]


@pytest.mark.parametrize(
    "expression, words",
    [
        ("m1 +", "Invalid syntax"),
        ("m1 m1", "Invalid syntax"),
        ("(m1", "Invalid syntax"),
        ("m1 % 2", "Invalid syntax"),
        ("m9 * 2", "Undefined variable 'm9'"),
        ("avg(m1)", "Function 'avg' not found"),
        ("MEDIAN(m1)", "Function 'MEDIAN' not found"),
        ("AVG(m1)", "must be a single time series or an array of time series, not Scalar"),
        ("1 + 1", "not Scalar"),
        ("[m1, m1] + [m1, m1]", "Unsupported operand type"),
        ("FILL(m1, NOTHING)", "Undefined variable 'NOTHING'"),
        ("RATE(5)", "Unsupported argument type"),
        ("IF(m1, [m1], 1)", "Unsupported argument type"),
        ("SORT(METRICS(), MEDIAN, ASC)", "Undefined variable 'MEDIAN'"),
        ("PERIOD(result)", "PERIOD' is only valid for metrics"),
        ("result + 1", "Circular reference"),
        ("SUM(m1, m1)", "expects 1 argument"),
        ("TIME_SERIES(1 / 0)", "Division by zero"),
    ],
)
def test_what_is_no_expression_is_refused_by_its_id(aws: Sandbox, expression: str, words: str) -> None:
    aws.put("m1", [1.0])
    with refused("ValidationError", rf"Error in expression 'result': .*{words}"):
        aws.calculate(expression, metric("m1"))


@pytest.mark.parametrize(
    "expression", ["ANOMALY_DETECTION_BAND(m1, 2)", "SERVICE_QUOTA(m1)", "INSIGHT_RULE_METRIC('r', 'Sum')"]
)
def test_functions_that_are_not_modelled_say_so(aws: Sandbox, expression: str) -> None:
    with refused("SandboxNotModelled", "metric math function"):
        aws.calculate(expression, metric("m1"))


def test_bad_expressions_are_refused_even_if_nobody_asked_for_their_result(aws: Sandbox) -> None:
    with refused("ValidationError", "Error in expression 'e'"):
        aws.data(metric("m1"), {"Id": "e", "Expression": "m1 +", "ReturnData": False})


def test_metrics_of_different_periods_in_one_expression_are_refused(aws: Sandbox) -> None:
    aws.put("m1", [1.0])
    aws.put("m2", [1.0])
    with refused("ValidationError", "different periods"):
        aws.calculate("m1 + m2", metric("m1", id="m1"), metric("m2", id="m2", period=120))


# --- SEARCH -----------------------------------------------------------------------------------------------


@pytest.fixture
def shop(aws: Sandbox) -> Sandbox:
    """Metrics of the guide's examples in "CloudWatch search expression syntax"."""
    for number, (namespace, name, dimension, value) in enumerate(
        [
            ("Mine", "CustomCount1", "Project", "Project2-trial333"),
            ("Mine", "SDBFailure", "Project", "ProjectA"),
            ("Mine", "Network-Errors-2", "Project", "ProjectB"),
            ("Other", "NetworkErrors2", "Host", "CustomCount1"),
        ]
    ):
        dimensions = [{"Name": dimension, "Value": value}]
        aws.put(name, [float(number + 1)], namespace=namespace, Dimensions=dimensions)
    return aws


@pytest.mark.parametrize(
    "search, found",
    [
        ("count", [1, 4]),
        ("COUNT", [1, 4]),
        ("couNT", []),
        ("CustomCount", [1, 4]),
        ("customcount", []),
        ("count1", []),
        ('"CustomCount1"', [1, 4]),
        ('"customcount1"', []),
        ('"Custom"', []),
        ('MetricName="CustomCount1"', [1]),
        ("trial", [1]),
        ("sdb", [2]),
        ("network/Errors", []),
        ("Network/Errors", [3, 4]),
        ("Network_Errors", [3, 4]),
        ('"Network-Errors-2"', [3]),
        ('"Network_Errors_2"', []),
        ("Namespace=Other", [4]),
        ("Project=ProjectA", [2]),
        ('{Mine,Project} Project="ProjectB"', [3]),
        ("{Mine}", [1, 2, 3]),
        ("{Mine,Host}", []),
        ('{Mine,Project} MetricName="CustomCount1" OR (failure AND ProjectA)', [1, 2]),
        ("{Mine} NOT failure NOT trial", [3]),
        ("NOT Namespace=Mine", [4]),
        ("failure ProjectA", [2]),
        ("failure ProjectB", []),
    ],
)
def test_search(shop: Sandbox, search: str, found: list[int]) -> None:
    results = shop.data({"Id": "s", "Expression": f"SEARCH('{search}', 'Sum', 60)"})
    assert sorted(value for one in results for value in one["Values"]) == found


def test_names_with_special_characters_are_quoted(shop: Sandbox) -> None:
    named = [{"Name": "Dimension@Name", "Value": "a"}]
    shop.put("Custom:Name[Special_Characters", [7.0], namespace="My Namespace", Dimensions=named)
    for search in (
        '{"My Namespace", "Dimension@Name"} "Custom:Name[Special_Characters"',
        '{"My Namespace"} "Dimension@Name"="a"',
    ):
        assert shop.calculate(f"SUM(SEARCH('{search}', 'Sum', 60))") == [7], search


def test_a_search_may_be_part_of_an_expression(shop: Sandbox) -> None:
    assert shop.calculate("SUM(SEARCH('{Mine,Project}', 'Sum', 60))") == [6]


@pytest.mark.parametrize(
    "search, words", [("", "needs a metric schema"), ("(a", "syntax"), ("a)", "syntax"), ("a" * 1025, "1024")]
)
def test_bad_searches_are_refused(shop: Sandbox, search: str, words: str) -> None:
    with refused("ValidationError", words):
        shop.data({"Id": "s", "Expression": f"SEARCH('{search}', 'Sum', 60)"})
