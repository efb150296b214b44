# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a group of many instances that waits for one more: CPU, memory, and what a poll asks of AWS.

C(one_look) starts a sandbox and, as a process of its own, C(python -m tests.benchmark.one_look SERIES), which looks.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

import boto3
from ansible_collections.progressive.aws.plugins.module_utils.aws.calls import Calls
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import SystemClock
from ansible_collections.progressive.aws.plugins.module_utils.deployment.health_watch import standing
from ansible_collections.progressive.aws.plugins.module_utils.deployment.progress import DeploymentProgress
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Deployer, Rollout

from tests.benchmark.deployments import prepare
from tests.demo.running import ROOT, environment, sandbox_server
from tests.recorded import COLLECTION

LOOKS = 5
AT_ONCE = {"pending_seconds": 0, "registration_seconds": 0, "draining_seconds": 0, "terminating_seconds": 0}


def one_look(instances: int) -> dict[str, Any]:
    """Look at a group of so many instances while it waits for one more; the figures are for one look."""
    with sandbox_server(**AT_ONCE) as server:
        shop, __ = prepare(server, "look", instances)
        server.control("settings", {"pending_seconds": 24 * 3600})
        shop.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=f"{shop.series}__1",
            MaxSize=max(10, instances) + 1,
            DesiredCapacity=instances + 1,
        )
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
        calls = [one["time"] for one in server.calls(mark) if one["access_key"] == COLLECTION]
    looked = json.loads(found.stdout)
    since = looked.pop("since")
    return {**looked, "calls": len([at for at in calls if at >= since]) / LOOKS}


def main(series: str) -> None:
    """Look so many times at a series of one group, and print what a look took."""
    clock = SystemClock()
    rollout = Rollout(Calls(client=boto3.client, clock=clock), clock, Deployer("benchmark"))
    progress = DeploymentProgress()

    def look() -> None:
        (group,) = rollout.series(series).groups
        now = standing(
            rollout, group, group.capacity, progress, lambda event: None, settle_time=0, attempted="look"
        )
        assert now.missing, "it has nothing to wait for"

    # What is read once at the beginning is no part of a look.
    look()
    since, began, at = time.time(), time.process_time(), time.monotonic()
    for __ in range(LOOKS):
        look()
    print(
        json.dumps(
            {
                "since": since,
                "cpu": round((time.process_time() - began) / LOOKS, 3),
                "wall": round((time.monotonic() - at) / LOOKS, 3),
                "memory": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
