# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What alarms do when their state changes: scaling policies, and messages to SNS topics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.sandbox.cloudwatch import validation as check
from tests.sandbox.cloudwatch.alarm_history import History
from tests.sandbox.cloudwatch.alarm_model import Alarm
from tests.sandbox.errors import AwsError

if TYPE_CHECKING:
    from tests.sandbox.world import World

_LONGEST_SUBJECT = 100


def metric_value(reason_data: str | None) -> float | None:
    """Return the newest data point that a state's reason has, which a step scaling policy goes by."""
    if not reason_data:
        return None
    data = json.loads(reason_data)
    recent = data.get("recentDatapoints") if isinstance(data, dict) else None
    return float(recent[-1]) if recent else None


class Actions:
    """Does the actions of alarms. One that fails is noted in the alarm's history and disturbs nothing else."""

    def __init__(self, world: World, history: History) -> None:
        """Act on ``world``."""
        self._world = world
        self._history = history

    def do(self, alarm: Alarm, before: str) -> None:
        """Do all actions of the state that an alarm has come into from the state ``before``."""
        for action in alarm.actions:
            if ":autoscaling:" in action:
                self._scale(alarm, action, metric_value(alarm.reason_data))
            else:
                self._publish(alarm, action, before)

    def repeat(self, alarm: Alarm, value: float | None) -> None:
        """Do the Auto Scaling actions again, of an alarm that remains in its state."""
        for action in alarm.actions:
            if ":autoscaling:" in action:
                self._scale(alarm, action, value)

    def _scale(self, alarm: Alarm, policy_arn: str, value: float | None) -> None:
        try:
            self._world.autoscaling.alarm_fired(policy_arn, alarm.name, value)
        except AwsError as error:
            self._note(alarm, policy_arn, error.message)
        else:
            self._note(alarm, policy_arn)

    def _publish(self, alarm: Alarm, topic_arn: str, before: str) -> None:
        message = {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.members.get("AlarmDescription"),
            "AWSAccountId": self._world.settings.account_id,
            "AlarmArn": alarm.arn,
            "NewStateValue": alarm.state,
            "NewStateReason": alarm.reason,
            "StateChangeTime": check.moment(self._world.now()).isoformat(timespec="milliseconds"),
            "Region": self._world.settings.region,
            "OldStateValue": before,
        }
        subject = f'{alarm.state}: "{alarm.name}" in {self._world.settings.region}'
        topics = self._world.backend("sns").topics
        if topic_arn not in topics:
            self._note(alarm, topic_arn, "the topic does not exist")
            return
        self._world.backend("sns").publish(json.dumps(message), topic_arn, subject=subject[:_LONGEST_SUBJECT])
        self._note(alarm, topic_arn)

    def _note(self, alarm: Alarm, action: str, error: str | None = None) -> None:
        what = "Successfully executed" if error is None else "Failed to execute"
        data = {"actionState": "Succeeded" if error is None else "Failed", "notificationResource": action}
        if error is not None:
            data["error"] = error
        self._history.add(self._world.now(), alarm, "Action", f"{what} action {action}", data)
