# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rollback: the outgoing groups get back what they had and settle, and only then the new group goes.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..aws.auto_scaling import PROTECTED
from ..core import journal
from ..core.capacity import NextStep, Standing, next_step, pinned
from ..core.errors import InvalidInput, LaunchFailed
from ..core.model import Capacity, Deployment, Group, Snapshot
from ..core.naming import series_of_revision
from ..core.passes import Change, Decision, Done, Event, Tell, Wait
from ..core.protection import held, to_protect
from . import drift, fresh_baseline, group_alarms, traffic_shift
from .clean_up import (
    found_after_all,
    launch_sources,
    orphaned_templates,
    own_alarms,
    remove_launch_sources,
    unborn,
    unshield,
)
from .health_watch import standing
from .lately_live import not_lately_live
from .lease import ensure_ours, lease_tags, needs_renewal, taken_first
from .roll_back_options import RollBackOptions, RollBackProgress
from .rollout import SCALING_PROCESSES, Rollout
from .series import Series, revision_info, short, state_of
from .series_names import refuse_other_names
from .series_search import nothing_to_take_back
from .withdrawal import draining, find_withdrawal, is_withdrawn

# Seconds until a deletion that AWS did not take yet is tried again.
BETWEEN_DELETIONS = 3.0


class RollBack:
    """The step that takes a deployment back."""

    keeps = RollBackProgress

    takes = 0.0
    # What else there is to do where it does not get there.
    way_out = f" {drift.GIVE_UP}."

    def __init__(self, rollout: Rollout, options: RollBackOptions) -> None:
        """Roll back as the options ask for.

        Raises:
            InvalidInput: the options by themselves cannot be right.
        """
        problems = options.problems()
        if problems:
            raise InvalidInput(problems)
        self._rollout = rollout
        self._options = options
        self.subject = short(options.group) if options.group else str(options.series)
        self.attempted = f"roll back {options.group or f'the newest deployment of series {options.series}'}"
        self.state = ""
        self._preview: dict[str, Any] = {}

    # ---------------------------------------------------------------- deciding

    def look(self, progress: RollBackProgress, tell: Tell) -> Decision:
        """See what is still to be put back, and what is next."""
        series = self._series(progress)
        refuse_other_names(self._rollout, series, progress)
        options = self._options
        if options.live_within is not None and not progress.group:
            why = not_lately_live(self._rollout, series, options.group, options.live_within, options.seen_at)
        else:
            why = ""
        if why:
            tell(Event("settled", self.subject, f"nothing is taken back: {why}"))
            return Done({**_nothing(), "revisions": [revision_info(one) for one in series.groups]})
        name = progress.group or self._options.group
        if not name and not series.unfinished and series.stranded:
            return self._restore_stranded(series, progress, tell)
        name = name or self._newest(series, progress)
        group = series.group(name) if name else None
        if name is None or group is None:
            if series.stranded:
                return self._restore_stranded(series, progress, tell)
            return self._sweep(series, name, progress, tell)
        progress.group = name
        deployment = self._deployment(group)
        self.subject = short(name)
        self.attempted = f"roll back deployment {deployment.deployment_id} of {name}"
        outgoing = series.outgoing(deployment)
        self.state = _kept_words(group, deployment, [one for one, __ in outgoing])
        if group.being_deleted:
            return Wait((f"the end of the deletion of {name}",))
        if deployment.status == journal.FAILED and self._options.keep_failed:
            baselines = fresh_baseline.removal(self._rollout, fresh_baseline.left_over(series), progress)
            if baselines:
                return baselines
            revisions = [revision_info(one) for one in series.groups]
            return Done({**_nothing(), "kept": [name], "revisions": revisions})
        ensure_ours(self._rollout, deployment, progress, self.attempted)
        decision = self._next(series, group, deployment, outgoing, progress, tell)
        return taken_first(self._rollout, deployment, decision)

    def _next(
        self,
        series: Series,
        group: Group,
        deployment: Deployment,
        outgoing: Sequence[tuple[Group, Snapshot]],
        progress: RollBackProgress,
        tell: Tell,
    ) -> Decision:
        """What is next for a deployment that is to be taken back, or being so."""
        drift.refuse_gone(self._rollout, series, deployment, group, self.attempted, self.state)
        if deployment.status != journal.ROLLING_BACK:
            return self._begin(series, group, deployment, outgoing, progress)
        if group.staying or group.capacity.desired_capacity:
            # Later the tags are gone because it has let the outgoing groups go.
            found = drift.find_forgotten(self._rollout, series, deployment, self.attempted, self.state)
            if found:
                return found
        if not progress.restored:
            progress.restored = [snapshot.as_result() for __, snapshot in outgoing]
        return self._go_on(series, group, deployment, outgoing, progress, tell)

    def preview(self) -> dict[str, Any]:
        """What check mode returns: the result that the rollback would have."""
        return self._preview

    def _series(self, progress: RollBackProgress) -> Series:
        if self._options.series is not None:
            return self._rollout.series(self._options.series)
        group = str(self._options.group)
        series = self._rollout.series_of(group, progress)
        # A group that is gone leaves its name, which tells the series.
        return series or self._rollout.series(series_of_revision(group) or group)

    def _deployment(self, group: Group) -> Deployment:
        deployment = journal.read_deployment(group)
        if deployment is None:
            raise InvalidInput(
                [f"group {group.name} was not made by a deployment: it has no tag {journal.DEPLOYMENT}"]
            )
        if deployment.status == journal.SUPERSEDED:
            raise InvalidInput(
                [
                    f"group {group.name} is superseded by a later revision; take the later one back to return to it"
                ]
            )
        return deployment

    def _begin(
        self,
        series: Series,
        group: Group,
        deployment: Deployment,
        outgoing: Sequence[tuple[Group, Snapshot]],
        progress: RollBackProgress,
    ) -> Decision:
        if deployment.status == journal.LIVE and not outgoing:
            raise InvalidInput(
                [
                    f"group {group.name} is live, and there is no earlier group to go back to;"
                    " deploy another image instead"
                ]
            )
        if deployment.status == journal.DEPLOYING and not deployment.phase.finishing:
            adoption = drift.look_for(
                self._rollout, series, deployment, progress, self.attempted, going_back=True
            )
            if adoption:
                return adoption
        restored = [snapshot.as_result() for __, snapshot in outgoing]
        fate = "kept" if self._options.keep_failed else "removed"
        self._preview = {**_nothing(), "restored": restored, fate: [group.name]}
        words = [f"take deployment {deployment.deployment_id} of {group.name} back"]
        words += [f"bring {snapshot.group} back to {snapshot.capacity}" for __, snapshot in outgoing]
        words += [f"remove fresh baseline {one.name}" for one in series.baselines]
        active = SCALING_PROCESSES - group.suspended if deployment.phase.finishing else frozenset()

        def perform() -> None:
            api = self._rollout.autoscaling
            for one, __ in outgoing:
                # Until it has what it had, its policies would resize it as well, where they may.
                if deployment.scale_out and (running := SCALING_PROCESSES - one.suspended):
                    api.suspend(one.name, running)
            api.write_tags(
                group.name, {journal.STATUS: journal.ROLLING_BACK, **lease_tags(self._rollout, deployment)}
            )
            if active:
                # From now on nothing but this rollback resizes it.
                api.suspend(group.name, active)

        return Change(tuple(words), perform)

    def _go_on(
        self,
        series: Series,
        group: Group,
        deployment: Deployment,
        outgoing: Sequence[tuple[Group, Snapshot]],
        progress: RollBackProgress,
        tell: Tell,
    ) -> Decision:
        withdrawal = self._traffic_first(group, deployment, outgoing, progress, tell)
        if withdrawal:
            return withdrawal
        restored = self._restored(outgoing, progress, tell)
        step = next_step([restored])
        if not step.resize and not step.wait_for:
            back = self._actions_back(group, deployment, outgoing, progress, tell, restored=True)
            if back:
                return back
        if not step.resize and not step.wait_for:
            step = NextStep({}, draining(self._rollout, group, deployment))
        if not step.resize and not step.wait_for:
            protected = self._protected_again(outgoing)
            if protected:
                return protected
            # A fresh baseline serves until now, and its instances are counted on by nobody.
            baselines = fresh_baseline.removal_now(self._rollout, series.baselines, progress)
            if baselines:
                return baselines
            emptied = standing(
                self._rollout,
                group,
                pinned(0, group.capacity.max_size),
                progress,
                tell,
                settle_time=0,
                attempted=self.attempted,
                state=self.state,
            )
            step = next_step([[emptied]])
        lease = lease_tags(self._rollout, deployment) if needs_renewal(self._rollout, deployment) else {}
        if step.resize:

            def resize() -> None:
                if lease:
                    self._rollout.autoscaling.write_tags(group.name, lease)
                self._resize(step.resize)

            return Change(
                tuple(f"resize group {name} to {capacity}" for name, capacity in step.resize.items()),
                resize,
                wait_after=True,
            )
        if step.wait_for:
            if group.capacity.desired_capacity == 0 and (ids := held(group, 0)):
                # What it has by the base's NewInstancesProtectedFromScaleIn; it is about to be deleted.
                return Change(
                    (f"lift the protection of instances of {group.name}",),
                    lambda: self._rollout.autoscaling.protect(group.name, ids, protected=False),
                )
            if lease:
                return Change((), lambda: self._rollout.autoscaling.write_tags(group.name, lease))
            return Wait(step.wait_for, step.soonest)
        if removal := traffic_shift.remove(self._rollout, group, deployment):
            return removal
        end = self._end(group, deployment, outgoing, progress)
        if lease and isinstance(end, Wait):
            return Change((), lambda: self._rollout.autoscaling.write_tags(group.name, lease))
        return end

    def _traffic_first(
        self,
        group: Group,
        deployment: Deployment,
        outgoing: Sequence[tuple[Group, Snapshot]],
        progress: RollBackProgress,
        tell: Tell,
    ) -> Change | None:
        """The change that sends the requests to the outgoing groups before they have their capacity back, if any."""
        if deployment.shifts:
            return self._actions_back(group, deployment, outgoing, progress, tell, restored=False)
        return find_withdrawal(
            self._rollout,
            group,
            deployment,
            outgoing,
            progress,
            tell,
            rollback_order=self._options.rollback_order,
            rollback_floor=self._options.rollback_floor,
        )

    def _actions_back(
        self,
        group: Group,
        deployment: Deployment,
        outgoing: Sequence[tuple[Group, Snapshot]],
        progress: RollBackProgress,
        tell: Tell,
        *,
        restored: bool,
    ) -> Change | None:
        return traffic_shift.put_back(
            self._rollout,
            group,
            deployment,
            outgoing,
            progress,
            tell,
            floor=self._options.rollback_floor,
            restored=restored,
        )

    def _protected_again(self, outgoing: Sequence[tuple[Group, Snapshot]]) -> Change | None:
        """The change that protects from scale-in as many instances as the deployment has found protected."""
        again = {one.name: ids for one, snapshot in outgoing if (ids := to_protect(one, snapshot))}
        if not again:
            return None

        def perform() -> None:
            for name, ids in again.items():
                self._rollout.autoscaling.protect(name, ids, protected=True)

        return Change(tuple(f"protect instances of {name} from scale-in again" for name in again), perform)

    def _restored(
        self, outgoing: Sequence[tuple[Group, Snapshot]], progress: RollBackProgress, tell: Tell
    ) -> list[Standing]:
        """How far the outgoing groups are on their way back.

        Raises:
            LaunchFailed: one cannot get there.
        """
        try:
            return [
                standing(
                    self._rollout,
                    one,
                    snapshot.capacity,
                    progress,
                    tell,
                    settle_time=self._options.settle_time,
                    launch_patience=self._options.launch_patience,
                    attempted=self.attempted,
                    state=self.state,
                )
                for one, snapshot in outgoing
            ]
        except LaunchFailed as failure:
            failure.advice = f"{failure.advice or ''}{self.way_out}".strip()
            raise

    def _restore_stranded(self, series: Series, progress: RollBackProgress, tell: Tell) -> Decision:
        """Give outgoing groups back what they had, where somebody has deleted the group that was to replace them."""
        stranded = series.stranded
        self.state = state_of([group for group, __ in stranded])
        progress.restored = [snapshot.as_result() for __, snapshot in stranded]
        if orphans := traffic_shift.orphans(self._rollout, series, restored=False):
            return orphans
        step = next_step([self._restored(stranded, progress, tell)])
        if step.resize:
            return Change(
                tuple(f"resize group {name} to {capacity}" for name, capacity in step.resize.items()),
                lambda: self._resize(step.resize),
                wait_after=True,
            )
        if step.wait_for:
            return Wait(step.wait_for, step.soonest)
        if orphans := traffic_shift.orphans(self._rollout, series, restored=True):
            return orphans
        protected = self._protected_again(stranded)
        if protected:
            return protected

        def perform() -> None:
            for one, snapshot in stranded:
                unshield(self._rollout, one, snapshot, rolled_back=True)

        return Change(tuple(f"let {one.name} scale by itself as before" for one, __ in stranded), perform)

    def _resize(self, sizes: Mapping[str, Capacity]) -> None:
        for name, capacity in sizes.items():
            self._rollout.autoscaling.resize(name, capacity)

    def _end(
        self,
        group: Group,
        deployment: Deployment,
        outgoing: Sequence[tuple[Group, Snapshot]],
        progress: RollBackProgress,
    ) -> Decision:
        if self._rollout.clock.now() < progress.delete_again:
            return Wait((f"an end to what still moves in {group.name}",))
        leaving = () if self._options.keep_failed else _leaving_words(group)
        if leaving and not outgoing:
            return Wait(leaving)
        pool = group.warm_pool and not group.warm_pool_leaves
        if group.warm_pool and not (pool or outgoing or self._options.keep_failed):
            return Wait((f"the end of the warm pool of {group.name}",))
        # Only now may outgoing groups scale by themselves again: with the new group still in service they would
        # see half of their load and shrink.
        words = [f"let {one.name} scale by itself as before" for one, __ in outgoing]
        if self._options.keep_failed:
            out = ", out of its target groups and load balancers" if deployment.phase.withdrawn else ""
            words.append(f"keep {group.name} without instances for a look{out}")
        elif not leaving and not group.warm_pool:
            words.append(f"delete group {group.name}")
        if pool:
            words.append(f"delete the warm pool of {group.name}")

        def perform() -> None:
            api = self._rollout.autoscaling
            for one, snapshot in outgoing:
                unshield(self._rollout, one, snapshot, rolled_back=True)
            if deployment.phase.finishing:
                # Those of outgoing groups see something again, and these nothing any more.
                copies = group_alarms.copies(self._rollout, deployment.series, group.name)
                self._rollout.cloudwatch.delete_alarms(copies)
            if pool:
                # The final phase gave it one; with it AWS does not delete the group.
                api.delete_warm_pool(group.name)
                progress.delete_again = self._rollout.clock.now() + BETWEEN_DELETIONS
            if self._options.keep_failed:
                api.write_tags(group.name, {journal.STATUS: journal.FAILED, journal.LEASE: ""})
                progress.kept = [group.name]
                return
            if leaving or group.warm_pool:
                # AWS does not delete it while they are there; a hook may hold them for hours.
                return
            progress.configuration = launch_sources(self._rollout, deployment.series, group.name)[1]
            progress.removed = [group.name]
            if deployment.phase.finishing:
                self._rollout.cloudwatch.delete_alarms(own_alarms(self._rollout, group.name))
            if group.described.get("DeletionProtection") == PROTECTED:
                # The final phase gave it the base's; what this deployment made, its rollback takes away.
                api.unprotect(group.name)
            if not api.delete_group(group.name):
                progress.delete_again = self._rollout.clock.now() + BETWEEN_DELETIONS

        return Change(tuple(words), perform)

    def _newest(self, series: Series, progress: RollBackProgress) -> str | None:
        """The group of the deployment to take back: one under way, or the live one unless a rollback led to it.

        A set-up that died before it made its group is the newest deployment too, and there is only what it would
        have launched from to take back.
        """
        if series.unfinished:
            return series.unfinished[0].name
        if progress.unborn is None:
            progress.unborn = unborn(self._rollout, series)
            progress.configuration = progress.unborn.get("configuration")
        if progress.unborn:
            return None
        if series.live is None:
            return None
        group = series.live[0]
        return None if group.tags.get(journal.RESTORED) else group.name

    # ------------------------------------------------------------- after the group

    def _sweep(self, series: Series, name: str | None, progress: RollBackProgress, tell: Tell) -> Decision:
        """Remove what a group that is gone launched from: it can only be deleted after the group."""
        baselines = fresh_baseline.removal(self._rollout, fresh_baseline.left_over(series), progress)
        if baselines:
            return baselines
        templates = orphaned_templates(self._rollout, series)
        configuration = progress.configuration
        alarms = group_alarms.orphans(self._rollout, series, progress.alarms)
        if templates or configuration or alarms:

            def perform() -> None:
                if found_after_all(self._rollout, templates.values()):
                    progress.unborn = None
                    return
                remove_launch_sources(self._rollout, templates, configuration)
                # One that a composite alarm refers to stays.
                progress.alarms += alarms
                self._rollout.cloudwatch.delete_alarms(alarms)
                progress.configuration = None
                progress.swept = True

            words = [f"delete what {name or 'a revision that is gone'} launched from"]
            words = words if templates or configuration else []
            return Change((*words, *(f"delete alarm {one}" for one in alarms)), perform)
        result: dict[str, Any] = {
            "restored": progress.restored,
            "removed": progress.removed,
            "kept": progress.kept,
        }
        result["revisions"] = [revision_info(group) for group in series.groups]
        if result["removed"]:
            tell(Event("settled", short(result["removed"][0]), "rolled back and removed"))
        elif not (result["kept"] or result["restored"] or progress.swept):
            tell(nothing_to_take_back(self._rollout, series, self._options.group, self.attempted))
        return Done(result)


def _nothing() -> dict[str, list[Any]]:
    return {"restored": [], "removed": [], "kept": []}


def _leaving_words(group: Group) -> tuple[str, ...]:
    """What of a group without capacity is still there, so that AWS does not delete it."""
    states = Counter(one.lifecycle_state for one in group.instances)
    return tuple(
        f"the end of {number} in state {state} in {group.name}" for state, number in sorted(states.items())
    )


def _kept_words(group: Group, deployment: Deployment, outgoing: Sequence[Group]) -> str:
    out = ", and is out of traffic" if is_withdrawn(group, deployment) else ""
    kept = f"{group.name} is kept with {group.units_in_service} in service{out}."
    return f"{kept} {state_of(outgoing)}" if outgoing else kept
