# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live group that this collection did not make, taken into a deployment as an outgoing group.

While it takes part it carries the series' tag and its snapshot, and no more: by that it is told from a revision, which
says what deployment made it. It is shrunk, and restored by a rollback, which takes both tags off again; never deleted.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ..copying.inventory import MOST_TAGS
from ..core import health, journal
from ..core.model import Group
from .rollout import SCALING_PROCESSES, Rollout
from .series import Series

# The tags that it gets: the series', and the snapshot.
OWN_TAGS = frozenset({journal.SERIES, journal.BEFORE})


@dataclass(frozen=True)
class Adoption:
    """The group to adopt, where there is one with capacity to take over; C(words) say so where there is none."""

    group: Group | None = None
    words: str = ""
    problems: tuple[str, ...] = ()


def find(rollout: Rollout, series: Series, name: str | None) -> Adoption:
    """See whether a group of that name can be adopted by a series.

    Where the series is live already, a group that is gone or empty is one that was adopted before.
    """
    if not name:
        return Adoption()
    group = series.group(name) or rollout.autoscaling.group(name)
    if group is None or group.being_deleted:
        if series.live:
            return Adoption(words=f"{name} is gone, and needs not be adopted any more")
        return Adoption(problems=(f"there is no group {name} to adopt in this region",))
    owned = _owner_problem(series, group)
    if owned:
        return Adoption(problems=(owned,))
    if group.capacity.desired_capacity == 0 and not group.instances:
        return Adoption(words=f"{name} has no instances to take over")
    # With problems too: what it has running tells the sizes that are the same as running.
    return Adoption(group, problems=tuple(_problems(group)))


def _owner_problem(series: Series, group: Group) -> str:
    owner = group.tags.get(journal.SERIES)
    if owner and owner != series.name:
        return f"group {group.name} cannot be adopted, because it is of series {owner}"
    if journal.is_baseline(group):
        return f"group {group.name} cannot be adopted: it is the fresh baseline of a deployment, which removes it"
    if journal.read_deployment(group):
        return f"group {group.name} is a revision of series {series.name} already; it is outgoing without being adopted"
    return ""


def _problems(group: Group) -> list[str]:
    problems = health.process_problems(group.name, group.suspended)
    # Those of AWS's own (aws:...) do not count ("Tag restrictions", EC2 user guide).
    own = {key for key in group.tags if not key.startswith("aws:")}
    excess = len(own | OWN_TAGS) - MOST_TAGS
    if excess > 0:
        problems.append(
            f"group {group.name} cannot be adopted: it has {len(own)} tags, the journal of a deployment needs"
            f" {len(OWN_TAGS)} more, and AWS allows {MOST_TAGS}; remove {excess} from it"
        )
    return problems


def as_before(group: Group) -> Group:
    """A group as it was before a deployment adopted and shielded it; any other as it is.

    What it is a base for must not have the shield's suspended processes.
    """
    snapshot = journal.read_snapshot(group)
    if snapshot is None or group.tags.get(journal.DEPLOYMENT):
        return group
    shield = SCALING_PROCESSES - snapshot.suspended
    described = dict(group.described)
    described["SuspendedProcesses"] = [
        one for one in described.get("SuspendedProcesses") or () if one["ProcessName"] not in shield
    ]
    return dataclasses.replace(group, suspended=group.suspended - shield, described=described)
