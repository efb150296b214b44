# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms that watch an outgoing group by its name: told in the plan, or copied, and never left over."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.copying.group_alarms import composites_of
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    AccessDenied,
    InvalidInput,
    LateAnswers,
)

from tests.unit.copying import bases
from tests.unit.engine import Site

COPY = {"alarms_of_group": "copy"}
PAGER = bases.topic("pager")


def dimensions(group: str) -> list[dict[str, str]]:
    return [{"Name": "AutoScalingGroupName", "Value": group}]


def watch(site: Site, group: str, name: str = "cpu", **more: Any) -> None:
    """An alarm on a group's CPU that wakes somebody."""
    bases.alarm(site, name, **{"Dimensions": dimensions(group), "AlarmActions": [PAGER], **more})


def watch_by_math(site: Site, group: str, name: str = "math") -> None:
    """An alarm on an expression of two metrics, of which one is the group's."""

    def stat(query_id: str, of: list[dict[str, str]]) -> dict[str, Any]:
        metric = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": of}
        return {
            "Id": query_id,
            "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"},
            "ReturnData": False,
        }

    other = [{"Name": "InstanceId", "Value": "i-0123456789abcdef0"}]
    total = {"Id": "total", "Expression": "own + other", "ReturnData": True}
    bases.alarm(
        site, name, Metrics=[stat("own", dimensions(group)), stat("other", other), total], OKActions=[PAGER]
    )


def alarms(site: Site) -> dict[str, dict[str, Any]]:
    """All metric alarms but those that target tracking makes."""
    found = site.shop.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {one["AlarmName"]: one for one in found if not one["AlarmName"].startswith("TargetTracking")}


def tags(site: Site, alarm: dict[str, Any]) -> dict[str, str]:
    found = site.shop.client("cloudwatch").list_tags_for_resource(ResourceARN=alarm["AlarmArn"])
    return {one["Key"]: one["Value"] for one in found["Tags"]}


def warnings(outcome: Any) -> str:
    return "\n".join(one.text for one in outcome.events if one.kind == "warning")


def live(site: Site) -> str:
    """The group of a first revision that is live."""
    return site.deploy(site.image("one"), (100,))


# ---------------------------------------------------------------------- telling


@pytest.mark.parametrize("check_mode", [True, False], ids=["plan", "set-up"])
def test_they_are_named_by_plan_and_set_up_and_left_alone(site: Site, check_mode: bool) -> None:
    first = live(site)
    watch(site, first)
    watch_by_math(site, first)
    watch(site, f"{first}0", "of another group")
    cloudwatch = site.shop.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName="page", AlarmRule='ALARM("cpu") OR ALARM("of another group")')
    image_id, mark = site.image("two"), site.aws.mark()
    told = warnings(
        site.run(site.set_up_step(image_id, check_mode=check_mode), check_mode=check_mode)
    ).splitlines()
    assert (
        f"alarms cpu, math watch by its name group {first}, which goes out, and will see nothing of the new one;"
        " alarms_of_group copy (canary_alarms_of_group) copies them for it"
    ) in told
    assert "composite alarm page refers to cpu, which will see nothing of the new group" in told
    assert "of another group" not in "\n".join(told)
    assert not [one for one in site.aws.writes(mark) if one["service"] == "cloudwatch"]


def test_without_the_option_none_is_copied(site: Site) -> None:
    watch(site, live(site))
    site.deploy(site.image("two"), (100,))
    assert list(alarms(site)) == ["cpu"]


def test_what_cannot_be_read_is_said_to_be_unchecked_where_nothing_is_to_be_copied(site: Site) -> None:
    live(site)
    image_id = site.image("two")
    with site.aws.fault("deny", service="cloudwatch", operation="DescribeAlarms"):
        checks = site.run(site.set_up_step(image_id, check_mode=True), check_mode=True).result["checks"]
    assert any(one["check"] == "alarms" and one["result"] == "not_checked" for one in checks)


def test_what_cannot_be_read_and_is_to_be_copied_is_refused_before_anything_is_touched(site: Site) -> None:
    live(site)
    image_id, mark = site.image("two"), site.aws.mark()
    with (
        site.aws.fault("deny", service="cloudwatch", operation="DescribeAlarms"),
        pytest.raises(AccessDenied, match="Allow cloudwatch:DescribeAlarms"),
    ):
        site.set_up(image_id, **COPY)
    assert site.aws.writes(mark) == []


