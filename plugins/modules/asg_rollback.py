#!/usr/bin/python
# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a deployment back: documentation and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: asg_rollback
short_description: Take a deployment back, from any point
version_added: 0.1.0
description:
  - Gives the outgoing groups of a deployment the sizes back that they had before it, waits until they have settled,
    then shrinks the new group to 0 and deletes it with its launch template or configuration.
  - It works from any point. That includes a deployment that was killed half way, and one that is live, as long as
    its outgoing groups exist.
  - A fresh baseline goes with the new group, once the outgoing groups have settled.
  - Scaling processes that the deployment suspended are resumed, except those that had been suspended before.
  - If the outgoing groups cannot settle in time, the new group is kept, and the error says so. Capacity that works is
    never taken away.
  - Where there is no way back, O(give_up) ends the deployment with what serves.
  - The same again, after an interruption, goes on where it stopped; when it is done already, nothing is changed.
options:
  group:
    description:
      - The name of the group to take away.
      - Exactly one of O(group), O(series), and the three parts of a series must be given.
    type: str
  keep_failed:
    description: Whether to keep the new group, with no instances, for a look at it, instead of deleting it.
    type: bool
    default: false
  rollback_order:
    description:
      - What comes first. With V(capacity) the outgoing groups get back what they had, and the new group serves its
        share of the requests until they have settled.
      - With V(traffic) the new group is first taken out of its target groups and load balancers, within seconds, where
        what remains in service in the outgoing groups is enough by O(rollback_floor). Where it is not, capacity comes
        first until it is. What is done, and why, is told.
      - Requests that are under way are waited for before the new group's instances are ended.
      - A new group that is kept, by O(keep_failed) or because the outgoing groups cannot get back what they had, stays
        out of its target groups. With O(give_up) it is put into those of the outgoing groups again.
    type: str
    choices: [capacity, traffic]
    default: capacity
  rollback_floor:
    description:
      - The share, from 0 to 1, of what the outgoing groups had before the deployment that must be in service in them,
        and healthy in each target group and load balancer of the new group, for O(rollback_order=traffic) to move
        traffic first.
    type: float
    default: 0.5
  give_up:
    description:
      - Whether to end an unfinished deployment without going back, where it can go neither on nor back; for example
        because the image of the outgoing group is gone.
      - No instance is ended by it. Each group gets as its desired capacity what it has in service or on its way, so
        that none goes on to want what it cannot get; one that serves nothing goes to 0. The newest that serves is the
        live revision, and the next deployment replaces all of them.
    type: bool
    default: false
  live_within:
    description:
      - A number of seconds. Only a revision that went live at most so long ago is taken back.
      - Where it is older, or a deployment is under way, or a rollback has led to it, nothing is touched, and that is no
        failure. So whatever hears of an alarm may call this, without knowing what was deployed when.
    type: float
  seen_at:
    description:
      - When it happened that speaks for a rollback, such as C(2026-03-04T12:00:00Z), for O(live_within); now, unless
        given. What happened before the revision went live is no reason to take it back.
    type: str
  settle_time:
    description: For how many seconds an outgoing group must hold what it wants until it counts as settled.
    type: float
    default: 30.0
author:
  - The progressive.aws team (@progressive-aws)
seealso:
  - module: progressive.aws.asg_setup
  - module: progressive.aws.asg_upgrade
extends_documentation_fragment:
  - progressive.aws.series
  - progressive.aws.launch_patience
  - progressive.aws.passes
  - progressive.aws.playbook
  - progressive.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Take the newest deployment of a series back
  progressive.aws.asg_rollback:
    application: shop
    service: checkout
    environment: prod

- name: Take a revision back, and keep its empty group for a look
  progressive.aws.asg_rollback:
    group: shop__checkout__prod__7
    keep_failed: true

- name: Take a deployment back, with the requests first where at least 70 % of what served is still there
  progressive.aws.asg_rollback:
    series: shop__checkout__prod
    rollback_order: traffic
    rollback_floor: 0.7

- name: End a deployment that can go neither on nor back, with what serves
  progressive.aws.asg_rollback:
    series: shop__checkout__prod
    give_up: true

- name: Take back what went live within the hour, if anything did
  progressive.aws.asg_rollback:
    series: shop__checkout__prod
    live_within: 3600

- name: Take over the deployment of a job that was killed, and take it back
  progressive.aws.asg_rollback:
    series: shop__checkout__prod
    take_over: true
"""

RETURN = r"""
emptied:
  description: The groups that served nothing when the deployment was given up, and are at 0 now.
  returned: when O(give_up) is true
  type: list
  elements: str
  sample: [shop__checkout__prod__6]
revisions:
  description: The revisions of the series after it, as M(progressive.aws.asg_series_info) returns them.
  returned: success
  type: list
  elements: dict
