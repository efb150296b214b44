# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.benchmark``: what ``make benchmark`` runs.

Each part prints its table and is kept in ``build/benchmark`` as JSON, from which docs/performance.md has its figures.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.benchmark.deployments import (
    Measured,
    by_amazon_aws,
    by_collection,
    by_plain_boto3,
    many_series,
)
from tests.benchmark.one_look import one_look
from tests.demo.running import ROOT, sandbox_server

OUT = ROOT / "build" / "benchmark"
WAYS: Mapping[str, Callable[..., Measured]] = {
    "collection": by_collection,
    "amazon.aws": by_amazon_aws,
    "plain boto3": by_plain_boto3,
}
#: As the guide's canary is measured in /work/shared/reference/speed.md: launches of 0.2 s, polls of 1 s.
QUICK = {
    "pending_seconds": 0.2,
    "registration_seconds": 0.2,
    "draining_seconds": 0.2,
    "terminating_seconds": 0.2,
}
#: A minute until an instance is in service.
SLOW = {
    "pending_seconds": 45.0,
    "registration_seconds": 15.0,
    "draining_seconds": 10.0,
    "terminating_seconds": 5.0,
}


def ways(rounds: int) -> dict[str, Any]:
    """The guide's canary by each way, in turn, without and with 50 ms a call."""
    found: dict[str, Any] = {}
    for latency in (0.0, 0.05):
        runs: dict[str, list[Measured]] = {way: [] for way in WAYS}
        with sandbox_server(**QUICK) as server:
            for number, way in itertools.product(range(rounds), WAYS):
                if latency:
                    with server.fault("delay", seconds=latency, access_key="collection"):
                        runs[way].append(WAYS[way](server, f"b{number}{way[:1]}", 1.0))
                else:
                    runs[way].append(WAYS[way](server, f"b{number}{way[:1]}", 1.0))
        table = {way: _medians(several) for way, several in runs.items()}
        ours = table["collection"]
        table["ratios"] = {
            f"{figure} against {way}": round(ours[figure] / table[way][figure], 2)
            for way in ("amazon.aws", "plain boto3")
            for figure in ("wall", "cpu", "memory", "calls")
        }
        found[f"{latency * 1000:.0f} ms a call"] = table
    return found


def size(rounds: int) -> dict[str, Any]:
    """Groups of many instances: a whole deployment, and one look; and 500 groups that are none of ours."""
    found: dict[str, Any] = {"deployment": {}, "look": {}}
    for instances in (10, 100, 1000):
        with sandbox_server(**QUICK) as server:
            found["deployment"][instances] = _short(by_collection(server, "size", 1.0, instances))
    for instances in (10, 100, 1000, 5000):
        found["look"][instances] = one_look(instances)
    return found


def series(rounds: int) -> dict[str, Any]:
    """One, ten and a hundred series at once from one controller, and where the account throttles."""
    found: dict[str, Any] = {}
    for number in (1, 10, 100):
        with sandbox_server(**SLOW) as server:
            found[f"{number} at once"] = _short(many_series(server, f"s{number}", number))
    with sandbox_server(**SLOW) as server:
        found["100 at once, throttled"] = _short(many_series(server, "limited", 100, limited=True))
    one = found["1 at once"]["wall"]
    found["wall against one"] = {
        name: round(each["wall"] / one, 2) for name, each in found.items() if name != "1 at once"
    }
    return found


PARTS: Mapping[str, Callable[[int], dict[str, Any]]] = {"ways": ways, "size": size, "series": series}


def _short(run: Measured) -> dict[str, Any]:
    return run.as_json()


def _medians(runs: Sequence[Measured]) -> dict[str, Any]:
    rows = [run.as_json() for run in runs]
    figures = ("wall", "cpu", "memory", "calls", "writes")
    return {
        **{figure: round(statistics.median(row[figure] for row in rows), 2) for figure in figures},
        "by_operation": rows[-1]["by_operation"],
    }


def main() -> int:
    """Measure the parts that are asked for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    for part in options.parts:
        found = {
            "commit": commit.stdout.strip(),
            "python": platform.python_version(),
            **PARTS[part](options.rounds),
        }
        (OUT / f"{part}.json").write_text(json.dumps(found, indent=1) + "\n")
        print(json.dumps(found, indent=1), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
