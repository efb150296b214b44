# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments that are measured: each as a process with its children, on a sandbox of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.demo.running import PLAYBOOKS, ROOT, SandboxServer, environment
from tests.demo.shop import INSTANCE_TYPE, Shop
from tests.integration.canary import Deployer
from tests.recorded import COLLECTION

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Measured:
    """What a run took: C(wall) and C(cpu) in seconds, C(memory) of the largest process in MB, and its calls.

    C(throttled) are calls that AWS refused as too many.
    """

    wall: float
    cpu: float
    memory: float
    calls: Mapping[str, int] = field(default_factory=dict)
    writes: int = 0
    throttled: int = 0

    def as_json(self) -> dict[str, Any]:
        """The figures as they are kept, calls by operation, the most frequent first."""
        return {
            "wall": round(self.wall, 3),
            "cpu": round(self.cpu, 3),
            "memory": round(self.memory, 1),
            "calls": sum(self.calls.values()),
            "writes": self.writes,
            "throttled": self.throttled,
            "by_operation": dict(sorted(self.calls.items(), key=lambda one: -one[1])),
        }


def measure(server: SandboxServer, command: Sequence[str], environ: Mapping[str, str]) -> Measured:
    """Run a command to its end, and measure it with all its children.

    Raises:
        RuntimeError: it failed.
    """
    mark = server.mark()
    with tempfile.TemporaryFile("w+") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        # The usage of this one child and of those that it waited for.
        __, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{text[-3000:]}")
    calls = [one for one in server.calls(mark) if one["access_key"] == COLLECTION]
    return Measured(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        memory=usage.ru_maxrss / 1024,
        calls=Counter(one["operation"] for one in calls),
        writes=sum(1 for one in calls if one["write"]),
        throttled=sum(1 for one in calls if one["error"] in ("Throttling", "RequestLimitExceeded")),
    )


def prepare(server: SandboxServer, application: str, instances: int = 4) -> tuple[Shop, str]:
    """Make a base group, a live first revision of so many instances and a second image; returns shop and image."""
    shop = Shop(server.url, application=application)
    template = shop.launch_template(shop.register_image("base"))
    shop.make_base_group(LaunchTemplate=template, TargetGroupARNs=[shop.target_group()])
    shop.scale_with_cpu()
    autoscaling = shop.client("autoscaling")
    first = f"{shop.series}__1"
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=first,
        LaunchTemplate=template,
        MinSize=0,
        MaxSize=max(10, instances),
        DesiredCapacity=instances,
        VPCZoneIdentifier=",".join(shop.subnets()),
        TargetGroupARNs=shop.group(shop.base_group)["TargetGroupARNs"],  # type: ignore[index]
        Tags=[
            {"Key": key, "Value": value, "PropagateAtLaunch": False}
            for key, value in {"progressive:series": shop.series, "progressive:revision": "1"}.items()
        ],
    )
    while sum(sizes.in_service for sizes in shop.revisions().values()) < instances:
        server.skip(5)
    return shop, shop.register_image("two")


def variables_of(
    shop: Shop, server: SandboxServer, image_id: str, poll: float, instances: int
) -> dict[str, Any]:
    """The variables of the guide's canary, without a report."""
    return Deployer(shop, server, HERE).variables(
        image_id,
        canary_max_size=max(10, instances),
        canary_desired_capacity=instances,
        canary_poll_interval=poll,
        canary_report=None,
        canary_steady_state_timeout=600,
    )


def _by_collection(
    shop: Shop, server: SandboxServer, image_id: str, poll: float, instances: int
) -> list[str]:
    variables = variables_of(shop, server, image_id, poll, instances)
    return ["ansible-playbook", str(PLAYBOOKS / "canary.yml"), "--extra-vars", json.dumps(variables)]


def _by_amazon_aws(
    shop: Shop, server: SandboxServer, image_id: str, poll: float, instances: int
) -> list[str]:
    # Its modules choose how often they look by themselves.
    variables = {
        "series": shop.series,
        "base": shop.base_group,
        "image_id": image_id,
        "instance_type": INSTANCE_TYPE,
    }
    return ["ansible-playbook", str(HERE / "amazon_aws.yml"), "--extra-vars", json.dumps(variables)]


def _by_plain_boto3(
    shop: Shop, server: SandboxServer, image_id: str, poll: float, instances: int
) -> list[str]:
    return [sys.executable, str(HERE / "plain_boto3.py"), shop.series, shop.base_group, image_id, str(poll)]


#: Ways to deploy the guide's canary, each by the command that does it.
WAYS: Mapping[str, Callable[[Shop, SandboxServer, str, float, int], list[str]]] = {
    "collection": _by_collection,
    "amazon.aws": _by_amazon_aws,
    "plain boto3": _by_plain_boto3,
}


def deploy(server: SandboxServer, way: str, application: str, poll: float, instances: int = 4) -> Measured:
    """The guide's canary in one of the ways, looking every C(poll) seconds where it can be told so."""
    shop, image_id = prepare(server, application, instances)
    command = WAYS[way](shop, server, image_id, poll, instances)
    return measure(server, command, environment(server.url, AWS_ACCESS_KEY_ID=COLLECTION))


def many_series(
    server: SandboxServer, name: str, number: int, *, limited: bool = False, instances: int = 2
) -> Measured:
    """So many series at once in one play, each in two phases; C(limited): the account answers ten calls a second."""
    hosts = {}
    shops = []
    for one in range(number):
        shop, image_id = prepare(server, f"{name}x{one}", instances)
        shops.append(shop)
        hosts[shop.application] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            **variables_of(shop, server, image_id, 5.0, instances),
            "canary_phases": [{"name": "Canary 50 %", "percent": 50}, {"name": "Primary", "percent": 100}],
        }
    play = {"name": "Deploy", "hosts": "all", "gather_facts": False, "strategy": "linear"}
    with tempfile.TemporaryDirectory() as folder:
        inventory, playbook = Path(folder) / "hosts.json", Path(folder) / "play.yml"
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        playbook.write_text(json.dumps([{**play, "roles": [{"role": "progressive.aws.canary"}]}]))
        command = ["ansible-playbook", str(playbook), "--inventory", str(inventory), "--forks", "100"]
        environ = environment(server.url, AWS_ACCESS_KEY_ID=COLLECTION)
        if limited:
            with server.fault("limit", rate=10, access_key=COLLECTION):
                found = measure(server, command, environ)
        else:
            found = measure(server, command, environ)
    for shop in shops:
        sizes = {group: one.in_service for group, one in shop.revisions().items()}
        if sizes != {f"{shop.series}__1": 0, f"{shop.series}__2": instances}:
            raise RuntimeError(f"{shop.series} is not live: {sizes}")
    return found
