# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option for a verification in the background of a step."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(verification_options.WATCH_OPTION)."""

    DOCUMENTATION = r"""
options:
  watch:
    description:
      - A verification in the background, with the options of M(progressive.aws.cloudwatch_verify). Whenever the step
        waits, whatever for, the new group is judged by it, and a fail ends the step at once.
      - Nothing waits for it. Each C(duration) follows on the one before, also from step to step of a run. It asks
        CloudWatch no more often than a verification does, which is once in a period.
      - Only a fail ends the step. A verdict that is inconclusive is told.
      - C(after) is the name of the phase after which it begins, and by default that of the first one.
        M(progressive.aws.asg_setup) returns with each of its C(steps) whether it is C(watched); give this to those.
    type: dict
    default: {}
"""
