# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.demo``: what ``make demo`` runs.

Starts the sandbox, makes a base group and a live revision in it, and deploys twice with
``playbooks/canary.yml``. Writes ``build/demo/summary.json`` and exits with 0 only if both deployments ended
as they should. Beside it lies the report of each deployment, as JSON and as a page to look at.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import textwrap
from dataclasses import dataclass, field
from typing import Any

from tests.demo.running import ROOT, SandboxServer, environment, run_playbook, sandbox_server
from tests.demo.shop import Shop

FOLDER = ROOT / "build" / "demo"
SUMMARY = FOLDER / "summary.json"
WIDTH = 100

#: Seconds; minutes in the real AWS.
WORLD = {
    "pending_seconds": 2.0,
    "registration_seconds": 1.0,
    "draining_seconds": 1.0,
    "terminating_seconds": 1.0,
}
#: The metric that the shop's service publishes each second, with errors in percent of requests.
VERIFY: dict[str, Any] = {
    "warmup": 1,
    "duration": 5,
    "interval": 1,
    "delay": 1,
    "metrics": [
        {
            "name": "error rate",
            "expression": "100 * errors / requests",
            "queries": [
                {
                    "id": name.lower(),
                    "namespace": "Shop",
                    "metric_name": name,
                    "statistic": "Sum",
                    "dimensions": {"AutoScalingGroupName": "{group}"},
                }
                for name in ("Errors", "Requests")
            ],
            "period": 5,
            "maximum": 5,
        },
        {
            "name": "cpu",
            "namespace": "CWAgent",
            "metric_name": "cpu_usage_active",
            "dimensions": {"InstanceId": "{instance_id}"},
            "period": 5,
            "maximum": 80,
        },
        # Without a bound: compared with the revision that goes out.
        {
            "name": "latency",
            "namespace": "Shop",
            "metric_name": "Latency",
            "dimensions": {"InstanceId": "{instance_id}"},
            "period": 1,
            "direction": "increase",
            "allowed_effect": 0.2,
        },
    ],
}
GOOD = {"error_rate": 0.002, "requests_per_second": 50.0}
BAD = {"error_rate": 0.3, "requests_per_second": 50.0}
# Plain settings of Ansible's own output, as a user may have them in ansible.cfg.
OUTPUT = {"ANSIBLE_DISPLAY_SKIPPED_HOSTS": "true", "COLUMNS": str(WIDTH)}


@dataclass
class Outcome:
    """How one run of the playbook ended, for the summary."""

    name: str
    expected: str
    image_id: str
    outcome: str = ""
    reason: str = ""
    exit_code: int = -1
    groups_before: dict[str, Any] = field(default_factory=dict)
    groups_after: dict[str, Any] = field(default_factory=dict)

    @property
    def as_expected(self) -> bool:
        """Whether it went live, or was rolled back to exactly what there was before."""
        if self.outcome != self.expected or (self.exit_code == 0) != (self.expected == "live"):
            return False
        return self.expected == "live" or self.groups_after == self.groups_before


