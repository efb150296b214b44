# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback is asked for, and what it keeps from look to look.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core import journal
from ..core.capacity import CAPACITY_FIRST, ROLLBACK_FLOOR, rollback_floor_problems
from ..core.health import LAUNCH_PATIENCE
from .health_watch import launch_patience_problems, settle_time_problems
from .withdrawal import WithdrawalProgress


@dataclass(frozen=True)
class RollBackOptions:
    """What the user asks for: the newest deployment of C(series), or the one that made C(group).

    C(settle_time) and C(launch_patience) are in seconds. With C(live_within), in seconds, only what went live at most
    so long before C(seen_at) (as C(journal.write_moment), now unless given) is taken back: nothing else is touched, nor
    is that a failure. With C(rollback_order) C(traffic) the new group is taken out of traffic first, where
    C(rollback_floor) of what was in service, a share from 0 to 1, remains.
    """

    group: str | None = None
    series: str | None = None
    keep_failed: bool = False
    settle_time: float = 10.0
    launch_patience: float = LAUNCH_PATIENCE
    live_within: float | None = None
    seen_at: str | None = None
    rollback_order: str = CAPACITY_FIRST
    rollback_floor: float = ROLLBACK_FLOOR

    def problems(self) -> list[str]:
        """Say all that is wrong with them by themselves; an empty list where nothing is."""
        problems = [
            *settle_time_problems(self.settle_time),
            *launch_patience_problems(self.launch_patience),
            *rollback_floor_problems(self.rollback_floor),
        ]
        if self.live_within is not None and not 0 <= self.live_within < float("inf"):
            problems.append(f"live_within is {self.live_within:g}; it must be 0 seconds or more")
        if self.seen_at is not None and journal.read_moment(self.seen_at) is None:
            problems.append(f"seen_at is {self.seen_at!r}; write it as 2026-03-04T12:00:00Z")
        if self.group is not None and not self.group.strip():
            problems.append("group is empty")
        return problems


@dataclass
class RollBackProgress(WithdrawalProgress):
    """What is being taken back, and what came of it so far.

    C(group) is the new group once found, C(configuration) the launch configuration that is left to be deleted, and
    C(unborn) what a set-up left that died before it made its group; C(swept) says that such was deleted. A deletion
    that AWS did not take is tried again at C(delete_again), in seconds since the epoch; that of C(alarms) is not.
    """

    group: str = ""
    restored: list[dict[str, Any]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    configuration: str | None = None
    unborn: dict[str, str] | None = None
    swept: bool = False
    delete_again: float = 0.0
    alarms: list[str] = field(default_factory=list)
