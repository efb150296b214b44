# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's canary as a plain script: ``python plain_boto3.py SERIES BASE IMAGE POLL_SECONDS``.

What tests/benchmark compares the collection with: the same sizes in the same order, and nothing else of what the
collection does.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import boto3


def main(series: str, base: str, image_id: str, poll: float) -> None:
    """Deploy an image in three phases."""
    autoscaling, ec2, elbv2 = (boto3.client(name) for name in ("autoscaling", "ec2", "elbv2"))
    new, old = f"{series}__2", f"{series}__1"

    def groups(*names: str) -> list[dict[str, Any]]:
        found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=list(names))
        return sorted(found["AutoScalingGroups"], key=lambda one: str(one["AutoScalingGroupName"]))

    def resize(name: str, low: int, high: int, desired: int) -> None:
        autoscaling.update_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=low, MaxSize=high, DesiredCapacity=desired
        )

    def settle(name: str, wanted: int) -> None:
        while True:
            time.sleep(poll)
            (group,) = groups(name)
            serving = [one for one in group["Instances"] if one["LifecycleState"] == "InService"]
            if len(serving) == wanted == len(group["Instances"]):
                break
        while wanted:
            states = [
                one["TargetHealth"]["State"]
                for arn in group["TargetGroupARNs"]
                for one in elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
                if one["Target"]["Id"] in {each["InstanceId"] for each in serving}
            ]
            if states.count("healthy") == wanted:
                break
            time.sleep(poll)

    if not ec2.describe_images(ImageIds=[image_id])["Images"]:
        raise SystemExit(f"there is no image {image_id}")
    (template_of,) = groups(base)
    source = template_of["LaunchTemplate"]
    versions = ec2.describe_launch_template_versions(
        LaunchTemplateId=source["LaunchTemplateId"], Versions=[source["Version"]]
    )
    data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    ec2.create_launch_template(LaunchTemplateName=new, LaunchTemplateData={**data, "ImageId": image_id})
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=new,
        LaunchTemplate={"LaunchTemplateName": new, "Version": "1"},
        MinSize=0,
        MaxSize=10,
        DesiredCapacity=0,
        VPCZoneIdentifier=template_of["VPCZoneIdentifier"],
        TargetGroupARNs=template_of["TargetGroupARNs"],
        HealthCheckType=template_of["HealthCheckType"],
        HealthCheckGracePeriod=template_of["HealthCheckGracePeriod"],
    )
    for up, down in ((1, 3), (2, 2), (4, 0)):
        resize(new, up, 10, up)
        settle(new, up)
        resize(old, down, 10, down)
        settle(old, down)
    for policy in autoscaling.describe_policies(AutoScalingGroupName=base)["ScalingPolicies"]:
        autoscaling.put_scaling_policy(
            AutoScalingGroupName=new,
            PolicyName=policy["PolicyName"],
            PolicyType=policy["PolicyType"],
            TargetTrackingConfiguration=policy["TargetTrackingConfiguration"],
        )
    resize(new, 0, 10, 4)
    resize(old, 0, 10, 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
