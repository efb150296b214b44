# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a listener or a rule shares out its requests: actions with weights, what they were, and what they become.

Actions are as DescribeListeners (C(DefaultActions)) and DescribeRules (C(Actions)) give them. Whatever is not a weight
or a target group stays in them as it is.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import base64
import copy as copying
import hashlib
import json
import math
import re
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from . import journal, naming

Action = Mapping[str, Any]
Actions = Sequence[Action]

# TargetGroupTuple: a weight is from 0 to 999.
HIGHEST_WEIGHT = 999
# "You can specify up to five target groups" ("Action types for listener rules", forward actions).
MOST_TARGET_GROUPS = 5
# Tags on a target group ("Quotas for your Application Load Balancers": tags per resource), and a tag's value.
MOST_TAGS = 50
LONGEST_VALUE = 256
# CreateTargetGroup: "This name must be unique per region per account, can have a maximum of 32 characters, must contain
# only alphanumeric characters or hyphens, and must not begin or end with a hyphen."
LONGEST_NAME = 32
_DIGEST = 10

# The tags of a target group that a deployment has made, besides C(journal.SERIES).
GROUP = journal.PREFIX + "group"
PRODUCTION = journal.PREFIX + "target-group"
RECORD = journal.PREFIX + "forwards-"

FORWARD = "forward"
# "Each rule must have exactly one of": what answers a request, or forwards it (CreateRule, Actions).
_ANSWERS = frozenset({FORWARD, "redirect", "fixed-response"})
_RULE = ":listener-rule/"
# What DescribeRules and DescribeListeners do not give of an OpenID provider, and what stands for it in a change.
_SECRETS = frozenset({"ClientSecret", "UseExistingClientSecret"})


@dataclass(frozen=True)
class Place:
    """Where actions stand: a listener, whose default actions are meant, or a rule."""

    arn: str

    @property
    def is_rule(self) -> bool:
        """Whether it is a rule."""
        return _RULE in self.arn

    def __str__(self) -> str:
        """Words for a message: C(rule app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee)."""
        return f"{'rule' if self.is_rule else 'listener'} {self.arn.partition('/')[2] or self.arn}"


@dataclass(frozen=True)
class Forward:
    """A place with its actions as they were before the deployment.

    C(stage) says that it is where a revision is tried out before it serves, and not production.
    """

    place: Place
    actions: tuple[Action, ...]
    stage: bool = False


@dataclass(frozen=True)
class WantedPlace:
    """A place as a user names it: by its ARN, or by load balancer, port, and the host and path of a rule's conditions.

    C(load_balancer) and C(target_group) are a name or an ARN. C(target_group) tells which one is production's, where
    the action has several that the group is attached to.
    """

    listener_arn: str = ""
    rule_arn: str = ""
    load_balancer: str = ""
    port: int = 0
    host: str = ""
    path: str = ""
    target_group: str = ""

    def problems(self) -> list[str]:
        """Say what is wrong with it by itself; an empty list where nothing is."""
        named = [bool(self.listener_arn), bool(self.rule_arn), bool(self.load_balancer)]
        if sum(named) != 1:
            return ["an item of traffic has not exactly one of listener_arn, rule_arn and load_balancer"]
        if self.load_balancer and not self.port:
            return [f"traffic: load balancer {self.load_balancer} is given without the port of its listener"]
        if not self.load_balancer and (self.port or self.host or self.path):
            return [f"traffic: port, host and path go with load_balancer, and not with {self}"]
        return []

    def __str__(self) -> str:
        """Words for a message."""
        if self.rule_arn or self.listener_arn:
            return f"rule {self.rule_arn}" if self.rule_arn else f"listener {self.listener_arn}"
        conditions = [
            f"{kind} {value}" for kind, value in (("host", self.host), ("path", self.path)) if value
        ]
        return ", ".join([f"load balancer {self.load_balancer}", f"port {self.port}", *conditions])


# ------------------------------------------------------------------- reading


def weights(actions: Actions) -> dict[str, int]:
    """The weight of each target group that actions forward to, by its ARN, in their order."""
    found: dict[str, int] = {}
    for action in actions:
        for arn, weight in _weights_of(action).items():
            found[arn] = found.get(arn, 0) + weight
    return found


