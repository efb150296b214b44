# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What running instances publish by themselves, as their AMI's behaviour says.

EC2's own metrics ("List the available CloudWatch metrics for your instances", Amazon EC2 User Guide),
the CloudWatch agent's (namespace CWAgent), and those of the application on them (namespace Shop).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeVar

from tests.sandbox.cloudwatch.series import Column, MetricKey, Moments, Values
from tests.sandbox.cloudwatch.statistics import Samples
from tests.sandbox.metrics import signals as signals
from tests.sandbox.metrics.demand import Share
from tests.sandbox.metrics.signals import BLOCK, Behaviour

if TYPE_CHECKING:
    from tests.sandbox.world import InstanceRecord, TargetInterval, World

T = TypeVar("T")

#: The namespace of the metrics that the pretend application sends.
APPLICATION = "Shop"
AGENT = "CWAgent"
EC2 = "AWS/EC2"


def assemble(
    block_of: Callable[[int], Sequence[T]], resolution: int, start: float, end: float, until: float
) -> tuple[int, list[T]]:
    """Return the first time stamp and the values of the ticks that begin in [start, end) and are over.

    A tick is over, and its sample published, when ``until`` (epoch seconds) has reached its end.
    """
    first = math.ceil(start / resolution)
    last = min(math.ceil(end / resolution), math.floor(until / resolution))
    values: list[T] = []
    tick = first
    while tick < last:
        block, offset = divmod(tick, BLOCK)
        following = min(last, (block + 1) * BLOCK)
        values += block_of(block)[offset : offset + following - tick]
        tick = following
    return first * resolution, values


@dataclass(frozen=True)
class Instance:
    """An instance with its behaviour and the times in which it publishes."""

    record: InstanceRecord
    behaviour: Behaviour
    #: Its share of a load that is shared, where one is.
    share: Share | None = None

    @property
    def instance_id(self) -> str:
        return self.record.instance_id

    @property
    def ended(self) -> float:
        """Return when it was terminated, or never."""
        return math.inf if self.record.terminated_at is None else self.record.terminated_at

    @property
    def quiet(self) -> float:
        """Return when its own software falls silent (its end, or ``stop_after``)."""
        if self.behaviour.stop_after is None:
            return self.ended
        since = self.record.in_service_at
        if since is None:
            since = self.record.launched_at
        return min(self.ended, since + self.behaviour.stop_after)

    def _shared(self, block: int, values: list[float]) -> list[float]:
        if self.share is None:
            return values
        resolution = self.behaviour.resolution
        first = block * BLOCK * resolution
        return [value * self.share(first + tick * resolution) for tick, value in enumerate(values)]

    def cpu(self, block: int) -> list[float]:
        values = signals.cpu_block(self.instance_id, self.behaviour, self.behaviour.resolution, block)
        return [min(100.0, value) for value in self._shared(block, values)]

    def memory(self, block: int) -> list[float]:
        resolution = self.behaviour.resolution
        return signals.memory_block(
            self.instance_id, self.behaviour, self.record.launched_at, resolution, block
        )

    def _traffic(self, block: int, which: int) -> list[float]:
        values = signals.traffic_block(self.instance_id, self.behaviour, self.behaviour.resolution, block)[
            which
        ]
        return values if self.share is None else [float(round(one)) for one in self._shared(block, values)]

    def requests(self, block: int) -> list[float]:
        return self._traffic(block, 0)

    def errors(self, block: int) -> list[float]:
        return self._traffic(block, 1)

    def latencies(self, block: int) -> list[list[float]]:
        return signals.latency_block(self.instance_id, self.behaviour, self.behaviour.resolution, block)


class Snapshot:
    """The instances and targets of the world at this moment, by what metrics are asked for."""

    def __init__(self, world: World) -> None:
        """Look at the world once; cheap enough for each request."""
        self.instances: dict[str, Instance] = {}
        self.groups: dict[str, list[Instance]] = {}
        self.images: dict[str, list[Instance]] = {}
        self.types: dict[str, list[Instance]] = {}
        numbers: dict[str, int] = {}
        behaviours: dict[tuple[str, bool, bool], Behaviour] = {}
        records = world.instance_records()
        shares = world.demand.shares(records)
        for record in records:
            number = numbers.get(record.image_id, 0)
            numbers[record.image_id] = number + 1
            image = world.images.get(record.image_id, {})
            detailed = _monitored_in_detail(world, record.instance_id)
            kind = record.image_id, signals.is_bad_one(image, number), detailed
            if kind not in behaviours:
                behaviour = signals.behaviour_of(image, number)
                behaviours[kind] = replace(behaviour, detailed_monitoring=True) if detailed else behaviour
            instance = Instance(record, behaviours[kind], shares.get(record.instance_id))
            self.instances[record.instance_id] = instance
            self.images.setdefault(record.image_id, []).append(instance)
            self.types.setdefault(record.instance_type, []).append(instance)
            if record.group_name is not None:
                self.groups.setdefault(record.group_name, []).append(instance)
        self._world = world

    @cached_property
    def intervals(self) -> list[TargetInterval]:
        """Return the times in which targets were healthy."""
        return list(self._world.target_intervals())


