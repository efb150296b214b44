# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has come to at a moment of it, for its hooks and notifications.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core import hooks
from .record import LIVE, Run
from .run_record import latest

DEPLOYING = "deploying"
ROLLING_BACK = "rolling-back"


def run_so_far(results: Any, moment: str, failure: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The record in short, with the C(moment), and the C(outcome) as it is at that moment.

    C(results) are what the steps returned, and C(failure) is what Ansible says of the task that failed.
    """
    several = results if isinstance(results, (list, tuple)) else [results]
    record = latest([*several, failure or {}])
    told = Run.of(record, failed=moment in hooks.AFTER_FAILURE, failure=failure).outline()
    if moment == hooks.BEFORE_ROLLBACK:
        told["outcome"] = ROLLING_BACK
    elif told["outcome"] == LIVE and moment != hooks.AFTER_SUCCESS:
        told["outcome"] = DEPLOYING
    return {**told, "series": told["series"] or str(record.get("series") or ""), "moment": moment}
