# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last step of a run that does a part of a deployment: its lease is given back, so that another run may go on.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core import journal
from ..core.passes import Change, Decision, Done, Step, Tell
from ..core.progress import Progress
from .lease import ended_lease_tags
from .rollout import Rollout


class HandOver:
    """A step, and after it the end of the lease; a group that is live, or another run's, has none to give back."""

    def __init__(self, step: Step, rollout: Rollout, group: str) -> None:
        """Do C(step), which is about a deployment's new group."""
        self._step = step
        self._rollout = rollout
        self._group = group
        self._given_back: Done | None = None
        self.subject = step.subject
        self.attempted = step.attempted
        self.state = ""
        self.takes = 0.0

    @property
    def keeps(self) -> type[Progress]:
        """What the step keeps: to give the lease back again does no harm."""
        return self._step.keeps

    def look(self, progress: Any, tell: Tell) -> Decision:
        """See what the step decides, and end the lease where it is done."""
        if self._given_back:
            return self._given_back
        decision = self._step.look(progress, tell)
        self.subject, self.state, self.takes = self._step.subject, self._step.state, self._step.takes
        if not isinstance(decision, Done):
            return decision
        group = self._rollout.autoscaling.group(self._group)
        deployment = journal.read_deployment(group) if group else None
        tags = ended_lease_tags(self._rollout, deployment) if deployment else {}
        return Change((), lambda: self._give_back(tags, decision)) if tags else decision

    def preview(self) -> Mapping[str, Any]:
        """The step's own."""
        return self._step.preview()

    def _give_back(self, tags: dict[str, str], done: Done) -> None:
        self._rollout.autoscaling.write_tags(self._group, tags)
        self._given_back = done
