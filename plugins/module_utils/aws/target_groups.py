# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Target groups: read whole, copied for a revision, found again, and deleted.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..copying.target_group import DescribedTargetGroup
from ..core import forwarding, journal
from ..core.errors import AwsError
from ..core.health import target_group_name
from .calls import Calls
from .elastic_load_balancing import MISSING_TARGET_GROUP

# DescribeTags: "the Amazon Resource Names (ARN) of the resources", up to 20.
ARNS_A_CALL = 20
TAKEN = frozenset({"DuplicateTargetGroupName", "DuplicateTargetGroupNameException"})
IN_USE = frozenset({"ResourceInUse", "ResourceInUseException"})


@dataclass(frozen=True)
class TargetGroupCopy:
    """A target group that a deployment has made for a group: its ARN, its name and all of its tags."""

    arn: str
    name: str
    tags: Mapping[str, str]

    @property
    def group(self) -> str:
        """The Auto Scaling group that it was made for."""
        return self.tags.get(forwarding.GROUP, "")

    @property
    def production(self) -> str:
        """The ARN of the production target group that it is a copy of."""
        return self.tags.get(forwarding.PRODUCTION, "")


class TargetGroups:
    """Target groups, as the engine needs them. Every method raises RolloutError as C(Calls) does."""

    def __init__(self, calls: Calls) -> None:
        """Use the given way of calling."""
        self._call = calls

    def described(self, arn: str) -> DescribedTargetGroup | None:
        """All that AWS tells of a target group; None where there is none."""
        items = self._described(f"read target group {target_group_name(arn)}", TargetGroupArns=[arn])
        if not items:
            return None
        return DescribedTargetGroup(items[0], self.attributes(arn), self.tags([arn]).get(arn, {}))

    def arn_of(self, name: str) -> str | None:
        """The ARN of a target group by its name, or by its ARN; None where there is none."""
        by = {"TargetGroupArns": [name]} if name.startswith("arn:") else {"Names": [name]}
        items = self._described(f"find target group {name}", **by)
        return str(items[0]["TargetGroupArn"]) if items else None

    def _described(self, attempted: str, **by: list[str]) -> Sequence[Mapping[str, Any]]:
        try:
            found: Sequence[Mapping[str, Any]] = self._call("elbv2", "DescribeTargetGroups", attempted, **by)[
                "TargetGroups"
            ]
            return found
        except AwsError as error:
            if error.code in MISSING_TARGET_GROUP | {"ValidationError"}:
                return ()
            raise

    def attributes(self, arn: str) -> dict[str, str]:
        """The attributes of a target group."""
        answer = self._call(
            "elbv2",
            "DescribeTargetGroupAttributes",
            f"read the attributes of target group {target_group_name(arn)}",
            TargetGroupArn=arn,
        )
        return {one["Key"]: one.get("Value") or "" for one in answer["Attributes"]}

    def tags(self, arns: Sequence[str]) -> dict[str, dict[str, str]]:
        """The tags of target groups that exist, by ARN."""
        found: dict[str, dict[str, str]] = {}
        for first in range(0, len(arns), ARNS_A_CALL):
            some = list(arns[first : first + ARNS_A_CALL])
            words = target_group_name(some[0]) if len(some) == 1 else f"{len(some)} target groups"
            answer = self._call("elbv2", "DescribeTags", f"read the tags of {words}", ResourceArns=some)
            for item in answer["TagDescriptions"]:
                found[item["ResourceArn"]] = {
                    tag["Key"]: tag.get("Value") or "" for tag in item.get("Tags") or ()
                }
        return found

    # ------------------------------------------------------------------ copies

    def create(self, request: Mapping[str, Any]) -> str:
        """Create a target group and return its ARN; safe to repeat.

        AWS answers a repeated request with what is there, and refuses a name that is there with other settings. One
        that was made for the same group from the same production target group is the one that was asked for.

        Raises:
            AwsError: among others, the name is taken by a target group that is somebody else's.
        """
        name = request["Name"]
        try:
            answer = self._call("elbv2", "CreateTargetGroup", f"create target group {name}", **request)
            return str(answer["TargetGroups"][0]["TargetGroupArn"])
        except AwsError as error:
            there = self.copy(name) if error.code in TAKEN else None
            asked = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}
            if there is None or any(
                there.tags.get(key) != asked.get(key) for key in (forwarding.GROUP, forwarding.PRODUCTION)
            ):
                raise
            return there.arn

    def set_attributes(self, arn: str, attributes: Mapping[str, str]) -> None:
        """Give a target group attributes; none where none are given."""
        if not attributes:
            return
        self._call(
            "elbv2",
            "ModifyTargetGroupAttributes",
            f"set attributes of target group {target_group_name(arn)}",
            TargetGroupArn=arn,
            Attributes=[{"Key": key, "Value": value} for key, value in attributes.items()],
        )

    def delete(self, arn: str) -> bool:
        """Delete a target group; one that is gone is as good. Says whether it is gone: one in use is kept."""
        try:
            self._call(
                "elbv2",
                "DeleteTargetGroup",
                f"delete target group {target_group_name(arn)}",
                TargetGroupArn=arn,
            )
        except AwsError as error:
            if error.code in IN_USE:
                return False
            if error.code not in MISSING_TARGET_GROUP:
                raise
        return True

    def copy(self, name: str) -> TargetGroupCopy | None:
        """The target group of a name, with its tags; None where there is none."""
        arn = self.arn_of(name)
        return TargetGroupCopy(arn, name, self.tags([arn]).get(arn, {})) if arn else None

    def copies_of_series(self, series: str) -> list[TargetGroupCopy]:
        """All that deployments of a series have made, also where their groups are gone.

        Names tell which can be: only those are asked for their tags.
        """
        likely = [
            str(item["TargetGroupArn"])
            for item in self._call.pages(
                "elbv2", "DescribeTargetGroups", "TargetGroups", "find the target groups of the series"
            )
            if forwarding.may_be_copy(item["TargetGroupName"], series)
        ]
        return [one for one in self._copies(likely) if one.tags.get(journal.SERIES) == series]

    def _copies(self, arns: Iterable[str]) -> Iterator[TargetGroupCopy]:
        for arn, tags in self.tags(list(arns)).items():
            if tags.get(forwarding.GROUP) and tags.get(journal.SERIES):
                yield TargetGroupCopy(arn, target_group_name(arn), tags)
