# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live revision is its base again, but for what docs/copying.md names, for base groups of every make.

The comparison reads both through the API and knows nothing of how the one is made from the other.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import botocore.session
import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput

from tests.sandbox.inprocess import InProcess
from tests.tools import copying
from tests.unit.copying import bases
from tests.unit.copying.bases import BASES
from tests.unit.copying.public_bases import PUBLIC_BASES
from tests.unit.engine import START, Site

EVERY_BASE = BASES | PUBLIC_BASES
#: What two groups never share, and what a revision has of its own.
OF_THE_GROUP = {
    *("AutoScalingGroupName", "AutoScalingGroupARN", "CreatedTime"),
    *("MinSize", "MaxSize", "DesiredCapacity"),
    *("Instances", "WarmPoolSize", "PredictedCapacity"),
}
OF_THE_TEMPLATE = {
    *("LaunchTemplateId", "LaunchTemplateName", "VersionNumber"),
    *("CreateTime", "CreatedBy", "DefaultVersion"),
}
OF_THE_CONFIGURATION = {"LaunchConfigurationName", "LaunchConfigurationARN", "CreatedTime"}
OF_THE_ALARM = {
    *("AlarmName", "AlarmArn", "AlarmConfigurationUpdatedTimestamp"),
    *("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp"),
}
JOURNAL = "progressive:"
#: Suspended on a base only to keep its size.
NEVER_SUSPENDED = "ScheduledActions"


# ------------------------------------------------------------------ what AWS tells


def without(told: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in set(names)}


