# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series from Prometheus: which moments are asked for, whose they are, and what is no data."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judging.metric_source import NoAnswer, Question
from ansible_collections.progressive.aws.plugins.module_utils.sources import prometheus as source

from tests.unit.sources.prometheus_server import ParseError, prometheus

NOON = 1772625600.0
MINUTE = Question({"group": 'shop"1'}, NOON, NOON + 180, 60)


def read(address: str, **options: Any) -> source.Prometheus:
    return source.read({"address": address, "query": 'sum(errors{group="{group}"})', **options})


def test_a_period_has_the_value_at_its_end_since_promql_looks_back() -> None:
    with prometheus(series=lambda query: [({}, lambda moment: moment - NOON)]) as server:
        (answer,) = read(server.url).ask(MINUTE)
    assert dict(answer.points) == {NOON: 60.0, NOON + 60: 120.0, NOON + 120: 180.0}


def test_placeholders_are_put_in_as_promql_quotes_them_and_its_own_braces_stay() -> None:
    with prometheus() as server:
        read(server.url, query='rate(a{b="{group}"}[{period}s])').ask(MINUTE)
        read(server.url, query='a{i=~"{instance_id}"}', instance_label="i").ask(
            Question({}, NOON, NOON + 60, 60, ("i-1", "i-2"))
        )
    assert [form["query"] for __, __, form, __ in server.asked] == [
        'rate(a{b="shop\\"1"}[60s])',
        'a{i=~"i-1|i-2"}',
    ]


def test_a_label_says_which_instance_a_series_is_of() -> None:
    with prometheus(
        series=lambda query: [({"instance_id": one}, lambda moment: 1.0) for one in ("i-1", "i-2")]
    ) as server:
        answers = read(server.url, instance_label="instance_id").ask(MINUTE)
    assert [one.instance_id for one in answers] == ["i-1", "i-2"]
    assert answers[0].label == '{instance_id="i-1"}'


def test_more_points_than_prometheus_gives_at_once_are_asked_for_in_parts() -> None:
    long = Question({}, NOON, NOON + 25_000, 1)
    with prometheus(series=lambda query: [({}, lambda moment: 1.0)]) as server:
        (answer,) = read(server.url).ask(long)
    assert len(server.asked) == 3
    assert sorted(dict(answer.points)) == [NOON + second for second in range(25_000)]


def test_a_long_query_is_a_form_and_a_short_one_is_not() -> None:
    with prometheus() as server:
        read(server.url).ask(MINUTE)
        read(server.url, query=" + ".join(["errors"] * 500)).ask(MINUTE)
    assert [method for method, __, __, __ in server.asked] == ["GET", "POST"]


def test_what_is_secret_reaches_the_server_and_no_representation() -> None:
    with prometheus(token="planted-token") as server:
        query = read(server.url, bearer_token="planted-token", secret_headers={"X-Key": "planted-key"})
        assert query.ask(MINUTE)
        with pytest.raises(NoAnswer, match="401") as failure:
            read(server.url, url_username="me", url_password="planted-password").ask(MINUTE)
    assert server.asked[0][3]["x-key"] == "planted-key"
    assert server.asked[1][3]["authorization"].startswith("Basic ")
    assert "planted" not in repr(query) + query.words + str(failure.value)


@pytest.mark.parametrize(
    ("answers", "words", "refused"),
    [
        ({"status": 503}, "503 Service Unavailable: the server is not ready", False),
        ({"raw": b"<html>Sign in</html>"}, "what is no JSON", True),
        ({"raw": b'{"status": "error", "error": "no such tenant"}'}, "answered no such tenant", True),
        ({"raw": b"[]"}, "no answer of its API", True),
        ({"warnings": ["store 3 is gone"]}, "has not all of the data: store 3 is gone", False),
        (
            {"raw": b'{"status": "success", "data": {"resultType": "vector", "result": []}}'},
            "a vector, and not a matrix",
            True,
        ),
        (
            {
                "raw": b'{"status": "success", "data": {"resultType": "matrix",'
                b' "result": [{"metric": {}, "histograms": []}]}}'
            },
            "answered histograms",
            True,
        ),
    ],
)
def test_what_is_no_answer_is_told_in_its_words(answers: dict[str, Any], words: str, refused: bool) -> None:
    with prometheus(**answers) as server, pytest.raises(NoAnswer) as failure:
        read(server.url).ask(MINUTE)
    assert words in failure.value.words
    assert server.url in failure.value.words
    assert failure.value.refused is refused


def test_what_promql_has_to_say_of_a_query_does_not_make_its_data_incomplete() -> None:
    with prometheus(warnings=['PromQL info: metric might not be a counter: "errors"']) as server:
        assert read(server.url).ask(MINUTE)


def test_a_query_that_is_no_promql_is_refused_in_prometheuss_words() -> None:
    def unreadable(query: str) -> Any:
        raise ParseError("unexpected end of input")

    with (
        prometheus(series=unreadable) as server,
        pytest.raises(NoAnswer, match="parse error: unexpected end of input") as failure,
    ):
        read(server.url).ask(MINUTE)
    assert failure.value.refused


def test_nobody_there_is_no_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NoAnswer, match=r"did not answer: .*refused") as failure:
        read(f"http://127.0.0.1:{port}").ask(MINUTE)
    assert failure.value.unreachable


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"address": ""}, "address is missing"),
        ({"query": " "}, "query is missing"),
        ({"address": "prometheus:9090"}, "is no address; write http://"),
        ({"address": "http://p:9090:1"}, "is no address"),
        ({"address": "http://me:planted@p:9090"}, "credentials in an address are seen by everybody"),
        ({"bearer_token": "t", "url_username": "u", "url_password": "p"}, "give either bearer_token or"),
        ({"url_username": "u"}, "give url_username and url_password together"),
        ({"timeout": 0.0}, "timeout must be more than 0"),
        ({"headers": {"a": "b\nc"}}, "has a line break"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], words: str) -> None:
    problems = " ".join(read(**{"address": "http://p:9090", **options}).problems())
    assert words in problems
    assert "planted" not in problems
    assert list(read("https://p.example.com/prom").problems()) == []
