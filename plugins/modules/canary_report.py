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
  run:
    description:
      - What the steps of the run returned, registered as they are. The last one that has a record of the run counts.
      - Each step has the record that is given O(run) of its own, such as RV(progressive.aws.asg_upgrade#module:run).
    type: list
    elements: raw
    default: []
  failed:
    description:
      - Whether the run failed. The module then fails as well, with the reason, once it has reported.
    type: bool
    default: false
  failure:
    description: What Ansible says of the task that failed, which is C(ansible_failed_result) in a rescue.
    type: dict
    default: {}
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
  index:
    description:
      - A folder of reports, in which C(index.html) is written over all of them that were written as JSON, in it and
        two folders deep, with the series, the outcome, the image, when each began, and how long it took.
    type: path
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
- name: Upgrade to 25 %
  progressive.aws.asg_upgrade:
    group: shop__checkout__prod__7
    percent: 25
    run: "{{ setup }}"
  register: upgrade

- name: Report
  progressive.aws.canary_report:
    run: ["{{ setup }}", "{{ upgrade }}"]
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
          baseline: null
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
from ansible_collections.progressive.aws.plugins.module_utils.reporting.record import Run
from ansible_collections.progressive.aws.plugins.module_utils.reporting.run_record import latest
from ansible_collections.progressive.aws.plugins.module_utils.reporting.write_report import Report

ARGUMENT_SPEC = {
    "run": {"type": "list", "elements": "raw", "default": []},
    "failed": {"type": "bool", "default": False},
    "failure": {"type": "dict", "default": {}},
    "path": {"type": "list", "elements": "path", "default": []},
    "index": {"type": "path"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    record = latest([*params["run"], params["failure"]])
    run = Run.of(record, failed=params["failed"], failure=params["failure"])
    left = record.get("clean_up_failure")
    warnings = [f"the deployment is live, but old revisions were not deleted: {left}"] if left else []
    modules.run_module(
        module, lambda calls, clock: Report(run, params["path"], warnings=warnings, index=params["index"])
    )


if __name__ == "__main__":
    main()
