# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a verification: of cloudwatch_verify, and of the phases of which a set-up plans the verification.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from . import modules
from .core.errors import InvalidInput
from .core.passes import Step
from .deployment.fresh_baseline import FRESH
from .deployment.rollout import Rollout
from .judging.metrics import KINDS, LEVEL
from .judging.rules import COMPARISONS
from .sources import all_sources
from .verification.background import Watched
from .verification.settings import Settings, read_settings

QUERY = {
    "namespace": {"type": "str"},
    "metric_name": {"type": "str"},
    "dimensions": {"type": "dict", "default": {}},
    "statistic": {"type": "str", "default": "Average"},
    "unit": {"type": "str"},
}
# What is asked: a statistic of CloudWatch, or a query to another source.
ANY_QUERY = {**QUERY, **all_sources.OPTIONS}
MEASURES = {"absolute": {"type": "float"}, "percent": {"type": "float"}, "deviation": {"type": "float"}}
METRIC = {
    **ANY_QUERY,
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": list(KINDS), "default": LEVEL},
    "numerator": {"type": "dict", "options": ANY_QUERY},
    "denominator": {"type": "dict", "options": ANY_QUERY},
    "exposure": {"type": "dict", "options": ANY_QUERY},
    "period": {"type": "int", "default": 60},
    "expression": {"type": "str"},
    "queries": {
        "type": "list",
        "elements": "dict",
        "options": {
            **QUERY,
            "id": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "metric_name": {"type": "str", "required": True},
        },
    },
    "minimum": {"type": "float"},
    "maximum": {"type": "float"},
    "datapoints_to_fail": {"type": "int", "default": 1},
    "fill": {"type": "float"},
    "publisher": {"type": "dict", "options": QUERY},
    "compare": {"type": "str", "choices": list(COMPARISONS)},
    "direction": {"type": "str", "choices": ["increase", "decrease", "either"], "default": "either"},
    "detect": {"type": "dict", "options": {"share": {"type": "float"}, "amount": {"type": "float"}}},
    "allowed_effect": {"type": "float", "default": 0.0},
    "critical_effect": {"type": "float"},
    "ignore": {"type": "dict", "options": MEASURES},
    "fail_fast": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            **MEASURES,
            "times": {"type": "int", "default": 1},
            "in_a_row": {"type": "bool", "default": False},
        },
    },
    "group": {"type": "str", "default": ""},
    "weight": {"type": "float", "default": 1.0},
    "critical": {"type": "bool", "default": False},
    "muted": {"type": "bool", "default": False},
}
# Described in the fragment judging.
JUDGING = {
    "metrics": {"type": "list", "elements": "dict", "default": [], "options": METRIC},
    "strategy": {"type": "str", "choices": ["auto", "canary", "previous", "none"], "default": "auto"},
    "baseline_groups": {"type": "list", "elements": "str", "default": []},
    "baseline_window": {"type": "int"},
    "baseline_start": {"type": "str"},
    "start": {"type": "str"},
    "end": {"type": "str"},
    "history": {"type": "int"},
    "confidence": {"type": "float", "default": 0.98},
    "sensitivity": {"type": "str", "choices": ["normal", "very"], "default": "normal"},
    "pass_score": {"type": "float", "default": 100.0, "no_log": False},
    "marginal_score": {"type": "float"},
    "group_weights": {"type": "dict", "default": {}},
    "expected_instances": {"type": "int"},
    "expected_baseline_instances": {"type": "int"},
}
VERIFICATION: Mapping[str, Any] = {
    **JUDGING,
    "alarms": {"type": "list", "elements": "str", "default": []},
    "duration": {"type": "int", "default": 900},
    "warmup": {"type": "int", "default": 120},
    "interval": {"type": "int"},
    "delay": {"type": "int"},
    "on_no_data": {"type": "str", "choices": ["fail", "inconclusive"], "default": "fail"},
    "on_inconclusive": {"type": "str", "choices": ["fail", "pause", "pass"], "default": "fail"},
}
# Documented in doc_fragments/watch.py. What it has is read as the options of a verification.
WATCH_OPTION: Mapping[str, Mapping[str, Any]] = {"watch": {"type": "dict", "default": {}}}
# Of its items the one that is none of a verification: after which phase it begins.
AFTER = "after"


def watch_settings(watch: Mapping[str, Any], group: str) -> Settings:
    """Read the options of a verification in the background.

    Raises:
        InvalidInput: with all that is wrong with them.
    """
    return settings_of({name: value for name, value in watch.items() if name != AFTER}, group)


def watched(step: Step, rollout: Rollout, watch: Mapping[str, Any], group: str, *, check_mode: bool) -> Step:
    """The step with a verification of C(group) in its background, where the options of one are given.

    In C(check_mode) nothing is waited for, so that there is nothing to judge.

    Raises:
        InvalidInput: they cannot be right.
    """
    return Watched(step, rollout, watch_settings(watch, group)) if watch and not check_mode else step


def baseline_seconds(phases: Sequence[Mapping[str, Any]], baseline: str) -> list[float]:
    """For how many seconds at least each phase needs a fresh baseline beside it; 0 for one that needs none.

    That is one whose verification compares with the outgoing groups as they are now, but for the last: its verification
    comes when they have gone. What is wrong with a verification is told elsewhere.
    """
    found = [0.0] * len(phases)
    for number, phase in enumerate(phases[:-1] if baseline == FRESH else ()):
        try:
            settings = settings_of(phase["verify"], "the-new-group") if phase["verify"] else None
            pause = float(phase.get("pause") or 0)
        except (InvalidInput, TypeError, ValueError):
            continue
        if settings and settings.uses_baseline and settings.compares_with_outgoing:
            found[number] = pause + settings.warmup + settings.duration
    return found


def settings_of(options: Mapping[str, Any], group: str) -> Settings:
    """Read the options of a verification as a play has them.

    Raises:
        InvalidInput: with all that is wrong with them.
    """
    known = {**aws_argument_spec(), **modules.PASSES, **VERIFICATION}
    found = ArgumentSpecValidator(known).validate(dict(options))
    if found.error_messages:
        raise InvalidInput(found.error_messages)
    return read_settings({**found.validated_parameters, "group": group})
