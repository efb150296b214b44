# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of a deployment share: seeing the series, holding the lease, watching groups settle.

The steps themselves stand in setting_up, upgrading, rolling_back and pruning.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws.auto_scaling import AutoScaling
from ..aws.calls import Calls
from ..aws.cloudwatch import CloudWatch
from ..aws.elastic_load_balancing import LoadBalancing
from ..core import health, journal, lease_owner, naming
from ..core.capacity import Standing
from ..core.errors import InvalidInput, LaunchFailed, Locked, Overtaken, RolloutError
from ..core.model import Capacity, Deployment, Group, Lease, Snapshot
from ..core.passes import Clock, Event
from .progress_lines import Telling

# What would resize an outgoing group behind a deployment's back.
SCALING_PROCESSES = frozenset({"AlarmNotification", "ScheduledActions"})

Tell = Callable[[Event], None]


@dataclass(frozen=True)
class Deployer:
    """Who deploys, and what is done about others. C(lease_duration) is in seconds.

    C(owner) names a run: C(user@host:pid:start), or whatever tells one from another.
    """

    owner: str
    lease_duration: int = 120
    take_over: bool = False
    on_drift: str = "fail"


@dataclass(frozen=True)
class Series:
    """All groups of a series, the newest revision first."""

    name: str
    groups: tuple[Group, ...]

    def group(self, name: str) -> Group | None:
        """The group of that name, if it is of the series."""
        return next((group for group in self.groups if group.name == name), None)

    @property
    def deployments(self) -> tuple[tuple[Group, Deployment], ...]:
        """The groups that a deployment brought about, each with it."""
        pairs = ((group, journal.read_deployment(group)) for group in self.groups)
        return tuple((group, deployment) for group, deployment in pairs if deployment)

    @property
    def unfinished(self) -> tuple[Group, Deployment] | None:
        """The deployment that is under way, with its group."""
        return next((pair for pair in self.deployments if pair[1].status in journal.UNFINISHED), None)

    @property
    def live(self) -> tuple[Group, Deployment] | None:
        """The newest revision that is live, with its deployment."""
        return next((pair for pair in self.deployments if pair[1].status == journal.LIVE), None)

    def gone(self, deployment: Deployment) -> list[str]:
        """The names of the outgoing groups of a deployment that are not of the series any more.

        A revision is gone then; one that was adopted may only have lost the series' tag.
        """
        there = {group.name for group in self.groups}
        names = [naming.group_name(self.name, revision) for revision in deployment.outgoing]
        # Until the set-up is complete, one that is to be adopted may not have been marked yet.
        names += () if deployment.phase.preparing else deployment.adopted
        return [name for name in names if name not in there]

    def forgotten(self, deployment: Deployment) -> list[Group]:
        """The outgoing groups of a deployment that are there, and have no snapshot of it any more."""
        known = {group.name for group, __ in self.outgoing(deployment)}
        return [
            group
            for group in self.groups
            if (journal.revision(group) in deployment.outgoing or group.name in deployment.adopted)
            and group.name not in known
        ]

    def outgoing(self, deployment: Deployment) -> list[tuple[Group, Snapshot]]:
        """The outgoing groups of a deployment with their snapshots, the newest revision first."""
        by_name = {group.name: group for group in self.groups}
        snapshots = journal.outgoing(self.groups, deployment.deployment_id)
        return [(by_name[one.group], one) for one in snapshots if one.group != deployment.group]


