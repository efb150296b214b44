# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Composite alarms. Quotations are from PutCompositeAlarm's reference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.sandbox.metrics import Sandbox, refused

STATES = {"cpu": "ALARM", "disk": "OK", "net": "INSUFFICIENT_DATA"}


@pytest.fixture
def aws() -> Sandbox:
    """Three alarms, one in each state, until they are evaluated at 12:11."""
    sandbox = Sandbox(after=601)
    for name in STATES:
        sandbox.alarm(name)
    sandbox.world.tick()
    for name, state in STATES.items():
        become(sandbox, name, state)
    return sandbox


def become(aws: Sandbox, name: str, state: str) -> None:
    aws.call("SetAlarmState", AlarmName=name, StateValue=state, StateReason="test")


@pytest.mark.parametrize(
    "rule, expected",
    [
        ("ALARM(cpu)", True),
        ('ALARM("cpu")', True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:cpu)", True),
        ("ALARM( disk )", False),
        ("OK(disk)", True),
        ("INSUFFICIENT_DATA(net)", True),
        ("OK(net)", False),
        ("NOT ALARM(cpu)", False),
        ("NOT NOT ALARM(cpu)", True),
        ("ALARM(cpu) AND ALARM(disk)", False),
        ("ALARM(cpu) OR ALARM(disk)", True),
        ("ALARM(cpu) AND NOT ALARM(disk)", True),
        ("(ALARM(cpu) OR ALARM(disk)) AND OK(net)", False),
        ("ALARM(cpu) OR ALARM(disk) AND OK(net)", True),
        ("NOT (ALARM(cpu) AND OK(disk))", False),
        ("TRUE", True),
        ("FALSE OR\n ALARM(cpu)", True),
        ("TRUE AND FALSE", False),
    ],
)
def test_a_rule_says_when_it_is_in_alarm(aws: Sandbox, rule: str, expected: bool) -> None:
    aws.composite("all", rule)
    aws.world.tick()
    assert aws.state("all") == ("ALARM" if expected else "OK")


def test_names_may_have_spaces_and_words_of_rules(aws: Sandbox) -> None:
    for name in ("too many errors", "OK or not (really)", "ANDROID", "a:alarm:b"):
        aws.alarm(name)
        become(aws, name, "ALARM")
    rule = 'ALARM("too many errors") AND ALARM("OK or not (really)") AND ALARM(ANDROID) AND ALARM(a:alarm:b)'
    aws.composite("all", rule)
    aws.world.tick()
    assert aws.state("all") == "ALARM"


@pytest.mark.parametrize(
    "rule",
    [
        "ALARM(cpu) ALARM(disk)",
        "ALARM(cpu",
        "cpu",
        "ALARM()",
        "(TRUE",
        "TRUE)",
        "NOT",
        "AND TRUE",
        "TRUE OR",
        "MAYBE(cpu)",
    ],
)
def test_what_is_no_rule_is_refused(aws: Sandbox, rule: str) -> None:
    with refused("ValidationError", "AlarmRule"):
        aws.composite("all", rule)


def test_a_rule_names_alarms_that_there_are(aws: Sandbox) -> None:
    with refused("ValidationError", r"alarms \[mem, load\] in the alarm rule do not exist"):
        aws.composite("all", "ALARM(cpu) OR ALARM(mem) OR OK(load)")


def test_a_rule_names_at_most_100_alarms(aws: Sandbox) -> None:
    for number in range(101):
        aws.alarm(f"a{number}")
    rules = [f"ALARM(a{number})" for number in range(101)]
    aws.composite("all", " OR ".join(rules[:100]))
    with refused("ValidationError", "100"):
        aws.composite("all", " OR ".join(rules))


def test_it_has_insufficient_data_only_until_it_is_first_evaluated(aws: Sandbox) -> None:
    aws.composite("all", "ALARM(disk)")
    assert aws.state("all") == "INSUFFICIENT_DATA"
    aws.world.tick()
    assert aws.state("all") == "OK"


