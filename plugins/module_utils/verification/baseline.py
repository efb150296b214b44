# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is judged and who is compared with: groups, and when their instances served.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..core.errors import InvalidInput
from ..core.model import Capacity, Group
from ..core.passes import Change, Tell
from ..deployment.progress import DeploymentProgress
from .publishers import Presence, Subject
from .settings import CANARY, NONE, PREVIOUS, Settings

_NO_CAPACITY = Capacity(0, 0, 0)


class Surroundings(Protocol):
    """What verification needs to know of groups, instances and load balancers."""

    def group(self, name: str) -> Group | None:
        """The group of that name, with its instances; None where there is none."""

    def refuse_missing(self, name: str, attempted: str, *, gone: bool) -> None:
        """Refuse a group that is not there; with C(gone) it may have gone since, if its series is there."""

    def outgoing(self, group: Group, *, fresh: bool) -> Sequence[str] | None:
        """The names of the groups that went out, or are to go, for this one; None where it is of no series.

        With C(fresh) that of its fresh baseline in their place, where one serves.
        """

    def instances_of_series(self, name: str) -> Sequence[str]:
        """The instances in service of the series that a group of that name would be of."""

    def history(self, name: str, since: float) -> Mapping[str, tuple[float, float]]:
        """Since when and until when instances of the group served, of those that did at C(since) or later."""

    def revisions(self, name: str) -> Sequence[str]:
        """The groups of the series that a group is of; none where it is of no series."""

    def monitoring(self, instance_ids: Sequence[str]) -> Mapping[str, bool]:
        """Which instances have detailed monitoring, of those of whom that can be found out."""

    def load_balancers(self, target_group_arns: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The ARNs of the load balancers behind each target group."""

    def accept(self, name: str, attempted: str) -> Change | None:
        """Write into the journal that the phase has passed, where this run deploys the group and it was due."""

    def end_baseline(self, name: str, progress: VerificationProgress) -> Change | None:
        """Take away what a canary that has passed was compared with, where this run deploys the group."""

    def watch(self, name: str, progress: VerificationProgress, tell: Tell, attempted: str) -> None:
        """See whether the group of a deployment is still well, and tell what happened in it and the outgoing ones.

        Raises:
            AlarmFired: an alarm that is watched has come into ALARM.
            LaunchFailed: it is not.
        """

    def upkeep(self, name: str, progress: VerificationProgress, attempted: str) -> Change | None:
        """Keep the lease of a deployment that this run verifies, if it needs that now."""


@dataclass(frozen=True)
class Baseline:
    """What a group is compared with: C(groups), or C(nothing), which says why there is nothing.

    C(start) and C(duration) are of an earlier time, in seconds; None where it is the same time.
    """

    groups: tuple[str, ...] = ()
    nothing: str = ""
    start: float | None = None
    duration: float = 0.0

    @property
    def same_time(self) -> bool:
        """Whether both sides are measured over the same minutes."""
        return self.start is None


@dataclass
class VerificationProgress(DeploymentProgress):
    """What a verification keeps from look to look; all times are in seconds since the epoch.

    C(window) is when its window begins, C(next_look) when there are new data, C(next_upkeep) when the lease is looked
    at again, and C(next_watch) the health of the group; C(periods_told) of the finest metric were told. C(instances)
    are those of the group, each with the times from which on it is judged and at which it was last in service;
    C(controls) the same for each group of the baseline, once C(observed), and C(places) the zone and type of each
    instance. C(readings) are the newest datapoints as they were read (C(settling)). C(concluded) is the result, while
    the journal learns of it.
    """

    window: float | None = None
    baseline: Baseline = Baseline()
    plan: list[str] = field(default_factory=list)
    next_look: float = 0.0
    next_upkeep: float = 0.0
    watching: float = 0.0
    watching_told: float = 0.0
    next_watch: float = 0.0
    periods_told: float = 0
    instances: dict[str, list[float]] = field(default_factory=dict)
    controls: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    observed: bool = False
    places: dict[str, list[str]] = field(default_factory=dict)
    readings: dict[str, list[list[float]]] = field(default_factory=dict)
    concluded: dict[str, Any] | None = None

    @property
    def begin(self) -> float:
        """When the window begins, once it is known."""
        return self.window or 0.0


def find_baseline(
    settings: Settings, surroundings: Surroundings, group: Group | None, window: float
) -> Baseline:
    """Find what to compare with; C(window) is when the window of the verification begins.

    Raises:
        InvalidInput: there should be something, and it cannot be told what.
    """
    if settings.strategy == NONE:
        return Baseline(nothing="the strategy is none")
    if not settings.uses_baseline:
        return Baseline(nothing="no metric is compared")
    groups: Sequence[str] | None = settings.baseline_groups
    if not groups:
        # Of a group that does not exist yet it cannot be told.
        # A fresh baseline came up together with the canary, and the others have run for longer.
        fresh = settings.strategy != PREVIOUS
        groups = surroundings.outgoing(group, fresh=fresh) if group else ()
        if group is None:
            return Baseline()
    if groups is None:
        raise InvalidInput(
            [
                f"group {settings.group} is of no series, so that it has no outgoing groups to be compared with;"
                " name baseline_groups, or set strategy to none"
            ]
        )
    if not groups:
        return Baseline(nothing="this is a first deployment")
    serving = settings.retrospective or _anybody_serves(surroundings, groups)
    if settings.strategy == CANARY and not serving:
        raise InvalidInput(
            [
                f"the baseline should have instances and has none: {', '.join(groups)}; after the final phase compare"
                " with an earlier time by strategy previous, or leave the strategy at auto"
            ]
        )
    if settings.strategy != PREVIOUS and serving:
        return Baseline(tuple(groups))
    duration = settings.baseline_window or settings.duration
    start = settings.baseline_start
    if start is None:
        # Before the group was there, the others had all the traffic.
        created = group.described.get("CreatedTime") if group else None
        start = (created.timestamp() if created else window) - duration
        # No metric's window, aligned to its period, is to reach into the time of the new group.
        longest = max(metric.period for metric in settings.metrics)
        start = start // longest * longest
    return Baseline(tuple(groups), start=start, duration=duration)


def _anybody_serves(surroundings: Surroundings, names: Sequence[str]) -> bool:
    found = (surroundings.group(name) for name in names)
    return any(group is not None and group.in_service for group in found)


class Observer:
    """Sees which instances are in service, and remembers in C(progress) since when and until when."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        """Nothing is asked of AWS yet."""
        self._settings = settings
        self._surroundings = surroundings

    def subject(self, group: Group, progress: VerificationProgress, now: float) -> Subject:
        """The group that is judged; one that joins later has a warm-up of its own."""
        return self._seen(group, progress.instances, progress.places, now, now + self._settings.warmup)

    def controls(self, baseline: Baseline, progress: VerificationProgress, now: float) -> list[Subject]:
        """The groups that are compared with, as they are now or were at the baseline's time."""
        found = []
        for name in baseline.groups:
            if not baseline.same_time or self._settings.retrospective:
                start = baseline.start if baseline.start is not None else self._settings.start or 0.0
                found.append(self.in_the_past(name, start))
                continue
            group = self._surroundings.group(name)
            seen = progress.controls.setdefault(name, {})
            # Those that were there at the first look had been serving before.
            since = now + self._settings.warmup if progress.observed else now
            if group is None:
                # What it published while it was there still counts.
                group = Group(name, capacity=_NO_CAPACITY)
            found.append(self._seen(group, seen, progress.places, now, since))
        progress.observed = True
        return found

    def in_the_past(self, name: str, start: float) -> Subject:
        """A group as it was from C(start) on, by its activities."""
        group = self._surroundings.group(name)
        if group is None:
            # Its own metrics may still be there; its instances cannot be found out any more.
            return Subject(name)
        # Of those that are gone nobody tells any more.
        places = {one.instance_id: (one.availability_zone, one.instance_type) for one in group.instances}
        presences = {
            instance_id: Presence(
                since + self._settings.warmup if since else 0.0, until, *places.get(instance_id, ())
            )
            for instance_id, (since, until) in self._surroundings.history(name, start).items()
        }
        return self._subject(group, presences)

    def _seen(
        self,
        group: Group,
        seen: dict[str, list[float]],
        places: dict[str, list[str]],
        now: float,
        since: float,
    ) -> Subject:
        for instance in group.in_service:
            seen.setdefault(instance.instance_id, [since, now])[1] = now
            places[instance.instance_id] = [instance.availability_zone, instance.instance_type]
        return self._subject(
            group,
            {name: Presence(times[0], times[1], *places.get(name, ())) for name, times in seen.items()},
        )

    def _subject(self, group: Group, instances: Mapping[str, Presence]) -> Subject:
        wanted = any("load_balancer" in metric.placeholders for metric in self._settings.metrics)
        return Subject(
            group=group.name,
            instances=instances,
            target_group_arns=group.target_group_arns,
            load_balancers=(
                self._surroundings.load_balancers(group.target_group_arns)
                if wanted and group.target_group_arns
                else {}
            ),
            load_balancer_names=group.load_balancer_names,
        )


def made_up_subject(group: str, instances: int = 1, *, role: int = 0) -> Subject:
    """A stand-in for a group that does not exist yet, for asking CloudWatch whether it understands a query.

    Those of different roles have nothing in common.
    """
    arn = f"arn:aws:elasticloadbalancing:::targetgroup/none/{role}"
    return Subject(
        group=group,
        instances={f"i-{role}{number:016}": Presence(0.0, 0.0) for number in range(max(1, instances))},
        target_group_arns=(arn,),
        load_balancers={arn: (f"arn:aws:elasticloadbalancing:::loadbalancer/app/none/{role}",)},
        load_balancer_names=(f"none-{role}",),
    )
