# SPDX-License-Identifier: MIT
"""Function.map makes one call for each element of its columns.

The expected results are those of a loop of single calls, or of numpy.
"""

from __future__ import annotations

import ctypes
import pickle
import sys
from array import array
from typing import Any

import numpy as np
import pytest

import pywasm3
from helpers import child, load, wat

TEXT = """
(module
  (import "env" "host" (func $host (param i32) (result i32)))
  (memory (export "memory") 1 4)
  (global $calls (export "calls") (mut i32) (i32.const 0))
  (func $count global.get $calls i32.const 1 i32.add global.set $calls)
  (func (export "tick") call $count)
  (func (export "next") (result i32) call $count global.get $calls)
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "neg") (param i32) (result i32) i32.const 0 local.get 0 i32.sub)
  (func (export "i32") (param i32) (result i32) local.get 0)
  (func (export "i64") (param i64) (result i64) local.get 0)
  (func (export "f32") (param f32) (result f32) local.get 0)
  (func (export "f64") (param f64) (result f64) local.get 0)
  (func (export "both") (param i32 f64) (result f64 i32) local.get 1 local.get 0)
  (func (export "fma") (param f64 f64 f64) (result f64)
    local.get 0 local.get 1 f64.mul local.get 2 f64.add)
  (func (export "ref") (param i32 externref) (result i32) local.get 0)
  (func (export "refs") (param i32) (result externref) ref.null extern)
  (func (export "host") (param i32) (result i32) local.get 0 call $host)
  (func (export "grow") (param i32) (result i32) local.get 0 drop i32.const 1 memory.grow)
  (func (export "poke") (param i32) (result i32)
    i32.const 4 local.get 0 i32.const 1 i32.add i32.store local.get 0)
  (func $deep (export "deep") (param i32) (result i32)
    local.get 0 if (result i32) local.get 0 i32.const 1 i32.sub call $deep else i32.const 7 end))
"""


def make(host: Any = abs, **options: Any) -> pywasm3.Instance:
    return load(TEXT, {"env": {"host": host}}, **options)


@pytest.fixture
def exports() -> pywasm3.Exports:
    return make().exports


# ---- results ----


def test_results_are_an_array(exports: pywasm3.Exports) -> None:
    results = exports.add.map(array("i", [1, 2, 3]), array("i", [10, 20, 30]))
    assert results == array("i", [11, 22, 33])
    assert results.typecode == "i"


@pytest.mark.parametrize(("name", "code"), [("i32", "i"), ("i64", "q"), ("f32", "f"), ("f64", "d")])
def test_each_type_has_its_array(exports: pywasm3.Exports, name: str, code: str) -> None:
    results = exports[name].map(array(code, [1, -2]))
    assert results == array(code, [1, -2])
    assert results.typecode == code


def test_a_number_is_the_same_for_all_elements(exports: pywasm3.Exports) -> None:
    assert exports.add.map(b"\1\2", -1).tolist() == [0, 1]
    assert exports.fma.map(2, array("d", [1, 2]), 0.5).tolist() == [2.5, 4.5]


def test_several_results_are_several_arrays(exports: pywasm3.Exports) -> None:
    results = exports.both.map(array("i", [1, 2]), array("d", [0.5, 1.5]))
    assert results == (array("d", [0.5, 1.5]), array("i", [1, 2]))


def test_no_results_are_none(exports: pywasm3.Exports) -> None:
    calls = load(
        """(module (global $g (export "g") (mut i32) (i32.const 0))
        (func (export "f") (param i32) global.get $g local.get 0 i32.add global.set $g))"""
    ).exports
    assert calls.f.map(bytes(range(10))) is None
    assert calls.g.value == 45


def test_no_elements_make_no_calls(exports: pywasm3.Exports) -> None:
    assert exports.div.map(b"", 0) == array("i")
    assert exports.both.map(b"", array("d")) == (array("d"), array("i"))


def test_elements_are_called_in_order(exports: pywasm3.Exports) -> None:
    out = array("i", bytes(40))
    assert exports.next.map(out=out) is out
    assert out.tolist() == list(range(1, 11))


