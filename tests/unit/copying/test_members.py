# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No member that AWS has is forgotten: each is copied, or excepted with a reason."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.copying import members
from ansible_collections.progressive.aws.plugins.module_utils.copying.members import How, Table, pruned

from tests.unit.copying import models

# table, service, shapes that create calls take, shapes that describe calls tell
MODELS = [
    (members.GROUP, "autoscaling", ["CreateAutoScalingGroupType"], ["AutoScalingGroup"]),
    (members.LAUNCH_TEMPLATE, "ec2", ["CreateLaunchTemplateRequest"], ["LaunchTemplateVersion"]),
    (
        members.LAUNCH_TEMPLATE_DATA,
        "ec2",
        ["RequestLaunchTemplateData"],
        ["ResponseLaunchTemplateData"],
    ),
    (
        members.LAUNCH_CONFIGURATION,
        "autoscaling",
        ["CreateLaunchConfigurationType"],
        ["LaunchConfiguration"],
    ),
    (members.LIFECYCLE_HOOK, "autoscaling", ["LifecycleHookSpecification"], ["LifecycleHook"]),
    (
        members.NOTIFICATION,
        "autoscaling",
        ["PutNotificationConfigurationType"],
        ["NotificationConfiguration"],
    ),
    (members.WARM_POOL, "autoscaling", ["PutWarmPoolType"], ["WarmPoolConfiguration"]),
    (members.POLICY, "autoscaling", ["PutScalingPolicyType"], ["ScalingPolicy"]),
    (members.ALARM, "cloudwatch", ["PutMetricAlarmInput"], ["MetricAlarm"]),
    (
        members.SCHEDULED_ACTION,
        "autoscaling",
        ["ScheduledUpdateGroupActionRequest"],
        ["ScheduledUpdateGroupAction"],
    ),
    (members.TARGET_GROUP, "elbv2", ["CreateTargetGroupInput"], ["TargetGroup"]),
]


def titles(value: object) -> str | None:
    return value.title if isinstance(value, Table) else None


def test_every_table_is_compared_with_a_model() -> None:
    assert [table for table, *_ in MODELS] == list(members.TABLES)


@pytest.mark.parametrize(("table", "service", "taken", "told"), MODELS, ids=titles)
def test_every_member_of_botocores_model_stands_in_the_table(
    table: Table, service: str, taken: list[str], told: list[str]
) -> None:
    known = {name for shape in (*taken, *told) for name in models.shape(service, shape).members}
    assert table.names() == known
    assert len(table.members) == len(known), "a member stands in the table twice"


@pytest.mark.parametrize(("table", "service", "taken", "told"), MODELS, ids=titles)
def test_what_is_copied_can_be_asked_for_and_what_is_only_told_cannot(
    table: Table, service: str, taken: list[str], told: list[str]
) -> None:
    can_be_asked_for = {name for shape in taken for name in models.shape(service, shape).members}
    is_told = {name for shape in told for name in models.shape(service, shape).members}
    assert table.names(How.COPIED) <= can_be_asked_for & is_told
    assert table.names(How.TOLD) == {
        name
        for name in is_told - can_be_asked_for
        if name not in table.names(How.ADAPTED, How.SEPARATE, How.FINAL)
    }


@pytest.mark.parametrize(("table", "service", "taken", "told"), MODELS, ids=titles)
def test_a_member_is_copied_without_the_parts_that_create_calls_refuse(
    table: Table, service: str, taken: list[str], told: list[str]
) -> None:
    for member in table.members:
        if member.how is not How.COPIED:
            assert not member.without
            continue
        refused = set()
        for shape in told:
            inside = models.nested_names(models.shape(service, shape).members[member.name])
            allowed: set[str] = set()
            for request in taken:
                allowed |= set(models.nested_names(models.shape(service, request).members[member.name]))
            refused |= {path.rpartition(".")[2] for path in set(inside) - allowed}
            assert not {path for path in allowed if path.rpartition(".")[2] in member.without}, (
                f"{member.name} would lose a part of the same name that create calls take"
            )
        assert member.without == refused


@pytest.mark.parametrize("table", members.TABLES, ids=titles)
def test_whatever_is_not_simply_copied_has_a_reason(table: Table) -> None:
    assert [
        member.name for member in table.members if member.how is not How.COPIED and not member.words
    ] == []


def test_a_member_that_the_table_does_not_know_is_noticed() -> None:
    told = {"HealthCheckType": "EC2", "QuantumEntanglement": {"Enabled": True}, "Nothing": []}
    assert members.GROUP.unknown(told) == ["QuantumEntanglement"]


def test_emptiness_is_kept_only_where_it_says_something() -> None:
    described = {
        "KernelId": "",
        "Groups": [],
        "Threshold": 0.0,
        "Enabled": False,
        "EvaluationWindow": {"SlidingWindow": {}},
        "Devices": [{"DeviceName": "/dev/sdb", "NoDevice": "", "VirtualName": ""}],
        "Tags": [{"Key": "solo", "Value": ""}],
        "Target": {"Ids": []},
        "Gone": None,
    }
    assert pruned(described) == {
        "Threshold": 0.0,
        "Enabled": False,
        "EvaluationWindow": {"SlidingWindow": {}},
        "Devices": [{"DeviceName": "/dev/sdb", "NoDevice": ""}],
        "Tags": [{"Key": "solo", "Value": ""}],
    }
