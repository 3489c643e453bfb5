# SPDX-License-Identifier: MIT
"""Memory.view, copy_in and copy_out: parts of a memory as numbers and as bytes.

The sizes of items are those of `struct`, of numpy, and of WebAssembly's types.
"""

from __future__ import annotations

import gc
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pywasm3
from helpers import child, load, wat

SIZE = 65536


@pytest.fixture
def memory() -> pywasm3.Memory:
    memory = pywasm3.Memory(1, 3)
    memory.write(0, bytes(i % 251 for i in range(SIZE)))
    return memory


class Index:
    def __init__(self, value: int, action: Any = None) -> None:
        self.value, self.action = value, action

    def __index__(self) -> int:
        if self.action:
            self.action()
        return self.value


# ---- copies ----


@given(st.integers(0, SIZE), st.binary(max_size=100))
def test_bytes_that_are_copied_in_are_copied_out(address: int, data: bytes) -> None:
    memory = pywasm3.Memory(1)
    if address + len(data) > SIZE:
        with pytest.raises(IndexError):
            memory.copy_in(address, data)
        assert memory.read(0, SIZE) == bytes(SIZE)
        return
    assert memory.copy_in(address, data) == len(data)
    assert memory.copy_out(address, len(data)) == data
    assert memory.copy_out(address, len(data), into=bytearray(len(data))) == data
    assert memory.read(0, SIZE) == bytes(address) + data + bytes(SIZE - address - len(data))


@pytest.mark.parametrize(
    ("address", "size"),
    [
        (0, SIZE + 1),
        (1, SIZE),
        (SIZE, 1),
        (SIZE + 1, 0),
        (-1, 1),
        (0, -1),
        (2**63 - 1, 2**63 - 1),
        (2**64, 0),
        (0, 2**64),
        (-(2**70), 2**70),
    ],
)
def test_a_copy_beyond_the_memory_is_refused_and_writes_nothing(
    memory: pywasm3.Memory, address: int, size: int
) -> None:
    target = bytearray(b"x" * 8)
    with pytest.raises(IndexError, match="out of bounds"):
        memory.copy_out(address, size)
    with pytest.raises(IndexError, match="out of bounds"):
        memory.copy_out(address, size, target)
    assert target == b"x" * 8
    if size in (0, 1, SIZE):
        with pytest.raises(IndexError, match="out of bounds"):
            memory.copy_in(address, bytes(size))


def test_the_whole_memory_or_nothing_can_be_copied(memory: pywasm3.Memory) -> None:
    whole = memory.copy_out(0, SIZE)
    assert whole == bytes(i % 251 for i in range(SIZE))
    assert memory.copy_in(0, bytes(SIZE)) == SIZE
    assert memory.copy_out(SIZE, 0) == b""
    assert memory.copy_in(SIZE, b"") == 0


def test_any_items_are_copied_as_bytes(memory: pywasm3.Memory) -> None:
    assert memory.copy_in(3, array("d", [1.5, 2.5])) == 16
    numbers = np.zeros(2)
    assert memory.copy_out(3, 16, into=numbers) is numbers
    assert numbers.tolist() == [1.5, 2.5]
    assert memory.copy_in(0, np.ones((2, 3), np.int16)) == 12


def test_a_larger_buffer_keeps_its_rest(memory: pywasm3.Memory) -> None:
    target = bytearray(b"abcdef")
    assert memory.copy_out(1, 3, target) is target
    assert target == b"\1\2\3def"


def test_a_smaller_buffer_is_refused(memory: pywasm3.Memory) -> None:
    target = bytearray(b"ab")
    with pytest.raises(ValueError, match="3 bytes do not fit into a buffer of 2"):
        memory.copy_out(1, 3, into=target)
    assert target == b"ab"


def test_a_single_byte_that_does_not_fit_is_counted_as_one(memory: pywasm3.Memory) -> None:
    with pytest.raises(ValueError, match=r"^1 byte does not fit into a buffer of 0$"):
        memory.copy_out(1, 1, into=bytearray())


