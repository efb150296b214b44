# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.benchmark``: what ``make benchmark`` runs.

Each part prints its figures and keeps them in ``build/benchmark`` as JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from tests.benchmark.deployments import WAYS, Measured, deploy, many_series, prepare
from tests.benchmark.one_look import one_look
from tests.demo.running import ROOT, sandbox_server
from tests.recorded import COLLECTION

OUT = ROOT / "build" / "benchmark"
#: Groups that are none of ours: with ours and their base as many as an account may have by default.
OTHERS = 490
#: Launches and everything else within one poll.
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
        with sandbox_server(**QUICK) as server, ExitStack() as slowed:
            if latency:
                slowed.enter_context(server.fault("delay", seconds=latency, access_key=COLLECTION))
            for number, way in itertools.product(range(rounds), WAYS):
                runs[way].append(deploy(server, way, f"b{number}{way[:1]}", 1.0))
        table = {way: _medians(several) for way, several in runs.items()}
        ours = table["collection"]
        table["ratios"] = {
            f"{figure} against {way}": round(ours[figure] / table[way][figure], 2)
            for way in ("amazon.aws", "plain boto3")
            for figure in ("wall", "cpu", "memory", "calls")
        }
        found[f"{latency * 1000:.0f} ms a call"] = table
    return found


def size() -> dict[str, Any]:
    """Groups of many instances: a whole deployment, and one look; and 490 groups that are none of ours."""
    found: dict[str, Any] = {"deployment": {}, "calls": {}, "look": {}}
    for instances in (10, 100, 1000, 5000):
        with sandbox_server(**QUICK) as server:
            found["deployment"][instances] = deploy(server, "collection", "size", 1.0, instances).as_json()
    for others in (0, OTHERS):
        with sandbox_server(**QUICK) as server:
            shop, __ = prepare(server, "others", 1)
            template = shop.group(shop.base_group)["LaunchTemplate"]  # type: ignore[index]
            for number in range(others):
                shop.make_base_group(AutoScalingGroupName=f"other-{number}", LaunchTemplate=template)
            found["calls"][f"beside {others} other groups"] = deploy(
                server, "collection", "size", 1.0
            ).as_json()["calls"]
    for instances in (10, 100, 1000, 5000):
        found["look"][instances] = one_look(instances)
    return found


def series() -> dict[str, Any]:
    """One, ten and a hundred series at once from one controller, and where the account throttles."""
    found: dict[str, Any] = {}
    for number in (1, 10, 100):
        with sandbox_server(**SLOW) as server:
            found[f"{number} at once"] = many_series(server, f"s{number}", number).as_json()
    with sandbox_server(**SLOW) as server:
        found["100 at once, throttled"] = many_series(server, "limited", 100, limited=True).as_json()
    one = found["1 at once"]["wall"]
    found["wall against one"] = {
        name: round(each["wall"] / one, 2) for name, each in found.items() if name != "1 at once"
    }
    return found


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
    parser.add_argument("parts", nargs="*", help="ways, size, series; all of them without one")
    parser.add_argument("--rounds", type=int, default=3, help="of the ways, each in its turn")
    options = parser.parse_args()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "ways": lambda: ways(options.rounds),
        "size": size,
        "series": series,
    }
    OUT.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    for part in options.parts or parts:
        found = {
            "commit": commit.stdout.strip(),
            "python": platform.python_version(),
            **parts[part](),
        }
        (OUT / f"{part}.json").write_text(json.dumps(found, indent=1) + "\n")
        print(json.dumps(found, indent=1), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
