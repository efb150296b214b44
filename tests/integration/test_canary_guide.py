# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's example, from a live revision to the next one, and what comes after it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.naming import short_name

from tests.demo.running import Run
from tests.demo.shop import Shop, Sizes
from tests.integration.canary import ERROR_RATE, PHASES, UNSET, Deployer, everything_about, verified
from tests.integration.observer import Observer
from tests.recorded import COLLECTION


@dataclass(frozen=True)
class Story:
    """The guide's example, told once by C(playbooks/canary.yml) and looked at by several tests."""

    deployer: Deployer
    first: str
    second: str
    image_id: str
    observer: Observer
    run: Run
    base_before: object
    base_after: object

    @property
    def shop(self) -> Shop:
        """Where it took place."""
        return self.deployer.shop


@pytest.fixture(scope="module")
def story(storyteller: Deployer) -> Story:
    """The playbook's own three phases, with a verification after the first two."""
    shop = storyteller.shop
    first = storyteller.go_live(storyteller.image("one"))
    before = everything_about(shop, shop.base_group)
    image_id = storyteller.image("two")
    with Observer(shop) as observer:
        run = storyteller.deploy(image_id, canary_phases=UNSET, canary_verify=ERROR_RATE)
    after = everything_about(shop, shop.base_group)
    return Story(storyteller, first, f"{shop.series}__2", image_id, observer, run, before, after)


def test_the_guides_example_goes_live_without_ever_losing_capacity(story: Story) -> None:
    assert story.run.code == 0, story.run.output
    assert story.observer.desired(story.second) == [0, 1, 2, 4]
    assert story.observer.desired(story.first) == [4, 3, 2, 0]
    assert story.observer.lowest >= 4
    assert len(story.observer.ever_in_service(story.second)) == 4, "instances of earlier phases are kept"
    assert story.shop.revisions() == {story.first: Sizes(0, 10, 0, 0), story.second: Sizes(0, 10, 4, 4)}
    assert story.base_after == story.base_before


def test_the_new_group_grows_before_an_outgoing_one_shrinks(story: Story) -> None:
    together = story.observer.together(story.second, story.first)
    assert together == [(0, 4), (1, 4), (1, 3), (2, 3), (2, 2), (4, 2), (4, 0)]


def test_the_terminal_shows_what_the_guides_log_shows(story: Story) -> None:
    told = [line for line in story.run.lines if " checkout__prod__2  " in line]
    for words in ("launching", "PreInService", "Successful", "in service", "targets healthy", "steady state"):
        assert any(words in line for line in told), f"{words!r} is missing in:\n{story.run.output}"
    assert any("[####....] 1/2 in service, 1 pending" in line for line in told)
    assert any("terminating" in line for line in story.run.lines if f" {short_name(story.first)}  " in line)
    # Without the time of day, no line of a group comes twice in a row, and no activity's at all.
    activities = [line.split(maxsplit=1)[1] for line in told if "launching" in line or "terminating" in line]
    assert len(activities) == len(set(activities))
    assert all("\x1b" not in line for line in told), "plain text where there is no terminal"


def test_the_report_tells_of_each_phase(story: Story) -> None:
    report = story.deployer.report
    assert report["outcome"] == "live"
    assert [phase["name"] for phase in report["phases"]] == ["Canary 25 %", "Canary 50 %", "Primary"]
    assert [phase["verdict"] for phase in report["phases"]] == ["pass", "pass", None]
    assert all(phase["seconds"] > 0 for phase in report["phases"])
    groups = {one["name"]: one for one in report["groups"]}
    assert groups[story.second]["after"]["status"] == "live"
    assert groups[story.second]["image_id"] == story.image_id
    assert groups[story.first]["before"]["status"] == "live"
    assert groups[story.first]["after"]["status"] == "superseded"


def test_the_same_playbook_again_changes_nothing(story: Story) -> None:
    before, calls = story.shop.revisions(), story.deployer.server.mark()

    again = story.deployer.deploy(story.image_id, canary_phases=UNSET, canary_verify=ERROR_RATE)

    assert again.code == 0, again.output
    assert any("changed=0 " in line for line in again.lines)
    assert story.deployer.server.writes(calls) == []
    assert story.shop.revisions() == before
    assert story.deployer.report["outcome"] == "already-live"


