# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From data to a verdict, and the reasons in words. Pure: the same data, the same verdict.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from .metrics import Metric, number

PASS = "pass"
FAIL = "fail"
INCONCLUSIVE = "inconclusive"
# More data are to come, and so far nothing is wrong.
PENDING = "pending"

# So many of a series' newest periods without a datapoint mean that it has stopped; fewer may be jitter.
SILENT_PERIODS = 3


@dataclass(frozen=True)
class Series:
    """The data of one publisher of a metric: an instance, a group, a target group, or one line of a SEARCH.

    C(points) are (start of the period in epoch seconds, value), oldest first, of the periods from C(start)
    to before C(end), in which there should be one each. C(instance_id) is empty where it is no instance's.
    """

    member: str
    points: tuple[tuple[float, float], ...]
    start: float
    end: float
    group: str = ""
    instance_id: str = ""
    error: str = ""

    @property
    def values(self) -> list[float]:
        """The values alone."""
        return [value for __, value in self.points]

    def expected(self, period: int) -> int:
        """How many datapoints there should be."""
        return max(0, round((self.end - self.start) / period))


@dataclass(frozen=True)
class Evidence:
    """All that is known of one metric: the canary's series and the baseline's."""

    metric: Metric
    canary: tuple[Series, ...]
    baseline: tuple[Series, ...] = ()


@dataclass(frozen=True)
class Finding:
    """The verdict on one metric or alarm, and why.

    C(n) is the number of datapoints judged; C(baseline), C(canary) and C(shift) are medians and their
    difference in the metric's unit, None where there are no data.
    """

    name: str
    verdict: str
    reason: str
    kind: str = "metric"
    n: int = 0
    baseline: float | None = None
    canary: float | None = None
    shift: float | None = None

    def as_result(self) -> dict[str, Any]:
        """The finding as the module returns it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "verdict": self.verdict,
            "reason": self.reason,
            "n": self.n,
            "baseline": self.baseline,
            "canary": self.canary,
            "shift": self.shift,
        }


@dataclass(frozen=True)
class Judgement:
    """The verdict on all metrics and alarms together; C(score) is from 0 to 100."""

    verdict: str
    score: float
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> list[str]:
        """Why it is not a pass: a sentence for each finding that stands in its way."""
        return [
            f"{finding.name}: {finding.reason}"
            for finding in self.findings
            if finding.verdict in (FAIL, INCONCLUSIVE)
        ]


@dataclass(frozen=True)
class AlarmReading:
    """What is known of an alarm: its state now, since when (epoch seconds) and CloudWatch's reason."""

    name: str
    state: str
    since: float = 0.0
    reason: str = ""


def judge(findings: Sequence[Finding]) -> Judgement:
    """Weigh the findings: one failure fails, one inconclusive leaves the whole inconclusive."""
    verdicts = {finding.verdict for finding in findings}
    passed = sum(finding.verdict in (PASS, PENDING) for finding in findings)
    score = round(100.0 * passed / len(findings), 2) if findings else 0.0
    for verdict in (FAIL, PENDING, INCONCLUSIVE, PASS):
        if verdict in verdicts:
            return Judgement(verdict, score, tuple(findings))
    return Judgement(INCONCLUSIVE, score, tuple(findings))


def judge_metric(evidence: Evidence, *, final: bool, on_no_data: str = FAIL) -> Finding:
    """Judge one metric; C(final) says that no more data will come."""
    metric = evidence.metric
    breach = _breach(evidence)
    if breach:
        return _finding(evidence, FAIL, breach)
    if not final:
        return _finding(evidence, PENDING, "so far " + _within(evidence))
    missing = _missing_data(metric, evidence.canary)
    if missing:
        return _finding(evidence, on_no_data, missing)
    return _finding(evidence, PASS, _within(evidence))


def judge_alarm(alarm: AlarmReading, *, final: bool, on_no_data: str = FAIL) -> Finding:
    """Judge one alarm by its state."""
    words = f"in state {alarm.state}" + (f" since {clock_time(alarm.since)}" if alarm.since else "")
    if alarm.reason:
        words += f": {alarm.reason}"
    if alarm.state == "ALARM":
        verdict = FAIL
    elif not final:
        verdict = PENDING
    elif alarm.state == "OK":
        verdict, words = PASS, "in state OK"
    else:
        verdict = on_no_data
        words += "; an alarm without data says nothing about health"
    return Finding(name=alarm.name, verdict=verdict, reason=words, kind="alarm")


