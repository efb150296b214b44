# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's end says what its step came to, and every failure reads as a sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.progressive.aws.plugins.module_utils import modules
from ansible_collections.progressive.aws.plugins.module_utils.aws.calls import Calls
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import (
    AccessDenied,
    InvalidInput,
    LaunchFailed,
    RolloutError,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import (
    Change,
    Clock,
    Decision,
    Done,
    Event,
    Step,
    Wait,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.progress import Progress


@dataclass
class CountdownProgress(Progress):
    begun: bool = False
    looks: int = 0


class Countdown:
    """A step that changes something once, tells of it, and is done after so many looks."""

    attempted = "count down"
    subject = "countdown"
    state = ""
    takes = 0.0
    keeps = CountdownProgress

    def __init__(self, looks: int = 0) -> None:
        self.looks = looks
        self.changes = 0

    def look(self, progress: CountdownProgress, tell: Callable[[Event], None]) -> Decision:
        if not progress.begun:
            return Change(("begin",), lambda: self._begin(progress))
        progress.looks += 1
        if progress.looks > self.looks:
            return Done({"reached": 0})
        return Wait(("a while",))

    def preview(self) -> Mapping[str, Any]:
        return {"reached": "nothing yet"}

    def _begin(self, progress: CountdownProgress) -> None:
        self.changes += 1
        progress.begun = True


class Failing(Countdown):
    """A step that begins and then fails with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def look(self, progress: CountdownProgress, tell: Callable[[Event], None]) -> Decision:
        if progress.begun:
            raise self.error
        return super().look(progress, tell)


@pytest.fixture(autouse=True)
def nobodys_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in (
        "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text("[profile here]\nregion = eu-west-1\n[profile nowhere]\noutput = json\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a step as a module and return what the module prints."""

    def run(
        build: Callable[[Calls, Clock], Step] | Step, *, check_mode: bool = False, **options: Any
    ) -> dict[str, Any]:
        step = build if callable(build) else lambda calls, clock: build
        arguments = {"poll_interval": 0.1, **options, "_ansible_check_mode": check_mode}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            modules.run_module(modules.aws_module({}), step)
        return dict(json.loads(capsys.readouterr().out))

    return run


Runner = Callable[..., dict[str, Any]]


def call_aws(service: str = "autoscaling", operation: str = "DescribeAutoScalingGroups") -> Any:
    """A step that calls AWS."""

    def build(calls: Calls, clock: Clock) -> Step:
        return modules.Question("describe groups", lambda: calls(service, operation, "describe groups"))

    return build


def client_of(**options: Any) -> Any:
    """The client that a module with these options would use."""
    found = []

    def build(calls: Calls, clock: Clock) -> Step:
        return modules.Question("look", lambda: found.append(calls.client("autoscaling")) or {})

    with patch_module_args(options), pytest.raises(SystemExit):
        modules.run_module(modules.aws_module({}), build)
    return found[0]


# ------------------------------------------------------------------------ ends


def test_a_module_that_waits_runs_its_step_to_the_end(run: Runner) -> None:
    result = run(Countdown(looks=2))
    assert (result["done"], result["changed"], result["reached"]) == (True, True, 0)
    assert result["actions"] == ["begin"]
    assert [(one["kind"], one["subject"], one["text"]) for one in result["events"]] == [
        ("change", "countdown", "begin")
    ]
    assert abs(result["events"][0]["at"] - time.time()) < 60


def test_a_module_that_does_not_wait_makes_one_pass_and_tells_the_next_one_where_it_stands(
    run: Runner,
) -> None:
    step = Countdown(looks=1)
    first = run(step, wait=False)
    assert (first["done"], first["changed"], first["waiting_for"]) == (False, True, ["a while"])
    second = run(step, wait=False, progress=first["progress"])
    assert (second["done"], second["changed"], second["reached"]) == (True, False, 0)
    assert step.changes == 1


def test_what_one_pass_spent_on_repeating_calls_the_next_one_does_not_have(run: Runner) -> None:
    progress = {"begun": True, "patience": {"spent": 40.0, "at_rest_since": None}}
    after = run(Countdown(looks=1), wait=False, progress=progress)["progress"]
    assert after["patience"]["spent"] == 40.0


def test_in_check_mode_nothing_is_changed_and_the_plan_is_returned(run: Runner) -> None:
    step = Countdown()
    result = run(step, check_mode=True)
    assert (result["changed"], result["actions"], result["reached"]) == (True, ["begin"], "nothing yet")
    assert step.changes == 0


def test_a_failure_returns_its_words_and_what_had_been_done_until_then(run: Runner) -> None:
    error = LaunchFailed("upgrade x", answer="No capacity", state="x has 0 of 1.", advice="Try another zone.")
    result = run(Failing(error))
    assert result["failed"]
    assert result["msg"] == "upgrade x: No capacity. x has 0 of 1. Try another zone."
    assert result["reason"] == "launch_failed"
    assert (result["attempted"], result["answer"]) == ("upgrade x", "No capacity")
    assert (result["state"], result["advice"]) == ("x has 0 of 1.", "Try another zone.")
    assert (result["changed"], result["actions"], result["done"]) == (True, ["begin"], False)


def test_a_failure_may_carry_what_the_step_had_found_out(run: Runner) -> None:
    error = RolloutError("verify x", answer="too slow")
    error.result = {"verdict": "fail"}  # type: ignore[attr-defined]
    result = run(Failing(error))
    assert (result["failed"], result["verdict"]) == (True, "fail")


def test_refused_input_returns_all_its_problems(run: Runner) -> None:
    def build(calls: Calls, clock: Clock) -> Step:
        raise InvalidInput(["a is empty", "b is too long"])

    result = run(build)
    assert (result["reason"], result["changed"]) == ("invalid_input", False)
    assert result["problems"] == ["a is empty", "b is too long"]


def test_a_denied_call_names_the_permission_that_is_missing(run: Runner) -> None:
    error = AccessDenied(
        "resize x", action="autoscaling:UpdateAutoScalingGroup", code="AccessDenied", answer="You may not"
    )
    result = run(Failing(error))
    assert result["missing_permission"] == "autoscaling:UpdateAutoScalingGroup"
    assert result["error_code"] == "AccessDenied"


def test_an_unforeseen_exception_becomes_one_sentence_that_can_be_reported(run: Runner) -> None:
    result = run(Failing(KeyError("Instances")))
    assert result["reason"] == "unforeseen"
    assert result["msg"].startswith("count down: ")
    assert "KeyError: 'Instances'" in result["msg"]
    assert "test_modules.py, line " in result["msg"]
    assert "report" in result["msg"]
    assert "exception" not in result


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"poll_interval": 0.05}, "poll_interval is 0.05; it must be at least 0.1 seconds"),
        ({"wait_timeout": -1}, "wait_timeout is -1; it must be 0 seconds or more"),
        ({"lease_duration": 5}, "lease_duration is 5; it must be at least 15 seconds"),
    ],
)
def test_options_of_passes_that_make_no_sense_are_refused(run: Runner, options: Any, problem: str) -> None:
    step = Countdown()
    assert run(step, **options)["problems"] == [problem]
    assert step.changes == 0


