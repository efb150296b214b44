# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warm pools: instances that were launched and initialised beforehand, beside a group's capacity.

After "Decrease latency for applications with long boot times using warm pools" and "Use lifecycle hooks with a warm
pool" in the Amazon EC2 Auto Scaling User Guide, and PutWarmPool, DeleteWarmPool and DescribeWarmPool in its API
Reference. The descriptions of activities are those that people have published ("Launching a new EC2 instance into warm
pool", "... from warm pool"). What AWS says of an instance that returns is not documented.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling.launching import LaunchFailed, choices, launch
from tests.sandbox.autoscaling.model import Activity, Group, GroupInstance, iso
from tests.sandbox.errors import AwsError, validation_error

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

_MEMBERS = ("MaxGroupPreparedCapacity", "MinSize", "PoolState", "InstanceReusePolicy")
#: What an instance is once it is warm: pool's state -> EC2's state and its code.
_WARM = {"Stopped": ("stopped", 80), "Hibernated": ("stopped", 80), "Running": ("running", 16)}


class WarmPools:
    """The operations on warm pools, and what keeps them at their sizes."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the groups of ``service``."""
        self._service = service
        self._world = service.world

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "PutWarmPool": self.put,
            "DeleteWarmPool": self.delete,
            "DescribeWarmPool": self.describe,
        }

    def put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Give a group a warm pool, or change the members that are named."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        if (group.warm_pool or {}).get("Status"):
            raise AwsError("ScalingActivityInProgress", f"The warm pool of {group.name} is being deleted.")
        pool = dict(group.warm_pool or {"MinSize": 0, "PoolState": "Stopped"})
        pool |= {member: parameters[member] for member in _MEMBERS if member in parameters}
        # "To remove a value that you previously set, include the property but specify -1 for the value".
        if pool.get("MaxGroupPreparedCapacity") == -1:
            del pool["MaxGroupPreparedCapacity"]
        if pool["PoolState"] not in _WARM:
            raise validation_error(f"PoolState must be one of {', '.join(_WARM)}")
        group.warm_pool = pool
        self._service.life_cycle.wake(group)
        return {}

    def delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Let a warm pool go, with its instances."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        if group.warm_pool is None:
            raise validation_error(f"No warm pool found for Auto Scaling group {group.name}")
        group.warm_pool = {**group.warm_pool, "Status": "PendingDelete"}
        self.keep(group)
        return {}

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe a warm pool and its instances, which DescribeAutoScalingGroups does not tell."""
        group = self._service.group(parameters["AutoScalingGroupName"])
        if group.warm_pool is None:
            return {"Instances": []}
        instances = [one.describe() for one in group.warm.values()]
        return {"WarmPoolConfiguration": dict(group.warm_pool), "Instances": instances}

    # -- keeping it ------------------------------------------------------------------------------

    def keep(self, group: Group) -> None:
        """Launch into a warm pool, or end what is too much in it, until it has its size."""
        if group.warm_pool is None:
            return
        there = [one for one in group.warm.values() if not one.state.startswith("Warmed:Terminating")]
        wanted = _size(group)
        for instance in there[wanted:]:
            self._end(group, instance)
        if len(there) < wanted and not group.suspends("Launch"):
            self._launch(group, wanted - len(there))
        if group.warm_pool.get("Status") and not group.warm:
            group.warm_pool = None
            if group.deleting and not group.instances:
                self._service.remove(group)

    def _launch(self, group: Group, number: int) -> None:
        now = self._world.now()
        if group.warm_retry_at is not None and now < group.warm_retry_at:
            return
        group.warm_retry_at = None
        of_zone = Counter(one.zone for one in group.warm.values())
        cause = f"At {iso(now)} an instance was started in response to a difference between the desired and the actual"
        cause += " size of the warm pool."
        for __ in range(number):
            subnet = min(self._service.subnets(group), key=lambda one: of_zone[one.availability_zone])
            details = {"Subnet ID": subnet.id, "Availability Zone": subnet.availability_zone}
            choice = choices(group.attributes, group.launched)[0]
            try:
                ec2, specification = launch(self._world, group, subnet, choice)
            except LaunchFailed as failure:
                what = f"Launching a new EC2 instance into warm pool.  Status Reason: {failure}"
                self._service.life_cycle.tell(group, what, cause, details).end(now, "Failed", str(failure))
                group.warm_retry_at = now + max(0.1, self._world.settings.launch_retry_seconds)
                self._service.life_cycle.reconcile_at(group, group.warm_retry_at)
                return
            instance = GroupInstance(
                instance_id=ec2.id,
                ec2=ec2,
                image_id=specification.image_id,
                instance_type=specification.instance_type,
                zone=subnet.availability_zone,
                zone_id=subnet.availability_zone_id,
                subnet_id=subnet.id,
                launched_at=now,
                launch_template=specification.launch_template,
                launch_configuration=specification.launch_configuration,
                protected=False,
                weight=specification.weight,
                weighted=specification.weighted,
                state="Warmed:Pending",
            )
            of_zone[instance.zone] += 1
            group.warm[instance.instance_id] = instance
            self._service.life_cycle.keep_record(instance, None)
            what = f"Launching a new EC2 instance into warm pool: {instance.instance_id}"
            self._arrive_later(group, instance, self._service.life_cycle.tell(group, what, cause, details))

    def _arrive_later(self, group: Group, instance: GroupInstance, activity: Activity) -> None:
        instance.activities.append(activity)

        def running() -> None:
            if instance.state != "Warmed:Pending":
                return
            if instance.ec2.state == "pending":
                instance.ec2._state.name, instance.ec2._state.code = "running", 16
            self._service.life_cycle.wait_for_launch_hooks(
                group, instance, activity, "Warmed:Pending", arrive
            )

        def arrive() -> None:
            if group.warm_pool is None or instance.abandoned:
                activity.end(self._world.now(), "Cancelled")
                self._end(group, instance)
                return
            kind = group.warm_pool["PoolState"]
            instance.ec2._state.name, instance.ec2._state.code = _WARM[kind]
            instance.state = f"Warmed:{kind}"
            activity.end(self._world.now())
            self._service.life_cycle.wake(group)

        self._world.after(self._world.settings.pending_seconds, running)

    def _end(self, group: Group, instance: GroupInstance) -> None:
        instance.state = "Warmed:Terminating"
        for activity in instance.activities:
            if activity.in_progress:
                activity.end(self._world.now(), "Cancelled")
        self._service.life_cycle.records[instance.instance_id].terminated_at = self._world.now()

        def gone() -> None:
            instance.ec2.terminate()
            group.warm.pop(instance.instance_id, None)
            self.keep(group)

        self._world.after(self._world.settings.terminating_seconds, gone)

    # -- out of it, and back ---------------------------------------------------------------------

    def take(self, group: Group) -> GroupInstance | None:
        """Take a warm instance out of the pool, for its group; None where none is warm."""
        for instance in group.warm.values():
            if instance.state in [f"Warmed:{kind}" for kind in _WARM]:
                del group.warm[instance.instance_id]
                instance.ec2._state.name, instance.ec2._state.code = "pending", 0
                instance.state = "Pending"
                instance.abandoned = False
                instance.protected = bool(group.attributes["NewInstancesProtectedFromScaleIn"])
                return instance
        return None

    def takes_back(self, group: Group) -> bool:
        """Return whether instances return to the pool when their group scales in."""
        pool = group.warm_pool or {}
        reuse = (pool.get("InstanceReusePolicy") or {}).get("ReuseOnScaleIn")
        return bool(reuse) and not pool.get("Status") and not group.deleting

    def take_back(self, group: Group, instance: GroupInstance, activity: Activity) -> None:
        """Let an instance that has left its group be of the pool again."""
        del group.instances[instance.instance_id]
        # For metrics it has ended, and begins anew when it is taken.
        self._service.life_cycle.records[instance.instance_id].terminated_at = self._world.now()
        group.warm[instance.instance_id] = instance
        instance.state, instance.in_service_at = "Warmed:Pending", None
        self._arrive_later(group, instance, activity)
        self._service.life_cycle.wake(group)


def _size(group: Group) -> int:
    """Return how many instances a warm pool is to have.

    "Amazon EC2 Auto Scaling launches and maintains the difference between the group's maximum capacity and its desired
    capacity", or between MaxGroupPreparedCapacity and that, and MinSize at least.
    """
    pool = group.warm_pool or {}
    if pool.get("Status") or group.deleting:
        return 0
    prepared = int(pool.get("MaxGroupPreparedCapacity", group.max_size))
    return max(int(pool.get("MinSize", 0)), prepared - group.desired_capacity)
