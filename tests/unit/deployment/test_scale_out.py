# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load that grows while a deployment is under way: policies raise the outgoing group, and nothing of that is lost."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import Drifted

from tests.demo.shop import Sizes
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import Site


@pytest.fixture
def site(aws: InProcess) -> Site:
    """A shop with a first revision, and a policy on it that an alarm sets off."""
    site = Site(aws)
    site.make_base()
    site.deploy(site.image("one"), percents=(100,), max_size=20)
    site.forget()
    return site


def scale(site: Site, change: int, group: str = "") -> None:
    """Let an alarm set off a policy of the first revision that changes its capacity, as its load does."""
    name = group or f"{site.prefix}1"
    policy = site.shop.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName=name,
        PolicyName="load",
        PolicyType="SimpleScaling",
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=change,
        Cooldown=0,
    )
    cloudwatch = site.shop.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="load",
        Namespace="shop",
        MetricName="load",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
        AlarmActions=[policy["PolicyARN"]],
    )
    for state in ("OK", "ALARM"):
        cloudwatch.set_alarm_state(AlarmName="load", StateValue=state, StateReason="by hand")
    site.clock.sleep(10)


def begun(site: Site, percent: int = 25, **options: object) -> str:
    group = site.set_up(site.image("two"), max_size=20, scaling="scale_out", **options)
    site.upgrade(group, percent)
    return group


def test_load_that_doubles_between_phases_is_followed_in_proportion_to_the_end(site: Site) -> None:
    group = begun(site)
    assert site.desired() == {1: 3, 2: 1}
    scale(site, 4)
    assert site.desired() == {1: 7, 2: 1}
    site.totals.clear()
    words = site.upgrade(group, 50).actions
    assert f"take in that a policy has raised {site.prefix}1 from 3 to 7" in words
    assert site.desired() == {1: 4, 2: 4}
    assert min(site.totals) >= 8
    site.upgrade(group, 100)
    assert site.shop.revisions() == {
        f"{site.prefix}1": Sizes(0, 20, 0, 0),
        group: Sizes(0, 20, 8, 8),
    }
    assert min(site.totals) >= 8


@pytest.mark.parametrize("later", [False, True], ids=["before", "after it was taken in"])
def test_a_rollback_leaves_what_a_policy_has_raised(site: Site, later: bool) -> None:
    group = begun(site, 50)
    scale(site, 4)
    if later:
        site.upgrade(group, 75)
    site.totals.clear()
    site.roll_back()
    assert site.shop.revisions() == {f"{site.prefix}1": Sizes(0, 20, 8, 8)}
    assert min(site.totals) >= 8
    suspended = (site.shop.group(f"{site.prefix}1") or {})["SuspendedProcesses"]
    assert suspended == []


def test_no_policy_can_shrink_an_outgoing_group(site: Site) -> None:
    group = begun(site)
    scale(site, -2)
    assert site.desired() == {1: 3, 2: 1}
    site.upgrade(group, 100)
    assert site.desired() == {1: 0, 2: 4}


def test_a_policy_may_raise_it_again_and_again(site: Site) -> None:
    group = begun(site)
    scale(site, 4)
    site.upgrade(group, 25)
    assert site.desired() == {1: 6, 2: 2}
    scale(site, 4)
    site.upgrade(group, 25)
    assert site.desired() == {1: 9, 2: 3}
    site.upgrade(group, 100)
    assert site.desired() == {1: 0, 2: 12}


def test_the_wanted_maximum_is_kept(site: Site) -> None:
    group = site.set_up(site.image("two"), max_size=6, scaling="scale_out")
    site.upgrade(group, 25)
    scale(site, 4)
    site.upgrade(group, 100)
    assert site.shop.revisions()[group] == Sizes(0, 6, 6, 6)


def test_a_raise_by_hand_is_drift_all_the_same(site: Site) -> None:
    group = begun(site)
    site.shop.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=f"{site.prefix}1", DesiredCapacity=7
    )
    site.clock.sleep(10)
    with pytest.raises(Drifted, match=f"group {site.prefix}1 has min 3, max 20, desired 7"):
        site.upgrade(group, 50)


def test_without_it_nothing_scales_an_outgoing_group(site: Site) -> None:
    group = site.set_up(site.image("two"), max_size=20)
    site.upgrade(group, 25)
    scale(site, 4)
    assert site.desired() == {1: 3, 2: 1}


@pytest.mark.parametrize("calls", range(1, 8))
def test_a_run_that_dies_while_it_takes_a_raise_in_takes_it_in_once(site: Site, calls: int) -> None:
    group = begun(site)
    scale(site, 4)
    mark = len(site.aws.writes())

    class Killed(BaseException):
        pass

    def kill(number: int) -> None:
        if len(site.aws.writes()) - mark >= calls:
            raise Killed

    with site.aws.before_calls(kill), pytest.raises(Killed):
        site.upgrade(group, 50)
    site.memories.clear()
    site.clock.sleep(10)
    site.upgrade(group, 50)
    assert site.desired() == {1: 4, 2: 4}
    site.roll_back()
    assert site.shop.revisions() == {f"{site.prefix}1": Sizes(0, 20, 8, 8)}


