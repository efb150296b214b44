# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that somebody sent with PutMetricData."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

from tests.sandbox.cloudwatch import validation as check
from tests.sandbox.cloudwatch.series import Column, MetricKey, Moments
from tests.sandbox.cloudwatch.statistics import Samples, StatisticSet
from tests.sandbox.errors import not_modelled

MOST_METRICS_A_CALL = 1000
MOST_VALUES_A_DATUM = 150


class StoredMetric:
    """One metric in one unit: samples by their time stamp."""

    def __init__(self, unit: str) -> None:
        """Begin without samples."""
        self.unit = unit
        self._at: list[int] = []
        self._samples: dict[int, Samples] = {}

    def add(self, at: int, samples: Samples) -> None:
        """Keep samples published for a time stamp (epoch seconds)."""
        held = self._samples.get(at)
        if held is None:
            self._at.insert(bisect_left(self._at, at), at)
            self._samples[at] = samples
        else:
            held.values += samples.values
            held.counted += samples.counted
            held.sets += samples.sets

    @property
    def newest(self) -> int:
        """Return the latest time stamp."""
        return self._at[-1]

    def columns(self, start: int, end: int, now: float) -> Iterator[Column]:
        """Return the samples with time stamps from ``start`` on and before ``end``."""
        low, high = bisect_left(self._at, start), bisect_left(self._at, end)
        yield Moments([(at, self._samples[at]) for at in self._at[low:high]])


def _samples(datum: Mapping[str, Any], prefix: str) -> Samples:
    """Return what one MetricDatum holds: a Value, Values with Counts, or StatisticValues."""
    given = [name for name in ("Value", "Values", "StatisticValues") if datum.get(name) is not None]
    if len(given) > 1:
        raise check.combination(
            f"The parameters {prefix}.{given[0]} and {prefix}.{given[1]} are mutually exclusive and you have "
            "specified both."
        )
    if not given:
        raise check.missing(f"At least one of the parameters must be specified: {prefix}.Value.")
    if given == ["Value"]:
        return Samples(values=[check.number(datum["Value"], f"{prefix}.Value")])
    if given == ["Values"]:
        values = [check.number(value, f"{prefix}.Values") for value in datum["Values"]]
        counts = [
            check.number(value, f"{prefix}.Counts") for value in datum.get("Counts") or [1.0] * len(values)
        ]
        if len(counts) != len(values):
            raise check.invalid(
                f"The parameters {prefix}.Values and {prefix}.Counts must be of the same size."
            )
        if not values or len(values) > MOST_VALUES_A_DATUM:
            raise check.invalid(
                f"The collection {prefix}.Values must have 1 to {MOST_VALUES_A_DATUM} values."
            )
        return Samples(counted=list(zip(values, counts, strict=True)))
    summary = datum["StatisticValues"]
    parts = []
    for name in ("SampleCount", "Sum", "Minimum", "Maximum"):
        if summary.get(name) is None:
            raise check.missing(f"The parameter {prefix}.StatisticValues.{name} is required.")
        parts.append(check.number(summary[name], f"{prefix}.StatisticValues.{name}"))
    if parts[2] > parts[3] or parts[0] <= 0:
        raise check.invalid(f"The values for parameter {prefix}.StatisticValues are inconsistent.")
    return Samples(sets=[StatisticSet(*parts)])


class Store:
    """All metrics that were sent."""

    def __init__(self) -> None:
        """Begin without metrics."""
        self._metrics: dict[MetricKey, dict[str, StoredMetric]] = {}

    def put(self, parameters: Mapping[str, Any], now: float) -> dict[str, Any]:
        """PutMetricData: all or nothing.

        A time stamp may be two weeks old and two hours ahead; with StorageResolution 1 it keeps its
        second, with 60 (the default) its minute.
        """
        if parameters.get("EntityMetricData"):
            raise not_modelled("metrics with entities")
        namespace = check.name_without_control_characters(parameters.get("Namespace"), "Namespace")
        if namespace.startswith(("AWS/", ":")):
            raise check.invalid(f"The value {namespace} for parameter Namespace is invalid.")
        data = parameters.get("MetricData") or []
        if not data:
            raise check.missing("The parameter MetricData is required.")
        if len(data) > MOST_METRICS_A_CALL:
            raise check.invalid(
                f"The collection MetricData must not have a size greater than {MOST_METRICS_A_CALL}."
            )
        ready = []
        for index, datum in enumerate(data, 1):
            prefix = f"MetricData.member.{index}"
            name = check.name_without_control_characters(datum.get("MetricName"), f"{prefix}.MetricName")
            key = MetricKey(
                namespace, name, check.dimensions(datum.get("Dimensions"), f"{prefix}.Dimensions")
            )
            at = now
            if datum.get("Timestamp") is not None:
                at = check.epoch(datum["Timestamp"], f"{prefix}.Timestamp")
            if not now - 14 * 86400 <= at <= now + 2 * 3600:
                raise check.invalid(
                    f"The parameter {prefix}.Timestamp must specify a time no more than two weeks in the past "
                    "and no more than two hours in the future."
                )
            resolution = int(datum.get("StorageResolution") or 60)
            if resolution not in (1, 60):
                raise check.invalid(
                    f"The value {resolution} for parameter {prefix}.StorageResolution is not supported: 1 or 60."
                )
            unit = check.unit(datum.get("Unit"), f"{prefix}.Unit") or "None"
            ready.append((key, unit, int(at // resolution * resolution), _samples(datum, prefix)))
        for key, unit, stamp, samples in ready:
            self._metrics.setdefault(key, {}).setdefault(unit, StoredMetric(unit)).add(stamp, samples)
        return {}

    def find(self, key: MetricKey) -> list[StoredMetric]:
        """Return the metric of this key in all its units."""
        return list(self._metrics.get(key, {}).values())

    def keys(self, since: float) -> Iterator[MetricKey]:
        """Return the keys of metrics that have data since then (epoch seconds)."""
        for key, units in self._metrics.items():
            if any(metric.newest >= since for metric in units.values()):
                yield key
