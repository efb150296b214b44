# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of targets, which takes time: initial, healthy, draining, gone.

moto stores load balancers, listeners and target groups, and knows no health. The states and reasons are
those of "Health checks for your target groups" (User Guide for Application Load Balancers) and of
``TargetHealth`` and ``InstanceState`` in the API references.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.sandbox import forwarding
from tests.sandbox.errors import AwsError, not_modelled
from tests.sandbox.world import TargetInterval

if TYPE_CHECKING:
    from tests.sandbox.world import World

_REASONS = {
    "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
    "unhealthy": ("Target.FailedHealthChecks", "Health checks failed"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
    "invalid": ("Target.InvalidState", "Target is in the stopped or terminated state"),
    "unregistered": ("Target.NotRegistered", "Target is not registered to the target group"),
    "unused": (
        "Target.NotInUse",
        "Target group is not configured to receive traffic from the load balancer",
    ),
    # "If you register targets in an Availability Zone but do not enable the Availability Zone, these registered targets
    # do not receive traffic" ("Target groups for your Application Load Balancers", likewise for Network Load
    # Balancers). The reason is that of targets without a load balancer: "The target group is not used by any load
    # balancer or the target is in an Availability Zone that is not enabled for its load balancer" (``TargetHealth``).
    "unserved": (
        "Target.NotInUse",
        "Target is in an Availability Zone that is not enabled for the load balancer",
    ),
}
_UNUSED = ("unregistered", "invalid", "unserved")


@dataclass
class Target:
    """An instance (and port) that is registered with a target group or a classic load balancer."""

    instance_id: str
    port: int | None
    #: When its health checks began.
    checked_from: float
    in_use: bool
    draining_until: float | None = None
    interval: TargetInterval | None = None


class Targets:
    """Who is registered where, since when, and how healthy."""

    #: The operations that are answered here instead of by moto.
    operations = frozenset(
        {
            ("elbv2", "DescribeTargetHealth"),
            ("elbv2", "RegisterTargets"),
            ("elbv2", "DeregisterTargets"),
            ("elb", "DescribeInstanceHealth"),
            ("elb", "RegisterInstancesWithLoadBalancer"),
            ("elb", "DeregisterInstancesFromLoadBalancer"),
        }
    )

    def __init__(self, world: World) -> None:
        """Begin without any target."""
        self._world = world
        #: Where an instance is registered -> its id and port -> what is known of it there.
        self.registered: dict[str, dict[tuple[str, int | None], Target]] = {}
        self._intervals: list[TargetInterval] = []
        #: Whether any target gets more or less than its own requests.
        self._shared = False
        world.on_tick.append(self._look)

    # -- what the operations say ---------------------------------------------------------------

    def handle(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Do one of ``operations``."""
        where = parameters.get("TargetGroupArn") or parameters["LoadBalancerName"]
        if where.startswith("arn:"):
            return self._handle_target_group(operation, where, parameters)
        return self._handle_classic(operation, where, parameters)

    def _handle_target_group(self, operation: str, arn: str, parameters: dict[str, Any]) -> dict[str, Any]:
        group = self.target_group(arn)
        named = parameters.get("Targets") or []
        if operation == "DescribeTargetHealth":
            if named:
                asked = [(target["Id"], target.get("Port", _port(group))) for target in named]
            else:
                asked = list(self._current(arn))
            return {"TargetHealthDescriptions": [self._describe(arn, group, *target) for target in asked]}
        if group.target_type != "instance":
            raise not_modelled(f"targets of the type {group.target_type}")
        for target in named:
            instance = self._world.backend("ec2").get_instance_by_id(target["Id"])
            if operation == "DeregisterTargets":
                self.deregister(arn, target["Id"], target.get("Port"))
            elif instance is None:
                raise AwsError(
                    "InvalidTarget", f"The following targets are not valid instances: '{target['Id']}'"
                )
            elif instance.state != "running":
                raise AwsError(
                    "InvalidTarget",
                    f"The following targets are not in a running state and cannot be registered: '{target['Id']}'",
                )
            else:
                self.register(arn, target["Id"], target.get("Port"))
        return {}

    def _describe(self, arn: str, group: Any, instance_id: str, port: int | None) -> dict[str, Any]:
        state = self.state(arn, instance_id, port)
        health = {"State": "unused" if state in _UNUSED else state}
        if state in _REASONS:
            health["Reason"], health["Description"] = _REASONS[state]
        described = {"Target": {"Id": instance_id, "Port": port}, "TargetHealth": health}
        return described | {"HealthCheckPort": str(group.health_check_port)}

    def _handle_classic(self, operation: str, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.load_balancer(name)
        named = [instance["InstanceId"] for instance in parameters.get("Instances") or []]
        if operation == "DescribeInstanceHealth":
            asked = named or [instance_id for instance_id, _ in self._current(name)]
            return {"InstanceStates": [self._describe_classic(name, instance_id) for instance_id in asked]}
        for instance_id in named:
            if operation == "DeregisterInstancesFromLoadBalancer":
                self.deregister(name, instance_id)
            elif self._world.backend("ec2").get_instance_by_id(instance_id) is None:
                raise AwsError("InvalidInstance", f"Could not find EC2 instance {instance_id}.")
            else:
                self.register(name, instance_id)
        remaining = [target for target, _ in self._current(name) if self.state(name, target) != "draining"]
        return {"Instances": [{"InstanceId": instance_id} for instance_id in remaining]}

    def _describe_classic(self, name: str, instance_id: str) -> dict[str, Any]:
        state, reason, description = {
            "healthy": ("InService", "N/A", "N/A"),
            "draining": ("InService", "N/A", "Instance deregistration currently in progress."),
            "initial": ("OutOfService", "ELB", "Instance registration is still in progress."),
            "unhealthy": (
                "OutOfService",
                "Instance",
                "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
            ),
            "invalid": ("OutOfService", "Instance", "Instance is in stopped state."),
            "unregistered": (
                "OutOfService",
                "Instance",
                "Instance is not currently registered with the LoadBalancer.",
            ),
            # One of the descriptions of ``InstanceState``.
            "unserved": (
                "OutOfService",
                "ELB",
                "Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route"
                " traffic to.",
            ),
        }[self.state(name, instance_id)]
        return {"InstanceId": instance_id, "State": state, "ReasonCode": reason, "Description": description}

    # -- what Auto Scaling uses ----------------------------------------------------------------

    def target_group(self, arn: str) -> Any:
        """Return moto's target group. Raises AwsError for none."""
        group = self._world.backend("elbv2").target_groups.get(arn)
        if group is None:
            raise AwsError("TargetGroupNotFound", f"Target groups '{arn}' not found")
        return group

    def load_balancer(self, name: str) -> Any:
        """Return moto's classic load balancer. Raises AwsError for none."""
        balancer = self._world.backend("elb").load_balancers.get(name)
        if balancer is None:
            raise AwsError("LoadBalancerNotFound", f"There is no ACTIVE Load Balancer named '{name}'")
        return balancer

    def register(self, where: str, instance_id: str, port: int | None = None) -> None:
        """Register an instance; one that is registered already stays as it is."""
        if where.startswith("arn:"):
            port = port or _port(self.target_group(where))
        else:
            balancer = self.load_balancer(where)
            if instance_id not in balancer.instance_sparse_ids:
                balancer.instance_sparse_ids.append(instance_id)
        targets = self.registered.setdefault(where, {})
        target = targets.get((instance_id, port))
        if target is None or target.draining_until is not None:
            in_use = self._takes_traffic(instance_id, self._zones(where))
            targets[instance_id, port] = Target(instance_id, port, self._world.now(), in_use)
            # So that somebody looks at the moment at which it becomes healthy.
            self._look_in(self._world.settings.registration_seconds)

    def deregister(self, where: str, instance_id: str, port: int | None = None) -> float:
        """Deregister an instance and return for how many seconds it drains."""
        if not where.startswith("arn:"):
            balancer = self._world.backend("elb").load_balancers.get(where)
            if balancer is not None and instance_id in balancer.instance_sparse_ids:
                balancer.instance_sparse_ids.remove(instance_id)
        longest = 0.0
        for target in self.registered.get(where, {}).values():
            if target.instance_id != instance_id or port not in (None, target.port):
                continue
            if target.draining_until is None:
                self._note(where, target, self._zones(where))
                delay = self._draining_seconds(where) if target.in_use else 0.0
                target.draining_until = self._world.now() + delay
                self._close(target)
                self._look_in(delay)
            longest = max(longest, target.draining_until - self._world.now())
        return longest

    def holders(self, instance_id: str) -> list[str]:
        """Return where an instance is registered and does not drain."""
        return [
            where
            for where, targets in self.registered.items()
            for target in targets.values()
            if target.instance_id == instance_id and target.draining_until is None
        ]

    def state(self, where: str, instance_id: str, port: int | None = None) -> str:
        """Return an instance's state: a target state, or ``invalid``, ``unregistered`` or ``unserved``."""
        target = self._find(where, instance_id, port)
        return "unregistered" if target is None else self._state_of(target, self._zones(where))

    def _state_of(self, target: Target, zones: frozenset[str] | None) -> str:
        now, instance_id = self._world.now(), target.instance_id
        if target.draining_until is not None:
            return "draining" if now < target.draining_until else "unregistered"
        instance = self._world.autoscaling.ec2_instance(instance_id)
        if instance is None or instance.state not in ("running", "pending"):
            return "invalid"
        if zones is None:
            return "unused"
        if instance.availability_zone not in zones:
            return "unserved"
        if now < target.checked_from + self._world.settings.registration_seconds:
            return "initial"
        unhealthy = self._world.images.get(instance.image_id, {}).get("unhealthy")
        if unhealthy or instance_id in self._world.failing:
            return "unhealthy"
        return "healthy"

    def intervals(self) -> list[TargetInterval]:
        """Return all times in which a target was healthy, oldest first."""
        self._look()
        return list(self._intervals)

    # -- how it is known -----------------------------------------------------------------------

    def _find(self, where: str, instance_id: str, port: int | None) -> Target | None:
        targets = self.registered.get(where, {})
        if port is not None:
            return targets.get((instance_id, port))
        # Targets that were registered with no port of their own have the group's.
        usual = _port(self.target_group(where)) if where.startswith("arn:") else None
        found = targets.get((instance_id, usual))
        return found or next((one for one in targets.values() if one.instance_id == instance_id), None)

    def _current(self, where: str) -> Iterator[tuple[str, int | None]]:
        """Yield the targets that are registered or drain."""
        now = self._world.now()
        for key, target in list(self.registered.get(where, {}).items()):
            if target.draining_until is None or now < target.draining_until:
                yield key

    def _zones(self, where: str) -> frozenset[str] | None:
        """Return the zones that are enabled for what forwards to a place; None where no listener forwards to it."""
        if not where.startswith("arn:"):
            return frozenset(self.load_balancer(where).availability_zones)
        found = self._forwarding(where)
        if not found:
            return None
        return frozenset(zone.zone_name for one in found for zone in one.availability_zones)

    def _forwarding(self, arn: str) -> list[Any]:
        """Return moto's load balancers with a listener that forwards to a target group."""
        return forwarding.forwarding_to(self._world, arn)

    def healthy(self) -> dict[str, list[str]]:
        """Return the instances of the healthy targets of each target group that has any, by ARN."""
        self._look()
        return self._healthy()

    def _healthy(self) -> dict[str, list[str]]:
        found = {
            where: [target.instance_id for target in targets.values() if target.interval is not None]
            for where, targets in self.registered.items()
            if where.startswith("arn:")
        }
        return {where: instances for where, instances in found.items() if instances}

    def _takes_traffic(self, instance_id: str, zones: frozenset[str] | None) -> bool:
        instance = self._world.autoscaling.ec2_instance(instance_id)
        return zones is not None and instance is not None and instance.availability_zone in zones

    def _draining_seconds(self, where: str) -> float:
        longest = self._world.settings.draining_seconds
        if where.startswith("arn:"):
            attributes = self.target_group(where).attributes
            return min(longest, float(attributes["deregistration_delay.timeout_seconds"]))
        # moto keeps what ModifyLoadBalancerAttributes was given, and names its own defaults in lower case.
        stored = self.load_balancer(where).attributes["connection_draining"]
        draining = {name.lower(): value for name, value in stored.items()}
        if str(draining.get("enabled")).lower() != "true":
            return 0.0
        return min(longest, float(draining.get("timeout") or 300))

    def _load_balancers(self, where: str) -> tuple[str, ...]:
        if not where.startswith("arn:"):
            return (where,)
        return tuple(one.arn.split(":loadbalancer/")[-1] for one in self._forwarding(where))

    def _look(self) -> None:
        """Note which targets have become healthy or have ceased to be."""
        now = self._world.now()
        known = self._world.backend("elbv2").target_groups
        for arn, group in known.items():
            # moto does not learn of listeners that are changed or gone.
            group.load_balancer_arns = [one.arn for one in self._forwarding(arn)]
        for where, targets in list(self.registered.items()):
            if where.startswith("arn:") and where not in known:
                for target in targets.values():
                    self._close(target)
                del self.registered[where]
                continue
            zones = self._zones(where)
            for key, target in list(targets.items()):
                if target.draining_until is not None:
                    if now >= target.draining_until:
                        del targets[key]
                    continue
                self._note(where, target, zones)
        self._share_out()

    def _share_out(self) -> None:
        """Note by how much the weights of target groups, and who is healthy there, change what each target gets."""
        loads = forwarding.loads(self._world, self._healthy())
        if not loads and not self._shared:
            return
        self._shared = bool(loads)
        now = self._world.now()
        for where, targets in self.registered.items():
            load = loads.get(where, 1.0)
            for target in targets.values():
                interval = target.interval
                if interval is None or interval.load == load:
                    continue
                if interval.healthy_from == now:
                    interval.load = load
                    continue
                interval.healthy_until = now
                target.interval = replace(interval, healthy_from=now, healthy_until=None, load=load)
                self._intervals.append(target.interval)

    def look(self) -> None:
        """Look at once, after something else than a target has changed: an action."""
        self._look()

    def _look_in(self, seconds: float) -> None:
        self._world.once_at(self._world.now() + seconds, self._look, "targets")

    def _note(self, where: str, target: Target, zones: frozenset[str] | None) -> None:
        now, in_use = self._world.now(), self._takes_traffic(target.instance_id, zones)
        if in_use and not target.in_use:
            target.checked_from = now
        target.in_use = in_use
        healthy = self._state_of(target, zones) == "healthy"
        if healthy and target.interval is None:
            target.interval = TargetInterval(where, self._load_balancers(where), target.instance_id, now)
            self._intervals.append(target.interval)
        elif not healthy:
            self._close(target)

    def _close(self, target: Target) -> None:
        if target.interval is not None:
            target.interval.healthy_until = self._world.now()
            target.interval = None


def _port(group: Any) -> int:
    return int(group.port or 80)
