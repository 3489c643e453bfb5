# SPDX-License-Identifier: MIT
"""Snapshots: what comes back, what is refused, and that nothing in one can do harm."""

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

STATE = """
(module
  (memory (export "memory") 1 8)
  (data (i32.const 16) "hello")
  (data $passive "passive")
  (global $g (export "g") (mut i32) (i32.const 5))
  (global (export "h") (mut f64) (f64.const 1.5))
  (global (export "constant") i32 (i32.const 9))
  (type $t (func (result i32)))
  (table $functions (export "functions") 2 8 funcref)
  (table $externs (export "externs") 2 8 externref)
  (table $typed (export "typed") 1 1 (ref $t) (ref.func $one))
  (elem (table $functions) (i32.const 0) func $one)
  (elem $two func $two)
  (func $one (export "one") (type $t) (i32.const 1))
  (func $two (export "two") (type $t) (i32.const 2))
  (func (export "count") (result i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "init") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 7)))
  (func (export "drop") (data.drop $passive) (elem.drop $two))
  (func (export "fill") (table.init $functions $two (i32.const 0) (i32.const 0) (i32.const 1)))
  (func (export "call") (param i32) (result i32)
    (call_indirect $functions (type $t) (local.get 0)))
  (func (export "typed call") (result i32) (call_ref $t (table.get $typed (i32.const 0)))))
"""

OTHER = '(module (memory (export "memory") 1))'


def state() -> pywasm3.Instance:
    return load(STATE)


# ---- what comes back ----


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


def test_what_a_table_grows_by_again_is_null() -> None:
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


def test_many_segments_are_told_apart() -> None:
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


def test_fuel_is_no_part_of_it() -> None:
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


def test_what_a_memory_grows_by_again_is_zero() -> None:
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


@pytest.mark.skipif(sys.platform != "linux", reason="mlock is that of Linux")
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
def test_what_is_imported_is_part_of_it_only_when_wanted(part: bool) -> None:
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


# ---- as a value ----


def test_it_is_a_value() -> None:
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


def test_it_cannot_be_changed_or_made() -> None:
    snapshot = state().snapshot()
    with pytest.raises(AttributeError, match="immutable"):
        snapshot._image = b""  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        del snapshot._image
    with pytest.raises(TypeError, match=r"instance\.snapshot\(\) takes one"):
        Snapshot()


def test_a_copy_is_equal() -> None:
    snapshot = state().snapshot()
    for other in (copy.copy(snapshot), copy.deepcopy(snapshot)):
        assert other == snapshot
        state().restore(other)


# ---- pickles ----


def test_it_is_restored_in_another_process() -> None:
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
def test_another_module_is_refused(pickled: bool) -> None:
    snapshot = state().snapshot()
    if pickled:
        snapshot = pickle.loads(pickle.dumps(snapshot))
    with pytest.raises(SnapshotError, match="of another module"):
        load(OTHER).restore(snapshot)


# ---- when ----


def test_a_host_function_cannot_take_or_restore_one() -> None:
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


def test_a_closed_instance_has_none() -> None:
    instance = state()
    snapshot = instance.snapshot()
    instance.close()
    with pytest.raises(WasmError, match="closed"):
        instance.snapshot()
    with pytest.raises(WasmError, match="closed"):
        instance.restore(snapshot)


def test_what_is_no_snapshot_is_refused() -> None:
    with pytest.raises(TypeError, match=r"expected a pywasm3\.Snapshot, not bytes"):
        state().restore(b"")  # type: ignore[arg-type]


# ---- limits ----


def test_limits_hold() -> None:
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
    table = pywasm3.Instance(module, limits=Limits(table=3))
    with pytest.raises(SnapshotError, match="a table of 6 elements, but at most 3 are"):
        table.restore(grown.snapshot())


# ---- what is no image ----


def forged(snapshot: Snapshot, image: bytes, externs: tuple[object, ...] = ()) -> Snapshot:
    """A pickle that says something else."""
    function, (digest, _, _) = snapshot.__reduce__()
    return function(digest, image, externs)  # type: ignore[no-any-return]


def test_wrong_parts_are_refused() -> None:
    function, (digest, image, externs) = state().snapshot().__reduce__()
    for parts in (
        (digest.hex(), image, externs),
        (digest, bytearray(image), externs),
        (digest, image, list(externs)),
        (digest[:-1], image, externs),
    ):
        with pytest.raises(SnapshotError, match="damaged"):
            function(*parts)


def test_a_truncated_image_is_refused() -> None:
    instance = state()
    snapshot = instance.snapshot()
    image = snapshot._image
    for size in [*range(400), len(image) - 4096, len(image) - 1]:
        with pytest.raises(SnapshotError, match="damaged"):
            instance.restore(forged(snapshot, image[:size]))
    with pytest.raises(SnapshotError, match="damaged"):
        instance.restore(forged(snapshot, image + b"\0"))
    assert instance.snapshot() == snapshot


