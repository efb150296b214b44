# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report: everything is on it, it needs nothing else, and no verdict is told by colour alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.reporting.charts import (
    Line,
    chart,
    metric_chart,
)
from ansible_collections.progressive.aws.plugins.module_utils.reporting.junit import junit
from ansible_collections.progressive.aws.plugins.module_utils.reporting.page import page
from ansible_collections.progressive.aws.plugins.module_utils.reporting.record import Run
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.reporting.examples import BAD, BEGAN, NEW, OLD, VERIFY, rolled_back, verification

VOID = {"meta", "br"}


class Document(HTMLParser):
    """A page taken apart: its elements with their attributes, its text, and whether its tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def having(self, attribute: str) -> list[dict[str, str | None]]:
        return [attributes for __, attributes in self.elements if attribute in attributes]


def shown(run: Run) -> Document:
    document = Document(page(run.record()))
    assert document.open == []
    return document


# ---------------------------------------------------------------------- content


def test_the_outcome_and_its_reason_come_first() -> None:
    text = shown(rolled_back()).text
    assert text.index("ROLLED BACK") < text.index("alone is higher") < text.index("What happened when")
    assert f"Taken back: restored {OLD}; removed {NEW}." in text


def test_every_metric_has_its_verdict_and_those_with_data_their_chart() -> None:
    document = shown(rolled_back())
    verdicts = {one["data-metric"]: one["data-verdict"] for one in document.having("data-verdict")}
    assert verdicts == {
        "cpu": "fail",
        "latency": "pass",
        "memory": "inconclusive",
        "checkout-is-broken": "pass",
    }
    charts = [one["data-metric"] for one in document.having("data-chart") if one["data-chart"] == "metric"]
    assert charts == ["cpu", "latency"]
    assert document.text.count("There were no data to draw.") == 1, "an alarm has none to draw"


def test_a_table_before_all_charts_has_each_metric_by_phases_the_worst_first() -> None:
    first, second = rolled_back().phases
    passed = verification("pass", BEGAN)
    passed["metrics"] = [{**passed["metrics"][0], "verdict": "pass", "canary": 29.44}]
    text = page(rolled_back(phases=[{**first, "verification": passed, "verify": VERIFY}, second]).record())
    part = text[text.index('id="verdicts"') :]
    assert text.index('id="verdicts"') < text.index("<svg")
    table = part[: part.index("</table>")]
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in table.split("<tr>")[1:]]
    assert [row[0] for row in rows] == ["Metric", "cpu", "memory", "latency", "checkout-is-broken", "All"]
    assert " ".join(rows[1]) == "cpu ✔ PASS 29.4 % against 30 % ✖ FAIL 31.2 % against 30 %"
    places = re.findall(r'href="#([^"]+)"', table)
    assert places
    assert all(f'id="{place}"' in text for place in places)


def test_figures_are_in_the_unit_of_their_metric() -> None:
    text = shown(rolled_back()).text
    for words in ("Canary, median31.2 %", "Shift+1.2 %", "+0.4 % to +2 %", "Maximum80 %", "maximum 80 %"):
        assert words in re.sub(r"\s+", " ", text), words


def test_a_verdict_has_a_sign_and_a_word_and_not_only_a_colour() -> None:
    text = shown(rolled_back()).text
    for words in ("✖ FAIL", "✔ PASS", "? INCONCLUSIVE"):
        assert words in text


def test_a_verdict_that_nobody_knows_is_shown_as_it_is() -> None:
    run = Run("live", phases=[{"name": "One", "verdict": "strange"}])
    assert "STRANGE" in shown(run).text


def test_the_timeline_has_both_groups_the_phases_and_the_rollback() -> None:
    text = page(rolled_back().record())
    timeline = text[text.index('data-chart="timeline"') : text.index("</svg>")]
    assert "<title>checkout__prod__6</title>" in timeline
    assert "<title>checkout__prod__7 (new)</title>" in timeline
    for words in (">1</text>", ">2 ✖</text>", ">rollback</text>"):
        assert words in timeline


def test_a_fresh_baseline_has_its_line_and_column_and_counts_for_nothing() -> None:
    def told(at: float, group: str, in_service: int) -> dict[str, Any]:
        return {"kind": "capacity", "subject": group, "text": "", "at": at, "in_service": in_service}

    groups = ("checkout__prod__6", "checkout__prod__7", "checkout__prod__7__baseline")
    events = [told(10.0 + at, group, number) for at, number in ((0, 0), (5, 2)) for group in groups]
    run = Run(
        "live",
        phases=[
            {"name": "One", "targets": 2, "baseline": 2, "started": 0.0, "ended": 20.0, "events": events}
        ],
        setup={"group": "shop__checkout__prod__7"},
    )
    text = page(run.record())
    assert "<title>checkout__prod__7__baseline (fresh baseline)</title>" in text
    assert "<title>all but the fresh baseline</title>" in text
    assert '<th scope="col">Fresh baseline</th>' in text
    assert "Fresh baseline" not in page(rolled_back().record())


def test_the_window_is_marked_and_the_bound_drawn() -> None:
    text = page(rolled_back().record())
    cpu = text[text.index('data-chart="metric" data-metric="cpu"') :]
    cpu = cpu[: cpu.index("</svg>")]
    assert "judged window" in cpu
    assert "maximum 80" in cpu
    assert cpu.count('class="line base"') == 4
    assert cpu.count('class="line odd"') == 1
    assert f"<title>{BAD}</title>" in cpu


def test_a_bound_far_away_does_not_press_the_lines_flat() -> None:
    series = [{"side": "canary", "member": "a", "points": [[0.0, 0.1], [60.0, 0.2]]}]
    assert "boundname" not in metric_chart("x", series, {"maximum": 1000}, {})
    assert "maximum 0.5" in metric_chart("x", series, {"maximum": 0.5}, {})


def test_what_was_created_copied_and_not_copied_is_listed() -> None:
    text = shown(rolled_back()).text
    for words in (
        f"create group {NEW}",
        f"resize group {NEW} to 2",
        f"delete group {NEW}",
        "subnet-1,subnet-2",
        "warm pool (final phase)",
        "scheduled action once",
        "it is over",
        "made and removed",
    ):
        assert words in text


def test_the_log_has_every_line() -> None:
    record = rolled_back().record()
    text = shown(rolled_back()).text
    assert f"All {len(record['events'])} lines" in text
    assert "verdict fail, score 50" in text


def test_a_rollback_that_failed_says_so() -> None:
    run = rolled_back(outcome="failed", rollback={"failure": "no capacity for the old group"})
    text = shown(run).text
    assert "The rollback failed: no capacity for the old group" in text


@pytest.mark.parametrize("outcome", ["live", "already-live", "planned", "rolled-back", "failed"])
def test_a_run_of_which_little_is_known_has_a_page_too(outcome: str) -> None:
    document = shown(Run(outcome, "no such base group"))
    assert document.having("data-outcome")[0]["data-outcome"] == outcome
    assert "no such base group" in document.text


# --------------------------------------------------------------- self-contained


def test_the_page_needs_neither_a_network_nor_scripts() -> None:
    text = page(rolled_back().record())
    document = Document(text)
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(tag for tag, __ in document.elements)
    assert not document.having("src")
    assert all(str(one["href"]).startswith("#") for one in document.having("href"))
    assert "url(" not in text and "@import" not in text and "http://" not in text and "https://" not in text


def test_the_page_has_a_title_a_language_a_viewport_and_a_dark_scheme() -> None:
    text = page(rolled_back().record())
    document = Document(text)
    assert "<title>Rolled back: shop__checkout__prod</title>" in text
    assert ("html", {"lang": "en"}) in document.elements
    assert any(one.get("name") == "viewport" for one in document.having("content"))
    assert "prefers-color-scheme: dark" in text


def test_charts_say_in_words_what_they_show() -> None:
    text = page(rolled_back().record())
    charts = re.findall(r'<svg class="chart".*?</svg>', text, re.DOTALL)
    assert len(charts) == 3
    for one in charts:
        root = ElementTree.fromstring(one)
        assert root.get("role") == "img"
        assert (root.findtext("title") or "") and (root.findtext("desc") or "")


COLOUR = re.compile(r"--([\w]+): (#[0-9a-f]{6});")


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["LIGHT", "DARK"])
def test_every_colour_of_words_and_lines_has_enough_contrast(scheme: str) -> None:
    from ansible_collections.progressive.aws.plugins.module_utils.reporting import style_sheet

    colours = dict(COLOUR.findall(getattr(style_sheet, scheme)))
    for ground in ("page", "card"):
        for ink in ("ink", "soft", "new", "base", "odd", "good", "bad", "unsure", "k3"):
            lighter, darker = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, ground)


# ------------------------------------------------------------------ any content


def test_words_from_outside_stay_words() -> None:
    evil = '<script>alert("x")</script>'
    run = rolled_back(
        reason=evil,
        phases=[
            {
                "name": evil,
                "verdict": "fail",
                "verification": {
                    "verdict": "fail",
                    "metrics": [{"name": evil, "verdict": "fail", "reason": evil}],
                    "series": [{"metric": evil, "member": evil, "points": [[0, 1]], "error": evil}],
                },
            }
        ],
    )
    text = page(run.record())
    assert "<script" not in text
    assert shown(run).text.count(evil) >= 4


@given(
    st.lists(st.tuples(st.floats(0, 2e9), st.floats(-1e300, 1e300)), max_size=30),
    st.text(max_size=30),
)
def test_any_numbers_can_be_drawn(drawn: list[tuple[float, float]], name: str) -> None:
    text = chart(name, "words", [Line(name, sorted(drawn), "new")])
    assert bool(text) == bool(drawn)
    assert "nan" not in re.sub(r">[^<]*<", "><", text)


# ------------------------------------------------------------------------ JUnit


def suites(run: Run) -> Mapping[str, Any]:
    root = ElementTree.fromstring(junit(run.record()).encode())
    return {suite.get("name") or "": suite for suite in root}


def test_each_metric_is_a_test_case_of_its_phase() -> None:
    found = suites(rolled_back())
    assert list(found) == ["deployment", "Canary 25 %", "Canary 50 %"]
    judged = {case.get("name"): [one.tag for one in case] for case in found["Canary 50 %"]}
    assert judged == {"cpu": ["failure"], "latency": [], "memory": ["skipped"], "checkout-is-broken": []}
    assert found["Canary 50 %"].get("failures") == "1"
    assert "alone is higher" in (found["deployment"].find("testcase/failure").get("message"))


def test_a_good_run_has_no_failure() -> None:
    run = Run("live", phases=[{"name": "All", "started": 0, "ended": 9.5, "verdict": None}])
    assert all(suite.get("failures") == "0" for suite in suites(run).values())
    assert suites(run)["All"].find("testcase").get("time") == "9.5"


def test_a_phase_that_failed_with_good_metrics_is_a_failure_all_the_same() -> None:
    metrics = {"verdict": "pass", "metrics": [{"name": "cpu", "verdict": "pass"}]}
    run = Run("failed", "smoke test", phases=[{"name": "All", "verdict": "failed", "verification": metrics}])
    assert suites(run)["All"].get("failures") == "1"


@given(st.text(max_size=200))
def test_any_words_make_xml_that_can_be_read(words: str) -> None:
    ElementTree.fromstring(
        junit(Run("failed", words, phases=[{"name": words, "verdict": words}]).record()).encode()
    )
