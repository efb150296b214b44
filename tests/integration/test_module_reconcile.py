# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin with a real ansible-playbook, and a module that only counts its passes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.demo.running import COLLECTIONS, environment

# Longer than anything here takes, so that a test ends where something never happens.
PATIENCE = 30.0

# Writes down each pass with all that it was given. Its second pass waits until somebody has seen the first.
COUNTER = """#!/usr/bin/python
import json, os, time
from ansible.module_utils.basic import AnsibleModule

def main():
    module = AnsibleModule(
        argument_spec={
            "passes": {"type": "int", "default": 3},
            "folder": {"type": "path", "required": True},
            "gate": {"type": "bool", "default": False},
            "fail_at": {"type": "int"},
            "wait": {"type": "bool"},
            "poll_interval": {"type": "float"},
            "lease_owner": {"type": "str"},
            "progress": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    folder, number = module.params["folder"], (module.params["progress"] or {}).get("number", 0) + 1
    with open(os.path.join(folder, "passes"), "a") as file:
        file.write(json.dumps({**module.params, "number": number, "COLOUR": os.environ.get("COLOUR"),
                               "check_mode": module.check_mode}) + "\\n")
    until = time.time() + 30
    while module.params["gate"] and number == 2 and not os.path.exists(os.path.join(folder, "gate")):
        if time.time() > until:
            module.fail_json(msg="nobody saw the first pass")
        time.sleep(0.05)
    event = {"kind": "change", "subject": "counter", "text": "pass %d" % number}
    if number == module.params["fail_at"]:
        module.fail_json(msg="no more", events=[event], changed=False)
    module.exit_json(changed=number == 1, done=number >= module.params["passes"], actions=["count"],
                     events=[event], progress={"number": number})

if __name__ == "__main__":
    main()
"""
RUNTIME = {
    "requires_ansible": ">=2.16.0",
    "action_groups": {"all": ["count"]},
}
ACTION = "from ansible_collections.progressive.aws.plugins.plugin_utils.reconcile import ActionModule\n"


