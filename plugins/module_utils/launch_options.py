# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that name the AMI, and say what the new instances have of their own: from a module to the engine.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import modules
from .copying.described import FOLLOW, KEEP

EBS = {
    "delete_on_termination": {"type": "bool"},
    "encrypted": {"type": "bool"},
    "iops": {"type": "int"},
    "kms_key_id": {"type": "str", "no_log": False},
    "snapshot_id": {"type": "str"},
    "throughput": {"type": "int"},
    "volume_initialization_rate": {"type": "int"},
    "volume_size": {"type": "int"},
    "volume_type": {"type": "str"},
}
BLOCK_DEVICE = {
    "device_name": {"type": "str", "required": True},
    "virtual_name": {"type": "str"},
    "no_device": {"type": "bool"},
    "ebs": {"type": "dict", "options": EBS},
}
METADATA = {
    "http_endpoint": {"type": "str", "choices": ["enabled", "disabled"]},
    "http_protocol_ipv6": {"type": "str", "choices": ["enabled", "disabled"]},
    "http_put_response_hop_limit": {"type": "int"},
    "http_tokens": {"type": "str", "choices": ["optional", "required"], "no_log": False},
    "instance_metadata_tags": {"type": "str", "choices": ["enabled", "disabled"]},
}
# Documented in doc_fragments/launching.py.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "image_id": {"type": "str"},
    "image_name": {"type": "str"},
    "image_filters": {"type": "dict"},
    "image_owners": {"type": "list", "elements": "str"},
    "image_ssm_parameter": {"type": "str"},
    "planned_image_id": {"type": "str"},
    "user_data": {"type": "str", "no_log": True},
    "user_data_file": {"type": "path"},
    "instance_type": {"type": "str"},
    "key_name": {"type": "str", "no_log": False},
    "security_group_ids": {"type": "list", "elements": "str"},
    "iam_instance_profile": {"type": "str"},
    "block_device_mappings": {"type": "list", "elements": "dict", "options": BLOCK_DEVICE},
    "metadata_options": {"type": "dict", "options": METADATA},
    "root_device": {"type": "str", "default": FOLLOW, "choices": [FOLLOW, KEEP]},
}


def rules(others: Mapping[str, Any]) -> dict[str, Any]:
    """AnsibleModule's rules for these options, besides others."""
    exclusive = [*others.get("mutually_exclusive", ()), ("user_data", "user_data_file")]
    return {**others, "mutually_exclusive": exclusive}


def given(params: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's options of the module's, by their names in C(SetUpOptions).

    Raises:
        InvalidInput: the file with the user data cannot be read.
    """
    as_they_are = (
        *("image_id", "image_name", "image_ssm_parameter", "planned_image_id"),
        *("user_data", "instance_type", "key_name", "iam_instance_profile"),
        "root_device",
    )
    options = {name: params[name] for name in as_they_are}
    if options["user_data"] is None:
        options["user_data"] = modules.text_of(params["user_data_file"], "user_data_file")
    devices = params["block_device_mappings"]
    return {
        **options,
        "image_filters": modules.lists(params["image_filters"]),
        "image_owners": modules.unless_unset(params["image_owners"]) or (),
        "security_group_ids": modules.unless_unset(params["security_group_ids"]),
        "block_device_mappings": (
            None if devices is None else tuple(modules.as_in_api(one) or {} for one in devices)
        ),
        "metadata_options": modules.as_in_api(params["metadata_options"]),
    }
