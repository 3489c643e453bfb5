# SPDX-License-Identifier: MIT
"""Shared memories: the same bytes in several stores. tests/threads/test_shared.py has the threads.

The expected values are written by hand from the small modules below.
"""

from __future__ import annotations

import gc
from typing import Any

import pytest

import pywasm3
from helpers import let_pypy_free, load, wat
from pywasm3 import (
    InstancePool,
    Limits,
    LinkError,
    Memory,
    MemoryType,
    Module,
    SnapshotError,
    Store,
    Trap,
    TrapKind,
    WasmError,
)

PAGE = 65536

USER = """(module
  (import "env" "memory" (memory $m {address}1 8 shared))
  (export "memory" (memory $m))
  (func (export "load") (param {type}) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param {type} i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "add") (param {type} i32) (result i32)
    (i32.atomic.rmw.add (local.get 0) (local.get 1)))
  (func (export "size") (result {type}) (memory.size))
  (func (export "grow") (param {type}) (result {type}) (memory.grow (local.get 0)))
  (func (export "fill") (param {type} i32 {type})
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param {type} {type} {type})
    (memory.copy (local.get 0) (local.get 1) (local.get 2))))"""


def user(memory: Memory, **options: Any) -> pywasm3.Instance:
    """An instance that imports the memory, in a store of its own unless `options` say otherwise."""
    wide = memory.type.is64
    text = USER.format(address="i64 " if wide else "", type="i64" if wide else "i32")
    return load(text, {"env": {"memory": memory}}, **options)


@pytest.fixture(params=["i32", "i64"])
def memory(request: pytest.FixtureRequest) -> Memory:
    return Memory(1, 8, shared=True, address=request.param)


# ---- the same bytes ----


def test_instances_of_different_stores_have_the_same_bytes(memory: Memory) -> None:
    a, b = user(memory), user(memory)
    assert len({a.store, b.store, memory.store}) == 3
    a.exports.store(100, 7)
    assert b.exports.load(100) == 7
    assert b.exports.add(100, 5) == 7
    assert memory.read_u32(100) == 12
    memory.write_u32(100, 40)
    assert [instance.exports.load(100) for instance in (a, b)] == [40, 40]
    a.exports.fill(0, 3, 16)
    b.exports.copy(32, 0, 16)
    assert memory.read(32, 16) == b"\3" * 16


def test_a_store_can_be_chosen(memory: Memory) -> None:
    store = Store()
    a, b = user(memory, store=store), user(memory, store=memory.store)
    assert (a.store, b.store) == (store, memory.store)
    again = user(memory, store=store)
    a.exports.store(0, 9)
    assert (b.exports.load(0), again.exports.load(0)) == (9, 9)


def test_limits_of_a_new_store_can_be_given(memory: Memory) -> None:
    """A shared memory chooses no store, so it does not get in the way of limits."""
    assert user(memory, limits=Limits(fuel=100)).store.fuel is not None


def test_the_memory_that_an_instance_exports_can_be_imported(memory: Memory) -> None:
    a = user(memory)
    b = user(a.exports.memory)
    c = user(b.exports.memory)
    c.exports.store(8, 3)
    assert (a.exports.load(8), memory.read_u32(8)) == (3, 3)


def test_a_module_can_define_a_shared_memory() -> None:
    owner = load("""(module (memory (export "memory") 2 3 shared) (data (i32.const 4) "abc")
      (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))""")
    assert owner.memory is not None
    assert owner.memory.type == MemoryType(2, 3, shared=True)
    other = user(owner.memory)
    assert other.exports.load(4) == int.from_bytes(b"abc\0", "little")
    other.exports.store(4, 1)
    assert owner.exports.load(4) == 1


def test_data_segments_write_for_each_instance() -> None:
    memory = Memory(1, 1, shared=True)
    text = '(module (import "env" "memory" (memory 1 1 shared)) (data (i32.const 0) "{}"))'
    load(text.format("first"), {"env": {"memory": memory}})
    load(text.format("se"), {"env": {"memory": memory}})
    assert memory.read(0, 5) == b"serst"


def test_two_shared_memories_of_one_instance() -> None:
    a, b = Memory(1, 2, shared=True), Memory(1, 2, shared=True)
    text = """(module (import "env" "a" (memory $a 1 2 shared))
      (import "env" "b" (memory $b 1 2 shared))
      (func (export "f") (memory.copy $b $a (i32.const 8) (i32.const 0) (i32.const 4))
        (i32.atomic.store $a offset=16 (i32.const 0) (i32.const 5))))"""
    a.write(0, b"wasm")
    load(text, {"env": {"a": a, "b": b}}).exports.f()
    assert (b.read(8, 4), a.read_u32(16), b.read_u32(16)) == (b"wasm", 5, 0)
    both = load(text, {"env": {"a": a, "b": a}})
    both.exports.f()
    assert (a.read(8, 4), both.store is a.store) == (b"wasm", False)


