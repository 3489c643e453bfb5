# SPDX-License-Identifier: MIT
"""A hostile guest calls every function that pywasm3.guests.emscripten has with wrong numbers.

What it gets is an error number, a trap, the end of the program, or an exception of C++; and the
host is as it was before.
"""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest

import pywasm3
from emscripten_guests import importing, module
from pywasm3.guests import emscripten
from pywasm3.guests.emscripten import _exceptions, _runtime, _syscalls, _time
from pywasm3.wasi import VirtualDir, WasiConfig

PAGE = 65536
ENTRIES = [
    (name, signature.replace("s", "l"))
    for part in (_exceptions, _runtime, _syscalls, _time)
    for name, _, signature in part.FUNCTIONS
]
WRONG = [0, 1, 3, 4, 7, 8, 23, 24, 1024, 4096, PAGE - 300, PAGE - 1, PAGE, -1, -8, -100]
WRONG += [1 << 16, 1 << 30, (1 << 31) - 1, -1 << 31]
# What ends a call of a guest that does something wrong.
ENDS = (pywasm3.Trap, pywasm3.WasmError, pywasm3.WasiExit, emscripten.Unwinding, MemoryError)


def hostile(name: str, signature: str) -> emscripten.Emscripten:
    where = "wasi_snapshot_preview1." if name.startswith("fd_") else ""
    directory = VirtualDir({"a": b"1", "folder": {"b": b"2"}}, max_bytes=1 << 20)
    config = WasiConfig(preopens={"/": directory}, clock=0, random=1)
    limits = pywasm3.Limits(memory=1 << 20)
    program = emscripten.load(importing(f"{where}{name} {signature}"), wasi=config, limits=limits)
    memory = program.memory
    memory[0:PAGE] = random.Random(1).randbytes(PAGE)
    memory[1024:1034] = b"/folder/b\0"
    memory[4096:4106] = b"%s%c%Y%%%E"
    return program


def argument(source: random.Random, letter: str) -> float:
    if letter == "d":
        return source.choice([0.0, -1.0, 1e300, float("inf"), float("nan")])
    number = source.choice(WRONG)
    return number * source.choice([1, 1 << 31]) if letter == "l" else number


@pytest.mark.parametrize(("name", "signature"), ENTRIES, ids=lambda value: str(value))
def test_wrong_numbers_harm_nobody(name: str, signature: str) -> None:
    program = hostile(name, signature)
    function: Any = program.exports[name]
    params = signature.partition(">")[0]
    source = random.Random(2)
    for _ in range(300):
        given = [argument(source, letter) for letter in params]
        with contextlib.suppress(*ENDS):
            function(*given)
    assert len(program.memory) <= 1 << 20
    assert len(program.wasi.descriptors) <= 4 + 128


def test_exports_of_another_kind_than_expected_are_an_error() -> None:
    """A guest that exports globals where functions are expected gets an error."""
    program = emscripten.load(
        module(
            """(import "env" "__cxa_end_catch" (func $end))
            (memory (export "memory") 1)
            (global (export "setThrew") i32 (i32.const 1))
            (global (export "malloc") i32 (i32.const 1))
            (table (export "__indirect_function_table") 1 externref)
            (func (export "end") (call $end))"""
        )
    )
    with pytest.raises(pywasm3.WasmError, match="setThrew"):
        program.exports.end()
    with pytest.raises(pywasm3.WasmError, match="malloc"):
        program.new_text("text")
    with pytest.raises(pywasm3.Trap):
        program.call(0)


@pytest.mark.parametrize("address", [-1, PAGE, PAGE - 2, 1 << 30])
def test_a_malloc_that_lies_is_a_trap(address: int) -> None:
    program = emscripten.load(
        module(
            f"""(memory (export "memory") 1)
            (func (export "malloc") (param i32) (result i32) (i32.const {address}))
            (func (export "main") (param i32 i32) (result i32) (i32.const 0))"""
        ),
        wasi=WasiConfig(args=["a", "b"]),
    )
    for act in (lambda: program.new_text("text"), program.run, lambda: program.allocate(3)):
        with pytest.raises(pywasm3.Trap, match="malloc"):
            act()


@pytest.mark.parametrize("address", [-1, PAGE, PAGE - 2, 1 << 30])
def test_a_stack_that_is_not_in_the_memory_is_a_trap(address: int) -> None:
    program = emscripten.load(
        module(
            f"""(memory (export "memory") 1)
            (func (export "stackAlloc") (param i32) (result i32) (i32.const {address}))
            (func (export "main") (param i32 i32) (result i32) (i32.const 0))"""
        ),
        wasi=WasiConfig(args=["a", "b"]),
    )
    with pytest.raises(pywasm3.Trap, match="stackAlloc"):
        program.run()
