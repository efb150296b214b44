# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-up: a base group becomes a new revision with no instances yet.

Everything is checked before anything is touched, the group's unique name is the lock of the series, and
a set-up that fails takes away what it created.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import clone, health, journal, naming, plan
from .autoscaling import ALREADY_EXISTS, TEMPLATE_EXISTS
from .basis import Basis, read_basis
from .errors import AwsError, InvalidInput, Locked, RollingBack, RolloutError
from .model import Capacity, Deployment, Group, Phase, Snapshot
from .passes import Change, Decision, Done, Event
from .restoring import take_away
from .rollout import SCALING_PROCESSES, Rollout, Series, Tell, short


@dataclass(frozen=True)
class SetUpOptions:
    """What the user asks for. Sizes left at None are the same as running; C(user_data) is plain text."""

    series: str
    base_group: str
    image_id: str
    user_data: str | None = None
    min_size: int | None = None
    max_size: int | None = None
    desired_capacity: int | None = None
    target_group_arns: tuple[str, ...] | None = None
    load_balancer_names: tuple[str, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    deployment_id: str | None = None
    phases: tuple[plan.Wanted, ...] | None = None
    list_copied: bool = False

    @property
    def overrides(self) -> clone.Overrides:
        """What the new group has of its own."""
        return clone.Overrides(
            image_id=self.image_id,
            user_data=self.user_data,
            target_group_arns=self.target_group_arns,
            load_balancer_names=self.load_balancer_names,
            tags=self.tags,
        )

    @property
    def digest(self) -> str:
        """A digest of all that decides what the new revision is; not of its id, nor of the phases."""
        inputs = dataclasses.asdict(self)
        for name in ("deployment_id", "phases", "list_copied"):
            del inputs[name]
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:20]

    def problems(self) -> list[str]:
        """Say what is wrong with the options by themselves."""
        problems = naming.series_problems(self.series)
        problems.extend(
            f"{option} is empty"
            for option in ("base_group", "image_id")
            if not str(getattr(self, option) or "").strip()
        )
        # Without phases the caller takes the steps one by one, and each is checked by itself.
        if self.phases is not None:
            problems.extend(plan.phase_problems(self.phases, self.desired_capacity))
        return problems


@dataclass(frozen=True)
class Planned:
    """A new revision as it is to be."""

    deployment: Deployment
    outgoing: tuple[Group, ...]
    basis: Basis

    @property
    def snapshots(self) -> list[Snapshot]:
        """The outgoing groups as they are before the first change."""
        return [journal.take_snapshot(group, self.deployment.deployment_id) for group in self.outgoing]


