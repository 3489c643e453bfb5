# SPDX-License-Identifier: MIT
"""A reader who is new to the Python layer finds each module where its package is described."""

from __future__ import annotations

import re

import pytest

from helpers import TESTS

ROOT = TESTS.parent
PACKAGE = ROOT / "pywasm3"
PACKAGES = [
    *("_pure", "bench", "distributed", "wasi"),
    *("guests", "guests/bindgen", "guests/emscripten", "guests/emscripten/embind"),
    *("guests/gojs", "guests/napi"),
]


def modules(folder: str) -> list[str]:
    """The modules and packages in a folder."""
    found = [path.stem for path in (PACKAGE / folder).glob("*.py") if path.stem != "__init__"]
    return sorted(found + [path.parent.name for path in (PACKAGE / folder).glob("*/__init__.py")])


def test_the_table_of_modules_has_each_module_once() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text[text.index("| about | module |") : text.index("| package |")]
    named = [row.split("|")[2] for row in table.splitlines() if row.startswith("|")]
    files = [path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"]
    assert sorted(re.findall(r"`(\w+)`", " ".join(named))) == sorted(files)


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_package_names_all_of_its_modules(folder: str) -> None:
    text = (PACKAGE / folder / "__init__.py").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    assert [name for name in modules(folder) if name not in named] == []
