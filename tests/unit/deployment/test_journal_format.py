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


def test_the_format_is_on_every_group_that_is_made(begun: Site) -> None:
    for revision in (1, 2):
        tags = {
            one["Key"]: one["Value"] for one in (begun.shop.group(f"{begun.prefix}{revision}") or {})["Tags"]
        }
        assert tags[journal.FORMAT] == str(journal.OUR_FORMAT)


def test_what_was_written_before_there_were_formats_goes_on(begun: Site) -> None:
    group = f"{begun.prefix}2"
    begun.shop.client("autoscaling").delete_tags(
        Tags=[{"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": journal.FORMAT}]
    )
    begun.forget()
    begun.upgrade(group, 100)
    assert begun.desired() == {1: 0, 2: 4}


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
