# SPDX-License-Identifier: MIT
"""Threads of programs leave nothing behind: stores, instances, threads, and what ended them."""

from __future__ import annotations

from typing import Any

import pytest

import pywasm3
from helpers import wat
from leak_helpers import assert_no_leak, failing
from pywasm3 import Instance, Module, TrapKind
from pywasm3.wasi import WasiConfig

pytestmark = pytest.mark.leak

# A thread ends at once (0), traps (1) or runs until it is stopped (2).
MODULE = Module(
    wat("""(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (memory 1)
  (func (export "wasi_thread_start") (param i32 i32)
    (if (i32.eq (local.get 1) (i32.const 1)) (then unreachable))
    (if (i32.eq (local.get 1) (i32.const 2)) (then (loop $l (br $l)))))
  (func (export "spawn") (param i32) (result i32) (call $spawn (local.get 0))))""")
)
CONFIG = WasiConfig(threads=1)


def test_threads_of_a_program_that_lives_on_do_not_leak() -> None:
    instance = Instance(MODULE, wasi=CONFIG)

    def action() -> None:
        while instance.exports.spawn(0) < 0:
            pass

    assert_no_leak(action, 200)
    instance.close()


def test_programs_with_threads_do_not_leak() -> None:
    def action() -> None:
        with Instance(MODULE, wasi=CONFIG) as instance:
            assert instance.exports.spawn(2) == 1

    assert_no_leak(action, 200)


def test_programs_that_a_thread_has_ended_do_not_leak() -> None:
    def action() -> None:
        with Instance(MODULE, wasi=CONFIG) as instance, pytest.raises(pywasm3.Trap):
            instance.exports.spawn(1)
            while True:
                instance.exports.spawn(0)

    assert_no_leak(action, 200)


@pytest.mark.parametrize(
    ("error", "arguments"), [(KeyError, ()), (pywasm3.Interrupted, (TrapKind.INTERRUPTED,))]
)
def test_calls_that_a_host_function_lets_fail_do_not_leak(
    error: type[Exception], arguments: tuple[Any, ...]
) -> None:
    """`Threads` is asked which exception the call raises."""
    module = Module(
        wat("""(module
          (import "wasi" "thread-spawn" (func (param i32) (result i32)))
          (import "env" "f" (func $f))
          (func (export "call") (call $f)))""")
    )

    def f() -> None:
        raise error(*arguments)

    with Instance(module, {"env": {"f": f}}, wasi=CONFIG) as instance:
        assert_no_leak(lambda: failing(error, instance.exports.call), 20_000)
