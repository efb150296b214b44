# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queries of one GetMetricData call, or of one alarm, come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.sandbox.cloudwatch.series import MetricKey, Series, Window
from tests.sandbox.errors import AwsError, not_modelled
from tests.sandbox.metric_math import language as math
from tests.sandbox.metric_math.functions import FUNCTIONS, KEYWORDS, REFUSED, Grid, NoData
from tests.sandbox.metric_math.language import MathError, Node, Value


@dataclass(frozen=True)
class Query:
    """A MetricDataQuery: either a statistic of a metric, or an expression."""

    id: str
    key: MetricKey | None = None
    period: int | None = None
    statistic: str = ""
    unit: str | None = None
    expression: str | None = None
    label: str | None = None
    returned: bool = True


def check_expression(query: Query, known: dict[str, Query]) -> Node:
    """Return the syntax tree of a query's expression.

    Raises AwsError (ValidationError) for what CloudWatch refuses: bad syntax, an unknown function, an id
    that is not in the request; and not_modelled for what the sandbox does not have.
    """
    text = query.expression or ""
    if text.lstrip().upper().startswith("SELECT "):
        raise not_modelled("Metrics Insights queries")
    try:
        tree = math.parse(text)
    except MathError as error:
        raise _worded(query, error) from None
    for function in math.calls_in(tree):
        if function in REFUSED:
            raise not_modelled(f"the metric math function {function}")
        if function not in FUNCTIONS and function not in ("METRICS", "PERIOD", "SEARCH"):
            raise _worded(query, MathError(f"Function '{function}' not found"))
    for name in math.names_in(tree):
        if name not in known and name not in KEYWORDS:
            raise _worded(query, MathError(f"Undefined variable '{name}'"))
    return tree


def _worded(query: Query, error: MathError) -> AwsError:
    return AwsError("ValidationError", f"Error in expression '{query.id}': {error}")


#: (schema and search term, statistic, period) -> the time series that match.
Search = Callable[[str, str, int], list[Series]]


@dataclass
class Evaluation:
    """The queries of a call, evaluated at most once each.

    ``fetch`` reads a metric's query, ``search`` is the SEARCH function, ``window_for(period)`` gives the
    request's periods.
    """

    queries: Sequence[Query]
    fetch: Callable[[Query], Series]
    search: Search
    window_for: Callable[[int], Window]
    _known: dict[str, Query] = field(init=False)
    _trees: dict[str, Node] = field(init=False, default_factory=dict)
    _results: dict[str, Value] = field(init=False, default_factory=dict)
    _running: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Parse all expressions, so that bad ones are refused before anything is read."""
        self._known = {query.id: query for query in self.queries}
        for query in self.queries:
            if query.expression is not None:
                self._trees[query.id] = check_expression(query, self._known)

    def result(self, query: Query) -> list[Series]:
        """Return the series of a query: one, or as many as its array has."""
        value = self._value(query.id)
        if isinstance(value, Series):
            return [value]
        if isinstance(value, list):
            return value
        raise _worded(
            query,
            MathError(
                "The final result of an expression must be a single time series or an array of time series,"
                f" not {math.type_name(value)}"
            ),
        )

    def _value(self, name: str) -> Value:
        if name in self._results:
            return self._results[name]
        query = self._known[name]
        if name in self._running:
            raise _worded(query, MathError("Circular reference: " + " -> ".join([*self._running, name])))
        self._running.append(name)
        try:
            value: Value = self.fetch(query) if query.key is not None else self._expression(query)
        finally:
            self._running.pop()
        self._results[name] = value
        return value

    def _expression(self, query: Query) -> Value:
        try:
            value = self._node(self._trees[query.id])
        except NoData:
            return Series([], [], self._period(query), query.label or query.id)
        except MathError as error:
            raise _worded(query, error) from None
        if isinstance(value, Series):
            return Series(value.timestamps, value.values, value.period, query.label or query.id)
        if isinstance(value, list) and query.label is not None:
            return [
                Series(one.timestamps, one.values, one.period, f"{query.label} {one.label}".strip(), one.key)
                for one in value
            ]
        return value

    def _period(self, query: Query | None = None) -> int:
        """Return the period of series that are made from nothing: the query's, or the smallest asked for."""
        if query is not None and query.period:
            return query.period
        return min((one.period for one in self.queries if one.period), default=60)

    def _node(self, node: Node) -> Value:
        match node:
            case math.Number(value):
                return value
            case math.Text(text):
                return text
            case math.Name(name):
                return self._value(name) if name in self._known else name
            case math.Listing(items):
                array: list[Series] = []
                for item in items:
                    array += math.as_array(self._node(item), "[]")
                return array
            case math.Unary(operand):
                return math.combine("*", -1.0, self._node(operand))
            case math.Binary(operator, left, right):
                return math.combine(operator, self._node(left), self._node(right))
            case math.Call(function, arguments):
                return self._call(function, arguments)

    def _call(self, function: str, arguments: tuple[Node, ...]) -> Value:
        if function == "METRICS":
            return self._metrics(arguments)
        if function == "PERIOD":
            return self._period_of(arguments)
        if function == "SEARCH":
            return self._search(arguments)
        grid = Grid(lambda period: self.window_for(period).grid(), self._period())
        return FUNCTIONS[function]([self._node(argument) for argument in arguments], grid)

    def _metrics(self, arguments: tuple[Node, ...]) -> list[Series]:
        part = ""
        if arguments:
            if len(arguments) > 1 or not isinstance(arguments[0], math.Text):
                raise MathError("Unsupported argument(s) for METRICS")
            part = arguments[0].value
        found: list[Series] = []
        for query in self.queries:
            if query.key is not None and part in query.id:
                value = self._value(query.id)
                assert isinstance(value, Series)
                found.append(value)
        return found

    def _period_of(self, arguments: tuple[Node, ...]) -> float:
        if len(arguments) == 1 and isinstance(arguments[0], math.Name):
            query = self._known.get(arguments[0].name)
            if query is not None and query.key is not None and query.period:
                return float(query.period)
        raise MathError("Function 'PERIOD' is only valid for metrics")

    def _search(self, arguments: tuple[Node, ...]) -> list[Series]:
        match arguments:
            case (math.Text(term), math.Text(statistic)):
                return self.search(term, statistic, self._period())
            case (math.Text(term), math.Text(statistic), math.Number(period)):
                return self.search(term, statistic, int(period))
        raise MathError("Unsupported argument(s) for SEARCH")
