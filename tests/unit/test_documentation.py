# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the pages is one that the collection takes: its plays, tasks, variables, metrics and commands.

The plays themselves are run by tests/integration/test_documentation.py, and modules' own examples are looked at in
test_modules_documentation.py. A block of YAML that is none of what this file knows is refused: whoever writes a new
kind says here how it is held.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.progressive.aws.plugins.module_utils import modules, role_input
from ansible_collections.progressive.aws.plugins.module_utils.core.hooks import read_hooks
from ansible_collections.progressive.aws.plugins.module_utils.deployment.blockers import read_blockers
from ansible_collections.progressive.aws.plugins.module_utils.reporting.notification import read_notifications
from ansible_collections.progressive.aws.plugins.module_utils.verification_options import settings_of

from tests.tools.documentation import broken_links
from tests.tools.examples import ROOT, Block, blocks
from tests.unit.test_modules_documentation import filled_in, module, options

ROLE = yaml.safe_load((ROOT / "roles" / "canary" / "meta" / "argument_specs.yml").read_text())
#: Connection options of a host in progressive.aws.canary_many (docs/many.md).
OF_A_HOST = re.compile(r"aws_(region|profile|access_key|secret_key|session_token|endpoint_url)")
#: A page that leaves something out writes this.
LEFT_OUT = "…"
#: What the modules behind the role take, by the option's name.
CHOICES = {
    name: option["choices"]
    for steps in ("asg_setup", "asg_upgrade", "asg_rollback")
    for name, option in options(steps).items()
    if "choices" in option
}


def of_language(*languages: str) -> list[Any]:
    return [pytest.param(block, id=block.place) for block in blocks() if block.language in languages]


