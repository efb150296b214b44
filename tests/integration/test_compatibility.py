# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow on the oldest Ansible that the collection allows and on the newest, with their amazon.aws and botocore.

C(make compatibility) runs this and much more on each version; here are the two ends of it.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.demo.running import ROOT
from tests.demo.shop import Shop
from tests.integration.canary import FAULTLESS, FAULTY, PHASES, Deployer, verified
from tests.tools import compatibility

ROWS = [row for row in compatibility.ROWS if compatibility.python_for(row)]
ENDS = {"oldest": ROWS[0], "newest": ROWS[-1]}
#: Where make compatibility runs this, it has chosen the version.
CHOSEN = os.environ.get(compatibility.BIN)


# Of the newest, which is nearly what all other tests run on, make test has the good and the bad canary only.
thorough_on_the_newest = pytest.mark.parametrize(
    "botocore",
    ["chosen"] if CHOSEN else ["oldest", pytest.param("newest", marks=pytest.mark.thorough)],
    indirect=True,
)


@pytest.fixture(params=["chosen"] if CHOSEN else list(ENDS))
def botocore(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The version of botocore beside the ansible-playbook that the test's playbooks are run with."""
    folder = Path(CHOSEN) if CHOSEN else compatibility.build(ENDS[request.param])
    assert folder is not None
    monkeypatch.setenv(compatibility.BIN, str(folder))
    yield compatibility.versions(folder)[-1]


def test_a_good_image_goes_live(botocore: str, base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    run = deployer.deploy(deployer.image("two", **FAULTLESS), canary_phases=verified("Canary 25 %"))
    assert run.code == 0, run.output
    assert deployer.report["outcome"] == "live"
    assert {one.desired_capacity for one in base.revisions().values()} == {0, 4}


def test_a_bad_image_is_taken_back(botocore: str, base: Shop, deployer: Deployer) -> None:
    first = deployer.go_live(deployer.image("one"))
    before = base.revisions()
    run = deployer.deploy(deployer.image("two", **FAULTY), canary_phases=verified("Canary 25 %"))
    assert run.code == 2, run.output
    assert "Rolled back." in run.output
    assert "error rate" in run.output
    assert base.revisions() == before
    assert list(before) == [first]


@thorough_on_the_newest
def test_a_plan_changes_nothing(botocore: str, base: Shop, deployer: Deployer) -> None:
    deployer.go_live(deployer.image("one"))
    image_id = deployer.image("two")
    mark = deployer.server.mark()
    run = deployer.deploy(image_id, "--check")
    assert run.code == 0, run.output
    assert "Canary 25 %" in run.output
    assert deployer.server.writes(mark) == []


@thorough_on_the_newest
def test_what_a_survey_sends_is_understood(botocore: str, base: Shop, deployer: Deployer) -> None:
    """Numbers as text, phases as YAML, and empty texts for all that was left empty."""
    optional = yaml.safe_load((ROOT / "roles" / "canary" / "defaults" / "main.yml").read_text())
    answers = {name: "" for name in optional if name not in ("canary_poll_interval", "canary_report")}
    answers |= {name: str(value) for name, value in {"canary_min_size": 0, "canary_max_size": 10}.items()}
    answers |= {
        "canary_desired_capacity": "4",
        "canary_settle_time": "0",
        "canary_image_id": deployer.image("one"),
        "canary_phases": yaml.safe_dump(PHASES),
        "canary_tags": json.dumps({"release": "2026.4"}),
    }
    answers.pop("canary_steady_state_timeout")
    run = deployer.deploy(answers.pop("canary_image_id"), **answers)
    assert run.code == 0, run.output
    (group,) = base.revisions()
    tags = base.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    assert ("release", "2026.4") in {
        (tag["Key"], tag["Value"]) for tag in tags["AutoScalingGroups"][0]["Tags"]
    }


@thorough_on_the_newest
def test_text_that_aws_supplies_is_never_a_template(
    botocore: str, deployer: Deployer, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    texts = [
        f"{{{{ lookup('ansible.builtin.pipe', 'touch {trap}') }}}}",
        f"{{% set x = lookup('ansible.builtin.pipe', 'touch {trap}') %}}",
    ]
    shop = deployer.shop
    ec2, autoscaling = shop.client("ec2"), shop.client("autoscaling")
    template = ec2.create_launch_template(
        LaunchTemplateName=f"{shop.application}-trap",
        VersionDescription=texts[0],
        LaunchTemplateData={
            "ImageId": deployer.image("base"),
            "InstanceType": "t3.micro",
            "UserData": base64.b64encode(" ".join(texts).encode()).decode(),
        },
    )["LaunchTemplate"]
    shop.make_base_group(LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "1"})
    autoscaling.put_lifecycle_hook(
        AutoScalingGroupName=shop.base_group,
        LifecycleHookName="trap",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=30,
        DefaultResult="CONTINUE",
        NotificationMetadata=texts[1],
    )
    run = deployer.deploy(deployer.image("two"), canary_desired_capacity=1)
    assert run.code == 0, run.output
    (group,) = shop.revisions()
    (hook,) = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=group)["LifecycleHooks"]
    assert hook["NotificationMetadata"] == texts[1]
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateName=group, Versions=["$Latest"])[
        "LaunchTemplateVersions"
    ]
    assert version["VersionDescription"] == texts[0]
    assert base64.b64decode(version["LaunchTemplateData"]["UserData"]).decode() == " ".join(texts)
    with deployer.server.fault(
        "error",
        service="autoscaling",
        operation="UpdateAutoScalingGroup",
        code="ValidationError",
        status=400,
        message=" ".join(texts),
    ):
        failed = deployer.deploy(deployer.image("three"))
    assert failed.code == 2, failed.output
    assert texts[0] in failed.output
    assert not trap.exists()


@thorough_on_the_newest
def test_members_that_this_botocore_does_not_know_are_refused_or_copied(
    botocore: str, deployer: Deployer
) -> None:
    shop = deployer.shop
    shop.make_base_group(
        LaunchTemplate=shop.launch_template(deployer.image("base")),
        AvailabilityZoneDistribution={"CapacityDistributionStrategy": "balanced-only"},
        AvailabilityZoneImpairmentPolicy={
            "ZonalShiftEnabled": True,
            "ImpairedZoneHealthCheckBehavior": "IgnoreUnhealthy",
        },
    )
    image_id = deployer.image("one")
    run = deployer.deploy(image_id)
    # botocore has known the two since 1.35.67 and 1.35.68.
    if tuple(map(int, botocore.split("."))) < (1, 35, 67):
        assert run.code == 2, run.output
        for name in ("AvailabilityZoneDistribution", "AvailabilityZoneImpairmentPolicy"):
            assert f"{name} of the group: this version of botocore does not know it" in run.output
        assert not shop.revisions()
        run = deployer.deploy(image_id, canary_unknown_members="ignore")
        assert run.code == 0, run.output
        return
    assert run.code == 0, run.output
    (group,) = shop.revisions()
    made = shop.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    (copy,) = made["AutoScalingGroups"]
    assert copy["AvailabilityZoneDistribution"]["CapacityDistributionStrategy"] == "balanced-only"
    assert copy["AvailabilityZoneImpairmentPolicy"]["ZonalShiftEnabled"] is True
