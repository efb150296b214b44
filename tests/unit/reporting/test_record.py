# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At the end of a run a short table says what became of the groups, and a file says the same to machines."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import passes
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.progressive.aws.plugins.module_utils.reporting import record
from ansible_collections.progressive.aws.plugins.module_utils.reporting.record import Run, revision_events
from ansible_collections.progressive.aws.plugins.module_utils.reporting.write_report import Report
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.reporting.examples import rolled_back

OLD_IMAGE, NEW_IMAGE = "ami-0123456789abcdef0", "ami-0fedcba9876543210"


def revision(
    number: int,
    status: str,
    sizes: str,
    in_service: int,
    image: str = OLD_IMAGE,
    series: str = "shop__checkout__prod",
) -> dict[str, Any]:
    """A revision as asg_series_info returns it; C(sizes) are min, max and desired."""
    minimum, maximum, desired = (int(size) for size in sizes.split("/"))
    return {
        "name": f"{series}__{number}",
        "revision": number,
        "status": status,
        "min_size": minimum,
        "max_size": maximum,
        "desired_capacity": desired,
        "in_service": in_service,
        "image_id": image,
        "deployment_id": f"d{number}",
    }


GUIDE = Run(
    outcome="live",
    before=[revision(6, "live", "4/10/4", 4), revision(5, "superseded", "0/10/0", 0)],
    after=[
        revision(7, "live", "0/10/4", 4, NEW_IMAGE),
        revision(6, "superseded", "0/10/0", 0),
        revision(5, "superseded", "0/10/0", 0),
    ],
    phases=[
        {
            "name": "Canary 25 %",
            "percent": 25,
            "targets": 1,
            "started": 1000,
            "ended": 1065.2,
            "verdict": "pass",
        },
        {
            "name": "Primary",
            "percent": 100,
            "targets": 4,
            "started": "1065.2",
            "ended": "1089.2",
            "verdict": None,
        },
    ],
)


def lines(run: Run) -> list[str]:
    return [event.text for event in run.events()]


def test_a_run_that_went_live_shows_groups_sizes_images_and_phases() -> None:
    assert lines(GUIDE) == [
        "Live: checkout__prod__7 with ami-0fedcba9876543210, after 1 min 29 s.",
        "  group              status              min/max/desired   in service  image",
        "  checkout__prod__6  live -> superseded  4/10/4 -> 0/10/0  4 -> 0      ami-0123456789abcdef0",
        "  checkout__prod__7  live                0/10/4            0 -> 4      ami-0fedcba9876543210",
        "  and 1 without instances, unchanged",
        "  phase        new  took        verdict",
        "  Canary 25 %  1    1 min 05 s  pass",
        "  Primary      4    24 s        -",
    ]


def test_why_a_run_failed_is_told_by_failing_and_not_by_a_line_as_well() -> None:
    before = [revision(6, "live", "4/10/4", 4)]
    run = Run("rolled-back", "Canary 25 %: no capacity in eu-west-1a", before, before)
    assert lines(run)[1] == "  checkout__prod__6  live    4/10/4           4           ami-0123456789abcdef0"
    assert not [line for line in lines(run) if "no capacity" in line]
    assert run.last_words == "Rolled back. Canary 25 %: no capacity in eu-west-1a"


def test_a_group_that_is_gone_was_removed() -> None:
    run = Run("live", before=[revision(2, "superseded", "0/10/0", 0)], after=[])
    assert (
        lines(run)[2]
        == "  checkout__prod__2  superseded -> removed  0/10/0           0           ami-0123456789abcdef0"
    )


def test_a_plan_shows_what_each_phase_would_lead_to() -> None:
    run = Run(
        "planned",
        phases=[{"name": "Canary", "new": 1, "outgoing": 3}, {"name": "Rest", "new": 4, "outgoing": 0}],
    )
    assert lines(run) == [
        "Planned, as follows. Nothing was changed.",
        "  phase   new  outgoing",
        "  Canary  1    3",
        "  Rest    4    0",
    ]


def test_phases_show_their_fresh_baselines_where_one_has_any() -> None:
    planned = [
        {"name": "Canary", "new": 1, "outgoing": 3, "baseline": 1},
        {"name": "Rest", "new": 4, "outgoing": 0},
    ]
    assert lines(Run("planned", phases=planned))[1:] == [
        "  phase   new  outgoing  baseline",
        "  Canary  1    3         1",
        "  Rest    4    0         -",
    ]


def test_the_status_of_a_series_shows_fresh_baselines_that_are_no_revisions() -> None:
    beside = {
        "name": "shop__checkout__prod__2__baseline",
        "min_size": 1,
        "max_size": 1,
        "desired_capacity": 1,
    }
    found = revision_events("shop__checkout__prod", [], {}, [{**beside, "in_service": 1}])
    assert [one.text.split() for one in found][1] == [beside["name"], "baseline", "1/1/1", "1", "-"]


def test_a_phase_without_a_name_is_called_by_what_it_wants() -> None:
    run = Run("live", phases=[{"percent": 25, "targets": 1}, {"count": 3, "targets": 3}])
    assert [line.split("  ")[1] for line in lines(run)[2:]] == ["25 %", "3"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3720, "1 h 02 min"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float | None, words: str) -> None:
    assert record.seconds_in_words(seconds) == words


