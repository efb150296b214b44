# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh baseline: as many new instances of the outgoing image as the canary has, in a group of their own beside it.

Both start together, so that what is compared differs in the image alone, and not in for how long it has run. The group
launches what the newest outgoing group launches. It is of the series and no revision: its instances are no capacity on
which anything relies, and whoever finds it where no deployment needs it takes it away.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ..aws.auto_scaling import ALREADY_EXISTS
from ..copying.same_group import same_group_request
from ..core import journal, naming
from ..core.capacity import NOTHING, Standing, Wanted, pinned
from ..core.errors import AwsError, BaselineFailed, LaunchFailed
from ..core.model import Capacity, Deployment, Group, Snapshot
from ..core.passes import Change, Tell, Wait
from ..core.protection import held
from . import launch_checks
from .health_watch import standing
from .progress import DeploymentProgress
from .progress_lines import instances
from .rollout import Rollout
from .series import Series, short

# What a canary is compared with: the outgoing groups as they are, or a fresh baseline.
OUTGOING = "outgoing"
FRESH = "fresh"
BASELINES = (OUTGOING, FRESH)

# Seconds until a deletion that AWS did not take yet is tried again.
BETWEEN_DELETIONS = 3.0
_HOUR = 3600
NOT_WITH_OLD_FIRST = (
    "baseline=fresh (canary_baseline) runs more instances than before, and resize_order=old_first"
    " (canary_resize_order) never does; take one of them"
)
_WAY_ROUND = "compare with the outgoing instances instead, with baseline=outgoing (canary_baseline)"


def of_deployment(series: Series, deployment: Deployment) -> list[Group]:
    """The fresh baseline of a deployment, where there is one."""
    return [one for one in series.baselines if _deployment_id(one) == deployment.deployment_id]


def left_over(series: Series) -> list[Group]:
    """Fresh baselines that no deployment needs any more: its run was killed, or somebody has deleted its group."""
    unfinished = series.unfinished
    needed = unfinished[1].deployment_id if unfinished else ""
    return [one for one in series.baselines if _deployment_id(one) != needed]


def _deployment_id(group: Group) -> str:
    return group.tags.get(journal.DEPLOYMENT, "")


def original(outgoing: Sequence[tuple[Group, Snapshot]]) -> Group | None:
    """Of the outgoing groups the one that a fresh baseline is like: the newest of those that had instances."""
    return next((group for group, snapshot in outgoing if snapshot.capacity.desired_capacity), None)


# --------------------------------------------------------------------- planning


def look(
    rollout: Rollout, baseline: str, phases: Sequence[Wanted], outgoing: Sequence[Group]
) -> list[launch_checks.Finding]:
    """What speaks against a fresh baseline in phases that are to come; nothing where none is asked for."""
    if baseline != FRESH:
        return []
    if not any(one.baseline_seconds for one in phases):
        words = "baseline=fresh (canary_baseline) changes nothing: no phase before the last compares with instances"
        return [launch_checks.Finding("fresh baseline", launch_checks.WARNING, words)]
    with_instances = [one for one in outgoing if one.capacity.desired_capacity]
    like = max(with_instances, key=journal.revision, default=None)
    if like is None:
        words = "a first deployment has no outgoing image to bring up a fresh baseline of"
        return [launch_checks.Finding("fresh baseline", launch_checks.WARNING, words)]
    deployment = journal.read_deployment(like)
    if deployment is None or rollout.autoscaling.image(deployment.image_id):
        return []
    words = (
        f"AMI {deployment.image_id} of outgoing group {like.name} is gone, so that no fresh baseline of it can come up,"
        f" and no instance of that group either: {_WAY_ROUND}"
    )
    return [launch_checks.Finding("fresh baseline", launch_checks.PROBLEM, words)]


def instance_hours(number: int, seconds: float) -> float:
    """What a fresh baseline costs at least: its instances for as long as they are compared with."""
    return round(number * seconds / _HOUR, 2)


def plan_words(phase: Mapping[str, Any]) -> str:
    """What is told of the fresh baseline of a planned phase; nothing where it has none."""
    if not phase["baseline"]:
        return ""
    hours = f"{phase['baseline_hours']:g} instance-hours at least"
    return f", and {phase['baseline']} of a fresh baseline, which costs {hours}"


# ------------------------------------------------------------------ bringing up


@dataclasses.dataclass(frozen=True)
class Baseline:
    """The fresh baseline that a deployment is to have in a phase: its C(name), size, and the group that it is like.

    C(group) is its group, where it is there already.
    """

    deployment: Deployment
    like: Group
    name: str
    capacity: Capacity
    group: Group | None

    @property
    def words(self) -> str:
        """What is done to bring it up, in the imperative."""
        if self.group:
            return f"resize fresh baseline {self.name} to {self.capacity}"
        number = instances(self.capacity.desired_capacity)
        return f"create fresh baseline {self.name} like {self.like.name}, with {number}"


def wanted(
    series: Series, deployment: Deployment, outgoing: Sequence[tuple[Group, Snapshot]], size: int
) -> Baseline | None:
    """The fresh baseline that a phase is to have, in so many units; None where there is nothing for it to be like."""
    like = original(outgoing)
    if like is None or not size:
        return None
    name = naming.baseline_name(deployment.group)
    there = next((one for one in series.baselines if one.name == name), None)
    return Baseline(deployment, like, name, pinned(size, size), there)


def as_result(baseline: Baseline | None) -> dict[str, Any] | None:
    """A fresh baseline as modules return it; None where there is none."""
    if baseline is None:
        return None
    return {
        "group": baseline.name,
        "like": baseline.like.name,
        "desired_capacity": baseline.capacity.desired_capacity,
    }