def test_wrong_buffers_and_arguments_are_refused(memory: pywasm3.Memory) -> None:
    with pytest.raises(TypeError):
        memory.copy_in(0, "text")
    with pytest.raises(TypeError):
        memory.copy_in(0, [1, 2])
    with pytest.raises((BufferError, ValueError)):
        memory.copy_in(0, np.zeros(8, np.uint8)[::2])
    with pytest.raises((BufferError, TypeError)):
        memory.copy_out(0, 1, into=b"x")
    with pytest.raises((BufferError, ValueError)):
        memory.copy_out(0, 1, into=np.zeros(8, np.uint8)[::2])
    for arguments in ((), (1,), (1, 2, None, 4)):
        with pytest.raises(TypeError, match=r"^copy_out\(\) takes 2 to 3 arguments but"):
            memory.copy_out(*arguments)
    with pytest.raises(TypeError, match=r"^copy_in\(\) takes 2 arguments but 1 was given"):
        memory.copy_in(1)
    with pytest.raises(TypeError, match="one argument by its name, into"):
        memory.copy_out(0, 1, out=None)
    with pytest.raises(TypeError, match="one argument by its name, into"):
        memory.copy_out(0, size=1)
    with pytest.raises(TypeError):
        memory.copy_out(0, 1, None, into=None)
    with pytest.raises(TypeError):
        memory.copy_out(0.0, 1)
    assert memory.copy_out(1, 2, into=None) == b"\1\2"


@pytest.mark.buffers
def test_a_memory_is_copied_over_itself(memory: pywasm3.Memory) -> None:
    view = memoryview(memory)
    assert memory.copy_in(1, view[:4]) == 4
    assert memory.read(0, 6) == b"\0\0\1\2\3\5"
    memory.copy_out(1, 4, into=view)
    assert memory.read(0, 4) == b"\0\1\2\3"


def test_the_last_bytes_of_four_gibibytes_can_be_copied() -> None:
    memory, end = pywasm3.Memory(65536), 2**32
    assert memory.copy_in(end - 4, b"abcd") == 4
    assert memory.copy_out(end - 4, 4) == memory.view("B", end - 4).tobytes() == b"abcd"
    assert (memory.copy_in(end, b""), memory.copy_out(end, 0)) == (0, b"")
    for call in (
        lambda: memory.copy_in(end - 3, b"abcd"),
        lambda: memory.copy_out(end, 1),
        lambda: memory.view("i", end - 3, 1),
    ):
        with pytest.raises(IndexError, match="memory size 4294967296"):
            call()


def test_copies_work_after_the_store_is_closed() -> None:
    instance = load('(module (memory (export "memory") 1))')
    memory = instance.memory
    memory.copy_in(0, b"kept")
    view = memory.view("B", 0, 4)
    instance.close()
    assert memory.copy_out(0, 4) == b"kept"
    assert memory.copy_in(0, b"K") == 1
    del memory, instance
    gc.collect()
    assert bytes(view) == b"Kept"


# ---- views ----


@pytest.mark.parametrize("prefix", ["", "<"])
@pytest.mark.parametrize("letter", "?bBhHiIlLqQfd")
def test_the_items_of_a_view_have_their_standard_size(
    memory: pywasm3.Memory, prefix: str, letter: str
) -> None:
    import struct

    size = struct.calcsize(f"<{letter}")
    view = memory.view(prefix + letter, 8, 3)
    assert (view.itemsize, view.nbytes) == (size, 3 * size)
    assert view.tolist() == list(memory.unpack(f"3{letter}", 8))


@pytest.mark.parametrize(
    ("name", "letter"), [("i32", "i"), ("i64", "q"), ("f32", "f"), ("f64", "d")]
)
def test_a_view_may_be_asked_for_by_the_name_of_a_wasm_type(
    memory: pywasm3.Memory, name: str, letter: str
) -> None:
    for dtype in (name, getattr(pywasm3, name)):
        view = memory.view(dtype, 1, 2)
        assert view.format == letter
        assert view.tobytes() == memory.read(1, view.nbytes)


def test_a_view_writes_to_the_memory_and_sees_its_changes(memory: pywasm3.Memory) -> None:
    view = memory.view("i", 5, 2)
    view[1] = -2
    assert memory.read_i32(9) == -2
    memory.write_i32(5, 7)
    assert view.tolist() == [7, -2]


