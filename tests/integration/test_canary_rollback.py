# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments that fail, and what is left of them: nothing but the reason."""

from __future__ import annotations

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import (
    ERROR_RATE,
    FAULTY,
    PHASES,
    Deployer,
    everything_about,
    leftovers,
    verified,
)
from tests.integration.observer import Observer


def test_a_launch_that_cannot_succeed_is_rolled_back_at_once(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"
    untouched = everything_about(base, base.base_group)
    calls = deployer.server.mark()

    with Observer(base) as observer:
        run = deployer.deploy(deployer.image("two", launch_error="InvalidKeyPair.NotFound"))

    assert run.code == 2
    assert "The key pair missing does not exist" in run.output
    assert "Create the key pair in this region" in run.output
    assert observer.lowest >= 4
    assert observer.desired(first) == [4]
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, second) == []
    assert everything_about(base, base.base_group) == untouched
    assert polls_between_failure_and_rollback(deployer, calls, second) <= 2
    assert deployer.report["outcome"] == "rolled-back"
    assert "The key pair missing does not exist" in deployer.report["reason"]


def polls_between_failure_and_rollback(deployer: Deployer, mark: int, group: str) -> int:
    """How often the new group's activities were read from its resize to the first write of the rollback."""
    calls = deployer.server.calls(mark)
    resized = next(
        place
        for place, call in enumerate(calls)
        if call["operation"] == "UpdateAutoScalingGroup"
        and call["parameters"]["AutoScalingGroupName"] == group
        and call["parameters"].get("DesiredCapacity") == 1
    )
    polls = 0
    for call in calls[resized + 1 :]:
        if call["write"]:
            return polls
        if (
            call["operation"] == "DescribeScalingActivities"
            and call["parameters"].get("AutoScalingGroupName") == group
        ):
            polls += 1
    raise AssertionError("nothing was rolled back")


def test_a_verification_that_fails_in_phase_2_takes_everything_back(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"
    base.client("autoscaling").suspend_processes(
        AutoScalingGroupName=first, ScalingProcesses=["AlarmNotification", "AZRebalance"]
    )
    untouched = everything_about(base, base.base_group)
    kept = everything_about(base, first)["policies"]

    with Observer(base) as observer:
        run = deployer.deploy(deployer.image("two", **FAULTY), canary_phases=verified("Canary 50 %"))

    assert run.code == 2
    assert observer.desired(second)[:3] == [0, 1, 2]
    assert max(observer.desired(second)) == 2
    assert observer.desired(first) == [4, 3, 2, 4]
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, second) == []
    assert everything_about(base, base.base_group) == untouched
    assert everything_about(base, first)["policies"] == kept
    suspended = {process["ProcessName"] for process in (base.group(first) or {})["SuspendedProcesses"]}
    assert suspended == {"AlarmNotification", "AZRebalance"}, "as they were before"
    assert [phase["verdict"] for phase in deployer.report["phases"]] == [None, "fail"]
    assert "Canary 50 %" in deployer.report["reason"]
    last_error = [line for line in run.lines if "Rolled back." in line][-1]
    assert "Canary 50 %" in last_error
    assert "error rate" in last_error
    assert any("failed=1" in line for line in run.lines)


def test_a_failed_first_deployment_leaves_nothing(base: Shop, deployer: Deployer) -> None:
    run = deployer.deploy(deployer.image("one", launch_error="InvalidKeyPair.NotFound"))

    assert run.code == 2
    assert "Create the key pair" in run.output
    assert base.revisions() == {}
    assert leftovers(base, f"{base.series}__1") == []


