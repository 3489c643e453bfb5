# SPDX-License-Identifier: MIT
"""The validator: its messages, the places that they name, its limits and its cost.

The official suite (tests/spec) has most of what must be valid or invalid. The limits are those of
native/base/limits.h.
"""

from __future__ import annotations

import time

import pytest
import wasmtime

import pywasm3
from binary import HEADER, leb, section, signed_leb, vector
from fuzz import seeds
from helpers import SANITIZED, wat
from pywasm3 import InvalidError, MalformedError, ModuleError, UnsupportedError


def function(code: bytes, types: bytes = b"\x01\x60\0\0", groups: bytes = b"\0") -> bytes:
    """A module with one function, of type 0."""
    body = groups + code + b"\x0b"
    return (
        HEADER
        + section(1, types)
        + section(3, b"\x01\x00")
        + section(10, b"\x01" + leb(len(body)) + body)
    )


def refusal(data: bytes) -> ModuleError:
    with pytest.raises(ModuleError) as caught:
        pywasm3.Module.validate(data)
    return caught.value


def engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    for feature in ("exceptions", "gc", "function_references", "custom_page_sizes", "threads",
                    "memory64", "multi_memory", "relaxed_simd", "tail_call"):  # fmt: skip
        setattr(config, f"wasm_{feature}", True)
    return wasmtime.Engine(config)


# ---- features ----


@pytest.mark.parametrize("name", seeds.TEXTS)
def test_a_module_that_uses_a_feature_is_valid(name: str) -> None:
    data = wat(seeds.TEXTS[name])
    if name != "legacy exceptions":  # wasmtime does not know them
        wasmtime.Module.validate(engine(), data)
    pywasm3.Module.validate(data)


def test_validate_takes_what_the_constructor_takes() -> None:
    for data in (HEADER, bytearray(HEADER), memoryview(HEADER)):
        assert pywasm3.Module.validate(data) is None
    with pytest.raises(TypeError, match="made of bytes, not str"):
        pywasm3.Module.validate("(module)")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be contiguous"):
        pywasm3.Module.validate(memoryview(HEADER)[::2])


# ---- messages ----


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(func (drop (i32.add (i32.const 1) (f32.const 1))))",
         "type mismatch: i32.add expected i32 but got f32"),
        ("(func drop)", "type mismatch: drop expected a value but the stack is empty"),
        ("(func (param f64) (call 0 (i32.const 1)))",
         "type mismatch: instruction requires [f64] but stack has [i32] (call)"),
        ("(func (result i32 i64) (i32.const 1))",
         "type mismatch: instruction requires [i32 i64] but stack has [i32] (end)"),
        ("(func (i32.const 1))",
         "type mismatch: end expected no more values but the stack has 1 left"),
        ("(func (block (result i32) (if (result i32) (i32.const 1) (then (i32.const 2)))) drop)",
         "type mismatch: end expected [i32] but got []"),
        ("(func (drop (ref.as_non_null (i32.const 1))))",
         "type mismatch: ref.as_non_null expected a reference but got i32"),
        ("(func (local (ref func)) (drop (local.get 0)))", "uninitialized local"),
        ("(func $f (drop (ref.func $f)))", "undeclared function reference"),
        ("(global i32 (i32.const 0)) (func (global.set 0 (i32.const 1)))", "immutable global"),
        ("(memory 1) (func (drop (i32.load align=8 (i32.const 0))))",
         "alignment must not be larger than natural: i32.load expected 2^2 but got 2^3"),
        ("(func (result f32) (return_call $g)) (func $g (result i32) (i32.const 1))",
         "type mismatch: return_call expected [f32] but got [i32]"),
        ("(type $t (func)) (func (param (ref null $t)) (call 0 (ref.null func)))",
         "type mismatch: instruction requires [(ref null 0)] but stack has [funcref] (call)"),
        ("(func (select (ref.null func) (ref.null func) (i32.const 1)) drop)",
         "type mismatch: select expected a number or vector but got funcref"),
        ("(table 1 (ref func))", "type mismatch: a table of (ref func) needs an initial value"),
        ("(type $a (sub final (func))) (type (sub $a (func)))",
         "sub type: type 1 does not match its supertype 0, which is final"),
    ],
)  # fmt: skip
def test_a_message_shows_both_sides(text: str, message: str) -> None:
    error = refusal(wat(f"(module {text})"))
    assert type(error) is InvalidError
    assert str(error).startswith(message)


def test_an_error_in_a_body_has_the_place_of_its_instruction() -> None:
    data = wat('(module (import "" "" (func)) (func) (func nop nop (br 7)))')
    error = refusal(data)
    assert error.function == 2
    assert error.offset is not None and data[error.offset : error.offset + 2] == b"\x0c\x07"
    assert str(error).startswith("unknown label 7: expected an index below 1")


