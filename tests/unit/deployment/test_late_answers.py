# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWS that answers late: what is older than what was written is no evidence, and nobody asks without a pause."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.aws.written import (
    NOT_FOUND_YET,
    OLDEST_ANSWER,
    Written,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import LateAnswers, RolloutError
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Step, Timing
from ansible_collections.progressive.aws.plugins.module_utils.core.progress import as_plain, read

from tests.demo.shop import Sizes
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import PERCENTS, Site

SLOW = Timing(wait_timeout=600, poll_interval=5.0, pass_duration=10)


@pytest.fixture
def late(aws: InProcess) -> Site:
    """A shop with a live revision, whose engine skips the wire."""
    site = Site(aws, client=aws.direct_client)
    site.make_base(TargetGroupARNs=[site.shop.target_group()])
    site.shop.scale_with_cpu()
    site.deploy(site.image("one"), (100,))
    site.new_image = site.image("two")
    aws.advance(60)
    site.totals.clear()
    return site


def deploy(site: Site) -> str:
    group = site.set_up(site.new_image)
    for percent in PERCENTS:
        site.run(site.upgrade_step(group, percent), SLOW)
    return group


def calls_of(site: Site, staleness: float, do: Callable[[], Any], seed: int = 0) -> list[dict[str, Any]]:
    """The calls that something makes while answers are late; what is looked at afterwards is not."""
    site.aws.world.settings.staleness = staleness
    site.aws.world.past.ages.seed(seed)
    mark = site.aws.mark()
    try:
        do()
    finally:
        site.aws.world.settings.staleness = 0.0
        calls = site.aws.calls(mark)
    return calls


def made(calls: list[dict[str, Any]]) -> Counter[str]:
    """What was created and deleted, without what was asked for only."""
    return Counter(
        f"{one['operation']} {one['parameters'].get('AutoScalingGroupName', '')}"
        for one in calls
        if one["write"] and one["operation"].startswith(("CreateA", "CreateL", "Delete", "Put"))
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("staleness", [1.0, 3.0, 10.0])
def test_a_deployment_goes_live_with_the_same_changes_and_at_most_twice_the_calls(
    late: Site, staleness: float, seed: int
) -> None:
    late.aws.world.settings.staleness = 0.0
    calls = calls_of(late, staleness, lambda: deploy(late), seed)
    newest = late.shop.revisions()[f"{late.prefix}2"]
    assert newest == Sizes(0, 10, 4, 4)
    assert late.desired() == {1: 0, 2: 4}
    assert min(late.totals) >= 4
    late.aws.advance(200)
    late.new_image = late.image("three")
    usual = calls_of(late, 0.0, lambda: deploy(late))
    assert len(calls) <= 2 * len(usual)
    assert [one.partition(" ")[0] for one in made(calls)] == [one.partition(" ")[0] for one in made(usual)]
    assert set(made(calls).values()) == {1}


@pytest.mark.parametrize("phases", [(), (25,), (25, 50), (25, 50, 100)])
@pytest.mark.parametrize("staleness", [1.0, 3.0, 10.0])
def test_a_rollback_from_each_phase_leaves_what_was_before(
    late: Site, staleness: float, phases: tuple[int, ...]
) -> None:
    before = late.standing()

    def there_and_back() -> None:
        group = late.set_up(late.new_image)
        for percent in phases:
            late.run(late.upgrade_step(group, percent), SLOW)
        late.run(late.roll_back_step(group), SLOW)

    calls = calls_of(late, staleness, there_and_back)
    assert late.standing() == before
    assert min(late.totals) >= 4
    done = made([one for one in calls if not one["error"]])
    assert done[f"CreateAutoScalingGroup {late.prefix}2"] == 1
    assert done[f"DeleteAutoScalingGroup {late.prefix}2"] == 1


def test_no_call_is_repeated_without_time_passing(late: Site) -> None:
    def there_and_back() -> None:
        group = deploy(late)
        late.run(late.roll_back_step(group), SLOW)

    calls = calls_of(late, 10.0, there_and_back)
    # A step ends with a look, and the next one begins with it; nothing asks a third time.
    alike = itertools.groupby((one["time"], one["operation"], str(one["parameters"])) for one in calls)
    assert max(len(list(same)) for __, same in alike) <= 2


def test_a_rollback_does_not_ask_for_a_deletion_again_while_answers_are_old(late: Site) -> None:
    group = late.set_up(late.new_image)
    late.aws.advance(60)
    calls = calls_of(late, 10.0, lambda: late.run(late.roll_back_step(group), SLOW))
    assert made(calls)[f"DeleteAutoScalingGroup {group}"] == 1


def test_answers_that_stay_old_end_in_an_error_that_says_so(late: Site) -> None:
    group = late.set_up(late.new_image)
    # As if nobody could see it any more.
    began = late.clock.now()
    late.shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=group, ForceDelete=True)
    with pytest.raises(LateAnswers, match=f"show group {group} as before it was written") as failed:
        late.upgrade(group, 25)
    assert NOT_FOUND_YET <= late.clock.now() - began <= NOT_FOUND_YET + 10
    assert failed.value.advice