def info(group: Group) -> dict[str, Any]:
    """A fresh baseline as C(asg_series_info) returns it."""
    return {
        "name": group.name,
        "deployment_id": _deployment_id(group),
        **group.capacity.as_result(),
        "in_service": group.units_in_service,
        "instances": list(group.instance_ids),
    }


def surplus(series: Series, baseline: Baseline | None) -> list[Group]:
    """The fresh baselines that a phase with this one, or with none, does not need."""
    if baseline is None:
        return list(series.baselines)
    ours = baseline.deployment.deployment_id
    return [one for one in series.baselines if one.name != baseline.name or _deployment_id(one) != ours]


def standing_of(
    rollout: Rollout,
    baseline: Baseline,
    progress: DeploymentProgress,
    tell: Tell,
    *,
    settle_time: float,
    launch_patience: float,
    attempted: str,
    state: str,
) -> Standing:
    """How far a fresh baseline is on its way to its size.

    Raises:
        BaselineFailed: it cannot get there.
    """
    group, name = baseline.group, baseline.name
    if group is None:
        return Standing(name, NOTHING, baseline.capacity)
    if group.being_deleted or _deployment_id(group) != baseline.deployment.deployment_id:
        # An earlier deployment's of the same number, which is on its way out.
        return Standing(name, baseline.capacity, baseline.capacity, (f"the end of the deletion of {name}",))
    try:
        found = standing(
            rollout,
            group,
            baseline.capacity,
            progress,
            tell,
            settle_time=settle_time,
            launch_patience=launch_patience,
            attempted=attempted,
            state=state,
        )
    except LaunchFailed as failure:
        raise _failed(baseline, attempted, failure.answer, failure.state, failure.advice) from failure
    return dataclasses.replace(
        found, missing=tuple(f"{words} of fresh baseline {short(name)}" for words in found.missing)
    )


def _failed(
    baseline: Baseline, attempted: str, answer: str | None, state: str | None, advice: str | None
) -> BaselineFailed:
    like = baseline.like.name
    return BaselineFailed(
        attempted,
        answer=f"the fresh baseline {baseline.name}, which launches what {like} launches, cannot come up: {answer}",
        state=state,
        advice=f"It says nothing about the new image, and that {like} could not launch an instance now either."
        f" {advice or ''} Or {_WAY_ROUND}.",
    )


def bring_up(rollout: Rollout, baseline: Baseline, attempted: str, state: str) -> None:
    """Create a fresh baseline with its instances and its journal in one call, or resize it. May be repeated.

    Raises:
        BaselineFailed: AWS does not create it, or somebody else has a group of that name.
    """
    api, name = rollout.autoscaling, baseline.name
    if baseline.group:
        api.resize(name, baseline.capacity)
        return
    request = _request(rollout, baseline)
    try:
        api.create_group(request)
    except AwsError as error:
        if error.code not in ALREADY_EXISTS:
            raise _failed(baseline, attempted, error.answer, state, error.advice) from error
        there = api.group(name)
        if there is None or _deployment_id(there) != baseline.deployment.deployment_id:
            answer = f"there is a group {name} already, and it is none of this deployment"
            raise _failed(baseline, attempted, answer, state, "Rename or delete it.") from error


def _request(rollout: Rollout, baseline: Baseline) -> dict[str, Any]:
    like = baseline.like
    return same_group_request(
        like.described,
        rollout.autoscaling.lifecycle_hooks(like.name),
        baseline.name,
        baseline.capacity,
        journal.write_baseline(baseline.deployment),
    )


# --------------------------------------------------------------------- removing


def removal(
    rollout: Rollout, baselines: Sequence[Group], progress: DeploymentProgress
) -> Change | Wait | None:
    """What is next to take fresh baselines away; None where there are none.

    Their instances leave their target groups as instances do, and are not counted on by anybody. May be repeated.
    """
    api = rollout.autoscaling
    there = [one for one in baselines if not one.being_deleted]
    shrinking = [one for one in there if one.capacity != NOTHING]
    if shrinking:

        def empty() -> None:
            for one in shrinking:
                api.resize(one.name, NOTHING)

        return Change(
            tuple(f"resize fresh baseline {one.name} to {NOTHING}" for one in shrinking), empty, True
        )
    protected = {one.name: ids for one in there if (ids := held(one, 0))}
    if protected:
        # By somebody; the group does not protect what it launches.
        def lift() -> None:
            for name, ids in protected.items():
                api.protect(name, ids, protected=False)

        return Change(tuple(f"lift the protection of instances of {name}" for name in protected), lift)
    empty_ones = [one for one in there if not one.instances]
    if empty_ones and rollout.clock.now() >= progress.delete_baseline_again:

        def delete() -> None:
            for one in empty_ones:
                if not api.delete_group(one.name):
                    # Something of it still moves.
                    progress.delete_baseline_again = rollout.clock.now() + BETWEEN_DELETIONS

        return Change(tuple(f"delete fresh baseline {one.name}" for one in empty_ones), delete)
    if not baselines:
        return None
    return Wait(tuple(f"the end of what leaves fresh baseline {short(one.name)}" for one in baselines))


def removal_now(rollout: Rollout, baselines: Sequence[Group], progress: DeploymentProgress) -> Change | None:
    """What can be done at once to take fresh baselines away; what still leaves them is not waited for."""
    decision = removal(rollout, baselines, progress)
    return decision if isinstance(decision, Change) else None
