# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run while it goes on: written at the beginning and the end of each step, and every minute of it.

The last step of a run, C(canary_report), writes it once more as it ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.reporting.record import Run
from ansible_collections.progressive.aws.plugins.module_utils.reporting.run_record import extended
from ansible_collections.progressive.aws.plugins.module_utils.reporting.write_report import write_so_far

# Seconds between two writings in the middle of a step.
INTERVAL = 60.0
# What a step is doing, in words, by its module.
DOING = {
    "asg_setup": "setting up",
    "asg_upgrade": "upgrading",
    "cloudwatch_verify": "verifying",
    "asg_rollback": "rolling back",
    "asg_prune": "deleting old revisions",
}


class Following:
    """Follows one step of a run; where there is no path, it does nothing."""

    def __init__(
        self,
        paths: Sequence[str],
        earlier: Mapping[str, Any],
        module: str,
        options: Mapping[str, Any],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Follow a step of C(module) with its C(options), after the record of the C(earlier) ones."""
        self._paths = [path for path in paths if path]
        self._earlier, self._module, self._options = earlier, module, options
        self._clock = clock
        self._began = self._written = clock()
        self._events: list[Mapping[str, Any]] = []

    def begin(self) -> None:
        """Say that the step has begun; not of the first one, which may find that another run is at it, and writes."""
        if self._earlier:
            self._write({}, ())

    def event(self, event: Mapping[str, Any]) -> None:
        """Keep what was told."""
        self._events.append(event)

    def wait(self, so_far: Callable[[], Mapping[str, Any]], missing: Sequence[str]) -> None:
        """Say what the step has come to and waits for, if that was said long enough ago."""
        if self._clock() - self._written >= INTERVAL:
            self._write(so_far(), missing)

    def end(self, record: Mapping[str, Any]) -> None:
        """Say what the step has come to, by the record of the run."""
        if self._paths:
            write_so_far(self._paths, Run.so_far(record, "between two steps"))

    def _write(self, so_far: Mapping[str, Any], missing: Sequence[str]) -> None:
        self._written = now = self._clock()
        if not self._paths:
            return
        told = {"verdict": "running", **so_far, "events": list(self._events)}
        if self._module != "cloudwatch_verify":
            told.pop("verdict")
        record = extended(self._earlier, self._module, self._options, told, self._began, now)
        words = [DOING.get(self._module, "at work")]
        if missing:
            words.append(f"waits for {', '.join(missing)}")
        write_so_far(self._paths, Run.so_far(record, ", ".join(words)))
