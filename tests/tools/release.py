# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.tools.release VERSION``: what ``make release VERSION=1.0.0`` runs.

Prepares a release in the checkout, and publishes nothing: the version where it stands, the changelog from its
fragments, the archive with its checksum, and galaxy-importer's word on it, which is what Galaxy itself runs. It refuses
before it touches anything, and may be run again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.tools.environment import BUILD, ROOT, VENV

# Galaxy wants semantic versions.
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")
IMPORTER = "galaxy-importer==0.4.44"
# What an archive may have, by its first part; of tests what ansible-test reads.
ALLOWED = (
    *("MANIFEST.json", "FILES.json", "CHANGELOG.rst", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE"),
    *(
        "README.md",
        "SECURITY.md",
        "changelogs/changelog.yaml",
        "changelogs/config.yaml",
        "docs/",
        "extensions/",
    ),
    *("meta/", "playbooks/", "plugins/", "roles/", "tests/config.yml", "tests/sanity/"),
)


class Refused(RuntimeError):
    """The release cannot be prepared; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare a release."""
    parser = argparse.ArgumentParser(prog="make release")
    parser.add_argument("version", nargs="?", default="")
    parser.add_argument("--root", type=Path, default=ROOT)
    given = parser.parse_args(arguments)
    try:
        archive = release(given.root, given.version)
    except Refused as refused:
        print(f"No release was prepared: {refused}", file=sys.stderr)
        return 1
    print(f"{archive} and its checksum are ready. What is left:")
    print(f"  git commit -am 'Release {given.version}' && git tag -a {given.version} -m {given.version}")
    print(
        f"  git push origin main {given.version}   # .github/workflows/release.yml publishes what is tagged"
    )
    return 0


def release(root: Path, version: str) -> Path:
    """Prepare a release of the checkout at C(root), and return its archive.

    Raises:
        Refused: it cannot be, or Galaxy would refuse the archive.
    """
    check(root, version)
    earlier = current_version(root)
    if not (root / "changelogs" / "changelog.yaml").exists():
        # Nothing was released: what is there is new in this version.
        for path in (*root.glob("plugins/modules/*.py"), *root.glob("roles/*/meta/argument_specs.yml")):
            _replace(path, rf"(?m)^(\s*version_added: ['\"]?){re.escape(earlier)}\b", rf"\g<1>{version}")
    _replace(root / "galaxy.yml", r"(?m)^version: .*$", f"version: {version}")
    date = datetime.now(UTC).date().isoformat()
    _run(root, "antsibull-changelog", "release", "--version", version, "--date", date)
    archive = build(root, version)
    found = importer_complaints(archive)
    if found:
        raise Refused("galaxy-importer complains:\n  " + "\n  ".join(found))
    return archive


def check(root: Path, version: str) -> None:
    """Refuse a version that is none or not a later one, and a checkout that is not committed."""
    if not VERSION.fullmatch(version):
        raise Refused("say which, as make release VERSION=1.0.0")
    changelog = root / "changelogs" / "changelog.yaml"
    released = (
        re.findall(r"(?m)^  ([0-9]+\.[0-9]+\.[0-9]+):", changelog.read_text()) if changelog.exists() else []
    )
    numbers = tuple(map(int, version.partition("-")[0].split(".")))
    later = [one for one in released if tuple(map(int, one.split("."))) >= numbers]
    if later:
        raise Refused(f"{', '.join(later)} was released already, and {version} is not later")
    if not list((root / "changelogs" / "fragments").glob("*.yml")):
        raise Refused("there is no changelog fragment, so that nothing is new")
    changed = _run(root, "git", "status", "--porcelain").strip()
    if changed:
        raise Refused(f"the checkout has changes that are not committed:\n{changed}")


def current_version(root: Path) -> str:
    """The version that galaxy.yml has."""
    found = re.search(r"(?m)^version: (.*)$", (root / "galaxy.yml").read_text())
    if found is None:
        raise Refused("galaxy.yml has no version")
    return found[1].strip()


def build(root: Path, version: str) -> Path:
    """Build the archive and write its checksum beside it, as ``sha256sum --check`` reads it."""
    folder = root / "build" / "release"
    folder.mkdir(parents=True, exist_ok=True)
    _run(root, "ansible-galaxy", "collection", "build", "--force", "--output-path", str(folder))
    archive = folder / f"progressive-aws-{version}.tar.gz"
    stray = list(stray_files(archive))
    if stray:
        raise Refused(
            f"the archive has what does not belong there (build_ignore in galaxy.yml): {', '.join(stray)}"
        )
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n")
    return archive


def stray_files(archive: Path) -> Iterator[str]:
    """What an archive should not have."""
    with tarfile.open(archive) as members:
        for member in members:
            left = "__pycache__" in member.name or member.name.endswith((".pyc", ".orig", ".rej", "~"))
            if left or not (member.isdir() or member.name.startswith(ALLOWED)):
                yield member.name


def importer_complaints(archive: Path) -> list[str]:
    """What Galaxy's importer warns of; it has an environment of its own, whose pins are not ours."""
    venv = BUILD / "importer"
    python = venv / "bin" / "python"
    if not python.exists():
        _run(ROOT, sys.executable, "-m", "venv", str(venv))
        _run(ROOT, str(python), "-m", "pip", "install", "--quiet", IMPORTER)
    # The fragments of amazon.aws, which our modules' documentation extends, are found where our environment has them.
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    shared = venv / "lib" / version / "site-packages" / "ansible_collections"
    if not shared.exists():
        shared.symlink_to(Path(sysconfig.get_paths()["purelib"]) / "ansible_collections")
    environment = {**os.environ, "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    environment = {name: value for name, value in environment.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        [python, "-m", "galaxy_importer.main", archive],
        cwd=archive.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (done.stdout + done.stderr).splitlines()
    found = [line[:400] for line in lines if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
    if done.returncode != 0 or not any("completed successfully" in line for line in lines):
        found += lines[-3:]
    return found


def _replace(path: Path, pattern: str, replacement: str) -> None:
    text = path.read_text()
    path.write_text(re.sub(pattern, replacement, text))


def _run(root: Path, *command: str) -> str:
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