class Trial:
    """A collection with a module that counts, and plays of tasks that call it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gate = folder / "gate"
        collection = folder / "ansible_collections" / "trial" / "steps"
        (collection / "plugins" / "modules").mkdir(parents=True)
        (collection / "plugins" / "action").mkdir()
        (collection / "meta").mkdir()
        (collection / "plugins" / "action" / "count.py").write_text(ACTION)
        (collection / "plugins" / "modules" / "count.py").write_text(COUNTER)
        (collection / "meta" / "runtime.yml").write_text(yaml.safe_dump(RUNTIME))
        self.environ = environment(
            "http://127.0.0.1:1",
            ANSIBLE_COLLECTIONS_PATH=f"{COLLECTIONS}{os.pathsep}{folder}",
            # Without a terminal Python would hold the lines back.
            PYTHONUNBUFFERED="1",
        )

    def task(self, **options: Any) -> dict[str, Any]:
        return {"trial.steps.count": {"folder": str(self.folder), **options}}

    def start(
        self, *tasks: dict[str, Any], arguments: tuple[str, ...] = (), **play: Any
    ) -> subprocess.Popen[str]:
        playbook = self.folder / "play.yml"
        plays = [
            {
                "hosts": "localhost",
                "gather_facts": False,
                "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                **play,
                "tasks": list(tasks),
            }
        ]
        playbook.write_text(yaml.safe_dump(plays))
        return subprocess.Popen(
            ["ansible-playbook", str(playbook), *arguments],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *tasks: dict[str, Any], arguments: tuple[str, ...] = (), **play: Any) -> tuple[int, str]:
        """Run a play to its end; its exit code and all that it printed."""
        process = self.start(*tasks, arguments=arguments, **play)
        output, _ = process.communicate(timeout=PATIENCE * 2)
        return process.returncode, output

    @property
    def passes(self) -> list[dict[str, Any]]:
        """What each pass was given, in order."""
        path = self.folder / "passes"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


def shown(output: str) -> list[str]:
    """The live lines of a play, without the time of day."""
    return [line.partition(" ")[2] for line in output.splitlines() if " counter  pass " in line]


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def running(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Any) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.05)


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    yield from process.stdout


def test_a_line_is_on_the_terminal_while_the_task_still_runs(trial: Trial) -> None:
    process = trial.start(trial.task(gate=True))
    seen = []
    for line in lines_of(process):
        seen.append(line)
        if "counter  pass 1" in line:
            trial.gate.touch()
    assert process.wait() == 0
    assert shown("".join(seen)) == ["counter  pass 1", "counter  pass 2", "counter  pass 3"]


def test_when_the_play_is_killed_no_further_pass_is_made(trial: Trial) -> None:
    process = trial.start(trial.task(gate=True, passes=50))
    wait_until(lambda: len(trial.passes) == 2)
    workers = children(process.pid)
    assert workers
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    trial.gate.touch()
    wait_until(lambda: not any(running(worker) for worker in workers))
    assert len(trial.passes) == 2


def test_a_failure_ends_the_passes_and_is_printed_after_its_lines(trial: Trial) -> None:
    code, output = trial.run(trial.task(fail_at=2))
    assert code == 2
    assert shown(output) == ["counter  pass 1", "counter  pass 2"]
    assert output.index("pass 2") < output.index("fatal: [localhost]: FAILED!")
    assert "no more" in output
    assert "progress" not in output


def test_the_result_adds_up_and_its_task_is_changed(trial: Trial) -> None:
    show = {"ansible.builtin.debug": {"msg": "{{ result | to_json }}"}}
    code, output = trial.run({**trial.task(), "register": "result"}, show)
    assert (code, "changed=1" in output) == (0, True)
    for part in (r"\"actions\": [\"count\", \"count\", \"count\"]", r"\"done\": true"):
        assert part in output
    assert "progress" not in output


def test_module_defaults_of_a_group_and_the_environment_reach_every_pass(trial: Trial) -> None:
    code, _ = trial.run(
        {**trial.task(), "environment": {"COLOUR": "red"}},
        module_defaults={"group/trial.steps.all": {"passes": 2, "poll_interval": 0.1}},
    )
    assert code == 0
    assert [(one["passes"], one["poll_interval"], one["COLOUR"]) for one in trial.passes] == [
        (2, 0.1, "red")
    ] * 2


def test_all_tasks_of_a_run_have_one_owner_and_the_next_run_another(trial: Trial) -> None:
    trial.run(trial.task(passes=1), {**trial.task(passes=1), "delegate_to": "localhost"})
    trial.run(trial.task(passes=1))
    first, second, next_run = (one["lease_owner"] for one in trial.passes)
    assert first == second != next_run


def test_in_a_loop_each_item_has_its_own_passes(trial: Trial) -> None:
    code, output = trial.run({**trial.task(passes="{{ item }}"), "loop": [1, 2]})
    assert code == 0
    assert [one["number"] for one in trial.passes] == [1, 1, 2]
    assert shown(output) == ["counter  pass 1", "counter  pass 1", "counter  pass 2"]


def test_in_check_mode_one_pass_is_made_and_shown(trial: Trial) -> None:
    _, output = trial.run(trial.task(), arguments=("--check",))
    assert [one["check_mode"] for one in trial.passes] == [True]
    assert shown(output) == ["counter  pass 1"]


def test_a_task_that_is_not_to_be_logged_shows_no_line(trial: Trial) -> None:
    code, output = trial.run({**trial.task(), "no_log": True})
    assert (code, len(trial.passes), shown(output)) == (0, 3, [])


def test_async_is_refused_before_anything_is_done(trial: Trial) -> None:
    code, output = trial.run({**trial.task(), "async": 30, "poll": 1})
    assert code == 2
    assert "trial.steps.count cannot run with async" in output
    assert trial.passes == []


def test_without_a_terminal_lines_are_plain_text(trial: Trial) -> None:
    _, output = trial.run(trial.task(passes=1))
    assert "\x1b" not in output
