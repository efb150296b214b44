# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary that is compared with a fresh baseline: in the role, as a user runs it."""

from __future__ import annotations

import json
from typing import Any

from tests.demo.running import ROOT, SandboxServer, environment
from tests.demo.shop import Shop, Sizes
from tests.integration.canary import PHASES, Deployer, leftovers

POLICY = (ROOT / "extensions" / "iam" / "series.json").read_text()

COMPARED = {
    "duration": 12,
    "warmup": 0,
    "interval": 1,
    "delay": 0,
    "history": 0,
    "metrics": [
        {
            "name": "cpu",
            "namespace": "CWAgent",
            "metric_name": "cpu_usage_active",
            "dimensions": {"InstanceId": "{instance_id}"},
            "period": 1,
            "direction": "increase",
            "ignore": {"absolute": 20},
        }
    ],
}
FRESH: dict[str, Any] = {
    "canary_baseline": "fresh",
    "canary_phases": [{**PHASES[1], "verify": COMPARED}, PHASES[2]],
}


def baselines(shop: Shop) -> list[str]:
    found = shop.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return [
        one["AutoScalingGroupName"] for one in found if one["AutoScalingGroupName"].endswith("__baseline")
    ]


def test_it_comes_up_is_compared_with_and_goes(
    base: Shop, deployer: Deployer, sandbox: SandboxServer
) -> None:
    # By credentials that may change this series only.
    sandbox.control("policies/baseline", [json.loads(POLICY.replace("shop__checkout__prod", base.series))])
    restricted = environment(base.endpoint, AWS_ACCESS_KEY_ID="baseline")
    first = deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two")
    planned = deployer.deploy(image_id, "--check", **FRESH)
    assert planned.code == 0
    assert "Canary 50 %: 2 new, 2 outgoing, and 2 of a fresh baseline, which costs" in " ".join(
        planned.output.split()
    )

    run = deployer.deploy(image_id, environ=restricted, **FRESH)

    assert run.code == 0, run.output
    second = f"{base.series}__2"
    assert f"create fresh baseline {second}__baseline like {first}, with 2 instances" in " ".join(
        run.output.split()
    )
    phase, last = deployer.report["phases"]
    assert (phase["baseline"], last["baseline"]) == (2, None)
    compared = phase["verification"]["series"]
    assert {one["group"] for one in compared} == {second, f"{second}__baseline"}
    assert base.revisions() == {first: Sizes(0, 10, 0, 0), second: Sizes(0, 10, 4, 4)}
    assert baselines(base) == []


def test_a_bad_image_is_found_and_all_is_taken_back(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))

    run = deployer.deploy(deployer.image("two", cpu={"mean": 95.0}), **FRESH)

    assert run.code == 2
    assert deployer.report["outcome"] == "rolled-back"
    assert "verdict fail: cpu" in deployer.report["reason"]
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__2") == []
    assert baselines(base) == []


def test_an_outgoing_image_that_does_not_launch_is_no_failure_of_the_new_one(
    base: Shop, deployer: Deployer
) -> None:
    outgoing = deployer.image("one")
    first = deployer.go_live(outgoing)
    deployer.server.behave(outgoing, {"launch_error": "InvalidKeyPair.NotFound"})

    run = deployer.deploy(deployer.image("two"), **FRESH)

    assert run.code == 2
    assert "It says nothing about the new image" in deployer.report["reason"]
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert baselines(base) == []
