# SPDX-License-Identifier: MIT
"""Memories, views, tables, globals, tags and snapshots leave nothing behind.

What is measured after many rounds must be what was measured before them: see `leak_helpers`.
"""

from __future__ import annotations

import gc
import pickle
import struct
from pathlib import Path

import pytest

import pywasm3
from helpers import load, wat
from leak_helpers import assert_no_leak, assert_no_objects_left, failing

pytestmark = pytest.mark.leak


def test_copies_do_not_leak(instance: pywasm3.Instance) -> None:
    memory, target = instance.memory, bytearray(100)
    assert_no_leak(lambda: memory.copy_out(memory.copy_in(0, target), 100, target), 50_000)
    assert_no_leak(lambda: memory.view("i", 0, 5), 50_000)


def test_a_view_does_not_leak(instance: pywasm3.Instance) -> None:
    memory = instance.memory
    assert_no_leak(lambda: memoryview(memory)[8:16], 100_000)


def test_a_memory_that_only_a_view_keeps_does_not_leak() -> None:
    """Every memory has a page that was written to, so each one that stays costs 64 KiB."""
    module = pywasm3.Module(wat('(module (memory (export "m") 1))'))
    kept: list[memoryview] = []

    def action() -> None:
        view = memoryview(pywasm3.Instance(module).memory)
        view[:] = b"x" * len(view)
        kept[:] = [view]

    assert_no_leak(action, 2_000)


def test_grown_memory_does_not_leak() -> None:
    module = pywasm3.Module(wat('(module (memory (export "m") 1))'))

    def action() -> None:
        memory = pywasm3.Instance(module).memory
        memory.grow(8)
        memory.write(8 * 65536, b"x" * 65536)

    assert_no_leak(action, 2_000)


SEVERAL = """(module (memory (export "a") 1) (memory (export "b") i64 1) (memory (export "c") 1 3)
    (data (memory 1) (i64.const 8) "b") (func (export "touch") (i32.store 2 (i32.const 65532)
      (i32.load 1 (i64.const 65532)))))"""


def test_instances_with_several_memories_do_not_leak() -> None:
    module = pywasm3.Module(wat(SEVERAL))

    def action() -> None:
        exports = pywasm3.Instance(module).exports
        exports.touch()
        exports.b.grow(20)
        exports.b.write(20 * 65536, b"x" * 65536)

    assert_no_leak(action, 2_000)


def test_an_instance_that_lacks_its_last_memory_does_not_leak() -> None:
    module = pywasm3.Module(wat(SEVERAL))
    limits = pywasm3.Limits(memory=2 * 65536)

    def make() -> None:
        pywasm3.Instance(module, limits=limits)

    assert_no_leak(lambda: failing(pywasm3.UnsupportedError, make), 5_000)


def test_64_bit_memories_of_the_host_do_not_leak() -> None:
    """Each one reserves 1 TiB, so that a hundred that stay would use up the address space."""
    store = pywasm3.Store(limits=pywasm3.Limits(total=1 << 40))
    assert_no_leak(lambda: pywasm3.Memory(1, address="i64", store=store).write(0, b"x"), 2_000)


def test_snapshots_of_several_memories_do_not_leak() -> None:
    instance = load(SEVERAL)

    def action() -> None:
        instance.exports.touch()
        instance.restore(instance.snapshot())

    assert_no_leak(action, 5_000)


def test_memory_accesses_do_not_leak(instance: pywasm3.Instance) -> None:
    memory = instance.memory

    def action() -> None:
        memory.write(1000, b"text" * 10)
        memory.read(1000, 40)
        memory.read_cstring(1000)
        memory[0:40] = memory[1000:1040]
        memory.write_u64(0, memory.read_u64(8))
        memory.write_str(0, memory.read_str(1000))
        memory.pack("Q", 0, *memory.unpack("Q", 8))
        memory.grow(0)

    assert_no_leak(action, 10_000)


def test_refused_memory_accesses_do_not_leak(instance: pywasm3.Instance) -> None:
    memory = instance.memory

    def action() -> None:
        failing(IndexError, memory.read, 65536, 1)
        failing(IndexError, memory.write, 65536, b"x")
        failing(IndexError, memory.read_cstring, 65537)
        failing(IndexError, memory.__getitem__, 65536)
        failing(TypeError, memory.write, 0, "text")
        failing(ValueError, memory.__setitem__, slice(0, 1), b"xx")
        failing(pywasm3.WasmError, memory.grow, 1 << 20)
        failing(IndexError, memory.pack, "Q", 65532, 1)
        failing(IndexError, memory.unpack, "Q", 65532)
        failing(struct.error, memory.pack, "Q", 0, "x")
        failing(struct.error, memory.unpack, "~", 0)
        failing(TypeError, lambda: memory.unpack("Q", place=0))  # type: ignore[call-arg]

    assert_no_leak(action, 5_000)


def test_globals_and_tables_do_not_leak(instance: pywasm3.Instance) -> None:
    counter, table = instance.exports.counter, instance.exports.table

    def action() -> None:
        counter.value = 1 << 62
        assert counter.value == 1 << 62
        table[1] = table[0]
        table[1] = None
        assert len(list(table)) == 2
        failing(TypeError, table.__setitem__, 0, 3)
        failing(IndexError, table.__getitem__, 5)
        failing(IndexError, table.__getitem__, 1 << 70)
        failing(TypeError, table.__getitem__, "0")
        failing(TypeError, setattr, counter, "value", "x")
        failing(OverflowError, setattr, counter, "value", 1 << 64)

    assert_no_leak(action, 3_000)


