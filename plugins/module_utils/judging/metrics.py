# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification is asked to judge: metrics, their queries, placeholders and rules.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .metric_source import TIMES, MetricSource, Reader
from .rules import NO, SHIFT, Rule, read_rule, rule_problems

# What a metric is: a level that each instance has, how many there were of something, or a share of them.
LEVEL, COUNT, RATE = "level", "count", "rate"
KINDS = (LEVEL, COUNT, RATE)
# The queries of a rate, and of a count for its exposure, by their ids.
NUMERATOR, DENOMINATOR = "numerator", "denominator"

PLACEHOLDERS = ("group", "instance_id", "target_group", "load_balancer")

# CloudWatch User Guide, "CloudWatch statistics definitions".
_PLAIN_STATISTICS = frozenset({"SampleCount", "Sum", "Average", "Minimum", "Maximum", "IQM"})
_NUMBER = r"\d+(?:\.\d{1,10})?"
_PERCENTILE = re.compile(rf"(?:p|tm|wm|tc|ts)({_NUMBER})")
_PERCENT_RANGE = re.compile(rf"(?:TM|WM|TC|TS)\((?:({_NUMBER})%)?:(?:({_NUMBER})%)?\)")
_VALUE_RANGE = re.compile(r"(?:TM|WM|TC|TS|PR)\((-?\d+(?:\.\d+)?)?:(-?\d+(?:\.\d+)?)?\)")
# GetMetricData, MetricStat: 1, 5, 10, 20, 30 or a multiple of 60 seconds.
_SHORT_PERIODS = (1, 5, 10, 20, 30)
LONGEST_PERIOD = 86400
# GetMetricData: queries in one call, in which an expression and what it uses must be together.
MOST_QUERIES = 500

_QUERY_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# A SEARCH expression begins with a schema in braces, as SEARCH('{AWS/EC2,InstanceId} ...').
_PLACEHOLDER_OR_MISTAKE = re.compile(r"""(?<!['"])\{([a-z_]+)\}""")
# A quoted string (skipped), or an identifier.
_TOKENS = re.compile(r"""("[^"]*"|'[^']*')|([A-Za-z_][A-Za-z0-9_]*)""")

# Elastic Load Balancing documents of these that they are only reported when they are not zero.
_ABSENT_WHEN_ZERO = {
    "AWS/ApplicationELB": re.compile(r"HTTPCode_|HTTP_|.*ErrorCount$|RejectedConnectionCount$|DesyncMitigat"),
    "AWS/ELB": re.compile(r"HTTPCode_|BackendConnectionErrors$|SpilloverCount$|DesyncMitigat"),
}
# What shows that a publisher of these is there: the first one with such dimensions. HealthyHostCount is "reported if
# health checks are enabled", and RequestCount "always" ("CloudWatch metrics for your Application Load Balancer").
_PUBLISHERS = {
    "AWS/ApplicationELB": (
        ("HealthyHostCount", frozenset({"LoadBalancer", "TargetGroup"}), "Average"),
        ("RequestCount", frozenset({"LoadBalancer"}), "Sum"),
    ),
    "AWS/ELB": (("HealthyHostCount", frozenset({"LoadBalancerName"}), "Average"),),
}


@dataclass(frozen=True)
class Query:
    """One statistic of one CloudWatch metric; C(query_id) is its name within an expression.

    With C(elsewhere) it is of another source, and all else but the id is empty.
    """

    namespace: str
    metric_name: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    statistic: str = "Average"
    unit: str | None = None
    query_id: str = ""
    elsewhere: MetricSource | None = None

    @property
    def words(self) -> str:
        """What is asked: C(Average of AWS/EC2 CPUUtilization)."""
        if self.elsewhere:
            return self.elsewhere.words
        return f"{self.statistic} of {self.namespace} {self.metric_name}"


