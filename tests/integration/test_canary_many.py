# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several series in one play, however Ansible runs it: each has its own phases, in its own order, and its own end."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.demo.running import Run, environment, run_playbook
from tests.demo.shop import Shop, Sizes
from tests.integration.canary import ERROR_RATE, FAULTLESS, FAULTY, Deployer
from tests.integration.conftest import with_base
from tests.integration.observer import Observer
from tests.recorded import COLLECTION

LAST = {"name": "Primary", "percent": 100}
#: Each service's phases, and how many instances its new group should have had, one after the other.
PHASES: dict[str, tuple[list[dict[str, Any]], list[int]]] = {
    "orders": (
        [{"name": "Canary 25 %", "percent": 25}, {"name": "Canary 50 %", "percent": 50}, LAST],
        [0, 1, 2, 4],
    ),
    "stock": ([{"name": "Canary 25 %", "percent": 25, "verify": ERROR_RATE}, LAST], [0, 1, 4]),
    "tills": ([LAST], [0, 4]),
    "taxes": ([{"name": "Canary 75 %", "percent": 75}, LAST], [0, 3, 4]),
    "texts": ([{"name": "Canary 50 %", "count": 2}, LAST], [0, 2, 4]),
}
BAD = "stock"


@pytest.fixture
def services(deployer: Deployer) -> dict[str, Deployer]:
    """Five services of one shop, each with a base group and a live revision of four instances."""
    found = {}
    for name in PHASES:
        shop = Shop(deployer.server.url, application=f"{deployer.shop.application}{name}", service=name)
        found[name] = Deployer(shop, deployer.server, deployer.folder)
        with_base(found[name])
        found[name].go_live(found[name].image(f"{name}-1"))
    return found


def play_of(
    folder: Path, services: dict[str, Deployer], images: dict[str, str], **keywords: Any
) -> list[str]:
    """Write a play of the services, with its inventory, and return the arguments that run it."""
    hosts = {
        name: {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            **one.variables(images[name], canary_phases=PHASES[name][0], canary_report=None),
        }
        for name, one in services.items()
        if name in images
    }
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    roles = [{"role": "progressive.aws.canary"}]
    play = {"name": "Deploy", "hosts": "all", "gather_facts": False, "roles": roles, **keywords}
    (folder / "play.yml").write_text(json.dumps([play]))
    return [str(folder / "play.yml"), "--inventory", str(folder / "hosts.json")]


def deploy_all(
    deployer: Deployer,
    services: dict[str, Deployer],
    images: dict[str, str],
    more: dict[str, str],
    **keywords: Any,
) -> Run:
    play, *arguments = play_of(deployer.folder, services, images, **keywords)
    environ = {**environment(deployer.shop.endpoint, AWS_ACCESS_KEY_ID=COLLECTION), **more}
    return run_playbook(Path(play), {}, environ, *arguments)


@contextlib.contextmanager
def observed(services: dict[str, Deployer]) -> Iterator[dict[str, Observer]]:
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(Observer(one.shop)) for name, one in services.items()}


def ends(one: Deployer) -> str:
    """Which revision serves, with four instances, and nothing else in service."""
    revisions = one.shop.revisions()
    serving = {name: sizes for name, sizes in revisions.items() if sizes.desired_capacity}
    assert list(serving.values()) == [Sizes(0, 10, 4, 4)], revisions
    return next(iter(serving)).removeprefix(f"{one.shop.series}__")


@pytest.mark.parametrize(
    ("keywords", "live"),
    [
        pytest.param(
            {"strategy": "linear"}, {"orders", "tills", "taxes", "texts"}, marks=pytest.mark.thorough
        ),
        ({"strategy": "ansible.builtin.free"}, {"orders", "tills", "taxes", "texts"}),
        pytest.param(
            {"strategy": "ansible.builtin.host_pinned"},
            {"orders", "tills", "taxes", "texts"},
            marks=pytest.mark.thorough,
        ),
        ({"strategy": "linear", "any_errors_fatal": True}, set()),
        # The second batch never begins; the first service of the first had gone its way with the bad one.
        pytest.param(
            {"strategy": "linear", "serial": 2, "max_fail_percentage": 10},
            {"orders"},
            marks=pytest.mark.thorough,
        ),
    ],
    ids=lambda one: "-".join(str(value) for value in one.values()) if isinstance(one, dict) else "",
)
def test_each_series_has_its_phases_in_their_order_and_its_own_end(
    deployer: Deployer, services: dict[str, Deployer], keywords: dict[str, Any], live: set[str]
) -> None:
    images = {
        name: one.image(f"{name}-2", **(FAULTY if name == BAD else FAULTLESS))
        for name, one in services.items()
    }
    with observed(services) as observers:
        run = deploy_all(deployer, services, images, {}, **keywords)

    assert run.code == 2, run.output
    assert "Traceback" not in run.output
    for name, one in services.items():
        steps = observers[name].desired(f"{one.shop.series}__2")
        assert observers[name].lowest >= 4
        assert ends(one) == ("2" if name in live else "1"), run.output
        if name in live:
            assert steps == PHASES[name][1]
        else:
            # Up as far as it came, phase by phase, and then back.
            risen = steps[: steps.index(max(steps)) + 1] if steps else []
            assert risen == PHASES[name][1][: len(risen)]
            assert f"{one.shop.series}__2" not in one.shop.revisions()
    assert "error rate" in run.output
    if keywords.get("any_errors_fatal"):
        assert "because another host failed" in run.output


