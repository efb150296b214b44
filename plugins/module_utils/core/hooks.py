# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks of the role: task files that run at moments of a deployment.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEFORE_DEPLOYMENT = "before_deployment"
AFTER_SETUP = "after_setup"
BEFORE_PHASE = "before_phase"
AFTER_PHASE = "after_phase"
AFTER_SUCCESS = "after_success"
BEFORE_ROLLBACK = "before_rollback"
AFTER_ROLLBACK = "after_rollback"
ON_REFUSAL = "on_refusal"
MOMENTS = (
    BEFORE_DEPLOYMENT,
    AFTER_SETUP,
    BEFORE_PHASE,
    AFTER_PHASE,
    AFTER_SUCCESS,
    BEFORE_ROLLBACK,
    AFTER_ROLLBACK,
    ON_REFUSAL,
)
# At these the deployment has failed already, and what a hook does changes nothing about that.
AFTER_FAILURE = frozenset({BEFORE_ROLLBACK, AFTER_ROLLBACK, ON_REFUSAL})
ITEM = frozenset({"file", "may_fail"})


@dataclass(frozen=True)
class Hook:
    """A task file, by its path, and whether the deployment goes on where it fails."""

    file: str
    may_fail: bool = False


def read_hooks(given: Any, folder: str) -> tuple[dict[str, list[Hook]], list[str]]:
    """The hooks by their moments, and what is wrong with them, a sentence each; paths are relative to C(folder).

    What can be read is returned also where something else is wrong.
    """
    if not given:
        return {}, []
    if not isinstance(given, Mapping):
        return {}, [
            f"canary_hooks must be a mapping of moments ({', '.join(MOMENTS)}) to lists of task files"
        ]
    hooks: dict[str, list[Hook]] = {}
    problems: list[str] = []
    for moment, items in given.items():
        if moment not in MOMENTS:
            near = difflib.get_close_matches(str(moment), MOMENTS, n=1)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(MOMENTS)}"
            problems.append(f"canary_hooks has {moment!r}, which is no moment; {meant}")
            continue
        for item in items if isinstance(items, (list, tuple)) else [items] if items else []:
            hook, problem = _read(item, folder)
            if hook:
                hooks.setdefault(moment, []).append(hook)
            else:
                problems.append(f"canary_hooks, {moment}: {problem}")
    return hooks, problems


def _read(item: Any, folder: str) -> tuple[Hook | None, str]:
    options = item if isinstance(item, Mapping) else {"file": item}
    unknown = sorted(str(name) for name in options if name not in ITEM)
    if unknown:
        return None, f"there is no option {unknown[0]}; an item has file and may_fail"
    file, may_fail = options.get("file"), str(options.get("may_fail") or False).lower()
    if not isinstance(file, str) or not file.strip():
        return None, f"{file!r} is no task file"
    if may_fail not in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return None, f"may_fail of {file} is {options['may_fail']!r}; it must be true or false"
    return Hook(str(Path(folder) / str(file)), may_fail in ("true", "yes", "on", "1")), ""


def files(hooks: Mapping[str, list[Hook]]) -> Iterator[str]:
    """The task files of all moments."""
    for several in hooks.values():
        yield from (hook.file for hook in several)
