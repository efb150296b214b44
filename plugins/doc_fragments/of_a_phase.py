# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options of the steps of a phase, by which the role canary hands on what belongs to the phase."""


class ModuleDocFragment:
    """Found by ansible-doc by this name."""

    DOCUMENTATION = r"""
options:
  hand_over:
    description:
      - Whether the deployment is left to another run after this step, such as the next job of a workflow.
      - The lease is given back then, so that the other run need not wait until it has run out.
    type: bool
    default: false
  phase_vars:
    description:
      - Variables of the role P(progressive.aws.canary#role) that hold for this phase, instead of what the other options
        say, such as C(canary_settle_time). Others are passed over.
    type: dict
    default: {}
"""
