# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read your own writes: what this run has written, and which of AWS's answers are older than that.

AWS's APIs are eventually consistent: "the result of an API command you run [...] might not be immediately visible to
all subsequent commands you run" ("Eventual consistency in the Amazon EC2 API"), and a later answer may be older than an
earlier one. After a write it is known what a newer answer must show. An answer that shows what there was before is old,
and no evidence of anything; one that shows neither was written by somebody else since, and is newer.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core import journal

# For how many seconds after a write an answer may be older than it. AWS advises to wait for "up to a few minutes"
# where an answer does not show yet what was done; what a group is like was never seen to take longer than seconds.
OLDEST_ANSWER = 30.0
# The same of an answer that does not show what was created: Terraform's provider tries for two minutes
# (hashicorp/terraform-provider-aws 40088); a lease of two minutes must not run out meanwhile.
NOT_FOUND_YET = 90.0

THERE = "there"
_SIZES = ("MinSize", "MaxSize", "DesiredCapacity")
# How AWS says that there is no launch template, or no version of one, of that name.
TEMPLATE_MISSING = frozenset(
    {"InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"}
)
VERSION_MISSING = "InvalidLaunchTemplateId.VersionNotFound"


@dataclass
class Expected:
    """What answers show that are newer than a write, in text; None for what is gone.

    C(at) is when it was written, in seconds since the epoch. C(earlier) is what older answers show; None where that is
    not known, so that any other one may be older.
    """

    at: float
    value: str | None
    earlier: list[str | None] | None = None


@dataclass(frozen=True)
class Late:
    """What an answer does not show yet, and for how many seconds such answers are waited out."""

    words: str
    patience: float

    def __str__(self) -> str:
        """What it is, for a message."""
        return self.words


# What is expected of something, by what of it: C(exists), C(sizes), C(tag KEY), C(process NAME), C(protected ID), and
# C(policy NAME).
Facts = dict[str, Expected]


@dataclass
class Written:
    """What was written lately, as plain data that one process can hand to the next.

    By the name of the group, launch configuration or alarm, and by the id of the launch template.
    """

    groups: dict[str, Facts] = field(default_factory=dict)
    templates: dict[str, Facts] = field(default_factory=dict)
    configurations: dict[str, Facts] = field(default_factory=dict)
    alarms: dict[str, Facts] = field(default_factory=dict)


