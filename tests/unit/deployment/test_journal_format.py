# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one release has written the next ones read, and what a newer one has written is refused in words."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import NewerJournal

from tests.unit.engine import Site


@pytest.fixture
def begun(site: Site) -> Site:
    """Image two is at 25 % beside image one."""
    site.deploy(site.image("one"))
    site.upgrade(site.set_up(site.image("two")), 25)
    return site


@pytest.mark.parametrize(("ours", "told"), [(1, None), (2, "2")])
def test_the_format_is_on_every_group_that_is_made_from_the_second_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, ours: int, told: str | None
) -> None:
    """The first one costs no tag."""
    monkeypatch.setattr(journal, "OUR_FORMAT", ours)
    group = site.deploy(site.image("one"))
    tags = {one["Key"]: one["Value"] for one in (site.shop.group(group) or {})["Tags"]}
    assert tags.get(journal.FORMAT) == told


@pytest.mark.parametrize("step", ["set up", "upgrade", "roll back"])
def test_a_newer_format_is_refused_and_nothing_is_touched(begun: Site, step: str) -> None:
    group = f"{begun.prefix}2"
    begun.mark(group, {journal.FORMAT: "2"})
    begun.forget()
    before, mark = begun.standing(), begun.aws.mark()
    steps = {
        "set up": lambda: begun.set_up(begun.image("three")),
        "upgrade": lambda: begun.upgrade(group, 50),
        "roll back": lambda: begun.roll_back(),
    }
    with pytest.raises(NewerJournal, match=r"is in format 2, .* knows format 1") as refused:
        steps[step]()
    assert "ansible-galaxy collection install --upgrade" in str(refused.value)
    assert [call for call in begun.aws.writes(mark) if call["service"] == "autoscaling"] == []
    assert begun.standing() == before
