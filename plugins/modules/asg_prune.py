#!/usr/bin/python
# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete old revisions of a series: documentation and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: asg_prune
short_description: Delete old revisions of a series
version_added: 0.1.0
description:
  - Deletes revisions that hold no capacity, with their launch templates or configurations, policies and alarms, and
    keeps the newest of them.
  - A group with instances is never deleted, and neither is one that takes part in an unfinished deployment, one that
    this collection did not make, or one with deletion protection C(prevent-all-deletion).
  - A fresh baseline that no deployment needs any more is taken away with its instances.
options:
  keep:
    description: How many of the earlier revisions, without instances, are kept.
    type: int
    default: 3
author:
  - The progressive.aws team (@progressive-aws)
seealso:
  - module: progressive.aws.asg_series_info
extends_documentation_fragment:
  - progressive.aws.series
  - progressive.aws.passes
  - progressive.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Keep three of the earlier revisions
  progressive.aws.asg_prune:
    application: shop
    service: checkout
    environment: prod
    keep: 3

- name: See what would be deleted
  progressive.aws.asg_prune:
    series: shop__checkout__prod
    keep: 1
  check_mode: true
"""

RETURN = r"""
revisions:
  description: The revisions of the series after it, as M(progressive.aws.asg_series_info) returns them.
  returned: success
  type: list
  elements: dict
run:
  description: What the run has come to so far, for O(run) of the next step and for M(progressive.aws.canary_report).
  returned: when O(run) is given, and the step has not failed
  type: dict
deleted:
  description: The names of the groups that were deleted.
  returned: success
  type: list
  elements: str
  sample: ["shop__checkout__prod__2"]
kept:
  description: The names of the groups that were kept.
  returned: success
  type: list
  elements: str
  sample: ["shop__checkout__prod__6", "shop__checkout__prod__7"]
actions:
  description: What was done, or in check mode what would be done first, in words.
  returned: always
  type: list
  elements: str
  sample: ["delete group shop__checkout__prod__2"]
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
  sample: prune series shop__checkout__prod
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

from ansible_collections.progressive.aws.plugins.module_utils import modules
from ansible_collections.progressive.aws.plugins.module_utils.deployment.prune import Prune, PruneOptions

ARGUMENT_SPEC = {**modules.SERIES, "keep": {"type": "int", "default": 3}}


def main() -> None:
    """Run the module."""
    module = modules.aws_module(ARGUMENT_SPEC, **modules.SERIES_RULES)
    params = module.params
    modules.run_step(
        module,
        lambda rollout: Prune(rollout, PruneOptions(series=modules.series_of(params), keep=params["keep"])),
    )


if __name__ == "__main__":
    main()
