# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An observer who knows nothing of the collection: looks at the API ten times a second and remembers."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import boto3

from tests.demo.shop import SERIES_TAG, Shop, in_service

LOOKS_PER_SECOND = 10


@dataclass(frozen=True)
class Sight:
    """What the observer saw at once: per group its desired capacity and the ids of its instances in service."""

    desired: dict[str, int]
    in_service: dict[str, frozenset[str]]

    @property
    def total(self) -> int:
        """Capacity in service over all groups of the series."""
        return sum(len(instances) for instances in self.in_service.values())


class Observer:
    """Watches the groups of a shop's series while it is used as a context manager."""

    ACCESS_KEY = "observer"

    def __init__(self, shop: Shop) -> None:
        """Nothing is looked at yet."""
        self._client = boto3.client(
            "autoscaling",
            endpoint_url=shop.endpoint,
            region_name=shop.region,
            aws_access_key_id=self.ACCESS_KEY,
            aws_secret_access_key="observer",
        )
        self._filters = [{"Name": f"tag:{SERIES_TAG}", "Values": [shop.series]}]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._error: BaseException | None = None
        self.sights: list[Sight] = []

    def __enter__(self) -> Observer:
        """Begin to watch; the first look is over before anything else happens."""
        self.look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look a last time and stop."""
        self._over.set()
        self._thread.join()
        if self._error:
            raise self._error
        self.look()

    def look(self) -> None:
        """Look once."""
        answer: dict[str, Any] = self._client.describe_auto_scaling_groups(Filters=self._filters)
        groups = answer["AutoScalingGroups"]
        self.sights.append(
            Sight(
                {group["AutoScalingGroupName"]: group["DesiredCapacity"] for group in groups},
                {group["AutoScalingGroupName"]: frozenset(in_service(group)) for group in groups},
            )
        )

    def _watch(self) -> None:
        try:
            while not self._over.wait(1 / LOOKS_PER_SECOND):
                self.look()
        except BaseException as error:  # Told by the thread that waits for this one.
            self._error = error

    @property
    def lowest(self) -> int:
        """The least capacity in service that was ever seen, over all groups."""
        return min(sight.total for sight in self.sights)

    def desired(self, group: str) -> list[int]:
        """The desired capacities that a group had, one after the other; a group that is not there has none."""
        seen: list[int] = []
        for sight in self.sights:
            if group in sight.desired and seen[-1:] != [sight.desired[group]]:
                seen.append(sight.desired[group])
        return seen

    def together(self, *groups: str) -> list[tuple[int, ...]]:
        """The combinations of desired capacities that groups had, one after the other; absent counts as 0."""
        seen: list[tuple[int, ...]] = []
        for sight in self.sights:
            now = tuple(sight.desired.get(group, 0) for group in groups)
            if seen[-1:] != [now]:
                seen.append(now)
        return seen

    def ever_in_service(self, group: str) -> frozenset[str]:
        """The ids of all instances of a group that were ever seen in service."""
        return frozenset().union(*(sight.in_service.get(group, frozenset()) for sight in self.sights))
