# SPDX-License-Identifier: MIT
"""Memories, tables and globals that the host makes and that instances share.

The rules for limits and types are those of import matching in the specification, section 4.5.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import pywasm3
from helpers import load
from pywasm3 import (
    Global,
    GlobalType,
    LinkError,
    Memory,
    MemoryType,
    RefType,
    Store,
    Table,
    TableType,
    externref,
    f32,
    funcref,
    i32,
    i64,
)

USER = """
(module
  (import "env" "memory" (memory 1 4))
  (import "env" "table" (table $t 2 10 funcref))
  (import "env" "objects" (table $o 1 externref))
  (import "env" "counter" (global $c (mut i32)))
  (import "env" "base" (global $base i64))
  (type $unary (func (param i32) (result i32)))
  (func (export "poke") (param i32 i32) local.get 0 local.get 1 i32.store8)
  (func (export "peek") (param i32) (result i32) local.get 0 i32.load8_u)
  (func (export "grow") (result i32) i32.const 1 memory.grow)
  (func (export "count") (result i32)
    global.get $c i32.const 1 i32.add global.set $c global.get $c)
  (func (export "base") (result i64) global.get $base)
  (func $double (export "double") (param i32) (result i32) local.get 0 i32.const 2 i32.mul)
  (func (export "place") (param i32) local.get 0 ref.func $double table.set $t)
  (func (export "call") (param i32 i32) (result i32)
    local.get 1 local.get 0 call_indirect $t (type $unary))
  (func (export "put") (param externref) i32.const 0 local.get 0 table.set $o)
  (export "memory" (memory 0)) (export "counter" (global $c)) (export "objects" (table $o)))
