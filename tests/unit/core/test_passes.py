# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a step: no loop goes round without time passing, however a step decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import TimedOut
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    Change,
    Decision,
    Done,
    Tell,
    Timing,
    Wait,
    run_pass,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.progress import Progress

TIMING = Timing(wait_timeout=100, poll_interval=5.0)


class Pretended:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Unmoved:
    """A step whose changes have no effect that it could see, for so many looks."""

    keeps = Progress
    attempted = subject = "something"
    state = ""
    takes = 0.0

    def __init__(self, clock: Pretended, *words: str) -> None:
        self.clock, self.words = clock, list(words)
        self.made: list[tuple[float, str]] = []

    def look(self, progress: Progress, tell: Tell) -> Decision:
        if not self.words:
            return Done({})
        word = self.words[0]

        def perform() -> None:
            self.words.pop(0)
            self.made.append((self.clock.now(), word))

        return Change((word,), perform)

    def preview(self) -> Mapping[str, Any]:
        return {}


@pytest.mark.parametrize("by_passes", [False, True])
def test_a_change_that_is_made_again_waits_and_another_one_does_not(by_passes: bool) -> None:
    clock = Pretended()
    step = Unmoved(clock, "delete it", "delete it", "delete it", "delete the rest")
    progress: dict[str, Any] = {}
    while by_passes and step.words:
        progress = run_pass(step, progress, clock, TIMING).progress
    if not by_passes:
        run_to_the_end(step, clock, TIMING)
    assert step.made == [(0, "delete it"), (5, "delete it"), (10, "delete it"), (10, "delete the rest")]


class Patient(Unmoved):
    """A step that waits for something that usually takes long."""

    def look(self, progress: Progress, tell: Tell) -> Decision:
        return Wait(("everything",), 60.0)


def test_nothing_waits_longer_than_it_may_for_what_usually_takes_long() -> None:
    clock = Pretended()
    with pytest.raises(TimedOut, match="not done after 20 seconds; still missing: everything"):
        run_to_the_end(Patient(clock), clock, Timing(wait_timeout=20, poll_interval=1.0))
    assert clock.time == 20
