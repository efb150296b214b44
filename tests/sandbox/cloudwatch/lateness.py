# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data that arrive late and in parts: what CloudWatch knows of its newest periods is not all that there will be.

AWS says of no metric when it is complete. An Application Load Balancer's "for the recent minute can be incomplete and
volatile depending on the timing of polling", so that Netflix's atlas waits two minutes (Netflix/atlas 1300); of a
classic one, whose nodes report each for itself, "roughly half" is seen (zalando-zmon/zmon-docs 62).

A sample arrives at its own moment within the setting ``completing_seconds`` after it was published. What stands for
many requests, as a load balancer's minute, arrives in thirds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from tests.sandbox.cloudwatch.series import Column, MetricKey, Moments, Values
from tests.sandbox.cloudwatch.statistics import Samples, StatisticSet

#: So many publishers' shares a minute's summary is made of.
_PARTS = 3


def arrived(columns: Iterable[Column], key: MetricKey, now: float, completing: float) -> Iterator[Column]:
    """Return of the columns what has arrived by ``now`` (epoch seconds), which takes up to ``completing`` seconds."""
    for number, column in enumerate(columns):
        moments: list[tuple[int, Samples]] = []
        if isinstance(column, Values):
            stamps = range(column.first, column.first + len(column.values) * column.step, column.step)
            for at, value in zip(stamps, column.values, strict=True):
                if all(_parts(key, number, at, now - at - column.step, completing, 1)):
                    moments.append((at, Samples(values=[value])))
        else:
            for at, samples in column.at:
                parts = _parts(key, number, at, now - at - column.step, completing, _PARTS)
                if any(parts):
                    moments.append((at, samples if all(parts) else _some(samples, parts)))
        yield Moments(moments, column.step)


def _parts(
    key: MetricKey, column: int, at: int, since: float, completing: float, parts: int
) -> tuple[bool, ...]:
    """Return which parts of a sample are there, so many seconds after it was published."""
    if since >= completing:
        return (True,) * parts
    chance = Random(f"{key.namespace}:{key.name}:{key.dimensions}:{column}:{at}")
    return tuple(since >= completing * (part + chance.random()) / parts for part in range(parts))


def _some(samples: Samples, parts: tuple[bool, ...]) -> Samples:
    share = sum(parts) / len(parts)
    return Samples(
        values=[value for number, value in enumerate(samples.values) if parts[number % len(parts)]],
        counted=[(value, share * count) for value, count in samples.counted],
        sets=[
            StatisticSet(share * one.count, share * one.total, one.minimum, one.maximum)
            for one in samples.sets
        ],
    )
