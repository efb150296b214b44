# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What load balancers publish of the requests to their targets, once a minute.

"CloudWatch metrics for your Application Load Balancer" and "... for your Classic Load Balancer": a
metric is not reported when there is nothing to report, counts of requests are one sample of value 1 a
request, TargetResponseTime has a sample a request, in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.sandbox.cloudwatch.series import Column, MetricKey, Moments
from tests.sandbox.cloudwatch.statistics import Samples, StatisticSet
from tests.sandbox.metrics.published import Instance, Snapshot, assemble

ALB = "AWS/ApplicationELB"
CLASSIC = "AWS/ELB"
_MINUTE = 60
#: The moments of a minute at which a load balancer counts its healthy targets.
_LOOKS = range(0, _MINUTE, 10)


@dataclass(frozen=True)
class _Service:
    """A stretch of time in which an instance was a healthy target, and got C(load) times its own requests."""

    instance: Instance
    since: float
    until: float
    load: float = 1.0


def _merged(services: Sequence[_Service]) -> list[_Service]:
    """Join overlapping stretches of an instance, which may be in several target groups.

    Where weights share requests out, each target group gives it requests of its own.
    """
    result: list[_Service] = []
    for service in sorted(services, key=lambda one: (one.instance.instance_id, one.since)):
        last = result[-1] if result else None
        same = last and last.instance.instance_id == service.instance.instance_id
        if last and same and service.since <= last.until and last.load == service.load == 1.0:
            result[-1] = _Service(last.instance, last.since, max(last.until, service.until))
        else:
            result.append(service)
    return result


@dataclass(frozen=True)
class _Traffic:
    """The requests of one minute."""

    requests: float
    errors: float
    latencies: list[tuple[float, float]]
    healthy: list[int]


def _ticks(service: _Service, signal: Callable[[int], Sequence[float]], at: int) -> list[float]:
    since, until = max(at, service.since), min(at + _MINUTE, service.until)
    values = assemble(signal, service.instance.behaviour.resolution, since, until, until)[1]
    return values if service.load == 1.0 else [value * service.load for value in values]


def _latencies(service: _Service, at: int) -> Iterator[tuple[float, float]]:
    since, until = max(at, service.since), min(at + _MINUTE, service.until)
    resolution = service.instance.behaviour.resolution
    _, values = assemble(service.instance.latencies, resolution, since, until, until)
    for some, count in zip(values, _ticks(service, service.instance.requests, at), strict=True):
        for value in some if count else ():
            yield value, count / len(some)


def _healthy_at(services: Sequence[_Service], moment: float) -> int:
    return len({s.instance.instance_id for s in services if s.since <= moment < s.until})


def _ones(count: float) -> Samples | None:
    """Return one sample of value 1 for each request, or None: zero is not reported."""
    count = round(count)
    return Samples(sets=[StatisticSet(count, count, 1.0, 1.0)]) if count else None


Reading = Callable[[Sequence[_Service], int], "Samples | None"]


def _count_of(signal: Callable[[Instance], Callable[[int], Sequence[float]]]) -> Reading:
    def reading(services: Sequence[_Service], at: int) -> Samples | None:
        return _ones(sum(sum(_ticks(service, signal(service.instance), at)) for service in services))

    return reading


def _requests(services: Sequence[_Service], at: int) -> float:
    return sum(sum(_ticks(service, service.instance.requests, at)) for service in services)


def _errors(services: Sequence[_Service], at: int) -> float:
    return sum(sum(_ticks(service, service.instance.errors, at)) for service in services)


def _good(services: Sequence[_Service], at: int) -> Samples | None:
    return _ones(_requests(services, at) - _errors(services, at))


def _per_target(services: Sequence[_Service], at: int) -> Samples | None:
    targets = len({s.instance.instance_id for s in services if s.since < at + _MINUTE and at < s.until})
    return Samples(values=[_requests(services, at) / targets]) if targets else None


def _response_time(services: Sequence[_Service], at: int) -> Samples | None:
    counted = [pair for service in services for pair in _latencies(service, at)]
    return Samples(counted=counted) if counted else None


def _healthy_hosts(services: Sequence[_Service], at: int) -> Samples | None:
    if all(service.since >= at + _MINUTE for service in services):
        return None
    return Samples(values=[float(_healthy_at(services, at + look)) for look in _LOOKS])


