# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the three API files call AWS: one time budget, one set of words for what goes wrong.

botocore's exceptions are named here, for the three files that hold clients, so that retrying and reporting
are decided in one place. No client is made here.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Without botocore, AnsibleAWSModule says so to the user before anything is called.
with contextlib.suppress(ImportError):
    from botocore import exceptions, xform_name

from .errors import AccessDenied, AwsError, NoCredentials, RolloutError
from .passes import Clock, SystemClock

# Codes that mean "later": the services' common errors, and those of the EC2 and Auto Scaling references.
TRANSIENT = frozenset(
    {
        "BandwidthLimitExceeded",
        "InternalError",
        "InternalFailure",
        "InternalServiceError",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ResourceContention",
        "ServerInternal",
        "ServiceUnavailable",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "Unavailable",
    }
)
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})
BAD_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
FIRST_DELAY = 0.5
LONGEST_DELAY = 20.0


@dataclass
class Calls:
    """Calls AWS with patience: C(client) makes a boto3 client of a service, at its first use.

    A call that AWS cannot answer now, or whose answer never arrives, is repeated with growing, jittered
    delays until C(budget) seconds are spent, over all calls of the pass together: throttling is shared by a
    whole account, and twenty calls with a minute each would be twenty minutes. Every call the engine makes
    is safe to repeat.
    """

    client: Callable[[str], Any]
    clock: Clock = field(default_factory=SystemClock)
    budget: float = 60.0
    _clients: dict[str, Any] = field(default_factory=dict)
    _spent: float = 0.0

    def __call__(self, service: str, operation: str, attempted: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation, as C(autoscaling), C(UpdateAutoScalingGroup), and return its answer.

        C(attempted) says what for, on what: C(resize group x to 2).

        Raises:
            AccessDenied: the caller may not do it.
            NoCredentials: there are no credentials, no region, or AWS does not know them.
            AwsError: AWS refused it for another reason, or could not be reached within the budget.
        """
        method = getattr(self._client(service, attempted), xform_name(operation))
        delay = FIRST_DELAY
        while True:
            begun = self.clock.now()
            try:
                answer: dict[str, Any] = method(**parameters)
                return answer
            except (exceptions.ClientError, exceptions.BotoCoreError) as error:
                failure = _translate(error, service, operation, attempted)
                self._spent += self.clock.now() - begun
                if not _transient(error) or self._spent >= self.budget:
                    raise failure from error
            pause = random.uniform(delay / 2, delay)
            self.clock.sleep(pause)
            self._spent += pause
            delay = min(delay * 2, LONGEST_DELAY)

    def pages(
        self, service: str, operation: str, items: str, attempted: str, **parameters: Any
    ) -> Iterator[Mapping[str, Any]]:
        """Call an operation page by page and yield what each page lists under C(items).

        Raises:
            RolloutError: as a single call does.
        """
        while True:
            page = self(service, operation, attempted, **parameters)
            yield from page.get(items) or ()
            # The ELB APIs call it a marker, the others a token.
            marker = page.get("NextToken") or page.get("NextMarker")
            if not marker:
                return
            parameters["NextToken" if page.get("NextToken") else "Marker"] = marker

    def _client(self, service: str, attempted: str) -> Any:
        if service not in self._clients:
            try:
                self._clients[service] = self.client(service)
            except exceptions.BotoCoreError as error:
                raise _no_credentials(attempted, error) from error
        return self._clients[service]


def _transient(error: Exception) -> bool:
    if isinstance(error, exceptions.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return code in TRANSIENT or status >= 500 or status == 429
    # Whatever happened between the request and its answer: every call is safe to repeat.
    return isinstance(error, exceptions.HTTPClientError)


def _translate(error: Exception, service: str, operation: str, attempted: str) -> RolloutError:
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.NoRegionError)):
        return _no_credentials(attempted, error)
    if not isinstance(error, exceptions.ClientError):
        return AwsError(
            attempted,
            code=type(error).__name__,
            answer=f"no answer from AWS to {service}:{operation}: {error}",
            advice="Whether it was done is unknown; running the same again finds out and goes on.",
        )
    details = error.response.get("Error", {})
    code, answer = str(details.get("Code", "Unknown")), str(details.get("Message", error))
    if code in DENIED:
        return AccessDenied(attempted, action=_iam_action(service, operation), code=code, answer=answer)
    if code in BAD_CREDENTIALS:
        return NoCredentials(
            attempted,
            answer=f"{answer} ({code})",
            advice="Renew the credentials and run the same again.",
        )
    return AwsError(attempted, code=code, answer=answer)


def _iam_action(service: str, operation: str) -> str:
    prefix = "elasticloadbalancing" if service in ("elb", "elbv2") else service
    return f"{prefix}:{operation}"


def _no_credentials(attempted: str, error: Exception) -> NoCredentials:
    return NoCredentials(
        attempted,
        answer=str(error),
        advice="Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or the options access_key,"
        " secret_key, profile and region.",
    )
