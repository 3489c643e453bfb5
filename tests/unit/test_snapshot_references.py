# SPDX-License-Identifier: MIT
"""Snapshots of structures and arrays: the whole graph comes back, with who refers to whom.

The expected values are those of the plans of snapshot_graphs.py, which are written in Python.
misuse/test_snapshot_graphs.py has the snapshots that are damaged or forged.
"""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

import pytest

import pywasm3
from helpers import child, let_pypy_free, load, wat
from pywasm3 import Limits, SnapshotError, Store
from snapshot_graphs import GRAPH, MODULE, Ref, build, new, planned, random_plan, seen

# ---- graphs ----


@pytest.mark.parametrize("seed", range(20))
def test_a_random_graph_comes_back(seed: int) -> None:
    plan = random_plan(seed)
    instance = new()
    build(plan, instance)
    assert seen(instance) == planned(plan)
    snapshot = instance.snapshot()
    instance.exports.wreck()
    instance.exports.churn(100)
    assert seen(instance) != planned(plan)
    for _ in range(2):
        instance.restore(snapshot)
        assert seen(instance) == planned(plan)
        assert instance.snapshot() == snapshot
        instance.exports.wreck()


@pytest.mark.parametrize("seed", range(20, 30))
def test_another_instance_gets_a_graph_from_a_pickle(seed: int) -> None:
    plan = random_plan(seed)
    instance = new()
    build(plan, instance)
    snapshot = instance.snapshot()
    other = new()
    build(random_plan(seed + 1000), other)
    other.restore(pickle.loads(pickle.dumps(snapshot)))
    instance.close()
    other.exports.churn(100)
    assert seen(other) == planned(plan)
    assert other.snapshot() == snapshot


def test_equal_graphs_have_equal_snapshots_wherever_their_objects_are() -> None:
    one, two = new(), new()
    build(random_plan(3), two)
    two.exports.churn(50)
    for instance in (one, two):
        build(random_plan(4), instance)
    assert one.snapshot() == two.snapshot()
    assert one.snapshot() != new().snapshot()


def test_a_snapshot_can_be_restored_in_another_process() -> None:
    instance = new()
    build(random_plan(7), instance)
    snapshot = instance.snapshot()
    child(
        """
        import pickle
        snapshot = pickle.loads(state)
        instance = pywasm3.Instance(pywasm3.Module(module))
        instance.exports.churn(1000)
        instance.restore(snapshot)
        instance.exports.churn(1000)
        assert instance.snapshot() == snapshot
        """,
        module=wat(GRAPH),
        state=pickle.dumps(snapshot),
    )


def test_a_long_list_needs_no_native_stack() -> None:
    instance = load(
        """(module (type $node (struct (field i32) (field (ref null $node))))
          (global $head (mut (ref null $node)) (ref.null $node))
          (func (export "clear") (global.set $head (ref.null $node)))
          (func (export "push") (param i32)
            (loop $again
              (global.set $head (struct.new $node (local.get 0) (global.get $head)))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "count") (result i32) (local $at (ref null $node)) (local $n i32)
            (local.set $at (global.get $head))
            (block $end (loop $next
              (local.set $at (struct.get $node 1 (br_on_null $end (local.get $at))))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br $next)))
            (local.get $n)))"""
    )
    instance.exports.push(10_000)
    snapshot = instance.snapshot()
    instance.exports.clear()
    instance.restore(snapshot)
    assert instance.exports.count() == 10_000


def test_references_that_exclude_null_may_form_a_circle() -> None:
    instance = load(
        """(module (type $ring (struct (field (mut i32)) (field (mut (ref null eq)))))
          (type $pair (struct (field (ref $ring)) (field (ref $ring))))
          (global $pair (mut (ref null $pair)) (ref.null $pair))
          (func (export "tie") (local $ring (ref null $ring))
            (local.set $ring (struct.new $ring (i32.const 0) (ref.null eq)))
            (global.set $pair (struct.new $pair (ref.as_non_null (local.get $ring))
              (ref.as_non_null (local.get $ring))))
            (struct.set $ring 1 (local.get $ring) (global.get $pair)))
          (func (export "count") (result i32) (local $ring (ref null $ring))
            (local.set $ring (struct.get $pair 0
              (ref.cast (ref $pair) (struct.get $ring 1 (struct.get $pair 0 (global.get $pair))))))
            (struct.set $ring 0 (local.get $ring)
              (i32.add (i32.const 1) (struct.get $ring 0 (local.get $ring))))
            (struct.get $ring 0 (struct.get $pair 1 (global.get $pair)))))"""
    )
    instance.exports.tie()
    assert instance.exports.count() == 1
    snapshot = instance.snapshot()
    assert instance.exports.count() == 2
    instance.restore(snapshot)
    assert instance.exports.count() == 2


