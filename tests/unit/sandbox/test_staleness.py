# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are late, as the setting ``staleness`` makes them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.inprocess import InProcess
from tests.unit.engine import Site

STALENESS = 10.0


def names(aws: InProcess, **by: Any) -> list[str]:
    found = aws.client("autoscaling").describe_auto_scaling_groups(**by)["AutoScalingGroups"]
    return [group["AutoScalingGroupName"] for group in found]


def sizes(aws: InProcess, group: str) -> list[int]:
    """What twenty looks at one moment see of a group's desired capacity."""
    client = aws.client("autoscaling")
    looks = [
        client.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
        for __ in range(20)
    ]
    return [one["DesiredCapacity"] for look in looks for one in look]


@pytest.fixture
def stale(site: Site) -> Site:
    site.aws.advance(60)
    site.aws.world.settings.staleness = STALENESS
    return site


def resize(site: Site, desired: int) -> None:
    site.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=site.shop.base_group, MaxSize=10, DesiredCapacity=desired
    )


def test_a_group_is_seen_as_it_was_up_to_so_many_seconds_ago_by_each_call_for_itself(stale: Site) -> None:
    resize(stale, 3)
    assert set(sizes(stale.aws, stale.shop.base_group)) == {0}
    stale.aws.advance(STALENESS / 2)
    resize(stale, 5)
    assert set(sizes(stale.aws, stale.shop.base_group)) == {0, 3}
    stale.aws.advance(STALENESS / 2)
    assert set(sizes(stale.aws, stale.shop.base_group)) == {3, 5}
    stale.aws.advance(STALENESS / 2)
    assert set(sizes(stale.aws, stale.shop.base_group)) == {5}


def test_without_staleness_nothing_is_old(site: Site) -> None:
    resize(site, 3)
    assert set(sizes(site.aws, site.shop.base_group)) == {3}


def test_a_new_group_is_not_found_at_first_neither_by_its_name_nor_by_its_tag(stale: Site) -> None:
    aws, tag = stale.aws, {"Key": "team", "Value": "red"}
    template = {"LaunchTemplateName": stale.shop.base_group, "Version": "$Latest"}
    stale.make_base(AutoScalingGroupName="fresh", Tags=[tag], LaunchTemplate=template)
    by_tag = {"Filters": [{"Name": "tag:team", "Values": ["red"]}]}
    assert names(aws, AutoScalingGroupNames=["fresh"]) == []
    assert names(aws, **by_tag) == []
    with pytest.raises(ClientError, match="not found"):
        aws.client("autoscaling").describe_scaling_activities(AutoScalingGroupName="fresh")
    aws.advance(STALENESS / 2)
    seen = {
        (bool(names(aws, AutoScalingGroupNames=["fresh"])), bool(names(aws, **by_tag))) for __ in range(30)
    }
    assert len(seen) == 4
    aws.advance(STALENESS)
    assert names(aws, AutoScalingGroupNames=["fresh"]) == names(aws, **by_tag) == ["fresh"]


def test_what_is_gone_is_seen_for_a_while(stale: Site) -> None:
    template = {"LaunchTemplateName": stale.shop.base_group, "Version": "$Latest"}
    stale.make_base(AutoScalingGroupName="going", LaunchTemplate=template)
    stale.aws.advance(STALENESS * 2)
    stale.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName="going")
    assert names(stale.aws, AutoScalingGroupNames=["going"]) == ["going"]
    stale.aws.advance(STALENESS * 2)
    assert names(stale.aws, AutoScalingGroupNames=["going"]) == []


def test_policies_templates_targets_and_alarms_are_old_too(stale: Site) -> None:
    aws, shop = stale.aws, stale.shop
    autoscaling, ec2, elb = aws.client("autoscaling"), aws.client("ec2"), aws.client("elbv2")
    target_group = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    policy = {
        "AutoScalingGroupName": shop.base_group,
        "PolicyName": "late",
        "PolicyType": "SimpleScaling",
        "AdjustmentType": "ChangeInCapacity",
        "ScalingAdjustment": 1,
    }
    autoscaling.put_scaling_policy(**policy)
    template = ec2.create_launch_template(LaunchTemplateName="late", LaunchTemplateData={"ImageId": "ami-1"})
    template_id = template["LaunchTemplate"]["LaunchTemplateId"]
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="late",
        MetricName="CPUUtilization",
        Namespace="AWS/EC2",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    resize(stale, 1)
    aws.advance(0.5)

    def seen() -> list[bool]:
        policies = autoscaling.describe_policies(AutoScalingGroupName=shop.base_group)["ScalingPolicies"]
        alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        activities = autoscaling.describe_scaling_activities(AutoScalingGroupName=shop.base_group)
        targets = elb.describe_target_health(TargetGroupArn=target_group)
        try:
            ec2.describe_launch_template_versions(LaunchTemplateId=template_id)
            found = True
        except ClientError:
            found = False
        return [
            any(one["PolicyName"] == "late" for one in policies),
            any(one["AlarmName"] == "late" for one in alarms),
            bool(activities["Activities"]),
            bool(targets["TargetHealthDescriptions"]),
            found,
        ]

    # Some look at each of them came too late.
    assert not any(map(all, zip(*[seen() for __ in range(20)], strict=True)))
    aws.advance(STALENESS * 2)
    assert seen() == [True] * 5


def test_two_calls_at_one_moment_may_be_seen_half_done(stale: Site) -> None:
    client = stale.shop.client("autoscaling")
    stale.mark(stale.shop.base_group, {"one": "1"})
    stale.mark(stale.shop.base_group, {"two": "2"})
    stale.aws.advance(STALENESS - 0.5)
    seen = set()
    for __ in range(200):
        (group,) = client.describe_auto_scaling_groups(AutoScalingGroupNames=[stale.shop.base_group])[
            "AutoScalingGroups"
        ]
        seen.add(tuple(tag["Key"] for tag in group["Tags"]))
    assert len(seen) == 3


def test_it_is_set_over_http_as_any_setting(aws: InProcess) -> None:
    status, answer = aws.control.handle(
        "POST", "/sandbox/settings", "", json.dumps({"staleness": 3}).encode()
    )
    assert (status, answer["staleness"]) == (200, 3.0)
    assert aws.world.settings.staleness == 3.0


def test_remembering_a_thousand_instances_is_no_burden(stale: Site) -> None:
    stale.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=stale.shop.base_group, MinSize=0, MaxSize=1000, DesiredCapacity=1000
    )
    stale.aws.advance(30)
    began = time.process_time()
    for number in range(20):
        stale.mark(stale.shop.base_group, {"count": str(number)})
    # Milliseconds each, so that it is linear with any number.
    assert time.process_time() - began < 1.0
