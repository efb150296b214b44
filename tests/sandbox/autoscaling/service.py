# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amazon EC2 Auto Scaling, with time, failures, bounds and activities, after its user guide."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling.attachments import Attachments
from tests.sandbox.autoscaling.configurations import Configurations
from tests.sandbox.autoscaling.groups import Groups
from tests.sandbox.autoscaling.hooks import Hooks
from tests.sandbox.autoscaling.instances import Instances
from tests.sandbox.autoscaling.life_cycle import LifeCycle
from tests.sandbox.autoscaling.model import Activity, Group
from tests.sandbox.autoscaling.policies import Policies
from tests.sandbox.autoscaling.reading import Reading
from tests.sandbox.autoscaling.refreshes import Refreshes
from tests.sandbox.autoscaling.schedules import Schedules
from tests.sandbox.autoscaling.tags import Tags
from tests.sandbox.autoscaling.warm_pools import WarmPools
from tests.sandbox.errors import not_modelled, validation_error
from tests.sandbox.validation import validate
from tests.sandbox.world import InstanceRecord

if TYPE_CHECKING:
    from tests.sandbox.world import World

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class AutoScaling:
    """The service: its groups, and who of its parts does which operation."""

    def __init__(self, world: World) -> None:
        """Begin without groups."""
        self.world = world
        self.groups: dict[str, Group] = {}
        #: Name -> the shape ``LaunchConfiguration``.
        self.launch_configurations: dict[str, dict[str, Any]] = {}
        #: Activities of groups that are gone, oldest first; AWS keeps them for six weeks.
        self.past_activities: list[Activity] = []
        self.life_cycle = LifeCycle(world, self)
        self.hooks = Hooks(self)
        self.policies = Policies(self)
        self.schedules = Schedules(self)
        self.refreshes = Refreshes(self)
        self.warm_pools = WarmPools(self)
        self.group_operations = Groups(self)
        parts = (
            self.group_operations,
            Reading(self),
            Instances(self),
            Configurations(self),
            Attachments(self),
            Tags(self),
            self.hooks,
            self.policies,
            self.schedules,
            self.refreshes,
            self.warm_pools,
        )
        self._operations: dict[str, Operation] = {}
        for part in parts:
            self._operations |= part.operations()

    def handle(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Do an operation of the service."""
        validate("autoscaling", operation, parameters)
        if operation not in self._operations:
            raise not_modelled(f"autoscaling:{operation}")
        return self._operations[operation](parameters)

    def group(self, name: str) -> Group:
        """Return a group. Raises the validation error that AWS has for none."""
        group = self.groups.get(name)
        if group is None:
            raise validation_error(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
        return group

    def changing(self, name: str) -> Group:
        """Return a group that is about to be changed: one that is not being deleted."""
        group = self.group(name)
        if group.deleting:
            raise validation_error(f"AutoScalingGroup '{name}' is pending delete")
        return group

    def arn(self, kind: str, rest: str) -> str:
        """Return the ARN of something of Auto Scaling."""
        settings = self.world.settings
        return f"arn:aws:autoscaling:{settings.region}:{settings.account_id}:{kind}:{rest}"

    def subnets(self, group: Group) -> list[Any]:
        """Return moto's subnets that a group launches into, in its order."""
        ec2 = self.world.backend("ec2")
        if group.subnet_ids:
            return [ec2.get_subnet(subnet_id) for subnet_id in group.subnet_ids]
        defaults = {
            subnet.availability_zone: subnet for subnet in ec2.describe_subnets() if subnet.default_for_az
        }
        return [defaults[zone] for zone in group.zones if zone in defaults]

    def remove(self, group: Group) -> None:
        """Let a group vanish, with its policies and the alarms that only they used."""
        self.policies.remove_all(group)
        group.deleted = True
        for activity in group.activities:
            activity.group_deleted = True
        self.past_activities.extend(group.activities)
        self.groups.pop(group.name, None)

    def alarm_fired(
        self, policy_arn: str, alarm_name: str | None = None, metric_value: float | None = None
    ) -> None:
        """Do what a policy says when its alarm goes off, as CloudWatch's alarm actions ask."""
        self.policies.alarm_fired(policy_arn, alarm_name, metric_value)

    def ec2_instance(self, instance_id: str) -> Any:
        """Return moto's instance, or None."""
        known = self.life_cycle.ec2.get(instance_id)
        return known or self.world.backend("ec2").get_instance_by_id(instance_id)

    def instance_records(self) -> list[InstanceRecord]:
        """Return all instances that ever were, those launched by hand among them, oldest first."""
        records = dict(self.life_cycle.records)
        for reservation in self.world.backend("ec2").reservations.values():
            for instance in reservation.instances:
                if instance.id not in records:
                    records[instance.id] = self._record_by_hand(instance)
        return sorted(records.values(), key=lambda record: record.launched_at)

    def _record_by_hand(self, instance: Any) -> InstanceRecord:
        """Note an instance that somebody ran without a group. It is in service from its launch."""
        now = self.world.now()
        record = InstanceRecord(instance.id, instance.image_id, instance.instance_type, None, now, now)
        self.life_cycle.ec2[instance.id] = instance
        self.life_cycle.records[instance.id] = record
        return record
