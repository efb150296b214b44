# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load that grows in the course of a deployment: policies of outgoing groups may raise them, and that is taken in.

Their min is pinned to what a phase planned, so that no policy can shrink them. What has come is added to what a
rollback gives back, and the new group gets its share of it.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from ..core import journal
from ..core.model import Capacity, Deployment, Group, Phase, Snapshot
from ..core.passes import Change, Wait
from .progress import DeploymentProgress
from .rollout import SCALING_PROCESSES, Rollout
from .series import Series

# Values of C(scaling): what becomes of the policies of outgoing groups.
SUSPENDED, SCALE_OUT = "suspended", "scale_out"
# Setting off policies is this process; scheduled actions stay suspended, which may set any size.
ALARMS = "AlarmNotification"
# How AWS tells of it ("Verify a scaling activity for an Auto Scaling group"): C(At 2026-03-04T12:00:00Z a monitor alarm
# NAME in state ALARM triggered policy NAME changing the desired capacity from 3 to 7.)
_BY_POLICY = re.compile(r"triggered policy .*?changing the desired capacity from \d+ to (\d+)")
# For how many seconds a raise is waited for to be explained: its activity comes when Auto Scaling acts on it.
EVIDENCE_TIME = 60.0
BETWEEN_LOOKS = 5.0


def shield(deployment: Deployment) -> frozenset[str]:
    """The processes that must be suspended on an outgoing group in the phase that was begun."""
    if deployment.scale_out and not deployment.phase.final:
        return SCALING_PROCESSES - {ALARMS}
    return SCALING_PROCESSES


def find_raise(
    rollout: Rollout,
    series: Series,
    deployment: Deployment,
    progress: DeploymentProgress,
    sizes: Sequence[Mapping[str, Capacity]],
) -> Change | Wait | None:
    """Find an outgoing group that a policy of its own has raised; C(sizes) are those that the phase explains.

    Returns the change that takes it in, or what to wait for while nothing tells yet who has raised it. None where there
    is none, and where nothing tells that it was a policy: then it was somebody else.
    """
    if not deployment.scale_out or deployment.phase.final:
        return None
    for group, snapshot in series.outgoing(deployment):
        planned = _raised_from(group, snapshot, sizes)
        if planned is None or group.capacity == progress.adopted.get(group.name):
            continue
        if _by_policy(rollout, group):
            return _take_in(rollout, series, deployment, group, snapshot, planned, progress)
        now = rollout.clock.now()
        since = progress.raised_since.setdefault(group.name, now)
        if now - since < EVIDENCE_TIME:
            desired = group.capacity.desired_capacity
            return Wait((f"what tells who has raised {group.name} to {desired}",), BETWEEN_LOOKS)
    return None


def _raised_from(
    group: Group, snapshot: Snapshot, sizes: Sequence[Mapping[str, Capacity]]
) -> Capacity | None:
    """The planned sizes of which only the desired capacity has risen; None where the group is otherwise."""
    now = group.capacity
    if (now.min_size, now.desired_capacity) == snapshot.taken:
        return None
    for planned in (one[group.name] for one in sizes):
        same = (now.min_size, now.max_size) == (planned.min_size, planned.max_size)
        if same and now.desired_capacity > planned.desired_capacity:
            return planned
    return None


def _by_policy(rollout: Rollout, group: Group) -> bool:
    activities, __ = rollout.autoscaling.page_of_activities(group.name)
    causes = (_BY_POLICY.search(one.cause) for one in activities)
    return any(int(found[1]) == group.capacity.desired_capacity for found in causes if found)


def _take_in(
    rollout: Rollout,
    series: Series,
    deployment: Deployment,
    raised: Group,
    snapshot: Snapshot,
    planned: Capacity,
    progress: DeploymentProgress,
) -> Change:
    number = raised.capacity.desired_capacity
    grown = grow(snapshot, number - planned.desired_capacity)
    words = f"take in that a policy has raised {raised.name} from {planned.desired_capacity} to {number}"

    def perform() -> None:
        mark_taken(rollout, series, deployment, raised.name)
        tags = {journal.BEFORE: journal.write_snapshot(dataclasses.replace(grown, taken=_sizes(raised)))}
        # Last, since from then on all sizes follow from it.
        rollout.autoscaling.write_tags(raised.name, tags)
        progress.raised_since.pop(raised.name, None)

    return Change((words,), perform)


def grow(snapshot: Snapshot, number: int) -> Snapshot:
    """A snapshot with so much more, which the new group gets its share of."""
    capacity, desired = snapshot.capacity, snapshot.capacity.desired_capacity + number
    sizes = Capacity(capacity.min_size, max(capacity.max_size, desired), desired)
    return dataclasses.replace(snapshot, capacity=sizes, grown=snapshot.grown + number)


def mark_taken(rollout: Rollout, series: Series, deployment: Deployment, but: str) -> None:
    """Write down the sizes that the groups have, but for one of them, before what is planned for them changes."""
    group = series.group(deployment.group)
    if group and group.name != but:
        tags = {journal.CAPACITY: journal.write_sizes(dataclasses.replace(deployment, taken=_sizes(group)))}
        rollout.autoscaling.write_tags(group.name, tags)
    for other, snapshot in series.outgoing(deployment):
        if other.name != but:
            taken = dataclasses.replace(snapshot, taken=_sizes(other))
            rollout.autoscaling.write_tags(other.name, {journal.BEFORE: journal.write_snapshot(taken)})


def _sizes(group: Group) -> tuple[int, int]:
    return group.capacity.min_size, group.capacity.desired_capacity


def policies_off(
    rollout: Rollout,
    deployment: Deployment,
    outgoing: Sequence[tuple[Group, Snapshot]],
    sizes: Mapping[str, Capacity],
    phase: Phase,
) -> Change | None:
    """The change after which no policy raises a group any more that is about to go to 0; None where none would."""
    names = [
        group.name
        for group, __ in outgoing
        if ALARMS not in group.suspended
        if phase.final or not sizes[group.name].desired_capacity
    ]
    if not deployment.scale_out or not names:
        return None

    def perform() -> None:
        for name in names:
            rollout.autoscaling.suspend(name, {ALARMS})

    return Change(tuple(f"let no policy raise {name} any more" for name in names), perform)


def policies_on(
    rollout: Rollout,
    deployment: Deployment,
    outgoing: Sequence[tuple[Group, Snapshot]],
    sizes: Mapping[str, Capacity],
    phase: Phase,
) -> Change | None:
    """The change after which their own policies raise the outgoing groups that stay; None where they do."""
    names = [
        group.name
        for group, snapshot in outgoing
        if ALARMS in group.suspended - snapshot.suspended and sizes[group.name].desired_capacity
    ]
    if not deployment.scale_out or phase.final or not names:
        return None

    def perform() -> None:
        for name in names:
            rollout.autoscaling.resume(name, {ALARMS})

    return Change(
        tuple(f"let its own policies raise {name}, and nothing shrink it" for name in names), perform
    )
