# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From data to a verdict, and the reasons in words. Pure: the same data, the same verdict.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .bounds import bounds_opinion, fail_fast_opinion, missing_data, within
from .comparison import shift_opinion
from .counts import counts_opinion
from .datapoints import (
    FAIL,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    PASS,
    PENDING,
    Evidence,
    Finding,
    Opinion,
    Terms,
    clock_time,
    values_of,
)
from .deviation import deviation_opinion
from .instance_comparison import ADVICE, compares_instances, instance_opinion, one_against_one
from .metrics import LEVEL, number
from .rules import BOTH, DEVIATION, TAIL
from .statistics import median
from .tails import tail_opinion

EVERYTHING_IS_THERE = Terms()


@dataclass(frozen=True)
class Scoring:
    """How findings add up. Scores are from 0 to 100.

    C(group_weights) are the groups' shares in percent; groups without one share what is left of 100 equally.
    From C(pass_score) on it is a pass, from C(marginal_score) on (None: the same) it is inconclusive.
    """

    pass_score: float = 100.0
    marginal_score: float | None = None
    group_weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def least(self) -> float:
        """The score below which it is a failure."""
        return self.pass_score if self.marginal_score is None else self.marginal_score


@dataclass(frozen=True)
class Judgement:
    """The verdict on all metrics and alarms together; C(score) is from 0 to 100."""

    verdict: str
    score: float
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> list[str]:
        """Why it is not a pass: a sentence for each finding that stands in its way."""
        return [
            f"{finding.name}: {finding.reason}"
            for finding in self.findings
            if finding.verdict in (FAIL, INCONCLUSIVE) and not finding.muted
        ]


@dataclass(frozen=True)
class AlarmReading:
    """What is known of an alarm: its state now, since when (epoch seconds) and CloudWatch's reason."""

    name: str
    state: str
    since: float = 0.0
    reason: str = ""


def judge(findings: Sequence[Finding], scoring: Scoring = Scoring()) -> Judgement:
    """Weigh the findings: the verdict is certain as soon as nothing that is still open can change it.

    A critical metric that fails brings the score to 0. What is inconclusive, or still to come, is counted both
    ways: only where both give the same is that the verdict.
    """
    heard = [finding for finding in findings if finding.counts]
    open_ones = [finding for finding in heard if finding.verdict == PENDING]
    best = score_of(heard, {PASS, PENDING, INCONCLUSIVE}, scoring.group_weights)
    worst = score_of(heard, {PASS}, scoring.group_weights)
    shown = score_of(heard, {PASS, PENDING}, scoring.group_weights)
    if any(finding.verdict == FAIL and (finding.critical or finding.fatal) for finding in heard):
        return Judgement(FAIL, 0.0, tuple(findings))
    undecided = any(finding.verdict == INCONCLUSIVE and finding.critical for finding in heard)
    if not findings:
        return Judgement(INCONCLUSIVE, 0.0, ())
    if heard and best < scoring.least:
        verdict = FAIL
    elif open_ones or any(finding.verdict == PENDING for finding in findings):
        verdict = PENDING
    elif not heard or (worst >= scoring.pass_score and not undecided):
        verdict = PASS
    else:
        verdict = INCONCLUSIVE
    return Judgement(verdict, round(shown, 2), tuple(findings))


