# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle hooks and notifications.

After "Amazon EC2 Auto Scaling lifecycle hooks" and "Amazon SNS notification options for Amazon EC2 Auto
Scaling" in the user guide. What a hook would send (EventBridge, SNS, SQS) is not sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling.model import Group, GroupInstance, Hook
from tests.sandbox.errors import AwsError, validation_error
from tests.sandbox.paging import page

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

_TRANSITIONS = ("autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING")
_RESULTS = ("CONTINUE", "ABANDON")
_DEFAULT_HEARTBEAT = 3600
_LONGEST_GLOBAL = 172_800
_MOST_HOOKS, _MOST_TOPICS = 50, 10
_MEMBERS = (
    "NotificationTargetARN",
    "RoleARN",
    "NotificationMetadata",
    "HeartbeatTimeout",
    "DefaultResult",
    "LifecycleTransition",
)

Completed = Callable[[str, str], None]


class Hooks:
    """The operations on lifecycle hooks and notifications, and the waits under way."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the groups of ``service``."""
        self._service = service
        self._world = service.world
        #: Token -> instance, hook's name, what to call on completion.
        self._waits: dict[str, tuple[GroupInstance, Hook, Completed]] = {}
        #: Token -> when the wait ends by itself.
        self._deadlines: dict[str, float] = {}

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "PutLifecycleHook": self.put,
            "DeleteLifecycleHook": self.delete,
            "DescribeLifecycleHooks": self.describe,
            "CompleteLifecycleAction": self.complete,
            "RecordLifecycleActionHeartbeat": self.heartbeat,
            "PutNotificationConfiguration": self.put_notification,
            "DeleteNotificationConfiguration": self.delete_notification,
            "DescribeNotificationConfigurations": self.describe_notifications,
        }

    def put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create a hook or change the members that are named."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        self.add(group, parameters)
        return {}

    def add(self, group: Group, parameters: dict[str, Any]) -> None:
        """Give a group a hook, as PutLifecycleHook and CreateAutoScalingGroup both can."""
        name = parameters["LifecycleHookName"]
        known = group.hooks.get(name)
        members = (
            dict(known.members) if known else {"LifecycleHookName": name, "AutoScalingGroupName": group.name}
        )
        members |= {member: parameters[member] for member in _MEMBERS if member in parameters}
        members.setdefault("HeartbeatTimeout", _DEFAULT_HEARTBEAT)
        members.setdefault("DefaultResult", "ABANDON")
        if members.get("LifecycleTransition") not in _TRANSITIONS:
            raise validation_error(f"Lifecycle transition must be one of {', '.join(_TRANSITIONS)}")
        if members["DefaultResult"] not in _RESULTS:
            raise validation_error("Default result must be CONTINUE or ABANDON")
        if not 30 <= members["HeartbeatTimeout"] <= 7200:
            raise validation_error("Heartbeat timeout must be between 30 and 7200 seconds")
        members["GlobalTimeout"] = min(_LONGEST_GLOBAL, 100 * members["HeartbeatTimeout"])
        if known is None and len(group.hooks) >= _MOST_HOOKS:
            raise AwsError("LimitExceeded", f"Lifecycle hook limit exceeded: {_MOST_HOOKS} per group")
        group.hooks[name] = Hook(name, members)

    def delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Delete a hook; waits under way are completed with ABANDON for launches, CONTINUE otherwise."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        hook = self._hook(group, parameters["LifecycleHookName"])
        del group.hooks[hook.name]
        result = "ABANDON" if hook.transition == _TRANSITIONS[0] else "CONTINUE"
        for token, (instance, waited_for, _) in list(self._waits.items()):
            if waited_for.name == hook.name and (
                instance.instance_id in group.instances or instance.instance_id in group.warm
            ):
                self._finish(token, result)
        return {}

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe the hooks of a group."""
        group = self._service.group(parameters["AutoScalingGroupName"])
        names = parameters.get("LifecycleHookNames")
        return {
            "LifecycleHooks": [
                hook.members for hook in group.hooks.values() if not names or hook.name in names
            ]
        }

    def begin(self, group: Group, instance: GroupInstance, hooks: list[Hook], completed: Completed) -> None:
        """Let an instance wait for hooks until they are completed or time out."""
        for hook in hooks:
            token = instance.waiting_for[hook.name]
            self._waits[token] = (instance, hook, completed)
            self._extend(token, hook)

    def _extend(self, token: str, hook: Hook) -> None:
        seconds = min(hook.members["HeartbeatTimeout"], self._world.settings.hook_seconds)
        deadline = self._world.now() + seconds
        self._deadlines[token] = deadline

        def expire() -> None:
            if self._deadlines.get(token) == deadline:
                self._finish(token, hook.members["DefaultResult"])

        self._world.at(deadline, expire)

    def _finish(self, token: str, result: str) -> None:
        waited = self._waits.pop(token, None)
        self._deadlines.pop(token, None)
        if waited:
            _, hook, completed = waited
            completed(hook.name, result)

    def complete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Complete the lifecycle action of an instance, by token or by id."""
        token = self._token(parameters)
        result = parameters["LifecycleActionResult"]
        if result not in _RESULTS:
            raise validation_error("Lifecycle action result must be CONTINUE or ABANDON")
        self._finish(token, result)
        return {}

    def heartbeat(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Let the wait for a hook begin anew."""
        token = self._token(parameters)
        self._extend(token, self._waits[token][1])
        return {}

    def _token(self, parameters: dict[str, Any]) -> str:
        group = self._service.changing(parameters["AutoScalingGroupName"])
        hook = self._hook(group, parameters["LifecycleHookName"])
        wanted = parameters.get("LifecycleActionToken")
        instance_id = parameters.get("InstanceId")
        for token, (instance, waited_for, _) in self._waits.items():
            of_group = waited_for.name == hook.name and (
                instance.instance_id in group.instances or instance.instance_id in group.warm
            )
            if of_group and (token == wanted or instance.instance_id == instance_id):
                return token
        raise validation_error(
            f"No active Lifecycle Action found with {'token ' + wanted if wanted else f'instance ID {instance_id}'}"
        )

    def _hook(self, group: Group, name: str) -> Hook:
        if name not in group.hooks:
            raise validation_error(
                f"No Lifecycle Hook found with name {name} for Auto Scaling group {group.name}"
            )
        return group.hooks[name]

    def put_notification(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Replace the notification types of a topic."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        topic = parameters["TopicARN"]
        kept = [one for one in group.notifications if one[0] != topic]
        if len({one[0] for one in kept}) >= _MOST_TOPICS:
            raise AwsError("LimitExceeded", f"SNS topic limit exceeded: {_MOST_TOPICS} per group")
        group.notifications = kept + [(topic, kind) for kind in parameters["NotificationTypes"]]
        return {}

    def delete_notification(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Forget the notifications to a topic."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        group.notifications = [one for one in group.notifications if one[0] != parameters["TopicARN"]]
        return {}

    def describe_notifications(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe notifications of the named groups, or of all."""
        names = parameters.get("AutoScalingGroupNames")
        found = [
            {"AutoScalingGroupName": group.name, "TopicARN": topic, "NotificationType": kind}
            for group in self._service.groups.values()
            if not names or group.name in names
            for topic, kind in group.notifications
        ]
        return page("NotificationConfigurations", found, parameters, 50, 100)
