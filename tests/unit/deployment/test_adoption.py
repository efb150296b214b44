# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live group that this collection did not make is replaced by a first deployment, and comes back as it was."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    Drifted,
    InvalidInput,
    LaunchFailed,
    RolloutError,
)

from tests.sandbox.inprocess import InProcess
from tests.unit.engine import START, Site

SAME_AS_RUNNING: dict[str, Any] = {"min_size": None, "max_size": None, "desired_capacity": None}
OTHER = "checkout-by-hand"
SHIELD = {"AlarmNotification", "ScheduledActions"}


class Killed(BaseException):
    """The process of the engine is no more."""


def make_live(site: Site, name: str) -> None:
    """Make a group with four instances and everything that a group may have, by plain calls."""
    autoscaling = site.shop.client("autoscaling")
    if name != site.shop.base_group:
        site.make_base()
    site.make_base(
        AutoScalingGroupName=name,
        **({} if name == site.shop.base_group else {"LaunchTemplate": template_of(site)}),
        MinSize=2,
        MaxSize=6,
        DesiredCapacity=4,
        TargetGroupARNs=[site.shop.target_group()],
        Tags=[
            {"Key": "team", "Value": "checkout", "PropagateAtLaunch": True},
            {"Key": "aged", "Value": "", "PropagateAtLaunch": False},
        ],
    )
    target = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}}
    autoscaling.put_scaling_policy(
        AutoScalingGroupName=name,
        PolicyName="cpu-at-60",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={**target, "TargetValue": 60.0},
    )
    autoscaling.put_scheduled_update_group_action(
        AutoScalingGroupName=name,
        ScheduledActionName="night",
        Recurrence="0 22 * * *",
        DesiredCapacity=2,
        StartTime=datetime.datetime.fromtimestamp(START, datetime.UTC) + datetime.timedelta(days=7),
    )
    autoscaling.put_lifecycle_hook(
        AutoScalingGroupName=name,
        LifecycleHookName="drain",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=30,
        DefaultResult="CONTINUE",
    )
    autoscaling.put_notification_configuration(
        AutoScalingGroupName=name,
        TopicARN="arn:aws:sns:us-east-1:123456789012:operations",
        NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH_ERROR"],
    )
    autoscaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["AZRebalance"])
    site.clock.sleep(10)


def template_of(site: Site) -> dict[str, str]:
    found = site.shop.client("ec2").describe_launch_templates(LaunchTemplateNames=[site.shop.base_group])
    return {"LaunchTemplateId": found["LaunchTemplates"][0]["LaunchTemplateId"], "Version": "$Latest"}


def everything(site: Site, name: str) -> dict[str, Any]:
    """All that AWS tells of a group, whole answers, but for which instances it has."""
    autoscaling = site.shop.client("autoscaling")
    group = site.shop.group(name) or {}
    by = {"AutoScalingGroupName": name}
    hooks = autoscaling.describe_lifecycle_hooks(**by)["LifecycleHooks"]
    tags = autoscaling.describe_tags(Filters=[{"Name": "auto-scaling-group", "Values": [name]}])["Tags"]
    notified = autoscaling.describe_notification_configurations(AutoScalingGroupNames=[name])
    instances = [
        {key: value for key, value in one.items() if key != "InstanceId"}
        for one in group.get("Instances", [])
    ]
    instances.sort(key=lambda one: str(one["AvailabilityZone"]))
    return {
        "group": {**group, "Instances": instances},
        "tags": tags,
        "policies": autoscaling.describe_policies(**by)["ScalingPolicies"],
        "schedule": autoscaling.describe_scheduled_actions(**by)["ScheduledUpdateGroupActions"],
        "hooks": hooks,
        "notifications": notified["NotificationConfigurations"],
        "balancers": autoscaling.describe_load_balancer_target_groups(**by)["LoadBalancerTargetGroups"],
    }


def instances_of(site: Site, name: str) -> set[str]:
    return {one["InstanceId"] for one in (site.shop.group(name) or {})["Instances"]}


