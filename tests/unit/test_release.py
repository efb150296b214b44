# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release has what belongs into it and nothing else, and is refused before anything is touched."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.tools import release
from tests.tools.environment import ROOT

GITHUB = ROOT / ".github"


@pytest.fixture(scope="module")
def archive() -> Path:
    return release.build(ROOT, release.current_version(ROOT))


def test_nothing_strays_into_the_archive(archive: Path) -> None:
    with tarfile.open(archive) as members:
        names = members.getnames()
    assert [one for one in names if one.startswith("tests/")] == ["tests/config.yml"]
    assert {"README.md", "CHANGELOG.rst", "plugins/modules/asg_setup.py", "docs/guide.md"} <= set(names)


def test_its_checksum_lies_beside_it(archive: Path) -> None:
    subprocess.run(["sha256sum", "--check", f"{archive.name}.sha256"], cwd=archive.parent, check=True)


def test_a_file_that_does_not_belong_there_is_found(tmp_path: Path) -> None:
    for name in ("tests/recorded.py", "notes.txt", "plugins/modules/x.py.orig", "plugins/modules/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    made = tmp_path / "made.tar.gz"
    with tarfile.open(made, "w:gz") as members:
        for one in ("tests", "notes.txt", "plugins"):
            members.add(tmp_path / one, one)
    assert sorted(release.stray_files(made)) == [
        "notes.txt",
        "plugins/modules/x.py.orig",
        "tests/recorded.py",
    ]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one fragment, in which 1.2.0 was released."""
    (tmp_path / "changelogs" / "fragments").mkdir(parents=True)
    (tmp_path / "changelogs" / "fragments" / "new.yml").write_text("bugfixes: [one]\n")
    (tmp_path / "changelogs" / "changelog.yaml").write_text("releases:\n  1.2.0:\n    release_date: x\n")
    (tmp_path / "galaxy.yml").write_text("version: 1.2.0\n")
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("version", "words"),
    [("", "say which"), ("1.3", "say which"), ("1.2.0", "released already"), ("1.1.9", "1.1.9 is not later")],
)
def test_a_version_that_cannot_be_is_refused(checkout: Path, version: str, words: str) -> None:
    with pytest.raises(release.Refused, match=words):
        release.release(checkout, version)
    assert (checkout / "galaxy.yml").read_text() == "version: 1.2.0\n"


def test_a_checkout_that_is_not_committed_is_refused(checkout: Path) -> None:
    release.check(checkout, "1.3.0")
    (checkout / "galaxy.yml").write_text("version: 1.2.1\n")
    with pytest.raises(release.Refused, match="not committed"):
        release.check(checkout, "1.3.0")
    (checkout / "changelogs" / "fragments" / "new.yml").unlink()
    with pytest.raises(release.Refused, match="no changelog fragment"):
        release.check(checkout, "1.3.0")


@pytest.mark.parametrize("path", sorted(GITHUB.rglob("*.yml")), ids=lambda path: path.name)
def test_what_github_reads_is_yaml_and_calls_what_there_is(path: Path) -> None:
    assert yaml.safe_load(path.read_text())
    targets = set(re.findall(r"(?m)^([a-z-]+):.*##", (ROOT / "Makefile").read_text()))
    called = set(re.findall(r"(?m)- run: make ([a-z-]+)$", path.read_text()))
    parts = set(re.findall(r"part: \[(.*)\]", path.read_text()))
    assert called | {one.strip() for part in parts for one in part.split(",")} <= targets
