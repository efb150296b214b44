# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification will be able to tell, before it waits for anything: points, and the shift that they show. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..judging.comparison import boundary, detectable, times_as_long
from ..judging.datapoints import count
from ..judging.instance_comparison import smallest_of_spread
from ..judging.metrics import LEVEL, Metric, Query, number
from ..judging.rules import EITHER, SHIFT
from .publishers import Subject, members
from .settings import Settings, length

# EC2 User Guide, "Manage detailed monitoring": without it EC2 publishes in periods of 5 minutes, but for status checks.
BASIC_PERIOD = 300
EC2 = "AWS/EC2"
# So many instances are named in a warning.
MOST_NAMES = 3
# A share in metric math, without its spaces and brackets.
_SHARE = re.compile(r"(?:100\*)?([a-z]\w*)/([a-z]\w*)(?:\*100)?")


@dataclass(frozen=True)
class Preflight:
    """What is planned for each metric, a sentence each, and what it will not be able to do."""

    plan: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def preflight(
    settings: Settings,
    subject: Subject | None,
    controls: Sequence[Subject],
    nothing: str,
    monitoring: Mapping[str, bool],
    *,
    baseline_duration: float = 0.0,
    stand_ins: str = "",
) -> Preflight:
    """Say how many datapoints each metric will have, and what shift they can show.

    C(subject) and C(controls) are the groups with the instances that they have or are expected to have; None and
    none where that is not known. C(nothing) says why there is nothing to compare with. C(monitoring) says which
    instances have detailed monitoring; C(baseline_duration) is 0 where both sides are measured at the same time.
    C(stand_ins) names the instances that the monitoring is really of, where these do not exist yet.
    """
    plan, warnings = [], []
    for metric in settings.metrics:
        words = [plan_of(metric, settings.duration)]
        basic = _basic(metric, [subject, *controls] if subject else controls, monitoring)
        if basic:
            warnings.append(f"{metric.name}: {_basic_words(metric, basic, stand_ins)}")
        if metric.fill is not None and not metric.publisher:
            warnings.append(
                f"{metric.name}: a missing datapoint means {number(metric.fill)} only from its first datapoint to its"
                " last; with a publisher, a metric that is always there, it does whenever that one is there"
            )
        if share := share_of(metric):
            words.append(
                f"kind rate, with numerator {share[0].metric_name} and denominator {share[1].metric_name}, knows"
                " of how many it is a share, and finds more"
            )
        if metric.rule.compare == SHIFT and nothing:
            words.append(f"{nothing}, so it will not be compared")
        elif metric.rule.compare == SHIFT and metric.kind == LEVEL and subject and controls:
            interval = max(metric.period, BASIC_PERIOD) if basic else metric.period
            n = len(members(metric, [subject])) * int(settings.duration // interval)
            lasting = baseline_duration or settings.duration
            n_baseline = len(members(metric, controls)) * int(lasting // interval)
            sentence, possible = _of_instances(
                settings, metric, len(members(metric, [subject])), len(members(metric, controls))
            ) or _power(settings, metric, n, n_baseline)
            words.append(sentence)
            if not possible:
                warnings.append(f"{metric.name}: {sentence}")
        plan.append("; ".join(words))
    plan += [f"alarm {name}: not in state ALARM" for name in settings.alarms]
    return Preflight(tuple(plan), tuple(warnings))


def plan_of(metric: Metric, duration: float) -> str:
    """What will be judged, in a sentence: C(cpu: Average of AWS/EC2 CPUUtilization of each instance, at most 80 …)."""
    each = " of each instance" if "instance_id" in metric.placeholders else ""
    rules = [part for part in (metric.bounds, metric.rule.words()) if part]
    if metric.rule.fail_fast:
        rules.append(count(len(metric.rule.fail_fast), "value") + " to fail at once")
    parts = [f"{metric.name}: {metric.source}{each}", *rules]
    return ", ".join(
        [*parts, f"{count(int(duration // metric.period), 'period')} of {length(metric.period)}"]
    )


def _of_instances(settings: Settings, metric: Metric, canary: int, baseline: int) -> tuple[str, bool] | None:
    """What instances will be able to show; None where they are not what is compared."""
    if metric.kind != LEVEL or "instance_id" not in metric.placeholders or not canary or not baseline:
        return None
    smallest = smallest_of_spread(
        canary,
        baseline,
        settings.error,
        two_sided=metric.rule.direction == EITHER,
        looks=int(settings.duration // metric.period),
    )
    if smallest is None:
        return None
    return (
        f"{canary} against {count(baseline, 'instance')} find a difference {number(smallest)} times as great as what"
        " instances of one image differ by, four times in five; history makes it less",
        True,
    )


def _power(settings: Settings, metric: Metric, n: int, n_baseline: int) -> tuple[str, bool]:
    looks = int(settings.duration // metric.period)
    critical = boundary(settings.error, 1.0, two_sided=metric.rule.direction == EITHER, looks=looks)
    sizes = f"{n} against {n_baseline} datapoints"
    shift = detectable(n, n_baseline, critical) if n and n_baseline else None
    if shift is not None:
        return (
            f"{sizes} find a shift of {number(shift)} standard deviations of its noise nine times in ten",
            True,
        )
    if not n or not n_baseline:
        return f"{sizes}: there will be nothing to compare", False
    factor = times_as_long(n, n_baseline, critical)
    return (
        f"{sizes} can show no shift, however great, and it will be inconclusive: watch at least {factor} times as long,"
        " with a shorter period (detailed monitoring), or with more instances",
        False,
    )


def share_of(metric: Metric) -> tuple[Query, Query] | None:
    """Numerator and denominator of a share of sums in metric math: C(100 * errors / requests)."""
    found = _SHARE.fullmatch(re.sub(r"[\s()]", "", metric.expression))
    queries = {query.query_id: query for query in metric.queries}
    both = [queries.get(name) for name in found.groups()] if found else []
    counted = [query for query in both if query and query.statistic in ("Sum", "SampleCount")]
    return (counted[0], counted[1]) if len(counted) == 2 else None


def _basic(metric: Metric, subjects: Sequence[Subject], monitoring: Mapping[str, bool]) -> list[str]:
    """The instances whose datapoints come too seldom for the metric's period."""
    if metric.period >= BASIC_PERIOD or not any(map(_needs_detail, metric.queries)):
        return []
    instances = [instance_id for subject in subjects for instance_id in subject.instances]
    return [instance_id for instance_id in instances if not monitoring.get(instance_id, True)]


def _needs_detail(query: Query) -> bool:
    return query.namespace == EC2 and not query.metric_name.startswith("StatusCheck")


def asks_for_monitoring(metrics: Sequence[Metric]) -> bool:
    """Whether it matters which monitoring the instances have."""
    return any(
        metric.period < BASIC_PERIOD and _needs_detail(query)
        for metric in metrics
        for query in metric.queries
    )


def _basic_words(metric: Metric, instances: Sequence[str], stand_ins: str) -> str:
    named = ", ".join(instances[:MOST_NAMES])
    if len(instances) > MOST_NAMES:
        named += f" and {len(instances) - MOST_NAMES} more"
    return (
        f"{stand_ins or named} have basic monitoring, for which EC2 publishes every 5 minutes, too seldom for a"
        f" period of {length(metric.period)}: switch detailed monitoring on in the launch template, or set period to"
        f" 300"
    )


def clashes(metric: Metric, subject: Subject, controls: Sequence[Subject]) -> Iterator[str]:
    """Say where a group and its baseline publish into one and the same series, so that nothing can be compared."""
    used = metric.placeholders
    ours = {
        tuple(sorted((name, value) for name, value in member.values.items() if name in used)): member.name
        for member in members(metric, [subject])
    }
    for member in members(metric, controls):
        key = tuple(sorted((name, value) for name, value in member.values.items() if name in used))
        if key in ours:
            yield (
                f"the group and its baseline have the same data of it ({member.name}); take one of"
                " {group} or {instance_id} into its dimensions, or compare with an earlier time by strategy previous"
            )
            return
