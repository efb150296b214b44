# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.faults.kills``: real runs of the playbook, killed at each of their writes, then run again.

``make kills`` runs it. Each case has a shop of its own on one sandbox, and an observer that looks ten times a second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.demo.running import SandboxServer, sandbox_server
from tests.demo.shop import Shop, Sizes
from tests.faults.killing import killed_at
from tests.integration.canary import FAULTY, Deployer, leftovers, verified
from tests.integration.observer import Observer

RERUNS = ("resume", "roll back")
#: What is killed, with how many writes it makes: a good image on its way to live, and a bad one that is rolled back.
RUNS = {"good": 20, "bad": 16}
CASES = [
    (run, write, rerun) for run, writes in RUNS.items() for write in range(1, writes + 1) for rerun in RERUNS
]


def one_case(server: SandboxServer, number: int, run: str, write: int, rerun: str) -> str:
    """Run one case; returns what is wrong with its end, or nothing."""
    shop = Shop(server.url, application=f"kill{number}")
    with tempfile.TemporaryDirectory() as folder:
        deployer = Deployer(shop, server, Path(folder))
        template = shop.launch_template(deployer.image("base"))
        shop.make_base_group(LaunchTemplate=template, TargetGroupARNs=[shop.target_group()])
        shop.scale_with_cpu()
        first = deployer.go_live(deployer.image("one"))
        second = f"{shop.series}__2"
        phases = verified("Canary 25 %")
        image_id = deployer.image("two", **(FAULTY if run == "bad" else {}))
        with Observer(shop) as observer:
            killed_at(deployer, write, image_id, canary_phases=phases)
            if rerun == "resume":
                again = deployer.deploy(image_id, canary_phases=phases)
            else:
                again = deployer.play("rollback", canary_poll_interval=0.2, canary_settle_time=0)
        sizes = shop.revisions()
        live = {first: Sizes(0, 10, 0, 0), list(sizes)[-1]: Sizes(0, 10, 4, 4)}
        before = {first: Sizes(0, 10, 4, 4)}
        problems = []
        if observer.lowest < 4:
            problems.append(f"capacity in service fell to {observer.lowest}")
        if sizes == before:
            problems += [f"{kind} left over" for kind in leftovers(shop, second)]
        elif sizes != live or run == "bad":
            problems.append(f"neither live nor as before: {sizes}")
        if "Traceback" in again.output:
            problems.append("there is a traceback")
        return "; ".join(problems) + (f"\n{again.output[-1500:]}" if problems else "")


def main() -> int:
    """Run the cases, two at a time; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--most", type=int, default=len(CASES), help="how many cases")
    options = parser.parse_args()
    cases = CASES[: options.most]
    settings = {
        "pending_seconds": 0.6,
        "registration_seconds": 0.3,
        "draining_seconds": 0.3,
        "terminating_seconds": 0.4,
    }
    held = 0
    with sandbox_server(**settings) as server, ThreadPoolExecutor(2) as pool:

        def run(numbered: tuple[int, tuple[str, int, str]]) -> str:
            number, case = numbered
            try:
                return one_case(server, number, *case)
            except Exception as error:
                return f"{type(error).__name__}: {error}"

        for case, problem in zip(cases, pool.map(run, enumerate(cases, 1)), strict=True):
            held += not problem
            what = f"the {case[0]} image, killed at write {case[1]}, then {case[2]}"
            print(f"{'NOT HELD' if problem else 'held':8}  {what}  {problem}", flush=True)
    print(f"{len(cases)} kills of real runs, {held} held, {len(cases) - held} did not")
    return 0 if held == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
