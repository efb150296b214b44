# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling policies, and what happens when their alarms go off.

After "Step and simple scaling policies", "Target tracking scaling policies" and "Scaling cooldowns" in the
Amazon EC2 Auto Scaling User Guide. Predictive policies are kept and never forecast.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import botocore.session

from tests.sandbox.autoscaling import scaling_adjustments as arithmetic
from tests.sandbox.autoscaling.model import Group, Policy, iso
from tests.sandbox.errors import AwsError, not_modelled, validation_error
from tests.sandbox.paging import page

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

#: "Quotas for Auto Scaling resources and groups".
_MOST, _MOST_STEPS = 50, 20
_ADJUSTMENTS = ("ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity")
_AGGREGATIONS = ("Minimum", "Maximum", "Average")
#: Policy type -> the members of PutScalingPolicy that are valid for it.
_MEMBERS: dict[str, tuple[str, ...]] = {
    "SimpleScaling": ("AdjustmentType", "MinAdjustmentMagnitude", "ScalingAdjustment", "Cooldown"),
    "StepScaling": (
        "AdjustmentType",
        "MinAdjustmentMagnitude",
        "MetricAggregationType",
        "StepAdjustments",
        "EstimatedInstanceWarmup",
    ),
    "TargetTrackingScaling": ("TargetTrackingConfiguration", "EstimatedInstanceWarmup"),
    "PredictiveScaling": ("PredictiveScalingConfiguration",),
}
_COMMON = {"AutoScalingGroupName", "PolicyName", "PolicyType", "Enabled"}