def _weights_of(action: Action) -> dict[str, int]:
    if action.get("Type") != FORWARD:
        return {}
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or ()
    if groups:
        # A weight that is not given is 1.
        return {
            str(one["TargetGroupArn"]): 1 if one.get("Weight") is None else int(one["Weight"])
            for one in groups
        }
    arn = action.get("TargetGroupArn")
    return {str(arn): 1} if arn else {}


def is_sticky(actions: Actions) -> bool:
    """Whether clients stay with the target group that they came to first, so that weights move new clients only."""
    return any(
        ((action.get("ForwardConfig") or {}).get("TargetGroupStickinessConfig") or {}).get("Enabled")
        for action in actions
    )


def production_in(actions: Actions, attached: Collection[str]) -> list[str]:
    """The target groups of the actions to which a group is attached."""
    return [arn for arn in weights(actions) if arn in attached]


def same(one: Actions, other: Actions) -> bool:
    """Whether two lists of actions do the same.

    The two ways to name a single target group are one, as are stickiness that is off and none; the secret of an OpenID
    provider is not looked at, since AWS gives none.
    """
    return _normal(one) == _normal(other)


def _normal(actions: Actions) -> list[Any]:
    ordered = sorted(enumerate(actions), key=lambda pair: (pair[1].get("Order") or 0, pair[0]))
    return [_normal_action(action) for __, action in ordered]


def _normal_action(action: Action) -> dict[str, Any]:
    rest = {
        key: value for key, value in action.items() if key not in ("Order", "TargetGroupArn", "ForwardConfig")
    }
    for key, value in rest.items():
        if isinstance(value, Mapping):
            rest[key] = {name: given for name, given in value.items() if name not in _SECRETS}
    if action.get("Type") != FORWARD:
        return rest
    known = _weights_of(action)
    if len(known) == 1:
        # A single one gets everything, whatever its weight.
        known = dict.fromkeys(known, 1)
    config = {
        key: value for key, value in (action.get("ForwardConfig") or {}).items() if key != "TargetGroups"
    }
    if not (config.get("TargetGroupStickinessConfig") or {}).get("Enabled"):
        config.pop("TargetGroupStickinessConfig", None)
    return {**rest, "weights": known, "config": config}


# ------------------------------------------------------------------ changing


def problems(actions: Actions, production: str, copy: str = "") -> list[str]:
    """Say why the share of a production target group cannot be divided; an empty list where it can."""
    forwards = [action for action in actions if action.get("Type") == FORWARD]
    if not forwards:
        return ["it forwards to no target group"]
    known = weights(actions)
    if production not in known:
        return [f"it does not forward to target group {production}"]
    others = [arn for arn in known if arn != copy]
    if len(others) >= MOST_TARGET_GROUPS:
        return [
            f"it forwards to {len(others)} target groups, and AWS takes {MOST_TARGET_GROUPS}: there is no room for"
            " that of the new revision"
        ]
    if not known[production] and len(others) > 1:
        return [f"target group {production} has weight 0 in it, so that there are no requests to divide"]
    return []


def shifted(original: Actions, production: str, copy: str, percent: int) -> list[dict[str, Any]]:
    """Actions that give the copy C(percent) of the requests that production had in the C(original) ones.

    All other target groups keep their share of the whole; a place where the copy stands alone (C(percent) 100) has
    production at weight 0. Weights are exact where 0 to 999 can say them, and else as near as they can; what had
    a share keeps one.
    """
    result = copying.deepcopy([dict(action) for action in original])
    for action in result:
        known = _weights_of(action)
        if production not in known:
            continue
        known.pop(copy, None)
        # A single one gets everything, whatever its weight.
        whole = known[production] if len(known) > 1 else 1
        wanted: dict[str, int] = {}
        for arn, weight in known.items():
            if arn == production:
                wanted[arn], wanted[copy] = whole * (100 - percent), whole * percent
            else:
                wanted[arn] = weight * 100
        _write_weights(action, _scaled(wanted))
    return result


def staged(original: Actions, copy: str) -> list[dict[str, Any]]:
    """Actions in which the copy gets everything, whatever answered before; what comes before that stays."""
    result = copying.deepcopy([dict(action) for action in original])
    for action in result:
        if action.get("Type") in _ANSWERS:
            order = {"Order": action["Order"]} if "Order" in action else {}
            action.clear()
            action.update(Type=FORWARD, **order)
            _write_weights(action, {copy: 1})
    return result


