# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy in docs/iam.md allows what the collection calls, and nothing else."""

from __future__ import annotations

import re

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import UnknownSeries
from ansible_collections.progressive.aws.plugins.module_utils.deployment.series_search import series_info

from tests.recorded import PREFIXES, ROOT, actions, policies
from tests.unit.engine import Site

ENGINE = ROOT / "plugins" / "module_utils"


def in_source() -> set[str]:
    """Every operation that the engine's files name, as the action that it needs."""
    text = " ".join(path.read_text() for path in sorted(ENGINE.rglob("*.py")))
    named = re.findall(
        r'"(autoscaling|cloudwatch|ec2|elb|elbv2|events|kms|service-quotas|sns|ssm)",\s*"([A-Z]\w+)"', text
    )
    paged = re.findall(r'all_of\(\s*"([A-Z]\w+)"', text)
    return {f"{PREFIXES.get(service, service)}:{operation}" for service, operation in named} | {
        f"autoscaling:{operation}" for operation in paged
    }


def test_what_the_engine_can_call_is_what_the_policy_allows() -> None:
    assert in_source() == set().union(*policies().values())


def test_looking_needs_no_more_than_the_policy_for_looking(site: Site) -> None:
    site.deploy(site.image("one"))
    image_id, mark = site.image("two"), site.aws.mark()
    site.run(site.set_up_step(image_id), check_mode=True)
    site.run(site.prune_step(0), check_mode=True)
    series_info(site.rollout(), site.shop.series)
    with pytest.raises(UnknownSeries):
        series_info(site.rollout(), "no__such__series", must_exist=True)
    # A dry run only asks whether the caller might; the plan says so where it is refused.
    looked = [call for call in site.aws.calls(mark) if not call["parameters"].get("DryRun")]
    assert actions(looked) <= policies()["Look"]


def test_deploying_needs_no_more_than_looking_and_deploying(site: Site) -> None:
    site.deploy(site.image("one"))
    site.deploy(site.image("two"))
    used = actions(site.aws.calls())
    assert used <= policies()["Look"] | policies()["Deploy"]
    assert {"autoscaling:CreateAutoScalingGroup", "autoscaling:PutScalingPolicy"} <= used


def test_rolling_back_and_retention_need_no_more_than_looking_and_rolling_back(site: Site) -> None:
    site.deploy(site.image("one"))
    site.deploy(site.image("two"))
    mark = site.aws.mark()
    site.roll_back()
    site.run(site.prune_step(0))
    used = actions(site.aws.calls(mark))
    assert used <= policies()["Look"] | policies()["RollBack"]
    assert "autoscaling:DeleteAutoScalingGroup" in used


def test_everything_that_the_policy_for_looking_allows_only_reads() -> None:
    for action in policies()["Look"]:
        assert re.match(r"\w+:(Describe|Get|List)", action), action