def desired(site: Site, *names: str) -> list[int]:
    return [(site.shop.group(name) or {})["DesiredCapacity"] for name in names]


def tags(site: Site, name: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in (site.shop.group(name) or {})["Tags"]}


def suspended(site: Site, name: str) -> set[str]:
    return {one["ProcessName"] for one in (site.shop.group(name) or {})["SuspendedProcesses"]}


def naming(site: Site, mark: int, name: str) -> list[str]:
    """The writes since a mark that name a group, but for the journal, which says what a revision is like."""
    found = []
    for call in site.aws.writes(mark):
        parameters = {key: value for key, value in call["parameters"].items() if key != "Tags"}
        tagged = [tag.get("ResourceId") for tag in call["parameters"].get("Tags", ())]
        if name in tagged or json.dumps(name) in json.dumps(parameters):
            found.append(call["operation"])
    return found


@pytest.fixture(params=["the base itself", "another group"])
def adopted(request: pytest.FixtureRequest, aws: InProcess) -> tuple[Site, str]:
    """A live group that was made by hand: the base, or one beside it; and its name."""
    aws.world.settings.hook_seconds = 0.5
    site = Site(aws)
    name = site.shop.base_group if request.param == "the base itself" else OTHER
    make_live(site, name)
    watch(site, name)
    return site, name


@pytest.fixture
def live_base(aws: InProcess) -> tuple[Site, str]:
    """A base that is live itself, and its name."""
    aws.world.settings.hook_seconds = 0.5
    site = Site(aws)
    make_live(site, site.shop.base_group)
    watch(site, site.shop.base_group)
    return site, site.shop.base_group


def watch(site: Site, name: str) -> None:
    """Let the observer count the adopted group too."""

    def look() -> None:
        site.totals.append(
            sum(
                instance.state == "InService" and instance.health == "Healthy"
                for group, it in site.aws.world.autoscaling.groups.items()
                if group == name or group.startswith(site.prefix)
                for instance in it.instances.values()
            )
        )

    site.clock.look = look
    site.totals.clear()


# ------------------------------------------------------------------ as outgoing


def test_it_is_shielded_and_shrinks_in_proportion_and_nothing_is_lost(adopted: tuple[Site, str]) -> None:
    site, name = adopted
    group = site.set_up(site.image("one"), adopt_group=name, **SAME_AS_RUNNING)
    assert suspended(site, name) == SHIELD | {"AZRebalance"}
    assert desired(site, name, group) == [4, 0]
    sizes = []
    for percent in (25, 50, 100):
        site.upgrade(group, percent)
        sizes.append(desired(site, name, group))
    assert sizes == [[3, 1], [2, 2], [0, 4]]
    assert min(site.totals) == 4
    live = site.shop.group(group) or {}
    assert (live["MinSize"], live["MaxSize"], live["DesiredCapacity"]) == (2, 6, 4)
    assert suspended(site, group) & SHIELD == set()
    assert site.shop.policies(group) == (["cpu-at-60"] if name == site.shop.base_group else [])


def test_with_old_first_there_are_never_more_than_there_were(live_base: tuple[Site, str]) -> None:
    site, name = live_base
    order = {"resize_order": "old_first"}
    group = site.set_up(site.image("one"), adopt_group=name, **SAME_AS_RUNNING, **order)
    before = everything(site, name)
    sizes = []
    for percent in (25, 50, 100):
        site.upgrade(group, percent, **order)
        sizes.append(desired(site, name, group))
    assert sizes == [[3, 1], [2, 2], [0, 4]]
    assert (min(site.totals), max(site.totals)) == (2, 4)
    site.roll_back()
    assert everything(site, name)["policies"] == before["policies"]


