# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else changes during a deployment is noticed, named, and refused or adopted."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import Drifted, RolloutError

from tests.demo.shop import Sizes
from tests.sandbox.faults import Fault
from tests.unit.engine import Site


def resize(site: Site, group: str, minimum: int, maximum: int, desired: int) -> None:
    site.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=group, MinSize=minimum, MaxSize=maximum, DesiredCapacity=desired
    )
    site.clock.sleep(10)


@pytest.fixture
def halfway(site: Site) -> Site:
    """A deployment that has come to 50 %."""
    site.deploy(site.image("one"))
    site.upgrade(site.set_up(site.image("two")), 50)
    return site


@pytest.mark.parametrize("revision", [1, 2])
def test_a_group_that_somebody_resized_stops_the_deployment(halfway: Site, revision: int) -> None:
    group = f"{halfway.prefix}{revision}"
    resize(halfway, group, 3, 10, 3)
    mark = halfway.aws.mark()
    with pytest.raises(Drifted) as failed:
        halfway.upgrade(f"{halfway.prefix}2", 100)
    assert (
        f"group {group} has min 3, max 10, desired 3, where the journal has min 2, max 10, desired 2"
        in str(failed.value)
    )
    assert halfway.aws.writes(mark) == []


def test_a_resize_before_the_first_phase_is_noticed_too(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    resize(site, first, 0, 10, 5)
    with pytest.raises(Drifted, match=f"{first} has min 0, max 10, desired 5"):
        site.upgrade(second, 25)


def test_adopted_the_larger_outgoing_group_is_what_counts_from_now_on(site: Site) -> None:
    first = site.deploy(site.image("one"))
    second = site.set_up(site.image("two"))
    resize(site, first, 0, 12, 8)
    site.totals.clear()
    site.upgrade(second, 25, on_drift="adopt")
    assert site.desired() == {1: 6, 2: 1}
    assert min(site.totals) >= 7
    site.roll_back()
    assert site.shop.revisions() == {first: Sizes(0, 12, 8, 8)}


def test_adopted_in_the_middle_the_difference_is_restored_by_a_rollback_too(halfway: Site) -> None:
    first, second = f"{halfway.prefix}1", f"{halfway.prefix}2"
    resize(halfway, first, 4, 10, 4)
    halfway.forget()
    halfway.totals.clear()
    halfway.look()
    halfway.upgrade(second, 75, on_drift="adopt")
    assert halfway.desired()[2] == 3
    assert halfway.desired()[1] >= 2
    halfway.roll_back()
    assert halfway.shop.revisions()[first].desired_capacity == 6


def test_adopted_a_larger_new_group_has_come_farther(halfway: Site) -> None:
    second = f"{halfway.prefix}2"
    resize(halfway, second, 3, 10, 3)
    halfway.upgrade(second, 50, on_drift="adopt")
    assert halfway.desired() == {1: 1, 2: 3}


def test_an_outgoing_group_that_is_gone_stops_the_deployment_or_is_done_without(halfway: Site) -> None:
    first, second = f"{halfway.prefix}1", f"{halfway.prefix}2"
    halfway.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=first, ForceDelete=True)
    halfway.clock.sleep(10)
    halfway.forget()
    with pytest.raises(Drifted, match=f"outgoing group {first} is gone"):
        halfway.upgrade(second, 100)
    halfway.upgrade(second, 100, on_drift="adopt")
    assert halfway.shop.revisions() == {second: Sizes(0, 10, 4, 4)}


def test_a_tag_of_the_journal_that_is_gone_stops_the_deployment(halfway: Site) -> None:
    first, second = f"{halfway.prefix}1", f"{halfway.prefix}2"
    halfway.shop.client("autoscaling").delete_tags(
        Tags=[{"ResourceId": first, "ResourceType": "auto-scaling-group", "Key": "progressive:before"}]
    )
    halfway.forget()
    with pytest.raises(Drifted, match=f"outgoing group {first} has lost its tag progressive:before"):
        halfway.upgrade(second, 100)
    halfway.upgrade(second, 100, on_drift="adopt")
    assert halfway.desired() == {1: 0, 2: 4}


def test_processes_that_run_again_on_an_outgoing_group_are_noticed(halfway: Site) -> None:
    first, second = f"{halfway.prefix}1", f"{halfway.prefix}2"
    halfway.shop.client("autoscaling").resume_processes(AutoScalingGroupName=first)
    halfway.forget()
    with pytest.raises(
        Drifted, match=f"AlarmNotification and ScheduledActions run again on outgoing group {first}"
    ):
        halfway.upgrade(second, 100)
    halfway.upgrade(second, 100, on_drift="adopt")
    assert {one["ProcessName"] for one in (halfway.shop.group(first) or {})["SuspendedProcesses"]} == {
        "AlarmNotification",
        "ScheduledActions",
    }


def test_a_policy_that_somebody_attached_to_the_new_group_stops_the_next_phase(halfway: Site) -> None:
    second = f"{halfway.prefix}2"
    halfway.shop.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName=second, PolicyName="theirs", AdjustmentType="ExactCapacity", ScalingAdjustment=1
    )
    with pytest.raises(Drifted, match=f"attached scaling policy theirs to group {second}"):
        halfway.upgrade(second, 100)
    halfway.upgrade(second, 100, on_drift="adopt")
    assert halfway.shop.policies(second) == ["cpu-at-60", "theirs"]


def test_an_instance_that_is_lost_heals_by_waiting(halfway: Site) -> None:
    second = f"{halfway.prefix}2"
    group = halfway.shop.group(second)
    assert group is not None
    halfway.aws.act(group["Instances"][0]["InstanceId"], "spot-terminate")
    halfway.upgrade(second, 100)
    assert halfway.shop.revisions()[second] == Sizes(0, 10, 4, 4)


def test_a_group_is_not_adopted_twice(halfway: Site) -> None:
    second = f"{halfway.prefix}2"
    resize(halfway, f"{halfway.prefix}1", 3, 11, 3)
    outcome = halfway.upgrade(second, 100, on_drift="adopt")
    assert sum(words.startswith("adopt") for words in outcome.actions) == 1


@pytest.mark.parametrize("desired", [4, 6])
def test_what_an_outgoing_group_has_before_it_is_shielded_is_kept_by_a_rollback(
    site: Site, desired: int
) -> None:
    """A set-up that died between the snapshot and the suspension leaves a group that goes on scaling."""
    first = site.deploy(site.image("one"))
    faults = site.aws.gateway.faults
    faults.add(Fault("deny", operation="SuspendProcesses", times=None))
    # Nor can it be taken away again.
    faults.add(Fault("deny", operation="DeleteTags", times=None))
    with pytest.raises(RolloutError, match="asg_rollback takes it away"):
        site.set_up(site.image("two"))
    faults.clear()
    group = site.shop.group(first) or {}
    assert journal.BEFORE in {tag["Key"] for tag in group["Tags"]}
    resize(site, first, 0, 10, desired)
    site.roll_back()
    assert site.shop.revisions() == {first: Sizes(0, 10, desired, desired)}
