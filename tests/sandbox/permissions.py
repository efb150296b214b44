# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: the policies of access keys, and what a call needs to be allowed.

A key without policies may do everything. Which resources and condition keys an action has is after the Service
Authorization Reference: "Actions, resources, and condition keys for Amazon EC2 Auto Scaling", "... for Amazon EC2" and
"... for Amazon CloudWatch".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.sandbox.errors import AwsError, not_modelled
from tests.sandbox.iam_policies import Asked, allowed, checked
from tests.sandbox.protocol import Call

if TYPE_CHECKING:
    from tests.sandbox.world import World

#: botocore's name of a service -> its prefix in IAM's actions.
PREFIXES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "service-quotas": "servicequotas",
}
_DENIAL = {"ec2": "UnauthorizedOperation", "ssm": "AccessDeniedException"}
Tags = Mapping[str, str]


class Permissions:
    """The statements of each access key that has policies."""

    def __init__(self) -> None:
        """Begin with none: everybody may do everything."""
        self._statements: dict[str, list[dict[str, Any]]] = {}

    def set(self, access_key: str, policies: Sequence[Mapping[str, Any]]) -> None:
        """Give a key these policies instead of those that it had; with none it may do everything."""
        statements = [statement for policy in policies for statement in checked(policy)]
        self._statements.pop(access_key, None)
        if policies:
            self._statements[access_key] = statements

    def check(self, call: Call, world: World) -> None:
        """Refuse a call that the policies of its key do not allow, in the service's words."""
        statements = self._statements.get(call.access_key)
        if statements is None:
            return
        for asked in needed(call, world):
            if not allowed(statements, asked):
                raise denial(
                    call.service, call.access_key, asked.action, world.settings.account_id, asked.resource
                )


def denial(service: str, access_key: str, action: str, account_id: str, resource: str = "") -> AwsError:
    """Return the error of a call that is not allowed."""
    where = f" on resource: {resource}" if resource not in ("", "*") else ""
    words = f"User: arn:aws:iam::{account_id}:user/{access_key} is not authorized to perform: {action}{where}"
    words += f" because no identity-based policy allows the {action} action"
    if service == "ec2":
        words = f"You are not authorized to perform this operation. {words}"
    return AwsError(_DENIAL.get(service, "AccessDenied"), words, 403)


def needed(call: Call, world: World) -> Iterator[Asked]:
    """Return everything that a call needs to be allowed, one action on one resource each."""
    action = f"{PREFIXES.get(call.service, call.service)}:{call.operation}"
    if not call.write:
        # "Describe actions do not support resource-level permissions": those that do are allowed for all as well.
        yield Asked(action, "*")
    elif call.service == "autoscaling":
        yield from _of_auto_scaling(action, call, world)
    elif call.service == "cloudwatch":
        yield from _of_cloudwatch(action, call, world)
    elif call.service == "ec2":
        yield from _of_ec2(action, call, world)
    else:
        yield Asked(action, "*")


def _context(resource: Tags | None = None, request: Tags | None = None, **more: str) -> dict[str, list[str]]:
    context = {f"aws:resourcetag/{key.lower()}": [value] for key, value in (resource or {}).items()}
    context |= {f"aws:requesttag/{key.lower()}": [value] for key, value in (request or {}).items()}
    if request:
        context["aws:tagkeys"] = list(request)
    return context | {key.replace("__", ":").lower(): [value] for key, value in more.items()}


