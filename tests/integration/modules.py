# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calling single modules of the collection, as an ad-hoc command of a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.demo.running import COLLECTIONS, ROOT, environment
from tests.demo.shop import Shop

#: The interpreter of ansible-playbook, with which a step runs in its worker.
HERE = sys.executable


def _another_python() -> str:
    """A Python that is not ansible-playbook's own, as far as anybody can see, and has the same libraries."""
    path = ROOT / "build" / "elsewhere" / "python3"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"python3.{os.getpid()}")
    new.write_text(f'#!/bin/sh\nexec {HERE} "$@"\n')
    new.chmod(0o755)
    new.replace(path)
    return str(path)


#: With it a module is a process of its own.
ELSEWHERE = _another_python()
MODULES = COLLECTIONS / "ansible_collections" / "progressive" / "aws" / "plugins" / "modules"


@dataclass(frozen=True)
class Call:
    """What a module returned, and the lines that were shown before."""

    result: dict[str, Any]
    lines: list[str]

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return bool(self.result.get("failed"))

    def __getitem__(self, name: str) -> Any:
        """What it returned under a name."""
        return self.result[name]


def call(
    shop: Shop,
    module: str,
    *,
    check_mode: bool = False,
    environ: Mapping[str, str] | None = None,
    python: str = HERE,
    **options: Any,
) -> Call:
    """Call a module about a shop's series, with polls so short that a test does not take long."""
    if module != "canary_report":
        options = {"poll_interval": 0.2, "wait_timeout": 60, **options}
    done = subprocess.run(
        [
            "ansible",
            "localhost",
            *("-m", f"progressive.aws.{module}"),
            *("-a", json.dumps(options)),
            *("-e", f"ansible_python_interpreter={python}"),
            *(["--check"] if check_mode else []),
            # A failure is printed whole only so.
            "-v",
        ],
        env=dict(environ or environment(shop.endpoint)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    before, _, after = done.stdout.partition("localhost | ")
    assert after, done.stdout + done.stderr
    word, _, result = after.partition("=>")
    return Call({**json.loads(result), "failed": word.startswith("FAILED")}, before.splitlines())


def documented(module: str) -> set[str]:
    """What a module says that it returns, besides what any module does."""
    source = (MODULES / f"{module}.py").read_text()
    returned = source.partition('RETURN = r"""')[2].partition('"""')[0]
    return {"changed", "failed", "msg", "exception", "warnings"} | set(yaml.safe_load(returned))
