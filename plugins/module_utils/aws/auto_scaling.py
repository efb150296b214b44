# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Auto Scaling and EC2, to Systems Manager for an AMI's id, and to Service Quotas.

Thin: each method is one call, or the pages of one, turned into the model's data.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..core import journal
from ..core.errors import AwsError
from ..core.model import Activity, Capacity, Group, Image
from ..core.protection import INSTANCES_A_CALL
from .answers import measured, measured_types, read_activity, read_group, read_image, read_tags
from .calls import Calls

# DescribeAutoScalingGroups, DescribeScalingActivities, DescribePolicies, DescribeScheduledActions: 100 at most.
PAGE = 100
# BatchPutScheduledUpdateGroupAction takes 50 at most.
SCHEDULED_ACTIONS_A_CALL = 50

ALREADY_EXISTS = frozenset({"AlreadyExists", "AlreadyExistsFault"})
TEMPLATE_EXISTS = frozenset({"InvalidLaunchTemplateName.AlreadyExistsException"})
TEMPLATE_MISSING = frozenset(
    {"InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"}
)
# DescribeInstanceTypes of one that AWS does not know, or that this region does not have.
TYPE_MISSING = frozenset({"InvalidInstanceType"})
PARAMETER_MISSING = frozenset(
    {"ParameterNotFound", "ParameterVersionNotFound", "ParameterVersionLabelNotFound"}
)
# A group with this deletion protection cannot be deleted at all; the others only stand against force.
PROTECTED = "prevent-all-deletion"
# Statuses of an instance refresh that is not over (InstanceRefresh in the API reference).
REFRESHING = frozenset({"Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking"})
# What AWS answers to a dry run: it would have been done.
WOULD_SUCCEED = "DryRunOperation"
# DescribeImages: 1,000 at most; DescribeLaunchTemplates: 200.
IMAGES_A_PAGE = 1000
TEMPLATES_A_PAGE = 200
# DescribeInstanceTypes takes 100 types at most; DescribeInstances gives 1,000 instances at most.
TYPES_A_CALL = 100
INSTANCES_A_PAGE = 1000
# DeleteAutoScalingGroup while instances remain, or while something moves.
NOT_YET = frozenset(
    {"ResourceInUse", "ResourceInUseFault", "ScalingActivityInProgress", "ScalingActivityInProgressFault"}
)


