# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a deployment that can go neither on nor back: what serves stays, and what cannot serve goes to 0.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core import journal
from ..core.capacity import sizes_of_what_serves
from ..core.errors import InvalidInput
from ..core.model import Capacity, Deployment, Group, Snapshot
from ..core.passes import Change, Decision, Done, Event, Tell
from ..core.protection import to_protect
from . import drift, fresh_baseline, traffic_shift
from .clean_up import unshield
from .lease import ensure_ours, lease_tags, taken_first
from .progress import DeploymentProgress
from .rollout import Rollout
from .series import Series, revision_info, short
from .series_names import refuse_other_names
from .series_search import nothing_to_take_back, unknown_group
from .withdrawal import is_withdrawn, put_back


@dataclass
class GiveUpProgress(DeploymentProgress):
    """The group of the deployment, once it is found; the groups that were C(kept) and C(emptied) when it ended."""

    group: str = ""
    kept: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)


class GiveUp:
    """The step that ends an unfinished deployment without going back.

    No instance is ended by it, but for those of a fresh baseline: each group gets as its desired capacity what it has
    in service or on its way, so that none goes on to want what it cannot get. Run again after it was killed, it
    goes on.
    """

    keeps = GiveUpProgress

    takes = 0.0

    def __init__(self, rollout: Rollout, *, series: str | None, group: str | None) -> None:
        """Give up the unfinished deployment of C(series), or the one that made C(group)."""
        self._rollout = rollout
        self._series, self._group = series, group
        self.subject = short(group) if group else str(series)
        self.attempted = (
            f"give up {f'the deployment of {group}' if group else f'the deployment of series {series}'}"
        )
        self.state = ""
        self._preview: dict[str, Any] = {}

    def look(self, progress: GiveUpProgress, tell: Tell) -> Decision:
        """See what serves, and what is still to be changed."""
        series = self._read(progress)
        refuse_other_names(self._rollout, series, progress)
        found = self._find(series, progress)
        if found is None:
            return self._end(series, progress, tell)
        group, deployment = found
        progress.group = group.name
        self.subject = short(group.name)
        ensure_ours(self._rollout, deployment, progress, self.attempted)
        return taken_first(self._rollout, deployment, self._next(series, group, deployment, progress))

    def _next(
        self, series: Series, group: Group, deployment: Deployment, progress: GiveUpProgress
    ) -> Decision:
        """What is next for a deployment that is given up."""
        strayed = drift.strayed(self._rollout, series, deployment)
        if strayed:
            # They serve, and the next deployment is to replace them.
            return Change(
                tuple(
                    f"take group {one.name}, which has lost its tags, into the series again"
                    for one in strayed
                ),
                lambda: drift.take_in(self._rollout, series, strayed),
            )
        outgoing = series.outgoing(deployment)
        if is_withdrawn(group, deployment) and group.in_service:
            # What is in service is to serve; a rollback had begun with taking it out.
            return Change(
                (
                    f"put group {group.name} into the target groups and load balancers of the outgoing groups again",
                ),
                lambda: put_back(self._rollout, group, deployment, outgoing),
            )
        # None of what is counted on below is in it.
        baselines = fresh_baseline.removal_now(self._rollout, series.baselines, progress)
        if baselines:
            return baselines
        if stay := traffic_shift.stay(self._rollout, group, deployment):
            return stay
        wanted = self._sizes(group, deployment, outgoing)
        self._preview = {
            **_nothing(),
            **_fates(wanted),
            "revisions": [revision_info(one) for one in series.groups],
        }
        capacities = {one.name: one.capacity for one in (group, *(one for one, __ in outgoing))}
        resize = {name: sizes for name, sizes in wanted.items() if capacities[name] != sizes}
        if resize:
            lease = lease_tags(self._rollout, deployment)

            def perform() -> None:
                self._rollout.autoscaling.write_tags(group.name, lease)
                for name, sizes in resize.items():
                    self._rollout.autoscaling.resize(name, sizes)

            return Change(tuple(f"resize group {name} to {sizes}" for name, sizes in resize.items()), perform)
        return Change(
            (f"end deployment {deployment.deployment_id} of {group.name} as things are",),
            lambda: self._give_up(group, outgoing, wanted, progress),
        )

    def preview(self) -> dict[str, Any]:
        """What check mode returns: the result that giving up would have."""
        return self._preview

    def _read(self, progress: GiveUpProgress) -> Series:
        if self._series is not None:
            return self._rollout.series(self._series)
        name = str(self._group)
        series = self._rollout.series_of(name, progress)
        if series is None:
            raise unknown_group(self._rollout, name, self.attempted)
        return series

    def _find(self, series: Series, progress: GiveUpProgress) -> tuple[Group, Deployment] | None:
        if progress.kept or progress.emptied:
            return None
        name = progress.group or self._group
        if name is None:
            return series.unfinished
        found = next((pair for pair in series.deployments if pair[0].name == name), None)
        if found is None:
            raise InvalidInput(
                [f"group {name} was not made by a deployment: it has no tag {journal.DEPLOYMENT}"]
            )
        return found if found[1].status in journal.UNFINISHED else None

    def _sizes(
        self, group: Group, deployment: Deployment, outgoing: Sequence[tuple[Group, Snapshot]]
    ) -> dict[str, Capacity]:
        usual = {group.name: deployment.capacity} | {
            one.name: snapshot.capacity for one, snapshot in outgoing
        }
        serving = {one.name: one.units_in_service for one in (group, *(one for one, __ in outgoing))}
        on_their_way = {
            one.name: sum(each.weight for each in one.instances if each.lifecycle_state.startswith("Pending"))
            for one in (group, *(one for one, __ in outgoing))
        }
        return sizes_of_what_serves(usual, serving, on_their_way)

    def _give_up(
        self,
        group: Group,
        outgoing: Sequence[tuple[Group, Snapshot]],
        wanted: dict[str, Capacity],
        progress: GiveUpProgress,
    ) -> None:
        api = self._rollout.autoscaling
        for one, snapshot in outgoing:
            if not wanted[one.name].desired_capacity and journal.revision(one):
                api.write_tags(one.name, {journal.STATUS: journal.SUPERSEDED})
            if ids := to_protect(one, snapshot):
                # What serves stays as it is, with the protection that the deployment had lifted.
                api.protect(one.name, ids, protected=True)
            unshield(self._rollout, one, snapshot, rolled_back=False)
        # Without its fingerprint the same inputs again are a new deployment, and not live already.
        tags = {journal.STATUS: journal.FAILED, journal.LEASE: "", journal.FINGERPRINT: ""}
        if wanted[group.name].desired_capacity:
            since = journal.write_moment(self._rollout.aws_now())
            tags |= {journal.STATUS: journal.LIVE, journal.LIVE_SINCE: since}
        # Last: as long as the deployment is unfinished, all of this can be done again.
        api.write_tags(group.name, tags)
        fates = _fates(wanted)
        progress.kept, progress.emptied = fates["kept"], fates["emptied"]

    def _end(self, series: Series, progress: GiveUpProgress, tell: Tell) -> Decision:
        baselines = fresh_baseline.removal(self._rollout, fresh_baseline.left_over(series), progress)
        if baselines:
            return baselines
        result = {
            **_nothing(),
            "kept": progress.kept,
            "emptied": progress.emptied,
            "revisions": [revision_info(group) for group in series.groups],
        }
        if not (progress.kept or progress.emptied):
            tell(nothing_to_take_back(self._rollout, series, self._group, self.attempted))
            return Done(result)
        there = {group.name: group for group in series.groups}
        for name in progress.kept:
            number = there[name].units_in_service if name in there else 0
            words = f"stays with {number} in service"
            if name == progress.group:
                words += "; the next deployment brings its scaling policies"
            tell(Event("settled", short(name), words))
        for name in progress.emptied:
            tell(Event("warning", short(name), "has nothing in service, and wants no instances any more"))
        return Done(result)


def _fates(wanted: dict[str, Capacity]) -> dict[str, list[str]]:
    kept = [name for name, sizes in wanted.items() if sizes.desired_capacity]
    return {"kept": kept, "emptied": [name for name in wanted if name not in kept]}


def _nothing() -> dict[str, Any]:
    return {"restored": [], "removed": [], "kept": [], "emptied": []}
