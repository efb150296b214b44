# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's scheduled actions: when they run, what they do, and what is refused.

After "Scheduled scaling for Amazon EC2 Auto Scaling" in the user guide and PutScheduledUpdateGroupAction in the API
reference, from which the quotes are.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.sandbox.autoscaling import cron
from tests.sandbox.errors import AwsError
from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def put(fleet: Fleet, name: str = "action", **members: Any) -> None:
    fleet.autoscaling.put_scheduled_update_group_action(
        AutoScalingGroupName="group", ScheduledActionName=name, **members
    )


def actions(fleet: Fleet, **arguments: Any) -> dict[str, dict[str, Any]]:
    answer = fleet.autoscaling.describe_scheduled_actions(AutoScalingGroupName="group", **arguments)
    return {action["ScheduledActionName"]: action for action in answer["ScheduledUpdateGroupActions"]}


def now(fleet: Fleet) -> datetime:
    return datetime.fromtimestamp(fleet.aws.clock.now(), UTC)


def in_seconds(fleet: Fleet, seconds: float) -> datetime:
    return now(fleet) + timedelta(seconds=seconds)


# -------------------------------------------------------------------------------------------- running


def test_an_action_sets_the_sizes_at_its_time_and_is_gone(fleet: Fleet) -> None:
    fleet.make()
    put(fleet, StartTime=in_seconds(fleet, 60), MinSize=2, MaxSize=6, DesiredCapacity=3)
    fleet.aws.advance(59)
    assert (fleet.sizes(), set(actions(fleet))) == ((0, 10, 0), {"action"})
    fleet.aws.advance(1)
    assert (fleet.sizes(), actions(fleet)) == ((2, 6, 3), {})
    fleet.aws.settle()
    assert len(fleet.in_service()) == 3
    assert (
        "a scheduled action update of AutoScalingGroup constraints to min: 2, max: 6, desired: 3"
        in fleet.activities()[0]["Cause"]
    )


def test_sizes_that_an_action_does_not_name_stay_unless_they_must_not(fleet: Fleet) -> None:
    fleet.make(size=2)
    put(fleet, StartTime=in_seconds(fleet, 60), MinSize=4)
    fleet.aws.advance(60)
    assert fleet.sizes() == (4, 10, 4)


def test_an_action_out_of_the_groups_bounds_fails(fleet: Fleet) -> None:
    fleet.make(size=2, MaxSize=4)
    put(fleet, StartTime=in_seconds(fleet, 60), DesiredCapacity=5)
    fleet.aws.advance(60)
    assert fleet.sizes() == (0, 4, 2)
    assert fleet.activities()[0]["StatusCode"] == "Failed"


def test_a_recurring_action_runs_again_and_again_until_its_end(fleet: Fleet) -> None:
    """EndTime: "The date and time for the recurring schedule to end"."""
    fleet.make()
    put(fleet, Recurrence="*/10 * * * *", EndTime=in_seconds(fleet, 1500), DesiredCapacity=1)
    for _ in range(2):
        fleet.resize(0)
        fleet.aws.advance(600)
        assert fleet.sizes()[2] == 1
    fleet.resize(0)
    fleet.aws.advance(600)
    assert (fleet.sizes()[2], actions(fleet)) == (0, {})


def test_a_recurring_action_is_told_with_its_next_time(fleet: Fleet) -> None:
    fleet.make()
    put(fleet, Recurrence="30 6 * * *", DesiredCapacity=1)
    first = actions(fleet)["action"]
    assert first["StartTime"] == first["Time"]
    assert (first["StartTime"].astimezone(UTC).hour, first["StartTime"].minute) == (6, 30)
    fleet.aws.advance((first["StartTime"] - now(fleet)).total_seconds())
    assert actions(fleet)["action"]["StartTime"] - first["StartTime"] == timedelta(days=1)


def test_a_recurring_action_goes_by_the_clocks_of_its_zone(fleet: Fleet) -> None:
    """TimeZone: "Specifies the time zone for a cron expression. If a time zone is not provided, UTC is used"."""
    fleet.make()
    put(fleet, Recurrence="30 6 * * *", TimeZone="Asia/Tokyo", DesiredCapacity=1)
    action = actions(fleet)["action"]
    assert (action["TimeZone"], action["StartTime"].astimezone(UTC).hour) == ("Asia/Tokyo", 21)


