# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox's groups launch from: images, launch templates and launch configurations.

After RegisterImage, CreateLaunchTemplate, CreateLaunchTemplateVersion and their siblings in the Amazon EC2 API
Reference, and CreateLaunchConfiguration in that of Auto Scaling.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.inprocess import InProcess
from tests.unit.sandbox.fleet import Fleet, refused


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


def versions(fleet: Fleet, *wanted: str, **arguments: Any) -> list[dict[str, Any]]:
    named = {"Versions": list(wanted)} if wanted else {}
    answer = fleet.ec2.describe_launch_template_versions(LaunchTemplateName="template", **named, **arguments)
    return list(answer["LaunchTemplateVersions"])


def add_version(fleet: Fleet, data: dict[str, Any], **options: Any) -> None:
    fleet.ec2.create_launch_template_version(
        LaunchTemplateName="template", LaunchTemplateData=data, **options
    )


# ------------------------------------------------------------------------------------------- templates


def test_a_templates_name_is_unique(fleet: Fleet) -> None:
    with refused("InvalidLaunchTemplateName.AlreadyExistsException"):
        fleet.make_template("template", fleet.image)


def test_a_version_inherits_from_its_source_and_from_nothing_otherwise(fleet: Fleet) -> None:
    """With SourceVersion it "inherits the launch parameters from the source version"; without, it "contains only the
    launch parameters that you specify for the new version"."""
    add_version(fleet, {"InstanceType": "t3.large"}, SourceVersion="1", VersionDescription="larger")
    add_version(fleet, {"InstanceType": "t3.small"})
    third, second, first = versions(fleet)
    assert [one["VersionNumber"] for one in (first, second, third)] == [1, 2, 3]
    assert second["LaunchTemplateData"] == {"ImageId": fleet.image, "InstanceType": "t3.large"}
    assert second["VersionDescription"] == "larger"
    assert third["LaunchTemplateData"] == {"InstanceType": "t3.small"}


def test_latest_and_default_move(fleet: Fleet) -> None:
    add_version(fleet, {"InstanceType": "t3.large"}, SourceVersion="1")
    assert [one["VersionNumber"] for one in versions(fleet, "$Latest", "$Default", "1")] == [2, 1, 1]
    fleet.ec2.modify_launch_template(LaunchTemplateName="template", DefaultVersion="2")
    (default,) = versions(fleet, "$Default")
    assert (default["VersionNumber"], default["DefaultVersion"]) == (2, True)
    (template,) = fleet.ec2.describe_launch_templates(LaunchTemplateNames=["template"])["LaunchTemplates"]
    assert (template["DefaultVersionNumber"], template["LatestVersionNumber"]) == (2, 2)


def test_a_templates_tags_are_its_own_and_not_its_instances(fleet: Fleet) -> None:
    made = fleet.ec2.create_launch_template(
        LaunchTemplateName="tagged",
        LaunchTemplateData={
            "ImageId": fleet.image,
            "TagSpecifications": [
                {"ResourceType": "instance", "Tags": [{"Key": "of", "Value": "instances"}]}
            ],
        },
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "of", "Value": "template"}]}],
    )["LaunchTemplate"]
    assert made["Tags"] == [{"Key": "of", "Value": "template"}]
    answer = fleet.ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"])
    (kept,) = answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]["TagSpecifications"]
    assert (kept["ResourceType"], kept["Tags"][0]["Value"]) == ("instance", "instances")
    found = fleet.ec2.describe_launch_templates(Filters=[{"Name": "tag:of", "Values": ["template"]}])
    assert [one["LaunchTemplateName"] for one in found["LaunchTemplates"]] == ["tagged"]
    (instance,) = fleet.settled(size=1, LaunchTemplate={"LaunchTemplateName": "tagged"})
    tags = fleet.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [instance]}])["Tags"]
    assert {one["Key"]: one["Value"] for one in tags}["of"] == "instances"


def test_more_templates_than_a_page_holds_are_all_found(fleet: Fleet) -> None:
    for number in range(20):
        fleet.make_template(f"template-{number}", fleet.image)
    pages = fleet.ec2.get_paginator("describe_launch_templates").paginate(PaginationConfig={"PageSize": 7})
    names = [one["LaunchTemplateName"] for page in pages for one in page["LaunchTemplates"]]
    assert len(set(names)) == 21
    assert len(fleet.ec2.describe_launch_templates()["LaunchTemplates"]) == 21


def test_templates_and_versions_that_are_not_there_are_refused(fleet: Fleet) -> None:
    with refused("InvalidLaunchTemplateName.NotFoundException", "none"):
        fleet.ec2.describe_launch_templates(LaunchTemplateNames=["none"])
    with refused("InvalidLaunchTemplateId.NotFound"):
        fleet.ec2.describe_launch_template_versions(LaunchTemplateId="lt-00000000000000000")
    with refused("InvalidLaunchTemplateId.VersionNotFound", "version 9"):
        versions(fleet, "9")
    with refused("InvalidLaunchTemplateId.VersionNotFound", "version 9"):
        add_version(fleet, {"InstanceType": "t3.large"}, SourceVersion="9")


