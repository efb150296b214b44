# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many lines as a band, and the sum of several groups."""

from __future__ import annotations

from ansible_collections.progressive.aws.plugins.module_utils.reporting.charts import (
    capacity_chart,
    metric_chart,
)
from ansible_collections.progressive.aws.plugins.module_utils.reporting.spreads import spread_of, total


def series(side: str, count: int, odd: int = -1) -> list[dict[str, object]]:
    return [
        {
            "side": side,
            "instance_id": f"i-{side}{number}",
            "points": [[at, (50.0 if number == odd else 10.0) + number / 100] for at in (0.0, 60.0, 120.0)],
        }
        for number in range(count)
    ]


def drawn(count: int, odd: int = -1) -> str:
    several = [*series("canary", count, odd), *series("baseline", count)]
    return metric_chart("cpu", several, {}, {}, [f"i-canary{odd}"])


def test_a_band_has_the_middle_the_quartiles_and_the_extremes_of_each_moment() -> None:
    spread = spread_of("new", [[(0.0, float(value))] for value in (1, 2, 3, 4, 100)] + [[(60.0, 7.0)]])
    first, second = spread.moments
    assert (first.low, first.lower, first.middle, first.upper, first.high) == (1, 2, 3, 4, 100)
    assert (second.low, second.middle, second.high) == (7, 7, 7)
    assert spread.around(quartiles=False) == [(0.0, 1.0), (60.0, 7.0), (60.0, 7.0), (0.0, 100.0)]


def test_a_dozen_lines_are_lines_and_more_are_a_band_for_each_side() -> None:
    assert drawn(6).count('class="line ') == 12 + 2, "two of them in the legend"
    assert "extremes" not in drawn(6)
    many = drawn(100)
    assert many.count('class="extremes') == many.count('class="quartiles') == 2
    assert many.count('class="line ') == 2 + 2
    assert "baseline (100 lines: median, quartiles, extremes)" in many


def test_what_stands_out_of_a_band_is_a_line_and_no_part_of_it() -> None:
    many = drawn(100, odd=7)
    assert many.count('class="line odd"') == 1 + 1
    assert "canary, outlier (i-canary7)" in many
    assert "canary (99 lines: median, quartiles, extremes)" in many


def test_the_sum_of_groups_follows_each_of_their_steps() -> None:
    assert total([[(0.0, 4.0), (10.0, 2.0)], [(5.0, 2.0), (10.0, 3.0)]]) == [
        (0.0, 4.0),
        (5.0, 6.0),
        (10.0, 5.0),
    ]


def test_the_sum_of_instances_stands_against_the_floor() -> None:
    groups = [("old", [(0.0, 4.0), (10.0, 0.0)]), ("new", [(0.0, 0.0), (9.0, 4.0)])]
    chart = capacity_chart(groups, [], "", 4.0)
    assert 'class="line sum"' in chart
    assert ">never below 4</text>" in chart
    assert "never below" not in capacity_chart(groups, [], "")
    assert 'class="line sum"' not in capacity_chart(groups[:1], [], "", 4.0), "it is its own sum"
