# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One time budget a step for calls that are repeated, whatever passes the step takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.aws.calls import Calls
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import AccessDenied, AwsError
from botocore.exceptions import ClientError

BUDGET = 60.0


@dataclass
class Clock:
    """Pretend time, and the pauses that were made."""

    time: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


@dataclass
class Refusing:
    """A client whose calls are refused with a code so many times."""

    code: str = "Throttling"
    times: int = 1_000_000
    calls: int = 0

    def describe_auto_scaling_groups(self, **parameters: Any) -> dict[str, Any]:
        self.calls += 1
        if self.calls <= self.times:
            error: Any = {"Error": {"Code": self.code, "Message": "Rate exceeded"}}
            raise ClientError(error, "DescribeAutoScalingGroups")
        return {"AutoScalingGroups": []}


def calls_of(client: Refusing, clock: Clock) -> Calls:
    return Calls(client=lambda service: client, clock=clock, budget=BUDGET)


def describe(calls: Calls) -> dict[str, Any]:
    return calls("autoscaling", "DescribeAutoScalingGroups", "describe groups")


def test_a_call_is_repeated_with_growing_pauses_that_are_not_all_alike() -> None:
    clock, client = Clock(), Refusing(times=6)
    assert describe(calls_of(client, clock)) == {"AutoScalingGroups": []}
    assert client.calls == 7
    assert clock.pauses[-1] > 4 * clock.pauses[0]
    other = Clock()
    describe(calls_of(Refusing(times=6), other))
    assert other.pauses != clock.pauses


def test_repeating_ends_with_the_budget_which_all_calls_share() -> None:
    clock, client = Clock(), Refusing()
    calls = calls_of(client, clock)
    for __ in range(3):
        with pytest.raises(AwsError, match="again and again"):
            describe(calls)
    assert sum(clock.pauses) == pytest.approx(BUDGET)


def test_the_next_pass_goes_on_with_what_the_one_before_left() -> None:
    clock = Clock()
    first = calls_of(Refusing(times=5), clock)
    describe(first)
    spent = sum(clock.pauses)
    assert 0 < spent < BUDGET

    second = calls_of(Refusing(), clock)
    second.go_on(first.patience)
    with pytest.raises(AwsError):
        describe(second)
    assert sum(clock.pauses) == pytest.approx(BUDGET)


def test_time_in_which_nothing_was_called_pays_back() -> None:
    clock = Clock()
    first = calls_of(Refusing(times=5), clock)
    describe(first)
    clock.time += 10 * BUDGET

    second = calls_of(Refusing(), clock)
    second.go_on(first.patience)
    clock.pauses.clear()
    with pytest.raises(AwsError):
        describe(second)
    assert sum(clock.pauses) == pytest.approx(BUDGET)


def test_what_is_denied_is_not_tried_again() -> None:
    client = Refusing(code="AccessDenied")
    with pytest.raises(AccessDenied) as failed:
        describe(calls_of(client, Clock()))
    assert client.calls == 1
    assert failed.value.action == "autoscaling:DescribeAutoScalingGroups"
