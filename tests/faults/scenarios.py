# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios of the sweep: deployments and rollbacks that are disturbed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import RolloutError
from ansible_collections.progressive.aws.plugins.module_utils.core.forwarding import WantedPlace
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Bake
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Timing
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import Upgrade

from tests.unit.engine import Site

TIMING = Timing(wait_timeout=240, poll_interval=5.0, pass_duration=10)
BAKE_RUNNING = {"bake": Bake(20, keeps=True)}
BAKE_STOPPED = {"bake": Bake(20)}
COPY_ALARMS = {"alarms_of_group": "copy"}
FRESH_BASELINE = {"baseline": "fresh"}
#: Requests go by the phases' percents. The shop's load balancer is tests/demo/shop.py's.
SHIFTED = {
    "phases": (Wanted(percent=25), Wanted(percent=50), Wanted(percent=100)),
    "traffic": (WantedPlace(load_balancer="shop-web", port=80),),
}


@dataclass(frozen=True)
class Scenario:
    """A deployment that is disturbed. ``prepare`` brings the site to where it begins, undisturbed."""

    name: str
    prepare: Callable[[Site], None]
    disturbed: Callable[[Site, str], None]
    resize_order: str = "new_first"
    #: The least capacity in service that may ever be seen.
    floor: int = 4
    #: What the base group is made with.
    base: Callable[[Site], dict[str, Any]] = lambda site: {}
    #: How old answers may be, in seconds, once the scenario has begun.
    staleness: float = 0.0
    #: How many instances of what was live are protected from scale-in.
    protected: int = 0
    #: By how many seconds the clocks of those who deploy are ahead: of who is disturbed, and of who comes then.
    skews: tuple[float, float] = (0.0, 0.0)
    #: What the set-up is given besides.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The alarms that the new revision has, by what stands behind its name.
    alarms: tuple[str, ...] = ()
    #: Whether it meets harms by hand, instead of faults of its calls.
    harmed: bool = False


def _one_live(site: Site) -> None:
    site.deploy(site.image("one"), (100,))


def _two_outgoing(site: Site) -> None:
    """Two groups with capacity: what is left where a deployment was taken for finished half way."""
    site.deploy(site.image("one"), (100,))
    first, second = f"{site.prefix}1", site.set_up(site.image("half"))
    site.upgrade(second, 50)
    autoscaling = site.shop.client("autoscaling")
    site.mark(second, {journal.STATUS: journal.LIVE, journal.LEASE: ""})
    autoscaling.delete_tags(
        Tags=[{"ResourceId": first, "ResourceType": "auto-scaling-group", "Key": journal.BEFORE}]
    )
    autoscaling.resume_processes(AutoScalingGroupName=first)
    site.forget()


def _configured(site: Site) -> None:
    configuration = site.shop.launch_configuration(site.image("configured"))
    site.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=site.shop.base_group)
    site.clock.sleep(5)
    site.make_base(LaunchConfigurationName=configuration)
    site.shop.scale_with_cpu()
    _one_live(site)


def half_way(site: Site) -> None:
    _one_live(site)
    site.upgrade(site.set_up(site.new_image), 50)


def _watched(site: Site) -> None:
    """What is live is watched by its name: by an alarm that wakes somebody, and by one on metric math."""
    _one_live(site)
    of_group = [{"Name": "AutoScalingGroupName", "Value": f"{site.prefix}1"}]
    metric = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": of_group}
    stat = {"Metric": metric, "Period": 60, "Stat": "Average"}
    queries = [
        {"Id": "cpu", "MetricStat": stat, "ReturnData": False},
        {"Id": "half", "Expression": "cpu / 2", "ReturnData": True},
    ]
    watched = {"cpu": {**metric, "Period": 60, "Statistic": "Average"}, "half": {"Metrics": queries}}
    for name, members in watched.items():
        site.shop.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            AlarmActions=["arn:aws:sns:us-east-1:123456789012:pager"],
            EvaluationPeriods=3,
            Threshold=1_000_000.0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="ignore",
            **members,
        )


def deploy(site: Site, owner: str, resize_order: str = "new_first", **options: Any) -> None:
    """What the role does: set up, phase by phase, and a rescue that rolls back."""
    group = site.set_up(site.new_image, owner, **options)
    try:
        baseline = options.get("baseline", "outgoing")
        for percent in (25, 50, 100):
            step = site.upgrade_step(group, percent, owner, resize_order=resize_order, baseline=baseline)
            site.run(step, TIMING)
        if "bake" in options:
            site.run(_baking(site.upgrade_step(group, 100, owner)), TIMING)
    except RolloutError as error:
        site.run(site.roll_back_step(group, owner), TIMING)
        raise error


