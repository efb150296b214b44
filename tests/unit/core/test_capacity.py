# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of capacity: what each phase asks of each group."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import (
    NEW_FIRST,
    OLD_FIRST,
    NextStep,
    Standing,
    Wanted,
    capacity_problems,
    deploying_capacities,
    enough_remains,
    floor,
    live_capacity,
    next_step,
    outgoing_targets,
    outgoing_total,
    peak,
    phase_problems,
    pinned,
    rollback_floor_problems,
    stages,
    wanted_capacity,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Capacity, Phase, Snapshot
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.core.capacity_examples import (
    capacities,
    new_capacities,
    outgoing_groups,
    rising,
    wanted_phases,
)

NEW = "shop__checkout__prod__99"


def old(revision: int, desired: int, max_size: int = 10) -> Snapshot:
    return Snapshot(f"shop__checkout__prod__{revision}", revision, Capacity(0, max_size, desired))


def walk(phases: Sequence[Wanted], desired: int) -> list[Phase]:
    """The phases of a deployment, one reached after the other."""
    reached, walked = Phase(), []
    for wanted in phases:
        reached = wanted.phase_after(reached, desired)
        walked.append(reached)
    return walked


class TestGrowth:
    """What has come meanwhile is shared out in proportion."""

    @staticmethod
    def grown(desired: int, number: int) -> Snapshot:
        return dataclasses.replace(old(6, desired + number, 40), grown=number)

    @pytest.mark.parametrize(
        ("running", "wanted", "more", "live"), [(4, 4, 4, 8), (10, 4, 5, 6), (4, 8, 2, 12), (4, 4, 0, 4)]
    )
    def test_the_new_group_ends_with_its_share(self, running: int, wanted: int, more: int, live: int) -> None:
        capacity = live_capacity(Capacity(0, 40, wanted), [self.grown(running, more)])
        assert capacity == Capacity(0, 40, live)

    def test_the_wanted_maximum_is_kept(self) -> None:
        assert live_capacity(Capacity(0, 6, 4), [self.grown(4, 4)]) == Capacity(0, 6, 6)

    @given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 100))
    def test_the_share_of_a_phase_stays_and_the_total_covers_what_is_needed(
        self, desired: int, more: int, percent: int
    ) -> None:
        capacity, snapshot = Capacity(0, 1000, desired), self.grown(desired, more)
        phase = Wanted(percent=percent).phase_after(Phase(), desired)
        sizes = deploying_capacities(NEW, capacity, [snapshot], phase)
        new, outgoing = sizes[NEW].desired_capacity, sizes[snapshot.group].desired_capacity
        whole = desired + more
        assert abs(new - phase.target * whole / desired) <= 0.5
        assert new + outgoing >= whole
        assert phase.final == (outgoing == 0 and new == whole) or not phase.final


class TestTheGuidesExample:
    """Max 10, desired 4, phases of 25, 50 and 100 %, four instances running."""

    PHASES = (Wanted(percent=25), Wanted(percent=50), Wanted(percent=100))

    def test_the_new_group_has_1_then_2_then_4_and_the_old_3_then_2_then_0(self) -> None:
        sizes = [
            deploying_capacities(NEW, Capacity(0, 10, 4), [old(6, 4)], phase)
            for phase in walk(self.PHASES, 4)
        ]
        assert [one[NEW].desired_capacity for one in sizes] == [1, 2, 4]
        assert [one[old(6, 4).group].desired_capacity for one in sizes] == [3, 2, 0]

    def test_min_is_pinned_to_desired_and_max_stays(self) -> None:
        sizes = deploying_capacities(NEW, Capacity(0, 10, 4), [old(6, 4)], Phase(0, 1))
        assert sizes == {NEW: Capacity(1, 10, 1), old(6, 4).group: Capacity(3, 10, 3)}

    def test_before_the_first_phase_only_the_new_group_is_written(self) -> None:
        sizes = deploying_capacities(NEW, Capacity(0, 10, 4), [old(6, 4)], Phase())
        assert sizes == {NEW: Capacity(0, 10, 0), old(6, 4).group: Capacity(0, 10, 4)}

    def test_the_floor_is_the_four_that_ran(self) -> None:
        floors = [floor([old(6, 4)], Capacity(0, 10, 4), phase) for phase in walk(self.PHASES, 4)]
        assert floors == [4, 4, 4]


