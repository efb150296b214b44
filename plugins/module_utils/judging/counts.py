# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts and rates: are there more errors than chance explains, for so many requests or so much time? Pure.

Given how many there were on both sides together, each of them fell on the canary with a chance that is its share of the
exposure, if the image makes no difference: an exact binomial test (Przyborowski and Wilenski, "Homogeneity of results
in testing samples from Poisson series", Biometrika 31, 1940). Errors that come together, by minutes or by instances,
are fewer pieces of evidence than they are errors: all counts are divided by how much more they vary than chance
(the quasi-likelihood of McCullagh and Nelder, "Generalized Linear Models", 1989, section 4.5).

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .bad_part import shares_of_parts
from .bounds import alone, ignored, missing_data
from .comparison import SHARE_OF_INSTANCES, boundary
from .datapoints import (
    FAIL,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    PASS,
    PENDING,
    Evidence,
    Opinion,
    Series,
    Terms,
    count,
)
from .metrics import RATE, number
from .places import parts_of
from .rules import DECREASE, EITHER, INCREASE, Rule
from .statistics import median, normal_quantile, normal_tail
from .student import incomplete_beta, t_tail

# The rates of instances of one image usually differ by a fifth; where few are there to tell, this counts like so many
# degrees of freedom.
USUAL = 0.04  # the square of it
PRIOR_DEGREES = 2.0
# A rate's bound, and a comparison, are judged by half of the error each, where there are both.
HALF = 0.5
# A minute is a burst if a series has so many in no more than this share of its minutes, by its median.
BURST = 0.001
# A canary's greatest burst fails it where it is so many times as great as any other.
FAR_BEYOND = 2.0


@dataclass(frozen=True)
class Tally:
    """How many there were of so many: requests, or periods."""

    number: float = 0.0
    exposure: float = 0.0

    @property
    def rate(self) -> float:
        """The share, or the number for each unit of exposure."""
        return self.number / self.exposure if self.exposure else 0.0


def tally(several: Sequence[Series]) -> Tally:
    """All of one side together."""
    return Tally(
        math.fsum(number for one in several for __, number, __ in one.counts),
        math.fsum(exposure for one in several for __, __, exposure in one.counts),
    )


def variation(several: Sequence[Series], *, shares: bool) -> tuple[float, float]:
    """By how much more the counts of minutes vary than by chance, and the degrees of freedom of that.

    Pearson's statistic, each series with its own rate; for C(shares) by the binomial variance.
    """
    squares = degrees = 0.0
    for one in several:
        whole = tally([one])
        if not whole.number or not whole.exposure:
            # Where nothing happens there is nothing to learn from.
            continue
        rate = whole.rate
        left = max(1e-9, 1 - rate) if shares else 1.0
        cells = [(number, exposure) for __, number, exposure in one.counts if exposure]
        squares += math.fsum(
            (number - rate * exposure) ** 2 / (rate * exposure * left) for number, exposure in cells
        )
        degrees += len(cells) - 1
    return _believed(squares, degrees), degrees


def _believed(squares: float, degrees: float) -> float:
    """Pearson's statistic by its degrees of freedom, where it is above 1 by more than its standard error; else 1."""
    if not degrees:
        return 1.0
    found = squares / degrees
    return found if found > 1 + math.sqrt(2 / degrees) else 1.0


def _among_instances(sides: Sequence[Sequence[Series]], *, shares: bool) -> tuple[float, float]:
    """The same of whole instances within each side."""
    squares = degrees = 0.0
    for side in sides:
        whole = tally(side)
        if len(side) < 2 or not whole.number:
            continue
        left = max(1e-9, 1 - whole.rate) if shares else 1.0
        for one in side:
            own = tally([one])
            if own.exposure:
                expected = whole.rate * own.exposure
                squares += (own.number - expected) ** 2 / (expected * left)
        degrees += len(side) - 1
    return (squares / degrees if degrees else 1.0), degrees


def chance_of_more(ours: Tally, theirs: Tally, varies: float) -> float:
    """The chance of more in the canary, and half of that of as many, if both had the same rate.

    The half makes up for counts being whole numbers (Lancaster, "Significance tests in discrete distributions", Journal
    of the American Statistical Association 56, 1961). Counts are divided by C(varies).
    """
    total = ours.number + theirs.number
    if not total or not ours.exposure or not theirs.exposure or not ours.number:
        return 1.0
    share = ours.exposure / (ours.exposure + theirs.exposure)
    k, rest = ours.number / varies, theirs.number / varies
    more = incomplete_beta(k + 1, rest, share) if rest > 0 else 0.0
    return (incomplete_beta(k, rest + 1, share) + more) / 2


def _chance(more: Tally, less: Tally, varies: float, degrees: float) -> float:
    """The same, where it is an estimate of so many degrees of freedom by how much counts vary."""
    chance = chance_of_more(more, less, varies)
    if varies <= 1:
        return chance
    z = -normal_quantile(max(1e-300, min(1 - 1e-9, chance)))
    return t_tail(z, degrees)


def counts_opinion(evidence: Evidence, terms: Terms) -> Opinion:
    """Judge a count or a rate: by its bounds, against its baseline, and at the end by whether it was published."""
    ours, theirs = tally(evidence.canary), tally(evidence.baseline)
    both = evidence.compared and evidence.metric.bounded
    terms = replace(terms, error=terms.error * (HALF if both else 1.0))
    breach = _breach(evidence, ours, terms) if ours.exposure else ""
    if breach:
        return Opinion(FAIL, breach, "bounds")
    compared = (
        _compared(evidence, ours, theirs, terms)
        if evidence.compared and ours.exposure and theirs.exposure
        else None
    )
    if compared and compared.verdict == FAIL:
        return compared
    words = _words(evidence, ours)
    if not terms.final:
        return compared or Opinion(PENDING, f"so far {words}", "bounds")
    missing = _missing(evidence, evidence.canary, "the group", steady=True)
    if missing:
        return Opinion(terms.on_no_data, missing, "no-data")
    if not ours.exposure:
        return _idle(evidence, "the group")
    if not evidence.compared:
        return _not_compared(evidence, words)
    missing = _missing(evidence, evidence.baseline, "the baseline", steady=False)
    if missing:
        return Opinion(terms.on_no_data, missing, "no-data")
    return compared or _idle(evidence, "the baseline")


def _compared(evidence: Evidence, ours: Tally, theirs: Tally, terms: Terms) -> Opinion:
    """The canary against its baseline, both with an exposure."""
    rule, unit = evidence.metric.rule, _unit(evidence)
    level = _level(terms, 1 - shares_of_parts(_instances(evidence.canary)), rule)
    words = _words(evidence, ours, theirs)

    def opinion(verdict: str, reason: str, rule_name: str = "counts") -> Opinion:
        shift = unit * (ours.rate - theirs.rate)
        return Opinion(verdict, f"{reason}: {words}", rule_name, shift=shift, control=unit * theirs.rate)

    way = _differs(evidence, ours, theirs, level)
    part = _bad_part(evidence, theirs, terms, level)
    burst = _burst(evidence, level) if terms.final and not way else None
    judged = tally(part) if part else ours
    if (way or part or burst) and ignored(rule, unit * judged.rate, unit * theirs.rate):
        verdict = PASS if terms.final else PENDING
        return opinion(verdict, "differs from the baseline, but so little that it is ignored", "ignore")
    if part:
        which = f"more in {part[0].member}" if len(part) == 1 else f"more in {len(part)} instances"
        reason = f"{which} than in all others: {_words(evidence, judged)}, {words}"
        reason += alone(evidence, part, "do not differ from the baseline")
        return replace(opinion(FAIL, "", "instance" if len(part) == 1 else "place"), reason=reason)
    if way:
        return opinion(FAIL, f"{way} than the baseline")
    if burst:
        return opinion(*burst)
    if not terms.final:
        return opinion(PENDING, "no difference so far")
    return opinion(PASS, "no difference that counts")


def _not_compared(evidence: Evidence, words: str) -> Opinion:
    """What is left of the verdict where there rightly is no baseline: bounds, or nothing."""
    if not evidence.metric.rule.compares:
        return Opinion(PASS, words, "bounds")
    limits = evidence.metric.bounded or evidence.metric.rule.has_limit
    reason = f"{evidence.nothing_to_compare}, so it was not compared; {words}"
    return Opinion(PASS if limits else NOT_APPLICABLE, reason, "bounds" if limits else "not-applicable")


def _unit(evidence: Evidence) -> float:
    """What a rate is told in: percent; a count as it is."""
    return 100.0 if evidence.metric.kind == RATE else 1.0


def _missing(evidence: Evidence, several: Sequence[Series], whose: str, *, steady: bool) -> str:
    """Say what is missing of one side: where there is an exposure, even of 0, its publisher is there."""
    published = [
        replace(one, points=tuple((moment, exposure) for moment, __, exposure in one.counts))
        for one in several
    ]
    missing = missing_data(evidence.metric, published, steady=steady)
    return f"of {whose} there is {missing}" if missing else ""


def _idle(evidence: Evidence, whose: str) -> Opinion:
    what = "requests" if evidence.metric.kind == RATE else "exposure"
    return Opinion(INCONCLUSIVE, f"{whose} had no {what}, so that there is nothing to judge", "counts")


def _breach(evidence: Evidence, ours: Tally, terms: Terms) -> str:
    """Words where a rate is beyond its bound even at the near end of its confidence interval; else empty."""
    metric = evidence.metric
    level = normal_tail(boundary(terms.error, terms.fraction, two_sided=False, looks=terms.looks))
    shares = metric.kind == RATE
    unit = _unit(evidence)
    varies = variation(evidence.canary, shares=shares)[0]
    number_, exposure = ours.number / varies, ours.exposure / varies
    if metric.maximum is not None and unit * ours.rate > metric.maximum:
        bound = metric.maximum / unit
        if _as_many(number_, exposure, bound, shares=shares) <= level:
            return f"above the maximum of {number(metric.maximum)}: {_words(evidence, ours)}"
    if metric.minimum is not None and unit * ours.rate < metric.minimum:
        bound = metric.minimum / unit
        if 1 - _as_many(number_ + 1, exposure, bound, shares=shares) <= level:
            return f"below the minimum of {number(metric.minimum)}: {_words(evidence, ours)}"
    return ""


def _as_many(many: float, exposure: float, rate: float, *, shares: bool) -> float:
    """The chance of so many or more at a rate: binomial for shares, else Poisson."""
    if many <= 0:
        return 1.0
    if rate <= 0:
        return 0.0
    if shares:
        return incomplete_beta(many, exposure - many + 1, min(1.0, rate)) if many <= exposure else 0.0
    # A Poisson tail is a binomial one of very many trials (Wilson and Hilferty's cube root is accurate enough).
    mean = rate * exposure
    z = 3 * math.sqrt(many) * (1 - 1 / (9 * many) - (mean / many) ** (1 / 3))
    return normal_tail(z)


def _differs(evidence: Evidence, ours: Tally, theirs: Tally, level: float) -> str:
    """C(more) or C(less) where the canary has more or less than chance explains, and that is bad."""
    rule = evidence.metric.rule
    shares = evidence.metric.kind == RATE
    minutes, of_minutes = variation((*evidence.canary, *evidence.baseline, *evidence.history), shares=shares)
    among, of_instances = _among_instances((evidence.canary, evidence.baseline), shares=shares)
    numbers = len(evidence.canary) + len(evidence.baseline)
    usual = minutes + USUAL * (ours.number + theirs.number) / numbers
    # Of one series a side nothing is known of instances: it may be of many.
    both = (PRIOR_DEGREES * usual + of_instances * among) / (PRIOR_DEGREES + of_instances)
    instances = max(both, minutes) if of_instances else 1.0
    allowed = Tally(theirs.number * (1 + rule.allowed_effect), theirs.exposure)

    def rare(more: Tally, less: Tally) -> bool:
        return all(
            _chance(more, less, varies, degrees) <= level
            for varies, degrees in ((minutes, of_minutes), (instances, PRIOR_DEGREES + of_instances))
        )

    if rule.direction != DECREASE and ours.rate > allowed.rate and rare(ours, allowed):
        return "more"
    if (
        rule.direction != INCREASE
        and ours.rate * (1 + rule.allowed_effect) < theirs.rate
        and rare(theirs, Tally(ours.number * (1 + rule.allowed_effect), ours.exposure))
    ):
        return "less"
    return ""


def _level(terms: Terms, share: float, rule: Rule) -> float:
    """The chance of a false alarm on one side that this look may have, of a share of the metric's."""
    two_sided = rule.direction == EITHER
    return normal_tail(boundary(terms.error * share, terms.fraction, two_sided=two_sided, looks=terms.looks))


def _instances(several: Sequence[Series]) -> list[Series]:
    return [one for one in several if one.instance_id and tally([one]).exposure]


def _bad_part(evidence: Evidence, theirs: Tally, terms: Terms, level: float) -> list[Series]:
    """The one instance, or those in one zone or of one type, with more than all others have; none where there is none.

    An instance stands apart: it is farther from the others than these are from each other. The rest of the canary does
    not differ from the baseline, and with less there is no such thing as a bad part.
    """
    rule = evidence.metric.rule
    suspects = _instances(evidence.canary)
    if len(suspects) < 2 or rule.direction == DECREASE:
        return []
    singles = [[one] for one in suspects]
    places = [[one for one in suspects if place.has(one)] for place in parts_of(suspects)]
    found = []
    for candidates in (singles, places):
        for part in candidates:
            others = [one for one in (*suspects, *_instances(evidence.baseline)) if one not in part]
            rest = [tally([one]).rate for one in others]
            width = max(rest) - min(rest) if len(part) == 1 else 0.0
            own = _level(terms, SHARE_OF_INSTANCES / len(candidates), rule)
            apart = replace(evidence, canary=tuple(part), baseline=tuple(others))
            if (
                min(tally([one]).rate for one in part) - max(rest) > width
                and _differs(apart, tally(part), tally(others), own) == "more"
            ):
                found.append(part)
        if found:
            break
    if len(found) != 1:
        return []
    innocent = tuple(one for one in suspects if one not in found[0])
    without = replace(evidence, canary=innocent)
    return [] if _differs(without, tally(innocent), theirs, level) else found[0]


def _burst(evidence: Evidence, level: float) -> tuple[str, str] | None:
    """What is to be said of minutes such as neither the baseline nor history ever had; None where there are none.

    How many of the minutes that exceed all others are the canary's is a matter of chance, too: given their number,
    they are a sample of all minutes without replacement.
    """
    if evidence.metric.rule.direction == DECREASE:
        return None
    others = [
        number / exposure
        for one in (*evidence.baseline, *evidence.history)
        for __, number, exposure in one.counts
        if exposure
    ]
    cells = [cell for one in evidence.canary for cell in _cells(one)]
    if not others or not cells:
        return None
    most = max(others)
    beyond = [rate for rate, bursts in cells if bursts and rate > most]
    chance = 1.0
    for drawn in range(len(beyond)):
        chance *= (len(cells) - drawn) / (len(cells) + len(others) - drawn)
    minutes = (
        f"{count(len(beyond), 'minute')} with more than any of {len(others)} of the baseline and history"
    )
    known = variation((*evidence.baseline, *evidence.history), shares=evidence.metric.kind == RATE)[0]
    ours, theirs = tally(evidence.canary), tally((*evidence.baseline, *evidence.history))
    if chance_of_more(ours, theirs, known) > level:
        return None
    if beyond and chance <= level and max(beyond) > FAR_BEYOND * most:
        return FAIL, f"a burst, {minutes}"
    if beyond:
        return (
            INCONCLUSIVE,
            f"{minutes}, unless they come in bursts: watch longer, or let history tell whether they do",
        )
    return None


def _cells(series: Series) -> list[tuple[float, bool]]:
    """The rate of each minute, and whether it is far more than the series usually has."""
    cells = [(number, exposure) for __, number, exposure in series.counts if exposure]
    usual = median([number / exposure for number, exposure in cells]) if cells else 0.0
    return [
        (number / exposure, _as_many(number, exposure, usual, shares=False) <= BURST)
        for number, exposure in cells
    ]


def _words(evidence: Evidence, ours: Tally, theirs: Tally | None = None) -> str:
    def said(one: Tally) -> str:
        if evidence.metric.kind == RATE:
            return f"{number(one.number)} of {number(one.exposure)} ({number(100 * one.rate)} %)"
        if evidence.metric.exposed:
            return f"{number(one.number)} for {number(one.exposure)} ({number(one.rate)} each)"
        return f"{number(one.number)} in {number(one.exposure)} datapoints"

    against = f" against {said(theirs)}" if theirs else ""
    bounds = f", {evidence.metric.bounds} allowed" if evidence.metric.bounded else ""
    return said(ours) + against + bounds
