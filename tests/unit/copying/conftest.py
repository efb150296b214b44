# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of copying share."""

from __future__ import annotations

import pytest

from tests.sandbox.inprocess import InProcess
from tests.unit.engine import Site


@pytest.fixture
def empty(aws: InProcess) -> Site:
    """A shop that has no base group yet; a life-cycle hook waits for five seconds at most."""
    aws.world.settings.hook_seconds = 5.0
    return Site(aws)
