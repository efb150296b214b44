# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in an answer of AWS and botocore does not parse, because its model does not know it.

botocore drops it without a word: an old botocore what AWS has had for years, any botocore what AWS adds tomorrow. A
copy made of what is left would lose it, so each item that is copied from says what it has besides.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

with contextlib.suppress(ImportError):
    from botocore import parsers

from ..copying.unknown_members import NOT_PARSED

# The operations whose answers are copied from, and the member in which each lists its items.
LISTS = {
    "DescribeAlarms": "MetricAlarms",
    "DescribeAutoScalingGroups": "AutoScalingGroups",
    "DescribeLaunchConfigurations": "LaunchConfigurations",
    "DescribeLaunchTemplateVersions": "LaunchTemplateVersions",
    "DescribeLifecycleHooks": "LifecycleHooks",
    "DescribeNotificationConfigurations": "NotificationConfigurations",
    "DescribePolicies": "ScalingPolicies",
    "DescribeScheduledActions": "ScheduledUpdateGroupActions",
}
# Members that are no configuration, and long: they are not looked into.
NOT_COPIED = frozenset({"Instances"})


def watch(client: Any) -> None:
    """Let a boto3 client add to each item of C(LISTS) what was not parsed of it, as its member C(NOT_PARSED).

    That is a mapping from the member's path, such as C(LaunchTemplateData.MetadataOptions.NewOption), to its value as
    plain types; its leaves are text where AWS answers in XML. Items of which everything was parsed stay as they are.
    """
    service = client.meta.service_model.service_id.hyphenize()
    for operation in LISTS:
        client.meta.events.register(f"after-call.{service}.{operation}", _add)


def _add(http_response: Any, parsed: dict[str, Any], model: Any, **others: Any) -> None:
    """Botocore's event after a call, with the answer as it came and as it was parsed."""
    if http_response.status_code >= 300:
        return
    name = LISTS[model.name]
    shape = model.output_shape.members[name]
    answer = _read(http_response.content, model.service_model)
    if isinstance(answer, ElementTree.Element):
        found = answer.find(f".//{_key(name, shape)}")
        items: list[Any] = [] if found is None else list(found)
        missing = [dict(_missing_in_xml(item, shape.member)) for item in items]
    else:
        items = (answer or {}).get(name) or []
        missing = [dict(_missing_in_json(item, shape.member)) for item in items]
    for item, one in zip(parsed.get(name) or (), missing, strict=False):
        if one:
            item[NOT_PARSED] = one


def _read(content: bytes, service: Any) -> Any:
    """The answer as XML's root element without namespaces, or else as JSON's types."""
    protocol = getattr(service, "resolved_protocol", None) or service.metadata["protocol"]
    if "cbor" in protocol:
        return _read_cbor(content)
    if "json" in protocol:
        return json.loads(content or b"{}")
    root = ElementTree.fromstring(content)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _read_cbor(content: bytes) -> Any:
    # Only a botocore that has a parser for it asks for CBOR.
    parser = parsers.RpcV2CBORParser()
    return parser.parse_data_item(io.BufferedReader(io.BytesIO(content)))


def _key(name: str, shape: Any) -> str:
    """The name of a member in an answer in XML."""
    return str(shape.serialization.get("name", name))


def _missing_in_xml(element: ElementTree.Element, shape: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if shape.type_name == "list":
        # In a list, each element is an item, whatever it is called.
        for item in element:
            yield from _missing_in_xml(item, shape.member, path)
    if shape.type_name != "structure":
        return
    known = {_key(name, member): (name, member) for name, member in shape.members.items()}
    for child in element:
        name, member = known.get(child.tag, (child.tag, None))
        here = f"{path}.{name}" if path else name
        if name in NOT_COPIED:
            continue
        if member is not None:
            yield from _missing_in_xml(child, member, here)
        elif (value := _plain(child)) not in (None, ""):
            # EC2's names begin with a small letter in an answer, and with a capital in its reference.
            yield here[: len(here) - len(name)] + name[:1].upper() + name[1:], value


def _plain(element: ElementTree.Element) -> Any:
    """An element of unknown shape: text, a list where its children are a list's, or else a mapping."""
    children = list(element)
    if not children:
        return (element.text or "").strip()
    if all(child.tag in ("member", "item") for child in children):
        return [_plain(child) for child in children]
    return {child.tag: _plain(child) for child in children}


def _missing_in_json(value: Any, shape: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if shape.type_name == "list" and isinstance(value, list):
        for item in value:
            yield from _missing_in_json(item, shape.member, path)
    if shape.type_name != "structure" or not isinstance(value, Mapping):
        return
    for name, part in value.items():
        here = f"{path}.{name}" if path else str(name)
        if name in shape.members:
            yield from _missing_in_json(part, shape.members[name], here)
        elif part not in (None, "", [], {}):
            yield here, part
