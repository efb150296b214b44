# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever is called at night finds every reason on the page of refusals, and nothing there that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import errors
from ansible_collections.progressive.aws.plugins.module_utils.role_input import OTHERS, VARIABLES

from tests.unit.refusals import GAP, refusals

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "plugins" / "module_utils"
PAGE = (ROOT / "docs" / "refusals.md").read_text()
# What modules.py says of an error that nobody foresaw.
UNFORESEEN = "unforeseen"


def kinds(kind: type[errors.RolloutError]) -> Iterator[type[errors.RolloutError]]:
    yield kind
    for more in kind.__subclasses__():
        yield from kinds(more)


def test_every_reason_has_its_row_and_every_row_its_reason() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == {kind.reason for kind in kinds(errors.RolloutError)} | {UNFORESEEN}


def quoted() -> list[list[str]]:
    """What the rows of refusals quote: for each its parts, between which stands what is only known at run time."""
    section = PAGE.partition("## Refused before")[2].partition("## After harm")[0]
    found = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[2:]
    assert len(found) == len(set(found))
    return [
        [part for one in re.sub(r" \(a warning\)$", "", words).split(GAP) if (part := one.strip(" ,;"))]
        for words in found
    ]


def test_what_the_page_quotes_is_what_the_engine_says() -> None:
    source = " ".join(
        re.sub(r'"\s*f?"', "", path.read_text().replace("\n", " ")) for path in ENGINE.rglob("*.py")
    )
    source = re.sub(r"\s+", " ", source)
    for row in quoted():
        for part in row:
            assert part in source, f"nothing says {part!r}"


def without_a_row(sentences: dict[str, set[str]]) -> list[str]:
    """Of refusals, by their places, those that no row of the page quotes."""
    rows = [re.compile(".*".join(map(re.escape, row)), re.DOTALL) for row in quoted()]
    return [
        f"{place}: {min(forms)}"
        for place, forms in sentences.items()
        if not any(row.search(form) for row in rows for form in forms)
    ]


def test_every_refusal_of_the_engine_has_its_row() -> None:
    """What is wrong with the options of a verification says so by itself, and is none of the series'."""
    sentences = {
        f"{path.name}:{line}": forms
        for room in ("aws", "copying", "core", "deployment")
        for path in sorted((ENGINE / room).glob("*.py"))
        for line, forms in refusals(path).items()
    }
    assert len(sentences) > 80
    assert without_a_row(sentences) == []


@pytest.mark.parametrize(
    "code",
    [
        'def f(name):\n    raise InvalidInput([f"group {name} sings too loud for it"])',
        'def f(name):\n    words = f"group {name} sings too loud"\n    yield Finding("x", PROBLEM, f"{words}; hush")',
        'def singing_problems(name):\n    yield f"group {name} sings too loud"',
        'def f(name):\n    problems = []\n    problems.append(f"group {name} sings too loud")',
        'def f(self, name):\n    self.problems += [f"group {one} sings too loud" for one in name]',
        'def f(name):\n    raise InvalidInput(["fine" if name else f"group {name} sings too loud"])',
    ],
)
def test_a_refusal_without_a_row_is_found_however_it_is_said(code: str, tmp_path: Path) -> None:
    path = tmp_path / "new.py"
    path.write_text(code)
    found = {str(line): forms for line, forms in refusals(path).items()}
    assert any("sings too loud" in words for words in without_a_row(found))


def test_the_variables_that_the_page_names_exist() -> None:
    assert set(re.findall(r"\bcanary_\w+", PAGE)) <= VARIABLES | OTHERS