def test_old_first_shrinks_before_it_grows_and_policies_arrive_with_the_final_phase(
    base: Shop, deployer: Deployer
) -> None:
    first = deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"
    noted = deployer.folder / "policies"
    task = deployer.folder / "look.yml"
    task.write_text(
        "- name: Note the policies that the new group has in this phase\n"
        "  ansible.builtin.shell: >-\n"
        "    aws autoscaling describe-policies --auto-scaling-group-name {{ canary_group }}\n"
        "    --query 'ScalingPolicies[].PolicyName' --output json | tr -d ' \\n' >> {{ noted }}; echo >> {{ noted }}\n"
    )

    with Observer(base) as observer:
        run = deployer.deploy(
            deployer.image("two"),
            canary_resize_order="old_first",
            canary_phases=[{**phase, "after": [str(task)]} for phase in PHASES],
            noted=str(noted),
        )

    assert run.code == 0, run.output
    assert observer.together(second, first) == [(0, 4), (0, 3), (1, 3), (1, 2), (2, 2), (2, 0), (4, 0)]
    assert noted.read_text().split("\n")[:3] == ["[]", "[]", '["cpu-at-60"]']
    assert base.policies(second) == ["cpu-at-60"]


def test_a_first_deployment_goes_up_by_phases_too(base: Shop, deployer: Deployer) -> None:
    with Observer(base) as observer:
        run = deployer.deploy(deployer.image("one"))

    assert run.code == 0, run.output
    assert observer.desired(f"{base.series}__1") == [0, 1, 2, 4]
    assert base.revisions() == {f"{base.series}__1": Sizes(0, 10, 4, 4)}


def test_phases_can_count_instances_and_sizes_can_be_those_that_are_running(
    base: Shop, deployer: Deployer
) -> None:
    deployer.go_live(deployer.image("one"))
    second = f"{base.series}__2"

    with Observer(base) as observer:
        run = deployer.deploy(
            deployer.image("two"),
            canary_min_size=UNSET,
            canary_max_size=UNSET,
            canary_desired_capacity=UNSET,
            canary_phases=[{"name": "Three", "count": 3}, {"name": "All", "count": 4}],
        )

    assert run.code == 0, run.output
    assert observer.desired(second) == [0, 3, 4]
    assert base.revisions()[second] == Sizes(0, 10, 4, 4)


def test_check_mode_prints_the_whole_plan_and_writes_nothing(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two")
    before, calls = base.revisions(), deployer.server.mark()

    run = deployer.deploy(image_id, "--check", canary_phases=verified("Canary 25 %"))

    assert run.code == 0, run.output
    for words in (
        f"would create launch template {base.series}__2",
        f"would create group {base.series}__2",
        "Canary 25 %: 1 new, 3 outgoing",
        "Canary 50 %: 2 new, 2 outgoing",
        "Primary: 4 new, 0 outgoing",
        "copied: scaling policies (final phase): cpu-at-60",
        "copied: tags: team",
    ):
        assert words in run.output
    assert deployer.server.writes(calls) == []
    assert base.revisions() == before
    assert "Planned, as follows. Nothing was changed." in run.output
    assert not deployer.report_path.exists()


def test_old_revisions_beyond_those_to_keep_are_deleted(base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    deployer.go_live(deployer.image("two"))

    run = deployer.deploy(
        deployer.image("three"), canary_phases=[{"name": "All", "percent": 100}], canary_keep_revisions=1
    )

    assert run.code == 0, run.output
    assert list(base.revisions()) == [f"{base.series}__2", f"{base.series}__3"]


def test_the_guides_canary_asks_little_of_aws(base: Shop, deployer: Deployer) -> None:
    """At most 76 calls in all, of which 18 change something and one is a dry run; each wait is one poll long."""
    deployer.go_live(deployer.image("one"))
    image_id, mark = deployer.image("two"), deployer.server.mark()
    run = deployer.deploy(image_id, canary_poll_interval=2)
    assert run.code == 0, run.output
    calls = [one for one in deployer.server.calls(mark) if one["access_key"] == COLLECTION]
    assert len(calls) <= 76, Counter(one["operation"] for one in calls)
    assert sum(1 for one in calls if one["write"]) == 19
    assert sum(1 for one in run.lines if one.startswith("skipping:")) <= 5
    assert "tasks/" not in run.output, "no paths of included files"
    assert sum(1 for one in run.lines if one.startswith(("changed:", "ok:"))) <= 8 + 1, (
        "eight and the specification"
    )
