# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AMI against what launches it: refused where AWS would, told where it would be different without a word."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput

from tests.unit.engine import Site


def image(site: Site, name: str, **more: Any) -> str:
    """An AMI like the shop's, but for what is given."""
    usual = {
        "Architecture": "x86_64",
        "RootDeviceName": "/dev/xvda",
        "VirtualizationType": "hvm",
        "EnaSupport": True,
    }
    made = site.shop.client("ec2").register_image(Name=name, **{**usual, **more})
    return str(made["ImageId"])


def launch_from(site: Site, base_image: str, *devices: dict[str, Any], **data: Any) -> None:
    """Let the base launch from a template with these block devices."""
    ec2 = site.shop.client("ec2")
    mappings = {"BlockDeviceMappings": list(devices)} if devices else {}
    made = ec2.create_launch_template(
        LaunchTemplateName="of the test",
        LaunchTemplateData={"ImageId": base_image, "InstanceType": "t3.micro", **mappings, **data},
    )
    site.shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=site.shop.base_group,
        LaunchTemplate={"LaunchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"},
    )


def devices_of(site: Site, group: str) -> list[dict[str, Any]]:
    found = site.shop.client("ec2").describe_launch_template_versions(
        LaunchTemplateName=group, Versions=["1"]
    )
    data = found["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    return list(data.get("BlockDeviceMappings") or ())


def warnings(outcome: Any) -> str:
    return "\n".join(one.text for one in outcome.events if one.kind == "warning")


ROOT = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 60, "VolumeType": "gp3", "SnapshotId": "snap-old"}}
DATA = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 100}}


@pytest.mark.parametrize("base_image_is_gone", [False, True])
def test_the_mapping_of_the_root_volume_follows_the_root_device(site: Site, base_image_is_gone: bool) -> None:
    old = image(site, "old")
    launch_from(site, old, ROOT, DATA)
    if base_image_is_gone:
        site.shop.client("ec2").deregister_image(ImageId=old)
    outcome = site.run(site.set_up_step(image(site, "new", RootDeviceName="/dev/sda1")))
    assert devices_of(site, outcome.result["group"]) == [
        {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 60, "VolumeType": "gp3"}},
        DATA,
    ]
    assert "maps /dev/xvda for the root volume, and the root device of AMI" in warnings(outcome)
    assert "the mapping is made for /dev/sda1" in warnings(outcome)


def test_kept_it_is_a_second_volume_and_that_is_told(site: Site) -> None:
    launch_from(site, image(site, "old"), ROOT)
    new = image(site, "new", RootDeviceName="/dev/sda1")
    outcome = site.run(site.set_up_step(new, root_device="keep"))
    assert devices_of(site, outcome.result["group"]) == [ROOT]
    assert "/dev/xvda is a second volume" in warnings(outcome)


def test_a_data_volume_is_not_taken_for_the_root(site: Site) -> None:
    launch_from(site, image(site, "old"), DATA)
    outcome = site.run(site.set_up_step(image(site, "new", RootDeviceName="/dev/sda1")))
    assert devices_of(site, outcome.result["group"]) == [DATA]
    assert "root device" not in warnings(outcome)


def test_a_root_volume_smaller_than_the_amis_snapshot_is_refused(site: Site) -> None:
    small = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}
    launch_from(site, image(site, "old"), small)
    with pytest.raises(InvalidInput, match=r"/dev/xvda of base group .* has 8 GiB, and snapshot .* 15 GiB"):
        site.set_up(image(site, "new"))


def test_a_volume_with_neither_size_nor_snapshot_is_refused(site: Site) -> None:
    launch_from(site, image(site, "old"), {"DeviceName": "/dev/sdf", "Ebs": {"VolumeType": "gp3"}})
    with pytest.raises(InvalidInput, match=r"/dev/sdf of base group .* has neither a size nor a snapshot"):
        site.set_up(image(site, "new"))


def test_a_key_without_encryption_is_refused(site: Site) -> None:
    keyed = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 8, "KmsKeyId": "alias/shop"}}
    launch_from(site, image(site, "old"), keyed)
    with pytest.raises(InvalidInput, match="has key alias/shop, and is not said to be encrypted"):
        site.set_up(image(site, "new"))


def test_uefi_without_an_instance_type_that_boots_with_it_is_refused(site: Site) -> None:
    new = image(site, "new", BootMode="uefi")
    with pytest.raises(
        InvalidInput, match=r"boots with uefi, and instance type t2.micro .* legacy-bios only"
    ):
        site.set_up(new, instance_type="t2.micro")
    site.set_up(new)


def test_no_ena_where_the_instance_type_requires_it_is_refused(site: Site) -> None:
    new = image(site, "new", EnaSupport=False)
    with pytest.raises(InvalidInput, match=r"is not enabled for the Elastic Network Adapter \(ENA\)"):
        site.set_up(new)
    site.set_up(new, instance_type="t2.micro")


TOKENS = {"ImdsSupport": "v2.0"}


