# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of the metrics of a group, its baseline and their history, as evidence for the judge.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from ..aws.cloudwatch import CloudWatch, Request
from ..judging.datapoints import Evidence, Series
from ..judging.metrics import Metric
from ..sources.all_sources import AllSources
from .baseline import Baseline, Surroundings
from .history import Block, find_blocks, uses_history
from .publishers import Member, Subject, members, of_parts
from .settings import PATIENCE, Settings


class Reading:
    """Reads from CloudWatch and other sources, in as few calls as possible."""

    def __init__(self, settings: Settings, cloudwatch: CloudWatch, surroundings: Surroundings) -> None:
        """Nothing is asked of AWS yet."""
        self._settings = settings
        self._sources = AllSources(cloudwatch)
        self._surroundings = surroundings
        self._earlier: Mapping[str, tuple[Series, ...]] | None = None

    def evidence(
        self, subject: Subject, controls: Sequence[Subject], baseline: Baseline, start: float, now: float
    ) -> tuple[Evidence, ...]:
        """What is known C(now) of each metric in a window that begins at C(start) (epoch seconds), in their order.

        It reaches up to the last period that is over, whether CloudWatch has completed it or not.
        """
        windows: dict[str, tuple[float, float]] = {
            metric.name: (
                self._settings.window(metric, start)[0],
                self._settings.over_until(metric, start, now),
            )
            for metric in self._settings.metrics
        }
        wanted = list(self._settings.metrics)
        compared = [metric for metric in wanted if metric.rule.uses_baseline]
        ours = [(metric, [subject], windows[metric.name]) for metric in wanted]
        if baseline.start is None:
            theirs = [(metric, controls, windows[metric.name]) for metric in compared]
            found = self._series(ours + theirs, start, now)
            canary, control = found[: len(ours)], found[len(ours) :]
        else:
            # In calls of their own: one for both times would bring all that lies between them.
            earlier = [
                (metric, controls, metric.window(baseline.start, baseline.duration)) for metric in compared
            ]
            canary, control = self._series(ours, start, now), self._series(earlier, start, math.inf)
        by_name = {metric.name: several for metric, several in zip(compared, control, strict=True)}
        earlier_ones = self._history(baseline.groups, start)
        return tuple(
            Evidence(
                metric,
                several,
                by_name.get(metric.name, ()),
                nothing_to_compare=baseline.nothing,
                same_time=baseline.same_time,
                history=earlier_ones.get(metric.name, ()),
            )
            for metric, several in zip(wanted, canary, strict=True)
        )

    def _history(self, baseline: Sequence[str], start: float) -> Mapping[str, tuple[Series, ...]]:
        """What instances of earlier times published, by metric; read once."""
        if self._earlier is None:
            metrics = [metric for metric in self._settings.metrics if uses_history(metric)]
            found: dict[str, tuple[Series, ...]] = {}
            blocks: Sequence[Block] = (
                find_blocks(self._settings, self._surroundings, baseline, start) if baseline else ()
            )
            for block in blocks:
                # Each block in calls of its own: one for several times would bring all that lies between them.
                wanted = [
                    (metric, [block.subject], metric.window(block.start, block.end - block.start))
                    for metric in metrics
                ]
                for metric, several in zip(metrics, self._series(wanted, start, math.inf), strict=True):
                    found[metric.name] = (*found.get(metric.name, ()), *several)
            self._earlier = found
        return self._earlier

    def _series(
        self,
        wanted: Sequence[tuple[Metric, Sequence[Subject], tuple[float, float]]],
        start: float,
        now: float,
    ) -> list[tuple[Series, ...]]:
        """The series of each metric among the groups in its window."""
        asked: list[tuple[int, Metric, Member, tuple[float, float]]] = [
            (position, metric, member, window)
            for position, (metric, subjects, window) in enumerate(wanted)
            if window[1] > window[0]
            for member in members(metric, subjects)
        ]
        answers = iter(
            self._sources.data(
                [
                    Request(part.rendered(member.values), *window, member.values)
                    for __, metric, member, window in asked
                    for part in metric.parts
                ]
            )
        )
        found: list[list[Series]] = [[] for __ in wanted]
        over = now >= self._settings.last_data(start)
        for position, metric, member, window in asked:
            late = PATIENCE * self._settings.delay_of(metric)
            filled_until = window[1] if over else now - metric.period - late
            parts = list(itertools.islice(answers, len(metric.parts)))
            found[position] += of_parts(metric, member, parts, window, filled_until)
        return [tuple(several) for several in found]
