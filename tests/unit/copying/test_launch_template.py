# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launch template or configuration of a revision is the base's, with the new AMI."""

from __future__ import annotations

import base64
import gzip
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible_collections.progressive.aws.plugins.module_utils.copying.described import Described, Overrides
from ansible_collections.progressive.aws.plugins.module_utils.copying.launch_template import (
    launch_configuration_request,
    launch_template_request,
    override_launch_template_requests,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.copying import models

NEW = Overrides(image_id="ami-new")
EMPTY: tuple[Any, ...] = (None, "", [], {})


def on_template(data: dict[str, Any], **version: Any) -> Described:
    return Described(
        {"AutoScalingGroupName": "base"},
        launch_template={
            "LaunchTemplateId": "lt-1",
            "LaunchTemplateName": "base-template",
            "VersionNumber": 7,
            "LaunchTemplateData": data,
            **version,
        },
    )


def on_configuration(**configuration: Any) -> Described:
    return Described(
        {"AutoScalingGroupName": "base", "LaunchConfigurationName": "base-lc"},
        launch_configuration={"LaunchConfigurationName": "base-lc", **configuration},
    )


def copied_data(data: dict[str, Any], overrides: Overrides = NEW) -> dict[str, Any]:
    request = launch_template_request(on_template(data), overrides, "shop__7", {})
    copy: dict[str, Any] = request["LaunchTemplateData"]
    return copy


def slimmed(value: Any, without: tuple[str, ...] = ()) -> Any:
    """What is left of a value when nothing empty is in it: an oracle that is not the code under test."""
    if isinstance(value, dict):
        slim = {name: slimmed(part, without) for name, part in value.items() if name not in without}
        return {
            name: part
            for name, part in slim.items()
            if (isinstance(part, bool) or part not in EMPTY) or (name in ("NoDevice", "Value") and part == "")
        }
    if isinstance(value, list):
        return [slimmed(part, without) for part in value]
    return value


# ------------------------------------------------------------ launch templates


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=models.examples(models.shape("ec2", "ResponseLaunchTemplateData")))
def test_a_launch_template_keeps_everything_but_the_image(data: dict[str, Any]) -> None:
    copy = copied_data(data)

    kept = slimmed(data, without=("State", "IsPrimaryIpv6"))
    kept.pop("Operator", None)
    assert copy == {**kept, "ImageId": "ami-new"}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    version=models.examples(
        models.shape("ec2", "LaunchTemplateVersion"),
        models.shape("ec2", "CreateLaunchTemplateRequest"),
    )
)
def test_the_request_of_any_launch_template_is_one_that_aws_takes(version: dict[str, Any]) -> None:
    version.setdefault("LaunchTemplateData", {})
    described = Described({"AutoScalingGroupName": "base"}, launch_template=version)

    request = launch_template_request(described, NEW, "shop__7", {"progressive:series": "shop"})

    assert models.refusal("ec2", "CreateLaunchTemplate", request) == ""


def test_a_launch_template_is_named_like_its_group_and_tagged() -> None:
    described = Described(
        {"AutoScalingGroupName": "base"},
        launch_template={"LaunchTemplateData": {"ImageId": "ami-old"}, "VersionDescription": "tuned"},
        launch_template_tags={
            "team": "shop",
            "aws:cloudformation:stack-name": "x",
            "progressive:series": "y",
        },
    )

    request = launch_template_request(described, NEW, "shop__7", {"progressive:series": "shop"})

    assert request == {
        "LaunchTemplateName": "shop__7",
        "VersionDescription": "tuned",
        "LaunchTemplateData": {"ImageId": "ami-new"},
        "TagSpecifications": [
            {
                "ResourceType": "launch-template",
                "Tags": [
                    {"Key": "team", "Value": "shop"},
                    {"Key": "progressive:series", "Value": "shop"},
                ],
            }
        ],
    }


def test_an_image_that_is_an_ssm_parameter_is_replaced_as_well() -> None:
    assert copied_data({"ImageId": "resolve:ssm:/golden/image"}) == {"ImageId": "ami-new"}


def test_user_data_of_a_launch_template_stays_encoded_and_given_text_becomes_so() -> None:
    old = base64.b64encode(b"#!/bin/sh\necho old").decode()

    assert copied_data({"UserData": old})["UserData"] == old
    given_text = copied_data({"UserData": old}, Overrides("ami-new", user_data="#!/bin/sh\necho \u00fc"))
    assert base64.b64decode(given_text["UserData"]).decode() == "#!/bin/sh\necho \u00fc"
    assert "UserData" not in copied_data({"UserData": old}, Overrides("ami-new", user_data=""))


