# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base groups such as people have published, with their repositories and paths; names and values are ours.

Each is there for what it puts together: what it has, AWS takes in this combination.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from tests.demo.shop import INSTANCE_TYPE
from tests.unit.copying.bases import (
    BEGINNING,
    SERVICE_ROLES,
    alarm,
    call,
    group_metric,
    label,
    mixed,
    policy,
    role,
    template,
    topic,
)
from tests.unit.engine import Site

#: What builds each base, by where it was found.
PUBLIC_BASES: dict[str, Callable[[Site], None]] = {}

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"
ERRORS = ["autoscaling:EC2_INSTANCE_LAUNCH_ERROR", "autoscaling:EC2_INSTANCE_TERMINATE_ERROR"]
SIZES_IN_METRICS = [
    *("GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances"),
    *("GroupPendingInstances", "GroupTerminatingInstances"),
]


def found(repository: str, path: str, what: str = "") -> Callable[[Callable[[Site], None]], None]:
    """Add a base to C(PUBLIC_BASES): where it was found, and which of the groups there it is."""

    def add(build: Callable[[Site], None]) -> None:
        PUBLIC_BASES[" ".join(filter(None, (repository, path, what)))] = build

    return add


# ---------------------------------------------------------------- in small pieces


def launched_from(site: Site, data: dict[str, Any], version: str = "$Latest") -> dict[str, Any]:
    """Make a launch template with these data and return what a group launches from."""
    base: dict[str, Any] = {"ImageId": site.image("base"), "InstanceType": INSTANCE_TYPE}
    return {"LaunchTemplateId": template(site, "published", base | data), "Version": version}


def security_group(site: Site, name: str = "web") -> str:
    """Make a security group and return its id."""
    ec2 = site.shop.client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])


def hook(name: str, transition: str, seconds: int, result: str, **members: Any) -> dict[str, Any]:
    """Describe a life cycle hook."""
    return {
        "LifecycleHookName": name,
        "LifecycleTransition": transition,
        "HeartbeatTimeout": seconds,
        "DefaultResult": result,
        **members,
    }


def scheduled(site: Site, **actions: dict[str, Any]) -> None:
    """Give the base scheduled actions, which change nothing while it is a base."""
    call(site, "suspend_processes", ScalingProcesses=["ScheduledActions"])
    for name, members in actions.items():
        call(site, "put_scheduled_update_group_action", ScheduledActionName=name, **members)


def sizes(least: int, most: int, desired: int) -> dict[str, int]:
    """Say which sizes a scheduled action sets."""
    return {"MinSize": least, "MaxSize": most, "DesiredCapacity": desired}


def collect(site: Site, *metrics: str) -> None:
    """Have Auto Scaling publish metrics of the base."""
    call(site, "enable_metrics_collection", Granularity="1Minute", Metrics=list(metrics))


def types(*kinds: str) -> list[dict[str, Any]]:
    """Say which instance types a mixed instances policy has."""
    return [{"InstanceType": kind} for kind in kinds]


# ------------------------------------------------------------------ modules and their examples


