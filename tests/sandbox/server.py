# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pretend AWS on a loopback port: one thread a connection, and one that lets time pass."""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox.control import Control
from tests.sandbox.faults import ConnectionDropped
from tests.sandbox.gateway import Gateway
from tests.sandbox.metrics.exposition import CONTENT_TYPE, exposition
from tests.sandbox.metrics.published import Snapshot
from tests.sandbox.protocol import Request

#: Seconds between two looks at whether something is due, and at all groups even if nothing is.
_LOOK, _LOOK_AT_ALL = 0.05, 1.0
#: Closing with this lingering time sends a reset instead of an orderly end.
_RESET = struct.pack("ii", 1, 0)


class Server:
    """A pretend AWS that listens."""

    def __init__(self, gateway: Gateway, port: int = 0) -> None:
        """Listen on ``port`` of loopback, on a free one if it is 0; ``start`` begins to answer."""
        self.gateway = gateway
        #: When the last request came, on the monotonic clock.
        self.last_request = time.monotonic()
        self._control = Control(gateway)
        self._over = threading.Event()
        self._http = _HttpServer(("127.0.0.1", port), _Handler)
        self._http.owner = self
        self._threads = [
            threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True),
            threading.Thread(target=self._pass_time, daemon=True),
        ]

    @property
    def url(self) -> str:
        """Return the address for AWS clients."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> None:
        """Begin to answer, in threads of its own."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._over.set()
        self._http.shutdown()
        self._http.server_close()
        for thread in self._threads:
            thread.join()

    def control(self, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        """Answer a request below /sandbox/."""
        return self._control.handle(method, path, query, body)

    def exposition(self) -> str:
        """Return what Prometheus scrapes of the instances in the home region."""
        with self.gateway.lock:
            self.gateway.tick()
            world = self.gateway.world
            return exposition(Snapshot(world), world.now())

    def _pass_time(self) -> None:
        """Let happen what is due, even if nobody calls."""
        looked = 0.0
        while not self._over.wait(_LOOK):
            with self.gateway.lock:
                due = self.gateway.next_event()
                now = self.gateway.world.now()
                if (due is None or due > now) and now < looked + _LOOK_AT_ALL:
                    continue
                looked = now
                try:
                    self.gateway.tick()
                except Exception:  # time must go on
                    traceback.print_exc(file=sys.stderr)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer
    # Answers are written in two parts, which would wait for each other.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a request."""
        self._serve()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_GET  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time as the header Date has it: the world's, of which some may have been skipped."""
        return super().date_time_string(self.server.owner.gateway.world.clock.present())

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing: calls are recorded."""

    def _serve(self) -> None:
        owner = self.server.owner
        owner.last_request = time.monotonic()
        body = self._body()
        target = urlsplit(self.path)
        if target.path == "/sandbox/metrics":
            self._write(200, {"Content-Type": CONTENT_TYPE}, owner.exposition().encode())
            return
        if target.path.startswith("/sandbox/"):
            status, told = owner.control(self.command, target.path, target.query, body)
            content = b"" if told is None else json.dumps(told).encode()
            self._write(status, {"Content-Type": "application/json"}, content)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            response = owner.gateway.handle(Request(self.command, self.path, headers, body))
        except ConnectionDropped:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True
            self.connection.close()
            return
        self._write(response.status, response.headers, response.body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _write(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
