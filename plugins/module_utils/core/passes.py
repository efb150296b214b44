# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a step: look, decide, change, look again, until it is done.

Where the step runs in the worker of ansible-playbook it runs to its end (C(run_to_the_end)). Where a module is a
process of its own it is repeated, pass by pass, until it is done (C(run_pass)). A pass changes
things once and first, and reads afterwards, so that a pass orphaned by a killed job stops changing things
within seconds. Whatever a pass must tell the next one travels in its progress, which the caller hands back.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Union

from .errors import RolloutError, TimedOut
from .progress import Progress, as_plain, read


class Clock(Protocol):
    """Where time comes from; tests replace it."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Event:
    """One line worth telling while a step works.

    C(subject) is what it is about, usually a group's short name. C(kind) is one of C(plan), C(change),
    C(activity), C(capacity), C(health), C(settled), C(verdict), C(warning) or C(failure). C(at) is when it was
    told, in seconds since the epoch, and no part of what it says; C(in_service) is how many instances of the
    subject were in service then, where that is what it is about.
    """

    kind: str
    subject: str
    text: str
    at: float | None = field(default=None, compare=False)
    in_service: int | None = field(default=None, compare=False)

    def as_result(self) -> dict[str, Any]:
        """The event as modules return it."""
        told: dict[str, Any] = {"kind": self.kind, "subject": self.subject, "text": self.text}
        facts = {"at": self.at, "in_service": self.in_service}
        return told | {name: fact for name, fact in facts.items() if fact is not None}


Tell = Callable[[Event], None]


@dataclass(frozen=True)
class Change:
    """Something to do next: C(perform) does it, C(words) say it in the imperative, a line each.

    In check mode the words are reported and nothing is performed. Without words it is upkeep, such as renewing
    a lease, and does not count as a change. With C(wait_after) there is nothing to see before some time has passed, as
    after a resize. A C(prelude) is upkeep that must come first: what the words say is decided on anew after it, and in
    check mode they are reported as if there were none.
    """

    words: tuple[str, ...]
    perform: Callable[[], None]
    wait_after: bool = False
    prelude: bool = False


@dataclass(frozen=True)
class Wait:
    """Nothing to do but wait; C(missing) says what for, a phrase each.

    C(soonest) is in how many seconds the last of it is usually there; 0 where nobody knows.
    """

    missing: tuple[str, ...]
    soonest: float = 0.0


@dataclass(frozen=True)
class Ask:
    """A question to a person; the next look finds what was answered in its progress."""

    prompt: str


@dataclass(frozen=True)
class Done:
    """Nothing left to do; C(result) is what the module returns."""

    result: Mapping[str, Any]


Decision = Union[Change, Wait, Ask, Done]  # noqa: UP007 - ansible-test's pylint does not know it of classes


class Step(Protocol):
    """What a module does, as a pass sees it."""

    attempted: str
    """What the step is about, for messages: C(upgrade group x to 2 instances)."""

    subject: str
    """What its changes are about, for lines: usually a group's short name."""

    state: str
    """What state things are in now, for the message of a time-out; empty where nothing need be said."""

    takes: float
    """How many seconds it takes by its own plan, whatever the time-out; 0 where only AWS decides that."""

    @property
    def keeps(self) -> type[Progress]:
        """The kind of record that it keeps from look to look."""

    def look(self, progress: Any, tell: Tell) -> Decision:
        """Observe AWS, tell what happened since last time, and decide.

        What the next look needs it keeps in C(progress), which is of the kind that C(keeps) names. It raises
        RolloutError where the step has failed. It never changes anything in AWS.
        """

    def preview(self) -> Mapping[str, Any]:
        """What check mode returns besides C(actions), after a look that decided on a change."""


@dataclass
class PassResult:
    """What one pass came to."""

    done: bool = False
    changed: bool = False
    actions: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)
    waiting_for: list[str] = field(default_factory=list)
    asks: str = ""

    def as_result(self) -> dict[str, Any]:
        """The pass as a module returns it."""
        return {
            **self.result,
            "changed": self.changed,
            "done": self.done,
            "actions": self.actions,
            "events": [event.as_result() for event in self.events],
            "progress": self.progress,
            "waiting_for": self.waiting_for,
            "asks": self.asks,
        }


