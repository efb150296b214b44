# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AMI is found by id, name, filters or parameter, once; an interrupted deployment goes on with the one found."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput, Locked
from ansible_collections.progressive.aws.plugins.module_utils.deployment.image_choice import Choice

from tests.unit.engine import Site

PARAMETER = "/shop/checkout/image"


@pytest.fixture
def images(site: Site) -> dict[str, str]:
    """Three AMIs of the account's own, a minute apart, of which only the first two were tested."""
    made = {}
    for name in ("web-1", "web-2", "web-3"):
        made[name] = site.image(name)
        site.clock.sleep(60)
    site.shop.client("ec2").create_tags(
        Resources=[made["web-1"], made["web-2"]], Tags=[{"Key": "tested", "Value": "true"}]
    )
    return made


def choosing(site: Site, **choice: Any) -> Any:
    """The step of a set-up in which the AMI is named so."""
    return site.set_up_step(choice.pop("image_id", None), **choice)


def parameter(site: Site, value: str, name: str = PARAMETER) -> None:
    site.shop.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def group_of(site: Site, revision: int = 1) -> dict[str, Any]:
    return site.shop.group(f"{site.prefix}{revision}") or {}


def launched(site: Site, revision: int = 1) -> dict[str, Any]:
    """What the launch template of a revision has."""
    versions = site.shop.client("ec2").describe_launch_template_versions(
        LaunchTemplateName=f"{site.prefix}{revision}", Versions=["1"]
    )
    return dict(versions["LaunchTemplateVersions"][0]["LaunchTemplateData"])


CHOICES: dict[str, tuple[dict[str, Any], str]] = {
    "by its exact name": ({"image_name": "shop-web-1"}, "web-1"),
    "by a name for several, the newest": ({"image_name": "shop-web-*"}, "web-3"),
    "by filters, the newest": ({"image_filters": {"tag:tested": ("true",)}}, "web-2"),
    "by several filters": (
        {"image_filters": {"tag:tested": ("true",), "name": ("shop-web-1", "shop-web-3")}},
        "web-1",
    ),
    "by a name of an owner": ({"image_name": "shop-web-2", "image_owners": ("self",)}, "web-2"),
    "by a parameter": ({"image_ssm_parameter": PARAMETER}, "web-2"),
    "by a parameter as a launch template names it": (
        {"image_ssm_parameter": f"resolve:ssm:{PARAMETER}"},
        "web-2",
    ),
}


@pytest.mark.parametrize("way", CHOICES)
def test_an_image_is_found(site: Site, images: dict[str, str], way: str) -> None:
    parameter(site, images["web-2"])
    choice, name = CHOICES[way]
    outcome = site.run(choosing(site, **choice))
    assert outcome.result["image_id"] == images[name]
    assert launched(site)["ImageId"] == images[name]
    tags = {tag["Key"]: tag["Value"] for tag in group_of(site)["Tags"]}
    assert tags[journal.IMAGE] == images[name], "it is written down"


def test_a_public_parameter_names_an_image(site: Site) -> None:
    name = "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"
    wanted = site.shop.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    # moto has the parameter, and not the image.
    images = site.aws.world.backend("ec2").amis
    images[wanted] = images.pop(site.image("public"))
    images[wanted].id = wanted
    assert site.run(choosing(site, image_ssm_parameter=name), check_mode=True).result["image_id"] == wanted


