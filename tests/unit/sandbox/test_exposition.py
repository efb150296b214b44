# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Prometheus scrapes of the sandbox: of whom, and that counters only rise."""

from __future__ import annotations

import re

import pytest

from tests.sandbox.inprocess import InProcess
from tests.sandbox.metrics.exposition import exposition
from tests.sandbox.metrics.published import Snapshot
from tests.unit.sandbox.fleet import Fleet

SAMPLE = re.compile(r'(\w+)\{instance_id="([^"]*)",autoscaling_group="([^"]*)",image_id="([^"]*)"\} (\S+)')


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def page(fleet: Fleet) -> str:
    return exposition(Snapshot(fleet.aws.world), fleet.aws.world.now())


def samples(fleet: Fleet, name: str) -> dict[str, float]:
    found = (SAMPLE.fullmatch(line) for line in page(fleet).splitlines() if line.startswith(f"{name}{{"))
    return {one[2]: float(one[5]) for one in found if one}


def test_every_instance_that_serves_has_its_samples_and_no_other(fleet: Fleet) -> None:
    ids = fleet.settled("group", 2)
    fleet.aws.advance(10)
    assert set(samples(fleet, "shop_requests_total")) == set(ids)
    assert set(samples(fleet, "shop_latency_seconds")) == set(ids)
    assert page(fleet).endswith("\n"), "the last line must end with a line feed"
    fleet.resize(0)
    fleet.aws.settle()
    assert samples(fleet, "shop_requests_total") == {}


def test_counters_only_rise(fleet: Fleet) -> None:
    fleet.settled("group", 2)
    before = samples(fleet, "shop_requests_total")
    for __ in range(5):
        fleet.aws.advance(7)
        after = samples(fleet, "shop_requests_total")
        assert all(after[one] > before[one] for one in before)
        before = after
    errors = samples(fleet, "shop_errors_total")
    assert all(errors[one] <= before[one] for one in before)
