# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runs of many series came to, side by side: a table for people, a page, and the same for machines.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import json
import os
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..core.errors import InvalidInput
from ..core.passes import Event
from .details import hide
from .junit import junit_of_many
from .page import lead, timeline
from .page_parts import badge, document, moment, took
from .page_parts import table as page_table
from .record import ALREADY_LIVE, FAILED, LIVE, NOTHING, PLANNED, ROLLED_BACK, UNDER_WAY, WIDTH, Run, table
from .run_record import EVIDENCE, latest
from .write_report import files

NOT_BEGUN = "not-begun"
# Outcomes after which no later wave begins.
BAD = (ROLLED_BACK, FAILED)
# The first gives way where a line would be too long, and names are to be read whole.
COLUMNS = ("series", "name", "region", "outcome", "image")
WORDS = {
    LIVE: "live",
    ALREADY_LIVE: "already live",
    PLANNED: "planned",
    UNDER_WAY: "under way",
    ROLLED_BACK: "rolled back",
    FAILED: "failed",
    NOT_BEGUN: "not begun",
}


@dataclass(frozen=True)
class SeriesRun:
    """One series of many: C(name), under which the inventory has it, and the C(record) of its run.

    The record is as C(Run.record) makes it; its outcome may also be C(not-begun). C(page) is where its own report is,
    empty where it has none.
    """

    name: str
    series: str
    region: str
    record: Mapping[str, Any]
    page: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any], stopped_by: str) -> SeriesRun:
        """The run by what its play kept of it, as M(progressive.aws.canary_summary) takes it.

        C(stopped_by) are the names of the series that failed, for one that was not begun.
        """
        failure = given.get("failure") or {}
        record = Run.of(
            latest([*(given.get("run") or ()), failure]),
            failed=bool(given.get("failed")),
            failure=failure or None,
        ).record()
        # The role has told already how it ended, and why.
        told = (failure.get(EVIDENCE) or {}).get("report") or failure.get("report") or {}
        record.update({key: told[key] for key in ("outcome", "reason") if told.get(key)})
        if not given.get("begun"):
            reason = f"{stopped_by} had failed before it." if stopped_by else "The play did not come to it."
            record.update(outcome=NOT_BEGUN, reason=reason)
        series = str(record["series"] or told.get("series") or given.get("series") or "")
        record["series"] = series
        return cls(
            name=str(given["name"]),
            series=series,
            region=str(given.get("region") or ""),
            record=hide(record),
            page=_page_of(given.get("report") or ()),
        )

    @property
    def outcome(self) -> str:
        """How it ended."""
        return str(self.record["outcome"])

    @property
    def reason(self) -> str:
        """Why it failed, was taken back or was not begun; empty otherwise."""
        return str(self.record["reason"])

    def as_result(self) -> dict[str, Any]:
        """The series in short, as the module returns it."""
        return {
            "name": self.name,
            "series": self.series,
            "region": self.region,
            "outcome": self.outcome,
            "reason": self.reason,
            "group": self.record["group"],
            "image_id": self.record["image_id"],
            "started": self.record["started"],
            "ended": self.record["ended"],
            "report": self.page,
        }