def test_functions_of_tables_do_not_leak(instance: pywasm3.Instance) -> None:
    table = instance.exports.table

    def action() -> None:
        assert table[0] == table[0]
        assert table[0](1, 2.5) == (1, 2.5)

    assert_no_leak(action, 50_000)


def test_functions_that_were_known_do_not_leak() -> None:
    """Each round makes a store, or an instance in one that lives on, and looks at its functions."""
    text = '(module (table (export "t") 2 funcref) (elem (i32.const 0) $f $g) (func $f) (func $g))'
    module, store = pywasm3.Module(wat(text)), pywasm3.Store()

    def action(where: pywasm3.Store) -> None:
        assert [f.name for f in pywasm3.Instance(module, store=where).exports.t] == ["f", "g"]

    assert_no_leak(lambda: action(store), 3_000)
    assert_no_leak(lambda: action(pywasm3.Store()), 3_000)


def test_subclasses_of_globals_and_tables_that_are_part_of_a_cycle_do_not_leak() -> None:
    class Cyclic(pywasm3.Global):
        table: pywasm3.Table

    class Holding(pywasm3.Table):
        counter: Cyclic

    def action() -> None:
        table = Holding("externref", 1)
        table.counter = Cyclic("i32", 1, store=table.store)
        table.counter.table = table
        table[0] = table

    assert_no_leak(action, 3_000)
    assert_no_objects_left(action, 500)


def test_documentation_and_signatures_do_not_leak(instance: pywasm3.Instance) -> None:
    import inspect

    add = instance.exports.add

    def action() -> None:
        assert add.__doc__
        assert inspect.signature(add)
        assert repr(add)
        assert add.arg_types
        assert add.raw != add

    assert_no_leak(action, 2_000)


def test_externs_of_the_host_do_not_leak() -> None:
    def action() -> None:
        store = pywasm3.Store()
        memory = pywasm3.Memory(1, 2, store=store)
        table = pywasm3.Table("externref", 10, None, memory, store=store)
        pywasm3.Global("externref", table, store=store)
        store.close()

    assert_no_leak(action, 4000)


def test_tags_do_not_leak() -> None:
    """The tags are exported, imported or made by the host; one has a type that does not fit."""
    text = '(module (import "a" "t" (tag (param i32))) (tag (export "own") (param f64)))'
    user, other = pywasm3.Module(wat(text)), pywasm3.Module(wat(text.replace("i32", "i64")))

    def action() -> None:
        tag = pywasm3.Tag(pywasm3.FuncType(("i32",)))
        assert pywasm3.Instance(user, {"a": {"t": tag}}).exports.own != tag
        failing(pywasm3.LinkError, pywasm3.Instance, other, {"a": {"t": tag}})

    assert_no_leak(action, 20_000)


def test_snapshots_do_not_leak() -> None:
    """Snapshots are taken, pickled, restored to a memory that has grown, and refused."""
    instance = load(
        """
        (module
          (memory (export "memory") 1 4) (data (i32.const 0) "data")
          (table (export "t") 3 8 externref) (table (export "f") 2 8 funcref)
          (func (export "g")))
        """
    )
    other = load("(module (memory 1))").snapshot()
    neighbour = load('(module (func (export "h")))', store=instance.store)

    def action(thing: object) -> None:
        instance.exports.t[0] = thing
        snapshot = pickle.loads(pickle.dumps(instance.snapshot()))
        instance.exports.f[0] = neighbour.exports.h
        instance.memory.grow(1)
        instance.exports.t.grow(1)
        foreign = instance.snapshot()
        failing(TypeError, pickle.dumps, foreign)
        failing(pywasm3.SnapshotError, instance.restore, other)
        instance.restore(foreign)
        instance.restore(snapshot)

    assert_no_leak(lambda: action([object()]), 3000)
    # A store frees the objects that nobody refers to some at a time, so numbers are used here.
    assert_no_objects_left(lambda: action(5), 1000)


SHARED = """(module (import "env" "m" (memory 1 64 shared))
    (func (export "touch") (i32.store (i32.const 65532) (i32.const 1)))
    (func (export "wait") (result i32)
      (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 1000))))"""


def open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_shared_memories_do_not_leak() -> None:
    """Neither their pages, nor mappings of other stores, nor files of the system stay."""
    module = pywasm3.Module(wat(SHARED))
    gc.collect()
    before = open_files()

    def action() -> None:
        memory = pywasm3.Memory(1, 64, shared=True)
        for _ in range(2):
            pywasm3.Instance(module, {"env": {"m": memory}}).exports.touch()
        memory.grow(20)
        memory.write(20 * 65536, b"x" * 65536)

    assert_no_leak(action, 1_000)
    gc.collect()
    assert open_files() <= before


def test_mappings_of_one_shared_memory_do_not_leak() -> None:
    """Each mapping has 4 GiB of address space, so that those which stay would use it up."""
    text = '(module (import "env" "m" (memory 1 65536 shared)))'
    module = pywasm3.Module(wat(text))
    memory = pywasm3.Memory(1, 65536, shared=True)
    assert_no_leak(lambda: pywasm3.Instance(module, {"env": {"m": memory}}), 5_000)


def test_waits_do_not_leak() -> None:
    memory = pywasm3.Memory(1, 64, shared=True)
    exports = load(SHARED, {"env": {"m": memory}}).exports
    assert_no_leak(exports.wait, 2_000)
    assert_no_leak(lambda: (memory.wait(0, 0, 1e-6), memory.wait(0, 1), memory.notify(0)), 2_000)


def test_shared_memories_that_are_refused_do_not_leak() -> None:
    store = pywasm3.Store(limits=pywasm3.Limits(memory=65536))
    assert_no_leak(
        lambda: failing(MemoryError, lambda: pywasm3.Memory(2, 2, shared=True, store=store)), 5_000
    )
