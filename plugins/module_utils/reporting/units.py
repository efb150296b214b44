# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of metrics, and figures in them as a person would write them. Pure.

GetMetricData returns no unit. What AWS publishes has the unit that its documentation says; other metrics have one where
the option C(unit) asks CloudWatch for it, and else none.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

PERCENT, SECONDS, BYTES, COUNT = "Percent", "Seconds", "Bytes", "Count"
# The first pattern that a metric's name matches has its unit; what matches none has no known one. After "List the
# available CloudWatch metrics for your instances" (Amazon EC2), "CloudWatch metrics for your Application Load
# Balancer", "... Network Load Balancer", "... Classic Load Balancer", "Amazon CloudWatch metrics for Amazon EC2 Auto
# Scaling" and "Metrics collected by the CloudWatch agent".
_PUBLISHED: Mapping[str, Sequence[tuple[str, str]]] = {
    "AWS/EC2": (
        (r"CPUUtilization|.*Balance%", PERCENT),
        (r".*Bytes|NetworkIn|NetworkOut", BYTES),
        (r".*Ops|NetworkPackets.*|StatusCheckFailed.*|MetadataNoToken.*", COUNT),
    ),
    "AWS/ApplicationELB": (
        (r"TargetResponseTime", SECONDS),
        (r".*Bytes", BYTES),
        (r".*Count.*", COUNT),
    ),
    "AWS/NetworkELB": ((r".*Bytes.*", BYTES), (r".*Count.*", COUNT)),
    "AWS/ELB": ((r"Latency", SECONDS), (r".*", COUNT)),
    "AWS/AutoScaling": ((r"Group.*", COUNT),),
    "CWAgent": (
        (r"cpu_usage_.*|.*_percent", PERCENT),
        (r"(mem|swap)_.*|disk_(free|total|used)|.*bytes.*", BYTES),
        (r"net_packets.*|diskio_(reads|writes)|processes_.*", COUNT),
    ),
}
# CloudWatch's units of time and of size, in seconds and in bytes or bits (MetricDatum, Unit).
_TIMES = {"Seconds": 1.0, "Milliseconds": 1e-3, "Microseconds": 1e-6}
_FACTORS = {"": 1.0, "Kilo": 1e3, "Mega": 1e6, "Giga": 1e9, "Tera": 1e12}
_SIZE = re.compile(r"(Kilo|Mega|Giga|Tera|)(Bytes|Bits|bytes|bits)")
_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
# So many digits count for a person who reads a figure.
DIGITS = 3


def unit_of(option: Mapping[str, Any]) -> str:
    """The unit of a metric by its option, in CloudWatch's words; empty where it is not known.

    Metric math has none, since it may make anything of what goes in.
    """
    if option.get("kind") == "rate":
        return PERCENT
    queries = option.get("queries") or []
    if option.get("expression") or len(queries) > 1:
        return ""
    query = queries[0] if queries and isinstance(queries[0], Mapping) else option
    statistic = str(query.get("statistic") or "")
    if statistic == "SampleCount":
        return COUNT
    if statistic.startswith("PR("):
        return PERCENT
    if query.get("unit"):
        return str(query["unit"])
    name = str(query.get("metric_name") or "")
    patterns = _PUBLISHED.get(str(query.get("namespace") or ""), ())
    return next((unit for pattern, unit in patterns if re.fullmatch(pattern, name)), "")


def in_unit(value: float, unit: str = "", digits: int = DIGITS) -> str:
    """A figure for people, in its unit: C(41.2 %), C(84 ms), C(1.2 GB/s), C(1,230)."""
    plain, per_second = unit.removesuffix("/Second"), "/s" if unit.endswith("/Second") else ""
    if plain in ("", "None", COUNT):
        return rounded(value, digits) + per_second
    if plain == PERCENT:
        return f"{rounded(value, digits)} %"
    if plain in _TIMES:
        return _time(value * _TIMES[plain], digits)
    size = _SIZE.fullmatch(plain)
    if size is None:
        return f"{rounded(value, digits)} {plain}{per_second}"
    return _size(value * _FACTORS[size[1]], "B" if size[2].lower() == "bytes" else "bit", digits) + per_second


def told_apart(values: Sequence[float], unit: str = "") -> list[str]:
    """Figures in their unit, with so many digits that different ones look different, as along an axis."""
    for digits in range(DIGITS, DIGITS + 6):
        words = [in_unit(value, unit, digits) for value in values]
        if len(set(words)) == len(set(values)):
            break
    return words if values else []


def rounded(value: float, digits: int = DIGITS) -> str:
    """A number for people: three digits that count, and all those before the point, in groups of three."""
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e9:
        return f"{value:.{digits}g}"
    after = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{after}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def difference(value: float, unit: str = "") -> str:
    """A figure that is a difference, with its sign."""
    return f"+{in_unit(value, unit)}" if value > 0 else in_unit(value, unit)


def share(value: float) -> str:
    """A share as people say it: C(+10 %) for 0.1."""
    return difference(100 * value, PERCENT)


def _time(seconds: float, digits: int) -> str:
    for factor, name in ((1.0, "s"), (1e-3, "ms")):
        if abs(seconds) >= factor:
            return f"{rounded(seconds / factor, digits)} {name}"
    return f"{rounded(seconds / 1e-6, digits)} µs" if seconds else "0 s"


def _size(value: float, name: str, digits: int) -> str:
    for factor, prefix in _STEPS:
        if abs(value) >= factor:
            return f"{rounded(value / factor, digits)} {prefix}{name}"
    return f"{rounded(value, digits)} {name}"
