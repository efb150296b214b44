# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step of a deployment keeps from look to look.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core.model import Activity, Capacity
from ..core.progress import Progress


@dataclass
class Watch:
    """What is known of a group that is watched.

    C(since) is when the newest activity had begun at the beginning, or the oldest that was under way, by AWS's clock,
    and C(known) are those that had ended by then; C(activities) came later, the newest first. C(token) is where the
    next look goes on to read them, where there are more than a call returns. C(present) are the instances at the last
    look, and C(settled) those in service when the group had settled last.

    C(launches_take) and C(terminations_take) are how many seconds those usually took, and None where none is known;
    C(moves_since) is since when it is on its way, by this machine's clock, and C(stuck_since) since when it lacks
    something that nothing is about to mend.

    C(refreshed) says that its earlier activities tell of an instance refresh, which may be under way still.

    C(steady_since) is None while something is missing, and 0 where the group has stood as it should since before the
    step began.
    """

    begun: bool = False
    refreshed: bool = False
    since: float = 0.0
    known: list[str] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    token: str = ""
    present: list[str] | None = None
    arrived: bool = True
    settled: list[str] = field(default_factory=list)
    launches_take: float | None = None
    terminations_take: float | None = None
    moves_since: float | None = None
    stuck_since: float | None = None
    steady_since: float | None = 0.0


@dataclass
class DeploymentProgress(Progress):
    """What every step of a deployment keeps.

    C(series) is its name once it is found, and C(named) says that its names were compared; C(owned) says that the
    deployment was this run's at an earlier look; C(adopted) are sizes of groups that were taken over as the truth, and
    C(watched) the groups that are watched; C(raised_since) is when outgoing groups were first seen larger than planned;
    C(blocked_since) is since when something waits to begin. The alarms are read again at C(next_alarms), and a
    fresh baseline that AWS does not delete yet is tried again at C(delete_baseline_again), in seconds since the epoch.
    """

    series: str = ""
    named: bool = False
    owned: bool = False
    adopted: dict[str, Capacity] = field(default_factory=dict)
    watched: dict[str, Watch] = field(default_factory=dict)
    raised_since: dict[str, float] = field(default_factory=dict)
    next_alarms: float = 0.0
    delete_baseline_again: float = 0.0
    blocked_since: float | None = None

    def activities(self, group: str) -> list[dict[str, Any]]:
        """What a group was seen to do, as modules return it; the newest first."""
        watch = self.watched.get(group)
        return [one.as_result() for one in watch.activities] if watch else []