def test_the_plan_shows_how_the_image_was_found(site: Site, images: dict[str, str]) -> None:
    outcome = site.run(choosing(site, image_name="shop-web-*", check_mode=True), check_mode=True)
    lines = [event.text for event in outcome.events]
    assert f"the newest AMI named shop-web-* of self: {images['web-3']}" in lines
    assert outcome.result["image_chosen_by"] == "the newest AMI named shop-web-* of self"


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({}, "none is given"),
        ({"image_id": "ami-1", "image_name": "x"}, "image_id and image_name are given"),
        ({"image_filters": {"name": ("x",)}, "image_ssm_parameter": "y"}, "are given"),
        ({"image_id": " "}, "image_id is empty"),
        ({"image_id": "ami-1", "image_owners": ("self",)}, "image_owners goes with"),
        ({"image_filters": {"name": ()}}, "no value for name"),
        ({"image_name": "nobody"}, "there is no available AMI named nobody of self in this region"),
        ({"image_name": "shop-web-1", "image_owners": ("111122223333",)}, "of 111122223333 in this region"),
        ({"image_filters": {"name": ("shop-web-1",), "state": ("pending",)}}, "there is no AMI"),
        ({"image_ssm_parameter": "/nowhere"}, "there is no parameter /nowhere"),
        ({"image_ssm_parameter": PARAMETER}, f"parameter {PARAMETER} should hold the id of an AMI"),
    ],
)
def test_a_choice_that_finds_nothing_is_refused(
    site: Site, images: dict[str, str], choice: dict[str, Any], words: str
) -> None:
    parameter(site, "blue")
    mark = site.aws.mark()
    with pytest.raises(InvalidInput, match=words.replace("*", r"\*")):
        site.run(choosing(site, **choice))
    assert site.aws.writes(mark) == []


def test_what_a_parameter_holds_is_not_shown(site: Site) -> None:
    parameter(site, "hunter2")
    with pytest.raises(InvalidInput) as refused:
        site.run(choosing(site, image_ssm_parameter=PARAMETER))
    assert "hunter2" not in str(refused.value)


def test_a_wrong_image_and_a_wrong_base_are_told_together(site: Site) -> None:
    with pytest.raises(InvalidInput) as refused:
        site.run(choosing(site, image_name="nobody", base_group="nowhere", desired_capacity=99))
    assert len(refused.value.problems) == 3, refused.value.problems


# ------------------------------------------------------------- resolved once


def test_an_interrupted_deployment_goes_on_with_the_image_that_was_found(
    site: Site, images: dict[str, str]
) -> None:
    group = site.run(choosing(site, image_name="shop-web-*")).result["group"]
    site.upgrade(group, 25)
    newer = site.image("web-4")
    site.clock.sleep(130)
    mark = site.aws.mark()
    outcome = site.run(choosing(site, image_name="shop-web-*", owner="two"))
    assert (outcome.result["resumed"], outcome.result["group"]) == (True, group)
    assert outcome.result["image_id"] == images["web-3"] != newer
    # It was not even looked for.
    assert not [call for call in site.aws.calls(mark) if call["parameters"].get("Owners")]


def test_other_words_for_the_same_image_are_the_same_inputs(site: Site, images: dict[str, str]) -> None:
    site.run(choosing(site, image_name="shop-web-*"))
    site.clock.sleep(130)
    assert site.run(site.set_up_step(images["web-3"], "two")).result["resumed"]


def test_other_words_for_another_image_are_other_inputs(site: Site, images: dict[str, str]) -> None:
    site.run(choosing(site, image_name="shop-web-1"))
    site.clock.sleep(130)
    with pytest.raises(Locked, match="other inputs"):
        site.run(choosing(site, image_name="shop-web-2", owner="two"))


def test_the_same_image_by_another_name_is_live_already(site: Site, images: dict[str, str]) -> None:
    site.deploy(images["web-2"])
    outcome = site.run(choosing(site, image_filters={"tag:tested": ("true",)}))
    assert (outcome.changed, outcome.result["already_live"]) == (False, True)


def test_an_image_that_is_live_is_live_even_when_it_is_deregistered(
    site: Site, images: dict[str, str]
) -> None:
    site.deploy(images["web-2"])
    site.shop.client("ec2").deregister_image(ImageId=images["web-2"])
    assert site.run(site.set_up_step(images["web-2"])).result["already_live"]


def test_what_was_planned_is_deployed_though_a_newer_image_came(site: Site, images: dict[str, str]) -> None:
    planned = site.run(choosing(site, image_name="shop-web-*"), check_mode=True).result["image_id"]
    site.image("web-4")
    outcome = site.run(choosing(site, image_name="shop-web-*", planned_image_id=planned))
    assert outcome.result["image_id"] == images["web-3"]
    site.clock.sleep(130)
    # Run again without the plan it is still the same deployment.
    assert site.run(choosing(site, image_name="shop-web-*", owner="two")).result["resumed"]


