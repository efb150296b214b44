# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment before anything is touched: what is asked for, what it comes to, and everything that is wrong with it.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..copying import unknown_members
from ..copying.described import FOLLOW, Overrides, OwnSettings, effective_target_groups
from ..copying.group_alarms import COPY, TELL
from ..copying.inventory import copying_problems
from ..core import health, journal, naming
from ..core.capacity import (
    NEW_FIRST,
    Wanted,
    deploying_capacities,
    fresh_baseline_size,
    outgoing_targets,
    peak,
    phase_peak,
    phase_problems,
    planned,
    wanted_capacity,
)
from ..core.errors import InvalidInput
from ..core.forwarding import WantedPlace
from ..core.model import Bake, Capacity, Deployment, Group, Image, Phase, Snapshot
from ..core.protection import LIFT, REFUSE, protected
from . import (
    adoption,
    alarm_watch,
    block_devices,
    fresh_baseline,
    group_alarms,
    image_choice,
    launch_checks,
    name_references,
    scale_out,
)
from .bake import bake_problems, request_problems
from .base import Basis, read_basis
from .blockers import Blockers, unknown
from .fingerprint import find_image, fingerprint
from .lease import new_lease
from .rollout import Rollout
from .series import Series
from .traffic_shift import Shift, find_shifts

# What names the AMI. What decides what a revision is, is the AMI that was found.
_IMAGE_OPTIONS = frozenset(
    {"image_id", "image_name", "image_filters", "image_owners", "image_ssm_parameter", "planned_image_id"}
)
# Whether outgoing groups shrink as the new one grows, or stay whole until the end.
CANARY = "canary"
BLUE_GREEN = "blue_green"
STRATEGIES = (CANARY, BLUE_GREEN)
# The capacity floor that refuses less than what is running.
RUNNING = "running"
# What tells how a deployment goes, not what it makes.
_HOW_OPTIONS = frozenset(
    {
        *("adopt_group", "deployment_id", "phases", "resize_order", "list_copied"),
        *(
            "scale_in_protection",
            "capacity_floor",
            "scaling",
            "watched_alarms",
            "alarms_of_group",
            "blockers",
        ),
        "unknown_members",
        "bake",
        "baseline",
        "traffic",
        "stage",
        "strategy",
    }
)


