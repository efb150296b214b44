# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describing groups, instances, activities and the account.

After the Amazon EC2 Auto Scaling API Reference and "Quotas for Auto Scaling resources and groups".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling import termination
from tests.sandbox.autoscaling.groups import METRICS
from tests.sandbox.autoscaling.model import PROCESSES, Group
from tests.sandbox.errors import not_modelled, validation_error
from tests.sandbox.paging import page

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

_NOTIFICATION_TYPES = (
    "autoscaling:EC2_INSTANCE_LAUNCH",
    "autoscaling:EC2_INSTANCE_LAUNCH_ERROR",
    "autoscaling:EC2_INSTANCE_TERMINATE",
    "autoscaling:EC2_INSTANCE_TERMINATE_ERROR",
    "autoscaling:TEST_NOTIFICATION",
)


class Reading:
    """The operations that change nothing."""

    def __init__(self, service: AutoScaling) -> None:
        """Tell of the groups of ``service``."""
        self._service = service

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "DescribeAutoScalingGroups": self.groups,
            "DescribeAutoScalingInstances": self.instances,
            "DescribeScalingActivities": self.activities,
            "DescribeAccountLimits": self.limits,
            "DescribeScalingProcessTypes": lambda _: {
                "Processes": [{"ProcessName": process} for process in sorted(PROCESSES)]
            },
            "DescribeTerminationPolicyTypes": lambda _: {
                "TerminationPolicyTypes": sorted(termination.POLICIES)
            },
            "DescribeAdjustmentTypes": lambda _: {
                "AdjustmentTypes": [
                    {"AdjustmentType": kind}
                    for kind in ("ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity")
                ]
            },
            "DescribeMetricCollectionTypes": lambda _: {
                "Metrics": [{"Metric": metric} for metric in METRICS],
                "Granularities": [{"Granularity": "1Minute"}],
            },
            "DescribeAutoScalingNotificationTypes": lambda _: {
                "AutoScalingNotificationTypes": list(_NOTIFICATION_TYPES)
            },
            "DescribeLifecycleHookTypes": lambda _: {
                "LifecycleHookTypes": [
                    "autoscaling:EC2_INSTANCE_LAUNCHING",
                    "autoscaling:EC2_INSTANCE_TERMINATING",
                ]
            },
        }

    def groups(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe groups by name, by tag, or all. Unknown names are left out."""
        names = parameters.get("AutoScalingGroupNames")
        if names:
            chosen = [self._service.groups[name] for name in names if name in self._service.groups]
        else:
            chosen = list(self._service.groups.values())
        for tag_filter in parameters.get("Filters") or []:
            _check_filter(tag_filter.get("Name", ""))
            chosen = [group for group in chosen if _matches(group, tag_filter)]
        output = page("AutoScalingGroups", chosen, parameters, 50, 100)
        include = parameters.get("IncludeInstances", True)
        described = [group.describe() for group in output["AutoScalingGroups"]]
        if not include:
            for group in described:
                del group["Instances"]
        return output | {"AutoScalingGroups": described}

    def instances(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe instances of all groups, or the named ones."""
        named = parameters.get("InstanceIds")
        if named and len(named) > 50:
            raise validation_error("The number of instance ids that may be passed in is limited to 50")
        found = [
            instance.describe()
            | {"AutoScalingGroupName": group.name, "HealthStatus": instance.health.upper()}
            for group in self._service.groups.values()
            for instance in group.instances.values()
            if not named or instance.instance_id in named
        ]
        return page("AutoScalingInstances", found, parameters, 50, 50)

    def activities(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe scaling activities, those in progress first and the newest of them; deleted groups' if asked for."""
        name = parameters.get("AutoScalingGroupName")
        deleted = parameters.get("IncludeDeletedGroups", False)
        past = self._service.past_activities if deleted else []
        if parameters.get("Filters"):
            raise not_modelled("filters of DescribeScalingActivities")
        if name is not None:
            found = [activity for activity in past if name in (activity.group_name, activity.group_arn)]
            if name in self._service.groups:
                found += self._service.groups[name].activities
            elif not deleted:
                self._service.group(name)
        else:
            found = [*past, *(one for group in self._service.groups.values() for one in group.activities)]
            found.sort(key=lambda activity: activity.started_at)
        wanted = parameters.get("ActivityIds")
        chosen = [one for one in reversed(found) if not wanted or one.activity_id in wanted]
        chosen.sort(key=lambda activity: not activity.in_progress)
        output = page("Activities", chosen, parameters, 100, 100)
        return output | {"Activities": [activity.describe() for activity in output["Activities"]]}

    def limits(self, _parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe the account's quotas and what is used of them."""
        return {
            "MaxNumberOfAutoScalingGroups": 500,
            "MaxNumberOfLaunchConfigurations": 200,
            "NumberOfAutoScalingGroups": len(self._service.groups),
            "NumberOfLaunchConfigurations": len(self._service.launch_configurations),
        }


def _matches(group: Group, tag_filter: dict[str, Any]) -> bool:
    """Return whether a group passes ``tag-key``, ``tag-value`` or ``tag:<key>`` (the API's ``Filter``)."""
    name, values = tag_filter.get("Name", ""), tag_filter.get("Values") or []
    if name == "tag-key":
        return any(key in values for key in group.tags)
    if name == "tag-value":
        return any(tag["Value"] in values for tag in group.tags.values())
    tag = group.tags.get(name.removeprefix("tag:"))
    return tag is not None and tag["Value"] in values


def _check_filter(name: str) -> None:
    if name not in ("tag-key", "tag-value") and not name.startswith("tag:"):
        raise validation_error(
            f"Filter type {name} is not correct. Allowed Filter types are: tag-key, tag-value, tag:<key>"
        )
