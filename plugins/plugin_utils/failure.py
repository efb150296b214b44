# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible is given of a failure, so that somebody reads what happened, and not all that was returned.

Ansible prints a failed result as one dictionary. What begins with C(_ansible_) is never printed, and reaches a rescue
in C(ansible_failed_result).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.reporting.run_record import EVIDENCE

# What is long, and is kept from print also where the rest of a failure is wanted.
BULKY = ("events", "series", "report", "report_paths")
# What is printed: the message, and for a rescue that decides by it, why in one word.
PRINTED = frozenset({"changed", "failed", "msg", "reason"})

REFUSED = "invalid_input"


def hidden(result: Mapping[str, Any], names: Any) -> dict[str, Any]:
    """The result with what has one of C(names) moved to where Ansible does not print it."""
    moved = {name: value for name, value in result.items() if name in names}
    kept = {name: value for name, value in result.items() if name not in moved}
    return {**kept, EVIDENCE: {**moved, **(kept.get(EVIDENCE) or {})}}


def in_short(result: Mapping[str, Any]) -> dict[str, Any]:
    """The failure as its message alone: the reason, the state that things are in, and what to do."""
    return hidden(result, [name for name in result if name not in PRINTED and name != EVIDENCE])


def told_later(result: Mapping[str, Any], words: str) -> dict[str, Any]:
    """The failure with C(words) for its message, which the end of the run tells whole."""
    return {**hidden(in_short(result), ["msg"]), "msg": words}


def lines(result: Mapping[str, Any]) -> list[str]:
    """The failure as lines: what was attempted and answered, the state that things are in, and what to do."""
    if result.get("reason") == REFUSED:
        return []
    attempted, answer = result.get("attempted"), result.get("answer")
    if not attempted:
        return [str(result.get("msg", ""))]
    first = f"{attempted}: {answer}" if answer else str(attempted)
    return [str(line) for line in (first, result.get("state"), result.get("advice")) if line]


def headline(result: Mapping[str, Any]) -> str:
    """What failed, in a few words, where the reason stands beside it."""
    if result.get("reason") == REFUSED:
        return "Refused, nothing was touched."
    if result.get("reason") == "run_failed":
        return str(result.get("msg", "")).partition(". ")[0].partition(": ")[0].rstrip(".") + "."
    return f"Failed to {result['attempted']}." if result.get("attempted") else "The step failed."