class TestTargets:
    @pytest.mark.parametrize(
        ("percent", "desired", "target"),
        [(25, 4, 1), (50, 4, 2), (100, 4, 4), (25, 10, 3), (24, 10, 2), (1, 4, 1), (99, 4, 4), (50, 1, 1)],
    )
    def test_percentages_round_half_up(self, percent: int, desired: int, target: int) -> None:
        assert Wanted(percent=percent).target(desired) == target

    @given(st.integers(1, 100), st.integers(1, 10_000))
    def test_percentages_round_as_decimal_does_from_1_to_desired(self, percent: int, desired: int) -> None:
        exact = Decimal(percent * desired) / 100
        rounded = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
        assert Wanted(percent=percent).target(desired) == min(max(1, rounded), desired)

    @given(st.integers(1, 100), st.data())
    def test_a_count_is_taken_as_it_is(self, desired: int, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, desired))
        assert Wanted(count=count).target(desired) == count

    @pytest.mark.parametrize(
        ("wanted", "desired", "final"),
        [
            (Wanted(percent=100), 4, True),
            (Wanted(percent=99), 4, False),
            (Wanted(percent=25), 1, False),
            (Wanted(count=4), 4, True),
            (Wanted(count=3), 4, False),
        ],
    )
    def test_the_final_phase_is_the_one_asked_for_as_the_whole(
        self, wanted: Wanted, desired: int, final: bool
    ) -> None:
        assert wanted.is_final(desired) is final


class TestPhases:
    @given(new_capacities(), st.data())
    def test_targets_of_rising_phases_never_fall(self, capacity: Capacity, data: st.DataObject) -> None:
        phases = data.draw(rising(capacity.desired_capacity))
        walked = walk(phases, capacity.desired_capacity)
        assert all(lower.target <= higher.target for lower, higher in itertools.pairwise(walked))
        assert walked[-1] == Phase(walked[-1].before, capacity.desired_capacity, final=True)

    @given(new_capacities(), st.data())
    def test_any_order_of_phases_never_goes_back(self, capacity: Capacity, data: st.DataObject) -> None:
        desired = capacity.desired_capacity
        walked = walk(data.draw(st.lists(wanted_phases(desired), min_size=1, max_size=6)), desired)
        for lower, higher in itertools.pairwise(walked):
            assert (lower.final, lower.target) <= (higher.final, higher.target)

    @given(new_capacities(), st.data())
    def test_a_phase_that_was_reached_changes_nothing(self, capacity: Capacity, data: st.DataObject) -> None:
        desired = capacity.desired_capacity
        phases = data.draw(rising(desired))
        reached = walk(phases, desired)[-1]
        for wanted in phases:
            assert wanted.phase_after(reached, desired) is reached

    def test_a_phase_knows_where_it_began(self) -> None:
        assert Wanted(percent=50).phase_after(Phase(0, 1), 4) == Phase(before=1, target=2)

    def test_99_percent_of_few_is_all_of_them_and_still_not_the_end(self) -> None:
        nearly = Wanted(percent=99).phase_after(Phase(), 4)
        assert nearly == Phase(0, 4, final=False)
        assert Wanted(percent=100).phase_after(nearly, 4) == Phase(4, 4, final=True)

    def test_a_finishing_phase_is_not_begun_again(self) -> None:
        finishing = Phase(2, 4, final=True, finishing=True)
        assert Wanted(percent=100).phase_after(finishing, 4) is finishing


