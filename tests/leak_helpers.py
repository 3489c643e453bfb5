# SPDX-License-Identifier: MIT
"""Measures what an action leaves behind when it is repeated many times.

Objects of Python are counted exactly, by tracemalloc. Memory that C allocates is seen in
the resident memory of the process. A sanitizer keeps freed memory back, so that the resident memory
says little: there, the sanitizer's own count of allocated bytes is taken instead.
"""

from __future__ import annotations

import ctypes
import gc
import os
import tracemalloc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers import SANITIZED

MEBIBYTE = 1 << 20

# A guest with one of everything that most of the leak tests need.
TEXT = """
(module $leaky
  (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1)
  (table (export "table") 2 funcref) (elem (i32.const 0) $add)
  (global (export "counter") (mut i64) (i64.const 0))
  (func $add (export "add") (param i64 f64) (result i64 f64) local.get 0 local.get 1)
  (func (export "call") (param i32) (result i32) local.get 0 call $f)
  (func $fail (export "fail") unreachable)
  (func $endless (export "endless") call $endless)
  (func (export "grow") (result i32) i32.const 0 memory.grow))
"""

# The imports of TEXT.
IMPORTS: dict[str, dict[str, Any]] = {"env": {"f": lambda x: x}}


def resident_bytes() -> int:
    """The resident memory of the process in bytes; under a sanitizer, what it has allocated."""
    if SANITIZED:
        count = ctypes.CDLL(None).__sanitizer_get_current_allocated_bytes
        count.restype = ctypes.c_size_t
        return int(count())
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def traced_bytes() -> int:
    """How many bytes Python has allocated since tracemalloc was started."""
    return tracemalloc.get_traced_memory()[0]


def repeat(action: Callable[[], Any], count: int) -> None:
    """Calls the action `count` times."""
    for _ in range(count):
        action()


def collect() -> None:
    """Runs the garbage collector twice.

    In a Python without a GIL, an object that another thread could be reading is freed only by the
    collection after the one that found it.
    """
    gc.collect()
    gc.collect()


def growth(measure: Callable[[], int], action: Callable[[], Any], count: int, bound: int) -> int:
    """Says by how much `measure` grows while the action is repeated `count` times.

    A cache that fills up grows less with every round, and so does the memory of objects that
    replace others from before the measurement; a leak grows by the same amount in every round.
    So the measurement is repeated as long as the growth is not below `bound`, up to eight times.
    """
    repeat(action, max(1, count // 4))
    grown = bound
    for _ in range(8):
        collect()
        before = measure()
        repeat(action, count)
        collect()
        grown = measure() - before
        if grown < bound:
            break
    return grown


def assert_no_objects_left(action: Callable[[], Any], rounds: int = 1000) -> None:
    """Asserts that the action leaves no Python object behind.

    The smallest object has 16 bytes, so one object per round would be four times the bound.
    """
    tracemalloc.start()
    try:
        assert growth(traced_bytes, action, rounds, 4 * rounds) < 4 * rounds
    finally:
        tracemalloc.stop()


def assert_no_leak(action: Callable[[], Any], count: int, rounds: int = 1000) -> None:
    """Asserts that the action leaves neither Python objects nor memory of C behind.

    The action is repeated `rounds` times for the objects, and `count` times for the memory.

    An allocation takes 32 bytes at least, so one allocation per round would exceed the allowance.
    """
    assert_no_objects_left(action, rounds)
    if SANITIZED:
        count //= 20
    allowance = 8 * count + 65536 if SANITIZED else max(MEBIBYTE // 2, 8 * count)
    assert growth(resident_bytes, action, count, allowance) < allowance


def collected(make: Callable[[], Any]) -> bool:
    """Says whether the object that `make` returns is freed, by the garbage collector if need be."""
    reference = weakref.ref(make())
    gc.collect()
    return reference() is None


def failing(error: type[BaseException], function: Callable[..., Any], *arguments: Any) -> None:
    """Calls the function and asserts that it raises the error.

    `pytest.raises` keeps the exception and its traceback, which the tests would count as a leak.
    """
    try:
        function(*arguments)
    except error:
        return
    raise AssertionError("no exception")
