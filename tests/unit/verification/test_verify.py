# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step of verification in time: what it waits for, when it fails, when it passes, what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    InvalidInput,
    UnknownSeries,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Event, Timing, run_pass
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import VerdictNotPassed

from tests.unit.aws.cloudwatch_fake import NOON, alarm, group_of
from tests.unit.verification.world import CPU, World


def test_a_healthy_group_passes_when_the_window_is_over_and_not_before() -> None:
    world = World()
    outcome = world.verify()
    assert outcome.result["verdict"] == "pass"
    assert not outcome.changed
    # Two minutes of warm-up, five of data, one until the last of them are complete.
    assert 480 <= world.elapsed <= 485


def test_the_warmup_is_not_judged() -> None:
    world = World(lambda query, when: 99.0 if when < NOON + 120 else 10.0)
    outcome = world.verify()
    assert [point[0] - NOON for point in outcome.result["series"][0]["points"]] == [120, 180, 240, 300, 360]


def test_a_breach_fails_as_soon_as_its_period_is_complete() -> None:
    world = World(lambda query, when: 99.0 if when >= NOON + 180 else 10.0)
    with pytest.raises(VerdictNotPassed) as failure:
        world.verify()
    assert "cpu: i-1 had 99 at 12:03 UTC, above the maximum of 80" in str(failure.value)
    assert failure.value.result["verdict"] == "fail"
    assert failure.value.result["metrics"][0]["name"] == "cpu"
    assert 300 <= world.elapsed < 365


def test_the_unfinished_period_is_never_judged() -> None:
    # At any time the newest minute is seen half full, and low.
    world = World()
    world.client.source = lambda query, when: 1.0 if when + 60 > world.client.clock.now() else 10.0
    assert world.verify(metrics=[{**CPU, "minimum": 5.0}]).result["verdict"] == "pass"


def test_short_periods_make_short_windows() -> None:
    world = World()
    outcome = world.verify(metrics=[{**CPU, "period": 5}], duration=20, warmup=0)
    assert len(outcome.result["series"][0]["points"]) == 4
    assert world.elapsed <= 30


def test_late_data_are_waited_for_and_missing_ones_fail() -> None:
    world = World()
    world.client.source = lambda query, when: 10.0 if world.client.clock.now() >= when + 180 else None
    assert len(world.verify().result["series"][0]["points"]) == 5
    assert 540 <= world.elapsed <= 600
    silent = World(lambda query, when: None)
    with pytest.raises(VerdictNotPassed, match="no datapoint at all"):
        silent.verify()


def test_no_data_can_be_inconclusive_which_fails_unless_the_user_says_otherwise() -> None:
    with pytest.raises(VerdictNotPassed, match="verdict inconclusive"):
        World(lambda query, when: None).verify(on_no_data="inconclusive")
    outcome = World(lambda query, when: None).verify(on_no_data="inconclusive", on_inconclusive="pass")
    assert outcome.result["verdict"] == "inconclusive"


def test_an_inconclusive_verdict_goes_on_only_with_somebodys_yes() -> None:
    def asked(answer: str) -> list[str]:
        prompts: list[str] = []

        def ask(prompt: str) -> str:
            prompts.append(prompt)
            return answer

        world = World(lambda query, when: None)
        outcome = world.verify(on_no_data="inconclusive", on_inconclusive="pause", ask=ask)
        assert outcome.result["verdict"] == "inconclusive"
        assert len([event for event in outcome.events if "verdict inconclusive" in event.text]) == 1
        return prompts

    prompts = asked("Yes")
    assert prompts == ["checkout__prod__7: the verdict is inconclusive. Type yes to go on all the same"]
    for answer in ("", "no", "y"):
        with pytest.raises(VerdictNotPassed, match="nobody said yes to going on"):
            asked(answer)


def test_each_instance_is_judged_and_one_that_joins_late_gets_its_own_warmup() -> None:
    world = World(lambda query, when: 10.0 if "i-1" in str(query) or when >= NOON + 330 else 99.0)
    world.fleet.later = [(NOON + 200, group_of(("i-1", "i-2")))]
    outcome = world.verify()
    points = {one["instance_id"]: len(one["points"]) for one in outcome.result["series"]}
    assert points == {"i-1": 5, "i-2": 1}


