# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.tools.documentation``: what ``make docs`` runs.

Builds the documentation as a site into ``build/docs/html``: the Markdown pages of the checkout as they are, in the same
folders, so that a link which leads somewhere on the site does so in the repository; and the reference of modules and
role, which antsibull-docs makes of their documentation. No network is asked. A warning of either fails it, and so
does a link on a page of the site that leads nowhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.tools.environment import BUILD, ROOT

FOLDER = BUILD / "docs"
SITE = Path(__file__).with_name("site")
#: What the site shows of the checkout, and files that its pages link to.
SHOWN = ("*.md", "docs/*.md", "roles/*/README.md", "extensions/**/*.*", "LICENSE")
COLLECTION = "progressive.aws"
#: The labels of Ansible's documentation that the reference refers to, and where they are there.
ANSIBLE_LABELS = {
    "action_plugins": "plugins/action.html",
    "common_return_values": "reference_appendices/common_return_values.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
}


class NotBuilt(RuntimeError):
    """The site has a mistake; the message is what was said of it."""


def main() -> int:
    """Build the site, and say where it is."""
    try:
        page = build(FOLDER)
    except NotBuilt as mistake:
        print(mistake, file=sys.stderr)
        return 1
    print(f"The documentation is in {page.relative_to(ROOT)}")
    return 0


def build(folder: Path) -> Path:
    """Build the site below a folder, and return its first page.

    Raises:
        NotBuilt: there was a warning, or a link leads nowhere.
    """
    source, html = folder / "source", folder / "html"
    for stale in (source, html):
        shutil.rmtree(stale, ignore_errors=True)
    for path in (*pages(ROOT), *sorted(ROOT.glob("docs/*.svg"))):
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(SITE / "index.md", source / "index.md")
    reference = source / "reference"
    # antsibull-docs writes into no folder that others could write to.
    reference.mkdir(mode=0o755)
    made = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version")
    _run("antsibull-docs", "collection", *made, "--dest-dir", str(reference), COLLECTION)
    for path in reference.glob("*.rst"):
        # The theme has a table of contents beside each page, and shows an error where there is another one.
        path.write_text(re.sub(r"(?m)^\.\. contents::\n(?: +.*\n)*", "", path.read_text()))
    _write_inventory(source / "ansible.inv")
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "--jobs", "2")
    _run(
        "sphinx-build",
        *strict,
        "--conf-dir",
        str(SITE),
        "-d",
        str(folder / "doctrees"),
        str(source),
        str(html),
    )
    broken = list(broken_links(html))
    if broken:
        raise NotBuilt("links that lead nowhere:\n  " + "\n  ".join(broken))
    return html / "index.html"


def pages(root: Path) -> Iterator[Path]:
    """What the site shows of a checkout."""
    for pattern in SHOWN:
        yield from sorted(root.glob(pattern))


def _write_inventory(path: Path) -> None:
    """Write where Ansible's labels are, as Sphinx would otherwise fetch it (its inventory format, version 2)."""
    lines = (
        f"{label} std:label -1 {page}#{label.replace('_', '-')} {label.replace('_', ' ').capitalize()}\n"
        for label, page in ANSIBLE_LABELS.items()
    )
    head = b"# Sphinx inventory version 2\n# Project: Ansible\n# Version: devel\n# Compressed with zlib.\n"
    path.write_bytes(head + zlib.compress("".join(lines).encode()))


class _Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what refers and what is referred to."""
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value and value != "#":
                self.links.append(value)


def broken_links(html: Path) -> Iterator[str]:
    """Each link of a built site that leads to no page, file or anchor of it, or is no link to the outside."""
    found = {path: _Page(path.read_text()) for path in sorted(html.rglob("*.html"))}
    for path, page in found.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                if parts.scheme not in ("https", "http", "mailto", "data") or not (
                    parts.netloc or parts.path
                ):
                    yield f"{path.relative_to(html)}: {link}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            anchors = found[target].anchors if target in found else set()
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in anchors):
                yield f"{path.relative_to(html)}: {link}"


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise NotBuilt(f"{command[0]} failed:\n{done.stdout}")


if __name__ == "__main__":
    sys.exit(main())
