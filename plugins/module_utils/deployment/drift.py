# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else has changed under a deployment: refused, or adopted as the new truth.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from ..core import health, journal, naming
from ..core.capacity import deploying_capacities, live_capacity
from ..core.errors import Drifted
from ..core.model import Capacity, Deployment, Group, Phase, Snapshot
from ..core.passes import Change, Wait
from .progress import DeploymentProgress
from .rollout import Rollout
from .scale_out import find_raise, grow, shield
from .series import Series

ADOPT = "adopt"
# What to do about an instance refresh.
END_REFRESH = "let it end, or cancel it with aws autoscaling cancel-instance-refresh"
# How a refusal names the way out where there is none back.
GIVE_UP = (
    "Where there is no way back, asg_rollback with give_up (rollback.yml -e canary_give_up=true) ends the deployment"
    " with what serves"
)


def look_for(
    rollout: Rollout,
    series: Series,
    deployment: Deployment,
    progress: DeploymentProgress,
    attempted: str,
    *,
    going_back: bool = False,
) -> Change | Wait | None:
    """Compare the groups of a deployment with its journal.

    Returns None where all is as the journal says, and where changes are to be adopted the change that writes
    them into it. C(progress) keeps what was adopted, so that it is not found again. What a policy has raised is none,
    where policies may. C(going_back) says that the outgoing groups are to take over what the new group has.

    Until the set-up is complete nothing has been resized, and an outgoing group may still scale by itself: what it has
    is then the truth, whatever the journal says, and nothing to be refused.

    Raises:
        Drifted: something is different, and that is not to be adopted.
    """
    sizes = _explained(series, deployment)
    if found := find_raise(rollout, series, deployment, progress, sizes):
        return found
    gone, strayed = _missing(rollout, series, deployment)
    drifted = list(_drifted(series, deployment, progress.adopted))
    forgotten = [*series.forgotten(deployment), *strayed]
    preparing = deployment.phase.preparing
    resumed = [] if preparing else _resumed(series, deployment)
    if not (gone or drifted or forgotten or resumed):
        return None
    words = [f"outgoing group {name} is gone" for name in gone]
    words += [f"outgoing group {group.name} has lost its tag {journal.BEFORE}" for group in forgotten]
    words += [f"{' and '.join(processes)} run again on outgoing group {name}" for name, processes in resumed]
    words += [
        f"group {group.name} has {group.capacity}, where the journal has {planned}"
        for group, planned in drifted
    ]
    if rollout.deployer.on_drift != ADOPT and not preparing:
        raise Drifted(
            attempted,
            answer="somebody else has changed something: " + "; ".join(words),
            state="Nothing more was changed.",
            advice="Find out who did. Then go on from here, or roll back, with on_drift=adopt (canary_on_drift)."
            f" {GIVE_UP}.",
        )

    def perform() -> None:
        for name, tags in _adopted(series, deployment, drifted, gone, going_back=going_back).items():
            rollout.autoscaling.write_tags(name, tags)
        _remember(rollout, series, deployment, forgotten, strayed)
        for name, processes in resumed:
            rollout.autoscaling.suspend(name, processes)
        # What is planned for the others may change with it.
        for group in series.groups:
            progress.adopted[group.name] = group.capacity

    return Change(tuple(f"adopt that {one}" for one in words), perform)


def refuse_gone(
    rollout: Rollout, series: Series, deployment: Deployment, group: Group, attempted: str, state: str
) -> None:
    """Stop a rollback where an outgoing group does not exist any more: without it there is less to go back to.

    Where none is left, and the new group serves, there is nothing to go back to, whatever may be adopted.

    Raises:
        Drifted: one is gone, and that is not to be adopted.
    """
    gone, strayed = _missing(rollout, series, deployment)
    none_left = not (series.outgoing(deployment) or strayed) and bool(group.in_service)
    if gone and (none_left or rollout.deployer.on_drift != ADOPT):
        back = (
            ""
            if none_left
            else " To go back to what is left, without it, set on_drift=adopt (canary_on_drift)."
        )
        raise Drifted(
            attempted,
            answer=f"somebody else has deleted outgoing group {', '.join(gone)}",
            state=state,
            advice=f"{GIVE_UP}.{back}",
        )


