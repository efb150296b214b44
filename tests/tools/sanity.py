# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity`` on the collection as its users would have it: built, then installed.

ansible-test wants a tree of installed collections, a home folder to keep its own environments in, and pip
from a server of Ansible's. The tree and the home are made below build/sanity, and pip comes from Python's
own ensurepip, so that PyPI is all that is needed.

    python -m tests.tools.sanity [ARGUMENT …]    # arguments go to ansible-test sanity, such as --test pep8
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from ast import literal_eval
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

from tests.tools.environment import BUILD, ROOT, VENV, locked

SANITY = BUILD / "sanity"
COLLECTIONS = SANITY / "ansible_collections"
HOME = SANITY / "home"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
# What pip may be told about where packages come from.
SOURCES = {
    "cert",
    "client-cert",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "no-index",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
}

UNINTERESTING = (
    "Installing requirements for ",
    "Running sanity test ",
    "Using cached pip ",
    "WARNING: Reviewing previous ",
    "WARNING: Using locale ",
)

# ansible-test runs this in each new environment, where it expects get-pip.py.
BOOTSTRAP = """\
import os, subprocess, sys
kept = {name: os.environ[name] for name in os.environ if name != "GET_PIP" and not name.startswith("PIP_")}
ensurepip = [sys.executable, "-m", "ensurepip", "--upgrade"]
subprocess.run(ensurepip, env=kept, check=True, stdout=subprocess.DEVNULL)
"""


def quietly(*command: str | Path) -> str:
    """Run a command, return what it printed, and exit with what it said if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(map(str, command))} failed with {done.returncode}.")
    return done.stdout


def install_collection() -> Path:
    """Build the collection, install the archive in a tree of its own beside amazon.aws, and return where."""
    galaxy = VENV / "bin" / "ansible-galaxy"
    shutil.rmtree(COLLECTIONS, ignore_errors=True)
    for old in SANITY.glob("*.tar.gz"):
        old.unlink()
    quietly(galaxy, "collection", "build", "--output-path", SANITY, ROOT)
    (archive,) = SANITY.glob("*.tar.gz")
    # --force: the checkout itself, seen through build/collections, would pass for an installed copy.
    install = ("collection", "install", "--force", "--offline", "--no-deps", "--collections-path", SANITY)
    quietly(galaxy, *install, archive)
    amazon = find_spec("ansible_collections.amazon")
    assert amazon is not None and amazon.submodule_search_locations is not None
    (COLLECTIONS / "amazon").symlink_to(next(iter(amazon.submodule_search_locations)))
    collection = COLLECTIONS / "progressive" / "aws"
    if (ROOT / ".git").exists():
        # ansible-test would ask this checkout's repository for the files, which ignores all of build.
        quietly("git", "init", "--quiet", collection)
    return collection


def prepare_home() -> None:
    """Put in place what ansible-test's own pip needs; it sees no environment variable of ours but HOME."""
    pip = get_venv_packages(SimpleNamespace(version=PYTHON))["pip"]
    bootstrap = HOME / ".ansible" / "test" / "cache" / f"get_pip_{pip.replace('.', '_')}.py"
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    bootstrap.write_text(BOOTSTRAP)

    # Settings as "global.cert='…'", weakest first, so that the last one said holds.
    settings = configparser.RawConfigParser()
    settings["global"] = {"quiet": "2"}
    for line in quietly(VENV / "bin" / "pip", "config", "list").splitlines():
        name, value = line.split("=", 1)
        option = name.split(".", 1)[1]
        if option in SOURCES:
            settings["global"][option] = literal_eval(value)
    proxy = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY")
    if proxy:
        settings["global"].setdefault("proxy", proxy)
    configuration = HOME / ".config" / "pip" / "pip.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    with configuration.open("w") as file:
        settings.write(file)


def main() -> int:
    """Run the sanity tests, and return ansible-test's exit code."""
    print("ansible-test sanity (a minute, the first time)", flush=True)
    with locked(BUILD / "sanity.lock"):
        SANITY.mkdir(parents=True, exist_ok=True)
        prepare_home()
        ansible_test: list[str | Path] = [VENV / "bin" / "ansible-test", "sanity", "--color", "no"]
        with subprocess.Popen(
            [*ansible_test, "--local", "--requirements", "--python", PYTHON, *sys.argv[1:]],
            cwd=install_collection(),
            env=os.environ | {"HOME": str(HOME)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if not line.startswith(UNINTERESTING):
                    print(line, end="", flush=True)
        return process.returncode


if __name__ == "__main__":
    sys.exit(main())
