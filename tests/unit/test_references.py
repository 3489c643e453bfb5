# SPDX-License-Identifier: MIT
"""Instructions on references, in functions, blocks, locals and globals.

The expected results follow from the specification of each instruction, section 4.4.
"""

from __future__ import annotations

import pytest

import pywasm3
from helpers import load
from pywasm3 import Trap, TrapKind

# Tests tell $f from $g by what they return: 1 and 2. $run returns 0 for null.
PRELUDE = """
  (type $t (func (result i32))) (table $t 1 funcref)
  (func $f (type $t) i32.const 1) (func $g (type $t) i32.const 2)
  (elem declare func $f $g)
  (func $run (param funcref) (result i32)
    (if (result i32) (ref.is_null (local.get 0)) (then (i32.const 0))
      (else (table.set $t (i32.const 0) (local.get 0))
        (call_indirect (type $t) (i32.const 0)))))
  (func $choose (param i32) (result funcref)
    (select (result funcref) (ref.func $f) (ref.null func) (local.get 0)))
"""


def module(*lines: str) -> pywasm3.Exports:
    return load(f"(module {PRELUDE} {' '.join(lines)})").exports


def test_ref_func_is_the_function() -> None:
    assert module('(func (export "x") (result i32) (call $run (ref.func $g)))').x() == 2


@pytest.mark.parametrize("heap", ["func", "extern"])
def test_ref_null_is_null(heap: str) -> None:
    assert module(f'(func (export "x") (result i32) (ref.is_null (ref.null {heap})))').x() == 1


def test_many_null_and_function_references_exceed_the_table_of_constants() -> None:
    pushes = "(call $run (ref.func $f)) i32.add (call $run (ref.null func)) i32.add " * 100
    assert module(f'(func (export "x") (result i32) i32.const 0 {pushes})').x() == 100


def test_locals_of_references_begin_as_null() -> None:
    exports = module(
        """(func (export "x") (result i32) (local funcref externref i32 funcref)
        (i32.and (ref.is_null (local.get 0)) (ref.is_null (local.get 3))))"""
    )
    assert exports.x() == 1


def test_locals_hold_references() -> None:
    exports = module(
        """(func (export "x") (param i32) (result i32) (local $a funcref) (local $b funcref)
        (local.set $a (ref.func $g)) (local.set $b (local.get $a))
        (if (local.get 0) (then (local.set $a (ref.null func))))
        (i32.add (call $run (local.get $a))
          (i32.mul (i32.const 10) (call $run (local.get $b)))))"""
    )
    assert exports.x(0) == 22
    assert exports.x(1) == 20


def test_typed_select_chooses_between_references_and_numbers() -> None:
    exports = module(
        """(func (export "x") (param i32) (result i32)
        (call $run (select (result funcref) (ref.func $f) (ref.func $g) (local.get 0))))
        (func (export "i64") (param i64 i64 i32) (result i64)
        (select (result i64) (local.get 0) (local.get 1) (local.get 2)))
        (func (export "f64") (param f64 f64 i32) (result f64)
        (select (result f64) (local.get 0) (local.get 1) (local.get 2)))"""
    )
    assert (exports.x(1), exports.x(0)) == (1, 2)
    assert (exports.i64(1 << 40, 7, 1), exports.i64(1 << 40, 7, 0)) == (1 << 40, 7)
    assert (exports.f64(0.5, 2, 1), exports.f64(0.5, 2, 0)) == (0.5, 2)


def test_blocks_give_references() -> None:
    exports = module(
        """(func (export "x") (param i32) (result i32)
        (call $run (block (result funcref)
          (drop (br_if 0 (ref.func $f) (local.get 0))) (ref.func $g))))"""
    )
    assert (exports.x(1), exports.x(0)) == (1, 2)


def test_blocks_of_many_types_take_and_give_references() -> None:
    """The index of the block's type takes more than one byte."""
    fillers = "".join(f"(type (func (param i32) (result {'i32 ' * n})))" for n in range(2, 80))
    exports = load(
        f"""(module {fillers} (type $b (func (param i32 funcref) (result funcref i32)))
        (func (export "x") (param i32) (result i32 i32)
          (local.get 0) (ref.null func) (block (type $b) (local.set 1) (local.set 0)
            (local.get 1) (local.get 0)) (local.set 0) (ref.is_null) (local.get 0))
        )""".replace("(param i32) (result i32 i32)", "(param i32) (result i32 i32) (local funcref)")
    ).exports
    assert exports.x(5) == (1, 5)


# ---- references that are not null ----


def test_ref_as_non_null_traps_on_null_and_says_where() -> None:
    exports = module(
        """(func (export "x") (param i32) (result i32)
        (call $run (ref.as_non_null (call $choose (local.get 0)))))"""
    )
    assert exports.x(1) == 1
    with pytest.raises(Trap) as caught:
        exports.x(0)
    assert caught.value.kind is TrapKind.NULL_REFERENCE
    assert caught.value.frames[0].offset is not None


def test_ref_as_non_null_leaves_what_is_below() -> None:
    exports = module(
        """(func (export "x") (param i32 f64) (result f64)
        (f64.mul (local.get 1) (f64.const 2)) (i32.add (local.get 0) (i32.const 1))
        (call $run (ref.as_non_null (table.get $t (table.grow $t (ref.func $g) (i32.const 1)))))
        i32.add f64.convert_i32_s f64.add)"""
    )
    assert exports.x(10, 0.5) == 1 + 11 + 2


