# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The functions of metric math.

After the table "Functions supported for metric math" (Amazon CloudWatch User Guide).
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.sandbox.cloudwatch.series import Series
from tests.sandbox.metric_math.language import (
    MathError,
    Value,
    as_array,
    common_period,
    mapped,
    type_name,
    union_of,
    values_at,
)


@dataclass(frozen=True)
class Grid:
    """The periods of the request: the time stamps for a period, and the period of new series."""

    of: Callable[[int], range]
    period: int


#: A function of metric math: its arguments and the request's periods, to its value.
Function = Callable[[Sequence[Value], "Grid"], Value]


def _reducing(name: str, reduce: Callable[[Sequence[float]], float]) -> Function:
    """TS to S; TS[] to TS, for each time stamp at which one of them has a value (missing counts as 0)."""

    def function(arguments: Sequence[Value], grid: Grid) -> Value:
        (value,) = _exactly(name, arguments, 1)
        if isinstance(value, Series):
            if not value.values:
                raise NoData
            return reduce(value.values)
        array = as_array(value, name)
        if not array:
            return Series([], [], grid.period)
        timestamps = union_of(array)
        rows = [values_at(one, timestamps) for one in array]
        return Series(
            timestamps, [reduce(column) for column in zip(*rows, strict=True)], common_period(array), name
        )

    return function


class NoData(Exception):
    """A scalar was wanted from a series without data: the expression has no data either."""


def _exactly(name: str, arguments: Sequence[Value], *allowed: int) -> Sequence[Value]:
    if len(arguments) not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise MathError(f"Function '{name}' expects {wanted} argument(s), got {len(arguments)}")
    return arguments


def _each(name: str, transform: Callable[[Series], Series]) -> Function:
    """TS to TS, TS[] to TS[]."""

    def function(arguments: Sequence[Value], grid: Grid) -> Value:
        (value,) = _exactly(name, arguments, 1)
        array = [transform(one) for one in as_array(value, name)]
        return array[0] if isinstance(value, Series) else array

    return function


def _pointwise(name: str, apply: Callable[[float], float | None]) -> Function:
    return _each(name, lambda series: mapped(series, apply))


def _logarithm(log: Callable[[float], float]) -> Callable[[float], float | None]:
    return lambda value: log(value) if value > 0 else None


def _pairwise(apply: Callable[[float, float], float]) -> Callable[[Series], Series]:
    """Each value with the one before it: (difference of values, difference of time stamps)."""

    def transform(series: Series) -> Series:
        stamps, values = series.timestamps, series.values
        result = [apply(values[i] - values[i - 1], stamps[i] - stamps[i - 1]) for i in range(1, len(stamps))]
        return Series(stamps[1:], result, series.period, series.label)

    return transform


def _running_sum(series: Series) -> Series:
    total, result = 0.0, []
    for value in series.values:
        total += value
        result.append(total)
    return Series(series.timestamps, result, series.period, series.label)


def _datapoint_count(arguments: Sequence[Value], grid: Grid) -> Value:
    (value,) = _exactly("DATAPOINT_COUNT", arguments, 1)
    if isinstance(value, Series):
        return float(len(value.values))
    array = as_array(value, "DATAPOINT_COUNT")
    if not array:
        return Series([], [], grid.period)
    timestamps = union_of(array)
    known = [set(one.timestamps) for one in array]
    return Series(
        timestamps, [float(sum(at in one for one in known)) for at in timestamps], common_period(array)
    )


def _metric_count(arguments: Sequence[Value], grid: Grid) -> Value:
    (value,) = _exactly("METRIC_COUNT", arguments, 1)
    return float(len(as_array(value, "METRIC_COUNT")))


def _fill_one(series: Series, filler: Value, grid: Grid) -> Series:
    known = dict(zip(series.timestamps, series.values, strict=True))
    timestamps = list(grid.of(series.period))
    if isinstance(filler, str):
        if filler == "REPEAT":
            pairs = _repeated(known, timestamps)
        elif filler == "LINEAR":
            pairs = _interpolated(known, timestamps)
        else:
            raise MathError(f"Unsupported argument for FILL: '{filler}'")
    elif isinstance(filler, Series):
        other = dict(zip(filler.timestamps, filler.values, strict=True))
        pairs = [(at, known.get(at, other.get(at, 0.0))) for at in timestamps if at in known or at in other]
    elif isinstance(filler, float):
        pairs = [(at, known.get(at, filler)) for at in timestamps]
    else:
        raise MathError(f"Unsupported argument type(s) for FILL: '[TimeSeries, {type_name(filler)}]'")
    return Series([at for at, _ in pairs], [value for _, value in pairs], series.period, series.label)