def test_what_somebody_else_has_written_since_is_no_old_answer(late: Site) -> None:
    group = late.set_up(late.new_image)
    late.mark(group, {"progressive:lease": "owner=somebody since=1 until=9999999999"})
    began = late.clock.now()
    with pytest.raises(Exception, match="somebody"):
        late.upgrade(group, 25)
    assert late.clock.now() - began < 1


def test_sizes_put_back_by_somebody_are_believed_once_no_answer_can_be_so_old(late: Site) -> None:
    group = late.set_up(late.new_image)
    late.upgrade(group, 25)
    late.aws.advance(OLDEST_ANSWER)
    late.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=group, MinSize=0, MaxSize=10, DesiredCapacity=0
    )
    began = late.clock.now()
    late.upgrade(group, 25)
    assert late.desired()[2] == 1
    assert late.clock.now() - began < OLDEST_ANSWER


def test_pass_by_pass_what_was_written_goes_from_process_to_process(late: Site) -> None:
    def to_the_end(make: Callable[[], Step]) -> dict[str, Any]:
        progress: dict[str, Any] = {}
        for __ in range(300):
            late.memories = {
                owner: read(Written, json.loads(json.dumps(as_plain(one))))
                for owner, one in late.memories.items()
            }
            outcome = late.one_pass(make(), json.loads(json.dumps(progress)))
            progress = outcome.progress
            if outcome.done:
                return outcome.result
            late.clock.sleep(1)
        raise AssertionError("it does not come to an end")

    def deploy_by_passes() -> None:
        group = str(to_the_end(lambda: late.set_up_step(late.new_image))["group"])
        for percent in PERCENTS:
            to_the_end(lambda percent=percent: late.upgrade_step(group, percent))  # type: ignore[misc]

    calls = calls_of(late, 10.0, deploy_by_passes)
    assert late.desired() == {1: 0, 2: 4}
    assert made(calls)[f"CreateAutoScalingGroup {late.prefix}2"] == 1


def test_a_version_of_the_launch_template_that_is_not_found_yet_is_waited_for(late: Site) -> None:
    ec2 = late.shop.client("ec2")
    late.aws.world.settings.staleness = 10.0
    version = ec2.create_launch_template_version(
        LaunchTemplateName=late.shop.base_group, SourceVersion="1", LaunchTemplateData={"EbsOptimized": True}
    )
    number = str(version["LaunchTemplateVersion"]["VersionNumber"])
    found: list[Any] = []

    def ask() -> None:
        asked = {"LaunchTemplateName": late.shop.base_group, "Version": number}
        found.append(late.rollout().autoscaling.launch_template_version(asked))

    calls = calls_of(late, 10.0, ask)
    assert str(found[0]["VersionNumber"]) == number
    assert len(calls) > 1


# ------------------------------------------------- a kill, and answers that are old to who comes next


class Killed(BaseException):
    """SIGKILL: nothing of the engine may catch it."""


def kill_after(site: Site, operation: str, do: Callable[[], Any]) -> None:
    """Do something, and die as soon as an operation is done."""

    def look(number: int) -> None:
        if site.aws.calls(mark) and site.aws.calls(mark)[-1]["operation"] == operation:
            raise Killed

    mark = site.aws.mark()
    with site.aws.before_calls(look), pytest.raises(Killed):
        do()


@pytest.mark.parametrize("rolls_back", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_after_a_kill_the_launch_template_of_a_group_that_nobody_sees_yet_is_left_alone(
    late: Site, seed: int, rolls_back: bool
) -> None:
    before = late.standing()
    late.aws.world.settings.staleness = 10.0
    kill_after(late, "CreateAutoScalingGroup", lambda: late.set_up(late.new_image))
    late.aws.advance(1.0)

    def again() -> None:
        # Nobody remembers what the dead run has written.
        if rolls_back:
            late.run(late.roll_back_step(owner="two", take_over=True), SLOW)
        else:
            late.set_up(late.new_image, owner="two", take_over=True)

    for __ in range(2):
        with contextlib.suppress(RolloutError):
            calls_of(late, 10.0, again, seed)
        standing = late.standing()
        assert (f"group {late.prefix}2" in standing) == (f"template {late.prefix}2" in standing)
        late.aws.advance(30)
        if rolls_back and standing == before:
            break
    assert (late.standing() == before) == rolls_back
    assert min(late.totals) >= 4


@pytest.mark.parametrize("seed", range(4))
def test_after_a_kill_who_comes_next_takes_the_lease_before_it_believes_any_size(
    late: Site, seed: int
) -> None:
    before = late.standing()
    group = late.set_up(late.new_image)
    late.aws.world.settings.staleness = 10.0
    late.upgrade(group, 25)
    kill_after(late, "UpdateAutoScalingGroup", lambda: late.upgrade(group, 50))
    mark = late.aws.mark()
    late.aws.world.past.ages.seed(seed)
    late.run(late.roll_back_step(group, "two", take_over=True), SLOW)
    late.aws.world.settings.staleness = 0.0
    first = next(call for call in late.aws.writes(mark))
    assert first["operation"] == "CreateOrUpdateTags"
    assert [tag["Key"] for tag in first["parameters"]["Tags"]] == ["progressive:lease"]
    assert late.standing() == before
    assert min(late.totals) >= 4
