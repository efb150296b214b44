# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode tells the whole deployment, everything that is wrong at once, writes nothing, and the run keeps to it."""

from __future__ import annotations

import base64
import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.aws import launch_sources
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import PassResult
from moto.servicequotas.models import ServiceQuotasBackend

from tests.sandbox.inprocess import InProcess
from tests.unit.engine import Site

SAME_AS_RUNNING: dict[str, Any] = {"min_size": None, "max_size": None, "desired_capacity": None}
BY_HAND = "by-hand"


def phased(*phases: str) -> tuple[Wanted, ...]:
    """Phases from words: C(25%) is a percentage, C(3) a number of instances."""
    return tuple(
        Wanted(percent=int(one[:-1]), name=one) if one.endswith("%") else Wanted(count=int(one), name=one)
        for one in phases
    )


GUIDE = phased("25%", "50%", "100%")


def planned(site: Site, image_id: str | None, **options: Any) -> PassResult:
    """What check mode says. Nothing may be written."""
    mark, before = site.aws.mark(), site.standing()
    try:
        return site.run(site.set_up_step(image_id, check_mode=True, **options), check_mode=True)
    finally:
        assert site.aws.writes(mark) == []
        assert site.standing() == before


def refused(site: Site, image_id: str | None, **options: Any) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        planned(site, image_id, **options)
    return list(caught.value.problems)


def lines(outcome: PassResult, kind: str = "plan") -> list[str]:
    return [event.text for event in outcome.events if event.kind == kind]


def checks(outcome: PassResult, name: str) -> list[tuple[str, str]]:
    return [(one["result"], one["text"]) for one in outcome.result["checks"] if one["check"] == name]


def live_by_hand(site: Site, desired: int, minimum: int = 0, maximum: int = 10) -> None:
    """A live group that was made without the collection."""
    found = site.shop.client("ec2").describe_launch_templates(LaunchTemplateNames=[site.shop.base_group])
    template_id = found["LaunchTemplates"][0]["LaunchTemplateId"]
    site.make_base(
        AutoScalingGroupName=BY_HAND,
        LaunchTemplate={"LaunchTemplateId": template_id, "Version": "1"},
        MinSize=minimum,
        MaxSize=maximum,
        DesiredCapacity=desired,
    )
    site.clock.sleep(10)


@pytest.fixture
def plain(aws: InProcess) -> Site:
    """A shop with the plainest base group."""
    site = Site(aws)
    site.make_base()
    return site


# ------------------------------------------------------------------- the whole plan


def test_the_plan_has_every_group_and_size_of_every_phase(site: Site) -> None:
    site.shop.client("autoscaling").suspend_processes(
        AutoScalingGroupName=site.shop.base_group, ScalingProcesses=["ScheduledActions"]
    )
    first = site.deploy(site.image("one"))
    live_by_hand(site, 2, 1, 5)
    image_id = site.image("two")

    outcome = planned(site, image_id, phases=GUIDE, adopt_group=BY_HAND, list_copied=True)

    result = outcome.result
    second = f"{site.prefix}2"
    assert (result["group"], result["image_id"], result["image_chosen_by"]) == (
        second,
        image_id,
        f"AMI {image_id}",
    )
    sizes = [
        {name: tuple(size.values()) for name, size in phase["sizes"].items()} for phase in result["phases"]
    ]
    assert sizes == [
        {second: (1, 10, 1), first: (4, 10, 4), BY_HAND: (1, 5, 1)},
        {second: (2, 10, 2), first: (3, 10, 3), BY_HAND: (0, 5, 0)},
        {second: (0, 10, 4), first: (0, 10, 0), BY_HAND: (0, 5, 0)},
    ]
    assert [phase["peak"] for phase in result["phases"]] == [7, 7, 7]
    assert result["peak"] == 7
    shown = lines(outcome)
    for words in (
        f"new revision of {site.shop.base_group} with {image_id}, min 0, max 10, desired 4",
        f"outgoing: {first} with min 0, max 10, desired 4",
        f"outgoing: {BY_HAND} with min 1, max 5, desired 2",
        "25%: 1 new, 5 outgoing",
        f"25%: {BY_HAND} gets min 1, max 5, desired 1",
        f"100%: {second} gets min 0, max 10, desired 4",
        "at most 7 instances at a time, 1 more than now",
        "copied: tags: team",
    ):
        assert words in shown, words
    assert any(line.startswith("not copied: ") for line in shown)
    assert result["copied"]
    assert result["not_copied"]


