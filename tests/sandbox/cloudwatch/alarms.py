# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms: their operations, and what time does to them."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tests.sandbox.cloudwatch import alarm_definitions as definitions
from tests.sandbox.cloudwatch import rules as rules
from tests.sandbox.cloudwatch import validation as check
from tests.sandbox.cloudwatch.alarm_actions import Actions, metric_value
from tests.sandbox.cloudwatch.alarm_evaluation import evaluate
from tests.sandbox.cloudwatch.alarm_history import History
from tests.sandbox.cloudwatch.alarm_model import ALARM, OK, Alarm, CompositeAlarm, MetricAlarm
from tests.sandbox.cloudwatch.listing import page
from tests.sandbox.errors import AwsError, not_modelled
from tests.sandbox.metrics.catalogue import Catalogue
from tests.sandbox.validation import validate

if TYPE_CHECKING:
    from tests.sandbox.world import World

Operation = Callable[[dict[str, Any]], dict[str, Any]]

#: DescribeAlarms's reference: alarms a page.
_MOST_A_PAGE = 100
_DEFAULT_PAGE = 50
#: "You can associate as many as 50 tags" (TagResource).
_MOST_TAGS = 50
#: "the alarm continues to invoke the action once per minute that the alarm remains in the new state".
_REPEATED_EVERY = 60
_RELATIVES = ("ChildrenOfAlarmName", "ParentsOfAlarmName")


