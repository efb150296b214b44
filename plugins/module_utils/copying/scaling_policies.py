# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scales the base, for the new group: policies, their alarms and scheduled actions.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import members as table
from .described import Described, NotCopied, Overrides, Request, effective_target_groups

# PutMetricAlarm: an alarm's name has 1 to 255 characters.
LONGEST_ALARM_NAME = 255
# BatchPutScheduledUpdateGroupAction takes 50 at most.
SCHEDULED_ACTIONS_A_CALL = 50
# Seconds. A recurring action that starts sooner starts as well without a start time, which AWS would refuse
# if the request came too late for it.
START_MARGIN = 60.0
# Policies of these types act on alarms that somebody made for them; the others make their own.
WITH_ALARMS = frozenset({"SimpleScaling", "StepScaling"})
MADE_BY_AWS = "TargetTracking-"
# Members of an alarm in which names stand that are others on the new group, and those that list its actions.
RENAMED_OF_ALARMS = ("Dimensions", "EvaluationCriteria", "Metrics")
ACTIONS_OF_ALARMS = ("AlarmActions", "InsufficientDataActions", "OKActions")

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_TARGET_GROUP = "/targetgroup/"


# -------------------------------------------------------------------- renaming


@dataclass(frozen=True)
class Renaming:
    """What a metric's description calls otherwise on the new group.

    C(target_groups) maps the base's target groups to the new group's, as C(targetgroup/name/id);
    C(load_balancers) names the Application Load Balancers (C(app/name/id)) in front of those of the new group.
    """

    base: str
    name: str
    target_groups: Mapping[str, str]
    load_balancers: Mapping[str, tuple[str, ...]]

    def __call__(self, value: Any) -> Any:
        """Rename within any part of a policy or alarm."""
        if isinstance(value, Mapping):
            return {key: self._member(key, part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(part) for part in value]
        return value

    def _member(self, key: str, part: Any) -> Any:
        if key == "Dimensions":
            return self._dimensions(part)
        if key in ("Expression", "Query"):
            return self._expression(part)
        if key == "ResourceLabel":
            return self.label(part)
        return self(part)

    def _dimensions(self, dimensions: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
        by_name = {dimension.get("Name", ""): dimension.get("Value", "") for dimension in dimensions}
        target_group = self.target_groups.get(by_name.get("TargetGroup", ""))
        renamed = []
        for dimension in dimensions:
            value = dimension.get("Value", "")
            if value == self.base:
                value = self.name
            elif target_group and dimension.get("Name") == "TargetGroup":
                value = target_group
            elif target_group and dimension.get("Name") == "LoadBalancer":
                value = self._in_front_of(target_group, value) or value
            renamed.append({**dimension, "Value": value})
        return renamed

    def _expression(self, expression: str) -> str:
        # Only within quotes, where CloudWatch has text: outside, the same letters may be a metric's id.
        whole_name = re.compile(rf"(?<![\w./:-]){re.escape(self.base)}(?![\w./:-])")
        expression = _QUOTED.sub(
            lambda quoted: whole_name.sub(lambda _match: self.name, quoted[0]), expression
        )
        for old, new in self.target_groups.items():
            expression = expression.replace(old, new)
        return expression

    def label(self, label: str) -> str:
        """A resource label, C(app/name/id/targetgroup/name/id), of the new group's target group.

        Unchanged where the target group stays, or where there is none to take its place.
        """
        load_balancer, separator, rest = label.partition(_TARGET_GROUP)
        target_group = self.target_groups.get(f"{separator.lstrip('/')}{rest}")
        if not target_group:
            return label
        in_front = self._in_front_of(target_group, load_balancer)
        return f"{in_front}/{target_group}" if in_front else label

    def _in_front_of(self, target_group: str, before: str) -> str | None:
        candidates = self.load_balancers.get(target_group, ())
        return before if before in candidates else next(iter(candidates), None)


def renaming(described: Described, overrides: Overrides, name: str) -> Renaming:
    """What the base's metrics are called for the group C(name)."""
    return Renaming(
        described.name,
        name,
        {
            _suffix(old): _suffix(new)
            for old, new in replaced_target_groups(described, overrides).items()
            if new != old
        },
        {
            _suffix(target_group): tuple(
                arn.partition(":loadbalancer/")[2] for arn in load_balancers if ":loadbalancer/app/" in arn
            )
            for target_group, load_balancers in described.load_balancer_arns.items()
        },
    )


def _suffix(arn: str) -> str:
    # arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID
    return arn.rpartition(":")[2]


def replaced_target_groups(described: Described, overrides: Overrides) -> dict[str, str]:
    """Which target group of the new group takes the place of each of the base's, by ARN.

    One that stays takes its own; of the others the first takes the first's, if there are equally many, and
    a single one takes all. Where that does not tell, the base's is missing.
    """
    old, new = described.target_group_arns, effective_target_groups(described, overrides)
    places = {arn: arn for arn in old if arn in new}
    gone = [arn for arn in old if arn not in new]
    fresh = [arn for arn in new if arn not in old]
    if len(gone) == len(fresh):
        places |= dict(zip(gone, fresh, strict=True))
    elif len(fresh) == 1:
        places |= dict.fromkeys(gone, fresh[0])
    return places


def label_problems(described: Described, overrides: Overrides) -> list[str]:
    """Say which policies count the requests of a target group that the new group cannot have."""
    places = {_suffix(old): new for old, new in replaced_target_groups(described, overrides).items()}
    known = {_suffix(arn) for arn in described.target_group_arns}
    rename = renaming(described, overrides, described.name)
    problems = []
    for policy in described.policies:
        for label in sorted(set(_labels(policy))):
            target_group = label.partition(_TARGET_GROUP)[2]
            old = f"targetgroup/{target_group}"
            if old not in known or places.get(old, "").endswith(f":{old}"):
                continue
            if old not in places:
                problems.append(
                    f"scaling policy {policy['PolicyName']} of {described.name} counts the requests of {old},"
                    " and which of the target groups given should take its place cannot be told; give one, or"
                    " as many as the base has, in the same order"
                )
            elif rename.label(label) == label:
                problems.append(
                    f"scaling policy {policy['PolicyName']} of {described.name} counts the requests of a target"
                    f" group behind an Application Load Balancer; {places[old]} is behind none"
                )
    return problems


def _labels(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key == "ResourceLabel" and part:
                yield part
            else:
                yield from _labels(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _labels(part)


# -------------------------------------------------------------------- policies


def policy_requests(described: Described, overrides: Overrides, name: str) -> tuple[Request, ...]:
    """PutScalingPolicy requests of every policy, under the names they have on the base."""
    rename = renaming(described, overrides, name)
    requests = []
    for policy in described.policies:
        parameters = table.POLICY.copied(policy)
        parameters["AutoScalingGroupName"] = name
        for member in ("TargetTrackingConfiguration", "PredictiveScalingConfiguration"):
            configuration = table.pruned(policy.get(member))
            if configuration:
                parameters[member] = rename(configuration)
        if "MinAdjustmentMagnitude" not in parameters and policy.get("MinAdjustmentStep") is not None:
            parameters["MinAdjustmentStep"] = policy["MinAdjustmentStep"]
        requests.append(
            Request(
                "autoscaling",
                "PutScalingPolicy",
                parameters,
                f"attach scaling policy {policy['PolicyName']} to group {name}",
            )
        )
    return tuple(requests)


# ---------------------------------------------------------------------- alarms


def alarm_name(group: str, alarm: str) -> str:
    """Name the copy of an alarm for a group: the group's name in front, at most 255 characters.

    A longer name ends in a digest of the whole, which keeps it unique.
    """
    name = f"{group}-{alarm}"
    if len(name) <= LONGEST_ALARM_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: LONGEST_ALARM_NAME - 17]}-{digest}"


def copied_alarm_names(described: Described) -> list[str]:
    """The base's alarms that its step and simple policies act on, as the base calls them."""
    names = (
        alarm["AlarmName"]
        for policy in described.policies
        if (policy.get("PolicyType") or "SimpleScaling") in WITH_ALARMS
        for alarm in policy.get("Alarms") or ()
    )
    return list(dict.fromkeys(name for name in names if not name.startswith(MADE_BY_AWS)))


def alarm_names(described: Described, name: str) -> list[str]:
    """The names of the alarms that C(alarm_requests) makes for the group C(name)."""
    return [alarm_name(name, alarm) for alarm in copied_alarm_names(described) if alarm in described.alarms]


def alarm_requests(
    described: Described,
    overrides: Overrides,
    name: str,
    policy_arns: Mapping[str, str],
    tags: Mapping[str, str] | None = None,
) -> tuple[Request, ...]:
    """PutMetricAlarm requests for the alarms of step and simple policies.

    C(policy_arns) are the ARNs of the new group's policies by policy name; C(tags) are added to the alarm's own.

    Raises:
        KeyError: an alarm acts on a policy that has no ARN among them.
    """
    rename = renaming(described, overrides, name)
    names_by_arn = {policy.get("PolicyARN"): policy["PolicyName"] for policy in described.policies}

    def placed(action: str) -> str | None:
        if _of_another_group(action, names_by_arn):
            return None
        return policy_arns[names_by_arn[action]] if action in names_by_arn else action

    return tuple(
        alarm_request(
            alarm,
            name,
            alarm_name(name, base_alarm),
            rename,
            {**((described.alarm_tags or {}).get(base_alarm) or {}), **(tags or {})},
            placed,
        )
        for base_alarm in copied_alarm_names(described)
        if (alarm := described.alarms.get(base_alarm)) is not None
    )


def alarm_request(
    alarm: Mapping[str, Any],
    group: str,
    name: str,
    rename: Renaming,
    tags: Mapping[str, str],
    placed: Callable[[str], str | None] = str,
) -> Request:
    """The PutMetricAlarm request that makes a described alarm again under C(name), for C(group).

    C(placed) gives for each action the one that takes its place, or None for none. AWS's own tags are left out.
    """
    parameters = table.ALARM.copied(alarm)
    parameters["AlarmName"] = name
    for member in RENAMED_OF_ALARMS:
        part = table.pruned(alarm.get(member))
        if part:
            parameters |= rename({member: part})
    for member in ACTIONS_OF_ALARMS:
        actions = [new for action in alarm.get(member) or () if (new := placed(action))]
        if actions:
            parameters[member] = actions
    if kept := {key: value for key, value in tags.items() if not key.startswith("aws:")}:
        parameters["Tags"] = [{"Key": key, "Value": value} for key, value in kept.items()]
    return Request("cloudwatch", "PutMetricAlarm", parameters, f"create alarm {name} for group {group}")


def actions_of(alarm: Mapping[str, Any]) -> list[str]:
    """All actions of a described alarm, each once."""
    return list(dict.fromkeys(action for member in ACTIONS_OF_ALARMS for action in alarm.get(member) or ()))


def _of_another_group(action: str, own: Mapping[Any, str]) -> bool:
    return ":scalingPolicy:" in action and action not in own


def alarms_not_copied(described: Described) -> list[NotCopied]:
    """Alarms that are gone, and actions of alarms that belong to other groups."""
    own = {policy.get("PolicyARN"): policy["PolicyName"] for policy in described.policies}
    left_out = []
    for name in copied_alarm_names(described):
        alarm = described.alarms.get(name)
        if alarm is None:
            left_out.append(NotCopied(f"alarm {name}", "a policy names it, but CloudWatch has no such alarm"))
            continue
        actions = actions_of(alarm)
        left_out += [
            NotCopied(
                f"action {action} of alarm {name}",
                "it scales another group, for which the base's alarm goes on doing it",
            )
            for action in actions
            if _of_another_group(action, own)
        ]
    return left_out


# ----------------------------------------------------------- scheduled actions


def scheduled_action_requests(described: Described, name: str, now: float) -> tuple[Request, ...]:
    """BatchPutScheduledUpdateGroupAction requests; C(now) is in seconds since the epoch.

    The answer of each lists what AWS did not accept, under C(FailedScheduledUpdateGroupActions).
    """
    items = []
    for action in described.scheduled_actions:
        if over(action, now):
            continue
        item = table.SCHEDULED_ACTION.copied(action)
        start = action.get("StartTime")
        recurring_soon = action.get("Recurrence") and _past(start, now + START_MARGIN)
        if start is not None and not recurring_soon:
            item["StartTime"] = start
        items.append(item)
    return tuple(
        Request(
            "autoscaling",
            "BatchPutScheduledUpdateGroupAction",
            {
                "AutoScalingGroupName": name,
                "ScheduledUpdateGroupActions": items[first : first + SCHEDULED_ACTIONS_A_CALL],
            },
            f"attach {len(items[first : first + SCHEDULED_ACTIONS_A_CALL])} scheduled actions to group {name}",
        )
        for first in range(0, len(items), SCHEDULED_ACTIONS_A_CALL)
    )


def over(action: Mapping[str, Any], now: float) -> bool:
    """Whether a scheduled action will never happen again after C(now) (seconds since the epoch)."""
    if _past(action.get("EndTime"), now):
        return True
    return not action.get("Recurrence") and _past(action.get("StartTime"), now)


def _past(moment: datetime | None, now: float) -> bool:
    return moment is not None and moment.timestamp() <= now


def scheduled_actions_not_copied(described: Described, now: float) -> list[NotCopied]:
    """The scheduled actions that are over."""
    return [
        NotCopied(f"scheduled action {action['ScheduledActionName']}", "it is over")
        for action in described.scheduled_actions
        if over(action, now)
    ]
