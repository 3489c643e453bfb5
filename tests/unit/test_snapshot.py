# SPDX-License-Identifier: MIT
"""Snapshots: what a restore brings back, which ones are refused, and how they are pickled.

Expected values are what was in the instance when the snapshot was taken. misuse/test_snapshots.py
has the snapshots that are damaged or forged.
"""

import copy
import ctypes
import gc
import pickle
import random
import sys
import threading
import weakref

import pytest

import pywasm3
from helpers import child, load, wat
from pywasm3 import Limits, Snapshot, SnapshotError, WasmError
from snapshot_helpers import STATE, state

OTHER = '(module (memory (export "memory") 1))'


# ---- the state that a restore brings back ----


def test_memory_comes_back() -> None:
    instance = state()
    instance.memory.write(5000, b"kept")
    snapshot = instance.snapshot()
    instance.memory.write(16, b"HELLO")
    instance.memory.write(5000, b"lost")
    instance.memory.write(60000, b"lost")
    instance.restore(snapshot)
    expected = bytearray(65536)
    expected[16:21] = b"hello"
    expected[5000:5004] = b"kept"
    assert instance.memory.read(0, 65536) == expected


def test_mutable_globals_come_back() -> None:
    instance = state()
    instance.exports.count()
    snapshot = instance.snapshot()
    instance.exports.count()
    instance.exports.h.value = 7.25
    instance.restore(snapshot)
    assert (instance.exports.g.value, instance.exports.h.value) == (6, 1.5)


def test_tables_come_back_with_their_size() -> None:
    instance = state()
    functions, externs = instance.exports.functions, instance.exports.externs
    objects = [object(), object()]
    externs[0], externs[1] = objects
    snapshot = instance.snapshot()
    functions[0] = instance.exports.two
    functions[1] = instance.exports.two
    functions.grow(3)
    externs.fill(None)
    externs.grow(2, "more")
    instance.restore(snapshot)
    assert len(functions) == len(externs) == 2
    assert [instance.exports.call(0), functions[1]] == [1, None]
    assert list(externs) == objects


def test_elements_that_a_table_grows_by_after_a_restore_are_null() -> None:
    instance = state()
    snapshot = instance.snapshot()
    instance.exports.functions.grow(3, instance.exports.two)
    instance.restore(snapshot)
    instance.exports.functions.grow(3)
    assert list(instance.exports.functions)[1:] == [None] * 4


def test_segments_are_dropped_or_not_as_they_were() -> None:
    instance = state()
    before = instance.snapshot()
    instance.exports["drop"]()
    after = instance.snapshot()
    instance.restore(before)
    instance.exports.init()
    instance.exports.fill()
    assert (instance.memory.read(0, 7), instance.exports.call(0)) == (b"passive", 2)
    instance.restore(after)
    with pytest.raises(pywasm3.Trap, match="out of bounds memory"):
        instance.exports.init()
    with pytest.raises(pywasm3.Trap, match="out of bounds table"):
        instance.exports.fill()


def test_a_snapshot_knows_which_of_many_segments_are_dropped() -> None:
    count = 130
    text = "".join(f'(data "{i:03}")(elem func $f)' for i in range(count))
    calls = "".join(
        f'(func (export "d{i}") (data.drop {i}))(func (export "e{i}") (elem.drop {i}))'
        f'(func (export "i{i}") (memory.init {i} (i32.const 0) (i32.const 0) (i32.const 3)))'
        f'(func (export "t{i}") (table.init {i} (i32.const 0) (i32.const 0) (i32.const 1)))'
        for i in range(count)
    )
    exports = load(f"(module (memory 1) (table 1 funcref) (func $f) {text} {calls})")
    dropped = {i for i in range(count) if i % 3 == 1 or i == count - 1}
    for i in dropped:
        exports.exports[f"d{i}"]()
        exports.exports[f"e{count - 1 - i}"]()
    snapshot = exports.snapshot()
    fresh = pywasm3.Instance(exports.module)
    fresh.restore(snapshot)

    def usable(name: str) -> bool:
        try:
            fresh.exports[name]()
        except pywasm3.Trap:
            return False
        return True

    assert [usable(f"i{i}") for i in range(count)] == [i not in dropped for i in range(count)]
    assert [usable(f"t{i}") for i in range(count)] == [
        count - 1 - i not in dropped for i in range(count)
    ]


