# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/copying.md from the tables that requests are made from: C(python tests/tools/copying.py)."""

# The path to the collection comes first, where this is run by hand.
# ruff: noqa: E402

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "build" / "collections"))

from ansible_collections.progressive.aws.plugins.module_utils.copying import members
from ansible_collections.progressive.aws.plugins.module_utils.copying.described import RESERVED_TAGS
from ansible_collections.progressive.aws.plugins.module_utils.copying.inventory import MOST_TAGS
from ansible_collections.progressive.aws.plugins.module_utils.copying.members import How, Member, Table
from ansible_collections.progressive.aws.plugins.module_utils.copying.scaling_policies import (
    SCHEDULED_ACTIONS_A_CALL,
)
from ansible_collections.progressive.aws.plugins.module_utils.core import journal

PAGE = ROOT / "docs" / "copying.md"
WIDTH = 118

BEFORE = f"""\
# What a revision has of its base

<!-- Written by: python tests/tools/copying.py. Change that file, or plugins/module_utils/copying/members.py. -->

A new revision is the base group again, with another AMI. This page names every member of AWS's create calls and says
whether it is copied; the requests are made from the same tables, and a test compares them with botocore's models, so
that a member that AWS adds is not lost in silence. Another test deploys base groups of every make and compares each
new group with its base through the API alone (`tests/unit/copying/test_copying.py`).

The base is only read. No version is added to its launch template, also where it names `$Latest` or `$Default`: the
version is resolved once, and the revision gets a launch template of its own with this one version.

`asg_setup` returns what is copied (`copied`) and what is not, with the reason (`not_copied`), for the base at hand, in
check mode too. A member that AWS has had only since this version of the collection was made is among the latter.

## What the user gives

`user_data`, `instance_type`, `key_name`, `security_group_ids`, `iam_instance_profile`, `block_device_mappings`,
`metadata_options`, `target_group_arns`, `load_balancer_names` and `tags` replace what the base has; whatever is not
given is copied. A tag given replaces the base's of the same key; a new one is propagated to instances.

Where the root device of the AMI has another name than that of the base's AMI, the base's mapping of the root volume is
made for it (`root_device: follow`), so that the root volume is as large and of the type that it is in the base. With
`keep` it is copied as it is, and is a second volume then. Either way it is told.

## Launch templates of overrides

Each override of a mixed instances policy that names a launch template gets a copy of that version, named like the
group with a number. The new AMI goes into each copy, also where the original has none. Weights, instance types and
requirements stay. Where an override, or its launch template, pins an AMI that is neither the base's own nor the new
one, the plan refuses the base: one new AMI cannot take the place of two. It also refuses an AMI whose architecture
one of the instance types does not run.

## Scaling policies and their alarms

They are attached in the final phase, when the new group takes over everything. Until then the phases alone decide the
sizes: a policy that scaled the new group by its few instances would undo a phase. The policies of the outgoing groups
rest for the same time, since `AlarmNotification` and `ScheduledActions` are suspended there, and a rollback resumes
them.

Names of policies stay. Dimensions, expressions (within quotes) and queries that name the base name the new group.
Where other target groups are given, resource labels and dimensions follow: one that stays keeps its place; of the
others the first takes the first's, if there are equally many, and a single one takes all. Where that does not tell,
the plan refuses the base.

An alarm of a step or simple policy is copied, with the new group's name in front of its own; its actions go to the
new group's policies, to topics as before, and not to policies of other groups. Target tracking makes its own alarms,
and they are not copied.

## Scheduled actions

They are attached in the final phase too, at most {SCHEDULED_ACTIONS_A_CALL} a call, with their time zones. A start
that is past is left out, since AWS refuses it; an action that is over altogether is not copied. A base may have
`ScheduledActions` suspended, so that they do not change its size; that suspension is not copied.

## Adopted groups

A group that this collection did not make can be adopted as an outgoing group (`adopt_group`). Nothing is copied from
it, unless it is the base as well. It is shrunk, never deleted, and gets two tags while it takes part:
`{journal.SERIES}` and `{journal.BEFORE}`. A rollback restores its size and takes both off. A base that is
adopted is read as it was before the deployment, so that the processes that are suspended meanwhile are not copied.

## What is never copied

- Name, ARN, dates, instances and other state of the base.
- Tags that begin with `{"` or `".join(RESERVED_TAGS)}`: AWS's own, and the journal of a deployment. AWS allows
  {MOST_TAGS} tags; the plan refuses a base whose tags leave no room for the journal.
- Anything that names one instance: a network interface by id or a private address in the launch template is refused.
- The snapshot of the root device, which belongs to the old AMI.
- Alarms of the base that no step or simple policy acts on, dashboards, and EventBridge rules: nothing of the group
  names them. Alarms that watch an outgoing group by its name are told, or copied with `alarms_of_group: copy`.
- A suspension of a process without which no group gets into service (`Launch`, `Terminate`, and with target groups or
  load balancers `AddToLoadBalancer`): the plan refuses such a base.

## Every member
"""
ORDER = (How.COPIED, How.ADAPTED, How.SEPARATE, How.FINAL, How.LEFT_OUT, How.TOLD)
WAYS = {
    How.COPIED: "copied",
    How.ADAPTED: "adapted",
    How.SEPARATE: "in a call of its own",
    How.FINAL: "in the final phase",
    How.LEFT_OUT: "**not copied**",
    How.TOLD: "only told by AWS",
}


def page() -> str:
    """The whole page."""
    return BEFORE + "".join(f"\n{section(table)}" for table in members.TABLES)


def section(table: Table) -> str:
    """What becomes of each member of one table."""
    parts = [f"### {table.title}", wrapped(f"{table.calls}.")]
    plain = [member.name for member in table.members if member.how is How.COPIED and not remark(member)]
    if plain:
        parts.append(wrapped(f"Copied as they are: {names(plain)}."))
    parts.append("\n".join(items(table)))
    return "\n\n".join(part for part in parts if part) + "\n"


def items(table: Table) -> Iterator[str]:
    """An item for each member that is not simply copied; those with one reason share it."""
    alike: dict[tuple[How, str], list[str]] = {}
    for member in table.members:
        if member.how is not How.COPIED or remark(member):
            alike.setdefault((member.how, remark(member)), []).append(member.name)
    for (how, words), several in sorted(alike.items(), key=lambda item: ORDER.index(item[0][0])):
        yield wrapped(f"- {names(several)}, {WAYS[how]}: {words}.", indent="  ")


def remark(member: Member) -> str:
    """What is to be said of a member; nothing where it is simply copied."""
    words = [member.words] if member.words else []
    if member.without:
        words.append(f"without {names(sorted(member.without))}, which AWS tells and takes from nobody")
    return "; ".join(words)


def names(members: list[str]) -> str:
    """Members as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in members)


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph or item in lines of a bearable length."""
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