def test_a_deleted_version_is_gone_and_its_number_is_not_used_again(fleet: Fleet) -> None:
    """DeleteLaunchTemplateVersions: "You can't delete the default version of a launch template"."""
    add_version(fleet, {"InstanceType": "t3.large"}, SourceVersion="1")
    answer = fleet.ec2.delete_launch_template_versions(
        LaunchTemplateName="template", Versions=["1", "2", "7"]
    )
    (done,) = answer["SuccessfullyDeletedLaunchTemplateVersions"]
    assert done["VersionNumber"] == 2
    failed = answer["UnsuccessfullyDeletedLaunchTemplateVersions"]
    assert [(one["VersionNumber"], one["ResponseError"]["Code"]) for one in failed] == [
        (1, "unexpectedError"),
        (7, "launchTemplateVersionDoesNotExist"),
    ]
    assert [one["VersionNumber"] for one in versions(fleet, "$Latest")] == [1]
    add_version(fleet, {"InstanceType": "t3.small"}, SourceVersion="1")
    assert [one["VersionNumber"] for one in versions(fleet)] == [3, 1]
    (instance,) = fleet.settled(
        size=1, LaunchTemplate={"LaunchTemplateName": "template", "Version": "$Latest"}
    )
    told = fleet.group()["Instances"][0]
    assert (told["InstanceId"], told["LaunchTemplate"]["Version"]) == (instance, "3")
    with refused("InvalidLaunchTemplateId.VersionNotFound"):
        fleet.ec2.modify_launch_template(LaunchTemplateName="template", DefaultVersion="2")


def test_user_data_must_be_base64_and_comes_back_as_it_was(fleet: Fleet) -> None:
    text = base64.b64encode(b"#!/bin/sh\n").decode()
    add_version(fleet, {"UserData": text})
    assert versions(fleet, "$Latest")[0]["LaunchTemplateData"]["UserData"] == text
    with refused("InvalidUserData.Malformed"):
        add_version(fleet, {"UserData": "#!/bin/sh"})


def test_user_data_of_a_version_reaches_instances(fleet: Fleet) -> None:
    text = base64.b64encode(b"#!/bin/sh\n").decode()
    add_version(fleet, {"UserData": text}, SourceVersion="1")
    (instance,) = fleet.settled(
        size=1, LaunchTemplate={"LaunchTemplateName": "template", "Version": "$Latest"}
    )
    answer = fleet.ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
    assert answer["UserData"]["Value"] == text


def test_a_dry_run_makes_nothing_and_is_no_write(fleet: Fleet) -> None:
    mark = fleet.aws.mark()
    with pytest.raises(ClientError, match="DryRunOperation"):
        fleet.ec2.create_launch_template(
            LaunchTemplateName="dry", LaunchTemplateData={"ImageId": fleet.image}, DryRun=True
        )
    assert len(fleet.ec2.describe_launch_templates()["LaunchTemplates"]) == 1
    assert fleet.aws.writes(mark) == []


# ---------------------------------------------------------------------------------------------- images


def test_an_image_has_the_architecture_it_was_registered_with(fleet: Fleet) -> None:
    made = fleet.ec2.register_image(Name="arm", Architecture="arm64", RootDeviceName="/dev/xvda")
    (image,) = fleet.ec2.describe_images(ImageIds=[made["ImageId"]])["Images"]
    assert (image["Architecture"], image["State"], image["OwnerId"]) == ("arm64", "available", "123456789012")
    with refused("InvalidAMIName.Duplicate", "arm"):
        fleet.ec2.register_image(Name="arm", Architecture="arm64", RootDeviceName="/dev/xvda")


def test_an_image_exists_in_one_region(fleet: Fleet) -> None:
    elsewhere = fleet.aws.client("ec2", region="eu-west-1")
    with refused("InvalidAMIID.NotFound", fleet.image):
        elsewhere.describe_images(ImageIds=[fleet.image])


def test_an_image_can_be_in_another_state(fleet: Fleet) -> None:
    fleet.make()
    fleet.aws.behave(fleet.image, {"state": "pending"})
    (image,) = fleet.ec2.describe_images(ImageIds=[fleet.image])["Images"]
    assert image["State"] == "pending"
    fleet.resize(1)
    assert "pending, and cannot be run" in fleet.activities()[0]["StatusMessage"]
    fleet.aws.behave(fleet.image, {})
    fleet.aws.settle()
    assert len(fleet.in_service()) == 1


# -------------------------------------------------------------------------------------- configurations


def configure(fleet: Fleet, name: str = "old", **options: Any) -> None:
    arguments = {"ImageId": fleet.image, "InstanceType": "t3.small", **options}
    fleet.autoscaling.create_launch_configuration(LaunchConfigurationName=name, **arguments)