# ----------------------------------------------------------------- connections


def test_without_a_region_it_says_where_to_set_one(run: Runner) -> None:
    result = run(call_aws(), access_key="a", secret_key="b")
    assert result["reason"] == "no_credentials"
    assert "no region is set" in result["msg"]
    assert "AWS_REGION" in result["msg"]


def test_without_credentials_it_says_where_to_set_them(run: Runner) -> None:
    result = run(call_aws(), region="eu-west-1")
    assert result["reason"] == "no_credentials"
    assert "AWS_ACCESS_KEY_ID" in result["msg"]
    assert "exception" not in result


@pytest.mark.parametrize("profile", ["nowhere", "unknown"])
def test_a_profile_that_names_no_region_is_named(run: Runner, profile: str) -> None:
    result = run(call_aws(), profile=profile)
    assert result["reason"] == "no_credentials"
    assert f"profile {profile} does not exist or names no region" in result["msg"]


def test_a_profile_that_does_not_exist_is_named_where_the_region_is_known(run: Runner) -> None:
    result = run(call_aws(), profile="unknown", region="eu-west-1")
    assert result["reason"] == "no_credentials"
    assert "unknown" in result["msg"]
    assert "exception" not in result


@pytest.mark.parametrize(
    ("options", "named"),
    [({"aws_config": {"no_such": 1}}, "no_such"), ({"endpoint_url": "nonsense"}, "nonsense")],
)
def test_connection_options_that_cannot_be_used_are_refused(run: Runner, options: Any, named: str) -> None:
    result = run(call_aws(), region="eu-west-1", access_key="a", secret_key="b", **options)
    assert result["reason"] == "invalid_input"
    assert named in result["msg"]