@dataclass(frozen=True)
class Metric:
    """A metric to judge.

    Its data come from a single query or, with an C(expression), from metric math on the C(queries).
    C(period) is in seconds; C(minimum) and C(maximum) are inclusive, in the metric's own unit.
    C(fill) stands for periods without a datapoint, as long as datapoints of it or of its C(publisher) show that whoever
    publishes it is there; None where they are missing data. C(rule) says how it is judged besides its bounds.
    """

    name: str
    queries: tuple[Query, ...] = ()
    expression: str = ""
    period: int = 60
    minimum: float | None = None
    maximum: float | None = None
    datapoints_to_fail: int = 1
    fill: float | None = None
    rule: Rule = field(default_factory=Rule)
    kind: str = LEVEL
    publisher: Query | None = None

    @property
    def exposed(self) -> bool:
        """Whether what it counts is held against an exposure of its own, such as requests."""
        return self.kind != LEVEL and len(self.queries) == 2

    @property
    def beside(self) -> bool:
        """Whether who publishes what it is held against publishes what it counts, by the dimensions of both.

        One may be a part of the other, as the errors of one route are of the requests of all.
        """
        counted, exposure = (query.dimensions.items() for query in self.queries)
        return counted <= exposure or exposure <= counted

    @property
    def parts(self) -> tuple[Metric, ...]:
        """The metrics of which CloudWatch has data: itself and its publisher's, or numerator and denominator."""
        if self.exposed:
            return tuple(replace(self, queries=(query,), expression="") for query in self.queries)
        if self.publisher:
            return self, replace(self, queries=(self.publisher,), expression="")
        return (self,)

    @property
    def bounded(self) -> bool:
        """Whether it has a bound of its own."""
        return self.minimum is not None or self.maximum is not None

    @property
    def placeholders(self) -> frozenset[str]:
        """The placeholders that its dimensions and its expression use."""
        used = {name for text in self._texts() for name in _PLACEHOLDER.findall(text)}
        if any(query.elsewhere and query.elsewhere.by_instance for query in self.queries):
            used.add("instance_id")
        return frozenset(used) & frozenset(PLACEHOLDERS)

    @property
    def elsewhere(self) -> bool:
        """Whether its data come from another source than CloudWatch."""
        return any(query.elsewhere for query in self.queries)

    @property
    def bounds(self) -> str:
        """Words for its bounds: C(at most 80); empty where it has none."""
        parts = []
        if self.minimum is not None:
            parts.append(f"at least {number(self.minimum)}")
        if self.maximum is not None:
            parts.append(f"at most {number(self.maximum)}")
        return " and ".join(parts)

    @property
    def source(self) -> str:
        """Words for where its data come from: C(Average of AWS/EC2 CPUUtilization)."""
        if self.expression:
            return self.expression
        said = [query.words for query in self.queries]
        return (" as a share of " if self.kind == RATE else " for ").join(said)

    def _texts(self) -> Iterable[str]:
        yield self.expression
        for query in (*self.queries, *([self.publisher] if self.publisher else ())):
            yield query.namespace
            yield from query.dimensions.values()
            yield from query.elsewhere.templates if query.elsewhere else ()

    def rendered(self, values: Mapping[str, str]) -> Metric:
        """The metric with the placeholders replaced by C(values)."""

        def put(text: str) -> str:
            return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)

        def query_of(query: Query) -> Query:
            dimensions = {name: put(value) for name, value in query.dimensions.items()}
            return replace(query, namespace=put(query.namespace), dimensions=dimensions)

        return replace(
            self,
            expression=put(self.expression),
            queries=tuple(map(query_of, self.queries)),
            publisher=query_of(self.publisher) if self.publisher else None,
        )

    def window(self, start: float, duration: float) -> tuple[int, int]:
        """Align a window that begins at C(start) to the period: as many whole periods as C(duration) holds.

        All times are seconds; the end is exclusive.
        """
        first = math.ceil(start / self.period) * self.period
        return first, first + int(duration // self.period) * self.period


def number(value: float) -> str:
    """Write a number for people: four significant digits, no trailing zeros."""
    return f"{value:.4g}"


def rename_identifiers(expression: str, names: Mapping[str, str]) -> str:
    """Replace the query ids in a metric-math expression, but nothing inside quotes."""

    def put(found: re.Match[str]) -> str:
        return found[0] if found[1] else names.get(found[0], found[0])

    return _TOKENS.sub(put, expression)


def valid_statistic(statistic: str) -> bool:
    """Whether CloudWatch knows such a statistic."""
    if statistic in _PLAIN_STATISTICS:
        return True
    if percentile := _PERCENTILE.fullmatch(statistic):
        return float(percentile[1]) <= 100
    ends = _PERCENT_RANGE.fullmatch(statistic) or _VALUE_RANGE.fullmatch(statistic)
    return bool(ends and (ends[1] or ends[2]))


def valid_period(period: int) -> bool:
    """Whether CloudWatch knows such a period, in seconds."""
    return period in _SHORT_PERIODS or (period > 0 and period % 60 == 0 and period <= LONGEST_PERIOD)


def absent_when_zero(query: Query) -> bool:
    """Whether AWS documents that the metric has no datapoint while it is zero."""
    names = _ABSENT_WHEN_ZERO.get(query.namespace)
    return bool(names and names.match(query.metric_name))


def publisher_of(query: Query) -> Query | None:
    """The metric that AWS publishes beside one which is absent when it is zero; None where there is none."""
    if not absent_when_zero(query):
        return None
    there = frozenset(query.dimensions) - {"AvailabilityZone"}
    for name, dimensions, statistic in _PUBLISHERS[query.namespace]:
        if there == dimensions:
            return replace(query, metric_name=name, statistic=statistic, unit=None)
    return None


def read_metrics(
    options: Sequence[Mapping[str, Any]], sources: Mapping[str, Reader] | None = None
) -> tuple[tuple[Metric, ...], list[str]]:
    """Read the C(metrics) option: the metrics, and a sentence for each problem found in any of them.

    C(sources) read the options of queries to sources other than CloudWatch, by the option's name.
    """
    metrics, problems = [], []
    for position, option in enumerate(options, start=1):
        metric = _read_metric(option, sources or {})
        name = f"metric {metric.name!r}" if metric.name else f"metric {position}"
        metrics.append(metric)
        problems += [
            f"{name}: {problem}" for problem in _metric_problems(metric, option, tuple(sources or ()))
        ]
    seen: set[str] = set()
    for metric in metrics:
        if metric.name in seen:
            problems.append(f"metric {metric.name!r}: the name is used more than once")
        seen.add(metric.name)
    return tuple(metrics), problems


def _read_metric(option: Mapping[str, Any], sources: Mapping[str, Reader]) -> Metric:
    expression, kind = option.get("expression") or "", option.get("kind") or LEVEL
    if kind == RATE:
        queries = tuple(
            replace(_read_query(option.get(name) or {}, sources, option), query_id=name)
            for name in (NUMERATOR, DENOMINATOR)
        )
    elif expression:
        queries = tuple(_read_query(query) for query in option.get("queries") or ())
    else:
        queries = (_read_query(option, sources),)
        if kind == COUNT and option.get("exposure"):
            exposure = _read_query(option["exposure"], sources, option)
            queries = (*queries, replace(exposure, query_id=DENOMINATOR))
    fill = option.get("fill")
    if fill is None and not expression and len(queries) == 1 and absent_when_zero(queries[0]):
        fill = 0.0
    publisher = None
    if option.get("publisher"):
        publisher = _read_query(option["publisher"])
    elif fill is not None and not expression and len(queries) == 1:
        publisher = publisher_of(queries[0])
    return Metric(
        name=str(option.get("name") or "").strip(),
        queries=queries,
        expression=expression,
        period=_given(option, "period", 60),
        minimum=option.get("minimum"),
        maximum=option.get("maximum"),
        datapoints_to_fail=_given(option, "datapoints_to_fail", 1),
        fill=fill,
        rule=read_rule(
            option, bounded=option.get("minimum") is not None or option.get("maximum") is not None
        ),
        kind=kind,
        publisher=publisher,
    )


def _given(option: Mapping[str, Any], name: str, default: Any) -> Any:
    value = option.get(name)
    return default if value is None else value


def _read_query(
    option: Mapping[str, Any],
    sources: Mapping[str, Reader] | None = None,
    metric: Mapping[str, Any] | None = None,
) -> Query:
    """Read a query; what the C(metric) that it is a part of says of its source holds for it, too."""
    elsewhere = None
    for name, read in (sources or {}).items():
        if option.get(name):
            given = {key: value for key, value in option[name].items() if value is not None}
            elsewhere = read({**((metric or {}).get(name) or {}), **given})
    return Query(
        elsewhere=elsewhere,
        namespace=option.get("namespace") or "",
        metric_name=option.get("metric_name") or "",
        dimensions={str(name): str(value) for name, value in (option.get("dimensions") or {}).items()},
        statistic=option.get("statistic") or "Average",
        unit=option.get("unit") or None,
        query_id=option.get("id") or "",
    )


def _metric_problems(metric: Metric, option: Mapping[str, Any], sources: Sequence[str]) -> list[str]:
    problems = []
    if not metric.name:
        problems.append("it has no name")
    if metric.elsewhere and not 0 < metric.period <= LONGEST_PERIOD:
        problems.append(f"period {metric.period} must be from 1 to {LONGEST_PERIOD} seconds")
    elif not metric.elsewhere and not valid_period(metric.period):
        problems.append(
            f"period {metric.period} is none that CloudWatch has: 1, 5, 10, 20, 30 or a multiple of 60 seconds"
            f" up to {LONGEST_PERIOD}"
        )
    if metric.datapoints_to_fail < 1:
        problems.append("datapoints_to_fail must be at least 1")
    problems += _bound_problems(metric)
    problems += rule_problems(metric.rule)
    problems += _kind_problems(metric, option)
    if metric.kind == RATE:
        for query in metric.queries:
            problems += [f"{query.query_id}: {problem}" for problem in _query_problems(query)]
    elif len([name for name in ("metric_name", "expression", *sources) if option.get(name)]) != 1:
        others = f", {' or '.join(sources)}" if sources else ""
        problems.append(f"give either metric_name or expression{others}")
    elif metric.expression:
        problems += _expression_problems(metric)
    else:
        if option.get("queries"):
            problems.append("queries belong to an expression, and there is none")
        for query in metric.queries:
            of = "exposure: " if query.query_id else ""
            problems += [of + problem for problem in _query_problems(query)]
    if metric.elsewhere and not all(query.elsewhere for query in metric.queries):
        problems.append("both of its parts must be of the same kind of source")
    if option.get("publisher"):
        problems += _publisher_problems(metric)
    for placeholder in sorted(_unknown_placeholders(metric)):
        problems.append(
            f"unknown placeholder {{{placeholder}}}; known are "
            + ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
        )
    return problems


def _kind_problems(metric: Metric, option: Mapping[str, Any]) -> list[str]:
    """Say what of the options does not go with a kind of metric."""
    if metric.kind not in KINDS:
        return [f"kind must be one of {', '.join(KINDS)}, not {metric.kind!r}"]
    problems = []
    if metric.kind == RATE:
        problems += [
            f"a rate has a {name}: give its namespace, metric_name and dimensions there, or its query"
            for name, query in zip((NUMERATOR, DENOMINATOR), metric.queries, strict=True)
            if not query.metric_name and not query.elsewhere
        ]
        if option.get("metric_name") or option.get("expression"):
            problems.append("a rate is of numerator and denominator; it has no metric_name and no expression")
    elif any(option.get(name) for name in (NUMERATOR, DENOMINATOR)):
        problems.append("numerator and denominator belong to kind rate")
    if metric.kind == COUNT and metric.expression:
        problems.append("a count is a metric of CloudWatch; it has no expression")
    if option.get("exposure") and metric.kind != COUNT:
        problems.append("exposure belongs to kind count")
    if metric.kind != LEVEL:
        problems += [
            f"{name} belongs to kind level; a {metric.kind} is judged by all of its datapoints together"
            for name, given in (
                ("datapoints_to_fail", metric.datapoints_to_fail != 1),
                ("detect", bool(option.get("detect"))),
            )
            if given
        ]
    if metric.exposed and metric.fill is not None:
        problems.append(
            "let the query itself give 0 where there is none, as by PromQL's or vector(0)"
            if metric.elsewhere
            else "fill is not needed: where there is an exposure, what is missing is 0"
        )
    if metric.kind != LEVEL and metric.rule.compare not in (SHIFT, NO):
        problems.append(f"a {metric.kind} is compared by shift or not at all, not by {metric.rule.compare}")
    return problems


def _publisher_problems(metric: Metric) -> list[str]:
    problems = []
    if metric.fill is None:
        problems.append("publisher belongs to fill, and there is none: give fill: 0, or leave publisher out")
    if metric.elsewhere:
        return [*problems, "publisher is CloudWatch's; let the query itself give 0 where there is none"]
    if metric.publisher and not metric.publisher.metric_name:
        problems.append("publisher: metric_name is missing")
    return problems + [f"publisher: {words}" for words in _query_problems(metric.publisher or Query("", ""))]


def _bound_problems(metric: Metric) -> list[str]:
    numbers = {"minimum": metric.minimum, "maximum": metric.maximum, "fill": metric.fill}
    problems = [
        f"{name} must be a finite number"
        for name, value in numbers.items()
        if value is not None and not math.isfinite(value)
    ]
    if metric.minimum is not None and metric.maximum is not None and metric.minimum > metric.maximum:
        problems.append(f"minimum {number(metric.minimum)} is greater than maximum {number(metric.maximum)}")
    return problems


def _expression_problems(metric: Metric) -> list[str]:
    problems = []
    ids: set[str] = set()
    if len(metric.queries) + 1 > MOST_QUERIES:
        problems.append(
            f"{len(metric.queries)} queries and an expression; CloudWatch takes {MOST_QUERIES} in a call"
        )
    for position, query in enumerate(metric.queries, start=1):
        name = f"query {query.query_id!r}" if query.query_id else f"query {position}"
        if not _QUERY_ID.fullmatch(query.query_id):
            problems.append(
                f"{name}: id must begin with a lowercase letter and have only letters, digits and underscores"
            )
        elif query.query_id in ids:
            problems.append(f"{name}: the id is used more than once")
        ids.add(query.query_id)
        if not query.metric_name:
            problems.append(f"{name}: metric_name is missing")
        problems += [f"{name}: {problem}" for problem in _query_problems(query)]
    return problems


def _query_problems(query: Query) -> list[str]:
    problems = []
    if query.elsewhere:
        if query.namespace or query.metric_name or query.dimensions or query.unit:
            problems.append("namespace, metric_name, dimensions and unit are CloudWatch's")
        return [*problems, *query.elsewhere.problems()]
    if not query.namespace:
        problems.append("namespace is missing")
    if not valid_statistic(query.statistic):
        problems.append(
            f"unknown statistic {query.statistic!r}; known are SampleCount, Sum, Average, Minimum, Maximum, IQM,"
            " percentiles such as p99, and tm, wm, tc, ts and PR as CloudWatch writes them"
        )
    # PutMetricData: a metric has at most 30 dimensions.
    if len(query.dimensions) > 30:
        problems.append(f"{len(query.dimensions)} dimensions; CloudWatch allows 30")
    return problems


def _unknown_placeholders(metric: Metric) -> set[str]:
    mentioned = set(_PLACEHOLDER_OR_MISTAKE.findall(metric.expression))
    for query in (*metric.queries, *([metric.publisher] if metric.publisher else ())):
        for text in (query.namespace, *query.dimensions.values()):
            mentioned.update(re.findall(r"\{([^{}]*)\}", text))
        if query.elsewhere:
            # What has braces of its own in PromQL has more than a name in them.
            names = (name for text in query.elsewhere.templates for name in _PLACEHOLDER.findall(text))
            mentioned.update(name for name in names if name not in TIMES)
    return mentioned - set(PLACEHOLDERS)