class Policies:
    """The operations on scaling policies, and the scaling itself."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the groups of ``service``."""
        self._service = service
        self._world = service.world

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "PutScalingPolicy": self.put,
            "DescribePolicies": self.describe,
            "DeletePolicy": self.delete,
            "ExecutePolicy": self.execute,
        }

    # -- operations ------------------------------------------------------------------------------

    def put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create a policy, or replace all of one but its name and ARN."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        name = parameters["PolicyName"]
        members = self._checked(parameters)
        known = group.policies.get(name)
        if known is None and len(group.policies) >= _MOST:
            raise AwsError("LimitExceeded", f"ScalingPolicy limit exceeded: {_MOST} per group")
        where = f"{uuid.uuid4()}:autoScalingGroupName/{group.name}:policyName/{name}"
        arn = known.arn if known else self._service.arn("scalingPolicy", where)
        policy = Policy(name, arn, members, last_scaled_at=known.last_scaled_at if known else None)
        before = known.own_alarms if known else []
        policy.own_alarms = self._put_alarms(group, policy, before)
        self._delete_alarms([alarm for alarm in before if alarm not in policy.own_alarms])
        group.policies[name] = policy
        return {"PolicyARN": arn, "Alarms": self._alarms_by_policy().get(arn, [])}

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe policies by group, name, ARN and type, each with the alarms that name it."""
        if "AutoScalingGroupName" in parameters:
            groups = [self._service.group(parameters["AutoScalingGroupName"])]
        else:
            groups = list(self._service.groups.values())
        names, kinds = parameters.get("PolicyNames"), parameters.get("PolicyTypes")
        found = [
            policy
            for group in groups
            for policy in group.policies.values()
            if (not names or policy.name in names or policy.arn in names)
            and (not kinds or policy.kind in kinds)
        ]
        output = page("ScalingPolicies", found, parameters, 50, 100)
        alarms = self._alarms_by_policy() if output["ScalingPolicies"] else {}
        described = [
            {"PolicyARN": policy.arn, **policy.members, "Alarms": alarms.get(policy.arn, [])}
            for policy in output["ScalingPolicies"]
        ]
        return output | {"ScalingPolicies": described}

    def delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Delete a policy and the alarms it made; of others' alarms it deletes the action, not the alarm."""
        group, policy = self._find(parameters)
        self._delete_alarms(policy.own_alarms)
        for alarm in self._alarms_of({policy.arn}):
            self._without(alarm, {policy.arn})
        del group.policies[policy.name]
        return {}

    def execute(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Scale as a simple or step policy says, as if its alarm had gone off."""
        group, policy = self._find(parameters)
        if policy.kind not in ("SimpleScaling", "StepScaling"):
            raise validation_error(f"Policy type {policy.kind} is not supported by ExecutePolicy")
        if not policy.members["Enabled"]:
            raise not_modelled("executing a policy that is disabled")
        if policy.kind == "StepScaling":
            for member in ("MetricValue", "BreachThreshold"):
                if member not in parameters:
                    raise validation_error(f"{member} is required for policy type StepScaling")
        elif parameters.get("HonorCooldown") and self.cooling_down(group):
            raise AwsError(
                "ScalingActivityInProgress",
                f"You cannot execute the policy {policy.name} of {group.name} while the group is in cooldown.",
            )
        difference = parameters.get("MetricValue", 0.0) - parameters.get("BreachThreshold", 0.0)
        self._scale(group, policy, self._wanted(group, policy, difference), "a user request executed policy")
        return {}

    # -- what CloudWatch and other parts use -----------------------------------------------------

    def alarm_fired(
        self, policy_arn: str, alarm_name: str | None = None, metric_value: float | None = None
    ) -> None:
        """Scale as the policy says, unless it is disabled or its group takes no notice of alarms."""
        for group in self._service.groups.values():
            for policy in group.policies.values():
                if policy.arn == policy_arn:
                    self._heed(group, policy, alarm_name, metric_value)
                    return

    def remove_all(self, group: Group) -> None:
        """Delete a group's policies and what went with them.

        "If the group has policies, deleting the group deletes the policies, the underlying alarm actions, and
        any alarm that no longer has an associated action" (DeleteAutoScalingGroup).
        """
        arns = {policy.arn for policy in group.policies.values()}
        own = [alarm for policy in group.policies.values() for alarm in policy.own_alarms]
        group.policies.clear()
        self._delete_alarms(own)
        if arns:
            for alarm in self._alarms_of(arns):
                if not self._without(alarm, arns):
                    self._delete_alarms([alarm["AlarmName"]])

    def cooling_down(self, group: Group) -> bool:
        """Return whether a simple policy scaled the group less than a cooldown ago."""
        now = self._world.now()
        for policy in group.policies.values():
            if policy.kind == "SimpleScaling" and policy.last_scaled_at is not None:
                cooldown = policy.members.get("Cooldown", group.attributes["DefaultCooldown"])
                if now < policy.last_scaled_at + cooldown:
                    return True
        return False

    # -- scaling ---------------------------------------------------------------------------------

    def _heed(self, group: Group, policy: Policy, alarm_name: str | None, metric_value: float | None) -> None:
        if group.deleting or group.suspends("AlarmNotification") or not policy.members["Enabled"]:
            return
        difference = 0.0
        if policy.kind == "StepScaling":
            threshold = self._threshold(alarm_name)
            if metric_value is None or threshold is None:
                return
            difference = metric_value - threshold
        elif policy.kind == "SimpleScaling":
            if self.cooling_down(group):
                return
        elif metric_value is None:
            return
        if policy.kind == "TargetTrackingScaling":
            assert metric_value is not None
            wanted = self._tracking(group, policy, metric_value)
        else:
            wanted = self._wanted(group, policy, difference)
        self._scale(group, policy, wanted, f"a monitor alarm {alarm_name} in state ALARM triggered policy")

    def _wanted(self, group: Group, policy: Policy, difference: float) -> int:
        """Return the capacity that a simple or step policy asks for.

        Instances that warm up are part of a step's starting point only in so far as they are what that step
        asks for: alarms that go on do not add the same instances again, and nothing is scaled in meanwhile.
        """
        members = policy.members
        kind, least = members["AdjustmentType"], members.get("MinAdjustmentMagnitude", 1)
        if policy.kind == "SimpleScaling":
            return arithmetic.adjusted(group.desired_capacity, kind, members["ScalingAdjustment"], least)
        adjustment = arithmetic.step_for(members["StepAdjustments"], difference)
        if adjustment is None:
            return group.desired_capacity
        warming = self._warming(group, policy)
        wanted = arithmetic.adjusted(group.desired_capacity - warming, kind, adjustment, least)
        return max(wanted, group.desired_capacity) if warming else wanted

    def _tracking(self, group: Group, policy: Policy, metric_value: float) -> int:
        """Return the capacity that target tracking asks for; it scales out at once and in one by one."""
        configuration = policy.members["TargetTrackingConfiguration"]
        warming = self._warming(group, policy)
        ready = group.desired_capacity - warming
        wanted = arithmetic.tracked(ready, metric_value, configuration["TargetValue"])
        if wanted >= ready:
            return max(wanted, group.desired_capacity)
        if warming or configuration.get("DisableScaleIn"):
            return group.desired_capacity
        return ready - 1

    def _warming(self, group: Group, policy: Policy) -> int:
        """Return how many instances are launched or wanted, and not yet warmed up.

        EstimatedInstanceWarmup "applies to instances launched due to a specific target tracking or step scaling
        policy", DefaultInstanceWarmup to all; "If default instance warmup is null", the default cooldown counts.
        """
        own, of_all = (
            policy.members.get("EstimatedInstanceWarmup"),
            group.attributes.get("DefaultInstanceWarmup"),
        )
        everybody = own is None and of_all is not None
        seconds = next(one for one in (own, of_all, group.attributes["DefaultCooldown"]) if one is not None)
        now = self._world.now()
        warming = [
            instance
            for instance in group.counted()
            if (everybody or instance.scaled_by == policy.arn)
            and (instance.in_service_at is None or now < instance.in_service_at + seconds)
        ]
        missing = max(0, group.desired_capacity - group.units())
        return sum(instance.weight for instance in warming) + (
            missing if everybody or group.scaled_by == policy.arn else 0
        )

    def _scale(self, group: Group, policy: Policy, wanted: int, cause: str) -> None:
        """Set the desired capacity, within the group's bounds, and say why."""
        wanted = min(max(wanted, group.min_size), group.max_size)
        if wanted == group.desired_capacity:
            return
        now = self._world.now()
        group.reason = (
            f"At {iso(now)} {cause} {policy.name} changing the desired capacity from {group.desired_capacity}"
            f" to {wanted}."
        )
        policy.last_scaled_at, group.scaled_by = now, policy.arn
        group.desired_capacity = wanted
        group.retry_at = None
        self._service.life_cycle.wake(group)

    # -- parts of requests -----------------------------------------------------------------------

    def _find(self, parameters: dict[str, Any]) -> tuple[Group, Policy]:
        """Return the policy that a request names, by name with its group or by ARN."""
        wanted, group_name = parameters["PolicyName"], parameters.get("AutoScalingGroupName")
        groups = [self._service.changing(group_name)] if group_name else list(self._service.groups.values())
        for group in groups:
            for policy in group.policies.values():
                if policy.arn == wanted or (group_name and policy.name == wanted):
                    return group, policy
        raise validation_error(f"PolicyName {wanted} not found")

    def _checked(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the members of a policy. Raises a validation error for what its type does not allow."""
        kind = parameters.get("PolicyType", "SimpleScaling")
        if kind not in _MEMBERS:
            raise validation_error(f"PolicyType must be one of {', '.join(_MEMBERS)}")
        if "MinAdjustmentStep" in parameters:
            raise not_modelled("MinAdjustmentStep, which MinAdjustmentMagnitude has replaced")
        foreign = sorted(set(parameters) - _COMMON - set(_MEMBERS[kind]))
        if foreign:
            raise validation_error(f"{', '.join(foreign)} is not supported for policy type {kind}")
        members = dict(parameters)
        members["PolicyType"] = kind
        members.setdefault("Enabled", True)
        {
            "SimpleScaling": self._check_simple,
            "StepScaling": self._check_steps,
            "TargetTrackingScaling": self._check_tracking,
            "PredictiveScaling": self._check_predictive,
        }[kind](members)
        return members

    def _check_simple(self, members: dict[str, Any]) -> None:
        _check_adjustment(members)
        if "ScalingAdjustment" not in members:
            raise validation_error("ScalingAdjustment is required for policy type SimpleScaling")

    def _check_steps(self, members: dict[str, Any]) -> None:
        _check_adjustment(members)
        if members["AdjustmentType"] == "ExactCapacity" and any(
            step["ScalingAdjustment"] < 0 for step in members.get("StepAdjustments") or []
        ):
            raise validation_error("For exact capacity, the scaling adjustment must not be negative")
        arithmetic.check_steps(members.get("StepAdjustments") or [], _MOST_STEPS)
        if members.setdefault("MetricAggregationType", "Average") not in _AGGREGATIONS:
            raise validation_error(f"MetricAggregationType must be one of {', '.join(_AGGREGATIONS)}")

    def _check_tracking(self, members: dict[str, Any]) -> None:
        configuration = members.get("TargetTrackingConfiguration")
        if not configuration:
            raise validation_error(
                "TargetTrackingConfiguration is required for policy type TargetTrackingScaling"
            )
        configuration = {"DisableScaleIn": False} | configuration
        members["TargetTrackingConfiguration"] = configuration
        group = self._service.group(members["AutoScalingGroupName"])
        arithmetic.tracking_metric(group.name, configuration)
        predefined = configuration.get("PredefinedMetricSpecification") or {}
        if predefined.get("PredefinedMetricType") == "ALBRequestCountPerTarget":
            self._check_label(group, predefined["ResourceLabel"])

    def _check_label(self, group: Group, label: str) -> None:
        """Refuse a label whose target group is not attached, or not to that load balancer.

        "You can't specify a resource label unless the target group is attached to the Auto Scaling group"
        (``PredefinedMetricSpecification``).
        """
        balancer, wanted = arithmetic.split_label(label)
        for arn in group.attached("elbv2"):
            if arn.endswith(f":{wanted}"):
                balancers = self._world.targets.target_group(arn).load_balancer_arns
                if any(one.endswith(f":loadbalancer/{balancer}") for one in balancers):
                    return
        raise validation_error(
            f"The load balancer or target group of the resource label {label} is not attached to the Auto Scaling"
            f" group {group.name}."
        )

    def _check_predictive(self, members: dict[str, Any]) -> None:
        if not members.get("PredictiveScalingConfiguration"):
            raise validation_error(
                "PredictiveScalingConfiguration is required for policy type PredictiveScaling"
            )

    # -- alarms ----------------------------------------------------------------------------------

    def _put_alarms(self, group: Group, policy: Policy, before: list[str]) -> list[str]:
        """Make or change the alarms of target tracking; return their names."""
        configuration = policy.members.get("TargetTrackingConfiguration")
        if policy.kind != "TargetTrackingScaling" or not configuration:
            return []
        watched = arithmetic.tracking_metric(group.name, configuration)
        names = []
        for which, alarm in arithmetic.tracking_alarms(policy.arn, watched, configuration).items():
            known = next((name for name in before if f"-{which}-" in name), None)
            name = known or f"TargetTracking-{group.name}-{which}-{uuid.uuid4()}"
            self._world.cloudwatch.handle("PutMetricAlarm", {"AlarmName": name, **alarm})
            names.append(name)
        return names

    def _delete_alarms(self, names: list[str]) -> None:
        if names:
            self._world.cloudwatch.handle("DeleteAlarms", {"AlarmNames": names})

    def _all_alarms(self, **parameters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            output = self._world.cloudwatch.handle(
                "DescribeAlarms", {"MaxRecords": 100, **parameters, **token}
            )
            found += output.get("MetricAlarms") or []
            if not output.get("NextToken"):
                return found
            token = {"NextToken": output["NextToken"]}

    def _alarms_of(self, arns: set[str]) -> list[dict[str, Any]]:
        return [alarm for alarm in self._all_alarms() if arns & set(_actions(alarm))]

    def _alarms_by_policy(self) -> dict[str, list[dict[str, str]]]:
        """Return the shapes ``Alarm`` by the ARN of the policy that they are to wake."""
        found: dict[str, list[dict[str, str]]] = {}
        for alarm in self._all_alarms():
            for arn in dict.fromkeys(_actions(alarm)):
                told = {"AlarmName": alarm["AlarmName"], "AlarmARN": alarm["AlarmArn"]}
                found.setdefault(arn, []).append(told)
        return found

    def _without(self, alarm: dict[str, Any], arns: set[str]) -> bool:
        """Take policies out of an alarm's actions; return whether it has others."""
        members = (
            botocore.session.get_session().get_service_model("cloudwatch").operation_model("PutMetricAlarm")
        )
        changed = {name: value for name, value in alarm.items() if name in members.input_shape.members}
        for kind in _ACTIONS:
            changed[kind] = [action for action in alarm.get(kind) or [] if action not in arns]
        self._world.cloudwatch.handle("PutMetricAlarm", changed)
        return bool(_actions(changed))

    def _threshold(self, alarm_name: str | None) -> float | None:
        """Return the threshold of a metric alarm."""
        if alarm_name is None:
            return None
        for alarm in self._all_alarms(AlarmNames=[alarm_name]):
            return None if alarm.get("Threshold") is None else float(alarm["Threshold"])
        return None


_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")


def _actions(alarm: dict[str, Any]) -> list[str]:
    return [action for kind in _ACTIONS for action in alarm.get(kind) or []]


def _check_adjustment(members: dict[str, Any]) -> None:
    if members.get("AdjustmentType") not in _ADJUSTMENTS:
        raise validation_error(f"AdjustmentType must be one of {', '.join(_ADJUSTMENTS)}")
    if "MinAdjustmentMagnitude" in members and members["AdjustmentType"] != "PercentChangeInCapacity":
        raise validation_error("MinAdjustmentMagnitude is only supported for PercentChangeInCapacity")
