# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment is made of, in a few words: whether it is the same as another, or has the same inputs.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..copying.inventory import base_digest
from ..core.model import Deployment, Image
from . import image_choice

if TYPE_CHECKING:
    from .base import Basis
    from .plan import SetUpOptions
    from .rollout import Rollout


def fingerprint(options: SetUpOptions, image_id: str, basis: Basis | None = None) -> str:
    """What a deployment is made of, as its journal keeps it: inputs, base, and how the AMI was named."""
    base = base_digest(basis.described)[:20] if basis else ""
    return f"inputs:{options.digest(image_id)} base:{base} image:{options.choice.digest}"


def same_revision(one: str, other: str) -> bool:
    """Whether two fingerprints are of the same inputs on the same base, however the AMI was named."""
    return one.split()[:2] == other.split()[:2]


def same_inputs(rollout: Rollout, options: SetUpOptions, deployment: Deployment) -> bool:
    """Whether an unfinished deployment was started with these inputs.

    The AMI counts as found, not as named: words that find another AMI by now go on with the one that was found then,
    and other words for the same AMI are the same.
    """
    begun = deployment.fingerprint.split()
    ours = fingerprint(options, deployment.image_id).split()
    if begun[:1] != ours[:1]:
        return False
    return begun[2:] == ours[2:] or find_image(rollout, options).image_id == deployment.image_id


def find_image(rollout: Rollout, options: SetUpOptions) -> Image:
    """The AMI that is asked for, or was found for it before.

    Raises:
        InvalidInput: there is none.
    """
    if options.planned_image_id is not None:
        return image_choice.named(rollout.autoscaling, options.planned_image_id)
    return image_choice.resolve(rollout.autoscaling, options.choice)
