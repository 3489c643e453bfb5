# SPDX-License-Identifier: MIT
"""In Python a v128 is 16 bytes, wherever a value goes into WebAssembly or comes out.

The expected values are the bytes that the test gave, which the guest hands back, and for lanes
what the struct module makes of them.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import struct
from array import array
from typing import Any

import numpy as np
import pytest

import pywasm3
from helpers import load, wat
from pywasm3 import V128, FuncType, Global, ValType, host_function, i32, v128

A, B, C = bytes(range(16)), bytes(range(100, 116)), bytes(range(240, 256))
ZERO = bytes(16)

TEXT = """
(module
  (type $pair (func (param v128 i32) (result i32 v128)))
  (import "env" "host" (func $host (type $pair)))
  (func (export "id") (param v128) (result v128) local.get 0)
  (func (export "mixed") (param i32 v128 externref f32 v128 i64)
    (result v128 externref i32 v128 f32 i64)
    local.get 4 local.get 2 local.get 0 local.get 1 local.get 3 local.get 5)
  (func (export "add") (param v128 v128) (result v128) local.get 0 local.get 1 i8x16.add)
  (func (export "sum") (param v128) (result i32) local.get 0 i32x4.extract_lane 0)
  (func (export "splat") (param i32) (result v128) local.get 0 i32x4.splat)
  (func (export "call") (type $pair) local.get 0 local.get 1 call $host)
  (global (export "fixed") v128 (v128.const i64x2 1 2))
  (global $g (export "g") (mut v128) (v128.const i64x2 3 4))
  (func (export "read") (result v128) global.get $g)
  (func (export "set") (param v128) local.get 0 global.set $g))
