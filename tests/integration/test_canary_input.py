# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input gets a clear error before anything is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.demo.running import Run, environment
from tests.demo.shop import Shop
from tests.integration.canary import ERROR_RATE, PHASES, UNSET, Deployer


def refused(deployer: Deployer, run: Callable[[], Run], *words: str) -> None:
    """Assert that a run ends with an error that has these words, and with nothing written and no group made."""
    before, mark = deployer.shop.revisions(), deployer.server.mark()
    ended = run()
    assert ended.code == 2, ended.output
    shown = " ".join(ended.output.split())
    for word in words:
        assert word in shown, f"{word!r} is missing in:\n{ended.output}"
    assert "Traceback" not in ended.output
    assert deployer.server.writes(mark) == []
    assert deployer.shop.revisions() == before


def phases(*wanted: Any) -> list[dict[str, Any]]:
    return [{"name": f"Phase {number}", **one} for number, one in enumerate(wanted, start=1)]


INPUTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown base group": (
        {"canary_base_group": "nobody"},
        ["there is no base group nobody in this region"],
    ),
    "a percent of 0": (
        {"canary_phases": phases({"percent": 0}, {"percent": 100})},
        ["percent 0", "from 1 to 100"],
    ),
    "a percent above 100": ({"canary_phases": phases({"percent": 101})}, ["percent 101", "from 1 to 100"]),
    "a count above desired": (
        {"canary_phases": phases({"count": 5})},
        ["count 5, more than the desired capacity of 4"],
    ),
    "neither percent nor count": (
        {"canary_phases": phases({}, {"percent": 100})},
        ["neither of percent and count"],
    ),
    "both percent and count": (
        {"canary_phases": phases({"percent": 50, "count": 2}, {"percent": 100})},
        ["both of percent and count"],
    ),
    "phases that do not rise": (
        {"canary_phases": phases({"percent": 50}, {"percent": 25}, {"percent": 100})},
        ["phases must rise, and 25 % does not come after 50 %"],
    ),
    "phases that do not end at 100 %": (
        {"canary_phases": phases({"percent": 25}, {"percent": 50})},
        ["the last phase must reach 100 %, and it ends at 50 %"],
    ),
    "no phases": ({"canary_phases": []}, ["there are no phases"]),
    "min above desired": ({"canary_min_size": 5}, ["min_size 5 is above desired_capacity 4"]),
    "desired above max": ({"canary_max_size": 3}, ["desired_capacity 4 is above max_size 3"]),
    "a first deployment without sizes": (
        {"canary_min_size": UNSET, "canary_max_size": UNSET, "canary_desired_capacity": UNSET},
        ["a first deployment must set min_size, max_size and desired_capacity"],
    ),
    "an empty application": ({"canary_application": ""}, ["application is empty"]),
    "an empty service": ({"canary_service": " "}, ["service is empty"]),
    "an empty environment": ({"canary_environment": ""}, ["environment is empty"]),
    "a name that is too long": ({"canary_service": "s" * 250}, ["a group's name may have 255"]),
    "a metric without a bound": (
        {
            "canary_phases": [
                {
                    **PHASES[0],
                    "verify": {
                        **ERROR_RATE,
                        "strategy": "none",
                        "metrics": [{"name": "cpu", "namespace": "AWS/EC2", "metric_name": "CPUUtilization"}],
                    },
                },
                *PHASES[1:],
            ]
        },
        ["metric 'cpu'", "no bound"],
    ),
    "an alarm that does not exist": (
        {"canary_phases": [{**PHASES[0], "verify": {"alarms": ["nobody"]}}, *PHASES[1:]]},
        ["there is no alarm 'nobody' in this region"],
    ),
    "a task file that does not exist": (
        {"canary_phases": [{**PHASES[0], "before": ["/nowhere/smoke.yml"]}, *PHASES[1:]]},
        ["/nowhere/smoke.yml"],
    ),
}


#: One of each kind that is looked at in a place of its own; the engine's tests have all of them.
SAMPLE = {
    "an unknown base group",
    "phases that do not rise",
    "an empty application",
    "a metric without a bound",
    "an alarm that does not exist",
    "a task file that does not exist",
}


@pytest.mark.parametrize(
    "name",
    [one if one in SAMPLE else pytest.param(one, marks=pytest.mark.thorough) for one in INPUTS],
)
def test_bad_input_is_refused_before_anything_is_touched(base: Shop, deployer: Deployer, name: str) -> None:
    variables, words = INPUTS[name]
    image_id = deployer.image("one")
    refused(deployer, lambda: deployer.deploy(image_id, **variables), *words)


