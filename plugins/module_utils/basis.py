# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment is built on: the base group with everything that AWS tells of it, the AMI, and their problems.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import clone, health, journal
from .autoscaling import launch_source
from .errors import AwsError, InvalidInput
from .model import Group

if TYPE_CHECKING:
    from .rollout import Rollout


@dataclass(frozen=True)
class Basis:
    """A base group as AWS describes it, and what speaks against building on it."""

    group: Group
    described: clone.Described
    problems: tuple[str, ...] = ()


def read_described(rollout: Rollout, name: str) -> tuple[Group, clone.Described]:
    """Read everything of a base group that a copy depends on.

    Raises:
        InvalidInput: there is no such group, or what it launches from is gone.
    """
    api = rollout.autoscaling
    group = api.group(name)
    if group is None:
        raise InvalidInput([f"there is no base group {name} in this region"])
    kind, source = launch_source(group)
    template: Mapping[str, Any] | None = None
    configuration: Mapping[str, Any] | None = None
    try:
        if kind == "launch_configuration":
            configuration = api.launch_configuration(str(source))
        elif isinstance(source, Mapping):
            template = api.launch_template_version(source)
        if kind == "launch_configuration" and configuration is None:
            raise InvalidInput([f"launch configuration {source} of base group {name} is gone"])
        details = api.base_details(group)
        described = clone.Described(
            group=group.described,
            launch_template=template,
            launch_configuration=configuration,
            **details,
        )
        overrides = {
            key: api.launch_template_version(specification)
            for key, specification in clone.override_specifications(described).items()
        }
    except AwsError as error:
        if error.code.startswith("InvalidLaunchTemplate"):
            raise InvalidInput([f"what base group {name} launches from is gone: {error.answer}"]) from error
        raise
    alarms = rollout.cloudwatch.described_alarms(clone_alarm_names(details["policies"]))
    return group, clone.Described(
        group=group.described,
        launch_template=template,
        launch_configuration=configuration,
        override_launch_templates=overrides,
        alarms=alarms,
        **details,
    )


def clone_alarm_names(policies: tuple[Mapping[str, Any], ...]) -> list[str]:
    """The alarms that set off step and simple policies; target tracking makes its own."""
    return sorted(
        {
            alarm["AlarmName"]
            for policy in policies
            if policy.get("PolicyType") in ("StepScaling", "SimpleScaling")
            for alarm in policy.get("Alarms") or ()
        }
    )


def read_basis(rollout: Rollout, name: str, overrides: clone.Overrides) -> Basis:
    """Read a base group and the AMI, and find everything that speaks against a deployment.

    Raises:
        InvalidInput: the base group or what it launches from does not exist.
    """
    group, described = read_described(rollout, name)
    problems = health.process_problems(f"base group {name}", group.suspended)
    if group.tags.get(journal.SERIES):
        problems.append(
            f"base group {name} is revision {group.tags.get(journal.REVISION, '?')} of series"
            f" {group.tags[journal.SERIES]}; a base group is a template of its own, never resized"
        )
    problems.extend(_image_problems(rollout, described, overrides))
    problems.extend(
        rollout.load_balancing.missing(overrides.target_group_arns or (), overrides.load_balancer_names or ())
    )
    return Basis(group, described, tuple(problems))


def _image_problems(rollout: Rollout, described: clone.Described, overrides: clone.Overrides) -> list[str]:
    image_id = overrides.image_id
    image = rollout.autoscaling.image(image_id)
    if image is None:
        return [
            f"there is no AMI {image_id} in this region that these credentials may see; an AMI exists in one region"
            " only, so copy it here or name the one that is here"
        ]
    if image.state != "available":
        return [f"AMI {image_id} is {image.state}, not available"]
    types = instance_types(described, overrides)
    problems = []
    for instance_type, runs in rollout.autoscaling.architectures(types).items():
        if image.architecture not in runs:
            problems.append(
                f"AMI {image_id} is built for {image.architecture}, and instance type {instance_type} of base group"
                f" {described.name} runs {' and '.join(runs)}"
            )
    return problems


def instance_types(described: clone.Described, overrides: clone.Overrides) -> list[str]:
    """Every instance type that the new group may launch, as far as it names any."""
    data = (described.launch_template or {}).get("LaunchTemplateData") or described.launch_configuration or {}
    template = (described.group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    named = [one.get("InstanceType") for one in template.get("Overrides") or ()]
    own = overrides.instance_type or data.get("InstanceType")
    return sorted({one for one in (own, *named) if one})
