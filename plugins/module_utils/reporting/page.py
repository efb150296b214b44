# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one HTML page that needs neither a network nor scripts. Pure.

The outcome and its reason come first, then what happened when, the verdicts with their charts, the instances, and
what was created, copied and not copied. No verdict is told by a colour alone: each has its sign and its word.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ..core.naming import short_name
from .charts import Band, Point, capacity_chart, clock, figure, metric_chart
from .details import BASELINE, number_of, standing_out
from .record import seconds_in_words
from .style_sheet import SHEET

# Seconds after which a browser looks again whether a run that goes on has got any further.
REFRESH = 15
TITLES = {
    "running": "Running",
    "live": "Live",
    "already-live": "Already live",
    "planned": "Planned",
    "under-way": "Under way",
    "rolled-back": "Rolled back",
    "failed": "Failed",
}
NONE = "\N{EN DASH}"
# The sign, the word and the style of each verdict and outcome.
SIGNS = {
    "pass": ("✔", "PASS", "good"),
    "marginal": ("≈", "MARGINAL", "unsure"),
    "fail": ("✖", "FAIL", "bad"),
    "failed": ("✖", "FAILED", "bad"),
    "inconclusive": ("?", "INCONCLUSIVE", "unsure"),
    "running": ("…", "RUNNING", "none"),
    "pending": ("…", "NOT JUDGED TO THE END", "none"),
    "live": ("✔", "LIVE", "good"),
    "already-live": ("✔", "ALREADY LIVE", "good"),
    "planned": (NONE, "PLANNED", "none"),
    "under-way": ("…", "UNDER WAY", "none"),
    "rolled-back": ("✖", "ROLLED BACK", "bad"),
    "not-begun": (NONE, "NOT BEGUN", "none"),
}
# Characters that a cell may have and still be one word.
LONGEST_WORD = 48
UNJUDGED = (NONE, "NOT JUDGED", "none")
# Nothing may be loaded from anywhere, and nothing run.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
# What a group was compared with, by the strategy that was followed.
COMPARED = {"canary": "over the same minutes", "previous": "at an earlier time"}
FIGURES = (
    ("canary", "Canary, median"),
    ("baseline", "Baseline, median"),
    ("shift", "Shift"),
    ("effect", "Effect"),
    ("n", "Datapoints of the canary"),
    ("n_baseline", "Datapoints of the baseline"),
    ("minimum", "Minimum"),
    ("maximum", "Maximum"),
    ("weight", "Weight"),
)


def page(record: Mapping[str, Any]) -> str:
    """The page of a record, as C(summary.Run.record) makes it."""
    outcome = str(record["outcome"])
    title = f"{TITLES.get(outcome, outcome)}: {record['series'] or 'canary deployment'}"
    sections = [
        lead(record, title),
        timeline(record),
        *(_verification(number, phase) for number, phase in enumerate(record["phases"], 1)),
        _instances(record["instances"]),
        _groups(record),
        _changes(record),
        _log(record["events"]),
    ]
    return document(title, sections, refresh=outcome == "running")


def document(title: str, sections: Sequence[str], *, refresh: bool = False) -> str:
    """A whole page of sections; with C(refresh) a browser loads it again while it is open."""
    again = f'<meta http-equiv="refresh" content="{REFRESH}">\n' if refresh else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{again}'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{SHEET}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def badge(verdict: Any) -> str:
    """A verdict or outcome as a sign and a word in a frame."""
    sign, word, style = SIGNS.get(str(verdict or ""), UNJUDGED)
    if verdict and str(verdict) not in SIGNS:
        word = str(verdict).upper()
    return f'<span class="badge {style}"><span aria-hidden="true">{sign}</span> {escape(word)}</span>'


