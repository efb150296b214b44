# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the rulebook with the real ansible-rulebook: events as EventBridge sends them, and a series on the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tests.demo.running import ROOT, environment, sandbox_server
from tests.demo.shop import Shop
from tests.integration.canary import Deployer
from tests.integration.conftest import with_base
from tests.recorded import COLLECTION

RULEBOOK = ROOT / "extensions" / "eda" / "rulebooks" / "rollback_on_alarm.yml"
PACKAGES = ROOT / "build" / "rulebook"
#: Long enough for the playbook, which the shutdown waits for.
SECONDS = 90


def event(
    name: str, *, state: str = "ALARM", region: str = "us-east-1", at: float | None = None
) -> dict[str, Any]:
    """An event as C(ansible.eda.aws_sqs_queue) hands it on.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() if at is None else at))
    detail = {"alarmName": name, "state": {"value": state}, "previousState": {"value": "OK"}}
    body = {
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
    }
    return {"body": {**body, "time": moment, "region": region, "detail": detail}, "meta": {"MessageId": "1"}}


def with_events(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rulebook, which gets these events instead of those of a queue."""
    rulebook: list[dict[str, Any]] = yaml.safe_load(RULEBOOK.read_text())
    generic = {"payload": events, "shutdown_after": SECONDS}
    rulebook[0]["sources"] = [{"name": "Events", "eda.builtin.generic": generic}]
    return rulebook


def inventory(deployer: Deployer, alarm: str) -> dict[str, Any]:
    """The series as a host, with one alarm."""
    shop = deployer.shop
    series = {
        "aws_region": shop.region,
        "canary_application": shop.application,
        "canary_service": shop.service,
        "canary_environment": shop.environment,
        "canary_alarms": [alarm],
        "canary_settle_time": 0,
        "canary_poll_interval": 0.2,
    }
    return {"canary_series": {"hosts": {"checkout": series}}}


def install() -> Path:
    """Where ansible-rulebook is, in an environment of its own."""
    found = PACKAGES / "bin" / "ansible-rulebook"
    if not found.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PACKAGES)], check=True)
        subprocess.run([str(PACKAGES / "bin" / "pip"), "install", "--quiet", "ansible-rulebook"], check=True)
    return found


def main() -> int:
    """Deploy twice, let alarms fire, and see which revision serves; 0 where it is as it should be."""
    program = install()
    quick = {"pending_seconds": 0.6, "registration_seconds": 0.3, "draining_seconds": 0.3}
    with tempfile.TemporaryDirectory() as name, sandbox_server(terminating_seconds=0.4, **quick) as server:
        folder = Path(name)
        deployer = Deployer(Shop(server.url), server, folder)
        with_base(deployer)
        first = deployer.go_live(deployer.image("one"))
        second = deployer.go_live(deployer.image("two"))
        (folder / "series.yml").write_text(json.dumps(inventory(deployer, "checkout-errors")))
        good = True
        for what, fired, serving in (
            (
                "calm, of others, elsewhere, and before it was live",
                [
                    event("checkout-errors", state="OK"),
                    event("cart-errors"),
                    event("checkout-errors", region="eu-west-1"),
                    event("checkout-errors", at=time.time() - 600),
                ],
                second,
            ),
            ("of the series", [event("checkout-errors")], first),
        ):
            (folder / "rulebook.yml").write_text(json.dumps(with_events(fired)))
            command = [str(program), "--rulebook", "rulebook.yml", "--inventory", "series.yml"]
            run = subprocess.run(
                command,
                cwd=folder,
                env=environment(server.url, AWS_ACCESS_KEY_ID=COLLECTION),
                capture_output=True,
                text=True,
                check=False,
            )
            serves = [group for group, sizes in deployer.shop.revisions().items() if sizes.in_service]
            as_wanted = run.returncode == 0 and serves == [serving]
            good = good and as_wanted
            print(f"{'ok' if as_wanted else 'WRONG'}  alarms {what}: {', '.join(serves)} serves")
            if not as_wanted:
                print(run.stdout, run.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
