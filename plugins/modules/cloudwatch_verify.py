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
  - A metric is judged by its bounds, by comparison with the groups that the new one takes over from, or by both.
  - Fails as soon as failure is certain, and passes at the end of the time, not before.
  - Missing data and errors are not health. They fail, or leave the verdict inconclusive, as O(on_no_data) says.
  - In check mode everything is validated, CloudWatch is asked whether it understands every query, and what would
    be judged is returned. The group need not exist yet, and nothing is waited for.
  - Nothing in AWS is changed, except that a run which verifies its own deployment renews its lease on it, and takes
    away the fresh baseline that it was compared with once it has passed.
  - It takes as long as O(duration) says, whatever O(wait_timeout) is.
  - With O(start) and O(end) in the past it judges old data at once, as they would have been judged when they came.
options:
  group:
    description:
      - The Auto Scaling group to judge, usually the new one of a deployment. Give this or O(judge_from).
    type: str
  judge_from:
    description:
      - A report that M(progressive.aws.canary_report) wrote as JSON. What it says was judged is judged again by the
        options that are given, AWS is asked nothing, and the verdicts then and now are shown side by side.
      - Without O(metrics) and O(alarms) it is judged by the options of then, but for those that are given and differ
        from their defaults.
    type: path
  judge_phase:
    description: The phase of O(judge_from) that is judged, by its name. Unset, the last one that was verified.
    type: str
  alarms:
    description:
      - Metric or composite alarms, by name. One that is in state C(ALARM) at any look fails.
      - C(INSUFFICIENT_DATA) at the end counts as no data.
    type: list
    elements: str
    default: []
  settle_time:
    description:
      - For how many seconds the group of a deployment may lack something that nothing is about to mend, such as a
        healthy target that Auto Scaling does not replace.
    type: float
    default: 30.0
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
      - How many seconds after its end a period can be complete. Younger ones are left out of the judgement.
      - CloudWatch goes on completing its newest data. A period is judged once what is read of it has been the same for
        half a period, or half a period after its delay. One that changes after that is judged anew, which is told.
      - Data that are still missing at the end are waited for three times as long.
      - Unset, it is one period, but at most 60 seconds, and two minutes for what load balancers publish.
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
      - With V(pass) it succeeds and returns the verdict.
      - With V(pause) it asks whoever sits at the terminal, and goes on with C(yes). Any other answer is a failure, and
        so is a terminal without anybody, as in AWX.
    type: str
    choices: [fail, pause, pass]
    default: fail
notes:
  - The credentials need C(cloudwatch:GetMetricData), C(cloudwatch:DescribeAlarms),
    C(autoscaling:DescribeAutoScalingGroups), C(autoscaling:DescribeScalingActivities),
    C(elasticloadbalancing:DescribeTargetHealth), and for V({load_balancer})
    C(elasticloadbalancing:DescribeTargetGroups). With C(ec2:DescribeInstances) it can warn that
    instances have no detailed monitoring.
  - While it waits for data the group's health is watched every 15 seconds, if it is one of a deployment. It fails at
    once where the group loses instances again and again that are found unhealthy (more than one, and more than a
    tenth), where launches fail, or where it lacks healthy targets for O(settle_time), whatever its metrics say. An
    instance that Auto Scaling replaces may take as long as launches usually do, and O(launch_patience) more. What the
    outgoing groups lose is told.
  - Before it waits for anything it says how many datapoints each comparison will have and which shift they can show,
    and warns where they can show none.
author:
  - The progressive.aws team (@progressive-aws)
seealso:
  - module: progressive.aws.asg_upgrade
  - module: progressive.aws.asg_rollback
extends_documentation_fragment:
  - progressive.aws.judging
  - progressive.aws.watched_alarms
  - progressive.aws.of_a_phase
  - progressive.aws.watch
  - progressive.aws.launch_patience
  - progressive.aws.passes
  - progressive.aws.playbook
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

- name: Compare CPU and memory of each instance with those of the groups that go out
  progressive.aws.cloudwatch_verify:
    group: shop__checkout__prod__7
    metrics:
      - name: CPU
        namespace: AWS/EC2
        metric_name: CPUUtilization
        dimensions:
          InstanceId: "{instance_id}"
        direction: increase
        allowed_effect: 0.05
        fail_fast:
          - absolute: 95
            times: 3
            in_a_row: true
      - name: memory
        namespace: CWAgent
        metric_name: mem_used_percent
        dimensions:
          InstanceId: "{instance_id}"
        direction: increase
        compare: deviation
        ignore:
          absolute: 20
    on_inconclusive: pause

