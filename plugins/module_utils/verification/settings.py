# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification is to do: its options, read and refused as a whole, and its times. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..core.errors import InvalidInput
from ..judging.datapoints import FAIL
from ..judging.judge import Scoring
from ..judging.metrics import Metric, number, read_metrics
from ..judging.rules import WITH_AN_ERROR
from ..sources.all_sources import READERS

# CloudWatch says of most metrics that a period is complete a minute after its end, or sooner.
LONGEST_USUAL_DELAY = 60
# What load balancers publish is completed for two minutes (Netflix/atlas 1300, and issue 242 of
# prometheus-community/yet-another-cloudwatch-exporter).
LOAD_BALANCERS = frozenset({"AWS/ApplicationELB", "AWS/NetworkELB", "AWS/GatewayELB", "AWS/ELB"})
DELAY_OF_LOAD_BALANCERS = 120
# So many delays after the end of the window, data that are still missing are not late but missing.
PATIENCE = 3
SHORTEST_USUAL_INTERVAL = 5
LONGEST_USUAL_INTERVAL = 60

# Against what a group is compared; auto is canary while the outgoing groups have instances, and previous after.
AUTO = "auto"
CANARY = "canary"
PREVIOUS = "previous"
NONE = "none"
# Of on_inconclusive: a person is asked.
ASK = "pause"

# CloudWatch User Guide, "Metrics retention": data with a period of at least so many seconds is kept so long.
RETENTION = ((3600, 455 * 86400), (300, 63 * 86400), (60, 15 * 86400), (1, 3 * 3600))

_PLAIN_OPTIONS = (
    *("duration", "warmup", "interval", "delay", "on_no_data", "on_inconclusive", "strategy", "confidence"),
    *("sensitivity", "baseline_window", "history", "expected_instances", "expected_baseline_instances"),
)
# All options of a verification, besides its group.
OPTIONS = (
    *_PLAIN_OPTIONS,
    *("metrics", "alarms", "start", "end", "baseline_start", "baseline_groups"),
    *("pass_score", "marginal_score", "group_weights"),
)