def test_a_view_without_a_count_reaches_to_the_end(memory: pywasm3.Memory) -> None:
    assert len(memory.view()) == SIZE
    assert len(memory.view("q")) == SIZE // 8
    assert len(memory.view("q", 1)) == SIZE // 8 - 1
    assert len(memory.view("q", SIZE)) == 0
    assert memory.view("q", SIZE, 0).tolist() == []


@pytest.mark.parametrize(
    ("offset", "count"),
    [
        (0, SIZE // 4 + 1),
        (1, SIZE // 4),
        (SIZE - 3, 1),
        (SIZE + 1, 0),
        (SIZE + 1, None),
        (-4, 1),
        (-1, None),
        (0, 2**62),
        (2**64, 2**64),
    ],
)
@pytest.mark.parametrize("dtype", ["i", np.int32])
def test_a_view_beyond_the_end_is_refused(
    memory: pywasm3.Memory, dtype: Any, offset: int, count: int | None
) -> None:
    with pytest.raises(IndexError, match=f"at address {offset}, memory size {SIZE}"):
        memory.view(dtype, offset, count)


@pytest.mark.parametrize(
    ("dtype", "meant", "size"),
    [
        ("float32", "f32", 4),
        ("float64", "f64", 8),
        ("int32", "i32", 4),
        ("uint8", "B", 1),
        ("u16", "H", 2),
    ],
)
def test_a_view_of_a_type_with_another_name_says_what_is_meant(
    memory: pywasm3.Memory, dtype: str, meant: str, size: int
) -> None:
    with pytest.raises(ValueError, match=f"'{dtype}' is not a number type: give '{meant}', or a"):
        memory.view(dtype)
    assert memory.view(meant).itemsize == size


@pytest.mark.parametrize("dtype", ["", "<", "x", "c", "P", "n", "ii", "2i", ">i", "i8", "v128"])
def test_a_view_of_an_unknown_type_is_refused(memory: pywasm3.Memory, dtype: str) -> None:
    """The type `i8` is refused because it could mean one byte or, in numpy, eight."""
    with pytest.raises(ValueError, match="is not a number type"):
        memory.view(dtype)
    with pytest.raises(ValueError, match="is not a number type"):
        memory.view(dtype, numpy=True)


def test_a_view_with_a_dtype_is_a_numpy_array(memory: pywasm3.Memory) -> None:
    for dtype in (np.int32, np.dtype("<i4")):
        view = memory.view(dtype, 1, 3)
        assert isinstance(view, np.ndarray)
        assert view.dtype == np.int32
        view[:] = [1, 2, 3]
        assert memory.unpack("3i", 1) == (1, 2, 3)
    asked = memory.view("f64", 0, 2, numpy=True)
    assert isinstance(asked, np.ndarray)
    assert asked.dtype == np.float64
    assert memory.view("l", 0, 2, numpy=True).itemsize == 4
    assert memory.view(pywasm3.i64, numpy=True).size == SIZE // 8
    pairs = memory.view(np.dtype([("a", "<u2"), ("b", "<f4")]), 2, 5)
    assert pairs["b"].shape == (5,)
    assert memory.view(np.dtype(">u2"), 0, 1)[0] == 0x0001


def test_dtypes_without_size_or_with_objects_are_refused(memory: pywasm3.Memory) -> None:
    with pytest.raises(ValueError, match="must have a size"):
        memory.view(np.dtype("V0"))
    with pytest.raises(ValueError):
        memory.view(object)


def test_a_view_does_not_need_numpy_unless_it_asks_for_it() -> None:
    child(
        """
        import sys
        sys.modules["numpy"] = None
        memory = pywasm3.load(WASM).memory
        assert memory.view("i", 0, 2).tolist() == [0, 0]
        try:
            memory.view("i", 0, 2, numpy=True)
        except ImportError:
            pass
        else:
            raise AssertionError
        """,
        WASM=wat('(module (memory (export "memory") 1))'),
    )


def test_a_view_stays_while_the_memory_grows(memory: pywasm3.Memory) -> None:
    views = memory.view("i", 0, 2), memory.view(np.int32, 0, 2)
    memory.grow(2)
    memory.write_i32(4, -9)
    assert [view.tolist() for view in views] == [[0x03020100, -9]] * 2
    assert len(memory.view("i", 2 * SIZE, 1)) == 1
