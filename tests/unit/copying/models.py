# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""botocore's models, for tests of the copy: what a call takes, what it tells, and random examples of it."""

from __future__ import annotations

import datetime
import functools
from typing import Any

import botocore.session
from botocore.validate import ParamValidator
from hypothesis import strategies as st

SESSION = botocore.session.get_session()
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=5, max_size=8)
MOMENTS = st.datetimes(
    min_value=datetime.datetime(2020, 1, 1),
    max_value=datetime.datetime(2040, 1, 1),
    timezones=st.just(datetime.UTC),
)


@functools.cache
def model(service: str) -> Any:
    return SESSION.get_service_model(service)


def shape(service: str, name: str) -> Any:
    """A shape by its name, as C(AutoScalingGroup)."""
    return model(service).shape_for(name)


def refusal(service: str, operation: str, parameters: dict[str, Any]) -> str:
    """What botocore says against a request before it would send it; empty where nothing."""
    report = ParamValidator().validate(parameters, model(service).operation_model(operation).input_shape)
    return str(report.generate_report()) if report.has_errors() else ""


def nested_names(of: Any, seen: tuple[str, ...] = ()) -> dict[str, str]:
    """Every member at any depth, as a dotted path, with the kind of its value."""
    found: dict[str, str] = {}
    if of.type_name == "list":
        return nested_names(of.member, seen)
    if of.type_name != "structure" or of.name in seen:
        return found
    for name, member in of.members.items():
        found[name] = member.type_name
        inner = nested_names(member, (*seen, of.name))
        found |= {f"{name}.{path}": kind for path, kind in inner.items()}
    return found


def examples(of: Any, like: Any = None, least: int = 0) -> st.SearchStrategy[Any]:
    """Random values of a shape, each with any of its members present.

    C(like) is the shape of the request that made such a thing: what that requires is always told. C(least) is
    how many items or members it has at least.
    """
    kind = of.type_name
    if kind == "structure":
        others = {} if like is None else like.members
        required = {*of.required_members, *(() if like is None else like.required_members)} & set(of.members)
        members = {
            name: examples(member, others.get(name), least=int(name in required))
            for name, member in of.members.items()
        }
        if getattr(of, "is_tagged_union", False):
            return st.one_of(st.fixed_dictionaries({name: value}) for name, value in members.items())
        some = st.fixed_dictionaries(
            {name: value for name, value in members.items() if name in required},
            optional={name: value for name, value in members.items() if name not in required},
        )
        return some.filter(bool) if least and members else some
    if kind == "list":
        return st.lists(
            examples(of.member, None if like is None else like.member), min_size=least, max_size=2
        )
    if kind == "string":
        return st.sampled_from(of.enum[:5]) if of.enum else WORDS
    if kind in ("integer", "long"):
        # A request may be stricter than what tells of its outcome.
        lowest = max(int(one.metadata.get("min", 0)) for one in (of, like or of))
        return st.integers(lowest, int(of.metadata.get("max", lowest + 1000)))
    if kind in ("double", "float"):
        return st.floats(0, 1000, allow_nan=False)
    if kind == "boolean":
        return st.booleans()
    if kind == "timestamp":
        return MOMENTS
    raise AssertionError(f"a kind of value that the copy has not met: {kind}")
