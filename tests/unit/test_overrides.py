# SPDX-License-Identifier: MIT
"""The list of what of wasm3 is replaced, native/engine/overrides.def, agrees with the sources.

The C compiler checks that each original exists. These tests read the text of our sources, because
the preprocessor cannot define macros from a list: the macros stand elsewhere, and must be those of
the list. The bugs that rows cite are those of docs/internals/wasm3-bugs.md.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from helpers import TESTS

ENGINE = TESTS.parent / "native/engine"
BUGS = TESTS.parent / "docs/internals/wasm3-bugs.md"


class Row(NamedTuple):
    """A row of the list, without the columns that only C needs."""

    kind: str
    name: str
    file: str
    why: str


@pytest.fixture(scope="module", autouse=True)
def sources() -> None:
    if not ENGINE.exists():
        pytest.skip("needs the sources")


def rows(kind: str) -> list[Row]:
    text = (ENGINE / "overrides.def").read_text(encoding="utf-8")
    found = []
    for match in re.finditer(rf"^OVERRIDE_{kind}\((.*?)\)$", text, re.MULTILINE | re.DOTALL):
        columns = re.fullmatch(
            r"(?:\w+, )?(\w+),\s+(?:\(.*?\),\s+)?\"([\w/.]+)\",\s+\"(.*)\"", match[1], re.DOTALL
        )
        assert columns, match[0]
        found.append(Row(kind, *columns.groups()))
    assert found
    return found


def text_of(file: str) -> str:
    return (ENGINE / file).read_text(encoding="utf-8")


def test_the_functions_of_the_list_are_those_that_a_macro_replaces() -> None:
    joined = text_of("compile/override.inc").replace("\\\n", " ")
    macros = re.findall(r"^#define (\w+)\(\.\.\.\)\s+OVERRIDE\((\w+), __VA_ARGS__\)$", joined, re.M)
    assert [name for name, replaced in macros if name != replaced] == []
    assert sorted(name for name, _ in macros) == sorted(row.name for row in rows("FUNCTION"))


def test_each_function_of_the_list_is_defined_in_its_file() -> None:
    for row in rows("FUNCTION"):
        assert re.search(rf"^static [\w ]+ own_{row.name}\(", text_of(row.file), re.M), row


def test_the_operations_of_the_list_are_those_that_the_compiler_is_given() -> None:
    macros = re.findall(r"^#define op_(\w+) op_pw(\w+)$", text_of("unity.c"), re.MULTILINE)
    assert [name for name, ours in macros if name != ours] == []
    assert sorted(name for name, _ in macros) == sorted(row.name for row in rows("OPERATION"))


def test_each_operation_of_the_list_is_defined_in_its_file() -> None:
    for row in rows("OPERATION"):
        assert f"d_m3Op(pw{row.name})" in text_of(row.file), row


def test_each_hook_of_the_list_is_a_macro_in_its_file() -> None:
    for row in rows("MACRO"):
        assert re.search(rf"^#define {row.name}\b", text_of(row.file), re.MULTILINE), row


def test_every_bug_that_a_row_cites_is_described() -> None:
    described = set(re.findall(r"^### (B\d+):", BUGS.read_text(encoding="utf-8"), re.MULTILINE))
    every = [*rows("FUNCTION"), *rows("OPERATION"), *rows("MACRO")]
    cited = {bug for row in every for bug in re.findall(r"\bB\d+\b", row.why)}
    assert cited
    assert cited <= described
