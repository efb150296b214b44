# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step of verification: gathers data as time passes, judges them, and waits for more.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from . import judge
from .cloudwatch import AlarmState, CloudWatch, Request, TimeSeries
from .errors import InvalidInput, VerificationFailed
from .gathering import Member, Presence, Subject, members, series_of
from .judge import AlarmReading, Evidence, Finding, Judgement, Series, clock_time
from .metrics import Metric, number
from .model import Group
from .naming import short_name
from .passes import Change, Clock, Decision, Done, Event, Wait
from .verification import PATIENCE, Settings, length

# So many metrics have room in a line of progress.
METRICS_IN_A_LINE = 4


class Surroundings(Protocol):
    """What verification needs to know of groups and load balancers."""

    def group(self, name: str) -> Group | None:
        """The group of that name, with its instances; None where there is none."""

    def load_balancers(self, target_group_arns: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The ARNs of the load balancers behind each target group."""

    def upkeep(self, name: str, progress: dict[str, Any], attempted: str) -> Change | None:
        """Keep the lease of a deployment that this run verifies, if it needs that now."""


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
class _Look:
    """What one look found: each metric's evidence, in order, and the states of the alarms."""

    evidence: tuple[Evidence, ...]
    alarms: tuple[AlarmReading, ...]
    final: bool


class Verification:
    """Judges a group for as long as its settings say; fails as soon as failure is certain."""

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
        self._clock = clock
        self._check_mode = check_mode

    def preview(self) -> Mapping[str, Any]:
        """What would be judged."""
        return {
            "plan": [*map(self._plan_of, self._settings.metrics), *map(_plan_of_alarm, self._settings.alarms)]
        }

    def look(self, progress: dict[str, Any], tell: Callable[[Event], None]) -> Decision:
        """See what CloudWatch knows by now, and judge it.

        C(progress) keeps when the window began, when to look next, and when instances came and went. Without
        it the window begins anew.

        Raises:
            InvalidInput: at the first look, for what AWS does not know or refuses.
            VerdictNotPassed: failure is certain, or the verdict at the end is not a pass.
        """
        now = self._clock.now()
        if not self._check_mode:
            upkeep = self._surroundings.upkeep(self._settings.group, progress, self.attempted)
            if upkeep:
                return upkeep
        if "window" not in progress:
            self._prepare(now)
            if self._check_mode:
                return Wait(("the deployment",))
            progress["window"] = now + self._settings.warmup
            self._observe(progress, now)
            progress["next"] = min(
                self._settings.first_look(progress["window"]), self._settings.end(progress["window"])
            )
            self._tell(tell, "plan", self._introduction(progress["window"]))
        if now < progress["next"]:
            return Wait((self._still_missing(progress["window"], now),))
        look = self._look(progress, now)
        judgement = judge.judge(
            [
                *(
                    judge.judge_metric(evidence, final=look.final, on_no_data=self._settings.on_no_data)
                    for evidence in look.evidence
                ),
                *(
                    judge.judge_alarm(alarm, final=look.final, on_no_data=self._settings.on_no_data)
                    for alarm in look.alarms
                ),
            ]
        )
        self._tell_progress(progress, look, now, tell)
        if judgement.verdict == judge.PENDING:
            progress["next"] = self._settings.next_look(progress["window"], now)
            return Wait((self._still_missing(progress["window"], now),))
        return self._conclude(judgement, look, tell)

    # The first look

    def _prepare(self, now: float) -> None:
        """Refuse what AWS knows better, all at once."""
        group = self._surroundings.group(self._settings.group)
        problems = []
        if group is None and not self._check_mode:
            raise InvalidInput([f"there is no group {self._settings.group} in this region"])
        if group is None or (self._check_mode and not group.in_service):
            subject = _made_up_subject(self._settings.group)
        else:
            subject = self._subject(group, {one.instance_id: Presence(now, now) for one in group.in_service})
        requests, names = [], []
        for metric in self._settings.metrics:
            publishers = members(metric, [subject])
            if not publishers:
                problems.append(f"metric {metric.name!r}: {_lack(metric, subject)}")
            for member in publishers[:1]:
                requests.append(Request(metric.rendered(member.values), *_a_while_ago(metric, now)))
                names.append(metric.name)
        problems += [
            f"metric {names[position]!r}: CloudWatch refuses it: {words}"
            for position, words in sorted(self._cloudwatch.refusal(requests).items())
        ]
        known = self._cloudwatch.alarms(self._settings.alarms)
        problems += [
            f"there is no alarm {name!r} in this region"
            for name in self._settings.alarms
            if name not in known
        ]
        if problems:
            raise InvalidInput(problems)

    def _introduction(self, start: float) -> str:
        judged = [metric.name for metric in self._settings.metrics]
        judged += [f"alarm {name}" for name in self._settings.alarms]
        warmup = self._settings.warmup
        return (
            f"judging {', '.join(judged)} for {length(self._settings.duration)} from {clock_time(start, 1)}"
            + (f", after {length(warmup)} of warm-up" if warmup else "")
        )

    def _plan_of(self, metric: Metric) -> str:
        each = " of each instance" if "instance_id" in metric.placeholders else ""
        periods = int(self._settings.duration // metric.period)
        return (
            f"{metric.name}: {metric.source}{each}, {metric.bounds}, {periods} period{'s' if periods > 1 else ''}"
            f" of {length(metric.period)}"
        )

    def _still_missing(self, start: float, now: float) -> str:
        if now < start:
            return f"the end of the warm-up at {clock_time(start, 1)}"
        if now < self._settings.end(start):
            return f"data up to {clock_time(self._settings.end(start), 1)}"
        return "data that are late"

    # A look

    def _look(self, progress: dict[str, Any], now: float) -> _Look:
        start = progress["window"]
        subject = self._observe(progress, now)
        wanted: list[tuple[Metric, Member, tuple[float, float]]] = []
        for metric in self._settings.metrics:
            window: tuple[float, float] = (
                self._settings.window(metric, start)[0],
                self._settings.judged_until(metric, start, now),
            )
            wanted += [(metric, member, window) for member in members(metric, [subject])]
        asked = [one for one in wanted if one[2][1] > one[2][0]]
        answers = self._cloudwatch.data(
            [Request(metric.rendered(member.values), *window) for metric, member, window in asked]
        )
        found: dict[str, list[Series]] = {metric.name: [] for metric in self._settings.metrics}
        for (metric, member, window), answer in zip(asked, answers, strict=True):
            found[metric.name] += self._series(metric, member, window, answer, start, now)
        evidence = tuple(Evidence(metric, tuple(found[metric.name])) for metric in self._settings.metrics)
        return _Look(evidence, self._alarms(start, now), self._final(evidence, start, now))

    def _series(
        self,
        metric: Metric,
        member: Member,
        window: tuple[float, float],
        answer: Sequence[TimeSeries],
        start: float,
        now: float,
    ) -> Iterator[Series]:
        late = PATIENCE * self._settings.delay_of(metric)
        over = now >= self._settings.end(start)
        filled_until = window[1] if over else now - metric.period - late
        # A request without any data may be answered with no series at all; the member is there all the same.
        for line in answer or (TimeSeries(label=""),):
            yield series_of(
                metric,
                member,
                line.points,
                window,
                label=line.label if len(answer) > 1 else "",
                error=line.error,
                filled_until=filled_until,
            )

    def _final(self, evidence: Sequence[Evidence], start: float, now: float) -> bool:
        """Whether no more data are to be expected."""
        if now < self._settings.end(start):
            return False
        late = any(
            series.end > series.start
            and (not series.points or series.points[-1][0] + one.metric.period < series.end)
            for one in evidence
            for series in one.canary
        )
        return not late or now >= self._settings.end(start, PATIENCE)

    def _alarms(self, start: float, now: float) -> tuple[AlarmReading, ...]:
        if not self._settings.alarms or now < start:
            return ()
        states = self._cloudwatch.alarms(self._settings.alarms)
        gone = {"state": "INSUFFICIENT_DATA", "since": 0.0, "reason": "the alarm no longer exists"}
        return tuple(
            _reading(states[name]) if name in states else AlarmReading(name, **gone)  # type: ignore[arg-type]
            for name in self._settings.alarms
        )

    def _observe(self, progress: dict[str, Any], now: float) -> Subject:
        """See which instances are in service, and remember since when and until when."""
        group = self._surroundings.group(self._settings.group)
        if group is None:
            raise VerdictNotPassed(
                self.attempted,
                answer="the group is gone while it was being verified",
                result={"verdict": judge.FAIL, "score": 0.0, "metrics": [], "series": []},
            )
        seen: dict[str, list[float]] = progress.setdefault("instances", {})
        # One that joins later has a warm-up of its own.
        since = now + self._settings.warmup
        for instance in group.in_service:
            seen.setdefault(instance.instance_id, [since, now])[1] = now
        return self._subject(group, {name: Presence(*times) for name, times in seen.items()})

    def _subject(self, group: Group, instances: Mapping[str, Presence]) -> Subject:
        wanted = any("load_balancer" in metric.placeholders for metric in self._settings.metrics)
        return Subject(
            group=group.name,
            instances=instances,
            target_group_arns=group.target_group_arns,
            load_balancers=(
                self._surroundings.load_balancers(group.target_group_arns)
                if wanted and group.target_group_arns
                else {}
            ),
            load_balancer_names=group.load_balancer_names,
        )

    # What it says

    def _tell(self, tell: Callable[[Event], None], kind: str, text: str) -> None:
        tell(Event(kind, short_name(self._settings.group), text))

    def _tell_progress(
        self, progress: dict[str, Any], look: _Look, now: float, tell: Callable[[Event], None]
    ) -> None:
        if not look.evidence:
            return
        finest = min(self._settings.metrics, key=lambda metric: metric.period)
        first, end = self._settings.window(finest, progress["window"])
        reached = (self._settings.judged_until(finest, progress["window"], now) - first) // finest.period
        if reached <= progress.get("told", 0):
            return
        progress["told"] = reached
        unit = "minute" if finest.period == 60 else "period"
        parts = [_latest(evidence) for evidence in look.evidence[:METRICS_IN_A_LINE]]
        if len(look.evidence) > METRICS_IN_A_LINE:
            parts.append(f"{len(look.evidence) - METRICS_IN_A_LINE} more")
        self._tell(
            tell,
            "health",
            f"data of {unit} {reached} of {(end - first) // finest.period}: {', '.join(parts)}",
        )

    def _conclude(self, judgement: Judgement, look: _Look, tell: Callable[[Event], None]) -> Decision:
        for finding in judgement.findings:
            self._tell(tell, "verdict", f"{finding.name}: {_verdict_word(finding)}, {finding.reason}")
        self._tell(tell, "verdict", f"verdict {judgement.verdict}, score {number(judgement.score)}")
        result = {
            "verdict": judgement.verdict,
            "score": judgement.score,
            "metrics": [finding.as_result() for finding in judgement.findings],
            "series": [
                _series_result(evidence.metric, side, series)
                for evidence in look.evidence
                for side, several in (("canary", evidence.canary), ("baseline", evidence.baseline))
                for series in several
            ],
        }
        passed = judgement.verdict == judge.PASS
        tolerated = judgement.verdict == judge.INCONCLUSIVE and self._settings.on_inconclusive != "fail"
        if passed or tolerated:
            return Done(result)
        raise VerdictNotPassed(
            self.attempted,
            answer=f"verdict {judgement.verdict}: " + "; ".join(judgement.reasons),
            result=result,
        )


def _plan_of_alarm(name: str) -> str:
    return f"alarm {name}: not in state ALARM"


def _verdict_word(finding: Finding) -> str:
    return "not judged to the end" if finding.verdict == judge.PENDING else finding.verdict


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


def _series_result(metric: Metric, side: str, series: Series) -> dict[str, Any]:
    return {
        "metric": metric.name,
        "side": side,
        "member": series.member,
        "group": series.group,
        "instance_id": series.instance_id,
        "period": metric.period,
        "points": [list(point) for point in series.points],
        "error": series.error,
    }


def _made_up_subject(group: str) -> Subject:
    """A stand-in for a group that does not exist yet, for asking CloudWatch whether it understands a query."""
    arn = "arn:aws:elasticloadbalancing:::targetgroup/none/0"
    return Subject(
        group=group,
        instances={"i-00000000000000000": Presence(0.0, 0.0)},
        target_group_arns=(arn,),
        load_balancers={arn: ("arn:aws:elasticloadbalancing:::loadbalancer/app/none/0",)},
        load_balancer_names=("none",),
    )


def _lack(metric: Metric, subject: Subject) -> str:
    """Say what a group lacks that the metric's placeholders stand for."""
    if "instance_id" in metric.placeholders and not subject.instances:
        return f"group {subject.group} has no instance in service"
    if "target_group" in metric.placeholders and not subject.target_group_arns:
        return f"group {subject.group} has no target group"
    return f"group {subject.group} has no load balancer that fits the placeholders and the namespace"


def _a_while_ago(metric: Metric, now: float) -> tuple[float, float]:
    end = int(now // metric.period) * metric.period
    return end - metric.period, end