@found("terraform-aws-modules/terraform-aws-autoscaling", "examples/complete/main.tf", "complete")
def _(site: Site) -> None:
    group = security_group(site)
    interfaces = [
        {"DeviceIndex": index, "DeleteOnTermination": True, "Description": f"nic-{index}", "Groups": [group]}
        for index in (0, 1)
    ]
    tagged = [
        {"ResourceType": kind, "Tags": [{"Key": "part", "Value": kind}]}
        for kind in ("instance", "volume", "spot-instances-request")
    ]
    target_group = site.shop.target_group()
    site.make_base(
        LaunchTemplate=launched_from(
            site,
            {
                "UserData": "IyEvYmluL3NoCmVjaG8gYmFzZQo=",
                "EbsOptimized": True,
                "Monitoring": {"Enabled": True},
                "BlockDeviceMappings": [
                    {
                        "DeviceName": "/dev/xvda",
                        "Ebs": {"Encrypted": True, "VolumeSize": 25, "VolumeType": "gp2"},
                    },
                    {"DeviceName": "/dev/sda1", "NoDevice": ""},
                ],
                "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
                "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 1},
                "CreditSpecification": {"CpuCredits": "standard"},
                "InstanceMarketOptions": {"MarketType": "spot"},
                "MaintenanceOptions": {"AutoRecovery": "default"},
                "MetadataOptions": {
                    "HttpEndpoint": "enabled",
                    "HttpTokens": "required",
                    "HttpPutResponseHopLimit": 30,
                    "InstanceMetadataTags": "enabled",
                },
                "NetworkInterfaces": interfaces,
                "TagSpecifications": tagged,
            },
        ),
        DefaultInstanceWarmup=240,
        ServiceLinkedRoleARN=f"{SERVICE_ROLES}/AWSServiceRoleForAutoScaling_published",
        TrafficSources=[{"Identifier": target_group, "Type": "elbv2"}],
        InstanceMaintenancePolicy={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 115},
        LifecycleHookSpecificationList=[
            hook("start", LAUNCHING, 40, "CONTINUE", NotificationMetadata='{"say": "hello"}'),
            hook("stop", TERMINATING, 50, "CONTINUE", NotificationMetadata='{"say": "goodbye"}'),
        ],
    )
    scheduled(
        site,
        night={"Recurrence": "0 19 * * 1-5", "TimeZone": "Europe/Rome", **sizes(0, 0, 0)},
        morning={"Recurrence": "30 6 * * 1-5", **sizes(0, 2, 1)},
        closed={
            "StartTime": BEGINNING + datetime.timedelta(days=90),
            "EndTime": BEGINNING + datetime.timedelta(days=92),
            **sizes(0, 0, 0),
        },
    )
    cpu = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
    requests = {
        "PredefinedMetricType": "ALBRequestCountPerTarget",
        "ResourceLabel": label(site, target_group),
    }
    for name, metric, target, warmup in (("cpu", cpu, 55.0, 900), ("requests", requests, 750.0, 90)):
        policy(
            site,
            name,
            "TargetTrackingScaling",
            EstimatedInstanceWarmup=warmup,
            TargetTrackingConfiguration={"PredefinedMetricSpecification": metric, "TargetValue": target},
        )
    policy(
        site,
        "exactly",
        "StepScaling",
        AdjustmentType="ExactCapacity",
        EstimatedInstanceWarmup=100,
        StepAdjustments=[
            {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 15.0, "ScalingAdjustment": 2},
            {"MetricIntervalLowerBound": 15.0, "ScalingAdjustment": 4},
        ],
    )
    policy(
        site,
        "foresight",
        "PredictiveScaling",
        PredictiveScalingConfiguration={
            "Mode": "ForecastAndScale",
            "SchedulingBufferTime": 20,
            "MaxCapacityBreachBehavior": "IncreaseMaxCapacity",
            "MaxCapacityBuffer": 15,
            "MetricSpecifications": [
                {
                    "TargetValue": 40.0,
                    "PredefinedScalingMetricSpecification": cpu,
                    "PredefinedLoadMetricSpecification": {"PredefinedMetricType": "ASGTotalCPUUtilization"},
                }
            ],
        },
    )


@found("terraform-aws-modules/terraform-aws-autoscaling", "examples/complete/main.tf", "mixed_instance")
def _(site: Site) -> None:
    mixed(
        site,
        {
            "OnDemandBaseCapacity": 0,
            "OnDemandPercentageAboveBaseCapacity": 15,
            "SpotAllocationStrategy": "capacity-optimized",
        },
        [
            {"InstanceType": "t3.micro", "WeightedCapacity": "2"},
            {"InstanceType": "t3.medium", "WeightedCapacity": "1"},
        ],
        CapacityRebalance=True,
        LifecycleHookSpecificationList=[
            hook("start", LAUNCHING, 40, "CONTINUE", NotificationMetadata='{"say": "hello"}'),
            hook("stop", TERMINATING, 50, "CONTINUE", NotificationMetadata='{"say": "goodbye"}'),
        ],
    )


