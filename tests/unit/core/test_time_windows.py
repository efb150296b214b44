# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time windows of the week hold as clocks on the wall of their time zone say."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from ansible_collections.progressive.aws.plugins.module_utils.core.time_windows import (
    Hours,
    Window,
    read_hours,
)
from hypothesis import given
from hypothesis import strategies as st

ZURICH = "Europe/Zurich"


def at(text: str, zone: str = ZURICH) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def hours(**given: Any) -> Hours:
    found, problems = read_hours(given)
    assert problems == []
    return found


OFFICE = {"days": ["mon", "tue", "wed", "thu"], "from": "09:00", "to": "16:00", "time_zone": ZURICH}


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [
        ("2026-03-02T08:59", False),
        ("2026-03-02T09:00", True),
        ("2026-03-02T15:59", True),
        ("2026-03-02T16:00", False),
        ("2026-03-06T10:00", False),
        # The clocks go forward on the 29th of March.
        ("2026-03-30T09:00", True),
        ("2026-03-30T08:59", False),
    ],
)
def test_an_open_window_holds_by_the_clock_of_its_time_zone(moment: str, allowed: bool) -> None:
    assert hours(open_windows=[OFFICE]).allow(at(moment)) is allowed


def test_a_closed_window_shuts_also_within_an_open_one_and_the_reason_says_when_it_is_open_again() -> None:
    lunch = {"days": ["wed"], "from": "12:00", "to": "13:00", "time_zone": ZURICH}
    found = hours(open_windows=[OFFICE], closed_windows=[lunch])
    assert found.reason(at("2026-03-03T12:30")) == ""
    assert found.reason(at("2026-03-04T12:30")) == (
        "it is wed 12:30 in Europe/Zurich, in the closed window wed from 12:00 to 13:00 Europe/Zurich;"
        " it is open again on wed 13:00"
    )
    assert found.reason(at("2026-03-06T10:12")).endswith("it is open again on mon 09:00")


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = hours(open_windows=[{"days": ["sat"], "from": "22:00", "to": "04:00"}])
    allowed = {
        text: night.allow(at(text, "UTC"))
        for text in (
            "2026-03-07T21:59",
            "2026-03-07T22:00",
            "2026-03-08T03:59",
            "2026-03-08T04:00",
            "2026-03-07T03:00",
        )
    }
    assert list(allowed.values()) == [False, True, True, False, False]


def test_times_are_understood_as_yaml_makes_them_of_what_people_write() -> None:
    given = yaml.safe_load("[{from: 09:00, to: 16:00}, {from: '0:30', to: '24:00'}, {from: 10:00}]")
    assert [(one.begin, one.end) for one in hours(open_windows=given).open] == [
        (540, 960),
        (30, 1440),
        (600, 1440),
    ]


def test_everything_that_is_wrong_with_windows_is_said_at_once() -> None:
    __, problems = read_hours(
        {
            "open_windows": [
                {"days": ["someday"], "from": "25:00", "time_zone": "Europe/Zuerich"},
                {"from": "09:00", "to": "09:00"},
            ],
            "closed_windows": [{"to": "noon"}],
        }
    )
    words = "\n".join(problems)
    for part in (
        "no day 'som'",
        "from '25:00'",
        "did you mean Europe/Zurich",
        "begins and ends at 09:00",
        "'noon'",
    ):
        assert part in words


WINDOWS = st.builds(
    Window,
    st.sets(st.integers(0, 6), min_size=1).map(frozenset),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.sampled_from(["UTC", ZURICH, "America/New_York", "Asia/Kolkata"]),
).filter(lambda one: one.begin != one.end)


@given(
    st.lists(WINDOWS, max_size=2), st.lists(WINDOWS, max_size=2), st.integers(1_760_000_000, 1_800_000_000)
)
def test_it_is_allowed_from_the_moment_on_that_is_told(
    opened: list[Window], closed: list[Window], moment: int
) -> None:
    found = Hours(tuple(opened), tuple(closed))
    assert bool(found.reason(moment)) is not found.allow(moment)
    if not found.allow(moment) and (opens := found.next_open(moment)):
        assert opens > moment
        assert found.allow(opens)