def test_numpy_arrays_give_numpy_arrays(exports: pywasm3.Exports) -> None:
    results = exports.add.map(np.arange(3, dtype=np.int32), b"\1\1\1")
    assert isinstance(results, np.ndarray)
    assert results.dtype == np.int32
    assert results.tolist() == [1, 2, 3]
    two = exports.both.map(b"\1", np.ones(1))
    assert [type(a) for a in two] == [np.ndarray, np.ndarray]


def test_numpy_is_not_needed() -> None:
    child(
        """
        import sys
        from array import array
        f = pywasm3.load(WASM).exports.f
        sys.modules["numpy"] = None
        assert f.map(array("i", [1])) == array("i", [1])
        del sys.modules["numpy"]
        assert f.map(array("i", [1])) == array("i", [1])
        assert "numpy" not in sys.modules
        """,
        WASM=wat('(module (func (export "f") (param i32) (result i32) local.get 0))'),
    )


def test_scalars_of_numpy_are_numbers(exports: pywasm3.Exports) -> None:
    assert exports.add.map(array("i", [1]), np.int32(2)) == array("i", [3])
    assert exports.f64.map(array("d", [1]), out=array("d", [0])).tolist() == [1]
    assert exports.fma.map(np.float32(0.5), np.float64(2), array("d", [1])).tolist() == [2]
    assert exports.add.map(array("i", [1]), np.array(2)) == array("i", [3])


def test_raw_functions_have_bit_patterns(exports: pywasm3.Exports) -> None:
    patterns = array("I", [0x7FA00001, 0xFFC00000, 0x3F800000])
    results = exports.f32.raw.map(patterns)
    assert results == patterns
    assert results.typecode == "I"
    wide = array("Q", [0x7FF4000000000001])
    assert exports.f64.raw.map(wide) == wide
    with pytest.raises(TypeError, match=r"parameter 0 \(f32\): items of format 'f' and itemsize 4"):
        exports.f32.raw.map(array("f", [1]))


def test_floats_keep_their_bits(exports: pywasm3.Exports) -> None:
    """A signalling NaN is used, because it would not survive as a float of Python."""
    patterns = array("I", [0x7FA00001])
    floats = memoryview(patterns).cast("B").cast("f")
    assert bytes(exports.f32.map(floats)) == bytes(patterns)


# ---- items and their types ----

INTEGERS = "?bBhHiIlLqQ"
WIDTH = {"i32": 4, "f32": 4, "i64": 8, "f64": 8}


@pytest.mark.parametrize("type_", ["i32", "i64"])
@pytest.mark.parametrize("code", INTEGERS)
def test_integer_items_are_taken_if_all_their_values_fit(
    exports: pywasm3.Exports, type_: str, code: str
) -> None:
    dtype = np.dtype(code)
    items = np.array([0, 1, 1], dtype) if code == "?" else extremes(dtype)
    if dtype.itemsize > WIDTH[type_]:
        with pytest.raises(TypeError, match="do not all fit"):
            exports[type_].map(items)
    else:
        assert exports[type_].map(items).tolist() == [exports[type_](int(i)) for i in items]


