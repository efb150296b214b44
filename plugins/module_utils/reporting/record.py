# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run came to: a record for machines, and a short table for people.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core import naming
from ..core.passes import Event
from .details import events_of, hide, instances_of, number_of, verification_of
from .run_record import reason_of

LIVE = "live"
ALREADY_LIVE = "already-live"
PLANNED = "planned"
ROLLED_BACK = "rolled-back"
FAILED = "failed"
RUNNING = "running"
# It was left to a later run, by canary_until_phase.
UNDER_WAY = "under-way"
OUTCOMES = (LIVE, ALREADY_LIVE, PLANNED, ROLLED_BACK, FAILED, RUNNING, UNDER_WAY)

# The image was on its way out for a reason that nobody has seen yet: somebody should look before it is tried again.
INTERRUPTED = (
    "An earlier run of the same deployment was interrupted while it rolled back, and that has been brought to its end."
    " Run it again to deploy anew."
)

# Columns of a terminal that no line goes beyond.
WIDTH = 100

GROUP_COLUMNS = ("group", "status", "min/max/desired", "in service", "image")
SIZES = ("min_size", "max_size", "desired_capacity", "in_service")
NOTHING = "-"

Row = Sequence[str]


@dataclass(frozen=True)
class Run:
    """A run of the role: how it ended, and what was seen of the series before and after.

    The revisions are such as C(asg_series_info) returns. A phase has C(name), C(percent) or C(count), C(started)
    and, unless it was taken back, C(ended) (seconds since the epoch), C(verdict), and C(targets), the instances of
    the new group after it; one that is only planned has C(new) and C(outgoing) instead, in instances. It may also
    have the C(actions), C(events) and C(instances) of its upgrade, and its C(verification), as C(cloudwatch_verify)
    returns it, with the options that it was given as C(verify). C(setup) is what C(asg_setup) returned and
    C(rollback) what C(asg_rollback) did. C(started) and C(ended) are seconds since the epoch.
    """

    outcome: str
    reason: str = ""
    before: Sequence[Mapping[str, Any]] = ()
    after: Sequence[Mapping[str, Any]] = ()
    phases: Sequence[Mapping[str, Any]] = ()
    setup: Mapping[str, Any] = field(default_factory=dict)
    rollback: Mapping[str, Any] = field(default_factory=dict)
    started: Any = None
    ended: Any = None
    doing: str = ""

    @classmethod
    def so_far(cls, record: Mapping[str, Any], doing: str) -> Run:
        """A run that goes on, by the record of its steps; C(doing) says what it is doing now."""
        phases = record.get("phases") or ()
        where = f"{phases[-1].get('name')}: " if phases and not record.get("rollback") else ""
        return cls(
            outcome=RUNNING,
            reason=str(record.get("reason") or ""),
            before=record.get("revisions_before") or (),
            after=record.get("revisions_after") or (),
            phases=phases,
            setup=record.get("setup") or {},
            rollback=record.get("rollback") or {},
            started=record.get("started"),
            ended=record.get("ended"),
            doing=where + doing,
        )

    @classmethod
    def of(cls, record: Mapping[str, Any], *, failed: bool, failure: Mapping[str, Any] | None) -> Run:
        """The run by the record that its steps kept.

        C(failed) says that it is reported from a rescue, and C(failure) is what Ansible then says of the failed task.
        """
        setup, rollback = record.get("setup") or {}, record.get("rollback") or {}
        phases = record.get("phases") or ()
        reason = str(record.get("reason") or reason_of(failure)) if failed else ""
        if setup.get("reason") == "rolling_back" and rollback and not rollback.get("failed"):
            reason = INTERRUPTED
        if failed:
            outcome = ROLLED_BACK if rollback and not rollback.get("failed") else FAILED
        elif record.get("planned"):
            outcome, phases = PLANNED, setup.get("phases") or ()
        else:
            outcome = ALREADY_LIVE if setup.get("already_live") else UNDER_WAY if setup.get("left") else LIVE
        return cls(
            outcome=outcome,
            reason=reason,
            before=record.get("revisions_before") or (),
            after=record.get("revisions_after") or (),
            phases=phases,
            setup=setup,
            rollback=rollback,
            started=record.get("started"),
            ended=record.get("ended"),
        )

    @property
    def last_words(self) -> str:
        """Why the play fails, in a sentence that begins with what became of the deployment."""
        failure = self.rollback.get("failure")
        if failure:
            return f"The rollback failed: {failure} The deployment had failed before that: {self.reason}"
        if self.outcome == ROLLED_BACK:
            return f"Rolled back. {self.reason}"
        if self.setup.get("group") and not self.setup.get("failed"):
            return f"Not rolled back, because canary_rollback is false. {self.reason}"
        return self.reason

    def record(self) -> dict[str, Any]:
        """The run as plain JSON types; a group that did not exist before, or does not any more, has null there."""
        groups, phases = self._groups(), [_phase(phase, self._rollback_began()) for phase in self.phases]
        steps = (self.setup, *self.phases, self.rollback)
        record: dict[str, Any] = hide(
            {
                "outcome": self.outcome,
                "reason": self.reason,
                "doing": self.doing,
                "series": _series(groups),
                "seconds": _elapsed(self.phases),
                "groups": groups,
                "phases": phases,
                "started": number_of(self.started),
                "ended": number_of(self.ended),
                "group": self.setup.get("group") or "",
                "image_id": self.setup.get("image_id") or "",
                "deployment_id": self.setup.get("deployment_id") or "",
                "left": _texts(self.setup.get("left")),
                "setup": {
                    "actions": _texts(self.setup.get("actions")),
                    "copied": _texts(self.setup.get("copied")),
                    "not_copied": [
                        {"what": str(one.get("what", "")), "reason": str(one.get("reason", ""))}
                        for one in self.setup.get("not_copied") or ()
                    ],
                },
                "floor": self._floor(),
                "rollback": _rollback(self.rollback, self._rollback_began(), number_of(self.ended)),
                "instances": instances_of(phases, self._launched()),
                "events": events_of(event for step in steps for event in step.get("events") or ()),
            }
        )
        return record

    def outline(self) -> dict[str, Any]:
        """The record without its long lists: the events, and the data that were judged."""
        record = self.record()
        del record["events"]
        for phase in record["phases"]:
            if phase["verification"]:
                for name in ("series", "history", "options"):
                    del phase["verification"][name]
        return record

    def _floor(self) -> int | None:
        """How many instances were to be in service at any time, by the rule of new_first; None where none were."""
        if any(phase.get("resize_order") == "old_first" for phase in self.phases):
            return None
        running = sum(int(number_of(one.get("in_service")) or 0) for one in self.before)
        wanted = number_of((self.setup.get("capacity") or {}).get("desired_capacity"))
        return (running if wanted is None else min(running, int(wanted))) or None

    def _rollback_began(self) -> float | None:
        """When the rollback began: as it says, or else when its first event was told."""
        events = self.rollback.get("events") or ()
        return number_of(self.rollback.get("started") or (events[0].get("at") if events else None))

    def _launched(self) -> list[dict[str, Any]]:
        return [
            {
                "instance_id": instance_id,
                "group": self.setup.get("group"),
                "phase": phase.get("name"),
            }
            for phase in self.phases
            for instance_id in (phase.get("instances") or {}).get("new") or ()
        ]

    def events(self) -> list[Event]:
        """The run as lines: how it ended, the groups, and the phases. Why it failed is told by failing."""
        record = self.record()
        kind = {LIVE: "settled", ALREADY_LIVE: "settled", UNDER_WAY: "settled", PLANNED: "plan"}.get(
            self.outcome
        )
        return [
            *(Event(kind, "", line) for line in textwrap.wrap(_headline(record), WIDTH) if kind),
            *(Event("plan", "", line) for line in (*_group_lines(record), *_phase_lines(record))),
        ]

    def _groups(self) -> list[dict[str, Any]]:
        before, after = (
            {revision["name"]: revision for revision in several if revision.get("name")}
            for several in (self.before, self.after)
        )
        groups = []
        for name, known in sorted(
            {**before, **after}.items(), key=lambda item: (item[1].get("revision") or 0, item[0])
        ):
            groups.append(
                {
                    "name": name,
                    "revision": known.get("revision"),
                    "image_id": known.get("image_id", ""),
                    "deployment_id": known.get("deployment_id", ""),
                    "before": _sizes(before.get(name)),
                    "after": _sizes(after.get(name)),
                }
            )
        return groups


