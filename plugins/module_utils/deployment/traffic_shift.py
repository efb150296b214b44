# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traffic is shifted by weights: the new group has copies of production's target groups, in the same forward actions.

A copy's tags keep what the actions were. At the end, and in a rollback, they are so again, and the copies are deleted.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..aws.target_groups import TargetGroupCopy
from ..aws.traffic_sources import TARGET_GROUP, TrafficSource
from ..copying.target_group import (
    DescribedTargetGroup,
    copy_request,
    copy_tags,
    copying_problems,
    differing_attributes,
)
from ..core import forwarding, health, journal
from ..core.capacity import enough_remains
from ..core.errors import RolloutError
from ..core.forwarding import Action, Forward, Place, WantedPlace
from ..core.health import target_group_name
from ..core.model import Deployment, Group, Phase, Snapshot
from ..core.passes import Change, Tell, Wait
from .lease import lease_tags
from .progress import DeploymentProgress
from .progress_lines import Telling
from .series import Series

if TYPE_CHECKING:
    from .rollout import Rollout

Outgoing = Sequence[tuple[Group, Snapshot]]


@dataclass(frozen=True)
class Shift:
    """A production target group with the places whose requests for it are going to be shifted."""

    production: DescribedTargetGroup
    forwards: tuple[Forward, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What a set-up does for it."""
        name = self.production.name
        return (
            f"copy target group {name} for it",
            *(
                f"send all requests of {one.place} to the copy"
                if one.stage
                else f"put the copy into {one.place} at weight 0"
                for one in self.forwards
            ),
        )


@dataclass(frozen=True)
class _Standing:
    """A place as it is now: what its actions were before the deployment, and are; None where it is gone."""

    copy: TargetGroupCopy
    place: Place
    before: tuple[Action, ...]
    now: tuple[Action, ...] | None
    stage: bool = False

    @property
    def is_before(self) -> bool:
        return self.now is None or forwarding.same(self.now, self.before)

    def at(self, weight: int) -> list[Action]:
        """The actions with a percent of production's requests for the copy; a stage is all the copy's."""
        if self.stage:
            return list(forwarding.staged(self.before, self.copy.arn))
        return list(forwarding.shifted(self.before, self.copy.production, self.copy.arn, weight))

    @property
    def is_back(self) -> bool:
        """Whether nothing of the deployment is in it any more, whatever somebody else has made of it."""
        return self.is_before or self.copy.arn not in forwarding.weights(self.now or ())

    @property
    def is_ours(self) -> bool:
        """Whether it is as before, or as this deployment has written it at some time."""
        return self.is_before or any(forwarding.same(self.now or (), self.at(one)) for one in range(101))


# --------------------------------------------------------------------- planning


def find_shifts(
    rollout: Rollout,
    wanted: Sequence[WantedPlace],
    stages: Sequence[WantedPlace],
    attached: Sequence[str],
    series: str,
    group: str,
) -> tuple[list[Shift], list[str], list[str]]:
    """The production target groups and places that a user names, what is wrong with them, and what is only strange.

    C(stages) are where the new group is tried out before it serves. C(attached) are the ARNs of the target groups that
    the new group would be in without.
    """
    found: dict[str, list[Forward]] = {}
    problems: list[str] = []
    warnings: list[str] = []
    for one in wanted:
        place, why = rollout.listeners.find(one)
        if place is None:
            problems.append(f"traffic: {why}")
            continue
        actions = rollout.listeners.actions(place) or ()
        named = rollout.target_groups.arn_of(one.target_group) if one.target_group else None
        candidates = forwarding.production_in(actions, [named] if named else attached)
        if len(candidates) != 1:
            names = ", ".join(target_group_name(arn) for arn in candidates) or "none"
            problems.append(
                f"traffic: of the target groups that {one} forwards to, the new group would be in {names}; name one of"
                " its own by target_group"
            )
            continue
        production = candidates[0]
        if production not in attached:
            problems.append(f"traffic: the base group is not in target group {target_group_name(production)}")
            continue
        problems += [f"traffic: {one}: {words}" for words in forwarding.problems(actions, production)]
        if forwarding.is_sticky(actions):
            warnings.append(
                f"{one} keeps clients with the target group that they came to first: weights move new clients only"
            )
        found.setdefault(production, []).append(Forward(place, tuple(actions)))
    for one in stages:
        problems += _add_stage(rollout, one, found)
    shifts = []
    for arn, forwards in found.items():
        described = rollout.target_groups.described(arn)
        if described is None:
            problems.append(f"traffic: target group {target_group_name(arn)} is gone")
            continue
        shifts.append(Shift(described, tuple(forwards)))
        problems += copying_problems(described, copy_tags(described, series, group, forwards))
    return shifts, problems, warnings


def _add_stage(rollout: Rollout, wanted: WantedPlace, found: dict[str, list[Forward]]) -> list[str]:
    """Add a stage to what is found; what is wrong with it."""
    place, why = rollout.listeners.find(wanted)
    if place is None:
        return [f"stage: {why}"]
    named = rollout.target_groups.arn_of(wanted.target_group) if wanted.target_group else None
    productions = [arn for arn in found if named in (None, arn)]
    if len(productions) != 1:
        return [
            f"stage: {wanted} may be for {len(productions)} of the target groups whose requests are shifted; name one"
            " of them by target_group"
        ]
    forwards = found[productions[0]]
    if place in [one.place for one in forwards]:
        return [f"stage: {wanted} is among traffic, too; the stage is another listener or rule"]
    balancers = {rollout.listeners.load_balancer_of(one.place) for one in forwards}
    if rollout.listeners.load_balancer_of(place) not in balancers:
        # "Each target group can be associated with only one load balancer" (target groups of Application Load
        # Balancers).
        return [
            f"stage: {wanted} is of another load balancer than traffic, and AWS lets a target group have one; name a"
            " listener or a rule of the same"
        ]
    forwards.append(Forward(place, rollout.listeners.actions(place) or (), stage=True))
    return []


def without_shifted(attached: Sequence[str], shifts: Sequence[Shift]) -> tuple[str, ...]:
    """The target groups that a new group is in from the start: all but those whose requests are shifted."""
    shifted = {one.production.arn for one in shifts}
    return tuple(arn for arn in attached if arn not in shifted)


# ----------------------------------------------------------------------- set-up


def begin(rollout: Rollout, deployment: Deployment, shifts: Sequence[Shift]) -> None:
    """Create the copies, put each into its actions at weight 0, and the group into the copies. Safe to repeat.

    What the actions were stands in the copies' tags before any of them is written.
    """
    for shift in shifts:
        production = shift.production
        name = forwarding.copy_name(deployment.group, production.name)
        copy = rollout.target_groups.copy(name)
        if copy is None or copy.group != deployment.group:
            tags = copy_tags(production, deployment.series, deployment.group, shift.forwards)
            arn = rollout.target_groups.create(copy_request(production, deployment.group, tags))
            copy = TargetGroupCopy(arn, name, tags)
        attributes = differing_attributes(production.attributes, rollout.target_groups.attributes(copy.arn))
        rollout.target_groups.set_attributes(copy.arn, attributes)
        for standing in _standings(rollout, copy):
            if not forwarding.same(standing.now or (), standing.at(0)):
                rollout.listeners.write(standing.place, standing.at(0))
        rollout.traffic_sources.attach(deployment.group, [TrafficSource(copy.arn, TARGET_GROUP)])


# ----------------------------------------------------------------------- phases


def shift(
    rollout: Rollout, deployment: Deployment, phase: Phase, attempted: str, state: str
) -> Change | None:
    """The change that gives the new group its share of the requests in a phase; None where it has it.

    Raises:
        RolloutError: somebody else has changed the actions.
    """
    weight = phase.weight or 0
    due = [
        one
        for one in _of_deployment(rollout, deployment)
        if _ours(one, attempted, state) and not forwarding.same(one.now or (), one.at(weight))
    ]
    if not due or phase.homeward:
        return None

    def perform() -> None:
        tags = {journal.PHASE: journal.write_phase(phase), **lease_tags(rollout, deployment)}
        rollout.autoscaling.write_tags(deployment.group, tags)
        for one in due:
            rollout.listeners.write(one.place, one.at(weight))

    return Change(
        tuple(
            f"send {weight} % of production's requests of {one.place} to {deployment.group}" for one in due
        ),
        perform,
        wait_after=True,
    )


def go_home(
    rollout: Rollout, group: Group, deployment: Deployment, phase: Phase, attempted: str, state: str
) -> Change | Wait | None:
    """What is left until the new group serves from production's own target groups; None where it does.

    It enters them while they are at weight 0, and the actions are as before only once it is healthy there.
    """
    copies = _copies(rollout, deployment)
    if not copies:
        return None
    productions = list(dict.fromkeys(one.production for one in copies))
    missing = [arn for arn in productions if arn not in group.target_group_arns]
    if missing:

        def enter() -> None:
            tags = journal.write_phase(dataclasses.replace(phase, homeward=True))
            rollout.autoscaling.write_tags(
                group.name, {journal.PHASE: tags, **lease_tags(rollout, deployment)}
            )
            rollout.traffic_sources.attach(group.name, [TrafficSource(arn, TARGET_GROUP) for arn in missing])

        names = " and ".join(target_group_name(arn) for arn in missing)
        return Change((f"put group {group.name} into {names}",), enter, wait_after=True)
    changed = [
        one
        for copy in copies
        for one in _standings(rollout, copy)
        if _ours(one, attempted, state) and not one.is_before
    ]
    if changed:
        targets = rollout.load_balancing.health(productions, [])
        for arn in productions:
            name = target_group_name(arn)
            healthy = health.healthy_units(group, targets, name)
            if healthy < group.units_in_service:
                return Wait((f"{healthy} of {group.units_in_service} of {group.name} healthy in {name}",))
        return Change(
            tuple(f"put the actions of {one.place} back" for one in changed),
            lambda: _put_back(rollout, changed),
        )
    return _removal(rollout, group, copies)


# --------------------------------------------------------------------- rollback


def put_back(
    rollout: Rollout,
    group: Group,
    deployment: Deployment,
    outgoing: Outgoing,
    progress: DeploymentProgress,
    tell: Tell,
    *,
    floor: float,
    restored: bool,
) -> Change | None:
    """The change that puts all actions back, in one write a place; None where they are, or it is too early.

    It is too early while less than C(floor), a share from 0 to 1, of what the outgoing groups had is healthy in
    production's target groups, and they are not C(restored).
    """
    changed = [one for one in _of_deployment(rollout, deployment) if not one.is_back]
    if not changed:
        return None
    productions = list(dict.fromkeys(one.copy.production for one in changed))
    snapshots = [snapshot for __, snapshot in outgoing]
    before = sum(one.capacity.desired_capacity for one in snapshots)
    words = ""
    if not restored:
        targets = rollout.load_balancing.health(productions, [])
        for arn in productions:
            name = target_group_name(arn)
            serving = {one.name: health.healthy_units(one, targets, name) for one, __ in outgoing}
            told = f"{sum(serving.values())} of {before} remain healthy in {name}"
            if not enough_remains(snapshots, serving, floor):
                why = f"capacity first: {told}, less than canary_rollback_floor {100 * floor:g} %"
                Telling(progress, tell).once("rollback order", "plan", group.name, why)
                return None
            words = f", as {told}"
    return Change(
        tuple(f"traffic back: put the actions of {one.place} back{words}" for one in changed),
        lambda: _put_back(rollout, changed),
    )


def remove(rollout: Rollout, group: Group, deployment: Deployment) -> Change | None:
    """The change that takes a group out of its copies, and deletes them; None where there are none."""
    copies = _copies(rollout, deployment)
    return _removal(rollout, group, copies) if copies else None


def take_away(rollout: Rollout, deployment: Deployment) -> None:
    """Put all actions back and delete the copies of a group that serves nothing."""
    _put_back(rollout, [one for one in _of_deployment(rollout, deployment) if not one.is_back])
    _remove(rollout, deployment.group, _copies(rollout, deployment))


def stay(rollout: Rollout, group: Group, deployment: Deployment) -> Change | None:
    """The change that ends the shifting as things are: every group serves from production's own target groups."""
    copies = _copies(rollout, deployment)
    if not copies:
        return None
    changed = [one for copy in copies for one in _standings(rollout, copy) if not one.is_back]
    missing = [one.production for one in copies if one.production not in group.target_group_arns]

    def perform() -> None:
        rollout.traffic_sources.attach(group.name, [TrafficSource(arn, TARGET_GROUP) for arn in missing])
        _put_back(rollout, changed)
        _remove(rollout, group.name, copies)

    names = " and ".join(target_group_name(one.production) for one in copies)
    return Change((f"let {group.name} serve from {names}, and put the actions back",), perform)


def orphans(rollout: Rollout, series: Series, *, restored: bool) -> Change | None:
    """The change that puts actions back whose copy is of no group of the series any more, and deletes the copies.

    Where somebody has deleted the group, its requests go nowhere, so that it is done at once. One that has only lost
    its tags serves on until the outgoing groups are C(restored).
    """
    copies = [
        one
        for one in rollout.target_groups.copies_of_series(series.name)
        if series.group(one.group) is None and (restored or rollout.autoscaling.group(one.group) is None)
    ]
    if not copies:
        return None
    changed = [one for copy in copies for one in _standings(rollout, copy) if not one.is_back]

    def perform() -> None:
        _put_back(rollout, changed)
        for copy in copies:
            there = rollout.autoscaling.group(copy.group) is not None
            if there:
                _remove(rollout, copy.group, [copy])
            else:
                _delete(rollout, copy)

    words = [f"traffic back: put the actions of {one.place} back" for one in changed]
    return Change((*words, *(f"delete target group {one.name}" for one in copies)), perform)


# ---------------------------------------------------------------------- in common


def _copies(rollout: Rollout, deployment: Deployment) -> list[TargetGroupCopy]:
    if not deployment.shifts:
        return []
    found = rollout.target_groups.copies_of_series(deployment.series)
    return [one for one in found if one.group == deployment.group]


def _of_deployment(rollout: Rollout, deployment: Deployment) -> Iterator[_Standing]:
    for copy in _copies(rollout, deployment):
        yield from _standings(rollout, copy)


def _standings(rollout: Rollout, copy: TargetGroupCopy) -> list[_Standing]:
    try:
        record = forwarding.read_record(copy.tags)
    except ValueError as error:
        raise RolloutError(
            f"read what the actions were before group {copy.group}",
            answer=f"{error}: {copy.name}",
            state="Its actions are as they are.",
            advice=f"Put the actions back by hand, without target group {copy.name}, delete that one, and run it"
            " again.",
        ) from error
    return [
        _Standing(copy, one.place, one.actions, rollout.listeners.actions(one.place), one.stage)
        for one in record
    ]


def _ours(one: _Standing, attempted: str, state: str) -> bool:
    if one.now is not None and one.is_ours:
        return True
    what = (
        "is gone" if one.now is None else "has actions that are neither those of before nor this deployment's"
    )
    raise RolloutError(
        attempted,
        answer=f"{one.place} {what}: somebody else has changed it",
        state=state,
        advice="Put it back as it was and run it again, or roll back, which takes nothing out of it but target group"
        f" {one.copy.name}.",
    )


def _put_back(rollout: Rollout, changed: Sequence[_Standing]) -> None:
    for one in changed:
        production, copy = one.copy.production, one.copy.arn
        # What somebody else has made of it stays, without the copy.
        back = one.before if one.is_ours else forwarding.without(one.now or (), production, copy)
        if not forwarding.same(one.now or (), back):
            rollout.listeners.write(one.place, back)


def _removal(rollout: Rollout, group: Group, copies: Sequence[TargetGroupCopy]) -> Change:
    return Change(
        tuple(f"delete target group {one.name}" for one in copies),
        lambda: _remove(rollout, group.name, copies),
        wait_after=True,
    )


def _remove(rollout: Rollout, group: str, copies: Sequence[TargetGroupCopy]) -> None:
    if copies:
        rollout.traffic_sources.detach(group, [TrafficSource(one.arn, TARGET_GROUP) for one in copies])
    for copy in copies:
        _delete(rollout, copy)


def _delete(rollout: Rollout, copy: TargetGroupCopy) -> None:
    if not rollout.target_groups.delete(copy.arn):
        raise RolloutError(
            f"delete target group {copy.name}",
            answer="a listener or a rule forwards to it that is not the deployment's",
            state="All else is as it was before.",
            advice="Take it out of the actions there, and run it again.",
        )
