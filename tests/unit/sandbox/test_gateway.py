# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds the sandbox's services: regions, recorded calls, faults, the clock, the control address."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.sandbox.control import Control
from tests.sandbox.inprocess import InProcess
from tests.sandbox.protocol import Request
from tests.unit.engine import SETTINGS
from tests.unit.sandbox.fleet import Fleet, refused


@pytest.fixture
def fleet(aws: InProcess) -> Fleet:
    return Fleet(aws)


# ------------------------------------------------------------------------------------------- recording


def test_calls_are_recorded_with_who_made_them_and_what_came_of_it(fleet: Fleet) -> None:
    mark = fleet.aws.mark()
    somebody = fleet.aws.client("autoscaling", access_key="somebody")
    somebody.describe_auto_scaling_groups(AutoScalingGroupNames=["group"])
    with pytest.raises(ClientError):
        somebody.delete_auto_scaling_group(AutoScalingGroupName="none", ForceDelete=True)
    read, write = fleet.aws.calls(mark)
    assert (read["service"], read["operation"]) == ("autoscaling", "DescribeAutoScalingGroups")
    assert read["parameters"] == {"AutoScalingGroupNames": ["group"]}
    assert (read["access_key"], read["region"], read["error"]) == ("somebody", "us-east-1", None)
    assert read["time"] == fleet.aws.clock.now()
    assert "Boto3/" in read["user_agent"]
    assert (write["operation"], write["write"], write["error"]) == (
        "DeleteAutoScalingGroup",
        True,
        "ValidationError",
    )
    assert fleet.aws.writes(mark) == [write]


def test_errors_of_motos_services_are_recorded_too(fleet: Fleet) -> None:
    mark = fleet.aws.mark()
    with pytest.raises(ClientError):
        fleet.ec2.describe_instances(InstanceIds=["i-00000000000000000"])
    with pytest.raises(ClientError):
        fleet.aws.client("ssm").get_parameter(Name="none")
    with pytest.raises(ClientError):
        fleet.aws.client("elbv2").describe_target_groups(Names=["none"])
    assert [(call["service"], call["error"]) for call in fleet.aws.calls(mark)] == [
        ("ec2", "InvalidInstanceID.NotFound"),
        ("ssm", "ParameterNotFound"),
        ("elbv2", "TargetGroupNotFound"),
    ]


def test_only_what_can_change_something_is_a_write(fleet: Fleet) -> None:
    fleet.settled(size=1)
    mark = fleet.aws.mark()
    fleet.group()
    fleet.cloudwatch.list_metrics()
    fleet.aws.client("sts").get_caller_identity()
    fleet.aws.client("elbv2").describe_load_balancers()
    assert fleet.aws.writes(mark) == []
    fleet.resize(2)
    fleet.cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "Load", "Value": 1}])
    assert [call["operation"] for call in fleet.aws.writes(mark)] == ["SetDesiredCapacity", "PutMetricData"]


# --------------------------------------------------------------------------------------------- regions


def test_regions_are_worlds_of_their_own_with_one_clock(fleet: Fleet) -> None:
    elsewhere = fleet.aws.client("ec2", region="eu-west-1")
    fleet.make(size=1)
    assert elsewhere.describe_launch_templates()["LaunchTemplates"] == []
    subnet = elsewhere.describe_subnets()["Subnets"][0]
    image = elsewhere.register_image(
        Name="image", Architecture="x86_64", RootDeviceName="/dev/xvda", EnaSupport=True
    )
    elsewhere.create_launch_template(
        LaunchTemplateName="template",
        LaunchTemplateData={"ImageId": image["ImageId"], "InstanceType": "t3.micro"},
    )
    autoscaling = fleet.aws.client("autoscaling", region="eu-west-1")
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="group",
        MinSize=2,
        MaxSize=2,
        LaunchTemplate={"LaunchTemplateName": "template"},
        VPCZoneIdentifier=subnet["SubnetId"],
    )
    fleet.aws.settle()
    (there,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert ":eu-west-1:" in there["AutoScalingGroupARN"]
    assert len(there["Instances"]) == 2
    assert len(fleet.in_service()) == 1


def test_a_region_that_is_none_is_refused(fleet: Fleet) -> None:
    with refused("SandboxNotModelled", "middle-earth-1"):
        fleet.aws.client("autoscaling", region="middle-earth-1").describe_auto_scaling_groups()


# ---------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("autoscaling", "describe_auto_scaling_groups", "Throttling", 400),
        ("cloudwatch", "list_metrics", "Throttling", 400),
        ("elbv2", "describe_target_groups", "Throttling", 400),
        ("ec2", "describe_instances", "RequestLimitExceeded", 503),
        ("ssm", "describe_parameters", "ThrottlingException", 400),
    ],
)
def test_each_service_throttles_in_its_own_words(
    fleet: Fleet, service: str, operation: str, code: str, status: int
) -> None:
    with fleet.aws.fault("throttle", service=service), pytest.raises(ClientError) as caught:
        getattr(fleet.aws.client(service), operation)()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    getattr(fleet.aws.client(service), operation)()


