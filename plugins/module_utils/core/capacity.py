# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All arithmetic of capacity: (observed, wanted) -> the next step.

Every count follows from the snapshot and the wanted capacity, never from live numbers, so that a repeated
pass finds the same answer. All numbers are in the groups' own units: instances, unless they have weights.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .model import Capacity, Phase, PlannedPhase, Snapshot

NEW_FIRST = "new_first"
NO_PHASES = "there are no phases; the last one must reach 100 %"
OLD_FIRST = "old_first"
RESIZE_ORDERS = (NEW_FIRST, OLD_FIRST)

# What a rollback does first: give the outgoing groups their capacity back, or take the new group out of traffic.
CAPACITY_FIRST = "capacity"
TRAFFIC_FIRST = "traffic"
ROLLBACK_ORDERS = (CAPACITY_FIRST, TRAFFIC_FIRST)
ROLLBACK_FLOOR = 0.5

NOTHING = Capacity(0, 0, 0)


@dataclass(frozen=True)
class Wanted:
    """What a phase asks for: a percentage of the desired capacity, or a number of instances.

    C(verified) says that it is to be verified before the next one begins. C(baseline_seconds) is for how long a fresh
    baseline of as many instances runs beside it at least; 0 where there is none. C(weight) is the percent of
    production's requests, where traffic is shifted; with it alone the capacity stays as it is.
    """

    percent: int | None = None
    count: int | None = None
    name: str = ""
    verified: bool = False
    baseline_seconds: float = 0.0
    weight: int | None = None

    def __str__(self) -> str:
        """Words for a message: C(25 %), C(3 instances) or C(25 % with 5 % of the requests)."""
        size = f"{self.percent} %" if self.percent is not None else f"{self.count} instances"
        if self.weight is None:
            return size
        requests = f"{self.weight} % of the requests"
        return requests if self.of_weight_alone else f"{size} with {requests}"

    @property
    def of_weight_alone(self) -> bool:
        """Whether it shifts traffic and leaves the capacity as it is."""
        return self.weight is not None and self.percent is None and self.count is None

    def problems(self, desired_capacity: int | None = None) -> list[str]:
        """Say what is wrong with it by itself; an empty list where nothing is.

        Without C(desired_capacity) only what does not depend on it is judged.
        """
        where = f"phase {self.name!r}" if self.name else "the phase"
        if self.weight is not None and not 0 <= self.weight <= 100:
            return [f"{where} has weight {self.weight}; it must be from 0 to 100"]
        if self.of_weight_alone:
            return []
        if (self.percent is None) == (self.count is None):
            which = "neither" if self.percent is None else "both"
            return [f"{where} has {which} of percent and count; give exactly one"]
        if self.percent is not None and not 1 <= self.percent <= 100:
            return [f"{where} has percent {self.percent}; it must be from 1 to 100"]
        if self.count is not None and self.count < 1:
            return [f"{where} has count {self.count}; it must be at least 1"]
        if self.count is not None and desired_capacity is not None and self.count > desired_capacity:
            return [f"{where} has count {self.count}, more than the desired capacity of {desired_capacity}"]
        return []

    def target(self, desired_capacity: int) -> int:
        """How many instances the new group has after the phase.

        Percentages round half up, to at least 1 and at most the desired capacity.
        """
        if self.percent is None:
            # One of the two is given; problems() comes first.
            return self.count or 0
        rounded = (self.percent * desired_capacity + 50) // 100
        return min(max(1, rounded), desired_capacity)

    def is_final(self, desired_capacity: int) -> bool:
        """Whether it is the phase that reaches 100 %, also of the requests.

        What was asked for decides, not the rounded target: 25 % of one instance is that one instance, and
        still a canary.
        """
        return self._is_whole(desired_capacity) and self.weight in (None, 100)

    def _is_whole(self, desired_capacity: float) -> bool:
        return self.percent == 100 or (self.count is not None and self.count >= desired_capacity)

    def phase_after(self, reached: Phase, desired_capacity: int) -> Phase:
        """The phase to work towards, where C(reached) was reached already.

        A phase at or below what is already reached is C(reached) itself.
        """
        target = reached.target if self.of_weight_alone else self.target(desired_capacity)
        final, weight = self.is_final(desired_capacity), None
        if self.of_weight_alone:
            final = self.weight == 100 and reached.target >= desired_capacity
        if reached.weight is not None:
            weight = max(reached.weight, self.share(desired_capacity))
        if (final, target, weight or 0) <= (reached.final, reached.target, reached.weight or 0):
            return reached
        return Phase(before=reached.target, target=max(target, reached.target), final=final, weight=weight)

    def share(self, desired_capacity: int) -> int:
        """The percent of production's requests that the new group gets by it, where traffic is shifted.

        As given, else that of the instances; the final phase gets all.
        """
        if self.is_final(desired_capacity):
            return 100
        if self.weight is not None:
            return self.weight
        if self.percent is not None:
            return self.percent
        return min(_half_up(100 * (self.count or 0), desired_capacity), 100) if desired_capacity else 0


