# SPDX-License-Identifier: MIT
"""Gives pages links that are right where the pages are shown outside of the repository.

    python tools/pages.py FOLDER

gathers the documentation's site for zensical: its settings (docs/zensical.toml), and its pages in
FOLDER/pages. They are those of docs/, and others that lie where people look for them in a
repository, such as SECURITY.md. Links between pages lead to the places that these have on the
site, and links to other files lead to the repository. setup.py gives README.md links that are right
in the package index.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Pages outside docs/, and their places on the site.
ELSEWHERE = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "internals/contributing.md",
    "ARCHITECTURE.md": "internals/architecture.md",
    "RATIONALE.md": "internals/rationale.md",
    "native/README.md": "internals/native.md",
    "native/engine/README.md": "internals/engine.md",
    "benchmarks/README.md": "internals/measuring.md",
    "tests/README.md": "internals/tests.md",
}
# A link or a picture of Markdown, without those that name a scheme or a part of the same page.
LINK = re.compile(r"(!?\[[^]]*\]\()(?![a-z]+:|#)([^)#\s]+)((?:#[^)\s]*)?\))")


def places() -> dict[Path, Path]:
    """Returns the place on the site for each file that belongs to it, as relative paths."""
    found = {Path(source): Path(place) for source, place in ELSEWHERE.items()}
    for path in sorted((ROOT / "docs").rglob("*")):
        if path.suffix in (".md", ".svg", ".png"):
            place = path.relative_to(ROOT / "docs")
            index = place.name == "README.md"
            found[path.relative_to(ROOT)] = place.with_name("index.md") if index else place
    found[Path("docs/README.md")] = Path("pages.md")
    return found


def address(name: str) -> str:
    """Returns an address of the project, by the name that it has in pyproject.toml.

    It is read without a parser, because Python 3.10 has none for a build that knows no packages.
    """
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (found,) = re.findall(rf'^{name} = "(.*)"$', project, re.M)
    return str(found)


def repository() -> str:
    """Returns the address of the repository."""
    return address("Source")


def with_absolute_links(text: str) -> str:
    """Returns the text of a page in the repository's root with links that are right anywhere."""

    def right(match: re.Match[str]) -> str:
        kind = "raw" if match[1].startswith("!") else "blob"
        return f"{match[1]}{repository()}/{kind}/main/{match[2]}{match[3]}"

    return LINK.sub(right, text)


def with_links_of_the_site(text: str, source: Path, found: dict[Path, Path]) -> str:
    """Returns a page's text with links that are right on the site.

    Args:
        text: The text.
        source: The path of the page in the repository.
        found: What places() returns.

    Raises:
        ValueError: A link leads to a file that is not there.
    """

    def right(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(source.parent / match[2]))
        if not (ROOT / target).exists():
            raise ValueError(f"{source}: there is no {target}")
        page = target / "README.md" if (ROOT / target).is_dir() else target
        if page in found:
            link = os.path.relpath(found[page], found[source].parent)
        else:
            link = f"{repository()}/blob/main/{target.as_posix()}"
        return match[1] + link + match[3]

    return LINK.sub(right, text)


def write(folder: Path) -> None:
    """Writes the settings, all pages and all pictures into a folder, which is emptied before."""
    shutil.rmtree(folder, ignore_errors=True)
    found = places()
    for source, place in found.items():
        target = folder / "pages" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            text = (ROOT / source).read_text(encoding="utf-8")
            target.write_text(with_links_of_the_site(text, source, found), encoding="utf-8")
        else:
            shutil.copyfile(ROOT / source, target)
    settings = (ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8")
    for name in ("Documentation", "Source"):
        settings = settings.replace(f"{{{name}}}", address(name))
    (folder / "zensical.toml").write_text(settings, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
