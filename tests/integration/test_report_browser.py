# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs write reports, and a real browser opens them and finds what happened."""

from __future__ import annotations

import json
import re
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.demo.running import Run
from tests.integration.canary import FAULTY, Deployer, verified
from tests.tools import browser

PHASES = ("Canary 25 %", "Canary 50 %")


@dataclass(frozen=True)
class Told:
    """A run of the playbook, the folder of its reports, and its page as the browser understood it."""

    run: Run
    folder: Path
    page: str

    @property
    def record(self) -> dict[str, object]:
        """The report for machines."""
        return dict(json.loads((self.folder / "report.json").read_text()))

    def attributes(self, name: str) -> list[str]:
        """The values of an attribute, in the order of the page."""
        return [unescape(value) for value in re.findall(rf'{name}="([^"]*)"', self.page)]

    @property
    def charts(self) -> list[str]:
        """The charts that the browser drew."""
        return re.findall(r'<svg class="chart".*?</svg>', self.page, re.DOTALL)


def told(deployer: Deployer, image_id: str, folder: str, **more: object) -> Told:
    """Deploy, and open the page of the report."""
    place = deployer.folder / folder
    run = deployer.deploy(image_id, canary_report=f"{place}/", **more)
    return Told(run, place, browser.document(place / "report.html"))


@pytest.fixture(scope="module")
def good(storyteller: Deployer) -> Told:
    """A second revision goes live, with two phases verified."""
    storyteller.go_live(storyteller.image("one"))
    return told(storyteller, storyteller.image("two"), "good", canary_phases=verified(*PHASES))


@pytest.fixture(scope="module")
def bad(storyteller: Deployer, good: Told) -> Told:
    """A third revision answers with errors, and is rolled back."""
    image_id = storyteller.image("three", **FAULTY)
    return told(storyteller, image_id, "bad", canary_phases=verified(*PHASES))


def test_the_browser_finds_the_outcome_and_each_verdict(good: Told, bad: Told) -> None:
    assert (good.run.code, bad.run.code) == (0, 2)
    assert good.attributes("data-outcome") == ["live"]
    assert good.attributes("data-phase") == list(PHASES)
    assert good.attributes("data-verdict") == ["pass", "pass"]
    assert bad.attributes("data-outcome") == ["rolled-back"]
    assert bad.attributes("data-phase") == ["Canary 25 %"]
    assert bad.attributes("data-verdict") == ["fail"]


def test_the_browser_finds_a_timeline_and_a_chart_of_each_metric(good: Told, bad: Told) -> None:
    assert good.attributes("data-chart") == ["timeline", "metric", "metric"]
    assert bad.attributes("data-chart") == ["timeline", "metric"]
    for page in (good, bad):
        for chart in page.charts:
            assert re.search(r'<path class="line [^"]*" d="M[^"]+"', chart)
        assert all("judged window" in chart for chart in page.charts[1:])
    assert ">rollback</text>" in bad.charts[0]
    assert bad.charts[0].count('<path class="line') == 3, "the two groups and their sum"
    assert ">never below 4</text>" in bad.charts[0]


def test_the_events_of_a_failed_verification_reach_the_report_and_not_the_terminal(bad: Told) -> None:
    phases = bad.record["phases"]
    assert isinstance(phases, list)
    verification = phases[0]["verification"]
    assert verification["series"][0]["points"]
    assert verification["metrics"][0]["maximum"] == 20
    events = bad.record["events"]
    assert isinstance(events, list)
    assert any(event["text"].startswith("verdict fail") for event in events)
    assert all(event["at"] > 0 for event in events)
    assert "_ansible_evidence" not in bad.run.output
    assert '"points"' not in bad.run.output
    assert '"events"' not in bad.run.output


def test_a_build_server_can_read_the_same(bad: Told) -> None:
    root = ElementTree.parse(bad.folder / "report.xml").getroot()
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == ["deployment", "error rate"]


def test_the_report_follows_the_run_and_stands_in_the_index(storyteller: Deployer, good: Told) -> None:
    folder = storyteller.folder / "followed"
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            with suppress(OSError):
                record = json.loads((folder / "report.json").read_text())
                if record["doing"] not in seen:
                    seen.append(record["doing"])
                    shutil.copy(folder / "report.html", storyteller.folder / f"seen-{len(seen)}.html")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        followed = told(
            storyteller,
            storyteller.image("six"),
            "followed",
            canary_phases=verified("Canary 25 %"),
            canary_report_index=str(storyteller.folder),
        )
    finally:
        over.set()
        watcher.join()
    assert followed.run.code == 0, followed.run.output
    # Some last less than a look.
    assert "Canary 25 %: verifying" in seen
    assert [one for one in seen if one.endswith("upgrading")][-1] == "Primary: upgrading"
    page = browser.document(storyteller.folder / f"seen-{1 + seen.index('Canary 25 %: verifying')}.html")
    assert re.findall(r'data-outcome="([^"]*)"', page) == ["running"]
    assert followed.attributes("data-outcome") == ["live"]
    index = browser.document(storyteller.folder / "index.html")
    assert 'href="followed/report.html"' in index
    assert 'href="good/report.html"' in index


def test_a_run_that_was_refused_has_a_report_with_the_reason(storyteller: Deployer, good: Told) -> None:
    refused = told(storyteller, storyteller.image("four"), "refused", canary_base_group="nobody")
    assert refused.run.code == 2
    assert refused.attributes("data-outcome") == ["failed"]
    assert "nobody" in str(refused.record["reason"])


def test_an_ending_that_no_report_has_is_refused_before_anything_is_touched(
    storyteller: Deployer, good: Told
) -> None:
    mark = storyteller.server.mark()
    run = storyteller.deploy(storyteller.image("five"), canary_report=str(storyteller.folder / "report.pdf"))
    assert run.code == 2
    assert "report.pdf: name a file that ends in .html" in run.output
    assert [call for call in storyteller.server.writes(mark) if call["service"] == "autoscaling"] == []


@pytest.mark.parametrize(("width", "dark"), [(1000, False), (1000, True), (390, False)])
def test_the_browser_draws_the_page_on_a_desk_in_the_dark_and_on_a_phone(
    bad: Told, tmp_path: Path, width: int, dark: bool
) -> None:
    path = tmp_path / "picture.png"
    browser.picture(bad.folder / "report.html", path, width, 1200, dark=dark)
    picture = path.read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") == width
    assert len(picture) > 20_000, "more than an empty page"
