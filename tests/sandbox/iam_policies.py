# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether IAM policies allow a request: what identity-based policies with conditions come to, and no more.

After "Policy evaluation logic", "IAM JSON policy elements: Condition operators" and "Condition keys with multiple
context keys or values" of the IAM User Guide. moto evaluates actions only ("TODO add support for the Resource and
Condition parts", its iam/access_control.py). What is not evaluated here is refused when the policy is set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.errors import not_modelled

Context = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Asked:
    """One thing that a request asks for: an action on a resource, and what conditions may look at.

    C(context) has the keys in lower case ("Condition key names are not case-sensitive"), each with its values.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)


def _like(value: str, pattern: str) -> bool:
    """``*`` is any number of characters, ``?`` is one ("StringLike", "ArnLike", and in Action and Resource)."""
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, value, re.S) is not None


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
}
_NEGATED = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike", "ArnNotLike": "ArnLike"}
_KEYS = (
    "aws:resourcetag/",
    "aws:requesttag/",
    "aws:tagkeys",
    "ec2:createaction",
    "ec2:launchtemplate",
    "iam:passedtoservice",
)
_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}


def checked(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of a policy.

    Raises:
        AwsError: it has what is not evaluated here.
    """
    statements = _as_list(document.get("Statement"))
    for statement in statements:
        if unknown := set(statement) - _ELEMENTS:
            raise not_modelled(f"{', '.join(sorted(unknown))} in a policy")
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise not_modelled(f"a statement whose effect is {statement.get('Effect')!r}")
        for operator, keys in (statement.get("Condition") or {}).items():
            if foreign := [key for key in keys if not key.lower().startswith(_KEYS)]:
                raise not_modelled(f"the condition key {foreign[0]}")
            __, plain = _parts(operator)
            if plain != "Null" and plain not in _OPERATORS and plain not in _NEGATED:
                raise not_modelled(f"the condition operator {operator}")
    return statements


def allowed(statements: Sequence[Mapping[str, Any]], asked: Asked) -> bool:
    """Return whether statements allow it: one does, and none denies it ("an explicit deny overrides any allows")."""
    effects = {statement["Effect"] for statement in statements if _applies(statement, asked)}
    return effects == {"Allow"}


def _applies(statement: Mapping[str, Any], asked: Asked) -> bool:
    action = asked.action.lower()
    return (
        any(_like(action, pattern.lower()) for pattern in _as_list(statement["Action"]))
        and any(_like(asked.resource, pattern) for pattern in _as_list(statement["Resource"]))
        and all(
            _holds(operator, key, _as_list(wanted), asked.context)
            for operator, keys in (statement.get("Condition") or {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    several, plain = _parts(operator)
    values = context.get(key.lower())
    if plain == "Null":
        return (values is None) == (str(wanted[0]).lower() == "true")
    if values is None:
        # "...IfExists: if the key is not present, evaluate the condition element as true"; "ForAllValues also returns
        # true if there are no keys in the request"; negated operators are true where the key is missing.
        return operator.endswith("IfExists") or several == "ForAllValues" or plain in _NEGATED
    matches = _OPERATORS[_NEGATED.get(plain, plain)]

    def one(value: str) -> bool:
        return any(matches(value, pattern) for pattern in wanted) != (plain in _NEGATED)

    return all(map(one, values)) if several == "ForAllValues" else any(map(one, values))


def _parts(operator: str) -> tuple[str, str]:
    """Split ``ForAllValues:StringEqualsIfExists`` into how several values count and the plain operator."""
    several, colon, plain = operator.rpartition(":")
    return (several if colon else ""), plain.removesuffix("IfExists")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
