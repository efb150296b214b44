# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose series it is: two services whose names come to the same must not take each other's groups.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import naming
from ..core.errors import InvalidInput
from .series import Series

if TYPE_CHECKING:
    from .progress import DeploymentProgress
    from .rollout import Rollout


def refuse_other_names(rollout: Rollout, series: Series, progress: DeploymentProgress | None = None) -> None:
    """Stop where a series is of another application, service or environment than the deployer names.

    Looked at once in a step, with its C(progress): a rollback may take away the revision that had the names. Nothing
    can be said where the deployer gave the series by its own name, or of revisions that were made so.

    Raises:
        InvalidInput: the names differ, and the service was not renamed on purpose.
    """
    deployer = rollout.deployer
    if (progress and progress.named) or not deployer.names or deployer.series_renamed:
        return
    if progress:
        progress.named = True
    known = ((group, deployment.names) for group, deployment in series.deployments)
    group, names = next(((group, names) for group, names in known if names), (None, ()))
    if group is None or naming.same_names(names, deployer.names):
        return
    raise InvalidInput(
        [
            f"series {series.name} is of {naming.names_in_words(names)}, as {group.name} says, and not of"
            f" {naming.names_in_words(deployer.names)}, whose name comes to the same; give one of the two another name."
            " Where it was renamed on purpose, set series_renamed (canary_series_renamed)"
        ]
    )
