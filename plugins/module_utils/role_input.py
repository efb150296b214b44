# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role canary was given, looked at before anything is touched: whatever a later step would refuse.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import difflib
import math
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .core import hooks as hooks_of
from .core.capacity import CAPACITY_FIRST, NO_PHASES, RESIZE_ORDERS, ROLLBACK_ORDERS
from .core.errors import InvalidInput
from .core.hooks import Hook, read_hooks
from .core.passes import SHORTEST_POLL_INTERVAL
from .core.protection import LIFT, REFUSE
from .deployment.fresh_baseline import FRESH
from .reporting.notification import read_notifications
from .reporting.write_report import files

# Variables of the role; a test compares them with its argument specification.
VARIABLES = frozenset(
    {
        "canary_adopt_group",
        "canary_alarms",
        "canary_alarms_of_group",
        "canary_application",
        "canary_bake",
        "canary_baseline",
        "canary_bake_outgoing",
        "canary_base_group",
        "canary_block_device_mappings",
        "canary_blockers",
        "canary_deployment_id",
        "canary_desired_capacity",
        "canary_environment",
        "canary_from_phase",
        "canary_hooks",
        "canary_iam_instance_profile",
        "canary_image_filters",
        "canary_image_id",
        "canary_image_name",
        "canary_image_owners",
        "canary_image_ssm_parameter",
        "canary_instance_type",
        "canary_keep_failed",
        "canary_keep_revisions",
        "canary_key_name",
        "canary_launch_patience",
        "canary_load_balancer_names",
        "canary_max_size",
        "canary_metadata_options",
        "canary_min_size",
        "canary_notifications",
        "canary_on_drift",
        "canary_phases",
        "canary_plan",
        "canary_poll_interval",
        "canary_report",
        "canary_report_index",
        "canary_resize_order",
        "canary_scale_in_protection",
        "canary_capacity_floor",
        "canary_scaling",
        "canary_rollback",
        "canary_rollback_floor",
        "canary_rollback_order",
        "canary_root_device",
        "canary_security_group_ids",
        "canary_series_renamed",
        "canary_service",
        "canary_settle_time",
        "canary_steady_state_timeout",
        "canary_tags",
        "canary_traffic",
        "canary_stage",
        "canary_strategy",
        "canary_take_over",
        "canary_target_group_arns",
        "canary_unknown_members",
        "canary_until_phase",
        "canary_user_data",
        "canary_user_data_file",
        "canary_watch",
    }
)
# What the role sets for the play and its task files, and what the playbooks of the collection take besides.
OTHERS = frozenset(
    {
        "canary_alarm",
        "canary_give_up",
        "canary_group",
        "canary_hosts",
        "canary_instances",
        "canary_live_within",
        "canary_phase",
        "canary_planned",
        "canary_result",
        "canary_summary",
        "canary_run",
        "canary_verify",
        "canary_waves",
    }
)
# Variables of the role that a phase may have for itself, each with the option of the phase's steps that it becomes.
OF_A_PHASE: Mapping[str, str] = {
    "canary_launch_patience": "launch_patience",
    "canary_on_drift": "on_drift",
    "canary_poll_interval": "poll_interval",
    "canary_resize_order": "resize_order",
    "canary_scale_in_protection": "scale_in_protection",
    "canary_settle_time": "settle_time",
    "canary_steady_state_timeout": "wait_timeout",
}
_CHOICES = {
    "canary_on_drift": ("fail", "adopt"),
    "canary_resize_order": RESIZE_ORDERS,
    "canary_scale_in_protection": (LIFT, REFUSE),
}
# The option by which the collection's playbooks have the same looked at.
PLAYBOOK: Mapping[str, Any] = {"variables": {"type": "list", "elements": "str", "default": []}}
PREFIX = "canary_"
# How alike two names are that are probably meant to be one, from 0 to 1.
ALIKE = 0.8