def test_all_that_is_wrong_is_told_at_once(base: Shop, deployer: Deployer) -> None:
    image_id = deployer.image("one")
    wrong = {
        **ERROR_RATE,
        "strategy": "none",
        "metrics": [{"name": "cpu", "namespace": "AWS/EC2", "metric_name": "CPUUtilization"}],
    }
    refused(
        deployer,
        lambda: deployer.deploy(
            image_id,
            canary_phases=[
                {"name": "Half", "percent": 50, "verify": wrong},
                {"name": "Third", "percent": 33},
            ],
        ),
        "33 % does not come after 50 %",
        "it ends at 33 %",
        "no bound",
    )


def test_a_refusal_tells_its_reason_once_and_last(base: Shop, deployer: Deployer) -> None:
    run = deployer.deploy(deployer.image("one"), canary_keep_revisions=-1)
    assert run.output.count("canary_keep_revisions is -1") == 1
    (failed, _recap, _host) = [line for line in run.lines if line.strip()][-3:]
    assert failed.startswith('fatal: [localhost]: FAILED! => {"changed": false, "msg": "Refused, nothing was')


def test_an_image_that_does_not_exist_is_refused(base: Shop, deployer: Deployer) -> None:
    refused(
        deployer, lambda: deployer.deploy("ami-00000000000000000"), "there is no AMI ami-00000000000000000"
    )


def test_an_image_of_another_region_is_refused(base: Shop, deployer: Deployer) -> None:
    elsewhere = Shop(base.endpoint, application=base.application, region="eu-west-1")
    image_id = elsewhere.register_image("abroad")
    refused(deployer, lambda: deployer.deploy(image_id), f"there is no AMI {image_id} in this region")


def test_an_image_that_failed_is_refused(base: Shop, deployer: Deployer) -> None:
    image_id = deployer.image("one", state="failed")
    refused(deployer, lambda: deployer.deploy(image_id), f"AMI {image_id} is failed, not available")


def test_an_image_of_another_architecture_is_refused(base: Shop, deployer: Deployer) -> None:
    image_id = deployer.image("one", architecture="arm64")
    refused(
        deployer,
        lambda: deployer.deploy(image_id),
        f"AMI {image_id} is built for arm64",
        "t3.micro",
        "x86_64",
    )


@pytest.mark.parametrize("process", ["Launch", "Terminate"])
def test_a_base_that_cannot_launch_or_terminate_is_refused(
    base: Shop, deployer: Deployer, process: str
) -> None:
    base.client("autoscaling").suspend_processes(
        AutoScalingGroupName=base.base_group, ScalingProcesses=[process]
    )
    image_id = deployer.image("one")
    refused(
        deployer, lambda: deployer.deploy(image_id), f"{process} is suspended on base group {base.base_group}"
    )


def without(deployer: Deployer, *names: str) -> dict[str, str]:
    kept = environment(deployer.shop.endpoint)
    return {name: value for name, value in kept.items() if name not in names}


def test_missing_credentials_are_named(base: Shop, deployer: Deployer) -> None:
    image_id = deployer.image("one")
    environ = without(deployer, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    refused(deployer, lambda: deployer.deploy(image_id, environ=environ), "credentials")


def test_a_missing_region_is_named(base: Shop, deployer: Deployer) -> None:
    image_id = deployer.image("one")
    environ = without(deployer, "AWS_REGION", "AWS_DEFAULT_REGION")
    refused(deployer, lambda: deployer.deploy(image_id, environ=environ), "region")


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("autoscaling", "DescribeAutoScalingGroups"),
        ("ec2", "DescribeImages"),
        ("autoscaling", "DescribePolicies"),
    ],
)
def test_a_denied_call_says_which_action_is_missing(
    base: Shop, deployer: Deployer, service: str, operation: str
) -> None:
    image_id = deployer.image("one")
    environ = environment(base.endpoint, AWS_ACCESS_KEY_ID="intern")
    with deployer.server.denied(service, operation, access_key="intern"):
        refused(
            deployer,
            lambda: deployer.deploy(image_id, environ=environ),
            f"Allow {service}:{operation}",
            "docs/iam.md",
        )


def test_a_denied_creation_says_which_action_is_missing_and_leaves_nothing(
    base: Shop, deployer: Deployer
) -> None:
    image_id = deployer.image("one")
    environ = environment(base.endpoint, AWS_ACCESS_KEY_ID="intern")
    with deployer.server.denied("autoscaling", "CreateAutoScalingGroup", access_key="intern"):
        run = deployer.deploy(image_id, environ=environ)

    assert run.code == 2
    assert "Allow autoscaling:CreateAutoScalingGroup" in run.output
    assert f"{base.series}__1" in run.output
    assert base.revisions() == {}
    names = [
        one["LaunchTemplateName"] for one in base.client("ec2").describe_launch_templates()["LaunchTemplates"]
    ]
    assert f"{base.series}__1" not in names
