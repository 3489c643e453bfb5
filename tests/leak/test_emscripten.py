# SPDX-License-Identifier: MIT
"""Programs that Emscripten compiled leave nothing behind, and neither do their calls."""

from __future__ import annotations

from typing import Any

import pytest

from emscripten_guests import Calls, importing, module
from leak_helpers import assert_no_leak, collected
from pywasm3.guests import emscripten
from pywasm3.wasi import VirtualDir, WasiConfig

pytestmark = pytest.mark.leak

CALLS = importing("__syscall_openat iiii>i", "emscripten_get_now >d", "invoke_v i>")

THROWER = """
  (import "env" "__cxa_throw" (func $throw (param i32 i32 i32)))
  (import "env" "invoke_v" (func $invoke (param i32)))
  (memory (export "memory") 1)
  (table (export "__indirect_function_table") 2 funcref)
  (elem (i32.const 1) $thrower)
  (global (export "__stack_pointer") (mut i32) (i32.const 1000))
  (func (export "setThrew") (param i32 i32))
  (func $thrower (call $throw (i32.const 1024) (i32.const 1) (i32.const 0)))
  (export "invoke" (func $invoke))"""


def test_a_program_is_freed() -> None:
    def make() -> emscripten.Emscripten:
        program = emscripten.load(CALLS)
        program.exports.emscripten_get_now()
        return program

    assert collected(make)


def test_a_program_with_a_library_is_freed() -> None:
    main = module(
        """(@dylink.0 (mem-info (memory 0 0) (table 0 0)))
        (import "env" "memory" (memory 2))
        (import "env" "__indirect_function_table" (table 1 funcref))
        (func (export "malloc") (param i32) (result i32) (i32.const 70000))"""
    )
    side = module(
        """(@dylink.0 (mem-info (memory 8 0) (table 0 0)))
        (import "GOT.func" "malloc" (global (mut i32)))
        (import "env" "malloc" (func (param i32) (result i32)))"""
    )

    def make() -> emscripten.Emscripten:
        program = emscripten.load(main)
        program.link(side)
        return program

    assert collected(make)


def test_opening_and_failing_to_open_does_not_leak() -> None:
    directory = VirtualDir({"a": b"1"})
    call = Calls(
        "__syscall_openat iiii>i",
        "wasi_snapshot_preview1.fd_close i>i",
        wasi=WasiConfig(preopens={"/": directory}),
    )
    path, other = call.program.new_text("/a"), call.program.new_text("/nothing")
    exports: Any = call.program.exports

    def act() -> None:
        assert exports["__syscall_openat"](-100, other, 0, 0) < 0
        assert exports.fd_close(exports["__syscall_openat"](-100, path, 0, 0)) == 0

    assert_no_leak(act, 5000)


def test_throwing_does_not_leak() -> None:
    invoke = emscripten.load(module(THROWER)).exports.invoke
    assert_no_leak(lambda: invoke(1), 20_000)
