# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which rule a metric is judged, and how much it counts: the part of its options that is not about its data.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INCREASE = "increase"
DECREASE = "decrease"
EITHER = "either"
DIRECTIONS = (INCREASE, DECREASE, EITHER)

# How a metric is compared with its baseline, if it is.
SHIFT = "shift"
DEVIATION = "deviation"
TAIL = "tail"
BOTH = "both"
NO = "no"
COMPARISONS = (SHIFT, DEVIATION, TAIL, BOTH, NO)
# Those that each have a share of the chance of a false alarm.
WITH_AN_ERROR = (SHIFT, TAIL, BOTH)

# A pass must be able to find a difference that is so many times the baseline's level.
TWICE = 2.0

MEASURES = ("absolute", "percent", "deviation")


@dataclass(frozen=True)
class Hint:
    """A limit for single values: exactly one of the three is given.

    C(absolute) is a value; C(percent) a difference from the baseline in percent of it; C(deviation) a difference
    from the baseline in the metric's unit. As a reason to fail fast it must be passed C(times) times,
    C(in_a_row) or altogether, by one publisher.
    """

    absolute: float | None = None
    percent: float | None = None
    deviation: float | None = None
    times: int = 1
    in_a_row: bool = False

    @property
    def needs_baseline(self) -> bool:
        """Whether it says nothing without a baseline."""
        return self.absolute is None


@dataclass(frozen=True)
class Rule:
    """How a metric is judged besides its bounds.

    C(compare) is one of C(COMPARISONS); None leaves it to the bounds where there are some, and is a shift where
    there are none. C(direction) is the bad one. C(allowed_effect) and C(critical_effect) are shares of the
    baseline's median: a shift up to the first is tolerated, one from the second on fails the whole. A pass must be
    able to find a difference of C(detect) times the baseline's level, or of C(detect_amount) in the metric's unit.
    """

    compare: str = NO
    direction: str = EITHER
    allowed_effect: float = 0.0
    critical_effect: float | None = None
    ignore: tuple[Hint, ...] = ()
    fail_fast: tuple[Hint, ...] = ()
    detect: float = TWICE
    detect_amount: float | None = None
    group: str = ""
    weight: float = 1.0
    critical: bool = False
    muted: bool = False

    def detects(self, level: float) -> float | None:
        """The difference that a pass must be able to find, in the metric's unit; None where there is no level."""
        if self.detect_amount is not None:
            return self.detect_amount
        return self.detect * abs(level) or None

    @property
    def compares(self) -> bool:
        """Whether it compares at all."""
        return self.compare != NO

    @property
    def uses_baseline(self) -> bool:
        """Whether it needs a baseline for anything."""
        return self.compares or any(hint.needs_baseline for hint in self.fail_fast)

    @property
    def has_limit(self) -> bool:
        """Whether it judges by itself, without a baseline."""
        return any(not hint.needs_baseline for hint in self.fail_fast)

    def words(self) -> str:
        """How it compares, for plans: C(compared with the baseline by shift, more is bad)."""
        if not self.compares:
            return ""
        bad = {INCREASE: "more is bad", DECREASE: "less is bad", EITHER: "more and less are bad"}
        allowed = f", {100 * self.allowed_effect:g} % allowed" if self.allowed_effect else ""
        return f"compared with the baseline by {self.compare}, {bad[self.direction]}{allowed}"


def read_rule(option: Mapping[str, Any], *, bounded: bool) -> Rule:
    """Read the rule of one metric from its options; C(bounded) says whether it has bounds."""
    fail_fast = tuple(_read_hint(hint) for hint in option.get("fail_fast") or ())
    ignore = option.get("ignore") or {}
    compare = option.get("compare")
    if compare is None:
        compare = NO if bounded or any(not hint.needs_baseline for hint in fail_fast) else SHIFT
    weight, detect = option.get("weight"), option.get("detect") or {}
    return Rule(
        compare=compare,
        direction=option.get("direction") or EITHER,
        allowed_effect=option.get("allowed_effect") or 0.0,
        critical_effect=option.get("critical_effect"),
        # Each measure of it is enough to ignore a value.
        ignore=tuple(Hint(**{name: ignore[name]}) for name in MEASURES if ignore.get(name) is not None),
        fail_fast=fail_fast,
        detect=TWICE if detect.get("share") is None else detect["share"],
        detect_amount=detect.get("amount"),
        group=str(option.get("group") or "").strip(),
        weight=1.0 if weight is None else weight,
        critical=bool(option.get("critical")),
        muted=bool(option.get("muted")),
    )


def _read_hint(option: Mapping[str, Any]) -> Hint:
    times = option.get("times")
    return Hint(
        **{name: option.get(name) for name in MEASURES},
        times=1 if times is None else times,
        in_a_row=bool(option.get("in_a_row")),
    )


def rule_problems(rule: Rule) -> Iterator[str]:
    """Say what is wrong with a rule, a sentence each."""
    if rule.compare not in COMPARISONS:
        yield f"compare must be one of {', '.join(COMPARISONS)}, not {rule.compare!r}"
    if rule.direction not in DIRECTIONS:
        yield f"direction must be one of {', '.join(DIRECTIONS)}, not {rule.direction!r}"
    if not (math.isfinite(rule.allowed_effect) and rule.allowed_effect >= 0):
        yield "allowed_effect must be 0 or more"
    effect = rule.critical_effect
    if effect is not None and not (math.isfinite(effect) and effect > rule.allowed_effect):
        yield "critical_effect must be more than allowed_effect"
    if not (math.isfinite(rule.detect) and rule.detect > 0):
        yield "detect: share must be more than 0"
    if rule.detect_amount is not None and not (math.isfinite(rule.detect_amount) and rule.detect_amount > 0):
        yield "detect: amount must be more than 0"
    if not (math.isfinite(rule.weight) and rule.weight >= 0):
        yield "weight must be 0 or more"
    if rule.critical and rule.muted:
        yield "it is both critical and muted"
    yield from _hint_problems("fail_fast", rule.fail_fast)
    yield from _hint_problems("ignore", rule.ignore)


def _hint_problems(name: str, hints: Sequence[Hint]) -> Iterator[str]:
    for hint in hints:
        given = [value for value in (hint.absolute, hint.percent, hint.deviation) if value is not None]
        if len(given) != 1:
            yield f"{name}: give exactly one of {', '.join(MEASURES)}"
        if not all(map(math.isfinite, given)):
            yield f"{name}: every number must be finite"
        if any(value is not None and value < 0 for value in (hint.percent, hint.deviation)):
            yield f"{name}: percent and deviation must not be negative"
        if hint.times < 1:
            yield f"{name}: times must be at least 1"