def _monitored_in_detail(world: World, instance_id: str) -> bool:
    """Return whether the instance was launched with detailed monitoring, or has been given it since."""
    ec2 = world.autoscaling.ec2_instance(instance_id)
    return ec2 is not None and str(ec2.monitoring_state).lower() == "enabled"


def _life(instance: Instance) -> tuple[float, float]:
    return instance.record.launched_at, instance.ended


def _agent_life(instance: Instance) -> tuple[float, float]:
    return instance.record.launched_at, instance.quiet


def _service_life(instance: Instance) -> tuple[float, float]:
    since = instance.record.in_service_at
    return (math.inf if since is None else since), instance.quiet


@dataclass(frozen=True)
class SampledMetric:
    """One sample per tick and instance."""

    unit: str
    instances: Sequence[Instance]
    signal: Callable[[Instance], Callable[[int], Sequence[float]]]
    life: Callable[[Instance], tuple[float, float]]

    def columns(self, start: int, end: int, now: float) -> Iterator[Column]:
        for instance in self.instances:
            born, gone = self.life(instance)
            resolution = instance.behaviour.resolution
            if max(start, born) >= min(end, gone):
                continue
            first, values = assemble(self.signal(instance), resolution, max(start, born), end, min(now, gone))
            if values:
                yield Values(first, resolution, values)


@dataclass(frozen=True)
class LatencyMetric:
    """A latency per request, some of them standing for all."""

    unit: str
    instances: Sequence[Instance]

    def columns(self, start: int, end: int, now: float) -> Iterator[Column]:
        for instance in self.instances:
            born, gone = _service_life(instance)
            resolution = instance.behaviour.resolution
            if max(start, born) >= min(end, gone):
                continue
            at = max(start, born)
            first, latencies = assemble(instance.latencies, resolution, at, end, min(now, gone))
            _, requests = assemble(instance.requests, resolution, at, end, min(now, gone))
            points = []
            for number, (values, count) in enumerate(zip(latencies, requests, strict=True)):
                if not values:
                    continue
                if count == len(values):
                    samples = Samples(values=values)
                else:
                    weight = count / len(values)
                    samples = Samples(counted=[(value, weight) for value in values])
                points.append((first + number * resolution, samples))
            yield Moments(points, resolution)


@lru_cache(maxsize=8192)
def _mean_cpu(instance_id: str, behaviour: Behaviour, at: int, period: int) -> float:
    resolution = behaviour.resolution
    _, values = assemble(
        lambda block: signals.cpu_block(instance_id, behaviour, resolution, block),
        resolution,
        at,
        at + period,
        at + period,
    )
    return sum(values) / len(values)


@lru_cache(maxsize=8192)
def _total_requests(instance_id: str, behaviour: Behaviour, at: int, period: int) -> float:
    resolution = behaviour.resolution
    _, values = assemble(
        lambda block: signals.traffic_block(instance_id, behaviour, resolution, block)[0],
        resolution,
        at,
        at + period,
        at + period,
    )
    return sum(values)


#: Bytes of a request and of its answer, for NetworkIn and NetworkOut.
_BYTES_IN, _BYTES_OUT = 2_000, 20_000


def _cpu_utilization(instance: Instance, at: int, period: int) -> float:
    if instance.share is None:
        return _mean_cpu(instance.instance_id, instance.behaviour, at, period)
    _, values = assemble(instance.cpu, instance.behaviour.resolution, at, at + period, at + period)
    return sum(values) / len(values)


def _network(bytes_each: int) -> Callable[[Instance, int, int], float]:
    def value(instance: Instance, at: int, period: int) -> float:
        since = instance.record.in_service_at
        if since is None or at + period <= since:
            return 0.0
        if instance.share is None:
            return bytes_each * _total_requests(instance.instance_id, instance.behaviour, at, period)
        _, values = assemble(instance.requests, instance.behaviour.resolution, at, at + period, at + period)
        return bytes_each * sum(values)

    return value


def _status_check(instance: Instance, at: int, period: int) -> float:
    after = instance.behaviour.status_check_failed_after
    since = instance.record.in_service_at
    return float(after is not None and since is not None and at + period > since + after)


