# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary's values by how many of the baseline's standard deviations they are off. Pure.

The risk is high from 5 standard deviations or half of the points on, medium from 4 or a quarter of the points on,
as the guide's product documents it.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .bounds import alone, ignored, reference_of
from .datapoints import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    PENDING,
    Evidence,
    Opinion,
    Series,
    Terms,
    clock_time,
    values_of,
)
from .metrics import number
from .rules import DECREASE, INCREASE
from .statistics import median

HIGH, MEDIUM, LOW = "high", "medium", "low"
# In standard deviations: a point that is farther off deviates, or is of medium or of high risk.
DEVIATES, MEDIUM_DEVIATION, HIGH_DEVIATION = 3.0, 4.0, 5.0
# Shares of a publisher's points that deviate.
MEDIUM_SHARE, HIGH_SHARE = 0.25, 0.5
VERY_SENSITIVE = "very"
# The standard deviation of fewer points is too uncertain: the chance that one of as few lies 5 of it off by
# accident is more than 1 in 1,000 (Student's t with 9 degrees of freedom: 0.0007).
LEAST_BASELINE = 10


@dataclass(frozen=True)
class _Risk:
    """The risk that one publisher is, and the figures it follows from."""

    series: Series
    level: str
    farthest: float
    moment: float
    deviating: int
    total: int


def deviation_opinion(evidence: Evidence, terms: Terms) -> Opinion:
    """Judge by deviation; both sides have datapoints."""
    theirs = values_of(evidence.baseline)
    if len(theirs) < LEAST_BASELINE:
        if not terms.final:
            return Opinion(PENDING, "too few datapoints of the baseline so far", "deviation")
        factor = math.ceil(LEAST_BASELINE / len(theirs))
        return Opinion(
            INCONCLUSIVE,
            f"{len(theirs)} datapoints of the baseline do not tell how much it varies; at least {LEAST_BASELINE} are"
            f" needed: watch {factor} times as long, with a shorter period (detailed monitoring), or with more"
            " instances",
            "deviation",
        )
    mean = math.fsum(theirs) / len(theirs)
    sigma = math.sqrt(math.fsum((value - mean) ** 2 for value in theirs) / (len(theirs) - 1))
    if sigma <= 1e-12 * max(map(abs, theirs)):
        sigma = 0.0
    risks = [_risk(evidence, series, mean, sigma, terms) for series in evidence.canary if series.points]
    shift = median(values_of(evidence.canary)) - median(theirs)
    failing = {HIGH, MEDIUM} if terms.sensitivity == VERY_SENSITIVE else {HIGH}
    guilty = [risk for risk in risks if risk.level in failing]
    if guilty:
        worst = max(guilty, key=lambda risk: (risk.level == HIGH, risk.farthest))
        words = _words(evidence, worst, sigma)
        words += alone(evidence, [risk.series for risk in guilty], "do not deviate so")
        return Opinion(FAIL, words, "deviation", shift=shift)
    if not terms.final:
        return Opinion(PENDING, "no deviation so far that fails", "deviation", shift=shift)
    worst = max(risks, key=lambda risk: (risk.level == MEDIUM, risk.farthest))
    return Opinion(PASS, _words(evidence, worst, sigma), "deviation", shift=shift)


def _risk(evidence: Evidence, series: Series, mean: float, sigma: float, terms: Terms) -> _Risk:
    rule = evidence.metric.rule
    margin = rule.allowed_effect * abs(mean)
    reference = reference_of(evidence)
    deviations = []
    for moment, value in series.points:
        off = {INCREASE: value - mean, DECREASE: mean - value}.get(rule.direction, abs(value - mean)) - margin
        if off <= 1e-12 * abs(mean) or ignored(rule, value, reference(moment)):
            off = 0.0
        deviations.append((off / sigma if sigma else math.inf if off else 0.0, moment))
    # While more are to come, the share is of all that there will be: it can only be certain to reach it.
    total = len(deviations) if terms.final else math.ceil(len(deviations) / terms.fraction)
    needed = evidence.metric.datapoints_to_fail
    ordered = sorted(deviations, reverse=True)
    # The n-th farthest: so many points of a publisher are at least as far off.
    farthest, moment = ordered[min(needed, len(ordered)) - 1] if len(ordered) >= needed else (0.0, 0.0)
    deviating = sum(off > DEVIATES for off, __ in deviations)
    share = deviating / total if total >= needed else 0.0
    if farthest >= HIGH_DEVIATION or share >= HIGH_SHARE:
        level = HIGH
    elif farthest >= MEDIUM_DEVIATION or share >= MEDIUM_SHARE:
        level = MEDIUM
    else:
        level = LOW
    return _Risk(series, level, farthest, moment, deviating, total)


def _words(evidence: Evidence, risk: _Risk, sigma: float) -> str:
    if not sigma and risk.farthest:
        far = "differs from a baseline that never varied"
    elif risk.farthest:
        far = f"is up to {number(risk.farthest)} standard deviations ({number(sigma)}) off the baseline"
    else:
        far = "does not deviate from the baseline in the bad direction"
    when = f" at {clock_time(risk.moment, evidence.metric.period)}" if risk.farthest else ""
    return (
        f"{risk.level} risk: {risk.series.member} {far}{when}, and {risk.deviating} of {risk.total} datapoints are"
        f" more than {number(DEVIATES)} off"
    )