def test_beside_revisions_it_shrinks_first(site: Site) -> None:
    """It is older than anything that the series has made."""
    first = site.deploy(site.image("one"), desired_capacity=2)
    site.make_base(AutoScalingGroupName=OTHER, LaunchTemplate=template_of(site), MaxSize=4, DesiredCapacity=2)
    site.clock.sleep(10)
    second = site.set_up(site.image("two"), adopt_group=OTHER)
    sizes = []
    for percent in (25, 50, 75, 100):
        site.upgrade(second, percent)
        sizes.append(desired(site, OTHER, first, second))
    assert sizes == [[1, 2, 1], [0, 2, 2], [0, 1, 3], [0, 0, 4]]
    site.roll_back()
    assert desired(site, OTHER, first) == [2, 2]
    assert journal.SERIES not in tags(site, OTHER)


# --------------------------------------------------------------------- rollback


@pytest.mark.parametrize(
    ("percents", "resize_order"),
    [
        ((), "new_first"),
        ((25,), "new_first"),
        ((25, 50), "new_first"),
        ((25, 50, 100), "new_first"),
        ((50,), "old_first"),
        ((100,), "old_first"),
    ],
)
def test_a_rollback_leaves_it_byte_for_byte_as_it_was(
    adopted: tuple[Site, str], percents: tuple[int, ...], resize_order: str
) -> None:
    site, name = adopted
    image_id, before, had = site.image("one"), everything(site, name), instances_of(site, name)
    standing = site.standing()
    group = site.set_up(image_id, adopt_group=name, **SAME_AS_RUNNING)
    for percent in percents:
        site.upgrade(group, percent, resize_order=resize_order)
    smallest = desired(site, name)[0]
    site.totals.clear()
    site.clock.look()

    outcome = site.roll_back()

    assert everything(site, name) == before
    assert site.standing() == standing, "nothing else is left either"
    assert len(instances_of(site, name) & had) == smallest, "no instance is launched anew that was there"
    assert [one["name"] for one in outcome.result["restored"]] == [name]
    assert outcome.result["removed"] == [group]
    assert min(site.totals) >= 4


def test_processes_that_were_suspended_before_stay_so(live_base: tuple[Site, str]) -> None:
    site, name = live_base
    site.shop.client("autoscaling").suspend_processes(
        AutoScalingGroupName=name, ScalingProcesses=["AlarmNotification"]
    )
    before = everything(site, name)
    group = site.set_up(site.image("one"), adopt_group=name, **SAME_AS_RUNNING)
    site.upgrade(group, 50)
    assert suspended(site, name) == SHIELD | {"AZRebalance"}
    site.roll_back()
    assert everything(site, name) == before


def test_after_a_rollback_it_can_be_adopted_again(live_base: tuple[Site, str]) -> None:
    site, name = live_base
    before = everything(site, name)
    for image in ("one", "two"):
        site.deploy(site.image(image), (50, 100), adopt_group=name, **SAME_AS_RUNNING)
        assert desired(site, name) == [0]
        site.roll_back()
        assert everything(site, name) == before


def test_a_rollback_that_is_cut_off_at_any_pass_goes_on(live_base: tuple[Site, str]) -> None:
    site, name = live_base
    before = everything(site, name)
    site.deploy(site.image("one"), (50, 100), adopt_group=name, **SAME_AS_RUNNING)
    site.totals.clear()
    for run in range(200):
        site.clock.sleep(1.0)
        if site.one_pass(site.roll_back_step(owner=f"run-{run}", take_over=True)).done:
            break
    assert everything(site, name) == before
    assert min(site.totals) >= 4


def test_what_works_is_kept_where_it_cannot_launch_any_more(live_base: tuple[Site, str]) -> None:
    site, name = live_base
    group = site.set_up(site.image("two"), adopt_group=name, **SAME_AS_RUNNING)
    site.upgrade(group, 50)
    site.aws.fail_launches("InvalidKeyPair.NotFound", group=name)
    with pytest.raises(LaunchFailed, match=f"{group} is kept with 2 in service"):
        site.roll_back()
    assert desired(site, group) == [2]


# --------------------------------------------------------------- after a success


