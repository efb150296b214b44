# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as a process of its own: how it starts and ends, serves many at once, and can be told things."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.demo.running import ROOT, SandboxServer
from tests.demo.shop import CREDENTIALS, REGION, Shop

PATIENCE = 10.0


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A sandbox with options of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def eventually(true: Callable[[], Any]) -> Any:
    """What a function returns as soon as that is something."""
    until = time.monotonic() + PATIENCE
    while not (result := true()):
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)
    return result


def client(url: str, service: str = "autoscaling", **options: Any) -> Any:
    return boto3.client(service, endpoint_url=url, region_name=REGION, **CREDENTIALS, **options)


# ------------------------------------------------------------------------------------------- its life


def test_its_first_line_is_its_address_and_it_ends_when_told() -> None:
    with started("--pending-seconds", "7.5", "--region", "eu-west-1") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        settings = SandboxServer(url).control("settings")
        assert (settings["pending_seconds"], settings["region"]) == (7.5, "eu-west-1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_it_ends_when_it_is_interrupted() -> None:
    with started() as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


def test_it_ends_with_its_parent() -> None:
    shell = f"{sys.executable} -m tests.sandbox --parent $$ & echo $!; wait"
    parent = subprocess.Popen(["sh", "-c", shell], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child, url = int(parent.stdout.readline()), parent.stdout.readline().strip()
    assert SandboxServer(url).mark() == 0
    parent.kill()
    parent.wait()
    eventually(lambda: not alive(child))


def test_it_ends_with_a_process_that_did_not_start_it() -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with started("--parent", str(other.pid)) as (process, _):
        other.kill()
        other.wait()
        assert process.wait(PATIENCE) == 0


def test_it_ends_when_nobody_needs_it() -> None:
    with started("--idle-seconds", "0.2") as (process, _):
        assert process.wait(PATIENCE) == 0


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# -------------------------------------------------------------------------------------------- its time


def test_time_passes_though_nobody_calls(shop: Shop, sandbox: SandboxServer) -> None:
    """An instance terminated by hand is missed when it is gone, not when somebody asks."""
    image = shop.register_image("one")
    shop.make_base_group(LaunchTemplate=shop.launch_template(image), MaxSize=1, DesiredCapacity=1)
    (instance,) = eventually(lambda: shop_in_service(shop))
    # Until the look at its registration is over, which would find it as well.
    time.sleep(0.5)
    ec2, terminated = shop.client("ec2"), sandbox.control("clock")["now"]
    ec2.terminate_instances(InstanceIds=[instance])
    time.sleep(2.0)
    activities = shop.client("autoscaling").describe_scaling_activities(AutoScalingGroupName=shop.base_group)
    begun = [
        activity["StartTime"].timestamp()
        for activity in activities["Activities"]
        if activity["Description"].startswith("Terminating")
    ]
    assert [moment < terminated + 1.7 for moment in begun] == [True]


def test_time_can_be_skipped() -> None:
    with started("--pending-seconds", "600") as (_, url):
        shop, server = Shop(url), SandboxServer(url)
        image = shop.register_image("one")
        shop.make_base_group(LaunchTemplate=shop.launch_template(image), MaxSize=1, DesiredCapacity=1)
        server.skip(600)
        group = shop.group(shop.base_group)
        assert group is not None
        assert [one["LifecycleState"] for one in group["Instances"]] == ["InService"]
        assert server.control("clock")["skipped"] == 600


# ---------------------------------------------------------------------------------------- many at once


def test_concurrent_callers_get_one_answer(shop: Shop) -> None:
    """Eight concurrent changes to the same capacity launch as many instances as were asked for."""
    image = shop.register_image("one")
    shop.make_base_group(LaunchTemplate=shop.launch_template(image), MaxSize=20)
    clients = [client(shop.endpoint) for _ in range(8)]

    def resize(one: Any) -> None:
        one.set_desired_capacity(AutoScalingGroupName=shop.base_group, DesiredCapacity=20)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(resize, clients))

    def in_service() -> list[str]:
        group = shop.group(shop.base_group)
        assert group is not None
        assert len(group["Instances"]) <= 20
        return [one["InstanceId"] for one in group["Instances"] if one["LifecycleState"] == "InService"]

    assert len(eventually(lambda: len(found := in_service()) == 20 and found)) == 20


def test_of_concurrent_creators_of_a_name_one_wins(shop: Shop) -> None:
    template = shop.launch_template(shop.register_image("one"))
    clients = [client(shop.endpoint) for _ in range(8)]

    def create(one: Any) -> str:
        try:
            one.create_auto_scaling_group(
                AutoScalingGroupName=shop.base_group,
                MinSize=0,
                MaxSize=0,
                LaunchTemplate=template,
                AvailabilityZones=["us-east-1a"],
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "won"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, clients)) == ["AlreadyExists"] * 7 + ["won"]


