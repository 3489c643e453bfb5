# SPDX-License-Identifier: MIT
"""Valid functions at the limits of the engine run, and larger ones are refused with a reason.

native/base/wasm3_config.h sets the limits.
"""

from __future__ import annotations

import pytest

import pywasm3
from helpers import SLOTS, load, on_thread, wat

VALUES = 13312

TOO_MANY = r"more than 13312 values at a time.*locals \(at most 3000 of them count\)"


def operands(count: int, type_: str = "i32", locals_: str = "") -> str:
    """A module whose f has so many operands on the stack at a time."""
    return f"""(module (func (export "f") (result {type_}) {locals_}
        {f"{type_}.const 1 " * count} {f"{type_}.add " * (count - 1)}))"""


@pytest.mark.parametrize("type_", ["i32", "i64"])
def test_a_function_holds_13312_operands(type_: str) -> None:
    assert load(operands(VALUES, type_)).exports.f() == VALUES


@pytest.mark.parametrize("count", [SLOTS, SLOTS + 1, 40_000])
def test_beside_locals_a_function_holds_10312_operands(count: int) -> None:
    text = operands(VALUES - SLOTS, "i64", f"(local {'i64 ' * count})")
    assert load(text).exports.f() == VALUES - SLOTS


@pytest.mark.parametrize(
    "text",
    [
        operands(VALUES + 1),
        operands(VALUES - SLOTS + 1, locals_=f"(local {'i32 ' * SLOTS})"),
        f"""(module (func (export "f") (result i32)
          {"(block (result i32) " * (VALUES + 1)} i32.const 1 {")" * (VALUES + 1)}))""",
    ],
    ids=["operands", "locals", "results of blocks"],
)
def test_a_function_with_too_many_values_is_refused_by_name(text: str) -> None:
    exports = load(text).exports
    for _ in range(2):
        with pytest.raises(pywasm3.UnsupportedError, match=TOO_MANY) as caught:
            exports.f()
        assert caught.value.function == 0
        assert "at f (function 0" in str(caught.value)


def test_calls_that_climb_above_an_old_value_are_refused_where_the_frame_ends() -> None:
    """The old value of the local lies above operands that have been dropped."""
    count = VALUES - 10
    text = f"""(module (func $one (result i64) (i64.const 1))
        (func (export "f") (param i64) local.get 0
          {"(i64.add (local.get 0) (i64.const 1)) " * count} (local.set 0 (i64.const 1))
          {"drop " * count} {"call $one " * count} {"drop " * count} drop))"""
    exports = load(text).exports
    with pytest.raises(pywasm3.UnsupportedError, match="function too large"):
        exports.f(1)


def test_most_values_beside_most_results_and_arguments_are_held() -> None:
    text = f"""(module
        (func $many (param {"i64 " * 500}) (result {"i64 " * 500})
          {" ".join(f"(local.get {i})" for i in range(500))})
        (func (export "f") (param i64) (result {"i64 " * 999}) (local {"i64 " * (SLOTS - 1)})
          {"(local.get 0) " * (VALUES - SLOTS)} call $many
          {"drop " * (VALUES - SLOTS - 999)}))"""
    assert load(text).exports.f(7) == (7,) * 999


@pytest.mark.parametrize("opening", ["block", "loop", "i32.const 1 if", "i32.const 0 if nop else"])
def test_blocks_that_nest_too_deep_for_the_thread_are_refused(opening: str) -> None:
    depth = 10_000
    data = wat(f'(module (func (export "f") {f"{opening} " * depth} {"end " * depth}))')
    function = pywasm3.load(data).exports.f
    with pytest.raises(pywasm3.UnsupportedError, match="blocks nest too deep") as caught:
        on_thread(function, stack=256 << 10)
    assert caught.value.function == 0


def test_100_blocks_nest_in_a_small_thread() -> None:
    text = f"""(module (func (export "f") (result i32)
        {"(if (result i32) (i32.const 0) (then (i32.const 1)) (else " * 100} (i32.const 5)
        {"))" * 100}))"""
    assert on_thread(load(text).exports.f, stack=256 << 10) == 5


def test_a_table_of_a_million_targets_is_compiled() -> None:
    text = f"""(module (func (export "f") (param i32) (result i32)
        (block (block (br_table {"0 1 " * 500_000} 0 (local.get 0))) (return (i32.const 5)))
        (i32.const 6)))"""
    function = load(text).exports.f
    assert [function(index) for index in (0, 1, 999_999, 1_000_000, -1)] == [5, 6, 6, 5, 5]


