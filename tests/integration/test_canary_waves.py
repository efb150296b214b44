# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example inventory on three pretend AWS, one for each region: waves, the stop at a failure, and one summary."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.demo.running import ROOT, Run, environment, run_playbook, sandbox_server
from tests.demo.shop import Shop, Sizes
from tests.integration.canary import ERROR_RATE, FAULTLESS, FAULTY, QUICK, Deployer, leftovers
from tests.integration.conftest import with_base
from tests.integration.observer import Observer

EXAMPLE = ROOT / "extensions" / "inventory" / "three_regions.yml"
INVENTORY = yaml.safe_load(EXAMPLE.read_text())["canary_series"]
FIRST, SECOND, THIRD = NAMES = list(INVENTORY["hosts"])
REGIONS = {name: host["aws_region"] for name, host in INVENTORY["hosts"].items()}
#: Who calls where the keys are the host's own; the third has a role assumed.
KEYS = {FIRST: "keys-of-ireland", SECOND: "keys-of-frankfurt"}
OLD, NEW = Sizes(0, 10, 4, 4), Sizes(0, 10, 0, 0)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Any]]:
    """A sandbox for each region."""
    quick = {"pending_seconds": 0.6, "registration_seconds": 0.3, "draining_seconds": 0.3}
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(sandbox_server(terminating_seconds=0.4, **quick)) for name in NAMES}


@pytest.fixture
def regions(servers: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, Deployer]:
    """The service of the example in each region, live with four instances; another application for each test."""
    application = f"shop{abs(hash(request.node.name)) % 10_000}"
    found = {}
    for name, server in servers.items():
        shop = Shop(server.url, application=application, region=REGIONS[name])
        found[name] = Deployer(shop, server, tmp_path)
        with_base(found[name])
        found[name].go_live(found[name].image("one"))
    return found


