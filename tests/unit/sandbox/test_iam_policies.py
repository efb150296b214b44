# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox allows what IAM's policies allow, after the IAM User Guide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.errors import AwsError
from tests.sandbox.iam_policies import Asked, allowed, checked

GROUP = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1b-2c:autoScalingGroupName/shop__1"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "autoscaling:*", "Resource": "*"}


def asked(
    action: str = "autoscaling:UpdateAutoScalingGroup", resource: str = GROUP, **context: list[str]
) -> Asked:
    return Asked(
        action, resource, {key.replace("__", ":").replace("_", "/"): value for key, value in context.items()}
    )


def decision(*statements: dict[str, Any], of: Asked | None = None) -> bool:
    return allowed(checked({"Statement": list(statements)}), of or asked())


def test_what_no_statement_allows_is_denied_and_a_denial_counts_more_than_any_other() -> None:
    assert not decision()
    assert decision(ALLOW)
    assert not decision(ALLOW, {**ALLOW, "Effect": "Deny"})


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({"Action": "autoscaling:UpdateAutoScalingGroup"}, True),
        ({"Action": ["ec2:*", "AUTOSCALING:update*"]}, True),
        ({"Action": "autoscaling:Update"}, False),
        ({"Resource": "arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/shop__*"}, True),
        ({"Resource": "arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/shop__?"}, True),
        ({"Resource": "arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/shop"}, False),
        ({"Resource": ["x", "*"]}, True),
    ],
)
def test_actions_and_resources_are_patterns(change: dict[str, Any], holds: bool) -> None:
    assert decision({**ALLOW, **change}) is holds


TAG = "aws:ResourceTag/series"


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ({"StringEquals": {TAG: "a"}}, ["a"], True),
        ({"StringEquals": {TAG: "a"}}, ["A"], False),
        ({"StringEquals": {TAG: "a"}}, None, False),
        ({"StringEquals": {TAG: ["a", "b"]}}, ["b"], True),
        ({"StringEqualsIfExists": {TAG: "a"}}, None, True),
        ({"StringEqualsIfExists": {TAG: "a"}}, ["b"], False),
        ({"StringLike": {TAG: "a*"}}, ["abc"], True),
        ({"StringEquals": {TAG: "a*"}}, ["abc"], False),
        ({"StringNotEquals": {TAG: "a"}}, ["b"], True),
        ({"StringNotEquals": {TAG: "a"}}, ["a"], False),
        ({"StringNotEquals": {TAG: "a"}}, None, True),
        ({"Null": {TAG: "true"}}, None, True),
        ({"Null": {TAG: "false"}}, None, False),
        ({"ArnLike": {"ec2:LaunchTemplate": "arn:aws:ec2:*"}}, None, False),
        ({"StringEquals": {TAG: "a"}, "StringLike": {TAG: "b*"}}, ["a"], False),
    ],
)
def test_conditions(condition: dict[str, Any], values: list[str] | None, holds: bool) -> None:
    context = {} if values is None else {"aws__resourcetag_series": values}
    assert decision({**ALLOW, "Condition": condition}, of=asked(**context)) is holds


@pytest.mark.parametrize(
    ("condition", "keys", "holds"),
    [
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, ["a"], True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, ["a", "c"], False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, None, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "b"]}}, ["a", "c"], True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "b"]}}, None, False),
    ],
)
def test_conditions_on_several_values(condition: dict[str, Any], keys: list[str] | None, holds: bool) -> None:
    context = {} if keys is None else {"aws__tagkeys": keys}
    assert decision({**ALLOW, "Condition": condition}, of=asked(**context)) is holds


@pytest.mark.parametrize(
    "change",
    [
        {"NotAction": "x"},
        {"Effect": "Perhaps"},
        {"Condition": {"DateLessThan": {"aws:TagKeys": "2026"}}},
        {"Condition": {"StringEquals": {"aws:SourceIp": "10.0.0.0/8"}}},
    ],
)
def test_what_is_not_evaluated_is_refused_when_it_is_set(change: dict[str, Any]) -> None:
    with pytest.raises(AwsError, match="does not model"):
        checked({"Statement": {**ALLOW, **change}})
