# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Prometheus on loopback: Debian's package, unpacked below build, never installed."""

from __future__ import annotations

import fcntl
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = "prometheus"
FOLDER = Path(__file__).resolve().parents[2] / "build" / "prometheus"
LOCK = Path(tempfile.gettempdir()) / "progressive-aws-prometheus.lock"
# Seconds until it must be there.
PATIENCE = 60
CONFIGURATION = """\
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: shop
    metrics_path: /sandbox/metrics
    static_configs:
      - targets: ["{target}"]
"""


class NoPrometheus(RuntimeError):
    """There is no Prometheus, and it could not be got."""


def program() -> str:
    """The path of Prometheus; gets Debian's package where there is none.

    Raises:
        NoPrometheus: there is none, and it cannot be got.
    """
    installed = shutil.which(PACKAGE)
    if installed:
        return installed
    unpacked = FOLDER / "usr" / "bin" / PACKAGE
    with LOCK.open("a") as file:
        # Of several test processes one unpacks, and the others wait.
        fcntl.flock(file, fcntl.LOCK_EX)
        if not unpacked.exists():
            _unpack()
    return str(unpacked)


def _unpack() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _run(["apt-get", "-qq", "download", PACKAGE], folder)
        _run(["dpkg", "-x", str(next(Path(folder).glob("*.deb"))), str(FOLDER)], folder)


def _run(command: list[str], folder: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NoPrometheus(f"This needs {PACKAGE}, and {command[0]} is not there: {error}") from error
    if done.returncode != 0:
        raise NoPrometheus(f"This needs {PACKAGE}, and {' '.join(command)} failed: {done.stderr}")


@contextmanager
def scraping(sandbox: str) -> Iterator[str]:
    """Let one scrape the instances of a sandbox, by its URL, each second; its own URL. It ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(target=sandbox.partition("//")[2]))
        process = subprocess.Popen(
            [
                program(),
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ]
        )
        try:
            _wait(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for __ in range(PATIENCE * 10):
        if process.poll() is not None:
            raise NoPrometheus(f"Prometheus ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise NoPrometheus(f"Prometheus was not ready within {PATIENCE} seconds")
