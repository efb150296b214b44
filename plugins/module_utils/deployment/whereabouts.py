# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an unfinished deployment is, by what its groups and their tags tell: which phase, what for, by whom. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..core import journal, lease_owner
from ..core.capacity import live_capacity, outgoing_targets, with_growth
from ..core.model import Deployment, Group, Phase, Snapshot
from . import bake

# A set-up that is begun has no phase yet.
_SETTING_UP = "setting up"


def whereabouts(group: Group, now: float) -> list[str]:
    """Sentences about the deployment that a group is new in; none where it is over.

    C(now) is in seconds since the epoch, by AWS's clock.
    """
    deployment = journal.read_deployment(group)
    if deployment is None or deployment.status not in journal.UNFINISHED:
        return []
    doing = (
        ["is being taken back"]
        if deployment.status == journal.ROLLING_BACK
        else [_phase(deployment), _awaited(group, deployment, now)]
    )
    return [f"{', '.join(word for word in doing if word)}.", _owner(deployment, now)]


def _phase(deployment: Deployment) -> str:
    phase, plan = deployment.phase, deployment.plan
    if phase.preparing or not phase.target:
        return _SETTING_UP
    numbers = [
        number
        for number, planned in enumerate(plan, 1)
        if (planned.target, planned.final) == (phase.target, phase.final)
    ]
    of = f"phase {numbers[0]} of {len(plan)}" if numbers else "a phase"
    final = ", the final one" if phase.final else ""
    return f"{of}{final}: {phase.target} of {deployment.capacity.desired_capacity}"


def _awaited(group: Group, deployment: Deployment, now: float) -> str:
    """What the phase is waiting for."""
    phase = deployment.phase
    if phase.preparing or not phase.target:
        return ""
    there = group.units_in_service
    if phase.baking:
        return bake.until(deployment)
    if phase.finishing:
        return "what belongs to the final phase is being attached"
    if there < phase.target:
        return f"waits until {phase.target} are in service, {there} are"
    planned = next(
        (one for one in deployment.plan if (one.target, one.final) == (phase.target, phase.final)), None
    )
    if planned is None or planned.verdict == "":
        return f"{there} in service, waits for the groups to settle or for the next phase"
    if planned.verdict == "passed":
        return f"{there} in service, has passed its verification"
    until = deployment.lease.watching if deployment.lease else 0
    if until > now:
        return f"{there} in service, its metrics are watched until {_clock(until)}"
    return f"{there} in service, its verification is " + ("about to end" if until else "still to come")


def _owner(deployment: Deployment, now: float) -> str:
    lease = deployment.lease
    if lease is None:
        return "Nobody is at it."
    since = _clock(lease.since)
    if lease.until > now and not lease_owner.has_died(lease.owner):
        return f"By {lease.owner} since {since}, who has it reserved until {_clock(lease.until)}."
    return (
        f"Nobody is at it: {lease.owner} began {since}, and was heard of last before {_clock(lease.until)}."
        " Run the same again to go on, or roll back."
    )


def phase_words(deployment: Deployment, snapshots: Sequence[Snapshot], phase: Phase) -> str:
    """What a phase is about to come to, for a line: C(phase: to 1 of 4, outgoing to 3 of 4)."""
    capacity = deployment.capacity
    targets = outgoing_targets(snapshots, phase, capacity.desired_capacity, keeps=deployment.bake.keeps)
    target = with_growth(phase.target, capacity, snapshots)
    desired = live_capacity(capacity, snapshots).desired_capacity
    before = sum(snapshot.capacity.desired_capacity for snapshot in snapshots)
    outgoing = f", outgoing to {sum(targets.values())} of {before}" if snapshots else ""
    kind = "the bake is over" if phase.baked else "final phase" if phase.final else "phase"
    return f"{kind}: to {target} of {desired}{outgoing}"


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment))


def of_all(groups: Sequence[Group], now: float) -> dict[str, list[str]]:
    """The sentences about each group that has some, by its name."""
    found = {group.name: whereabouts(group, now) for group in groups}
    return {name: words for name, words in found.items() if words}
