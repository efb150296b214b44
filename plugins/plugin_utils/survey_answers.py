# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Understands options as surveys and command lines give them: everything is text, and nothing is an empty text.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

# Options whose emptiness is a mistake to be told, rather than one that is not given.
NAMES = frozenset({"application", "service", "environment", "base_group"})
# Options with structure, which may come as YAML or JSON text; a test compares them with the modules' specifications.
STRUCTURES = frozenset(
    {
        "alarms",
        "bake",
        "baseline_groups",
        "block_device_mappings",
        "blockers",
        "group_weights",
        "image_filters",
        "image_owners",
        "load_balancer_names",
        "metadata_options",
        "metrics",
        "notifications",
        "path",
        "phase_vars",
        "phases",
        "security_group_ids",
        "stage",
        "tags",
        "target_group_arns",
        "traffic",
        "watch",
        "watched_alarms",
    }
)
# What of the role's further input has structure.
ROLE_STRUCTURES = frozenset({"hooks", "notifications"})
# What of a phase has structure.
PHASE_STRUCTURES = frozenset({"verify", "before", "after", "vars"})


def understood(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are given: without those that are null or empty texts, and text as the structure that it is.

    A text that is no YAML, or none of a structure, stays as it is: the module has words for it.
    """
    given = _given(options, STRUCTURES, keep=NAMES)
    _understand_notifications(given)
    phases = given.get("phases")
    if isinstance(phases, list):
        given["phases"] = [
            _given(phase, PHASE_STRUCTURES) if isinstance(phase, Mapping) else phase for phase in phases
        ]
    if isinstance(given.get("role"), Mapping):
        given["role"] = _given(given["role"], ROLE_STRUCTURES)
        _understand_notifications(given["role"])
    return given


def _understand_notifications(given: dict[str, Any]) -> None:
    """Make a list of mappings of the notifications: Ansible would show what is something else, and it may be secret."""
    if "notifications" not in given:
        return
    several = given["notifications"]
    items = several if isinstance(several, (list, tuple)) else [several]
    given["notifications"] = [
        _given(item, frozenset({"moments"})) if isinstance(item, Mapping) else {} for item in items
    ]


def _given(
    options: Mapping[str, Any], structures: frozenset[str], keep: frozenset[str] = frozenset()
) -> dict[str, Any]:
    return {
        name: structure(value) if name in structures else value
        for name, value in options.items()
        # Null is never an answer: an option that is left to another one is null.
        if not _is_nothing(value) or (name in keep and value is not None)
    }


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def structure(value: Any) -> Any:
    """The list or dictionary that a text is as YAML; anything else as it is.

    Ansible's validation has words for text that is no structure, and fails on a number and on nothing: these are text.
    """
    if isinstance(value, str):
        try:
            read = yaml.safe_load(value)
        except yaml.YAMLError:
            return value
        if not isinstance(read, (list, dict)):
            return value
        value = read
    if isinstance(value, list):
        return [item if isinstance(item, (str, Mapping, list)) else str(item) for item in value]
    return str(value) if isinstance(value, (int, float)) else value