def _repeated(known: dict[int, float], timestamps: list[int]) -> list[tuple[int, float]]:
    pairs, last = [], None
    for at in timestamps:
        last = known.get(at, last)
        if last is not None:
            pairs.append((at, last))
    return pairs


def _interpolated(known: dict[int, float], timestamps: list[int]) -> list[tuple[int, float]]:
    """Fill only gaps that have a value before and one after them."""
    pairs = []
    stamps = sorted(known)
    after = 0
    for at in timestamps:
        if at in known:
            pairs.append((at, known[at]))
            continue
        while after < len(stamps) and stamps[after] < at:
            after += 1
        if 0 < after < len(stamps):
            low, high = stamps[after - 1], stamps[after]
            share = (at - low) / (high - low)
            pairs.append((at, known[low] + share * (known[high] - known[low])))
    return pairs


def _fill(arguments: Sequence[Value], grid: Grid) -> Value:
    value, filler = _exactly("FILL", arguments, 2)
    array = [_fill_one(one, filler, grid) for one in as_array(value, "FILL")]
    return array[0] if isinstance(value, Series) else array


def _if(arguments: Sequence[Value], grid: Grid) -> Value:
    """IF(condition, then[, else]), after "Using IF expressions" and its tables."""
    condition, then, *rest = _exactly("IF", arguments, 2, 3)
    other: Value | None = rest[0] if rest else None
    for one in (condition, then, other):
        if isinstance(one, list | str):
            raise MathError(f"Unsupported argument type(s) for IF: '[{type_name(one)}]'")
    if not isinstance(condition, Series):
        chosen = then if condition else other
        if chosen is None:
            period = then.period if isinstance(then, Series) else grid.period
            return Series([], [], period)
        return chosen
    after_then = _lookup(then)
    after_else = _lookup(other)
    pairs = []
    for at, value in zip(condition.timestamps, condition.values, strict=True):
        if value:
            result = after_then(at)
            # The tables: a true condition without a value to show gives 0.
            pairs.append((at, 0.0 if result is None else result))
        elif (result := after_else(at)) is not None:
            pairs.append((at, result))
    label = then.label if isinstance(then, Series) else condition.label
    return Series([at for at, _ in pairs], [value for _, value in pairs], condition.period, label)


def _lookup(value: Value | None) -> Callable[[int], float | None]:
    if isinstance(value, Series):
        return dict(zip(value.timestamps, value.values, strict=True)).get
    if isinstance(value, float):
        return lambda _: value
    return lambda _: None


def _scalar(name: str, value: Value) -> float:
    if not isinstance(value, float):
        raise MathError(f"Unsupported argument type(s) for {name}: '[{type_name(value)}]'")
    return value


def _time_series(arguments: Sequence[Value], grid: Grid) -> Value:
    (value,) = _exactly("TIME_SERIES", arguments, 1)
    number = _scalar("TIME_SERIES", value)
    stamps = list(grid.of(grid.period))
    return Series(stamps, [number] * len(stamps), grid.period)


def _first(arguments: Sequence[Value], grid: Grid) -> Value:
    (value,) = _exactly("FIRST", arguments, 1)
    array = as_array(value, "FIRST")
    return array[0] if array else Series([], [], grid.period)


def _last(arguments: Sequence[Value], grid: Grid) -> Value:
    (value,) = _exactly("LAST", arguments, 1)
    array = as_array(value, "LAST")
    return array[-1] if array else Series([], [], grid.period)


def _slice(arguments: Sequence[Value], grid: Grid) -> Value:
    value, start, *rest = _exactly("SLICE", arguments, 2, 3)
    array = as_array(value, "SLICE")
    stop = int(_scalar("SLICE", rest[0])) if rest else len(array)
    return array[int(_scalar("SLICE", start)) : stop]


