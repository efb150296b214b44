# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's step where the task runs, and shows what happens meanwhile.

On the controller itself the step runs in the worker that ansible-playbook has forked for the task, which has boto3
loaded already. Anywhere else the module is a process, which cannot print while it works, and is repeated pass by pass.

The action plugin of each module is this one: a file of its own makes ansible-playbook load it, and boto3 with it,
before it forks.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleAction, AnsibleActionFail, AnsibleError
from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.progressive.aws.plugins.module_utils.core import lease_owner
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import Orphaned
from ansible_collections.progressive.aws.plugins.module_utils.core.hooks import read_hooks
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Event
from ansible_collections.progressive.aws.plugins.module_utils.modules import WRITTEN, Worker
from ansible_collections.progressive.aws.plugins.module_utils.reporting.run_record import (
    RECORD,
    extended,
    latest,
)
from ansible_collections.progressive.aws.plugins.module_utils.role_input import (
    task_files as task_files_of,
)
from ansible_collections.progressive.aws.plugins.module_utils.role_input import with_phase_variables
from ansible_collections.progressive.aws.plugins.module_utils.sources.secret_options import secrets_of
from ansible_collections.progressive.aws.plugins.plugin_utils import (
    failure,
    in_worker,
    survey_answers,
    task_files,
)
from ansible_collections.progressive.aws.plugins.plugin_utils.following import Following

# Modules that have no passes to repeat: they take none of the options for it.
AT_ONCE = frozenset({"canary_notify", "canary_report", "canary_summary"})

DEFAULT_POLL_INTERVAL = 5.0

# Lists of a result that grow from pass to pass.
GROWING = ("actions", "events", "warnings", "deprecations")
# What passes tell one another, and nobody else.
INTERNAL = ("progress", "asks")

# Callbacks by which standard output is for a machine: what is shown meanwhile goes to standard error.
MACHINES = frozenset({"json", "jsonl", "null"})

COLOURS = {
    "change": constants.COLOR_CHANGED,
    "settled": constants.COLOR_OK,
    "warning": constants.COLOR_WARN,
    "failure": constants.COLOR_ERROR,
}


def _is_this_python(path: str) -> bool:
    """Whether a path is the interpreter of ansible-playbook, perhaps by another of its names.

    C(python) and C(python3) of one folder are the same one; the same file linked from the folder of another virtual
    environment is not.
    """
    ours, theirs = Path(sys.executable), Path(path)
    same_folder = ours.parent.resolve() == theirs.parent.resolve()
    return theirs.is_absolute() and same_folder and ours.resolve() == theirs.resolve()