def test_errors_in_frequent_instructions_have_the_usual_messages() -> None:
    padding = b"\x41\0\x1a" * 10  # a fast path checks them if so many bytes follow
    for code, message in [
        (b"\x41\0\x6a", "type mismatch: i32.add expected i32 but the stack is empty"),
        (b"\x41\0\x7b", "type mismatch: i64.popcnt expected i64 but got i32"),
        (b"\x20\0", "unknown local 0: there is no local before this point"),
        (b"\x41\0\x28\x02\0", "unknown memory 0: there is no memory before this point"),
        (b"\x41\xff\xff\xff\xff\x1f", "integer too large"),
        (b"\x41\xff\xff\xff\xff\xff\x0f", "integer representation too long"),
    ]:
        error = refusal(function(code + padding))
        assert message in str(error) and error.function == 0


def test_a_body_that_goes_on_or_ends_early_is_malformed() -> None:
    assert str(refusal(function(b"\x0b\x01"))).startswith("section size mismatch")
    assert type(refusal(function(b"\x02\x40"))) is MalformedError
    assert type(refusal(function(b"\x05"))) is MalformedError
    assert str(refusal(function(b"\x17\x40\x0b"))).startswith("illegal opcode 17")


# ---- types ----


def test_types_of_equal_groups_are_the_same() -> None:
    pair = "(rec (type (func (param (ref {}))))  (type (func (param (ref {})))))"
    text = f"""(module {pair.format(1, 0)} {pair.format(3, 2)}
        (func (param (ref 0)) (call 1 (local.get 0))) (func (param (ref {{}}))))"""
    pywasm3.Module.validate(wat(text.format(2)))
    assert "(ref 1)" in str(refusal(wat(text.format(3))))


def test_a_type_alone_differs_from_the_same_one_in_a_group() -> None:
    text = """(module (type (func)) (rec (type (func)) (type (func)))
        (func (param (ref {})) (call 1 (local.get 0))) (func (param (ref {}))))"""
    for first, second in ((0, 1), (1, 2), (2, 0)):
        assert type(refusal(wat(text.format(first, second)))) is InvalidError


# ---- constant expressions ----


def test_a_constant_expression_may_compute_with_earlier_globals() -> None:
    exports = pywasm3.Instance(
        pywasm3.Module(
            wat("""(module
                (global $a i32 (i32.const 5)) (global $b i64 (i64.const -3))
                (global (export "i") i32
                    (i32.sub (i32.mul (global.get $a) (i32.const 0x40000000)) (i32.const 1)))
                (global (export "j") i64 (i64.add (i64.mul (global.get $b) (i64.const 7))
                    (i64.sub (i64.const 1) (i64.const 0x7fffffffffffffff)))))""")
        )
    ).exports
    assert exports.i.value == 0x3FFFFFFF
    assert exports.j.value == 2**63 - 19  # -21 + 1 - (2**63 - 1), wrapped around


def test_each_function_is_declared_for_itself() -> None:
    """ref.func needs a declaration of exactly this function, whatever its index is."""
    functions = "(func) " * 40
    for index in range(40):
        text = "(module {} (func (drop (ref.func {}))) (elem declare func {}))"
        pywasm3.Module.validate(wat(text.format(functions, index, index)))
        data = bytearray(wat(text.format(functions, index, index)))
        place = data.rindex(bytes([0xD2, index])) + 1
        data[place] = (index + 1) % 40
        assert "undeclared function reference" in str(refusal(bytes(data)))


def test_a_segments_offset_may_be_computed() -> None:
    memory = pywasm3.Instance(
        pywasm3.Module(
            wat("""(module (memory (export "m") 1) (global $g i32 (i32.const 100))
                (data (offset (i32.add (global.get $g) (i32.const -90))) "x"))""")
        )
    ).exports.m
    assert memory.read(10, 1) == b"x"


def test_a_constant_expression_of_10_000_values_at_once_can_be_run() -> None:
    def data(count: int) -> bytes:
        code = b"\x41\x01" * count + b"\x6a" * (count - 1) + b"\x0b"
        return HEADER + section(6, b"\x01\x7f\x00" + code) + section(7, b"\x01\x01g\x03\x00")

    instance = pywasm3.Instance(pywasm3.Module(data(10_000)))
    assert instance.exports.g.value == 10_000
    pywasm3.Module.validate(data(10_001))
    with pytest.raises(UnsupportedError, match="extended constant expressions"):
        pywasm3.Module(data(10_001))