def test_a_configuration_is_described_with_its_defaults(fleet: Fleet) -> None:
    """InstanceMonitoring: "the default value is true (enabled)"."""
    configure(fleet)
    (told,) = fleet.autoscaling.describe_launch_configurations()["LaunchConfigurations"]
    assert (told["ImageId"], told["InstanceType"]) == (fleet.image, "t3.small")
    assert (told["InstanceMonitoring"], told["EbsOptimized"]) == ({"Enabled": True}, False)
    assert told["LaunchConfigurationARN"].startswith(
        "arn:aws:autoscaling:us-east-1:123456789012:launchConfig"
    )


def test_a_configuration_that_is_used_can_not_be_deleted(fleet: Fleet) -> None:
    """DeleteLaunchConfiguration: "The launch configuration must not be attached to an Auto Scaling group"."""
    configure(fleet)
    fleet.make(LaunchTemplate=None, LaunchConfigurationName="old")
    with refused("ResourceInUse", "group"):
        fleet.autoscaling.delete_launch_configuration(LaunchConfigurationName="old")
    fleet.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="group")
    fleet.autoscaling.delete_launch_configuration(LaunchConfigurationName="old")
    assert fleet.autoscaling.describe_launch_configurations()["LaunchConfigurations"] == []


def test_a_configuration_is_checked(fleet: Fleet) -> None:
    configure(fleet)
    with refused("AlreadyExists", "old"):
        configure(fleet)
    with refused("ValidationError", "AMI"):
        configure(fleet, "other", ImageId="ami-00000000000000000")
    with refused("ValidationError", "not found"):
        fleet.autoscaling.delete_launch_configuration(LaunchConfigurationName="none")


# ------------------------------------------------------------------------------------ what is not launched


def _registered(fleet: Fleet, **more: Any) -> str:
    usual = {"Architecture": "x86_64", "RootDeviceName": "/dev/xvda", "EnaSupport": True}
    return str(fleet.ec2.register_image(Name="special", **{**usual, **more})["ImageId"])


@pytest.mark.parametrize(
    ("image", "data", "words"),
    [
        (
            {"BootMode": "uefi"},
            {"InstanceType": "t2.micro"},
            "The t2.micro instance type does not support an AMI with a boot mode of UEFI.",
        ),
        (
            {"BootMode": "legacy-bios", "Architecture": "arm64"},
            {"InstanceType": "t4g.micro"},
            "The t4g.micro instance type does not support an AMI with a boot mode of Legacy BIOS.",
        ),
        (
            {"EnaSupport": False},
            {},
            "Enhanced networking with the Elastic Network Adapter (ENA) is required for the 't3.micro' instance type.",
        ),
        (
            {},
            {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}]},
            "Volume of size 8GB is smaller than snapshot",
        ),
    ],
    ids=["UEFI", "BIOS", "ENA", "volume"],
)
def test_what_ec2_does_not_launch_fails_in_its_words(
    fleet: Fleet, image: dict[str, Any], data: dict[str, Any], words: str
) -> None:
    template = fleet.make_template("special", _registered(fleet, **image), **data)
    fleet.make(size=1, LaunchTemplate=template)
    fleet.aws.settle()
    activities = fleet.autoscaling.describe_scaling_activities(AutoScalingGroupName="group")["Activities"]
    assert activities[0]["StatusCode"] == "Failed"
    assert words in activities[0]["StatusMessage"]
    assert activities[0]["StatusMessage"].endswith("Launching EC2 instance failed.")


@pytest.mark.parametrize(
    ("image", "data"),
    [
        ({"BootMode": "uefi-preferred"}, {"InstanceType": "t2.micro"}),
        ({"EnaSupport": False}, {"InstanceType": "t2.micro"}),
        ({}, {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 15}}]}),
    ],
    ids=["either mode", "no need of ENA", "as large"],
)
def test_what_ec2_does_launch_is_launched(fleet: Fleet, image: dict[str, Any], data: dict[str, Any]) -> None:
    template = fleet.make_template("special", _registered(fleet, **image), **data)
    assert len(fleet.settled(size=1, LaunchTemplate=template)) == 1


def test_an_image_has_its_snapshots_size_and_encryption(fleet: Fleet) -> None:
    volume = fleet.ec2.create_volume(Size=40, AvailabilityZone="us-east-1a", Encrypted=True)
    snapshot = fleet.ec2.create_snapshot(VolumeId=volume["VolumeId"])["SnapshotId"]
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}
    image_id = _registered(fleet, BlockDeviceMappings=[mapping])
    (image,) = fleet.ec2.describe_images(ImageIds=[image_id])["Images"]
    ebs = image["BlockDeviceMappings"][0]["Ebs"]
    assert (ebs["SnapshotId"], ebs["VolumeSize"], ebs["Encrypted"]) == (snapshot, 40, True)
    (described,) = fleet.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    assert described["KmsKeyId"] == volume["KmsKeyId"]