# ---- growth ----


def test_growth_is_seen_by_all(memory: Memory) -> None:
    a, b = user(memory), user(memory)
    with pytest.raises(Trap):
        b.exports.load(PAGE)
    assert a.exports.grow(2) == 1
    assert (b.exports.size(), memory.pages, len(memory), b.exports.memory.pages) == (
        3,
        3,
        3 * PAGE,
        3,
    )
    b.exports.store(3 * PAGE - 4, 6)
    assert a.exports.load(3 * PAGE - 4) == 6
    assert memory.grow(1) == 3
    assert (a.exports.size(), b.exports.size()) == (4, 4)
    late = user(memory)
    assert (late.exports.size(), late.exports.load(3 * PAGE - 4)) == (4, 6)


def test_growth_ends_at_the_maximum(memory: Memory) -> None:
    a = user(memory)
    assert a.exports.grow(8) == -1
    assert a.exports.grow(-1) == -1
    with pytest.raises(WasmError, match="exceeds its maximum"):
        memory.grow(8)
    assert (a.exports.grow(7), a.exports.grow(0), a.exports.grow(1)) == (1, 8, -1)
    assert memory.type == MemoryType(8, 8, shared=True, is64=memory.type.is64)


def test_the_store_that_makes_the_memory_is_charged() -> None:
    store = Store(limits=Limits(memory=4 * PAGE))
    memory = Memory(2, 8, shared=True, store=store)
    small = user(memory, limits=Limits(memory=0))
    assert (small.exports.grow(3), small.exports.grow(2), memory.pages) == (-1, 2, 4)
    with pytest.raises(MemoryError, match="more than the limits of the store leave"):
        Memory(1, store=store)
    del small, memory
    gc.collect()
    let_pypy_free()
    Memory(4, store=store)


def test_a_memory_above_the_limits_is_refused() -> None:
    store = Store(limits=Limits(memory=PAGE))
    with pytest.raises(MemoryError, match="memory too large"):
        Memory(2, 2, shared=True, store=store)


def test_the_charge_lasts_while_any_store_has_the_memory() -> None:
    store = Store(limits=Limits(memory=4 * PAGE))
    memory = Memory(3, 8, shared=True, store=store)
    other = user(memory)
    del memory
    gc.collect()
    let_pypy_free()
    with pytest.raises(MemoryError):
        Memory(2, store=store)
    assert other.exports.size() == 3
    del other
    gc.collect()
    let_pypy_free()
    Memory(2, store=store)


def test_memory_of_zero_pages() -> None:
    memory = Memory(0, 0, shared=True)
    text = '(module (import "env" "m" (memory 0 0 shared)) (func (export "f") (result i32) {}))'
    size = load(text.format("memory.size"), {"env": {"m": memory}}).exports.f
    grow = load(text.format("(memory.grow (i32.const 1))"), {"env": {"m": memory}}).exports.f
    assert (size(), grow(), len(memory)) == (0, -1, 0)


# ---- lifetime ----


@pytest.mark.buffers
def test_views_stay_valid(memory: Memory) -> None:
    a, b = user(memory), user(memory)
    view, other = memoryview(memory), a.exports.memory.view("I", 0, 4)
    a.exports.grow(3)
    b.exports.store(4, 0x01020304)
    assert (bytes(view[4:8]), other[1]) == (b"\4\3\2\1", 0x01020304)
    for instance in (a, b):
        instance.store.close()
    memory.store.close()
    del a, b, memory, instance
    gc.collect()
    view[4] = 9
    assert other[1] == 0x01020309


def test_numpy_arrays_are_views_of_the_same_bytes(memory: Memory) -> None:
    numpy = pytest.importorskip("numpy")
    a = user(memory)
    array = memory.view("i32", 0, 16, numpy=True)
    array[:] = numpy.arange(16)
    assert a.exports.load(20) == 5
    a.exports.store(20, -1)
    assert array[5] == -1


def test_a_closed_store_does_not_end_the_memory(memory: Memory) -> None:
    a = user(memory)
    memory.store.close()
    a.exports.store(0, 5)
    assert (memory.read_u32(0), memory.grow(1), memory.type.min) == (5, 1, 2)
    b = user(memory)
    assert (b.exports.load(0), b.exports.size()) == (5, 2)


