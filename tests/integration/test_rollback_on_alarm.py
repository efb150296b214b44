# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that an alarm starts, and the rulebook that starts it."""

from __future__ import annotations

import json
import time
from importlib import resources
from typing import Any

import jsonschema
import pytest
import yaml

from tests.demo.running import ROOT, Run, environment, run_playbook
from tests.demo.shop import Shop, Sizes
from tests.integration.canary import Deployer
from tests.integration.observer import Observer
from tests.recorded import COLLECTION
from tests.tools.rulebook import RULEBOOK, inventory, with_events

ALARM = "checkout-errors"


def fire(deployer: Deployer, name: str = ALARM, region: str = "us-east-1", seconds_ago: float = 0) -> Run:
    """Run the playbook as the rulebook does."""
    (deployer.folder / "series.json").write_text(json.dumps(inventory(deployer, ALARM)))
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds_ago))
    return run_playbook(
        "rollback_on_alarm",
        {"canary_alarm": {"name": name, "region": region, "at": at}},
        environment(deployer.shop.endpoint, AWS_ACCESS_KEY_ID=COLLECTION),
        "--inventory",
        str(deployer.folder / "series.json"),
    )


def test_an_alarm_of_a_series_takes_back_what_went_live_just_before(base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    deployer.go_live(deployer.image("two"))

    with Observer(base) as observer:
        run = fire(deployer)

    assert run.code == 0, run.output
    assert observer.lowest >= 4
    assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
    # A second alarm of the same series does not take more back.
    mark = deployer.server.mark()
    again = fire(deployer)
    assert again.code == 0, again.output
    assert deployer.server.writes(mark) == []


@pytest.mark.parametrize(
    "alarm",
    [
        {"seconds_ago": 600},
        *(
            pytest.param(one, marks=pytest.mark.thorough)
            for one in ({"name": "cart-errors"}, {"region": "eu-west-1"})
        ),
    ],
    ids=lambda one: next(iter(one)),
)
def test_other_alarms_touch_nothing(base: Shop, deployer: Deployer, alarm: dict[str, Any]) -> None:
    deployer.go_live(deployer.image("one"))
    deployer.go_live(deployer.image("two"))
    mark = deployer.server.mark()

    run = fire(deployer, **alarm)

    assert run.code == 0, run.output
    assert deployer.server.writes(mark) == []


@pytest.mark.parametrize("events", [None, [{"body": {}}]])
def test_the_rulebook_is_one(events: list[dict[str, Any]] | None) -> None:
    schema = json.loads((resources.files("ansiblelint") / "schemas" / "rulebook.json").read_text())
    rulebook = yaml.safe_load(RULEBOOK.read_text()) if events is None else with_events(events)
    jsonschema.validate(rulebook, schema)
    (rule,) = rulebook[0]["rules"]
    playbook = rule["action"]["run_playbook"]["name"]
    assert (ROOT / "playbooks" / f"{playbook.removeprefix('progressive.aws.')}.yml").is_file()


def test_what_is_installed_has_the_extensions() -> None:
    ignored = yaml.safe_load((ROOT / "galaxy.yml").read_text())["build_ignore"]
    assert not [one for one in ignored if one.startswith("extensions")]
