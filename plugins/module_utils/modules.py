# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module shares: options, how AWS is called, and how a step's end becomes a module's.

A module file is documentation, its own options and one call of C(run_step), C(run_module) or C(run_question).

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ansible.module_utils.common.dict_transformations import snake_dict_to_camel_dict
from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .aws import clients
from .aws.calls import Calls
from .aws.written import Written
from .core import lease_owner, naming
from .core.capacity import Wanted
from .core.errors import AccessDenied, AwsError, InvalidInput, NoCredentials, RolloutError
from .core.health import LAUNCH_PATIENCE
from .core.passes import (
    SHORTEST_POLL_INTERVAL,
    Clock,
    Decision,
    Done,
    Event,
    Follow,
    Step,
    SystemClock,
    Tell,
    Timing,
    nobody,
    run_pass,
    run_to_the_end,
)
from .core.progress import Progress, as_plain, read
from .core.time_windows import DAYS
from .deployment.hand_over import HandOver
from .deployment.rollout import Deployer, Rollout

# What is left of the time budget for repeated calls, in the progress that passes hand on.
PATIENCE = "patience"
# What was written lately, in the progress that passes and the steps of one run hand on; by where it was.
WRITTEN = "written"
# What else the steps of one run hand on, beside it.
HANDED_ON = "handed on"
# Shorter than a pass a lease would run out under its own holder.
SHORTEST_LEASE = 15

# Documented in doc_fragments/passes.py.
PASSES: Mapping[str, Mapping[str, Any]] = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600},
    "poll_interval": {"type": "float", "default": 5.0},
    "lease_owner": {"type": "str"},
    "lease_duration": {"type": "int", "default": 120},
    "take_over": {"type": "bool", "default": False},
    "on_drift": {"type": "str", "choices": ["fail", "adopt"], "default": "fail"},
    "progress": {"type": "dict", "no_log": False},
    "run": {"type": "raw"},
    "report": {"type": "list", "elements": "path", "default": []},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
}

# Documented in doc_fragments/launch_patience.py.
LAUNCH_PATIENCE_OPTION: Mapping[str, Mapping[str, Any]] = {
    "launch_patience": {"type": "float", "default": LAUNCH_PATIENCE}
}

# Documented in doc_fragments/watched_alarms.py.
WATCHED_ALARMS_OPTION: Mapping[str, Mapping[str, Any]] = {
    "watched_alarms": {"type": "list", "elements": "str", "default": []}
}

# Documented in doc_fragments/blockers.py.
_WINDOW: Mapping[str, Any] = {
    "days": {"type": "list", "elements": "str", "choices": list(DAYS)},
    "from": {"type": "raw"},
    "to": {"type": "raw"},
    "time_zone": {"type": "str", "default": "UTC"},
}
BLOCKERS_OPTION: Mapping[str, Mapping[str, Any]] = {
    "blockers": {
        "type": "dict",
        "options": {
            "alarms": {"type": "list", "elements": "str", "default": []},
            "open_windows": {"type": "list", "elements": "dict", "options": _WINDOW, "default": []},
            "closed_windows": {"type": "list", "elements": "dict", "options": _WINDOW, "default": []},
            "change_calendars": {"type": "list", "elements": "str", "default": []},
            "wait": {"type": "float", "default": 0.0},
        },
    }
}

# As the role has it: an empty answer of a survey leaves it to the module.
SETTLE_TIME_OPTION: Mapping[str, Mapping[str, Any]] = {"settle_time": {"type": "float", "default": 30.0}}

# Documented in doc_fragments/of_a_phase.py. The action plugin puts the variables in the place of what they stand for.
OF_A_PHASE: Mapping[str, Mapping[str, Any]] = {
    "hand_over": {"type": "bool", "default": False},
    "phase_vars": {"type": "dict", "default": {}},
}

