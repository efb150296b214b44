# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role was given is looked at before anything is touched."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.aws.plugins.module_utils import modules, role_input
from ansible_collections.progressive.aws.plugins.module_utils.core.hooks import MOMENTS, read_hooks

ROLE = Path(__file__).resolve().parents[2] / "roles" / "canary"


def test_the_variables_are_those_of_the_roles_specification_and_defaults() -> None:
    specification = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
    assert set(specification["argument_specs"]["main"]["options"]) == role_input.VARIABLES
    assert set(yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())) <= role_input.VARIABLES


def test_every_optional_variable_may_be_an_empty_text_as_a_survey_has_it() -> None:
    specification = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
    options = specification["argument_specs"]["main"]["options"].items()
    assert not [
        name
        for name, option in options
        if not option.get("required") and (option["type"] not in ("raw", "str") or option.get("choices"))
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("canary_verfy", "canary_verify"),
        ("canary_imageid", "canary_image_id"),
        ("canary_phase_s", "canary_phases"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_right_one(name: str, meant: str) -> None:
    refused, warned = role_input.unknown_variables(["canary_phases", name, "other"])
    assert (refused, warned) == ([f"there is no variable {name}; did you mean {meant}?"], [])


def test_a_variable_that_is_like_none_is_warned_of() -> None:
    refused, warned = role_input.unknown_variables(["canary_zoo_keeper", "canary_verify", "canary_phase"])
    assert refused == []
    assert len(warned) == 1


def test_whatever_a_later_step_would_refuse_is_refused_at_once(tmp_path: Path) -> None:
    given = {
        "variables": ["canary_verfy"],
        "settle_time": -5,
        "steady_state_timeout": 0,
        "keep_revisions": -1,
        "rollback_order": "traffic first",
        "rollback_floor": 50,
        "report": ["x.txt", str(tmp_path / "no" / "x.json")],
        "folder": str(tmp_path),
    }
    phases = [
        {"name": "One", "pause": -3, "before": ["gone.yml"]},
        {"name": "One"},
        {"name": " "},
    ]
    found = "\n".join(role_input.problems(given, phases))
    for words in (
        "did you mean canary_verify",
        "canary_settle_time is -5",
        "canary_steady_state_timeout is 0",
        "canary_keep_revisions is -1",
        "canary_rollback_order is 'traffic first'; it must be capacity or traffic",
        "canary_rollback_floor is 50; it must be 1 or less",
        "x.txt",
        f"there is no folder {tmp_path / 'no'}",
        "pause -3",
        "there is no task file",
        "2 phases are called 'One'",
        "a phase has no name",
    ):
        assert words in found


@pytest.mark.parametrize(
    ("watch", "watched"),
    [
        ({}, []),
        ({"metrics": []}, ["B verify", "C upgrade", "C bake"]),
        ({"after": "B"}, ["C upgrade", "C bake"]),
        ({"after": "C"}, ["C bake"]),
    ],
)
def test_the_steps_after_a_phase_are_watched(watch: dict[str, object], watched: list[str]) -> None:
    phases = [
        {"name": "A", "verify": {"duration": 1}},
        {"name": "B", "verify": {"duration": 1}},
        {"name": "C"},
    ]
    after, wrong = role_input.watch_of(phases, watch)
    steps = role_input.steps(phases, "/plays", bakes=True, watched_after=after)
    found = [f"{one['called']} {one['do']}" for one in steps if one.get("watched")]
    assert wrong == []
    assert [one for one in found if not one.endswith("prune")][-len(watched or [1]) :] == watched


def test_a_fresh_baseline_comes_up_in_the_phases_that_need_one() -> None:
    phases = [{"name": "A", "verify": {"duration": 1}}, {"name": "B"}, {"name": "C"}]
    steps = role_input.steps(phases, "/plays", fresh=[0])
    assert [(one["called"], one["do"]) for one in steps if one.get("baseline") == "fresh"] == [
        ("A", "upgrade")
    ]


def test_a_watch_after_a_phase_that_there_is_not_is_refused() -> None:
    __, wrong = role_input.watch_of([{"name": "A"}], {"after": "B"})
    assert wrong == ["canary_watch begins after 'B', and the phases are 'A'"]


@pytest.mark.parametrize("value", ["soon", "nan", "inf", [], {}, "-inf"])
def test_what_is_no_number_is_told(value: object) -> None:
    (problem,) = role_input.problems({"settle_time": value}, [{"name": "All"}])
    assert problem.startswith("canary_settle_time is ")


def test_numbers_may_be_text_and_an_empty_one_is_none(tmp_path: Path) -> None:
    given = {"settle_time": "5", "steady_state_timeout": "", "keep_revisions": None}
    assert not list(role_input.problems(given, [{"name": "All"}]))


def test_the_steps_of_the_phases_come_in_their_order() -> None:
    phases = [
        {"name": "A", "before": ["b.yml"], "verify": {"duration": 1, "on_inconclusive": "pause"}},
        {"name": "B", "after": "/a.yml"},
    ]
    steps = role_input.steps(phases, "/plays")
    assert [(one["phase"], one["do"], one.get("file")) for one in steps] == [
        (0, "task_file", "/plays/b.yml"),
        (0, "upgrade", None),
        (0, "verify", None),
        (1, "upgrade", None),
        (1, "task_file", "/a.yml"),
        (1, "prune", None),
    ]
    assert [one["do"] for one in role_input.steps(phases, "/plays", bakes=True)][-2:] == ["bake", "prune"]
    assert [one["so_far"] for one in steps[:3]] == [
        "task_file",
        "task_file upgrade",
        "task_file upgrade verify",
    ]


PHASES = [{"name": "A", "verify": {"duration": 1}, "after": "/a.yml"}, {"name": "B"}, {"name": "C"}]


@pytest.mark.parametrize(
    ("given", "done", "left"),
    [
        ({}, ["0 upgrade", "0 verify", "0 task_file", "1 upgrade", "2 upgrade", "2 prune"], []),
        ({"until_phase": "A"}, ["0 upgrade", "0 verify", "0 task_file"], ["B", "C"]),
        ({"from_phase": "B", "until_phase": " B "}, ["1 upgrade"], ["C"]),
        ({"from_phase": "C", "until_phase": ""}, ["2 upgrade", "2 prune"], []),
    ],
)
def test_a_part_of_the_workflow_has_the_steps_of_its_phases(
    given: dict[str, str], done: list[str], left: list[str]
) -> None:
    part, problems = role_input.part_of(PHASES, given)
    assert problems == []
    steps = role_input.steps(PHASES, "/", part)
    assert [f"{one['phase']} {one['do']}" for one in steps] == done
    assert list(part.left) == left
    handed = [one["do"] for one in steps if one.get("hand_over")]
    assert handed == ([[one for one in done if "task" not in one][-1].split()[1]] if left else [])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"from_phase": "D"}, "canary_from_phase is 'D', and the phases are 'A', 'B', 'C'"),
        ({"until_phase": "a"}, "canary_until_phase is 'a'"),
        ({"from_phase": "C", "until_phase": "A"}, "canary_from_phase 'C' comes after canary_until_phase 'A'"),
    ],
)
def test_a_part_that_cannot_be_is_told(given: dict[str, str], words: str) -> None:
    assert words in "; ".join(role_input.problems(given, PHASES))


