# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series from Prometheus, or whatever speaks its API: Thanos, Mimir, VictoriaMetrics and others.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ..judging.metric_source import Answer, NoAnswer, Question
from .http import OPTIONS as HTTP
from .http import Access, get_json, read_access, without_secrets

# Argument spec, described in the fragment judging.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "address": {"type": "str"},
    "query": {"type": "str"},
    "instance_label": {"type": "str"},
    **HTTP,
}
# query_range: "exceeded maximum resolution of 11,000 points per timeseries".
MOST_POINTS = 11_000
# A longer query is sent as a form: "useful when specifying a large query that may breach server-side URL character
# limits" (HTTP API, "Range queries"). A shorter one is not, since what stands before it may let only GET through.
LONGEST_IN_ADDRESS = 2000


@dataclass(frozen=True)
class Prometheus:
    """A query in PromQL. With an C(instance_label) each series is of the instance that this label names."""

    server: str
    query: str
    instance_label: str = ""
    access: Access = field(default_factory=Access)

    @property
    def words(self) -> str:
        """What is asked."""
        return f"Prometheus {' '.join(self.query.split())}"

    @property
    def address(self) -> str:
        """Which Prometheus."""
        return self.server

    @property
    def templates(self) -> Sequence[str]:
        """The query."""
        return (self.query,)

    @property
    def by_instance(self) -> bool:
        """With a label that names the instance."""
        return bool(self.instance_label)

    def problems(self) -> Iterator[str]:
        """Say what is wrong, a sentence each."""
        if not self.query.strip():
            yield "query is missing"
        if self.server:
            yield from self.access.problems(self.server)
        else:
            yield "address is missing"

    def ask(self, question: Question) -> list[Answer]:
        """Ask for the values at the end of each period, which is when PromQL looks back over it.

        Raises:
            NoAnswer: it cannot be reached, refuses, or has less than it should.
        """
        # Within a regular expression several instances are alternatives.
        query = question.put_into(self.query, _quoted, separator="|")
        found: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
        at_once = MOST_POINTS * question.period
        start = question.start
        while start < question.end:
            end = min(question.end, start + at_once)
            times = {"start": start + question.period, "end": end, "step": question.period}
            for series in self._matrix({"query": query, **times}):
                labels = {str(name): str(value) for name, value in series["metric"].items()}
                # A value is that of the period which ends then.
                found.setdefault(tuple(sorted(labels.items())), []).extend(
                    (float(moment) - question.period, float(value)) for moment, value in series["values"]
                )
            start = end
        return [
            Answer(
                tuple(points),
                instance_id=dict(labels).get(self.instance_label, "") if self.instance_label else "",
                label=_written(dict(labels)),
            )
            for labels, points in found.items()
        ]

    def _matrix(self, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What query_range answers, as its documentation has it."""
        encoded = urlencode(parameters)
        url = f"{self.server.rstrip('/')}/api/v1/query_range"
        place = f"Prometheus at {without_secrets(self.server)}"
        if len(encoded) <= LONGEST_IN_ADDRESS:
            answer = get_json("Prometheus", f"{url}?{encoded}", self.access)
        else:
            answer = get_json("Prometheus", url, self.access, encoded)
        if not isinstance(answer, Mapping) or answer.get("status") != "success":
            said = answer.get("error") if isinstance(answer, Mapping) else None
            raise NoAnswer(f"{place} answered {said or 'what is no answer of its API'}", refused=True)
        # "Errors that do not inhibit the request execution": data are missing. What PromQL says of a query is none.
        short = [str(one) for one in answer.get("warnings") or () if not str(one).startswith("PromQL ")]
        if short:
            raise NoAnswer(f"{place} has not all of the data: {'; '.join(short)}")
        data = answer.get("data") or {}
        if data.get("resultType") != "matrix":
            raise NoAnswer(f"{place} answered a {data.get('resultType')}, and not a matrix", refused=True)
        result = list(data.get("result") or ())
        if any("values" not in series for series in result):
            raise NoAnswer(
                f"{place} answered histograms; make a number of them, as by histogram_quantile", refused=True
            )
        return result


def read(option: Mapping[str, Any]) -> Prometheus:
    """Read the options of C(OPTIONS)."""
    return Prometheus(
        server=str(option.get("address") or "").strip(),
        query=str(option.get("query") or ""),
        instance_label=str(option.get("instance_label") or "").strip(),
        access=read_access(option),
    )


def _quoted(value: str) -> str:
    """A value as it stands between quotes in PromQL."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _written(labels: Mapping[str, str]) -> str:
    """The labels of a series as PromQL writes them; a series without any is the only one."""
    inside = ", ".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
    return labels.get("__name__", "") + (f"{{{inside}}}" if inside else "")
