# SPDX-License-Identifier: MIT
"""`Function.map` gives what a loop of calls gives, on random arrays.

The arrays have random item types, strides and addresses, and may overlap each other. The expected
values come from calling the same function in a loop in Python, or from a model in Python that is
part of the test.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pywasm3
from helpers import load

EXPORTS = load("""
(module
  (func (export "i32") (param i32 i32) (result i32)
    local.get 0 i32.const 31 i32.mul local.get 1 i32.sub)
  (func (export "i64") (param i64 i64) (result i64)
    local.get 0 i64.const 31 i64.mul local.get 1 i64.sub)
  (func (export "f32") (param f32 f32) (result f32) local.get 0 local.get 1 f32.sub)
  (func (export "f64") (param f64 f64) (result f64) local.get 0 local.get 1 f64.sub)
  (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "both") (param i32 f64) (result f64 i32) local.get 1 local.get 0)
  (func (export "many") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    local.get 3 local.get 2 local.get 1 local.get 0))
""").exports

RESULT = {"i32": "i4", "i64": "i8", "f32": "f4", "f64": "f8"}
# The item types whose values always fit a parameter of a type: the table of docs/bulk.md.
ITEMS = {
    "i32": ["?", "i1", "u1", "i2", "u2", "i4", "u4"],
    "i64": ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"],
    "f32": ["?", "i1", "u1", "i2", "u2", "f4"],
    "f64": ["?", "i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"],
}


@st.composite
def arrays(draw: Any, type_: str, length: int) -> Any:
    """An array of items that fit, at a random offset and with a random stride; or one number."""
    dtype = np.dtype(draw(st.sampled_from(ITEMS[type_])))
    if draw(st.integers(0, 9)) == 0:
        number = np.frombuffer(draw(st.binary(min_size=8, max_size=8)), dtype)[0]
        return bool(number) if dtype.kind == "b" else number.item()
    step = draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
    offset = draw(st.integers(0, 7))
    size = length * abs(step) * dtype.itemsize
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    data = random.integers(0, 256, offset + size, np.uint8)
    if dtype.kind == "b":
        data &= 1
    items = data[offset:].view(dtype)[::step]
    return items[:length]


def values(argument: Any, length: int) -> list[Any]:
    """The elements of an argument as Python values; a number stands for equal elements."""
    return argument.tolist() if isinstance(argument, np.ndarray) else [argument] * length


def bits(results: Any) -> bytes:
    """The bytes of results, with all NaNs made equal.

    Python's conversions between f32 and f64 make NaNs quiet, and those of map() do not.
    """
    array = np.array(results)
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), np.nan, array)
    return array.tobytes()


@given(st.data(), st.sampled_from(sorted(RESULT)), st.integers(0, 40))
def test_results_are_those_of_a_loop(data: Any, type_: str, length: int) -> None:
    function = EXPORTS[type_]
    first, second = data.draw(arrays(type_, length)), data.draw(arrays(type_, length))
    if not isinstance(first, np.ndarray) and not isinstance(second, np.ndarray):
        second = np.zeros(length, RESULT[type_])
    with np.errstate(all="ignore"):
        expected = [
            function(a, b)
            for a, b in zip(values(first, length), values(second, length), strict=True)
        ]
        got = function.map(first, second)
        assert got.dtype == RESULT[type_]
        assert bits(got) == bits(np.array(expected, RESULT[type_]))
        assert bits(
            function.bind(1).map(second if isinstance(second, np.ndarray) else got)
        ) == bits(
            np.array(
                [
                    function(1, b)
                    for b in (second if isinstance(second, np.ndarray) else got).tolist()
                ],
                RESULT[type_],
            )
        )


@given(st.data(), st.integers(0, 20))
def test_several_results_are_those_of_a_loop(data: Any, length: int) -> None:
    given_ = [data.draw(arrays(type_, length)) for type_ in ("i32", "i64", "f32", "f64")]
    out = tuple(np.zeros(length, RESULT[t]) for t in ("f64", "f32", "i64", "i32"))
    assert EXPORTS.many.map(*given_, out=out) is out
    rows = zip(*(values(column, length) for column in given_), strict=True)
    expected = [EXPORTS.many(*row) for row in rows]
    for i, column in enumerate(out):
        assert bits(column) == bits(np.array([row[i] for row in expected], column.dtype))


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(-100, 100))
def test_a_trap_comes_at_the_element_where_a_loop_has_it(divisors: list[int], value: int) -> None:
    items, out = np.array(divisors, np.int32), np.full(len(divisors), 77, np.int32)
    done = []
    for divisor in divisors:
        try:
            done.append(EXPORTS.div(value, divisor))
        except pywasm3.Trap as expected:
            with pytest.raises(pywasm3.Trap) as caught:
                EXPORTS.div.map(value, items, out=out)
            assert caught.value.element == len(done)
            assert caught.value.kind is expected.kind
            assert caught.value.frames == expected.frames
            break
    else:
        EXPORTS.div.map(value, items, out=out)
    assert out.tolist() == done + [77] * (len(divisors) - len(done))


@st.composite
def slices(draw: Any) -> slice:
    step = draw(st.sampled_from([1, 2, 3, -1, -2, -3]))
    start = draw(st.integers(12, 27))
    return slice(start, start + 4 * step, step)


@settings(max_examples=300)
@given(slices(), slices(), slices())
def test_arguments_are_as_if_read_before_all_results(
    first: slice, second: slice, to: slice
) -> None:
    """If arguments and results overlap, a map gives what it gives with copied arguments."""
    data = np.arange(1000, 1040, dtype=np.int32)
    expected = data.copy()
    expected[to] = EXPORTS.i32.map(data[first].copy(), data[second].copy())
    EXPORTS.i32.map(data[first], data[second], out=data[to])
    assert data.tolist() == expected.tolist()


@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=2),
    st.integers(1, 16),
    st.lists(st.sampled_from([1, -1]), min_size=2, max_size=2),
    st.integers(1, 5),
)
def test_results_are_refused_just_where_they_share_bytes(
    starts: list[int], distance: int, signs: list[int], length: int
) -> None:
    data = np.zeros(200, np.uint8)
    outs, places = [], []
    for start, sign, dtype in zip(starts, signs, (np.dtype("f8"), np.dtype("i4")), strict=True):
        first = 80 + start
        outs.append(np.ndarray((length,), dtype, data, first, (sign * distance,)))
        ends = sorted((first, first + (length - 1) * sign * distance))
        places.append(
            {
                first + i * sign * distance + byte
                for i in range(length)
                for byte in range(dtype.itemsize)
            }
            if distance >= dtype.itemsize
            else set(range(ends[0], ends[1] + dtype.itemsize))
        )
    numbers = np.arange(1, length + 1, dtype=np.int32)
    if places[0] & places[1]:
        with pytest.raises(ValueError, match="out 0 and out 1 overlap"):
            EXPORTS.both.map(numbers, 0.5, out=tuple(outs))
        return
    EXPORTS.both.map(numbers, 0.5, out=tuple(outs))
    assert set(np.flatnonzero(data)) <= places[0] | places[1]
    if distance >= 8:
        assert outs[0].tolist() == [0.5] * length
        assert outs[1].tolist() == numbers.tolist()


@settings(max_examples=300)
@given(
    st.sampled_from(["i1", "u2", "i4"]),
    st.integers(0, 60),
    st.integers(-9, 9),
    st.integers(0, 60),
    st.integers(-9, 9),
)
def test_items_of_other_widths_at_any_distance(
    kind: str, source: int, source_step: int, target: int, target_step: int
) -> None:
    """A column and the results may overlap at any distance of bytes, with any stride.

    Only the results do not overlap each other.
    """
    if abs(target_step) < 4:
        target_step = 4
    data = np.random.default_rng(1).integers(0, 256, 200, np.uint8)
    tricks = np.lib.stride_tricks.as_strided
    items = tricks(data[source + 60 :].view(np.uint8), (6, 4), (source_step, 1))
    read = [
        int.from_bytes(bytes(row[: np.dtype(kind).itemsize]), "little", signed=kind[0] == "i")
        for row in items
    ]
    expected = data.copy()
    start = target + 60
    for i, value in enumerate(read):
        word = np.int64((value * 31 - 1) & 0xFFFFFFFF)
        at = start + i * target_step
        expected[at : at + 4] = np.frombuffer(int(word).to_bytes(4, "little"), np.uint8)
    column = np.ndarray((6,), kind, data, source + 60, (source_step,))
    out = np.ndarray((6,), np.int32, data, start, (target_step,))
    EXPORTS.i32.map(column, 1, out=out)
    assert data.tobytes() == expected.tobytes()
