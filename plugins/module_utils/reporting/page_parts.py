# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pages are made of: the document around, badges, facts and tables. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from .charts import clock
from .record import seconds_in_words
from .style_sheet import SHEET

# Seconds after which a browser looks again whether a run that goes on has got any further.
REFRESH = 15
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


def facts(several: Iterable[tuple[str, Any]]) -> str:
    """Names with their values, those that have one."""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in several if value
    )
    return f'<dl class="facts">{rows}</dl>\n' if rows else ""


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


def moment(at: float | None, *, short: bool = False) -> str:
    """A time for people, in UTC: the day and the time of day, or C(short) the latter alone."""
    if at is None:
        return ""
    return clock(at) if short else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def took(started: float | None, ended: float | None) -> str:
    """How long something took, in words; empty where that is not known."""
    return "" if started is None or ended is None else seconds_in_words(ended - started)
