# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step of verification: gathers data as time passes, judges them, and waits for more.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws.cloudwatch import AlarmState, CloudWatch
from ..core.errors import VerificationFailed
from ..core.naming import baseline_name, short_name
from ..core.passes import Ask, Clock, Decision, Done, Event, Tell, Wait
from ..judging import judge
from ..judging.datapoints import (
    FAIL,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    PASS,
    PENDING,
    Evidence,
    Finding,
    clock_time,
)
from ..judging.judge import AlarmReading, Judgement
from ..judging.metrics import Metric, number
from .baseline import Observer, Surroundings, VerificationProgress
from .checks import Preparation
from .publishers import Subject
from .reading import Reading
from .replay import Known, as_result, judge_known, replay
from .settings import ASK, PATIENCE, PREVIOUS, Settings, length
from .settling import changes_in_words, settle

# So many metrics have room in a line of progress.
METRICS_IN_A_LINE = 4


class VerdictNotPassed(VerificationFailed):
    """The verdict was not a pass; C(result) is what the module returns of it."""

    def __init__(
        self, attempted: str, *, answer: str, result: Mapping[str, Any], advice: str | None = None
    ) -> None:
        """Keep the verdict beside the words."""
        self.result = dict(result)
        super().__init__(
            attempted,
            answer=answer,
            state="Verification changed nothing: the group has the instances that it had",
            advice=advice,
        )


@dataclass(frozen=True)
class _Look(Known):
    """What one look found, with the states of the alarms."""

    alarms: tuple[AlarmReading, ...] = ()


