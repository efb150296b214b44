# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When not to deploy: what blocks the start of a deployment and of each of its phases, and how long is waited for it.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..aws.systems_manager import OPEN
from ..core.errors import Blocked
from ..core.passes import LONGEST_INTERVAL, Tell, Wait
from ..core.time_windows import Hours, read_hours
from .alarm_watch import missing_problems, named
from .progress import DeploymentProgress
from .progress_lines import Telling

if TYPE_CHECKING:
    from .rollout import Rollout

# CloudWatch's word for an alarm whose condition does not hold.
OK = "OK"


@dataclass(frozen=True)
class Blockers:
    """What must be so before a deployment and each of its phases begin; for C(wait) seconds it is waited for.

    C(alarms) are to be OK, C(calendars), by name or ARN, open. C(problems) are what is wrong with it by itself.
    """

    alarms: tuple[str, ...] = ()
    hours: Hours = field(default_factory=Hours)
    calendars: tuple[str, ...] = ()
    wait: float = 0.0
    problems: tuple[str, ...] = ()


def read_blockers(given: Mapping[str, Any] | None) -> Blockers:
    """Blockers as options have them."""
    given = given or {}
    hours, wrong = read_hours(given)
    alarms, calendars = named(given.get("alarms")), named(given.get("change_calendars"))
    wait = float(given.get("wait") or 0)
    problems = [f"blockers: {words}" for words in wrong]
    if not all((*alarms, *calendars)):
        problems.append("blockers: a name of an alarm or of a change calendar is empty")
    if wait < 0:
        problems.append(f"blockers: wait is {wait:g}; it must be 0 seconds or more")
    return Blockers(alarms, hours, calendars, wait, tuple(problems))


def unknown(rollout: Rollout, blockers: Blockers) -> list[str]:
    """Say which alarms and calendars there are not, before anything is touched."""
    known = rollout.cloudwatch.alarms(blockers.alarms)
    problems = missing_problems(rollout, [name for name in blockers.alarms if name not in known])
    calendars = map(rollout.systems_manager.calendar, blockers.calendars)
    problems += [f"there is no change calendar {one.name}: {one.problem}" for one in calendars if one.problem]
    return [f"blockers: {words}" for words in problems]


def reasons(rollout: Rollout, blockers: Blockers) -> list[str]:
    """Say why nothing may begin now; an empty list where it may."""
    found = list(filter(None, [blockers.hours.reason(rollout.aws_now())]))
    states = rollout.cloudwatch.alarms(blockers.alarms)
    for name in blockers.alarms:
        state = states.get(name)
        if state is None:
            found.append(f"alarm {name} does not exist any more")
        elif state.state != OK:
            found.append(f"alarm {name} is in {state.state}: {state.reason}")
    for calendar in map(rollout.systems_manager.calendar, blockers.calendars):
        if calendar.state != OPEN:
            until = f" until {calendar.next_transition}" if calendar.next_transition else ""
            found.append(f"change calendar {calendar.name} is {calendar.problem or f'closed{until}'}")
    return found


def blocked(
    rollout: Rollout,
    blockers: Blockers,
    progress: DeploymentProgress,
    tell: Tell,
    *,
    subject: str,
    attempted: str,
    state: str,
) -> Wait | None:
    """What something that is about to begin waits for; None where it may begin.

    C(progress) keeps since when it has waited, and that this counts for no time-out.

    Raises:
        Blocked: it may not, and has been waited for long enough.
    """
    words, now = reasons(rollout, blockers), rollout.clock.now()
    since = progress.blocked_since
    if not words:
        progress.blocked_since = None
        return None
    progress.blocked_since = since = now if since is None else since
    waited = now - since
    if waited >= blockers.wait:
        raise Blocked(
            attempted,
            answer=f"{'; '.join(words)}" + (f" (waited for {waited:.0f} seconds)" if waited else ""),
            state=state or "Nothing was touched.",
            advice="Run it again when nothing blocks it; blockers (canary_blockers) with wait waits for that.",
        )
    # Nothing has begun, so that the time-out begins anew.
    progress.held = now - (since if progress.started is None else progress.started)
    Telling(progress, tell).once("blockers", "plan", subject, f"waits to begin: {'; '.join(words)}")
    return Wait(tuple(words), LONGEST_INTERVAL)
