# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification beside another step: the group is judged whenever that waits, window after window, and a fail ends it.

Nothing waits for it. It looks as often as there are new data, which is once in a period.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.errors import InvalidInput, VerificationFailed
from ..core.model import Group
from ..core.naming import short_name
from ..core.passes import Change, Decision, Event, Step, Tell, Wait
from ..core.progress import Progress, as_plain, read
from ..deployment.rollout import Rollout
from ..judging.datapoints import FAIL
from .baseline import VerificationProgress, find_baseline
from .fleet import AwsSurroundings
from .settings import Settings
from .verify import VerdictNotPassed, Verification

# Under which name a step leaves to the next one how far its window is.
HANDED_ON = "watch"


class WatchFailed(VerificationFailed):
    """The verdict of a verification in the background was a fail; C(result) is what it found."""

    def __init__(self, attempted: str, *, answer: str, state: str, result: Mapping[str, Any]) -> None:
        """Keep the verdict beside the words; C(state) is what things are like now."""
        self.result = dict(result)
        super().__init__(
            attempted,
            answer=f"the verification in the background says: {answer}",
            state=state or None,
            advice="Its options are canary_watch (watch). Read which metric it was, and tune with judge.yml on the same"
            " minutes.",
        )


class _InBackground(AwsSurroundings):
    """The surroundings of a verification of which another step keeps the lease and watches the group's health."""

    def accept(self, name: str, attempted: str) -> Change | None:
        """The plan of the deployment knows nothing of it."""
        return None

    def outgoing(self, group: Group, *, fresh: bool) -> Sequence[str] | None:
        """The outgoing groups: a fresh baseline comes and goes with the phases, and no window does."""
        return super().outgoing(group, fresh=False)

    def end_baseline(self, name: str, progress: VerificationProgress) -> Change | None:
        """The phase's own verification does."""
        return None

    def watch(self, name: str, progress: VerificationProgress, tell: Tell, attempted: str) -> None:
        """The step does."""

    def upkeep(self, name: str, progress: VerificationProgress, attempted: str) -> Change | None:
        """The step does."""
        return None


class Watched:
    """A step, and whenever it waits a look at how the group does by another verification than the phase's own.

    Each window of the verification follows on the one before, also where the next step of the run goes on with it. A
    verdict that is inconclusive is told, and no fail.
    """

    def __init__(self, step: Step, rollout: Rollout, settings: Settings) -> None:
        """Do C(step), which is about the group of the settings. Nothing is asked of AWS yet."""
        self._step = step
        self._rollout = rollout
        self._settings = settings
        self._surroundings = _InBackground(rollout)
        self._verification = Verification(settings, rollout.cloudwatch, self._surroundings, rollout.clock)
        self._about = hashlib.sha256(repr(settings).encode()).hexdigest()[:12]
        earlier = rollout.handed_on.get(HANDED_ON) or {}
        same = earlier.get("about") == self._about
        self._kept = read(VerificationProgress, earlier["progress"] if same else {})
        self._refused = ""
        self.subject = step.subject
        self.attempted = step.attempted
        self.state = step.state
        self.takes = step.takes

    @property
    def keeps(self) -> type[Progress]:
        """What the step keeps."""
        return self._step.keeps

    def look(self, progress: Any, tell: Tell) -> Decision:
        """See what the step decides, and where it waits how the group does.

        Raises:
            WatchFailed: the verdict in the background is a fail.
        """
        decision = self._step.look(progress, tell)
        self.subject, self.attempted = self._step.subject, self._step.attempted
        self.state, self.takes = self._step.state, self._step.takes
        if not isinstance(decision, Wait):
            return decision
        now = self._rollout.clock.now()
        if now >= self._kept.next_look:
            self._judge(tell)
            left = {"about": self._about, "progress": as_plain(self._kept)}
            self._rollout.handed_on[HANDED_ON] = left
        # What the step waits for may be longer than until there are new data.
        return replace(decision, soonest=min(decision.soonest, max(0.0, self._kept.next_look - now)))

    def preview(self) -> Mapping[str, Any]:
        """The step's own."""
        return self._step.preview()

    def so_far(self) -> Mapping[str, Any]:
        """The step's own."""
        found: Mapping[str, Any] = getattr(self._step, "so_far", dict)()
        return found

    @property
    def way_out(self) -> str:
        """The step's own words for what else there is to do."""
        return str(getattr(self._step, "way_out", ""))

    def _judge(self, tell: Tell) -> None:
        def in_background(event: Event) -> None:
            # Of what it waits for, and of each period, the report of a phase's own verification tells.
            if event.kind in ("verdict", "warning"):
                self._tell(tell, event.kind, event.text)

        try:
            if self._is_over(in_background):
                self._kept = self._next_window()
            self._refused = ""
        except InvalidInput as error:
            # It was all right at the set-up, and nothing about the new group follows from it.
            words = "; ".join(error.problems)
            if words != self._refused:
                self._tell(tell, "warning", f"nothing is judged now: {words}")
            self._refused = words
            again = self._rollout.clock.now() + self._settings.looks_every
            self._kept = VerificationProgress(next_look=again)

    def _is_over(self, tell: Tell) -> bool:
        """Whether a window has come to its verdict, after a look at it.

        Raises:
            InvalidInput: what there is does not go with the options now.
            WatchFailed: the verdict is a fail.
        """
        try:
            return not isinstance(self._verification.look(self._kept, tell), Wait)
        except VerdictNotPassed as error:
            if error.result.get("verdict") != FAIL:
                return True
            raise WatchFailed(
                self.attempted, answer=str(error.answer), state=self.state, result=error.result
            ) from error

    def _next_window(self) -> VerificationProgress:
        """The window that begins where the last one ends, with whatever there is to compare with by now.

        Raises:
            InvalidInput: there should be something, and is not.
        """
        last, settings = self._kept, self._settings
        start = last.begin + settings.duration
        group = self._surroundings.group(settings.group)
        return VerificationProgress(
            window=start,
            baseline=find_baseline(settings, self._surroundings, group, start),
            next_look=settings.first_look(start),
            instances=last.instances,
            controls=last.controls,
            observed=last.observed,
            places=last.places,
        )

    def _tell(self, tell: Tell, kind: str, text: str) -> None:
        tell(Event(kind, short_name(self._settings.group), f"in the background: {text}"))
