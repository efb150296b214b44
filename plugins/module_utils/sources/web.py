# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series from any URL that answers with JSON.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ..judging.metric_source import Answer, Question
from .http import OPTIONS as HTTP
from .http import Access, get_json, read_access, without_secrets
from .json_series import read_series

# Argument spec, described in the fragment judging.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "url": {"type": "str"},
    "by_instance": {"type": "bool"},
    **HTTP,
}


@dataclass(frozen=True)
class Web:
    """A URL with placeholders. With C(by_instance) each series of an answer says of which instance it is."""

    url: str
    by_instance: bool = False
    access: Access = field(default_factory=Access)

    @property
    def words(self) -> str:
        """Where the data come from."""
        return without_secrets(self.url)

    @property
    def address(self) -> str:
        """Which server: everything before the path."""
        return "/".join(self.url.split("/")[:3])

    @property
    def templates(self) -> Sequence[str]:
        """The address."""
        return (self.url,)

    def problems(self) -> Iterator[str]:
        """Say what is wrong, a sentence each."""
        if self.url:
            yield from self.access.problems(self.url)
        else:
            yield "url is missing"

    def ask(self, question: Question) -> list[Answer]:
        """Get the series.

        Raises:
            NoAnswer: it cannot be reached, refuses, or answers in another shape.
        """
        url = question.put_into(self.url, lambda value: quote(value, safe=""))
        return read_series(self.words, get_json("the source", url, self.access))


def read(option: Mapping[str, Any]) -> Web:
    """Read the options of C(OPTIONS)."""
    return Web(
        url=str(option.get("url") or "").strip(),
        by_instance=bool(option.get("by_instance")),
        access=read_access(option),
    )