def test_quotas_addresses_image_and_permissions_are_looked_at(site: Site) -> None:
    site.deploy(site.image("one"))
    outcome = planned(site, site.image("two"), phases=GUIDE)
    found = {(one["check"], one["result"]): one["text"] for one in outcome.result["checks"]}
    assert found["quotas", "ok"] == "2 of 500 Auto Scaling groups in use"
    assert "2 launch templates in use, and 1 to come" in found["launch templates", "ok"]
    assert "2 more addresses needed" in found["addresses", "ok"]
    assert "x86_64, of 123456789012, which this account may launch" in found["image", "ok"]
    assert found["permissions", "ok"] == "ec2:CreateLaunchTemplate is allowed, by a dry run"
    assert "have no dry run; docs/iam.md has all the actions" in found["permissions", "not_checked"]
    assert "it must allow 2 more instances" in found["vCPU quota", "not_checked"]


def test_old_first_needs_no_more_than_there_is(site: Site) -> None:
    site.deploy(site.image("one"))
    outcome = planned(site, site.image("two"), phases=GUIDE, resize_order="old_first")
    assert outcome.result["peak"] == 4
    assert "at most 4 instances at a time, 0 more than now" in [
        one["text"] for one in outcome.result["checks"]
    ]


# ------------------------------------------------------------- everything wrong at once


def test_everything_that_is_wrong_is_told_at_once(site: Site) -> None:
    live_by_hand(site, 3)
    site.mark(BY_HAND, {"progressive:series": "a__b__c"})
    image_id = site.shop.register_image("arm", architecture="arm64")
    site.aws.behave(image_id, {"state": "pending"})
    few_addresses(site, 0)
    no_more_groups(site)

    problems = refused(
        site,
        image_id,
        key_name="nobody",
        security_group_ids=("sg-1",),
        load_balancer_names=("nothing",),
        min_size=5,
        phases=phased("2", "4"),
        adopt_group=BY_HAND,
    )

    expected = [
        f"AMI {image_id} is pending, not available",
        f"AMI {image_id} is built for arm64, and instance type t3.micro",
        f"group {BY_HAND} cannot be adopted, because it is of series a__b__c",
        "min_size 5 is above desired_capacity 4",
        "there is no classic load balancer nothing",
        "there is no key pair nobody",
        "there is no security group sg-1",
        "this region has 500 Auto Scaling groups, and its quota is 500",
        "the deployment needs 4 more addresses at a time, and the base's subnets have 0 left",
    ]
    for words in expected:
        assert any(words in problem for problem in problems), words
    assert len(problems) == len(expected), problems


def test_without_an_image_or_sizes_the_rest_is_told_too(site: Site) -> None:
    no_more_groups(site)
    problems = refused(site, "ami-0123", key_name="nobody", phases=GUIDE, **SAME_AS_RUNNING)
    assert [problem.split(";")[0] for problem in problems] == [
        "there is no AMI ami-0123 in this region that these credentials may see",
        "nothing is running that min_size and max_size and desired_capacity could be taken from",
        "this region has 500 Auto Scaling groups, and its quota is 500",
        "there is no key pair nobody in this region",
    ]


def test_a_run_refuses_what_the_plan_refuses(site: Site) -> None:
    no_more_groups(site)
    options: dict[str, Any] = {"key_name": "nobody", "min_size": 5, "phases": GUIDE}
    image_id, mark = site.image("one"), site.aws.mark()
    with pytest.raises(InvalidInput) as caught:
        site.run(site.set_up_step(image_id, **options))
    assert list(caught.value.problems) == refused(site, image_id, **options)
    assert site.aws.writes(mark) == []


# ----------------------------------------------------------------- one thing at a time


def no_more_groups(site: Site) -> None:
    """Let the region be full."""
    limits = {"MaxNumberOfAutoScalingGroups": 500, "NumberOfAutoScalingGroups": 500}
    more = {"MaxNumberOfLaunchConfigurations": 200, "NumberOfLaunchConfigurations": 200}
    site.aws.world.autoscaling._operations["DescribeAccountLimits"] = lambda parameters: {**limits, **more}