- name: Judge what a report holds again by a higher confidence
  progressive.aws.cloudwatch_verify:
    judge_from: report.json
    confidence: 0.99

- name: Judge yesterday's deployment again, to tune the options
  progressive.aws.cloudwatch_verify:
    group: shop__checkout__prod__6
    start: "2026-03-04T12:00:00Z"
    end: "2026-03-04T12:15:00Z"
    metrics:
      - name: CPU
        namespace: AWS/EC2
        metric_name: CPUUtilization
        dimensions:
          InstanceId: "{instance_id}"
"""

RETURN = r"""
run:
  description: What the run has come to so far, for O(run) of the next step and for M(progressive.aws.canary_report).
  returned: when O(run) is given, and the step has not failed
  type: dict
verdict:
  description:
    - V(pass), V(fail) or V(inconclusive).
  returned: when judged
  type: str
  sample: pass
score:
  description:
    - The share of metrics and alarms that passed, from 0 to 100, by their weights; 0 where a critical one failed.
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
      description:
        - V(pass), V(fail), V(inconclusive), V(not_applicable) where there was nothing to compare with, or V(pending)
          where another failure ended the verification.
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
    n_baseline:
      description: How many datapoints of the baseline were compared with.
      type: int
      returned: always
      sample: 15
    shift:
      description: By how much the group differs from what it was compared with, in the metric's unit.
      type: float
      returned: always
      sample: 52.5
    low:
      description: The low end of the shift's confidence interval, where there is one.
      type: float
      returned: always
      sample: 48.0
    high:
      description: Its high end.
      type: float
      returned: always
      sample: 57.0
    effect:
      description: The shift as a share of the baseline's median; V(0.1) is 10 % more.
      type: float
      returned: always
      sample: 1.67
    cles:
      description: In which share of all pairs of datapoints the group's is the greater.
      type: float
      returned: always
      sample: 0.99
    rule:
      description:
        - The rule that decided - V(bounds), V(fail-fast), V(shift), V(instance) (one bad among good ones), V(place) (a
          bad zone or instance type), V(deviation), V(ignore), V(no-data), V(not-applicable) or V(alarm).
      type: str
      returned: always
      sample: shift
    group:
      description: Its group.
      type: str
      returned: always
      sample: system
    weight:
      description: Its weight within the group.
      type: float
      returned: always
      sample: 1.0
    critical:
      description: Whether its failure fails the whole.
      type: bool
      returned: always
      sample: false
    muted:
      description: Whether it decides nothing.
      type: bool
      returned: always
      sample: false
    minimum:
      description: The least value that is good, if there is one.
      type: float
      returned: always
      sample: 5.0
    maximum:
      description: The greatest value that is good, if there is one.
      type: float
      returned: always
      sample: 80.0
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
    zone:
      description: The availability zone of that instance, as far as it is known.
      type: str
      returned: always
      sample: us-east-1b
    instance_type:
      description: Its type.
      type: str
      returned: always
      sample: t3.micro
    period:
      description: The length of a period in seconds.
      type: int
      returned: always
      sample: 60
    start:
      description: From when on it was judged, in seconds since the epoch.
      type: float
      returned: always
      sample: 1772625600.0
    end:
      description: Up to when.
      type: float
      returned: always
      sample: 1772626500.0
    counts:
      description:
        - Of a count or a rate, the beginning of a period, the number, and of how many; else empty.
      type: list
      elements: list
      returned: always
      sample: []
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
history:
  description: As RV(series), of earlier instances, from which it was learned how much those of one image differ.
  returned: when judged
  type: list
  elements: dict
  sample: []
then:
  description: The verdict of then, with O(judge_from).
  returned: with O(judge_from)
  type: dict
  sample:
    verdict: fail
    score: 0.0
    metrics: [{name: CPU, verdict: fail, reason: i-0b1c had 91.2 at 12:04 UTC}]
window:
  description: What time was judged, in seconds since the epoch.
  returned: when judged
  type: dict
  contains:
    start:
      description: When it began.
      type: float
      returned: always
      sample: 1772625600.0
    end:
      description: When it was to end.
      type: float
      returned: always
      sample: 1772626500.0
    judged_at:
      description: When the verdict was certain.
      type: float
      returned: always
      sample: 1772626560.0
