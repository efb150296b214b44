# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the sweep (``make faults`` runs all of it): nothing is lost, whatever goes wrong at whichever call."""

from __future__ import annotations

import pytest

from tests.faults.cases import FAULTS, RERUNS, Outcome
from tests.faults.harms import HARMS
from tests.faults.running import calls_of, cases_of, pairs_of, sweep
from tests.faults.scenarios import SCENARIOS

#: Prime to the number of faults and re-runs, so that each of them comes with many calls.
EVERY = 97
#: Prime to the number of harms.
HARMED = 23
#: Of what differs from the guide's example in the world alone, a few.
FEW = 577
#: Of two faults in one run: so many.
PAIRS = {"the guide's example": 4, "a rollback": 3}
SAMPLES = dict.fromkeys(list(SCENARIOS)[:5], EVERY) | {
    "a bake beside running capacity": EVERY,
    "a bake alone, late answers": FEW,
    "a fresh baseline": EVERY,
    "copied alarms": FEW,
    "shifted traffic": FEW,
    "shifted traffic, a rollback": FEW,
    "weights, late answers": FEW,
    "a slow hook, late answers": FEW,
    "answers 10 s late": FEW,
    "a clock that is behind": FEW,
}


@pytest.mark.parametrize("scenario", SAMPLES)
def test_a_sample_of_all_cases_holds(scenario: str) -> None:
    cases, every = cases_of(scenario, calls_of(scenario)), SAMPLES[scenario]
    assert len(cases) % (len(FAULTS) * len(RERUNS)) == 0
    outcomes: list[Outcome] = []
    sweep(scenario, cases[::every], 1, outcomes.append)
    assert len(outcomes) == len(cases[::every])
    assert [(one.case, one.problems) for one in outcomes if one.problems] == []
    assert {one.end for one in outcomes} <= {"live", "as before"}
    assert every == FEW or len({one.end for one in outcomes}) == 2


@pytest.mark.parametrize("scenario", ["harm by hand in a phase", "harm by hand in a rollback"])
def test_after_a_harm_by_hand_at_some_calls_a_good_image_is_live_after_three_commands(scenario: str) -> None:
    cases = cases_of(scenario, calls_of(scenario))
    assert len(cases) % len(HARMS) == 0
    outcomes: list[Outcome] = []
    sweep(scenario, cases[::HARMED], 1, outcomes.append)
    assert len(outcomes) == len(cases[::HARMED]) > len(HARMS)
    assert [(one.case, one.problems) for one in outcomes if one.problems] == []


@pytest.mark.parametrize("scenario", PAIRS)
def test_a_sample_of_two_faults_in_one_run_holds(scenario: str) -> None:
    outcomes: list[Outcome] = []
    sweep(scenario, pairs_of(scenario, calls_of(scenario), PAIRS[scenario], seed=1), 1, outcomes.append)
    assert len(outcomes) == PAIRS[scenario]
    assert [(one.case, one.problems) for one in outcomes if one.problems] == []
    assert {one.end for one in outcomes} & {"live", "as before"}
