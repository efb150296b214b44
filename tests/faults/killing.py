# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killing a real run of the playbook, with all its processes, at the moment of one of its writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.demo.running import PLAYBOOKS, ROOT, environment

if TYPE_CHECKING:
    from tests.integration.canary import Deployer

BETWEEN_LOOKS = 0.02


def killed_at(deployer: Deployer, write: int, image_id: str, **more: Any) -> bool:
    """Run C(playbooks/canary.yml) and kill its process group as soon as it has made so many writes.

    Returns whether it was killed, and had not ended by itself before.
    """
    mark = deployer.server.mark()
    with tempfile.TemporaryDirectory() as folder:
        extra = Path(folder) / "variables.json"
        extra.write_text(json.dumps(deployer.variables(image_id, **more)))
        process = subprocess.Popen(
            ["ansible-playbook", str(PLAYBOOKS / "canary.yml"), "--extra-vars", f"@{extra}"],
            cwd=ROOT,
            env=environment(deployer.shop.endpoint),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                if len(deployer.server.writes(mark)) >= write:
                    return True
                time.sleep(BETWEEN_LOOKS)
            return False
        finally:
            # SIGKILL to the group is how a cancelled job ends.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
