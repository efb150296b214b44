# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as JUnit XML, which every build server shows: a test suite for each phase. Pure.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

# What XML 1.0 has no way to write.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
GOOD = ("live", "already-live", "planned", "under-way")


def junit(record: Mapping[str, Any]) -> str:
    """Write a record: the deployment as a test case, and each metric of each phase.

    What failed is a failure; what was inconclusive or not judged to the end is skipped, with its reason.
    """
    outcome = str(record["outcome"])
    reason = str(record["reason"] or "no reason was given")
    failed = [] if outcome in GOOD else [("failure", outcome, reason)]
    suites = [_suite("deployment", [_case("deployment", "deployment", record["seconds"], failed)])]
    for phase in record["phases"]:
        name = str(phase["name"] or "phase")
        cases = []
        verification = phase.get("verification") or {}
        for finding in verification.get("metrics") or ():
            cases.append(
                _case(name, str(finding["name"]), None, _ends(finding["verdict"], finding["reason"]))
            )
        lost = phase["verdict"] in ("fail", "failed")
        # What failed besides the metrics, as a launch or a task file, is in the reason only.
        if not cases or (lost and not any("<failure " in case for case in cases)):
            words = reason if lost else ""
            cases.append(_case(name, name, phase["seconds"], _ends(phase["verdict"], words)))
        suites.append(_suite(name, cases, phase["seconds"]))
    body = "".join(suites)
    name = _attribute(record["series"])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={name}>\n{body}</testsuites>\n'


def junit_of_many(record: Mapping[str, Any]) -> str:
    """Write what many series came to, from C(Summary.record): a test case for each, skipped where it was not begun."""
    cases = []
    for one in record["series"]:
        outcome, reason = str(one["outcome"]), str(one["reason"] or "no reason was given")
        kind = "skipped" if outcome == "not-begun" else "failure"
        name = " ".join(part for part in (one["name"], one["region"]) if part)
        ends = [] if outcome in GOOD else [(kind, outcome, reason)]
        cases.append(_case(one["series"] or "series", name, one["record"]["seconds"], ends))
    suite = _suite("series", cases)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="series">\n{suite}</testsuites>\n'


def _ends(verdict: Any, reason: Any) -> list[tuple[str, str, str]]:
    if verdict in ("fail", "failed"):
        return [("failure", "fail", str(reason or "no reason was given"))]
    if verdict in (None, "", "pass"):
        return []
    return [("skipped", str(verdict), str(reason or verdict))]


def _attribute(text: Any) -> str:
    return quoteattr(UNWRITABLE.sub("?", str(text)))


def _case(suite: str, name: str, seconds: Any, ends: list[tuple[str, str, str]]) -> str:
    took = "" if seconds is None else f' time="{seconds:g}"'
    inner = "".join(
        f"<{kind} message={_attribute(words)}>{escape(UNWRITABLE.sub('?', words))}</{kind}>"
        for kind, __, words in ends
    )
    return f"<testcase classname={_attribute(suite)} name={_attribute(name)}{took}>{inner}</testcase>\n"


def _suite(name: str, cases: list[str], seconds: Any = None) -> str:
    took = "" if seconds is None else f' time="{seconds:g}"'
    failures = sum("<failure " in case for case in cases)
    skipped = sum("<skipped " in case for case in cases)
    return (
        f'<testsuite name={_attribute(name)} tests="{len(cases)}" failures="{failures}" skipped="{skipped}"'
        f' errors="0"{took}>\n{"".join(cases)}</testsuite>\n'
    )