def find_forgotten(
    rollout: Rollout, series: Series, deployment: Deployment, attempted: str, state: str
) -> Change | None:
    """Find outgoing groups whose tags are gone under a rollback; without them they would be forgotten by it.

    Returns the change that writes them anew, with the sizes of now, where that is to be adopted.

    Raises:
        Drifted: there are some, and that is not to be adopted.
    """
    strayed = _missing(rollout, series, deployment)[1]
    forgotten = [*series.forgotten(deployment), *strayed]
    if not forgotten:
        return None
    names = ", ".join(group.name for group in forgotten)
    if rollout.deployer.on_drift != ADOPT:
        raise Drifted(
            attempted,
            answer=f"somebody else has removed tag {journal.BEFORE} of outgoing group {names}",
            state=state,
            advice=f"{GIVE_UP}. To go back to the sizes that it has now, set on_drift=adopt (canary_on_drift).",
        )
    return Change(
        (f"adopt that outgoing group {names} has lost its tag {journal.BEFORE}",),
        lambda: _remember(rollout, series, deployment, forgotten, strayed),
    )


def refuse_policies(rollout: Rollout, deployment: Deployment, attempted: str) -> None:
    """Stop where the new group has scaling policies before its final phase: they would resize it meanwhile.

    Raises:
        Drifted: it has, and that is not to be adopted.
    """
    if rollout.deployer.on_drift == ADOPT:
        return
    names = [str(policy["PolicyName"]) for policy in rollout.autoscaling.policies(deployment.group)]
    if names:
        raise Drifted(
            attempted,
            answer=f"somebody else has attached scaling policy {', '.join(names)} to group {deployment.group}",
            state="Nothing more was changed.",
            advice="Take it off again, or go on in spite of it with on_drift=adopt (canary_on_drift), or roll back.",
        )


def refuse_refreshes(
    rollout: Rollout,
    groups: Sequence[Group],
    progress: DeploymentProgress,
    attempted: str,
    state: str,
    *,
    before_resize: bool,
) -> None:
    """Stop where somebody refreshes the instances of a group of a deployment: it fights the resize.

    AWS is asked about those whose activities tell of a refresh: one that has replaced nothing yet disturbs nothing.
    What was told before the step began counts C(before_resize) only.

    Raises:
        Drifted: one is under way, and that is not to be adopted.
    """
    if rollout.deployer.on_drift == ADOPT:
        return

    def told(group: Group) -> bool:
        watch = progress.watched.get(group.name)
        if watch is None or watch.arrived:
            return False
        return (before_resize and watch.refreshed) or any(map(health.is_refresh, watch.activities))

    asked = [group.name for group in groups if told(group)]
    words = [found for name in asked if (found := rollout.autoscaling.refresh_under_way(name))]
    if words:
        raise Drifted(
            attempted,
            answer=f"somebody else has started something: {'; '.join(words)}",
            state=f"Nothing more was changed. {state}",
            advice=f"{END_REFRESH.capitalize()}. Then go on from here, or roll back; or go on in spite of it with"
            " on_drift=adopt (canary_on_drift).",
        )


def _remember(
    rollout: Rollout,
    series: Series,
    deployment: Deployment,
    forgotten: Sequence[Group],
    strayed: Sequence[Group],
) -> None:
    """Write the tags of outgoing groups anew; what they were before is lost, and what they are now is the best."""
    for group in forgotten:
        snapshot = journal.take_snapshot(group, deployment.deployment_id)
        tags = {journal.BEFORE: journal.write_snapshot(snapshot)}
        if group in strayed:
            tags |= _membership(series, group)
        rollout.autoscaling.write_tags(group.name, tags)


def strayed(rollout: Rollout, series: Series, deployment: Deployment) -> list[Group]:
    """The outgoing groups that are there, and have lost the series' tag."""
    return _missing(rollout, series, deployment)[1]


def take_in(rollout: Rollout, series: Series, groups: Sequence[Group]) -> None:
    """Mark groups that have lost their tags as of the series again, and as live."""
    for group in groups:
        rollout.autoscaling.write_tags(group.name, _membership(series, group))


def _membership(series: Series, group: Group) -> dict[str, str]:
    revision = naming.revision_of(series.name, group.name)
    tags = {journal.SERIES: series.name}
    return tags | ({journal.REVISION: str(revision), journal.STATUS: journal.LIVE} if revision else {})


def _missing(rollout: Rollout, series: Series, deployment: Deployment) -> tuple[list[str], list[Group]]:
    """The names of the outgoing groups that are gone, and those that are there without the series' tag."""
    gone, strayed = [], []
    for name in series.gone(deployment):
        group = rollout.autoscaling.group(name)
        if group is None or group.being_deleted:
            gone.append(name)
        else:
            strayed.append(group)
    return gone, strayed


def _resumed(series: Series, deployment: Deployment) -> list[tuple[str, list[str]]]:
    """The outgoing groups on which scaling processes run again that the deployment suspended, with them."""
    running = (
        (group.name, sorted(shield(deployment) - group.suspended))
        for group, __ in series.outgoing(deployment)
    )
    return [(name, processes) for name, processes in running if processes]