@dataclass
class Memory:
    """What was written, and what the latest answers have shown of it."""

    written: Written = field(default_factory=Written)
    _shown: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    # ---------------------------------------------------------------- writing

    def note(
        self, operation: str, parameters: Mapping[str, Any], answer: Mapping[str, Any], now: float
    ) -> None:
        """Remember a call that has changed something, with its answer."""
        groups = self.written.groups
        name = str(parameters.get("AutoScalingGroupName") or "")
        if operation == "CreateAutoScalingGroup":
            # An older answer shows none, or one of the same name that was there before.
            earlier: list[str | None] | None = None if name in groups or name in self._shown else []
            facts = {
                "exists": Expected(now, THERE, [None]),
                "sizes": Expected(now, _sizes(parameters), earlier),
            }
            for tag in _of_the_journal(parameters.get("Tags")):
                facts[f"tag {tag['Key']}"] = Expected(now, tag.get("Value", ""), earlier)
            groups[name] = facts
            self._shown.pop(name, None)
        elif operation == "DeleteAutoScalingGroup":
            groups[name] = {"exists": Expected(now, None, [THERE])}
        elif operation == "UpdateAutoScalingGroup" and set(_SIZES) <= set(parameters):
            self._expect(name, "sizes", _sizes(parameters), now)
        elif operation == "CreateOrUpdateTags":
            for tag in _of_the_journal(parameters["Tags"]):
                self._expect(tag["ResourceId"], f"tag {tag['Key']}", tag.get("Value", ""), now)
        elif operation == "DeleteTags":
            for tag in _of_the_journal(parameters["Tags"]):
                self._expect(tag["ResourceId"], f"tag {tag['Key']}", None, now)
        elif operation in ("SuspendProcesses", "ResumeProcesses"):
            for process in parameters.get("ScalingProcesses") or ():
                suspended = THERE if operation == "SuspendProcesses" else None
                self._expect(name, f"process {process}", suspended, now)
        elif operation == "SetInstanceProtection":
            for instance in parameters["InstanceIds"]:
                self._expect(name, f"protected {instance}", str(parameters["ProtectedFromScaleIn"]), now)
        elif operation == "PutScalingPolicy":
            self._expect(name, f"policy {parameters['PolicyName']}", THERE, now)
        else:
            self._note_source(operation, parameters, answer, now)

    def _note_source(
        self, operation: str, parameters: Mapping[str, Any], answer: Mapping[str, Any], now: float
    ) -> None:
        templates, configurations = self.written.templates, self.written.configurations
        if operation == "CreateLaunchTemplate":
            facts = templates[answer["LaunchTemplate"]["LaunchTemplateId"]] = {
                "exists": Expected(now, THERE, [None]),
                "name": Expected(now, parameters["LaunchTemplateName"]),
            }
            for one in parameters.get("TagSpecifications") or ():
                for tag in _of_the_journal(one["Tags"]) if one["ResourceType"] == "launch-template" else ():
                    facts[f"tag {tag['Key']}"] = Expected(now, tag["Value"])
        elif operation == "DeleteLaunchTemplate":
            templates[parameters["LaunchTemplateId"]] = {"exists": Expected(now, None, [THERE])}
        elif operation in ("CreateLaunchConfiguration", "DeleteLaunchConfiguration"):
            there = THERE if operation.startswith("Create") else None
            configurations[parameters["LaunchConfigurationName"]] = {"exists": Expected(now, there)}
        elif operation == "PutMetricAlarm":
            self.written.alarms[parameters["AlarmName"]] = {"exists": Expected(now, THERE)}
        elif operation == "DeleteAlarms":
            self.written.alarms |= {
                name: {"exists": Expected(now, None)} for name in parameters["AlarmNames"]
            }

    def forget(self, now: float) -> None:
        """Forget what was written so long ago that no answer is older."""
        written = self.written
        for known in (written.groups, written.templates, written.configurations, written.alarms):
            for name, facts in list(known.items()):
                known[name] = {what: one for what, one in facts.items() if now - one.at < _lasts(what)}
                if not known[name]:
                    del known[name]

    def disbelieve(self) -> None:
        """Forget everything, where answers have not shown it within any reasonable time."""
        self.written = Written()

    def exists(self, group: str, now: float) -> None:
        """Remember that a group exists, of which AWS has said so by refusing its name."""
        self.written.groups.setdefault(group, {})["exists"] = Expected(now, THERE, [None])

    def _expect(self, group: str, what: str, value: str | None, now: float) -> None:
        facts = self.written.groups.setdefault(group, {})
        known, shown = facts.get(what), self._shown.get(group)
        earlier: list[str | None] | None = None
        if known and known.earlier is not None:
            earlier = [*known.earlier, known.value]
        elif not known and shown and not what.startswith(("policy", "protected")):
            earlier = [_shown(shown, what)]
        facts[what] = Expected(now, value, earlier)

    def deleted(self, group: str) -> bool:
        """Whether this run has deleted a group lately."""
        exists = self.written.groups.get(group, {}).get("exists")
        return exists is not None and exists.value is None

    # ---------------------------------------------------------------- reading

    def older(self, operation: str, parameters: Mapping[str, Any], answer: dict[str, Any]) -> list[Late]:
        """Say what an answer does not show yet that was written before; an empty list where it is new enough.

        Launch templates and configurations that were deleted and are still shown are taken out of the answer.
        """
        # Of several pages none can be missed what the others may have.
        whole = not (answer.get("NextToken") or parameters.get("NextToken"))
        if operation == "DescribeAutoScalingGroups":
            return self._older_groups(parameters, answer["AutoScalingGroups"], whole)
        if operation == "DescribePolicies":
            names = {policy["PolicyName"] for policy in answer["ScalingPolicies"]}
            group = str(parameters.get("AutoScalingGroupName") or "")
            return [
                Late(f"{what} of group {group}", OLDEST_ANSWER)
                for what in self.written.groups.get(group, {})
                if whole and what.startswith("policy ") and what.removeprefix("policy ") not in names
            ]
        if operation == "DescribeLaunchTemplates":
            return self._older_templates(parameters, answer, whole)
        if operation == "DescribeLaunchConfigurations":
            return self._older_configurations(parameters, answer)
        if operation == "DescribeAlarms":
            return self._older_alarms(parameters, answer, whole)
        return []

    def not_yet(self, operation: str, parameters: Mapping[str, Any], code: str, words: str) -> list[Late]:
        """Say what AWS has not found that must be there; an empty list where it may be right.

        A version of a launch template is asked for because something names it, so that it was there once, or is about
        to be found.
        """
        if operation == "DescribeLaunchTemplateVersions" and code == VERSION_MISSING:
            return [Late("that version of the launch template", OLDEST_ANSWER)]
        group = str(parameters.get("AutoScalingGroupName") or "")
        if code == "ValidationError" and "not found" in words and _is_there(self.written.groups.get(group)):
            return [Late(f"group {group}", NOT_FOUND_YET)]
        if code not in TEMPLATE_MISSING:
            return []
        names = {*(parameters.get("LaunchTemplateNames") or ()), parameters.get("LaunchTemplateName")}
        ids = {*(parameters.get("LaunchTemplateIds") or ()), parameters.get("LaunchTemplateId")}
        return [
            Late(f"launch template {template}", NOT_FOUND_YET)
            for template, facts in self.written.templates.items()
            if _is_there(facts) and (template in ids or ("name" in facts and facts["name"].value in names))
        ]

    def _older_groups(
        self, parameters: Mapping[str, Any], items: list[dict[str, Any]], whole: bool
    ) -> list[Late]:
        by_name = {item["AutoScalingGroupName"]: item for item in items}
        older: list[Late] = []
        for name, facts in self.written.groups.items():
            item = by_name.get(name)
            if "exists" in facts and facts["exists"].value is None:
                # One that is being deleted says so.
                if item is not None and not item.get("Status"):
                    older.append(Late(f"the deletion of group {name}", NOT_FOUND_YET))
            elif item is not None:
                older += _older_facts(name, facts, item)
            elif whole and _is_missed(name, facts, parameters):
                older.append(Late(f"group {name}", NOT_FOUND_YET))
        if not older:
            self._shown.update(by_name)
        return older

    def _older_templates(
        self, parameters: Mapping[str, Any], answer: dict[str, Any], whole: bool
    ) -> list[Late]:
        shown = _without_deleted(answer, "LaunchTemplates", "LaunchTemplateId", self.written.templates)
        tags = list(_tags_asked(parameters))
        return [
            Late(f"launch template {template}", NOT_FOUND_YET)
            for template, facts in self.written.templates.items()
            if whole and tags and template not in shown and _is_there(facts) and _has(facts, tags)
        ]

    def _older_configurations(self, parameters: Mapping[str, Any], answer: dict[str, Any]) -> list[Late]:
        known = self.written.configurations
        shown = _without_deleted(answer, "LaunchConfigurations", "LaunchConfigurationName", known)
        return [
            Late(f"launch configuration {name}", NOT_FOUND_YET)
            for name in parameters.get("LaunchConfigurationNames") or ()
            if name not in shown and _is_there(known.get(name))
        ]

    def _older_alarms(self, parameters: Mapping[str, Any], answer: dict[str, Any], whole: bool) -> list[Late]:
        answer.setdefault("MetricAlarms", [])
        shown = _without_deleted(answer, "MetricAlarms", "AlarmName", self.written.alarms)
        names, prefix = parameters.get("AlarmNames"), parameters.get("AlarmNamePrefix")
        return [
            Late(f"alarm {name}", NOT_FOUND_YET)
            for name, facts in self.written.alarms.items()
            if name not in shown and _is_there(facts)
            if name in (names or ()) or (whole and prefix and name.startswith(prefix))
        ]


