# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine knows of groups, instances and deployments: plain, frozen data.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .watched_alarms import AlarmsAtStart

IN_SERVICE = "InService"
HEALTHY = "Healthy"

# What a group counts its capacity in, where it has no weights.
INSTANCES = "instances"


@dataclass(frozen=True)
class Capacity:
    """The three sizes of a group: C(min_size <= desired_capacity <= max_size).

    They are in the group's own units, which are instances where it has no weights.
    """

    min_size: int
    max_size: int
    desired_capacity: int

    def __str__(self) -> str:
        """Words for a log line."""
        return f"min {self.min_size}, max {self.max_size}, desired {self.desired_capacity}"

    def as_result(self) -> dict[str, int]:
        """The sizes as modules return them."""
        return {
            "min_size": self.min_size,
            "max_size": self.max_size,
            "desired_capacity": self.desired_capacity,
        }


@dataclass(frozen=True)
class Instance:
    """One instance of a group, as DescribeAutoScalingGroups tells of it.

    C(weight) is how many of the group's units it counts, C(protected) whether it is protected from scale-in.
    """

    instance_id: str
    lifecycle_state: str
    health_status: str = HEALTHY
    availability_zone: str = ""
    instance_type: str = ""
    launch_template_version: str = ""
    weight: int = 1
    protected: bool = False

    @property
    def in_service(self) -> bool:
        """Whether it counts as capacity in service: InService and Healthy."""
        return self.lifecycle_state == IN_SERVICE and self.health_status == HEALTHY

    @property
    def leaving(self) -> bool:
        """Whether it is on its way out."""
        return self.lifecycle_state.startswith(("Terminat", "Detach"))

    @property
    def in_standby(self) -> bool:
        """Whether somebody has put it aside: part of the group, and of no capacity."""
        return self.lifecycle_state.endswith("Standby")


@dataclass(frozen=True)
class Group:
    """An Auto Scaling group.

    C(instances) leaves out the warm pool, which is not capacity. C(unit) is what its capacity is counted in, and
    C(heaviest) how many units one instance counts at most, as far as is known. C(described) is the item of
    DescribeAutoScalingGroups as AWS gave it; it takes no part in comparisons.
    """

    name: str
    capacity: Capacity
    instances: tuple[Instance, ...] = ()
    suspended: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    target_group_arns: tuple[str, ...] = ()
    load_balancer_names: tuple[str, ...] = ()
    being_deleted: bool = False
    described: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    unit: str = INSTANCES
    heaviest: int = 1

    @property
    def in_service(self) -> tuple[Instance, ...]:
        """The instances that count as capacity in service."""
        return tuple(instance for instance in self.instances if instance.in_service)

    @property
    def units_in_service(self) -> int:
        """The capacity in service, in the group's own units."""
        return sum(instance.weight for instance in self.in_service)

    @property
    def staying(self) -> tuple[Instance, ...]:
        """The instances that are capacity, or about to be: those that neither leave nor are in standby."""
        return tuple(one for one in self.instances if not (one.leaving or one.in_standby))

    @property
    def warm_pool(self) -> bool:
        """Whether it has a warm pool, perhaps one that is being deleted."""
        return bool(self.described.get("WarmPoolConfiguration"))

    @property
    def warm_pool_leaves(self) -> bool:
        """Whether its warm pool is being deleted."""
        return bool((self.described.get("WarmPoolConfiguration") or {}).get("Status"))

    @property
    def instance_ids(self) -> tuple[str, ...]:
        """The ids of all its instances, whatever their state."""
        return tuple(instance.instance_id for instance in self.instances)


@dataclass(frozen=True)
class Activity:
    """One scaling activity. Times are seconds since the epoch, by AWS's clock; C(ended) is None under way."""

    activity_id: str
    group: str
    description: str
    cause: str
    status_code: str
    status_message: str
    progress: int
    details: str
    started: float
    ended: float | None = None

    @property
    def failed(self) -> bool:
        """Whether it came to nothing."""
        return self.status_code in ("Failed", "Cancelled")

    def as_result(self) -> dict[str, Any]:
        """The activity as modules return it."""
        return {
            "activity_id": self.activity_id,
            "group": self.group,
            "description": self.description,
            "status_code": self.status_code,
            "status_message": self.status_message,
            "progress": self.progress,
        }


@dataclass(frozen=True)
class TargetHealth:
    """How one target group or classic load balancer sees one instance.

    C(place) is the target group's name or the classic load balancer's; C(state) is ELBv2's word
    (initial, healthy, unhealthy, draining, unused, unavailable), to which InService and OutOfService of
    classic load balancers are translated. C(unserved) says that there is a load balancer, and that it does not use the
    target because of the zone that it is in.
    """

    place: str
    instance_id: str
    state: str
    reason: str = ""
    unserved: bool = False


@dataclass(frozen=True)
class EnabledZones:
    """The zones that the load balancers of one target group serve, or those of one classic load balancer.

    C(place) is the target group's name or the classic load balancer's, C(load_balancers) are names.
    """

    place: str
    load_balancers: tuple[str, ...]
    zones: frozenset[str]


@dataclass(frozen=True)
class ImageVolume:
    """A volume that an AMI brings: its device, the snapshot that it is made of, its size in GiB (0 if not told)."""

    device_name: str
    snapshot_id: str = ""
    size: int = 0
    encrypted: bool = False


