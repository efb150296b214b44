# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is given to a module or to the role, the answer is a plan or a clear error, and never a traceback.

10,000 inputs, drawn from the modules' own argument specifications and the role's: each option left out, plausible, or
nonsense. The role's go through its argument specification and the templates of its tasks to the modules, as in a play.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.progressive.aws.plugins.module_utils import modules
from ansible_collections.progressive.aws.plugins.module_utils.aws.calls import Calls
from ansible_collections.progressive.aws.plugins.plugin_utils.survey_answers import understood
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine import Site

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "canary"
MODULES = (
    *("asg_setup", "asg_upgrade", "asg_rollback", "asg_prune", "asg_series_info"),
    *("cloudwatch_verify", "canary_report", "canary_summary"),
)
EXAMPLES = int(os.environ.get("INPUTS", "1250"))
quickly = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
#: Plausible values of options, by their names; the first are of the site that the inputs meet.
PLAUSIBLE: Mapping[str, list[Any]] = {
    "application": ["shop"],
    "service": ["checkout"],
    "environment": ["prod"],
    "series": ["shop__checkout__prod"],
    "group": ["shop__checkout__prod__1", "shop__checkout__prod__2"],
    "base_group": ["shop-checkout-base"],
    "image_name": ["shop-*"],
    "min_size": [0, 1],
    "max_size": [10, 4],
    "desired_capacity": [4],
    "phases": [[{"name": "Half", "percent": 50}, {"name": "All", "percent": 100}]],
    "percent": [25, 100],
    "count": [1, 4],
    "dimensions": [{"InstanceId": "{instance_id}"}, {"AutoScalingGroupName": "{group}"}],
    "namespace": ["AWS/EC2"],
    "metric_name": ["CPUUtilization"],
    "metrics": [[{"name": "cpu", "namespace": "AWS/EC2", "metric_name": "CPUUtilization", "maximum": 80}]],
    "expression": ["a / b"],
    "start": ["2026-03-04T12:00:00Z"],
    "outcome": ["live", "failed"],
    "path": [[], ["/nowhere/report.html"]],
    "keep": [0, 3],
    "lease_owner": ["somebody"],
}
NONSENSE = st.one_of(
    st.none(),
    st.integers(-3, 12),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "{{ nothing }}", "x" * 300, "prod\n", "ami-0", "é", "-1", "1e400", "{group", "{x}"]
    ),
    st.lists(st.one_of(st.integers(), st.text(max_size=5)), max_size=2),
    st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=5)), max_size=2),
)
#: Left alone: a module would wait, or have been told of passes that never were; a lookup of a file needs a whole play.
NOT_DRAWN = {"wait", "progress", "canary_user_data_file"}


def of_option(name: str, spec: Mapping[str, Any], sites: Mapping[str, list[Any]]) -> st.SearchStrategy[Any]:
    """Values of one option: plausible ones, of its type, or nonsense."""
    kind = spec.get("type", "str")
    choices = spec.get("choices")
    plausible: st.SearchStrategy[Any]
    if sites.get(name):
        plausible = st.sampled_from(sites[name])
    elif choices:
        plausible = st.sampled_from(list(choices))
    elif spec.get("options") and kind == "list":
        plausible = st.lists(of_options(spec["options"], sites), max_size=2)
    elif spec.get("options"):
        plausible = of_options(spec["options"], sites)
    else:
        plausible = {
            "int": st.integers(0, 900),
            "float": st.floats(0, 100),
            "bool": st.booleans(),
            "list": st.lists(st.text(max_size=10), max_size=2),
            "dict": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
        }.get(kind, st.text(max_size=10))
    nonsense = NONSENSE
    if spec.get("options"):
        # ansible-core 2.19 itself fails on a number in place of a dictionary that has options of its own.
        nonsense = NONSENSE.filter(
            lambda value: (
                not any(
                    isinstance(one, int | float) for one in (value if isinstance(value, list) else [value])
                )
            )
        )
    # Mostly plausible: with nonsense everywhere no input would come far.
    return st.integers(0, 7).flatmap(lambda number: nonsense if number == 0 else plausible)


