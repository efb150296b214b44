# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one HTML page that needs neither a network nor scripts. Pure.

The outcome and its reason come first, then the verdict on each metric in each phase, what happened when, the metrics
with their charts, the instances, and what was created, copied and not copied. No verdict is told by a colour alone:
each has its sign and its word.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..core.naming import baseline_name, short_name
from .charts import BESIDE, Band, Point, capacity_chart
from .details import BASELINE, number_of
from .page_parts import NONE, SIGNS, UNJUDGED, badge, document, facts, moment, table, took
from .units import in_unit
from .verdicts import by_phases, charts_of

TITLES = {
    "running": "Running",
    "live": "Live",
    "already-live": "Already live",
    "planned": "Planned",
    "under-way": "Under way",
    "rolled-back": "Rolled back",
    "failed": "Failed",
}


def page(record: Mapping[str, Any]) -> str:
    """The page of a record, as C(summary.Run.record) makes it."""
    outcome = str(record["outcome"])
    title = f"{TITLES.get(outcome, outcome)}: {record['series'] or 'canary deployment'}"
    sections = [
        lead(record, title),
        by_phases(record),
        timeline(record),
        *(charts_of(number, phase) for number, phase in enumerate(record["phases"], 1)),
        _instances(record["instances"], _units(record)),
        _groups(record),
        _changes(record),
        _log(record["events"]),
    ]
    return document(title, sections, refresh=outcome == "running")


def lead(record: Mapping[str, Any], title: str) -> str:
    """How a run ended and why, in a card."""
    outcome = str(record["outcome"])
    style = SIGNS.get(outcome, UNJUDGED)[2]
    outgoing = [
        one["name"] for one in record["groups"] if one["before"] and one["before"].get("status") == "live"
    ]
    known = [
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
        f"<h1>{escape(title)}</h1>\n{reason}{taken_back}{facts(known)}</header>"
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
            "" if phase["weight"] is None else f"{phase['weight']} %",
            str(phase["baseline"] or ""),
            badge(phase["verdict"]),
            moment(phase["started"], short=True),
            took(phase["started"], phase["ended"]),
        ]
        for number, phase in enumerate(phases, 1)
    ]
    header = (
        *("Phase", "Name", "Wanted", "New", "Outgoing", "Requests", "Fresh baseline"),
        *("Verdict", "Began", "Took"),
    )
    shown = table(header, rows, raw=(7,))
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
            side = BESIDE if name == short_name(baseline_name(record["group"])) else side
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


def _units(record: Mapping[str, Any]) -> dict[str, str]:
    """The units of metrics by their names, as far as they are known."""
    verified = [phase["verification"] for phase in record["phases"] if phase["verification"]]
    return {one["name"]: one["unit"] for each in verified for one in each["metrics"] if one.get("unit")}


def _instances(instances: Sequence[Mapping[str, Any]], units: Mapping[str, str]) -> str:
    if not instances:
        return ""
    metrics = list(dict.fromkeys(name for one in instances for name in one["measured"]))
    rows = [
        [
            one["instance_id"],
            short_name(one["group"]) if one["group"] else "",
            "outgoing" if one["side"] == BASELINE else "new",
            one["phase"],
            *(
                in_unit(one["measured"][name], units.get(name, "")) if name in one["measured"] else ""
                for name in metrics
            ),
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
