# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the alarms that a deployment watches were in ALARM when it began: as short as a tag must be.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

# CloudWatch's word for an alarm whose condition holds; the others are OK and INSUFFICIENT_DATA.
ALARM = "ALARM"
# Characters of base64 that stand for an alarm, whose name may have 255: one in a quarter of a million.
WIDTH = 3


@dataclass(frozen=True)
class AlarmsAtStart:
    """The states of alarms when a deployment began; C(quiet) and C(firing) are digests of their names."""

    quiet: frozenset[str] = frozenset()
    firing: frozenset[str] = frozenset()

    def knows(self, name: str) -> bool:
        """Whether it is known what state the alarm was in."""
        return digest(name) in self.quiet | self.firing

    def was_firing(self, name: str) -> bool:
        """Whether the alarm was in ALARM."""
        return digest(name) in self.firing

    def extended(self, states: Mapping[str, str]) -> AlarmsAtStart:
        """The same with further alarms, by name with their state; what is known already stays."""
        new = {name: state for name, state in states.items() if not self.knows(name)}
        firing = {digest(name) for name, state in new.items() if state == ALARM}
        # Where two names have one digest, the alarm counts that says nothing by being in ALARM least.
        quiet = {digest(name) for name, state in new.items() if state != ALARM}
        return AlarmsAtStart(self.quiet | quiet, (self.firing | firing) - quiet)

    def write(self) -> str:
        """As a field of a tag: the digests of the quiet ones, then those in ALARM after a dot; empty for none."""
        if not self.quiet | self.firing:
            return ""
        return f"{''.join(sorted(self.quiet))}.{''.join(sorted(self.firing))}"


def read_alarms(text: str) -> AlarmsAtStart:
    """What C(AlarmsAtStart.write) wrote."""
    quiet, __, firing = text.partition(".")
    return AlarmsAtStart(_digests(quiet), _digests(firing))


def digest(name: str) -> str:
    """What stands for an alarm's name."""
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()[:WIDTH]


def _digests(text: str) -> frozenset[str]:
    return frozenset(text[first : first + WIDTH] for first in range(0, len(text), WIDTH))
