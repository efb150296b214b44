# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which AMI to deploy: by its id, by its name, by filters, or by a parameter of Systems Manager.

Private to the collection: no other collection should import it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.errors import InvalidInput
from ..core.model import Image

if TYPE_CHECKING:
    from ..aws.auto_scaling import AutoScaling

# Anybody may publish an AMI under any name, so that a search among all owners finds whoever published last.
OWN = ("self",)
# How a launch template names a parameter; the bare name is meant.
RESOLVE = "resolve:ssm:"
_IMAGE_ID = re.compile(r"ami-[0-9a-f]+")


@dataclass(frozen=True)
class Choice:
    """How the user names the AMI: exactly one of C(image_id), C(name), C(filters) and C(parameter) is given.

    C(filters) are those of DescribeImages, by name. Name and filters look among the AMIs of C(owners), by default the
    account's own, and the newest is taken.
    """

    image_id: str | None = None
    name: str | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    parameter: str | None = None

    @property
    def given(self) -> list[str]:
        """The options that name an AMI, as the user calls them."""
        values = {
            "image_id": self.image_id is not None,
            "image_name": self.name is not None,
            "image_filters": bool(self.filters),
            "image_ssm_parameter": self.parameter is not None,
        }
        return [option for option, is_given in values.items() if is_given]

    @property
    def digest(self) -> str:
        """A digest of how the AMI is named: the same words find another AMI another day."""
        words = [self.image_id, self.name, sorted(self.filters.items()), self.owners, self.parameter]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        """Words for a line: C(the newest AMI named web-* of self)."""
        if self.image_id is not None:
            return f"AMI {self.image_id}"
        if self.parameter is not None:
            return f"parameter {self.parameter}"
        words = [f"named {self.name}"] if self.name is not None else []
        words += [f"with {name} {' or '.join(values)}" for name, values in sorted(self.filters.items())]
        return f"the newest AMI {' and '.join(words)} of {', '.join(self.owners or OWN)}"

    def problems(self) -> list[str]:
        """Say what is wrong with the choice by itself."""
        problems = []
        ways = "image_id, image_name, image_filters and image_ssm_parameter"
        if len(self.given) != 1:
            which = "none" if not self.given else f"{' and '.join(self.given)}"
            problems.append(f"exactly one of {ways} must name the AMI, and {which} {_are(self.given)} given")
        values = {"image_id": self.image_id, "image_name": self.name, "image_ssm_parameter": self.parameter}
        problems += [
            f"{option} is empty" for option, text in values.items() if text is not None and not text.strip()
        ]
        problems += [
            f"image_filters has no value for {name}" for name, given in self.filters.items() if not given
        ]
        if self.owners and not (self.name is not None or self.filters):
            problems.append("image_owners goes with image_name or image_filters, and neither is given")
        return problems


def _are(options: Sequence[str]) -> str:
    return "are" if len(options) > 1 else "is"


def resolve(api: AutoScaling, choice: Choice) -> Image:
    """Find the AMI that the user means.

    Raises:
        InvalidInput: there is none, or the parameter holds something else.
    """
    if choice.image_id is not None:
        return named(api, choice.image_id)
    if choice.parameter is not None:
        return _from_parameter(api, choice.parameter)
    filters = dict(choice.filters)
    if choice.name is not None:
        filters["name"] = [choice.name]
    # One that cannot be launched is not the newest worth having, unless somebody asks for its state.
    kind = "AMI" if "state" in filters else "available AMI"
    filters.setdefault("state", ["available"])
    found = api.images(filters, choice.owners or OWN)
    if not found:
        raise InvalidInput(
            [f"there is no {kind} {str(choice).removeprefix('the newest AMI ')} in this region"]
        )
    return found[0]


def named(api: AutoScaling, image_id: str) -> Image:
    """The AMI of an id.

    Raises:
        InvalidInput: there is none that the caller may see.
    """
    image = api.image(image_id)
    if image is None:
        raise InvalidInput(
            [
                f"there is no AMI {image_id} in this region that these credentials may see; an AMI exists in one"
                " region only, so copy it here or name the one that is here"
            ]
        )
    return image


def _from_parameter(api: AutoScaling, name: str) -> Image:
    value = api.parameter(name.removeprefix(RESOLVE))
    if value is None:
        raise InvalidInput([f"there is no parameter {name} in this region that could name the AMI"])
    if not _IMAGE_ID.fullmatch(value.strip()):
        raise InvalidInput([f"parameter {name} should hold the id of an AMI, and holds something else"])
    return named(api, value.strip())