def test_40_tables_of_600_targets_each_are_compiled() -> None:
    """The room that one table leaves on a page of code is too little for the next table."""
    table = f"(block (block (br_table {'0 1 ' * 300} 1 (local.get 0))) {{}})"
    text = f"""(module (func (export "f") (param i32) (result i32) (local i32)
        {table.format("(local.set 1 (i32.add (local.get 1) (i32.const 1)))") * 40}
        (local.get 1)))"""
    function = load(text).exports.f
    assert [function(index) for index in (0, 1, 598, 599, 600)] == [40, 0, 40, 0, 0]


TOO_LARGE = f"""(module (import "env" "touch" (func $touch)) (start $touch)
    (memory (export "memory") 1) (data (i32.const 0) "x")
    (func $small) (func $large {"i32.const 1 " * (VALUES + 1)} {"drop " * (VALUES + 1)}))"""


def test_eager_compilation_refuses_at_once_what_is_too_large() -> None:
    called = []
    with pytest.raises(pywasm3.UnsupportedError, match=TOO_MANY) as caught:
        load(TOO_LARGE, {"env": {"touch": lambda: called.append(1)}}, compile="eager")
    assert (caught.value.function, called) == (2, [])
    assert caught.value.offset is not None


def test_lazy_compilation_leaves_alone_what_is_never_called() -> None:
    called = []
    load(TOO_LARGE, {"env": {"touch": lambda: called.append(1)}})
    assert called == [1]


def test_eagerly_compiled_functions_give_the_same_results() -> None:
    text = """(module (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (table funcref (elem $twice))
        (func (export "f") (param i32) (result i32)
          (i32.add (call $twice (local.get 0))
                   (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))))"""
    exports = load(text, compile="eager").exports
    assert [exports.f(n) for n in (1, 5)] == [4, 20]


def test_compilation_is_eager_or_lazy() -> None:
    with pytest.raises(ValueError, match=r"lazy.*eager"):
        load("(module)", compile="late")  # type: ignore[arg-type]


def test_a_function_that_was_too_deep_for_a_thread_runs_on_one_with_more_stack() -> None:
    depth = 10_000
    text = f'(module (func (export "f") {"block " * depth} {"end " * depth}))'
    function = load(text).exports.f
    with pytest.raises(pywasm3.UnsupportedError, match="blocks nest too deep"):
        on_thread(function, stack=256 << 10)
    assert on_thread(function, stack=64 << 20) is None


@pytest.mark.parametrize(("call", "opcode"), [("call", 0x10), ("return_call", 0x12)])
def test_a_call_of_a_function_that_is_too_deep_for_the_thread_is_a_frame(
    call: str, opcode: int
) -> None:
    depth = 10_000
    text = f"""(module (func {"block " * depth} {"end " * depth})
        (func (export "f") (drop (i32.div_u (i32.const 1) (i32.const 1))) ({call} 0)))"""
    data = wat(text)
    with pytest.raises(pywasm3.UnsupportedError, match="blocks nest too deep") as caught:
        on_thread(pywasm3.load(data).exports.f, stack=256 << 10)
    assert caught.value.function == 0
    assert f"function 1, offset {data.rindex(bytes([opcode, 0])):#x})" in str(caught.value)


MANY = "(block (block (type $many) unreachable) br 0)"


def test_100_functions_that_cannot_be_compiled_say_so_each_time() -> None:
    """The code that reports the refusal is longer than that of most functions."""
    few = "".join(f'(func (export "f{i}") {MANY})' for i in range(100))
    exports = load(
        f"""(module (type $many (func (result {"i64 " * 1000})))
        {few} (func (export "spend") {MANY * 600}))"""
    ).exports
    with pytest.raises(pywasm3.UnsupportedError, match="too many values"):
        exports.spend()
    for i in [*range(100), *range(100)]:
        with pytest.raises(pywasm3.UnsupportedError, match="too many values") as caught:
            exports[f"f{i}"]()
        assert caught.value.function == i


def test_each_function_that_cannot_be_compiled_keeps_its_reason() -> None:
    exports = load(
        f"""(module (type $many (func (result {"i64 " * 1000})))
        (func (export "values") {MANY * 600})
        (func (export "large") {"i32.const 1 " * (VALUES + 1)} {"drop " * (VALUES + 1)}))"""
    ).exports
    for name, reason in [("values", "move too many"), ("large", "function too large")] * 2:
        with pytest.raises(pywasm3.UnsupportedError, match=reason):
            exports[name]()
