# SPDX-License-Identifier: MIT
"""Texts and other objects of Python that a guest has dropped make room for objects of its heap.

The other direction is in test_limits_of_a_store.py. Expected values are the limits themselves, and
the sizes that the guests ask for.
"""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest

import pywasm3
from helpers import load
from pywasm3 import Limits, TrapKind, WasmError, _ffi
from pywasm3.guests import js_string

ROOM = 1 << 20
# Each of the texts that a guest drops. A slot may still refer to the last one or two of them.
TEXT = 100_000
TEXTS = 9


def allocated(store: pywasm3.Store) -> int:
    """The bytes on the account of a store."""
    return int(_ffi.lib.pw_store_allocated(_ffi.store_pointer(store)))


def load_with_room(text: str, imports: Any) -> Any:
    """Loads a guest whose store has room for 1 MiB besides the instance."""
    instance = load(text, imports)
    return load(text, imports, limits=Limits(total=allocated(instance.store) + ROOM))


def new_text(size: int = TEXT) -> str:
    return "x" * size


# How a guest makes an object, how often it makes one, and what keeps it.
MAKERS = {
    "array.new": ("(array.new $bytes (i32.const 1) (i32.const 700_000))", 1),
    "array.new_default": ("(array.new_default $bytes (i32.const 700_000))", 1),
    "array.new_data": ("(array.new_data $bytes $data (i32.const 0) (i32.const 700_000))", 1),
    "array.new_elem": ("(array.new_elem $refs $elem (i32.const 0) (i32.const 90_000))", 1),
    "array.new_fixed": (f"(array.new_fixed $refs 9000 {'(ref.null func)' * 9_000})", 9),
    "struct.new": ("(struct.new $pair (i64.const 1) (i64.const 2))", 20_000),
    "struct.new_default": ("(struct.new_default $pair)", 20_000),
    "throw": ("(struct.new $caught (call $catch (i64.const 5)))", 8_000),
}


@pytest.mark.parametrize("name", MAKERS)
def test_texts_that_the_guest_has_dropped_make_room_for_objects(name: str) -> None:
    """The guest drops 900 kB of texts, and then makes and keeps some 700 kB of objects."""
    makes, times = MAKERS[name]
    text = f"""(module (import "" "make" (func $make (result externref)))
        (type $bytes (array (mut i8))) (type $refs (array (mut funcref)))
        (type $pair (struct (field i64 i64))) (type $caught (struct (field exnref)))
        (tag $t (param i64)) (table $kept 20_000 anyref)
        (data $data "{"x" * 700_000}") (elem $elem funcref {"(ref.null func)" * 90_000})
        (func $catch (param i64) (result exnref)
            (block $all (result exnref)
                (try_table (catch_all_ref $all) (throw $t (local.get 0)))
                unreachable))
        (func (export "text") (drop (call $make)))
        (func (export "fill") (local $i i32)
            (loop $again
                (table.set $kept (local.get $i) {makes})
                (br_if $again (i32.lt_u
                    (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                    (i32.const {times}))))))"""
    instance = load_with_room(text, {"": {"make": new_text}})
    for _ in range(TEXTS):
        instance.exports.text()
    instance.exports.fill()
    assert len(instance.exports) == 2


DROPS = """(import "" "make" (func $make (result externref)))
    (type $bytes (array (mut i8)))
    (func (export "texts") (param i32)
        (loop $again
            (drop (call $make))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"""
FILLS = f"""(module {DROPS}
    (func (export "fill") (param i32) (result i32)
        (array.len (array.new_default $bytes (local.get 0)))))"""


def test_texts_and_objects_that_the_guest_has_dropped_make_room_together() -> None:
    """The array of 900 kB needs the room of both the array and the texts before it."""
    clears = f"""(func (export "clear") (local {"i64 " * 50}))"""  # no slot has a reference still
    instance = load_with_room(f"{FILLS[:-1]}{clears})", {"": {"make": new_text}})
    for _ in range(3):
        assert instance.exports.fill(900_000) == 900_000
        instance.exports.clear()
        instance.exports.fill(400_000)
        instance.exports.texts(5)
        instance.exports.clear()


@pytest.mark.parametrize("limits", [{"heap": ROOM}, {"total": ROOM}])
def test_an_array_beyond_the_limit_is_a_trap_whatever_texts_are_dropped(limits: Any) -> None:
    """The guest makes one more attempt and no third one."""
    instance = load(FILLS, {"": {"make": lambda: new_text(1000)}}, limits=Limits(**limits))
    for _ in range(3):
        instance.exports.texts(100)
        with pytest.raises(pywasm3.Trap) as caught:
            instance.exports.fill(ROOM)
        assert caught.value.kind is TrapKind.HEAP_EXHAUSTED


