# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a lease: names of runs, and whether one has died.

A name is C(user@host:pid:start:namespace): of the process that runs the play, when it started in clock ticks
since boot (proc(5), field 22 of stat), and the inode of its namespace of processes, so that a number is never
mistaken for the same number in another container. After that may stand, behind a colon, how people know the run: by a
job of AWX or by the address of a build.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROC = Path("/proc")
# A tag's value has 256 characters, and besides the owner two times stand in it.
LONGEST_NAME = 200
# Variables in which AWX and the automation controller tell a play about its job ("Launch a job", AWX documentation).
AWX_VARIABLES = ("awx", "tower")
# Environment variables in which build servers tell a build its own address.
BUILD_ADDRESSES = ("CI_JOB_URL", "BUILD_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL")


def run_name(pid: int, known_as: str = "") -> str:
    """Name the run of a process of this host, and as what people know it where they do."""
    name = ":".join((_who(), str(pid), _start(pid), _namespace()))
    room = LONGEST_NAME - len(name) - 1
    # The end of an address tells the build.
    return f"{name}:{known_as[-room:]}" if known_as and room > 0 else name


def known_as(variables: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """As what people know a run: a job of AWX, the address of a build, or empty where it is neither.

    C(variables) are those of the play, in which AWX tells its job; C(environment) is that of ansible-playbook.
    """
    for prefix in AWX_VARIABLES:
        if variables.get(f"{prefix}_job_id"):
            user = str(variables.get(f"{prefix}_user_name") or "")
            job = f"AWX job {_plain(str(variables[f'{prefix}_job_id']))}"
            return f"{job} of {_plain(user)}" if user else job
    if environment.get("GITHUB_RUN_ID"):
        parts = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY")
        return _address("/".join([*(environment.get(part, "") for part in parts), "actions/runs"])) + (
            f"/{_plain(environment['GITHUB_RUN_ID'])}"
        )
    return next((_address(environment[name]) for name in BUILD_ADDRESSES if environment.get(name)), "")


def in_words(owner: str) -> str:
    """An owner as people know it: C(AWX job 4711 of ann), with user and host, or else those with the process."""
    who, __, rest = owner.partition(":")
    pid, __, rest = rest.partition(":")
    start, __, rest = rest.partition(":")
    namespace, __, known = rest.partition(":")
    if not (pid.isdigit() and start.isdigit() and namespace.isdigit()):
        return owner
    return f"{known} ({who})" if known else f"{who} (process {pid})"


def has_died(owner: str) -> bool:
    """Whether an owner was a run on this very host whose process is gone. Of others nothing is known."""
    who, __, rest = owner.partition(":")
    pid, __, rest = rest.partition(":")
    start, __, rest = rest.partition(":")
    namespace = rest.partition(":")[0]
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


def _address(text: str) -> str:
    """An address without what may be secret in it, and with what a tag's value can hold."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
    host, slash, path = rest.partition("/")
    plain = scheme + separator + host.rpartition("@")[2] + slash + path.partition("?")[0].partition("#")[0]
    return re.sub(r"[^A-Za-z0-9._:/+-]", "-", plain)


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
