# SPDX-License-Identifier: MIT
"""fd_write has a fast path (`FdWrite`), which does what the complete function does, only faster.

The fast path writes one small buffer that lies inside the memory to a descriptor with a writer. It
leaves all other calls to the complete function, which checks everything. The first call of a guest
takes the complete function, too, which finds the memory; so the call that a test is about comes
second. The expected values are written by hand; in these tests, 7 is what the complete function
returns.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import pywasm3
from helpers import child, wat
from pywasm3._ffi import FdWrite
from pywasm3.wasi import CAPTURE, WasiConfig
from pywasm3.wasi.abi import ERRNO_NAMES, FAILURES, WasiError, errno_of
from wasi_helpers import Calls

# Most tests are about the one case that FdWrite of pywasm3._cpython does itself.
pytestmark = pytest.mark.c_types

ARGUMENTS = (8, 1, 20)  # iovecs, their count, where the result goes


class Guest:
    """The object that FdWrite asks for the memory."""

    def __init__(self, memory: pywasm3.Memory | None) -> None:
        self.found = memory


class Short:
    """An FdWrite with what it calls: `writer` for descriptor 1, and `complete`, which returns 7."""

    def __init__(self, writer: Callable[[bytes], Any], memory: pywasm3.Memory | None) -> None:
        self.writers: dict[int, Any] = {1: writer}
        self.guest = Guest(memory)
        self.completed: list[Any] = []
        self.write: Any = FdWrite(self.writers, self.complete, self.guest, FAILURES, errno_of)

    def complete(self, *arguments: object) -> int:
        self.completed.append(arguments)
        return 7


def one_page(address: int = 100, size: int = 3) -> pywasm3.Memory:
    """A memory with "abc" at 100, and an iovec at 8."""
    memory = pywasm3.Memory(1)
    memory.pack("II", 8, address, size)
    memory.write(100, b"abc")
    return memory


def short(writer: Callable[[bytes], Any], memory: pywasm3.Memory | None = None) -> Short:
    """A `Short` that has found its memory, which is that of one_page() by default."""
    made = Short(writer, memory or one_page())
    assert made.write(9, 0, 0, 0) == 7
    made.completed.clear()
    return made


class File:
    """A file object that does something while it writes."""

    def __init__(self, action: Callable[[bytes], int | None]) -> None:
        self.write = action


def warm(action: Callable[[bytes], int | None]) -> Calls:
    """The functions of a guest whose output goes to `action`.

    The guest has written to its standard error once, so that the memory has been found.
    """
    calls = Calls(stdout=File(action), stderr=CAPTURE)
    assert calls.write(2, b"first") == "OK"
    return calls


# ---- calls that take the fast path ----


def test_one_small_buffer_takes_the_fast_path() -> None:
    memory = one_page()
    written: list[bytes] = []
    made = short(lambda data: written.append(data) or 2, memory)
    assert made.write(1, *ARGUMENTS) == 0
    assert (written, memory.read_u32(20), made.completed) == ([b"abc"], 2, [])


def test_an_empty_buffer_is_written_too() -> None:
    memory = one_page(65536, 0)
    memory.write_u32(20, 99)
    assert short(len, memory).write(1, *ARGUMENTS) == 0
    assert memory.read_u32(20) == 0


@pytest.mark.parametrize("address", [100, 65536 - 4096])
def test_4096_bytes_are_small(address: int) -> None:
    """The fast path takes buffers of up to 4096 bytes."""
    memory = one_page(address, 4096)
    assert short(len, memory).write(1, *ARGUMENTS) == 0
    assert memory.read_u32(20) == 4096


def test_the_last_addresses_are_in_bounds() -> None:
    """An iovec and a result may lie at the very end of the memory."""
    memory = one_page()
    memory.pack("II", 65528, 100, 3)
    assert short(len, memory).write(1, 65528, 1, 65532) == 0
    assert memory.read_u32(65532) == 3


def test_the_bytes_are_a_copy() -> None:
    memory = one_page()
    kept: list[bytes] = []
    short(lambda data: kept.append(data) or 3, memory).write(1, *ARGUMENTS)
    memory.write(100, b"xyz")
    assert kept == [b"abc"]


# ---- calls that do not ----


@pytest.mark.parametrize(
    ("iovecs", "count", "result", "address", "size"),
    [
        (8, 0, 20, 100, 3),
        (8, 2, 20, 100, 3),
        (65529, 1, 20, 100, 3),
        (-8, 1, 20, 100, 3),
        (8, 1, 65533, 100, 3),
        (8, 1, -1, 100, 3),
        (8, 1, 20, 65534, 3),
        (8, 1, 20, 65537, 0),
        (8, 1, 20, 0xFFFFFFFF, 1),
        (8, 1, 20, 100, 4097),
        (8, 1, 20, 100, 0xFFFFFFFF),
    ],
)
def test_all_other_calls_are_left_to_the_complete_function(
    iovecs: int, count: int, result: int, address: int, size: int
) -> None:
    memory = one_page(address, size)
    before = bytes(memory)
    made = short(pytest.fail, memory)
    assert made.write(1, iovecs, count, result) == 7
    assert made.completed == [(1, iovecs, count, result)]
    assert bytes(memory) == before


def test_a_descriptor_without_writer_is_left_to_the_complete_function() -> None:
    made = short(pytest.fail)
    for fd in (0, 2, -1, 1 << 40):
        assert made.write(fd, *ARGUMENTS) == 7
    assert [fd for fd, *_ in made.completed] == [0, 2, -1, 1 << 40]


def test_each_call_reads_the_table_of_writers_anew() -> None:
    made = short(len)
    made.writers[4] = made.writers.pop(1)
    assert (made.write(1, *ARGUMENTS), made.write(4, *ARGUMENTS)) == (7, 0)


def test_a_memory_may_be_found_late() -> None:
    """While no memory is found, each call takes the complete function."""
    made = Short(len, None)
    assert [made.write(1, *ARGUMENTS) for _ in range(3)] == [7, 7, 7]
    made.guest.found = one_page()
    assert [made.write(1, *ARGUMENTS) for _ in range(3)] == [7, 0, 0]


def test_the_memory_is_not_taken_when_the_complete_function_raises() -> None:
    made = Short(len, one_page())
    made.completed = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        made.write(1, *ARGUMENTS)
    made.completed = []
    assert [made.write(1, *ARGUMENTS) for _ in range(2)] == [7, 0]


def test_a_guest_that_never_has_a_memory_gets_efault_each_time() -> None:
    text = """(module
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (func (export "run") (result i32)
        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))"""
    instance = pywasm3.Instance(pywasm3.Module(wat(text)), wasi=WasiConfig(stdout=CAPTURE))
    assert [ERRNO_NAMES[instance.exports.run()] for _ in range(3)] == ["EFAULT"] * 3


# ---- writers that fail ----


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (WasiError(29), "EIO"),
        (BrokenPipeError(errno.EPIPE, "no"), "EPIPE"),
        (OSError(), "EIO"),
        (io.UnsupportedOperation("no"), "EIO"),
        (MemoryError(), "ENOMEM"),
    ],
)
def test_a_failure_is_an_errno(error: Exception, expected: str) -> None:
    def fail(data: bytes) -> int:
        raise error

    memory = one_page()
    made = short(fail, memory)
    assert ERRNO_NAMES[made.write(1, *ARGUMENTS)] == expected
    assert (memory.read_u32(20), made.completed) == (0, [])


def test_a_failure_of_c_is_an_errno() -> None:
    """An OSError that C code raises is an errno, too.

    Before Python 3.12, the exception object of such an error does not exist yet when it is caught.
    """
    assert ERRNO_NAMES[short(partial(os.write, 1 << 30)).write(1, *ARGUMENTS)] == "EBADF"


@pytest.mark.parametrize("error", [LookupError("mine"), KeyboardInterrupt(), pywasm3.WasiExit(3)])
def test_other_exceptions_reach_the_host(error: BaseException) -> None:
    def fail(data: bytes) -> int:
        raise error

    made = short(fail)
    with pytest.raises(type(error)) as caught:
        made.write(1, *ARGUMENTS)
    assert caught.value is error
    assert caught.traceback[-1].name == "fail"
    assert made.completed == []


@pytest.mark.parametrize("count", [-1, 4, 1 << 70, "3", None])
def test_a_writer_that_returns_no_count_is_an_exception(count: object) -> None:
    memory = one_page()
    with pytest.raises((ValueError, OverflowError, TypeError)):
        short(lambda data: count, memory).write(1, *ARGUMENTS)
    assert memory.read_u32(20) == 0


def test_an_oserror_without_a_usable_errno_reaches_the_host() -> None:
    def fail(data: bytes) -> int:
        error = OSError()
        error.errno = {1: 2}  # type: ignore[assignment]
        raise error

    with pytest.raises(TypeError, match="unhashable"):
        short(fail).write(1, *ARGUMENTS)


# ---- writers that do something else on the way ----


def test_a_writer_that_takes_itself_from_the_table_has_its_count_stored() -> None:
    memory = one_page()
    made = short(pytest.fail, memory)
    made.writers[1] = lambda data: made.writers.clear() or len(data)
    assert (made.write(1, *ARGUMENTS), memory.read_u32(20)) == (0, 3)
    assert made.write(1, *ARGUMENTS) == 7


def test_a_writer_may_close_its_descriptor() -> None:
    calls = warm(lambda data: None if calls.fd_close(1) == "OK" else 0)
    assert calls.write(1, b"text") == "OK"
    assert calls.result() == 4
    assert calls.write(1, b"text") == "EBADF"


def test_a_writer_may_put_another_file_in_its_place() -> None:
    calls = warm(lambda data: None if calls.fd_renumber(2, 1) == "OK" else 0)
    assert [calls.write(1, b"text") for _ in range(2)] == ["OK", "OK"]
    assert calls.instance.wasi.stderr == b"firsttext"


def test_a_writer_may_close_all_descriptors() -> None:
    calls = warm(lambda data: calls.instance.wasi.close())
    assert calls.write(1, b"text") == "OK"
    assert calls.result() == 4
    assert [calls.write(fd, b"text") for fd in (1, 2)] == ["EBADF", "EBADF"]


def test_a_writer_that_closes_the_instance_is_told_that_it_runs() -> None:
    calls = warm(lambda data: calls.instance.close())
    with pytest.raises(pywasm3.WasmError, match="while a call runs"):
        calls.write(1, b"text")


def test_a_writer_may_end_the_program() -> None:
    def leave(data: bytes) -> None:
        raise pywasm3.WasiExit(5)

    with pytest.raises(pywasm3.WasiExit) as caught:
        warm(leave).write(1, b"text")
    assert caught.value.code == 5


def test_a_writer_may_grow_the_memory() -> None:
    """After a writer has grown the memory, the next call can write what lies in the new pages."""
    calls = warm(lambda data: None if calls.memory.grow(1) else 0)
    assert calls.write(1, b"text") == "OK"
    assert calls.result() == 4
    size = len(calls.memory)
    assert size == 3 * 65536
    calls.memory.pack("II", 0, size - 4, 4)
    assert calls.fd_write(1, 0, 1, size - 8) == "OK"
    assert calls.memory.read_u32(size - 8) == 4


def test_a_writer_may_write() -> None:
    """A writer may call fd_write again; the outer call stores its count last."""

    def nested(data: bytes) -> None:
        seen.append(data)
        if len(seen) < 5:
            assert calls.write(1, data + b"x") == "OK"
            assert calls.result() == len(data) + 1

    seen: list[bytes] = []
    calls = warm(nested)
    assert calls.write(1, b"t") == "OK"
    assert (seen, calls.result()) == ([b"t", b"tx", b"txx", b"txxx", b"txxxx"], 1)


def test_writers_that_write_without_end_exhaust_the_stack() -> None:
    calls = warm(lambda data: calls.instance.exports.fd_write(1, 0, 1, 512))
    for _ in range(2):
        with pytest.raises((pywasm3.StackExhausted, RecursionError)):
            calls.write(1, b"text")
    assert calls.write(2, b"text") == "OK"


def test_a_failure_of_a_nested_write_is_an_errno_for_the_writer_above_it() -> None:
    def nested(data: bytes) -> None:
        if len(data) == 3:
            raise OSError(errno.ENOSPC, "full")
        assert calls.write(1, data + b"x") == ("ENOSPC" if len(data) == 2 else "OK")

    calls = warm(nested)
    assert calls.write(1, b"t") == "OK"


LOOP = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))))"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
@pytest.mark.parametrize("stdout", ["None", "os.devnull"])
def test_ctrl_c_ends_a_guest_that_writes_without_end(stdout: str) -> None:
    """Ctrl-C ends a guest whose output goes nowhere or to a file.

    Such a guest runs no Python code that would check for signals, so the fast path must do it.
    """
    child(
        f"""
        import os, signal, threading
        signal.signal(signal.SIGINT, signal.default_int_handler)
        instance = pywasm3.load(loop, wasi=pywasm3.wasi.WasiConfig(stdout={stdout}))
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            instance.run()
        except KeyboardInterrupt:
            raise SystemExit(42)
        """,
        result=42,
        loop=wat(LOOP),
    )


# ---- misuse ----


def test_misuse_of_the_fast_path_is_an_exception() -> None:
    made = short(len)
    for arguments in ((), (1, *ARGUMENTS[:2]), (1, *ARGUMENTS, 5)):
        with pytest.raises(TypeError, match="4 positional arguments"):
            made.write(*arguments)
    with pytest.raises(TypeError, match="4 positional arguments"):
        made.write(1, *ARGUMENTS[:2], result=20)
    with pytest.raises(TypeError, match="4 positional arguments"):
        made.write(1, *ARGUMENTS, more=5)
    with pytest.raises(TypeError, match="unhashable"):
        made.write([], *ARGUMENTS)
    with pytest.raises(TypeError):
        made.write(1, "8", 1, 20)
    with pytest.raises(OverflowError):
        made.write(1, 1 << 70, 1, 20)


def test_numbers_may_be_of_any_integer_class() -> None:
    memory = one_page()
    assert short(len, memory).write(True, 8, True, 20 + (1 << 32)) == 0
    assert memory.read_u32(20) == 3


def test_a_guest_without_found_is_an_exception() -> None:
    write: Any = FdWrite({}, lambda *_: 7, None, FAILURES, errno_of)
    with pytest.raises(AttributeError, match="found"):
        write(1, *ARGUMENTS)


def test_a_memory_of_another_kind_is_not_taken() -> None:
    """If `found` is not a Memory, each call takes the complete function."""
    made = Short(pytest.fail, bytearray(65536))  # type: ignore[arg-type]
    assert [made.write(1, *ARGUMENTS) for _ in range(3)] == [7, 7, 7]


def test_arguments_of_a_wrong_kind_make_no_fd_write() -> None:
    class Table(dict[int, Any]):
        pass

    make: Any = FdWrite
    good = ({}, len, None, (), len)
    make(*good)
    with pytest.raises(TypeError, match="not a subclass"):
        make(Table(), *good[1:])
    with pytest.raises(TypeError):
        make([], *good[1:])
    with pytest.raises(TypeError):
        make({}, len, None, OSError, len)
    with pytest.raises(TypeError):
        make({}, len)
    with pytest.raises(TypeError, match="keyword"):
        make(*good[:4], errno_of=len)