class TestWhatIsWrongWithAPhase:
    @pytest.mark.parametrize(
        ("wanted", "words"),
        [
            (Wanted(name="Canary"), "phase 'Canary' has neither of percent and count; give exactly one"),
            (Wanted(percent=5, count=1), "the phase has both of percent and count; give exactly one"),
            (Wanted(percent=0), "the phase has percent 0; it must be from 1 to 100"),
            (Wanted(percent=101), "the phase has percent 101; it must be from 1 to 100"),
            (Wanted(percent=-1), "the phase has percent -1; it must be from 1 to 100"),
            (Wanted(count=0), "the phase has count 0; it must be at least 1"),
            (Wanted(count=5), "the phase has count 5, more than the desired capacity of 4"),
        ],
    )
    def test_it_is_said(self, wanted: Wanted, words: str) -> None:
        assert wanted.problems(4) == [words]

    def test_a_count_is_not_judged_by_a_capacity_that_is_not_known_yet(self) -> None:
        assert Wanted(count=5).problems() == []

    @pytest.mark.parametrize(
        ("phases", "words"),
        [
            ([], "there are no phases; the last one must reach 100 %"),
            ([Wanted(percent=50)], "the last phase must reach 100 %, and it ends at 50 %"),
            (
                [Wanted(count=3)],
                "the last phase must reach the desired capacity of 4, and it ends at 3 instances",
            ),
            ([Wanted(percent=50), Wanted(percent=25), Wanted(percent=100)], "25 % does not come after 50 %"),
            ([Wanted(percent=50), Wanted(percent=50), Wanted(percent=100)], "50 % does not come after 50 %"),
            (
                [Wanted(count=2), Wanted(count=1), Wanted(count=4)],
                "1 instances does not come after 2 instances",
            ),
            ([Wanted(count=2), Wanted(count=2), Wanted(count=4)], "does not come after 2 instances"),
            ([Wanted(percent=50), Wanted(count=2), Wanted(count=4)], "2 instances does not come after 50 %"),
            ([Wanted(count=4), Wanted(percent=100)], "100 % does not come after 4 instances"),
        ],
    )
    def test_phases_must_rise_to_the_whole(self, phases: list[Wanted], words: str) -> None:
        (problem,) = phase_problems(phases, 4)
        assert words in problem

    def test_of_a_phase_that_is_wrong_by_itself_only_that_is_said(self) -> None:
        assert phase_problems([Wanted(percent=0), Wanted(percent=500)]) == [
            "the phase has percent 0; it must be from 1 to 100",
            "the phase has percent 500; it must be from 1 to 100",
        ]

    def test_percentages_that_rise_are_right_for_any_capacity(self) -> None:
        phases = [Wanted(percent=10), Wanted(percent=20), Wanted(percent=100)]
        assert phase_problems(phases) == phase_problems(phases, 1) == []

    def test_counts_and_percentages_are_compared_once_the_capacity_is_known(self) -> None:
        phases = [Wanted(count=5), Wanted(percent=20), Wanted(percent=100)]
        assert phase_problems(phases) == []
        assert phase_problems(phases, 100) == []
        assert phase_problems(phases, 10) == ["phases must rise, and 20 % does not come after 5 instances"]

    @given(new_capacities(), st.data())
    def test_rising_phases_are_accepted(self, capacity: Capacity, data: st.DataObject) -> None:
        assert phase_problems(data.draw(rising(capacity.desired_capacity)), capacity.desired_capacity) == []


class TestSizesOfARevision:
    def test_left_unset_they_are_the_same_as_running(self) -> None:
        outgoing = [
            Snapshot("a", 1, Capacity(1, 5, 2)),
            Snapshot("b", 2, Capacity(2, 7, 3)),
        ]
        assert wanted_capacity(None, None, None, outgoing) == (Capacity(3, 12, 5), [])

    def test_each_that_is_given_counts(self) -> None:
        assert wanted_capacity(0, None, 4, [old(6, 2)]) == (Capacity(0, 10, 4), [])

    def test_a_first_deployment_without_sizes_says_which_are_missing(self) -> None:
        capacity, (problem,) = wanted_capacity(None, 10, None, [])
        assert capacity is None
        assert "min_size and desired_capacity" in problem
        assert "must set min_size, max_size and desired_capacity" in problem

    @pytest.mark.parametrize(
        ("sizes", "words"),
        [
            ((5, 10, 4), "min_size 5 is above desired_capacity 4"),
            ((0, 3, 4), "desired_capacity 4 is above max_size 3"),
            ((-1, 3, 2), "min_size is -1; it must not be negative"),
            ((0, 3, 0), "desired_capacity is 0; it must be at least 1"),
        ],
    )
    def test_sizes_that_no_group_can_have_are_refused(self, sizes: tuple[int, int, int], words: str) -> None:
        assert wanted_capacity(*sizes, [])[1] == [words]

    @given(st.integers(-3, 6), st.integers(-3, 6), st.integers(-3, 6))
    def test_no_problem_means_an_order_that_aws_takes(self, low: int, high: int, desired: int) -> None:
        legal = 0 <= low <= desired <= high and desired >= 1
        assert (capacity_problems(Capacity(low, high, desired)) == []) is legal


