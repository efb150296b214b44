# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a lease: names of runs, and whether one has died.

A name is C(user@host:pid:start:namespace): of the process that runs the play, when it started in clock ticks
since boot (proc(5), field 22 of stat), and the inode of its namespace of processes, so that a number is never
mistaken for the same number in another container.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from pathlib import Path

PROC = Path("/proc")


def run_name(pid: int) -> str:
    """Name the run of a process of this host."""
    return ":".join((_who(), str(pid), _start(pid), _namespace()))


def has_died(owner: str) -> bool:
    """Whether an owner was a run on this very host whose process is gone. Of others nothing is known."""
    who, __, rest = owner.partition(":")
    pid, __, rest = rest.partition(":")
    start, __, namespace = rest.partition(":")
    if who.partition("@")[2] != _host() or not pid.isdigit() or not start.isdigit() or start == "0":
        return False
    return namespace == _namespace() != "0" and _start(int(pid)) != start


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number that has no name.
        user = str(os.getuid())
    return f"{_plain(user)}@{_host()}"


def _host() -> str:
    return _plain(socket.gethostname())


def _plain(text: str) -> str:
    """Keep what both a tag's value and the form of a name can hold."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:64] or "unknown"


def _start(pid: int) -> str:
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "0"
    # The command's name is in parentheses and may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended, though nobody has asked for its exit status yet.
    return "0" if fields[0] == "Z" else fields[19]


def _namespace() -> str:
    try:
        return "".join(filter(str.isdigit, str((PROC / "self" / "ns" / "pid").readlink()))) or "0"
    except OSError:
        return "0"
