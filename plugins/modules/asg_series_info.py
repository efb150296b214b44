#!/usr/bin/python
# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what there is of a series: documentation and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: asg_series_info
short_description: Gather information about the revisions of a series
version_added: 0.1.0
description:
  - Lists all groups of a series, the newest first, with their status, sizes, images and deployments.
options:
  must_exist:
    description:
      - Whether to fail where the series has no group at all, with the names of those that are near.
      - Otherwise nothing is found of it.
    type: bool
    default: false
  show:
    description: Whether to show the revisions as a table on the terminal.
    type: bool
    default: false
author:
  - The progressive.aws team (@progressive-aws)
seealso:
  - module: progressive.aws.asg_setup
extends_documentation_fragment:
  - progressive.aws.series
  - progressive.aws.passes
  - progressive.aws.playbook
  - progressive.aws.attributes.info
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: See the revisions of a series
  progressive.aws.asg_series_info:
    application: shop
    service: checkout
    environment: prod
  register: checkout

- name: Show which revision is live
  ansible.builtin.debug:
    msg: "{{ checkout.revisions | selectattr('status', 'equalto', 'live') | map(attribute='name') | first }}"
"""

RETURN = r"""
run:
  description: What the run has come to so far, for O(run) of the next step and for M(progressive.aws.canary_report).
  returned: when O(run) is given, and the step has not failed
  type: dict
series:
  description: The name of the series.
  returned: success
  type: str
  sample: shop__checkout__prod
revisions:
  description: The groups of the series, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The group's name.
      type: str
      returned: always
      sample: shop__checkout__prod__7
    revision:
      description: The number of the revision.
      type: int
      returned: always
      sample: 7
    status:
      description: V(deploying), V(live), V(superseded), V(rolling-back) or V(failed).
      type: str
      returned: always
      sample: live
    min_size:
      description: The least instances it has.
      type: int
      returned: always
      sample: 0
    max_size:
      description: The most instances it has.
      type: int
      returned: always
      sample: 10
    desired_capacity:
      description: The instances it wants.
      type: int
      returned: always
      sample: 4
    in_service:
      description: How many of its instances are in service and healthy.
      type: int
      returned: always
      sample: 4
    instances:
      description: The ids of all its instances.
      type: list
      elements: str
      returned: always
      sample: ["i-0bb063712063f6fe3", "i-093c5fbf07709fc93"]
    suspended_processes:
      description: Its processes that are suspended.
      type: list
      elements: str
      returned: always
      sample: []
    image_id:
      description: The AMI that it launches.
      type: str
      returned: always
      sample: ami-0123456789abcdef0
    deployment_id:
      description: The id of the deployment that brought it about.
      type: str
      returned: always
      sample: 3f2a9c04d1b7
    live_since:
      description: Since when it has been live, if it is and that is known.
      type: str
      returned: always
      sample: "2026-03-04T12:00:00Z"
    lease:
      description:
        - Who is deploying it, since when and until when, in seconds since the epoch.
        - C(held_by) has the owner as people know it, by a job of AWX or the address of a build where it is one.
        - C(watching) says until when metrics are watched, while they are; 0 otherwise.
      type: dict
      returned: always
      sample:
        owner: jenkins@ci-4:4711:98765:4026531836:https://ci.example.com/job/shop/42/
        held_by: https://ci.example.com/job/shop/42/ (jenkins@ci-4)
        since: 1772625600
        until: 1772625720
        watching: 1772626620
baselines:
  description:
    - The fresh baselines beside the revisions, of which none is one.
    - One that stays after its deployment has ended is taken away by whatever is run next.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of its group.
      type: str
      returned: always
      sample: shop__checkout__prod__7__baseline
    deployment_id:
      description: The id of the deployment that it is of.
      type: str
      returned: always
      sample: 3f2a9c04d1b7
    min_size:
      description: The least instances it has.
      type: int
      returned: always
      sample: 1
    max_size:
      description: The most instances it has.
      type: int
      returned: always
      sample: 1
    desired_capacity:
      description: The instances it wants.
      type: int
      returned: always
      sample: 1
    in_service:
      description: How many of its instances are in service and healthy.
      type: int
      returned: always
      sample: 1
    instances:
      description: The ids of all its instances.
      type: list
      elements: str
      returned: always
      sample: ["i-0bb063712063f6fe3"]
whereabouts:
  description:
    - Sentences about each unfinished deployment, by the name of its new group, with the phase, what is awaited or
      watched and until when, and who is deploying.
  returned: success
  type: dict
  sample:
    shop__checkout__prod__7:
      - "phase 1 of 3: 1 of 4, 1 in service, its metrics are watched until 2026-03-04 12:17:00 UTC."
      - >-
        By https://ci.example.com/job/shop/42/ (jenkins@ci-4) since 2026-03-04 12:00:00 UTC,
        who has it reserved until 2026-03-04 12:09:30 UTC.
actions:
  description: What was done, or in check mode what would be done first, in words.
  returned: always
  type: list
  elements: str
  sample: []
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
  sample: describe the groups of series shop__checkout__prod
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

from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils import modules, role_input
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Rollout
from ansible_collections.progressive.aws.plugins.module_utils.deployment.series_search import series_info
from ansible_collections.progressive.aws.plugins.module_utils.reporting import record

ARGUMENT_SPEC = {
    **modules.SERIES,
    **role_input.PLAYBOOK,
    "must_exist": {"type": "bool", "default": False},
    "show": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = modules.aws_module(ARGUMENT_SPEC, **modules.SERIES_RULES)

    def answer(rollout: Rollout) -> dict[str, Any]:
        role_input.check_variables(module)
        return series_info(rollout, modules.series_of(module.params), must_exist=module.params["must_exist"])

    modules.run_question(
        module,
        "look at the revisions of the series",
        answer,
        lambda found: (
            record.revision_events(
                found["series"], found["revisions"], found["whereabouts"], found["baselines"]
            )
            if module.params["show"]
            else ()
        ),
    )


if __name__ == "__main__":
    main()
