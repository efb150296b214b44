# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the canary say and do, in their own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.aws.calls import Calls
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    SystemClock,
    Timing,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import (
    Deployer as EngineDeployer,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Rollout
from ansible_collections.progressive.aws.plugins.module_utils.deployment.set_up import SetUp, SetUpOptions
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import (
    Upgrade,
    UpgradeOptions,
)

from tests.demo.running import Run, SandboxServer, environment, run_playbook
from tests.demo.shop import Shop
from tests.recorded import COLLECTION

#: Few enough seconds that a test does not take long, enough polls that each matters.
QUICK = {"canary_settle_time": 0, "canary_poll_interval": 0.2, "canary_steady_state_timeout": 60}
SIZES = {"canary_min_size": 0, "canary_max_size": 10, "canary_desired_capacity": 4}
PHASES = [
    {"name": "Canary 25 %", "percent": 25},
    {"name": "Canary 50 %", "percent": 50},
    {"name": "Primary", "percent": 100},
]
#: The sandbox's images publish each second; three seconds tell a good one from a bad one.
ERROR_RATE = {
    "duration": 3,
    "warmup": 0,
    "interval": 1,
    "delay": 0,
    "metrics": [
        {
            "name": "error rate",
            "expression": "100 * errors / requests",
            "queries": [
                {
                    "id": "errors",
                    "namespace": "Shop",
                    "metric_name": "Errors",
                    "statistic": "Sum",
                    "dimensions": {"AutoScalingGroupName": "{group}"},
                },
                {
                    "id": "requests",
                    "namespace": "Shop",
                    "metric_name": "Requests",
                    "statistic": "Sum",
                    "dimensions": {"AutoScalingGroupName": "{group}"},
                },
            ],
            "period": 1,
            "maximum": 20,
        }
    ],
}
FAULTLESS = {"error_rate": 0.0}
FAULTY = {"error_rate": 0.6}


def verified(*names: str) -> list[dict[str, Any]]:
    """The guide's phases, those named with a verification."""
    return [{**phase, "verify": ERROR_RATE} if phase["name"] in names else phase for phase in PHASES]


@dataclass
class Deployer:
    """A user who deploys one shop's service with the playbooks of the collection."""

    shop: Shop
    server: SandboxServer
    folder: Path

    @property
    def report_path(self) -> Path:
        """Where the role writes its report."""
        return self.folder / "report.json"

    @property
    def report(self) -> dict[str, Any]:
        """The report of the last run."""
        return dict(json.loads(self.report_path.read_text()))

    def variables(self, image_id: str, **more: Any) -> dict[str, Any]:
        """The variables of the guide's play."""
        return {
            "canary_application": self.shop.application,
            "canary_service": self.shop.service,
            "canary_environment": self.shop.environment,
            "canary_base_group": self.shop.base_group,
            "canary_image_id": image_id,
            "canary_phases": PHASES,
            "canary_report": str(self.report_path),
            **QUICK,
            **SIZES,
            **more,
        }

    def deploy(
        self, image_id: str, *arguments: str, environ: Mapping[str, str] | None = None, **more: Any
    ) -> Run:
        """Run C(playbooks/canary.yml)."""
        variables = {
            name: value for name, value in self.variables(image_id, **more).items() if value is not UNSET
        }
        return run_playbook("canary", variables, environ or self._environment(), *arguments)

    def play(self, playbook: str | Path, *arguments: str, **more: Any) -> Run:
        """Run another playbook about the same series."""
        series = {
            "canary_application": self.shop.application,
            "canary_service": self.shop.service,
            "canary_environment": self.shop.environment,
        }
        return run_playbook(playbook, {**series, **more}, self._environment(), *arguments)

    def _environment(self) -> dict[str, str]:
        return environment(self.shop.endpoint, AWS_ACCESS_KEY_ID=COLLECTION)

    def image(self, name: str, architecture: str = "x86_64", **behaviour: Any) -> str:
        """Register an AMI whose instances behave in this way, and return its id."""
        image_id = self.shop.register_image(name, architecture)
        self.server.behave(image_id, behaviour or FAULTLESS)
        return image_id

    def go_live(self, image_id: str) -> str:
        """Bring an image into production, four instances at once, and return its group's name."""
        return self.begin(image_id, 100)

    def begin(self, image_id: str, percent: int) -> str:
        """Deploy an image up to a percentage, and stop there; return its group's name.

        By the engine itself, without Ansible, since it is only where a test begins. Its lease has run out.
        """
        clock = SystemClock()
        earlier = EngineDeployer("earlier", lease_duration=2)
        rollout = Rollout(Calls(client=self.shop.client, clock=clock), clock, earlier)
        timing = Timing(wait_timeout=60, poll_interval=0.2)
        options = SetUpOptions(
            series=self.shop.series,
            base_group=self.shop.base_group,
            image_id=image_id,
            min_size=0,
            max_size=10,
            desired_capacity=4,
        )
        group = str(run_to_the_end(SetUp(rollout, options), clock, timing).result["group"])
        upgrade = Upgrade(rollout, UpgradeOptions(group, Wanted(percent=percent), settle_time=0))
        run_to_the_end(upgrade, clock, timing)
        # Whoever comes next finds it unfinished, and reserved for nobody.
        clock.sleep(0 if percent == 100 else earlier.lease_duration + 1)
        return group


class _Unset:
    """Says that a variable is not to be given at all."""


UNSET = _Unset()


def everything_about(shop: Shop, group: str) -> dict[str, Any]:
    """All that AWS tells of a group, its policies, schedules and what it launches from."""
    autoscaling, ec2 = shop.client("autoscaling"), shop.client("ec2")
    answers = {
        "group": autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"],
        **launch_sources(shop, group),
    }
    # AWS has a validation error for what belongs to a group that is gone.
    answers |= (
        {}
        if not answers["group"]
        else {
            "policies": autoscaling.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"],
            "schedules": autoscaling.describe_scheduled_actions(AutoScalingGroupName=group)[
                "ScheduledUpdateGroupActions"
            ],
            "hooks": autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=group)["LifecycleHooks"],
        }
    )
    answers["versions"] = [
        ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])[
            "LaunchTemplateVersions"
        ]
        for template in answers["templates"]
    ]
    return answers


def launch_sources(shop: Shop, group: str) -> dict[str, Any]:
    """The launch configurations and launch templates that are named like a group."""
    configurations = shop.client("autoscaling").describe_launch_configurations(
        LaunchConfigurationNames=[group]
    )
    templates = shop.client("ec2").describe_launch_templates()["LaunchTemplates"]
    return {
        "configurations": configurations["LaunchConfigurations"],
        "templates": [template for template in templates if template["LaunchTemplateName"] == group],
    }


def leftovers(shop: Shop, group: str) -> list[str]:
    """What is still there of a revision: the group, its launch template, its launch configuration."""
    found = everything_about(shop, group)
    return [kind for kind in ("group", "templates", "configurations") if found[kind]]
