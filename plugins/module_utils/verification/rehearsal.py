# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verification of each phase will look at, found out before anything is touched.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import InvalidInput
from ..deployment.rollout import Rollout
from .checks import Preparation
from .fleet import AwsSurroundings
from .settings import Settings


@dataclass(frozen=True)
class Rehearsal:
    """The verifications of a deployment: of each phase its name, and how its settings are read for a group.

    The function raises InvalidInput where the options cannot be right. A phase without verification has None.
    """

    phases: Sequence[tuple[str, Callable[[str, Mapping[str, Any]], Settings] | None]]

    def plan(
        self, rollout: Rollout, group: str, planned: Sequence[Mapping[str, Any]]
    ) -> tuple[list[str], list[tuple[str, str]]]:
        """Ask CloudWatch about each verification.

        C(planned) are the phases as a set-up plans them, with the instances of the C(new) group and C(outgoing) ones;
        none where they could not be planned. Returns what is wrong, and what there is to tell: a kind of event with
        its words.
        """
        problems: list[str] = []
        lines: list[tuple[str, str]] = []
        for number, (name, settings_for) in enumerate(self.phases):
            if settings_for is None:
                continue
            sizes = planned[number] if number < len(planned) else {}
            try:
                plan, warnings = self._plan(rollout, settings_for(group, expected(sizes)))
            except InvalidInput as error:
                problems += [f"the verification of {name}: {problem}" for problem in error.problems]
                continue
            lines += [("warning", f"{name}: {words}") for words in warnings]
            lines += [("plan", f"{name}: {words}") for words in plan]
        return problems, lines

    def _plan(self, rollout: Rollout, settings: Settings) -> tuple[Sequence[str], Sequence[str]]:
        now = rollout.clock.now()
        surroundings = AwsSurroundings(rollout)
        preparation = Preparation(settings, rollout.cloudwatch, surroundings, check_mode=True)
        __, planned = preparation.prepare(now + settings.warmup, now)
        return planned.plan, planned.warnings


def expected(sizes: Mapping[str, Any]) -> dict[str, int]:
    """How many instances there will be to judge and to compare with, by what a set-up plans of a phase."""
    if not sizes:
        return {}
    found = {"expected_instances": int(sizes["new"])}
    # Where there are no outgoing groups, as on a first deployment, there will be nothing to compare with.
    if sizes.get("outgoing_groups"):
        found["expected_baseline_instances"] = int(sizes.get("baseline") or sizes["outgoing"])
    return found
