# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that name the AMI, and say what the new instances have of their own."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(launching.OPTIONS)."""

    DOCUMENTATION = r"""
options:
  image_id:
    description:
      - The id of the AMI that the new group launches.
      - Exactly one of O(image_id), O(image_name), O(image_filters) and O(image_ssm_parameter) names the AMI. It is
        looked up once, and a deployment that was interrupted goes on with what was found.
    type: str
  image_name:
    description:
      - The name of the AMI, which may have C(*) and C(?) in it. Of several that match, the newest is taken.
    type: str
  image_filters:
    description:
      - Filters that the AMI passes, by the names that the API call DescribeImages has for them, such as
        V(tag:release), each with one value or a list of values. Of several that match, the newest is taken.
      - Only AMIs in the state V(available) are looked at, unless there is a filter for V(state).
    type: dict
  image_owners:
    description:
      - Whose AMIs O(image_name) and O(image_filters) look at; account ids, V(self), V(amazon) or V(aws-marketplace).
      - By default only this account's own, since anybody may publish an AMI under any name.
    type: list
    elements: str
  image_ssm_parameter:
    description:
      - The name of a parameter of Systems Manager that holds the AMI's id. Public parameters work, and so do a version
        or label after a colon.
    type: str
  planned_image_id:
    description:
      - The RV(image_id) that an earlier run in check mode returned for these options, to be taken in place of looking
        again. So what is done is what was planned, even when a newer AMI has come meanwhile.
    type: str
  user_data:
    description:
      - User data of the new instances, as plain text; it is encoded here.
      - By default that of the base.
    type: str
  user_data_file:
    description:
      - A file with the user data, in place of O(user_data), on the host where the module runs.
    type: path
  instance_type:
    description:
      - The instance type of the new instances, in place of the base's.
      - Not for a base whose mixed instances policy names the types.
    type: str
  key_name:
    description: The key pair of the new instances, in place of the base's.
    type: str
  security_group_ids:
    description: The security groups of the new instances, in place of the base's.
    type: list
    elements: str
  iam_instance_profile:
    description: The name or ARN of the instance profile of the new instances, in place of the base's.
    type: str
  block_device_mappings:
    description:
      - Block devices of the new instances. One of the same device as the base's replaces it; the others of the base
        are kept.
    type: list
    elements: dict
    suboptions:
      device_name:
        description: The device, such as V(/dev/xvda).
        type: str
        required: true
      virtual_name:
        description: The virtual device, such as V(ephemeral0).
        type: str
      no_device:
        description: Whether to leave away a device that the AMI or the base has.
        type: bool
      ebs:
        description: The volume, where it is one of EBS.
        type: dict
        suboptions:
          delete_on_termination:
            description: Whether it is deleted with its instance.
            type: bool
          encrypted:
            description: Whether it is encrypted.
            type: bool
          iops:
            description: Its operations a second.
            type: int
          kms_key_id:
            description: The key that encrypts it. Not for launch configurations.
            type: str
          snapshot_id:
            description: The snapshot that it is made of.
            type: str
          throughput:
            description: Its throughput, in MiB/s.
            type: int
          volume_initialization_rate:
            description: How fast it is initialised from its snapshot, in MiB/s. Not for launch configurations.
            type: int
          volume_size:
            description: Its size, in GiB.
            type: int
          volume_type:
            description: Its type, such as V(gp3).
            type: str
  root_device:
    description:
      - What becomes of the base's block device mapping of the root volume where the root device of the AMI has another
        name, such as V(/dev/sda1) instead of V(/dev/xvda).
      - V(follow) makes the mapping for the AMI's root device, so that its root volume is as large and of the type that
        it is in the base. V(keep) leaves the mapping alone; it is a second volume then.
      - Which device was the root's is told by the base's AMI; where that is gone, it is the one that AWS reserves for
        root volumes.
    type: str
    choices: [follow, keep]
    default: follow
  metadata_options:
    description: Options of the instance metadata service. Each that is given replaces the base's.
    type: dict
    suboptions:
      http_endpoint:
        description: Whether the service can be reached.
        type: str
        choices: [enabled, disabled]
      http_protocol_ipv6:
        description: Whether it can be reached over IPv6. Not for launch configurations.
        type: str
        choices: [enabled, disabled]
      http_put_response_hop_limit:
        description: How many hops its answer may go, from 1 to 64.
        type: int
      http_tokens:
        description: Whether a token is needed, which is version 2 of the service.
        type: str
        choices: [optional, required]
      instance_metadata_tags:
        description: Whether it tells the instance's tags. Not for launch configurations.
        type: str
        choices: [enabled, disabled]
"""
