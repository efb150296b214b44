# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running many cases: a scenario is prepared once, and each case is a child process that goes on from there."""

from __future__ import annotations

import dataclasses
import os
import pickle
import random
import traceback
from collections.abc import Callable, Sequence

from tests.faults.cases import FAULTS, RERUNS, WAY_OUT, Arguments, Case, Outcome
from tests.faults.harms import HARMS
from tests.faults.scenarios import SCENARIOS
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import SETTINGS, START

#: How many calls after the first fault's the second strikes: half of them soon, while the first is being dealt with,
#: and half of them within about what a rollback and a run make, so also in the run afterwards.
SOON, FAR = 12, 60

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
        return [Arguments(number, harm, WAY_OUT) for number in range(1, calls + 1) for harm in HARMS]
    return [
        Arguments(number, fault, rerun)
        for number in range(1, calls + 1)
        for fault in FAULTS
        for rerun in RERUNS
    ]


def pairs_of(scenario: str, calls: int, count: int, seed: int) -> list[Arguments]:
    """So many cases with two faults of a scenario whose undisturbed run makes so many calls, chosen by a seed."""
    chance = random.Random(f"{seed} {scenario}")
    return [
        Arguments(
            number=chance.randint(1, calls),
            fault=chance.choice(list(FAULTS)),
            rerun=chance.choice(RERUNS),
            second=chance.choice(list(FAULTS)),
            later=chance.randint(1, chance.choice((SOON, FAR))),
        )
        for __ in range(count)
    ]


def sweep(
    scenario: str, cases: Sequence[Arguments], processes: int, report: Callable[[Outcome], None]
) -> None:
    """Run cases, so many at a time, and report their outcomes as they come.

    The scenario is prepared and run once. At each of its calls it is forked for the cases in which that call meets
    a fault, so that each case goes on from there.
    """
    by_call: dict[int, list[Arguments]] = {}
    for arguments in cases:
        by_call.setdefault(arguments.number, []).append(arguments)
    running: dict[int, int] = {}
    mine: list[Arguments] = []
    writable = -1

    def at_call(number: int) -> None:
        nonlocal writable
        if mine:
            case.next_call()
            return
        for arguments in by_call.get(number, []):
            if len(running) >= processes:
                report(_next_outcome(running))
            ends = os.pipe()
            child = os.fork()
            if child == 0:
                mine.append(arguments)
                writable = ends[1]
                case.begin(arguments)
                return
            os.close(ends[1])
            running[child] = ends[0]

    case = Case(world(), SCENARIOS[scenario])
    try:
        outcome = case.disturb(at_call, lambda: mine[0] if mine else Arguments(0, "nothing", "resume"))
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
