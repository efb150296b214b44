# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification asks of everything around CloudWatch: groups, load balancers, and the deployment's lease.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core import journal, naming
from ..core.capacity import passed
from ..core.errors import InvalidInput
from ..core.health import LAUNCH_PATIENCE
from ..core.model import Group
from ..core.passes import LONGEST_INTERVAL, Change, Event, Tell
from ..deployment import fresh_baseline
from ..deployment.alarm_watch import watch_alarms
from ..deployment.health_watch import (
    begin_watching,
    launch_patience_problems,
    settle_time_problems,
    watch_serving,
)
from ..deployment.lease import ensure_ours, lease_tags, needs_renewal
from ..deployment.progress_lines import Telling
from ..deployment.rollout import Rollout
from ..deployment.series import state_of
from ..deployment.series_search import unknown_group
from .baseline import VerificationProgress

# DescribeInstances: ids in one call, as many as stay well within the size of a request.
MOST_INSTANCES = 500
# Auto Scaling User Guide, "Verify a scaling activity": how activities call what they do.
_LAUNCH = re.compile(r"Launching a new EC2 instance: (i-[0-9a-f]+)")
_TERMINATION = re.compile(r"Terminating EC2 instance: (i-[0-9a-f]+)")


@dataclass(frozen=True)
class Patience:
    """For how many seconds a group that is verified may lack something, and may fail to launch."""

    settle_time: float = 10.0
    launch_patience: float = LAUNCH_PATIENCE

    @property
    def problems(self) -> list[str]:
        """What is wrong with it."""
        return [*settle_time_problems(self.settle_time), *launch_patience_problems(self.launch_patience)]


def _nobody(event: Event) -> None:
    """Tell nobody."""


