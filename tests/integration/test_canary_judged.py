# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary that is compared with the groups that it takes over from: in the role, in its report, and afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import PHASES, Deployer, leftovers
from tests.integration.observer import Observer

#: A quarter of a minute of datapoints a second, and no bound: only the comparison decides.
COMPARED: dict[str, Any] = {
    "duration": 16,
    "warmup": 0,
    "interval": 1,
    "delay": 1,
    "metrics": [
        {
            "name": "latency",
            "namespace": "Shop",
            "metric_name": "Latency",
            "dimensions": {"InstanceId": "{instance_id}"},
            "statistic": "Average",
            "period": 1,
            "direction": "increase",
            "allowed_effect": 0.1,
        }
    ],
}
HALF = [{**PHASES[1], "verify": COMPARED}, PHASES[2]]


def judged_phase(deployer: Deployer) -> dict[str, Any]:
    return next(dict(phase) for phase in deployer.report["phases"] if phase["verdict"])


def test_an_image_like_the_one_before_goes_live_and_can_be_judged_again(
    base: Shop, deployer: Deployer
) -> None:
    deployer.go_live(deployer.image("one"))

    run = deployer.deploy(deployer.image("two"), canary_phases=HALF)

    assert run.code == 0, run.output
    shown = " ".join(run.output.split())
    assert "latency: pass, no difference that counts: " in shown
    planned = "2 against 2 instances find a difference"
    assert planned in shown[: shown.index("latency: pass")], "it says beforehand what it can find"
    verification = judged_phase(deployer)["verification"]
    assert {one["side"] for one in verification["series"]} == {"canary", "baseline"}
    assert verification["baseline"]["groups"] == [f"{base.series}__1"]

    window = verification["window"]
    mark = deployer.server.mark()
    again = deployer.play(
        "judge",
        canary_group=f"{base.series}__2",
        canary_verify={**COMPARED, "baseline_groups": [f"{base.series}__1"]},
        judge_start=datetime.fromtimestamp(window["start"], UTC).isoformat(),
        judge_end=datetime.fromtimestamp(window["end"], UTC).isoformat(),
        judge_must_pass=True,
    )

    assert again.code == 0, again.output
    assert "verdict pass" in again.output
    assert deployer.server.writes(mark) == []


def test_a_report_can_be_judged_again_by_other_options_and_without_aws(
    base: Shop, deployer: Deployer
) -> None:
    deployer.go_live(deployer.image("one"))
    assert deployer.deploy(deployer.image("two"), canary_phases=HALF).code == 0
    mark = deployer.server.mark()
    strict = {**COMPARED, "metrics": [{**COMPARED["metrics"][0], "maximum": 0.001}]}

    same = deployer.play("judge", judge_from=str(deployer.report_path), judge_must_pass=True)
    other = deployer.play("judge", judge_from=str(deployer.report_path), canary_verify=strict)
    must = deployer.play(
        "judge", judge_from=str(deployer.report_path), canary_verify=strict, judge_must_pass=True
    )

    assert same.code == 0, same.output
    assert "pass, score 100  pass, score 100" in " ".join(same.output.split("\n"))
    assert other.code == 0, other.output
    assert "pass, score 100  fail, score 0" in " ".join(other.output.split("\n"))
    assert "above the maximum of 0.001" in other.output
    assert must.code == 2
    assert deployer.server.mark() == mark, "AWS was asked nothing"


def test_an_image_that_is_slower_than_the_one_before_is_taken_back(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    slow = deployer.image("two", error_rate=0.0, latency={"median": 0.4})

    with Observer(base) as observer:
        run = deployer.deploy(slow, canary_phases=HALF)

    assert run.code == 2
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__2") == []
    finding = judged_phase(deployer)["verification"]["metrics"][0]
    assert finding["verdict"] == "fail"
    assert finding["rule"] == "shift"
    assert finding["low"] > 0
    assert finding["reason"] in deployer.report["reason"]