def specifications(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The launch templates that a group names: its own, then those of overrides."""
    policy = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    own = group.get("LaunchTemplate") or policy.get("LaunchTemplateSpecification")
    others = [override.get("LaunchTemplateSpecification") for override in policy.get("Overrides") or ()]
    return [one for one in (own, *others) if one]


def told(site: Site, name: str) -> dict[str, Any]:
    """Everything that AWS tells of a group, word by word, with all versions of all its launch templates."""
    autoscaling, ec2 = site.shop.client("autoscaling"), site.shop.client("ec2")
    cloudwatch = site.shop.client("cloudwatch")
    group = site.shop.group(name)
    assert group is not None
    of_group = {"AutoScalingGroupName": name}
    policies = autoscaling.describe_policies(**of_group)["ScalingPolicies"]
    alarms = sorted({alarm["AlarmName"] for policy in policies for alarm in policy["Alarms"]})
    described = cloudwatch.describe_alarms(AlarmNames=alarms)["MetricAlarms"] if alarms else []
    templates = sorted({one["LaunchTemplateId"] for one in specifications(group)})
    configuration = group.get("LaunchConfigurationName")
    return {
        "group": group,
        "templates": (
            ec2.describe_launch_templates(LaunchTemplateIds=templates)["LaunchTemplates"] if templates else []
        ),
        "versions": {
            one: ec2.describe_launch_template_versions(LaunchTemplateId=one)["LaunchTemplateVersions"]
            for one in templates
        },
        "configurations": (
            autoscaling.describe_launch_configurations(LaunchConfigurationNames=[configuration])[
                "LaunchConfigurations"
            ]
            if configuration
            else []
        ),
        "hooks": autoscaling.describe_lifecycle_hooks(**of_group)["LifecycleHooks"],
        "notifications": autoscaling.describe_notification_configurations(AutoScalingGroupNames=[name])[
            "NotificationConfigurations"
        ],
        "warm pool": autoscaling.describe_warm_pool(**of_group).get("WarmPoolConfiguration"),
        "traffic": autoscaling.describe_traffic_sources(**of_group)["TrafficSources"],
        "target groups": autoscaling.describe_load_balancer_target_groups(**of_group)[
            "LoadBalancerTargetGroups"
        ],
        "load balancers": autoscaling.describe_load_balancers(**of_group)["LoadBalancers"],
        "policies": policies,
        "alarms": described,
        "alarm tags": {
            alarm["AlarmName"]: cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
            for alarm in described
        },
        "schedule": autoscaling.describe_scheduled_actions(**of_group, MaxRecords=100)[
            "ScheduledUpdateGroupActions"
        ],
    }


# --------------------------------------------------------------------- a likeness


def likeness(survey: Mapping[str, Any], alarm_prefix: str = "") -> dict[str, Any]:
    """What is left of a group without what is documented to differ.

    Alarms of step and simple policies go by their names without the prefix.
    """
    group = survey["group"]
    shown = without(group, OF_THE_GROUP)
    shown["Tags"] = {
        tag["Key"]: (tag["Value"], tag["PropagateAtLaunch"])
        for tag in group["Tags"]
        if not tag["Key"].startswith(JOURNAL)
    }
    shown["SuspendedProcesses"] = sorted(
        {one["ProcessName"] for one in group["SuspendedProcesses"]} - {NEVER_SUSPENDED}
    )
    for member in ("EnabledMetrics", "TrafficSources"):
        shown[member] = in_any_order(shown[member])
    for member in ("TargetGroupARNs", "LoadBalancerNames", "AvailabilityZones"):
        shown[member] = sorted(shown[member])
    if "LaunchTemplate" in group:
        shown["LaunchTemplate"] = template(survey, group["LaunchTemplate"])
    if "LaunchConfigurationName" in group:
        configuration = survey["configurations"][0]
        shown["LaunchConfigurationName"] = without(configuration, {*OF_THE_CONFIGURATION, "ImageId"})
    if "MixedInstancesPolicy" in group:
        shown["MixedInstancesPolicy"] = mixed(survey, group["MixedInstancesPolicy"])
    states = {"State", "AutoScalingGroupName"}
    return {
        "group": shown,
        "hooks": in_any_order(without(hook, {"AutoScalingGroupName"}) for hook in survey["hooks"]),
        "notifications": in_any_order(
            without(one, {"AutoScalingGroupName"}) for one in survey["notifications"]
        ),
        "warm pool": survey["warm pool"],
        **{
            kind: in_any_order(without(one, states) for one in survey[kind])
            for kind in ("traffic", "target groups", "load balancers")
        },
        "policies": scaling(survey, alarm_prefix),
        "schedule": {
            action["ScheduledActionName"]: without(action, {"AutoScalingGroupName", "ScheduledActionARN"})
            for action in survey["schedule"]
        },
    }


def in_any_order(items: Iterable[Any]) -> list[Any]:
    return sorted(items, key=repr)


def template(survey: Mapping[str, Any], specification: Mapping[str, Any]) -> dict[str, Any]:
    """What a launch template's version says, and how the template is tagged."""
    template_id = specification["LaunchTemplateId"]
    known = next(one for one in survey["templates"] if one["LaunchTemplateId"] == template_id)
    wanted = specification.get("Version", "$Default")
    special = {"$Default": known["DefaultVersionNumber"], "$Latest": known["LatestVersionNumber"]}
    version = next(
        one
        for one in survey["versions"][template_id]
        if str(one["VersionNumber"]) == str(special.get(wanted, wanted))
    )
    return {
        **without(version, OF_THE_TEMPLATE),
        "LaunchTemplateData": without(version["LaunchTemplateData"], {"ImageId"}),
        "Tags": {
            tag["Key"]: tag["Value"] for tag in known.get("Tags", ()) if not tag["Key"].startswith(JOURNAL)
        },
    }


def mixed(survey: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    """A mixed instances policy with what its launch templates say in place of their names."""
    chosen = policy["LaunchTemplate"]
    return {
        **policy,
        "LaunchTemplate": {
            **chosen,
            "LaunchTemplateSpecification": template(survey, chosen["LaunchTemplateSpecification"]),
            "Overrides": [
                {
                    name: template(survey, value) if name == "LaunchTemplateSpecification" else value
                    for name, value in override.items()
                }
                for override in chosen.get("Overrides", ())
            ],
        },
    }


def scaling(survey: Mapping[str, Any], alarm_prefix: str) -> dict[str, Any]:
    """The policies by name, each with its alarms, told without the name of the group and the ARNs of policies."""
    words = {policy["PolicyARN"]: f"<policy {policy['PolicyName']}>" for policy in survey["policies"]}
    words[survey["group"]["AutoScalingGroupName"]] = "<group>"
    found = {}
    for policy in survey["policies"]:
        names = {alarm["AlarmName"] for alarm in policy["Alarms"]}
        alarms = {}
        for alarm in survey["alarms"]:
            name = alarm["AlarmName"]
            if name not in names:
                continue
            if policy["PolicyType"] == "TargetTrackingScaling":
                # TargetTracking-GROUP-AlarmHigh-UUID
                shown = "made by AWS: high" if "-AlarmHigh-" in name else "made by AWS: low"
            else:
                assert name.startswith(alarm_prefix), f"{name} is not the new group's own"
                shown = name.removeprefix(alarm_prefix)
            tags = {tag["Key"]: tag["Value"] for tag in survey["alarm tags"][name]}
            tags = {key: value for key, value in tags.items() if not key.startswith(JOURNAL)}
            alarms[shown] = (without(alarm, OF_THE_ALARM), tags)
        kept = without(policy, {"AutoScalingGroupName", "PolicyARN", "Alarms"})
        found[policy["PolicyName"]] = renamed({"policy": kept, "alarms": alarms}, words)
    return found


def renamed(value: Any, words: Mapping[str, str]) -> Any:
    """Put placeholders for names, at any depth."""
    if isinstance(value, Mapping):
        return {key: renamed(part, words) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [renamed(part, words) for part in value]
    if isinstance(value, str):
        # ARNs first: they contain the name.
        for name in sorted(words, key=len, reverse=True):
            value = value.replace(name, words[name])
    return value


def images(survey: Mapping[str, Any]) -> set[str]:
    """The AMIs that a group would launch, as far as it names any."""
    named = {one.get("ImageId") for one in survey["configurations"]}
    for specification in specifications(survey["group"]):
        named.add(template(survey, specification)["LaunchTemplateData"].get("ImageId"))
        for version in survey["versions"][specification["LaunchTemplateId"]]:
            named.add(version["LaunchTemplateData"].get("ImageId"))
    policy = survey["group"].get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    named |= {override.get("ImageId") for override in policy.get("Overrides", ())}
    return {one for one in named if one}


# ------------------------------------------------------------------- the round trip


@pytest.mark.parametrize("words", EVERY_BASE)
def test_a_live_revision_is_its_base_again_and_the_base_is_as_it_was(empty: Site, words: str) -> None:
    EVERY_BASE[words](empty)
    before = told(empty, empty.shop.base_group)
    image_id = empty.image("new")

    group = empty.deploy(image_id, (50, 100))

    after, new = told(empty, empty.shop.base_group), told(empty, group)
    assert after == before
    assert likeness(new, f"{group}-") == likeness(before)
    assert images(new) == {image_id}
    sizes = [new["group"][size] for size in ("MinSize", "MaxSize", "DesiredCapacity")]
    assert sizes == [0, 10, 4]


def test_the_next_revision_is_like_the_base_too(empty: Site) -> None:
    BASES["everything that scales together"](empty)
    before = told(empty, empty.shop.base_group)
    empty.deploy(empty.image("one"), (100,))
    second = empty.deploy(empty.image("two"), (50, 100))
    assert likeness(told(empty, second), f"{second}-") == likeness(before)
    assert told(empty, empty.shop.base_group) == before


def test_there_are_at_least_twenty_bases_of_ours_and_twenty_published() -> None:
    assert len(BASES) >= 20
    assert len(PUBLIC_BASES) >= 20


#: What no base here has, by operation, and why.
NOT_BUILT: dict[str, set[str]] = {
    "CreateAutoScalingGroup": {
        *("InstanceId", "AvailabilityZoneIds"),  # The sandbox does not model them.
        "Operator",  # Nobody but a service of AWS may set it.
    },
    "CreateLaunchConfiguration": {"InstanceId"},  # The sandbox does not model it.
    "RequestLaunchTemplateData": {"Operator"},  # Nobody but a service of AWS may set it.
    "PutScalingPolicy": {"MinAdjustmentStep"},  # The sandbox does not model it.
    "PutWarmPool": set(),
    "PutLifecycleHook": set(),
    "PutNotificationConfiguration": set(),
    "PutScheduledUpdateGroupAction": {"Time"},  # AWS uses it no longer.
    # The sandbox does not model anomaly detection, PromQL, warm-ups and ActionConfiguration.
    "PutMetricAlarm": {
        *("ThresholdMetricId", "EvaluationCriteria", "EvaluationInterval"),
        *("WarmUpConfiguration", "ActionConfiguration"),
    },
}


def test_the_bases_have_every_member_that_a_create_call_takes(aws: InProcess) -> None:
    used: dict[str, set[str]] = {name: set() for name in NOT_BUILT}
    for build in BASES.values():
        aws.reset(aws.world.settings, start=START)
        build(Site(aws))
        for call in aws.writes():
            operation, parameters = call["operation"], call["parameters"]
            if operation in used:
                used[operation] |= set(parameters)
            if operation.startswith("CreateLaunchTemplate"):
                used["RequestLaunchTemplateData"] |= set(parameters["LaunchTemplateData"])
    session = botocore.session.get_session()
    missing = {}
    for operation in NOT_BUILT:
        if operation == "RequestLaunchTemplateData":
            shape = session.get_service_model("ec2").shape_for(operation)
        else:
            service = "cloudwatch" if operation == "PutMetricAlarm" else "autoscaling"
            shape = session.get_service_model(service).operation_model(operation).input_shape
        missing[operation] = set(shape.members) - used[operation]
    assert missing == NOT_BUILT


# ---------------------------------------------------------- documented differences


def test_a_policy_counts_the_requests_of_the_target_group_that_takes_the_bases_place(empty: Site) -> None:
    BASES["target tracking by predefined metrics"](empty)
    other = empty.shop.target_group("blue")
    group = empty.deploy(empty.image("new"), (100,), target_group_arns=(other,))
    policies = {policy["PolicyName"]: policy for policy in told(empty, group)["policies"]}
    specification = policies["requests"]["TargetTrackingConfiguration"]["PredefinedMetricSpecification"]
    assert specification["ResourceLabel"] == bases.label(empty, other)


def test_only_a_start_that_is_past_is_lost(empty: Site) -> None:
    BASES["scheduled actions"](empty)
    # AWS moves the start of a recurring action on by itself; that it has not yet cannot be brought about by a call.
    known = empty.aws.world.autoscaling.groups[empty.shop.base_group].scheduled_actions
    past = bases.BEGINNING - datetime.timedelta(hours=1)
    planned = {name: action.members["StartTime"] for name, action in known.items()}
    known["morning"].members["StartTime"] = known["sale"].members["StartTime"] = past

    group = empty.deploy(empty.image("new"), (100,))

    starts = {one["ScheduledActionName"]: one["StartTime"] for one in told(empty, group)["schedule"]}
    assert starts == {name: start for name, start in planned.items() if name != "sale"}


def test_a_base_that_is_adopted_as_outgoing_is_copied_as_it_was_before(empty: Site) -> None:
    empty.make_base(MaxSize=10, DesiredCapacity=4)
    empty.shop.scale_with_cpu()
    empty.clock.sleep(10)
    before = told(empty, empty.shop.base_group)
    group = empty.deploy(empty.image("new"), (50, 100), adopt_group=empty.shop.base_group)
    assert likeness(told(empty, group)) == likeness(before)


# ---------------------------------------------------------------------- refusals


def refused(site: Site, image_id: str) -> list[str]:
    """What the plan says against a deployment. Nothing may have been written."""
    mark = site.aws.mark()
    with pytest.raises(InvalidInput) as caught:
        site.run(site.set_up_step(image_id, check_mode=True), check_mode=True)
    assert site.aws.writes(mark) == []
    return list(caught.value.problems)


def test_a_base_whose_tags_leave_no_room_for_the_journal_is_refused_in_the_plan(empty: Site) -> None:
    tags = [{"Key": f"key-{number}", "Value": "x", "PropagateAtLaunch": False} for number in range(45)]
    empty.make_base(Tags=tags)
    (problem,) = refused(empty, empty.image("new"))
    assert "has 45 tags to copy, and the journal of a deployment needs 13 more" in problem
    assert "AWS allows 50; remove 8 from the base" in problem


@pytest.mark.parametrize("pinned_by", ["launch template", "image"])
def test_an_override_that_pins_another_image_is_refused_in_the_plan(empty: Site, pinned_by: str) -> None:
    other = empty.image("other")
    override: dict[str, Any] = {"InstanceType": "t3.small", "ImageId": other}
    if pinned_by == "launch template":
        template_id = bases.template(empty, "other", {"ImageId": other})
        specification = {"LaunchTemplateId": template_id, "Version": "$Latest"}
        override = {"InstanceType": "t3.small", "LaunchTemplateSpecification": specification}
    bases.mixed(empty, {}, [override])
    (problem,) = refused(empty, empty.image("new"))
    assert f"pins another AMI ({other}; the group's own is ami-" in problem
    assert "one new AMI cannot take the place of both" in problem


def test_an_image_that_one_of_several_instance_types_cannot_run_is_refused_in_the_plan(empty: Site) -> None:
    bases.mixed(empty, {}, [{"InstanceType": kind} for kind in ("t3.small", "t4g.small")])
    image_id = empty.image("new")
    assert refused(empty, image_id) == [
        f"AMI {image_id} is built for x86_64, and instance type t4g.small of base group"
        f" {empty.shop.base_group} runs arm64"
    ]


def test_an_image_that_the_type_of_an_overrides_launch_template_cannot_run_is_refused_in_the_plan(
    empty: Site,
) -> None:
    template_id = bases.template(empty, "arm", {"InstanceType": "t4g.small"})
    specification = {"LaunchTemplateId": template_id, "Version": "1"}
    bases.mixed(empty, {}, [{"InstanceType": "t3.small"}, {"LaunchTemplateSpecification": specification}])
    (problem,) = refused(empty, empty.image("new"))
    assert "instance type t4g.small" in problem


# ------------------------------------------------------------------ documentation


def test_the_documentation_of_copying_is_what_the_tables_say() -> None:
    assert copying.PAGE.read_text(encoding="utf-8") == copying.page(), (
        "docs/copying.md is out of date; write it again with: python tests/tools/copying.py"
    )