def test_a_limited_account_answers_so_many_calls_a_second_for_each_operation(fleet: Fleet) -> None:
    def answered(operation: str) -> int:
        good = 0
        for __ in range(8):
            try:
                getattr(fleet.aws.client("autoscaling"), operation)()
                good += 1
            except ClientError as error:
                assert error.response["Error"]["Code"] == "Throttling"
        return good

    with fleet.aws.fault("limit", rate=5):
        assert answered("describe_auto_scaling_groups") == 5
        assert answered("describe_policies") == 5, "each operation has a bucket of its own"
        fleet.aws.advance(0.4)
        assert answered("describe_auto_scaling_groups") == 2
        fleet.aws.advance(60)
        assert answered("describe_auto_scaling_groups") == 5, "a bucket holds no more than its rate"


def test_clients_retry_what_was_throttled_a_few_times(fleet: Fleet) -> None:
    client = fleet.aws.client("autoscaling", attempts=2)
    with fleet.aws.fault("throttle", operation="DescribeAutoScalingGroups", times=1) as fault:
        client.describe_auto_scaling_groups()
    assert (fault.matched, fault.struck) == (2, 1)


@pytest.mark.parametrize(
    ("service", "operation", "code", "action"),
    [
        (
            "autoscaling",
            "describe_auto_scaling_groups",
            "AccessDenied",
            "autoscaling:DescribeAutoScalingGroups",
        ),
        ("ec2", "describe_images", "UnauthorizedOperation", "ec2:DescribeImages"),
        ("elbv2", "describe_target_groups", "AccessDenied", "elasticloadbalancing:DescribeTargetGroups"),
        ("cloudwatch", "list_metrics", "AccessDenied", "cloudwatch:ListMetrics"),
        ("ssm", "describe_parameters", "AccessDeniedException", "ssm:DescribeParameters"),
    ],
)
def test_a_permission_can_be_missing_to_one_caller(
    fleet: Fleet, service: str, operation: str, code: str, action: str
) -> None:
    with fleet.aws.fault("deny", service=service, access_key="intern"):
        getattr(fleet.aws.client(service), operation)()
        with refused(code, "user/intern is not authorized to perform", action):
            getattr(fleet.aws.client(service, access_key="intern"), operation)()


def test_a_fault_can_strike_a_later_call_only(fleet: Fleet) -> None:
    fleet.make()
    with fleet.aws.fault("error", operation="SetDesiredCapacity", after=1, times=1):
        fleet.resize(1)
        with pytest.raises(ClientError) as caught:
            fleet.resize(2)
        fleet.resize(3)
    assert caught.value.response["Error"]["Code"] == "InternalFailure"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert fleet.sizes()[2] == 3


def test_an_error_of_ones_choice_can_be_answered(fleet: Fleet) -> None:
    fleet.make()
    words = {"code": "ResourceContention", "message": "You already have a pending update.", "status": 500}
    with fleet.aws.fault("error", **words), refused("ResourceContention", "pending update"):
        fleet.resize(1)


