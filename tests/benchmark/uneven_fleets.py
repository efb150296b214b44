# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.benchmark.uneven_fleets``: what ``make judge-fleets`` runs.

Deploys good images one after the other on the pretend AWS, each judged at half against the one before, while the
instances of one image differ by 10 % and the load that all share swings by half; then one that is 30 % slower. Exits
with 0 only if each good one passed, and the slow one failed by its latency.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from tests.sandbox.inprocess import InProcess
from tests.unit.engine import SETTINGS, START, Site
from tests.unit.verification.test_images import Deployment

#: A sample every ten seconds is enough for periods of a minute. CPU and requests stay far from their ends.
UNEVEN: dict[str, Any] = {
    "resolution": 10,
    "spread": 0.1,
    "load": {"swing": 0.5, "period": 1500},
    "cpu": {"mean": 30.0, "sd": 2.0},
    "error_rate": 0.01,
}
SLOW = {"latency": {"median": 0.05 * 1.3}}
SIZE = {"desired_capacity": 16, "max_size": 16}


@dataclass
class Fleet:
    """A series whose revisions come one after the other."""

    site: Site
    number: int = 0

    @classmethod
    def begin(cls, aws: InProcess) -> Fleet:
        """Make a base group, and bring the first image into production."""
        aws.reset(SETTINGS, START)
        site = Site(aws)
        site.make_base()
        site.deploy(site.image("first", **UNEVEN), (100,), **SIZE)
        aws.advance(1800)
        return cls(site)

    def deploy(self, **behaviour: Any) -> dict[str, Any]:
        """Bring the next image to half and judge it, and to the end if it passes: what the verification returned.

        One that does not pass is rolled back.
        """
        self.number += 1
        image = self.site.image(f"image-{self.number}", **{**UNEVEN, **behaviour})
        group = self.site.set_up(image, **SIZE)
        self.site.upgrade(group, 50)
        deployment = Deployment(self.site, group)
        try:
            result = dict(deployment.verify().result)
        except Exception as failure:
            result = dict(getattr(failure, "result", None) or {})
            if not result:
                raise
            self.site.roll_back(group)
            return result
        self.site.upgrade(group, 100)
        self.site.run(self.site.prune_step())
        self.site.aws.advance(1800)
        return result


def failed(result: dict[str, Any]) -> dict[str, str]:
    """The metrics that failed or could not tell, with their reasons."""
    return {
        one["name"]: one["reason"] for one in result["metrics"] if one["verdict"] in ("fail", "inconclusive")
    }


def main() -> int:
    """Deploy so many times, tell of each, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    fleet, alarms = Fleet.begin(InProcess(SETTINGS, START)), 0
    for number in range(1, times + 1):
        result = fleet.deploy()
        alarms += result["verdict"] != "pass"
        print(f"{number} of {times}: {result['verdict']} {failed(result) or ''}", flush=True)
    slow = fleet.deploy(**SLOW)
    caught = slow["verdict"] == "fail" and set(failed(slow)) == {"slowest"}
    print(f"30 % slower: {slow['verdict']} {failed(slow)}")
    print(
        f"{alarms} false alarms in {times} deployments; the slow image was {'caught' if caught else 'missed'}"
    )
    return 0 if not alarms and caught else 1


if __name__ == "__main__":
    sys.exit(main())