def _pairs(tags: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    return {str(tag["Key"]): str(tag.get("Value") or "") for tag in tags or ()}


# ---------------------------------------------------------------- Amazon EC2 Auto Scaling


def _of_auto_scaling(action: str, call: Call, world: World) -> Iterator[Asked]:
    parameters, operation = call.parameters, call.operation
    if operation.endswith("LaunchConfiguration"):
        name = parameters.get("LaunchConfigurationName", "")
        # Launch configurations have no tags.
        yield Asked(action, world.autoscaling.arn("launchConfiguration", f"*:launchConfigurationName/{name}"))
    elif operation in ("CreateOrUpdateTags", "DeleteTags"):
        tags = parameters.get("Tags") or []
        for name in dict.fromkeys(str(tag["ResourceId"]) for tag in tags):
            request = _pairs([tag for tag in tags if tag["ResourceId"] == name])
            yield Asked(action, _group_arn(world, name), _context(_group_tags(world, name), request))
    elif "AutoScalingGroupName" in parameters:
        name = str(parameters["AutoScalingGroupName"])
        request = _pairs(parameters.get("Tags")) if operation == "CreateAutoScalingGroup" else {}
        yield Asked(action, _group_arn(world, name), _context(_group_tags(world, name), request))
        # "Control Amazon EC2 launch template usage in Auto Scaling groups": whoever creates or updates a group with a
        # launch template needs ec2:RunInstances, and iam:PassRole where a role is passed.
        for template in _templates(parameters):
            yield from _launch(template, world)
        roles = [parameters.get("ServiceLinkedRoleARN")]
        roles += [hook.get("RoleARN") for hook in parameters.get("LifecycleHookSpecificationList") or ()]
        for role in filter(None, roles):
            yield Asked("iam:PassRole", str(role), _context(iam__PassedToService="autoscaling.amazonaws.com"))
    else:
        raise not_modelled(f"policies for {action} without a group")


def _group_arn(world: World, name: str) -> str:
    group = world.autoscaling.groups.get(name)
    return group.arn if group else world.autoscaling.arn("autoScalingGroup", f"*:autoScalingGroupName/{name}")


def _group_tags(world: World, name: str) -> dict[str, str]:
    group = world.autoscaling.groups.get(name)
    return _pairs(group.describe_tags()) if group else {}


def _templates(parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if parameters.get("LaunchTemplate"):
        yield parameters["LaunchTemplate"]
    mixed = (parameters.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    for one in (mixed, *(mixed.get("Overrides") or ())):
        if one.get("LaunchTemplateSpecification"):
            yield one["LaunchTemplateSpecification"]


# ---------------------------------------------------------------- Amazon EC2


def _of_ec2(action: str, call: Call, world: World) -> Iterator[Asked]:
    parameters = call.parameters
    if call.operation == "CreateLaunchTemplate":
        arn = _arn(world, "ec2", "launch-template/*")
        request: dict[str, str] = {}
        for one in parameters.get("TagSpecifications") or ():
            request |= _pairs(one.get("Tags"))
        yield Asked(action, arn, _context(request=request))
        if request:
            # "Grant permission to tag Amazon EC2 resources during creation".
            yield Asked("ec2:CreateTags", arn, _context(request=request, ec2__CreateAction=call.operation))
    elif "LaunchTemplateId" in parameters or "LaunchTemplateName" in parameters:
        arn, tags = _template(parameters, world)
        yield Asked(action, arn, _context(tags))
    elif call.operation in ("CreateTags", "DeleteTags"):
        for resource in parameters.get("Resources") or ():
            yield Asked(
                action, _arn(world, "ec2", f"*/{resource}"), _context(request=_pairs(parameters.get("Tags")))
            )
    else:
        yield Asked(action, "*")


def _template(wanted: Mapping[str, Any], world: World) -> tuple[str, dict[str, str]]:
    """Return the ARN of a launch template, named by its id or its name, and its tags."""
    for template in world.backend("ec2").launch_templates.values():
        if wanted.get("LaunchTemplateId") == template.id or wanted.get("LaunchTemplateName") == template.name:
            tags = {str(tag["key"]): str(tag["value"]) for tag in template.get_tags()}
            return _arn(world, "ec2", f"launch-template/{template.id}"), tags
    return _arn(world, "ec2", "launch-template/*"), {}


def _launch(wanted: Mapping[str, Any], world: World) -> Iterator[Asked]:
    """Return what ec2:RunInstances with a launch template needs ("Example policies to work with launch templates")."""
    arn, tags = _template(wanted, world)
    yield Asked("ec2:RunInstances", arn, _context(tags, ec2__LaunchTemplate=arn))
    for kind in ("image", "instance", "network-interface", "security-group", "subnet", "volume"):
        owner = "" if kind == "image" else world.settings.account_id
        resource = f"arn:aws:ec2:{world.settings.region}:{owner}:{kind}/*"
        yield Asked("ec2:RunInstances", resource, _context(ec2__LaunchTemplate=arn))


# ---------------------------------------------------------------- Amazon CloudWatch


def _of_cloudwatch(action: str, call: Call, world: World) -> Iterator[Asked]:
    parameters = call.parameters
    # Alarms have tags, but no action looks at those of an alarm that is there.
    names = [parameters["AlarmName"]] if "AlarmName" in parameters else parameters.get("AlarmNames") or ["*"]
    request = _pairs(parameters.get("Tags"))
    for name in names:
        arn = _arn(world, "cloudwatch", f"alarm:{name}")
        yield Asked(action, arn, _context(request=request))
        if call.operation == "PutMetricAlarm" and request:
            # PutMetricAlarm, Tags: "you must also have the cloudwatch:TagResource permission".
            yield Asked("cloudwatch:TagResource", arn, _context(request=request))


def _arn(world: World, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{world.settings.region}:{world.settings.account_id}:{rest}"