class TestOutgoing:
    @given(outgoing_groups(), new_capacities(), st.data())
    def test_their_sum_follows_the_rule(
        self, outgoing: list[Snapshot], capacity: Capacity, data: st.DataObject
    ) -> None:
        desired = capacity.desired_capacity
        before = sum(one.capacity.desired_capacity for one in outgoing)
        for phase in walk(data.draw(rising(desired)), desired):
            left = sum(outgoing_targets(outgoing, phase, desired).values())
            if phase.final:
                assert left == 0
            else:
                assert left == max(
                    min(before, 1), math.ceil(Decimal(before * (desired - phase.target)) / desired)
                )

    @given(outgoing_groups(), new_capacities(), st.data())
    def test_targets_never_rise_and_never_exceed_the_snapshot(
        self, outgoing: list[Snapshot], capacity: Capacity, data: st.DataObject
    ) -> None:
        desired = capacity.desired_capacity
        walked = [Phase(), *walk(data.draw(rising(desired)), desired)]
        targets = [outgoing_targets(outgoing, phase, desired) for phase in walked]
        for one in outgoing:
            column = [each[one.group] for each in targets]
            assert column[0] == one.capacity.desired_capacity
            assert all(earlier >= later >= 0 for earlier, later in itertools.pairwise(column))

    @given(outgoing_groups(min_size=2), new_capacities(), st.data())
    def test_the_oldest_shrinks_first(
        self, outgoing: list[Snapshot], capacity: Capacity, data: st.DataObject
    ) -> None:
        desired = capacity.desired_capacity
        for phase in walk(data.draw(rising(desired)), desired):
            targets = outgoing_targets(outgoing, phase, desired)
            for older, newer in itertools.combinations(sorted(outgoing, key=lambda one: one.revision), 2):
                shrunk = targets[newer.group] < newer.capacity.desired_capacity
                assert not (shrunk and targets[older.group] > 0)

    @given(outgoing_groups(), new_capacities(), st.data())
    def test_one_instance_stays_until_the_final_phase(
        self, outgoing: list[Snapshot], capacity: Capacity, data: st.DataObject
    ) -> None:
        assume(any(one.capacity.desired_capacity for one in outgoing))
        desired = capacity.desired_capacity
        for phase in walk(data.draw(rising(desired)), desired):
            left = sum(outgoing_targets(outgoing, phase, desired).values())
            assert (left == 0) is phase.final

    @given(outgoing_groups(), new_capacities(), st.data())
    def test_with_running_capacity_they_keep_their_sizes_until_the_bake_is_over(
        self, outgoing: list[Snapshot], capacity: Capacity, data: st.DataObject
    ) -> None:
        desired = capacity.desired_capacity
        before = sum(one.capacity.desired_capacity for one in outgoing)
        phases = list(data.draw(rising(desired)))
        for phase in walk(phases, desired):
            sizes = deploying_capacities(NEW, capacity, outgoing, phase, keeps=True)
            assert {one.group: one.capacity for one in outgoing} == {
                name: size for name, size in sizes.items() if name != NEW
            }
            assert floor(outgoing, capacity, phase, keeps=True) == before
            assert sizes[NEW].max_size == max(capacity.max_size, phase.target)
        baked = Phase(desired, desired, final=True, baked=True)
        sizes = deploying_capacities(NEW, capacity, outgoing, baked, keeps=True)
        assert sum(size.desired_capacity for size in sizes.values()) == desired
        assert peak(outgoing, capacity, phases, "new_first", keeps=True) == before + desired

    def test_three_groups_shrink_one_after_the_other(self) -> None:
        outgoing = [old(7, 2), old(5, 1), old(6, 3)]
        names = [old(revision, 0).group for revision in (5, 6, 7)]
        columns = [
            [outgoing_targets(outgoing, Phase(0, target, final=target == 4), 4)[name] for name in names]
            for target in (0, 1, 2, 3, 4)
        ]
        assert columns == [[1, 3, 2], [0, 3, 2], [0, 1, 2], [0, 0, 2], [0, 0, 0]]

    def test_rounding_keeps_capacity(self) -> None:
        # 3 x (1 - 1/4) is 2.25.
        assert outgoing_total(3, 1, 4, final=False) == 3

    @pytest.mark.parametrize(("target", "desired"), [(0, 0), (3, 0), (5, 4), (-1, 4), (1, -4)])
    def test_numbers_that_make_no_sense_shrink_nothing(self, target: int, desired: int) -> None:
        assert outgoing_total(4, target, desired, final=False) == 4

    def test_groups_of_one_revision_number_are_both_counted(self) -> None:
        # Tags that cannot be read give revision 0.
        outgoing = [Snapshot("a", 0, Capacity(0, 9, 2)), Snapshot("b", 0, Capacity(0, 9, 2))]
        assert sum(outgoing_targets(outgoing, Phase(0, 2), 4).values()) == 2


