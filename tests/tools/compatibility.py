# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of Ansible on which the collection runs: an environment for each from PyPI, and the tests on it.

C(make compatibility) runs the deployments of C(tests/integration) on every row of C(ROWS) and prints a table. The
package C(ansible) brings the amazon.aws of its time; boto3 and botocore are the oldest that this amazon.aws takes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tools.environment import BUILD, ROOT, locked

FOLDER = BUILD / "compatibility"
#: Where pyenv keeps its Pythons, which need not be in the path.
PYENV = Path("~/.pyenv/versions").expanduser()
#: A good and a bad deployment, the plan, the input, and the modules with their options.
TESTS = (
    "tests/integration/test_compatibility.py",
    "tests/integration/test_canary_guide.py",
    "tests/integration/test_canary_rollback.py",
    "tests/integration/test_canary_plan.py",
    "tests/integration/test_canary_input.py",
    "tests/integration/test_module_steps.py",
)
#: The environment variable by which the tests find ansible-playbook, if not beside their own Python.
BIN = "COMPATIBILITY_BIN"


@dataclass(frozen=True)
class Row:
    """A version of ansible-core with the oldest Python that it runs on, and what goes with it.

    C(ansible) is the package with the collections of its time. C(boto3) and C(botocore) are pinned to the oldest that
    its amazon.aws takes (its C(requirements.txt)); None takes the newest.
    """

    core: str
    python: str
    ansible: str
    boto3: str | None = None
    botocore: str | None = None

    @property
    def folder(self) -> Path:
        """The virtual environment of the row."""
        return FOLDER / self.core

    @property
    def requirements(self) -> list[str]:
        """What is installed in it."""
        pins = [f"boto3=={self.boto3}" if self.boto3 else "boto3"]
        pins.append(f"botocore=={self.botocore}" if self.botocore else "botocore")
        return [f"ansible=={self.ansible}", f"ansible-core=={self.core}.*", *pins]


ROWS = (
    Row("2.16", "3.10", "9.0.1", "1.26.0", "1.29.0"),
    Row("2.17", "3.10", "10.0.1", "1.26.0", "1.29.0"),
    Row("2.18", "3.11", "11.0.0", "1.28.0", "1.31.0"),
    Row("2.19", "3.11", "12.0.0", "1.34.0", "1.34.0"),
    Row("2.20", "3.12", "13.0.0", "1.34.0", "1.34.0"),
    Row("2.21", "3.12", "14.0.0"),
)


def interpreter(minor: str) -> str | None:
    """A Python of a minor version on this machine, such as C(3.10); None where there is none."""
    for found in (shutil.which(f"python{minor}"), *sorted(map(str, PYENV.glob(f"{minor}.*/bin/python")))):
        if not found:
            continue
        # A shim of pyenv is there also for versions that are not.
        asked = subprocess.run(
            [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.strip() == minor:
            return found
    return None


def python_for(row: Row) -> str | None:
    """The oldest Python on this machine with which the row's ansible-core runs."""
    first = int(row.python.partition(".")[2])
    # ansible-core 2.16 to 2.21 each run on three versions of Python ("ansible-core support matrix").
    return next(filter(None, (interpreter(f"3.{minor}") for minor in range(first, first + 3))), None)


def build(row: Row) -> Path | None:
    """Build the row's environment and return its folder of programs; None where no Python of this machine fits.

    Raises:
        subprocess.CalledProcessError: a package cannot be installed.
    """
    python = python_for(row)
    if python is None:
        return None
    stamp = row.folder / "fingerprint"
    wanted = json.dumps([python, row.requirements])
    with locked(BUILD / f"compatibility-{row.core}.lock"):
        if not stamp.exists() or stamp.read_text() != wanted:
            uv = str(Path(sys.executable).parent / "uv")
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", python, row.folder], check=True)
            install = [uv, "pip", "install", "--quiet", "--python", str(row.folder / "bin" / "python")]
            subprocess.run([*install, *row.requirements], check=True)
            stamp.write_text(wanted)
    return row.folder / "bin"


def versions(folder: Path) -> list[str]:
    """What is installed: ansible-core, Python, amazon.aws and botocore."""
    code = (
        "import json, platform, botocore, ansible, ansible.release\n"
        "from pathlib import Path\n"
        "aws = Path(ansible.__file__).parents[1] / 'ansible_collections/amazon/aws/MANIFEST.json'\n"
        "print(json.dumps([ansible.release.__version__, platform.python_version(),\n"
        "  json.loads(aws.read_text())['collection_info']['version'], botocore.__version__]))"
    )
    asked = subprocess.run([folder / "python", "-c", code], capture_output=True, text=True, check=True)
    return list(json.loads(asked.stdout))


def run(row: Row, tests: Sequence[str]) -> tuple[list[str], bool]:
    """Run tests on a row; its line of the table, and whether all passed."""
    folder = build(row)
    if folder is None:
        return [row.core, row.python, "-", "-", f"no Python {row.python} on this machine"], True
    environ = {**os.environ, BIN: str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadscope", *tests]
    ended = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=False)
    summary = ended.stdout.strip().rpartition("\n")[2]
    if ended.returncode:
        print(ended.stdout, flush=True)
    return [*versions(folder), re.sub(r" in .*", "", summary.strip("= "))], ended.returncode == 0


def main() -> None:
    """Run the tests on the rows that are asked for, or on all, and print the table. Fails where one does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--core", nargs="*", help="the versions of ansible-core, such as 2.16; all by default"
    )
    parser.add_argument("--tests", nargs="*", default=TESTS)
    asked = parser.parse_args()
    lines, all_passed = [["ansible-core", "Python", "amazon.aws", "botocore", "tests"]], True
    for row in ROWS:
        if asked.core and row.core not in asked.core:
            continue
        print(f"ansible-core {row.core}", file=sys.stderr, flush=True)
        line, passed = run(row, asked.tests)
        lines.append(line)
        all_passed = all_passed and passed
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())
    sys.exit(not all_passed)


if __name__ == "__main__":
    main()
