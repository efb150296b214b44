# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary that is judged by what Prometheus has of its instances: a real one, and the secrets on the way to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.demo.by_prometheus import BAD, GOOD, verification
from tests.demo.shop import Shop, Sizes
from tests.integration.canary import PHASES, Deployer, leftovers
from tests.tools.prometheus import scraping
from tests.unit.sources.prometheus_server import prometheus

HALF, PRIMARY = PHASES[1], PHASES[2]
TOKEN, KEY = "planted-token-of-prometheus", "planted-key-of-a-header"


def verdicts(deployer: Deployer) -> dict[str, tuple[str, str]]:
    phase = next(dict(phase) for phase in deployer.report["phases"] if phase["verdict"])
    return {one["name"]: (one["verdict"], one["reason"]) for one in phase["verification"]["metrics"]}


@pytest.mark.thorough
def test_a_real_prometheus_catches_a_bad_image_and_lets_a_good_one_pass(
    base: Shop, deployer: Deployer
) -> None:
    first = deployer.go_live(deployer.image("one", **GOOD))
    with scraping(base.endpoint) as address:
        phases = [{**HALF, "verify": verification(address)}, PRIMARY]
        run = deployer.deploy(deployer.image("bad", **BAD), canary_phases=phases)
        assert run.code == 2, run.output
        verdict, reason = verdicts(deployer)["errors"]
        assert (verdict, "above the maximum of 5" in reason) == ("fail", True), reason
        assert base.revisions() == {first: Sizes(0, 10, 4, 4)}
        assert leftovers(base, f"{base.series}__2") == []

        run = deployer.deploy(deployer.image("good", **GOOD), canary_phases=phases)
        assert run.code == 0, run.output
        assert {name: verdict for name, (verdict, __) in verdicts(deployer).items()} == {
            "errors": "pass",
            "latency": "pass",
        }

        nowhere = [{**HALF, "verify": verification(address, "shop_errors_total_misspelt")}, PRIMARY]
        run = deployer.deploy(deployer.image("unseen", **GOOD), canary_phases=nowhere)
        assert run.code == 2, run.output
        assert "no datapoint at all of Prometheus" in verdicts(deployer)["errors"][1]


def test_what_leads_to_prometheus_is_seen_nowhere(base: Shop, deployer: Deployer) -> None:
    verify: dict[str, Any] = {
        "duration": 2,
        "warmup": 0,
        "interval": 1,
        "delay": 0,
        "metrics": [{"name": "latency", "period": 1, "maximum": 80.0}],
    }
    with prometheus(token=TOKEN) as server:
        verify["metrics"][0]["prometheus"] = {
            "address": server.url,
            "query": 'latency{group="{group}"}',
            "bearer_token": TOKEN,
            "secret_headers": {"X-Key": KEY},
        }
        run = deployer.deploy(
            deployer.image("one"),
            "-vvvv",
            "--diff",
            canary_phases=[{**HALF, "verify": verify}, PRIMARY],
            canary_report=[str(deployer.folder / f"report.{ending}") for ending in ("json", "html")],
        )
    assert run.code == 0, run.output
    assert "latency" in verdicts(deployer)
    written = "".join(path.read_text() for path in deployer.folder.iterdir() if path.is_file())
    tags = json.dumps(base.client("autoscaling").describe_tags()["Tags"])
    for secret in (TOKEN, KEY):
        for place, text in {"the terminal": run.output, "files": written, "tags": tags}.items():
            found = text.find(secret)
            assert found < 0, f"{secret} is seen in {place}: {text[max(0, found - 400) : found + 100]}"
