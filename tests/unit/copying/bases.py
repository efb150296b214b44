# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base groups of every make, each built by plain calls to the API. Nothing here knows how they are copied."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from tests.demo.shop import INSTANCE_TYPE
from tests.unit.engine import START, Site

#: A Monday, 14:13 UTC; times of scheduled actions are told from there.
BEGINNING = datetime.datetime.fromtimestamp(START, datetime.UTC)
ACCOUNT = "123456789012"
SERVICE_ROLES = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com"
SPOT_TYPES = ("t3.micro", "t3.small", "t3a.micro")
REQUIREMENTS: dict[str, Any] = {
    "VCpuCount": {"Min": 2, "Max": 4},
    "MemoryMiB": {"Min": 2048},
    "BurstablePerformance": "included",
    "ExcludedInstanceTypes": ["t2.*"],
}

#: What builds each base, by its name in words.
BASES: dict[str, Callable[[Site], None]] = {}


def base(build: Callable[[Site], None]) -> Callable[[Site], None]:
    """Add a base to C(BASES)."""
    BASES[build.__name__.replace("_", " ")] = build
    return build


# ----------------------------------------------------------------- in small pieces


def topic(name: str) -> str:
    return f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def template(site: Site, name: str, *versions: dict[str, Any], default: int = 1) -> str:
    """Make a launch template with these versions, one after the other, and return its id."""
    ec2 = site.shop.client("ec2")
    made = ec2.create_launch_template(
        LaunchTemplateName=name, VersionDescription="first", LaunchTemplateData=versions[0]
    )
    template_id = str(made["LaunchTemplate"]["LaunchTemplateId"])
    for number, data in enumerate(versions[1:], start=2):
        ec2.create_launch_template_version(
            LaunchTemplateId=template_id, VersionDescription=f"version {number}", LaunchTemplateData=data
        )
    if default != 1:
        ec2.modify_launch_template(LaunchTemplateId=template_id, DefaultVersion=str(default))
    return template_id


def three_versions(site: Site, default: int = 1) -> str:
    """Make a launch template of which each version launches another type."""
    image_id = site.image("base")
    data = [{"ImageId": image_id, "InstanceType": kind} for kind in SPOT_TYPES]
    return template(site, "web", *data, default=default)


def mixed(site: Site, distribution: dict[str, Any], overrides: list[dict[str, Any]], **group: Any) -> None:
    """Make a base with a mixed instances policy."""
    specification = site.shop.launch_template(site.image("base"))
    site.make_base(
        MixedInstancesPolicy={
            "LaunchTemplate": {"LaunchTemplateSpecification": specification, "Overrides": overrides},
            "InstancesDistribution": distribution,
        },
        **group,
    )


def call(site: Site, method: str, **parameters: Any) -> Any:
    """Ask Auto Scaling for something for the base group."""
    does = getattr(site.shop.client("autoscaling"), method)
    return does(AutoScalingGroupName=site.shop.base_group, **parameters)


def policy(site: Site, name: str, kind: str, **members: Any) -> str:
    """Give the base a scaling policy and return its ARN."""
    return str(
        call(site, "put_scaling_policy", PolicyName=name, PolicyType=kind, **members).get("PolicyARN", "")
    )


def alarm(site: Site, name: str, **members: Any) -> None:
    """Make an alarm; it looks at the base's CPU unless something else is given."""
    watched: dict[str, Any] = {
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Statistic": "Average",
        "Period": 60,
        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": site.shop.base_group}],
    }
    if "Metrics" in members:
        watched = {}
    elif "ExtendedStatistic" in members:
        del watched["Statistic"]
    if "ThresholdMetricId" not in members:
        watched |= {"Threshold": 1_000_000.0}
    evaluated = {
        "EvaluationPeriods": 3,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "ignore",
    }
    site.shop.client("cloudwatch").put_metric_alarm(AlarmName=name, **{**watched, **evaluated, **members})


