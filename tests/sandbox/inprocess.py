# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pretend AWS without a socket: boto3 clients that reach a world in this process, and a clock that is told.

There is one at a time in a process, since moto's stores are global.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from typing import Any, TypeVar

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from tests.sandbox.autoscaling.launching import LaunchFailure
from tests.sandbox.clock import VirtualClock
from tests.sandbox.control import Control
from tests.sandbox.direct import DirectClient
from tests.sandbox.faults import ConnectionDropped, Fault
from tests.sandbox.gateway import Gateway
from tests.sandbox.protocol import Request
from tests.sandbox.world import Settings, World

Answer = TypeVar("Answer")

_URL = "http://sandbox.invalid"
#: Seconds after which a client no longer waits for an answer.
READ_TIMEOUT = 30.0


class InProcess:
    """A pretend AWS in this process; its time stands still but for ``advance``.

    Example::

        aws = InProcess(Settings(pending_seconds=2.0))
        autoscaling = aws.client("autoscaling")
        ...
        aws.advance(2.0)
    """

    def __init__(self, settings: Settings | None = None, start: float | None = None) -> None:
        """Begin with an empty AWS, at ``start`` (epoch seconds) or the computer's time."""
        self._clients: dict[tuple[str, str, str, int], Any] = {}
        self.clock = VirtualClock(start)
        self.gateway = Gateway(settings, self.clock)
        self._at_call: Callable[[int], None] | None = None
        self._number = 0
        #: Done after a call was, before its caller gets the answer; it may raise.
        self.after_call: Callable[[], None] | None = None
        self.reset(settings, start)

    def reset(self, settings: Settings | None = None, start: float | None = None) -> None:
        """Begin anew. Clients that were made reach the new world: they are dear, and worlds are cheap."""
        self.clock = VirtualClock(start)
        self.gateway.reset(settings or Settings(), self.clock)
        self.control = Control(self.gateway)

    @property
    def world(self) -> World:
        """Return the world of the settings' region."""
        return self.gateway.world

    def client(
        self, service: str, region: str | None = None, access_key: str = "sandbox", attempts: int = 1
    ) -> Any:
        """Return a boto3 client. It tries ``attempts`` times: by default the caller sees each fault."""
        region = region or self.world.settings.region
        key = (service, region, access_key, attempts)
        if key not in self._clients:
            client = boto3.client(
                service,
                region_name=region,
                endpoint_url=_URL,
                aws_access_key_id=access_key,
                aws_secret_access_key="sandbox",
                config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
            )
            client.meta.events.register("before-send.*", self._send)
            self._clients[key] = client
        return self._clients[key]

    def _send(self, request: Any, **_: Any) -> AWSResponse:
        """Answer a request instead of sending it (botocore's event ``before-send``)."""
        headers = {}
        for name, value in request.headers.items():
            headers[name.lower()] = value.decode() if isinstance(value, bytes) else str(value)
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
        path = request.url.removeprefix(_URL) or "/"
        asked = Request(request.method, path, headers, content)
        try:
            response = self.within_time(request.url, lambda: self.gateway.handle(asked))
        except ConnectionDropped as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from error
        headers = {name: value for name, value in response.headers.items() if name.lower() != "date"}
        headers["Date"] = self.date()
        return AWSResponse(request.url, response.status, headers, _Raw(response.body))

    def date(self) -> str:
        """Return the time as a header of an answer has it."""
        return formatdate(self.clock.present(), usegmt=True)

    def within_time(self, where: str, do: Callable[[], Answer]) -> Answer:
        """Do a call with what is ordered before and after it, and lose the answer if it comes too late."""
        if self._at_call:
            self._number += 1
            self._at_call(self._number)
        sent = self.clock.now()
        answer = do()
        if self.after_call:
            self.after_call()
        if self.clock.now() - sent > READ_TIMEOUT:
            raise ReadTimeoutError(endpoint_url=where, error="nobody waits so long")
        return answer

    def direct_client(self, service: str) -> DirectClient:
        """Return a client that skips the wire."""
        return DirectClient(self, service)

    # -- time ------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that becomes due, each at its moment."""
        with self.gateway.lock:
            self.gateway.tick()
            self.clock.advance(seconds)
            self.gateway.tick()

    def settle(self, most: float = 3600.0) -> float:
        """Let time pass from event to event until none is due within ``most`` seconds; return how long it took."""
        began = self.clock.now()
        with self.gateway.lock:
            self.gateway.tick()
            while (due := self.gateway.next_event()) is not None and due <= began + most:
                self.clock.advance(max(0.0, due - self.clock.now()))
                self.gateway.tick()
        return self.clock.now() - began

    # -- what the server's control address does --------------------------------------------------

    def behave(self, image_id: str, behaviour: dict[str, Any]) -> None:
        """Let instances of an image behave in this way."""
        self._told("POST", f"images/{image_id}", behaviour)

    def demand(self, groups: str, instances: float) -> None:
        """Let groups whose names begin like this share so many instances' usual load from now on."""
        self._told("POST", "demand", {"groups": groups, "instances": instances})

    def fail_launches(self, code: str, times: int | None = None, **match: str) -> None:
        """Let launches with these facts (group, image_id, instance_type, zone, subnet_id) fail."""
        self.world.launch_failures.orders.append(LaunchFailure(code, match, times))

    def act(self, instance_id: str, action: str) -> None:
        """Do something to an instance (``tests.sandbox.control.ACTIONS``)."""
        self._told("POST", f"instances/{instance_id}", {"action": action})

    @contextmanager
    def fault(self, kind: str, **members: Any) -> Iterator[Fault]:
        """Let calls go wrong within the block; the members are those of ``Fault``."""
        fault = Fault(kind, **members)
        self.gateway.faults.add(fault)
        try:
            yield fault
        finally:
            self.gateway.faults.remove(fault.number)

    @contextmanager
    def before_calls(self, at_call: Callable[[int], None]) -> Iterator[None]:
        """Do something before each call within the block, with the call's number from 1; it may raise."""
        self._at_call, self._number = at_call, 0
        try:
            yield
        finally:
            self._at_call, self.after_call = None, None

    @contextmanager
    def no_calls_before(self) -> Iterator[None]:
        """Leave what is to be done before calls alone within the block, whose calls are somebody else's."""
        at_call, self._at_call = self._at_call, None
        try:
            yield
        finally:
            self._at_call = at_call

    def mark(self) -> int:
        """Return the number of the next call."""
        return self.gateway.recording.mark

    def calls(self, mark: int = 0) -> list[dict[str, Any]]:
        """Return the calls since a mark."""
        return [dataclasses.asdict(call) for call in self.gateway.recording.since(mark)]

    def writes(self, mark: int = 0) -> list[dict[str, Any]]:
        """Return the calls since a mark that could change something."""
        return [call for call in self.calls(mark) if call["write"]]

    def _told(self, method: str, path: str, body: Any) -> Any:
        status, answer = self.control.handle(method, f"/sandbox/{path}", "", json.dumps(body).encode())
        if status != 200:
            raise ValueError("; ".join(answer["problems"]))
        return answer


class _Raw:
    """A body as urllib3 would hand it out."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body
