# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto Scaling groups on the pretend AWS of this process, for tests of the sandbox itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.inprocess import InProcess


class Fleet:
    """Somebody who has an image, a launch template and two subnets, and makes groups of them."""

    def __init__(self, aws: InProcess) -> None:
        self.aws = aws
        self.autoscaling = aws.client("autoscaling")
        self.ec2 = aws.client("ec2")
        self.cloudwatch = aws.client("cloudwatch")
        self.subnets = sorted(
            (subnet["SubnetId"], subnet["AvailabilityZone"])
            for subnet in self.ec2.describe_subnets()["Subnets"]
        )[:2]
        self.image = self.register_image("image")
        self.template = self.make_template("template", self.image)

    def register_image(self, name: str) -> str:
        made = self.ec2.register_image(
            Name=name, Architecture="x86_64", RootDeviceName="/dev/xvda", EnaSupport=True
        )
        return str(made["ImageId"])

    def make_template(self, name: str, image_id: str, **data: Any) -> dict[str, str]:
        """Make a launch template and return how a group names it."""
        made = self.ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={"ImageId": image_id, "InstanceType": "t3.micro", **data},
        )
        return {"LaunchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"], "Version": "$Default"}

    def make(self, name: str = "group", size: int = 0, **options: Any) -> None:
        """Make a group of ``size`` instances, of at most ten. An option that is None is left out."""
        arguments: dict[str, Any] = {
            "MinSize": 0,
            "MaxSize": 10,
            "DesiredCapacity": size,
            "LaunchTemplate": self.template,
            "VPCZoneIdentifier": ",".join(identifier for identifier, _ in self.subnets),
            **options,
        }
        given = {option: value for option, value in arguments.items() if value is not None}
        self.autoscaling.create_auto_scaling_group(AutoScalingGroupName=name, **given)

    def settled(self, name: str = "group", size: int = 0, **options: Any) -> list[str]:
        """Make a group, wait until it has its instances, and return their ids."""
        self.make(name, size, **options)
        self.aws.settle()
        return self.in_service(name)

    def group(self, name: str = "group") -> dict[str, Any]:
        answer = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return dict(answer["AutoScalingGroups"][0])

    def exists(self, name: str = "group") -> bool:
        answer = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return bool(answer["AutoScalingGroups"])

    def sizes(self, name: str = "group") -> tuple[int, int, int]:
        group = self.group(name)
        return group["MinSize"], group["MaxSize"], group["DesiredCapacity"]

    def instances(self, name: str = "group") -> dict[str, str]:
        """Return the states of a group's instances, by id."""
        return {one["InstanceId"]: one["LifecycleState"] for one in self.group(name)["Instances"]}

    def in_service(self, name: str = "group") -> list[str]:
        return [instance for instance, state in self.instances(name).items() if state == "InService"]

    def activities(self, name: str = "group") -> list[dict[str, Any]]:
        """Return a group's scaling activities, newest first."""
        answer = self.autoscaling.describe_scaling_activities(AutoScalingGroupName=name)
        return list(answer["Activities"])

    def resize(self, desired: int, name: str = "group") -> None:
        self.autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=desired)

    def suspend(self, *processes: str, name: str = "group") -> None:
        self.autoscaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=list(processes))

    def resume(self, *processes: str, name: str = "group") -> None:
        self.autoscaling.resume_processes(AutoScalingGroupName=name, ScalingProcesses=list(processes))

    def ec2_state(self, instance_id: str) -> str:
        answer = self.ec2.describe_instances(InstanceIds=[instance_id])
        return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])

    # --- load balancers -------------------------------------------------------------------------------

    def target_group(self, name: str = "web", listener: bool = True) -> str:
        """Make an application load balancer and its target group; return the latter's ARN."""
        elbv2 = self.aws.client("elbv2")
        vpc = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        made = elbv2.create_target_group(
            Name=name, Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance"
        )
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        if listener:
            self.listen(name, arn)
        return arn

    def listen(self, name: str, target_group: str) -> str:
        """Make a load balancer that forwards to a target group; return its ARN."""
        elbv2 = self.aws.client("elbv2")
        subnets = [identifier for identifier, _ in self.subnets]
        balancer = elbv2.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]
        elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}],
        )
        return str(balancer["LoadBalancerArn"])

    def health(self, target_group: str, *instance_ids: str) -> dict[str, str]:
        """Return the states of a target group's targets, by instance."""
        named = {"Targets": [{"Id": instance_id} for instance_id in instance_ids]} if instance_ids else {}
        answer = self.aws.client("elbv2").describe_target_health(TargetGroupArn=target_group, **named)
        return {
            one["Target"]["Id"]: one["TargetHealth"]["State"] for one in answer["TargetHealthDescriptions"]
        }

    def classic(self, name: str = "classic") -> str:
        """Make a classic load balancer; return its name."""
        self.aws.client("elb").create_load_balancer(
            LoadBalancerName=name,
            Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
            Subnets=[identifier for identifier, _ in self.subnets],
        )
        return name


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    """Within the block AWS answers with an error of this code, whose message has these words."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    for word in words:
        assert word in error["Message"], error
