# SPDX-License-Identifier: MIT
"""Vectors on the operand stack keep their values while locals are set.

The expected values are the ones that the test put into the locals.
"""

from __future__ import annotations

import pytest

from helpers import load

OLD, NEW = bytes(range(16)), bytes(range(100, 116))

# Code that pushes the vector that the local is set to: the local $n, a result, or a result of the
# local that is set.
SOURCES = {
    "local": "(local.get $n)",
    "result": "(i8x16.add (local.get $n) (v128.const i64x2 0 0))",
    "own": "(i8x16.add (i8x16.sub (local.get $n) (local.get $v)) (local.get $v))",
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("operands", [0, 1, 30, 31, 32, 33, 34, 40, 100])
@pytest.mark.parametrize("name", ["set", "tee"])
def test_a_copy_of_a_local_keeps_its_value_when_the_local_is_set(
    source: str, operands: int, name: str
) -> None:
    """The copy lies on the stack between as many other operands."""
    below, above = operands // 2, operands - operands // 2
    other = "(v128.const i64x2 7 7)"
    code = SOURCES[source]
    instance = load(
        f"""(module (memory (export "m") 1)
          (func (export "f") (param $v v128) (param $n v128) (result v128 v128)
            {other * below} (local.get $v) {other * above}
            {f"(local.set $v {code})" if name == "set" else f"(drop (local.tee $v {code}))"}
            {"drop " * above} (local.set $n) {"drop " * below} (local.get $n) (local.get $v)))"""
    )
    assert instance.exports.f(OLD, NEW) == (OLD, NEW)


@pytest.mark.parametrize(
    "condition", ["(i32.const 1)", "(local.get $c)", "(i32.load (local.get $z))"]
)
@pytest.mark.parametrize("first", ["(local.get $v)", "(v128.not (local.get $w))"])
@pytest.mark.parametrize("second", ["(local.get $n)", "(v128.not (local.get $m))"])
def test_select_takes_each_vector_from_where_it_is(condition: str, first: str, second: str) -> None:
    """The condition is a constant, a local, or what was just computed, and so are the vectors."""
    code = f"(select {first} {second} {condition})"
    instance = load(
        f"""(module (memory 1) (data (i32.const 0) "\\01")
          (func (export "f")
            (param $v v128) (param $w v128) (param $n v128) (param $m v128) (param $c i32)
            (result v128 v128) (local $z i32)
            {code} (i8x16.sub {code.replace("const 1", "const 0")} (v128.const i64x2 0 0))))"""
    )
    expected = NEW if condition == "(i32.const 1)" else OLD
    inverse = [bytes(255 - byte for byte in value) for value in (OLD, NEW)]
    assert instance.exports.f(OLD, inverse[0], NEW, inverse[1], 1) == (OLD, expected)
