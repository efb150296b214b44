# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owners of leases are named as people know them, and are still told to have died when they have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal, lease_owner
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Lease

AWX = {"awx_job_id": 4711, "awx_user_name": "ann"}


@pytest.mark.parametrize(
    ("variables", "environment", "known"),
    [
        (AWX, {"BUILD_URL": "https://ci.example.com/job/shop/42/"}, "AWX job 4711 of ann"),
        ({"tower_job_id": "12"}, {}, "AWX job 12"),
        ({}, {"BUILD_URL": "https://ci.example.com/job/shop/42/"}, "https://ci.example.com/job/shop/42/"),
        (
            {},
            {"CI_JOB_URL": "https://bot:secret@git.example.com/shop/-/jobs/9?token=x"},
            "https://git.example.com/shop/-/jobs/9",
        ),
        (
            {},
            {
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "acme/shop",
                "GITHUB_RUN_ID": "77",
            },
            "https://github.com/acme/shop/actions/runs/77",
        ),
        ({}, {}, ""),
    ],
)
def test_a_run_is_known_by_its_job_or_build(
    variables: dict[str, object], environment: dict[str, str], known: str
) -> None:
    assert lease_owner.known_as(variables, environment) == known
    name = lease_owner.run_name(os.getpid(), known)
    who = name.partition(":")[0]
    assert lease_owner.in_words(name) == (f"{known} ({who})" if known else f"{who} (process {os.getpid()})")
    assert not lease_owner.has_died(name)


def test_the_name_of_a_run_that_is_known_survives_the_journal_and_its_end() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = lease_owner.run_name(process.pid, lease_owner.known_as(AWX, {}))
    value = journal.write_lease(Lease(name, 1772625600, 1772625720))
    read = journal.read_lease(value)
    assert read is not None
    assert read.owner == name
    assert not lease_owner.has_died(read.owner)
    process.communicate(b"\n")
    assert lease_owner.has_died(read.owner)


def test_a_long_address_keeps_its_end_and_fits_a_tag() -> None:
    name = lease_owner.run_name(os.getpid(), "https://ci.example.com/" + "folder/" * 60 + "42")
    assert name.endswith("/42")
    assert len(journal.write_lease(Lease(name, 1772625600, 1772625720))) <= 256


def test_an_owner_that_is_none_of_these_is_told_as_it_stands() -> None:
    assert lease_owner.in_words("one") == "one"