class Rollout:
    """The engine's hands and eyes: the three APIs, the clock, and who is deploying."""

    def __init__(self, calls: Calls, clock: Clock, deployer: Deployer) -> None:
        """Use the given way of calling AWS, the clock and the deployer."""
        self.autoscaling = AutoScaling(calls)
        self.load_balancing = LoadBalancing(calls)
        self.cloudwatch = CloudWatch(calls)
        self.clock = clock
        self.deployer = deployer

    # ----------------------------------------------------------------- series

    def series(self, name: str) -> Series:
        """Read all groups of a series."""
        return Series(name, tuple(self.autoscaling.groups_of_series(name)))

    def series_of(self, group: str, progress: dict[str, Any]) -> Series | None:
        """Read all groups of the series that a group is of; None where the group does not exist.

        Raises:
            InvalidInput: the group is of no series.
        """
        if "series" not in progress:
            # A revision's name tells its series, which one call reads whole.
            likely = naming.series_of_revision(group)
            series = self.series(likely) if likely else None
            if series and series.group(group):
                progress["series"] = series.name
                return series
            found = self.autoscaling.group(group)
            if found is None:
                return None
            if not found.tags.get(journal.SERIES):
                raise InvalidInput([f"group {group} is not of any series: it has no tag {journal.SERIES}"])
            progress["series"] = found.tags[journal.SERIES]
        return self.series(progress["series"])

    def series_info(self, name: str) -> dict[str, Any]:
        """What there is of a series: its revisions, the newest first."""
        return {"series": name, "revisions": [revision_info(group) for group in self.series(name).groups]}

    # ------------------------------------------------------------------ lease

    def new_lease(self) -> Lease:
        """A lease for this deployer, from now."""
        now = int(self.clock.now())
        return Lease(self.deployer.owner, now, now + self.deployer.lease_duration)

    def lease_tags(self, deployment: Deployment) -> dict[str, str]:
        """The tags that take or renew the lease, keeping since when it has been held."""
        lease = self.new_lease()
        if deployment.lease and deployment.lease.owner == lease.owner:
            lease = dataclasses.replace(lease, since=deployment.lease.since)
        return {journal.LEASE: journal.write_lease(lease)}

    def held_by_other(self, lease: Lease | None) -> bool:
        """Whether somebody else holds a lease: not this run, not run out, its process not known to be gone."""
        if lease is None or lease.owner == self.deployer.owner:
            return False
        return lease.until > self.clock.now() and not lease_owner.has_died(lease.owner)

    def ensure_ours(self, deployment: Deployment, progress: dict[str, Any], attempted: str) -> None:
        """See that the deployment is this run's to go on with.

        Raises:
            Overtaken: it had been, and somebody else has taken it over.
            Locked: somebody else is at it.
        """
        lease = deployment.lease
        ours = lease is not None and lease.owner == self.deployer.owner
        if ours:
            progress["owned"] = True
            return
        if progress.get("owned") and lease is not None:
            raise Overtaken(
                attempted,
                answer=f"{lease.owner} has taken over deployment {deployment.deployment_id} of {deployment.group}",
                state="This run has stopped and touches nothing more.",
                advice=f"Talk to {lease.owner}.",
            )
        if self.held_by_other(lease) and not self.deployer.take_over:
            raise self.locked(deployment, attempted)

    def locked(self, deployment: Deployment, attempted: str) -> Locked:
        """The refusal where somebody else holds the lease."""
        now = int(self.clock.now())
        # Only a lease that is held locks; without one there is nothing to tell but that.
        lease = deployment.lease or Lease("somebody else", now, now)
        return Locked(
            attempted,
            answer=f"{lease.owner} has been deploying {deployment.image_id} as {deployment.group}"
            f" for {now - lease.since} seconds",
            state="Nothing was touched.",
            advice=f"Wait for it to end, or until its lease runs out in {max(0, lease.until - now)} seconds"
            " if it has died; to take over now, set take_over (canary_take_over).",
        )

    def needs_renewal(self, deployment: Deployment) -> bool:
        """Whether the lease is not this run's, or half used up."""
        lease = deployment.lease
        if lease is None or lease.owner != self.deployer.owner:
            return True
        return lease.until - self.clock.now() < self.deployer.lease_duration / 2

    # --------------------------------------------------------------- settling

    def standing(
        self,
        group: Group,
        wanted: Capacity,
        progress: dict[str, Any],
        tell: Tell,
        *,
        settle_time: float,
        attempted: str,
        state: str = "",
        registers: bool = True,
    ) -> Standing:
        """See how far a group is on its way to C(wanted), and tell what happened meanwhile.

        It has settled when it has had exactly what it wants for C(settle_time) seconds; one that stood so when
        the step began need not prove it again.

        Raises:
            LaunchFailed: it cannot get there.
        """
        telling = Telling(progress, tell)
        watched: dict[str, Any] = progress.setdefault("watched", {})
        watch = watched.setdefault(group.name, _new_watch())
        number = wanted.desired_capacity
        if group.capacity != wanted:
            # It is about to be resized: what had ended before is no news.
            if not watch["begun"]:
                self._begin_watching(group, watch, telling)
            watch["steady_since"], watch["arrived"] = None, False
            return Standing(group.name, group.capacity, wanted)
        present = sorted(group.instance_ids)
        arrived = health.arrived(group, number)
        if not (arrived and watch["arrived"] and watch["present"] in (None, present)):
            # Only groups that move are asked for their activities.
            self._follow(group, number, watch, telling, attempted, state)
        watch["present"], watch["arrived"] = present, arrived
        telling.capacity(group, number)
        missing = health.missing(group, number, [], registers=False)
        if not missing and registers:
            missing = self._missing_targets(group, number, watch, telling)
        now = self.clock.now()
        if missing:
            watch["steady_since"] = None
            telling.unsettled(group.name)
            return Standing(group.name, group.capacity, wanted, tuple(missing))
        if watch["steady_since"] is None:
            watch["steady_since"] = now
        remaining = settle_time - (now - watch["steady_since"])
        if remaining > 0:
            return Standing(group.name, group.capacity, wanted, (f"{remaining:.0f} s more of steadiness",))
        telling.settled(group, number)
        watch["settled"] = [one.instance_id for one in group.in_service]
        return Standing(group.name, group.capacity, wanted)

    def _follow(
        self,
        group: Group,
        wanted: int,
        watch: dict[str, Any],
        telling: Telling,
        attempted: str,
        state: str,
    ) -> None:
        """Read what a group has done since it is watched, and tell it.

        Raises:
            LaunchFailed: it cannot get to what is wanted.
        """
        if not watch["begun"]:
            self._begin_watching(group, watch, telling)
        found = self.autoscaling.activities(group.name, watch["since"])
        activities = [one for one in found if one.activity_id not in watch["known"]]
        watch["activities"] = [one.as_result() for one in activities]
        telling.activities(activities)
        failing = health.failure(activities, wanted)
        if failing:
            telling.capacity(group, wanted)
            raise LaunchFailed(
                attempted,
                answer=failing.answer,
                state=state or f"{group.name} has {len(group.in_service)} of {wanted} in service.",
                advice=failing.remedy,
            )

    def _missing_targets(
        self, group: Group, wanted: int, watch: dict[str, Any], telling: Telling
    ) -> list[str]:
        """What load balancers still miss of a group whose instances are all in service.

        Those that were healthy when the group settled are asked about again only where an instance has come.
        """
        if not wanted or {one.instance_id for one in group.in_service} <= set(watch["settled"]):
            return []
        targets = self.load_balancing.health(group.target_group_arns, group.load_balancer_names)
        telling.targets(group, targets)
        return health.missing(group, wanted, targets)

    def _begin_watching(self, group: Group, watch: dict[str, Any], telling: Telling) -> None:
        # What had ended before the step began is no news, and no failure of the step. Seen by AWS's own clock.
        earlier = self.autoscaling.activities(group.name)
        ended = [one for one in earlier if one.ended is not None]
        telling.passed_over(ended)
        since = max((one.started for one in earlier), default=0.0)
        watch.update(
            begun=True, since=since, known=[one.activity_id for one in ended if one.started >= since]
        )