def label(site: Site, target_group: str) -> str:
    """The resource label of a target group and the load balancer in front."""
    told = site.shop.client("elbv2").describe_target_groups(TargetGroupArns=[target_group])["TargetGroups"][0]
    balancer = told["LoadBalancerArns"][0].partition(":loadbalancer/")[2]
    return f"{balancer}/{target_group.rpartition(':')[2]}"


def group_metric(site: Site, identifier: str, name: str, **members: Any) -> dict[str, Any]:
    """A query for a metric of the base group."""
    dimensions = [{"Name": "AutoScalingGroupName", "Value": site.shop.base_group}]
    metric = {"Namespace": "AWS/EC2", "MetricName": name, "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Stat": "Average", **members}}


# ------------------------------------------------------------------ launch templates


@base
def launch_template_by_id_with_its_latest_version(site: Site) -> None:
    site.make_base(LaunchTemplate={"LaunchTemplateId": three_versions(site), "Version": "$Latest"})


@base
def launch_template_by_name_with_its_default_version(site: Site) -> None:
    three_versions(site, default=2)
    site.make_base(LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Default"})


@base
def launch_template_by_name_with_a_number(site: Site) -> None:
    three_versions(site)
    site.make_base(LaunchTemplate={"LaunchTemplateName": "web", "Version": "2"})


@base
def launch_template_without_a_version(site: Site) -> None:
    site.make_base(LaunchTemplate={"LaunchTemplateId": three_versions(site, default=3)})


@base
def launch_template_with_its_image_in_a_parameter_and_tags_of_its_own(site: Site) -> None:
    site.shop.client("ssm").put_parameter(Name="/shop/image", Value=site.image("base"), Type="String")
    data = {"ImageId": "resolve:ssm:/shop/image", "InstanceType": INSTANCE_TYPE}
    template_id = template(site, "web", data)
    site.shop.client("ec2").create_tags(
        Resources=[template_id], Tags=[{"Key": "owner", "Value": "checkout"}, {"Key": "empty", "Value": ""}]
    )
    site.make_base(LaunchTemplate={"LaunchTemplateId": template_id, "Version": "1"})


@base
def launch_template_with_everything(site: Site) -> None:
    ec2 = site.shop.client("ec2")
    ec2.create_key_pair(KeyName="operators")
    key = site.shop.client("kms").create_key()["KeyMetadata"]["Arn"]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)
    data: dict[str, Any] = {
        "ImageId": site.image("base"),
        "InstanceType": INSTANCE_TYPE,
        "KeyName": "operators",
        "UserData": "IyEvYmluL3NoCmVjaG8gYmFzZQo=",
        "EbsOptimized": False,
        "KernelId": "aki-1",
        "RamDiskId": "ari-1",
        "DisableApiStop": True,
        "DisableApiTermination": False,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/web"},
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/xvda",
                "Ebs": {
                    "VolumeSize": 40,
                    "VolumeType": "gp3",
                    "Iops": 4000,
                    "Throughput": 200,
                    "Encrypted": True,
                    "KmsKeyId": key,
                    "DeleteOnTermination": True,
                },
            },
            {"DeviceName": "/dev/xvdb", "VirtualName": "ephemeral0"},
            {"DeviceName": "/dev/xvdc", "NoDevice": ""},
        ],
        "SecurityGroupIds": [made["GroupId"]],
        "Monitoring": {"Enabled": True},
        "Placement": {"Tenancy": "default", "GroupName": "spread", "PartitionNumber": 2},
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "web"}]},
            {"ResourceType": "volume", "Tags": [{"Key": "role", "Value": "disk"}, {"Key": "x", "Value": ""}]},
        ],
        "ElasticGpuSpecifications": [{"Type": "eg1.medium"}],
        "ElasticInferenceAccelerators": [{"Type": "eia1.medium", "Count": 1}],
        "InstanceMarketOptions": {
            "MarketType": "spot",
            "SpotOptions": {"MaxPrice": "0.05", "SpotInstanceType": "one-time"},
        },
        "CreditSpecification": {"CpuCredits": "unlimited"},
        "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "LicenseSpecifications": [
            {
                "LicenseConfigurationArn": f"arn:aws:license-manager:us-east-1:{ACCOUNT}:license-configuration:1"
            }
        ],
        "HibernationOptions": {"Configured": False},
        "MetadataOptions": {
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 2,
            "HttpEndpoint": "enabled",
            "HttpProtocolIpv6": "disabled",
            "InstanceMetadataTags": "enabled",
        },
        "EnclaveOptions": {"Enabled": False},
        "PrivateDnsNameOptions": {"HostnameType": "resource-name", "EnableResourceNameDnsARecord": True},
        "MaintenanceOptions": {"AutoRecovery": "disabled"},
        "NetworkPerformanceOptions": {"BandwidthWeighting": "vpc-1"},
        "SecondaryInterfaces": [{"DeviceIndex": 1, "DeleteOnTermination": True, "PrivateIpAddressCount": 2}],
    }
    site.make_base(LaunchTemplate={"LaunchTemplateId": template(site, "web", data), "Version": "1"})