def fresh_baseline_size(wanted: Wanted, phase: Phase) -> int:
    """How many instances the fresh baseline of a phase has: as many as the new group, and none in the final phase.

    They are no capacity: no other count follows from them, so that they may go at any time.
    """
    return phase.target if wanted.baseline_seconds and not phase.final else 0


def with_sizes(phases: Sequence[Wanted]) -> list[Wanted]:
    """The phases, of which those of a weight alone have the percent or count of the one before."""
    found: list[Wanted] = []
    for one in phases:
        if one.of_weight_alone and found:
            one = dataclasses.replace(one, percent=found[-1].percent, count=found[-1].count)
        found.append(one)
    return found


def planned(
    phases: Sequence[Wanted], desired_capacity: int, *, shifts: bool = False
) -> tuple[PlannedPhase, ...]:
    """The phases as the journal keeps them; with C(shifts) with their weights."""
    return tuple(
        PlannedPhase(
            one.target(desired_capacity),
            one.is_final(desired_capacity),
            "due" if one.verified else "",
            one.share(desired_capacity) if shifts else None,
        )
        for one in with_sizes(phases)
    )


def passed(plan: Sequence[PlannedPhase], reached: Phase) -> tuple[PlannedPhase, ...]:
    """The plan with a verification passed of everything that has been reached."""
    return tuple(
        dataclasses.replace(one, verdict="passed")
        if one.verdict == "due" and _is_reached(one, reached)
        else one
        for one in plan
    )


def replanned(
    plan: Sequence[PlannedPhase], earlier: Sequence[PlannedPhase], reached: Phase
) -> tuple[PlannedPhase, ...]:
    """A new plan for a deployment that goes on: what had passed before and is there again has passed."""
    before = {(one.target, one.final, one.weight) for one in earlier if one.verdict == "passed"}
    return tuple(
        dataclasses.replace(one, verdict="passed")
        if one.verdict == "due"
        and (one.target, one.final, one.weight) in before
        and _is_reached(one, reached)
        else one
        for one in plan
    )


def out_of_turn(plan: Sequence[PlannedPhase], reached: Phase, wanted: Phase) -> str:
    """Say why a phase may not begin yet, by the plan; empty where it may, or where there is no plan."""
    if _extent(wanted) <= _extent(reached):
        return ""
    skipped = [one for one in plan if not _is_reached(one, reached) and _extent(one) < _extent(wanted)]
    if skipped:
        return f"the plan goes to {skipped[0].target} of {plan[-1].target} next, and {reached.target} have been reached"
    return unverified(plan, reached)


