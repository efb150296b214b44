# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms that a canary watches, and what keeps it from beginning: in the role."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import ERROR_RATE, PHASES, Deployer, leftovers
from tests.integration.observer import Observer

ALARM = "checkout-unwell"


def make_alarm(shop: Shop, name: str) -> None:
    """An alarm without data, which keeps whatever state it is given."""
    shop.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="Test",
        MetricName="Nothing",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    set_state(shop, name, "OK")


def set_state(shop: Shop, name: str, state: str) -> None:
    shop.client("cloudwatch").set_alarm_state(
        AlarmName=name, StateValue=state, StateReason="somebody complained"
    )


class Complaint(threading.Thread):
    """Somebody who complains once a group has come so far: its phase's tag has these words."""

    def __init__(self, shop: Shop, group: str, words: str) -> None:
        super().__init__(daemon=True)
        self.shop, self.group, self.words = shop, group, words

    def run(self) -> None:
        while self.words not in self.phase():
            time.sleep(0.3)
        set_state(self.shop, ALARM, "ALARM")

    def phase(self) -> str:
        tags = (self.shop.group(self.group) or {}).get("Tags") or ()
        return next((tag["Value"] for tag in tags if tag["Key"] == "progressive:phase"), "")


def test_an_alarm_that_fires_in_a_pause_takes_everything_back(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    make_alarm(base, ALARM)
    image = deployer.image("two")
    Complaint(base, f"{base.series}__2", "target=2").start()

    run = deployer.deploy(
        image, canary_alarms=[ALARM], canary_phases=[{**PHASES[1], "pause": 600}, PHASES[2]]
    )

    assert run.code == 2
    assert f"alarm {ALARM} is in ALARM since" in run.output
    assert "somebody complained" in deployer.report["reason"]
    assert deployer.report["outcome"] == "rolled-back"
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__2") == []


def wait_until_it_may_grow(shop: Shop, group: str) -> None:
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        found = shop.group(group) or {}
        suspended = {one["ProcessName"] for one in found["SuspendedProcesses"]}
        if found["DesiredCapacity"] == 2 and "AlarmNotification" not in suspended:
            return
        time.sleep(0.2)


def test_load_that_doubles_while_a_phase_pauses_is_taken_in_and_stays(base: Shop, deployer: Deployer) -> None:
    """Policies of the outgoing group may raise it, where that is wanted; an alarm sets one off."""
    first = deployer.go_live(deployer.image("one"))
    policy = base.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName=first,
        PolicyName="load",
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=2,
        Cooldown=0,
    )
    make_alarm(base, ALARM)
    described = base.client("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]
    known = ("AlarmName", "Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold")
    base.client("cloudwatch").put_metric_alarm(
        **{name: described[name] for name in (*known, "ComparisonOperator", "TreatMissingData")},
        AlarmActions=[policy["PolicyARN"]],
    )
    image = deployer.image("two")
    # As soon as policies may raise the group again that has gone from 4 to 2.
    load = threading.Thread(
        target=lambda: (wait_until_it_may_grow(base, first), set_state(base, ALARM, "ALARM"))
    )
    load.start()

    run = deployer.deploy(
        image, canary_scaling="scale_out", canary_phases=[{**PHASES[1], "pause": 20}, PHASES[2]]
    )

    load.join()
    assert run.code == 0, run.output
    assert f"let its own policies raise {first}" in run.output
    assert f"take in that a policy has raised {first} from 2 to 4" in run.output
    assert base.revisions() == {first: Sizes(0, 10, 0, 0), f"{base.series}__2": Sizes(0, 10, 6, 6)}


def test_an_alarm_that_is_misspelt_is_refused_with_the_one_that_is_meant(
    base: Shop, deployer: Deployer
) -> None:
    make_alarm(base, ALARM)
    mark = deployer.server.mark()
    run = deployer.deploy(deployer.image("one"), canary_alarms=["checkout-unwel"])
    assert run.code == 2
    assert f"did you mean {ALARM}?" in run.output
    assert [one for one in deployer.server.writes(mark) if "autoscaling" in one["service"]] == []


def test_a_bake_ends_live_and_an_alarm_in_it_takes_everything_back_at_once(
    base: Shop, deployer: Deployer
) -> None:
    first = deployer.go_live(deployer.image("one"))
    make_alarm(base, ALARM)
    phases = [PHASES[0], {**PHASES[2], "verify": ERROR_RATE}]
    bakes: dict[str, Any] = {
        "canary_alarms": [ALARM],
        "canary_bake_outgoing": "running",
        "canary_phases": phases,
    }

    run = deployer.deploy(deployer.image("two"), canary_bake={"seconds": 8}, **bakes)

    assert run.code == 0, run.output
    second = f"{base.series}__2"
    assert base.revisions() == {first: Sizes(0, 10, 0, 0), second: Sizes(0, 10, 4, 4)}
    shown = run.output
    assert shown.index("begin the bake") < shown.index("verdict pass") < shown.index("the bake is over")
    assert shown.index("the bake is over") < shown.index("mark checkout__prod__2 as live")
    assert [one["name"] for one in deployer.report["phases"]] == ["Canary 25 %", "Primary", "Bake"]

    bakes["canary_phases"] = [PHASES[2]]
    Complaint(base, f"{base.series}__3", "stage=bake").start()
    with Observer(base) as observer:
        run = deployer.deploy(deployer.image("three"), canary_bake={"seconds": 600}, **bakes)
    assert run.code == 2
    assert (
        f"Bake: upgrade group {base.series}__3 to 100 %: alarm {ALARM} is in ALARM"
        in deployer.report["reason"]
    )
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 0, 0), second: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__3") == []


def test_a_deployment_out_of_hours_is_refused_with_the_reason_and_a_plan_is_made_all_the_same(
    base: Shop, deployer: Deployer
) -> None:
    image, never = deployer.image("one"), {"closed_windows": [{"time_zone": "Europe/Zurich"}]}
    mark = deployer.server.mark()
    run = deployer.deploy(image, canary_blockers=never)
    assert run.code == 2
    assert "in the closed window every day from 00:00 to 24:00 Europe/Zurich" in run.output
    planned = deployer.deploy(image, "--check", canary_blockers=never)
    assert planned.code == 0
    assert "it could not begin now" in planned.output
    assert [one for one in deployer.server.writes(mark) if "autoscaling" in one["service"]] == []
