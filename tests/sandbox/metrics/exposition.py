# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the instances' own software tells Prometheus, in its text format, as their AMI's behaviour says.

One page for all instances, as an exporter in front of them has it; each sample has its instance's ids as labels.
"Exposition formats", https://prometheus.io/docs/instrumenting/exposition_formats/: a line of TYPE before a metric's
samples, a line feed at the end, counters that only rise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from tests.sandbox.metrics.published import Instance, Snapshot, assemble

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(snapshot: Snapshot, now: float) -> str:
    """Return the page as it is at a moment (epoch seconds). Instances that do not serve are not on it."""
    serving = [
        one
        for one in snapshot.instances.values()
        if one.record.in_service_at is not None and one.record.in_service_at <= now < one.quiet
    ]
    return "".join(f"{line}\n" for line in _lines(serving, now))


def _lines(serving: list[Instance], now: float) -> Iterator[str]:
    yield "# TYPE shop_requests_total counter"
    for one in serving:
        yield f"shop_requests_total{_labels(one)} {_total(one, one.requests, now)!r}"
    yield "# TYPE shop_errors_total counter"
    for one in serving:
        yield f"shop_errors_total{_labels(one)} {_total(one, one.errors, now)!r}"
    yield "# TYPE shop_latency_seconds gauge"
    for one in serving:
        latencies = _latest(one, one.latencies, now)
        if latencies:
            yield f"shop_latency_seconds{_labels(one)} {math.fsum(latencies) / len(latencies)!r}"


def _labels(one: Instance) -> str:
    values = {
        "instance_id": one.instance_id,
        "autoscaling_group": one.record.group_name or "",
        "image_id": one.record.image_id,
    }
    return "{" + ",".join(f'{name}="{value}"' for name, value in values.items()) + "}"


def _total(one: Instance, signal: Callable[[int], list[float]], now: float) -> float:
    """What has been counted since the instance came into service."""
    since = one.record.in_service_at
    assert since is not None
    return math.fsum(assemble(signal, one.behaviour.resolution, since, now, now)[1])


def _latest(one: Instance, signal: Callable[[int], list[list[float]]], now: float) -> list[float]:
    """What the last tick that is over had."""
    __, ticks = assemble(signal, one.behaviour.resolution, now - 2 * one.behaviour.resolution, now, now)
    return list(ticks[-1]) if ticks else []
