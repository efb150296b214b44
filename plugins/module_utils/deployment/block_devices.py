# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the AMI fits the disks, metadata options and keys that the base launches it with.

What AWS would refuse is a problem; what would be different without a word is a warning.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..copying.described import FOLLOW, Described, Overrides, misplaced_root
from ..copying.launch_template import launch_configuration_request, launch_template_request
from ..core.model import Image
from .launch_checks import PROBLEM, WARNING, Finding, Wanted
from .rollout import Rollout

# Image.imds_support of an AMI whose instances take tokens only, unless they are launched with other options.
TOKENS_ONLY = "v2.0"


def asks_for_base_image(described: Described, overrides: Overrides, image: Image | None) -> bool:
    """Whether the base's AMI must be looked at, to tell what of the base was meant for that one only."""
    base = described.image_id or ""
    if image is None or not base.startswith("ami-") or base == image.image_id:
        return False
    data = _launch_data(described)
    tokens = (overrides.metadata_options or data.get("MetadataOptions") or {}).get("HttpTokens")
    return misplaced_root(_mappings(data), overrides) is not None or (
        image.imds_support == TOKENS_ONLY and not tokens
    )


def look(rollout: Rollout, wanted: Wanted, base_image: Image | None) -> list[Finding]:
    """Compare the AMI with what the new revision launches it with; C(base_image) is None where it is not known.

    Raises:
        AwsError: a snapshot's size could not be read.
    """
    image = wanted.image
    if image is None:
        return []
    data = _new_data(wanted)
    return [
        *_root(wanted, image),
        *_volumes(rollout, wanted.described.name, _mappings(data), image),
        *_metadata(data, image, base_image),
    ]


def _launch_data(described: Described) -> Mapping[str, Any]:
    if described.launch_template is not None:
        return described.launch_template.get("LaunchTemplateData") or {}
    return described.launch_configuration or {}


def _new_data(wanted: Wanted) -> Mapping[str, Any]:
    """What the new revision launches with, as it is going to be created."""
    described, name = wanted.described, wanted.deployment.group
    if described.launch_template is not None:
        data: Mapping[str, Any] = launch_template_request(described, wanted.overrides, name, {})[
            "LaunchTemplateData"
        ]
        return data
    if described.launch_configuration is not None:
        return launch_configuration_request(described, wanted.overrides, name)
    return {}


def _mappings(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    mappings: Sequence[Mapping[str, Any]] = data.get("BlockDeviceMappings") or ()
    return mappings


def _root(wanted: Wanted, image: Image) -> Iterator[Finding]:
    """Before, the mapping was the root volume's; beside an AMI with another root device it would be one more volume."""
    old = misplaced_root(_mappings(_launch_data(wanted.described)), wanted.overrides)
    if old is None:
        return
    words = (
        f"base group {wanted.described.name} maps {old} for the root volume, and the root device of AMI"
        f" {image.image_id} is {image.root_device_name}"
    )
    if wanted.overrides.root_device == FOLLOW:
        end = f"the mapping is made for {image.root_device_name}; root_device keep (canary_root_device) leaves it"
    else:
        end = f"kept as it is, {old} is a second volume, and the root volume is as the AMI has it"
    yield Finding("root device", WARNING, f"{words}: {end}")


def _volumes(
    rollout: Rollout, base: str, mappings: Sequence[Mapping[str, Any]], image: Image
) -> Iterator[Finding]:
    """CreateLaunchTemplate, LaunchTemplateEbsBlockDeviceRequest: a snapshot ID or a volume size, not below its size."""
    volumes = {one.device_name: one for one in image.volumes}
    for mapping in mappings:
        ebs, device = mapping.get("Ebs"), str(mapping.get("DeviceName"))
        if not ebs:
            continue
        own = volumes.get(device)
        snapshot = str(ebs.get("SnapshotId") or (own.snapshot_id if own else ""))
        size = int(ebs.get("VolumeSize") or 0)
        if not size and not snapshot:
            words = "has neither a size nor a snapshot, and the AMI has no such device"
            end = "give it a volume_size, or leave it away with no_device"
            yield Finding("volumes", PROBLEM, f"{device} of base group {base} {words}; {end}")
        from_image = own is not None and snapshot == own.snapshot_id
        # The AMI says how large its volume is, its snapshot may be smaller: only where there is doubt AWS is asked.
        if size and snapshot and not (from_image and own is not None and 0 < own.size <= size):
            found = rollout.autoscaling.snapshot_sizes([snapshot]).get(snapshot)
            if found is None and own is not None and from_image:
                words = f"the AMI has {own.size} GiB there, and its snapshot {snapshot} cannot be seen"
                yield Finding("volumes", WARNING, f"{device} of base group {base} has {size} GiB; {words}")
            elif found is not None and found > size:
                words = f"has {size} GiB, and snapshot {snapshot} of AMI {image.image_id} {found} GiB"
                if not from_image:
                    words = f"has {size} GiB, and its snapshot {snapshot} {found} GiB"
                end = f"give it a volume_size of {found} at least in block_device_mappings"
                yield Finding("volumes", PROBLEM, f"{device} of base group {base} {words}; {end}")
        if ebs.get("KmsKeyId") and not ebs.get("Encrypted"):
            words = f"has key {ebs['KmsKeyId']}, and is not said to be encrypted"
            yield Finding(
                "encryption", PROBLEM, f"{device} of base group {base} {words}; AWS takes a key only with it"
            )
        elif own is not None and own.encrypted and ebs.get("Encrypted") is False and from_image:
            words = f"is not to be encrypted, and snapshot {snapshot} of AMI {image.image_id} is"
            yield Finding(
                "encryption", PROBLEM, f"{device} of base group {base} {words}; leave encrypted away"
            )


def _metadata(data: Mapping[str, Any], image: Image, base_image: Image | None) -> Iterator[Finding]:
    """Where the launch says nothing, the AMI decides (EC2 user guide, "Configure the instance metadata options")."""
    if image.imds_support != TOKENS_ONLY or (data.get("MetadataOptions") or {}).get("HttpTokens"):
        return
    if base_image is not None and base_image.imds_support != TOKENS_ONLY:
        yield Finding(
            "metadata",
            WARNING,
            f"instances of AMI {image.image_id} take version 2 of the metadata service only (a token is needed), and"
            f" those of the base's AMI {base_image.image_id} both; metadata_options with http_tokens decides it",
        )
