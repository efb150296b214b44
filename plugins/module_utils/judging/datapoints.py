# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of metrics and alarms when they are judged, and what a verdict on one is made of.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from .metrics import Metric

PASS = "pass"
FAIL = "fail"
INCONCLUSIVE = "inconclusive"
# More data are to come, and so far nothing is wrong.
PENDING = "pending"
# There is nothing to compare with, and nothing else to judge by; it decides nothing.
NOT_APPLICABLE = "not_applicable"

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """The data of one publisher of a metric: an instance, a group, a target group, or one line of a SEARCH.

    C(points) are (start of the period in epoch seconds, value), oldest first, of the periods from C(start)
    to before C(end), in which there should be one each. C(instance_id) is empty where it is no instance's. C(counts)
    are (start of the period, number, exposure) of a metric that counts: of how many requests, or periods, so many.
    C(zone) and C(instance_type) are an instance's, as far as they are known.
    """

    member: str
    points: tuple[Point, ...]
    start: float
    end: float
    group: str = ""
    instance_id: str = ""
    error: str = ""
    counts: tuple[tuple[float, float, float], ...] = ()
    zone: str = ""
    instance_type: str = ""

    @property
    def values(self) -> list[float]:
        """The values alone."""
        return [value for __, value in self.points]

    def expected(self, period: int) -> int:
        """How many datapoints there should be."""
        return max(0, round((self.end - self.start) / period))

    def until(self, moment: float) -> Series:
        """What was known of it at a moment: the periods that had begun before."""
        return replace(
            self,
            points=tuple(point for point in self.points if point[0] < moment),
            counts=tuple(one for one in self.counts if one[0] < moment),
            end=max(self.start, min(self.end, moment)),
        )


@dataclass(frozen=True)
class Evidence:
    """All that is known of one metric: the canary's series and the baseline's.

    C(history) are instances of earlier revisions at earlier times; those of one C(group) served together.
    C(nothing_to_compare) says why there is no baseline where there rightly is none; it is empty where there
    should be one. C(same_time) tells whether both sides were measured over the same minutes.
    """

    metric: Metric
    canary: tuple[Series, ...]
    baseline: tuple[Series, ...] = ()
    nothing_to_compare: str = ""
    same_time: bool = True
    history: tuple[Series, ...] = ()

    @property
    def compared(self) -> bool:
        """Whether the metric is to be compared with a baseline that there should be."""
        return self.metric.rule.compares and not self.nothing_to_compare


@dataclass(frozen=True)
class Terms:
    """On what terms metrics are judged.

    C(final) says that no more data will come, C(fraction) how much of the window's time is over. C(error) is the
    chance of a false alarm that one compared metric may have in the whole phase, over C(looks) looks at most (0: any
    number).
    """

    final: bool = True
    fraction: float = 1.0
    error: float = 0.02
    looks: int = 0
    sensitivity: str = "normal"
    on_no_data: str = FAIL


@dataclass(frozen=True)
class Opinion:
    """What one rule says of a metric: C(rule) is its name; the figures are those of a comparison, if it is one.

    C(low), C(high) and C(shift) are in the metric's unit, C(control) is what the shift is a share of, where that is not
    the baseline's median, C(cles) is the share of pairs in which the canary is
    greater. C(fatal) says that the whole fails with it, whatever the score.
    """

    verdict: str
    reason: str
    rule: str
    shift: float | None = None
    low: float | None = None
    high: float | None = None
    cles: float | None = None
    fatal: bool = False
    control: float | None = None


@dataclass(frozen=True)
class Finding:
    """The verdict on one metric or alarm, and why.

    C(n) and C(n_baseline) count the datapoints judged. C(baseline) and C(canary) are medians; they, C(shift) and
    its interval from C(low) to C(high) are in the metric's unit, and C(effect) is the shift as a share of the
    baseline's median (0.1 is 10 % more). None stands for what there is not.
    """

    name: str
    verdict: str
    reason: str
    kind: str = "metric"
    rule: str = ""
    n: int = 0
    n_baseline: int = 0
    baseline: float | None = None
    canary: float | None = None
    shift: float | None = None
    low: float | None = None
    high: float | None = None
    effect: float | None = None
    cles: float | None = None
    group: str = ""
    weight: float = 1.0
    critical: bool = False
    muted: bool = False
    minimum: float | None = None
    maximum: float | None = None
    # Fails the whole by itself, as a critical one does.
    fatal: bool = field(default=False, repr=False)

    @property
    def counts(self) -> bool:
        """Whether it has a say in the score."""
        return not self.muted and self.verdict != NOT_APPLICABLE and self.weight > 0

    def as_result(self) -> dict[str, Any]:
        """The finding as the module returns it."""
        return {name: value for name, value in asdict(self).items() if name != "fatal"}


def values_of(several: Sequence[Series]) -> list[float]:
    """The values of several series together."""
    return [value for series in several for value in series.values]


def clock_time(moment: float, period: int = 60) -> str:
    """Write a time for people, with seconds where periods are shorter than a minute."""
    shape = "%H:%M UTC" if period % 60 == 0 else "%H:%M:%S UTC"
    return datetime.fromtimestamp(moment, tz=timezone.utc).strftime(shape)


def count(number: int, what: str) -> str:
    """A number of things in words: C(1 datapoint), C(3 datapoints)."""
    return f"{number} {what}{'' if number == 1 else 's'}"