def _drifted(
    series: Series, deployment: Deployment, adopted: Mapping[str, Capacity]
) -> Iterator[tuple[Group, Capacity]]:
    """Groups whose sizes the phase that was begun cannot explain, each with the sizes that it should have."""
    before, after = _explained(series, deployment)
    taken = {snapshot.group: snapshot.taken for __, snapshot in series.outgoing(deployment)}
    taken[deployment.group] = deployment.taken
    for group in series.groups:
        if group.name not in after or group.capacity == adopted.get(group.name):
            continue
        if (group.capacity.min_size, group.capacity.desired_capacity) == taken[group.name]:
            continue
        if group.capacity not in (before[group.name], after[group.name]):
            yield group, after[group.name]


def _explained(series: Series, deployment: Deployment) -> tuple[dict[str, Capacity], dict[str, Capacity]]:
    """The sizes of all groups before the phase that was begun, and in it."""
    snapshots = [snapshot for __, snapshot in series.outgoing(deployment)]
    before, after = (
        deploying_capacities(
            deployment.group, deployment.capacity, snapshots, one, keeps=deployment.bake.keeps
        )
        for one in (Phase(target=deployment.phase.before), deployment.phase)
    )
    return before, after


def _adopted(
    series: Series,
    deployment: Deployment,
    drifted: Sequence[tuple[Group, Capacity]],
    gone: list[str],
    *,
    going_back: bool,
) -> dict[str, dict[str, str]]:
    """The tags that make the journal agree with what is there, by group; in the order in which they are written."""
    snapshots = {snapshot.group: snapshot for __, snapshot in series.outgoing(deployment)}
    tags: dict[str, dict[str, str]] = {}
    changed: dict[str, Snapshot] = {}
    for group, planned in drifted:
        if snapshot := snapshots.get(group.name):
            changed[group.name] = _carried(snapshot, group.capacity, planned)
    for group, planned in drifted:
        if group.name == deployment.group:
            tags[group.name] = _new_group_tags(deployment, group.capacity)
            there = [one for one in (snapshots | changed).values() if one.group not in gone]
            changed |= _carried_over(deployment, there, group.capacity, planned, going_back=going_back)
    if gone:
        left = [one for one in snapshots.values() if one.group not in gone]
        own = tags.setdefault(deployment.group, {})
        own[journal.OUTGOING] = journal.write_outgoing(left)
        if deployment.adopted:
            there_still = [name for name in deployment.adopted if name not in gone]
            own[journal.ADOPTED] = journal.write_adopted(there_still)
    return tags | {
        name: {journal.BEFORE: journal.write_snapshot(snapshot)} for name, snapshot in changed.items()
    }


def _carried_over(
    deployment: Deployment,
    snapshots: Sequence[Snapshot],
    now: Capacity,
    planned: Capacity,
    *,
    going_back: bool,
) -> dict[str, Snapshot]:
    """What the new group was raised by, as far as the deployment did not want it anyway, for a rollback to give back.

    The newest outgoing group gets it. Where the deployment goes on, the new group keeps its share of it.
    """
    wanted = live_capacity(deployment.capacity, snapshots).desired_capacity
    above = planned.desired_capacity if going_back else max(wanted, planned.desired_capacity)
    more = now.desired_capacity - above
    if more <= 0 or not snapshots:
        return {}
    newest = max(snapshots, key=lambda one: one.revision)
    return {newest.group: grow(newest, more)}


def _carried(snapshot: Snapshot, now: Capacity, planned: Capacity) -> Snapshot:
    """A snapshot to which the difference between what a group has and what was planned has been added.

    All counts follow from the snapshot, so that this is where a difference must go to last.
    """
    before = snapshot.capacity
    desired = max(0, before.desired_capacity + now.desired_capacity - planned.desired_capacity)
    high = now.max_size if now.max_size != planned.max_size else before.max_size
    low = now.min_size if now.min_size != planned.min_size else before.min_size
    return dataclasses.replace(snapshot, capacity=Capacity(min(low, desired), max(high, desired), desired))


def _new_group_tags(deployment: Deployment, now: Capacity) -> dict[str, str]:
    """A larger new group has come farther; a smaller one is brought up again, and needs no tag for that."""
    tags = {}
    phase, capacity = deployment.phase, deployment.capacity
    reached = min(now.desired_capacity, capacity.desired_capacity)
    if reached > phase.target:
        tags[journal.PHASE] = journal.write_phase(
            dataclasses.replace(phase, before=phase.target, target=reached)
        )
    if now.max_size > capacity.desired_capacity and now.max_size != capacity.max_size:
        sizes = dataclasses.replace(capacity, max_size=now.max_size)
        tags[journal.CAPACITY] = journal.write_sizes(dataclasses.replace(deployment, capacity=sizes))
    return tags