def test_after_a_success_it_stays_empty_and_no_clean_up_deletes_it(adopted: tuple[Site, str]) -> None:
    site, name = adopted
    site.deploy(site.image("one"), (50, 100), adopt_group=name, **SAME_AS_RUNNING)
    for image in ("two", "three"):
        site.deploy(site.image(image), (100,))
    mark = site.aws.mark()
    outcome = site.run(site.prune_step(0))
    assert outcome.result["deleted"] == [f"{site.prefix}2", f"{site.prefix}1"]
    assert name in outcome.result["kept"]
    site.clock.sleep(3600)
    assert naming(site, mark, name) == []
    kept = site.shop.group(name) or {}
    assert (kept["DesiredCapacity"], kept["Instances"]) == (0, [])
    assert not site.run(site.prune_step(0)).changed


def test_the_same_deployment_again_is_live_already(adopted: tuple[Site, str]) -> None:
    site, name = adopted
    image_id = site.image("one")
    site.deploy(image_id, (50, 100), adopt_group=name, **SAME_AS_RUNNING)
    mark = site.aws.mark()
    outcome = site.run(site.set_up_step(image_id, adopt_group=name, **SAME_AS_RUNNING))
    assert (outcome.changed, outcome.result["already_live"]) == (False, True)
    assert site.aws.writes(mark) == []


def test_a_second_deployment_with_the_same_option_does_nothing_odd(adopted: tuple[Site, str]) -> None:
    site, name = adopted
    before = everything(site, name)
    first = site.deploy(site.image("one"), (50, 100), adopt_group=name, **SAME_AS_RUNNING)
    with_option, mark = {"adopt_group": name, **SAME_AS_RUNNING}, site.aws.mark()
    image_id = site.image("two")

    planned = site.run(site.set_up_step(image_id, check_mode=True, **with_option), check_mode=True)
    assert f"{name} has no instances to take over" in [event.text for event in planned.events]
    second = site.deploy(image_id, (50, 100), **with_option)

    assert naming(site, mark, name) == []
    assert desired(site, name, first, second) == [0, 0, 4]
    assert suspended(site, second) & SHIELD == set(), "the base is copied as it was before it was shielded"
    assert site.shop.policies(second) == site.shop.policies(first)
    # Back step by step, to what there was before the collection came.
    site.roll_back()
    assert desired(site, name, first) == [0, 4]
    site.roll_back(first)
    assert everything(site, name) == before


def test_one_that_somebody_grew_again_is_outgoing_again(live_base: tuple[Site, str]) -> None:
    site, name = live_base
    site.deploy(site.image("one"), (100,), adopt_group=name, **SAME_AS_RUNNING)
    site.shop.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=name, DesiredCapacity=2)
    site.clock.sleep(10)
    second = site.deploy(site.image("two"), (50, 100))
    assert desired(site, name, second) == [0, 4]
    third = site.deploy(site.image("three"), (100,))
    assert suspended(site, third) & SHIELD == set(), "what shields the base is never copied"
    site.roll_back()
    site.roll_back(second)
    assert desired(site, name) == [2]
    assert suspended(site, name) == {"AZRebalance"}


def test_one_that_was_deleted_since_needs_not_be_adopted(live_base: tuple[Site, str]) -> None:
    site = live_base[0]
    site.make_base(AutoScalingGroupName=OTHER, LaunchTemplate=template_of(site), MaxSize=4, DesiredCapacity=2)
    site.clock.sleep(10)
    site.deploy(site.image("one"), (100,), adopt_group=OTHER)
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=OTHER, ForceDelete=True)
    site.clock.sleep(10)
    site.forget()
    planned = site.run(
        site.set_up_step(site.image("two"), adopt_group=OTHER, check_mode=True), check_mode=True
    )
    assert f"{OTHER} is gone, and needs not be adopted any more" in [event.text for event in planned.events]
    # There is nothing to go back to, and that is said instead of taking away what works.
    with pytest.raises(Drifted, match=f"somebody else has deleted outgoing group {OTHER}"):
        site.roll_back()


# --------------------------------------------------------------- without the option


