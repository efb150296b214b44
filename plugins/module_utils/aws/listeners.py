# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listeners and rules of load balancers: found as a user names them, their actions read and replaced.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..core import forwarding
from ..core.errors import AwsError, LateAnswers
from ..core.forwarding import Action, Place, WantedPlace
from ..core.passes import Clock
from .calls import Calls

MISSING_PLACE = frozenset(
    {"ListenerNotFound", "ListenerNotFoundException", "RuleNotFound", "RuleNotFoundException"}
)
MISSING_LOAD_BALANCER = frozenset({"LoadBalancerNotFound", "LoadBalancerNotFoundException"})
# What AWS says of what is no ARN of the kind that is asked for.
MALFORMED = frozenset({"ValidationError", "InvalidParameterValue"})
# The configuration of an OpenID provider, whose secret no answer has: "UseExistingClientSecret: Indicates whether to
# use the existing client secret when modifying a rule" (AuthenticateOidcActionConfig).
_OPENID = "AuthenticateOidcConfig"
# Seconds for which the answers may show a place as it was before it was written, and between two looks.
OLDEST_ANSWER = 30.0
PAUSE = 1.0


class Listeners:
    """Listeners and rules, as the engine needs them. Every method raises RolloutError as C(Calls) does."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        """Use the given way of calling, and the clock to wait by."""
        self._call = calls
        self._clock = clock

    def actions(self, place: Place) -> tuple[Action, ...] | None:
        """The actions of a listener (the default ones) or a rule, in their order; None where there is no such."""
        attempted = f"read the actions of {place}"
        try:
            if place.is_rule:
                answer = self._call("elbv2", "DescribeRules", attempted, RuleArns=[place.arn])
                items, member = answer["Rules"], "Actions"
            else:
                answer = self._call("elbv2", "DescribeListeners", attempted, ListenerArns=[place.arn])
                items, member = answer["Listeners"], "DefaultActions"
        except AwsError as error:
            if error.code in MISSING_PLACE:
                return None
            raise
        return tuple(items[0].get(member) or ()) if items else None

    def write(self, place: Place, actions: Sequence[Action]) -> None:
        """Replace the actions of a place, all at once, and see that AWS's next answers show them.

        Raises:
            LateAnswers: for half a minute they have not, or somebody else has replaced them again.
        """
        written = [_as_written(action) for action in actions]
        attempted = f"write the actions of {place}"
        if place.is_rule:
            self._call("elbv2", "ModifyRule", attempted, RuleArn=place.arn, Actions=written)
        else:
            self._call("elbv2", "ModifyListener", attempted, ListenerArn=place.arn, DefaultActions=written)
        began = self._clock.now()
        while not forwarding.same(self.actions(place) or (), actions):
            if self._clock.now() - began >= OLDEST_ANSWER:
                raise LateAnswers(
                    attempted,
                    answer=f"for {OLDEST_ANSWER:.0f} seconds AWS has not shown {place} as it was written",
                    state="Its actions are in doubt: they are the ones written, or somebody else's.",
                    advice="See who else changes it, and run the same again: it goes on where it stopped.",
                )
            self._clock.sleep(PAUSE)

    def find(self, wanted: WantedPlace) -> tuple[Place | None, str]:
        """The place that a user names, or None and why there is none."""
        if wanted.rule_arn or wanted.listener_arn:
            place = Place(wanted.rule_arn or wanted.listener_arn)
            try:
                found = self.actions(place)
            except AwsError as error:
                if error.code not in MALFORMED:
                    raise
                found = None
            return (place, "") if found is not None else (None, f"there is no {wanted} in this region")
        balancer = self._load_balancer(wanted.load_balancer)
        if balancer is None:
            return None, f"there is no load balancer {wanted.load_balancer} in this region"
        listener = self._listener(balancer, wanted)
        if listener is None:
            return None, f"load balancer {wanted.load_balancer} has no listener on port {wanted.port}"
        if not (wanted.host or wanted.path):
            return Place(listener), ""
        rules = [rule for rule in self._rules(listener, wanted) if _fits(rule, wanted)]
        if len(rules) == 1:
            return Place(str(rules[0]["RuleArn"])), ""
        if not rules:
            return None, f"no rule of the listener has the conditions of {wanted}"
        arns = ", ".join(str(rule["RuleArn"]) for rule in rules)
        return None, f"{len(rules)} rules fit {wanted}; name one by its rule_arn: {arns}"

    def load_balancer_of(self, place: Place) -> str:
        """The ARN of the load balancer of a place: its own has the load balancer's in it."""
        # arn:aws:elasticloadbalancing:REGION:ACCOUNT:listener/app/NAME/ID/LISTENER, and :listener-rule/.../RULE.
        head, __, path = place.arn.partition("/")
        return f"{head.rpartition(':')[0]}:loadbalancer/{'/'.join(path.split('/')[:3])}"

    def _load_balancer(self, name: str) -> str | None:
        by: dict[str, Any] = {"LoadBalancerArns": [name]} if name.startswith("arn:") else {"Names": [name]}
        try:
            answer = self._call("elbv2", "DescribeLoadBalancers", f"find load balancer {name}", **by)
        except AwsError as error:
            if error.code in MISSING_LOAD_BALANCER | MALFORMED:
                return None
            raise
        return next((str(one["LoadBalancerArn"]) for one in answer["LoadBalancers"]), None)

    def _listener(self, balancer: str, wanted: WantedPlace) -> str | None:
        listeners = self._call.pages(
            "elbv2",
            "DescribeListeners",
            "Listeners",
            f"read the listeners of load balancer {wanted.load_balancer}",
            LoadBalancerArn=balancer,
        )
        return next((str(one["ListenerArn"]) for one in listeners if one.get("Port") == wanted.port), None)

    def _rules(self, listener: str, wanted: WantedPlace) -> Iterable[Mapping[str, Any]]:
        attempted = f"read the rules of load balancer {wanted.load_balancer}, port {wanted.port}"
        return self._call.pages("elbv2", "DescribeRules", "Rules", attempted, ListenerArn=listener)


def _fits(rule: Mapping[str, Any], wanted: WantedPlace) -> bool:
    """Whether a rule has the host and path that are wanted among its conditions, and neither where none is wanted."""
    values: dict[str, set[str]] = {"host-header": set(), "path-pattern": set()}
    for one in rule.get("Conditions") or ():
        if one.get("Field") in values:
            config = one.get("HostHeaderConfig") or one.get("PathPatternConfig") or {}
            values[one["Field"]] |= {*(one.get("Values") or ()), *(config.get("Values") or ())}
    pairs = ((wanted.host, values["host-header"]), (wanted.path, values["path-pattern"]))
    return all(given in known if given else not known for given, known in pairs)


def _as_written(action: Action) -> dict[str, Any]:
    if _OPENID not in action:
        return dict(action)
    config = dict(action[_OPENID])
    if "ClientSecret" not in config:
        config["UseExistingClientSecret"] = True
    return {**action, _OPENID: config}
