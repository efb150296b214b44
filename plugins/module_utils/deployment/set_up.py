# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-up: a base group becomes a new revision with no instances yet.

Everything is checked before anything is touched (planning), and what is then created is taken away again if the rest
of it fails (creating).

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..copying.described import Overrides, effective_target_groups
from ..copying.group_alarms import TELL
from ..copying.inventory import inventory
from ..core import journal
from ..core.capacity import Wanted, out_of_turn, planned, replanned
from ..core.errors import InvalidInput, Locked, RollingBack, RolloutError
from ..core.model import Deployment, Group, Image, Snapshot
from ..core.passes import Change, Decision, Done, Event, Tell, Wait
from . import blockers, fresh_baseline, launch_checks
from .alarm_watch import at_start
from .bake import RUNNING, STOPPED, bake_result, bake_words
from .base import Basis, read_described
from .create import Creation
from .difference import difference
from .drift import GIVE_UP
from .fingerprint import same_inputs, same_revision
from .lease import ensure_ours, held_by_other, lease_tags, locked, needs_renewal, taken_first
from .plan import Plan, Planned, Rehearse, SetUpOptions, planned_phases
from .progress import DeploymentProgress
from .progress_lines import Telling
from .rollout import Rollout
from .series import Series, revision_info, short
from .series_names import refuse_other_names
from .traffic_shift import Shift, find_shifts

__all__ = ["SetUp", "SetUpOptions"]


@dataclass
class SetUpProgress(DeploymentProgress):
    """What the series was C(before), as modules return it; the C(image_id) once chosen; the group once C(created)."""

    before: list[dict[str, Any]] | None = None
    deployment_id: str = ""
    image_id: str = ""
    created: str = ""


