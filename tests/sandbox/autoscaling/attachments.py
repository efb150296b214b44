# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers and target groups of groups.

After "Attach an Elastic Load Balancing load balancer to your Auto Scaling group" in the user guide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling.groups import check_traffic_source, kind_of
from tests.sandbox.autoscaling.model import Group
from tests.sandbox.errors import AwsError, validation_error
from tests.sandbox.paging import page

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

#: "Quotas for Auto Scaling resources and groups".
_PER_CALL, _PER_GROUP = 10, 50


class Attachments:
    """The operations on what sends traffic to a group."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the groups of ``service``."""
        self._service = service
        self._targets = service.world.targets

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "AttachLoadBalancerTargetGroups": lambda p: self._attach(
                p, _named(p, "TargetGroupARNs", "elbv2")
            ),
            "DetachLoadBalancerTargetGroups": lambda p: self._detach(
                p, _named(p, "TargetGroupARNs", "elbv2")
            ),
            "DescribeLoadBalancerTargetGroups": self.describe_target_groups,
            "AttachLoadBalancers": lambda p: self._attach(p, _named(p, "LoadBalancerNames", "elb")),
            "DetachLoadBalancers": lambda p: self._detach(p, _named(p, "LoadBalancerNames", "elb")),
            "DescribeLoadBalancers": self.describe_load_balancers,
            "AttachTrafficSources": lambda p: self._attach(p, _sources(p)),
            "DetachTrafficSources": lambda p: self._detach(p, _sources(p)),
            "DescribeTrafficSources": self.describe_traffic_sources,
        }

    def _attach(self, parameters: dict[str, Any], sources: list[tuple[str, str]]) -> dict[str, Any]:
        """Attach, and register the instances that are in service."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        if len(sources) > _PER_CALL:
            raise validation_error(f"No more than {_PER_CALL} can be attached in one call")
        for identifier, kind in sources:
            check_traffic_source(self._service, identifier, kind)
        attached = {**group.traffic_sources, **dict(sources)}
        for kind in ("elbv2", "elb"):
            if sum(its_kind == kind for its_kind in attached.values()) > _PER_GROUP:
                raise AwsError("LimitExceeded", f"No more than {_PER_GROUP} can be attached to a group")
        new = [identifier for identifier, _ in sources if identifier not in group.traffic_sources]
        group.traffic_sources = attached
        if not group.suspends("AddToLoadBalancer"):
            for identifier in new:
                for instance in group.instances.values():
                    if instance.state == "InService":
                        self._targets.register(identifier, instance.instance_id)
        return {}

    def _detach(self, parameters: dict[str, Any], sources: list[tuple[str, str]]) -> dict[str, Any]:
        """Detach, and deregister the instances, which go on running."""
        group = self._service.changing(parameters["AutoScalingGroupName"])
        for identifier, _ in sources:
            if identifier not in group.traffic_sources:
                raise validation_error(
                    f"Trying to remove Target Groups or Load Balancers that are not part of the group: {identifier}"
                )
        for identifier, _ in sources:
            group.leaving_traffic_sources[identifier] = group.traffic_sources.pop(identifier)
            group.first_traffic_sources.discard(identifier)
            for instance in group.instances.values():
                if identifier in self._targets.holders(instance.instance_id):
                    self._targets.deregister(identifier, instance.instance_id)
        return {}

    def describe_target_groups(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe the attached target groups and how far their attachment is."""
        group = self._service.group(parameters["AutoScalingGroupName"])
        found = [
            {"LoadBalancerTargetGroupARN": arn, "State": self._state(group, arn)}
            for arn in group.attached("elbv2")
        ]
        return page("LoadBalancerTargetGroups", found, parameters, 100, 100)

    def describe_load_balancers(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe the attached classic load balancers and how far their attachment is."""
        group = self._service.group(parameters["AutoScalingGroupName"])
        found = [
            {"LoadBalancerName": name, "State": self._state(group, name)} for name in group.attached("elb")
        ]
        return page("LoadBalancers", found, parameters, 100, 100)

    def describe_traffic_sources(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe all that is attached, or what is of one type; and what is being deregistered.

        "Removing - The traffic source is being deregistered", where Elastic Load Balancing waits for requests under
        way, and "Removed" after it (``TrafficSourceState``). "When all instances are deregistered, you can no longer
        describe" it (``DetachTrafficSources``).
        """
        group = self._service.group(parameters["AutoScalingGroupName"])
        wanted = parameters.get("TrafficSourceType")
        found = [
            {
                "TrafficSource": identifier,
                "Identifier": identifier,
                "Type": kind,
                "State": self._state(group, identifier),
            }
            for identifier, kind in (group.traffic_sources | self._leaving(group)).items()
            if wanted in (None, kind)
        ]
        return page("TrafficSources", found, parameters, 50, 50)

    def _leaving(self, group: Group) -> dict[str, str]:
        """Return what the group was detached from where instances of it are still draining."""
        return {
            identifier: kind
            for identifier, kind in group.leaving_traffic_sources.items()
            if identifier not in group.traffic_sources
            and any(self._targets.state(identifier, one) == "draining" for one in group.instances)
        }

    def _state(self, group: Group, identifier: str) -> str:
        """Return Adding, Added, InService or Removing.

        A target group "enters this state immediately if you attach it in the CreateAutoScalingGroup API call"
        (``LoadBalancerTargetGroupState``), and so does a load balancer.
        """
        if identifier not in group.traffic_sources:
            return "Removing"
        if identifier in group.first_traffic_sources:
            return "InService"
        instances = [one.instance_id for one in group.instances.values() if one.state == "InService"]
        states = [self._targets.state(identifier, instance_id) for instance_id in instances]
        if "unregistered" in states:
            return "Adding"
        return "InService" if "healthy" in states else "Added"


def _named(parameters: dict[str, Any], member: str, kind: str) -> list[tuple[str, str]]:
    return [(identifier, kind) for identifier in parameters[member]]


def _sources(parameters: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (source["Identifier"], source.get("Type") or kind_of(source["Identifier"]))
        for source in parameters["TrafficSources"]
    ]
