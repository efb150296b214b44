# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretend AWS on loopback, in which time passes and things go wrong.

moto stores EC2, ELB, ELBv2, SSM, STS and SNS; Auto Scaling, CloudWatch and target health are the
sandbox's own. ``python -m tests.sandbox`` serves it; ``tests.sandbox.inprocess`` reaches it
without a socket.
"""

from __future__ import annotations

import os

# Before moto is imported: its 800 default images take a second to load and hide a test's own.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