_SORT_KEYS: dict[str, Callable[[Sequence[float]], float]] = {
    "AVG": statistics.fmean,
    "MIN": min,
    "MAX": max,
    "SUM": math.fsum,
}


def _sort(arguments: Sequence[Value], grid: Grid) -> Value:
    value, function, order, *limit = _exactly("SORT", arguments, 3, 4)
    if function not in _SORT_KEYS or order not in ("ASC", "DESC"):
        raise MathError(f"Unsupported argument(s) for SORT: '{function}', '{order}'")
    key = _SORT_KEYS[str(function)]
    array = as_array(value, "SORT")
    full = [one for one in array if one.values]
    ranked = sorted(full, key=lambda one: key(one.values), reverse=order == "DESC")
    ranked += [one for one in array if not one.values]
    return ranked[: int(_scalar("SORT", limit[0]))] if limit else ranked


def _remove_empty(arguments: Sequence[Value], grid: Grid) -> Value:
    (value,) = _exactly("REMOVE_EMPTY", arguments, 1)
    return [one for one in as_array(value, "REMOVE_EMPTY") if one.values]


def _calendar(name: str, read: Callable[[dt.datetime], float]) -> Function:
    """A value for every period of the request, from its own time stamp in UTC."""

    def function(arguments: Sequence[Value], grid: Grid) -> Value:
        (value,) = _exactly(name, arguments, 1)
        if not isinstance(value, Series):
            raise MathError(f"Unsupported argument type(s) for {name}: '[{type_name(value)}]'")
        stamps = list(grid.of(value.period))
        values = [float(read(dt.datetime.fromtimestamp(at, dt.UTC))) for at in stamps]
        return Series(stamps, values, value.period, value.label)

    return function


FUNCTIONS: dict[str, Function] = {
    "SUM": _reducing("SUM", math.fsum),
    "AVG": _reducing("AVG", statistics.fmean),
    "MIN": _reducing("MIN", min),
    "MAX": _reducing("MAX", max),
    "STDDEV": _reducing("STDDEV", statistics.pstdev),
    "ABS": _pointwise("ABS", abs),
    "CEIL": _pointwise("CEIL", lambda value: float(math.ceil(value))),
    "FLOOR": _pointwise("FLOOR", lambda value: float(math.floor(value))),
    "LOG": _pointwise("LOG", _logarithm(math.log)),
    "LOG10": _pointwise("LOG10", _logarithm(math.log10)),
    "DIFF": _each("DIFF", _pairwise(lambda value, seconds: value)),
    "DIFF_TIME": _each("DIFF_TIME", _pairwise(lambda value, seconds: float(seconds))),
    "RATE": _each("RATE", _pairwise(lambda value, seconds: value / seconds)),
    "RUNNING_SUM": _each("RUNNING_SUM", _running_sum),
    "DATAPOINT_COUNT": _datapoint_count,
    "METRIC_COUNT": _metric_count,
    "FILL": _fill,
    "IF": _if,
    "TIME_SERIES": _time_series,
    "FIRST": _first,
    "LAST": _last,
    "SLICE": _slice,
    "SORT": _sort,
    "REMOVE_EMPTY": _remove_empty,
    "MINUTE": _calendar("MINUTE", lambda at: at.minute),
    "HOUR": _calendar("HOUR", lambda at: at.hour),
    "DAY": _calendar("DAY", lambda at: at.isoweekday()),
    "DATE": _calendar("DATE", lambda at: at.day),
    "MONTH": _calendar("MONTH", lambda at: at.month),
    "YEAR": _calendar("YEAR", lambda at: at.year),
    "EPOCH": _calendar("EPOCH", lambda at: at.timestamp()),
}
#: Words that a function takes as they are.
KEYWORDS = frozenset({"REPEAT", "LINEAR", "ASC", "DESC", "AVG", "MIN", "MAX", "SUM"})
#: Functions that AWS has and the sandbox does not.
REFUSED = frozenset(
    {"ANOMALY_DETECTION_BAND", "INSIGHT_RULE_METRIC", "SERVICE_QUOTA", "DB_PERF_INSIGHTS", "LAMBDA"}
)
