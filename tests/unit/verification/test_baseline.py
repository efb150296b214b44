# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification against a baseline: which one, over which minutes, what can be found, and judging the past."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Event
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import VerdictNotPassed

from tests.unit.aws.cloudwatch_fake import NOON, Source, alarm, group_of, moment
from tests.unit.verification.world import CPU, World

NEW, OLD = "shop__checkout__prod__7", "shop__checkout__prod__6"
COMPARED = {**CPU, "maximum": None, "direction": "increase"}
QUARTER = {"duration": 900, "metrics": [COMPARED]}


def noisy(**levels: float) -> Source:
    """Noise around a level that depends on the beginning of the instance's id."""

    def value(query: dict[str, Any], when: float) -> float:
        for prefix, level in levels.items():
            if f"i-{prefix}" in str(query):
                return random.Random(f"{query['MetricStat']['Metric']['Dimensions']}{when}").gauss(level, 1.0)
        return 0.0

    return value


def deployment(source: Source, new: int = 2, old: int = 2) -> World:
    """A new group, and the outgoing one that it takes over from."""
    world = World(source, [f"i-new{number}" for number in range(new)])
    created = {"CreatedTime": moment(NOON - 600)}
    world.fleet.groups[NEW] = replace(world.fleet.groups[NEW], described=created)
    world.fleet.groups[OLD] = group_of([f"i-old{number}" for number in range(old)], OLD)
    world.fleet.out = [OLD]
    return world


def told(events: list[Event], kind: str) -> list[str]:
    return [event.text for event in events if event.kind == kind]


def test_a_group_that_is_like_the_outgoing_one_passes_at_the_end() -> None:
    world = deployment(noisy(new=30.0, old=30.0))
    result = world.verify(**QUARTER).result
    assert result["verdict"] == "pass"
    assert world.elapsed >= 1080
    (found,) = result["metrics"]
    assert (found["n"], found["n_baseline"], found["rule"]) == (30, 30, "shift")
    assert result["baseline"] == {"groups": [OLD], "strategy": "canary", "nothing": ""}
    assert result["window"] == {
        "start": NOON + 120,
        "end": NOON + 1020,
        "judged_at": pytest.approx(NOON + 1080, abs=5),
    }


def test_both_sides_are_measured_over_the_same_minutes() -> None:
    result = deployment(noisy(new=30.0, old=30.0)).verify(**QUARTER).result
    minutes = {tuple(point[0] for point in one["points"]) for one in result["series"]}
    assert len(minutes) == 1
    assert {(one["side"], one["group"]) for one in result["series"]} == {("canary", NEW), ("baseline", OLD)}


def test_a_shift_fails_before_the_end_and_says_by_how_much() -> None:
    world = deployment(noisy(new=40.0, old=30.0))
    with pytest.raises(
        VerdictNotPassed, match=r"cpu: higher than the baseline: 40\.\d+ against 30"
    ) as failure:
        world.verify(**QUARTER)
    assert world.elapsed < 900
    assert failure.value.result["metrics"][0]["shift"] == pytest.approx(10, abs=1)


def test_one_bad_instance_in_four_is_told_apart() -> None:
    world = deployment(noisy(new3=45.0, new=30.0, old=30.0), new=4, old=4)
    with pytest.raises(VerdictNotPassed, match=r"i-new3 is higher than the others.*one bad instance"):
        world.verify(**QUARTER)


def test_a_baseline_instance_that_joins_gets_a_warmup_and_one_that_leaves_still_counts() -> None:
    world = deployment(noisy(new=30.0, old=30.0))
    world.fleet.later = [(NOON + 400, group_of(["i-old0", "i-old2"], OLD))]
    points = {one["member"]: len(one["points"]) for one in world.verify(**QUARTER).result["series"]}
    assert points["i-old0"] == 15
    assert 3 <= points["i-old1"] <= 5
    assert points["i-old2"] == 8


def test_on_a_first_deployment_bounds_decide_and_comparisons_are_not_applicable() -> None:
    world = World(noisy(new=30.0), ["i-new0"])
    world.fleet.out = []
    bounded = {**CPU, "name": "bounded"}
    result = world.verify(duration=300, metrics=[COMPARED, bounded]).result
    assert result["verdict"] == "pass"
    assert [one["verdict"] for one in result["metrics"]] == ["not_applicable", "pass"]
    assert "this is a first deployment" in result["metrics"][0]["reason"]


def test_a_first_deployment_still_fails_by_its_bounds() -> None:
    world = World(noisy(new=99.0), ["i-new0"])
    world.fleet.out = []
    with pytest.raises(VerdictNotPassed, match="bounded: i-new0 had"):
        world.verify(duration=300, metrics=[COMPARED, {**CPU, "name": "bounded"}])