def unverified(plan: Sequence[PlannedPhase], reached: Phase) -> str:
    """Say that what has been reached has not passed its verification; empty where it has, or has none."""
    if any(one.verdict == "due" and _is_reached(one, reached) for one in plan):
        return f"the phase to {reached.target} of {plan[-1].target} has not passed its verification"
    return ""


def _is_reached(phase: PlannedPhase, reached: Phase) -> bool:
    return _extent(phase) <= _extent(reached)


def _extent(phase: Phase | PlannedPhase) -> tuple[bool, int, int]:
    return phase.final, phase.target, phase.weight or 0


def phase_problems(
    phases: Sequence[Wanted],
    desired_capacity: int | None = None,
    *,
    shifts: bool = False,
    keeps: bool = False,
) -> list[str]:
    """Say everything that is wrong with a list of phases: each by itself, and that they rise to 100 %.

    C(shifts) says that traffic is shifted, so that they may have weights; C(keeps) that the outgoing groups stay whole
    until the end, so that all instances may be there before all requests.
    """
    if not phases:
        return [NO_PHASES]
    problems = [problem for wanted in phases for problem in wanted.problems(desired_capacity)]
    if not shifts:
        problems += [
            f"phase {one.name!r} has weight {one.weight}, and no traffic is shifted; give traffic (canary_traffic)"
            for one in phases
            if one.weight is not None
        ]
    elif phases[0].of_weight_alone:
        problems.append(
            f"phase {phases[0].name!r} has a weight alone, and there are no instances before it; give percent or count"
        )
    if problems:
        return problems
    phases = with_sizes(phases)
    for lower, higher in itertools.pairwise(phases):
        if not _rises(lower, higher, desired_capacity):
            problems.append(f"phases must rise, and {higher} does not come after {lower}")
        elif shifts and _falls(lower, higher, desired_capacity):
            problems.append(
                f"weights must not fall, and {higher} comes after {lower}; a phase without weight has that of its"
                " instances"
            )
    last = phases[-1]
    if not keeps:
        problems += [
            f"phase {one.name!r} has all instances and weight {one.weight}, and one outgoing instance would serve the"
            " rest; let the outgoing groups stay whole with strategy=blue_green (canary_strategy) or"
            " bake_outgoing=running (canary_bake_outgoing)"
            for one in phases[:-1]
            # A count is compared with the desired capacity once that is known.
            if one.weight not in (None, 100) and one._is_whole(desired_capacity or math.inf)
        ]
    if last.weight not in (None, 100):
        problems.append(f"the last phase must get all requests, and it ends at {last}")
    if last.percent is not None and last.percent != 100:
        problems.append(f"the last phase must reach 100 %, and it ends at {last}")
    if last.count is not None and desired_capacity is not None and last.count != desired_capacity:
        problems.append(
            f"the last phase must reach the desired capacity of {desired_capacity}, and it ends at {last}"
        )
    return problems


def _falls(lower: Wanted, higher: Wanted, desired_capacity: int | None) -> bool:
    """Whether the share of the requests falls between two phases; where it is not known yet it does not."""
    if desired_capacity is None:
        if any(one.weight is None and one.percent is None for one in (lower, higher)):
            return False
        desired_capacity = 100
    return higher.share(desired_capacity) < lower.share(desired_capacity)


def _rises(lower: Wanted, higher: Wanted, desired_capacity: int | None) -> bool:
    if (lower.percent, lower.count) == (higher.percent, higher.count) and higher.weight is not None:
        return lower.share(desired_capacity or 0) < higher.weight
    if lower.percent is not None and higher.percent is not None:
        return higher.percent > lower.percent
    if lower.count is not None and higher.count is not None:
        return higher.count > lower.count
    if desired_capacity is None:
        return True
    return (higher.is_final(desired_capacity), higher.target(desired_capacity)) > (
        lower.is_final(desired_capacity),
        lower.target(desired_capacity),
    )


