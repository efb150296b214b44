# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sandbox gets its time from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Clock(Protocol):
    """Time in epoch seconds, which stands still while something that was due earlier happens."""

    def now(self) -> float:
        """Return the time in epoch seconds."""
        ...

    def present(self) -> float:
        """Return the time in epoch seconds, also while something that was due earlier happens."""
        ...

    @contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """Let ``now()`` be ``moment`` within the block."""
        ...

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        ...

    def wait(self, seconds: float) -> None:
        """Return when ``seconds`` have passed."""
        ...


class _Holding:
    """A clock that can be held at an earlier moment, so that a late event bears its own time."""

    def __init__(self) -> None:
        self._held: float | None = None

    def _running(self) -> float:
        raise NotImplementedError

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self._running() if self._held is None else self._held

    def present(self) -> float:
        """Return the time in epoch seconds, also while something that was due earlier happens."""
        return self._running()

    @contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """Let ``now()`` be ``moment`` within the block."""
        before, self._held = self._held, moment
        try:
            yield
        finally:
            self._held = before


class RealClock(_Holding):
    """The computer's time, and as much more as was skipped."""

    def __init__(self) -> None:
        """Begin with nothing skipped."""
        super().__init__()
        self.skipped = 0.0

    def _running(self) -> float:
        return time.time() + self.skipped

    def advance(self, seconds: float) -> None:
        """Skip ``seconds``. What was due meanwhile happens at the world's next tick."""
        _check_forward(seconds)
        self.skipped += seconds

    def wait(self, seconds: float) -> None:
        """Sleep for ``seconds``."""
        time.sleep(seconds)


class VirtualClock(_Holding):
    """A time that passes only when it is told to, for tests that do not want to wait."""

    def __init__(self, start: float | None = None) -> None:
        """Begin at ``start`` (epoch seconds), or at the computer's time."""
        super().__init__()
        self._time = time.time() if start is None else start

    def _running(self) -> float:
        return self._time

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass. What was due meanwhile happens at the world's next tick."""
        _check_forward(seconds)
        self._time += seconds

    def wait(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        self.advance(seconds)


def _check_forward(seconds: float) -> None:
    if seconds < 0:
        raise ValueError(f"time does not run backwards: {seconds}")
