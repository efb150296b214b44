# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A revision that goes takes its alarms and policies with it, whether retention or a rollback deletes it."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import AccessDenied

from tests.sandbox.inprocess import InProcess
from tests.unit.copying import bases
from tests.unit.engine import Site

THEIRS = "theirs"


@pytest.fixture
def scaling(aws: InProcess) -> Site:
    """A shop whose base scales by steps, by an alarm that tells operators too, and by target tracking."""
    site = Site(aws)
    site.make_base()
    site.shop.scale_with_cpu()
    more = bases.policy(
        site,
        "more",
        "StepScaling",
        AdjustmentType="ChangeInCapacity",
        StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
    )
    bases.alarm(site, "busy", AlarmActions=[more, bases.topic("operators")])
    bases.alarm(site, THEIRS, AlarmActions=[bases.topic("operators")])
    return site


def alarms(site: Site) -> set[str]:
    """The alarms, but for those of the base and those that nothing of the collection has to do with."""
    found = site.shop.client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    names = {one["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for one in found.get(kind, ())}
    assert names >= {"busy", THEIRS}
    return {name for name in names - {"busy", THEIRS} if site.shop.base_group not in name}


def of_revisions(site: Site, *numbers: int) -> set[str]:
    """The alarms that revisions have: a copy of the base's, and those of target tracking."""
    found = set()
    for number in numbers:
        group = f"{site.prefix}{number}"
        policies = site.shop.client("autoscaling").describe_policies(AutoScalingGroupName=group)
        found |= {alarm["AlarmName"] for policy in policies["ScalingPolicies"] for alarm in policy["Alarms"]}
        assert f"{group}-busy" in found
    return found


@pytest.mark.parametrize(("keep", "left"), [(0, (3,)), (1, (2, 3)), (2, (1, 2, 3))])
def test_alarms_and_policies_go_with_a_revision(scaling: Site, keep: int, left: tuple[int, ...]) -> None:
    for name in ("one", "two", "three"):
        scaling.deploy(scaling.image(name), (100,))
    assert alarms(scaling) == of_revisions(scaling, 1, 2, 3)
    expected = of_revisions(scaling, *left)
    scaling.run(scaling.prune_step(keep))
    assert alarms(scaling) == expected
    assert scaling.shop.policies(f"{scaling.prefix}3") == ["cpu-at-60", "more"]


def test_a_rollback_of_what_was_live_leaves_no_alarm(scaling: Site) -> None:
    scaling.deploy(scaling.image("one"), (100,))
    image_id, before, had = scaling.image("two"), scaling.standing(), alarms(scaling)
    scaling.deploy(image_id, (50, 100))
    scaling.roll_back()
    assert alarms(scaling) == had
    assert scaling.standing() == before


def test_an_alarm_that_somebody_elses_alarm_needs_stays(scaling: Site) -> None:
    for name in ("one", "two"):
        scaling.deploy(scaling.image(name), (100,))
    needed = f"{scaling.prefix}1-busy"
    scaling.shop.client("cloudwatch").put_composite_alarm(AlarmName="page", AlarmRule=f"ALARM({needed})")
    expected = {needed, "page"} | of_revisions(scaling, 2)
    outcome = scaling.run(scaling.prune_step(0))
    assert outcome.result["deleted"] == [f"{scaling.prefix}1"]
    assert alarms(scaling) == expected


def test_a_protected_base_can_be_rolled_back_and_its_revisions_are_kept(aws: InProcess) -> None:
    site = Site(aws)
    site.make_base(DeletionProtection="prevent-all-deletion")
    first = site.deploy(site.image("one"), (100,))
    image_id, before = site.image("two"), site.standing()
    second = site.deploy(image_id, (50, 100))
    assert (site.shop.group(second) or {})["DeletionProtection"] == "prevent-all-deletion"
    assert site.roll_back().result["removed"] == [second]
    assert site.standing() == before
    third = site.deploy(site.image("three"), (100,))
    outcome = site.run(site.prune_step(0))
    assert (outcome.result["deleted"], outcome.result["kept"]) == ([], [third, first])


def test_a_clean_up_that_is_denied_touches_nothing_and_can_be_done_later(scaling: Site) -> None:
    for name in ("one", "two", "three"):
        scaling.deploy(scaling.image(name), (100,))
    before = scaling.standing()
    with (
        scaling.aws.fault("deny", service="autoscaling", operation="DeleteAutoScalingGroup"),
        pytest.raises(AccessDenied, match="Allow autoscaling:DeleteAutoScalingGroup"),
    ):
        scaling.run(scaling.prune_step(0))
    assert scaling.standing() == before
    scaling.run(scaling.prune_step(0))
    assert list(scaling.desired()) == [3]


def test_a_clean_up_that_was_cut_off_at_any_pass_goes_on(scaling: Site) -> None:
    for name in ("one", "two", "three"):
        scaling.deploy(scaling.image(name), (100,))
    for __ in range(20):
        scaling.clock.sleep(200)
        if scaling.one_pass(scaling.prune_step(0)).done:
            break
    assert list(scaling.desired()) == [3]
    assert alarms(scaling) == of_revisions(scaling, 3)
    assert [name for name in scaling.standing() if name.startswith(f"template {scaling.prefix}")] == [
        f"template {scaling.prefix}3"
    ]
