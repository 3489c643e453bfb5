# SPDX-License-Identifier: MIT
"""docs/what_runs.md names every feature and every function of WASI, and its links lead to tests."""

from __future__ import annotations

import ast
import re

import pytest

from helpers import TESTS
from pywasm3.wasi.preview1 import FUNCTIONS

ROOT = TESTS.parent
PAGE = (ROOT / "docs" / "what_runs.md").read_text(encoding="utf-8")
FEATURES = (ROOT / "native" / "base" / "features.h").read_text(encoding="utf-8")
LINKS = sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE)))
TOOLCHAINS = 12
COLLECTED = 3  # languages of the second table of that section


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def cells(title: str) -> list[list[str]]:
    """Returns the cells of the rows of a section's table, without its head."""
    rows = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def is_in(link: str) -> bool:
    """Returns whether the file of a link is there, with the function or heading that it names."""
    path, _, name = link.partition("#")
    file = ROOT / "docs" / path
    if not file.is_file():
        return False
    text = file.read_text(encoding="utf-8")
    if not name:
        return True
    if file.suffix == ".py":
        tree = ast.parse(text)
        return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return name in [re.sub(r"[^\w\s-]", "", h).lower().replace(" ", "-") for h in headings]


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_to_a_test_or_a_page(link: str) -> None:
    assert is_in(link)


@pytest.mark.parametrize(
    "link", ["../tests/unit/test_call.py#test_none", "no.md", "wasi.md#nothing-of-this-name"]
)
def test_a_link_that_leads_nowhere_is_noticed(link: str) -> None:
    assert not is_in(link)


def test_every_feature_is_named_and_says_whether_it_runs() -> None:
    words = dict(re.findall(r'X\((\w+), "([^"]+)"\)', FEATURES))
    runnable = set(re.findall(r"PW_FEATURE_(\w+)", FEATURES.partition("PW_RUNNABLE_FEATURES")[2]))
    expected = {word: "yes" if name in runnable else "no" for name, word in words.items()}
    rows = cells("Features of WebAssembly")
    assert {row[0]: row[1].partition("]")[0].strip("[") for row in rows} == expected


def test_every_function_of_wasi_is_named() -> None:
    rows = cells("Functions of WASI")
    named = [name for row in rows for name in re.findall(r"`([\w-]+)`", row[0])]
    assert sorted(named) == sorted([*FUNCTIONS, "thread-spawn"])


def test_every_cell_about_a_toolchain_has_a_link_or_says_that_there_is_none() -> None:
    rows = cells("Toolchains")
    rows = [row for row in rows if row[0] and row[0] != "---"]
    assert {len(row) for row in rows} == {TOOLCHAINS + 1, COLLECTED + 1}
    said = {cell for row in rows for cell in row[1:] if not re.fullmatch(r"\[[^]]+\]\(.+\)", cell)}
    assert said == {"not tried", "—"}
