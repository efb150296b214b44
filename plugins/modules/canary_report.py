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
    type: list
    elements: dict
    default: []
  path:
    description:
      - A file to write the report to, as JSON, on the host where the task runs.
      - Writing it does not count as a change.
    type: path
attributes:
  check_mode:
    description: Can run in check mode; the file is not written then.
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
    path: "{{ playbook_dir }}/report.json"
"""

RETURN = r"""
report:
  description: The report, as it was written to O(path).
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
report_path:
  description: The file that it was written to.
  returned: success
  type: str
  sample: report.json
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
from ansible_collections.progressive.aws.plugins.module_utils import wiring
from ansible_collections.progressive.aws.plugins.module_utils.reporting import Report
from ansible_collections.progressive.aws.plugins.module_utils.summary import OUTCOMES, Run

ARGUMENT_SPEC = {
    "outcome": {"type": "str", "required": True, "choices": list(OUTCOMES)},
    "reason": {"type": "str", "default": ""},
    "revisions_before": {"type": "list", "elements": "dict", "default": []},
    "revisions_after": {"type": "list", "elements": "dict", "default": []},
    "phases": {"type": "list", "elements": "dict", "default": []},
    "path": {"type": "path"},
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
    )
    wiring.run_module(module, lambda calls, clock: Report(run, params["path"]))


if __name__ == "__main__":
    main()
