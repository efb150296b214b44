# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment must remember, as tags on the groups themselves.

The new group carries the deployment, each outgoing group what it was before. The values stay within AWS's
limits for tags: keys of at most 128 and values of at most 256 characters, of letters, digits, spaces and
C(+ - = . _ : / @) (Amazon EC2 user guide, "Tag restrictions").

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone

from .errors import NewerJournal
from .model import Bake, Capacity, Deployment, Group, Lease, Phase, PlannedPhase, Snapshot
from .naming import PARTS, names_digest
from .watched_alarms import AlarmsAtStart, read_alarms

PREFIX = "progressive:"
SERIES = PREFIX + "series"
REVISION = PREFIX + "revision"
DEPLOYMENT = PREFIX + "deployment"
STATUS = PREFIX + "status"
BASE = PREFIX + "base"
IMAGE = PREFIX + "image"
CAPACITY = PREFIX + "capacity"
PHASE = PREFIX + "phase"
FINGERPRINT = PREFIX + "fingerprint"
LEASE = PREFIX + "lease"
OUTGOING = PREFIX + "outgoing"
BEFORE = PREFIX + "before"
RESTORED = PREFIX + "restored"
ADOPTED = PREFIX + "adopted"
LIVE_SINCE = PREFIX + "live-since"
GROUP_ALARMS = PREFIX + "group-alarms"
FORMAT = PREFIX + "format"
BASELINE = PREFIX + "baseline"

# What is written, and read. What one release writes, every later one with the same first number reads: a new field
# that may be missing, or may be ignored, is the same format. It rises where an earlier release would do harm.
OUR_FORMAT = 1
# What a fresh baseline says. A release that does not know it would take the group for an outgoing one, and refuses.
FORMAT_OF_BASELINES = 2

# Keys that a group of a series may carry, all together: what the base's tags must leave room for.
KEYS = (
    *(SERIES, REVISION, DEPLOYMENT, STATUS, BASE, IMAGE, CAPACITY, PHASE, FINGERPRINT, LEASE, OUTGOING),
    *(BEFORE, RESTORED, ADOPTED, LIVE_SINCE, GROUP_ALARMS, FORMAT),
)

DEPLOYING = "deploying"
LIVE = "live"
SUPERSEDED = "superseded"
ROLLING_BACK = "rolling-back"
FAILED = "failed"
UNFINISHED = (DEPLOYING, ROLLING_BACK)

LONGEST_VALUE = 256

_PLAIN = re.compile(r"[A-Za-z0-9+\-._:/@]")


def escape(text: str) -> str:
    """Write any text with the characters that a tag's value may have, without spaces: others become C(=HH)."""
    return "".join(
        character if _PLAIN.fullmatch(character) else "".join(f"={byte:02X}" for byte in character.encode())
        for character in text
    )


