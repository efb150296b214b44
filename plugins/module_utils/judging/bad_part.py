# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What part of a canary is bad, where it is not the whole of it: one instance, a zone, or an instance type. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .comparison import SHARE_OF_INSTANCES
from .datapoints import Evidence, Series, Terms
from .instances import Fleet, level_of, of_one_instance
from .metrics import number
from .places import Place, parts_of
from .rules import DECREASE, EITHER, INCREASE


@dataclass(frozen=True)
class BadPart:
    """The part of a canary that is bad: C(bad), by their positions in the fleet, the reason in words, and the rule."""

    bad: tuple[int, ...]
    words: str
    rule: str


def bad_part(fleet: Fleet, evidence: Evidence, terms: Terms) -> BadPart | None:
    """The part of a canary that differs from all others, its own and the baseline's; None where there is none."""
    if fleet.ours < 2:
        return None
    return _bad_instance(fleet, evidence, terms) or _bad_place(fleet, evidence, terms)


def shares_of_parts(canary: Sequence[Series]) -> float:
    """What of a metric's chance of a false alarm goes to parts of a canary of these instances."""
    if len(canary) < 2:
        return 0.0
    return SHARE_OF_INSTANCES * (2 if any(True for __ in parts_of(canary)) else 1)


def _bad_instance(fleet: Fleet, evidence: Evidence, terms: Terms) -> BadPart | None:
    """The one instance of a canary that differs from all others; or None."""
    rule = evidence.metric.rule
    level = level_of(terms.error * SHARE_OF_INSTANCES / fleet.ours, terms, two_sided=rule.direction == EITHER)
    everybody = range(len(fleet.series))
    guilty = []
    for suspect in fleet.canary:
        others = [one for one in everybody if one != suspect]
        levels = [fleet.levels.levels[one] for one in others]
        own = fleet.levels.levels[suspect]
        width = max(levels) - min(levels)
        above = rule.direction != DECREASE and own - max(levels) > width
        below = rule.direction != INCREASE and min(levels) - own > width
        if not (above or below):
            continue
        test = fleet.test([suspect], others, rule.allowed_effect, rule.direction)
        if of_one_instance(test, fleet.levels).differs(level):
            guilty.append(suspect)
    if len(guilty) != 1:
        return None
    return BadPart((guilty[0],), _instance_words(fleet, guilty[0]), "instance")


def others_differ(fleet: Fleet, bad: Sequence[int], evidence: Evidence, level: float) -> bool:
    """Whether the canary differs from the baseline even without its bad instances."""
    rule = evidence.metric.rule
    others = [one for one in fleet.canary if one not in bad]
    return bool(fleet.test(others, fleet.baseline, rule.allowed_effect, rule.direction).differs(level))


def _instance_words(fleet: Fleet, outlier: int) -> str:
    others = [one for one in fleet.canary if one != outlier]
    levels = fleet.levels
    way = "higher" if levels.levels[outlier] > levels.mean(others) else "lower"
    rest = f"The other {len(others)} do" if len(others) > 1 else "The other one does"
    return (
        f"{fleet.series[outlier].member} is {way} than the others: {number(levels.levels[outlier])} against"
        f" {number(levels.mean(others))} of the group's other instances and {number(levels.mean(fleet.baseline))} of"
        f" the baseline. {rest} not differ from the baseline: this looks like one bad instance, not like a bad image"
    )


# ------------------------------------------------------------------------- a bad zone, or instance type


def _bad_place(fleet: Fleet, evidence: Evidence, terms: Terms) -> BadPart | None:
    """The zone or instance type in which the canary is bad; None where there is none, or more than one.

    Each of the canary's instances there is beyond each that is elsewhere, on either side, by more than chance explains,
    and beyond each of the baseline's there: a zone that is bad for both is no fault of the canary.
    """
    rule = evidence.metric.rule
    ours = fleet.series[: fleet.ours]
    candidates = list(parts_of(ours))
    found = []
    for place in candidates:
        bad = tuple(one for one in fleet.canary if place.has(fleet.series[one]))
        others = [one for one in range(len(fleet.series)) if one not in bad]
        levels, theirs = ([fleet.levels.levels[one] for one in several] for several in (bad, others))
        above = rule.direction != DECREASE and min(levels) > max(theirs)
        below = rule.direction != INCREASE and max(levels) < min(theirs)
        level = level_of(
            terms.error * SHARE_OF_INSTANCES / len(candidates), terms, two_sided=rule.direction == EITHER
        )
        test = fleet.test(bad, others, rule.allowed_effect, rule.direction)
        if (above or below) and test.differs(level):
            found.append(BadPart(bad, _place_words(fleet, place, bad), "place"))
    return found[0] if len(found) == 1 else None


def _place_words(fleet: Fleet, place: Place, bad: Sequence[int]) -> str:
    levels = fleet.levels
    there = [one for one in fleet.baseline if place.has(fleet.series[one])]
    others = [one for one in fleet.canary if one not in bad]
    way = "higher" if levels.mean(bad) > levels.mean(others) else "lower"
    words = (
        f"the {len(bad)} instances in {place.words} are {way} than all others:"
        f" {number(levels.mean(bad))} against {number(levels.mean(others))} of the group's other"
        f" {len(others)} and {number(levels.mean(fleet.baseline))} of the baseline, from which those do not differ."
    )
    if there:
        return (
            f"{words} The baseline's there have {number(levels.mean(there))}: this looks like an image"
            f" that does not do well in {place.words}"
        )
    return f"{words} The baseline has none there: this looks like a bad {place.kind}, not like a bad image"