def test_a_recurring_action_with_a_start_runs_then_and_as_it_recurs(fleet: Fleet) -> None:
    """With both, it "performs the action at this time, and then performs the action based on the specified
    recurrence"."""
    fleet.make()
    start = in_seconds(fleet, 17)
    put(fleet, Recurrence="0 * * * *", StartTime=start, DesiredCapacity=1)
    assert actions(fleet)["action"]["StartTime"] == start
    fleet.aws.advance(17)
    assert fleet.sizes()[2] == 1
    assert actions(fleet)["action"]["StartTime"].minute == 0


def test_a_changed_action_runs_at_its_new_time_only(fleet: Fleet) -> None:
    fleet.make()
    put(fleet, StartTime=in_seconds(fleet, 60), DesiredCapacity=3)
    put(fleet, StartTime=in_seconds(fleet, 120), DesiredCapacity=4)
    fleet.aws.advance(60)
    assert fleet.sizes()[2] == 0
    fleet.aws.advance(60)
    assert fleet.sizes()[2] == 4


def test_a_deleted_action_does_not_run(fleet: Fleet) -> None:
    fleet.make()
    put(fleet, StartTime=in_seconds(fleet, 60), DesiredCapacity=3)
    fleet.autoscaling.delete_scheduled_action(AutoScalingGroupName="group", ScheduledActionName="action")
    fleet.aws.advance(60)
    assert (fleet.sizes()[2], actions(fleet)) == (0, {})
    with refused("ValidationError", "not found"):
        fleet.autoscaling.delete_scheduled_action(AutoScalingGroupName="group", ScheduledActionName="action")


def test_a_deleted_groups_actions_go_with_it(fleet: Fleet) -> None:
    fleet.make()
    put(fleet, StartTime=in_seconds(fleet, 60), DesiredCapacity=3)
    fleet.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="group")
    fleet.make()
    fleet.aws.advance(60)
    assert (fleet.sizes()[2], actions(fleet)) == (0, {})


# -------------------------------------------------------------------------------------------- refusals


def test_a_start_in_the_past_is_refused(fleet: Fleet) -> None:
    """To "schedule your action in the past" is an error (PutScheduledUpdateGroupAction)."""
    fleet.make()
    with refused("ValidationError", "in the past"):
        put(fleet, StartTime=in_seconds(fleet, -1), DesiredCapacity=1)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"MinSize": 3, "MaxSize": 2},
        {"MinSize": 3, "DesiredCapacity": 2},
        {"DesiredCapacity": 1, "TimeZone": "Middle/Earth"},
        {"DesiredCapacity": 1, "Recurrence": "cron(0 9 * * ? *)"},
        {"DesiredCapacity": 1, "Recurrence": "60 9 * * *"},
        {"DesiredCapacity": 1, "Recurrence": "0 9 * *"},
        {"DesiredCapacity": 1, "EndTime": datetime(2020, 1, 1, tzinfo=UTC)},
        {"DesiredCapacity": 1, "EndTime": datetime(2026, 9, 21, 14, 14, tzinfo=UTC)},
    ],
)
def test_what_makes_no_sense_is_refused(fleet: Fleet, members: dict[str, Any]) -> None:
    """DesiredCapacity: "You must specify at least one of the following properties: MaxSize, MinSize, or
    DesiredCapacity"."""
    fleet.make()
    with refused("ValidationError"):
        put(fleet, **{"Recurrence": "0 9 * * *", **members})
    assert actions(fleet) == {}


def test_two_actions_of_a_group_can_not_start_at_once(fleet: Fleet) -> None:
    """The time of an action is unique in its group."""
    fleet.make()
    start = in_seconds(fleet, 60)
    put(fleet, "one", StartTime=start, DesiredCapacity=1)
    with refused("AlreadyExists"):
        put(fleet, "two", StartTime=start, DesiredCapacity=2)
    put(fleet, "one", StartTime=start, DesiredCapacity=3)


def test_a_group_has_at_most_125_actions_in_calls_of_fifty(fleet: Fleet) -> None:
    """125 ("Quotas for Auto Scaling resources and groups")."""
    fleet.make()

    def put_many(first: int, last: int) -> list[dict[str, Any]]:
        answer = fleet.autoscaling.batch_put_scheduled_update_group_action(
            AutoScalingGroupName="group",
            ScheduledUpdateGroupActions=[
                {"ScheduledActionName": f"action-{one}", "Recurrence": "0 9 * * *", "DesiredCapacity": 1}
                for one in range(first, last)
            ],
        )
        return list(answer.get("FailedScheduledUpdateGroupActions", []))

    with refused("ValidationError", "50"):
        put_many(0, 51)
    assert (put_many(0, 50), put_many(50, 100)) == ([], [])
    failed = put_many(100, 127)
    assert [(one["ScheduledActionName"], one["ErrorCode"]) for one in failed] == [
        ("action-125", "LimitExceeded"),
        ("action-126", "LimitExceeded"),
    ]
    answer = fleet.autoscaling.describe_scheduled_actions(MaxRecords=100)
    assert (len(answer["ScheduledUpdateGroupActions"]), "NextToken" in answer) == (100, True)


