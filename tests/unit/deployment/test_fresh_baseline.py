# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh baseline comes up with the canary, counts for nothing, and is gone whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    BaselineFailed,
    InvalidInput,
    NewerJournal,
    RolloutError,
    TimedOut,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Timing
from ansible_collections.progressive.aws.plugins.module_utils.deployment.give_up import GiveUp

from tests.unit.engine import Site

BASELINE = "shop__checkout__prod__2__baseline"
FRESH = {"baseline": "fresh"}


class Killed(BaseException):
    """SIGKILL: nothing of the engine may catch it."""


def begun(site: Site, percent: int = 25, **options: Any) -> tuple[str, str]:
    """Revision 1 is live with 4 instances, and revision 2 has reached a phase with a fresh baseline beside it."""
    first = site.deploy(site.image("one"), (100,))
    site.totals.clear()
    second = site.set_up(site.new_image or site.image("two"), **options)
    site.upgrade(second, percent, **FRESH)
    return first, second


def described(site: Site, name: str = BASELINE) -> dict[str, Any]:
    found = site.shop.group(name)
    assert found is not None, f"there is no group {name}"
    return found


def serving(site: Site) -> int:
    """How many instances of the fresh baseline are in service; none where it is gone."""
    found = site.shop.group(BASELINE) or {"Instances": []}
    return sum(one["LifecycleState"] == "InService" for one in found["Instances"])


def launched(site: Site, group: str) -> set[str]:
    """The images of a group's instances."""
    return {one.image_id for one in site.aws.world.autoscaling.groups[group].instances.values()}


def give_up(site: Site, owner: str = "one") -> Any:
    return site.run(GiveUp(site.rollout(owner), series=site.shop.series, group=None))


# ---------------------------------------------------------------------------- what it is


def test_it_is_as_large_as_the_canary_and_launches_what_the_outgoing_group_launches(site: Site) -> None:
    first, second = begun(site)
    old, beside = described(site, first), described(site)
    assert (beside["MinSize"], beside["MaxSize"], beside["DesiredCapacity"]) == (1, 1, 1)
    assert serving(site) == 1
    assert site.desired() == {1: 3, 2: 1}
    assert launched(site, BASELINE) == launched(site, first) != launched(site, second)
    same = (
        "LaunchTemplate",
        "TargetGroupARNs",
        "VPCZoneIdentifier",
        "HealthCheckType",
        "TerminationPolicies",
    )
    assert {name: beside.get(name) for name in same} == {name: old.get(name) for name in same}
    tags = {one["Key"]: (one["Value"], one["PropagateAtLaunch"]) for one in beside["Tags"]}
    deployment = next(
        one["Value"] for one in described(site, second)["Tags"] if one["Key"] == journal.DEPLOYMENT
    )
    assert tags == {
        "team": ("checkout", True),
        journal.SERIES: (site.shop.series, False),
        journal.DEPLOYMENT: (deployment, False),
        journal.BASELINE: ("2", False),
        journal.FORMAT: ("2", False),
    }
    templates = site.shop.client("ec2").describe_launch_templates()["LaunchTemplates"]
    assert BASELINE not in {one["LaunchTemplateName"] for one in templates}


def test_both_start_together_and_settle_before_an_outgoing_group_shrinks(site: Site) -> None:
    mark = site.aws.mark()
    first, second = begun(site)
    began = [
        activity["StartTime"].timestamp()
        for name in (second, BASELINE)
        for activity in site.shop.client("autoscaling").describe_scaling_activities(
            AutoScalingGroupName=name
        )["Activities"]
    ]
    assert len(began) == 2
    assert abs(began[0] - began[1]) <= 1
    shrunk = next(
        one["time"]
        for one in site.aws.writes(mark)
        if one["operation"] == "UpdateAutoScalingGroup"
        and one["parameters"]["AutoScalingGroupName"] == first
        and str(one["parameters"]["DesiredCapacity"]) == "3"
    )
    assert shrunk >= max(began) + site.aws.world.settings.pending_seconds