def clock_time(moment: float, period: int = 60) -> str:
    """Write a time for people, with seconds where periods are shorter than a minute."""
    shape = "%H:%M UTC" if period % 60 == 0 else "%H:%M:%S UTC"
    return datetime.fromtimestamp(moment, tz=UTC).strftime(shape)


def _finding(evidence: Evidence, verdict: str, reason: str) -> Finding:
    canary = [value for series in evidence.canary for value in series.values]
    baseline = [value for series in evidence.baseline for value in series.values]
    middle, control = (median(values) if values else None for values in (canary, baseline))
    return Finding(
        name=evidence.metric.name,
        verdict=verdict,
        reason=reason,
        n=len(canary),
        baseline=control,
        canary=middle,
        shift=middle - control if middle is not None and control is not None else None,
    )


def _breach(evidence: Evidence) -> str:
    """Say which series left the bounds often enough to fail; empty where none did."""
    metric = evidence.metric
    guilty = []
    for series in evidence.canary:
        outside = [point for point in series.points if not _inside(metric, point[1])]
        if len(outside) >= metric.datapoints_to_fail:
            guilty.append((series, outside))
    if not guilty:
        return ""
    words = "; ".join(_breach_words(metric, series, outside) for series, outside in guilty)
    others = [
        series for series in evidence.canary if series.points and series not in [one for one, __ in guilty]
    ]
    if len(guilty) == 1 and guilty[0][0].instance_id and others:
        words += (
            f". The other {len(others)} instances stay within the bounds: this looks like one bad instance,"
            " not like a bad image"
            if len(others) > 1
            else ". The other instance stays within the bounds"
        )
    return words


def _breach_words(metric: Metric, series: Series, outside: list[tuple[float, float]]) -> str:
    moment, value = max(outside, key=lambda point: abs(point[1] - _nearest_bound(metric, point[1])))
    bound = (
        f"above the maximum of {number(metric.maximum)}"
        if metric.maximum is not None and value > metric.maximum
        else f"below the minimum of {number(metric.minimum or 0.0)}"
    )
    times = f"{len(outside)} of {len(series.points)} datapoints" if len(series.points) > 1 else "1 datapoint"
    return f"{series.member} had {number(value)} at {clock_time(moment, metric.period)}, {bound} ({times})"


def _nearest_bound(metric: Metric, value: float) -> float:
    if metric.maximum is not None and value > metric.maximum:
        return metric.maximum
    return metric.minimum if metric.minimum is not None else value


def _inside(metric: Metric, value: float) -> bool:
    return (metric.minimum is None or value >= metric.minimum) and (
        metric.maximum is None or value <= metric.maximum
    )


def _within(evidence: Evidence) -> str:
    values = [value for series in evidence.canary for value in series.values]
    if not values:
        return "no datapoint"
    low, high = number(min(values)), number(max(values))
    spread = f"always {low}" if low == high else f"between {low} and {high}"
    bounds = f", {evidence.metric.bounds} allowed" if evidence.metric.bounded else ""
    return f"{spread} in {len(values)} datapoint{'s' if len(values) > 1 else ''}{bounds}"


def _missing_data(metric: Metric, canary: Sequence[Series]) -> str:
    """Say which series have errors, no data, or stopped; empty where none is missing anything."""
    errors = sorted({series.error for series in canary if series.error})
    if errors:
        return "; ".join(errors)
    if not any(series.points for series in canary):
        return (
            "no datapoint at all. Check namespace, metric name, dimensions and unit; a count that is only"
            " published when something happens needs fill: 0"
        )
    silent = [words for series in canary if (words := _silence(metric, series))]
    return "; ".join(silent)


def _silence(metric: Metric, series: Series) -> str:
    expected = series.expected(metric.period)
    if not series.points:
        # One that joined at the very end has had no time to publish.
        return f"{series.member} published nothing" if expected >= SILENT_PERIODS else ""
    last = series.points[-1][0]
    if round((series.end - last) / metric.period) > SILENT_PERIODS:
        return (
            f"{series.member} stopped publishing: nothing after {clock_time(last, metric.period)}, up to"
            f" {clock_time(series.end, metric.period)}"
        )
    return ""
