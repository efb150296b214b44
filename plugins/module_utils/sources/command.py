# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series from any command that prints JSON, run where the module runs.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..judging.metric_source import Answer, NoAnswer, Question
from .http import LONGEST_TIMEOUT
from .json_series import read_series

# Argument spec, described in the fragment judging.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "argv": {"type": "list", "elements": "str"},
    "by_instance": {"type": "bool"},
    "timeout": {"type": "float"},
}
# So much of what a command says of its failure is shown.
LONGEST_WORDS = 300


@dataclass(frozen=True)
class Command:
    """A program and its arguments, with placeholders. No shell reads them."""

    argv: tuple[str, ...]
    by_instance: bool = False
    timeout: float = 10.0

    @property
    def words(self) -> str:
        """Which program."""
        return f"command {Path(self.argv[0]).name}" if self.argv else "a command"

    @property
    def address(self) -> str:
        """The program: where one call has hung, others would."""
        return self.argv[0] if self.argv else ""

    @property
    def templates(self) -> Sequence[str]:
        """The arguments."""
        return self.argv

    def problems(self) -> Iterator[str]:
        """Say what is wrong, a sentence each."""
        if not self.argv or not self.argv[0].strip():
            yield "argv is missing"
        if not (math.isfinite(self.timeout) and 0 < self.timeout <= LONGEST_TIMEOUT):
            yield f"timeout must be more than 0 and at most {LONGEST_TIMEOUT} seconds"

    def ask(self, question: Question) -> list[Answer]:
        """Run it and read what it prints.

        Raises:
            NoAnswer: it cannot be run, fails, takes too long, or prints something else.
        """
        argv = [question.put_into(argument) for argument in self.argv]
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NoAnswer(
                f"{self.words} did not end in {self.timeout:g} seconds", unreachable=True
            ) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise NoAnswer(f"{self.words} cannot be run: {reason}", refused=True) from error
        if done.returncode != 0:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())[-LONGEST_WORDS:]
            raise NoAnswer(f"{self.words} ended with {done.returncode}" + (f": {said}" if said else ""))
        try:
            found = json.loads(done.stdout)
        except ValueError as error:
            raise NoAnswer(f"{self.words} printed what is no JSON", refused=True) from error
        return read_series(self.words, found)


def read(option: Mapping[str, Any]) -> Command:
    """Read the options of C(OPTIONS)."""
    timeout = option.get("timeout")
    return Command(
        argv=tuple(str(argument) for argument in option.get("argv") or ()),
        by_instance=bool(option.get("by_instance")),
        timeout=10.0 if timeout is None else float(timeout),
    )
