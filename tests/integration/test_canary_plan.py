# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's ways to name the AMI, its plan without a change, and a group that it adopts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import PHASES, UNSET, Deployer, everything_about

ALL = [{"name": "All", "percent": 100}]


def test_the_plan_alone_changes_nothing_and_is_there_for_the_play(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two")
    mark = deployer.server.mark()

    run = deployer.deploy(image_id, canary_plan=True)

    assert run.code == 0, run.output
    assert deployer.server.writes(mark) == []
    shown = " ".join(run.output.split())
    for words in (
        "Canary 25 %: 1 new, 3 outgoing",
        f"Canary 25 %: {base.series}__2 gets min 1, max 10, desired 1",
        "at most 6 instances at a time, 2 more than now",
        "copied: tags: team",
    ):
        assert words in shown, words
    assert deployer.report["outcome"] == "planned"


def test_diff_mode_shows_the_new_group_beside_the_base(base: Shop, deployer: Deployer) -> None:
    run = deployer.deploy(deployer.image("one"), "--check", "--diff")
    assert run.code == 0, run.output
    assert (
        f"--- before: base group {base.base_group}" in run.output
        or f"base group {base.base_group}" in run.output
    )
    assert '"AutoScalingGroupName"' in run.output


def test_everything_that_a_revision_may_have_of_its_own_comes_from_variables(
    base: Shop, deployer: Deployer, tmp_path: Path
) -> None:
    image_id = deployer.image("web-2")
    script = tmp_path / "user-data.sh.j2"
    script.write_text("#!/bin/sh\necho {{ canary_service }}\n")
    ec2: Any = base.client("ec2")
    ec2.create_key_pair(KeyName=f"{base.application}-key")
    base.client("ssm").put_parameter(Name=f"/{base.application}/image", Value=image_id, Type="String")

    run = deployer.deploy(
        "",
        canary_image_id=UNSET,
        canary_image_ssm_parameter=f"/{base.application}/image",
        canary_user_data_file=str(script),
        canary_instance_type="t3.small",
        canary_key_name=f"{base.application}-key",
        canary_iam_instance_profile="checkout",
        canary_block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"volume_size": 40}}],
        canary_metadata_options={"http_tokens": "required"},
        canary_phases=ALL,
    )

    assert run.code == 0, run.output
    data = everything_about(base, f"{base.series}__1")["versions"][0][0]["LaunchTemplateData"]
    assert data["UserData"] == "IyEvYmluL3NoCmVjaG8gY2hlY2tvdXQK"
    assert data["ImageId"] == image_id
    assert data["InstanceType"] == "t3.small"
    assert data["KeyName"] == f"{base.application}-key"
    assert data["IamInstanceProfile"] == {"Name": "checkout"}
    assert data["BlockDeviceMappings"] == [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 40}}]
    assert data["MetadataOptions"] == {"HttpTokens": "required"}


def test_a_live_base_is_adopted_and_replaced_and_the_alarm_on_its_name_is_copied(
    base: Shop, deployer: Deployer
) -> None:
    base.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=base.base_group, MinSize=2, MaxSize=6, DesiredCapacity=4
    )
    base.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{base.application}-busy",
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": base.base_group}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=3,
        Threshold=99.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    image_id = deployer.image("web-1")

    run = deployer.deploy(
        "",
        canary_alarms_of_group="copy",
        canary_image_id=UNSET,
        canary_image_name=f"{base.application}-web-*",
        canary_adopt_group=base.base_group,
        canary_min_size=UNSET,
        canary_max_size=UNSET,
        canary_desired_capacity=UNSET,
        canary_phases=PHASES[1:],
    )

    assert run.code == 0, run.output
    group = base.group(f"{base.series}__1") or {}
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (2, 6, 4)
    assert {one["ImageId"] for one in group["Instances"]} == {image_id}
    copied = f"{base.series}__1-{base.application}-busy"
    assert copied in alarms(base)
    adopted = base.group(base.base_group) or {}
    assert (adopted["DesiredCapacity"], adopted["Instances"]) == (0, [])
    undone = deployer.play("rollback", canary_settle_time=0, canary_poll_interval=0.2)
    assert undone.code == 0, undone.output
    restored = base.group(base.base_group) or {}
    assert Sizes(restored["MinSize"], restored["MaxSize"], restored["DesiredCapacity"], 0) == Sizes(
        2, 6, 4, 0
    )
    assert [tag["Key"] for tag in restored["Tags"]] == ["team"]
    assert base.revisions() == {}
    assert copied not in alarms(base)
    assert f"{base.application}-busy" in alarms(base)


def alarms(shop: Shop) -> set[str]:
    pages = shop.client("cloudwatch").get_paginator("describe_alarms").paginate()
    return {one["AlarmName"] for page in pages for one in page["MetricAlarms"]}
