# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of series and revisions.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from .errors import InvalidInput

SEPARATOR = "__"
# The last part of the name of a fresh baseline's group.
BASELINE = "baseline"
# What a series is named after.
PARTS = ("application", "service", "environment")
# CreateAutoScalingGroup: 1 to 255 characters. A launch template's name has at most 128
# (CreateLaunchTemplate: 3 to 128), and the revision's launch template is named like the group.
LONGEST_GROUP_NAME = 255
LONGEST_LAUNCH_TEMPLATE_NAME = 128
# Room for the separator and a revision of up to six digits, so that a series never outgrows its name.
ROOM_FOR_REVISION = len(SEPARATOR) + 6

_REPLACED = re.compile(r"[-|+*/\\ &$\"'.]")
# What a group's name, a launch template's name and a tag's value may all have.
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_]")


def sanitise(part: str) -> str:
    """Make one part of a series name fit for a group's name.

    Each of C(- | + * / \\ space & $ " ' .) becomes two underscores, as the guide's product does.
    """
    return _REPLACED.sub(SEPARATOR, part.strip())


def series_name(application: str, service: str, environment: str) -> str:
    """Name the series of one application, service and environment: C(shop__checkout__prod).

    Raises:
        InvalidInput: a part is empty, has characters that no name may have, or the whole is too long.
    """
    parts = dict(zip(PARTS, (application, service, environment), strict=True))
    problems = [problem for option, value in parts.items() if (problem := _part_problem(option, value or ""))]
    name = SEPARATOR.join(sanitise(value or "") for value in parts.values())
    if not problems:
        problems = series_problems(name)
    if problems:
        raise InvalidInput(problems)
    return name


def names_digest(names: Sequence[str]) -> str:
    """What stands for the names of a series where there is no room for them."""
    return hashlib.sha256("\0".join(names).encode()).hexdigest()[:16]


def same_names(known: Sequence[str], given: Sequence[str]) -> bool:
    """Whether the names of a series are the ones that are known, which may be their digest alone."""
    return tuple(known) in (tuple(given), (names_digest(given),))


def names_in_words(names: Sequence[str]) -> str:
    """The names of a series for a message: C(application 'shop', service 'check-out', environment 'prod')."""
    if len(names) != len(PARTS):
        return "another application, service or environment"
    return ", ".join(f"{part} {name!r}" for part, name in zip(PARTS, names, strict=True))


def _part_problem(option: str, value: str) -> str:
    if not value.strip():
        return f"{option} is empty"
    if not sanitise(value).strip("_"):
        return f"{option} is {value!r}, of which a group's name keeps only underscores"
    return ""


def series_problems(series: str) -> list[str]:
    """Say what is wrong with a series' name; an empty list where nothing is."""
    problems = []
    if not series.strip("_ "):
        problems.append("the series name is empty")
    strange = sorted(set(_NOT_ALLOWED.findall(series)))
    if strange:
        problems.append(
            f"the series name {series!r} has characters that are not allowed: {', '.join(map(repr, strange))};"
            " use letters, digits and underscores"
        )
    longest = LONGEST_GROUP_NAME - ROOM_FOR_REVISION
    if len(series) > longest:
        problems.append(
            f"the series name is {len(series)} characters long; a group's name may have"
            f" {LONGEST_GROUP_NAME}, which leaves {longest} for the series"
        )
    return problems


def group_name(series: str, revision: int) -> str:
    """Name the group of a revision: C(shop__checkout__prod__7)."""
    return f"{series}{SEPARATOR}{revision}"


def baseline_name(group: str) -> str:
    """Name the group of a fresh baseline beside the group of a revision: C(shop__checkout__prod__7__baseline).

    Its last part is no number, so that nothing takes it for a revision. Where it would be too long, it keeps its end
    after a digest of the whole.
    """
    name = f"{group}{SEPARATOR}{BASELINE}"
    return name if len(name) <= LONGEST_GROUP_NAME else _shortened(name, LONGEST_GROUP_NAME)


def launch_template_name(group: str) -> str:
    """Name a revision's launch template or configuration like its group.

    A launch template's name is shorter than a group's may be: a longer one keeps its end, where the
    revision is, after a digest of the whole that keeps it unique.
    """
    if len(group) <= LONGEST_LAUNCH_TEMPLATE_NAME:
        return group
    return _shortened(group, LONGEST_LAUNCH_TEMPLATE_NAME)


def _shortened(name: str, longest: int) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{digest}-{name[-(longest - 17) :]}"


def revision_of(series: str, name: str) -> int | None:
    """Tell the revision that a group's name ends in; None where the name is not of the series."""
    prefix = series + SEPARATOR
    number = name.removeprefix(prefix)
    if not name.startswith(prefix) or not number.isascii() or not number.isdigit():
        return None
    return int(number)


def series_of_revision(name: str) -> str | None:
    """Tell the series that a revision's name begins with; None where it does not end as a revision does."""
    series, __, number = name.rpartition(SEPARATOR)
    return series if series and number.isascii() and number.isdigit() else None


def short_name(name: str) -> str:
    """Shorten a group's name for a log line: C(checkout__prod__7) of C(shop__checkout__prod__7).

    Where a part of it has the separator in itself, nobody can tell where the next one begins, and it stays whole.
    """
    parts = name.split(SEPARATOR)
    plain = parts[:-1] if parts[-1] == BASELINE else parts
    return SEPARATOR.join(parts[1:]) if len(plain) == 4 and all(plain) else name
