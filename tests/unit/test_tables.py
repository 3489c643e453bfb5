# SPDX-License-Identifier: MIT
"""Instructions on tables, element segments, and the identity of types in call_indirect.

Random operations are compared with wasmtime's; other results follow from the specification.
"""

from __future__ import annotations

import random

import pytest

import pywasm3
from helpers import Oracle, load, outcome, wat
from pywasm3 import Trap, TrapKind

# At first, element i of $a is the function that returns i + 1. `at_a` and `at_b` return 0 for null.
OPERATIONS = """
(module
  (type $t (func (result i32)))
  (table $a (export "a") 6 12 funcref)
  (table $b (export "b") 3 30 funcref)
  (func $one (result i32) i32.const 1) (func $two (result i32) i32.const 2)
  (func $three (result i32) i32.const 3)
  (elem (table $a) (i32.const 0) func $one $two $three)
  (elem $items funcref (ref.func $three) (ref.null func) (ref.func $one) (ref.func $two))
  (func $pick (param i32) (result funcref)
    (if (result funcref) (i32.eqz (local.get 0)) (then (ref.null func))
      (else (if (result funcref) (i32.and (local.get 0) (i32.const 1))
        (then (ref.func $one)) (else (ref.func $two))))))
  (func (export "at_a") (param i32) (result i32)
    (if (result i32) (ref.is_null (table.get $a (local.get 0))) (then (i32.const 0))
      (else (call_indirect $a (type $t) (local.get 0)))))
  (func (export "at_b") (param i32) (result i32)
    (if (result i32) (ref.is_null (table.get $b (local.get 0))) (then (i32.const 0))
      (else (call_indirect $b (type $t) (local.get 0)))))
  (func (export "size_a") (result i32) table.size $a)
  (func (export "size_b") (result i32) table.size $b)
  (func (export "set") (param i32 i32) (table.set $a (local.get 0) (call $pick (local.get 1))))
  (func (export "grow_a") (param i32 i32) (result i32)
    (table.grow $a (call $pick (local.get 1)) (local.get 0)))
  (func (export "grow_b") (param i32 i32) (result i32)
    (table.grow $b (call $pick (local.get 1)) (local.get 0)))
  (func (export "fill") (param i32 i32 i32)
    (table.fill $b (local.get 0) (call $pick (local.get 1)) (local.get 2)))
  (func (export "copy_aa") (param i32 i32 i32)
    (table.copy $a $a (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy_ab") (param i32 i32 i32)
    (table.copy $a $b (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32)
    (table.init $b $items (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") elem.drop $items))
"""

ARITY = {"set": 2, "grow_a": 2, "grow_b": 2, "fill": 3, "copy_aa": 3, "copy_ab": 3, "init": 3}


@pytest.mark.parametrize("seed", range(8))
def test_random_operations_on_tables_do_what_wasmtime_does(seed: int) -> None:
    chance = random.Random(seed)
    data = wat(OPERATIONS)
    exports, oracle = pywasm3.load(data).exports, Oracle(data)
    for _ in range(150):
        name = chance.choice(list(ARITY))
        arguments = [
            chance.choice([0, 1, 2, 3, 5, 6, 9, 0x7FFFFFFF, -1]) if chance.random() < 0.3 else
            chance.randrange(4)
            for _ in range(ARITY[name])
        ]  # fmt: skip
        if chance.random() < 0.02:
            name, arguments = "drop", []
        assert outcome(exports[name], *arguments) == oracle.outcome(name, *arguments)
        for table in "ab":
            size = exports[f"size_{table}"]()
            assert size == oracle.call(f"size_{table}")
            state = [outcome(exports[f"at_{table}"], i) for i in range(size + 1)]
            assert state == [oracle.outcome(f"at_{table}", i) for i in range(size + 1)]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("at_a", (6,)),
        ("at_a", (-1,)),
        ("set", (6, 1)),
        ("fill", (3, 1, 1)),
        ("fill", (1, 1, -1)),
        ("copy_ab", (6, 0, 1)),
        ("copy_ab", (0, 1, 3)),
        ("copy_aa", (-1, 0, 2)),
        ("init", (0, 4, 1)),
        ("init", (0, -1, 2)),
        ("init", (3, 0, 1)),
    ],
)
def test_beyond_an_end_traps_and_says_where(name: str, arguments: tuple[int, ...]) -> None:
    with pytest.raises(Trap) as caught:
        load(OPERATIONS).exports[name](*arguments)
    assert caught.value.kind is TrapKind.TABLE_OUT_OF_BOUNDS
    assert caught.value.frames[0].offset is not None


@pytest.mark.parametrize("before", [0, 60, 70, 80, 90, 2000])
def test_the_place_of_a_trap_is_known_in_long_functions(before: int) -> None:
    """Code is spread over pages, and each page has a map from code to offsets.

    table.copy is one of the longest operations, so it is the first to leave no room for the map.
    """
    copy = "(table.copy (i32.const 0) (i32.const 0) (i32.const {}))"
    data = wat(f'(module (table 1 funcref) (func (export "f") {copy.format(1) * before} '
               f"{copy.format(2)} {copy.format(3)}))")  # fmt: skip
    with pytest.raises(Trap) as caught:
        pywasm3.load(data).exports.f()
    assert caught.value.frames[0].offset == data.rindex(b"\xfc\x0e", 0, -8)