def test_an_instance_that_leaves_is_judged_by_what_it_did_while_it_served() -> None:
    world = World(lambda query, when: 10.0 if "i-1" in str(query) or when < NOON + 240 else None)
    world.fleet.groups["shop__checkout__prod__7"] = group_of(("i-1", "i-2"))
    world.fleet.later = [(NOON + 250, group_of(("i-1",)))]
    outcome = world.verify()
    points = {one["instance_id"]: len(one["points"]) for one in outcome.result["series"]}
    assert points["i-1"] == 5
    assert 1 <= points["i-2"] <= 2


def test_an_alarm_that_goes_off_fails_at_the_next_look() -> None:
    world = World()
    world.client.alarms = alarm("errors", "OK")

    def source(query: dict[str, Any], when: float) -> float:
        if world.client.clock.now() > NOON + 200:
            world.client.alarms = alarm("errors", "ALARM", StateReason="5 errors")
        return 10.0

    world.client.source = source
    with pytest.raises(VerdictNotPassed, match=r"errors: in state ALARM .*: 5 errors"):
        world.verify(alarms=["errors"])
    assert world.elapsed <= 330


def test_alarms_alone_are_watched_for_the_whole_duration() -> None:
    world = World()
    world.client.alarms = alarm("errors", "OK")
    assert world.verify(metrics=[], alarms=["errors"]).result["verdict"] == "pass"
    assert 420 <= world.elapsed <= 425


def test_what_aws_does_not_know_is_refused_before_waiting_and_all_at_once() -> None:
    world = World()
    world.client.refuse = "NONSENSE("
    metrics = [CPU, {"name": "bad", "expression": "NONSENSE(1)", "maximum": 1.0}]
    balanced = {
        **CPU,
        "name": "balanced",
        "namespace": "AWS/ApplicationELB",
        "dimensions": {"TargetGroup": "{target_group}"},
    }
    with pytest.raises(InvalidInput) as refusal:
        world.verify(metrics=[*metrics, balanced], alarms=["nobody"])
    problems = "\n".join(refusal.value.problems)
    assert "metric 'bad': CloudWatch refuses it" in problems
    assert "metric 'balanced': group shop__checkout__prod__7 has no target group" in problems
    assert "there is no alarm 'nobody'" in problems
    assert world.elapsed == 0


def test_an_unknown_group_is_refused() -> None:
    world = World()
    world.fleet.groups.clear()
    with pytest.raises(UnknownSeries, match="there is no group shop__checkout__prod__7"):
        world.verify()


def test_check_mode_says_what_would_be_judged_without_waiting_or_a_group() -> None:
    world = World()
    world.fleet.groups.clear()
    world.client.alarms = alarm("errors", "OK")
    step = world.step(check_mode=True, alarms=["errors"])
    outcome = run_pass(step, {}, world.client.clock, Timing(), check_mode=True)
    assert outcome.done and not outcome.changed
    assert outcome.result["plan"] == [
        "cpu: Average of AWS/EC2 CPUUtilization of each instance, at most 80, 5 periods of 1 minute",
        "alarm errors: not in state ALARM",
    ]
    assert world.elapsed == 0


def test_check_mode_finds_what_aws_refuses() -> None:
    world = World()
    world.fleet.groups.clear()
    world.client.refuse = "CPUUtilization"
    with pytest.raises(InvalidInput, match="metric 'cpu': CloudWatch refuses it"):
        run_pass(world.step(check_mode=True), {}, world.client.clock, Timing(), check_mode=True)


def told(events: Sequence[Event], kind: str) -> list[str]:
    return [event.text for event in events if event.kind == kind]


