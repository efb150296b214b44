# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of scaling policies, and the alarms that target tracking makes for itself.

After "Step and simple scaling policies" and "Target tracking scaling policies" in the Amazon EC2 Auto
Scaling User Guide.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

from tests.sandbox.errors import not_modelled, validation_error

#: Predefined metric -> namespace, name and statistic of what its alarms watch.
_PREDEFINED = {
    "ASGAverageCPUUtilization": ("AWS/EC2", "CPUUtilization", "Average"),
    "ASGAverageNetworkIn": ("AWS/EC2", "NetworkIn", "Average"),
    "ASGAverageNetworkOut": ("AWS/EC2", "NetworkOut", "Average"),
    "ALBRequestCountPerTarget": ("AWS/ApplicationELB", "RequestCountPerTarget", "Sum"),
}
_PERIOD = 60
#: Target tracking scales out after three minutes and in after fifteen, below nine tenths of its target.
_HIGH_PERIODS, _LOW_PERIODS, _LOW_SHARE = 3, 15, 0.9


def adjusted(capacity: int, kind: str, adjustment: int, least: int = 1) -> int:
    """Return the capacity that an adjustment asks for, before the group's bounds.

    "Scaling adjustment types": of a percentage, what lies beyond 1 or -1 is cut to a whole number, what lies
    between 0 and 1 is 1, and ``least`` is MinAdjustmentMagnitude.
    """
    if kind == "ExactCapacity":
        return adjustment
    if kind == "ChangeInCapacity":
        return capacity + adjustment
    change = capacity * adjustment / 100
    if change == 0:
        return capacity
    size = max(1, math.floor(abs(change)), least)
    return capacity + (size if change > 0 else -size)


def step_for(steps: list[dict[str, Any]], difference: float) -> int | None:
    """Return the adjustment of the step that a metric's distance to the alarm's threshold falls into.

    "If the metric value is above the breach threshold, the lower bound is inclusive", otherwise the upper
    one is (``StepAdjustment``).
    """
    for step in steps:
        low = step.get("MetricIntervalLowerBound", -math.inf)
        high = step.get("MetricIntervalUpperBound", math.inf)
        if low <= difference < high if difference >= 0 else low < difference <= high:
            return int(step["ScalingAdjustment"])
    return None


def check_steps(steps: list[dict[str, Any]], most: int) -> None:
    """Raise a validation error for steps that overlap, leave a gap, are too many, or break another rule.

    The rules are those of ``StepAdjustment`` in the API reference.
    """
    if not steps:
        raise validation_error("StepAdjustments are required for policy type StepScaling")
    if len(steps) > most:
        raise validation_error(f"Step adjustments must not be more than {most} per policy")
    bounds = sorted(
        (step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf))
        for step in steps
    )
    for low, high in bounds:
        if low >= high:
            raise validation_error("The lower bound of a step adjustment must be less than its upper bound")
        if low == -math.inf and high == math.inf:
            raise validation_error("At least one bound of a step adjustment must be specified")
    for (_, before), (after, _) in itertools.pairwise(bounds):
        if before > after:
            raise validation_error("StepAdjustment intervals can't overlap")
        if before < after:
            raise validation_error("StepAdjustment intervals can't have gaps between them")
    if -math.inf < bounds[0][0] < 0 or 0 < bounds[-1][1] < math.inf:
        raise validation_error(
            "There must be a step adjustment with an unspecified lower bound when one has a negative lower bound, and"
            " one with an unspecified upper bound when one has a positive upper bound"
        )


def tracked(capacity: int, value: float, target: float) -> int:
    """Return the capacity with which a metric in proportion to it would be at ``target``."""
    return math.ceil(capacity * value / target - 1e-9) if target > 0 else capacity


def tracking_metric(group_name: str, configuration: dict[str, Any]) -> dict[str, Any]:
    """Return what the alarms of a target tracking policy watch, as members of PutMetricAlarm."""
    predefined = configuration.get("PredefinedMetricSpecification")
    custom = configuration.get("CustomizedMetricSpecification")
    if bool(predefined) == bool(custom):
        raise validation_error(
            "Either PredefinedMetricSpecification or CustomizedMetricSpecification must be specified, not both"
        )
    if predefined:
        kind = predefined["PredefinedMetricType"]
        if kind not in _PREDEFINED:
            raise not_modelled(f"the predefined metric {kind}")
        namespace, name, statistic = _PREDEFINED[kind]
        dimensions = {"AutoScalingGroupName": group_name}
        if kind == "ALBRequestCountPerTarget":
            balancer, target_group = split_label(predefined.get("ResourceLabel") or "")
            dimensions = {"LoadBalancer": balancer, "TargetGroup": target_group}
        return {
            "Namespace": namespace,
            "MetricName": name,
            "Statistic": statistic,
            "Period": _PERIOD,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
    assert custom is not None
    if queries := custom.get("Metrics"):
        return {"Metrics": [_query(query) for query in queries]}
    for member in ("MetricName", "Namespace", "Statistic"):
        if not custom.get(member):
            raise validation_error(f"CustomizedMetricSpecification must specify {member}")
    members = ("MetricName", "Namespace", "Dimensions", "Statistic", "Unit")
    watched = {member: custom[member] for member in members if member in custom}
    return watched | {"Period": custom.get("Period", _PERIOD)}


def _query(query: dict[str, Any]) -> dict[str, Any]:
    """Return a TargetTrackingMetricDataQuery as a MetricDataQuery, with the period that it has by default."""
    result = {"ReturnData": True} | query
    if stat := result.get("MetricStat"):
        result["MetricStat"] = {"Period": _PERIOD} | stat
    return result


def split_label(label: str) -> tuple[str, str]:
    """Return load balancer and target group of ``app/name/id/targetgroup/name/id``."""
    parts = label.split("/")
    if len(parts) != 6 or parts[0] != "app" or parts[3] != "targetgroup" or not all(parts):
        raise validation_error(
            f"The resource label '{label}' is not valid: it must be of the form"
            " app/<load-balancer-name>/<load-balancer-id>/targetgroup/<target-group-name>/<target-group-id>"
        )
    return "/".join(parts[:3]), "/".join(parts[3:])


def tracking_alarms(
    policy_arn: str, watched: dict[str, Any], configuration: dict[str, Any]
) -> dict[str, Any]:
    """Return the inputs of PutMetricAlarm but their names: ``AlarmHigh``, and ``AlarmLow`` to scale in."""
    target = float(configuration["TargetValue"])
    common = {
        **watched,
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy_arn}.",
        "AlarmActions": [policy_arn],
        "ActionsEnabled": True,
    }
    alarms = {
        "AlarmHigh": {
            **common,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": target,
            "EvaluationPeriods": _HIGH_PERIODS,
        }
    }
    if not configuration.get("DisableScaleIn"):
        alarms["AlarmLow"] = {
            **common,
            "ComparisonOperator": "LessThanThreshold",
            "Threshold": round(target * _LOW_SHARE, 6),
            "EvaluationPeriods": _LOW_PERIODS,
        }
    return alarms