@pytest.mark.parametrize("before", range(8))
def test_the_longest_operations_fit_wherever_a_page_of_code_ends(before: int) -> None:
    copy = "(table.copy (i32.const 0) (i32.const 0) (i32.const 1))"
    text = f"""(module (memory 1) (table 1 funcref)
        (func (export "f") (result i32) {"(drop (memory.size))" * before} {copy * 300}
          (i32.const 7)))"""
    assert load(text).exports.f() == 7


def test_an_operation_beyond_the_end_of_a_table_writes_nothing() -> None:
    exports = load(OPERATIONS).exports
    for name, arguments in [("fill", (1, 2, 3)), ("init", (1, 0, 3)), ("init", (0, 2, 3))]:
        with pytest.raises(Trap):
            exports[name](*arguments)
    assert [exports.at_b(i) for i in range(3)] == [0, 0, 0]


def test_nothing_may_be_copied_at_the_very_end_but_not_behind_it() -> None:
    exports = load(OPERATIONS).exports
    exports.copy_ab(6, 3, 0)
    exports.init(3, 4, 0)
    for name, arguments in [("copy_ab", (7, 3, 0)), ("copy_ab", (6, 4, 0)), ("init", (3, 5, 0))]:
        with pytest.raises(Trap):
            exports[name](*arguments)


def test_a_table_does_not_grow_beyond_its_maximum() -> None:
    exports = load(OPERATIONS).exports
    assert exports.grow_a(7, 1) == -1
    assert exports.grow_a(6, 1) == 6
    assert exports.grow_a(1, 1) == -1
    assert exports.grow_a(0, 1) == 12


def test_a_table_does_not_grow_beyond_what_this_package_allows() -> None:
    exports = load(
        """(module (table 3 funcref) (func (export "grow") (param i32) (result i32)
        (table.grow (ref.null func) (local.get 0))))"""
    ).exports
    assert exports.grow(-1) == -1
    assert exports.grow(10_000_000 - 2) == -1
    assert exports.grow(10_000_000 - 3) == 3
    assert exports.grow(1) == -1


def test_the_host_sees_what_the_guest_does_to_a_table() -> None:
    exports = load(OPERATIONS).exports
    assert exports.grow_b(2, 1) == 3
    assert [element and element() for element in exports.b] == [None, None, None, 1, 1]
    assert len(exports.b) == 5


def test_the_guest_sees_what_the_host_does_to_a_table() -> None:
    exports = load(OPERATIONS).exports
    exports.b[1] = exports.a[2]
    exports.b.grow(1, exports.a[1])
    assert [exports.at_b(i) for i in range(4)] == [0, 3, 0, 2]


# ---- segments ----


def segments(*lines: str) -> str:
    return f"""(module (type $t (func (result i32))) (table $t (export "t") 2 4 funcref)
    (func $f (export "f") (result i32) i32.const 7)
    {" ".join(lines)}
    (func (export "init") (param i32) (table.init $s (i32.const 0) (i32.const 0) (local.get 0))))"""


@pytest.mark.parametrize(
    "segment",
    [
        "(elem $s declare func $f)",
        "(elem $s (i32.const 1) func $f)",
        "(elem $s func $f) (start $d) (func $d elem.drop $s)",
    ],
    ids=["declared", "active", "dropped"],
)
def test_a_segment_that_is_dropped_is_empty(segment: str) -> None:
    exports = load(segments(segment)).exports
    exports.init(0)
    with pytest.raises(Trap) as caught:
        exports.init(1)
    assert caught.value.kind is TrapKind.TABLE_OUT_OF_BOUNDS


def test_a_segment_may_be_dropped_again() -> None:
    load(segments("(elem $s func $f) (start $d) (func $d elem.drop $s elem.drop $s)"))


def test_a_segment_holds_functions_of_other_instances() -> None:
    giver = load('(module (func $f (result i32) i32.const 9) '
                 '(global (export "g") funcref (ref.func $f)))')  # fmt: skip
    taker = load(
        """(module (type $t (func (result i32))) (import "m" "g" (global $g funcref))
        (table (export "t") 2 funcref) (elem $s funcref (global.get $g) (ref.null func))
        (func (export "f") (result i32) (table.init $s (i32.const 0) (i32.const 0) (i32.const 2))
          (call_indirect (type $t) (i32.const 0))))""",
        {"m": giver},
    )
    assert taker.exports.f() == 9


def test_instances_of_a_module_drop_their_own_segments() -> None:
    module = pywasm3.Module(wat(OPERATIONS))
    first, second = pywasm3.Instance(module), pywasm3.Instance(module)
    first.exports.drop()
    second.exports.init(0, 0, 3)
    assert second.exports.at_b(0) == 3


