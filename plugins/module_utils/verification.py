# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification is to do: its options, read and refused as a whole, and its times. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import judge
from .errors import InvalidInput
from .metrics import Metric, number, read_metrics

# CloudWatch says of most metrics that a period is complete a minute after its end, or sooner.
LONGEST_USUAL_DELAY = 60
# So many delays after the end of the window, data that are still missing are not late but missing.
PATIENCE = 3
SHORTEST_USUAL_INTERVAL = 5
LONGEST_USUAL_INTERVAL = 60


@dataclass(frozen=True)
class Settings:
    """What to verify, and for how long; all times in seconds. C(delay) is None where a metric's period decides."""

    group: str
    metrics: tuple[Metric, ...] = ()
    alarms: tuple[str, ...] = ()
    duration: float = 900
    warmup: float = 120
    interval: float | None = None
    delay: float | None = None
    on_no_data: str = judge.FAIL
    on_inconclusive: str = "fail"

    def delay_of(self, metric: Metric) -> float:
        """How long after its end a period of the metric counts as complete."""
        return min(metric.period, LONGEST_USUAL_DELAY) if self.delay is None else self.delay

    @property
    def looks_every(self) -> float:
        """How long to wait between two looks."""
        if self.interval is not None:
            return self.interval
        shortest = min((metric.period for metric in self.metrics), default=LONGEST_USUAL_INTERVAL)
        return min(LONGEST_USUAL_INTERVAL, max(SHORTEST_USUAL_INTERVAL, shortest))

    def window(self, metric: Metric, start: float) -> tuple[int, int]:
        """The window of a metric, aligned to its period, where verification begins at C(start)."""
        return metric.window(start, self.duration)

    def judged_until(self, metric: Metric, start: float, now: float) -> int:
        """The end of the last complete period, within the window."""
        first, end = self.window(metric, start)
        complete = int((now - self.delay_of(metric)) // metric.period) * metric.period
        return max(first, min(complete, end))

    def first_look(self, start: float) -> float:
        """When the first data can be there; alarms can be read at once."""
        if self.alarms:
            return start
        return min(
            self.window(metric, start)[0] + metric.period + self.delay_of(metric) for metric in self.metrics
        )

    def next_look(self, start: float, now: float) -> float:
        """When to look again: at the latest when the window ends."""
        following, end = now + self.looks_every, self.end(start)
        return min(following, end) if now < end else following

    def end(self, start: float, patience: float = 1.0) -> float:
        """When the last data should be there; with C(PATIENCE), when to stop hoping for them."""
        return max(
            (self.window(metric, start)[1] + patience * self.delay_of(metric) for metric in self.metrics),
            default=start + self.duration,
        )

    @property
    def longest_wait(self) -> float:
        """An upper bound of the time until the verdict."""
        return (
            self.warmup
            + self.duration
            + max((metric.period + PATIENCE * self.delay_of(metric) for metric in self.metrics), default=0.0)
            + 2 * self.looks_every
        )


def read_settings(options: Mapping[str, Any]) -> Settings:
    """Read the options of the module.

    Raises:
        InvalidInput: with all that is wrong with them.
    """
    metrics, problems = read_metrics(options.get("metrics") or ())
    alarms = tuple(dict.fromkeys(options.get("alarms") or ()))
    settings = Settings(
        group=str(options.get("group") or "").strip(),
        metrics=metrics,
        alarms=alarms,
        **{
            name: options[name]
            for name in ("duration", "warmup", "interval", "delay", "on_no_data", "on_inconclusive")
            if options.get(name) is not None
        },
    )
    problems += _problems(settings)
    if problems:
        raise InvalidInput(problems)
    return settings


def _problems(settings: Settings) -> Iterator[str]:
    if not settings.group:
        yield "group is empty"
    if not settings.metrics and not settings.alarms:
        yield "there is nothing to judge: give metrics, alarms or both"
    if not all(name.strip() for name in settings.alarms):
        yield "an alarm's name is empty"
    for metric in settings.metrics:
        if not metric.bounded:
            yield f"metric {metric.name!r}: it has no bound; give minimum, maximum or both"
        if settings.duration < metric.period:
            yield (
                f"metric {metric.name!r}: a duration of {number(settings.duration)} seconds is shorter than one"
                f" period of {metric.period}"
            )
    if settings.duration <= 0:
        yield "duration must be more than 0 seconds"
    if settings.warmup < 0:
        yield "warmup must not be negative"
    if settings.interval is not None and settings.interval < 1:
        yield "interval must be at least 1 second"
    if settings.delay is not None and settings.delay < 0:
        yield "delay must not be negative"


def length(seconds: float) -> str:
    """A length of time for people: C(15 minutes), C(90 seconds)."""
    if seconds >= 120 and seconds % 60 == 0:
        return f"{number(seconds / 60)} minutes"
    if seconds == 60:
        return "1 minute"
    return f"{number(seconds)} second{'' if seconds == 1 else 's'}"
