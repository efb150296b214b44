# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world behind AWS, for tests and demonstrations: JSON below /sandbox/ on the server's address.

========================  ======================================================================
GET clock                 the time, what was skipped of it, and when something will happen next
POST clock                ``{"skip": seconds}``
GET, POST settings        members of ``Settings``, in seconds
GET images                how instances of images behave
POST images/ID            replaces an image's behaviour; ``{}`` makes it an ordinary one
GET, POST demand          a load that groups share: ``{"groups": how their names begin, "instances": so many
                          instances' usual load}``
GET, POST, DELETE         launches that fail: ``{"code": "InsufficientInstanceCapacity", "times": 1,
launch-failures           "match": {"group", "image_id", "instance_type", "zone", "subnet_id"}}``
GET, POST, DELETE         what goes wrong with calls: the members of ``Fault``; POST answers with a
faults, faults/NUMBER     number
POST policies/KEY         a list of IAM policies that an access key has instead of the right to everything; ``[]``
                          takes them back
POST instances/ID         ``{"action": "unhealthy"}`` and what else ``ACTIONS`` names
GET mark                  the number of the next call
GET calls?since=NUMBER    the calls since then
GET metrics               what Prometheus scrapes of the instances, in its text format
POST reset                an empty AWS
========================  ======================================================================

What is not understood is refused with HTTP 400 and ``{"problems": [...]}``, all of them at once.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from tests.sandbox import moto_services
from tests.sandbox.autoscaling.launching import LaunchFailure
from tests.sandbox.control_checks import (
    Problems,
    check_behaviour,
    check_demand,
    check_fault,
    check_launch_failure,
    check_number,
    check_settings,
)
from tests.sandbox.errors import AwsError
from tests.sandbox.faults import Fault
from tests.sandbox.gateway import Gateway

_PREFIX = "/sandbox/"
#: What can be done to an instance.
ACTIONS = {
    "unhealthy": "Auto Scaling holds it for unhealthy at once, as SetInstanceHealth does",
    "fail-health-checks": "load balancers find it unhealthy from now on",
    "pass-health-checks": "load balancers find it as healthy as others of its image again",
    "spot-terminate": "EC2 takes a Spot Instance back",
    "recommend-rebalance": "EC2 recommends to replace it, since it may be interrupted soon",
    "stop": "it is stopped",
}


class Control:
    """Answers what is asked and told below /sandbox/."""

    def __init__(self, gateway: Gateway) -> None:
        """Control the world behind ``gateway``."""
        self._gateway = gateway
        self._addresses: dict[tuple[str, str], Callable[[str, Any], Any]] = {
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._skip,
            ("GET", "settings"): lambda _name, _body: dataclasses.asdict(gateway.world.settings),
            ("POST", "settings"): self._change_settings,
            ("GET", "images"): lambda _name, _body: gateway.world.images,
            ("POST", "images/"): self._behave,
            ("GET", "demand"): self._demands,
            ("POST", "demand"): self._demand,
            ("GET", "launch-failures"): self._launch_failures,
            ("POST", "launch-failures"): self._fail_launches,
            ("DELETE", "launch-failures"): self._forget_launch_failures,
            ("GET", "faults"): lambda _name, _body: [dataclasses.asdict(one) for one in gateway.faults.all()],
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): lambda _name, _body: gateway.faults.clear(),
            ("DELETE", "faults/"): self._remove_fault,
            ("POST", "policies/"): self._set_policies,
            ("POST", "instances/"): self._act,
            ("GET", "mark"): lambda _name, _body: {"mark": gateway.recording.mark},
            ("GET", "calls"): self._calls,
            ("POST", "reset"): lambda _name, _body: gateway.reset(),
        }

    def handle(self, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        """Return an HTTP status and what to answer as JSON."""
        where, slash, name = path.removeprefix(_PREFIX).partition("/")
        handler = self._addresses.get((method, where + slash))
        if handler is None:
            known = ", ".join(f"{verb} {address}" for verb, address in self._addresses)
            return 404, {"problems": [f"there is no {method} {path}; there are {known}"]}
        try:
            told = json.loads(body) if body else dict(parse_qs(query))
        except ValueError as error:
            return 400, {"problems": [f"this is not JSON: {error}"]}
        with self._gateway.lock:
            self._gateway.tick()
            try:
                return 200, handler(name, told)
            except Problems as problems:
                return 400, {"problems": problems.found}

    # -- time and settings -----------------------------------------------------------------------

    def _clock(self, _name: str, _body: Any) -> dict[str, Any]:
        clock = self._gateway.world.clock
        return {
            "now": clock.now(),
            "skipped": getattr(clock, "skipped", 0.0),
            "next_event": self._gateway.next_event(),
        }

    def _skip(self, name: str, body: Any) -> dict[str, Any]:
        self._gateway.world.clock.advance(check_number(body, "skip"))
        self._gateway.tick()
        return self._clock(name, body)

    def _change_settings(self, _name: str, body: Any) -> dict[str, Any]:
        changes = check_settings(body)
        for world in self._gateway.worlds():
            for setting, value in changes.items():
                setattr(world.settings, setting, value)
        return dataclasses.asdict(self._gateway.world.settings)

    # -- images, launches, instances -------------------------------------------------------------

    def _behave(self, image_id: str, body: Any) -> None:
        images = moto_services.images()
        behaviour = check_behaviour(image_id, image_id in images, body)
        images[image_id].state = behaviour.get("state", "available")
        self._gateway.world.images[image_id] = behaviour

    def _demands(self, _name: str, _body: Any) -> list[dict[str, Any]]:
        return [dataclasses.asdict(change) for change in self._gateway.world.demand.changes]

    def _demand(self, _name: str, body: Any) -> None:
        self._gateway.world.demand.set(**check_demand(body))

    def _launch_failures(self, _name: str, _body: Any) -> list[dict[str, Any]]:
        return [dataclasses.asdict(order) for order in self._gateway.world.launch_failures.orders]

    def _fail_launches(self, _name: str, body: Any) -> None:
        self._gateway.world.launch_failures.orders.append(LaunchFailure(**check_launch_failure(body)))

    def _forget_launch_failures(self, _name: str, _body: Any) -> None:
        self._gateway.world.launch_failures.orders.clear()

    def _act(self, instance_id: str, body: Any) -> None:
        action = body.get("action") if isinstance(body, dict) else None
        if action not in ACTIONS:
            raise Problems([f"action {action!r} is none of {', '.join(ACTIONS)}"])
        for world in self._gateway.worlds():
            instance = world.backend("ec2").get_instance_by_id(instance_id)
            if instance is None:
                continue
            try:
                world.do_to_instance(instance, action)
            except AwsError as error:
                raise Problems([error.message]) from error
            self._gateway.tick()
            return
        raise Problems([f"there is no instance {instance_id}"])

    # -- calls -----------------------------------------------------------------------------------

    def _add_fault(self, _name: str, body: Any) -> dict[str, int]:
        return {"number": self._gateway.faults.add(Fault(**check_fault(body)))}

    def _remove_fault(self, name: str, _body: Any) -> None:
        if not name.isdigit() or not self._gateway.faults.remove(int(name)):
            raise Problems([f"there is no fault {name}"])

    def _set_policies(self, access_key: str, body: Any) -> None:
        if not isinstance(body, list) or not all(isinstance(policy, dict) for policy in body):
            raise Problems(["policies are a list of policy documents"])
        try:
            self._gateway.permissions.set(access_key, body)
        except AwsError as error:
            raise Problems([error.message]) from error

    def _calls(self, _name: str, query: Any) -> list[dict[str, Any]]:
        since = query.get("since", ["0"])[-1]
        problems = [f"unknown: {name}" for name in query if name != "since"]
        if not since.isdigit():
            problems.append(f"since {since!r} is no number")
        if problems:
            raise Problems(problems)
        return [dataclasses.asdict(call) for call in self._gateway.recording.since(int(since))]
