# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the sandbox and the playbooks, each as a process of its own, as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.demo.shop import CREDENTIALS, REGION

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "build" / "collections"
PLAYBOOKS = ROOT / "playbooks"


def ansible_folder() -> Path:
    """Where ansible-playbook stands: beside this Python, or in the environment that a test of compatibility names."""
    return Path(os.environ.get("COMPATIBILITY_BIN") or Path(sys.executable).parent)


class SandboxServer:
    """A running sandbox: C(url) for AWS clients, C(control) for the world behind it."""

    def __init__(self, url: str) -> None:
        """Know where it listens."""
        self.url = url.rstrip("/")

    def control(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Ask the control address: a GET, or a POST of C(body) as JSON. Returns the answer's JSON."""
        request = urllib.request.Request(
            f"{self.url}/sandbox/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method or ("GET" if body is None else "POST"),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise ValueError(f"the sandbox refused {path}: {error.read().decode()}") from error
        return json.loads(text) if text else None

    # ---------------------------------------------------------- what the world does

    def behave(self, image_id: str, behaviour: Mapping[str, Any]) -> None:
        """Let instances of an image behave in this way (C(tests.sandbox.metrics.signals) says how they can)."""
        self.control(f"images/{image_id}", dict(behaviour))

    def fail_launches(self, code: str, times: int | None = None, **match: str) -> None:
        """Let launches fail, C(times) or for good: all, or those with these facts.

        Facts are C(group), C(image_id), C(instance_type), C(zone) and C(subnet_id).
        """
        self.control("launch-failures", {"code": code, "times": times, "match": match})

    def launch_again(self) -> None:
        """Forget all launches that were to fail."""
        self.control("launch-failures", method="DELETE")

    def act(self, instance_id: str, action: str) -> None:
        """Do something to an instance, such as C(unhealthy) (C(tests.sandbox.control.ACTIONS))."""
        self.control(f"instances/{instance_id}", {"action": action})

    def skip(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self.control("clock", {"skip": seconds})

    # ---------------------------------------------------------- what goes wrong with calls

    @contextmanager
    def fault(self, kind: str, **members: Any) -> Iterator[int]:
        """Let calls go wrong within the block (C(tests.sandbox.faults.Fault) has the members); its number."""
        number = int(self.control("faults", {"kind": kind, **members})["number"])
        try:
            yield number
        finally:
            self.control(f"faults/{number}", method="DELETE")

    def denied(self, service: str, operation: str, **members: Any) -> AbstractContextManager[int]:
        """Deny an operation within the block, to everybody or to one C(access_key)."""
        return self.fault("deny", service=service, operation=operation, **members)

    def struck(self, number: int) -> int:
        """How many calls a fault has struck."""
        return next(int(fault["struck"]) for fault in self.control("faults") if fault["number"] == number)

    # ---------------------------------------------------------- what was called

    def mark(self) -> int:
        """The number of the next call, to ask later for the calls since now."""
        return int(self.control("mark")["mark"])

    def calls(self, mark: int = 0) -> list[dict[str, Any]]:
        """The calls since a mark, oldest first (C(tests.sandbox.recording.Recorded) has the members)."""
        return list(self.control(f"calls?since={mark}"))

    def writes(self, mark: int = 0) -> list[dict[str, Any]]:
        """The calls since a mark that could change something, whether they were let or refused."""
        return [call for call in self.calls(mark) if call["write"]]


@contextmanager
def sandbox_server(**settings: float) -> Iterator[SandboxServer]:
    """Start a sandbox on a free loopback port; it ends with the block, or with this process."""
    command = [sys.executable, "-m", "tests.sandbox", "--parent", str(os.getpid())]
    for name, value in settings.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = next(
            (word for line in process.stdout for word in line.split() if word.startswith("http://")), None
        )
        if url is None:
            raise RuntimeError(f"the sandbox did not start: it ended with {process.wait()}")
        yield SandboxServer(url)
    finally:
        process.terminate()
        # A machine with much else to do takes its time.
        process.wait(timeout=60)


@dataclass(frozen=True)
class Run:
    """How a playbook ended: its exit code and all that it printed."""

    code: int
    output: str

    @property
    def lines(self) -> list[str]:
        """What it printed, line by line."""
        return self.output.splitlines()


def environment(endpoint: str, **more: str) -> dict[str, str]:
    """The environment of a user of the pretend AWS, with nothing of the caller's own settings in it."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TERM", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "PATH": os.pathsep.join((str(ansible_folder()), os.environ.get("PATH", os.defpath))),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"),
        "ANSIBLE_HOME": str(ROOT / "build" / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "AWS_ENDPOINT_URL": endpoint,
        # For botocore before 1.31, which does not know the variable: the collections of Ansible read this one.
        "AWS_URL": endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


def run_playbook(
    playbook: str | Path,
    variables: Mapping[str, Any],
    environ: Mapping[str, str],
    *arguments: str,
    tell: Callable[[str], None] | None = None,
) -> Run:
    """Run a playbook, one of ours by its name or any by its path, with extra variables.

    C(tell) gets each line as it comes.
    """
    path = PLAYBOOKS / f"{playbook}.yml" if isinstance(playbook, str) else playbook
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        extra = Path(folder) / "variables.json"
        extra.write_text(json.dumps(variables))
        process = subprocess.Popen(
            [str(ansible_folder() / "ansible-playbook"), str(path), "--extra-vars", f"@{extra}", *arguments],
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if tell:
                tell(line.rstrip("\n"))
        return Run(process.wait(), "".join(lines))