def test_security_groups_given_replace_ids_and_names() -> None:
    copy = copied_data(
        {"SecurityGroupIds": ["sg-old"], "SecurityGroups": ["old"]},
        Overrides("ami-new", security_group_ids=("sg-a", "sg-b")),
    )
    assert copy == {"ImageId": "ami-new", "SecurityGroupIds": ["sg-a", "sg-b"]}


def test_security_groups_given_go_to_the_network_interfaces_where_there_are_any() -> None:
    copy = copied_data(
        {"NetworkInterfaces": [{"DeviceIndex": 0, "Groups": ["sg-old"]}, {"DeviceIndex": 1}]},
        Overrides("ami-new", security_group_ids=("sg-a",)),
    )
    assert copy["NetworkInterfaces"] == [
        {"DeviceIndex": 0, "Groups": ["sg-a"]},
        {"DeviceIndex": 1, "Groups": ["sg-a"]},
    ]
    assert "SecurityGroupIds" not in copy


@pytest.mark.parametrize(
    ("given_profile", "expected"),
    [
        ("web", {"Name": "web"}),
        ("arn:aws:iam::1:instance-profile/web", {"Arn": "arn:aws:iam::1:instance-profile/web"}),
    ],
)
def test_an_instance_profile_is_given_by_name_or_arn(given_profile: str, expected: dict[str, str]) -> None:
    copy = copied_data(
        {"IamInstanceProfile": {"Name": "old"}}, Overrides("ami-new", iam_instance_profile=given_profile)
    )
    assert copy["IamInstanceProfile"] == expected


def test_an_instance_type_given_takes_the_place_of_requirements() -> None:
    requirements = {"VCpuCount": {"Min": 2}, "MemoryMiB": {"Min": 4096}}
    copy = copied_data(
        {"InstanceRequirements": requirements}, Overrides("ami-new", instance_type="m7g.large")
    )
    assert copy == {"ImageId": "ami-new", "InstanceType": "m7g.large"}


def test_key_and_metadata_options_given_replace_single_options() -> None:
    copy = copied_data(
        {
            "KeyName": "old",
            "MetadataOptions": {"State": "applied", "HttpTokens": "optional", "HttpEndpoint": "enabled"},
        },
        Overrides("ami-new", key_name="new", metadata_options={"HttpTokens": "required"}),
    )
    assert copy["KeyName"] == "new"
    assert copy["MetadataOptions"] == {"HttpTokens": "required", "HttpEndpoint": "enabled"}


def test_block_devices_given_replace_those_of_the_same_device() -> None:
    copy = copied_data(
        {
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 10}},
                {"DeviceName": "/dev/sdc", "NoDevice": ""},
            ]
        },
        Overrides(
            "ami-new",
            block_device_mappings=(
                {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 20}, "NoDevice": None},
                {"DeviceName": "/dev/sdd", "NoDevice": True},
            ),
        ),
    )
    assert copy["BlockDeviceMappings"] == [
        {"DeviceName": "/dev/sdc", "NoDevice": ""},
        {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 20}},
        {"DeviceName": "/dev/sdd", "NoDevice": ""},
    ]


def test_the_old_amis_snapshot_does_not_become_the_new_amis_root_device() -> None:
    mappings = {
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-old", "VolumeSize": 30}},
            {"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": "snap-data"}},
        ]
    }
    copy = copied_data(mappings, Overrides("ami-new", root_device_name="/dev/xvda"))
    assert copy["BlockDeviceMappings"] == [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30}},
        {"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": "snap-data"}},
    ]
    assert copied_data(mappings)["BlockDeviceMappings"] == mappings["BlockDeviceMappings"]


