# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metric math: expressions over time series.

After "Using math expressions with CloudWatch metrics" (Amazon CloudWatch User Guide). What is not
modelled (anomaly detection, Metrics Insights, service quotas ...) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

from tests.sandbox.cloudwatch.series import Series

Scalar = float
#: What an expression can be: S, TS or TS[] in the documentation's words, or a quoted string.
Value = float | Series | list[Series] | str


class MathError(Exception):
    """What is wrong with an expression, without its name."""


# --- Syntax -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Listing:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Unary:
    operand: Node


@dataclass(frozen=True)
class Binary:
    operator: str
    left: Node
    right: Node


Node = Number | Text | Name | Listing | Call | Unary | Binary

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|“[^”]*”)
    |(?P<operator>==|!=|<=|>=|&&|\|\||[-+*/^<>()\[\],]))""",
    re.VERBOSE,
)
#: Loosest first. Those of a row bind alike, from the left.
_LEVELS = (("OR",), ("AND",), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"))
_ALIASES = {"&&": "AND", "||": "OR"}


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise MathError("Invalid syntax")
        kind = found.lastgroup or ""
        value = found[kind]
        if kind == "text":
            value = value[1:-1]
        elif kind == "name" and value in ("AND", "OR"):
            kind = "operator"
        elif kind == "operator":
            value = _ALIASES.get(value, value)
        tokens.append((kind, value))
        at = found.end()
    return tokens


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def whole(self) -> Node:
        node = self._level(0)
        if self._at != len(self._tokens):
            self._fail()
        return node

    def _fail(self) -> NoReturn:
        raise MathError("Invalid syntax")

    def _accept(self, *operators: str) -> str | None:
        if self._at < len(self._tokens):
            kind, value = self._tokens[self._at]
            if kind == "operator" and value in operators:
                self._at += 1
                return value
        return None

    def _expect(self, operator: str) -> None:
        if not self._accept(operator):
            self._fail()

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._level(level + 1)
        while operator := self._accept(*_LEVELS[level]):
            node = Binary(operator, node, self._level(level + 1))
        return node

    def _unary(self) -> Node:
        if self._accept("-"):
            return Unary(self._unary())
        if self._accept("+"):
            return self._unary()
        node = self._primary()
        if self._accept("^"):
            return Binary("^", node, self._unary())
        return node

    def _items(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        if self._accept(closing):
            return ()
        while True:
            items.append(self._level(0))
            if self._accept(closing):
                return tuple(items)
            self._expect(",")

    def _primary(self) -> Node:
        if self._accept("("):
            node = self._level(0)
            self._expect(")")
            return node
        if self._accept("["):
            return Listing(self._items("]"))
        if self._at >= len(self._tokens):
            self._fail()
        kind, value = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return Number(float(value))
        if kind == "text":
            return Text(value)
        if kind == "name":
            return Call(value, self._items(")")) if self._accept("(") else Name(value)
        return self._fail()


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """Return the syntax tree of an expression. Raises MathError."""
    return _Parser(text).whole()


def names_in(node: Node) -> Iterator[str]:
    """Yield the ids that an expression refers to (and its keywords, such as REPEAT)."""
    match node:
        case Name(name):
            yield name
        case Listing(items) | Call(_, items):
            for item in items:
                yield from names_in(item)
        case Unary(operand):
            yield from names_in(operand)
        case Binary(_, left, right):
            yield from names_in(left)
            yield from names_in(right)


def calls_in(node: Node) -> Iterator[str]:
    """Yield the functions that an expression calls."""
    match node:
        case Call(function, items):
            yield function
            for item in items:
                yield from calls_in(item)
        case Listing(items):
            for item in items:
                yield from calls_in(item)
        case Unary(operand):
            yield from calls_in(operand)
        case Binary(_, left, right):
            yield from calls_in(left)
            yield from calls_in(right)


# --- Types --------------------------------------------------------------------------------------------


def type_name(value: Value) -> str:
    """Return a value's type as CloudWatch words it in errors."""
    if isinstance(value, Series):
        return "TimeSeries"
    if isinstance(value, list):
        return "Array[TimeSeries]"
    return "String" if isinstance(value, str) else "Scalar"