def test_progress_is_told_once_for_each_period_and_the_verdict_at_the_end() -> None:
    world = World(lambda query, when: (when - NOON) / 60)
    events = world.verify().events
    lines = told(events, "health")
    assert len(lines) == len(set(lines)) == 5
    assert lines[0] == "data of minute 1 of 5: cpu 2"
    assert lines[-1].startswith("data of minute 5 of 5: cpu 6")
    assert told(events, "plan") == ["judging cpu for 5 minutes from 12:02:00 UTC, after 2 minutes of warm-up"]
    assert told(events, "verdict") == [
        "cpu: pass, between 2 and 6 in 5 datapoints, at most 80 allowed",
        "verdict pass, score 100",
    ]


def test_cloudwatch_is_asked_no_oftener_than_every_interval() -> None:
    world = World()
    world.verify(duration=600, interval=120)
    reads = [one for one in world.client.requests if "MetricDataQueries" in one]
    assert len(reads) <= 7


def test_a_lost_progress_begins_a_new_window() -> None:
    world = World()
    timing = Timing(wait_timeout=7200, poll_interval=1)
    run_pass(world.step(), {}, world.client.clock, timing)
    world.client.clock.sleep(200)
    outcome = run_pass(world.step(), {}, world.client.clock, timing)
    assert outcome.progress["window"] == NOON + 320


@pytest.mark.parametrize(
    "change, words",
    [
        ({"metrics": [], "alarms": []}, "there is nothing to judge"),
        ({"metrics": [{**CPU, "maximum": None, "compare": "no"}]}, "metric 'cpu': it has no bound"),
        ({"metrics": [{**CPU, "maximum": None}], "strategy": "none"}, "metric 'cpu': it has no bound"),
        ({"metrics": [{**CPU, "minimum": 90.0}]}, "minimum 90 is greater than maximum 80"),
        ({"metrics": [{**CPU, "maximum": float("nan")}]}, "maximum must be a finite number"),
        ({"metrics": [{**CPU, "expression": "1"}]}, "give either metric_name or expression"),
        ({"metrics": [{**CPU, "metric_name": None}]}, "give either metric_name or expression"),
        ({"metrics": [{**CPU, "namespace": None}]}, "namespace is missing"),
        ({"metrics": [{**CPU, "statistic": "Mean"}]}, "unknown statistic 'Mean'"),
        ({"metrics": [{**CPU, "statistic": "p101"}]}, "unknown statistic 'p101'"),
        ({"metrics": [{**CPU, "period": 45}]}, "period 45 is none that CloudWatch has"),
        (
            {"metrics": [{**CPU, "period": 600}]},
            "a duration of 300 seconds is shorter than one period of 600",
        ),
        ({"metrics": [CPU, CPU]}, "metric 'cpu': the name is used more than once"),
        ({"metrics": [{**CPU, "name": " "}]}, "metric 1: it has no name"),
        ({"metrics": [{**CPU, "dimensions": {"A": "{asg}"}}]}, "unknown placeholder {asg}"),
        ({"metrics": [{**CPU, "datapoints_to_fail": 0}]}, "datapoints_to_fail must be at least 1"),
        ({"duration": 0}, "duration must be more than 0"),
        ({"warmup": -1}, "warmup must not be negative"),
        ({"interval": 0}, "interval must be at least 1 second"),
        ({"group": " "}, "group is empty"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        World().step(**change)
    assert words in str(refusal.value)


def test_all_problems_are_told_at_once_and_before_any_call() -> None:
    world = World()
    with pytest.raises(InvalidInput) as refusal:
        world.step(metrics=[{**CPU, "period": 45, "statistic": "Mean"}], duration=0)
    assert len(refusal.value.problems) >= 3
    assert world.client.requests == []


@pytest.mark.parametrize(
    "statistic", ["Sum", "IQM", "p99", "p99.9", "tm90", "TM(2%:98%)", "TM(150:1000)", "PR(:300)", "wm98"]
)
def test_every_statistic_of_cloudwatch_is_accepted(statistic: str) -> None:
    World().step(metrics=[{**CPU, "statistic": statistic}])


def test_a_search_has_braces_that_are_no_placeholders() -> None:
    search = "SEARCH('{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\"', 'Average', 60)"
    World().step(metrics=[{"name": "all", "expression": search, "maximum": 80.0}])