baseline:
  description: What it was compared with.
  returned: when judged
  type: dict
  contains:
    strategy:
      description: V(canary), V(previous), or V(none).
      type: str
      returned: always
      sample: canary
    groups:
      description: The groups that it was compared with.
      type: list
      elements: str
      returned: always
      sample: [shop__checkout__prod__6]
    nothing:
      description: Why it was compared with nothing, if so.
      type: str
      returned: always
      sample: this is a first deployment
alarms:
  description: The alarms of O(watched_alarms) that came into C(ALARM).
  returned: when RV(ignore:reason) is V(alarm)
  type: list
  elements: dict
  contains:
    name:
      description: The name of the alarm.
      type: str
      returned: always
      sample: checkout-5xx
    state:
      description: Its state.
      type: str
      returned: always
      sample: ALARM
    since:
      description: Since when, in seconds since the epoch.
      type: float
      returned: always
      sample: 1772625600.0
    reason:
      description: Why, in CloudWatch's words.
      type: str
      returned: always
      sample: "Threshold Crossed: 1 out of the last 1 datapoints [42.0] was greater than the threshold (5.0)."
    history:
      description: The newest changes of its state, the newest first.
      type: list
      elements: dict
      returned: always
      sample: [{"at": 1772625600.0, "summary": "Alarm updated from OK to ALARM"}]
plan:
  description:
    - What is judged, a sentence for each metric and alarm, with the number of datapoints of each comparison and the
      shift that they can show.
  returned: in check mode and when judged
  type: list
  elements: str
  sample: ["CPU: Average of AWS/EC2 CPUUtilization of each instance, at most 80, 15 periods of 1 minute"]
"""

from ansible_collections.progressive.aws.plugins.module_utils import modules, role_input
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import Step
from ansible_collections.progressive.aws.plugins.module_utils.deployment import alarm_watch
from ansible_collections.progressive.aws.plugins.module_utils.deployment.rollout import Rollout
from ansible_collections.progressive.aws.plugins.module_utils.reporting.what_if import OptionReader, WhatIf
from ansible_collections.progressive.aws.plugins.module_utils.verification.fleet import (
    AwsSurroundings,
    Patience,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import (
    OPTIONS,
    read_settings,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import Verification
from ansible_collections.progressive.aws.plugins.module_utils.verification_options import (
    VERIFICATION,
    WATCH_OPTION,
    settings_of,
    watched,
)

ARGUMENT_SPEC = {
    **VERIFICATION,
    **role_input.PLAYBOOK,
    **modules.WATCHED_ALARMS_OPTION,
    **modules.OF_A_PHASE,
    **WATCH_OPTION,
    **modules.LAUNCH_PATIENCE_OPTION,
    **modules.SETTLE_TIME_OPTION,
    "group": {"type": "str"},
    "judge_from": {"type": "path"},
    "judge_phase": {"type": "str"},
}


def main() -> None:
    """Run the module."""
    module = modules.aws_module(
        ARGUMENT_SPEC,
        required_one_of=[("group", "judge_from")],
        mutually_exclusive=[("judge_from", "start"), ("judge_from", "end")],
        required_by={"judge_phase": ("judge_from",)},
    )

    def build(rollout: Rollout) -> Step:
        role_input.check_variables(module)
        report = modules.text_of(module.params["judge_from"], "judge_from")
        if report is not None:
            return WhatIf(
                report,
                module.params["judge_from"],
                module.params["judge_phase"],
                {name: module.params[name] for name in ("group", *OPTIONS)},
                OptionReader(settings_of, {name: spec.get("default") for name, spec in VERIFICATION.items()}),
            )
        verification = Verification(
            read_settings(module.params),
            rollout.cloudwatch,
            AwsSurroundings(
                rollout,
                alarm_watch.named(module.params["watched_alarms"]),
                Patience(module.params["settle_time"], module.params["launch_patience"]),
            ),
            rollout.clock,
            check_mode=module.check_mode,
        )
        return watched(
            verification,
            rollout,
            module.params["watch"],
            module.params["group"],
            check_mode=module.check_mode,
        )

    modules.run_step(module, build)


if __name__ == "__main__":
    main()
