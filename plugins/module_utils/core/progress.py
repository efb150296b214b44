# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step keeps from look to look: a record that a process hands to the next as plain data.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar


@dataclass
class Progress:
    """What every step keeps; a step with more of its own has a record that extends this one.

    Losing it costs time, never correctness. C(started) is when the step began, in seconds since the epoch; C(told) has
    what was told last about what, and C(answer) what a person has answered, empty where nobody could be asked.
    C(changed_last) are the words of the last change, and C(held) the seconds that count for no time-out.
    """

    started: float | None = None
    told: dict[str, str] = field(default_factory=dict)
    answer: str | None = None
    changed_last: list[str] | None = None
    held: float = 0.0


P = TypeVar("P")


def as_plain(record: Any) -> dict[str, Any]:
    """A record, which is a dataclass, as JSON has it."""
    return dataclasses.asdict(record)


def read(kind: type[P], plain: Mapping[str, Any]) -> P:
    """The record of C(kind) that C(as_plain) wrote; what it does not know is left out.

    Raises:
        TypeError, ValueError: it was written by something else.
    """
    made: P = _read(kind, plain)
    return made


def _read(kind: Any, plain: Any) -> Any:
    """Make C(plain) what an annotation says: a dataclass, or a list, dictionary or option of such."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        kinds = typing.get_type_hints(kind)
        names = {one.name for one in dataclasses.fields(kind)} & set(plain)
        return kind(**{name: _read(kinds[name], plain[name]) for name in names})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType or origin is typing.Union:
        return (
            None if plain is None else _read(next(one for one in arguments if one is not type(None)), plain)
        )
    if origin in (list, tuple):
        return origin(_read(arguments[0], one) for one in plain)
    if origin is dict:
        return {key: _read(arguments[1], one) for key, one in plain.items()}
    return plain
