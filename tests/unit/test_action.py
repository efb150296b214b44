# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes are repeated until the step is done, and each of their events is one line on the terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleAction, AnsibleActionFail, AnsiblePromptNoninteractive
from ansible_collections.progressive.aws.plugins.module_utils.core import lease_owner
from ansible_collections.progressive.aws.plugins.module_utils.reporting.run_record import reason_of, record_of
from ansible_collections.progressive.aws.plugins.plugin_utils import reconcile

SIX, SEVEN = "checkout__prod__6", "checkout__prod__7"


def event(text: str, subject: str = SEVEN, kind: str = "capacity") -> dict[str, Any]:
    return {"kind": kind, "subject": subject, "text": text}


def a_pass(*events: dict[str, Any], done: bool = False, **more: Any) -> dict[str, Any]:
    """What a module returns of a pass."""
    return {
        "changed": False,
        "done": done,
        "actions": [],
        "events": list(events),
        "progress": {},
        "waiting_for": [],
        **more,
    }


def printed(result: dict[str, Any]) -> dict[str, Any]:
    """What Ansible prints of a result."""
    return {name: value for name, value in result.items() if not name.startswith("_ansible_")}


class Terminal:
    """What was shown, line by line, with its colour."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str | None]] = []
        self.answer: bytes | None = None
        self.prompts: list[str] = []
        self.verbosity = 0

    def prompt_until(self, prompt: str) -> bytes:
        self.prompts.append(prompt)
        if self.answer is None:
            raise AnsiblePromptNoninteractive("stdin is not interactive")
        return self.answer

    def display(self, text: str, color: str | None = None, stderr: bool = False) -> None:
        self.shown.append((text, color))

    @property
    def texts(self) -> list[str]:
        """The lines without the time of day."""
        return [text.partition(" ")[2] for text, _ in self.shown]


class World:
    """A module that returns one prepared pass after the other, and the clock of the action that calls it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passes: list[dict[str, Any]] = []
        self.given: list[dict[str, Any]] = []
        self.slept: list[float] = []
        self.parent = os.getppid()
        self.terminal = Terminal()
        monkeypatch.setattr(reconcile.time, "sleep", self.slept.append)
        monkeypatch.setattr(reconcile.os, "getppid", lambda: self.parent)
        monkeypatch.setattr(reconcile, "Display", lambda: self.terminal)
        self.module_ends: Callable[[], None] = lambda: None
        self.headline = ""

    def run(
        self, *passes: dict[str, Any], task: dict[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        self.passes = list(passes)
        settings = {
            "action": "progressive.aws.asg_upgrade",
            "async_val": 0,
            "failed_when": [],
            "check_mode": False,
            "no_log": False,
            "register": None,
            "ignore_errors": None,
        }
        action = reconcile.ActionModule(
            task=SimpleNamespace(args=options, **{**settings, **(task or {})}),
            connection=SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"), transport="ssh", become=None),
            play_context=SimpleNamespace(),
            loader=None,
            templar=None,
            shared_loader_obj=None,
        )
        action._execute_module = self.execute_module
        try:
            return dict(action.run(task_vars={}))
        except AnsibleActionFail:
            raise
        except AnsibleAction as failure:
            self.headline = failure.message
            return dict(failure.result)

    def execute_module(self, *, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        self.given.append(module_args)
        self.module_ends()
        return self.passes.pop(0)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


# --------------------------------------------------------------------- passes


def test_passes_are_repeated_until_one_is_done(world: World) -> None:
    result = world.run(a_pass(), a_pass(), a_pass(done=True, desired_capacity=2))
    assert len(world.given) == 3
    assert (result["done"], result["desired_capacity"]) == (True, 2)


def test_each_pass_is_told_what_the_one_before_had_to_say(world: World) -> None:
    world.run(a_pass(progress={"n": 1}), a_pass(progress={"n": 2}), a_pass(done=True), group="x")
    assert [given["progress"] for given in world.given] == [{}, {"n": 1}, {"n": 2}]
    assert all(given["group"] == "x" and given["wait"] is False for given in world.given)


def test_it_ends_at_a_failure_and_returns_what_was_done_before(world: World) -> None:
    result = world.run(
        a_pass(changed=True, actions=["resize"]),
        a_pass(failed=True, msg="no capacity", reason="launch_failed"),
        task={"register": "upgraded"},
    )
    assert (result["failed"], result["msg"], result["reason"]) == (True, "no capacity", "launch_failed")
    assert (result["changed"], result["actions"]) == (True, ["resize"])


def test_a_module_that_crashes_ends_it(world: World) -> None:
    result = world.run(a_pass(changed=True), {"failed": True, "msg": "MODULE FAILURE", "rc": 1})
    assert (result["failed"], result["changed"]) == (True, True)


def test_without_waiting_it_makes_one_pass(world: World) -> None:
    result = world.run(a_pass(waiting_for=["1 instance is pending"]), wait="no")
    assert (result["done"], result["waiting_for"]) == (False, ["1 instance is pending"])


def test_in_check_mode_it_makes_one_pass(world: World) -> None:
    world.run(a_pass(event("to 2", kind="plan"), changed=True), task={"check_mode": True})
    assert world.terminal.texts == [f"{SEVEN}  to 2"]


def test_it_sleeps_only_after_passes_that_did_and_told_nothing(world: World) -> None:
    world.run(a_pass(changed=True), a_pass(event("1/2")), a_pass(), a_pass(done=True), poll_interval=3)
    assert world.slept == [3.0]


@pytest.mark.parametrize("interval", ["often", None])
def test_an_interval_that_makes_no_sense_is_left_to_the_module_to_refuse(world: World, interval: Any) -> None:
    world.run(a_pass(), a_pass(done=True), poll_interval=interval)
    assert world.slept == [5.0]


def test_it_stops_when_the_play_is_gone(world: World) -> None:
    def die() -> None:
        world.parent = 1

    world.module_ends = die
    with pytest.raises(AnsibleActionFail, match="gone"):
        world.run(a_pass(), a_pass(done=True))
    assert len(world.given) == 1


def test_the_owner_is_the_process_of_the_play_for_all_passes_and_tasks(world: World) -> None:
    world.run(a_pass(), a_pass(done=True))
    world.run(a_pass(done=True))
    assert {given["lease_owner"] for given in world.given} == {lease_owner.run_name(os.getppid())}


def test_an_owner_that_is_given_is_kept(world: World) -> None:
    world.run(a_pass(done=True), lease_owner="build-7")
    assert world.given[0]["lease_owner"] == "build-7"


def test_an_option_that_is_null_is_an_option_not_given(world: World) -> None:
    world.run(a_pass(done=True), percent=None, count=2, lease_owner=None)
    assert "percent" not in world.given[0]
    assert (world.given[0]["count"], world.given[0]["lease_owner"]) == (2, lease_owner.run_name(os.getppid()))


def test_async_is_refused_in_words(world: World) -> None:
    with pytest.raises(AnsibleActionFail, match=r"asg_upgrade cannot run with async.*wait_timeout"):
        world.run(task={"async_val": 60})
    assert not world.given


def test_the_report_is_run_once_with_its_own_options_and_shown(world: World) -> None:
    table = [event("  group  status", subject=""), event("  x      live", subject="")]
    result = world.run(
        {"changed": False, "events": table, "report": {}},
        task={"action": "progressive.aws.canary_report"},
        outcome="live",
        reason=None,
    )
    assert world.given == [{"outcome": "live"}]
    assert [text for text, _ in world.terminal.shown] == ["  group  status", "  x      live"]
    assert result["report"] == {}


# --------------------------------------------------------------------- results


def test_what_all_passes_did_and_told_is_added_up(world: World) -> None:
    result = world.run(
        a_pass(event("resize", kind="change"), changed=True, actions=["resize a"], warnings=["old"]),
        a_pass(event("1/2"), warnings=["old"]),
        a_pass(event("2/2"), changed=True, actions=["resize b"], done=True, warnings=["new"]),
    )
    assert result["changed"]
    assert result["actions"] == ["resize a", "resize b"]
    assert [one["text"] for one in result["events"]] == ["resize", "1/2", "2/2"]
    assert result["warnings"] == ["old", "new"]


def test_what_passes_tell_one_another_is_not_returned(world: World) -> None:
    result = world.run(
        a_pass(done=True, progress={"n": 1}, invocation={"module_args": {"group": "x", "progress": {"n": 0}}})
    )
    assert "progress" not in result
    assert result["invocation"] == {"module_args": {"group": "x"}}
    assert "waiting_for" not in result


# ----------------------------------------------------------------------- lines


def test_an_event_is_one_line_with_the_time_of_day() -> None:
    at = time.struct_time((2026, 3, 4, 10, 42, 7, 0, 0, 0))
    assert (
        reconcile.line(event("[##......] 1/4 in service, 1 pending"), at)
        == "10:42:07 checkout__prod__7  [##......] 1/4 in service, 1 pending"
    )
    assert reconcile.line(event("AWS said\nthis"), at) == "10:42:07 checkout__prod__7  AWS said this"


def test_lines_come_in_the_order_of_events_and_before_the_failure(world: World) -> None:
    result = world.run(
        a_pass(event("0/1")), a_pass(event("launch failed", kind="failure"), failed=True, msg="x")
    )
    assert world.terminal.texts == [f"{SEVEN}  0/1", f"{SEVEN}  launch failed"]
    assert printed(result) == {"failed": True, "msg": "x", "changed": False}


REFUSAL = {"failed": True, "msg": "Refused: no group.", "reason": "invalid_input", "problems": ["no group"]}
FAILURE = {
    "failed": True,
    "msg": "resize x: no capacity. x has 1. Wait.",
    "reason": "launch_failed",
    "attempted": "resize x",
    "answer": "no capacity",
    "state": "x has 1",
    "advice": "Wait",
}


def test_a_failure_is_its_message_and_the_rest_is_where_only_a_rescue_finds_it(world: World) -> None:
    told, failure = event("0/1"), event("launch failed", kind="failure")
    result = world.run(a_pass(told), a_pass(failure, series=[{"metric": "cpu"}], **FAILURE))
    assert printed(result) == {
        name: value for name, value in FAILURE.items() if name in ("failed", "msg", "reason")
    } | {"changed": False}
    hidden = result["_ansible_evidence"]
    assert (hidden["events"], hidden["series"]) == ([told, failure], [{"metric": "cpu"}])
    assert (hidden["advice"], world.headline) == ("Wait", "Failed to resize x.")


@pytest.mark.parametrize("task", [{"register": "x"}, {"ignore_errors": True}])
def test_a_failure_that_the_playbook_reads_is_whole(world: World, task: dict[str, Any]) -> None:
    result = world.run(a_pass(verdict="fail", events=[event("0/1")], **FAILURE), task=task)
    assert result["verdict"] == "fail"
    assert result["advice"] == "Wait"


def test_a_failure_is_whole_where_more_is_asked_for(world: World) -> None:
    world.terminal.verbosity = 1
    result = world.run(a_pass(verdict="fail", **FAILURE), run=[])
    assert (result["verdict"], result["msg"]) == ("fail", FAILURE["msg"])
    assert "run" not in result


def test_a_step_of_the_role_tells_why_it_failed_in_lines_and_the_end_of_the_run_tells_it_whole(
    world: World,
) -> None:
    result = world.run(a_pass(verdict="fail", **FAILURE), run=[])
    assert [text for text, _ in world.terminal.shown] == ["  resize x: no capacity", "  x has 1", "  Wait"]
    assert printed(result) == {
        "changed": False,
        "failed": True,
        "msg": "Failed to resize x.",
        "reason": "launch_failed",
    }
    assert reason_of(result) == FAILURE["msg"]
    assert record_of(result)["reason"] == FAILURE["msg"]


def test_a_refusal_in_the_role_is_told_by_the_end_of_the_run_alone(world: World) -> None:
    result = world.run(a_pass(**REFUSAL), run=[])
    assert world.terminal.shown == []
    assert printed(result)["msg"] == world.headline == "Refused, nothing was touched."
    assert reason_of(result) == "Refused: no group."


def test_a_failure_that_is_not_to_be_logged_is_told_by_no_line(world: World) -> None:
    world.run(a_pass(**FAILURE), run=[], task={"no_log": True})
    assert world.terminal.shown == []
    assert world.headline == "The step failed."


@pytest.mark.parametrize(("typed", "answer"), [(b" yes ", "yes"), (None, "")])
def test_a_pass_that_asks_is_followed_by_one_with_the_answer(
    world: World, typed: bytes | None, answer: str
) -> None:
    world.terminal.answer = typed
    result = world.run(a_pass(asks="Really", progress={"n": 1}), a_pass(done=True))
    assert world.terminal.prompts == ["Really: "]
    assert world.given[-1]["progress"] == {"n": 1, "answer": answer}
    assert "asks" not in result
    assert world.slept == []


def test_the_same_line_at_another_time_is_not_shown_again(world: World) -> None:
    result = world.run(a_pass(event("1/2") | {"at": 1.0}), a_pass(event("1/2") | {"at": 2.0}, done=True))
    assert world.terminal.texts == [f"{SEVEN}  1/2"]
    assert [one["at"] for one in result["events"]] == [1.0]


def test_the_same_line_is_not_shown_twice_in_a_row(world: World) -> None:
    result = world.run(
        a_pass(event("1/2"), event("4/4", SIX)), a_pass(event("1/2")), a_pass(event("4/4", SIX), done=True)
    )
    assert world.terminal.texts == [f"{SEVEN}  1/2", f"{SIX}  4/4"]
    assert len(result["events"]) == 2


def test_a_state_that_comes_back_is_shown_again(world: World) -> None:
    world.run(a_pass(event("2/2")), a_pass(event("1/2")), a_pass(event("2/2"), done=True))
    assert world.terminal.texts == [f"{SEVEN}  2/2", f"{SEVEN}  1/2", f"{SEVEN}  2/2"]


def test_changes_warnings_and_failures_have_colours(world: World) -> None:
    kinds = ("change", "warning", "failure", "capacity", "verdict")
    world.run(a_pass(*(event(kind, kind=kind) for kind in kinds), done=True))
    assert [colour for _, colour in world.terminal.shown] == [
        constants.COLOR_CHANGED,
        constants.COLOR_WARN,
        constants.COLOR_ERROR,
        None,
        None,
    ]


def test_a_task_that_is_not_to_be_logged_shows_nothing(world: World) -> None:
    world.run(a_pass(event("secret"), done=True), task={"no_log": True})
    assert world.terminal.shown == []


def test_what_a_step_has_written_is_told_to_the_next_one_for_the_same_host() -> None:
    written = {"written": {"here": {"groups": {}}}}
    reconcile.StepMemory("one").keep({"progress": {**written, "n": 1}})
    reconcile.StepMemory("one").keep({"failed": True})
    assert reconcile.StepMemory("one").read() == written
    assert reconcile.StepMemory("two").read() == {}
