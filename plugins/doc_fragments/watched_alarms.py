# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that names the alarms which end a deployment."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(modules.WATCHED_ALARMS_OPTION)."""

    DOCUMENTATION = r"""
options:
  watched_alarms:
    description:
      - Names of CloudWatch alarms, metric and composite ones, that end the deployment when they come into the state
        C(ALARM), at once and whatever it waits for.
      - M(progressive.aws.asg_setup) writes down which of them are in C(ALARM) already. Those say nothing about the
        deployment, and cannot end it; it warns of them. Give the same names to each of its steps.
      - They are read every 15 seconds. An alarm that does not exist is refused before anything is touched.
    type: list
    elements: str
    default: []
"""
