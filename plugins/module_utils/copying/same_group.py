# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second group that launches what a group launches, where it launches it: the fresh baseline beside a canary.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.model import Capacity
from . import members as table
from .described import Described, Overrides
from .group import LOWEST_PRICE, group_request

# What a group launches from. DescribeAutoScalingGroups tells a launch template's id and name, and
# CreateAutoScalingGroup takes one of them.
_LAUNCH_SOURCES = ("LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy")
_TEMPLATE_NAME = frozenset({"LaunchTemplateName"})


def same_group_request(
    group: Mapping[str, Any],
    lifecycle_hooks: Sequence[Mapping[str, Any]],
    name: str,
    capacity: Capacity,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """The CreateAutoScalingGroup request of a group like another, with its instances at once.

    C(group) is an item of DescribeAutoScalingGroups, and what it launches from is not copied but shared. Instances are
    not protected from scale-in, since the group is to go again. C(tags) are the journal's, beside the group's own.
    """
    described = Described(group, lifecycle_hooks=tuple(lifecycle_hooks))
    request = group_request(described, Overrides(image_id=""), name, capacity.max_size, tags)
    request |= {"MinSize": capacity.min_size, "DesiredCapacity": capacity.desired_capacity}
    for member in (*_LAUNCH_SOURCES, "NewInstancesProtectedFromScaleIn"):
        request.pop(member, None)
    for member in _LAUNCH_SOURCES:
        if group.get(member):
            request[member] = table.pruned(group[member], _TEMPLATE_NAME)
    policy = request.get("MixedInstancesPolicy") or {}
    if policy.get("InstancesDistribution", {}).get("SpotAllocationStrategy", LOWEST_PRICE) != LOWEST_PRICE:
        # AWS tells it always, and takes it with no other strategy.
        policy["InstancesDistribution"].pop("SpotInstancePools", None)
    return request
