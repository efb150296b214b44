# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page over a folder of reports: which series, how it ended, which image, when, and how long it took.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .details import number_of
from .page_parts import badge, document, moment, table, took

INDEX = "index.html"
# Folders of reports stand one beside the other, or in a folder for each series.
PATTERNS = ("*.json", "*/*.json", "*/*/*.json")
HEADER = ("Series", "Outcome", "Image", "Began", "Took", "Why")
# The newest so many; a folder of years would be a long page.
MOST_REPORTS = 500


@dataclass(frozen=True)
class Entry:
    """A report: where it is, seen from the folder, and what it says."""

    path: Path
    record: Mapping[str, Any]

    @property
    def began(self) -> float:
        """When the run began, in epoch seconds; 0 where it does not say."""
        return number_of(self.record.get("started")) or 0.0


def find_reports(folder: Path) -> list[Entry]:
    """The reports of a folder and of those in it, the newest first. What is none is passed over."""
    found = []
    for path in sorted({path for pattern in PATTERNS for path in folder.glob(pattern)}):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and record.get("outcome") and "phases" in record:
            page = path.with_suffix(".html")
            shown = page if page.exists() else path
            found.append(Entry(shown.relative_to(folder), record))
    return sorted(found, key=lambda entry: entry.began, reverse=True)


def index_page(entries: Sequence[Entry]) -> str:
    """The page of a folder's reports, each linked by its series."""
    rows = []
    for entry in entries[:MOST_REPORTS]:
        record = entry.record
        link = escape(quote(entry.path.as_posix()))
        name = escape(str(record.get("series") or record.get("group") or entry.path))
        began, ended = number_of(record.get("started")), number_of(record.get("ended"))
        rows.append(
            [
                f'<a href="{link}">{name}</a>',
                badge(record["outcome"]),
                str(record.get("image_id") or ""),
                moment(began),
                took(began, ended),
                str(record.get("reason") or ""),
            ]
        )
    more = len(entries) - len(rows)
    words = f'<p class="soft">The newest {len(rows)} of {len(entries)}.</p>' if more else ""
    body = table(HEADER, rows, raw=(0, 1)) or '<p class="soft">There are no reports here.</p>'
    return document("Canary deployments", [f"<h1>Canary deployments</h1>{words}{body}"])
