# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a group comes to have what it wants: launches, terminations, health, and what is told of them.

After "Amazon EC2 Auto Scaling instance lifecycle", "Health checks for instances in an Auto Scaling group"
and "Suspend and resume Amazon EC2 Auto Scaling processes" in the Amazon EC2 Auto Scaling User Guide.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling import rebalancing, termination
from tests.sandbox.autoscaling.launching import LaunchFailed, choices, launch
from tests.sandbox.autoscaling.model import Activity, Group, GroupInstance, iso
from tests.sandbox.world import InstanceRecord

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling
    from tests.sandbox.world import World

_LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
_TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
#: So that launches that fail let time go on even if nothing is to take any.
_SHORTEST_RETRY = 0.1


def _is_balanced_only(group: Group) -> bool:
    distribution = group.attributes.get("AvailabilityZoneDistribution") or {}
    return bool(distribution.get("CapacityDistributionStrategy") == "balanced-only")


class LifeCycle:
    """Moves the instances of all groups along."""

    def __init__(self, world: World, service: AutoScaling) -> None:
        """Begin without instances."""
        self._world = world
        self._service = service
        self.records: dict[str, InstanceRecord] = {}
        #: moto's instances that groups launched, by id.
        self.ec2: dict[str, Any] = {}
        world.on_tick.append(self._look)

    # -- a group as a whole ----------------------------------------------------------------------

    def wake(self, group: Group) -> None:
        """Let Auto Scaling act on a change of a group as soon as it would."""
        self._reconcile_in(group, self._world.settings.reaction_seconds)

    def _reconcile_in(self, group: Group, seconds: float) -> None:
        self._world.once_at(
            self._world.now() + seconds, lambda: self.reconcile(group), ("reconcile", group.arn)
        )

    def reconcile(self, group: Group) -> None:
        """Replace what is unhealthy, then launch or terminate until the capacity is the desired one."""
        if group.deleted:
            return
        self._check_health(group)
        self._replace_unhealthy(group)
        self._end_replaced(group)
        missing = group.wanted_units() - group.units()
        if missing <= 0:
            group.to_replace = 0
            group.launch_causes.clear()
        if missing > 0 and not group.suspends("Launch") and not group.deleting:
            self._launch(group)
        elif missing < 0 and not self._is_overage(group) and not group.suspends("Terminate"):
            in_service = [one for one in group.instances.values() if one.state == "InService"]
            for instance in termination.choose(group, in_service, -missing, self._world.now()):
                now, count = iso(self._world.now()), group.units()
                self.terminate(
                    group,
                    instance,
                    f"{group.reason}  At {now} an instance was taken out of service in response to a difference"
                    f" between desired and actual capacity, shrinking the capacity from {count}"
                    f" to {count - instance.weight}."
                    f"  At {now} instance {instance.instance_id} was selected for termination.",
                    scales_in=True,
                )
        self._service.warm_pools.keep(group)
        self._service.refreshes.go_on(group)
        self._rebalance(group)

    def _end_replaced(self, group: Group) -> None:
        if not group.replacing or group.suspends("Terminate"):
            return
        # Long enough for load balancers to have found the new one healthy.
        since = self._world.now() - self._world.settings.registration_seconds
        for instance, replacement in rebalancing.replaced(group, since):
            self.terminate(group, instance, replacement.cause)

    def _rebalance(self, group: Group) -> None:
        """Look at the balance of the zones, where this world does, after so many seconds of being out of it."""
        seconds = self._world.settings.rebalance_seconds
        if not seconds or group.deleting or group.suspends("AZRebalance") or group.suspends("Launch"):
            return
        now = self._world.now()
        if now < group.balanced_at + seconds:
            return
        group.balanced_at = now
        self._reconcile_in(group, seconds)
        zones = [subnet.availability_zone for subnet in self._service.subnets(group)]
        if rebalancing.balance(group, zones, now):
            self._reconcile_in(group, 0.0)

    def recommend(self, instance_id: str) -> None:
        """Let EC2 recommend to replace an instance, which may be interrupted soon."""
        for group in self._service.groups.values():
            if instance_id in group.instances:
                rebalancing.recommend(group, group.instances[instance_id], self._world.now())
                self.wake(group)

    def reconcile_at(self, group: Group, moment: float) -> None:
        """See to a group at a moment, in epoch seconds."""
        self._reconcile_in(group, max(0.0, moment - self._world.now()))

    def _is_overage(self, group: Group) -> bool:
        """Return whether what a group has too much is what its launches went beyond the capacity, which stays."""
        desired, units = group.overage
        return desired == group.desired_capacity and group.units() - desired <= units

    def _look(self) -> None:
        """See to each group, since an instance may have been changed from outside."""
        for instance_id, record in self.records.items():
            if record.terminated_at is None and self.ec2[instance_id].state in (
                "terminated",
                "shutting-down",
            ):
                record.terminated_at = self._world.now()
        for group in list(self._service.groups.values()):
            self.reconcile(group)

    # -- launching -------------------------------------------------------------------------------

    def _launch(self, group: Group) -> None:
        now = self._world.now()
        if group.retry_at is not None and now < group.retry_at:
            return
        group.retry_at = None
        of_zone = Counter(instance.zone for instance in group.counted())
        owed, failed = 0, False
        # "Amazon EC2 Auto Scaling launches new instances until the desired capacity is totally fulfilled, even if this
        # results in an overage" (Configure an Auto Scaling group to use instance weights).
        while group.units() + owed < group.wanted_units():
            subnets = self._subnets(group, of_zone)
            # "If launch attempts fail in an Availability Zone, Auto Scaling attempts to launch instances in another
            # healthy Availability Zone"; with balanced-only it "will continue to attempt to launch instances in the
            # Availability Zone" (Auto Scaling group Availability Zone distribution).
            balanced = _is_balanced_only(group)
            launched = self._launch_one(group, subnets[:1] if balanced else subnets, of_zone)
            if launched:
                continue
            failed = True
            if not (balanced and subnets):
                break
            # The zone's own share waits; the other zones get theirs.
            of_zone[subnets[0].availability_zone] += 1
            owed += 1
        if failed:
            group.retry_at = now + max(_SHORTEST_RETRY, self._world.settings.launch_retry_seconds)
            self._world.at(group.retry_at, lambda: self.reconcile(group))
            return
        group.overage = (group.desired_capacity, group.units() - group.wanted_units())

    def _launch_one(self, group: Group, subnets: list[Any], of_zone: Counter[str]) -> bool:
        """Launch into the first of the subnets that can take an instance, and count it; tell of each that cannot.

        In each the next instance type of a mixed instances policy is tried before the next zone: the types are those
        "within an Availability Zone" (InstancesDistribution in the API reference).
        """
        now, count = self._world.now(), len(group.counted())
        if group.to_replace > 0:
            cause = f"At {iso(now)} an instance was launched in response to an unhealthy instance needing to"
            cause += " be replaced."
        elif why := self._own_cause(group):
            cause = f"At {iso(now)} {why}"
        else:
            cause = (
                f"{group.reason}  At {iso(now)} an instance was started in response to a difference between"
            )
            cause += f" desired and actual capacity, increasing the capacity from {count} to {count + 1}."
        if warm := self._service.warm_pools.take(group):
            details = {"Subnet ID": warm.subnet_id, "Availability Zone": warm.zone}
            warm.launched_at, warm.scaled_by = now, group.scaled_by
            self._begin(group, warm, cause, details, "Launching a new EC2 instance from warm pool")
            of_zone[warm.zone] += 1
            return True
        for subnet in subnets:
            details = {"Subnet ID": subnet.id, "Availability Zone": subnet.availability_zone}
            for choice in choices(group.attributes, group.launched):
                try:
                    ec2, specification = launch(self._world, group, subnet, choice)
                except LaunchFailed as failure:
                    description = f"Launching a new EC2 instance.  Status Reason: {failure}"
                    activity = self.tell(group, description, cause, details)
                    activity.end(now, "Failed", str(failure))
                    if not failure.of_a_type:
                        break
                    continue
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
                    protected=bool(group.attributes["NewInstancesProtectedFromScaleIn"]),
                    scaled_by=group.scaled_by,
                    weight=specification.weight,
                    weighted=specification.weighted,
                )
                self._begin(group, instance, cause, details)
                of_zone[instance.zone] += 1
                return True
        return False

    def _own_cause(self, group: Group) -> str:
        """Return why a group launches, other than for its desired capacity; empty where it does for that."""
        if group.launch_causes:
            return group.launch_causes[0]
        if group.replacing and group.units() >= group.desired_capacity:
            return next(iter(group.replacing.values())).launch_cause
        return ""

    def keep_record(self, instance: GroupInstance, group: str | None) -> None:
        """Note an instance as launched now, for metrics: of a group, or of none while it is in a warm pool."""
        self.ec2[instance.instance_id] = instance.ec2
        self.records[instance.instance_id] = InstanceRecord(
            instance.instance_id,
            instance.image_id,
            instance.instance_type,
            group,
            instance.launched_at,
        )

    def wait_for_launch_hooks(
        self,
        group: Group,
        instance: GroupInstance,
        activity: Activity,
        state: str,
        proceed: Callable[[], None],
    ) -> None:
        """Hold an instance until each of the hooks on launch is completed or times out; ``state`` is its own."""
        self._wait_for_hooks(group, instance, activity, _LAUNCHING, state, proceed)

    def _begin(
        self,
        group: Group,
        instance: GroupInstance,
        cause: str,
        details: dict[str, Any],
        what: str = "Launching a new EC2 instance",
    ) -> None:
        """Take an instance that was launched into its group."""
        group.instances[instance.instance_id] = instance
        group.launched += 1
        del group.launch_causes[:1]
        group.to_replace = max(0, group.to_replace - 1)
        self.keep_record(instance, group.name)
        activity = self.tell(group, f"{what}: {instance.instance_id}", cause, details)
        activity.instance_id = instance.instance_id
        instance.activities.append(activity)
        self._run_later(group, instance, activity)

    def _run_later(self, group: Group, instance: GroupInstance, activity: Activity) -> None:
        seconds = self._world.settings.pending_seconds
        self._world.after(seconds, lambda: self._running(group, instance, activity))

    def _subnets(self, group: Group, of_zone: Counter[str]) -> list[Any]:
        """Return the subnets to try, those of the zone with the fewest instances first."""
        subnets = self._service.subnets(group)
        zones = [subnet.availability_zone for subnet in subnets]
        order = sorted(range(len(subnets)), key=lambda at: (of_zone[zones[at]], at))
        first_of_zone: dict[str, Any] = {}
        for at in order:
            first_of_zone.setdefault(zones[at], subnets[at])
        return list(first_of_zone.values())

    def _running(self, group: Group, instance: GroupInstance, activity: Activity) -> None:
        """EC2 says that the instance runs; the lifecycle hooks have their turn."""
        if instance.ec2.state == "pending":
            instance.ec2._state.name, instance.ec2._state.code = "running", 16
        if instance.state != "Pending":
            return
        self._wait_for_hooks(
            group, instance, activity, _LAUNCHING, "Pending", lambda: self._arrive(group, instance, activity)
        )

    def _arrive(self, group: Group, instance: GroupInstance, activity: Activity) -> None:
        now = self._world.now()
        if instance.abandoned:
            activity.end(now, "Cancelled", "Instance failed to complete user's Lifecycle Action: Abandoned")
            self.terminate(group, instance, f"At {iso(now)} a lifecycle action was abandoned.")
            return
        if instance.ec2.state != "running":
            message = "Instance became unhealthy while waiting for instance to be in InService state."
            message += " Termination Reason: Client.UserInitiatedShutdown: User initiated shutdown"
            activity.end(now, "Cancelled", message)
            self.terminate(group, instance, f"At {iso(now)} an instance was taken out of service: {message}")
            return
        instance.state = "InService"
        instance.in_service_at = self.records[instance.instance_id].in_service_at = now
        if not group.suspends("AddToLoadBalancer"):
            for kind in ("elbv2", "elb"):
                for where in group.attached(kind):
                    self._world.targets.register(where, instance.instance_id)
        activity.end(now)
        behaviour = self._world.images.get(instance.image_id, {})
        if "dies_after" in behaviour:
            self._world.after(float(behaviour["dies_after"]), lambda: self._die(group, instance))
        for seconds in (
            self._world.settings.registration_seconds,
            float(group.attributes["HealthCheckGracePeriod"]),
        ):
            self._reconcile_in(group, seconds)

    def _die(self, group: Group, instance: GroupInstance) -> None:
        if instance.ec2.state == "running":
            self._world.backend("ec2").terminate_instances([instance.instance_id])
            self.records[instance.instance_id].terminated_at = self._world.now()
            self.reconcile(group)

    # -- terminating -----------------------------------------------------------------------------

    def terminate(
        self, group: Group, instance: GroupInstance, cause: str, *, scales_in: bool = False
    ) -> Activity:
        """Take an instance out: deregister and drain, wait for hooks, then end it in EC2.

        Where its group ``scales_in`` and its warm pool takes such instances back, it returns there instead.
        """
        now = self._world.now()
        instance.returns = scales_in and self._service.warm_pools.takes_back(group)
        instance.state = "Terminating"
        instance.waiting_for.clear()
        details = {"Subnet ID": instance.subnet_id, "Availability Zone": instance.zone}
        what = f"Terminating EC2 instance: {instance.instance_id}"
        activity = self.tell(group, what, cause, details)
        activity.instance_id = instance.instance_id
        activity.status, activity.progress = "InProgress", 0
        for other in instance.activities:
            if other.in_progress:
                other.end(now, "Cancelled")
        instance.activities.append(activity)
        alive = instance.ec2.state in ("pending", "running")
        seconds = 0.0
        for where in self._world.targets.holders(instance.instance_id):
            seconds = max(seconds, self._world.targets.deregister(where, instance.instance_id))
        if seconds > 0 and alive:
            activity.status, activity.progress = "WaitingForELBConnectionDraining", 50
            self._world.after(seconds, lambda: self._drained(group, instance, activity))
        else:
            self._drained(group, instance, activity)
        return activity

    def _drained(self, group: Group, instance: GroupInstance, activity: Activity) -> None:
        self._wait_for_hooks(
            group,
            instance,
            activity,
            _TERMINATING,
            "Terminating",
            lambda: self._end(group, instance, activity),
        )

    def _end(self, group: Group, instance: GroupInstance, activity: Activity) -> None:
        if instance.returns and self._service.warm_pools.takes_back(group):
            self._service.warm_pools.take_back(group, instance, activity)
            return
        activity.status, activity.progress = "InProgress", max(activity.progress, 60)
        record = self.records[instance.instance_id]
        if record.terminated_at is None:
            record.terminated_at = self._world.now()
        if instance.ec2.state in ("pending", "running", "stopped"):
            instance.ec2._state.name, instance.ec2._state.code = "shutting-down", 32
        self._world.after(
            self._world.settings.terminating_seconds, lambda: self._gone(group, instance, activity)
        )

    def _gone(self, group: Group, instance: GroupInstance, activity: Activity) -> None:
        if instance.ec2.state != "terminated":
            # What moto's TerminateInstances does with each; it would look for it among all instances.
            instance.ec2.terminate()
        group.instances.pop(instance.instance_id, None)
        activity.end(self._world.now())
        if group.deleting and not (group.instances or group.warm):
            self._service.remove(group)
        else:
            self._reconcile_in(group, 0.0)

    # -- hooks -----------------------------------------------------------------------------------

    def _wait_for_hooks(
        self,
        group: Group,
        instance: GroupInstance,
        activity: Activity,
        transition: str,
        state: str,
        proceed: Callable[[], None],
    ) -> None:
        """Hold an instance until each lifecycle hook of a transition is completed or times out."""
        hooks = [hook for hook in group.hooks.values() if hook.transition == transition]
        if not hooks:
            proceed()
            return
        instance.state = f"{state}:Wait"
        activity.status, activity.progress = "MidLifecycleAction", 60
        instance.waiting_for = {hook.name: str(uuid.uuid4()) for hook in hooks}

        def completed(name: str, result: str) -> None:
            if instance.waiting_for.pop(name, None) is None:
                return
            instance.abandoned = instance.abandoned or result == "ABANDON"
            if instance.waiting_for and not instance.abandoned:
                return
            instance.waiting_for.clear()
            if instance.state == f"{state}:Wait":
                instance.state = f"{state}:Proceed"
                proceed()

        self._service.hooks.begin(group, instance, hooks, completed)

    # -- health ----------------------------------------------------------------------------------

    def _check_health(self, group: Group) -> None:
        if group.suspends("HealthCheck"):
            return
        now = iso(self._world.now())
        for instance in group.instances.values():
            if instance.state != "InService" or instance.health != "Healthy":
                continue
            if instance.ec2.state != "running":
                instance.health = "Unhealthy"
                instance.unhealthy_cause = (
                    f"At {now} an instance was taken out of service in response to an EC2 health check indicating"
                    " it has been terminated or stopped."
                )
            elif self._fails_elb(group, instance):
                instance.health = "Unhealthy"
                instance.unhealthy_cause = (
                    f"At {now} an instance was taken out of service in response to an ELB system health check"
                    " failure."
                )

    def _fails_elb(self, group: Group, instance: GroupInstance) -> bool:
        if "ELB" not in group.attributes["HealthCheckType"].split(","):
            return False
        grace = group.attributes["HealthCheckGracePeriod"]
        if instance.in_service_at is None or self._world.now() < instance.in_service_at + grace:
            return False
        places = [*group.attached("elbv2"), *group.attached("elb")]
        return any(self._world.targets.state(where, instance.instance_id) == "unhealthy" for where in places)

    def _replace_unhealthy(self, group: Group) -> None:
        if group.suspends("ReplaceUnhealthy") or group.suspends("Terminate"):
            return
        for instance in list(group.instances.values()):
            if instance.state == "InService" and instance.health == "Unhealthy":
                self.terminate(group, instance, instance.unhealthy_cause)
                group.to_replace += 1

    # -- telling ---------------------------------------------------------------------------------

    def tell(self, group: Group, description: str, cause: str, details: dict[str, Any]) -> Activity:
        """Begin a scaling activity."""
        activity = Activity(
            activity_id=str(uuid.uuid4()),
            group_name=group.name,
            group_arn=group.arn,
            description=description,
            cause=cause.strip(),
            started_at=self._world.now(),
            details=details,
        )
        group.activities.append(activity)
        return activity