def test_without_a_series_and_groups_to_compare_with_it_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"is of no series.*baseline_groups"):
        World(noisy(new=30.0), ["i-new0"]).verify(**QUARTER)


def test_groups_to_compare_with_can_be_named() -> None:
    world = deployment(noisy(new=30.0, old=30.0))
    world.fleet.out = None
    assert world.verify(**QUARTER, baseline_groups=[OLD]).result["metrics"][0]["n_baseline"] == 30


def test_a_canary_strategy_without_instances_to_compare_with_is_refused_at_once() -> None:
    world = deployment(noisy(new=30.0), old=0)
    with pytest.raises(InvalidInput, match=f"should have instances and has none: {OLD}.*strategy previous"):
        world.verify(**QUARTER, strategy="canary")
    assert world.elapsed == 0


# An earlier time


def test_when_the_outgoing_group_is_empty_it_is_compared_as_it_was_before() -> None:
    world = deployment(noisy(new=30.0, old=30.0), old=0)
    world.fleet.served = {OLD: {"i-old0": (0.0, NOON - 300), "i-old1": (0.0, NOON - 300)}}
    result = world.verify(**QUARTER).result
    assert result["baseline"]["strategy"] == "previous"
    old = [one for one in result["series"] if one["side"] == "baseline"]
    # Before the new group was created, ten minutes before noon: then the old one had all the traffic.
    assert [one["points"][0][0] - NOON for one in old] == [-1500, -1500]
    assert [one["points"][-1][0] - NOON for one in old] == [-660, -660]
    assert result["verdict"] == "pass"


def test_the_earlier_time_and_its_length_can_be_chosen() -> None:
    world = deployment(noisy(new=30.0, old=30.0))
    world.fleet.served = {OLD: {"i-old0": (0.0, NOON)}}
    earlier = {"strategy": "previous", "baseline_start": str(NOON - 86400), "baseline_window": 1800}
    result = world.verify(**QUARTER, **earlier).result
    old = [one for one in result["series"] if one["side"] == "baseline"]
    assert [(one["points"][0][0] - NOON, len(one["points"])) for one in old] == [(-86400, 30)]
    # The day between is not fetched.
    for request in world.client.requests:
        if "StartTime" in request:
            assert (request["EndTime"] - request["StartTime"]).total_seconds() <= 1800


# Before anything is waited for


def test_it_says_beforehand_how_many_points_there_will_be_and_what_they_show() -> None:
    events = deployment(noisy(new=30.0, old=30.0)).verify(**QUARTER)
    assert events.result["plan"] == [
        "cpu: Average of AWS/EC2 CPUUtilization of each instance, compared with the baseline by shift, more is bad,"
        " 15 periods of 1 minute; 2 against 2 instances find a difference 5.925 times as great as what instances of"
        " one image differ by, four times in five; history makes it less"
    ]
    assert told(events.events, "warning") == []


def test_it_warns_where_nothing_can_be_found() -> None:
    world = deployment(noisy(new=30.0, old=30.0), new=1, old=1)
    options = {"duration": 180, "metrics": [COMPARED], "on_inconclusive": "pass"}
    outcome = world.verify(**options)
    (warning,) = told(outcome.events, "warning")
    assert warning.startswith("cpu: 3 against 3 datapoints can show no shift, however great")
    assert "watch at least 2 times as long" in warning
    assert outcome.result["verdict"] == "inconclusive"


def test_it_warns_of_basic_monitoring_which_publishes_every_five_minutes() -> None:
    world = deployment(noisy(new=30.0, old=30.0))
    world.fleet.basic = {"i-new0", "i-new1", "i-old0", "i-old1"}
    warnings = told(world.verify(**QUARTER).events, "warning")
    assert warnings[0].startswith("cpu: i-new0, i-new1, i-old0 and 1 more have basic monitoring")
    assert "switch detailed monitoring on in the launch template, or set period to 300" in warnings[0]
    slow = {**COMPARED, "period": 300}
    assert "basic" not in str(
        told(world.verify(duration=900, metrics=[slow], on_inconclusive="pass").events, "warning")
    )


def test_a_plan_for_groups_that_do_not_exist_goes_by_the_expected_instances() -> None:
    world = World()
    world.fleet.groups.clear()
    expected = {"expected_instances": 1, "expected_baseline_instances": 3}
    outcome = world.verify(check_mode=True, **QUARTER, **expected)
    assert "1 against 3 instances find a difference" in outcome.result["plan"][0]
    nothing = world.verify(check_mode=True, **QUARTER)
    assert "datapoints" not in nothing.result["plan"][0]