def test_an_instance_that_cannot_be_made_leaves_the_memory(memory: Memory) -> None:
    kind = "i64" if memory.type.is64 else "i32"
    with pytest.raises(Trap):
        load(
            f"""(module (import "env" "memory" (memory {kind} 1 8 shared))
              (func $f unreachable) (start $f))""",
            {"env": {"memory": memory}},
        )
    assert user(memory).exports.load(0) == 0


# ---- identity ----


def test_memories_with_the_same_bytes_are_equal(memory: Memory) -> None:
    a, b = user(memory), user(memory)
    found = {memory, a.exports.memory, b.exports.memory}
    assert found == {memory}
    assert a.exports.memory is not memory
    other = Memory(1, 8, shared=True)
    assert memory != other
    assert hash(memory) == hash(b.exports.memory)
    assert memory != 1
    assert (memory == "memory") is False


def test_memories_that_are_not_shared_are_equal_if_they_are_the_same() -> None:
    memory = Memory(1)
    text = '(module (import "env" "m" (memory 1)) (export "m" (memory 0)))'
    instance = load(text, {"env": {"m": memory}})
    assert instance.exports.m == memory
    assert hash(instance.exports.m) == hash(memory)
    assert memory != Memory(1)


def test_a_shared_memory_shows_that_it_is_one() -> None:
    memory = Memory(1, 3, shared=True)
    assert repr(memory) == "<pywasm3.Memory: shared, 1 page>"
    assert memory.type == MemoryType(1, 3, shared=True)
    assert Module(wat('(module (memory (export "m") 1 2 shared))')).exports[0].type == MemoryType(
        1, 2, shared=True
    )


# ---- links ----


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (Memory(1, 2), "1 2 shared"),
        (Memory(1, 2, shared=True), "1 2"),
        (Memory(1, 2, shared=True), "2 2 shared"),
        (Memory(1, 3, shared=True), "1 2 shared"),
        (Memory(1, 2, shared=True, address="i64"), "1 2 shared"),
        (Memory(1, 2, shared=True), "i64 1 2 shared"),
    ],
)
def test_imports_need_the_same_kind_of_memory(given: Memory, wanted: str) -> None:
    with pytest.raises(LinkError) as caught:
        load(f'(module (import "env" "m" (memory {wanted})))', {"env": {"m": given}})
    assert len(caught.value.mismatched) == 1


def test_a_maximum_below_that_of_the_import_fits() -> None:
    memory = Memory(1, 2, shared=True)
    instance = user(memory)
    assert instance.exports.grow(2) == -1


def test_a_stand_in_is_shared() -> None:
    text = '(module (import "env" "m" (memory 1 2 shared)) (export "m" (memory 0)))'
    instance = load(text, missing="trap")
    assert instance.exports.m.type == MemoryType(1, 2, shared=True)


# ---- snapshots ----


OWN = """(module (memory (export "memory") 1 8 shared)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1))))"""


def test_a_snapshot_has_a_shared_memory_that_no_other_store_uses() -> None:
    instance = load(OWN)
    instance.exports.store(100, 1)
    snapshot = instance.snapshot()
    instance.exports.store(100, 2)
    instance.exports.store(104, 3)
    instance.restore(snapshot)
    assert (instance.exports.load(100), instance.exports.load(104)) == (1, 0)


@pytest.mark.buffers
def test_a_shared_memory_shrinks_and_grows_by_a_snapshot() -> None:
    instance = load(OWN)
    small = instance.snapshot()
    assert instance.exports.grow(5) == 1
    instance.exports.store(3 * PAGE, 7)
    large, view = instance.snapshot(), memoryview(instance.memory)
    instance.restore(small)
    assert instance.exports.size() == 1
    with pytest.raises(Trap):
        instance.exports.load(3 * PAGE)
    assert view[3 * PAGE] == 0
    view[3 * PAGE + 4] = 9
    instance.restore(large)
    assert (instance.exports.size(), instance.exports.load(3 * PAGE)) == (6, 7)
    assert instance.exports.load(3 * PAGE + 4) == 0


@pytest.mark.buffers
def test_what_a_view_wrote_beyond_the_end_is_gone_when_the_memory_grows() -> None:
    instance = load(OWN)
    small = instance.snapshot()
    instance.exports.grow(5)
    view = memoryview(instance.memory)
    instance.restore(small)
    view[PAGE], view[6 * PAGE - 1] = 1, 2
    assert instance.exports.grow(5) == 1
    assert bytes(instance.memory) == bytes(6 * PAGE)


