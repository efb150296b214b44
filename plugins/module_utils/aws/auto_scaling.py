# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only way to Auto Scaling and EC2, to Systems Manager for an AMI's id, and to Service Quotas.

What instances are launched from is in C(launch_sources).

Thin: each method is one call, or the pages of one, turned into the model's data.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..core import journal
from ..core.errors import AwsError
from ..core.model import Activity, Capacity, Group
from ..core.protection import INSTANCES_A_CALL
from .answers import measured, measured_types, read_activity, read_group
from .launch_sources import LaunchSources

# DescribeAutoScalingGroups, DescribeScalingActivities, DescribePolicies, DescribeScheduledActions: 100 at most.
PAGE = 100
# BatchPutScheduledUpdateGroupAction takes 50 at most.
SCHEDULED_ACTIONS_A_CALL = 50

ALREADY_EXISTS = frozenset({"AlreadyExists", "AlreadyExistsFault"})
# A group with this deletion protection cannot be deleted at all; the others only stand against force.
PROTECTED = "prevent-all-deletion"
# Statuses of an instance refresh that is not over (InstanceRefresh in the API reference).
REFRESHING = frozenset({"Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking"})
# DeleteAutoScalingGroup while instances remain, or while something moves.
NOT_YET = frozenset(
    {"ResourceInUse", "ResourceInUseFault", "ScalingActivityInProgress", "ScalingActivityInProgressFault"}
)


class AutoScaling(LaunchSources):
    """Auto Scaling and EC2, as the engine needs them. Every method raises RolloutError as C(Calls) does."""

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

    def account_limits(self) -> Mapping[str, int]:
        """How many groups and launch configurations this region may have, and how many it has."""
        attempted = "read the account's quotas"
        answer: Mapping[str, int] = self._call("autoscaling", "DescribeAccountLimits", attempted)
        return answer

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
