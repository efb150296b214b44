# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, told so that somebody woken at night knows what to do.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class RolloutError(Exception):
    """Something stopped a pass.

    Args:
        attempted: what was being done, as "resize group x to 2".
        answer: what AWS (or the world) answered, in its own words.
        state: what state things are in now.
        advice: what to do next.

    C(reason) is a short word for machines, such as C(launch_failed), and C(outcome) what the pass had come
    to when it was raised, as a module returns it; modules return both.
    """

    reason = "error"
    outcome: Mapping[str, Any] | None = None

    def __init__(
        self,
        attempted: str,
        *,
        answer: str | None = None,
        state: str | None = None,
        advice: str | None = None,
    ) -> None:
        """Compose the message from its parts; see the class."""
        self.attempted = attempted
        self.answer = answer
        self.state = state
        self.advice = advice
        super().__init__(attempted)

    def __str__(self) -> str:
        """The whole message, a sentence a part."""
        parts = [
            f"{self.attempted}: {self.answer}" if self.answer else self.attempted,
            self.state,
            self.advice,
        ]
        return " ".join(_sentence(part) for part in parts if part)

    def add_state(self, state: str) -> None:
        """Say more of what state things are in now, for whoever caught it and went on tidying up."""
        self.state = f"{_sentence(self.state)} {state}" if self.state else state


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."


class InvalidInput(RolloutError):
    """Input that is refused before anything is touched; C(problems) lists all that is wrong with it."""

    reason = "invalid_input"

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the list of problems, one sentence each."""
        self.problems = tuple(problems)
        super().__init__(
            "Refused, nothing was touched: " + " ".join(_sentence(problem) for problem in self.problems)
        )


class AwsError(RolloutError):
    """AWS refused a call, or could not be reached within the time allowed.

    C(code) is AWS's error code, or the class of botocore's exception where there was no answer.
    """

    reason = "aws_error"

    def __init__(
        self,
        attempted: str,
        *,
        code: str,
        answer: str,
        state: str | None = None,
        advice: str | None = None,
        repeated: bool = False,
    ) -> None:
        """Keep AWS's error code beside the words.

        C(repeated) says that the call had been sent before and its answer was lost, so that this is perhaps the
        answer to what had been done already.
        """
        self.code = code
        self.repeated = repeated
        super().__init__(attempted, answer=f"{answer} ({code})", state=state, advice=advice)


class AccessDenied(AwsError):
    """The caller may not do it. Never retried; C(action) is the IAM action that is missing."""

    reason = "access_denied"

    def __init__(self, attempted: str, *, action: str, code: str, answer: str) -> None:
        """Name the IAM action that is missing, as C(autoscaling:UpdateAutoScalingGroup)."""
        self.action = action
        super().__init__(
            attempted,
            code=code,
            answer=answer,
            advice=f"Allow {action} to the credentials in use; docs/iam.md has the whole policy.",
        )


class LateAnswers(RolloutError):
    """AWS has gone on to answer as things were before something was written, for longer than is waited for."""

    reason = "late_answers"


class NoCredentials(RolloutError):
    """There are no usable credentials, or no region."""

    reason = "no_credentials"


class LaunchFailed(RolloutError):
    """Auto Scaling could not launch an instance of the new group, or loses them again and again."""

    reason = "launch_failed"


class BaselineFailed(RolloutError):
    """A fresh baseline of the outgoing image cannot come up, which says nothing about the new image."""

    reason = "baseline_failed"


class TimedOut(RolloutError):
    """A group did not settle in time."""

    reason = "timed_out"


class UnknownSeries(RolloutError):
    """There is no such series, or no such group of it: a name is wrong, or the region or the account."""

    reason = "unknown_series"


class Locked(RolloutError):
    """Another deployment of the series is under way."""

    reason = "locked"


class RollingBack(Locked):
    """The deployment that is under way is being taken back; that must end first."""

    reason = "rolling_back"


class Overtaken(RolloutError):
    """Somebody else took the deployment over; nothing more may be touched."""

    reason = "overtaken"


class Drifted(RolloutError):
    """A group is not as the journal says it should be."""

    reason = "drift"


class NewerJournal(RolloutError):
    """A deployment was written down by a later release, in a format that this one does not know."""

    reason = "newer_journal"


class RunFailed(RolloutError):
    """A run of the role has failed; raised when it has been reported."""

    reason = "run_failed"

    def __init__(self, words: str, result: Mapping[str, Any]) -> None:
        """Say why in whole sentences; C(result) is what the module returns besides."""
        self.result = dict(result)
        super().__init__(words)


class Orphaned(RolloutError):
    """The ansible-playbook that wanted the step is gone."""

    reason = "orphaned"


class Blocked(RolloutError):
    """Something says that nothing may begin now: an alarm, a time window or a change calendar."""

    reason = "blocked"


class AlarmFired(RolloutError):
    """An alarm that the deployment watches has come into ALARM; C(result) is what the module returns of it."""

    reason = "alarm"

    def __init__(
        self,
        attempted: str,
        *,
        result: Mapping[str, Any],
        answer: str | None = None,
        state: str | None = None,
        advice: str | None = None,
    ) -> None:
        """Keep the alarms beside the words."""
        self.result = dict(result)
        super().__init__(attempted, answer=answer, state=state, advice=advice)


class VerificationFailed(RolloutError):
    """The verdict on the new revision was not a pass."""

    reason = "verification_failed"
