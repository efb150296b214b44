# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever asks for the status is told which phase it is, what is awaited or watched and until when, and by whom."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.deployment.series_search import series_info
from ansible_collections.progressive.aws.plugins.module_utils.verification.fleet import AwsSurroundings
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import read_settings
from ansible_collections.progressive.aws.plugins.module_utils.verification.verify import Verification

from tests.unit.engine import Site

PHASES = (Wanted(percent=25, name="Canary", verified=True), Wanted(percent=100, name="Primary"))


@pytest.fixture
def begun(site: Site) -> Site:
    """Image two has been set up beside image one, by one, with a verified phase."""
    site.deploy(site.image("one"))
    site.set_up(site.image("two"), phases=PHASES)
    return site


def told(site: Site) -> str:
    found = series_info(site.rollout("somebody"), site.shop.series)["whereabouts"]
    assert set(found) <= {f"{site.prefix}2"}
    return " ".join(words for several in found.values() for words in several)


def verification(site: Site, **more: Any) -> Verification:
    metric = {
        "name": "cpu",
        "namespace": "CWAgent",
        "metric_name": "cpu_usage_active",
        "dimensions": {"InstanceId": "{instance_id}"},
        "maximum": 99.0,
    }
    settings = read_settings(
        {"group": f"{site.prefix}2", "metrics": [metric], "duration": 300, "warmup": 60, **more}
    )
    rollout = site.rollout()
    return Verification(settings, rollout.cloudwatch, AwsSurroundings(rollout), rollout.clock)


def test_a_set_up_that_is_done_waits_for_its_first_phase(begun: Site) -> None:
    assert told(begun).startswith("setting up. By one since ")
    assert "who has it reserved until" in told(begun)


def test_a_phase_says_how_far_it_is_and_that_it_is_to_be_verified(begun: Site) -> None:
    begun.upgrade(f"{begun.prefix}2", 25)
    assert told(begun).startswith("phase 1 of 2: 1 of 4, 1 in service, its verification is still to come.")


def test_a_verification_says_until_when_from_its_first_minute_on(begun: Site) -> None:
    begun.upgrade(f"{begun.prefix}2", 25)
    begun.clock.sleep(40)
    progress = begun.one_pass(verification(begun)).progress
    begun.one_pass(verification(begun), progress)
    words = told(begun)
    assert words.startswith("phase 1 of 2: 1 of 4, 1 in service, its metrics are watched until 20")
    begun.run(verification(begun))
    assert "has passed its verification" in told(begun)


def test_who_has_died_is_told_as_such(begun: Site) -> None:
    begun.upgrade(f"{begun.prefix}2", 25)
    begun.clock.sleep(600)
    assert "Nobody is at it: one began 20" in told(begun)
    assert "Run the same again to go on, or roll back." in told(begun)


def test_what_is_over_has_nothing_to_tell(site: Site) -> None:
    site.deploy(site.image("one"))
    assert told(site) == ""
