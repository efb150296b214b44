# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking over HTTP, by Ansible's own client: the only file of the engine that knows Ansible.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import http.client
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from ansible.module_utils.urls import SSLValidationError, open_url

from ..judging.metric_source import NoAnswer

# Argument spec of what every source over HTTP takes, described in the fragment judging.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "headers": {"type": "dict"},
    "bearer_token": {"type": "str", "no_log": True},
    "url_username": {"type": "str"},
    "url_password": {"type": "str", "no_log": True},
    "secret_headers": {"type": "dict", "no_log": True},
    "validate_certs": {"type": "bool"},
    "ca_path": {"type": "path"},
    "timeout": {"type": "float"},
}
# The health of the group is not watched while an answer is awaited.
LONGEST_TIMEOUT = 60
# An answer that is longer is none of a metric: 64 MB.
LONGEST_ANSWER = 64 * 1024 * 1024
# What is shorter in the address of a webhook is no secret, and may be a part of any word.
SHORTEST_SECRET = 4
# So much of what somebody answers is shown.
LONGEST_WORDS = 300


@dataclass(frozen=True)
class Access:
    """How to come to data over HTTP; C(timeout) is in seconds. What is secret is in no representation of it."""

    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    bearer_token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: float = 10.0

    def problems(self, url: str) -> Iterator[str]:
        """Say what is wrong with it for an address, a sentence each."""
        try:
            parts = urlsplit(url)
            host = parts.hostname
            parts.port  # noqa: B018 - reading it tells whether it is a number
        except ValueError:
            yield f"{without_secrets(url)} is no address"
            return
        if parts.scheme not in ("http", "https") or not host:
            yield f"{without_secrets(url)!r} is no address; write http:// or https://, and a host"
        if parts.username is not None or parts.password is not None:
            yield "credentials in an address are seen by everybody; give url_username and url_password"
        if self.bearer_token and (self.username or self.password):
            yield "give either bearer_token or url_username with url_password"
        if bool(self.username) != bool(self.password):
            yield "give url_username and url_password together"
        if not (math.isfinite(self.timeout) and 0 < self.timeout <= LONGEST_TIMEOUT):
            yield f"timeout must be more than 0 and at most {LONGEST_TIMEOUT} seconds"
        for name, value in {**self.headers, **self.secret_headers}.items():
            if any(character in f"{name}{value}" for character in "\r\n"):
                yield f"header {name!r} has a line break"


def read_access(option: Mapping[str, Any]) -> Access:
    """Read the options of C(OPTIONS)."""

    def texts(name: str) -> dict[str, str]:
        return {str(key): str(value) for key, value in (option.get(name) or {}).items()}

    validate, timeout = option.get("validate_certs"), option.get("timeout")
    return Access(
        headers=texts("headers"),
        secret_headers=texts("secret_headers"),
        bearer_token=option.get("bearer_token") or None,
        username=option.get("url_username") or None,
        password=option.get("url_password") or None,
        validate_certs=True if validate is None else bool(validate),
        ca_path=option.get("ca_path") or None,
        timeout=10.0 if timeout is None else float(timeout),
    )


def without_secrets(url: str) -> str:
    """An address as it may be shown: without credentials and without its query."""
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, place, parts.path, "", ""))
    except ValueError:
        return "the address"


def get_json(who: str, url: str, access: Access, form: str | None = None) -> Any:
    """Get JSON from an address; with a C(form) it is sent to it, as a browser does. C(who) is asked, in words.

    Raises:
        NoAnswer: it cannot be reached, refuses, or answers with what is no JSON.
    """
    place = f"{who} at {without_secrets(url)}"
    content_type = None if form is None else "application/x-www-form-urlencoded"
    content, answer = _ask(place, url, access, form, content_type)
    if len(content) > LONGEST_ANSWER:
        raise NoAnswer(f"{place} answered with more than {LONGEST_ANSWER // 1024 // 1024} MB")
    try:
        return json.loads(content)
    except ValueError as error:
        kind = str(answer.headers.get("Content-Type") or "something")
        raise NoAnswer(f"{place} answered with what is no JSON ({_short(kind)})", refused=True) from error


def post_json(who: str, url: str, access: Access, body: Any) -> None:
    """Send JSON to an address that is a secret in itself, as that of a webhook; C(who) takes it, in words.

    Raises:
        NoAnswer: it cannot be reached, or refuses. Of the address the words have the host alone.
    """
    place = f"{who} at {urlsplit(url).hostname}"
    try:
        _ask(place, url, access, json.dumps(body), "application/json")
    except NoAnswer as error:
        # Whoever answers may repeat what it was asked for.
        words = _without_parts(str(error), url)
        raise NoAnswer(words, unreachable=error.unreachable, refused=error.refused) from None


def _without_parts(words: str, url: str) -> str:
    """Words without what may be secret in an address: its path, as a whole and in parts, and its query."""
    parts = urlsplit(url)
    secret = {url, parts.path, parts.query, unquote(parts.path), unquote(parts.query)}
    secret |= {one for text in (parts.path, unquote(parts.path)) for one in text.split("/")}
    secret |= {value for _name, value in parse_qsl(parts.query)}
    for one in sorted((one for one in secret if len(one) >= SHORTEST_SECRET), key=len, reverse=True):
        words = words.replace(one, "[hidden]")
    return words


def _ask(
    place: str, url: str, access: Access, data: str | None, content_type: str | None
) -> tuple[bytes, Any]:
    """Get what an address answers, or send C(data) to it: its content, at most a byte too long, and the answer.

    Raises:
        NoAnswer: it cannot be reached, or refuses.
    """
    secret = dict(access.secret_headers)
    if access.bearer_token:
        secret["Authorization"] = f"Bearer {access.bearer_token}"
    headers = {"Accept": "application/json", **access.headers, **secret}
    if content_type is not None:
        headers["Content-Type"] = content_type
    try:
        answer = open_url(
            url,
            data=data,
            headers=headers,
            method="GET" if data is None else "POST",
            timeout=access.timeout,
            validate_certs=access.validate_certs,
            ca_path=access.ca_path,
            url_username=access.username,
            url_password=access.password,
            force_basic_auth=bool(access.username),
            # What is secret is for this address, not for the one that it sends on to.
            unredirected_headers=[*secret, "Authorization"],
            follow_redirects="safe",
            # A netrc file would replace the token.
            use_netrc=not access.bearer_token,
            http_agent="progressive.aws",
        )
        return answer.read(LONGEST_ANSWER + 1), answer
    except HTTPError as error:
        raise _refusal(place, error) from error
    except (URLError, SSLValidationError, OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise NoAnswer(f"{place} did not answer: {_short(str(reason))}", unreachable=True) from error


def _refusal(place: str, error: HTTPError) -> NoAnswer:
    """What an answer that is an error says, in the words of its body where that is Prometheus's or text."""
    said = ""
    try:
        content = error.read(LONGEST_ANSWER).decode("utf-8", "replace")
        if "html" not in str(error.headers.get("Content-Type") or ""):
            said = content
        body = json.loads(content)
        if isinstance(body, dict) and isinstance(body.get("error"), str):
            said = body["error"]
    except (OSError, ValueError, http.client.HTTPException):
        pass
    words = f"{place} answered {error.code} {error.reason}" + (f": {_short(said)}" if said.strip() else "")
    # Busy, or not there for a moment: 408, 429 and all of 5xx. Every other one will be the same tomorrow.
    return NoAnswer(words, refused=error.code < 500 and error.code not in (408, 429))


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_WORDS else words[: LONGEST_WORDS - 3] + "..."
