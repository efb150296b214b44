# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw docs/judging-power.svg: how often each judge fails a canary, by how much it differs. C(make judge-chart)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from html import escape
from pathlib import Path

from tests.benchmark.judge_quality import COMPARED, Cell, Outcome, bad_phase, simulate

CHART = Path(__file__).parents[2] / "docs" / "judging-power.svg"

#: The fleets, with the shifts in units of the noise of one datapoint. Instances differ by half of that.
PANELS: Sequence[tuple[Cell, Sequence[float]]] = (
    (Cell(1, 3, load=True), (0, 2.5, 5, 7.5, 10, 12.5, 15, 20)),
    (Cell(1, 3, history=True, load=True), (0, 0.5, 1, 1.5, 2, 2.5, 3, 4)),
    (Cell(4, 4, load=True), (0, 0.5, 1, 1.5, 2, 2.5, 3, 4)),
)
#: Colours that colour-blind people tell apart (Okabe and Ito), and dashes for prints.
CURVES = (
    ("this judge", "fail", "#0072b2", "none"),
    ("t test on instance means, one look", "plain", "#e69f00", "6 3"),
    ("Kayenta's rule", "kayenta", "#555555", "2 3"),
)
WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 220, 56, 74, 34


def draw(panels: Sequence[tuple[Cell, Sequence[float], Sequence[Outcome]]], phases: int) -> str:
    """The chart as SVG, a panel a fleet."""
    width = LEFT + len(panels) * (WIDTH + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + HEIGHT + 62}" role="img"'
        ' font-family="sans-serif" font-size="12" fill="#222">',
        "<title>How often each judge fails a canary, by how much it differs</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    at = LEFT
    for name, __, colour, dashes in CURVES:
        lines.append(
            f'<path d="M{at} 20h30" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
            f'<text x="{at + 36}" y="24">{escape(name)}</text>'
        )
        at += 60 + 7 * len(name)
    for number, panel in enumerate(panels):
        lines += _panel(LEFT + number * (WIDTH + GAP), *panel)
    lines.append(
        f'<text x="{LEFT}" y="{TOP + HEIGHT + 50}">Shift of one of five metrics, in standard deviations of the noise of'
        f" a datapoint; failed phases in percent, of {phases}, of {min(phases, COMPARED)} by Kayenta's rule.</text>"
    )
    return "\n".join([*lines, "</svg>", ""])


def _panel(left: float, cell: Cell, shifts: Sequence[float], found: Sequence[Outcome]) -> Iterator[str]:
    past = "20 earlier instances" if cell.history else "no history"
    yield f'<text x="{left}" y="{TOP - 18}" font-weight="bold">{cell.canary} against {cell.baseline}, {past}</text>'
    for percent in (0, 20, 40, 60, 80, 100):
        y = TOP + HEIGHT * (1 - percent / 100)
        yield f'<path d="M{left} {y:g}h{WIDTH}" stroke="#ddd"/>'
        yield f'<text x="{left - 6}" y="{y + 4:g}" text-anchor="end">{percent}</text>'
    across = [left + WIDTH * shift / shifts[-1] for shift in shifts]
    for x, shift in zip(across, shifts, strict=True):
        yield f'<text x="{x:.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{shift:g}</text>'
    for __, figure, colour, dashes in CURVES:
        points = " ".join(
            f"{x:.1f},{TOP + HEIGHT * (1 - getattr(one, figure)):.1f}"
            for x, one in zip(across, found, strict=True)
        )
        yield (
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"'
            f' stroke-dasharray="{dashes}"/>'
        )


def main() -> None:
    """Simulate, and write the chart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    panels = []
    for cell, shifts in PANELS:
        found = [simulate(partial(bad_phase, cell, shift), given.phases, given.seed) for shift in shifts]
        panels.append((cell, shifts, found))
        for shift, one in zip(shifts, found, strict=True):
            print(
                f"{cell}; shift {shift:g}: {one.fail:.2f}, t {one.plain:.2f}, Kayenta {one.kayenta:.2f}",
                flush=True,
            )
    CHART.write_text(draw(panels, given.phases), encoding="utf-8")


if __name__ == "__main__":
    main()
