# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ListMetrics, and the pages of CloudWatch's listings."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from tests.sandbox.cloudwatch.series import MetricKey
from tests.sandbox.errors import AwsError, not_modelled
from tests.sandbox.metrics.catalogue import Catalogue
from tests.sandbox.validation import validate

#: ListMetrics's reference: results a call, how long a silent metric is listed, the meaning of PT3H (seconds).
METRICS_A_PAGE = 500
_LISTED = 14 * 86400
_RECENTLY = 3 * 3600


def list_metrics(catalogue: Catalogue, parameters: Mapping[str, Any], now: float) -> dict[str, Any]:
    """List metrics with data in the past two weeks.

    AWS takes up to 15 minutes until it shows a new one; here it is there at once.
    """
    for member in ("IncludeLinkedAccounts", "OwningAccount"):
        if parameters.get(member):
            raise not_modelled(f"metrics of other accounts ({member})")
    validate("cloudwatch", "ListMetrics", dict(parameters))
    recently = parameters.get("RecentlyActive")
    namespace, name = parameters.get("Namespace"), parameters.get("MetricName")
    dimensions = [(one["Name"], one.get("Value")) for one in parameters.get("Dimensions") or []]

    def wanted(key: MetricKey) -> bool:
        return (
            namespace in (None, key.namespace)
            and name in (None, key.name)
            and all(_has(key, dimension, value) for dimension, value in dimensions)
        )

    since = now - (_RECENTLY if recently else _LISTED)
    found = [
        {
            "Namespace": key.namespace,
            "MetricName": key.name,
            "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in key.dimensions],
        }
        for key in catalogue.keys(since)
        if wanted(key)
    ]
    listed, token = page(found, parameters.get("NextToken"), METRICS_A_PAGE)
    return {"Metrics": listed} | ({"NextToken": token} if token else {})


def _has(key: MetricKey, name: str, value: str | None) -> bool:
    there = key.dimension(name)
    return there is not None and value in (None, there)


def page(items: Sequence[Any], token: str | None, size: int) -> tuple[list[Any], str | None]:
    """Return the page that a token stands for (the first for none), and the token of the next one."""
    start = _position(token) if token else 0
    following = base64.urlsafe_b64encode(f"after:{start + size}".encode()).decode()
    return list(items[start : start + size]), following if start + size < len(items) else None


def _position(token: str) -> int:
    try:
        word, _, position = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if word == "after":
            return int(position)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise AwsError("InvalidNextToken", "The next token specified is invalid.")
