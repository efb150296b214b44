# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a verification before it waits for anything."""

from __future__ import annotations

import pytest

from tests.unit.verification.test_missing_is_not_zero import REQUESTS, world_of


@pytest.mark.parametrize(
    ("expression", "statistic", "found"),
    [
        ("100 * errors / requests", "Sum", True),
        ("(errors/requests)*100", "Sum", True),
        ("errors / requests", "SampleCount", True),
        ("errors / requests", "Average", False),
        ("errors - requests", "Sum", False),
        ("errors / FILL(requests, 1)", "Sum", False),
        ("errors / requests / requests", "Sum", False),
    ],
)
def test_a_share_in_metric_math_gets_a_hint(expression: str, statistic: str, found: bool) -> None:
    queries = [
        {**REQUESTS, "id": name, "metric_name": name.title(), "statistic": statistic}
        for name in ("errors", "requests")
    ]
    metric = {"name": "share", "expression": expression, "queries": queries, "maximum": 200.0}
    plan = world_of(lambda query, when: 2.0).verify(check_mode=True, metrics=[metric]).result["plan"]
    hint = "kind rate, with numerator Errors and denominator Requests, knows of how many it is a share"
    assert any(hint in line for line in plan) == found
