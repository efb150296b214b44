# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks for the rest of a deployment's life, and what a phase can do besides resizing."""

from __future__ import annotations

import json

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import PHASES, QUICK, Deployer, leftovers
from tests.integration.observer import Observer

ROLLBACK = {"canary_poll_interval": 0.2, "canary_settle_time": 0}


def test_rollback_takes_an_unfinished_deployment_back(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = deployer.begin(deployer.image("two"), 50)

    with Observer(base) as observer:
        run = deployer.play("rollback", **ROLLBACK)

    assert run.code == 0, run.output
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, second) == []


def test_rollback_takes_a_live_revision_back_while_its_predecessor_exists(
    base: Shop, deployer: Deployer
) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = deployer.go_live(deployer.image("two"))
    before, mark = base.revisions(), deployer.server.mark()

    planned = deployer.play("rollback", "--check", **ROLLBACK)

    assert planned.code == 0, planned.output
    assert deployer.server.writes(mark) == []
    assert base.revisions() == before
    assert f"bring {first} back" in planned.output

    with Observer(base) as observer:
        run = deployer.play("rollback", canary_group=second, **ROLLBACK)

    assert run.code == 0, run.output
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}


def test_status_shows_each_revision_in_a_table(base: Shop, deployer: Deployer) -> None:
    one, two = deployer.image("one"), deployer.image("two")
    first, second = deployer.go_live(one), deployer.go_live(two)
    mark = deployer.server.mark()

    run = deployer.play("status")

    assert run.code == 0, run.output
    rows = {name: line for line in run.lines for name in (first, second) if name in line}
    assert one in rows[first]
    assert "superseded" in rows[first]
    assert two in rows[second]
    assert "live" in rows[second]
    assert deployer.server.writes(mark) == []