def few_addresses(site: Site, left: int) -> None:
    """Leave so many free addresses in each of the base's subnets."""
    ec2 = site.aws.world.backend("ec2")
    for subnet_id in site.shop.subnets():
        subnet = ec2.get_subnet(subnet_id)
        subnet._available_ip_addresses -= subnet.available_ip_address_count - left


@pytest.mark.parametrize(("left", "result"), [(2, "ok"), (1, "problem"), (0, "problem"), (100, "ok")])
def test_free_addresses_must_suffice_for_what_is_more_than_now(plain: Site, left: int, result: str) -> None:
    few_addresses(plain, left)
    image_id = plain.image("one")
    if result == "problem":
        (problem,) = refused(plain, image_id, phases=GUIDE)
        assert f"needs 4 more addresses at a time, and the base's subnets have {2 * left} left" in problem
    else:
        assert [one for one, __ in checks(planned(plain, image_id, phases=GUIDE), "addresses")] == ["ok"]


def test_one_address_too_few_is_a_refusal(plain: Site) -> None:
    few_addresses(plain, 2)
    plain.aws.world.backend("ec2").get_subnet(plain.shop.subnets()[0])._available_ip_addresses -= 1
    (problem,) = refused(plain, plain.image("one"), phases=GUIDE)
    assert "the base's subnets have 3 left" in problem


def test_a_subnet_that_is_fuller_than_the_other_is_a_warning(plain: Site) -> None:
    few_addresses(plain, 8)
    subnet = plain.aws.world.backend("ec2").get_subnet(plain.shop.subnets()[0])
    subnet._available_ip_addresses -= 7
    outcome = planned(plain, plain.image("one"), phases=GUIDE)
    assert [text for text in lines(outcome, "warning") if "one subnet has less than its share" in text]


def test_launch_configurations_have_a_quota_of_their_own(aws: InProcess) -> None:
    site = Site(aws)
    site.make_base(LaunchConfigurationName=site.shop.launch_configuration(site.image("base")))
    no_more_groups(site)
    assert [problem.split(",")[0] for problem in refused(site, site.image("one"))] == [
        "this region has 500 Auto Scaling groups",
        "this region has 200 launch configurations",
    ]


def test_a_deprecated_image_is_a_warning_and_no_refusal(plain: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    read = launch_sources.read_image
    image_id = plain.image("one")
    for moment, warned in (("2026-01-01T00:00:00.000Z", True), ("2099-01-01T00:00:00.000Z", False)):

        def deprecated(item: Any, moment: str = moment) -> Any:
            return dataclasses.replace(read(item), deprecated=moment)

        monkeypatch.setattr(launch_sources, "read_image", deprecated)
        outcome = planned(plain, image_id, phases=GUIDE)
        text = f"AMI {image_id} is deprecated since 2026-01-01; take a newer one"
        assert (text in lines(outcome, "warning")) == warned


@pytest.mark.parametrize("state", ["pending", "disabled", "failed"])
def test_an_image_that_is_not_available_is_refused(plain: Site, state: str) -> None:
    image_id = plain.image("one", state=state)
    assert refused(plain, image_id) == [f"AMI {image_id} is {state}, not available"]


def test_an_image_that_is_not_shared_with_the_account_is_as_good_as_none(plain: Site) -> None:
    image_id = plain.image("one")
    plain.shop.client("ec2").deregister_image(ImageId=image_id)
    (problem,) = refused(plain, image_id)
    assert f"there is no AMI {image_id} in this region that these credentials may see" in problem


def test_a_permission_that_is_missing_is_a_warning_in_the_plan(plain: Site) -> None:
    with plain.aws.fault("deny", service="ec2", operation="CreateLaunchTemplate"):
        outcome = planned(plain, plain.image("one"), phases=GUIDE)
    words = "ec2:CreateLaunchTemplate is not allowed to the credentials in use, and a deployment needs it"
    assert words in lines(outcome, "warning")


def test_a_launch_template_that_aws_would_not_take_is_refused(plain: Site) -> None:
    fault = plain.aws.fault(
        "error",
        service="ec2",
        operation="CreateLaunchTemplate",
        code="InvalidParameterValue",
        message="no such thing",
        status=400,
    )
    with fault:
        (problem,) = refused(plain, plain.image("one"))
    assert problem == "AWS would not take the new launch template: no such thing (InvalidParameterValue)"


@pytest.mark.parametrize("kind", ["throttle", "reset"])
@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("CreateLaunchTemplate", "ec2:CreateLaunchTemplate not checked"),
        ("DescribeAccountLimits", "quotas not checked"),
        ("DescribeSubnets", "addresses not checked"),
        ("GetServiceQuota", "vCPU quota not checked"),
    ],
)
def test_what_cannot_be_found_out_refuses_nothing(plain: Site, kind: str, operation: str, words: str) -> None:
    with plain.aws.fault(kind, operation=operation):
        outcome = planned(plain, plain.image("one"), phases=GUIDE)
    texts = [one["text"] for one in outcome.result["checks"] if one["result"] == "not_checked"]
    assert any(text.startswith(words) for text in texts), texts
    assert not [one for one in outcome.result["checks"] if one["result"] == "problem"]


