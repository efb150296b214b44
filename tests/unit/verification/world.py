# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group, what it is compared with, and a CloudWatch, for tests of verification in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.core.errors import UnknownSeries
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Group
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    PassResult,
    Timing,
    nobody,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.baseline import (
    VerificationProgress,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import read_settings
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import Verification

from tests.unit.aws.cloudwatch_fake import NOON, FakeClient, FakeClock, Source, cloudwatch_of, group_of

CPU = {
    "name": "cpu",
    "namespace": "AWS/EC2",
    "metric_name": "CPUUtilization",
    "dimensions": {"InstanceId": "{instance_id}"},
    "maximum": 80.0,
}


@dataclass
class Fleet:
    """Groups that a test sets, and may change over time."""

    clock: FakeClock
    groups: dict[str, Group] = field(default_factory=dict)
    later: list[tuple[float, Group]] = field(default_factory=list)
    out: Sequence[str] | None = None
    served: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    basic: set[str] = field(default_factory=set)

    def group(self, name: str) -> Group | None:
        for when, group in self.later:
            if self.clock.now() >= when:
                self.groups[group.name] = group
        return self.groups.get(name)

    def refuse_missing(self, name: str, attempted: str, *, gone: bool) -> None:
        if not gone:
            raise UnknownSeries(attempted, answer=f"there is no group {name} in this region")

    def load_balancers(self, target_group_arns: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        return dict.fromkeys(
            target_group_arns, ("arn:aws:elasticloadbalancing:r:1:loadbalancer/app/front/cc",)
        )

    def outgoing(self, group: Group, *, fresh: bool) -> Sequence[str] | None:
        return self.out

    def instances_of_series(self, name: str) -> Sequence[str]:
        return [one.instance_id for group in self.groups.values() for one in group.in_service]

    def history(self, name: str, since: float) -> Mapping[str, tuple[float, float]]:
        return self.served.get(name, {})

    def revisions(self, name: str) -> Sequence[str]:
        return list(self.groups)

    def monitoring(self, instance_ids: Sequence[str]) -> Mapping[str, bool]:
        return {name: name not in self.basic for name in instance_ids}

    def accept(self, name: str, attempted: str) -> None:
        """There is no journal to write into: nobody deploys these groups."""

    def end_baseline(self, name: str, progress: VerificationProgress) -> None:
        """There is no fresh baseline to take away."""

    def watch(self, name: str, progress: VerificationProgress, tell: Any, attempted: str) -> None:
        """Nothing happens to these groups."""

    def upkeep(self, name: str, progress: VerificationProgress, attempted: str) -> None:
        """There is no lease to renew: nobody deploys these groups."""


@dataclass
class World:
    """A group of one instance and a CloudWatch, at noon."""

    source: Source = lambda query, when: 10.0
    instances: Sequence[str] = ("i-1",)
    client: FakeClient = field(init=False)
    fleet: Fleet = field(init=False)

    def __post_init__(self) -> None:
        clock = FakeClock()
        self.client = FakeClient(self.source, clock)
        self.fleet = Fleet(clock, {"shop__checkout__prod__7": group_of(self.instances)})

    def step(self, check_mode: bool = False, **options: Any) -> Verification:
        options = {"group": "shop__checkout__prod__7", "metrics": [CPU], "duration": 300, **options}
        settings = read_settings(options)
        return Verification(
            settings, cloudwatch_of(self.client), self.fleet, self.client.clock, check_mode=check_mode
        )

    def verify(self, ask: Callable[[str], str] = nobody, **options: Any) -> PassResult:
        timing = Timing(wait_timeout=7200, poll_interval=1)
        check_mode = bool(options.get("check_mode"))
        step = self.step(**options)
        return run_to_the_end(step, self.client.clock, timing, check_mode=check_mode, ask=ask)

    @property
    def elapsed(self) -> float:
        return self.client.clock.now() - NOON