def test_the_floor_holds_without_it_and_its_group_is_gone_when_the_rest_is_live(site: Site) -> None:
    __, second = begun(site)
    site.upgrade(second, 50, **FRESH)
    assert (serving(site), site.desired()) == (2, {1: 2, 2: 2})
    site.upgrade(second, 100, **FRESH)
    assert site.desired() == {1: 0, 2: 4}
    assert min(site.totals) >= 4
    assert site.shop.group(BASELINE) is None


def test_a_phase_again_writes_nothing_and_one_without_it_takes_it_away(site: Site) -> None:
    __, second = begun(site)
    mark = site.aws.mark()
    outcome = site.upgrade(second, 25, **FRESH)
    assert not outcome.changed
    assert site.aws.writes(mark) == []
    assert outcome.result["baseline"] == {
        "group": BASELINE,
        "like": f"{site.prefix}1",
        "desired_capacity": 1,
    }
    assert site.upgrade(second, 50).result["baseline"] is None
    assert serving(site) == 0


@pytest.mark.parametrize("kind", ["configuration", "mixed"])
def test_it_launches_from_whatever_the_outgoing_group_launches_from(site: Site, kind: str) -> None:
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=site.shop.base_group)
    site.clock.sleep(5)
    if kind == "configuration":
        base: dict[str, Any] = {
            "LaunchConfigurationName": site.shop.launch_configuration(site.image("configured"))
        }
    else:
        overrides = [{"InstanceType": one, "WeightedCapacity": "2"} for one in ("t3.small", "t3.medium")]
        site.shop.client("ec2").delete_launch_template(LaunchTemplateName=site.shop.base_group)
        template = {
            "LaunchTemplateSpecification": site.shop.launch_template(site.image("mixed")),
            "Overrides": overrides,
        }
        base = {"MixedInstancesPolicy": {"LaunchTemplate": template}}
    base["LifecycleHookSpecificationList"] = [
        {"LifecycleHookName": "warm", "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING"}
    ]
    site.make_base(**base)
    first, __ = begun(site, 50)
    old, beside = described(site, first), described(site)
    for member in ("LaunchConfigurationName", "MixedInstancesPolicy", "LaunchTemplate"):
        assert beside.get(member) == old.get(member)
    assert launched(site, BASELINE) == launched(site, first)
    hooks = site.shop.client("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=BASELINE)
    assert [one["LifecycleHookName"] for one in hooks["LifecycleHooks"]] == ["warm"]


def test_protection_from_scale_in_does_not_keep_it(site: Site) -> None:
    site.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=site.shop.base_group, NewInstancesProtectedFromScaleIn=True
    )
    __, second = begun(site)
    assert not described(site)["NewInstancesProtectedFromScaleIn"]
    (instance,) = (one["InstanceId"] for one in described(site)["Instances"])
    site.shop.client("autoscaling").set_instance_protection(
        AutoScalingGroupName=BASELINE, InstanceIds=[instance], ProtectedFromScaleIn=True
    )
    site.roll_back(second)
    assert site.shop.group(BASELINE) is None


def test_a_first_deployment_and_the_last_phase_have_none(site: Site) -> None:
    first = site.set_up(site.image("one"))
    site.upgrade(first, 25, **FRESH)
    site.upgrade(first, 100, **FRESH)
    second = site.set_up(site.image("two"))
    site.upgrade(second, 100, **FRESH)
    assert {name for name in site.standing() if name.endswith("baseline")} == set()


# ------------------------------------------------------- taken for no revision by anybody


def test_nobody_takes_it_for_a_revision(site: Site) -> None:
    first, second = begun(site)
    series = site.rollout().series(site.shop.series)
    assert [one.name for one in series.groups] == [second, first]
    assert [one.name for one in series.baselines] == [BASELINE]
    assert site.run(site.prune_step(keep=0)).result["kept"] == [second, first]
    assert serving(site) == 1
    site.upgrade(second, 100)
    site.upgrade(site.set_up(site.image("three")), 100)
    assert list(site.desired()) == [1, 2, 3]
    site.run(site.prune_step(keep=0))
    assert list(site.desired()) == [3]