# In seconds: nothing is polled in a tight loop.
SHORTEST_POLL_INTERVAL = 0.1


@dataclass(frozen=True)
class Timing:
    """How long to wait and how often to look, in seconds.

    C(wait_timeout) counts from the first pass of the step, C(pass_duration) from the start of each.
    """

    wait_timeout: float = 600.0
    poll_interval: float = 5.0
    pass_duration: float = 10.0


def run_pass(
    step: Step, progress: Mapping[str, Any], clock: Clock, timing: Timing, *, check_mode: bool = False
) -> PassResult:
    """Run one pass of a step.

    Looks and, where the step decides on a change, performs it: once. Then looks on until there is something
    to tell, something to do, or C(timing.pass_duration) is over.

    Raises:
        TimedOut: C(timing.wait_timeout) is over and the step still waits.
        RolloutError: whatever the step raises; its C(outcome) is what the pass had come to.
    """
    outcome, kept = PassResult(), read(step.keeps, progress)
    try:
        _run_pass(step, kept, outcome, clock, timing, check_mode)
    except RolloutError as error:
        outcome.progress = as_plain(kept)
        error.outcome = outcome.as_result()
        raise
    outcome.progress = as_plain(kept)
    return outcome


def _run_pass(
    step: Step, progress: Progress, outcome: PassResult, clock: Clock, timing: Timing, check_mode: bool
) -> None:
    begun = clock.now()
    progress.started = started = begun if progress.started is None else progress.started

    def tell(event: Event) -> None:
        outcome.events.append(replace(event, at=round(clock.now(), 3)))

    decision = step.look(progress, tell)
    if isinstance(decision, Change) and decision.prelude and not check_mode:
        # No change of the pass yet: that comes after it.
        decision.perform()
        decision = step.look(progress, tell)
    if isinstance(decision, Change):
        _tell_change(step, decision, outcome, tell, check_mode)
        if check_mode:
            outcome.done = True
            outcome.result = dict(step.preview())
            return
        _perform(decision, progress, lambda: clock.sleep(timing.poll_interval))
        decision = step.look(progress, tell)
    while isinstance(decision, Wait) and not outcome.events:
        progress.changed_last = None
        patience = _refuse_to_wait_longer(step, decision, clock.now() - started - progress.held, timing)
        if clock.now() - begun >= timing.pass_duration or check_mode:
            break
        left = timing.pass_duration - (clock.now() - begun)
        clock.sleep(min(until_next_look(decision, timing, patience), max(timing.poll_interval, left)))
        decision = step.look(progress, tell)
    if isinstance(decision, Wait):
        outcome.waiting_for = list(decision.missing)
        # Nothing happens in check mode, so there is nothing to wait for.
        outcome.done = check_mode
        if check_mode:
            outcome.result = dict(step.preview())
    if isinstance(decision, Ask):
        outcome.asks = decision.prompt
    if isinstance(decision, Done):
        outcome.done = True
        outcome.result = dict(decision.result)


def _perform(change: Change, progress: Progress, wait: Callable[[], None]) -> None:
    """Make a change; the same one as just before, which has had no effect that could be seen, only after a while."""
    if change.prelude:
        change.perform()
        return
    if progress.changed_last == list(change.words):
        wait()
    progress.changed_last = list(change.words)
    change.perform()
    if change.wait_after:
        wait()


def _tell_change(step: Step, change: Change, outcome: PassResult, tell: Tell, check_mode: bool) -> None:
    if change.prelude and not check_mode:
        return
    outcome.changed = outcome.changed or bool(change.words)
    outcome.actions.extend(change.words)
    kind, would = ("plan", "would ") if check_mode else ("change", "")
    for words in change.words:
        tell(Event(kind, step.subject, would + words))


