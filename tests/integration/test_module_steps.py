# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module by itself: its options reach AWS, and it returns what its documentation says."""

from __future__ import annotations

import base64
import functools
import json
import sys
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.progressive.aws.plugins.modules import asg_setup, asg_upgrade

from tests.demo.running import environment
from tests.demo.shop import Shop
from tests.integration import modules
from tests.integration.canary import Deployer, leftovers
from tests.integration.modules import ELSEWHERE, HERE, Call, documented

SIZES = {"min_size": 1, "max_size": 4, "desired_capacity": 2}


@pytest.fixture(params=[HERE, ELSEWHERE], ids=["in the worker", "as a process"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test for both ways of running: one engine, two ways in."""
    monkeypatch.setattr(
        sys.modules[__name__], "call", functools.partial(modules.call, python=request.param), raising=False
    )


call = modules.call


@pytest.fixture
def setting_up(base: Shop, deployer: Deployer) -> dict[str, Any]:
    """The options of a set-up that works."""
    return {"series": base.series, "base_group": base.base_group, "image_id": deployer.image("good"), **SIZES}


@pytest.fixture
def deployed(base: Shop, setting_up: dict[str, Any]) -> str:
    """A revision that is live with two instances."""
    setup = call(base, "asg_setup", **setting_up)
    assert not setup.failed, setup.result
    upgraded = call(base, "asg_upgrade", group=setup["group"], percent=100, settle_time=0)
    assert not upgraded.failed, upgraded.result
    return str(setup["group"])


def template_of(shop: Shop, group: str) -> dict[str, Any]:
    found = shop.client("ec2").describe_launch_template_versions(
        LaunchTemplateName=group, Versions=["$Latest"]
    )
    return dict(found["LaunchTemplateVersions"][0]["LaunchTemplateData"])


def tags_of(shop: Shop, group: str) -> dict[str, str]:
    described = shop.group(group)
    assert described is not None
    return {tag["Key"]: tag["Value"] for tag in described["Tags"]}


def is_documented(module: str, made: Call) -> bool:
    assert set(made.result) <= documented(module), set(made.result) - documented(module)
    return True


# ------------------------------------------------------------------- asg_setup


def test_setup_takes_the_parts_of_a_series_and_its_own_id(base: Shop, setting_up: dict[str, Any]) -> None:
    del setting_up["series"]
    parts = {"application": base.application, "service": base.service, "environment": base.environment}
    made = call(base, "asg_setup", **setting_up, **parts, deployment_id="build-42")
    assert made["group"] == f"{base.series}__1"
    assert (made["revision"], made["deployment_id"], made["changed"]) == (1, "build-42", True)
    assert tags_of(base, made["group"])["progressive:deployment"] == "build-42"
    assert is_documented("asg_setup", made)


def test_setup_gives_the_new_group_user_data_tags_and_places_of_its_own(
    base: Shop, setting_up: dict[str, Any]
) -> None:
    own = base.target_group("own")
    classic = base.classic_load_balancer()
    made = call(
        base,
        "asg_setup",
        **setting_up,
        user_data="#!/bin/sh\necho new\n",
        tags={"release": 7, "beta": True},
        target_group_arns=[own],
        load_balancer_names=[classic],
    )
    group = base.group(made["group"])
    assert group is not None
    assert group["TargetGroupARNs"] == [own]
    assert group["LoadBalancerNames"] == [classic]
    assert (tags_of(base, made["group"])["release"], tags_of(base, made["group"])["beta"]) == ("7", "true")
    assert base64.b64decode(template_of(base, made["group"])["UserData"]).decode() == "#!/bin/sh\necho new\n"


def test_an_empty_list_of_target_groups_means_none(base: Shop, setting_up: dict[str, Any]) -> None:
    made = call(base, "asg_setup", **setting_up, target_group_arns=[])
    group = base.group(made["group"])
    assert group is not None
    assert group["TargetGroupARNs"] == []


def test_setup_in_check_mode_shows_the_plan_and_creates_nothing(
    base: Shop, setting_up: dict[str, Any]
) -> None:
    phases = [{"name": "Half", "percent": 50}, {"name": "All", "percent": 100}]
    made = call(base, "asg_setup", **setting_up, phases=phases, check_mode=True)
    assert made["changed"]
    assert [(phase["name"], phase["new"]) for phase in made["phases"]] == [("Half", 1), ("All", 2)]
    assert any("Half" in line for line in made.lines)
    assert base.revisions() == {}
    assert is_documented("asg_setup", made)


def test_setup_says_all_that_is_wrong_with_its_phases_at_once(base: Shop, setting_up: dict[str, Any]) -> None:
    made = call(base, "asg_setup", **setting_up, phases=[{"percent": 25, "count": 1}, {"percent": 120}])
    assert made.failed
    assert (made["reason"], len(made["problems"])) == ("invalid_input", 2)
    assert base.revisions() == {}
    assert is_documented("asg_setup", made)


# ----------------------------------------------------------------- asg_upgrade


def test_upgrade_by_count_tells_which_instances_are_new(base: Shop, setting_up: dict[str, Any]) -> None:
    group = call(base, "asg_setup", **setting_up)["group"]
    first = call(base, "asg_upgrade", group=group, count=1, settle_time=0)
    assert (first["desired_capacity"], first["final"], first["changed"]) == (1, False, True)
    assert (len(first["instances"]["new"]), first["instances"]["existing"]) == (1, [])
    assert any("1/1 in service" in line for line in first.lines)
    second = call(base, "asg_upgrade", group=group, count=2, settle_time=0)
    assert second["instances"]["existing"] == first["instances"]["new"]
    assert (second["final"], len(second["instances"]["new"])) == (True, 1)
    assert is_documented("asg_upgrade", first)
    assert is_documented("asg_upgrade", second)


def test_upgrade_to_what_is_reached_changes_nothing(base: Shop, deployed: str) -> None:
    again = call(base, "asg_upgrade", group=deployed, percent=100, settle_time=0)
    assert not again.failed, again.result
    assert (again["changed"], again["actions"]) == (False, [])


@pytest.mark.parametrize("wanted", [{}, {"percent": 25, "count": 1}, {"percent": 101}, {"count": 3}])
def test_upgrade_refuses_what_makes_no_sense(
    base: Shop, setting_up: dict[str, Any], wanted: dict[str, int]
) -> None:
    group = call(base, "asg_setup", **setting_up)["group"]
    made = call(base, "asg_upgrade", group=group, **wanted)
    assert (made.failed, made["reason"]) == (True, "invalid_input")
    assert base.revisions()[group].desired_capacity == 0


def test_without_waiting_one_pass_is_made_and_says_what_is_missing(
    base: Shop, setting_up: dict[str, Any]
) -> None:
    group = call(base, "asg_setup", **setting_up)["group"]
    made = call(base, "asg_upgrade", group=group, count=1, wait=False)
    assert (made["done"], made["changed"]) == (False, True)
    assert made["waiting_for"]
    assert base.revisions()[group].desired_capacity == 1
    assert is_documented("asg_upgrade", made)


def test_an_upgrade_of_a_group_that_is_not_there_is_refused(base: Shop) -> None:
    made = call(base, "asg_upgrade", group=f"{base.series}__9", percent=25)
    assert made.failed
    assert f"{base.series}__9" in made["msg"]
    assert is_documented("asg_upgrade", made)


# ---------------------------------------------------------------- asg_rollback


def test_rollback_of_a_series_takes_its_newest_deployment_back(
    base: Shop, deployer: Deployer, deployed: str, setting_up: dict[str, Any]
) -> None:
    newer = call(base, "asg_setup", **{**setting_up, "image_id": deployer.image("newer")})
    call(base, "asg_upgrade", group=newer["group"], percent=50, settle_time=0)
    made = call(base, "asg_rollback", series=base.series, settle_time=0)
    assert not made.failed, made.result
    assert (made["removed"], made["kept"]) == ([newer["group"]], [])
    assert made["restored"] == [{"name": deployed, **SIZES}]
    assert leftovers(base, newer["group"]) == []
    assert base.revisions()[deployed].in_service == 2
    assert is_documented("asg_rollback", made)


def test_rollback_of_a_group_can_keep_it_for_a_look(
    base: Shop, deployer: Deployer, deployed: str, setting_up: dict[str, Any]
) -> None:
    newer = call(base, "asg_setup", **{**setting_up, "image_id": deployer.image("newer")})
    call(base, "asg_upgrade", group=newer["group"], percent=50, settle_time=0)
    made = call(base, "asg_rollback", group=newer["group"], keep_failed=True, settle_time=0)
    assert (made["removed"], made["kept"]) == ([], [newer["group"]])
    sizes = base.revisions()
    assert (sizes[newer["group"]].desired_capacity, sizes[deployed].in_service) == (0, 2)


# ------------------------------------------------------ asg_prune, asg_series_info


def test_prune_keeps_as_many_empty_revisions_as_it_is_told(
    base: Shop, deployer: Deployer, deployed: str, setting_up: dict[str, Any]
) -> None:
    newer = call(base, "asg_setup", **{**setting_up, "image_id": deployer.image("newer")})
    call(base, "asg_upgrade", group=newer["group"], percent=100, settle_time=0)
    planned = call(base, "asg_prune", series=base.series, keep=0, check_mode=True)
    assert planned["changed"]
    assert set(base.revisions()) == {deployed, newer["group"]}
    made = call(base, "asg_prune", series=base.series, keep=0)
    assert not made.failed, made.result
    assert (made["deleted"], made["kept"]) == ([deployed], [newer["group"]])
    assert leftovers(base, deployed) == []
    assert is_documented("asg_prune", made)


def test_series_info_tells_what_there_is_of_a_series(base: Shop, deployed: str) -> None:
    made = call(base, "asg_series_info", series=base.series)
    (revision,) = made["revisions"]
    assert (revision["name"], revision["revision"], revision["status"]) == (deployed, 1, "live")
    assert {size: revision[size] for size in SIZES} == SIZES
    assert (revision["in_service"], made["changed"]) == (2, False)
    assert is_documented("asg_series_info", made)


def test_series_info_of_a_series_that_is_not_there_is_empty(base: Shop) -> None:
    assert call(base, "asg_series_info", series="no__such__series")["revisions"] == []


# ----------------------------------------------------------- without the plugin


def test_without_the_action_plugin_a_module_does_the_same_by_itself(
    base: Shop,
    setting_up: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment(base.endpoint).items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    owner = {"lease_owner": "another-front-end", "poll_interval": 0.2}
    results = []
    for module, options in (
        (asg_setup, {**setting_up, **owner}),
        (asg_upgrade, {"group": f"{base.series}__1", "percent": 100, "settle_time": 0, **owner}),
    ):
        with patch_module_args(options), pytest.raises(SystemExit):
            module.main()
        results.append(json.loads(capsys.readouterr().out))
    assert [(result.get("failed", False), result["done"]) for result in results] == [(False, True)] * 2
    assert base.revisions()[f"{base.series}__1"].in_service == 2


# --------------------------------------------------------------------- refusals


def test_a_region_that_is_empty_is_no_region(base: Shop) -> None:
    made = call(base, "asg_series_info", series=base.series, region="", environ={
        **environment(base.endpoint), "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
    })  # fmt: skip
    assert (made.failed, made["reason"]) == (True, "no_credentials")
    assert "no region is set" in made["msg"]
