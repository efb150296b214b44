# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creating, changing and deleting groups.

After the Amazon EC2 Auto Scaling API Reference: CreateAutoScalingGroup, UpdateAutoScalingGroup,
SetDesiredCapacity, DeleteAutoScalingGroup, SuspendProcesses, EnableMetricsCollection.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling import termination
from tests.sandbox.autoscaling.launching import check, find_template
from tests.sandbox.autoscaling.model import PROCESSES, Group, iso
from tests.sandbox.autoscaling.overrides import check_capacity_type, check_overrides
from tests.sandbox.autoscaling.tags import checked_tags
from tests.sandbox.errors import AwsError, not_modelled, validation_error

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

#: Members of CreateAutoScalingGroup that DescribeAutoScalingGroups gives back as they came.
_AS_GIVEN = (
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "DefaultCooldown",
    "PlacementGroup",
    "TerminationPolicies",
    "NewInstancesProtectedFromScaleIn",
    "ServiceLinkedRoleARN",
    "MaxInstanceLifetime",
    "CapacityRebalance",
    "Context",
    "DesiredCapacityType",
    "DefaultInstanceWarmup",
    "InstanceMaintenancePolicy",
    "DeletionProtection",
    "AvailabilityZoneDistribution",
    "AvailabilityZoneImpairmentPolicy",
    "CapacityReservationSpecification",
    "InstanceLifecyclePolicy",
    "Operator",
)
_LAUNCH_SOURCES = ("LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy")
#: "Available metrics" in "Monitor CloudWatch metrics for your Auto Scaling groups and instances".
METRICS = (
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
    "GroupInServiceCapacity",
    "GroupPendingCapacity",
    "GroupStandbyCapacity",
    "GroupTerminatingCapacity",
    "GroupTotalCapacity",
    "WarmPoolMinSize",
    "WarmPoolDesiredCapacity",
    "WarmPoolWarmedCapacity",
    "WarmPoolPendingCapacity",
    "WarmPoolTerminatingCapacity",
    "WarmPoolTotalCapacity",
    "GroupAndWarmPoolDesiredCapacity",
    "GroupAndWarmPoolTotalCapacity",
)
_LONGEST_UNTOUCHED_LIFETIME = 86_400
_GROUPS_PER_REGION = 500


