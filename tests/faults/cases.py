# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case of the sweep: a scenario, a fault, the call that it strikes, and what is run afterwards.

Everything happens in this process, on the pretend AWS of tests/unit/engine.py, in pretend time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    InvalidInput,
    RollingBack,
    RolloutError,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Bake
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Timing
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import Upgrade

from tests.faults.harms import HARMS, MOST_COMMANDS, harm, way_out, what_wants_in_vain
from tests.sandbox.faults import Fault
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import SETTINGS, START, Site

#: The time-out of a client that reads an answer is 30 s (wiring.CLIENT_CONFIG); an answer this late is lost.
TOO_LATE = 45.0
#: A lease is 120 s long, so that a run that died holds nobody off after that.
AFTER_THE_LEASE = 130.0
TIMING = Timing(wait_timeout=240, poll_interval=5.0, pass_duration=10)


class Killed(BaseException):
    """SIGKILL: nothing of the engine may catch it."""


@dataclass(frozen=True)
class FaultKind:
    """What happens to a call: a fault of the sandbox, or a kill of the caller before or after it."""

    kind: str = ""
    times: int | None = 1
    seconds: float = 0.0
    kill: str = ""


FAULTS = {
    "throttled three times": FaultKind("throttle", times=3),
    "throttled for good": FaultKind("throttle", times=None),
    "HTTP 500": FaultKind("error"),
    "reset before": FaultKind("reset"),
    "answer lost after the change": FaultKind("lose_answer"),
    "access denied": FaultKind("deny", times=None),
    "answer later than the time-out": FaultKind("delay", seconds=TOO_LATE),
    "killed before": FaultKind(kill="before"),
    "killed after": FaultKind(kill="after"),
}
RERUNS = ("resume", "roll back")
#: What comes after a harm by hand.
WAY_OUT = "the way out"
#: The harms that come after a case has ended, one after the other, and none at times.
AFTERWARDS = ("", *HARMS)
BAKE_RUNNING = {"bake": Bake(20, keeps=True)}
BAKE_STOPPED = {"bake": Bake(20)}
COPY_ALARMS = {"alarms_of_group": "copy"}


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


def _half_way(site: Site) -> None:
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


def _deploy(site: Site, owner: str, resize_order: str = "new_first", **options: Any) -> None:
    """What the role does: set up, phase by phase, and a rescue that rolls back."""
    group = site.set_up(site.new_image, owner, **options)
    try:
        for percent in (25, 50, 100):
            site.run(site.upgrade_step(group, percent, owner, resize_order=resize_order), TIMING)
        if "bake" in options:
            site.run(_baking(site.upgrade_step(group, 100, owner)), TIMING)
    except RolloutError as error:
        site.run(site.roll_back_step(group, owner), TIMING)
        raise error


def _baking(step: Upgrade) -> Upgrade:
    return Upgrade(step._rollout, dataclasses.replace(step._options, end_bake=True))


def _bake_running(site: Site, owner: str) -> None:
    _deploy(site, owner, **BAKE_RUNNING)


def _bake_stopped(site: Site, owner: str) -> None:
    _deploy(site, owner, **BAKE_STOPPED)


def _old_first(site: Site, owner: str) -> None:
    _deploy(site, owner, "old_first")


def _copy_alarms(site: Site, owner: str) -> None:
    _deploy(site, owner, **COPY_ALARMS)


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
        Scenario("the guide's example", _one_live, _deploy),
        Scenario("old_first", _one_live, _old_first, "old_first", floor=2),
        Scenario("two outgoing groups", _two_outgoing, _deploy),
        Scenario("a launch configuration", _configured, _deploy),
        Scenario("a rollback", _half_way, _roll_back),
        Scenario("a bake beside running capacity", _one_live, _bake_running, options=BAKE_RUNNING),
        Scenario(
            "a bake alone, late answers", _one_live, _bake_stopped, staleness=LATE, options=BAKE_STOPPED
        ),
        Scenario("copied alarms", _watched, _copy_alarms, options=COPY_ALARMS, alarms=("cpu", "half")),
        Scenario(
            "copied alarms, late answers",
            _watched,
            _copy_alarms,
            staleness=LATE,
            options=COPY_ALARMS,
            alarms=("cpu", "half"),
        ),
        Scenario("harm by hand in a phase", _one_live, _deploy, harmed=True),
        Scenario("harm by hand in a rollback", _half_way, _roll_back, harmed=True),
        Scenario("weights, late answers", _one_live, _deploy, base=_weights, staleness=LATE),
        Scenario("protection, late answers", _protected, _deploy, staleness=LATE, protected=4),
        Scenario("a slow hook, late answers", _one_live, _deploy, base=_slow_to_leave, staleness=LATE),
        *(
            Scenario(f"answers {seconds:g} s late", _one_live, _deploy, staleness=seconds)
            for seconds in (1.0, 3.0, 10.0)
        ),
        Scenario("a rollback, answers 10 s late", _half_way, _roll_back, staleness=10.0),
        Scenario("a clock that is ahead", _one_live, _deploy, skews=(OFF, -OFF)),
        Scenario("a clock that is behind", _one_live, _deploy, skews=(-OFF, OFF)),
    )
}


