# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of a set-up: what the new revision launches from, its group, and the shield of the outgoing groups.

The group's unique name is the lock of the series, and what fails takes away what it created.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ..aws.auto_scaling import ALREADY_EXISTS
from ..aws.launch_sources import TEMPLATE_EXISTS
from ..copying.described import effective_target_groups
from ..copying.group import follow_up_requests, group_request
from ..copying.launch_template import (
    launch_configuration_request,
    launch_template_request,
    override_launch_template_requests,
)
from ..core import journal
from ..core.errors import AwsError, Locked, RolloutError
from ..core.model import Deployment, Group, Phase, Snapshot
from .adoption import as_before
from .base import Basis
from .clean_up import take_away
from .lease import held_by_other, lease_tags, locked, new_lease
from .plan import Planned
from .rollout import SCALING_PROCESSES, Rollout
from .series import Series
from .traffic_shift import Shift, begin, without_shifted


class _GroupIsThere(Exception):
    """The group was made by a run that died since, and an older answer had it not: the next look goes on with it."""


class Creation:
    """Creates a planned revision. C(attempted) says for messages what is being done."""

    def __init__(self, rollout: Rollout, attempted: str) -> None:
        """Nothing is created yet."""
        self._rollout = rollout
        self._attempted = attempted

    def create(self, planned: Planned) -> None:
        """Create the launch source, then the group with its whole journal, and prepare it."""
        deployment = planned.deployment
        templates: dict[str, str] = {}
        try:
            source = self._create_launch_source(planned, templates)
            self._create_group(planned, source)
        except _GroupIsThere:
            return
        except RolloutError as error:
            self._forget_launch_source(planned, templates, error)
            raise
        series = self._rollout.series(deployment.series)
        group = series.group(deployment.group) or self._rollout.autoscaling.group(deployment.group)
        if group is None:
            raise RolloutError(
                self._attempted,
                answer=f"group {deployment.group} was created and cannot be found",
                advice="Run the same again, or asg_rollback to take it away.",
            )
        self.prepare(group, deployment, planned.basis, series, planned.shifts)

    def _create_launch_source(self, planned: Planned, templates: dict[str, str]) -> dict[str, Any]:
        """Create launch templates or configuration; fills C(templates) by key and returns arguments of the group."""
        deployment, described = planned.deployment, planned.basis.described
        overrides, name = planned.overrides, deployment.group
        if described.launch_template is None:
            request = launch_configuration_request(described, overrides, name)
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
            journal.LEASE: journal.write_lease(deployment.lease or new_lease(self._rollout)),
        }
        own = launch_template_request(described, overrides, name, tags)
        others = override_launch_template_requests(described, overrides, name, tags)
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
            lease = {journal.LEASE: journal.write_lease(deployment.lease or new_lease(self._rollout))}
            if api.exists_after_all(deployment.group, lease):
                raise _GroupIsThere from None
            # Left behind by a run that died before it made its group.
            api.delete_launch_template(existing["LaunchTemplateId"])
            return api.create_launch_template(request)

    def _refuse_foreign_template(self, existing: Mapping[str, Any], deployment: Deployment) -> None:
        tags, name = existing["tags"], existing["LaunchTemplateName"]
        if tags.get(journal.SERIES) != deployment.series:
            raise RolloutError(
                self._attempted,
                answer=f"there is a launch template {name} already, and it is not of series {deployment.series}",
                state="Nothing was touched.",
                advice="Rename or delete it.",
            )
        other = dataclasses.replace(deployment, lease=journal.read_lease(tags.get(journal.LEASE, "")))
        if held_by_other(self._rollout, other.lease) and not self._rollout.deployer.take_over:
            raise locked(self._rollout, other, self._attempted)

    def _remove_orphan_configuration(self, deployment: Deployment) -> None:
        """Remove a launch configuration that a dead run left behind; it has no tags to tell whose it is.

        Raises:
            Locked: it is so young that whoever created it may be about to create the group.
        """
        api = self._rollout.autoscaling
        existing = api.launch_configuration(deployment.group)
        if existing is None:
            return
        age = self._rollout.aws_now() - existing["CreatedTime"].timestamp()
        if age < self._rollout.deployer.lease_duration or api.group(deployment.group) is not None:
            raise Locked(
                self._attempted,
                answer=f"somebody else has just created launch configuration {deployment.group}",
                state="Nothing was touched.",
                advice="Another deployment of the series is starting: see asg_series_info.",
            )
        api.delete_launch_configuration(deployment.group)

    def _create_group(self, planned: Planned, source: Mapping[str, Any]) -> None:
        deployment, api = planned.deployment, self._rollout.autoscaling
        overrides = planned.overrides
        if planned.shifts:
            attached = effective_target_groups(planned.basis.described, overrides)
            overrides = dataclasses.replace(
                overrides, target_group_arns=without_shifted(attached, planned.shifts)
            )
        request = group_request(
            planned.basis.described,
            overrides,
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
                raise locked(self._rollout, other, self._attempted) from error
            raise RolloutError(
                self._attempted,
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

    def prepare(
        self, group: Group, deployment: Deployment, basis: Basis, series: Series, shifts: Sequence[Shift] = ()
    ) -> None:
        """Complete a group that was created, or take it away again where that fails."""
        try:
            self._prepare(group, deployment, basis, series, shifts)
        except RolloutError as error:
            error.add_state(take_away(self._rollout, deployment))
            raise

    def _prepare(
        self, group: Group, deployment: Deployment, basis: Basis, series: Series, shifts: Sequence[Shift]
    ) -> None:
        """Complete a group that was created, and write down what the outgoing groups are before shielding them."""
        api = self._rollout.autoscaling
        for request in follow_up_requests(basis.described, group.name):
            api.send(request.service, request.operation, request.parameters, request.words)
        snapshots = [
            self._shield(outgoing, deployment)
            for outgoing in self._outgoing(series, group, deployment)
            if _takes_part(outgoing, deployment)
        ]
        begin(self._rollout, deployment, shifts)
        api.write_tags(
            group.name,
            {
                **lease_tags(self._rollout, deployment),
                journal.OUTGOING: journal.write_outgoing(snapshots),
                journal.PHASE: journal.write_phase(Phase(weight=0 if deployment.shifts else None)),
            },
        )

    def _outgoing(self, series: Series, group: Group, deployment: Deployment) -> list[Group]:
        """The other groups of the series, and those that are to be adopted."""
        found = [one for one in series.groups if one.name != group.name]
        for name in deployment.adopted:
            if series.group(name):
                continue
            adopted = self._rollout.autoscaling.group(name)
            owner = adopted.tags.get(journal.SERIES) if adopted else None
            if adopted is None or owner:
                raise RolloutError(
                    self._attempted,
                    answer=f"group {name}, which was to be adopted, is {f'of series {owner}' if owner else 'gone'} now",
                    advice="See who did that, and run it again.",
                )
            found.append(adopted)
        return found

    def _shield(self, outgoing: Group, deployment: Deployment) -> Snapshot:
        """Write down what an outgoing group is, and let nothing scale it from then on."""
        api = self._rollout.autoscaling
        snapshot = journal.read_snapshot(outgoing)
        if snapshot is None or snapshot.deployment_id != deployment.deployment_id:
            # An earlier deployment's shield is none of what an adopted group is by itself.
            snapshot = journal.take_snapshot(as_before(outgoing), deployment.deployment_id)
            tags = {journal.BEFORE: journal.write_snapshot(snapshot)}
            if not outgoing.tags.get(journal.SERIES):
                # One that is adopted is found by the series' tag from now on.
                tags[journal.SERIES] = deployment.series
            api.write_tags(outgoing.name, tags)
        api.suspend(outgoing.name, SCALING_PROCESSES - outgoing.suspended)
        # It may have been scaled between the snapshot and the suspension; nothing else has touched it yet.
        now = api.group(outgoing.name)
        if now is not None and now.capacity != snapshot.capacity:
            snapshot = dataclasses.replace(snapshot, capacity=now.capacity)
            api.write_tags(outgoing.name, {journal.BEFORE: journal.write_snapshot(snapshot)})
        return snapshot


def _takes_part(outgoing: Group, deployment: Deployment) -> bool:
    """Whether a group holds capacity, or did when this deployment began."""
    known = journal.read_snapshot(outgoing)
    if known and known.deployment_id == deployment.deployment_id:
        return True
    return outgoing.capacity.desired_capacity > 0 or not all(one.leaving for one in outgoing.instances)