def test_hooks_of_a_good_deployment_are_steps_of_the_run_that_does_their_moment() -> None:
    phases = [{"name": "A", "before": ["b.yml"]}, {"name": "B", "after": "a.yml"}]
    given = {moment: [f"{moment}.yml"] for moment in MOMENTS}
    given["after_setup"] = [{"file": "/s.yml", "may_fail": "yes"}]
    hooks, wrong = read_hooks(given, "/plays")

    def files(**part: str) -> list[str]:
        steps = role_input.steps(phases, "/plays", role_input.part_of(phases, part)[0], hooks)
        return [Path(one["file"]).stem if one["do"] == "task_file" else one["do"] for one in steps]

    first = ["s", "before_phase", "b", "upgrade", "after_phase"]
    second = ["before_phase", "upgrade", "a", "after_phase", "after_success", "prune"]
    assert wrong == []
    assert files() == first + second
    assert files(until_phase="A") == first
    assert files(from_phase="B") == second
    assert [one.get("may_fail") for one in role_input.steps(phases, "/plays", None, hooks)][:2] == [
        True,
        False,
    ]


def test_what_is_no_hook_is_told_and_the_others_are_read() -> None:
    hooks, wrong = read_hooks(
        {"after_succes": "x", "after_setup": ["y", 5, {"file": "z", "may_fail": "?"}]}, "/"
    )
    assert list(hooks) == ["after_setup"]
    assert "did you mean after_success" in wrong[0]
    assert "5 is no task file" in wrong[1]
    assert "may_fail of z is '?'" in wrong[2]
    assert read_hooks("x", "/")[1][0].startswith("canary_hooks must be a mapping")


