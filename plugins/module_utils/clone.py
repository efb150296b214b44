# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A described base group -> the requests that make a new group like it, and what they leave out.

Nothing here calls AWS. This is the door to the C(clone_*) files: the table of all members, what AWS described,
launching, the group, what the final phase attaches, and the report.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from .clone_described import (
    Described,
    NotCopied,
    Overrides,
    Request,
    override_specifications,
    template_key,
)
from .clone_group import final_requests, follow_up_requests, group_request
from .clone_launching import (
    launch_configuration_request,
    launch_template_request,
    override_launch_template_requests,
)
from .clone_policies import (
    alarm_name,
    alarm_names,
    alarm_requests,
    copied_alarm_names,
    policy_requests,
    scheduled_action_requests,
)
from .clone_report import base_digest, inventory, problems

__all__ = [
    "Described",
    "NotCopied",
    "Overrides",
    "Request",
    "alarm_name",
    "alarm_names",
    "alarm_requests",
    "base_digest",
    "copied_alarm_names",
    "final_requests",
    "follow_up_requests",
    "group_request",
    "inventory",
    "launch_configuration_request",
    "launch_template_request",
    "override_launch_template_requests",
    "override_specifications",
    "policy_requests",
    "problems",
    "scheduled_action_requests",
    "template_key",
]
