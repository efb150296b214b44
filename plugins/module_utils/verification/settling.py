# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which datapoints are taken for final: CloudWatch goes on completing its newest ones. Pure.

An Application Load Balancer's are incomplete for up to two minutes, for one (Netflix/atlas 1300): a sum that grows, a
count that is not there yet. What looks like a value may be a part of one.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass

from ..judging.datapoints import Evidence, Series, clock_time
from ..judging.metrics import number
from .replay import known_until
from .settings import PATIENCE, Settings

# So many changed datapoints are told one by one.
MOST_TOLD = 3

# Of a series each of its newest periods: when it began, what was read (number and exposure), since when it has been
# read so (epoch seconds), and whether it was judged.
Readings = MutableMapping[str, list[list[float]]]


@dataclass(frozen=True)
class Settled:
    """What can be judged of a metric: the C(evidence) up to C(until) (epoch seconds), and what has C(changed)."""

    evidence: Evidence
    until: float
    changed: tuple[str, ...] = ()


def settle(settings: Settings, evidence: Evidence, readings: Readings, start: float, now: float) -> Settled:
    """Leave out the periods that CloudWatch may not have completed yet.

    A period is complete once its delay is over and what is read of it has been the same for half a period, and at the
    latest half a period after its delay. One that is not yet is left out of all series of the metric, so that both
    sides are judged over the same minutes. C(readings) are what earlier looks read, and are brought up to date.
    """
    metric = evidence.metric
    until = float(settings.judged_until(metric, start, now))
    half, delay = metric.period / 2, settings.delay_of(metric)
    read: dict[str, tuple[Series, list[list[float]]]] = {}
    changed: list[str] = []
    for key, series in _published(evidence):
        before = {one[0]: one for one in readings.get(key, ())}
        found = []
        for moment, value, exposure in _newest(settings, evidence, series, now):
            known = before.get(moment)
            same = known is not None and known[1:3] == [value, exposure]
            if known is not None and not same and known[4]:
                changed.append(_words(evidence, series, known, value, exposure))
            since = known[3] if known is not None and same else now
            complete = now >= moment + metric.period + delay + half or (same and now - since >= half)
            until = until if complete else min(until, moment)
            found.append([moment, value, exposure, since, 0.0])
        read[key] = series, found
    for key, (__, found) in read.items():
        readings[key] = [[*one[:4], float(one[0] < until)] for one in found]
    return Settled(known_until(evidence, until), until, tuple(changed))


def changes_in_words(changed: Sequence[str]) -> list[str]:
    """Lines for what has changed since it was judged."""
    more = len(changed) - MOST_TOLD
    return [
        *changed[:MOST_TOLD],
        *([f"{more} more datapoints have changed since they were judged"] if more > 0 else []),
    ]


def _published(evidence: Evidence) -> Iterator[tuple[str, Series]]:
    """The series that are still published, each with a name of its own."""
    sides = [("canary", evidence.canary)]
    if evidence.same_time:
        sides.append(("baseline", evidence.baseline))
    for side, several in sides:
        for series in several:
            yield "|".join((evidence.metric.name, side, series.group, series.member)), series


def _newest(
    settings: Settings, evidence: Evidence, series: Series, now: float
) -> Iterator[tuple[float, float, float]]:
    """The datapoints of a series that may still change, or did lately."""
    period = evidence.metric.period
    oldest = now - period - max(PATIENCE * settings.delay_of(evidence.metric), 2 * period)
    for moment, value, exposure in series.counts or ((*point, 1.0) for point in series.points):
        if moment >= oldest:
            yield moment, value, exposure


def _words(evidence: Evidence, series: Series, known: Sequence[float], value: float, exposure: float) -> str:
    metric = evidence.metric

    def said(one: float, of: float) -> str:
        return f"{number(one)} of {number(of)}" if metric.exposed else number(one)

    return (
        f"{metric.name}: {series.member} had {said(known[1], known[2])} at {clock_time(known[0], metric.period)} when"
        f" it was judged, and CloudWatch says {said(value, exposure)} now; judged anew"
    )
