# SPDX-License-Identifier: MIT
"""Operands and locals keep their values while the compiler shares, frees and reuses their slots.

All results are compared with wasmtime's. docs/internals/wasm3-bugs.md explains what a slot is.
"""

from __future__ import annotations

import itertools

import pytest

import pywasm3
from helpers import Oracle, load, wat

MIXED = [*itertools.product(["i32", "i64"], repeat=3)]


def check(text: str, *arguments: int) -> None:
    """Asserts that the export f gives the same results as in wasmtime."""
    data = wat(text)
    assert pywasm3.load(data).exports.f(*arguments) == Oracle(data).call("f", *arguments)


def operand(type_: str, value: int) -> str:
    """A value that is computed, so that it needs a slot of its own."""
    given = "(i32.wrap_i64 (local.get 0))" if type_ == "i32" else "(local.get 0)"
    return f"({type_}.add {given} ({type_}.const {value}))"


@pytest.mark.parametrize("below", ["i32", "i64", "i32 i32 i32"])
@pytest.mark.parametrize("types", MIXED)
def test_results_of_both_widths_move_past_an_operand(types: tuple[str, ...], below: str) -> None:
    check(
        f"""(module (func (export "f") (param i64) (result {" ".join(types)})
        (block (result {" ".join(types)})
          {" ".join(operand(type_, 100) for type_ in below.split())}
          {" ".join(operand(type_, 1 << 8 * i) for i, type_ in enumerate(types))}
          br 0)))""",
        0x123456789ABCDEF,
    )


def test_a_wide_value_and_two_narrow_ones_change_places() -> None:
    """The old value of the local lies above the operands that came after it."""
    check(
        """(module (func (export "f") (param i64) (result i64 i32 i32) (local i64)
        (local.set 1 (local.get 0))
        (block (result i64 i32 i32)
          local.get 1
          (i32.wrap_i64 (i64.mul (local.get 0) (i64.const 3)))
          (i32.wrap_i64 (i64.mul (local.get 0) (i64.const 5)))
          (local.set 1 (i64.mul (local.get 0) (i64.const 7)))
          br 0)))""",
        0x123456789ABCDEF,
    )


@pytest.mark.parametrize("types", MIXED)
def test_arguments_of_a_tail_call_come_from_locals_in_their_places(types: tuple[str, ...]) -> None:
    for gets in itertools.permutations(range(1, 7), 3):
        picked = [(types * 2)[index - 1] for index in gets]
        check(
            f"""(module
            (func $g (param {" ".join(picked)}) (result {" ".join(picked)})
              local.get 0 local.get 1 local.get 2)
            (func (export "f") (param i64) (result {" ".join(picked)})
              (local {" ".join(types * 2)})
              {" ".join(f"(local.set {i + 1} {operand(t, i)})" for i, t in enumerate(types * 2))}
              {" ".join(f"local.get {index}" for index in gets)}
              return_call $g))""",
            0x123456789ABCDEF,
        )


def test_a_wide_operand_takes_no_pair_of_slots_whose_second_is_in_use() -> None:
    """The old value of the local moves to the slot after those of the operands above it."""
    check(
        """(module (func (export "f") (param i32) (result i32 i64)
        local.get 0
        (i32.add (local.get 0) (i32.const 1)) (i32.add (local.get 0) (i32.const 2))
        (local.set 0 (i32.const 5))
        drop drop
        (i64.add (i64.const 7) (i64.extend_i32_u (local.get 0)))
        (drop (i64.add (i64.const 1) (i64.const 2)))))""",
        9,
    )


def test_both_slots_of_a_value_are_kept_for_the_last_operand_that_shares_them() -> None:
    check(
        """(module (func (export "f") (param i64) (result i64 i32 i32)
        local.get 0 local.get 0
        (local.set 0 (i64.const 7))
        drop
        (i32.wrap_i64 (i64.add (local.get 0) (i64.const 1)))
        (i32.wrap_i64 (i64.add (local.get 0) (i64.const 2)))))""",
        0x123456789ABCDEF,
    )


