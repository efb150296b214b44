# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes things back: the shield of outgoing groups, a revision with what it launched from.

Set-up, rollback and pruning share it. Each function may be repeated, also after it was cut off half way.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..core import journal, naming
from ..core.errors import RolloutError
from ..core.model import Deployment, Group, Snapshot
from . import traffic_shift
from .lease import held_by_other, new_lease
from .rollout import SCALING_PROCESSES, Rollout
from .series import Series


def unshield(rollout: Rollout, group: Group, snapshot: Snapshot, *, rolled_back: bool) -> None:
    """Let an outgoing group scale by itself again as before the deployment, and forget its snapshot.

    C(rolled_back) marks a revision as what a rollback went back to, so that the same rollback again does not
    take that one back too. The snapshot goes last: as long as it is there, all of this can be done again.
    """
    api = rollout.autoscaling
    api.resume(group.name, (SCALING_PROCESSES & group.suspended) - snapshot.suspended)
    if rolled_back and snapshot.status:
        marks = {journal.STATUS: snapshot.status, journal.RESTORED: snapshot.deployment_id}
        if snapshot.status == journal.LIVE and journal.status(group) != journal.LIVE:
            marks[journal.LIVE_SINCE] = journal.write_moment(rollout.aws_now())
        if any(group.tags.get(key) != value for key, value in marks.items()):
            api.write_tags(group.name, marks)
    # A group that was adopted is none of the series' own, and leaves it again.
    adopted = not journal.revision(group)
    api.remove_tags(group.name, [journal.BEFORE, journal.SERIES] if adopted else [journal.BEFORE])


def own_alarms(rollout: Rollout, group: str) -> list[str]:
    """The alarms that the final phase made for a revision's policies: with its name in front.

    AWS deletes with a group only those that have no other action, such as a topic; the others would be left over.
    """
    names = (
        str(alarm["AlarmName"])
        for policy in rollout.autoscaling.policies(group)
        for alarm in policy.get("Alarms") or ()
    )
    return sorted({name for name in names if name.startswith(f"{group}-")})


def launch_sources(rollout: Rollout, series: str, group: str) -> tuple[list[str], str | None]:
    """Find what a revision launches from, whether its group is still there or not.

    Returns the ids of its launch templates, and the name of its launch configuration or None. A launch
    configuration has no tags to tell whose it is: one with exactly the name of a revision is the revision's.
    """
    api = rollout.autoscaling
    revision = str(naming.revision_of(series, group))
    templates = [
        str(template["LaunchTemplateId"])
        for template in api.launch_templates_of_series(series)
        if template["tags"].get(journal.REVISION) == revision
    ]
    return templates, group if api.launch_configuration(group) else None


def orphaned_templates(rollout: Rollout, series: Series) -> dict[str, str]:
    """Launch templates whose revision is gone, and that nobody is setting up just now: the group's name by their ids.

    A group that has lost its tags is not of the series any more, and still launches from its template.
    """
    revisions = {str(journal.revision(group)) for group in series.groups}
    take_over = rollout.deployer.take_over
    found = {}
    for template in rollout.autoscaling.launch_templates_of_series(series.name):
        revision, lease = template["tags"].get(journal.REVISION), template["tags"].get(journal.LEASE, "")
        if revision in revisions:
            continue
        name = f"{series.name}{naming.SEPARATOR}{revision}"
        free = take_over or not held_by_other(rollout, journal.read_lease(lease))
        if free and _is_gone(rollout, name):
            found[str(template["LaunchTemplateId"])] = name
    return found


def _is_gone(rollout: Rollout, name: str) -> bool:
    """Whether a group is gone, or being deleted and only an older answer still knows of it."""
    group = rollout.autoscaling.group(name)
    return group is None or group.being_deleted


def unborn(rollout: Rollout, series: Series) -> dict[str, str]:
    """What a set-up left behind that died before it made its group: C(template) and C(configuration), if any.

    Both may be somebody's who is setting up just now: a template says so by its lease, a launch configuration by
    its age.
    """
    revision = max((journal.revision(group) for group in series.groups), default=0) + 1
    found = {}
    templates = orphaned_templates(rollout, series)
    if templates:
        found["template"] = next(iter(templates))
    name = naming.group_name(series.name, revision)
    configuration = rollout.autoscaling.launch_configuration(name)
    if configuration:
        age = rollout.aws_now() - configuration["CreatedTime"].timestamp()
        if rollout.deployer.take_over or age >= rollout.deployer.lease_duration:
            found["configuration"] = name
    return found


def found_after_all(rollout: Rollout, groups: Iterable[str]) -> bool:
    """Whether a group is there after all that an older answer had not; it is taken over, and the next look sees it."""
    lease = {journal.LEASE: journal.write_lease(new_lease(rollout))}
    return any(rollout.autoscaling.exists_after_all(name, lease) for name in groups)


def remove_launch_sources(rollout: Rollout, templates: Iterable[str], configuration: str | None) -> None:
    """Delete launch templates by their ids, and a launch configuration by its name."""
    for template in templates:
        rollout.autoscaling.delete_launch_template(template)
    if configuration:
        rollout.autoscaling.delete_launch_configuration(configuration)


def take_away(rollout: Rollout, deployment: Deployment) -> str:
    """Take away a revision that never had an instance, and say in a sentence what became of it.

    Raises nothing: it comes after a failure, whose own words matter more.
    """
    name = deployment.group
    try:
        for group, snapshot in rollout.series(deployment.series).outgoing(deployment):
            unshield(rollout, group, snapshot, rolled_back=False)
        traffic_shift.take_away(rollout, deployment)
        sources = launch_sources(rollout, deployment.series, name)
        if not rollout.autoscaling.delete_group(name):
            return f"Group {name} is left over, without instances; asg_rollback takes it away."
        remove_launch_sources(rollout, *sources)
    except RolloutError as error:
        return f"Group {name} is left over, without instances; asg_rollback takes it away. ({error})"
    return f"Group {name} was taken away again, and nothing else had been changed."