def same_as_running(outgoing: Sequence[Snapshot]) -> Capacity | None:
    """The capacity of all outgoing groups together; None where there is none."""
    if not outgoing:
        return None
    return Capacity(
        min_size=sum(snapshot.capacity.min_size for snapshot in outgoing),
        max_size=sum(snapshot.capacity.max_size for snapshot in outgoing),
        desired_capacity=sum(snapshot.capacity.desired_capacity for snapshot in outgoing),
    )


def wanted_capacity(
    min_size: int | None, max_size: int | None, desired_capacity: int | None, outgoing: Sequence[Snapshot]
) -> tuple[Capacity | None, list[str]]:
    """The sizes that the new group is to have when it is live, and what is wrong with them.

    Sizes left unset are the same as running.
    """
    given = {"min_size": min_size, "max_size": max_size, "desired_capacity": desired_capacity}
    running = same_as_running(outgoing)
    missing = [option for option, value in given.items() if value is None]
    if missing and running is None:
        return None, [
            f"nothing is running that {' and '.join(missing)} could be taken from; a first deployment"
            " must set min_size, max_size and desired_capacity"
        ]
    sizes = {option: getattr(running, option) if value is None else value for option, value in given.items()}
    capacity = Capacity(**sizes)
    return capacity, capacity_problems(capacity)


def capacity_problems(capacity: Capacity) -> list[str]:
    """Say what is wrong with the sizes of a revision; an empty list where nothing is."""
    problems = []
    if capacity.min_size < 0:
        problems.append(f"min_size is {capacity.min_size}; it must not be negative")
    if capacity.desired_capacity < 1:
        problems.append(f"desired_capacity is {capacity.desired_capacity}; it must be at least 1")
    if capacity.min_size > capacity.desired_capacity:
        problems.append(f"min_size {capacity.min_size} is above desired_capacity {capacity.desired_capacity}")
    if capacity.desired_capacity > capacity.max_size:
        problems.append(f"desired_capacity {capacity.desired_capacity} is above max_size {capacity.max_size}")
    return problems


