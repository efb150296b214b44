# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why EC2 does not launch an AMI as an instance type, or with block devices, in its own words.

After the Amazon EC2 User Guide: "Requirements to launch an EC2 instance in UEFI boot mode" and "Instance launch
behavior with Amazon EC2 boot modes"; "Enable enhanced networking with ENA on your EC2 instances"; "Block device
mappings for volumes on Amazon EC2 instances". The API reference of EbsBlockDevice has it of VolumeSize: "If you specify
a snapshot, the default is the snapshot size. You can specify a volume size that is equal to or larger than the snapshot
size." The messages are those that users have reported: RhinoSecurityLabs/cloudgoat 247 (boot mode), rancher/os 2160
(ENA), scylladb/scylladb 6999 (size).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPES

#: An AMI of another mode, or of none, "uses the default boot mode value of the instance type".
_FIXED = {"uefi": "UEFI", "legacy-bios": "Legacy BIOS"}


def refusal(ec2: Any, image: Any, instance_type: str, mappings: Iterable[Mapping[str, Any]]) -> str | None:
    """Return EC2's words where it does not launch moto's ``image`` so; None where it does."""
    item = INSTANCE_TYPES.get(instance_type) or {}
    mode, modes = image.boot_mode, item.get("SupportedBootModes") or []
    if mode in _FIXED and modes and mode not in modes:
        only = "Only instance types built on the Nitro System support UEFI. " if mode == "uefi" else ""
        return (
            f"The {instance_type} instance type does not support an AMI with a boot mode of {_FIXED[mode]}. {only}"
            f"Specify an instance type that supports {_FIXED[mode]}, and try again."
        )
    ena = (item.get("NetworkInfo") or {}).get("EnaSupport")
    # Of moto's own images nothing tells; those that a test registers say it, or have not got it.
    if ena == "required" and not getattr(image, "ena_support", True):
        return (
            "Enhanced networking with the Elastic Network Adapter (ENA) is required for the"
            f" '{instance_type}' instance type. Ensure that you are using an AMI that is enabled for ENA."
        )
    return _of_a_volume(ec2, image, mappings)


def _of_a_volume(ec2: Any, image: Any, mappings: Iterable[Mapping[str, Any]]) -> str | None:
    own = {one["DeviceName"]: one["Ebs"]["SnapshotId"] for one in image.block_device_mappings}
    for mapping in mappings:
        ebs = mapping.get("Ebs") or {}
        snapshot = ec2.snapshots.get(ebs.get("SnapshotId") or own.get(mapping.get("DeviceName")))
        size = int(ebs.get("VolumeSize") or 0)
        if snapshot is not None and 0 < size < snapshot.volume_size:
            return (
                f"Volume of size {size}GB is smaller than snapshot '{snapshot.id}', expect size >="
                f" {snapshot.volume_size}GB"
            )
    return None
