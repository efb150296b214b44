# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to the Key Management Service: whether a key is there, and can be used.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import AwsError
from .calls import Calls

# DescribeKey of one that does not exist, or of a name that is none.
KEY_MISSING = frozenset({"NotFoundException", "InvalidArnException"})


class KeyManagement:
    """The Key Management Service, as the engine needs it."""

    def __init__(self, calls: Calls) -> None:
        """Keep how to call AWS."""
        self._call = calls

    def key(self, key_id: str) -> Mapping[str, Any] | None:
        """A key by its id, ARN or alias, as DescribeKey has it (C(KeyMetadata)); None where there is none.

        Raises:
            AwsError: AWS refused to tell, or could not be reached; AccessDenied for want of a permission.
        """
        try:
            answer = self._call("kms", "DescribeKey", f"read key {key_id}", KeyId=key_id)
        except AwsError as error:
            if error.code in KEY_MISSING:
                return None
            raise
        key: Mapping[str, Any] = answer["KeyMetadata"]
        return key