@found("terraform-aws-modules/terraform-aws-autoscaling", "examples/complete/main.tf", "warm_pool")
def _(site: Site) -> None:
    site.make_base(
        LaunchTemplate=launched_from(
            site,
            {
                "CapacityReservationSpecification": {
                    "CapacityReservationTarget": {"CapacityReservationId": "cr-0fedcba9876543210"}
                }
            },
        )
    )
    reused = {"ReuseOnScaleIn": True}
    pool = {"PoolState": "Stopped", "MinSize": 1, "MaxGroupPreparedCapacity": 3}
    call(site, "put_warm_pool", InstanceReusePolicy=reused, **pool)


@found("terraform-aws-modules/terraform-aws-autoscaling", "examples/complete/main.tf", "efa")
def _(site: Site) -> None:
    interface = {
        "DeviceIndex": 0,
        "InterfaceType": "efa",
        "AssociatePublicIpAddress": False,
        "DeleteOnTermination": True,
        "Description": "fabric",
    }
    data = {"InstanceType": "c5n.18xlarge", "NetworkInterfaces": [interface]}
    site.make_base(LaunchTemplate=launched_from(site, data))


@found(
    "terraform-aws-modules/terraform-aws-autoscaling", "examples/complete/main.tf", "instance_requirements"
)
def _(site: Site) -> None:
    of_override = {
        "VCpuCount": {"Min": 2, "Max": 4},
        "MemoryMiB": {"Min": 2048},
        "MemoryGiBPerVCpu": {"Min": 2.0, "Max": 4.0},
        "CpuManufacturers": ["amd"],
        "LocalStorageTypes": ["ssd"],
        "MaxSpotPriceAsPercentageOfOptimalOnDemandPrice": 65,
    }
    of_template = {
        "VCpuCount": {"Min": 2, "Max": 64},
        "MemoryMiB": {"Min": 1024, "Max": 65536},
        "BaselineEbsBandwidthMbps": {"Min": 300, "Max": 1500},
        "BurstablePerformance": "excluded",
        "CpuManufacturers": ["amazon-web-services", "amd", "intel"],
        "ExcludedInstanceTypes": ["t*"],
        "InstanceGenerations": ["current"],
        "NetworkInterfaceCount": {"Min": 1, "Max": 8},
    }
    data = {"ImageId": site.image("base"), "InstanceRequirements": of_template}
    specification = {"LaunchTemplateId": template(site, "published", data), "Version": "$Default"}
    site.make_base(
        DesiredCapacityType="vcpu",
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": specification,
                "Overrides": [{"InstanceRequirements": of_override}],
            }
        },
    )


@found("sglvt/terraform-modules", "aws/eks-node-group/node-asg/main.tf")
def _(site: Site) -> None:
    # Mixed, and yet of the launch template's one type.
    site.make_base(
        MixedInstancesPolicy={
            "LaunchTemplate": {"LaunchTemplateSpecification": launched_from(site, {})},
            "InstancesDistribution": {
                "OnDemandAllocationStrategy": "prioritized",
                "OnDemandBaseCapacity": 1,
                "OnDemandPercentageAboveBaseCapacity": 30,
                "SpotAllocationStrategy": "lowest-price",
                "SpotInstancePools": 4,
                "SpotMaxPrice": "0.031",
            },
        },
        Tags=[{"Key": "node", "Value": "blue", "PropagateAtLaunch": True}],
    )


