# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series from any URL and any command: the shape of the JSON, and what is no data."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.judging.metric_source import NoAnswer, Question
from ansible_collections.progressive.aws.plugins.module_utils.sources import command, web
from ansible_collections.progressive.aws.plugins.module_utils.sources.json_series import read_series

from tests.unit.sources.prometheus_server import prometheus

NOON = 1772625600.0
QUESTION = Question({"group": "shop & co", "instance_id": "i-1"}, NOON, NOON + 120, 60)


def test_a_url_gets_its_placeholders_quoted() -> None:
    with prometheus(raw=b'{"series": []}') as server:
        source = web.read({"url": server.url + "/x?group={group}&from={start}&to={end}&step={period}"})
        assert source.ask(QUESTION) == []
    (asked,) = server.asked
    assert asked[2] == {"group": "shop & co", "from": "1772625600", "to": "1772625720", "step": "60"}
    assert source.words == server.url + "/x", "its query may have a key in it"


def test_a_command_gets_its_placeholders_as_they_are_and_no_shell_reads_them() -> None:
    script = """
import json, sys
print(json.dumps({"series": [{"label": sys.argv[1], "points": [[int(sys.argv[2]), 7]]}]}))
"""
    source = command.read({"argv": [sys.executable, "-c", script, "{group}; $HOME", "{start}"]})
    (answer,) = source.ask(QUESTION)
    assert answer.label == "shop & co; $HOME"
    assert answer.points == ((NOON, 7.0),)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit('no such queue')", "ended with 1: no such queue"),
        ("print('fine')", "printed what is no JSON"),
        ("import time; time.sleep(9)", "did not end in 0.5 seconds"),
        ('print(\'{"error": "no permission"}\')', "answered an error: no permission"),
    ],
)
def test_a_command_that_fails_is_no_answer(script: str, words: str) -> None:
    source = command.read({"argv": [sys.executable, "-c", script], "timeout": 0.5})
    if "sleep" not in script:
        source = command.read({"argv": [sys.executable, "-c", script]})
    with pytest.raises(NoAnswer, match=words):
        source.ask(QUESTION)


def test_a_command_that_is_not_there_is_refused() -> None:
    with pytest.raises(NoAnswer, match="command no-such-program cannot be run: No such file") as failure:
        command.read({"argv": ["no-such-program"]}).ask(QUESTION)
    assert failure.value.refused
    assert list(command.read({}).problems()) == ["argv is missing"]


def test_times_are_seconds_or_iso_8601_and_null_is_no_datapoint() -> None:
    (answer,) = read_series(
        "it",
        {
            "series": [
                {
                    "instance_id": "i-1",
                    "points": [[NOON, 1], ["2026-03-04T12:01:00Z", 2.5], ["2026-03-04T12:02:00", None]],
                }
            ]
        },
    )
    assert answer.instance_id == "i-1"
    assert answer.points == ((NOON, 1.0), (NOON + 60, 2.5))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], "no list called series"),
        ({"series": {"points": []}}, "no list called series"),
        ({"series": [{"values": []}]}, r"series\[0\] has no list called points"),
        ({"series": [{"points": [[1]]}]}, r"series\[0\].points\[0\] is no pair"),
        ({"series": [{"points": [[1, 2], [1, "2"]]}]}, r"points\[1\] has '2', which is no number"),
        ({"series": [{"points": [[1, True]]}]}, "has True, which is no number"),
        ({"series": [{"points": [["noon", 1]]}]}, "has 'noon', which is no time"),
    ],
)
def test_another_shape_is_refused_with_its_place(found: Any, words: str) -> None:
    with pytest.raises(NoAnswer, match=words) as failure:
        read_series("it", json.loads(json.dumps(found)))
    assert "it should be as" in failure.value.words
