# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy in docs/iam.md allows what the collection calls, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine import Site

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "plugins" / "module_utils"
PREFIXES = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}


def policies() -> dict[str, set[str]]:
    """The actions of each statement in docs/iam.md, by its Sid."""
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "iam.md").read_text(), re.S)
    statements = [statement for block in blocks for statement in json.loads(block)["Statement"]]
    return {statement["Sid"]: set(statement["Action"]) for statement in statements}


def in_source() -> set[str]:
    """Every operation that the engine's files name, as the action that it needs."""
    text = " ".join(path.read_text() for path in sorted(ENGINE.glob("*.py")))
    named = re.findall(r'"(autoscaling|cloudwatch|ec2|elb|elbv2|ssm)",\s*"([A-Z]\w+)"', text)
    paged = re.findall(r'all_of\(\s*"([A-Z]\w+)"', text)
    return {f"{PREFIXES.get(service, service)}:{operation}" for service, operation in named} | {
        f"autoscaling:{operation}" for operation in paged
    }


def actions(calls: list[dict[str, Any]]) -> set[str]:
    return {
        f"{PREFIXES.get(call['service'], call['service'])}:{call['operation']}"
        for call in calls
        if call["access_key"] == "engine"
    }


@pytest.fixture
def watched(site: Site) -> Site:
    """The site, with the engine's calls told apart by their access key."""
    site.client = lambda service: site.aws.client(service, access_key="engine")
    return site


def test_what_the_engine_can_call_is_what_the_policy_allows() -> None:
    assert in_source() == set().union(*policies().values())


def test_looking_needs_no_more_than_the_policy_for_looking(watched: Site) -> None:
    watched.deploy(watched.image("one"))
    image_id, mark = watched.image("two"), watched.aws.mark()
    watched.run(watched.set_up_step(image_id), check_mode=True)
    watched.run(watched.prune_step(0), check_mode=True)
    watched.rollout().series_info(watched.shop.series)
    assert actions(watched.aws.calls(mark)) <= policies()["Look"]


def test_deploying_needs_no_more_than_looking_and_deploying(watched: Site) -> None:
    watched.deploy(watched.image("one"))
    watched.deploy(watched.image("two"))
    used = actions(watched.aws.calls())
    assert used <= policies()["Look"] | policies()["Deploy"]
    assert {"autoscaling:CreateAutoScalingGroup", "autoscaling:PutScalingPolicy"} <= used


def test_rolling_back_and_retention_need_no_more_than_looking_and_rolling_back(watched: Site) -> None:
    watched.deploy(watched.image("one"))
    watched.deploy(watched.image("two"))
    mark = watched.aws.mark()
    watched.roll_back()
    watched.run(watched.prune_step(0))
    used = actions(watched.aws.calls(mark))
    assert used <= policies()["Look"] | policies()["RollBack"]
    assert "autoscaling:DeleteAutoScalingGroup" in used


def test_everything_that_the_policy_for_looking_allows_only_reads() -> None:
    for action in policies()["Look"]:
        assert re.match(r"\w+:(Describe|Get|List)", action), action
