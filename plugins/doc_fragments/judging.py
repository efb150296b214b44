# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of C(cloudwatch_verify): where the data come from, what they are compared with, and how they are judged."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(cloudwatch_verify.JUDGING)."""

    DOCUMENTATION = r"""
options:
  metrics:
    description:
      - Metrics to judge, each by its bounds, by comparison, or by both.
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
      kind:
        description:
          - What the metric is.
          - V(level) is what each instance has, as CPU, latency or the length of a queue.
          - V(count) is how often something happened in a period, as errors, with the statistic V(Sum).
          - V(rate) is a share, of O(metrics[].numerator) in O(metrics[].denominator), in percent. It sees more than a
            share by O(metrics[].expression), since it knows of how many requests it is one.
        type: str
        choices: [level, count, rate]
        default: level
      numerator:
        description: The metric of what is counted of a rate, as errors.
        type: dict
        suboptions: &query
          namespace:
            description: The namespace.
            type: str
          metric_name:
            description: The metric's name in its namespace.
            type: str
          dimensions:
            description: The dimensions, with placeholders as in O(metrics[].dimensions).
            type: dict
            default: {}
          statistic:
            description: Any of CloudWatch's statistics; a count wants V(Sum).
            type: str
            default: Average
          unit:
            description: Only data in this unit.
            type: str
          prometheus: &prometheus
            description:
              - The metric's data come from Prometheus, or what speaks its API, instead of CloudWatch.
              - What is not set of it in O(metrics[].numerator), O(metrics[].denominator) or O(metrics[].exposure) is
                taken from the metric's own.
            type: dict
            suboptions:
              address:
                description: Its address, as V(https://prometheus.example.com:9090), with what stands before C(/api/v1).
                type: str
              query:
                description:
                  - A query in PromQL, with placeholders as in O(metrics[].dimensions), and V({period}) for the seconds
                    of a period.
                  - It is evaluated at the end of each period (C(query_range)), so that a range such as C([60s]) covers
                    a period of 60 seconds.
                type: str
              instance_label:
                description:
                  - The label that has the instance's id. One query then is for all instances, and each is judged.
                  - In the query V({instance_id}) stands for all of them, for a regular expression, as
                    C(latency{instance_id=~"{instance_id}"}).
                type: str
              headers:
                description: Headers of each request, as C(X-Scope-OrgID).
                type: dict
              secret_headers:
                description: Headers whose values are shown nowhere.
                type: dict
              bearer_token:
                description: A token, sent as C(Authorization). It is shown nowhere.
                type: str
              url_username:
                description: A user, for basic authentication.
                type: str
              url_password:
                description: The user's password. It is shown nowhere.
                type: str
              validate_certs:
                description: Whether the server's certificate is checked. Unset, it is.
                type: bool
              ca_path:
                description: A file with the certificates of authorities to trust, where the system's are not enough.
                type: path
              timeout:
                description: How many seconds to wait for an answer, at most 60. Unset, it is 10.
                type: float
          web: &web
            description:
              - The metric's data come from a URL that answers with JSON of the shape that docs/metrics.md describes.
            type: dict
            suboptions:
              url:
                description:
                  - The address, with placeholders as in O(metrics[].dimensions), and V({start}), V({end}) (epoch
                    seconds, the end exclusive) and V({period}) (seconds).
                type: str
              by_instance:
                description:
                  - Whether an answer has a series for each instance, with its C(instance_id). V({instance_id}) then
                    stands for all that are asked about, with commas.
                type: bool
              headers:
                description: Headers of each request, as C(X-Scope-OrgID).
                type: dict
              secret_headers:
                description: Headers whose values are shown nowhere.
                type: dict
              bearer_token:
                description: A token, sent as C(Authorization). It is shown nowhere.
                type: str
              url_username:
                description: A user, for basic authentication.
                type: str
              url_password:
                description: The user's password. It is shown nowhere.
                type: str
              validate_certs:
                description: Whether the server's certificate is checked. Unset, it is.
                type: bool
              ca_path:
                description: A file with the certificates of authorities to trust, where the system's are not enough.
                type: path
              timeout:
                description: How many seconds to wait for an answer, at most 60. Unset, it is 10.
                type: float
          command: &command
            description:
              - The metric's data come from a command, run where the module runs, that prints JSON of the shape that
                docs/metrics.md describes.
            type: dict
            suboptions:
              argv:
                description:
                  - The program and its arguments, with placeholders as in O(metrics[].web.url). No shell reads them.
                type: list
                elements: str
              by_instance:
                description: As O(metrics[].web.by_instance).
                type: bool
              timeout:
                description: How many seconds it may take, at most 60. Unset, it is 10.
                type: float
      denominator:
        description:
          - The metric of what it is a share of, as requests. Where it has a datapoint of CloudWatch's, a missing
            numerator is 0.
        type: dict
        suboptions: *query
      exposure:
        description: The metric of what a count is held against, as requests. Unset, it is the time.
        type: dict
        suboptions: *query
      namespace:
        description: The namespace, as V(AWS/EC2).
        type: str
      metric_name:
        description:
          - The metric's name in its namespace. Give either this, O(metrics[].expression), O(metrics[].prometheus),
            O(metrics[].web) or O(metrics[].command).
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
      prometheus: *prometheus
      web: *web
      command: *command
      period:
        description:
          - Length of a period in seconds; V(1), V(5), V(10), V(20), V(30) or a multiple of 60, and any number where the
            data are not CloudWatch's.
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
          - With O(metrics[].compare=deviation), also so many datapoints have to be as far off as is high risk.
          - Of a level only. The bounds of a count or a rate are held against all datapoints together.
        type: int
        default: 1
      compare:
        description:
          - How to compare the group with its baseline.
          - V(shift) asks whether the group tends to have more or less. Where each instance publishes, instances are
            compared, by how much those of one image differ, as those of both sides and of O(history) tell; what all
            share minute by minute is left out. Where there is one series a side, its values are compared by Mann and
            Whitney's test. Both keep O(confidence) however often they look.
          - V(tail) asks whether the group is far above (or below) its own usual level more often, as with one slow
            minute in five, and V(both) asks both.
          - V(deviation) tells how many of the baseline's standard deviations the values are off. 5 of them, or half of
            the datapoints more than 3 off, are high risk; 4 of them, or a quarter of the datapoints, medium. High risk
            fails; O(sensitivity=very) has medium risk fail too.
          - V(no) does not compare.
          - Unset, it is V(shift) for a metric without bounds, and V(no) for one that has them.
        type: str
        choices: [shift, deviation, tail, both, 'no']
      direction:
        description: Which difference from the baseline is bad.
        type: str
        choices: [increase, decrease, either]
        default: either
      allowed_effect:
        description:
          - A shift of so much is tolerated, as a share of the baseline's median; V(0.1) allows 10 %.
          - Instances are never quite alike. V(0) asks whether there is any difference at all, and with enough data
            there is one.
        type: float
        default: 0.0
      detect:
        description:
          - What a pass must be able to find. Where the phase could not have found it with a chance of 80 %, the verdict
            is inconclusive. It is asked of levels that instances publish.
        type: dict
        suboptions:
          share:
            description: A difference as a share of the baseline's level; V(0.5) is one of 50 %. Unset, it is V(2).
            type: float
          amount:
            description: A difference in the metric's unit.
            type: float
      critical_effect:
        description: A shift of so much that fails the comparison fails the whole, whatever the score.
        type: float
      ignore:
        description:
          - Differences that do not matter. Each measure that is given is enough.
          - With O(metrics[].compare=shift) they are applied to the median, with V(deviation) to each datapoint.
        type: dict
        suboptions:
          absolute:
            description: Values below this are not judged against the baseline.
            type: float
          percent:
            description: Differences from the baseline of less than so many percent of it are ignored.
            type: float
          deviation:
            description: Differences from the baseline of less than this, in the metric's unit, are ignored.
            type: float
      fail_fast:
        description:
          - Values that fail the whole at once, whatever the score. Give exactly one measure each.
          - With O(metrics[].direction=decrease) it is values below that fail.
        type: list
        elements: dict
        default: []
        suboptions:
          absolute:
            description: A value beyond this fails.
            type: float
          percent:
            description: A value that differs from the baseline's of the same period by more percent of it fails.
            type: float
          deviation:
            description: A value that differs from the baseline's of the same period by more, in its unit, fails.
            type: float
          times:
            description: So many such values of one publisher are needed.
            type: int
            default: 1
          in_a_row:
            description: Whether they have to follow each other.
            type: bool
            default: false
      group:
        description: A group of metrics that O(group_weights) weighs together.
        type: str
        default: ''
      weight:
        description: How much the metric counts within its group.
        type: float
        default: 1.0
      critical:
        description: Whether its failure fails the whole, whatever the score.
        type: bool
        default: false
      muted:
        description: Whether it is judged and reported, and decides nothing.
        type: bool
        default: false
      fill:
        description:
          - The value of a period without a datapoint. Counts that are only published when something happens want V(0).
          - It is V(0) without being given for what Elastic Load Balancing only reports when it is not zero, as
            C(HTTPCode_Target_5XX_Count). Otherwise a period without a datapoint is missing data.
          - A missing datapoint is only read so between the first and the last datapoint of the metric or of its
            O(metrics[].publisher). Where there is none at all, nobody publishes, and that is no data.
        type: float
      publisher:
        description:
          - A metric that is there whenever whoever publishes this one is, as the number of requests. It tells no errors
            from nobody who would report them, as with a dimension that does not exist.
          - Unset, it is C(HealthyHostCount) or C(RequestCount) with the same dimensions, for what Elastic Load
            Balancing only reports when it is not zero.
        type: dict
        suboptions:
          namespace:
            description: The namespace.
            type: str
          metric_name:
            description: The metric's name in its namespace.
            type: str
          dimensions:
            description: The dimensions, with placeholders as in O(metrics[].dimensions).
            type: dict
            default: {}
          statistic:
            description: Any of CloudWatch's statistics; a count wants V(Sum).
            type: str
            default: Average
          unit:
            description: Only data in this unit.
            type: str
  strategy:
    description:
      - What the group is compared with, if any metric is to be compared.
      - V(canary) is the groups that it takes over from, over the same minutes.
      - V(previous) is the same groups at an earlier time, by default the time just before the new group was created.
      - V(auto) is V(canary) while they have instances in service, and V(previous) after that, as in the final phase.
      - V(none) compares nothing; each metric then needs bounds.
      - On a first deployment there is nothing to compare with. Comparisons are then reported as not applicable, and
        only bounds and alarms decide.
    type: str
    choices: [auto, canary, previous, none]
    default: auto
  baseline_groups:
    description:
      - Groups to compare with, by name.
      - Unset, it is the fresh baseline of the deployment that made the group, where one serves
        (O(progressive.aws.asg_upgrade#module:baseline)), and otherwise its outgoing groups.
    type: list
    elements: str
    default: []
  baseline_window:
    description: How much earlier data is compared with V(previous), in seconds. Unset, as much as O(duration).
    type: int
  baseline_start:
    description:
      - When the earlier data begin, as V(2026-03-04T12:00:00Z) or in seconds since the epoch.
      - Unset, they end when the group was created.
    type: str
  start:
    description:
      - With O(end), judges the data of that time in the past, without waiting for anything.
      - As V(2026-03-04T12:00:00Z) or in seconds since the epoch. O(duration) is then of no meaning, and of O(warmup)
        only what instances that joined in that time need.
      - Alarms are not judged, since only their present state can be read.
    type: str
  end:
    description: When the data to judge end. See O(start).
    type: str
  confidence:
    description:
      - How certain it is that a group without any difference is not failed by comparisons, all of them and all looks
        together; but for those with O(metrics[].compare=deviation), which have limits of their own.
      - The more, the more data are needed. The least number of datapoints follows from it.
    type: float
    default: 0.98
  history:
    description:
      - How far back instances of the series are looked for, in seconds, from which it is learned how much those of one
        image differ. Of each group it is the time when most of them served together, four times the duration at most.
      - Unset, as far back as CloudWatch keeps the data of a period and Auto Scaling the activities; V(0) uses none.
    type: int
  sensitivity:
    description: Whether O(metrics[].compare=deviation) fails at medium risk too.
    type: str
    choices: [normal, very]
    default: normal
  pass_score:
    description: The least score, from 0 to 100, that is a pass.
    type: float
    default: 100.0
  marginal_score:
    description: The least score that is inconclusive rather than a failure. Unset, the same as O(pass_score).
    type: float
  group_weights:
    description:
      - Share of each group of metrics in the score, in percent.
      - Groups that are not named share the rest equally.
    type: dict
    default: {}
  expected_instances:
    description:
      - How many instances the group will have, for a plan in check mode while it does not exist.
    type: int
  expected_baseline_instances:
    description: How many instances the groups that it is compared with will have then.
    type: int
"""
