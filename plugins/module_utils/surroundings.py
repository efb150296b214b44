# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification asks of everything around CloudWatch: groups, load balancers, and the deployment's lease.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import journal
from .model import Group
from .passes import Change
from .rollout import Rollout


class AwsSurroundings:
    """Answers from AWS what verification asks of its surroundings."""

    def __init__(self, rollout: Rollout) -> None:
        """Use the engine's hands and eyes."""
        self._rollout = rollout

    def group(self, name: str) -> Group | None:
        """The group of that name, with its instances; None where there is none."""
        return self._rollout.autoscaling.group(name)

    def load_balancers(self, target_group_arns: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The ARNs of the load balancers behind each target group."""
        return self._rollout.load_balancing.load_balancers(target_group_arns)

    def upkeep(self, name: str, progress: dict[str, Any], attempted: str) -> Change | None:
        """Keep the lease of the run that verifies its own deployment, which would run out meanwhile.

        Raises:
            Overtaken: somebody else has taken the deployment over.
        """
        rollout, now = self._rollout, self._rollout.clock.now()
        # Looked at often enough that a lease which is renewed at half its life never runs out.
        if now < progress.get("upkeep", 0.0):
            return None
        progress["upkeep"] = now + rollout.deployer.lease_duration / 4
        group = self.group(name)
        deployment = journal.read_deployment(group) if group else None
        if deployment is None or deployment.status != journal.DEPLOYING or deployment.lease is None:
            return None
        if not progress.get("owned") and deployment.lease.owner != rollout.deployer.owner:
            # Somebody looks at a deployment that is another's; judging changes nothing.
            return None
        rollout.ensure_ours(deployment, progress, attempted)
        if not rollout.needs_renewal(deployment):
            return None
        tags = rollout.lease_tags(deployment)
        return Change((), lambda: rollout.autoscaling.write_tags(name, tags))
