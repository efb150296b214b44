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
from dataclasses import dataclass

from .comparison import boundary
from .datapoints import FAIL, INCONCLUSIVE, PASS, PENDING, Evidence, Opinion, Series, Terms, count
from .metrics import RATE, number
from .rules import DECREASE, EITHER, INCREASE
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
    """How many there were of so many (requests, or periods), and by how much more they varied than by chance.

    C(variation) is 1 where they came by themselves, and greater where they came together; it is of C(degrees).
    """

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
    """Judge a count or a rate: by its bounds, and against its baseline."""
    metric, rule = evidence.metric, evidence.metric.rule
    ours, theirs = tally(evidence.canary), tally(evidence.baseline)
    if not ours.exposure:
        return _nothing(evidence, terms, "the group")
    compares = evidence.compared and rule.compares
    bounded = metric.bounded
    error = terms.error * (HALF if compares and bounded else 1.0)
    if bounded:
        level = normal_tail(boundary(error, terms.fraction, two_sided=False, looks=terms.looks))
        breach = _breach(evidence, ours, level)
        if breach:
            return Opinion(FAIL, breach, "bounds")
    words = _words(evidence, ours)
    if not compares:
        return (
            Opinion(PASS, words, "bounds") if terms.final else Opinion(PENDING, f"so far {words}", "bounds")
        )
    if not theirs.exposure:
        return _nothing(evidence, terms, "the baseline")
    words = _words(evidence, ours, theirs)
    level = normal_tail(
        boundary(error, terms.fraction, two_sided=rule.direction == EITHER, looks=terms.looks)
    )
    way = _differs(evidence, ours, theirs, level)
    if way:
        return Opinion(
            FAIL, f"{way} than the baseline: {words}", "counts", shift=_shift(evidence, ours, theirs)
        )
    if not terms.final:
        return Opinion(PENDING, f"no difference so far: {words}", "counts")
    burst = _burst(evidence, level)
    if burst is not None:
        verdict, reason = burst
        return Opinion(verdict, f"{reason}: {words}", "counts", shift=_shift(evidence, ours, theirs))
    return Opinion(
        PASS, f"no difference that counts: {words}", "counts", shift=_shift(evidence, ours, theirs)
    )


def _nothing(evidence: Evidence, terms: Terms, whose: str) -> Opinion:
    if not terms.final:
        return Opinion(PENDING, "nothing to judge so far", "counts")
    side = evidence.canary if whose == "the group" else evidence.baseline
    if any(one.counts for one in side):
        what = "requests" if evidence.metric.kind == RATE else "exposure"
        return Opinion(INCONCLUSIVE, f"{whose} had no {what}, so that there is nothing to judge", "counts")
    errors = "; ".join(sorted({one.error for one in side if one.error}))
    return Opinion(
        terms.on_no_data,
        errors or f"no datapoint of {whose} at all. Check namespace, metric name, dimensions and unit",
        "no-data",
    )


def _breach(evidence: Evidence, ours: Tally, level: float) -> str:
    """Words where a rate is beyond its bound even at the near end of its confidence interval; else empty."""
    metric = evidence.metric
    shares = metric.kind == RATE
    unit = 100.0 if shares else 1.0
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


def _shift(evidence: Evidence, ours: Tally, theirs: Tally) -> float:
    return (100.0 if evidence.metric.kind == RATE else 1.0) * (ours.rate - theirs.rate)


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