@found("cloudposse/terraform-aws-components", "modules/github-runners/README.md")
def _(site: Site) -> None:
    distribution = {
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandBaseCapacity": 1,
        "OnDemandPercentageAboveBaseCapacity": 0,
        "SpotAllocationStrategy": "capacity-optimized",
    }
    kinds = ("m5.large", "m5a.large", "m5n.large", "m5zn.large", "m4.large", "c5.large")
    mixed(site, distribution, types(*kinds), DefaultCooldown=240)
    for name, adjustment, cooldown in (("up", 1, 120), ("down", -1, 2400)):
        arn = policy(
            site,
            name,
            "SimpleScaling",
            AdjustmentType="ChangeInCapacity",
            ScalingAdjustment=adjustment,
            Cooldown=cooldown,
        )
        alarm(site, f"cpu-{name}", AlarmActions=[arn], Threshold=1_000_000.0 + adjustment)


@found("timam/helloworld-infra", "modules/autoscale/main.tf")
def _(site: Site) -> None:
    mixed(
        site,
        {
            "OnDemandAllocationStrategy": "prioritized",
            "OnDemandBaseCapacity": 0,
            "OnDemandPercentageAboveBaseCapacity": 40,
            "SpotAllocationStrategy": "lowest-price",
            "SpotInstancePools": 2,
        },
        types("t3.small", "t3a.small"),
        DefaultCooldown=150,
        HealthCheckType="ELB",
        HealthCheckGracePeriod=80,
        TerminationPolicies=["OldestInstance", "OldestLaunchTemplate"],
        TargetGroupARNs=[site.shop.target_group()],
    )
    collect(site, *SIZES_IN_METRICS, "GroupStandbyInstances", "GroupTotalInstances")


# --------------------------------------------------------------------- CI and container hosts


@found("buildkite/elastic-ci-stack-for-aws", "templates/aws-stack.yml")
def _(site: Site) -> None:
    tags = [{"Key": "role", "Value": "agent"}, {"Key": "queue", "Value": "default"}]
    data: dict[str, Any] = {
        "NetworkInterfaces": [
            {"DeviceIndex": 0, "AssociatePublicIpAddress": True, "Groups": [security_group(site)]}
        ],
        "IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/agent"},
        "MetadataOptions": {
            "HttpTokens": "optional",
            "HttpPutResponseHopLimit": 2,
            "InstanceMetadataTags": "enabled",
        },
        "Monitoring": {"Enabled": False},
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/xvda",
                "Ebs": {
                    "VolumeSize": 200,
                    "VolumeType": "gp3",
                    "Encrypted": False,
                    "Throughput": 150,
                    "Iops": 3500,
                },
            }
        ],
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": tags},
            {"ResourceType": "volume", "Tags": tags[1:]},
        ],
    }
    site.make_base(
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": launched_from(site, data, "1"),
                "Overrides": types("t3.large", "t3.xlarge"),
            },
            "InstancesDistribution": {
                "OnDemandPercentageAboveBaseCapacity": 80,
                "SpotAllocationStrategy": "capacity-optimized",
            },
        },
        DefaultCooldown=50,
        NewInstancesProtectedFromScaleIn=True,
        TerminationPolicies=["OldestLaunchConfiguration", "ClosestToNextInstanceHour"],
    )
    collect(site, *SIZES_IN_METRICS)
    call(site, "suspend_processes", ScalingProcesses=["AZRebalance"])


@found("cattle-ops/terraform-aws-gitlab-runner", "main.tf")
def _(site: Site) -> None:
    tags = [{"Key": "runner", "Value": "shared"}]
    site.make_base(
        LaunchTemplate=launched_from(
            site,
            {
                "EbsOptimized": True,
                "InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.07"}},
                "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required"},
                "TagSpecifications": [
                    {"ResourceType": kind, "Tags": tags}
                    for kind in ("instance", "volume", "spot-instances-request")
                ],
            },
            "1",
        ),
        HealthCheckGracePeriod=0,
        Tags=[{"Key": "runner", "Value": "shared", "PropagateAtLaunch": True}],
    )
    scheduled(
        site,
        scale_in={"Recurrence": "0 20 * * 1-5", **sizes(0, 0, 0)},
        scale_out={"Recurrence": "0 7 * * 1-5", **sizes(1, 1, 1)},
    )