@dataclass
class Outcome:
    """What a case came to; without problems it has held."""

    case: str
    end: str = ""
    error: str = ""
    problems: list[str] = field(default_factory=list)


class Case:
    """A site in which one thing goes wrong."""

    def __init__(self, aws: InProcess, scenario: Scenario) -> None:
        """Begin with a base group, a neighbour with a similar name, and what the scenario needs."""
        aws.reset(dataclasses.replace(SETTINGS), start=START)
        self.aws = aws
        self.scenario = scenario
        self.floor = scenario.floor
        self.site = Site(aws, client=aws.direct_client)
        base = scenario.base(self.site)
        self.site.make_base(TargetGroupARNs=[self.site.shop.target_group()], **base)
        self.site.shop.scale_with_cpu()
        neighbour = Site(aws, client=aws.direct_client)
        neighbour.shop.environment = "prod2"
        neighbour.prefix = f"{neighbour.shop.series}__"
        ahead, then = scenario.skews
        self.site.skews = {"disturbed": ahead, "again": then, "next": then}
        neighbour.deploy(self.site.image("theirs"), (100,))
        self.site.new_image = self.site.image("new")
        self._begin()

    def _begin(self) -> None:
        site = self.site
        self.before_all = site.standing()
        self.scenario.prepare(site)
        # A rollback is measured against what was there before the deployment that it takes back.
        self.snapshot = (
            self._snapshot_of_rollback() if self.scenario.prepare is _half_way else site.standing()
        )
        self.untouchable = {
            name: value
            for name, value in site.standing().items()
            if name.removeprefix("group ").startswith((site.shop.base_group, "shop__checkout__prod2__"))
        }
        site.totals.clear()
        site.look()
        self.aws.world.settings.staleness = self.scenario.staleness

    def _snapshot_of_rollback(self) -> dict[str, Any]:
        """Revision 1 as it was when it was live by itself: what its journal says."""
        standing = self.site.standing()
        kept = {name: value for name, value in standing.items() if not name.endswith("prod__2")}
        group, policies = kept["group shop__checkout__prod__1"]
        tags = {key: value for key, value in group["Tags"].items() if key != journal.BEFORE}
        restored = {
            **group,
            "MinSize": 0,
            "MaxSize": 10,
            "DesiredCapacity": 4,
            "SuspendedProcesses": [],
            "Tags": tags,
        }
        kept["group shop__checkout__prod__1"] = (restored, policies)
        return kept

    # ----------------------------------------------------------------------- running

    def calls(self) -> int:
        """Run undisturbed, and count the calls."""
        mark = self.aws.mark()
        self.scenario.disturbed(self.site, "disturbed")
        return self.aws.mark() - mark

    def run(self, number: int, fault: str, rerun: str) -> Outcome:
        """Let call ``number`` (from 1) of the disturbed run meet a fault, run again, and see what is there."""

        def at_call(call: int) -> None:
            if call == number:
                self.strike(fault)

        return self.disturb(at_call, lambda: (number, fault, rerun))

    def disturb(
        self, at_call: Callable[[int], None], arguments: Callable[[], tuple[int, str, str]]
    ) -> Outcome:
        """Run what is disturbed, with C(at_call) before each of its calls, and conclude as C(arguments) say then."""
        error: BaseException | None = None
        with self.aws.before_calls(at_call):
            try:
                self.scenario.disturbed(self.site, "disturbed")
            except (Killed, RolloutError) as raised:
                error = raised
        number, fault, rerun = arguments()
        outcome = Outcome(f"{self.scenario.name}: call {number} {fault}, then {rerun}")
        if isinstance(error, RolloutError):
            outcome.error = str(error)
            outcome.problems += _problems_of_message(error, fault)
        elif error:
            outcome.error = "killed"
        if rerun == WAY_OUT:
            self._get_out(outcome)
        else:
            self._conclude(outcome, rerun, AFTERWARDS[_turn(number, fault, rerun) % len(AFTERWARDS)])
        return outcome

    def strike(self, fault: str) -> None:
        """Let the next call, and as many after it as the fault says, go wrong; or do harm by hand before it."""
        if fault in HARMS:
            with self.aws.no_calls_before():
                harm(self.site, fault)
            self.floor = min(self.scenario.floor, self._left())
            return
        kind = FAULTS[fault]
        if kind.kill == "before":
            raise Killed
        if kind.kill == "after":
            self.aws.after_call = _die
            return
        self.aws.gateway.faults.add(Fault(kind.kind, times=kind.times, seconds=kind.seconds))

    def _left(self) -> int:
        """What is left to lose: the capacity of the groups of the series that nobody has deleted.

        Where the new one is, it is what the phase leaves of the outgoing one: it may be on its way there already.
        """
        first, second = (self.aws.world.autoscaling.groups.get(f"{self.site.prefix}{one}") for one in (1, 2))
        serving = {
            one.name: self._serving(one.name)
            for one in (first, second)
            if one is not None and not one.deleting
        }
        left = sum(serving.values())
        if second is not None and second.name not in serving:
            phase = journal.read_phase(str(second.tags.get(journal.PHASE, {}).get("Value", "")))
            left = min(left, 0 if phase.final else 4 - phase.target)
        return left

    def _get_out(self, outcome: Outcome) -> None:
        """After a harm: whoever is called at night makes a good image live."""
        self._wait_for_the_lease()
        lowest = min(self.site.totals)
        if lowest < self.floor:
            outcome.problems.append(f"capacity in service fell to {lowest}, below {self.floor}")
        outcome.problems += self._problems_of_the_way_out()
        outcome.end = "live after a harm"

    def _conclude(self, outcome: Outcome, rerun: str, afterwards: str) -> None:
        """After the disturbed run: no more faults, a run again, and a look at what is there."""
        self.aws.gateway.faults.clear()
        self._wait_for_the_lease()
        try:
            self._again(rerun)
        except RolloutError as error:
            outcome.error += f" | again: {error}"
        # Another run begins once what this one did can be seen: it has no memory of it.
        self.site.clock.sleep(5 + self.scenario.staleness)
        # Whoever looks sees what there is.
        self.aws.world.settings.staleness = 0.0
        outcome.end, problems = self._look()
        outcome.problems += problems
        self.aws.world.settings.staleness = self.scenario.staleness
        if afterwards:
            harm(self.site, afterwards)
            self._wait_for_the_lease()
        problems = self._problems_of_the_way_out(1 if not afterwards else MOST_COMMANDS)
        outcome.problems += [f"{afterwards or 'no harm'}: {problem}" for problem in problems]

    def _problems_of_the_way_out(self, most: int = MOST_COMMANDS) -> list[str]:
        """No end is a dead one: a good image is live after a few more commands, and no capacity is lost by them."""
        site = self.site
        site.totals.clear()
        site.look()
        before = min(self.scenario.floor, site.totals[0])
        commands, refused = way_out(site, "next", TIMING)
        if refused:
            return [f"a dead end after {' and '.join(commands)}: {refused}"]
        self.aws.world.settings.staleness = 0.0
        site.clock.sleep(5)
        newest = list(site.shop.revisions())[-1]
        problems = what_wants_in_vain(site)
        if len(commands) > most:
            problems.append(f"a good image is live only after {' and '.join(commands)}")
        if min(site.totals) < before:
            problems.append(f"on the way out capacity in service fell to {min(site.totals)}, below {before}")
        if self._serving(newest) != 4:
            problems.append(f"the way out ends with {self._serving(newest)} in service")
        return problems

    def _serving(self, group: str) -> int:
        """The capacity of a group that is in service, in its own units."""
        instances = self.aws.world.autoscaling.groups[group].instances.values()
        return sum(one.weight for one in instances if (one.state, one.health) == ("InService", "Healthy"))

    def _wait_for_the_lease(self) -> None:
        # Nothing is resized meanwhile, so that a look a second is enough.
        for __ in range(int(AFTER_THE_LEASE)):
            self.aws.advance(1.0)
            self.site.look()

    def _again(self, rerun: str) -> None:
        if rerun == "roll back":
            self.site.run(self.site.roll_back_step(owner="again"), TIMING)
            return
        try:
            _deploy(self.site, "again", self.scenario.resize_order, **self.scenario.options)
        except RollingBack:
            # What the role does where a rollback was interrupted.
            self.site.run(self.site.roll_back_step(owner="again"), TIMING)

    # ----------------------------------------------------------------------- looking

    def _look(self) -> tuple[str, list[str]]:
        """See which of the two good ends it is, and whatever is wrong with it."""
        site, now = self.site, self.site.standing()
        problems = []
        if min(site.totals) < self.scenario.floor:
            problems.append(f"capacity in service fell to {min(site.totals)}, below {self.scenario.floor}")
        for name, value in self.untouchable.items():
            if now.get(name) != value:
                problems.append(f"{name} was touched")
        if now == self.snapshot:
            in_service = site.totals[-1]
            if in_service != 4:
                problems.append(f"as before, but with {in_service} in service")
            first = self.aws.world.autoscaling.groups[f"{site.prefix}1"].instances.values()
            if sum(one.protected for one in first if one.counts) != self.scenario.protected:
                problems.append("as before, but for the protection from scale-in")
            return "as before", problems
        return "live", problems + self._problems_of_live(now)

    def _problems_of_live(self, now: dict[str, Any]) -> list[str]:
        """Say what keeps the series from being fully live with the new image and nothing left over."""
        site = self.site
        sizes = site.shop.revisions()
        newest = list(sizes)[-1]
        problems = [
            f"{name} has {one.in_service} in service"
            for name, one in sizes.items()
            if one.in_service and name != newest
        ]
        if (sizes[newest].min_size, sizes[newest].max_size) != (0, 10) or self._serving(newest) != 4:
            problems.append(f"neither live nor as before: {newest} has {sizes[newest]}")
        if site.shop.policies(newest) != ["cpu-at-60"]:
            problems.append(f"{newest} has the policies {site.shop.policies(newest)}")
        group = site.shop.group(newest) or {}
        if group.get("SuspendedProcesses"):
            problems.append(f"{newest} has processes suspended")
        expected = {f"group {name}" for name in sizes} | {
            name for name in self.snapshot if not name.startswith("alarm TargetTracking")
        }
        sources = {
            f"{name.partition(' ')[0]} {newest}"
            for name in self.snapshot
            if name.startswith(("template", "configuration"))
        }
        copies = {f"alarm {newest}-{name}" for name in self.scenario.alarms}
        problems += [f"{name} is missing" for name in copies if name not in now]
        left = [
            name
            for name in now
            if name not in expected | sources | copies and not name.startswith("alarm TargetTracking")
        ]
        problems += [f"{name} is left over" for name in left if name.removeprefix("group ") not in sizes]
        lost = [name for name in self.snapshot if name not in now]
        problems += [f"{name} is gone" for name in lost]
        for name in sizes:
            (described, __) = now[f"group {name}"]
            wanted = journal.LIVE if name == newest else journal.SUPERSEDED
            if described["Tags"].get(journal.STATUS) != wanted:
                problems.append(f"{name} is {described['Tags'].get(journal.STATUS)}, not {wanted}")
        return problems


def _turn(number: int, fault: str, rerun: str) -> int:
    """The number of a case, so that harms take turns."""
    if fault not in FAULTS:
        return 0
    return (number * len(FAULTS) + list(FAULTS).index(fault)) * len(RERUNS) + RERUNS.index(rerun)


def _die() -> None:
    raise Killed


def _problems_of_message(error: RolloutError, fault: str) -> list[str]:
    text = str(error)
    problems = []
    # What is wrong with the input says after a semicolon what to do about it.
    input_says = isinstance(error, InvalidInput) and all(";" in one for one in error.problems)
    if not error.advice and not input_says:
        problems.append(f"the message says not what to do: {text}")
    if fault == "access denied" and "Allow " not in text:
        problems.append(f"the message names no action: {text}")
    if "Traceback" in text:
        problems.append("there is a traceback")
    return problems
