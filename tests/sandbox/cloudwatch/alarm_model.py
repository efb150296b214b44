# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms as they are kept: what was asked for, and the state that they are in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.cloudwatch import rules as rules
from tests.sandbox.cloudwatch import validation as check
from tests.sandbox.metric_math.evaluation import Query

ALARM, OK, INSUFFICIENT_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"
#: State -> the member that lists its actions.
ACTIONS = {ALARM: "AlarmActions", OK: "OKActions", INSUFFICIENT_DATA: "InsufficientDataActions"}


@dataclass
class Alarm:
    """An alarm of either kind. Times are epoch seconds."""

    name: str
    arn: str
    #: The members that describe it, as they were given, with their defaults.
    members: dict[str, Any]
    configured_at: float
    tags: dict[str, str] = field(default_factory=dict)
    state: str = INSUFFICIENT_DATA
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str | None = None
    #: When the state was last set, and when it last became another.
    state_updated_at: float = 0.0
    transitioned_at: float = 0.0
    #: When the actions that repeat were last done.
    acted_at: float = 0.0

    @property
    def kind(self) -> str:
        """Return the alarm's type as AlarmTypes calls it."""
        raise NotImplementedError

    @property
    def actions(self) -> Sequence[str]:
        """Return the actions of the state that it is in; none while they are disabled."""
        return self.members.get(ACTIONS[self.state], ()) if self.members["ActionsEnabled"] else ()

    def has_action(self, prefix: str) -> bool:
        """Return whether one of its actions, of whatever state, begins like this."""
        return any(
            action.startswith(prefix) for name in ACTIONS.values() for action in self.members.get(name, ())
        )

    def describe(self) -> dict[str, Any]:
        """Return the shape ``MetricAlarm`` or ``CompositeAlarm``."""
        described = self.members | {
            "AlarmName": self.name,
            "AlarmArn": self.arn,
            "AlarmConfigurationUpdatedTimestamp": check.moment(self.configured_at),
            "StateValue": self.state,
            "StateReason": self.reason,
            "StateUpdatedTimestamp": check.moment(self.state_updated_at),
            "StateTransitionedTimestamp": check.moment(self.transitioned_at),
        }
        return described | ({"StateReasonData": self.reason_data} if self.reason_data is not None else {})


@dataclass
class MetricAlarm(Alarm):
    """An alarm on a metric or an expression."""

    queries: Sequence[Query] = ()
    #: Seconds of a data point.
    period: int = 60
    #: When it is due to be looked at next.
    due_at: float = -math.inf
    #: Why it could not be evaluated the last time, or None.
    evaluation_error: str | None = None

    @property
    def kind(self) -> str:
        """Return the alarm's type as AlarmTypes calls it."""
        return "MetricAlarm"

    @property
    def every(self) -> int:
        """Return how often it is evaluated, in seconds.

        "For any period of one minute or longer, an alarm is evaluated every minute"; shorter ones "every
        10 seconds" (Using Amazon CloudWatch alarms).
        """
        return 60 if self.period >= 60 else 10

    @property
    def evaluation_periods(self) -> int:
        """Return N of "M out of N"."""
        return int(self.members["EvaluationPeriods"])

    @property
    def datapoints_to_alarm(self) -> int:
        """Return M of "M out of N"."""
        return int(self.members.get("DatapointsToAlarm", self.evaluation_periods))

    def describe(self) -> dict[str, Any]:
        """Return the shape ``MetricAlarm``."""
        described = super().describe()
        if self.evaluation_error is not None:
            described |= {"EvaluationState": "EVALUATION_ERROR", "StateReason": self.evaluation_error}
        return described

    def watches(self, given: Mapping[str, Any]) -> bool:
        """Return whether it is an alarm on this metric, and on these of its statistics, period and unit."""
        if "Metrics" in self.members:
            return False
        wanted = check.metric_key(given)
        return self.queries[0].key == wanted and all(
            given.get(name) in (None, self.members.get(name))
            for name in ("Statistic", "ExtendedStatistic", "Period", "Unit")
        )


@dataclass
class CompositeAlarm(Alarm):
    """An alarm on the states of other alarms."""

    #: Whether it has not been evaluated since it was configured.
    fresh: bool = True

    @property
    def kind(self) -> str:
        """Return the alarm's type as AlarmTypes calls it."""
        return "CompositeAlarm"

    @property
    def rule(self) -> rules.Rule:
        """Return its rule."""
        return rules.parse(self.members["AlarmRule"])
