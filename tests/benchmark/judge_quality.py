# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated phases: how often the judge cries wolf, and how soon it finds what is there.

Run it with C(make judge-quality); docs/judging.md has the figures.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import (
    Evidence,
    Series,
    Terms,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import judge_metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import Metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.rules import Rule

METRICS = 5
LOOKS = 15
#: The chance of a false alarm of a whole phase at a confidence of 0.98, which its metrics share.
ERROR = 0.02
#: The phases of one simulation that one process does at a time.
CHUNK = 50

Side = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Shape:
    """How many instances each side has, and how many datapoints each of them has in the phase."""

    canary: int
    baseline: int
    points: int

    def __str__(self) -> str:
        """Words: C(4 against 4 instances, 15 datapoints each)."""
        return f"{self.canary} against {self.baseline}, {self.points} datapoints each"


SHAPES = (Shape(4, 4, 15), Shape(1, 1, 60), Shape(1, 3, 15), Shape(2, 2, 30))


def noise(chance: random.Random, dependence: float, points: int) -> list[float]:
    """Values with mean 0 and variance 1, each of which keeps a share of the one before."""
    value, step = chance.gauss(0.0, 1.0), math.sqrt(1 - dependence**2)
    values = [value]
    while len(values) < points:
        value = dependence * value + step * chance.gauss(0.0, 1.0)
        values.append(value)
    return values


def noises(chance: random.Random, dependence: float, series: int, points: int) -> list[list[float]]:
    """Several series of noise that have nothing to do with each other."""
    return [noise(chance, dependence, points) for __ in range(series)]


def _series(side: Side, name: str, until: int) -> tuple[Series, ...]:
    return tuple(
        Series(
            f"{name}-{number}",
            tuple((60.0 * minute, value) for minute, value in enumerate(values[:until])),
            0.0,
            60.0 * until,
            instance_id=f"{name}-{number}" if len(side) > 1 else "",
        )
        for number, values in enumerate(side)
    )


def found_at(canary: Side, baseline: Side, direction: str = "either", metrics: int = METRICS) -> int:
    """At which look the judge fails the canary for one of so many metrics; 0 where it never does."""
    points = len(canary[0])
    metric = Metric("m", rule=Rule(compare="shift", direction=direction))
    for look in range(1, LOOKS + 1):
        until = points * look // LOOKS
        evidence = Evidence(metric, _series(canary, "new", until), _series(baseline, "old", until))
        terms = Terms(final=look == LOOKS, fraction=until / points, error=ERROR / metrics, looks=points)
        if judge_metric(evidence, terms).verdict == "fail":
            return look
    return 0


def false_alarm(dependence: float, shape: Shape, chance: random.Random) -> int:
    """The look at which a phase without any difference fails; 0 where it does not."""
    return max(
        found_at(
            noises(chance, dependence, shape.canary, shape.points),
            noises(chance, dependence, shape.baseline, shape.points),
        )
        for __ in range(METRICS)
    )


def shifted(shift: float, shape: Shape, chance: random.Random) -> int:
    """The look at which a canary is found out that is higher by so many standard deviations; 0 where never."""
    canary = [[value + shift for value in one] for one in noises(chance, 0.0, shape.canary, shape.points)]
    return found_at(canary, noises(chance, 0.0, shape.baseline, shape.points))


def more_errors(requests: int, metrics: int, chance: random.Random) -> int:
    """The minute at which an error rate of 10 % is found out, against 5 % at so many requests a minute.

    The rate is one of so many metrics, of a group as a whole: one datapoint a minute and side.
    """

    def rates(share: float) -> list[float]:
        return [
            100 * sum(chance.random() < share for __ in range(requests)) / requests for __ in range(LOOKS)
        ]

    return found_at([rates(0.10)], [rates(0.05)], direction="increase", metrics=metrics)


def one_bad(shift: float, shape: Shape, chance: random.Random) -> int:
    """The look at which one instance is found out that is higher by so much, among good ones; 0 where never."""
    canary = noises(chance, 0.0, shape.canary, shape.points)
    canary[0] = [value + shift for value in canary[0]]
    return found_at(canary, noises(chance, 0.0, shape.baseline, shape.points))


def _chunk(phase: Callable[[random.Random], int], phases: int, seed: str) -> list[int]:
    chance = random.Random(seed)
    return [phase(chance) for __ in range(phases)]


@dataclass(frozen=True)
class Outcome:
    """In which share of the phases the judge failed the canary, and at which look on average."""

    share: float
    mean_look: float


def simulate(
    phase: Callable[[random.Random], int], phases: int, seed: int = 1, processes: int = 1
) -> Outcome:
    """Run a phase so many times. The same seed gives the same figures, on however many processes."""
    sizes = [min(CHUNK, phases - first) for first in range(0, phases, CHUNK)]
    work = [(phase, size, f"{seed}/{number}") for number, size in enumerate(sizes)]
    if processes > 1:
        with multiprocessing.Pool(processes) as pool:
            chunks = pool.starmap(_chunk, work, chunksize=1)
    else:
        chunks = [_chunk(*one) for one in work]
    looks = [look for chunk in chunks for look in chunk if look]
    return Outcome(len(looks) / phases, sum(looks) / max(1, len(looks)))


def main() -> None:
    """Print the figures of docs/judging.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phases", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    given = parser.parse_args()

    def run(words: str, phase: Callable[[random.Random], int]) -> None:
        found = simulate(phase, given.phases, processes=given.processes)
        when = f", after {found.mean_look:.1f} of {LOOKS} looks on average" if found.share > 0.1 else ""
        print(f"{words}: {100 * found.share:.2f} %{when}", flush=True)

    print(f"{given.phases} phases each; {METRICS} metrics, {LOOKS} looks")
    for shape in SHAPES:
        for dependence in (0.0, 0.3, 0.6, 0.9):
            run(f"false alarms, AR(1) of {dependence}, {shape}", partial(false_alarm, dependence, shape))
    for shape in SHAPES:
        run(f"a shift of one standard deviation found, {shape}", partial(shifted, 1.0, shape))
    for metrics, words in ((1, "the only metric compared"), (METRICS, "one of five metrics")):
        run(
            f"errors from 5 % to 10 % at 200 requests a minute found, {words}",
            partial(more_errors, 200, metrics),
        )
    run("one instance of four 3 standard deviations off found", partial(one_bad, 3.0, SHAPES[0]))


if __name__ == "__main__":
    main()