def test_the_region_of_a_profile_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert client_of(profile="here").meta.region_name == "eu-west-1"


def test_botocore_does_not_retry_beside_the_one_time_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    assert client_of(region="eu-west-1").meta.config.retries["total_max_attempts"] == 1


def test_what_the_user_sets_in_aws_config_wins() -> None:
    config = client_of(
        region="eu-west-1", aws_config={"read_timeout": 7, "retries": {"max_attempts": 2}}
    ).meta.config
    assert config.read_timeout == 7
    assert config.retries["total_max_attempts"] == 3
    assert config.connect_timeout == modules.CLIENT_CONFIG["connect_timeout"]


def test_a_step_that_calls_nothing_needs_no_region(run: Runner) -> None:
    assert run(Countdown())["done"]


# --------------------------------------------------------------------- options


def test_a_series_is_named_by_its_parts_or_by_itself() -> None:
    parts = {"application": "shop", "service": "check out", "environment": "prod", "series": None}
    assert modules.series_of(parts) == "shop__check__out__prod"
    assert modules.series_of({**dict.fromkeys(parts), "series": "shop__a__b"}) == "shop__a__b"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"series": None, "application": "shop", "service": " ", "environment": "prod"}, "service is empty"),
        ({"series": "a" * 256}, "256 characters"),
        ({"series": ""}, "the series name is empty"),
    ],
)
def test_a_name_that_no_group_could_have_is_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        modules.series_of(options)


def test_a_group_stands_in_for_a_series() -> None:
    nothing = dict.fromkeys(("series", *modules.SERIES_PARTS))
    assert modules.series_unless_group({"group": "x", **nothing}) is None
    assert modules.series_unless_group({"group": None, **nothing, "series": "a__b__c"}) == "a__b__c"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"group": "x", "series": "y"},
        {"group": "x", "application": "a", "service": "b", "environment": "c"},
        {"series": "y", "application": "a", "service": "b", "environment": "c"},
        {"application": "a", "environment": "c"},
    ],
)
def test_exactly_one_way_of_naming_is_taken(options: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with patch_module_args(options), pytest.raises(SystemExit):
        modules.aws_module({**modules.SERIES, "group": {"type": "str"}}, **modules.GROUP_OR_SERIES_RULES)
    assert json.loads(capsys.readouterr().out)["failed"]


def test_a_list_that_is_not_given_is_not_an_empty_one() -> None:
    assert modules.unless_unset(None) is None
    assert modules.unless_unset([]) == ()
    assert modules.unless_unset(["a"]) == ("a",)


def test_tags_are_text() -> None:
    assert modules.texts({"on": True, "build": 4, "none": None, 7: "x"}) == {
        "on": "true",
        "build": "4",
        "none": "",
        "7": "x",
    }


def test_phases_keep_their_order_and_names() -> None:
    phases = modules.wanted_phases(
        [{"name": "Canary", "percent": 25, "count": None}, {"name": None, "percent": None, "count": 4}]
    )
    assert [(one.name, one.percent, one.count) for one in phases] == [("Canary", 25, None), ("", None, 4)]
    assert modules.wanted_phases(None) is None


def test_without_an_owner_it_is_this_process() -> None:
    params = {"lease_owner": None, "lease_duration": 60, "take_over": True, "on_drift": "adopt"}
    mine = modules.deployer(params)
    assert mine.owner == modules.lease_owner.run_name(modules.os.getpid())
    assert (mine.lease_duration, mine.take_over, mine.on_drift) == (60, True, "adopt")
    assert modules.deployer({**params, "lease_owner": "build-7"}).owner == "build-7"


def test_what_one_step_has_written_the_next_one_knows_at_the_same_place(run: Runner) -> None:
    known: list[list[str]] = []

    def writes(calls: Calls, clock: Clock) -> Step:
        known.append(sorted(calls.memory.written.groups))
        calls.memory.note("DeleteAutoScalingGroup", {"AutoScalingGroupName": "x"}, {}, clock.now())
        return Countdown()

    def fails(calls: Calls, clock: Clock) -> Step:
        writes(calls, clock)
        return Failing(LaunchFailed("grow"))

    progress = run(fails, region="us-east-1")["progress"]
    progress = run(writes, region="us-east-2", progress=progress)["progress"]
    progress = run(writes, region="us-east-1", progress=progress, wait=False)["progress"]
    run(writes, region="us-east-1", progress={})
    assert known == [[], [], ["x"], []]