def lead(record: Mapping[str, Any], title: str) -> str:
    """How a run ended and why, in a card."""
    outcome = str(record["outcome"])
    style = SIGNS.get(outcome, UNJUDGED)[2]
    outgoing = [
        one["name"] for one in record["groups"] if one["before"] and one["before"].get("status") == "live"
    ]
    facts = [
        ("New group", record["group"]),
        ("Image", record["image_id"]),
        ("Outgoing", ", ".join(outgoing)),
        ("Deployment", record["deployment_id"]),
        ("Began", moment(record["started"])),
        ("Took", took(record["started"], record["ended"])),
    ]
    reason = f'<p class="reason">{escape(str(record["reason"]))}</p>' if record["reason"] else ""
    taken_back = _taken_back(record["rollback"])
    if outcome == "running":
        # Where it is older than the next minute, the run has ended without a word.
        reason += (
            f'<p class="reason" data-doing="1">{escape(str(record["doing"]))}</p>'
            f'<p class="soft">As of {moment(record["ended"])}. It is written anew at each step, and every minute.</p>'
        )
    return (
        f'<header class="card lead {style}" data-outcome="{escape(outcome)}">\n{badge(outcome)}\n'
        f"<h1>{escape(title)}</h1>\n{reason}{taken_back}{_facts(facts)}</header>"
    )


def _taken_back(rollback: Mapping[str, Any] | None) -> str:
    if not rollback:
        return ""
    if rollback["failure"]:
        return f"<p><strong>The rollback failed:</strong> {escape(rollback['failure'])}</p>"
    parts = [
        f"{words} {', '.join(rollback[key])}"
        for key, words in (("restored", "restored"), ("removed", "removed"), ("kept", "kept"))
        if rollback[key]
    ]
    return f"<p>Taken back: {escape('; '.join(parts))}.</p>" if parts else ""


def _facts(facts: Iterable[tuple[str, Any]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts if value)
    return f'<dl class="facts">{rows}</dl>\n' if rows else ""


# ------------------------------------------------------------------- timeline


def timeline(record: Mapping[str, Any], anchor: str = "timeline") -> str:
    """What happened when: a chart of what was in service, and the phases. C(anchor) is its id on the page."""
    phases = record["phases"]
    chart = capacity_chart(
        _capacities(record), _bands(record), _timeline_words(record), number_of(record.get("floor"))
    )
    if not chart and not phases:
        return ""
    plot = f'<div class="card">{chart}</div>' if chart else ""
    rows = [
        [
            str(number),
            phase["name"] or "",
            _wanted(phase),
            "" if phase["new"] is None else str(phase["new"]),
            "" if phase["outgoing"] is None else str(phase["outgoing"]),
            badge(phase["verdict"]),
            moment(phase["started"], short=True),
            took(phase["started"], phase["ended"]),
        ]
        for number, phase in enumerate(phases, 1)
    ]
    header = ("Phase", "Name", "Wanted", "New", "Outgoing", "Verdict", "Began", "Took")
    shown = table(header, rows, raw=(5,))
    return f'<section id="{anchor}"><h2>What happened when</h2>\n{plot}\n{shown}</section>'


def _wanted(phase: Mapping[str, Any]) -> str:
    if phase["percent"] is not None:
        return f"{phase['percent']} %"
    return "" if phase["count"] is None else str(phase["count"])


def _bands(record: Mapping[str, Any]) -> list[Band]:
    bands = []
    for number, phase in enumerate(record["phases"], 1):
        if phase["started"] is not None and phase["ended"] is not None:
            sign = SIGNS.get(str(phase["verdict"] or ""), UNJUDGED)[0] if phase["verdict"] else ""
            words = f"{number} {sign}".strip()
            bands.append(Band(phase["started"], phase["ended"], words, "phase" if number % 2 else "other"))
    rollback = record["rollback"]
    if rollback and rollback["started"] is not None and rollback["ended"] is not None:
        bands.append(Band(rollback["started"], rollback["ended"], "rollback", "back"))
    return bands


def _capacities(record: Mapping[str, Any]) -> list[tuple[str, list[Point]]]:
    """Each group that ever had instances, with how many were in service from when on."""
    told: dict[str, list[Point]] = {}
    for event in record["events"]:
        if event["at"] is not None and event["in_service"] is not None:
            told.setdefault(event["subject"], []).append((event["at"], float(event["in_service"])))
    moments = [at for points in told.values() for at, __ in points]
    if not moments:
        return []
    first = min([*moments, *(one for one in [record["started"]] if one is not None)])
    last = max([*moments, *(one for one in [record["ended"]] if one is not None)])
    groups = {short_name(one["name"]): one for one in record["groups"]}
    found = []
    # A group that was made and removed within the run is in no list of before or after.
    for name in [*groups, *(name for name in told if name not in groups)]:
        before, after = (_in_service(groups.get(name, {}).get(when)) for when in ("before", "after"))
        points = [(first, before), *told.get(name, [])]
        # Of a run that goes on it is only known what was told last.
        points.append((last, points[-1][1] if record["outcome"] == "running" else after))
        if any(value for __, value in points):
            side = " (new)" if name == short_name(record["group"]) else ""
            found.append((name + side, points))
    return found


def _in_service(sizes: Mapping[str, Any] | None) -> float:
    return number_of((sizes or {}).get("in_service")) or 0.0


def _timeline_words(record: Mapping[str, Any]) -> str:
    words = [
        f"Phase {number}, {phase['name']}: {phase['verdict'] or 'not judged'}"
        for number, phase in enumerate(record["phases"], 1)
    ]
    if record["rollback"]:
        words.append("then a rollback")
    return "; ".join(words) + "."


# -------------------------------------------------------------------- verdicts


def _verification(number: int, phase: Mapping[str, Any]) -> str:
    verification = phase["verification"]
    if not verification:
        return ""
    findings = list(verification["metrics"])
    known = {finding["name"] for finding in findings}
    unjudged = dict.fromkeys(
        str(one["metric"]) for one in verification["series"] if one.get("metric") not in known
    )
    findings += [{"name": name, "verdict": "", "reason": ""} for name in unjudged]
    window, score = verification["window"], verification["score"]
    words = []
    if window["start"] is not None and window["end"] is not None:
        words.append(
            f"Judged from {clock(window['start'])} to {clock(window['end'])} UTC"
            f" ({took(window['start'], window['end'])})"
        )
    if score is not None:
        words.append(f"{'score' if words else 'Score'} {figure(score)} of 100")
    groups = " and ".join(verification["baseline"]["groups"])
    if groups and verification["baseline"]["strategy"] in COMPARED:
        words.append(f"compared with {groups} {COMPARED[verification['baseline']['strategy']]}")
    summary = f'<p class="soft">{escape("; ".join(words))}.</p>' if words else ""
    return (
        f'<section class="verification" data-phase="{escape(str(phase["name"]))}">'
        f"<h2>Phase {number}, {escape(str(phase['name']))}: {badge(verification['verdict'])}</h2>\n{summary}"
        + "\n".join(_finding(finding, verification) for finding in findings)
        + "</section>"
    )


def _finding(finding: Mapping[str, Any], verification: Mapping[str, Any]) -> str:
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
        f'<article class="card" data-metric="{escape(name)}" data-verdict="{escape(str(finding["verdict"]))}">'
        f'<h3>{heading}</h3>\n<p class="reason">{escape(str(finding["reason"]))}</p>\n'
        + "".join(f"<p>CloudWatch: {escape(error)}</p>" for error in errors)
        + f"{plot}{_facts(_figures(finding))}</article>"
    )


