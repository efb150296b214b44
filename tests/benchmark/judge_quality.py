# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated phases of fleets: how often the judge cries wolf, what it finds, and what others do with the same data.

Run it with C(make judge-quality); docs/judging.md has the figures.
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.judging.datapoints import (
    Evidence,
    Series,
    Terms,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.dependence import mean_inflation
from ansible_collections.progressive.aws.plugins.module_utils.judging.judge import judge_metric
from ansible_collections.progressive.aws.plugins.module_utils.judging.metrics import RATE, Metric, Query
from ansible_collections.progressive.aws.plugins.module_utils.judging.rules import Rule
from ansible_collections.progressive.aws.plugins.module_utils.judging.statistics import (
    mann_whitney,
    normal_quantile,
)
from ansible_collections.progressive.aws.plugins.module_utils.judging.student import t_quantile, t_tail

METRICS = 5
LOOKS = 15
POINTS = 15
PERIOD = 60.0
#: The chance of a false alarm of a whole phase at a confidence of 0.98, which its metrics share.
ERROR = 0.02
#: Noise is 5 % of the level.
LEVEL = 20.0
#: Earlier instances: four groups of five.
EARLIER = (4, 5)
#: The least that Kayenta's rule wants of a side, and its tolerance.
KAYENTA_LEAST, KAYENTA_TOLERANCE = 5, 0.25
#: The phases of one simulation that one process does at a time, and those on which Kayenta's rule is tried as well: it
#: takes longer than the judge.
CHUNK, COMPARED = 25, 25

NORMAL, LOG_NORMAL, HEAVY = "normal", "log-normal", "heavy-tailed"


@dataclass(frozen=True)
class Cell:
    """A kind of fleet: instances of the canary and of the baseline, and what they are like.

    C(between) is the standard deviation of instances' levels and C(dependence) what a value keeps of the one before;
    both sides share a C(load) that swings by three units, or none. The unit is the noise of one datapoint.
    """

    canary: int = 1
    baseline: int = 3
    between: float = 0.5
    dependence: float = 0.3
    history: bool = False
    load: bool = False
    noise: str = NORMAL
    missing: bool = False

    def __str__(self) -> str:
        """The cell in a line."""
        more = [
            words
            for words, there in (
                ("history", self.history),
                ("load", self.load),
                (self.noise, self.noise != NORMAL),
                ("missing", self.missing),
            )
            if there
        ]
        return ", ".join(
            [f"{self.canary} against {self.baseline}, between {self.between:g}, {self.dependence:g}", *more]
        )


SIZES = ((1, 3), (2, 2), (4, 4), (2, 8), (1, 9))
SETTINGS: Sequence[Sequence[Any]] = (
    SIZES,
    (0.0, 0.3, 0.5, 1.0, 2.0),
    (0.0, 0.3, 0.6, 0.9),
    (False, True),
    (False, True),
    (NORMAL, LOG_NORMAL, HEAVY),
    (False, True),
)


def grid(number: int = 120, seed: int = 1) -> list[Cell]:
    """So many cells, so chosen that every pair of settings occurs: each covers the most pairs that are left."""
    chance = random.Random(seed)
    left = {
        ((one, a), (two, b))
        for one, two in itertools.combinations(range(len(SETTINGS)), 2)
        for a in SETTINGS[one]
        for b in SETTINGS[two]
    }
    found: dict[tuple[Any, ...], None] = {}
    while len(found) < number:
        candidates = [tuple(chance.choice(values) for values in SETTINGS) for __ in range(40)]
        best = max(candidates, key=lambda one: len(left & _pairs(one)))
        left -= _pairs(best)
        found[best] = None
    if left:
        raise ValueError(f"{number} cells are too few for {len(left)} pairs")
    return [Cell(*one[0], *one[1:]) for one in found]


def _pairs(values: Sequence[Any]) -> set[tuple[tuple[int, Any], tuple[int, Any]]]:
    return set(itertools.combinations(enumerate(values), 2))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------ made-up data


def _draw(chance: random.Random, kind: str) -> float:
    """A number of mean 0 and variance 1."""
    if kind == LOG_NORMAL:
        return (math.exp(chance.gauss(0, 0.8)) - math.exp(0.32)) / math.sqrt(
            (math.exp(0.64) - 1) * math.exp(0.64)
        )
    if kind == HEAVY:
        squares = sum(chance.gauss(0, 1) ** 2 for __ in range(3))
        return chance.gauss(0, 1) / math.sqrt(squares / 3) / math.sqrt(3)
    return chance.gauss(0, 1)


def noise_of(chance: random.Random, cell: Cell, points: int = POINTS) -> list[float]:
    """Values of one instance with mean 0 and variance 1, each of which keeps a share of the one before."""
    value, step = _draw(chance, cell.noise), math.sqrt(1 - cell.dependence**2)
    values = [value]
    while len(values) < points:
        value = cell.dependence * value + step * _draw(chance, cell.noise)
        values.append(value)
    return values


def _load(chance: random.Random, cell: Cell) -> list[float]:
    if not cell.load:
        return [0.0] * POINTS
    turn, step = chance.uniform(0, 2 * math.pi), chance.randrange(POINTS)
    return [3 * math.sin(2 * math.pi * t / POINTS + turn) + 3 * (t >= step) for t in range(POINTS)]


def _side(
    chance: random.Random, cell: Cell, number: int, load: Sequence[float], name: str, shift: float = 0.0
) -> tuple[Series, ...]:
    found = []
    for one in range(number):
        level = LEVEL + shift + chance.gauss(0, cell.between)
        points = tuple(
            (PERIOD * minute, level + load[minute] + value)
            for minute, value in enumerate(noise_of(chance, cell))
            if not (cell.missing and chance.random() < 0.1)
        )
        member = f"{name}-{one}"
        found.append(Series(member, points, 0.0, PERIOD * POINTS, name, instance_id=member))
    return tuple(found)


def evidence_of(chance: random.Random, cell: Cell, shift: float) -> Evidence:
    """One metric of a phase of such a fleet, whose canary is higher by C(shift)."""
    load = _load(chance, cell)
    metric = Metric("m", rule=Rule(compare="shift"))
    canary = _side(chance, cell, cell.canary, load, "new", shift)
    baseline = _side(chance, cell, cell.baseline, load, "old")
    earlier: tuple[Series, ...] = ()
    if cell.history:
        for group in range(EARLIER[0]):
            earlier += _side(chance, cell, EARLIER[1], _load(chance, cell), f"earlier-{group}")
    return Evidence(metric, canary, baseline, history=earlier)


def _until(evidence: Evidence, look: int) -> Evidence:
    until = PERIOD * POINTS * look / LOOKS
    return Evidence(
        evidence.metric,
        tuple(one.until(until) for one in evidence.canary),
        tuple(one.until(until) for one in evidence.baseline),
        history=evidence.history,
    )


# -------------------------------------------------------------------------------------- who judges


def ours(evidence: Evidence, error: float) -> str:
    """The judge's verdict after all looks, or as soon as it is certain."""
    for look in range(1, LOOKS + 1):
        final = look == LOOKS
        terms = Terms(final=final, fraction=look / LOOKS, error=error, looks=LOOKS)
        verdict = judge_metric(_until(evidence, look), terms).verdict
        if verdict != "pending":
            return verdict
    return "inconclusive"


def _means(several: Sequence[Series]) -> list[float]:
    return [statistics.fmean(one.values) for one in several if one.points]


def plain_t(evidence: Evidence, error: float) -> bool:
    """The t test on instance means that knows which instances belong together, and looks once."""
    canary, baseline = _means(evidence.canary), _means(evidence.baseline)
    if not canary or not baseline:
        return False
    groups: dict[str, list[Series]] = {}
    for one in evidence.history:
        groups.setdefault(one.group, []).append(one)
    squares, degrees = 0.0, 0
    for side in (canary, baseline, *map(_means, groups.values())):
        mean = statistics.fmean(side)
        squares += sum((value - mean) ** 2 for value in side)
        degrees += len(side) - 1
    size = math.sqrt(squares / degrees * (1 / len(canary) + 1 / len(baseline)))
    t = abs(statistics.fmean(canary) - statistics.fmean(baseline)) / size
    return 2 * t_tail(t, degrees) <= error


def kayenta(evidence: Evidence) -> bool:
    """Kayenta's rule at its defaults, at each look with so many values that it has a say."""
    for look in range(1, LOOKS + 1):
        known = _until(evidence, look)
        x = [value for one in known.canary for value in one.values]
        y = [value for one in known.baseline for value in one.values]
        if min(len(x), len(y)) < KAYENTA_LEAST:
            continue
        found = mann_whitney(x, y, 0.98)
        edge = KAYENTA_TOLERANCE * abs(found.estimate)
        if found.low > edge or found.high < -edge:
            return True
    return False


# ---------------------------------------------------------------------------------------- phases


def good_phase(cell: Cell, chance: random.Random, compare: bool = True) -> tuple[str, bool, bool]:
    """A phase without any difference: our verdict, and whether the plain test and Kayenta's rule fail it.

    Without C(compare) that rule is not asked.
    """
    verdicts, plain, other = [], False, False
    for __ in range(METRICS):
        evidence = evidence_of(chance, cell, 0.0)
        verdicts.append(ours(evidence, ERROR / METRICS))
        plain = plain or plain_t(evidence, ERROR / METRICS)
        other = other or (compare and kayenta(evidence))
    worst = next((one for one in ("fail", "inconclusive") if one in verdicts), "pass")
    return worst, plain, other


def bad_phase(
    cell: Cell, shift: float, chance: random.Random, compare: bool = True
) -> tuple[str, bool, bool]:
    """The same of the one metric of five that is higher by C(shift)."""
    evidence = evidence_of(chance, cell, shift)
    error = ERROR / METRICS
    return ours(evidence, error), plain_t(evidence, error), compare and kayenta(evidence)


def telling_shift(cell: Cell, power: float = 0.8) -> float:
    """The shift that the plain test finds with about this probability."""
    degrees = cell.canary + cell.baseline - 2
    if cell.history:
        degrees += EARLIER[0] * (EARLIER[1] - 1)
    mean = mean_inflation(cell.dependence, POINTS) / POINTS
    deviation = math.sqrt((cell.between**2 + mean) * (1 / cell.canary + 1 / cell.baseline))
    t = t_quantile(ERROR / METRICS / 2, degrees)
    return deviation * (t + normal_quantile(power) * math.sqrt(1 + t * t / (2 * degrees)))


QUERIES = (Query("cases", "a", query_id="numerator"), Query("cases", "b", query_id="denominator"))


@dataclass(frozen=True)
class Rates:
    """A rate: requests a minute and side, the share of errors on both sides, and whether they come together."""

    requests: int
    share: float
    canary_share: float
    together: bool = False


def rate_phase(
    rates: Rates, metrics: int, chance: random.Random, compare: bool = True
) -> tuple[str, bool, bool]:
    """The verdict on a phase of such rates, each of a group as a whole; of one rate only, where the sides differ."""
    verdicts = []
    alike = rates.share == rates.canary_share
    for __ in range(metrics if alike else 1):
        evidence = Evidence(
            Metric("m", QUERIES, kind=RATE, rule=Rule(compare="shift", direction="increase")),
            (_rate_series(chance, rates, rates.canary_share, "new"),),
            (_rate_series(chance, rates, rates.share, "old"),),
        )
        verdicts.append(ours(evidence, ERROR / metrics))
    worst = next((one for one in ("fail", "inconclusive") if one in verdicts), "pass")
    return worst, False, False


def _rate_series(chance: random.Random, rates: Rates, share: float, name: str) -> Series:
    counts = []
    for minute in range(POINTS):
        now = min(1.0, share * chance.gammavariate(1, 1)) if rates.together else share
        number = sum(chance.random() < now for __ in range(rates.requests))
        counts.append((PERIOD * minute, float(number), float(rates.requests)))
    points = tuple((moment, 100 * number / of) for moment, number, of in counts)
    return Series(name, points, 0.0, PERIOD * POINTS, name, counts=tuple(counts))


# ------------------------------------------------------------------------------------ simulations


Phase = Callable[[random.Random, bool], tuple[str, bool, bool]]


@dataclass(frozen=True)
class Outcome:
    """Shares of the phases: our verdicts, and how often the plain test and Kayenta's rule failed them.

    The last is of the first C(COMPARED) phases.
    """

    fail: float
    inconclusive: float
    plain: float
    kayenta: float

    @property
    def passed(self) -> float:
        """The share that passed."""
        return 1 - self.fail - self.inconclusive


def _chunk(phase: Phase, phases: int, seed: str, compare: bool) -> list[tuple[str, bool, bool]]:
    chance = random.Random(seed)
    return [phase(chance, compare) for __ in range(phases)]


def simulate(phase: Phase, phases: int, seed: int = 1, processes: int = 1) -> Outcome:
    """Run a phase so many times. The same seed gives the same figures, on however many processes."""
    sizes = [min(CHUNK, phases - first) for first in range(0, phases, CHUNK)]
    work = [(phase, size, f"{seed}/{number}", number * CHUNK < COMPARED) for number, size in enumerate(sizes)]
    if processes > 1:
        with multiprocessing.Pool(processes) as pool:
            chunks = pool.starmap(_chunk, work, chunksize=1)
    else:
        chunks = [_chunk(*one) for one in work]
    rows = [row for chunk in chunks for row in chunk]
    return Outcome(
        fail=sum(verdict == "fail" for verdict, __, __ in rows) / phases,
        inconclusive=sum(verdict == "inconclusive" for verdict, __, __ in rows) / phases,
        plain=sum(plain for __, plain, __ in rows) / phases,
        kayenta=sum(other for __, __, other in rows) / min(phases, COMPARED),
    )


RATES = [
    *(
        Rates(requests, share, share, together)
        for requests in (2, 20, 200)
        for share in (0.0, 0.01, 0.05)
        for together in ((False, True) if share else (False,))
    )
]
FOUND = ((Rates(200, 0.01, 0.02), 1), (Rates(200, 0.01, 0.02), METRICS), (Rates(200, 0.001, 0.01), METRICS))


def _rows(phases: int, processes: int, seed: int) -> Iterator[str]:
    def percent(share: float) -> str:
        return f"{100 * share:5.1f}"

    yield f"{phases} phases a cell; {METRICS} metrics, {LOOKS} looks; in percent"
    yield "fail | inconclusive | pass | plain t fails | Kayenta fails | shift found by us | plain t | Kayenta | cell"
    for cell in grid(seed=seed):
        good = simulate(partial(good_phase, cell), phases, seed, processes)
        shift = telling_shift(cell)
        bad = simulate(partial(bad_phase, cell, shift), phases, seed, processes)
        figures = (good.fail, good.inconclusive, good.passed, good.plain, good.kayenta)
        found = (bad.fail, bad.plain, bad.kayenta)
        yield " | ".join([*map(percent, (*figures, *found)), f"{cell}; shift {shift:.1f}"])
    for rates in RATES:
        good = simulate(partial(rate_phase, rates, METRICS), phases, seed, processes)
        words = f"{rates.requests} requests, {100 * rates.share:g} %{', together' if rates.together else ''}"
        yield " | ".join([*map(percent, (good.fail, good.inconclusive, good.passed)), words])
    for rates, metrics in FOUND:
        bad = simulate(partial(rate_phase, rates, metrics), phases, seed, processes)
        words = f"{100 * rates.share:g} % to {100 * rates.canary_share:g} % at {rates.requests} requests"
        yield f"{percent(bad.fail)} found | {words}, {'the only metric' if metrics == 1 else 'one of five'}"


def main() -> None:
    """Print the figures of docs/judging.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phases", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for row in _rows(given.phases, given.processes, given.seed):
        print(row, flush=True)


if __name__ == "__main__":
    main()