def _tasks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _tasks(task.get(part) or [])


def test_what_a_survey_leaves_empty_is_the_roles_default() -> None:
    """An empty text is no option of the module, whose own default holds then: it must be the role's."""
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    compared, other = set(), []
    for file in sorted((ROLE / "tasks").glob("*.yml")):
        for task in _tasks(yaml.safe_load(file.read_text())):
            for action in (name for name in task if name.startswith("progressive.aws.")):
                module = importlib.import_module(
                    f"ansible_collections.progressive.aws.plugins.modules.{action.rpartition('.')[2]}"
                )
                specification = {**modules.PASSES, **module.ARGUMENT_SPEC}
                for option, value in task[action].items():
                    name = str(value).strip("{} ")
                    if name not in defaults or option not in specification:
                        continue
                    compared.add(name)
                    own = specification[option].get("default")
                    if (own or None) != (defaults[name] or None):
                        other.append(f"{action} {option}: {own}, and {name} is {defaults[name]}")
    assert other == []
    assert {"canary_settle_time", "canary_keep_revisions", "canary_on_drift"} <= compared


def test_variables_of_a_phase_are_looked_at_before_anything_is_touched(tmp_path: Path) -> None:
    phases = [
        {
            "name": "One",
            "vars": {
                "canary_settle_tim": 5,
                "canary_image_id": "ami-1",
                "canary_poll_interval": 0,
                "canary_on_drift": "hope",
                "canary_settle_time": "60",
                "canary_resize_order": "old_first",
                "mine": -1,
            },
        },
        {"name": "Two", "vars": "settle_time"},
        {"name": "Three", "vars": ""},
    ]
    assert list(role_input.problems({"folder": str(tmp_path)}, phases)) == [
        "phase 'One' cannot have a variable canary_settle_tim of its own; did you mean canary_settle_time?",
        "phase 'One' cannot have a variable canary_image_id of its own; it may have canary_launch_patience,"
        " canary_on_drift, canary_poll_interval, canary_resize_order, canary_scale_in_protection, canary_settle_time,"
        " canary_steady_state_timeout",
        "in vars of phase 'One': canary_poll_interval is 0; it must be 0.1 or more",
        "in vars of phase 'One': canary_on_drift is 'hope', and it must be one of fail, adopt",
        "vars of phase 'Two' must be a dictionary",
    ]


def test_variables_of_a_phase_take_the_place_of_the_options_that_its_step_has() -> None:
    given = {
        "settle_time": 30,
        "wait_timeout": 600,
        "phase_vars": {
            "canary_settle_time": 60,
            "canary_steady_state_timeout": "",
            "canary_resize_order": "old_first",
            "mine": 1,
        },
    }
    assert role_input.with_phase_variables(given) == {"settle_time": 60, "wait_timeout": 600}
    assert role_input.with_phase_variables({"settle_time": 30}) == {"settle_time": 30}


def test_every_variable_of_a_phase_is_an_option_of_one_of_its_steps() -> None:
    steps = [
        importlib.import_module(f"ansible_collections.progressive.aws.plugins.modules.{one}").ARGUMENT_SPEC
        for one in ("asg_upgrade", "cloudwatch_verify")
    ]
    assert set(role_input.OF_A_PHASE) <= role_input.VARIABLES
    assert set(role_input.OF_A_PHASE.values()) <= {*modules.PASSES, *steps[0], *steps[1]}