def deploy(regions: dict[str, Deployer], images: dict[str, str], *arguments: str, **variables: Any) -> Run:
    """Run the playbook by the example inventory, and one beside it that says where the sandboxes are."""
    folder = next(iter(regions.values())).folder
    hosts = {
        name: {
            "aws_endpoint_url": one.shop.endpoint,
            "canary_image_id": images[name],
            **({"aws_access_key": KEYS[name], "aws_secret_key": "secret"} if name in KEYS else {}),
        }
        for name, one in regions.items()
    }
    application = regions[FIRST].shop.application
    common = {
        **QUICK,
        "canary_application": application,
        "canary_base_group": regions[FIRST].shop.base_group,
        "canary_image_owners": None,
        "canary_verify": ERROR_RATE,
        "canary_report": f"{folder}/{{{{ inventory_hostname }}}}.html",
        "canary_summary": f"{folder}/",
    }
    (folder / "sandboxes.json").write_text(json.dumps({"canary_series": {"hosts": hosts, "vars": common}}))
    (folder / "config").write_text(
        "[profile shop-virginia]\nrole_arn = arn:aws:iam::123456789012:role/deployer\n"
        "source_profile = home\n[profile home]\naws_access_key_id = home\naws_secret_access_key = home\n"
        "region = us-east-1\n"
    )
    environ = environment(
        regions[THIRD].shop.endpoint,
        AWS_CONFIG_FILE=str(folder / "config"),
        AWS_ENDPOINT_URL_STS=regions[THIRD].shop.endpoint,
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        del environ[name]
    for name in ("AWS_ENDPOINT_URL", "AWS_URL"):
        # Whoever does not take it from the inventory is not to find it by accident.
        environ[name] = "http://127.0.0.1:9"
    inventories = ("--inventory", str(EXAMPLE), "--inventory", str(folder / "sandboxes.json"))
    return run_playbook("canary_many", variables, environ, *inventories, *arguments)


def images_of(regions: dict[str, Deployer], bad: str = "") -> dict[str, str]:
    return {name: one.image("two", **(FAULTY if name == bad else FAULTLESS)) for name, one in regions.items()}


def test_a_bad_region_is_taken_back_and_no_later_wave_begins(regions: dict[str, Deployer]) -> None:
    images = images_of(regions, bad=SECOND)
    marks = {name: one.server.mark() for name, one in regions.items()}

    with contextlib.ExitStack() as stack:
        observers = [stack.enter_context(Observer(one.shop)) for one in regions.values()]
        run = deploy(regions, images, canary_waves=1)

    assert run.code == 2, run.output
    assert all(observer.lowest >= 4 for observer in observers)
    series = regions[FIRST].shop.series
    # The first is live, the second as it was, the third has not even been looked at.
    assert regions[FIRST].shop.revisions() == {f"{series}__1": NEW, f"{series}__2": OLD}
    assert regions[SECOND].shop.revisions() == {f"{series}__1": OLD}
    assert leftovers(regions[SECOND].shop, f"{series}__2") == []
    assert regions[THIRD].shop.revisions() == {f"{series}__1": OLD}
    assert regions[THIRD].server.writes(marks[THIRD]) == []
    for name, key in KEYS.items():
        assert {call["access_key"] for call in regions[name].server.writes(marks[name])} == {key}

    assert run.output.count("3 series: 1 live, 1 rolled back, 1 not begun.") == 1
    table = run.lines[next(number for number, line in enumerate(run.lines) if "3 series:" in line) :]
    for name, words in ((FIRST, "live"), (SECOND, "rolled back"), (THIRD, "not begun")):
        row = next(line for line in table if f" {name} " in line)
        assert words in row
        assert REGIONS[name] in row
    assert any(line.startswith(f"{SECOND}: Canary 25 %") and "error rate" in line for line in table), table
    assert f"{THIRD}: {SECOND} had failed before it." in table
    recap = {name: next(line for line in table if line.startswith(name) and "ok=" in line) for name in NAMES}
    assert "failed=1" in recap[SECOND]
    assert all("failed=0" in recap[name] for name in (FIRST, THIRD))

    folder = regions[FIRST].folder
    record = json.loads((folder / "report.json").read_text())
    assert record["failed"] == [SECOND]
    assert [(one["name"], one["outcome"], one["region"]) for one in record["series"]] == [
        (FIRST, "live", REGIONS[FIRST]),
        (SECOND, "rolled-back", REGIONS[SECOND]),
        (THIRD, "not-begun", REGIONS[THIRD]),
    ]
    assert [one["image_id"] for one in record["series"][:2]] == [images[FIRST], images[SECOND]]
    assert "error rate" in record["series"][1]["reason"]
    page = (folder / "report.html").read_text()
    assert f'href="{FIRST}.html"' in page
    assert f'href="{SECOND}.html"' in page
    assert f'href="{THIRD}.html"' not in page
    assert (folder / f"{SECOND}.html").exists()


@pytest.mark.thorough
def test_good_images_go_live_everywhere_also_by_an_assumed_role(regions: dict[str, Deployer]) -> None:
    images = images_of(regions)
    mark = regions[THIRD].server.mark()

    run = deploy(regions, images)

    assert run.code == 0, run.output
    series = regions[FIRST].shop.series
    for one in regions.values():
        assert one.shop.revisions() == {f"{series}__1": NEW, f"{series}__2": OLD}
    assert run.output.count("3 series: 3 live.") == 1
    keys = {call["access_key"] for call in regions[THIRD].server.writes(mark) if call["service"] != "sts"}
    # Each step has a session of its own, so that none ends in the middle.
    assert keys
    assert all(key.startswith("ASIA") for key in keys), keys


def test_input_that_is_refused_in_the_first_wave_stops_all(regions: dict[str, Deployer]) -> None:
    images = {**images_of(regions), FIRST: "ami-00000000000000000"}
    marks = {name: one.server.mark() for name, one in regions.items()}

    run = deploy(regions, images)

    assert run.code == 2, run.output
    assert all(one.server.writes(marks[name]) == [] for name, one in regions.items())
    assert "3 series: 1 failed, 2 not begun." in run.output
    assert "ami-00000000000000000" in run.output
