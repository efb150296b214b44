# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step that sends word of a run: to SNS topics, EventBridge event buses and webhooks.

Whatever goes wrong there is a warning. Nothing of it fails a deployment.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..aws.calls import Calls
from ..aws.messages import Messages
from ..core import hooks
from ..core.errors import InvalidInput, RolloutError
from ..core.passes import Change, Decision, Done, Event, Tell
from ..core.progress import Progress
from ..judging.metric_source import NoAnswer
from ..sources import http
from .record import ROLLED_BACK, seconds_in_words

MOMENTS = (
    hooks.AFTER_SETUP,
    hooks.AFTER_PHASE,
    hooks.AFTER_SUCCESS,
    hooks.AFTER_ROLLBACK,
    hooks.ON_REFUSAL,
)
SNS_TOPIC, EVENT_BUS, WEBHOOK_URL = "sns_topic", "event_bus", "webhook_url"
PLACES = (SNS_TOPIC, EVENT_BUS, WEBHOOK_URL)
# Argument spec of a notification, described in canary_notify.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    SNS_TOPIC: {"type": "str"},
    EVENT_BUS: {"type": "str"},
    # Whoever knows it may write there.
    WEBHOOK_URL: {"type": "str", "no_log": True},
    "moments": {"type": "list", "elements": "str"},
    **http.OPTIONS,
}

SOURCE = "progressive.aws"
DETAIL_TYPE = "Canary Deployment"
# Of the detail of an event: a new number where members change their meaning.
VERSION = 1
# Seconds that AWS may keep all notifications of a moment waiting: the group is not watched meanwhile.
BUDGET = 10.0
# Characters of a reason: an event and a message have 256 KB, and a chat tool fewer.
LONGEST_REASON = 3000


@dataclass(frozen=True)
class Notification:
    """Where to send word, and at which moments: an SNS C(topic), an event C(bus) or a C(webhook)."""

    topic: str = ""
    bus: str = ""
    webhook: str = field(default="", repr=False)
    access: http.Access = field(default_factory=http.Access)
    moments: tuple[str, ...] = MOMENTS

    @property
    def where(self) -> str:
        """The place in words, without what is secret of it."""
        if self.webhook:
            return f"the webhook at {urlsplit(self.webhook).hostname}"
        return f"topic {self.topic}" if self.topic else f"event bus {self.bus}"


def read_notifications(given: Sequence[Mapping[str, Any]]) -> tuple[list[Notification], list[str]]:
    """Notifications by their options, and what is wrong with those that are none, a sentence each."""
    found, problems = [], []
    for number, options in enumerate(given, start=1):
        wrong = list(_problems(options))
        problems += [f"notification {number} (canary_notifications): {words}" for words in wrong]
        if not wrong:
            found.append(
                Notification(
                    topic=options.get(SNS_TOPIC) or "",
                    bus=options.get(EVENT_BUS) or "",
                    webhook=options.get(WEBHOOK_URL) or "",
                    access=http.read_access(options),
                    moments=tuple(options.get("moments") or MOMENTS),
                )
            )
    return found, problems


def _problems(options: Mapping[str, Any]) -> Iterator[str]:
    if len([place for place in PLACES if options.get(place)]) != 1:
        yield f"give exactly one of {', '.join(PLACES)}"
    topic = str(options.get(SNS_TOPIC) or "")
    if topic and (not topic.startswith("arn:") or len(topic.split(":")) != 6 or ":sns:" not in topic):
        yield f"{SNS_TOPIC} {topic!r} is no ARN of a topic"
    for moment in options.get("moments") or ():
        if moment not in MOMENTS:
            yield f"there is no moment {moment!r}; there are {', '.join(MOMENTS)}"
    url = str(options.get(WEBHOOK_URL) or "")
    if url:
        try:
            fine = urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname
        except ValueError:
            fine = None
        if fine:
            yield from http.read_access(options).problems(url)
        else:
            yield f"{WEBHOOK_URL} is no address that begins with http:// or https:// and a host"