def test_a_guest_that_keeps_texts_and_structures_is_still_stopped() -> None:
    text = """(module (import "" "make" (func $make (result externref)))
        (type $node (struct (field (ref null $node)) (field externref)))
        (func (export "run") (local $list (ref null $node))
            (loop $again
                (local.set $list (struct.new $node (local.get $list) (call $make)))
                (br $again))))"""
    instance = load(text, {"": {"make": lambda: new_text(100)}}, limits=Limits(total=ROOM))
    for _ in range(3):
        with pytest.raises(WasmError, match=r"heap exhausted|as many externrefs"):
            instance.exports.run()


KEEPS = """(module (import "" "make" (func $make (param i32) (result externref)))
    (type $bytes (array (mut i8)))
    (type $node (struct (field $next (ref null $node)) (field $text externref)
        (field $bytes (ref $bytes))))
    (func (export "run") (param $count i32) (result i32)
        (local $list (ref null $node)) (local $i i32)
        (loop $again
            (drop (call $make (i32.const -1)))
            ;; every node has a text of its own, which only the operands of struct.new refer to
            (local.set $list (struct.new $node
                (local.get $list)
                (call $make (local.get $i))
                (array.new_default $bytes (i32.const 5_000))))
            (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 40)))
                (then (local.set $list (ref.null $node))))
            (br_if $again (i32.lt_u
                (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
        (global.set $kept (local.get $list))
        (local.get $i))
    (global $kept (mut (ref null $node)) (ref.null $node))
    (func (export "pop") (result externref)
        (local $node (ref null $node))
        (local.set $node (global.get $kept))
        (global.set $kept (struct.get $node $next (local.get $node)))
        (struct.get $node $text (local.get $node))))"""


def test_texts_in_structures_stay_when_others_make_room() -> None:
    """The guest drops texts and lists of structures in turn: 50 MB in all."""

    def make(number: int) -> str:
        return f"{number}".ljust(10_000)

    instance = load_with_room(KEEPS, {"": {"make": make}})
    assert instance.exports.run(2_020) == 2_020
    for number in range(2_019, 2_000, -1):
        assert instance.exports.pop() == make(number)


def test_strings_of_js_string_make_room_for_structures() -> None:
    """The guest joins texts of 16 kB, and keeps a list of 100 structures with an array each."""
    text = """(module
        (import "wasm:js-string" "concat"
            (func $concat (param externref externref) (result (ref extern))))
        (import "wasm:js-string" "length" (func $length (param externref) (result i32)))
        (type $bytes (array (mut i8)))
        (type $node (struct (field (ref null $node)) (field externref) (field (ref $bytes))))
        (func (export "run") (param $text externref) (param $count i32) (result i32)
            (local $list (ref null $node)) (local $joined externref) (local $sum i32)
            (loop $again
                (local.set $joined (call $concat (local.get $text) (local.get $text)))
                (local.set $sum (i32.add (local.get $sum) (call $length (local.get $joined))))
                (local.set $list (struct.new $node (local.get $list) (local.get $text)
                    (array.new_default $bytes (i32.const 4_000))))
                (if (i32.eqz (i32.rem_u (local.get $count) (i32.const 100)))
                    (then (local.set $list (ref.null $node))))
                (br_if $again
                    (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
            (local.get $sum)))"""
    instance = load_with_room(text, js_string.builtins())
    assert instance.exports.run("\xe9" * 8_000, 2_000) == 2_000 * 16_000


def test_texts_make_room_for_an_array_that_python_makes() -> None:
    instance = load_with_room(f"(module {DROPS})", {"": {"make": new_text}})
    instance.exports.texts(TEXTS)
    array = pywasm3.Array(instance, 0, length=700_000)
    assert len(array) == 700_000


def test_texts_make_room_for_exceptions_of_host_functions() -> None:
    """The guest keeps 80 exceptions of 900 values each, which take 580 kB."""
    count, values = 80, 900
    types = "i64 " * values
    text = f"""(module (import "" "fail" (func $fail))
        (import "" "tag" (tag $t (param {types}))) {DROPS}
        (type $caught (struct (field exnref))) (table $kept {count} (ref null $caught))
        (func $catch (result exnref) (local $exception exnref)
            (block $all (result {types} exnref)
                (try_table (catch_ref $t $all) (call $fail))
                unreachable)
            (local.set $exception) {"drop " * values} (local.get $exception))
        (func (export "fill") (local $i i32)
            (loop $again
                (table.set $kept (local.get $i) (struct.new $caught (call $catch)))
                (br_if $again (i32.lt_u
                    (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                    (i32.const {count}))))))"""
    store = pywasm3.Store(limits=Limits(total=ROOM + (1 << 16)))
    tag = pywasm3.Tag(pywasm3.FuncType(["i64"] * values), store=store)

    def fail() -> None:
        raise tag(*range(values))

    instance = load(text, {"": {"make": new_text, "fail": fail, "tag": tag}}, store=store)
    instance.exports.texts(TEXTS)
    instance.exports.fill()
    assert allocated(store) < ROOM


# ---- finalizers ----


class Finalized:
    """An object whose finalizer calls a function."""

    def __init__(self, then: Any) -> None:
        self.then = then

    def __del__(self) -> None:
        self.then()


