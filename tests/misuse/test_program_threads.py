# SPDX-License-Identifier: MIT
"""Programs whose threads do what a host must survive: they multiply, recurse, trap at odd moments,
and call functions of WASI all at once.

Each test ends with the program: what it asserts is that the end comes, and with which error.
"""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from helpers import hammer, wat
from pywasm3 import Instance, Module, StackExhausted, Trap
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig
from pywasm3.wasi.preview1 import FUNCTIONS, SNAPSHOT
from wasi_helpers import all_threads_end, eventually, living_threads

HEAD = """
  (import "env" "memory" (memory 1 64 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func (export "spawn") (result i32) (call $spawn (i32.const 0)))
  (func (export "count") (result i32) (i32.atomic.load (i32.const 0)))
  (func $add (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))
  (func (export "sleep")
    (drop (memory.atomic.wait32 (i32.const 16) (i32.const 0) (i64.const -1))))"""


def program(text: str, threads: int = 8, **options: Any) -> Instance:
    module = Module(wat(f"(module {HEAD} {text})"))
    return Instance(module, wasi=WasiConfig(threads=threads, **options))


def test_threads_that_multiply_end_with_the_program() -> None:
    instance = program(
        """(func (export "wasi_thread_start") (param i32 i32)
          (call $add)
          (drop (call $spawn (i32.const 0)))
          (drop (call $spawn (i32.const 0))))"""
    )
    for _ in range(20):
        assert instance.exports.spawn() != 0
    time.sleep(0.2)
    assert instance.exports.count() > 0
    # A thread that has ended for the guest may not have returned yet.
    assert living_threads() <= 9
    instance.close()
    all_threads_end()


def test_a_thread_that_recurses_without_end_ends_the_program() -> None:
    instance = program(
        """(func $f (export "wasi_thread_start") (param i32 i32)
          (call $f (local.get 0) (local.get 1)))"""
    )
    with pytest.raises(StackExhausted):
        instance.exports.spawn()
        instance.exports.sleep()
    all_threads_end()


def test_a_start_function_that_traps_in_a_thread_ends_the_program() -> None:
    instance = program(
        """(func $start
            (if (i32.atomic.rmw.add (i32.const 8) (i32.const 1)) (then unreachable)))
          (start $start)
          (func (export "wasi_thread_start") (param i32 i32))"""
    )
    with pytest.raises(Trap, match="unreachable"):
        instance.exports.spawn()
        instance.exports.sleep()
    all_threads_end()


def test_threads_that_grow_the_memory_see_one_memory() -> None:
    with program(
        """(func (export "wasi_thread_start") (param i32 i32)
          (loop $l
            (br_if $l (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))
          (call $add))
          (func (export "size") (result i32) (memory.size))"""
    ) as instance:
        for _ in range(8):
            assert instance.exports.spawn() > 0
        eventually(lambda: instance.exports.count() == 8)
        assert instance.exports.size() == 64


def test_programs_that_are_closed_at_once_leave_no_threads() -> None:
    text = '(func (export "wasi_thread_start") (param i32 i32) (loop $l (br $l)))'
    for _ in range(50):
        instance = program(text)
        for _ in range(3):
            assert instance.exports.spawn() > 0
        instance.close()
    all_threads_end()


def test_several_threads_of_the_host_close_a_program() -> None:
    text = '(func (export "wasi_thread_start") (param i32 i32) (loop $l (br $l)))'
    for _ in range(10):
        instance = program(text)
        instance.exports.spawn()
        hammer(lambda _, instance=instance: instance.close(), threads=4)
    all_threads_end()


def test_functions_of_wasi_can_be_called_by_all_threads_at_once() -> None:
    directory = VirtualDir({"a": b"1", "b": {"c": b"2"}}, max_bytes=1 << 20)
    instance = program(
        '(export "memory" (memory 0))',
        preopens={"/": directory},
        stdin=b"input",
        stdout=CAPTURE,
        max_capture_bytes=1 << 20,
        max_open=16,
    )
    instance.memory.write(64, b"a\0b/c\0new")
    names = [name for name in FUNCTIONS if not name.startswith("proc_")]
    functions = {name: instance.wasi.function(SNAPSHOT, name) for name in names}
    values = (0, 1, 2, 3, 4, 5, 8, 64, 66, 256, 1024)

    def calls(number: int) -> None:
        chance = random.Random(number)
        for _ in range(3000):
            name = chance.choice(names)
            found = functions[name]
            assert found is not None
            function, type_ = found
            if name == "poll_oneoff":  # it would wait for ever for nothing
                continue
            assert 0 <= function(*[chance.choice(values) for _ in type_.params]) < 80

    hammer(calls, threads=4)
    assert len(instance.wasi.descriptors) <= 4 + 16
    assert len(instance.wasi.stdout) <= 1 << 20
    assert sum(len(directory[path]) for path in directory) <= 1 << 20
    instance.close()
