# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time windows of the week, in a time zone: when deploying is allowed, and when it is not.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
# For how many days ahead the next change is looked for: a window comes once a week at least.
_DAYS_AHEAD = 9


@dataclass(frozen=True)
class Window:
    """A time of the week: C(days) are numbered from Monday, which is 0; C(begin) and C(end) are minutes of the day.

    One that ends at or before its beginning ends on the day after. C(zone) is a name of the IANA database.
    """

    days: frozenset[int]
    begin: int
    end: int
    zone: str = "UTC"

    def __str__(self) -> str:
        """Words for a message: C(mon, tue from 09:00 to 16:00 Europe/Zurich)."""
        days = (
            "every day" if len(self.days) == len(DAYS) else ", ".join(DAYS[day] for day in sorted(self.days))
        )
        return f"{days} from {_clock(self.begin)} to {_clock(self.end)} {self.zone}"

    def holds(self, moment: float) -> bool:
        """Whether a moment, in seconds since the epoch, is within it: from its beginning to just before its end."""
        local = self.local(moment)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.begin < self.end:
            return today in self.days and self.begin <= minute < self.end
        return (today in self.days and minute >= self.begin) or (
            (today - 1) % len(DAYS) in self.days and minute < self.end
        )

    def local(self, moment: float) -> datetime:
        """A moment as clocks in its time zone show it."""
        return datetime.fromtimestamp(moment, zone(self.zone))

    def boundaries(self, moment: float) -> Iterator[float]:
        """When it may begin or end from a moment on, in seconds since the epoch."""
        midnight = self.local(moment).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        for day in range(_DAYS_AHEAD):
            for minute in (self.begin, self.end):
                # Of the clock on the wall, which daylight saving time moves.
                yield (midnight + timedelta(days=day, minutes=minute)).timestamp()


@dataclass(frozen=True)
class Hours:
    """When deploying is allowed: in one of the C(open) windows, where there are any, and in none that is C(closed)."""

    open: tuple[Window, ...] = ()
    closed: tuple[Window, ...] = ()

    def allow(self, moment: float) -> bool:
        """Whether deploying is allowed at a moment, in seconds since the epoch."""
        within = not self.open or any(window.holds(moment) for window in self.open)
        return within and not any(window.holds(moment) for window in self.closed)

    def next_open(self, moment: float) -> float | None:
        """When deploying is allowed again; None where no such time was found in the week that comes."""
        windows = (*self.open, *self.closed)
        later = sorted(at for window in windows for at in window.boundaries(moment) if at > moment)
        return next((at for at in later if self.allow(at)), None)

    def reason(self, moment: float) -> str:
        """Why deploying is not allowed at a moment; empty where it is."""
        if self.allow(moment):
            return ""
        shut = [window for window in self.closed if window.holds(moment)]
        window = shut[0] if shut else self.open[0]
        which = (
            f"in the closed window {window}"
            if shut
            else f"outside of the open windows: {'; '.join(map(str, self.open))}"
        )
        opens = self.next_open(moment)
        then = f"; it is open again on {_told(window.local(opens))}" if opens else ""
        return f"it is {_told(window.local(moment))} in {window.zone}, {which}{then}"


def read_hours(given: Mapping[str, Any]) -> tuple[Hours, list[str]]:
    """The hours that options with C(open_windows) and C(closed_windows) say, and what is wrong with them."""
    problems: list[str] = []
    found = {
        name: tuple(
            window
            for number, one in enumerate(given.get(f"{name}_windows") or (), 1)
            if (window := _window(one, f"{name}_windows[{number}]", problems))
        )
        for name in ("open", "closed")
    }
    return Hours(**found), problems


def _window(given: Mapping[str, Any], where: str, problems: list[str]) -> Window | None:
    days = [str(day).lower()[:3] for day in given.get("days") or DAYS]
    wrong = [day for day in days if day not in DAYS]
    found = [f"{where} has no day {day!r}; days are {', '.join(DAYS)}" for day in wrong]
    times = {}
    for name, default in (("from", 0), ("to", MINUTES_A_DAY)):
        text = given.get(name)
        times[name] = default if text is None else _minutes(text)
        if times[name] is None:
            found.append(f"{where} has {name} {text!r}, which is no time of the day; write '09:00'")
    if times["from"] is not None and times["from"] == times["to"]:
        found.append(f"{where} begins and ends at {_clock(times['from'])}")
    name = str(given.get("time_zone") or "UTC")
    found += _zone_problems(name, where)
    problems += found
    if found or times["from"] is None or times["to"] is None:
        return None
    begin = times["from"] % MINUTES_A_DAY
    return Window(frozenset(map(DAYS.index, days)), begin, times["to"], name)


def _minutes(value: Any) -> int | None:
    """Minutes of the day of C(09:00); YAML makes the number of minutes of C(16:00) without quotes."""
    text = str(value).strip()
    written = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text)
    if not written and not (text.isascii() and text.isdigit()):
        return None
    minutes = int(written[1]) * 60 + int(written[2]) if written else int(text)
    return minutes if minutes <= MINUTES_A_DAY else None


def zone(name: str) -> tzinfo:
    """The time zone of a name, by the IANA database.

    Raises:
        ZoneInfoNotFoundError, ValueError: there is none.
    """
    # Known also where a machine has no database.
    return timezone.utc if name == "UTC" else zoneinfo.ZoneInfo(name)


def _zone_problems(name: str, where: str) -> Sequence[str]:
    try:
        zone(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = sorted(zoneinfo.available_timezones())
        if not known:
            return [
                f"{where} has time_zone {name}, and this machine has no time zones: install its package tzdata"
            ]
        near = difflib.get_close_matches(name, known, n=3)
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        return [f"{where} has time_zone {name}, which there is not{meant}"]
    return []


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _told(moment: datetime) -> str:
    return f"{DAYS[moment.weekday()]} {moment:%H:%M}"