class Verification:
    """Judges a group for as long as its settings say; fails as soon as failure is certain."""

    keeps = VerificationProgress

    def __init__(
        self,
        settings: Settings,
        cloudwatch: CloudWatch,
        surroundings: Surroundings,
        clock: Clock,
        *,
        check_mode: bool = False,
    ) -> None:
        """Nothing is asked of AWS yet. In C(check_mode) the group need not exist, and nothing is waited for."""
        self.attempted = f"verify group {settings.group}"
        self.subject = short_name(settings.group)
        self.state = ""
        self.takes = settings.longest_wait
        self._settings = settings
        self._cloudwatch = cloudwatch
        self._surroundings = surroundings
        self._observer = Observer(settings, surroundings)
        self._reading = Reading(settings, cloudwatch, surroundings)
        self._clock = clock
        self._check_mode = check_mode
        self._plan: tuple[str, ...] = ()
        self._latest: Callable[[], dict[str, Any]] = dict

    def preview(self) -> Mapping[str, Any]:
        """What would be judged."""
        return {"plan": list(self._plan)}

    def so_far(self) -> Mapping[str, Any]:
        """What the latest look has found, as it is returned at the end; nothing before there are data."""
        return self._latest()

    def look(self, progress: VerificationProgress, tell: Tell) -> Decision:
        """See what CloudWatch knows by now, and judge it.

        Where its progress is lost, the window begins anew.

        Raises:
            InvalidInput: at the first look, for what AWS does not know or refuses.
            VerdictNotPassed: failure is certain, or the verdict at the end is not a pass.
        """
        now = self._clock.now()
        settings = self._settings
        if not self._check_mode and not settings.retrospective:
            upkeep = self._surroundings.upkeep(settings.group, progress, self.attempted)
            if upkeep:
                return upkeep
            # Metrics that look well do not excuse a group that loses its instances.
            if progress.concluded is None:
                self._surroundings.watch(settings.group, progress, tell, self.attempted)
        if progress.concluded is not None:
            return self._end(progress.concluded, progress)
        if progress.window is None:
            start = settings.start if settings.start is not None else now + settings.warmup
            baseline, planned = Preparation(
                settings, self._cloudwatch, self._surroundings, check_mode=self._check_mode
            ).prepare(start, now)
            self._plan = planned.plan
            for warning in planned.warnings:
                self._tell(tell, "warning", warning)
            if self._check_mode:
                for sentence in planned.plan:
                    self._tell(tell, "plan", sentence)
                return Wait(("the deployment",))
            progress.window, progress.baseline, progress.plan = start, baseline, list(planned.plan)
            progress.watching = settings.last_data(start)
            if settings.retrospective:
                self._tell(tell, "plan", self._introduction(start))
                return self._judge_the_past(progress, tell)
            self._observe(progress, now)
            progress.next_look = min(settings.first_look(start), settings.last_data(start))
            self._tell(tell, "plan", self._introduction(start))
        if now < progress.next_look:
            return Wait((self._still_missing(progress.begin, now),))
        look = self._look(progress, now, tell)
        judgement = self._judge(look, progress.begin)
        self._tell_progress(progress, look, tell)
        self._latest = lambda: self._result(judgement, look, progress, now)
        if judgement.verdict == PENDING:
            progress.next_look = settings.next_look(progress.begin, now)
            return Wait((self._still_missing(progress.begin, now),))
        return self._conclude(judgement, look, progress, now, tell)

    # What it waits for

    def _introduction(self, start: float) -> str:
        judged = [metric.name for metric in self._settings.metrics]
        judged += [f"alarm {name}" for name in self._settings.alarms]
        warmup = 0.0 if self._settings.retrospective else self._settings.warmup
        return (
            f"judging {', '.join(judged)} for {length(self._settings.duration)} from {clock_time(start, 1)}"
            + (f", after {length(warmup)} of warm-up" if warmup else "")
        )

    def _still_missing(self, start: float, now: float) -> str:
        if now < start:
            return f"the end of the warm-up at {clock_time(start, 1)}"
        if now < self._settings.last_data(start):
            return f"data up to {clock_time(self._settings.last_data(start), 1)}"
        return "data that are late, or that CloudWatch is still completing"

    # A look

    def _observe(self, progress: VerificationProgress, now: float) -> tuple[Subject, list[Subject]]:
        group = self._surroundings.group(self._settings.group)
        if group is None:
            raise VerdictNotPassed(
                self.attempted,
                answer="the group is gone while it was being verified",
                result={"verdict": FAIL, "score": 0.0, "metrics": [], "series": []},
            )
        subject = self._observer.subject(group, progress, now)
        return subject, self._observer.controls(progress.baseline, progress, now)

    def _look(self, progress: VerificationProgress, now: float, tell: Tell) -> _Look:
        start = progress.begin
        baseline = progress.baseline
        if self._settings.retrospective:
            subject = self._observer.in_the_past(self._settings.group, start)
            controls = self._observer.controls(baseline, VerificationProgress(), now)
        else:
            subject, controls = self._observe(progress, now)
        evidence = self._reading.evidence(subject, controls, baseline, start, now)
        if self._settings.retrospective:
            return _Look(evidence, {one.name: end for one, end in self._ends(start)}, True)
        settled = [settle(self._settings, one, progress.readings, start, now) for one in evidence]
        for words in changes_in_words([words for one in settled for words in one.changed]):
            self._tell(tell, "health", words)
        evidence = tuple(one.evidence for one in settled)
        until = {one.evidence.metric.name: one.until for one in settled}
        # What is not complete at the end is read once more.
        complete = all(until[metric.name] >= end for metric, end in self._ends(start))
        final = complete and self._final(evidence, start, now)
        return _Look(evidence, until, final, self._alarms(start, now))

    def _ends(self, start: float) -> list[tuple[Metric, float]]:
        return [(metric, self._settings.window(metric, start)[1]) for metric in self._settings.metrics]

    def _final(self, evidence: Sequence[Evidence], start: float, now: float) -> bool:
        """Whether no more data are to be expected."""
        if now < self._settings.last_data(start):
            return False
        late = any(
            series.end > series.start
            and (not series.points or series.points[-1][0] + one.metric.period < series.end)
            for one in evidence
            for series in (*one.canary, *(one.baseline if one.same_time else ()))
        )
        return not late or now >= self._settings.last_data(start, PATIENCE)

    def _alarms(self, start: float, now: float) -> tuple[AlarmReading, ...]:
        if not self._settings.alarms or now < start:
            return ()
        states = self._cloudwatch.alarms(self._settings.alarms)
        gone = {"state": "INSUFFICIENT_DATA", "since": 0.0, "reason": "the alarm no longer exists"}
        return tuple(
            _reading(states[name]) if name in states else AlarmReading(name, **gone)  # type: ignore[arg-type]
            for name in self._settings.alarms
        )

    # The verdict

    def _judge(self, look: _Look, start: float) -> Judgement:
        settings = self._settings
        findings = [
            judge.judge_alarm(alarm, final=look.final, on_no_data=settings.on_no_data)
            for alarm in look.alarms
        ]
        return judge_known(settings, look, start, findings)

    def _judge_the_past(self, progress: VerificationProgress, tell: Tell) -> Decision:
        """Judge old data as they would have been judged when they came: look by look, until it was certain."""
        settings, start = self._settings, progress.begin
        # Everything there will be is there.
        everything = self._look(progress, settings.last_data(start), tell)
        words = "only its state now could be read, so it was not judged"
        alarms = [
            Finding(name, NOT_APPLICABLE, words, kind="alarm", rule="alarm") for name in settings.alarms
        ]
        judgement, known, moment = replay(settings, everything, start, alarms)
        return self._conclude(judgement, known, progress, moment, tell)

    def _conclude(
        self,
        judgement: Judgement,
        look: Known,
        progress: VerificationProgress,
        now: float,
        tell: Tell,
    ) -> Decision:
        for finding in judgement.findings:
            self._tell(tell, "verdict", f"{finding.name}: {_verdict_word(finding)}, {finding.reason}")
        self._tell(tell, "verdict", f"verdict {judgement.verdict}, score {number(judgement.score)}")
        result = self._result(judgement, look, progress, now)
        passed = judgement.verdict == PASS
        tolerated = judgement.verdict == INCONCLUSIVE and self._settings.on_inconclusive != "fail"
        if passed or tolerated:
            progress.concluded = result
            return self._end(result, progress)
        reasons = "; ".join(judgement.reasons) or f"the score of {number(judgement.score)} is not enough"
        raise VerdictNotPassed(
            self.attempted,
            answer=f"verdict {judgement.verdict}: {reasons}",
            result=result,
        )

    def _result(
        self, judgement: Judgement, look: Known, progress: VerificationProgress, now: float
    ) -> dict[str, Any]:
        """A judgement as the module returns it."""
        start = progress.begin
        return {
            "verdict": judgement.verdict,
            "score": judgement.score,
            "metrics": [finding.as_result() for finding in judgement.findings],
            **as_result(look.evidence),
            "window": {"start": start, "end": start + self._settings.duration, "judged_at": now},
            "baseline": {
                "groups": list(progress.baseline.groups),
                "strategy": self._strategy(progress),
                "nothing": progress.baseline.nothing,
            },
            "plan": progress.plan,
        }

    def _end(self, result: dict[str, Any], progress: VerificationProgress) -> Decision:
        """What is left once the verdict is there: a person to be asked, and the journal to be told."""
        if self._settings.retrospective:
            return Done(result)
        if result["verdict"] == INCONCLUSIVE and self._settings.on_inconclusive == ASK:
            if progress.answer is None:
                return Ask(f"{self.subject}: the verdict is inconclusive. Type yes to go on all the same")
            if progress.answer.lower() != "yes":
                raise VerdictNotPassed(
                    self.attempted,
                    answer="the verdict was inconclusive, and nobody said yes to going on",
                    result=result,
                )
        name = self._settings.group
        # First that it has passed: whoever goes on without the baseline needs it no more.
        accepted = self._surroundings.accept(name, self.attempted)
        if accepted is None and baseline_name(name) in progress.baseline.groups:
            accepted = self._surroundings.end_baseline(name, progress)
        return accepted or Done(result)

    def _strategy(self, progress: VerificationProgress) -> str:
        if progress.baseline.nothing:
            return "none"
        return "canary" if progress.baseline.same_time else PREVIOUS

    # What it says

    def _tell(self, tell: Tell, kind: str, text: str) -> None:
        tell(Event(kind, short_name(self._settings.group), text))

    def _tell_progress(self, progress: VerificationProgress, look: _Look, tell: Tell) -> None:
        if not look.evidence:
            return
        finest = min(self._settings.metrics, key=lambda metric: metric.period)
        first, end = self._settings.window(finest, progress.begin)
        reached = (look.until[finest.name] - first) // finest.period
        if reached <= progress.periods_told:
            return
        progress.periods_told = reached
        unit = "minute" if finest.period == 60 else "period"
        parts = [_latest(evidence) for evidence in look.evidence[:METRICS_IN_A_LINE]]
        if len(look.evidence) > METRICS_IN_A_LINE:
            parts.append(f"{len(look.evidence) - METRICS_IN_A_LINE} more")
        self._tell(
            tell,
            "health",
            f"data of {unit} {reached:.0f} of {(end - first) // finest.period}: {', '.join(parts)}",
        )


def _verdict_word(finding: Finding) -> str:
    words = {PENDING: "not judged to the end", NOT_APPLICABLE: "not applicable"}
    word = words.get(finding.verdict, finding.verdict)
    return f"{word} (muted)" if finding.muted else word


def _reading(state: AlarmState) -> AlarmReading:
    return AlarmReading(state.name, state.state, state.since, state.reason)


def _latest(evidence: Evidence) -> str:
    """The newest value of a metric: C(cpu 41.2); of several instances, the one farthest up."""
    newest = [series.points[-1] for series in evidence.canary if series.points]
    if not newest:
        return f"{evidence.metric.name} no data yet"
    moment = max(when for when, __ in newest)
    values = [value for when, value in newest if when == moment]
    low, high = number(min(values)), number(max(values))
    return f"{evidence.metric.name} {low}" + (f" to {high}" if high != low else "")
