# SPDX-License-Identifier: MIT
"""Values of every type cross between Python and wasm without losing a bit.

Hypothesis draws values and bit patterns; they go through functions, locals, memory, globals and
host functions. The expected value is the one that went in, and numpy's for f64 to f32.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import pywasm3
from helpers import TYPES, load

IDENTITY = "(module {})".format(
    " ".join(
        f"""(import "host" "{t}" (func $h{t} (param {t}) (result {t})))
        (import "text" "{t}" (func $t{t} (param {t})))"""
        for t in TYPES
    )
    + " ".join(
        f"""(global $g{t} (export "global_{t}") (mut {t}) ({t}.const 0))
        (func (export "{t}") (param {t}) (result {t}) local.get 0)
        (func (export "local_{t}") (param {t}) (result {t}) (local {t})
          local.get 0 local.set 1 local.get 1)
        (func (export "global_get_{t}") (param {t}) (result {t})
          local.get 0 global.set $g{t} global.get $g{t})
        (func (export "memory_{t}") (param {t}) (result {t})
          i32.const 8 local.get 0 {t}.store i32.const 8 {t}.load)
        (func $c{t} (param {t}) (result {t}) local.get 0)
        (func (export "call_{t}") (param {t}) (result {t}) local.get 0 call $c{t})
        (func (export "select_{t}") (param {t}) (result {t})
          local.get 0 {t}.const 0 i32.const 1 select)
        (func (export "block_{t}") (param {t}) (result {t})
          block (result {t}) local.get 0 br 0 end)
        (func (export "host_{t}") (param {t}) (result {t}) local.get 0 call $h{t})
        (func (export "give_{t}") (param {t}) local.get 0 call $t{t})"""
        for t in TYPES
    )
    + '(memory (export "memory") 1)'
)

received: list[Any] = []

instance = load(
    IDENTITY,
    {
        "host": {t: (lambda value: value) for t in TYPES},
        "text": dict.fromkeys(TYPES, received.append),
    },
)

WAYS = ["", "local_", "global_get_", "memory_", "call_", "select_", "block_"]

BITS = {"i32": 32, "i64": 64, "f32": 32, "f64": 64}

i32s = st.integers(-(1 << 31), (1 << 31) - 1)
i64s = st.integers(-(1 << 63), (1 << 63) - 1)
f32s = st.floats(width=32)
f64s = st.floats(width=64)
VALUES: dict[str, st.SearchStrategy[Any]] = {"i32": i32s, "i64": i64s, "f32": f32s, "f64": f64s}


def patterns(valtype: str) -> st.SearchStrategy[int]:
    """Bit patterns, with zeros, infinities and NaNs of floats among them."""
    every = st.integers(0, (1 << BITS[valtype]) - 1)
    if valtype[0] == "i":
        return every
    code, form = ("<I", "<f") if valtype == "f32" else ("<Q", "<d")
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, -math.nan]
    borders = [struct.unpack(code, struct.pack(form, value))[0] for value in special]
    quiet = 1 << (22 if valtype == "f32" else 51)
    signalling = [(bits | 1) & ~quiet for bits in borders[2:4]]
    return st.one_of(every, st.sampled_from(borders + signalling))


def same(a: Any, b: Any, valtype: str) -> bool:
    """Whether two values of a type are equal bit by bit; any two NaNs count as equal."""
    if valtype[0] == "i":
        return type(a) is type(b) is int and a == b
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return struct.pack("<d", a) == struct.pack("<d", b)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("valtype", TYPES)
def test_every_value_comes_back(way: str, valtype: str) -> None:
    """A value that goes through a function in some way comes back the same."""
    function = instance.exports[f"{way}{valtype}"]

    @given(VALUES[valtype])
    def check(value: Any) -> None:
        assert same(function(value), value, valtype)

    check()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("valtype", TYPES)
def test_every_bit_pattern_comes_back_raw(way: str, valtype: str) -> None:
    """A bit pattern that goes through `raw` comes back the same, NaNs included."""
    function = instance.exports[f"{way}{valtype}"].raw

    @given(patterns(valtype))
    def check(bits: int) -> None:
        assert function(bits) == bits

    check()


@pytest.mark.parametrize("valtype", ["i32", "i64"])
def test_every_unsigned_integer_comes_back_as_its_signed_twin(valtype: str) -> None:
    function = instance.exports[valtype]
    width = BITS[valtype]

    @given(st.integers(0, (1 << width) - 1))
    def check(value: int) -> None:
        assert function(value) == value - ((value >> (width - 1)) << width)

    check()


@pytest.mark.parametrize("valtype", ["i32", "i64"])
def test_every_integer_beyond_the_range_is_refused(valtype: str) -> None:
    function = instance.exports[valtype]
    width = BITS[valtype]

    @given(
        st.one_of(st.integers(min_value=1 << width), st.integers(max_value=-(1 << width - 1) - 1))
    )
    def check(value: int) -> None:
        with pytest.raises(OverflowError):
            function(value)
        with pytest.raises(OverflowError):
            function.raw(value)

    check()


@given(f64s)
@example(1 + 2.0**-24)
@example(3.4028235677973366e38)  # the least f64 that rounds to infinity as an f32
@example(3.4028235677973362e38)
def test_every_double_becomes_the_f32_that_numpy_makes_of_it(value: float) -> None:
    import numpy

    with numpy.errstate(all="ignore"):
        expected = float(numpy.float32(value))
    assert same(instance.exports.f32(value), expected, "f32")


@pytest.mark.parametrize("valtype", TYPES)
def test_every_value_passes_through_a_host_function(valtype: str) -> None:
    function = instance.exports[f"host_{valtype}"]

    @given(VALUES[valtype])
    def check(value: Any) -> None:
        assert same(function(value), value, valtype)

    check()


@pytest.mark.parametrize("valtype", TYPES)
def test_every_value_arrives_at_a_host_function(valtype: str) -> None:
    function: Callable[[Any], None] = instance.exports[f"give_{valtype}"]

    @given(VALUES[valtype])
    def check(value: Any) -> None:
        received.clear()
        function(value)
        assert same(received[0], value, valtype)

    check()


@pytest.mark.parametrize("valtype", TYPES)
def test_every_value_comes_back_from_a_global(valtype: str) -> None:
    target: pywasm3.Global = instance.exports[f"global_{valtype}"]

    @given(VALUES[valtype])
    def check(value: Any) -> None:
        target.value = value
        assert same(target.value, value, valtype)

    check()


@pytest.mark.parametrize("valtype", TYPES)
def test_every_bit_pattern_is_the_one_in_memory(valtype: str) -> None:
    function = instance.exports[f"memory_{valtype}"].raw
    size = BITS[valtype] // 8

    @given(patterns(valtype))
    def check(bits: int) -> None:
        function(bits)
        assert instance.memory.read(8, size) == bits.to_bytes(size, "little")

    check()


@pytest.mark.parametrize("valtype", TYPES)
def test_every_integer_given_as_text_is_that_integer(valtype: str) -> None:
    function = instance.exports[valtype]

    @given(VALUES[valtype])
    def check(value: Any) -> None:
        assert same(function.call_argv(repr(value)), function(value), valtype)

    check()