def _of_the_journal(tags: Any) -> Iterator[Mapping[str, Any]]:
    """Of tags in a request those that are read again; whatever else a user has in tags is not kept here."""
    return (tag for tag in tags or () if tag["Key"].startswith(journal.PREFIX))


def _lasts(what: str) -> float:
    """For how many seconds after a write an answer may be older than it, by what was written."""
    # What something was created with is as long on its way as itself, and found by its tags.
    return NOT_FOUND_YET if what in ("exists", "name") or what.startswith("tag ") else OLDEST_ANSWER


def _is_there(facts: Facts | None) -> bool:
    return facts is not None and "exists" in facts and facts["exists"].value == THERE


def _without_deleted(answer: dict[str, Any], items: str, key: str, known: Mapping[str, Facts]) -> set[str]:
    """Take out of an answer what was deleted, and return the names of the rest."""
    gone = {name for name, facts in known.items() if "exists" in facts and facts["exists"].value is None}
    answer[items] = [one for one in answer[items] if one[key] not in gone]
    return {one[key] for one in answer[items]}


def _tags_asked(parameters: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The keys of the tags that filters ask for, each with the values that it may have."""
    for one in parameters.get("Filters") or ():
        if one["Name"].startswith("tag:"):
            yield one["Name"].removeprefix("tag:"), one["Values"]


def _has(facts: Facts, tags: Iterable[tuple[str, list[str]]]) -> bool:
    """Whether something was given all of the tags."""
    return all(f"tag {key}" in facts and facts[f"tag {key}"].value in values for key, values in tags)


def _is_missed(name: str, facts: Facts, parameters: Mapping[str, Any]) -> bool:
    """Whether an answer without a group must have it: it was created, or given the tag that is asked for."""
    names, tags = parameters.get("AutoScalingGroupNames"), list(_tags_asked(parameters))
    if names:
        return name in names and _is_there(facts)
    return _has(facts, tags) if tags else _is_there(facts) and not parameters.get("Filters")


def _older_facts(name: str, facts: Facts, item: Mapping[str, Any]) -> list[Late]:
    """What of a group is shown as it was before it was written; what somebody else has written since is forgotten."""
    older = []
    protected = {
        one["InstanceId"]: str(bool(one.get("ProtectedFromScaleIn"))) for one in item.get("Instances", ())
    }
    for what, expected in list(facts.items()):
        kind, __, of = what.partition(" ")
        if kind in ("exists", "policy"):
            continue
        shown = protected.get(of) if kind == "protected" else _shown(item, what)
        if shown == expected.value:
            continue
        if kind == "protected" and shown is None:
            # An instance that has left shows nothing any more.
            continue
        if expected.earlier is None or shown in expected.earlier:
            words = f"{'the ' if kind == 'sizes' else ''}{what} of group {name}"
            older.append(Late(words, OLDEST_ANSWER))
        else:
            del facts[what]
    return older


def _shown(item: Mapping[str, Any], what: str) -> str | None:
    """What an item of DescribeAutoScalingGroups shows of its sizes, a tag or a process."""
    kind, __, of = what.partition(" ")
    if kind == "sizes":
        return _sizes(item)
    if kind == "tag":
        return next((str(tag.get("Value", "")) for tag in item.get("Tags", ()) if tag["Key"] == of), None)
    return THERE if any(one["ProcessName"] == of for one in item.get("SuspendedProcesses", ())) else None


def _sizes(given: Mapping[str, Any]) -> str:
    return "/".join(str(given.get(name, 0)) for name in _SIZES)
