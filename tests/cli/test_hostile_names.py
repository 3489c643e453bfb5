# SPDX-License-Identifier: MIT
"""No command writes a long name of a module, or a control character of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from binary import HEADER, leb, section, text, vector
from cli_helpers import run
from hostile_names import (
    EVIL,
    LONG,
    NOTHING,
    TYPES,
    WIDEST,
    body,
    check,
    export,
    hostile,
    names,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "hostile.wasm"
    path.write_bytes(hostile(LONG))
    return path


@pytest.mark.parametrize("command", ["inspect", "disasm", "validate"])
def test_a_listing_has_short_names(path: Path, command: str) -> None:
    done = run(command, path)
    assert (done.code, done.err) == (0, "")
    check(done.out)


def test_a_listing_in_json_has_whole_names_in_ascii(path: Path) -> None:
    out = run("inspect", "--json", path).out
    assert out.isascii()
    assert len(out) > len(LONG)


def test_stubs_have_the_names_of_items_in_ascii(path: Path) -> None:
    """A type checker must find the whole name of an export there."""
    out = run("stubs", path).out
    assert f"Literal[{LONG + 'recurse'!a}]" in out
    assert out.isascii()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run"], 1),
        (["run", "--invoke", "missing"], 2),
        (["disasm", "missing"], 2),
    ],
)
def test_errors_about_a_module_are_one_short_line(path: Path, words: list[str], code: int) -> None:
    command, *options = words
    done = run(command, *options, path) if command == "run" else run(command, path, *options)
    assert done.code == code
    assert done.err.count("\n") == 1
    check(done.err)


def test_a_link_error_is_one_short_line(tmp_path: Path) -> None:
    imports = [text(LONG) + text(f"{EVIL}{i}") + b"\0" + leb(WIDEST) for i in range(100)]
    path = tmp_path / "imports.wasm"
    start = section(7, vector([export("_start", 0, 0)]))
    path.write_bytes(HEADER + TYPES + section(2, vector(imports)) + start)
    done = run("run", path)
    assert "100 imports do not fit" in done.err
    assert done.err.count("\n") == 1
    check(done.err, 6000)


def test_a_trap_is_short_lines(tmp_path: Path) -> None:
    path = tmp_path / "trap.wasm"
    path.write_bytes(
        b"".join(
            [
                HEADER,
                TYPES,
                section(3, vector([leb(NOTHING)])),
                section(7, vector([export("run", 0, 0)])),
                section(10, vector([body(b"\0")])),
                names("m", {0: LONG}),
            ]
        )
    )
    done = run("run", "--invoke", "run", path)
    assert done.code == 134
    assert done.err.count("\n") == 2
    check(done.err, 500)
