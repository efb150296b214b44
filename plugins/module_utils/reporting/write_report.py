# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step at the end of a run that tells what it came to, and writes it down where that is wanted.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..core.errors import InvalidInput, RunFailed
from ..core.passes import Change, Decision, Done, Event, Tell
from ..core.progress import Progress
from .index import INDEX, find_reports, index_page
from .junit import junit
from .page import page
from .record import FAILED, ROLLED_BACK, Run

FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    ".html": page,
    ".htm": page,
    ".json": lambda record: json.dumps(record, indent=2) + "\n",
    ".xml": junit,
}
# What a folder gets.
FILES = ("report.html", "report.json", "report.xml")


@dataclass
class ReportProgress(Progress):
    """Whether what the run came to was C(shown)."""

    shown: bool = False


class Reported(Protocol):
    """What is reported: a run (C(record.Run)), or many (C(summary.Summary))."""

    @property
    def outcome(self) -> str:
        """How it ended."""

    @property
    def last_words(self) -> str:
        """Why the play fails; nothing is said where it does not."""

    def record(self) -> dict[str, Any]:
        """All of it as plain JSON types."""

    def outline(self) -> dict[str, Any]:
        """The record without what is long."""

    def events(self) -> list[Event]:
        """It as the lines of a terminal."""


# Makes the text of a file of a record.
TextOf = Callable[[Path, Mapping[str, Any]], str]


def as_format(path: Path, record: Mapping[str, Any]) -> str:
    """The text of a run's file, as its ending asks for."""
    return FORMATS[path.suffix.lower()](record)


class Report:
    """The step that reports a run.

    Its files are a by-product, as a log is: writing them is no change.
    """

    keeps = ReportProgress
    state = ""
    takes = 0.0
    subject = "report"

    def __init__(
        self,
        run: Reported,
        paths: Sequence[str] = (),
        *,
        warnings: Sequence[str] = (),
        index: str | None = None,
        text_of: TextOf = as_format,
    ) -> None:
        """Report the run, also to files where C(paths) name some: their endings choose what they hold.

        C(warnings) are told before it. C(index) is a folder of reports that gets a page over all of them. C(text_of)
        makes the text of a file of the record.

        Raises:
            InvalidInput: a path ends as no report does.
        """
        self._warnings = warnings
        self._unwritten: dict[Path, str] = {}
        self._paths = [path for name in paths for path in files(name)]
        self._folders = {Path(name) for name in paths if len(files(name)) > 1}
        where = f"to {', '.join(paths)}" if paths else ""
        self.attempted = f"write the report {where}" if where else "report"
        self._run = run
        self._index = Path(index) / INDEX if index else None
        self._indexed = False
        record = run.record() if self._paths else {}
        self._texts = [text_of(path, record) for path in self._paths]

    def look(self, progress: ReportProgress, tell: Tell) -> Decision:
        """Tell what the run came to, once, and see whether the files say so already."""
        if not progress.shown:
            progress.shown = True
            for words in self._warnings:
                tell(Event("warning", "", f"Warning: {words}"))
            for event in self._run.events():
                tell(event)
        stale = [
            (path, text)
            for path, text in zip(self._paths, self._texts, strict=True)
            if path not in self._unwritten and self._read(path) != text
        ]
        if stale:
            return Change((), lambda: self._write(stale))
        if self._index and not self._indexed:
            index = self._index
            return Change((), lambda: self._write_index(index))
        for words in self._unwritten.values():
            tell(Event("warning", "", words))
        if self._run.outcome in (ROLLED_BACK, FAILED):
            raise RunFailed(self._run.last_words, self.preview())
        return Done(self.preview())

    def preview(self) -> Mapping[str, Any]:
        """The record in short, and where the whole of it is."""
        return {"report": self._run.outline(), "report_paths": [str(path) for path in self._paths]}

    def _read(self, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    def _write_index(self, index: Path) -> None:
        self._indexed = True
        try:
            index.parent.mkdir(exist_ok=True)
            _replace(index, index_page(find_reports(index.parent)))
        except OSError as error:
            self._unwritten[index] = (
                f"Warning: the page over the reports could not be written to {index}: {error.strerror or error}."
            )

    def _write(self, files: Sequence[tuple[Path, str]]) -> None:
        for path, text in files:
            try:
                if path.parent in self._folders:
                    path.parent.mkdir(exist_ok=True)
                _replace(path, text)
            except OSError as error:
                # A red job makes people roll back, and what happened has happened.
                self._unwritten[path] = (
                    f"Warning: the report could not be written to {path}: {error.strerror or error}."
                    " Name a place in a folder that exists and can be written to."
                )


def write_so_far(paths: Sequence[str], run: Run) -> None:
    """Write what a run that goes on has come to, as a page and for machines.

    Nothing is said where that is not possible: the end of the run says so, and until then it is a by-product. JUnit's
    file is left to the end, since a build server takes what it finds there for a result.
    """
    record = run.record()
    for name in paths:
        with contextlib.suppress(OSError, InvalidInput):
            wanted = files(name)
            if len(wanted) > 1:
                wanted[0].parent.mkdir(exist_ok=True)
            for path in wanted:
                if path.suffix.lower() != ".xml":
                    _replace(path, FORMATS[path.suffix.lower()](record))


def files(name: str) -> list[Path]:
    """The files that a path stands for: itself by its ending, or a folder's C(FILES).

    Raises:
        InvalidInput: it ends as no report does.
    """
    path = Path(name)
    if name.endswith("/") or not path.suffix:
        return [path / file for file in FILES]
    if path.suffix.lower() in FORMATS:
        return [path]
    raise InvalidInput(
        [
            f"the report cannot be written to {name}: name a file that ends in .html, .json or .xml, or a folder"
            " with / at its end"
        ]
    )


def _replace(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, with the permissions that any new file would have."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        file.write(text)
    written = Path(file.name)
    try:
        mask = os.umask(0)
        os.umask(mask)
        written.chmod(0o666 & ~mask)
        written.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            written.unlink()
        raise