def test_another_instance_can_be_restored_with_a_shared_memory() -> None:
    a, b = load(OWN), load(OWN)
    a.exports.grow(1)
    a.exports.store(PAGE, 5)
    b.restore(a.snapshot())
    assert b.exports.load(PAGE) == 5
    assert a.exports.load(PAGE) == 5


def test_a_restored_shared_memory_keeps_to_the_limits() -> None:
    large = load(OWN, limits=Limits(memory=4 * PAGE))
    large.exports.grow(3)
    small = load(OWN, limits=Limits(memory=2 * PAGE))
    with pytest.raises(SnapshotError, match="4 pages"):
        small.restore(large.snapshot())
    assert small.exports.grow(1) == 1


def test_a_pool_restores_a_shared_memory() -> None:
    with InstancePool(Module(wat(OWN)), size=1) as pool:
        for _ in range(3):
            with pool.instance() as instance:
                assert (instance.exports.load(0), instance.exports.size()) == (0, 1)
                instance.exports.store(0, 1)
                instance.exports.grow(1)


def test_a_shared_memory_that_another_store_uses_has_no_snapshot() -> None:
    instance = load(OWN)
    snapshot = instance.snapshot()
    other = load('(module (import "env" "m" (memory 1 8 shared)))', {"env": {"m": instance.memory}})
    with pytest.raises(SnapshotError, match="other stores use"):
        instance.snapshot()
    with pytest.raises(SnapshotError, match="other stores use"):
        instance.restore(snapshot)
    other.close()
    del other
    gc.collect()
    instance.restore(snapshot)


def test_a_snapshot_without_what_is_imported_leaves_the_shared_memory() -> None:
    memory = Memory(1, 2, shared=True)
    text = """(module (import "env" "m" (memory 1 2 shared))
      (global (export "g") (mut i32) (i32.const 1))
      (func (export "f") (global.set 0 (i32.const 9)) (i32.store (i32.const 0) (i32.const 9))))"""
    instance = load(text, {"env": {"m": memory}})
    snapshot = instance.snapshot()
    instance.exports.f()
    instance.restore(snapshot)
    assert (instance.exports.g.value, memory.read_u32(0)) == (1, 9)
    with pytest.raises(SnapshotError, match="other stores use"):
        instance.snapshot(imported=True)


# ---- results of waiting without other threads ----


def test_wait_says_how_it_ended() -> None:
    memory = Memory(1, 1, shared=True)
    memory.write_i32(8, -2)
    memory.write_i64(16, -3)
    assert memory.wait(8, 0) == "not-equal"
    assert memory.wait(8, -2, 0) == "timed-out"
    assert memory.wait(8, (1 << 32) - 2, 0.001) == "timed-out"
    assert memory.wait(16, -3, 0, width=64) == "timed-out"
    assert memory.wait(16, (1 << 32) - 3, 0, width=64) == "not-equal"
    assert memory.notify(8) == 0
    assert memory.notify(8, 3) == 0


def test_instructions_wait_and_notify() -> None:
    exports = load("""(module (memory 1 1 shared)
      (func (export "wait32") (param i32 i32 i64) (result i32)
        (memory.atomic.wait32 offset=4 (local.get 0) (local.get 1) (local.get 2)))
      (func (export "wait64") (param i32 i64 i64) (result i32)
        (memory.atomic.wait64 offset=4 (local.get 0) (local.get 1) (local.get 2)))
      (func (export "notify") (param i32 i32) (result i32)
        (memory.atomic.notify offset=4 (local.get 0) (local.get 1))))""").exports
    assert exports.wait32(0, 1, -1) == 1
    assert exports.wait32(0, 0, 0) == 2
    assert exports.wait64(4, 1, -1) == 1
    assert exports.wait64(4, 0, 1000) == 2
    assert exports.notify(0, -1) == 0
    for name, given, kind in (
        ("wait32", (1, 0, 0), TrapKind.UNALIGNED_ATOMIC),
        ("wait64", (0, 0, 0), TrapKind.UNALIGNED_ATOMIC),
        ("notify", (2, 0), TrapKind.UNALIGNED_ATOMIC),
        ("wait32", (PAGE, 0, 0), TrapKind.MEMORY_OUT_OF_BOUNDS),
        ("wait64", (PAGE - 4, 0, 0), TrapKind.MEMORY_OUT_OF_BOUNDS),
        ("notify", (-4, 0), TrapKind.MEMORY_OUT_OF_BOUNDS),
    ):
        with pytest.raises(Trap) as caught:
            exports[name](*given)
        assert caught.value.kind is kind