def test_words_differ_where_choices_do() -> None:
    choices = [
        Choice(image_id="x"),
        Choice(name="x"),
        Choice(parameter="x"),
        Choice(filters={"name": ("x",)}),
        Choice(name="x", owners=("amazon",)),
    ]
    assert len({one.digest for one in choices}) == len(choices)
    assert len({str(one) for one in choices}) >= len(choices) - 1


# ------------------------------------------------------------------ overrides

OWN: dict[str, Any] = {
    "user_data": "#!/bin/sh\necho hello\n",
    "instance_type": "t3.large",
    "key_name": "operators",
    "iam_instance_profile": "checkout",
    "block_device_mappings": (
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 40, "VolumeType": "gp3", "Encrypted": True}},
    ),
    "metadata_options": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    "tags": {"release": "7"},
}


@pytest.fixture
def own(site: Site) -> dict[str, Any]:
    """Options for everything that a revision may have of its own."""
    ec2 = site.shop.client("ec2")
    ec2.create_key_pair(KeyName="operators")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="checkout", Description="checkout", VpcId=vpc)["GroupId"]
    return {**OWN, "security_group_ids": (group,)}


def test_the_new_revision_has_what_the_user_gives_it(site: Site, own: dict[str, Any]) -> None:
    image_id = site.image("one")
    site.deploy(image_id, (100,), **own)
    data = launched(site)
    assert data.pop("UserData") == base64.b64encode(own["user_data"].encode()).decode()
    assert data == {
        "ImageId": image_id,
        "InstanceType": "t3.large",
        "KeyName": "operators",
        "IamInstanceProfile": {"Name": "checkout"},
        "SecurityGroupIds": list(own["security_group_ids"]),
        "BlockDeviceMappings": list(own["block_device_mappings"]),
        "MetadataOptions": own["metadata_options"],
        "Monitoring": {"Enabled": True},
    }
    assert {"Key": "release", "Value": "7", "PropagateAtLaunch": True}.items() <= next(
        tag.items() for tag in group_of(site)["Tags"] if tag["Key"] == "release"
    )


@pytest.mark.parametrize("option", [*OWN, "security_group_ids"])
def test_each_of_them_makes_it_another_revision(site: Site, own: dict[str, Any], option: str) -> None:
    image_id = site.image("one")
    site.deploy(image_id, (100,))
    planned = site.run(site.set_up_step(image_id, **{option: own[option]}), check_mode=True)
    assert not planned.result["already_live"]


def test_a_key_pair_or_security_group_that_does_not_exist_is_refused(site: Site) -> None:
    step = site.set_up_step(site.image("one"), key_name="nobody", security_group_ids=("sg-1", "sg-2"))
    with pytest.raises(InvalidInput) as refused:
        site.run(step)
    assert refused.value.problems == (
        "there is no key pair nobody in this region",
        "there is no security group sg-1 in this region",
        "there is no security group sg-2 in this region",
    )


def test_an_instance_type_that_does_not_exist_is_refused(site: Site) -> None:
    with pytest.raises(InvalidInput, match="an instance type of the new group does not exist here"):
        site.run(site.set_up_step(site.image("one"), instance_type="t3.gigantic"))


def test_an_old_snapshot_of_the_root_device_is_left_out(site: Site) -> None:
    autoscaling, ec2 = site.shop.client("autoscaling"), site.shop.client("ec2")
    devices = [
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-1", "VolumeSize": 20}},
        {"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": "snap-2"}},
    ]
    made = ec2.create_launch_template(
        LaunchTemplateName="pinned",
        LaunchTemplateData={"ImageId": site.image("old"), "BlockDeviceMappings": devices},
    )
    autoscaling.update_auto_scaling_group(
        AutoScalingGroupName=site.shop.base_group,
        LaunchTemplate={"LaunchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"},
    )
    outcome = site.run(site.set_up_step(site.image("one")))
    assert launched(site)["BlockDeviceMappings"] == [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20}},
        {"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": "snap-2"}},
    ]
    assert "snapshot snap-1 of /dev/xvda of the launch template" in [
        one["what"] for one in outcome.result["not_copied"]
    ]
