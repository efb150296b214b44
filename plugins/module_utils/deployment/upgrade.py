# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upgrade: the new group grows to its next phase, the outgoing ones shrink, and the last phase makes it live.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core import journal
from ..core.capacity import (
    NEW_FIRST,
    Standing,
    Wanted,
    deploying_capacities,
    next_step,
    out_of_turn,
    stages,
    unverified,
    with_growth,
)
from ..core.errors import InvalidInput, RolloutError
from ..core.health import LAUNCH_PATIENCE
from ..core.model import Capacity, Deployment, Group, Phase, Snapshot
from ..core.passes import Change, Decision, Done, Tell, Wait
from ..core.protection import LIFT
from . import drift, fresh_baseline, traffic_shift
from .alarm_watch import name_problems, watch_alarms
from .bake import remaining, until
from .blockers import Blockers, blocked
from .going_live import begin_bake, end, finish, over
from .health_watch import (
    launch_patience_problems,
    refuse_lack,
    settle_time_problems,
    standing,
    watch_all_targets,
    watch_serving,
)
from .lease import ensure_ours, lease_tags, needs_renewal, taken_first
from .progress import DeploymentProgress
from .progress_lines import Telling, instances
from .rollout import Rollout
from .scale_in_protection import Lifts, find_lifts, lift
from .scale_out import policies_off, policies_on
from .series import Series, short, state_of
from .series_search import unknown_group
from .whereabouts import phase_words


@dataclass(frozen=True)
class UpgradeOptions:
    """What the user asks for; C(settle_time), C(pause) and C(launch_patience) are in seconds.

    With C(end_bake) it stays until the bake that the set-up has planned is over, and the group live. C(baseline) says
    what the phase is compared with: C(fresh_baseline.BASELINES).
    """

    group: str
    wanted: Wanted
    resize_order: str = NEW_FIRST
    settle_time: float = 10.0
    pause: float = 0.0
    scale_in_protection: str = LIFT
    launch_patience: float = LAUNCH_PATIENCE
    watched_alarms: tuple[str, ...] = ()
    blockers: Blockers = field(default_factory=Blockers)
    end_bake: bool = False
    baseline: str = fresh_baseline.OUTGOING


@dataclass(frozen=True)
class _Seen:
    """What one look found: the series, the new group with its deployment, and the outgoing groups."""

    series: Series
    group: Group
    deployment: Deployment
    outgoing: Sequence[tuple[Group, Snapshot]]

    @property
    def snapshots(self) -> list[Snapshot]:
        return [snapshot for __, snapshot in self.outgoing]

    @property
    def groups(self) -> list[Group]:
        return [self.group, *(group for group, __ in self.outgoing)]

    def sizes(self, phase: Phase) -> dict[str, Capacity]:
        """The sizes of every group of the deployment in a phase."""
        deployment = self.deployment
        return deploying_capacities(
            self.group.name, deployment.capacity, self.snapshots, phase, keeps=deployment.bake.keeps
        )


@dataclass
class UpgradeProgress(DeploymentProgress):
    """The instances that the group had when the step began, and when the phase was reached."""

    existing: list[str] | None = None
    reached: float | None = None


