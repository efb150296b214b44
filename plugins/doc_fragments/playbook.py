# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option by which the collection's playbooks have their variables checked."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(role_input.PLAYBOOK)."""

    DOCUMENTATION = r"""
options:
  variables:
    description:
      - Names of variables that the playbook was given, such as those that C(varnames) finds.
      - One that begins with C(canary_), and is neither the role's nor a playbook's of this collection, is refused
        before anything is touched where it is close to one that is, and warned of otherwise.
    type: list
    elements: str
    default: []
"""
