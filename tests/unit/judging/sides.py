# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up series for tests of the judge."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import (
    Evidence,
    Finding,
    Series,
    Terms,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import judge_metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import Metric, Query
from ansible_collections.progressive.aws.plugins.module_utils.judging.rules import Rule

from tests.unit.aws.cloudwatch_fake import NOON

#: The share of one of five metrics in the 2 % that a phase has.
ERROR = 0.004

Side = Sequence[Sequence[float]]


def noise(seed: int, level: float = 10.0, series: int = 4, points: int = 15, sd: float = 1.0) -> Side:
    """White noise around a level, a series an instance."""
    chance = random.Random(seed)
    return [[chance.gauss(level, sd) for __ in range(points)] for __ in range(series)]


def series_of(side: Side, name: str, start: float = NOON, **more: Any) -> tuple[Series, ...]:
    """One series an instance, a datapoint a minute."""
    return tuple(
        Series(
            f"{name}-{number}",
            tuple((start + 60 * minute, value) for minute, value in enumerate(values)),
            start,
            start + 60 * len(values),
            # One series alone is of a group as a whole.
            instance_id=f"{name}-{number}" if len(side) > 1 else "",
            **more,
        )
        for number, values in enumerate(side, start=1)
    )


def compare(canary: Side, baseline: Side, terms: Terms | None = None, **options: Any) -> Finding:
    """Judge one metric; options are those of its rule, or of the metric."""
    own = {
        name: options.pop(name) for name in ("minimum", "maximum", "datapoints_to_fail") if name in options
    }
    rule = Rule(**{"compare": "shift", **options})
    metric = Metric("cpu", (Query("AWS/EC2", "CPUUtilization"),), rule=rule, **own)
    evidence = Evidence(metric, series_of(canary, "new"), series_of(baseline, "old"))
    return judge_metric(evidence, terms or Terms(error=ERROR, looks=15))
