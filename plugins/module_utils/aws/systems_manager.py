# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Systems Manager as the engine sees it: the states of change calendars.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..core.errors import AwsError
from .calls import Calls

OPEN = "OPEN"
# GetCalendarState: no such document, a document that is no calendar, a calendar that it cannot read.
NO_CALENDAR = frozenset({"InvalidDocument", "InvalidDocumentType", "UnsupportedCalendarException"})


@dataclass(frozen=True)
class CalendarState:
    """A change calendar: C(OPEN) or C(CLOSED), and when that changes, as AWS writes it; empty where it does not.

    C(problem) says why it has no state, where it has none.
    """

    name: str
    state: str = ""
    next_transition: str = ""
    problem: str = ""


class SystemsManager:
    """Asks Systems Manager for the states of change calendars."""

    def __init__(self, calls: Calls) -> None:
        """Keep how to call AWS."""
        self._calls = calls

    def calendar(self, name: str) -> CalendarState:
        """The state of a change calendar, which is named by its name or its ARN, now.

        Raises:
            AwsError: Systems Manager refused it for another reason than the calendar, or could not be reached.
        """
        try:
            answer = self._calls(
                "ssm", "GetCalendarState", f"read change calendar {name}", CalendarNames=[name]
            )
        except AwsError as error:
            if error.code not in NO_CALENDAR:
                raise
            return CalendarState(name, problem=error.answer or error.code)
        return CalendarState(name, str(answer.get("State", "")), str(answer.get("NextTransitionTime") or ""))