def main() -> int:
    """Run the demo; returns the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    SUMMARY.unlink(missing_ok=True)
    heading("A pretend AWS starts, and a shop in it: base group, load balancer, scaling policy")
    with sandbox_server(**WORLD) as server:
        say(f"sandbox at {server.url}")
        shop = Shop(server.url)
        images = {name: image(shop, server, name, GOOD) for name in ("6.0", "7.0")}
        images["8.0"] = image(shop, server, "8.0", BAD)
        shop.make_base_group(
            LaunchTemplate=shop.launch_template(images["6.0"]), TargetGroupARNs=[shop.target_group()]
        )
        shop.scale_with_cpu()

        heading(f"Before: the first revision, {images['6.0']}, goes live in one step")
        first = deploy(shop, "before", images["6.0"], canary_phases=[{"name": "All at once", "percent": 100}])
        if first.exit_code != 0:
            say("The shop could not be set up; see above.")
            return 1
        heading(f"First run: image {images['7.0']} is good")
        good = deploy(shop, "good", images["7.0"])
        heading(f"Second run: image {images['8.0']} answers every third request with an error")
        bad = deploy(shop, "bad", images["8.0"], expected="rolled-back")
    runs = [good, bad]
    SUMMARY.write_text(json.dumps({"runs": [dataclasses.asdict(run) for run in runs]}, indent=2) + "\n")
    heading("What happened")
    for run in runs:
        say(in_words(run))
    pages = " and ".join(str((FOLDER / f"{run.name}.html").relative_to(ROOT)) for run in runs)
    say(f"The whole story, to look at in a browser: {pages}; in short: {SUMMARY.relative_to(ROOT)}")
    return 0 if all(run.as_expected for run in runs) else 1


def image(shop: Shop, server: SandboxServer, name: str, behaviour: dict[str, Any]) -> str:
    """Register an AMI whose instances behave in this way."""
    image_id = shop.register_image(name)
    server.behave(image_id, behaviour)
    return image_id


def deploy(shop: Shop, name: str, image_id: str, expected: str = "live", **more: Any) -> Outcome:
    """Run the playbook once, as a user would, and see what it came to."""
    report = FOLDER / f"{name}.json"
    for path in (report, report.with_suffix(".html")):
        path.unlink(missing_ok=True)
    outcome = Outcome(name, expected, image_id, groups_before=sizes(shop))
    variables = {
        "canary_application": shop.application,
        "canary_service": shop.service,
        "canary_environment": shop.environment,
        "canary_base_group": shop.base_group,
        "canary_image_id": image_id,
        "canary_min_size": 0,
        "canary_max_size": 10,
        "canary_desired_capacity": 4,
        "canary_verify": VERIFY,
        "canary_settle_time": 1,
        "canary_poll_interval": 0.5,
        "canary_steady_state_timeout": 60,
        "canary_report": [str(report), str(report.with_suffix(".html"))],
        **more,
    }
    run = run_playbook("canary", variables, environment(shop.endpoint, **OUTPUT), tell=say_plainly)
    told = json.loads(report.read_text()) if report.exists() else {}
    outcome.exit_code = run.code
    outcome.outcome = told.get("outcome", "refused")
    outcome.reason = told.get("reason") or ""
    outcome.groups_after = sizes(shop)
    return outcome


def sizes(shop: Shop) -> dict[str, Any]:
    """The sizes of all groups of the series, the base group's too."""
    base = shop.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[shop.base_group])
    group = base["AutoScalingGroups"][0]
    return {
        shop.base_group: {
            "min_size": group["MinSize"],
            "max_size": group["MaxSize"],
            "desired_capacity": group["DesiredCapacity"],
            "in_service": len(group["Instances"]),
        },
        **{name: dataclasses.asdict(one) for name, one in shop.revisions().items()},
    }


def in_words(run: Outcome) -> str:
    """A run's outcome in words."""
    live = ", ".join(
        f"{name} {group['in_service']}" for name, group in run.groups_after.items() if group["in_service"]
    )
    words = {"live": "went live", "rolled-back": "was caught and rolled back"}.get(run.outcome, run.outcome)
    why = f" {run.reason}" if run.reason else ""
    verdict = "" if run.as_expected else f" THAT IS NOT AS EXPECTED ({run.expected})."
    return (
        f"The {run.name} image, {run.image_id}, {words}.{why} In service now: {live or 'nothing'}.{verdict}"
    )


def heading(text: str) -> None:
    """Print a line that stands out."""
    print(f"\n{'=' * WIDTH}\n{text}\n{'=' * WIDTH}", flush=True)


def say(text: str) -> None:
    """Print words, wrapped."""
    print(textwrap.fill(text, WIDTH, subsequent_indent="  "), flush=True)


def say_plainly(line: str) -> None:
    """Print a line as it is."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
