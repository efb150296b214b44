#!/usr/bin/python
# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send word of a run of the role canary: documentation and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: canary_notify
short_description: Send word of a canary deployment
version_added: 0.1.0
description:
  - Tells topics of Amazon SNS, event buses of Amazon EventBridge and webhooks of chat tools what a deployment has come
    to.
  - The role P(progressive.aws.canary#role) sends word after the set-up, after each phase, at success, after a rollback
    and on refusal.
  - What cannot be sent is a warning, and never a failure. AWS gets ten seconds for all of it.
options:
  notifications:
    description: Where to send word. Each has exactly one of C(sns_topic), C(event_bus) and C(webhook_url).
    type: list
    elements: dict
    default: []
    suboptions:
      sns_topic:
        description:
          - ARN of an SNS topic in the region of the connection. It gets a sentence or two, and the attributes
            C(moment), C(outcome), C(series) and C(phase) to filter by.
        type: str
      event_bus:
        description:
          - Name or ARN of an event bus. It gets an event with the source C(progressive.aws) and the detail type
            C(Canary Deployment).
          - Its detail has C(version), which is 1, C(moment), C(outcome), C(series), C(group), C(image_id),
            C(deployment_id), C(phase), C(reason) and C(text).
        type: str
      webhook_url:
        description:
          - Address to which a JSON object with a C(text) is posted, as Slack, Mattermost, Rocket.Chat and Google Chat
            take it.
          - It is as secret as a password, and is shown nowhere; of its parts only the host is.
        type: str
      moments:
        description:
          - When to send word, of V(after_setup), V(after_phase), V(after_success), V(after_rollback) and V(on_refusal).
            By default at all of them.
        type: list
        elements: str
      headers:
        description: Headers for the webhook, of which none is secret.
        type: dict
      secret_headers:
        description: Headers for the webhook that are secret.
        type: dict
      bearer_token:
        description: Token for the webhook's header C(Authorization).
        type: str
      url_username:
        description: User name for the webhook, where it asks for one, with O(notifications[].url_password).
        type: str
      url_password:
        description: Password for the webhook.
        type: str
      validate_certs:
        description: Whether the webhook's certificate is checked. By default it is.
        type: bool
      ca_path:
        description: File with the certificates of the authority that the webhook's certificate is of.
        type: path
      timeout:
        description: Seconds that the webhook may take, at most 60. By default 10.
        type: float
  moment:
    description: What has happened.
    type: str
    choices: [after_setup, after_phase, after_success, after_rollback, on_refusal]
    required: true
  phase:
    description: The name of the phase that it has happened in.
    type: str
    default: ''
  failure:
    description: What Ansible says of the task that failed, which is C(ansible_failed_result) in a rescue.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Can run in check mode; nothing is sent then.
    support: full
  diff_mode:
    description: Returns details on what has changed when in diff mode.
    support: none
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - progressive.aws.passes
  - progressive.aws.attributes
author:
  - The progressive.aws team (@progressive-aws)
seealso:
  - module: progressive.aws.canary_report
"""

EXAMPLES = r"""
- name: Tell the team that the phase is done
  progressive.aws.canary_notify:
    notifications:
      - event_bus: default
      - sns_topic: arn:aws:sns:eu-west-1:123456789012:deployments
        moments: [after_success, after_rollback, on_refusal]
      - webhook_url: "{{ vaulted_webhook }}"
    moment: after_phase
    phase: Canary
    run: ["{{ setup }}", "{{ upgrade }}"]
"""

RETURN = r"""
sent:
  description: Where word was sent, without what is secret of an address.
  returned: success
  type: list
  elements: str
  sample: [event bus default, the webhook at hooks.slack.com]
not_sent:
  description: Where it could not be sent, and why.
  returned: success
  type: list
  elements: str
  sample: []
events:
  description: The lines that were shown.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.progressive.aws.plugins.module_utils import modules
from ansible_collections.progressive.aws.plugins.module_utils.reporting.notification import (
    MOMENTS,
    OPTIONS,
    Notify,
)
from ansible_collections.progressive.aws.plugins.module_utils.reporting.so_far import run_so_far

ARGUMENT_SPEC = {
    "notifications": {"type": "list", "elements": "dict", "options": OPTIONS, "default": []},
    "moment": {"type": "str", "choices": list(MOMENTS), "required": True},
    "phase": {"type": "str", "default": ""},
    "failure": {"type": "dict", "default": {}},
}


def main() -> None:
    """Run the module."""
    module = modules.aws_module(ARGUMENT_SPEC)
    params = module.params
    told = run_so_far(params["run"] or [], params["moment"], params["failure"])
    modules.run_module(
        module, lambda calls, clock: Notify(calls, params["notifications"], told, params["phase"])
    )


if __name__ == "__main__":
    main()
