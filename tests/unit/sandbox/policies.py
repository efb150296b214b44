# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling policies and their alarms on the pretend AWS of this process, for tests of the sandbox itself."""

from __future__ import annotations

from typing import Any

from tests.unit.sandbox.fleet import Fleet

CPU_AT_60: dict[str, Any] = {
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingConfiguration": {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": 60.0,
    },
}
SIMPLE: dict[str, Any] = {"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 2, "Cooldown": 60}
STEPS: dict[str, Any] = {
    "PolicyType": "StepScaling",
    "AdjustmentType": "ChangeInCapacity",
    "EstimatedInstanceWarmup": 60,
    "StepAdjustments": [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
    ],
}


def put(fleet: Fleet, name: str = "policy", group: str = "group", **members: Any) -> dict[str, Any]:
    answer = fleet.autoscaling.put_scaling_policy(AutoScalingGroupName=group, PolicyName=name, **members)
    return dict(answer)


def policies(fleet: Fleet, **arguments: Any) -> dict[str, dict[str, Any]]:
    answer = fleet.autoscaling.describe_policies(**arguments)
    return {policy["PolicyName"]: policy for policy in answer["ScalingPolicies"]}


def alarms(fleet: Fleet) -> dict[str, dict[str, Any]]:
    return {alarm["AlarmName"]: alarm for alarm in fleet.cloudwatch.describe_alarms()["MetricAlarms"]}


def put_alarm(fleet: Fleet, *actions: str, name: str = "busy", threshold: float = 50.0) -> None:
    fleet.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Mine",
        MetricName="Load",
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=threshold,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=list(actions),
    )


def load(fleet: Fleet, value: float) -> None:
    """Let the metric have this value in the period that is over when this returns."""
    fleet.aws.advance(10 - fleet.aws.clock.now() % 10)
    fleet.cloudwatch.put_metric_data(
        Namespace="Mine", MetricData=[{"MetricName": "Load", "Value": value, "StorageResolution": 1}]
    )
    fleet.aws.advance(10)


def fire(fleet: Fleet, value: float, name: str = "busy") -> None:
    """Let an alarm go off because of a value."""
    data = f'{{"recentDatapoints": [{value}]}}'
    for state in ("OK", "ALARM"):
        fleet.cloudwatch.set_alarm_state(
            AlarmName=name, StateValue=state, StateReason="a test", StateReasonData=data
        )