@dataclass(frozen=True)
class Image:
    """An AMI, as DescribeImages tells of it.

    C(created) and C(deprecated) are AWS's own words for a time, C(2026-04-21T17:46:00.000Z); C(deprecated) is empty
    where no such time is set. C(owner) is an account's number, C(root_device_name) as C(/dev/xvda).
    C(boot_mode) is C(uefi), C(legacy-bios), C(uefi-preferred) or empty; C(imds_support) is C(v2.0) or empty.
    """

    image_id: str
    name: str
    state: str
    architecture: str
    owner: str = ""
    created: str = ""
    deprecated: str = ""
    root_device_name: str | None = None
    public: bool = False
    boot_mode: str = ""
    ena_support: bool = False
    imds_support: str = ""
    volumes: tuple[ImageVolume, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """What an outgoing group was before the first change of a deployment.

    C(suspended) are the processes that were suspended already; C(status) is its status in the series then.
    C(protected) is how many instances were protected from scale-in when the deployment first lifted that of some, and
    C(lifted) the ends of their ids. C(grown) is how much of the desired capacity has come meanwhile and is shared
    out to the new group; C(taken) are min and desired that the group had when that was last taken in. Attachments are
    not part of it, because a deployment never changes those of an outgoing group.
    """

    group: str
    revision: int
    capacity: Capacity
    suspended: frozenset[str] = frozenset()
    status: str = ""
    deployment_id: str = ""
    protected: int = 0
    lifted: frozenset[str] = frozenset()
    grown: int = 0
    taken: tuple[int, int] | None = None

    def as_result(self) -> dict[str, Any]:
        """The group and its sizes, as modules return them under C(previous)."""
        return {"name": self.group, **self.capacity.as_result()}


@dataclass(frozen=True)
class Lease:
    """Who is deploying, since when and until when (seconds since the epoch, the owner's clock).

    C(watching) says until when metrics are watched, while they are; 0 otherwise.
    """

    owner: str
    since: int
    until: int
    watching: int = 0


@dataclass(frozen=True)
class Phase:
    """How far the new group has been told to go: from one target to the next, in instances.

    C(preparing) holds until set-up is complete. C(final) marks the phase in which the outgoing groups go to 0, and
    C(finishing) its end, when everything has settled and policies are being attached: from then on the group may be
    scaled by its own policies. The bake has begun at C(bake_since), by AWS's clock; C(baked) says that it is over.
    C(withdrawn) says that a rollback has taken the new group out of traffic, or is about to.
    C(weight) is the percent of production's requests that the new group gets by then, where traffic is shifted, and
    None where it is not. C(homeward) says that the new group is entering the production target groups, for good.
    """

    before: int = 0
    target: int = 0
    final: bool = False
    finishing: bool = False
    preparing: bool = False
    bake_since: int = 0
    baked: bool = False
    withdrawn: bool = False
    weight: int | None = None
    homeward: bool = False

    @property
    def baking(self) -> bool:
        """Whether the bake has begun, and is not over."""
        return self.bake_since > 0


@dataclass(frozen=True)
class PlannedPhase:
    """A phase as the journal keeps it from the set-up on: how far it goes, in instances, and its verification.

    C(verdict) is empty where it has none, C(due) or C(passed). C(weight) is the percent of production's requests, where
    traffic is shifted.
    """

    target: int
    final: bool = False
    verdict: str = ""
    weight: int | None = None


@dataclass(frozen=True)
class Bake:
    """How a revision that has everything is watched before it is live: for C(seconds), where that is not 0.

    It must also have served C(requests) by then, or C(requests_timeout) seconds later. With C(keeps) the outgoing
    groups keep their sizes, from the beginning of the deployment until the bake is over.
    """

    seconds: int = 0
    requests: int = 0
    requests_timeout: int = 0
    keeps: bool = False


@dataclass(frozen=True)
class Deployment:
    """A deployment as the tags of its new group tell of it.

    C(outgoing) are the revisions that it replaces; C(adopted) names the groups that are none and that it replaces too.
    C(plan) are its phases, where the set-up was told them, and C(alarms) what those that it watches were when it
    began. C(names) are the application, service and environment as
    they were given; their digest alone where there was no room, and nothing where the series was named instead.
    C(group_alarms) is what becomes of the alarms that watch an outgoing group by its name:
    C(copy), C(tell), or nothing. C(scale_out) says that policies may raise the outgoing groups meanwhile, and C(taken)
    are min and desired that the new group had when such a raise was last taken in.
    C(bake) is what comes between its last phase and live.
    """

    series: str
    revision: int
    group: str
    deployment_id: str
    status: str
    base_group: str
    image_id: str
    capacity: Capacity
    phase: Phase
    fingerprint: str
    lease: Lease | None = None
    outgoing: tuple[int, ...] = ()
    adopted: tuple[str, ...] = ()
    plan: tuple[PlannedPhase, ...] = ()
    alarms: AlarmsAtStart = field(default_factory=AlarmsAtStart)
    names: tuple[str, ...] = ()
    group_alarms: str = ""
    scale_out: bool = False
    taken: tuple[int, int] | None = None
    bake: Bake = Bake()

    @property
    def shifts(self) -> bool:
        """Whether requests are shifted by weights."""
        return any(one.weight is not None for one in self.plan)
