# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the pages: what stands in them between fences."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.tools.environment import ROOT

__all__ = ["PAGES", "ROOT", "Block", "blocks"]

PAGES = ("*.md", "docs/*.md", "roles/*/README.md")
_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.S | re.M)


@dataclass(frozen=True)
class Block:
    """One example: where it stands, in which language, and its text."""

    place: str
    language: str
    text: str

    @property
    def data(self) -> Any:
        """What YAML makes of it."""
        return yaml.safe_load(self.text)

    @property
    def page(self) -> str:
        """The page that it is on, as a path within the checkout."""
        return self.place.partition(":")[0]


def blocks() -> Iterator[Block]:
    """Every example of every page."""
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text()
            for found in _FENCED.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                yield Block(f"{path.relative_to(ROOT)}:{line}", found[2], textwrap.dedent(found[3]))
