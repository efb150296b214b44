# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch with real groups, targets and policies of the sandbox, as boto3 sees it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.inprocess import InProcess
from tests.sandbox.world import Settings
from tests.unit.sandbox.metrics import NOON

SETTINGS = Settings(pending_seconds=2, registration_seconds=1, draining_seconds=1, terminating_seconds=1)


@dataclass
class Shop:
    """A group of two instances behind a load balancer, since a few seconds past noon."""

    aws: InProcess
    image: str
    group: str
    balancer: str
    target_group: str

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; alarms are looked at in between."""
        for _ in range(math.ceil(seconds / 10)):
            self.aws.advance(min(10, seconds))

    def capacity(self) -> int:
        answer = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[self.group])
        return int(answer["AutoScalingGroups"][0]["DesiredCapacity"])

    def instance_ids(self) -> list[str]:
        answer = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[self.group])
        return [one["InstanceId"] for one in answer["AutoScalingGroups"][0]["Instances"]]

    def values(self, namespace: str, name: str, stat: str, **dimensions: str) -> list[float]:
        """Return a metric's values since noon, minute by minute."""
        now = self.aws.clock.now()
        query = {
            "Id": "m",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                },
                "Period": 60,
                "Stat": stat,
            },
        }
        answer = self.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query],
            StartTime=datetime.fromtimestamp(NOON, UTC),
            EndTime=datetime.fromtimestamp(now, UTC),
            ScanBy="TimestampAscending",
        )
        values: list[float] = answer["MetricDataResults"][0]["Values"]
        return values