def without(actions: Actions, production: str, copy: str) -> list[dict[str, Any]]:
    """The actions with the copy taken out, and its share given back to production; what else they are stays.

    Where production is not among them any more, the copy's share is everybody else's; where nobody else has any,
    production takes the copy's place, since requests must go somewhere.
    """
    result = copying.deepcopy([dict(action) for action in actions])
    for action in result:
        known = _weights_of(action)
        if copy not in known:
            continue
        had = known.pop(copy)
        if production in known or not any(known.values()):
            known[production] = known.get(production, 0) + had
        _write_weights(action, _scaled(known))
    return result


def _write_weights(action: dict[str, Any], known: Mapping[str, int]) -> None:
    # With several target groups only ForwardConfig may name them.
    action.pop("TargetGroupArn", None)
    config = dict(action.get("ForwardConfig") or {})
    config["TargetGroups"] = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in known.items()]
    action["ForwardConfig"] = config


def _scaled(wanted: Mapping[str, int]) -> dict[str, int]:
    """Weights in the same relation, in the least integers, or in the nearest that AWS takes."""
    divisor = math.gcd(*wanted.values()) or 1
    least = {arn: weight // divisor for arn, weight in wanted.items()}
    largest = max(least.values(), default=0)
    if largest <= HIGHEST_WEIGHT:
        return least
    scale = Fraction(HIGHEST_WEIGHT, largest)
    return {arn: max(1, round(weight * scale)) if weight else 0 for arn, weight in least.items()}


# ------------------------------------------------------------ writing it down


def copy_name(group: str, production_name: str) -> str:
    """Name the copy of a production target group that a group gets: C(checkout-prod-7-0f3a9c12bd)."""
    digest = hashlib.sha256(f"{group}\0{production_name}".encode()).hexdigest()[:_DIGEST]
    words = _name_words(group)
    return f"{words}-{digest}" if words else digest


def may_be_copy(name: str, series: str) -> bool:
    """Whether a target group's name can be that of a copy for a revision of a series: it begins as theirs do."""
    words, __, digest = name.rpartition("-")
    number = words.rpartition("-")[2]
    if len(digest) != _DIGEST or not (number.isascii() and number.isdigit()):
        return False
    return words == _name_words(naming.group_name(series, int(number)))


def _name_words(group: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", group)[-(LONGEST_NAME - _DIGEST - 1) :].strip("-")


def write_record(forwards: Iterable[Forward]) -> dict[str, str]:
    """Places with their original actions as tags, byte for byte."""
    plain = json.dumps(
        [[one.place.arn, int(one.stage), list(one.actions)] for one in forwards], separators=(",", ":")
    )
    text = base64.urlsafe_b64encode(zlib.compress(plain.encode(), 9)).decode()
    return {
        f"{RECORD}{number}": text[first : first + LONGEST_VALUE]
        for number, first in enumerate(range(0, len(text), LONGEST_VALUE))
    }


def read_record(tags: Mapping[str, str]) -> tuple[Forward, ...]:
    """The places with their original actions from the tags of a target group; none where it has no record.

    Raises:
        ValueError: a part of the record is missing, or is not as it was written.
    """
    parts = {key.removeprefix(RECORD): value for key, value in tags.items() if key.startswith(RECORD)}
    if not parts:
        return ()
    try:
        text = "".join(parts[str(number)] for number in range(len(parts)))
        plain = zlib.decompress(base64.b64decode(text, altchars=b"-_", validate=True))
        return tuple(
            Forward(Place(arn), tuple(actions), bool(stage)) for arn, stage, actions in json.loads(plain)
        )
    except (KeyError, ValueError, TypeError, zlib.error) as error:
        raise ValueError(f"the tags {RECORD}… of the target group are not as they were written") from error


def too_many_tags(tags: Mapping[str, str]) -> list[str]:
    """Say that a target group cannot take all of these tags; an empty list where it can."""
    if len(tags) <= MOST_TAGS:
        return []
    own = sum(key.startswith(journal.PREFIX) for key in tags)
    return [
        f"the copy of the target group would need {len(tags)} tags, {own} of them the deployment's own, and AWS takes"
        f" {MOST_TAGS}; take some from the production target group, or shift fewer listeners and rules"
    ]