class SetUp:
    """The step that sets up a new revision."""

    keeps = SetUpProgress

    state = ""
    takes = 0.0

    def __init__(
        self,
        rollout: Rollout,
        options: SetUpOptions,
        *,
        check_mode: bool = False,
        diff: bool = False,
        problems: Sequence[str] = (),
        warnings: Sequence[str] = (),
        rehearse: Rehearse | None = None,
        steps: Sequence[Mapping[str, Any]] = (),
        begins_with: Wanted | None = None,
        left: Sequence[str] = (),
    ) -> None:
        """Set up what the options ask for; in C(check_mode) the whole plan is told.

        With C(diff) the result has the new group beside the base. C(problems) are what is wrong with what follows the
        set-up, told with all the rest, and C(warnings) what is only strange; C(rehearse) plans the verification of each
        phase. C(steps) are returned once there is something to go on with; C(left) are the
        names of the phases that are left to another run. C(begins_with) is the phase with which this run goes on where
        another has stopped; None where it begins.

        Raises:
            InvalidInput: the options by themselves cannot be right.
        """
        found = [*options.problems(), *problems]
        if found:
            raise InvalidInput(list(dict.fromkeys(found)))
        self._rehearse = rehearse
        self._warnings = warnings
        self._before: list[dict[str, Any]] = []
        self._steps = list(steps)
        self._begins_with = begins_with
        self._left = list(left)
        self._rollout = rollout
        self._options = options
        self._check_mode = check_mode
        self._diff = diff
        self._preview: Mapping[str, Any] = {}
        # What was planned on, so that the base is read once in a step.
        self._planned_on: tuple[Basis, Image | None] | None = None
        self.subject = options.series
        self.attempted = f"set up a new revision of series {options.series}"

    # ---------------------------------------------------------------- deciding

    def look(self, progress: SetUpProgress, tell: Tell) -> Decision:
        """See whether there is a revision to create, to complete, or none to set up at all."""
        series = self._rollout.series(self._options.series)
        refuse_other_names(self._rollout, series, progress)
        if progress.before is None:
            progress.before = [revision_info(one) for one in series.groups]
            progress.deployment_id = self._options.deployment_id or uuid.uuid4().hex[:12]
        self._before = progress.before
        if series.unfinished:
            return self._resume(series, *series.unfinished, progress, tell)
        if progress.blocked_since is not None and (waiting := self._blocked(progress, tell)):
            # What is wrong was found before it began to wait.
            return waiting
        options = self._options
        if progress.image_id:
            # Found once, so that one deployment has one AMI.
            options = dataclasses.replace(options, planned_image_id=progress.image_id)
        plan = Plan(self._rollout, options, series, rehearse=self._rehearse)
        plan.read()
        if plan.image:
            progress.image_id = plan.image.image_id
        baselines = fresh_baseline.left_over(series)
        live = series.live
        if live and plan.basis and same_revision(live[1].fingerprint, plan.fingerprint):
            tidying = fresh_baseline.removal(self._rollout, baselines, progress)
            if tidying and not self._check_mode:
                return tidying
            tell(Event("settled", short(live[0].name), f"already live with {live[1].image_id}"))
            result = self._result(series, *live, plan.basis, plan.overrides)
            return Done({**result, "already_live": True, "steps": [], "left": []})
        self._refuse_to_begin(series)
        made = plan.make(progress.deployment_id)
        tidying = fresh_baseline.removal_now(self._rollout, baselines, progress)
        if tidying and not self._check_mode:
            return tidying
        self._preview = self._planned(made)
        self._planned_on = made.basis, plan.image
        self.subject = short(made.deployment.group)
        progress.created = made.deployment.group
        if self._check_mode:
            for line in self._lines(made):
                tell(Event("plan", self.subject, line))
            for words in blockers.reasons(self._rollout, self._options.blockers):
                tell(Event("warning", self.subject, f"it could not begin now: {words}"))
        for words in self._warnings:
            tell(Event("warning", self.subject, words))
        for kind, words in made.verifications:
            tell(Event(kind, self.subject, words))
        for finding in made.findings:
            if finding.result == launch_checks.WARNING:
                tell(Event("warning", self.subject, finding.text))
        waiting = None if self._check_mode else self._blocked(progress, tell)
        creation = Creation(self._rollout, self.attempted)
        return waiting or Change(self._creation_words(made), lambda: creation.create(made))

    def _blocked(self, progress: SetUpProgress, tell: Tell) -> Wait | None:
        return blockers.blocked(
            self._rollout,
            self._options.blockers,
            progress,
            tell,
            subject=self.subject,
            attempted=self.attempted,
            state="",
        )

    def preview(self) -> Mapping[str, Any]:
        """What check mode returns: the result that the set-up would have, and the plan."""
        return self._preview

    def _resume(
        self, series: Series, group: Group, deployment: Deployment, progress: SetUpProgress, tell: Tell
    ) -> Decision:
        self.subject = short(group.name)
        if not same_inputs(self._rollout, self._options, deployment):
            if held_by_other(self._rollout, deployment.lease):
                # It is alive, and nobody should be told to roll it back.
                raise locked(self._rollout, deployment, self.attempted, other_inputs=True)
            raise Locked(
                self.attempted,
                answer=f"deployment {deployment.deployment_id} of {deployment.image_id} as {group.name} is unfinished"
                f" ({deployment.status}), and it was started with other inputs",
                state="Nothing was touched.",
                advice="Run it again with its own inputs to go on with it, or roll it back with asg_rollback"
                f" (playbooks/rollback.yml). {GIVE_UP}.",
            )
        if deployment.status == journal.ROLLING_BACK:
            ensure_ours(self._rollout, deployment, progress, self.attempted)
            raise RollingBack(
                self.attempted,
                answer=f"deployment {deployment.deployment_id} of {deployment.image_id} as {group.name} is being"
                " rolled back",
                state="Nothing was touched.",
                advice=f"Let the rollback end, or finish it with asg_rollback (playbooks/rollback.yml). {GIVE_UP}.",
            )
        ensure_ours(self._rollout, deployment, progress, self.attempted)
        basis, image = self._planned_on or (
            Basis(*read_described(self._rollout, deployment.base_group, self._options.target_group_arns)),
            self._rollout.autoscaling.image(deployment.image_id),
        )
        overrides = self._options.overrides(image or Image(deployment.image_id, "", "", ""))
        resumed = progress.created != group.name
        if resumed and self._check_mode:
            tell(Event("plan", self.subject, f"goes on with {deployment.image_id}, as it was begun"))
        self._preview = {
            **self._result(series, group, deployment, basis, overrides),
            "resumed": resumed,
        }
        if deployment.phase.preparing:
            creation = Creation(self._rollout, self.attempted)
            shifts = self._shifts(deployment, basis, overrides)
            complete = Change(
                (f"complete the set-up of {group.name}",),
                lambda: creation.prepare(group, deployment, basis, series, shifts),
            )
            return taken_first(self._rollout, deployment, complete)
        self._refuse_out_of_turn(deployment)
        replan = self._replan(deployment, progress, tell)
        if replan != deployment:
            tags = {journal.CAPACITY: journal.write_sizes(replan)}
            return Change((), lambda: self._rollout.autoscaling.write_tags(group.name, tags))
        if (way := self._options.alarms_of_group) != (deployment.group_alarms or TELL):
            # It decides how this deployment goes, not what it makes.
            alarms = {journal.GROUP_ALARMS: way}
            what = f"from now on {way} the alarms that watch outgoing groups by their names"
            return Change((what,), lambda: self._rollout.autoscaling.write_tags(group.name, alarms))
        if needs_renewal(self._rollout, deployment):
            words = () if progress.owned else (f"go on with deployment {deployment.deployment_id}",)
            tags = lease_tags(self._rollout, deployment)
            return Change(words, lambda: self._rollout.autoscaling.write_tags(group.name, tags))
        return Done(self._preview)

    def _shifts(self, deployment: Deployment, basis: Basis, overrides: Overrides) -> list[Shift]:
        """What of the requests a set-up that goes on has still to prepare.

        Raises:
            InvalidInput: it cannot be shifted, or not any more.
        """
        if not deployment.shifts:
            return []
        attached = effective_target_groups(basis.described, overrides)
        shifts, problems, __ = find_shifts(
            self._rollout,
            self._options.traffic,
            self._options.stage,
            attached,
            deployment.series,
            deployment.group,
        )
        if problems:
            raise InvalidInput(problems)
        return shifts

    def _refuse_to_begin(self, series: Series) -> None:
        """A run that is to go on where another has stopped begins nothing."""
        if self._begins_with is None or self._check_mode:
            return
        live = (
            f" What is live is {series.live[0].name} with {series.live[1].image_id}." if series.live else ""
        )
        raise RolloutError(
            self.attempted,
            answer=f"there is no deployment to go on with from phase {self._begins_with.name!r}",
            state=f"Nothing was touched.{live}",
            advice="Run the job of the first phases with the same inputs first, or leave canary_from_phase unset.",
        )

    def _refuse_out_of_turn(self, deployment: Deployment) -> None:
        """Before any step, so that a job which was started too early takes nothing back."""
        wanted = self._begins_with
        if wanted is None or deployment.phase.preparing:
            return
        phase = wanted.phase_after(deployment.phase, deployment.capacity.desired_capacity)
        words = out_of_turn(deployment.plan, deployment.phase, phase)
        if words:
            raise RolloutError(
                self.attempted,
                answer=f"it is not the turn of phase {wanted.name!r}: {words}",
                state="Nothing was touched.",
                advice="Run the job of the phases before it first, or roll the deployment back.",
            )

    def _replan(self, deployment: Deployment, progress: SetUpProgress, tell: Tell) -> Deployment:
        """The deployment with what a run that goes on plans: other phases and another bake, and more alarms.

        Raises:
            InvalidInput: with all that is wrong with it.
        """
        plan = replanned(
            planned(
                self._options.phases or (), deployment.capacity.desired_capacity, shifts=deployment.shifts
            ),
            deployment.plan,
            deployment.phase,
        )
        alarms, problems, firing = at_start(self._rollout, self._options.watched_alarms, deployment.alarms)
        bake = dataclasses.replace(self._options.bake, keeps=deployment.bake.keeps)
        replan = dataclasses.replace(deployment, plan=plan or deployment.plan, alarms=alarms, bake=bake)
        problems += journal.too_long({journal.CAPACITY: journal.write_sizes(replan)})
        if problems:
            raise InvalidInput(problems)
        if self._options.bake.keeps != deployment.bake.keeps:
            # All sizes so far follow from it.
            way = RUNNING if deployment.bake.keeps else STOPPED
            firing.append(f"goes on with bake_outgoing={way}, as it was begun")
        for words in firing:
            Telling(progress, tell).once(words, "warning", self.subject, words)
        return replan

    # ----------------------------------------------------------------- telling

    def _lines(self, planned: Planned) -> list[str]:
        deployment, capacity = planned.deployment, planned.deployment.capacity
        lines = [
            f"new revision of {deployment.base_group} with {deployment.image_id}, {capacity}",
            *(f"outgoing: {one.group} with {one.capacity}" for one in planned.snapshots),
            *planned.notes,
        ]
        if self._options.image_id is None:
            lines.insert(0, f"{self._options.choice}: {deployment.image_id}")
        phases = planned_phases(self._options, deployment, planned.snapshots)
        for phase in phases:
            weight = f", {phase['weight']} % of the requests" if "weight" in phase else ""
            lines.append(
                f"{phase['name']}: {phase['new']} new, {phase['outgoing']} outgoing{weight}"
                + fresh_baseline.plan_words(phase)
            )
        if deployment.bake.seconds:
            lines.append(bake_words(deployment.bake, planned.outgoing))
        elif deployment.bake.keeps:
            lines.append("the outgoing groups stay whole until the last phase has settled")
        if self._options.list_copied:
            for phase in phases:
                lines += [
                    f"{phase['name']}: {name} gets min {size['min_size']}, max {size['max_size']}, desired"
                    f" {size['desired_capacity']}"
                    for name, size in phase["sizes"].items()
                ]
            copied, not_copied = inventory(
                planned.basis.described, planned.overrides, self._rollout.aws_now()
            )
            lines += [
                one.text
                for one in planned.findings
                if one.result in (launch_checks.OK, launch_checks.NOT_CHECKED)
            ]
            lines += [f"copied: {one}" for one in copied]
            lines += [f"not copied: {one.what}, because {one.reason}" for one in not_copied]
        return lines

    def _creation_words(self, planned: Planned) -> tuple[str, ...]:
        kind = "launch configuration" if planned.basis.described.launch_configuration else "launch template"
        name = planned.deployment.group
        return (
            f"create {kind} {name} with {planned.deployment.image_id}",
            f"create group {name} like {planned.deployment.base_group}, without instances",
            *(words for shift in planned.shifts for words in shift.words),
        )

    def _planned(self, planned: Planned) -> dict[str, Any]:
        result = self._returned(planned.deployment, planned.snapshots, planned.basis, planned.overrides)
        result.update(revisions=self._before, steps=[], left=[])
        result["checks"] = [dataclasses.asdict(one) for one in planned.findings]
        if self._diff:
            result["diff"] = difference(planned)
        return result

    def _result(
        self,
        series: Series,
        group: Group,
        deployment: Deployment,
        basis: Basis,
        overrides: Overrides,
    ) -> dict[str, Any]:
        snapshots = [snapshot for __, snapshot in series.outgoing(deployment)]
        returned = self._returned(deployment, snapshots, basis, overrides)
        return {
            **returned,
            "revisions": self._before,
            "steps": [] if self._check_mode else self._steps,
            "left": self._left,
        }

    def _returned(
        self,
        deployment: Deployment,
        snapshots: Sequence[Snapshot],
        basis: Basis,
        overrides: Overrides,
    ) -> dict[str, Any]:
        copied, not_copied = inventory(basis.described, overrides, self._rollout.aws_now())
        phases = planned_phases(self._options, deployment, snapshots)
        return {
            "group": deployment.group,
            "revision": deployment.revision,
            "deployment_id": deployment.deployment_id,
            "image_id": deployment.image_id,
            "image_chosen_by": str(self._options.choice),
            "previous": [snapshot.as_result() for snapshot in snapshots],
            "capacity": deployment.capacity.as_result(),
            "phases": phases,
            "peak": max((phase["peak"] for phase in phases), default=None),
            "bake": bake_result(deployment.bake, snapshots) if deployment.bake.seconds else None,
            "checks": [],
            "resumed": False,
            "already_live": False,
            "copied": copied,
            "not_copied": [dataclasses.asdict(one) for one in not_copied],
        }
