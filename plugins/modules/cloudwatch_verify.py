#!/usr/bin/python
# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify a group by its CloudWatch metrics and alarms: documentation and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_verify
short_description: Judge an Auto Scaling group by CloudWatch metrics and alarms
version_added: 0.1.0
description:
  - Watches metrics and alarms for some time, and judges them as their data come.
  - Fails as soon as failure is certain, and passes at the end of the time, not before.
  - Missing data and errors are not health. They fail, or leave the verdict inconclusive, as O(on_no_data) says.
  - In check mode everything is validated, CloudWatch is asked whether it understands every query, and what would
    be judged is returned. The group need not exist yet, and nothing is waited for.
  - Nothing in AWS is changed, except that a run which verifies its own deployment renews its lease on it.
  - It takes as long as O(duration) says, whatever O(wait_timeout) is.
options:
  group:
    description: The Auto Scaling group to judge, usually the new one of a deployment.
    type: str
    required: true
  metrics:
    description:
      - Metrics to judge, each by its bounds.
      - In dimensions and in expressions V({group}) stands for the group's name, V({instance_id}) for each of its
        instances in service, V({target_group}) for each of its target groups and V({load_balancer}) for each load
        balancer in front of it, as CloudWatch's dimensions of these names want them.
      - A metric with several publishers, as one with V({instance_id}), is judged for each of them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What to call the metric in results and messages. Each name is used once.
        type: str
        required: true
      namespace:
        description: The namespace, as V(AWS/EC2).
        type: str
      metric_name:
        description: The metric's name in its namespace. Give either this or O(metrics[].expression).
        type: str
      dimensions:
        description: The dimensions, as C(InstanceId) with V({instance_id}). CloudWatch wants all of a metric's.
        type: dict
        default: {}
      statistic:
        description:
          - Any of CloudWatch's statistics, as V(Average), V(Sum), V(p99) or V(TM(2%:98%\)).
        type: str
        default: Average
      unit:
        description: Only data in this unit. There is rarely a need for it, and a wrong one gives no data.
        type: str
      period:
        description: Length of a period in seconds; V(1), V(5), V(10), V(20), V(30) or a multiple of 60.
        type: int
        default: 60
      expression:
        description:
          - Metric math on O(metrics[].queries), or a search, as CloudWatch writes it.
        type: str
      queries:
        description: The metrics that O(metrics[].expression) uses, each by its O(metrics[].queries[].id).
        type: list
        elements: dict
        suboptions:
          id:
            description: Name in the expression; begins with a lowercase letter.
            type: str
            required: true
          namespace:
            description: The namespace.
            type: str
            required: true
          metric_name:
            description: The metric's name in its namespace.
            type: str
            required: true
          dimensions:
            description: The dimensions, with placeholders as in O(metrics[].dimensions).
            type: dict
            default: {}
          statistic:
            description: Any of CloudWatch's statistics.
            type: str
            default: Average
          unit:
            description: Only data in this unit.
            type: str
      minimum:
        description: The least value that is good.
        type: float
      maximum:
        description: The greatest value that is good.
        type: float
      datapoints_to_fail:
        description:
          - So many datapoints of one publisher outside the bounds fail the metric.
          - The default takes a bound at its word. Noisy metrics want V(2) or V(3), or a longer period.
        type: int
        default: 1
      fill:
        description:
          - The value of a period without a datapoint. Counts that are only published when something happens want V(0).
          - It is V(0) without being given for what Elastic Load Balancing only reports when it is not zero, as
            C(HTTPCode_Target_5XX_Count). Otherwise a period without a datapoint is missing data.
        type: float
  alarms:
    description:
      - Metric or composite alarms, by name. One that is in state C(ALARM) at any look fails.
      - C(INSUFFICIENT_DATA) at the end counts as no data.
    type: list
    elements: str
    default: []
  duration:
    description: How long to watch, in seconds, after the warm-up. Every metric gets as many whole periods as fit.
    type: int
    default: 900
  warmup:
    description:
      - How many seconds to leave out at the beginning, while new instances start up.
      - An instance that joins the group later gets a warm-up of its own.
    type: int
    default: 120
  interval:
    description:
      - How many seconds pass between two looks at CloudWatch.
      - Unset, it is the shortest period among the metrics, but at least 5 and at most 60 seconds.
    type: int
  delay:
    description:
      - How many seconds after its end a period is taken for complete. Younger ones are left out of the judgement.
      - Data that are still missing at the end are waited for three times as long.
      - Unset, it is one period, but at most 60 seconds.
    type: int
  on_no_data:
    description:
      - The verdict on a metric whose data are missing, stop, or cannot be read, and on an alarm without data.
      - There is no way to pass without data; leave out a metric that does not matter.
    type: str
    choices: [fail, inconclusive]
    default: fail
  on_inconclusive:
    description:
      - What the module does when the verdict is inconclusive.
      - With V(pause) and V(pass) it succeeds and returns the verdict; a role or play that gave V(pause) asks a person.
    type: str
    choices: [fail, pause, pass]
    default: fail
