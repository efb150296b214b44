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
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

# Without botocore, AnsibleAWSModule says so to the user before anything is called.
with contextlib.suppress(ImportError):
    from botocore import exceptions, xform_name
    from botocore.parsers import ResponseParserError

from ..core.errors import AccessDenied, AwsError, LateAnswers, NoCredentials, RolloutError
from ..core.passes import Clock, SystemClock
from .written import Late, Memory

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
# Something moves in the group. A resize is tried again; a deletion's step waits until nothing does.
BUSY = frozenset({"ScalingActivityInProgress", "ScalingActivityInProgressFault"})
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
# What botocore raises where it finds no credentials or region that can be used. By name, since not every
# version has all of them.
UNUSABLE = frozenset(
    {
        "BaseEndpointResolverError",
        "CredentialRetrievalError",
        "InvalidConfigError",
        "InvalidRegionError",
        "LoginError",
        "MetadataRetrievalError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "RefreshWithMFAUnsupportedError",
        "SSOError",
        "TokenRetrievalError",
        "UnknownCredentialError",
        "UnknownRegionError",
    }
)
# Credentials with a line break in them do not fit into a header.
INVALID_HEADER = "Invalid header value"
# How the names of operations that only read begin.
READS = ("Describe", "Get", "List")
FIRST_DELAY = 0.5
LONGEST_DELAY = 20.0
# Clocks that differ by fewer seconds are taken for equal.
CLOCKS_DIFFER = 5.0
# Seconds until AWS is asked again that has answered as things were before a write.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 5.0


