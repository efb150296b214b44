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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import RolloutError
from .passes import Change, Decision, Done, Event
from .summary import Run


class Report:
    """The step that reports a run.

    Its file is a by-product, as a log is: writing it is no change.
    """

    state = ""
    takes = 0.0
    subject = "report"

    def __init__(self, run: Run, path: str | None) -> None:
        """Report the run, also to a file where C(path) names one."""
        self.attempted = f"write the report to {path}" if path else "report"
        self._run = run
        self._path = Path(path) if path else None
        self._text = json.dumps(run.record(), indent=2) + "\n"

    def look(self, progress: dict[str, Any], tell: Callable[[Event], None]) -> Decision:
        """Tell what the run came to, once, and see whether the file says so already."""
        if not progress.get("told"):
            progress["told"] = True
            for event in self._run.events():
                tell(event)
        if self._path and self._read(self._path) != self._text:
            path = self._path
            return Change((), lambda: self._write(path))
        return Done(self.preview())

    def preview(self) -> Mapping[str, Any]:
        """The record, and where it is."""
        return {"report": self._run.record(), "report_path": str(self._path) if self._path else None}

    def _read(self, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    def _write(self, path: Path) -> None:
        try:
            _replace(path, self._text)
        except OSError as error:
            raise RolloutError(
                self.attempted,
                answer=error.strerror or str(error),
                advice="Name a file in a folder that exists and can be written to.",
            ) from error


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
