# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what the control address is told makes sense: a typing error in a test is to fail it, not to do nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.sandbox.autoscaling.launching import FAILURES
from tests.sandbox.faults import KINDS, Fault
from tests.sandbox.metrics.signals import METRIC_KEYS, behaviour_of
from tests.sandbox.world import Settings

#: What an image's behaviour can say besides its metrics.
_LIFE_KEYS = frozenset(
    {
        "launch_error",  # a name of FAILURES, or a sentence: launches fail with it
        "dies_after",  # seconds in service after which EC2 terminates the instance
        "unhealthy",  # whether load balancers find it unhealthy
        "state",  # the AMI's own state
    }
)
_IMAGE_STATES = (
    "available",
    "deregistered",
    "disabled",
    "error",
    "failed",
    "invalid",
    "pending",
    "transient",
)
_FACTS = ("group", "image_id", "instance_type", "zone", "subnet_id")
_FIXED_SETTINGS = ("region", "account_id")
_COUNTED_BY_US = ("number", "matched", "struck", "_buckets")


class Problems(Exception):
    """All that is wrong with what was told."""

    def __init__(self, found: list[str]) -> None:
        """Keep what was found."""
        super().__init__("; ".join(found))
        self.found = found


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Problems(["the body must be a JSON object"])
    return body


def _unknown(body: dict[str, Any], known: Any) -> list[str]:
    return [f"unknown: {name}; known are {', '.join(sorted(known))}" for name in body if name not in known]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def check_number(body: Any, name: str) -> float:
    """Return the one number that a body holds. Raises Problems."""
    found = _unknown(_object(body), {name})
    if not _is_number(body.get(name)):
        found.append(f"{name} must be a number of seconds, 0 or more")
    if found:
        raise Problems(found)
    return float(body[name])


def check_settings(body: Any) -> dict[str, float]:
    """Return the settings to change. Raises Problems."""
    known = {field.name for field in dataclasses.fields(Settings)} - set(_FIXED_SETTINGS)
    found = _unknown(_object(body), known)
    found += [
        f"{name} must be a number of seconds, 0 or more"
        for name, value in body.items()
        if name in known and not _is_number(value)
    ]
    if found:
        raise Problems(found)
    return {name: float(value) for name, value in body.items()}


def check_behaviour(image_id: str, exists: bool, body: Any) -> dict[str, Any]:
    """Return an image's behaviour. Raises Problems."""
    behaviour = _object(body)
    found = [] if exists else [f"there is no image {image_id}"]
    found += _unknown(behaviour, METRIC_KEYS | _LIFE_KEYS)
    error = behaviour.get("launch_error")
    if error is not None and not (isinstance(error, str) and (error in FAILURES or " " in error)):
        found.append(f"launch_error {error!r} is neither a sentence nor one of {', '.join(FAILURES)}")
    if "dies_after" in behaviour and not _is_number(behaviour["dies_after"]):
        found.append("dies_after must be a number of seconds, 0 or more")
    if not isinstance(behaviour.get("unhealthy", False), bool):
        found.append("unhealthy must be true or false")
    if behaviour.get("state", "available") not in _IMAGE_STATES:
        found.append(f"state {behaviour['state']!r} is none of {', '.join(_IMAGE_STATES)}")
    metrics = {name: value for name, value in behaviour.items() if name in METRIC_KEYS}
    wrong = _no_numbers(metrics)
    found += wrong or _contradictions(metrics)
    if found:
        raise Problems(found)
    return behaviour


def _no_numbers(part: dict[str, Any], path: str = "") -> list[str]:
    """Return complaints about what shapes metrics and is no number."""
    found = []
    for name, value in part.items():
        if isinstance(value, dict):
            found += _no_numbers(value, f"{path}{name}.")
        elif name == "detailed_monitoring" or value is None:
            continue
        elif not isinstance(value, int | float) or isinstance(value, bool):
            found.append(f"{path}{name} must be a number")
    return found


def _contradictions(metrics: dict[str, Any]) -> list[str]:
    """Return what the metrics themselves find wrong, of any instance, the bad ones too."""
    every = int((metrics.get("one_bad") or {}).get("every", 4))
    if every < 1:
        return ["one_bad.every must be 1 or more"]
    try:
        for number in range(every):
            behaviour_of(metrics, number)
    except (ValueError, TypeError, AttributeError) as error:
        return [str(error)]
    return []


def check_demand(body: Any) -> dict[str, Any]:
    """Return the parameters of Demand.set. Raises Problems."""
    order = _object(body)
    found = _unknown(order, {"groups", "instances"})
    if not (isinstance(order.get("groups"), str) and order["groups"]):
        found.append("groups must be how the names of the groups begin")
    if not _is_number(order.get("instances")):
        found.append("instances must be a number, 0 or more")
    if found:
        raise Problems(found)
    return order


def check_launch_failure(body: Any) -> dict[str, Any]:
    """Return the members of a LaunchFailure. Raises Problems."""
    order = _object(body)
    found = _unknown(order, {"code", "match", "times"})
    code = order.get("code")
    if not isinstance(code, str) or not (code in FAILURES or " " in code):
        found.append(f"code {code!r} is neither a sentence nor one of {', '.join(FAILURES)}")
    match = order.get("match", {})
    if isinstance(match, dict):
        found += _unknown(match, _FACTS)
    else:
        found.append("match must be an object")
    found += _check_count(order, "times", 1)
    if found:
        raise Problems(found)
    return order


def check_fault(body: Any) -> dict[str, Any]:
    """Return the members of a Fault. Raises Problems."""
    order = _object(body)
    fields = {field.name: field for field in dataclasses.fields(Fault) if field.name not in _COUNTED_BY_US}
    found = _unknown(order, fields)
    if order.get("kind") not in KINDS:
        found.append(f"kind {order.get('kind')!r} is none of {', '.join(KINDS)}")
    texts = ("service", "operation", "access_key", "region", "code", "message")
    found += [
        f"{name} must be a text" for name in texts if name in order and not isinstance(order[name], str)
    ]
    found += _check_count(order, "after", 0) + _check_count(order, "times", 1)
    if not _is_number(order.get("rate", 1)) or not order.get("rate", 1):
        found.append("rate must be a number, more than 0")
    if not _is_number(order.get("seconds", 0)):
        found.append("seconds must be a number, 0 or more")
    status = order.get("status", 500)
    if not isinstance(status, int) or not 400 <= status < 600:
        found.append(f"status {status!r} is no HTTP status of an error")
    if found:
        raise Problems(found)
    return order


def _check_count(order: dict[str, Any], name: str, least: int) -> list[str]:
    count = order.get(name)
    if count is None or (isinstance(count, int) and not isinstance(count, bool) and count >= least):
        return []
    return [f"{name} must be a whole number, {least} or more"]
