# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification in the background of a canary: in the role."""

from __future__ import annotations

from tests.demo.shop import Shop, Sizes
from tests.integration.canary import ERROR_RATE, FAULTLESS, FAULTY, PHASES, Deployer, leftovers


def test_what_no_phase_verifies_is_found_in_the_background_and_taken_back(
    base: Shop, deployer: Deployer
) -> None:
    first = deployer.go_live(deployer.image("one"))

    run = deployer.deploy(
        deployer.image("two", **FAULTY),
        canary_phases=[PHASES[0], {**PHASES[1], "pause": 600}, PHASES[2]],
        canary_watch=ERROR_RATE,
    )

    assert run.code == 2
    assert "the verification in the background says: verdict fail: error rate" in deployer.report["reason"]
    assert deployer.report["outcome"] == "rolled-back"
    phases = deployer.report["phases"]
    assert [phase["name"] for phase in phases] == ["Canary 25 %", "Canary 50 %"]
    assert phases[1]["verification"]["metrics"][0]["name"] == "error rate"
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    assert leftovers(base, f"{base.series}__2") == []


def test_what_is_well_goes_live_after_a_bake_that_was_watched(base: Shop, deployer: Deployer) -> None:
    run = deployer.deploy(
        deployer.image("one", **FAULTLESS),
        canary_phases=[PHASES[2]],
        canary_bake={"seconds": 12},
        canary_watch={**ERROR_RATE, "after": "Primary"},
    )

    assert run.code == 0
    shown = run.output
    assert shown.index("begin the bake") < shown.index("in the background: verdict pass")
    assert base.revisions() == {f"{base.series}__1": Sizes(0, 10, 4, 4)}


def test_a_watch_that_cannot_be_is_refused_with_all_else_that_is_wrong(
    base: Shop, deployer: Deployer
) -> None:
    run = deployer.deploy(
        deployer.image("one"), canary_watch={"after": "Canary 26 %", "duration": 60, "confidence": 2}
    )

    assert run.code == 2
    assert "canary_watch begins after 'Canary 26 %', and the phases are" in run.output
    assert "there is nothing to judge" in run.output
    assert base.revisions() == {}