@dataclass(frozen=True)
class SetUpOptions(OwnSettings):
    """What the user asks for. Sizes left at None are the same as running.

    Exactly one of C(image_id), C(image_name), C(image_filters) and C(image_ssm_parameter) names the AMI;
    C(planned_image_id) is what an earlier look found for it.
    """

    series: str
    base_group: str
    image_id: str | None = None
    image_name: str | None = None
    image_filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    image_owners: tuple[str, ...] = ()
    image_ssm_parameter: str | None = None
    planned_image_id: str | None = None
    min_size: int | None = None
    max_size: int | None = None
    desired_capacity: int | None = None
    adopt_group: str | None = None
    deployment_id: str | None = None
    phases: tuple[Wanted, ...] | None = None
    resize_order: str = NEW_FIRST
    scale_in_protection: str = LIFT
    capacity_floor: str = "none"
    scaling: str = scale_out.SUSPENDED
    watched_alarms: tuple[str, ...] = ()
    alarms_of_group: str = TELL
    blockers: Blockers = field(default_factory=Blockers)
    unknown_members: str = unknown_members.REFUSE
    bake: Bake = field(default_factory=Bake)
    baseline: str = fresh_baseline.OUTGOING
    traffic: tuple[WantedPlace, ...] = ()
    stage: tuple[WantedPlace, ...] = ()
    strategy: str = CANARY
    list_copied: bool = False

    @property
    def choice(self) -> image_choice.Choice:
        """How the AMI is named."""
        return image_choice.Choice(
            self.image_id, self.image_name, self.image_filters, self.image_owners, self.image_ssm_parameter
        )

    def overrides(self, image: Image) -> Overrides:
        """What the new group has of its own."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(OwnSettings)}
        return Overrides(image_id=image.image_id, root_device_name=image.root_device_name, **own)

    @property
    def keeps(self) -> bool:
        """Whether the outgoing groups stay whole until the end."""
        return self.bake.keeps or self.strategy == BLUE_GREEN

    def phase_problems(self, phases: Sequence[Wanted], desired_capacity: int | None) -> list[str]:
        """Say what is wrong with the phases, for what else is asked for."""
        return phase_problems(phases, desired_capacity, shifts=bool(self.traffic), keeps=self.keeps)

    def digest(self, image_id: str) -> str:
        """A digest of all that decides what the new revision is, with the AMI that was found."""
        inputs = {
            name: value
            for name, value in dataclasses.asdict(self).items()
            if name not in _IMAGE_OPTIONS | _HOW_OPTIONS
        }
        if self.root_device == FOLLOW:
            # As without the option, so that what earlier versions deployed is still the same.
            del inputs["root_device"]
        inputs["image_id"] = image_id
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:20]

    def problems(self) -> list[str]:
        """Say what is wrong with the options by themselves."""
        problems = naming.series_problems(self.series)
        texts = (
            "base_group",
            "planned_image_id",
            "instance_type",
            "key_name",
            "iam_instance_profile",
            "adopt_group",
        )
        problems.extend(
            f"{option} is empty"
            for option in texts
            if (value := getattr(self, option)) is not None and not value.strip()
        )
        problems.extend(self.choice.problems())
        if self.security_group_ids == ():
            problems.append("security_group_ids is empty, and an instance has one security group at least")
        problems.extend(alarm_watch.name_problems(self.watched_alarms))
        problems.extend(self.blockers.problems)
        problems.extend(
            bake_problems(
                self.bake,
                old_first=self.resize_order != NEW_FIRST,
                scale_out=self.scaling == scale_out.SCALE_OUT,
            )
        )
        if self.baseline == fresh_baseline.FRESH and self.resize_order != NEW_FIRST:
            problems.append(fresh_baseline.NOT_WITH_OLD_FIRST)
        # Without phases the caller takes the steps one by one, and each is checked by itself.
        if self.phases is not None:
            problems.extend(self.phase_problems(self.phases, self.desired_capacity))
        problems.extend(words for one in (*self.traffic, *self.stage) for words in one.problems())
        if self.strategy == BLUE_GREEN and not self.traffic:
            problems.append(
                "strategy=blue_green (canary_strategy) needs traffic (canary_traffic): what is swapped"
            )
        if self.stage and not self.traffic:
            problems.append("stage (canary_stage) needs traffic (canary_traffic): what is shifted after it")
        if self.traffic and self.phases is None:
            problems.append("traffic (canary_traffic) needs phases")
        if self.traffic and self.resize_order != NEW_FIRST:
            problems.append(
                "traffic (canary_traffic) is shifted before an outgoing group shrinks; resize_order=old_first"
                " (canary_resize_order) shrinks it before; take one of them"
            )
        return problems


# Plans the verification of each phase: of the new group's name and the planned phases it makes what is wrong, and what
# there is to tell (verification.rehearsal has it; the arrow between the rooms points the other way).
Rehearse = Callable[[Rollout, str, Sequence[Mapping[str, Any]]], tuple[list[str], list[tuple[str, str]]]]


@dataclass(frozen=True)
class Planned:
    """A new revision as it is to be, with what was found out about its chances.

    C(verifications) is what there is to tell of them: a kind of event with its words.
    """

    deployment: Deployment
    outgoing: tuple[Group, ...]
    basis: Basis
    overrides: Overrides
    findings: tuple[launch_checks.Finding, ...] = ()
    notes: tuple[str, ...] = ()
    verifications: tuple[tuple[str, str], ...] = ()
    shifts: tuple[Shift, ...] = ()

    @property
    def snapshots(self) -> list[Snapshot]:
        """The outgoing groups as they are before the first change."""
        return [journal.take_snapshot(group, self.deployment.deployment_id) for group in self.outgoing]


@dataclass
class Plan:
    """Plans one new revision; C(problems) grows by everything that is found wrong on the way."""

    rollout: Rollout
    options: SetUpOptions
    series: Series
    problems: list[str] = field(default_factory=list)
    rehearse: Rehearse | None = None
    image: Image | None = None
    basis: Basis | None = None
    base_image: Image | None = None
    taken: list[str] = field(default_factory=list)

    @property
    def overrides(self) -> Overrides:
        """What the new group has of its own; without an AMI as long as none was found."""
        overrides = self.options.overrides(self.image or Image("", "", "", ""))
        base = self.base_image
        return (
            dataclasses.replace(overrides, base_root_device_name=base.root_device_name) if base else overrides
        )

    @property
    def image_id(self) -> str:
        """The AMI that was found, or the id that is asked for: what is live may have been deregistered since."""
        return self.image.image_id if self.image else self.options.image_id or ""

    @property
    def fingerprint(self) -> str:
        """What the deployment is made of."""
        return fingerprint(self.options, self.image_id, self.basis)

    def read(self) -> None:
        """Find the AMI and read the base group."""
        looked = False

        def find(base_image_id: str) -> Image | None:
            nonlocal looked
            looked = True
            self._find_images(base_image_id)
            return self.image

        try:
            name = naming.group_name(self.series.name, self._next_revision)
            self.basis = read_basis(self.rollout, self.options.base_group, self.overrides, find, name)
        except InvalidInput as error:
            self.problems += error.problems
        if not looked:
            # The base is not there; whether the AMI is there is told together with that.
            find("")

    def _find_images(self, base_image_id: str) -> None:
        """Find the AMI, and by the same call that of the base where both are known by their ids."""
        given = self.options.planned_image_id or self.options.image_id
        if given and base_image_id.startswith("ami-") and given != base_image_id:
            found = self.rollout.autoscaling.images_by_id([given, base_image_id])
            self.base_image, self.image = found.get(base_image_id), found.get(given)
            if self.image:
                return
        try:
            self.image = find_image(self.rollout, self.options)
        except InvalidInput as error:
            self.problems += error.problems

    def make(self, deployment_id: str) -> Planned:
        """Plan the revision, once C(read) has read what it is made of.

        Raises:
            InvalidInput: with everything that is wrong.
        """
        options, rollout = self.options, self.rollout
        asks = self.basis and block_devices.asks_for_base_image(
            self.basis.described, self.overrides, self.image
        )
        if self.basis and asks and not self.base_image:
            self.base_image = rollout.autoscaling.image(str(self.basis.described.image_id))
        self.problems += self._stranded_problems()
        adopted = adoption.find(rollout, self.series, options.adopt_group)
        self.problems += adopted.problems
        outgoing = [
            group
            for group in self.series.groups
            # What is only leaving is nothing to take over.
            if group.capacity.desired_capacity > 0 or not all(one.leaving for one in group.instances)
        ]
        if adopted.group and adopted.group.name not in [group.name for group in outgoing]:
            outgoing.append(adopted.group)
        for group in outgoing:
            self.problems += health.process_problems(group.name, group.suspended)
        snapshots = [journal.take_snapshot(group, deployment_id) for group in outgoing]
        capacity, problems = wanted_capacity(
            options.min_size, options.max_size, options.desired_capacity, snapshots
        )
        self.problems += problems
        if capacity and options.phases is not None and options.desired_capacity is None:
            self.problems += options.phase_problems(options.phases, capacity.desired_capacity)
        deployment = self._deployment(deployment_id, capacity or Capacity(0, 0, 0), outgoing)
        alarms, problems, firing = alarm_watch.at_start(rollout, options.watched_alarms, deployment.alarms)
        self.problems += problems
        deployment = dataclasses.replace(deployment, alarms=alarms)
        self.problems += unknown(rollout, options.blockers)
        tags = journal.write_deployment(deployment)
        self.problems += journal.too_long(tags)
        findings: list[launch_checks.Finding] = []
        shifts: list[Shift] = []
        strange: list[str] = []
        if self.basis:
            # A revision becomes outgoing one day, and needs room for its snapshot then.
            keys = {*tags, journal.OUTGOING, journal.BEFORE, journal.RESTORED}
            self.problems += copying_problems(self.basis.described, self.overrides, keys)
            if options.unknown_members == unknown_members.REFUSE:
                self.problems += unknown_members.problems(self.basis.described)
            self.problems += request_problems(rollout, options.bake, self.basis.described, self.overrides)
            self.problems += self.basis.problems
            shifts, problems, strange = self._shifts(deployment)
            self.problems += problems
        if self.basis:
            # Without an AMI or sizes too: whatever else is wrong is told at once.
            wanted = launch_checks.Wanted(
                deployment, self.basis.described, self.overrides, self.image, outgoing
            )
            sizes = deployment.capacity
            keeps = options.keeps
            most = peak(snapshots, sizes, options.phases or (), options.resize_order, keeps=keeps)
            findings = [
                *launch_checks.look(rollout, wanted, most),
                *block_devices.look(rollout, wanted, self.base_image),
                *name_references.look(wanted),
                *group_alarms.look(rollout, wanted, options.alarms_of_group),
                *self._other_base(),
                *self._passed_over(),
                *self._protected(outgoing),
                *self._below_running(snapshots, sizes),
                *fresh_baseline.look(rollout, options.baseline, options.phases or (), outgoing),
                *(launch_checks.Finding("alarms", launch_checks.WARNING, words) for words in firing),
                *(launch_checks.Finding("traffic", launch_checks.WARNING, words) for words in strange),
            ]
            self.problems += [one.text for one in findings if one.result == launch_checks.PROBLEM]
        lines: list[tuple[str, str]] = []
        if self.rehearse:
            phases = planned_phases(options, deployment, snapshots) if capacity else []
            more, lines = self.rehearse(rollout, deployment.group, phases)
            self.problems += more
        if self.problems or self.basis is None:
            raise InvalidInput(list(dict.fromkeys(self.problems)))
        notes = (adopted.words,) if adopted.words else ()
        return Planned(
            deployment,
            tuple(outgoing),
            self.basis,
            self.overrides,
            tuple(findings),
            notes,
            tuple(lines),
            tuple(shifts),
        )

    def _shifts(self, deployment: Deployment) -> tuple[list[Shift], list[str], list[str]]:
        if not self.options.traffic or self.basis is None:
            return [], [], []
        attached = effective_target_groups(self.basis.described, self.overrides)
        options = self.options
        return find_shifts(
            self.rollout, options.traffic, options.stage, attached, self.series.name, deployment.group
        )

    @property
    def _next_revision(self) -> int:
        return max((journal.revision(group) for group in self.series.groups), default=0) + 1

    def _free_revision(self) -> tuple[int, list[str]]:
        """The next number whose name no group has, and the groups of no series whose names were passed over."""
        revision, taken = self._next_revision, []
        is_taken = bool(self.basis and self.basis.taken)
        while is_taken:
            taken.append(naming.group_name(self.series.name, revision))
            revision += 1
            following = naming.group_name(self.series.name, revision)
            is_taken = self.rollout.autoscaling.group(following) is not None
        return revision, taken

    def _stranded_problems(self) -> list[str]:
        return [
            f"group {group.name} is as deployment {snapshot.deployment_id} left it, whose own group is gone: run"
            f" asg_rollback (playbooks/rollback.yml), which gives it {snapshot.capacity} back, and then this again"
            for group, snapshot in self.series.stranded
        ]

    def _passed_over(self) -> list[launch_checks.Finding]:
        return [
            launch_checks.Finding(
                "revision",
                launch_checks.WARNING,
                f"there is a group {name} that is not of the series, so that its number is passed over; its instances"
                " are nobody's, and stay until somebody deletes it",
            )
            for name in self.taken
        ]

    def _protected(self, outgoing: Sequence[Group]) -> list[launch_checks.Finding]:
        """What is said of outgoing instances that are protected from scale-in: they keep a group from shrinking."""
        refused = self.options.scale_in_protection == REFUSE
        result = launch_checks.PROBLEM if refused else launch_checks.WARNING
        fate = (
            "lift it, or let it be lifted with scale_in_protection=lift (canary_scale_in_protection)"
            if refused
            else "it is lifted from those that have to go, and a rollback puts it back"
        )
        return [
            launch_checks.Finding(
                "scale-in protection",
                result,
                f"{number} of {len(group.in_service)} instances of outgoing group {group.name} are protected from"
                f" scale-in; {fate}",
            )
            for group in outgoing
            if (number := len(protected(group)))
        ]

    def _below_running(self, snapshots: Sequence[Snapshot], sizes: Capacity) -> list[launch_checks.Finding]:
        """A warning, or a problem, where less is wanted than is running."""
        running = sum(snapshot.capacity.desired_capacity for snapshot in snapshots)
        # Sizes that are wrong by themselves are told elsewhere.
        if not 0 < sizes.desired_capacity < running:
            return []
        refused = self.options.capacity_floor == RUNNING
        words = f"desired_capacity is {sizes.desired_capacity}, and {running} are running"
        words += (
            "; capacity_floor=running (canary_capacity_floor) refuses that: ask for as many, or leave the sizes unset"
            if refused
            else ": the deployment ends with less than there is; leave the sizes unset for the same as running"
        )
        result = launch_checks.PROBLEM if refused else launch_checks.WARNING
        return [launch_checks.Finding("capacity", result, words)]

    def _other_base(self) -> list[launch_checks.Finding]:
        """A warning where what is live was made from another base: perhaps it is another service's."""
        live, base = self.series.live, self.options.base_group
        if live is None or live[1].base_group in ("", base):
            return []
        words = f"{live[0].name}, which is live, was made from base group {live[1].base_group}, and this from {base}"
        return [launch_checks.Finding("base group", launch_checks.WARNING, words)]

    def _deployment(self, deployment_id: str, capacity: Capacity, outgoing: Sequence[Group]) -> Deployment:
        options = self.options
        revision, taken = self._free_revision()
        self.taken = taken
        return Deployment(
            series=options.series,
            revision=revision,
            group=naming.group_name(options.series, revision),
            deployment_id=deployment_id,
            status=journal.DEPLOYING,
            base_group=options.base_group,
            image_id=self.image_id,
            capacity=capacity,
            phase=Phase(preparing=True),
            fingerprint=self.fingerprint,
            lease=new_lease(self.rollout),
            adopted=tuple(group.name for group in outgoing if not journal.revision(group)),
            plan=planned(options.phases or (), capacity.desired_capacity, shifts=bool(options.traffic)),
            names=self.rollout.deployer.names,
            bake=dataclasses.replace(options.bake, keeps=options.keeps),
            group_alarms=COPY if options.alarms_of_group == COPY else "",
            scale_out=options.scaling == scale_out.SCALE_OUT,
        )


