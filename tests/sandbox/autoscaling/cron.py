# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recurring schedules: when does a cron expression come round next.

Five fields, as "Recurring schedules" in the Amazon EC2 Auto Scaling User Guide has them: minute, hour, day of
the month, month, day of the week.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.sandbox.errors import not_modelled, validation_error

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905 - reads better
_DAYS = "sun mon tue wed thu fri sat".split()  # noqa: SIM905
#: A leap day can be eight years away.
_FURTHEST = 366 * 8 + 1


@dataclass(frozen=True)
class Recurrence:
    """A cron expression, taken apart: the values that each field allows."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    #: Sunday is 0.
    weekdays: frozenset[int]
    #: Whether a day must suit both day fields; either is enough if both are restricted (crontab).
    both: bool

    def next_after(self, moment: float, zone: ZoneInfo) -> float | None:
        """Return the first time (epoch seconds) after ``moment``, in the clocks of ``zone``; None for never."""
        day = datetime.fromtimestamp(moment, zone).date()
        for _ in range(_FURTHEST):
            if day.month in self.months and self._suits(day.day, day.isoweekday() % 7):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                        if (found := local.astimezone(UTC).timestamp()) > moment:
                            return found
            day += timedelta(days=1)
        return None

    def _suits(self, day: int, weekday: int) -> bool:
        if self.both:
            return day in self.days and weekday in self.weekdays
        return day in self.days or weekday in self.weekdays


def parse(expression: str) -> Recurrence:
    """Take an expression apart. Raises a validation error for one that means nothing."""
    fields = expression.split()
    if len(fields) != 5:
        raise _invalid(expression)
    if re.search(r"[?#]|\d*[LW](?=[,\s]|$)", " ".join(fields[i] for i in (2, 4))):
        raise not_modelled(f"the cron expression '{expression}': L, W, ? and #")
    minute, hour, day, month, weekday = fields
    weekdays = _values(expression, weekday, 0, 7, _DAYS)
    return Recurrence(
        minutes=_values(expression, minute, 0, 59),
        hours=_values(expression, hour, 0, 23),
        days=_values(expression, day, 1, 31),
        months=_values(expression, month, 1, 12, _MONTHS),
        weekdays=frozenset(value % 7 for value in weekdays),
        both=day.startswith("*") or weekday.startswith("*"),
    )


def _values(
    expression: str, field: str, low: int, high: int, names: list[str] | None = None
) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        match = re.fullmatch(r"(\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if match is None:
            raise _invalid(expression)
        whole, first, last, step = match.groups()
        start = low if whole == "*" else _value(expression, first, low, names)
        # A step after a single value counts from there to the end.
        to_end = whole == "*" or (last is None and step is not None)
        end = high if to_end else _value(expression, last or first, low, names)
        if not low <= start <= end <= high or step == "0":
            raise _invalid(expression)
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def _value(expression: str, text: str, low: int, names: list[str] | None) -> int:
    if names and text.lower() in names:
        return names.index(text.lower()) + low
    if not text.isdigit():
        raise _invalid(expression)
    return int(text)


def _invalid(expression: str) -> Exception:
    return validation_error(f"Given recurrence string: {expression} is invalid")
