# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads task files as Ansible is going to, before anything is touched.

A task file that Ansible cannot load ends the whole playbook, without a rescue: a deployment would stay where it is, and
a hook before a rollback would keep the rollback from happening.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.helpers import load_list_of_blocks
from ansible.playbook.task_include import TaskInclude


def unreadable(files: Sequence[str], task: Any, loader: Any) -> Iterator[str]:
    """Say which files cannot be loaded in the place of a task, and why. Those that are not there are left out."""
    for file in files:
        if not Path(file).is_file():
            continue
        try:
            _load(file, task, loader)
        except AnsibleError as error:
            words = " ".join(str(getattr(error, "message", "") or error).split())
            yield f"{file}: {words}"


def _load(file: str, task: Any, loader: Any) -> None:
    tasks = loader.load_from_file(file)
    if not tasks:
        return
    if not isinstance(tasks, list):
        raise AnsibleError("it is no list of tasks")
    place = {"loader": loader, "variable_manager": getattr(task, "_variable_manager", None)}
    include = TaskInclude.load(
        {"name": file, "ansible.builtin.include_tasks": file}, block=task._parent, role=task._role, **place
    )
    load_list_of_blocks(
        tasks,
        play=task._parent._play,
        parent_block=include.build_parent_block(),
        role=task._role,
        **place,
    )