def test_restoring_twice_is_restoring_once() -> None:
    instance = state()
    snapshot = instance.snapshot()
    for _ in range(3):
        instance.exports.count()
        instance.restore(snapshot)
        assert instance.snapshot() == snapshot


def test_another_instance_of_the_module_gets_the_state() -> None:
    one = state()
    two = pywasm3.Instance(one.module)
    one.exports.count()
    one.exports.functions[1] = one.exports.two
    one.memory.write(0, b"one")
    two.restore(one.snapshot())
    assert (two.exports.g.value, two.exports.call(1), two.memory.read(0, 3)) == (6, 2, b"one")
    assert two.exports.functions[1].store is two.store


def test_a_module_of_the_same_bytes_is_the_same() -> None:
    snapshot = state().snapshot()
    other = pywasm3.Instance(pywasm3.Module(wat(STATE)))
    other.exports.count()
    other.restore(snapshot)
    assert other.exports.g.value == 5
    assert other.snapshot() == snapshot


def test_fuel_is_not_part_of_a_snapshot() -> None:
    instance = load(STATE, limits=Limits(fuel=100))
    snapshot = instance.snapshot()
    instance.fuel = 3
    instance.restore(snapshot)
    assert instance.fuel == 3


def test_an_instance_without_state_has_a_snapshot() -> None:
    instance = load('(module (func (export "f") (result i32) (i32.const 3)))')
    instance.restore(instance.snapshot())
    assert instance.exports.f() == 3


@pytest.mark.parametrize("pages", [0, 1, 40])
def test_any_pattern_of_bytes_comes_back(pages: int) -> None:
    instance = load(f'(module (memory (export "memory") {pages}))')
    size = pages * 65536
    rng = random.Random(pages)
    for _ in range(20 if pages else 0):
        address = rng.randrange(size)
        length = min(rng.choice((1, 100, 4096, 9000, 200_000)), size - address)
        instance.memory.write(address, rng.randbytes(length))
    expected = instance.memory.read(0, size)
    snapshot = instance.snapshot()
    for _ in range(3):
        for _ in range(20 if pages else 0):
            instance.memory.write(rng.randrange(size), b"\xff")
        instance.restore(snapshot)
        assert instance.memory.read(0, size) == expected


# ---- the size of a memory ----


def test_a_memory_that_grew_shrinks() -> None:
    instance = state()
    snapshot = instance.snapshot()
    assert instance.exports.grow(3) == 1
    instance.restore(snapshot)
    assert (instance.exports.size(), instance.memory.pages, len(instance.memory)) == (1, 1, 65536)
    with pytest.raises(pywasm3.Trap, match="out of bounds"):
        instance.exports.load(65536)
    with pytest.raises(IndexError):
        instance.memory.read(65536, 1)


@pytest.mark.buffers
def test_views_outlive_shrinking_and_show_zeros() -> None:
    instance = state()
    snapshot = instance.snapshot()
    instance.exports.grow(3)
    view = memoryview(instance.memory)
    view[:] = b"\xaa" * len(view)
    instance.restore(snapshot)
    assert len(view) == 4 * 65536
    assert view[16:21] == b"hello"
    assert not any(view[65536:])
    view[100_000] = 1


@pytest.mark.buffers
def test_pages_that_a_memory_grows_by_after_a_restore_are_zero() -> None:
    instance = state()
    snapshot = instance.snapshot()
    instance.exports.grow(3)
    view = memoryview(instance.memory)
    instance.restore(snapshot)
    view[65536:] = b"\xaa" * (3 * 65536)
    assert instance.exports.grow(1) == 1
    assert not any(view[65536 : 2 * 65536])
    view[2 * 65536 :] = b"\xaa" * (2 * 65536)
    assert instance.exports.grow(6) == 2
    assert instance.memory.read(65536, 7 * 65536) == bytes(7 * 65536)


