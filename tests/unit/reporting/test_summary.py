# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many series came to: the table, the page, and the same for machines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.reporting.record import WIDTH
from ansible_collections.progressive.aws.plugins.module_utils.reporting.run_record import EVIDENCE, RECORD
from ansible_collections.progressive.aws.plugins.module_utils.reporting.summary import Summary, text_of

from tests.unit.reporting.examples import BEGAN, NEW

IMAGE = "ami-0fedcba9876543210"
RUN = {
    "started": BEGAN,
    "ended": BEGAN + 600,
    "phases": [{"name": "All", "percent": 100, "started": BEGAN, "ended": BEGAN + 500, "targets": 4}],
    "setup": {"group": NEW, "image_id": IMAGE},
    "revisions_before": [],
    "revisions_after": [{"name": NEW, "revision": 7, "status": "live", "image_id": IMAGE}],
}
ROLLED = {
    **RUN,
    "rollback": {"restored": [], "removed": [NEW]},
    "reason": "All: <script>alert(1)</script> too hot.",
}
#: As a play hands them over: one that is live, one that was taken back, one that was refused, one that was not begun.
RUNS: list[dict[str, Any]] = [
    {
        "name": "live-one",
        "region": "eu-west-1",
        "begun": True,
        "run": [{}, {RECORD: RUN}],
        "report": ["a.html"],
    },
    {"name": "bad-one", "region": "us-east-1", "begun": True, "run": [{RECORD: ROLLED}], "failed": True},
    {
        "name": "refused-one",
        "series": "shop__cart__prod",
        "region": "us-east-2",
        "begun": True,
        "failed": True,
        "failure": {
            "msg": "The step failed.",
            EVIDENCE: {"report": {"outcome": "failed", "reason": "Refused, there is no such image."}},
        },
    },
    {"name": "late-one", "series": "shop__checkout__prod", "region": "sa-east-1", "begun": False},
]


def test_each_series_has_a_line_and_what_is_not_live_a_reason() -> None:
    lines = [event.text for event in Summary(RUNS).events()]
    assert lines[0] == "4 series: 1 live, 1 rolled back, 1 failed, 1 not begun."
    rows = {line.split()[1]: line for line in lines[2:6]}
    assert re.search(rf"shop__checkout__prod +live-one +eu-west-1 +live +{IMAGE}", rows["live-one"])
    assert "rolled back" in rows["bad-one"]
    assert re.search("shop__cart__prod +refused-one +us-east-2 +failed +-", rows["refused-one"])
    assert re.search("late-one +sa-east-1 +not begun +-", rows["late-one"])
    assert lines[6:] == [
        "bad-one: All: <script>alert(1)</script> too hot.",
        "refused-one: Refused, there is no such image.",
        "late-one: bad-one and refused-one had failed before it.",
    ]
    assert all(len(line) <= WIDTH for line in lines)


def test_it_names_the_failed_and_is_no_failure_itself() -> None:
    summary = Summary(RUNS)
    assert summary.outline()["failed"] == ["bad-one", "refused-one"]
    assert summary.outcome == "live"
    assert [one["outcome"] for one in summary.outline()["series"]] == [
        *("live", "rolled-back", "failed", "not-begun"),
    ]


def test_a_play_that_ended_early_leaves_series_without_a_culprit() -> None:
    assert Summary([RUNS[3]]).series[0].reason == "The play did not come to it."


def test_the_page_links_each_series_and_its_report_and_runs_nothing() -> None:
    text = text_of(Path("reports/all.html"), Summary(RUNS).record())
    assert 'href="../a.html"' in text
    assert "<script>alert" not in text
    assert all(one["name"] in text for one in RUNS)
    anchors = re.findall(r'id="([^"]+)"', text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', text)) == {"series-1", "series-2", "series-3"}, (
        "what was not begun has no section to go to"
    )


def test_machines_get_the_whole_records() -> None:
    record = json.loads(text_of(Path("all.json"), Summary(RUNS).record()))
    assert record["headline"].startswith("4 series")
    assert record["series"][0]["record"]["phases"][0]["name"] == "All"


def test_a_build_server_gets_a_case_for_each() -> None:
    suite = ElementTree.fromstring(text_of(Path("all.xml"), Summary(RUNS).record()))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "2", "1")


def test_two_series_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidInput, match="more than one series is called live-one"):
        Summary([RUNS[0], RUNS[0]])
