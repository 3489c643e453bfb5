# SPDX-License-Identifier: MIT
"""Function.map takes arrays of vectors: 16 bytes for each index of the first dimension.

The expected results are those of a loop of single calls, or of numpy.
"""

from __future__ import annotations

import ctypes
from array import array
from typing import Any

import numpy as np
import pytest

import pywasm3
from helpers import load
from pywasm3 import v128

A, B, C = bytes(range(16)), bytes(range(100, 116)), bytes(range(240, 256))
ABC = A + B + C

TEXT = """
(module
  (memory (export "memory") 1)
  (func (export "id") (param v128) (result v128) local.get 0)
  (func (export "add") (param v128 v128) (result v128) local.get 0 local.get 1 f32x4.add)
  (func (export "first") (param v128) (result i32) local.get 0 i32x4.extract_lane 0)
  (func (export "splat") (param i32) (result v128) local.get 0 i32x4.splat)
  (func (export "shift") (param v128 i32) (result v128) local.get 0 local.get 1 i8x16.shl)
  (func (export "next") (result v128) (global.set $n (i64.add (global.get $n) (i64.const 1)))
    (i64x2.splat (global.get $n)))
  (global $n (export "n") (mut i64) (i64.const 0))
  (func (export "take") (param v128)
    (global.set $n (i64.add (global.get $n) (i64x2.extract_lane 1 (local.get 0)))))
  (func (export "mixed") (param i32 v128 f64) (result f64 v128 i32 v128)
    local.get 2 local.get 1 local.get 0 (i32x4.splat (local.get 0)))
  (func (export "both") (param v128 v128) (result v128 v128) local.get 1 local.get 0)
  (func (export "odd") (param v128) (result v128) local.get 0
    (if (i32.eqz (i8x16.extract_lane_u 0 (local.get 0))) (then unreachable))))
"""


@pytest.fixture
def exports() -> pywasm3.Exports:
    return load(TEXT).exports


