# SPDX-License-Identifier: MIT
"""`pywasm3 inspect` describes a module, for people and as JSON.

The expected values are written by hand from small modules; mutants of modules of every feature
(tests/fuzz/seeds.py) must be described or refused without a traceback.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import binary
from cli_helpers import LIBRARY, UNRUNNABLE, run
from fuzz import mutate, seeds
from helpers import GUESTS, wat
from pywasm3.cli import main
from pywasm3.cli.inspect import describe

Write = Callable[..., Path]

TYPES = """(module
    (import "m" "f" (func (param i32 f32) (result i64)))
    (import "m" "t" (table 1 2 funcref))
    (import "m" "g" (global (mut f64)))
    (import "m" "tag" (tag (param i32)))
    (memory (export "mem") 1 3) (table (export "tab") 2 externref)
    (global (export "glob") i32 (i32.const 5)) (func $start) (start $start))"""


def inspected(*words: str | Path) -> dict[str, Any]:
    done = run("inspect", "--json", *words)
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_the_json_text_has_the_keys_of_the_schema(module: Write) -> None:
    found = inspected(module(TYPES, "types.wasm"))
    assert found["schema"] == 1
    assert list(found) == [
        "schema",
        "file",
        "size",
        "name",
        "start",
        "unsupported",
        "unsupported_features",
        "imports",
        "exports",
        "functions",
        "globals",
        "tags",
        "memories",
        "tables",
        "sections",
        "producers",
    ]


def test_imports_and_exports_have_types_of_the_text_format(module: Write) -> None:
    found = inspected(module(TYPES))
    assert [entry["type"] for entry in found["imports"]] == [
        "(func (param i32 f32) (result i64))",
        "(table 1 2 funcref)",
        "(global (mut f64))",
        "(tag (param i32))",
    ]
    assert [entry["type"] for entry in found["exports"]] == [
        "(memory 1 3)",
        "(table 2 externref)",
        "(global i32)",
    ]
    assert found["imports"][0] == {
        "module": "m",
        "name": "f",
        "kind": "func",
        "index": 0,
        "type": "(func (param i32 f32) (result i64))",
        "params": ["i32", "f32"],
        "results": ["i64"],
    }
    assert found["exports"][0] == {
        "name": "mem",
        "kind": "memory",
        "index": 0,
        "type": "(memory 1 3)",
        "min": 1,
        "max": 3,
        "shared": False,
        "is64": False,
        "page_bytes": 65536,
    }
    assert found["start"] == 1
    assert (found["functions"], found["globals"], found["tags"]) == (2, 2, 1)


def test_memories_and_tables_are_listed_though_nobody_exports_them() -> None:
    text = (
        '(module (import "m" "m" (memory 1)) (memory i64 1 2) (memory 3 4 shared) (table 5 anyref))'
    )
    found = describe("file", wat(text))
    assert [memory["type"] for memory in found["memories"]] == [
        "(memory 1)",
        "(memory i64 1 2)",
        "(memory 3 4 shared)",
    ]
    assert [table["type"] for table in found["tables"]] == ["(table 5 anyref)"]


def test_a_page_size_other_than_64_kib_is_shown() -> None:
    data = binary.HEADER + binary.section(5, b"\x01\x08\x05\x00")
    assert describe("file", data)["memories"][0]["type"] == "(memory 5 (pagesize 1))"


@pytest.mark.parametrize("path", sorted(GUESTS.glob("*.wasm")), ids=lambda path: path.name)
def test_sections_follow_each_other_from_the_header_to_the_end(path: Path) -> None:
    data = path.read_bytes()
    found = describe("file", data)["sections"]
    at = 8
    for section in found:
        assert section["start"] == at
        assert data[at] in range(14)
        at = section["offset"] + section["size"]
    assert at == len(data)


def test_custom_sections_are_named(module: Write) -> None:
    data = wat("(module)") + binary.section(0, binary.text("first") + b"abc")
    data += binary.section(0, binary.text("") + b"")
    found = inspected(module(data))["sections"]
    assert [(s["name"], s["custom_name"], s["size"]) for s in found] == [
        ("custom", "first", 9),
        ("custom", "", 1),
    ]


def producers(contents: bytes) -> Any:
    data = wat("(module)") + binary.section(0, binary.text("producers") + contents)
    return describe("file", data)["producers"]


def test_producers_are_read() -> None:
    values = b"\x01" + binary.text("C11") + binary.text("")
    tools = b"\x02" + b"".join(map(binary.text, ("clang", "19", "lld", "2")))
    contents = b"\x02" + binary.text("language") + values + binary.text("processed-by") + tools
    assert producers(contents) == {
        "language": [{"name": "C11", "version": ""}],
        "processed-by": [{"name": "clang", "version": "19"}, {"name": "lld", "version": "2"}],
    }


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"\x01",
        b"\xff\xff\xff\xff\x0f",
        b"\x01\x7fabc",
        b"\xff\xff\xff\xff\xff\x01",
        b"\x01\x00\x05",
    ],
)
def test_producers_that_are_cut_off_are_ignored(contents: bytes) -> None:
    assert producers(contents) is None


def test_what_cannot_be_run_can_be_inspected(module: Write) -> None:
    found = inspected(module(UNRUNNABLE))
    assert found["unsupported"].startswith("not supported: ")
    assert found["exports"][0]["type"] == "(func (param v128) (result v128))"
    assert inspected(module(LIBRARY))["unsupported"] is None


def test_the_output_for_people_has_a_line_for_each_thing(module: Write) -> None:
    out = run("inspect", module(LIBRARY)).out
    assert 'bytes, called "lib"' in out
    assert '\n  "add" (func (param i32 i32) (result i32))\n' in out
    assert "\nmemories (1)\n  0: (memory 1 4)\n" in out
    assert "code (10)" in out
    assert '  custom "name"\n' in out


def test_hostile_names_are_escaped(module: Write) -> None:
    for words in (["inspect"], ["inspect", "--json"], ["stubs"]):
        out = run(*words, module(UNRUNNABLE)).out
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_mutants_are_described_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mutant.wasm"
    described = 0
    corpus = [wat(text) for text in seeds.TEXTS.values()]
    for seed in range(200):
        path.write_bytes(mutate.mutant(seed, corpus))
        for command in ("inspect", "disasm", "stubs"):
            code = main([command, str(path)])
            captured = capsys.readouterr()
            assert (code, captured.err.count("\n")) in ((0, 0), (1, 1)), seed
            described += code == 0
    assert described > 3 * 20