@given(st.text("ab_", min_size=1, max_size=247), st.integers(0, 10**6), st.text(max_size=500))
def test_no_line_is_wider_than_a_terminal_and_names_keep_their_end(
    series: str, number: int, reason: str
) -> None:
    run = Run(
        "failed",
        reason,
        [revision(number, "live", "100/1000/100", 100, series=series)],
        [revision(number, "rolling-back", "200/2000/200", 200, series=series)],
        [
            {
                "name": "Phase " + series,
                "targets": number,
                "started": 0,
                "ended": 10**5,
                "verdict": "inconclusive",
            }
        ],
    )
    assert max(len(line) for line in lines(run)) <= record.WIDTH
    group = next(line for line in lines(run) if "rolling-back" in line)
    assert group.split()[0].endswith(f"_{number}")


# ---------------------------------------------------------------------- record


def test_the_record_has_the_outcome_and_each_group_before_and_after() -> None:
    record = GUIDE.record()
    assert (record["outcome"], record["series"], record["seconds"]) == ("live", "shop__checkout__prod", 89.2)
    assert [group["name"][-1] for group in record["groups"]] == ["5", "6", "7"]
    new = record["groups"][2]
    assert (new["before"], new["image_id"]) == (None, NEW_IMAGE)
    assert new["after"] == {
        "status": "live",
        "min_size": 0,
        "max_size": 10,
        "desired_capacity": 4,
        "in_service": 4,
    }


def test_the_record_has_each_phase_with_how_long_it_took() -> None:
    first, last = GUIDE.record()["phases"]
    assert (first["name"], first["percent"], first["new"], first["verdict"]) == ("Canary 25 %", 25, 1, "pass")
    assert (first["seconds"], last["seconds"]) == (65.2, 24.0)


def test_a_phase_that_never_ended_has_no_duration() -> None:
    record = Run("failed", phases=[{"name": "Canary", "started": 5}]).record()
    assert (record["phases"][0]["seconds"], record["seconds"]) == (None, None)


# ------------------------------------------------------------------------ file


def report(path: Path | None, *, check_mode: bool = False, run: Run = GUIDE) -> passes.PassResult:
    step = Report(run, [str(path)] if path else [])
    return passes.run_to_the_end(step, passes.SystemClock(), passes.Timing(), check_mode=check_mode)


def test_the_report_is_written_as_json_which_is_no_change(tmp_path: Path) -> None:
    outcome = report(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == GUIDE.record()
    assert (outcome.changed, outcome.done, outcome.result["report"]) == (False, True, GUIDE.outline())
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_an_older_report_is_replaced_and_the_table_told_once(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("something else")
    outcome = report(path)
    assert json.loads(path.read_text())["outcome"] == "live"
    assert [event.text for event in outcome.events] == lines(GUIDE)


def test_a_report_can_be_read_by_those_who_can_read_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    report(tmp_path / "report.json")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "report.json")}
    assert len(modes) == 1


def test_in_check_mode_no_report_is_written(tmp_path: Path) -> None:
    outcome = report(tmp_path / "report.json", check_mode=True)
    assert list(tmp_path.iterdir()) == []
    assert outcome.result["report"]["outcome"] == "live"
    assert [event.text for event in outcome.events] == lines(GUIDE)


def test_without_a_path_the_table_is_all(tmp_path: Path) -> None:
    outcome = report(None)
    assert (outcome.result["report_paths"], len(outcome.events)) == ([], len(lines(GUIDE)))


def test_a_report_that_cannot_be_written_is_warned_of_and_no_failure(tmp_path: Path) -> None:
    outcome = report(tmp_path / "no" / "report.json")
    (warning,) = [event.text for event in outcome.events if event.kind == "warning"]
    assert str(tmp_path / "no" / "report.json") in warning
    assert "No such file or directory" in warning


def test_what_is_missing_in_the_input_does_not_matter() -> None:
    bare: Mapping[str, Any] = {"name": "a__b__c__1"}
    assert lines(Run("failed", before=[bare], after=[bare], phases=[{}])) == []
    assert lines(Run("live", before=[bare], after=[bare], phases=[{}]))[0].startswith("Live: ")


def test_the_ending_of_a_path_chooses_what_is_written(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("a.html", "b.json", "c.XML")]
    outcome = passes.run_to_the_end(Report(GUIDE, paths), passes.SystemClock(), passes.Timing())
    assert outcome.result["report_paths"] == paths
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    assert json.loads((tmp_path / "b.json").read_text())["outcome"] == "live"
    assert (tmp_path / "c.XML").read_text().startswith("<?xml")


def test_a_folder_gets_all_and_is_made(tmp_path: Path) -> None:
    for name in ("plain", "dated.2026/"):
        report_in = Report(GUIDE, [f"{tmp_path}/{name}"])
        passes.run_to_the_end(report_in, passes.SystemClock(), passes.Timing())
        written = sorted(path.name for path in (tmp_path / name).iterdir())
        assert written == ["report.html", "report.json", "report.xml"]


def test_an_ending_that_no_report_has_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        Report(GUIDE, ["report.pdf"])
    assert "report.pdf" in str(refusal.value)
    assert ".html" in str(refusal.value)


def test_the_outline_has_all_but_the_long_lists() -> None:
    run = rolled_back()
    outline, record = run.outline(), run.record()
    assert set(record) - set(outline) == {"events"}
    assert "series" not in outline["phases"][1]["verification"]
    assert outline["phases"][1]["verification"]["metrics"] == record["phases"][1]["verification"]["metrics"]


def test_a_rollback_lasts_until_the_end_of_the_run() -> None:
    record = rolled_back().record()
    assert record["rollback"]["ended"] == record["ended"]
    assert (record["rollback"]["restored"], record["rollback"]["removed"]) == (
        ["shop__checkout__prod__6"],
        ["shop__checkout__prod__7"],
    )
    assert GUIDE.record()["rollback"] is None
