# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On the controller a step runs in the worker of ansible-playbook, with all that a task may say of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.demo.running import environment, run_playbook
from tests.demo.shop import Shop
from tests.integration.canary import SIZES, Deployer
from tests.integration.modules import ELSEWHERE

#: As long as nothing here takes.
PATIENCE = 20.0


def play(folder: Path, *tasks: dict[str, Any], **more: Any) -> Path:
    path = folder / "play.json"
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    path.write_text(
        json.dumps(
            [{"hosts": "localhost", "gather_facts": False, "vars": python, **more, "tasks": list(tasks)}]
        )
    )
    return path


def look(series: str, **more: Any) -> dict[str, Any]:
    return {"progressive.aws.asg_series_info": {"series": series}, **more}


#: The interpreter of ansible-playbook by two more of its names.
NAMES = [str(Path(sys.executable).with_name(name)) for name in ("python", "python3")]


@pytest.mark.parametrize(
    "python, expected",
    [("{{ ansible_playbook_python }}", False), *((name, False) for name in NAMES), (ELSEWHERE, True)],
)
def test_only_elsewhere_a_module_is_a_process(
    base: Shop, deployer: Deployer, python: str, expected: bool
) -> None:
    path = play(deployer.folder, look(base.series), vars={"ansible_python_interpreter": python})
    run = run_playbook(path, {}, environment(base.endpoint), "-vvv")
    assert run.code == 0, run.output
    assert ("EXEC /bin/sh" in run.output) is expected


def test_the_environment_of_a_task_holds_in_the_worker(base: Shop, deployer: Deployer) -> None:
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    path = play(
        deployer.folder,
        look(base.series, environment={"AWS_REGION": "us-east-1"}, register="found"),
        look(base.series, environment={"AWS_REGION": ""}),
    )
    run = run_playbook(path, {}, {**environment(base.endpoint), **nobody, "AWS_ACCESS_KEY_ID": "x"})
    assert run.code == 2
    assert "no region is set" in run.output
    assert run.output.count("ok: [localhost]") == 1


def test_a_time_out_of_the_task_ends_it(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    second = deployer.begin(deployer.image("two"), 25)
    upgrade = {"group": second, "percent": 50, "settle_time": 600}
    path = play(deployer.folder, {"progressive.aws.asg_upgrade": upgrade, "timeout": 3})
    began = time.monotonic()
    run = run_playbook(path, {}, environment(base.endpoint))
    assert run.code == 2
    assert "timed out" in run.output.lower()
    assert time.monotonic() - began < PATIENCE


def test_an_orphan_ends_within_seconds_and_changes_nothing_more(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = deployer.begin(deployer.image("two"), 25)
    path = play(
        deployer.folder,
        {
            "progressive.aws.asg_upgrade": {
                "group": second,
                "percent": 50,
                "settle_time": 0,
                # Longer than the test: it is killed in the middle of the first wait.
                "poll_interval": 120,
            }
        },
    )
    mark = deployer.server.mark()
    process = subprocess.Popen(
        ["ansible-playbook", str(path)],
        env=environment(base.endpoint),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + PATIENCE
    while not any(call["operation"] == "UpdateAutoScalingGroup" for call in deployer.server.writes(mark)):
        assert time.monotonic() < until, "it never began"
        time.sleep(0.05)
    time.sleep(1)
    workers = children(process.pid)
    assert workers
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    killed = time.monotonic()
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() - killed < 5, "the orphan lives on"
        time.sleep(0.1)
    # It takes over a deployment that another run has begun.
    assert len(deployer.server.writes(mark)) == 3, "the lease, the phase, and the resize"
    assert base.revisions()[first].desired_capacity == 3


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def test_the_sizes_of_the_guide_are_reached_in_the_worker(base: Shop, deployer: Deployer) -> None:
    path = play(
        deployer.folder,
        {
            "progressive.aws.asg_setup": {
                "series": base.series,
                "base_group": base.base_group,
                "image_id": deployer.image("one"),
                **{name.removeprefix("canary_"): size for name, size in SIZES.items()},
            },
            "register": "made",
            "delegate_to": "localhost",
        },
        {"progressive.aws.asg_upgrade": {"group": "{{ made.group }}", "percent": 100, "settle_time": 0}},
        module_defaults={"group/progressive.aws.aws": {"poll_interval": 0.2}},
    )
    run = run_playbook(path, {}, environment(base.endpoint))
    assert run.code == 0, run.output
    assert base.revisions()[f"{base.series}__1"].in_service == 4
    lines = [line for line in run.lines if "in service" in line]
    assert lines, "each line as it happens"
