# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence becomes a verdict: at one moment, or look by look as it would have when the data came. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..judging import judge
from ..judging.datapoints import PENDING, Evidence, Finding, Series, Terms
from ..judging.judge import Judgement
from ..judging.metrics import Metric
from .settings import Settings

# Old data are judged as they would have been when they came, at so many moments at most.
MOST_REPLAYED_LOOKS = 200


@dataclass(frozen=True)
class Known:
    """What is known at a moment: the evidence of each metric, and until when each is judged, by its name (seconds)."""

    evidence: tuple[Evidence, ...]
    until: Mapping[str, float]
    final: bool = False

    def at(self, settings: Settings, start: float, moment: float) -> Known:
        """What was known at an earlier moment of a verification whose window begins at C(start)."""
        until = {
            one.metric.name: min(
                self.until[one.metric.name], float(settings.judged_until(one.metric, start, moment))
            )
            for one in self.evidence
        }
        return Known(tuple(known_until(one, until[one.metric.name]) for one in self.evidence), until)


def known_until(evidence: Evidence, moment: float) -> Evidence:
    """What was known of a metric at a moment: the periods that had begun before, of both sides where both go on."""
    baseline = evidence.baseline
    if evidence.same_time:
        baseline = tuple(series.until(moment) for series in baseline)
    return replace(
        evidence, canary=tuple(series.until(moment) for series in evidence.canary), baseline=baseline
    )


def judge_known(settings: Settings, known: Known, start: float, alarms: Sequence[Finding] = ()) -> Judgement:
    """The verdict on what is known, with what was found of C(alarms)."""
    findings = [
        judge.judge_metric(
            evidence,
            Terms(
                final=known.final,
                fraction=(
                    1.0
                    if known.final
                    else settings.fraction(evidence.metric, start, known.until[evidence.metric.name])
                ),
                error=settings.error,
                looks=int(settings.duration // evidence.metric.period),
                sensitivity=settings.sensitivity,
                on_no_data=settings.on_no_data,
            ),
        )
        for evidence in known.evidence
    ]
    return judge.judge([*findings, *alarms], settings.scoring)


def replay(
    settings: Settings,
    everything: Known,
    start: float,
    alarms: Sequence[Finding] = (),
    end: float | None = None,
) -> tuple[Judgement, Known, float]:
    """Judge look by look, until it was certain: the verdict, what was known then, and when (epoch seconds).

    The last look is at C(end), by default when the last data should be there.
    """
    end = settings.last_data(start) if end is None else end
    moment, known = start, everything
    step = max(settings.looks_every, settings.duration / MOST_REPLAYED_LOOKS)
    judgement = Judgement(PENDING, 0.0, ())
    while judgement.verdict == PENDING and moment < end:
        moment = min(end, moment + step)
        known = everything if moment >= end else everything.at(settings, start, moment)
        judgement = judge_known(settings, known, start, alarms)
    return judgement, known, moment


# ------------------------------------------------------------------------- evidence as it is written down


def as_result(evidence: Sequence[Evidence]) -> dict[str, Any]:
    """The evidence of metrics as the module returns it: C(series) of both sides, and C(history)."""
    return {
        "series": [
            _as_result(one.metric, side, series)
            for one in evidence
            for side, several in (("canary", one.canary), ("baseline", one.baseline))
            for series in several
        ],
        "history": [_as_result(one.metric, "history", series) for one in evidence for series in one.history],
    }


def _as_result(metric: Metric, side: str, series: Series) -> dict[str, Any]:
    return {
        "metric": metric.name,
        "side": side,
        "member": series.member,
        "group": series.group,
        "instance_id": series.instance_id,
        "zone": series.zone,
        "instance_type": series.instance_type,
        "period": metric.period,
        "start": series.start,
        "end": series.end,
        "points": [list(point) for point in series.points],
        "counts": [list(one) for one in series.counts],
        "error": series.error,
    }


def series_of_result(written: Mapping[str, Any]) -> Series:
    """A series that C(as_result) wrote."""
    return Series(
        member=str(written["member"]),
        points=tuple((moment, value) for moment, value in written["points"]),
        start=written["start"],
        end=written["end"],
        group=str(written["group"]),
        instance_id=str(written["instance_id"]),
        error=str(written["error"]),
        zone=str(written["zone"] or ""),
        instance_type=str(written["instance_type"] or ""),
        counts=tuple((moment, many, of) for moment, many, of in written["counts"]),
    )