@pytest.fixture
def make_shop() -> Callable[..., Shop]:
    def make(monitoring: bool = False, **behaviour: Any) -> Shop:
        aws = InProcess(SETTINGS, start=NOON)
        ec2, elbv2, autoscaling = (aws.client(name) for name in ("ec2", "elbv2", "autoscaling"))
        image = ec2.register_image(Name="shop", Architecture="x86_64", EnaSupport=True)["ImageId"]
        aws.behave(image, {"requests_per_second": 20.0, **behaviour})
        subnets = sorted(subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"])[:2]
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        balancer = elbv2.create_load_balancer(Name="shop", Subnets=subnets)["LoadBalancers"][0][
            "LoadBalancerArn"
        ]
        target_group = elbv2.create_target_group(Name="shop", Protocol="HTTP", Port=80, VpcId=vpc)
        arn = target_group["TargetGroups"][0]["TargetGroupArn"]
        elbv2.create_listener(
            LoadBalancerArn=balancer,
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        ec2.create_launch_template(
            LaunchTemplateName="shop",
            LaunchTemplateData={
                "ImageId": image,
                "InstanceType": "t3.micro",
                "Monitoring": {"Enabled": monitoring},
            },
        )
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName="shop",
            LaunchTemplate={"LaunchTemplateName": "shop", "Version": "1"},
            MinSize=1,
            MaxSize=6,
            DesiredCapacity=2,
            VPCZoneIdentifier=",".join(subnets),
            TargetGroupARNs=[arn],
        )
        aws.advance(5)
        aws.advance(5)
        return Shop(aws, image, "shop", balancer.split(":loadbalancer/")[1], arn.split(":")[-1])

    return make


def test_instances_of_a_group_publish_by_their_ids_and_their_group(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(error_rate=0.1)
    shop.pass_time(170)
    first, second = (shop.values("Shop", "Requests", "Sum", InstanceId=name) for name in shop.instance_ids())
    together = shop.values("Shop", "Requests", "Sum", AutoScalingGroupName="shop")
    assert together == [a + b for a, b in zip(first, second, strict=True)]
    assert len(together) == 3
    assert together[1] == pytest.approx(2 * 20 * 60, rel=0.1)


def test_a_load_balancer_publishes_by_the_suffixes_of_the_arns(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(error_rate=0.1)
    shop.pass_time(170)
    of = {"LoadBalancer": shop.balancer, "TargetGroup": shop.target_group}
    requests = shop.values("AWS/ApplicationELB", "RequestCount", "Sum", **of)
    errors = shop.values("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", **of)
    assert len(requests) == 3
    assert errors[1] / requests[1] == pytest.approx(0.1, rel=0.4)
    assert shop.values("AWS/ApplicationELB", "HealthyHostCount", "Minimum", **of)[1:] == [2, 2]


def test_the_launch_template_decides_on_detailed_monitoring(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop()
    shop.pass_time(190)
    assert shop.values("AWS/EC2", "CPUUtilization", "Average", AutoScalingGroupName="shop") == []
    shop = make_shop(monitoring=True)
    shop.pass_time(190)
    assert len(shop.values("AWS/EC2", "CPUUtilization", "Average", AutoScalingGroupName="shop")) == 3


def test_a_terminated_instance_publishes_no_more_and_its_past_remains(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop()
    shop.pass_time(110)
    gone = shop.instance_ids()[0]
    shop.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=gone, ShouldDecrementDesiredCapacity=True
    )
    shop.pass_time(120)
    assert len(shop.values("Shop", "Requests", "Sum", InstanceId=gone)) == 3
    shop.pass_time(120)
    assert len(shop.values("Shop", "Requests", "Sum", InstanceId=gone)) == 3


def test_an_alarm_on_the_group_scales_it_and_deleting_the_group_deletes_the_alarm(
    make_shop: Callable[..., Shop],
) -> None:
    shop = make_shop(cpu={"mean": 90.0}, monitoring=True)
    autoscaling, cloudwatch = shop.client("autoscaling"), shop.client("cloudwatch")
    policy = autoscaling.put_scaling_policy(
        AutoScalingGroupName="shop",
        PolicyName="more",
        PolicyType="StepScaling",
        AdjustmentType="ChangeInCapacity",
        StepAdjustments=[
            {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 15.0, "ScalingAdjustment": 1},
            {"MetricIntervalLowerBound": 15.0, "ScalingAdjustment": 2},
        ],
    )["PolicyARN"]
    cloudwatch.put_metric_alarm(
        AlarmName="busy",
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": "shop"}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=2,
        Threshold=70.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy],
    )
    assert shop.capacity() == 2
    shop.pass_time(130)
    described = cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"][0]
    assert (described["StateValue"], shop.capacity()) == ("ALARM", 4)
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="shop", ForceDelete=True)
    shop.pass_time(10)
    assert cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"] == []


def test_target_tracking_makes_alarms_that_scale(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(cpu={"mean": 90.0}, monitoring=True)
    shop.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName="shop",
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 50.0,
        },
    )
    names = [alarm["AlarmName"] for alarm in shop.client("cloudwatch").describe_alarms()["MetricAlarms"]]
    assert len(names) == 2
    assert all(name.startswith("TargetTracking-shop-Alarm") for name in names)
    shop.pass_time(250)
    assert shop.capacity() > 2


def test_errors_reach_the_client_as_those_of_cloudwatch(make_shop: Callable[..., Shop]) -> None:
    cloudwatch = make_shop().client("cloudwatch")
    with pytest.raises(cloudwatch.exceptions.ResourceNotFound):
        cloudwatch.set_alarm_state(AlarmName="nothing", StateValue="OK", StateReason="test")
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException):
        cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=[{"MetricName": "m", "Value": 1.0}])


def test_a_paginator_gets_all_alarms(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop()
    cloudwatch = shop.client("cloudwatch")
    for number in range(130):
        cloudwatch.put_metric_alarm(
            AlarmName=f"alarm-{number:03}",
            Namespace="Shop",
            MetricName="Errors",
            Dimensions=[{"Name": "AutoScalingGroupName", "Value": "shop"}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=3,
            Threshold=5.0,
            ComparisonOperator="GreaterThanThreshold",
        )
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix="alarm-")
    found = [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]
    assert found == [f"alarm-{number:03}" for number in range(130)]
