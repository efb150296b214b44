# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's example, from a live revision to the next one, and what comes after it."""

from __future__ import annotations

from ansible_collections.progressive.aws.plugins.module_utils.naming import short_name

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import ERROR_RATE, PHASES, UNSET, Deployer, everything_about, verified
from tests.integration.observer import Observer


def test_the_guides_example_goes_live_without_ever_losing_capacity(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"
    untouched = everything_about(base, base.base_group)

    with Observer(base) as observer:
        run = deployer.deploy(deployer.image("two"), canary_phases=verified("Canary 25 %", "Canary 50 %"))

    assert run.code == 0, run.output
    assert observer.desired(second) == [0, 1, 2, 4]
    assert observer.desired(first) == [4, 3, 2, 0]
    assert observer.lowest >= 4
    assert len(observer.ever_in_service(second)) == 4, "instances of earlier phases are kept"
    assert base.revisions() == {first: Sizes(0, 10, 0, 0), second: Sizes(0, 10, 4, 4)}
    assert everything_about(base, base.base_group) == untouched


def test_the_new_group_grows_before_an_outgoing_one_shrinks(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"

    with Observer(base) as observer:
        deployer.deploy(deployer.image("two"))

    assert observer.together(second, first) == [(0, 4), (1, 4), (1, 3), (2, 3), (2, 2), (4, 2), (4, 0)]


def test_old_first_shrinks_before_it_grows(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"

    with Observer(base) as observer:
        run = deployer.deploy(deployer.image("two"), canary_resize_order="old_first")

    assert run.code == 0, run.output
    assert observer.together(second, first) == [(0, 4), (0, 3), (1, 3), (1, 2), (2, 2), (2, 0), (4, 0)]


def test_policies_of_the_base_arrive_with_the_final_phase_only(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"
    noted = deployer.folder / "policies"
    task = deployer.folder / "look.yml"
    task.write_text(
        "- name: Note the policies that the new group has in this phase\n"
        "  ansible.builtin.shell: >-\n"
        "    aws autoscaling describe-policies --auto-scaling-group-name {{ canary_group }}\n"
        "    --query 'ScalingPolicies[].PolicyName' --output json | tr -d ' \\n' >> {{ noted }}; echo >> {{ noted }}\n"
    )

    run = deployer.deploy(
        deployer.image("two"),
        canary_phases=[{**phase, "after": [str(task)]} for phase in PHASES],
        noted=str(noted),
    )

    assert run.code == 0, run.output
    assert noted.read_text().split("\n")[:3] == ["[]", "[]", '["cpu-at-60"]']
    assert base.policies(second) == ["cpu-at-60"]


def test_the_same_playbook_again_changes_nothing(base: Shop, deployer: Deployer) -> None:
    image_id = deployer.image("one")
    deployer.go_live(image_id)
    deployer.deploy(image_id := deployer.image("two"))
    before, calls = base.revisions(), deployer.server.mark()

    again = deployer.deploy(image_id)

    assert again.code == 0, again.output
    assert "changed=0" in again.lines[-2 if not again.lines[-1].strip() else -1]
    assert deployer.server.writes(calls) == []
    assert base.revisions() == before
    assert deployer.report["outcome"] == "already-live"


def test_without_sizes_the_new_revision_has_those_of_the_running_one(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))

    run = deployer.deploy(
        deployer.image("two"), canary_min_size=UNSET, canary_max_size=UNSET, canary_desired_capacity=UNSET
    )

    assert run.code == 0, run.output
    assert base.revisions()[f"{base.series}__2"] == Sizes(0, 10, 4, 4)


def test_a_first_deployment_goes_up_by_phases_too(base: Shop, deployer: Deployer) -> None:
    with Observer(base) as observer:
        run = deployer.deploy(deployer.image("one"))

    assert run.code == 0, run.output
    assert observer.desired(f"{base.series}__1") == [0, 1, 2, 4]
    assert base.revisions() == {f"{base.series}__1": Sizes(0, 10, 4, 4)}


def test_phases_can_count_instances(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"

    with Observer(base) as observer:
        run = deployer.deploy(
            deployer.image("two"), canary_phases=[{"name": "Three", "count": 3}, {"name": "All", "count": 4}]
        )

    assert run.code == 0, run.output
    assert observer.desired(second) == [0, 3, 4]


def test_check_mode_prints_the_whole_plan_and_writes_nothing(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two")
    before, calls = base.revisions(), deployer.server.mark()

    run = deployer.deploy(image_id, "--check", canary_phases=verified("Canary 25 %"))

    assert run.code == 0, run.output
    for words in (
        f"create launch template {base.series}__2",
        f"create group {base.series}__2",
        "Canary 25 %: 1 new, 3 outgoing",
        "Canary 50 %: 2 new, 2 outgoing",
        "Primary: 4 new, 0 outgoing",
        "cpu-at-60",
    ):
        assert words in run.output
    assert deployer.server.writes(calls) == []
    assert base.revisions() == before
    assert deployer.report["outcome"] == "planned"


def test_the_terminal_shows_what_the_guides_log_shows(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))

    run = deployer.deploy(deployer.image("two"), canary_phases=verified("Canary 25 %"))

    told = [line for line in run.lines if " checkout__prod__2  " in line]
    for words in ("launching", "PreInService", "Successful", "in service", "targets healthy", "steady state"):
        assert any(words in line for line in told), f"{words!r} is missing in:\n{run.output}"
    assert any("[##......] 1/4 in service" in line or "1/1 in service" in line for line in told)
    assert any("terminating" in line for line in run.lines if f" {short_name(first)}  " in line)
    assert "pass" in run.output


def test_the_report_tells_of_each_phase(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two")

    run = deployer.deploy(image_id, canary_phases=verified("Canary 25 %"))

    assert run.code == 0, run.output
    report = deployer.report
    assert report["outcome"] == "live"
    assert [phase["name"] for phase in report["phases"]] == ["Canary 25 %", "Canary 50 %", "Primary"]
    assert [phase["verdict"] for phase in report["phases"]] == ["pass", None, None]
    groups = {one["name"]: one for one in report["groups"]}
    assert groups[f"{base.series}__2"]["after"]["status"] == "live"
    assert groups[f"{base.series}__2"]["image_id"] == image_id
    assert groups[f"{base.series}__1"]["before"]["status"] == "live"
    assert groups[f"{base.series}__1"]["after"]["status"] == "superseded"


def test_old_revisions_beyond_those_to_keep_are_deleted(base: Shop, deployer: Deployer) -> None:
    for name in ("one", "two", "three"):
        run = deployer.deploy(
            deployer.image(name), canary_phases=[{"name": "All", "percent": 100}], canary_keep_revisions=1
        )
        assert run.code == 0, run.output

    assert list(base.revisions()) == [f"{base.series}__2", f"{base.series}__3"]


def test_a_verification_that_asks_for_nothing_unusual_passes(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))

    run = deployer.deploy(deployer.image("two"), canary_phases=UNSET, canary_verify=ERROR_RATE)

    assert run.code == 0, run.output
    assert [phase["verdict"] for phase in deployer.report["phases"]] == ["pass", "pass", None]
