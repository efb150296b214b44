# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which actions the collection called in all tests together, to hold the policies of docs/iam.md to them.

Whoever calls for the collection does so with an access key of its own, so that its calls are told from the tests'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: The access key with which the engine calls in tests, and with which their playbooks run.
COLLECTION = "collection"
PREFIXES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "service-quotas": "servicequotas",
}

_called: set[str] = set()


def policies() -> dict[str, set[str]]:
    """The actions of each statement in docs/iam.md, by its Sid."""
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "iam.md").read_text(), re.S)
    statements = [statement for block in blocks for statement in json.loads(block)["Statement"]]
    return {statement["Sid"]: set(statement["Action"]) for statement in statements}


def actions(calls: Iterable[Mapping[str, Any]], access_key: str = COLLECTION) -> set[str]:
    """The IAM actions that recorded calls of an access key needed."""
    return {
        f"{PREFIXES.get(call['service'], call['service'])}:{call['operation']}"
        for call in calls
        if call["access_key"] == access_key
    }


def note(calls: Iterable[Mapping[str, Any]]) -> None:
    """Remember which actions the collection called."""
    _called.update(actions(calls))


def note_actions(names: Iterable[str]) -> None:
    """Remember what another process had noted."""
    _called.update(names)


def noted() -> list[str]:
    """What was noted in this process."""
    return sorted(_called)


def differences(*, complete: bool) -> Iterator[str]:
    """Say where the policies and what was noted disagree; C(complete) after a run of all tests."""
    allowed = set().union(*policies().values())
    for action in sorted(_called - allowed):
        yield f"the collection called {action}, which docs/iam.md does not allow"
    for action in sorted(allowed - _called) if complete else ():
        yield f"docs/iam.md allows {action}, which the collection never called in any test"
