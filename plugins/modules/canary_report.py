#!/usr/bin/python
# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report a run of the role canary: documentation and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: canary_report
short_description: Report what a canary deployment came to
version_added: 0.1.0
description:
  - Shows how a deployment ended, in a short table of its groups, their sizes and images before and after, and how
    long each phase took.
  - It calls nothing in AWS. The role P(progressive.aws.canary#role) ends with it; a play that takes the steps one by
    one can do so too.
options:
  outcome:
    description: How it ended.
    type: str
    required: true
    choices: [live, already-live, planned, rolled-back, failed]
  reason:
    description: Why it was rolled back or failed.
    type: str
    default: ""
  revisions_before:
    description: The revisions of the series before it, as M(progressive.aws.asg_series_info) returns them.
    type: list
    elements: dict
    default: []
  revisions_after:
    description: The revisions of the series after it, as M(progressive.aws.asg_series_info) returns them.
    type: list
    elements: dict
    default: []
  phases:
    description:
      - The phases that were run, or with O(outcome=planned) those that M(progressive.aws.asg_setup) planned.
      - Each has a C(name), C(percent) or C(count), the seconds since the epoch when it C(started) and C(ended), its
        C(verdict), and as C(targets) the instances of the new group after it. One that was only planned has the
        instances of the C(new) group and of the C(outgoing) groups instead.
      - It may also have the C(actions), C(events) and C(instances) that M(progressive.aws.asg_upgrade) returned, and as
        C(verification) what M(progressive.aws.cloudwatch_verify) returned, with its options as C(verify).
    type: list
    elements: dict
    default: []
  setup:
    description: What M(progressive.aws.asg_setup) returned.
    type: dict
    default: {}
  rollback:
    description:
      - What M(progressive.aws.asg_rollback) returned, with the seconds since the epoch when it C(started), and where
        it failed the C(failure) in words.
    type: dict
    default: {}
  started:
    description: When the run began, in seconds since the epoch.
    type: float
  ended:
    description: When the run ended, in seconds since the epoch.
    type: float
  path:
    description:
      - Where to write the report, on the host where the task runs.
      - A file that ends in C(.html) is a page to look at, one that ends in C(.json) has the same for machines, and one
        that ends in C(.xml) is JUnit XML for a build server.
      - A folder, which ends in C(/) or has no ending, gets all three, as C(report.html), C(report.json) and
        C(report.xml); it is made where only itself is missing.
      - Writing them does not count as a change.
      - What looks like a credential or a token is hidden in all of them, and user data are never in them.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    description: Can run in check mode; no file is written then.
    support: full
  diff_mode:
    description: Returns details on what has changed when in diff mode.
    support: none
author:
  - The progressive.aws team (@progressive-aws)
seealso:
  - module: progressive.aws.asg_series_info
"""

EXAMPLES = r"""
- name: See the revisions after the deployment
  progressive.aws.asg_series_info:
    series: shop__checkout__prod
  register: after

- name: Report
  progressive.aws.canary_report:
    outcome: live
    revisions_before: "{{ before.revisions }}"
    revisions_after: "{{ after.revisions }}"
    path: "{{ playbook_dir }}/report.html"
"""

RETURN = r"""
report:
  description:
    - The report in short. What was written to O(path) has the events and the data that were judged besides.
  returned: success
  type: dict
  contains:
    outcome:
      description: How it ended.
      type: str
      returned: always
      sample: live
    reason:
      description: Why it was rolled back or failed.
      type: str
      returned: always
      sample: ""
    series:
      description: The name of the series.
      type: str
      returned: always
      sample: shop__checkout__prod
    seconds:
      description: How long all phases took, in seconds.
      type: float
      returned: always
      sample: 1834.2
    groups:
      description:
        - The groups, each with its status and sizes C(before) and C(after), which are null where there was no such
          group.
      type: list
      elements: dict
      returned: always
      sample:
        - name: shop__checkout__prod__7
          revision: 7
          image_id: ami-0123456789abcdef0
          deployment_id: 3f2a9c04d1b7
          before: null
          after: {status: live, min_size: 0, max_size: 10, desired_capacity: 4, in_service: 4}
    phases:
      description: The phases, each with how long it took, in seconds, and its verdict.
      type: list
      elements: dict
      returned: always
      sample:
        - name: Canary
          percent: 25
          count: null
          new: 1
          outgoing: null
          started: 1772625600.0
          ended: 1772625689.5
          seconds: 89.5
          verdict: pass
    started:
      description: When the run began, in seconds since the epoch.
      type: float
      returned: always
      sample: 1772625590.0
    ended:
      description: When the run ended, in seconds since the epoch.
      type: float
      returned: always
      sample: 1772627424.2
    setup:
      description: What was created, and what the new group has or has not from the base.
      type: dict
      returned: always
      sample:
        actions: [create launch template shop__checkout__prod__7 with ami-0123456789abcdef0]
        copied: ["VPCZoneIdentifier: subnet-1"]
        not_copied: [{what: scheduled action once, reason: it is over}]
    rollback:
      description: What was taken back and when; null where nothing was.
      type: dict
      returned: always
      sample: null
    instances:
      description: The instances that were launched or judged, what each measured, and where it stands out.
      type: list
      elements: dict
      returned: always
      sample:
        - instance_id: i-0123456789abcdef0
          group: shop__checkout__prod__7
          side: canary
          phase: Canary
          measured: {cpu: 41.5}
          outliers: []
report_paths:
  description: The files that it was written to.
  returned: success
  type: list
  elements: str
  sample: [report.html]
events:
  description: The lines that were shown.
  returned: always
  type: list
  elements: dict
  sample:
    - kind: settled
      subject: ""
      text: "Live: checkout__prod__7 with ami-0123456789abcdef0, after 30 min 34 s."
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.progressive.aws.plugins.module_utils import modules
from ansible_collections.progressive.aws.plugins.module_utils.reporting.record import OUTCOMES, Run
from ansible_collections.progressive.aws.plugins.module_utils.reporting.write_report import Report

ARGUMENT_SPEC = {
    "outcome": {"type": "str", "required": True, "choices": list(OUTCOMES)},
    "reason": {"type": "str", "default": ""},
    "revisions_before": {"type": "list", "elements": "dict", "default": []},
    "revisions_after": {"type": "list", "elements": "dict", "default": []},
    "phases": {"type": "list", "elements": "dict", "default": []},
    "setup": {"type": "dict", "default": {}},
    "rollback": {"type": "dict", "default": {}},
    "started": {"type": "float"},
    "ended": {"type": "float"},
    "path": {"type": "list", "elements": "path", "default": []},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    run = Run(
        outcome=params["outcome"],
        reason=params["reason"],
        before=params["revisions_before"],
        after=params["revisions_after"],
        phases=params["phases"],
        setup=params["setup"],
        rollback=params["rollback"],
        started=params["started"],
        ended=params["ended"],
    )
    modules.run_module(module, lambda calls, clock: Report(run, params["path"]))


if __name__ == "__main__":
    main()
