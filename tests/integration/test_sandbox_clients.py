# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that know nothing of the sandbox find an AWS in it: the AWS CLI, and the modules of other collections."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.demo.running import SandboxServer, environment, run_playbook
from tests.demo.shop import Shop


def aws(shop: Shop, *arguments: str) -> Any:
    """Call the AWS CLI and return what it printed."""
    done = subprocess.run(
        ["aws", "--output", "json", *arguments],
        env=environment(shop.endpoint),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


def test_the_aws_cli_makes_resizes_reads_and_deletes_a_group(shop: Shop) -> None:
    image = aws(
        shop,
        *("ec2", "register-image", "--name", f"{shop.application}-cli"),
        *("--architecture", "x86_64", "--root-device-name", "/dev/xvda", "--ena-support"),
    )["ImageId"]
    data = json.dumps({"ImageId": image, "InstanceType": "t3.micro"})
    template = ("--launch-template-name", f"{shop.application}-cli")
    aws(shop, "ec2", "create-launch-template", *template, "--launch-template-data", data)
    group = ("--auto-scaling-group-name", f"{shop.application}-cli")
    aws(
        shop,
        *("autoscaling", "create-auto-scaling-group", *group, "--min-size", "0", "--max-size", "3"),
        *("--launch-template", f"LaunchTemplateName={shop.application}-cli,Version=$Latest"),
        *("--availability-zones", "us-east-1a", "--tags", "Key=team,Value=shop,PropagateAtLaunch=true"),
    )
    aws(shop, "autoscaling", "set-desired-capacity", *group, "--desired-capacity", "2")
    (found,) = aws(
        shop,
        *("autoscaling", "describe-auto-scaling-groups", "--filters", "Name=tag:team,Values=shop"),
        *("--query", f"AutoScalingGroups[?AutoScalingGroupName=='{shop.application}-cli']"),
    )
    assert (found["DesiredCapacity"], len(found["Instances"])) == (2, 2)
    datum = ("--namespace", "Mine", "--metric-name", shop.application, "--value", "3")
    aws(shop, "cloudwatch", "put-metric-data", *datum)
    listed = aws(shop, "cloudwatch", "list-metrics", "--namespace", "Mine", "--metric-name", shop.application)
    assert len(listed["Metrics"]) == 1
    aws(shop, "autoscaling", "delete-auto-scaling-group", *group, "--force-delete")
    assert aws(shop, "sts", "get-caller-identity")["Account"] == "123456789012"


#: Made, resized, read and deleted with modules of amazon.aws and community.aws.
TASKS: list[dict[str, Any]] = [
    {
        "name": "Make a target group",
        "community.aws.elb_target_group": {
            "name": "{{ prefix }}-web",
            "protocol": "http",
            "port": 80,
            "vpc_id": "{{ vpc_id }}",
            "health_check_protocol": "http",
            "health_check_path": "/",
            "successful_response_codes": "200",
            "target_type": "instance",
            "state": "present",
        },
        "register": "target_group",
    },
    {
        "name": "Make a launch template",
        "amazon.aws.ec2_launch_template": {
            "name": "{{ prefix }}",
            "image_id": "{{ image_id }}",
            "instance_type": "t3.micro",
            "monitoring": {"enabled": True},
        },
        "register": "template",
    },
    {
        "name": "Add a version to it",
        "amazon.aws.ec2_launch_template": {
            "name": "{{ prefix }}",
            "image_id": "{{ image_id }}",
            "instance_type": "t3.small",
            "source_version": 1,
        },
        "register": "version",
    },
    {
        "name": "Make a group",
        "amazon.aws.autoscaling_group": {
            "name": "{{ prefix }}",
            "launch_template": {"launch_template_name": "{{ prefix }}", "version": "$Latest"},
            "min_size": 0,
            "max_size": 4,
            "desired_capacity": 1,
            "vpc_zone_identifier": "{{ subnet_ids }}",
            "target_group_arns": ["{{ target_group.target_group_arn }}"],
            "health_check_type": "EC2",
            "health_check_period": 0,
            "tags": [{"team": "shop", "propagate_at_launch": True}],
            "wait_for_instances": False,
        },
        "register": "made",
    },
    {
        "name": "Resize it",
        "amazon.aws.autoscaling_group": {
            "name": "{{ prefix }}",
            "min_size": 0,
            "max_size": 4,
            "desired_capacity": 2,
            "wait_for_instances": False,
        },
        "register": "resized",
    },
    {
        "name": "Watch its CPU",
        "amazon.aws.cloudwatch_metric_alarm": {
            "name": "{{ prefix }}",
            "state": "present",
            "metric_name": "CPUUtilization",
            "namespace": "AWS/EC2",
            "dimensions": {"AutoScalingGroupName": "{{ prefix }}"},
            "statistic": "Average",
            "comparison": "GreaterThanThreshold",
            "threshold": 80.0,
            "period": 60,
            "evaluation_periods": 1,
        },
        "register": "alarm",
    },
    {
        "name": "Read it",
        "amazon.aws.autoscaling_group_info": {"name": "{{ prefix }}", "tags": {"team": "shop"}},
        "register": "read",
        "until": "read.results[0].instances | selectattr('lifecycle_state', 'eq', 'InService') | length == 2",
        "retries": 20,
        "delay": 0.2,
    },
    {
        "name": "Read its instances",
        "amazon.aws.ec2_instance_info": {"filters": {"tag:aws:autoscaling:groupName": "{{ prefix }}"}},
        "register": "instances",
    },
    {
        "name": "Delete it",
        # Waiting for its instances first would take this module 10 s.
        "amazon.aws.autoscaling_group": {
            "name": "{{ prefix }}",
            "state": "absent",
            "wait_for_instances": False,
        },
        "register": "deleted",
    },
    {
        "name": "Delete the template",
        "amazon.aws.ec2_launch_template": {"name": "{{ prefix }}", "state": "absent"},
    },
    {
        "name": "Tell",
        "ansible.builtin.copy": {
            "dest": "{{ told }}",
            "mode": "0600",
            "content": "{{ dict(read=read, made=made, resized=resized, version=version, instances=instances,"
            " alarm=alarm, deleted=deleted) | to_json }}",
        },
    },
]


def test_modules_of_other_collections_make_resize_read_and_delete_a_group(
    shop: Shop, sandbox: SandboxServer, tmp_path: Path
) -> None:
    play = tmp_path / "play.yml"
    play.write_text(
        yaml.safe_dump(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                    "tasks": TASKS,
                }
            ]
        )
    )
    mark, told = sandbox.mark(), tmp_path / "told.json"
    vpc = shop.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    variables = {
        "prefix": f"{shop.application}-modules",
        "image_id": shop.register_image("modules"),
        "subnet_ids": shop.subnets(),
        "vpc_id": vpc["VpcId"],
        "told": str(told),
    }

    run = run_playbook(play, variables, environment(shop.endpoint))

    assert run.code == 0, run.output
    results = json.loads(told.read_text())
    (group,) = results["read"]["results"]
    assert (group["desired_capacity"], len(group["instances"])) == (2, 2)
    assert (results["made"]["desired_capacity"], results["resized"]["desired_capacity"]) == (1, 2)
    assert results["version"]["latest_template"]["launch_template_data"]["instance_type"] == "t3.small"
    assert {one["instance_type"] for one in results["instances"]["instances"]} == {"t3.small"}
    assert results["alarm"]["changed"]
    assert results["deleted"]["changed"]
    assert shop.group(f"{shop.application}-modules") is None
    # What a client asks for that the sandbox has not got would be an error of these.
    errors = {call["error"] for call in sandbox.calls(mark)}
    assert not errors & {"SandboxNotModelled", "SandboxFailure", "InternalFailure"}