notes:
  - The credentials need C(cloudwatch:GetMetricData), C(cloudwatch:DescribeAlarms),
    C(autoscaling:DescribeAutoScalingGroups) and, for V({load_balancer}),
    C(elasticloadbalancing:DescribeTargetGroups).
author:
  - The progressive.aws team (@progressive-aws)
seealso:
  - module: progressive.aws.asg_upgrade
  - module: progressive.aws.asg_rollback
extends_documentation_fragment:
  - progressive.aws.passes
  - progressive.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Watch CPU, errors and an alarm for a quarter of an hour
  progressive.aws.cloudwatch_verify:
    group: shop__checkout__prod__7
    metrics:
      - name: CPU
        namespace: AWS/EC2
        metric_name: CPUUtilization
        dimensions:
          InstanceId: "{instance_id}"
        maximum: 80
        datapoints_to_fail: 3
      - name: error rate
        expression: 100 * FILL(errors, 0) / requests
        queries:
          - id: errors
            namespace: AWS/ApplicationELB
            metric_name: HTTPCode_Target_5XX_Count
            dimensions:
              TargetGroup: "{target_group}"
              LoadBalancer: "{load_balancer}"
            statistic: Sum
          - id: requests
            namespace: AWS/ApplicationELB
            metric_name: RequestCount
            dimensions:
              TargetGroup: "{target_group}"
              LoadBalancer: "{load_balancer}"
            statistic: Sum
        maximum: 1
    alarms:
      - checkout-is-broken

- name: Watch a custom metric with a period of 10 seconds for two minutes
  progressive.aws.cloudwatch_verify:
    group: shop__checkout__prod__7
    duration: 120
    warmup: 30
    metrics:
      - name: latency
        namespace: Checkout
        metric_name: Latency
        dimensions:
          AutoScalingGroupName: "{group}"
        statistic: p99
        period: 10
        maximum: 0.5
"""

RETURN = r"""
verdict:
  description:
    - V(pass), V(fail) or V(inconclusive).
  returned: when judged
  type: str
  sample: pass
score:
  description: The share of metrics and alarms that passed, from 0 to 100.
  returned: when judged
  type: float
  sample: 100.0
metrics:
  description: The verdict on each metric and alarm.
  returned: when judged
  type: list
  elements: dict
  contains:
    name:
      description: The name of the metric or alarm.
      type: str
      returned: always
      sample: CPU
    kind:
      description: V(metric) or V(alarm).
      type: str
      returned: always
      sample: metric
    verdict:
      description: V(pass), V(fail), V(inconclusive), or V(pending) where another failure ended the verification.
      type: str
      returned: always
      sample: fail
    reason:
      description: Why, in words.
      type: str
      returned: always
      sample: i-0b1c had 91.2 at 12:04 UTC, above the maximum of 80 (3 of 5 datapoints)
    n:
      description: How many datapoints of the group were judged.
      type: int
      returned: always
      sample: 5
    baseline:
      description: The median of what it was compared with, if anything.
      type: float
      returned: always
      sample: 31.5
    canary:
      description: The median of the group's datapoints.
      type: float
      returned: always
      sample: 84.0
    shift:
      description: By how much the group differs from what it was compared with, in the metric's unit.
      type: float
      returned: always
      sample: 52.5