class AwsSurroundings:
    """Answers from AWS what verification asks of its surroundings."""

    def __init__(
        self, rollout: Rollout, watched_alarms: Sequence[str] = (), patience: Patience | None = None
    ) -> None:
        """Use the engine's hands and eyes; C(watched_alarms) are the names of alarms that end the deployment.

        C(patience) is that with the group that is verified.

        Raises:
            InvalidInput: the patience cannot be right.
        """
        self._patience = patience or Patience()
        if self._patience.problems:
            raise InvalidInput(self._patience.problems)
        self._rollout = rollout
        self._watched_alarms = watched_alarms

    def group(self, name: str) -> Group | None:
        """The group of that name, with its instances; None where there is none."""
        return self._rollout.autoscaling.group(name)

    def refuse_missing(self, name: str, attempted: str, *, gone: bool) -> None:
        """Refuse a group that is not there; with C(gone) it may have gone since, if its series is there.

        Raises:
            UnknownSeries: with the names of those that are near.
        """
        series = naming.series_of_revision(name)
        if gone and (series is None or self._rollout.series(series).groups):
            return
        raise unknown_group(self._rollout, name, attempted)

    def outgoing(self, group: Group, *, fresh: bool) -> Sequence[str] | None:
        """The names of the groups that went out, or are to go, for this one; None where it is of no series.

        With C(fresh) that of its fresh baseline in their place, where one serves.
        """
        deployment = journal.read_deployment(group)
        if deployment is None:
            return None
        series = self._rollout.series(deployment.series)
        baselines = fresh_baseline.of_deployment(series, deployment) if fresh else []
        if any(one.in_service for one in baselines):
            return [one.name for one in baselines]
        names = [one.name for one, __ in series.outgoing(deployment)]
        # Once it is live, only the new group's own tag still tells.
        there = {one.name for one in series.groups}
        former = [naming.group_name(series.name, revision) for revision in deployment.outgoing]
        return names or [name for name in former if name in there]

    def instances_of_series(self, name: str) -> Sequence[str]:
        """The instances in service of the series that a group of that name would be of."""
        series = naming.series_of_revision(name)
        groups = self._rollout.series(series).groups if series else ()
        return [instance.instance_id for group in groups for instance in group.in_service]

    def history(self, name: str, since: float) -> Mapping[str, tuple[float, float]]:
        """Since when and until when instances of the group served, of those that did at C(since) or later.

        By its activities, which AWS keeps for six weeks. One that was there before C(since) is said to have served
        since 0.
        """
        now = self._rollout.clock.now()
        group = self.group(name)
        served = {one.instance_id: (0.0, now) for one in group.in_service} if group else {}
        activities = self._rollout.autoscaling.activities(name, since)
        for activity in activities:
            gone = _TERMINATION.match(activity.description)
            if gone:
                served[gone[1]] = (0.0, activity.started)
        for activity in activities:
            launched = _LAUNCH.match(activity.description)
            if launched and launched[1] in served:
                began = activity.ended if activity.ended is not None else activity.started
                served[launched[1]] = (began, served[launched[1]][1])
        return served

    def revisions(self, name: str) -> Sequence[str]:
        """The groups of the series that a group is of; none where it is of no series."""
        series = naming.series_of_revision(name)
        return [group.name for group in self._rollout.series(series).groups] if series else []

    def monitoring(self, instance_ids: Sequence[str]) -> Mapping[str, bool]:
        """Which instances have detailed monitoring, of those of whom that can be found out."""
        found = {}
        for first in range(0, len(instance_ids), MOST_INSTANCES):
            answer = self._rollout.autoscaling.send(
                "ec2",
                "DescribeInstances",
                {"InstanceIds": list(instance_ids[first : first + MOST_INSTANCES])},
                "read the monitoring of instances",
            )
            for reservation in answer.get("Reservations") or ():
                for instance in reservation["Instances"]:
                    state = instance.get("Monitoring", {}).get("State", "")
                    found[instance["InstanceId"]] = state in ("enabled", "pending")
        return found

    def load_balancers(self, target_group_arns: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The ARNs of the load balancers behind each target group."""
        return self._rollout.load_balancing.load_balancers(target_group_arns)

    def accept(self, name: str, attempted: str) -> Change | None:
        """Write into the journal that the phase has passed, where this run deploys the group and it was due."""
        group = self.group(name)
        deployment = journal.read_deployment(group) if group else None
        if deployment is None or deployment.status != journal.DEPLOYING or deployment.lease is None:
            return None
        plan = passed(deployment.plan, deployment.phase)
        if plan == deployment.plan or deployment.lease.owner != self._rollout.deployer.owner:
            return None
        tags = {journal.CAPACITY: journal.write_sizes(dataclasses.replace(deployment, plan=plan))}
        return Change((), lambda: self._rollout.autoscaling.write_tags(name, tags))

    def end_baseline(self, name: str, progress: VerificationProgress) -> Change | None:
        """Take away what a canary that has passed was compared with, where this run deploys the group."""
        series_name = naming.series_of_revision(name)
        series = self._rollout.series(series_name) if series_name else None
        group = series.group(name) if series else None
        deployment = journal.read_deployment(group) if group else None
        if series is None or deployment is None or deployment.lease is None:
            return None
        if deployment.lease.owner != self._rollout.deployer.owner:
            return None
        return fresh_baseline.removal_now(
            self._rollout, fresh_baseline.of_deployment(series, deployment), progress
        )

    def watch(self, name: str, progress: VerificationProgress, tell: Tell, attempted: str) -> None:
        """See whether the group of a deployment is still well, and tell what happened in it and the outgoing ones.

        By the same rules as while it settles; it has some time to replace what it has lost.

        Raises:
            AlarmFired: an alarm that is watched has come into ALARM.
            LaunchFailed: it loses instances again and again, or cannot get them back.
        """
        now = self._rollout.clock.now()
        if now < progress.next_watch:
            return
        progress.next_watch = now + LONGEST_INTERVAL
        series = self._rollout.series_of(name, progress)
        group = series.group(name) if series else None
        deployment = journal.read_deployment(group) if group else None
        if series is None or group is None or deployment is None:
            return
        if deployment.status not in (journal.DEPLOYING, journal.LIVE):
            return
        state = state_of([group, *(one for one, __ in series.outgoing(deployment))])
        watch_alarms(
            self._rollout,
            self._watched_alarms,
            deployment.alarms,
            progress,
            tell,
            subject=name,
            attempted=attempted,
            state=state,
        )
        if not progress.watched:
            # How it stands at the beginning is no news.
            begin_watching(self._rollout, group, progress)
            tell = _nobody
        # A group that is watched keeps the sizes that it has; whoever changes them is found by the next step.
        watch_serving(
            self._rollout,
            group,
            progress,
            tell,
            settle_time=self._patience.settle_time,
            launch_patience=self._patience.launch_patience,
            attempted=attempted,
            state=state,
        )
        outgoing = [one for one, __ in series.outgoing(deployment)]
        for one in (*outgoing, *fresh_baseline.of_deployment(series, deployment)):
            Telling(progress, tell).capacity(one, one.capacity.desired_capacity)

    def upkeep(self, name: str, progress: VerificationProgress, attempted: str) -> Change | None:
        """Keep the lease of the run that verifies its own deployment, which would run out meanwhile.

        Raises:
            Overtaken: somebody else has taken the deployment over.
        """
        rollout, now = self._rollout, self._rollout.clock.now()
        # Looked at often enough that a lease which is renewed at half its life never runs out.
        news = progress.watching != progress.watching_told
        if now < progress.next_upkeep and not news:
            return None
        progress.next_upkeep = now + rollout.deployer.lease_duration / 4
        group = self.group(name)
        deployment = journal.read_deployment(group) if group else None
        if deployment is None or deployment.status != journal.DEPLOYING or deployment.lease is None:
            return None
        if not progress.owned and deployment.lease.owner != rollout.deployer.owner:
            # Somebody looks at a deployment that is another's; judging changes nothing.
            return None
        ensure_ours(rollout, deployment, progress, attempted)
        if not needs_renewal(rollout, deployment) and not news:
            return None
        # Who asks for the status of the series is told until when it takes.
        progress.watching_told = progress.watching
        tags = lease_tags(rollout, deployment, progress.watching)
        return Change((), lambda: rollout.autoscaling.write_tags(name, tags))