class ActionModule(ActionBase):
    """The action of every module of the collection."""

    _supports_async = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Repeat passes until one is done or has failed, or C(wait) is false, and return what all came to.

        An option that is null or an empty text counts as not given, so that a variable with no value is an option left
        alone.
        """
        if self._task.async_val:
            raise AnsibleActionFail(
                f"{self._task.action} cannot run with async: it reports while it waits, and wait_timeout limits it."
            )
        super().run(None, task_vars)
        self._memory = StepMemory(self._host(task_vars or {}))
        options = with_phase_variables(survey_answers.understood(self._task.args))
        keeps_record = "run" in options and not self._at_once
        if isinstance(options.get("role"), Mapping):
            options["role"] = self._with_unreadable_files(options["role"], options.get("phases"))
        found = [] if self._at_once else secrets_of(options)
        if found:
            options["secrets"] = [*found, *(options.get("secrets") or ())]
        earlier = latest(options.pop("run")) if keeps_record else {}
        began = time.time()
        following = self._following(options, earlier, keeps_record, task_vars or {})
        following.begin()
        result = self._result(options, task_vars, following)
        if keeps_record:
            record = extended(earlier, self._name, options, result, began, time.time())
            if self._task.check_mode:
                record["planned"] = True
            if self._name == "asg_setup":
                record["steps"] = result.get("steps", [])
            result[RECORD] = record
            following.end(record)
        # With failed_when a failure is perhaps none, and Ansible does not print what it returned.
        if result.get("failed") and not self._task.failed_when:
            return self._failed(result, of_role=keeps_record)
        return result

    def _with_unreadable_files(self, role: Mapping[str, Any], phases: Any) -> dict[str, Any]:
        """The role's further input, with what is wrong with its task files: only Ansible itself can tell."""
        folder = str(role.get("folder") or ".")
        hooks, _problems = read_hooks(role.get("hooks"), folder)
        files = task_files_of(phases if isinstance(phases, list) else [], hooks, folder)
        return {**role, "unreadable": list(task_files.unreadable(files, self._task, self._loader))}

    def _following(
        self, options: dict[str, Any], earlier: dict[str, Any], keeps_record: bool, task_vars: dict[str, Any]
    ) -> Following:
        """Who writes the report while the step goes on; nobody where it is not to be written, or not from here."""
        paths = [] if self._at_once else _texts(survey_answers.structure(options.pop("report", None)))
        if not keeps_record or self._task.check_mode or not self._is_here(task_vars):
            paths = []
        return Following(paths, earlier, self._name, options)

    def _failed(self, result: dict[str, Any], *, of_role: bool) -> dict[str, Any]:
        """End the task with what somebody should read of its failure, and the rest where it is not printed.

        A step of the role tells why at once, in lines, and a refusal leaves it to the end of the run, which follows.
        The whole of it is printed with -v, by a callback for machines, and where the playbook reads the result.
        """
        words = failure.headline(result)
        read = not of_role and (self._task.register or self._task.ignore_errors)
        if _is_for_machine() or Display().verbosity or read:
            result = failure.hidden(result, (*failure.BULKY, RECORD))
        elif of_role:
            for one in failure.lines(result) if not self._task.no_log else ():
                Display().display(f"  {one}", color=COLOURS["failure"])
            result = failure.told_later(result, words)
        else:
            result = failure.in_short(result)
        # From ansible-core 2.19 on, a line of its own stands before the result, and would repeat the message.
        if hasattr(AnsibleAction, "result_contribution"):
            neutral = "The step failed." if self._task.no_log else words
            raise AnsibleAction(neutral, show_content=False, result=result)
        return result

    @staticmethod
    def _host(task_vars: Mapping[str, Any]) -> str:
        return str(task_vars.get("inventory_hostname", ""))

    @property
    def _name(self) -> str:
        return str(self._task.action.rpartition(".")[2])

    def _result(
        self, options: dict[str, Any], task_vars: dict[str, Any] | None, following: Following
    ) -> dict[str, Any]:
        lines, total = Lines(Display(), silent=bool(self._task.no_log)), Total()
        if self._is_here(task_vars or {}):
            shown: list[Mapping[str, Any]] = []
            result = self._in_worker(
                options, task_vars or {}, lambda event: shown.extend(lines.show([event])), following
            )
            self._memory.keep(result)
            total.add(result, shown if shown else lines.show(result.get("events", [])))
            return total.result
        if self._at_once:
            passes = iter([self._execute_module(module_args=options, task_vars=task_vars)])
        else:
            passes = self._passes(options, task_vars)
        for one in passes:
            total.add(one, lines.show(one.get("events", [])))
        return total.result

    @property
    def _at_once(self) -> bool:
        return self._name in AT_ONCE

    def _is_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the task runs on the controller, as the user and with the Python of ansible-playbook."""
        if self._connection.transport != "local" or self._connection.become is not None:
            return False
        host = self._task.delegate_to
        known = task_vars.get("ansible_delegated_vars", {}).get(host, {}) if host else task_vars
        python = str(self._templar.template(known.get("ansible_python_interpreter", "")))
        return _is_this_python(python) and in_worker.can_run(self._task.action)

    def _in_worker(
        self,
        options: Mapping[str, Any],
        task_vars: dict[str, Any],
        show: Callable[[Mapping[str, Any]], None],
        following: Following,
    ) -> Mapping[str, Any]:
        play = os.getppid()

        def ensure_wanted() -> None:
            if os.getppid() != play:
                raise Orphaned("ansible-playbook is gone, so nothing more is done")

        def tell(event: Event) -> None:
            told = event.as_result()
            following.event(told)
            show(told)

        own = (
            {} if self._at_once else {"lease_owner": _owner(play, task_vars), "progress": self._memory.read()}
        )
        arguments = {**own, **options}
        self._update_module_args(self._task.action, arguments, task_vars)
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        return in_worker.run(
            self._task.action,
            arguments,
            environment,
            Worker(tell, ensure_wanted, _ask, following.wait),
        )

    def _passes(
        self, options: Mapping[str, Any], task_vars: dict[str, Any] | None
    ) -> Iterator[Mapping[str, Any]]:
        # The process that runs the play: the same for all of its tasks, and the only one to report to.
        play = os.getppid()
        wait = _read(options, "wait", True, boolean)
        poll_interval = _read(options, "poll_interval", DEFAULT_POLL_INTERVAL, float)
        owner = {"lease_owner": _owner(play, task_vars or {})}
        progress: Any = options.get("progress", self._memory.read())
        while True:
            if os.getppid() != play:
                raise AnsibleActionFail("ansible-playbook is gone, so nothing more is done.")
            result = self._execute_module(
                module_args={**owner, **options, "wait": False, "progress": progress}, task_vars=task_vars
            )
            self._memory.keep(result)
            yield result
            if result.get("failed") or result.get("done", True) or not wait or self._task.check_mode:
                return
            progress = result.get("progress", {})
            if result.get("asks"):
                progress["answer"] = _ask(result["asks"])
                continue
            if not result.get("changed") and not result.get("events"):
                time.sleep(poll_interval)


def _owner(play: int, task_vars: Mapping[str, Any]) -> str:
    return lease_owner.run_name(play, lease_owner.known_as(task_vars, os.environ))


def _ask(prompt: str) -> str:
    """Ask whoever sits at the terminal, for this host alone; empty where there is nobody."""
    try:
        answer = Display().prompt_until(f"{prompt}: ")
    except AnsibleError:
        return ""
    return str(to_text(answer)).strip()


def _texts(paths: Any) -> list[str]:
    """Paths as an option may have them: a list, or one text with commas."""
    several = paths if isinstance(paths, list) else [paths]
    return [part for one in several if one for part in str(one).split(",")]


def _is_for_machine() -> bool:
    return str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2] in MACHINES


def _read(options: Mapping[str, Any], name: str, default: Any, convert: Any) -> Any:
    # What makes no sense here makes none to the module either, and the module says so.
    try:
        return convert(options.get(name, default))
    except (TypeError, ValueError):
        return default


class StepMemory:
    """What the steps of one run tell one another for a host: what they have written lately, and where.

    A step that begins at once after another must know what AWS's answers may not show yet. It stands in the folder for
    temporary files that ansible-playbook has of its own, for its user alone, and ends with it.
    """

    def __init__(self, host: str) -> None:
        """Of the run of ansible-playbook that has forked this worker."""
        name = hashlib.sha256(host.encode()).hexdigest()[:12]
        self._file = Path(constants.DEFAULT_LOCAL_TMP) / f"progressive-{name}.json"

    def read(self) -> dict[str, Any]:
        """The progress with which a step begins."""
        try:
            return {WRITTEN: json.loads(self._file.read_text(encoding="utf-8"))}
        except (OSError, ValueError):
            return {}

    def keep(self, result: Mapping[str, Any]) -> None:
        """Keep what a step has come to tell; without it the next one takes what AWS answers for new."""
        written = (result.get("progress") or {}).get(WRITTEN)
        if written:
            with suppress(OSError):
                self._file.write_text(json.dumps(written), encoding="utf-8")


class Total:
    """What all passes of a step come to, as one result."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.result: dict[str, Any] = {}

    def add(self, latest: Mapping[str, Any], shown: list[Mapping[str, Any]]) -> None:
        """Add a pass; of its events only those C(shown), which are new."""
        grown = {name: self.result.get(name, []) for name in GROWING}
        changed = bool(self.result.get("changed")) or bool(latest.get("changed"))
        self.result = {name: value for name, value in latest.items() if name not in INTERNAL}
        self.result["changed"] = changed
        for name, before in grown.items():
            added = shown if name == "events" else latest.get(name) or []
            whole = before + [one for one in added if name in ("actions", "events") or one not in before]
            if whole or name in latest:
                self.result[name] = whole
        if not self.result.get("waiting_for"):
            self.result.pop("waiting_for", None)
        invocation = self.result.get("invocation")
        if isinstance(invocation, dict):
            for name in INTERNAL:
                invocation.get("module_args", {}).pop(name, None)