class Alarms:
    """All alarms, by name."""

    def __init__(self, world: World, catalogue: Callable[[], Catalogue]) -> None:
        """Begin without alarms. ``catalogue`` gives all metrics as they are now."""
        self._world = world
        self._catalogue = catalogue
        self.by_name: dict[str, Alarm] = {}
        self._history = History()
        self._actions = Actions(world, self._history)
        #: When the next metric alarm is due (epoch seconds), so that a tick in between costs nothing.
        self._due_at = math.inf
        #: Alarms whose state has changed and whose composite alarms do not know it yet.
        self._changed: list[str] = []

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their names."""
        handlers: dict[str, Operation] = {
            "PutMetricAlarm": self.put_metric_alarm,
            "PutCompositeAlarm": self.put_composite_alarm,
            "DescribeAlarms": self.describe,
            "DescribeAlarmsForMetric": self.describe_for_metric,
            "DescribeAlarmHistory": self._history.describe,
            "DeleteAlarms": self.delete,
            "SetAlarmState": self.set_state,
            "EnableAlarmActions": lambda given: self._switch(given["AlarmNames"], True),
            "DisableAlarmActions": lambda given: self._switch(given["AlarmNames"], False),
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
        }

        def checked(name: str, handler: Operation) -> Operation:
            def handle(parameters: dict[str, Any]) -> dict[str, Any]:
                validate("cloudwatch", name, parameters)
                return handler(parameters)

            return handle

        return {name: checked(name, handler) for name, handler in handlers.items()}

    # --- Operations -----------------------------------------------------------------------------------

    def put_metric_alarm(self, given: dict[str, Any]) -> dict[str, Any]:
        """Create an alarm, or replace all of an alarm but its state and its tags."""
        members, queries, period = definitions.metric_alarm(given)
        name, now = given["AlarmName"], self._world.now()
        alarm = self.by_name.get(name)
        if alarm is not None and not isinstance(alarm, MetricAlarm):
            raise check.validation(f"The alarm {name} exists and is a composite alarm.")
        # Evaluated once before it is kept, so that an expression that can give no time series is refused.
        evaluate(MetricAlarm(name, "", members, now, queries=queries, period=period), self._catalogue(), now)
        if alarm is None:
            alarm = MetricAlarm(name, self._arn(name), members, now)
            self._add(alarm, given)
        self._configure(alarm, members)
        alarm.queries, alarm.period, alarm.due_at = queries, period, -math.inf
        self._due_at = -math.inf
        return {}

    def put_composite_alarm(self, given: dict[str, Any]) -> dict[str, Any]:
        """Create a composite alarm, or replace all of one but its state and its tags."""
        members = definitions.composite_alarm(given)
        unknown = [name for name in rules.parse(members["AlarmRule"]).children if name not in self.by_name]
        if unknown:
            raise check.validation(
                f"Could not save the composite alarm as alarms [{', '.join(unknown)}] in the alarm rule do not exist"
            )
        alarm = self.by_name.get(given["AlarmName"])
        if alarm is not None and not isinstance(alarm, CompositeAlarm):
            raise check.validation(f"The alarm {alarm.name} exists and is a metric alarm.")
        if alarm is None:
            alarm = CompositeAlarm(
                given["AlarmName"], self._arn(given["AlarmName"]), members, self._world.now()
            )
            self._add(alarm, given)
        self._configure(alarm, members)
        alarm.fresh = True
        return {}

    def _arn(self, name: str) -> str:
        settings = self._world.settings
        return f"arn:aws:cloudwatch:{settings.region}:{settings.account_id}:alarm:{name}"

    def _add(self, alarm: Alarm, given: dict[str, Any]) -> None:
        alarm.tags = _tags(given.get("Tags") or ())
        alarm.state_updated_at = alarm.transitioned_at = self._world.now()
        self.by_name[alarm.name] = alarm
        self._history.add(
            self._world.now(),
            alarm,
            "ConfigurationUpdate",
            f'Alarm "{alarm.name}" created',
            {"type": "Create"},
        )

    def _configure(self, alarm: Alarm, members: dict[str, Any]) -> None:
        if alarm.members is not members:  # They are those of an alarm that was just created.
            self._history.add(
                self._world.now(),
                alarm,
                "ConfigurationUpdate",
                f'Alarm "{alarm.name}" updated',
                {"type": "Update"},
            )
        alarm.members = members
        alarm.configured_at = self._world.now()

    def describe(self, given: dict[str, Any]) -> dict[str, Any]:
        """Describe alarms. "If you omit [AlarmTypes], only metric alarms are returned"."""
        relatives = [name for name in _RELATIVES if given.get(name)]
        if relatives:
            others = set(given) - {relatives[0], "MaxRecords", "NextToken"}
            if others:
                raise check.validation(f"{relatives[0]} cannot be combined with {', '.join(sorted(others))}.")
            return self._describe_relatives(given, relatives[0])
        if given.get("AlarmNames") and given.get("AlarmNamePrefix"):
            raise check.validation("AlarmNamePrefix and AlarmNames cannot both be specified.")
        kinds = given.get("AlarmTypes") or ["MetricAlarm"]
        names, prefix = given.get("AlarmNames"), given.get("AlarmNamePrefix") or ""
        state, action = given.get("StateValue"), given.get("ActionPrefix") or ""
        found = [
            alarm
            for alarm in self._sorted()
            if alarm.kind in kinds
            and (not names or alarm.name in names)
            and alarm.name.startswith(prefix)
            and state in (None, alarm.state)
            and (not action or alarm.has_action(action))
        ]
        return _alarm_page(found, [alarm.describe() for alarm in found], given)

    def _describe_relatives(self, given: dict[str, Any], relation: str) -> dict[str, Any]:
        name = given[relation]
        if name not in self.by_name:
            raise _not_found(f"The alarm {name} does not exist.")
        if relation == "ParentsOfAlarmName":
            found: list[Alarm] = [*self._parents(name)]
            members: tuple[str, ...] = ("AlarmName", "AlarmArn")
        else:
            alarm = self.by_name[name]
            children = alarm.rule.children if isinstance(alarm, CompositeAlarm) else ()
            found = [self.by_name[child] for child in sorted(children)]
            members = ("AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp")
        described = [{member: alarm.describe()[member] for member in members} for alarm in found]
        return _alarm_page(found, described, given)

    def describe_for_metric(self, given: dict[str, Any]) -> dict[str, Any]:
        """Describe the alarms on a metric itself, not those on expressions of it."""
        return {
            "MetricAlarms": [
                alarm.describe()
                for alarm in self._sorted()
                if isinstance(alarm, MetricAlarm) and alarm.watches(given)
            ]
        }

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """Delete alarms. Names of none are no error: those "with correct names are still deleted"."""
        doomed = [self.by_name[name] for name in dict.fromkeys(given["AlarmNames"]) if name in self.by_name]
        if sum(isinstance(alarm, CompositeAlarm) for alarm in doomed) > 1:
            raise check.validation("At most one composite alarm can be deleted in one operation.")
        names = {alarm.name for alarm in doomed}
        needed = [
            alarm.name
            for alarm in doomed
            if any(parent.name not in names for parent in self._parents(alarm.name))
        ]
        if needed:
            them = "it" if len(needed) == 1 else "them"
            raise check.validation(
                f"Cannot delete {','.join(needed)} as there are composite alarm(s) depending on {them}."
            )
        for alarm in doomed:
            del self.by_name[alarm.name]
            self._history.add(
                self._world.now(),
                alarm,
                "ConfigurationUpdate",
                f'Alarm "{alarm.name}" deleted',
                {"type": "Delete"},
            )
        return {}

    def set_state(self, given: dict[str, Any]) -> dict[str, Any]:
        """Set a state for a moment: a metric alarm "returns to [its] actual state quickly"."""
        alarm = self.by_name.get(given["AlarmName"])
        if alarm is None:
            raise _not_found(f"The alarm {given['AlarmName']} does not exist.")
        data = given.get("StateReasonData")
        if data:
            try:
                json.loads(data)
            except ValueError:
                raise AwsError("InvalidFormat", "StateReasonData must be JSON.") from None
        self._become(alarm, given["StateValue"], given["StateReason"], data)
        if isinstance(alarm, MetricAlarm):
            self._look_again(alarm, self._world.now())
        self._settle()
        return {}

    def _switch(self, names: Iterable[str], enabled: bool) -> dict[str, Any]:
        for name in names:
            if name in self.by_name:
                alarm = self.by_name[name]
                alarm.members = alarm.members | {"ActionsEnabled": enabled}
                alarm.configured_at = self._world.now()
        return {}

    # --- Tags -----------------------------------------------------------------------------------------

    def _tagged(self, given: dict[str, Any]) -> Alarm:
        arn = given["ResourceARN"]
        if ":alarm:" not in arn:
            raise not_modelled(f"tags of {arn}, which is no alarm")
        for alarm in self.by_name.values():
            if alarm.arn == arn:
                return alarm
        raise AwsError("ResourceNotFoundException", f"{arn} does not exist.", 404)

    def tag(self, given: dict[str, Any]) -> dict[str, Any]:
        """Add tags to an alarm, or change their values."""
        alarm = self._tagged(given)
        together = alarm.tags | _tags(given["Tags"])
        if len(together) > _MOST_TAGS:
            raise check.invalid(f"An alarm has at most {_MOST_TAGS} tags.")
        alarm.tags = together
        return {}

    def untag(self, given: dict[str, Any]) -> dict[str, Any]:
        """Remove tags from an alarm."""
        alarm = self._tagged(given)
        alarm.tags = {key: value for key, value in alarm.tags.items() if key not in given["TagKeys"]}
        return {}

    def list_tags(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the tags of an alarm."""
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._tagged(given).tags.items()]}

    # --- Time -----------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Evaluate the alarms that are due: each at most once a period boundary, and what follows from it."""
        now = self._world.now()
        if now >= self._due_at:
            catalogue = self._catalogue()
            for alarm in [alarm for alarm in self._metric_alarms() if now >= alarm.due_at]:
                self._look_again(alarm, now)
                self._evaluate(alarm, catalogue, now)
            self._due_at = min((alarm.due_at for alarm in self._metric_alarms()), default=math.inf)
        self._settle()

    def _look_again(self, alarm: MetricAlarm, now: float) -> None:
        """Make an alarm due at its next boundary."""
        alarm.due_at = (math.floor(now / alarm.every) + 1) * alarm.every
        self._due_at = min(self._due_at, alarm.due_at)

    def _evaluate(self, alarm: MetricAlarm, catalogue: Catalogue, now: float) -> None:
        try:
            outcome = evaluate(alarm, catalogue, now)
        except AwsError as error:
            alarm.evaluation_error = error.message
            return
        alarm.evaluation_error = None
        state = outcome.state or alarm.state
        if state != alarm.state:
            self._become(alarm, state, outcome.reason, outcome.reason_data)
        elif now - alarm.acted_at > _REPEATED_EVERY - alarm.every / 2:
            alarm.acted_at = now
            self._actions.repeat(alarm, metric_value(outcome.reason_data))

    def _become(self, alarm: Alarm, state: str, reason: str, data: str | None) -> None:
        """Set a state, and do its actions if it is another one."""
        now, before = self._world.now(), alarm.state
        changed = state != before
        if changed:
            self._history.state_update(now, alarm, state, reason, data)
            alarm.transitioned_at = alarm.acted_at = now
        alarm.state, alarm.reason, alarm.reason_data, alarm.state_updated_at = state, reason, data, now
        if changed:
            self._changed.append(alarm.name)
            self._actions.do(alarm, before)

    def _settle(self) -> None:
        """Evaluate the composite alarms that are new, or one of whose children has changed."""
        for fresh in [alarm for alarm in self._composites() if alarm.fresh]:
            fresh.fresh = False
            self._evaluate_composite(fresh, f"{fresh.arn} was created or updated")
        while self._changed:
            child = self.by_name.get(self._changed.pop(0))
            if child is None:
                continue
            when = f"{dt.datetime.fromtimestamp(self._world.now(), dt.UTC):%A %d %B, %Y %H:%M:%S UTC}"
            for parent in self._parents(child.name):
                self._evaluate_composite(parent, f"{child.arn} transitioned to {child.state} at {when}")

    def _evaluate_composite(self, alarm: CompositeAlarm, why: str) -> None:
        # "the evaluation of composite alarms stops if CloudWatch detects a cycle in the evaluation path"
        if self._leads_to_itself(alarm):
            return
        state = ALARM if alarm.rule.holds(lambda name: self.by_name[name].state) else OK
        if state != alarm.state:
            children = [
                {"arn": self.by_name[name].arn, "state": self.by_name[name].state}
                for name in alarm.rule.children
            ]
            self._become(
                alarm,
                state,
                f"{why}, and the alarm rule evaluates to {state}",
                json.dumps({"triggeringAlarms": children}),
            )

    def _leads_to_itself(self, alarm: CompositeAlarm) -> bool:
        seen: set[str] = set()
        ahead = list(alarm.rule.children)
        while ahead:
            name = ahead.pop()
            if name == alarm.name:
                return True
            child = self.by_name.get(name)
            if name not in seen and isinstance(child, CompositeAlarm):
                ahead += child.rule.children
            seen.add(name)
        return False

    # --- Looking up -----------------------------------------------------------------------------------

    def _sorted(self) -> list[Alarm]:
        return sorted(self.by_name.values(), key=lambda alarm: alarm.name)

    def _metric_alarms(self) -> list[MetricAlarm]:
        return [alarm for alarm in self.by_name.values() if isinstance(alarm, MetricAlarm)]

    def _composites(self) -> list[CompositeAlarm]:
        return [alarm for alarm in self.by_name.values() if isinstance(alarm, CompositeAlarm)]

    def _parents(self, name: str) -> list[CompositeAlarm]:
        return [alarm for alarm in self._composites() if name in alarm.rule.children]


def _tags(given: Iterable[dict[str, str]]) -> dict[str, str]:
    tags = {tag["Key"]: tag["Value"] for tag in given}
    for key in tags:
        if key.startswith("aws:"):
            raise check.invalid(f"The tag key {key} is invalid: aws: is reserved.")
    if len(tags) > _MOST_TAGS:
        raise check.invalid(f"An alarm has at most {_MOST_TAGS} tags.")
    return tags


def _not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFound", message, 404)


def _alarm_page(
    alarms: list[Alarm], described: list[dict[str, Any]], given: dict[str, Any]
) -> dict[str, Any]:
    size = min(given.get("MaxRecords") or _DEFAULT_PAGE, _MOST_A_PAGE)
    listed, token = page(list(zip(alarms, described, strict=True)), given.get("NextToken"), size)
    answer: dict[str, Any] = {
        "MetricAlarms": [shape for alarm, shape in listed if alarm.kind == "MetricAlarm"],
        "CompositeAlarms": [shape for alarm, shape in listed if alarm.kind == "CompositeAlarm"],
    }
    return answer | ({"NextToken": token} if token else {})
