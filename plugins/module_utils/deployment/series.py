# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A series as it stands: its groups, which deployment made each, and what they are like now.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core import journal, lease_owner, naming
from ..core.model import Deployment, Group, Lease, Snapshot


@dataclass(frozen=True)
class Series:
    """All groups of a series, the newest revision first; C(baselines) are groups beside them that are no revisions."""

    name: str
    groups: tuple[Group, ...]
    baselines: tuple[Group, ...] = ()

    def group(self, name: str) -> Group | None:
        """The group of that name, if it is of the series."""
        return next((group for group in self.groups if group.name == name), None)

    @property
    def deployments(self) -> tuple[tuple[Group, Deployment], ...]:
        """The groups that a deployment brought about, each with it."""
        pairs = ((group, journal.read_deployment(group)) for group in self.groups)
        return tuple((group, deployment) for group, deployment in pairs if deployment)

    @property
    def unfinished(self) -> tuple[Group, Deployment] | None:
        """The deployment that is under way, with its group."""
        return next((pair for pair in self.deployments if pair[1].status in journal.UNFINISHED), None)

    @property
    def live(self) -> tuple[Group, Deployment] | None:
        """The newest revision that is live, with its deployment."""
        return next((pair for pair in self.deployments if pair[1].status == journal.LIVE), None)

    @property
    def stranded(self) -> list[tuple[Group, Snapshot]]:
        """The outgoing groups, with their snapshots, of a deployment whose own group is gone, deleted by somebody.

        Of the newest revision alone: an earlier one was replaced for good by what came after it.
        """
        newest = journal.read_snapshot(self.groups[0]) if self.groups else None
        if newest is None or newest.deployment_id in {one.deployment_id for __, one in self.deployments}:
            return []
        by_name = {group.name: group for group in self.groups}
        return [(by_name[one.group], one) for one in journal.outgoing(self.groups, newest.deployment_id)]

    def gone(self, deployment: Deployment) -> list[str]:
        """The names of the outgoing groups of a deployment that are not of the series any more.

        A revision is gone then; one that was adopted may only have lost the series' tag.
        """
        there = {group.name for group in self.groups}
        names = [naming.group_name(self.name, revision) for revision in deployment.outgoing]
        # Until the set-up is complete, one that is to be adopted may not have been marked yet.
        names += () if deployment.phase.preparing else deployment.adopted
        return [name for name in names if name not in there]

    def forgotten(self, deployment: Deployment) -> list[Group]:
        """The outgoing groups of a deployment that are there, and have no snapshot of it any more."""
        known = {group.name for group, __ in self.outgoing(deployment)}
        return [
            group
            for group in self.groups
            if (journal.revision(group) in deployment.outgoing or group.name in deployment.adopted)
            and group.name not in known
        ]

    def outgoing(self, deployment: Deployment) -> list[tuple[Group, Snapshot]]:
        """The outgoing groups of a deployment with their snapshots, the newest revision first."""
        by_name = {group.name: group for group in self.groups}
        snapshots = journal.outgoing(self.groups, deployment.deployment_id)
        return [(by_name[one.group], one) for one in snapshots if one.group != deployment.group]


def revision_info(group: Group) -> dict[str, Any]:
    """A revision as C(asg_series_info) returns it."""
    deployment = journal.read_deployment(group)
    return {
        "name": group.name,
        "revision": journal.revision(group),
        "status": journal.status(group) if journal.revision(group) else "adopted",
        **group.capacity.as_result(),
        "in_service": group.units_in_service,
        "instances": list(group.instance_ids),
        "suspended_processes": sorted(group.suspended),
        "image_id": deployment.image_id if deployment else "",
        "deployment_id": deployment.deployment_id if deployment else "",
        "live_since": journal.live_since(group) if journal.status(group) == journal.LIVE else "",
        "lease": _lease(deployment.lease) if deployment and deployment.lease else None,
    }


def _lease(lease: Lease) -> dict[str, Any]:
    return {**dataclasses.asdict(lease), "held_by": lease_owner.in_words(lease.owner)}


def state_of(groups: Sequence[Group]) -> str:
    """What groups are like now, for messages: C(Now: checkout__prod__7 has 1 of 2 in service.)"""
    if not groups:
        return ""
    words = [
        f"{one.name} has {one.units_in_service} of {one.capacity.desired_capacity} in service"
        for one in groups
    ]
    return f"Now {', '.join(words)}."


def short(name: str) -> str:
    """A group's short name, for lines."""
    return naming.short_name(name)
