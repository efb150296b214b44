# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report's charts as inline SVG: capacity over time, and a metric of the canary against the baseline. Pure.

What tells lines apart is never only their colour: they differ in dash and marker, and each has its name at its end
or in the legend below. Colours come from the page's style sheet, so that they follow its light or dark scheme.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .details import BASELINE, number_of
from .spreads import FEWEST_LINES, MOST_LINES, Spread, spread_of, total
from .units import in_unit, told_apart

WIDTH, HEIGHT, LEFT, RIGHT = 640.0, 260.0, 62.0, 14.0
TOP, BOTTOM = 46.0, 34.0
LINE_KINDS = 4
MOST_MARKERS = 60
BANDED = ": median, quartiles, extremes"
ROUND_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)

Point = tuple[float, float]


@dataclass(frozen=True)
class Band:
    """A stretch of time that a chart marks, with its words and a style of the page."""

    start: float
    end: float
    words: str
    kind: str


@dataclass(frozen=True)
class Line:
    """A line of a chart: its name, its points, its number among its like, and whether it keeps its value."""

    name: str
    points: Sequence[Point]
    kind: str
    steps: bool = False


@dataclass(frozen=True)
class Bound:
    """A value that a metric must keep above or below."""

    value: float
    words: str


def clock(at: float, *, seconds: bool = True) -> str:
    """A time of day, in UTC."""
    return time.strftime("%H:%M:%S" if seconds else "%H:%M", time.gmtime(at))


def chart(
    title: str,
    words: str,
    lines: Sequence[Line],
    bands: Sequence[Band] = (),
    bounds: Sequence[Bound] = (),
    spreads: Sequence[Spread] = (),
    *,
    room: float = 0.0,
    unit: str = "",
    whole_numbers: bool = False,
    attributes: Mapping[str, str] | None = None,
) -> str:
    """An SVG with axes, bands, bounds and lines; C(words) say the same to who cannot see it. Empty without data."""
    points = [point for line in lines for point in line.points]
    points += [point for spread in spreads for point in spread.around(quartiles=False)]
    times = [at for at, __ in points]
    if not times:
        return ""
    times += [at for band in bands for at in (band.start, band.end)]
    values = [value for __, value in points]
    first, span = min(times), max(times) - min(times)
    span = max(span, 1.0)
    plot = _Plot(
        first - span * room,
        first + span * (1 + room),
        *_range([*values, *(bound.value for bound in bounds)], whole_numbers),
        HEIGHT,
    )
    extra = "".join(f' {name}="{escape(text)}"' for name, text in (attributes or {}).items())
    parts = [
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH:g} {HEIGHT:g}"{extra}>',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(words)}</desc>",
        *(plot.band(band, row) for row, band in enumerate(bands)),
        *plot.axes(unit, whole_numbers=whole_numbers),
        *(plot.spread(spread) for spread in spreads),
        *(plot.bound(bound) for bound in bounds),
        *(plot.line(line) for line in lines),
        "</svg>",
    ]
    return "\n".join(parts)


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """A sample of each kind of line with its name, below a chart."""
    samples = "".join(
        f'<li><svg viewBox="0 0 44 12" aria-hidden="true" focusable="false"><path class="line {kind}" d="M2 6H42"/>'
        f"{_marker(kind, 22, 6)}</svg> {escape(name)}</li>"
        for name, kind in entries
    )
    return f'<ul class="legend">{samples}</ul>'


# What is added to the name of a fresh baseline, on whose capacity nothing relies.
BESIDE = " (fresh baseline)"


def capacity_chart(
    groups: Sequence[tuple[str, Sequence[Point]]],
    bands: Sequence[Band],
    words: str,
    floor: float | None = None,
) -> str:
    """Instances in service over time: a line for each group, given oldest first, and their sum against the C(floor).

    What is C(BESIDE) them is in no sum.
    """
    lines = [
        Line(name, points, f"k{number % LINE_KINDS}", steps=True)
        for number, (name, points) in enumerate(groups)
    ]
    counted = [points for name, points in groups if not name.endswith(BESIDE)]
    words_of_sum = "all groups" if len(counted) == len(lines) else "all but the fresh baseline"
    summed = [Line(words_of_sum, total(counted), "sum", steps=True)]
    lines = (summed if len(counted) > 1 else []) + lines
    drawn = chart(
        "Instances in service over time",
        words,
        lines[::-1],  # the dashes of older groups stay to be seen on a newer one
        bands,
        [Bound(floor, f"never below {in_unit(floor)}")] if floor else [],
        whole_numbers=True,
        attributes={"data-chart": "timeline"},
    )
    return drawn and drawn + legend([(line.name, line.kind) for line in lines])


