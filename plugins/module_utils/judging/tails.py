# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tails of a metric: is the canary now and then much worse than its usual level, as the baseline is not? Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Sequence

from .comparison import boundary
from .datapoints import FAIL, INCONCLUSIVE, PASS, PENDING, Evidence, Opinion, Series, Terms, values_of
from .dependence import dependence
from .metrics import number
from .rules import DECREASE, EITHER, INCREASE
from .statistics import median, normal_tail
from .student import incomplete_beta

# The share of all values that counts as the tail.
TAIL = 0.1
# So many values of the tail are needed to say anything.
LEAST = 5


def tail_opinion(evidence: Evidence, terms: Terms) -> Opinion:
    """Compare how often each side is far above (or below) its own usual level; both have datapoints.

    Every value is taken as it differs from its series' median. Of the tenth of all values that is farthest out, each
    should be the canary's with the chance that is its share of the values (a binomial test, as of counts).
    """
    rule = evidence.metric.rule
    level = normal_tail(
        boundary(terms.error, terms.fraction, two_sided=rule.direction == EITHER, looks=terms.looks)
    )
    for way in (1, -1):
        if (way > 0 and rule.direction == DECREASE) or (way < 0 and rule.direction == INCREASE):
            continue
        ours, theirs, chance, farthest = _far_out(evidence, way)
        side = "above" if way > 0 else "below"
        words = (
            f"{ours} of the {ours + theirs} values that are farthest {side} their series' median are the canary's, up"
            f" to {number(farthest)}"
        )
        if chance <= level:
            return Opinion(
                FAIL, f"now and then far {side} what is usual, as the baseline is not: {words}", "tail"
            )
    if not terms.final:
        return Opinion(PENDING, "no difference of the tails so far", "tail")
    total = sum(len(one.points) for one in (*evidence.canary, *evidence.baseline))
    if total * TAIL < LEAST:
        return Opinion(
            INCONCLUSIVE,
            f"{total} values are too few to have a tail: watch longer, or with more instances",
            "tail",
        )
    return Opinion(PASS, "no difference of the tails", "tail")


def _far_out(evidence: Evidence, way: int) -> tuple[int, int, float, float]:
    """How many of the farthest values each side has, the chance of that, and by how much the farthest is off."""
    ours, theirs = (_rests(side, way) for side in (evidence.canary, evidence.baseline))
    mine = [value for one in ours for value in one]
    other = [value for one in theirs for value in one]
    total = len(mine) + len(other)
    wanted = int(total * TAIL)
    if wanted < LEAST or not mine or not other:
        return 0, 0, 1.0, 0.0
    edge = sorted((*mine, *other), reverse=True)[wanted - 1]
    margin = evidence.metric.rule.allowed_effect * abs(median(values_of(evidence.baseline)))
    if edge <= margin:
        return 0, 0, 1.0, 0.0
    # Of values that are all the same, as of counts, some would be of the tail and some not: then none are.
    k, k_other = (
        sum(one > edge or (one == edge and not ties) for one in side)
        for ties in [sum(one == edge for one in (*mine, *other)) > 1]
        for side in (mine, other)
    )
    inflation = max(1.0, dependence([*ours, *theirs]).inflation)
    if not k:
        return 0, k_other, 1.0, 0.0
    chance = incomplete_beta(k / inflation, k_other / inflation + 1, len(mine) / total)
    return k, k_other, chance, max(mine)


def _rests(several: Sequence[Series], way: int) -> list[list[float]]:
    found = []
    for one in several:
        if one.points:
            middle = median(one.values)
            found.append([way * (value - middle) for value in one.values])
    return found
