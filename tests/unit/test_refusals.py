# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever is called at night finds every reason on the page of refusals, and nothing there that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.progressive.aws.plugins.module_utils.core import errors
from ansible_collections.progressive.aws.plugins.module_utils.role_input import OTHERS, VARIABLES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "refusals.md").read_text()
# What modules.py says of an error that nobody foresaw.
UNFORESEEN = "unforeseen"


def kinds(kind: type[errors.RolloutError]) -> Iterator[type[errors.RolloutError]]:
    yield kind
    for more in kind.__subclasses__():
        yield from kinds(more)


def test_every_reason_has_its_row_and_every_row_its_reason() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert rows == {kind.reason for kind in kinds(errors.RolloutError)} | {UNFORESEEN}


def test_what_the_page_quotes_is_what_the_engine_says() -> None:
    section = PAGE.partition("## Refused before")[2].partition("## After harm")[0]
    source = " ".join(
        re.sub(r'"\s*f?"', "", path.read_text().replace("\n", " "))
        for path in (ROOT / "plugins" / "module_utils").rglob("*.py")
    )
    source = re.sub(r"\s+", " ", source)
    for quoted in re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[2:]:
        words = re.sub(r" \(a warning\)$", "", quoted)
        for part in (one.strip(" ,;") for one in words.split("…")):
            assert part in source, f"nothing says {part!r}"


def test_the_variables_that_the_page_names_exist() -> None:
    assert set(re.findall(r"\bcanary_\w+", PAGE)) <= VARIABLES | OTHERS
