# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of long answers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from tests.sandbox.errors import AwsError, validation_error


def page(
    key: str, items: Sequence[Any], parameters: dict[str, Any], default: int, most: int
) -> dict[str, Any]:
    """Return the page that ``parameters`` ask for under ``key``, with the token of the next one."""
    size = parameters.get("MaxRecords", default)
    if not 1 <= size <= most:
        bound = f"less than or equal to {most}" if size > most else "greater than or equal to 1"
        raise validation_error(
            f"1 validation error detected: Value '{size}' at 'maxRecords' failed to satisfy constraint: Member"
            f" must have value {bound}"
        )
    start = _position(parameters["NextToken"]) if parameters.get("NextToken") else 0
    output: dict[str, Any] = {key: list(items[start : start + size])}
    if start + size < len(items):
        output["NextToken"] = base64.urlsafe_b64encode(f"after:{start + size}".encode()).decode()
    return output


def _position(token: str) -> int:
    try:
        word, _, position = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if word == "after":
            return int(position)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise AwsError("InvalidNextToken", "The token is not valid.")
