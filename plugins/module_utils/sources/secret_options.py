# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a verification's options nobody should see, where they are passed on as they stand in a playbook. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# Options whose value is secret wherever they stand: those of sources over HTTP, and amazon.aws's of a connection.
SECRET_OPTIONS = frozenset(
    {
        # The last one is where the action plugin puts what it has found of the others.
        *("bearer_token", "url_password", "secret_headers", "webhook_url", "secrets"),
        *("secret_key", "aws_secret_access_key", "aws_secret_key", "session_token", "aws_session_token"),
    }
)


def secrets_of(options: Any) -> list[str]:
    """The secret values among options, however deep."""
    return sorted(set(_secrets(options, secret=False)))


def _secrets(value: Any, *, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _secrets(one, secret=secret or name in SECRET_OPTIONS)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _secrets(one, secret=secret)
    elif secret and value not in (None, ""):
        yield str(value)


def without_secrets(options: Any) -> Any:
    """The options without those that are secret."""
    if isinstance(options, Mapping):
        return {name: without_secrets(one) for name, one in options.items() if name not in SECRET_OPTIONS}
    if isinstance(options, (list, tuple)):
        return [without_secrets(one) for one in options]
    return options