@dataclass(frozen=True)
class HypervisorMetric:
    """What EC2 itself measures: a sample every five minutes, or every minute.

    "Manage detailed monitoring for your EC2 instances": basic monitoring publishes in 5-minute periods,
    detailed monitoring in 1-minute periods; status checks are always there every minute.
    """

    unit: str
    instances: Sequence[Instance]
    value: Callable[[Instance, int, int], float]
    always_each_minute: bool = False

    def columns(self, start: int, end: int, now: float) -> Iterator[Column]:
        for instance in self.instances:
            each_minute = self.always_each_minute or instance.behaviour.detailed_monitoring
            period = 60 if each_minute else 300
            born, gone = _life(instance)
            first = max(math.ceil(start / period), math.floor(born / period)) * period
            stop = min(end, gone, now - period + 1)
            values = [self.value(instance, at, period) for at in range(first, math.ceil(stop), period)]
            if values:
                yield Values(first, period, values)


InstanceMetric = Callable[[Sequence[Instance]], "SampledMetric | LatencyMetric | HypervisorMetric"]

#: (namespace, metric name) -> how to make it for some instances.
INSTANCE_METRICS: dict[tuple[str, str], InstanceMetric] = {
    (AGENT, "cpu_usage_active"): lambda those: SampledMetric(
        "Percent", those, lambda one: one.cpu, _agent_life
    ),
    (AGENT, "mem_used_percent"): lambda those: SampledMetric(
        "Percent", those, lambda one: one.memory, _agent_life
    ),
    (APPLICATION, "Requests"): lambda those: SampledMetric(
        "Count", those, lambda one: one.requests, _service_life
    ),
    (APPLICATION, "Errors"): lambda those: SampledMetric(
        "Count", those, lambda one: one.errors, _service_life
    ),
    (APPLICATION, "Latency"): lambda those: LatencyMetric("Seconds", those),
    (EC2, "CPUUtilization"): lambda those: HypervisorMetric("Percent", those, _cpu_utilization),
    (EC2, "NetworkIn"): lambda those: HypervisorMetric("Bytes", those, _network(_BYTES_IN)),
    (EC2, "NetworkOut"): lambda those: HypervisorMetric("Bytes", those, _network(_BYTES_OUT)),
    **{
        (EC2, name): lambda those: HypervisorMetric("Count", those, _status_check, always_each_minute=True)
        for name in ("StatusCheckFailed", "StatusCheckFailed_Instance")
    },
}


def _detailed(instances: Iterable[Instance]) -> list[Instance]:
    """Return those that are aggregated over images and types: only ones with detailed monitoring are."""
    return [one for one in instances if one.behaviour.detailed_monitoring]


def instances_of(snapshot: Snapshot, key: MetricKey) -> Sequence[Instance]:
    """Return the instances whose samples a metric of these dimensions holds; none if it is nobody's.

    EC2 aggregates by AutoScalingGroupName, and with detailed monitoring by ImageId and InstanceType
    and over all instances; the agent and the application by InstanceId and AutoScalingGroupName.
    """
    if len(key.dimensions) > 1:
        return ()
    if not key.dimensions:
        return _detailed(snapshot.instances.values()) if key.namespace == EC2 else ()
    name, value = key.dimensions[0]
    if name == "InstanceId":
        return [snapshot.instances[value]] if value in snapshot.instances else ()
    if name == "AutoScalingGroupName":
        return snapshot.groups.get(value, ())
    if key.namespace == EC2 and name == "ImageId":
        return _detailed(snapshot.images.get(value, ()))
    if key.namespace == EC2 and name == "InstanceType":
        return _detailed(snapshot.types.get(value, ()))
    return ()


def instance_keys(snapshot: Snapshot, since: float) -> Iterator[MetricKey]:
    """Return the keys of all metrics that instances have published since then (epoch seconds)."""
    lately = [one for one in snapshot.instances.values() if one.ended >= since]
    groups = {one.record.group_name for one in lately} - {None}
    places = [("InstanceId", one.instance_id) for one in lately]
    places += [("AutoScalingGroupName", str(group)) for group in groups]
    detailed = _detailed(lately)
    aggregated = {("ImageId", one.record.image_id) for one in detailed}
    aggregated |= {("InstanceType", one.record.instance_type) for one in detailed}
    for namespace, metric in INSTANCE_METRICS:
        for place in places:
            yield MetricKey(namespace, metric, (place,))
        if namespace == EC2 and detailed:
            yield MetricKey(namespace, metric)
            for place in aggregated:
                yield MetricKey(namespace, metric, (place,))