def outgoing_total(before: int, target: int, desired_capacity: int, *, final: bool) -> int:
    """How many instances all outgoing groups together have once the new group has C(target).

    In proportion, rounded up; at least 1 until the final phase if there was one; 0 in the final phase. Nothing
    shrinks before the first phase, nor by a target that makes no sense.
    """
    if final:
        return 0
    if before == 0 or not 0 < target <= desired_capacity:
        return before
    # Ceiling division: when unsure, keep capacity.
    remaining = -(-before * (desired_capacity - target) // desired_capacity)
    return max(1, remaining)


def outgoing_targets(
    outgoing: Sequence[Snapshot], phase: Phase, desired_capacity: int, *, keeps: bool = False
) -> dict[str, int]:
    """How many instances each outgoing group has in a phase, by name. The oldest revision shrinks first.

    With C(keeps) they have what they had, until the bake is over.
    """
    if keeps and not phase.baked:
        return {snapshot.group: snapshot.capacity.desired_capacity for snapshot in outgoing}
    before = sum(snapshot.capacity.desired_capacity for snapshot in outgoing)
    left = outgoing_total(before, phase.target, desired_capacity, final=phase.final)
    targets = {}
    for snapshot in sorted(outgoing, key=lambda one: one.revision, reverse=True):
        targets[snapshot.group] = min(left, snapshot.capacity.desired_capacity)
        left -= targets[snapshot.group]
    return targets


def pinned(instances: int, max_size: int) -> Capacity:
    """The sizes of a group while deploying: min pinned to desired, so that nothing else shrinks it."""
    return Capacity(instances, max(max_size, instances), instances)


def growth(capacity: Capacity, outgoing: Sequence[Snapshot]) -> int:
    """How much more than wanted the new group is to have when it is live, for what the outgoing groups have grown by.

    In proportion to what was wanted beside what was running, and never beyond the wanted maximum.
    """
    grown = sum(snapshot.grown for snapshot in outgoing)
    before = sum(snapshot.capacity.desired_capacity for snapshot in outgoing) - grown
    share = _half_up(grown * capacity.desired_capacity, before) if before > 0 else grown
    return min(share, max(0, capacity.max_size - capacity.desired_capacity))


def with_growth(target: int, capacity: Capacity, outgoing: Sequence[Snapshot]) -> int:
    """How many instances the new group has at a target, with its share of what has come meanwhile.

    The target is of the wanted capacity, as the phases and the journal have it.
    """
    more = growth(capacity, outgoing)
    if target == 0 or target >= capacity.desired_capacity:
        return target + more if target else 0
    return _half_up(target * (capacity.desired_capacity + more), capacity.desired_capacity)


def live_capacity(capacity: Capacity, outgoing: Sequence[Snapshot]) -> Capacity:
    """The sizes of the new group when it is live: those wanted, with what has come in the course of the deployment."""
    more = growth(capacity, outgoing)
    return dataclasses.replace(capacity, desired_capacity=capacity.desired_capacity + more)


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def fewest_instances(units: int, heaviest: int) -> int:
    """How many instances so many units take at least, where one counts C(heaviest) units at most."""
    return -(-units // heaviest)


def sizes_of_what_serves(
    usual: Mapping[str, Capacity], serving: Mapping[str, int], on_their_way: Mapping[str, int]
) -> dict[str, Capacity]:
    """The sizes of groups of which none shall want an instance that it has not, by their names.

    C(usual) are the sizes that each would have, C(serving) how many units it has in service, and C(on_their_way) how
    many are launching. A group of which nothing serves goes to 0, unless none serves at all: then what is on its
    way may be all there will be.
    """
    any_serves = any(serving.values())
    sizes = {}
    for name, capacity in usual.items():
        number = serving[name] + on_their_way[name] if serving[name] or not any_serves else 0
        sizes[name] = Capacity(min(capacity.min_size, number), max(capacity.max_size, number), number)
    return sizes


def deploying_capacities(
    new_group: str, capacity: Capacity, outgoing: Sequence[Snapshot], phase: Phase, *, keeps: bool = False
) -> dict[str, Capacity]:
    """The sizes of every group of a deployment in a phase, by name.

    Before the first phase the outgoing groups still have the sizes of their snapshots, and with C(keeps) until the bake
    is over.
    """
    sizes = {new_group: pinned(with_growth(phase.target, capacity, outgoing), capacity.max_size)}
    if phase.target == 0 or (keeps and not phase.baked):
        sizes.update({snapshot.group: snapshot.capacity for snapshot in outgoing})
        return sizes
    targets = outgoing_targets(outgoing, phase, capacity.desired_capacity)
    for snapshot in outgoing:
        sizes[snapshot.group] = pinned(targets[snapshot.group], snapshot.capacity.max_size)
    return sizes


def floor(outgoing: Sequence[Snapshot], capacity: Capacity, phase: Phase, *, keeps: bool = False) -> int:
    """What capacity in service never falls below with C(new_first), over all groups, in a phase."""
    before = sum(snapshot.capacity.desired_capacity for snapshot in outgoing)
    targets = outgoing_targets(outgoing, phase, capacity.desired_capacity, keeps=keeps)
    return min(before, phase.target + sum(targets.values()))


def enough_remains(
    outgoing: Sequence[Snapshot], serving: Mapping[str, int], rollback_floor: float = ROLLBACK_FLOOR
) -> bool:
    """Whether the outgoing groups may get all requests of a rollback at once, before they have their capacity back.

    C(serving) is how many units each has in service now, by its name: a group that is not named has none. All together
    must be at least C(rollback_floor), a share from 0 to 1, of what they had before the deployment; and nothing never
    is enough.
    """
    before = sum(snapshot.capacity.desired_capacity for snapshot in outgoing)
    remaining = sum(serving.get(snapshot.group, 0) for snapshot in outgoing)
    # The share as it is written: 0.07 of 100 is 7, and as binary fractions more.
    return remaining > 0 and remaining >= Fraction(str(rollback_floor)) * before


def rollback_floor_problems(rollback_floor: float) -> list[str]:
    """Say what is wrong with the share that must remain for traffic to move first; empty where nothing is."""
    if 0 <= rollback_floor <= 1:
        return []
    return [f"rollback_floor is {rollback_floor:g}; it must be a share of what was in service, from 0 to 1"]


def phase_peak(
    outgoing: Sequence[Snapshot],
    capacity: Capacity,
    before: Phase,
    phase: Phase,
    resize_order: str,
    *,
    keeps: bool = False,
    baseline: int = 0,
) -> int:
    """The most instances that all groups together are told to have at a time between two phases.

    With C(new_first) the new group has grown before an outgoing one shrinks, so that both are there. C(baseline) are
    the instances of a fresh baseline, which come with the new group's.
    """
    totals = [
        sum(outgoing_targets(outgoing, one, capacity.desired_capacity, keeps=keeps).values())
        for one in (before, phase)
    ]
    if resize_order == NEW_FIRST:
        return phase.target + totals[0] + baseline
    return max(before.target + totals[0], phase.target + totals[1] + baseline)


def peak(
    outgoing: Sequence[Snapshot],
    capacity: Capacity,
    phases: Sequence[Wanted],
    resize_order: str,
    *,
    keeps: bool = False,
) -> int:
    """The most instances of a whole deployment; without phases as if one brought it to 100 %."""
    most, reached = sum(snapshot.capacity.desired_capacity for snapshot in outgoing), Phase()
    for wanted in phases or (Wanted(percent=100),):
        before, reached = reached, wanted.phase_after(reached, capacity.desired_capacity)
        # On a first deployment there is nothing to compare with.
        baseline = fresh_baseline_size(wanted, reached) if outgoing else 0
        most = max(
            most,
            phase_peak(outgoing, capacity, before, reached, resize_order, keeps=keeps, baseline=baseline),
        )
    return most


def additional(most: int, running: Sequence[Capacity]) -> int:
    """How many instances more than there are now C(most) at a time are, beside groups of these capacities."""
    return max(0, most - sum(capacity.desired_capacity for capacity in running))


@dataclass(frozen=True)
class Standing:
    """What a group is now, what it is to be, and what is still missing until it has settled there.

    C(soonest) is in how many seconds that is usually there; 0 where nobody knows.
    """

    group: str
    capacity: Capacity
    wanted: Capacity
    missing: tuple[str, ...] = ()
    soonest: float = 0.0


@dataclass(frozen=True)
class NextStep:
    """Groups to resize now, or what to wait for. Both empty: everything is as wanted and settled.

    C(soonest) is in how many seconds the last of what to wait for is usually there; 0 where nobody knows.
    """

    resize: Mapping[str, Capacity]
    wait_for: tuple[str, ...] = ()
    soonest: float = 0.0


def next_step(stages: Sequence[Sequence[Standing]]) -> NextStep:
    """Find the next step through stages, each of which settles before the next begins."""
    for stage in stages:
        resize = {one.group: one.wanted for one in stage if one.capacity != one.wanted}
        if resize:
            return NextStep(resize)
        missing = tuple(words for one in stage for words in one.missing)
        if missing:
            return NextStep({}, missing, max(one.soonest for one in stage))
    return NextStep({})


def stages(
    new: Sequence[Standing], outgoing: Sequence[Standing], resize_order: str
) -> tuple[Sequence[Standing], Sequence[Standing]]:
    """The two stages of a phase: with C(new_first) the new group settles before an outgoing one shrinks."""
    return (new, outgoing) if resize_order == NEW_FIRST else (outgoing, new)
