# SPDX-License-Identifier: MIT
"""WasiConfig(trace=...) hears of each call of WASI.

The expected calls and error numbers are those that the guests of these tests make.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest

import helpers
import pywasm3
from pywasm3.wasi import CAPTURE, WasiConfig

EBADF = 8

GUEST = """(module
    (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\10\\00\\00\\00\\03\\00\\00\\00") (data (i32.const 16) "hi\\0a")
    (func (export "write") (param i32) (result i32)
        (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (func (export "seek") (result i32)
        (call $seek (i32.const -1) (i64.const -2) (i32.const 0) (i32.const 8)))
    (func (export "exit") (call $exit (i32.const 3))))"""


class Traced:
    """A guest, and the calls that were heard of."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[int, ...], int | None]] = []
        config = WasiConfig(stdout=CAPTURE, trace=lambda *call: self.calls.append(call))
        self.instance = pywasm3.load(helpers.wat(GUEST), wasi=config)
        self.exports: Any = self.instance.exports


def test_a_call_is_heard_of_with_its_arguments_and_its_result() -> None:
    guest = Traced()
    guest.exports.write(1)
    assert guest.calls == [("fd_write", (1, 0, 1, 8), 0)]


def test_the_guest_gets_what_it_gets_without_a_trace() -> None:
    guest = Traced()
    assert guest.exports.write(1) == 0
    assert guest.instance.wasi.stdout == b"hi\n"


def test_an_error_is_heard_of_as_its_number() -> None:
    guest = Traced()
    assert guest.exports.write(77) == EBADF
    assert guest.calls == [("fd_write", (77, 0, 1, 8), EBADF)]


def test_arguments_are_unsigned_where_the_specification_says_so() -> None:
    """The offset of fd_seek alone is signed."""
    guest = Traced()
    guest.exports.seek()
    assert guest.calls == [("fd_seek", (0xFFFFFFFF, -2, 0, 8), EBADF)]


def test_a_function_that_does_not_return_has_no_result() -> None:
    guest = Traced()
    with pytest.raises(pywasm3.WasiExit):
        guest.exports.exit()
    assert guest.calls == [("proc_exit", (3,), None)]


def test_what_the_trace_raises_ends_the_guest() -> None:
    def refuse(name: str, arguments: tuple[int, ...], result: int | None) -> None:
        raise LookupError(name)

    instance = pywasm3.load(helpers.wat(GUEST), wasi=WasiConfig(trace=refuse))
    with pytest.raises(LookupError, match=r"^fd_write"):
        instance.exports.write(1)


def test_the_calls_of_threads_are_heard_of_on_their_threads() -> None:
    heard = []

    def trace(name: str, arguments: tuple[int, ...], result: int | None) -> None:
        heard.append((name, arguments, threading.current_thread() is threading.main_thread()))

    text = """(module
      (import "env" "memory" (memory 1 1 shared))
      (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (func (export "wasi_thread_start") (param i32 i32)
        (drop (call $yield))
        (i32.atomic.store (i32.const 0) (i32.const 1))
        (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
      (func (export "_start")
        (drop (call $spawn (i32.const 7)))
        (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))"""
    pywasm3.load(helpers.wat(text), wasi=WasiConfig(threads=1, trace=trace)).run()
    assert sorted(heard) == [("sched_yield", (), False), ("thread-spawn", (7,), True)]