class Lines:
    """Shows events on the terminal, one line each, and none again that was the last of its subject."""

    def __init__(self, display: Any, *, silent: bool = False) -> None:
        """Show them on C(display), or nothing at all where the task is not to be logged."""
        self._display = display
        self._silent = silent
        self._latest: dict[str, tuple[Any, Any]] = {}

    def show(self, events: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Show events as they came and return those that were new."""
        new = [event for event in events if self._is_new(event)]
        if not self._silent:
            machine = _is_for_machine()
            for event in new:
                colour = COLOURS.get(event.get("kind", ""))
                self._display.display(line(event, time.localtime()), color=colour, stderr=machine)
        return new

    def _is_new(self, event: Mapping[str, Any]) -> bool:
        subject = str(event.get("subject", ""))
        # Without a subject it is a line of a table, which may well look like another one.
        words = (event.get("kind"), event.get("text"))
        new = not subject or self._latest.get(subject) != words
        self._latest[subject] = words
        return new


def line(event: Mapping[str, Any], at: time.struct_time) -> str:
    """Lay an event out: C(hh:mm:ss subject  text). One without a subject is a line of a table, and stays as it is."""
    # AWS's messages may have line breaks in them.
    subject, text = event.get("subject", ""), str(event.get("text", ""))
    if not subject:
        return text.rstrip()
    return f"{time.strftime('%H:%M:%S', at)} {subject}  {' '.join(text.splitlines())}"