def _refuse_to_wait_longer(step: Step, decision: Wait, waited: float, timing: Timing) -> float:
    """For how many seconds more it may wait.

    Raises:
        TimedOut: there are none left.
    """
    timeout = max(timing.wait_timeout, step.takes)
    if waited >= timeout:
        raise TimedOut(
            step.attempted,
            answer=f"not done after {timeout:g} seconds; still missing: " + ", ".join(decision.missing),
            state=step.state or None,
            advice="Give it more time with wait_timeout, or find out why with the activities of the group."
            + getattr(step, "way_out", ""),
        )
    return timeout - waited


# Whatever is awaited, what fails meanwhile is seen within so many seconds.
LONGEST_INTERVAL = 15.0


def until_next_look(decision: Wait, timing: Timing, patience: float) -> float:
    """For how many seconds not to look: as long as what is awaited usually takes, and never shorter than asked.

    Nothing is waited for longer than there is C(patience), in seconds.
    """
    return max(timing.poll_interval, min(decision.soonest, LONGEST_INTERVAL, patience))


# Is told, whenever a step waits, how to get what it has come to so far, and what is missing.
Follow = Callable[[Callable[[], Mapping[str, Any]], tuple[str, ...]], None]


def nobody(prompt: str) -> str:
    """What is answered where nobody can be asked."""
    return ""


# A wait is cut into pieces of so many seconds, so that a step whose caller is gone ends soon.
WAIT_AT_ONCE = 1.0


def run_to_the_end(
    step: Step,
    clock: Clock,
    timing: Timing,
    *,
    check_mode: bool = False,
    tell: Tell = lambda event: None,
    ensure_wanted: Callable[[], None] | None = None,
    ask: Callable[[str], str] = nobody,
    follow: Follow | None = None,
) -> PassResult:
    """Run a step until it is done, without passes: each event goes to C(tell) as it happens.

    C(ensure_wanted) is called before every change and at least each second of a wait, and raises where nobody wants
    the step any more. C(ask) puts a question to a person, and returns the answer. C(follow) is called at each
    wait.

    Raises:
        TimedOut: C(timing.wait_timeout) is over and the step still waits.
        RolloutError: whatever the step raises; its C(outcome) is what the step had come to.
    """
    outcome = PassResult()
    try:
        _run_to_the_end(step, outcome, clock, timing, check_mode, tell, ensure_wanted, ask, follow)
    except RolloutError as error:
        error.outcome = outcome.as_result()
        raise
    return outcome


def _run_to_the_end(
    step: Step,
    outcome: PassResult,
    clock: Clock,
    timing: Timing,
    check_mode: bool,
    tell: Tell,
    ensure_wanted: Callable[[], None] | None,
    ask: Callable[[str], str],
    follow: Follow | None,
) -> None:
    progress = step.keeps()
    progress.started = started = clock.now()

    def told(event: Event) -> None:
        timed = replace(event, at=round(clock.now(), 3))
        outcome.events.append(timed)
        tell(timed)

    while True:
        decision = step.look(progress, told)
        if isinstance(decision, Done):
            outcome.done, outcome.result = True, dict(decision.result)
            return
        if isinstance(decision, Change):
            _tell_change(step, decision, outcome, told, check_mode)
        if check_mode:
            # Nothing happens in check mode, so there is nothing to wait for.
            outcome.done, outcome.result = True, dict(step.preview())
            return
        if ensure_wanted:
            ensure_wanted()
        if isinstance(decision, Ask):
            progress.answer = ask(decision.prompt)
            continue
        if isinstance(decision, Change):
            _perform(decision, progress, lambda: _wait(clock, timing.poll_interval, ensure_wanted))
            continue
        progress.changed_last = None
        if follow:
            follow(getattr(step, "so_far", dict), decision.missing)
        patience = _refuse_to_wait_longer(step, decision, clock.now() - started - progress.held, timing)
        _wait(clock, until_next_look(decision, timing, patience), ensure_wanted)


def _wait(clock: Clock, seconds: float, ensure_wanted: Callable[[], None] | None) -> None:
    if ensure_wanted is None:
        clock.sleep(seconds)
        return
    until = clock.now() + seconds
    while (left := until - clock.now()) > 0:
        clock.sleep(min(left, WAIT_AT_ONCE))
        ensure_wanted()
