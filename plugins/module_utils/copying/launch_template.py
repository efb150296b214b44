# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launch template or launch configuration of a new revision.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from ..core import naming
from . import members as table
from .described import (
    FOLLOW,
    Described,
    Overrides,
    copied_tags,
    misplaced_root,
    override_launch_template_names,
    pins_root_snapshot,
)


def launch_template_request(
    described: Described, overrides: Overrides, name: str, tags: Mapping[str, str]
) -> dict[str, Any]:
    """The CreateLaunchTemplate request of group C(name), tagged with C(tags) and what the base's is tagged with.

    Raises:
        ValueError: the base has no launch template.
    """
    if described.launch_template is None:
        raise ValueError(f"{described.name} has no launch template")
    own_tags = {**copied_tags(described.launch_template_tags or {}), **tags}
    return _template_request(
        described.launch_template, overrides, naming.launch_template_name(name), own_tags
    )


def override_launch_template_requests(
    described: Described, overrides: Overrides, name: str, tags: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """CreateLaunchTemplate requests for the launch templates of overrides, by C(template_key), each with its tags.

    Raises:
        KeyError: such a launch template is not among the described ones.
    """
    return {
        key: _template_request(
            described.override_launch_templates[key],
            overrides,
            template_name,
            {**copied_tags(described.override_launch_template_tags.get(key) or {}), **tags},
            override=True,
        )
        for key, template_name in override_launch_template_names(described, name).items()
    }


def _template_request(
    version: Mapping[str, Any],
    overrides: Overrides,
    template_name: str,
    tags: Mapping[str, str],
    *,
    override: bool = False,
) -> dict[str, Any]:
    request = table.LAUNCH_TEMPLATE.copied(version)
    request["LaunchTemplateName"] = template_name
    data = _launch_template_data(version["LaunchTemplateData"], overrides)
    if overrides.instance_type is not None and not override:
        data.pop("InstanceRequirements", None)
        data["InstanceType"] = overrides.instance_type
    request["LaunchTemplateData"] = data
    if tags:
        request["TagSpecifications"] = [
            {"ResourceType": "launch-template", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
        ]
    return request


def _launch_template_data(described: Mapping[str, Any], overrides: Overrides) -> dict[str, Any]:
    data = table.LAUNCH_TEMPLATE_DATA.copied(described)
    _override_both_kinds(data, overrides, no_device="")
    if overrides.user_data is not None:
        data["UserData"] = base64.b64encode(overrides.user_data.encode()).decode()
    if overrides.iam_instance_profile is not None:
        kind = "Arn" if overrides.iam_instance_profile.startswith("arn:") else "Name"
        data["IamInstanceProfile"] = {kind: overrides.iam_instance_profile}
    if overrides.security_group_ids is not None:
        groups = list(overrides.security_group_ids)
        data.pop("SecurityGroups", None)
        # RequestLaunchTemplateData: with network interfaces, the security groups are theirs.
        if data.get("NetworkInterfaces"):
            data.pop("SecurityGroupIds", None)
            for interface in data["NetworkInterfaces"]:
                interface["Groups"] = list(groups)
        else:
            data["SecurityGroupIds"] = groups
    return {name: value for name, value in data.items() if value != ""}


def _override_both_kinds(data: dict[str, Any], overrides: Overrides, no_device: Any) -> None:
    """Replace what launch templates and launch configurations have under the same names."""
    data["ImageId"] = overrides.image_id
    if overrides.key_name is not None:
        data["KeyName"] = overrides.key_name
    if overrides.metadata_options is not None:
        data["MetadataOptions"] = {**data.get("MetadataOptions", {}), **overrides.metadata_options}
    mappings = _block_device_mappings(data.get("BlockDeviceMappings", ()), overrides, no_device)
    if mappings:
        data["BlockDeviceMappings"] = mappings
    else:
        data.pop("BlockDeviceMappings", None)


def _block_device_mappings(
    described: Iterable[Mapping[str, Any]], overrides: Overrides, no_device: Any
) -> list[dict[str, Any]]:
    given = {mapping["DeviceName"]: mapping for mapping in overrides.block_device_mappings or ()}
    mappings: list[dict[str, Any]] = []
    described = list(described)
    root = misplaced_root(described, overrides) if overrides.root_device == FOLLOW else None
    for mapping in described:
        if root and mapping.get("DeviceName") == root:
            mapping = {**mapping, "DeviceName": overrides.root_device_name}
        if mapping.get("DeviceName") in given:
            continue
        kept = dict(mapping)
        if pins_root_snapshot(mapping, overrides):
            kept["Ebs"] = {name: value for name, value in mapping["Ebs"].items() if name != "SnapshotId"}
            if not kept["Ebs"]:
                # Nothing is left to say of the root device: the AMI says it.
                continue
        mappings.append(kept)
    for mapping in given.values():
        own = dict(mapping)
        if own.get("NoDevice") not in (None, False):
            own["NoDevice"] = no_device
        else:
            own.pop("NoDevice", None)
        mappings.append(own)
    return mappings


def launch_configuration_request(described: Described, overrides: Overrides, name: str) -> dict[str, Any]:
    """The CreateLaunchConfiguration request of group C(name), named like the group.

    The user data is text (bytes where it is none), not base64: botocore encodes it for this operation.

    Raises:
        ValueError: the base has no launch configuration.
    """
    if described.launch_configuration is None:
        raise ValueError(f"{described.name} has no launch configuration")
    request = table.LAUNCH_CONFIGURATION.copied(described.launch_configuration)
    request["LaunchConfigurationName"] = name
    _override_both_kinds(request, overrides, no_device=True)
    user_data: str | bytes | None = overrides.user_data
    if user_data is None:
        user_data = decoded_user_data(described.launch_configuration.get("UserData") or "")
    if user_data:
        request["UserData"] = user_data
    if overrides.instance_type is not None:
        request["InstanceType"] = overrides.instance_type
    if overrides.iam_instance_profile is not None:
        request["IamInstanceProfile"] = overrides.iam_instance_profile
    if overrides.security_group_ids is not None:
        request["SecurityGroups"] = list(overrides.security_group_ids)
    return request


def decoded_user_data(encoded: str) -> str | bytes:
    """User data as it was before base64: text, or bytes where it is no text (gzip, for one)."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return encoded
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw
