# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door into the pretend AWS: each request is understood, recorded, struck by faults, done and answered.

moto is not safe in threads, and neither are we: one lock is around everything.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from tests.sandbox import forwarding, moto_services
from tests.sandbox.clock import Clock
from tests.sandbox.ec2 import images, launch_templates
from tests.sandbox.errors import AwsError, not_modelled
from tests.sandbox.faults import ConnectionDropped, Fault, Faults, error_of
from tests.sandbox.permissions import Permissions
from tests.sandbox.protocol import Call, Request, Response, answer, refuse, understand
from tests.sandbox.recording import Recording, error_code
from tests.sandbox.world import Settings, World

Answer = TypeVar("Answer")

#: Parts of EC2 that moto gets wrong.
_EC2_PARTS = (images, launch_templates)


class Gateway:
    """A pretend AWS with all its regions: a world for each that was called, and one clock for all."""

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        """Begin with an empty world in the settings' region."""
        self.lock = threading.RLock()
        self.recording = Recording()
        self.faults = Faults()
        self.permissions = Permissions()
        self.world = World(settings, clock)
        self._worlds = {self.world.settings.region: self.world}

    def handle(self, request: Request) -> Response:
        """Answer a request. Raises ConnectionDropped where the caller is to get no answer."""
        try:
            call = understand(request, self.world.settings.region)
        except AwsError as error:
            return refuse(None, error)
        try:
            return self._record_and_strike(call, self._do, error_code)
        except AwsError as error:
            return refuse(call, error)

    def directly(self, call: Call) -> dict[str, Any]:
        """Do a call of our own that nobody has written down as a request; recorded and struck by faults as any other.

        Raises AwsError, and ConnectionDropped where the caller is to get no answer.
        """
        return self._record_and_strike(call, self._output, lambda output: None) or {}

    def is_own(self, call: Call) -> bool:
        """Return whether a call is for an operation of our own, and not for one of moto's."""
        return (
            call.service in ("autoscaling", "cloudwatch")
            or (call.service, call.operation) in self.world_in(call.region).targets.operations
            or (
                call.service == "ssm"
                and self.world_in(call.region).change_calendars.is_own(call.operation, call.parameters)
            )
            or (call.service == "ec2" and any(call.operation in part.OPERATIONS for part in _EC2_PARTS))
        )

    def _record_and_strike(
        self, call: Call, do: Callable[[Call], Answer], error_of_answer: Callable[[Answer], str | None]
    ) -> Answer:
        with self.lock:
            striking = self.faults.strike(call, self.world.now())
        for fault in striking:
            # Outside the lock: others go on meanwhile.
            if fault.kind == "delay":
                self.world.clock.wait(fault.seconds)
        with self.lock:
            recorded = self.recording.note(call, self.world.now())
            try:
                done = self._strike(call, striking, do)
            except ConnectionDropped:
                recorded.error = "ConnectionReset"
                raise
            except AwsError as error:
                recorded.error = error.code
                raise
            recorded.error = error_of_answer(done)
            return done

    def _strike(self, call: Call, striking: list[Fault], do: Callable[[Call], Answer]) -> Answer:
        for fault in striking:
            if fault.kind == "reset":
                raise ConnectionDropped
            if error := error_of(fault, call, self.world.settings.account_id):
                raise error
        try:
            self.tick()
            self.permissions.check(call, self.world_in(call.region))
            if call.write:
                self.world_in(call.region).past.before_change()
            done = do(call)
        except AwsError:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            raise AwsError("SandboxFailure", f"the sandbox failed at {call.operation}: {error!r}") from error
        if any(fault.kind == "lose_answer" for fault in striking):
            raise ConnectionDropped
        return done

    def _do(self, call: Call) -> Response:
        if call.protocol == "rest":
            return moto_services.call(call)
        output = self._output(call)
        return self._moto(call) if output is None else answer(call, output)

    def _moto(self, call: Call) -> Response:
        if call.service != "elbv2":
            return moto_services.call(call)
        world = self.world_in(call.region)
        forwarding.check(world, call.operation, call.parameters)
        done = moto_services.call(call)
        if call.write:
            forwarding.complete(world)
            world.targets.look()
        return done

    def _output(self, call: Call) -> dict[str, Any] | None:
        world = self.world_in(call.region)
        if not world.past.concerns(call):
            return self._own(world, call.service, call.operation, call.parameters)
        with world.past.some_time_ago():
            return self._own(world, call.service, call.operation, call.parameters)

    @staticmethod
    def _own(world: World, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """Return the output of an operation of our own; None for one of moto's."""
        if service == "autoscaling":
            return world.autoscaling.handle(operation, parameters)
        if service == "cloudwatch":
            return world.cloudwatch.handle(operation, parameters)
        if (service, operation) in world.targets.operations:
            return world.targets.handle(operation, parameters)
        if service == "ssm":
            return world.change_calendars.handle(operation, parameters)
        for part in _EC2_PARTS:
            if service == "ec2" and operation in part.OPERATIONS:
                output: dict[str, Any] = part.handle(world, operation, parameters)
                return output
        return None

    def world_in(self, region: str) -> World:
        """Return the world of a region, with the images' behaviour that all regions share."""
        if region not in self._worlds:
            if not moto_services.known_region(region):
                raise not_modelled(f"the region {region}")
            home = self.world
            world = World(dataclasses.replace(home.settings, region=region), home.clock)
            world.images, world.launch_failures = home.images, home.launch_failures
            self._worlds[region] = world
        return self._worlds[region]

    def worlds(self) -> Iterator[World]:
        """Return the worlds of all regions that were called."""
        return iter(list(self._worlds.values()))

    def tick(self) -> None:
        """Let everything happen that has become due."""
        for world in self.worlds():
            world.tick()

    def next_event(self) -> float | None:
        """Return when something will happen next (epoch seconds), in any region."""
        return min((due for world in self.worlds() if (due := world.next_event()) is not None), default=None)

    def reset(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        """Begin anew with an empty AWS: nothing stored, nothing recorded, no fault."""
        with self.lock:
            moto_services.reset()
            self.recording = Recording()
            self.faults = Faults()
            self.permissions = Permissions()
            self.world = World(settings or self.world.settings, clock or self.world.clock)
            self._worlds = {self.world.settings.region: self.world}