@pytest.mark.parametrize(
    ("old", "new", "tokens", "words"),
    [
        ({}, TOKENS, None, "take version 2 of the metadata service only"),
        (TOKENS, {}, None, "take both versions of the metadata service"),
        ({}, TOKENS, "optional", "takes both (http_tokens optional)"),
        ({}, TOKENS, "required", ""),
        (TOKENS, {}, "required", ""),
        (TOKENS, TOKENS, "optional", ""),
        (TOKENS, TOKENS, None, ""),
    ],
)
def test_told_is_where_the_metadata_service_takes_other_versions_than_with_the_bases_ami(
    site: Site, old: dict[str, Any], new: dict[str, Any], tokens: str | None, words: str
) -> None:
    options = {"MetadataOptions": {"HttpTokens": tokens}} if tokens else {}
    launch_from(site, image(site, "old", **old), **options)
    told = warnings(site.run(site.set_up_step(image(site, "new", **new))))
    assert words in told
    assert bool(words) == ("metadata service" in told)


def test_another_instance_type_with_other_devices_is_told(site: Site) -> None:
    launch_from(site, image(site, "old"))
    new = image(site, "new")
    told = warnings(site.run(site.set_up_step(new, instance_type="t2.micro")))
    assert "instance type t2.micro has its volumes as Xen block devices (/dev/xvdb), and t3.micro of" in told


def test_another_instance_type_with_the_same_devices_is_nothing_to_tell(site: Site) -> None:
    launch_from(site, image(site, "old"))
    assert "devices" not in warnings(site.run(site.set_up_step(image(site, "new"), instance_type="t3.small")))


# ------------------------------------------------------------------ encryption keys


def key(site: Site, **more: Any) -> str:
    return str(site.shop.client("kms").create_key(**more)["KeyMetadata"]["KeyId"])


def encrypted_snapshot(site: Site, key_id: str) -> str:
    ec2 = site.shop.client("ec2")
    volume = ec2.create_volume(Size=8, AvailabilityZone="us-east-1a", Encrypted=True, KmsKeyId=key_id)
    return str(ec2.create_snapshot(VolumeId=volume["VolumeId"])["SnapshotId"])


def encrypted_mapping(key_id: str) -> dict[str, Any]:
    return {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 8, "Encrypted": True, "KmsKeyId": key_id}}


def test_a_key_that_can_be_used_is_nothing_to_tell(site: Site) -> None:
    key_id = key(site)
    launch_from(site, image(site, "old"), encrypted_mapping(key_id))
    assert "key" not in warnings(site.run(site.set_up_step(image(site, "new"))))


def test_a_key_that_does_not_exist_is_refused(site: Site) -> None:
    missing = "0123abcd-0123-4567-89ab-0123456789ab"
    launch_from(site, image(site, "old"), encrypted_mapping(missing))
    with pytest.raises(
        InvalidInput,
        match=f"there is no key {missing}, with which /dev/sdf of base group .* is encrypted",
    ):
        site.set_up(image(site, "new"))


@pytest.mark.parametrize("of", ["mapping", "snapshot of the base", "snapshot of the AMI"])
@pytest.mark.parametrize(("end", "state"), [("disable", "Disabled"), ("delete", "PendingDeletion")])
def test_a_key_that_cannot_be_used_is_refused_whatever_is_encrypted_with_it(
    site: Site, of: str, end: str, state: str
) -> None:
    key_id = key(site)
    snapshot = encrypted_snapshot(site, key_id)
    devices, more = [], {}
    if of == "mapping":
        devices = [encrypted_mapping(key_id)]
    elif of == "snapshot of the base":
        devices = [{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": snapshot}}]
    else:
        more = {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}]}
    launch_from(site, image(site, "old"), *devices)
    kms = site.shop.client("kms")
    if end == "disable":
        kms.disable_key(KeyId=key_id)
    else:
        kms.schedule_key_deletion(KeyId=key_id)
    new, mark = image(site, "new", **more), site.aws.mark()
    with pytest.raises(InvalidInput, match=rf"{key_id}, with which .* is encrypted, is {state}"):
        site.set_up(new)
    assert site.aws.writes(mark) == []


def test_an_asymmetric_key_is_refused(site: Site) -> None:
    key_id = key(site, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    launch_from(site, image(site, "old"), encrypted_mapping(key_id))
    with pytest.raises(InvalidInput, match=r"is no symmetric one \(RSA_2048\)"):
        site.set_up(image(site, "new"))


def test_a_key_that_may_not_be_looked_at_is_a_warning(site: Site) -> None:
    key_id = key(site)
    launch_from(site, image(site, "old"), encrypted_mapping(key_id))
    with site.aws.fault("deny", service="kms", operation="DescribeKey"):
        told = warnings(site.run(site.set_up_step(image(site, "new"))))
    assert (
        f"kms:DescribeKey is not allowed to the credentials in use, so that key {key_id} of /dev/sdf" in told
    )


# ------------------------------------------------------------ templates of overrides


def bring_along(site: Site, *devices: dict[str, Any], **data: Any) -> None:
    """Let an override of the base's mixed instances policy bring a launch template with these block devices."""
    ec2, shop = site.shop.client("ec2"), site.shop
    made = ec2.create_launch_template(
        LaunchTemplateName="brought along",
        LaunchTemplateData={"BlockDeviceMappings": list(devices), "InstanceType": "t3.small", **data},
    )
    template = (shop.group(shop.base_group) or {})["LaunchTemplate"]
    own = {name: template[name] for name in ("LaunchTemplateId", "Version")}
    brought = {"LaunchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"}
    overrides = [{"InstanceType": "t3.micro"}, {"LaunchTemplateSpecification": brought}]
    shop.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=shop.base_group,
        MixedInstancesPolicy={"LaunchTemplate": {"LaunchTemplateSpecification": own, "Overrides": overrides}},
    )


