# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two services whose names come to the same never take each other's groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal, naming
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.deployment.prune import Prune, PruneOptions
from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back import RollBack
from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back_options import (
    RollBackOptions,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.series_search import series_info
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine import Site

Names = tuple[str, str, str]
COLLISIONS: list[tuple[Names, Names]] = [
    (("sh-op", "checkout", "prod"), ("sh.op", "checkout", "prod")),
    (("shop", "check-out", "prod"), ("shop", "check.out", "prod")),
    (("shop", "checkout", "pr od"), ("shop", "checkout", "pr+od")),
    (("a__b", "c", "prod"), ("a", "b__c", "prod")),
    (("shop", "a__b", "c"), ("shop", "a", "b__c")),
]


def deployed(site: Site, names: Names) -> str:
    """Bring a first revision of these names to life and return its group's name."""
    series = naming.series_name(*names)
    group = site.set_up(site.image("one"), names=names, series=series)
    site.upgrade(group, 100)
    return group


def standing(site: Site, series: str) -> list[tuple[str, Any, Any]]:
    found = site.shop.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return [
        (one["AutoScalingGroupName"], one["DesiredCapacity"], sorted(tag["Value"] for tag in one["Tags"]))
        for one in found
        if one["AutoScalingGroupName"].startswith(series)
    ]


@pytest.mark.parametrize(("first", "second"), COLLISIONS)
def test_the_second_service_of_a_name_is_refused_by_every_step_and_the_first_is_untouched(
    site: Site, first: Names, second: Names
) -> None:
    series = naming.series_name(*first)
    assert naming.series_name(*second) == series
    group = deployed(site, first)
    before, image = standing(site, series), site.image("two")
    other = site.rollout(names=second)
    steps: list[Callable[[], Any]] = [
        lambda: site.set_up(image, names=second, series=series),
        lambda: site.run(RollBack(other, RollBackOptions(series=series))),
        lambda: site.run(Prune(other, PruneOptions(series, 0))),
        lambda: series_info(other, series),
    ]
    for step in steps:
        with pytest.raises(InvalidInput) as refused:
            step()
        for name in (*first, *second, group, "canary_series_renamed"):
            assert name in str(refused.value)
    assert standing(site, series) == before


PARTS = st.text("a-._ +b", min_size=1, max_size=6).filter(lambda part: bool(naming.sanitise(part).strip("_")))


@given(st.tuples(PARTS, PARTS, PARTS), st.tuples(PARTS, PARTS, PARTS))
@settings(max_examples=500, deadline=None)
def test_names_that_come_to_the_same_series_are_told_apart(first: Names, second: Names) -> None:
    """Whatever is written into the journal of the one is not the other's."""
    assert naming.same_names(first, first)
    if first != second and naming.series_name(*first) == naming.series_name(*second):
        assert not naming.same_names(first, second)
        assert naming.names_digest(first) != naming.names_digest(second)


def test_a_service_that_was_renamed_on_purpose_goes_on_and_is_known_by_its_new_name(site: Site) -> None:
    old, new = COLLISIONS[1]
    deployed(site, old)
    series = naming.series_name(*new)
    group = site.set_up(site.image("two"), names=new, series_renamed=True, series=series)
    site.upgrade(group, 100)
    with pytest.raises(InvalidInput):
        site.set_up(site.image("three"), names=old, series=series)
    # The rollback leaves a revision of the old name alone in the series, and ends all the same.
    site.run(RollBack(site.rollout(names=new), RollBackOptions(series=series)))
    assert [name for name, *_ in standing(site, series)] == [f"{series}__1"]


def test_a_series_that_was_named_itself_is_anybodys(site: Site) -> None:
    group = site.deploy(site.image("one"), percents=(100,))
    site.set_up(site.image("two"), names=("shop", "checkout", "prod"))
    assert journal.read_base((site.aws.world.autoscaling.groups[group].tags[journal.BASE])["Value"])[1] == ()


def test_names_for_which_a_tag_has_no_room_are_told_apart_all_the_same() -> None:
    base = "b" * 200
    first, second = (("shop", f"check{sign}out" + "x" * 60, "prod") for sign in "-.")
    value = journal.write_base(base, first)
    assert len(value) <= journal.LONGEST_VALUE
    found, names = journal.read_base(value)
    assert found == base
    assert naming.same_names(names, first)
    assert not naming.same_names(names, second)


@pytest.mark.parametrize("names", [(), ("shop", "check out", "prod=1"), ("ü", "b c", "/")])
def test_the_journal_keeps_the_names_as_they_were_given(names: tuple[str, ...]) -> None:
    assert journal.read_base(journal.write_base("base group=1", names)) == ("base group=1", names)


def test_a_revision_of_another_base_is_warned_of(site: Site) -> None:
    site.deploy(site.image("one"), percents=(100,))
    template = (site.shop.group(site.shop.base_group) or {})["LaunchTemplate"]
    named = {name: template[name] for name in ("LaunchTemplateId", "Version")}
    site.make_base(AutoScalingGroupName="other-base", LaunchTemplate=named)
    told = site.run(site.set_up_step(site.image("two"), base_group="other-base")).events
    (warning,) = [event.text for event in told if event.kind == "warning"]
    assert site.shop.base_group in warning
    assert "other-base" in warning