def vectors(data: bytes = ABC) -> memoryview:
    return memoryview(data).cast("B", (len(data) // 16, 16))


# ---- which arrays there are ----


@pytest.mark.parametrize(
    "items",
    [
        vectors(),
        memoryview(ABC).cast("I", (3, 4)),
        memoryview(bytearray(ABC)).cast("d", (3, 2)),
        memoryview(ABC).cast("B", (3, 4, 4)),
        np.frombuffer(ABC, "V16"),
        np.frombuffer(ABC, [("x", "<f8"), ("y", "<f8")]),
        np.frombuffer(ABC, np.complex128),
        np.frombuffer(ABC, np.float32).reshape(3, 4),
        np.frombuffer(ABC, np.uint8).reshape(3, 2, 8),
        np.frombuffer(ABC, np.int64).reshape(3, 2, 1),
        np.frombuffer(A * 2 + B * 2 + C * 2, np.uint8).reshape(3, 2, 16)[:, ::2],
        ((ctypes.c_ubyte * 16) * 3).from_buffer_copy(ABC),
    ],
)
def test_arrays_have_16_bytes_for_each_element(exports: pywasm3.Exports, items: Any) -> None:
    assert bytes(exports.id.map(items)) == ABC


@pytest.mark.parametrize(
    "items",
    [
        ABC,
        array("d", [1, 2, 3, 4]),
        np.zeros((3, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((3, 8), np.float32)[:, ::2],
        np.zeros((4, 3), np.float32).T,
        np.zeros((3, 4), np.float32)[:, ::-1],
        np.zeros(3, "V15"),
        np.zeros(3, "V0"),
        np.zeros((3, 2), object),
        np.zeros(3, "O,i8"),
        np.lib.stride_tricks.as_strided(np.zeros(16, np.uint8), (3, 16), (16, 0)),
    ],
)
def test_other_arrays_are_an_error(exports: pywasm3.Exports, items: Any) -> None:
    with pytest.raises(TypeError, match=r"id: parameter 0 \(v128\): "):
        exports.id.map(items)
    with pytest.raises(TypeError, match=r"out \(v128\): "):
        exports.next.map(out=items if not isinstance(items, bytes) else bytearray(items))


def test_names_of_fields_are_not_taken_for_objects(exports: pywasm3.Exports) -> None:
    items = np.frombuffer(ABC, [("O", "<i8"), ("ONO", "<i8")])
    assert bytes(exports.id.map(items)) == ABC


@pytest.mark.parametrize("value", [1, None, "x", [A, B], object()])
def test_what_is_no_buffer_is_an_error(exports: pywasm3.Exports, value: Any) -> None:
    with pytest.raises(TypeError, match=r"add: parameter 1 \(v128\): a bytes-like object"):
        exports.add.map(vectors(), value)


def test_any_strides_of_the_first_dimension_will_do(exports: pywasm3.Exports) -> None:
    assert bytes(exports.id.map(vectors()[::-1])) == C + B + A
    assert bytes(exports.id.map(vectors()[::2])) == A + C
    wide = np.arange(12 * 4, dtype=np.float32).reshape(4, 12)
    assert exports.id.map(wide[:, 4:8]).tobytes() == wide[:, 4:8].tobytes()
    same = np.broadcast_to(np.frombuffer(A, np.float32), (3, 4))
    assert exports.id.map(same).tobytes() == A * 3


def test_items_need_not_be_aligned(exports: pywasm3.Exports) -> None:
    items, out = memoryview(b"x" + ABC)[1:], memoryview(bytearray(50))
    assert bytes(exports.id.map(items.cast("B", (3, 16)))) == ABC
    exports.id.map(vectors(), out=out[1:49].cast("B", (3, 16)))
    assert bytes(out) == b"\0" + ABC + b"\0"


# ---- one value for all elements ----


@pytest.mark.parametrize(
    "value",
    [
        B,
        v128(B),
        array("f", bytes(B)),
        memoryview(B),
        np.frombuffer(B, np.float32),
        np.frombuffer(B, "V16")[0],
        np.frombuffer(B, np.float32)[::-1][::-1],
    ],
)
def test_16_bytes_are_the_same_for_all_elements(exports: pywasm3.Exports, value: Any) -> None:
    results = exports.both.map(vectors(), value)
    assert [bytes(result) for result in results] == [B * 3, ABC]


def test_one_item_of_16_bytes_is_an_array(exports: pywasm3.Exports) -> None:
    assert bytes(exports.id.map(np.frombuffer(A, "V16"))) == A
    assert bytes(exports.id.map(vectors(A))) == A
    with pytest.raises(ValueError, match="parameter 1 has 1 element, and parameter 0 has 3"):
        exports.add.map(vectors(), vectors(A))


def test_at_least_one_argument_is_an_array(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match="takes at least one array"):
        exports.id.map(A)


def test_a_single_value_of_another_length_is_an_error(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match=r"add: parameter 1 \(v128\): an array is expected"):
        exports.add.map(vectors(), bytes(15))


# ---- results ----


def test_results_are_a_memoryview_of_two_dimensions(exports: pywasm3.Exports) -> None:
    results = exports.id.map(vectors())
    assert (results.shape, results.format, results.readonly) == ((3, 16), "B", False)
    assert results.tolist() == [list(A), list(B), list(C)]


def test_results_are_a_numpy_array_if_an_argument_is_one(exports: pywasm3.Exports) -> None:
    left = np.arange(40, dtype=np.float32).reshape(10, 4)
    results = exports.add.map(left, v128(f32x4=0.5))
    assert (results.shape, results.dtype) == ((10,), np.dtype("V16"))
    assert (results.view(np.float32).reshape(-1, 4) == left + 0.5).all()


def test_no_elements_give_no_results(exports: pywasm3.Exports) -> None:
    for empty in (np.zeros((0, 4), np.float32), np.zeros(0, "V16"), vectors()[:0]):
        results = exports.id.map(empty)
        assert len(results) == 0
        assert exports.id.map(empty, out=results) is results
    assert exports.take.map(np.zeros(0, "V16")) is None
    assert exports.n.value == 0
    assert exports.splat.map(b"").shape == (0, 16)


def test_vectors_and_numbers_are_mixed(exports: pywasm3.Exports) -> None:
    numbers, floats = array("i", [1, -2, 3]), array("d", [0.5, 1.5, 2.5])
    results = exports.mixed.map(numbers, vectors(), floats)
    assert results[0] == floats
    assert bytes(results[1]) == ABC
    assert results[2] == numbers
    assert memoryview(results[3]).cast("B").cast("i").tolist() == [1] * 4 + [-2] * 4 + [3] * 4
    assert exports.first.map(vectors()).tolist() == [exports.first(x) for x in (A, B, C)]
    assert bytes(exports.shift.map(vectors(), b"\1\2\3")) == b"".join(
        [exports.shift(x, i) for x, i in ((A, 1), (B, 2), (C, 3))]
    )


def test_vectors_without_results_or_arguments(exports: pywasm3.Exports) -> None:
    items = np.arange(20, dtype=np.int64).reshape(10, 2)
    assert exports.take.map(items) is None
    assert exports.n.value == items[:, 1].sum()
    exports.n.value = 0
    out = np.zeros((10, 2), np.int64)
    assert exports.next.map(out=out) is out
    assert (out == np.arange(1, 11)[:, None]).all()


def test_out_has_any_shape_that_arguments_have(exports: pywasm3.Exports) -> None:
    for out in (np.zeros(3, "V16"), np.zeros((3, 4), np.float32), np.zeros((3, 2, 4), np.uint16)):
        assert exports.id.map(vectors(), out=out) is out
        assert out.tobytes() == ABC
    wide = np.zeros((3, 8), np.float32)
    exports.id.map(vectors(), out=wide[:, 2:6])
    assert wide[:, 2:6].tobytes() == ABC
    assert not wide[:, :2].any()
    assert not wide[:, 6:].any()


def test_out_of_16_bytes_is_not_an_array(exports: pywasm3.Exports) -> None:
    """It would be one value as an argument, so that it must not be several items here."""
    with pytest.raises(TypeError, match=r"out \(v128\): an array is expected"):
        exports.id.map(vectors(A), out=bytearray(16))
    with pytest.raises(BufferError):
        exports.id.map(vectors(A), out=vectors(A))
    with pytest.raises(ValueError, match="out has 1 element, and parameter 0 has 3"):
        exports.id.map(vectors(), out=vectors(bytearray(16)))


def test_raw_maps_have_the_same_arrays_and_pairs(exports: pywasm3.Exports) -> None:
    assert bytes(exports.id.raw.map(vectors())) == ABC
    results = exports.both.raw.map(vectors(), (1, 2**64 - 1))
    assert bytes(results[0]) == (b"\1" + bytes(7) + b"\xff" * 8) * 3
    with pytest.raises(TypeError, match="a tuple of two ints is expected"):
        exports.both.raw.map(vectors(), A)


# ---- overlaps ----


@pytest.mark.parametrize("shift", range(-64, 80, 8))
@pytest.mark.parametrize("step", [1, -1])
def test_results_that_overlap_arguments_are_as_if_these_were_read_first(
    exports: pywasm3.Exports, shift: int, step: int
) -> None:
    data = bytearray(range(256))
    before = bytes(data)
    items = memoryview(data)[80:160].cast("B", (5, 16))[::step]
    out = memoryview(data)[80 + shift : 160 + shift].cast("B", (5, 16))
    exports.id.map(items, out=out)
    expected = memoryview(before)[80:160].cast("B", (5, 16))[::step].tobytes()
    assert bytes(out) == expected
    assert data[: 80 + shift] == before[: 80 + shift]
    assert data[160 + shift :] == before[160 + shift :]


def test_a_vector_may_overlap_numbers(exports: pywasm3.Exports) -> None:
    data = np.arange(16, dtype=np.int32)
    expected = np.repeat(data[:4], 4)
    exports.splat.map(data[:4], out=data.view("V16"))
    assert (data == expected).all()
    exports.first.map(data.reshape(4, 4), out=data[:4])
    assert data[:4].tolist() == [0, 1, 2, 3]


def test_several_results_must_not_overlap(exports: pywasm3.Exports) -> None:
    data = np.zeros((3, 12), np.float32)
    one, two = data[:, :4], data[:, 4:8]
    assert exports.both.map(vectors(), B, out=(one, two)) == (one, two)
    assert (one.tobytes(), two.tobytes()) == (B * 3, ABC)
    with pytest.raises(ValueError, match="out 0 and out 1 overlap"):
        exports.both.map(vectors(), B, out=(one, data[:, 3:7]))
    exports.both.map(one, two, out=(two, one))
    assert (one.tobytes(), two.tobytes()) == (B * 3, ABC)


# ---- the guest's memory, and traps ----


def test_the_memory_of_the_guest_has_columns(exports: pywasm3.Exports) -> None:
    exports.memory[16:64] = ABC
    column = exports.memory.view("B", 16, 48).cast("B", (3, 16))
    assert bytes(exports.id.map(column)) == ABC
    exports.id.map(column[::-1], out=column)
    assert exports.memory[16:64] == C + B + A


def test_a_trap_leaves_the_results_before_it(exports: pywasm3.Exports) -> None:
    items = vectors(B + C + bytes(16) + B)
    out = memoryview(bytearray(b"x" * 64)).cast("B", (4, 16))
    with pytest.raises(pywasm3.Trap, match="at element 2") as caught:
        exports.odd.map(items, out=out)
    assert caught.value.element == 2
    assert bytes(out) == B + C + b"x" * 32
