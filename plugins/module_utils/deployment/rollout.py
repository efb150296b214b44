# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every step of a deployment works with: the APIs, the clock, and who is deploying.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..aws.auto_scaling import AutoScaling
from ..aws.calls import Calls
from ..aws.cloudwatch import CloudWatch
from ..aws.elastic_load_balancing import LoadBalancing
from ..aws.key_management import KeyManagement
from ..aws.listeners import Listeners
from ..aws.systems_manager import SystemsManager
from ..aws.target_groups import TargetGroups
from ..aws.traffic_sources import TrafficSources
from ..core import journal, naming
from ..core.errors import InvalidInput
from ..core.passes import Clock
from .progress import DeploymentProgress
from .series import Series

# What would resize an outgoing group behind a deployment's back.
SCALING_PROCESSES = frozenset({"AlarmNotification", "ScheduledActions"})


@dataclass(frozen=True)
class Deployer:
    """Who deploys, and what is done about others. C(lease_duration) is in seconds.

    C(owner) names a run: C(user@host:pid:start), or whatever tells one from another. C(names) are the application,
    service and environment that it deploys, where the series was not named instead; C(series_renamed) says that they
    are not what the revisions so far were made under.
    """

    owner: str
    lease_duration: int = 120
    take_over: bool = False
    on_drift: str = "fail"
    names: tuple[str, ...] = ()
    series_renamed: bool = False


class Rollout:
    """The engine's hands and eyes: the APIs, the clock, and who is deploying."""

    def __init__(self, calls: Calls, clock: Clock, deployer: Deployer) -> None:
        """Use the given way of calling AWS, the clock and the deployer.

        C(handed_on) is what the steps of a run leave to the next ones, as JSON has it.
        """
        self.autoscaling = AutoScaling(calls)
        self.load_balancing = LoadBalancing(calls)
        self.traffic_sources = TrafficSources(calls)
        self.cloudwatch = CloudWatch(calls)
        self.systems_manager = SystemsManager(calls)
        self.key_management = KeyManagement(calls)
        self.handed_on = calls.handed_on
        self.listeners = Listeners(calls, clock)
        self.target_groups = TargetGroups(calls)
        self.clock = clock
        self.deployer = deployer
        self._calls = calls

    def aws_now(self) -> float:
        """The time by AWS's clock, in seconds since the epoch: the only one that all who deploy have in common."""
        return self.clock.now() - self._calls.ahead

    def series(self, name: str) -> Series:
        """Read all groups of a series."""
        found = self.autoscaling.groups_of_series(name)
        revisions = tuple(group for group in found if not journal.is_baseline(group))
        return Series(name, revisions, tuple(filter(journal.is_baseline, found)))

    def series_of(self, group: str, progress: DeploymentProgress) -> Series | None:
        """Read all groups of the series that a group is of; None where the group does not exist.

        Raises:
            InvalidInput: the group is of no series.
        """
        if not progress.series:
            # A revision's name tells its series, which one call reads whole.
            likely = naming.series_of_revision(group)
            series = self.series(likely) if likely else None
            if series and series.group(group):
                progress.series = series.name
                return series
            found = self.autoscaling.group(group)
            if found is None:
                return None
            if not found.tags.get(journal.SERIES):
                raise InvalidInput(
                    [
                        f"group {group} is not of any series: it has no tag {journal.SERIES}; where somebody has"
                        " taken it off, roll the series back by its names, with asg_rollback (playbooks/rollback.yml)"
                    ]
                )
            progress.series = found.tags[journal.SERIES]
        return self.series(progress.series)
