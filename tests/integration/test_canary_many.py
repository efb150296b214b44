# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several series in one play: each has its own phases, in its own order, and its own end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.demo.running import environment, run_playbook
from tests.demo.shop import Shop, Sizes
from tests.integration.canary import FAULTY, PHASES, Deployer, verified
from tests.integration.conftest import with_base
from tests.integration.observer import Observer
from tests.recorded import COLLECTION

PLAY = """
- name: Deploy several services
  hosts: all
  gather_facts: false
  any_errors_fatal: {fatal}
  roles:
    - role: progressive.aws.canary
"""


@pytest.fixture
def services(deployer: Deployer) -> list[Deployer]:
    """Three services of one shop, each with a base group and a live revision of four instances."""
    found = []
    for name in ("orders", "stock", "tills"):
        shop = Shop(deployer.server.url, application=f"{deployer.shop.application}{name}", service=name)
        one = Deployer(shop, deployer.server, deployer.folder)
        with_base(one)
        one.go_live(one.image(f"{name}-1"))
        found.append(one)
    return found


def deploy_all(
    folder: Path, services: list[Deployer], variables: list[dict[str, Any]], *, fatal: bool = False
) -> tuple[int, str]:
    hosts = {
        one.shop.service: {"ansible_connection": "local", **one.variables(**given)}
        for one, given in zip(services, variables, strict=True)
    }
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    play = folder / "play.yml"
    play.write_text(PLAY.format(fatal=str(fatal).lower()))
    run = run_playbook(
        play,
        {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "canary_report": None},
        environment(services[0].shop.endpoint, AWS_ACCESS_KEY_ID=COLLECTION),
        "--inventory",
        str(inventory),
    )
    return run.code, run.output


def test_each_series_has_its_phases_in_their_order(deployer: Deployer, services: list[Deployer]) -> None:
    last = {"name": "Primary", "percent": 100}
    phases = [PHASES, [{"name": "Canary 75 %", "percent": 75}, last], [last]]
    images = [one.image(f"{one.shop.service}-2") for one in services]
    observers = [Observer(one.shop) for one in services]
    for observer in observers:
        observer.__enter__()
    try:
        code, output = deploy_all(
            deployer.folder,
            services,
            [
                {"image_id": image_id, "canary_phases": several}
                for image_id, several in zip(images, phases, strict=True)
            ],
        )
    finally:
        for observer in observers:
            observer.__exit__(None, None, None)

    assert code == 0, output
    for one, observer, steps in zip(services, observers, ([0, 1, 2, 4], [0, 3, 4], [0, 4]), strict=True):
        assert observer.desired(f"{one.shop.series}__2") == steps
        assert observer.lowest >= 4


def test_where_one_failure_ends_the_play_the_failed_canary_does_not_stay(
    deployer: Deployer, services: list[Deployer]
) -> None:
    images = [
        services[0].image("orders-2"),
        services[1].image("stock-2", **FAULTY),
        services[2].image("tills-2"),
    ]

    code, output = deploy_all(
        deployer.folder,
        services,
        [{"image_id": image_id, "canary_phases": verified("Canary 25 %")} for image_id in images],
        fatal=True,
    )

    assert code == 2
    for one in services:
        assert one.shop.revisions() == {f"{one.shop.series}__1": Sizes(0, 10, 4, 4)}, output
    assert "error rate" in output
    assert "because another host failed" in output
