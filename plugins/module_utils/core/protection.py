# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Protection from scale-in: which instances it keeps in a group that is to shrink, and which get it back.

Auto Scaling lowers the desired capacity, and terminates no instance that is protected ("Use instance scale-in
protection", Amazon EC2 Auto Scaling User Guide).

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from .model import Group, Instance, Snapshot

LIFT = "lift"
REFUSE = "refuse"
WAYS = (LIFT, REFUSE)

# SetInstanceProtection takes 50 instances at most.
INSTANCES_A_CALL = 50
# How many characters of an instance's id tell it from the others of its group, and how many instances a tag has room
# for beside the rest of a snapshot. Of more of them only the number is kept.
MARK = 4
MOST_MARKS = 12


def protected(group: Group) -> list[Instance]:
    """The instances of a group that are in service and protected from scale-in, in the order of their ids."""
    return sorted((one for one in group.in_service if one.protected), key=lambda one: one.instance_id)


def held(group: Group, wanted: int) -> list[str]:
    """The ids of protected instances that must lose it for a group to come down to C(wanted) units, and no others."""
    unprotected = sum(one.weight for one in group.in_service if not one.protected)
    needed = group.units_in_service - wanted - unprotected
    found = []
    for one in protected(group):
        if needed <= 0:
            break
        found.append(one.instance_id)
        needed -= one.weight
    return found


def lifted(snapshot: Snapshot, group: Group, instance_ids: Iterable[str]) -> Snapshot:
    """A snapshot that also tells of the protection that is about to be lifted, and of how many there were at first."""
    marks = snapshot.lifted | {one[-MARK:] for one in instance_ids}
    return dataclasses.replace(
        snapshot,
        protected=snapshot.protected or len(protected(group)),
        lifted=marks if len(marks) <= MOST_MARKS else frozenset(),
    )


def to_protect(group: Group, snapshot: Snapshot) -> list[str]:
    """The ids of instances that get protection back, until as many have it as before.

    Those that had it come first, then others, which have come in place of those that are gone.
    """
    missing = snapshot.protected - len(protected(group))
    others = sorted(
        (one.instance_id for one in group.in_service if not one.protected),
        key=lambda one: (one[-MARK:] not in snapshot.lifted, one),
    )
    return others[: max(0, missing)]
