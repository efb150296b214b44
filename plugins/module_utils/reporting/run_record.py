# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the role has come to so far: each step takes the record, and returns it with what it did itself.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core import naming
from ..sources.secret_options import without_secrets

# Under which name a result has the record.
RECORD = "run"
# What begins with _ansible_ is never printed, and reaches a rescue in ansible_failed_result.
EVIDENCE = "_ansible_evidence"


def record_of(result: Mapping[str, Any] | None) -> dict[str, Any]:
    """The record in what a step returned, whether it failed or not; empty where there is none yet."""
    result = result or {}
    hidden = result.get(EVIDENCE) or {}
    found = result.get(RECORD) or (hidden.get(RECORD) if isinstance(hidden, Mapping) else None)
    return dict(found) if isinstance(found, Mapping) else {}


def latest(results: Any) -> dict[str, Any]:
    """The record of the latest run among several results, of those the last; one result may stand for itself."""
    several = results if isinstance(results, (list, tuple)) else [results]
    records = [record_of(one if isinstance(one, Mapping) else None) for one in several]
    return max(
        records,
        key=lambda one: (float(one.get("started") or 0.0), float(one.get("ended") or 0.0)),
        default={},
    )


def reason_of(failure: Mapping[str, Any] | None) -> str:
    """Why a play is in its rescue, by what Ansible says of the failed task: nothing where another host failed."""
    if not failure:
        return "the play was stopped, because another host failed."
    results = [one for one in failure.get("results") or () if one.get("failed")] or [failure]
    return " ".join(
        str(whole.get("msg") or "a task failed without a message")
        for whole in ({**one, **(one.get(EVIDENCE) or {})} for one in results)
    )


def extended(
    record: Mapping[str, Any],
    module: str,
    options: Mapping[str, Any],
    result: Mapping[str, Any],
    started: float,
    ended: float,
) -> dict[str, Any]:
    """The record with a step added: its module, its options, what it returned, and when it ran (epoch seconds).

    The record has C(started), C(revisions_before), C(revisions_after), C(setup), C(phases) and C(rollback), as
    C(canary_report) takes them, and where a step failed its C(reason).
    """
    new = {"started": started, "phases": [], **record, "ended": ended}
    if all(options.get(part) for part in naming.PARTS):
        # A refused set-up tells of no group that would name the series.
        new["series"] = naming.SEPARATOR.join(naming.sanitise(str(options[part])) for part in naming.PARTS)
    revisions = result.get("revisions")
    if revisions is not None:
        # A set-up tells what was there before it, the others what is there after them.
        new.setdefault("revisions_before", revisions)
        new["revisions_after"] = revisions
    told = {
        name: value
        for name, value in result.items()
        if name not in ("invocation", "revisions", RECORD, EVIDENCE)
    }
    if module == "asg_setup":
        new["setup"] = told
    elif module == "asg_upgrade":
        new["phases"] = [*new["phases"], _phase(options, told, started, ended)]
    elif module == "cloudwatch_verify" and new["phases"]:
        new["phases"] = [*new["phases"][:-1], _verified(new["phases"][-1], options, told, ended)]
    elif module == "asg_prune":
        # A clean-up that fails must not fail a deployment that succeeded.
        new["clean_up_failure"] = told.get("msg") if told.get("failed") else None
        return new
    elif module == "asg_rollback":
        new["rollback"] = {
            **told,
            "started": started,
            "failure": told.get("msg") if told.get("failed") else None,
        }
        return new
    if result.get("failed"):
        phase = new["phases"][-1].get("name") if new["phases"] else None
        new["reason"] = f"{phase}: {result.get('msg')}" if phase else str(result.get("msg"))
    return new


def _phase(
    options: Mapping[str, Any], told: Mapping[str, Any], started: float, ended: float
) -> dict[str, Any]:
    return {
        "name": options.get("phase_name"),
        "percent": options.get("percent"),
        "count": options.get("count"),
        "weight": told.get("weight"),
        "resize_order": options.get("resize_order"),
        "started": started,
        "ended": ended,
        "verdict": "failed" if told.get("failed") else None,
        "targets": told.get("desired_capacity"),
        "baseline": (told.get("baseline") or {}).get("desired_capacity"),
        "instances": told.get("instances") or {},
        "actions": told.get("actions") or [],
        "events": told.get("events") or [],
        # Of a verification in its background, which has failed.
        **(_judged(told, options.get("watch")) if told.get("verdict") else {}),
    }


def _judged(told: Mapping[str, Any], options: Any) -> dict[str, Any]:
    return {"verification": dict(told), "verify": without_secrets(options)}


def _verified(
    phase: Mapping[str, Any], options: Mapping[str, Any], told: Mapping[str, Any], ended: float
) -> dict[str, Any]:
    return {
        **phase,
        "ended": ended,
        "verdict": told.get("verdict") or ("failed" if told.get("failed") else None),
        "events": [*phase["events"], *(told.get("events") or ())],
        **_judged(told, options),
    }