def test_output_for_a_machine_stays_its_own(deployer: Deployer, services: dict[str, Deployer]) -> None:
    some = {name: services[name] for name in ("stock", "tills")}
    images = {"stock": some["stock"].image("stock-2", **FAULTY), "tills": some["tills"].image("tills-2")}
    play, *arguments = play_of(deployer.folder, some, images)
    environ = environment(deployer.shop.endpoint, AWS_ACCESS_KEY_ID=COLLECTION)
    found = subprocess.run(
        ["ansible-playbook", play, *arguments],
        env={**environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    stats = json.loads(found.stdout)["stats"]
    assert found.returncode == 2
    assert (stats["stock"]["failures"], stats["tills"]["failures"]) == (1, 0)
    assert "error rate" in found.stdout
    # Who watches sees the lines all the same.
    assert "steady state reached with 4 instances" in found.stderr


@pytest.mark.parametrize(
    ("strategy", "answer", "revision"),
    [
        ("linear", "yes", "2"),
        ("ansible.builtin.free", None, "1"),
        *(
            pytest.param(*one, marks=pytest.mark.thorough)
            for one in (
                ("linear", "well", "1"),
                ("linear", None, "1"),
                ("ansible.builtin.free", "yes", "2"),
                ("ansible.builtin.free", "well", "1"),
            )
        ),
    ],
)
def test_a_person_is_asked_about_a_verdict_that_is_none(
    deployer: Deployer, answer: str | None, revision: str, strategy: str
) -> None:
    one = deployer
    with_base(one)
    one.go_live(one.image("stock-1"))
    # Nothing publishes this metric.
    unknown = json.loads(json.dumps(ERROR_RATE["metrics"]).replace('"Shop"', '"Nowhere"'))
    verify = {**ERROR_RATE, "metrics": unknown, "on_no_data": "inconclusive", "on_inconclusive": "pause"}
    variables = one.variables(
        one.image("stock-2"),
        canary_phases=[{"name": "Canary 25 %", "percent": 25, "verify": verify}, LAST],
        canary_report=None,
        ansible_python_interpreter="{{ ansible_playbook_python }}",
    )
    play = {"hosts": "localhost", "gather_facts": False, "strategy": strategy, "vars": variables}
    path = deployer.folder / "ask.yml"
    path.write_text(json.dumps([{**play, "roles": [{"role": "progressive.aws.canary"}]}]))
    environ = environment(deployer.shop.endpoint, AWS_ACCESS_KEY_ID=COLLECTION)

    code, output = at_terminal(["ansible-playbook", str(path)], environ, "to go on all the same:", answer)

    assert ends(one) == revision, output
    assert code == (0 if revision == "2" else 2)
    assert ("nobody said yes to going on" in output) == (revision == "1")


def at_terminal(
    command: list[str], environ: dict[str, str], prompt: str, answer: str | None
) -> tuple[int, str]:
    """Run a command at a terminal, and type an answer at its prompt; without an answer there is no terminal."""
    if answer is None:
        found = subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return found.returncode, found.stdout + found.stderr
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(command[0], command, environ)
    output, typed = b"", 0
    while True:
        if not select.select([terminal], [], [], 2 if prompt.encode() in output else 60)[0]:
            # Whatever is typed right after the prompt is thrown away by Ansible; a prompt that never comes ends it all.
            if prompt.encode() not in output or typed == 5:
                os.kill(process, signal.SIGKILL)
            else:
                typed += 1
                os.write(terminal, f"{answer}\r".encode())
            continue
        try:
            read = os.read(terminal, 4096)
        except OSError:
            # So it ends where the other side of a terminal is gone.
            break
        if not read:
            break
        output += read
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), output.decode()
