# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clean-up that fails is a warning at the end of a deployment that succeeded."""

from __future__ import annotations

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import Deployer


def test_a_clean_up_that_fails_is_a_warning_and_no_failed_deployment(base: Shop, deployer: Deployer) -> None:
    for name in ("one", "two"):
        deployer.go_live(deployer.image(name))
    phases = [{"name": "All", "percent": 100}]
    image_id = deployer.image("three")

    with deployer.server.denied("autoscaling", "DeleteAutoScalingGroup"):
        run = deployer.deploy(image_id, canary_phases=phases, canary_keep_revisions=0)

    assert run.code == 0, run.output
    shown = " ".join(run.output.split())
    assert "Warning: the deployment is live, but old revisions were not deleted" in shown
    assert "autoscaling:DeleteAutoScalingGroup" in shown
    assert deployer.report["outcome"] == "live"
    assert base.revisions()[f"{base.series}__3"] == Sizes(0, 10, 4, 4)
    assert len(base.revisions()) == 3
    # The next deployment's clean-up does both.
    run = deployer.deploy(deployer.image("four"), canary_phases=phases, canary_keep_revisions=0)
    assert run.code == 0, run.output
    assert list(base.revisions()) == [f"{base.series}__4"]
