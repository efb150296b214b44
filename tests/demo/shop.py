# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretend shop on the pretend AWS: what a user has before the first deployment, made with plain boto3."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3

REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
INSTANCE_TYPE = "t3.micro"
SERIES_TAG = "progressive:series"


@dataclass(frozen=True)
class Sizes:
    """The sizes of a group, in instances, and how many of them are in service."""

    min_size: int
    max_size: int
    desired_capacity: int
    in_service: int


@dataclass
class Shop:
    """One service of the shop: C(application), C(service), C(environment) name its series.

    Everything is named after the application, so that several shops can share one AWS.
    """

    endpoint: str
    application: str = "shop"
    service: str = "checkout"
    environment: str = "prod"
    region: str = REGION
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def series(self) -> str:
        """The name of its series."""
        return f"{self.application}__{self.service}__{self.environment}"

    @property
    def base_group(self) -> str:
        """The name of its base group."""
        return f"{self.application}-{self.service}-base"

    def client(self, service: str) -> Any:
        """A boto3 client for the pretend AWS."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service, endpoint_url=self.endpoint, region_name=self.region, **CREDENTIALS
            )
        return self._clients[service]

    # ------------------------------------------------------------- building

    def register_image(self, name: str, architecture: str = "x86_64") -> str:
        """Register an AMI and return its id."""
        made = self.client("ec2").register_image(
            Name=f"{self.application}-{name}",
            Architecture=architecture,
            RootDeviceName="/dev/xvda",
            VirtualizationType="hvm",
            EnaSupport=True,
        )
        return str(made["ImageId"])

    def subnets(self) -> list[str]:
        """The ids of two subnets of the default VPC, in different zones."""
        found = self.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
        ids = sorted(subnet["SubnetId"] for subnet in found["Subnets"])
        return ids[:2]

    def launch_template(self, image_id: str) -> dict[str, str]:
        """Make the base's launch template and return how a group names it."""
        made = self.client("ec2").create_launch_template(
            LaunchTemplateName=self.base_group,
            LaunchTemplateData={
                "ImageId": image_id,
                "InstanceType": INSTANCE_TYPE,
                "Monitoring": {"Enabled": True},
            },
        )
        return {"LaunchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"], "Version": "$Latest"}

    def launch_configuration(self, image_id: str) -> str:
        """Make the base's launch configuration and return its name."""
        self.client("autoscaling").create_launch_configuration(
            LaunchConfigurationName=self.base_group,
            ImageId=image_id,
            InstanceType=INSTANCE_TYPE,
            UserData="#!/bin/sh\necho base\n",
        )
        return self.base_group

    def target_group(self, suffix: str = "web") -> str:
        """Make an application load balancer with a listener and a target group; return the latter's ARN."""
        elbv2, name = self.client("elbv2"), f"{self.application}-{suffix}"
        vpc = self.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][
            0
        ]
        balancer = elbv2.create_load_balancer(Name=name, Subnets=self.subnets(), Type="application")
        group = elbv2.create_target_group(
            Name=name, Protocol="HTTP", Port=80, VpcId=vpc["VpcId"], TargetType="instance"
        )
        arn = str(group["TargetGroups"][0]["TargetGroupArn"])
        elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        return arn

    def classic_load_balancer(self, suffix: str = "classic") -> str:
        """Make a classic load balancer and return its name."""
        name = f"{self.application}-{suffix}"
        self.client("elb").create_load_balancer(
            LoadBalancerName=name,
            Listeners=[
                {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 80}
            ],
            Subnets=self.subnets(),
        )
        return name

    def make_base_group(self, **overrides: Any) -> None:
        """Make the base group: the template of all revisions, with no instance of its own."""
        arguments: dict[str, Any] = {
            "AutoScalingGroupName": self.base_group,
            "MinSize": 0,
            "MaxSize": 0,
            "DesiredCapacity": 0,
            "VPCZoneIdentifier": ",".join(self.subnets()),
            "HealthCheckType": "ELB" if "TargetGroupARNs" in overrides else "EC2",
            "HealthCheckGracePeriod": 0,
            "Tags": [{"Key": "team", "Value": "checkout", "PropagateAtLaunch": True}],
        }
        self.client("autoscaling").create_auto_scaling_group(**{**arguments, **overrides})

    def scale_with_cpu(self) -> None:
        """Give the base group a target tracking policy: CPU at 60 %."""
        self.client("autoscaling").put_scaling_policy(
            AutoScalingGroupName=self.base_group,
            PolicyName="cpu-at-60",
            PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration={
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                "TargetValue": 60.0,
            },
        )

    # -------------------------------------------------------------- looking

    def group(self, name: str) -> dict[str, Any] | None:
        """A group as AWS describes it; None where there is none."""
        found = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        groups = found["AutoScalingGroups"]
        return dict(groups[0]) if groups else None

    def revisions(self) -> dict[str, Sizes]:
        """The sizes of all revisions of the series, by name, oldest first; a fresh baseline is none."""
        paginator = self.client("autoscaling").get_paginator("describe_auto_scaling_groups")
        pages = paginator.paginate(Filters=[{"Name": f"tag:{SERIES_TAG}", "Values": [self.series]}])
        found = [group for page in pages for group in page["AutoScalingGroups"]]
        groups = [group for group in found if is_revision(group["AutoScalingGroupName"])]
        groups.sort(key=lambda group: int(group["AutoScalingGroupName"].rpartition("__")[2]))
        return {group["AutoScalingGroupName"]: sizes_of(group) for group in groups}

    def policies(self, group: str) -> list[str]:
        """The names of a group's scaling policies."""
        found = self.client("autoscaling").describe_policies(AutoScalingGroupName=group)
        return sorted(policy["PolicyName"] for policy in found["ScalingPolicies"])


def is_revision(name: str) -> bool:
    """Whether a group is a revision by its name."""
    return name.rpartition("__")[2].isdigit()


def in_service(group: dict[str, Any]) -> list[str]:
    """The ids of a group's instances that count as capacity in service."""
    return [
        str(instance["InstanceId"])
        for instance in group["Instances"]
        if instance["LifecycleState"] == "InService" and instance["HealthStatus"] == "Healthy"
    ]


def sizes_of(group: dict[str, Any]) -> Sizes:
    """The sizes of a group as AWS describes it."""
    return Sizes(group["MinSize"], group["MaxSize"], group["DesiredCapacity"], len(in_service(group)))
