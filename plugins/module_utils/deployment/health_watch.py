# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching a group: how far it is on its way to its sizes, what it does meanwhile, and whether it can get there.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..aws.answers import launch_places
from ..core import health
from ..core.capacity import Standing, fewest_instances
from ..core.errors import LaunchFailed
from ..core.model import Activity, Capacity, Group
from ..core.passes import Tell
from .progress import DeploymentProgress, Watch
from .progress_lines import Telling

if TYPE_CHECKING:
    from .rollout import Rollout

# What to do about a zone that is not served.
ENABLE_ZONE = "enable the zone for the load balancer, or take it from the base group"
# The newest activities of a step: what it returns, and what it judges by whether a group is failing.
MOST_KEPT = 1000


def standing(
    rollout: Rollout,
    group: Group,
    wanted: Capacity,
    progress: DeploymentProgress,
    tell: Tell,
    *,
    settle_time: float,
    attempted: str,
    state: str = "",
    launch_patience: float = health.LAUNCH_PATIENCE,
    served: bool = False,
) -> Standing:
    """See how far a group is on its way to C(wanted), and tell what happened meanwhile.

    It has settled when it has had exactly what it wants for C(settle_time) seconds; one that stood so when
    the step began need not prove it again. C(launch_patience) is for how many seconds launches may fail for reasons of
    the moment in every zone that the group can go to. C(served) says that its load balancers must serve all its zones,
    which an outgoing group may have done without before the deployment.

    Raises:
        LaunchFailed: it cannot get there.
    """
    telling = Telling(progress, tell)
    watch = progress.watched.setdefault(group.name, Watch())
    number = wanted.desired_capacity
    if group.capacity != wanted:
        # It is about to be resized: what had ended before is no news.
        if not watch.begun:
            _begin_watching(rollout, group, watch, telling)
        watch.steady_since, watch.moves_since, watch.arrived = None, None, False
        return Standing(group.name, group.capacity, wanted)
    present = sorted(group.instance_ids)
    arrived = health.arrived(group, number)
    if not (arrived and watch.arrived and watch.present in (None, present)):
        # Only groups that move are asked for their activities.
        _follow(rollout, group, number, watch, telling, attempted, state, launch_patience)
    watch.present, watch.arrived = present, arrived
    telling.capacity(group, number)
    missing = health.missing(group, number, [], registers=False)
    mends = True
    if not missing:
        missing, mends = _missing_targets(rollout, group, number, watch, telling, attempted, served)
    now = rollout.clock.now()
    if mends:
        watch.stuck_since = None
    elif watch.stuck_since is None:
        watch.stuck_since = now
    if missing:
        watch.steady_since = None
        telling.unsettled(group.name)
        watch.moves_since = now if watch.moves_since is None else watch.moves_since
        soonest = 0.0 if arrived else _usual(group, number, progress) - (now - watch.moves_since)
        return Standing(group.name, group.capacity, wanted, tuple(missing), max(soonest, 0.0))
    watch.moves_since = None
    if watch.steady_since is None:
        watch.steady_since = now
    remaining = settle_time - (now - watch.steady_since)
    if remaining > 0:
        return Standing(
            group.name, group.capacity, wanted, (f"{remaining:.0f} s more of steadiness",), remaining
        )
    telling.settled(group, number)
    watch.settled = [one.instance_id for one in group.in_service]
    return Standing(group.name, group.capacity, wanted)


def watch_serving(
    rollout: Rollout,
    group: Group,
    progress: DeploymentProgress,
    tell: Tell,
    *,
    settle_time: float,
    launch_patience: float,
    attempted: str,
    state: str,
) -> tuple[str, ...]:
    """See whether a group that had settled is still well while the deployment waits; its policies may resize it.

    Returns what it lacks.

    Raises:
        LaunchFailed: it is not, as C(refuse_lack) has it, or it cannot launch.
    """
    watch_all_targets(group, progress)
    found = standing(
        rollout,
        group,
        group.capacity,
        progress,
        tell,
        settle_time=0,
        launch_patience=launch_patience,
        served=True,
        attempted=attempted,
        state=state,
    )
    refuse_lack(
        rollout,
        found,
        progress,
        settle_time=settle_time,
        launch_patience=launch_patience,
        attempted=attempted,
        state=state,
    )
    return found.missing


def watch_all_targets(group: Group, progress: DeploymentProgress) -> None:
    """Have the next look ask about all targets of a group: one that turns unhealthy may stay in service."""
    progress.watched.setdefault(group.name, Watch()).settled = []


def refuse_lack(
    rollout: Rollout,
    found: Standing,
    progress: DeploymentProgress,
    *,
    settle_time: float,
    launch_patience: float,
    attempted: str,
    state: str,
) -> None:
    """Fail where a group that had settled has lacked something for too long.

    That is C(settle_time) seconds where nothing is about to mend it. An instance that is being replaced may take as
    long as launches usually do, and C(launch_patience) more.

    Raises:
        LaunchFailed: it has.
    """
    watch, now = progress.watched[found.group], rollout.clock.now()
    if not found.missing or watch.moves_since is None:
        return
    lacks = now - watch.moves_since
    stuck = 0.0 if watch.stuck_since is None else now - watch.stuck_since
    if stuck > settle_time or lacks > launch_patience + (watch.launches_take or 0.0):
        raise LaunchFailed(
            attempted,
            answer=f"for {lacks:.0f} seconds it lacks {', '.join(found.missing)}",
            state=state,
            advice="Find out why with the activities of the group and its targets' health.",
        )


