#!/usr/bin/python
# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sum up the runs of many series: documentation and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: canary_summary
short_description: Sum up what the deployments of many series came to
version_added: 0.1.0
description:
  - Shows each series in a line of one table, with its region, how its deployment ended, and its image, and below it
    why those failed that did.
  - It calls nothing in AWS, and does not fail because a series did. The playbook C(progressive.aws.canary_many) ends
    with it, and then fails each series that failed.
options:
  runs:
    description: The series, in the order in which they should be shown.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Under which name the inventory has it.
        type: str
        required: true
      series:
        description: The name of the series, for one that was refused before it was looked at.
        type: str
      region:
        description: Its region.
        type: str
      begun:
        description: Whether its deployment was begun. One that was not is told as such, with which series had failed.
        type: bool
        default: true
      run:
        description:
          - What the steps of the run returned, registered as they are, as for M(progressive.aws.canary_report).
        type: list
        elements: raw
        default: []
      failed:
        description: Whether the run failed.
        type: bool
        default: false
      failure:
        description: What Ansible says of the task that failed, which is C(ansible_failed_result) in a rescue.
        type: dict
        default: {}
      report:
        description: Where the report of the series itself was written to, for a link.
        type: list
        elements: path
        default: []
  path:
    description:
      - Where to write the summary, on the host where the task runs.
      - A file that ends in C(.html) is one page over all series, with what happened when in each and a link to its own
        report. One that ends in C(.json) has the same for machines, and one that ends in C(.xml) is JUnit XML with a
        test case for each series.
      - A folder, which ends in C(/) or has no ending, gets all three, as C(report.html), C(report.json) and
        C(report.xml).
      - Writing them does not count as a change.
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
  - module: progressive.aws.canary_report
"""

EXAMPLES = r"""
- name: Sum up
  progressive.aws.canary_summary:
    runs:
      - name: checkout-ireland
        region: eu-west-1
        run: ["{{ hostvars['checkout-ireland'].setup }}", "{{ hostvars['checkout-ireland'].upgrade }}"]
      - name: checkout-virginia
        region: us-east-1
        begun: false
    path: summary.html
  run_once: true
"""

RETURN = r"""
report:
  description: The summary in short. What was written to O(path) has the record of each run besides.
  returned: success
  type: dict
  contains:
    headline:
      description: How many series ended how.
      type: str
      returned: always
      sample: "3 series: 1 live, 1 rolled back, 1 not begun."
    failed:
      description: The names of the series that failed or were rolled back.
      type: list
      elements: str
      returned: always
      sample: [checkout-virginia]
    series:
      description:
        - Each series, with how it ended as RV(progressive.aws.canary_report#module:report.outcome) has it, or
          V(not-begun), and why.
      type: list
      elements: dict
      returned: always
      sample:
        - name: checkout-ireland
          series: shop__checkout__prod
          region: eu-west-1
          outcome: live
          reason: ""
          group: shop__checkout__prod__7
          image_id: ami-0123456789abcdef0
          started: 1772625590.0
          ended: 1772627424.2
          report: reports/checkout-ireland.html
report_paths:
  description: The files that it was written to.
  returned: success
  type: list
  elements: str
  sample: [summary.html]
events:
  description: The lines that were shown.
  returned: always
  type: list
  elements: dict
  sample:
    - kind: settled
      subject: ""
      text: "3 series: 3 live."
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.progressive.aws.plugins.module_utils import modules
from ansible_collections.progressive.aws.plugins.module_utils.reporting.summary import Summary, text_of
from ansible_collections.progressive.aws.plugins.module_utils.reporting.write_report import Report

ARGUMENT_SPEC = {
    "runs": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "series": {"type": "str"},
            "region": {"type": "str"},
            "begun": {"type": "bool", "default": True},
            "run": {"type": "list", "elements": "raw", "default": []},
            "failed": {"type": "bool", "default": False},
            "failure": {"type": "dict", "default": {}},
            "report": {"type": "list", "elements": "path", "default": []},
        },
    },
    "path": {"type": "list", "elements": "path", "default": []},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    modules.run_module(
        module, lambda calls, clock: Report(Summary(params["runs"]), params["path"], text_of=text_of)
    )


if __name__ == "__main__":
    main()