BROUGHT = "launch template brought along of an override of base group"


def test_the_mapping_of_an_overrides_template_follows_the_root_device_too(site: Site) -> None:
    launch_from(site, image(site, "old"))
    bring_along(site, ROOT)
    outcome = site.run(site.set_up_step(image(site, "new", RootDeviceName="/dev/sda1")))
    assert f"{BROUGHT} {site.shop.base_group} maps /dev/xvda for the root volume" in warnings(outcome)
    assert devices_of(site, f"{outcome.result['group']}-1") == [
        {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 60, "VolumeType": "gp3"}}
    ]


@pytest.mark.parametrize(
    ("device", "of_the_image", "data", "words"),
    [
        ({"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}, {}, {}, r"/dev/xvda of {} .* has 8 GiB, and"),
        (
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeType": "gp3"}},
            {},
            {},
            r"/dev/sdf of {} .* neither a size",
        ),
        (encrypted_mapping("alias/none"), {}, {}, r"there is no key alias/none, with which /dev/sdf of {}"),
        (DATA, {"BootMode": "uefi"}, {"InstanceType": "t2.micro"}, r"boots with uefi, and instance type t2"),
        (DATA, {"EnaSupport": False}, {}, r"\(ENA\), which instance type t3.small"),
    ],
    ids=["smaller", "neither", "key", "UEFI", "ENA"],
)
def test_an_overrides_template_is_checked_like_the_bases_own(
    site: Site, device: dict[str, Any], of_the_image: dict[str, Any], data: dict[str, Any], words: str
) -> None:
    launch_from(site, image(site, "old"))
    bring_along(site, device, **data)
    with pytest.raises(InvalidInput, match=words.format(BROUGHT)):
        site.set_up(image(site, "new", **of_the_image))


def test_the_metadata_options_of_an_overrides_template_are_compared_too(site: Site) -> None:
    launch_from(site, image(site, "old"), MetadataOptions={"HttpTokens": "required"})
    bring_along(site, DATA, MetadataOptions={"HttpTokens": "optional"})
    told = warnings(site.run(site.set_up_step(image(site, "new", **TOKENS))))
    assert f"and {BROUGHT} {site.shop.base_group} takes both (http_tokens optional)" in told


def test_user_data_and_tags_that_name_the_base_or_an_outgoing_group_are_told(site: Site) -> None:
    first = site.deploy(site.image("one"))
    base = site.shop.base_group
    step = site.set_up_step(
        site.image("two"), user_data=f"#!/bin/sh\necho {base}\n", tags={"group": first, "other": f"{first}0"}
    )
    told = warnings(site.run(step))
    assert (
        f"the user data of the new revision names group {base}, and the new group is {site.prefix}2" in told
    )
    assert f"tag group of the new revision names group {first}," in told
    assert "tag other" not in told


SMALL = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}


@pytest.mark.parametrize(
    ("of_the_image", "more", "devices", "words"),
    [
        ({}, {}, [SMALL], r"has 8 GiB, and snapshot .* 15 GiB"),
        (
            {"BootMode": "uefi"},
            {"instance_type": "t2.micro"},
            [],
            r"boots with uefi, and instance type t2.micro",
        ),
        ({"EnaSupport": False}, {}, [], r"is not enabled for the Elastic Network Adapter \(ENA\)"),
        ({"Architecture": "arm64"}, {}, [], r"is built for arm64, and instance type t3.micro"),
    ],
    ids=["a larger snapshot", "UEFI", "no ENA", "architecture"],
)
def test_the_plan_tells_each_in_its_own_words_and_touches_nothing(
    site: Site, of_the_image: dict[str, Any], more: dict[str, Any], devices: list[dict[str, Any]], words: str
) -> None:
    if devices:
        launch_from(site, image(site, "old"), *devices)
    new = image(site, "new", **of_the_image)
    mark = site.aws.mark()
    with pytest.raises(InvalidInput, match=words):
        site.run(site.set_up_step(new, check_mode=True, **more), check_mode=True)
    assert site.aws.writes(mark) == []


def test_the_plan_tells_the_same_and_touches_nothing(site: Site) -> None:
    launch_from(site, image(site, "old"), ROOT)
    new = image(site, "new", RootDeviceName="/dev/sda1")
    mark = site.aws.mark()
    outcome = site.run(site.set_up_step(new, check_mode=True), check_mode=True)
    assert "the mapping is made for /dev/sda1" in warnings(outcome)
    assert site.aws.writes(mark) == []
