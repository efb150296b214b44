# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Task files at moments of a deployment: a good one, one that is rolled back, and one that is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.hooks import MOMENTS

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import FAULTY, PHASES, Deployer, leftovers, verified

ALL = [{"name": "All", "percent": 100}]


def hooks(deployer: Deployer, *, failing: Iterable[str] = (), words: str = "a hook fails") -> dict[str, Any]:
    """A hook for each moment that notes it, what the run has come to, and where it is; some fail after that."""
    given = {}
    for moment in MOMENTS:
        file = deployer.folder / f"{moment}.yml"
        file.write_text(
            f"- name: Note {moment}\n"
            "  ansible.builtin.lineinfile:\n"
            f"    path: {deployer.folder}/noted\n"
            f"    line: {moment} {{{{ canary_run.outcome }}}}"
            " {{ (canary_phase | default({})).name | default('') }}"
            " {{ canary_group }} {{ canary_run.reason[:40] }}\n"
            "    insertafter: EOF\n"
            "    create: true\n"
            "    mode: '0600'\n"
            + (f"- ansible.builtin.fail:\n    msg: {words}\n" if moment in failing else "")
        )
        given[moment] = [str(file)]
    return given


def noted(deployer: Deployer) -> list[str]:
    file = deployer.folder / "noted"
    return [" ".join(line.split()) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_deployment_that_goes_well_has_each_of_its_hooks_run_once_in_order(
    base: Shop, deployer: Deployer
) -> None:
    run = deployer.deploy(
        deployer.image("one"), canary_phases=[PHASES[0], PHASES[2]], canary_hooks=hooks(deployer)
    )

    assert run.code == 0, run.output
    group = f"{base.series}__1"
    assert noted(deployer) == [
        f"before_deployment planned {group}",
        f"after_setup deploying {group}",
        f"before_phase deploying Canary 25 % {group}",
        f"after_phase deploying Canary 25 % {group}",
        f"before_phase deploying Primary {group}",
        f"after_phase deploying Primary {group}",
        f"after_success live {group}",
    ]
    again = deployer.deploy(
        deployer.image("two"), canary_phases=ALL, canary_hooks=hooks(deployer), canary_plan=True
    )
    assert again.code == 0, again.output
    assert len(noted(deployer)) == 7


def test_without_hooks_nothing_of_them_is_seen(base: Shop, deployer: Deployer) -> None:
    run = deployer.deploy(deployer.image("one"), canary_phases=ALL)

    assert run.code == 0, run.output
    assert "task files" not in run.output
    assert "hook.yml" not in run.output


def test_a_rollback_has_its_hooks_and_goes_on_where_they_fail(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))

    run = deployer.deploy(
        deployer.image("two", **FAULTY),
        canary_phases=verified("Canary 25 %"),
        canary_hooks=hooks(deployer, failing=["before_rollback", "after_rollback"]),
    )

    assert run.code == 2
    group = f"{base.series}__2"
    assert [line.split(" ")[0] for line in noted(deployer)] == [
        "before_deployment",
        "after_setup",
        "before_phase",
        "before_rollback",
        "after_rollback",
    ]
    assert noted(deployer)[3].startswith(f"before_rollback rolling-back {group} Canary 25 %: ")
    assert noted(deployer)[4].startswith(f"after_rollback rolled-back {group} Canary 25 %: ")
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, group) == []
    assert deployer.report["outcome"] == "rolled-back"
    assert "error rate" in deployer.report["reason"]
    assert "before_rollback: a hook fails" in run.output


