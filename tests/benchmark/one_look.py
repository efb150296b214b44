# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a group of many instances: CPU of the engine with botocore, memory, and what a poll asks.

``python -m tests.benchmark.one_look URL SERIES`` is the process that looks; C(one_look) starts it on a sandbox.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

from tests.demo.running import ROOT, environment, sandbox_server
from tests.recorded import COLLECTION

LOOKS = 5


def one_look(instances: int) -> dict[str, Any]:
    """Look at two groups of together so many instances while one waits; per look, and calls a poll."""
    from tests.benchmark.deployments import prepare

    quick = {"pending_seconds": 0, "registration_seconds": 0, "draining_seconds": 0, "terminating_seconds": 0}
    with sandbox_server(**quick) as server:
        shop, __ = prepare(server, "look", instances)
        environ = environment(server.url, AWS_ACCESS_KEY_ID=COLLECTION)
        environ["PYTHONPATH"] = f"{ROOT / 'build' / 'collections'}:{ROOT}"
        mark = server.mark()
        found = subprocess.run(
            [sys.executable, "-m", "tests.benchmark.one_look", shop.series],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        calls = [one for one in server.calls(mark) if one["access_key"] == COLLECTION]
    return {**json.loads(found.stdout), "calls_a_look": len(calls) / (LOOKS + 1)}


def main(series: str) -> None:
    """Look so many times at a series whose only group waits for one instance more."""
    import boto3
    from ansible_collections.progressive.aws.plugins.module_utils.aws.calls import Calls
    from ansible_collections.progressive.aws.plugins.module_utils.core.model import Capacity
    from ansible_collections.progressive.aws.plugins.module_utils.core.passes import SystemClock
    from ansible_collections.progressive.aws.plugins.module_utils.deployment.health_watch import standing
    from ansible_collections.progressive.aws.plugins.module_utils.deployment.progress import (
        DeploymentProgress,
    )
    from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Deployer, Rollout

    clock = SystemClock()
    rollout = Rollout(Calls(client=boto3.client, clock=clock), clock, Deployer("benchmark"))
    progress = DeploymentProgress()

    def look() -> None:
        (group,) = rollout.series(series).groups
        high = group.capacity.desired_capacity
        wanted = Capacity(group.capacity.min_size, group.capacity.max_size, high)
        standing(rollout, group, wanted, progress, lambda event: None, settle_time=3600, attempted="look")

    look()
    began, at = time.process_time(), time.monotonic()
    for __ in range(LOOKS):
        look()
    print(
        json.dumps(
            {
                "cpu": round((time.process_time() - began) / LOOKS, 3),
                "wall": round((time.monotonic() - at) / LOOKS, 3),
                "memory": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
