# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of a deployment: who deploys, since when, and who may go on with it.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..core import journal, lease_owner
from ..core.errors import Locked, Overtaken
from ..core.model import Deployment, Lease
from ..core.passes import Change, Decision
from .progress import DeploymentProgress

if TYPE_CHECKING:
    from .rollout import Rollout


def new_lease(rollout: Rollout) -> Lease:
    """A lease for this deployer, from now."""
    now = int(rollout.aws_now())
    return Lease(rollout.deployer.owner, now, now + rollout.deployer.lease_duration)


def lease_tags(rollout: Rollout, deployment: Deployment, watching: float = 0.0) -> dict[str, str]:
    """The tags that take or renew the lease, keeping since when it has been held.

    C(watching) says until when metrics are watched (epoch seconds), while they are.
    """
    lease = dataclasses.replace(new_lease(rollout), watching=int(watching))
    if deployment.lease and deployment.lease.owner == lease.owner:
        lease = dataclasses.replace(lease, since=deployment.lease.since)
    return {journal.LEASE: journal.write_lease(lease)}


def ended_lease_tags(rollout: Rollout, deployment: Deployment) -> dict[str, str]:
    """The tags that give this run's lease back, so that the next may go on at once; none where it is not this run's."""
    lease, now = deployment.lease, int(rollout.aws_now())
    if lease is None or lease.owner != rollout.deployer.owner or lease.until <= now:
        return {}
    return {journal.LEASE: journal.write_lease(dataclasses.replace(lease, until=now))}


def held_by_other(rollout: Rollout, lease: Lease | None) -> bool:
    """Whether somebody else holds a lease: not this run, not run out, its process not known to be gone."""
    if lease is None or lease.owner == rollout.deployer.owner:
        return False
    return lease.until > rollout.aws_now() and not lease_owner.has_died(lease.owner)


def ensure_ours(
    rollout: Rollout, deployment: Deployment, progress: DeploymentProgress, attempted: str
) -> None:
    """See that the deployment is this run's to go on with.

    Raises:
        Overtaken: it had been, and somebody else has taken it over.
        Locked: somebody else is at it.
    """
    lease = deployment.lease
    ours = lease is not None and lease.owner == rollout.deployer.owner
    if ours:
        progress.owned = True
        return
    if progress.owned and lease is not None:
        who = lease_owner.in_words(lease.owner)
        raise Overtaken(
            attempted,
            answer=f"{who} has taken over deployment {deployment.deployment_id} of {deployment.group}",
            state="This run has stopped and touches nothing more.",
            advice=f"Talk to {who}.",
        )
    if held_by_other(rollout, lease) and not rollout.deployer.take_over:
        raise locked(rollout, deployment, attempted)


def taken_first(rollout: Rollout, deployment: Deployment, decision: Decision) -> Decision:
    """What a step has decided, where the deployment is this run's; else that it takes the lease over first.

    What was seen may be older than what the run before has written, which nobody remembers. No answer that shows the
    new lease is, so that all is decided on anew then.
    """
    lease = deployment.lease
    if not isinstance(decision, Change) or lease is None or lease.owner == rollout.deployer.owner:
        return decision
    tags = lease_tags(rollout, deployment)
    api = rollout.autoscaling
    return Change(decision.words, lambda: api.write_tags(deployment.group, tags), prelude=True)


def locked(rollout: Rollout, deployment: Deployment, attempted: str, *, other_inputs: bool = False) -> Locked:
    """The refusal where somebody else holds the lease.

    With C(other_inputs) it is refused to somebody who wants another deployment, who cannot go on with this one.
    """
    now = int(rollout.aws_now())
    # Only a lease that is held locks; without one there is nothing to tell but that.
    lease = deployment.lease or Lease("somebody else", now, now)
    left = max(0, lease.until - now)
    advice = (
        f"Wait for it to end, or until its lease runs out in {left} seconds if it has died; to take over now, set"
        " take_over (canary_take_over)."
    )
    if other_inputs:
        advice = (
            "It was started with other inputs: wait for it to end and run the same again. If it has died, its lease"
            f" runs out in {left} seconds; then go on with it by its own inputs, or roll it back with asg_rollback"
            " (playbooks/rollback.yml)."
        )
    return Locked(
        attempted,
        answer=f"{lease_owner.in_words(lease.owner)} has been deploying {deployment.image_id} as"
        f" {deployment.group} for {now - lease.since} seconds",
        state="Nothing was touched.",
        advice=advice,
    )


def needs_renewal(rollout: Rollout, deployment: Deployment) -> bool:
    """Whether the lease is not this run's, or half used up."""
    lease = deployment.lease
    if lease is None or lease.owner != rollout.deployer.owner:
        return True
    return lease.until - rollout.aws_now() < rollout.deployer.lease_duration / 2
