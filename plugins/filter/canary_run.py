# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the role has come to so far."""

from __future__ import annotations

DOCUMENTATION = r"""
name: canary_run
short_description: What a canary deployment has come to so far
version_added: 0.1.0
description:
  - Takes what the steps of a run returned, registered as they are, and returns the record of the run.
  - The role P(progressive.aws.canary#role) gives it to its hooks as C(canary_run).
positional: moment, failure
options:
  _input:
    description: The results of the steps. The last one that has a record of the run counts.
    type: list
    elements: raw
    required: true
  moment:
    description: The moment of the deployment, such as V(after_phase).
    type: str
    required: true
  failure:
    description: What Ansible says of the task that failed, where one has.
    type: dict
author:
  - The progressive.aws team (@progressive-aws)
"""

EXAMPLES = r"""
- name: Tell why the deployment failed
  ansible.builtin.debug:
    msg: "{{ ([setup, upgrade] | progressive.aws.canary_run('on_refusal', ansible_failed_result)).reason }}"
"""

RETURN = r"""
_value:
  description:
    - The report in short, as RV(progressive.aws.canary_report#module:report) has it, with the C(moment).
    - Its C(outcome) is V(planned), V(deploying), V(live), V(rolling-back), V(rolled-back) or V(failed).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var


def canary_run(results: Any, moment: str, failure: Any = None) -> Any:
    """The record of the run at a moment. What AWS has said in it is never taken for a template."""
    # Ansible loads this file in each worker that uses any filter of the collection: the engine only where it is needed.
    from ansible_collections.progressive.aws.plugins.module_utils.reporting.so_far import run_so_far

    return wrap_var(run_so_far(results, moment, failure))


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"canary_run": canary_run}