def test_it_follows_its_children_at_once(aws: Sandbox) -> None:
    aws.composite("both", "ALARM(cpu) AND ALARM(disk)")
    aws.composite("any", "ALARM(both) OR ALARM(net)")
    aws.world.tick()
    become(aws, "disk", "ALARM")
    assert (aws.state("both"), aws.state("any")) == ("ALARM", "ALARM")
    aws.pass_time(59)
    assert (aws.state("cpu"), aws.state("both"), aws.state("any")) == ("INSUFFICIENT_DATA", "OK", "OK")


def test_it_says_which_child_it_was(aws: Sandbox) -> None:
    aws.composite("any", "ALARM(disk) OR ALARM(net)")
    aws.world.tick()
    become(aws, "net", "ALARM")
    described = aws.described("any")
    assert described["StateReason"] == (
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:net transitioned to ALARM at "
        "Wednesday 04 March, 2026 12:10:01 UTC, and the alarm rule evaluates to ALARM"
    )
    children = json.loads(described["StateReasonData"])["triggeringAlarms"]
    assert [(child["arn"].rsplit(":", 1)[1], child["state"]) for child in children] == [
        ("disk", "OK"),
        ("net", "ALARM"),
    ]


def test_it_tells_topics_and_cannot_scale(aws: Sandbox) -> None:
    topic = aws.world.backend("sns").create_topic("oncall")
    aws.composite("all", "ALARM(cpu)", AlarmActions=[topic.arn])
    aws.world.tick()
    assert len(topic.sent_notifications) == 1
    policy = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:autoScalingGroupName/g:policyName/p"
    with refused("ValidationError", "not supported for composite alarms"):
        aws.composite("scaling", "ALARM(cpu)", AlarmActions=[policy])


def test_a_new_rule_is_evaluated_and_leaves_the_state_until_then(aws: Sandbox) -> None:
    aws.composite("all", "ALARM(cpu)")
    aws.world.tick()
    aws.composite("all", "ALARM(disk)")
    assert aws.state("all") == "ALARM"
    aws.world.tick()
    assert aws.state("all") == "OK"


def test_a_state_that_was_set_lasts_until_a_child_changes(aws: Sandbox) -> None:
    """ "It returns to its actual state only once any of its children alarms change state" (SetAlarmState)."""
    aws.composite("all", "ALARM(disk)")
    aws.world.tick()
    become(aws, "all", "ALARM")
    aws.world.tick()
    assert aws.state("all") == "ALARM"
    become(aws, "disk", "INSUFFICIENT_DATA")
    assert aws.state("all") == "OK"


def test_alarms_that_depend_on_each_other_are_not_evaluated_and_not_deleted(aws: Sandbox) -> None:
    """ "The evaluation of composite alarms stops if CloudWatch detects a cycle in the evaluation path"."""
    aws.composite("a", "FALSE")
    aws.composite("b", "ALARM(a)")
    aws.world.tick()
    aws.composite("a", "NOT ALARM(b)")
    aws.pass_time(10)
    assert (aws.state("a"), aws.state("b")) == ("OK", "OK")
    with refused("ValidationError", "depending on it"):
        aws.call("DeleteAlarms", AlarmNames=["a"])
    aws.composite("a", "FALSE")
    aws.call("DeleteAlarms", AlarmNames=["b"])


@pytest.mark.parametrize(
    "rule, options, words",
    [
        ("AT_LEAST(1, ALARM, (cpu, disk))", {}, "AT_LEAST"),
        ("ALARM(cpu)", {"ActionsSuppressor": "disk"}, "suppression"),
    ],
)
def test_what_is_not_modelled_is_refused(
    aws: Sandbox, rule: str, options: dict[str, Any], words: str
) -> None:
    with refused("SandboxNotModelled", words):
        aws.composite("all", rule, **options)


def test_an_alarm_keeps_its_kind(aws: Sandbox) -> None:
    with refused("ValidationError", "is a metric alarm"):
        aws.composite("cpu", "TRUE")
    aws.composite("all", "TRUE")
    with refused("ValidationError", "is a composite alarm"):
        aws.alarm("all")
