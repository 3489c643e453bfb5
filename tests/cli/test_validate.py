# SPDX-License-Identifier: MIT
"""`pywasm3 validate` says of each file whether it is a valid module; it is tested as a process.

The expected outputs are written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cli_helpers import LIBRARY, UNRUNNABLE, run

Write = Callable[..., Path]


def test_each_valid_module_is_one_line(module: Write) -> None:
    one, two = module(LIBRARY, "one.wasm"), module("(module)", "two.wasm")
    done = run("validate", one, two)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [f"{one}: valid", f"{two}: valid"]


def test_an_invalid_module_is_reported_with_the_place_and_exit_code_1(module: Write) -> None:
    good = module("(module)", "good.wasm")
    bad = module("(module (func (result i32) i64.const 1))", "bad.wasm")
    done = run("validate", bad, good)
    assert done.code == 1
    first, second = done.out.splitlines()
    assert first.startswith(f"{bad}: invalid: type mismatch")
    assert "(at offset 0x" in first
    assert second == f"{good}: valid"


def test_a_file_that_cannot_be_read_does_not_end_the_command(module: Write) -> None:
    done = run("validate", "none.wasm", module("(module)"))
    assert done.code == 1
    assert done.err == "pywasm3: error: none.wasm: No such file or directory\n"
    assert done.out.endswith(": valid\n")


def test_a_valid_module_that_cannot_be_run_is_valid(module: Write) -> None:
    done = run("validate", module(UNRUNNABLE))
    assert done.code == 0
    assert ": valid, but cannot be run: not supported: " in done.out


def test_control_characters_in_file_names_are_escaped(module: Write) -> None:
    path = module(b"\0asm", "a\x1b[31m\n.wasm")
    done = run("validate", path)
    assert done.out.count("\n") == 1
    assert "\x1b" not in done.out
