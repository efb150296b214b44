# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on a metric by itself: its bounds, values that fail at once, and data that are missing. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .datapoints import FAIL, Evidence, Opinion, Point, Series, clock_time, count, values_of
from .metrics import Metric, number
from .places import shared_place
from .rules import DECREASE, INCREASE, Hint, Rule
from .statistics import median

# So many of a series' newest periods without a datapoint mean that it has stopped; fewer may be jitter.
SILENT_PERIODS = 3
# More are needed where datapoints are missing anyway: until so many in a row at the end, of any of the series, are no
# more likely than this.
UNLIKELY_SILENCE = 0.0005

Reference = Callable[[float], "float | None"]


def bounds_opinion(evidence: Evidence) -> Opinion | None:
    """Say which series left the bounds often enough to fail; None where none did."""
    metric = evidence.metric
    guilty = []
    for series in evidence.canary:
        outside = [point for point in series.points if not _inside(metric, point[1])]
        if len(outside) >= metric.datapoints_to_fail:
            guilty.append((series, outside))
    if not guilty:
        return None
    words = "; ".join(_breach_words(metric, series, outside) for series, outside in guilty)
    words += alone(evidence, [series for series, __ in guilty], "stay within the bounds")
    return Opinion(FAIL, words, "bounds")


def alone(evidence: Evidence, guilty: Sequence[Series], others_do: str) -> str:
    """Words that tell one bad instance, or a bad zone or instance type, from a bad image; empty where it is neither."""
    others = [series for series in evidence.canary if series.points and series not in guilty]
    place = shared_place(guilty, others)
    if place:
        return (
            f". They are those in {place.words}, and the other {len(others)} {others_do}: this looks like a bad"
            f" {place.kind}, not like a bad image"
        )
    if len(guilty) != 1 or not guilty[0].instance_id or not others:
        return ""
    if len(others) == 1:
        return f". The other instance {others_do.replace('stay', 'stays').replace('do not', 'does not')}"
    return (
        f". The other {len(others)} instances {others_do}: this looks like one bad instance,"
        " not like a bad image"
    )


def _breach_words(metric: Metric, series: Series, outside: list[Point]) -> str:
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


def within(evidence: Evidence) -> str:
    """Words for where the values were."""
    values = values_of(evidence.canary)
    if not values:
        return "no datapoint"
    low, high = number(min(values)), number(max(values))
    spread = f"always {low}" if low == high else f"between {low} and {high}"
    bounds = f", {evidence.metric.bounds} allowed" if evidence.metric.bounded else ""
    return f"{spread} in {count(len(values), 'datapoint')}{bounds}"


# ------------------------------------------------------------------------- values that fail at once


def fail_fast_opinion(evidence: Evidence) -> Opinion | None:
    """Say which value fails the whole by itself; None where none does."""
    metric = evidence.metric
    reference = reference_of(evidence)
    for hint in metric.rule.fail_fast:
        for series in evidence.canary:
            hits = [point for point in series.points if _passes(metric, hint, point, reference)]
            counted = _longest_run(hits, metric.period) if hint.in_a_row else hits
            if len(counted) >= hint.times:
                return Opinion(FAIL, _hit_words(metric, hint, series, counted), "fail-fast", fatal=True)
    return None


def reference_of(evidence: Evidence) -> Reference:
    """What to hold a value against: the baseline's median in the same period, else over all of them."""
    everything = values_of(evidence.baseline)
    overall = median(everything) if everything else None
    by_moment: dict[float, list[float]] = {}
    if evidence.same_time:
        for series in evidence.baseline:
            for moment, value in series.points:
                by_moment.setdefault(moment, []).append(value)
    medians = {moment: median(values) for moment, values in by_moment.items()}
    return lambda moment: medians.get(moment, overall)


def _passes(metric: Metric, hint: Hint, point: Point, reference: Reference) -> bool:
    moment, value = point
    bad = metric.rule.direction
    if hint.absolute is not None:
        return value < hint.absolute if bad == DECREASE else value > hint.absolute
    base = reference(moment)
    if base is None:
        return False
    difference = value - base
    distance = {INCREASE: difference, DECREASE: -difference}.get(bad, abs(difference))
    if hint.percent is not None:
        return distance > 0 and distance * 100 > hint.percent * abs(base)
    return distance > (hint.deviation or 0.0)


def _longest_run(points: Sequence[Point], period: int) -> list[Point]:
    best: list[Point] = []
    run: list[Point] = []
    for point in points:
        run = [*run, point] if run and point[0] - run[-1][0] <= period else [point]
        best = max(best, run, key=len)
    return best