@dataclass(frozen=True)
class Settings:
    """What to verify, and for how long; all times in seconds. C(delay) is None where a metric's period decides.

    C(start), C(end) and C(baseline_start) are epoch seconds. With C(start) and C(end) old data are judged. The
    expected numbers of instances are for plans of groups that do not exist yet.
    """

    group: str
    metrics: tuple[Metric, ...] = ()
    alarms: tuple[str, ...] = ()
    duration: float = 900
    warmup: float = 120
    interval: float | None = None
    delay: float | None = None
    on_no_data: str = FAIL
    on_inconclusive: str = "fail"
    strategy: str = AUTO
    baseline_groups: tuple[str, ...] = ()
    baseline_window: float | None = None
    baseline_start: float | None = None
    start: float | None = None
    end: float | None = None
    confidence: float = 0.98
    sensitivity: str = "normal"
    scoring: Scoring = field(default_factory=Scoring)
    history: float | None = None
    expected_instances: int | None = None
    expected_baseline_instances: int | None = None

    @property
    def retrospective(self) -> bool:
        """Whether old data are judged, without waiting."""
        return self.start is not None

    @property
    def uses_baseline(self) -> bool:
        """Whether any metric needs a baseline."""
        return self.strategy != NONE and any(metric.rule.uses_baseline for metric in self.metrics)

    @property
    def compares_with_outgoing(self) -> bool:
        """Whether the baseline is what there is beside the group: no group that is named, and no earlier time."""
        return not self.baseline_groups and self.strategy in (AUTO, CANARY)

    @property
    def error(self) -> float:
        """The chance of a false alarm that each compared metric may have: an equal share of the whole's.

        By Bonferroni's inequality all together then have no more than C(1 - confidence).
        """
        compared = sum(
            metric.rule.compare in WITH_AN_ERROR and not metric.rule.muted for metric in self.metrics
        )
        return (1 - self.confidence) / max(1, compared)

    def delay_of(self, metric: Metric) -> float:
        """How long after its end a period of the metric counts as complete."""
        if self.delay is not None:
            return self.delay
        if any(query.namespace in LOAD_BALANCERS for query in metric.queries):
            return DELAY_OF_LOAD_BALANCERS
        return min(metric.period, LONGEST_USUAL_DELAY)

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

    def over_until(self, metric: Metric, start: float, now: float) -> int:
        """The end of the last period that is over, within the window, whether it is complete or not."""
        first, end = self.window(metric, start)
        return max(first, min(int(now // metric.period) * metric.period, end))

    def fraction(self, metric: Metric, start: float, until: float) -> float:
        """How much of the window's data is judged with what there is up to a moment: more than 0, at most 1."""
        first, end = self.window(metric, start)
        return max(metric.period, until - first) / (end - first)

    def first_look(self, start: float) -> float:
        """When to look first: a look before the first data can be complete, if that is when they can be there.

        Alarms can be read at once.
        """
        if self.alarms:
            return start
        earliest = min(self.window(metric, start)[0] + metric.period for metric in self.metrics)
        first = self.first_data(start)
        return first - self.looks_every if first - self.looks_every >= earliest else first

    def first_data(self, start: float) -> float:
        """When the first data can be complete."""
        return min(
            (
                self.window(metric, start)[0] + metric.period + self.delay_of(metric)
                for metric in self.metrics
            ),
            default=start,
        )

    def next_look(self, start: float, now: float) -> float:
        """When to look again: at the latest when the first and the last data should be complete."""
        following = now + self.looks_every
        for awaited in (self.first_data(start), self.last_data(start), self.last_completed(start)):
            if now < awaited:
                return min(following, awaited)
        return following

    def last_completed(self, start: float) -> float:
        """When the last data are taken for final, even where they have only just been read."""
        return max(
            (
                self.window(metric, start)[1] + self.delay_of(metric) + metric.period / 2
                for metric in self.metrics
            ),
            default=start + self.duration,
        )

    def last_data(self, start: float, patience: float = 1.0) -> float:
        """When the last data should be there; with C(PATIENCE), when to stop hoping for them."""
        return max(
            (self.window(metric, start)[1] + patience * self.delay_of(metric) for metric in self.metrics),
            default=start + self.duration,
        )

    @property
    def longest_wait(self) -> float:
        """An upper bound of the time until the verdict."""
        if self.retrospective:
            return 0.0
        return (
            self.warmup
            + self.duration
            + max(
                (2 * metric.period + PATIENCE * self.delay_of(metric) for metric in self.metrics), default=0.0
            )
            + 2 * self.looks_every
        )


def read_settings(options: Mapping[str, Any]) -> Settings:
    """Read the options of the module.

    Raises:
        InvalidInput: with all that is wrong with them.
    """
    metrics, problems = read_metrics(options.get("metrics") or (), READERS)
    alarms = tuple(dict.fromkeys(options.get("alarms") or ()))
    given: dict[str, Any] = {name: options[name] for name in _PLAIN_OPTIONS if options.get(name) is not None}
    for name in ("start", "end", "baseline_start"):
        try:
            given[name] = read_time(options.get(name))
        except ValueError:
            given[name] = None
            problems.append(
                f"{name} {options[name]!r} is no time; write 2026-03-04T12:00:00Z, or seconds since the epoch"
            )
    if given["start"] is not None and given["end"] is not None:
        given["duration"] = given["end"] - given["start"]
    settings = Settings(
        group=str(options.get("group") or "").strip(),
        metrics=metrics,
        alarms=alarms,
        baseline_groups=tuple(dict.fromkeys(options.get("baseline_groups") or ())),
        scoring=_read_scoring(options, problems),
        **given,
    )
    problems += _problems(settings)
    if problems:
        raise InvalidInput(problems)
    return settings


def _read_scoring(options: Mapping[str, Any], problems: list[str]) -> Scoring:
    score = options.get("pass_score")
    weights = {}
    for name, share in (options.get("group_weights") or {}).items():
        try:
            weights[str(name)] = float(share)
        except (TypeError, ValueError):
            problems.append(f"group_weights gives {name!r} {share!r}, which is no number")
    return Scoring(
        pass_score=100.0 if score is None else score,
        marginal_score=options.get("marginal_score"),
        group_weights=weights,
    )


def read_time(text: Any) -> float | None:
    """Read a time: ISO 8601 (in UTC unless it says otherwise) or seconds since the epoch; None where there is none.

    Raises:
        ValueError: it is neither.
    """
    if text is None or text == "":
        return None
    written = str(text).strip()
    try:
        seconds = float(written)
    except ValueError:
        moment = datetime.fromisoformat(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    if not math.isfinite(seconds):
        raise ValueError(written)
    return seconds


def _problems(settings: Settings) -> Iterator[str]:
    if not settings.group:
        yield "group is empty"
    if not settings.metrics and not settings.alarms:
        yield "there is nothing to judge: give metrics, alarms or both"
    if not all(name.strip() for name in settings.alarms):
        yield "an alarm's name is empty"
    for metric in settings.metrics:
        yield from (f"metric {metric.name!r}: {problem}" for problem in _metric_problems(settings, metric))
    yield from _time_problems(settings)
    yield from _judging_problems(settings)


def _metric_problems(settings: Settings, metric: Metric) -> Iterator[str]:
    rule = metric.rule
    if settings.strategy == NONE and not metric.bounded and not rule.has_limit:
        yield "it has no bound, and with strategy none it is not compared; give minimum, maximum or both"
    elif not metric.bounded and not rule.has_limit and not rule.compares:
        yield "it has no bound and is not compared; give minimum, maximum or both"
    if 0 < settings.duration < metric.period:
        yield (
            f"a duration of {number(settings.duration)} seconds is shorter than one period of {metric.period}"
        )


def _time_problems(settings: Settings) -> Iterator[str]:
    if (settings.start is None) != (settings.end is None):
        yield "give start and end together"
    elif settings.start is not None and settings.end is not None and settings.end <= settings.start:
        yield "end must be later than start"
    elif settings.duration <= 0:
        yield "duration must be more than 0 seconds"
    if settings.warmup < 0:
        yield "warmup must not be negative"
    if settings.interval is not None and settings.interval < 1:
        yield "interval must be at least 1 second"
    if settings.history is not None and settings.history < 0:
        yield "history must not be negative"
    if settings.delay is not None and settings.delay < 0:
        yield "delay must not be negative"
    if settings.baseline_window is not None and settings.baseline_window <= 0:
        yield "baseline_window must be more than 0 seconds"
    if settings.strategy not in (PREVIOUS, AUTO):
        for name in ("baseline_window", "baseline_start"):
            if getattr(settings, name) is not None:
                yield f"{name} belongs to strategy previous, and the strategy is {settings.strategy}"


def _judging_problems(settings: Settings) -> Iterator[str]:
    if not 0.5 <= settings.confidence < 1:
        yield f"confidence must be at least 0.5 and less than 1, not {number(settings.confidence)}"
    scoring = settings.scoring
    if not 0 < scoring.pass_score <= 100:
        yield "pass_score must be more than 0 and at most 100"
    if scoring.marginal_score is not None and not 0 <= scoring.marginal_score <= scoring.pass_score:
        yield "marginal_score must be at least 0 and at most pass_score"
    known = {metric.rule.group for metric in settings.metrics}
    for name, share in scoring.group_weights.items():
        if name not in known:
            yield f"group_weights names {name!r}, and no metric is of that group"
        if not (math.isfinite(share) and share >= 0):
            yield f"the weight of group {name!r} must be 0 or more"
    if settings.group in settings.baseline_groups:
        yield f"group {settings.group} cannot be its own baseline; strategy previous compares with earlier data"
    for name in ("expected_instances", "expected_baseline_instances"):
        if (getattr(settings, name) or 0) < 0:
            yield f"{name} must not be negative"


def retention_problem(metric: Metric, start: float, now: float) -> str:
    """Say that CloudWatch no longer has the metric's data of a time; empty where it does, or where another may."""
    if metric.elsewhere:
        return ""
    age = now - start
    kept = next(seconds for period, seconds in RETENTION if metric.period >= period)
    # Data of shorter periods live on in longer ones.
    longer = next((period for period, seconds in reversed(RETENTION) if age <= seconds), None)
    if age <= kept:
        return ""
    remedy = f"a period of {longer} or a multiple of it" if longer else "a later window"
    return (
        f"data with a period of {metric.period} seconds are kept for {length(kept)}, and the window began"
        f" {length(round(age))} ago; take {remedy}"
    )


def length(seconds: float) -> str:
    """A length of time for people: C(15 minutes), C(90 seconds), C(3 hours)."""
    for unit, name in ((86400, "days"), (3600, "hours")):
        if seconds >= 2 * unit and (seconds % unit == 0 or seconds >= 48 * 3600):
            return f"{number(round(seconds / unit))} {name}"
    if seconds >= 120 and seconds % 60 == 0:
        return f"{number(seconds / 60)} minutes"
    if seconds == 60:
        return "1 minute"
    return f"{number(seconds)} second{'' if seconds == 1 else 's'}"
