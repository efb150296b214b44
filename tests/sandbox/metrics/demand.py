# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load that is shared by those who serve it: the more instances there are, the less has each to do.

So policies that follow CPU or requests for each target act by themselves ("CPUUtilization [...] decreases as capacity
increases", "Choose metrics" in "Target tracking scaling policies for Amazon EC2 Auto Scaling"). Without a demand each
instance has its image's own load, however many there are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sandbox.world import InstanceRecord, World

#: Of an instance at a moment (epoch seconds): its load, as a share of the usual one of its image.
Share = Callable[[float], float]


@dataclass(frozen=True)
class Change:
    """From a moment on (epoch seconds) so many instances' usual load comes to groups whose names begin like this."""

    since: float
    groups: str
    instances: float


class Demand:
    """The loads that come to groups, and how they came to change."""

    def __init__(self, world: World) -> None:
        """Begin without any."""
        self._world = world
        self.changes: list[Change] = []

    def set(self, groups: str, instances: float) -> None:
        """Let so many instances' usual load come to the groups whose names begin with C(groups), from now on."""
        self.changes.append(Change(self._world.now(), groups, instances))

    def shares(self, records: Iterable[InstanceRecord]) -> dict[str, Share]:
        """Return what each instance gets of the loads, by its id; those that get none of any are left out."""
        if not self.changes:
            return {}
        found: dict[str, Share] = {}
        known = list(records)
        for groups in dict.fromkeys(change.groups for change in self.changes):
            those = [one for one in known if (one.group_name or "").startswith(groups)]
            load = _load([change for change in self.changes if change.groups == groups], those)
            found |= {one.instance_id: _share_of(one, load) for one in those}
        return found


def _load(changes: list[Change], records: list[InstanceRecord]) -> Share:
    """Return what each of the instances in service has to do at a moment."""
    steps = sorted(
        (moment, step)
        for one in records
        if one.in_service_at is not None
        for moment, step in ((one.in_service_at, 1), (one.terminated_at, -1))
        if moment is not None
    )
    moments, serving, number = [moment for moment, __ in steps], [0], 0
    for __, step in steps:
        number += step
        serving.append(number)
    since = [change.since for change in changes]

    def load(at: float) -> float:
        index = bisect_right(since, at)
        if not index:
            return 1.0
        return changes[index - 1].instances / max(1, serving[bisect_right(moments, at)])

    return load


def _share_of(record: InstanceRecord, load: Share) -> Share:
    def share(at: float) -> float:
        # Nobody asks anything of what is not in service yet.
        return load(at) if record.in_service_at is not None and record.in_service_at <= at else 0.0

    return share