def test_a_policy_of_the_final_phase_raises_nothing_that_goes_out(site: Site) -> None:
    group = begun(site, 50)
    site.upgrade(group, 100)
    scale(site, 4)
    assert site.desired() == {1: 0, 2: 4}
    site.roll_back()
    assert site.shop.revisions() == {f"{site.prefix}1": Sizes(0, 20, 4, 4)}


def test_several_outgoing_groups_take_a_raise_in(site: Site) -> None:
    """The live one, and one that was made by hand."""
    template = site.shop.client("ec2").describe_launch_templates(LaunchTemplateNames=[site.shop.base_group])[
        "LaunchTemplates"
    ][0]["LaunchTemplateId"]
    site.make_base(
        AutoScalingGroupName="by-hand",
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
        MaxSize=10,
        DesiredCapacity=4,
    )
    site.clock.sleep(10)
    group = begun(site, desired_capacity=8, adopt_group="by-hand")

    def desired(name: str) -> int:
        return int((site.shop.group(name) or {})["DesiredCapacity"])

    names = (f"{site.prefix}1", "by-hand", group)
    assert [desired(name) for name in names] == [4, 2, 2]
    scale(site, 8)
    site.upgrade(group, 50)
    assert [desired(name) for name in names] == [8, 0, 8]
    site.upgrade(group, 100)
    assert [desired(name) for name in names] == [0, 0, 16]
    site.roll_back()
    assert [desired(name) for name in names[:2]] == [12, 4]


@pytest.mark.parametrize("adopted_before", [False, True], ids=["by the rollback", "by the upgrade"])
def test_what_somebody_has_raised_the_new_group_by_is_carried_over_by_a_rollback(
    site: Site, adopted_before: bool
) -> None:
    group = site.set_up(site.image("two"), max_size=20)
    site.upgrade(group, 50)
    site.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=group, MinSize=8, MaxSize=20, DesiredCapacity=8
    )
    site.clock.sleep(10)
    site.forget()
    if adopted_before:
        site.upgrade(group, 75, on_drift="adopt")
        assert site.desired()[2] == 8
    site.roll_back(on_drift="adopt")
    found = site.shop.revisions()[f"{site.prefix}1"]
    assert found.desired_capacity == found.in_service >= 8


# ------------------------------------------------------------------------------- a load that reacts

#: Percent of CPU of an instance that has its share of a load for as many instances as there are.
BUSY = 56.0


def share(group: str, groups: dict[str, Sizes]) -> float:
    return groups[group].desired_capacity / sum(one.desired_capacity for one in groups.values())


@pytest.mark.parametrize("end", ["live", "rolled back"])
def test_policies_follow_a_load_that_doubles_between_the_phases_and_the_canarys_share_stays(
    aws: InProcess, end: str
) -> None:
    site = Site(aws)
    site.make_base()
    site.shop.scale_with_cpu()
    busy = {"cpu": {"mean": BUSY, "sd": 2.0}, "detailed_monitoring": True, "resolution": 10}
    first = site.deploy(site.image("one", **busy), (100,), max_size=20)
    site.forget()
    aws.demand(site.prefix, 4)
    group = site.set_up(site.image("two", **busy), max_size=20, scaling="scale_out")
    site.upgrade(group, 25)
    assert site.desired() == {1: 3, 2: 1}
    site.clock.sleep(300)
    assert site.desired() == {1: 3, 2: 1}

    aws.demand(site.prefix, 8)
    site.clock.sleep(1500)
    risen = site.desired()
    assert risen[1] > 3 and risen[2] == 1
    assert 7 <= sum(risen.values()) <= 9

    site.totals.clear()
    site.upgrade(group, 25)
    again = site.shop.revisions()
    assert share(group, again) == pytest.approx(0.25, abs=0.06)
    site.upgrade(group, 50)
    assert share(group, site.shop.revisions()) == pytest.approx(0.5, abs=0.06)
    if end == "live":
        site.upgrade(group, 100)
    else:
        site.roll_back()
    left = group if end == "live" else first
    found = site.shop.revisions()[left]
    assert found.desired_capacity == found.in_service == sum(risen.values())
    assert min(site.totals) >= sum(risen.values())
    # As many as the load needs: nothing scales any more.
    site.clock.sleep(600)
    assert site.shop.revisions()[left].desired_capacity == found.desired_capacity
    assert site.shop.policies(left) == ["cpu-at-60"]