def test_an_offset_may_be_as_long_as_a_64_bit_number() -> None:
    body = b"\0\x41\0\x2d\0\x82" + b"\x80" * 8 + b"\0\x0b"  # i32.load8_u offset=2
    data = (
        HEADER
        + section(1, b"\x01\x60\0\x01\x7f")
        + section(3, b"\x01\0")
        + section(5, b"\x01\0\x01")
        + section(7, b"\x01\x01f\0\0")
        + section(10, b"\x01" + leb(len(body)) + body)
        + section(11, b"\x01\0\x41\0\x0b\x03\x05\x06\x07")
    )
    assert pywasm3.Instance(pywasm3.Module(data)).exports.f() == 7


# ---- limits and cost ----


def test_blocks_may_nest_250000_deep() -> None:
    depth = 249_999  # the body of the function is a block, too
    pywasm3.Module.validate(function(b"\x02\x40" * depth + b"\x0b" * depth))
    error = refusal(function(b"\x02\x40" * (depth + 1) + b"\x0b" * (depth + 1)))
    assert type(error) is UnsupportedError
    assert "250000 blocks" in str(error)


def test_4000000_operands_may_be_on_the_stack() -> None:
    types = b"\x02\x60\0\0" + b"\x60\0" + leb(1000) + b"\x7f" * 1000
    calls = HEADER + section(1, types) + section(3, b"\x02\0\1")
    for count, allowed in ((4000, True), (4001, False)):
        bodies = [b"\0" + b"\x10\1" * count + b"\0\x0b", b"\0\0\x0b"]
        data = calls + section(10, vector([leb(len(body)) + body for body in bodies]))
        if allowed:
            pywasm3.Module.validate(data)
        else:
            assert "4000000 are supported" in str(refusal(data))


def test_a_hierarchy_of_types_may_be_64_deep() -> None:
    def data(count: int) -> bytes:
        types = [b"\x50\0\x60\0\0"]
        types += [b"\x50\x01" + leb(i) + b"\x60\0\0" for i in range(count - 1)]
        return HEADER + section(1, vector(types))

    pywasm3.Module.validate(data(64))
    assert type(refusal(data(65))) is UnsupportedError


GIANT = 7_000_000
NO_TYPES = b"\x01\x60\0\0"
WIDE = b"\x60" + leb(500) + b"\x7f" * 500 + leb(500) + b"\x7f" * 500
FIELDS = b"\x5f" + leb(10_000) + b"\x7f\0" * 10_000
COSTLY = {
    "nested blocks": function(b"\x02\x40" * 100_000 + b"\x0b" * 100_000),
    "a giant function": function(b"\x41\0\x1a" * (GIANT // 3)),
    "a label table": function(
        b"\x02\x40" * 1000 + b"\x41\0\x0e" + vector([leb(i % 1000) for i in range(1_000_000)])
        + b"\0" + b"\x0b" * 1000),
    "wide calls": function(b"\0" + b"\x10\0\x1a" * 500_000 + b"\0", b"\x01" + WIDE),
    "wide structures": function(
        b"\0" + b"\xfb\0\1\x1a" * (GIANT // 4), b"\x02\x60\0\0" + FIELDS),
    "many locals": HEADER + section(1, NO_TYPES) + section(3, leb(50_000) + b"\0" * 50_000)
        + section(10, leb(50_000) + b"\x09\x01\xd0\x86\x03\x7f\x20\x00\x1a\x0b" * 50_000),
    "groups of locals": function(
        b"\x20\xcf\x86\x03\x1a" * 500_000, groups=leb(50_000) + b"\x01\x7f\x01\x7e" * 25_000),
    "types": HEADER + section(1, vector(
        [b"\x60\x08" + bytes(0x7C + (i >> 2 * k & 3) for k in range(8)) + b"\0"
         for i in range(60_000)])),
    "equal groups": HEADER + section(1, vector([b"\x4e" + vector([NO_TYPES[1:]] * 300)] * 300)),
    "a chain of types": HEADER + section(1, vector(
        [NO_TYPES[1:], *[b"\x60\x01\x64" + signed_leb(i) + b"\0" for i in range(60_000)]])),
    "dead operands": function(b"\0" + b"\x1c\x01\x7f" * (GIANT // 3) + b"\0"),
}  # fmt: skip


@pytest.mark.parametrize("name", COSTLY)
def test_the_time_is_in_proportion_to_the_bytes(name: str) -> None:
    data = COSTLY[name]
    before = time.perf_counter()
    pywasm3.Module.validate(data)
    spent = time.perf_counter() - before
    # Validation usually takes 10 to 100 ns a byte. If it were quadratic, it would take minutes.
    assert spent < (len(data) * 1e-6 + 0.5) * (20 if SANITIZED else 1)
