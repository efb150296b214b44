# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention: earlier revisions without instances go, but for the newest of them.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..aws.auto_scaling import PROTECTED
from ..core import journal
from ..core.errors import InvalidInput
from ..core.model import Group
from ..core.passes import Change, Decision, Done, Tell, Wait
from . import fresh_baseline, group_alarms
from .clean_up import found_after_all, launch_sources, orphaned_templates, own_alarms, remove_launch_sources
from .progress import DeploymentProgress
from .rollout import Rollout
from .series import Series, revision_info
from .series_names import refuse_other_names


@dataclass(frozen=True)
class PruneOptions:
    """Of the earlier revisions of C(series), those without instances, C(keep) are kept."""

    series: str
    keep: int = 3


@dataclass
class PruneProgress(DeploymentProgress):
    """C(deleted) groups, those C(skipped) since something of them still moves, and launch C(configurations) left.

    C(alarms) are those whose deletion was tried; one that a composite alarm refers to stays. C(pools) are the groups
    whose warm pools were deleted.
    """

    deleted: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    configurations: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    pools: list[str] = field(default_factory=list)


class Prune:
    """The step that deletes old revisions."""

    keeps = PruneProgress

    state = ""
    takes = 0.0

    def __init__(self, rollout: Rollout, options: PruneOptions) -> None:
        """Prune as the options ask for.

        Raises:
            InvalidInput: the options by themselves cannot be right.
        """
        if options.keep < 0:
            raise InvalidInput([f"keep is {options.keep}; it must be 0 or more"])
        self._rollout = rollout
        self._options = options
        self._preview: Mapping[str, Any] = {}
        self.subject = options.series
        self.attempted = f"delete old revisions of series {options.series}"

    def look(self, progress: PruneProgress, tell: Tell) -> Decision:
        """See which revisions are to go, and what is left of those that went."""
        series = self._rollout.series(self._options.series)
        refuse_other_names(self._rollout, series, progress)
        going = [group for group in series.groups if group.being_deleted]
        skipped = progress.skipped
        to_delete = [
            group
            for group in _empty_earlier(series)[self._options.keep :]
            if group not in going and group.name not in skipped
        ]
        kept = [group.name for group in series.groups if group not in to_delete and group not in going]
        deleted = list(progress.deleted)
        revisions = [revision_info(group) for group in series.groups if group.name in kept]
        self._preview = {
            "deleted": deleted + [group.name for group in to_delete],
            "kept": kept,
            "revisions": revisions,
        }
        pools = [
            group.name
            for group in to_delete
            if group.warm_pool and not group.warm_pool_leaves and group.name not in progress.pools
        ]
        baselines = fresh_baseline.removal(self._rollout, fresh_baseline.left_over(series), progress)
        if baselines:
            return baselines
        if pools:
            # With its warm pool AWS does not delete a group.
            return Change(
                tuple(f"delete the warm pool of group {name}" for name in pools),
                lambda: self._delete_pools(pools, progress),
            )
        ready = [group for group in to_delete if not group.instances and not group.warm_pool]
        if ready:
            return Change(
                tuple(f"delete group {group.name}" for group in ready),
                lambda: self._delete(series.name, ready, progress),
            )
        if to_delete:
            return Wait(tuple(f"the end of what leaves {group.name}" for group in to_delete))
        if going:
            return Wait(tuple(f"the end of the deletion of {group.name}" for group in going))
        configurations = progress.configurations
        templates = orphaned_templates(self._rollout, series)
        alarms = group_alarms.orphans(self._rollout, series, progress.alarms)
        if configurations or templates or alarms:
            words = [f"delete launch template {one}" for one in templates]
            return Change(
                (*words, *(f"delete alarm {one}" for one in alarms)),
                lambda: self._delete_sources(templates, alarms, progress),
            )
        return Done({"deleted": deleted, "kept": kept, "revisions": revisions})

    def preview(self) -> Mapping[str, Any]:
        """What check mode returns: the result that pruning would have."""
        return self._preview

    def _delete_pools(self, names: list[str], progress: PruneProgress) -> None:
        for name in names:
            self._rollout.autoscaling.delete_warm_pool(name)
            progress.pools.append(name)

    def _delete(self, series: str, groups: list[Group], progress: PruneProgress) -> None:
        for group in groups:
            # Templates have tags to be found by afterwards; a launch configuration has only its name.
            configuration = launch_sources(self._rollout, series, group.name)[1]
            alarms = own_alarms(self._rollout, group.name)
            alarms += group_alarms.copies(self._rollout, series, group.name)
            if not self._rollout.autoscaling.delete_group(group.name):
                # Something of it still moves; the next clean-up comes with the next deployment.
                progress.skipped.append(group.name)
                continue
            progress.deleted.append(group.name)
            # Only now: with its group still there, an alarm may be needed again.
            self._rollout.cloudwatch.delete_alarms(alarms)
            if configuration:
                progress.configurations.append(configuration)

    def _delete_sources(
        self, templates: Mapping[str, str], alarms: list[str], progress: PruneProgress
    ) -> None:
        progress.alarms += alarms
        self._rollout.cloudwatch.delete_alarms(alarms)
        for configuration in progress.configurations:
            remove_launch_sources(self._rollout, [], configuration)
        if not found_after_all(self._rollout, templates.values()):
            remove_launch_sources(self._rollout, templates, None)
        progress.configurations = []


def _empty_earlier(series: Series) -> list[Group]:
    """The revisions that hold no capacity and take no part in what is live or under way, the newest first."""
    busy = {group.name for pair in (series.live, series.unfinished) if pair for group in pair[:1]}
    if series.unfinished:
        busy |= {group.name for group, __ in series.outgoing(series.unfinished[1])}
    return [
        group
        for group in series.groups
        if group.name not in busy
        and journal.read_deployment(group)
        # Whoever protects a revision wants to keep it.
        and group.described.get("DeletionProtection") != PROTECTED
        # What is leaving is no capacity; such a one counts among those to keep, and is deleted once all have left.
        and all(one.leaving for one in group.instances)
        and group.capacity.desired_capacity == 0
    ]
