# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules' documentation promises holds: their examples are accepted, their options are those described.

That documentation and argument spec agree in every detail is what ansible-test's validate-modules checks.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.progressive.aws.plugins.doc_fragments import judging, launching, passes, series
from ansible_collections.progressive.aws.plugins.module_utils import modules

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
WITHOUT_AWS = {"canary_report", "canary_summary"}
# What a template in an example may stand for, by the type of its option.
STANDS_FOR: Mapping[str, Any] = {
    "str": "x",
    "path": "x",
    "list": [],
    "dict": {},
    "int": 1,
    "float": 1.0,
    "bool": True,
    "raw": {},
}


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.progressive.aws.plugins.modules.{name}")


def documentation(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(module(name).DOCUMENTATION))


def options(name: str) -> dict[str, Any]:
    """A module's own options, and those it has from this collection's fragments."""
    found = documentation(name)
    own = dict(found.get("options", {}))
    fragments = {"judging": judging, "launching": launching, "passes": passes, "series": series}
    for fragment, source in fragments.items():
        if f"progressive.aws.{fragment}" in found.get("extends_documentation_fragment", []):
            own.update(yaml.safe_load(source.ModuleDocFragment.DOCUMENTATION)["options"])
    return own


def examples() -> Iterator[Any]:
    """Each task of each module's examples that calls a module of this collection."""
    for name in NAMES:
        for number, task in enumerate(yaml.safe_load(module(name).EXAMPLES)):
            for key in task:
                if key.startswith("progressive.aws."):
                    called = key.rpartition(".")[2]
                    yield pytest.param(called, task[key] or {}, id=f"{name}-{number}-{called}")


def filled_in(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of an example with something plausible for each template."""
    types = {option: spec["type"] for option, spec in options(name).items()}
    return {
        option: STANDS_FOR[types.get(option, "str")] if isinstance(value, str) and "{{" in value else value
        for option, value in arguments.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_documented_as_its_users_expect(name: str) -> None:
    found = documentation(name)
    assert found["module"] == name
    assert found["version_added"] == yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert not found["short_description"].endswith(".")
    assert yaml.safe_load(module(name).EXAMPLES)
    assert yaml.safe_load(module(name).RETURN)


@pytest.mark.parametrize(("name", "arguments"), list(examples()))
def test_the_examples_are_accepted(
    name: str,
    arguments: Mapping[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reached = []
    monkeypatch.setattr(modules, "run_module", lambda module, build: reached.append(module.params))
    with patch_module_args(filled_in(name, arguments)):
        try:
            module(name).main()
        except SystemExit:
            pytest.fail(capsys.readouterr().out)
    assert reached
    assert set(arguments) <= set(options(name))


def test_the_fragment_of_passes_describes_their_options() -> None:
    described = yaml.safe_load(passes.ModuleDocFragment.DOCUMENTATION)["options"]
    assert {name: (spec["type"], spec.get("default")) for name, spec in described.items()} == {
        name: (spec["type"], spec.get("default")) for name, spec in modules.PASSES.items()
    }


def test_the_action_group_has_every_module_that_calls_aws() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert set(runtime["action_groups"]["aws"]) == set(NAMES) - WITHOUT_AWS


@pytest.mark.parametrize("name", sorted(set(NAMES) - WITHOUT_AWS))
def test_every_module_that_calls_aws_has_the_options_of_all(name: str) -> None:
    # What module_defaults gives to the whole group, each module of it must know.
    assert set(modules.PASSES) <= set(options(name))
    fragments = documentation(name)["extends_documentation_fragment"]
    assert {"amazon.aws.common.modules", "amazon.aws.region.modules", "amazon.aws.boto3"} <= set(fragments)


def test_every_module_is_run_by_the_one_action_plugin() -> None:
    actions = {path.stem: path.read_text() for path in (ROOT / "plugins" / "action").glob("*.py")}
    assert sorted(actions) == NAMES
    for name in NAMES:
        assert "plugins.plugin_utils.reconcile import ActionModule" in actions[name]
