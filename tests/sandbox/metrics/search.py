# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SEARCH: which metrics match a search expression.

After "CloudWatch search expression syntax" (Amazon CloudWatch User Guide).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from tests.sandbox.cloudwatch.series import MetricKey
from tests.sandbox.metric_math.language import MathError

#: Limits of a search: characters of the expression, time series of the answer.
LONGEST = 1024
MOST_SERIES = 500

_SCHEMA = re.compile(r"\s*\{([^}]*)\}\s*,?\s*(.*)", re.DOTALL)
_NAME = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",{}]+?))\s*(?:,|$)')
_TERM = re.compile(
    r"""\s*(?:(?P<bracket>[()])
    |(?P<operator>AND|OR|NOT)(?=[\s(]|$)
    |(?:(?P<property>"(?:[^"\\]|\\.)+"|[^\s()"=]+)\s*=\s*)?(?:"(?P<exact>(?:[^"\\]|\\.)*)"|(?P<partial>[^\s()"]+)))""",
    re.VERBOSE,
)
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ESCAPE = re.compile(r"\\(.)")

Predicate = Callable[[MetricKey], bool]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


@lru_cache(maxsize=8192)
def _tokens(text: str) -> tuple[str, ...]:
    """Return the parts of a name, split at case changes, digits and other characters; case kept."""
    return tuple(_TOKEN.findall(text))


def _partly(term: str, text: str) -> bool:
    """Whether a term matches part of a name: one token in any case, or several in a row in their case."""
    wanted, there = _tokens(term), _tokens(text)
    if not wanted:
        return False
    if len(wanted) == 1:
        return wanted[0].lower() in {token.lower() for token in there} or _whole(term) == _whole(text)
    size = len(wanted)
    return any(there[i : i + size] == wanted for i in range(len(there) - size + 1))


def _whole(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _texts(key: MetricKey, designator: str | None) -> list[str]:
    if designator is None:
        parts = [text for pair in key.dimensions for text in pair]
        return [key.namespace, key.name, *parts]
    if designator == "MetricName":
        return [key.name]
    if designator == "Namespace":
        return [key.namespace]
    value = key.dimension(designator)
    return [] if value is None else [value]


class _Terms:
    """Search terms: NOT binds tightest, then AND (also where nothing stands), then OR."""

    def __init__(self, text: str) -> None:
        self._tokens: list[re.Match[str]] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            found = _TERM.match(text, at)
            if not found:
                raise MathError("Invalid syntax in SEARCH expression")
            self._tokens.append(found)
            at = found.end()
        self._at = 0

    def whole(self) -> Predicate:
        if not self._tokens:
            return lambda key: True
        result = self._either()
        if self._at != len(self._tokens):
            raise MathError("Invalid syntax in SEARCH expression")
        return result

    def _peek(self, group: str) -> str | None:
        return self._tokens[self._at][group] if self._at < len(self._tokens) else None

    def _either(self) -> Predicate:
        parts = [self._both()]
        while self._peek("operator") == "OR":
            self._at += 1
            parts.append(self._both())
        return lambda key: any(part(key) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._one()]
        while (
            self._at < len(self._tokens) and self._peek("operator") != "OR" and self._peek("bracket") != ")"
        ):
            if self._peek("operator") == "AND":
                self._at += 1
            parts.append(self._one())
        return lambda key: all(part(key) for part in parts)

    def _one(self) -> Predicate:
        if self._at >= len(self._tokens):
            raise MathError("Invalid syntax in SEARCH expression")
        token = self._tokens[self._at]
        self._at += 1
        if token["operator"] == "NOT":
            inner = self._one()
            return lambda key: not inner(key)
        if token["bracket"] == "(":
            inner = self._either()
            if self._peek("bracket") != ")":
                raise MathError("Invalid syntax in SEARCH expression")
            self._at += 1
            return inner
        if token["operator"] or token["bracket"]:
            raise MathError("Invalid syntax in SEARCH expression")
        designator = token["property"]
        if designator is not None and designator.startswith('"'):
            designator = _unescaped(designator[1:-1])
        if token["exact"] is not None:
            exact = _unescaped(token["exact"])
            return lambda key: exact in _texts(key, designator)
        partial = token["partial"]
        return lambda key: any(_partly(partial, text) for text in _texts(key, designator))


@lru_cache(maxsize=256)
def _predicate(expression: str) -> Predicate:
    if len(expression) > LONGEST:
        raise MathError(f"SEARCH expressions have at most {LONGEST} characters")
    schema = _SCHEMA.fullmatch(expression)
    if schema is None:
        if not expression.strip():
            raise MathError("SEARCH needs a metric schema or a search term")
        return _Terms(expression).whole()
    names = [_unescaped(quoted) if quoted else plain.strip() for quoted, plain in _NAME.findall(schema[1])]
    if not names or not names[0]:
        raise MathError("Invalid syntax in SEARCH expression")
    namespace, dimensions = names[0], frozenset(names[1:])
    terms = _Terms(schema[2]).whole()

    def matches(key: MetricKey) -> bool:
        if key.namespace != namespace:
            return False
        if dimensions and key.dimension_names != dimensions:
            return False
        return terms(key)

    return matches


def search(expression: str, keys: Iterable[MetricKey]) -> list[MetricKey]:
    """Return the metrics that match, at most 500. Raises MathError for what is not an expression."""
    matches = _predicate(expression)
    found = [key for key in keys if matches(key)]
    return found[:MOST_SERIES]
