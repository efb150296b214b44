# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary's instances against its baseline's: does the image differ by more than its instances do anyway? Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .bad_part import bad_part, others_differ, shares_of_parts
from .bounds import ignored
from .comparison import boundary
from .datapoints import FAIL, INCONCLUSIVE, PASS, PENDING, Evidence, Opinion, Series, Terms, count, values_of
from .instances import PRIOR_DEGREES, Fleet, FleetTest, level_of, percent
from .levels import Levels, levels_of, spread_of_history
from .metrics import number
from .rules import DECREASE, EITHER, INCREASE
from .statistics import median, normal_quantile, normal_tail

# Fewer datapoints of an instance say nothing of its level yet, and a look at them is none.
LEAST_POINTS = 3
# What would be found if so great a chance of a false alarm were taken is not passed over where all values are apart.
SUSPICIOUS = 0.01
# The beginning, as a share of a phase.
FIRST = 0.2
# By what chance a difference that goes away is one by accident.
DECLINE = 0.01
# Of a baseline that is for a while less than such a share of its level, nothing is taken as a share.
SMALLEST_SHARE = 0.1


def smallest_of_spread(
    canary: int, baseline: int, error: float, *, two_sided: bool, looks: int
) -> float | None:
    """What so many instances of each side find with a chance of C(POWER), by how much instances of an image differ.

    None where nobody can tell how much they do.
    """
    degrees = canary + baseline - 2
    if degrees < 1:
        return None
    level = normal_tail(boundary(error, 1.0, two_sided=two_sided, looks=looks))
    size = math.sqrt(1 / canary + 1 / baseline)
    usual = degrees + PRIOR_DEGREES
    return FleetTest(0.0, 0.0, size, degrees, size, usual, 0.0, EITHER).smallest(level)


def one_against_one(evidence: Evidence) -> bool:
    """Whether a single instance is compared with a single one, and nothing tells how much instances differ."""
    series = [one for one in (*evidence.canary, *evidence.baseline) if one.points]
    return len(series) == 2 and all(one.instance_id for one in series) and not compares_instances(evidence)


def compares_instances(evidence: Evidence) -> bool:
    """Whether both sides are instances, of which enough are known to tell how much those of one image differ."""
    series = [one for one in (*evidence.canary, *evidence.baseline) if one.points]
    if not series or not all(one.instance_id for one in series):
        return False
    return len(series) > 2 or len({one.instance_id for one in evidence.history if one.points}) >= 2


def instance_opinion(evidence: Evidence, terms: Terms) -> Opinion:
    """Compare the levels of instances; both sides have datapoints.

    Fails as soon as the canary's instances differ from the baseline's, in the bad direction and by more than
    C(allowed_effect), so much that instances of one image do so with a chance of C(terms.error) at most in the whole
    phase, over all its looks.
    """
    fleet = _fleet(evidence)
    if fleet is None:
        return Opinion(PENDING, "too few datapoints so far", "shift") if not terms.final else _too_few()
    rule = evidence.metric.rule
    error = terms.error * (1 - shares_of_parts(fleet.series[: fleet.ours]))
    level = level_of(error, terms, two_sided=rule.direction == EITHER)
    test = fleet.test(fleet.canary, fleet.baseline, rule.allowed_effect, rule.direction)
    differs = test.differs(level)
    part = bad_part(fleet, evidence, terms)
    if not (differs or part or terms.final):
        return Opinion(PENDING, "no difference so far", "shift")
    control = median(values_of(evidence.baseline))
    limit = test.limit(level)
    words = _figures(fleet, test, limit)

    def opinion(verdict: str, reason: str, rule_name: str = "shift") -> Opinion:
        return Opinion(
            verdict, reason, rule_name, test.shift, test.shift - limit, test.shift + limit, _cles(fleet)
        )

    judged = values_of([fleet.series[one] for one in part.bad] if part else evidence.canary)
    if (differs or part) and ignored(rule, median(judged), control):
        if terms.final:
            return opinion(
                PASS, f"differs from the baseline, but so little that it is ignored: {words}", "ignore"
            )
        return Opinion(PENDING, "no difference so far that is not ignored", "ignore")
    if part and not others_differ(fleet, part.bad, evidence, level):
        return opinion(FAIL, part.words, part.rule)
    if differs:
        return _of_a_difference(evidence, fleet, terms, level, differs, words, opinion)
    if evidence.same_time and _started_slowly(evidence, fleet, level):
        return opinion(
            INCONCLUSIVE,
            f"off the baseline at first, and less and less so: {words}. {_WARM_UP}",
            "slow start",
        )
    if _apart(fleet, evidence) and test.differs(SUSPICIOUS):
        return opinion(
            INCONCLUSIVE,
            f"every value of the canary is beyond every one of the baseline: {words}; so few instances cannot show"
            f" whether those of one image differ so much: {ADVICE}",
        )
    smallest = test.smallest(level)
    found = f"{number(smallest)}{percent(smallest, test.control)} would have been found with a chance of 80 %"
    wanted = rule.detects(control)
    if wanted is not None and smallest > wanted and fleet.levels.noise:
        return opinion(
            INCONCLUSIVE,
            f"no difference, but only {found}, and a pass must be able to find {number(wanted)}"
            f"{percent(wanted, test.control)}: {words}; {ADVICE}",
        )
    return opinion(PASS, f"no difference that counts: {words}; {found}")