def _usual(group: Group, wanted: int, progress: DeploymentProgress) -> float:
    """How many seconds it usually takes a group to get to C(wanted), as it was in this group, else in the others."""
    grows = group.units_in_service < wanted
    watches = (progress.watched[group.name], *progress.watched.values())
    known = (one.launches_take if grows else one.terminations_take for one in watches)
    return next((seconds for seconds in known if seconds is not None), 0.0)


def begin_watching(rollout: Rollout, group: Group, progress: DeploymentProgress) -> None:
    """Remember what a group had done before it is watched, which is no news and no failure."""
    _begin_watching(
        rollout,
        group,
        progress.watched.setdefault(group.name, Watch()),
        Telling(progress, lambda event: None),
    )


def _follow(
    rollout: Rollout,
    group: Group,
    wanted: int,
    watch: Watch,
    telling: Telling,
    attempted: str,
    state: str,
    launch_patience: float,
) -> None:
    """Read what a group has done since it is watched, and tell it.

    Raises:
        LaunchFailed: it cannot get to what is wanted.
    """
    if not watch.begun:
        _begin_watching(rollout, group, watch, telling)
    # One call a look: what does not fit into it is read by the looks that follow.
    page, token = rollout.autoscaling.page_of_activities(group.name, watch.token)
    new = [one for one in page if _is_new(one, watch)]
    watch.token = token if page and _is_new(page[-1], watch) else ""
    read = {one.activity_id for one in new}
    kept = [*new, *(one for one in watch.activities if one.activity_id not in read)]
    watch.activities = sorted(kept, key=lambda one: one.started, reverse=True)[:MOST_KEPT]
    telling.activities(group.name, new)
    places = launch_places(group)
    instances = fewest_instances(wanted, group.heaviest)
    failing = health.failure(watch.activities, instances, places=places, patience=launch_patience)
    if not failing and any(health.is_failed_launch(one) for one in new):
        telling.tries_again(group.name, launch_patience, keeps_zone=places.keeps_zone)
    if failing:
        telling.capacity(group, wanted)
        raise LaunchFailed(
            attempted,
            answer=failing.answer,
            state=state or f"{group.name} has {group.units_in_service} of {wanted} in service.",
            advice=failing.remedy,
        )


def _is_new(activity: Activity, watch: Watch) -> bool:
    """Whether it began, or was under way, since the group is watched."""
    under_way = activity.ended is None
    return activity.activity_id not in watch.known and (under_way or activity.started >= watch.since)


def _missing_targets(
    rollout: Rollout,
    group: Group,
    wanted: int,
    watch: Watch,
    telling: Telling,
    attempted: str,
    served: bool,
) -> tuple[list[str], bool]:
    """What load balancers still miss of a group whose instances are all in service, and whether that mends itself.

    Those that were healthy when the group settled are asked about again only where an instance has come.

    Raises:
        LaunchFailed: one is in a zone that is to be served, and is not.
    """
    if not wanted or {one.instance_id for one in group.in_service} <= set(watch.settled):
        return [], True
    targets = rollout.load_balancing.health(group.target_group_arns, group.load_balancer_names)
    telling.targets(group, targets)
    if served and any(one.unserved for one in targets):
        # Told by the load balancers themselves: a zone that was enabled a moment ago serves soon.
        enabled = rollout.load_balancing.enabled_zones(group.target_group_arns, group.load_balancer_names)
        zones = {one.availability_zone for one in group.in_service}
        words = health.unserved(group.name, zones, enabled)
        if words:
            raise LaunchFailed(
                attempted,
                answer="; ".join(words),
                state=f"{group.name} has {group.units_in_service} of {wanted} in service.",
                advice=f"{ENABLE_ZONE.capitalize()}.",
            )
    missing = health.missing(group, wanted, targets, served=served)
    return missing, not missing or health.mends_itself(group, targets)


def _begin_watching(rollout: Rollout, group: Group, watch: Watch, telling: Telling) -> None:
    # What had ended before the step began is no news, and no failure of the step. Seen by AWS's own clock.
    earlier, __ = rollout.autoscaling.page_of_activities(group.name)
    ended = [one for one in earlier if one.ended is not None]
    telling.passed_over(ended)
    under_way = [one.started for one in earlier if one.ended is None]
    watch.begun = True
    watch.refreshed = any(map(health.is_refresh, earlier))
    watch.launches_take = health.usual_duration(ended, health.is_launch)
    watch.terminations_take = health.usual_duration(ended, health.is_termination)
    watch.since = min(under_way, default=max((one.started for one in ended), default=0.0))
    watch.known = [one.activity_id for one in ended if one.started >= watch.since]


def launch_patience_problems(launch_patience: float) -> list[str]:
    """Say what is wrong with a patience with launches, in seconds; an empty list where nothing is."""
    return (
        []
        if launch_patience >= 0
        else [f"launch_patience is {launch_patience:g}; it must be 0 seconds or more"]
    )


def settle_time_problems(settle_time: float) -> list[str]:
    """Say what is wrong with a settle time, in seconds; an empty list where nothing is."""
    return [] if settle_time >= 0 else [f"settle_time is {settle_time:g}; it must be 0 seconds or more"]
