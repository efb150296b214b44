# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change calendars of the pretend Systems Manager are open and closed as AWS's documentation says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.inprocess import InProcess


def content(kind: str, *events: tuple[float, float]) -> str:
    """A calendar in iCalendar format, with events from and until so many seconds since the epoch."""
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//AWS//Change Calendar 1.0//EN",
        "VERSION:2.0",
        f"X-CALENDAR-TYPE:{kind}",
    ]
    for begin, end in events:
        lines += ["BEGIN:VEVENT", f"DTSTART:{_time(begin)}", f"DTEND:{_time(end)}", "END:VEVENT"]
    return "\n".join([*lines, "END:VCALENDAR"])


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def create(aws: InProcess, name: str, kind: str, *events: tuple[float, float]) -> None:
    aws.client("ssm").create_document(
        Name=name, Content=content(kind, *events), DocumentType="ChangeCalendar", DocumentFormat="TEXT"
    )


def state(aws: InProcess, *names: str) -> dict[str, Any]:
    answer = aws.client("ssm").get_calendar_state(CalendarNames=list(names))
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_a_calendar_that_is_open_by_default_is_closed_in_its_events_and_says_until_when(
    aws: InProcess,
) -> None:
    now = aws.clock.now()
    create(aws, "holidays", "DEFAULT_OPEN", (now + 60, now + 120))
    assert state(aws, "holidays")["State"] == "OPEN"
    aws.advance(61)
    found = state(aws, "arn:aws:ssm:us-east-1:123456789012:document/holidays")
    assert found["State"] == "CLOSED"
    assert found["NextTransitionTime"] == datetime.fromtimestamp(now + 120, UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    aws.advance(60)
    later = state(aws, "holidays")
    assert (later["State"], later.get("NextTransitionTime")) == ("OPEN", None), "nothing follows"


def test_several_calendars_are_open_only_together(aws: InProcess) -> None:
    create(aws, "open", "DEFAULT_OPEN")
    create(aws, "closed", "DEFAULT_CLOSED")
    assert state(aws, "open")["State"] == "OPEN"
    assert state(aws, "closed")["State"] == "CLOSED"
    assert state(aws, "open", "closed")["State"] == "CLOSED"


@pytest.mark.parametrize(
    ("name", "code"), [("nothing", "InvalidDocument"), ("runbook", "InvalidDocumentType")]
)
def test_what_is_no_calendar_is_refused(aws: InProcess, name: str, code: str) -> None:
    aws.client("ssm").create_document(
        Name="runbook", Content='{"schemaVersion": "0.3", "mainSteps": []}', DocumentType="Automation"
    )
    with pytest.raises(ClientError) as refused:
        state(aws, name)
    assert refused.value.response["Error"]["Code"] == code


def test_an_event_that_recurs_is_not_modelled_and_says_so(aws: InProcess) -> None:
    text = content("DEFAULT_OPEN", (0, 60)).replace("END:VEVENT", "RRULE:FREQ=DAILY\nEND:VEVENT")
    with pytest.raises(ClientError, match="does not model events"):
        aws.client("ssm").create_document(
            Name="daily", Content=text, DocumentType="ChangeCalendar", DocumentFormat="TEXT"
        )
