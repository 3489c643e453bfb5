# SPDX-License-Identifier: MIT
"""Calls from Python into wasm: arguments, results, and what is refused.

Expected values follow from the ranges of the types, from `struct` for the bits of floats, and for
the compiled guests from wasmtime and hashlib.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

import pywasm3
from helpers import GUESTS, Oracle, guest, load

IDENTITY = """
(module
  (func (export "i32") (param i32) (result i32) local.get 0)
  (func (export "i64") (param i64) (result i64) local.get 0)
  (func (export "f32") (param f32) (result f32) local.get 0)
  (func (export "f64") (param f64) (result f64) local.get 0))
"""

ADD = """
(module
  (func $add (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "nothing")))
"""


@pytest.fixture
def identity() -> pywasm3.Exports:
    return load(IDENTITY).exports


@pytest.fixture
def add() -> pywasm3.Function:
    return load(ADD).exports.add


class Index:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __index__(self) -> Any:
        return self.value


class Float:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __float__(self) -> Any:
        return self.value


# ---- integers ----


def test_a_call_returns_what_the_function_computes(add: pywasm3.Function) -> None:
    assert add(2, 3) == 5


@pytest.mark.parametrize(("name", "bits"), [("i32", 32), ("i64", 64)])
@pytest.mark.parametrize(
    "value_of",
    [
        lambda bits: 0,
        lambda bits: -1,
        lambda bits: (1 << (bits - 1)) - 1,
        lambda bits: -(1 << (bits - 1)),
        lambda bits: (1 << 30) - 1,  # from 1 << 30 on, an int of CPython has two digits
        lambda bits: 1 << 30,
        lambda bits: -(1 << 30),
    ],
)
def test_a_signed_integer_comes_back_as_it_is(
    identity: pywasm3.Exports, name: str, bits: int, value_of: Callable[[int], int]
) -> None:
    value = value_of(bits)
    assert identity[name](value) == value


@pytest.mark.parametrize(("name", "bits"), [("i32", 32), ("i64", 64)])
def test_an_unsigned_integer_comes_back_signed(
    identity: pywasm3.Exports, name: str, bits: int
) -> None:
    assert identity[name]((1 << bits) - 1) == -1
    assert identity[name](1 << (bits - 1)) == -(1 << (bits - 1))


@pytest.mark.parametrize(("name", "bits"), [("i32", 32), ("i64", 64)])
def test_an_integer_beyond_both_ranges_is_an_overflow(
    identity: pywasm3.Exports, name: str, bits: int
) -> None:
    for value in (1 << bits, -(1 << (bits - 1)) - 1, 1 << 200, -(1 << 200)):
        with pytest.raises(OverflowError, match=name):
            identity[name](value)


@pytest.mark.parametrize("value", [True, Index(7), numpy.int8(7), numpy.uint64(7)])
def test_objects_with_an_index_are_taken_for_an_integer(
    identity: pywasm3.Exports, value: Any
) -> None:
    assert identity.i32(value) == int(value.__index__())
    assert identity.i64(value) == int(value.__index__())


@pytest.mark.parametrize("value", [1.0, "1", None, b"1", [1], 1j, Float(1.0), object()])
def test_objects_without_index_are_refused_for_an_integer(
    identity: pywasm3.Exports, value: Any
) -> None:
    for function in (identity.i32, identity.i64):
        with pytest.raises(TypeError):
            function(value)


def test_results_are_plain_ints_and_floats(identity: pywasm3.Exports) -> None:
    assert type(identity.i32(True)) is int
    assert type(identity.i64(numpy.int64(1))) is int
    assert type(identity.f32(1)) is float
    assert type(identity.f64(numpy.float64(1))) is float


# ---- floats ----


@pytest.mark.parametrize(
    "value", [0.0, -0.0, 1.5, -1e300, 5e-324, math.pi, math.inf, -math.inf, math.nan]
)
def test_an_f64_comes_back_bit_by_bit(identity: pywasm3.Exports, value: float) -> None:
    assert struct.pack("<d", identity.f64(value)) == struct.pack("<d", value)


@pytest.mark.parametrize(
    "value", [0.0, -0.0, 1.5, 1e-45, 3.4028234663852886e38, math.inf, -math.inf]
)
def test_an_f32_comes_back_bit_by_bit(identity: pywasm3.Exports, value: float) -> None:
    assert struct.pack("<f", identity.f32(value)) == struct.pack("<f", value)


def test_a_float_is_rounded_to_the_nearest_f32(identity: pywasm3.Exports) -> None:
    assert identity.f32(math.pi) == struct.unpack("<f", struct.pack("<f", math.pi))[0]
    assert identity.f32(1 + 2.0**-24) == 1.0  # a tie goes to the even number


def test_a_float_beyond_f32_is_infinite(identity: pywasm3.Exports) -> None:
    assert identity.f32(1e39) == math.inf
    assert identity.f32(-1e39) == -math.inf


@pytest.mark.parametrize("value", [2, True, Float(2.0), Index(2), numpy.float32(2), numpy.int16(2)])
def test_objects_with_float_are_taken_for_a_float(identity: pywasm3.Exports, value: Any) -> None:
    assert identity.f32(value) == identity.f64(value) == float(value)


@pytest.mark.parametrize("value", ["1.0", None, b"1", [1.0], 1j, object()])
def test_objects_without_float_are_refused_for_a_float(
    identity: pywasm3.Exports, value: Any
) -> None:
    for function in (identity.f32, identity.f64):
        with pytest.raises(TypeError):
            function(value)


def test_an_integer_too_large_for_a_double_is_an_overflow(identity: pywasm3.Exports) -> None:
    with pytest.raises(OverflowError):
        identity.f64(10**400)


# ---- messages ----


def test_a_wrong_type_is_reported_with_function_and_parameter(add: pywasm3.Function) -> None:
    with pytest.raises(TypeError, match=r"^add.*parameter 1.*i32.*str"):
        add(1, "2")


def test_a_wrong_range_is_reported_with_function_and_parameter(add: pywasm3.Function) -> None:
    with pytest.raises(OverflowError, match=r"^add.*parameter 0.*i32"):
        add(1 << 32, 2)


@pytest.mark.parametrize("arguments", [(), (1,), (1, 2, 3), (1,) * 100])
def test_a_wrong_count_is_reported_with_both_counts(
    add: pywasm3.Function, arguments: tuple[int, ...]
) -> None:
    with pytest.raises(TypeError, match=rf"^add\(\) takes 2 arguments but {len(arguments)} "):
        add(*arguments)


def test_keyword_arguments_are_refused(add: pywasm3.Function) -> None:
    with pytest.raises(TypeError, match="keyword"):
        add(1, p1=2)
    with pytest.raises(TypeError, match="keyword"):
        add(1, 2, extra=3)


def test_an_empty_set_of_keyword_arguments_is_accepted(add: pywasm3.Function) -> None:
    assert add(*[1, 2], **{}) == 3


def test_errors_of_a_conversion_arrive_as_they_are(add: pywasm3.Function) -> None:
    error = LookupError("mine")

    class Broken:
        def __index__(self) -> int:
            raise error

    with pytest.raises(LookupError) as caught:
        add(Broken(), 2)
    assert caught.value is error


def test_subclasses_of_int_and_float_are_taken_by_value() -> None:
    class Int(int):
        def __index__(self) -> int:
            raise AssertionError

    class Float(float):
        def __float__(self) -> float:
            raise AssertionError

    exports = load(
        """(module
          (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
          (func (export "half") (param f64) (result f64) local.get 0 f64.const 0.5 f64.mul))"""
    ).exports
    assert exports.add(Int(1), Int(2)) == 3
    assert exports.half(Float(3.0)) == 1.5


# ---- numbers of arguments and results ----


def test_no_result_is_none() -> None:
    assert load(ADD).exports.nothing() is None


def test_several_results_are_a_tuple() -> None:
    multi = guest("multi").exports
    assert multi.pair() == (1, 2)
    assert multi.swap(1, 1 << 40) == (1 << 40, 1)
    assert multi.each(-3) == (-3, -3, -3.0, -3.0)


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 100, 999])
def test_every_parameter_arrives(count: int) -> None:
    total = "local.get 0 " + " ".join(f"local.get {i} i32.add" for i in range(1, count))
    function = load(
        f'(module (func (export "f") (param {"i32 " * count}) (result i32) {total}))'
    ).exports.f
    assert function(*range(count)) == sum(range(count))


@pytest.mark.parametrize("count", [2, 15, 16, 17, 100, 1000])
def test_every_result_arrives(count: int) -> None:
    constants = " ".join(f"i32.const {i}" for i in range(count))
    function = load(f'(module (func (export "f") (result {"i32 " * count}) {constants}))').exports.f
    assert function() == tuple(range(count))


# ---- a tuple of results is filled again if nobody has it any more ----

COUNTER = """(module (global $n (mut i64) (i64.const 1099511627776))
  (func (export "next") (result i64 i64)
    (global.set $n (i64.add (global.get $n) (i64.const 1)))
    (global.get $n) (i64.sub (i64.const 0) (global.get $n))))"""


def test_results_that_a_program_has_stay_as_they_are() -> None:
    following = load(COUNTER).exports.next
    kept = [following() for _ in range(5)]
    first = 2**40 + 1
    assert kept == [(n, -n) for n in range(first, first + 5)]
    assert len({hash(following()) for _ in range(5)}) == 5
    alone = following()
    in_a_container = [(following(), "text")]
    following()
    assert alone == (first + 10, -first - 10)
    assert in_a_container == [((first + 11, -first - 11), "text")]


def test_results_that_the_collector_knows_stay_as_they_are() -> None:
    following = load(COUNTER).exports.next
    following()
    found = [x for x in gc.get_referents(following) if isinstance(x, tuple) and len(x) == 2]
    before = [list(x) for x in found]
    following()
    assert [list(x) for x in found] == before


def test_a_finalizer_that_calls_the_function_changes_no_results() -> None:
    following = load(COUNTER).exports.next
    calls = []

    class Cycle:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            calls.append(following())

    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        results = []
        for _ in range(100):
            Cycle()
            results.append(following())
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    numbers = sorted(first for first, _ in results + calls)
    assert numbers == list(range(2**40 + 1, 2**40 + 1 + len(numbers)))
    assert all(first == -second for first, second in results + calls)
    assert [first for first, _ in results] == sorted(first for first, _ in results)
    assert calls


def test_a_thousand_parameters_and_no_result() -> None:
    instance = load(
        f"""(module (global $last (export "last") (mut i64) (i64.const 0))
        (func (export "f") (param {"i64 " * 1000}) local.get 999 global.set $last))"""
    )
    assert instance.exports.f(*range(1000)) is None
    assert instance.exports.last.value == 999


def test_many_parameters_of_mixed_types_arrive_in_order() -> None:
    types = ["i32", "f64", "i64", "f32"] * 8
    gets = " ".join(f"local.get {i}" for i in reversed(range(len(types))))
    function = load(
        f"""(module (func (export "f") (param {" ".join(types)})
        (result {" ".join(reversed(types))}) {gets}))"""
    ).exports.f
    values = [i if t[0] == "i" else i + 0.5 for i, t in enumerate(types)]
    assert function(*values) == tuple(reversed(values))


# ---- raw ----


def test_raw_takes_and_gives_bit_patterns(identity: pywasm3.Exports) -> None:
    assert identity.f32.raw(0x3FC00000) == 0x3FC00000
    assert identity.f64.raw(0x3FF8000000000000) == 0x3FF8000000000000
    assert identity.i32.raw(-1) == 0xFFFFFFFF
    assert identity.i64.raw(-1) == 0xFFFFFFFFFFFFFFFF


def test_raw_keeps_a_signalling_nan(identity: pywasm3.Exports) -> None:
    assert identity.f32.raw(0x7FA00001) == 0x7FA00001
    assert identity.f64.raw(0x7FF4000000000001) == 0x7FF4000000000001


def test_raw_refuses_floats_and_wide_patterns(identity: pywasm3.Exports) -> None:
    with pytest.raises(TypeError):
        identity.f64.raw(1.5)
    with pytest.raises(OverflowError):
        identity.f32.raw(1 << 32)
    with pytest.raises(OverflowError):
        identity.f64.raw(1 << 64)


def test_raw_of_raw_is_itself(identity: pywasm3.Exports) -> None:
    raw = identity.f64.raw
    assert raw.raw is raw
    assert raw.type == identity.f64.type


def test_raw_is_another_function(identity: pywasm3.Exports) -> None:
    assert identity.f64.raw != identity.f64
    assert identity.f64.raw == identity.f64.raw


# ---- as Python callables ----


def test_functions_work_where_python_calls(add: pywasm3.Function) -> None:
    assert list(map(add, [1, 2], [10, 20])) == [11, 22]
    assert functools.reduce(add, range(10)) == 45
    assert functools.partial(add, 1)(2) == 3
    assert callable(add)


def test_a_function_in_a_class_does_not_bind(add: pywasm3.Function) -> None:
    class Holder:
        plus = add

    assert Holder().plus(1, 2) == 3


def test_a_function_outlives_the_names_it_came_by() -> None:
    function = load(ADD).exports.add
    assert function(1, 2) == 3


def test_an_export_is_one_object() -> None:
    exports = load(ADD).exports
    assert exports.add is exports["add"] is exports.add


def test_functions_are_equal_by_what_they_call(add: pywasm3.Function) -> None:
    instance = load(
        """(module (table (export "table") 2 funcref) (elem (i32.const 0) $f $f)
        (func $f (export "f")) (func (export "g")))"""
    )
    table = instance.exports.table
    assert table[0] == table[1] == instance.exports.f
    assert hash(table[0]) == hash(instance.exports.f)
    assert instance.exports.f != instance.exports.g
    assert instance.exports.f != 1


# ---- text ----


def test_call_argv_takes_text(identity: pywasm3.Exports, add: pywasm3.Function) -> None:
    assert add.call_argv("2", "-3") == -1
    assert identity.i64.call_argv("0x10") == 16
    assert identity.i32.call_argv("4294967295") == -1
    assert identity.f64.call_argv("1.5e3") == 1500.0
    assert identity.f64.call_argv("-inf") == -math.inf
    assert math.isnan(identity.f32.call_argv("nan"))


@pytest.mark.parametrize("text", ["", "x", "1.5", "1_000", "0x", "--1", "٣", "1 2", "4294967296"])
def test_call_argv_refuses_text_that_is_not_an_i32(identity: pywasm3.Exports, text: str) -> None:
    with pytest.raises(pywasm3.WasmError, match="i32"):
        identity.i32.call_argv(text)


@pytest.mark.parametrize("text", ["", "x", "1.5.5", "1_0.0", "0x", "1e"])
def test_call_argv_refuses_text_that_is_not_an_f64(identity: pywasm3.Exports, text: str) -> None:
    with pytest.raises(pywasm3.WasmError, match="f64"):
        identity.f64.call_argv(text)


@pytest.mark.parametrize("arguments", [(), ("1",), ("1", "2", "3"), (1, 2), ("1", None)])
def test_call_argv_refuses_a_wrong_count_and_arguments_that_are_not_text(
    add: pywasm3.Function, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(pywasm3.WasmError):
        add.call_argv(*arguments)


# ---- guests ----


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("add_i32", (0x7FFFFFFF, 1)),
        ("add_i64", (-(1 << 63), -1)),
        ("add_f32", (0.1, 0.2)),
        ("add_f64", (0.1, 0.2)),
        ("fib", (20,)),
        ("gcd", (1071 * 7919, 462 * 7919)),
        ("root", (2.0,)),
    ],
)
def test_the_arithmetic_guest_computes_what_wasmtime_computes(
    name: str, arguments: tuple[Any, ...]
) -> None:
    expected = Oracle((GUESTS / "arith.wasm").read_bytes()).call(name, *arguments)
    assert guest("arith").exports[name](*arguments) == expected


def test_the_compute_guest_computes_what_wasmtime_computes() -> None:
    expected = Oracle((GUESTS / "compute.wasm").read_bytes()).call("run", 2)
    assert guest("compute").exports.run(2) == expected


@pytest.mark.parametrize("divisor", [3, -7])
def test_the_multi_value_guest_computes_what_wasmtime_computes(divisor: int) -> None:
    oracle = Oracle((GUESTS / "multi.wasm").read_bytes())
    multi = guest("multi").exports
    assert multi.divmod(1000, divisor) == oracle.call("divmod", 1000, divisor)


def test_the_sha256_guest_hashes_as_hashlib_does(guests: Path) -> None:
    sha = guest("sha256")
    data = (guests / "sha256.wasm").read_bytes()
    assert hash_with(sha, data) == hashlib.sha256(data).digest()


def hash_with(sha: pywasm3.Instance, data: bytes) -> bytes:
    exports = sha.exports
    exports.init()
    chunk, size = exports.buffer(), exports.buffer_size()
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        sha.memory.write(chunk, piece)
        exports.update(chunk, len(piece))
    return sha.memory.read(exports.final(), 32)
