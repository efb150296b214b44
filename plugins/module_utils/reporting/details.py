# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run left as evidence, made fit for a report: known members only, and nothing secret. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from ..verification.settings import OPTIONS
from .units import unit_of

CANARY, BASELINE = "canary", "baseline"
HIDDEN = "[hidden]"
# Beyond it sums of numbers are not finite any more.
LARGEST = 1e300

# What AWS's words or a user's own message could have brought along.
NAMED = r"[\w-]*(?:secret|password|passwd|token|user_?data|api[_-]?key|credential)[\w-]*"
SECRET_NAME = re.compile(rf"(?i){NAMED}|authorization")
SECRETS = (
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"(?i)\bbearer\s+([A-Za-z0-9+/=._~-]{12,})"),
    re.compile(r"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?(?:basic\s+)?([^\s\"']+)"),
    re.compile(r"(?i)\b" + NAMED + r"\s*=\s*[\"']?([^\s\"',;&]+)"),
    re.compile(r"(?i)[\"']" + NAMED + r"[\"']\s*:\s*[\"']([^\"']+)"),
    re.compile(r"(?i)[?&]X-Amz-(?:Signature|Credential|Security-Token)=([^&\s]+)"),
    re.compile(r"://[^/\s:@]+:([^@\s/]+)@"),
)
FINDING = (
    "name",
    "kind",
    "verdict",
    "reason",
    "n",
    "n_baseline",
    "baseline",
    "canary",
    "shift",
    "low",
    "high",
    "effect",
    "rule",
    "group",
    "weight",
    "critical",
    "muted",
    "minimum",
    "maximum",
    "unit",
)
SERIES = (
    "metric",
    "side",
    "member",
    "group",
    "instance_id",
    "zone",
    "instance_type",
    "period",
    "start",
    "end",
    "points",
    "counts",
    "error",
)
EVENT = ("at", "kind", "subject", "text", "in_service")
# The distance from the median, in robust standard deviations, from which an instance stands out, of so many.
OUTLIER_DEVIATIONS, OUTLIER_AMONG, OUTLIER_SHARE = 3.5, 4, 0.1
DEVIATION_PER_MAD = 1.4826


