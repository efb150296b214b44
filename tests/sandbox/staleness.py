# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are late: calls that describe tell how things were a while ago, each call for itself.

"The Amazon EC2 API follows an eventual consistency model [...] the result of an API command you run that affects your
Amazon EC2 resources might not be immediately visible to all subsequent commands you run" ("Eventual consistency in the
Amazon EC2 API", Amazon EC2 Developer Guide). Auto Scaling behaves so too: a group that was just created is not found
for a while (hashicorp/terraform-provider-aws 40088). Changes themselves always meet what there is.

What is remembered is what there was before a change. Nothing is while ``staleness`` is 0. What did not change is shared
between two memories, so that a memory of 5,000 instances costs a few milliseconds.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling.model import Activity, Group, GroupInstance
from tests.sandbox.protocol import Call

if TYPE_CHECKING:
    from tests.sandbox.world import World

#: Operations of our own that are answered late, besides all of Auto Scaling's that describe.
_LATE = {
    "ec2": ("DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"),
    "elbv2": ("DescribeTargetHealth",),
    "elb": ("DescribeInstanceHealth",),
    "cloudwatch": ("DescribeAlarms",),
}
#: So many memories at most are kept that changes follow at once; then a tenth of the staleness lies between two.
_MOST_AT_ONCE = 60


@dataclass
class Memory:
    """How things were until a moment (epoch seconds): what Auto Scaling, EC2, ELB and CloudWatch keep, by name."""

    until: float
    groups: dict[str, Group]
    launch_configurations: dict[str, dict[str, Any]]
    past_activities: list[Activity]
    templates: dict[str, Any]
    template_ids: dict[str, str]
    targets: dict[str, Any]
    alarms: dict[str, Any]


class Past:
    """What a world was like, as far back as its setting ``staleness`` goes."""

    def __init__(self, world: World) -> None:
        """Begin with nothing to remember."""
        self._world = world
        self._memories: list[Memory] = []
        #: Draws how old an answer is; a test may seed it anew.
        self.ages = Random(0)

    def before_event(self, moment: float) -> None:
        """Remember how things are before something happens at C(moment), unless that was remembered just now."""
        staleness = self._world.settings.staleness
        if staleness and (not self._memories or moment - self._memories[-1].until >= staleness / 10):
            self._remember(moment)

    def before_change(self) -> None:
        """Remember how things are before a call changes them."""
        if not self._world.settings.staleness:
            self._memories.clear()
        elif len(self._memories) < _MOST_AT_ONCE:
            self._remember(self._world.now())
        else:
            self.before_event(self._world.now())

    def concerns(self, call: Call) -> bool:
        """Return whether a call is answered late."""
        if not self._world.settings.staleness:
            return False
        describes = call.service == "autoscaling" and call.operation.startswith("Describe")
        return describes or call.operation in _LATE.get(call.service, ())

    @contextmanager
    def some_time_ago(self) -> Iterator[None]:
        """Let the world be as it was at a random moment of the last ``staleness`` seconds within the block."""
        now = self._world.now()
        moment = now - self.ages.uniform(0, self._world.settings.staleness)
        later = [memory for memory in self._memories if memory.until >= moment]
        # Of calls at one moment the answer may have seen the first ones and not the last.
        first = [memory for memory in later if memory.until == later[0].until]
        if not first:
            yield
            return
        memory = self.ages.choice(first)
        before = self._shallow(now)
        self._put(memory)
        try:
            with self._world.clock.at(min(memory.until, now)):
                yield
        finally:
            self._put(before)

    def _remember(self, moment: float) -> None:
        oldest = moment - self._world.settings.staleness
        self._memories = [memory for memory in self._memories if memory.until >= oldest]
        last = self._memories[-1].groups if self._memories else {}
        memory = self._shallow(moment)
        memory.groups = {name: _group(group, last.get(name)) for name, group in memory.groups.items()}
        memory.launch_configurations = dict(memory.launch_configurations)
        memory.past_activities = list(memory.past_activities)
        memory.templates = {key: _template(template) for key, template in memory.templates.items()}
        memory.template_ids = dict(memory.template_ids)
        memory.targets = {
            where: {key: replace(target) for key, target in targets.items()}
            for where, targets in memory.targets.items()
        }
        memory.alarms = dict(memory.alarms)
        self._memories.append(memory)

    def _shallow(self, moment: float) -> Memory:
        """Return the very things that the services have."""
        world, ec2 = self._world, self._world.backend("ec2")
        return Memory(
            moment,
            world.autoscaling.groups,
            world.autoscaling.launch_configurations,
            world.autoscaling.past_activities,
            ec2.launch_templates,
            ec2.launch_template_name_to_ids,
            world.targets.registered,
            world.cloudwatch.alarms.by_name,
        )

    def _put(self, memory: Memory) -> None:
        world, ec2 = self._world, self._world.backend("ec2")
        world.autoscaling.groups = memory.groups
        world.autoscaling.launch_configurations = memory.launch_configurations
        world.autoscaling.past_activities = memory.past_activities
        ec2.launch_templates = memory.templates
        ec2.launch_template_name_to_ids = memory.template_ids
        world.targets.registered = memory.targets
        world.cloudwatch.alarms.by_name = memory.alarms


def _group(group: Group, last: Group | None) -> Group:
    """Return a copy of a group, of which no later change of it is seen; what is as in the last one is shared."""
    kept = copy.copy(group)
    known = last.instances if last else {}
    kept.instances = {key: _instance(one, known.get(key)) for key, one in group.instances.items()}
    # One that has ended changes no more.
    kept.activities = [copy.copy(one) if one.in_progress else one for one in group.activities]
    kept.attributes = dict(group.attributes)
    kept.zones, kept.subnet_ids = list(group.zones), list(group.subnet_ids)
    kept.tags = dict(group.tags)
    kept.traffic_sources = dict(group.traffic_sources)
    kept.suspended = dict(group.suspended)
    kept.policies = {name: copy.copy(policy) for name, policy in group.policies.items()}
    kept.scheduled_actions = {name: copy.copy(one) for name, one in group.scheduled_actions.items()}
    kept.hooks = dict(group.hooks)
    kept.notifications = list(group.notifications)
    kept.metrics = dict(group.metrics)
    kept.warm = {key: copy.copy(one) for key, one in group.warm.items()}
    kept.refreshes = [copy.copy(one) for one in group.refreshes]
    return kept


def _instance(instance: GroupInstance, last: GroupInstance | None) -> GroupInstance:
    if last and (last.state, last.health, last.protected) == (
        instance.state,
        instance.health,
        instance.protected,
    ):
        return last
    return copy.copy(instance)


def _template(template: Any) -> Any:
    kept = copy.copy(template)
    kept.versions = list(template.versions)
    return kept
