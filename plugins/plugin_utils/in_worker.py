# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's main in the worker of ansible-playbook, as if it were a process of its own.

A module reads its arguments from C(ansible.module_utils.basic) and ends by printing its result and leaving; both are
given to it and taken from it here, so that one C(main) serves both ways.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from typing import Any

from ansible.module_utils import basic
from ansible.module_utils.common import json as ansible_json
from ansible_collections.progressive.aws.plugins.module_utils.aws import clients
from ansible_collections.progressive.aws.plugins.module_utils.modules import Worker, running_in

OURS = "progressive.aws."
MODULES = "ansible_collections.progressive.aws.plugins.modules."
# The profile with which ansible-core 2.19 and later hand arguments to Python modules; earlier ones know none.
PROFILE = "legacy"


def _preload() -> None:
    """Load what every step needs once, in ansible-playbook itself, before it forks its workers."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        clients.preload()
        if "boto3" in sys.modules:
            for found in pkgutil.iter_modules(importlib.import_module(MODULES.rstrip(".")).__path__):
                importlib.import_module(MODULES + found.name)
    finally:
        # What is loaded stays: no worker has to look through it for garbage, and to copy the pages that it is on by
        # that (Python's documentation of gc.freeze, for processes that fork).
        gc.freeze()
        if collecting:
            gc.enable()


_preload()


def can_run(action: str) -> bool:
    """Whether an action is a module of this collection, which is made to run here, and boto3 is there."""
    return action.startswith(OURS) and "boto3" in sys.modules


def run(
    action: str, arguments: Mapping[str, Any], environment: Mapping[str, Any], worker: Worker
) -> dict[str, Any]:
    """Run a module to its end and return its result.

    C(arguments) are its options with those that Ansible adds; C(environment) is the task's, which holds from here on:
    a worker runs nothing else afterwards.
    """
    os.environ.update({str(name): str(value) for name, value in environment.items()})
    module = importlib.import_module(MODULES + action.removeprefix(OURS))
    _hand_over(arguments)
    printed = io.StringIO()
    with redirect_stdout(printed), running_in(worker), suppress(SystemExit):
        module.main()
    return _read(printed.getvalue())


def _hand_over(arguments: Mapping[str, Any]) -> None:
    encoder: Any = getattr(ansible_json, "get_module_encoder", None)
    if encoder is None:
        from ansible.module_utils.common.text.converters import jsonify

        basic._ANSIBLE_ARGS = jsonify({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        return
    encoding = encoder(PROFILE, ansible_json.Direction.CONTROLLER_TO_MODULE)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}, cls=encoding).encode()
    basic._ANSIBLE_PROFILE = PROFILE


def _read(printed: str) -> dict[str, Any]:
    text = printed.strip().rpartition("\n")[2]
    decoder: Any = getattr(ansible_json, "get_module_decoder", None)
    if decoder is None:
        return dict(json.loads(text))
    return dict(json.loads(text, cls=decoder(PROFILE, ansible_json.Direction.MODULE_TO_CONTROLLER)))