def _odd(finding: Mapping[str, Any], series: Sequence[Mapping[str, Any]]) -> list[str]:
    """The instances of the canary that stand out among its others."""
    canary = [one for one in series if one.get("side") != BASELINE and one.get("instance_id")]
    odd = standing_out(canary, finding)
    return list(odd) if len(odd) < len({one["instance_id"] for one in canary}) else []


def _figures(finding: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, words in FIGURES:
        value = number_of(finding.get(key))
        if value is not None:
            yield words, figure(value)
        elif key == "effect" and finding.get(key):
            yield words, str(finding[key])
    low, high = number_of(finding.get("low")), number_of(finding.get("high"))
    if low is not None and high is not None:
        yield "Interval of the shift", f"{figure(low)} to {figure(high)}"
    if finding.get("rule"):
        yield "Rule", str(finding["rule"])


# ---------------------------------------------------------------------- tables


def table(header: Sequence[str], rows: Sequence[Sequence[str]], raw: Sequence[int] = ()) -> str:
    """A table that scrolls by itself; columns that are empty in every row are left out."""
    columns = [number for number in range(len(header)) if any(row[number] for row in rows)]
    if not rows or not columns:
        return ""
    head = "".join(f'<th scope="col">{escape(header[number])}</th>' for number in columns)
    body = "".join(
        "<tr>" + "".join(_cell(row[number], raw=number in raw) for number in columns) + "</tr>\n"
        for row in rows
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Table">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(text: str, *, raw: bool) -> str:
    if raw:
        return f"<td>{text}</td>"
    # What is one word, as an id or a name, is not broken; a list of subnets is.
    word = len(text) <= LONGEST_WORD and " " not in text
    style = ' class="word"' if word else ' class="long"' if len(text) > LONGEST_WORD else ""
    return f"<td{style}>{escape(text)}</td>"


def _instances(instances: Sequence[Mapping[str, Any]]) -> str:
    if not instances:
        return ""
    metrics = list(dict.fromkeys(name for one in instances for name in one["measured"]))
    rows = [
        [
            one["instance_id"],
            short_name(one["group"]) if one["group"] else "",
            "outgoing" if one["side"] == BASELINE else "new",
            one["phase"],
            *(figure(one["measured"][name]) if name in one["measured"] else "" for name in metrics),
            "▲ " + "; ".join(one["outliers"]) if one["outliers"] else "",
        ]
        for one in instances
    ]
    header = (
        "Instance",
        "Group",
        "Side",
        "Since phase",
        *(f"{name} (median)" for name in metrics),
        "Stands out",
    )
    return f'<section id="instances"><h2>Instances</h2>\n{table(header, rows)}</section>'


def _groups(record: Mapping[str, Any]) -> str:
    rows = []
    for one in record["groups"]:
        before, after = one["before"], one["after"]
        rows.append(
            [
                one["name"],
                _change(before, after, "status", "not there", "removed"),
                _sizes(before, after),
                _change(before, after, "in_service", "0", "0"),
                one["image_id"] or "",
            ]
        )
    made = record["group"]
    if record["rollback"] and made and all(one["name"] != made for one in record["groups"]):
        rows.append([made, "made and removed", "", "0", record["image_id"]])
    header = ("Group", "Status", "Min / max / desired", "In service", "Image")
    shown = table(header, rows)
    return f'<section id="groups"><h2>Groups, before → after</h2>\n{shown}</section>' if shown else ""


def _change(before: Any, after: Any, key: str, new: str, gone: str) -> str:
    was = new if before is None else str(before.get(key) if before.get(key) not in (None, "") else NONE)
    now = gone if after is None else str(after.get(key) if after.get(key) not in (None, "") else NONE)
    return was if was == now else f"{was} → {now}"


def _sizes(before: Any, after: Any) -> str:
    known = [
        " / ".join(str(sizes.get(key)) for key in ("min_size", "max_size", "desired_capacity"))
        for sizes in (before, after)
        if sizes is not None
    ]
    return " → ".join(dict.fromkeys(known))


def _changes(record: Mapping[str, Any]) -> str:
    setup, rollback = record["setup"], record["rollback"]
    done = [("Set-up", setup["actions"])]
    done += [(str(phase["name"]), phase["actions"]) for phase in record["phases"]]
    done += [("Rollback", rollback["actions"])] if rollback else []
    parts = []
    rows = [[step, action] for step, actions in done for action in actions]
    if rows:
        parts.append(f"<h3>Created and changed</h3>{table(('Step', 'Change'), rows)}")
    if setup["copied"]:
        # Each is such as "subnets: a, b"; what has no colon is all there is to say.
        cells = [one.partition(": ") for one in setup["copied"]]
        shown = table(("What", "Value"), [[what, value] for what, __, value in cells])
        parts.append(f"<h3>Copied from the base group</h3>{shown}")
    if setup["not_copied"]:
        shown = table(("What", "Why not"), [[one["what"], one["reason"]] for one in setup["not_copied"]])
        parts.append(f"<h3>Not copied</h3>{shown}")
    return f'<section id="changes"><h2>What was done</h2>{"".join(parts)}</section>' if parts else ""


def _log(events: Sequence[Mapping[str, Any]]) -> str:
    if not events:
        return ""
    rows = [
        [moment(event["at"], short=True), str(event["subject"]), str(event["kind"]), str(event["text"])]
        for event in events
    ]
    shown = table(("UTC", "About", "Kind", "What"), rows)
    return (
        f'<section id="log"><h2>Log</h2><details><summary>All {len(rows)} lines</summary>{shown}</details>'
        "</section>"
    )


def moment(at: float | None, *, short: bool = False) -> str:
    """A time for people, in UTC: the day and the time of day, or C(short) the latter alone."""
    if at is None:
        return ""
    return clock(at) if short else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def took(started: float | None, ended: float | None) -> str:
    """How long something took, in words; empty where that is not known."""
    return "" if started is None or ended is None else seconds_in_words(ended - started)
