# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a base that would be lost in the copy, since this collection or the botocore at hand does not know them.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from . import members as table
from .described import Described

# The member by which an item says what botocore has dropped of it: a mapping from paths to values.
NOT_PARSED = "NotParsed"
# What becomes of a base with such members.
REFUSE, IGNORE = "refuse", "ignore"

_TEMPLATE_DATA = "LaunchTemplateData"


def _is_off(name: str, *values: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, Mapping) and str(value.get(name)).lower() in values


def _are_known_elsewhere(value: Any) -> bool:
    """Whether traffic sources are target groups and classic load balancers alone, which have members of their own."""
    types = [item.get("Type") if isinstance(item, Mapping) else None for item in value or ()]
    return all(one in ("elb", "elbv2") for one in types)


# Values with which a group is made that asks for nothing (the members' pages in the Auto Scaling API reference), so
# that they are not lost where botocore does not know their member.
_DEFAULTS: Mapping[str, Callable[[Any], bool]] = {
    "AvailabilityZoneDistribution": _is_off("CapacityDistributionStrategy", "balanced-best-effort"),
    "AvailabilityZoneImpairmentPolicy": _is_off("ZonalShiftEnabled", "false"),
    "CapacityReservationSpecification": _is_off("CapacityReservationPreference", "default"),
    "DeletionProtection": lambda value: str(value) == "none",
    "TrafficSources": _are_known_elsewhere,
}


def unknown_members(described: Described) -> list[str]:
    """The members that a copy of a base would lose, each with what it belongs to and who does not know it."""
    return [
        f"{path} of {what}: {_who(path, members)}"
        for what, members, item in _items(described)
        for path in lost(members, item)
    ]


def problems(described: Described) -> list[str]:
    """One sentence for all members that a copy would lose, and how to go on; empty where it loses none."""
    found = unknown_members(described)
    if not found:
        return []
    return [
        f"base group {described.name} has what cannot be copied, since it is not known here: {'; '.join(found)}."
        f" Update what does not know it, or set unknown_members to {IGNORE} to go on without"
    ]


def lost(members: table.Table, item: Mapping[str, Any]) -> list[str]:
    """The paths within an item that neither the table nor botocore knows, and that say something."""
    dropped = item.get(NOT_PARSED) or {}
    return [
        *members.unknown({name: value for name, value in item.items() if name != NOT_PARSED}),
        *(path for path, value in sorted(dropped.items()) if not _is_harmless(path, value, members)),
    ]


def _is_harmless(path: str, value: Any, members: table.Table) -> bool:
    """Whether a dropped member is no configuration, or what a group has that asks for nothing."""
    if path in members.names(table.How.TOLD, table.How.LEFT_OUT):
        return True
    is_default = _DEFAULTS.get(path)
    return is_default is not None and is_default(value)


def _who(path: str, members: table.Table) -> str:
    within = table.LAUNCH_TEMPLATE_DATA.names() if path.startswith(f"{_TEMPLATE_DATA}.") else members.names()
    if path.removeprefix(f"{_TEMPLATE_DATA}.").partition(".")[0] in within:
        return "this version of botocore does not know it"
    return "this version of the collection does not know it"


def _items(described: Described) -> Iterator[tuple[str, table.Table, Mapping[str, Any]]]:
    """Everything that is copied, with what it is and its table."""
    yield "the group", table.GROUP, described.group
    if described.launch_template is not None:
        yield from _of_template("the launch template", described.launch_template)
    elif described.launch_configuration is not None:
        yield "the launch configuration", table.LAUNCH_CONFIGURATION, described.launch_configuration
    for key, version in described.override_launch_templates.items():
        yield from _of_template(f"launch template {key}", version)
    if described.warm_pool:
        yield "the warm pool", table.WARM_POOL, described.warm_pool
    yield from _named("life-cycle hook", "LifecycleHookName", table.LIFECYCLE_HOOK, described.lifecycle_hooks)
    yield from _named("notification", "TopicARN", table.NOTIFICATION, described.notifications)
    yield from _named("scaling policy", "PolicyName", table.POLICY, described.policies)
    yield from _named(
        "scheduled action", "ScheduledActionName", table.SCHEDULED_ACTION, described.scheduled_actions
    )
    yield from _named("alarm", "AlarmName", table.ALARM, described.alarms.values())


def _of_template(
    what: str, version: Mapping[str, Any]
) -> Iterator[tuple[str, table.Table, Mapping[str, Any]]]:
    yield what, table.LAUNCH_TEMPLATE, version
    yield what, table.LAUNCH_TEMPLATE_DATA, version.get(_TEMPLATE_DATA) or {}


def _named(
    what: str, name: str, members: table.Table, items: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, table.Table, Mapping[str, Any]]]:
    for item in items:
        yield f"{what} {item.get(name)}", members, item
