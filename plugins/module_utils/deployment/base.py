# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment is built on: the base group with everything that AWS tells of it, the AMI, and their problems.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..aws.answers import launch_source
from ..aws.elastic_load_balancing import MISSING_TARGET_GROUP
from ..aws.launch_sources import TYPE_MISSING
from ..copying.described import Described, Overrides, override_specifications, template_key
from ..core import health, journal
from ..core.errors import AwsError, InvalidInput
from ..core.model import Group, Image
from . import instance_support
from .adoption import as_before

if TYPE_CHECKING:
    from .rollout import Rollout


@dataclass(frozen=True)
class Basis:
    """A base group as AWS describes it, and what speaks against building on it.

    C(taken) says that there is a group already of the name that the revision is to have.
    """

    group: Group
    described: Described
    problems: tuple[str, ...] = ()
    taken: bool = False


def read_described(
    rollout: Rollout,
    name: str,
    target_group_arns: Sequence[str] | None = None,
    group: Group | None = None,
) -> tuple[Group, Described]:
    """Read everything of a base group that a copy with the given target groups depends on.

    A base that is an outgoing group itself is read as it was before the deployment that shields it. C(group) is the
    base where it has just been read.

    Raises:
        InvalidInput: there is no such group, or what it launches from is gone.
    """
    api = rollout.autoscaling
    group = group or api.group(name)
    if group is None:
        raise InvalidInput([f"there is no base group {name} in this region"])
    group = as_before(group)
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
        plain = Described(group.described, template, configuration, **details)
        overrides = {
            key: api.launch_template_version(specification)
            for key, specification in override_specifications(plain).items()
        }
        template_tags = {
            template_id: api.launch_template_tags(template_id)
            for template_id in _template_ids(template, *overrides.values())
        }
    except AwsError as error:
        if error.code.startswith("InvalidLaunchTemplate"):
            words = f"what base group {name} launches from is gone: {error.answer}"
            raise InvalidInput([f"{words}; give it a launch template that exists"]) from error
        raise
    alarms = rollout.cloudwatch.described_alarms(clone_alarm_names(details["policies"]))
    return group, Described(
        group=group.described,
        launch_template=template,
        launch_configuration=configuration,
        override_launch_templates=overrides,
        alarms=alarms,
        launch_template_tags=template_tags.get(str((template or {}).get("LaunchTemplateId"))),
        override_launch_template_tags={
            key: template_tags[str(version["LaunchTemplateId"])] for key, version in overrides.items()
        },
        alarm_tags={key: rollout.cloudwatch.alarm_tags(alarm["AlarmArn"]) for key, alarm in alarms.items()},
        load_balancer_arns=_load_balancers(rollout, plain, target_group_arns),
        **details,
    )


def read_scaling(rollout: Rollout, name: str, target_group_arns: Sequence[str]) -> Described:
    """Read of a base group what the final phase attaches: policies with their alarms, and scheduled actions.

    Raises:
        InvalidInput: there is no such group.
    """
    group = rollout.autoscaling.group(name)
    if group is None:
        raise InvalidInput([f"there is no base group {name} in this region"])
    group = as_before(group)
    details = rollout.autoscaling.scaling_details(group)
    alarms = rollout.cloudwatch.described_alarms(clone_alarm_names(details["policies"]))
    plain = Described(group.described, None, None, **details)
    return dataclasses.replace(
        plain,
        alarms=alarms,
        alarm_tags={key: rollout.cloudwatch.alarm_tags(alarm["AlarmArn"]) for key, alarm in alarms.items()},
        load_balancer_arns=_load_balancers(rollout, plain, target_group_arns),
    )


def _template_ids(*versions: Mapping[str, Any] | None) -> list[str]:
    return sorted({str(version["LaunchTemplateId"]) for version in versions if version})


def _load_balancers(
    rollout: Rollout, described: Described, target_group_arns: Sequence[str] | None
) -> Mapping[str, Sequence[str]]:
    """The load balancers in front of target groups that take the place of the base's, where policies name those."""
    fresh = [arn for arn in target_group_arns or () if arn not in described.target_group_arns]
    if not fresh or not described.policies:
        return {}
    try:
        return rollout.load_balancing.load_balancers(fresh)
    except AwsError as error:
        # Which of them is missing is told among the problems.
        if error.code not in MISSING_TARGET_GROUP | {"ValidationError"}:
            raise
        return {}


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


def read_basis(
    rollout: Rollout,
    name: str,
    overrides: Overrides,
    find_image: Callable[[str], Image | None],
    new_group: str,
) -> Basis:
    """Read a base group, and find everything that speaks against a deployment of an AMI on it.

    C(find_image) finds the AMI, and is given the id of the base's, for which the same call may ask; that there is none
    is a problem of its own. C(new_group) is the name that the revision is to have, and is looked for by the call that
    reads the base.

    Raises:
        InvalidInput: the base group or what it launches from does not exist.
    """
    found = rollout.autoscaling.groups([name, new_group])
    group, described = read_described(rollout, name, overrides.target_group_arns, found.get(name))
    problems = health.process_problems(f"base group {name}", group.suspended)
    if group.tags.get(journal.DEPLOYMENT):
        problems.append(
            f"base group {name} is revision {group.tags.get(journal.REVISION, '?')} of series"
            f" {group.tags.get(journal.SERIES)}; a base group is a template of its own, never resized"
        )
    image = find_image(str(described.image_id or ""))
    problems.extend(_image_problems(rollout, described, overrides, image))
    problems.extend(
        rollout.load_balancing.missing(overrides.target_group_arns or (), overrides.load_balancer_names or ())
    )
    return Basis(group, described, tuple(problems), taken=new_group in found)


def _image_problems(
    rollout: Rollout, described: Described, overrides: Overrides, image: Image | None
) -> list[str]:
    problems = []
    if image and image.state != "available":
        problems.append(f"AMI {image.image_id} is {image.state}, not available")
    types = instance_types(described, overrides)
    try:
        known = rollout.autoscaling.instance_types(types)
    except AwsError as error:
        if error.code not in TYPE_MISSING:
            raise
        return [*problems, f"an instance type of the new group does not exist here: {error.answer}"]
    if image:
        for item in known.values():
            problems += instance_support.problems(image, item, described.name)
    return problems


def instance_types(described: Described, overrides: Overrides) -> list[str]:
    """Every instance type that the new group may launch, as far as it names any.

    Where overrides of a mixed instances policy name types, the launch template's own is not launched.
    """
    data = (described.launch_template or {}).get("LaunchTemplateData") or described.launch_configuration or {}
    policy = (described.group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    own = overrides.instance_type or data.get("InstanceType") or ""
    named = [_override_type(described, one, own) for one in policy.get("Overrides") or ()] or [own]
    return sorted({str(one) for one in named if one})


def _override_type(described: Described, override: Mapping[str, Any], own: str) -> str:
    """The type that an override launches; empty where it is chosen by requirements."""
    if override.get("InstanceType"):
        return str(override["InstanceType"])
    if override.get("InstanceRequirements"):
        return ""
    key = template_key(override.get("LaunchTemplateSpecification") or {})
    version = described.override_launch_templates.get(key) or {}
    return str((version.get("LaunchTemplateData") or {}).get("InstanceType") or own)