def test_without_the_option_it_is_never_touched(adopted: tuple[Site, str]) -> None:
    site, name = adopted
    before, had, mark = everything(site, name), instances_of(site, name), site.aws.mark()
    for image in ("one", "two", "three"):
        group = site.deploy(site.image(image))
    site.roll_back()
    site.run(site.prune_step(0))
    site.set_up(site.image("four"))
    site.roll_back()
    assert naming(site, mark, name) == []
    assert everything(site, name) == before
    assert instances_of(site, name) == had
    assert group.startswith(site.prefix)


# ------------------------------------------------------------------------- killed


def kill(site: Site, run: Callable[[], object], writes: int) -> bool:
    """Let the process die before its write of that number, from 0; returns whether it came to that."""
    mark = site.aws.mark()

    def at_call(number: int) -> None:
        # The call before this one is recorded, this one is not: die once so many were done.
        if len(site.aws.writes(mark)) >= writes:
            raise Killed

    with site.aws.before_calls(at_call):
        try:
            run()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("ending", ["rollback", "resume"])
def test_a_set_up_that_was_killed_at_any_write_is_taken_back_or_completed(
    live_base: tuple[Site, str], ending: str
) -> None:
    site, name = live_base
    before, standing, had = everything(site, name), site.standing(), instances_of(site, name)
    options = {"adopt_group": name, **SAME_AS_RUNNING}
    image_id, seen = site.image("one"), set()
    for writes in range(1, 20):
        step = site.set_up_step(image_id, f"killed-{writes}", **options)
        if not kill(site, lambda step=step: site.run(step), writes):  # type: ignore[misc]
            break
        seen.add((journal.BEFORE in tags(site, name), suspended(site, name) >= SHIELD))
        other = {"owner": f"other-{writes}", "take_over": True}
        if ending == "resume":
            group = site.set_up(image_id, **options, **other)
            assert suspended(site, name) == SHIELD | {"AZRebalance"}
            site.upgrade(group, 50, **other)
            assert desired(site, name, group) == [2, 2]
        site.roll_back(**other)
        assert everything(site, name) == before, writes
        assert site.standing() == standing, writes
        if ending == "rollback":
            assert instances_of(site, name) == had
    assert writes > 4
    assert seen == {(False, False), (True, False), (True, True)}


def test_a_set_up_that_is_denied_half_way_takes_its_tags_off_again(live_base: tuple[Site, str]) -> None:
    site, name = live_base
    image_id, before, standing = site.image("one"), everything(site, name), site.standing()
    for operation in ("CreateOrUpdateTags", "SuspendProcesses"):
        fault = site.aws.fault("deny", service="autoscaling", operation=operation)
        with fault, pytest.raises(RolloutError, match="taken away again"):
            site.set_up(image_id, adopt_group=name, **SAME_AS_RUNNING)
        assert everything(site, name) == before
        assert site.standing() == standing


def test_one_that_goes_away_in_the_middle_stops_the_deployment(site: Site) -> None:
    site.make_base(AutoScalingGroupName=OTHER, LaunchTemplate=template_of(site), MaxSize=4, DesiredCapacity=4)
    site.clock.sleep(10)
    group = site.set_up(site.image("one"), adopt_group=OTHER)
    site.upgrade(group, 50)
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=OTHER, ForceDelete=True)
    site.clock.sleep(10)
    site.forget()
    with pytest.raises(Drifted, match=f"outgoing group {OTHER} is gone"):
        site.upgrade(group, 100)
    site.upgrade(group, 100, on_drift="adopt")
    assert desired(site, group) == [4]


