# SPDX-License-Identifier: MIT
"""Globals and tables as the host sees them.

Expected values are those that the guest's text or the host put there.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

import pywasm3
from helpers import load
from pywasm3 import FuncType, GlobalType, TableType, f32, f64, funcref, i32, i64

GLOBALS = """
(module
  (global $i32 (export "i32") (mut i32) (i32.const -1))
  (global $i64 (export "i64") (mut i64) (i64.const -1))
  (global $f32 (export "f32") (mut f32) (f32.const 1.5))
  (global $f64 (export "f64") (mut f64) (f64.const 1.5))
  (global (export "constant") i32 (i32.const 42))
  (func (export "read_i32") (result i32) global.get $i32)
  (func (export "read_i64") (result i64) global.get $i64)
  (func (export "read_f32") (result f32) global.get $f32)
  (func (export "read_f64") (result f64) global.get $f64)
  (func (export "count") global.get $i32 i32.const 1 i32.add global.set $i32))
"""

TABLE = """
(module
  (type $t (func (param i32) (result i32)))
  (table $table (export "table") 3 5 funcref)
  (elem (i32.const 0) $double $triple)
  (func $double (export "double") (param i32) (result i32) local.get 0 i32.const 2 i32.mul)
  (func $triple (param i32) (result i32) local.get 0 i32.const 3 i32.mul)
  (func $none (export "none"))
  (func (export "call") (param i32 i32) (result i32)
    local.get 1 local.get 0 call_indirect (type $t)))