def as_array(value: Value, function: str) -> list[Series]:
    """Return a TS or TS[] as TS[]. Raises MathError for anything else."""
    if isinstance(value, Series):
        return [value]
    if isinstance(value, list):
        return value
    raise MathError(f"Unsupported argument type(s) for {function}: '[{type_name(value)}]'")


def common_period(series: list[Series]) -> int:
    """Return the period of all of them. Raises MathError if they differ, which is not modelled."""
    periods = {one.period for one in series}
    if len(periods) > 1:
        shown = ", ".join(map(str, sorted(periods)))
        raise MathError(
            f"the sandbox does not model metrics of different periods ({shown} s) in one expression"
        )
    return periods.pop()


def union_of(series: list[Series]) -> list[int]:
    """Return all time stamps at which one of them has a value, ascending."""
    first = series[0].timestamps
    if all(one.timestamps == first for one in series[1:]):
        return first
    return sorted(set().union(*(one.timestamps for one in series)))


def values_at(series: Series, timestamps: list[int], missing: float = 0.0) -> list[float]:
    """Return the series' values at these time stamps; where it has none, ``missing``."""
    if series.timestamps == timestamps:
        return series.values
    known = dict(zip(series.timestamps, series.values, strict=True))
    return [known.get(at, missing) for at in timestamps]


# --- Operators ----------------------------------------------------------------------------------------


def _power(a: float, b: float) -> float | None:
    try:
        result = a**b
    except (ZeroDivisionError, OverflowError):
        return None
    return None if isinstance(result, complex) else result


OPERATORS: dict[str, Callable[[float, float], float | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else None,
    "^": _power,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}


def mapped(series: Series, function: Callable[[float], float | None]) -> Series:
    """Return the series with a function applied to each value; where it gives None, no data point."""
    pairs = [
        (at, result)
        for at, value in zip(series.timestamps, series.values, strict=True)
        if (result := function(value)) is not None
    ]
    return Series([at for at, _ in pairs], [value for _, value in pairs], series.period, series.label)


def combine(operator: str, left: Value, right: Value) -> Value:
    """Apply an operator. A missing value counts as 0; a division by zero drops the data point."""
    function = OPERATORS[operator]
    if isinstance(left, str) or isinstance(right, str):
        raise MathError(
            f"Unsupported operand type(s) for {operator}: '[{type_name(left)}, {type_name(right)}]'"
        )
    if isinstance(left, list):
        if isinstance(right, list):
            raise MathError(
                f"Unsupported operand type(s) for {operator}: '[Array[TimeSeries], Array[TimeSeries]]'"
            )
        return [_combine_series(operator, one, right) for one in left]
    if isinstance(right, list):
        return [_combine_series(operator, left, one, label=one.label) for one in right]
    if isinstance(left, Series) or isinstance(right, Series):
        return _combine_series(operator, left, right)
    result = function(left, right)
    if result is None:
        raise MathError("Division by zero")
    return result


def _combine_series(
    operator: str, left: float | Series, right: float | Series, label: str | None = None
) -> Series:
    function = OPERATORS[operator]
    if not isinstance(right, Series):
        assert isinstance(left, Series)
        return mapped(left, lambda value: function(value, right))
    if not isinstance(left, Series):
        return mapped(right, lambda value: function(left, value))
    period = common_period([left, right])
    timestamps = union_of([left, right])
    pairs = [
        (at, result)
        for at, a, b in zip(
            timestamps, values_at(left, timestamps), values_at(right, timestamps), strict=True
        )
        if (result := function(a, b)) is not None
    ]
    return Series(
        [at for at, _ in pairs], [value for _, value in pairs], period, left.label if label is None else label
    )