def metric_chart(
    name: str,
    series: Sequence[Mapping[str, Any]],
    finding: Mapping[str, Any],
    window: Mapping[str, Any],
    outliers: Sequence[str] = (),
) -> str:
    """A metric of the canary against the baseline, with the window and the bounds; empty without data."""
    lines: list[Line] = []
    # The baseline last: its dashes leave the canary to be seen where both are the same.
    for side in ("canary", BASELINE):
        for one in series:
            if (one.get("side") == BASELINE) == (side == BASELINE) and one["points"]:
                member = str(one.get("instance_id") or one.get("member") or "")
                kind = "base" if side == BASELINE else "odd" if member in outliers else "new"
                lines.append(Line(member, one["points"], kind))
    if not lines:
        return ""
    start, end = number_of(window.get("start")), number_of(window.get("end"))
    bands = (
        [] if start is None or end is None or end <= start else [Band(start, end, "judged window", "window")]
    )
    unit = str(finding.get("unit") or "")
    bounds = [
        Bound(value, f"{words} {in_unit(value, unit)}")
        for words in ("minimum", "maximum")
        if (value := number_of(finding.get(words))) is not None
    ]
    bounds = [bound for bound in bounds if _is_near(bound.value, lines)]
    kinds = {line.kind for line in lines}
    spreads = _spreads(lines)
    banded = {spread.kind for spread in spreads}
    known = {
        "new": f"canary ({_members(lines, 'new')}{BANDED if 'new' in banded else ''})",
        "odd": f"canary, outlier ({', '.join(line.name for line in lines if line.kind == 'odd')})",
        "base": f"baseline ({_members(lines, 'base')}{BANDED if 'base' in banded else ''})",
    }
    drawn = chart(
        f"{name}: canary against baseline" if "base" in kinds else f"{name}: canary",
        f"Verdict {finding.get('verdict') or 'none'}. {finding.get('reason') or ''}",
        [line for line in lines if line.kind not in banded],
        bands,
        bounds,
        spreads,
        room=0.08,
        unit=unit,
        attributes={"data-chart": "metric", "data-metric": name},
    )
    return drawn + legend([(words, kind) for kind, words in known.items() if kind in kinds])


def _spreads(lines: Sequence[Line]) -> list[Spread]:
    """The lines that are too many to be seen, as a band for each side; those that stand out remain lines."""
    if len(lines) <= MOST_LINES:
        return []
    sides = {kind: [line.points for line in lines if line.kind == kind] for kind in ("base", "new")}
    return [spread_of(kind, several) for kind, several in sides.items() if len(several) >= FEWEST_LINES]


def _is_near(bound: float, lines: Sequence[Line]) -> bool:
    """Whether a bound can be drawn without pressing the lines flat."""
    values = [value for line in lines for __, value in line.points]
    low, high = min(values), max(values)
    room = 4 * max(high - low, abs(high), abs(low))
    return low - room <= bound <= high + room


def _members(lines: Sequence[Line], kind: str) -> str:
    names = [line.name for line in lines if line.kind == kind]
    return names[0] if len(names) == 1 and names[0] else f"{len(names)} lines"


def _range(values: Sequence[float], whole_numbers: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    if whole_numbers or (low >= 0 and low < 0.5 * high):
        low = min(0.0, low)
    # What differs by less than a float can tell apart on an axis is a flat line.
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-200):
        room = abs(high) * 0.1 if abs(high) > 1e-200 else 1.0
        return (low if low == 0 else low - room), high + room
    room = (high - low) * 0.08
    return (low if low == 0 else low - room), high + room


def _marker(kind: str, x: float, y: float) -> str:
    if kind in ("new", "k1"):
        return f'<circle class="mark {kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    if kind in ("odd", "k2"):
        return f'<path class="mark {kind}" d="M{x:.1f} {y - 5:.1f}l4.5 8h-9z"/>'
    if kind == "k3":
        return f'<path class="mark {kind}" d="M{x:.1f} {y - 4:.1f}l4 4l-4 4l-4 -4z"/>'
    return f'<rect class="mark {kind}" x="{x - 2.5:.1f}" y="{y - 2.5:.1f}" width="5" height="5"/>'


