# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step that judges again what a report says was judged, by other options, and shows both verdicts side by side.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import InvalidInput
from ..core.passes import Decision, Done, Event, Tell
from ..core.progress import Progress
from ..judging.datapoints import INCONCLUSIVE, NOT_APPLICABLE, PASS, PENDING, Evidence, Finding, clock_time
from ..judging.judge import Judgement
from ..judging.metrics import LEVEL, Metric, number
from ..sources.secret_options import without_secrets
from ..verification.replay import Known, as_result, replay, series_of_result
from ..verification.settings import PREVIOUS, Settings, read_settings
from ..verification.verify import VerdictNotPassed
from .details import hide_options
from .record import table

COLUMNS = ("", "then", "now")
# What makes a metric's data what they are; a report has no others.
OF_THE_DATA = ("queries", "expression", "period", "fill", "publisher")


@dataclass(frozen=True)
class OptionReader:
    """How options are read as a play has them: C(settings) of a verification for a group, and the C(defaults)."""

    settings: Callable[[Mapping[str, Any], str], Settings]
    defaults: Mapping[str, Any]


@dataclass(frozen=True)
class Judged:
    """What a report has of the verification of one phase, and by what C(settings) it was judged."""

    name: str
    written: Mapping[str, Any]
    settings: Settings

    @property
    def start(self) -> float:
        """When its window began, in epoch seconds."""
        return float(self.written["window"]["start"])

    def evidence(self, metric: Metric) -> Evidence:
        """What was known of a metric."""
        baseline = self.written["baseline"]

        def of(several: Sequence[Mapping[str, Any]], side: str) -> tuple[Any, ...]:
            return tuple(
                series_of_result(one)
                for one in several
                if one["metric"] == metric.name and one["side"] == side
            )

        theirs = of(self.written["series"], "baseline")
        nothing = baseline["nothing"]
        if metric.rule.uses_baseline and not theirs and not nothing:
            nothing = "the report has no baseline of it"
        return Evidence(
            metric,
            of(self.written["series"], "canary"),
            theirs,
            nothing_to_compare=nothing,
            same_time=baseline["strategy"] != PREVIOUS,
            history=of(self.written["history"], "history"),
        )


