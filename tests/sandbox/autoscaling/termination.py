# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances a scale-in takes.

After "Termination policies for Amazon EC2 Auto Scaling" and "Use instance scale-in protection" in the
Amazon EC2 Auto Scaling User Guide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tests.sandbox.autoscaling.model import Group, GroupInstance

_HOUR = 3600.0


def choose(group: Group, instances: Iterable[GroupInstance], excess: int, now: float) -> list[GroupInstance]:
    """Return the instances to terminate: of ``excess`` units together at most, and protected ones never.

    One that weighs more than is left of the excess stays, since the group would have less than it desires.
    """
    # Zones are kept balanced first; within the fullest the group's policies decide, in their order.
    keys = [key for policy in group.attributes["TerminationPolicies"] for key in _KEYS[policy]]
    zones = Counter(instance.zone for instance in group.instances.values() if instance.counts)
    of_zone: dict[str, list[tuple[Any, GroupInstance]]] = {}
    for place, instance in enumerate(instances):
        if not instance.protected and instance.weight <= excess:
            order = (*(key(instance, now) for key in keys), place)
            of_zone.setdefault(instance.zone, []).append((order, instance))
    for several in of_zone.values():
        several.sort(key=lambda one: one[0], reverse=True)
    chosen: list[GroupInstance] = []
    while of_zone:
        fullest = max(zones[zone] for zone in of_zone)
        zone = min((of_zone[zone][-1][0], zone) for zone in of_zone if zones[zone] == fullest)[1]
        instance = of_zone[zone].pop()[1]
        if not of_zone[zone]:
            del of_zone[zone]
        if instance.weight <= excess:
            chosen.append(instance)
            excess -= instance.weight
            zones[zone] -= 1
        if excess <= 0:
            break
    return chosen


def _template_age(instance: GroupInstance, _now: float) -> tuple[int, int]:
    """Launch configurations are older than templates, and a lower version is older than a higher one.

    Of several templates AWS takes the one that was created first; the sandbox compares versions only.
    """
    if instance.launch_template is None:
        return (0, 0)
    return (1, int(instance.launch_template["Version"]))


def _configuration_first(instance: GroupInstance, _now: float) -> int:
    return 0 if instance.launch_configuration else 1


def _to_next_hour(instance: GroupInstance, now: float) -> float:
    return _HOUR - (now - instance.launched_at) % _HOUR


def _oldest(instance: GroupInstance, _now: float) -> float:
    return instance.launched_at


def _newest(instance: GroupInstance, _now: float) -> float:
    return -instance.launched_at


_Key = Callable[[GroupInstance, float], float | tuple[int, int]]
_KEYS: dict[str, list[_Key]] = {
    "Default": [_template_age, _to_next_hour],
    "OldestInstance": [_oldest],
    "NewestInstance": [_newest],
    "OldestLaunchConfiguration": [_configuration_first],
    "OldestLaunchTemplate": [_template_age],
    "ClosestToNextInstanceHour": [_to_next_hour],
    # Spot and On-Demand shares are not modelled: all instances are alike to it.
    "AllocationStrategy": [],
}
#: The policies that groups may name.
POLICIES = frozenset(_KEYS)