@pytest.mark.parametrize(
    ("rule", "used"),
    [
        ("ALARM(cpu)", ["cpu"]),
        ('NOT ok( "cpu" ) AND INSUFFICIENT_DATA("a b")', ["a b", "cpu"]),
        ("ALARM(arn:aws:cloudwatch:eu-west-1:123456789012:alarm:cpu)", ["cpu"]),
        ('ALARM("cpu2") OR TRUE', []),
    ],
)
def test_a_composite_alarm_is_known_by_its_rule(rule: str, used: list[str]) -> None:
    found = dict(composites_of([{"AlarmName": "page", "AlarmRule": rule}], {"cpu", "a b"}))
    assert found.get("page", []) == used


def test_a_composite_alarm_is_known_by_its_suppressor() -> None:
    page = {"AlarmName": "page", "AlarmRule": "ALARM(other)", "ActionsSuppressor": "cpu"}
    assert dict(composites_of([page], {"cpu"})) == {"page": ["cpu"]}


# ---------------------------------------------------------------------- copying


def test_they_are_copied_with_the_final_phase_and_the_originals_stay(site: Site) -> None:
    first = live(site)
    watch(site, first, Tags=[{"Key": "team", "Value": "checkout"}], InsufficientDataActions=[PAGER])
    watch_by_math(site, first)
    before = alarms(site)
    second = site.set_up(site.image("two"), **COPY)
    site.upgrade(second, 50)
    assert alarms(site) == before
    site.upgrade(second, 100)
    now = alarms(site)
    assert set(now) == {"cpu", "math", f"{second}-cpu", f"{second}-math"}
    copied, math = now[f"{second}-cpu"], now[f"{second}-math"]
    assert copied["Dimensions"] == dimensions(second)
    assert (copied["AlarmActions"], copied["InsufficientDataActions"]) == ([PAGER], [PAGER])
    assert tags(site, copied) == {
        "team": "checkout",
        "progressive:series": site.shop.series,
        "progressive:revision": "2",
    }
    queries = {one["Id"]: one for one in math["Metrics"]}
    assert queries["own"]["MetricStat"]["Metric"]["Dimensions"] == dimensions(second)
    assert queries["other"]["MetricStat"]["Metric"]["Dimensions"][0]["Name"] == "InstanceId"
    assert math["OKActions"] == [PAGER]
    assert now["cpu"]["Dimensions"] == dimensions(first)


def test_a_copy_of_a_copy_has_one_groups_name_in_front(site: Site) -> None:
    watch(site, live(site))
    for name in ("two", "three"):
        last = site.deploy(site.image(name), (100,), **COPY)
    now = alarms(site)
    assert set(now) == {"cpu", f"{site.prefix}2-cpu", f"{last}-cpu"}
    assert tags(site, now[f"{last}-cpu"])["progressive:revision"] == "3"


def test_alarms_of_scaling_policies_come_from_the_base_alone(site: Site) -> None:
    policy = bases.policy(
        site,
        "more",
        "StepScaling",
        AdjustmentType="ChangeInCapacity",
        StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
    )
    bases.alarm(site, "busy", AlarmActions=[policy, PAGER])
    first = live(site)
    policies = site.shop.client("autoscaling").describe_policies(AutoScalingGroupName=first)
    own = next(one["PolicyARN"] for one in policies["ScalingPolicies"] if one["PolicyName"] == "more")
    watch(site, first, "by hand", AlarmActions=[own])
    step = site.set_up_step(site.image("two"), **COPY)
    outcome = site.run(step)
    second = str(outcome.result["group"])
    assert f"alarm by hand acts on a scaling policy of group {first}" in warnings(outcome)
    assert "busy" not in warnings(outcome)
    site.upgrade(second, 100)
    assert set(alarms(site)) == {"busy", "by hand", f"{first}-busy", f"{second}-busy"}


def test_an_adopted_groups_alarms_are_copied_too(site: Site) -> None:
    site.make_base(
        AutoScalingGroupName="by-hand",
        LaunchTemplate=_template(site),
        MinSize=4,
        MaxSize=4,
        DesiredCapacity=4,
    )
    site.clock.sleep(20)
    watch(site, "by-hand")
    first = site.deploy(site.image("one"), (100,), adopt_group="by-hand", **COPY)
    assert set(alarms(site)) == {"cpu", f"{first}-cpu"}


def _template(site: Site) -> dict[str, str]:
    template = (site.shop.group(site.shop.base_group) or {})["LaunchTemplate"]
    return {name: template[name] for name in ("LaunchTemplateId", "Version")}


def test_a_composite_alarm_is_told_of_the_copy(site: Site) -> None:
    watch(site, live(site))
    site.shop.client("cloudwatch").put_composite_alarm(AlarmName="page", AlarmRule="ALARM(cpu)")
    outcome = site.run(site.set_up_step(site.image("two"), **COPY))
    words = f"composite alarm page refers to cpu, and not to the copy {site.prefix}2-cpu: change its rule"
    assert words in warnings(outcome)


