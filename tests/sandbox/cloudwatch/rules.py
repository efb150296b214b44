# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of composite alarms, after PutCompositeAlarm's reference (AlarmRule)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tests.sandbox.cloudwatch import validation as check
from tests.sandbox.errors import not_modelled

#: PutCompositeAlarm's reference: alarms that a rule may name.
MOST_CHILDREN = 100

#: A rule as a function of (alarm name) -> its state.
StateOf = Callable[[str], str]
_Node = Callable[[StateOf], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<reference>(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"[^"]*"|[^()"]+?)\s*\))
    |(?P<at_least>AT_LEAST\s*\()
    |(?P<word>AND|OR|NOT|TRUE|FALSE)(?![A-Za-z0-9_])
    |(?P<bracket>[()]))""",
    re.VERBOSE | re.IGNORECASE,
)
_REFERENCE = re.compile(r'(\w+)\s*\(\s*"?(.*?)"?\s*\)', re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """A parsed rule: the alarms that it names, in their order, and what it comes to."""

    children: tuple[str, ...]
    holds: _Node


class _Parser:
    """NOT binds tightest, then AND, then OR."""

    def __init__(self, text: str) -> None:
        self.children: dict[str, None] = {}
        self._tokens: list[tuple[str, str]] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise _invalid(f"unexpected text at {text[at : at + 20]!r}")
            kind = found.lastgroup or ""
            if kind == "at_least":
                raise not_modelled("AT_LEAST in the rule of a composite alarm")
            self._tokens.append((kind, found[kind]))
            at = found.end()
        self._at = 0

    def whole(self) -> _Node:
        node = self._either()
        if self._at != len(self._tokens):
            raise _invalid(f"unexpected {self._tokens[self._at][1]!r}")
        return node

    def _accept(self, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1].upper() == text:
            self._at += 1
            return True
        return False

    def _either(self) -> _Node:
        parts = [self._both()]
        while self._accept("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda state_of: any(part(state_of) for part in parts)

    def _both(self) -> _Node:
        parts = [self._one()]
        while self._accept("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda state_of: all(part(state_of) for part in parts)

    def _one(self) -> _Node:
        if self._accept("NOT"):
            inner = self._one()
            return lambda state_of: not inner(state_of)
        if self._accept("("):
            inner = self._either()
            if not self._accept(")"):
                raise _invalid("a bracket is not closed")
            return inner
        if self._accept("TRUE"):
            return lambda state_of: True
        if self._accept("FALSE"):
            return lambda state_of: False
        if self._at >= len(self._tokens):
            raise _invalid("it ends where an alarm is expected")
        kind, text = self._tokens[self._at]
        found = _REFERENCE.fullmatch(text)
        if kind != "reference" or found is None:
            raise _invalid(f"unexpected {text!r}")
        self._at += 1
        wanted, name = found[1].upper(), _name(found[2])
        self.children[name] = None
        return lambda state_of: state_of(name) == wanted


def _name(reference: str) -> str:
    """Return the name that a reference means: "either alarm names or ARNs"."""
    return (
        reference.split(":alarm:", 1)[1]
        if reference.startswith("arn:") and ":alarm:" in reference
        else reference
    )


def _invalid(why: str) -> Exception:
    return check.validation(f"AlarmRule must not contain any syntax errors: {why}.")


@lru_cache(maxsize=256)
def parse(text: str) -> Rule:
    """Return a rule. Raises AwsError (ValidationError) for what is none."""
    parser = _Parser(text)
    holds = parser.whole()
    if len(parser.children) > MOST_CHILDREN:
        raise check.validation(f"AlarmRule must not name more than {MOST_CHILDREN} alarms.")
    return Rule(tuple(parser.children), holds)