def test_who_may_only_look_gets_a_plan(site: Site) -> None:
    """Whoever may not even ask for quotas, addresses or the dry run is told what was not checked."""
    operations = ("DescribeAccountLimits", "DescribeSubnets", "CreateLaunchTemplate", "GetServiceQuota")
    for operation in operations:
        with site.aws.fault("deny", operation=operation):
            assert planned(site, site.image(operation), phases=GUIDE).result["phases"]


# ------------------------------------------------------------------------------ vCPUs


def vcpu_quota(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    """Let Service Quotas say so of the quota of vCPUs of On-Demand standard instances."""

    def quota(self: ServiceQuotasBackend, service_code: str, quota_code: str) -> dict[str, Any]:
        assert (service_code, quota_code) == ("ec2", "L-1216C47A")
        return {"ServiceCode": "ec2", "QuotaCode": quota_code, "Value": value}

    monkeypatch.setattr(ServiceQuotasBackend, "get_service_quota", quota)


@pytest.mark.parametrize(("most", "result"), [(12.0, "ok"), (11.0, "warning"), (5.0, "warning")])
def test_vcpus_in_use_and_to_come_are_held_against_the_quota(
    plain: Site, monkeypatch: pytest.MonkeyPatch, most: float, result: str
) -> None:
    """t3.micro has two vCPUs: four run, and two more come for a while."""
    vcpu_quota(monkeypatch, most)
    plain.deploy(plain.image("one"))
    ((found, text),) = checks(planned(plain, plain.image("two"), phases=GUIDE), "vCPU quota")
    assert found == result
    words = f"8 of {most:.0f} vCPUs of On-Demand standard instances in use, and 4 more needed"
    assert text.startswith(words)


def test_with_old_first_no_more_vcpus_are_needed(plain: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    vcpu_quota(monkeypatch, 8.0)
    plain.deploy(plain.image("one"))
    outcome = planned(plain, plain.image("two"), phases=GUIDE, resize_order="old_first")
    assert [one for one, __ in checks(outcome, "vCPU quota")] == ["ok"]


def test_other_families_have_other_quotas(plain: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    vcpu_quota(monkeypatch, 1.0)
    outcome = planned(plain, plain.image("one"), instance_type="g4dn.xlarge", phases=GUIDE)
    ((found, text),) = checks(outcome, "vCPU quota")
    assert (found, text.rpartition(": ")[2]) == ("not_checked", "g4dn.xlarge has a quota of its own")


@pytest.mark.parametrize(
    ("distribution", "override", "words"),
    [
        ({"OnDemandPercentageAboveBaseCapacity": 50}, {}, "some instances may be Spot Instances"),
        ({}, {"WeightedCapacity": "2"}, "the base counts its capacity by weights"),
    ],
)
def test_what_spot_instances_and_weights_need_is_not_guessed(
    aws: InProcess,
    monkeypatch: pytest.MonkeyPatch,
    distribution: dict[str, Any],
    override: dict[str, Any],
    words: str,
) -> None:
    site = Site(aws)
    vcpu_quota(monkeypatch, 1.0)
    site.make_base(
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": site.shop.launch_template(site.image("base")),
                "Overrides": [{"InstanceType": "t3.small", **override}],
            },
            "InstancesDistribution": distribution,
        }
    )
    ((found, text),) = checks(planned(site, site.image("one"), phases=GUIDE), "vCPU quota")
    assert (found, text.rpartition(": ")[2]) == ("not_checked", words)


# ---------------------------------------------------------------------------- diff mode


@pytest.mark.parametrize("kind", ["launch template", "launch configuration"])
def test_diff_mode_shows_the_new_group_against_the_base_and_no_user_data(aws: InProcess, kind: str) -> None:
    site = Site(aws)
    base_image, secrets = site.image("base"), ("base-password", "new-password")
    encoded = [base64.b64encode(f"#!/bin/sh\n# {secret}\n".encode()).decode() for secret in secrets]
    if kind == "launch template":
        made = site.shop.client("ec2").create_launch_template(
            LaunchTemplateName="with-secret",
            LaunchTemplateData={"ImageId": base_image, "InstanceType": "t3.micro", "UserData": encoded[0]},
        )
        template_id = made["LaunchTemplate"]["LaunchTemplateId"]
        site.make_base(LaunchTemplate={"LaunchTemplateId": template_id, "Version": "1"})
    else:
        site.shop.client("autoscaling").create_launch_configuration(
            LaunchConfigurationName="with-secret",
            ImageId=base_image,
            InstanceType="t3.micro",
            UserData=f"#!/bin/sh\n# {secrets[0]}\n",
        )
        site.make_base(LaunchConfigurationName="with-secret")
    image_id = site.image("one")

    outcome = planned(
        site,
        image_id,
        diff=True,
        list_copied=True,
        user_data=f"#!/bin/sh\n# {secrets[1]}\n",
        instance_type="t3.small",
        phases=GUIDE,
    )

    diff = outcome.result["diff"]
    before, after = json.loads(diff["before"]), json.loads(diff["after"])
    old, new = (one[kind].get("LaunchTemplateData", one[kind]) for one in (before, after))
    assert (old["ImageId"], new["ImageId"]) == (base_image, image_id)
    assert (old["InstanceType"], new["InstanceType"]) == ("t3.micro", "t3.small")
    assert old["UserData"].startswith("(not shown, sha256 ")
    assert new["UserData"].startswith("(not shown, sha256 ")
    assert old["UserData"] != new["UserData"]
    assert after["group"]["AutoScalingGroupName"] == f"{site.prefix}1"
    assert before["group"]["VPCZoneIdentifier"] == after["group"]["VPCZoneIdentifier"]
    everything = json.dumps([outcome.result, [event.text for event in outcome.events], outcome.actions])
    for secret in (*secrets, *encoded):
        assert secret not in everything


def test_without_diff_mode_there_is_no_diff(plain: Site) -> None:
    assert "diff" not in planned(plain, plain.image("one"), phases=GUIDE).result


# ------------------------------------------------------------------- plan and run agree


@dataclass(frozen=True)
class Case:
    """What there is beforehand, and what is deployed."""

    phases: tuple[Wanted, ...]
    order: str = "new_first"
    #: Desired capacities of earlier revisions that all still run, and of a group that was made by hand.
    revisions: tuple[int, ...] = ()
    by_hand: int = 0
    sizes: tuple[int | None, int | None, int | None] = (0, 10, 4)


SAME = (None, None, None)
CASES = {
    "the first deployment": Case(GUIDE),
    "the first deployment, all at once": Case(phased("100%"), sizes=(3, 3, 3)),
    "the guide's example": Case(GUIDE, revisions=(4,)),
    "the guide's example, old first": Case(GUIDE, "old_first", (4,)),
    "the same as running": Case(GUIDE, revisions=(3,), sizes=SAME),
    "by numbers": Case(phased("1", "2", "5"), revisions=(4,), sizes=(1, 7, 5)),
    "numbers and percentages": Case(phased("1", "50%", "100%"), revisions=(5,), sizes=(2, 8, 6)),
    "to more than there were": Case(GUIDE, revisions=(2,), sizes=(0, 20, 9)),
    "to more than there were, old first": Case(GUIDE, "old_first", (2,), sizes=(0, 20, 9)),
    "to fewer than there were": Case(GUIDE, revisions=(9,), sizes=(1, 3, 2)),
    "to fewer than there were, old first": Case(GUIDE, "old_first", (9,), sizes=(1, 3, 2)),
    "to one": Case(GUIDE, revisions=(1,), sizes=(1, 1, 1)),
    "two outgoing revisions": Case(GUIDE, revisions=(2, 3), sizes=SAME),
    "two outgoing revisions, old first": Case(phased("10%", "90%", "100%"), "old_first", (3, 2)),
    "one that was adopted": Case(GUIDE, by_hand=5, sizes=SAME),
    "one that was adopted, old first": Case(GUIDE, "old_first", by_hand=5, sizes=(2, 6, 4)),
    "one that was adopted beside a revision": Case(phased("20%", "60%", "100%"), revisions=(3,), by_hand=2),
    "one that was adopted beside two, old first": Case(GUIDE, "old_first", (2, 1), 3, SAME),
}


def arrange(site: Site, case: Case) -> None:
    """Make what there is beforehand."""
    for number, desired in enumerate(case.revisions, start=1):
        # Beside the others, as a run that was broken off and marked by hand would leave it.
        group = site.set_up(site.image(f"earlier-{number}"), desired_capacity=desired, max_size=desired + 3)
        site.shop.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=group, MinSize=1, DesiredCapacity=desired
        )
        for earlier in range(1, number):
            site.shop.client("autoscaling").resume_processes(AutoScalingGroupName=f"{site.prefix}{earlier}")
        site.mark(group, {"progressive:status": "live", "progressive:phase": "before=0 target=1 stage=final"})
        site.forget()
    if case.by_hand:
        live_by_hand(site, case.by_hand, 1, case.by_hand + 2)
    site.clock.sleep(10)