def test_a_hook_that_fails_takes_everything_back_and_is_named(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    given = hooks(deployer, failing=["after_phase", "before_rollback"], words="the smoke test fails")

    run = deployer.deploy(deployer.image("two"), canary_phases=PHASES[:1] + PHASES[2:], canary_hooks=given)

    assert run.code == 2
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert deployer.report["outcome"] == "rolled-back"
    assert deployer.report["reason"] == "Canary 25 %: the smoke test fails"


def test_a_hook_that_may_fail_is_told_and_the_deployment_goes_on(base: Shop, deployer: Deployer) -> None:
    given = hooks(deployer, failing=["before_deployment", "after_phase"], words="no change ticket")
    for moment in ("before_deployment", "after_phase"):
        given[moment] = [{"file": given[moment][0], "may_fail": True}]

    run = deployer.deploy(deployer.image("one"), canary_phases=ALL, canary_hooks=given)

    assert run.code == 0, run.output
    assert "All: no change ticket" in run.output
    assert "before_deployment: no change ticket" in run.output
    assert noted(deployer)[-1] == f"after_success live {base.series}__1"


def test_a_hook_before_the_deployment_that_fails_leaves_everything_untouched(
    base: Shop, deployer: Deployer
) -> None:
    image_id, mark = deployer.image("one"), deployer.server.mark()

    run = deployer.deploy(
        image_id, canary_hooks=hooks(deployer, failing=["before_deployment"], words="no change ticket")
    )

    assert run.code == 2
    assert deployer.server.writes(mark) == []
    assert deployer.report["reason"] == "before_deployment: no change ticket"
    assert [line.split(" ")[:2] for line in noted(deployer)] == [
        ["before_deployment", "planned"],
        ["on_refusal", "failed"],
    ]


@pytest.mark.parametrize("failing", [[], ["on_refusal"]])
def test_a_refusal_has_its_hook(base: Shop, deployer: Deployer, failing: list[str]) -> None:
    run = deployer.deploy("ami-00000000000000000", canary_hooks=hooks(deployer, failing=failing))

    assert run.code == 2
    (line,) = noted(deployer)
    assert line.startswith("on_refusal failed")
    assert "there is no AMI ami-00000000000000000" in deployer.report["reason"]
    assert base.revisions() == {}


def test_a_host_that_cannot_be_reached_does_not_keep_the_rollback_from_happening(
    base: Shop, deployer: Deployer
) -> None:
    first = deployer.go_live(deployer.image("one"))
    file = deployer.folder / "elsewhere.yml"
    file.write_text(
        "- name: Ask a host that is not there\n"
        "  ansible.builtin.ping:\n"
        "  delegate_to: nobody.invalid\n"
        "  vars: {ansible_connection: ssh, ansible_ssh_args: -o ConnectTimeout=1}\n"
    )

    run = deployer.deploy(
        deployer.image("two", **FAULTY),
        canary_phases=verified("Canary 25 %"),
        canary_hooks={"before_rollback": str(file)},
    )

    assert run.code == 2
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert deployer.report["outcome"] == "rolled-back"


def test_whatever_is_wrong_with_hooks_is_refused_before_anything_is_touched(
    base: Shop, deployer: Deployer
) -> None:
    (deployer.folder / "unknown.yml").write_text("- name: Nonsense\n  no.such.module:\n")
    (deployer.folder / "broken.yml").write_text("- name: [\n")
    image_id, mark = deployer.image("one"), deployer.server.mark()

    run = deployer.deploy(
        image_id,
        canary_hooks={
            "before_rollback": [str(deployer.folder / "unknown.yml"), str(deployer.folder / "broken.yml")],
            "after_succes": ["x.yml"],
            "after_setup": ["gone.yml", {"file": "x.yml", "may_fial": True}],
        },
    )

    assert run.code == 2
    assert deployer.server.writes(mark) == []
    for words in (
        f"cannot run task file {deployer.folder}/unknown.yml",
        "no.such.module",
        f"cannot run task file {deployer.folder}/broken.yml",
        "did you mean after_success?",
        "there is no task file",
        "there is no option may_fial",
    ):
        assert words in run.output


def test_variables_of_a_phase_hold_for_it_alone_and_for_its_task_files(
    base: Shop, deployer: Deployer
) -> None:
    file = deployer.folder / "noted.yml"
    file.write_text(
        "- ansible.builtin.lineinfile:\n"
        f"    path: {deployer.folder}/noted\n"
        "    line: '{{ canary_phase.name }}: {{ canary_phase.vars.ticket }}'\n"
        "    create: true\n"
        "    mode: '0600'\n"
    )
    impatient = {"ticket": "OPS-1", "canary_settle_time": 300, "canary_steady_state_timeout": 2}
    run = deployer.deploy(
        deployer.image("one"),
        canary_phases=[
            {"name": "Half", "percent": 50},
            {"name": "All", "percent": 100, "before": [str(file)], "vars": impatient},
        ],
    )

    assert run.code == 2, run.output
    assert noted(deployer) == ["All: OPS-1"]
    assert "not done after 2 seconds; still missing" in run.output, run.output
    assert leftovers(base, f"{base.series}__1") == []
