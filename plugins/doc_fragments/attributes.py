# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules can do besides their work: check mode and the like."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of the modules that change something, and of those that only look."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and say what it would do, without doing it.
    support: full
    details:
      - Everything is read and decided as it would be otherwise. RV(ignore:actions) says what would be done first.
  diff_mode:
    description: Returns details on what has changed when in diff mode.
    support: none
    details:
      - RV(ignore:actions) says in words what was changed.
  async:
    description: Supports being run in the background with C(async).
    support: none
    details:
      - The steps report while they wait, and have O(ignore:wait_timeout).
"""

    INFO = r"""
attributes:
  check_mode:
    description: Can run in check mode; it changes nothing in any case.
    support: full
  diff_mode:
    description: Returns details on what has changed when in diff mode.
    support: N/A
    details:
      - It changes nothing.
  async:
    description: Supports being run in the background with C(async).
    support: none
"""
