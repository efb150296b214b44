# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that skip the wire: ten times as fast as boto3's, for a sweep of tens of thousands of cases.

They have boto3's methods and exceptions. What the sandbox leaves to moto goes the long way, by a client of boto3's.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.sandbox.errors import AwsError
from tests.sandbox.faults import ConnectionDropped
from tests.sandbox.protocol import Call, Request

if TYPE_CHECKING:
    from tests.sandbox.inprocess import InProcess

#: botocore encodes user data itself on their way, so that they must go that way.
_ENCODED = frozenset({"CreateLaunchConfiguration"})
_NO_REQUEST = Request("POST", "/", {})


class DirectClient:
    """A client of one service, for one access key."""

    def __init__(self, aws: InProcess, service: str, access_key: str = "sandbox") -> None:
        """Reach the given pretend AWS."""
        self._aws = aws
        self._service = service
        self._access_key = access_key

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        """Return what does the operation that boto3 calls by this name."""
        operation = _operations(self._aws.client(self._service), self._service).get(method)
        if operation is None:
            raise AttributeError(f"{self._service} has no method {method}")
        return functools.partial(self._call, method, operation)

    def _call(self, method: str, operation: str, **parameters: Any) -> dict[str, Any]:
        region = self._aws.world.settings.region
        call = Call(
            self._service,
            operation,
            "direct",
            region,
            _NO_REQUEST,
            self._access_key,
            copy.deepcopy(parameters),
        )
        where = f"{self._service}:{operation}"
        if operation in _ENCODED or not self._aws.gateway.is_own(call):
            answer: dict[str, Any] = getattr(self._aws.client(self._service), method)(**parameters)
            return answer
        try:
            answer = self._aws.within_time(where, lambda: self._aws.gateway.directly(call))
            return {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": self._aws.date()}}}
        except ConnectionDropped as error:
            raise ConnectionClosedError(endpoint_url=where, error=error) from error
        except AwsError as error:
            raise ClientError(
                {
                    "Error": {"Code": error.code, "Message": error.message},
                    "ResponseMetadata": {"HTTPStatusCode": error.status},
                },
                operation,
            ) from error


_known: dict[str, dict[str, str]] = {}


def _operations(client: Any, service: str) -> dict[str, str]:
    """Return the operations of a service by the names of boto3's methods."""
    if service not in _known:
        _known[service] = {xform_name(name): name for name in client.meta.service_model.operation_names}
    return _known[service]
