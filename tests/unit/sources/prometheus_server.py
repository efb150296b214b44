# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that speaks as much of Prometheus's HTTP API as a verification uses, as its documentation says.

"Range queries" and "Format overview" of https://prometheus.io/docs/prometheus/latest/querying/api/. What it does not
know of the API it refuses as Prometheus does. PromQL is not read: a function says what a query gives.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

#: Labels and a value by moment for each series that a query gives; None is no sample.
Series = tuple[Mapping[str, str], Callable[[float], float | None]]
#: "exceeded maximum resolution of 11,000 points per timeseries"
MOST_POINTS = 11_000


class ParseError(Exception):
    """What a query is answered with that is no PromQL."""


@dataclass
class PrometheusServer:
    """What it answers, and what it was asked: method, path, parameters, headers."""

    series: Callable[[str], Sequence[Series]] = lambda query: [({}, lambda moment: 10.0)]
    token: str = ""
    status: int = 200
    raw: bytes | None = None
    warnings: list[str] = field(default_factory=list)
    methods: Sequence[str] = ("GET", "POST")
    asked: list[tuple[str, str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, form: Mapping[str, str]) -> tuple[int, Any]:
        if path != "/api/v1/query_range":
            return 404, None
        if method not in self.methods:
            return 405, None
        if self.status != 200:
            return self.status, _error("unavailable", "the server is not ready")
        for name in ("start", "end", "step"):
            try:
                float(form[name])
            except (KeyError, ValueError):
                return 400, _error("bad_data", f'invalid parameter "{name}": cannot parse it')
        start, end, step = (float(form[name]) for name in ("start", "end", "step"))
        if end < start:
            return 400, _error(
                "bad_data", 'invalid parameter "end": end timestamp must not be before start time'
            )
        if step <= 0:
            return 400, _error("bad_data", 'invalid parameter "step": zero or negative query resolution step')
        if (end - start) / step > MOST_POINTS:
            return 400, _error("bad_data", "exceeded maximum resolution of 11,000 points per timeseries")
        try:
            found = self.series(form.get("query", ""))
        except ParseError as error:
            return 400, _error("bad_data", f'invalid parameter "query": 1:1: parse error: {error}')
        result = []
        for labels, value_at in found:
            values, moment = [], start
            while moment <= end:
                value = value_at(moment)
                if value is not None:
                    # "JSON does not support special float values such as NaN, Inf": numbers are strings.
                    values.append([moment, _written(value)])
                moment += step
            if values:
                result.append({"metric": dict(labels), "values": values})
        answer: dict[str, Any] = {"status": "success", "data": {"resultType": "matrix", "result": result}}
        return 200, {**answer, "warnings": self.warnings} if self.warnings else answer


def _written(value: float) -> str:
    return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}.get(repr(value), repr(value))


def _error(kind: str, words: str) -> dict[str, str]:
    return {"status": "error", "errorType": kind, "error": words}


@contextmanager
def prometheus(**answers: Any) -> Iterator[PrometheusServer]:
    """One that listens on loopback."""
    server = PrometheusServer(**answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target = urlsplit(self.path)
            query = target.query
            if self.command == "POST":
                query = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = {name: values[-1] for name, values in parse_qs(query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.asked.append((self.command, target.path, form, headers))
            status, told = server.answer(self.command, target.path, form)
            if server.token and headers.get("authorization") != f"Bearer {server.token}":
                status, told = 401, None
            status = status if server.raw is None else 200
            content = server.raw if server.raw is not None else json.dumps(told).encode() if told else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