def test_a_delayed_caller_holds_up_nobody(shop: Shop, sandbox: SandboxServer) -> None:
    slow = client(shop.endpoint)
    fast = shop.client("ec2")
    with (
        sandbox.fault("delay", operation="DescribeTags", seconds=2.0),
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(slow.describe_tags)
        began = time.monotonic()
        fast.describe_subnets()
        assert time.monotonic() - began < 1.5
        assert not waiting.done()


# -------------------------------------------------------------------------------------- its connections


def test_a_connection_is_reset_before_or_after_the_change(shop: Shop, sandbox: SandboxServer) -> None:
    shop.make_base_group(LaunchTemplate=shop.launch_template(shop.register_image("one")), MaxSize=5)
    once = client(shop.endpoint, config=Config(retries={"total_max_attempts": 1}))
    resize = {"AutoScalingGroupName": shop.base_group, "MaxSize": 7}

    def size() -> int:
        group = shop.group(shop.base_group)
        assert group is not None
        return int(group["MaxSize"])

    for kind, after in (("reset", 5), ("lose_answer", 7)):
        with sandbox.fault(kind, operation="UpdateAutoScalingGroup") as number:
            with pytest.raises(ConnectionClosedError):
                once.update_auto_scaling_group(**resize)
            assert (size(), sandbox.struck(number)) == (after, 1)


def test_a_reset_is_a_reset_and_no_orderly_end(sandbox: SandboxServer) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    body = b"Action=DescribeTags&Version=2011-01-01"
    head = b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
    with (
        sandbox.fault("reset", operation="DescribeTags"),
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection,
    ):
        connection.sendall(head % len(body) + body)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_what_is_told_wrongly_is_refused_with_http_400(sandbox: SandboxServer) -> None:
    with pytest.raises(ValueError, match="unknown: colour"):
        sandbox.control("settings", {"colour": "red"})
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{sandbox.url}/sandbox/nonsense", timeout=PATIENCE)


def test_launches_fail_and_instances_suffer_as_the_server_is_told(shop: Shop, sandbox: SandboxServer) -> None:
    shop.make_base_group(LaunchTemplate=shop.launch_template(shop.register_image("one")), MaxSize=5)
    autoscaling = shop.client("autoscaling")
    sandbox.fail_launches("InsufficientInstanceCapacity", group=shop.base_group)
    autoscaling.set_desired_capacity(AutoScalingGroupName=shop.base_group, DesiredCapacity=1)
    told = autoscaling.describe_scaling_activities(AutoScalingGroupName=shop.base_group)["Activities"]
    assert "sufficient t3.micro capacity" in told[0]["StatusMessage"]
    sandbox.launch_again()
    eventually(lambda: shop_in_service(shop))
    (instance,) = shop_in_service(shop)
    sandbox.act(instance, "spot-terminate")
    eventually(lambda: instance not in shop_in_service(shop) and shop_in_service(shop))


def shop_in_service(shop: Shop) -> list[str]:
    group = shop.group(shop.base_group)
    assert group is not None
    return [one["InstanceId"] for one in group["Instances"] if one["LifecycleState"] == "InService"]
