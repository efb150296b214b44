# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the AMI fits the disks, metadata options and keys that the base launches it with.

What AWS would refuse is a problem; what would be different without a word is a warning.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..copying.described import (
    FOLLOW,
    Described,
    Overrides,
    misplaced_root,
    override_specifications,
)
from ..copying.launch_template import (
    launch_configuration_request,
    launch_template_request,
    override_launch_template_requests,
)
from ..core.model import Image, ImageVolume
from . import encryption_keys
from .launch_checks import PROBLEM, WARNING, Finding, Wanted
from .rollout import Rollout

# Image.imds_support of an AMI whose instances take tokens only, unless they are launched with other options.
TOKENS_ONLY = "v2.0"
# What a launch may say of them (HttpTokens).
REQUIRED, OPTIONAL = "required", "optional"


@dataclass(frozen=True)
class _Source:
    """Something that the new revision launches from: its C(name) for messages, the base's data, and the new ones."""

    name: str
    before: Mapping[str, Any]
    data: Mapping[str, Any]


@dataclass
class _Snapshots:
    """Snapshots as AWS describes them, each read once; one that the caller may not see is None."""

    rollout: Rollout
    read: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)

    def __getitem__(self, snapshot_id: str) -> Mapping[str, Any] | None:
        if snapshot_id not in self.read:
            self.read[snapshot_id] = self.rollout.autoscaling.snapshot(snapshot_id)
        return self.read[snapshot_id]


def asks_for_base_image(described: Described, overrides: Overrides, image: Image | None) -> bool:
    """Whether the base's AMI must be looked at, to tell what of the base was meant for that one only."""
    base = described.image_id or ""
    if image is None or not base.startswith("ami-") or base == image.image_id:
        return False
    sources = [_launch_data(described), *map(_template_data, described.override_launch_templates.values())]
    return any(
        misplaced_root(_mappings(data), overrides) is not None or _tokens(data, overrides) != REQUIRED
        for data in sources
    )


def look(rollout: Rollout, wanted: Wanted, base_image: Image | None) -> list[Finding]:
    """Compare the AMI with what the new revision launches it with; C(base_image) is None where it is not known.

    Raises:
        AwsError: a snapshot could not be read.
    """
    image = wanted.image
    if image is None:
        return []
    snapshots = _Snapshots(rollout)
    findings: list[Finding] = []
    keys: dict[str, str] = {}
    for source in _sources(wanted):
        mappings = _mappings(source.data)
        findings += _root(wanted, image, source)
        for mapping in mappings:
            if mapping.get("Ebs"):
                findings += _volume(snapshots, source.name, mapping, image)
        findings += _metadata(source, image, base_image)
        keys = {**_keys(snapshots, source.name, mappings, image), **keys}
    return list(dict.fromkeys([*findings, *encryption_keys.look(rollout, keys)]))


def _sources(wanted: Wanted) -> Iterator[_Source]:
    """What the new revision launches with, as it is going to be created: its own, and what overrides bring along."""
    described, overrides, name = wanted.described, wanted.overrides, wanted.deployment.group
    base = f"base group {described.name}"
    before = _launch_data(described)
    if described.launch_template is not None:
        data = launch_template_request(described, overrides, name, {})["LaunchTemplateData"]
        yield _Source(base, before, data)
    elif described.launch_configuration is not None:
        yield _Source(base, before, launch_configuration_request(described, overrides, name))
    if set(override_specifications(described)) <= set(described.override_launch_templates):
        # What is not there any more is told elsewhere.
        for key, request in override_launch_template_requests(described, overrides, name, {}).items():
            version = described.override_launch_templates[key]
            own = version.get("LaunchTemplateName") or version.get("LaunchTemplateId") or key
            where = f"launch template {own} of an override of {base}"
            yield _Source(where, _template_data(version), request["LaunchTemplateData"])


def _launch_data(described: Described) -> Mapping[str, Any]:
    if described.launch_template is not None:
        return _template_data(described.launch_template)
    return described.launch_configuration or {}


def _template_data(version: Mapping[str, Any]) -> Mapping[str, Any]:
    data: Mapping[str, Any] = version.get("LaunchTemplateData") or {}
    return data