# The words of the image of STATE, up to the bytes of memory.
WORDS = {
    "magic": 0,
    "imported": 1,
    "pages": 2,
    "runs": 3,
    "offset": 4,
    "size": 5,
    "g": 6,
    "functions": 8,
    "function": 9,
    "externs": 11,
    "extern": 12,
    "typed": 14,
    "typed function": 15,
}


@pytest.mark.parametrize(
    ("word", "value", "message"),
    [
        ("magic", 0, "does not begin"),
        ("imported", 2, "does not begin"),
        ("pages", 0, "smaller than the module"),
        ("pages", 9, "a memory of 9 pages"),
        ("pages", 1 << 63, "a memory of"),
        ("runs", 1 << 60, "too early"),
        ("runs", 0, "damaged"),
        ("offset", 65536, "outside of the memory"),
        ("offset", (1 << 64) - 4096, "outside of the memory"),
        ("size", 1 << 63, "outside of the memory"),
        ("size", 65536, "too few or too many bytes"),
        ("functions", 1, "smaller than the module"),
        ("functions", 1 << 61, "too early"),
        ("function", 100, "a function that does not exist"),
        ("function", 1 << 63, "a function that does not exist"),
        ("externs", (1 << 64) - 1, "too early"),
        ("extern", 1, "an external reference that does not exist"),
        ("extern", 1 << 63, "an external reference that does not exist"),
        ("typed", 0, "smaller than the module"),
        ("typed function", 0, "null where the type excludes null"),
        ("typed function", 4, "does not match the type"),  # "grow"
    ],
)
def test_a_forged_word_is_refused(word: str, value: int, message: str) -> None:
    instance = state()
    snapshot = instance.snapshot()
    image = bytearray(snapshot._image)
    place = 8 * WORDS[word]
    image[place : place + 8] = value.to_bytes(8, "little")
    with pytest.raises(SnapshotError, match=message):
        instance.restore(forged(snapshot, bytes(image)))
    assert instance.snapshot() == snapshot


def test_bytes_between_pages_are_right() -> None:
    instance = load('(module (memory (export "memory") 16))')
    snapshot = instance.snapshot()
    words = [*(snapshot._image[at : at + 8] for at in (0, 8, 16)), b"\1".ljust(8, b"\0")]
    words += [number.to_bytes(8, "little") for number in (300_001, 5)]
    instance.memory.write(0, b"\xff" * (16 << 16))
    instance.restore(forged(snapshot, b"".join(words) + b"hello"))
    expected = bytearray(16 << 16)
    expected[300_001:300_006] = b"hello"
    assert instance.memory.read(0, 16 << 16) == expected


def test_null_given_as_an_object_is_refused() -> None:
    instance = state()
    instance.exports.externs[0] = "object"
    snapshot = instance.snapshot()
    with pytest.raises(SnapshotError, match="an external reference that does not exist"):
        instance.restore(forged(snapshot, snapshot._image, (None,)))


def test_an_i32_has_32_bits() -> None:
    instance = state()
    snapshot = instance.snapshot()
    image = bytearray(snapshot._image)
    image[48:56] = (0xDEADBEEF00000003).to_bytes(8, "little")
    instance.restore(forged(snapshot, bytes(image)))
    assert (instance.exports.g.value, instance.exports.count()) == (3, 4)
    assert instance.snapshot()._image[48:56] == (4).to_bytes(8, "little")


def test_noise_does_no_harm() -> None:
    rng = random.Random(5)
    instance = state()
    instance.exports.externs[0] = "object"
    snapshot = instance.snapshot()
    words = len(snapshot._image) // 8 - 512
    restored = 0
    for _ in range(2000):
        image = bytearray(snapshot._image)
        for _ in range(rng.choice((1, 1, 2))):
            place = 8 * rng.randrange(2, words)
            value = rng.choice((0, 1, 2, 7, 64, 4096, 65536, 1 << 32, (1 << 64) - 1))
            image[place : place + 8] = value.to_bytes(8, "little")
        if rng.random() < 0.1:
            image = image[: rng.randrange(len(image))]
        try:
            instance.restore(forged(snapshot, bytes(image), snapshot._externs))
        except SnapshotError:
            continue
        restored += 1
        assert instance.exports["typed call"]() in (1, 2)
        list(instance.exports.functions)
        list(instance.exports.externs)
        instance.exports.count()
        assert len(instance.memory.read(0, len(instance.memory))) % 65536 == 0
    assert restored > 50