@pytest.mark.parametrize("count", [255, 257, 258, 600])
def test_so_many_operands_that_are_one_local_keep_its_value(count: int) -> None:
    """Some of the operands are dropped, and other operands take slots of their own."""
    check(
        f"""(module (func (export "f") (param i64) (result i64)
        {"local.get 0 " * count}
        (local.set 0 (i64.const 1000))
        drop drop
        {"(i64.mul (local.get 0) (i64.const 3))" * 5}
        {"i64.add " * (count + 2)}))""",
        1 << 40,
    )


def test_the_last_local_keeps_its_value_as_an_operand_below_a_block() -> None:
    check(
        """(module (func (export "f") (result i32) (local i32 i32 i32)
        (local.set 2 (i32.const 7))
        local.get 2 (block (local.set 2 (i32.const 6)))))"""
    )


def test_the_condition_of_a_branch_to_a_loop_may_be_older_than_the_last_result() -> None:
    check(
        """(module (func (export "f") (param i32 i32) (result i32)
        (loop
          (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
          (local.set 1 (i32.mul (local.get 1) (i32.const 2)))
          (br_if 0 (local.get 0)))
        (local.get 1)))""",
        5,
        1,
    )


def test_a_conditional_branch_gives_its_parameter_to_a_loop_without_results() -> None:
    check(
        """(module (func (export "f") (param i32) (result i32) (local i32 i32)
        local.get 0
        (loop (param i32)
          local.tee 1
          (local.set 2 (i32.add (local.get 2) (local.get 1)))
          (i32.sub (local.get 1) (i32.const 1))
          (br_if 0 (i32.lt_u (local.get 2) (i32.const 28)))
          drop drop)
        local.get 2))""",
        10,
    )


def test_loops_give_back_the_slots_of_their_parameters() -> None:
    """A function holds 13,312 values at a time, and these 14,000 loops would need more."""
    loop = """local.get 0 local.get 0 (local.set 0 (i64.const 7))
      (loop (param i64 i64) drop drop)"""
    load(f'(module (func (export "f") (param i64) {loop * 14_000}))', compile="eager")


def test_branches_that_move_a_few_values_each_are_never_too_many() -> None:
    text = f"""(module (func (export "f") (param i32) (result {"i32 " * 12})
        {"i32.const 7 " * 12} {"local.get 0 br_if 0 " * 100_000}))"""
    assert load(text).exports.f(0) == (7,) * 12


def deepest() -> int:
    """How many frames of a function fit on a small stack, which its number of slots decides."""
    instance = pywasm3.load(
        wat(
            """(module (global $depth (export "depth") (mut i32) (i32.const 0))
            (func $f (export "f") (param i64) (result i64)
              (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
              (i64.add (local.get 0) (call $f (i64.mul (local.get 0) (i64.const 3))))))"""
        ),
        limits=pywasm3.Limits(stack=65536),
    )
    with pytest.raises(pywasm3.StackExhausted):
        instance.exports.f(1)
    return int(instance.exports.depth.value)


def test_the_slots_of_a_function_are_free_for_the_next_one() -> None:
    """The state in which functions are compiled serves one after the other."""
    before = deepest()
    load(f"""(module (func (export "f") (local {"i64 " * 3_000} i32)
        {"(local.get 3000) " * 1_000} {"drop " * 1_000}))""").exports.f()
    assert deepest() == before


def test_the_slots_of_a_function_that_is_too_large_are_free_for_the_next_one() -> None:
    before = deepest()
    with pytest.raises(pywasm3.UnsupportedError, match="function too large"):
        load(f"""(module (func (export "f") (local {"i64 " * 2_990})
            {"(i64.add (local.get 0) (local.get 1)) " * 10_400} {"drop " * 10_400}))""").exports.f()
    assert deepest() == before
