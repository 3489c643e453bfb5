# SPDX-License-Identifier: MIT
"""Modules with a few bytes changed are accepted, or refused with an offset, and never crash.

No module that wasmtime's validator accepts may be called malformed or invalid.
"""

from __future__ import annotations

import wasmtime
from hypothesis import given
from hypothesis import strategies as st

import pywasm3
from helpers import wat

ENGINE = wasmtime.Engine()

SEEDS = [
    wat(text)
    for text in (
        """(module $m
            (import "env" "f" (func (param i32) (result i64)))
            (import "env" "g" (global i32))
            (func (export "a") (local i64 f32))
            (table (export "t") 4 8 funcref)
            (memory (export "m") 1 2)
            (global (mut f64) (f64.const 1.5))
            (global i32 (global.get 0))
            (elem (i32.const 1) func 0 1)
            (data (i32.const 0) "hello") (data "passive"))""",
        """(module
            (table 1 funcref) (table 2 externref) (memory 1) (memory 2)
            (tag (param i32)) (func $f) (start $f)
            (global funcref (ref.func $f)) (global externref (ref.null extern))
            (elem (table 0) (i32.const 0) funcref (ref.func $f) (ref.null func))
            (elem externref (ref.null extern)) (elem declare func $f)
            (data (memory 1) (i32.const 4) "x"))""",
    )
]

# New bytes: any, and more often those that are counts, kinds, types, opcodes or parts of a LEB128.
BYTES = st.one_of(st.integers(0, 255), st.sampled_from(b"\x00\x01\x02\x7f\x80\xff\x0b\x70\x41\x60"))
# Where bytes are replaced, how many, and by which: the module may become longer or shorter.
CHANGES = st.lists(
    st.tuples(st.integers(8, 300), st.integers(0, 2), st.lists(BYTES, max_size=2)),
    min_size=1,
    max_size=3,
)


def changed(seed: bytes, changes: list[tuple[int, int, list[int]]]) -> bytes:
    data = bytearray(seed)
    for at, removed, added in changes:
        at %= len(data)
        data[at : at + removed] = bytes(added)
    return bytes(data)


def outcome(data: bytes) -> pywasm3.ModuleError | None:
    try:
        module = pywasm3.Module(data)
    except pywasm3.ModuleError as error:
        return error
    repr((module.imports, module.exports, module.custom_sections))  # every part can be looked at
    return None


def accepts(data: bytes) -> bool:
    try:
        wasmtime.Module.validate(ENGINE, data)
    except wasmtime.WasmtimeError:
        return False
    return True


@given(st.sampled_from(SEEDS), CHANGES)
def test_a_changed_module_is_read_or_refused_with_an_offset_in_it(
    seed: bytes, changes: list[tuple[int, int, list[int]]]
) -> None:
    data = changed(seed, changes)
    error = outcome(data)
    if error is not None:
        assert error.offset is not None
        assert 0 <= error.offset <= len(data)


@given(st.sampled_from(SEEDS), CHANGES)
def test_what_wasmtime_accepts_is_never_called_malformed_or_invalid(
    seed: bytes, changes: list[tuple[int, int, list[int]]]
) -> None:
    data = changed(seed, changes)
    error = outcome(data)
    if isinstance(error, (pywasm3.MalformedError, pywasm3.InvalidError)):
        # wasmtime already reads compact imports, a proposal that is not part of WebAssembly 3.0.
        compact = "malformed import kind: 0x7" in str(error)
        assert compact or not accepts(data), error


@given(st.binary(max_size=200))
def test_any_bytes_after_the_header_are_read_or_refused(data: bytes) -> None:
    outcome(b"\0asm\1\0\0\0" + data)
