# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated phases: how often the judge cries wolf, and how soon it finds what is there."""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Sequence

from ansible_collections.progressive.aws.plugins.module_utils.judge_comparison import compare

METRICS = 5
LOOKS = 15
# The chance of a false alarm of a whole phase at a confidence of 0.98, shared by its metrics.
ERROR = 0.02
# Each is (series a side, points of each): one per instance, or one of the group.
SHAPES = ((4, 15), (1, 60))


def noise(chance: random.Random, dependence: float, points: int) -> list[float]:
    """Values with mean 0 and variance 1, each of which keeps a share of the one before."""
    value, step = chance.gauss(0.0, 1.0), math.sqrt(1 - dependence**2)
    values = [value]
    while len(values) < points:
        value = dependence * value + step * chance.gauss(0.0, 1.0)
        values.append(value)
    return values


def found_at(canary: Sequence[Sequence[float]], baseline: Sequence[Sequence[float]], metrics: int) -> int:
    """At which look the judge fails the canary; 0 where it never does."""
    points = len(canary[0])
    for look in range(1, LOOKS + 1):
        until = points * look // LOOKS
        verdict = compare(
            [series[:until] for series in canary],
            [series[:until] for series in baseline],
            error=ERROR / metrics,
            fraction=until / points,
            final=look == LOOKS,
        ).verdict
        if verdict == "fail":
            return look
    return 0


def false_alarms(dependence: float, phases: int, series: int, points: int, seed: int = 1) -> float:
    """The share of phases without any difference in which a metric fails."""
    chance, wrong = random.Random(seed), 0
    for __ in range(phases):
        sides = [
            [[noise(chance, dependence, points) for __ in range(series)] for __ in range(2)]
            for __ in range(METRICS)
        ]
        wrong += any(found_at(canary, baseline, METRICS) for canary, baseline in sides)
    return wrong / phases


def shift_found(phases: int, series: int, points: int, seed: int = 2) -> tuple[float, float]:
    """The share of phases in which a shift of one sigma is found, and the mean look at which it is."""
    chance, looks = random.Random(seed), []
    for __ in range(phases):
        canary = [[value + 1.0 for value in noise(chance, 0.0, points)] for __ in range(series)]
        looks.append(found_at(canary, [noise(chance, 0.0, points) for __ in range(series)], METRICS))
    hits = [look for look in looks if look]
    return len(hits) / phases, sum(hits) / max(1, len(hits))


def errors_found(phases: int, requests: int = 200, minutes: int = 15, seed: int = 3) -> tuple[float, float]:
    """As L(shift_found), for an error rate of 10 % against 5 % at so many requests a minute."""
    chance, looks = random.Random(seed), []

    def rate(share: float) -> list[float]:
        return [sum(chance.random() < share for __ in range(requests)) / requests for __ in range(minutes)]

    for __ in range(phases):
        looks.append(found_at([rate(0.10)], [rate(0.05)], METRICS))
    hits = [look for look in looks if look]
    return len(hits) / phases, sum(hits) / max(1, len(hits))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phases", type=int, default=2000)
    phases = parser.parse_args().phases
    for series, points in SHAPES:
        for dependence in (0.0, 0.3, 0.6):
            share = false_alarms(dependence, phases, series, points)
            print(f"false alarms, {series} x {points}, dependence {dependence}: {share:.2%}", flush=True)
        share, look = shift_found(phases, series, points)
        print(f"one sigma, {series} x {points}: found {share:.1%}, mean look {look:.1f}", flush=True)
    share, look = errors_found(phases)
    print(f"errors 5 % to 10 %: found {share:.1%}, mean minute {look:.1f}", flush=True)


if __name__ == "__main__":
    main()
