# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build what development needs: build/venv from the pinned requirements, and build/collections.

Run by make before everything else: quick when there is nothing to do, safe when several makes run at once.
It runs on the caller's own Python, so it uses nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
VENV = BUILD / "venv"
REQUIREMENTS = ROOT / "tests" / "requirements.txt"
COLLECTION = BUILD / "collections" / "ansible_collections" / "progressive" / "aws"
# Links to the parts, not to the whole: a link to this folder would contain itself.
LINKED = ("galaxy.yml", "meta", "playbooks", "plugins", "roles", "tests")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at ``path``. Whoever comes second waits, and is told what for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another make to release {path.relative_to(ROOT)}", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fingerprint() -> str:
    """Everything that an installed environment depends on: what is pinned, for which Python, and where."""
    pinned = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return f"{pinned} {sys.version_info[0]}.{sys.version_info[1]} {VENV}\n"


def install() -> None:
    """Make build/venv what tests/requirements.txt says.

    Raises ``subprocess.CalledProcessError`` when venv or pip fails; the next run then starts afresh.
    """
    stamp = VENV / "fingerprint"
    wanted = fingerprint()
    found = stamp.read_text() if stamp.exists() else ""
    if found == wanted:
        return
    stamp.unlink(missing_ok=True)
    # Other pins for the same Python in the same place: pip brings what is there up to date, under the feet
    # of whatever still runs in it. Anything else is made anew.
    if found.split()[1:] != wanted.split()[1:]:
        print(f"Creating {VENV.relative_to(ROOT)} for Python {wanted.split()[1]}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    print(f"Installing {REQUIREMENTS.relative_to(ROOT)} (a minute or two)", flush=True)
    # Twice quiet: pip warns at length of places that it was told to look in and need not.
    quiet = ("-qq", "--disable-pip-version-check", "--no-input")
    subprocess.run([VENV / "bin" / "pip", "install", *quiet, "--requirement", REQUIREMENTS], check=True)
    stamp.write_text(wanted)


def link() -> None:
    """Make build/collections show this checkout as progressive.aws, as Ansible and Python look for it."""
    COLLECTION.mkdir(parents=True, exist_ok=True)
    for stale in COLLECTION.iterdir():
        if stale.name not in LINKED:
            stale.unlink()
    for name in LINKED:
        path, target = COLLECTION / name, ROOT / name
        if not path.is_symlink() or path.readlink() != target:
            path.unlink(missing_ok=True)
            path.symlink_to(target)


def main() -> None:
    """Bring the environment up to date, or say what is in the way and exit with 1."""
    with locked(BUILD / "environment.lock"):
        try:
            install()
        except subprocess.CalledProcessError as error:
            command = " ".join(map(str, error.cmd))
            sys.exit(
                f"\nThe development environment could not be built: {command} failed with {error.returncode}.\n"
                "Above is what venv or pip said. Usual reasons: PyPI cannot be reached (pip's own settings\n"
                "for an index, a proxy or a certificate are honoured), no room on the disk, or a Python\n"
                "without its venv module (Debian: apt-get install python3-venv). Then run make again."
            )
        link()


if __name__ == "__main__":
    main()