class Upgrade:
    """The step that brings a new group to a phase."""

    keeps = UpgradeProgress

    def __init__(self, rollout: Rollout, options: UpgradeOptions) -> None:
        """Upgrade as the options ask for.

        Raises:
            InvalidInput: the options by themselves cannot be right.
        """
        problems = [*options.wanted.problems(), *settle_time_problems(options.settle_time)]
        problems += launch_patience_problems(options.launch_patience)
        problems += [*name_problems(options.watched_alarms), *options.blockers.problems]
        if options.pause < 0:
            problems.append(f"pause is {options.pause:g}; it must be 0 seconds or more")
        if problems:
            raise InvalidInput(problems)
        self._rollout = rollout
        self._options = options
        self._result: Mapping[str, Any] = {}
        self.subject = short(options.group)
        self.attempted = f"upgrade group {options.group} to {options.wanted}"
        self.state = ""
        self.takes = 0.0

    # ---------------------------------------------------------------- deciding

    def look(self, progress: UpgradeProgress, tell: Tell) -> Decision:
        """See how far the phase is, and what is next."""
        seen = self._see(progress)
        deployment = seen.deployment
        if progress.existing is None:
            progress.existing = list(seen.group.instance_ids)
        self._refuse(seen)
        if deployment.status == journal.LIVE:
            pause = self._pause(progress, tell)
            if pause:
                self._watch_alarms(seen, progress, tell)
                self._watch_serving(seen, progress, tell)
            left = fresh_baseline.left_over(seen.series)
            if tidying := fresh_baseline.removal_now(self._rollout, left, progress):
                return tidying
            return pause or self._done(seen, deployment.phase, progress)
        ensure_ours(self._rollout, deployment, progress, self.attempted)
        self._watch_alarms(seen, progress, tell)
        return taken_first(self._rollout, deployment, self._next(seen, progress, tell))

    def preview(self) -> Mapping[str, Any]:
        """What check mode returns: the result that the upgrade would have."""
        return self._result

    def _next(self, seen: _Seen, progress: UpgradeProgress, tell: Tell) -> Decision:
        """What is next for a deployment that is under way."""
        deployment = seen.deployment
        if deployment.phase.finishing:
            # Its own policies may have scaled it since.
            return self._bake(seen, progress, tell) if deployment.phase.baking else self._finish(seen)
        adoption = drift.look_for(self._rollout, seen.series, deployment, progress, self.attempted)
        if adoption:
            return adoption
        if deployment.phase.baking:
            return self._bake(seen, progress, tell)
        phase = self._phase(seen)
        self._refuse_out_of_turn(seen, phase)
        if phase != deployment.phase and (waiting := self._blocked(seen, progress, tell)):
            return self._hold(seen, progress, tell) or waiting
        beside = self._beside(seen, phase)
        surplus = fresh_baseline.surplus(seen.series, beside)
        return fresh_baseline.removal_now(self._rollout, surplus, progress) or self._resize(
            seen, phase, progress, tell, beside
        )

    def _beside(self, seen: _Seen, phase: Phase) -> fresh_baseline.Baseline | None:
        """The fresh baseline that a phase is to have beside the new group; the final one has none."""
        if self._options.baseline != fresh_baseline.FRESH or phase.final:
            return None
        size = seen.sizes(phase)[seen.group.name].desired_capacity
        return fresh_baseline.wanted(seen.series, seen.deployment, seen.outgoing, size)

    def _watch_alarms(
        self, seen: _Seen, progress: UpgradeProgress, tell: Tell, *, at_once: bool = False
    ) -> None:
        watch_alarms(
            self._rollout,
            self._options.watched_alarms,
            seen.deployment.alarms,
            progress,
            tell,
            subject=seen.group.name,
            attempted=self.attempted,
            state=self.state,
            at_once=at_once,
        )

    @property
    def _watching(self) -> dict[str, Any]:
        """How groups are watched, and what is said of them where one cannot get to its size."""
        return {
            "settle_time": self._options.settle_time,
            "launch_patience": self._options.launch_patience,
            "attempted": self.attempted,
            "state": self.state,
        }

    def _watch_serving(self, seen: _Seen, progress: UpgradeProgress, tell: Tell) -> tuple[str, ...]:
        return watch_serving(self._rollout, seen.group, progress, tell, **self._watching)

    def _refuse_lack(self, new: Standing, progress: UpgradeProgress) -> None:
        refuse_lack(self._rollout, new, progress, **self._watching)

    def _see(self, progress: UpgradeProgress) -> _Seen:
        name = self._options.group
        series = self._rollout.series_of(name, progress)
        group = series.group(name) if series else None
        if series is None or group is None:
            raise unknown_group(self._rollout, name, self.attempted)
        deployment = journal.read_deployment(group)
        if deployment is None:
            raise InvalidInput(
                [f"group {name} was not made by asg_setup: it has no tag {journal.DEPLOYMENT}"]
            )
        seen = _Seen(series, group, deployment, series.outgoing(deployment))
        self.state = state_of([*seen.groups, *fresh_baseline.of_deployment(series, deployment)])
        return seen

    def _refuse(self, seen: _Seen) -> None:
        deployment = seen.deployment
        problems = self._options.wanted.problems(deployment.capacity.desired_capacity)
        if self._options.wanted.weight is not None and not deployment.shifts:
            problems.append(
                f"weight is given, and the set-up of {seen.group.name} was given no traffic to shift"
            )
        if problems:
            raise InvalidInput(problems)
        if deployment.status not in (journal.DEPLOYING, journal.LIVE):
            raise RolloutError(
                self.attempted,
                answer=f"its deployment {deployment.deployment_id} is {deployment.status or 'without a status'},"
                " so it cannot grow",
                state=f"Nothing was touched. {self.state}",
                advice="Set up a new revision with asg_setup; a rollback that was interrupted is finished with"
                " asg_rollback.",
            )
        if deployment.status == journal.DEPLOYING and deployment.phase.preparing:
            raise RolloutError(
                self.attempted,
                answer="its set-up was interrupted before it was complete",
                state="Nothing was touched.",
                advice="Run asg_setup again with the same options, which completes it, or asg_rollback.",
            )

    def _phase(self, seen: _Seen) -> Phase:
        """The phase to work on: one that was begun is brought to its end before the next begins."""
        begun = seen.deployment.phase
        sizes = seen.sizes(begun)
        if any(group.capacity != sizes[group.name] for group in seen.groups):
            return begun
        return self._options.wanted.phase_after(begun, seen.deployment.capacity.desired_capacity)

    def _refuse_out_of_turn(self, seen: _Seen, phase: Phase) -> None:
        """The order of the phases is in the journal, so that no caller can bring one before its turn."""
        deployment = seen.deployment
        words = out_of_turn(deployment.plan, deployment.phase, phase)
        if words:
            raise self._out_of_turn(f"it is not this phase's turn: {words}")

    def _out_of_turn(self, words: str) -> RolloutError:
        return RolloutError(
            self.attempted,
            answer=words,
            state=f"Nothing was touched. {self.state}",
            advice="Run the deployment again from its beginning, which passes over what is done, or roll it back.",
        )

    def _blocked(self, seen: _Seen, progress: UpgradeProgress, tell: Tell) -> Wait | None:
        return blocked(
            self._rollout,
            self._options.blockers,
            progress,
            tell,
            subject=seen.group.name,
            attempted=self.attempted,
            state=self.state,
        )

    def _hold(self, seen: _Seen, progress: UpgradeProgress, tell: Tell) -> Change | None:
        """See that all groups keep what they have while nothing may begin, and that the lease does not run out."""
        watch_all_targets(seen.group, progress)
        new, *__ = self._standing(seen, seen.sizes(seen.deployment.phase), progress, tell)
        self._refuse_lack(new, progress)
        if not needs_renewal(self._rollout, seen.deployment):
            return None
        tags = lease_tags(self._rollout, seen.deployment)
        return Change((), lambda: self._rollout.autoscaling.write_tags(seen.group.name, tags))

    def _standing(
        self, seen: _Seen, sizes: Mapping[str, Capacity], progress: UpgradeProgress, tell: Tell
    ) -> list[Standing]:
        """How far the groups are on their way to their sizes, the new one first.

        Raises:
            LaunchFailed: one cannot get there.
        """
        return [
            standing(
                self._rollout,
                group,
                sizes[group.name],
                progress,
                tell,
                served=group is seen.group,
                **self._watching,
            )
            for group in seen.groups
        ]

    def _standing_of(
        self, beside: fresh_baseline.Baseline, progress: UpgradeProgress, tell: Tell
    ) -> Standing:
        return fresh_baseline.standing_of(self._rollout, beside, progress, tell, **self._watching)

    def _resize(
        self,
        seen: _Seen,
        phase: Phase,
        progress: UpgradeProgress,
        tell: Tell,
        beside: fresh_baseline.Baseline | None = None,
    ) -> Decision:
        deployment, sizes = seen.deployment, seen.sizes(phase)
        self._result = self._returned(seen, phase, progress)
        if progress.reached is not None:
            watch_all_targets(seen.group, progress)
        new, *outgoing = self._standing(seen, sizes, progress, tell)
        coming = [new]
        if beside:
            coming.append(self._standing_of(beside, progress, tell))
        step = next_step(stages(coming, outgoing, self._options.resize_order))
        drift.refuse_refreshes(
            self._rollout, seen.groups, progress, self.attempted, self.state, before_resize=bool(step.resize)
        )
        if shift := self._shift(seen, phase, new):
            return shift
        tags = {} if phase == deployment.phase else {journal.PHASE: journal.write_phase(phase)}
        if needs_renewal(self._rollout, deployment):
            tags |= lease_tags(self._rollout, deployment)
        lifts = find_lifts(
            seen.outgoing,
            sizes,
            step.resize,
            way=self._options.scale_in_protection,
            attempted=self.attempted,
            state=self.state,
        )
        if lifts and not step.resize:
            words = tuple(
                f"lift the protection of {instances(len(one))} of {name}" for name, one in lifts.items()
            )
            return Change(words, lambda: lift(self._rollout, seen.outgoing, lifts))
        if off := policies_off(self._rollout, deployment, seen.outgoing, sizes, phase):
            return off
        if step.resize:
            if tags.get(journal.PHASE):
                drift.refuse_policies(self._rollout, deployment, self.attempted)
                Telling(progress, tell).once(
                    "phase", "plan", seen.group.name, phase_words(deployment, seen.snapshots, phase)
                )
            return Change(
                tuple(
                    beside.words if beside and name == beside.name else f"resize group {name} to {capacity}"
                    for name, capacity in step.resize.items()
                ),
                lambda: self._write_and_resize(seen, tags, lifts, step.resize, beside),
                wait_after=True,
            )
        if not step.wait_for and phase.final:
            return self._settled(seen, phase, progress, tell)
        if tags:
            return Change((), lambda: self._rollout.autoscaling.write_tags(seen.group.name, tags))
        if progress.reached is not None:
            self._refuse_lack(new, progress)
        if step.wait_for:
            return Wait(step.wait_for, step.soonest)
        on = policies_on(self._rollout, deployment, seen.outgoing, sizes, phase)
        return on or self._pause(progress, tell) or self._done(seen, phase, progress)

    def _shift(self, seen: _Seen, phase: Phase, new: Standing) -> Change | None:
        """The shift of traffic: once the new group has what it is to have, and before an outgoing one shrinks."""
        ahead = next_step([[new]])
        if not seen.deployment.shifts or ahead.resize or ahead.wait_for:
            return None
        return traffic_shift.shift(self._rollout, seen.deployment, phase, self.attempted, self.state)

    def _pause(self, progress: UpgradeProgress, tell: Tell) -> Wait | None:
        """What is left of the pause after the phase, in which the groups are watched as before."""
        if not self._options.pause:
            return None
        now = self._rollout.clock.now()
        progress.reached = reached = now if progress.reached is None else progress.reached
        left = self._options.pause - (now - reached)
        # The time-out is for settling; the pause comes on top of it.
        words = f"pause of {self._options.pause:g} s, in which the groups are watched"
        Telling(progress, tell).once("pause", "plan", self._options.group, words)
        began = reached if progress.started is None else progress.started
        self.takes = reached - began + self._options.pause + 1.0
        return Wait((f"{left:.0f} s more of the pause",), left) if left > 0 else None

    def _write_and_resize(
        self,
        seen: _Seen,
        tags: Mapping[str, str],
        lifts: Lifts,
        sizes: Mapping[str, Capacity],
        beside: fresh_baseline.Baseline | None,
    ) -> None:
        # The journal first: a group is never larger or smaller than it can explain.
        if tags:
            self._rollout.autoscaling.write_tags(seen.group.name, tags)
        lift(self._rollout, seen.outgoing, lifts)
        for name, capacity in sizes.items():
            if beside and name == beside.name:
                fresh_baseline.bring_up(self._rollout, beside, self.attempted, self.state)
            else:
                self._rollout.autoscaling.resize(name, capacity)

    # --------------------------------------------------------------- going live

    def _settled(self, seen: _Seen, phase: Phase, progress: UpgradeProgress, tell: Tell) -> Decision:
        """All have what they are to have in the final phase: the bake begins, or the new group gets the rest."""
        # The last look before it is live, however long ago the one before was.
        self._watch_alarms(seen, progress, tell, at_once=True)
        bake = seen.deployment.bake
        if not bake.keeps or phase.baked:
            home = traffic_shift.go_home(
                self._rollout, seen.group, seen.deployment, phase, self.attempted, self.state
            )
            return home or self._finish(seen)
        if not bake.seconds:
            return self._resize(seen, over(phase), progress, tell)
        return begin_bake(self._rollout, seen.deployment, phase)

    def _finish(self, seen: _Seen) -> Change:
        return finish(self._rollout, seen.group, seen.deployment, seen.outgoing)

    def _bake(self, seen: _Seen, progress: UpgradeProgress, tell: Tell) -> Decision:
        """What is left of the bake, in which the group and the alarms are watched, and what comes then."""
        deployment, phase = seen.deployment, seen.deployment.phase
        self._result = self._returned(seen, phase, progress)
        pause = None
        if deployment.bake.seconds and not self._options.end_bake:
            pause = self._pause(progress, tell)
            if pause is None:
                return self._done(seen, phase, progress)
        missing = self._watch_serving(seen, progress, tell)
        for group, __ in seen.outgoing:
            Telling(progress, tell).capacity(group, group.capacity.desired_capacity)
        if needs_renewal(self._rollout, deployment):
            tags = lease_tags(self._rollout, deployment)
            return Change((), lambda: self._rollout.autoscaling.write_tags(seen.group.name, tags))
        if pause:
            return pause
        # A bake has limits of its own.
        progress.held = self._rollout.clock.now() - (progress.started or 0.0)
        if deployment.bake.seconds:
            Telling(progress, tell).once("bake", "plan", seen.group.name, until(deployment))
        waiting = remaining(self._rollout, seen.group, deployment, self.attempted, self.state)
        if waiting or missing:
            return waiting or Wait(missing)
        words = unverified(deployment.plan, phase)
        if words:
            raise self._out_of_turn(words)
        self._watch_alarms(seen, progress, tell, at_once=True)
        if deployment.bake.keeps:
            return self._resize(seen, over(phase), progress, tell)
        return end(self._rollout, deployment, seen.outgoing)

    # ------------------------------------------------------------------ telling

    def _done(self, seen: _Seen, phase: Phase, progress: UpgradeProgress) -> Done:
        activities = progress.activities(seen.group.name)
        return Done({**self._returned(seen, phase, progress), "activities": activities})

    def _returned(self, seen: _Seen, phase: Phase, progress: UpgradeProgress) -> dict[str, Any]:
        existing = set(progress.existing or ())
        return {
            "group": seen.group.name,
            "desired_capacity": with_growth(phase.target, seen.deployment.capacity, seen.snapshots),
            "final": phase.final,
            "baking": phase.baking,
            **({"weight": phase.weight} if phase.weight is not None else {}),
            "previous": [snapshot.as_result() for snapshot in seen.snapshots],
            "baseline": fresh_baseline.as_result(self._beside(seen, phase)),
            "instances": {
                "new": [one for one in seen.group.instance_ids if one not in existing],
                "existing": [one for one in seen.group.instance_ids if one in existing],
            },
            "activities": [],
        }