def test_a_connection_can_be_reset_before_anything_is_done(fleet: Fleet) -> None:
    fleet.make()
    mark = fleet.aws.mark()
    with fleet.aws.fault("reset", operation="SetDesiredCapacity"), pytest.raises(ConnectionClosedError):
        fleet.resize(1)
    assert fleet.sizes()[2] == 0
    assert fleet.aws.writes(mark)[0]["error"] == "ConnectionReset"


def test_an_answer_can_be_lost_after_the_change_was_made(fleet: Fleet) -> None:
    with (
        fleet.aws.fault("lose_answer", operation="CreateAutoScalingGroup"),
        pytest.raises(ConnectionClosedError),
    ):
        fleet.make()
    assert fleet.exists()


def test_an_answer_can_be_lost_of_motos_services_too(fleet: Fleet) -> None:
    with fleet.aws.fault("lose_answer", operation="CreateKeyPair"), pytest.raises(ConnectionClosedError):
        fleet.ec2.create_key_pair(KeyName="key")
    assert len(fleet.ec2.describe_key_pairs()["KeyPairs"]) == 1


def test_a_call_can_be_delayed(fleet: Fleet) -> None:
    before = fleet.aws.clock.now()
    with fleet.aws.fault("delay", seconds=5.0):
        fleet.make(size=1)
    assert fleet.aws.clock.now() == before + 5
    assert fleet.group()["CreatedTime"].timestamp() == before + 5


# ------------------------------------------------------------------------------------------------ time


def test_what_is_due_while_time_is_skipped_happens_at_its_own_moment(fleet: Fleet) -> None:
    fleet.make(size=1)
    fleet.group()
    begun = fleet.aws.clock.now()
    fleet.aws.advance(3600)
    (activity,) = fleet.activities()
    assert activity["EndTime"].timestamp() == begun + fleet.aws.world.settings.pending_seconds


def test_events_that_take_no_time_and_never_end_are_an_error_and_no_hang(fleet: Fleet) -> None:
    world = fleet.aws.world

    def again() -> None:
        world.after(0, again)

    again()
    with refused("SandboxFailure", "time stands still"):
        fleet.group("any")


def test_an_emptied_aws_is_empty_and_clients_reach_it(fleet: Fleet) -> None:
    fleet.settled(size=1)
    fleet.aws.reset()
    assert fleet.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert fleet.ec2.describe_instances()["Reservations"] == []
    assert fleet.ec2.describe_launch_templates()["LaunchTemplates"] == []
    assert len(fleet.aws.calls()) == 3