def extremes(dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    info = np.iinfo(dtype)
    return np.array([info.min, info.max, 0, 1], dtype)


@pytest.mark.parametrize("type_", ["f32", "f64"])
@pytest.mark.parametrize("code", INTEGERS)
def test_floats_take_the_integers_that_they_can_hold(
    exports: pywasm3.Exports, type_: str, code: str
) -> None:
    dtype = np.dtype(code)
    items = np.array([0, 1, 1], dtype) if code == "?" else extremes(dtype)
    if dtype.itemsize * 2 > WIDTH[type_]:
        with pytest.raises(TypeError, match="do not all fit"):
            exports[type_].map(items)
    else:
        assert exports[type_].map(items).tolist() == [float(i) for i in items]


def test_f32_items_become_f64_and_not_the_other_way_round(exports: pywasm3.Exports) -> None:
    assert exports.f64.map(array("f", [1.5, -0.0, float("inf")])).tolist() == [1.5, 0, float("inf")]
    with pytest.raises(TypeError, match="do not all fit"):
        exports.f32.map(array("d", [1.5]))
    for type_ in ("i32", "i64"):
        with pytest.raises(TypeError, match="do not all fit"):
            exports[type_].map(array("f", [1]))


def test_any_byte_but_zero_is_true(exports: pywasm3.Exports) -> None:
    assert exports.i32.map(memoryview(b"\0\1\2\xff").cast("?")).tolist() == [0, 1, 1, 1]
    assert exports.f64.map(memoryview(b"\0\2").cast("?")).tolist() == [0, 1]


FOREIGN = ">" if sys.byteorder == "little" else "<"


def test_another_byte_order_is_refused(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match="another byte order"):
        exports.i32.map(np.zeros(2, f"{FOREIGN}i4"))
    with pytest.raises(TypeError, match="another byte order"):
        exports.i32.map(b"", out=np.zeros(0, f"{FOREIGN}i4"))
    assert exports.i32.map(np.ones(2, ">i1")).tolist() == [1, 1]
    own = "<" if FOREIGN == ">" else ">"
    assert exports.i32.map(np.ones(2, f"{own}i4")).tolist() == [1, 1]


@pytest.mark.parametrize(
    "items",
    [
        np.zeros(2, np.float16),
        np.zeros(2, np.complex64),
        np.zeros(2, np.longdouble),
        np.zeros(2, "S4"),
        np.zeros(2, [("a", "i4")]),
        np.zeros(2, [("a", "i2"), ("b", "i2")]),
        memoryview(b"abcd").cast("c"),
        (ctypes.c_void_p * 2)(),
    ],
    ids=lambda items: memoryview(items).format,
)
def test_items_that_are_not_numbers_of_a_known_format_are_refused(
    exports: pywasm3.Exports, items: Any
) -> None:
    for name in ("i32", "i64", "f32", "f64"):
        with pytest.raises(TypeError, match=rf"^{name}: parameter 0 \({name}\): items of format"):
            exports[name].map(items)


def test_arrays_of_ctypes_are_columns(exports: pywasm3.Exports) -> None:
    assert exports.i32.map((ctypes.c_int32 * 3)(1, -2, 3)).tolist() == [1, -2, 3]
    assert exports.i64.map((ctypes.c_long * 2)(1, -2)).tolist() == [1, -2]
    assert exports.f64.map((ctypes.c_double * 2)(1, -2)).tolist() == [1, -2]


def test_an_argument_must_be_a_number_or_a_buffer(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match=r"^add: parameter 1 \(i32\): 'list' object is neither"):
        exports.add.map(b"ab", [1, 2])
    with pytest.raises(TypeError, match=r"^add: parameter 0 \(i32\): 'str' object is neither"):
        exports.add.map("ab", b"ab")
    with pytest.raises(TypeError, match=r"^add: parameter 0 \(i32\): 'float' object cannot be"):
        exports.add.map(1.5, b"ab")


def test_a_number_out_of_range_is_an_overflow(exports: pywasm3.Exports) -> None:
    with pytest.raises(OverflowError, match=r"^add: parameter 1 \(i32\)"):
        exports.add.map(b"ab", 2**32)


def test_functions_with_references_cannot_be_mapped(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match="parameter 1 is a reference"):
        exports.ref.map(b"a", None)
    with pytest.raises(TypeError, match="result 0 is a reference"):
        exports.refs.map(b"a")


def test_a_wrong_number_of_arguments_is_refused(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match=r"^add.map\(\) takes 2 arguments but 1 was given"):
        exports.add.map(b"a")
    with pytest.raises(TypeError, match="takes 1 argument but 2 were given"):
        exports.neg.map(b"a", b"b")
    with pytest.raises(TypeError, match="unexpected keyword argument 'into'"):
        exports.neg.map(b"a", into=None)


def test_without_an_array_the_number_of_calls_is_not_known(exports: pywasm3.Exports) -> None:
    for call in (exports.tick.map, exports.next.map, lambda: exports.add.map(1, 2)):
        with pytest.raises(TypeError, match="at least one array"):
            call()


def test_lengths_must_agree(exports: pywasm3.Exports) -> None:
    with pytest.raises(ValueError, match="parameter 1 has 1 element, and parameter 0 has 2"):
        exports.add.map(b"ab", b"a")
    with pytest.raises(ValueError, match="out has 3 elements, and parameter 1 has 2"):
        exports.add.map(1, b"ab", out=array("i", [0, 0, 0]))


def test_several_dimensions_are_refused(exports: pywasm3.Exports) -> None:
    grid = np.zeros((2, 3), np.int32)
    with pytest.raises(ValueError, match=r"^add: parameter 0 has 2 dimensions"):
        exports.add.map(grid, 1)
    with pytest.raises(ValueError, match=r"^add: out has 2 dimensions"):
        exports.add.map(bytes(6), 1, out=grid)
    with pytest.raises(ValueError, match=r"^both: out 1 has 2 dimensions"):
        exports.both.map(bytes(6), 1, out=(np.zeros(6), grid))
    assert exports.add.map(grid.reshape(-1), 1).tolist() == [1] * 6


# ---- strides ----


def test_columns_may_have_any_strides(exports: pywasm3.Exports) -> None:
    items = np.arange(20, dtype=np.int32)
    assert exports.neg.map(items[::3]).tolist() == (-items[::3]).tolist()
    assert exports.neg.map(items[::-2]).tolist() == (-items[::-2]).tolist()
    assert exports.neg.map(np.broadcast_to(np.int32(3), 4)).tolist() == [-3] * 4
    assert exports.neg.map(memoryview(array("i", range(6)))[::2]).tolist() == [0, -2, -4]
    table = np.array([(1, 2.5), (3, 4.5)], [("i", "<i4"), ("d", "<f8")])
    assert [a.tolist() for a in exports.both.map(table["i"], table["d"])] == [[2.5, 4.5], [1, 3]]


def test_items_need_not_be_aligned(exports: pywasm3.Exports) -> None:
    data = bytearray(b"x" + array("q", [1, -2]).tobytes())
    items = np.frombuffer(data, np.int64, offset=1)
    assert exports.i64.map(items, out=items) is items
    assert items.tolist() == [1, -2]


def test_results_may_have_strides(exports: pywasm3.Exports) -> None:
    out = np.zeros(6, np.int32)
    exports.neg.map(b"\1\2\3", out=out[::-2])
    assert out.tolist() == [0, -3, 0, -2, 0, -1]


# ---- out ----


def test_out_is_filled_and_returned(exports: pywasm3.Exports) -> None:
    out = array("i", [0, 0])
    assert exports.add.map(b"\1\2", 1, out=out) is out
    assert out.tolist() == [2, 3]
    target = bytearray(8)
    assert exports.add.map(b"\1\2", 1, out=memoryview(target).cast("i")).tolist() == [2, 3]


def test_several_results_take_a_tuple_for_out(exports: pywasm3.Exports) -> None:
    out = array("d", [0]), array("i", [0])
    assert exports.both.map(b"\1", 2.5, out=out) is out
    assert out == (array("d", [2.5]), array("i", [1]))


def test_results_have_the_bits_of_either_sign(exports: pywasm3.Exports) -> None:
    assert exports.neg.map(b"\1", out=array("I", [0])).tolist() == [2**32 - 1]
    assert exports.i64.map(array("q", [-1]), out=array("Q", [0])).tolist() == [2**64 - 1]


@pytest.mark.parametrize("out", [array("q", [0]), array("h", [0]), array("f", [0]), bytearray(1)])
def test_out_has_the_width_of_the_results(exports: pywasm3.Exports, out: Any) -> None:
    with pytest.raises(TypeError, match=r"^neg: out \(i32\): items of format '.' and itemsize \d"):
        exports.neg.map(b"a", out=out)
    with pytest.raises(TypeError, match=r"^both: out 1 \(i32\)"):
        exports.both.map(b"a", 1, out=(array("d", [0]), out))


def test_wider_items_cannot_take_results(exports: pywasm3.Exports) -> None:
    """The same columns can be arguments, because every value of their items fits the parameter."""
    for name, out in (("i64", "I"), ("f64", "f"), ("f64", "i"), ("f32", "h"), ("f32", "d")):
        with pytest.raises(TypeError, match="cannot take such results"):
            exports[name].map(b"a", out=array(out, [0]))


def test_out_must_be_one_writable_buffer_for_each_result(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match=r"^neg: out \(i32\)"):
        exports.neg.map(b"a", out=[0])
    with pytest.raises(BufferError):
        exports.neg.map(b"a", out=memoryview(b"abcd").cast("i"))
    with pytest.raises(TypeError, match="out must be a tuple of 2 buffers"):
        exports.both.map(b"a", 1, out=array("d", [0]))
    with pytest.raises(TypeError, match="out must be a tuple of 2 buffers"):
        exports.both.map(b"a", 1, out=(array("d", [0]),))
    with pytest.raises(TypeError, match="there are no results for out"):
        exports.tick.map(out=bytearray(4))


# ---- overlaps ----


def test_out_may_be_an_argument(exports: pywasm3.Exports) -> None:
    items = array("i", [1, 2, 3])
    assert exports.add.map(items, items, out=items).tolist() == [2, 4, 6]
    numbers = np.arange(6, dtype=np.int32)
    exports.neg.map(numbers[::-2], out=numbers[::-2])
    assert numbers.tolist() == [0, -1, 2, -3, 4, -5]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (np.s_[:-1], np.s_[1:]),
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:], np.s_[::-1]),
        (np.s_[::2], np.s_[: 100 // 2]),
        (np.s_[: 100 // 2], np.s_[::2]),
    ],
)
def test_arguments_are_as_if_read_before_all_results(
    exports: pywasm3.Exports, source: slice, target: slice
) -> None:
    items = np.arange(100, dtype=np.int32)
    expected = items.copy()
    expected[target] = -expected[source].copy()
    exports.neg.map(items[source], out=items[target])
    assert items.tolist() == expected.tolist()


def test_narrow_items_may_lie_where_their_results_go(exports: pywasm3.Exports) -> None:
    data = bytearray(array("i", [0x04030201, 0x08070605]).tobytes())
    whole = memoryview(data).cast("i")
    exports.neg.map(memoryview(data)[:2], out=whole)
    assert whole.tolist() == [-1, -2]
    pairs = bytearray(range(1, 9))
    halves = np.frombuffer(pairs, np.int16)[:2]
    expected = (-halves.astype(int)).tolist()
    assert exports.neg.map(halves, out=memoryview(pairs).cast("i")).tolist() == expected


def test_items_may_overlap_each_other(exports: pywasm3.Exports) -> None:
    data = np.arange(1, 5, dtype=np.int32)
    twins = np.lib.stride_tricks.as_strided(data, (3,), (2,))
    expected = [-int(i) for i in twins]
    assert exports.neg.map(twins).tolist() == expected
    one = np.lib.stride_tricks.as_strided(data, (4,), (0,))
    exports.neg.map(one, out=one)
    assert data.tolist() == [-1, 2, 3, 4]


def test_results_must_not_overlap(exports: pywasm3.Exports) -> None:
    swap = load(
        """(module (func (export "swap") (param i32 i32) (result i32 i32)
        local.get 1 local.get 0))"""
    ).exports.swap
    items = array("i", range(4))
    view = memoryview(items)
    with pytest.raises(ValueError, match="out 0 and out 1 overlap"):
        swap.map(view[:3], 1, out=(view[:3], view[1:]))
    first, second = view[:2], view[2:]
    swap.map(first, second, out=(first, second))
    assert items.tolist() == [2, 3, 0, 1]


def test_results_may_be_columns_of_one_table(exports: pywasm3.Exports) -> None:
    """The items of several columns lie between each other; no argument is copied for that."""
    table = np.zeros(3, [("i", "<i4"), ("d", "<f8"), ("j", "<i4")])
    table["j"] = [1, 2, 3]
    exports.both.map(table["j"], 0.5, out=(table["d"], table["i"]))
    assert table.tolist() == [(1, 0.5, 1), (2, 0.5, 2), (3, 0.5, 3)]
    exports.both.map(table["j"], 2, out=(table["d"][::-1], table["i"]))
    assert table["d"].tolist() == [2] * 3
    with pytest.raises(ValueError, match="out 0 and out 1 overlap"):
        halves = np.ndarray((3,), "<i4", table.view(np.uint8), 8, (16,))
        exports.both.map(table["j"], 2, out=(table["d"], halves))

    def host(i: int) -> int:
        table["j"][2] = 99
        return i

    assert make(host).exports.host.map(table["j"], out=table["i"]).tolist() == [1, 2, 99]


# ---- buffers while the call runs ----


def test_an_exporter_may_leave_out_the_strides(exports: pywasm3.Exports) -> None:
    """ctypes gives no strides, although they are asked for."""
    items = (ctypes.c_int32 * 3)(1, 2, 3)
    assert exports.neg.map(items, out=items) is items
    assert list(items) == [-1, -2, -3]
    assert exports.neg.map((ctypes.c_int32 * 0)()).tolist() == []


def test_buffers_are_released_after_an_error(exports: pywasm3.Exports) -> None:
    items, out = bytearray(3), array("i", [1, 1, 1])
    for call in (
        lambda: exports.div.map(items, 0, out=out),
        lambda: exports.div.map(items, "", out=out),
        lambda: exports.add.map(items, b"ab", out=out),
        lambda: exports.both.map(items, 1, out=(out, out)),
        lambda: exports.add.map(items, items[:2], out=out),
    ):
        with pytest.raises((pywasm3.Trap, TypeError, ValueError)):
            call()
        items.append(1)
        items.pop()
        out.append(1)
        out.pop()


def test_items_are_read_when_their_turn_comes() -> None:
    def host(i: int) -> int:
        if i == 1:
            items[0], items[1] = 99, 11
        return i

    items = array("i", [1, 2, 3])
    assert make(host).exports.host.map(items).tolist() == [1, 11, 3]


# ---- views of linear memory ----


def test_columns_may_be_views_of_the_memory_of_the_guest() -> None:
    instance = make()
    items = instance.memory.view("i", 0, 8)
    items[:] = memoryview(array("i", range(8)))
    out = instance.memory.view("i", 64, 8)
    instance.exports.neg.map(items, out=out)
    assert out.tolist() == [-i for i in range(8)]


@pytest.mark.buffers
def test_the_memory_may_grow_while_a_map_reads_it() -> None:
    instance = make()
    items = memoryview(instance.memory)[:6]
    assert instance.exports.grow.map(items).tolist() == [1, 2, 3, -1, -1, -1]
    assert instance.memory.pages == 4
    assert len(items) == 6


def test_the_guest_may_write_its_next_argument() -> None:
    instance = make()
    items = instance.memory.view("i", 0, 3)
    items[:] = memoryview(array("i", [5, 0, 9]))
    assert instance.exports.poke.map(items).tolist() == [5, 6, 9]


# ---- failures ----


def test_a_trap_says_at_which_element(exports: pywasm3.Exports) -> None:
    out = array("i", [9, 9, 9, 9])
    with pytest.raises(pywasm3.Trap) as caught:
        exports.div.map(12, b"\1\2\0\3", out=out)
    trap = caught.value
    assert (trap.kind, trap.element) == (pywasm3.TrapKind.DIVIDE_BY_ZERO, 2)
    assert str(trap).startswith("[trap] integer divide by zero, at element 2\n  at div")
    assert [frame.name for frame in trap.frames] == ["div"]
    assert out.tolist() == [12, 6, 9, 9]


def test_other_traps_have_no_element(exports: pywasm3.Exports) -> None:
    with pytest.raises(pywasm3.Trap) as caught:
        exports.div(1, 0)
    assert caught.value.element is None
    assert "element" not in str(caught.value)


def test_the_element_is_pickled(exports: pywasm3.Exports) -> None:
    with pytest.raises(pywasm3.Trap) as caught:
        exports.div.map(12, b"\1\0")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.element, str(again)) == (1, str(caught.value))


def test_the_exception_of_a_host_function_has_a_note() -> None:
    error = LookupError("no")

    def host(i: int) -> int:
        if i == 3:
            raise error
        return i

    with pytest.raises(LookupError) as caught:
        make(host).exports.host.map(bytes(range(5)))
    assert caught.value is error
    frames, element = error.__notes__
    assert "at host" in frames
    assert element == "at element 3 of map()"


def test_a_trap_of_another_call_keeps_its_own_element() -> None:
    """The trap of an inner map comes out of the host function that made the inner map."""

    def host(i: int) -> int:
        return int(inner[i].map(12, b"\1\2\3\0")[0]) if i else 0

    instance = make(host)
    inner = [None, instance.exports.div, instance.exports.div.bind()]
    for i in (1, 2):
        with pytest.raises(pywasm3.Trap) as caught:
            instance.exports.host.map(bytes([0, 0, i]))
        assert caught.value.element == 3
        assert [frame.name for frame in caught.value.frames] == ["div"]
        assert caught.value.__notes__[-1] == "at element 2 of map()"


def test_a_trap_of_a_call_of_the_host_has_no_element() -> None:
    instance = make(lambda i: instance.exports.div(1, i))
    with pytest.raises(pywasm3.Trap) as caught:
        instance.exports.host.map(b"\1\0")
    assert caught.value.element is None
    assert caught.value.__notes__[-1] == "at element 1 of map()"


def test_stack_exhaustion_names_the_element(exports: pywasm3.Exports) -> None:
    with pytest.raises(pywasm3.StackExhausted) as caught:
        exports.deep.map(array("i", [3, 10_000_000, 3]))
    assert caught.value.element == 1
    assert exports.deep.map(b"\3").tolist() == [7]


def test_a_function_of_a_closed_store_cannot_be_mapped() -> None:
    instance = make()
    function = instance.exports.add
    instance.close()
    with pytest.raises(pywasm3.WasmError, match="closed"):
        function.map(b"a", 1)


def test_maps_may_nest() -> None:
    def host(i: int) -> int:
        return sum(instance.exports.neg.map(bytes(range(i))))

    instance = make(host)
    assert instance.exports.host.map(b"\0\1\2\3\4").tolist() == [0, 0, -1, -3, -6]


# ---- shapes of functions ----


def test_imports_that_are_exported_again_can_be_mapped() -> None:
    """The functions are imports that are exported again, from the host or another instance.

    Tail calls lead to them, too.
    """

    def host(i: int) -> int:
        if i == 9:
            raise KeyError(i)
        return i + 1

    text = """(module (import "env" "f" (func $f (param i32) (result i32)))
      (export "f" (func $f))
      (func $loop (export "loop") (param i32 i32) (result i32)
        local.get 0 if (result i32)
          local.get 0 i32.const 1 i32.sub local.get 1 i32.const 2 i32.add return_call $loop
        else local.get 1 return_call $f end))"""
    first = load(text, {"env": {"f": host}})
    second = load(text, {"env": {"f": first.exports.f}})
    for exports in (first.exports, second.exports):
        assert exports.f.map(b"\1\2").tolist() == [2, 3]
        assert exports.loop.map(array("i", [0, 50_000]), b"\1\2").tolist() == [2, 100_003]
        with pytest.raises(KeyError) as caught:
            exports.f.map(b"\1\2\11")
        assert caught.value.__notes__[-1] == "at element 2 of map()"


@pytest.mark.parametrize("params", [0, 1, 2, 3, 17, 100])
@pytest.mark.parametrize("results", [0, 1, 2, 17])
def test_functions_may_have_any_number_of_parameters_and_results(params: int, results: int) -> None:
    types = ["i32", "i64", "f64"]
    text = f"""(module (global $n (export "n") (mut i32) (i32.const 0)) (func (export "f")
      (param {" ".join(types[i % 3] for i in range(params))})
      (result {" ".join("i64" for _ in range(results))})
      global.get $n i32.const 1 i32.add global.set $n
      {" ".join(f"i64.const {i}" for i in range(results))}
      {"drop" if params and results else ""}
      {f"local.get {(params - 1) // 3 * 3} i64.extend_i32_s" if params and results else ""}))"""
    exports = load(text).exports
    arrays: list[Any] = [array("iqd"[i % 3], [i, i + 1, i + 2]) for i in range(params)]
    out: Any = tuple(array("q", [0, 0, 0]) for _ in range(results))
    if results == 1:
        out = out[0]
    if not params and not results:
        return
    got = exports.f.map(*arrays, **({"out": out} if results else {}))
    assert exports.n.value == 3
    if not results:
        assert got is None
        return
    columns = [got] if results == 1 else list(got)
    last = (params - 1) // 3 * 3
    for i, column in enumerate(columns):
        is_last = params and i == results - 1
        assert column.tolist() == ([last, last + 1, last + 2] if is_last else [i] * 3)