def test_one_that_loses_its_tags_in_the_middle_stops_the_deployment(live_base: tuple[Site, str]) -> None:
    site, name = live_base
    group = site.set_up(site.image("one"), adopt_group=name, **SAME_AS_RUNNING)
    site.upgrade(group, 50)
    site.shop.client("autoscaling").delete_tags(
        Tags=[
            {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": key}
            for key in (journal.SERIES, journal.BEFORE)
        ]
    )
    site.forget()
    with pytest.raises(Drifted, match=f"{name} has lost its tag {journal.BEFORE}"):
        site.upgrade(group, 100)


# ------------------------------------------------------------------------ refusals


def of_another_series(site: Site, name: str) -> str:
    site.mark(name, {journal.SERIES: "other__shop__prod"})
    return name


def already_a_revision(site: Site, name: str) -> str:
    return site.deploy(site.image("first"))


def no_room_for_tags(site: Site, name: str) -> str:
    site.mark(name, {f"key-{number}": "x" for number in range(47)})
    return name


def one_that_is_gone(site: Site, name: str) -> str:
    return "nobody"


def one_that_is_going(site: Site, name: str) -> str:
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    return name


def one_that_cannot_launch(site: Site, name: str) -> str:
    site.shop.client("autoscaling").suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    return name


REFUSALS: dict[Callable[[Site, str], str], str] = {
    of_another_series: f"group {OTHER} cannot be adopted, because it is of series other__shop__prod",
    already_a_revision: "group shop__checkout__prod__1 is a revision of series shop__checkout__prod already;"
    " it is outgoing without being adopted",
    no_room_for_tags: f"group {OTHER} cannot be adopted: it has 49 tags, the journal of a deployment needs 2 more,"
    " and AWS allows 50; remove 1 from it",
    one_that_is_gone: "there is no group nobody to adopt in this region",
    one_that_is_going: f"there is no group {OTHER} to adopt in this region",
    one_that_cannot_launch: f"Launch is suspended on {OTHER}, so that no group like it can reach a steady state;"
    " resume it first",
}


@pytest.mark.parametrize("arrange", REFUSALS, ids=lambda arrange: arrange.__name__)
def test_what_cannot_be_adopted_is_refused_before_anything_is_touched(
    aws: InProcess, arrange: Callable[[Site, str], str]
) -> None:
    site = Site(aws)
    make_live(site, OTHER)
    name = arrange(site, OTHER)
    image_id, mark = site.image("one"), site.aws.mark()
    with pytest.raises(InvalidInput) as refused:
        site.run(site.set_up_step(image_id, adopt_group=name))
    assert list(refused.value.problems) == [REFUSALS[arrange]]
    assert site.aws.writes(mark) == []


@pytest.mark.parametrize("arrange", [no_room_for_tags, one_that_cannot_launch])
def test_sizes_the_same_as_running_are_no_second_problem(
    aws: InProcess, arrange: Callable[[Site, str], str]
) -> None:
    site = Site(aws)
    make_live(site, OTHER)
    name = arrange(site, OTHER)
    with pytest.raises(InvalidInput) as refused:
        site.run(site.set_up_step(site.image("one"), adopt_group=name, **SAME_AS_RUNNING))
    assert list(refused.value.problems) == [REFUSALS[arrange]]


def test_tags_of_aws_take_no_room(aws: InProcess) -> None:
    """Tags that AWS itself gives a group do not count against its fifty (EC2 user guide, "Tag restrictions")."""
    site = Site(aws)
    make_live(site, OTHER)
    site.mark(OTHER, {f"key-{number}": "x" for number in range(46)})
    group = aws.world.autoscaling.groups[OTHER]
    key = "aws:cloudformation:stack-name"
    group.tags[key] = {**group.tags["team"], "Key": key, "PropagateAtLaunch": False}
    assert len(tags(site, OTHER)) == 49
    assert site.run(site.set_up_step(site.image("one"), adopt_group=OTHER, check_mode=True), check_mode=True)


def test_fifty_tags_are_enough(aws: InProcess) -> None:
    site = Site(aws)
    make_live(site, OTHER)
    site.mark(OTHER, {f"key-{number}": "x" for number in range(46)})
    before = tags(site, OTHER)
    group = site.set_up(site.image("one"), adopt_group=OTHER)
    assert len(tags(site, OTHER)) == len(before) + 2 == 50
    site.upgrade(group, 50)
    site.roll_back()
    assert tags(site, OTHER) == before
