#!/usr/bin/python
# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a new revision up by one phase: documentation and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: asg_upgrade
short_description: Resize a new Auto Scaling group and the ones it replaces, by one phase
version_added: 0.1.0
description:
  - Brings a group that M(progressive.aws.asg_setup) created up to a percentage or a number of instances, waits until
    it has settled, and shrinks the outgoing groups in proportion.
  - A group has settled when all of its instances are in service and healthy, every target group and classic load
    balancer sees each of them healthy, and that has been so for O(settle_time) seconds.
  - With O(resize_order=new_first) there is never less capacity in service than before, or than the phase plans.
    Until the final phase at least one instance of the outgoing groups is kept.
  - The phase that reaches 100 % is the final one. The outgoing groups go to 0, the base's scaling policies and
    scheduled actions are attached to the new group, and it gets the sizes it is to have for good.
  - A launch that failed ends it at once, with AWS's reason and a remedy. Nothing is taken back by itself; for that
    there is M(progressive.aws.asg_rollback).
  - All sizes follow from what the groups were before the deployment. The same again changes nothing.
options:
  group:
    description: The name of the new group, as M(progressive.aws.asg_setup) returned it.
    type: str
    required: true
  percent:
    description:
      - How many percent of the capacity the new group has after the phase, from 1 to 100, rounded half up, and at
        least one instance.
      - Percentages and counts are of the whole. Where 25 % are in service, 50 % doubles them.
      - Exactly one of O(percent) and O(count) must be given, but for a phase with only O(weight).
    type: int
  count:
    description: How many instances the new group has after the phase, at most its whole capacity.
    type: int
  weight:
    description:
      - How many percent of the requests the new group gets by the phase, from 0 to 100, where
        M(progressive.aws.asg_setup) was given O(progressive.aws.asg_setup#module:traffic). By default as many percent
        as of the instances.
    type: int
  phase_name:
    description: What the phase is called, for the record of the run.
    type: str
  pause:
    description:
      - How many seconds to wait after the phase, while the groups are watched as before. They come on top of
        O(wait_timeout).
    type: float
    default: 0
  baseline:
    description:
      - What the phase is going to be compared with by M(progressive.aws.cloudwatch_verify).
      - With V(outgoing) that is the outgoing groups as they are.
      - With V(fresh) as many new instances as the new group has come up together with it, in a group of their own that
        launches what the newest outgoing group launches, in the same target groups and load balancers. They settle
        before an outgoing group shrinks, and their capacity is counted on by nothing. Where they cannot come up,
        RV(reason) is V(baseline_failed). The final phase has none, nor has a first deployment.
      - They go when the verification has passed, when the next phase needs none, with a rollback, and with whatever is
        run next where a run was killed.
    type: str
    choices: [outgoing, fresh]
    default: outgoing
  end_bake:
    description:
      - Whether to stay until the end of the bake that M(progressive.aws.asg_setup) has planned, when the new group is
        live. Without it the final phase ends with the beginning of the bake.
      - The groups and O(watched_alarms) are watched meanwhile. Its time counts from its beginning, also for a run that
        goes on, and counts for no time-out.
      - Where no bake is planned it changes nothing.
    type: bool
    default: false
  resize_order:
    description:
      - Which side settles before the other one begins.
      - With V(new_first) more instances than usual run meanwhile. With V(old_first) fewer do.
    type: str
    choices: [new_first, old_first]
    default: new_first
  scale_in_protection:
    description:
      - What is done about outgoing instances that are protected from scale-in, and have to go.
      - With V(lift) their protection is lifted, which M(progressive.aws.asg_rollback) puts back. With V(refuse) the
        phase fails before it touches them.
    type: str
    choices: [lift, refuse]
    default: lift
  settle_time:
    description: For how many seconds a group must hold what it wants until it counts as settled.
    type: float
    default: 30.0
author:
  - The progressive.aws team (@progressive-aws)
seealso:
  - module: progressive.aws.asg_setup
  - module: progressive.aws.cloudwatch_verify
  - module: progressive.aws.asg_rollback
extends_documentation_fragment:
  - progressive.aws.launch_patience
  - progressive.aws.watched_alarms
  - progressive.aws.of_a_phase
  - progressive.aws.watch
  - progressive.aws.blockers
  - progressive.aws.passes
  - progressive.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Bring a quarter of the new revision into service
  progressive.aws.asg_upgrade:
    group: "{{ setup.group }}"
    percent: 25

- name: Bring two instances into service, and give them a quarter of an hour for it
  progressive.aws.asg_upgrade:
    group: shop__checkout__prod__7
    count: 2
    settle_time: 30
    wait_timeout: 900

- name: Replace the outgoing groups
  progressive.aws.asg_upgrade:
    group: shop__checkout__prod__7
    percent: 100
"""

RETURN = r"""
run:
  description: What the run has come to so far, for O(run) of the next step and for M(progressive.aws.canary_report).
  returned: when O(run) is given, and the step has not failed
  type: dict
group:
  description: The name of the new group.
  returned: success
  type: str
  sample: shop__checkout__prod__7
desired_capacity:
  description: How many instances the new group has after the phase.
  returned: success
  type: int
  sample: 2
final:
  description: Whether it was the final phase.
  returned: success
  type: bool
  sample: false
baking:
  description: Whether the bake has begun, and is not over, so that the group is not live yet.
  returned: success
  type: bool
  sample: false
weight:
  description: How many percent of production's requests the new group gets by now.
  returned: where the set-up was given traffic
  type: int
  sample: 5
previous:
  description: The outgoing groups, as they were before the first change of the deployment.
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
      description: The least instances it had.
      type: int
      returned: always
      sample: 0
    max_size:
      description: The most instances it had.
      type: int
      returned: always
      sample: 10
    desired_capacity:
      description: The instances it wanted.
      type: int
      returned: always
      sample: 4
instances:
  description: The ids of the new group's instances.
  returned: success
  type: dict
  contains:
    new:
      description: Those that this phase launched.
      type: list
      elements: str
      returned: always
      sample: ["i-093c5fbf07709fc93"]
    existing:
      description: Those of earlier phases.
      type: list
      elements: str
      returned: always
      sample: ["i-0bb063712063f6fe3"]
baseline:
  description: The fresh baseline that has come up beside the phase, by O(baseline); none where there is none.
  returned: success
  type: dict
  contains:
    group:
      description: The name of its group.
      type: str
      returned: always
      sample: shop__checkout__prod__7__baseline
    like:
      description: The outgoing group that it launches the same as.
      type: str
      returned: always
      sample: shop__checkout__prod__6
    desired_capacity:
      description: How many instances it has.
      type: int
      returned: always
      sample: 1
activities:
  description: The scaling activities of this phase, as AWS tells of them.
  returned: success
  type: list
  elements: dict
  contains:
    activity_id:
      description: The id of the activity.
      type: str
      returned: always
      sample: 9f2f8a54-3a0e-4e1c-a3b5-0c7d0a9a4d5e
    group:
      description: The group in which it took place.
      type: str
      returned: always
      sample: shop__checkout__prod__7
    description:
      description: What it is.
      type: str
      returned: always
      sample: "Launching a new EC2 instance: i-093c5fbf07709fc93"
    status_code:
      description: AWS's status code.
      type: str
      returned: always
      sample: Successful
    status_message:
      description: AWS's message, if there is one.
      type: str
      returned: always
      sample: ""
    progress:
      description: How far it is, in percent.
      type: int
      returned: always
      sample: 100
alarms:
  description: The alarms of O(watched_alarms) that came into C(ALARM).
  returned: when RV(reason) is V(alarm)
  type: list
  elements: dict
  contains:
    name:
      description: The name of the alarm.
      type: str
      returned: always
      sample: checkout-5xx
    state:
      description: Its state.
      type: str
      returned: always
      sample: ALARM
    since:
      description: Since when, in seconds since the epoch.
      type: float
      returned: always
      sample: 1772625600.0
    reason:
      description: Why, in CloudWatch's words.
      type: str
      returned: always
      sample: "Threshold Crossed: 1 out of the last 1 datapoints [42.0] was greater than the threshold (5.0)."
    history:
      description: The newest changes of its state, the newest first.
      type: list
      elements: dict
      returned: always
      sample: [{"at": 1772625600.0, "summary": "Alarm updated from OK to ALARM"}]
actions:
  description: What was done, or in check mode what would be done first, in words.
  returned: always
  type: list
  elements: str
  sample: ["resize group shop__checkout__prod__7 to min 2, max 10, desired 2"]
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
      V(baseline_failed), V(timed_out), V(blocked), V(alarm), V(locked), V(overtaken) and V(drift).
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
  sample: upgrade group shop__checkout__prod__7 to 50 %
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

from ansible_collections.progressive.aws.plugins.module_utils import modules, verification_options
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import NEW_FIRST, RESIZE_ORDERS
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Step
from ansible_collections.progressive.aws.plugins.module_utils.core.protection import LIFT, WAYS
from ansible_collections.progressive.aws.plugins.module_utils.deployment import alarm_watch
from ansible_collections.progressive.aws.plugins.module_utils.deployment.blockers import read_blockers
from ansible_collections.progressive.aws.plugins.module_utils.deployment.fresh_baseline import (
    BASELINES,
    OUTGOING,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Rollout
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import (
    Upgrade,
    UpgradeOptions,
)

ARGUMENT_SPEC = {
    "group": {"type": "str", "required": True},
    "percent": {"type": "int"},
    "count": {"type": "int"},
    "weight": {"type": "int"},
    "phase_name": {"type": "str"},
    "pause": {"type": "float", "default": 0.0},
    "resize_order": {"type": "str", "choices": list(RESIZE_ORDERS), "default": NEW_FIRST},
    "scale_in_protection": {"type": "str", "choices": list(WAYS), "default": LIFT},
    **modules.SETTLE_TIME_OPTION,
    **modules.LAUNCH_PATIENCE_OPTION,
    "baseline": {"type": "str", "choices": list(BASELINES), "default": OUTGOING},
    "end_bake": {"type": "bool", "default": False},
    **modules.WATCHED_ALARMS_OPTION,
    **modules.OF_A_PHASE,
    **verification_options.WATCH_OPTION,
    **modules.BLOCKERS_OPTION,
}


def main() -> None:
    """Run the module."""
    module = modules.aws_module(ARGUMENT_SPEC)
    params = module.params

    def build(rollout: Rollout) -> Step:
        upgrade = Upgrade(
            rollout,
            UpgradeOptions(
                group=params["group"],
                wanted=modules.wanted(params),
                resize_order=params["resize_order"],
                settle_time=params["settle_time"],
                launch_patience=params["launch_patience"],
                pause=params["pause"],
                scale_in_protection=params["scale_in_protection"],
                watched_alarms=alarm_watch.named(params["watched_alarms"]),
                blockers=read_blockers(params["blockers"]),
                end_bake=params["end_bake"],
                baseline=params["baseline"],
            ),
        )
        return verification_options.watched(
            upgrade, rollout, params["watch"], params["group"], check_mode=module.check_mode
        )

    modules.run_step(module, build)


if __name__ == "__main__":
    main()
