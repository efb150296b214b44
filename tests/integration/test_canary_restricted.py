# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks with credentials that may change one series only (extensions/iam/series.json)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.demo.running import ROOT, Run, SandboxServer, environment, run_playbook
from tests.demo.shop import Shop
from tests.integration.canary import QUICK, Deployer, verified

POLICY = (ROOT / "extensions" / "iam" / "series.json").read_text()
#: Its access key is its own: the sandbox is shared with other tests.
KEY = "restricted"


@pytest.fixture
def restricted(base: Shop, sandbox: SandboxServer) -> dict[str, str]:
    """The environment of somebody whose credentials may change this shop's series, and nothing else."""
    sandbox.control(f"policies/{KEY}", [json.loads(POLICY.replace("shop__checkout__prod", base.series))])
    return environment(base.endpoint, AWS_ACCESS_KEY_ID=KEY)


@pytest.mark.thorough
def test_deploy_roll_back_and_prune(base: Shop, deployer: Deployer, restricted: dict[str, str]) -> None:
    phases = verified("Canary 50 %")

    def deploy(name: str, error_rate: float = 0.0, **more: Any) -> Run:
        image_id = deployer.image(name, error_rate=error_rate)
        return deployer.deploy(image_id, environ=restricted, canary_phases=phases, **more)

    assert deploy("one").code == 0
    bad = deploy("bad", error_rate=0.6)
    assert (bad.code, "rolled back and removed" in bad.output) == (2, True), bad.output
    assert deploy("two").code == 0
    series = {
        "canary_application": base.application,
        "canary_service": base.service,
        "canary_environment": base.environment,
        **{name: QUICK[name] for name in ("canary_settle_time", "canary_poll_interval")},
    }
    back = run_playbook("rollback", series, restricted)
    assert back.code == 0, back.output
    assert {name: size.in_service for name, size in base.revisions().items()} == {f"{base.series}__1": 4}
    last = deploy("three", canary_keep_revisions=0)
    assert last.code == 0, last.output
    assert [size.in_service for size in base.revisions().values()] == [4]


def test_another_series_is_refused_with_the_action_before_anything_is_there(
    base: Shop, deployer: Deployer, restricted: dict[str, str]
) -> None:
    run = deployer.deploy(deployer.image("one"), environ=restricted, canary_service="payment")
    assert run.code == 2, run.output
    assert "ec2:CreateLaunchTemplate is not allowed to the credentials in use" in run.output
    assert base.group(f"{base.application}__payment__prod__1") is None
