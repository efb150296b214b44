# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of groups, after "Tag Auto Scaling groups and instances" in the user guide."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.errors import AwsError, validation_error
from tests.sandbox.paging import page

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

_MOST = 50
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
#: Filter of DescribeTags -> the member of ``TagDescription`` that it looks at.
_FILTERS = {
    "auto-scaling-group": "ResourceId",
    "key": "Key",
    "value": "Value",
    "propagate-at-launch": "PropagateAtLaunch",
}
_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*")


class Tags:
    """The operations on tags."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the groups of ``service``."""
        self._service = service

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "CreateOrUpdateTags": self.put,
            "DeleteTags": self.delete,
            "DescribeTags": self.describe,
        }

    def put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create or overwrite tags: all of the request's, or none."""
        by_group: dict[str, list[dict[str, Any]]] = {}
        for tag in parameters["Tags"]:
            by_group.setdefault(_group_name(tag), []).append(tag)
        checked = {
            name: checked_tags(tags, name, self._service.changing(name).tags)
            for name, tags in by_group.items()
        }
        for name, tags in checked.items():
            self._service.group(name).tags = tags
        return {}

    def delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Delete tags; one that is not there is not missed. A value, if given, must be the tag's."""
        for tag in parameters["Tags"]:
            group = self._service.changing(_group_name(tag))
            current = group.tags.get(tag["Key"])
            if current and ("Value" not in tag or tag["Value"] == current["Value"]):
                del group.tags[tag["Key"]]
        return {}

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe the tags that pass all filters."""
        found = [tag for group in self._service.groups.values() for tag in group.describe_tags()]
        for tag_filter in parameters.get("Filters") or []:
            name, values = tag_filter["Name"], tag_filter.get("Values") or []
            if name not in _FILTERS:
                raise validation_error(f"Filter type {name} is not correct")
            # "true" and "false" are what the filter propagate-at-launch takes.
            found = [tag for tag in found if _text(tag[_FILTERS[name]]) in values]
        return page("Tags", found, parameters, 50, 100)


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _group_name(tag: dict[str, Any]) -> str:
    if tag.get("ResourceType", "auto-scaling-group") != "auto-scaling-group":
        raise validation_error("The only supported value for the resource type is auto-scaling-group")
    if not tag.get("ResourceId"):
        raise validation_error("The tag must name the group as its ResourceId")
    return str(tag["ResourceId"])


def checked_tags(
    tags: list[dict[str, Any]], group_name: str, present: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return ``present`` with ``tags`` added, or raise a validation error for what AWS forbids."""
    result = dict(present)
    for tag in tags:
        key, value = tag["Key"], tag.get("Value", "")
        if tag.get("ResourceId", group_name) != group_name:
            raise validation_error("Tag resource ID must be the name of the group that is created")
        if not 1 <= len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            raise validation_error(f"The tag key or value is too long: {key[:40]}")
        if key.lower().startswith("aws:"):
            raise validation_error(f"Tag keys starting with 'aws:' are reserved for internal use: {key}")
        if not _ALLOWED.fullmatch(key) or not _ALLOWED.fullmatch(value):
            raise validation_error(f"The tag has invalid characters: {key}")
        result[key] = {
            "Key": key,
            "Value": value,
            "PropagateAtLaunch": bool(tag.get("PropagateAtLaunch", False)),
        }
    if len(result) > _MOST:
        raise AwsError("LimitExceeded", f"Tag limit exceeded: {_MOST} per group")
    return result
