# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hooks of a moment."""

from __future__ import annotations

DOCUMENTATION = r"""
name: canary_hooks
short_description: The task files of a moment of a canary deployment
version_added: 0.1.0
description:
  - Takes what the variable C(canary_hooks) of the role P(progressive.aws.canary#role) holds, and returns the task files
    of one moment.
  - The role uses it. What is no hook is left out, since M(progressive.aws.asg_setup) refuses it with words.
positional: moment, folder
options:
  _input:
    description: The hooks, a mapping or YAML text.
    type: raw
  moment:
    description: The moment, such as V(before_rollback).
    type: str
    required: true
  folder:
    description: The folder to which the files are relative.
    type: str
    required: true
author:
  - The progressive.aws team (@progressive-aws)
"""

EXAMPLES = r"""
- name: Show what runs before a rollback
  ansible.builtin.debug:
    msg: "{{ canary_hooks | progressive.aws.canary_hooks('before_rollback', playbook_dir) }}"
"""

RETURN = r"""
_value:
  description: Each has C(file), an absolute path, and C(may_fail).
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.core.hooks import read_hooks
from ansible_collections.progressive.aws.plugins.plugin_utils.survey_answers import structure


def canary_hooks(given: Any, moment: str, folder: str) -> list[dict[str, Any]]:
    """The task files of a moment, each with C(file) and C(may_fail)."""
    hooks, _problems = read_hooks(structure(given), folder)
    return [{"file": hook.file, "may_fail": hook.may_fail} for hook in hooks.get(moment, ())]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"canary_hooks": canary_hooks}