def _step(span: float, wanted: int, choices: Sequence[float] = ()) -> float:
    rough = span / max(1, wanted)
    for choice in choices:
        if choice >= rough:
            return choice
    if choices and rough > choices[-1]:
        return math.ceil(rough / choices[-1]) * choices[-1]
    power = 10.0 ** math.floor(math.log10(rough))
    return next((unit * power for unit in (1, 2, 5, 10) if unit * power >= rough), 10 * power)


@dataclass(frozen=True)
class _Plot:
    """Where times and values are drawn."""

    first: float
    last: float
    low: float
    high: float
    height: float

    def x(self, at: float) -> float:
        share = (at - self.first) / (self.last - self.first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)

    def axes(self, unit: str, *, whole_numbers: bool) -> list[str]:
        parts = []
        step = _step(self.high - self.low, 4)
        if whole_numbers:
            step = max(1.0, _step(self.high - self.low, 5))
        ticks = []
        tick = math.ceil(self.low / step)
        while tick * step <= self.high:
            ticks.append(tick * step)
            tick += 1
        for value, words in zip(ticks, told_apart(ticks, unit), strict=True):
            y = self.y(value)
            parts.append(
                f'<path class="grid" d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"/>'
                f'<text class="tick" x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{escape(words)}</text>'
            )
        span = self.last - self.first
        step = _step(span, 5, ROUND_SECONDS)
        at = math.ceil(self.first / step) * step
        base = self.height - BOTTOM
        while at <= self.last:
            x = self.x(at)
            anchor = "end" if x > WIDTH - 45 else "middle"
            parts.append(
                f'<path class="axis" d="M{x:.1f} {base:g}v4"/>'
                f'<text class="tick" x="{x:.1f}" y="{base + 20:g}" text-anchor="{anchor}">'
                f"{clock(at, seconds=step < 60)}</text>"
            )
            at += step
        parts.append(f'<path class="axis" d="M{LEFT:g} {base:g}H{WIDTH - RIGHT:g}"/>')
        return parts

    def band(self, band: Band, row: int) -> str:
        x, end, base = self.x(band.start), self.x(band.end), self.height - BOTTOM
        # Names of neighbours take turns, so that they do not run into one another.
        y = 17 + 18 * (row % 2)
        anchor, at = ("end", WIDTH) if x + 10 * len(band.words) > WIDTH else ("start", x + 3)
        return (
            f'<rect class="band {band.kind}" x="{x:.1f}" y="{TOP - 4:g}" width="{max(1.0, end - x):.1f}"'
            f' height="{base - TOP + 4:g}"/>'
            f'<path class="edge" d="M{x:.1f} {y - 10:g}V{base:g}M{end:.1f} {TOP - 4:g}V{base:g}"/>'
            f'<text class="bandname" x="{at:.1f}" y="{y:g}" text-anchor="{anchor}">{escape(band.words)}</text>'
        )

    def bound(self, bound: Bound) -> str:
        y = self.y(bound.value)
        return (
            f'<path class="bound" d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"/>'
            f'<text class="boundname" x="{WIDTH - RIGHT - 2:g}" y="{y - 4:.1f}" text-anchor="end">'
            f"{escape(bound.words)}</text>"
        )

    def spread(self, spread: Spread) -> str:
        def outline(*, quartiles: bool) -> str:
            places = (
                f"{self.x(at):.1f} {self.y(value):.1f}" for at, value in spread.around(quartiles=quartiles)
            )
            return f"M{'L'.join(places)}Z"

        name = f"{spread.lines} {'instances of the baseline' if spread.kind == 'base' else 'instances of the canary'}"
        return (
            f"<g><title>{escape(name)}: median, quartiles, extremes</title>"
            f'<path class="extremes {spread.kind}" d="{outline(quartiles=False)}"/>'
            f'<path class="quartiles {spread.kind}" d="{outline(quartiles=True)}"/></g>'
            + self.line(Line(f"{name}, median", spread.middle, spread.kind))
        )

    def line(self, line: Line) -> str:
        places = [(self.x(at), self.y(value)) for at, value in line.points]
        path = f"M{places[0][0]:.1f} {places[0][1]:.1f}"
        for x, y in places[1:]:
            path += f"H{x:.1f}V{y:.1f}" if line.steps else f"L{x:.1f} {y:.1f}"
        every = max(1, math.ceil(len(places) / MOST_MARKERS))
        marks = "".join(_marker(line.kind, x, y) for x, y in places[::every])
        return f'<g><title>{escape(line.name)}</title><path class="line {line.kind}" d="{path}"/>{marks}</g>'
