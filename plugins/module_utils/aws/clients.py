# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes boto3's clients, with the service models loaded once for all of them.

Reading a service's model is most of what a client costs. botocore keeps models in a loader, and makes one for each
session; here all sessions of a process share one, and so do the workers that ansible-playbook forks from it.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from typing import Any

# Without them, AnsibleAWSModule says so to the user before anything is called.
with contextlib.suppress(ImportError):
    import boto3
    import botocore.config
    import botocore.loaders
    import botocore.session

from . import not_parsed

#: What a deployment calls in any case.
USUAL_SERVICES = ("autoscaling", "ec2", "elbv2", "cloudwatch")


@functools.cache
def _loader(data_path: str | None) -> Any:
    return botocore.loaders.create_loader(data_path)


def _session(profile: str | None) -> Any:
    session = botocore.session.Session(profile=profile)
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return boto3.session.Session(botocore_session=session)


def client(
    service: str,
    *,
    region: str,
    endpoint: str | None,
    config: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Any:
    """Make a client of a service.

    C(config) are settings of botocore's Config that hold unless the user's C(aws_config) in C(options) has others;
    C(options) are what amazon.aws makes of its connection options: keys, C(profile_name), C(verify), C(aws_config).

    Raises:
        botocore's and boto3's own exceptions, and ValueError for an endpoint that is no address.
    """
    given = dict(options)
    profile, users = given.pop("profile_name", None), given.pop("aws_config", None)
    settings = botocore.config.Config(**config)
    if users is not None:
        settings = settings.merge(users)
    made = _session(profile).client(
        service, region_name=region, endpoint_url=endpoint, config=settings, **given
    )
    not_parsed.watch(made)
    return made


def preload() -> None:
    """Load boto3 and the models of the usual services, so that processes forked from here need not.

    Nothing is called, and no credentials are looked for. Without boto3 nothing happens.
    """
    with contextlib.suppress(Exception):
        session = _session(None)
        for service in USUAL_SERVICES:
            session.client(
                service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
            )
