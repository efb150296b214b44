# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance refreshes: a group's instances are replaced a few at a time.

After "Use an instance refresh to update instances in an Auto Scaling group" and "Understand the default values for an
instance refresh" in the Amazon EC2 Auto Scaling User Guide, and StartInstanceRefresh, DescribeInstanceRefreshes and
CancelInstanceRefresh in its API Reference. Not modelled, and refused: a desired configuration, checkpoints, alarms,
a bake time, and going back.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling.model import Group, GroupInstance, Replacement, iso, timestamp
from tests.sandbox.errors import AwsError, not_modelled, validation_error
from tests.sandbox.paging import page

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

_NOT_MODELLED = ("AutoRollback", "CheckpointPercentages", "CheckpointDelay", "AlarmSpecification", "BakeTime")
_WAYS = ("Refresh", "Ignore", "Wait")
_ACTIVE = ("Pending", "InProgress", "Cancelling")


@dataclass
class Refresh:
    """An instance refresh. Times are epoch seconds."""

    refresh_id: str
    preferences: dict[str, Any]
    started_at: float
    #: The instances that it is to replace, and has not begun to.
    left: list[str] = field(default_factory=list)
    number: int = 0
    status: str = "Pending"
    ended_at: float | None = None
    reason: str = ""

    @property
    def active(self) -> bool:
        """Return whether it is under way; a group has one such at most."""
        return self.status in _ACTIVE

    def describe(self, group: str) -> dict[str, Any]:
        """Return the shape ``InstanceRefresh``."""
        done = self.number - len(self.left)
        described: dict[str, Any] = {
            "InstanceRefreshId": self.refresh_id,
            "AutoScalingGroupName": group,
            "Status": self.status,
            "StartTime": timestamp(self.started_at),
            "PercentageComplete": 100 * done // self.number if self.number else 100,
            "InstancesToUpdate": len(self.left),
            "Preferences": self.preferences,
            "Strategy": "Rolling",
        }
        if self.ended_at is not None:
            described["EndTime"] = timestamp(self.ended_at)
        if self.reason:
            described["StatusReason"] = self.reason
        return described


