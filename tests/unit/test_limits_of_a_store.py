# SPDX-License-Identifier: MIT
"""Limits hold for everything that a store allocates for its guests, taken together.

Expected values are the limits themselves, and the sizes that the modules ask for.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, let_pypy_free, load, wat
from pywasm3 import Limits, UnsupportedError, WasmError, _ffi

PAGE = 65536


def allocated(store: pywasm3.Store) -> int:
    """The bytes on the account of a store."""
    return int(_ffi.lib.pw_store_allocated(_ffi.store_pointer(store)))


# ---- tables ----

TABLES = f"(module {'(table 1000 funcref)' * 10})"
GROWS = """(module (table $a 1 funcref) (table $b 1 funcref)
    (func (export "a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
    (func (export "b") (param i32) (result i32) (table.grow $b (ref.null func) (local.get 0))))"""


def test_the_tables_of_a_module_share_the_limit() -> None:
    load(TABLES, limits=Limits(table=10_000))
    with pytest.raises(UnsupportedError, match="1000 elements, which is more than the limits"):
        load(TABLES, limits=Limits(table=9_999))


def test_tables_that_grow_share_the_limit() -> None:
    exports = load(GROWS, limits=Limits(table=100)).exports
    assert exports.a(60) == 1
    assert exports.b(39) == -1
    assert exports.b(38) == 1
    assert exports.a(1) == -1


def test_the_tables_of_a_store_share_the_limit() -> None:
    store = pywasm3.Store(limits=Limits(table=1_500))
    first = pywasm3.Table("funcref", 1_000, store=store)
    with pytest.raises(MemoryError, match="table too large"):
        pywasm3.Table("funcref", 501, store=store)
    second = pywasm3.Table("funcref", 500, store=store)
    assert len(first) + len(second) == 1_500


def test_a_table_that_is_freed_leaves_its_room_to_others() -> None:
    store = pywasm3.Store(limits=Limits(table=1_500))
    for _ in range(10):
        pywasm3.Table("funcref", 1_500, store=store)
    let_pypy_free()
    assert allocated(store) == 0


def test_an_instance_that_is_freed_leaves_its_room_to_others() -> None:
    store = pywasm3.Store(limits=Limits(table=10_000, total=1_000_000))
    load("(module (func))", store=store)
    types = allocated(store)
    for _ in range(20):
        load(TABLES, store=store)
    assert allocated(store) == types


def test_a_store_is_charged_for_the_types_of_all_its_modules() -> None:
    """A store keeps types, also those of instances that are freed, and equal ones only once."""
    store = pywasm3.Store(limits=Limits(total=200_000))
    for _ in range(100):
        load(f"(module (type (func (param {'i32 ' * 500}))))", store=store)
    assert allocated(store) < 10_000
    with pytest.raises(UnsupportedError, match="its 1 types need more memory than the limits"):
        for i in range(100):
            load(f"(module (type (func (param {'i32 ' * (500 + i)}))))", store=store)


def test_a_store_is_charged_for_host_functions_until_they_are_freed() -> None:
    """Each of 20 instances needs 100 of them, and 40 such instances would exceed the limit."""
    imports = '(import "a" "b" (func (param i32 i32)))' * 100
    module, store = pywasm3.Module(wat(f"(module {imports})")), pywasm3.Store()
    given = {"a": {"b": lambda x, y: None}}
    with pywasm3.Instance(module, given) as one:
        size = allocated(one.store)
    assert size > 100 * 100
    store = pywasm3.Store(limits=Limits(total=20 * size))
    for _ in range(100):
        pywasm3.Instance(module, given, store=store)
    assert allocated(store) < size // 10
    with pytest.raises(WasmError, match="limits of the store leave"):
        [pywasm3.Instance(module, given, store=store) for _ in range(21)]


# ---- memories ----

MEMORY = '(module (memory (export "memory") 2))'


def test_the_memories_of_a_store_share_the_limit() -> None:
    store = pywasm3.Store(limits=Limits(memory=5 * PAGE))
    first = pywasm3.Instance(pywasm3.Module(wat(MEMORY)), store=store)
    second = load(MEMORY, store=store)
    assert first.memory.grow(1) == 2
    with pytest.raises(WasmError, match="cannot grow"):
        first.memory.grow(1)
    with pytest.raises(UnsupportedError, match="memory too large"):
        load(MEMORY, store=store)
    assert len(second.memory) == 2 * PAGE


def test_a_memory_that_is_freed_leaves_its_room_to_others() -> None:
    store = pywasm3.Store(limits=Limits(memory=4 * PAGE))
    for _ in range(10):
        pywasm3.Memory(4, store=store)
    let_pypy_free()
    assert allocated(store) == 0


def test_a_snapshot_that_is_restored_is_charged_once() -> None:
    instance = load(MEMORY, limits=Limits(memory=4 * PAGE))
    snapshot = instance.snapshot()
    for _ in range(5):
        instance.memory.grow(2)
        instance.restore(snapshot)
    assert instance.memory.pages == 2
    assert instance.memory.grow(2) == 2


# ---- everything else ----


def test_a_store_without_limits_has_the_default_ones() -> None:
    """Without `total`, a 64-bit memory could take all memory of the machine."""
    most = Limits().total // 65536
    for store in (pywasm3.Store(), pywasm3.Store(limits=Limits())):
        with pytest.raises(MemoryError, match=f"the limit is {Limits().total} bytes"):
            pywasm3.Memory(most + 1, address="i64", store=store)
        assert pywasm3.Memory(1, address="i64", store=store).grow(1) == 1


def test_a_failed_instance_leaves_nothing_on_the_account() -> None:
    store = pywasm3.Store(limits=Limits(table=9_999))
    with pytest.raises(UnsupportedError):
        load(TABLES, store=store)
    assert allocated(store) == 0


def test_what_an_instance_consists_of_counts() -> None:
    text = f"(module {'(global i32 (i32.const 0))' * 30_000})"
    with pytest.raises(UnsupportedError, match="instance too large"):
        load(text, limits=Limits(total=1 << 20))
    load(text, limits=Limits(total=8 << 20))


def large_function(size: int) -> str:
    return f"""(module (func (export "f") (param i32) (result i32)
        {"(local.set 0 (i32.mul (local.get 0) (i32.const 3)))" * size} (local.get 0)))"""


@pytest.mark.parametrize("compile_", ["lazy", "eager"])
def test_compiled_code_counts(compile_: Any) -> None:
    limits = Limits(total=1 << 20)
    with pytest.raises(UnsupportedError, match="the code of the function is larger"):
        load(large_function(50_000), limits=limits, compile=compile_).exports.f(1)
    assert load(large_function(100), limits=limits, compile=compile_).exports.f(0) == 0


def test_spilled_locals_count() -> None:
    text = f'(module (func (export "f") (local {"i64 " * 5_000})))'
    with pytest.raises(UnsupportedError, match="the code of the function is larger"):
        load(text, limits=Limits(total=1 << 20)).exports.f()
    load(text, limits=Limits(total=32 << 20)).exports.f()


HOLDS = """(module (import "" "make" (func $make (result externref)))
    (table $kept 11_000 externref)
    (func (export "run") (param $i i32)
        (loop $again
            (table.set $kept (local.get $i) (call $make))
            (br_if $again
                (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                          (i32.const 11_000))))))"""


def test_externrefs_that_are_held_count() -> None:
    """The guest keeps more objects than its limits allow: each takes 96 bytes, besides its own."""
    instance = load(HOLDS, {"": {"make": object}}, limits=Limits(total=1 << 20))
    before = allocated(instance.store)
    with pytest.raises(WasmError, match="as many externrefs as its limits allow"):
        instance.exports.run(0)
    with pytest.raises(WasmError, match="as many externrefs"):
        instance.exports.run(0)
    assert allocated(instance.store) < before + (1 << 20)


DROPS = """(module (import "" "make" (func $make (result externref)))
    (func (export "run") (param $count i32)
        (loop $again
            (drop (call $make))
            (br_if $again
                (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))"""


@pytest.mark.parametrize(
    ("make", "count"), [(object, 50_000), (lambda: "x" * 100_001, 500)], ids=["objects", "texts"]
)
def test_externrefs_that_the_guest_drops_are_released_while_it_runs(make: Any, count: int) -> None:
    """All of them together would take more than the limit: objects 4.8 MB, and texts 50 MB."""
    instance = load(DROPS, {"": {"make": make}}, limits=Limits(total=3 << 20))
    instance.exports.run(count)


FEW = 12  # texts of 100 kB are less than a collection waits for, and more than the limit of 1 MB


@pytest.mark.parametrize("rounds", [1, 20])
def test_texts_that_the_guest_has_dropped_make_room_for_another(rounds: int) -> None:
    instance = load(DROPS, {"": {"make": lambda: "x" * 100_001}}, limits=Limits(total=1 << 20))
    for _ in range(rounds):
        instance.exports.run(FEW)


def pair(number: int) -> tuple[str, str]:
    """Two texts of 140 kB. The second one of the fourth pair exceeds a limit of 1 MB."""
    return f"a{number}".ljust(140_001), f"b{number}".ljust(140_001)


def test_results_on_their_way_to_the_guest_stay_when_earlier_ones_make_room() -> None:
    text = """(module (import "" "pair" (func $pair (param i32) (result externref externref)))
        (func (export "run") (param $count i32) (result externref externref)
            (loop $again
                (call $pair (local.get $count))
                (drop)
                (drop)
                (br_if $again
                    (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
            (call $pair (i32.const 0))))"""
    instance = load(text, {"": {"pair": pair}}, limits=Limits(total=1 << 20))
    for count in range(1, FEW):
        assert instance.exports.run(count) == pair(0)


def test_arguments_on_their_way_to_the_guest_stay_when_earlier_ones_make_room() -> None:
    text = """(module (func (export "same") (param externref externref) (result externref externref)
        (local.get 0) (local.get 1)))"""
    instance = load(text, limits=Limits(total=1 << 20))
    for number in range(FEW):
        assert instance.exports.same(*pair(number)) == pair(number)


def test_values_of_an_exception_stay_when_earlier_ones_make_room() -> None:
    text = """(module (import "" "fail" (func $fail (param i32)))
        (import "" "tag" (tag $tag (param externref externref)))
        (func (export "run") (param $number i32) (result externref externref)
            (block $caught (result externref externref)
                (try_table (catch $tag $caught) (call $fail (local.get $number)))
                unreachable)))"""
    store = pywasm3.Store(limits=Limits(total=1 << 20))
    tag = pywasm3.Tag(pywasm3.FuncType(["externref", "externref"]), store=store)

    def fail(number: int) -> None:
        raise tag(*pair(number))

    instance = load(text, {"": {"fail": fail, "tag": tag}}, store=store)
    for number in range(FEW):
        assert instance.exports.run(number) == pair(number)


def test_structures_that_the_guest_has_dropped_make_room_for_texts() -> None:
    """The arrays take up to 2 MB, and are not collected before the text needs their room."""
    text = """(module (import "" "make" (func $make (result externref)))
        (type $bytes (array (mut i8)))
        (func $fill (local i64 i64 i64 i64) ;; so that no slot of `run` has the reference still
            (drop (array.new_default $bytes (i32.const 1000000))))
        (func (export "fill") (call $fill))
        (func (export "run") (drop (call $make))))"""
    instance = load(text, {"": {"make": lambda: "x" * 1_200_000}}, limits=Limits(total=2 << 20))
    instance.exports.fill()
    instance.exports.run()


def test_a_guest_that_keeps_nearly_all_texts_reaches_the_limit_soon() -> None:
    """Otherwise each further text would cost a collection."""
    made = 0

    def make() -> str:
        nonlocal made
        made += 1
        return "x" * 10_000

    instance = load(HOLDS, {"": {"make": make}}, limits=Limits(total=1 << 20))
    with pytest.raises(WasmError, match="as many externrefs"):
        instance.exports.run(0)
    assert made < 120


def test_a_value_that_python_writes_finds_room_at_the_second_attempt() -> None:
    """While functions of the Python layer run, nothing is collected, but when they end."""
    store = pywasm3.Store(limits=Limits(total=2 << 20))
    table = pywasm3.Table("externref", 1, store=store)
    table[0] = "a" * 1_200_000
    table[0] = None
    with contextlib.suppress(WasmError):
        table.fill("b" * 1_200_000)
    table.fill("b" * 1_200_000)
    assert table[0] == "b" * 1_200_000


def test_externrefs_that_host_functions_of_numbers_make_are_released_while_the_guest_runs() -> None:
    """The host function puts a text into a table: 50 MB in all, of which the last 100 kB stay."""
    text = """(module (import "" "put" (func $put)) (table (export "t") 1 externref)
        (func (export "run") (param $count i32)
            (loop $again
                (call $put)
                (br_if $again
                    (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))"""

    def put() -> None:
        instance.exports.t[0] = "x" * 100_001

    instance = load(text, {"": {"put": put}}, limits=Limits(total=3 << 20))
    instance.exports.run(500)


def test_the_limits_of_a_store_bound_what_the_process_gets() -> None:
    """100,000 tables of 10,000 elements each: without the sum they would take 8 GB."""
    code = f"""
import resource, pywasm3
from pywasm3 import Limits
def leb(n):
    out = b""
    while n > 127: out += bytes([n % 128 | 128]); n //= 128
    return out + bytes([n])
table = b"\\x70\\x00" + leb(10_000)
body = leb(100_000) + table * 100_000
module = pywasm3.Module(b"\\0asm\\1\\0\\0\\0\\4" + leb(len(body)) + body)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    pywasm3.Instance(module, limits=Limits(total=64 << 20))
except pywasm3.UnsupportedError as error:
    print(error)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert grown < {400 if SANITIZED else 100} * 1024, grown
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "more than the limits of the store leave" in done.stdout
