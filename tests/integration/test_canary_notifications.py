# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Word of a deployment: of a good one, one that is rolled back, and one that is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import FAULTY, Deployer, verified

SECRET = "T0PLANTED/B0PLANTED/xPLANTEDx"
TOKEN = "planted-bearer-token"
ALL = [{"name": "All", "percent": 100}]


class Chat:
    """A chat tool with a webhook: what it was sent, and how it answers."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/services/{SECRET}"
        self.texts: list[str] = []
        self.status = 200


@pytest.fixture
def chat() -> Iterator[Chat]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/json"
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            found.texts.append(body["text"])
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(b"ok" if found.status == 200 else f"no {self.path}".encode())

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found = Chat(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def places(shop: Shop, chat: Chat) -> list[dict[str, Any]]:
    topic = shop.client("sns").create_topic(Name=f"{shop.application}-deployments")["TopicArn"]
    shop.client("events").create_event_bus(Name=shop.application)
    return [
        {"sns_topic": topic},
        {"event_bus": shop.application},
        {"webhook_url": chat.url, "bearer_token": TOKEN},
    ]


def events(deployer: Deployer, mark: int) -> list[dict[str, Any]]:
    """The details of the events that were put since a mark."""
    entries = [
        entry
        for call in deployer.server.calls(mark)
        if call["operation"] == "PutEvents"
        for entry in call["parameters"]["Entries"]
    ]
    for entry in entries:
        assert (entry["Source"], entry["DetailType"]) == ("progressive.aws", "Canary Deployment")
        assert entry["EventBusName"] == deployer.shop.application
    return [json.loads(entry["Detail"]) for entry in entries]


def published(deployer: Deployer, mark: int) -> list[str]:
    return [
        call["parameters"]["Message"]
        for call in deployer.server.calls(mark)
        if call["operation"] == "Publish"
    ]


def test_a_deployment_that_goes_well_is_told_to_all(base: Shop, deployer: Deployer, chat: Chat) -> None:
    given, mark = places(base, chat), deployer.server.mark()
    image_id = deployer.image("one")

    run = deployer.deploy(
        image_id, "-vvv", canary_phases=ALL, canary_notifications=json.dumps(given), canary_deployment_id="b7"
    )

    assert run.code == 0, run.output
    told = events(deployer, mark)
    assert [(one["moment"], one["outcome"], one["phase"]) for one in told] == [
        ("after_setup", "deploying", ""),
        ("after_phase", "deploying", "All"),
        ("after_success", "live", ""),
    ]
    known = {
        "version": 1,
        "series": base.series,
        "group": f"{base.series}__1",
        "image_id": image_id,
        "deployment_id": "b7",
        "reason": "",
    }
    assert all(one | known == one for one in told)
    assert chat.texts == published(deployer, mark) == [one["text"] for one in told]
    assert f"{base.series}__1 with {image_id} is live" in chat.texts[-1]
    assert "PLANTED" not in run.output
    assert TOKEN not in run.output


def test_a_rollback_is_told_with_its_reason(base: Shop, deployer: Deployer, chat: Chat) -> None:
    first = deployer.go_live(deployer.image("one"))
    given, mark = places(base, chat), deployer.server.mark()
    given[0]["moments"] = ["after_rollback"]

    run = deployer.deploy(
        deployer.image("two", **FAULTY), canary_phases=verified("Canary 25 %"), canary_notifications=given
    )

    assert run.code == 2
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    told = events(deployer, mark)
    assert [(one["moment"], one["outcome"]) for one in told] == [
        ("after_setup", "deploying"),
        ("after_rollback", "rolled-back"),
    ]
    assert "error rate" in told[-1]["reason"]
    assert "was rolled back. Canary 25 %: " in chat.texts[-1]
    assert published(deployer, mark) == chat.texts[-1:]


def test_a_refusal_is_told(base: Shop, deployer: Deployer, chat: Chat) -> None:
    given, mark = places(base, chat), deployer.server.mark()

    run = deployer.deploy("ami-00000000000000000", canary_notifications=given)

    assert run.code == 2
    (told,) = events(deployer, mark)
    assert (told["moment"], told["outcome"]) == ("on_refusal", "failed")
    assert told["series"] == base.series
    assert "there is no AMI ami-00000000000000000" in told["reason"]
    assert chat.texts == published(deployer, mark) == [told["text"]]


def test_what_cannot_be_sent_is_warned_of_without_secrets_and_fails_nothing(
    base: Shop, deployer: Deployer, chat: Chat
) -> None:
    given = places(base, chat)
    given[0]["sns_topic"] += "-gone"
    chat.status = 404

    run = deployer.deploy(deployer.image("one"), "-vvv", canary_phases=ALL, canary_notifications=given)

    assert run.code == 0, run.output
    assert "no word was sent to the webhook at 127.0.0.1" in run.output
    assert f"no word was sent to topic {given[0]['sns_topic']}" in run.output
    assert "PLANTED" not in run.output
    assert deployer.report["outcome"] == "live"


def test_what_is_wrong_with_notifications_is_refused_and_shows_no_secret(
    base: Shop, deployer: Deployer, chat: Chat
) -> None:
    image_id, mark = deployer.image("one"), deployer.server.mark()

    run = deployer.deploy(
        image_id,
        "-vvv",
        canary_notifications=[
            {"webhook_url": chat.url, "event_bus": "default"},
            {"event_bus": "default", "moments": ["after_lunch"]},
            {"sns_topic": "deployments"},
            {"webhook_url": f"hooks.example.com/{SECRET}"},
            chat.url,
        ],
    )

    assert run.code == 2
    assert deployer.server.writes(mark) == []
    for words in (
        "exactly one of",
        "no moment 'after_lunch'",
        "no ARN of a topic",
        "is no address that begins",
    ):
        assert words in run.output
    assert "PLANTED" not in run.output
    assert chat.texts == []