@dataclass
class Calls:
    """Calls AWS with patience: C(client) makes a boto3 client of a service, at its first use.

    A call that AWS cannot answer now, or whose answer never arrives, is repeated with growing, jittered
    delays until C(budget) seconds are spent, over all calls of the step together: throttling is shared by a
    whole account, and twenty calls with a minute each would be twenty minutes. Time between calls pays back
    what was spent, so that a long wait does not die of what was throttled here and there. From one pass of the step
    to the next C(patience) takes it along. Every call the engine makes is safe to repeat.

    C(ensure_wanted) is called before each call that changes something, and raises where nobody wants that any more.

    An answer that is older than what was written before is none: AWS is asked again, with pauses, until it gives a
    newer one. C(memory) is what was written; the steps of one run hand it on. So they do with C(handed_on), which is
    whatever else one leaves to the next, as JSON has it.

    C(ahead) is by how many seconds this machine's clock is ahead of AWS's, as the latest answer's date says, and 0
    where they are as good as equal.
    """

    client: Callable[[str], Any]
    clock: Clock = field(default_factory=SystemClock)
    budget: float = 60.0
    ensure_wanted: Callable[[], None] = lambda: None
    memory: Memory = field(default_factory=Memory)
    handed_on: dict[str, Any] = field(default_factory=dict)
    ahead: float = 0.0
    _clients: dict[str, Any] = field(default_factory=dict)
    _spent: float = 0.0
    _at_rest_since: float | None = None

    @property
    def patience(self) -> dict[str, Any]:
        """What the next pass has to know of the budget: plain types, for its progress."""
        return {"spent": self._spent, "at_rest_since": self._at_rest_since}

    def go_on(self, patience: Mapping[str, Any]) -> None:
        """Go on with what an earlier pass left of the budget."""
        self._spent = float(patience.get("spent") or 0.0)
        self._at_rest_since = patience.get("at_rest_since")

    def __call__(self, service: str, operation: str, attempted: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation, as C(autoscaling), C(UpdateAutoScalingGroup), and return its answer.

        C(attempted) says what for, on what: C(resize group x to 2).

        Raises:
            AccessDenied: the caller may not do it.
            NoCredentials: there are no credentials, no region, or AWS does not know them.
            AwsError: AWS refused it for another reason, or could not be reached within the budget.
            LateAnswers: AWS has gone on to answer as things were before a write.
        """
        if operation.startswith(READS):
            return self._newer(service, operation, attempted, parameters)
        answer = self._at_once(service, operation, attempted, parameters)
        self.memory.note(operation, parameters, answer, self.clock.now())
        return answer

    def _newer(
        self, service: str, operation: str, attempted: str, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Ask until the answer is newer than what was written."""
        began, pause = self.clock.now(), FIRST_PAUSE
        self.memory.forget(began)
        while True:
            refused = None
            try:
                answer = self._at_once(service, operation, attempted, parameters)
                late = self.memory.older(operation, parameters, answer)
                if not late:
                    return answer
            except AwsError as error:
                refused, late = (
                    error,
                    self.memory.not_yet(operation, parameters, error.code, str(error.answer)),
                )
                if not late:
                    raise
            waited = self.clock.now() - began
            if waited >= max(one.patience for one in late):
                self.memory.disbelieve()
                raise refused or _late_answers(attempted, waited, late)
            self.clock.sleep(pause)
            self.ensure_wanted()
            pause = min(pause * 2, LONGEST_PAUSE)

    def _at_once(
        self, service: str, operation: str, attempted: str, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        method = getattr(self._client(service, attempted), xform_name(operation))
        if self._at_rest_since is not None:
            self._spent = max(0.0, self._spent - max(0.0, self.clock.now() - self._at_rest_since))
        try:
            return self._with_patience(method, service, operation, attempted, parameters)
        finally:
            self._at_rest_since = self.clock.now()

    def _with_patience(
        self,
        method: Callable[..., dict[str, Any]],
        service: str,
        operation: str,
        attempted: str,
        parameters: Mapping[str, Any],
    ) -> dict[str, Any]:
        delay, unanswered = FIRST_DELAY, False
        while True:
            if not operation.startswith(READS):
                self.ensure_wanted()
            begun = self.clock.now()
            try:
                answer = method(**parameters)
                self._compare_clocks(answer)
                return answer
            except (exceptions.ClientError, exceptions.BotoCoreError, ResponseParserError) as error:
                failure = _translate(error, service, operation, attempted)
                if isinstance(failure, AwsError):
                    failure.repeated = unanswered
                unanswered = unanswered or not isinstance(error, exceptions.ClientError)
                self._spent += self.clock.now() - begun
                if not _transient(error, operation) or self._spent >= self.budget:
                    raise failure from error
            pause = min(random.uniform(delay / 2, delay), self.budget - self._spent)
            self.clock.sleep(pause)
            self._spent += pause
            delay = min(delay * 2, LONGEST_DELAY)

    def _compare_clocks(self, answer: Mapping[str, Any]) -> None:
        date = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders", {}).get("date")
        try:
            ahead = self.clock.now() - parsedate_to_datetime(date).timestamp() if date else 0.0
        except ValueError:
            return
        # The date is in whole seconds, and the answer was some time on its way.
        self.ahead = ahead if abs(ahead) >= CLOCKS_DIFFER else 0.0

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
            except ValueError as error:
                # What boto3 says of an endpoint that is no address.
                raise AwsError(
                    attempted,
                    code=type(error).__name__,
                    answer=_without_secrets(str(error)),
                    advice="Correct the option endpoint_url, or AWS_ENDPOINT_URL.",
                ) from error
        return self._clients[service]


def _late_answers(attempted: str, waited: float, late: Sequence[Late]) -> LateAnswers:
    return LateAnswers(
        attempted,
        answer=f"for {waited:.0f} seconds AWS has gone on to show {', '.join(map(str, late))} as before it was written",
        state="Nothing was concluded from it.",
        advice="Either AWS's answers are late, or somebody else has put it back. Run the same again: it goes on where"
        " it stopped.",
    )


def _transient(error: Exception, operation: str) -> bool:
    if isinstance(error, exceptions.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in BUSY:
            return operation != "DeleteAutoScalingGroup"
        return code in TRANSIENT or status >= 500 or status == 429
    # Whatever happened between the request and its answer: every call is safe to repeat. A certificate that is
    # not trusted will not be so a minute later.
    hopeless = isinstance(error, exceptions.SSLError) or _lacks_credentials(error)
    return _got_no_answer(error) and not hopeless


def _got_no_answer(error: Exception) -> bool:
    """Whether the network, a proxy or AWS itself cut a call short: whether it was done is unknown."""
    return isinstance(
        error,
        (
            exceptions.ConnectionError,
            exceptions.HTTPClientError,
            exceptions.IncompleteReadError,
            ResponseParserError,
        ),
    )


def _lacks_credentials(error: Exception) -> bool:
    """Whether botocore found no credentials or region that it could use, and so sent nothing."""
    if isinstance(error, exceptions.ClientError):
        return False
    return INVALID_HEADER in str(error) or any(base.__name__ in UNUSABLE for base in type(error).__mro__)


def _translate(error: Exception, service: str, operation: str, attempted: str) -> RolloutError:
    if _lacks_credentials(error):
        return _no_credentials(attempted, error)
    if not isinstance(error, exceptions.ClientError):
        sent = _got_no_answer(error)
        return AwsError(
            attempted,
            code=type(error).__name__,
            answer=f"{'no answer from AWS to' if sent else 'could not send'} {service}:{operation}:"
            f" {_without_secrets(str(error))}",
            advice="Whether it was done is unknown; running the same again finds out and goes on."
            if sent
            else "Nothing was sent; correct the options that the message names.",
        )
    details = error.response.get("Error", {})
    code, answer = str(details.get("Code", "Unknown")), _without_secrets(str(details.get("Message", error)))
    if code in DENIED:
        action = _iam_action(service, operation, answer)
        return AccessDenied(attempted, action=action, code=code, answer=answer)
    if code in BAD_CREDENTIALS:
        return NoCredentials(
            attempted,
            answer=f"{answer} ({code})",
            advice="Renew the credentials and run the same again.",
        )
    return AwsError(attempted, code=code, answer=answer, advice=_advice(error))


def _advice(error: Exception) -> str:
    """What to do about an error that AWS answered with, of which nothing more is known than its kind."""
    if _transient(error, ""):
        return "AWS answered so again and again, which passes. Run the same again later: it goes on where it stopped."
    return "Correct what AWS names, and run the same again: it goes on where it stopped."


# botocore's name of a service -> its prefix in IAM's actions, where the two differ.
_IAM_PREFIXES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "service-quotas": "servicequotas",
}


def _iam_action(service: str, operation: str, answer: str) -> str:
    """The action that is missing: the one AWS names, since one call may need several, else the call's own."""
    named = re.search(r"not authorized to perform:? ([a-z0-9-]+:\w+)", answer)
    if named:
        return named[1]
    prefix = _IAM_PREFIXES.get(service, service)
    return f"{prefix}:{operation}"


# Where botocore or AWS repeat what was sent: values of parameters (user data may hold passwords), passwords in
# the addresses of proxies, and the signed request with its session token.
_SECRETS = (
    (re.compile(r"\s*The (Canonical String|String-to-Sign).*", re.S), ""),
    (re.compile(r"(value: ).*?(, (?:type|valid))", re.S), r"\1(not shown)\2"),
    (re.compile(rf"({INVALID_HEADER}).*", re.S), r"\1 (not shown)"),
    (re.compile(r"(://)[^/@\s]*@"), r"\1"),
    (
        re.compile(r"((?:x-amz-security-token|credential|signature|signedheaders)\s*[:=]\s*)[^\s,&]+", re.I),
        r"\1(not shown)",
    ),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{12,}\b"), "(not shown)"),
)


def _without_secrets(text: str) -> str:
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


def _no_credentials(attempted: str, error: Exception) -> NoCredentials:
    return NoCredentials(
        attempted,
        answer=_without_secrets(str(error)),
        advice="Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or the options access_key,"
        " secret_key, profile and region.",
    )
