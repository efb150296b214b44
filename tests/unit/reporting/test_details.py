# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into a report: known members, times and outliers, and nothing that is secret."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.reporting import details
from ansible_collections.progressive.aws.plugins.module_utils.reporting.details import (
    HIDDEN,
    events_of,
    hide,
    standing_out,
    verification_of,
)

from tests.unit.reporting.examples import BAD, BEGAN, CANARY, NEW, rolled_back, series


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key AKIAIOSFODNN7EXAMPLE is not authorized", "AKIAIOSFODNN7EXAMPLE"),
        ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ("export DB_PASSWORD='hunter2'; start", "hunter2"),
        ('{"sessionToken": "FwoGZXIvYXdzEB"}', "FwoGZXIvYXdzEB"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("sent Bearer abcdefghijklmnop1234", "abcdefghijklmnop"),
        ("https://user:s3cret@example.org/hook failed", "s3cret"),
        ("https://s3/x?a=1&X-Amz-Signature=deadbeef&b=2", "deadbeef"),
        ("UserData=IyEvYmluL3No was refused", "IyEvYmluL3No"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, secret: str) -> None:
    hidden = hide({"deep": [{"reason": text}]})["deep"][0]["reason"]
    assert secret not in hidden
    assert HIDDEN in hidden


@pytest.mark.parametrize(
    "text",
    [
        "token errors: shop__checkout__prod__3 had 35.66 at 10:00:55 UTC, above the maximum of 5",
        "basic monitoring of EC2 has one datapoint in five minutes",
        "create launch template shop__checkout__prod__7 with ami-0123456789abcdef0",
    ],
)
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert hide(text) == text


def test_a_hidden_secret_leaves_the_rest_of_the_sentence() -> None:
    assert hide("run with password=abc, then stop") == f"run with password={HIDDEN}, then stop"


def test_events_come_in_the_order_of_their_time_and_without_lines_of_tables() -> None:
    told = events_of(
        [
            {"at": "20.5", "subject": "b", "text": "later", "in_service": "2"},
            {"at": 10, "subject": "a", "text": "sooner"},
            {"subject": "", "text": "a line of a table"},
            "not an event",
        ]
    )
    assert [(one["at"], one["subject"], one["in_service"]) for one in told] == [
        (10.0, "a", None),
        (20.5, "b", 2),
    ]


def test_a_verification_without_a_verdict_is_none() -> None:
    assert verification_of({}) is None
    assert verification_of({"plan": ["cpu"]}) is None
    assert verification_of("nonsense") is None


def test_a_window_that_is_not_told_is_the_one_of_the_data() -> None:
    told = verification_of(
        {"verdict": "pass", "series": [{"metric": "cpu", "period": 60, "points": [[600, 1], [660, "2"]]}]}
    )
    assert told is not None
    assert told["window"] == {"start": 600.0, "end": 720.0}


def test_bounds_come_from_the_options_where_a_finding_does_not_repeat_them() -> None:
    told = verification_of(
        {"verdict": "pass", "metrics": [{"name": "cpu", "verdict": "pass"}, {"name": "io", "maximum": 7}]},
        {"metrics": [{"name": "cpu", "maximum": 80}, {"name": "io", "maximum": 9}]},
    )
    assert told is not None
    assert [finding["maximum"] for finding in told["metrics"]] == [80, 7]


def test_points_that_are_no_numbers_are_left_out() -> None:
    told = verification_of(
        {"verdict": "pass", "series": [{"points": [[1, float("nan")], [2, None], [3], "x", [4, 5]]}]}
    )
    assert told is not None
    assert told["series"][0]["points"] == [[4.0, 5.0]]


def test_members_that_nobody_knows_do_not_come_along() -> None:
    told = verification_of({"verdict": "pass", "metrics": [{"name": "cpu", "user_data": "x"}], "region": "y"})
    assert "user_data" not in str(told)
    assert "region" not in str(told)


def test_one_bad_instance_among_good_ones_stands_out() -> None:
    several = series("cpu", "canary", 30.0, BEGAN)
    assert standing_out(several, {}) == {BAD: "above the others"}
    assert standing_out(several, {"maximum": 80}) == {BAD: "above its maximum"}


def test_instances_that_are_alike_do_not_stand_out() -> None:
    assert standing_out(series("cpu", "baseline", 30.0, BEGAN), {}) == {}


@pytest.mark.parametrize(
    ("values", "odd"),
    [
        ([1.0, 1.0, 1.0, 1.05], set()),
        ([1.0, 1.0, 1.0, 1.2], {3}),
        ([1.0, 1.0, 5.0], set()),
        ([0.0, 0.0, 0.0, 0.0], set()),
    ],
)
def test_it_takes_a_majority_and_a_distance_to_stand_out(values: list[float], odd: set[int]) -> None:
    several: list[dict[str, Any]] = [
        {"instance_id": str(number), "points": [[0.0, value]]} for number, value in enumerate(values)
    ]
    assert {int(one) for one in standing_out(several, {})} == odd


def test_the_record_lists_the_instances_with_what_they_measured() -> None:
    instances = {one["instance_id"]: one for one in rolled_back().record()["instances"]}
    assert len(instances) == 8
    bad, good = instances[BAD], instances[CANARY[0]]
    assert (bad["group"], bad["side"], bad["phase"]) == (NEW, "canary", "Canary 50 %")
    assert bad["measured"]["cpu"] > 80
    assert bad["outliers"] == [
        "cpu above its maximum in Canary 50 %",
        "latency above the others in Canary 50 %",
    ]
    assert (good["phase"], good["outliers"]) == ("Canary 25 %", [])
    assert details.BASELINE in {one["side"] for one in instances.values()}
