# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine on a pretend AWS in this very process, where a minute takes no time: whole deployments in tests.

A C(Site) is a shop with its base group, the steps of the engine as methods, and an observer that looks at the
groups ten times a second of the pretend time and knows nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.aws.calls import Calls
from ansible_collections.progressive.aws.plugins.module_utils.aws.written import Memory, Written
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    PassResult,
    Step,
    Timing,
    run_pass,
    run_to_the_end,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.prune import Prune, PruneOptions
from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back import RollBack
from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back_options import (
    RollBackOptions,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Deployer, Rollout
from ansible_collections.progressive.aws.plugins.module_utils.deployment.set_up import SetUp, SetUpOptions
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import (
    Upgrade,
    UpgradeOptions,
)

from tests.demo.shop import Shop, is_revision
from tests.recorded import COLLECTION
from tests.sandbox.inprocess import InProcess
from tests.sandbox.world import Settings

#: Seconds, as long as they are short: what matters is that things take time.
SETTINGS = Settings(
    pending_seconds=3.0,
    registration_seconds=1.0,
    draining_seconds=1.0,
    terminating_seconds=1.0,
    launch_retry_seconds=5.0,
)
#: A Monday in 2026, in epoch seconds.
START = 1_790_000_000
LOOKS_A_SECOND = 10
TIMING = Timing(wait_timeout=300, poll_interval=1.0, pass_duration=10)
PERCENTS = (25, 50, 100)
LEFT_BY_A_ROLLBACK = ("progressive:restored", "progressive:live-since")


class InProcessShop(Shop):
    """A shop whose clients reach the pretend AWS of this process."""

    def __init__(self, aws: InProcess, application: str = "shop") -> None:
        super().__init__("in-process", application=application)
        self.aws = aws

    def client(self, service: str) -> Any:
        return self.aws.client(service)


@dataclass
class WatchedClock:
    """The pretend AWS's time. Whoever sleeps lets it pass, and the observer look."""

    aws: InProcess
    look: Callable[[], None]
    #: By how many seconds it is ahead.
    ahead: float = 0.0

    def now(self) -> float:
        return self.aws.clock.now() + self.ahead

    def sleep(self, seconds: float) -> None:
        remaining = seconds
        while remaining > 1e-9:
            step = min(remaining, 1 / LOOKS_A_SECOND)
            self.aws.advance(step)
            self.look()
            remaining -= step


DEPLOYER = ("take_over", "on_drift", "names", "series_renamed")


@dataclass
class Site:
    """A shop, its revisions, and those who deploy them."""

    aws: InProcess
    application: str = "shop"
    totals: list[int] = field(default_factory=list)
    #: How the engine gets its clients, if not as the shop does.
    client: Callable[[str], Any] | None = None
    #: An image that is yet to be deployed, where a test needs one made beforehand.
    new_image: str = ""
    #: What each owner's run has written, as its steps hand it on.
    memories: dict[str, Written] = field(default_factory=dict)
    #: By how many seconds the clock of an owner's controller is ahead.
    skews: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shop = InProcessShop(self.aws, self.application)
        self.clock = WatchedClock(self.aws, self.look)
        self.prefix = f"{self.shop.series}__"

    def _client(self, service: str) -> Any:
        return self.aws.client(service, access_key=COLLECTION)

    # ------------------------------------------------------------------- observing

    def look(self) -> None:
        """Note the capacity in service over all revisions of the series, without a call to the API.

        That of a fresh baseline does not count: it may go at any time.
        """
        self.totals.append(
            sum(
                instance.weight * (instance.state == "InService" and instance.health == "Healthy")
                for name, group in self.aws.world.autoscaling.groups.items()
                if name.startswith(self.prefix) and is_revision(name)
                for instance in group.instances.values()
            )
        )

    def desired(self) -> dict[int, int]:
        """The desired capacities now, by revision."""
        return {
            int(name.removeprefix(self.prefix)): sizes.desired_capacity
            for name, sizes in self.shop.revisions().items()
        }

    def standing(self) -> dict[str, Any]:
        """All that AWS tells of everything there is, by name, but for instances: what a rollback must restore.

        Left out is what a rollback may leave: the mark that it was one, and when.
        """
        autoscaling, ec2 = self.shop.client("autoscaling"), self.shop.client("ec2")
        found: dict[str, Any] = {}
        for group in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
            name = group["AutoScalingGroupName"]
            kept = {key: value for key, value in group.items() if key != "Instances"}
            kept["Tags"] = {
                tag["Key"]: tag["Value"] for tag in group["Tags"] if tag["Key"] not in LEFT_BY_A_ROLLBACK
            }
            policies = autoscaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]
            found[f"group {name}"] = (kept, policies)
        for template in ec2.describe_launch_templates()["LaunchTemplates"]:
            found[f"template {template['LaunchTemplateName']}"] = template
        for configuration in autoscaling.describe_launch_configurations()["LaunchConfigurations"]:
            found[f"configuration {configuration['LaunchConfigurationName']}"] = configuration
        for alarm in self.shop.client("cloudwatch").describe_alarms()["MetricAlarms"]:
            found[f"alarm {alarm['AlarmName']}"] = alarm["AlarmActions"]
        elbv2 = self.shop.client("elbv2")
        for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
            arn = balancer["LoadBalancerArn"]
            for listener in elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
                found[f"listener {listener['ListenerArn']}"] = listener
                for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                    found[f"rule {rule['RuleArn']}"] = rule
        for target_group in elbv2.describe_target_groups()["TargetGroups"]:
            found[f"target group {target_group['TargetGroupName']}"] = target_group
        return found

    # -------------------------------------------------------------------- building

    def make_base(self, **overrides: Any) -> None:
        """Make the base group with a launch template, unless something else is given to launch from."""
        if not {"LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy"} & set(overrides):
            overrides["LaunchTemplate"] = self.shop.launch_template(self.image("base"))
        self.shop.make_base_group(**overrides)

    def forget(self) -> None:
        """Let what was written be so long ago that no answer can be older: what differs was somebody else."""
        self.memories.clear()

    def mark(self, group: str, tags: dict[str, str]) -> None:
        """Write tags on a group."""
        self.shop.client("autoscaling").create_or_update_tags(
            Tags=[
                {
                    "ResourceId": group,
                    "ResourceType": "auto-scaling-group",
                    "Key": key,
                    "Value": value,
                    "PropagateAtLaunch": False,
                }
                for key, value in tags.items()
            ]
        )

    def image(self, name: str, **behaviour: Any) -> str:
        image_id = self.shop.register_image(name)
        if behaviour:
            self.aws.behave(image_id, behaviour)
        return image_id

    # --------------------------------------------------------------------- deploying

    def rollout(self, owner: str = "one", **deployer: Any) -> Rollout:
        """The engine in somebody's hands."""
        written = self.memories.setdefault(owner, Written())
        # Through the one clock, so that a test that looks at more sees what this run does, too.
        clock = WatchedClock(self.aws, lambda: self.clock.look(), self.skews.get(owner, 0.0))
        calls = Calls(client=self.client or self._client, clock=clock, memory=Memory(written))
        return Rollout(calls, clock, Deployer(owner, **deployer))

    def run(self, step: Step, timing: Timing = TIMING, *, check_mode: bool = False) -> PassResult:
        # By the clock of whoever deploys, where it has one of its own.
        rollout: Rollout | None = getattr(step, "_rollout", None)
        clock = rollout.clock if rollout else self.clock
        return run_to_the_end(step, clock, timing, check_mode=check_mode)

    def one_pass(self, step: Step, progress: dict[str, Any] | None = None) -> PassResult:
        return run_pass(step, progress or {}, self.clock, TIMING)

    def set_up_step(self, image_id: str | None, owner: str = "one", **options: Any) -> SetUp:
        deployer = {name: options.pop(name) for name in DEPLOYER if name in options}
        how = {name: options.pop(name) for name in ("check_mode", "diff") if name in options}
        sizes = {"min_size": 0, "max_size": 10, "desired_capacity": 4}
        return SetUp(
            self.rollout(owner, **deployer),
            SetUpOptions(
                **{
                    "series": self.shop.series,
                    "base_group": self.shop.base_group,
                    "image_id": image_id,
                    **sizes,
                    **options,
                }
            ),
            **how,
        )

    def upgrade_step(
        self,
        group: str,
        percent: int | None = None,
        owner: str = "one",
        *,
        count: int | None = None,
        weight: int | None = None,
        resize_order: str = "new_first",
        settle_time: float = 2.0,
        scale_in_protection: str = "lift",
        baseline: str = "outgoing",
        end_bake: bool = False,
        **deployer: Any,
    ) -> Upgrade:
        options = UpgradeOptions(
            group,
            Wanted(percent=percent, count=count, weight=weight),
            resize_order,
            settle_time,
            scale_in_protection=scale_in_protection,
            baseline=baseline,
            end_bake=end_bake,
        )
        return Upgrade(self.rollout(owner, **deployer), options)

    def roll_back_step(
        self, group: str | None = None, owner: str = "one", *, keep_failed: bool = False, **more: Any
    ) -> RollBack:
        how = ("live_within", "seen_at", "rollback_order", "rollback_floor", "settle_time")
        given = {"settle_time": 2.0, **{name: more.pop(name) for name in how if name in more}}
        options = RollBackOptions(
            group=group,
            series=None if group else self.shop.series,
            keep_failed=keep_failed,
            **given,
        )
        return RollBack(self.rollout(owner, **more), options)

    def prune_step(self, keep: int = 3) -> Prune:
        return Prune(self.rollout(), PruneOptions(self.shop.series, keep))

    def set_up(self, image_id: str, owner: str = "one", **options: Any) -> str:
        """Set a revision up and return its group's name."""
        return str(self.run(self.set_up_step(image_id, owner, **options)).result["group"])

    def upgrade(self, group: str, percent: int | None = None, owner: str = "one", **more: Any) -> PassResult:
        return self.run(self.upgrade_step(group, percent, owner, **more))

    def roll_back(self, group: str | None = None, owner: str = "one", **more: Any) -> PassResult:
        return self.run(self.roll_back_step(group, owner, **more))

    def deploy(self, image_id: str, percents: Sequence[int] = PERCENTS, **more: Any) -> str:
        """Bring an image into production by phases and return its group's name."""
        order = {name: more.pop(name) for name in ("resize_order",) if name in more}
        group = self.set_up(image_id, **more)
        for percent in percents:
            self.upgrade(group, percent, **order)
        return group
