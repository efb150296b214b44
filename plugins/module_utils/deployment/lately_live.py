# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what an alarm speaks against went live lately, so that it is what has to be taken back.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from ..core import journal
from .rollout import Rollout
from .series import Series


def not_lately_live(
    rollout: Rollout, series: Series, name: str | None, within: float, seen_at: str | None
) -> str:
    """Why the newest revision, or the group C(name), is not to be taken back; empty where it is.

    It went live at most C(within) seconds before C(seen_at) (as C(journal.write_moment), now where there is none), or
    is being taken back already, which is brought to its end.
    """
    newest = (series.unfinished or series.live or (None,))[0]
    group = series.group(name) if name else newest
    if group is None:
        return "there is no live revision"
    status = journal.status(group)
    if status == journal.ROLLING_BACK:
        return ""
    if status != journal.LIVE:
        return f"{group.name} is {status}, and whoever deploys it answers for it"
    if group.tags.get(journal.RESTORED):
        return f"a rollback has led to {group.name}"
    since = journal.read_moment(journal.live_since(group))
    seen = journal.read_moment(seen_at or "")
    seen = rollout.aws_now() if seen is None else seen
    if since is None or not 0 <= seen - since <= within:
        when = journal.live_since(group) or "nobody knows when"
        return f"{group.name} is live since {when}, and {journal.write_moment(seen)} is not within {within:g} s of that"
    return ""