"""


def made(store: Store, **others: Any) -> dict[str, dict[str, Any]]:
    """The imports of USER, made in this store, and others beside them."""
    parts = {
        "memory": lambda: Memory(1, 4, store=store),
        "table": lambda: Table(funcref, 2, 10, store=store),
        "objects": lambda: Table(externref, 1, store=store),
        "counter": lambda: Global(i32, 5, True, store=store),
        "base": lambda: Global(i64, 1 << 40, store=store),
    }
    return {"env": {**{name: make() for name, make in parts.items()}, **others}}


@pytest.fixture
def store() -> Store:
    return Store()


# ---- without an instance ----


def test_a_memory_is_made_with_its_limits() -> None:
    memory = Memory(2, 3)
    assert memory.type == MemoryType(2, 3)
    assert len(memory) == 2 * 65536
    memory.write(65536, b"abc")
    assert memory.read(65535, 5) == b"\0abc\0"
    assert memory.grow(1) == 2
    with pytest.raises(pywasm3.WasmError):
        memory.grow(1)
    assert Memory(0).type == MemoryType(0)


def test_a_table_is_made_with_its_elements() -> None:
    value = object()
    table = Table(externref, 2, 5, value)
    assert table.type == TableType(externref, 2, 5)
    assert list(table) == [value, value]
    assert table.grow(3) == 2
    assert list(table) == [value, value, None, None, None]
    assert Table("funcref", 1).type == TableType(funcref, 1)


def test_a_global_is_made_with_its_value() -> None:
    counter = Global(i32, -1, True)
    counter.value += 43
    assert counter.value == 42
    assert counter.type == GlobalType(i32, True)
    constant = Global("f32", 0.1)
    assert constant.value == pytest.approx(0.1)
    assert constant.type == GlobalType(f32)
    with pytest.raises(AttributeError, match="immutable"):
        constant.value = 1.0
    value = object()
    assert Global(externref, value).value is value
    assert Global(externref, None).value is None


def test_an_extern_that_was_made_shows_its_type(store: Store) -> None:
    assert repr(Memory(1)) == "<pywasm3.Memory: 1 page>"
    assert repr(Table(funcref, 1, 2)) == "<pywasm3.Table: 1 to 2 elements of funcref>"
    assert repr(Global(i32, 1, True, store=store)) == "<pywasm3.Global mut i32: 1>"


@pytest.mark.parametrize("limits", [(-1,), (2, 1), (65537,), (1, 65537), (0, -1), (1 << 70,)])
def test_limits_of_a_memory_are_checked(limits: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="limits"):
        Memory(*limits)


@pytest.mark.parametrize("limits", [(-1,), (2, 1), (1 << 32,), (1, 1 << 32)])
def test_limits_of_a_table_are_checked(limits: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="limits"):
        Table(funcref, *limits)


def test_a_table_may_be_too_large() -> None:
    with pytest.raises(MemoryError, match="4294967295 elements"):
        Table(funcref, (1 << 32) - 1)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Memory("1"), TypeError),
        (lambda: Memory(1.0), TypeError),
        (lambda: Memory(1, store=1), TypeError),
        (lambda: Table(i32, 1), ValueError),
        (lambda: Table("v128", 1), ValueError),
        (lambda: Table(RefType(0, True), 1), ValueError),
        (lambda: Table(RefType("func"), 1), TypeError),
        (lambda: Table(funcref, 1, None, 3), TypeError),
        (lambda: Table(funcref, None), TypeError),
        (lambda: Table("nullref", 1, None, 3), TypeError),
        (lambda: Global(i32, "1"), TypeError),
        (lambda: Global(i32, 1 << 32), OverflowError),
        (lambda: Global(i32, None), TypeError),
        (lambda: Global(funcref, 4096), TypeError),
        (lambda: Global("eqref", object()), TypeError),
        (lambda: Global("i31ref", 1 << 30), OverflowError),
        (lambda: Global(RefType("extern"), None), TypeError),
        (lambda: Global(RefType(3), None), ValueError),
        (lambda: Global("v128", 0), TypeError),
        (lambda: Global("v128", bytes(15)), TypeError),
        (lambda: Global("int", 0), ValueError),
    ],
)
def test_externs_of_wrong_types_cannot_be_made(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


def test_nothing_can_be_made_in_a_closed_store(store: Store) -> None:
    store.close()
    for make in (
        lambda: Memory(1, store=store),
        lambda: Table(funcref, 1, store=store),
        lambda: Global(i32, 1, store=store),
        lambda: pywasm3.host_function(pywasm3.FuncType(), print, store=store),
    ):
        with pytest.raises(pywasm3.WasmError, match="closed"):
            make()


def test_classes_of_externs_can_be_subclassed() -> None:
    class Counter(Global):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self.name = "counter"

    counter = Counter(i32, 1, True)
    assert (counter.name, counter.value) == ("counter", 1)


def test_a_function_decides_about_the_store() -> None:
    function = load('(module (func (export "f")))').exports.f
    assert Global(funcref, function).store is function.store
    assert Table(funcref, 1, None, function).store is function.store
    with pytest.raises(TypeError, match="another store"):
        Global(funcref, function, store=Store())


# ---- shared by instances ----


def test_instances_share_what_the_host_made(store: Store) -> None:
    imports = made(store)
    env = imports["env"]
    first, second = load(USER, imports).exports, load(USER, imports).exports
    first.poke(7, 42)
    assert second.peek(7) == 42 == env["memory"][7]
    assert second.grow() == 1
    assert env["memory"].pages == 2
    assert first.peek(65536) == 0
    assert first.count() == 6
    assert second.count() == 7 == env["counter"].value
    env["counter"].value = 100
    assert first.count() == 101
    first.place(1)
    assert second.call(1, 21) == 42
    assert env["table"][1] == first.double
    value = object()
    first.put(value)
    assert second.objects[0] is value is env["objects"][0]
    assert first.base() == 1 << 40


def test_an_instance_joins_the_store_of_what_it_imports() -> None:
    memory = Memory(1)
    instance = load('(module (import "env" "m" (memory 1)))', {"env": {"m": memory}})
    assert instance.store is memory.store


def test_imported_externs_can_be_passed_on(store: Store) -> None:
    first = load(USER, made(store)).exports
    exported = {name: first[name] for name in ("memory", "counter", "objects")}
    second = load(USER, made(store, **exported)).exports
    first.poke(1, 2)
    assert second.peek(1) == 2
    second.count()
    assert first.counter.value == 6


def test_things_of_several_stores_are_one_link_error() -> None:
    imports = made(Store(), memory=Memory(1, 4), counter=Global(i32, 1, True))
    with pytest.raises(LinkError, match="another store") as caught:
        load(USER, imports)
    assert [m.name for m in caught.value.mismatched] == ["table", "objects", "counter"]


def test_an_immutable_number_may_come_from_any_store(store: Store) -> None:
    assert load(USER, made(store, base=Global(i64, 3))).exports.base() == 3


def test_all_misfits_are_listed_with_both_types(store: Store) -> None:
    wrong = {
        "memory": Memory(0, 4, store=store),
        "table": Table(externref, 2, 10, store=store),
        "objects": Table(externref, 0, store=store),
        "counter": Global(i32, 1, store=store),
        "base": Global(i64, 1, True, store=store),
    }
    with pytest.raises(LinkError) as caught:
        load(USER, {"env": wrong})
    lines = str(caught.value).splitlines()[1:]
    assert [line.strip() for line in lines] == [
        "env.memory: expected memory 1 to 4 pages, given memory 0 to 4 pages",
        "env.table: expected table 2 to 10 elements of funcref, "
        "given table 2 to 10 elements of externref",
        "env.objects: expected table 1 element or more of externref, "
        "given table 0 elements or more of externref",
        "env.counter: expected global mut i32, given global i32",
        "env.base: expected global i64, given global mut i64",
    ]


@pytest.mark.parametrize(
    ("wanted", "limits", "fits"),
    [
        ("1 4", (1, 4), True),
        ("1 4", (2, 3), True),
        ("1 4", (1,), False),
        ("1 4", (1, 5), False),
        ("2", (1, 4), False),
        ("1", (1, 4), True),
        ("1", (1,), True),
    ],
)
def test_limits_must_fit(wanted: str, limits: tuple[int, ...], fits: bool) -> None:
    for text, given in (
        (f"(memory {wanted})", Memory(*limits)),
        (f"(table {wanted} funcref)", Table(funcref, *limits)),
    ):
        module = f'(module (import "env" "it" {text}))'
        if fits:
            load(module, {"env": {"it": given}})
        else:
            with pytest.raises(LinkError, match=r"env.it: expected .* given"):
                load(module, {"env": {"it": given}})


def test_growth_counts_for_the_limits() -> None:
    table = Table(funcref, 1, 4)
    module = '(module (import "env" "it" (table 3 4 funcref)))'
    with pytest.raises(LinkError):
        load(module, {"env": {"it": table}})
    table.grow(2)
    load(module, {"env": {"it": table}})


# ---- globals with references ----

REFERENCE = """(module
  (import "env" "object" (global $o externref))
  (import "env" "function" (global $f funcref))
  (table (export "table") 1 funcref)
  (elem (i32.const 0) funcref (global.get $f))
  (func (export "object") (result externref) global.get $o)
  (func (export "function") (result funcref) global.get $f))"""


def test_an_immutable_global_may_be_any_object() -> None:
    value = object()
    exports = load(REFERENCE, {"env": {"object": value, "function": None}}).exports
    assert exports.object() is value
    assert exports.function() is None


def test_an_immutable_global_may_be_a_function() -> None:
    function = load('(module (func (export "f") (result i32) i32.const 7))').exports.f
    instance = load(REFERENCE, {"env": {"object": None, "function": function}})
    assert instance.store is function.store
    assert instance.exports.function()() == 7
    assert instance.exports.table[0] == function


def test_a_global_with_a_reference_is_shared() -> None:
    value = object()
    global_ = Global(externref, value)
    exports = load(REFERENCE, {"env": {"object": global_, "function": None}}).exports
    assert exports.object() is value
    assert exports.table.store is global_.store


@pytest.mark.parametrize("value", [3, print, "f", Global(externref, None), Global(i32, 1)])
def test_only_a_function_fits_a_global_of_functions(value: Any) -> None:
    with pytest.raises(LinkError, match="function: expected global funcref, given"):
        load(REFERENCE, {"env": {"object": None, "function": value}})


def test_an_object_of_a_global_lives_as_long_as_the_store() -> None:
    class Thing:
        pass

    ref = weakref.ref(thing := Thing())
    instance = load(REFERENCE, {"env": {"object": thing, "function": None}})
    del thing
    table = Table(externref, 1, store=instance.store)
    for i in range(5000):
        table[0] = [i]
    assert ref() is instance.exports.object()
    instance.close()
    gc.collect()
    assert ref() is None