def test_a_plan_warns_of_basic_monitoring_as_the_series_has_it() -> None:
    world = deployment(noisy(old=30.0))
    del world.fleet.groups[NEW]
    world.fleet.basic = {"i-old0"}
    expected = {"expected_instances": 1, "expected_baseline_instances": 3}
    (first, *__) = told(world.verify(check_mode=True, **QUARTER, **expected).events, "warning")
    assert first.startswith("cpu: the instances that the series has now have basic monitoring")


def test_a_plan_whose_outgoing_groups_will_be_empty_is_refused_with_strategy_canary() -> None:
    world = World()
    world.fleet.groups.clear()
    expected = {"expected_instances": 4, "expected_baseline_instances": 0}
    with pytest.raises(InvalidInput, match="take strategy previous, or leave it at auto"):
        world.verify(check_mode=True, **QUARTER, strategy="canary", **expected)
    world.verify(check_mode=True, **QUARTER, **expected)


def test_a_metric_that_both_groups_share_cannot_be_compared() -> None:
    world = deployment(noisy(new=30.0, old=30.0))
    arn = "arn:aws:elasticloadbalancing:r:1:targetgroup/web/aa"
    for name, instances in ((NEW, ["i-new0"]), (OLD, ["i-old0"])):
        world.fleet.groups[name] = group_of(instances, name, target_group_arns=(arn,))
    shared = {**COMPARED, "namespace": "AWS/ApplicationELB", "dimensions": {"TargetGroup": "{target_group}"}}
    with pytest.raises(InvalidInput, match="the group and its baseline have the same data of it"):
        world.verify(duration=900, metrics=[shared])
    assert world.elapsed == 0


# The past

PAST = {"start": "2026-03-04T10:00:00Z", "end": "2026-03-04T10:15:00+00:00", "metrics": [COMPARED]}


def yesterday(source: Source) -> World:
    world = deployment(source)
    world.fleet.served = {
        NEW: {"i-new0": (NOON - 10_000, NOON), "i-new1": (NOON - 10_000, NOON)},
        OLD: {"i-old0": (0.0, NOON), "i-old1": (0.0, NOON)},
    }
    return world


def test_old_data_are_judged_without_waiting() -> None:
    world = yesterday(noisy(new=30.0, old=30.0))
    result = world.verify(**PAST).result
    assert (result["verdict"], world.elapsed) == ("pass", 0)
    assert result["window"] == {"start": NOON - 7200, "end": NOON - 6300, "judged_at": NOON - 6240}
    assert result["metrics"][0]["n"] == 30


def test_old_data_fail_at_the_minute_at_which_they_would_have_failed() -> None:
    live, past = deployment(noisy(new=40.0, old=30.0)), yesterday(noisy(new=40.0, old=30.0))
    with pytest.raises(VerdictNotPassed) as then:
        live.verify(**QUARTER)
    with pytest.raises(VerdictNotPassed) as now:
        past.verify(**PAST)
    assert past.elapsed == 0
    took = then.value.result["window"], now.value.result["window"]
    assert took[1]["judged_at"] - took[1]["start"] == pytest.approx(
        took[0]["judged_at"] - took[0]["start"], abs=60
    )


def test_the_past_of_alarms_is_not_judged() -> None:
    world = yesterday(noisy(new=30.0, old=30.0))
    world.client.alarms = alarm("errors", "ALARM")
    result = world.verify(**PAST, alarms=["errors"]).result
    assert (result["verdict"], result["metrics"][1]["verdict"]) == ("pass", "not_applicable")


def test_a_group_that_is_gone_is_judged_by_what_is_left_of_it() -> None:
    world = yesterday(lambda query, when: 10.0)
    del world.fleet.groups[NEW]
    by_group = {**CPU, "dimensions": {"AutoScalingGroupName": "{group}"}}
    assert world.verify(**{**PAST, "metrics": [by_group]}).result["verdict"] == "pass"
    with pytest.raises(InvalidInput, match="has no instance in service"):
        world.verify(**{**PAST, "metrics": [CPU]})


