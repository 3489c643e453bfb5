# SPDX-License-Identifier: MIT
"""What Python holds of the heap of a store lives, and what nobody holds is freed."""

from __future__ import annotations

import gc
import weakref

import pytest

import pywasm3
from helpers import load
from leak_helpers import assert_no_leak
from pywasm3 import Array, Instance, Struct
from pywasm3._ffi import lib, store_pointer

GUEST = """(module
  (type $node (struct (field $value (mut externref)) (field $next (mut (ref null $node)))))
  (type $bytes (array (mut i8)))
  (global $kept (export "kept") (mut (ref null $node)) (ref.null $node))
  (func (export "list") (param i32) (result (ref null $node)) (local $list (ref null $node))
    (loop $l
      (local.set $list (struct.new $node (ref.null extern) (local.get $list)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $list))
  (func (export "length") (param (ref null $node)) (result i32) (local $n i32)
    (block $end
      (loop $l
        (local.set 0 (struct.get $node 1 (br_on_null $end (local.get 0))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $l)))
    (local.get $n)))"""


@pytest.fixture
def guest() -> Instance:
    return load(GUEST)


class Thing:
    """An object to which a weak reference can be made."""


def heap_bytes(guest: Instance) -> int:
    """How many bytes the heap of the guest's store has after a collection."""

    def measure() -> int:
        pointer = store_pointer(guest.store)
        lib.pw_store_collect_heap(pointer)
        return int(lib.pw_store_heap_bytes(pointer))

    gc.collect()
    guest.exports.list(1)  # overwrites what earlier calls have left on the stack
    return guest.store._call_entered(measure)


def test_a_list_of_a_million_nodes_lives_while_python_holds_its_head(guest: Instance) -> None:
    empty = heap_bytes(guest)
    head = guest.exports.list(1_000_000)
    full = heap_bytes(guest)
    assert full > empty + 16_000_000
    assert guest.exports.length(head) == 1_000_000
    del head
    assert heap_bytes(guest) < empty + 1_000_000


def test_a_part_of_a_list_lives_while_python_holds_it(guest: Instance) -> None:
    tail = guest.exports.list(1000)[1]
    heap_bytes(guest)
    assert guest.exports.length(tail) == 999


def test_a_made_object_is_freed_when_python_forgets_it(guest: Instance) -> None:
    before = heap_bytes(guest)
    made = Array(guest, "bytes", length=10_000_000)
    assert heap_bytes(guest) >= before + 10_000_000
    del made
    assert heap_bytes(guest) <= before + 100_000


def test_a_global_of_the_guest_keeps_an_object(guest: Instance) -> None:
    guest.exports.kept.value = Struct(guest, "node", ["kept"])
    heap_bytes(guest)
    assert guest.exports.kept.value["value"] == "kept"


def test_many_objects_that_come_and_go_do_not_leak(guest: Instance) -> None:
    def act() -> None:
        node = guest.exports.list(3)
        node["next"]["value"] = 1 << 40
        node["value"] = Array(guest, "bytes", b"text")
        assert node["value"].read() == b"text"

    assert_no_leak(act, 20_000)


def test_snapshots_do_not_leak(guest: Instance) -> None:
    """They are taken, restored here and elsewhere, and refused when they are damaged."""
    other = Instance(guest.module)
    guest.exports.kept.value = Struct(guest, "node", [5, guest.exports.list(50)])

    def action() -> None:
        snapshot = guest.snapshot()
        function, parts = snapshot.__reduce__()
        digest, image, externs = parts
        with pytest.raises(pywasm3.SnapshotError, match="damaged"):
            other.restore(function(digest, image[:-8], externs))
        for instance in (other, guest):
            instance.restore(snapshot)

    assert_no_leak(action, 2000)
    assert guest.exports.length(guest.exports.kept.value) == 51


def test_pools_of_guests_with_structures_do_not_leak() -> None:
    module = load(GUEST).module

    def prepare(instance: Instance) -> None:
        instance.exports.kept.value = Struct(instance, "node", [Thing(), instance.exports.list(50)])

    def action() -> None:
        with pywasm3.InstancePool(module, size=1, prepare=prepare) as pool:
            for _ in range(3):
                with pool.instance() as instance:
                    assert instance.exports.length(instance.exports.kept.value) == 51
                    instance.exports.kept.value = None

    assert_no_leak(action, 500)


def test_failures_do_not_leak(guest: Instance) -> None:
    def act() -> None:
        for values in ([1, 2], [1, guest], [1, None, 3]):
            with pytest.raises((TypeError, ValueError)):
                Struct(guest, "node", values)
        with pytest.raises(OverflowError):
            Array(guest, "bytes", [1, 2, 256])

    assert_no_leak(act, 5_000)


def test_closing_the_store_frees_what_the_guest_held(guest: Instance) -> None:
    thing = Thing()
    weak = weakref.ref(thing)
    node = Struct(guest, "node", [thing])
    guest.exports.kept.value = node
    del thing
    gc.collect()
    assert weak() is node["value"]
    guest.store.close()
    gc.collect()
    assert weak() is None
    del node


def test_an_object_in_a_structure_that_is_freed_is_freed(guest: Instance) -> None:
    thing = Thing()
    weak = weakref.ref(thing)
    node = Struct(guest, "node", [thing])
    del thing, node
    for _ in range(3000):  # externs are looked through when there are many new ones
        Struct(guest, "node", [Thing()])
    gc.collect()
    assert weak() is None


def test_a_cycle_through_a_structure_lasts_as_long_as_the_store(guest: Instance) -> None:
    """Python holds the structure, and the structure holds the object of Python."""
    thing = Thing()
    weak = weakref.ref(thing)
    thing.node = Struct(guest, "node", [thing])  # type: ignore[attr-defined]
    del thing
    gc.collect()
    heap_bytes(guest)
    assert weak() is not None
    guest.store.close()
    gc.collect()
    assert weak() is None


def test_a_forgotten_store_is_freed_with_such_cycles() -> None:
    guest = load(GUEST)
    thing = Thing()
    weak = weakref.ref(thing)
    thing.node = Struct(guest, "node", [thing])  # type: ignore[attr-defined]
    del thing, guest
    gc.collect()
    assert weak() is None


def test_objects_outlive_their_store(guest: Instance) -> None:
    nodes = [Struct(guest, "node") for _ in range(100)]
    store = guest.store
    del guest
    store.close()
    del store
    gc.collect()
    with pytest.raises(pywasm3.WasmError, match="closed"):
        nodes[0]["next"]
    del nodes
    gc.collect()


def test_texts_that_make_room_for_arrays_do_not_leak() -> None:
    """Each round drops six texts of 100 kB, and an array that only fits if they are released."""
    text = """(module
      (import "" "make" (func $make (result externref)))
      (type $bytes (array (mut i8)))
      (func (export "run") (local $i i32)
        (loop $l
          (drop (call $make))
          (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
            (i32.const 6))))
        (drop (array.new_default $bytes (i32.const 600_000)))))"""
    guest = load(text, {"": {"make": lambda: "x" * 100_000}}, limits=pywasm3.Limits(total=1 << 20))
    assert_no_leak(guest.exports.run, 2_000, 200)
