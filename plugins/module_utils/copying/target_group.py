# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy of a production target group that a revision gets where traffic is shifted: the whole of it.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core import forwarding, journal
from ..core.forwarding import Forward
from . import members as table
from .described import copied_tags


@dataclass(frozen=True)
class DescribedTargetGroup:
    """A target group as AWS tells of it: an item of DescribeTargetGroups, its attributes and its tags."""

    item: Mapping[str, Any]
    attributes: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self.item["TargetGroupArn"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.item["TargetGroupName"])


def copy_tags(
    production: DescribedTargetGroup, series: str, group: str, forwards: Iterable[Forward]
) -> dict[str, str]:
    """The tags of the copy: production's, whose it is, and the record of what the places were."""
    return {
        **copied_tags(production.tags),
        journal.SERIES: series,
        forwarding.GROUP: group,
        forwarding.PRODUCTION: production.arn,
        **forwarding.write_record(forwards),
    }


def copy_request(production: DescribedTargetGroup, group: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """The CreateTargetGroup request of the copy that a group gets; C(tags) are those of C(copy_tags)."""
    return {
        "Name": forwarding.copy_name(group, production.name),
        **table.TARGET_GROUP.copied(production.item),
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def differing_attributes(production: Mapping[str, str], copy: Mapping[str, str]) -> dict[str, str]:
    """The attributes that the copy must be given to have production's: only what differs, since AWS refuses some.

    One that is empty in production was never set, and cannot be.
    """
    return {key: value for key, value in production.items() if value and copy.get(key) != value}


def copying_problems(production: DescribedTargetGroup, tags: Mapping[str, str]) -> list[str]:
    """Say what stands against an honest copy, one sentence each; an empty list where nothing does."""
    problems = forwarding.too_many_tags(tags)
    if production.item.get("TargetType", "instance") != "instance":
        problems.append(
            f"target group {production.name} has targets of the type {production.item['TargetType']}; an Auto Scaling"
            " group registers instances"
        )
    unknown = table.TARGET_GROUP.unknown(production.item)
    if unknown:
        problems.append(
            f"target group {production.name} has {', '.join(unknown)}, which this version of the collection cannot"
            " copy; update the collection"
        )
    return problems
