# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bake: a revision that has everything is watched for a while before it is live.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..aws.cloudwatch import Request
from ..copying.described import effective_target_groups
from ..core.errors import TimedOut
from ..core.model import INSTANCES, Bake, Deployment, Group, Snapshot
from ..core.passes import Wait
from ..judging.metrics import Metric, Query

if TYPE_CHECKING:
    from ..copying.described import Described, Overrides
    from .rollout import Rollout

# What is done with the outgoing groups until a bake is over: they keep their sizes, or have none.
RUNNING = "running"
STOPPED = "stopped"
OUTGOING = (STOPPED, RUNNING)

_HOUR = 3600
# CloudWatch metrics of Application Load Balancers: published once a minute.
_MINUTE = 60


def bake_of(options: Mapping[str, Any] | None, outgoing: str) -> Bake:
    """The bake that options ask for; its requests have as long again as C(seconds), where not said otherwise."""
    given = options or {}
    seconds, requests = given.get("seconds") or 0, given.get("requests") or 0
    timeout = given.get("requests_timeout")
    more = (seconds if timeout is None else timeout) if requests else 0
    return Bake(seconds, requests, more, outgoing == RUNNING)


def bake_problems(bake: Bake, *, old_first: bool, scale_out: bool) -> list[str]:
    """Say what is wrong with a bake by itself; an empty list where nothing is."""
    problems = [
        f"bake has {name} {value}; it must be 0 or more"
        for name, value in (
            ("seconds", bake.seconds),
            ("requests", bake.requests),
            ("requests_timeout", bake.requests_timeout),
        )
        if value < 0
    ]
    if bake.requests > 0 and not bake.seconds:
        problems.append("bake has requests and no seconds; say for how long it lasts at least")
    if bake.keeps and not bake.seconds:
        problems.append(
            "bake_outgoing=running (canary_bake_outgoing) needs a bake with seconds (canary_bake)"
        )
    if bake.keeps and old_first:
        problems.append(
            "bake_outgoing=running (canary_bake_outgoing) runs more instances than before, and resize_order=old_first"
            " (canary_resize_order) never does; take one of them"
        )
    if bake.keeps and scale_out:
        problems.append(
            "bake_outgoing=running (canary_bake_outgoing) lets the outgoing groups keep their sizes, and"
            " scaling=scale_out (canary_scaling) lets their policies raise them; take one of them"
        )
    return problems


def request_problems(rollout: Rollout, bake: Bake, described: Described, overrides: Overrides) -> list[str]:
    """Say that the requests of a bake cannot be counted; an empty list where they can, or where there are none."""
    if not bake.requests:
        return []
    target_groups = effective_target_groups(described, overrides)
    if rollout.load_balancing.of_application_load_balancers(target_groups):
        return []
    return [
        "bake has requests, and they are counted by an Application Load Balancer, which none of the new group's target"
        " groups has; leave them away, or register it with one"
    ]


def instance_hours(bake: Bake, outgoing: Sequence[Group | Snapshot]) -> float:
    """What a bake costs more than the new group alone: hours of the outgoing groups, in their own units."""
    kept = sum(group.capacity.desired_capacity for group in outgoing) if bake.keeps else 0
    return round(kept * bake.seconds / _HOUR, 2)


def bake_result(bake: Bake, outgoing: Sequence[Snapshot]) -> dict[str, Any]:
    """A bake as modules return it."""
    return {
        "seconds": bake.seconds,
        "requests": bake.requests,
        "requests_timeout": bake.requests_timeout,
        "outgoing": RUNNING if bake.keeps else STOPPED,
        "instance_hours": instance_hours(bake, outgoing),
    }


def bake_words(bake: Bake, outgoing: Sequence[Group]) -> str:
    """What is told of a bake in a plan."""
    requests = f", and until it has served {bake.requests} requests" if bake.requests else ""
    if not bake.keeps:
        return f"bake: {bake.seconds} s{requests}, with the outgoing groups at 0, which costs nothing more"
    units = {group.unit for group in outgoing}
    what = "instance-hours" if units <= {INSTANCES} else "hours of its groups' units"
    running = sum(group.capacity.desired_capacity for group in outgoing)
    return (
        f"bake: {bake.seconds} s{requests}, with {running} outgoing running, which costs"
        f" {instance_hours(bake, outgoing):g} {what}; they run on through all phases before it, too"
    )


def until(deployment: Deployment) -> str:
    """Until when a bake lasts at least, for a line."""
    end = deployment.phase.bake_since + deployment.bake.seconds
    kept = ", in which the outgoing groups keep their sizes" if deployment.bake.keeps else ""
    return f"bake until {datetime.fromtimestamp(end, timezone.utc):%Y-%m-%d %H:%M:%S} UTC{kept}"


def remaining(
    rollout: Rollout, group: Group, deployment: Deployment, attempted: str, state: str
) -> Wait | None:
    """What a bake still waits for; None where it is over.

    Raises:
        TimedOut: the requests that it is to serve have not come in time.
    """
    bake, since = deployment.bake, deployment.phase.bake_since
    now = rollout.aws_now()
    left = since + bake.seconds - now
    if left > 0:
        return Wait((f"{left:.0f} s more of the bake",), left)
    if not bake.requests:
        return None
    served = _served(rollout, group, since, now)
    if served >= bake.requests:
        return None
    words = f"{served:.0f} of {bake.requests} requests served"
    if left + bake.requests_timeout <= 0:
        raise TimedOut(
            attempted,
            answer=f"only {words} in {now - since:.0f} seconds of the bake",
            state=state,
            advice="Ask for fewer requests, or give them more time with requests_timeout (canary_bake).",
        )
    return Wait((f"requests, with {words}",), _MINUTE)


def _served(rollout: Rollout, group: Group, since: float, now: float) -> float:
    """How many requests the group has served: what a target got of each target group, for each of its instances.

    The outgoing groups may be behind the same target groups, so that their requests do not tell. It is counted with
    the instances of now, and from the first whole minute on.
    """
    metrics = [
        Metric(
            name="requests",
            queries=(
                Query("AWS/ApplicationELB", "RequestCountPerTarget", {"TargetGroup": _dimension(arn)}, "Sum"),
            ),
            period=_MINUTE,
        )
        for arn in group.target_group_arns
    ]
    answers = rollout.cloudwatch.data([Request(metric, since, now) for metric in metrics])
    per_target = sum(value for answer in answers for series in answer for __, value in series.points)
    return per_target * len(group.in_service)


def _dimension(arn: str) -> str:
    """CloudWatch's dimension for a target group: the end of its ARN, C(targetgroup/name/id)."""
    return arn.rpartition(":")[2]
