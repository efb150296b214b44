# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before a verification waits for anything: what AWS would refuse, what there is to compare with, what is possible.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ..aws.cloudwatch import CloudWatch, Request, number_of_queries
from ..core.errors import InvalidInput, RolloutError
from ..core.model import Group
from ..judging.metrics import MOST_QUERIES, Metric
from ..sources.all_sources import MOST_QUESTIONS, AllSources, questions
from .baseline import (
    Baseline,
    Observer,
    Surroundings,
    VerificationProgress,
    find_baseline,
    made_up_subject,
)
from .publishers import Subject, members
from .settings import CANARY, Settings, length, retention_problem
from .smallest_difference import Preflight, asks_for_monitoring, clashes, preflight

# GetMetricData: calls a second in a region by default; one look should not use up more.
MOST_CALLS_A_LOOK = 50


class Preparation:
    """Looks at everything once, before the window begins."""

    def __init__(
        self, settings: Settings, cloudwatch: CloudWatch, surroundings: Surroundings, *, check_mode: bool
    ) -> None:
        """Nothing is asked of AWS yet. In C(check_mode) the group need not exist."""
        self._settings = settings
        self._cloudwatch = cloudwatch
        self._sources = AllSources(cloudwatch)
        self._surroundings = surroundings
        self._observer = Observer(settings, surroundings)
        self._check_mode = check_mode

    def prepare(self, start: float, now: float) -> tuple[Baseline, Preflight]:
        """Refuse what AWS knows better, all at once, and say what will be possible.

        C(start) is when the window begins, in epoch seconds as C(now).

        Raises:
            InvalidInput: with all that is wrong.
            UnknownSeries: the group is not there.
        """
        settings = self._settings
        group = self._surroundings.group(settings.group)
        if group is None and (settings.retrospective or not self._check_mode):
            self._surroundings.refuse_missing(
                settings.group, f"verify group {settings.group}", gone=settings.retrospective
            )
        problems = list(self._time_problems(start, now))
        if problems:
            raise InvalidInput(problems)
        baseline = Baseline()
        try:
            baseline = find_baseline(settings, self._surroundings, group, start)
        except InvalidInput as error:
            problems += error.problems
        subject, controls = self._sides(group, baseline, now)
        for metric in settings.metrics:
            compares = metric.rule.uses_baseline and not baseline.nothing and controls
            if compares and not baseline.same_time and baseline.start is not None:
                problem = retention_problem(metric, baseline.start, now)
                problems += [f"metric {metric.name!r}: its baseline: {problem}"] if problem else []
            if compares and baseline.same_time:
                problems += [
                    f"metric {metric.name!r}: {words}" for words in clashes(metric, subject, controls)
                ]
            if compares and not members(metric, controls):
                problems.append(f"metric {metric.name!r}: its baseline: {_lack(metric, controls[0])}")
        problems += self._refusals(subject, controls, now)
        if problems:
            raise InvalidInput(problems)
        known = group is not None and bool(subject.instances) and not _made_up(subject)
        planned = not known and not settings.retrospective
        if planned and settings.strategy == CANARY and settings.expected_baseline_instances == 0:
            raise InvalidInput(
                [
                    "the outgoing groups will have no instances then, and strategy canary compares with them; take"
                    " strategy previous, or leave it at auto"
                ]
            )
        return baseline, preflight(
            settings,
            subject if known or settings.expected_instances is not None else None,
            controls,
            baseline.nothing,
            self._monitoring(subject, controls) if known else self._expected_monitoring(subject),
            baseline_duration=0.0 if baseline.same_time else baseline.duration,
            stand_ins="" if known else "the instances that the series has now",
        )

    def _sides(self, group: Group | None, baseline: Baseline, now: float) -> tuple[Subject, list[Subject]]:
        """The group and what it is compared with, as they are or are expected to be."""
        settings = self._settings
        if settings.retrospective:
            subject = self._observer.in_the_past(settings.group, settings.start or 0.0)
            controls = self._observer.controls(baseline, VerificationProgress(), now)
        elif group is None or (self._check_mode and not group.in_service):
            subject = made_up_subject(settings.group, settings.expected_instances or 1)
            expected = settings.expected_baseline_instances
            controls = self._observer.controls(baseline, VerificationProgress(), now)
            if not controls and expected and settings.uses_baseline:
                controls = [made_up_subject("the-outgoing-groups", expected, role=1)]
        else:
            subject = self._observer.subject(group, VerificationProgress(), now)
            controls = self._observer.controls(baseline, VerificationProgress(), now)
        return subject, controls

    def _time_problems(self, start: float, now: float) -> Iterator[str]:
        settings = self._settings
        if settings.end is not None and settings.end > now:
            yield f"the window ends in {length(math.ceil(settings.end - now))}, and only data of the past can be judged"
        if settings.baseline_start is not None:
            lasting = settings.baseline_window or settings.duration
            if settings.baseline_start + lasting > now:
                yield "the baseline's window ends in the future"
        for metric in settings.metrics:
            problem = retention_problem(metric, start, now)
            if settings.retrospective and problem:
                yield f"metric {metric.name!r}: {problem}"

    def _refusals(self, subject: Subject, controls: Sequence[Subject], now: float) -> list[str]:
        """Ask CloudWatch and other sources whether they understand every query, and about every alarm."""
        problems: list[str] = []
        requests, names = [], []
        queries, elsewhere = 0, []
        for metric in self._settings.metrics:
            publishers = members(metric, [subject])
            if not publishers:
                problems.append(f"metric {metric.name!r}: {_lack(metric, subject)}")
            everybody = [*publishers, *members(metric, controls)]
            window = _a_while_ago(metric, now)
            if metric.elsewhere:
                elsewhere += [
                    Request(part, *window, member.values) for member in everybody for part in metric.parts
                ]
            else:
                queries += len(everybody) * sum(map(number_of_queries, metric.parts))
            for member in publishers[:1]:
                for part in metric.parts:
                    requests.append(Request(part.rendered(member.values), *window, member.values))
                    names.append(metric.name)
        if queries > MOST_CALLS_A_LOOK * MOST_QUERIES:
            problems.append(
                f"each look would take {queries} queries, and CloudWatch allows {MOST_CALLS_A_LOOK} calls of"
                f" {MOST_QUERIES} a second; take fewer metrics, or metrics of groups instead of instances"
            )
        asked = sum(1 for __ in questions(elsewhere))
        if asked > MOST_QUESTIONS:
            problems.append(
                f"each look would ask {asked} questions of sources other than CloudWatch, one after the other, and"
                f" {MOST_QUESTIONS} are allowed; take instance_label (by_instance), with which one is for all instances"
            )
        problems += [
            f"metric {names[position]!r}: {words}"
            for position, words in sorted(self._sources.refusal(requests).items())
        ]
        known = self._cloudwatch.alarms(self._settings.alarms)
        problems += [
            f"there is no alarm {name!r} in this region"
            for name in self._settings.alarms
            if name not in known
        ]
        return problems

    def _monitoring(self, subject: Subject, controls: Sequence[Subject]) -> Mapping[str, bool]:
        return self._monitored([instance_id for one in (subject, *controls) for instance_id in one.instances])

    def _expected_monitoring(self, subject: Subject) -> Mapping[str, bool]:
        """What a group that does not exist yet is likely to have: what the series has now."""
        if not asks_for_monitoring(self._settings.metrics):
            return {}
        now = self._monitored(self._surroundings.instances_of_series(self._settings.group))
        return dict.fromkeys(subject.instances, all(now.values()))

    def _monitored(self, instances: Sequence[str]) -> Mapping[str, bool]:
        if not asks_for_monitoring(self._settings.metrics):
            return {}
        try:
            return self._surroundings.monitoring(instances)
        except RolloutError:
            # It is only for a warning; who may not ask goes without.
            return {}


def _lack(metric: Metric, subject: Subject) -> str:
    """Say what a group lacks that the metric's placeholders stand for."""
    if "instance_id" in metric.placeholders and not subject.instances:
        return f"group {subject.group} has no instance in service"
    if "target_group" in metric.placeholders and not subject.target_group_arns:
        return f"group {subject.group} has no target group"
    return f"group {subject.group} has no load balancer that fits the placeholders and the namespace"


def _a_while_ago(metric: Metric, now: float) -> tuple[float, float]:
    end = int(now // metric.period) * metric.period
    return end - metric.period, end


def _made_up(subject: Subject) -> bool:
    return any(presence.until == 0.0 for presence in subject.instances.values())