series:
  description: The data that were judged.
  returned: when judged
  type: list
  elements: dict
  contains:
    metric:
      description: The metric's name.
      type: str
      returned: always
      sample: CPU
    side:
      description: V(canary) for the group, V(baseline) for what it was compared with.
      type: str
      returned: always
      sample: canary
    member:
      description: Who published it, as an instance, a target group or a load balancer.
      type: str
      returned: always
      sample: i-0b1c
    group:
      description: The Auto Scaling group that it belongs to.
      type: str
      returned: always
      sample: shop__checkout__prod__7
    instance_id:
      description: The instance that published it, if it is one's.
      type: str
      returned: always
      sample: i-0b1c
    period:
      description: The length of a period in seconds.
      type: int
      returned: always
      sample: 60
    points:
      description: Pairs of the beginning of a period, in seconds since the epoch, and the value.
      type: list
      elements: list
      returned: always
      sample: [[1772625600, 84.0]]
    error:
      description: What CloudWatch said where it could not answer.
      type: str
      returned: always
      sample: ""
plan:
  description: What would be judged, a sentence for each metric and alarm.
  returned: in check mode
  type: list
  elements: str
  sample: ["CPU: Average of AWS/EC2 CPUUtilization of each instance, at most 80, 15 periods of 1 minute"]
"""

from ansible_collections.progressive.aws.plugins.module_utils import wiring
from ansible_collections.progressive.aws.plugins.module_utils.surroundings import AwsSurroundings
from ansible_collections.progressive.aws.plugins.module_utils.verification import read_settings
from ansible_collections.progressive.aws.plugins.module_utils.verifying import Verification

QUERY = {
    "namespace": {"type": "str"},
    "metric_name": {"type": "str"},
    "dimensions": {"type": "dict", "default": {}},
    "statistic": {"type": "str", "default": "Average"},
    "unit": {"type": "str"},
}
METRIC = {
    **QUERY,
    "name": {"type": "str", "required": True},
    "period": {"type": "int", "default": 60},
    "expression": {"type": "str"},
    "queries": {
        "type": "list",
        "elements": "dict",
        "options": {
            **QUERY,
            "id": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "metric_name": {"type": "str", "required": True},
        },
    },
    "minimum": {"type": "float"},
    "maximum": {"type": "float"},
    "datapoints_to_fail": {"type": "int", "default": 1},
    "fill": {"type": "float"},
}
ARGUMENT_SPEC = {
    "group": {"type": "str", "required": True},
    "metrics": {"type": "list", "elements": "dict", "default": [], "options": METRIC},
    "alarms": {"type": "list", "elements": "str", "default": []},
    "duration": {"type": "int", "default": 900},
    "warmup": {"type": "int", "default": 120},
    "interval": {"type": "int"},
    "delay": {"type": "int"},
    "on_no_data": {"type": "str", "choices": ["fail", "inconclusive"], "default": "fail"},
    "on_inconclusive": {"type": "str", "choices": ["fail", "pause", "pass"], "default": "fail"},
}


def main() -> None:
    """Run the module."""
    module = wiring.aws_module(ARGUMENT_SPEC)
    wiring.run_step(
        module,
        lambda rollout: Verification(
            read_settings(module.params),
            rollout.cloudwatch,
            AwsSurroundings(rollout),
            rollout.clock,
            check_mode=module.check_mode,
        ),
    )


if __name__ == "__main__":
    main()
