# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one object that holds everything of the pretend AWS: time, settings, services."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from tests.sandbox import moto_services
from tests.sandbox.clock import Clock, RealClock

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling
    from tests.sandbox.change_calendars import ChangeCalendars
    from tests.sandbox.cloudwatch.service import CloudWatch
    from tests.sandbox.metrics.demand import Demand
    from tests.sandbox.staleness import Past
    from tests.sandbox.targets import Targets


_MOST_AT_ONCE = 20_000


@dataclass
class Settings:
    """How this world behaves. All durations are seconds.

    They are shorter than AWS's (minutes), so that a test in real time lasts seconds.
    """

    region: str = "us-east-1"
    account_id: str = "123456789012"
    #: From the launch of an instance until EC2 says that it runs.
    pending_seconds: float = 2.0
    #: From the registration of a target until it is healthy (state ``initial`` meanwhile).
    registration_seconds: float = 1.0
    #: The longest time that a deregistered target drains; a shorter deregistration delay counts.
    draining_seconds: float = 1.0
    #: From the termination of an instance until EC2 says that it is gone.
    terminating_seconds: float = 1.0
    #: From a change of a group until Auto Scaling acts on it.
    reaction_seconds: float = 0.0
    #: After so many seconds out of balance the zones of a group are balanced; never where it is 0.
    rebalance_seconds: float = 0.0
    #: From a failed launch until the group tries again.
    launch_retry_seconds: float = 5.0
    #: The longest heartbeat time-out of a lifecycle hook; a shorter one of its own counts.
    hook_seconds: float = 3600.0
    #: How old an answer of a call that describes may be, each for itself (see staleness.py).
    staleness: float = 0.0
    #: For how long CloudWatch goes on completing its newest datapoints (see cloudwatch/lateness.py).
    completing_seconds: float = 0.0


@dataclass
class InstanceRecord:
    """What metrics need to know of an instance. Times are epoch seconds; the gone are kept."""

    instance_id: str
    image_id: str
    instance_type: str
    group_name: str | None
    launched_at: float
    in_service_at: float | None = None
    terminated_at: float | None = None


@dataclass
class TargetInterval:
    """A time in which a load balancer held an instance for healthy.

    ``target`` is the target group's ARN or the classic load balancer's name. ``load_balancers`` are
    CloudWatch's values of the LoadBalancer dimension (``app/name/id``), or the classic name again. ``load`` is how many
    times its own requests the instance got, as the weights of target groups have it.
    """

    target: str
    load_balancers: tuple[str, ...]
    instance_id: str
    healthy_from: float
    healthy_until: float | None = None
    load: float = 1.0