def test_br_on_null_goes_without_the_reference_or_stays_with_it() -> None:
    exports = module(
        """(func (export "x") (param i32) (result i32)
        (block $null (return (call $run (br_on_null $null (call $choose (local.get 0))))))
        i32.const -1)"""
    )
    assert (exports.x(1), exports.x(0)) == (1, -1)


def test_br_on_null_takes_a_reference_as_it_comes_from_a_table() -> None:
    text = """(module (table 2 funcref) (elem (i32.const 0) func 0)
        (func (export "f") (param i32) (result i32)
          (block (drop (br_on_null 0 (table.get 0 (local.get 0)))) (return (i32.const 1)))
          (i32.const 0)))"""
    function = load(text).exports.f
    assert [function(0), function(1)] == [1, 0]


def test_br_on_null_carries_the_values_below() -> None:
    exports = module(
        """(func (export "x") (param i32 i64) (result i64 f64)
        (block $null (result i64 f64)
          (i64.add (local.get 1) (i64.const 1)) (f64.convert_i64_s (local.get 1))
          (br_on_null $null (call $choose (local.get 0)))
          (call $run) (f64.convert_i32_s) (f64.add)))"""
    )
    assert exports.x(0, 4) == (5, 4.0)
    assert exports.x(1, 4) == (5, 5.0)


def test_br_on_null_may_leave_the_function_or_continue_a_loop() -> None:
    exports = module(
        """(func (export "leave") (param i32) (result i32)
        (i32.const 7) (br_on_null 0 (call $choose (local.get 0))) (drop))
        (func (export "loop") (param i32) (result i32) (local $n i32)
        (loop $again
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_on_null $again (call $choose (i32.eq (local.get $n) (local.get 0)))) (drop))
        (local.get $n))"""
    )
    assert (exports.leave(0), exports.leave(1)) == (7, 7)
    assert exports.loop(5) == 5


def test_br_on_non_null_goes_with_the_reference_or_stays_without_it() -> None:
    exports = module(
        """(func (export "x") (param i32) (result i32)
        (block $found (result (ref func))
          (br_on_non_null $found (call $choose (local.get 0))) (return (i32.const -1)))
        (call $run))"""
    )
    assert (exports.x(1), exports.x(0)) == (1, -1)


def test_br_on_non_null_leaves_what_is_below_the_block() -> None:
    exports = module(
        """(func (export "x") (param i32) (result i32 i32)
        (i32.add (local.get 0) (i32.const 10))
        (block $found (result (ref func))
          (br_on_non_null $found (call $choose (local.get 0)))
          (return (local.get 0) (i32.const -1)))
        (call $run))"""
    )
    assert exports.x(1) == (11, 1)
    assert exports.x(0) == (0, -1)


# ---- globals ----


def test_globals_hold_references() -> None:
    exports = module(
        """(global $g (export "g") (mut funcref) (ref.func $f))
        (global $n (export "n") (mut externref) (ref.null extern))
        (func (export "x") (result i32) (call $run (global.get $g)))
        (func (export "n_is_null") (result i32) (ref.is_null (global.get $n)))
        (func (export "set") (global.set $g (ref.func $g)))"""
    )
    assert exports.x() == exports.g.value() == 1
    exports.set()
    assert exports.x() == exports.g.value() == 2
    exports.g.value = None
    assert exports.x() == 0
    assert exports.n_is_null() == 1


def test_instances_share_a_global_of_references() -> None:
    owner = load(
        '(module (func $f (export "f")) (global (export "g") (mut funcref) (ref.func $f)))'
    )
    user = load(
        """(module (import "m" "g" (global $g (mut funcref)))
        (func (export "clear") (global.set $g (ref.null func))))""",
        {"m": owner},
    )
    user.exports.clear()
    assert owner.exports.g.value is None


# ---- code that cannot be reached ----

DEAD = """
ref.null func drop  ref.null extern ref.is_null drop  ref.func $f drop
ref.as_non_null drop  br_on_null 0 drop
(block (result (ref func)) unreachable br_on_non_null 0 unreachable) drop
(select (result funcref) (ref.null func) (ref.null func) (i32.const 1)) drop
(table.get $t (i32.const 0)) drop  (table.set $t (i32.const 0) (ref.null func))
(table.size $t) drop  (table.grow $t (ref.null func) (i32.const 1)) drop
(table.fill $t (i32.const 0) (ref.null func) (i32.const 1))
(table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 0))
(table.init $t $s (i32.const 0) (i32.const 0) (i32.const 0)) (elem.drop $s)
(memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop $d)
(memory.copy (i32.const 0) (i32.const 0) (i32.const 0))
(memory.fill (i32.const 0) (i32.const 0) (i32.const 0)) (memory.size) drop
(memory.grow (i32.const 0)) drop  (call_indirect $t (type $t) (i32.const 0)) drop
(block (result (ref null $t)) (unreachable)) drop
(block (result (ref func)) (unreachable)) drop
(select (result (ref null $t)) (ref.null $t) (ref.null $t) (i32.const 0)) drop
(ref.null $t) drop (i64.load offset=300 (i32.const 0)) drop
"""


def test_instructions_that_cannot_be_reached_are_skipped() -> None:
    exports = module(
        f"""(memory 1) (data $d "") (elem $s func $f)
        (func (export "x") (result i32) (block $b (br $b) {DEAD}) (i32.const 3))
        (func (export "y") (result i32) (return (i32.const 4))
          (block unreachable {DEAD}) (i32.const 5))"""
    )
    assert (exports.x(), exports.y()) == (3, 4)
