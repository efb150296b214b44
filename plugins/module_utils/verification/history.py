# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances of earlier times, from which a judge learns how much those of one image differ.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..judging.metrics import Metric
from ..judging.rules import BOTH, SHIFT
from .baseline import Surroundings
from .publishers import Presence, Subject
from .settings import RETENTION, Settings

# How many times the length of the verification is read of a group, and of how many instances at most: enough to tell
# how much they differ, and no more than one call of GetMetricData for a few metrics.
LENGTHS = 4
MOST_INSTANCES = 20
# Auto Scaling keeps activities for six weeks ("Verify a scaling activity", Amazon EC2 Auto Scaling user guide).
ACTIVITIES_KEPT = 42 * 86400


@dataclass(frozen=True)
class Block:
    """Instances of one group that served together from C(start) to C(end), in epoch seconds."""

    subject: Subject
    start: float
    end: float


def uses_history(metric: Metric) -> bool:
    """Whether what instances did before helps to judge a metric."""
    return "instance_id" in metric.placeholders and metric.rule.compare in (SHIFT, BOTH)


def find_blocks(
    settings: Settings, surroundings: Surroundings, baseline: Sequence[str], start: float
) -> list[Block]:
    """Find what served before a verification that begins at C(start): groups that went out, and those before them.

    Instances that the verification compares with are left out: they speak for themselves.
    """
    metrics = [metric for metric in settings.metrics if uses_history(metric)]
    if not metrics or settings.history == 0:
        return []
    # CloudWatch's data of the finest metric are gone first. What another source no longer has, it does not answer with.
    kept = min(
        (
            next(age for period, age in RETENTION if metric.period >= period)
            for metric in metrics
            if not metric.elsewhere
        ),
        default=ACTIVITIES_KEPT,
    )
    back = min(kept, ACTIVITIES_KEPT, settings.history or kept)
    found = []
    for name in surroundings.revisions(settings.group):
        if name == settings.group:
            continue
        served = surroundings.history(name, start - back)
        now_there = set()
        if name in baseline:
            group = surroundings.group(name)
            now_there = {one.instance_id for one in group.in_service} if group else set()
        block = _block(name, served, now_there, start, start - back, settings)
        if block:
            found.append(block)
    return found


def _block(
    name: str,
    served: Mapping[str, tuple[float, float]],
    left_out: set[str],
    start: float,
    earliest: float,
    settings: Settings,
) -> Block | None:
    """The time at which most instances of a group had served together for as long as the verification takes."""
    times = {
        one: (max(since + settings.warmup, earliest), min(until, start))
        for one, (since, until) in served.items()
        if one not in left_out
    }

    def together(end: float) -> list[str]:
        begin = end - settings.duration
        return [one for one, (since, until) in times.items() if since <= begin and until >= end]

    ends = sorted({until for __, until in times.values()}, reverse=True)
    best = max(ends, key=lambda end: len(together(end)), default=0.0)
    members = together(best)[:MOST_INSTANCES]
    if len(members) < 2:
        return None
    begin = max(best - LENGTHS * settings.duration, earliest)
    presences = {one: Presence(max(begin, times[one][0]), best) for one in members}
    return Block(Subject(name, presences), begin, best)