@found("widdix/aws-cf-templates", "ecs/cluster-cost-optimized.yaml")
def _(site: Site) -> None:
    site.make_base(
        LaunchTemplate=launched_from(
            site,
            {
                "BlockDeviceMappings": [
                    {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeType": "gp3"}}
                ],
                "MetadataOptions": {"HttpPutResponseHopLimit": 2, "HttpTokens": "required"},
                "SecurityGroupIds": [security_group(site, name) for name in ("hosts", "clients")],
            },
            "1",
        ),
        DefaultCooldown=500,
        HealthCheckType="ELB",
        HealthCheckGracePeriod=840,
        TargetGroupARNs=[site.shop.target_group()],
        Tags=[{"Key": "Name", "Value": "hosts", "PropagateAtLaunch": True}],
    )
    collect(site, "GroupDesiredCapacity")
    call(site, "put_notification_configuration", TopicARN=topic("alerts"), NotificationTypes=ERRORS)
    # It wakes somebody, and scales nothing.
    alarm(site, "cpu-too-high", Period=600, EvaluationPeriods=1, AlarmActions=[topic("alerts")])


@found("widdix/aws-cf-templates", "jenkins/jenkins2-ha-agents.yaml", "MasterASG")
def _(site: Site) -> None:
    site.shop.client("autoscaling").create_launch_configuration(
        LaunchConfigurationName="published",
        ImageId=site.image("base"),
        InstanceType=INSTANCE_TYPE,
        IamInstanceProfile="master",
        SecurityGroups=[security_group(site)],
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 15, "VolumeType": "gp2"}}],
        UserData="#!/bin/sh\necho base\n",
    )
    site.make_base(
        LaunchConfigurationName="published",
        HealthCheckType="ELB",
        HealthCheckGracePeriod=840,
        TargetGroupARNs=[site.shop.target_group()],
        Tags=[{"Key": "Name", "Value": "master", "PropagateAtLaunch": True}],
    )
    call(site, "put_notification_configuration", TopicARN=topic("alerts"), NotificationTypes=ERRORS)


@found("compiler-explorer/infra", "terraform/asg-amd64.tf", "prod-mixed")
def _(site: Site) -> None:
    kinds = ("m5zn", "m5", "m5n", "m5d", "m5a", "m5ad", "m6a", "m6i", "m6id", "m6in")
    mixed(
        site,
        {
            "OnDemandAllocationStrategy": "lowest-price",
            "OnDemandBaseCapacity": 0,
            "OnDemandPercentageAboveBaseCapacity": 0,
            "SpotAllocationStrategy": "price-capacity-optimized",
        },
        types(*(f"{kind}.large" for kind in kinds)),
        DefaultCooldown=200,
        HealthCheckType="ELB",
        HealthCheckGracePeriod=210,
        TargetGroupARNs=[site.shop.target_group()],
    )
    counted = ("InService", "Pending", "Standby", "Terminating", "Total")
    each = [f"Group{state}{of}" for state in counted for of in ("Capacity", "Instances")]
    collect(site, "GroupDesiredCapacity", "GroupMaxSize", "GroupMinSize", *each)
    policy(
        site,
        "cpu-tracker",
        "TargetTrackingScaling",
        EstimatedInstanceWarmup=240,
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 45.0,
        },
    )


