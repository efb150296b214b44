# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of C(make judge-fleets): instances that differ by 10 % under a load that swings by half."""

from __future__ import annotations

from tests.benchmark.uneven_fleets import SLOW, Fleet, failed
from tests.sandbox.inprocess import InProcess
from tests.unit.engine import SETTINGS, START
from tests.unit.reporting.test_what_if import again, report_of
from tests.unit.verification.test_images import METRICS


def test_good_images_pass_on_an_uneven_fleet_and_a_slow_one_is_caught() -> None:
    fleet = Fleet.begin(InProcess(SETTINGS, START))
    for __ in range(2):
        good = fleet.deploy()
        assert (good["verdict"], failed(good)) == ("pass", {})
    # The fleet is what it is said to be: levels of instances that differ, and a load that goes up and down.
    cpu = [one for one in good["series"] if one["metric"] == "cpu"]
    levels = [sum(value for __, value in one["points"]) / len(one["points"]) for one in cpu]
    assert len(levels) == 16 and max(levels) > 1.15 * min(levels)
    (first, *__) = cpu
    values = [value for __, value in first["points"]]
    assert max(values) > 1.8 * min(values)
    # The one before left its history, with which a slow one is found.
    assert any(one["metric"] == "slowest" for one in good["history"])

    # A report has all of that, so that it comes to the same when it is judged again.
    repeated = again(report_of(good, metrics=METRICS, delay=0)).result
    assert [one["reason"] for one in repeated["metrics"]] == [one["reason"] for one in good["metrics"]]
    assert "history" in repeated["metrics"][0]["reason"]

    slow = fleet.deploy(**SLOW)
    assert slow["verdict"] == "fail"
    assert list(failed(slow)) == ["slowest"]
    assert failed(slow)["slowest"].startswith("higher than the baseline: ")
    assert "history" in failed(slow)["slowest"]
