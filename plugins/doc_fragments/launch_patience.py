# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that says for how long launches may fail."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(modules.LAUNCH_PATIENCE_OPTION)."""

    DOCUMENTATION = r"""
options:
  launch_patience:
    description:
      - For how many seconds launches may fail, in every zone of the group, for reasons that may be gone at the next
        one, such as no capacity of the instance type, an error of AWS's own, throttling or the price of Spot Instances.
      - Auto Scaling goes on to try meanwhile, in the group's other zones and with its other instance types first. A
        group whose zones are C(balanced-only) keeps to the zone that fails, so that so long in that zone is enough.
      - A launch that fails for a reason that stays everywhere, such as an AMI or a key pair that does not exist, ends
        the step at once. So does what no zone of the group has, as free addresses or the instance type itself.
    type: float
    default: 300.0
"""