@dataclass(frozen=True)
class LoadBalancerMetric:
    """A metric of a load balancer or of one of its target groups."""

    unit: str
    services: Sequence[_Service]
    reading: Reading

    def columns(self, start: int, end: int, now: float) -> Iterator[Column]:
        if not self.services:
            return
        born = math.floor(min(service.since for service in self.services) / _MINUTE) * _MINUTE
        first = max(math.ceil(start / _MINUTE) * _MINUTE, born)
        points = []
        for at in range(first, math.ceil(min(end, now - _MINUTE + 1)), _MINUTE):
            near = [s for s in self.services if s.since < at + _MINUTE]
            samples = self.reading(near, at)
            if samples is not None:
                points.append((at, samples))
        yield Moments(points, _MINUTE)


_LB, _LB_TG, _TG = (
    frozenset({"LoadBalancer"}),
    frozenset({"LoadBalancer", "TargetGroup"}),
    frozenset({"TargetGroup"}),
)
_NAME = frozenset({"LoadBalancerName"})

#: (namespace, metric name) -> unit, how a minute is read, and which sets of dimensions it has.
METRICS: dict[tuple[str, str], tuple[str, Reading, tuple[frozenset[str], ...]]] = {
    (ALB, "RequestCount"): ("Count", _count_of(lambda one: one.requests), (_LB, _LB_TG)),
    (ALB, "HTTPCode_Target_2XX_Count"): ("Count", _good, (_LB, _LB_TG)),
    (ALB, "HTTPCode_Target_5XX_Count"): ("Count", _count_of(lambda one: one.errors), (_LB, _LB_TG)),
    (ALB, "TargetResponseTime"): ("Seconds", _response_time, (_LB, _LB_TG)),
    (ALB, "RequestCountPerTarget"): ("None", _per_target, (_TG, _LB_TG)),
    (ALB, "HealthyHostCount"): ("Count", _healthy_hosts, (_LB_TG,)),
    (CLASSIC, "RequestCount"): ("Count", _count_of(lambda one: one.requests), (_NAME,)),
    (CLASSIC, "HTTPCode_Backend_2XX"): ("Count", _good, (_NAME,)),
    (CLASSIC, "HTTPCode_Backend_5XX"): ("Count", _count_of(lambda one: one.errors), (_NAME,)),
    (CLASSIC, "Latency"): ("Seconds", _response_time, (_NAME,)),
    (CLASSIC, "HealthyHostCount"): ("Count", _healthy_hosts, (_NAME,)),
}


def _target_dimension(target: str) -> str | None:
    """Return the TargetGroup dimension of a target group's ARN, or None for a classic load balancer."""
    return target.rsplit(":", 1)[-1] if target.startswith("arn:") else None


def services_of(snapshot: Snapshot, key: MetricKey) -> list[_Service]:
    """Return when which instances served what these dimensions say."""
    found = []
    classic = key.namespace == CLASSIC
    target_group, load_balancer = key.dimension("TargetGroup"), key.dimension("LoadBalancer")
    for interval in snapshot.intervals:
        group = _target_dimension(interval.target)
        if classic:
            wanted = group is None and interval.target == key.dimension("LoadBalancerName")
        else:
            wanted = (
                group is not None
                and target_group in (None, group)
                and (load_balancer is None or load_balancer in interval.load_balancers)
            )
        instance = snapshot.instances.get(interval.instance_id)
        if wanted and instance is not None:
            until = math.inf if interval.healthy_until is None else interval.healthy_until
            found.append(_Service(instance, interval.healthy_from, until, interval.load))
    return _merged(found)


def load_balancer_metric(snapshot: Snapshot, key: MetricKey) -> LoadBalancerMetric | None:
    """Return the metric of this key, or None if there is none."""
    known = METRICS.get((key.namespace, key.name))
    if known is None or key.dimension_names not in known[2]:
        return None
    services = services_of(snapshot, key)
    return LoadBalancerMetric(known[0], services, known[1]) if services else None


def load_balancer_keys(snapshot: Snapshot, since: float) -> Iterator[MetricKey]:
    """Return the keys of all metrics that load balancers have published since then (epoch seconds)."""
    places: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for interval in snapshot.intervals:
        if interval.healthy_until is not None and interval.healthy_until < since:
            continue
        group = _target_dimension(interval.target)
        if group is None:
            places.add((CLASSIC, (("LoadBalancerName", interval.target),)))
            continue
        for load_balancer in interval.load_balancers:
            places.add((ALB, (("LoadBalancer", load_balancer),)))
            places.add((ALB, (("LoadBalancer", load_balancer), ("TargetGroup", group))))
            places.add((ALB, (("TargetGroup", group),)))
    for namespace, dimensions in sorted(places):
        for (space, metric), (_, _, sets) in METRICS.items():
            key = MetricKey(namespace, metric, dimensions)
            if space == namespace and key.dimension_names in sets:
                yield key
