# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alarms that a deployment watches from its first change to its end: one that comes into ALARM ends it.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..aws.cloudwatch import AlarmChange, AlarmState
from ..core.errors import AlarmFired, RolloutError
from ..core.passes import LONGEST_INTERVAL, Tell
from ..core.watched_alarms import ALARM, AlarmsAtStart
from .progress import DeploymentProgress
from .progress_lines import Telling

if TYPE_CHECKING:
    from .rollout import Rollout

# Seconds between two readings; a look that comes a moment before its time counts.
BETWEEN_READINGS = LONGEST_INTERVAL - 1.0
# So many changes of an alarm's state are told of it, the newest.
MOST_CHANGES = 5
NEAR = 3


def named(names: Iterable[str] | None) -> tuple[str, ...]:
    """The names of alarms as somebody gave them, each once."""
    return tuple(dict.fromkeys(name.strip() for name in names or ()))


def name_problems(names: Sequence[str]) -> list[str]:
    """Say what is wrong with the names of alarms by themselves."""
    return [] if all(names) else ["watched_alarms has an empty name"]


def at_start(
    rollout: Rollout, names: Sequence[str], known: AlarmsAtStart
) -> tuple[AlarmsAtStart, list[str], list[str]]:
    """The states of the alarms before a deployment changes anything, beside those that are C(known).

    Returns them, what is wrong, and what there is to warn of: an alarm that is in ALARM says nothing about what comes.
    """
    names = [name for name in names if not known.knows(name)]
    states = rollout.cloudwatch.alarms(names)
    missing = [name for name in names if name not in states]
    warnings = [
        f"alarm {name} is in ALARM already ({state.reason}), so that it cannot stop this deployment"
        for name, state in states.items()
        if state.state == ALARM
    ]
    found = known.extended({name: state.state for name, state in states.items()})
    return found, missing_problems(rollout, missing), warnings


def missing_problems(rollout: Rollout, missing: Sequence[str]) -> list[str]:
    """Say of alarms that are not there which ones have names that are near."""
    known = rollout.cloudwatch.alarm_names() if missing else []
    problems = []
    for name in missing:
        near = difflib.get_close_matches(name, known, n=NEAR)
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        problems.append(f"there is no alarm {name!r} in this region and account{meant}")
    return problems


def watch_alarms(
    rollout: Rollout,
    names: Sequence[str],
    start: AlarmsAtStart,
    progress: DeploymentProgress,
    tell: Tell,
    *,
    subject: str,
    attempted: str,
    state: str,
    at_once: bool = False,
) -> None:
    """See whether an alarm has come into ALARM that was not so when the deployment began.

    They are read every 15 seconds, or C(at_once). C(subject) is the new group, C(state) says what things are like now.

    Raises:
        AlarmFired: one has.
    """
    now = rollout.clock.now()
    if not names or (now < progress.next_alarms and not at_once):
        return
    progress.next_alarms = now + BETWEEN_READINGS
    states = rollout.cloudwatch.alarms(names)
    for name in names:
        if name not in states:
            words = f"alarm {name} does not exist any more, and nobody watches for it"
            Telling(progress, tell).once(f"alarm {name}", "warning", subject, words)
    fired = [one for one in states.values() if one.state == ALARM and not start.was_firing(one.name)]
    if fired:
        raise _failure(rollout, fired, start, attempted, state)


def _failure(
    rollout: Rollout, fired: Sequence[AlarmState], start: AlarmsAtStart, attempted: str, state: str
) -> AlarmFired:
    words, result = [], []
    for alarm in fired:
        history = _history(rollout, alarm.name)
        told = "; ".join(f"{_moment(one.at)} {one.summary}" for one in history)
        kind = "composite alarm" if alarm.composite else "alarm"
        unknown = (
            ""
            if start.knows(alarm.name)
            else " (what it was when the deployment began is not in its journal)"
        )
        words.append(
            f"{kind} {alarm.name} is in ALARM since {_moment(alarm.since)}{unknown}: {alarm.reason}"
            + (f" (its history: {told})" if told else "")
        )
        result.append(_as_result(alarm, history))
    return AlarmFired(
        attempted,
        answer="; ".join(words),
        state=state,
        advice="Find out whether the new revision is the reason before it is deployed again. An alarm that has nothing"
        " to do with it does not belong in watched_alarms (canary_alarms).",
        result={"alarms": result},
    )


def _history(rollout: Rollout, name: str) -> list[AlarmChange]:
    """The newest changes of an alarm's state; none where they cannot be read, since the alarm counts all the same."""
    try:
        return rollout.cloudwatch.alarm_history(name, MOST_CHANGES)
    except RolloutError:
        return []


def _as_result(alarm: AlarmState, history: Sequence[AlarmChange]) -> dict[str, Any]:
    return {
        "name": alarm.name,
        "state": alarm.state,
        "since": alarm.since,
        "reason": alarm.reason,
        "history": [{"at": one.at, "summary": one.summary} for one in history],
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%H:%M:%S UTC")
