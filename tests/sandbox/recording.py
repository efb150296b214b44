# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call that was made, for tests that ask who did what."""

from __future__ import annotations

import base64
import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.sandbox.protocol import Call, Response

_KEPT = 200_000
_CODE = re.compile(rb"<Code>([^<]+)</Code>")
_TYPE = re.compile(rb'"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"')


@dataclass
class Recorded:
    """A call, in the order in which it was done. ``time`` is epoch seconds."""

    number: int
    time: float
    service: str
    operation: str
    region: str
    access_key: str
    user_agent: str
    write: bool
    parameters: dict[str, Any]
    #: The code of the error that was answered, ``ConnectionReset`` for no answer at all, or None.
    error: str | None = None


class Recording:
    """The calls since the beginning. The oldest are forgotten after very many."""

    def __init__(self) -> None:
        """Begin without calls."""
        self._calls: deque[Recorded] = deque(maxlen=_KEPT)
        self._next = 0

    @property
    def mark(self) -> int:
        """Return the number of the next call, to ask later for the calls since now."""
        return self._next

    def note(self, call: Call, now: float) -> Recorded:
        """Keep a call."""
        recorded = Recorded(
            number=self._next,
            time=now,
            service=call.service,
            operation=call.operation,
            region=call.region,
            access_key=call.access_key,
            user_agent=call.user_agent,
            # A dry run only asks whether the caller might.
            write=call.write and not call.parameters.get("DryRun"),
            parameters=plain(call.parameters),
        )
        self._next += 1
        self._calls.append(recorded)
        return recorded

    def since(self, mark: int) -> list[Recorded]:
        """Return the calls from the number ``mark`` on, oldest first."""
        return [call for call in self._calls if call.number >= mark]


def plain(value: Any) -> Any:
    """Return parameters as JSON can have them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def error_code(response: Response) -> str | None:
    """Return the code of the error in an answer that moto wrote."""
    if response.status < 400:
        return None
    found = _CODE.search(response.body) or _TYPE.search(response.body)
    return found[1].decode() if found else f"HTTP{response.status}"
