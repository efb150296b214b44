#!/usr/bin/python
# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up a new revision of a series: documentation and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: asg_setup
short_description: Set up a new Auto Scaling group for a new AMI, from a base group
version_added: 0.1.0
description:
  - Creates the next revision of a series, an Auto Scaling group with no instances yet, as a copy of a base group
    with another AMI. M(progressive.aws.asg_upgrade) then brings it up, a few instances at a time.
  - The base group is only read. It is never resized and never changed, unless O(adopt_group) names it.
  - The new group has a launch template of its own (or a launch configuration, if the base has one), named like the
    group, with the AMI replaced. Target groups, load balancers, lifecycle hooks, tags and whatever else the base has
    are copied; RV(not_copied) lists what is not, and why. Scaling policies and scheduled actions follow in the final
    phase.
  - All input is checked before anything is touched, and all that is wrong with it is reported at once. A set-up that
    fails later takes away what it created.
  - What the groups that hold capacity now look like is written into tags of theirs, for the rollback. Until the
    deployment ends, their scaling processes are suspended. Only one deployment of a series is possible at a time.
  - The same again, after an interruption, goes on where it stopped; when the same is live already, nothing is
    changed.
options:
  base_group:
    description: The name of the Auto Scaling group that serves as the template.
    type: str
    required: true
  min_size:
    description:
      - The least instances of the new group, once it is live.
      - Sizes that are not given are those of the groups that are running, all together. A first deployment must give
        all three.
    type: int
  max_size:
    description: The most instances of the new group.
    type: int
  desired_capacity:
    description:
      - The instances of the new group, once it is live. All percentages are of this number.
    type: int
  target_group_arns:
    description:
      - The target groups of the new group, in place of the base's. An empty list means none.
    type: list
    elements: str
  load_balancer_names:
    description:
      - The classic load balancers of the new group, in place of the base's. An empty list means none.
    type: list
    elements: str
  tags:
    description:
      - Tags of the new group and its instances, besides those of the base. One of the same key replaces the base's.
    type: dict
    default: {}
  adopt_group:
    description:
      - The name of a live group that this collection did not make, which the new revision is to replace. It may be
        the base group itself.
      - It counts as an outgoing group of this deployment. It is shielded and shrunk like one, and a rollback brings it
        back to what it was. It is never deleted.
      - Without this option no group is touched that is not of the series.
      - Where the series is live already, a group that is gone or empty by now is passed over.
    type: str
  deployment_id:
    description:
      - The id of the deployment, such as the number of a build.
      - By default one is made up.
    type: str
  phases:
    description:
      - The phases that are going to follow, to be checked and planned before anything is touched. They must rise, and
        the last one must reach 100 %.
      - Without them each step is checked by itself when its turn comes.
    type: list
    elements: dict
    suboptions:
      name:
        description: What the phase is called.
        type: str
      percent:
        description:
          - How many percent of O(desired_capacity) the new group has after the phase, from 1 to 100.
          - Exactly one of O(phases[].percent) and O(phases[].count) must be given, but for a phase with only
            O(phases[].weight), which leaves the instances as they are.
        type: int
      count:
        description: How many instances the new group has after the phase.
        type: int
      weight:
        description:
          - How many percent of the requests the new group gets by the phase, from 0 to 100, where O(traffic) is
            shifted. By default as many percent as of the instances. The phase that reaches 100 % gets all.
        type: int
      before:
        description: Task files that the role P(progressive.aws.canary#role) runs before the upgrade.
        type: raw
      after:
        description: Task files that the role P(progressive.aws.canary#role) runs after the verification.
        type: raw
      pause:
        description: Seconds that the role P(progressive.aws.canary#role) waits after the upgrade.
        type: raw
      vars:
        description:
          - Variables that hold for the phase, of the role P(progressive.aws.canary#role) and for its task files.
        type: raw
      verify:
        description:
          - The options of M(progressive.aws.cloudwatch_verify) with which the phase is going to be verified.
          - They are checked, and what they can find is planned, before anything is touched.
        type: dict
  traffic:
    description:
      - Listeners and rules of Application Load Balancers whose requests are shifted to the new group by the weights of
        the phases, apart from its instances. It needs O(phases).
      - The new group gets a copy of the production target group, with all of its attributes and tags, in the same
        forward action. At the end it serves from the production target group itself, the actions are as they were, and
        the copy is deleted; in a rollback, too.
    type: list
    elements: dict
    default: []
    suboptions:
      listener_arn:
        description: The ARN of a listener, whose default action is meant.
        type: str
      rule_arn:
        description: The ARN of a rule.
        type: str
      load_balancer:
        description:
          - The name or the ARN of a load balancer, together with O(traffic[].port).
          - Exactly one of this, O(traffic[].listener_arn) and O(traffic[].rule_arn) must be given.
        type: str
      port:
        description: The port of the listener.
        type: int
      host:
        description: The host in the conditions of a rule of the listener.
        type: str
      path:
        description: The path in the conditions of a rule of the listener.
        type: str
      target_group:
        description:
          - The name or the ARN of the production target group, where the action forwards to several of the base's.
        type: str
  stage:
    description:
      - Listeners and rules of the same load balancer that send all of their requests to the new group until the end,
        for trying it out before it serves. Their actions may be of any kind, and are as they were at the end and after
        a rollback.
    type: list
    elements: dict
    default: []
    suboptions:
      listener_arn:
        description: The ARN of a listener, whose default action is meant.
        type: str
      rule_arn:
        description: The ARN of a rule.
        type: str
      load_balancer:
        description: The name or the ARN of a load balancer, together with O(stage[].port).
        type: str
      port:
        description: The port of the listener.
        type: int
      host:
        description: The host in the conditions of a rule of the listener.
        type: str
      path:
        description: The path in the conditions of a rule of the listener.
        type: str
      target_group:
        description:
          - The name or the ARN of the production target group that it is for, where O(traffic) shifts several.
        type: str
  strategy:
    description:
      - Whether the outgoing groups shrink as the new one grows (V(canary)), or stay whole until the last phase has
        settled or the bake is over (V(blue_green)).
      - V(blue_green) needs O(traffic). A phase may then have all instances and O(phases[].weight=0).
    type: str
    choices: [canary, blue_green]
    default: canary
  bake:
    description:
      - What comes after the last phase, before the new revision is live. It is watched for a while, with its alarms,
        while the deployment can still be taken back as a whole.
      - M(progressive.aws.asg_upgrade) with O(progressive.aws.asg_upgrade#module:end_bake=true) waits for its end.
    type: dict
    suboptions:
      seconds:
        description: For how many seconds at least. Without them there is no bake.
        type: int
      requests:
        description:
          - How many requests the new revision must have served besides, by C(RequestCountPerTarget) of its target
            groups, times its instances. It needs an Application Load Balancer.
        type: int
      requests_timeout:
        description:
          - For how many seconds after O(bake.seconds) to wait for O(bake.requests) before it fails. By default as long
            again as O(bake.seconds).
        type: int
  bake_outgoing:
    description:
      - What the outgoing groups do until the bake is over.
      - With V(stopped) they shrink phase by phase, and have no instances in the bake. The new group has its scaling
        policies then, and is scaled by them.
      - With V(running) they keep their sizes from the beginning of the deployment on, as spare capacity behind the
        same load balancers, so that a rollback is a matter of seconds. The new group gets its scaling policies when
        the bake is over, and they have gone to 0.
      - It cannot be changed by a run that goes on.
    type: str
    choices: [stopped, running]
    default: stopped
  baseline:
    description:
      - What O(phases[].verify) of each of O(phases) is going to compare the new group with.
      - With V(outgoing) that is the outgoing groups as they are. With V(fresh) M(progressive.aws.asg_upgrade) is going
        to bring up a fresh baseline beside each phase before the last that compares with instances, which is told and
        planned for.
    type: str
    choices: [outgoing, fresh]
    default: outgoing
  resize_order:
    description:
      - In which order M(progressive.aws.asg_upgrade) is going to resize the groups of each of O(phases), for the
        number of instances that there are at a time.
    type: str
    choices: [new_first, old_first]
    default: new_first
  scale_in_protection:
    description:
      - What is done about outgoing instances that are protected from scale-in, and have to go.
      - With V(lift) M(progressive.aws.asg_upgrade) is going to lift their protection, which a rollback puts back. With
        V(refuse) the plan is refused.
    type: str
    choices: [lift, refuse]
    default: lift
  capacity_floor:
    description:
      - What is done where the wanted O(desired_capacity) is below what is running.
      - With V(none) there is a warning with both numbers. With V(running) it is refused.
    type: str
    choices: [none, running]
    default: none
  scaling:
    description:
      - What becomes of the scaling policies of the outgoing groups while the deployment is under way.
      - With V(suspended) nothing scales them until it is live or taken back.
      - With V(scale_out) their own policies may raise them from the end of the first phase's resize until the final
        phase, and nothing can shrink them. Such a raise is taken in. The new group gets its share of it, and a rollback
        leaves it. Scheduled actions stay suspended.
      - A deployment that goes on keeps what it was begun with.
    type: str
    choices: [suspended, scale_out]
    default: suspended
  alarms_of_group:
    description:
      - What becomes of CloudWatch alarms that watch an outgoing group by its name, in a dimension such as
        C(AutoScalingGroupName) or within metric math. Of the new group they see nothing.
      - V(tell) names them in a warning, and changes no alarm, since an alarm costs money and wakes people. V(copy)
        copies them for the new group in the final phase, with their actions and tags, and removes the copies with the
        group. The outgoing group's own stay as they are.
      - A copy is called like the alarm, with the new group's name in front. Alarms of scaling policies are copied from
        the base in any case. Composite alarms that refer to one of them are told, and never changed.
    type: str
    choices: [tell, copy]
    default: tell
  unknown_members:
    description:
      - What is done where AWS tells something of the base group that would be lost in the copy, because this version
        of the collection does not know it, or because the installed botocore does not.
      - With V(refuse) each is named and nothing is touched. With V(ignore) the copy is made without.
      - What says nothing, such as a choice that every new group has, is never refused.
    type: str
    choices: [refuse, ignore]
    default: refuse
  role:
    description:
      - What the role P(progressive.aws.canary#role) was given for the steps that follow, to be checked with all the
        rest before anything is touched.
    type: dict
    suboptions:
      variables:
        description: Names of the variables of the host. One that looks like a misspelt variable of the role is refused.
        type: list
        elements: str
        default: []
      folder:
        description: The folder to which task files are relative.
        type: path
        default: .
      from_phase:
        description: The name of the phase of O(phases) with which the run goes on where an earlier one has stopped.
        type: str
      until_phase:
        description: The name of the phase of O(phases) after which the run stops, and leaves the rest to a later one.
        type: str
      report:
        description: Where the report is going to be written.
        type: list
        elements: str
        default: []
      settle_time:
        description: The seconds that a group must hold its steady state.
        type: raw
      steady_state_timeout:
        description: The seconds that a group may take to settle.
        type: raw
      launch_patience:
        description: The seconds that launches may fail for reasons of the moment.
        type: raw
      keep_revisions:
        description: How many earlier revisions are going to be kept.
        type: raw
      rollback_order:
        description: What a rollback is going to do first.
        type: raw
      rollback_floor:
        description: The share of what was in service that must remain for a rollback to move traffic first.
        type: raw
      hooks:
        description: The task files of moments of the deployment, as the role's C(canary_hooks) has them.
        type: raw
      notifications:
        description: Where word of the deployment is sent, as O(progressive.aws.canary_notify#module:notifications).
        type: list
        elements: dict
        default: []
        suboptions:
          sns_topic: {description: ARN of an SNS topic., type: str}
          event_bus: {description: Name or ARN of an event bus., type: str}
          webhook_url: {description: Address of a webhook., type: str}
          moments: {description: When to send word., type: list, elements: str}
          headers: {description: Headers for the webhook., type: dict}
          secret_headers: {description: Headers for the webhook that are secret., type: dict}
          bearer_token: {description: Token for the webhook., type: str}
          url_username: {description: User name for the webhook., type: str}
          url_password: {description: Password for the webhook., type: str}
          validate_certs: {description: Whether the webhook's certificate is checked., type: bool}
          ca_path: {description: File with certificates of authorities., type: path}
          timeout: {description: Seconds that the webhook may take., type: float}
      unreadable:
        description: Task files that Ansible cannot load, each with its words. The action plugin sets it.
        type: list
        elements: str
        default: []
  list_copied:
    description:
      - Whether check mode also shows, a line each, the sizes of every group in every phase, what was looked at (AMI,
        quotas, addresses, permissions), all that is copied from the base and what is not. Warnings are always shown.
    type: bool
    default: true
attributes:
  diff_mode:
    support: full
    description: Returns details on what has changed when in diff mode.
    details:
      - The new group is shown beside its base, both as the requests that would create them. Of user data, which may
        hold passwords, only a digest is shown.
author:
  - The progressive.aws team (@progressive-aws)
seealso:
  - module: progressive.aws.asg_upgrade
  - module: progressive.aws.asg_rollback
extends_documentation_fragment:
  - progressive.aws.series
  - progressive.aws.launching
  - progressive.aws.watched_alarms
  - progressive.aws.watch
  - progressive.aws.blockers
  - progressive.aws.passes
  - progressive.aws.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Set up a new revision, with 4 instances once it is live
  progressive.aws.asg_setup:
    application: shop
    service: checkout
    environment: prod
    base_group: shop-checkout-base
    image_id: ami-0123456789abcdef0
    min_size: 0
    max_size: 10
    desired_capacity: 4
  register: setup

- name: See the plan of a canary, with the sizes of each phase
  progressive.aws.asg_setup:
    series: shop__checkout__prod
    base_group: shop-checkout-base
    image_id: ami-0123456789abcdef0
    phases:
      - name: Canary
        percent: 25
      - name: Primary
        percent: 100
  check_mode: true

- name: Deploy the newest AMI that a pipeline has built, in place of a group that was made by hand
  progressive.aws.asg_setup:
    series: shop__checkout__prod
    base_group: shop-checkout-base
    adopt_group: shop-checkout-by-hand
    image_filters:
      name: shop-checkout-*
      tag:tested: "true"
    metadata_options:
      http_tokens: required

- name: Deploy the AMI that a parameter names, with user data from a file
  progressive.aws.asg_setup:
    series: shop__checkout__prod
    base_group: shop-checkout-base
    image_ssm_parameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64
    user_data_file: /srv/deploy/user-data.sh

- name: Set up a new revision of the same size as what is running, for another target group
  progressive.aws.asg_setup:
    series: shop__checkout__prod
    base_group: shop-checkout-base
    image_id: ami-0123456789abcdef0
    target_group_arns:
      - arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/checkout/73e2d6bc24d8a067
    tags:
      release: "2026.4"
"""

RETURN = r"""
steps:
  description:
    - The steps of O(phases) in their order, with the hooks of the role. Each has C(phase), its number from 0 or null
      outside of the phases, a C(name) to show, and C(do), which is C(upgrade), C(verify), C(task_file) with its
      C(file), or C(prune). C(so_far) has the kinds of all steps up to it. C(hand_over) stands at the last one where
      the rest is left to another run.
    - None in check mode, and none where the revision is live already.
  returned: success
  type: list
  elements: dict
left:
  description: The names of the phases that are left to another run.
  returned: success
  type: list
  elements: str
revisions:
  description: The revisions of the series before it, as M(progressive.aws.asg_series_info) returns them.
  returned: success
  type: list
  elements: dict
run:
  description: What the run has come to so far, for O(run) of the next step and for M(progressive.aws.canary_report).
  returned: when O(run) is given, and the step has not failed
  type: dict
group:
  description: The name of the new group.
  returned: success
  type: str
  sample: shop__checkout__prod__7
revision:
  description: The number of the new revision.
  returned: success
  type: int
  sample: 7
deployment_id:
  description: The id of the deployment.
  returned: success
  type: str
  sample: 3f2a9c04d1b7
image_id:
  description: The AMI of the new group.
  returned: success
  type: str
  sample: ami-0123456789abcdef0
image_chosen_by:
  description: How the AMI was named.
  returned: success
  type: str
  sample: the newest AMI named shop-checkout-* of self
previous:
  description: The outgoing groups, as they were before the first change of the deployment.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The group's name.
      type: str
      returned: always
      sample: shop__checkout__prod__6
    min_size:
      description: The least instances it had.
      type: int
      returned: always
      sample: 0
    max_size:
      description: The most instances it had.
      type: int
      returned: always
      sample: 10
    desired_capacity:
      description: The instances it wanted.
      type: int
      returned: always
      sample: 4
capacity:
  description: The sizes that the new group has once it is live.
  returned: success
  type: dict
  sample: {"min_size": 0, "max_size": 10, "desired_capacity": 4}
phases:
  description: The sizes that O(phases) lead to.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What the phase is called.
      type: str
      returned: always
      sample: Canary
    new:
      description: How many instances the new group has after it.
      type: int
      returned: always
      sample: 1
    outgoing:
      description: How many instances the outgoing groups have after it, all together.
      type: int
      returned: always
      sample: 3
    outgoing_groups:
      description: How many instances each outgoing group has after it.
      type: dict
      returned: always
      sample: {"shop__checkout__prod__6": 3}
    weight:
      description: How many percent of production's requests the new group gets by it.
      type: int
      returned: with O(traffic)
      sample: 5
    final:
      description: Whether it is the final phase.
      type: bool
      returned: always
      sample: false
    sizes:
      description: The sizes of every group after it.
      type: dict
      returned: always
      sample: {"shop__checkout__prod__7": {"min_size": 1, "max_size": 10, "desired_capacity": 1}}
    peak:
      description: The most instances that all groups together are told to have during it.
      type: int
      returned: always
      sample: 5
    baseline:
      description: How many instances its fresh baseline has, by O(baseline).
      type: int
      returned: always
      sample: 0
    baseline_hours:
      description: How many instance-hours that costs at least, with the verification's warm-up and O(phases[].pause).
      type: float
      returned: always
      sample: 0.0
peak:
  description: The most instances that all groups together are told to have at a time, in any of O(phases).
  returned: when O(phases) is given
  type: int
  sample: 6
bake:
  description: What O(bake) comes to.
  returned: when there is one
  type: dict
  contains:
    seconds:
      description: For how many seconds at least.
      type: int
      returned: always
      sample: 3600
    requests:
      description: How many requests must have been served besides.
      type: int
      returned: always
      sample: 0
    requests_timeout:
      description: For how many seconds more they are waited for.
      type: int
      returned: always
      sample: 0
    outgoing:
      description: V(running) or V(stopped).
      type: str
      returned: always
      sample: running
    instance_hours:
      description: What it costs more than the new group alone, in hours of instances, or of the groups' units.
      type: float
      returned: always
      sample: 4.0
checks:
  description: What was found out about whether AWS is going to let it happen, when a new revision is planned.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: What was looked at.
      type: str
      returned: always
      sample: addresses
    result:
      description: V(ok), V(warning) or V(not_checked). A problem fails the module.
      type: str
      returned: always
      sample: ok
    text:
      description: What was found.
      type: str
      returned: always
      sample: 2 more addresses needed, 250 in subnet-e962248d free
resumed:
  description: Whether an interrupted deployment was found that goes on now.
  returned: success
  type: bool
  sample: false
already_live:
  description: Whether the same is live already, so that there is nothing to deploy.
  returned: success
  type: bool
  sample: false
copied:
  description: What the new group has from the base.
  returned: success
  type: list
  elements: str
  sample: ["subnets", "health check"]
not_copied:
  description: What the base has and the new group has not, and why.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: What it is.
      type: str
      returned: always
      sample: scaling policies
    reason:
      description: Why it was not copied.
      type: str
      returned: always
      sample: they are attached in the final phase
actions:
  description: What was done, or in check mode what would be done first, in words.
  returned: always
  type: list
  elements: str
  sample: ["create launch template shop__checkout__prod__7 with ami-0123456789abcdef0"]
events:
  description: The lines that were shown meanwhile.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(plan), V(change), V(activity), V(capacity), V(health), V(settled), V(warning) or V(failure).
      type: str
      returned: always
      sample: capacity
    subject:
      description: What the line is about, usually a group.
      type: str
      returned: always
      sample: checkout__prod__7
    text:
      description: What happened.
      type: str
      returned: always
      sample: "[####....] 2/4 in service, 2 pending"
done:
  description: Whether the step is done. Only with O(wait=false) it may not be.
  returned: always
  type: bool
  sample: true
waiting_for:
  description: What is still missing.
  returned: when the step is not done
  type: list
  elements: str
  sample: ["2 instances are pending"]
reason:
  description:
    - What kind of failure it was, in a word for machines.
    - Among them are V(invalid_input), V(no_credentials), V(access_denied), V(aws_error), V(launch_failed),
      V(timed_out), V(blocked), V(locked), V(overtaken) and V(drift).
  returned: on failure
  type: str
  sample: launch_failed
problems:
  description: All that is wrong with the input, a sentence each.
  returned: when RV(reason) is V(invalid_input)
  type: list
  elements: str
  sample: ["min_size 5 is above desired_capacity 4"]
attempted:
  description: What was being done when it failed.
  returned: on failure, unless RV(reason) is V(invalid_input)
  type: str
  sample: set up a new revision of series shop__checkout__prod
answer:
  description: What AWS answered, in its own words.
  returned: on failure, where there is something to say
  type: str
  sample: "We currently do not have sufficient t3.micro capacity in the Availability Zone you requested."
state:
  description: What state things are in now.
  returned: on failure, where there is something to say
  type: str
  sample: shop__checkout__prod__7 has 0 of 1 in service.
advice:
  description: What to do next.
  returned: on failure, where there is something to say
  type: str
  sample: Choose another instance type or more subnets, then run it again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils import launch_options, modules, role_input
from ansible_collections.progressive.aws.plugins.module_utils.copying.group_alarms import TELL
from ansible_collections.progressive.aws.plugins.module_utils.copying.group_alarms import (
    WAYS as WAYS_OF_ALARMS,
)
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.core.forwarding import WantedPlace
from ansible_collections.progressive.aws.plugins.module_utils.core.hooks import read_hooks
from ansible_collections.progressive.aws.plugins.module_utils.core.protection import LIFT, WAYS
from ansible_collections.progressive.aws.plugins.module_utils.deployment import alarm_watch
from ansible_collections.progressive.aws.plugins.module_utils.deployment.bake import (
    OUTGOING,
    STOPPED,
    bake_of,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.blockers import read_blockers
from ansible_collections.progressive.aws.plugins.module_utils.deployment.fresh_baseline import (
    BASELINES,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.fresh_baseline import (
    OUTGOING as OUTGOING_BASELINE,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.plan import CANARY, STRATEGIES
from ansible_collections.progressive.aws.plugins.module_utils.deployment.set_up import SetUp, SetUpOptions
from ansible_collections.progressive.aws.plugins.module_utils.reporting.notification import (
    OPTIONS as NOTIFICATION,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.rehearsal import Rehearsal
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import Settings
from ansible_collections.progressive.aws.plugins.module_utils.verification_options import (
    WATCH_OPTION,
    baseline_seconds,
    settings_of,
    watch_settings,
)

PHASE = {
    "name": {"type": "str"},
    "percent": {"type": "int"},
    "count": {"type": "int"},
    "weight": {"type": "int"},
    "before": {"type": "raw"},
    "after": {"type": "raw"},
    "pause": {"type": "raw"},
    "vars": {"type": "raw"},
    "verify": {"type": "dict"},
}
TRAFFIC = {
    "listener_arn": {"type": "str"},
    "rule_arn": {"type": "str"},
    "load_balancer": {"type": "str"},
    "port": {"type": "int"},
    "host": {"type": "str"},
    "path": {"type": "str"},
    "target_group": {"type": "str"},
}
ROLE = {
    "variables": {"type": "list", "elements": "str", "default": []},
    "folder": {"type": "path", "default": "."},
    "from_phase": {"type": "str"},
    "until_phase": {"type": "str"},
    "report": {"type": "list", "elements": "str", "default": []},
    "settle_time": {"type": "raw"},
    "launch_patience": {"type": "raw"},
    "steady_state_timeout": {"type": "raw"},
    "keep_revisions": {"type": "raw"},
    "rollback_order": {"type": "raw"},
    "rollback_floor": {"type": "raw"},
    "hooks": {"type": "raw"},
    "notifications": {"type": "list", "elements": "dict", "options": NOTIFICATION, "default": []},
    "unreadable": {"type": "list", "elements": "str", "default": []},
}
ARGUMENT_SPEC = {
    **modules.SERIES,
    "base_group": {"type": "str", "required": True},
    **launch_options.OPTIONS,
    "min_size": {"type": "int"},
    "max_size": {"type": "int"},
    "desired_capacity": {"type": "int"},
    "target_group_arns": {"type": "list", "elements": "str"},
    "load_balancer_names": {"type": "list", "elements": "str"},
    "tags": {"type": "dict", "default": {}},
    "adopt_group": {"type": "str"},
    "deployment_id": {"type": "str"},
    "phases": {"type": "list", "elements": "dict", "options": PHASE},
    "resize_order": {"type": "str", "choices": ["new_first", "old_first"], "default": "new_first"},
    "scale_in_protection": {"type": "str", "choices": list(WAYS), "default": LIFT},
    "scaling": {"type": "str", "choices": ["suspended", "scale_out"], "default": "suspended"},
    "capacity_floor": {"type": "str", "choices": ["none", "running"], "default": "none"},
    **modules.WATCHED_ALARMS_OPTION,
    **WATCH_OPTION,
    "alarms_of_group": {"type": "str", "choices": list(WAYS_OF_ALARMS), "default": TELL},
    **modules.BLOCKERS_OPTION,
    "unknown_members": {"type": "str", "choices": ["refuse", "ignore"], "default": "refuse"},
    "traffic": {"type": "list", "elements": "dict", "options": TRAFFIC, "default": []},
    "stage": {"type": "list", "elements": "dict", "options": TRAFFIC, "default": []},
    "strategy": {"type": "str", "choices": list(STRATEGIES), "default": CANARY},
    "bake": {
        "type": "dict",
        "options": {
            "seconds": {"type": "int"},
            "requests": {"type": "int"},
            "requests_timeout": {"type": "int"},
        },
    },
    "bake_outgoing": {"type": "str", "choices": list(OUTGOING), "default": STOPPED},
    "baseline": {"type": "str", "choices": list(BASELINES), "default": OUTGOING_BASELINE},
    "role": {"type": "dict", "options": ROLE},
    "list_copied": {"type": "bool", "default": True},
}


def places(given: Sequence[Mapping[str, Any]]) -> tuple[WantedPlace, ...]:
    """Listeners and rules as the options name them."""
    return tuple(WantedPlace(**{name: value for name, value in one.items() if value}) for one in given)


def options_of(params: Mapping[str, Any]) -> SetUpOptions:
    """The engine's options of the module's.

    Raises:
        InvalidInput: the name is not fit for a group's, or the user data cannot be read.
    """
    return SetUpOptions(
        series=modules.series_of(params),
        base_group=params["base_group"],
        **launch_options.given(params),
        min_size=params["min_size"],
        max_size=params["max_size"],
        desired_capacity=params["desired_capacity"],
        target_group_arns=modules.unless_unset(params["target_group_arns"]),
        load_balancer_names=modules.unless_unset(params["load_balancer_names"]),
        tags=modules.texts(params["tags"]),
        adopt_group=params["adopt_group"],
        deployment_id=params["deployment_id"],
        phases=modules.wanted_phases(
            params["phases"], baseline_seconds(params["phases"] or [], params["baseline"])
        ),
        resize_order=params["resize_order"],
        scale_in_protection=params["scale_in_protection"],
        capacity_floor=params["capacity_floor"],
        scaling=params["scaling"],
        watched_alarms=alarm_watch.named(params["watched_alarms"]),
        alarms_of_group=params["alarms_of_group"],
        blockers=read_blockers(params["blockers"]),
        unknown_members=params["unknown_members"],
        traffic=places(params["traffic"]),
        stage=places(params["stage"]),
        strategy=params["strategy"],
        bake=bake_of(params["bake"], params["bake_outgoing"]),
        baseline=params["baseline"],
        list_copied=params["list_copied"],
    )


def rehearsal(phases: Sequence[Mapping[str, Any]], watch: Mapping[str, Any]) -> Rehearsal:
    """The verifications of the phases, as far as they have any, and that in the background."""

    def of(options: Mapping[str, Any]) -> Callable[[str, Mapping[str, Any]], Settings]:
        return lambda group, sizes: settings_of({**options, **sizes}, group)

    return Rehearsal(
        [
            (phase.get("name") or "the phase", of(phase["verify"]) if phase["verify"] else None)
            for phase in phases
        ]
        + (
            [("the background", lambda group, sizes: watch_settings({**watch, **sizes}, group))]
            if watch
            else []
        )
    )


def verification_problems(phases: Sequence[Mapping[str, Any]], watch: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with the phases' verifications by themselves, and with that in the background."""
    try:
        if watch:
            watch_settings(watch, "the-new-group")
    except InvalidInput as error:
        yield from (f"the verification in the background (canary_watch): {one}" for one in error.problems)
    for phase in phases:
        try:
            if phase["verify"]:
                settings_of(phase["verify"], "the-new-group")
        except InvalidInput as error:
            yield from (f"the verification of {phase.get('name')}: {problem}" for problem in error.problems)


def main() -> None:
    """Run the module."""
    module = modules.aws_module(ARGUMENT_SPEC, **launch_options.rules(modules.SERIES_RULES))
    phases, role = module.params["phases"] or [], module.params["role"] or {}
    watch = module.params["watch"]
    start, wrong = role_input.watch_of(phases, watch)
    problems = [
        *wrong,
        *verification_problems(phases, watch),
        *(role_input.problems(role, phases) if role else ()),
    ]
    part = role_input.part_of(phases, role)[0]
    bakes = bool((module.params["bake"] or {}).get("seconds"))
    seconds = baseline_seconds(phases, module.params["baseline"])
    folder = role.get("folder", ".")
    hooks = read_hooks(role.get("hooks"), folder)[0]
    modules.run_step(
        module,
        lambda rollout: SetUp(
            rollout,
            options_of(module.params),
            check_mode=module.check_mode,
            diff=module._diff,
            problems=problems,
            warnings=role_input.unknown_variables(role["variables"])[1] if role else (),
            rehearse=rehearsal(phases, watch).plan,
            steps=role_input.steps(
                phases,
                folder,
                part,
                hooks,
                bakes=bakes,
                notify=bool(role.get("notifications")),
                watched_after=start,
                fresh=[number for number, needed in enumerate(seconds) if needed],
            ),
            begins_with=modules.wanted(phases[part.first]) if part.first else None,
            left=part.left,
        ),
    )


if __name__ == "__main__":
    main()