def planned_phases(
    options: SetUpOptions, deployment: Deployment, snapshots: Sequence[Snapshot]
) -> list[dict[str, Any]]:
    """What each phase comes to: the sizes of every group after it, and the most instances during it."""
    group, capacity, keeps = deployment.group, deployment.capacity, deployment.bake.keeps
    found, reached = [], Phase(weight=0 if deployment.shifts else None)
    for wanted in options.phases or ():
        before, reached = reached, wanted.phase_after(reached, capacity.desired_capacity)
        targets = outgoing_targets(snapshots, reached, capacity.desired_capacity, keeps=keeps)
        # On a first deployment there is nothing to compare with.
        baseline = fresh_baseline_size(wanted, reached) if snapshots else 0
        sizes = deploying_capacities(group, capacity, snapshots, reached, keeps=keeps)
        if reached.final and not keeps:
            # Once it has settled, it gets the sizes that it is to have for good.
            sizes[group] = capacity
        found.append(
            {
                "name": wanted.name or str(wanted),
                "new": reached.target,
                "outgoing": sum(targets.values()),
                "outgoing_groups": targets,
                "final": reached.final,
                **({} if reached.weight is None else {"weight": reached.weight}),
                "sizes": {name: size.as_result() for name, size in sizes.items()},
                "peak": phase_peak(
                    snapshots, capacity, before, reached, options.resize_order, keeps=keeps, baseline=baseline
                ),
                "baseline": baseline,
                "baseline_hours": fresh_baseline.instance_hours(baseline, wanted.baseline_seconds),
            }
        )
    return found
