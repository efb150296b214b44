# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to alarms, for DescribeAlarmHistory."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.sandbox.cloudwatch import validation as check
from tests.sandbox.cloudwatch.alarm_model import Alarm
from tests.sandbox.cloudwatch.listing import page

#: DescribeAlarmHistory's reference: items a page.
_MOST_A_PAGE = 100
#: So many items are kept here; CloudWatch keeps them for weeks instead.
_KEPT = 20_000
#: Lengths of the shape AlarmHistoryItem.
_LONGEST_SUMMARY, _LONGEST_DATA = 255, 4095


@dataclass(frozen=True)
class _Item:
    at: float
    name: str
    kind: str
    type: str
    summary: str
    data: str

    def describe(self) -> dict[str, Any]:
        return {
            "AlarmName": self.name,
            "AlarmType": self.kind,
            "Timestamp": check.moment(self.at),
            "HistoryItemType": self.type,
            "HistorySummary": self.summary,
            "HistoryData": self.data,
        }


class History:
    """The history of all alarms, also of those that were deleted."""

    def __init__(self) -> None:
        """Begin without history."""
        self._items: deque[_Item] = deque(maxlen=_KEPT)

    def add(self, now: float, alarm: Alarm, kind: str, summary: str, data: Mapping[str, Any]) -> None:
        """Remember that something happened to an alarm; ``kind`` is a HistoryItemType."""
        text = json.dumps({"version": "1.0", **data})
        self._items.append(
            _Item(now, alarm.name, alarm.kind, kind, summary[:_LONGEST_SUMMARY], text[:_LONGEST_DATA])
        )

    def state_update(
        self, now: float, alarm: Alarm, state: str, reason: str, reason_data: str | None
    ) -> None:
        """Remember that an alarm, which still has its old state, comes into another."""
        new = {"stateValue": state, "stateReason": reason}
        if reason_data:
            new["stateReasonData"] = json.loads(reason_data)
        old = {"stateValue": alarm.state, "stateReason": alarm.reason}
        summary = f"Alarm updated from {alarm.state} to {state}"
        self.add(now, alarm, "StateUpdate", summary, {"oldState": old, "newState": new})

    def describe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of the history, newest first unless asked otherwise."""
        name, kind = given.get("AlarmName"), given.get("HistoryItemType")
        kinds = given.get("AlarmTypes") or ["MetricAlarm"]
        start, end = given.get("StartDate"), given.get("EndDate")
        found = [
            item.describe()
            for item in self._items
            if name in (None, item.name)
            and kind in (None, item.type)
            and item.kind in kinds
            and (start is None or item.at >= check.epoch(start, "StartDate"))
            and (end is None or item.at <= check.epoch(end, "EndDate"))
        ]
        if given.get("ScanBy") != "TimestampAscending":
            found.reverse()
        size = given.get("MaxRecords") or _MOST_A_PAGE
        listed, token = page(found, given.get("NextToken"), size)
        return {"AlarmHistoryItems": listed} | ({"NextToken": token} if token else {})