# Documented in doc_fragments/series.py.
SERIES: Mapping[str, Mapping[str, Any]] = {
    "series": {"type": "str"},
    "application": {"type": "str"},
    "service": {"type": "str"},
    "environment": {"type": "str"},
    "series_renamed": {"type": "bool", "default": False},
}
SERIES_PARTS = naming.PARTS
SERIES_RULES: Mapping[str, Any] = {
    "mutually_exclusive": [("series", part) for part in SERIES_PARTS],
    "required_together": [SERIES_PARTS],
    "required_one_of": [("series", "application")],
}
# The parts belong together by SERIES_RULES, so that one stands for all.
GROUP_OR_SERIES_RULES: Mapping[str, Any] = {
    "mutually_exclusive": [
        ("group", "series"),
        *(("group", part) for part in SERIES_PARTS),
        *SERIES_RULES["mutually_exclusive"],
    ],
    "required_together": SERIES_RULES["required_together"],
    "required_one_of": [("group", "series", "application")],
}

# calls.py has the one budget for repeating; botocore's own retries would multiply with it, and its timeouts
# of a minute each would use it up on one lost answer. What a user sets in aws_config wins.
CLIENT_CONFIG: Mapping[str, Any] = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "retries": {"total_max_attempts": 1},
}


class Module(AnsibleAWSModule):
    """amazon.aws's module, which lets connecting fail with the SDK's own exception: calls.py has words for it."""

    def fail_json_aws(self, exception: BaseException, msg: str | None = None, **kwargs: Any) -> NoReturn:
        """Raise what amazon.aws would have reported, with a traceback, as a failure of its own."""
        raise exception


@dataclass(frozen=True)
class Worker:
    """The worker of ansible-playbook, where a step runs in it instead of in a process of its own.

    C(tell) shows an event at once; C(ensure_wanted) raises Orphaned where ansible-playbook is gone; C(ask) puts a
    question to whoever sits at the terminal. C(follow) learns what a step that waits has come to.
    """

    tell: Tell
    ensure_wanted: Callable[[], None]
    ask: Callable[[str], str]
    follow: Follow | None = None


# Set while a module's main runs in the worker; a worker runs one task and ends.
_worker: list[Worker] = []


@contextmanager
def running_in(worker: Worker) -> Iterator[None]:
    """Let C(run_module) run a step to its end in the worker."""
    _worker.append(worker)
    try:
        yield
    finally:
        _worker.pop()


def aws_module(argument_spec: Mapping[str, Any], **rules: Any) -> Module:
    """Make a module with its own options, those of all passes and amazon.aws's connection options.

    C(rules) are AnsibleModule's, as C(required_one_of); C(SERIES_RULES) go with C(SERIES).
    """
    return Module(argument_spec={**PASSES, **argument_spec}, supports_check_mode=True, **rules)


def series_of(params: Mapping[str, Any]) -> str:
    """Tell the series that the options name, by itself or by application, service and environment.

    Raises:
        InvalidInput: the name is not fit for a group's.
    """
    if params["series"] is None:
        return naming.series_name(*(params[part] or "" for part in SERIES_PARTS))
    series: str = params["series"]
    problems = naming.series_problems(series)
    if problems:
        raise InvalidInput(problems)
    return series


def series_unless_group(params: Mapping[str, Any]) -> str | None:
    """Tell the series that the options name, or None where they name a group instead.

    Raises:
        InvalidInput: the name is not fit for a group's.
    """
    return None if params["group"] is not None else series_of(params)


def unless_unset(items: list[str] | None) -> tuple[str, ...] | None:
    """A list that is given, which may be empty; None where it is not given."""
    return None if items is None else tuple(items)


