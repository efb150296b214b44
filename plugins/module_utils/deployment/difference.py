# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new group beside its base, for diff mode: both as requests that would create them.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..copying.described import Described, Overrides
from ..copying.group import group_request
from ..copying.launch_template import (
    launch_configuration_request,
    launch_template_request,
    override_launch_template_requests,
)
from ..core import journal
from .plan import Planned


def difference(planned: Planned) -> dict[str, str]:
    """The base and the new group in the shape of Ansible's C(diff): texts to be compared line by line.

    The base is shown as a copy of itself would be requested, so that only what differs differs.
    """
    described, overrides = planned.basis.described, planned.overrides
    own = Overrides(image_id=described.image_id or "")
    capacity = planned.basis.group.capacity
    base = {
        "group": group_request(described, own, described.name, capacity.max_size, {}),
        **_launching(described, own, described.name),
    }
    base["group"] |= {"MinSize": capacity.min_size, "DesiredCapacity": capacity.desired_capacity}
    deployment = planned.deployment
    new = {
        "group": group_request(
            described,
            overrides,
            deployment.group,
            deployment.capacity.max_size,
            journal.write_deployment(dataclasses.replace(deployment, lease=None)),
        ),
        **_launching(described, overrides, deployment.group),
    }
    return {
        "before_header": f"base group {described.name}",
        "after_header": f"new group {deployment.group}",
        "before": _text(base),
        "after": _text(new),
    }


def _launching(described: Described, overrides: Overrides, name: str) -> dict[str, Any]:
    if described.launch_template is None:
        return {"launch configuration": launch_configuration_request(described, overrides, name)}
    others = override_launch_template_requests(described, overrides, name, {})
    return {
        "launch template": launch_template_request(described, overrides, name, {}),
        **{f"launch template of override {key}": request for key, request in others.items()},
    }


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(_shown(content), indent=2, sort_keys=True, default=_plain) + "\n"


def _shown(value: Any, member: str = "") -> Any:
    """A value without user data, which may hold passwords: a digest tells whether it differs."""
    if member == "UserData":
        raw = value if isinstance(value, bytes) else str(value).encode()
        return f"(not shown, sha256 {hashlib.sha256(raw).hexdigest()[:16]})"
    if isinstance(value, Mapping):
        return {key: _shown(part, key) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [_shown(part) for part in value]
        if member == "Tags":
            # Whose tag it is, is said once.
            parts = [{name: text for name, text in part.items() if name != "ResourceId"} for part in parts]
            parts.sort(key=lambda part: str(part.get("Key")))
        return parts
    return value


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
