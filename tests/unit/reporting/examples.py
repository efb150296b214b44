# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run with everything that a report can show: two phases, a bad instance, a baseline, a rollback."""

from __future__ import annotations

import math
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.reporting.record import Run

NEW, OLD = "shop__checkout__prod__7", "shop__checkout__prod__6"
BEGAN = 1795600800.0
CANARY = [f"i-0c{number}" for number in range(4)]
BASELINE = [f"i-0b{number}" for number in range(4)]
BAD = CANARY[2]


def points(level: float, number: int, since: float, count: int = 15, period: int = 60) -> list[list[float]]:
    """A series around a level, with something like noise."""
    return [
        [since + period * minute, level + level * 0.08 * math.sin(2.1 * minute + number)]
        for minute in range(count)
    ]


def series(metric: str, side: str, level: float, since: float) -> list[dict[str, Any]]:
    """A metric of each instance of one side, one of the canary's three times as high."""
    group, members = (NEW, CANARY) if side == "canary" else (OLD, BASELINE)
    return [
        {
            "metric": metric,
            "side": side,
            "member": member,
            "group": group,
            "instance_id": member,
            "period": 60,
            "points": points(level * (3 if member == BAD else 1), number, since),
            "error": "",
        }
        for number, member in enumerate(members)
    ]


def event(at: float, text: str, group: str = NEW, kind: str = "capacity", **more: Any) -> dict[str, Any]:
    """A line as the action shows it, so many seconds after the run began."""
    return {
        "at": BEGAN + at,
        "kind": kind,
        "subject": group.removeprefix("shop__"),
        "text": text,
        **more,
    }


def verification(verdict: str, since: float) -> dict[str, Any]:
    """What cloudwatch_verify returns, with metrics of every verdict."""
    start = since + 120
    return {
        "verdict": verdict,
        "score": 50.0,
        "window": {"start": start, "end": start + 900},
        "metrics": [
            {
                "name": "cpu",
                "kind": "metric",
                "verdict": "fail",
                "reason": f"{BAD} alone is higher: 90.2 where the others have 30.1",
                "n": 60,
                "n_baseline": 60,
                "canary": 31.2,
                "baseline": 30.0,
                "shift": 1.2,
                "low": 0.4,
                "high": 2.0,
                "critical": True,
                "maximum": 80,
            },
            {"name": "latency", "kind": "metric", "verdict": "pass", "reason": "no different", "n": 60},
            {"name": "memory", "kind": "metric", "verdict": "inconclusive", "reason": "no data", "n": 0},
            {"name": "checkout-is-broken", "kind": "alarm", "verdict": "pass", "reason": "in state OK"},
        ],
        "series": [
            one
            for metric, level in (("cpu", 30.0), ("latency", 0.21))
            for side in ("canary", "baseline")
            for one in series(metric, side, level, start)
        ],
    }


def revision(name: str, status: str, in_service: int) -> dict[str, Any]:
    """A revision as asg_series_info returns it."""
    return {
        "name": name,
        "revision": int(name[-1]),
        "status": status,
        "min_size": 0,
        "max_size": 10,
        "desired_capacity": in_service,
        "in_service": in_service,
        "image_id": "ami-0123456789abcdef0",
        "deployment_id": "d6",
    }


#: The options behind it, which tell the metrics' units.
VERIFY: dict[str, Any] = {
    "metrics": [
        {"name": "cpu", "namespace": "AWS/EC2", "metric_name": "CPUUtilization"},
        {"name": "latency", "namespace": "AWS/ApplicationELB", "metric_name": "TargetResponseTime"},
    ]
}


def rolled_back(**more: Any) -> Run:
    """A deployment whose second phase failed."""
    first, second, back = 60.0, 1200.0, 2400.0
    options: dict[str, Any] = {
        "outcome": "rolled-back",
        "reason": f"Canary 50 %: cpu: {BAD} alone is higher: 90.2 where the others have 30.1",
        "before": [revision(OLD, "live", 8)],
        "after": [revision(OLD, "live", 8)],
        "started": BEGAN,
        "ended": BEGAN + 2700,
        "setup": {
            "group": NEW,
            "image_id": "ami-0fedcba9876543210",
            "deployment_id": "d7",
            "actions": [f"create group {NEW}"],
            "copied": ["VPCZoneIdentifier: subnet-1,subnet-2", "warm pool (final phase)"],
            "not_copied": [{"what": "scheduled action once", "reason": "it is over"}],
        },
        "phases": [
            {
                "name": "Canary 25 %",
                "percent": 25,
                "targets": 2,
                "started": BEGAN + first,
                "ended": BEGAN + second,
                "verdict": None,
                "actions": [f"resize group {NEW} to 2"],
                "instances": {"new": CANARY[:2], "existing": []},
                "events": [
                    event(70, "0/2", in_service=0),
                    event(200, "2/2", in_service=2),
                    event(260, "6", OLD, in_service=6),
                ],
            },
            {
                "name": "Canary 50 %",
                "percent": 50,
                "targets": 4,
                "started": BEGAN + second,
                "ended": BEGAN + back,
                "verdict": "fail",
                "instances": {"new": CANARY[2:], "existing": CANARY[:2]},
                "events": [
                    event(1210, "2/4", in_service=2),
                    event(1300, "4/4", in_service=4),
                    event(1350, "4", OLD, in_service=4),
                    event(2390, "verdict fail, score 50", kind="verdict"),
                ],
                "verification": verification("fail", BEGAN + second),
                "verify": VERIFY,
            },
        ],
        "rollback": {
            "started": BEGAN + back,
            "restored": [{"name": OLD}],
            "removed": [NEW],
            "actions": [f"delete group {NEW}"],
            "events": [event(2500, "8/8", OLD, in_service=8), event(2600, "0", in_service=0)],
        },
    }
    return Run(**{**options, **more})
