# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Target groups, classic load balancers and other traffic sources of groups: taken off, put on, and how far that is.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import AwsError
from ..core.health import target_group_name
from ..core.model import Group
from .calls import Calls

# AttachTrafficSources and DetachTrafficSources take 10 at most.
SOURCES_A_CALL = 10
# DescribeTrafficSources gives 50 at most in a page.
SOURCES_A_PAGE = 50
# "The traffic source is being deregistered": connections that are under way are waited for (TrafficSourceState).
REMOVING = "Removing"
# What AWS says of one that is not attached, or not any more.
NOT_ATTACHED = "not part of the group"


# Kinds of traffic sources: target groups and classic load balancers; others are VPC Lattice's.
TARGET_GROUP = "elbv2"
CLASSIC = "elb"


@dataclass(frozen=True)
class TrafficSource:
    """What sends requests to a group: an ARN, or the name of a classic load balancer, and AWS's word for its kind."""

    identifier: str
    kind: str

    @property
    def name(self) -> str:
        """Its name, as the health of targets has it."""
        return target_group_name(self.identifier)

    def as_request(self) -> dict[str, str]:
        """It as AWS is told of it."""
        return {"Identifier": self.identifier, **({"Type": self.kind} if self.kind else {})}


def attached_to(group: Group) -> tuple[TrafficSource, ...]:
    """All that sends requests to a group, however it was attached."""
    found = dict.fromkeys(group.target_group_arns, TARGET_GROUP)
    found |= dict.fromkeys(group.load_balancer_names, CLASSIC)
    for source in group.described.get("TrafficSources") or ():
        # AWS lets the type be left out where the identifier is an ARN.
        found.setdefault(str(source["Identifier"]), str(source.get("Type") or ""))
    return tuple(TrafficSource(identifier, kind) for identifier, kind in found.items())


class TrafficSources:
    """What sends requests to groups. Every method raises RolloutError as C(Calls) does."""

    def __init__(self, calls: Calls) -> None:
        """Use the given way of calling."""
        self._call = calls

    def removing(self, group: str) -> list[str]:
        """The names of the traffic sources that a group is being taken out of: requests may be under way."""
        return [
            # Both members are the same; the one was called the other at first.
            target_group_name(str(item.get("Identifier") or item.get("TrafficSource")))
            for item in self._call.pages(
                "autoscaling",
                "DescribeTrafficSources",
                "TrafficSources",
                f"read the traffic sources of group {group}",
                AutoScalingGroupName=group,
                MaxRecords=SOURCES_A_PAGE,
            )
            if item.get("State") == REMOVING
        ]

    def detach(self, group: str, sources: Sequence[TrafficSource]) -> None:
        """Take a group out of traffic sources; its instances go on running. One that is off already is as good."""
        for first in range(0, len(sources), SOURCES_A_CALL):
            some = sources[first : first + SOURCES_A_CALL]
            try:
                self._call(
                    "autoscaling",
                    "DetachTrafficSources",
                    f"take group {group} out of {' and '.join(one.name for one in some)}",
                    AutoScalingGroupName=group,
                    TrafficSources=[one.as_request() for one in some],
                )
            except AwsError as error:
                if error.code != "ValidationError" or NOT_ATTACHED not in str(error.answer):
                    raise
                # One that is off keeps the others of the call on.
                for one in some if len(some) > 1 else ():
                    self.detach(group, [one])

    def attach(self, group: str, sources: Sequence[TrafficSource]) -> None:
        """Have traffic sources send requests to a group; one that does already is as good."""
        for first in range(0, len(sources), SOURCES_A_CALL):
            some = sources[first : first + SOURCES_A_CALL]
            self._call(
                "autoscaling",
                "AttachTrafficSources",
                f"put group {group} into {' and '.join(one.name for one in some)}",
                AutoScalingGroupName=group,
                TrafficSources=[one.as_request() for one in some],
            )
