# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every source of metrics behind one: what is CloudWatch's goes there, and all else to its own source.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..aws.cloudwatch import CloudWatch, Request, TimeSeries
from ..judging.metric_source import Answer, MetricSource, NoAnswer, Question, Reader
from ..judging.metrics import LEVEL
from . import command, prometheus, web

# By the name of a metric's option: how its options are read, and what they are. A new source is a file and a line here.
READERS: Mapping[str, Reader] = {
    "prometheus": prometheus.read,
    "web": web.read,
    "command": command.read,
}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "prometheus": {"type": "dict", "options": prometheus.OPTIONS},
    "web": {"type": "dict", "options": web.OPTIONS},
    "command": {"type": "dict", "options": command.OPTIONS},
}
# So many instances are asked about at once, where a source answers for all: a query stays of a size that servers take.
INSTANCES_AT_ONCE = 100
# Questions that are asked one after the other in one look; more would not be over when the next look is due.
MOST_QUESTIONS = 100


@dataclass
class _Asked:
    """A question, and whose answer it is: the positions of the requests, by instance where it is of several."""

    source: MetricSource
    question: Question
    positions: dict[str, list[int]] = field(default_factory=dict)


class AllSources:
    """Gets data of all metrics, whatever their source."""

    def __init__(self, cloudwatch: CloudWatch) -> None:
        """Nothing is asked yet."""
        self._cloudwatch = cloudwatch

    def data(self, requests: Sequence[Request]) -> list[tuple[TimeSeries, ...]]:
        """Get the data of all requests; the answers are in their order.

        A source other than CloudWatch that does not answer is an error of the series, and never stops the others.

        Raises:
            AwsError: CloudWatch refused it, or could not be reached.
        """
        answers: list[tuple[TimeSeries, ...]] = [() for __ in requests]
        ours = [position for position, one in enumerate(requests) if _source(one) is None]
        for position, found in zip(
            ours, self._cloudwatch.data([requests[position] for position in ours]), strict=True
        ):
            answers[position] = found
        silent: dict[str, str] = {}
        for asked in questions(requests):
            try:
                found_series = _ask(asked, silent)
            except NoAnswer as error:
                for position in _all(asked):
                    answers[position] = (TimeSeries(label="", error=error.words),)
                continue
            for instance_id, positions in asked.positions.items():
                for position in positions:
                    answers[position] = _answer(requests[position], asked, found_series, instance_id)
        return answers

    def refusal(self, requests: Sequence[Request]) -> dict[int, str]:
        """Ask every source whether it answers: position -> its words for each request that it does not.

        Raises:
            AwsError: CloudWatch could not be asked.
        """
        ours = [position for position, one in enumerate(requests) if _source(one) is None]
        refused = self._cloudwatch.refusal([requests[position] for position in ours])
        found = {ours[place]: f"CloudWatch refuses it: {words}" for place, words in refused.items()}
        silent: dict[str, str] = {}
        for asked in questions(requests):
            try:
                _ask(asked, silent)
            except NoAnswer as error:
                found.update(dict.fromkeys(_all(asked), error.words))
        return found


def questions(requests: Sequence[Request]) -> Iterator[_Asked]:
    """What is asked of sources other than CloudWatch for the requests: as few questions as their answers allow."""
    together: dict[tuple[Any, ...], tuple[MetricSource, list[tuple[str, int]]]] = {}
    for position, request in enumerate(requests):
        source = _source(request)
        if source is None:
            continue
        values = dict(request.values)
        instance_id = values.pop("instance_id", "") if source.by_instance else ""
        # Sources have settings that cannot be compared; those of one metric are one and the same object.
        key = (id(source), request.start, request.end, request.metric.period, tuple(sorted(values.items())))
        together.setdefault(key, (source, []))[1].append((instance_id, position))
    for source, members in together.values():
        for first in range(0, len(members), INSTANCES_AT_ONCE):
            batch = members[first : first + INSTANCES_AT_ONCE]
            request = requests[batch[0][1]]
            asked = _Asked(
                source,
                Question(
                    {name: value for name, value in request.values.items() if name != "instance_id"}
                    if source.by_instance
                    else request.values,
                    request.start,
                    request.end,
                    request.metric.period,
                    tuple(instance_id for instance_id, __ in batch) if source.by_instance else (),
                ),
            )
            for instance_id, position in batch:
                asked.positions.setdefault(instance_id, []).append(position)
            yield asked


def _source(request: Request) -> MetricSource | None:
    queries = request.metric.queries
    return queries[0].elsewhere if queries else None


def _all(asked: _Asked) -> Iterator[int]:
    for positions in asked.positions.values():
        yield from positions


def _ask(asked: _Asked, silent: dict[str, str]) -> Sequence[Answer]:
    """Ask, unless whoever is asked has just not answered."""
    address = asked.source.address
    if address in silent:
        raise NoAnswer(silent[address])
    try:
        return asked.source.ask(asked.question)
    except NoAnswer as error:
        if error.unreachable:
            silent[address] = error.words
        raise


def _answer(
    request: Request, asked: _Asked, found: Sequence[Answer], instance_id: str
) -> tuple[TimeSeries, ...]:
    """What of the answer is a request's."""
    several = [one for one in found if one.instance_id == instance_id] if asked.source.by_instance else found
    if (
        asked.source.by_instance
        and found
        and not any(one.instance_id in asked.question.instances for one in found)
    ):
        named = next((one.instance_id or one.label for one in found), "")
        return (
            TimeSeries(
                label="",
                error=f"{asked.source.words} has series, and none is said to be of an instance that is asked about"
                f" (one is of {named or 'none'})",
            ),
        )
    if len(several) > 1 and (asked.source.by_instance or request.metric.kind != LEVEL):
        whose = f" of {instance_id}" if instance_id else ""
        return (
            TimeSeries(
                label="",
                error=f"{asked.source.words} has {len(several)} series{whose}, where one is needed: aggregate them",
            ),
        )
    return tuple(
        TimeSeries(label=one.label or f"series {number}", points=_by_period(request, one.points))
        for number, one in enumerate(several, start=1)
    )


def _by_period(request: Request, points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """One value for each period of the window: of several, their mean, or their sum where the metric counts."""
    period = request.metric.period
    found: dict[float, list[float]] = {}
    for moment, value in points:
        begin = request.start + (moment - request.start) // period * period
        if request.start <= begin < request.end and math.isfinite(value):
            found.setdefault(begin, []).append(value)
    counts = request.metric.kind != LEVEL
    return tuple(
        (begin, sum(values) if counts else sum(values) / len(values))
        for begin, values in sorted(found.items())
    )
