# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data that arrive late and in parts, as the setting ``completing_seconds`` makes them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sandbox.metrics import Sandbox, metric

GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/1"
BALANCER = "app/shop/3"
REQUESTS = metric(
    "RequestCount", "Sum", namespace="AWS/ApplicationELB", dimensions={"LoadBalancer": BALANCER}
)
OWN = metric("Requests", "Sum", namespace="Shop", dimensions={"InstanceId": "i-1"})
CPU = metric("CPUUtilization", "Average", namespace="AWS/EC2", dimensions={"InstanceId": "i-1"})


@pytest.fixture
def aws() -> Sandbox:
    """Ten minutes past noon; an instance behind a load balancer since before noon."""
    sandbox = Sandbox(after=600)
    sandbox.instance("i-1", image="ami-blue")
    sandbox.world.images["ami-blue"] = {"resolution": 10, "detailed_monitoring": True}
    sandbox.serve("i-1", GROUP, [BALANCER], since=-600)
    return sandbox


def minute(aws: Sandbox, query: dict[str, Any]) -> list[float | None]:
    """The minute before ten past noon, as it is read every ten seconds for two minutes and a half."""
    found = []
    for __ in range(16):
        found.append(dict(aws.read(query, end=600)).get(540.0))
        aws.pass_time(10)
    return found


@pytest.mark.parametrize("query", [REQUESTS, OWN], ids=["of a load balancer", "of an application"])
def test_a_count_grows_until_it_is_complete(aws: Sandbox, query: dict[str, Any]) -> None:
    whole = dict(aws.read(query, end=600))[540.0]
    aws.world.settings.completing_seconds = 120
    read = minute(aws, query)
    known = [value or 0.0 for value in read]
    assert known == sorted(known) and len(set(known)) >= 3
    assert known[0] < whole
    assert set(known[12:]) == {whole}


def test_a_single_sample_is_late(aws: Sandbox) -> None:
    whole = dict(aws.read(CPU, end=600))[540.0]
    aws.world.settings.completing_seconds = 120
    read = minute(aws, CPU)
    assert read[0] is None and read[12] == whole
    assert set(read) == {None, whole}


def test_what_is_older_is_complete(aws: Sandbox) -> None:
    before = aws.read(REQUESTS, end=420)
    aws.world.settings.completing_seconds = 120
    assert aws.read(REQUESTS, end=420) == before and len(before) == 7