class Summary:
    """What many runs came to, for the step that reports (C(write_report.Report)).

    It never fails by itself: each failed series is failed by its own name afterwards.
    """

    outcome = LIVE
    last_words = ""

    def __init__(self, runs: Sequence[Mapping[str, Any]]) -> None:
        """The runs as M(progressive.aws.canary_summary) takes them, in the order of their waves.

        Raises:
            InvalidInput: two have the same name.
        """
        twice = [name for name, times in Counter(str(one["name"]) for one in runs).items() if times > 1]
        if twice:
            raise InvalidInput([f"more than one series is called {name}" for name in twice])
        bad = " and ".join(str(one["name"]) for one in runs if one.get("begun") and one.get("failed"))
        self.series = [SeriesRun.of(one, bad) for one in runs]

    @property
    def failed(self) -> list[str]:
        """The names of the series that failed or were taken back."""
        return [one.name for one in self.series if one.outcome in BAD]

    @property
    def headline(self) -> str:
        """How many ended how, in a sentence."""
        counted = Counter(one.outcome for one in self.series)
        parts = [f"{counted[outcome]} {words}" for outcome, words in WORDS.items() if counted[outcome]]
        return f"{len(self.series)} series: {', '.join(parts) or 'nothing to do'}."

    def record(self) -> dict[str, Any]:
        """All of it as plain JSON types: each series with the C(record) of its run."""
        return {
            "headline": self.headline,
            "failed": self.failed,
            "series": [{**one.as_result(), "record": dict(one.record)} for one in self.series],
        }

    def outline(self) -> dict[str, Any]:
        """The same without the records."""
        return {
            "headline": self.headline,
            "failed": self.failed,
            "series": [one.as_result() for one in self.series],
        }

    def events(self) -> list[Event]:
        """The lines of the summary: how many ended how, the table, and below it why, for those that are not live."""
        rows = [
            (
                one.series or NOTHING,
                one.name,
                one.region or NOTHING,
                WORDS.get(one.outcome, one.outcome),
                str(one.record["image_id"] or NOTHING),
            )
            for one in self.series
        ]
        lines = table(COLUMNS, rows, width=WIDTH) if rows else []
        for one in self.series:
            if one.reason:
                lines += textwrap.wrap(f"{one.name}: {one.reason}", WIDTH, subsequent_indent="  ")
        kind = "failure" if self.failed else "settled"
        return [Event(kind, "", self.headline), *(Event("plan", "", line) for line in lines)]


def summary_page(record: Mapping[str, Any], place: Path = Path()) -> str:
    """The page over many series, from C(Summary.record): all in a table, then each with what happened when.

    C(place) is the folder that the page is written to: the series' own reports are linked as seen from there.
    """
    rows, sections = [], []
    for number, one in enumerate(record["series"], 1):
        began, ended = one["started"], one["ended"]
        name = escape(one["name"])
        if one["outcome"] != NOT_BEGUN:
            name = f'<a href="#series-{number}">{name}</a>'
            sections.append(_section(number, one, place))
        rows.append(
            [
                name,
                one["series"],
                one["region"],
                badge(one["outcome"]),
                one["image_id"],
                moment(began),
                took(began, ended),
                one["reason"],
            ]
        )
    header = ("Name", "Series", "Region", "Outcome", "Image", "Began", "Took", "Why")
    style = "bad" if record["failed"] else "good"
    top = f'<header class="card lead {style}"><h1>{escape(record["headline"])}</h1></header>' + page_table(
        header, rows, raw=(0, 3)
    )
    return document("Canary deployments of many series", [top, *sections])


def _section(number: int, one: Mapping[str, Any], place: Path) -> str:
    title = f"{one['name']}: {one['series']}" if one["series"] else one["name"]
    link = ""
    if one["report"]:
        to = quote(Path(os.path.relpath(one["report"], place)).as_posix())
        link = f'<p><a href="{escape(to)}">The whole report of {escape(one["name"])}</a></p>'
    record = one["record"]
    shown = timeline(record, f"timeline-{number}")
    return f'<section id="series-{number}">{lead(record, title)}{link}{shown}</section>'


def text_of(path: Path, record: Mapping[str, Any]) -> str:
    """The text of a summary's file, as its ending asks for: a page, JSON, or JUnit XML with a test case for each."""
    ending = path.suffix.lower()
    if ending == ".json":
        return json.dumps(record, indent=2) + "\n"
    return junit_of_many(record) if ending == ".xml" else summary_page(record, path.parent)


def _page_of(paths: Any) -> str:
    """Which file of a series' own report somebody would open: the page, else the first."""
    several = paths if isinstance(paths, (list, tuple)) else str(paths).split(",")
    try:
        found = [file for path in several if path for file in files(str(path).strip())]
    except InvalidInput:
        return ""
    pages = [file for file in found if file.suffix.lower() in (".html", ".htm")] or found
    return str(pages[0]) if pages else ""