def revision_events(
    series: str,
    revisions: Sequence[Mapping[str, Any]],
    whereabouts: Mapping[str, Sequence[str]] | None = None,
    baselines: Sequence[Mapping[str, Any]] = (),
) -> list[Event]:
    """The revisions of a series, as C(asg_series_info) returns them, as the lines of a table.

    C(whereabouts) are sentences about groups, which stand below it, and C(baselines) are groups in it that are none.
    """
    if not revisions and not baselines:
        return [Event("plan", "", f"Series {series} has no revisions.")]
    rows = [
        (
            str(one["name"]),
            _status(one),
            _capacity(one),
            str(one["in_service"]),
            one["image_id"] or NOTHING,
        )
        for one in revisions
    ]
    rows += [
        (str(one["name"]), "baseline", _capacity(one), str(one["in_service"]), NOTHING) for one in baselines
    ]
    lines = table(GROUP_COLUMNS, rows)
    for name, words in (whereabouts or {}).items():
        text = " ".join([f"{naming.short_name(name)}:", *words])
        lines += textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [Event("plan", "", line) for line in lines]


def seconds_in_words(seconds: float | None) -> str:
    """A duration for people: C(8 s), C(3 min 05 s), C(1 h 02 min)."""
    if seconds is None:
        return NOTHING
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def table(header: Row, rows: Sequence[Row], width: int = WIDTH) -> list[str]:
    """Lay rows out in columns under a header, two spaces apart and none wider than C(width).

    Where they do not fit, the first column gives way: its cells lose their middle.
    """
    columns = range(len(header))
    widths = [max(len(row[column]) for row in (header, *rows)) for column in columns]
    gaps = 2 * len(header)
    widths[0] = min(widths[0], max(8, width - gaps - sum(widths[1:])))
    lines = []
    for row in (header, *rows):
        cells = [_shorten(cell, widths[column]) for column, cell in enumerate(row)]
        lines.append("".join(f"  {cell:{widths[column]}}" for column, cell in enumerate(cells)).rstrip())
    return lines


