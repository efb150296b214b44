# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges phases that are given as JSON, a line each: what C(make judge-cases CASES=FILE) runs.

The form is that of C(shared/data/judge_cases.md). The judge is the one of a deployment, and so are its options.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import (
    PENDING,
    Evidence,
    Finding,
    Series,
    Terms,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import judge, judge_metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import RATE, Metric
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import (
    Settings,
    read_settings,
)

QUERY = {"namespace": "cases", "metric_name": "case"}
HISTORY = "history"


def judge_case(case: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on a phase: C(id), C(verdict), the number of the C(look) that decided, and C(metrics)."""
    given = case["metrics"]
    settings = _settings(case)
    evidence = [_evidence(metric, one) for metric, one in zip(settings.metrics, given, strict=True)]
    looks = int(case["looks"])
    findings: list[Finding] = []
    for look in range(1, looks + 1):
        findings = [
            judge_metric(
                _until(one, look / looks),
                Terms(
                    final=look == looks,
                    fraction=look / looks,
                    error=settings.error,
                    looks=_periods(one),
                    sensitivity=settings.sensitivity,
                    on_no_data=settings.on_no_data,
                ),
            )
            for one in evidence
        ]
        judgement = judge(findings, settings.scoring)
        if judgement.verdict != PENDING:
            break
    return {
        "id": case["id"],
        "verdict": judgement.verdict,
        "look": look,
        "metrics": [
            {"name": one.name, "verdict": one.verdict, "reason": one.reason} for one in judgement.findings
        ],
    }


def _settings(case: Mapping[str, Any]) -> Settings:
    metrics = []
    for one in case["metrics"]:
        options = {**one["options"], "name": one["name"], "period": one.get("period", 60)}
        of_a_rate = {"numerator": QUERY, "denominator": QUERY}
        metrics.append({**options, **(of_a_rate if options.get("kind") == RATE else QUERY)})
    longest = max(
        (len(values) * one.get("period", 60) for one in case["metrics"] for values in one["canary"].values()),
        default=60,
    )
    return read_settings(
        {
            "group": "canary",
            "metrics": metrics,
            "duration": longest,
            "warmup": 0,
            "on_no_data": "fail",
            "confidence": case.get("confidence"),
        }
    )


def _evidence(metric: Metric, given: Mapping[str, Any]) -> Evidence:
    return Evidence(
        metric,
        _series(metric, given.get("canary") or {}, "canary"),
        _series(metric, given.get("baseline") or {}, "baseline"),
        history=_series(metric, given.get("history") or {}, HISTORY),
    )


def _series(metric: Metric, several: Mapping[str, Sequence[Any]], side: str) -> tuple[Series, ...]:
    found = []
    for name, values in several.items():
        counts: list[tuple[float, float, float]] = []
        points: list[tuple[float, float]] = []
        for position, value in enumerate(values):
            moment = float(position * metric.period)
            if value is None:
                continue
            if isinstance(value, list):
                number, exposure = map(float, value)
                counts.append((moment, number, exposure))
                if metric.kind != RATE:
                    points.append((moment, number))
                elif exposure:
                    points.append((moment, 100 * number / exposure))
            else:
                points.append((moment, float(value)))
                counts.append((moment, float(value), 1.0))
        end = float(len(values) * metric.period)
        found.append(
            Series(name or side, tuple(points), 0.0, end, side, instance_id=name, counts=tuple(counts))
        )
    return tuple(found)


def _periods(evidence: Evidence) -> int:
    return max((one.expected(evidence.metric.period) for one in evidence.canary), default=1)


def _until(evidence: Evidence, fraction: float) -> Evidence:
    """What was known when so much of the data was there; history always is."""
    until = fraction * _periods(evidence) * evidence.metric.period
    return Evidence(
        evidence.metric,
        tuple(one.until(until) for one in evidence.canary),
        tuple(one.until(until) for one in evidence.baseline),
        history=evidence.history,
    )


def main() -> int:
    """Read the cases of the file that is named and print the verdicts; returns the exit code."""
    if len(sys.argv) != 2:
        print("Name a file: make judge-cases CASES=FILE", file=sys.stderr)
        return 2
    for line in Path(sys.argv[1]).read_text().splitlines():
        if line.strip():
            print(json.dumps(judge_case(json.loads(line))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
