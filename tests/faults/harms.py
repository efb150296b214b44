# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody does by hand to a series that is deployed, and how whoever is called at night gets out of it.

Revision 1 is what was live, and revision 2 what is deployed. A harm to what is not there is none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import RolloutError
from ansible_collections.progressive.aws.plugins.module_utils.core.passes import PassResult, Timing
from ansible_collections.progressive.aws.plugins.module_utils.deployment.give_up import GiveUp
from botocore.exceptions import ClientError

from tests.unit.engine import Site

#: docs/refusals.md promises a good image after so many commands at most.
MOST_COMMANDS = 3
ROLL_BACK = "rollback.yml"
GIVE_UP = "rollback.yml -e canary_give_up=true"
DEPLOY = "canary.yml"


# ------------------------------------------------------------------------------------------------ harms


def groups(site: Site) -> dict[str, dict[str, Any]]:
    """All groups whose names are of the series, also those that have lost their tags."""
    found = site.shop.client("autoscaling").describe_auto_scaling_groups()
    return {
        one["AutoScalingGroupName"]: one
        for one in found["AutoScalingGroups"]
        if one["AutoScalingGroupName"].startswith(site.prefix)
    }


def deregister_image(site: Site, revision: int) -> None:
    """Deregister the image that a revision launches."""
    group = groups(site).get(f"{site.prefix}{revision}", {"Tags": []})
    tags = {one["Key"]: one["Value"] for one in group["Tags"]}
    if tags.get(journal.IMAGE):
        site.shop.client("ec2").deregister_image(ImageId=tags[journal.IMAGE])


def delete_template(site: Site, revision: int) -> None:
    """Delete the launch template that a revision launches from."""
    site.shop.client("ec2").delete_launch_template(LaunchTemplateName=f"{site.prefix}{revision}")


def delete_group(site: Site, revision: int) -> None:
    """Delete a revision's group with its instances."""
    site.shop.client("autoscaling").delete_auto_scaling_group(
        AutoScalingGroupName=f"{site.prefix}{revision}", ForceDelete=True
    )


def wipe_tags(site: Site, revision: int) -> None:
    """Take the journal off a revision's group."""
    name = f"{site.prefix}{revision}"
    tags = [
        {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": one["Key"]}
        for one in groups(site).get(name, {"Tags": []})["Tags"]
        if one["Key"].startswith(journal.PREFIX)
    ]
    if tags:
        site.shop.client("autoscaling").delete_tags(Tags=tags)


def make_base_anew(site: Site) -> None:
    """Delete the base group with what it launches from, and make another of the same name."""
    shop = site.shop
    shop.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=shop.base_group)
    site.aws.settle(60.0)
    with contextlib.suppress(ClientError):
        shop.client("ec2").delete_launch_template(LaunchTemplateName=shop.base_group)
    site.make_base(LaunchTemplate=shop.launch_template(site.image("another-base")))
    shop.scale_with_cpu()


HARMS: dict[str, Callable[[Site], None]] = {
    "the outgoing image is gone": partial(deregister_image, revision=1),
    "the new image is gone": partial(deregister_image, revision=2),
    "the outgoing template is gone": partial(delete_template, revision=1),
    "the new template is gone": partial(delete_template, revision=2),
    "the outgoing group is gone": partial(delete_group, revision=1),
    "the new group is gone": partial(delete_group, revision=2),
    "the outgoing group has lost its tags": partial(wipe_tags, revision=1),
    "the new group has lost its tags": partial(wipe_tags, revision=2),
    "the base was made anew": make_base_anew,
}


def harm(site: Site, name: str) -> None:
    """Do one of C(HARMS)."""
    with contextlib.suppress(ClientError):
        HARMS[name](site)


# ---------------------------------------------------------------------------------------------- the way


def roll_back(site: Site, owner: str, timing: Timing) -> PassResult:
    """What C(ROLL_BACK) does."""
    return site.run(site.roll_back_step(owner=owner), timing)


def give_up(site: Site, owner: str, timing: Timing) -> PassResult:
    """What C(GIVE_UP) does."""
    return site.run(GiveUp(site.rollout(owner), series=site.shop.series, group=None), timing)


def deploy(site: Site, owner: str, timing: Timing) -> PassResult:
    """What C(DEPLOY) does with a good image."""
    number = len(site.aws.world.backend("ec2").amis)
    group = site.set_up(site.image(f"good-{number}"), owner)
    site.run(site.upgrade_step(group, 50, owner), timing)
    return site.run(site.upgrade_step(group, 100, owner), timing)


def way_out(site: Site, owner: str, timing: Timing) -> tuple[list[str], str]:
    """What somebody does who looks at the series first, and then does what the refusals say.

    Returns the commands that it took, and the last refusal where no good image is live after C(MOST_COMMANDS).
    """
    series = site.rollout(owner).series(site.shop.series)
    following = ROLL_BACK if series.unfinished or series.stranded else DEPLOY
    commands = {ROLL_BACK: roll_back, GIVE_UP: give_up, DEPLOY: deploy}
    done: list[str] = []
    refused = ""
    while len(done) < MOST_COMMANDS:
        done.append(following)
        try:
            commands[following](site, owner, timing)
        except RolloutError as error:
            refused = str(error)
            following = _named(refused, done)
        else:
            if following == DEPLOY:
                return done, ""
            following = DEPLOY
    return done, refused or "no good image is live"


def _named(refused: str, done: list[str]) -> str:
    """The command that a refusal names, and that was not tried yet."""
    if "canary_give_up" in refused and done[-1] == ROLL_BACK:
        return GIVE_UP
    return ROLL_BACK if "rollback" in refused and ROLL_BACK not in done else DEPLOY


def what_wants_in_vain(site: Site) -> list[str]:
    """The groups of the series that want instances which they have not got."""
    return [
        f"{name} wants {group.desired_capacity}, and has {there} in service"
        for name, group in site.shop.revisions().items()
        if (there := _units(site, name)) != group.desired_capacity
    ]


def _units(site: Site, group: str) -> int:
    instances = site.aws.world.autoscaling.groups[group].instances.values()
    return sum(one.weight for one in instances if (one.state, one.health) == ("InService", "Healthy"))