def text_of(told: Mapping[str, Any], phase: str) -> str:
    """What has happened, in a sentence or two, by the record of the run at a moment."""
    series, image_id = told["series"] or "a series", told["image_id"]
    reason = _short(str(told["reason"] or ""))
    moment, rollback = told["moment"], told["rollback"] or {}
    if moment == hooks.AFTER_SETUP:
        return f"{series}: {told['group']} with {image_id} is set up, and comes up phase by phase."
    if moment == hooks.AFTER_PHASE:
        verdict = (told["phases"] or [{}])[-1].get("verdict")
        return f"{series}: phase {phase} with {image_id} is done" + (
            f", verdict {verdict}." if verdict else "."
        )
    if moment == hooks.AFTER_SUCCESS:
        took = f", after {seconds_in_words(told['seconds'])}" if told["seconds"] is not None else ""
        return f"{series}: {told['group']} with {image_id} is live{took}."
    if told["outcome"] == ROLLED_BACK:
        return f"{series}: {image_id} was rolled back. {reason}".rstrip()
    if moment == hooks.ON_REFUSAL:
        return f"{series}: {image_id or 'the image'} was not deployed. {reason}"
    if rollback.get("failure"):
        return f"{series}: the rollback of {image_id} failed: {_short(rollback['failure'])} Before that: {reason}"
    return f"{series}: {image_id} failed, and was not rolled back. {reason}"


def detail_of(told: Mapping[str, Any], phase: str) -> dict[str, Any]:
    """The detail of an event, as docs/hooks.md describes it."""
    return {
        "version": VERSION,
        "moment": told["moment"],
        "outcome": told["outcome"],
        "series": told["series"],
        "group": told["group"],
        "image_id": told["image_id"],
        "deployment_id": told["deployment_id"],
        "phase": phase,
        "reason": _short(str(told["reason"] or "")),
        "text": text_of(told, phase),
    }


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3] + "..."


@dataclass
class NotifyProgress(Progress):
    """Whether word was C(sent)."""

    sent: bool = False


class Notify:
    """The step that sends word of a run. Sending is no change of anything."""

    keeps = NotifyProgress
    state = ""
    takes = 0.0
    subject = "notifications"

    def __init__(
        self,
        calls: Calls,
        notifications: Sequence[Mapping[str, Any]],
        told: Mapping[str, Any],
        phase: str = "",
    ) -> None:
        """Send what is C(told), the record of the run at a moment, to those who are to know of that moment.

        Raises:
            InvalidInput: something is wrong with the notifications.
        """
        found, problems = read_notifications(notifications)
        if problems:
            raise InvalidInput(problems)
        moment = told["moment"]
        self._notifications = [one for one in found if moment in one.moments]
        self._detail = detail_of(told, phase)
        calls.budget = BUDGET
        self._messages = Messages(calls)
        self._sent: list[str] = []
        self._failed: list[str] = []
        self.attempted = f"send word of {moment}"

    def look(self, progress: NotifyProgress, tell: Tell) -> Decision:
        """Send word once, and tell of what could not be sent."""
        if self._notifications and not progress.sent:
            return Change((), lambda: self._send(progress))
        for words in self._failed:
            tell(Event("warning", self.subject, words))
        return Done(self.preview())

    def preview(self) -> Mapping[str, Any]:
        """Where word was sent, and what could not be sent."""
        return {"sent": list(self._sent), "not_sent": list(self._failed)}

    def _send(self, progress: NotifyProgress) -> None:
        progress.sent = True
        for one in self._notifications:
            try:
                self._way(one)()
            except (RolloutError, NoAnswer) as error:
                self._failed.append(f"Warning: no word was sent to {one.where}: {error}")
            except Exception as error:
                # Its words may have the address in them, and a deployment does not end because of a message.
                self._failed.append(f"Warning: no word was sent to {one.where}: {type(error).__name__}")
            else:
                self._sent.append(one.where)

    def _way(self, one: Notification) -> Callable[[], None]:
        detail = self._detail
        if one.webhook:
            return lambda: http.post_json("the webhook", one.webhook, one.access, {"text": detail["text"]})
        if one.bus:
            return lambda: self._messages.put_event(one.bus, SOURCE, DETAIL_TYPE, detail)
        subject = f"{detail['series']}: {detail['outcome']}"
        attributes = {name: str(detail[name]) for name in ("moment", "outcome", "series", "phase")}
        return lambda: self._messages.publish(one.topic, subject, detail["text"], attributes)
