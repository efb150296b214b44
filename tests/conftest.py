# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: how hypothesis draws its examples.

The profile C(ci), the default, draws the same examples in every run, so that a red test is red for everybody.
C(HYPOTHESIS_PROFILE=search) draws other ones each time, and many more, to look for what nobody has thought of.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadline for one example: the machine that runs the tests may be busy with others.
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
