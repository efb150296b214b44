# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation builds as a site without a warning, its links lead somewhere, and each of its plays is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.demo.quick_start import open_shop
from tests.demo.running import environment, run_playbook, sandbox_server
from tests.demo.shop import Shop, Sizes
from tests.integration.canary import QUICK
from tests.tools import documentation
from tests.tools.examples import Block, blocks

#: Seconds instead of minutes, and a metric that the sandbox publishes as often.
SECONDS = {"duration": 3, "warmup": 0, "interval": 1, "delay": 0}


def plays() -> dict[str, Block]:
    """Every play of the pages, by its text: the same one may stand on several."""
    return {
        block.text: block
        for block in blocks()
        if block.language == "yaml" and isinstance(block.data, list) and "hosts" in block.data[0]
    }


def on(page: str) -> Block:
    return next(block for block in plays().values() if block.page == page)


def quick(block: Block) -> dict[str, Any]:
    """Extra variables that make a play's verifications short, and change nothing else of them."""
    found: dict[str, Any] = {}
    for name, value in block.data[0]["vars"].items():
        if isinstance(value, dict) and "metrics" in value:
            metrics = [
                {**one, "namespace": "CWAgent", "metric_name": "cpu_usage_active", "period": 1}
                for one in value["metrics"]
            ]
            found[name] = {**value, **SECONDS, "metrics": metrics}
    return {**QUICK, **found}


def run(block: Block, tmp_path: Path, shop: Shop, *arguments: str, **more: Any) -> Any:
    play = tmp_path / "play.yml"
    play.write_text(block.text)
    return run_playbook(play, {**quick(block), **more}, environment(shop.endpoint), *arguments)


def test_every_play_of_the_pages_is_run_by_a_test_of_this_file() -> None:
    assert {block.page for block in plays().values()} == {
        "docs/quick-start.md",
        "docs/from-rolling-replace.md",
        "docs/guide.md",
        "roles/canary/README.md",
    }


@pytest.fixture(scope="module")
def opened() -> Any:
    """The sandbox as ``make sandbox`` starts it, with quicker instances."""
    with sandbox_server(pending_seconds=0.3, registration_seconds=0.2, terminating_seconds=0.2) as server:
        open_shop(server.url)
        yield Shop(server.url)


def test_the_quick_start_goes_live_and_catches_its_bad_image(opened: Shop, tmp_path: Path) -> None:
    block = on("docs/quick-start.md")
    connection = block.data[0]["module_defaults"]["group/progressive.aws.aws"]
    here = Block(block.place, "yaml", block.text.replace(connection["endpoint_url"], opened.endpoint))
    report = {"canary_report": f"{tmp_path}/"}
    first = run(here, tmp_path, opened, **report)
    assert first.code == 0, first.output
    live = {"shop__checkout__prod__1": Sizes(0, 10, 4, 4)}
    assert opened.revisions() == live
    bad = run(here, tmp_path, opened, canary_image_name="shop-3.0", **report)
    assert (bad.code, "above the maximum of 80" in bad.output) == (2, True), bad.output
    assert opened.revisions() == live
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize("page", ["docs/guide.md", "roles/canary/README.md", "docs/from-rolling-replace.md"])
def test_the_other_plays_have_a_plan(base: Shop, tmp_path: Path, page: str) -> None:
    of_this_shop: dict[str, Any] = {
        "canary_application": base.application,
        "canary_base_group": base.base_group,
    }
    if "canary_adopt_group" in on(page).text:
        base.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=base.base_group, MaxSize=4, DesiredCapacity=4
        )
        of_this_shop["canary_adopt_group"] = base.base_group
    image_id, verify = base.register_image("other"), yaml.safe_load(on("docs/guide.md").text)[0]["vars"]
    of_this_shop |= {"image_id": image_id, "cpu_and_errors": verify["cpu_and_errors"]}
    done = run(on(page), tmp_path, base, "--check", **of_this_shop)
    assert done.code == 0, done.output
    assert "Nothing was changed" in done.output
    assert base.revisions() == {}


def test_the_site_is_built_without_a_warning_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    page = documentation.build(tmp_path)
    assert "A canary in three phases" in page.read_text()
    modules = {path.stem for path in (documentation.ROOT / "plugins" / "modules").glob("[a-z]*.py")}
    assert {
        path.stem.removesuffix("_module") for path in page.parent.glob("reference/*_module.html")
    } == modules