class AutoScaling:
    """Auto Scaling and EC2, as the engine needs them. Every method raises RolloutError as C(Calls) does."""

    def __init__(self, calls: Calls) -> None:
        """Use the given way of calling."""
        self._call = calls
        # What each instance type counts, by C(DesiredCapacityType): it never changes.
        self._sizes: dict[str, dict[str, int]] = {}

    # ---------------------------------------------------------------- reading

    def groups_of_series(self, series: str) -> list[Group]:
        """All groups that carry the exact series tag, the newest revision first."""
        found = self._call.pages(
            "autoscaling",
            "DescribeAutoScalingGroups",
            "AutoScalingGroups",
            f"find the groups of series {series}",
            Filters=[{"Name": f"tag:{journal.SERIES}", "Values": [series]}],
            MaxRecords=PAGE,
        )
        groups = [self._in_units(read_group(item)) for item in found]
        return sorted(
            # The filter is AWS's; that nothing else is ever touched is ours.
            (group for group in groups if group.tags.get(journal.SERIES) == series),
            key=journal.revision,
            reverse=True,
        )

    def all_series(self) -> list[str]:
        """The names of all series of this region, in their order."""
        found = self._call.pages(
            "autoscaling",
            "DescribeAutoScalingGroups",
            "AutoScalingGroups",
            "find the series of this region",
            Filters=[{"Name": "tag-key", "Values": [journal.SERIES]}],
            MaxRecords=PAGE,
        )
        return sorted({read_group(item).tags.get(journal.SERIES, "") for item in found} - {""})

    def group(self, name: str) -> Group | None:
        """One group by its name; None where there is none."""
        return self.groups([name]).get(name)

    def groups(self, names: Sequence[str]) -> dict[str, Group]:
        """Groups by their names, fifty at most by one call; those that do not exist are left out."""
        answer = self._call(
            "autoscaling",
            "DescribeAutoScalingGroups",
            f"read group {' and '.join(names)}",
            AutoScalingGroupNames=list(names),
        )
        return {
            group.name: group for group in map(self._in_units, map(read_group, answer["AutoScalingGroups"]))
        }

    def _in_units(self, group: Group) -> Group:
        """A group with its instances' weights, also where it counts by what each type has and does not say it."""
        kind, types = measured_types(group)
        if not types:
            return group
        sizes = self._sizes.setdefault(kind, {})
        unknown = [one for one in types if one not in sizes]
        if unknown:
            sizes.update(self.vcpus(unknown) if kind == "vcpu" else self.memory(unknown))
        return measured(group, sizes)

    def activities(self, group: str, since: float = 0.0) -> list[Activity]:
        """A group's scaling activities that began at C(since) (epoch seconds) or later, or are under way.

        The newest first, as AWS lists them.
        """
        found = []
        for item in self._call.pages(
            "autoscaling",
            "DescribeScalingActivities",
            "Activities",
            f"read the activities of group {group}",
            AutoScalingGroupName=group,
            MaxRecords=PAGE,
        ):
            activity = read_activity(item)
            if activity.started < since and activity.ended is not None:
                break
            found.append(activity)
        return found

    def page_of_activities(self, group: str, token: str = "") -> tuple[list[Activity], str]:
        """A hundred of a group's scaling activities by one call, and the token of the next; empty where there is none.

        As AWS lists them: those under way first, then the newest. C(token) is what the page before has given.
        """
        page = self._call(
            "autoscaling",
            "DescribeScalingActivities",
            f"read the activities of group {group}",
            AutoScalingGroupName=group,
            MaxRecords=PAGE,
            **({"NextToken": token} if token else {}),
        )
        return [read_activity(item) for item in page["Activities"]], str(page.get("NextToken") or "")

    def refresh_under_way(self, group: str) -> str:
        """Say which instance refresh a group is under, how far it is, and what ends it; empty where it is under none.

        A group has one at a time.
        """
        answer = self._call(
            "autoscaling",
            "DescribeInstanceRefreshes",
            f"read the instance refreshes of group {group}",
            AutoScalingGroupName=group,
        )
        found = next((one for one in answer["InstanceRefreshes"] if one["Status"] in REFRESHING), None)
        if found is None:
            return ""
        return (
            f"instance refresh {found['InstanceRefreshId']} of group {group} is under way ({found['Status']},"
            f" {found.get('PercentageComplete', 0)} % done)"
        )

    def base_details(self, group: Group) -> dict[str, Any]:
        """What the sibling calls of DescribeAutoScalingGroups tell of a group, named as in C(Described)."""
        name, attempted = group.name, f"read the configuration of group {group.name}"

        return {
            "lifecycle_hooks": self.lifecycle_hooks(name),
            "notifications": tuple(
                self._call.pages(
                    "autoscaling",
                    "DescribeNotificationConfigurations",
                    "NotificationConfigurations",
                    attempted,
                    AutoScalingGroupNames=[name],
                    MaxRecords=PAGE,
                )
            ),
            **self.scaling_details(group),
        }

    def lifecycle_hooks(self, group: str) -> tuple[Mapping[str, Any], ...]:
        """The life-cycle hooks of a group, as AWS describes them."""
        attempted = f"read the life-cycle hooks of group {group}"
        answer = self._call("autoscaling", "DescribeLifecycleHooks", attempted, AutoScalingGroupName=group)
        return tuple(answer["LifecycleHooks"])

    def scaling_details(self, group: Group) -> dict[str, Any]:
        """What scales a group: policies, scheduled actions and warm pool, named as in C(Described)."""
        name, attempted = group.name, f"read what scales group {group.name}"

        def all_of(operation: str, items: str) -> tuple[Mapping[str, Any], ...]:
            by_name = {"AutoScalingGroupName": name, "MaxRecords": PAGE}
            return tuple(self._call.pages("autoscaling", operation, items, attempted, **by_name))

        return {
            "policies": all_of("DescribePolicies", "ScalingPolicies"),
            "scheduled_actions": all_of("DescribeScheduledActions", "ScheduledUpdateGroupActions"),
            "warm_pool": group.described.get("WarmPoolConfiguration") or None,
        }

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

    def account_limits(self) -> Mapping[str, int]:
        """How many groups and launch configurations this region may have, and how many it has."""
        attempted = "read the account's quotas"
        answer: Mapping[str, int] = self._call("autoscaling", "DescribeAccountLimits", attempted)
        return answer

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

    def region_subnets(self, subnet_ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """The subnets of the given ids, with their free addresses."""
        return list(
            self._call.pages(
                "ec2",
                "DescribeSubnets",
                "Subnets",
                f"read subnet {', '.join(subnet_ids)}",
                SubnetIds=list(subnet_ids),
            )
        )

    # --------------------------------------------------------------- changing

    def send(self, service: str, operation: str, parameters: Mapping[str, Any], words: str) -> dict[str, Any]:
        """Send a request that C(clone) has made."""
        return self._call(service, operation, words, **parameters)

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

    def create_group(self, request: Mapping[str, Any]) -> None:
        """Create a group.

        Raises:
            AwsError: with a code of C(ALREADY_EXISTS) where the name is taken.
        """
        name = request["AutoScalingGroupName"]
        try:
            self._call("autoscaling", "CreateAutoScalingGroup", f"create group {name}", **request)
        except AwsError as error:
            if error.code in ALREADY_EXISTS:
                # Whatever an older answer says.
                self._call.memory.exists(name, self._call.clock.now())
            raise

    def resize(self, group: str, capacity: Capacity) -> None:
        """Write all three sizes of a group in one update."""
        self._call(
            "autoscaling",
            "UpdateAutoScalingGroup",
            f"resize group {group} to {capacity}",
            AutoScalingGroupName=group,
            MinSize=capacity.min_size,
            MaxSize=capacity.max_size,
            DesiredCapacity=capacity.desired_capacity,
        )

    def protect(self, group: str, instance_ids: Sequence[str], *, protected: bool) -> None:
        """Protect instances of a group from scale-in, or cease to."""
        words = "protect" if protected else "lift the protection of"
        for first in range(0, len(instance_ids), INSTANCES_A_CALL):
            self._call(
                "autoscaling",
                "SetInstanceProtection",
                f"{words} instances of group {group} from scale-in",
                AutoScalingGroupName=group,
                InstanceIds=list(instance_ids[first : first + INSTANCES_A_CALL]),
                ProtectedFromScaleIn=protected,
            )

    def write_tags(self, group: str, tags: Mapping[str, str]) -> None:
        """Write tags of a group, in one call; instances do not inherit them."""
        self._call(
            "autoscaling",
            "CreateOrUpdateTags",
            f"write the journal on group {group}",
            Tags=[
                {
                    "ResourceId": group,
                    "ResourceType": "auto-scaling-group",
                    "Key": key,
                    "Value": value,
                    "PropagateAtLaunch": False,
                }
                for key, value in tags.items()
            ],
        )

    def exists_after_all(self, group: str, tags: Mapping[str, str]) -> bool:
        """Write tags of a group that no answer has shown, and return whether it took them and so is there.

        A change meets what there is, however old answers are. One that this run has deleted is not asked for.
        """
        if self._call.memory.deleted(group):
            return False
        try:
            self.write_tags(group, tags)
        except AwsError as error:
            if error.code != "ValidationError":
                raise
            return False
        self._call.memory.exists(group, self._call.clock.now())
        return True

    def remove_tags(self, group: str, keys: Iterable[str]) -> None:
        """Remove tags of a group, in one call."""
        self._call(
            "autoscaling",
            "DeleteTags",
            f"clear the journal on group {group}",
            Tags=[{"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": key} for key in keys],
        )

    def suspend(self, group: str, processes: Iterable[str]) -> None:
        """Suspend processes of a group; none of them is nothing to do, and not all of them, as AWS has it."""
        names = sorted(processes)
        if not names:
            return
        self._call(
            "autoscaling",
            "SuspendProcesses",
            f"suspend {' and '.join(names)} on group {group}",
            AutoScalingGroupName=group,
            ScalingProcesses=names,
        )

    def resume(self, group: str, processes: Iterable[str]) -> None:
        """Resume processes of a group; none of them is nothing to do, and not all of them, as AWS has it."""
        names = sorted(processes)
        if not names:
            return
        self._call(
            "autoscaling",
            "ResumeProcesses",
            f"resume {' and '.join(names)} on group {group}",
            AutoScalingGroupName=group,
            ScalingProcesses=names,
        )

    def unprotect(self, name: str) -> None:
        """Let a group be deleted."""
        self._call(
            "autoscaling",
            "UpdateAutoScalingGroup",
            f"take the deletion protection off group {name}",
            AutoScalingGroupName=name,
            DeletionProtection="none",
        )

    def delete_warm_pool(self, name: str) -> None:
        """Delete a group's warm pool with its instances; without that AWS does not delete the group.

        One that is gone, or going, is as good.
        """
        try:
            self._call(
                "autoscaling",
                "DeleteWarmPool",
                f"delete the warm pool of group {name}",
                AutoScalingGroupName=name,
                ForceDelete=True,
            )
        except AwsError as error:
            if error.code not in NOT_YET | {"ValidationError"}:
                raise

    def delete_group(self, name: str) -> bool:
        """Delete an empty group, with its policies and the alarms only they use.

        Returns whether AWS took it: False where something of it still moves. One that is gone is as good.
        """
        try:
            self._call(
                "autoscaling", "DeleteAutoScalingGroup", f"delete group {name}", AutoScalingGroupName=name
            )
        except AwsError as error:
            if error.code in NOT_YET:
                return False
            if error.code == "ValidationError" and "not found" in str(error.answer):
                return True
            raise
        return True

    def put_policy(self, request: Mapping[str, Any]) -> str:
        """Create or update a scaling policy and return its ARN."""
        answer = self._call(
            "autoscaling",
            "PutScalingPolicy",
            f"attach policy {request['PolicyName']} to group {request['AutoScalingGroupName']}",
            **request,
        )
        arn: str = answer["PolicyARN"]
        return arn

    def policies(self, group: str) -> list[Mapping[str, Any]]:
        """The scaling policies of a group."""
        return list(
            self._call.pages(
                "autoscaling",
                "DescribePolicies",
                "ScalingPolicies",
                f"read the policies of group {group}",
                AutoScalingGroupName=group,
                MaxRecords=PAGE,
            )
        )

    def put_scheduled_actions(self, group: str, actions: Sequence[Mapping[str, Any]]) -> None:
        """Create or update scheduled actions.

        Raises:
            AwsError: AWS refused some of them, which it says in an answer that is otherwise a success.
        """
        attempted = f"attach the scheduled actions to group {group}"
        for first in range(0, len(actions), SCHEDULED_ACTIONS_A_CALL):
            answer = self._call(
                "autoscaling",
                "BatchPutScheduledUpdateGroupAction",
                attempted,
                AutoScalingGroupName=group,
                ScheduledUpdateGroupActions=list(actions[first : first + SCHEDULED_ACTIONS_A_CALL]),
            )
            refused = answer.get("FailedScheduledUpdateGroupActions") or []
            if refused:
                raise AwsError(
                    attempted,
                    code=str(refused[0].get("ErrorCode", "Unknown")),
                    answer="; ".join(
                        f"{one['ScheduledActionName']}: {one.get('ErrorMessage', '')}" for one in refused
                    ),
                )


def _template_by(specification: Mapping[str, Any]) -> dict[str, str]:
    if specification.get("LaunchTemplateId"):
        return {"LaunchTemplateId": specification["LaunchTemplateId"]}
    return {"LaunchTemplateName": specification["LaunchTemplateName"]}