def score_of(findings: Sequence[Finding], good: set[str], group_weights: Mapping[str, float]) -> float:
    """The groups' shares of good metrics, weighted, from 0 to 100; 100 where nothing counts."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.group, []).append(finding)
    given = {name: group_weights[name] for name in groups if name in group_weights}
    without = len(groups) - len(given)
    left = max(0.0, 100.0 - sum(given.values())) / without if without else 0.0
    weights = {name: given.get(name, left) for name in groups}
    total = sum(weights.values())
    if not groups:
        return 100.0
    if not total:
        # Every group that is left weighs nothing: then all weigh the same.
        weights, total = dict.fromkeys(groups, 1.0), float(len(groups))
    return sum(weights[name] / total * _share(members, good) for name, members in groups.items())


def _share(findings: Sequence[Finding], good: set[str]) -> float:
    passed = sum(finding.weight for finding in findings if finding.verdict in good)
    return 100.0 * passed / sum(finding.weight for finding in findings)


def judge_metric(evidence: Evidence, terms: Terms = EVERYTHING_IS_THERE) -> Finding:
    """Judge one metric by all its rules: its bounds, what fails at once, missing data, and its baseline."""
    if evidence.metric.kind != LEVEL:
        return _finding(evidence, fail_fast_opinion(evidence) or counts_opinion(evidence, terms))
    opinion = bounds_opinion(evidence) or fail_fast_opinion(evidence)
    if opinion:
        return _finding(evidence, opinion)
    compared = _compare(evidence, terms)
    if compared and compared.verdict == FAIL:
        return _finding(evidence, compared)
    if not terms.final:
        said = f"; {compared.reason}" if compared else ""
        return _finding(evidence, Opinion(PENDING, f"so far {within(evidence)}{said}", "bounds"))
    return _finding(evidence, _at_the_end(evidence, terms, compared))


def _compare(evidence: Evidence, terms: Terms) -> Opinion | None:
    """What the comparison says; None where there is none, or nothing yet to compare."""
    if not evidence.compared or not values_of(evidence.canary) or not values_of(evidence.baseline):
        return None
    compare = evidence.metric.rule.compare
    if compare == DEVIATION:
        return deviation_opinion(evidence, terms)
    if compare == TAIL:
        return tail_opinion(evidence, terms)
    if compare == BOTH:
        half = replace(terms, error=terms.error / 2)
        level, tail = _of_levels(evidence, half), tail_opinion(evidence, half)
        return min((level, tail), key=lambda one: _WORST_FIRST.index(one.verdict))
    return _of_levels(evidence, terms)


_WORST_FIRST = (FAIL, INCONCLUSIVE, PENDING, PASS)


def _of_levels(evidence: Evidence, terms: Terms) -> Opinion:
    if compares_instances(evidence):
        return instance_opinion(evidence, terms)
    opinion = shift_opinion(evidence, terms)
    if opinion.verdict == FAIL and one_against_one(evidence):
        words = f"{opinion.reason}; whether it is the image or the instance, one against one cannot tell"
        verdict = INCONCLUSIVE if terms.final else PENDING
        return replace(opinion, verdict=verdict, reason=f"{words}: {ADVICE}")
    return opinion


def _at_the_end(evidence: Evidence, terms: Terms, compared: Opinion | None) -> Opinion:
    metric = evidence.metric
    missing = missing_data(metric, evidence.canary, evidence.baseline)
    if missing:
        return Opinion(terms.on_no_data, missing, "no-data")
    if not metric.rule.compares:
        return Opinion(PASS, within(evidence), "bounds")
    if evidence.nothing_to_compare:
        limits = metric.bounded or metric.rule.has_limit
        words = f"{evidence.nothing_to_compare}, so it was not compared; {within(evidence)}"
        return Opinion(PASS if limits else NOT_APPLICABLE, words, "bounds" if limits else "not-applicable")
    missing = missing_data(metric, evidence.baseline, steady=False)
    if missing or compared is None:
        words = f"nothing to compare with, of the baseline there is {missing or 'nothing'}"
        return Opinion(terms.on_no_data, words, "no-data")
    return compared


def judge_alarm(alarm: AlarmReading, *, final: bool, on_no_data: str = FAIL) -> Finding:
    """Judge one alarm by its state."""
    words = f"in state {alarm.state}" + (f" since {clock_time(alarm.since)}" if alarm.since else "")
    if alarm.reason:
        words += f": {alarm.reason}"
    if alarm.state == "ALARM":
        verdict = FAIL
    elif not final:
        verdict = PENDING
    elif alarm.state == "OK":
        verdict, words = PASS, "in state OK"
    else:
        verdict = on_no_data
        words += "; an alarm without data says nothing about health"
    return Finding(name=alarm.name, verdict=verdict, reason=words, kind="alarm", rule="alarm")


def _finding(evidence: Evidence, opinion: Opinion) -> Finding:
    """Put the figures and the metric's place in the whole beside an opinion."""
    metric, rule = evidence.metric, evidence.metric.rule
    ours, theirs = values_of(evidence.canary), values_of(evidence.baseline)
    middle, control = (median(values) if values else None for values in (ours, theirs))
    shift = opinion.shift
    if shift is None and middle is not None and control is not None:
        shift = middle - control
    whole = opinion.control if opinion.control is not None else control
    effect = shift / abs(whole) if shift is not None and whole else None
    finding = Finding(
        name=metric.name,
        verdict=opinion.verdict,
        reason=opinion.reason,
        rule=opinion.rule,
        n=len(ours),
        n_baseline=len(theirs),
        baseline=control,
        canary=middle,
        shift=shift,
        low=opinion.low,
        high=opinion.high,
        effect=effect,
        cles=opinion.cles,
        group=rule.group,
        weight=rule.weight,
        critical=rule.critical,
        muted=rule.muted,
        minimum=metric.minimum,
        maximum=metric.maximum,
        fatal=opinion.fatal,
    )
    critical_effect = rule.critical_effect
    compared = opinion.verdict == FAIL and opinion.rule in ("shift", "deviation", "counts")
    if compared and critical_effect is not None and abs(effect or 0.0) >= critical_effect:
        words = f"; {number(100 * critical_effect)} % and more are critical"
        finding = replace(finding, fatal=True, reason=finding.reason + words)
    return finding