@base
def launch_template_with_network_interfaces_and_groups_by_name(site: Site) -> None:
    ec2 = site.shop.client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)
    data: dict[str, Any] = {
        "ImageId": site.image("base"),
        "InstanceType": INSTANCE_TYPE,
        "SecurityGroups": ["web"],
        "IamInstanceProfile": {"Name": "web"},
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "AssociatePublicIpAddress": False,
                "DeleteOnTermination": True,
                "Groups": [made["GroupId"]],
                "Description": "first",
                "Ipv6AddressCount": 0,
            }
        ],
    }
    site.make_base(LaunchTemplate={"LaunchTemplateId": template(site, "web", data), "Version": "$Latest"})


# -------------------------------------------------------------- launch configurations


@base
def launch_configuration(site: Site) -> None:
    site.make_base(LaunchConfigurationName=site.shop.launch_configuration(site.image("base")))


@base
def launch_configuration_with_everything(site: Site) -> None:
    ec2 = site.shop.client("ec2")
    ec2.create_key_pair(KeyName="operators")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)
    site.shop.client("autoscaling").create_launch_configuration(
        LaunchConfigurationName="web",
        ImageId=site.image("base"),
        InstanceType=INSTANCE_TYPE,
        KeyName="operators",
        SecurityGroups=[made["GroupId"]],
        ClassicLinkVPCId=vpc,
        ClassicLinkVPCSecurityGroups=[made["GroupId"]],
        UserData=bytes([31, 139, 8, 0, 255]),
        KernelId="aki-1",
        RamdiskId="ari-1",
        BlockDeviceMappings=[
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 40, "VolumeType": "gp3", "Throughput": 200}},
            {"DeviceName": "/dev/xvdc", "NoDevice": True},
        ],
        InstanceMonitoring={"Enabled": False},
        SpotPrice="0.05",
        IamInstanceProfile="web",
        EbsOptimized=True,
        AssociatePublicIpAddress=False,
        PlacementTenancy="default",
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"},
    )
    site.make_base(LaunchConfigurationName="web")


# ------------------------------------------------------------ mixed instances policies


@base
def mixed_instances_with_weights_and_a_split_of_spot_and_on_demand(site: Site) -> None:
    mixed(
        site,
        {
            "OnDemandAllocationStrategy": "prioritized",
            "OnDemandBaseCapacity": 2,
            "OnDemandPercentageAboveBaseCapacity": 25,
            "SpotAllocationStrategy": "capacity-optimized-prioritized",
            "SpotMaxPrice": "0.04",
        },
        [
            {"InstanceType": kind, "WeightedCapacity": str(weight)}
            for weight, kind in enumerate(SPOT_TYPES, start=1)
        ],
        CapacityRebalance=True,
    )


