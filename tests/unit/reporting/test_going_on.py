# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run that goes on, and the page over a folder of reports."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.reporting.index import find_reports, index_page
from ansible_collections.progressive.aws.plugins.module_utils.reporting.page import page
from ansible_collections.progressive.aws.plugins.module_utils.reporting.record import Run
from ansible_collections.progressive.aws.plugins.plugin_utils.following import Following

from tests.unit.reporting.examples import BEGAN, NEW, rolled_back, verification

SETUP = {
    "started": BEGAN,
    "ended": BEGAN + 10,
    "phases": [{"name": "Canary", "percent": 25, "events": [], "started": BEGAN + 10, "ended": BEGAN + 70}],
    "setup": {"group": NEW, "image_id": "ami-0fedcba9876543210", "deployment_id": "d7"},
    "revisions_before": [],
}


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = BEGAN + 100

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def following(tmp_path: Path, clock: Clock, module: str = "cloudwatch_verify", **earlier: Any) -> Following:
    return Following([f"{tmp_path}/now/"], earlier or SETUP, module, {"group": NEW}, clock=clock)


def written(tmp_path: Path) -> dict[str, Any]:
    return dict(json.loads((tmp_path / "now" / "report.json").read_text()))


def test_a_step_is_seen_from_its_beginning_on(tmp_path: Path, clock: Clock) -> None:
    following(tmp_path, clock).begin()
    assert written(tmp_path)["outcome"] == "running"
    assert written(tmp_path)["doing"] == "Canary: verifying"
    assert not (tmp_path / "now" / "report.xml").exists(), "a build server would take it for the result"


def test_the_first_step_does_not_write_over_another_runs_report(tmp_path: Path, clock: Clock) -> None:
    Following([f"{tmp_path}/now/"], {}, "asg_setup", {}, clock=clock).begin()
    assert not (tmp_path / "now").exists()


def test_a_verification_is_written_every_minute_with_its_data(tmp_path: Path, clock: Clock) -> None:
    step = following(tmp_path, clock)
    step.begin()
    asked = []

    def so_far() -> dict[str, Any]:
        asked.append(clock.now)
        return {**verification("pending", BEGAN)}

    for __ in range(10):
        clock.now += 15
        step.wait(so_far, ("data up to 10:17:00 UTC",))
    assert [at - BEGAN for at in asked] == [160.0, 220.0]
    record = written(tmp_path)
    assert record["doing"] == "Canary: verifying, waits for data up to 10:17:00 UTC"
    assert record["phases"][0]["verification"]["series"]
    shown = (tmp_path / "now" / "report.html").read_text()
    assert 'data-metric="cpu"' in shown
    assert '<meta http-equiv="refresh"' in shown
    assert "As of 2026-11-25 10:03:40 UTC" in shown


def test_a_place_that_cannot_be_written_to_stops_nothing(clock: Clock) -> None:
    step = Following(["/proc/nothing/here.html", "report.pdf"], SETUP, "asg_upgrade", {}, clock=clock)
    step.begin()
    step.end(SETUP)


def test_the_page_at_the_end_is_not_loaded_again() -> None:
    assert "refresh" not in page(rolled_back().record())


def test_what_was_told_last_of_instances_is_what_there_is() -> None:
    run = rolled_back()
    going_on = Run.so_far(
        {"phases": run.phases[:1], "setup": run.setup, "revisions_before": run.before, "ended": BEGAN + 400},
        "verifying",
    )
    assert ">never below 8</text>" in page(going_on.record())


def test_an_index_has_a_line_for_each_report_the_newest_first(tmp_path: Path) -> None:
    for name, began, outcome in (
        ("a", BEGAN, "live"),
        ("b", BEGAN + 500, "running"),
        ("c", BEGAN + 90, "failed"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        record = {**rolled_back(started=began).record(), "outcome": outcome, "reason": "<why>"}
        (folder / "report.json").write_text(json.dumps(record))
        if name != "c":
            (folder / "report.html").write_text("")
    (tmp_path / "package.json").write_text('{"name": "something else"}')
    (tmp_path / "broken.json").write_text("{")
    shown = index_page(find_reports(tmp_path))
    assert re.findall(r'href="([^"]*)"', shown) == ["b/report.html", "c/report.json", "a/report.html"]
    assert re.findall(r"</span> ([A-Z ]+)</span>", shown) == ["RUNNING", "FAILED", "LIVE"]
    for words in ("shop__checkout__prod", "ami-0fedcba9876543210", "2026-11-25 10:00:00 UTC", "45 min 00 s"):
        assert words in shown
    assert "&lt;why&gt;" in shown


def test_an_index_of_nothing_says_so(tmp_path: Path) -> None:
    assert "There are no reports here." in index_page(find_reports(tmp_path))
