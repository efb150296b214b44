# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.faults``: what ``make faults`` runs, every fault at every call of every scenario.

Prints each case that did not hold, and at the end how many were tried and held. Exits with 0 only if all held.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter

from tests.faults.cases import Arguments, Outcome
from tests.faults.running import calls_of, cases_of, pairs_of, sweep
from tests.faults.scenarios import SCENARIOS


def main() -> int:
    """Run the sweep, or every n-th case of it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="only every N-th case of a scenario"
    )
    parser.add_argument("--scenario", choices=list(SCENARIOS), action="append", help="only this one")
    parser.add_argument(
        "--pairs", type=int, metavar="N", help="instead so many cases with two faults, chosen by --seed"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    ends: Counter[str] = Counter()
    failed: list[Outcome] = []
    began = time.monotonic()

    def report(outcome: Outcome) -> None:
        ends[outcome.end] += 1
        if outcome.problems:
            failed.append(outcome)
            print(
                f"NOT HELD  {outcome.case}\n  {'; '.join(outcome.problems)}\n  ({outcome.error})", flush=True
            )
        if ends.total() % 1000 == 0:
            print(f"{ends.total()} tried after {time.monotonic() - began:.0f} s", flush=True)

    scenarios = options.scenario or [
        one.name for one in SCENARIOS.values() if not (options.pairs and one.harmed)
    ]
    for index, scenario in enumerate(scenarios):
        number = calls_of(scenario)
        cases: list[Arguments]
        if options.pairs:
            share = len(range(index, options.pairs, len(scenarios)))
            cases = pairs_of(scenario, number, share, options.seed)
        else:
            cases = cases_of(scenario, number)[:: options.every]
        print(f"{scenario}: {number} calls, {len(cases)} cases", flush=True)
        sweep(scenario, cases, options.processes, report)
    tried = ends.total()
    for end, count in sorted(ends.items()):
        print(f"{count} ended {end or 'without a look'}")
    print(f"{tried} cases tried, {tried - len(failed)} held, {len(failed)} did not")
    return 1 if failed or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