class TestWhatIsWritten:
    @given(outgoing_groups(), new_capacities(), st.data())
    def test_aws_takes_every_size(
        self, outgoing: list[Snapshot], capacity: Capacity, data: st.DataObject
    ) -> None:
        for phase in [
            Phase(),
            *walk(data.draw(rising(capacity.desired_capacity)), capacity.desired_capacity),
        ]:
            sizes = deploying_capacities(NEW, capacity, outgoing, phase)
            assert set(sizes) == {NEW, *(one.group for one in outgoing)}
            for size in sizes.values():
                assert 0 <= size.min_size <= size.desired_capacity <= size.max_size

    @given(outgoing_groups(), new_capacities(), st.data())
    def test_while_deploying_min_is_pinned_and_max_untouched(
        self, outgoing: list[Snapshot], capacity: Capacity, data: st.DataObject
    ) -> None:
        maxima = {NEW: capacity.max_size, **{one.group: one.capacity.max_size for one in outgoing}}
        for phase in walk(data.draw(rising(capacity.desired_capacity)), capacity.desired_capacity):
            for group, size in deploying_capacities(NEW, capacity, outgoing, phase).items():
                assert size.min_size == size.desired_capacity
                assert size.max_size == maxima[group]

    @given(capacities(), st.integers(0, 30))
    def test_pinning_never_asks_for_more_than_max(self, capacity: Capacity, instances: int) -> None:
        size = pinned(instances, capacity.max_size)
        assert size.min_size == size.desired_capacity == instances <= size.max_size


class TestFloor:
    @given(outgoing_groups(), new_capacities(), st.data())
    def test_it_is_the_smaller_of_what_was_and_what_is_planned(
        self, outgoing: list[Snapshot], capacity: Capacity, data: st.DataObject
    ) -> None:
        before = sum(one.capacity.desired_capacity for one in outgoing)
        for phase in walk(data.draw(rising(capacity.desired_capacity)), capacity.desired_capacity):
            sizes = deploying_capacities(NEW, capacity, outgoing, phase)
            planned = sum(size.desired_capacity for size in sizes.values())
            assert floor(outgoing, capacity, phase) == min(before, planned)

    @given(outgoing_groups(), new_capacities(), st.data())
    def test_a_revision_as_large_as_what_runs_never_plans_less(
        self, outgoing: list[Snapshot], capacity: Capacity, data: st.DataObject
    ) -> None:
        before = sum(one.capacity.desired_capacity for one in outgoing)
        assume(capacity.desired_capacity >= before)
        for phase in walk(data.draw(rising(capacity.desired_capacity)), capacity.desired_capacity):
            assert floor(outgoing, capacity, phase) == before


