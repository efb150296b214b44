# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an instance type can launch an AMI: architecture, boot mode and network adapter.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.model import Image

# "Instance launch behavior with Amazon EC2 boot modes": an AMI of C(uefi-preferred), or of none, takes what is there.
_FIXED_BOOT_MODES = ("uefi", "legacy-bios")


def problems(image: Image, item: Mapping[str, Any], base: str) -> list[str]:
    """Say why an instance type could not launch an AMI, a sentence each.

    C(item) is of DescribeInstanceTypes, C(base) the base group's name.
    """
    name = f"instance type {item['InstanceType']} of base group {base}"
    found = []
    runs = tuple(item["ProcessorInfo"]["SupportedArchitectures"])
    if image.architecture not in runs:
        found.append(
            f"AMI {image.image_id} is built for {image.architecture}, and {name} runs {' and '.join(runs)}"
        )
    boots = tuple(item.get("SupportedBootModes") or ())
    if image.boot_mode in _FIXED_BOOT_MODES and boots and image.boot_mode not in boots:
        found.append(
            f"AMI {image.image_id} boots with {image.boot_mode}, and {name} with {' and '.join(boots)} only;"
            " take another instance type, or an AMI with another boot mode"
        )
    if (item.get("NetworkInfo") or {}).get("EnaSupport") == "required" and not image.ena_support:
        found.append(
            f"AMI {image.image_id} is not enabled for the Elastic Network Adapter (ENA), which {name} requires;"
            " enable it in the AMI, or take another instance type"
        )
    return found
