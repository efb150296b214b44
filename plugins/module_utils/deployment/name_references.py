# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User data and tags that name the base or an outgoing group: the new revision's name is another.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..copying.launch_template import decoded_user_data
from .launch_checks import WARNING, Finding, Wanted


def look(wanted: Wanted) -> Iterator[Finding]:
    """Warn of user data and tags of the new revision in which the name of the base or an outgoing group stands."""
    names = [wanted.described.name, *(group.name for group in wanted.outgoing)]
    text = _user_data(wanted)
    for name in dict.fromkeys(names):
        # A revision's name ends in a number, and is no part of a longer one.
        whole = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-])")
        places = ["the user data"] if whole.search(text) else []
        tags = {**wanted.described.tags, **wanted.overrides.tags}
        places += [f"tag {key}" for key, value in sorted(tags.items()) if whole.search(value)]
        if places:
            yield Finding(
                "names",
                WARNING,
                f"{' and '.join(places)} of the new revision name{'s' if len(places) == 1 else ''} group {name},"
                f" and the new group is {wanted.deployment.group}",
            )


def _user_data(wanted: Wanted) -> str:
    if wanted.overrides.user_data is not None:
        return wanted.overrides.user_data
    described = wanted.described
    data = (described.launch_template or {}).get("LaunchTemplateData") or described.launch_configuration or {}
    decoded = decoded_user_data(str(data.get("UserData") or ""))
    # What is no text, such as gzip, has no name to be found in it.
    return decoded if isinstance(decoded, str) else ""