def test_the_answer_of_a_batch_lists_what_failed_and_the_rest_is_done(fleet: Fleet) -> None:
    fleet.make()
    answer = fleet.autoscaling.batch_put_scheduled_update_group_action(
        AutoScalingGroupName="group",
        ScheduledUpdateGroupActions=[
            {"ScheduledActionName": "late", "StartTime": in_seconds(fleet, -1), "DesiredCapacity": 1},
            {"ScheduledActionName": "good", "StartTime": in_seconds(fleet, 60), "DesiredCapacity": 1},
        ],
    )
    (failed,) = answer["FailedScheduledUpdateGroupActions"]
    assert (failed["ScheduledActionName"], failed["ErrorCode"]) == ("late", "ValidationError")
    assert "in the past" in failed["ErrorMessage"]
    assert set(actions(fleet)) == {"good"}
    answer = fleet.autoscaling.batch_delete_scheduled_action(
        AutoScalingGroupName="group", ScheduledActionNames=["good", "none"]
    )
    assert [one["ScheduledActionName"] for one in answer["FailedScheduledActions"]] == ["none"]
    assert actions(fleet) == {}


def test_actions_are_found_by_name_and_by_time(fleet: Fleet) -> None:
    fleet.make()
    put(fleet, "soon", StartTime=in_seconds(fleet, 60), DesiredCapacity=1)
    put(fleet, "later", StartTime=in_seconds(fleet, 3600), DesiredCapacity=2)
    assert set(actions(fleet, ScheduledActionNames=["later"])) == {"later"}
    assert set(actions(fleet, StartTime=in_seconds(fleet, 100))) == {"later"}
    assert set(actions(fleet, EndTime=in_seconds(fleet, 100))) == {"soon"}


# ------------------------------------------------------------------------------------ cron expressions


def following(expression: str, after: str, zone: str = "Etc/UTC") -> str:
    """The next time after a time, both in UTC."""
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    found = cron.parse(expression).next_after(moment, ZoneInfo(zone))
    return "never" if found is None else datetime.fromtimestamp(found, UTC).isoformat()[:16]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * *", "2026-03-04T12:01"),
        ("0 9 * * *", "2026-03-05T09:00"),
        ("30 0 1 1,6,12 *", "2026-06-01T00:30"),
        ("*/25 * * * *", "2026-03-04T12:25"),
        ("5/25 * * * *", "2026-03-04T12:05"),
        ("0 8-10/2 * * *", "2026-03-05T08:00"),
        ("0 9 * * 0", "2026-03-08T09:00"),
        ("0 9 * * 7", "2026-03-08T09:00"),
        ("0 9 * * MON-FRI", "2026-03-05T09:00"),
        ("0 9 13 * fri", "2026-03-06T09:00"),
        ("0 9 29 feb *", "2028-02-29T09:00"),
        ("0 9 31 feb *", "never"),
    ],
)
def test_a_cron_expression_comes_round(expression: str, expected: str) -> None:
    """Five fields; with both days restricted, either is enough (crontab). 4 March 2026 is a Wednesday."""
    assert following(expression, "2026-03-04T12:00") == expected


def test_a_cron_expression_follows_the_clocks_of_its_zone() -> None:
    """In "a time zone that observes Daylight Saving Time (DST), the action automatically adjusts for DST"."""
    assert following("0 9 * * *", "2026-03-27T12:00", "Europe/Berlin") == "2026-03-28T08:00"
    assert following("0 9 * * *", "2026-03-28T12:00", "Europe/Berlin") == "2026-03-29T07:00"
    assert following("30 23 * * *", "2026-03-04T12:00", "America/New_York") == "2026-03-05T04:30"


@pytest.mark.parametrize("expression", ["0 9 * * sat-sun", "0 9 0 * *", "*/0 * * * *", "a * * * *", "@daily"])
def test_a_cron_expression_that_means_nothing_is_refused(expression: str) -> None:
    with pytest.raises(AwsError, match="is invalid"):
        cron.parse(expression)


@pytest.mark.parametrize("expression", ["0 9 L * *", "0 9 * * 5#2", "0 9 ? * 1", "0 9 15W * *"])
def test_extensions_of_cron_are_refused_as_not_modelled(expression: str) -> None:
    with pytest.raises(AwsError, match="does not model"):
        cron.parse(expression)