def test_a_series_of_revisions_alone_costs_no_call_more(site: Site) -> None:
    site.deploy(site.image("one"), (100,))
    mark = site.aws.mark()
    site.upgrade(site.set_up(site.image("two")), 25)
    assert not [one for one in site.aws.calls(mark) if "baseline" in str(one["parameters"])]


def test_an_earlier_release_refuses_it_and_does_not_take_it_for_an_outgoing_group(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(site)
    # What a release that does not know the tag sees.
    monkeypatch.setattr(journal, "is_baseline", lambda group: False)
    site.forget()
    with pytest.raises(NewerJournal):
        site.roll_back()


def test_it_cannot_be_adopted(site: Site) -> None:
    left_over(site)
    with pytest.raises(InvalidInput, match="cannot be adopted: it is the fresh baseline of a deployment"):
        site.run(site.set_up_step(site.image("three"), adopt_group=BASELINE))
    assert serving(site) == 1


# ------------------------------------------------------------------------- how it goes


def test_a_rollback_takes_it_away_after_the_outgoing_group_is_back(site: Site) -> None:
    site.deploy(site.image("one"), (100,))
    before, site.new_image = site.standing(), site.image("two")
    site.totals.clear()
    second = site.set_up(site.new_image)
    site.upgrade(second, 50, **FRESH)
    mark = site.aws.mark()
    outcome = site.roll_back(second)
    assert site.standing() == before
    assert min(site.totals) >= 4
    resized = [
        one["parameters"]["AutoScalingGroupName"]
        for one in site.aws.writes(mark)
        if one["operation"] == "UpdateAutoScalingGroup"
    ]
    assert resized == [f"{site.prefix}1", BASELINE, second]
    assert f"remove fresh baseline {BASELINE}" in outcome.actions


@pytest.mark.parametrize("takes", [1.0, 30.0])
@pytest.mark.parametrize("keep_failed", [False, True])
def test_a_rollback_that_keeps_the_failed_group_keeps_no_baseline(
    site: Site, keep_failed: bool, takes: float
) -> None:
    __, second = begun(site)
    site.aws.world.settings.terminating_seconds = takes
    site.roll_back(second, keep_failed=keep_failed)
    assert site.shop.group(BASELINE) is None
    assert (site.shop.group(second) is None) != keep_failed


def test_where_the_outgoing_group_cannot_come_back_it_stays_with_the_canary(site: Site) -> None:
    first, second = begun(site)
    for image_id in launched(site, first):
        site.aws.behave(image_id, {"launch_error": "InvalidAMIID.NotFound"})
    with pytest.raises(RolloutError):
        site.roll_back(second)
    assert serving(site) == 1
    give_up(site)
    assert site.shop.group(BASELINE) is None
    assert site.desired() == {1: 3, 2: 1}


def test_somebody_deletes_the_new_group_and_a_rollback_takes_its_baseline_away(site: Site) -> None:
    first, second = begun(site)
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=second, ForceDelete=True)
    site.clock.sleep(10)
    site.forget()
    site.roll_back()
    assert (site.shop.group(BASELINE), site.desired()) == (None, {1: 4})
    assert first in site.shop.revisions()


def left_over(site: Site) -> None:
    """Leave one behind, as where AWS did not delete it until the deployment was live, and the run was killed then."""
    site.new_image = site.image("two")
    __, second = begun(site)
    tags = {one["Key"]: one["Value"] for one in described(site)["Tags"]}
    site.upgrade(second, 100)
    make(site, tags)


def make(site: Site, tags: dict[str, str]) -> None:
    """Make a fresh baseline of one instance by hand."""
    kept = {
        name: described(site, f"{site.prefix}1")[name] for name in ("LaunchTemplate", "VPCZoneIdentifier")
    }
    kept["LaunchTemplate"].pop("LaunchTemplateName")
    site.shop.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=BASELINE,
        MinSize=1,
        MaxSize=1,
        DesiredCapacity=1,
        Tags=[{"Key": key, "Value": value, "PropagateAtLaunch": False} for key, value in tags.items()],
        **kept,
    )
    site.clock.sleep(120)
    site.forget()
    assert serving(site) == 1