def test_a_memory_that_is_smaller_grows() -> None:
    instance = state()
    instance.exports.grow(4)
    instance.memory.write(200_000, b"far")
    other = pywasm3.Instance(instance.module)
    other.restore(instance.snapshot())
    assert (other.exports.size(), other.memory.read(200_000, 3)) == (5, b"far")


def test_an_instance_that_shares_the_memory_sees_the_size() -> None:
    owner = state()
    sharer = load(
        '(module (import "" "memory" (memory 1)) (func (export "size") (result i32) memory.size))',
        {"": {"memory": owner.memory}},
    )
    snapshot = owner.snapshot()
    owner.exports.grow(2)
    assert sharer.exports.size() == 3
    owner.restore(snapshot)
    assert sharer.exports.size() == 1


def test_wasi_sees_the_smaller_memory() -> None:
    instance = load(
        """
        (module
          (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "grow") (drop (memory.grow (i32.const 1))))
          (func (export "fill") (result i32) (call $random (i32.const 65536) (i32.const 8))))
        """,
        wasi=pywasm3.wasi.WasiConfig(),
    )
    snapshot = instance.snapshot()
    instance.exports.grow()
    assert instance.exports.fill() == 0
    instance.restore(snapshot)
    assert instance.exports.fill() == 21  # EFAULT


def test_memory_that_was_touched_is_given_back() -> None:
    child(
        """
        import sys
        from pathlib import Path

        def resident():
            status = Path("/proc/self/status").read_text()
            return int(status.partition("VmRSS:")[2].split()[0]) >> 10

        if sys.platform != "linux":
            sys.exit()
        instance = pywasm3.Instance(pywasm3.Module(module))
        snapshot = instance.snapshot()
        assert snapshot.size < 10_000
        before = resident()
        for address in range(0, 200 << 20, 4096):
            instance.memory[address] = 1
        assert resident() - before > 190
        instance.restore(snapshot)
        assert resident() - before < 20
        assert instance.memory[5 << 20] == 0
        """,
        module=wat('(module (memory (export "memory") 16000) (data (i32.const 1000000) "x"))'),
    )


@pytest.mark.buffers
@pytest.mark.skipif(sys.platform != "linux", reason="needs the mlock of Linux")
def test_locked_memory_comes_back_too() -> None:
    libc = ctypes.CDLL(None)
    instance = load('(module (memory (export "memory") 8))')
    snapshot = instance.snapshot()
    view = memoryview(instance.memory)
    view[:] = b"\xff" * len(view)
    start = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(view)))
    if libc.mlock(start, ctypes.c_size_t(len(view))):
        pytest.skip("this process may not lock memory")
    instance.restore(snapshot)
    assert not any(view)


# ---- references ----


def test_objects_live_as_long_as_the_snapshot() -> None:
    class Thing:
        pass

    instance = state()
    thing = Thing()
    alive = weakref.ref(thing)
    instance.exports.externs[0] = thing
    snapshot = instance.snapshot()
    del thing
    instance.close()
    gc.collect()
    other = state()
    other.restore(snapshot)
    assert other.exports.externs[0] is alive()
    del snapshot
    other.close()
    gc.collect()
    assert alive() is None


def test_a_function_of_another_instance_is_restored_in_its_store() -> None:
    other = load('(module (func (export "f") (result i32) (i32.const 77)))')
    instance = pywasm3.Instance(pywasm3.Module(wat(STATE)), store=other.store)
    instance.exports.functions[1] = other.exports.f
    snapshot = instance.snapshot()
    instance.exports.functions[1] = None
    instance.restore(snapshot)
    assert instance.exports.call(1) == 77
    with pytest.raises(SnapshotError, match=r"cannot be restored here: .*another store"):
        pywasm3.Instance(instance.module).restore(snapshot)
    with pytest.raises(TypeError, match="functions of other instances"):
        pickle.dumps(snapshot)


