# SPDX-License-Identifier: MIT
"""Typed function references: types of two modules are equal or not, whatever their indices are.

Which types are equal is defined by the specification, section 3.1 (recursive types) and 3.3.
"""

from __future__ import annotations

import pytest

import pywasm3
from helpers import load
from pywasm3 import LinkError, Trap, TrapKind


def test_br_on_non_null_carries_the_values_below_and_the_reference() -> None:
    exports = load(
        """(module (type $f (func (result i32))) (type $b (func (result i64 (ref $f))))
        (func $one (type $f) i32.const 1) (elem declare func $one) (table 1 funcref)
        (func (export "x") (param i32) (result i64 i32) (local $r (ref null $f))
          (if (local.get 0) (then (local.set $r (ref.func $one))))
          (block $found (type $b)
            (i64.const 7) (br_on_non_null $found (local.get $r))
            (return (i32.const -1)))
          (local.set $r) (table.set (i32.const 0) (local.get $r))
          (call_indirect (type $f) (i32.const 0))))"""
    ).exports
    assert exports.x(1) == (7, 1)
    assert exports.x(0) == (7, -1)


def test_a_table_begins_with_its_initial_value() -> None:
    exports = load(
        """(module (type $f (func (result i32))) (func $one (type $f) i32.const 1)
        (table $t (export "t") 3 (ref $f) (ref.func $one))
        (func (export "x") (param i32) (result i32)
          (call_indirect (type $f) (local.get 0))))"""
    ).exports
    assert [exports.x(i) for i in range(3)] == [1, 1, 1]


# ---- types of two modules ----

OWNER = """(module (type (func)) (type $f (func (param i64) (result i32)))
  (func $g (export "f") (type $f) i32.const 5)
  (table (export "t") 1 (ref null $f)) (elem (table 0) (i32.const 0) (ref null $f) (ref.func $g))
  (global (export "g") (ref $f) (ref.func $g))
  (global (export "m") (mut (ref null $f)) (ref.func $g)))"""

USES = {
    "t": '(import "o" "t" (table 1 (ref null $f)))',
    "g": '(import "o" "g" (global (ref $f)))',
    "m": '(import "o" "m" (global (mut (ref null $f))))',
}


@pytest.mark.parametrize("name", USES)
def test_externs_of_an_equal_type_can_be_imported(name: str) -> None:
    """The same type has another index in the importing module."""
    load(f"(module (type $f (func (param i64) (result i32))) {USES[name]})", {"o": load(OWNER)})


@pytest.mark.parametrize("name", USES)
def test_externs_of_another_type_with_the_same_index_cannot_be_imported(name: str) -> None:
    with pytest.raises(LinkError):
        load(
            f"(module (type (func)) (type $f (func (param i32) (result i32))) {USES[name]})",
            {"o": load(OWNER)},
        )


def test_an_immutable_global_may_be_imported_as_a_supertype() -> None:
    load(
        '(module (import "o" "g" (global funcref)) (import "o" "g" (global (ref func))))',
        {"o": load(OWNER)},
    )


def test_a_mutable_global_or_a_table_may_not_be_imported_as_a_supertype() -> None:
    for use in ["(global (mut funcref))", "(table 1 funcref)"]:
        name = "m" if "global" in use else "t"
        with pytest.raises(LinkError):
            load(f'(module (import "o" "{name}" {use}))', {"o": load(OWNER)})


# ---- recursive groups ----

TREE = "(type $f (func (param (ref null $f)) (result i32)))"
PAIR = "(rec (type $f (func (param (ref null $g)) (result i32))) (type $g (func)))"
GROUPS = {
    "recursive": TREE,
    "a pair": PAIR,
    "the first of two": "(rec (type $f (func (result i32))) (type $g (func)))",
    "the second of two": "(rec (type $g (func)) (type $f (func (result i32))))",
    "alone": "(type $f (func (result i32)))",
}


def call_through(given: str, wanted: str) -> int:
    """Stores a function of the type `given` in a table, and calls it as one of the type `wanted`.

    Returns what the call returns, or raises what it raises.
    """
    owner = load(
        f"""(module (type (func (param f64))) {given} (table (export "t") 1 funcref)
        (elem (i32.const 0) $x) (func $x (type $f) i32.const 3))"""
    )
    heap = "$f" if "(ref null $f)" in wanted else "$g"
    operand = f"(ref.null {heap})" if "(param" in wanted else ""
    user = load(
        f"""(module {wanted} (import "o" "t" (table 1 funcref))
        (func (export "x") (result i32) (call_indirect (type $f) {operand} (i32.const 0))))""",
        {"o": owner},
    )
    return int(user.exports.x())


@pytest.mark.parametrize("wanted", GROUPS)
@pytest.mark.parametrize("given", GROUPS)
def test_types_are_equal_if_their_groups_and_places_are(given: str, wanted: str) -> None:
    if given == wanted:
        assert call_through(GROUPS[given], GROUPS[wanted]) == 3
        return
    with pytest.raises(Trap) as caught:
        call_through(GROUPS[given], GROUPS[wanted])
    assert caught.value.kind is TrapKind.INDIRECT_CALL_TYPE


def test_equal_groups_within_a_module_are_one() -> None:
    exports = load(
        f"""(module {TREE} {TREE.replace("$f", "$g")} (table funcref (elem $x))
        (func $x (type $g) i32.const 3)
        (func (export "x") (result i32)
          (call_indirect (type $f) (ref.null $f) (i32.const 0))))"""
    ).exports
    assert exports.x() == 3


def test_the_store_of_many_modules_knows_each_group_once() -> None:
    store = pywasm3.Store()
    for number in range(40):
        fillers = "".join(f"(type (func (param {'i32 ' * n})))" for n in range(number))
        owner = load(f'(module {fillers} {PAIR} (func (export "f") (type $f) i32.const 1))',
                     store=store)  # fmt: skip
        load(f'(module {PAIR} (import "o" "f" (func (type $f))))', {"o": owner}, store=store)
