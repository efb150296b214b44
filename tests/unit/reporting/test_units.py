# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics have the units that AWS says, and figures are written in them as a person would."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.reporting.units import (
    difference,
    in_unit,
    share,
    told_apart,
    unit_of,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("option", "unit"),
    [
        ({"namespace": "AWS/EC2", "metric_name": "CPUUtilization"}, "Percent"),
        ({"namespace": "AWS/EC2", "metric_name": "NetworkOut"}, "Bytes"),
        ({"namespace": "AWS/EC2", "metric_name": "DiskReadOps"}, "Count"),
        ({"namespace": "AWS/EC2", "metric_name": "CPUCreditBalance"}, ""),
        (
            {"namespace": "AWS/ApplicationELB", "metric_name": "TargetResponseTime", "statistic": "p99"},
            "Seconds",
        ),
        ({"namespace": "AWS/ApplicationELB", "metric_name": "HTTPCode_Target_5XX_Count"}, "Count"),
        ({"namespace": "AWS/ApplicationELB", "metric_name": "RequestCountPerTarget"}, "Count"),
        ({"namespace": "AWS/ELB", "metric_name": "Latency"}, "Seconds"),
        ({"namespace": "CWAgent", "metric_name": "mem_used_percent"}, "Percent"),
        ({"namespace": "CWAgent", "metric_name": "mem_used"}, "Bytes"),
        ({"namespace": "Shop", "metric_name": "Latency"}, ""),
        ({"namespace": "Shop", "metric_name": "Latency", "unit": "Milliseconds"}, "Milliseconds"),
        ({"namespace": "AWS/EC2", "metric_name": "CPUUtilization", "statistic": "SampleCount"}, "Count"),
        ({"namespace": "Shop", "metric_name": "Latency", "statistic": "PR(:0.3)"}, "Percent"),
        ({"kind": "rate", "numerator": {}, "denominator": {}}, "Percent"),
        ({"expression": "cpu", "queries": [{"namespace": "AWS/EC2", "metric_name": "CPUUtilization"}]}, ""),
        ({"prometheus": {"query": "up"}}, ""),
        ({}, ""),
    ],
)
def test_units_of_metrics(option: dict[str, Any], unit: str) -> None:
    assert unit_of(option) == unit


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (41.234, "Percent", "41.2 %"),
        (0, "Percent", "0 %"),
        (0.08412, "Seconds", "84.1 ms"),
        (0.00004, "Seconds", "40 µs"),
        (1.5, "Seconds", "1.5 s"),
        (250, "Milliseconds", "250 ms"),
        (2500, "Milliseconds", "2.5 s"),
        (123456789, "Bytes", "123 MB"),
        (512, "Bytes", "512 B"),
        (3, "Gigabytes", "3 GB"),
        (2048, "Kilobits/Second", "2.05 Mbit/s"),
        (1234, "Count", "1,234"),
        (1234567.8, "Count", "1,234,568"),
        (0.3333, "Count", "0.333"),
        (12.5, "Count/Second", "12.5/s"),
        (33.98123, "", "34"),
        (0.21064, "", "0.211"),
        (-2, "", "-2"),
        (1e-9, "", "1e-09"),
        (7, "Terabytes/Second", "7 TB/s"),
        (7, "Furlongs", "7 Furlongs"),
    ],
)
def test_figures_in_their_units(value: float, unit: str, words: str) -> None:
    assert in_unit(value, unit) == words


def test_differences_have_their_sign() -> None:
    assert [difference(value, "Percent") for value in (1.2, 0, -1.2)] == ["+1.2 %", "0 %", "-1.2 %"]
    assert [share(value) for value in (0.1, -0.25, 3)] == ["+10 %", "-25 %", "+300 %"]


def test_figures_along_an_axis_differ_where_their_values_do() -> None:
    assert told_apart([1.2341e9, 1.2342e9], "Bytes") == ["1.2341 GB", "1.2342 GB"]
    assert told_apart([0, 20, 40], "Percent") == ["0 %", "20 %", "40 %"]
    assert told_apart([]) == []


@given(
    st.floats(-1e300, 1e300), st.sampled_from(["", "Percent", "Seconds", "Bytes", "Count", "Count/Second"])
)
def test_any_number_can_be_written(value: float, unit: str) -> None:
    assert len(in_unit(value, unit)) < 24