def hide(value: Any) -> Any:
    """Take out of a value of plain JSON types what looks like a credential, a token or user data."""
    if isinstance(value, str):
        for pattern in SECRETS:
            value = pattern.sub(_hidden, value)
        return value
    if isinstance(value, Mapping):
        return {str(key): hide(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [hide(one) for one in value]
    return value


def _hidden(found: re.Match[str]) -> str:
    whole = found.group(0)
    if not found.re.groups:
        return HIDDEN
    start, end = found.start(1) - found.start(0), found.end(1) - found.start(0)
    return whole[:start] + HIDDEN + whole[end:]


def number_of(value: Any) -> float | None:
    """A number, also one that Ansible has made text of; None for what is none or too large to reckon with."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and abs(number) <= LARGEST else None


def events_of(events: Iterable[Any]) -> list[dict[str, Any]]:
    """Events that have a subject, in the order of their time where they have one."""
    told = []
    for event in events:
        if isinstance(event, Mapping) and event.get("subject"):
            known = {name: event.get(name) for name in EVENT}
            count = number_of(event.get("in_service"))
            told.append(
                {
                    **known,
                    "at": number_of(event.get("at")),
                    "in_service": None if count is None else round(count),
                }
            )
    return sorted(told, key=lambda event: event["at"] or 0.0)


def verification_of(verification: Any, options: Any = None) -> dict[str, Any] | None:
    """A verification as a report has it; None where there was none.

    C(options) are those that it was asked for with: bounds that a finding does not repeat are taken from there. A
    window that it does not tell is the one of the canary's data.
    """
    if not isinstance(verification, Mapping) or not verification.get("verdict"):
        return None
    asked = {one.get("name"): one for one in _mappings(_mapping(options).get("metrics"))}
    series = [_series(one) for one in _mappings(verification.get("series"))]
    return {
        "verdict": str(verification["verdict"]),
        "score": number_of(verification.get("score")),
        "window": _window(_mapping(verification.get("window")), series),
        "metrics": [
            _finding(one, asked.get(one.get("name"), {})) for one in _mappings(verification.get("metrics"))
        ],
        "series": series,
        "history": [_series(one) for one in _mappings(verification.get("history"))],
        "options": hide_options(
            {
                name: value
                for name, value in _mapping(options).items()
                if name in OPTIONS and value is not None
            }
        ),
        "baseline": _baseline(_mapping(verification.get("baseline"))),
        "plan": [str(one) for one in verification.get("plan") or ()],
    }


def hide_options(value: Any) -> Any:
    """Options without the values of those whose names say that they are secret."""
    if isinstance(value, Mapping):
        return {
            str(name): HIDDEN
            if one and isinstance(one, str) and SECRET_NAME.fullmatch(str(name))
            else hide_options(one)
            for name, one in value.items()
        }
    return [hide_options(one) for one in value] if isinstance(value, list | tuple) else value


def _baseline(told: Mapping[str, Any]) -> dict[str, Any]:
    """What it was compared with: C(groups), C(strategy), and C(nothing), which says why there was none."""
    return {
        "groups": [str(one) for one in told.get("groups") or ()],
        "strategy": str(told.get("strategy") or ""),
        "nothing": str(told.get("nothing") or ""),
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _window(told: Mapping[str, Any], series: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    start, end = number_of(told.get("start")), number_of(told.get("end"))
    judged = [one for one in series if one.get("side") != BASELINE and one["points"]]
    if judged and (start is None or end is None):
        start = min(one["points"][0][0] for one in judged)
        end = max(one["points"][-1][0] + (one["period"] or 0.0) for one in judged)
    return {"start": start, "end": end}


def _mappings(several: Any) -> list[Mapping[str, Any]]:
    return [one for one in several or () if isinstance(one, Mapping)] if isinstance(several, list) else []


def _finding(finding: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    bounds = {name: asked[name] for name in ("minimum", "maximum") if asked.get(name) is not None}
    unit = unit_of(asked)
    known = (
        bounds
        | ({"unit": unit} if unit else {})
        | {name: finding[name] for name in FINDING if finding.get(name) is not None}
    )
    return {"name": "", "verdict": "", "reason": "", **known}


def _series(series: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: series.get(name) for name in SERIES}
    numbers = {name: number_of(series.get(name)) for name in ("period", "start", "end")}
    points, counts = _rows(series.get("points"), 2), _rows(series.get("counts"), 3)
    return {**known, **numbers, "points": points, "counts": counts}


def _rows(rows: Any, width: int) -> list[list[float]]:
    """Rows of so many numbers, each beginning with a time, in their order; others are left out."""
    found = []
    for row in rows or ():
        if isinstance(row, list | tuple) and len(row) == width:
            numbers = [one for value in row if (one := number_of(value)) is not None]
            if len(numbers) == width:
                found.append(numbers)
    return sorted(found)


def instances_of(
    phases: Sequence[Mapping[str, Any]], launched: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The instances that verification saw or an upgrade returned: what each measured, and where it stands out.

    C(phases) are those of a record; C(launched) has a C(group), a C(phase) and an C(instance_id) each.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in launched:
        if one.get("instance_id"):
            found.setdefault(
                str(one["instance_id"]), _instance(one["instance_id"], one.get("group"), one.get("phase"))
            )
    for phase in phases:
        verification = phase.get("verification")
        if verification:
            _measure(found, str(phase.get("name") or ""), verification)
    return list(found.values())


def _instance(instance_id: Any, group: Any, phase: Any, side: str = CANARY) -> dict[str, Any]:
    return {
        "instance_id": str(instance_id),
        "group": str(group or ""),
        "side": side,
        "phase": str(phase or ""),
        "measured": {},
        "outliers": [],
    }


def _measure(found: dict[str, dict[str, Any]], phase: str, verification: Mapping[str, Any]) -> None:
    findings = {finding["name"]: finding for finding in verification["metrics"]}
    judged: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for series in verification["series"]:
        if not series.get("instance_id"):
            continue
        instance_id, side = str(series["instance_id"]), str(series.get("side") or CANARY)
        one = found.setdefault(instance_id, _instance(instance_id, series.get("group"), phase, side))
        one["side"] = side
        one["group"] = one["group"] or str(series.get("group") or "")
        if series["points"]:
            one["measured"][str(series.get("metric"))] = _middle(series)
            judged.setdefault((str(series.get("metric")), side), []).append(series)
    for (metric, __), several in judged.items():
        for instance_id, words in standing_out(several, findings.get(metric, {})).items():
            note = f"{metric} {words}" + (f" in {phase}" if phase else "")
            if note not in found[instance_id]["outliers"]:
                found[instance_id]["outliers"].append(note)


def standing_out(several: Sequence[Mapping[str, Any]], finding: Mapping[str, Any]) -> dict[str, str]:
    """Which instances stand out by the median of a metric, and how: C(above its maximum), C(below the others).

    C(several) are one side's series of that metric. Besides bounds it takes so many instances that the others are
    a majority, and a distance that is large both against their spread and against their median.
    """
    measured = {str(one["instance_id"]): _middle(one) for one in several if one["points"]}
    if not measured:
        return {}
    minimum, maximum = number_of(finding.get("minimum")), number_of(finding.get("maximum"))
    middle = median(measured.values())
    spread = DEVIATION_PER_MAD * median(abs(value - middle) for value in measured.values())
    enough = max(OUTLIER_DEVIATIONS * spread, OUTLIER_SHARE * abs(middle))
    odd = {}
    for instance_id, value in measured.items():
        if maximum is not None and value > maximum:
            odd[instance_id] = "above its maximum"
        elif minimum is not None and value < minimum:
            odd[instance_id] = "below its minimum"
        elif len(measured) >= OUTLIER_AMONG and abs(value - middle) > enough:
            odd[instance_id] = f"{'above' if value > middle else 'below'} the others"
    return odd


def _middle(series: Mapping[str, Any]) -> float:
    return float(median(value for __, value in series["points"]))
