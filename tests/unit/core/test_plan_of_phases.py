# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases stand in the journal, and none begins before its turn."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import (
    Wanted,
    out_of_turn,
    passed,
    planned,
    replanned,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.model import (
    Capacity,
    Deployment,
    Phase,
    PlannedPhase,
)

GUIDE = planned(
    (Wanted(percent=25, verified=True), Wanted(percent=50, verified=True), Wanted(percent=100)), 4
)
SIZES = Capacity(0, 10, 4)


def deployment(plan: tuple[PlannedPhase, ...]) -> Deployment:
    return Deployment(
        *("shop", 1, "shop__1", "d1", journal.DEPLOYING, "base", "ami-1"), SIZES, Phase(), "f", plan=plan
    )


def test_the_plan_survives_the_journal() -> None:
    value = journal.write_sizes(deployment(passed(GUIDE, Phase(target=1))))
    assert value == "min=0 max=10 desired=4 plan=1p+2v+4f"
    assert journal.read_plan(value) == passed(GUIDE, Phase(target=1))
    assert journal.read_capacity(value) == SIZES
    assert journal.read_plan(journal.write_sizes(deployment(()))) == ()


@pytest.mark.parametrize(
    ("plan", "reached", "wanted", "refused"),
    [
        (GUIDE, Phase(), Phase(target=1), ""),
        (GUIDE, Phase(), Phase(target=4, final=True), "1 of 4 next"),
        (GUIDE, Phase(target=1), Phase(before=1, target=2), "has not passed its verification"),
        (passed(GUIDE, Phase(target=1)), Phase(target=1), Phase(before=1, target=2), ""),
        (passed(GUIDE, Phase(target=1)), Phase(target=1), Phase(target=4, final=True), "2 of 4 next"),
        (GUIDE, Phase(target=2), Phase(target=1), ""),
        ((), Phase(), Phase(target=4, final=True), ""),
    ],
)
def test_a_phase_begins_only_in_its_turn(
    plan: tuple[PlannedPhase, ...], reached: Phase, wanted: Phase, refused: str
) -> None:
    words = out_of_turn(plan, reached, wanted)
    assert bool(words) == bool(refused)
    assert refused in words


def test_one_instance_is_a_canary_before_it_is_the_whole() -> None:
    plan = planned((Wanted(percent=25, verified=True), Wanted(percent=100)), 1)
    assert "1 of 1 next" in out_of_turn(plan, Phase(), Phase(target=1, final=True))
    assert "verification" in out_of_turn(plan, Phase(target=1), Phase(target=1, final=True))


def test_a_run_that_goes_on_with_other_phases_keeps_what_has_passed() -> None:
    other = planned(
        (Wanted(percent=25, verified=True), Wanted(percent=75, verified=True), Wanted(percent=100)), 4
    )
    kept = replanned(other, passed(GUIDE, Phase(target=1)), Phase(target=1))
    assert [one.verdict for one in kept] == ["passed", "due", ""]