class TestNextStep:
    SMALL, LARGE = Capacity(1, 10, 1), Capacity(2, 10, 2)

    def stand(self, name: str, capacity: Capacity, *missing: str) -> Standing:
        return Standing(name, capacity, self.LARGE, missing)

    def test_all_groups_of_a_stage_are_resized_together(self) -> None:
        stage = [
            self.stand("a", self.SMALL),
            self.stand("b", self.LARGE, "1 pending"),
            self.stand("c", self.SMALL),
        ]
        assert next_step([stage]) == NextStep({"a": self.LARGE, "c": self.LARGE})

    def test_the_next_stage_waits_until_the_first_has_settled(self) -> None:
        first, second = [self.stand("a", self.LARGE, "1 pending")], [self.stand("b", self.SMALL)]
        assert next_step([first, second]) == NextStep({}, ("1 pending",))

    def test_it_begins_once_the_first_has_settled(self) -> None:
        first, second = [self.stand("a", self.LARGE)], [self.stand("b", self.SMALL)]
        assert next_step([first, second]) == NextStep({"b": self.LARGE})

    def test_when_all_have_settled_nothing_is_left(self) -> None:
        assert next_step([[self.stand("a", self.LARGE)], [self.stand("b", self.LARGE)]]) == NextStep({})

    def test_a_difference_in_max_alone_is_a_difference(self) -> None:
        step = next_step([[Standing("a", Capacity(2, 9, 2), Capacity(2, 10, 2))]])
        assert step.resize == {"a": Capacity(2, 10, 2)}

    def test_new_first_and_old_first(self) -> None:
        new, outgoing = [self.stand("new", self.SMALL)], [self.stand("old", self.SMALL)]
        assert stages(new, outgoing, NEW_FIRST) == (new, outgoing)
        assert stages(new, outgoing, OLD_FIRST) == (outgoing, new)


class TestEnoughRemains:
    """Whether a rollback may give all requests to what the outgoing groups still have."""

    def test_half_of_what_was_is_enough_unless_another_floor_is_given(self) -> None:
        assert enough_remains([old(6, 4)], {old(6, 4).group: 2})
        assert not enough_remains([old(6, 4)], {old(6, 4).group: 1})
        assert not enough_remains([old(6, 4)], {old(6, 4).group: 3}, 0.8)
        assert enough_remains([old(6, 4)], {old(6, 4).group: 4}, 1)

    def test_all_outgoing_groups_count_together_and_no_others(self) -> None:
        outgoing = [old(6, 4), old(5, 4)]
        assert enough_remains(outgoing, {old(6, 4).group: 4})
        assert not enough_remains(outgoing, {old(6, 4).group: 3, NEW: 5})

    @pytest.mark.parametrize("rollback_floor", [0, 0.5, 1])
    def test_nothing_is_never_enough(self, rollback_floor: float) -> None:
        assert not enough_remains([old(6, 4)], {}, rollback_floor)
        assert not enough_remains([old(6, 0)], {old(6, 0).group: 0}, rollback_floor)
        assert not enough_remains([], {}, rollback_floor)

    @given(hundredths=st.integers(0, 100), hundreds=st.integers(1, 30))
    def test_a_share_is_meant_as_it_is_written(self, hundredths: int, hundreds: int) -> None:
        outgoing, least = [old(6, 100 * hundreds)], hundredths * hundreds
        assert enough_remains(outgoing, {old(6, 1).group: max(least, 1)}, hundredths / 100)
        assert not enough_remains(outgoing, {old(6, 1).group: least - 1}, hundredths / 100)

    @pytest.mark.parametrize("rollback_floor", [-0.1, 1.1, 50, math.nan, math.inf])
    def test_what_is_no_share_is_refused_by_its_name(self, rollback_floor: float) -> None:
        assert "rollback_floor" in rollback_floor_problems(rollback_floor)[0]
        assert rollback_floor_problems(0.5) == []