def _shorten(cell: str, width: int) -> str:
    # What tells names apart is their end.
    if len(cell) <= width:
        return cell
    end = min(width - 3, max(12, width * 2 // 3))
    return f"{cell[: width - 3 - end]}...{cell[-end:]}"


def _series(groups: Sequence[Mapping[str, Any]]) -> str:
    return str(groups[0]["name"]).rpartition(naming.SEPARATOR)[0] if groups else ""


def _sizes(revision: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if revision is None:
        return None
    return {"status": revision.get("status", ""), **{size: revision.get(size) for size in SIZES}}


def _texts(several: Any) -> list[str]:
    return [str(one) for one in several or ()]


def _rollback(
    rollback: Mapping[str, Any], started: float | None, ended: float | None
) -> dict[str, Any] | None:
    if not rollback:
        return None
    return {
        "started": started,
        "ended": ended,
        "failure": str(rollback.get("failure") or ""),
        "actions": _texts(rollback.get("actions")),
        "restored": [
            str(one["name"] if isinstance(one, Mapping) and "name" in one else one)
            for one in rollback.get("restored") or ()
        ],
        "removed": _texts(rollback.get("removed")),
        "kept": _texts(rollback.get("kept")),
    }


def _phase(phase: Mapping[str, Any], rollback_began: float | None) -> dict[str, Any]:
    # A phase that failed was over when its rollback began.
    started, ended = number_of(phase.get("started")), number_of(phase.get("ended")) or rollback_began
    return {
        "name": phase.get("name") or "",
        "percent": phase.get("percent"),
        "count": phase.get("count"),
        "new": phase.get("targets", phase.get("new")),
        "outgoing": phase.get("outgoing"),
        "weight": phase.get("weight"),
        "baseline": phase.get("baseline") or None,
        "started": started,
        "ended": ended,
        "seconds": None if started is None or ended is None else round(ended - started, 1),
        "verdict": phase.get("verdict"),
        "actions": _texts(phase.get("actions")),
        "verification": verification_of(phase.get("verification"), phase.get("verify")),
    }


def _elapsed(phases: Sequence[Mapping[str, Any]]) -> float | None:
    started = [at for phase in phases if (at := number_of(phase.get("started"))) is not None]
    ended = [at for phase in phases if (at := number_of(phase.get("ended"))) is not None]
    return round(max(ended) - min(started), 1) if started and ended else None


def _headline(record: Mapping[str, Any]) -> str:
    outcome = record["outcome"]
    live = [one for one in record["groups"] if one["after"] and one["after"]["status"] == LIVE]
    newest = (
        f"{naming.short_name(live[-1]['name'])} with {live[-1]['image_id']}" if live else record["series"]
    )
    if outcome == LIVE:
        took = f", after {seconds_in_words(record['seconds'])}" if record["seconds"] is not None else ""
        return f"Live: {newest}{took}."
    if outcome == ALREADY_LIVE:
        return f"Already live: {newest}. Nothing was changed."
    if outcome == UNDER_WAY:
        reached = f" at {record['phases'][-1]['name']}" if record["phases"] else ""
        return (
            f"Under way: {naming.short_name(record['group'])} with {record['image_id']}{reached}. A later run goes on"
            f" with canary_from_phase={record['left'][0]!r}, or takes it back."
        )
    return "Planned, as follows. Nothing was changed."


def _group_lines(record: Mapping[str, Any]) -> list[str]:
    shown = [one for one in record["groups"] if _worth_showing(one)]
    if not shown:
        return []
    lines = table(
        GROUP_COLUMNS,
        [
            (
                naming.short_name(one["name"]),
                _change(one, _status, gone="removed"),
                _change(one, _capacity),
                _change(one, lambda sizes: str(sizes["in_service"]), new="0", gone="0"),
                one["image_id"] or NOTHING,
            )
            for one in shown
        ],
    )
    others = len(record["groups"]) - len(shown)
    if others:
        lines.append(f"  and {others} without instances, unchanged")
    return lines


def _worth_showing(group: Mapping[str, Any]) -> bool:
    before, after = group["before"], group["after"]
    return before != after or bool(after and (after["desired_capacity"] or after["in_service"]))


def _change(group: Mapping[str, Any], words: Any, *, new: str | None = None, gone: str | None = None) -> str:
    """What something was and what it is, or either where they are the same or the other is not there."""
    before = new if group["before"] is None else words(group["before"])
    after = gone if group["after"] is None else words(group["after"])
    known = [text for text in (before, after) if text is not None]
    return known[0] if len(set(known)) == 1 else " -> ".join(known)


def _status(sizes: Mapping[str, Any]) -> str:
    return str(sizes["status"] or NOTHING)


def _capacity(sizes: Mapping[str, Any]) -> str:
    return "/".join(str(sizes[size]) for size in SIZES[:3])


def _phase_lines(record: Mapping[str, Any]) -> list[str]:
    phases = record["phases"]
    columns = {
        "phase": [phase["name"] or _wanted(phase) for phase in phases],
        "new": [_cell(phase["new"]) for phase in phases],
        "outgoing": [_cell(phase["outgoing"]) for phase in phases],
        "requests": [NOTHING if phase["weight"] is None else f"{phase['weight']} %" for phase in phases],
        "baseline": [_cell(phase["baseline"]) for phase in phases],
        "took": [seconds_in_words(phase["seconds"]) for phase in phases],
        "verdict": [_cell(phase["verdict"]) for phase in phases],
    }
    filled = {name: cells for name, cells in columns.items() if any(cell != NOTHING for cell in cells)}
    return table(list(filled), list(zip(*filled.values(), strict=True))) if filled else []


def _wanted(phase: Mapping[str, Any]) -> str:
    if phase["percent"] is not None:
        return f"{phase['percent']} %"
    return NOTHING if phase["count"] is None else str(phase["count"])


def _cell(value: Any) -> str:
    return NOTHING if value is None or value == "" else str(value)