def test_one_of_an_earlier_deployment_of_the_same_number_is_replaced(site: Site) -> None:
    site.deploy(site.image("one"), (100,))
    second = site.set_up(site.image("two"))
    theirs = {journal.SERIES: site.shop.series, journal.DEPLOYMENT: "earlier", journal.BASELINE: "2"}
    make(site, theirs)
    before = set(site.aws.world.autoscaling.groups[BASELINE].instances)
    site.upgrade(second, 50, **FRESH)
    tags = {one["Key"]: one["Value"] for one in described(site)["Tags"]}
    assert tags[journal.DEPLOYMENT] != "earlier"
    assert serving(site) == 2
    assert not before & set(site.aws.world.autoscaling.groups[BASELINE].instances)


LEFT = {
    "a set-up": lambda site: site.set_up(site.image("three")),
    "the same inputs, live already": lambda site: site.set_up(site.new_image),
    "a clean-up": lambda site: site.run(site.prune_step()),
    "giving up": give_up,
}


@pytest.mark.parametrize("name", LEFT)
def test_whatever_is_run_next_takes_one_away_that_was_left(site: Site, name: str) -> None:
    left_over(site)
    LEFT[name](site)
    site.clock.sleep(10)
    assert serving(site) == 0
    if name != "a set-up":
        assert site.shop.group(BASELINE) is None


def disturbed(site: Site, image_id: str, owner: str) -> None:
    """A deployment with a fresh baseline in two phases."""
    second = site.set_up(image_id, owner)
    for percent in (25, 50, 100):
        site.upgrade(second, percent, owner, **FRESH)


def write_number(site: Site, number: int) -> Callable[[int], None]:
    """Kill whoever has made so many writes, before the next call."""
    mark = site.aws.mark()

    def kill(call: int) -> None:
        if len(site.aws.writes(mark)) >= number:
            raise Killed

    return kill


def test_killed_before_or_after_each_of_its_writes_one_more_run_ends_it_well(site: Site) -> None:
    site.client = site.aws.direct_client
    site.deploy(site.image("one"), (100,))
    mark = site.aws.mark()
    disturbed(site, site.image("two"), "nobody")
    writes = [str(one["parameters"]) for one in site.aws.writes(mark)]
    its_own = [number for number, words in enumerate(writes) if "__baseline'" in words]
    assert len(its_own) >= 4
    for number in sorted({*its_own, *(one + 1 for one in its_own)}):
        for rerun in ("the same", "a rollback"):
            image_id, before = site.image(f"{number}-{rerun}"), site.standing()
            site.totals.clear()
            with site.aws.before_calls(write_number(site, number)), pytest.raises(Killed):
                disturbed(site, image_id, "disturbed")
            site.clock.sleep(130)
            if rerun == "the same":
                disturbed(site, image_id, "again")
                assert site.desired()[max(site.desired())] == 4
            else:
                site.roll_back(owner="again")
                assert site.standing() == before
            assert min(site.totals) >= 4
            assert not [name for name in site.standing() if name.endswith("baseline")]


# ----------------------------------------------------------------------- how it fails


def test_a_baseline_that_cannot_launch_is_no_failure_of_the_new_image(site: Site) -> None:
    first = site.deploy(site.image("one"), (100,))
    second = site.set_up(site.image("two"))
    for image_id in launched(site, first):
        site.aws.behave(image_id, {"launch_error": "InvalidKeyPair.NotFound"})
    with pytest.raises(BaselineFailed) as failed:
        site.upgrade(second, 25, **FRESH)
    words = str(failed.value)
    assert failed.value.reason == "baseline_failed"
    assert f"the fresh baseline {BASELINE}, which launches what {first} launches, cannot come up" in words
    assert "The key pair missing does not exist" in words
    assert "It says nothing about the new image" in words
    assert "canary_baseline" in words
    assert site.shop.revisions()[first].in_service == 4
    site.roll_back(second)
    assert site.shop.group(BASELINE) is None


