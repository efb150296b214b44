# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the sweep (``make faults`` runs all of it): nothing is lost, whatever goes wrong at whichever call."""

from __future__ import annotations

import pytest

from tests.faults.cases import FAULTS, RERUNS, SCENARIOS, Outcome
from tests.faults.running import calls_of, cases_of, sweep

#: Prime to the number of faults and re-runs, so that each of them comes with many calls.
EVERY = 97


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_sample_of_all_cases_holds(scenario: str) -> None:
    cases = cases_of(calls_of(scenario))
    assert len(cases) % (len(FAULTS) * len(RERUNS)) == 0
    outcomes: list[Outcome] = []
    sweep(scenario, cases[::EVERY], 1, outcomes.append)
    assert len(outcomes) == len(cases[::EVERY])
    assert [(one.case, one.problems) for one in outcomes if one.problems] == []
    assert {one.end for one in outcomes} == {"live", "as before"}