class SetUp:
    """The step that sets up a new revision."""

    state = ""
    takes = 0.0

    def __init__(self, rollout: Rollout, options: SetUpOptions, *, check_mode: bool = False) -> None:
        """Set up what the options ask for; in C(check_mode) the whole plan is told.

        Raises:
            InvalidInput: the options by themselves cannot be right.
        """
        problems = options.problems()
        if problems:
            raise InvalidInput(problems)
        self._rollout = rollout
        self._options = options
        self._check_mode = check_mode
        self._preview: Mapping[str, Any] = {}
        self.subject = options.series
        self.attempted = f"set up a new revision of series {options.series}"

    # ---------------------------------------------------------------- deciding

    def look(self, progress: dict[str, Any], tell: Tell) -> Decision:
        """See whether there is a revision to create, to complete, or none to set up at all."""
        series = self._rollout.series(self._options.series)
        deployment_id = progress.setdefault(
            "deployment_id", self._options.deployment_id or uuid.uuid4().hex[:12]
        )
        if series.unfinished:
            return self._resume(series, *series.unfinished, progress)
        live = series.live
        basis = read_basis(self._rollout, self._options.base_group, self._options.overrides)
        fingerprint = self._fingerprint(basis)
        if live and live[1].fingerprint == fingerprint:
            tell(Event("settled", short(live[0].name), f"already live with {live[1].image_id}"))
            return Done({**self._result(series, *live, basis), "already_live": True})
        planned = self._plan(series, basis, deployment_id, fingerprint)
        self._preview = self._returned(planned.deployment, planned.snapshots, planned.basis)
        self.subject = short(planned.deployment.group)
        progress["created"] = planned.deployment.group
        if self._check_mode:
            for line in self._lines(planned):
                tell(Event("plan", self.subject, line))
        return Change(self._creation_words(planned), lambda: self._create(planned))

    def preview(self) -> Mapping[str, Any]:
        """What check mode returns: the result that the set-up would have, and the plan."""
        return self._preview

    def _resume(
        self, series: Series, group: Group, deployment: Deployment, progress: dict[str, Any]
    ) -> Decision:
        self.subject = short(group.name)
        if deployment.fingerprint.split()[:1] != self._inputs_fingerprint().split()[:1]:
            raise Locked(
                self.attempted,
                answer=f"deployment {deployment.deployment_id} of {deployment.image_id} as {group.name} is unfinished"
                f" ({deployment.status}), and it was started with other inputs",
                state="Nothing was touched.",
                advice="Run it again with its own inputs to go on with it, or roll it back with asg_rollback"
                " (playbooks/rollback.yml).",
            )
        if deployment.status == journal.ROLLING_BACK:
            self._rollout.ensure_ours(deployment, progress, self.attempted)
            raise RollingBack(
                self.attempted,
                answer=f"deployment {deployment.deployment_id} of {deployment.image_id} as {group.name} is being"
                " rolled back",
                state="Nothing was touched.",
                advice="Let the rollback end, or finish it with asg_rollback (playbooks/rollback.yml).",
            )
        self._rollout.ensure_ours(deployment, progress, self.attempted)
        basis = read_basis(self._rollout, deployment.base_group, self._options.overrides)
        resumed = progress.get("created") != group.name
        self._preview = {**self._result(series, group, deployment, basis), "resumed": resumed}
        if deployment.phase.preparing:
            return Change(
                (f"complete the set-up of {group.name}",),
                lambda: self._prepare_or_clean_up(group, deployment, basis),
            )
        if self._rollout.needs_renewal(deployment):
            words = () if progress.get("owned") else (f"go on with deployment {deployment.deployment_id}",)
            tags = self._rollout.lease_tags(deployment)
            return Change(words, lambda: self._rollout.autoscaling.write_tags(group.name, tags))
        return Done(self._preview)

    def _plan(self, series: Series, basis: Basis, deployment_id: str, fingerprint: str) -> Planned:
        options = self._options
        outgoing = tuple(
            group for group in series.groups if group.capacity.desired_capacity > 0 or group.instances
        )
        snapshots = [journal.take_snapshot(group, deployment_id) for group in outgoing]
        capacity, problems = plan.wanted_capacity(
            options.min_size, options.max_size, options.desired_capacity, snapshots
        )
        if capacity and options.phases is not None and options.desired_capacity is None:
            problems.extend(plan.phase_problems(options.phases, capacity.desired_capacity))
        for group in outgoing:
            problems.extend(health.process_problems(group.name, group.suspended))
        revision = max((journal.revision(group) for group in series.groups), default=0) + 1
        deployment = Deployment(
            series=options.series,
            revision=revision,
            group=naming.group_name(options.series, revision),
            deployment_id=deployment_id,
            status=journal.DEPLOYING,
            base_group=options.base_group,
            image_id=options.image_id,
            capacity=capacity or Capacity(0, 0, 0),
            phase=Phase(preparing=True),
            fingerprint=fingerprint,
            lease=self._rollout.new_lease(),
        )
        tags = journal.write_deployment(deployment)
        # A revision becomes outgoing one day, and needs room for its snapshot then.
        problems.extend(clone.problems(basis.described, options.overrides, {**tags, journal.BEFORE: ""}))
        problems.extend(journal.too_long(tags))
        problems.extend(basis.problems)
        if problems:
            raise InvalidInput(list(dict.fromkeys(problems)))
        return Planned(deployment, outgoing, basis)

    def _inputs_fingerprint(self) -> str:
        return f"inputs:{self._options.digest}"

    def _fingerprint(self, basis: Basis) -> str:
        return f"{self._inputs_fingerprint()} base:{clone.base_digest(basis.described)[:20]}"

    # ----------------------------------------------------------------- telling

    def _lines(self, planned: Planned) -> list[str]:
        deployment, capacity = planned.deployment, planned.deployment.capacity
        lines = [
            f"new revision of {deployment.base_group} with {deployment.image_id}, {capacity}",
            *(f"outgoing: {one.group} with {one.capacity}" for one in planned.snapshots),
        ]
        lines.extend(
            f"{phase['name']}: {phase['new']} new, {phase['outgoing']} outgoing"
            for phase in self._phases(planned.snapshots, capacity)
        )
        if self._options.list_copied:
            copied, not_copied = clone.inventory(
                planned.basis.described, self._options.overrides, self._rollout.clock.now()
            )
            lines += [f"copied: {one}" for one in copied]
            lines += [f"not copied: {one.what}, because {one.reason}" for one in not_copied]
        return lines

    def _phases(self, snapshots: Sequence[Snapshot], capacity: Capacity) -> list[dict[str, Any]]:
        planned, reached = [], Phase()
        for wanted in self._options.phases or ():
            reached = wanted.phase_after(reached, capacity.desired_capacity)
            targets = plan.outgoing_targets(snapshots, reached, capacity.desired_capacity)
            planned.append(
                {
                    "name": wanted.name or str(wanted),
                    "new": reached.target,
                    "outgoing": sum(targets.values()),
                    "outgoing_groups": targets,
                    "final": reached.final,
                }
            )
        return planned

    def _creation_words(self, planned: Planned) -> tuple[str, ...]:
        kind = "launch configuration" if planned.basis.described.launch_configuration else "launch template"
        name = planned.deployment.group
        return (
            f"create {kind} {name} with {planned.deployment.image_id}",
            f"create group {name} like {planned.deployment.base_group}, without instances",
        )

    def _result(self, series: Series, group: Group, deployment: Deployment, basis: Basis) -> dict[str, Any]:
        snapshots = [snapshot for __, snapshot in series.outgoing(deployment)]
        return self._returned(deployment, snapshots, basis)

    def _returned(
        self, deployment: Deployment, snapshots: Sequence[Snapshot], basis: Basis
    ) -> dict[str, Any]:
        copied, not_copied = clone.inventory(
            basis.described, self._options.overrides, self._rollout.clock.now()
        )
        return {
            "group": deployment.group,
            "revision": deployment.revision,
            "deployment_id": deployment.deployment_id,
            "image_id": deployment.image_id,
            "previous": [snapshot.as_result() for snapshot in snapshots],
            "capacity": deployment.capacity.as_result(),
            "phases": self._phases(snapshots, deployment.capacity),
            "resumed": False,
            "already_live": False,
            "copied": copied,
            "not_copied": [dataclasses.asdict(one) for one in not_copied],
        }

    # ---------------------------------------------------------------- changing

    def _create(self, planned: Planned) -> None:
        """Create the launch source, then the group with its whole journal, and prepare it."""
        deployment = planned.deployment
        templates: dict[str, str] = {}
        try:
            source = self._create_launch_source(planned, templates)
            self._create_group(planned, source)
        except RolloutError as error:
            self._forget_launch_source(planned, templates, error)
            raise
        group = self._rollout.autoscaling.group(deployment.group)
        if group is None:
            raise RolloutError(
                self.attempted,
                answer=f"group {deployment.group} was created and cannot be found",
                advice="Run the same again, or asg_rollback to take it away.",
            )
        self._prepare_or_clean_up(group, deployment, planned.basis)

    def _create_launch_source(self, planned: Planned, templates: dict[str, str]) -> dict[str, Any]:
        """Create launch templates or configuration; fills C(templates) by key and returns arguments of the group."""
        deployment, described = planned.deployment, planned.basis.described
        overrides, name = self._options.overrides, deployment.group
        if described.launch_template is None:
            request = clone.launch_configuration_request(described, overrides, name)
            try:
                self._rollout.autoscaling.create_launch_configuration(request)
            except AwsError as error:
                if error.code not in ALREADY_EXISTS:
                    raise
                # Where an earlier answer was lost, it is what that call had created.
                if not error.repeated:
                    self._remove_orphan_configuration(deployment)
                    self._rollout.autoscaling.create_launch_configuration(request)
            templates[""] = name
            return {}
        tags = {
            journal.SERIES: deployment.series,
            journal.REVISION: str(deployment.revision),
            journal.DEPLOYMENT: deployment.deployment_id,
            journal.LEASE: journal.write_lease(deployment.lease or self._rollout.new_lease()),
        }
        own = clone.launch_template_request(described, overrides, name, tags)
        others = clone.override_launch_template_requests(described, overrides, name, tags)
        for key, request in {"": own, **others}.items():
            templates[key] = self._create_template(request, deployment)
        return {
            "launch_template_id": templates[""],
            "override_template_ids": {key: value for key, value in templates.items() if key},
        }

    def _create_template(self, request: Mapping[str, Any], deployment: Deployment) -> str:
        api = self._rollout.autoscaling
        try:
            return api.create_launch_template(request)
        except AwsError as error:
            if error.code not in TEMPLATE_EXISTS:
                raise
            existing = api.launch_template_named(request["LaunchTemplateName"])
            if existing is None:
                return api.create_launch_template(request)
            if existing["tags"].get(journal.DEPLOYMENT) == deployment.deployment_id:
                # The answer to an earlier try was lost on its way.
                return str(existing["LaunchTemplateId"])
            self._refuse_foreign_template(existing, deployment)
            # Left behind by a run that died before it made its group.
            api.delete_launch_template(existing["LaunchTemplateId"])
            return api.create_launch_template(request)

    def _refuse_foreign_template(self, existing: Mapping[str, Any], deployment: Deployment) -> None:
        tags, name = existing["tags"], existing["LaunchTemplateName"]
        if tags.get(journal.SERIES) != deployment.series:
            raise RolloutError(
                self.attempted,
                answer=f"there is a launch template {name} already, and it is not of series {deployment.series}",
                state="Nothing was touched.",
                advice="Rename or delete it.",
            )
        other = dataclasses.replace(deployment, lease=journal.read_lease(tags.get(journal.LEASE, "")))
        if self._rollout.held_by_other(other.lease) and not self._rollout.deployer.take_over:
            raise self._rollout.locked(other, self.attempted)

    def _remove_orphan_configuration(self, deployment: Deployment) -> None:
        """Remove a launch configuration that a dead run left behind; it has no tags to tell whose it is.

        Raises:
            Locked: it is so young that whoever created it may be about to create the group.
        """
        api = self._rollout.autoscaling
        existing = api.launch_configuration(deployment.group)
        if existing is None:
            return
        age = self._rollout.clock.now() - existing["CreatedTime"].timestamp()
        if age < self._rollout.deployer.lease_duration or api.group(deployment.group) is not None:
            raise Locked(
                self.attempted,
                answer=f"somebody else has just created launch configuration {deployment.group}",
                state="Nothing was touched.",
                advice="Another deployment of the series is starting: see asg_series_info.",
            )
        api.delete_launch_configuration(deployment.group)

    def _create_group(self, planned: Planned, source: Mapping[str, Any]) -> None:
        deployment, api = planned.deployment, self._rollout.autoscaling
        request = clone.group_request(
            planned.basis.described,
            self._options.overrides,
            deployment.group,
            deployment.capacity.max_size,
            journal.write_deployment(deployment),
            **source,
        )
        try:
            api.create_group(request)
        except AwsError as error:
            if error.code not in ALREADY_EXISTS:
                raise
            existing = api.group(deployment.group)
            other = journal.read_deployment(existing) if existing else None
            if other and other.deployment_id == deployment.deployment_id:
                return
            if other and other.series == deployment.series and other.lease:
                raise self._rollout.locked(other, self.attempted) from error
            raise RolloutError(
                self.attempted,
                answer=f"there is a group {deployment.group} already, and it is not of series {deployment.series}",
                state="Nothing was touched.",
                advice="Rename or delete it.",
            ) from error

    def _forget_launch_source(
        self, planned: Planned, templates: Mapping[str, str], error: RolloutError
    ) -> None:
        """Take away what was created for a group that could not be; what cannot be is named in the error."""
        api = self._rollout.autoscaling
        try:
            if planned.basis.described.launch_template is None:
                if templates:
                    api.delete_launch_configuration(planned.deployment.group)
                return
            for template_id in templates.values():
                api.delete_launch_template(template_id)
        except RolloutError as left:
            error.add_state(
                f"Its launch template or configuration {planned.deployment.group} is left over: {left}"
            )
            return
        error.add_state("What had been created was taken away again.")

    def _prepare_or_clean_up(self, group: Group, deployment: Deployment, basis: Basis) -> None:
        try:
            self._prepare(group, deployment, basis)
        except RolloutError as error:
            error.add_state(take_away(self._rollout, deployment))
            raise

    def _prepare(self, group: Group, deployment: Deployment, basis: Basis) -> None:
        """Complete a group that was created, and write down what the outgoing groups are before shielding them."""
        api = self._rollout.autoscaling
        for request in clone.follow_up_requests(basis.described, group.name):
            api.send(request.service, request.operation, request.parameters, request.words)
        series = self._rollout.series(deployment.series)
        snapshots: list[Snapshot] = []
        for outgoing in series.groups:
            if outgoing.name == group.name:
                continue
            known = journal.read_snapshot(outgoing)
            if known and known.deployment_id == deployment.deployment_id:
                snapshot = known
            elif outgoing.capacity.desired_capacity > 0 or outgoing.instances:
                snapshot = journal.take_snapshot(outgoing, deployment.deployment_id)
                api.write_tags(outgoing.name, {journal.BEFORE: journal.write_snapshot(snapshot)})
            else:
                continue
            if SCALING_PROCESSES - outgoing.suspended:
                api.suspend(outgoing.name, SCALING_PROCESSES - outgoing.suspended)
            # It may have been scaled between the snapshot and the suspension; nothing else has touched it yet.
            now = api.group(outgoing.name)
            if now is not None and now.capacity != snapshot.capacity:
                snapshot = dataclasses.replace(snapshot, capacity=now.capacity)
                api.write_tags(outgoing.name, {journal.BEFORE: journal.write_snapshot(snapshot)})
            snapshots.append(snapshot)
        api.write_tags(
            group.name,
            {
                **self._rollout.lease_tags(deployment),
                journal.OUTGOING: journal.write_outgoing(snapshots),
                journal.PHASE: journal.write_phase(Phase()),
            },
        )
