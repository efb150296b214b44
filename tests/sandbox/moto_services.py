# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that moto plays: how a call reaches them, and how they are emptied.

moto's request handlers are called directly, without its web server: that is quicker, and leaves the
answers to errors to us. These are private seams of moto, which is why its version is pinned exactly.
"""

from __future__ import annotations

import functools
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any

import moto.backend_index
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.request import Request as MotoRequest
from moto.ec2.exceptions import InvalidInstanceIdError
from moto.ec2.models.instances import InstanceBackend
from moto.elb.models import LoadBalancer
from moto.moto_api._internal import mock_random
from werkzeug.exceptions import HTTPException

from tests.sandbox.errors import AwsError, not_modelled
from tests.sandbox.protocol import Call, Response

_ACCOUNT = "123456789012"
#: botocore's name of a service -> the name in its address, where the two differ.
_ENDPOINTS = {
    "cloudwatch": "monitoring",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "service-quotas": "servicequotas",
}
#: Services whose moto would be wrong without an error, or that are ours.
_OURS = {"autoscaling", "cloudwatch"}

_used: set[str] = set()


def _instance(self: InstanceBackend, instance_id: str) -> Any:
    """Find an instance at once: moto looks through copies of all reservations, for each volume of each instance."""
    known: dict[str, Any] = self.__dict__.setdefault("_instances_by_id", {})
    if instance_id not in known:
        for reservation in reversed(self.reservations.values()):
            new = {instance.id: instance for instance in reservation.instances}
            if new.keys() <= known.keys():
                break
            known.update(new)
    if instance_id not in known:
        raise InvalidInstanceIdError(instance_id)
    return known[instance_id]


InstanceBackend.get_instance = _instance  # type: ignore[method-assign]


def _zones(self: LoadBalancer) -> list[str]:
    """Return the zones of a classic load balancer: those of its subnets, where moto was told none."""
    given: list[str] = self.__dict__["given_zones"]
    return given or sorted({_zone_of(subnet_id) for subnet_id in self.subnets})


def _set_zones(self: LoadBalancer, zones: list[str]) -> None:
    self.__dict__["given_zones"] = zones


def _zone_of(subnet_id: str) -> str:
    return next(
        str(subnets[subnet_id].availability_zone)
        for ec2 in get_backend("ec2")[_ACCOUNT].values()
        for subnets in ec2.subnets.values()
        if subnet_id in subnets
    )


LoadBalancer.availability_zones = property(_zones, _set_zones)  # type: ignore[assignment]


def backend(service: str, region: str) -> Any:
    """Return moto's store of ``service`` (such as ``ec2``) in ``region``."""
    _used.add(service)
    return get_backend(service)[_ACCOUNT][region]  # type: ignore[call-overload]


def known_region(region: str) -> bool:
    """Return whether moto has a region of this name."""
    return region in get_backend("ec2")[_ACCOUNT].regions


def images() -> dict[str, Any]:
    """Return moto's images of all regions that were used, by id."""
    return {
        image_id: image
        for ec2 in get_backend("ec2")[_ACCOUNT].values()
        for image_id, image in ec2.amis.items()
    }


def reset() -> None:
    """Empty every service that was used. What follows gets the same ids each time, from which noise is drawn."""
    mock_random.seed(0)
    reset_model_data()
    for service in _used:
        get_backend(service).reset()  # type: ignore[call-overload]


@functools.lru_cache(maxsize=256)
def _handler(url: str) -> tuple[str, Callable[..., Any]] | None:
    for service, pattern in moto.backend_index.backend_url_patterns:
        if service in _OURS or not pattern.match(url):
            continue
        backends: Any = get_backend(service)  # type: ignore[call-overload]
        if isinstance(backends, BackendDict):
            regions = backends[_ACCOUNT]
            a_backend: Any = regions["us-east-1" if "us-east-1" in regions else "aws"]
        else:
            a_backend = backends["global"]
        for address, function in a_backend.urls.items():
            if re.match(address, url):
                return service, function
    return None


def call(called: Call) -> Response:
    """Let moto answer. Raises AwsError for what it does not implement or fails at."""
    request = called.request
    endpoint = _ENDPOINTS.get(called.service, called.service)
    url = f"https://{endpoint}.{called.region}.amazonaws.com{request.path}"
    found = _handler(url)
    if found is None:
        raise not_modelled(f"the service {called.service}")
    service, function = found
    _used.add(service)
    full_url = url + (f"?{request.query}" if request.query else "")
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    headers["host"] = f"{endpoint}.{called.region}.amazonaws.com"
    moto_request = MotoRequest.from_primitives(request.method, full_url, headers, request.body)
    try:
        status, answer_headers, body = function(moto_request, moto_request.raw_url, moto_request.headers)
    except HTTPException as error:
        status, answer_headers, body = error.code, dict(error.get_headers()), error.get_body()
    except NotImplementedError:
        raise not_modelled(f"{called.service}:{called.operation}") from None
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        raise AwsError("SandboxFailure", f"moto failed at {called.operation}: {error!r}") from error
    content = body.encode() if isinstance(body, str) else bytes(body)
    return Response(int(status), {name: str(value) for name, value in answer_headers.items()}, content)