@base
def mixed_instances_from_the_cheapest_pools(site: Site) -> None:
    distribution = {
        "OnDemandPercentageAboveBaseCapacity": 0,
        "SpotAllocationStrategy": "lowest-price",
        "SpotInstancePools": 3,
    }
    mixed(site, distribution, [{"InstanceType": kind} for kind in SPOT_TYPES])


@base
def mixed_instances_by_requirements(site: Site) -> None:
    distribution = {"OnDemandAllocationStrategy": "lowest-price"}
    mixed(site, distribution, [{"InstanceRequirements": REQUIREMENTS}], DesiredCapacityType="vcpu")


@base
def mixed_instances_with_requirements_in_the_launch_template(site: Site) -> None:
    data = {"ImageId": site.image("base"), "InstanceRequirements": REQUIREMENTS}
    specification = {"LaunchTemplateId": template(site, "web", data), "Version": "$Latest"}
    site.make_base(MixedInstancesPolicy={"LaunchTemplate": {"LaunchTemplateSpecification": specification}})


@base
def mixed_instances_with_launch_templates_of_overrides(site: Site) -> None:
    image_id = site.image("base")
    own = template(site, "own", {"ImageId": image_id, "InstanceType": INSTANCE_TYPE})
    versions = ({"InstanceType": "t3.large"}, {"ImageId": image_id, "UserData": "IyEvYmluL3NoCg=="})
    small = template(site, "small", *versions)
    template(site, "large", {"EbsOptimized": True}, {"EbsOptimized": False}, default=2)
    overrides: list[dict[str, Any]] = [
        {
            "InstanceType": "t3.small",
            "LaunchTemplateSpecification": {"LaunchTemplateId": small, "Version": "$Latest"},
        },
        {
            "InstanceType": "t3.medium",
            "LaunchTemplateSpecification": {"LaunchTemplateName": "large", "Version": "1"},
        },
        {"InstanceType": "t3.large", "LaunchTemplateSpecification": {"LaunchTemplateName": "large"}},
        {"InstanceType": "t3.micro"},
    ]
    site.make_base(
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": own, "Version": "$Default"},
                "Overrides": overrides,
            }
        }
    )


# -------------------------------------------------------------------- the group's own


@base
def life_cycle_hooks(site: Site) -> None:
    site.make_base(
        LifecycleHookSpecificationList=[
            {
                "LifecycleHookName": "warm-up",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
                "HeartbeatTimeout": 30,
                "DefaultResult": "CONTINUE",
                "NotificationMetadata": "fill the cache",
            }
        ]
    )
    call(
        site,
        "put_lifecycle_hook",
        LifecycleHookName="drain",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=45,
        DefaultResult="ABANDON",
        NotificationMetadata="drain the queue",
        NotificationTargetARN=topic("drain"),
        RoleARN=role("drain"),
    )


@base
def notifications_to_two_topics(site: Site) -> None:
    site.make_base()
    types = ["autoscaling:EC2_INSTANCE_LAUNCH", "autoscaling:EC2_INSTANCE_LAUNCH_ERROR"]
    call(site, "put_notification_configuration", TopicARN=topic("operators"), NotificationTypes=types)
    call(site, "put_notification_configuration", TopicARN=topic("audit"), NotificationTypes=types[:1])


@base
def some_metrics_collected(site: Site) -> None:
    site.make_base()
    metrics = ["GroupInServiceInstances", "GroupDesiredCapacity"]
    call(site, "enable_metrics_collection", Granularity="1Minute", Metrics=metrics)


@base
def all_metrics_collected(site: Site) -> None:
    site.make_base()
    call(site, "enable_metrics_collection", Granularity="1Minute")


@base
def warm_pool(site: Site) -> None:
    site.make_base()
    call(
        site,
        "put_warm_pool",
        MaxGroupPreparedCapacity=6,
        MinSize=2,
        PoolState="Hibernated",
        InstanceReusePolicy={"ReuseOnScaleIn": True},
    )


