# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The new group is taken out of traffic within seconds, before a rollback brings the outgoing groups' capacity back.

Only where what remains in service is enough: else the requests that the new group serves would have nowhere to go.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..aws.traffic_sources import CLASSIC, TARGET_GROUP, TrafficSource, attached_to
from ..core import health, journal
from ..core.capacity import TRAFFIC_FIRST, enough_remains
from ..core.model import Deployment, Group, Snapshot
from ..core.passes import Change, Tell
from .lease import lease_tags
from .progress import DeploymentProgress
from .progress_lines import Telling

if TYPE_CHECKING:
    from .rollout import Rollout

Outgoing = Sequence[tuple[Group, Snapshot]]


@dataclass
class WithdrawalProgress(DeploymentProgress):
    """What a rollback keeps of it: the identifiers of the traffic sources that the group was C(withdrawn) from.

    AWS may show those for as long as requests are under way.
    """

    withdrawn: list[str] = field(default_factory=list)


def find_withdrawal(
    rollout: Rollout,
    group: Group,
    deployment: Deployment,
    outgoing: Outgoing,
    progress: WithdrawalProgress,
    tell: Tell,
    *,
    rollback_order: str,
    rollback_floor: float,
) -> Change | None:
    """The change that takes the new group out of all that sends it requests; None where it is not to be, or is.

    As long as too little remains, which it tells, capacity comes first, and every look sees whether it is enough now.
    """
    if rollback_order != TRAFFIC_FIRST or not group.staying:
        return None
    sources = [one for one in attached_to(group) if one.identifier not in progress.withdrawn]
    if not sources and (progress.withdrawn or deployment.phase.withdrawn):
        return None
    remaining = _remaining(rollout, group, sources, outgoing)
    snapshots = [snapshot for __, snapshot in outgoing]
    short_of = [
        name for name, serving in remaining.items() if not enough_remains(snapshots, serving, rollback_floor)
    ]
    before = sum(snapshot.capacity.desired_capacity for snapshot in snapshots)
    least = min(remaining, key=lambda name: sum(remaining[name].values()), default="")
    told = f"{sum(remaining.get(least, {}).values())} of {before} remain in service in {least}"
    floor = f"canary_rollback_floor {100 * rollback_floor:g} %"
    if short_of or not remaining:
        why = (
            f"{told}, less than {floor}"
            if remaining
            else "no target group or load balancer sends it requests"
        )
        Telling(progress, tell).once("rollback order", "plan", group.name, f"capacity first: {why}")
        return None

    def perform() -> None:
        phase = journal.write_phase(dataclasses.replace(deployment.phase, withdrawn=True))
        rollout.autoscaling.write_tags(group.name, {journal.PHASE: phase, **lease_tags(rollout, deployment)})
        rollout.traffic_sources.detach(group.name, sources)
        progress.withdrawn += [one.identifier for one in sources]

    names = " and ".join(one.name for one in sources)
    return Change((f"traffic first: take group {group.name} out of {names}, as {told} ({floor})",), perform)


def is_withdrawn(group: Group, deployment: Deployment) -> bool:
    """Whether a rollback has taken the group out of all traffic."""
    return deployment.phase.withdrawn and not attached_to(group)


def draining(rollout: Rollout, group: Group, deployment: Deployment) -> tuple[str, ...]:
    """What is still waited for before the instances of a group that was taken out of traffic may end.

    AWS does not wait for requests under way where it ends an instance that is in no traffic source any more.
    """
    if not (deployment.phase.withdrawn and group.staying and group.capacity.desired_capacity):
        return ()
    names = rollout.traffic_sources.removing(group.name)
    return tuple(f"the end of requests under way from {name} to {group.name}" for name in names)


def put_back(rollout: Rollout, group: Group, deployment: Deployment, outgoing: Outgoing) -> None:
    """Have what sends requests to the outgoing groups send them to the group as well that was taken out of it.

    Where none is left, what sends them to the base group.
    """
    others = [one for one, __ in outgoing]
    base = None if others else rollout.autoscaling.group(deployment.base_group)
    sources = [source for one in (*others, *([base] if base else [])) for source in attached_to(one)]
    rollout.traffic_sources.attach(group.name, list(dict.fromkeys(sources)))
    phase = dataclasses.replace(deployment.phase, withdrawn=False)
    rollout.autoscaling.write_tags(group.name, {journal.PHASE: journal.write_phase(phase)})


def _remaining(
    rollout: Rollout, group: Group, sources: Sequence[TrafficSource], outgoing: Outgoing
) -> dict[str, dict[str, int]]:
    """How many units of each outgoing group are healthy in each traffic source, by the names of both.

    Those that no load balancer uses are left out: no requests come that way.
    """
    arns = [one.identifier for one in sources if one.kind == TARGET_GROUP]
    balancers = [one.identifier for one in sources if one.kind == CLASSIC]
    targets = rollout.load_balancing.health(arns, balancers)
    remaining = {}
    for source in sources:
        if source.kind in (TARGET_GROUP, CLASSIC):
            if not health.is_unused(targets, source.name):
                units = {one.name: health.healthy_units(one, targets, source.name) for one, __ in outgoing}
                remaining[source.name] = units
        else:
            # Only VPC Lattice knows the health of its targets, and Auto Scaling goes by it.
            remaining[source.name] = {
                one.name: one.units_in_service for one, __ in outgoing if source in attached_to(one)
            }
    return remaining
