# SPDX-License-Identifier: MIT
"""Columns and instances that are changed, freed or closed while Function.map uses them.

What must hold follows from Python's buffer protocol: an exporter whose buffer is in use cannot
change its size, and lives as long as the buffer does.
"""

from __future__ import annotations

import gc
import mmap
import weakref
from array import array
from typing import Any

import numpy as np
import pytest

import pywasm3
from helpers import load

TEXT = """
(module
  (import "env" "host" (func $host (param i32) (result i32)))
  (memory (export "memory") 1 4)
  (func (export "neg") (param i32) (result i32) i32.const 0 local.get 0 i32.sub)
  (func (export "host") (param i32) (result i32) local.get 0 call $host)
  (func (export "vector") (param v128) (result v128)
    (drop (call $host (i32.const 0))) local.get 0))
"""


def make(host: Any = abs) -> pywasm3.Instance:
    return load(TEXT, {"env": {"host": host}})


@pytest.fixture
def exports() -> pywasm3.Exports:
    return make().exports


@pytest.mark.parametrize("kind", [bytearray, lambda data: array("B", data)])
def test_a_buffer_cannot_change_its_size(kind: Any) -> None:
    def host(i: int) -> int:
        for buffer in (items, out):
            with pytest.raises(BufferError):
                buffer.append(1)
            with pytest.raises(BufferError):
                del buffer[:]
        with pytest.raises(BufferError):
            view.release()
        return -i

    items, out = kind(b"\1\2\3"), array("i", [0, 0, 0])
    view = memoryview(items)
    assert make(host).exports.host.map(view, out=out).tolist() == [-1, -2, -3]
    view.release()
    items.append(4)
    out.append(4)


def test_a_mapped_file_cannot_be_closed_while_it_is_a_column() -> None:
    def host(i: int) -> int:
        with pytest.raises(BufferError):
            data.close()
        return i

    data = mmap.mmap(-1, 4096)
    assert len(make(host).exports.host.map(data)) == 4096
    data.close()


def test_buffers_live_as_long_as_the_call() -> None:
    def host(i: int) -> int:
        box.clear()
        gc.collect()
        assert [alive() is None for alive in watched] == [False, False]
        return i

    box = [np.arange(100, dtype=np.int32), np.zeros(100, np.int32)]
    watched = [weakref.ref(buffer) for buffer in box]
    function = make(host).exports.host
    results = function.map(*box[:1], out=box[1])
    assert results.tolist() == list(range(100))
    del results
    assert [alive() for alive in watched] == [None, None]


def test_a_function_and_a_view_outlive_the_instance() -> None:
    exports = make().exports
    view = memoryview(exports.memory)[:4]
    neg = exports.neg
    del exports
    gc.collect()
    assert neg.map(view).tolist() == [0] * 4


def test_an_instance_is_not_closed_under_a_map() -> None:
    def host(i: int) -> int:
        with pytest.raises(pywasm3.WasmError, match="while a call runs"):
            instance.close()
        return i

    instance = make(host)
    assert instance.exports.host.map(b"\1").tolist() == [1]


def test_a_column_of_too_many_elements_is_an_error(exports: pywasm3.Exports) -> None:
    with pytest.raises((MemoryError, ValueError)):
        exports.neg.map(np.broadcast_to(np.int32(0), 2**60))


def test_buffers_of_vectors_cannot_change_their_size() -> None:
    def host(i: int) -> int:
        for buffer in (data, target):
            with pytest.raises(BufferError):
                buffer.append(1)
        for view in (items, out):
            with pytest.raises(BufferError):
                view.release()
        data[47] += 1
        return i

    data, target = bytearray(range(48)), bytearray(48)
    items, out = (memoryview(buffer).cast("B", (3, 16)) for buffer in (data, target))
    assert make(host).exports.vector.map(items, out=out) is out
    assert target == bytes(range(47)) + bytes([49])  # after two calls


def test_arrays_of_objects_are_not_overwritten(exports: pywasm3.Exports) -> None:
    """What a guest returns must not become the address of an object."""
    for dtype, shape in ((object, (3, 2)), ("i8,O", 3), ([("x", "O", 2)], 3)):
        out = np.empty(shape, dtype)
        with pytest.raises(TypeError, match=r"out \(v128\): the items are objects"):
            exports.vector.map(np.ones((3, 2)), out=out)
        assert str(out) == str(np.empty_like(out))


def test_a_column_of_too_many_vectors_is_an_error(exports: pywasm3.Exports) -> None:
    many = np.broadcast_to(np.zeros(1, "V16"), 2**58)
    for column in (many, memoryview(many)):
        with pytest.raises((MemoryError, ValueError, OverflowError)):
            exports.vector.map(column)
