# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of an upgrade: the new group gets what it is to have for good, bakes where that is wanted, and is live.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..copying.described import Overrides
from ..copying.group import final_requests
from ..copying.scaling_policies import alarm_requests, policy_requests, scheduled_action_requests
from ..core import journal
from ..core.capacity import live_capacity
from ..core.model import Capacity, Deployment, Group, Phase, Snapshot
from ..core.passes import Change
from . import group_alarms
from .base import read_scaling
from .lease import lease_tags
from .rollout import Rollout
from .series import short

Outgoing = Sequence[tuple[Group, Snapshot]]


def finish(rollout: Rollout, group: Group, deployment: Deployment, outgoing: Outgoing) -> Change:
    """All have settled: the new group gets its sizes for good, its policies and schedules, and is live.

    Where a bake is to come for which the outgoing groups do not stay, it comes between.
    """
    name, targets = group.name, _targets(rollout, group, deployment)
    basis = read_scaling(rollout, deployment.base_group, targets)
    overrides = Overrides(
        image_id=deployment.image_id,
        target_group_arns=targets,
        load_balancer_names=group.load_balancer_names,
    )
    policies = policy_requests(basis, overrides, name)
    alarms = group_alarms.requests(rollout, deployment, basis, [snapshot.group for __, snapshot in outgoing])
    others = (
        *scheduled_action_requests(basis, name, rollout.aws_now()),
        *final_requests(basis, name),
    )
    sizes = _final_sizes(group, deployment, outgoing)
    bakes = bool(deployment.bake.seconds) and not deployment.bake.keeps
    last = begin_bake(rollout, deployment, deployment.phase) if bakes else end(rollout, deployment, outgoing)
    words = [f"resize group {name} to {sizes}"] if sizes else []
    words += [request.words for request in (*policies, *alarms, *others)]

    def perform() -> None:
        api = rollout.autoscaling
        phase = dataclasses.replace(deployment.phase, final=True, finishing=True, baked=False)
        api.write_tags(name, {journal.PHASE: journal.write_phase(phase), **lease_tags(rollout, deployment)})
        if sizes:
            api.resize(name, sizes)
        arns = {
            str(request.parameters["PolicyName"]): api.put_policy(request.parameters) for request in policies
        }
        for request in (*alarm_requests(basis, overrides, name, arns), *alarms):
            rollout.cloudwatch.put_alarm(request.parameters)
        for request in others:
            if request.operation == "BatchPutScheduledUpdateGroupAction":
                api.put_scheduled_actions(name, request.parameters["ScheduledUpdateGroupActions"])
            else:
                api.send(request.service, request.operation, request.parameters, request.words)
        last.perform()

    return Change((*words, *last.words), perform)


def _targets(rollout: Rollout, group: Group, deployment: Deployment) -> tuple[str, ...]:
    """The group's target groups, in the base's order: a policy on requests names the one at the same place."""
    found = group.target_group_arns
    base = rollout.autoscaling.group(deployment.base_group) if deployment.shifts and len(found) > 1 else None
    order = list(base.target_group_arns) if base else []
    return tuple(sorted(found, key=lambda arn: order.index(arn) if arn in order else len(order)))


def begin_bake(rollout: Rollout, deployment: Deployment, phase: Phase) -> Change:
    """The bake begins: from then on its time counts, whoever goes on with it."""

    def perform() -> None:
        begun = dataclasses.replace(
            phase,
            before=phase.target,
            final=True,
            # With the outgoing groups at 0 it is scaled by its own policies meanwhile.
            finishing=not deployment.bake.keeps,
            bake_since=int(rollout.aws_now()),
        )
        tags = {journal.PHASE: journal.write_phase(begun), **lease_tags(rollout, deployment)}
        rollout.autoscaling.write_tags(deployment.group, tags)

    return Change((f"begin the bake of {short(deployment.group)}",), perform)


def over(phase: Phase) -> Phase:
    """The phase in which the outgoing groups that have kept their sizes go to 0."""
    return dataclasses.replace(phase, before=phase.target, bake_since=0, baked=True)


def end(rollout: Rollout, deployment: Deployment, outgoing: Outgoing) -> Change:
    """The new group is live, and those that it has replaced are superseded."""

    def perform() -> None:
        api = rollout.autoscaling
        for group, snapshot in outgoing:
            if snapshot.status and journal.status(group) != journal.SUPERSEDED:
                api.write_tags(group.name, {journal.STATUS: journal.SUPERSEDED})
        # Last, since it says that all the rest is done.
        now = journal.write_moment(rollout.aws_now())
        phase = dataclasses.replace(deployment.phase, final=True, finishing=True, bake_since=0, baked=False)
        live = {journal.STATUS: journal.LIVE, journal.LIVE_SINCE: now, journal.LEASE: ""}
        api.write_tags(deployment.group, {**live, journal.PHASE: journal.write_phase(phase)})

    return Change((f"mark {short(deployment.group)} as live",), perform)


def _final_sizes(group: Group, deployment: Deployment, outgoing: Outgoing) -> Capacity | None:
    """The sizes to write at the end; None where they are written, and desired may be a policy's already."""
    wanted = live_capacity(deployment.capacity, [snapshot for __, snapshot in outgoing])
    now = group.capacity
    if deployment.phase.finishing and (now.min_size, now.max_size) == (wanted.min_size, wanted.max_size):
        return None
    return wanted if wanted != now else None