def _mappings(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    mappings: Sequence[Mapping[str, Any]] = data.get("BlockDeviceMappings") or ()
    return mappings


def _root(wanted: Wanted, image: Image, source: _Source) -> Iterator[Finding]:
    """Before, the mapping was the root volume's; beside an AMI with another root device it would be one more volume."""
    old = misplaced_root(_mappings(source.before), wanted.overrides)
    if old is None:
        return
    words = (
        f"{source.name} maps {old} for the root volume, and the root device of AMI {image.image_id} is"
        f" {image.root_device_name}"
    )
    if wanted.overrides.root_device == FOLLOW:
        end = f"the mapping is made for {image.root_device_name}; root_device keep (canary_root_device) leaves it"
    else:
        end = f"kept as it is, {old} is a second volume, and the root volume is as the AMI has it"
    yield Finding("root device", WARNING, f"{words}: {end}")


def _volume(snapshots: _Snapshots, where: str, mapping: Mapping[str, Any], image: Image) -> Iterator[Finding]:
    """CreateLaunchTemplate, LaunchTemplateEbsBlockDeviceRequest: a snapshot ID or a volume size, not below its size."""
    ebs, device = mapping["Ebs"], str(mapping.get("DeviceName"))
    own = _volumes(image).get(device)
    snapshot = str(ebs.get("SnapshotId") or (own.snapshot_id if own else ""))
    size = int(ebs.get("VolumeSize") or 0)
    if not size and not snapshot:
        words = "has neither a size nor a snapshot, and the AMI has no such device"
        end = "give it a volume_size, or leave it away with no_device"
        yield Finding("volumes", PROBLEM, f"{device} of {where} {words}; {end}")
    from_image = own is not None and snapshot == own.snapshot_id
    # The AMI says how large its volume is, its snapshot may be smaller: only where there is doubt AWS is asked.
    if size and snapshot and not (from_image and own is not None and 0 < own.size <= size):
        found = snapshots[snapshot]
        least = int(found["VolumeSize"]) if found else 0
        if found is None and own is not None and from_image:
            words = f"the AMI has {own.size} GiB there, and its snapshot {snapshot} cannot be seen"
            yield Finding("volumes", WARNING, f"{device} of {where} has {size} GiB; {words}")
        elif least > size:
            words = f"has {size} GiB, and snapshot {snapshot} of AMI {image.image_id} {least} GiB"
            if not from_image:
                words = f"has {size} GiB, and its snapshot {snapshot} {least} GiB"
            end = f"give it a volume_size of {least} at least in block_device_mappings"
            yield Finding("volumes", PROBLEM, f"{device} of {where} {words}; {end}")
    if ebs.get("KmsKeyId") and not ebs.get("Encrypted"):
        words = f"has key {ebs['KmsKeyId']}, and is not said to be encrypted"
        yield Finding("encryption", PROBLEM, f"{device} of {where} {words}; AWS takes a key only with it")
    elif own is not None and own.encrypted and ebs.get("Encrypted") is False and from_image:
        words = f"is not to be encrypted, and snapshot {snapshot} of AMI {image.image_id} is"
        yield Finding("encryption", PROBLEM, f"{device} of {where} {words}; leave encrypted away")


def _volumes(image: Image) -> dict[str, ImageVolume]:
    return {one.device_name: one for one in image.volumes}


def _keys(
    snapshots: _Snapshots, where: str, mappings: Sequence[Mapping[str, Any]], image: Image
) -> dict[str, str]:
    """The keys that volumes are encrypted with, of mappings and of encrypted snapshots, each with what it encrypts."""
    found: dict[str, str] = {}
    by_device = {str(one.get("DeviceName")): one for one in mappings}
    for device, mapping in by_device.items():
        ebs = mapping.get("Ebs") or {}
        if ebs.get("KmsKeyId") and ebs.get("Encrypted"):
            found[str(ebs["KmsKeyId"])] = f"{device} of {where}"
        if ebs.get("SnapshotId"):
            _add_key(found, snapshots, str(ebs["SnapshotId"]), f"its snapshot of {device} of {where}")
    for device, volume in _volumes(image).items():
        mapping = by_device.get(device, {})
        # Without a word of NoDevice or of another snapshot the AMI's volume comes.
        replaced = (mapping.get("Ebs") or {}).get("SnapshotId") or mapping.get("NoDevice") is not None
        if volume.encrypted and volume.snapshot_id and not replaced:
            words = f"snapshot {volume.snapshot_id} of AMI {image.image_id}"
            _add_key(found, snapshots, volume.snapshot_id, words)
    return found


def _add_key(found: dict[str, str], snapshots: _Snapshots, snapshot_id: str, words: str) -> None:
    snapshot = snapshots[snapshot_id] or {}
    if snapshot.get("Encrypted") and snapshot.get("KmsKeyId"):
        found.setdefault(str(snapshot["KmsKeyId"]), words)


def _tokens(data: Mapping[str, Any], overrides: Overrides | None = None) -> str | None:
    """What a launch says of tokens for the metadata service: C(required), C(optional), or nothing."""
    own = (overrides.metadata_options if overrides else None) or {}
    tokens: str | None = own.get("HttpTokens") or (data.get("MetadataOptions") or {}).get("HttpTokens")
    return tokens


def _metadata(source: _Source, image: Image, base_image: Image | None) -> Iterator[Finding]:
    """Where the launch says nothing, the AMI decides (EC2 user guide, "Configure the instance metadata options").

    Told is what is another than with the base's AMI: a software that asks without a token, or a door left open.
    """
    tokens = _tokens(source.data)
    if base_image is None or tokens == REQUIRED:
        return
    only, did_only = image.imds_support == TOKENS_ONLY, base_image.imds_support == TOKENS_ONLY
    if only == did_only:
        return
    decide = "metadata_options with http_tokens decides it"
    if tokens == OPTIONAL:
        if only:
            words = f"AMI {image.image_id} is made for version 2 of the metadata service only (a token is needed), and"
            yield Finding(
                "metadata", WARNING, f"{words} {source.name} takes both (http_tokens optional); {decide}"
            )
        return
    if only:
        yield Finding(
            "metadata",
            WARNING,
            f"instances of AMI {image.image_id} take version 2 of the metadata service only (a token is needed), and"
            f" those of the base's AMI {base_image.image_id} both; {decide}",
        )
    else:
        yield Finding(
            "metadata",
            WARNING,
            f"instances of AMI {image.image_id} take both versions of the metadata service, and those of the base's AMI"
            f" {base_image.image_id} version 2 only (a token is needed); {decide}",
        )
