# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every module which calls AWS has: how it waits, and who is deploying."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(wiring.PASSES)."""

    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to go on until the step is done.
      - With V(false) one pass is made. It changes what is to be changed next, reads on for up to 10 seconds, and
        returns RV(ignore:done) and RV(ignore:waiting_for). Call it again to go on.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for the step to be done before it fails.
      - The message then says what was still missing.
    type: int
    default: 600
  poll_interval:
    description:
      - How many seconds to wait between two looks at AWS. At least 0.1.
    type: float
    default: 5.0
  lease_owner:
    description:
      - Who is deploying. While the lease of one owner is alive, no other can touch the deployment.
      - By default the run of C(ansible-playbook) that the task is part of, as user, host and process.
      - Set it to the id of a pipeline, for instance, where the plays of one deployment run as several commands.
    type: str
  lease_duration:
    description:
      - For how many seconds the deployment stays reserved when nothing is heard of its owner. At least 15.
      - It is renewed when half of it is over.
    type: int
    default: 120
  take_over:
    description:
      - Whether to go on with a deployment that somebody else's lease still reserves.
      - Only for when that other run is known to be dead. If it is not, it stops at its next pass.
    type: bool
    default: false
  on_drift:
    description:
      - What to do when somebody else has changed a group of the deployment meanwhile.
      - With V(fail) the step stops and says what was changed. With V(adopt) it goes on from the changed sizes.
    type: str
    choices: [fail, adopt]
    default: fail
  progress:
    description:
      - What the pass before this one returned as RV(ignore:progress). For internal use, when repeating passes with
        O(wait=false); losing it costs time and nothing else.
    type: dict
  run:
    description:
      - What an earlier step of the same run returned, registered as it is, or a list of several, of which the last of
        the latest run counts. With it, also with an empty dictionary, this step returns as RV(ignore:run) what the run
        has come to so far, for M(progressive.aws.canary_report).
    type: raw
  report:
    description:
      - Where to write the report of the run while the step goes on, as a file that ends in C(.html) or C(.json), or a
        folder for both; with O(run) only. M(progressive.aws.canary_report) writes it as it ends.
      - It is written when the step begins and ends, and every minute. Only where the step runs on the controller, with
        the Python of C(ansible-playbook).
    type: list
    elements: path
    default: []
  secrets:
    description:
      - Texts that are shown nowhere. The action plugin sets it to what is secret in the options of verifications that a
        set-up is given, which it passes on as they are.
    type: list
    elements: str
    default: []
requirements:
  - python >= 3.11
notes:
  - While the step works, what happens is shown on the terminal, one line an event. Where the output goes to a file or
    a pipe, as in most pipelines, Python holds it back unless the environment variable C(PYTHONUNBUFFERED=1) is set for
    C(ansible-playbook).
  - To run on the controller with Ansible's own Python, where boto3 is installed beside it, set
    C(ansible_python_interpreter) to C({{ ansible_playbook_python }}).
"""