"""


def make(host: Any = lambda vector, number: (number, vector)) -> pywasm3.Instance:
    return load(TEXT, {"env": {"host": host}})


@pytest.fixture
def exports() -> pywasm3.Exports:
    return make().exports


# ---- what a v128 can be ----


@pytest.mark.parametrize(
    "value",
    [
        A,
        bytearray(A),
        memoryview(A),
        memoryview(A + A)[16:],
        memoryview(A).cast("I"),
        memoryview(A).cast("B", (4, 4)),
        array("f", struct.unpack("<4f", A)),
        np.frombuffer(A, np.uint16),
        np.frombuffer(A, "V16")[0],
        np.frombuffer(A, np.uint8).reshape(2, 2, 4),
        v128(A),
    ],
)
def test_16_bytes_of_any_kind_are_a_vector(exports: pywasm3.Exports, value: Any) -> None:
    result = exports.id(value)
    assert result == A
    assert type(result) is bytes


def test_items_that_do_not_lie_side_by_side_are_a_vector(exports: pywasm3.Exports) -> None:
    assert exports.id(memoryview(A)[::-1]) == A[::-1]
    wide = np.arange(32, dtype=np.uint8)
    assert exports.id(wide[::2]) == bytes(range(0, 32, 2))
    square = np.frombuffer(A, np.uint8).reshape(4, 4)
    assert exports.id(square.T) == square.T.tobytes()


@pytest.mark.parametrize("length", [0, 1, 15, 17, 32])
def test_another_number_of_bytes_is_an_error(exports: pywasm3.Exports, length: int) -> None:
    with pytest.raises(
        TypeError, match=rf"add: parameter 1 \(v128\): 16 bytes are expected, not {length}"
    ):
        exports.add(A, bytes(length))


@pytest.mark.parametrize("value", [None, 1, 1.5, "x" * 16, [0] * 16, (1, 2), object()])
def test_what_has_no_bytes_is_an_error(exports: pywasm3.Exports, value: Any) -> None:
    with pytest.raises(
        TypeError,
        match=rf"id: parameter 0 \(v128\): a bytes-like object of 16 bytes is expected, not "
        rf"{type(value).__name__}",
    ):
        exports.id(value)


@pytest.mark.parametrize("value", [np.array([1, "x"], object), np.array([(None, 1)], "O,i8")])
def test_an_array_of_objects_is_an_error(exports: pywasm3.Exports, value: Any) -> None:
    """Its bytes are addresses, which the guest must not learn."""
    with pytest.raises(TypeError, match=r"parameter 0 \(v128\): .* objects"):
        exports.id(value)


def test_a_released_view_is_an_error(exports: pywasm3.Exports) -> None:
    view = memoryview(A)
    view.release()
    with pytest.raises(ValueError, match="released"):
        exports.id(view)


# ---- calls ----


def test_vectors_are_mixed_with_numbers_and_references(exports: pywasm3.Exports) -> None:
    thing = object()
    assert exports.mixed(7, A, thing, 0.5, B, -1) == (B, thing, 7, A, 0.5, -1)


def test_a_vector_gives_a_number_and_a_number_a_vector(exports: pywasm3.Exports) -> None:
    assert exports.sum(struct.pack("<4i", -5, 1, 2, 3)) == -5
    assert exports.splat(-2) == struct.pack("<i", -2) * 4


@pytest.mark.parametrize("count", [7, 8, 9, 16, 17, 100, 500])
def test_a_function_may_have_many_vectors(count: int) -> None:
    """Values of up to 16 cells lie on the C stack, and more in memory of their own."""
    params, gets = "v128 " * count, " ".join(f"local.get {i}" for i in reversed(range(count)))
    instance = load(
        f"""(module (import "env" "f" (func $f (param {params}) (result {params})))
          (func (export "turn") (param {params}) (result {params}) {gets})
          (func (export "host") (param {params}) (result {params}) {gets} call $f))""",
        {"env": {"f": lambda *vectors: vectors[::-1]}},
    )
    vectors = tuple([struct.pack("<QQ", i, ~i & 0xFFFFFFFF) for i in range(count)])
    assert instance.exports.turn(*vectors) == vectors[::-1]
    assert instance.exports.host(*vectors) == vectors


def test_the_number_of_vectors_is_checked(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match=r"add\(\) takes 2 arguments"):
        exports.add(A)
    with pytest.raises(TypeError, match="keyword"):
        exports.id(value=A)


def test_the_signature_of_a_vector_is_bytes(exports: pywasm3.Exports) -> None:
    assert str(inspect.signature(exports.add)) == "(p0: bytes, p1: bytes, /) -> bytes"
    assert str(inspect.signature(exports.add.bind(A))) == "(p1: bytes, /) -> bytes"


def test_raw_vectors_are_pairs_of_bit_patterns(exports: pywasm3.Exports) -> None:
    low, high = struct.unpack("<QQ", C)
    assert exports.id.raw((low, high)) == (low, high)
    assert exports.id.raw((-1, 5)) == (2**64 - 1, 5)
    assert exports.mixed.raw(7, (1, 2), None, 0x3F000000, (3, 4), 5) == (
        (3, 4), None, 7, (1, 2), 0x3F000000, 5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (A, TypeError),
        ((1,), TypeError),
        ((1, 2, 3), TypeError),
        ([1, 2], TypeError),
        ((1, 0.5), TypeError),
        ((1, None), TypeError),
        ((1, 2**64), OverflowError),
        ((-(2**63) - 1, 0), OverflowError),
    ],
)
def test_a_raw_vector_that_is_not_a_pair_is_an_error(
    exports: pywasm3.Exports, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"id: parameter 0 \(v128\)"):
        exports.id.raw(value)


def test_a_call_can_be_awaited(exports: pywasm3.Exports) -> None:
    async def both() -> tuple[bytes, bytes]:
        first, second = await asyncio.gather(exports.id.aio(A), exports.id.aio(B))
        return first, second

    assert asyncio.run(both()) == (A, B)


def test_an_awaited_host_function_takes_and_returns_vectors() -> None:
    async def host(vector: bytes, number: int) -> tuple[int, bytes]:
        await asyncio.sleep(0)
        return number + 1, vector[::-1]

    call = make(host).exports.call
    assert asyncio.run(call.aio(A, 1)) == (2, A[::-1])


def test_text_is_a_vector_in_the_api_of_wasm3(exports: pywasm3.Exports) -> None:
    with pytest.raises(pywasm3.WasmError, match="v128 cannot be given as text"):
        exports.id.call_argv("1")


# ---- host functions ----


def test_a_host_function_takes_bytes() -> None:
    seen: list[object] = []

    def host(vector: bytes, number: int) -> tuple[int, bytes]:
        seen.extend([vector, type(vector), number])
        return number, vector

    assert make(host).exports.call(A, 7) == (7, A)
    assert seen == [A, bytes, 7]


@pytest.mark.parametrize(
    "result", [(1, B), [1, B], (True, np.frombuffer(B, np.float64)), (1, v128(B))]
)
def test_a_host_function_returns_vectors_in_a_tuple_or_a_list(result: Any) -> None:
    assert make(lambda *_: result).exports.call(A, 7) == (1, B)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ((1, b"x"), r"result 1 \(v128\): 16 bytes are expected, not 1"),
        ((1, 2), r"result 1 \(v128\): a bytes-like object of 16 bytes is expected, not int"),
        (B, "a tuple of 2 results expected, but it returned bytes"),
        (None, "a tuple of 2 results expected"),
        ((B,), "2 results expected, but it returned 1"),
    ],
)
def test_another_result_of_a_host_function_is_an_error(result: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make(lambda *_: result).exports.call(A, 7)


def test_a_host_function_has_one_vector_as_its_result() -> None:
    instance = load(
        """(module (import "env" "f" (func $f (param v128) (result v128)))
          (export "f" (func $f)) (func (export "g") (param v128) (result v128)
            local.get 0 call $f local.get 0 i8x16.sub))""",
        {"env": {"f": lambda vector: np.frombuffer(vector, np.uint8) + 1}},
    )
    assert instance.exports.f(A) == bytes(range(1, 17))
    assert instance.exports.g(A) == bytes([1] * 16)
    other = load(
        '(module (import "env" "f" (func $f (result v128))) (export "f" (func $f)))',
        {"env": {"f": lambda: b"short"}},
    )
    with pytest.raises(TypeError, match=r"result \(v128\): 16 bytes are expected, not 5"):
        other.exports.f()


def test_a_host_function_of_a_type_takes_vectors_through_a_table() -> None:
    instance = load(
        """(module (type $t (func (param v128 i32) (result v128)))
          (table (export "table") 1 funcref)
          (func (export "call") (type $t)
            local.get 0 local.get 1 i32.const 0 call_indirect (type $t)))"""
    )
    instance.exports.table[0] = host_function(
        FuncType([v128, i32], [v128]),
        lambda vector, number: bytes([number]) + vector[1:],
        store=instance.store,
    )
    assert instance.exports.call(A, 77) == bytes([77]) + A[1:]


# ---- bound arguments ----


def test_a_bound_buffer_is_copied(exports: pywasm3.Exports) -> None:
    buffer = bytearray(A)
    bound = exports.add.bind(buffer)
    buffer[0] = 200
    assert bound(ZERO) == A
    assert bound.args == (A,)
    assert bound.bind(B)() == exports.add(A, B)


def test_a_bound_vector_is_one_value_of_a_map(exports: pywasm3.Exports) -> None:
    items = memoryview(B + C).cast("B", (2, 16))
    results = exports.add.bind(A).map(items)
    assert results.tolist() == [list(exports.add(A, B)), list(exports.add(A, C))]
    raw = exports.add.raw.bind((1, 2)).map(items)
    assert bytes(raw) == exports.add(struct.pack("<QQ", 1, 2), B) + exports.add(
        struct.pack("<QQ", 1, 2), C
    )


def test_a_bound_vector_is_checked_at_once(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match=r"add: parameter 0 \(v128\): 16 bytes are expected, not 1"):
        exports.add.bind(b"x")
    with pytest.raises(TypeError, match="takes 2 arguments"):
        exports.add.bind(A, B, C)


def test_vectors_references_and_numbers_can_be_bound(exports: pywasm3.Exports) -> None:
    thing = object()
    bound = exports.mixed.bind(7, A, thing, 0.5)
    assert bound(B, -1) == (B, thing, 7, A, 0.5, -1)


# ---- globals ----


def test_a_global_has_a_vector(exports: pywasm3.Exports) -> None:
    assert exports.fixed.value == struct.pack("<QQ", 1, 2)
    assert exports.g.value == struct.pack("<QQ", 3, 4)
    exports.g.value = np.frombuffer(B, np.float32)
    assert exports.read() == B
    exports.set(C)
    assert exports.g.value == C
    assert repr(exports.g) == f"<pywasm3.Global mut v128: {C!r}>"


def test_a_wrong_vector_leaves_a_global_as_it_was(exports: pywasm3.Exports) -> None:
    for wrong in (b"", bytes(17), 1, None):
        with pytest.raises(TypeError, match="16"):
            exports.g.value = wrong
    with pytest.raises(AttributeError, match="immutable"):
        exports.fixed.value = A
    assert exports.read() == struct.pack("<QQ", 3, 4)


IMPORTING = """(module (import "env" "g" (global $g {type})) (func (export "read") (result v128)
  global.get $g) (export "g" (global $g)) (global (export "copy") v128 (global.get $g)) {more})"""


@pytest.mark.parametrize("value", [A, bytearray(A), v128(A), Global(v128, A), Global("v128", A)])
def test_an_immutable_global_is_imported_by_its_value(value: Any) -> None:
    exports = load(IMPORTING.format(type="v128", more=""), {"env": {"g": value}}).exports
    assert [exports.read(), exports.g.value, exports.copy.value] == [A] * 3


def test_a_mutable_global_is_shared() -> None:
    shared = Global(v128, A, mutable=True)
    text = IMPORTING.replace('(global (export "copy") v128 (global.get $g))', "").format(
        type="(mut v128)", more='(func (export "set") (param v128) local.get 0 global.set $g)'
    )
    first, second = (load(text, {"env": {"g": shared}}) for _ in range(2))
    first.exports.set(B)
    assert [shared.value, second.exports.read()] == [B, B]
    shared.value = C
    assert [first.exports.read(), second.exports.g.value] == [C, C]


@pytest.mark.parametrize(
    "value", [bytes(15), 0, None, "x", Global("i64", 0), Global(v128, A, True)]
)
def test_a_value_that_is_not_a_vector_does_not_fit_a_global(value: Any) -> None:
    with pytest.raises(pywasm3.LinkError, match=r"env\.g: .*v128"):
        load(IMPORTING.format(type="v128", more=""), {"env": {"g": value}})


def test_vectors_fit_no_global_of_numbers() -> None:
    text = '(module (import "env" "g" (global i64)))'
    for value in (A, Global(v128, A)):
        with pytest.raises(pywasm3.LinkError, match=r"env\.g"):
            load(text, {"env": {"g": value}})


# ---- stand-ins, tags, snapshots ----


def test_a_missing_global_of_vectors_is_zero() -> None:
    text = """(module (import "env" "g" (global $g {type})) (import "env" "f" (func $f (param v128)
      (result v128))) (func (export "read") (result v128) global.get $g)
      (func (export "call") (param v128) (result v128) local.get 0 call $f))"""
    for type_ in ("v128", "(mut v128)"):
        exports = load(text.format(type=type_), missing="trap").exports
        assert exports.read() == ZERO
        with pytest.raises(pywasm3.Trap, match=r"env\.f"):
            exports.call(A)


def test_a_tag_may_have_vectors() -> None:
    tag = pywasm3.Tag(FuncType([v128, i32]))
    text = '(module (import "env" "t" (tag $t (param v128 i32))) (export "t" (tag $t)))'
    module = pywasm3.Module(wat(text))
    assert module.exports[0].type == tag.type
    instance = pywasm3.Instance(module, {"env": {"t": tag}})
    assert instance.exports.t.type == tag.type
    with pytest.raises(pywasm3.LinkError, match=r"env\.t"):
        pywasm3.Instance(module, {"env": {"t": pywasm3.Tag(FuncType([i32, v128]))}})


STATE = """(module (global $a (mut i32) (i32.const 1)) (global $b (mut v128) (v128.const i64x2 2 3))
  (global $c (mut i64) (i64.const 4)) (global $d (mut v128) (v128.const i64x2 5 6)) (memory 1)
  (func (export "set") (param i32 v128 i64 v128)
    (global.set $a (local.get 0)) (global.set $b (local.get 1)) (global.set $c (local.get 2))
    (global.set $d (local.get 3)) (v128.store offset=3 (i32.const 0) (local.get 1)))
  (func (export "read") (result i32 v128 i64 v128 v128) global.get $a global.get $b global.get $c
    global.get $d (v128.load offset=3 (i32.const 0))))"""
INITIAL = (1, struct.pack("<QQ", 2, 3), 4, struct.pack("<QQ", 5, 6), ZERO)


def test_a_snapshot_has_the_vectors_of_globals() -> None:
    instance = load(STATE)
    first = instance.snapshot()
    instance.exports.set(7, A, 8, B)
    second = pickle.loads(pickle.dumps(instance.snapshot()))
    instance.restore(first)
    assert instance.exports.read() == INITIAL
    instance.restore(second)
    assert instance.exports.read() == (7, A, 8, B, A)
    other = load(STATE)
    other.restore(second)
    assert other.exports.read() == (7, A, 8, B, A)


def test_a_pool_gives_vectors_their_first_values_again() -> None:
    with pywasm3.InstancePool(pywasm3.Module(wat(STATE)), size=1) as pool:
        for _ in range(3):
            with pool.instance() as instance:
                assert instance.exports.read() == INITIAL
                instance.exports.set(7, A, 8, B)


# ---- the API of wasm3 ----

WASM3 = """(module (import "env" "f" (func $f (param v128) (result v128)))
  (import "env" "g" (global $g v128)) (global $h (export "h") (mut v128) (v128.const i64x2 1 2))
  (func (export "run") (param v128) (result v128) local.get 0 call $f)
  (func (export "read") (result v128) global.get $g))"""


def wasm3_module() -> tuple[Any, Any]:
    environment = pywasm3.Environment()
    return environment.new_runtime(65536), environment.parse_module(wat(WASM3))


def test_functions_with_vectors_are_linked_without_a_signature() -> None:
    runtime, module = wasm3_module()
    module.link_function("env", "f", lambda vector: vector[::-1])
    runtime.load(module)
    assert runtime.find_function("run")(A) == A[::-1]


def test_no_signature_of_letters_has_vectors() -> None:
    _, module = wasm3_module()
    with pytest.raises(pywasm3.WasmError, match="mismatch"):
        module.link_function("env", "f", "I(I)", lambda vector: vector)
    with pytest.raises(pywasm3.WasmError, match="unknown argument type"):
        module.link_function("env", "f", "V(V)", lambda vector: vector)


def test_an_imported_global_of_vectors_starts_as_zero_or_as_it_was_linked() -> None:
    runtime, module = wasm3_module()
    runtime.load(module)
    assert runtime.find_function("read")() == ZERO
    assert module.get_global("g") == ZERO
    runtime, module = wasm3_module()
    with pytest.raises(TypeError, match="16"):
        module.link_global("env", "g", 1)
    module.link_global("env", "g", bytearray(A))
    assert module.get_global("g") == A
    runtime.load(module)
    assert [runtime.find_function("read")(), module.get_global("g")] == [A, A]


def test_a_linked_buffer_may_change_later() -> None:
    """The global has the value that was linked."""
    runtime, module = wasm3_module()
    buffer = bytearray(A)
    module.link_global("env", "g", buffer)
    buffer[0] = 99
    assert module.get_global("g") == A
    buffer.append(0)
    runtime.load(module)
    assert runtime.find_function("read")() == A


def test_an_exported_global_of_vectors_can_be_set() -> None:
    runtime, module = wasm3_module()
    runtime.load(module)
    module.set_global("h", v128(i64x2=(5, 6)))
    assert module.get_global("h") == struct.pack("<QQ", 5, 6)


# ---- v128(...) ----

LANES = {"i8x16": "16b", "i16x8": "8h", "i32x4": "4i", "i64x2": "2q", "f32x4": "4f", "f64x2": "2d"}


@pytest.mark.parametrize("shape", LANES)
def test_lanes_make_a_vector_and_come_back(shape: str) -> None:
    count = int(shape.rpartition("x")[2])
    lanes = tuple(range(-3, count - 3))
    made = v128(**{shape: lanes})
    assert bytes(made) == struct.pack("<" + LANES[shape], *lanes)
    assert getattr(made, shape) == lanes
    assert v128(**{shape: iter(lanes)}) == made
    assert v128(**{shape: np.array(lanes)}) == made


@pytest.mark.parametrize("shape", LANES)
def test_one_number_is_all_lanes(shape: str) -> None:
    count = int(shape.rpartition("x")[2])
    assert getattr(v128(**{shape: 7}), shape) == (7,) * count


@pytest.mark.parametrize(
    ("shape", "bits"), [("i8x16", 8), ("i16x8", 16), ("i32x4", 32), ("i64x2", 64)]
)
def test_integer_lanes_are_signed_or_unsigned(shape: str, bits: int) -> None:
    assert v128(**{shape: (1 << bits) - 1}) == b"\xff" * 16
    assert getattr(v128(**{shape: 1 << bits - 1}), shape)[0] == -(1 << bits - 1)
    for lane in (1 << bits, -(1 << bits - 1) - 1, 1 << 200):
        with pytest.raises(OverflowError):
            v128(**{shape: lane})


@pytest.mark.parametrize(
    "lanes",
    [
        {},
        {"i32x4": 1, "f32x4": 1},
        {"i32x5": 1},
        {"i32x4": (1, 2, 3)},
        {"i32x4": (1, 2, 3, 4, 5)},
        {"i32x4": 1.5},
        {"i32x4": (1, 2, 3, "4")},
        {"i32x4": None},
        {"f32x4": "1234"},
        {"f64x2": 1j},
    ],
)
def test_lanes_that_do_not_fit_are_an_error(lanes: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        v128(**lanes)


def test_bytes_or_lanes_make_a_vector_and_not_both() -> None:
    assert v128(A) == v128(bytearray(A)) == A
    for arguments in ((b"x",), (A, A), (1,), ("x" * 16,)):
        with pytest.raises(TypeError):
            v128(*arguments)
    with pytest.raises(TypeError, match="by the name of one shape"):
        v128(A, i32x4=1)


def test_floats_of_lanes_are_rounded_and_may_be_nan() -> None:
    assert v128(f32x4=0.1).f32x4[0] == struct.unpack("<f", struct.pack("<f", 0.1))[0]
    assert v128(f64x2=float("nan")).i64x2[0] & 0x7FF0000000000000 == 0x7FF0000000000000
    assert v128(f64x2=(-0.0, float("-inf"))) == struct.pack("<2d", -0.0, float("-inf"))


def test_a_vector_is_bytes_that_can_be_copied_and_pickled() -> None:
    made = v128(i32x4=(1, -2, 3, 4))
    assert repr(made) == str(made) == "pywasm3.v128(i32x4=(1, -2, 3, 4))"
    for same in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert same == made
        assert type(same) is V128
    assert hash(made) == hash(bytes(made))
    assert {bytes(made): 1}[made] == 1


def test_only_v128_makes_values() -> None:
    with pytest.raises(TypeError, match="i32 is a type without a constructor"):
        ValType.I32(1)
    assert ValType("v128") is v128
    assert pickle.loads(pickle.dumps(v128)) is v128
    assert copy.deepcopy(v128) is v128


def test_a_lane_alone_is_counted_as_one() -> None:
    with pytest.raises(TypeError, match="i32x4 has 4 lanes, but 1 is given"):
        pywasm3.v128(i32x4=(1,))
