# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan carried out on pretend groups, in any order in which a world may let things happen.

Instances come and go one at a time; the controller may look, write, be killed with half of its writes sent, go on
to the next phase before the last has settled, or roll back, at any moment. The first invariant of all: with
C(new_first), capacity in service never falls below the floor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import (
    NEW_FIRST,
    OLD_FIRST,
    Standing,
    Wanted,
    deploying_capacities,
    floor,
    next_step,
    pinned,
    stages,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Capacity, Phase, Snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.capacity_examples import new_capacities, outgoing_groups, rising

NEW = "shop__checkout__prod__99"

Move = Callable[[], None]


@dataclass
class PretendGroup:
    """A group whose instances arrive and leave one at a time. Leaving ones no longer count."""

    capacity: Capacity
    in_service: int
    pending: int = 0

    @property
    def settled(self) -> bool:
        return self.in_service == self.capacity.desired_capacity and not self.pending

    def moves(self) -> Iterator[Move]:
        """What Auto Scaling may do next."""
        size = self.in_service + self.pending
        if self.pending:
            yield self.arrive
        if size < self.capacity.desired_capacity:
            yield self.launch
        if size > self.capacity.desired_capacity:
            if self.in_service:
                yield self.terminate
            if self.pending:
                yield self.cancel

    def launch(self) -> None:
        self.pending += 1

    def arrive(self) -> None:
        self.pending -= 1
        self.in_service += 1

    def cancel(self) -> None:
        self.pending -= 1

    def terminate(self) -> None:
        self.in_service -= 1


class Deployment:
    """A deployment under way: pretend groups, what the journal says, and a controller that may die."""

    def __init__(
        self, outgoing: Sequence[Snapshot], capacity: Capacity, phases: Sequence[Wanted], order: str
    ) -> None:
        self.outgoing, self.capacity, self.order = outgoing, capacity, order
        self.groups = {
            one.group: PretendGroup(one.capacity, one.capacity.desired_capacity) for one in outgoing
        }
        self.groups[NEW] = PretendGroup(pinned(0, capacity.max_size), 0)
        self.ahead = list(phases)
        self.phase = Phase()
        self.was: int | None = self.in_service
        self.rolling_back = self.ended = False
        self.unsent: list[tuple[str, Capacity]] = []

    @property
    def in_service(self) -> int:
        return sum(group.in_service for group in self.groups.values())

    @property
    def planned(self) -> int:
        sizes = deploying_capacities(NEW, self.capacity, self.outgoing, self.phase)
        return sum(size.desired_capacity for size in sizes.values())

    # -------------------------------------------------------------- controller

    def stages(self) -> Sequence[Sequence[Standing]]:
        if self.rolling_back:
            restored = [self.stand(one.group, one.capacity) for one in self.outgoing]
            return restored, [self.stand(NEW, pinned(0, self.capacity.max_size))]
        sizes = deploying_capacities(NEW, self.capacity, self.outgoing, self.phase)
        shrinking = [self.stand(one.group, sizes[one.group]) for one in self.outgoing]
        return stages([self.stand(NEW, sizes[NEW])], shrinking, self.order)

    def stand(self, name: str, wanted: Capacity) -> Standing:
        group = self.groups[name]
        return Standing(name, group.capacity, wanted, () if group.settled else (f"{name} is not settled",))

    def look(self) -> None:
        step = next_step(self.stages())
        self.unsent = list(step.resize.items())
        if not self.unsent and not step.wait_for:
            if self.rolling_back or not self.ahead:
                self.ended = True
            else:
                self.go_on()

    def send(self) -> None:
        name, capacity = self.unsent.pop(0)
        assert 0 <= capacity.min_size <= capacity.desired_capacity <= capacity.max_size
        self.groups[name].capacity = capacity

    def be_killed(self) -> None:
        self.unsent = []

    def go_on(self) -> None:
        """Write the next phase into the journal."""
        self.unsent = []
        self.was = self.in_service if all(group.settled for group in self.groups.values()) else None
        self.phase = self.ahead.pop(0).phase_after(self.phase, self.capacity.desired_capacity)

    def roll_back(self) -> None:
        self.unsent = []
        self.rolling_back = True

    def moves(self) -> list[Move]:
        """Everything that may happen next."""
        moves = [move for group in self.groups.values() for move in group.moves()]
        moves.append(self.send if self.unsent else self.look)
        moves.append(self.be_killed)
        if self.ahead and not self.rolling_back:
            moves.append(self.go_on)
        return moves

    # ------------------------------------------------------------------ running

    def happen(self, choices: Sequence[int], check: Callable[[Deployment], None]) -> None:
        """Let things happen as they are chosen, looking after each."""
        for choice in choices:
            moves = self.moves()
            moves[choice % len(moves)]()
            check(self)

    def finish(self, check: Callable[[Deployment], None]) -> None:
        """Let everything come to its end, without further mishap."""
        for _ in range(10_000):
            if self.ended:
                return
            for group in self.groups.values():
                for move in list(group.moves())[:1]:
                    move()
                    check(self)
            (self.send if self.unsent else self.look)()
            check(self)
        raise AssertionError("it never ends")


def holds_the_floor(deployment: Deployment) -> None:
    assert deployment.in_service >= floor(deployment.outgoing, deployment.capacity, deployment.phase)
    if deployment.was is not None and not deployment.rolling_back:
        # A phase that began settled does better: it never has less than it began with, if so much is planned.
        assert deployment.in_service >= min(deployment.was, deployment.planned)


@st.composite
def deployments(draw: st.DrawFn, order: str) -> Deployment:
    capacity = draw(new_capacities(most=8))
    outgoing = draw(outgoing_groups(most=6, max_size=3))
    return Deployment(outgoing, capacity, draw(rising(capacity.desired_capacity, most=4)), order)


happenings = st.lists(st.integers(0, 1000), max_size=120)


@settings(max_examples=400)
@given(deployments(NEW_FIRST), happenings)
def test_with_new_first_the_floor_holds_whatever_happens_and_the_new_group_takes_over(
    deployment: Deployment, choices: list[int]
) -> None:
    deployment.happen(choices, holds_the_floor)
    deployment.finish(holds_the_floor)
    new = deployment.groups.pop(NEW)
    assert (new.in_service, new.pending) == (deployment.capacity.desired_capacity, 0)
    assert all((group.in_service, group.pending) == (0, 0) for group in deployment.groups.values())


@settings(max_examples=400)
@given(deployments(NEW_FIRST), happenings, happenings)
def test_a_rollback_from_any_point_holds_the_floor_and_restores_everything(
    deployment: Deployment, before: list[int], after: list[int]
) -> None:
    deployment.happen(before, holds_the_floor)
    deployment.ended = False
    deployment.roll_back()
    deployment.happen(after, holds_the_floor)
    deployment.finish(holds_the_floor)
    for one in deployment.outgoing:
        group = deployment.groups[one.group]
        assert group.capacity == one.capacity
        assert group.settled
    new = deployment.groups[NEW]
    assert (new.in_service, new.pending, new.capacity.desired_capacity) == (0, 0, 0)


@given(deployments(OLD_FIRST), happenings)
def test_with_old_first_no_room_is_needed_for_both(deployment: Deployment, choices: list[int]) -> None:
    before = sum(one.capacity.desired_capacity for one in deployment.outgoing)

    def stays_small(now: Deployment) -> None:
        # One more than the larger of the two, since rounding up keeps capacity.
        size = sum(group.in_service + group.pending for group in now.groups.values())
        assert size <= max(before, now.capacity.desired_capacity) + 1

    deployment.happen(choices, stays_small)
    deployment.finish(stays_small)
    assert deployment.in_service == deployment.groups[NEW].in_service == deployment.capacity.desired_capacity


def test_the_check_itself_notices_an_outgoing_group_that_shrinks_too_early() -> None:
    snapshot = Snapshot("shop__checkout__prod__6", 6, Capacity(0, 10, 4))
    deployment = Deployment(
        [snapshot], Capacity(0, 10, 4), [Wanted(percent=50), Wanted(percent=100)], "old_first"
    )
    dips = []

    def note(now: Deployment) -> None:
        dips.append(now.in_service < floor(now.outgoing, now.capacity, now.phase))

    deployment.finish(note)
    assert any(dips)


def test_a_killed_controller_repeats_no_write_that_was_sent() -> None:
    outgoing = [Snapshot(f"shop__checkout__prod__{one}", one, Capacity(0, 10, 3)) for one in (5, 6)]
    deployment = Deployment(outgoing, Capacity(0, 10, 6), [Wanted(percent=100)], NEW_FIRST)
    deployment.go_on()
    deployment.groups[NEW] = replace(deployment.groups[NEW], capacity=pinned(6, 10), in_service=6)
    deployment.look()
    assert [name for name, _ in deployment.unsent] == [one.group for one in outgoing]
    deployment.send()
    deployment.be_killed()
    deployment.look()
    assert [name for name, _ in deployment.unsent] == [outgoing[1].group]