ADVICE = "watch more instances, or longer, or let history tell how much instances differ"


def _too_few() -> Opinion:
    return Opinion(
        INCONCLUSIVE,
        f"an instance needs {LEAST_POINTS} datapoints at least to be compared: watch longer, or with a shorter period"
        " (detailed monitoring)",
        "shift",
    )


def _fleet(evidence: Evidence) -> Fleet | None:
    """The instances that have enough datapoints; None where a side has none of them."""
    ours = [one for one in evidence.canary if len(one.points) >= LEAST_POINTS]
    theirs = [one for one in evidence.baseline if len(one.points) >= LEAST_POINTS]
    if not ours or not theirs:
        return None
    if evidence.same_time:
        levels = levels_of([one.points for one in (*ours, *theirs)])
    else:
        levels = _one_after_the_other(ours, theirs)
    duration = max(one.points[-1][0] for one in ours) - min(one.points[0][0] for one in ours)
    blocks: dict[str, list[Series]] = {}
    for one in evidence.history:
        blocks.setdefault(one.group, []).append(one)
    history = spread_of_history(
        [[one.points for one in block] for block in blocks.values()], duration + evidence.metric.period
    )
    fleet = Fleet((*ours, *theirs), len(ours), levels, history)
    return fleet if fleet.spread(fleet.canary, fleet.baseline).degrees else None


def _one_after_the_other(ours: Sequence[Series], theirs: Sequence[Series]) -> Levels:
    """Levels of two sides that were measured at different times, so that they share no minute."""
    first, second = (levels_of([one.points for one in side]) for side in (ours, theirs))
    total = first.values + second.values
    weight = first.values / total
    return Levels(
        (*first.levels, *second.levels),
        weight * first.noise + (1 - weight) * second.noise,
        weight * first.of_a_level + (1 - weight) * second.of_a_level,
        total,
    )


def _of_a_difference(
    evidence: Evidence,
    fleet: Fleet,
    terms: Terms,
    level: float,
    differs: int,
    words: str,
    opinion: Callable[..., Opinion],
) -> Opinion:
    """A difference is there: one that stays fails, one that goes away with time is another matter."""
    rule = evidence.metric.rule
    way = "higher" if differs > 0 else "lower"
    if evidence.same_time and _goes_away(fleet, differs):
        if not terms.final:
            return Opinion(PENDING, f"{way} than the baseline, and less and less so", "slow start")
        later = _fleet(_part(evidence, 0.5, 1.0))
        still = (
            later.test(later.canary, later.baseline, rule.allowed_effect, rule.direction).differs(level)
            if later
            else differs
        )
        if not still:
            return opinion(
                INCONCLUSIVE,
                f"{way} than the baseline at first, and no more in the second half: {words}. {_WARM_UP}",
                "slow start",
            )
    tolerated = f"; {number(100 * rule.allowed_effect)} % are allowed" if rule.allowed_effect else ""
    return opinion(FAIL, f"{way} than the baseline: {words}{tolerated}")


