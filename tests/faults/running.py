# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running many cases: a scenario is prepared once, and each case is a child process that goes on from there."""

from __future__ import annotations

import dataclasses
import os
import pickle
import traceback
from collections.abc import Callable, Sequence

from tests.faults.cases import FAULTS, RERUNS, SCENARIOS, WAY_OUT, Case, Outcome
from tests.faults.harms import HARMS
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import SETTINGS, START

#: The number of a call (from 1), the fault that it meets, and what is run afterwards.
Arguments = tuple[int, str, str]

_aws: list[InProcess] = []


def world() -> InProcess:
    """The pretend AWS of this process, made once."""
    if not _aws:
        _aws.append(InProcess(dataclasses.replace(SETTINGS), start=START))
    return _aws[0]


def calls_of(scenario: str) -> int:
    """How many calls the undisturbed run of a scenario makes."""
    return Case(world(), SCENARIOS[scenario]).calls()


def cases_of(scenario: str, calls: int) -> list[Arguments]:
    """Every case of a scenario whose undisturbed run makes so many calls."""
    if SCENARIOS[scenario].harmed:
        return [(number, harm, WAY_OUT) for number in range(1, calls + 1) for harm in HARMS]
    return [(number, fault, rerun) for number in range(1, calls + 1) for fault in FAULTS for rerun in RERUNS]


def sweep(
    scenario: str, cases: Sequence[Arguments], processes: int, report: Callable[[Outcome], None]
) -> None:
    """Run cases, so many at a time, and report their outcomes as they come.

    The scenario is prepared and run once. At each of its calls it is forked for the cases in which that call meets
    a fault, so that each case goes on from there.
    """
    by_call: dict[int, list[Arguments]] = {}
    for arguments in cases:
        by_call.setdefault(arguments[0], []).append(arguments)
    running: dict[int, int] = {}
    mine: list[Arguments] = []
    writable = -1

    def at_call(number: int) -> None:
        nonlocal writable
        if mine:
            return
        for arguments in by_call.get(number, []):
            if len(running) >= processes:
                report(_next_outcome(running))
            ends = os.pipe()
            child = os.fork()
            if child == 0:
                mine.append(arguments)
                writable = ends[1]
                case.strike(arguments[1])
                return
            os.close(ends[1])
            running[child] = ends[0]

    case = Case(world(), SCENARIOS[scenario])
    try:
        outcome = case.disturb(at_call, lambda: mine[0] if mine else (0, "nothing", "resume"))
    except BaseException:
        if not mine:
            raise
        outcome = Outcome(f"{scenario}: {mine[0]}", problems=[traceback.format_exc(limit=-3)])
    if mine:
        # An outcome is smaller than what a pipe holds, so that nobody waits for the reader.
        with os.fdopen(writable, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    while running:
        report(_next_outcome(running))


def _next_outcome(running: dict[int, int]) -> Outcome:
    child, __ = os.wait()
    with os.fdopen(running.pop(child), "rb") as pipe:
        written = pipe.read()
    if not written:
        return Outcome("unknown", problems=["the process that ran a case died"])
    outcome: Outcome = pickle.loads(written)
    return outcome