def unescape(text: str) -> str:
    """Read what C(escape) wrote."""
    raw = re.sub(rb"=([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), text.encode())
    return raw.decode(errors="replace")


def _write(fields: Mapping[str, object]) -> str:
    return " ".join(f"{name}={escape(str(value))}" for name, value in fields.items())


def _read(value: str) -> dict[str, str]:
    fields = (word.partition("=") for word in value.split())
    return {name: unescape(text) for name, __, text in fields}


def _number(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0


# How a planned phase says in a letter what its verification has come to.
_VERDICTS = {"": "", "due": "v", "passed": "p"}


def write_sizes(deployment: Deployment) -> str:
    """Sizes and what is planned, as a tag's value: C(min=0 max=10 desired=4 plan=1v+2p+4f alarms=aB3x9k.Zq0 bake=3600).

    C(w5) is the percent of the requests where traffic is shifted. C(f) marks the final phase, C(v) one that is still
    to be verified, C(p) one that has passed. After the dot come the alarms that were in ALARM when it began.
    C(scaling=out) lets policies raise outgoing groups, C(taken=2-3) are min and desired that the new group had when
    that was last taken in. C(bake) are its seconds, then its requests and the seconds for these where there are any;
    C(keep) says that the outgoing groups keep their sizes meanwhile.
    """
    capacity = deployment.capacity
    words = [
        f"{one.target}{'' if one.weight is None else f'w{one.weight}'}{'f' if one.final else ''}"
        f"{_VERDICTS[one.verdict]}"
        for one in deployment.plan
    ]
    sizes = {"min": capacity.min_size, "max": capacity.max_size, "desired": capacity.desired_capacity}
    planned = {
        "plan": "+".join(words),
        "alarms": deployment.alarms.write(),
        "scaling": "out" if deployment.scale_out else "",
        "taken": _write_taken(deployment.taken),
        "bake": _write_bake(deployment.bake),
    }
    return _write({**sizes, **{name: value for name, value in planned.items() if value}})


def _write_taken(taken: tuple[int, int] | None) -> str:
    return f"{taken[0]}-{taken[1]}" if taken else ""


def _read_taken(fields: Mapping[str, str]) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d+)-(\d+)", fields.get("taken", ""))
    return (int(found[1]), int(found[2])) if found else None


def _write_bake(bake: Bake) -> str:
    numbers = (bake.seconds, bake.requests, bake.requests_timeout)
    kept = numbers if bake.requests else numbers[:1] if bake.seconds else ()
    return "+".join([*map(str, kept), *(["keep"] if bake.keeps else [])])


def read_bake(value: str) -> Bake:
    """The bake from a tag's value."""
    words = _read(value).get("bake", "").split("+")
    numbers = [int(word) for word in words if word.isascii() and word.isdigit()][:3]
    seconds, requests, requests_timeout = [*numbers, 0, 0, 0][:3]
    return Bake(seconds, requests, requests_timeout, keeps="keep" in words)


def read_plan(value: str) -> tuple[PlannedPhase, ...]:
    """Planned phases from a tag's value."""
    words = _read(value).get("plan", "").split("+")
    found = [one for word in words if (one := re.fullmatch(r"(\d+)(?:w(\d+))?(f?)([vp]?)", word))]
    verdicts = {letter: verdict for verdict, letter in _VERDICTS.items()}
    return tuple(
        PlannedPhase(
            int(one[1]),
            bool(one[3]),
            verdicts[one[4]],
            int(one[2]) if one[2] else None,
        )
        for one in found
    )


def read_alarms_at_start(value: str) -> AlarmsAtStart:
    """What the watched alarms were when a deployment began, from a tag's value."""
    return read_alarms(_read(value).get("alarms", ""))


def read_capacity(value: str) -> Capacity:
    """Sizes from a tag's value."""
    fields = _read(value)
    return Capacity(_number(fields, "min"), _number(fields, "max"), _number(fields, "desired"))


def write_phase(phase: Phase) -> str:
    """A phase as a tag's value: C(before=1 target=2 stage=canary), in a bake with since when, by AWS's clock.

    Where traffic is shifted with the percent of the requests: C(weight=5).
    """
    stage = "canary"
    if phase.preparing:
        stage = "setup"
    elif phase.baking:
        stage = "bake-scaled" if phase.finishing else "bake"
    elif phase.finishing:
        stage = "finishing"
    elif phase.final:
        stage = "baked" if phase.baked else "final"
    since = {"since": phase.bake_since} if phase.baking else {}
    more = {"withdrawn": 1} if phase.withdrawn else {}
    if phase.weight is not None:
        more["weight"] = phase.weight
    if phase.homeward:
        more["homeward"] = 1
    return _write({"before": phase.before, "target": phase.target, "stage": stage, **since, **more})


def read_phase(value: str) -> Phase:
    """A phase from a tag's value."""
    fields = _read(value)
    stage = fields.get("stage", "")
    return Phase(
        before=_number(fields, "before"),
        target=_number(fields, "target"),
        final=stage in ("final", "finishing", "bake", "bake-scaled", "baked"),
        finishing=stage in ("finishing", "bake-scaled"),
        preparing=stage == "setup",
        bake_since=_number(fields, "since") if stage in ("bake", "bake-scaled") else 0,
        baked=stage == "baked",
        withdrawn=bool(_number(fields, "withdrawn")),
        weight=_number(fields, "weight") if "weight" in fields else None,
        homeward=bool(_number(fields, "homeward")),
    )


def write_lease(lease: Lease) -> str:
    """A lease as a tag's value."""
    watching = {"watching": lease.watching} if lease.watching else {}
    return _write({"owner": lease.owner, "since": lease.since, "until": lease.until, **watching})


def read_lease(value: str) -> Lease | None:
    """A lease from a tag's value; None where there is none."""
    fields = _read(value)
    if not fields.get("owner"):
        return None
    return Lease(
        fields["owner"], _number(fields, "since"), _number(fields, "until"), _number(fields, "watching")
    )


def write_base(base_group: str, names: Sequence[str]) -> str:
    """The base group, and the names of the series as they were given, as a tag's value.

    C(shop-base application=shop service=check-out environment=prod). Where that is too long, a digest stands for the
    names.
    """
    base = escape(base_group)
    if not names:
        return base
    whole = f"{base} {_write(dict(zip(PARTS, names, strict=True)))}"
    return whole if len(whole) <= LONGEST_VALUE else f"{base} {_write({'names': names_digest(names)})}"


def read_base(value: str) -> tuple[str, tuple[str, ...]]:
    """The base group and the names of the series from a tag's value."""
    base, __, rest = value.partition(" ")
    fields = _read(rest)
    names = tuple(fields[part] for part in PARTS if part in fields)
    return unescape(base), names if len(names) == len(PARTS) else tuple(filter(None, [fields.get("names")]))


def write_outgoing(snapshots: Iterable[Snapshot]) -> str:
    """The outgoing groups as a tag's value, by their revisions: C(6 5). One that was adopted has none."""
    numbers = sorted((one.revision for one in snapshots if one.revision), reverse=True)
    return " ".join(map(str, numbers))


def read_outgoing(value: str) -> tuple[int, ...]:
    """The revisions of the outgoing groups from a tag's value."""
    return tuple(int(word) for word in value.split() if word.isascii() and word.isdigit())


def write_adopted(names: Iterable[str]) -> str:
    """The adopted groups as a tag's value, by their names."""
    return " ".join(map(escape, names))


def write_snapshot(snapshot: Snapshot) -> str:
    """What an outgoing group was before, as a tag's value."""
    capacity = snapshot.capacity
    return _write(
        {
            "deployment": snapshot.deployment_id,
            "min": capacity.min_size,
            "max": capacity.max_size,
            "desired": capacity.desired_capacity,
            "status": snapshot.status,
            "suspended": "+".join(sorted(snapshot.suspended)),
            **({"grown": snapshot.grown} if snapshot.grown else {}),
            **({"taken": _write_taken(snapshot.taken)} if snapshot.taken else {}),
            **({"protected": snapshot.protected} if snapshot.protected else {}),
            **({"lifted": "+".join(sorted(snapshot.lifted))} if snapshot.lifted else {}),
        }
    )


def read_snapshot(group: Group) -> Snapshot | None:
    """What a group was before the deployment that it is outgoing in; None where it is in none."""
    value = group.tags.get(BEFORE)
    if not value:
        return None
    fields = _read(value)
    return Snapshot(
        group=group.name,
        revision=revision(group),
        capacity=read_capacity(value),
        suspended=frozenset(filter(None, fields.get("suspended", "").split("+"))),
        status=fields.get("status", ""),
        deployment_id=fields.get("deployment", ""),
        protected=_number(fields, "protected"),
        lifted=frozenset(filter(None, fields.get("lifted", "").split("+"))),
        grown=_number(fields, "grown"),
        taken=_read_taken(fields),
    )


def take_snapshot(group: Group, deployment_id: str) -> Snapshot:
    """What a group is now, as the snapshot of a deployment that is about to begin."""
    return Snapshot(
        group=group.name,
        revision=revision(group),
        capacity=group.capacity,
        suspended=group.suspended,
        status=status(group),
        deployment_id=deployment_id,
    )


def revision(group: Group) -> int:
    """The revision that a group says it is; 0 where it says none."""
    return _number(group.tags, REVISION)


def status(group: Group) -> str:
    """The status that a group says it has; empty where it says none."""
    return group.tags.get(STATUS, "")


def write_moment(seconds: float) -> str:
    """A time (seconds since the epoch) as a tag's value, in UTC: C(2026-03-04T12:00:00Z)."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_moment(value: str) -> float | None:
    """A time that C(write_moment) wrote, in seconds since the epoch; none where it is no time."""
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None


def live_since(group: Group) -> str:
    """Since when a group has been live, as C(write_moment) wrote it; empty where it says nothing."""
    return group.tags.get(LIVE_SINCE, "")


def write_deployment(deployment: Deployment) -> dict[str, str]:
    """All tags of a new group, for the request that creates it."""
    tags = {
        SERIES: deployment.series,
        REVISION: str(deployment.revision),
        DEPLOYMENT: deployment.deployment_id,
        STATUS: deployment.status,
        BASE: write_base(deployment.base_group, deployment.names),
        IMAGE: escape(deployment.image_id),
        CAPACITY: write_sizes(deployment),
        PHASE: write_phase(deployment.phase),
        FINGERPRINT: deployment.fingerprint,
    }
    if OUR_FORMAT > 1:
        # The first format is that of a group that tells none: AWS allows a group fifty tags.
        tags[FORMAT] = str(OUR_FORMAT)
    if deployment.adopted:
        tags[ADOPTED] = write_adopted(deployment.adopted)
    if deployment.group_alarms:
        tags[GROUP_ALARMS] = deployment.group_alarms
    if deployment.lease:
        tags[LEASE] = write_lease(deployment.lease)
    return tags


def write_baseline(deployment: Deployment) -> dict[str, str]:
    """All tags of the fresh baseline of a deployment, for the request that creates its group."""
    return {
        SERIES: deployment.series,
        DEPLOYMENT: deployment.deployment_id,
        BASELINE: str(deployment.revision),
        FORMAT: str(FORMAT_OF_BASELINES),
    }


def is_baseline(group: Group) -> bool:
    """Whether a group is the fresh baseline of a deployment, and so no revision."""
    return bool(group.tags.get(BASELINE))


def read_deployment(group: Group) -> Deployment | None:
    """The deployment that brought a revision about; None where its tags tell of none.

    Raises:
        NewerJournal: they are of a format that is not known here.
    """
    tags = group.tags
    if not tags.get(SERIES) or not tags.get(DEPLOYMENT) or is_baseline(group):
        return None
    # The first format tells none.
    written = _number(tags, FORMAT) or 1
    if written > OUR_FORMAT:
        raise NewerJournal(
            f"read what is written on group {group.name}",
            answer=f"deployment {tags[DEPLOYMENT]} is in format {written}, and this release of progressive.aws knows"
            f" format {OUR_FORMAT}",
            state="This step has touched nothing.",
            advice="A newer release wrote it: install that one (ansible-galaxy collection install --upgrade"
            " progressive.aws), and run the same again.",
        )
    base_group, names = read_base(tags.get(BASE, ""))
    return Deployment(
        series=tags[SERIES],
        revision=revision(group),
        group=group.name,
        deployment_id=tags[DEPLOYMENT],
        status=status(group),
        base_group=base_group,
        image_id=unescape(tags.get(IMAGE, "")),
        capacity=read_capacity(tags.get(CAPACITY, "")),
        phase=read_phase(tags.get(PHASE, "")),
        fingerprint=tags.get(FINGERPRINT, ""),
        lease=read_lease(tags.get(LEASE, "")),
        outgoing=read_outgoing(tags.get(OUTGOING, "")),
        adopted=tuple(map(unescape, tags.get(ADOPTED, "").split())),
        plan=read_plan(tags.get(CAPACITY, "")),
        alarms=read_alarms_at_start(tags.get(CAPACITY, "")),
        bake=read_bake(tags.get(CAPACITY, "")),
        names=names,
        group_alarms=tags.get(GROUP_ALARMS, ""),
        scale_out=_read(tags.get(CAPACITY, "")).get("scaling") == "out",
        taken=_read_taken(_read(tags.get(CAPACITY, ""))),
    )


def outgoing(groups: Iterable[Group], deployment_id: str) -> list[Snapshot]:
    """The snapshots of the groups that are outgoing in a deployment, the newest revision first."""
    snapshots = [snapshot for group in groups if (snapshot := read_snapshot(group))]
    return sorted(
        (one for one in snapshots if one.deployment_id == deployment_id),
        key=lambda one: one.revision,
        reverse=True,
    )


def too_long(tags: Mapping[str, str]) -> list[str]:
    """Say which of the journal's tags AWS would not take; an empty list where it would take all."""
    fewer = {
        CAPACITY: "plan fewer phases, or watch fewer alarms, of which a composite alarm can stand for many"
    }
    return [
        f"the tag {key} would need {len(value)} characters, and AWS takes {LONGEST_VALUE};"
        f" {fewer.get(key, 'use shorter names')}"
        for key, value in tags.items()
        if len(value) > LONGEST_VALUE
    ]
