# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outgoing instances that are protected from scale-in, and have to go.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core import journal
from ..core.errors import RolloutError
from ..core.model import Capacity, Group, Snapshot
from ..core.protection import REFUSE, held, lifted
from .progress_lines import instances
from .rollout import Rollout

# The protected instances that keep a group from its size, by the group's name.
Lifts = Mapping[str, Sequence[str]]


def find_lifts(
    outgoing: Sequence[tuple[Group, Snapshot]],
    sizes: Mapping[str, Capacity],
    resize: Mapping[str, Capacity],
    *,
    way: str,
    attempted: str,
    state: str,
) -> dict[str, list[str]]:
    """The protected instances that keep an outgoing group from its size, by group; of those whose turn it is.

    C(way) is what is done about them, C(core.protection.WAYS).

    Raises:
        RolloutError: there are some, and their protection is not to be lifted.
    """
    found = {
        group.name: ids
        for group, __ in outgoing
        if group.name in resize or group.capacity == sizes[group.name]
        if (ids := held(group, sizes[group.name].desired_capacity))
    }
    if found and way == REFUSE:
        words = ", ".join(f"{instances(len(ids))} of {name}" for name, ids in found.items())
        raise RolloutError(
            attempted,
            answer=f"{words} must go, and are protected from scale-in",
            state=state,
            advice="Lift their protection, or let it be lifted with scale_in_protection=lift"
            " (canary_scale_in_protection), or roll back.",
        )
    return found


def lift(rollout: Rollout, outgoing: Sequence[tuple[Group, Snapshot]], lifts: Lifts) -> None:
    """Lift the protection that was found."""
    # Written down first, so that a rollback gives it back, whatever happens in between.
    for group, snapshot in outgoing:
        if ids := lifts.get(group.name):
            tags = {journal.BEFORE: journal.write_snapshot(lifted(snapshot, group, ids))}
            rollout.autoscaling.write_tags(group.name, tags)
            rollout.autoscaling.protect(group.name, ids, protected=False)