def _new_watch() -> dict[str, Any]:
    return {
        "begun": False,
        "since": 0.0,
        "known": [],
        "activities": [],
        # The instances at the last look, and those in service when it had settled last.
        "present": None,
        "arrived": True,
        "settled": [],
        # 0: it stood where it is wanted already, as far as this step has seen.
        "steady_since": 0.0,
    }


def watched_activities(group: str, progress: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a step has seen a group do, as modules return it; the newest first."""
    found: list[dict[str, Any]] = progress.get("watched", {}).get(group, {}).get("activities", [])
    return found


def revision_info(group: Group) -> dict[str, Any]:
    """A revision as C(asg_series_info) returns it."""
    deployment = journal.read_deployment(group)
    return {
        "name": group.name,
        "revision": journal.revision(group),
        "status": journal.status(group) if journal.revision(group) else "adopted",
        **group.capacity.as_result(),
        "in_service": len(group.in_service),
        "instances": list(group.instance_ids),
        "suspended_processes": sorted(group.suspended),
        "image_id": deployment.image_id if deployment else "",
        "deployment_id": deployment.deployment_id if deployment else "",
        "lease": dataclasses.asdict(deployment.lease) if deployment and deployment.lease else None,
    }


def unknown_group(name: str, attempted: str) -> RolloutError:
    """The error where a group does not exist."""
    return RolloutError(
        attempted,
        answer=f"there is no group {name} in this region",
        advice="Set it up first with asg_setup, or see asg_series_info for what there is.",
    )


def settle_time_problems(settle_time: float) -> list[str]:
    """Say what is wrong with a settle time, in seconds; an empty list where nothing is."""
    return [] if settle_time >= 0 else [f"settle_time is {settle_time:g}; it must be 0 seconds or more"]


def state_of(groups: Sequence[Group]) -> str:
    """What groups are like now, for messages: C(Now: checkout__prod__7 has 1 of 2 in service.)"""
    if not groups:
        return ""
    words = [
        f"{one.name} has {len(one.in_service)} of {one.capacity.desired_capacity} in service"
        for one in groups
    ]
    return f"Now {', '.join(words)}."


def short(name: str) -> str:
    """A group's short name, for lines."""
    return naming.short_name(name)
