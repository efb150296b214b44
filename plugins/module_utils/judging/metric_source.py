# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source of metrics other than CloudWatch is, and what is asked of it. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# What stands in a query for the time that it is asked about; publishers have placeholders of their own.
TIMES = ("start", "end", "period")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Question:
    """What a source is asked: periods of C(period) seconds from C(start) to before C(end), in epoch seconds.

    C(values) are what the placeholders stand for. Of a source that answers for all instances at once, C(instances) are
    those that are asked about; it is empty of any other.
    """

    values: Mapping[str, str]
    start: float
    end: float
    period: int
    instances: tuple[str, ...] = ()

    def put_into(self, template: str, write: Callable[[str], str] = str, *, separator: str = ",") -> str:
        """The template with its placeholders replaced; C(write) makes each value fit for where it stands."""
        known = {
            **{name: write(value) for name, value in self.values.items()},
            **{name: f"{getattr(self, name):.0f}" for name in TIMES},
        }
        if self.instances:
            known["instance_id"] = separator.join(map(write, self.instances))
        return _PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), template)


@dataclass(frozen=True)
class Answer:
    """One series that a source has: of which instance, where it says so, and its label among several.

    C(points) are (start of the period in epoch seconds, value), in any order; values that are not finite do not count.
    """

    points: tuple[tuple[float, float], ...]
    instance_id: str = ""
    label: str = ""


class NoAnswer(Exception):
    """A source did not answer, or not with data; the words say who, and what it said.

    With C(refused) the source understood that it is asked, and refuses this question: asking again is of no use. With
    C(unreachable) nothing else needs to be asked of it now.
    """

    def __init__(self, words: str, *, refused: bool = False, unreachable: bool = False) -> None:
        """Keep the words."""
        super().__init__(words)
        self.words = words
        self.refused = refused
        self.unreachable = unreachable


class MetricSource(Protocol):
    """A query to a source of metrics other than CloudWatch, as a metric's options have it."""

    @property
    def words(self) -> str:
        """What is asked of whom, for plans: C(Prometheus sum(rate(errors[1m]\\)\\))."""

    @property
    def address(self) -> str:
        """Who is asked: one that cannot be reached is asked nothing else in the same look."""

    @property
    def templates(self) -> Sequence[str]:
        """The texts in which placeholders may stand."""

    @property
    def by_instance(self) -> bool:
        """Whether one answer has a series for each instance, and says whose it is."""

    def problems(self) -> Iterator[str]:
        """Say what is wrong with the options, a sentence each."""

    def ask(self, question: Question) -> Sequence[Answer]:
        """Get what the source has; nothing where it has no data.

        Raises:
            NoAnswer: it cannot be reached, refuses, or answers with what cannot be read.
        """


# Makes a query of its options.
Reader = Callable[[Mapping[str, Any]], MetricSource]