"""


@pytest.fixture
def exports() -> pywasm3.Exports:
    return load(GLOBALS).exports


@pytest.fixture
def instance() -> pywasm3.Instance:
    return load(TABLE)


@pytest.fixture
def table(instance: pywasm3.Instance) -> pywasm3.Table:
    return instance.exports.table


# ---- globals ----


def test_a_global_has_the_value_of_its_initializer(exports: pywasm3.Exports) -> None:
    assert exports.i32.value == -1
    assert exports.i64.value == -1
    assert exports.f32.value == 1.5
    assert exports.f64.value == 1.5
    assert exports.constant.value == 42


@pytest.mark.parametrize(
    ("name", "value"),
    [("i32", 7), ("i64", 1 << 40), ("f32", 0.5), ("f64", math.pi), ("f64", math.inf)],
)
def test_what_the_host_sets_the_guest_reads(
    exports: pywasm3.Exports, name: str, value: float
) -> None:
    exports[name].value = value
    assert exports[name].value == value
    assert exports[f"read_{name}"]() == value


def test_what_the_guest_sets_the_host_reads(exports: pywasm3.Exports) -> None:
    exports.i32.value = 7
    exports.count()
    assert exports.i32.value == 8


def test_a_global_is_changed_in_place(exports: pywasm3.Exports) -> None:
    exports.i32.value += 1
    assert exports.read_i32() == 0


def test_a_global_takes_what_an_argument_may_be(exports: pywasm3.Exports) -> None:
    exports.i32.value = 0xFFFFFFFF
    assert exports.i32.value == -1
    exports.f32.value = 1
    assert exports.f32.value == 1.0
    exports.f32.value = 1e39
    assert exports.f32.value == math.inf


@pytest.mark.parametrize(
    ("name", "value"), [("i32", 1.5), ("i64", "1"), ("f32", None), ("f64", b"1")]
)
def test_a_global_refuses_a_wrong_type(exports: pywasm3.Exports, name: str, value: Any) -> None:
    before = exports[name].value
    with pytest.raises(TypeError):
        exports[name].value = value
    assert exports[name].value == before


@pytest.mark.parametrize(("name", "value"), [("i32", 1 << 32), ("i64", 1 << 64)])
def test_a_global_refuses_a_value_out_of_range(
    exports: pywasm3.Exports, name: str, value: int
) -> None:
    with pytest.raises(OverflowError):
        exports[name].value = value


def test_an_immutable_global_cannot_be_set(exports: pywasm3.Exports) -> None:
    with pytest.raises(AttributeError, match=r"immutable: its type is i32$"):
        exports.constant.value = 1
    assert exports.constant.value == 42


def test_errors_name_the_type_of_the_global(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match=r"^global: value \(i64\): .*str"):
        exports.i64.value = "1"
    with pytest.raises(OverflowError, match=r"^global: value \(i32\): 4294967296 does not fit"):
        exports.i32.value = 1 << 32


def test_the_value_of_a_global_cannot_be_deleted(exports: pywasm3.Exports) -> None:
    with pytest.raises(AttributeError):
        del exports.i32.value
    assert exports.i32.value == -1


def test_a_closed_store_has_no_values(exports: pywasm3.Exports) -> None:
    numbers, constant = exports.i32, exports.constant
    numbers.store.close()
    with pytest.raises(pywasm3.WasmError, match="closed"):
        numbers.value  # noqa: B018
    with pytest.raises(pywasm3.WasmError, match="closed"):
        numbers.value = "not even converted"
    with pytest.raises(AttributeError, match="immutable"):
        constant.value = 1


def test_a_host_function_uses_the_globals_and_tables_of_the_guest_that_called_it() -> None:
    def host() -> None:
        exports.g.value += 1
        exports.t[0] = exports.t[1]

    exports = load(
        """(module (import "env" "host" (func $host)) (global (export "g") (mut i32) (i32.const 1))
        (table (export "t") 2 funcref) (elem (i32.const 1) $run)
        (func $run (export "run") call $host))""",
        {"env": {"host": host}},
    ).exports
    exports.run()
    assert exports.g.value == 2
    assert exports.t[0] == exports.run


def test_subclasses_of_globals_and_tables_have_attributes_of_their_own() -> None:
    class Named(pywasm3.Global):
        name = "counter"

    class Logged(pywasm3.Table):
        def __getitem__(self, index: Any) -> Any:
            return index, super().__getitem__(index)

    counter = Named("i32", 5, mutable=True)
    counter.unit = "ms"  # type: ignore[attr-defined]
    counter.value += 1
    assert (counter.value, counter.name, counter.unit) == (6, "counter", "ms")  # type: ignore[attr-defined]
    assert list(Logged("externref", 2, init="x")) == [(0, "x"), (1, "x")]


def test_a_global_tells_its_type(exports: pywasm3.Exports) -> None:
    assert exports.i32.type == GlobalType(i32, True)
    assert exports.i64.type == GlobalType(i64, True)
    assert exports.f32.type == GlobalType(f32, True)
    assert exports.f64.type == GlobalType(f64, True)
    assert exports.constant.type == GlobalType(i32, False)


def test_a_global_may_refer_to_one_before() -> None:
    exports = load(
        """(module (import "env" "base" (global $base i32))
        (global (export "g") i32 (global.get $base)))""",
        {"env": {"base": 1024}},
    ).exports
    assert exports.g.value == 1024


def test_globals_of_two_instances_are_apart() -> None:
    first, second = load(GLOBALS).exports, load(GLOBALS).exports
    first.i32.value = 1
    assert second.i32.value == -1


def test_a_global_has_nothing_else_to_set(exports: pywasm3.Exports) -> None:
    with pytest.raises(AttributeError):
        exports.i32.valu = 1
    with pytest.raises(AttributeError):
        del exports.i32.value


# ---- tables ----


def test_a_table_gives_functions_and_none(table: pywasm3.Table) -> None:
    assert table[0](4) == 8
    assert table[1](4) == 12
    assert table[2] is None


def test_a_function_of_a_table_has_type_and_name(table: pywasm3.Table) -> None:
    assert isinstance(table[1], pywasm3.Function)
    assert table[1].type == FuncType((i32,), (i32,))
    assert table[1].name == "triple"


def test_what_the_host_stores_the_guest_calls(
    instance: pywasm3.Instance, table: pywasm3.Table
) -> None:
    table[2] = instance.exports.double
    assert instance.exports.call(2, 4) == 8
    table[2] = table[1]
    assert instance.exports.call(2, 4) == 12


def test_a_function_of_a_table_works_in_raw_form_too(table: pywasm3.Table) -> None:
    assert table[0].raw(0xFFFFFFFF) == 0xFFFFFFFE


def test_none_is_the_null_reference(instance: pywasm3.Instance, table: pywasm3.Table) -> None:
    table[0] = None
    with pytest.raises(pywasm3.Trap) as caught:
        instance.exports.call(0, 1)
    assert caught.value.kind is pywasm3.TrapKind.UNINITIALIZED_ELEMENT


def test_a_function_of_another_type_is_stored_and_traps_when_called(
    instance: pywasm3.Instance, table: pywasm3.Table
) -> None:
    table[0] = instance.exports.none
    with pytest.raises(pywasm3.Trap) as caught:
        instance.exports.call(0, 1)
    assert caught.value.kind is pywasm3.TrapKind.INDIRECT_CALL_TYPE


def test_a_table_holds_functions_of_its_own_store_only(table: pywasm3.Table) -> None:
    other = load(TABLE)
    with pytest.raises(TypeError, match=r"table: element .funcref.: .*double.* another store"):
        table[0] = other.exports.double
    assert table[0](4) == 8


def test_a_table_holds_functions_of_instances_in_the_same_store() -> None:
    store = pywasm3.Store()
    first = load(TABLE, store=store)
    second = load(TABLE, store=store)
    first.exports.table[2] = second.exports.double
    assert first.exports.call(2, 4) == 8


@pytest.mark.parametrize("value", [1, "double", lambda x: x, object()])
def test_a_table_holds_nothing_else(table: pywasm3.Table, value: Any) -> None:
    with pytest.raises(TypeError):
        table[0] = value


@pytest.mark.parametrize("index", [3, -1, -3, 1 << 32, 1 << 64, -(1 << 64)])
def test_an_index_out_of_range_is_an_index_error(table: pywasm3.Table, index: int) -> None:
    with pytest.raises(IndexError, match="3"):
        table[index]
    with pytest.raises(IndexError, match="3"):
        table[index] = None


@pytest.mark.parametrize("index", ["0", 1.0, None, slice(0, 1)])
def test_an_index_is_an_integer(table: pywasm3.Table, index: Any) -> None:
    with pytest.raises(TypeError):
        table[index]
    with pytest.raises(TypeError):
        table[index] = None


class Number:
    """Is no int, but can stand for one."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