def test_an_imported_function_is_the_import_of_the_other_instance() -> None:
    module = pywasm3.Module(
        wat(
            """
            (module
              (type $t (func (result i32)))
              (import "" "f" (func $f (type $t)))
              (table (export "t") 1 funcref)
              (elem declare func $f)
              (func (export "set") (table.set (i32.const 0) (ref.func $f)))
              (func (export "call") (result i32) (call_indirect (type $t) (i32.const 0))))
            """
        )
    )
    one = pywasm3.Instance(module, {"": {"f": lambda: 1}})
    two = pywasm3.Instance(module, {"": {"f": lambda: 2}})
    one.exports.set()
    two.restore(pickle.loads(pickle.dumps(one.snapshot())))
    assert (one.exports.call(), two.exports.call()) == (1, 2)


def test_globals_hold_references() -> None:
    instance = load(
        """
        (module
          (global (export "x") (mut externref) (ref.null extern))
          (global (export "f") (mut funcref) (ref.null func))
          (func $f (export "one") (result i32) (i32.const 1)))
        """
    )
    thing = object()
    instance.exports.x.value = thing
    instance.exports["f"].value = instance.exports.one
    snapshot = instance.snapshot()
    instance.exports.x.value = instance.exports["f"].value = None
    instance.restore(snapshot)
    assert instance.exports.x.value is thing
    assert instance.exports["f"].value() == 1


# ---- imports ----

IMPORTS = """
(module
  (import "" "m" (memory 1 4))
  (import "" "g" (global (mut i32)))
  (import "" "t" (table 1 4 externref))
  (func (export "f") (result i32) (memory.size)))
"""


def imported() -> tuple[pywasm3.Instance, pywasm3.Memory, pywasm3.Global, pywasm3.Table]:
    store = pywasm3.Store()
    memory = pywasm3.Memory(1, 4, store=store)
    global_ = pywasm3.Global("i32", 1, mutable=True, store=store)
    table = pywasm3.Table("externref", 1, 4, "first", store=store)
    return load(IMPORTS, {"": {"m": memory, "g": global_, "t": table}}), memory, global_, table


@pytest.mark.parametrize("part", [False, True])
def test_imports_are_part_of_a_snapshot_only_when_wanted(part: bool) -> None:
    instance, memory, global_, table = imported()
    snapshot = instance.snapshot(imported=part)
    memory.write(0, b"x")
    memory.grow(1)
    global_.value = 2
    table[0] = "second"
    table.grow(2)
    instance.restore(snapshot)
    expected = (b"\0", 1, 1, "first", 1) if part else (b"x", 2, 2, "second", 3)
    assert (memory.read(0, 1), memory.pages, global_.value, table[0], len(table)) == expected


# ---- snapshots as values ----


def test_a_snapshot_is_a_value() -> None:
    instance = state()
    one, two = instance.snapshot(), instance.snapshot()
    assert (one == two, hash(one) == hash(two), one != instance) == (True, True, True)
    instance.exports.count()
    assert instance.snapshot() != one
    assert load(OTHER).snapshot() != one
    assert one.size > 4096
    assert repr(one) == f"<pywasm3.Snapshot: {one.size} bytes>"


def test_equal_bytes_of_two_modules_are_not_equal_snapshots() -> None:
    one, two = load(OTHER), load(OTHER.replace("memory (export", "memory $other (export"))
    assert one.module.bytes != two.module.bytes
    assert one.snapshot() != two.snapshot()


def test_a_snapshot_cannot_be_changed_or_made() -> None:
    snapshot = state().snapshot()
    with pytest.raises(AttributeError, match="immutable"):
        snapshot._image = b""  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        del snapshot._image
    with pytest.raises(TypeError, match=r"instance\.snapshot\(\) takes one"):
        Snapshot()


def test_a_copy_of_a_snapshot_is_equal() -> None:
    snapshot = state().snapshot()
    for other in (copy.copy(snapshot), copy.deepcopy(snapshot)):
        assert other == snapshot
        state().restore(other)


# ---- pickles ----