def lists(filters: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    """Filters whose values may be a text or a list of them, as lists of text."""
    return {
        str(name): tuple(map(_text, values if isinstance(values, list) else [values]))
        for name, values in (filters or {}).items()
    }


def as_in_api(options: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Suboptions that are given, by the names that AWS's API has; None where none of them is."""
    if options is None:
        return None
    converted: dict[str, Any] = snake_dict_to_camel_dict(_given(options), capitalize_first=True)
    return converted


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _given(value) if isinstance(value, Mapping) else value
        for name, value in options.items()
        if value is not None
    }


def text_of(file: str | None, attempted: str) -> str | None:
    """What a file says; None where no file is given.

    Raises:
        InvalidInput: it cannot be read as text.
    """
    if file is None:
        return None
    try:
        return Path(file).read_text(encoding="utf-8")
    # A path with a null byte in it is a ValueError, as a text that is none.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InvalidInput([f"{attempted} {file} cannot be read: {reason}"]) from error


def texts(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags with values as AWS has them, which are text: C(true) and C(4) may be written as such."""
    return {str(key): _text(value) for key, value in tags.items()}


def wanted_phases(
    phases: list[Mapping[str, Any]] | None, baseline_seconds: Sequence[float] = ()
) -> tuple[Wanted, ...] | None:
    """The phases of an option whose items have name, percent and count; None where it is not given.

    C(baseline_seconds) is of each for how long it needs a fresh baseline.
    """
    if phases is None:
        return None
    seconds = [*baseline_seconds, *[0.0] * len(phases)]
    return tuple(wanted(phase, each) for phase, each in zip(phases, seconds, strict=False))


def wanted(options: Mapping[str, Any], baseline_seconds: float = 0.0) -> Wanted:
    """What C(percent), C(count) and C(weight) ask for, with a fresh baseline beside it for so many seconds."""
    return Wanted(
        percent=options["percent"],
        count=options["count"],
        name=options.get("name") or "",
        verified=bool(options.get("verify")),
        baseline_seconds=baseline_seconds,
        weight=options.get("weight"),
    )


def deployer(params: Mapping[str, Any]) -> Deployer:
    """Who deploys, by the options of all passes.

    Without C(lease_owner), which the action plugin sets, it is this very process.
    """
    return Deployer(
        owner=params["lease_owner"] or lease_owner.run_name(os.getpid()),
        lease_duration=params["lease_duration"],
        take_over=params["take_over"],
        on_drift=params["on_drift"],
        # What is missing among them is told with all else that is wrong.
        names=tuple(params[part].strip() for part in SERIES_PARTS)
        if all(params.get(part) for part in SERIES_PARTS)
        else (),
        series_renamed=bool(params.get("series_renamed")),
    )


def run_step(module: Module, build: Callable[[Rollout], Step]) -> None:
    """Run the step that C(build) makes of the engine, and end the module with what it came to.

    With the option of C(OF_A_PHASE) the lease is given back after it.
    """

    def whole(calls: Calls, clock: Clock) -> Step:
        rollout = Rollout(calls, clock, deployer(module.params))
        step = build(rollout)
        hands_over = module.params.get("hand_over") and module.params["group"]
        return HandOver(step, rollout, module.params["group"]) if hands_over else step

    run_module(module, whole)


def run_question(
    module: Module,
    attempted: str,
    answer: Callable[[Rollout], Mapping[str, Any]],
    show: Callable[[Mapping[str, Any]], Sequence[Event]] = lambda answer: (),
) -> None:
    """Answer a question that changes nothing and waits for nothing, and end the module with the answer.

    C(show) makes of the answer what the terminal is to show of it.
    """
    run_step(module, lambda rollout: Question(attempted, lambda: answer(rollout), show))


def run_module(module: Any, build: Callable[[Calls, Clock], Step]) -> None:
    """Run the step that C(build) makes, and end the module with what it came to.

    One pass where C(wait) is false, which is how the action plugin calls; all of them otherwise. Whatever goes
    wrong ends in C(fail_json) with words for who reads it.
    """
    attempted = f"run {module._name}"
    clock = SystemClock()
    written: dict[str, Any] = {}
    calls = Calls(lambda service: _client(module, service))
    try:
        options = {**{name: spec.get("default") for name, spec in PASSES.items()}, **module.params}
        _refuse(_option_problems(options))
        worker = _worker[-1] if _worker else None
        if worker:
            calls.ensure_wanted = worker.ensure_wanted
        progress = options["progress"] or {}
        written = dict(progress.get(WRITTEN) or {})
        calls.memory.written = read(Written, written.get(_where(module.params)) or {})
        calls.handed_on = dict(written.get(HANDED_ON) or {})
        step = build(calls, clock)
        attempted = step.attempted
        timing = Timing(wait_timeout=options["wait_timeout"], poll_interval=options["poll_interval"])
        if options["wait"]:
            outcome = run_to_the_end(
                step,
                clock,
                timing,
                check_mode=module.check_mode,
                tell=worker.tell if worker else lambda event: None,
                ensure_wanted=worker.ensure_wanted if worker else None,
                ask=worker.ask if worker else nobody,
                follow=worker.follow if worker else None,
            )
        else:
            calls.go_on(progress.get(PATIENCE) or {})
            outcome = run_pass(step, progress, clock, timing, check_mode=module.check_mode)
            outcome.progress[PATIENCE] = calls.patience
        failure = None
    except RolloutError as error:
        failure = _failure(error)
    except Exception as error:
        failure = _unforeseen(attempted, error)
    # Outside of except, or Ansible would add the exception's own words to ours.
    result = failure if failure is not None else outcome.as_result()
    written[_where(module.params)] = as_plain(calls.memory.written)
    if calls.handed_on:
        written[HANDED_ON] = calls.handed_on
    result["progress"] = {**(result.get("progress") or {}), WRITTEN: written}
    if failure is not None:
        module.fail_json(**result)
    module.exit_json(**result)


def _where(params: Mapping[str, Any]) -> str:
    """A digest of where calls go, so that what was written elsewhere is not missed here."""
    options = [params.get(name) for name in ("region", "endpoint_url", "profile", "access_key")]
    environment = [value for name, value in sorted(os.environ.items()) if name.startswith("AWS_")]
    return hashlib.sha256(repr([options, environment]).encode()).hexdigest()[:12]


@dataclass
class Question:
    """A step that only reads: C(answer) is what it returns."""

    attempted: str
    answer: Callable[[], Mapping[str, Any]]
    show: Callable[[Mapping[str, Any]], Sequence[Event]] = lambda answer: ()
    subject: str = ""
    state: str = ""
    takes: float = 0.0

    keeps = Progress

    def look(self, progress: Progress, tell: Tell) -> Decision:
        """Be done at once with the answer."""
        answer = self.answer()
        for event in self.show(answer):
            tell(event)
        return Done(answer)

    def preview(self) -> Mapping[str, Any]:
        """Nothing: it never decides on a change."""
        return {}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _option_problems(options: Mapping[str, Any]) -> list[str]:
    problems = []
    if options["wait_timeout"] < 0:
        problems.append(f"wait_timeout is {options['wait_timeout']}; it must be 0 seconds or more")
    if options["poll_interval"] < SHORTEST_POLL_INTERVAL:
        problems.append(
            f"poll_interval is {options['poll_interval']:g}; it must be at least {SHORTEST_POLL_INTERVAL} seconds"
        )
    if options["lease_duration"] < SHORTEST_LEASE:
        problems.append(
            f"lease_duration is {options['lease_duration']}; it must be at least {SHORTEST_LEASE} seconds"
        )
    return problems


def _refuse(problems: list[str]) -> None:
    if problems:
        raise InvalidInput(problems)


def _client(module: Any, service: str) -> Any:
    if not module.region:
        profile = module.params.get("profile")
        raise NoCredentials(
            f"connect to {service}",
            answer=f"profile {profile} does not exist or names no region" if profile else "no region is set",
            advice="Set the option region, the environment variable AWS_REGION, or a region in the profile.",
        )
    try:
        region, endpoint, options = get_aws_connection_info(module)
        return clients.client(
            service, region=str(region), endpoint=endpoint, config=CLIENT_CONFIG, options=options
        )
    except (TypeError, ValueError) as error:
        # botocore's words for an option of aws_config that it does not know, or a URL that is none.
        raise InvalidInput([f"the connection options cannot be used: {error}"]) from error


def _failure(error: RolloutError) -> dict[str, Any]:
    failure: dict[str, Any] = {"changed": False, **(error.outcome or {})}
    failure.update(getattr(error, "result", None) or {})
    failure.update(msg=str(error), reason=error.reason)
    if isinstance(error, InvalidInput):
        failure["problems"] = list(error.problems)
    else:
        words = {name: getattr(error, name) for name in ("attempted", "answer", "state", "advice")}
        failure.update({name: text for name, text in words.items() if text})
    if isinstance(error, AwsError):
        failure["error_code"] = error.code
    if isinstance(error, AccessDenied):
        failure["missing_permission"] = error.action
    return failure


def _unforeseen(attempted: str, error: Exception) -> dict[str, Any]:
    innermost = traceback.extract_tb(error.__traceback__)[-1]
    return {
        "msg": f"{attempted}: something that progressive.aws did not foresee:"
        f" {type(error).__name__}: {error} ({Path(innermost.filename).name}, line {innermost.lineno})."
        " What was done until then is in the journal; running the same again goes on from there."
        " Please report this line to the collection.",
        "reason": "unforeseen",
        "attempted": attempted,
        "answer": f"{type(error).__name__}: {error}",
    }
