# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacements that are launched before the old instances end, so that a group has more than desired for a while.

After "Availability Zone rebalancing" ("Amazon EC2 Auto Scaling launches new instances before terminating the earlier
ones, so that rebalancing does not compromise the performance or availability of your application"; it "can temporarily
exceed the specified maximum capacity") and "Use Capacity Rebalancing to handle Amazon EC2 Spot Interruptions" in the
Amazon EC2 Auto Scaling User Guide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tests.sandbox.autoscaling.model import Group, GroupInstance, Replacement, iso


def replaced(group: Group, since: float) -> list[tuple[GroupInstance, Replacement]]:
    """Return the old instances that can end, since their replacements are in service since then (epoch seconds).

    Those that are gone are forgotten.
    """
    spare = -group.desired_capacity
    for one in group.counted():
        if (one.state, one.health) == ("InService", "Healthy") and (one.in_service_at or 0.0) <= since:
            spare += one.weight
    over = []
    for instance_id, replacement in list(group.replacing.items()):
        instance = group.instances.get(instance_id)
        if instance is None or not instance.counts:
            del group.replacing[instance_id]
        elif spare >= instance.weight:
            spare -= instance.weight
            del group.replacing[instance_id]
            over.append((instance, replacement))
    return over


def balance(group: Group, zones: Iterable[str], now: float) -> bool:
    """Have an instance of the fullest zone replaced in the emptiest; return whether the zones are out of balance."""
    if group.replacing or any(one.state != "InService" for one in group.counted()):
        return False
    of_zone = Counter(dict.fromkeys(zones, 0))
    of_zone.update(one.zone for one in group.counted())
    if not of_zone or max(of_zone.values()) - min(of_zone.values()) < 2:
        return False
    fullest = max(of_zone, key=lambda zone: of_zone[zone])
    oldest = next(one for one in group.counted() if one.zone == fullest)
    group.replacing[oldest.instance_id] = Replacement(
        "an instance was launched to aid in balancing the group's zones.",
        f"At {iso(now)} an instance was taken out of service to aid in balancing the group's zones.",
    )
    return True


def recommend(group: Group, instance: GroupInstance, now: float) -> None:
    """EC2 recommends to replace an instance; Auto Scaling does where the group has Capacity Rebalancing."""
    if not group.attributes.get("CapacityRebalance") or instance.state != "InService":
        return
    why = "in response to an EC2 instance rebalance recommendation."
    group.replacing[instance.instance_id] = Replacement(
        f"an instance was launched {why}", f"At {iso(now)} an instance was taken out of service {why}"
    )
