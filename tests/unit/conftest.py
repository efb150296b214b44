# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretend AWS for each worker, emptied before each test that asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from tests import recorded
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import SETTINGS, START, Site


@pytest.fixture(scope="session")
def in_process() -> InProcess:
    """The one pretend AWS of this process; C(aws) empties it."""
    return InProcess(dataclasses.replace(SETTINGS), start=START)


@pytest.fixture
def aws(in_process: InProcess) -> Iterator[InProcess]:
    """An empty pretend AWS in this process."""
    # A copy: a test may change it.
    in_process.reset(dataclasses.replace(SETTINGS), start=START)
    yield in_process
    recorded.note(in_process.calls())


@pytest.fixture
def site(aws: InProcess) -> Site:
    """A shop with the usual base group: launch template, target group, target tracking."""
    site = Site(aws)
    site.make_base(TargetGroupARNs=[site.shop.target_group()])
    site.shop.scale_with_cpu()
    return site
