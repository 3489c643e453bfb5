# SPDX-License-Identifier: MIT
"""The exceptions of an earlier proposal: `try`, `catch`, `catch_all`, `rethrow` and `delegate`.

The rules of validation are those of the proposal's document, and the phrases those of its tests.
What the instructions do is tested in test_exceptions.py and in tests/spec.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pywasm3
from binary import HEADER, section
from cli_helpers import run
from helpers import wat

TYPES = b"\x02\x60\x00\x00\x60\x01\x7f\x00"  # () -> (), (i32) -> ()
TRY, CATCH, RETHROW, END, DELEGATE, CATCH_ALL = b"\x06", b"\x07", b"\x09", b"\x0b", b"\x18", b"\x19"
EMPTY, DROP, BLOCK, ELSE, NUMBER = b"\x40", b"\x1a", b"\x02\x40", b"\x05", b"\x41\x01"
BEGIN = TRY + EMPTY


def module(code: bytes) -> bytes:
    """A module with a tag 0 of type (i32), and a function of type () -> () with this code."""
    body = b"\x00" + code + END
    return (
        HEADER
        + section(1, TYPES)
        + section(3, b"\x01\x00")
        + section(13, b"\x01\x00\x01")
        + section(10, b"\x01" + bytes([len(body)]) + body)
    )


@pytest.mark.parametrize(
    "code",
    [
        BEGIN + END,
        BEGIN + CATCH + b"\0" + DROP + END,
        BEGIN + CATCH + b"\0" + DROP + CATCH + b"\0" + DROP + CATCH_ALL + END,
        BEGIN + CATCH_ALL + RETHROW + b"\0" + END,
        BEGIN + CATCH_ALL + BLOCK + RETHROW + b"\1" + END + END,
        BEGIN + DELEGATE + b"\0",
        BLOCK + BEGIN + DELEGATE + b"\1" + END,
        # The results of a try are those of each of its clauses.
        TRY + b"\x7f" + NUMBER + CATCH + b"\0" + CATCH_ALL + NUMBER + END + DROP,
        TRY + b"\x7f" + NUMBER + DELEGATE + b"\0" + DROP,
        # What follows a rethrow cannot be reached, which ends with the next clause.
        BEGIN + CATCH + b"\0" + RETHROW + b"\0" + DROP + DROP + CATCH_ALL + END,
        BEGIN + b"\x00" + DROP + CATCH + b"\0" + DROP + END,
    ],
)
def test_a_module_that_keeps_the_rules_is_valid_and_compiles(code: bytes) -> None:
    data = module(code)
    pywasm3.Module.validate(data)
    pywasm3.load(data, compile="eager")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (CATCH_ALL, "END opcode expected: this catch_all does not belong to a try"),
        (BLOCK + CATCH + b"\0" + END, "END opcode expected: this catch does not belong to a try"),
        (BEGIN + BLOCK + CATCH + b"\0" + END + END, "END opcode expected: this catch does not"),
        (BEGIN + CATCH_ALL + CATCH + b"\0" + END, "END opcode expected: this catch does not"),
        (BEGIN + CATCH_ALL + CATCH_ALL + END, "END opcode expected: this catch_all does not"),
        (BEGIN + ELSE + END, "END opcode expected: this else does not belong to an if"),
        (DELEGATE + b"\0", "END opcode expected: this delegate does not end a try"),
        (BEGIN + CATCH_ALL + DELEGATE + b"\0", "END opcode expected: this delegate does not end"),
        (BEGIN + CATCH + b"\1" + END, "unknown tag 1"),
        (BEGIN + DELEGATE + b"\1", "unknown label 1"),
        (RETHROW + b"\0", "invalid rethrow label"),
        (BEGIN + RETHROW + b"\0" + END, "invalid rethrow label"),
        (BEGIN + CATCH_ALL + BLOCK + RETHROW + b"\0" + END + END, "invalid rethrow label"),
        (BEGIN + CATCH_ALL + RETHROW + b"\5" + END, "unknown label 5"),
        (BEGIN + CATCH + b"\0" + END, "type mismatch"),  # the value of the tag is left
        (TRY + b"\x7f" + NUMBER + CATCH_ALL + END + DROP, "type mismatch"),
        (TRY + b"\x7f" + DELEGATE + b"\0" + DROP, "type mismatch"),
        (NUMBER + BEGIN + CATCH_ALL + DROP + END + DROP, "type mismatch"),
    ],
)
def test_a_module_that_breaks_a_rule_is_refused_for_it(code: bytes, message: str) -> None:
    with pytest.raises((pywasm3.InvalidError, pywasm3.MalformedError)) as caught:
        pywasm3.Module.validate(module(code))
    assert str(caught.value).startswith(message)
    assert caught.value.function == 0


def test_a_clause_forgets_which_locals_were_assigned() -> None:
    text = """(module (type $f (func)) (func $g) (elem declare func $g)
        (func (local (ref $f)) try ref.func $g local.set 0 catch_all local.get 0 drop end))"""
    with pytest.raises(pywasm3.InvalidError, match="uninitialized local"):
        pywasm3.Module.validate(wat(text))


LISTED = """(module
    (tag $t (param i32))
    (func (export "f") (param i32) (result i32)
        try (result i32)
            block
                try
                    local.get 0 throw $t
                delegate 1
            end
            i32.const 0
        catch $t
        catch_all
            rethrow 0
        end))"""


def test_the_tools_work_on_such_a_module(tmp_path: Path) -> None:
    path = tmp_path / "legacy.wasm"
    path.write_bytes(wat(LISTED))
    assert run("validate", path).out == f"{path}: valid\n"
    assert "def f(self, p0: int, /) -> int" in run("stubs", path).out
    assert '"f" (func (param i32) (result i32))' in run("inspect", path).out
    found = json.loads(run("inspect", "--json", path).out)
    assert found["unsupported_features"] == []