def _goes_away(fleet: Fleet, way: int) -> bool:
    """Whether the difference of the two sides becomes less from minute to minute, more surely than by chance.

    It must become less as a share of the baseline, too: one that goes down with the load is still there.
    """
    sides: list[dict[float, list[float]]] = [{}, {}]
    for position, one in enumerate(fleet.series):
        for moment, value in one.points:
            sides[position >= fleet.ours].setdefault(moment, []).append(value)
    ours, theirs = ({moment: math.fsum(v) / len(v) for moment, v in side.items()} for side in sides)
    gaps = {moment: way * (ours[moment] - theirs[moment]) for moment in sorted(ours) if moment in theirs}
    if len(gaps) < LEAST_POINTS:
        return False
    # By the noise of single values; what a decay leaves around its line is no noise.
    noise = fleet.levels.noise * (1 / fleet.ours + 1 / (len(fleet.series) - fleet.ours))
    level = math.fsum(theirs[moment] for moment in gaps) / len(gaps)
    if any(theirs[moment] * level < SMALLEST_SHARE * level * level for moment in gaps) or not level:
        return _declines(gaps, noise)
    scales = {moment: level / theirs[moment] for moment in gaps}
    shares = {moment: gap * scales[moment] for moment, gap in gaps.items()}
    of_shares = noise * math.fsum(scale * scale for scale in scales.values()) / len(scales)
    return _declines(gaps, noise) and _declines(shares, of_shares)


def _declines(gaps: Mapping[float, float], noise: float) -> bool:
    """Whether a line through values of such a variance goes down."""
    middle, mean = math.fsum(gaps) / len(gaps), math.fsum(gaps.values()) / len(gaps)
    width = math.fsum((moment - middle) ** 2 for moment in gaps)
    slope = math.fsum((moment - middle) * (gap - mean) for moment, gap in gaps.items()) / width
    return slope < 0 and slope * slope * width > noise * normal_quantile(1 - DECLINE) ** 2


_WARM_UP = (
    "This looks like a slow start, not like an image that stays so: watch longer, or leave the start out with"
    " warmup"
)


def _started_slowly(evidence: Evidence, fleet: Fleet, level: float) -> bool:
    """Whether the sides differ at the beginning, and less and less."""
    rule = evidence.metric.rule
    if not any(_goes_away(fleet, way) for way in (1, -1)):
        return False
    first = _fleet(_part(evidence, 0.0, FIRST))
    return bool(
        first and first.test(first.canary, first.baseline, rule.allowed_effect, rule.direction).differs(level)
    )


def _part(evidence: Evidence, begin: float, end: float) -> Evidence:
    """The evidence of some of its minutes: from one share of them up to another."""
    moments = sorted({moment for one in evidence.canary for moment, __ in one.points})
    kept = set(moments[int(len(moments) * begin) : max(LEAST_POINTS, int(len(moments) * end))])

    def of(several: Sequence[Series]) -> tuple[Series, ...]:
        return tuple(
            replace(one, points=tuple(point for point in one.points if point[0] in kept)) for one in several
        )

    return replace(evidence, canary=of(evidence.canary), baseline=of(evidence.baseline))


def _apart(fleet: Fleet, evidence: Evidence) -> bool:
    """Whether every instance of the canary stands apart from all others in every value, in the bad direction.

    Apart is farther from the baseline's instances than these are from each other.
    """
    direction = evidence.metric.rule.direction
    ours = [fleet.levels.levels[one] for one in fleet.canary]
    theirs = [fleet.levels.levels[one] for one in fleet.baseline]
    values = [values_of([fleet.series[one] for one in side]) for side in (fleet.canary, fleet.baseline)]
    width = max(theirs) - min(theirs)
    above = min(values[0]) > max(values[1]) and min(ours) - max(theirs) > width
    below = max(values[0]) < min(values[1]) and min(theirs) - max(ours) > width
    return (direction != DECREASE and above) or (direction != INCREASE and below)


# ------------------------------------------------------------------------------------------ words


def _figures(fleet: Fleet, test: FleetTest, limit: float) -> str:
    theirs = len(fleet.series) - fleet.ours
    level = fleet.levels.mean(fleet.canary)
    history = fleet.history.degrees
    known = f" and {count(round(history) + 1, 'instance')} of history" if history else ""
    spread = math.sqrt(fleet.spread(fleet.canary, fleet.baseline).variance)
    return (
        f"{number(level)} against {number(test.control)}{percent(test.shift, test.control, signed=True)} in"
        f" {fleet.ours} against {count(theirs, 'instance')}{known}. Those of one image differ by"
        f" {number(spread)}{percent(spread, test.control)}; from {number(limit)}"
        f"{percent(limit, test.control)} on it counts"
    )


def _cles(fleet: Fleet) -> float:
    """In which share of the pairs of instances the canary's is the higher one."""
    pairs = list(itertools.product(fleet.canary, fleet.baseline))
    levels = fleet.levels.levels
    won = sum((levels[a] > levels[b]) + (levels[a] == levels[b]) / 2 for a, b in pairs)
    return won / len(pairs)
