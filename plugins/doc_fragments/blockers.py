# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that says when not to deploy."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(modules.BLOCKERS_OPTION)."""

    DOCUMENTATION = r"""
options:
  blockers:
    description:
      - When not to deploy. A new deployment, and each of its phases, begins only while nothing of this blocks it.
      - What has begun is not interrupted. Give the same to M(progressive.aws.asg_setup) and to
        M(progressive.aws.asg_upgrade), which looks before each phase that has not begun yet.
    type: dict
    suboptions:
      alarms:
        description:
          - Names of CloudWatch alarms, metric and composite ones, that must be in the state C(OK).
        type: list
        elements: str
        default: []
      open_windows:
        description:
          - Time windows of the week in which deploying is allowed. With none it always is.
        type: list
        elements: dict
        default: []
        suboptions: &window
          days:
            description: The days of the week on which it begins. By default all.
            type: list
            elements: str
            choices: [mon, tue, wed, thu, fri, sat, sun]
          from:
            description: When it begins, as V('09:00'). By default at the beginning of the day.
            type: raw
          to:
            description:
              - When it ends, as V('16:30'). By default at the end of the day, V('24:00').
              - One that ends at or before its beginning ends on the next day.
            type: raw
          time_zone:
            description: Whose clocks these are, by the IANA database, such as V(Europe/Zurich).
            type: str
            default: UTC
      closed_windows:
        description:
          - Time windows of the week in which deploying is not allowed, also within O(blockers.open_windows).
        type: list
        elements: dict
        default: []
        suboptions: *window
      change_calendars:
        description:
          - Names or ARNs of change calendars of AWS Systems Manager that must be open.
        type: list
        elements: str
        default: []
      wait:
        description:
          - For how many seconds to wait until nothing blocks any more. With 0 it is refused at once, with the reason.
          - It counts for no time-out. The groups of a deployment are watched meanwhile.
        type: float
        default: 0.0
"""
