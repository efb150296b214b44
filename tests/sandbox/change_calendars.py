# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change calendars of AWS Systems Manager, which moto has not.

After the AWS Systems Manager API Reference (GetCalendarState, CreateDocument) and the AWS Systems Manager User Guide
("Creating a change calendar", "Getting the state of a change calendar"): a calendar is a document of the type
ChangeCalendar with text in iCalendar format, whose ``X-CALENDAR-TYPE`` says what it is outside of its events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.sandbox.errors import AwsError, not_modelled
from tests.sandbox.validation import validate

if TYPE_CHECKING:
    from tests.sandbox.world import World

_DOCUMENT_TYPE = "ChangeCalendar"
#: "DEFAULT_OPEN: All actions can run by default, except during calendar events", DEFAULT_CLOSED the other way round.
_OUTSIDE = {"DEFAULT_OPEN": "OPEN", "DEFAULT_CLOSED": "CLOSED"}
_OTHER = {"OPEN": "CLOSED", "CLOSED": "OPEN"}
_TIME = re.compile(r"^(DTSTART|DTEND)(?:;TZID=([^:]+))?:(\d{8}T\d{6})(Z?)$")


@dataclass(frozen=True)
class _Calendar:
    outside: str
    #: When each event begins and ends, in seconds since the epoch.
    events: tuple[tuple[float, float], ...]

    def state(self, moment: float) -> str:
        within = any(begin <= moment < end for begin, end in self.events)
        return _OTHER[self.outside] if within else self.outside


class ChangeCalendars:
    """The change calendars of a region, by name."""

    def __init__(self, world: World) -> None:
        """Begin without calendars."""
        self._world = world
        self._by_name: dict[str, _Calendar] = {}

    def handle(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """Do an operation of Systems Manager that is about change calendars; None for any other one."""
        if operation == "GetCalendarState":
            validate("ssm", operation, parameters)
            return self._state(parameters)
        if operation == "CreateDocument" and parameters.get("DocumentType") == _DOCUMENT_TYPE:
            validate("ssm", operation, parameters)
            return self._create(parameters)
        return None

    def is_own(self, operation: str, parameters: dict[str, Any]) -> bool:
        """Return whether an operation is done here."""
        return operation == "GetCalendarState" or (
            operation == "CreateDocument" and parameters.get("DocumentType") == _DOCUMENT_TYPE
        )

    def _create(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["Name"]
        if name in self._by_name:
            raise AwsError("DocumentAlreadyExists", "The specified document already exists.")
        # "--document-format TEXT" in "Creating a change calendar".
        if given.get("DocumentFormat") != "TEXT":
            raise AwsError("InvalidDocumentContent", "A change calendar has the document format TEXT.")
        self._by_name[name] = _read(given["Content"])
        return {
            "DocumentDescription": {"Name": name, "DocumentType": _DOCUMENT_TYPE, "DocumentFormat": "TEXT"}
        }

    def _state(self, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("AtTime"):
            raise not_modelled("GetCalendarState at another time than now")
        now = self._world.now()
        calendars = [self._named(name) for name in given["CalendarNames"]]
        state = _together(calendars, now)
        changes = sorted(at for one in calendars for event in one.events for at in event if at > now)
        answer = {"State": state, "AtTime": _written(now)}
        later = next((at for at in changes if _together(calendars, at) != state), None)
        return answer | ({"NextTransitionTime": _written(later)} if later is not None else {})

    def _named(self, name_or_arn: str) -> _Calendar:
        name = name_or_arn.rpartition(":document/")[2]
        if name in self._by_name:
            return self._by_name[name]
        if name in self._world.backend("ssm")._documents:
            raise AwsError("InvalidDocumentType", "The SSM document type isn't valid.")
        raise AwsError("InvalidDocument", "The specified SSM document doesn't exist.")


def _together(calendars: list[_Calendar], moment: float) -> str:
    """Return the state of several: "the status of OPEN only if all calendars in the request are open"."""
    return "OPEN" if all(one.state(moment) == "OPEN" for one in calendars) else "CLOSED"


def _read(content: str) -> _Calendar:
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    kind = next(
        (line.partition(":")[2] for line in lines if line.startswith("X-CALENDAR-TYPE:")), "DEFAULT_OPEN"
    )
    if kind not in _OUTSIDE or lines[:1] != ["BEGIN:VCALENDAR"]:
        raise AwsError("InvalidDocumentContent", "The content for the document isn't valid.")
    if any(line.startswith(("RRULE", "RDATE", "DURATION")) for line in lines):
        raise not_modelled("events of a change calendar that recur, or that have a duration")
    times: dict[str, list[float]] = {"DTSTART": [], "DTEND": []}
    for line in lines:
        if found := _TIME.match(line):
            times[found[1]].append(_moment(found[3], found[2], bool(found[4])))
    return _Calendar(_OUTSIDE[kind], tuple(zip(times["DTSTART"], times["DTEND"], strict=True)))


def _moment(text: str, zone: str | None, universal: bool) -> float:
    tzinfo = UTC if universal or not zone else ZoneInfo(zone)
    return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=tzinfo).timestamp()


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
