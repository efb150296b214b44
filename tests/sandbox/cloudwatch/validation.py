# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How CloudWatch checks what it is given, and what it says."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.sandbox.cloudwatch.series import MetricKey
from tests.sandbox.cloudwatch.statistics import statistic_named
from tests.sandbox.errors import AwsError


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


UNITS = words(
    """Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits
    Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second
    Terabytes/Second Bits/Second Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second
    None"""
)
MOST_DIMENSIONS = 30
#: Values beyond this are rejected (PutMetricData's reference).
_LARGEST = 2.0**360


def validation(message: str) -> AwsError:
    """Return a ValidationError."""
    return AwsError("ValidationError", message)


def invalid(message: str) -> AwsError:
    """Return an InvalidParameterValue."""
    return AwsError("InvalidParameterValue", message)


def combination(message: str) -> AwsError:
    """Return an InvalidParameterCombination."""
    return AwsError("InvalidParameterCombination", message)


def missing(message: str) -> AwsError:
    """Return a MissingParameter."""
    return AwsError("MissingParameter", message)


def epoch(value: Any, name: str) -> float:
    """Return a time stamp (datetime, aware or in UTC, or a number) in epoch seconds."""
    if isinstance(value, dt.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).timestamp()
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return epoch(dt.datetime.fromisoformat(value), name)
        except ValueError:
            pass
    raise invalid(f"The parameter {name} must be a time stamp.")


def moment(at: float) -> dt.datetime:
    """Return a time stamp as clients get it."""
    return dt.datetime.fromtimestamp(at, dt.UTC)


def number(value: Any, name: str) -> float:
    """Return a sample's value. Raises InvalidParameterValue for NaN, infinities and what is too large."""
    result = float(value)
    if not math.isfinite(result) or abs(result) > _LARGEST:
        raise invalid(f"The value {value} for parameter {name} is invalid.")
    return result


def dimensions(given: Iterable[Mapping[str, Any]] | None, name: str) -> tuple[tuple[str, str], ...]:
    """Return a metric's dimensions in order of their names."""
    pairs = [(str(one.get("Name", "")), str(one.get("Value", ""))) for one in given or ()]
    for index, (key, value) in enumerate(pairs, 1):
        if not key.strip() or not value.strip():
            raise invalid(f"The parameter {name}.member.{index} must have a Name and a Value.")
    if len(pairs) > MOST_DIMENSIONS:
        raise invalid(f"The collection {name} must not have a size greater than {MOST_DIMENSIONS}.")
    if len({key for key, _ in pairs}) < len(pairs):
        raise invalid(f"The names of the dimensions in {name} are not unique.")
    return tuple(sorted(pairs))


def metric_key(parameters: Mapping[str, Any], prefix: str = "") -> MetricKey:
    """Return the key of the metric that Namespace, MetricName and Dimensions name."""
    for name in ("Namespace", "MetricName"):
        if not parameters.get(name):
            raise missing(f"The parameter {prefix}{name} is required.")
    return MetricKey(
        str(parameters["Namespace"]),
        str(parameters["MetricName"]),
        dimensions(parameters.get("Dimensions"), f"{prefix}Dimensions"),
    )


def unit(value: Any, name: str) -> str | None:
    """Return a unit, or None for none."""
    if value is None:
        return None
    if value not in UNITS:
        raise invalid(f"The value {value} for parameter {name} is not supported.")
    return str(value)


def period(value: Any, name: str) -> int:
    """Return a query's period: 1, 5, 10, 20, 30 or a multiple of 60 seconds."""
    if value is None:
        raise missing(f"The parameter {name} is required.")
    result = int(value)
    if result not in (1, 5, 10, 20, 30) and (result <= 0 or result % 60):
        raise validation(
            f"The value {value} for parameter {name} is not supported: "
            "it must be 1, 5, 10, 20, 30 or a multiple of 60."
        )
    return result


def statistic(value: Any, name: str) -> str:
    """Return the name of a statistic that there is."""
    if not value or statistic_named(str(value)) is None:
        raise validation(f"The value {value} for parameter {name} is not supported.")
    return str(value)


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def name_without_control_characters(value: Any, what: str, longest: int = 255) -> str:
    """Return a name of 1 to ``longest`` characters."""
    result = str(value or "")
    if not result:
        raise missing(f"The parameter {what} is required.")
    if len(result) > longest or _CONTROL.search(result):
        raise validation(
            f"The value for parameter {what} is invalid: 1 to {longest} characters, no control ones."
        )
    return result