def sizes_of(site: Site) -> dict[str, tuple[int, int, int]]:
    found = site.shop.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {
        one["AutoScalingGroupName"]: (one["MinSize"], one["MaxSize"], one["DesiredCapacity"]) for one in found
    }


@pytest.mark.parametrize("name", CASES)
def test_the_sizes_of_the_plan_are_the_sizes_of_the_run(plain: Site, name: str) -> None:
    case = CASES[name]
    arrange(plain, case)
    image_id = plain.image("new")
    options: dict[str, Any] = {
        **dict(zip(SAME_AS_RUNNING, case.sizes, strict=True)),
        "phases": case.phases,
        "resize_order": case.order,
        "adopt_group": BY_HAND if case.by_hand else None,
    }
    plan = planned(plain, image_id, **options).result
    assert len(plan["previous"]) == len(case.revisions) + bool(case.by_hand)

    group = plain.set_up(image_id, **options)
    for wanted, phase in zip(case.phases, plan["phases"], strict=True):
        expected = {one: tuple(size.values()) for one, size in phase["sizes"].items()}
        sizes, mark = sizes_of(plain), plain.aws.mark()
        peak = sum(sizes[one][2] for one in expected)
        plain.upgrade(group, wanted.percent, count=wanted.count, resize_order=case.order)

        written = [
            call["parameters"]
            for call in plain.aws.writes(mark)
            if call["operation"] in ("UpdateAutoScalingGroup", "SetDesiredCapacity")
        ]
        for one in written:
            what = (one["MinSize"], one["MaxSize"], one["DesiredCapacity"])
            pinned = phase["final"] and one["AutoScalingGroupName"] == group
            # The new group is pinned until all have settled; then it gets its sizes for good.
            assert what == expected[one["AutoScalingGroupName"]] or (
                pinned and what[2] == expected[group][2]
            ), (name, phase["name"], one)
            sizes[one["AutoScalingGroupName"]] = what
            peak = max(peak, sum(sizes[each][2] for each in expected))
        after = sizes_of(plain)
        assert {one: after[one] for one in expected} == expected, (name, phase["name"])
        assert peak == phase["peak"], (name, phase["name"])
    assert plan["peak"] == max(phase["peak"] for phase in plan["phases"])
    assert (plan["group"], plan["capacity"]["desired_capacity"]) == (group, sizes_of(plain)[group][2])
