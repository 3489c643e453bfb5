# SPDX-License-Identifier: MIT
"""README.md and the pages in docs/ do what they say, and the links of all pages lead somewhere.

Expected values are those that the pages themselves show.
"""

from __future__ import annotations

import doctest
import re
import runpy
from pathlib import Path

import pytest

from helpers import TESTS
from page_helpers import failures_of_examples

ROOT = TESTS.parent
README = ROOT / "README.md"
FOLDERS = ("benchmarks", "docs", "native", "tests")
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(page for folder in FOLDERS for page in sorted((ROOT / folder).rglob("*.md"))),
]
# The examples of docs/scale.md need Dask; tests/scale runs them.
PAGES_WITH_EXAMPLES = [
    page
    for page in PAGES
    if "```pycon" in page.read_text(encoding="utf-8") and page.name != "scale.md"
]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.buffers
@pytest.mark.parametrize("page", PAGES_WITH_EXAMPLES, ids=name_of)
def test_the_examples_work(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert failures_of_examples(page) == ""


def test_the_readme_and_the_guide_have_examples() -> None:
    assert {"README.md", "docs/guide.md", "docs/migrating.md"} <= {
        name_of(page) for page in PAGES_WITH_EXAMPLES
    }


def test_the_readme_alone_has_more_than_ten_examples() -> None:
    examples = doctest.DocTestParser().get_examples(README.read_text(encoding="utf-8"))
    assert len(examples) > 10


# Pages whose commands and programs are run by other tests: of cli/, toolchains/ and real/.
FOLLOWED = {
    *("docs/cli.md", "docs/debugging.md", "docs/plugins.md", "docs/start.md"),
    *(name_of(page) for page in PAGES if page.parent.name in ("gallery", "guests")),
}


@pytest.mark.parametrize(
    "page", [page for page in PAGES if name_of(page) not in FOLLOWED], ids=name_of
)
def test_examples_that_are_not_run_are_not_shown_as_python(page: Path) -> None:
    assert "```python" not in page.read_text(encoding="utf-8")


def test_the_first_two_commands_are_make_demo_and_make_test() -> None:
    commands = re.findall(r"^    (\S.*?)(?: +#.*)?$", README.read_text(encoding="utf-8"), re.M)
    assert commands[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_has_links() -> None:
    assert re.search(r"\]\(docs/[a-z]+\.md\)", README.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_to_headings_name_headings_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^):]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [
        f"{target}#{anchor}"
        for target, anchor in links
        # A link to a program names a function of it, which test_what_runs_page.py looks for.
        if not target.endswith(".py")
        and anchor not in anchors(page.parent / target if target else page)
    ] == []


def test_the_picture_of_the_floors_is_what_its_program_draws() -> None:
    program = runpy.run_path(str(ROOT / "docs/architecture.py"))
    assert (ROOT / "docs/architecture.svg").read_text(encoding="utf-8") == program["picture"]()


@pytest.mark.parametrize("name", ["call.svg", "memory.svg"])
def test_the_other_pictures_are_what_their_program_draws(name: str) -> None:
    program = runpy.run_path(str(ROOT / "docs/pictures.py"))
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == program["PICTURES"][name]()
