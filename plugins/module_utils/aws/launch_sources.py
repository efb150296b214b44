# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What instances are launched from: launch templates and configurations, AMIs and instance types.

Thin, as C(auto_scaling), which it is a part of.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..core import journal
from ..core.errors import AwsError
from ..core.model import Image
from .answers import read_image, read_tags
from .calls import Calls

TEMPLATE_EXISTS = frozenset({"InvalidLaunchTemplateName.AlreadyExistsException"})
TEMPLATE_MISSING = frozenset(
    {"InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"}
)
# DescribeInstanceTypes of one that AWS does not know, or that this region does not have.
TYPE_MISSING = frozenset({"InvalidInstanceType"})
PARAMETER_MISSING = frozenset(
    {"ParameterNotFound", "ParameterVersionNotFound", "ParameterVersionLabelNotFound"}
)
# What AWS answers to a dry run: it would have been done.
WOULD_SUCCEED = "DryRunOperation"
# DescribeImages: 1,000 at most; DescribeLaunchTemplates: 200.
IMAGES_A_PAGE = 1000
TEMPLATES_A_PAGE = 200
# DescribeInstanceTypes takes 100 types at most; DescribeInstances gives 1,000 instances at most.
TYPES_A_CALL = 100
INSTANCES_A_PAGE = 1000