@found("kubernetes/kops", "tests/integration/update_cluster/minimal-warmpool/kubernetes.tf", "nodes")
def _(site: Site) -> None:
    names = (
        "aws-node-termination-handler/managed",
        "k8s.io/node-template/label/node-role.kubernetes.io/node",
    )
    tags = [
        *({"Key": name, "Value": "", "PropagateAtLaunch": True} for name in names),
        {"Key": "kubernetes.io/cluster/shop.example.com", "Value": "owned", "PropagateAtLaunch": True},
    ]
    interface = {
        "DeviceIndex": 0,
        "AssociatePublicIpAddress": True,
        "DeleteOnTermination": True,
        "Ipv6AddressCount": 0,
        "Groups": [security_group(site)],
    }
    volume = {"Encrypted": True, "Iops": 3200, "Throughput": 130, "VolumeSize": 100, "VolumeType": "gp3"}
    site.make_base(
        LaunchTemplate=launched_from(
            site,
            {
                "BlockDeviceMappings": [
                    {"DeviceName": "/dev/xvda", "Ebs": volume},
                    {"DeviceName": "/dev/sdc", "VirtualName": "ephemeral0"},
                ],
                "NetworkInterfaces": [interface],
                "MetadataOptions": {
                    "HttpEndpoint": "enabled",
                    "HttpProtocolIpv6": "disabled",
                    "HttpPutResponseHopLimit": 1,
                    "HttpTokens": "required",
                },
                "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": names[0], "Value": ""}]}],
            },
            "1",
        ),
        MaxInstanceLifetime=0,
        NewInstancesProtectedFromScaleIn=False,
        Tags=tags,
    )
    pool = ("DesiredCapacity", "MinSize", "PendingCapacity", "TotalCapacity", "WarmedCapacity")
    both = ("GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity")
    collect(site, *SIZES_IN_METRICS, *both, *(f"WarmPool{metric}" for metric in pool))
    call(site, "put_warm_pool", MinSize=0, MaxGroupPreparedCapacity=1)
    for described in (
        hook("pool", LAUNCHING, 35, "CONTINUE"),
        hook("termination-handler", TERMINATING, 30, "CONTINUE"),
    ):
        call(site, "put_lifecycle_hook", **described)


# ------------------------------------------------------------------------------- weights and places


@found("farrukh90/terraform_march_2021", "Class5/asg.tf")
def _(site: Site) -> None:
    # Weights without a distribution, in zones without subnets.
    specification = site.shop.launch_template(site.image("base"))
    overrides = [
        {"InstanceType": kind, "WeightedCapacity": weight}
        for kind, weight in (("c5.large", "3"), ("c4.large", "2"))
    ]
    site.shop.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=site.shop.base_group,
        MinSize=0,
        MaxSize=0,
        AvailabilityZones=["us-east-1a", "us-east-1b", "us-east-1c"],
        MixedInstancesPolicy={
            "LaunchTemplate": {"LaunchTemplateSpecification": specification, "Overrides": overrides}
        },
    )


@found("ahmadalibagheri/finops-tutorial", "part02-aws-instance-type/Instance-type.csv")
def _(site: Site) -> None:
    distribution = {
        "OnDemandBaseCapacity": 0,
        "OnDemandPercentageAboveBaseCapacity": 25,
        "SpotAllocationStrategy": "capacity-optimized",
    }
    overrides = [
        {"InstanceType": kind, "WeightedCapacity": weight}
        for kind, weight in (("c5.large", "3"), ("c4.large", "2"))
    ]
    mixed(site, distribution, overrides, CapacityRebalance=True)


@found("Matheus-SCosta/ATLANTIS-ECS", "asg.tf")
def _(site: Site) -> None:
    site.make_base(
        LaunchConfigurationName=site.shop.launch_configuration(site.image("base")),
        PlacementGroup="together",
        HealthCheckType="ELB",
        HealthCheckGracePeriod=2,
        TargetGroupARNs=[site.shop.target_group()],
        Tags=[
            {"Key": "part", "Value": "hosts", "PropagateAtLaunch": True},
            {"Key": "stage", "Value": "test", "PropagateAtLaunch": False},
        ],
    )


@found("johnzama/Terraform-3tiered", "launch&autoscal.tf")
def _(site: Site) -> None:
    site.make_base(
        LaunchTemplate=launched_from(
            site,
            {
                "BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 30}}],
                "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
                "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
                "CreditSpecification": {"CpuCredits": "standard"},
                "DisableApiStop": True,
                "DisableApiTermination": True,
                "EbsOptimized": True,
                "InstanceInitiatedShutdownBehavior": "terminate",
                "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": True}],
                "MetadataOptions": {"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
            },
        ),
        PlacementGroup="together",
        HealthCheckType="ELB",
        LifecycleHookSpecificationList=[hook("first", LAUNCHING, 35, "CONTINUE")],
        Tags=[{"Key": "tier", "Value": "web", "PropagateAtLaunch": True}],
    )