def test_an_index_is_anything_that_stands_for_an_integer(table: pywasm3.Table) -> None:
    assert table[Number(1)](4) == 12
    assert table[True] == table[1]
    table[Number(2)] = table[0]
    assert table[2] == table[0]
    with pytest.raises(IndexError, match=r"^table index 7 is out of range: the size is 3$"):
        table[Number(7)]


def test_elements_cannot_be_deleted(table: pywasm3.Table) -> None:
    with pytest.raises((TypeError, AttributeError)):
        del table[0]  # type: ignore[attr-defined]
    assert len(table) == 3


def test_a_table_can_be_walked_backwards(table: pywasm3.Table) -> None:
    assert [function and function(1) for function in reversed(table)] == [None, 3, 2]


def test_a_closed_table_has_no_elements(instance: pywasm3.Instance, table: pywasm3.Table) -> None:
    instance.close()
    for action in (lambda: table[0], lambda: len(table), lambda: table.__setitem__("0", None)):
        with pytest.raises(pywasm3.WasmError, match="closed"):
            action()


def test_a_function_that_is_read_again_is_the_same_in_all_that_it_tells(
    table: pywasm3.Table,
) -> None:
    first, second = table[1], table[1]
    assert first == second
    assert hash(first) == hash(second)
    assert (first.name, first.type, repr(first)) == (second.name, second.type, repr(second))


def test_functions_of_a_later_instance_have_their_own_names() -> None:
    """A new instance is likely to get the addresses of one before it in the same store."""
    store = pywasm3.Store()
    for number in range(30):
        type_ = "(param i64)" if number % 2 else "(param i32)"
        text = f"""(module (table (export "t") 1 funcref) (elem (i32.const 0) $f{number})
            (func $f{number} {type_}))"""
        function = load(text, store=store).exports.t[0]
        assert (function.name, str(function.type.params[0])) == (f"f{number}", type_[7:10])
        del function


def test_a_table_of_many_functions_knows_each_of_them() -> None:
    functions = "".join(f"(func $f{i} (result i32) i32.const {i})" for i in range(1000))
    names = " ".join(f"$f{i}" for i in range(1000))
    table = load(
        f'(module (table (export "t") 1000 funcref) (elem (i32.const 0) {names}) {functions})'
    ).exports.t
    for _ in range(2):
        assert [(f.name, f()) for f in table] == [(f"f{i}", i) for i in range(1000)]


def test_a_table_is_iterated_and_measured(table: pywasm3.Table) -> None:
    assert len(table) == 3
    assert [function and function(1) for function in table] == [2, 3, None]


def test_a_table_grows_up_to_its_maximum(instance: pywasm3.Instance, table: pywasm3.Table) -> None:
    assert table.grow(2, instance.exports.double) == 3
    assert len(table) == 5
    assert instance.exports.call(4, 4) == 8
    assert table.grow(0) == 5
    with pytest.raises(pywasm3.WasmError, match="grow"):
        table.grow(1)
    assert len(table) == 5


def test_a_table_grows_with_null_references(table: pywasm3.Table) -> None:
    table.grow(1)
    assert table[3] is None


@pytest.mark.parametrize("delta", [-1, 1 << 32, 1 << 64])
def test_a_table_refuses_an_impossible_growth(table: pywasm3.Table, delta: int) -> None:
    with pytest.raises((OverflowError, ValueError, pywasm3.WasmError)):
        table.grow(delta)
    assert len(table) == 3


def test_a_table_without_a_maximum_grows_with_measure() -> None:
    table = load('(module (table (export "t") 0 funcref))').exports.t
    for _ in range(20):
        table.grow(100)
    assert len(table) == 2000
    with pytest.raises(pywasm3.WasmError):
        table.grow((1 << 32) - 1)


def test_a_table_tells_its_type(table: pywasm3.Table) -> None:
    assert table.type == TableType(funcref, 3, 5)
    table.grow(1)
    assert table.type == TableType(funcref, 4, 5)
