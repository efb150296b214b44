# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between a caller and AWS, to order."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.sandbox.errors import AwsError
from tests.sandbox.permissions import PREFIXES, denial
from tests.sandbox.protocol import Call

#: Kind -> what happens to a call that it strikes.
KINDS = {
    "throttle": "refused as too many, in the service's own words",
    "limit": "refused as too many where an operation has been called more than rate times a second",
    "deny": "refused for want of a permission, in the service's own words",
    "error": "refused with code, message and status (HTTP 500 InternalFailure unless they are given)",
    "reset": "the connection is reset before anything is done",
    "lose_answer": "it is done, and then the connection is reset instead of an answer",
    "delay": "it waits for so many seconds, and then goes on",
}
#: Service -> code and HTTP status of its throttling. Others: Throttling, 400.
_THROTTLING = {
    "ec2": ("RequestLimitExceeded", 503),
    "ssm": ("ThrottlingException", 400),
    "sns": ("Throttled", 429),
}


class ConnectionDropped(Exception):
    """The caller gets no answer; its connection is reset."""


@dataclass
class Fault:
    """An order to let calls go wrong. What is None in the first part matches anything."""

    kind: str
    service: str | None = None
    operation: str | None = None
    access_key: str | None = None
    region: str | None = None
    #: So many matching calls pass before the first is struck.
    after: int = 0
    #: So many are struck; all if None.
    times: int | None = None
    #: Of a delay.
    seconds: float = 0.0
    #: Of a limit, for each operation: a bucket of so many tokens, filled by so many a second. "Request throttling for
    #: the Amazon EC2 API": "a token bucket algorithm", "each API action is evaluated separately".
    rate: float = 10.0
    #: Of an error.
    code: str = "InternalFailure"
    message: str = "The request processing has failed because of an unknown error, exception or failure."
    status: int = 500
    #: Its number, by which it can be taken back.
    number: int = 0
    #: How many matching calls there were, and how many of them it struck.
    matched: int = 0
    struck: int = 0
    _buckets: dict[tuple[str, str, str], tuple[float, float]] = field(default_factory=dict, repr=False)

    def matches(self, call: Call) -> bool:
        """Return whether it is about such a call."""
        return (
            self.service in (None, call.service)
            and self.operation in (None, call.operation)
            and self.access_key in (None, call.access_key)
            and self.region in (None, call.region)
        )

    def takes_token(self, call: Call, now: float) -> bool:
        """Take a token from the operation's bucket; return whether there was one."""
        key = (call.region, call.service, call.operation)
        left, since = self._buckets.get(key, (self.rate, now))
        left = min(self.rate, left + (now - since) * self.rate)
        self._buckets[key] = (left - 1 if left >= 1 else left, now)
        return left >= 1


class Faults:
    """The orders, in the order in which they were given."""

    def __init__(self) -> None:
        """Begin without any."""
        self._orders: dict[int, Fault] = {}
        self._next = 1

    def add(self, fault: Fault) -> int:
        """Take an order; return its number."""
        fault.number = self._next
        self._orders[self._next] = fault
        self._next += 1
        return fault.number

    def remove(self, number: int) -> bool:
        """Take an order back; return whether there was one."""
        return self._orders.pop(number, None) is not None

    def clear(self) -> None:
        """Take all orders back."""
        self._orders.clear()

    def all(self) -> list[Fault]:
        """Return all orders, those that are used up too."""
        return list(self._orders.values())

    def strike(self, call: Call, now: float) -> list[Fault]:
        """Return the orders that strike a call at C(now), in epoch seconds, and count it."""
        striking = []
        for fault in self._orders.values():
            if not fault.matches(call):
                continue
            fault.matched += 1
            if fault.kind == "limit" and fault.takes_token(call, now):
                continue
            if fault.matched > fault.after and (fault.times is None or fault.struck < fault.times):
                fault.struck += 1
                striking.append(fault)
        return striking


def error_of(fault: Fault, call: Call, account_id: str) -> AwsError | None:
    """Return the error with which a fault answers a call; None for faults that do not answer."""
    if fault.kind in ("throttle", "limit"):
        code, status = _THROTTLING.get(call.service, ("Throttling", 400))
        words = "Request limit exceeded." if call.service == "ec2" else "Rate exceeded"
        return AwsError(code, words, status)
    if fault.kind == "deny":
        action = f"{PREFIXES.get(call.service, call.service)}:{call.operation}"
        return denial(call.service, call.access_key, action, account_id)
    if fault.kind == "error":
        return AwsError(fault.code, fault.message, fault.status)
    return None
