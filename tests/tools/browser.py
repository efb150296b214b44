# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a page in headless Chromium, which is installed from Debian where it is missing and that is allowed.

``python -m tests.tools.browser PAGE PICTURE [--width 390] [--height 1600] [--dark]`` takes a picture of a page.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSER = "chromium"
# Nothing of the caller's, nothing from the network, nothing that phones home.
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
LOCK = Path(tempfile.gettempdir()) / "progressive-aws-browser.lock"


class NoBrowser(RuntimeError):
    """There is no Chromium, and it could not be installed."""


def browser() -> str:
    """The path of Chromium; installs Debian's where it is missing.

    Raises:
        NoBrowser: it is missing and cannot be installed.
    """
    with LOCK.open("a") as file:
        # Of several test processes one installs, and the others wait.
        fcntl.flock(file, fcntl.LOCK_EX)
        found = shutil.which(BROWSER)
        return found or _install()


def _install() -> str:
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        raise NoBrowser(f"The test of the report needs {BROWSER}: as root, apt-get install {BROWSER}.")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (("update",), ("install", "-y", "--no-install-recommends", BROWSER)):
        done = subprocess.run([apt, "-qq", *arguments], env=quiet, capture_output=True, text=True)
        if done.returncode != 0:
            raise NoBrowser(f"apt-get {' '.join(arguments)} failed, and there is no {BROWSER}: {done.stderr}")
    found = shutil.which(BROWSER)
    if found is None:
        raise NoBrowser(f"apt-get installed {BROWSER}, but it is not on the path.")
    return found


def document(page: Path, width: int = 1000, height: int = 1600) -> str:
    """The page's document as the browser understood it, as HTML."""
    return _run(page, width, height, "--dump-dom")


def picture(page: Path, path: Path, width: int = 1000, height: int = 1600, *, dark: bool = False) -> None:
    """Take a picture of the page, a PNG; C(dark) as for a reader who prefers that."""
    with tempfile.TemporaryDirectory() as folder:
        shown = page
        if dark:
            # Headless Chromium has no switch for what its reader prefers.
            shown = Path(folder) / "dark.html"
            text = page.read_text(encoding="utf-8")
            shown.write_text(text.replace("(prefers-color-scheme: dark)", "all"), encoding="utf-8")
        _run(shown, width, height, f"--screenshot={path}")


def _run(page: Path, width: int, height: int, *switches: str) -> str:
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser(),
            *SWITCHES,
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            *switches,
            page.resolve().as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{BROWSER} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def main() -> None:
    """Take the picture that the command line asks for."""
    parser = argparse.ArgumentParser(description="Take a picture of a page in headless Chromium.")
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--height", type=int, default=1600)
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    picture(options.page, options.picture, options.width, options.height, dark=options.dark)


if __name__ == "__main__":
    main()