def unknown_variables(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Variables that begin like the role's and are none: those to refuse, and those to warn of."""
    known = VARIABLES | OTHERS
    refused, warned = [], []
    for name in sorted(set(names)):
        if not name.startswith(PREFIX) or name in known:
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=ALIKE)
        if near:
            refused.append(f"there is no variable {name}; did you mean {near[0]}?")
        else:
            warned.append(f"the role does not know the variable {name}, and nothing reads it here")
    return refused, warned


def check_variables(module: Any) -> None:
    """Warn of variables that nothing reads, for a module with the option of C(PLAYBOOK).

    Raises:
        InvalidInput: some are close to variables that there are.
    """
    refused, warned = unknown_variables(module.params["variables"])
    for words in warned:
        module.warn(words)
    if refused:
        raise InvalidInput(refused)


def problems(given: Mapping[str, Any], phases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say what is wrong with what the steps after the set-up are going to be given.

    C(given) has C(variables) (names), C(settle_time), C(launch_patience), C(steady_state_timeout) (seconds),
    C(keep_revisions), C(rollback_order), C(rollback_floor) (a share), C(report) (paths), C(hooks) and C(folder), to
    which task files are relative. C(unreadable) are the task files that Ansible cannot load, each with its words.
    """
    yield from unknown_variables(given.get("variables") or ())[0]
    yield from _number_problems(given)
    order = given.get("rollback_order") or CAPACITY_FIRST
    if order not in ROLLBACK_ORDERS:
        yield f"canary_rollback_order is {order!r}; it must be {' or '.join(ROLLBACK_ORDERS)}"
    yield from part_of(phases, given)[1]
    folder = str(given.get("folder") or ".")
    yield from _phase_problems(phases, folder)
    hooks, wrong = read_hooks(given.get("hooks"), folder)
    yield from wrong
    yield from _file_problems(hooks_of.files(hooks))
    yield from read_notifications(given.get("notifications") or ())[1]
    for file in given.get("unreadable") or ():
        yield f"Ansible cannot run task file {file}"
    for path in given.get("report") or ():
        yield from _report_problems(str(path))


def with_phase_variables(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a step of a phase, with those of its C(phase_vars) that belong to the role in their place.

    What the step has no option for is for another step of the phase, or for its task files.
    """
    found = dict(options)
    given = found.pop("phase_vars", None)
    for name, value in given.items() if isinstance(given, Mapping) else ():
        option = OF_A_PHASE.get(name)
        if option in found and value not in (None, ""):
            found[option] = value
    return found


def _variable_problems(phase: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with the variables that a phase has for itself."""
    given = phase.get("vars")
    if given in (None, ""):
        return
    called = f"phase {phase.get('name')!r}"
    if not isinstance(given, Mapping):
        yield f"vars of {called} must be a dictionary"
        return
    for name in map(str, given):
        if name.startswith(PREFIX) and name not in OF_A_PHASE:
            near = difflib.get_close_matches(name, OF_A_PHASE, n=1, cutoff=ALIKE)
            meant = f"; did you mean {near[0]}?" if near else f"; it may have {', '.join(OF_A_PHASE)}"
            yield f"{called} cannot have a variable {name} of its own{meant}"
    numbers = {name.removeprefix(PREFIX): value for name, value in given.items() if name in OF_A_PHASE}
    for words in _number_problems(numbers):
        yield f"in vars of {called}: {words}"
    for name, known in _CHOICES.items():
        if given.get(name) not in (None, "", *known):
            yield f"in vars of {called}: {name} is {given[name]!r}, and it must be one of {', '.join(known)}"


def _number_problems(given: Mapping[str, Any]) -> Iterator[str]:
    for name, least, most in (
        ("settle_time", 0, math.inf),
        ("launch_patience", 0, math.inf),
        ("steady_state_timeout", 1, math.inf),
        ("poll_interval", SHORTEST_POLL_INTERVAL, math.inf),
        ("keep_revisions", 0, math.inf),
        ("rollback_floor", 0, 1),
    ):
        value = given.get(name)
        if value in (None, ""):
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            yield f"canary_{name} is {value!r}, which is no number"
        elif number < least:
            yield f"canary_{name} is {number:g}; it must be {least} or more"
        elif number > most:
            yield f"canary_{name} is {number:g}; it must be {most} or less"


def _phase_problems(phases: Sequence[Mapping[str, Any]], folder: str) -> Iterator[str]:
    if not phases:
        yield NO_PHASES
    names = Counter(str(phase.get("name") or "").strip() for phase in phases)
    if names.pop("", 0):
        yield "a phase has no name"
    for name, times in names.items():
        if times > 1:
            yield f"{times} phases are called {name!r}"
    for phase in phases:
        try:
            pause = float(phase.get("pause") or 0)
        except (TypeError, ValueError):
            pause = -1
        if pause < 0:
            yield f"phase {phase.get('name')!r} has pause {phase.get('pause')}; it must be 0 seconds or more"
        yield from _variable_problems(phase)
    yield from _file_problems(task_files(phases, {}, folder))


def _file_problems(files: Iterable[str]) -> Iterator[str]:
    for file in files:
        if not Path(file).is_file():
            yield f"there is no task file {file}"


def task_files(phases: Iterable[Any], hooks: Mapping[str, list[Hook]], folder: str) -> list[str]:
    """The paths of all task files that a run may include."""
    listed = [
        str(Path(folder) / file)
        for phase in phases
        if isinstance(phase, Mapping)
        for file in (*_list(phase.get("before")), *_list(phase.get("after")))
    ]
    return list(dict.fromkeys([*listed, *hooks_of.files(hooks)]))


def _report_problems(path: str) -> Iterator[str]:
    try:
        wanted = files(path)
    except InvalidInput as error:
        yield from error.problems
        return
    # A folder of reports is made where only itself is missing.
    folder = wanted[0].parent
    place = folder if folder.is_dir() or len(wanted) == 1 else folder.parent
    if not place.is_dir():
        yield f"the report cannot be written to {path}: there is no folder {place}"
    elif not os.access(place, os.W_OK | os.X_OK):
        yield f"the report cannot be written to {path}: folder {place} cannot be written to"


@dataclass(frozen=True)
class Part:
    """The phases that one run does, by number from 0: C(first) to C(last). C(left) are the names of those after it."""

    first: int
    last: int
    left: tuple[str, ...] = ()


def part_of(phases: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> tuple[Part, list[str]]:
    """The part from C(from_phase) to C(until_phase), both names, of all phases; and what is wrong with the names."""
    names = [str(phase.get("name") or "").strip() for phase in phases]
    problems, numbers = [], {"from_phase": 0, "until_phase": max(0, len(names) - 1)}
    for option in numbers:
        wanted = str(given.get(option) or "").strip()
        if wanted in names:
            numbers[option] = names.index(wanted)
        elif wanted:
            problems.append(
                f"canary_{option} is {wanted!r}, and the phases are {', '.join(map(repr, names))}"
            )
    first, last = numbers["from_phase"], numbers["until_phase"]
    if first > last:
        problems.append(f"canary_from_phase {names[first]!r} comes after canary_until_phase {names[last]!r}")
    return Part(first, last, tuple(names[last + 1 :])), problems


def watch_of(phases: Sequence[Mapping[str, Any]], watch: Mapping[str, Any]) -> tuple[int | None, list[str]]:
    """The number from 0 of the phase after which a verification in the background begins, and what is wrong with it.

    None where there is no such verification.
    """
    if not watch:
        return None, []
    names = [str(phase.get("name") or "").strip() for phase in phases]
    after = str(watch.get("after") or "").strip()
    if after and after not in names:
        return None, [
            f"canary_watch begins after {after!r}, and the phases are {', '.join(map(repr, names))}"
        ]
    return names.index(after) if after else 0, []


def steps(
    phases: Sequence[Mapping[str, Any]],
    folder: str,
    part: Part | None = None,
    hooks: Mapping[str, list[Hook]] | None = None,
    *,
    bakes: bool = False,
    notify: bool = False,
    watched_after: int | None = None,
    fresh: Collection[int] = (),
) -> list[dict[str, Any]]:
    """The steps of the phases in their order, or of a part of them, with the hooks of a deployment that goes well; the
    last phase is followed by the bake, where it C(bakes), and the clean-up.

    Each has C(phase), its number from 0, or None outside of the phases, C(name), which is shown, C(called), the name of
    the phase or the moment, and C(do): C(upgrade), C(verify), C(bake), C(prune), C(notify) with its C(moment), which
    stands where somebody is to be told, or C(task_file) with its C(file), its C(moment), whether it comes C(after) the
    upgrade and whether it C(may_fail). C(so_far) has the kinds of the steps up to this one: what is equal for two hosts
    has been preceded by the same kinds for both. C(watched) says that it comes after the phase of the number
    C(watched_after), where a verification in the background begins. C(hand_over) stands at the last of a part that goes
    back to AWS, where another run goes on. C(baseline) is what the upgrade of a phase whose number is C(fresh) brings
    up to be compared with.
    """
    found: list[dict[str, Any]] = []
    part, hooks = part or part_of(phases, {})[0], hooks or {}

    def add(at: int | None, called: str, words: str, do: str, **more: Any) -> None:
        so_far = f"{found[-1]['so_far']} {do}" if found else do
        step = {"phase": at, "called": called, "name": f"{called}: {words}", "do": do, "so_far": so_far}
        found.append({**step, **more})

    def add_hooks(moment: str, at: int | None, called: str, *, after: bool) -> None:
        for hook in hooks.get(moment) or ():
            more = {"file": hook.file, "after": after, "may_fail": hook.may_fail, "moment": moment}
            add(at, called, hook.file, "task_file", **more)

    def add_files(files: Any, moment: str, at: int, called: str, *, after: bool) -> None:
        for file in _list(files):
            more = {"file": str(Path(folder) / file), "after": after, "may_fail": False, "moment": moment}
            add(at, called, file, "task_file", **more)

    def add_word(moment: str, at: int | None, called: str) -> None:
        if notify:
            add(at, called, "notify", "notify", moment=moment)

    if part.first == 0:
        add_hooks(hooks_of.AFTER_SETUP, None, hooks_of.AFTER_SETUP, after=False)
        add_word(hooks_of.AFTER_SETUP, None, hooks_of.AFTER_SETUP)
    for at, phase in enumerate(phases):
        if not part.first <= at <= part.last:
            continue
        called = str(phase.get("name"))
        add_hooks(hooks_of.BEFORE_PHASE, at, called, after=False)
        add_files(phase.get("before"), hooks_of.BEFORE_PHASE, at, called, after=False)
        add(at, called, "upgrade", "upgrade", **({"baseline": FRESH} if at in fresh else {}))
        if phase.get("verify"):
            add(at, called, "verify", "verify")
        add_files(phase.get("after"), hooks_of.AFTER_PHASE, at, called, after=True)
        add_hooks(hooks_of.AFTER_PHASE, at, called, after=True)
        add_word(hooks_of.AFTER_PHASE, at, called)
        if at == len(phases) - 1:
            if bakes:
                add(at, called, "bake", "bake")
            add_hooks(hooks_of.AFTER_SUCCESS, None, hooks_of.AFTER_SUCCESS, after=True)
            add_word(hooks_of.AFTER_SUCCESS, None, hooks_of.AFTER_SUCCESS)
            add(at, called, "prune", "prune")
    for step in found if watched_after is not None else ():
        at, do = step["phase"], step["do"]
        step["watched"] = at is not None and (at > watched_after or (at == watched_after and do == "bake"))
    if part.left and found:
        next(step for step in reversed(found) if step["do"] in ("upgrade", "verify"))["hand_over"] = True
    return found


def _list(value: Any) -> list[str]:
    if not value:
        return []
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]
