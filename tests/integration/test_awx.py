# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow of C(extensions/awx) as AWX runs it: its jobs through ansible-runner, with what its survey sends.

A job that is canceled is killed as AWX does it, and the workflow goes on with the job that rolls back.
"""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.demo.running import ROOT, environment
from tests.demo.shop import Shop
from tests.integration.canary import QUICK, Deployer
from tests.recorded import COLLECTION

AWX = ROOT / "extensions" / "awx"
DATA: dict[str, Any] = yaml.safe_load((AWX / "canary.yml").read_text())
WORKFLOW: dict[str, Any] = DATA["canary_awx_workflow"]
NODES = {node["identifier"]: node for node in WORKFLOW["workflow_nodes"]}
TEMPLATES = {one["name"]: one for one in DATA["canary_awx_job_templates"]}
APPROVAL = "workflow_approval"


class Workflow:
    """A run of the workflow: which jobs ran, how each ended, and what it printed."""

    def __init__(self, deployer: Deployer, folder: Path, answers: Mapping[str, str]) -> None:
        self.deployer = deployer
        self.folder = folder
        spec = WORKFLOW["survey_spec"]["spec"]
        # Of a question that nobody answers AWX sends the default, which is an empty text.
        self.answers = {one["variable"]: answers.get(one["variable"], one.get("default", "")) for one in spec}
        self.jobs: list[tuple[str, str]] = []
        self.printed = ""

    def run(self, cancel: Mapping[str, Callable[[str], bool]] | None = None, deny: str = "") -> list[str]:
        """Run it from its first node, with all approvals given but one, and return the jobs that ran, by node.

        C(cancel) says of a node when it is canceled, by what it has printed so far.
        """
        node = WORKFLOW["workflow_nodes"][0]["identifier"]
        while node:
            if NODES[node]["unified_job_template"]["type"] == APPROVAL:
                ended = node != deny
            else:
                ended = self._job(node, (cancel or {}).get(node, lambda printed: False))
            related = NODES[node].get("related", {}).get("success_nodes" if ended else "failure_nodes", [])
            node = related[0]["identifier"] if related else ""
        return [f"{name} {status}" for name, status in self.jobs]

    def _job(self, node: str, cancel: Callable[[str], bool]) -> bool:
        number = len(self.jobs) + 1
        private = self.folder / f"job-{number}"
        shutil.copytree(AWX / "project", private / "project")
        template = TEMPLATES[NODES[node]["unified_job_template"]["name"]]
        printed: list[str] = []

        def note(event: Mapping[str, Any]) -> bool:
            printed.append(str(event.get("stdout") or ""))
            return True

        done = ansible_runner.run(
            private_data_dir=str(private),
            playbook=template["playbook"],
            inventory="localhost ansible_connection=local",
            extravars={
                **WORKFLOW["extra_vars"],
                **QUICK,
                **self.answers,
                **NODES[node].get("extra_data", {}),
                "awx_job_id": 4710 + number,
                "awx_user_name": "ann",
            },
            envvars={
                **environment(self.deployer.shop.endpoint, AWS_ACCESS_KEY_ID=COLLECTION),
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            },
            event_handler=note,
            cancel_callback=lambda: cancel("\n".join(printed)),
            quiet=True,
        )
        # Without colours and line breaks.
        self.printed += " ".join(re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(printed)).split()) + "\n"
        self.jobs.append((node, str(done.status)))
        return bool(done.status == "successful")


@pytest.fixture
def workflow(base: Shop, deployer: Deployer, tmp_path: Path) -> Callable[[str], Workflow]:
    def of(image_id: str) -> Workflow:
        sizes = {"canary_min_size": "0", "canary_max_size": "10", "canary_desired_capacity": "4"}
        answers = {
            "canary_application": base.application,
            "canary_service": base.service,
            "canary_environment": base.environment,
            "canary_base_group": base.base_group,
            "canary_image_id": image_id,
            **sizes,
        }
        return Workflow(deployer, tmp_path, answers)

    return of


def sizes(shop: Shop) -> list[int]:
    return sorted(one.desired_capacity for one in shop.revisions().values())


def test_the_workflow_brings_an_image_into_production_job_by_job(
    base: Shop, deployer: Deployer, workflow: Callable[[str], Workflow]
) -> None:
    deployer.go_live(deployer.image("one"))
    run = workflow(deployer.image("two"))
    assert run.run() == [
        "plan successful",
        "canary-25 successful",
        "canary-50 successful",
        "primary successful",
    ], run.printed
    assert sizes(base) == [0, 4]
    assert "A later run goes on with canary_from_phase='Canary 50 %'" in run.printed


def test_a_denied_approval_takes_everything_back(
    base: Shop, deployer: Deployer, workflow: Callable[[str], Workflow]
) -> None:
    deployer.go_live(deployer.image("one"))
    before = base.revisions()
    run = workflow(deployer.image("two"))
    jobs = run.run(deny="may-go-to-50")
    assert jobs == ["plan successful", "canary-25 successful", "roll-back successful"], run.printed
    assert base.revisions() == before


def test_a_job_that_is_canceled_in_the_middle_is_taken_back_by_the_next(
    base: Shop, deployer: Deployer, workflow: Callable[[str], Workflow]
) -> None:
    deployer.go_live(deployer.image("one"))
    before = base.revisions()
    image_id = deployer.image("two")
    # It waits for an instance, in the middle of its phase; once it is canceled nobody is left to take it back.
    deployer.server.fail_launches("InsufficientInstanceCapacity", image_id=image_id)
    run = workflow(image_id)
    jobs = run.run(cancel={"canary-25": lambda printed: sum(sizes(base)) > 4})
    deployer.server.launch_again()
    assert jobs == ["plan successful", "canary-25 canceled", "roll-back successful"], run.printed
    assert base.revisions() == before


def test_a_job_that_fails_has_rolled_back_and_the_next_says_so(
    base: Shop, deployer: Deployer, workflow: Callable[[str], Workflow]
) -> None:
    deployer.go_live(deployer.image("one"))
    before = base.revisions()
    image_id = deployer.image("two")
    deployer.server.fail_launches("InvalidKeyPair.NotFound", image_id=image_id)
    run = workflow(image_id)
    jobs = run.run()
    deployer.server.launch_again()
    assert jobs == ["plan successful", "canary-25 failed", "roll-back successful"], run.printed
    assert base.revisions() == before


# ------------------------------------------------------------- as data that AWX takes


def specification(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The options of a module of awx.awx, as it gives them to Ansible."""
    found: dict[str, Any] = {}

    class Captured(Exception):
        pass

    def capture(argument_spec: dict[str, Any], **others: Any) -> None:
        found.update(argument_spec)
        raise Captured

    loaded = importlib.import_module(f"ansible_collections.awx.awx.plugins.modules.{module}")
    monkeypatch.setattr(loaded, "ControllerAPIModule", capture)
    with pytest.raises(Captured):
        loaded.main()
    return found


