# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduled actions, after "Scheduled scaling for Amazon EC2 Auto Scaling" in the user guide."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from tests.sandbox.autoscaling import cron
from tests.sandbox.autoscaling.model import Group, ScheduledAction, iso, timestamp
from tests.sandbox.errors import AwsError, not_modelled, validation_error
from tests.sandbox.paging import page

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

#: "Quotas for Auto Scaling resources and groups"; the second is BatchPutScheduledUpdateGroupAction's.
_MOST, _MOST_A_CALL = 125, 50
_SIZES = ("MinSize", "MaxSize", "DesiredCapacity")
_MEMBERS = ("StartTime", "EndTime", "Recurrence", "TimeZone", *_SIZES)


class Schedules:
    """The operations on scheduled actions, and their running in time."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the groups of ``service``."""
        self._service = service
        self._world = service.world

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "PutScheduledUpdateGroupAction": self.put,
            "BatchPutScheduledUpdateGroupAction": self.put_many,
            "DescribeScheduledActions": self.describe,
            "DeleteScheduledAction": self.delete,
            "BatchDeleteScheduledAction": self.delete_many,
        }

    # -- operations ------------------------------------------------------------------------------

    def put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create an action or replace one."""
        self._put(self._service.changing(parameters["AutoScalingGroupName"]), parameters)
        return {}

    def put_many(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create or replace up to 50; the answer lists those that failed, the others are done."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        actions = parameters["ScheduledUpdateGroupActions"]
        if len(actions) > _MOST_A_CALL:
            raise validation_error(f"The maximum number of scheduled actions in a call is {_MOST_A_CALL}")
        failed = _failures(actions, lambda action: self._put(group, action))
        return {"FailedScheduledUpdateGroupActions": failed}

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe actions of a group or all, by name or by the time at which they start."""
        if "AutoScalingGroupName" in parameters:
            groups = [self._service.group(parameters["AutoScalingGroupName"])]
        else:
            groups = list(self._service.groups.values())
        names = parameters.get("ScheduledActionNames")
        # "If scheduled action names are provided, this property is ignored" (of both).
        earliest, latest = (None, None) if names else (parameters.get("StartTime"), parameters.get("EndTime"))
        found = [
            action.members
            for group in groups
            for action in group.scheduled_actions.values()
            if (not names or action.name in names or action.members["ScheduledActionARN"] in names)
            and (earliest is None or action.members["StartTime"] >= earliest)
            and (latest is None or action.members["StartTime"] <= latest)
        ]
        return page("ScheduledUpdateGroupActions", found, parameters, 50, 100)

    def delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Delete an action."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        self._delete(group, parameters["ScheduledActionName"])
        return {}

    def delete_many(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Delete up to 50; the answer lists those that failed, the others are done."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        names = parameters["ScheduledActionNames"]
        if len(names) > _MOST_A_CALL:
            raise validation_error(f"The maximum number of scheduled actions in a call is {_MOST_A_CALL}")
        failed = _failures(
            [{"ScheduledActionName": name} for name in names],
            lambda action: self._delete(group, action["ScheduledActionName"]),
        )
        return {"FailedScheduledActions": failed}

    def _delete(self, group: Group, name: str) -> None:
        if name not in group.scheduled_actions:
            raise validation_error(f"Scheduled action name not found: {name}")
        group.scheduled_actions.pop(name).generation += 1

    # -- parts of requests -----------------------------------------------------------------------

    def _put(self, group: Group, given: dict[str, Any]) -> None:
        name = given["ScheduledActionName"]
        known = group.scheduled_actions.get(name)
        if known is None and len(group.scheduled_actions) >= _MOST:
            raise AwsError("LimitExceeded", f"ScheduledUpdateGroupAction limit exceeded: {_MOST} per group")
        members = self._checked(given)
        start = members.get("StartTime")
        for other in group.scheduled_actions.values():
            # The time of an action is unique in its group.
            if other.name != name and start is not None and other.members["StartTime"] == start:
                raise AwsError(
                    "AlreadyExists",
                    f"A scheduled action with the start time {start} already exists: {other.name}",
                )
        where = f"{uuid.uuid4()}:autoScalingGroupName/{group.name}:scheduledActionName/{name}"
        arn = (
            known.members["ScheduledActionARN"]
            if known
            else self._service.arn("scheduledUpdateGroupAction", where)
        )
        members |= {
            "AutoScalingGroupName": group.name,
            "ScheduledActionName": name,
            "ScheduledActionARN": arn,
        }
        action = ScheduledAction(name, members)
        if known:
            known.generation += 1
        now = self._world.now()
        first = start.timestamp() if start else self._next(members, now)
        if first is None or self._over(members, first):
            raise validation_error(f"The scheduled action {name} would never run: it ends before it starts")
        group.scheduled_actions[name] = action
        self._plan(group, action, first)

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the members of an action. Raises a validation error for what AWS refuses."""
        members = {member: given[member] for member in _MEMBERS if member in given}
        if "Time" in given:
            if "StartTime" in members and members["StartTime"] != given["Time"]:
                raise validation_error("Either Time or StartTime can be specified, not both")
            members["StartTime"] = given["Time"]
        now = self._world.now()
        if not any(size in members for size in _SIZES):
            raise validation_error("At least one of MinSize, MaxSize or DesiredCapacity must be specified")
        low, high = members.get("MinSize", 0), members.get("MaxSize", 2**31)
        if low < 0 or low > high or not low <= members.get("DesiredCapacity", low) <= high:
            raise validation_error(
                "DesiredCapacity must lie within MinSize and MaxSize, which must not be negative"
            )
        if "Recurrence" in members:
            cron.parse(members["Recurrence"])
        elif "StartTime" not in members:
            raise not_modelled("a scheduled action with neither StartTime nor Recurrence")
        if members.get("TimeZone", "Etc/UTC") not in available_timezones() | {"Etc/UTC"}:
            raise validation_error(f"Given time zone is not valid: {members['TimeZone']}")
        if "StartTime" in members and members["StartTime"].timestamp() < now:
            raise validation_error("Given start time is in the past")
        if "EndTime" in members and members["EndTime"].timestamp() < now:
            raise validation_error("Given end time is in the past")
        return members

    # -- time ------------------------------------------------------------------------------------

    def _next(self, members: dict[str, Any], after: float) -> float | None:
        zone = ZoneInfo(members.get("TimeZone", "Etc/UTC"))
        return cron.parse(members["Recurrence"]).next_after(after, zone)

    @staticmethod
    def _over(members: dict[str, Any], moment: float) -> bool:
        """Return whether ``moment`` is after the end of a recurring action."""
        return "EndTime" in members and moment > members["EndTime"].timestamp()

    def _plan(self, group: Group, action: ScheduledAction, moment: float) -> None:
        """Let an action run at ``moment``; until then it describes that as its start."""
        action.members["StartTime"] = action.members["Time"] = timestamp(moment)
        generation = action.generation

        def due() -> None:
            if action.generation == generation and not group.deleted:
                self._due(group, action)

        self._world.at(moment, due)

    def _due(self, group: Group, action: ScheduledAction) -> None:
        """Run an action, and plan its next time; one that has none is deleted."""
        if not group.suspends("ScheduledActions") and not group.deleting:
            self._run(group, action)
        following = self._next(action.members, self._world.now()) if "Recurrence" in action.members else None
        if following is None or self._over(action.members, following):
            group.scheduled_actions.pop(action.name, None)
        else:
            self._plan(group, action, following)

    def _run(self, group: Group, action: ScheduledAction) -> None:
        """Set the sizes that an action names, as UpdateAutoScalingGroup would."""
        low = action.members.get("MinSize", group.min_size)
        high = action.members.get("MaxSize", group.max_size)
        desired = action.members.get("DesiredCapacity", min(max(group.desired_capacity, low), high))
        if not low <= desired <= high:
            now = self._world.now()
            cause = (
                f"At {iso(now)} a scheduled action {action.name} was to set min: {low}, max: {high}, desired:"
            )
            failed = self._service.life_cycle.tell(
                group, "Executing scheduled action", f"{cause} {desired}.", {}
            )
            message = (
                f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}"
            )
            failed.end(now, "Failed", message)
            return
        who = "a scheduled action update of AutoScalingGroup constraints to"
        self._service.group_operations.resize(group, low, high, desired, who)


def _failures(
    actions: list[dict[str, Any]], attempt: Callable[[dict[str, Any]], None]
) -> list[dict[str, str]]:
    """Do ``attempt`` for each action and return the shapes of those that failed."""
    failed = []
    for action in actions:
        try:
            attempt(action)
        except AwsError as error:
            failed.append(
                {
                    "ScheduledActionName": action["ScheduledActionName"],
                    "ErrorCode": error.code,
                    "ErrorMessage": error.message,
                }
            )
    return failed
