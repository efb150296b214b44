# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the keys that volumes are encrypted with are there, and can be used.

An instance whose volume's key cannot be used is launched, and ends at once with C(Client.InvalidKMSKey.InvalidState)
("Required AWS KMS key policy for use with encrypted volumes", Amazon EC2 Auto Scaling user guide). Whether Auto
Scaling's service-linked role may use the key is in the key's policy, which is not read.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..core.errors import AccessDenied, AwsError
from .launch_checks import NOT_CHECKED, PROBLEM, WARNING, Finding
from .rollout import Rollout

# "Key states of AWS KMS keys": in the others no cryptographic operation succeeds.
USABLE = frozenset({"Enabled", "Updating"})
# "Amazon EBS encryption": "Amazon EBS supports only symmetric KMS keys".
SYMMETRIC = "SYMMETRIC_DEFAULT"


def look(rollout: Rollout, keys: Mapping[str, str]) -> Iterator[Finding]:
    """Look at keys, by their ids, ARNs or aliases, each with the words for what it encrypts."""
    for key_id, what in keys.items():
        try:
            key = rollout.key_management.key(key_id)
        except AccessDenied as error:
            words = (
                f"{error.action} is not allowed to the credentials in use, so that key {key_id} of {what} is"
            )
            yield Finding("encryption", WARNING, f"{words} not checked")
            continue
        except AwsError as error:
            yield Finding("encryption", NOT_CHECKED, f"key {key_id} of {what} not checked: {error.answer}")
            continue
        if key is None:
            words = f"there is no key {key_id}, with which {what} is encrypted"
            yield Finding("encryption", PROBLEM, f"{words}; name another with kms_key_id, or create it")
        elif key["KeyState"] not in USABLE:
            words = f"key {key_id}, with which {what} is encrypted, is {key['KeyState']}"
            yield Finding("encryption", PROBLEM, f"{words}, so that no instance could start; enable it")
        elif key.get("KeySpec", SYMMETRIC) != SYMMETRIC:
            words = f"key {key_id}, with which {what} is encrypted, is no symmetric one ({key['KeySpec']})"
            yield Finding("encryption", PROBLEM, f"{words}, and EBS takes no other")
