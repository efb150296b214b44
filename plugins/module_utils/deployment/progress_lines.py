# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth telling while groups move: each line once.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from ..core import health, naming
from ..core.model import INSTANCES, Activity, Group, TargetHealth
from ..core.passes import Event, Tell
from ..core.progress import Progress

BAR_WIDTH = 8
# More activities than these in one look are told together.
MOST_LINES = 20


class Telling:
    """Tells events through C(tell), and remembers in C(progress) what was told, so that no line comes twice."""

    def __init__(self, progress: Progress, tell: Tell) -> None:
        """Keep both."""
        self._told = progress.told
        self._tell = tell

    def once(self, key: str, kind: str, subject: str, text: str, in_service: int | None = None) -> None:
        """Tell an event unless the last one about C(key) said the same; C(in_service) goes with it."""
        if self._told.get(key) != text:
            self._told[key] = text
            self._tell(Event(kind, naming.short_name(subject), text, in_service=in_service))

    def passed_over(self, activities: Sequence[Activity]) -> None:
        """Remember activities that were there before the step began as told."""
        for activity in activities:
            self._told[activity.activity_id] = activity_text(activity)

    def activities(self, group: str, activities: Sequence[Activity]) -> None:
        """Tell of activities that are new or have moved, in the order in which they began; of very many how many."""
        moved = [
            one
            for one in sorted(activities, key=lambda one: one.started)
            if self._told.get(one.activity_id) != activity_text(one)
        ]
        many = [one for one in moved if not one.failed] if len(moved) > MOST_LINES else []
        for (verb, progress, status), number in Counter(map(_kind_of, many)).items():
            self.once(
                f"{group} {verb}", "activity", group, f"{verb}: {instances(number)}, {progress} %, {status}"
            )
        for activity in moved:
            text = activity_text(activity)
            if many and not activity.failed:
                self._told[activity.activity_id] = text
            else:
                kind = "failure" if activity.failed else "activity"
                self.once(activity.activity_id, kind, activity.group, text)

    def tries_again(self, group: str, patience: float, *, keeps_zone: bool) -> None:
        """Tell what AWS does about launches that failed for a reason that need not hold for the next one."""
        where = (
            "in the same zone, because the group is balanced-only; it counts as failed after"
            f" {patience:g} s without a launch there"
            if keeps_zone
            else "in the other zones and instance types first; it counts as failed after"
            f" {patience:g} s without a launch in any"
        )
        self.once(f"{group} tries again", "warning", group, f"Auto Scaling tries again by itself, {where}")

    def capacity(self, group: Group, wanted: int) -> None:
        """Tell how many instances are in service, with a bar, and what the others do."""
        text = capacity_text(group, wanted)
        self.once(f"{group.name} capacity", "capacity", group.name, text, group.units_in_service)

    def targets(self, group: Group, targets: Sequence[TargetHealth]) -> None:
        """Tell how many of a group's instances are healthy in each target group and classic load balancer."""
        # Those on their way out are meant not to be healthy there any more.
        staying = [one.instance_id for one in group.instances if not one.leaving]
        if not staying:
            return
        for place in health.places(group):
            healthy = health.healthy_targets(staying, targets, place)
            text = f"{healthy}/{len(staying)} targets healthy in {place}"
            self.once(f"{group.name} in {place}", "health", group.name, text)

    def settled(self, group: Group, wanted: int) -> None:
        """Tell that a group has reached its steady state."""
        number = instances(wanted) if group.unit == INSTANCES else f"{_capacity(group, wanted)}"
        text = f"steady state reached with {number}"
        self.once(f"{group.name} settled", "settled", group.name, text)

    def unsettled(self, group: str) -> None:
        """Forget that a group had settled, so that it is told when it does again."""
        self._told.pop(f"{group} settled", None)


def _kind_of(activity: Activity) -> tuple[str, int, str]:
    verb = "launching" if health.is_launch(activity) else "terminating"
    return verb, activity.progress, activity.status_code


def activity_text(activity: Activity) -> str:
    """An activity in one line: what, how far, AWS's status code, where, and AWS's message where there is one."""
    what = activity.description.replace("Launching a new EC2 instance", "launching").replace(
        "Terminating EC2 instance", "terminating"
    )
    words = [f"{what.rstrip('. ')}, {activity.progress} %, {activity.status_code}"]
    words.extend(_details(activity.details))
    if activity.status_message:
        words.append(f"- {activity.status_message}")
    return " ".join(words)


def _details(details: str) -> Sequence[str]:
    try:
        fields = json.loads(details or "{}")
    except ValueError:
        return [details]
    if not isinstance(fields, dict):
        return [details]
    known = [str(fields.pop(key)) for key in ("Availability Zone", "Subnet ID") if key in fields]
    return known + [f"{key} {value}" for key, value in fields.items()]


def capacity_text(group: Group, wanted: int) -> str:
    """A group's capacity in one line: C([###.....] 2/4 in service, 1 pending)."""
    in_service = group.units_in_service
    states = Counter(_state(one.lifecycle_state) for one in group.instances if not one.in_service)
    others = "".join(f", {number} {state}" for state, number in sorted(states.items()))
    if wanted == 0:
        return f"{in_service} in service{others}, none wanted"
    if group.unit != INSTANCES:
        return f"{progress_bar(in_service, wanted)} {_capacity(group, wanted)}{others}"
    return f"{progress_bar(in_service, wanted)} {in_service}/{wanted} in service{others}"


def _capacity(group: Group, wanted: int) -> str:
    return f"{group.units_in_service}/{wanted} {group.unit} in service, {instances(len(group.in_service))}"


def _state(lifecycle_state: str) -> str:
    # An instance that is InService and does not count is one whose health check failed.
    return "unhealthy" if lifecycle_state == "InService" else lifecycle_state.lower()


def progress_bar(done: int, wanted: int) -> str:
    """A bar of C(BAR_WIDTH) characters: C([###.....])."""
    filled = BAR_WIDTH if done >= wanted else BAR_WIDTH * done // wanted
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}]"


def instances(number: int) -> str:
    """C(1 instance), C(2 instances)."""
    return f"{number} instance" if number == 1 else f"{number} instances"