@base
def suspended_processes(site: Site) -> None:
    site.make_base()
    processes = ["AZRebalance", "AlarmNotification", "InstanceRefresh", "ScheduledActions"]
    call(site, "suspend_processes", ScalingProcesses=processes)


@base
def instances_of_limited_life(site: Site) -> None:
    site.make_base(
        MaxInstanceLifetime=604_800,
        CapacityRebalance=True,
        DefaultInstanceWarmup=0,
        DefaultCooldown=0,
        HealthCheckType="EC2,EBS",
        HealthCheckGracePeriod=15,
        InstanceMaintenancePolicy={"MinHealthyPercentage": 90, "MaxHealthyPercentage": 120},
        InstanceLifecyclePolicy={"RetentionTriggers": {"TerminateHookAbandon": "retain"}},
    )


@base
def zones_with_a_distribution_and_a_policy_for_impairment(site: Site) -> None:
    site.make_base(
        AvailabilityZoneDistribution={"CapacityDistributionStrategy": "balanced-only"},
        AvailabilityZoneImpairmentPolicy={
            "ZonalShiftEnabled": True,
            "ImpairedZoneHealthCheckBehavior": "IgnoreUnhealthy",
        },
        SkipZonalShiftValidation=True,
    )


@base
def zones_without_subnets(site: Site) -> None:
    specification = site.shop.launch_template(site.image("base"))
    site.shop.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=site.shop.base_group,
        MinSize=0,
        MaxSize=0,
        LaunchTemplate=specification,
        AvailabilityZones=["us-east-1c", "us-east-1a"],
    )


@base
def capacity_reservations(site: Site) -> None:
    site.make_base(
        CapacityReservationSpecification={
            "CapacityReservationPreference": "capacity-reservations-first",
            "CapacityReservationTarget": {"CapacityReservationIds": ["cr-0123456789abcdef0"]},
        },
        PlacementGroup="spread",
        DesiredCapacityType="units",
        Context="checkout",
    )


@base
def protected_from_scale_in_with_a_role_of_its_own(site: Site) -> None:
    site.make_base(
        NewInstancesProtectedFromScaleIn=True,
        ServiceLinkedRoleARN=f"{SERVICE_ROLES}/AWSServiceRoleForAutoScaling_checkout",
        TerminationPolicies=["OldestInstance", "ClosestToNextInstanceHour", "Default"],
        DeletionProtection="prevent-force-deletion",
    )


@base
def protected_from_any_deletion(site: Site) -> None:
    site.make_base(DeletionProtection="prevent-all-deletion")


@base
def tags_of_which_some_are_propagated(site: Site) -> None:
    many = [
        {"Key": f"key-{number}", "Value": f"value {number}", "PropagateAtLaunch": number % 3 == 0}
        for number in range(30)
    ]
    named = {"Key": "group", "Value": site.shop.base_group, "PropagateAtLaunch": True}
    site.make_base(Tags=[*many, named, {"Key": "empty", "Value": "", "PropagateAtLaunch": False}])


# ------------------------------------------------------------------------ traffic


@base
def two_target_groups_and_a_classic_load_balancer(site: Site) -> None:
    site.make_base(
        TargetGroupARNs=[site.shop.target_group(), site.shop.target_group("admin")],
        LoadBalancerNames=[site.shop.classic_load_balancer()],
    )


@base
def traffic_sources(site: Site) -> None:
    site.make_base(TrafficSources=[{"Identifier": site.shop.target_group(), "Type": "elbv2"}])
    sources = [
        {"Identifier": site.shop.classic_load_balancer(), "Type": "elb"},
        {"Identifier": site.shop.target_group("admin")},
    ]
    call(site, "attach_traffic_sources", TrafficSources=sources)


# ------------------------------------------------------------------------ policies


