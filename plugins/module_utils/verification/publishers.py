# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which series a metric has: from groups and placeholders to requests, and from answers to evidence. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..aws.cloudwatch import TimeSeries
from ..judging.datapoints import Series
from ..judging.metrics import COUNT, Metric

CLASSIC_NAMESPACE = "AWS/ELB"


@dataclass(frozen=True)
class Presence:
    """How long an instance has been in service within the window: from C(since) to C(until), epoch seconds.

    C(zone) and C(instance_type) are empty where they are not known.
    """

    since: float
    until: float
    zone: str = ""
    instance_type: str = ""


@dataclass(frozen=True)
class Subject:
    """One group whose metrics are judged, or compared with.

    C(instances) are those that were in service at some time of the window, with the time they were.
    C(load_balancers) are the ARNs of the load balancers behind each of its target groups' ARNs.
    """

    group: str
    instances: Mapping[str, Presence] = field(default_factory=dict)
    target_group_arns: tuple[str, ...] = ()
    load_balancers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    load_balancer_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """One publisher of a metric: values for the placeholders, and how it is called in words."""

    name: str
    values: Mapping[str, str]
    group: str
    instance_id: str = ""
    presence: Presence | None = None


def target_group_dimension(arn: str) -> str:
    """CloudWatch's TargetGroup dimension: the end of the ARN, C(targetgroup/name/id)."""
    return arn.rpartition(":")[2]


def load_balancer_dimension(arn: str) -> str:
    """CloudWatch's LoadBalancer dimension: the end of the ARN, C(app/name/id)."""
    return arn.rpartition(":")[2].removeprefix("loadbalancer/")


def members(metric: Metric, subjects: Sequence[Subject]) -> list[Member]:
    """The publishers of a metric among the groups; none where a group lacks what a placeholder stands for.

    Groups that share a target group or a load balancer have one member for it, not two.
    """
    found: dict[tuple[tuple[str, str], ...], Member] = {}
    used = metric.placeholders
    for subject in subjects:
        for member in _members_of(metric, subject):
            values = {name: value for name, value in member.values.items() if name in used}
            found.setdefault(tuple(sorted(values.items())), member)
    return list(found.values())


def _members_of(metric: Metric, subject: Subject) -> Iterator[Member]:
    instances: Iterable[tuple[str, Presence | None]] = [("", None)]
    if "instance_id" in metric.placeholders:
        instances = subject.instances.items()
    for instance_id, presence in instances:
        for places in _places(metric, subject):
            words = [instance_id, *(_short(place) for place in places.values())]
            name = " ".join(word for word in words if word)
            if not name and "group" in metric.placeholders:
                name = subject.group
            yield Member(
                name=name or metric.name,
                values={"group": subject.group, "instance_id": instance_id, **places},
                group=subject.group,
                instance_id=instance_id,
                presence=presence,
            )


def _short(dimension: str) -> str:
    """The name within C(targetgroup/name/id) or C(app/name/id)."""
    parts = dimension.split("/")
    return parts[1] if len(parts) == 3 else dimension


def _places(metric: Metric, subject: Subject) -> Iterator[dict[str, str]]:
    """The load balancers and target groups that a metric wants, in the combinations that exist."""
    wanted = metric.placeholders & {"target_group", "load_balancer"}
    if not wanted:
        yield {}
    elif any(query.namespace == CLASSIC_NAMESPACE for query in metric.queries):
        if wanted == {"load_balancer"}:
            yield from ({"load_balancer": name} for name in subject.load_balancer_names)
    elif wanted == {"target_group"}:
        yield from ({"target_group": target_group_dimension(arn)} for arn in subject.target_group_arns)
    else:
        for arn in subject.target_group_arns:
            for balancer in subject.load_balancers.get(arn, ()):
                place = {"load_balancer": load_balancer_dimension(balancer)}
                if "target_group" in wanted:
                    place["target_group"] = target_group_dimension(arn)
                yield place


def series_of(
    metric: Metric,
    member: Member,
    points: Sequence[tuple[float, float]],
    window: tuple[float, float],
    *,
    label: str = "",
    error: str = "",
    filled_until: float = 0.0,
    published: Collection[float] = (),
) -> Series:
    """What a member published in the window (epoch seconds, aligned to the period, the end exclusive).

    Periods in which an instance was not in service from beginning to end are left out: what it did while it
    started or stopped says nothing about how it works. Periods without a datapoint that begin before
    C(filled_until) get the metric's C(fill), where it has one: from the first to the last period in which it has a
    datapoint, or is C(published) beside it what shows that its publisher is there.
    """
    start, end = window
    period = metric.period
    if member.presence:
        start += max(0, -((start - member.presence.since) // period)) * period
        end = min(end, start + max(0, (member.presence.until - start) // period) * period)
    kept = {moment: value for moment, value in points if start <= moment < end}
    there = {*kept, *(moment for moment in published if start <= moment < end)}
    if metric.fill is not None and there:
        moment = min(there)
        while moment <= max(there) and moment < filled_until:
            kept.setdefault(moment, metric.fill)
            moment += period
    return Series(
        member=label or member.name,
        points=tuple(sorted(kept.items())),
        start=start,
        end=max(start, end),
        group=member.group,
        instance_id=member.instance_id,
        error=error,
        zone=member.presence.zone if member.presence else "",
        instance_type=member.presence.instance_type if member.presence else "",
        counts=tuple((moment, value, 1.0) for moment, value in sorted(kept.items()))
        if metric.kind == COUNT
        else (),
    )


def of_parts(
    metric: Metric,
    member: Member,
    answers: Sequence[Sequence[TimeSeries]],
    window: tuple[float, float],
    filled_until: float,
) -> list[Series]:
    """The series of a member, by what each of the metric's parts was answered with."""
    # A request without any data may be answered with no series at all; the member is there.
    parts = [answer or (TimeSeries(label=""),) for answer in answers]
    published: list[float] = []
    trouble = ""
    if metric.publisher and not metric.exposed:
        *parts, companion = parts
        published = [moment for one in companion for moment, __ in one.points]
        trouble = next((one.error for one in companion if one.error), "")
    several = [
        [
            series_of(
                metric,
                member,
                line.points,
                window,
                label=line.label if len(part) > 1 else "",
                error=line.error or trouble,
                filled_until=filled_until,
                published=published,
            )
            for line in part
        ]
        for part in parts
    ]
    if len(several) == 1:
        return several[0]
    return [counted(metric, *both) for both in zip(*several, strict=False)]


def counted(metric: Metric, number: Series, exposure: Series) -> Series:
    """A series of a rate, or of a count with an exposure, of the two that its source has.

    Where CloudWatch has an exposure and no number, there were none: whatever publishes the one is there, and counts
    that are zero are often not published. That is so where the one's dimensions are the other's, or the number was
    published at any time; other dimensions may be wrong. Other sources have a query for each, and one that finds
    nothing may be wrong too.
    """
    numbers = dict(number.points)
    zero = not metric.elsewhere and (metric.beside or bool(numbers))
    counts = tuple(
        (moment, numbers.get(moment, 0.0), value)
        for moment, value in exposure.points
        if moment in numbers or zero
    )
    if metric.kind == COUNT:
        points = tuple((moment, value) for moment, value, __ in counts)
    else:
        points = tuple((moment, 100 * value / of) for moment, value, of in counts if of)
    return replace(exposure, points=points, counts=counts, error=number.error or exposure.error)
