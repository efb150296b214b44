# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amazon SNS and Amazon EventBridge as the engine sees them: places to send word to.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..core.errors import AwsError
from .calls import Calls

# Publish in the SNS API reference: ASCII, fewer than 100 characters, and no line breaks.
LONGEST_SUBJECT = 99


class Messages:
    """Sends messages to topics and events to event buses. What is sent again after a lost answer comes twice."""

    def __init__(self, calls: Calls) -> None:
        """Keep how to call AWS."""
        self._calls = calls

    def publish(self, topic: str, subject: str, text: str, attributes: Mapping[str, str]) -> None:
        """Publish a message to a topic, by its ARN; empty attributes are left out.

        Raises:
            RolloutError: SNS refused it, or could not be reached.
        """
        ascii_only = " ".join(subject.encode("ascii", "replace").decode().split())
        self._calls(
            "sns",
            "Publish",
            f"publish to topic {topic}",
            TopicArn=topic,
            Subject=ascii_only[:LONGEST_SUBJECT],
            Message=text,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
                if value
            },
        )

    def put_event(self, bus: str, source: str, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Put an event on an event bus, by its name or ARN.

        Raises:
            RolloutError: EventBridge refused it, or could not be reached.
        """
        attempted = f"put an event on event bus {bus}"
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": bus,
        }
        answer = self._calls("events", "PutEvents", attempted, Entries=[entry])
        if answer.get("FailedEntryCount"):
            # An event that is not taken is told in an answer that is a success by itself.
            refused = (answer.get("Entries") or [{}])[0]
            code = str(refused.get("ErrorCode") or "")
            raise AwsError(attempted, answer=f"{code}: {refused.get('ErrorMessage') or ''}", code=code)