@pytest.mark.parametrize(
    "change, words",
    [
        ({"end": "2026-03-04T13:00:00Z"}, "the window ends in 60 minutes"),
        ({"end": None}, "give start and end together"),
        ({"end": "2026-03-04T09:00:00Z"}, "end must be later than start"),
        ({"start": "yesterday"}, "start 'yesterday' is no time"),
        (
            {"start": "2026-02-04T10:00:00Z", "end": "2026-02-04T10:15:00Z"},
            "are kept for 15 days, and the window began 28 days ago; take a period of 300",
        ),
        (
            {"start": "2020-02-04T10:00:00Z", "end": "2020-02-04T10:15:00Z"},
            "take a later window",
        ),
        (
            {
                "metrics": [{**COMPARED, "period": 10}],
                "start": "2026-03-04T08:00:00Z",
                "end": "2026-03-04T08:05:00Z",
            },
            "data with a period of 10 seconds are kept for 3 hours",
        ),
        (
            {"strategy": "previous", "baseline_start": "2026-03-04T11:50:00Z"},
            "baseline's window ends in the future",
        ),
        (
            {"strategy": "previous", "baseline_start": "2026-01-04T11:50:00Z"},
            "its baseline: data with a period of 60",
        ),
        ({"strategy": "canary", "baseline_window": 60}, "baseline_window belongs to strategy previous"),
    ],
)
def test_times_that_cannot_be_judged_are_refused_at_once(change: dict[str, Any], words: str) -> None:
    world = yesterday(noisy(new=30.0, old=30.0))
    with pytest.raises(InvalidInput) as refusal:
        world.verify(**{**PAST, **change})
    assert words in str(refusal.value)
    assert world.elapsed == 0


@pytest.mark.parametrize(
    "change, words",
    [
        ({"allowed_effect": -1.0}, "allowed_effect must be 0 or more"),
        ({"allowed_effect": 0.2, "critical_effect": 0.1}, "critical_effect must be more than allowed_effect"),
        ({"weight": -1.0}, "weight must be 0 or more"),
        ({"critical": True, "muted": True}, "both critical and muted"),
        (
            {"fail_fast": [{"absolute": 1.0, "percent": 2.0}]},
            "give exactly one of absolute, percent, deviation",
        ),
        ({"fail_fast": [{"times": 2}]}, "give exactly one of absolute, percent, deviation"),
        ({"fail_fast": [{"absolute": 1.0, "times": 0}]}, "times must be at least 1"),
        ({"fail_fast": [{"percent": -1.0}]}, "must not be negative"),
        ({"ignore": {"absolute": float("nan")}}, "every number must be finite"),
        ({"compare": "magic"}, "compare must be one of"),
        ({"direction": "up"}, "direction must be one of"),
    ],
)
def test_rules_that_make_no_sense_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        World().step(metrics=[{**COMPARED, **change}])
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"confidence": 1.0}, "confidence must be at least 0.5 and less than 1"),
        ({"pass_score": 0.0}, "pass_score must be more than 0"),
        ({"marginal_score": 101.0}, "marginal_score must be at least 0 and at most pass_score"),
        ({"group_weights": {"nobody": 10}}, "group_weights names 'nobody'"),
        ({"baseline_groups": [NEW]}, "cannot be its own baseline"),
        ({"expected_instances": -1}, "expected_instances must not be negative"),
    ],
)
def test_ways_of_judging_that_make_no_sense_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        World().step(metrics=[COMPARED], **change)
    assert words in str(refusal.value)


def test_more_queries_than_cloudwatch_takes_are_refused() -> None:
    world = deployment(noisy(new=30.0, old=30.0), new=200, old=200)
    queries = [
        {"id": f"q{number}", **{name: CPU[name] for name in ("namespace", "metric_name", "dimensions")}}
        for number in range(400)
    ]
    many = {"name": "many", "expression": "SUM(METRICS())", "queries": queries, "maximum": 1.0}
    with pytest.raises(InvalidInput, match="each look would take 80200 queries"):
        world.verify(duration=900, metrics=[many])
    with pytest.raises(InvalidInput, match="CloudWatch takes 500 in a call"):
        world.verify(
            duration=900, metrics=[{**many, "queries": [{**queries[0], "id": f"r{n}"} for n in range(500)]}]
        )


def test_a_zone_in_which_the_canary_is_bad_is_named() -> None:
    world = deployment(noisy(new=30.0, old=30.0), new=6, old=6)
    good = world.client.source
    world.client.source = lambda query, when: (
        (good(query, when) or 0.0) + (40.0 if "i-new1" in str(query) or "i-new4" in str(query) else 0.0)
    )
    for name, group in world.fleet.groups.items():
        world.fleet.groups[name] = replace(
            group,
            instances=tuple(
                replace(one, availability_zone=f"us-east-1{'abc'[number % 3]}", instance_type="t3.small")
                for number, one in enumerate(group.instances)
            ),
        )
    with pytest.raises(VerdictNotPassed) as failure:
        world.verify(**QUARTER)
    result = failure.value.result
    assert result["metrics"][0]["rule"] == "place"
    assert "the 2 instances in zone us-east-1b are higher than all others" in str(failure.value)
    assert {one["zone"] for one in result["series"]} == {"us-east-1a", "us-east-1b", "us-east-1c"}