class Groups:
    """The operations on groups as such."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the groups of ``service``."""
        self._service = service
        self._world = service.world

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "CreateAutoScalingGroup": self.create,
            "UpdateAutoScalingGroup": self.update,
            "DeleteAutoScalingGroup": self.delete,
            "SetDesiredCapacity": self.set_desired_capacity,
            "SuspendProcesses": self.suspend,
            "ResumeProcesses": self.resume,
            "EnableMetricsCollection": self.enable_metrics,
            "DisableMetricsCollection": self.disable_metrics,
        }

    def create(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create a group; its name is unique in the region."""
        name = parameters["AutoScalingGroupName"]
        if name in self._service.groups:
            raise AwsError(
                "AlreadyExists",
                f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
            )
        if len(self._service.groups) >= _GROUPS_PER_REGION:
            raise AwsError("LimitExceeded", f"AutoScalingGroup limit exceeded: {_GROUPS_PER_REGION}")
        if "InstanceId" in parameters:
            raise not_modelled("a group after the model of an instance (InstanceId)")
        if "AvailabilityZoneIds" in parameters:
            raise not_modelled("Availability Zones by id (AvailabilityZoneIds)")
        given = [source for source in _LAUNCH_SOURCES if source in parameters]
        if len(given) != 1:
            raise validation_error(
                "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or"
                " MixedInstancesPolicy parameter."
            )
        low, high = parameters["MinSize"], parameters["MaxSize"]
        desired = parameters.get("DesiredCapacity", low)
        _check_sizes(low, high, desired)
        attributes = {member: parameters[member] for member in _AS_GIVEN if member in parameters}
        _check_attributes(attributes)
        attributes.setdefault("HealthCheckType", "EC2")
        attributes.setdefault("HealthCheckGracePeriod", 0)
        attributes.setdefault("DefaultCooldown", 300)
        attributes.setdefault("TerminationPolicies", ["Default"])
        attributes.setdefault("NewInstancesProtectedFromScaleIn", False)
        attributes.setdefault("ServiceLinkedRoleARN", self._service_linked_role())
        attributes.setdefault("DeletionProtection", "none")
        attributes.setdefault(
            "AvailabilityZoneDistribution", {"CapacityDistributionStrategy": "balanced-best-effort"}
        )
        attributes |= self._launch_source(parameters)
        check_capacity_type(attributes, attributes.get("MixedInstancesPolicy"))
        zones, subnet_ids = self._places(parameters)
        tags = checked_tags(parameters.get("Tags") or [], name, {})
        now = self._world.now()
        group = Group(
            name=name,
            arn=self._service.arn("autoScalingGroup", f"{uuid.uuid4()}:autoScalingGroupName/{name}"),
            created_at=now,
            min_size=low,
            max_size=high,
            desired_capacity=desired,
            attributes=attributes,
            zones=zones,
            subnet_ids=subnet_ids,
            tags=tags,
        )
        for identifier, kind in self._traffic_sources(parameters):
            group.traffic_sources[identifier] = kind
            group.first_traffic_sources.add(identifier)
        for specification in parameters.get("LifecycleHookSpecificationList") or []:
            self._service.hooks.add(group, specification)
        self._service.groups[name] = group
        group.reason = (
            f"At {iso(now)} a user request created an AutoScalingGroup changing the desired capacity from 0 to"
            f" {desired}."
        )
        self._service.life_cycle.wake(group)
        return {}

    def update(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Change what is named and leave the rest alone."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        if "AvailabilityZoneIds" in parameters:
            raise not_modelled("Availability Zones by id (AvailabilityZoneIds)")
        low = parameters.get("MinSize", group.min_size)
        high = parameters.get("MaxSize", group.max_size)
        if low > high:
            raise _bounds_error(low, high)
        # "If you specify a new value for MinSize without specifying a value for DesiredCapacity, and the new
        # MinSize is larger than the current size of the group, this sets the group's DesiredCapacity to the
        # new MinSize value", and likewise with MaxSize (UpdateAutoScalingGroup).
        desired = parameters.get("DesiredCapacity", min(max(group.desired_capacity, low), high))
        _check_sizes(low, high, desired)
        attributes = {member: parameters[member] for member in _AS_GIVEN if member in parameters}
        _check_attributes(attributes)
        sources = [source for source in _LAUNCH_SOURCES if source in parameters]
        if len(sources) > 1:
            raise validation_error(
                "Only one of LaunchConfigurationName, LaunchTemplate or MixedInstancesPolicy can be specified."
            )
        if sources:
            attributes |= self._launch_source(parameters)
        if "VPCZoneIdentifier" in parameters or "AvailabilityZones" in parameters:
            group.zones, group.subnet_ids = self._places(parameters)
        if sources:
            for source in _LAUNCH_SOURCES:
                group.attributes.pop(source, None)
        # "To remove a value that you previously set, include the property but specify -1 for the value", and
        # 0 or an empty text for the others (UpdateAutoScalingGroup).
        for member, cleared in (
            ("DefaultInstanceWarmup", -1),
            ("MaxInstanceLifetime", 0),
            ("PlacementGroup", ""),
        ):
            if attributes.get(member) == cleared:
                del attributes[member]
                group.attributes.pop(member, None)
        group.attributes |= attributes
        self.resize(group, low, high, desired, "a user request update of AutoScalingGroup constraints to")
        return {}

    def resize(self, group: Group, low: int, high: int, desired: int, who: str) -> None:
        """Give a group new sizes, and remember who asked for them as a cause tells it."""
        if desired != group.desired_capacity or (low, high) != (group.min_size, group.max_size):
            group.reason = (
                f"At {iso(self._world.now())} {who} min: {low}, max: {high}, desired: {desired} changing the"
                f" desired capacity from {group.desired_capacity} to {desired}."
            )
            group.scaled_by = None
        group.min_size, group.max_size, group.desired_capacity = low, high, desired
        group.retry_at = None
        self._service.life_cycle.wake(group)

    def set_desired_capacity(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Set the desired capacity within the bounds."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        wanted = parameters["DesiredCapacity"]
        if wanted > group.max_size:
            raise validation_error(
                f"New SetDesiredCapacity value {wanted} is above max value {group.max_size} for the"
                " AutoScalingGroup."
            )
        if wanted < group.min_size:
            raise validation_error(
                f"New SetDesiredCapacity value {wanted} is below min value {group.min_size} for the"
                " AutoScalingGroup."
            )
        if parameters.get("HonorCooldown") and self._service.policies.cooling_down(group):
            raise AwsError(
                "ScalingActivityInProgress",
                f"You cannot set the desired capacity of AutoScalingGroup {group.name} while it is in cooldown.",
            )
        group.reason = (
            f"At {iso(self._world.now())} a user request explicitly set group desired capacity changing the"
            f" desired capacity from {group.desired_capacity} to {wanted}."
        )
        group.desired_capacity, group.scaled_by = wanted, None
        group.retry_at = None
        self._service.life_cycle.wake(group)
        return {}

    def delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Delete a group that is empty and still, or any group by force."""
        group = self._service.group(parameters["AutoScalingGroupName"])
        force = parameters.get("ForceDelete", False)
        protection = group.attributes["DeletionProtection"]
        if protection == "prevent-all-deletion" or (force and protection == "prevent-force-deletion"):
            raise AwsError(
                "ValidationError",
                f"AutoScalingGroup {group.name} cannot be deleted because its deletion protection is {protection}.",
            )
        if group.deleting:
            return {}
        if not force:
            # "If the group has a warm pool, the force delete option also deletes the warm pool".
            if group.warm_pool is not None:
                raise AwsError(
                    "ResourceInUse",
                    "You cannot delete an AutoScalingGroup while there is a warm pool associated with it.",
                )
            if any(not instance.leaving for instance in group.instances.values()):
                raise AwsError(
                    "ResourceInUse",
                    "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance"
                    " request(s) still in the group.",
                )
            if any(activity.in_progress for activity in group.activities):
                raise AwsError(
                    "ScalingActivityInProgress",
                    "You cannot delete an AutoScalingGroup while there are scaling activities in progress for"
                    " that group.",
                )
        group.deleting = True
        group.min_size = group.max_size = group.desired_capacity = 0
        now = iso(self._world.now())
        for instance in list(group.instances.values()):
            if not instance.leaving:
                cause = f"At {now} the AutoScalingGroup was force deleted and an instance was taken out of service."
                self._service.life_cycle.terminate(group, instance, cause)
        if group.warm_pool is not None:
            group.warm_pool = {**group.warm_pool, "Status": "PendingDelete"}
            self._service.warm_pools.keep(group)
        elif not group.instances:
            self._service.remove(group)
        return {}

    def suspend(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Suspend the named processes, or all."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        for process in _processes(parameters):
            group.suspended[process] = f"User suspended at {iso(self._world.now())}"
        return {}

    def resume(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Resume the named processes, or all. What was not registered meanwhile stays unregistered."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        for process in _processes(parameters):
            group.suspended.pop(process, None)
        group.retry_at = None
        self._service.life_cycle.wake(group)
        return {}

    def enable_metrics(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Publish the named group metrics, or all, each minute."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        if parameters["Granularity"] != "1Minute":
            raise validation_error("Granularity is not valid: the only valid value is 1Minute")
        for metric in parameters.get("Metrics") or METRICS:
            if metric not in METRICS:
                raise validation_error(f"Metric name {metric} is not valid")
            group.metrics[metric] = "1Minute"
        return {}

    def disable_metrics(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Publish the named group metrics, or all, no longer."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        for metric in parameters.get("Metrics") or METRICS:
            group.metrics.pop(metric, None)
        return {}

    # -- parts of requests -----------------------------------------------------------------------

    def _service_linked_role(self) -> str:
        role = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
        return f"arn:aws:iam::{self._world.settings.account_id}:{role}"

    def _launch_source(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the launch source with the template's id and name both, as it is described."""
        source = next(source for source in _LAUNCH_SOURCES if source in parameters)
        value = parameters[source]
        if source == "LaunchTemplate":
            value = self._complete(value)
        elif source == "MixedInstancesPolicy":
            chosen = value.get("LaunchTemplate")
            if not chosen or "LaunchTemplateSpecification" not in chosen:
                raise validation_error(
                    "The MixedInstancesPolicy must contain a launch template specification."
                )
            chosen = chosen | {
                "LaunchTemplateSpecification": self._complete(chosen["LaunchTemplateSpecification"])
            }
            if "Overrides" in chosen:
                chosen["Overrides"] = [
                    override
                    | {"LaunchTemplateSpecification": self._complete(override["LaunchTemplateSpecification"])}
                    if "LaunchTemplateSpecification" in override
                    else override
                    for override in chosen["Overrides"]
                ]
            value = value | {"LaunchTemplate": chosen}
            check_overrides(value)
        check(
            self._world,
            {source: value, "DesiredCapacityType": parameters.get("DesiredCapacityType", "units")},
        )
        return {source: value}

    def _complete(self, specification: dict[str, Any]) -> dict[str, Any]:
        """Return a template's specification with both id and name, of which a request has one."""
        if ("LaunchTemplateId" in specification) == ("LaunchTemplateName" in specification):
            raise validation_error(
                "Valid requests must contain either LaunchTemplateId or LaunchTemplateName, not both or neither"
            )
        template = find_template(self._world, specification)
        complete = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name}
        if "Version" in specification:
            complete["Version"] = specification["Version"]
        return complete

    def _places(self, parameters: dict[str, Any]) -> tuple[list[str], list[str]]:
        """Return the zones and subnets that a request names."""
        ec2 = self._world.backend("ec2")
        identifiers = [
            part for part in parameters.get("VPCZoneIdentifier", "").replace(" ", "").split(",") if part
        ]
        known = {subnet.id: subnet for subnet in ec2.describe_subnets()}
        wrong = [identifier for identifier in identifiers if identifier not in known]
        if wrong:
            raise validation_error(f"The subnet ID '{wrong[0]}' does not exist")
        zones = list(dict.fromkeys(known[identifier].availability_zone for identifier in identifiers))
        asked = parameters.get("AvailabilityZones") or []
        unknown = [
            zone for zone in asked if zone not in {one.name for one in ec2.describe_availability_zones()}
        ]
        if unknown:
            raise validation_error(f"Invalid availability zones: [{', '.join(unknown)}]")
        if identifiers and asked and set(asked) != set(zones):
            raise validation_error(
                "The availability zones of the specified subnets and the Auto Scaling group do not match"
            )
        if not identifiers and not asked:
            raise validation_error("At least one Availability Zone or VPC Subnet is required.")
        return zones or list(asked), identifiers

    def _traffic_sources(self, parameters: dict[str, Any]) -> list[tuple[str, str]]:
        sources = [(arn, "elbv2") for arn in parameters.get("TargetGroupARNs") or []]
        sources += [(name, "elb") for name in parameters.get("LoadBalancerNames") or []]
        for source in parameters.get("TrafficSources") or []:
            sources.append((source["Identifier"], source.get("Type") or kind_of(source["Identifier"])))
        for identifier, kind in sources:
            check_traffic_source(self._service, identifier, kind)
        return sources


def kind_of(identifier: str) -> str:
    """Return the type of a traffic source that was named without one."""
    if ":targetgroup/" in identifier:
        return "vpc-lattice" if ":vpc-lattice:" in identifier else "elbv2"
    return "elb"


def check_traffic_source(service: AutoScaling, identifier: str, kind: str) -> None:
    """Raise a validation error for a traffic source that does not exist."""
    if kind == "vpc-lattice":
        raise not_modelled("VPC Lattice as a traffic source")
    try:
        if kind == "elbv2":
            service.world.targets.target_group(identifier)
        else:
            service.world.targets.load_balancer(identifier)
    except AwsError as error:
        what = (
            "One or more target groups not found"
            if kind == "elbv2"
            else "Provided Load Balancers may not be valid. Please ensure they exist and try again."
        )
        raise validation_error(what) from error


def _bounds_error(low: int, high: int) -> AwsError:
    return validation_error(f"Max bound, {high}, must be greater than or equal to min bound, {low}")


def _check_sizes(low: int, high: int, desired: int) -> None:
    for what, size in (("Min", low), ("Max", high), ("Desired", desired)):
        if size < 0:
            raise validation_error(f"{what} size, {size}, must be greater than or equal to 0")
    if low > high:
        raise _bounds_error(low, high)
    if not low <= desired <= high:
        raise validation_error(
            f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}"
        )


def _check_attributes(attributes: dict[str, Any]) -> None:
    lifetime = attributes.get("MaxInstanceLifetime", 0)
    if lifetime and lifetime < _LONGEST_UNTOUCHED_LIFETIME:
        raise validation_error("MaxInstanceLifetime must be 0 or at least 86400 seconds")
    types = attributes.get("HealthCheckType", "EC2").split(",")
    if unknown := [one for one in types if one.strip() not in ("EC2", "EBS", "ELB", "VPC_LATTICE")]:
        raise validation_error(f"Invalid health check type: {unknown[0]}")
    for policy in attributes.get("TerminationPolicies", []):
        if policy.startswith("arn:"):
            raise not_modelled("a Lambda function as a termination policy")
        if policy not in termination.POLICIES:
            raise validation_error(f"Invalid termination policy: {policy}")
    maintenance = attributes.get("InstanceMaintenancePolicy", {})
    if ("MinHealthyPercentage" in maintenance) != ("MaxHealthyPercentage" in maintenance):
        raise validation_error("Both MinHealthyPercentage and MaxHealthyPercentage must be specified")


def _processes(parameters: dict[str, Any]) -> list[str]:
    named = parameters.get("ScalingProcesses") or list(PROCESSES)
    if unknown := [process for process in named if process not in PROCESSES]:
        raise validation_error(
            f"1 validation error detected: Process type '{unknown[0]}' is not one of {list(PROCESSES)}"
        )
    return named
