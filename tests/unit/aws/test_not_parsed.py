# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A botocore that does not know all that AWS tells: what it drops is named, and no copy is made without it in silence.

An older botocore is made of the installed one by taking members out of its models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
import botocore.session
import pytest
from ansible_collections.progressive.aws.plugins.module_utils.aws import not_parsed
from ansible_collections.progressive.aws.plugins.module_utils.copying.unknown_members import NOT_PARSED
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from botocore.config import Config
from botocore.loaders import Loader

from tests.recorded import COLLECTION
from tests.sandbox.inprocess import InProcess
from tests.unit.copying.bases import BASES
from tests.unit.engine import Site

Missing = Mapping[str, Sequence[str]]


def old_clients(aws: InProcess, missing: Missing) -> Callable[[str], Any]:
    """Clients whose models have none of the C(missing) members, by their shape."""
    loader = Loader()
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            shapes = loader.load_service_model(service, "service-2")["shapes"]
            for shape, names in missing.items():
                for name in names if shape in shapes else ():
                    del shapes[shape]["members"][name]
            session = botocore.session.Session()
            session.register_component("data_loader", loader)
            made[service] = boto3.session.Session(botocore_session=session).client(
                service,
                region_name="us-east-1",
                endpoint_url="http://in-process",
                aws_access_key_id=COLLECTION,
                aws_secret_access_key="sandbox",
                config=Config(retries={"total_max_attempts": 1}),
            )
            made[service].meta.events.register("before-send.*", aws._send)
            not_parsed.watch(made[service])
        return made[service]

    return client


def with_old_botocore(site: Site, missing: Missing) -> Site:
    site.client = old_clients(site.aws, missing)
    return site


def distributed(site: Site, strategy: str, *, shift: bool = False) -> None:
    site.make_base(
        AvailabilityZoneDistribution={"CapacityDistributionStrategy": strategy},
        AvailabilityZoneImpairmentPolicy={
            "ZonalShiftEnabled": shift,
            "ImpairedZoneHealthCheckBehavior": "IgnoreUnhealthy",
        },
    )


@pytest.fixture
def bare(aws: InProcess) -> Site:
    """A shop without a base group."""
    return Site(aws)


@pytest.fixture(scope="module")
def newest(in_process: InProcess) -> Callable[[str], Any]:
    """Clients of the installed botocore."""
    return old_clients(in_process, {})


ZONES = {"AutoScalingGroup": ["AvailabilityZoneDistribution", "AvailabilityZoneImpairmentPolicy"]}


def test_members_that_an_old_botocore_drops_are_refused_by_their_names(bare: Site) -> None:
    distributed(bare, "balanced-only", shift=True)
    with pytest.raises(InvalidInput) as refused:
        with_old_botocore(bare, ZONES).set_up(bare.image("one"))
    (problem,) = refused.value.problems
    assert (
        "AvailabilityZoneDistribution of the group: this version of botocore does not know it; "
        "AvailabilityZoneImpairmentPolicy of the group: this version of botocore does not know it" in problem
    )
    assert "set unknown_members to ignore" in problem
    assert not bare.desired()


def test_they_are_left_out_where_that_is_asked_for(bare: Site) -> None:
    distributed(bare, "balanced-only")
    group = with_old_botocore(bare, ZONES).set_up(bare.image("one"), unknown_members="ignore")
    (made,) = bare.shop.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])[
        "AutoScalingGroups"
    ]
    assert made["AvailabilityZoneDistribution"]["CapacityDistributionStrategy"] != "balanced-only"


def test_what_every_group_has_is_no_loss(bare: Site) -> None:
    distributed(bare, "balanced-best-effort")
    assert with_old_botocore(bare, ZONES).set_up(bare.image("one"))


@pytest.mark.parametrize(
    ("base", "missing", "named"),
    [
        (
            "launch template with everything",
            {"LaunchTemplateInstanceMetadataOptions": ["HttpTokens"]},
            "LaunchTemplateData.MetadataOptions.HttpTokens of the launch template",
        ),
        (
            "launch template with everything",
            {"ResponseLaunchTemplateData": ["MaintenanceOptions"]},
            "LaunchTemplateData.MaintenanceOptions of the launch template",
        ),
        (
            "launch template with everything",
            {"LaunchTemplateEbsBlockDevice": ["Throughput"]},
            "LaunchTemplateData.BlockDeviceMappings.Ebs.Throughput of the launch template",
        ),
        (
            "launch configuration with everything",
            {"InstanceMetadataOptions": ["HttpTokens"]},
            "MetadataOptions.HttpTokens of the launch configuration",
        ),
        (
            "life cycle hooks",
            {"LifecycleHook": ["NotificationMetadata"]},
            "NotificationMetadata of life-cycle hook",
        ),
        (
            "warm pool",
            {"WarmPoolConfiguration": ["InstanceReusePolicy"]},
            "WarmPoolConfiguration.InstanceReusePolicy",
        ),
        (
            "target tracking by metric math",
            {"TargetTrackingMetricDataQuery": ["Expression"]},
            "TargetTrackingConfiguration.CustomizedMetricSpecification.Metrics.Expression of scaling policy",
        ),
        ("step scaling with alarms", {"MetricAlarm": ["TreatMissingData"]}, "TreatMissingData of alarm"),
        ("scheduled actions", {"ScheduledUpdateGroupAction": ["TimeZone"]}, "TimeZone of scheduled action"),
        (
            "mixed instances by requirements",
            {"InstanceRequirements": ["BurstablePerformance"]},
            "MixedInstancesPolicy.LaunchTemplate.Overrides.InstanceRequirements.BurstablePerformance of the group",
        ),
    ],
)
def test_a_member_at_any_depth_of_whatever_is_copied(
    bare: Site, base: str, missing: Missing, named: str
) -> None:
    BASES[base](bare)
    with pytest.raises(InvalidInput) as refused:
        with_old_botocore(bare, missing).set_up(bare.image("one"))
    assert [problem for problem in refused.value.problems if named in problem], refused.value.problems


def test_a_member_that_the_collection_does_not_know_either(
    bare: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.make_base()
    plain, added = "<AutoScalingGroupName>", "<TomorrowsOption>yes</TomorrowsOption><AutoScalingGroupName>"
    send = bare.aws._send

    def tomorrow(request: Any, **others: Any) -> Any:
        response = send(request, **others)
        content = response.content.decode()
        if "DescribeAutoScalingGroupsResponse" in content:
            response._content = content.replace(plain, added).encode()
        return response

    monkeypatch.setattr(bare.aws, "_send", tomorrow)
    with pytest.raises(InvalidInput) as refused:
        with_old_botocore(bare, {}).set_up(bare.image("one"))
    assert "TomorrowsOption of the group: this version of the collection does not know it" in str(
        refused.value
    )


@pytest.mark.parametrize("name", BASES)
def test_with_the_newest_botocore_nothing_is_missed_of_any_base(
    bare: Site, newest: Callable[[str], Any], name: str
) -> None:
    BASES[name](bare)
    for service, operation, items in (
        ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
        ("autoscaling", "describe_launch_configurations", "LaunchConfigurations"),
        ("autoscaling", "describe_policies", "ScalingPolicies"),
        ("autoscaling", "describe_scheduled_actions", "ScheduledUpdateGroupActions"),
        ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ):
        answer = getattr(newest(service), operation)()
        assert not [item[NOT_PARSED] for item in answer[items] if NOT_PARSED in item]