run:
  description: What the run has come to so far, for O(run) of the next step and for M(progressive.aws.canary_report).
  returned: when O(run) is given, and the step has not failed
  type: dict
restored:
  description: The outgoing groups that have their sizes back.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The group's name.
      type: str
      returned: always
      sample: shop__checkout__prod__6
    min_size:
      description: The least instances it has again.
      type: int
      returned: always
      sample: 0
    max_size:
      description: The most instances it has again.
      type: int
      returned: always
      sample: 10
    desired_capacity:
      description: The instances it wants again.
      type: int
      returned: always
      sample: 4
removed:
  description: The names of the groups that were deleted.
  returned: success
  type: list
  elements: str
  sample: ["shop__checkout__prod__7"]
kept:
  description: The names of the groups that were kept with no instances.
  returned: success
  type: list
  elements: str
  sample: []
actions:
  description: What was done, or in check mode what would be done first, in words.
  returned: always
  type: list
  elements: str
  sample: ["resize group shop__checkout__prod__6 to min 0, max 10, desired 4"]
events:
  description: The lines that were shown meanwhile.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(plan), V(change), V(activity), V(capacity), V(health), V(settled), V(warning) or V(failure).
      type: str
      returned: always
      sample: capacity
    subject:
      description: What the line is about, usually a group.
      type: str
      returned: always
      sample: checkout__prod__7
    text:
      description: What happened.
      type: str
      returned: always
      sample: "[####....] 2/4 in service, 2 pending"
done:
  description: Whether the step is done. Only with O(wait=false) it may not be.
  returned: always
  type: bool
  sample: true
waiting_for:
  description: What is still missing.
  returned: when the step is not done
  type: list
  elements: str
  sample: ["2 instances are pending"]
reason:
  description:
    - What kind of failure it was, in a word for machines.
    - Among them are V(invalid_input), V(no_credentials), V(access_denied), V(aws_error), V(launch_failed),
      V(timed_out), V(locked), V(overtaken) and V(drift).
  returned: on failure
  type: str
  sample: launch_failed
problems:
  description: All that is wrong with the input, a sentence each.
  returned: when RV(reason) is V(invalid_input)
  type: list
  elements: str
  sample: ["min_size 5 is above desired_capacity 4"]
attempted:
  description: What was being done when it failed.
  returned: on failure, unless RV(reason) is V(invalid_input)
  type: str
  sample: roll back deployment 3f2a9c04d1b7 of shop__checkout__prod__7
answer:
  description: What AWS answered, in its own words.
  returned: on failure, where there is something to say
  type: str
  sample: "We currently do not have sufficient t3.micro capacity in the Availability Zone you requested."
state:
  description: What state things are in now.
  returned: on failure, where there is something to say
  type: str
  sample: shop__checkout__prod__7 has 0 of 1 in service.
advice:
  description: What to do next.
  returned: on failure, where there is something to say
  type: str
  sample: Choose another instance type or more subnets, then run it again.
"""

from ansible_collections.progressive.aws.plugins.module_utils import modules, role_input
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import (
    CAPACITY_FIRST,
    ROLLBACK_FLOOR,
    ROLLBACK_ORDERS,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.deployment.give_up import GiveUp
from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back import RollBack
from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back_options import (
    RollBackOptions,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Rollout

ARGUMENT_SPEC = {
    **modules.SERIES,
    **role_input.PLAYBOOK,
    "group": {"type": "str"},
    "keep_failed": {"type": "bool", "default": False},
    "rollback_order": {"type": "str", "choices": list(ROLLBACK_ORDERS), "default": CAPACITY_FIRST},
    "rollback_floor": {"type": "float", "default": ROLLBACK_FLOOR},
    "give_up": {"type": "bool", "default": False},
    "live_within": {"type": "float"},
    "seen_at": {"type": "str"},
    **modules.SETTLE_TIME_OPTION,
    **modules.LAUNCH_PATIENCE_OPTION,
}


def main() -> None:
    """Run the module."""
    module = modules.aws_module(ARGUMENT_SPEC, **modules.GROUP_OR_SERIES_RULES)
    params = module.params

    def build(rollout: Rollout) -> RollBack | GiveUp:
        role_input.check_variables(module)
        if params["give_up"]:
            if params["live_within"] is not None:
                raise InvalidInput(
                    ["live_within is for a rollback, and give_up goes not back; give one of them"]
                )
            return GiveUp(rollout, series=modules.series_unless_group(params), group=params["group"])
        return RollBack(
            rollout,
            RollBackOptions(
                group=params["group"],
                series=modules.series_unless_group(params),
                keep_failed=params["keep_failed"],
                settle_time=params["settle_time"],
                launch_patience=params["launch_patience"],
                live_within=params["live_within"],
                seen_at=params["seen_at"],
                rollback_order=params["rollback_order"],
                rollback_floor=params["rollback_floor"],
            ),
        )

    modules.run_step(module, build)


if __name__ == "__main__":
    main()
