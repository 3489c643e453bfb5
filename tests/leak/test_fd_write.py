# SPDX-License-Identifier: MIT
"""The fast path of WASI's fd_write leaves nothing behind.

`_ffi.FdWrite` is a callable in C that reads the memory of the guest itself and calls the slow
function in Python only for what it cannot do. What is measured after many calls must be what was
measured before them: see `leak_helpers`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

import pywasm3
from helpers import load
from leak_helpers import assert_no_leak, collected, failing
from pywasm3._ffi import FdWrite
from pywasm3.wasi import WasiConfig

pytestmark = pytest.mark.leak

WRITES = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "write") (param i32 i32) (result i32)
    (call $write (local.get 0) (i32.const 0) (i32.const 1) (local.get 1))))"""


class Output:
    """A file object whose write() is the given function."""

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self.write = write


def writing(write: Callable[[bytes], Any]) -> pywasm3.Instance:
    """A guest whose ``write(1, 70000)`` takes the fast path to `write`."""
    instance = load(WRITES, wasi=WasiConfig(stdout=Output(write)))
    instance.memory.pack("II", 0, 70_000, 1000)
    assert instance.exports.write(2, 70_000) == 0  # finds the memory for later calls
    return instance


def fail(error: BaseException) -> None:
    raise error


def test_fd_write_does_not_leak() -> None:
    write = writing(len).exports.write
    assert write(1, 70_000) == 0
    assert_no_leak(lambda: write(1, 70_000), 100_000)


def test_fd_write_that_fails_does_not_leak() -> None:
    write = writing(lambda data: fail(OSError(5, "no"))).exports.write
    assert write(1, 70_000) == 29
    assert_no_leak(lambda: write(1, 70_000), 20_000)


def test_fd_write_that_raises_does_not_leak() -> None:
    write = writing(lambda data: fail(LookupError(data))).exports.write
    assert_no_leak(lambda: failing(LookupError, write, 1, 70_000), 20_000)


def test_fd_write_that_is_left_to_the_checks_does_not_leak() -> None:
    """The slow function refuses an unknown descriptor and a result out of bounds."""
    write = writing(len).exports.write
    assert (write(70_000, 70_000), write(1, -1)) == (8, 21)
    assert_no_leak(lambda: (write(70_000, 70_000), write(1, -1)), 10_000)


def test_the_arguments_of_fd_write_are_given_back() -> None:
    """The reference counts of all objects that a call borrows stay the same.

    The calls succeed, are refused, or meet a writer that does not return a number of bytes.
    """
    memory = pywasm3.Memory(1)
    memory.pack("II", 8, 1 << 14, 3)
    fd, iovecs, result = 1 << 40, 8 + (1 << 40), (1 << 40) + 20
    objects = [fd, iovecs, result, len, memory, OSError]
    guest = SimpleNamespace(found=memory)
    for writer in (len, lambda data: "3", lambda data: -1, lambda data: fail(OSError())):
        write: Any = FdWrite({fd: writer}, lambda *_: 7, guest, (OSError,), id)
        write(0, 0, 0, 0)
        before = [sys.getrefcount(x) for x in objects]
        for _ in range(100):
            with suppress(TypeError, ValueError):
                write(fd, iovecs, 1, result)
            assert write(fd, iovecs, 2, result) == 7
            failing(TypeError, write, fd, iovecs)
        assert [sys.getrefcount(x) for x in objects] == before
        del write


def test_an_fd_write_gives_back_what_it_was_made_of() -> None:
    memory = pywasm3.Memory(1)
    parts: tuple[Any, ...] = (
        {},
        lambda *_: 7,
        SimpleNamespace(found=memory),
        (OSError,),
        lambda error: 29,
    )
    objects = [*parts, memory]
    before = [sys.getrefcount(x) for x in objects]
    write = FdWrite(*parts)
    assert write(1, 8, 1, 20) == 7
    assert all(sys.getrefcount(x) > n for x, n in zip(objects, before, strict=True))
    del write
    assert [sys.getrefcount(x) for x in objects] == before


def test_an_fd_write_does_not_leak() -> None:
    memory = pywasm3.Memory(1)
    guest = SimpleNamespace(found=memory)

    def action() -> None:
        write = FdWrite({}, lambda *_: 7, guest, (OSError,), id)
        assert write(1, 8, 1, 20) == 7
        failing(TypeError, FdWrite, {}, len)

    assert_no_leak(action, 20_000)


def test_an_instance_that_its_output_knows_does_not_leak() -> None:
    def make() -> pywasm3.Instance:
        instance = writing(lambda data: instance.memory.grow(0))
        assert [instance.exports.write(1, 70_000) for _ in range(3)] == [0, 0, 0]
        return instance

    assert collected(make)


def test_an_fd_write_that_its_memory_knows_does_not_leak() -> None:
    class Known(pywasm3.Memory):
        pass

    def make() -> Known:
        memory: Any = Known(1)
        memory.write = FdWrite({}, lambda *_: 7, SimpleNamespace(found=memory), (OSError,), id)
        assert memory.write(1, 8, 1, 20) == 7
        return memory  # type: ignore[no-any-return]

    assert collected(make)
