# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listeners and rules that forward to several target groups by weight.

moto stores actions as they were given, and checks little of them. What AWS refuses is said in the API reference of
Elastic Load Balancing (``ModifyListener``, ``ModifyRule``, ``Action``, ``ForwardActionConfig``, ``TargetGroupTuple``)
and in "Action types for listener rules" (User Guide for Application Load Balancers); the errors' codes are those that
the operations list, and the words are ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.sandbox.errors import AwsError

if TYPE_CHECKING:
    from tests.sandbox.world import World

#: The operations that write actions, and the member that has them.
WRITES = {
    "CreateListener": "DefaultActions",
    "ModifyListener": "DefaultActions",
    "CreateRule": "Actions",
    "ModifyRule": "Actions",
}
#: "The target groups. [...] You can specify up to five target groups", and a weight is "from 0 to 999".
_MOST_TARGET_GROUPS, _HIGHEST_WEIGHT = 5, 999
#: "Tags per resource" ("Quotas for your Application Load Balancers").
_MOST_TAGS = 50


def check(world: World, operation: str, parameters: Mapping[str, Any]) -> None:
    """Refuse what AWS does not take, before moto sees it. Raises AwsError."""
    if operation == "CreateTargetGroup" and len(parameters.get("Tags") or ()) > _MOST_TAGS:
        raise AwsError("TooManyTags", f"A target group can have {_MOST_TAGS} tags")
    for action in parameters.get(WRITES.get(operation, "")) or ():
        if action["Type"] == "forward":
            _check_forward(world, operation, parameters, action)
        # "ClientSecret: [...] This parameter is required if you are creating a rule. If you are modifying a rule, you
        # can omit this parameter if you set UseExistingClientSecret to true" (``AuthenticateOidcActionConfig``).
        config = action.get("AuthenticateOidcConfig")
        if config and not config.get("ClientSecret"):
            kept = operation.startswith("Modify") and config.get("UseExistingClientSecret")
            if not kept:
                raise AwsError("ValidationError", "A client secret must be specified")


def _check_forward(
    world: World, operation: str, parameters: Mapping[str, Any], action: Mapping[str, Any]
) -> None:
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    arns = [one["TargetGroupArn"] for one in groups]
    alone = action.get("TargetGroupArn")
    # "If you specify both ForwardConfig and TargetGroupArn, you can specify only one target group using ForwardConfig
    # and it must be the same target group specified in TargetGroupArn" (``Action``).
    if alone and groups and arns != [alone]:
        raise AwsError(
            "InvalidLoadBalancerAction", "TargetGroupArn and ForwardConfig do not name the same target group"
        )
    if not alone and not groups:
        raise AwsError("InvalidLoadBalancerAction", "A forward action must have a target group")
    if len(groups) > _MOST_TARGET_GROUPS:
        raise AwsError(
            "InvalidLoadBalancerAction", f"A forward action can have {_MOST_TARGET_GROUPS} target groups"
        )
    if len(set(arns)) < len(arns):
        raise AwsError("InvalidLoadBalancerAction", "A target group can be specified once")
    for one in groups:
        if not 0 <= one.get("Weight", 1) <= _HIGHEST_WEIGHT:
            raise AwsError("ValidationError", f"Weight '{one['Weight']}' must be between 0 and 999")
    _check_one_load_balancer(world, operation, parameters, arns or [str(alone)])


def _check_one_load_balancer(
    world: World, operation: str, parameters: Mapping[str, Any], arns: list[str]
) -> None:
    """ "Each target group can be associated with only one load balancer" ("Target groups for your ...")."""
    own = parameters.get("LoadBalancerArn") or _load_balancer_arn(
        parameters.get("ListenerArn") or parameters["RuleArn"]
    )
    for arn in arns:
        others = {one.arn for one in forwarding_to(world, arn)} - {own}
        if others:
            raise AwsError(
                "TargetGroupAssociationLimit",
                f"The following target groups cannot be associated with more than one load balancer: {arn}",
            )


