# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RegisterImage, of which moto stores the name and the description only, and the snapshots that images are made of.

After the Amazon EC2 API Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_block_store import Snapshot

from tests.sandbox.autoscaling.model import timestamp
from tests.sandbox.errors import AwsError

if TYPE_CHECKING:
    from tests.sandbox.world import World

#: The operations that are answered here instead of by moto.
OPERATIONS = frozenset({"RegisterImage"})
#: Architecture: "Default: For Amazon EBS-backed AMIs, i386. For instance store-backed AMIs, the architecture
#: specified in the manifest file." VirtualizationType: "Default: paravirtual".
_DEFAULT_ARCHITECTURE = "i386"
_DEFAULT_VIRTUALIZATION = "paravirtual"


def _block_device_mappings(image: Ami) -> list[dict[str, Any]]:
    """The volume of an image as its snapshot is: moto has one size for all, and none encrypted."""
    snapshot = image.ebs_snapshot
    ebs = {
        "SnapshotId": snapshot.id,
        "VolumeSize": snapshot.volume_size,
        "Encrypted": bool(snapshot.encrypted),
        "DeleteOnTermination": True,
        "VolumeType": "gp3",
    }
    return [{"DeviceName": image.root_device_name, "Ebs": ebs}]


_snapshot = Snapshot.__init__


def _snapshot_with_its_key(self: Snapshot, *given: Any, **more: Any) -> None:
    """CreateSnapshot: "Snapshots that are taken from encrypted volumes are automatically encrypted", by their key."""
    _snapshot(self, *given, **more)
    if self.encrypted:
        self.kms_key_id = self.kms_key_id or self.volume.kms_key_id


Snapshot.__init__ = _snapshot_with_its_key  # type: ignore[method-assign]
Ami.block_device_mappings = property(_block_device_mappings)  # type: ignore[method-assign, assignment]


def handle(world: World, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Do one of ``OPERATIONS``."""
    if parameters.get("DryRun"):
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
    backend = world.backend("ec2")
    name = parameters["Name"]
    for image in backend.amis.values():
        if image.name == name and image.owner_id == world.settings.account_id:
            raise AwsError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}")
    image = backend.register_image(name, parameters.get("Description", ""))
    image.owner_id = world.settings.account_id
    image.architecture = parameters.get("Architecture", _DEFAULT_ARCHITECTURE)
    image.virtualization_type = parameters.get("VirtualizationType", _DEFAULT_VIRTUALIZATION)
    image.root_device_name = parameters.get("RootDeviceName")
    image.root_device_type = "ebs"
    # BootMode is optional; EnaSupport: "Set to true to enable enhanced networking with ENA for the AMI".
    image.boot_mode = parameters.get("BootMode")
    image.ena_support = bool(parameters.get("EnaSupport")) or None
    image.imds_support = parameters.get("ImdsSupport")
    # BlockDeviceMappings: of them the root device's snapshot is modelled.
    for mapping in parameters.get("BlockDeviceMappings") or ():
        snapshot_id = (mapping.get("Ebs") or {}).get("SnapshotId")
        if mapping.get("DeviceName") == image.root_device_name and snapshot_id:
            if snapshot_id not in backend.snapshots:
                raise AwsError("InvalidSnapshot.NotFound", f"The snapshot '{snapshot_id}' does not exist.")
            image.ebs_snapshot = backend.snapshots[snapshot_id]
    image.creation_date = timestamp(world.now())
    return {"ImageId": image.id}
