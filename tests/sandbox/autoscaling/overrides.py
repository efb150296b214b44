# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance types of a mixed instances policy: which is launched next, and how many units it counts.

After "Configure an Auto Scaling group to use instance weights", "Allocation strategies for multiple instance types"
and "Create a mixed instances group using attribute-based instance type selection" in the Amazon EC2 Auto Scaling User
Guide, and ``LaunchTemplateOverrides`` in its API reference.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPES

from tests.sandbox.errors import AwsError, not_modelled, validation_error

_HEAVIEST = 999
#: What attribute-based selection finds: AWS looks through all types, the sandbox through these.
_BY_ATTRIBUTES = ("m5.large", "m5.xlarge", "c5.large", "c5.xlarge", "m5.2xlarge", "t3.micro", "t3.medium")
_MEASURES = {"vcpu": ("VCpuInfo", "DefaultVCpus"), "memory-mib": ("MemoryInfo", "SizeInMiB")}
UNITS = "units"


def overrides_in_order(
    policy: dict[str, Any], capacity_type: str, turn: int
) -> list[tuple[dict[str, Any], int]]:
    """Return the overrides that a policy's next instance may be launched with, each with its type and units.

    The first comes first; the others are what is launched where that has no capacity. ``prioritized``, the default of
    On-Demand Instances, keeps to their order: "If all your On-Demand capacity cannot be fulfilled using your highest
    priority instance type, then Amazon EC2 Auto Scaling launches the remaining capacity using the second priority
    instance type, and so on" (InstancesDistribution in the API reference). The others go by prices and by capacity
    that nobody knows beforehand; the sandbox takes the types in turn for them.
    """
    overrides = [
        one for override in policy["LaunchTemplate"].get("Overrides") or [] for one in _types(override)
    ]
    if not overrides:
        return [({}, 1)]
    first = turn % len(overrides) if _in_turn(policy) or _by_attributes(policy) else 0
    return [(one, _units(one, capacity_type)) for one in overrides[first:] + overrides[:first]]


def _units(override: dict[str, Any], capacity_type: str) -> int:
    if capacity_type != UNITS:
        return measure(override["InstanceType"], capacity_type)
    return int(override.get("WeightedCapacity", 1))


def measure(instance_type: str, capacity_type: str) -> int:
    """Return how many vCPUs or MiB of memory an instance type has."""
    info, member = _MEASURES[capacity_type]
    return int(INSTANCE_TYPES[instance_type][info][member])


def check_overrides(policy: dict[str, Any]) -> None:
    """Refuse weights that Auto Scaling would not take. Raises AwsError."""
    overrides = policy["LaunchTemplate"].get("Overrides") or []
    weights = [override.get("WeightedCapacity") for override in overrides]
    if any(weight is not None for weight in weights) and None in weights:
        # "If you specify a value for WeightedCapacity for one instance type, you must specify a value for
        # WeightedCapacity for all of them" (LaunchTemplateOverrides).
        raise validation_error(
            "You must specify a weighted capacity for all instance types, or for none of them."
        )
    for weight in filter(None, weights):
        if not weight.isdigit() or not 1 <= int(weight) <= _HEAVIEST:
            raise validation_error(
                f"WeightedCapacity must be a whole number from 1 to {_HEAVIEST}, not {weight}"
            )


def check_capacity_type(attributes: dict[str, Any], policy: dict[str, Any] | None) -> None:
    """Refuse a DesiredCapacityType that does not go with what is launched from. Raises AwsError."""
    kind = attributes.get("DesiredCapacityType", UNITS)
    if kind == UNITS:
        return
    if kind not in _MEASURES:
        raise validation_error(f"DesiredCapacityType {kind} is not one of units, vcpu and memory-mib")
    if policy is None or not _by_attributes(policy):
        # "Amazon EC2 Auto Scaling supports DesiredCapacityType for attribute-based instance type selection only."
        raise validation_error("DesiredCapacityType requires attribute-based instance type selection")


def _by_attributes(policy: dict[str, Any]) -> bool:
    overrides: list[dict[str, Any]] = policy["LaunchTemplate"].get("Overrides") or []
    return any("InstanceRequirements" in one for one in overrides)


def _in_turn(policy: dict[str, Any]) -> bool:
    distribution = policy.get("InstancesDistribution") or {}
    spot = (
        distribution.get("OnDemandPercentageAboveBaseCapacity", 100) < 100
        and distribution.get("SpotAllocationStrategy", "lowest-price") != "capacity-optimized-prioritized"
    )
    return bool(spot or distribution.get("OnDemandAllocationStrategy", "prioritized") != "prioritized")


def _types(override: dict[str, Any]) -> list[dict[str, Any]]:
    requirements = override.get("InstanceRequirements")
    if requirements is None:
        return [override]
    try:
        found = [one for one in _BY_ATTRIBUTES if _fits(one, requirements)]
    except KeyError as error:
        raise AwsError("ValidationError", f"InstanceRequirements needs {error}") from error
    if not found:
        raise not_modelled(f"InstanceRequirements that none of {', '.join(_BY_ATTRIBUTES)} fits")
    return [{**override, "InstanceType": one} for one in found]


def _fits(instance_type: str, requirements: dict[str, Any]) -> bool:
    ranges = (("vcpu", requirements["VCpuCount"]), ("memory-mib", requirements["MemoryMiB"]))
    return all(
        int(bounds["Min"]) <= measure(instance_type, kind) <= bounds.get("Max", float("inf"))
        for kind, bounds in ranges
    )
