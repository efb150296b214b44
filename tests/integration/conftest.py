# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox for each worker, and in it a shop of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import recorded
from tests.demo.running import SandboxServer, sandbox_server
from tests.demo.shop import Shop
from tests.integration.canary import Deployer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxServer]:
    """A pretend AWS in which everything takes about half a second."""
    with sandbox_server(
        pending_seconds=0.6,
        registration_seconds=0.3,
        draining_seconds=0.3,
        terminating_seconds=0.4,
        launch_retry_seconds=2.0,
    ) as server:
        yield server
        recorded.note(server.calls())


@pytest.fixture
def shop(sandbox: SandboxServer) -> Shop:
    """A shop that no other test knows of, without anything in it yet."""
    return Shop(sandbox.url, application=f"shop{next(_numbers)}")


@pytest.fixture
def deployer(shop: Shop, sandbox: SandboxServer, tmp_path: Path) -> Deployer:
    """Somebody who deploys the shop's service."""
    return Deployer(shop, sandbox, tmp_path)


@pytest.fixture
def base(deployer: Deployer) -> Shop:
    """A shop with the usual base group: launch template, target group, target tracking."""
    return with_base(deployer)


@pytest.fixture(scope="module")
def storyteller(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Deployer:
    """Somebody who deploys once for several tests: a run of a playbook takes its time."""
    shop = Shop(sandbox.url, application=f"shop{next(_numbers)}")
    deployer = Deployer(shop, sandbox, tmp_path_factory.mktemp("story"))
    with_base(deployer)
    return deployer


def with_base(deployer: Deployer) -> Shop:
    """Make the usual base group in the deployer's shop."""
    shop = deployer.shop
    shop.make_base_group(
        LaunchTemplate=shop.launch_template(deployer.image("base")), TargetGroupARNs=[shop.target_group()]
    )
    shop.scale_with_cpu()
    return shop