@base
def target_tracking_by_predefined_metrics(site: Site) -> None:
    target_group = site.shop.target_group()
    site.make_base(TargetGroupARNs=[target_group])
    site.shop.scale_with_cpu()
    requests = {
        "PredefinedMetricType": "ALBRequestCountPerTarget",
        "ResourceLabel": label(site, target_group),
    }
    policy(
        site,
        "requests",
        "TargetTrackingScaling",
        EstimatedInstanceWarmup=120,
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": requests,
            "TargetValue": 1000.5,
            "DisableScaleIn": True,
        },
    )
    policy(
        site,
        "network",
        "TargetTrackingScaling",
        Enabled=False,
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageNetworkOut"},
            "TargetValue": 5e6,
        },
    )


@base
def target_tracking_by_a_metric_of_its_own(site: Site) -> None:
    site.make_base()
    policy(
        site,
        "backlog",
        "TargetTrackingScaling",
        TargetTrackingConfiguration={
            "CustomizedMetricSpecification": {
                "Namespace": "Shop",
                "MetricName": "Backlog",
                "Statistic": "Average",
                "Unit": "Count",
                "Dimensions": [
                    {"Name": "Group", "Value": site.shop.base_group},
                    {"Name": "Queue", "Value": "orders"},
                ],
            },
            "TargetValue": 10.0,
        },
    )


@base
def target_tracking_by_metric_math(site: Site) -> None:
    site.make_base()
    queue = {"Namespace": "Shop", "MetricName": "Queued", "Dimensions": [{"Name": "Queue", "Value": "q"}]}
    policy(
        site,
        "backlog-by-load",
        "TargetTrackingScaling",
        TargetTrackingConfiguration={
            "CustomizedMetricSpecification": {
                "Metrics": [
                    {"Id": "queued", "MetricStat": {"Metric": queue, "Stat": "Sum"}, "ReturnData": False},
                    group_metric(site, "busy", "CPUUtilization") | {"ReturnData": False},
                    {"Id": "each", "Expression": "queued / busy", "Label": "orders by load"},
                ]
            },
            "TargetValue": 100.0,
        },
    )


@base
def step_scaling_with_alarms(site: Site) -> None:
    site.make_base()
    more = policy(
        site,
        "more",
        "StepScaling",
        AdjustmentType="PercentChangeInCapacity",
        MinAdjustmentMagnitude=2,
        MetricAggregationType="Maximum",
        EstimatedInstanceWarmup=60,
        StepAdjustments=[
            {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 10},
            {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 30},
        ],
    )
    fewer = policy(
        site,
        "fewer",
        "StepScaling",
        AdjustmentType="ChangeInCapacity",
        Enabled=False,
        StepAdjustments=[{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1}],
    )
    alarm(
        site,
        "busy",
        AlarmDescription="the shop is busy",
        AlarmActions=[more, topic("operators")],
        OKActions=[fewer, topic("operators")],
        InsufficientDataActions=[topic("audit")],
        DatapointsToAlarm=2,
        Unit="Percent",
        Tags=[{"Key": "team", "Value": "checkout"}],
    )
    alarm(
        site,
        "slow",
        AlarmActions=[more],
        ActionsEnabled=False,
        Namespace="Shop",
        MetricName="Latency",
        Dimensions=[],
        ExtendedStatistic="p99",
        EvaluateLowSampleCountPercentile="evaluate",
        TreatMissingData="notBreaching",
        EvaluationWindow={"SlidingWindow": {}},
    )


@base
def simple_scaling_with_an_alarm_of_metric_math(site: Site) -> None:
    site.make_base()
    exact = policy(
        site, "ten", "SimpleScaling", AdjustmentType="ExactCapacity", ScalingAdjustment=10, Cooldown=30
    )
    policy(site, "without-alarm", "SimpleScaling", AdjustmentType="ChangeInCapacity", ScalingAdjustment=-1)
    cpu = group_metric(site, "cpu", "NetworkIn", Period=60) | {"ReturnData": False}
    share = {"Id": "share", "Expression": "cpu * 100", "Label": "share", "ReturnData": True}
    alarm(site, "crowded", AlarmActions=[exact], Metrics=[cpu, share])


