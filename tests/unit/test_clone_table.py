# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No member that AWS has is forgotten: each is copied, or excepted with a reason."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils import clone_table
from ansible_collections.progressive.aws.plugins.module_utils.clone_table import How, Table, pruned

from tests.unit import clone_models

# table, service, shapes that create calls take, shapes that describe calls tell
MODELS = [
    (clone_table.GROUP, "autoscaling", ["CreateAutoScalingGroupType"], ["AutoScalingGroup"]),
    (clone_table.LAUNCH_TEMPLATE, "ec2", ["CreateLaunchTemplateRequest"], ["LaunchTemplateVersion"]),
    (
        clone_table.LAUNCH_TEMPLATE_DATA,
        "ec2",
        ["RequestLaunchTemplateData"],
        ["ResponseLaunchTemplateData"],
    ),
    (
        clone_table.LAUNCH_CONFIGURATION,
        "autoscaling",
        ["CreateLaunchConfigurationType"],
        ["LaunchConfiguration"],
    ),
    (clone_table.LIFECYCLE_HOOK, "autoscaling", ["LifecycleHookSpecification"], ["LifecycleHook"]),
    (
        clone_table.NOTIFICATION,
        "autoscaling",
        ["PutNotificationConfigurationType"],
        ["NotificationConfiguration"],
    ),
    (clone_table.WARM_POOL, "autoscaling", ["PutWarmPoolType"], ["WarmPoolConfiguration"]),
    (clone_table.POLICY, "autoscaling", ["PutScalingPolicyType"], ["ScalingPolicy"]),
    (clone_table.ALARM, "cloudwatch", ["PutMetricAlarmInput"], ["MetricAlarm"]),
    (
        clone_table.SCHEDULED_ACTION,
        "autoscaling",
        ["ScheduledUpdateGroupActionRequest"],
        ["ScheduledUpdateGroupAction"],
    ),
]


def titles(value: object) -> str | None:
    return value.title if isinstance(value, Table) else None


def test_every_table_is_compared_with_a_model() -> None:
    assert [table for table, *_ in MODELS] == list(clone_table.TABLES)


@pytest.mark.parametrize(("table", "service", "taken", "told"), MODELS, ids=titles)
def test_every_member_of_botocores_model_stands_in_the_table(
    table: Table, service: str, taken: list[str], told: list[str]
) -> None:
    known = {name for shape in (*taken, *told) for name in clone_models.shape(service, shape).members}
    assert table.names() == known
    assert len(table.members) == len(known), "a member stands in the table twice"


@pytest.mark.parametrize(("table", "service", "taken", "told"), MODELS, ids=titles)
def test_what_is_copied_can_be_asked_for_and_what_is_only_told_cannot(
    table: Table, service: str, taken: list[str], told: list[str]
) -> None:
    can_be_asked_for = {name for shape in taken for name in clone_models.shape(service, shape).members}
    is_told = {name for shape in told for name in clone_models.shape(service, shape).members}
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
            inside = clone_models.nested_names(clone_models.shape(service, shape).members[member.name])
            allowed: set[str] = set()
            for request in taken:
                allowed |= set(
                    clone_models.nested_names(clone_models.shape(service, request).members[member.name])
                )
            refused |= {path.rpartition(".")[2] for path in set(inside) - allowed}
            assert not {path for path in allowed if path.rpartition(".")[2] in member.without}, (
                f"{member.name} would lose a part of the same name that create calls take"
            )
        assert member.without == refused


@pytest.mark.parametrize("table", clone_table.TABLES, ids=titles)
def test_whatever_is_not_simply_copied_has_a_reason(table: Table) -> None:
    assert [
        member.name for member in table.members if member.how is not How.COPIED and not member.words
    ] == []


def test_a_member_that_the_table_does_not_know_is_noticed() -> None:
    told = {"HealthCheckType": "EC2", "QuantumEntanglement": {"Enabled": True}, "Nothing": []}
    assert clone_table.GROUP.unknown(told) == ["QuantumEntanglement"]


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