def test_a_misspelt_service_is_red_with_the_right_name(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    mark = deployer.server.mark()

    wrong = {"canary_service": "chekcout"}
    judged = {"judge_start": "2026-03-04T12:00:00Z", "judge_end": "2026-03-04T12:15:00Z"}
    verify = {
        "metrics": [{"name": "cpu", "namespace": "AWS/EC2", "metric_name": "CPUUtilization", "maximum": 80}]
    }
    runs = [
        deployer.play("rollback", **wrong),
        deployer.play("rollback", canary_give_up=True, **wrong),
        deployer.play("rollback", canary_group=f"{base.application}__chekcout__prod__1"),
        deployer.play("status", **wrong),
        deployer.play(
            "judge", canary_group=f"{base.application}__chekcout__prod__1", canary_verify=verify, **judged
        ),
    ]

    for run in runs:
        assert run.code != 0, run.output
        assert f"Did you mean {base.series}" in run.output, run.output
    assert deployer.server.writes(mark) == []


def test_a_misspelt_variable_is_refused_by_every_playbook(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    mark = deployer.server.mark()
    judged = {"canary_group": f"{base.series}__1", "judge_start": 0, "judge_end": 60}
    for playbook, more in (("rollback", {}), ("status", {}), ("judge", judged)):
        run = deployer.play(playbook, canary_keep_faild=True, **more)
        assert run.code == 2
        assert "there is no variable canary_keep_faild; did you mean canary_keep_failed?" in run.output
    assert deployer.server.writes(mark) == []


def test_a_deployment_that_is_given_up_ends_with_what_serves(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = deployer.begin(deployer.image("two"), 50)

    run = deployer.play("rollback", canary_give_up=True, **QUICK)

    assert run.code == 0, run.output
    sizes = {name: (one.min_size, one.desired_capacity) for name, one in base.revisions().items()}
    assert sizes == {first: (0, 2), second: (0, 2)}
    assert "checkout__prod__2  stays with 2 in service" in run.output


def test_task_files_run_before_and_after_a_phase_and_know_where_they_are(
    base: Shop, deployer: Deployer
) -> None:
    noted = deployer.folder / "noted"
    for name in ("before", "after"):
        (deployer.folder / f"{name}.yml").write_text(
            f"- name: Note {name}\n"
            "  ansible.builtin.shell: >-\n"
            f"    echo {name} {{{{ canary_phase.name }}}} {{{{ canary_group }}}}"
            " {{ (canary_instances | default({})).new | default([]) | length }} >> {{ noted }}\n"
            "  changed_when: true\n"
        )
    files = {"before": [f"{deployer.folder}/before.yml"], "after": [f"{deployer.folder}/after.yml"]}

    run = deployer.deploy(
        deployer.image("one"), canary_phases=[PHASES[0], {**PHASES[2], **files}], noted=str(noted)
    )

    assert run.code == 0, run.output
    group = f"{base.series}__1"
    assert noted.read_text().splitlines() == [f"before Primary {group} 0", f"after Primary {group} 3"]


def test_a_relative_task_file_is_found_beside_the_playbook(base: Shop, deployer: Deployer) -> None:
    (deployer.folder / "checks").mkdir()
    (deployer.folder / "checks" / "smoke.yml").write_text(
        "- name: Smoke test\n  ansible.builtin.debug:\n    msg: smoke over {{ canary_group }}\n"
    )
    play = deployer.folder / "deploy.yml"
    play.write_text(
        "- hosts: localhost\n"
        "  gather_facts: false\n"
        "  vars:\n"
        '    ansible_python_interpreter: "{{ ansible_playbook_python }}"\n'
        "  roles:\n"
        "    - role: progressive.aws.canary\n"
    )
    phases = [{"name": "All", "percent": 100, "after": ["checks/smoke.yml"]}]

    run = deployer.play(play, **deployer.variables(deployer.image("one"), canary_phases=phases))

    assert run.code == 0, run.output
    assert f"smoke over {base.series}__1" in run.output


def test_a_phase_can_pause(base: Shop, deployer: Deployer) -> None:
    run = deployer.deploy(deployer.image("one"), canary_phases=[{**PHASES[0], "pause": 1}, PHASES[2]])

    assert run.code == 0, run.output
    assert "pause of 1 s" in run.output


def test_two_deployments_of_a_series_never_mix(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    other = deployer.image("other")
    nested = deployer.folder / "nested.yml"
    nested.write_text(
        "- name: Somebody else deploys another image meanwhile\n"
        "  ansible.builtin.command: >-\n"
        "    ansible-playbook {{ playbook_dir }}/canary.yml --extra-vars @{{ others }}\n"
        "  register: other\n"
        "  failed_when: false\n"
        "  changed_when: true\n"
        "- name: Show what became of it\n"
        "  ansible.builtin.copy:\n"
        '    content: "{{ other.rc }}\\n{{ other.stdout }}"\n'
        '    dest: "{{ outcome }}"\n'
        "    mode: '0600'\n"
    )
    variables = deployer.folder / "others.json"
    variables.write_text(json.dumps(deployer.variables(other)))

    with Observer(base) as observer:
        run = deployer.deploy(
            deployer.image("two"),
            canary_phases=[{**PHASES[0], "after": [str(nested)]}, *PHASES[1:]],
            others=str(variables),
            outcome=str(deployer.folder / "outcome"),
        )

    assert run.code == 0, run.output
    code, _, said = (deployer.folder / "outcome").read_text().partition("\n")
    assert code == "2"
    assert "Nothing was touched" in said
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 0, 0), f"{base.series}__2": Sizes(0, 10, 4, 4)}


def test_a_deployment_that_was_interrupted_goes_on_where_it_stopped(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two")
    second = deployer.begin(image_id, 50)

    with Observer(base) as observer:
        run = deployer.deploy(image_id)

    assert run.code == 0, run.output
    assert observer.desired(second) == [2, 4], "phases that were reached are not gone through again"
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 0, 0), second: Sizes(0, 10, 4, 4)}


def test_a_role_in_a_play_of_ones_own_takes_connection_options_from_module_defaults(
    base: Shop, deployer: Deployer
) -> None:
    play = deployer.folder / "deploy.yml"
    play.write_text(
        "- hosts: localhost\n"
        "  gather_facts: false\n"
        "  vars:\n"
        '    ansible_python_interpreter: "{{ ansible_playbook_python }}"\n'
        "  module_defaults:\n"
        "    group/progressive.aws.aws:\n"
        "      access_key: from-module-defaults\n"
        "      secret_key: from-module-defaults\n"
        "      region: us-east-1\n"
        "  roles:\n"
        "    - role: progressive.aws.canary\n"
    )
    image_id, mark = deployer.image("one"), deployer.server.mark()

    run = deployer.play(
        play, **deployer.variables(image_id, canary_phases=[{"name": "All", "percent": 100}], **QUICK)
    )

    assert run.code == 0, run.output
    assert {call["access_key"] for call in deployer.server.writes(mark)} == {"from-module-defaults"}