def _hit_words(metric: Metric, hint: Hint, series: Series, hits: Sequence[Point]) -> str:
    moment, value = hits[-1]
    way = "below" if metric.rule.direction == DECREASE else "above"
    if hint.absolute is not None:
        limit = f"{way} {number(hint.absolute)}"
    elif hint.percent is not None:
        limit = f"more than {number(hint.percent)} % off the baseline"
    else:
        limit = f"more than {number(hint.deviation or 0.0)} off the baseline"
    times = count(len(hits), "time") + (" in a row" if hint.in_a_row and hint.times > 1 else "")
    return (
        f"{series.member} had {number(value)} at {clock_time(moment, metric.period)}, {limit} ({times}), which fails"
        " at once"
    )


def ignored(rule: Rule, value: float, base: float | None) -> bool:
    """Whether a value, or a median, is one that the user does not want judged, given what the baseline was."""
    for hint in rule.ignore:
        if hint.absolute is not None:
            if value < hint.absolute:
                return True
        elif base is not None:
            limit = abs(base) * hint.percent / 100 if hint.percent is not None else hint.deviation or 0.0
            if abs(value - base) < limit:
                return True
    return False


# ------------------------------------------------------------------------------ data that are missing


def missing_data(
    metric: Metric, several: Sequence[Series], others: Sequence[Series] = (), *, steady: bool = True
) -> str:
    """Say which series have errors, no data, or stopped; empty where none is missing anything.

    With C(steady) each of them is to have published to the end; otherwise one that did at all is enough. The
    C(others), too, tell how often a datapoint is missing.
    """
    errors = sorted({series.error for series in several if series.error})
    if errors:
        return "; ".join(errors)
    if not any(series.points for series in several):
        if metric.elsewhere:
            return f"no datapoint at all of {metric.source}. Ask the source for it without us, and correct the query"
        return f"no datapoint at all. Check namespace, metric name, dimensions and unit{_of_fill(metric)}"
    if not steady:
        return ""
    gaps = _Gaps.of(metric, (*several, *others))
    return "; ".join(words for series in several if (words := _silence(metric, series, gaps, len(several))))


@dataclass(frozen=True)
class _Gaps:
    """How often datapoints of a metric are missing: the share of the periods, and of those after a missing one."""

    share: float
    again: float

    @classmethod
    def of(cls, metric: Metric, several: Sequence[Series]) -> _Gaps:
        """What the series tell from their first to their last datapoints: one that has stopped says nothing by that.

        None that was ever missing twice in a row is no proof that none will be (Laplace's rule of succession).
        """
        periods = missing = again = 0
        for series in several:
            for (before, __), (after, __) in itertools.pairwise(series.points):
                steps = max(1, round((after - before) / metric.period))
                periods += steps
                missing += steps - 1
                again += max(0, steps - 2)
        share = missing / periods if periods else 0.0
        return cls(share, (again + 1) / (missing + 1) if missing else 0.0)

    def chance(self, silent: int) -> float:
        """The chance that the last so many periods of a series have no datapoint, though it has not stopped."""
        return float(self.share * self.again ** (silent - 1))


def _of_fill(metric: Metric) -> str:
    """What there is to say of missing datapoints that are to be read as something."""
    if metric.exposed and not metric.beside:
        counted, exposure = ([*query.dimensions] for query in metric.queries)
        return (
            f"; of requests without a datapoint of what is counted, {', '.join(counted)} is no part of"
            f" {', '.join(exposure)}, so that nothing shows that there is somebody who would publish"
        )
    if metric.fill is None:
        return "; a count that is only published when something happens needs fill: 0, and its publisher"
    if metric.publisher:
        companion = f"{metric.publisher.namespace} {metric.publisher.metric_name}"
        return f"; its publisher {companion} has none either, so that a missing one does not mean {number(metric.fill)}"
    return (
        f"; a missing one means {number(metric.fill)} only where publisher, a metric that is always there, shows that"
        " there is somebody who would publish"
    )


def _silence(metric: Metric, series: Series, gaps: _Gaps, of: int) -> str:
    expected = series.expected(metric.period)
    if not series.points:
        # One that joined at the very end has had no time to publish.
        return f"{series.member} published nothing" if expected >= SILENT_PERIODS else ""
    last = series.points[-1][0]
    silent = round((series.end - last) / metric.period) - 1
    if silent >= SILENT_PERIODS and of * gaps.chance(silent) <= UNLIKELY_SILENCE:
        return (
            f"{series.member} stopped publishing: nothing after {clock_time(last, metric.period)}, up to"
            f" {clock_time(series.end, metric.period)}"
        )
    return ""