class LaunchSources:
    """What instances are launched from. Every method raises RolloutError as C(Calls) does."""

    def __init__(self, calls: Calls) -> None:
        """Use the given way of calling."""
        self._call = calls
        # What each instance type counts, by C(DesiredCapacityType): it never changes.
        self._sizes: dict[str, dict[str, int]] = {}

    def launch_template_version(self, specification: Mapping[str, Any]) -> Mapping[str, Any]:
        """The version that a launch template specification means, with C($Latest) and C($Default) resolved."""
        by = _template_by(specification)
        version = str(specification.get("Version") or "$Default")
        answer = self._call(
            "ec2",
            "DescribeLaunchTemplateVersions",
            f"read version {version} of launch template {next(iter(by.values()))}",
            Versions=[version],
            **by,
        )
        versions: list[Mapping[str, Any]] = answer["LaunchTemplateVersions"]
        return versions[0]

    def launch_configuration(self, name: str) -> Mapping[str, Any] | None:
        """A launch configuration by its name; None where there is none."""
        answer = self._call(
            "autoscaling",
            "DescribeLaunchConfigurations",
            f"read launch configuration {name}",
            LaunchConfigurationNames=[name],
        )
        return next(iter(answer["LaunchConfigurations"]), None)

    def image(self, image_id: str) -> Image | None:
        """An AMI of this region by its id; None where there is none that the caller may see."""
        return self.images_by_id([image_id]).get(image_id)

    def images_by_id(self, image_ids: Sequence[str]) -> dict[str, Image]:
        """AMIs of this region by their ids, all by one call where the caller may see all; others are left out."""
        try:
            answer = self._call(
                "ec2", "DescribeImages", f"read AMI {' and '.join(image_ids)}", ImageIds=list(image_ids)
            )
        except AwsError as error:
            # One that is not there fails the whole call.
            if not error.code.startswith("InvalidAMIID"):
                raise
            found = [self.image(one) for one in image_ids] if len(image_ids) > 1 else []
            return {one.image_id: one for one in found if one}
        return {item["ImageId"]: read_image(item) for item in answer["Images"]}

    def images(self, filters: Mapping[str, Sequence[str]], owners: Sequence[str]) -> list[Image]:
        """The AMIs of this region that pass all filters and are of one of the owners, the newest first."""
        found = self._call.pages(
            "ec2",
            "DescribeImages",
            "Images",
            f"find AMIs of {', '.join(owners)}",
            Filters=[{"Name": name, "Values": list(values)} for name, values in sorted(filters.items())],
            Owners=list(owners),
            MaxResults=IMAGES_A_PAGE,
        )
        # ISO 8601, always in UTC and of one length, so that the order of the words is that of time.
        return sorted(map(read_image, found), key=lambda one: (one.created, one.image_id), reverse=True)

    def snapshot(self, snapshot_id: str) -> Mapping[str, Any] | None:
        """A snapshot as DescribeSnapshots has it; None where the caller may see none of that id."""
        try:
            answer = self._call(
                "ec2", "DescribeSnapshots", f"read snapshot {snapshot_id}", SnapshotIds=[snapshot_id]
            )
        except AwsError as error:
            if not error.code.startswith("InvalidSnapshot"):
                raise
            return None
        found: Mapping[str, Any] | None = next(iter(answer["Snapshots"]), None)
        return found

    def parameter(self, name: str) -> str | None:
        """The value of a parameter of Systems Manager; None where there is none of that name, version or label."""
        try:
            answer = self._call("ssm", "GetParameter", f"read parameter {name}", Name=name)
        except AwsError as error:
            if error.code in PARAMETER_MISSING:
                return None
            raise
        value: str = answer["Parameter"]["Value"]
        return value

    def instance_types(self, instance_types: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What AWS tells of each instance type, by type: items of DescribeInstanceTypes."""
        found: dict[str, Mapping[str, Any]] = {}
        if not instance_types:
            return found
        for item in self._call.pages(
            "ec2",
            "DescribeInstanceTypes",
            "InstanceTypes",
            f"read instance type {', '.join(instance_types)}",
            InstanceTypes=list(instance_types),
        ):
            found[item["InstanceType"]] = item
        return found

    def ec2_quota(self, code: str) -> float:
        """The value of a quota of EC2 that holds for this account, by its code."""
        answer = self._call(
            "service-quotas", "GetServiceQuota", f"read quota {code}", ServiceCode="ec2", QuotaCode=code
        )
        value: float = answer["Quota"]["Value"]
        return value

    def vcpus(self, instance_types: Sequence[str]) -> dict[str, int]:
        """How many vCPUs each instance type has, by type."""
        return self._measure(instance_types, "VCpuInfo", "DefaultVCpus")

    def memory(self, instance_types: Sequence[str]) -> dict[str, int]:
        """How much memory each instance type has, in MiB, by type."""
        return self._measure(instance_types, "MemoryInfo", "SizeInMiB")

    def _measure(self, instance_types: Sequence[str], info: str, member: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for first in range(0, len(instance_types), TYPES_A_CALL):
            names = list(instance_types[first : first + TYPES_A_CALL])
            for item in self._call.pages(
                "ec2",
                "DescribeInstanceTypes",
                "InstanceTypes",
                f"read instance type {', '.join(names)}",
                InstanceTypes=names,
            ):
                found[item["InstanceType"]] = int(item[info][member])
        return found

    def running_types(self) -> Counter[str]:
        """How many On-Demand Instances of each type run in this region, or are about to."""
        reservations = self._call.pages(
            "ec2",
            "DescribeInstances",
            "Reservations",
            "count the running instances",
            Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}],
            MaxResults=INSTANCES_A_PAGE,
        )
        return Counter(
            str(one["InstanceType"])
            for reservation in reservations
            for one in reservation.get("Instances") or ()
            # Only Spot and other special ones have a life cycle.
            if not one.get("InstanceLifecycle")
        )

    def launch_templates_of_series(self, series: str) -> list[Mapping[str, Any]]:
        """The launch templates that carry the exact series tag, with their tags under C(tags)."""
        found = self._call.pages(
            "ec2",
            "DescribeLaunchTemplates",
            "LaunchTemplates",
            f"find the launch templates of series {series}",
            Filters=[{"Name": f"tag:{journal.SERIES}", "Values": [series]}],
        )
        return [
            {**item, "tags": tags}
            for item in found
            if (tags := read_tags(item.get("Tags", ()))).get(journal.SERIES) == series
        ]

    def launch_template_tags(self, template_id: str) -> dict[str, str]:
        """The tags of a launch template."""
        answer = self._call(
            "ec2",
            "DescribeLaunchTemplates",
            f"read the tags of launch template {template_id}",
            LaunchTemplateIds=[template_id],
        )
        return read_tags(answer["LaunchTemplates"][0].get("Tags", ()))

    def launch_template_named(self, name: str) -> Mapping[str, Any] | None:
        """A launch template by its name, with its tags under C(tags); None where there is none."""
        try:
            answer = self._call(
                "ec2",
                "DescribeLaunchTemplates",
                f"read launch template {name}",
                LaunchTemplateNames=[name],
            )
        except AwsError as error:
            if error.code in TEMPLATE_MISSING:
                return None
            raise
        return next(
            ({**item, "tags": read_tags(item.get("Tags", ()))} for item in answer["LaunchTemplates"]), None
        )

    def number_of_launch_templates(self) -> int:
        """How many launch templates this region has."""
        attempted = "count the launch templates"
        return sum(
            1
            for __ in self._call.pages(
                "ec2", "DescribeLaunchTemplates", "LaunchTemplates", attempted, MaxResults=TEMPLATES_A_PAGE
            )
        )

    def may_create_launch_template(self, request: Mapping[str, Any]) -> None:
        """Ask whether a launch template could be created, without creating it.

        Raises:
            AwsError: it could not; AccessDenied where for want of a permission.
        """
        name = request["LaunchTemplateName"]
        try:
            self._call(
                "ec2", "CreateLaunchTemplate", f"try to create launch template {name}", DryRun=True, **request
            )
        except AwsError as error:
            if error.code != WOULD_SUCCEED:
                raise

    def create_launch_template(self, request: Mapping[str, Any]) -> str:
        """Create a launch template and return its id.

        Raises:
            AwsError: with a code of C(TEMPLATE_EXISTS) where the name is taken.
        """
        name = request["LaunchTemplateName"]
        answer = self._call("ec2", "CreateLaunchTemplate", f"create launch template {name}", **request)
        template_id: str = answer["LaunchTemplate"]["LaunchTemplateId"]
        return template_id

    def delete_launch_template(self, template_id: str) -> None:
        """Delete a launch template; one that is gone already is as good."""
        try:
            self._call(
                "ec2",
                "DeleteLaunchTemplate",
                f"delete launch template {template_id}",
                LaunchTemplateId=template_id,
            )
        except AwsError as error:
            if error.code not in TEMPLATE_MISSING:
                raise

    def create_launch_configuration(self, request: Mapping[str, Any]) -> None:
        """Create a launch configuration.

        Raises:
            AwsError: with a code of C(ALREADY_EXISTS) where the name is taken.
        """
        name = request["LaunchConfigurationName"]
        self._call(
            "autoscaling", "CreateLaunchConfiguration", f"create launch configuration {name}", **request
        )

    def delete_launch_configuration(self, name: str) -> None:
        """Delete a launch configuration; one that is gone already is as good."""
        try:
            self._call(
                "autoscaling",
                "DeleteLaunchConfiguration",
                f"delete launch configuration {name}",
                LaunchConfigurationName=name,
            )
        except AwsError as error:
            if error.code != "ValidationError" or "not found" not in str(error.answer):
                raise


def _template_by(specification: Mapping[str, Any]) -> dict[str, str]:
    if specification.get("LaunchTemplateId"):
        return {"LaunchTemplateId": specification["LaunchTemplateId"]}
    return {"LaunchTemplateName": specification["LaunchTemplateName"]}
