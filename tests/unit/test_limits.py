# SPDX-License-Identifier: MIT
"""Limits bound what a store and everything in it may use: memory, tables, stack and fuel.

The expected sizes follow from pages of 65,536 bytes and from the numbers that the tests set.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import pywasm3
from helpers import child, load, on_thread, wat
from pywasm3 import Limits

PAGE = 65536

GROWS = """
(module
  (memory (export "memory") 1) (table (export "table") 1 funcref)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "grow_table") (param i32) (result i32)
    ref.null func local.get 0 table.grow 0)
  (func (export "f") (result i32) i32.const 1)
  (func $deep (export "deep") (param i32) (result i32)
    local.get 0 i32.eqz if (result i32) i32.const 0 else
      local.get 0 i32.const 1 i32.sub call $deep end))
"""


# ---- limits as values ----


def test_limits_are_values() -> None:
    limits = Limits(memory=PAGE, fuel=3)
    assert limits == Limits(memory=PAGE, table=None, stack=16 << 20, fuel=3, timeout=None)
    assert limits != Limits(memory=PAGE)
    assert hash(limits) == hash(Limits(memory=PAGE, fuel=3))
    assert pickle.loads(pickle.dumps(limits)) == limits == copy.copy(limits)
    assert repr(Limits()) == (
        "Limits(memory=None, table=None, heap=None, total=8589934592, stack=16777216, fuel=None, "
        "timeout=None)"
    )
    with pytest.raises(AttributeError, match="immutable"):
        limits.fuel = 4


def test_limits_are_given_by_name_only() -> None:
    by_position: Any = Limits
    with pytest.raises(TypeError, match="positional"):
        by_position(PAGE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"memory": -1},
        {"table": -1},
        {"stack": 0},
        {"stack": (1 << 30) + 1},
        {"fuel": -1},
        {"timeout": -0.5},
        {"timeout": float("nan")},
    ],
)
def test_limits_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"memory": 1.5}, "memory must be an int, not float"),
        ({"memory": "64M"}, "memory must be an int, not str"),
        ({"fuel": "9"}, "fuel must be an int, not str"),
        ({"stack": None}, "stack must be an int, not NoneType"),
        ({"timeout": []}, r"timeout must be a number, not \[\]"),
        ({"timeout": "soon"}, "timeout must be a number, not 'soon'"),
    ],
)
def test_limits_of_wrong_types_are_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        Limits(**wrong)


@pytest.mark.parametrize("limit", [0, 1, 1000, PAGE - 1])
def test_a_memory_limit_below_a_page_is_named_as_it_was_given(limit: int) -> None:
    unit = "byte" if limit == 1 else "bytes"
    text = f"it needs {PAGE} bytes, but the limit is {limit} {unit}$"
    with pytest.raises(pywasm3.UnsupportedError, match=text):
        load("(module (memory 1))", limits=Limits(memory=limit))


def test_a_table_limit_is_named_with_the_right_plural() -> None:
    with pytest.raises(pywasm3.UnsupportedError, match=r"it needs 1 element, but the limit is 0$"):
        load("(module (table 1 funcref))", limits=Limits(table=0))


def test_huge_limits_are_no_limits() -> None:
    instance = load(GROWS, limits=Limits(memory=10**30, table=10**30, fuel=10**30, timeout=1e300))
    assert instance.exports.grow(1) == 1
    assert instance.exports.deep(10) == 0
    assert instance.fuel is not None and instance.fuel > 10**18


def test_what_is_no_limits_is_refused() -> None:
    wrong: Any = {"memory": 1}
    with pytest.raises(TypeError, match="dict"):
        load(GROWS, limits=wrong)
    with pytest.raises(TypeError, match="dict"):
        pywasm3.Store(limits=wrong)


# ---- limits belong to a store ----


def test_limits_belong_to_the_store() -> None:
    store = pywasm3.Store(limits=Limits(memory=4 * PAGE))
    first, second = load(GROWS, store=store), load(GROWS, store=store)
    for exports in (first.exports, second.exports):
        assert exports.grow(1) == 1
    for exports in (first.exports, second.exports):
        assert exports.grow(1) == -1


def test_limits_for_a_store_that_exists_are_refused() -> None:
    first = load(GROWS)
    with pytest.raises(ValueError, match="store"):
        load(GROWS, store=first.store, limits=Limits())
    with pytest.raises(ValueError, match="store"):
        load(
            '(module (import "a" "f" (func (result i32))))',
            {"a": first},
            limits=Limits(),
        )


def test_load_takes_limits() -> None:
    instance = pywasm3.load(wat(GROWS), limits=Limits(memory=PAGE))
    assert instance.exports.grow(1) == -1


def test_instances_with_host_functions_take_limits() -> None:
    instance = load('(module (import "a" "f" (func)))', {"a": {"f": print}}, limits=Limits(fuel=7))
    assert instance.fuel == 7


# ---- memory ----


def test_a_memory_grows_up_to_the_limit() -> None:
    exports = load(GROWS, limits=Limits(memory=3 * PAGE)).exports
    assert exports.grow(3) == -1
    assert exports.grow(2) == 1
    assert exports.grow(1) == -1
    assert exports.grow(0) == 3
    with pytest.raises(pywasm3.WasmError, match="grow"):
        exports.memory.grow(1)


def test_part_of_a_page_is_no_page() -> None:
    assert load(GROWS, limits=Limits(memory=2 * PAGE - 1)).exports.grow(1) == -1


def test_a_memory_that_begins_beyond_the_limit_is_refused() -> None:
    with pytest.raises(pywasm3.UnsupportedError, match="131072 bytes, but the limit is 65536"):
        load("(module (memory 2))", limits=Limits(memory=PAGE))


def test_what_is_refused_is_not_reserved() -> None:
    child(
        """
        def space():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[0]) * 4096
        module, limits = pywasm3.Module(WASM), pywasm3.Limits(memory=1 << 20)
        before = space()
        for _ in range(10):
            try:
                pywasm3.Instance(module, limits=limits)
            except pywasm3.UnsupportedError:
                pass
            else:
                raise AssertionError
        assert space() - before < 1 << 30
        """,
        WASM=wat("(module (memory 65536))"),
    )


def test_a_memory_of_the_host_has_the_limit_of_its_store() -> None:
    store = pywasm3.Store(limits=Limits(memory=PAGE))
    memory = pywasm3.Memory(1, store=store)
    with pytest.raises(pywasm3.WasmError, match="grow"):
        memory.grow(1)
    with pytest.raises(MemoryError, match="the limit is 65536"):
        pywasm3.Memory(2, store=store)


def test_a_declared_memory_of_4_gib_takes_no_room_until_it_is_used() -> None:
    child(
        """
        import resource
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096
        before = resident()
        instance = pywasm3.load(WASM)
        assert len(instance.memory) == 1 << 32
        instance.memory[(1 << 32) - 1] = 1
        assert resident() - before < 30 << 20, resident() - before
        """,
        WASM=wat('(module (memory (export "memory") 65536))'),
    )


# ---- tables ----


def test_a_table_grows_up_to_the_limit() -> None:
    instance = load(GROWS, limits=Limits(table=3))
    assert instance.exports.grow_table(3) == -1
    assert instance.exports.grow_table(2) == 1
    assert instance.exports.grow_table(1) == -1
    with pytest.raises(pywasm3.WasmError, match="grow"):
        instance.exports.table.grow(1)


def test_a_table_that_begins_beyond_the_limit_is_refused() -> None:
    with pytest.raises(pywasm3.UnsupportedError, match="4 elements, but the limit is 3"):
        load("(module (table 4 funcref))", limits=Limits(table=3))


def test_a_table_of_the_host_has_the_limit_of_its_store() -> None:
    store = pywasm3.Store(limits=Limits(table=3))
    assert len(pywasm3.Table("funcref", 3, store=store)) == 3
    with pytest.raises(MemoryError, match="4 elements, but the limit is 3"):
        pywasm3.Table("funcref", 4, store=store)


def test_a_declared_maximum_below_the_limit_holds() -> None:
    table = pywasm3.Table("funcref", 1, 2, store=pywasm3.Store(limits=Limits(table=3)))
    with pytest.raises(pywasm3.WasmError, match="grow"):
        table.grow(2)
    assert table.grow(1) == 1


# ---- the stack ----


def test_a_larger_stack_lets_calls_go_deeper() -> None:
    def depth(limits: Limits) -> int:
        exports = load(GROWS, limits=limits).exports
        reached = 1
        try:
            while exports.deep(reached) == 0:
                reached *= 2
        except pywasm3.StackExhausted:
            assert exports.deep(1) == 0
        return reached

    assert depth(Limits(stack=1 << 14)) * 4 <= depth(Limits(stack=1 << 18))


def test_the_stack_argument_goes_before_the_limits() -> None:
    exports = load(GROWS, store=pywasm3.Store(stack=1 << 14, limits=Limits(stack=1 << 20))).exports
    with pytest.raises(pywasm3.StackExhausted):
        exports.deep(5000)


def test_an_exhausted_stack_is_named() -> None:
    """Large frames fill the stack of the store; many small ones the stack of the thread."""
    large = load(
        f"""(module (func $f (export "f") (param i32) {"(local i64)" * 100}
          (call $f (local.get 0)) {"(drop (local.get 1))" * 100}))""",
        limits=Limits(stack=1 << 16),
    )
    with pytest.raises(pywasm3.StackExhausted, match=r"store is used up; Limits\(stack=\) sets"):
        large.exports.f(0)
    small = load('(module (func $f (export "f") call $f))')
    with pytest.raises(pywasm3.StackExhausted, match="thread is used up, or the rest is kept"):
        on_thread(small.exports.f, stack=1 << 20)
    spilled = load(
        f"""(module (func $f (export "f") {"(local i64)" * 49_000} call $f))""",
        limits=Limits(stack=1 << 28),
    )
    with pytest.raises(pywasm3.StackExhausted, match="locals of functions that have thousands"):
        spilled.exports.f()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"stack": 0}, "stack must be at least 1 byte, not 0"),
        ({"stack": (1 << 30) + 1}, "at most 1,073,741,824 bytes .1 GiB., not 1,073,741,825"),
        ({"memory": -1}, "memory must be at least 0 bytes, not -1"),
        ({"table": -1}, "table must be at least 0 elements, not -1"),
        ({"fuel": -1}, "fuel must be at least 0, not -1"),
    ],
)
def test_a_limit_out_of_range_is_refused_with_its_unit(limits: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"{message}$"):
        Limits(**limits)