def read_report(text: str, where: str, phase: str | None) -> tuple[str, Mapping[str, Any]]:
    """Find the verification of a phase in a report, by default the last one that has one: its name, and what it has.

    Raises:
        InvalidInput: it is no report, or has no such verification.
    """
    try:
        report = json.loads(text)
        phases = {
            str(one.get("name") or number_ + 1): one["verification"]
            for number_, one in enumerate(report["phases"])
            if one.get("verification")
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInput(
            [f"judge_from {where} is no report as canary_report writes it to a file that ends in .json"]
        ) from error
    if not phases:
        raise InvalidInput([f"judge_from {where} has no verification of any phase"])
    name = phase or list(phases)[-1]
    if name not in phases:
        raise InvalidInput(
            [f"judge_from {where} has no verification of a phase {name}; it has {', '.join(phases)}"]
        )
    if not phases[name].get("options"):
        raise InvalidInput(
            [
                f"judge_from {where} does not hold by what options {name} was judged, as an earlier version wrote it;"
                " judge the same minutes by start and end"
            ]
        )
    return name, phases[name]


class WhatIf:
    """Judges what a report holds, at once and without asking AWS anything."""

    keeps = Progress
    state = ""
    takes = 0.0

    def __init__(
        self, text: str, where: str, phase: str | None, given: Mapping[str, Any], reader: OptionReader
    ) -> None:
        """Read a report's C(text), of the file C(where).

        C(given) are the options of now. Where they have metrics or alarms they are all that counts; else they are those
        of then, but for what differs from the default.

        Raises:
            InvalidInput: with all that the report cannot be judged by.
        """
        name, written = read_report(text, where, phase)
        # A report has no secrets, and nothing is asked with them here.
        given = hide_options(without_secrets(given))
        self.subject = name
        self.attempted = f"judge {name} of {where} again"
        group = str(given.get("group") or name)
        window = {key: written["window"][key] for key in ("start", "end")}
        then = {**written["options"], **window}
        self._then = Judged(name, written, reader.settings(then, group))
        if given.get("metrics") or given.get("alarms"):
            self._settings = read_settings({**given, **window, "group": group})
        else:
            changed = {
                key: value
                for key, value in given.items()
                if key in reader.defaults and value not in (None, reader.defaults[key])
            }
            self._settings = reader.settings({**then, **changed, **window}, group)
        problems = [
            f"metric {metric.name!r}: {words}"
            for metric in self._settings.metrics
            if (words := _problem(metric, self._then))
        ]
        if problems:
            raise InvalidInput(problems)

    def preview(self) -> Mapping[str, Any]:
        """Nothing: it never decides on a change."""
        return {}

    def look(self, progress: Progress, tell: Tell) -> Decision:
        """Judge it, and show then and now.

        Raises:
            VerdictNotPassed: the verdict now is no pass.
        """
        then, settings = self._then, self._settings
        evidence = tuple(then.evidence(metric) for metric in settings.metrics)
        judgement, known, moment = self._judge(evidence)
        for line in side_by_side(then.written, judgement):
            tell(Event("verdict", self.subject, line))
        result = {
            "verdict": judgement.verdict,
            "score": judgement.score,
            "metrics": [finding.as_result() for finding in judgement.findings],
            **as_result(known.evidence),
            "window": {"start": then.start, "end": then.written["window"]["end"], "judged_at": moment},
            "baseline": then.written["baseline"],
            "plan": [],
            "then": {name: then.written[name] for name in ("verdict", "score", "metrics")},
        }
        if judgement.verdict == PASS:
            return Done(result)
        reasons = "; ".join(judgement.reasons) or f"the score of {number(judgement.score)} is not enough"
        raise VerdictNotPassed(
            self.attempted, answer=f"verdict {judgement.verdict}: {reasons}", result=result
        )

    def _alarms(self) -> list[Finding]:
        """Alarms as they were found then."""
        found = {str(one["name"]): one for one in self._then.written["metrics"] if one.get("kind") == "alarm"}
        words = "the report does not have it"
        return [
            Finding(
                name,
                str(found[name]["verdict"]) if name in found else NOT_APPLICABLE,
                str(found[name]["reason"]) if name in found else words,
                kind="alarm",
                rule="alarm",
            )
            for name in self._settings.alarms
        ]

    def _judge(self, evidence: tuple[Evidence, ...]) -> tuple[Judgement, Known, float]:
        """Judge it look by look.

        A verification that failed before its end left no data for a verdict that needs all of them.
        """
        settings, start, alarms = self._settings, self._then.start, self._alarms()
        ends = {one.metric.name: float(settings.window(one.metric, start)[1]) for one in evidence}
        reached = {
            one.metric.name: max((series.end for series in one.canary), default=start) for one in evidence
        }
        if all(reached[name] >= end for name, end in ends.items()):
            return replay(settings, Known(evidence, ends, True), start, alarms)
        last = max(reached[metric.name] + settings.delay_of(metric) for metric in settings.metrics)
        judgement, known, moment = replay(settings, Known(evidence, reached), start, alarms, last)
        if judgement.verdict != PENDING:
            return judgement, known, moment
        words = (
            f"the report has data up to {clock_time(max(reached.values()), 1)}, when it was decided then; by these"
            " options it would not have been decided yet"
        )
        findings = tuple(
            replace(one, verdict=INCONCLUSIVE, reason=f"{words}: {one.reason}")
            if one.verdict == PENDING
            else one
            for one in judgement.findings
        )
        return Judgement(INCONCLUSIVE, judgement.score, findings), known, moment


def _problem(metric: Metric, then: Judged) -> str:
    """Say why a report's data cannot be judged as a metric; empty where they can."""
    judged = next((one for one in then.settings.metrics if one.name == metric.name), None)
    if judged is None:
        known = ", ".join(one.name for one in then.settings.metrics)
        return f"the report has no data of it; it has {known}"
    for name in OF_THE_DATA:
        if getattr(metric, name) != getattr(judged, name):
            return f"its data then were of another {name}, and the report has no others"
    if metric.kind != judged.kind and (metric.kind != LEVEL or judged.exposed):
        return f"it was judged as a {judged.kind} then, and the report does not have it as a {metric.kind}"
    return ""


def side_by_side(then: Mapping[str, Any], now: Judgement) -> list[str]:
    """Lines with both verdicts on each metric and on the whole, and the reasons of those that differ."""
    before = {str(one["name"]): one for one in then["metrics"]}
    after = {one.name: one for one in now.findings}
    names = [*after, *(name for name in before if name not in after)]
    rows = [
        (
            name,
            _word(before.get(name, {}).get("verdict")),
            _word(after[name].verdict if name in after else None),
        )
        for name in names
    ]
    rows.append(
        (
            "verdict",
            f"{then['verdict']}, score {number(then['score'])}",
            f"{now.verdict}, score {number(now.score)}",
        )
    )
    lines = table(COLUMNS, rows)
    for name, was, is_ in rows[:-1]:
        if was != is_:
            lines += [f"{name} then: {before[name]['reason']}"] if name in before else []
            lines += [f"{name} now: {after[name].reason}"] if name in after else []
    return lines


def _word(verdict: Any) -> str:
    return "not judged" if verdict in (None, PENDING) else str(verdict).replace("_", " ")