class ServiceHandler(Protocol):
    """A service of our own: an operation's name and input in, its output out.

    Both are shaped as in botocore's service model, in Python types (aware datetimes for timestamps).
    Raises ``AwsError``.
    """

    def handle(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Do what ``operation`` says and return its output."""
        ...


class World:
    """Everything there is, and the time that passes in it."""

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        """Make an empty world: a default VPC with its subnets, no image, no group."""
        from tests.sandbox.autoscaling.launching import LaunchFailures
        from tests.sandbox.autoscaling.service import AutoScaling
        from tests.sandbox.change_calendars import ChangeCalendars
        from tests.sandbox.cloudwatch.service import CloudWatch
        from tests.sandbox.metrics.demand import Demand
        from tests.sandbox.staleness import Past
        from tests.sandbox.targets import Targets

        # A copy, since the control address changes them.
        self.settings = replace(settings or Settings())
        self.clock: Clock = clock or RealClock()
        #: How instances of an image behave: image id -> behaviour.
        self.images: dict[str, dict[str, Any]] = {}
        #: Launches that are to fail.
        self.launch_failures = LaunchFailures()
        #: Instances that load balancers find unhealthy, whatever their image.
        self.failing: set[str] = set()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        #: What is to happen once at a moment, however often it is asked for.
        self._once: set[tuple[float, Hashable]] = set()
        self._backends: dict[str, Any] = {}
        self._order = itertools.count()
        #: Called at each tick, after what was due has happened.
        self.on_tick: list[Callable[[], None]] = []
        self.targets: Targets = Targets(self)
        self.autoscaling: AutoScaling = AutoScaling(self)
        self.cloudwatch: CloudWatch = CloudWatch(self)
        self.change_calendars: ChangeCalendars = ChangeCalendars(self)
        self.past: Past = Past(self)
        self.demand: Demand = Demand(self)

    def backend(self, service: str) -> Any:
        """Return moto's store of a service (``ec2``, ``elb``, ``elbv2``, ``ssm``) in the world's region."""
        found = self._backends.get(service)
        if found is None:
            found = self._backends[service] = moto_services.backend(service, self.settings.region)
        return found

    def now(self) -> float:
        """Return the time in epoch seconds; while an event happens, the moment it was due."""
        return self.clock.now()

    def at(self, moment: float, what: Callable[[], None]) -> None:
        """Let ``what`` happen at ``moment`` (epoch seconds), or now if that is past."""
        heapq.heappush(self._events, (max(moment, self.now()), next(self._order), what))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Let ``what`` happen in ``seconds``."""
        self.at(self.now() + seconds, what)

    def once_at(self, moment: float, what: Callable[[], None], key: Hashable) -> None:
        """Let ``what`` happen at ``moment``, and nothing else that has the same ``key`` at the same moment."""
        wanted = (max(moment, self.now()), key)
        if wanted in self._once:
            return
        self._once.add(wanted)

        def happen() -> None:
            self._once.discard(wanted)
            what()

        self.at(moment, happen)

    def tick(self) -> None:
        """Let everything happen that has become due, in order, each at its own moment.

        Raises RuntimeError where events bring each other about without end, and none takes any time.
        """
        present = self.now()
        before, at_once = -math.inf, 0
        while self._events and self._events[0][0] <= present:
            moment, _, what = heapq.heappop(self._events)
            at_once = at_once + 1 if moment == before else 0
            before = moment
            if at_once > _MOST_AT_ONCE:
                raise RuntimeError(f"time stands still: more than {_MOST_AT_ONCE} things happen at once")
            if self.settings.staleness:
                self.past.before_event(moment)
            with self.clock.at(moment):
                what()
        for look in self.on_tick:
            look()

    def next_event(self) -> float | None:
        """Return when something will happen next (epoch seconds), for a test that skips there."""
        return self._events[0][0] if self._events else None

    def do_to_instance(self, instance: Any, action: str) -> None:
        """Do to moto's ``instance`` what the control address has under this name. Raises AwsError."""
        if action == "unhealthy":
            wanted = {
                "InstanceId": instance.id,
                "HealthStatus": "Unhealthy",
                "ShouldRespectGracePeriod": False,
            }
            self.autoscaling.handle("SetInstanceHealth", wanted)
        elif action == "fail-health-checks":
            self.failing.add(instance.id)
        elif action == "pass-health-checks":
            self.failing.discard(instance.id)
        elif action == "recommend-rebalance":
            self.autoscaling.life_cycle.recommend(instance.id)
        elif action == "stop":
            self.backend("ec2").stop_instances([instance.id])
        elif action == "spot-terminate":
            self.backend("ec2").terminate_instances([instance.id])
            reason = instance.state_reason
            reason.code = "Server.SpotInstanceTermination"
            reason.message = f"{reason.code}: Spot instance termination"
        else:
            raise ValueError(f"nothing of the name {action} can be done to an instance")

    def instance_records(self) -> list[InstanceRecord]:
        """Return all instances that ever were, oldest first."""
        return self.autoscaling.instance_records()

    def target_intervals(self) -> list[TargetInterval]:
        """Return all times in which a target was healthy, oldest first."""
        return self.targets.intervals()
