# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX hands out sessions of an hour: credentials that end in a job lose nothing, and it says what to do."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import journal
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import NoCredentials

from tests.sandbox.faults import Fault
from tests.unit.engine import Site

#: Every so many calls of a deployment, which has about a hundred; prime to how many a look has.
EVERY = 11
ENDED = "The security token included in the request is expired"


def calls_of_a_deployment(site: Site, image_id: str) -> int:
    mark = site.aws.mark()
    site.deploy(image_id)
    return site.aws.mark() - mark


def test_credentials_that_end_at_any_call_are_told_and_fresh_ones_go_on(site: Site) -> None:
    site.deploy(site.image("first"), (100,))
    number = calls_of_a_deployment(site, site.image("counted"))
    assert number > 60
    faults = site.aws.gateway.faults
    for after in range(0, number - 2, EVERY):
        image_id = site.image(f"next-{after}")
        site.totals.clear()
        ended = Fault("error", after=after, times=None, code="ExpiredToken", message=ENDED, status=403)
        faults.add(ended)
        with pytest.raises(NoCredentials) as caught:
            site.deploy(image_id)
        faults.clear()
        text = str(caught.value)
        assert ENDED in text
        assert "Renew the credentials and run the same again" in text
        # The same job again, with a session of its own.
        site.clock.sleep(5)
        group = site.deploy(image_id)
        deployment = journal.read_deployment(site.rollout().autoscaling.group(group))  # type: ignore[arg-type]
        assert deployment is not None
        assert deployment.status == journal.LIVE
        assert min(site.totals) >= 4
        site.run(site.prune_step(keep=0))
