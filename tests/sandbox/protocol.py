# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's side of AWS's protocols: what does a request ask for, and how is it answered.

Parsing and writing are moto's (query, EC2, JSON) and botocore's own, turned round (RPC v2 CBOR, which
boto3 speaks to CloudWatch since 1.41).
"""

from __future__ import annotations

import functools
import gzip
import html
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.model import OperationNotFoundError
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model

from tests.sandbox.errors import AwsError

#: The name in a request's signature -> botocore's name of the service.
_SIGNING_NAMES = {
    "elasticloadbalancing": "elbv2",
    "email": "ses",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
}
_ELB_CLASSIC_VERSION = "2012-06-01"
#: X-Amz-Target and RPC v2 prefixes of requests that are not signed.
_TARGET_PREFIXES = {"GraniteServiceVersion20100801": "cloudwatch", "AmazonSSM": "ssm", "AWSEvents": "events"}
#: API versions of unsigned query requests.
_VERSIONS = {
    "2011-01-01": "autoscaling",
    "2010-08-01": "cloudwatch",
    "2016-11-15": "ec2",
    "2015-12-01": "elbv2",
    _ELB_CLASSIC_VERSION: "elb",
    "2011-06-15": "sts",
    "2010-03-31": "sns",
}
_CBOR_PATH = re.compile(r"^/service/(?P<service>[^/]+)/operation/(?P<operation>[^/]+)$")
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")

_READING = re.compile(r"^(Describe|Get|List|BatchGet|Head|Lookup|Query|Scan|Search|Receive)")


@dataclass
class Request:
    """An HTTP request. Header names are in lower case."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Return the path, decoded."""
        return unquote(urlsplit(self.url).path) or "/"

    @property
    def query(self) -> str:
        """Return what follows the question mark."""
        return urlsplit(self.url).query


@dataclass
class Response:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Call:
    """An AWS operation that a request asks for."""

    service: str
    operation: str
    protocol: str
    region: str
    request: Request
    access_key: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def write(self) -> bool:
        """Return whether the operation can change something."""
        return self.service != "sts" and not _READING.match(self.operation)

    @property
    def user_agent(self) -> str:
        """Return how the caller calls itself."""
        return self.request.headers.get("user-agent", "")


def understand(request: Request, default_region: str) -> Call:
    """Return which operation ``request`` asks for. Raises AwsError where that cannot be told."""
    if request.headers.get("content-encoding") == "gzip":
        request.body = gzip.decompress(request.body)
        del request.headers["content-encoding"]
    content_type = request.headers.get("content-type", "")
    credential = _CREDENTIAL.search(request.headers.get("authorization", "") or unquote(request.query))
    region, signed_for, key = default_region, "", ""
    if credential:
        region, signed_for, key = credential["region"], credential["service"], credential["key"]
    target = request.headers.get("x-amz-target", "")
    cbor = _CBOR_PATH.match(request.path)
    form: dict[str, str] = {}
    if cbor:
        prefix, operation, protocol = cbor["service"], cbor["operation"], "smithy-rpc-v2-cbor"
    elif target:
        prefix, _, operation = target.rpartition(".")
        protocol = "json"
    else:
        text = request.body.decode() if content_type.startswith("application/x-www-form-urlencoded") else ""
        form = dict(parse_qsl(text or request.query, keep_blank_values=True))
        prefix, operation, protocol = "", form.get("Action", ""), "query"
    service = _SIGNING_NAMES.get(signed_for, signed_for)
    service = service or _TARGET_PREFIXES.get(prefix, "") or _VERSIONS.get(form.get("Version", ""), "")
    if service == "elbv2" and form.get("Version") == _ELB_CLASSIC_VERSION:
        service = "elb"
    if not service:
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    if service == "ec2":
        protocol = "ec2"
    if not operation:
        protocol = "rest"
    call = Call(service, operation, protocol, region, request, key)
    if operation:
        call.parameters = _parse(call, form)
    return call


@functools.cache
def _operation_model(service: str, operation: str) -> Any:
    return _service_model(service).operation_model(operation)


@functools.cache
def _service_model(service: str) -> Any:
    return get_service_model(service)


def _parse(call: Call, form: dict[str, str]) -> dict[str, Any]:
    try:
        model = _operation_model(call.service, call.operation)
    except OperationNotFoundError:
        raise AwsError("InvalidAction", f"Could not find operation {call.operation}") from None
    if model.input_shape is None:
        return {}
    try:
        if call.protocol == "smithy-rpc-v2-cbor":
            return _parse_cbor(model.input_shape, call.request.body)
        parser = PROTOCOL_PARSERS[call.protocol](model, timestamp_parser=_timestamp)
        values: Any = {"values": form, "body": call.request.body, "headers": call.request.headers}
        parsed: dict[str, Any] = parser.parse(values)
    except (ValueError, KeyError, TypeError) as error:
        raise AwsError("MalformedInput", f"{call.operation}: {error}") from error
    return parsed


def _timestamp(value: Any) -> Any:
    from botocore.utils import parse_timestamp

    return parse_timestamp(value)


def _parse_cbor(shape: Any, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    parser = RpcV2CBORParser()
    data = parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))
    parsed: dict[str, Any] = parser._parse_shape(shape, data)
    return parsed


def answer(call: Call, output: dict[str, Any]) -> Response:
    """Write an operation's output in the protocol that its caller speaks."""
    model = _operation_model(call.service, call.operation)
    headers = {"x-amzn-RequestId": call.request_id}
    if call.protocol == "smithy-rpc-v2-cbor":
        headers |= {"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
        return Response(200, headers, _write_cbor(model.output_shape, output))
    serializer = get_serializer_class(call.service, call.protocol)(
        model, context=SerializationContext(call.request_id)
    )
    written = serializer.serialize(output)
    body = written["body"]
    content = body.encode() if isinstance(body, str) else body
    return Response(written["status_code"], headers | dict(written["headers"]), content)


def _write_cbor(shape: Any, output: dict[str, Any]) -> bytes:
    if shape is None:
        return b"\xa0"
    serialized = bytearray()
    RpcV2CBORSerializer()._serialize_data_item(serialized, output, shape)
    return bytes(serialized)


def refuse(call: Call | None, error: AwsError) -> Response:
    """Write an error in the protocol that the caller speaks, as AWS would."""
    request_id = call.request_id if call else str(uuid.uuid4())
    protocol = call.protocol if call else "query"
    headers = {"x-amzn-RequestId": request_id}
    fault = "Sender" if error.status < 500 else "Receiver"
    if protocol == "smithy-rpc-v2-cbor":
        headers |= {"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
        headers["x-amzn-query-error"] = f"{error.code};{fault}"
        body = _cbor_error(error)
    elif protocol == "json":
        headers["Content-Type"] = "application/x-amz-json-1.1"
        headers["x-amzn-query-error"] = f"{error.code};{fault}"
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
    else:
        headers["Content-Type"] = "text/xml"
        code, message = html.escape(error.code), html.escape(error.message)
        if protocol == "ec2":
            text = (
                f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
                f"<RequestID>{request_id}</RequestID></Response>"
            )
        elif protocol == "rest":
            text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        else:
            text = (
                f"<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message>"
                f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        body = text.encode()
    return Response(error.status, headers, body)


def _cbor_error(error: AwsError) -> bytes:
    def text(value: str) -> bytes:
        data = value.encode()
        return b"\x79" + len(data).to_bytes(2, "big") + data

    return b"\xa2" + text("__type") + text(error.code) + text("message") + text(error.message[:60000])