def _baking(step: Upgrade) -> Upgrade:
    return Upgrade(step._rollout, dataclasses.replace(step._options, end_bake=True))


def _bake_running(site: Site, owner: str) -> None:
    deploy(site, owner, **BAKE_RUNNING)


def _bake_stopped(site: Site, owner: str) -> None:
    deploy(site, owner, **BAKE_STOPPED)


def _old_first(site: Site, owner: str) -> None:
    deploy(site, owner, "old_first")


def _copy_alarms(site: Site, owner: str) -> None:
    deploy(site, owner, **COPY_ALARMS)


def _fresh_baseline(site: Site, owner: str) -> None:
    deploy(site, owner, **FRESH_BASELINE)


def _shift(site: Site, owner: str) -> None:
    deploy(site, owner, **SHIFTED)


def shifted_half_way(site: Site) -> None:
    _one_live(site)
    group = site.set_up(site.new_image, **SHIFTED)
    site.upgrade(group, 25)
    site.upgrade(group, 50)


def _roll_back(site: Site, owner: str) -> None:
    # The run that had come half way goes on to roll back.
    site.run(site.roll_back_step(owner="one" if owner == "disturbed" else owner), TIMING)


def _protected(site: Site) -> None:
    _one_live(site)
    group = f"{site.prefix}1"
    site.shop.client("autoscaling").set_instance_protection(
        AutoScalingGroupName=group,
        InstanceIds=list(site.aws.world.autoscaling.groups[group].instances),
        ProtectedFromScaleIn=True,
    )


def _weights(site: Site) -> dict[str, Any]:
    """Every instance counts two."""
    overrides = [{"InstanceType": kind, "WeightedCapacity": "2"} for kind in ("t3.small", "t3.medium")]
    specification = site.shop.launch_template(site.image("base"))
    template = {"LaunchTemplateSpecification": specification, "Overrides": overrides}
    return {
        "MixedInstancesPolicy": {
            "LaunchTemplate": template,
            "InstancesDistribution": {"OnDemandAllocationStrategy": "lowest-price"},
        }
    }


def _slow_to_leave(site: Site) -> dict[str, Any]:
    """Instances take a minute to leave."""
    return {
        "LifecycleHookSpecificationList": [
            {
                "LifecycleHookName": "drain",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
                "HeartbeatTimeout": 60,
                "DefaultResult": "CONTINUE",
            }
        ]
    }


#: How old answers are in the scenarios that have something of their own besides.
LATE = 3.0
#: By how much a controller's clock is off. AWS takes no request that is signed by one that is farther off.
OFF = 300.0

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("the guide's example", _one_live, deploy),
        Scenario("old_first", _one_live, _old_first, "old_first", floor=2),
        Scenario("two outgoing groups", _two_outgoing, deploy),
        Scenario("a launch configuration", _configured, deploy),
        Scenario("a rollback", half_way, _roll_back),
        Scenario("a bake beside running capacity", _one_live, _bake_running, options=BAKE_RUNNING),
        Scenario(
            "a bake alone, late answers", _one_live, _bake_stopped, staleness=LATE, options=BAKE_STOPPED
        ),
        Scenario("a fresh baseline", _one_live, _fresh_baseline, options=FRESH_BASELINE),
        Scenario("copied alarms", _watched, _copy_alarms, options=COPY_ALARMS, alarms=("cpu", "half")),
        Scenario(
            "copied alarms, late answers",
            _watched,
            _copy_alarms,
            staleness=LATE,
            options=COPY_ALARMS,
            alarms=("cpu", "half"),
        ),
        Scenario("shifted traffic", _one_live, _shift, options=SHIFTED),
        Scenario("shifted traffic, a rollback", shifted_half_way, _roll_back, options=SHIFTED),
        Scenario("shifted traffic, harm by hand", _one_live, _shift, options=SHIFTED, harmed=True),
        Scenario("harm by hand in a phase", _one_live, deploy, harmed=True),
        Scenario("harm by hand in a rollback", half_way, _roll_back, harmed=True),
        Scenario("weights, late answers", _one_live, deploy, base=_weights, staleness=LATE),
        Scenario("protection, late answers", _protected, deploy, staleness=LATE, protected=4),
        Scenario("a slow hook, late answers", _one_live, deploy, base=_slow_to_leave, staleness=LATE),
        *(
            Scenario(f"answers {seconds:g} s late", _one_live, deploy, staleness=seconds)
            for seconds in (1.0, 3.0, 10.0)
        ),
        Scenario("a rollback, answers 10 s late", half_way, _roll_back, staleness=10.0),
        Scenario("a clock that is ahead", _one_live, deploy, skews=(OFF, -OFF)),
        Scenario("a clock that is behind", _one_live, deploy, skews=(-OFF, OFF)),
    )
}
