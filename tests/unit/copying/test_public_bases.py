# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group such as people have published is deployed, and rolled back, without a trace."""

from __future__ import annotations

import pytest

from tests.unit.copying.public_bases import PUBLIC_BASES
from tests.unit.engine import Site


@pytest.mark.parametrize("where", PUBLIC_BASES)
def test_a_deployment_of_a_published_group_is_rolled_back_exactly(empty: Site, where: str) -> None:
    PUBLIC_BASES[where](empty)
    empty.deploy(empty.image("one"), (100,))
    empty.clock.sleep(120)
    new = empty.image("two")
    before = empty.standing()

    empty.totals.clear()
    group = empty.set_up(new)
    empty.upgrade(group, 50)
    empty.roll_back()

    assert empty.standing() == before
    assert min(empty.totals) >= 4