def test_a_name_that_somebody_elses_alarm_has_is_refused_and_so_is_a_want_of_room_for_tags(
    site: Site,
) -> None:
    first = live(site)
    watch(site, first)
    watch(site, first, "tagged", Tags=[{"Key": f"key-{number}", "Value": "x"} for number in range(50)])
    theirs = f"{site.prefix}2-cpu"
    watch(site, "elsewhere", theirs)
    image_id, mark = site.image("two"), site.aws.mark()
    with pytest.raises(InvalidInput) as refused:
        site.set_up(image_id, **COPY)
    problems = "\n".join(refused.value.problems)
    assert f"there is an alarm {theirs} already, which is not of the series" in problems
    assert "alarm tagged has 50 tags, and its copy needs 2 more" in problems
    assert site.aws.writes(mark) == []


def test_an_alarm_of_somebody_else_that_came_meanwhile_is_left_alone(site: Site) -> None:
    watch(site, live(site))
    second = site.set_up(site.image("two"), **COPY)
    theirs = f"{second}-cpu"
    watch(site, "elsewhere", theirs)
    site.upgrade(second, 100)
    assert alarms(site)[theirs]["Dimensions"] == dimensions("elsewhere")
    site.roll_back()
    assert set(alarms(site)) == {"cpu", theirs}


@pytest.mark.parametrize(("began", "goes_on", "copied"), [("tell", "copy", True), ("copy", "tell", False)])
def test_who_goes_on_with_it_may_say_otherwise(site: Site, began: str, goes_on: str, copied: bool) -> None:
    watch(site, live(site))
    image_id = site.image("two")
    second = site.set_up(image_id, alarms_of_group=began)
    assert site.set_up(image_id, alarms_of_group=goes_on) == second
    site.upgrade(second, 100)
    assert (f"{second}-cpu" in alarms(site)) == copied


# --------------------------------------------------------------------- removing


@pytest.mark.parametrize("percent", [50, 100])
def test_a_rollback_leaves_everything_as_it_was(site: Site, percent: int) -> None:
    watch(site, live(site))
    image_id, before = site.image("two"), site.standing()
    second = site.set_up(image_id, **COPY)
    site.upgrade(second, percent)
    site.roll_back()
    assert site.standing() == before


def test_a_group_that_is_kept_for_a_look_has_no_copies(site: Site) -> None:
    watch(site, live(site))
    second = site.deploy(site.image("two"), (100,), **COPY)
    assert site.roll_back(keep_failed=True).result["kept"] == [second]
    assert set(alarms(site)) == {"cpu"}


@pytest.mark.parametrize("cut_off", [False, True], ids=["at once", "cut off"])
def test_they_go_with_their_revision_and_nobody_elses_does(site: Site, cut_off: bool) -> None:
    watch(site, live(site))
    for name in ("two", "three"):
        last = site.deploy(site.image(name), (100,), **COPY)
    watch(site, "elsewhere", f"{site.prefix}2-of-somebody")
    if cut_off:
        # The group is gone, and its copies are not.
        with (
            site.aws.fault("deny", service="cloudwatch", operation="DeleteAlarms"),
            pytest.raises(AccessDenied, match="Allow cloudwatch:DeleteAlarms"),
        ):
            site.run(site.prune_step(0))
        assert f"{site.prefix}2-cpu" in alarms(site)
    site.run(site.prune_step(0))
    assert list(site.desired()) == [3]
    assert set(alarms(site)) == {"cpu", f"{last}-cpu", f"{site.prefix}2-of-somebody"}


def test_a_copy_that_a_composite_alarm_needs_stays_and_nothing_waits_for_it(site: Site) -> None:
    watch(site, live(site))
    for name in ("two", "three"):
        site.deploy(site.image(name), (100,), **COPY)
    needed = f"{site.prefix}2-cpu"
    site.shop.client("cloudwatch").put_composite_alarm(AlarmName="page", AlarmRule=f"ALARM({needed})")
    for __ in range(2):
        site.run(site.prune_step(0))
    assert needed in alarms(site)


def test_a_copy_that_answers_do_not_show_yet_is_waited_for(site: Site) -> None:
    watch(site, live(site))
    second = site.deploy(site.image("two"), (100,), **COPY)
    site.aws.world.cloudwatch.alarms.by_name.pop(f"{second}-cpu")
    with pytest.raises(LateAnswers, match=f"alarm {second}-cpu"):
        site.rollout().cloudwatch.alarms_beginning(f"{second}-")