# ---- roots ----


def test_an_immutable_global_and_a_table_refer_to_the_same_object_again() -> None:
    instance = new()
    fixed = instance.exports.fixed.value
    instance.exports.table[0] = fixed
    snapshot = instance.snapshot()
    instance.restore(snapshot)
    now = instance.exports.fixed.value
    assert now == instance.exports.table[0] == instance.exports.again.value
    assert now != fixed
    assert instance.exports.constant.value == 7


def test_a_typed_table_gets_new_objects() -> None:
    instance = new()
    snapshot = instance.snapshot()
    instance.exports.wreck()
    assert instance.exports.typed[0][0] == 81
    instance.restore(snapshot)
    assert instance.exports.typed[0][0] == 5


def test_the_items_of_element_segments_come_back() -> None:
    instance = new()
    before = instance.snapshot()
    instance.exports.wreck()
    assert instance.exports.item(0)[0] == 1006
    instance.restore(before)
    item = instance.exports.item(0)
    assert (item[0], item[2]) == (6, instance.exports.fixed.value)
    assert instance.exports.item(1) is None
    instance.exports["drop"]()
    instance.exports.churn(1000)
    dropped = instance.snapshot()
    instance.restore(before)
    assert instance.exports.item(0)[0] == 6
    instance.restore(dropped)
    with pytest.raises(pywasm3.Trap, match="out of bounds table"):
        instance.exports.item(0)


def test_what_python_holds_stays_the_old_object() -> None:
    instance = new()
    node = build(random_plan(1), instance)[0]
    old = instance.exports.fixed.value
    snapshot = instance.snapshot()
    instance.restore(snapshot)
    old[0] = None
    instance.exports.churn(100)
    assert list(node) == list(node)
    assert instance.snapshot() == snapshot


# ---- what cannot be saved ----


def test_an_object_that_refers_to_an_exception_is_refused() -> None:
    instance = load(
        """(module (tag $t) (type $box (struct (field (ref null exn))))
          (global $box (mut (ref null $box)) (ref.null $box))
          (func (export "empty") (global.set $box (struct.new $box (ref.null exn))))
          (func (export "fill")
            (global.set $box (struct.new $box
              (block $caught (result (ref exn))
                (try_table (catch_all_ref $caught) (throw $t)) (unreachable))))))"""
    )
    instance.exports.empty()
    snapshot = instance.snapshot()
    instance.exports.fill()
    with pytest.raises(SnapshotError, match="refers to an exception"):
        instance.snapshot()
    instance.restore(snapshot)
    assert instance.snapshot() == snapshot


MAKER = """(module (type $other (struct (field i64)))
  (func (export "make") (result anyref) (struct.new $other (i64.const 1))))"""
HOLDER = """(module (type $own (struct (field (mut i32))))
  (import "env" "shared" (global $shared (mut anyref)))
  (global $kept (export "kept") (mut anyref) (ref.null any))
  (func (export "share") (global.set $shared (global.get $kept)))
  (func (export "keep") (global.set $kept (struct.new $own (i32.const 3)))))"""


def holder() -> tuple[pywasm3.Instance, pywasm3.Global]:
    store = Store()
    shared = pywasm3.Global("anyref", None, mutable=True, store=store)
    return load(HOLDER, {"env": {"shared": shared}}, store=store), shared


def test_a_type_of_another_module_is_refused() -> None:
    instance, _ = holder()
    instance.exports.kept.value = load(MAKER, store=instance.store).exports.make()
    with pytest.raises(SnapshotError, match="whose type its module does not define"):
        instance.snapshot()


def test_an_object_that_an_import_shares_is_refused_unless_the_import_is_part() -> None:
    instance, shared = holder()
    instance.exports.keep()
    assert instance.snapshot() == instance.snapshot()
    instance.exports.share()
    with pytest.raises(SnapshotError, match="refers to the same structures"):
        instance.snapshot()
    snapshot = instance.snapshot(imported=True)
    shared.value = instance.exports.kept.value = None
    instance.restore(snapshot)
    assert shared.value == instance.exports.kept.value
    assert shared.value[0] == 3


def test_an_import_may_refer_to_other_objects() -> None:
    instance, shared = holder()
    instance.exports.keep()
    shared.value = load(MAKER, store=instance.store).exports.make()
    snapshot = instance.snapshot()
    instance.exports.kept.value = None
    instance.restore(snapshot)
    assert instance.exports.kept.value[0] == 3
    assert shared.value[0] == 1


