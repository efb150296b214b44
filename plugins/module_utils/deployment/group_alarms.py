# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of alarms that watch an outgoing group by its name: told in the plan, or copied with the final phase.

A copy carries the series and the revision as tags from its creation on, by which it is found when the revision goes.
It may be made again, and removed again, also after a run was cut off half way.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ..copying.described import Described, Request
from ..copying.group_alarms import COPY, MOST_TAGS, GroupAlarm, composites_of, of_groups
from ..copying.scaling_policies import copied_alarm_names
from ..core import journal, naming
from ..core.errors import AwsError
from ..core.model import Deployment
from .launch_checks import NOT_CHECKED, OK, PROBLEM, WARNING, Finding, Wanted
from .rollout import Rollout
from .series import Series


def look(rollout: Rollout, wanted: Wanted, way: str) -> list[Finding]:
    """Tell of the alarms that watch an outgoing group by its name, and of what stands against copying them.

    Raises:
        AwsError: they are to be copied, and cannot be read.
    """
    groups = [group.name for group in wanted.outgoing]
    if not groups:
        return []
    try:
        alarms = rollout.cloudwatch.alarms_beginning("")
    except AwsError as error:
        if way == COPY:
            raise
        words = f"alarms that watch an outgoing group by its name not checked: {error.answer}"
        return [Finding("alarms", NOT_CHECKED, words)]
    found = of_groups(alarms.values(), groups, copied_alarm_names(wanted.described))
    told = _copied(rollout, wanted.deployment, alarms, found) if way == COPY else _blind(found)
    return [*told, *_composites(alarms, found, wanted.deployment.group, way)]


def _blind(found: Sequence[GroupAlarm]) -> Iterator[Finding]:
    for group, names in _by_group(found).items():
        yield Finding(
            "alarms",
            WARNING,
            f"{_alarms(names)} by its name group {group}, which goes out, and will see nothing of the new one;"
            " alarms_of_group copy (canary_alarms_of_group) copies them for it",
        )


def _copied(
    rollout: Rollout, deployment: Deployment, alarms: Mapping[str, Any], found: Sequence[GroupAlarm]
) -> Iterator[Finding]:
    own = _own_tags(deployment)
    copied = [one for one in found if not one.scales_it]
    for group, names in _by_group(copied).items():
        yield Finding(
            "alarms", OK, f"{_alarms(names)} group {group} by its name, and are copied in the final phase"
        )
    for one in found:
        if one.scales_it:
            words = f"alarm {one.name} acts on a scaling policy of group {one.group}, and the base has no such alarm"
            yield Finding(
                "alarms", WARNING, f"{words}; policies and their alarms are copied from the base alone"
            )
    for one in copied:
        name = one.copy_name(deployment.group)
        if name in alarms and not _is_ours(rollout, alarms[name], deployment.series):
            words = (
                f"there is an alarm {name} already, which is not of the series, and alarm {one.name} is to be"
            )
            yield Finding("alarms", PROBLEM, f"{words} copied to that name; rename or delete one of them")
        tags = rollout.cloudwatch.alarm_tags(str(one.alarm["AlarmArn"]))
        room = MOST_TAGS - len(own)
        if len({key for key in tags if not key.startswith("aws:")} - set(own)) > room:
            words = (
                f"alarm {one.name} has {len(tags)} tags, and its copy needs {len(own)} more, but AWS allows"
            )
            yield Finding("alarms", PROBLEM, f"{words} {MOST_TAGS}; remove some")


def _composites(
    alarms: Mapping[str, Any], found: Sequence[GroupAlarm], group: str, way: str
) -> Iterator[Finding]:
    """Composite alarms are other people's, and are only told."""
    copies = {one.name: one.copy_name(group) for one in found if not one.scales_it}
    for composite, names in composites_of(alarms.values(), [one.name for one in found]):
        words = f"composite alarm {composite} refers to {' and '.join(names)}"
        if way == COPY and (new := [copies[name] for name in names if name in copies]):
            words += (
                f", and not to the cop{'y' if len(new) == 1 else 'ies'} {' and '.join(new)}: change its rule"
            )
        else:
            words += ", which will see nothing of the new group"
        yield Finding("alarms", WARNING, words)


def _alarms(names: Sequence[str]) -> str:
    return f"alarm {names[0]} watches" if len(names) == 1 else f"alarms {', '.join(names)} watch"


def _by_group(found: Sequence[GroupAlarm]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for one in found:
        names.setdefault(one.group, []).append(one.name)
    return names


# ---------------------------------------------------------------------- copying


def requests(
    rollout: Rollout, deployment: Deployment, base: Described, outgoing: Sequence[str]
) -> list[Request]:
    """What makes the copies for the group of a deployment, where it is to have them.

    An alarm of the same name that somebody else has made since the set-up is left alone.

    Raises:
        AwsError: CloudWatch refused to tell, or could not be reached.
    """
    if deployment.group_alarms != COPY or not outgoing:
        return []
    cloudwatch, own = rollout.cloudwatch, _own_tags(deployment)
    alarms = cloudwatch.alarms_beginning("")
    wanted = []
    for one in of_groups(alarms.values(), outgoing, copied_alarm_names(base)):
        taken = alarms.get(one.copy_name(deployment.group))
        if not one.scales_it and (taken is None or _is_ours(rollout, taken, deployment.series)):
            tags = cloudwatch.alarm_tags(str(one.alarm["AlarmArn"]))
            wanted.append(one.copy(deployment.group, tags, own))
    return wanted


def _own_tags(deployment: Deployment) -> dict[str, str]:
    return {journal.SERIES: deployment.series, journal.REVISION: str(deployment.revision)}


def _is_ours(rollout: Rollout, alarm: Mapping[str, Any], series: str) -> bool:
    return rollout.cloudwatch.alarm_tags(str(alarm["AlarmArn"])).get(journal.SERIES) == series


# --------------------------------------------------------------------- removing


def copies(rollout: Rollout, series: str, group: str) -> list[str]:
    """The names of the copies that were made for a group of a series, whether the group is still there or not."""
    return [
        name
        for name, alarm in rollout.cloudwatch.alarms_beginning(f"{group}-").items()
        if _is_ours(rollout, alarm, series)
    ]


def orphans(rollout: Rollout, series: Series, tried: Collection[str] = ()) -> list[str]:
    """The names of copies whose group is gone, but for those whose deletion was C(tried)."""
    if not any(group.tags.get(journal.GROUP_ALARMS) == COPY for group in series.groups):
        # A series that copies none is not asked about: most never do.
        return []
    revisions = {journal.revision(group) for group in series.groups}
    beginning = f"{series.name}{naming.SEPARATOR}"
    number = re.compile(rf"{re.escape(beginning)}(\d+)-")
    found: dict[int, list[str]] = {}
    alarms = rollout.cloudwatch.alarms_beginning(beginning)
    for name in alarms:
        match = number.match(name)
        if match and int(match[1]) not in revisions and name not in tried:
            found.setdefault(int(match[1]), []).append(name)
    return [
        name
        for revision, names in found.items()
        # A group that has lost its tags is not of the series any more, and is still watched.
        if _is_gone(rollout, naming.group_name(series.name, revision))
        for name in names
        if _is_ours(rollout, alarms[name], series.name)
    ]


def _is_gone(rollout: Rollout, name: str) -> bool:
    group = rollout.autoscaling.group(name)
    return group is None or group.being_deleted