def of_options(
    spec: Mapping[str, Mapping[str, Any]], sites: Mapping[str, list[Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of a specification: what is required or well known mostly given, the others mostly not."""
    drawn = {name: one for name, one in spec.items() if name not in NOT_DRAWN}
    often = {name for name, one in drawn.items() if one.get("required") or name in sites}
    return st.fixed_dictionaries(
        {
            name: of_option(name, drawn[name], sites)
            for name in sorted(often & set(spec))
            if drawn[name].get("required")
        },
        optional={
            name: of_option(name, one, sites) for name, one in drawn.items() if not one.get("required")
        },
    )


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.progressive.aws.plugins.modules.{name}")


@pytest.fixture
def live(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with a revision in production, which every module reaches in place of AWS."""
    site.new_image = site.image("new")
    site.deploy(site.image("one"), (100,))
    monkeypatch.setattr(modules, "_client", lambda module, service: site.aws.client(service))
    # What the pretend AWS itself fails at, such as filters that moto does not know, is not worth a minute of repeating.
    monkeypatch.setattr(modules, "Calls", partial(Calls, budget=0.0))
    # Nobody's AWS, whatever the machine has.
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return site


def answer_of(name: str, arguments: Mapping[str, Any], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What a module answers to arguments in check mode, held to being clear."""
    given_ = {**arguments, "_ansible_check_mode": True}
    if "wait" in getattr(module(name), "ARGUMENT_SPEC", {}) or name not in (
        "canary_report",
        "canary_summary",
    ):
        given_["wait"] = False
    with patch_module_args(given_), pytest.raises(SystemExit):
        module(name).main()
    written = capsys.readouterr()
    answer: dict[str, Any] = json.loads(written.out)
    assert "Traceback" not in written.out + written.err
    if answer.get("failed"):
        assert answer["msg"].strip()
        assert answer.get("reason") != "unforeseen", answer["msg"]
        if answer.get("reason") == "invalid_input":
            assert answer["problems"]
            assert all(problem.strip() for problem in answer["problems"])
    return answer


@pytest.mark.parametrize("name", MODULES)
@quickly
@given(data=st.data())
def test_a_module_answers_clearly(
    live: Site, name: str, data: st.DataObject, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = live.aws.mark()
    sites = {**PLAUSIBLE, "image_id": [live.new_image]}
    arguments = data.draw(of_options(module(name).ARGUMENT_SPEC, sites))
    answer_of(name, arguments, capsys)
    assert live.aws.writes(mark) == []


# ------------------------------------------------------------------------ the role


def _trusted(value: Any) -> Any:
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: _trusted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_trusted(one) for one in value]
    return value


def _loaded(path: str) -> Any:
    return yaml.safe_load((ROLE / path).read_text())


ROLE_SPEC: dict[str, Any] = _loaded("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
ROLE_DEFAULTS: dict[str, Any] = _loaded("defaults/main.yml") | _loaded("vars/main.yml")
SET_UP: dict[str, Any] = _loaded("tasks/set_up.yml")[0]["progressive.aws.asg_setup"]
#: The role's variables are the modules' options with a prefix.
ROLE_PLAUSIBLE = {f"canary_{name}": values for name, values in PLAUSIBLE.items()}


@quickly
@given(data=st.data())
def test_the_role_answers_clearly(
    live: Site,
    data: st.DataObject,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    mark = live.aws.mark()
    sites = {
        **PLAUSIBLE,
        **ROLE_PLAUSIBLE,
        "canary_image_id": [live.new_image],
        "verify": [{"metrics": PLAUSIBLE["metrics"][0], "strategy": "none"}, {"alarms": ["nobody"]}],
    }
    variables = data.draw(of_options(ROLE_SPEC, sites))
    checked = ArgumentSpecValidator(ROLE_SPEC).validate(variables)
    if checked.error_messages:
        assert all(message.strip() for message in checked.error_messages)
        return
    templar = Templar(
        loader=DataLoader(),
        variables={
            **_trusted(ROLE_DEFAULTS),
            **variables,
            "ansible_check_mode": True,
            "playbook_dir": str(tmp_path_factory.getbasetemp()),
            # The lookup of variables by name needs a whole play.
            "__canary_role": _trusted(ROLE_DEFAULTS["__canary_role"]) | {"variables": sorted(variables)},
        },
    )
    # As the action plugin does.
    answer = answer_of("asg_setup", understood(templar.template(_trusted(SET_UP))), capsys)
    for phase in variables.get("canary_phases") or ():
        if isinstance(phase, dict) and isinstance(phase.get("verify"), dict):
            group = answer.get("group") or "the-new-group"
            answer_of("cloudwatch_verify", {"group": group, **phase["verify"]}, capsys)
    assert live.aws.writes(mark) == []