@pytest.mark.parametrize("block", of_language("yaml"))
def test_the_examples_in_yaml_are_taken(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    check(block.data, monkeypatch)


@pytest.mark.parametrize("block", of_language("json"))
def test_the_examples_in_json_are_json(block: Block) -> None:
    json.loads(block.text)


def check(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold an example to what takes it."""
    if isinstance(data, list) and "hosts" in data[0]:
        for play in data:
            for role in play["roles"]:
                check_variables(role["vars"])
            for value in play["vars"].values():
                if isinstance(value, dict) and "metrics" in value:
                    check_verification(value)
    elif isinstance(data, list) and any("." in key for key in data[0]):
        for task in data:
            check_task(task, monkeypatch)
    elif isinstance(data, list):
        check_verification({"metrics": data})
    elif set(data) == {"verify"}:
        check_verification(data["verify"])
    elif set(data) == {"canary_series"}:
        series = data["canary_series"]
        for host in series["hosts"].values():
            check_variables({**series.get("vars", {}), **host})
    elif set(data) == {"collections"}:
        assert all(
            {"name", "version"} <= set(one) <= {"name", "type", "version"} for one in data["collections"]
        )
    elif set(data) == {"relabel_configs"}:
        assert all(set(one) == {"source_labels", "target_label"} for one in data["relabel_configs"])
    elif set(data) == {"queue", "queue_region"}:
        rulebook = (ROOT / "extensions" / "eda" / "rulebooks" / "rollback_on_alarm.yml").read_text()
        assert all(re.search(rf"{{{{\s*{name}\b", rulebook) for name in data)
    elif set(data) == {"bugfixes"}:
        sections = yaml.safe_load((ROOT / "changelogs" / "config.yaml").read_text())["sections"]
        assert "bugfixes" in [name for name, __ in sections]
    else:
        check_variables(data)


def check_variables(given: Mapping[str, Any]) -> None:
    """Variables of the role, or of a host of many: their names, their types, and what is within them."""
    variables = {name: value for name, value in given.items() if not OF_A_HOST.fullmatch(name)}
    known = role_input.VARIABLES | {"canary_verify", "canary_summary"}
    assert set(variables) <= known, set(variables) - known
    described = ROLE["argument_specs"]["main"]["options"]
    plain = {name: filled(value) for name, value in variables.items() if not template(value)}
    spec = {name: typed(described[name], value) for name, value in plain.items() if name in described}
    result = ArgumentSpecValidator(spec).validate({name: plain[name] for name in spec})
    assert result.error_messages == []
    for name, value in plain.items():
        choices = CHOICES.get(name.removeprefix("canary_"))
        assert choices is None or value in choices
    for phase in plain.get("canary_phases", []):
        if phase.get("verify"):
            check_verification(phase["verify"])
    if "canary_verify" in plain:
        check_verification(plain["canary_verify"])
    read_blockers(plain.get("canary_blockers") or {})
    __, problems = read_notifications(plain.get("canary_notifications") or [])
    __, more = read_hooks(plain.get("canary_hooks") or {}, "")
    assert problems + more == []


def template(value: Any) -> bool:
    return isinstance(value, str) and ("{{" in value or value == LEFT_OUT)


def filled(value: Any) -> Any:
    """A value with something plausible for each template within it, where any verification may stand."""
    if isinstance(value, Mapping):
        return {
            name: {} if name == "verify" and template(one) else filled(one) for name, one in value.items()
        }
    if isinstance(value, list):
        return [filled(one) for one in value]
    return "https://example.com/x" if template(value) else value


def typed(described: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """The role takes much as any type, since AWX sends text; an example has the type that it is described with."""
    if "options" not in described:
        return {key: described[key] for key in ("type", "choices", "elements") if key in described}
    kind = {"type": "list", "elements": "dict"} if isinstance(value, list) else {"type": "dict"}
    return {**kind, "options": described["options"]}


def check_verification(given: Mapping[str, Any]) -> None:
    """Options of cloudwatch_verify: what the module takes, and what a verification makes of them."""
    settings_of(filled_in("cloudwatch_verify", given), "shop__checkout__prod__7")


def check_task(task: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A task, of this collection's modules or of others'."""
    name = next(key for key in task if "." in key)
    if name.startswith("progressive.aws."):
        accepted(name.rpartition(".")[2], task[name], monkeypatch)
        return
    collection, __, short = name.rpartition(".")
    where = (
        "ansible.modules"
        if collection == "ansible.builtin"
        else f"ansible_collections.{collection}.plugins.modules"
    )
    described = yaml.safe_load(importlib.import_module(f"{where}.{short}").DOCUMENTATION)["options"]
    assert set(task[name]) <= set(described)


def accepted(name: str, arguments: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The parameters that a module makes of its arguments."""
    assert set(arguments) <= set(options(name))
    reached: list[dict[str, Any]] = []
    monkeypatch.setattr(modules, "run_module", lambda module, build: reached.append(module.params))
    with patch_module_args(filled_in(name, arguments)):
        module(name).main()
    return reached[0]


# ---------------------------------------------------------------- what shows that these tests can fail


@pytest.mark.parametrize(
    "wrong",
    [
        "canary_verfy: {}",
        "canary_resize_order: newest_first",
        "canary_phases: [{name: One, percents: 25}]",
        "canary_blockers: {open_windows: [{days: [someday]}]}",
        "canary_hooks: {before_everything: [x.yml]}",
        "canary_notifications: [{topic: x}]",
        "canary_verify: {durations: 900}",
        "verify: {metrics: [{name: CPU, metric: CPUUtilization}]}",
        "verify: {metrics: [{name: CPU, namespace: AWS/EC2, metric_name: C, direction: up}]}",
        "- {name: A, progressive.aws.asg_prune: {keeps: 3}}",
        "- {name: A, ansible.builtin.pause: {question: yes}}",
        "something: else",
        "canary_series: {hosts: {one: {aws_regions: x}}}",
    ],
)
def test_an_example_that_would_not_be_taken_is_found(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((Exception, SystemExit)):
        check(yaml.safe_load(wrong), monkeypatch)


# ---------------------------------------------------------------- commands


def commands() -> Iterator[Any]:
    for block in blocks():
        if block.language in ("console", ""):
            for line in block.text.replace("\\\n", " ").splitlines():
                if re.match(r"\$? ?(make|ansible-playbook|ansible-doc) ", line):
                    yield pytest.param(line, id=f"{block.place} {line[:40]}")


@pytest.mark.parametrize("command", list(commands()))
def test_a_command_names_what_there_is(command: str) -> None:
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text())
    for target in re.findall(r"^make ([a-z-]+)", command):
        assert target in targets
    words = command.split()
    for word in words:
        if word.startswith("progressive.aws."):
            name = word.removeprefix("progressive.aws.")
            assert list(ROOT.glob(f"p*/**/{name}.*")) or (ROOT / "roles" / name).is_dir()
    known = role_input.VARIABLES | role_input.OTHERS
    others = ("judge_", "awx_", "image_id")
    for variable in re.findall(r"-e (\w+)=", command):
        assert variable in known or variable.startswith(others), variable


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<p id="x"></p><a href="b.html#y">1</a><a href="#x">2</a><a href="c.html">3</a>'
    )
    (tmp_path / "b.html").write_text(
        '<a href="a.html#x">4</a><a href="htp://x">5</a><a href="b.html#no">6</a>'
    )
    assert list(broken_links(tmp_path)) == [
        "a.html: b.html#y",
        "a.html: c.html",
        "b.html: htp://x",
        "b.html: b.html#no",
    ]
