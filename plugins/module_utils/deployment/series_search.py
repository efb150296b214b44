# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A series or a group that is not there: which names are near, so that a slip of the pen is seen at once.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from ..core import journal, naming
from ..core.errors import UnknownSeries
from ..core.passes import Event
from . import fresh_baseline
from .rollout import Rollout
from .series import Series, revision_info
from .series_names import refuse_other_names
from .whereabouts import of_all

# So many names are told at most.
MOST_NAMES = 5
# How alike two names are that are probably meant to be one, from 0 to 1.
ALIKE = 0.6


def near(name: str, names: Sequence[str]) -> list[str]:
    """Of some names those that are like another, the likest first.

    Names of series are alike where they differ in one of their parts only, however much.
    """
    found = difflib.get_close_matches(name, names, n=MOST_NAMES, cutoff=ALIKE)
    parts = name.split(naming.SEPARATOR)
    for other in names:
        others = other.split(naming.SEPARATOR)
        same = sum(one == two for one, two in zip(parts, others, strict=False))
        if other not in found and len(parts) == len(others) > 2 and same == len(parts) - 1:
            found.append(other)
    return found[:MOST_NAMES]


def unknown_series(rollout: Rollout, name: str, attempted: str) -> UnknownSeries:
    """The error where a series does not exist, with the names of those that are near."""
    return UnknownSeries(
        attempted,
        answer=f"there is no series {name} in this region",
        state="Nothing was touched.",
        advice=_advice(rollout, name),
    )


def unknown_group(rollout: Rollout, name: str, attempted: str) -> UnknownSeries:
    """The error where a group does not exist, with the revisions of its series or the series that are near."""
    series = naming.series_of_revision(name)
    revisions = [one.name for one in rollout.series(series).groups] if series else []
    return UnknownSeries(
        attempted,
        answer=f"there is no group {name} in this region",
        state="Nothing was touched.",
        advice=(
            f"Of its series there {_are(revisions[:MOST_NAMES])}; a new one is set up with asg_setup."
            if revisions
            else _advice(rollout, series or name)
        ),
    )


def series_info(rollout: Rollout, name: str, *, must_exist: bool = False) -> dict[str, Any]:
    """What there is of a series: its revisions, the newest first.

    Raises:
        UnknownSeries: there are none, and with C(must_exist) there must be some.
    """
    series = rollout.series(name)
    refuse_other_names(rollout, series)
    if must_exist and not series.groups:
        raise unknown_series(rollout, name, f"look at series {name}")
    return {
        "series": name,
        "revisions": [revision_info(group) for group in series.groups],
        "baselines": [fresh_baseline.info(group) for group in series.baselines],
        "whereabouts": of_all(series.groups, rollout.aws_now()),
    }


def standing_of(series: Series) -> str:
    """What is live of a series, and since when, in a sentence."""
    if series.live is None:
        return f"No revision of {series.name} is live."
    group, deployment = series.live
    since = journal.live_since(group)
    return (
        f"Live is {group.name} with {deployment.image_id}{f' since {since}' if since else ''},"
        f" {group.units_in_service} of {group.capacity.desired_capacity} in service."
    )


def nothing_to_take_back(rollout: Rollout, series: Series, group: str | None, attempted: str) -> Event:
    """What to tell where a rollback finds nothing to do, so that nobody takes it for done.

    C(group) is what was to be taken back, where a group was named.

    Raises:
        UnknownSeries: there is no such series, so that something else was meant.
    """
    if not series.groups and not rollout.autoscaling.launch_templates_of_series(series.name):
        if group is not None:
            raise unknown_group(rollout, group, attempted)
        raise unknown_series(rollout, series.name, attempted)
    restored = series.live[0].tags.get(journal.RESTORED) if series.live else None
    words = f"there is no group {group}, so that there is" if group else "there is"
    if restored and not group:
        words = f"deployment {restored} was rolled back to this already; to go back further, name the group:"
    return Event("warning", series.name, f"{words} nothing to take back. {standing_of(series)}")


def _advice(rollout: Rollout, name: str) -> str:
    there = rollout.autoscaling.all_series()
    found = near(name, there)
    if found:
        return f"Did you mean {' or '.join(found)}?"
    if there:
        more = f" and {len(there) - MOST_NAMES} more" if len(there) > MOST_NAMES else ""
        return f"No name is near it; here there {_are(there[:MOST_NAMES])}{more}. Is it another region or account?"
    return "There is no series at all here. Is it another region or account?"


def _are(names: Sequence[str]) -> str:
    return f"{'is' if len(names) == 1 else 'are'} {', '.join(names)}"