def guest_with_finalizer(then: Any) -> Any:
    """A guest that has dropped texts of 900 kB, and objects whose finalizers call a function once.

    There are several, because an old number on the stack may look like a reference to one.
    """
    text = f"""(module {DROPS}
        (data $data "{"y" * 700_000}")
        (func (export "drop") (data.drop $data))
        (func (export "small") (result i32)
            (array.len (array.new_default $bytes (i32.const 1_000))))
        (func (export "fill") (result i32) (local $kept (ref null $bytes))
            (local.set $kept (array.new_data $bytes $data (i32.const 0) (i32.const 700_000)))
            (array.get_u $bytes (local.get $kept) (i32.const 699_999))))"""
    calls = [then]
    given: list[Any] = [Finalized(lambda: calls and calls.pop()()) for _ in range(5)]
    given += [new_text() for _ in range(TEXTS)]
    instance = load_with_room(text, {"": {"make": lambda: given.pop(0)}})
    instance.exports.texts(len(given))
    return instance


def test_a_finalizer_may_make_objects_in_the_guest_while_room_is_made() -> None:
    found = []
    instance = guest_with_finalizer(lambda: found.append(instance.exports.small()))
    assert instance.exports.fill() == ord("y")
    assert found == [1_000]


def test_a_finalizer_may_drop_the_segment_that_the_instruction_reads() -> None:
    """The instruction has begun before that, so it may go on or trap, and later ones trap."""
    instance = guest_with_finalizer(lambda: instance.exports.drop())
    assert instance.exports.fill() == ord("y")
    with pytest.raises(pywasm3.Trap, match="out of bounds memory access"):
        instance.exports.fill()


def test_a_finalizer_may_need_room_itself() -> None:
    """It takes the room that was made for the guest, which makes no third attempt."""
    found = []
    instance = guest_with_finalizer(lambda: found.append(instance.exports.fill()))
    with pytest.raises(pywasm3.Trap, match="heap exhausted"):
        instance.exports.fill()
    assert found == [ord("y")]
    assert instance.exports.small() == 1_000


def test_a_finalizer_may_interrupt_the_guest_that_needs_room() -> None:
    instance = guest_with_finalizer(lambda: instance.store.interrupt())
    with pytest.raises(pywasm3.Interrupted):
        instance.exports.fill()
    assert instance.exports.fill() == ord("y")


def test_a_finalizer_cannot_close_the_store_that_needs_room() -> None:
    refused = []

    def close() -> None:
        try:
            instance.store.close()
        except WasmError as error:
            refused.append(str(error))

    instance = guest_with_finalizer(close)
    assert instance.exports.fill() == ord("y")
    assert refused == ["cannot close a store while a call runs in it"]


def test_a_finalizer_that_drops_more_garbage_each_time_does_not_keep_the_guest_from_its_end() -> (
    None
):
    """Each object that is released makes another one. The guest makes one more attempt only."""
    count = 0

    class Again:
        def __del__(self) -> None:
            nonlocal count
            count += 1
            if count < 10_000 and not instance.store.closed:
                instance.exports.texts(1)

    instance = load(FILLS, {"": {"make": Again}}, limits=Limits(heap=ROOM))
    instance.exports.texts(50)
    with pytest.raises(pywasm3.Trap, match="heap exhausted"):
        instance.exports.fill(ROOM)
    assert count < 200
    count = 10_000


# ---- threads and time ----


def test_room_is_made_for_a_guest_that_runs_beside_other_threads() -> None:
    """After some time the guest has let go of the GIL, and takes it to release the texts."""
    text = f"""(module {DROPS}
        (func (export "fill") (param i32) (result i32)
            (loop $again
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (array.len (array.new_default $bytes (i32.const 700_000)))))"""
    instance = load_with_room(text, {"": {"make": new_text}})
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            sum(range(1000))

    other = threading.Thread(target=work)
    other.start()
    try:
        for _ in range(3):
            instance.exports.texts(TEXTS)
            assert instance.exports.fill(2_000_000) == 700_000
    finally:
        ended.set()
        other.join()


def test_making_room_costs_no_fuel() -> None:
    def fuel_for(garbage: int) -> int:
        instance = load_with_room(FILLS, {"": {"make": new_text}})
        instance.exports.texts(garbage)
        instance.store.fuel = 1000
        instance.exports.fill(700_000)
        left = instance.store.fuel
        assert left is not None
        return left

    assert fuel_for(TEXTS) == fuel_for(1)


def test_objects_that_made_room_are_released() -> None:
    """Old numbers on the stack may look like references to some of them."""
    given: list[Any] = [Finalized(int) for _ in range(20)]
    alive = [weakref.ref(each) for each in given]
    given += [new_text() for _ in range(TEXTS)]
    instance = load_with_room(FILLS, {"": {"make": lambda: given.pop(0)}})
    instance.exports.texts(len(given))
    instance.exports.fill(700_000)
    gc.collect()
    assert sum(each() is not None for each in alive) < 5