@base
def predictive_scaling(site: Site) -> None:
    target_group = site.shop.target_group()
    site.make_base(TargetGroupARNs=[target_group])
    policy(
        site,
        "foresight",
        "PredictiveScaling",
        PredictiveScalingConfiguration={
            "MetricSpecifications": [
                {
                    "TargetValue": 1000.0,
                    "PredefinedMetricPairSpecification": {
                        "PredefinedMetricType": "ALBRequestCount",
                        "ResourceLabel": label(site, target_group),
                    },
                }
            ],
            "Mode": "ForecastAndScale",
            "SchedulingBufferTime": 300,
            "MaxCapacityBreachBehavior": "IncreaseMaxCapacity",
            "MaxCapacityBuffer": 10,
        },
    )
    load = group_metric(site, "load", "NetworkIn")
    search = (
        'SUM(SEARCH(\'{AWS/EC2,AutoScalingGroupName} MetricName="CPUUtilization"'
        f" AutoScalingGroupName=\"{site.shop.base_group}\"', 'Sum', 300))"
    )
    policy(
        site,
        "forecast",
        "PredictiveScaling",
        PredictiveScalingConfiguration={
            "MetricSpecifications": [
                {
                    "TargetValue": 50.0,
                    "CustomizedLoadMetricSpecification": {"MetricDataQueries": [load]},
                    "CustomizedScalingMetricSpecification": {
                        "MetricDataQueries": [{"Id": "cpu", "Expression": search}]
                    },
                }
            ],
            "Mode": "ForecastOnly",
        },
    )


# --------------------------------------------------------------- scheduled actions


@base
def scheduled_actions(site: Site) -> None:
    site.make_base()
    # As a base should: nothing but a person changes its size.
    call(site, "suspend_processes", ScalingProcesses=["ScheduledActions"])
    actions: dict[str, dict[str, Any]] = {
        "morning": {
            "Recurrence": "0 8 * * MON-FRI",
            "TimeZone": "Europe/Berlin",
            "MinSize": 2,
            "MaxSize": 8,
            "DesiredCapacity": 4,
        },
        "night": {"Recurrence": "30 22 * * *", "TimeZone": "America/Los_Angeles", "MinSize": 1},
        "sale": {"StartTime": BEGINNING + datetime.timedelta(days=30), "DesiredCapacity": 9},
        "season": {
            "Recurrence": "15 6 1 * *",
            "StartTime": BEGINNING + datetime.timedelta(days=60),
            "EndTime": BEGINNING + datetime.timedelta(days=200),
            "MaxSize": 12,
        },
    }
    for name, members in actions.items():
        call(site, "put_scheduled_update_group_action", ScheduledActionName=name, **members)


@base
def more_scheduled_actions_than_a_call_takes(site: Site) -> None:
    site.make_base()
    for number in range(60):
        call(
            site,
            "put_scheduled_update_group_action",
            ScheduledActionName=f"action-{number}",
            Recurrence=f"{number} 3 * * *",
            MinSize=number % 3,
        )


# ------------------------------------------------------------------- all together


@base
def everything_that_scales_together(site: Site) -> None:
    site.make_base(TargetGroupARNs=[site.shop.target_group()], DefaultInstanceWarmup=30)
    site.shop.scale_with_cpu()
    step = policy(
        site,
        "burst",
        "StepScaling",
        AdjustmentType="ChangeInCapacity",
        StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 2}],
    )
    alarm(site, "burst", AlarmActions=[step])
    call(
        site,
        "put_scheduled_update_group_action",
        ScheduledActionName="weekend",
        Recurrence="0 0 * * SAT",
        MinSize=0,
    )
    call(site, "put_warm_pool", PoolState="Stopped", MinSize=1)
    call(site, "enable_metrics_collection", Granularity="1Minute", Metrics=["GroupMaxSize"])
    call(
        site,
        "put_notification_configuration",
        TopicARN=topic("operators"),
        NotificationTypes=["autoscaling:EC2_INSTANCE_TERMINATE"],
    )
