# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances a scale-in takes.

After "Termination policies for Amazon EC2 Auto Scaling" and "Use instance scale-in protection" in the
Amazon EC2 Auto Scaling User Guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.sandbox.autoscaling.model import Group, GroupInstance

_HOUR = 3600.0


def choose(group: Group, instances: Iterable[GroupInstance], count: int, now: float) -> list[GroupInstance]:
    """Return up to ``count`` instances to terminate; protected ones never."""
    candidates = [instance for instance in instances if not instance.protected]
    everyone = [instance for instance in group.instances.values() if instance.counts]
    chosen: list[GroupInstance] = []
    for _ in range(min(count, len(candidates))):
        victim = _choose_one(group, candidates, everyone, now)
        chosen.append(victim)
        candidates.remove(victim)
        everyone.remove(victim)
    return chosen


def _choose_one(
    group: Group, candidates: list[GroupInstance], everyone: list[GroupInstance], now: float
) -> GroupInstance:
    """Keep the zones balanced first; within the fullest the group's policies decide, in their order."""
    zones = [instance.zone for instance in everyone]
    fullest = max(zones.count(instance.zone) for instance in candidates)
    left = [instance for instance in candidates if zones.count(instance.zone) == fullest]
    for policy in group.attributes["TerminationPolicies"]:
        for key in _KEYS[policy]:
            best = min(key(instance, now) for instance in left)
            left = [instance for instance in left if key(instance, now) == best]
    return left[0]


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
