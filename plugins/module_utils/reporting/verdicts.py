# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts on a page: a table of all metrics by phases, then each with its chart and its figures. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from .charts import clock, metric_chart
from .details import BASELINE, number_of, standing_out
from .page_parts import badge, facts, table, took
from .units import difference, in_unit, rounded, share

# In the table the worst comes first; what is not among these is as good as a pass.
WORST = {verdict: rank for rank, verdict in enumerate(("fail", "inconclusive", "marginal", "pending", ""))}
# What a group was compared with, by the strategy that was followed.
COMPARED = {"canary": "over the same minutes", "previous": "at an earlier time"}
# Words for each figure, and whether it is in the metric's unit.
FIGURES = (
    ("canary", "Canary, median", True),
    ("baseline", "Baseline, median", True),
    ("shift", "Shift", True),
    ("effect", "Effect", False),
    ("n", "Datapoints of the canary", False),
    ("n_baseline", "Datapoints of the baseline", False),
    ("minimum", "Minimum", True),
    ("maximum", "Maximum", True),
    ("weight", "Weight", False),
)


def by_phases(record: Mapping[str, Any]) -> str:
    """A table with a row for each metric and a column for each phase that was verified; empty where there is none.

    A cell has the verdict, which leads to the chart, and the medians of canary and baseline.
    """
    verified = [(number, phase) for number, phase in enumerate(record["phases"], 1) if phase["verification"]]
    # By metric and by phase: the verdict, and its cell.
    found: dict[str, dict[int, tuple[str, str]]] = {}
    for number, phase in verified:
        for place, finding in enumerate(_findings(phase["verification"])):
            cell = _cell(finding, _anchor(number, place))
            found.setdefault(str(finding["name"]), {})[number] = (str(finding["verdict"]), cell)
    if not found:
        return ""

    def worst(name: str) -> int:
        return min(WORST.get(verdict, len(WORST)) for verdict, __ in found[name].values())

    rows = [
        [name, *(found[name].get(number, ("", ""))[1] for number, __ in verified)]
        for name in sorted(found, key=worst)
    ]
    rows.append(["All together", *(_whole(phase["verification"]) for __, phase in verified)])
    header = ("Metric", *(f"{number}, {phase['name']}" for number, phase in verified))
    shown = table(header, rows, raw=range(1, len(header)))
    words = '<p class="soft">Medians of the canary against those of its baseline. A verdict leads to its chart.</p>'
    return f'<section id="verdicts"><h2>Metrics by phases</h2>\n{words}\n{shown}</section>'


def _anchor(number: int, place: int) -> str:
    return f"phase-{number}-metric-{place + 1}"


def _cell(finding: Mapping[str, Any], anchor: str) -> str:
    canary, baseline = number_of(finding.get("canary")), number_of(finding.get("baseline"))
    unit = str(finding.get("unit") or "")
    words = "" if canary is None else _unbroken(canary, unit)
    if words and baseline is not None:
        words += f" against {_unbroken(baseline, unit)}"
    figures = f'<span class="figures">{escape(words)}</span>' if words else ""
    return f'<a class="verdict" href="#{anchor}">{badge(finding["verdict"])}</a>{figures}'


def _unbroken(value: float, unit: str) -> str:
    """A figure that no line ends in, in a narrow cell."""
    return in_unit(value, unit).replace(" ", "\N{NO-BREAK SPACE}")


def _whole(verification: Mapping[str, Any]) -> str:
    score = verification["score"]
    words = "" if score is None else f'<span class="figures">{rounded(score)} of 100</span>'
    return f"{badge(verification['verdict'])}{words}"


def _findings(verification: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The verdicts on all metrics, and those without one that have data."""
    findings = list(verification["metrics"])
    known = {finding["name"] for finding in findings}
    unjudged = dict.fromkeys(
        str(one["metric"]) for one in verification["series"] if one.get("metric") not in known
    )
    return [*findings, *({"name": name, "verdict": "", "reason": ""} for name in unjudged)]


def charts_of(number: int, phase: Mapping[str, Any]) -> str:
    """The verdicts of a phase with their charts; C(number) is its place. Empty where it was not verified."""
    verification = phase["verification"]
    if not verification:
        return ""
    window, score = verification["window"], verification["score"]
    words = []
    if window["start"] is not None and window["end"] is not None:
        words.append(
            f"Judged from {clock(window['start'])} to {clock(window['end'])} UTC"
            f" ({took(window['start'], window['end'])})"
        )
    if score is not None:
        words.append(f"{'score' if words else 'Score'} {rounded(score)} of 100")
    groups = " and ".join(verification["baseline"]["groups"])
    if groups and verification["baseline"]["strategy"] in COMPARED:
        words.append(f"compared with {groups} {COMPARED[verification['baseline']['strategy']]}")
    summary = f'<p class="soft">{escape("; ".join(words))}.</p>' if words else ""
    return (
        f'<section class="verification" data-phase="{escape(str(phase["name"]))}">'
        f"<h2>Phase {number}, {escape(str(phase['name']))}: {badge(verification['verdict'])}</h2>\n{summary}"
        + "\n".join(
            _finding(finding, verification, _anchor(number, place))
            for place, finding in enumerate(_findings(verification))
        )
        + "</section>"
    )


def _finding(finding: Mapping[str, Any], verification: Mapping[str, Any], anchor: str) -> str:
    name = str(finding["name"])
    series = [one for one in verification["series"] if one.get("metric") == name]
    alarm = finding.get("kind") == "alarm"
    plot = metric_chart(name, series, finding, verification["window"], _odd(finding, series))
    if not plot and not alarm:
        plot = '<p class="soft">There were no data to draw.</p>'
    errors = dict.fromkeys(str(one["error"]) for one in series if one.get("error"))
    tags = [
        *(["alarm"] if alarm else []),
        *(word for word in ("critical", "muted") if finding.get(word)),
        *([f"group {finding['group']}"] if finding.get("group") else []),
    ]
    heading = f"{escape(name)} {badge(finding['verdict'])}" + "".join(
        f' <span class="soft">{escape(tag)}</span>' for tag in tags
    )
    return (
        f'<article class="card" id="{anchor}" data-metric="{escape(name)}"'
        f' data-verdict="{escape(str(finding["verdict"]))}">'
        f'<h3>{heading}</h3>\n<p class="reason">{escape(str(finding["reason"]))}</p>\n'
        + "".join(f"<p>CloudWatch: {escape(error)}</p>" for error in errors)
        + f"{plot}{facts(_figures(finding))}</article>"
    )


def _odd(finding: Mapping[str, Any], series: Sequence[Mapping[str, Any]]) -> list[str]:
    """The instances of the canary that stand out among its others."""
    canary = [one for one in series if one.get("side") != BASELINE and one.get("instance_id")]
    odd = standing_out(canary, finding)
    return list(odd) if len(odd) < len({one["instance_id"] for one in canary}) else []


def _figures(finding: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    unit = str(finding.get("unit") or "")
    for key, words, measured in FIGURES:
        value = number_of(finding.get(key))
        if value is None:
            if key == "effect" and finding.get(key):
                yield words, str(finding[key])
        elif key == "effect":
            yield words, share(value)
        else:
            yield words, (difference if key == "shift" else in_unit)(value, unit if measured else "")
    low, high = number_of(finding.get("low")), number_of(finding.get("high"))
    if low is not None and high is not None:
        yield "Interval of the shift", f"{difference(low, unit)} to {difference(high, unit)}"
    if finding.get("rule"):
        yield "Rule", str(finding["rule"])