@found("matthewtowen/aws-tf-ecs-lambda-scale-in", "lifecycle.tf")
def _(site: Site) -> None:
    site.make_base()
    notified = {"NotificationTargetARN": topic("scale-in"), "RoleARN": role("scale-in")}
    call(site, "put_lifecycle_hook", **hook("scale-in", TERMINATING, 80, "ABANDON", **notified))


# ---------------------------------------------------------------------------- policies and schedules


@found("VictoriaYaa/aws-infra-deployment", "asg.tf")
def _(site: Site) -> None:
    site.make_base(Tags=[{"Key": "AmazonECSManaged", "Value": "true", "PropagateAtLaunch": True}])
    metric = {
        "TargetValue": 20.0,
        "PredefinedLoadMetricSpecification": {"PredefinedMetricType": "ASGTotalCPUUtilization"},
        "CustomizedScalingMetricSpecification": {
            "MetricDataQueries": [group_metric(site, "scaling", "CPUUtilization")]
        },
    }
    policy(
        site,
        "foresight",
        "PredictiveScaling",
        PredictiveScalingConfiguration={"MetricSpecifications": [metric]},
    )


@found("assafkamil/microservices", "sqs-autoscale.bat")
def _(site: Site) -> None:
    site.make_base()
    queue = [{"Name": "QueueName", "Value": "orders"}]
    for name, adjustment, compared in (
        ("out", 1, "GreaterThanOrEqualToThreshold"),
        ("in", -1, "LessThanOrEqualToThreshold"),
    ):
        arn = policy(
            site, name, "SimpleScaling", AdjustmentType="ChangeInCapacity", ScalingAdjustment=adjustment
        )
        alarm(
            site,
            f"queue-{name}",
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=queue,
            Period=300,
            EvaluationPeriods=2,
            ComparisonOperator=compared,
            Threshold=4.0,
            AlarmActions=[arn],
        )


@found("ashraf-minhaj/Inefficient-Scalable-EDA", "Terraform/cloudwatch_alarm.tf")
def _(site: Site) -> None:
    # One alarm has both: out when it fires, in when it is over.
    site.make_base()
    out, back = (
        policy(site, name, "SimpleScaling", AdjustmentType="ChangeInCapacity", ScalingAdjustment=by)
        for name, by in (("out", 1), ("in", -1))
    )
    alarm(
        site,
        "queue",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Statistic="Sum",
        Dimensions=[{"Name": "QueueName", "Value": "orders"}],
        EvaluationPeriods=1,
        Threshold=0.0,
        AlarmDescription="orders wait",
        AlarmActions=[out],
        OKActions=[back],
    )


@found(
    "stacksimplify/terraform-on-aws-ec2",
    "15-Autoscaling-with-Launch-Templates/terraform-manifests/c13-07-autoscaling-scheduled-actions.tf",
)
def _(site: Site) -> None:
    # Recurring, and from a day on.
    site.make_base()
    begin = BEGINNING + datetime.timedelta(days=40)
    scheduled(
        site,
        up={"StartTime": begin, "Recurrence": "0 9 * * *", **sizes(2, 12, 9)},
        down={
            "StartTime": begin + datetime.timedelta(hours=10),
            "Recurrence": "0 21 * * *",
            **sizes(2, 12, 3),
        },
    )


@found("likuma/jenkins_for_terraform_aws", "autoscaling/autoschedule.tf")
def _(site: Site) -> None:
    site.make_base()
    scheduled(
        site,
        fewer={"Recurrence": "0,15,30,45 9-22 3-21 1-3 0-6", **sizes(1, 1, 1)},
        more={"Recurrence": "7,27,47 9-22 3-21 1-3 0-6", "TimeZone": "Asia/Seoul", **sizes(1, 4, 2)},
    )