def _load_balancer_arn(arn: str) -> str:
    """The load balancer's ARN in that of a listener or a rule."""
    head, __, path = arn.partition("/")
    return f"{head.rpartition(':')[0]}:loadbalancer/{'/'.join(path.split('/')[:3])}"


def complete(world: World) -> None:
    """Have all actions told as AWS tells them: a single target group in both ways, with its weight."""
    for __, actions in _actions(world):
        for action in actions:
            data = action.data
            if data.get("Type") != "forward":
                continue
            config = data.setdefault("ForwardConfig", {})
            groups = config.setdefault("TargetGroups", [])
            if not groups:
                groups.append({"TargetGroupArn": data["TargetGroupArn"]})
            for one in groups:
                one["Weight"] = int(one.get("Weight", 1))
            config.setdefault("TargetGroupStickinessConfig", {"Enabled": False})
            if len(groups) == 1:
                data["TargetGroupArn"] = groups[0]["TargetGroupArn"]
            action.__dict__.update(data)


def _actions(world: World, but: Collection[int] = ()) -> Iterator[tuple[Any, list[Any]]]:
    """Each load balancer with the actions of each of its listeners and rules, but for listeners on some ports."""
    for balancer in world.backend("elbv2").load_balancers.values():
        for listener in balancer.listeners.values():
            if int(listener.port) in but:
                continue
            for rule in listener.rules.values():
                yield balancer, rule.actions


def forwards(world: World, but: Collection[int] = ()) -> Iterator[tuple[Any, dict[str, int]]]:
    """Each action that forwards: its load balancer, and the weight of each of its target groups, by ARN.

    Those of listeners on the ports ``but`` are left out.
    """
    for balancer, actions in _actions(world, but):
        for action in actions:
            if action.data.get("Type") != "forward":
                continue
            groups = (action.data.get("ForwardConfig") or {}).get("TargetGroups") or []
            if len(groups) > 1:
                yield balancer, {one["TargetGroupArn"]: int(one.get("Weight", 1)) for one in groups}
            else:
                arn = groups[0]["TargetGroupArn"] if groups else action.data.get("TargetGroupArn")
                yield balancer, {arn: 1}


def forwarding_to(world: World, arn: str) -> list[Any]:
    """Return moto's load balancers with a listener or rule that forwards to a target group, at whatever weight."""
    found = {balancer.arn: balancer for balancer, weights in forwards(world) if arn in weights}
    return list(found.values())


def loads(world: World, healthy: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """How many times its own requests each target of a target group gets, where that is not once.

    An instance brings requests with it (see metrics/signals.py), once, in however many target groups it is. All that
    the healthy targets of an action bring is shared out by the weights of their target groups, and in each among its
    targets. ``healthy`` are the instances of the healthy targets, by target group.
    """
    found: dict[str, list[float]] = {}
    weighted = False
    for __, weights in forwards(world):
        weighted = weighted or len(weights) > 1
        whole = sum(weights.values())
        instances = len({one for arn in weights for one in healthy.get(arn, ())})
        for arn, weight in weights.items():
            if healthy.get(arn):
                share = weight / whole if whole else 0.0
                found.setdefault(arn, []).append(share * instances / len(healthy[arn]))
    if not weighted:
        return {}
    return {arn: sum(several) / len(several) for arn, several in found.items()}


def lost_shares(
    world: World, healthy: Mapping[str, Sequence[str]], stages: Collection[int] = ()
) -> dict[str, float]:
    """The share of an action's requests that goes to a target group without a healthy target, where there is any.

    A target group gets its weight's share whoever is healthy in it. Where nobody is, requests fail or go to targets
    that are not ready: "If a target group contains only unhealthy registered targets, the load balancer routes requests
    to all those targets, regardless of their health status" ("Health checks for your target groups"). A single target
    group gets all: actions that are put back before anybody is healthy there lose every request. ``stages`` are the
    ports of listeners to which no clients come.
    """
    lost: dict[str, float] = {}
    for __, weights in forwards(world, stages):
        whole = sum(weights.values())
        for arn, weight in weights.items():
            if weight and not healthy.get(arn):
                lost[arn] = max(lost.get(arn, 0.0), weight / whole)
    return lost
