# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service model says of an input, held against the input, in AWS's words."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session

from tests.sandbox.errors import validation_error


@functools.cache
def _input_shape(service: str, operation: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape


def validate(service: str, operation: str, parameters: dict[str, Any]) -> None:
    """Raise a validation error for a missing member, a length out of bounds or an unknown value."""
    shape = _input_shape(service, operation)
    if shape is None:
        return
    complaints = list(_complaints(shape, parameters, ""))
    if complaints:
        many = f"{len(complaints)} validation error{'s' if len(complaints) > 1 else ''} detected: "
        raise validation_error(many + "; ".join(complaints))


def _complaints(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value:
                member = _member(path, name)
                yield f"Value null at '{member}' failed to satisfy constraint: Member must not be null"
        for name, member_value in value.items():
            yield from _complaints(shape.members[name], member_value, _member(path, name))
        return
    if shape.type_name == "list":
        yield from _bounds(shape, len(value), value, path)
        for at, item in enumerate(value, 1):
            yield from _complaints(shape.member, item, f"{path}.{at}.member")
        return
    if shape.type_name == "string":
        yield from _bounds(shape, len(value), value, path)
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            constraint = f"Member must satisfy regular expression pattern: {pattern}"
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
        allowed = shape.metadata.get("enum")
        if allowed and value not in allowed:
            constraint = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
    elif shape.type_name in ("integer", "long", "float", "double"):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and value < low:
            constraint = f"Member must have value greater than or equal to {low}"
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
        if high is not None and value > high:
            constraint = f"Member must have value less than or equal to {high}"
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # The models count UTF-16 surrogates among the characters, which Python's text does not have.
    without = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")
    return re.compile(without)


def _bounds(shape: Any, length: int, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and length < low:
        constraint = f"Member must have length greater than or equal to {low}"
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
    if high is not None and length > high:
        constraint = f"Member must have length less than or equal to {high}"
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def _member(path: str, name: str) -> str:
    lower = name[0].lower() + name[1:]
    return f"{path}.{lower}" if path else lower
