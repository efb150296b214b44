# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms that watch an outgoing group by its name: with the next revision they see nothing any more.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .described import Request, copied_tags
from .scaling_policies import (
    MADE_BY_AWS,
    RENAMED_OF_ALARMS,
    Renaming,
    actions_of,
    alarm_name,
    alarm_request,
)

# What becomes of them: told, or copied for the new group.
TELL, COPY = "tell", "copy"
WAYS = (TELL, COPY)
# "You can associate as many as 50 tags with an alarm" (CloudWatch, TagResource).
MOST_TAGS = 50

# PutCompositeAlarm, AlarmRule: C(ALARM("name or ARN")), and so OK and INSUFFICIENT_DATA; quotes may be left out.
_REFERENCE = re.compile(
    r'\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]*)"|([^()"]+?))\s*\)', re.IGNORECASE
)


@dataclass(frozen=True)
class GroupAlarm:
    """An alarm, as DescribeAlarms has it, that watches C(group) by its name."""

    alarm: Mapping[str, Any]
    group: str

    @property
    def name(self) -> str:
        """What the alarm is called."""
        return str(self.alarm["AlarmName"])

    @property
    def scales_it(self) -> bool:
        """Whether it acts on a scaling policy of its group; such alarms the new group has from the base."""
        of_group = f":autoScalingGroupName/{self.group}:"
        return any(":scalingPolicy:" in action and of_group in action for action in actions_of(self.alarm))

    def copy_name(self, group: str) -> str:
        """What its copy for another group is called: the group's name in front, in place of the one before."""
        return alarm_name(group, self.name.removeprefix(f"{self.group}-"))

    def copy(self, group: str, tags: Mapping[str, str], own: Mapping[str, str]) -> Request:
        """The request that makes it for another group: actions and C(tags) as they are, and the tags C(own)."""
        rename = Renaming(self.group, group, {}, {})
        return alarm_request(self.alarm, group, self.copy_name(group), rename, {**copied_tags(tags), **own})


def of_groups(
    alarms: Iterable[Mapping[str, Any]], groups: Sequence[str], from_base: Collection[str]
) -> list[GroupAlarm]:
    """The alarms among those described that watch one of C(groups) by its name, those of the first group first.

    Left out are those that target tracking makes, those of C(from_base), by what they are called without the group's
    name in front, and what an earlier one of the groups has under the same name.
    """
    metric_alarms = [one for one in alarms if "AlarmRule" not in one]
    found: dict[str, GroupAlarm] = {}
    for group in groups:
        known = {group_alarm for one in from_base for group_alarm in (one, alarm_name(group, one))}
        for alarm in metric_alarms:
            name = str(alarm["AlarmName"])
            if name in known or name.startswith(MADE_BY_AWS) or not _names(alarm, group):
                continue
            found.setdefault(name.removeprefix(f"{group}-"), GroupAlarm(alarm, group))
    return list(found.values())


def _names(alarm: Mapping[str, Any], group: str) -> bool:
    """Whether a group's name stands among what an alarm watches: dimensions, also within metric math and queries."""
    parts = {member: alarm[member] for member in RENAMED_OF_ALARMS if alarm.get(member)}
    other = f"{group} "  # No group's name ends in a space.
    return bool(Renaming(group, other, {}, {})(parts) != Renaming(group, group, {}, {})(parts))


def composites_of(
    alarms: Iterable[Mapping[str, Any]], names: Collection[str]
) -> Iterator[tuple[str, list[str]]]:
    """The composite alarms among those described whose rule or suppressor is one of C(names), each with which."""
    for alarm in alarms:
        if "AlarmRule" not in alarm:
            continue
        references = {
            (quoted or plain).rpartition(":alarm:")[2]
            for quoted, plain in _REFERENCE.findall(str(alarm["AlarmRule"]))
        }
        references.add(str(alarm.get("ActionsSuppressor") or "").rpartition(":alarm:")[2])
        if used := sorted(references & set(names)):
            yield str(alarm["AlarmName"]), used
