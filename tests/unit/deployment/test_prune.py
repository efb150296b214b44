# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention deletes empty revisions with all that was theirs, and nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.deployment.prune import Prune, PruneOptions

from tests.unit.engine import Site


@pytest.fixture
def aged(site: Site) -> Site:
    """A series of four revisions, the last of them live."""
    for name in ("one", "two", "three", "four"):
        site.deploy(site.image(name), (100,))
    return site


@pytest.mark.parametrize(
    ("keep", "left"), [(0, [4]), (1, [3, 4]), (2, [2, 3, 4]), (3, [1, 2, 3, 4]), (9, [1, 2, 3, 4])]
)
def test_so_many_earlier_revisions_are_kept(aged: Site, keep: int, left: list[int]) -> None:
    outcome = aged.run(aged.prune_step(keep))
    assert list(aged.desired()) == left
    assert len(outcome.result["deleted"]) == 4 - len(left)
    names = [f"template {aged.prefix}{number}" for number in left]
    kept = [name for name in aged.standing() if name.startswith(f"template {aged.prefix}")]
    assert sorted(kept) == sorted(names)
    assert not aged.run(aged.prune_step(keep)).changed


def test_what_takes_part_in_a_deployment_is_kept(aged: Site) -> None:
    fifth = aged.set_up(aged.image("five"))
    aged.upgrade(fifth, 25)
    aged.run(aged.prune_step(0))
    assert aged.desired() == {4: 3, 5: 1}


def test_a_launch_configuration_goes_with_its_revision(site: Site) -> None:
    configuration = site.shop.launch_configuration(site.image("configured"))
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=site.shop.base_group)
    site.make_base(LaunchConfigurationName=configuration)
    for name in ("one", "two", "three"):
        site.deploy(site.image(name), (100,))
    site.run(site.prune_step(0))
    kept = sorted(name for name in site.standing() if name.startswith("configuration"))
    assert kept == [f"configuration {configuration}", f"configuration {site.prefix}3"]


def test_a_launch_template_whose_revision_is_gone_goes_too(aged: Site) -> None:
    aged.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=f"{aged.prefix}1")
    aged.clock.sleep(200)
    aged.run(aged.prune_step(9))
    assert f"template {aged.prefix}1" not in aged.standing()


def test_a_negative_number_is_refused(site: Site) -> None:
    with pytest.raises(InvalidInput, match="keep is -1"):
        Prune(site.rollout(), PruneOptions("a__b__c", -1))