@pytest.mark.parametrize("holds", ["table", "global", "segment", "field"])
def test_an_object_that_another_instance_refers_to_is_refused(holds: str) -> None:
    instance, _ = holder()
    instance.exports.keep()
    source = pywasm3.Global("anyref", instance.exports.kept.value, store=instance.store)
    parts = {
        "table": "(table 1 anyref (global.get $g))",
        "global": "(global anyref (global.get $g))",
        "segment": "(elem $e anyref (item (global.get $g)) (item (ref.i31 (i32.const 1))))",
        "field": "(type $s (struct (field anyref))) "
        "(global (ref $s) (struct.new $s (global.get $g)))",
    }
    other = load(
        f'(module (import "env" "g" (global $g anyref)) {parts[holds]})',
        {"env": {"g": source}},
        store=instance.store,
    )
    with pytest.raises(SnapshotError, match="refers to the same structures"):
        instance.snapshot(imported=True)
    other.close()


# ---- limits ----


def test_a_graph_beyond_the_limit_is_refused_and_nothing_changes() -> None:
    large = new()
    large.exports.any.value = pywasm3.Array(large, 5, length=3 << 20)
    snapshot = large.snapshot()
    small = pywasm3.Instance(MODULE, limits=Limits(heap=2 << 20))
    build(random_plan(2), small)
    before = small.snapshot()
    with pytest.raises(SnapshotError, match="structures and arrays that need more memory"):
        small.restore(snapshot)
    assert small.snapshot() == before


def test_a_restore_needs_room_for_both_states() -> None:
    instance = pywasm3.Instance(MODULE, limits=Limits(heap=4 << 20))
    instance.exports.any.value = pywasm3.Array(instance, 5, length=1 << 20)
    snapshot = instance.snapshot()
    for _ in range(10):
        instance.restore(snapshot)
    instance.exports.any.value = None
    instance.exports.any.value = pywasm3.Array(instance, 5, length=3 << 20)
    before = instance.snapshot()
    with pytest.raises(SnapshotError, match="need more memory"):
        instance.restore(snapshot)
    assert instance.snapshot() == before
    instance.exports.any.value = None
    let_pypy_free()
    instance.restore(snapshot)
    assert instance.snapshot() == snapshot


@pytest.mark.parametrize("seconds", [0.0001, 0.0003, 0.001, 0.003])
def test_a_restore_that_a_deadline_ends_leaves_only_whole_objects(seconds: float) -> None:
    instance = new()
    count = 8_000
    made: Any = None
    nodes = pywasm3.Array(instance, 3, length=count)
    for i in range(count):
        nodes[i] = made = pywasm3.Struct(instance, 1, [i, made])
    instance.exports.any.value = nodes
    del nodes, made
    full = instance.snapshot()
    empty = new().snapshot()
    instance.restore(empty)
    try:
        with instance.deadline(seconds):
            instance.restore(full)
    except pywasm3.DeadlineExceeded:
        found = instance.exports.any.value
        assert found is None or [found[0][0], found[count - 1][0]] == [0, count - 1]
    instance.exports.churn(100)
    instance.restore(full)
    assert instance.snapshot() == full


# ---- pools ----


def uses(pool: pywasm3.InstancePool, count: int = 3) -> int:
    """Checks that each use of a pool begins anew, and returns how many instances were used."""
    instances = []
    for _ in range(count):
        with pool.instance() as instance:
            assert instance.exports.next() == 1
            assert instance.exports.next() == 2
            instances.append(instance)
    return len(set(map(id, instances)))


COUNTER = """(module
  (type $count (struct (field (mut i32))))
  (type $bytes (array (mut i8)))
  (tag $t)
  (global $count (ref $count) (struct.new $count (i32.const 0)))
  (global $bytes (mut (ref null $bytes)) (ref.null $bytes))
  (global $caught (mut exnref) (ref.null exn))
  (func (export "catch")
    (global.set $caught (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (throw $t)) (unreachable))))
  (func (export "allocate") (param i32)
    (global.set $bytes (array.new_default $bytes (local.get 0))))
  (func (export "next") (result i32)
    (struct.set $count 0 (global.get $count)
      (i32.add (struct.get $count 0 (global.get $count)) (i32.const 1)))
    (struct.get $count 0 (global.get $count))))"""


def test_a_pool_restores_structures() -> None:
    with pywasm3.InstancePool(pywasm3.Module(wat(COUNTER)), size=1) as pool:
        assert uses(pool) == 1


