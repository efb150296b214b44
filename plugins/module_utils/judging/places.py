# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What some instances share and no others do: an availability zone, or an instance type. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .datapoints import Series

# Of one instance nobody can tell whether it is itself, or where it is.
LEAST = 2


@dataclass(frozen=True)
class Place:
    """A zone, or an instance type: C(kind) says which, in words."""

    kind: str
    name: str

    @property
    def words(self) -> str:
        """How it is called: C(zone us-east-1b)."""
        return f"{self.kind} {self.name}"

    def has(self, series: Series) -> bool:
        """Whether an instance is there, or of that type."""
        return self in places_of(series)


def places_of(series: Series) -> tuple[Place, ...]:
    """Where an instance is, and what type it is of, as far as that is known."""
    known = (Place("zone", series.zone), Place("instance type", series.instance_type))
    return tuple(place for place in known if place.name)


def parts_of(canary: Sequence[Series]) -> Iterator[Place]:
    """The places of several, but not all, of a canary's instances, each set of instances once."""
    seen: set[tuple[int, ...]] = set()
    for place in dict.fromkeys(place for one in canary for place in places_of(one)):
        there = tuple(number for number, one in enumerate(canary) if place.has(one))
        if LEAST <= len(there) < len(canary) and there not in seen:
            seen.add(there)
            yield place


def shared_place(guilty: Sequence[Series], others: Sequence[Series]) -> Place | None:
    """What several instances share that none of the others has; None where there is no such thing."""
    if len(guilty) < LEAST or not others:
        return None
    for place in places_of(guilty[0]):
        if all(place.has(one) for one in guilty) and not any(place.has(one) for one in others):
            return place
    return None