def test_one_that_aws_refuses_to_create_says_so(site: Site) -> None:
    first = site.deploy(site.image("one"), (100,))
    second = site.set_up(site.image("two"))
    site.shop.client("ec2").delete_launch_template(LaunchTemplateName=first)
    with pytest.raises(BaselineFailed, match="It says nothing about the new image"):
        site.upgrade(second, 25, **FRESH)


def test_somebody_elses_group_of_that_name_is_not_touched(site: Site) -> None:
    site.deploy(site.image("one"), (100,))
    second = site.set_up(site.image("two"))
    site.shop.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=BASELINE,
        MinSize=0,
        MaxSize=0,
        LaunchTemplate={"LaunchTemplateName": second, "Version": "1"},
        VPCZoneIdentifier=",".join(site.shop.subnets()),
    )
    with pytest.raises(BaselineFailed, match=r"none of this deployment.*Rename or delete it"):
        site.upgrade(second, 25, **FRESH)
    site.roll_back(second)
    assert site.shop.group(BASELINE)


def test_one_that_does_not_settle_in_time_is_named(site: Site) -> None:
    site.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=site.shop.base_group, HealthCheckType="EC2"
    )
    first = site.deploy(site.image("one"), (100,))
    second = site.set_up(site.image("two"))
    for image_id in launched(site, first):
        site.aws.behave(image_id, {"unhealthy": True})
    with pytest.raises(
        TimedOut, match=r"0 of 1 targets healthy in .* of fresh baseline checkout__prod__2__baseline"
    ):
        site.run(site.upgrade_step(second, 25, **FRESH), Timing(wait_timeout=30, poll_interval=1))


# --------------------------------------------------------------------------- the plan


def planned(site: Site, **options: Any) -> Any:
    phases = (Wanted(25, baseline_seconds=1020), Wanted(50, baseline_seconds=1020), Wanted(100))
    return site.run(
        site.set_up_step(site.image("two"), phases=phases, check_mode=True, **FRESH, **options),
        check_mode=True,
    )


def test_the_plan_tells_its_instances_and_what_they_cost(site: Site) -> None:
    site.deploy(site.image("one"), (100,))
    outcome = planned(site)
    keys = ("new", "outgoing", "peak", "baseline", "baseline_hours")
    assert [[phase[key] for key in keys] for phase in outcome.result["phases"]] == [
        [1, 3, 6, 1, 0.28],
        [2, 2, 7, 2, 0.57],
        [4, 0, 6, 0, 0.0],
    ]
    assert outcome.result["peak"] == 7
    told = [one.text for one in outcome.events]
    assert (
        "50 %: 2 new, 2 outgoing, and 2 of a fresh baseline, which costs 0.57 instance-hours at least" in told
    )
    assert "100 %: 4 new, 0 outgoing" in told


def test_the_plan_refuses_one_of_an_image_that_is_gone(site: Site) -> None:
    first = site.deploy(site.image("one"), (100,))
    for image_id in launched(site, first):
        site.shop.client("ec2").deregister_image(ImageId=image_id)
    with pytest.raises(InvalidInput, match=rf"of outgoing group {first} is gone, so that no fresh baseline"):
        planned(site)


def test_the_plan_warns_where_there_is_nothing_to_compare_with(site: Site) -> None:
    told = [one.text for one in planned(site).events if one.kind == "warning"]
    assert any("a first deployment has no outgoing image" in one for one in told)
    outcome = site.run(
        site.set_up_step(site.image("three"), phases=(Wanted(25), Wanted(100)), check_mode=True, **FRESH),
        check_mode=True,
    )
    assert any("changes nothing" in one.text for one in outcome.events if one.kind == "warning")


def test_it_runs_more_instances_than_old_first_may(site: Site) -> None:
    with pytest.raises(InvalidInput, match="resize_order=old_first"):
        planned(site, resize_order="old_first")