def test_a_pool_restores_what_prepare_made() -> None:
    plan = random_plan(5)
    with pywasm3.InstancePool(MODULE, size=1, prepare=lambda i: build(plan, i)) as pool:
        for _ in range(3):
            with pool.instance() as instance:
                assert seen(instance) == planned(plan)
                instance.exports.wreck()


def test_a_pool_makes_new_instances_of_a_guest_that_keeps_an_exception() -> None:
    def prepare(instance: pywasm3.Instance) -> None:
        instance.exports["catch"]()

    with pywasm3.InstancePool(pywasm3.Module(wat(COUNTER)), size=1, prepare=prepare) as pool:
        assert uses(pool) == 3


def test_a_pool_needs_no_room_for_another_state() -> None:
    """Each use begins with most of the heap taken, and the same objects get their values back."""
    module = pywasm3.Module(wat(COUNTER))
    limits = Limits(heap=3 << 20)

    def prepare(instance: pywasm3.Instance) -> None:
        instance.exports.allocate(2 << 20)

    with pywasm3.InstancePool(module, size=1, limits=limits, prepare=prepare) as pool:
        assert uses(pool) == 1


def test_what_python_has_of_the_first_state_of_a_pool_stays_valid() -> None:
    handles: list[list[Any]] = []
    plan = random_plan(6)
    objects: list[Any] = [Ref(i) for i in range(len(plan.objects))]
    plan.roots["table"] = objects[:4]

    def prepare(instance: pywasm3.Instance) -> None:
        handles.append(build(plan, instance))

    with pywasm3.InstancePool(MODULE, size=1, prepare=prepare) as pool:
        for _ in range(3):
            with pool.instance() as instance:
                assert list(instance.exports.table) == handles[0][:4]
                assert seen(instance) == planned(plan)
                instance.exports.wreck()
                instance.exports.churn(1000)
    assert len(handles) == 1


def test_another_instance_of_a_pool_store_sees_the_same_objects() -> None:
    """Its own state is not reset, but the objects that both have are."""
    other = pywasm3.Module(
        wat(
            """(module (type $own (struct (field (mut i32))))
              (global $kept (mut (ref null $own)) (ref.null $own))
              (func (export "keep") (param (ref null $own)) (global.set $kept (local.get 0)))
              (func (export "is") (param (ref null $own)) (result i32)
                (ref.eq (global.get $kept) (local.get 0)))
              (func (export "set") (param i32)
                (struct.set $own 0 (global.get $kept) (local.get 0))))"""
        )
    )
    others: list[pywasm3.Instance] = []

    def imports(store: Store) -> dict[str, dict[str, Any]]:
        others.append(pywasm3.Instance(other, store=store))
        return {"env": {"shared": pywasm3.Global("anyref", None, mutable=True, store=store)}}

    def prepare(instance: pywasm3.Instance) -> None:
        instance.exports.keep()
        others[-1].exports.keep(instance.exports.kept.value)

    module = pywasm3.Module(wat(HOLDER))
    with pywasm3.InstancePool(module, imports, size=1, prepare=prepare) as pool:
        for _ in range(3):
            with pool.instance() as instance:
                kept = instance.exports.kept.value
                assert (kept[0], others[-1].exports["is"](kept)) == (3, 1)
                others[-1].exports.set(5)
                assert kept[0] == 5
                instance.exports.kept.value = None
    assert len(others) == 1


class Thing:
    """An object to which a weak reference can be made."""


def test_objects_of_python_live_as_long_as_the_state_that_refers_to_them() -> None:
    """A use takes the object out of a structure, and leaves another one there."""
    module = pywasm3.Module(
        wat(
            """(module (type $box (struct (field (mut externref))))
              (global $box (export "box") (mut (ref null $box)) (ref.null $box))
              (func (export "put") (param externref)
                (global.set $box (struct.new $box (local.get 0))))
              (func (export "replace") (param externref)
                (struct.set $box 0 (global.get $box) (local.get 0))
                (global.set $box (ref.null $box))))"""
        )
    )
    first = Thing()
    weak = weakref.ref(first)
    holders = [first]
    del first

    def prepare(instance: pywasm3.Instance) -> None:
        instance.exports.put(holders.pop())

    with pywasm3.InstancePool(module, size=1, prepare=prepare) as pool:
        for _ in range(3):
            with pool.instance() as instance:
                assert instance.exports.box.value[0] is weak()
                instance.exports.replace(Thing())
                for _ in range(3000):  # the store lets go of objects, and collects
                    pywasm3.Struct(instance, 0, [Thing()])
                gc.collect()
    del pool, instance
    gc.collect()
    assert weak() is None
