# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that the sandbox answers with, as AWS words them."""

from __future__ import annotations


class AwsError(Exception):
    """An error that a client of AWS sees: its code, its message and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Keep code, message and status for the protocol to write down."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def validation_error(message: str) -> AwsError:
    """Return the error with which Auto Scaling refuses a request's contents."""
    return AwsError("ValidationError", message)


def not_modelled(what: str) -> AwsError:
    """Return the refusal of something that AWS does and the sandbox does not.

    HTTP 400, since SDKs would try again after a 5xx.
    """
    return AwsError("SandboxNotModelled", f"The sandbox does not model {what}.")