def test_a_root_device_of_which_only_the_snapshot_was_told_is_left_to_the_ami() -> None:
    copy = copied_data(
        {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-old"}}]},
        Overrides("ami-new", root_device_name="/dev/xvda"),
    )
    assert copy == {"ImageId": "ami-new"}


def test_what_was_described_is_not_changed_by_copying_it() -> None:
    data = {"NetworkInterfaces": [{"DeviceIndex": 0, "Groups": ["sg-old"]}], "ImageId": "ami-old"}
    copied_data(data, Overrides("ami-new", security_group_ids=("sg-a",)))
    assert data == {"NetworkInterfaces": [{"DeviceIndex": 0, "Groups": ["sg-old"]}], "ImageId": "ami-old"}


def test_each_version_that_an_override_brings_gets_a_launch_template_of_its_own() -> None:
    def override(version: str) -> dict[str, Any]:
        return {
            "InstanceType": "m7g.large",
            "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-arm", "Version": version},
        }

    described = Described(
        {
            "AutoScalingGroupName": "base",
            "MixedInstancesPolicy": {
                "LaunchTemplate": {"Overrides": [override("1"), override("$Latest"), override("1")]}
            },
        },
        launch_template={"LaunchTemplateData": {"ImageId": "ami-old"}},
        override_launch_templates={
            "lt-arm:1": {
                "LaunchTemplateData": {"ImageId": "ami-old", "KeyName": "one", "InstanceType": "c7g.large"}
            },
            "lt-arm:$Latest": {"LaunchTemplateData": {"KeyName": "latest"}},
        },
    )

    requests = override_launch_template_requests(
        described, Overrides("ami-new", instance_type="t3.micro"), "shop__7", {"a": "b"}
    )

    assert {key: request["LaunchTemplateName"] for key, request in requests.items()} == {
        "lt-arm:1": "shop__7-1",
        "lt-arm:$Latest": "shop__7-2",
    }
    assert requests["lt-arm:1"]["LaunchTemplateData"] == {
        "ImageId": "ami-new",
        "KeyName": "one",
        "InstanceType": "c7g.large",
    }
    assert requests["lt-arm:$Latest"]["LaunchTemplateData"] == {"ImageId": "ami-new", "KeyName": "latest"}
    assert requests["lt-arm:1"]["TagSpecifications"][0]["Tags"] == [{"Key": "a", "Value": "b"}]


# ------------------------------------------------------- launch configurations


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    configuration=models.examples(models.shape("autoscaling", "LaunchConfiguration")),
    script=st.text(max_size=40),
)
def test_a_launch_configuration_keeps_everything_but_name_and_image(
    configuration: dict[str, Any], script: str
) -> None:
    configuration["UserData"] = base64.b64encode(script.encode()).decode()
    described = Described({"AutoScalingGroupName": "base"}, launch_configuration=configuration)

    request = launch_configuration_request(described, NEW, "shop__7")

    expected = slimmed(configuration, without=("CreatedTime", "LaunchConfigurationARN", "UserData"))
    expected |= {"LaunchConfigurationName": "shop__7", "ImageId": "ami-new"}
    if script:
        expected["UserData"] = script
    assert request == expected
    assert models.refusal("autoscaling", "CreateLaunchConfiguration", request) == ""


@pytest.mark.parametrize(
    "raw", [b"#!/bin/sh\necho hello", gzip.compress(b"#!/bin/sh", mtime=0)], ids=["text", "gzip"]
)
def test_user_data_of_a_launch_configuration_reaches_aws_as_it_was(raw: bytes) -> None:
    encoded = base64.b64encode(raw).decode()
    request = launch_configuration_request(on_configuration(UserData=encoded), NEW, "shop__7")
    sent: dict[str, Any] = {}

    def answer(params: dict[str, Any], **_rest: Any) -> tuple[Any, dict[str, Any]]:
        sent.update(params["body"])
        return SimpleNamespace(status_code=200), {}

    client = boto3.client(
        "autoscaling", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    client.meta.events.register("before-call.autoscaling.CreateLaunchConfiguration", answer)
    client.create_launch_configuration(**request)
    assert sent["UserData"] == encoded


def test_what_was_never_set_on_a_launch_configuration_is_not_asked_for() -> None:
    described = on_configuration(
        KeyName="", KernelId="", RamdiskId="", ClassicLinkVPCSecurityGroups=[], UserData=""
    )
    assert launch_configuration_request(described, NEW, "shop__7") == {
        "LaunchConfigurationName": "shop__7",
        "ImageId": "ami-new",
    }


def test_whatever_is_given_replaces_the_launch_configurations_own() -> None:
    described = on_configuration(
        UserData=base64.b64encode(b"old").decode(),
        InstanceType="m5.large",
        KeyName="old",
        SecurityGroups=["sg-old"],
        IamInstanceProfile="old",
        MetadataOptions={"HttpTokens": "optional"},
        BlockDeviceMappings=[{"DeviceName": "/dev/sdb", "NoDevice": True}],
    )
    overrides = Overrides(
        "ami-new",
        user_data="new",
        instance_type="m6i.large",
        key_name="new",
        security_group_ids=("sg-new",),
        iam_instance_profile="new",
        metadata_options={"HttpTokens": "required"},
        block_device_mappings=({"DeviceName": "/dev/sdc", "NoDevice": ""},),
    )
    assert launch_configuration_request(described, overrides, "shop__7") == {
        "LaunchConfigurationName": "shop__7",
        "ImageId": "ami-new",
        "UserData": "new",
        "InstanceType": "m6i.large",
        "KeyName": "new",
        "SecurityGroups": ["sg-new"],
        "IamInstanceProfile": "new",
        "MetadataOptions": {"HttpTokens": "required"},
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sdb", "NoDevice": True},
            {"DeviceName": "/dev/sdc", "NoDevice": True},
        ],
    }
