# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is secret is seen nowhere: not on the terminal at any verbosity, not in reports, tags or differences."""

from __future__ import annotations

import json

import pytest

from tests.demo.running import environment
from tests.demo.shop import Shop
from tests.integration.canary import FAULTY, Deployer, verified

USER_DATA = "planted-password-of-the-database"
SECRET_KEY = "planted-secret-access-key"
TOKEN = "planted-session-token"


@pytest.mark.parametrize("ending", ["live", "rolled back", "refused", "denied"])
def test_planted_secrets_are_seen_nowhere(base: Shop, deployer: Deployer, ending: str) -> None:
    environ = environment(
        base.endpoint, AWS_ACCESS_KEY_ID="planter", AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_SESSION_TOKEN=TOKEN
    )
    image_id = deployer.image("one", **(FAULTY if ending == "rolled back" else {}))
    options = {
        "canary_user_data": f"#!/bin/sh\nexport PASSWORD={USER_DATA}\n",
        "canary_phases": verified("Canary 25 %")
        if ending == "rolled back"
        else [{"name": "All", "percent": 100}],
        **({"canary_base_group": "nobody"} if ending == "refused" else {}),
    }

    if ending == "denied":
        with deployer.server.denied("ec2", "CreateLaunchTemplate", access_key="planter"):
            run = deployer.deploy(image_id, "-vvvv", "--diff", environ=environ, **options)
    else:
        run = deployer.deploy(image_id, "-vvvv", "--diff", environ=environ, **options)

    assert (run.code == 0) == (ending == "live"), run.output
    groups = base.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    written = "".join(path.read_text() for path in deployer.folder.iterdir() if path.is_file())
    places = {
        "the terminal": run.output,
        "tags": json.dumps([one["Tags"] for one in groups]),
        "files": written,
    }
    for secret in (USER_DATA, SECRET_KEY, TOKEN):
        for place, text in places.items():
            assert secret not in text, (
                f"{secret} is seen in {place}: {text[max(0, text.find(secret) - 300) :][:400]}"
            )
