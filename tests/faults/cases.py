# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case of the sweep: a scenario, a fault or two, the calls that they strike, and what is run afterwards.

Everything happens in this process, on the pretend AWS of tests/unit/engine.py, in pretend time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    InvalidInput,
    RollingBack,
    RolloutError,
)

from tests.faults.harms import HARMS, MOST_COMMANDS, harm, way_out, what_wants_in_vain
from tests.faults.scenarios import TIMING, Scenario, deploy, half_way, shifted_half_way
from tests.sandbox import forwarding
from tests.sandbox.faults import Fault
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import SETTINGS, START, Site

#: The time-out of a client that reads an answer is 30 s (wiring.CLIENT_CONFIG); an answer this late is lost.
TOO_LATE = 45.0
#: A lease is 120 s long, so that a run that died holds nobody off after that.
AFTER_THE_LEASE = 130.0


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


class Arguments(NamedTuple):
    """What a case is, within its scenario."""

    #: The call that the fault strikes, from 1.
    number: int
    fault: str
    #: What is run afterwards.
    rerun: str
    #: A second fault, and how many calls after the first one's it strikes: in the same run, or in the one afterwards.
    second: str = ""
    later: int = 0

    def __str__(self) -> str:
        """Say it in words."""
        second = f", {self.later} later {self.second}" if self.second else ""
        return f"call {self.number} {self.fault}{second}, then {self.rerun}"


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
        #: The share of requests that went where nobody is healthy, by target group.
        self.lost_requests: dict[str, float] = {}
        #: The second fault of a pair, and how many calls are left until it strikes; none is left once it has.
        self.second, self.left_until_second = "", 0
        self.site = Site(aws, client=aws.direct_client)
        base = scenario.base(self.site)
        self.site.make_base(TargetGroupARNs=[self.site.shop.target_group()], **base)
        self.site.shop.scale_with_cpu()
        neighbour = Site(aws, client=aws.direct_client)
        neighbour.shop.environment = "prod2"
        neighbour.prefix = f"{neighbour.shop.series}__"
        ahead, then = scenario.skews
        self.site.skews = {"disturbed": ahead, "again": then, "once more": then, "next": then}
        neighbour.deploy(self.site.image("theirs"), (100,))
        self.site.new_image = self.site.image("new")
        self._begin()

    def _begin(self) -> None:
        site = self.site
        self.before_all = site.standing()
        self.scenario.prepare(site)
        # A rollback is measured against what was there before the deployment that it takes back.
        at_half = self.scenario.prepare in (half_way, shifted_half_way)
        self.snapshot = self._snapshot_of_rollback() if at_half else site.standing()
        self.untouchable = {
            name: value
            for name, value in site.standing().items()
            if name.removeprefix("group ").startswith((site.shop.base_group, "shop__checkout__prod2__"))
        }
        site.totals.clear()
        site.look()
        self._watch_requests()
        self.aws.world.settings.staleness = self.scenario.staleness

    def _watch_requests(self) -> None:
        """Note at each look which requests go to a target group without a healthy target."""
        if "traffic" not in self.scenario.options:
            return
        look, world = self.site.clock.look, self.aws.world

        def watch() -> None:
            look()
            self.lost_requests.update(forwarding.lost_shares(world, world.targets.healthy()))

        self.site.clock.look = watch

    def _snapshot_of_rollback(self) -> dict[str, Any]:
        """Revision 1 as it was when it was live by itself: what its journal says."""
        standing = self.site.standing()
        kept = {name: value for name, value in standing.items() if not name.endswith("prod__2")}
        # What requests go by is as it was before everything.
        traffic = ("listener ", "rule ", "target group ")
        kept = {name: value for name, value in kept.items() if not name.startswith(traffic)}
        kept |= {name: value for name, value in self.before_all.items() if name.startswith(traffic)}
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

    def disturb(self, at_call: Callable[[int], None], arguments: Callable[[], Arguments]) -> Outcome:
        """Run what is disturbed, with C(at_call) before each of its calls, and conclude as C(arguments) say then."""
        error: BaseException | None = None
        with self.aws.before_calls(at_call):
            try:
                self.scenario.disturbed(self.site, "disturbed")
            except (Killed, RolloutError) as raised:
                error = raised
        case = arguments()
        outcome = Outcome(f"{self.scenario.name}: {case}")
        if isinstance(error, RolloutError):
            outcome.error = str(error)
            # Of two faults either may be the one that ends the run.
            outcome.problems += _problems_of_message(error, "" if case.second else case.fault)
        elif error:
            outcome.error = "killed"
        if case.rerun == WAY_OUT:
            self._get_out(outcome)
        else:
            self._conclude(outcome, case.rerun, AFTERWARDS[_turn(case) % len(AFTERWARDS)])
        return outcome

    def begin(self, arguments: Arguments) -> None:
        """Let the next call meet the fault of a case, and a later one its second."""
        self.second, self.left_until_second = arguments.second, arguments.later
        self.strike(arguments.fault)

    def next_call(self) -> None:
        """Count a call after the first fault's: it may be the one that meets the second."""
        self.left_until_second -= 1
        if self.second and self.left_until_second == 0:
            self.strike(self.second)

    @property
    def waits_for_second(self) -> bool:
        """Whether the second fault of a pair has not struck yet."""
        return bool(self.second) and self.left_until_second > 0

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
        """After the disturbed run: a run again, and a look at what is there. Where it meets a second fault, another."""
        waits = self.waits_for_second
        self._run_again(outcome, rerun, "again")
        if waits and not self.waits_for_second:
            self._run_again(outcome, rerun, "once more")
        # Another run begins once what this one did can be seen: it has no memory of it.
        self.site.clock.sleep(5 + self.scenario.staleness)
        # Whoever looks sees what there is.
        self.aws.world.settings.staleness = 0.0
        outcome.end, problems = self._look()
        if self.waits_for_second:
            outcome.end += ", before the second fault"
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
        if [name for name in site.standing() if name.startswith("target group")] != ["target group shop-web"]:
            problems.append("a target group is left over")
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

    def _run_again(self, outcome: Outcome, rerun: str, owner: str) -> None:
        """Run once the lease of whoever was cut off is over, and nothing is wrong but for a second fault."""
        self.aws.gateway.faults.clear()
        self._wait_for_the_lease()
        with self.aws.before_calls(lambda number: self.next_call()):
            try:
                self._again(rerun, owner)
            except RolloutError as error:
                outcome.error += f" | {owner}: {error}"
                outcome.problems += _problems_of_message(error, "")
            except Killed:
                outcome.error += f" | {owner}: killed"

    def _again(self, rerun: str, owner: str) -> None:
        if rerun == "roll back":
            self.site.run(self.site.roll_back_step(owner=owner), TIMING)
            return
        try:
            deploy(self.site, owner, self.scenario.resize_order, **self.scenario.options)
        except RollingBack:
            # What the role does where a rollback was interrupted.
            self.site.run(self.site.roll_back_step(owner=owner), TIMING)

    # ----------------------------------------------------------------------- looking

    def _look(self) -> tuple[str, list[str]]:
        """See which of the two good ends it is, and whatever is wrong with it."""
        site, now = self.site, self.site.standing()
        problems = []
        if min(site.totals) < self.scenario.floor:
            problems.append(f"capacity in service fell to {min(site.totals)}, below {self.scenario.floor}")
        problems += [f"{share:.0%} of requests went to {arn}" for arn, share in self.lost_requests.items()]
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


def _turn(case: Arguments) -> int:
    """The number of a case, so that harms take turns."""
    if case.fault not in FAULTS:
        return 0
    number = case.number * len(FAULTS) + list(FAULTS).index(case.fault)
    return number * len(RERUNS) + RERUNS.index(case.rerun)


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