class Refreshes:
    """The operations on instance refreshes, and what they do to groups."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the groups of ``service``."""
        self._service = service
        self._world = service.world

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "StartInstanceRefresh": self.start,
            "DescribeInstanceRefreshes": self.describe,
            "CancelInstanceRefresh": self.cancel,
        }

    def start(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Begin to replace the instances that a group has now."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        if _active(group):
            raise AwsError(
                "InstanceRefreshInProgress",
                "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.",
            )
        if parameters.get("Strategy", "Rolling") != "Rolling":
            raise not_modelled("an instance refresh that replaces root volumes")
        if "DesiredConfiguration" in parameters:
            raise not_modelled("the desired configuration of an instance refresh")
        preferences = self._preferences(group, parameters.get("Preferences") or {})
        refresh = Refresh(str(uuid.uuid4()), preferences, self._world.now())
        refresh.left = [
            one.instance_id
            for one in group.instances.values()
            if not one.leaving and not _skipped(group, one, preferences)
        ]
        refresh.number = len(refresh.left)
        group.refreshes.append(refresh)
        self._service.life_cycle.wake(group)
        return {"InstanceRefreshId": refresh.refresh_id}

    def _preferences(self, group: Group, given: dict[str, Any]) -> dict[str, Any]:
        for name in _NOT_MODELLED:
            if given.get(name):
                raise not_modelled(f"{name} of an instance refresh")
        policy = group.attributes.get("InstanceMaintenancePolicy") or {}
        warmup = group.attributes.get("DefaultInstanceWarmup", group.attributes["HealthCheckGracePeriod"])
        preferences = {
            "MinHealthyPercentage": policy.get("MinHealthyPercentage", 90),
            "MaxHealthyPercentage": policy.get("MaxHealthyPercentage", 100),
            "InstanceWarmup": warmup,
            "SkipMatching": False,
            "ScaleInProtectedInstances": "Wait",
            "StandbyInstances": "Wait",
            **given,
        }
        low, high = preferences["MinHealthyPercentage"], preferences["MaxHealthyPercentage"]
        if not (0 <= low <= 100 <= high <= 200 and high - low <= 100):
            raise validation_error(
                "MinHealthyPercentage must be 0 to 100, MaxHealthyPercentage 100 to 200, and their difference 100 at"
                " most."
            )
        if preferences["ScaleInProtectedInstances"] not in _WAYS:
            raise validation_error(f"ScaleInProtectedInstances must be one of {', '.join(_WAYS)}")
        return preferences

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe a group's instance refreshes, the newest first."""
        group = self._service.group(parameters["AutoScalingGroupName"])
        wanted = parameters.get("InstanceRefreshIds")
        found = [one for one in reversed(group.refreshes) if not wanted or one.refresh_id in wanted]
        described = [one.describe(group.name) for one in found]
        return page("InstanceRefreshes", described, parameters, 50, 100)

    def cancel(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Begin no further replacement; those that are under way come to their end."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        refresh = _active(group)
        if refresh is None:
            raise AwsError(
                "ActiveInstanceRefreshNotFound",
                f"No in progress or pending Instance Refresh found for Auto Scaling group {group.name}",
            )
        refresh.status, refresh.reason = "Cancelling", "Cancelled due to user request."
        self._service.life_cycle.wake(group)
        return {"InstanceRefreshId": refresh.refresh_id}

    # -- doing it --------------------------------------------------------------------------------

    def go_on(self, group: Group) -> None:
        """Replace what may be replaced now; "at least one instance" is, however small the group."""
        refresh = _active(group)
        # Suspended it "pauses", and is not over (Suspend and resume Amazon EC2 Auto Scaling processes).
        if refresh is None or group.suspends("InstanceRefresh"):
            return
        now, warmup = self._world.now(), float(refresh.preferences["InstanceWarmup"])
        refresh.left = [
            one for one in refresh.left if one in group.instances and not group.instances[one].leaving
        ]
        warming = [
            one.in_service_at + warmup
            for one in group.counted()
            if one.in_service_at is not None and one.launched_at >= refresh.started_at
            if one.in_service_at + warmup > now
        ]
        if warming:
            self._service.life_cycle.reconcile_at(group, min(warming))
        busy = bool(warming or group.replacing or group.units() < group.desired_capacity) or any(
            one.state != "InService" for one in group.counted()
        )
        if refresh.status == "Cancelling" or not refresh.left:
            if not busy:
                refresh.status = "Cancelled" if refresh.status == "Cancelling" else "Successful"
                refresh.ended_at = now
            return
        refresh.status = "InProgress"
        if not busy:
            self._replace_some(group, refresh)

    def _replace_some(self, group: Group, refresh: Refresh) -> None:
        desired, preferences = group.desired_capacity, refresh.preferences
        now = self._world.now()
        free = [
            one
            for one in map(group.instances.__getitem__, refresh.left)
            if one.state == "InService"
            if not one.protected or preferences["ScaleInProtectedInstances"] == "Refresh"
        ]
        first = math.floor(desired * preferences["MaxHealthyPercentage"] / 100) - desired
        number = max(1, first, desired - math.ceil(desired * preferences["MinHealthyPercentage"] / 100))
        for instance in free[:number]:
            refresh.left.remove(instance.instance_id)
            cause = f"At {iso(now)} an instance was taken out of service in response to an instance refresh."
            cause += f"  At {iso(now)} instance {instance.instance_id} was selected for termination."
            launch = "an instance was launched in response to an instance refresh."
            if first > 0 or preferences["MinHealthyPercentage"] == 100:
                # "Launch before terminating" (Instance maintenance policies).
                group.replacing[instance.instance_id] = Replacement(launch, cause)
            else:
                group.launch_causes.append(launch)
                self._service.life_cycle.terminate(group, instance, cause)
        if free:
            self._service.life_cycle.wake(group)


def _active(group: Group) -> Refresh | None:
    return next((one for one in group.refreshes if one.active), None)


def _skipped(group: Group, instance: GroupInstance, preferences: dict[str, Any]) -> bool:
    if instance.state == "Standby" and preferences["StandbyInstances"] == "Ignore":
        return True
    if instance.protected and preferences["ScaleInProtectedInstances"] == "Ignore":
        return True
    if not preferences["SkipMatching"]:
        return False
    wanted = group.attributes.get("LaunchTemplate") or {}
    has = instance.launch_template or {}
    if wanted.get("Version") in (None, "$Latest", "$Default"):
        raise not_modelled("SkipMatching of an instance refresh without a version's number")
    return (has.get("LaunchTemplateId"), has.get("Version")) == (
        wanted.get("LaunchTemplateId"),
        wanted["Version"],
    )
