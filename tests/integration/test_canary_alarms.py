# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms that a canary watches, and what keeps it from beginning: in the role."""

from __future__ import annotations

import threading
import time

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import PHASES, Deployer, leftovers

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


def test_an_alarm_that_fires_in_a_pause_takes_everything_back(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    make_alarm(base, ALARM)
    image = deployer.image("two")
    complaint = threading.Timer(8, set_state, (base, ALARM, "ALARM"))
    complaint.start()
    began = time.monotonic()

    run = deployer.deploy(
        image, canary_alarms=[ALARM], canary_phases=[{**PHASES[1], "pause": 120}, PHASES[2]]
    )

    complaint.join()
    assert run.code == 2
    assert f"alarm {ALARM} is in ALARM since" in run.output
    assert "somebody complained" in deployer.report["reason"]
    assert deployer.report["outcome"] == "rolled-back"
    assert time.monotonic() - began < 60, "of the two minutes of the pause"
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__2") == []


def test_an_alarm_that_is_misspelt_is_refused_with_the_one_that_is_meant(
    base: Shop, deployer: Deployer
) -> None:
    make_alarm(base, ALARM)
    mark = deployer.server.mark()
    run = deployer.deploy(deployer.image("one"), canary_alarms=["checkout-unwel"])
    assert run.code == 2
    assert f"did you mean {ALARM}?" in run.output
    assert [one for one in deployer.server.writes(mark) if "autoscaling" in one["service"]] == []


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