# ------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("autoscaling", "rollback_instance_refresh", {"AutoScalingGroupName": "group"}),
        ("cloudwatch", "list_dashboards", {}),
        (
            "ec2",
            "describe_launch_template_versions",
            {"Filters": [{"Name": "image-id", "Values": ["ami-0"]}]},
        ),
        ("translate", "list_languages", {}),
    ],
)
def test_what_is_not_modelled_is_refused_so_that_nobody_tries_again(
    fleet: Fleet, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    """HTTP 400: SDKs would try again after a 5xx."""
    with pytest.raises(ClientError) as caught:
        getattr(fleet.aws.client(service), operation)(**arguments)
    assert caught.value.response["Error"]["Code"] == "SandboxNotModelled"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_request_that_is_none_of_awss_is_refused(aws: InProcess) -> None:
    answer = aws.gateway.handle(Request("GET", "/", {}, b""))
    assert (answer.status, b"MissingAuthenticationToken" in answer.body) == (403, True)
    body = b"Action=Nonsense&Version=2011-01-01"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = aws.gateway.handle(Request("POST", "/", headers, body))
    assert (answer.status, b"InvalidAction" in answer.body) == (400, True)


# -------------------------------------------------------------------------------------- control address


def told(aws: InProcess, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    where, _, query = path.partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    return Control(aws.gateway).handle(method, f"/sandbox/{where}", query, content)


def test_the_clock_can_be_read_and_skipped_ahead(fleet: Fleet) -> None:
    fleet.make(size=1)
    fleet.group()
    _, before = told(fleet.aws, "GET", "clock")
    assert before["next_event"] == before["now"] + 3.0
    _, after = told(fleet.aws, "POST", "clock", {"skip": 3})
    assert after["now"] == before["now"] + 3
    assert len(fleet.in_service()) == 1


def test_settings_can_be_read_and_changed(fleet: Fleet) -> None:
    _, settings = told(fleet.aws, "POST", "settings", {"pending_seconds": 60})
    assert settings["pending_seconds"] == 60
    assert told(fleet.aws, "GET", "settings") == (200, settings)
    assert SETTINGS.pending_seconds == 3.0, "of this world only"
    fleet.make(size=1)
    fleet.aws.advance(0)
    fleet.aws.advance(59)
    assert fleet.in_service() == []
    fleet.aws.advance(1)
    assert len(fleet.in_service()) == 1


def test_launch_failures_and_faults_can_be_listed_and_taken_back(aws: InProcess) -> None:
    assert told(aws, "POST", "launch-failures", {"code": "Unsupported", "times": 1})[0] == 200
    assert told(aws, "GET", "launch-failures")[1] == [{"code": "Unsupported", "match": {}, "times": 1}]
    assert told(aws, "DELETE", "launch-failures") == (200, None)
    assert told(aws, "GET", "launch-failures") == (200, [])
    _, made = told(aws, "POST", "faults", {"kind": "throttle", "service": "ec2"})
    assert [one["kind"] for one in told(aws, "GET", "faults")[1]] == ["throttle"]
    assert told(aws, "DELETE", f"faults/{made['number']}") == (200, None)
    assert told(aws, "GET", "faults") == (200, [])
    assert told(aws, "DELETE", "faults/7") == (400, {"problems": ["there is no fault 7"]})


def test_calls_can_be_listed_since_a_mark(fleet: Fleet) -> None:
    _, marked = told(fleet.aws, "GET", "mark")
    fleet.make()
    _, calls = told(fleet.aws, "GET", f"calls?since={marked['mark']}")
    assert [call["operation"] for call in calls] == ["CreateAutoScalingGroup"]
    assert json.loads(json.dumps(calls)) == calls


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("clock", {"skip": -1, "back": 1}, ["unknown: back", "skip must be a number"]),
        (
            "settings",
            {"pending": 1, "draining_seconds": "x"},
            ["unknown: pending", "draining_seconds must be"],
        ),
        ("images/ami-0", {"colour": "red"}, ["there is no image ami-0", "unknown: colour"]),
        ("images/ami-0", {"cpu": {"average": 1}}, ["there is no image", "cpu has no 'average'"]),
        (
            "images/ami-0",
            {"cpu": {"mean": "hot"}, "one_bad": {"cpu": {"sd": "x"}}},
            ["cpu.mean", "one_bad.cpu.sd"],
        ),
        ("images/ami-0", {"one_bad": {"every": 0}}, ["one_bad.every must be 1 or more"]),
        ("images/ami-0", {"one_bad": {"error_rate": 3}}, ["error_rate 3"]),
        (
            "images/ami-0",
            {"error_rate": 2, "launch_error": "Nonsense"},
            ["error_rate 2", "launch_error 'Nonsense'"],
        ),
        (
            "launch-failures",
            {"code": "Nonsense", "match": {"colour": 1}},
            ["code 'Nonsense'", "unknown: colour"],
        ),
        (
            "faults",
            {"kind": "flood", "times": 0, "status": 200},
            ["kind 'flood'", "times must be", "status 200"],
        ),
        ("instances/i-0", {"action": "dance"}, ["action 'dance' is none of unhealthy"]),
        ("instances/i-0", {"action": "stop"}, ["there is no instance i-0"]),
    ],
)
def test_what_is_told_wrongly_is_refused_with_all_that_is_wrong(
    aws: InProcess, path: str, body: Any, words: list[str]
) -> None:
    status, answer = told(aws, "POST", path, body)
    assert status == 400
    for word in words:
        assert any(word in problem for problem in answer["problems"]), answer


def test_an_address_that_is_none_tells_of_those_that_are(aws: InProcess) -> None:
    status, answer = told(aws, "GET", "nonsense")
    assert status == 404
    assert "GET clock" in answer["problems"][0]
    assert Control(aws.gateway).handle("POST", "/sandbox/clock", "", b"{")[0] == 400