def test_segments_before_one_that_traps_stay() -> None:
    owner = load('(module (table (export "t") 3 funcref) (memory (export "m") 1))')
    module = pywasm3.Module(
        wat(
            """(module (import "o" "t" (table 3 funcref)) (import "o" "m" (memory 1))
            (func $f (result i32) i32.const 5)
            (elem (i32.const 0) $f) (elem (i32.const 3) $f) (elem (i32.const 1) $f)
            (data (i32.const 0) "x"))"""
        )
    )
    with pytest.raises(Trap) as caught:
        pywasm3.Instance(module, {"o": owner})
    assert caught.value.kind is TrapKind.TABLE_OUT_OF_BOUNDS
    first, second, third = owner.exports.t
    assert (first(), second, third) == (5, None, None)
    assert owner.exports.m[0] == 0


# ---- call_indirect ----

PARAMETERS = ["i64", "funcref", "externref", "i32", "f64", ""]


@pytest.mark.parametrize("wanted", PARAMETERS)
@pytest.mark.parametrize("given", PARAMETERS)
def test_types_that_are_one_to_wasm3_are_not_to_call_indirect(wanted: str, given: str) -> None:
    values = {"i64": "i64.const 0", "i32": "i32.const 0", "f64": "f64.const 0", "": ""}
    values |= {"funcref": "ref.null func", "externref": "ref.null extern"}
    exports = load(
        f"""(module (type $wanted (func {f"(param {wanted})" if wanted else ""} (result i32)))
        (type $given (func {f"(param {given})" if given else ""} (result i32)))
        (table funcref (elem $f)) (func $f (type $given) i32.const 1)
        (func (export "f") (result i32)
          {values[wanted]} i32.const 0 call_indirect (type $wanted)))"""
    ).exports
    if wanted == given:
        assert exports.f() == 1
    else:
        with pytest.raises(Trap) as caught:
            exports.f()
        assert caught.value.kind is TrapKind.INDIRECT_CALL_TYPE


def test_results_count_for_the_identity_of_a_type() -> None:
    exports = load(
        """(module (type $a (func (result externref))) (type $b (func (result funcref)))
        (table funcref (elem $f)) (func $f (type $a) ref.null extern)
        (func (export "f") (drop (call_indirect (type $b) (i32.const 0)))))"""
    ).exports
    with pytest.raises(Trap) as caught:
        exports.f()
    assert caught.value.kind is TrapKind.INDIRECT_CALL_TYPE


def test_equal_types_of_two_modules_are_one() -> None:
    giver = load(
        """(module (type (func)) (table (export "t") 1 funcref) (elem (i32.const 0) $f)
        (func $f (param externref i64) (result i64) local.get 1))"""
    )
    taker = load(
        """(module (import "m" "t" (table 1 funcref)) (type $t (func (param externref i64)
        (result i64))) (func (export "f") (result i64)
          (call_indirect (type $t) (ref.null extern) (i64.const 5) (i32.const 0))))""",
        {"m": giver},
    )
    assert taker.exports.f() == 5


def test_many_types_stay_different_types() -> None:
    """There are more types than the store's first table of types has room for."""
    names = ["i32", "i64", "f32", "f64", "funcref", "externref"]
    combinations = [f"{a} {b} {c}" for a in names for b in names for c in names]
    types = "".join(f"(type (func (param {c})))" for c in combinations)
    functions = "".join(f"(func (type {i}))" for i in range(len(combinations)))
    store = pywasm3.Store()
    first = load(f'(module {types} {functions} (export "f" (func 77)))', store=store)
    user = (
        f'(module (import "m" "f" (func (param {combinations[77]}))) '
        f'(import "m" "f" (func (param {combinations[77]}))))'
    )
    load(user, {"m": first}, store=store)


def test_call_indirect_names_its_table_by_a_long_number() -> None:
    """A table index may have more bytes than it needs."""
    data = wat(
        """(module (type $t (func (result i32))) (table funcref (elem $f)) (table $b 1 funcref)
        (elem (table $b) (i32.const 0) func $g)
        (func $f (result i32) i32.const 1) (func $g (result i32) i32.const 2)
        (func (export "f") (result i32) (call_indirect $b (type $t) (i32.const 0))
          nop nop nop))"""
    )
    short, long = b"\x11\x00\x01\x01\x01\x01", b"\x11\x00\x81\x80\x80\x00"
    assert data.count(short) == 1
    assert pywasm3.load(data.replace(short, long)).exports.f() == 2


def test_a_table_that_another_instance_grew_is_called_through() -> None:
    owner = load(
        """(module (table (export "t") 1 funcref) (func $f (export "f") (result i32) i32.const 6)
        (func (export "grow") (drop (table.grow (ref.func $f) (i32.const 100)))))"""
    )
    user = load(
        """(module (import "m" "t" (table 1 funcref)) (type $t (func (result i32)))
        (func (export "call") (param i32) (result i32)
          (call_indirect (type $t) (local.get 0))))""",
        {"m": owner},
    )
    with pytest.raises(Trap):
        user.exports.call(100)
    owner.exports.grow()
    assert user.exports.call(100) == 6