def test_a_failed_group_can_be_kept_for_a_look(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"

    run = deployer.deploy(
        deployer.image("two", **FAULTY), canary_phases=verified("Canary 25 %"), canary_keep_failed=True
    )

    assert run.code == 2
    revisions = base.revisions()
    assert revisions[first] == Sizes(0, 10, 4, 4)
    assert (revisions[second].desired_capacity, revisions[second].in_service) == (0, 0)
    after = {one["name"]: one["after"]["status"] for one in deployer.report["groups"]}
    assert after == {first: "live", second: "failed"}


def test_a_bad_canary_gets_no_more_requests_within_seconds_where_traffic_comes_first(
    base: Shop, deployer: Deployer
) -> None:
    first = deployer.go_live(deployer.image("one"))
    mark = deployer.server.mark()

    run = deployer.deploy(
        deployer.image("two", **FAULTY),
        canary_phases=verified("Canary 25 %"),
        canary_rollback_order="traffic",
        canary_rollback_floor=0.7,
    )

    assert run.code == 2
    assert "as 3 of 4 remain in service in" in run.output
    calls = deployer.server.calls(mark)
    judged = [call["time"] for call in calls if call["operation"] == "GetMetricData"][-1]
    detached = [call["time"] for call in calls if call["operation"] == "DetachTrafficSources"]
    assert len(detached) == 1
    assert detached[0] - judged <= 10
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__2") == []


def test_without_rollback_the_play_fails_and_leaves_everything_as_it_is(
    base: Shop, deployer: Deployer
) -> None:
    first = deployer.go_live(deployer.image("one"))

    run = deployer.deploy(
        deployer.image("two", **FAULTY), canary_phases=verified("Canary 25 %"), canary_rollback=False
    )

    assert run.code == 2
    assert "Not rolled back" in run.output
    assert {name: sizes.in_service for name, sizes in base.revisions().items()} == {
        first: 3,
        f"{base.series}__2": 1,
    }
    assert deployer.report["outcome"] == "failed"


def test_a_rollback_that_fails_tells_both_reasons_and_keeps_what_works(
    base: Shop, deployer: Deployer
) -> None:
    image_id = deployer.image("one")
    first = deployer.go_live(image_id)
    task = deployer.folder / "break.yml"
    task.write_text(
        "- name: The image of the outgoing group is gone\n"
        "  ansible.builtin.command: aws ec2 deregister-image --image-id {{ gone }}\n"
        "  environment: {AWS_ACCESS_KEY_ID: somebody}\n"
        "  changed_when: true\n"
        "- name: And the smoke test fails\n"
        "  ansible.builtin.fail:\n"
        "    msg: the smoke test found no cash register\n"
    )

    run = deployer.deploy(
        deployer.image("two"),
        canary_phases=[PHASES[0], {**PHASES[1], "after": [str(task)]}, PHASES[2]],
        gone=image_id,
    )

    assert run.code == 2
    last_error = next(line for line in reversed(run.lines) if "rollback failed" in line.lower())
    assert f"The AMI ID {image_id} does not exist" in last_error
    assert "the smoke test found no cash register" in run.output.split("The rollback failed")[-1]
    assert base.revisions()[f"{base.series}__2"].in_service == 2, "capacity that works is never removed"
    assert base.revisions()[first].in_service == 2
    assert deployer.report["outcome"] == "failed"


def test_a_task_file_that_fails_takes_everything_back(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    task = deployer.folder / "smoke.yml"
    task.write_text(
        "- name: Smoke test\n"
        "  ansible.builtin.fail:\n"
        "    msg: no cash register in {{ canary_group }} at {{ canary_phase.percent }}\n"
    )

    run = deployer.deploy(
        deployer.image("two"), canary_phases=[PHASES[0], {**PHASES[1], "before": [str(task)]}, PHASES[2]]
    )

    assert run.code == 2
    assert f"Canary 50 %: no cash register in {base.series}__2 at 50" in run.output
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}


def test_an_alarm_that_rings_takes_everything_back(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    alarm = f"{base.application}-fire"
    cloudwatch = base.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace="Shop",
        MetricName="Fires",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="there is a fire")

    run = deployer.deploy(
        deployer.image("two"),
        canary_phases=[{**PHASES[0], "verify": {**ERROR_RATE, "alarms": [alarm]}}, *PHASES[1:]],
    )

    assert run.code == 2
    assert alarm in run.output
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