def _trusted(value: Any) -> Any:
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: _trusted(one) for key, one in value.items()}
    return [_trusted(one) for one in value] if isinstance(value, list) else value


def test_the_play_that_loads_them_gives_awx_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    (play,) = yaml.safe_load((AWX / "load.yml").read_text())
    given = {**DATA, **play["vars"], "awx_project": "deployments", "awx_credential": "AWS"}
    for task in play["tasks"]:
        (name,) = (key for key in task if key.startswith("awx.awx."))
        spec = specification(name.rpartition(".")[2], monkeypatch)
        for item in DATA["canary_awx_job_templates"] if "loop" in task else [None]:
            templar = Templar(loader=DataLoader(), variables={**_trusted(given), "item": item})
            arguments = templar.template(_trusted(task[name]))
            checked = ArgumentSpecValidator(spec).validate(arguments)
            assert checked.error_messages == []
            assert set(arguments) <= set(spec)


def test_every_node_leads_to_nodes_and_templates_that_there_are() -> None:
    for node in NODES.values():
        template = node["unified_job_template"]
        assert template["type"] == APPROVAL or template["name"] in TEMPLATES
        for related in node.get("related", {}).values():
            assert {one["identifier"] for one in related} <= set(NODES)
    phases = {phase["name"] for phase in WORKFLOW["extra_vars"]["canary_phases"]}
    for node in NODES.values():
        data = node.get("extra_data", {})
        assert {data[name] for name in data if name.endswith("_phase")} <= phases
    for one in TEMPLATES.values():
        assert (AWX / "project" / one["playbook"]).is_file()