def test_a_snapshot_can_be_restored_in_another_process() -> None:
    instance = state()
    instance.exports.count()
    instance.exports.grow(2)
    instance.memory.write(100_000, b"far away")
    instance.exports.functions[1] = instance.exports.two
    instance.exports.externs[1] = {"a": [1, 2]}
    done = child(
        """
        import pickle
        instance = pywasm3.Instance(pywasm3.Module(module))
        instance.restore(pickle.loads(snapshot))
        e = instance.exports
        print(e.g.value, e.size(), instance.memory.read(100_000, 8), e.call(1), e.externs[1])
        """,
        module=wat(STATE),
        snapshot=pickle.dumps(instance.snapshot()),
    )
    assert done.stdout.strip() == "6 3 b'far away' 2 {'a': [1, 2]}"


def test_objects_that_cannot_be_pickled_say_so() -> None:
    instance = state()
    instance.exports.externs[0] = lambda: None
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(instance.snapshot())


@pytest.mark.parametrize("pickled", [False, True])
def test_a_snapshot_of_another_module_is_refused(pickled: bool) -> None:
    snapshot = state().snapshot()
    if pickled:
        snapshot = pickle.loads(pickle.dumps(snapshot))
    with pytest.raises(SnapshotError, match="of another module"):
        load(OTHER).restore(snapshot)


# ---- while other calls run, and after close ----


def test_a_host_function_cannot_take_or_restore_a_snapshot() -> None:
    errors: list[str] = []

    def f() -> None:
        for action in (instance.snapshot, lambda: instance.restore(snapshot)):
            with pytest.raises(WasmError) as caught:
                action()
            errors.append(str(caught.value))

    instance = load(
        '(module (import "" "f" (func $f)) (memory 1) (func (export "g") (call $f)))',
        {"": {"f": f}},
    )
    snapshot = instance.snapshot()
    instance.exports.g()
    assert errors == [
        "cannot take a snapshot while a call runs in the store",
        "cannot restore a snapshot while a call runs in the store",
    ]
    instance.restore(snapshot)


def test_a_call_of_another_thread_is_waited_for() -> None:
    entered, go = threading.Event(), threading.Event()

    def f() -> None:
        entered.set()
        go.wait()

    instance = load(
        """
        (module (import "" "f" (func $f)) (global (export "g") (mut i32) (i32.const 0))
          (func (export "run") (call $f) (global.set 0 (i32.const 1))))
        """,
        {"": {"f": f}},
    )
    runner = threading.Thread(target=instance.exports.run)
    runner.start()
    entered.wait()
    taken: list[Snapshot] = []
    taker = threading.Thread(target=lambda: taken.append(instance.snapshot()))
    taker.start()
    taker.join(0.05)
    assert not taken
    go.set()
    runner.join()
    taker.join()
    instance.exports.g.value = 2
    instance.restore(taken[0])
    assert instance.exports.g.value == 1


def test_a_closed_instance_takes_and_restores_no_snapshot() -> None:
    instance = state()
    snapshot = instance.snapshot()
    instance.close()
    with pytest.raises(WasmError, match="closed"):
        instance.snapshot()
    with pytest.raises(WasmError, match="closed"):
        instance.restore(snapshot)


def test_an_object_that_is_not_a_snapshot_is_refused() -> None:
    with pytest.raises(TypeError, match=r"expected a pywasm3\.Snapshot, not bytes"):
        state().restore(b"")  # type: ignore[arg-type]


# ---- limits ----


def test_a_restore_beyond_the_limits_is_refused() -> None:
    module = pywasm3.Module(wat(STATE))
    grown = pywasm3.Instance(module)
    grown.exports.grow(3)
    memory = pywasm3.Instance(module, limits=Limits(memory=2 * 65536))
    memory.exports.count()
    with pytest.raises(SnapshotError, match="a memory of 4 pages, which is more than"):
        memory.restore(grown.snapshot())
    assert (memory.exports.g.value, memory.exports.size()) == (6, 1)
    grown = pywasm3.Instance(module)
    grown.exports.functions.grow(4)
    table = pywasm3.Instance(module, limits=Limits(table=8))
    with pytest.raises(SnapshotError, match="a table of 6 elements, which is more than"):
        table.restore(grown.snapshot())
