# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations on single instances of groups.

After "Detach or attach instances", "Temporarily remove instances", "Use instance scale-in protection" and
"Health checks for instances in an Auto Scaling group" in the Amazon EC2 Auto Scaling User Guide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling.model import Group, GroupInstance, iso, timestamp
from tests.sandbox.errors import validation_error

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling


class Instances:
    """The operations on single instances."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the groups of ``service``."""
        self._service = service
        self._world = service.world

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "SetInstanceHealth": self.set_health,
            "SetInstanceProtection": self.set_protection,
            "TerminateInstanceInAutoScalingGroup": self.terminate,
            "EnterStandby": self.enter_standby,
            "ExitStandby": self.exit_standby,
            "DetachInstances": self.detach,
            "AttachInstances": self.attach,
        }

    def set_health(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Mark an instance; an unhealthy one is replaced, after the grace period if that is respected."""
        group, instance = self._find(parameters["InstanceId"])
        status = parameters["HealthStatus"]
        if status not in ("Healthy", "Unhealthy"):
            raise validation_error("Valid instance health states are: [Healthy, Unhealthy].")
        respected = parameters.get("ShouldRespectGracePeriod", True)
        grace = group.attributes["HealthCheckGracePeriod"]
        young = instance.in_service_at is None or self._world.now() < instance.in_service_at + grace
        if status == "Unhealthy" and respected and young:
            return {}
        instance.health = status
        now = iso(self._world.now())
        why = "was taken out of service in response to a user health-check."
        instance.unhealthy_cause = f"At {now} an instance {why}"
        self._service.life_cycle.wake(group)
        return {}

    def set_protection(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Protect instances from scale-in, or cease to."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        for instance in self._of(group, parameters["InstanceIds"]):
            instance.protected = parameters["ProtectedFromScaleIn"]
        self._service.life_cycle.wake(group)
        return {}

    def terminate(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Terminate an instance; the group launches another unless the capacity is to shrink."""
        if "InstanceId" not in parameters:
            raise validation_error("TerminateInstanceInAutoScalingGroup requires the parameter InstanceId")
        group, instance = self._find(parameters["InstanceId"])
        if instance.leaving:
            raise validation_error(f"Instance {instance.instance_id} is not in a state to be terminated")
        now, count = iso(self._world.now()), group.units()
        cause = (
            f"At {now} instance {instance.instance_id} was taken out of service in response to a user request"
        )
        if parameters["ShouldDecrementDesiredCapacity"]:
            self._decrement(group, instance.weight, "terminate")
            cause += f", shrinking the capacity from {count} to {count - instance.weight}."
        else:
            cause += "."
        activity = self._service.life_cycle.terminate(group, instance, cause)
        self._service.life_cycle.wake(group)
        return {"Activity": activity.describe()}

    def enter_standby(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Move instances to standby: deregistered, not checked, not counted."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        instances = self._in_state(self._of(group, parameters.get("InstanceIds") or []), "InService")
        return {"Activities": self._leave(group, instances, parameters, "standby")}

    def exit_standby(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Move instances back in service; the desired capacity grows by their number."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        instances = self._in_state(self._of(group, parameters.get("InstanceIds") or []), "Standby")
        if group.desired_capacity + sum(instance.weight for instance in instances) > group.max_size:
            raise validation_error(
                f"AutoScalingGroup {group.name} has max-size={group.max_size}, it cannot take"
                f" {len(instances)} more instances"
            )
        activities = []
        for instance in instances:
            group.desired_capacity += instance.weight
            what = f"Moving EC2 instance out of Standby: {instance.instance_id}"
            activities.append(self._moved(group, instance, what))
            self._enter_service(group, instance)
        self._service.life_cycle.wake(group)
        return {"Activities": activities}

    def detach(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Remove instances from the group; they go on running."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        instances = self._in_state(self._of(group, parameters.get("InstanceIds") or []), "InService")
        return {"Activities": self._leave(group, instances, parameters, "detach")}

    def attach(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Add running instances; the desired capacity grows by their number."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        named = parameters.get("InstanceIds") or []
        if group.desired_capacity + len(named) > group.max_size:
            raise validation_error(
                f"Invalid Instances {named}. The number of instances being attached plus the desired capacity"
                " exceeds the maximum size of the group."
            )
        found = []
        for instance_id in named:
            ec2 = self._service.ec2_instance(instance_id)
            if ec2 is None or ec2.state != "running":
                raise validation_error(f"Invalid Instance ID(s): {instance_id}")
            if any(instance_id in other.instances for other in self._service.groups.values()):
                raise validation_error(f"Instance {instance_id} is already part of an AutoScalingGroup")
            if ec2.availability_zone not in group.zones:
                raise validation_error(f"Instance {instance_id} is not in a zone of the group")
            found.append(ec2)
        for ec2 in found:
            instance = self._adopt(group, ec2)
            ec2.add_tags({"aws:autoscaling:groupName": group.name})
            group.desired_capacity += 1
            self._moved(group, instance, f"Attaching an existing EC2 instance: {instance.instance_id}")
            self._enter_service(group, instance)
        return {}

    # -- what they have in common ----------------------------------------------------------------

    def _leave(
        self, group: Group, instances: list[GroupInstance], parameters: dict[str, Any], how: str
    ) -> list[dict[str, Any]]:
        if parameters["ShouldDecrementDesiredCapacity"]:
            self._decrement(group, sum(instance.weight for instance in instances), how)
        activities = []
        for instance in instances:
            what = "Moving EC2 instance to Standby" if how == "standby" else "Detaching EC2 instance"
            activities.append(self._moved(group, instance, f"{what}: {instance.instance_id}"))
            for where in self._world.targets.holders(instance.instance_id):
                self._world.targets.deregister(where, instance.instance_id)
            if how == "standby":
                instance.state = "Standby"
            else:
                instance.state = "Detached"
                del group.instances[instance.instance_id]
                self._service.life_cycle.records[instance.instance_id].group_name = None
        self._service.life_cycle.wake(group)
        return activities

    def _adopt(self, group: Group, ec2: Any) -> GroupInstance:
        """Take an instance that was launched by hand into a group."""
        instance = GroupInstance(
            instance_id=ec2.id,
            ec2=ec2,
            image_id=ec2.image_id,
            instance_type=ec2.instance_type,
            zone=ec2.availability_zone,
            zone_id=self._world.backend("ec2").get_subnet(ec2.subnet_id).availability_zone_id,
            subnet_id=ec2.subnet_id,
            launched_at=ec2.launch_time.replace(tzinfo=timestamp(0).tzinfo).timestamp(),
            launch_template=None,
            launch_configuration=None,
            protected=False,
        )
        group.instances[ec2.id] = instance
        self._service.life_cycle.keep_record(instance, group.name)
        return instance

    def _enter_service(self, group: Group, instance: GroupInstance) -> None:
        instance.state = "InService"
        now = self._world.now()
        instance.in_service_at = self._service.life_cycle.records[instance.instance_id].in_service_at = now
        if not group.suspends("AddToLoadBalancer"):
            for kind in ("elbv2", "elb"):
                for where in group.attached(kind):
                    self._world.targets.register(where, instance.instance_id)

    def _moved(self, group: Group, instance: GroupInstance, what: str) -> dict[str, Any]:
        now = self._world.now()
        cause = f"At {iso(now)} instance {instance.instance_id} was moved in response to a user request."
        details = {"Subnet ID": instance.subnet_id, "Availability Zone": instance.zone}
        activity = self._service.life_cycle.tell(group, what, cause, details)
        activity.end(now)
        return activity.describe()

    def _decrement(self, group: Group, count: int, how: str) -> None:
        if group.desired_capacity - count < group.min_size:
            raise validation_error(
                f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without replacement"
                f" will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false"
                f" or lower group's min size. ({how})"
            )
        group.desired_capacity -= count

    def _find(self, instance_id: str) -> tuple[Group, GroupInstance]:
        for group in self._service.groups.values():
            if instance_id in group.instances:
                return group, group.instances[instance_id]
        raise validation_error(
            f"Instance Id not found - No managed instance found for instance ID: {instance_id}"
        )

    def _of(self, group: Group, instance_ids: list[str]) -> list[GroupInstance]:
        unknown = [instance_id for instance_id in instance_ids if instance_id not in group.instances]
        if unknown:
            raise validation_error(
                f"The instance {unknown[0]} is not part of Auto Scaling group {group.name}."
            )
        return [group.instances[instance_id] for instance_id in instance_ids]

    def _in_state(self, instances: list[GroupInstance], state: str) -> list[GroupInstance]:
        for instance in instances:
            if instance.state != state:
                raise validation_error(f"The instance {instance.instance_id} is not in {state}.")
        return instances
