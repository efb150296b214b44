# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an instance does from second to second, made up the same way each time it is asked.

Nothing is stored: a minute's worth of values follows from the instance, the signal and the minute.
"""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist
from typing import Any

#: Ticks of a block, the unit in which signals are made.
BLOCK = 60
#: Latencies of one tick are represented by at most so many values, each with a count.
LATENCIES_PER_TICK = 10
_CACHED_BLOCKS = 16384


@dataclass(frozen=True)
class Behaviour:
    """How an instance of an image behaves: the numbers behind its metrics.

    Attributes:
        resolution: seconds between two samples of the custom metrics (1, 5, 10, 20, 30 or 60).
        detailed_monitoring: whether EC2 publishes each minute instead of every five. An instance launched
            with detailed monitoring does so anyhow.
        cpu_mean, cpu_sd: percent.
        cpu_phi: the autocorrelation of CPU from one sample to the next, 0 to 0.99.
        requests_per_second: what load balancers or clients send to each instance.
        error_rate: the share of requests answered with an error, 0 to 1.
        latency_median: seconds.
        latency_sigma: of the logarithm of the latency.
        latency_slow_share, latency_slow_factor: so many requests (0 to 1) take so many times longer.
        memory_start: percent at launch.
        memory_per_minute: percent that it grows each minute.
        memory_sd: percent.
        stop_after: seconds in service after which the agent and the application publish no more.
        status_check_failed_after: seconds in service after which EC2's status checks fail.
        spread: by which share instances of the image differ in CPU, memory, requests and latency (a standard
            deviation): each has a level of its own.
        load_swing, load_period: the load of all goes up and down by this share (0 to 1) in so many seconds; CPU,
            requests and latency follow it.
    """

    resolution: int = 1
    detailed_monitoring: bool = False
    cpu_mean: float = 30.0
    cpu_sd: float = 4.0
    cpu_phi: float = 0.3
    requests_per_second: float = 10.0
    error_rate: float = 0.002
    latency_median: float = 0.05
    latency_sigma: float = 0.35
    latency_slow_share: float = 0.0
    latency_slow_factor: float = 10.0
    memory_start: float = 40.0
    memory_per_minute: float = 0.0
    memory_sd: float = 0.5
    stop_after: float | None = None
    status_check_failed_after: float | None = None
    spread: float = 0.0
    load_swing: float = 0.0
    load_period: float = 600.0

    def load(self, at: float) -> float:
        """Return the load at a moment (epoch seconds), as a share of the usual one, in steps of a fiftieth."""
        return round(50 * (1 + self.load_swing * math.sin(2 * math.pi * at / self.load_period))) / 50

    def own(self, instance_id: str, signal: str) -> float:
        """Return an instance's own level of a signal, as a share of the image's."""
        return max(0.1, _random(instance_id, signal, "own").gauss(1.0, self.spread)) if self.spread else 1.0


#: Where the nested keys of an image's behaviour go.
_NESTED = {
    "cpu": {"mean": "cpu_mean", "sd": "cpu_sd", "phi": "cpu_phi"},
    "latency": {
        "median": "latency_median",
        "sigma": "latency_sigma",
        "slow_share": "latency_slow_share",
        "slow_factor": "latency_slow_factor",
    },
    "memory": {"start": "memory_start", "per_minute": "memory_per_minute", "sd": "memory_sd"},
    "load": {"swing": "load_swing", "period": "load_period"},
}
_FLAT = (
    "resolution",
    "detailed_monitoring",
    "requests_per_second",
    "error_rate",
    "stop_after",
    "status_check_failed_after",
    "spread",
)
#: All keys of an image's behaviour that shape metrics.
METRIC_KEYS = frozenset((*_NESTED, *_FLAT, "one_bad"))


def behaviour_of(image: dict[str, Any], number: int = 0) -> Behaviour:
    """Return how the instance launched as the ``number``-th (from 0) of an image behaves.

    ``image`` is the image's entry in the world: ``{"cpu": {"mean", "sd", "phi"},
    "requests_per_second", "error_rate", "latency": {"median", "sigma", "slow_share", "slow_factor"},
    "memory": {"start", "per_minute", "sd"}, "stop_after", "resolution", "detailed_monitoring",
    "status_check_failed_after", "spread", "load": {"swing", "period"},
    "one_bad": {"every", "offset", ...overrides}}``; whatever is left out has a default, and keys
    that are not about metrics are left alone. With ``one_bad``, one instance of each ``every`` (4)
    in order of launch has the overrides: the last of them, or the one at ``offset`` (from 0). Raises
    ValueError for an unknown key inside a nested part or an impossible value.
    """
    result = _overridden(Behaviour(), image)
    if is_bad_one(image, number):
        result = _overridden(result, image["one_bad"])
    return result


def is_bad_one(image: dict[str, Any], number: int) -> bool:
    """Return whether the ``number``-th (from 0) instance of an image is its bad one."""
    bad = image.get("one_bad")
    if not bad:
        return False
    every = int(bad.get("every", 4))
    return number % every == int(bad.get("offset", every - 1)) % every


def _overridden(base: Behaviour, image: dict[str, Any]) -> Behaviour:
    changes: dict[str, Any] = {key: image[key] for key in _FLAT if key in image}
    for part, names in _NESTED.items():
        for key, value in (image.get(part) or {}).items():
            if key not in names:
                raise ValueError(f"an image's {part} has no {key!r}; it has {', '.join(names)}")
            changes[names[key]] = value
    result = replace(base, **changes)
    if result.resolution not in (1, 5, 10, 20, 30, 60):
        raise ValueError(f"resolution {result.resolution}: CloudWatch has 1, 5, 10, 20, 30 and 60 s")
    if not 0 <= result.cpu_phi < 1:
        raise ValueError(f"cpu phi {result.cpu_phi} is not within 0 and 1")
    if not 0 <= result.error_rate <= 1:
        raise ValueError(f"error_rate {result.error_rate} is not within 0 and 1")
    if not 0 <= result.load_swing <= 1 or result.load_period <= 0:
        raise ValueError(
            f"a load that swings by {result.load_swing} in {result.load_period} s: there is none"
        )
    return result


def _random(*seed: object) -> random.Random:
    return random.Random(":".join(map(str, seed)))


def _autoregressive(seed: tuple[object, ...], block: int, phi: float) -> list[float]:
    """Return a block of stationary AR(1) noise of mean 0 and variance 1.

    Each value is the sum of all earlier innovations, weighted with powers of phi; those whose weight
    is below a millionth are left out, so that any block can be made without those before it.
    """
    draw = _random(*seed, block).gauss
    own = [draw(0.0, 1.0) for _ in range(BLOCK)]
    if phi <= 0:
        return own
    scale = math.sqrt(1 - phi * phi)
    needed = math.ceil(math.log(1e-6) / math.log(phi))
    earlier: list[float] = []
    before = block
    while len(earlier) < needed:
        before -= 1
        draw = _random(*seed, before).gauss
        earlier = [draw(0.0, 1.0) for _ in range(BLOCK)] + earlier
    state = 0.0
    for innovation in earlier[-needed:]:
        state = phi * state + scale * innovation
    result = []
    for innovation in own:
        state = phi * state + scale * innovation
        result.append(state)
    return result


@lru_cache(maxsize=4096)
def _poisson_table(mean: float) -> tuple[float, ...]:
    """Return the cumulative probabilities of 0, 1, 2 ... events."""
    terms = [math.exp(-mean)]
    limit = int(mean + 12 * math.sqrt(mean) + 12)
    if mean > 600:
        normal = NormalDist(mean, math.sqrt(mean))
        return tuple(normal.cdf(count + 0.5) for count in range(limit))
    for count in range(1, limit):
        terms.append(terms[-1] * mean / count)
    return tuple(accumulate(terms))


def _poisson(draw: Callable[[], float], means: Sequence[float]) -> list[int]:
    return [bisect(_poisson_table(mean), draw()) if mean > 0 else 0 for mean in means]


def _loads(behaviour: Behaviour, resolution: int, block: int) -> list[float]:
    """Return the load of each tick of a block."""
    if not behaviour.load_swing:
        return [1.0] * BLOCK
    first = block * BLOCK * resolution
    return [behaviour.load(first + tick * resolution) for tick in range(BLOCK)]


@lru_cache(maxsize=64)
def _latency_table(median: float, sigma: float, slow_share: float, slow_factor: float) -> tuple[float, ...]:
    """Return 4,096 equally likely latencies in seconds."""
    normal = NormalDist()
    size = 4096
    slow = round(size * slow_share)

    def part(count: int, factor: float) -> list[float]:
        return [median * factor * math.exp(sigma * normal.inv_cdf((i + 0.5) / count)) for i in range(count)]

    return tuple(part(size - slow, 1.0) + part(slow, slow_factor))


Latencies = list[list[float]]


@lru_cache(maxsize=_CACHED_BLOCKS)
def cpu_block(instance_id: str, behaviour: Behaviour, resolution: int, block: int) -> list[float]:
    """Return a block of CPU use in percent, one value a tick of ``resolution`` seconds."""
    noise = _autoregressive((instance_id, "cpu", resolution), block, behaviour.cpu_phi)
    mean, sd = behaviour.cpu_mean, behaviour.cpu_sd
    mean *= behaviour.own(instance_id, "cpu")
    loads = _loads(behaviour, resolution, block)
    return [min(100.0, max(0.0, mean * load + sd * value)) for load, value in zip(loads, noise, strict=True)]


@lru_cache(maxsize=_CACHED_BLOCKS)
def memory_block(
    instance_id: str, behaviour: Behaviour, launched_at: float, resolution: int, block: int
) -> list[float]:
    """Return a block of memory use in percent, one value a tick of ``resolution`` seconds."""
    draw = _random(instance_id, "memory", resolution, block).gauss
    first = block * BLOCK * resolution - launched_at
    start, growth, sd = (
        behaviour.memory_start * behaviour.own(instance_id, "memory"),
        behaviour.memory_per_minute / 60,
        behaviour.memory_sd,
    )
    return [
        min(100.0, max(0.0, start + growth * (first + tick * resolution) + draw(0.0, sd)))
        for tick in range(BLOCK)
    ]


@lru_cache(maxsize=_CACHED_BLOCKS)
def traffic_block(
    instance_id: str, behaviour: Behaviour, resolution: int, block: int
) -> tuple[list[float], list[float]]:
    """Return a block of requests and of errors among them, counts a tick of ``resolution`` seconds.

    Failed and successful requests of a Poisson stream are two independent Poisson streams.
    """
    draw = _random(instance_id, "traffic", resolution, block).random
    mean = behaviour.requests_per_second * resolution * behaviour.own(instance_id, "traffic")
    loads = _loads(behaviour, resolution, block)
    good = _poisson(draw, [load * mean * (1 - behaviour.error_rate) for load in loads])
    bad = _poisson(draw, [load * mean * behaviour.error_rate for load in loads])
    return [float(a + b) for a, b in zip(good, bad, strict=True)], [float(b) for b in bad]


@lru_cache(maxsize=_CACHED_BLOCKS)
def latency_block(instance_id: str, behaviour: Behaviour, resolution: int, block: int) -> Latencies:
    """Return for each tick of a block some latencies in seconds, which stand for all requests of the tick."""
    requests, _ = traffic_block(instance_id, behaviour, resolution, block)
    table = _latency_table(
        behaviour.latency_median,
        behaviour.latency_sigma,
        behaviour.latency_slow_share,
        behaviour.latency_slow_factor,
    )
    choices = _random(instance_id, "latency", resolution, block).choices
    most = LATENCIES_PER_TICK * min(resolution, 6)
    counts = [min(int(count), most) for count in requests]
    drawn = choices(table, k=sum(counts))
    own = behaviour.own(instance_id, "latency")
    result, at = [], 0
    for count, load in zip(counts, _loads(behaviour, resolution, block), strict=True):
        result.append([own * load * value for value in drawn[at : at + count]])
        at += count
    return result
