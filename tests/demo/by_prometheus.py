# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.demo.by_prometheus``: what ``make prometheus`` runs.

A real Prometheus scrapes the sandbox's instances. A good image goes live by its data, a bad one is taken back by
nothing but them, and with a query that finds no data a third one does not go live either.
"""

from __future__ import annotations

import sys
from typing import Any

from tests.demo.running import environment, run_playbook, sandbox_server
from tests.demo.shop import Shop
from tests.tools.prometheus import scraping

#: Seconds; minutes in the real AWS.
WORLD = {
    "pending_seconds": 1.0,
    "registration_seconds": 0.5,
    "draining_seconds": 0.5,
    "terminating_seconds": 0.5,
}
GOOD = {"error_rate": 0.002, "requests_per_second": 50.0}
BAD = {"error_rate": 0.3, "requests_per_second": 50.0}


def verification(address: str, name: str = "shop_errors_total", **more: Any) -> dict[str, Any]:
    """The share of requests that fail, and the latency of each instance, as Prometheus has them."""
    group = 'autoscaling_group="{group}"'
    return {
        # Prometheus scrapes each second; an increase wants several scrapes within its range.
        "warmup": 5,
        "duration": 15,
        "interval": 1,
        "delay": 2,
        "metrics": [
            {
                "name": "errors",
                "kind": "rate",
                "period": 5,
                "prometheus": {"address": address, **more},
                "numerator": {"prometheus": {"query": f"sum(increase({name}{{{group}}}[{{period}}s]))"}},
                "denominator": {
                    "prometheus": {"query": f"sum(increase(shop_requests_total{{{group}}}[{{period}}s]))"}
                },
                "maximum": 5,
            },
            {
                "name": "latency",
                "period": 1,
                "prometheus": {
                    "address": address,
                    "query": 'shop_latency_seconds{instance_id=~"{instance_id}"}',
                    "instance_label": "instance_id",
                    **more,
                },
                "direction": "increase",
                "allowed_effect": 0.5,
            },
        ],
    }


def variables(shop: Shop, image_id: str, verify: dict[str, Any]) -> dict[str, Any]:
    """The guide's play with one verified phase."""
    return {
        "canary_application": shop.application,
        "canary_service": shop.service,
        "canary_environment": shop.environment,
        "canary_base_group": shop.base_group,
        "canary_image_id": image_id,
        "canary_min_size": 0,
        "canary_max_size": 10,
        "canary_desired_capacity": 4,
        "canary_settle_time": 0,
        "canary_poll_interval": 0.5,
        "canary_phases": [
            {"name": "Canary 50 %", "percent": 50, "verify": verify},
            {"name": "Primary", "percent": 100},
        ],
    }


def main() -> int:
    """Deploy, and say whether all ended as they should."""
    wrong = []
    with sandbox_server(**WORLD) as server, scraping(server.url) as address:
        shop = Shop(server.url)
        shop.make_base_group(LaunchTemplate=shop.launch_template(shop.register_image("base")))

        def deploy(name: str, behaviour: dict[str, float], verify: dict[str, Any], code: int) -> None:
            print(f"\n== {name} ==", flush=True)
            image_id = shop.register_image(name.replace(" ", "-"))
            server.behave(image_id, behaviour)
            play = variables(shop, image_id, verify)
            run = run_playbook("canary", play, environment(server.url), tell=print)
            if run.code != code:
                wrong.append(name)

        first = {"canary_phases": [{"name": "All", "percent": 100}]}
        image_id = shop.register_image("first")
        server.behave(image_id, GOOD)
        run_playbook(
            "canary", {**variables(shop, image_id, {}), **first}, environment(server.url), tell=print
        )
        deploy("a good image", GOOD, verification(address), 0)
        deploy("a bad image", BAD, verification(address), 2)
        deploy("no data", GOOD, verification(address, "shop_errors_total_misspelt"), 2)
    print("\n" + (f"Not as it should: {', '.join(wrong)}" if wrong else "All ended as they should."))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
