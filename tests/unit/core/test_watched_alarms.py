# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What alarms were when a deployment began is kept in a few characters each."""

from __future__ import annotations

from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.watched_alarms import (
    WIDTH,
    AlarmsAtStart,
    read_alarms,
)
from hypothesis import given
from hypothesis import strategies as st

STATES = st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"])


@given(st.dictionaries(st.text(min_size=1, max_size=255), STATES, max_size=30))
def test_states_survive_the_journal_in_three_characters_each(states: dict[str, str]) -> None:
    start = AlarmsAtStart().extended(states)
    text = start.write()
    assert read_alarms(text) == start
    assert len(text) <= WIDTH * len(states) + 1
    assert journal.escape(text) == text
    assert all(start.knows(name) for name in states)
    assert not any(start.was_firing(name) for name, state in states.items() if state != "ALARM")


def test_an_alarm_that_was_in_alarm_is_told_from_one_that_was_not_and_from_one_that_is_not_known() -> None:
    start = AlarmsAtStart().extended({"loud": "ALARM", "quiet": "OK"})
    assert [start.was_firing(name) for name in ("loud", "quiet", "other")] == [True, False, False]
    assert [start.knows(name) for name in ("loud", "quiet", "other")] == [True, True, False]


def test_what_is_known_is_not_forgotten_by_a_run_that_goes_on() -> None:
    start = AlarmsAtStart().extended({"loud": "ALARM", "quiet": "OK"})
    later = start.extended({"loud": "OK", "quiet": "ALARM", "new": "ALARM"})
    assert [later.was_firing(name) for name in ("loud", "quiet", "new")] == [True, False, True]
    assert AlarmsAtStart().write() == ""
